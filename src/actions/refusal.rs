//! Why something a person meant is not done. What was typed stays in its draft.

use std::fmt;

use crate::domain::SafeText;

/// A decision against doing it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Refusal {
    /// Why, and what to do instead; one or two whole sentences.
    pub sentence: SafeText,
    /// The rule it broke, for tests and for asking once more.
    pub rule: Rule,
}

impl Refusal {
    pub(super) fn new(rule: Rule, sentence: impl fmt::Display) -> Self {
        Self { sentence: SafeText::body(&sentence.to_string()), rule }
    }
}

/// What a person may not do by a slip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Nothing is selected.
    Nothing,
    /// The alert is over or was never seen.
    NoSuchAlert,
    /// Somebody has acknowledged it.
    AlreadyAcknowledged,
    /// Nobody has acknowledged it.
    NotAcknowledged,
    /// A text is missing.
    Empty,
    /// A text is longer than a record keeps.
    TooLong,
    /// It would reach more alerts than one slip may.
    TooBroad,
    /// A matcher cannot be read, or together they would match anything.
    Matchers,
    /// Start and end do not make sense.
    Times,
    /// Longer than allowed.
    Duration,
    /// No Alertmanager is configured for the site.
    NoSuchSite,
    /// The silence is not known.
    NoSuchSilence,
    /// The silence is over already.
    SilenceOver,
    /// The incident is not known.
    NoSuchIncident,
    /// What is spoken about is not in the incident.
    NoSuch,
    /// An id or a name is in use.
    Taken,
    /// A live incident is about the same; the person may mean another one.
    Duplicate,
    /// It is so already.
    Same,
    /// The incident, or the part of it, is over.
    NotLive,
    /// Somebody did something that the person has not seen yet.
    Stale,
    /// Somebody else's to do.
    NotYours,
    /// The policy does not let this key do it.
    Denied,
    /// A second person has to agree first.
    Approval,
    /// The channel, the tracker or the person cannot be reached.
    Unreachable,
}
