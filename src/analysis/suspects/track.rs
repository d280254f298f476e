//! One signal of one service: what is usual for it, and how far and how long it is away from that.
//!
//! ```text
//! z(x) = (x − median) / σ      σ = max(1.4826 · MAD, 1.2533 · mean |x − median| where MAD = 0,
//!                                      (q95 − median) / 1.645,  1 % of |median|,
//!                                      0.001 where x is an error ratio)
//! ```
//!
//! The median and a robust width of the time before, as in BARO's RobustScorer (Pham et al., FSE
//! 2024). Signals with spikes have a tail that the MAD does not see; 1.645 is where the normal
//! distribution has its 95th percentile, so that for well-behaved signals both estimates agree and
//! for spiky ones the tail decides. What counts is the worst *pair* of readings one after the other:
//! a single reading is no evidence. Time O(n log n) in the history.

use crate::domain::{Signal, Span, Timestamp};

/// Makes the MAD an estimate of the standard deviation.
const SIGMA_PER_MAD: f64 = 1.4826;
/// Makes the mean absolute deviation an estimate of the standard deviation: √(π/2).
const SIGMA_PER_MEAN: f64 = 1.2533;
/// The 95th percentile of the standard normal distribution.
const NORMAL_95: f64 = 1.645;
/// A width below this share of the middle is a matter of rounding.
const ROUNDING: f64 = 0.01;
/// The same for an error ratio, which is often zero for weeks: one request in a thousand.
const ROUNDING_ERRORS: f64 = 0.001;
/// Nothing is more than this many deviations away: beyond it, only the scale is odd.
const MOST: f64 = 1e4;
/// From here on a pair of readings is away from what is usual: twice in a row beyond two deviations
/// is about as rare as once beyond three.
pub const AWAY: f64 = 2.0;
/// A single reading this many deviations away is away.
const FAR: f64 = 3.0;
/// No alarm is later than this.
const LATEST: Span = Span::from_hours(1);
/// Fewer readings than this say nothing about what is usual.
const LEAST: usize = 3;

/// Readings of a signal: the usual time, and the time in question.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Track {
    /// Readings of a time when all was well, in any order.
    pub before: Vec<f64>,
    /// Readings around the onset, with their times.
    pub points: Vec<(Timestamp, f64)>,
}

impl Track {
    /// Splits one series: what lies before `from` is taken as usual.
    pub fn split(points: &[(Timestamp, f64)], from: Timestamp) -> Self {
        Self {
            before: points.iter().filter(|(t, _)| *t < from).map(|(_, value)| *value).collect(),
            points: points.iter().filter(|(t, _)| *t >= from).copied().collect(),
        }
    }
}

/// The window in question, as a grid of equal steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Grid {
    pub(super) from: Timestamp,
    pub(super) step: Span,
    pub(super) len: usize,
    /// So many of the first steps tell only how a signal moves and when it began. How far it is away is
    /// judged after them, or whatever happened before would count as much as what goes on.
    pub(super) early: usize,
}

impl Grid {
    /// The reading nearest to each step, at most half a step away.
    fn place(&self, points: &[(Timestamp, f64)]) -> Vec<Option<f64>> {
        let step = self.step.millis().max(1);
        let mut cells: Vec<Option<(i64, f64)>> = vec![None; self.len];
        for (t, value) in points {
            let off = t.since(self.from).millis();
            let at = (off.saturating_add(step / 2)).div_euclid(step);
            let Some(cell) = usize::try_from(at).ok().and_then(|at| cells.get_mut(at)) else {
                continue;
            };
            let away = (off - at * step).abs();
            // The larger of two equally near, so that their order changes nothing.
            let nearer = |(kept, old): (i64, f64)| (away, -*value) < (kept, -old);
            if value.is_finite() && cell.is_none_or(nearer) {
                *cell = Some((away, *value));
            }
        }
        cells.into_iter().map(|cell| cell.map(|(_, value)| value)).collect()
    }
}

/// A signal judged over a grid.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judged {
    /// Robust deviations in the bad direction by step; what is better than usual is zero.
    pub(super) z: Vec<Option<f64>>,
    /// The worst pair of neighbouring readings (the lesser of the two).
    pub(super) worst: f64,
    /// The step at which the first such pair begins that is away from usual.
    pub(super) first: Option<usize>,
    /// What is usual.
    pub(super) usual: f64,
    /// The reading furthest away.
    pub(super) seen: f64,
}

