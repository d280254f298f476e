//! What is usual for a signal at each time: a seasonal, robust range from its own history.
//!
//! Readings of the past are put into slots: hours of the week when the history spans three weeks
//! or more, hours of the day when it spans three days or more. A slot's range is
//!
//! ```text
//! middle ± max(K · σ, SLACK · |middle|)      σ = 1.4826 · MAD
//!                                            MAD = median(|x − middle|),  middle = median(x)
//! ```
//!
//! Where more than half of the readings are equal, the MAD is zero and says nothing about the rest;
//! there σ = 1.2533 · (mean of |x − middle|), as Iglewicz and Hoaglin propose ("How to detect and
//! handle outliers", ASQC 1993). SLACK keeps a line that is almost flat from calling a reading odd
//! that no person would: within a tenth of the middle it is usual.
//!
//! 1.4826 · MAD estimates the standard deviation when the readings are normally distributed
//! (Hampel, "The influence curve and its role in robust estimation", JASA 69, 1974; Rousseeuw and
//! Croux, JASA 88, 1993). Up to half of a slot's readings may be outages without moving its range.
//! A slot takes in its two neighbours, so that a peak that comes a little early is not a surprise,
//! and ranges are joined in a straight line between the slots' middles, so that nothing jumps on
//! the hour. With less history the range is the same all along, from the recent readings alone.
//!
//! What it does not know it does not claim: a slot with too few readings gives no point, and less
//! than thirty readings in all give no band. NaN, infinite and repeated readings do not count;
//! order does not matter (a clock that jumped may have mixed them up); hours are hours in UTC.
//! Values may be negative. Where history was always zero, the range has no height. A trend or a
//! holiday is not understood: the band says what was usual, not what is right.
//!
//! Unit: that of the signal. Time O(n log n) in the history, O(m) in the line; a month of
//! five-minute readings takes a few milliseconds.

use std::collections::HashSet;

use crate::domain::{Band, Series, Span, Timestamp};

/// Half the height of the band in (estimated) standard deviations: of normally distributed
/// readings, about one in 370 lies outside.
pub const K: f64 = 3.0;
/// Makes the MAD an estimate of the standard deviation.
const SIGMA_PER_MAD: f64 = 1.4826;
/// Makes the mean absolute deviation an estimate of the standard deviation: √(π/2).
const SIGMA_PER_MEAN: f64 = 1.2533;
/// Least half of the height, as a share of the middle.
const SLACK: f64 = 0.1;
/// Fewer readings than this say nothing.
const LEAST: usize = 30;
/// A slot (with its neighbours) needs this many readings.
const LEAST_IN_SLOT: usize = 6;
const HOUR: i64 = 3_600_000;
const DAYS_FOR_WEEK: i64 = 21;
const DAYS_FOR_DAY: i64 = 3;

/// Low, middle, high.
type Range = (f64, f64, f64);

/// What is usual at each time of `over`, from `history` (which may include `over`'s own time).
pub fn band(history: &Series, over: &Series) -> Band {
    let readings = clean(&history.points);
    let none = Band { points: Vec::new(), basis: "not enough history" };
    let (Some(first), Some(last)) = (readings.first(), readings.last()) else { return none };
    if readings.len() < LEAST {
        return none;
    }
    // A month with an hour of readings at each end is no month: what counts is days with readings.
    let days: HashSet<i64> =
        readings.iter().map(|(t, _)| t.millis().div_euclid(24 * HOUR)).collect();
    let days = i64::try_from(days.len()).unwrap_or(i64::MAX);
    let span = last.0.since(first.0);
    let enough = |wanted: i64| span >= Span::from_days(wanted) && days >= wanted;
    let seasons = [
        (DAYS_FOR_WEEK, 7 * 24, "hour of week, median ± 3 robust deviations"),
        (DAYS_FOR_DAY, 24, "hour of day, median ± 3 robust deviations"),
    ];
    for (wanted, hours, basis) in seasons {
        if enough(wanted) {
            let slots = Slots::new(&readings, hours);
            let points = over
                .points
                .iter()
                .filter_map(|(t, _)| slots.at(*t).map(|(low, mid, high)| (*t, low, mid, high)))
                .collect();
            return Band { points, basis };
        }
    }
    let mut values: Vec<f64> = readings.iter().map(|(_, value)| *value).collect();
    let Some((low, mid, high)) = range(&mut values) else { return none };
    Band {
        points: over.points.iter().map(|(t, _)| (*t, low, mid, high)).collect(),
        basis: "recent readings, median ± 3 robust deviations",
    }
}

/// Finite readings in order of time, the last of those with equal times.
fn clean(points: &[(Timestamp, f64)]) -> Vec<(Timestamp, f64)> {
    let mut all: Vec<_> = points.iter().copied().filter(|(_, value)| value.is_finite()).collect();
    // By value too, so that the order in which equal times come changes nothing.
    all.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    all.dedup_by_key(|(t, _)| *t);
    all
}

