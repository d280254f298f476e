//! Which seasons a line has: found, not assumed.
//!
//! A period p is a season when the phase explains the line: with the line's slow movement taken away (a centred
//! mean over one period) and every phase replaced by its mean,
//!
//! ```text
//! strength = 1 − (n − 1)/(n − p) · Σ(y − phase)² / Σ(y − ȳ)²  ≥ LEAST
//! ```
//!
//! which is the adjusted R² of the phases; after Wang, Smith and Hyndman, "Characteristic-based clustering for
//! time series data", 2006. Pure noise gives about 0, whatever the period. Days and weeks are tried first, since
//! people live by them; a week must explain what the day leaves over. Only if there is no day, the
//! highest peak of the autocorrelation is tried too, for jobs that run every few minutes.
//!
//! Time O(n) for each period tried, O(n²) for the free search; n is at most about a thousand here.

/// Strength from which a period is a season.
const LEAST: f64 = 0.25;
/// Whole periods the line must hold.
const CYCLES: usize = 3;
/// A week repeats less often in what is kept.
const LONG_CYCLES: usize = 2;

/// Periods in steps, shortest first, at most two; `day` and `week` are their lengths in steps, if whole.
pub(super) fn find(
    values: &[f64],
    known: &[bool],
    day: Option<usize>,
    week: Option<usize>,
) -> Vec<usize> {
    let fits = |period: &usize, cycles| *period > 1 && values.len() >= cycles * period;
    let mut found = Vec::new();
    let mut left = values.to_vec();
    if let Some(day) = day.filter(|day| fits(day, CYCLES)) {
        let level = detrended(values, day);
        if let Some(rest) = explained(&level, known, day) {
            found.push(day);
            left = values.iter().zip(level.iter().zip(rest)).map(|(v, (l, r))| v - l + r).collect();
        }
    }
    if let Some(week) = week.filter(|week| fits(week, LONG_CYCLES)) {
        let level = detrended(&left, week);
        if explained(&level, known, week).is_some() {
            found.push(week);
        }
    }
    if found.is_empty()
        && let Some(period) = peak(values).filter(|period| fits(period, CYCLES))
        && explained(&detrended(values, period), known, period).is_some()
    {
        found.push(period);
    }
    found
}

/// The line less its centred mean over one period; at the ends less the nearest such mean.
fn detrended(values: &[f64], period: usize) -> Vec<f64> {
    let n = values.len();
    let mut sums = vec![0.0; n + 1];
    for (at, value) in values.iter().enumerate() {
        sums[at + 1] = sums[at] + value;
    }
    let last = n.saturating_sub(period);
    let of = |(at, value): (usize, &f64)| {
        let from = at.saturating_sub(period / 2).min(last);
        let to = (from + period).min(n);
        value - (sums[to] - sums[from]) / (to - from).max(1) as f64
    };
    values.iter().enumerate().map(of).collect()
}

/// What is left when every phase's mean is taken away, if that explains enough of the known steps.
fn explained(level: &[f64], known: &[bool], period: usize) -> Option<Vec<f64>> {
    let mut phases = vec![(0.0, 0.0); period];
    let measured =
        || level.iter().enumerate().zip(known).filter(|(_, known)| **known).map(|(l, _)| l);
    for (at, value) in measured() {
        let (sum, count) = &mut phases[at % period];
        *sum += value;
        *count += 1.0;
    }
    let n = measured().count();
    let mean = measured().map(|(_, v)| v / n as f64).sum::<f64>();
    // A phase that was never measured is as the mean.
    let of = |at: usize| match phases[at % period] {
        (sum, count) if count > 0.0 => sum / count,
        _ => mean,
    };
    let rest: Vec<f64> = level.iter().enumerate().map(|(at, value)| value - of(at)).collect();
    let square = |it: f64| it * it;
    let (before, after) = (
        measured().map(|(_, v)| square(v - mean)).sum::<f64>(),
        measured().map(|(at, v)| square(v - of(at))).sum::<f64>(),
    );
    // What rounding leaves of a constant is no season.
    let tiny = square(1e-9 * level.iter().fold(0.0, |m: f64, v| m.max(v.abs())));
    if n <= period || before <= tiny * n as f64 || before <= f64::MIN_POSITIVE {
        return None;
    }
    let strength = 1.0 - (n - 1) as f64 / (n - period) as f64 * after / before;
    (strength >= LEAST).then_some(rest)
}

/// The period of the highest autocorrelation behind its first fall below zero.
fn peak(values: &[f64]) -> Option<usize> {
    let n = values.len();
    let mean = values.iter().map(|v| v / n as f64).sum::<f64>();
    let centred: Vec<f64> = values.iter().map(|v| v - mean).collect();
    let correlation = |lag: usize| {
        centred.iter().zip(&centred[lag..]).map(|(a, b)| a * b).sum::<f64>() / (n - lag) as f64
    };
    let most = n / CYCLES;
    let first = (1..most).find(|lag| correlation(*lag) < 0.0)?;
    let all: Vec<(usize, f64)> = (first..=most).map(|lag| (lag, correlation(lag))).collect();
    let high = all.iter().map(|(_, c)| *c).fold(0.0, f64::max);
    // The shortest that is nearly as good, not a multiple of it.
    all.iter().find(|(_, c)| high > 0.0 && *c >= 0.9 * high).map(|(lag, _)| *lag).and_then(|near| {
        let close = all.iter().filter(|(lag, _)| lag.abs_diff(near) <= near / 4);
        close.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(lag, _)| *lag)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uniform between −1 and 1, the same on every machine.
    fn noise(n: usize, mut seed: u64) -> Vec<f64> {
        let mut next = || {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        (0..n).map(|_| next()).collect()
    }

    fn hours(n: usize, of: impl Fn(usize) -> f64) -> Vec<usize> {
        let line: Vec<f64> = (0..n).zip(noise(n, 7)).map(|(t, e)| of(t) + e).collect();
        find(&line, &[true; 700][..line.len()], Some(24), Some(168))
    }

    fn swing(t: usize, period: usize) -> f64 {
        (t as f64 / period as f64 * std::f64::consts::TAU).sin()
    }

    #[test]
    fn days_weeks_both_or_neither_are_told_apart() {
        let day = |t: usize| 3.0 * swing(t, 24);
        let week = |t: usize| if t % 168 >= 120 { -4.0 } else { 0.0 };
        let found = [
            hours(700, day),
            hours(700, |t| day(t) + week(t)),
            hours(700, week),
            hours(700, |_| 0.0),
            hours(700, |t| t as f64 / 10.0),
            hours(700, |t| 3.0 * swing(t, 37)),
            hours(60, day),
        ];
        let none = Vec::new;
        assert_eq!(found, [vec![24], vec![24, 168], vec![168], none(), none(), vec![37], none()]);
    }

    #[test]
    fn a_constant_and_an_empty_line_have_none() {
        assert!(find(&[0.1 + 0.2; 500], &[true; 500], Some(24), Some(168)).is_empty());
        assert!(find(&[1e150; 500], &[true; 500], Some(24), Some(168)).is_empty());
        assert!(find(&[], &[], Some(24), None).is_empty());
    }

    #[test]
    fn noise_seldom_looks_like_a_season() {
        let wrong = (0..200)
            .filter(|seed| !find(&noise(400, *seed), &[true; 400], Some(24), Some(168)).is_empty());
        assert!(wrong.count() <= 2);
    }
}