/// Judges a signal; `None` when there is not enough to say what is usual or what is now.
pub(super) fn judge(signal: Signal, track: &Track, grid: Grid, context: Grid) -> Option<Judged> {
    let mut before: Vec<f64> = track.before.iter().copied().filter(|v| v.is_finite()).collect();
    if before.len() < LEAST {
        return None;
    }
    let (usual, up, down) = widths(signal, &mut before)?;
    let one = |value: f64, from: f64| {
        let away = value - from;
        let z = match signal {
            Signal::Latency | Signal::Errors | Signal::Saturation => away / up,
            Signal::Traffic => (away / up).max(-away / down),
        };
        if z.is_finite() { z.clamp(0.0, MOST) } else { 0.0 }
    };
    // What was so for a while before is not what began now.
    let mut recent: Vec<f64> = context.place(&track.points).into_iter().flatten().collect();
    let recent = if recent.len() < LEAST { None } else { median(&mut recent) };
    let cells = grid.place(&track.points);
    let z: Vec<Option<f64>> = cells
        .iter()
        .map(|cell| {
            let value = (*cell)?;
            Some(recent.map_or(MOST, |from| one(value, from)).min(one(value, usual)))
        })
        .collect();
    let pairs = || z.windows(2).map(|w| Some(w[0]?.min(w[1]?)));
    let worst = pairs().skip(grid.early).flatten().fold(0.0, f64::max);
    let first = pairs().position(|pair| pair.is_some_and(|pair| pair >= AWAY));
    let at = (0..z.len()).filter(|at| z[*at].is_some()).max_by(|a, b| {
        let of = |at: usize| z.get(at).copied().flatten().unwrap_or(0.0);
        of(*a).total_cmp(&of(*b)).then(b.cmp(a))
    })?;
    Some(Judged { worst, first, usual, seen: cells.get(at).copied().flatten()?, z })
}

/// The middle, and the width upwards and downwards.
fn widths(signal: Signal, values: &mut [f64]) -> Option<(f64, f64, f64)> {
    let mid = median(values)?;
    values.sort_by(f64::total_cmp);
    let n = values.len();
    let at = |share: f64| values.get(((n - 1) as f64 * share).round() as usize).copied();
    let (low, high) = (at(0.05)?, at(0.95)?);
    let mut away: Vec<f64> = values.iter().map(|value| (value - mid).abs()).collect();
    let mad = median(&mut away)?;
    let core = if mad > 0.0 {
        SIGMA_PER_MAD * mad
    } else {
        SIGMA_PER_MEAN * away.iter().map(|d| d / n as f64).sum::<f64>()
    };
    let least = if signal == Signal::Errors { ROUNDING_ERRORS } else { f64::MIN_POSITIVE };
    let floor = core.max(ROUNDING * mid.abs()).max(least);
    Some((mid, floor.max((high - mid) / NORMAL_95), floor.max((mid - low) / NORMAL_95)))
}

/// The median; of an even number the mean of the two in the middle.
pub(super) fn median(values: &mut [f64]) -> Option<f64> {
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

/// The best correlation of a cause with what followed it after at most `most` steps, and after how many
/// (of equal ones the shortest). Pools and queues take minutes to fill, so that a cause and what it does
/// may look unlike each other at any one moment. At least half of the steps must be compared.
pub(super) fn lagged(
    cause: &[Option<f64>],
    effect: &[Option<f64>],
    most: usize,
) -> Option<(f64, usize)> {
    let most = most.min(cause.len() / 2);
    let one = |lag: usize| Some((correlation(cause, effect.get(lag..)?)?, lag));
    (0..=most).filter_map(one).max_by(|(a, la), (b, lb)| a.total_cmp(b).then(lb.cmp(la)))
}

/// When a signal left its usual range, for an alarm that came late: back from the alarm for as long as
/// it was away, at most an hour; one reading within the range does not end that. What is usual is told by
/// the median and the MAD of everything up to the alarm, which less than half of it cannot move.
/// `None` when it is not away at the alarm, or there is too little to tell.
pub fn began(signal: Signal, points: &[(Timestamp, f64)], alarm: Timestamp) -> Option<Timestamp> {
    let mut line: Vec<(Timestamp, f64)> =
        points.iter().filter(|(t, v)| *t <= alarm && v.is_finite()).copied().collect();
    line.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    if line.len() < LEAST {
        return None;
    }
    let mut values: Vec<f64> = line.iter().map(|(_, value)| *value).collect();
    let mid = median(&mut values)?;
    let mut away: Vec<f64> = values.iter().map(|value| (value - mid).abs()).collect();
    let mad = SIGMA_PER_MAD * median(&mut away)?;
    let least = if signal == Signal::Errors { ROUNDING_ERRORS } else { f64::MIN_POSITIVE };
    let width = mad.max(ROUNDING * mid.abs()).max(least);
    let is_away = |value: f64| match signal {
        Signal::Traffic => (value - mid).abs() >= FAR * width,
        Signal::Latency | Signal::Errors | Signal::Saturation => value - mid >= FAR * width,
    };
    let (mut found, mut within) = (None, 0);
    for (at, value) in line.into_iter().rev() {
        if alarm.since(at) > LATEST {
            break;
        }
        if is_away(value) {
            (found, within) = (Some(at), 0);
        } else {
            within += 1;
            if within > 1 {
                break;
            }
        }
    }
    found
}

/// Pearson's correlation of two judged signals over the steps where both were read; `None` with
/// fewer than four such steps or where one does not move.
pub(super) fn correlation(a: &[Option<f64>], b: &[Option<f64>]) -> Option<f64> {
    let both: Vec<(f64, f64)> = a.iter().zip(b).filter_map(|(a, b)| Some(((*a)?, (*b)?))).collect();
    if both.len() <= LEAST {
        return None;
    }
    let n = both.len() as f64;
    let mean = both.iter().fold((0.0, 0.0), |sum, (x, y)| (sum.0 + x / n, sum.1 + y / n));
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in both {
        let (x, y) = (x - mean.0, y - mean.1);
        (xy, xx, yy) = (xy + x * y, xx + x * x, yy + y * y);
    }
    let r = xy / (xx * yy).sqrt();
    r.is_finite().then(|| r.clamp(-1.0, 1.0))
}
