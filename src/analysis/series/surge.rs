//! A line that rises now. A pool can fill within minutes; the forecast of a day, which looks in steps of
//! ten minutes, sees that when it is over.
//!
//! ```text
//! slope      median of all (vⱼ − vᵢ) / (tⱼ − tᵢ), i < j           Theil 1950, Sen 1968
//! interval   the slopes at ranks (N ∓ 1.96 σ) / 2 of N,           σ² = n (n − 1) (2n + 5) / 18
//!            where n counts readings (Kendall's S under no trend)
//! ```
//!
//! Where the rise began is found by least squares: a level up to a reading and a straight line from there,
//! whichever reading leaves the least. It counts as a rise only when the whole interval of the slope is
//! above zero and it has left the scatter of the level behind. Readings that repeat the one before are one
//! (whoever scrapes once a minute and is asked every five seconds has said nothing twelve times). A rise is
//! continued for ten times as long as it has been seen. Time O(n² log n), some forty readings.

use crate::domain::{Span, Timestamp};

use super::forecast::crossing;
use super::{Ask, Backtest, Crossing, Forecast, Limit, Step};

/// Fewer readings are no rise.
const LEAST: usize = 6;
/// More than this many of the newest readings are not looked at.
const MOST: usize = 60;
/// A rise is continued for this many times as long as it has been seen.
const REACH: i64 = 10;
/// Most coming steps.
const AHEAD: i64 = 120;
/// Standard normal: between minus and plus this lie 95 of 100.
const NORMAL_975: f64 = 1.96;
/// A rise leaves the level behind when it is this many times its standard deviation.
const CLEAR: f64 = 4.0;
/// Makes the median absolute deviation a standard deviation.
const SIGMA_PER_MAD: f64 = 1.4826;
/// A rise that is not going on any more: nothing new for so many usual distances.
const OVER: i64 = 3;

/// The rise a line is in, continued; `None` when it is in none, or it does not reach the limit as far as it
/// can be continued.
pub fn surge(points: &[(Timestamp, f64)], ask: &Ask) -> Option<Forecast> {
    let Some(Limit::Above(limit)) = ask.limit else { return None };
    let line = told(points, ask.now);
    let (last, newest) = *line.last()?;
    // Most lines do not rise; they are not worth a look at all pairs.
    if newest >= limit || line.len() < LEAST || newest <= line.get(line.len() - LEAST)?.1 {
        return None;
    }
    let rise = line.get(begin(&line)..)?;
    let spacing = spacing(rise)?;
    let stalled = ask.now.since(last).millis() > spacing.saturating_mul(OVER);
    let level = line.get(..line.len() - rise.len())?;
    let trend = Trend::of(rise)?;
    // Without a level to leave behind there must be more of the rise. A level may well stand still.
    let from = rise.first()?.0;
    let before = points.iter().filter(|(t, v)| *t < from && v.is_finite()).count();
    let short = before < LEAST && rise.len() < 2 * LEAST;
    let clear = newest - rise.first()?.1 >= CLEAR * scatter(level);
    if stalled || short || !clear || trend.low <= 0.0 {
        return None;
    }
    let seen = last.since(rise.first()?.0).millis();
    let reach = seen.saturating_mul(REACH).min(ask.horizon.millis());
    let step = spacing.max(reach / AHEAD).max(1);
    let steps: Vec<Step> = (1..=reach / step)
        .map(|k| trend.at(last.plus(Span::from_millis(step.saturating_mul(k)))))
        .collect();
    let crossing = crossing(&steps, ask, newest);
    if !matches!(crossing, Crossing::Within { .. }) {
        return None;
    }
    Some(Forecast {
        steps,
        crossing,
        backtest: backtest(rise)?,
        method: "the straight line it has been rising along",
        seasons: Vec::new(),
        step: Span::from_millis(step),
        from: last,
        used: rise.len(),
        filled: 0.0,
        cautions: vec!["It rests on the last minutes alone."],
    })
}

/// The newest readings in the order of time, without those that only repeat the one before.
fn told(points: &[(Timestamp, f64)], now: Timestamp) -> Vec<(Timestamp, f64)> {
    let mut line: Vec<(Timestamp, f64)> =
        points.iter().filter(|(t, v)| *t <= now && v.is_finite()).copied().collect();
    line.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    line.dedup_by_key(|(t, _)| *t);
    line.dedup_by_key(|(_, value)| value.to_bits());
    line.split_off(line.len().saturating_sub(MOST))
}

