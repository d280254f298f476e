//! Did it help: what was watched before an action, held against a fixed window after it.
//!
//! ```text
//! before = median of the last five readings of the burn before the action
//! after  = median of the burn over the last third of the window
//! ```
//!
//! | an objective is | when |
//! |---|---|
//! | recovered | `after` < 1: what remains of the budget lasts out the period |
//! | worse | `after` > 1.25 · max(`before`, 1) |
//! | as it was | otherwise |
//! | unknown | fewer than three readings on either side, or none in the last third |
//!
//! Alerts: recovered when every one that fired before has ended *and was seen to end*; worse when more fire
//! than before; an alert that is out of sight is not over. The whole is as bad as its worst part, and unknown
//! beats recovered: no data is not recovery. The last third is judged, since burn is measured over a window
//! of its own and still shows what was before the action for as long as that window. Before it the newest
//! readings alone count: who answers within minutes of the onset would else be told of the healthy time
//! before it. Linear time but for sorting.

use crate::domain::{RunVerdict, Timestamp};

/// At a burn of one the budget lasts exactly the period.
const LASTS: f64 = 1.0;
/// More than this much above before is worse, not noise.
const WORSE: f64 = 1.25;
/// Fewer readings say nothing.
const LEAST: usize = 3;
/// Readings that tell how it was when the action began: enough that one odd one does not.
const NEWEST: usize = 5;

/// An objective that is watched.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchedBurn<'a> {
    /// Burn before the action, in any order.
    pub before: &'a [(Timestamp, f64)],
    /// Burn after it, in any order.
    pub after: &'a [(Timestamp, f64)],
}

/// Alerts that are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchedAlerts {
    /// How many fired when the action began.
    pub before: usize,
    /// How many fire now.
    pub firing: usize,
    /// How many are out of sight: whoever told of them is silent.
    pub lost: usize,
}

/// An objective's verdict with what it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JudgedBurn {
    /// In a word.
    pub verdict: RunVerdict,
    /// Burn before, when there were readings enough.
    pub before: Option<f64>,
    /// Burn in the last third of the window.
    pub after: Option<f64>,
}

/// Judges one objective over a window.
pub fn burn(watched: &WatchedBurn<'_>, from: Timestamp, until: Timestamp) -> JudgedBurn {
    let third = until.minus(crate::domain::Span::from_millis(until.since(from).millis() / 3));
    let mut before: Vec<(Timestamp, f64)> = watched
        .before
        .iter()
        .filter(|(at, burn)| *at <= from && burn.is_finite())
        .copied()
        .collect();
    before.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)));
    let before = median(before.iter().take(NEWEST));
    let after = median(watched.after.iter().filter(|(at, _)| *at > third && *at <= until));
    let verdict = match (before, after) {
        (Some(_), Some(after)) if after < LASTS => RunVerdict::Recovered,
        (Some(before), Some(after)) if after > WORSE * before.max(LASTS) => RunVerdict::Worse,
        (Some(_), Some(_)) => RunVerdict::NoChange,
        _ => RunVerdict::Unknown,
    };
    JudgedBurn { verdict, before, after }
}

/// Judges alerts.
pub const fn alerts(watched: WatchedAlerts) -> RunVerdict {
    if watched.firing > watched.before {
        RunVerdict::Worse
    } else if watched.lost > 0 {
        RunVerdict::Unknown
    } else if watched.firing == 0 {
        RunVerdict::Recovered
    } else {
        RunVerdict::NoChange
    }
}

/// The whole: as bad as its worst part; nothing to judge by is unknown.
pub fn whole(parts: impl IntoIterator<Item = RunVerdict>) -> RunVerdict {
    let rank = |verdict: &RunVerdict| match verdict {
        RunVerdict::Recovered => 0,
        RunVerdict::Unknown => 1,
        RunVerdict::NoChange => 2,
        RunVerdict::Worse => 3,
    };
    parts.into_iter().max_by_key(rank).unwrap_or(RunVerdict::Unknown)
}

