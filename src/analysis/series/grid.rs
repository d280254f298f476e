//! Readings as they come, put on an even grid: what every method here works on.
//!
//! - Readings that are not finite, are beyond what can be squared (10¹⁵⁰), or lie behind now (a clock was ahead) do not count; of several at one time the
//!   last counts; order does not matter.
//! - A counter becomes its rate per second. Where it falls it began anew from zero; where it is negative it is
//!   no counter reading. Nothing is made up across a gap.
//! - A gap longer than all that follows it ends the history: what lies before is another story (or another clock).
//! - The step is the smallest round time that keeps the history within a thousand steps. A step's value is the mean of
//!   its readings, and steps are counted back from the newest one, so that the last is never half full.
//! - Steps without a reading are filled in, in a straight line or, when the gap is long and there are seasons, from the
//!   same time of the season before or after, and marked: they are never judged, counted or learned from.

use crate::domain::{Span, Timestamp};

use super::{Ask, Kind, NoForecast};

/// Most steps of history, and of the future.
const MOST_BACK: i64 = 1_008;
const MOST_AHEAD: i64 = 250;
/// A counter's rate is not taken over more than this many usual distances.
const BRIDGE: i64 = 5;
/// The newest reading may be this many usual distances old.
const OLD: i64 = 10;
/// Filled in straight up to this many steps.
const SHORT: usize = 3;
/// Largest share of steps without a reading.
const MOST_MISSING: f64 = 0.5;
/// Round times in seconds.
const ROUND: [i64; 18] = [
    15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 14_400, 21_600, 43_200, 86_400,
    172_800, 604_800, 2_592_000,
];
const DAY: i64 = 86_400_000;

/// An even line, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Grid {
    pub(super) values: Vec<f64>,
    /// Whether a step had a reading.
    pub(super) known: Vec<bool>,
    /// Length of a step.
    pub(super) step: i64,
    /// Time of the newest reading; the last step ends there.
    pub(super) last: i64,
    /// The newest reading itself.
    pub(super) newest: f64,
    /// Readings in the steps.
    pub(super) used: usize,
}

/// Puts readings on a grid.
pub(super) fn lay(points: &[(Timestamp, f64)], ask: &Ask) -> Result<Grid, NoForecast> {
    let now = ask.now.millis();
    let mut readings = clean(points, now);
    if ask.kind == Kind::Counter {
        readings = rates(&readings);
    }
    let Some(&(last, newest)) = readings.last() else { return Err(NoForecast::NoReadings) };
    let spacing = spacing(&readings);
    let horizon = ask.horizon.millis();
    let age = now.saturating_sub(last);
    if age > spacing.saturating_mul(OLD).max(horizon / 4) {
        return Err(NoForecast::Stale { age: Span::from_millis(age) });
    }
    let from = readings.get(beginning(&readings)).map_or(last, |(t, _)| *t);
    let span = last.saturating_sub(from);
    let wide =
        (spacing / 10 * 9).max(span / MOST_BACK).max(horizon.saturating_add(age) / MOST_AHEAD);
    let round = ROUND.iter().map(|secs| secs * 1_000).find(|ms| *ms >= wide);
    let step = round.unwrap_or(wide).max(1);
    let count = usize::try_from(span / step + 1).unwrap_or(0);
    let mut sums = vec![(0.0, 0usize); count];
    for (t, value) in readings.iter().filter(|(t, _)| *t >= from) {
        let back = usize::try_from((last - t) / step).unwrap_or(usize::MAX);
        if let Some((mean, n)) = count.checked_sub(back + 1).and_then(|at| sums.get_mut(at)) {
            *n += 1;
            // As a running mean, since the sum of great numbers may not be a number.
            *mean += value / *n as f64 - *mean / *n as f64;
        }
    }
    let known: Vec<bool> = sums.iter().map(|(_, n)| *n > 0).collect();
    let used = sums.iter().map(|(_, n)| n).sum();
    let missing = known.iter().filter(|known| !**known).count() as f64 / count.max(1) as f64;
    if missing > MOST_MISSING {
        return Err(NoForecast::MostlyGaps { missing });
    }
    let values = sums.into_iter().map(|(value, _)| value).collect();
    let mut grid = Grid { values, known, step, last, newest, used };
    grid.fill_straight();
    Ok(grid)
}

