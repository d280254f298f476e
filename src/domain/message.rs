//! What is sent to people, and what is done in ticket systems: the outbox's two kinds of work.

use serde::{Deserialize, Serialize};

use super::{Audience, ChannelId, IncidentId, Priority, SafeText, Severity, Status, TrackerId};

/// Why a message is sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Purpose {
    /// An update of an incident for an audience.
    Update(Audience),
    /// Somebody is called.
    Page,
    /// A promise or a task is due.
    Reminder,
    /// A delivery test: the nonce must come back in the receipt.
    Test {
        /// What was sent and must be seen to have arrived.
        nonce: SafeText,
    },
}

/// One message to one channel.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// Incident it belongs to; `None` for tests.
    pub incident: Option<IncidentId>,
    /// Why.
    pub purpose: Purpose,
    /// Where.
    pub channel: ChannelId,
    /// Address within the channel (mail addresses, numbers, a room); empty is the configured one.
    pub to: Vec<SafeText>,
    /// One line.
    pub subject: SafeText,
    /// The text.
    pub body: SafeText,
    /// For channels that show it.
    pub severity: Option<Severity>,
    /// For status pages.
    pub status: Option<Status>,
}

/// A ticket in a tracker.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TicketRef {
    /// Which tracker.
    pub tracker: TrackerId,
    /// As the tracker names it.
    pub key: SafeText,
}

/// Something done in a tracker.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TicketAct {
    /// Opens a ticket, or finds the open one that carries the incident's mark.
    Open {
        /// One line.
        title: SafeText,
        /// The text, with owner, runbook, burn, alerts.
        body: SafeText,
        /// For the tracker's priority.
        severity: Severity,
    },
    /// Adds a comment.
    Comment {
        /// Which ticket.
        ticket: TicketRef,
        /// The text.
        body: SafeText,
    },
    /// Moves the ticket to where the incident is.
    Transition {
        /// Which ticket.
        ticket: TicketRef,
        /// Where the incident is.
        to: Status,
        /// Why, for the ticket's history.
        note: SafeText,
    },
    /// Opens a ticket for a follow-up of the review, or finds the open one that carries its mark.
    FollowUp {
        /// The record that gave it, as text: the mark.
        of: SafeText,
        /// One line.
        title: SafeText,
        /// The text, with owner, deadline and check.
        body: SafeText,
        /// For the tracker's priority.
        priority: Priority,
    },
}

/// How a ticket stands at the tracker.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TicketSeen {
    /// Which.
    pub ticket: TicketRef,
    /// Where to look at it.
    pub url: SafeText,
    /// Its state in the tracker's words.
    pub state: SafeText,
    /// Whether the tracker counts it as done; `None` when it is gone there.
    pub done: Option<bool>,
    /// Comments made by others since the last look: who, and what.
    pub comments: Vec<(SafeText, SafeText)>,
    /// The tracker's mark of this version (time, revision, etag), so that each is seen once.
    pub version: SafeText,
}