fn median<'a>(readings: impl Iterator<Item = &'a (Timestamp, f64)>) -> Option<f64> {
    let mut values: Vec<f64> = readings.map(|(_, v)| *v).filter(|v| v.is_finite()).collect();
    if values.len() < LEAST {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let at = values.len() / 2;
    let upper = *values.get(at)?;
    let even = values.len().is_multiple_of(2);
    // Halved first, since the sum of two great numbers may not be a number.
    Some(if even { values.get(at - 1)? / 2.0 + upper / 2.0 } else { upper })
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    use super::*;

    const FROM: Timestamp = Timestamp::from_millis(1_000_000);
    const UNTIL: Timestamp = Timestamp::from_millis(1_600_000);

    /// Readings every 10 s, ending with `end`.
    fn readings(end: Timestamp, values: &[f64]) -> Vec<(Timestamp, f64)> {
        let back = |n: usize| Timestamp::from_millis(end.millis() - 10_000 * n as i64);
        values.iter().rev().enumerate().map(|(n, value)| (back(n), *value)).collect()
    }

    fn judge(before: &[f64], after: &[f64]) -> RunVerdict {
        let (before, after) = (readings(FROM, before), readings(UNTIL, after));
        burn(&WatchedBurn { before: &before, after: &after }, FROM, UNTIL).verdict
    }

    #[test]
    fn what_burnt_and_no_longer_does_has_recovered() {
        // What is left of the fire in the window of the burn itself does not count against it.
        let falling = [31.0, 30.0, 20.0, 9.0, 3.0, 0.8, 0.4, 0.2, 0.1, 0.1, 0.1];
        let long: Vec<f64> = falling.iter().flat_map(|v| std::iter::repeat_n(*v, 6)).collect();
        assert_eq!(judge(&[31.0; 6], &long), RunVerdict::Recovered);
    }

    #[test]
    fn half_as_bad_is_not_recovered_and_a_little_worse_is_no_change() {
        assert_eq!(judge(&[31.0; 6], &[15.0; 60]), RunVerdict::NoChange);
        assert_eq!(judge(&[31.0; 6], &[33.0; 60]), RunVerdict::NoChange);
        assert_eq!(judge(&[31.0; 6], &[60.0; 60]), RunVerdict::Worse);
        // Healthy before and burning now is worse, however little it burnt before.
        assert_eq!(judge(&[0.01; 6], &[1.3; 60]), RunVerdict::Worse);
    }

    #[test]
    fn what_it_burnt_is_told_of_the_minute_before_and_not_of_the_healthy_time_before_the_onset() {
        let mut early = vec![0.1; 54];
        early.extend([14.0, 15.0, 16.0, 15.0, 14.0, 15.0]);
        let (before, after) = (readings(FROM, &early), readings(UNTIL, &[2.0; 60]));
        let judged = burn(&WatchedBurn { before: &before, after: &after }, FROM, UNTIL);
        let said =
            JudgedBurn { verdict: RunVerdict::NoChange, before: Some(15.0), after: Some(2.0) };
        assert_eq!(judged, said);
    }

    #[test]
    fn without_readings_nothing_has_recovered() {
        assert_eq!(judge(&[31.0; 6], &[]), RunVerdict::Unknown);
        assert_eq!(judge(&[31.0; 6], &[f64::NAN; 60]), RunVerdict::Unknown);
        assert_eq!(judge(&[], &[0.0; 60]), RunVerdict::Unknown);
        // It went silent before the last third.
        let early = readings(Timestamp::from_millis(1_300_000), &[0.0; 20]);
        let before = readings(FROM, &[31.0; 6]);
        let silent = burn(&WatchedBurn { before: &before, after: &early }, FROM, UNTIL);
        let said = JudgedBurn { verdict: RunVerdict::Unknown, before: Some(31.0), after: None };
        assert_eq!(silent, said);
    }

    #[test]
    fn an_alert_out_of_sight_is_not_over() {
        let of = |before, firing, lost| alerts(WatchedAlerts { before, firing, lost });
        assert_eq!(of(3, 0, 0), RunVerdict::Recovered);
        assert_eq!(of(3, 0, 3), RunVerdict::Unknown);
        assert_eq!(of(3, 2, 0), RunVerdict::NoChange);
        assert_eq!(of(3, 4, 1), RunVerdict::Worse);
    }

    #[test]
    fn the_whole_is_as_bad_as_its_worst_part() {
        use RunVerdict::{NoChange, Recovered, Unknown, Worse};
        assert_eq!(whole([Recovered, Recovered]), Recovered);
        assert_eq!(whole([Recovered, Unknown]), Unknown);
        assert_eq!(whole([NoChange, Unknown, Recovered]), NoChange);
        assert_eq!(whole([Recovered, Worse, Unknown]), Worse);
        assert_eq!(whole([]), Unknown);
    }

    proptest! {
        #[test]
        fn any_readings_in_any_order_give_one_verdict(
            mut before in prop::collection::vec((0..2_000_000i64, any::<f64>()), 0..20),
            mut after in prop::collection::vec((0..2_000_000i64, any::<f64>()), 0..40),
        ) {
            let of = |rows: &[(i64, f64)]| -> Vec<(Timestamp, f64)> {
                rows.iter().map(|(at, v)| (Timestamp::from_millis(*at), *v)).collect()
            };
            let judged = |before: &[(i64, f64)], after: &[(i64, f64)]| {
                let (before, after) = (of(before), of(after));
                burn(&WatchedBurn { before: &before, after: &after }, FROM, UNTIL)
            };
            let first = judged(&before, &after);
            before.reverse();
            after.reverse();
            prop_assert_eq!(first, judged(&before, &after));
            // It never says recovered of what burns, or without readings.
            if first.verdict == RunVerdict::Recovered {
                prop_assert!(first.before.is_some() && first.after.is_some_and(|v| v < LASTS));
            }
        }
    }
}
