//! Incidents: what the log says of each, and what follows from it now.
//!
//! ```text
//! record ── Policy ──► fold.rs ──► Incident ──► clocks.rs  what is due, overdue, silent, asked of whom
//!             │                       │
//!             └ refused: kept,        └───────► brief.rs   hand-over, ticket and timeline as text
//!               shown, no effect
//! ```
//!
//! Records arrive in any order and more than once; the result is the same. Of several words about one
//! thing the later [`Stamp`](crate::eventlog::Stamp) counts. Of several records that follow the same one in a claimed place (command)
//! the earlier counts, and what builds on the other is shown as lost.

mod attention;
mod book;
mod brief;
mod clocks;
mod dossier;
mod export;
mod filter;
mod fold;
mod machine;
mod outward;
mod review;
mod runs;
mod texts;
mod timeline;
pub(super) mod words;
mod work;

pub use attention::{Attention, Waiting};
pub(super) use book::check;
pub use book::{IncidentBook, RefusedRecord};
pub use brief::{brief, summary};
pub use clocks::{ACKNOWLEDGE_WITHIN, Calling, Promise, Tired};
pub use export::{csv, markdown};
pub use filter::{FilterMistake, Filtered, TimelineFilter};
pub use machine::{Phase, Seen, Stood, by_clock_of, machine_events};
pub use review::{Cause as ReviewCause, FollowUp, Review};
pub use runs::{Run, RunAnswer, Verified};
pub use timeline::{Line, LineKind, Timeline};

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::domain::{
    Actor, Audience, Cause, ChannelId, Impact, IncidentId, Role, SafeText, ServiceId, Severity,
    Status, TeamId, TicketRef, Timestamp,
};
use crate::eventlog::{KeyId, RecordId};

/// One incident as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// One line.
    pub title: SafeText,
    /// How bad.
    pub severity: Severity,
    /// Why that severity.
    pub severity_reason: SafeText,
    /// How bad at its worst.
    pub worst: Severity,
    /// How far.
    pub status: Status,
    /// Since when it is that far.
    pub status_since: Timestamp,
    /// When it was over for those who were hurt; `None` while it goes on.
    pub resolved_at: Option<Timestamp>,
    /// Services that are hurt.
    pub services: Vec<ServiceId>,
    /// Who is hurt and how.
    pub impact: Impact,
    /// What it was declared from.
    pub cause: Cause,
    /// Who declared it.
    pub declared_by: Actor,
    /// When.
    pub declared_at: Timestamp,
    /// The record that declared it.
    pub declared: RecordId,
    /// When it began for those who are hurt, if known.
    pub onset: Option<Timestamp>,
    /// The incident this one went into.
    pub merged_into: Option<IncidentId>,
    /// What belongs to it: title and target.
    pub links: Vec<(SafeText, SafeText)>,
    /// Who commands; `None` until somebody does.
    pub command: Option<Command>,
    /// The record that the next change of command follows: what stands in the claimed place. It is not
    /// always the one of `command`, since a refused record takes the place without having an effect.
    pub command_place: Option<RecordId>,
    /// The other roles: who holds them, since when, until when they are to be relieved.
    pub roles: BTreeMap<Role, Vec<Holder>>,
    /// The hand-over that is offered and not yet accepted whole.
    pub handover: Option<Handover>,
    /// When command changed hands by a brief that was accepted whole.
    pub handed_over: Vec<Timestamp>,
    /// Everything that happened, in the order of corrected time.
    pub timeline: Timeline,
    /// Tasks by the record that gave them.
    pub tasks: BTreeMap<RecordId, Task>,
    /// Workstreams by the record that opened them.
    pub workstreams: BTreeMap<RecordId, Workstream>,
    /// Decisions by the record that proposed them.
    pub decisions: BTreeMap<RecordId, Decision>,
    /// Updates by the record that proposed them.
    pub updates: BTreeMap<RecordId, Update>,
    /// Tickets.
    pub tickets: BTreeMap<TicketRef, Ticket>,
    /// Pages by the record that sent them.
    pub pages: BTreeMap<RecordId, Page>,
    /// Runs of procedures by the record that proposed them.
    pub runs: BTreeMap<RecordId, Run>,
    /// What people wrote of its review.
    pub review: Review,
}

/// Who commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Who.
    pub commander: Actor,
    /// The key command was taken with.
    pub key: KeyId,
    /// Since when.
    pub since: Timestamp,
    /// The record that says so.
    pub record: RecordId,
}

