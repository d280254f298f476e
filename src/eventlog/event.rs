//! The facts that are recorded, in the past tense. New kinds are added; old ones never change.

use serde::{Deserialize, Serialize};

use crate::domain::{
    AlertKey, IncidentId, Message, Operation, Outcome, Purpose, SafeText, TicketAct, Timestamp,
};

use super::{Claim, IncidentEvent, RecordId};

/// A fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogEvent {
    /// Somebody has seen these alerts and takes care of them. Ours alone: notifications go on.
    AlertsAcknowledged {
        /// The alerts, each as the instance that began then: one that fires anew is not acknowledged.
        alerts: Vec<AlertInstance>,
        /// What they were called on screen.
        title: SafeText,
        /// Why, or what is being done.
        note: SafeText,
    },
    /// An acknowledgement no longer holds.
    AcknowledgementWithdrawn {
        /// The alerts.
        alerts: Vec<AlertInstance>,
        /// Why.
        note: SafeText,
    },
    /// Somebody wrote something down.
    Noted {
        /// What it is about.
        about: Subject,
        /// The text.
        text: SafeText,
    },
    /// An outside operation is about to be performed; this record's id is its idempotency key.
    OperationRequested {
        /// What.
        operation: Operation,
    },
    /// What came of an operation.
    OperationEnded {
        /// The record that requested it.
        request: RecordId,
        /// The outcome.
        outcome: Outcome,
    },
    /// A console is about to perform an operation of the outbox. Only one can follow `after`, so that no
    /// two perform it; one that never ended was cut off, and its outcome is unknown.
    OperationAttempted {
        /// The record that requested it.
        request: RecordId,
        /// The attempt this one follows; `None` is the first.
        after: Option<RecordId>,
        /// The channel tried: the operation's own, or a fallback.
        by: SafeText,
    },
    /// Something that happened in an incident.
    Incident {
        /// Which.
        incident: IncidentId,
        /// What.
        event: IncidentEvent,
    },
}

impl LogEvent {
    /// Stable name stored in the record; readers of another version pass unknown names through.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::AlertsAcknowledged { .. } => "alerts-acknowledged",
            Self::AcknowledgementWithdrawn { .. } => "acknowledgement-withdrawn",
            Self::Noted { .. } => "noted",
            Self::OperationRequested { .. } => "operation-requested",
            Self::OperationEnded { .. } => "operation-ended",
            Self::OperationAttempted { .. } => "operation-attempted",
            Self::Incident { event, .. } => event.kind(),
        }
    }

    /// The incident it belongs to: each writer has one series of records per incident, and one for the rest.
    pub const fn incident(&self) -> Option<&IncidentId> {
        match self {
            Self::Incident { incident, .. } => Some(incident),
            _ => None,
        }
    }

    /// What only one may do: the place it takes, and what must stand there so far.
    pub fn claim(&self) -> Option<Claim> {
        match self {
            Self::Incident { incident, event } => event.claim(incident),
            Self::OperationAttempted { request, after, .. } => {
                Some(Claim { place: format!("attempt/{request}"), after: *after })
            }
            // A delivery test on schedule is made by one console.
            Self::OperationRequested { operation: Operation::Send(message) } => {
                match &message.purpose {
                    Purpose::Test { nonce } => Some(Claim {
                        place: format!("test/{}/{nonce}", message.channel),
                        after: None,
                    }),
                    // A reminder goes out once: its subject says who owes what and by when.
                    Purpose::Reminder => {
                        let to = message.to.first().map_or("", |to| to.as_str());
                        let Message { channel, subject, .. } = message;
                        let place = format!("reminded/{channel}/{to}/{subject}");
                        Some(Claim { place, after: None })
                    }
                    Purpose::Update(_) | Purpose::Page => None,
                }
            }
            // One ticket per incident and tracker, whoever asks first.
            Self::OperationRequested {
                operation: Operation::Ticket { incident, tracker, act: TicketAct::Open { .. } },
            } => Some(Claim { place: format!("{incident}/open/{tracker}"), after: None }),
            // One ticket per follow-up and tracker.
            Self::OperationRequested {
                operation:
                    Operation::Ticket { incident, tracker, act: TicketAct::FollowUp { of, .. } },
            } => Some(Claim { place: format!("{incident}/follow-up/{of}/{tracker}"), after: None }),
            // A step begins once, and not when it was stopped before.
            Self::OperationRequested { operation: Operation::Run { incident, run, step, .. } } => {
                Some(Claim { place: format!("{incident}/run/{run}/{step}"), after: None })
            }
            _ => None,
        }
    }
}

/// An alert and the time it began: what an acknowledgement is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AlertInstance {
    /// Which alert.
    pub key: AlertKey,
    /// When this firing of it began.
    pub starts_at: Timestamp,
}

/// What a note is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Subject {
    /// Nothing in particular.
    General,
    /// A group of alerts, by its key as text and the alerts in it at the time.
    Alerts {
        /// What it was called on screen.
        title: SafeText,
        /// The alerts.
        alerts: Vec<AlertInstance>,
    },
    /// A service or an objective, by id.
    Named(SafeText),
}
