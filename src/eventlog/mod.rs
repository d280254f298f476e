//! Append-only, signed facts: the only durable truth.
//!
//! Each writer (a person on an installation, the *origin*) has its own gap-free series of records,
//! each linked to the one before by its hash and signed with the writer's Ed25519 key. State is a fold
//! of the records in any order. A fact is on disk before it is shown as saved.

mod event;

pub use event::{AlertInstance, LogEvent, Subject};

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::{Actor, SafeText, Timestamp};

/// SHA-256 over the whole signed record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordId(pub [u8; 32]);

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(6).try_for_each(|b| write!(f, "{b:02x}"))
    }
}

/// A fact that is on disk, as readers see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its id.
    pub id: RecordId,
    /// Who.
    pub actor: Actor,
    /// When, by the writer's clock.
    pub at: Timestamp,
    /// Position in its series, for ordering records of one millisecond.
    pub seq: u64,
    /// What; `None` when a newer version wrote a kind this one does not know.
    pub event: Option<LogEvent>,
}

/// Why a fact could not be recorded. Whatever was typed stays in its draft.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct AppendError {
    /// What failed, what is unaffected, what to do.
    pub sentence: SafeText,
}
