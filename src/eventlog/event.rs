//! The facts that are recorded, in the past tense. New kinds are added; old ones never change.

use serde::{Deserialize, Serialize};

use crate::domain::{AlertKey, Operation, Outcome, SafeText, Timestamp};

use super::RecordId;

/// A fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