/// The usual distance of readings in milliseconds.
fn spacing(line: &[(Timestamp, f64)]) -> Option<i64> {
    let mut apart: Vec<i64> = line.windows(2).map(|w| w[1].0.since(w[0].0).millis()).collect();
    apart.sort_unstable();
    apart.get(apart.len() / 2).copied()
}

/// Where the straight line begins that, with a level before it, leaves the least squares.
fn begin(line: &[(Timestamp, f64)]) -> usize {
    let left = |at: usize| {
        let (before, after) = line.split_at(at);
        let mean = before.iter().map(|(_, v)| v / before.len().max(1) as f64).sum::<f64>();
        let level: f64 = before.iter().map(|(_, v)| (v - mean).powi(2)).sum();
        level + straight(after)
    };
    let starts = 0..=line.len().saturating_sub(LEAST);
    starts.min_by(|a, b| left(*a).total_cmp(&left(*b))).unwrap_or(0)
}

/// What a straight line by least squares leaves.
fn straight(line: &[(Timestamp, f64)]) -> f64 {
    let Some((from, _)) = line.first() else { return 0.0 };
    let n = line.len() as f64;
    let points = || line.iter().map(|(t, v)| (t.since(*from).seconds(), *v));
    let (x, y) = points().fold((0.0, 0.0), |(x, y), (t, v)| (x + t / n, y + v / n));
    let (xx, xy, yy) = points().fold((0.0, 0.0, 0.0), |(xx, xy, yy), (t, v)| {
        let (t, v) = (t - x, v - y);
        (xx + t * t, xy + t * v, yy + v * v)
    });
    if xx > 0.0 { (yy - xy * xy / xx).max(0.0) } else { yy }
}