/// Middle and height of a set of readings; `None` when it is empty.
fn range(values: &mut [f64]) -> Option<Range> {
    let mid = median(values)?;
    let mut away: Vec<f64> = values.iter().map(|value| (value - mid).abs()).collect();
    let mad = median(&mut away)?;
    let sigma = if mad > 0.0 {
        SIGMA_PER_MAD * mad
    } else {
        // Divided first, since the sum of great numbers may not be a number.
        let n = away.len() as f64;
        SIGMA_PER_MEAN * away.iter().map(|d| d / n).sum::<f64>()
    };
    let half = (K * sigma).max(SLACK * mid.abs());
    Some((mid - half, mid, mid + half))
}

/// The median; of an even number the mean of the two in the middle.
fn median(values: &mut [f64]) -> Option<f64> {
    let at = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    let even = values.len().is_multiple_of(2);
    let (below, upper, _) = values.select_nth_unstable_by(at, f64::total_cmp);
    let upper = *upper;
    if !even {
        return Some(upper);
    }
    let lower = below.iter().copied().max_by(f64::total_cmp)?;
    // Halved first, since the sum of two great numbers may not be a number.
    Some(lower / 2.0 + upper / 2.0)
}

/// Ranges by hour of a season.
struct Slots(Vec<Option<Range>>);

impl Slots {
    fn new(readings: &[(Timestamp, f64)], hours: usize) -> Self {
        let mut slots: Vec<Vec<f64>> = vec![Vec::new(); hours];
        for (t, value) in readings {
            if let Some(slot) = slots.get_mut(hour_of(*t, hours)) {
                slot.push(*value);
            }
        }
        let around = |at: usize| {
            let near = [(at + hours - 1) % hours, at, (at + 1) % hours];
            let mut values: Vec<f64> =
                near.iter().filter_map(|at| slots.get(*at)).flatten().copied().collect();
            let own = slots.get(at).is_some_and(|slot| !slot.is_empty());
            if own && values.len() >= LEAST_IN_SLOT { range(&mut values) } else { None }
        };
        Self((0..hours).map(around).collect())
    }

    /// The range at a time, on the straight line between the middles of two slots.
    fn at(&self, t: Timestamp) -> Option<Range> {
        let hours = self.0.len();
        let here = hour_of(t, hours);
        let own = (*self.0.get(here)?)?;
        // −0.5 at the beginning of the hour, 0 at its middle, +0.5 at its end.
        let into = t.millis().rem_euclid(HOUR) as f64 / HOUR as f64 - 0.5;
        let beside = if into < 0.0 { here + hours - 1 } else { here + 1 } % hours;
        let Some(other) = self.0.get(beside).copied().flatten() else { return Some(own) };
        let share = into.abs();
        let mix = |a: f64, b: f64| a * (1.0 - share) + b * share;
        Some((mix(own.0, other.0), mix(own.1, other.1), mix(own.2, other.2)))
    }
}

