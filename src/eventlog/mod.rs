//! Append-only, signed facts: the only durable truth.
//!
//! Each writer (a person on an installation, the *origin*) has its own gap-free series of records,
//! each linked to the one before by its hash and signed with the writer's Ed25519 key. State is a fold
//! of the records in any order. A fact is on disk before it is shown as saved.

mod agent;
mod allowed;
mod chain;
mod claim;
mod codec;
mod event;
mod files;
mod incident;
mod memory;
mod place;
mod policy;
mod record;
mod signer;
mod sqlite;
mod verify;
mod words;

pub use allowed::{Validity, parse_allowed_signers};
pub use claim::Claim;
pub use event::{AlertInstance, LogEvent, Subject};
pub use incident::{
    CanReported, CauseFound, CauseWithdrawn, CommandTaken, DecisionMoved, DecisionProposed,
    DecisionStep, Declared, Described, EntryMade, EntryPinned, EntryWithdrawn, FollowUpGiven,
    FollowUpMoved, FollowUpStep, HandoverAnswered, HandoverOffered, HandoverWithdrawn,
    IncidentEvent, Linked, MachineSaw, Merged, PageAnswered, PageSent, ReviewFinished, RoleGiven,
    RoleLeft, RunAnswered, RunProposed, RunReleased, RunSeen, RunStopped, RunVerified,
    SectionWritten, SeverityChanged, StatusChanged, TaskGiven, TaskMoved, TaskStep, TicketChanged,
    TicketLinked, TypesSet, UpdateAnswered, UpdateProposed, UpdatePublished, WorkstreamMoved,
    WorkstreamOpened, WorkstreamStep,
};
pub use memory::MemoryLog;
pub use place::{KeyChoice, Place, UNREAD};
pub use policy::{Denied, Grant, Policy, Power};
pub use record::{FormatError, Head, Hybrid, Origin, Record, Sealed, Stamp, id_of};
pub use signer::{KeyError, KeyId, NAMESPACE, Signature, Signer};
pub use sqlite::{SqliteLog, SteadyLog};
pub use verify::{Fault, Finding, Report, Signers, StoredRow, verify};

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::{Actor, IncidentId, SafeText, Timestamp};

/// SHA-256 over the whole signed record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordId(pub [u8; 32]);

impl RecordId {
    /// The id that is written so: 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut id = [0; 32];
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        for (at, byte) in id.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
        }
        Some(Self(id))
    }
}

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
    /// Who, as the writer named themselves.
    pub actor: Actor,
    /// The key it is signed with; the policy says whose that is.
    pub key: KeyId,
    /// When, by the writer's clock.
    pub at: Timestamp,
    /// Where it stands among all records; later stamps win, whatever the clocks said.
    pub stamp: Stamp,
    /// What; `None` when a newer version wrote a kind this one does not know.
    pub event: Option<LogEvent>,
}

impl Recorded {
    /// Whether it is one line of a timeline and changes nothing else: an entry about nothing, by whom it says,
    /// who was allowed to write it.
    pub fn is_line_only(&self, policy: &Policy) -> bool {
        let Some(event) = &self.event else { return false };
        let LogEvent::Incident { event: IncidentEvent::EntryMade(entry), .. } = event else {
            return false;
        };
        entry.about.is_none()
            && policy.allows(self.key, Power::needed(event), self.at).is_ok()
            && policy.person(self.key).is_none_or(|person| **person == *self.actor.name())
    }
}

/// Why a fact could not be recorded. Whatever was typed stays in its draft.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{sentence}")]
pub struct AppendError {
    /// What failed, what is unaffected, what to do.
    pub sentence: SafeText,
    /// The record that took the claimed place first, when that is why.
    pub taken: Option<Box<Recorded>>,
}

impl AppendError {
    /// A failure of the store.
    pub fn failed(sentence: &str) -> Self {
        Self { sentence: SafeText::body(sentence), taken: None }
    }
}

/// Why the log could not be opened. The console can go on in memory, with a loud mark.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct OpenError {
    /// What failed, what is unaffected, what to do.
    pub sentence: SafeText,
}

/// Why the log could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct ReadError {
    /// What failed, what is unaffected, what to do.
    pub sentence: SafeText,
}

/// Where somebody is. Not a fact: kept beside the log, gone a few seconds after its console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Who.
    pub actor: Actor,
    /// Tells consoles apart; random per process.
    pub console: u64,
    /// When last heard, by the writer's clock.
    pub at: Timestamp,
    /// The screen's name.
    pub screen: SafeText,
    /// The incident looked at.
    pub incident: Option<IncidentId>,
    /// What is selected there, as the follower's console can find it.
    pub selected: SafeText,
}