/// Who holds a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub who: Actor,
    /// Since when.
    pub since: Timestamp,
    /// When they are to be relieved.
    pub until: Option<Timestamp>,
}

/// Command being handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// The record that offered it.
    pub record: RecordId,
    /// Who offers.
    pub from: Actor,
    /// Who is to command.
    pub to: Actor,
    /// Since when it is offered.
    pub at: Timestamp,
    /// Title, text and answer of each section.
    pub sections: Vec<BriefSection>,
}

/// A section of a brief.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BriefSection {
    /// Its title.
    pub title: SafeText,
    /// Its text.
    pub text: SafeText,
    /// What the next commander said of it: `Ok` is understood, `Err` a question.
    pub answer: Option<Result<(), SafeText>>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// What.
    pub text: SafeText,
    /// Who gave it.
    pub given_by: Actor,
    /// When.
    pub given_at: Timestamp,
    /// Who does it.
    pub owner: Actor,
    /// When the commander calls back.
    pub due: Timestamp,
    /// Workstream it belongs to.
    pub workstream: Option<RecordId>,
    /// When the owner said they heard it.
    pub acknowledged: Option<Timestamp>,
    /// How it ended: when, done (otherwise dropped), and the result.
    pub ended: Option<(Timestamp, bool, SafeText)>,
}

/// A team working on a part of the incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workstream {
    /// What it is called.
    pub name: SafeText,
    /// Which team.
    pub team: Option<TeamId>,
    /// Who leads it.
    pub lead: Actor,
    /// Since when.
    pub opened_at: Timestamp,
    /// The workstream it is a part of.
    pub parent: Option<RecordId>,
    /// What stops it.
    pub blocker: Option<SafeText>,
    /// CAN reports, oldest first.
    pub reports: Vec<Can>,
    /// When it ended.
    pub closed: Option<Timestamp>,
    /// When anything was last heard from it.
    pub heard: Timestamp,
}

/// A CAN report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Can {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// How things stand.
    pub conditions: SafeText,
    /// What is being done.
    pub actions: SafeText,
    /// What is needed.
    pub needs: SafeText,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What is proposed.
    pub proposal: SafeText,
    /// What else could be done.
    pub options: Vec<SafeText>,
    /// Who proposed it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Who carries it out.
    pub owner: Actor,
    /// What is expected.
    pub expected: SafeText,
    /// When it is looked at again.
    pub review: Option<Timestamp>,
    /// Strong objections: who and what.
    pub objections: Vec<(Actor, SafeText)>,
    /// How it was decided, by whom, when, with which words.
    pub outcome: Option<DecisionOutcome>,
    /// What followed, once it was looked at again.
    pub reviewed: Option<(Timestamp, SafeText)>,
}

/// How something was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionOutcome {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// `Some(None)` the proposal, `Some(Some(n))` an option, `None` rejected.
    pub taken: Option<Option<u16>>,
    /// Words.
    pub note: SafeText,
}

/// An update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// Who wrote it.
    pub by: Actor,
    /// With which key: the same person cannot approve it.
    pub key: KeyId,
    /// When.
    pub at: Timestamp,
    /// For whom.
    pub audience: Audience,
    /// One line.
    pub subject: SafeText,
    /// The text.
    pub body: SafeText,
    /// Where it goes.
    pub channels: Vec<ChannelId>,
    /// When the next one is promised.
    pub next: Timestamp,
    /// What others said: who, with which key, approved, note.
    pub answers: Vec<(Actor, KeyId, bool, SafeText)>,
    /// When it went out.
    pub published: Option<Timestamp>,
    /// The operations that carry it, by channel; their outcomes are in the journal.
    pub sends: BTreeMap<ChannelId, RecordId>,
}

/// A ticket of the incident.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ticket {
    /// Where to look at it.
    pub url: SafeText,
    /// Its state in the tracker's words; empty when never looked at.
    pub state: SafeText,
    /// Whether the tracker counts it as done; `None` when it is gone there or was never looked at.
    pub done: Option<bool>,
    /// Version last seen.
    pub version: SafeText,
}

/// Somebody called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Who called.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Which team's on-call.
    pub team: Option<TeamId>,
    /// Who was called.
    pub whom: Actor,
    /// Step of the escalation.
    pub step: u16,
    /// What for.
    pub text: SafeText,
    /// The first page of this escalation, when this is not it.
    pub escalates: Option<RecordId>,
    /// The answer: when, coming, words.
    pub answer: Option<(Timestamp, bool, SafeText)>,
}
