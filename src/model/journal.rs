//! The fold of the log: who acknowledged what, notes, and operations whose outcome is open.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{Actor, Operation, Outcome, SafeText, Timestamp};
use crate::eventlog::{AlertInstance, RecordId, Recorded, Subject};

/// Who has seen an alert and takes care of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// Who.
    pub by: Actor,
    /// Since when.
    pub at: Timestamp,
    /// Note.
    pub note: SafeText,
}

/// A note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteEntry {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// About what.
    pub about: Subject,
    /// Text.
    pub text: SafeText,
}

/// An operation that was requested, and its outcome when it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOperation {
    /// Who.
    pub by: Actor,
    /// When requested.
    pub at: Timestamp,
    /// What.
    pub operation: Operation,
    /// Outcome; `None` is under way, or was cut off by a crash.
    pub outcome: Option<Outcome>,
}

/// What the log says.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    /// Current acknowledgements.
    pub acks: BTreeMap<AlertInstance, Arc<Ack>>,
    /// Notes by (time, id), so that order of arrival does not matter.
    pub notes: BTreeMap<(Timestamp, RecordId), NoteEntry>,
    /// Operations by the record that requested them.
    pub operations: BTreeMap<RecordId, OpenOperation>,
}

impl Journal {
    /// Takes in one fact.
    pub fn apply(&mut self, record: &Recorded) {
        let _ = record;
    }
}
