//! What is probably a false alarm, and how much less there is to look at.
//!
//! A doubt folds, it never hides: the count stays visible and so does the reason. An alert that
//! pages somebody is never doubted.

use std::fmt;

use super::stream::Stream;
use super::{Correlator, Group, Layer};
use crate::domain::Span;

/// So many times in a row say something about an alert.
const LEAST: usize = 5;
/// Shorter than this, nobody could have done anything about it.
const BRIEF: Span = Span::from_secs(60);
/// So many beginnings within an hour are flapping.
const FLAPS: usize = 6;
/// An alert that came this often for longer than a day is part of the weather.
const ROUTINE: usize = 100;

/// Why an alert is probably no sign of trouble.
#[derive(Debug, Clone, PartialEq)]
pub enum Doubt {
    /// It begins and ends again and again.
    Flapping {
        /// How often within an hour.
        times: usize,
    },
    /// It ends by itself within seconds.
    Brief {
        /// The longest of the last times.
        longest: Span,
        /// How many times that is about.
        times: usize,
    },
    /// It has come for days without anything else.
    Routine {
        /// How often.
        times: usize,
        /// Since how long.
        over: Span,
    },
}

/// The reason in a whole sentence.
impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flapping { times } => {
                write!(f, "It flaps: it began {times} times within an hour and ended each time.")
            }
            Self::Brief { longest, times } => write!(
                f,
                "It ended by itself within {:.0} s each of the last {times} times.",
                longest.seconds()
            ),
            Self::Routine { times, over } => write!(
                f,
                "It came {times} times in {:.0} h and touched no service and no customer.",
                over.seconds() / 3_600.0
            ),
        }
    }
}

/// How much less there is to look at.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Reduction {
    /// Alerts taken in.
    pub alerts: usize,
    /// Pages among them.
    pub pages: usize,
    /// Groups they came to.
    pub groups: usize,
    /// Groups that are probably false alarms as a whole.
    pub doubted: usize,
}

impl Reduction {
    /// 1 − groups / alerts; nothing when there are no alerts.
    pub fn share(self) -> Option<f64> {
        (self.alerts > 0).then(|| 1.0 - self.groups as f64 / self.alerts as f64)
    }
}

impl Correlator {
    /// How much less there is to look at.
    pub fn reduction(&self) -> Reduction {
        let doubted = self.groups.values().filter(|group| self.doubts(group).is_some()).count();
        Reduction { alerts: self.alerts, pages: self.pages, groups: self.groups.len(), doubted }
    }

    /// Why a whole group is probably a false alarm: one doubt for each of its members, in their
    /// order. `None` when a member is beyond doubt or a page is among them.
    pub fn doubts(&self, group: &Group) -> Option<Vec<Doubt>> {
        if group.pages > 0 || group.members.is_empty() {
            return None;
        }
        // Where services or customers are touched as well as machines, this is no weather.
        let wide = group.layers().len() > 1;
        let one = |member: &super::Member| {
            let stream = self.streams.get(&(member.kind.clone(), member.place.clone()))?;
            doubt(stream, member.layer, wide)
        };
        group.members.iter().map(one).collect()
    }
}

fn doubt(stream: &Stream, layer: Layer, wide: bool) -> Option<Doubt> {
    if stream.pages > 0 {
        return None;
    }
    let all_ended = stream.durations.len() >= stream.begins.len();
    let recent = stream.begins.last().map_or(0, |last| {
        stream.begins.iter().filter(|t| last.since(**t) <= Span::from_hours(1)).count()
    });
    if all_ended && recent >= FLAPS {
        return Some(Doubt::Flapping { times: recent });
    }
    let longest = stream.durations.iter().copied().max().unwrap_or_default();
    if all_ended && stream.durations.len() >= LEAST && longest < BRIEF {
        return Some(Doubt::Brief { longest, times: stream.durations.len() });
    }
    let over = stream.last()?.since(stream.since?);
    let routine = stream.alerts >= ROUTINE && over > Span::from_days(1);
    (routine && !wide && layer == Layer::Infrastructure)
        .then_some(Doubt::Routine { times: stream.alerts, over })
}
