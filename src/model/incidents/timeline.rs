//! The timeline: machine events and human entries on one line of time, in the order of corrected time.

use std::sync::Arc;

use crate::domain::{Actor, EntryKind, Evidence, Moment, SafeText};
use crate::eventlog::{KeyId, RecordId};

/// One line of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The record that says it.
    pub record: RecordId,
    /// When it happened, raw and corrected.
    pub at: Moment,
    /// When it was written down; differs from `at` for what was backdated.
    pub written: crate::domain::Timestamp,
    /// Who; the source for what a machine saw.
    pub by: Actor,
    /// The key it is signed with.
    pub key: KeyId,
    /// Who spoke, when somebody else wrote it down for them in a shared pane.
    pub spoken_by: Option<Actor>,
    /// What it is.
    pub kind: LineKind,
    /// One line or several.
    pub text: SafeText,
    /// Frozen proof.
    pub evidence: Option<Arc<Evidence>>,
    /// On top of the screen.
    pub pinned: bool,
    /// No longer holds: who said so and why.
    pub withdrawn: Option<Arc<(Actor, SafeText)>>,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineKind {
    /// A machine saw it.
    Machine,
    /// A person wrote it.
    Entry(EntryKind),
    /// It follows from a step taken in the console: declared, severity, roles, tasks, updates, tickets.
    Step,
    /// A record that was refused or lost a race: shown, without effect.
    Refused,
}

impl LineKind {
    /// As written in filters and exports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Entry(kind) => kind.name(),
            Self::Step => "step",
            Self::Refused => "refused",
        }
    }
}

/// All lines.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timeline {
    /// By corrected time, then by record.
    lines: Vec<Line>,
    /// Places of what is pinned.
    pins: Vec<usize>,
}

impl Timeline {
    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The line in this row, counted from the oldest.
    pub fn get(&self, row: usize) -> Option<&Line> {
        self.lines.get(row)
    }

    /// All lines, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Line> {
        self.lines.iter()
    }

    /// The line of a record.
    pub fn line(&self, record: RecordId) -> Option<&Line> {
        self.get(self.row_of(record)?)
    }

    /// The row a record's line stands in.
    pub fn row_of(&self, record: RecordId) -> Option<usize> {
        self.lines.iter().position(|line| line.record == record)
    }

    /// What is pinned, oldest first.
    pub fn pinned(&self) -> impl DoubleEndedIterator<Item = &Line> {
        self.pins.iter().filter_map(|at| self.lines.get(*at))
    }
}

impl FromIterator<Line> for Timeline {
    fn from_iter<I: IntoIterator<Item = Line>>(lines: I) -> Self {
        let mut lines: Vec<Line> = lines.into_iter().collect();
        lines.sort_by_key(|line| (line.at.corrected, line.record));
        let pins = lines.iter().enumerate().filter(|(_, l)| l.pinned).map(|(at, _)| at).collect();
        Self { lines, pins }
    }
}
