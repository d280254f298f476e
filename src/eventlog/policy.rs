//! Which key is who, and who may do what: applied by whoever reads the log, not only by the screen.
//!
//! Without a policy file everybody whose key can write the log may do everything: one person, no ceremony.
//! With one, a record whose key is unknown, revoked at the time, or lacks the power is kept, shown as refused,
//! and changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{SafeText, Timestamp};

use super::{KeyId, LogEvent};

/// What a person may do; roles of the policy file are sets of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Power {
    /// Write on timelines, tasks they own, acknowledge alerts.
    Write,
    /// Declare, describe, change severity and status, give roles and tasks.
    Declare,
    /// Hold and hand over command.
    Command,
    /// Approve what others wrote.
    Approve,
    /// Publish updates and page people.
    Publish,
    /// Silence alerts, change tickets, run operations.
    Operate,
}

impl Power {
    /// All.
    pub const ALL: [Self; 6] =
        [Self::Write, Self::Declare, Self::Command, Self::Approve, Self::Publish, Self::Operate];

    /// As written in the policy file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Declare => "declare",
            Self::Command => "command",
            Self::Approve => "approve",
            Self::Publish => "publish",
            Self::Operate => "operate",
        }
    }

    /// The power an event needs.
    pub const fn needed(event: &LogEvent) -> Self {
        use super::IncidentEvent as E;
        match event {
            LogEvent::AlertsAcknowledged { .. }
            | LogEvent::AcknowledgementWithdrawn { .. }
            | LogEvent::Noted { .. } => Self::Write,
            LogEvent::OperationRequested { operation } => match operation {
                crate::domain::Operation::Send(_) => Self::Publish,
                _ => Self::Operate,
            },
            LogEvent::OperationEnded { .. } | LogEvent::OperationAttempted { .. } => Self::Write,
            LogEvent::Incident { event, .. } => match event {
                E::Declared(_)
                | E::Described(_)
                | E::SeverityChanged(_)
                | E::StatusChanged(_)
                | E::Merged(_)
                | E::Linked(_)
                | E::RoleGiven(_)
                | E::RoleLeft(_)
                | E::TaskGiven(_)
                | E::WorkstreamOpened(_)
                | E::WorkstreamMoved(_) => Self::Declare,
                E::CommandTaken(_) | E::HandoverOffered(_) | E::HandoverWithdrawn(_) => {
                    Self::Command
                }
                E::HandoverAnswered(_) => Self::Command,
                E::UpdateAnswered(_) | E::RunAnswered(_) => Self::Approve,
                E::UpdatePublished(_) | E::PageSent(_) => Self::Publish,
                E::TicketLinked(_) | E::RunReleased(_) | E::RunStopped(_) => Self::Operate,
                E::EntryMade(_)
                | E::EntryWithdrawn(_)
                | E::EntryPinned(_)
                | E::MachineSaw(_)
                | E::TaskMoved(_)
                | E::CanReported(_)
                | E::DecisionProposed(_)
                | E::DecisionMoved(_)
                | E::UpdateProposed(_)
                | E::TicketChanged(_)
                | E::PageAnswered(_)
                | E::RunProposed(_)
                | E::RunSeen(_)
                | E::RunVerified(_)
                | E::SectionWritten(_)
                | E::CauseFound(_)
                | E::CauseWithdrawn(_)
                | E::TypesSet(_)
                | E::FollowUpGiven(_)
                | E::FollowUpMoved(_)
                | E::ReviewFinished(_) => Self::Write,
            },
        }
    }
}

/// A key of a person, and while it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whose.
    pub person: SafeText,
    /// What they may do.
    pub powers: BTreeSet<Power>,
    /// From when it no longer counts.
    pub revoked: Option<Timestamp>,
}

/// The policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// Keys by fingerprint; `None` when there is no policy file and everybody may do everything, or it is
    /// unread.
    pub keys: Option<BTreeMap<KeyId, Grant>>,
    /// There is a file, and nothing of it could be read: whose word counts cannot be judged. What is recorded
    /// is shown, since an incident does not end by a typing error; nothing is recorded, so nothing is done.
    pub unread: bool,
}

/// Why a key may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// Nobody vouched for the key.
    UnknownKey,
    /// The key no longer counted.
    Revoked,
    /// The person lacks this power.
    Lacks(Power),
}

impl Policy {
    /// Of a file of which nothing could be read.
    pub const fn unread() -> Self {
        Self { keys: None, unread: true }
    }

    /// Of these keys.
    pub const fn of(keys: BTreeMap<KeyId, Grant>) -> Self {
        Self { keys: Some(keys), unread: false }
    }

    /// Whether `key` may do what needs `power` at `at`.
    pub fn allows(&self, key: KeyId, power: Power, at: Timestamp) -> Result<(), Denied> {
        let Some(keys) = &self.keys else { return Ok(()) };
        let grant = keys.get(&key).ok_or(Denied::UnknownKey)?;
        if grant.revoked.is_some_and(|revoked| revoked <= at) {
            return Err(Denied::Revoked);
        }
        if grant.powers.contains(&power) { Ok(()) } else { Err(Denied::Lacks(power)) }
    }

    /// Who the key belongs to.
    pub fn person(&self, key: KeyId) -> Option<&SafeText> {
        self.keys.as_ref()?.get(&key).map(|grant| &grant.person)
    }

    /// Whether two keys are two people. Without a policy nobody can tell, so they are not.
    pub fn are_two_people(&self, one: KeyId, other: KeyId) -> bool {
        match (self.person(one), self.person(other)) {
            (Some(one), Some(other)) => one != other,
            _ => false,
        }
    }

    /// Whether what leaves the house needs a second person.
    pub const fn asks_second_person(&self) -> bool {
        self.keys.is_some()
    }
}
