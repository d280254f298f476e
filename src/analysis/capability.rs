//! Alive is not working: what a service's processes say of themselves, held against what its users
//! get from it.
//!
//! | | users are served | users are not served | not known |
//! |---|---|---|---|
//! | **all up** | works | alive but not working | alive, not known to work |
//! | **some up** | works, thinned out | alive but not working | alive, not known to work |
//! | **none up** | works, the probe is wrong | down | down |
//! | **not known** | works | not working | not known |
//!
//! Users count more than probes: a service is as good as what it does. Evidence that is too old is
//! none. A request rate of zero is no success; where there usually are requests and now there are
//! none, users are not served, however few errors there are (Beyer et al., "The Site Reliability
//! Workbook", chapter 2, on missing traffic). Constant time.

use std::fmt;

use crate::domain::{Span, Timestamp};

/// Of the usual requests, fewer than this share are as good as none.
const SILENT: f64 = 0.01;

/// What the processes say of themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Liveness {
    /// Instances that answer their probe.
    pub up: usize,
    /// Instances there should be.
    pub total: usize,
    /// When that was read.
    pub at: Timestamp,
}

/// What users get.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Served {
    /// An indicator over real requests.
    Requests {
        /// The share that is bad.
        errors: Option<f64>,
        /// The share that may be bad.
        allowed: f64,
        /// Requests now and usually, in one unit.
        rate: Option<f64>,
        /// As above.
        usual: Option<f64>,
        /// When that was read.
        at: Timestamp,
    },
    /// A journey that was made as a user would.
    Journey {
        /// Whether it came to its end.
        passed: bool,
        /// When it was made.
        at: Timestamp,
    },
}

/// What it comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// Users are served and everything is up.
    Works,
    /// Users are served with fewer instances than there should be.
    ThinnedOut,
    /// Users are served though no instance says it is up.
    ProbeWrong,
    /// Instances are up; whether users are served is not known.
    AliveNotKnown,
    /// Nothing is known.
    Unknown,
    /// Instances are up and users are not served.
    AliveNotWorking,
    /// Users are not served; nothing is known about instances.
    NotWorking,
    /// No instance is up, and nobody is known to be served.
    Down,
}

/// In a whole sentence.
impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Works => "It is up and serves its users.",
            Self::ThinnedOut => "It serves its users with fewer instances than there should be.",
            Self::ProbeWrong => "It serves its users although no instance answers its probe.",
            Self::AliveNotKnown => "It is up; whether users are served is not known.",
            Self::Unknown => "Nothing recent is known about it.",
            Self::AliveNotWorking => "It is alive but not working: users are not served.",
            Self::NotWorking => "Users are not served; nothing is known about its instances.",
            Self::Down => "It is down: no instance answers.",
        })
    }
}

/// Judges a service. What is older than `fresh` does not count; of what users get, the worst does.
pub fn judge(
    liveness: Option<Liveness>,
    served: &[Served],
    now: Timestamp,
    fresh: Span,
) -> Capability {
    let recent = |at: Timestamp| now.since(at) <= fresh;
    let alive = liveness.filter(|liveness| recent(liveness.at) && liveness.total > 0);
    let opinions = || served.iter().filter_map(|served| opinion(served, recent));
    let serves = opinions().reduce(|all, one| all && one);
    match (alive, serves) {
        (Some(l), Some(true)) if l.up == 0 => Capability::ProbeWrong,
        (Some(l), _) if l.up == 0 => Capability::Down,
        (Some(l), Some(true)) if l.up < l.total => Capability::ThinnedOut,
        (_, Some(true)) => Capability::Works,
        (Some(_), Some(false)) => Capability::AliveNotWorking,
        (None, Some(false)) => Capability::NotWorking,
        (Some(_), None) => Capability::AliveNotKnown,
        (None, None) => Capability::Unknown,
    }
}

