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
    pub withdrawn: Option<(Actor, SafeText)>,
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

/// All lines.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timeline {
    /// By corrected time, then by record.
    pub lines: Vec<Line>,
}