impl Grid {
    /// A day and a week in steps, where they are whole.
    pub(super) fn calendar(&self) -> (Option<usize>, Option<usize>) {
        let whole = |span: i64| {
            let steps = (span % self.step == 0).then(|| usize::try_from(span / self.step).ok());
            steps.flatten().filter(|steps| *steps > 1)
        };
        (whole(DAY), whole(7 * DAY))
    }

    /// Share of steps that were filled in.
    pub(super) fn filled(&self) -> f64 {
        let missing = self.known.iter().filter(|known| !**known).count();
        missing as f64 / self.known.len().max(1) as f64
    }

    /// Stretches of steps without a reading, first and one behind the last; never at the ends.
    fn gaps(&self) -> Vec<(usize, usize)> {
        let mut gaps: Vec<(usize, usize)> = Vec::new();
        for at in self.known.iter().enumerate().filter(|(_, known)| !**known).map(|(at, _)| at) {
            match gaps.last_mut() {
                Some((_, end)) if *end == at => *end += 1,
                _ => gaps.push((at, at + 1)),
            }
        }
        gaps
    }

    fn fill_straight(&mut self) {
        for (from, to) in self.gaps() {
            let (Some(before), Some(&after)) = (from.checked_sub(1), self.values.get(to)) else {
                continue;
            };
            let left = self.values[before];
            let width = (to - before) as f64;
            for at in from..to {
                let share = (at - before) as f64 / width;
                self.values[at] = left * (1.0 - share) + after * share;
            }
        }
    }

    /// Fills long gaps anew: from the nearest earlier or later time of the longest season that was measured.
    pub(super) fn fill_seasons(&mut self, seasons: &[usize]) {
        let Some(&longest) = seasons.last() else { return };
        for (from, to) in self.gaps().into_iter().filter(|(from, to)| to - from > SHORT) {
            for at in from..to {
                let seen = |other: usize| self.known.get(other).copied().unwrap_or(false);
                let before = (1..).map_while(|k| at.checked_sub(k * longest)).find(|t| seen(*t));
                let after = (1..).map(|k| at + k * longest).take_while(|t| *t < self.known.len());
                let source = before.or_else(|| after.clone().find(|t| seen(*t)));
                if let Some(value) = source.and_then(|t| self.values.get(t).copied()) {
                    self.values[at] = value;
                }
            }
        }
    }
}

/// Squares of more than this are not numbers.
const GREATEST: f64 = 1e150;

/// Usable readings up to now in order of time, the last of those with equal times.
fn clean(points: &[(Timestamp, f64)], now: i64) -> Vec<(i64, f64)> {
    let usable = points.iter().map(|(t, value)| (t.millis(), *value));
    let mut all: Vec<_> = usable.filter(|(t, v)| v.abs() <= GREATEST && *t <= now).collect();
    all.sort_by_key(|(t, _)| *t);
    // The sort keeps the order of arrival among equals, and of those the last one counts.
    all.reverse();
    all.dedup_by_key(|(t, _)| *t);
    all.reverse();
    all
}

/// A counter's rate per second, at the later of each two readings.
fn rates(readings: &[(i64, f64)]) -> Vec<(i64, f64)> {
    let counts: Vec<(i64, f64)> = readings.iter().copied().filter(|(_, v)| *v >= 0.0).collect();
    let most = spacing(&counts).saturating_mul(BRIDGE);
    counts
        .windows(2)
        .filter_map(|pair| {
            let [(t, before), (u, after)] = *pair else { return None };
            let grown = if after < before { after } else { after - before };
            (u - t <= most).then(|| (u, grown * 1_000.0 / (u - t) as f64))
        })
        .collect()
}

/// The usual distance between readings: the median.
fn spacing(readings: &[(i64, f64)]) -> i64 {
    let mut all: Vec<i64> =
        readings.windows(2).map(|pair| pair[1].0.saturating_sub(pair[0].0)).collect();
    let middle = all.len() / 2;
    if all.is_empty() { 0 } else { *all.select_nth_unstable(middle).1 }
}

/// The first reading that belongs to the story the last one tells.
fn beginning(readings: &[(i64, f64)]) -> usize {
    let last = readings.last().map_or(0, |(t, _)| *t);
    let usual = spacing(readings).saturating_mul(OLD);
    let broken = |at: &usize| {
        let (before, after) = (readings[at - 1].0, readings[*at].0);
        let gap = after.saturating_sub(before);
        gap > usual && gap > last.saturating_sub(after)
    };
    (1..readings.len()).rev().find(broken).unwrap_or(0)
}
