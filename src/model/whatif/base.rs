//! How much of a resource is in use without any load: the line through use over traffic.
//!
//! Least squares of use on traffic, `use = base + slope · traffic`, over the moments at which both are known.
//! It is believed when the traffic moved, the line rises, and explains at least half of the variance
//! (R² ≥ ½); otherwise nothing is known of it. Time O(n).

use crate::domain::{Span, Timestamp};

/// Fewer pairs say nothing.
const LEAST: usize = 20;
/// Traffic that moved less than this share of its mean says nothing.
const MOVED: f64 = 0.1;
/// Readings this close belong together.
const CLOSE: Span = Span::from_secs(90);

/// What is in use at no traffic, never below zero; `None` when the history does not tell.
pub(super) fn base(used: &[(Timestamp, f64)], traffic: &[(Timestamp, f64)]) -> Option<f64> {
    let pairs = together(used, traffic);
    if pairs.len() < LEAST {
        return None;
    }
    let n = pairs.len() as f64;
    let (x_mean, y_mean) =
        pairs.iter().fold((0.0, 0.0), |(x, y), (traffic, used)| (x + traffic / n, y + used / n));
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (traffic, used) in &pairs {
        let (x, y) = (traffic - x_mean, used - y_mean);
        (xx, xy, yy) = (xx + x * x, xy + x * y, yy + y * y);
    }
    let moved = (xx / n).sqrt() >= MOVED * x_mean.abs();
    if !moved || xx <= 0.0 || yy <= 0.0 || xy <= 0.0 || xy * xy / (xx * yy) < 0.5 {
        return None;
    }
    Some((y_mean - xy / xx * x_mean).max(0.0)).filter(|base| base.is_finite())
}

/// Traffic and use at the same moments. Both are in order of time.
fn together(used: &[(Timestamp, f64)], traffic: &[(Timestamp, f64)]) -> Vec<(f64, f64)> {
    let near = |at: Timestamp| {
        let next = traffic.partition_point(|(then, _)| *then < at);
        let around = [next.checked_sub(1), Some(next)].into_iter().flatten();
        let found = around.filter_map(|i| traffic.get(i));
        found.min_by_key(|(then, _)| then.since(at).millis().abs())
    };
    let close = |at: Timestamp, then: Timestamp| then.since(at).millis().abs() <= CLOSE.millis();
    used.iter()
        .filter_map(|(at, used)| {
            let (then, traffic) = near(*at)?;
            let sound = close(*at, *then) && used.is_finite() && traffic.is_finite();
            sound.then_some((*traffic, *used))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(points: usize, value: impl Fn(f64) -> f64) -> Vec<(Timestamp, f64)> {
        let at = |i: usize| Timestamp::from_millis(i as i64 * 30_000);
        (0..points).map(|i| (at(i), value(i as f64))).collect()
    }

    #[test]
    fn use_without_load_is_found_where_the_history_tells() {
        let traffic = line(60, |i| 100.0 + 50.0 * (i / 6.0).sin());
        let used = line(60, |i| 12.0 + 0.2 * (100.0 + 50.0 * (i / 6.0).sin()));
        assert!((base(&used, &traffic).unwrap() - 12.0).abs() < 1e-9);
        // Too little, traffic that stands still, use that does not follow it, no common time.
        assert_eq!(base(&used[..10], &traffic), None);
        assert_eq!(base(&used, &line(60, |_| 100.0)), None);
        assert_eq!(base(&line(60, |i| i), &traffic), None);
        assert_eq!(base(&line(60, |_| f64::NAN), &traffic), None);
        assert_eq!(base(&used, &[]), None);
        // Never less than nothing.
        let steep = line(60, |i| (100.0 + 50.0 * (i / 6.0).sin()) * 2.0 - 40.0);
        assert_eq!(base(&steep, &traffic), Some(0.0));
    }
}
