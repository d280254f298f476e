//! Analyses that take longer than a frame: made of what is known, carried out beside the loop, and
//! taken in again.
//!
//! A [`Study`] owns all it needs, so it can go to another thread; carrying it out is pure. What comes
//! back may be about a world that has moved on: the newer study of its kind replaces it, and each
//! [`Finding`] says for when it is true. Only one study of a kind is under way at a time.

use super::Model;
use super::capacity::{CapacityFound, CapacityStudy};
use super::drawing::{Drawing, DrawingStudy};
use super::map::{MapFound, MapStudy};
use super::situations::{SituationStudy, SituationsFound};
use super::suspicion::{SuspectStudy, SuspectsFound};
use crate::domain::{Span, Timestamp};

/// One analysis with everything it needs.
#[derive(Debug, Clone, PartialEq)]
pub enum Study {
    /// What runs out, and when.
    Capacity(CapacityStudy),
    /// A part of the map as a drawing.
    Drawing(DrawingStudy),
    /// Who calls whom.
    Map(MapStudy),
    /// Which alerts belong together.
    Situations(SituationStudy),
    /// Who is likely to blame.
    Suspects(SuspectStudy),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// What runs out, and when.
    Capacity(CapacityFound),
    /// A part of the map as a drawing.
    Drawing(Drawing),
    /// Who calls whom.
    Map(MapFound),
    /// Which alerts belong together.
    Situations(SituationsFound),
    /// Who is likely to blame.
    Suspects(SuspectsFound),
}

impl Study {
    /// Carries it out. Takes a while, reads nothing but itself.
    pub fn carry_out(self) -> Finding {
        match self {
            Self::Capacity(study) => Finding::Capacity(study.carry_out()),
            Self::Drawing(study) => Finding::Drawing(study.carry_out()),
            Self::Map(study) => Finding::Map(study.carry_out()),
            Self::Situations(study) => Finding::Situations(study.carry_out()),
            Self::Suspects(study) => Finding::Suspects(study.carry_out()),
        }
    }
}

/// When a kind of study was last begun, and upon which data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pace {
    under_way: bool,
    revision: Option<u64>,
    begun: Option<Timestamp>,
}

impl Pace {
    /// Whether a study of this kind may begin: none is under way, its data changed, and the last one is
    /// long enough ago. Where time stands still, what comes in late is no less worth looking at.
    pub(super) fn due(&self, revision: u64, every: Span, now: Timestamp) -> bool {
        let rested = |begun: Timestamp| begun >= now || now.since(begun) >= every;
        !self.under_way && self.revision != Some(revision) && self.begun.is_none_or(rested)
    }

    /// It began.
    pub(super) fn begin(&mut self, revision: u64, now: Timestamp) {
        *self = Self { under_way: true, revision: Some(revision), begun: Some(now) };
    }

    /// It ended.
    pub(super) fn end(&mut self) {
        self.under_way = false;
    }
}

impl Model {
    /// The studies that are due now; each counts as under way until its finding comes back.
    pub fn studies(&mut self) -> Vec<Study> {
        let map = self.map_study().map(Study::Map);
        let suspects = self.suspect_study().map(Study::Suspects);
        let capacity = self.capacity_study().map(Study::Capacity);
        let situations = self.situation_study().map(Study::Situations);
        map.into_iter().chain(suspects).chain(capacity).chain(situations).collect()
    }

    /// Takes in what a study found.
    pub fn found(&mut self, finding: Finding) {
        self.revision += 1;
        match finding {
            Finding::Capacity(found) => self.capacity.found(found),
            Finding::Drawing(found) => self.drawing.found(found),
            Finding::Map(found) => self.map.found(found),
            Finding::Situations(found) => self.situations.found(found),
            Finding::Suspects(found) => self.suspicion.found(found),
        }
    }

    /// Carries out at once whatever is due: for those who print and have no loop.
    pub fn study(&mut self) {
        for study in self.studies() {
            let finding = study.carry_out();
            self.found(finding);
        }
    }
}