/// Whether users are served, by one piece of evidence; `None` when it says nothing.
fn opinion(served: &Served, recent: impl Fn(Timestamp) -> bool) -> Option<bool> {
    match *served {
        Served::Journey { passed, at } => recent(at).then_some(passed),
        Served::Requests { at, .. } if !recent(at) => None,
        Served::Requests { errors, allowed, rate, usual, .. } => {
            let good = |value: &f64| value.is_finite() && *value >= 0.0;
            let (rate, usual) = (rate.filter(good), usual.filter(good));
            if let (Some(rate), Some(usual)) = (rate, usual)
                && usual > 0.0
                && rate < usual * SILENT
            {
                return Some(false);
            }
            // Without requests there is no share of bad ones.
            if rate == Some(0.0) {
                return None;
            }
            errors.filter(good).map(|errors| errors <= allowed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_millis(10_000_000);
    const FRESH: Span = Span::from_mins(5);

    fn up(up: usize, total: usize) -> Option<Liveness> {
        Some(Liveness { up, total, at: NOW })
    }

    fn requests(errors: f64, rate: f64) -> Served {
        Served::Requests {
            errors: Some(errors),
            allowed: 0.01,
            rate: Some(rate),
            usual: Some(50.0),
            at: NOW,
        }
    }

    #[test]
    fn probes_and_users_are_held_against_each_other() {
        let (fine, bad) = ([requests(0.0, 50.0)], [requests(0.4, 50.0)]);
        let table = [
            (up(3, 3), &fine[..], Capability::Works),
            (up(3, 3), &bad[..], Capability::AliveNotWorking),
            (up(3, 3), &[], Capability::AliveNotKnown),
            (up(1, 3), &fine[..], Capability::ThinnedOut),
            (up(1, 3), &bad[..], Capability::AliveNotWorking),
            (up(0, 3), &fine[..], Capability::ProbeWrong),
            (up(0, 3), &bad[..], Capability::Down),
            (up(0, 3), &[], Capability::Down),
            (None, &fine[..], Capability::Works),
            (None, &bad[..], Capability::NotWorking),
            (None, &[], Capability::Unknown),
            // Nobody said how many there should be.
            (up(0, 0), &[], Capability::Unknown),
        ];
        for (liveness, served, wanted) in table {
            assert_eq!(judge(liveness, served, NOW, FRESH), wanted, "{liveness:?} {served:?}");
        }
    }

    #[test]
    fn silence_where_there_is_traffic_is_not_success() {
        let silent = [requests(0.0, 0.1)];
        assert_eq!(judge(up(3, 3), &silent, NOW, FRESH), Capability::AliveNotWorking);
        // At night nobody comes: that says nothing.
        let night = Served::Requests {
            errors: Some(0.0),
            allowed: 0.01,
            rate: Some(0.0),
            usual: Some(0.0),
            at: NOW,
        };
        assert_eq!(judge(up(3, 3), &[night], NOW, FRESH), Capability::AliveNotKnown);
    }

    #[test]
    fn one_failed_journey_outweighs_good_averages() {
        let served = [requests(0.0, 50.0), Served::Journey { passed: false, at: NOW }];
        assert_eq!(judge(up(3, 3), &served, NOW, FRESH), Capability::AliveNotWorking);
    }

    #[test]
    fn what_is_old_or_no_number_says_nothing() {
        let old = NOW.minus(FRESH).minus(Span::from_millis(1));
        let served = [
            Served::Journey { passed: false, at: old },
            Served::Requests { errors: Some(1.0), allowed: 0.01, rate: None, usual: None, at: old },
            requests(f64::NAN, f64::NAN),
        ];
        let liveness = Some(Liveness { up: 3, total: 3, at: old });
        assert_eq!(judge(liveness, &served, NOW, FRESH), Capability::Unknown);
    }

    proptest! {
        #[test]
        fn more_evidence_against_it_never_makes_it_better(up_count in 0..4usize, errors in 0.0..1.0f64, rate in 0.0..100.0f64) {
            let served = [requests(errors, rate), Served::Journey { passed: false, at: NOW }];
            let one = judge(up(up_count, 3), &served[..1], NOW, FRESH);
            let two = judge(up(up_count, 3), &served, NOW, FRESH);
            prop_assert!(two >= one || one == Capability::Down);
            prop_assert!(!matches!(two, Capability::Works | Capability::ThinnedOut | Capability::ProbeWrong));
        }
    }
}
