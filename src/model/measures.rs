//! The latest answers to the catalog's questions (how full, how many, how late), and their courses.

use std::collections::BTreeMap;

use crate::domain::{MeasureId, Measured, Series, SourceId, Timestamp};

/// An answer and its age.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Who answered.
    pub source: SourceId,
    /// When it was asked.
    pub at: Timestamp,
    /// One per series; empty when no series matched.
    pub found: Vec<Measured>,
}

/// All answers.
#[derive(Debug, Clone, Default)]
pub struct MeasureBook {
    answers: BTreeMap<MeasureId, Answer>,
    courses: BTreeMap<MeasureId, (Timestamp, Vec<Series>)>,
    /// Grows with every course of a service that is compared.
    pub(super) compared: u64,
    /// Grows with every course of a resource.
    pub(super) filled: u64,
    /// Grows with every other answer about calls between services.
    pub(super) called: u64,
}

impl MeasureBook {
    /// Takes in an answer. Whether it is another than before; one that is older than the known is left out.
    pub(super) fn answer(
        &mut self,
        source: &SourceId,
        of: MeasureId,
        at: Timestamp,
        found: Vec<Measured>,
    ) -> bool {
        let known = self.answers.get(&of);
        if known.is_some_and(|known| known.at > at) {
            return false;
        }
        let changed = known.is_none_or(|known| known.found != found);
        self.called += u64::from(changed && matches!(of, MeasureId::Calls(_)));
        self.answers.insert(of, Answer { source: source.clone(), at, found });
        changed
    }

    /// Takes in a course.
    pub(super) fn course(&mut self, of: MeasureId, at: Timestamp, lines: Vec<Series>) -> bool {
        if self.courses.get(&of).is_some_and(|(known, _)| *known > at) {
            return false;
        }
        self.compared += u64::from(matches!(of, MeasureId::Signal(..) | MeasureId::Strain(_)));
        self.filled += u64::from(matches!(
            of,
            MeasureId::Used(_) | MeasureId::LongUsed(_) | MeasureId::RecentUsed(_)
        ));
        self.courses.insert(of, (at, lines));
        true
    }

    /// The latest answer; `None` when it was never asked with success.
    pub fn get(&self, of: &MeasureId) -> Option<&Answer> {
        self.answers.get(of)
    }

    /// The course of each series, and when it was asked.
    pub fn history(&self, of: &MeasureId) -> Option<(Timestamp, &[Series])> {
        self.courses.get(of).map(|(at, lines)| (*at, lines.as_slice()))
    }
}