/// Which hour of a day or a week (from Monday) in UTC.
fn hour_of(t: Timestamp, hours: usize) -> usize {
    // The epoch was a Thursday.
    let since_monday = t.millis().div_euclid(HOUR).saturating_add(3 * 24);
    usize::try_from(since_monday.rem_euclid(i64::try_from(hours).unwrap_or(1))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Labels;
    use proptest::prelude::*;

    fn series(points: Vec<(i64, f64)>) -> Series {
        let points = points.into_iter().map(|(ms, v)| (Timestamp::from_millis(ms), v)).collect();
        Series { labels: Labels::default(), points }
    }

    /// `days` of readings every ten minutes from a Monday on: busy from 9 to 17 on weekdays.
    fn office(days: i64, jitter: f64) -> Vec<(i64, f64)> {
        let start = 4 * 24 * HOUR; // the first Monday after the epoch
        (0..days * 144)
            .map(|i| {
                let t = start + i * 600_000;
                let (hour, day) = (t / HOUR % 24, (t / HOUR / 24 + 3) % 7);
                let busy = (9..17).contains(&hour) && day < 5;
                let wave = [0.0, 1.0, -1.0, 2.0, -2.0][usize::try_from(i % 5).unwrap()];
                (t, if busy { 100.0 } else { 10.0 } + jitter * wave)
            })
            .collect()
    }

    fn at(history: &[(i64, f64)], t: i64) -> (Range, &'static str) {
        let band = band(&series(history.to_vec()), &series(vec![(t, 0.0)]));
        let (_, low, mid, high) = band.points[0];
        ((low, mid, high), band.basis)
    }

    #[test]
    fn four_weeks_know_a_sunday_from_a_monday_and_four_days_do_not() {
        let history = office(28, 10.0);
        let (monday, sunday) = (4 * 24 * HOUR + 13 * HOUR, 10 * 24 * HOUR + 13 * HOUR);
        let ((low, mid, high), basis) = at(&history, monday);
        assert_eq!((mid, basis), (100.0, "hour of week, median ± 3 robust deviations"));
        assert!(
            (high - mid - 30.0 * 1.4826).abs() < 1e-9 && (mid - low - 30.0 * 1.4826).abs() < 1e-9
        );
        assert_eq!(at(&history, sunday).0.1, 10.0);
        let ((_, mid, _), basis) = at(&office(4, 1.0), sunday);
        assert_eq!((mid, basis), (100.0, "hour of day, median ± 3 robust deviations"));
        let basis = at(&office(2, 1.0), monday).1;
        assert_eq!(basis, "recent readings, median ± 3 robust deviations");
    }

    #[test]
    fn a_third_of_outages_does_not_become_usual() {
        let mut history = office(28, 1.0);
        for (t, value) in &mut history {
            if (*t / HOUR / 24) % 3 == 0 {
                *value = 0.0;
            }
        }
        let (low, mid, _) = at(&history, 4 * 24 * HOUR + 13 * HOUR).0;
        assert!(mid > 98.0 && low > 80.0, "{low} {mid}");
    }

    #[test]
    fn a_line_that_is_mostly_zero_allows_for_its_blips() {
        // Two readings of five are a blip of 0.001; the MAD alone is zero and would call each odd.
        let blips = |i: i64| if i % 5 < 2 { 0.001 } else { 0.0 };
        let history: Vec<_> = (0..28 * 144).map(|i| (i * 600_000, blips(i))).collect();
        let (low, mid, high) = at(&history, 13 * HOUR).0;
        assert!(mid == 0.0 && high > 0.001 && high < 0.002 && low == -high, "{low} {mid} {high}");
    }

    #[test]
    fn too_little_says_so_and_draws_nothing() {
        let over = series(vec![(0, 1.0)]);
        let mut few: Vec<_> = (0..29).map(|i| (i * 60_000, 5.0)).collect();
        few.extend((30..90).map(|i| (i * 60_000, f64::NAN)));
        few.extend([(1, f64::INFINITY), (60_000, 5.0)]);
        let said = Band { points: Vec::new(), basis: "not enough history" };
        assert_eq!(band(&series(few), &over), said);
        assert_eq!(band(&Series::default(), &over), said);
        // Two short stretches three weeks apart are not three weeks of history.
        let mut ends: Vec<_> = (0..20).map(|i| (i * 60_000, 5.0)).collect();
        ends.extend((0..20).map(|i| (30 * 24 * HOUR + i * 60_000, 5.0)));
        assert_eq!(
            band(&series(ends), &over).basis,
            "recent readings, median ± 3 robust deviations"
        );
    }

    #[test]
    fn an_hour_that_was_never_measured_has_no_band() {
        let history: Vec<_> = office(28, 1.0)
            .into_iter()
            .filter(|(t, _)| !(2..6).contains(&(t / HOUR % 24)))
            .collect();
        let over: Vec<_> = (0..24).map(|h| (5 * 24 * HOUR + h * HOUR + HOUR / 2, 0.0)).collect();
        let hours: Vec<i64> = band(&series(history), &series(over))
            .points
            .iter()
            .map(|(t, ..)| t.millis() / HOUR % 24)
            .collect();
        assert_eq!(hours, [0, 1].into_iter().chain(6..24).collect::<Vec<_>>());
    }

    fn readings() -> impl Strategy<Value = Vec<(i64, f64)>> {
        let value = prop_oneof![9 => -1e6..1e6f64, 1 => Just(f64::NAN)];
        prop::collection::vec((0..30 * 24 * HOUR, value), 0..300)
    }

    proptest! {
        #[test]
        fn the_middle_lies_within_and_points_keep_their_times(history in readings(), over in readings()) {
            let (history, over) = (series(history), series(over));
            let band = band(&history, &over);
            prop_assert!(band.points.iter().all(|(_, low, mid, high)| low <= mid && mid <= high));
            prop_assert!(band.points.iter().all(|(t, ..)| over.points.iter().any(|(o, _)| o == t)));
        }

        #[test]
        fn order_does_not_matter(mut history in readings(), over in readings()) {
            let over = series(over);
            let one = band(&series(history.clone()), &over);
            history.reverse();
            prop_assert_eq!(one, band(&series(history), &over));
        }

        #[test]
        fn around_a_constant_a_tenth_is_usual(value in -1e9..1e9f64, days in 1..30i64) {
            let history: Vec<_> = (0..days * 24).map(|h| (h * HOUR + 7, value)).collect();
            let over = series(vec![(3 * HOUR + 12345, 0.0)]);
            for (_, low, mid, high) in band(&series(history), &over).points {
                let close = |x: f64, y: f64| (x - y).abs() <= value.abs() * 1e-12;
                let slack = value.abs() * 0.1;
                prop_assert!(close(low, value - slack) && close(mid, value) && close(high, value + slack));
            }
        }

        #[test]
        fn doubling_every_reading_doubles_the_band(history in readings(), over in readings()) {
            let double = history.iter().map(|(t, v)| (*t, v * 2.0)).collect();
            let over = series(over);
            let (one, two) = (band(&series(history), &over), band(&series(double), &over));
            let doubled: Vec<_> =
                one.points.iter().map(|(t, l, m, h)| (*t, l * 2.0, m * 2.0, h * 2.0)).collect();
            prop_assert_eq!((doubled, one.basis), (two.points, two.basis));
        }
    }
}