/// How far a reader has come; means something only in the store it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(pub u64);

/// Some records after a position, in the order they reached this store.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// The records.
    pub records: Vec<Recorded>,
    /// Where to go on reading.
    pub position: Position,
    /// Whether there is more to read at once.
    pub more: bool,
    /// Positions of records that are not as they were written: changed, not truly signed, or not following
    /// the one before. They are left out, and an audit names them.
    pub damaged: Vec<Position>,
}

/// What is said when records of the log are not as they were written.
pub fn left_out(count: usize) -> SafeText {
    let (records, whose) = match count {
        1 => ("1 record".to_owned(), "is not as it was written and is"),
        _ => (format!("{count} records"), "are not as they were written and are"),
    };
    SafeText::body(&format!(
        "{records} of the log {whose} left out; `quarterdeck audit verify` names {}. Everything else is shown \
         and new entries are recorded.",
        if count == 1 { "it" } else { "them" }
    ))
}

/// What is said when a newer version wrote records that this one does not understand.
pub fn not_understood(count: usize) -> SafeText {
    let records = match count {
        1 => "1 record of the log is".to_owned(),
        _ => format!("{count} records of the log are"),
    };
    SafeText::body(&format!(
        "{records} of a newer Quarterdeck and not shown here. Nothing is lost, and new entries are recorded; \
         use the newer version to see all of it."
    ))
}

/// What a console needs before the rest: all that is more than a line of a timeline, up to a position.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct First {
    /// The records.
    pub records: Vec<Recorded>,
    /// Up to where only mere lines were left out; from here on everything is still to be read.
    pub position: Position,
}

/// Facts that the disk has not taken: they are in memory only, and gone with the process.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Held {
    /// The facts, oldest first.
    pub records: Vec<Recorded>,
    /// Why, as a whole sentence; empty while the disk is well.
    pub why: SafeText,
}

impl Held {
    /// The facts as lines to be read and kept elsewhere: when, who, and the words.
    pub fn lines(&self) -> Vec<String> {
        let line = |record: &Recorded| {
            let kind = record.event.as_ref().map_or("record", LogEvent::kind);
            let words = words::of(record).replace('\n', " | ");
            format!("{} {kind}: {words}", record.at.rfc3339())
        };
        self.records.iter().map(line).collect()
    }
}

/// Where facts are kept. A fact that [`EventLog::append`] returned is durable, unless it is
/// [`EventLog::held`].
pub trait EventLog: Send {
    /// Records facts, all or none of them, with what the writer's clock shows. None are when one claims a
    /// place ([`LogEvent::claim`]) that is no longer as its writer knew it.
    fn append(
        &mut self,
        actor: &Actor,
        wall: Timestamp,
        events: &[LogEvent],
    ) -> Result<Vec<Recorded>, AppendError>;

    /// The key its records are signed with.
    fn key(&self) -> KeyId;

    /// The records after `position`, also those of other processes and one's own.
    fn read_after(&mut self, position: Position) -> Result<Batch, ReadError>;

    /// Of a long log first what is more than a line of a timeline ([`Recorded::is_line_only`]). The lines left
    /// out are read behind it, from the beginning. `None` when all of it is to be read at once: the log is
    /// short, or nobody knows what may wait.
    fn read_first(&mut self) -> Result<Option<First>, ReadError> {
        Ok(None)
    }

    /// Refuses from now on what this policy does not allow, before it is written.
    fn govern(&mut self, _policy: &Policy) {}

    /// Says where this console is and asks where the others are. Those not heard for ten seconds are gone.
    fn present(&mut self, _me: &Presence) -> Result<Vec<Presence>, ReadError> {
        Ok(Vec::new())
    }

    /// Records whose text has all these words (the last may be a beginning, `"…"` is a phrase), newest
    /// first, at most `most`.
    fn search(&mut self, _words: &str, _most: usize) -> Result<Vec<RecordId>, ReadError> {
        Ok(Vec::new())
    }

    /// The file that changes whenever a process writes, so that it can be watched; `None` when there is none.
    fn written_to(&self) -> Option<PathBuf> {
        None
    }

    /// Whether anybody else may write to it.
    fn is_shared(&self) -> bool {
        true
    }

    /// What was appended and is not on the disk.
    fn held(&self) -> Held {
        Held::default()
    }

    /// Tries a last time to put what is held on the disk; gives back what cannot be.
    fn let_go(&mut self) -> Held {
        self.held()
    }

    /// Does some of what can wait until nobody asks for anything; whether there is more of it.
    fn tidy(&mut self) -> bool {
        false
    }

    /// Whether another process has written since this was last asked. Cheap: ask every 100 ms.
    fn changed(&mut self) -> Result<bool, ReadError>;
}
