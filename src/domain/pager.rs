//! Who is on call by a vendor's pager: its plan of some days, with how people are called.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{SafeText, SourceId, TeamId, Timestamp};

/// Somebody's time on call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagerShift {
    /// Level of the escalation there, from 1.
    pub level: u32,
    /// As the pager calls them.
    pub person: SafeText,
    /// Their mail address; may be empty.
    pub mail: SafeText,
    /// Telephone number. Empty: they have none there; `None`: it could not be learned.
    pub phone: Option<SafeText>,
    /// First moment; `None` has no beginning.
    pub from: Option<Timestamp>,
    /// First moment after; `None` has no end.
    pub until: Option<Timestamp>,
}

impl PagerShift {
    /// Whether it covers a moment.
    pub fn covers(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }
}

/// What a pager says of teams: all it was asked for, also those nobody is on call in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OnCallSeen {
    /// How far ahead it was asked.
    pub until: Timestamp,
    /// Shifts by team; those of lower levels first.
    pub teams: BTreeMap<TeamId, Vec<PagerShift>>,
}

/// A team's plan as its pager told it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagerPlan {
    /// Who told it.
    pub source: SourceId,
    /// When.
    pub at: Timestamp,
    /// It says nothing of later moments.
    pub until: Timestamp,
    /// Lower levels first.
    pub shifts: Vec<PagerShift>,
}

impl PagerPlan {
    /// Who is on call at a moment, whoever is called first before others. Nobody beyond what was asked for.
    pub fn at(&self, at: Timestamp) -> impl Iterator<Item = &PagerShift> {
        self.shifts.iter().filter(move |shift| at < self.until && shift.covers(at))
    }
}