/// The standard deviation of a level.
fn scatter(level: &[(Timestamp, f64)]) -> f64 {
    let n = level.len().max(1) as f64;
    let mean = level.iter().map(|(_, v)| v / n).sum::<f64>();
    level.iter().map(|(_, v)| (v - mean).powi(2) / n).sum::<f64>().sqrt()
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// A straight line with the interval of its slope.
struct Trend {
    last: Timestamp,
    /// Of the line, at the last reading.
    level: f64,
    slope: f64,
    low: f64,
    high: f64,
    scatter: f64,
}

impl Trend {
    fn of(line: &[(Timestamp, f64)]) -> Option<Self> {
        let (last, _) = *line.last()?;
        let mut slopes = Vec::with_capacity(line.len() * line.len() / 2);
        for (at, (t, v)) in line.iter().enumerate() {
            for (later, value) in line.iter().skip(at + 1) {
                slopes.push((value - v) / later.since(*t).seconds());
            }
        }
        slopes.sort_by(f64::total_cmp);
        let n = line.len() as f64;
        let half = NORMAL_975 * (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
        let all = slopes.len() as f64;
        let rank = |rank: f64| slopes.get(rank.clamp(0.0, all - 1.0) as usize).copied();
        let (slope, low, high) =
            (rank(all / 2.0)?, rank((all - half) / 2.0)?, rank(((all + half) / 2.0).ceil())?);
        let to_last = |(t, v): &(Timestamp, f64)| v + slope * last.since(*t).seconds();
        let level = median(line.iter().map(to_last).collect())?;
        let off = median(line.iter().map(|point| (to_last(point) - level).abs()).collect())?;
        Some(Self { last, level, slope, low, high, scatter: SIGMA_PER_MAD * off })
    }

    fn at(&self, at: Timestamp) -> Step {
        let ahead = at.since(self.last).seconds();
        let finite = |value: f64| value.clamp(f64::MIN, f64::MAX);
        Step {
            at,
            mean: finite(self.level + self.slope * ahead),
            lower: finite(self.level + self.low * ahead - NORMAL_975 * self.scatter),
            upper: finite(self.level + self.high * ahead + NORMAL_975 * self.scatter),
        }
    }
}

/// The newest third held back and told from the rest.
fn backtest(rise: &[(Timestamp, f64)]) -> Option<Backtest> {
    let (known, held) = rise.split_at(rise.len() - rise.len() / 3);
    let (trend, (_, last)) = (Trend::of(known)?, *known.last()?);
    let count = held.len() as f64;
    let mean = |of: &dyn Fn(&Step, f64) -> f64| -> f64 {
        held.iter().map(|(t, value)| of(&trend.at(*t), *value) / count).sum()
    };
    let error = mean(&|step, value| (value - step.mean).abs());
    let naive = mean(&|_, value| (value - last).abs());
    let size = |step: &Step, value: f64| (value.abs() + step.mean.abs()).max(f64::MIN_POSITIVE);
    Some(Backtest {
        smape: mean(&|step, value| 200.0 * (value - step.mean).abs() / size(step, value)),
        mase: if naive > 0.0 { error / naive } else { 1.0 },
        error,
        coverage: mean(&|step, value| {
            f64::from(u8::from((step.lower..=step.upper).contains(&value)))
        }),
        readings: held.len(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::analysis::series::Kind;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + secs * 1_000)
    }

    fn ask(now: i64, limit: f64) -> Ask {
        let (horizon, limit) = (Span::from_hours(24), Some(Limit::Above(limit)));
        Ask { horizon, limit, kind: Kind::Gauge, now: at(now) }
    }

    /// Forty readings in steps of five seconds: some ten in use, and five more a second from `from` on.
    fn pool(from: i64, until: i64) -> Vec<(Timestamp, f64)> {
        let value = |t: i64| 10.0 + (t / 5 * 7 % 5) as f64 + 5.0 * (t - from).max(0) as f64;
        (0..=until / 5).map(|i| (at(i * 5), value(i * 5))).collect()
    }

    #[test]
    fn a_pool_that_fills_within_a_minute_says_when_it_is_full() {
        let found = surge(&pool(150, 180), &ask(182, 250.0)).unwrap();
        let Crossing::Within { earliest, expected, latest } = found.crossing else {
            panic!("{found:?}")
        };
        // 240 above the level at five a second: 48 seconds after it began, at 198.
        let expected = expected.unwrap();
        assert!((at(195)..=at(205)).contains(&expected), "{:?}", found.crossing);
        assert!(earliest <= expected && latest.is_none_or(|latest| expected <= latest));
        assert_eq!((found.used, found.backtest.readings), (6, 2));
        assert!(found.backtest.error < 10.0, "{:?}", found.backtest);
    }

    #[test]
    fn what_does_not_rise_or_rises_no_more_is_no_surge() {
        let flat = pool(1_000, 200);
        assert_eq!(surge(&flat, &ask(200, 250.0)), None);
        let rose = pool(100, 150);
        assert_eq!(surge(&rose, &ask(190, 2_500.0)), None, "nothing new for forty seconds");
        assert!(surge(&rose, &ask(152, 2_500.0)).is_some());
        let mut held = rose.clone();
        held.extend((31..40).map(|i| (at(i * 5), rose.last().unwrap().1)));
        assert_eq!(surge(&held, &ask(195, 2_500.0)), None, "it stays where it is");
        let falls: Vec<_> = rose.iter().map(|(t, v)| (*t, 500.0 - v)).collect();
        assert_eq!(surge(&falls, &ask(152, 600.0)), None);
        assert_eq!(surge(&rose, &ask(152, 200.0)), None, "full is no forecast");
    }

    #[test]
    fn a_rise_seen_for_a_minute_says_nothing_about_the_day() {
        assert_eq!(surge(&pool(100, 160), &ask(160, 100_000.0)), None);
    }

    #[test]
    fn whoever_is_asked_more_often_than_he_looks_has_not_said_more() {
        // A reading a minute, asked for every five seconds: three steps of a stair are no line.
        let stairs: Vec<_> = (0..36).map(|i| (at(i * 5), (i / 12 * 40) as f64)).collect();
        assert_eq!(surge(&stairs, &ask(176, 200.0)), None);
    }

    proptest! {
        #[test]
        fn any_readings_in_any_order_are_fine(
            points in prop::collection::vec(
                (0..400i64, prop_oneof![6 => -1e3..1e3f64, 1 => Just(f64::NAN), 1 => Just(f64::MAX), 1 => Just(f64::MIN)]),
                0..90,
            ),
            limit in prop_oneof![Just(f64::NAN), -1e3..1e4f64],
        ) {
            let points: Vec<_> = points.into_iter().map(|(t, v)| (at(t), v)).collect();
            let found = surge(&points, &ask(400, limit));
            let mut turned = points.clone();
            turned.reverse();
            let again = surge(&turned, &ask(400, limit));
            prop_assert_eq!(format!("{found:?}"), format!("{again:?}"));
            for step in found.into_iter().flat_map(|found| found.steps) {
                prop_assert!(step.lower <= step.mean && step.mean <= step.upper, "{:?}", step);
                prop_assert!(step.at > at(0));
            }
        }

        #[test]
        fn noise_around_a_level_seldom_fills_anything(seed in 0..500u64) {
            let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
            let mut next = || {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                (random >> 40) as f64 / f64::from(1u32 << 24)
            };
            let line: Vec<_> = (0..40).map(|i| (at(i * 15), 50.0 + 5.0 * next())).collect();
            prop_assert!(surge(&line, &ask(585, 100.0)).is_none());
        }
    }
}
