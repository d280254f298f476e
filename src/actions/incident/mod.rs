//! The rules of incident command: from what a person means to facts to record, or a refusal.
//!
//! ```text
//! Doing ──► the topic's rule ──► facts ──► policy ──► LogEvents, recorded all or none
//!                 └ Refusal                   └ Refusal, naming the power and who has it
//! ```
//!
//! Pure like everything in `actions`. Screens, command line and subcommands build a [`Doing`];
//! [`decide_incident`] checks it against the model, the playbook and the policy. What only one may do (who
//! commands, what is published) is decided here as far as it is known, and finally by the store.

mod course;
mod deciding;
mod declare;
mod doing;
mod duty;
mod entries;
pub mod pick;
mod powers;
mod publish;
mod reach;
mod remind;
mod review;
mod runs;
mod texts;
mod work;

pub use declare::{Proposal, propose};
pub use doing::{Doing, Found, Writer};
pub use reach::escalations;
pub use remind::reminders;
pub use review::deadline;
pub use runs::to_pin;

use crate::domain::{Actor, IncidentId, Operation, TicketAct, Timestamp, TrackerId};
use crate::eventlog::{IncidentEvent, LogEvent, Power};
use crate::model::Model;
use crate::model::incidents::Incident;

use super::refusal::{Refusal, Rule};

/// Decides what `by` means to do in `incident` at `now`. For [`Doing::Declare`] the incident is its own id.
pub fn decide_incident(
    model: &Model,
    by: &Writer,
    incident: &IncidentId,
    what: &Doing,
    now: Timestamp,
) -> Result<Vec<LogEvent>, Refusal> {
    let desk = Desk { model, by, id: incident, now };
    let facts = match what {
        Doing::Declare { .. } | Doing::Describe { .. } => declare::rule(desk, what),
        Doing::Severity(..) | Doing::Status(..) | Doing::Merge(_) | Doing::Link { .. } => {
            course::rule(desk, what)
        }
        Doing::TakeCommand { .. }
        | Doing::GiveRole { .. }
        | Doing::LeaveRole { .. }
        | Doing::OfferHandover { .. }
        | Doing::AnswerHandover { .. }
        | Doing::WithdrawHandover(_) => duty::rule(desk, what),
        Doing::Enter { .. } | Doing::WithdrawEntry { .. } | Doing::Pin { .. } => {
            entries::rule(desk, what)
        }
        Doing::Task { .. }
        | Doing::MoveTask { .. }
        | Doing::OpenWorkstream { .. }
        | Doing::MoveWorkstream { .. }
        | Doing::Split { .. }
        | Doing::Report { .. } => work::rule(desk, what),
        Doing::Propose { .. } | Doing::Decide { .. } => deciding::rule(desk, what),
        Doing::Update { .. } | Doing::AnswerUpdate { .. } | Doing::Publish(_) => {
            publish::rule(desk, what)
        }
        Doing::ProposeRun { .. }
        | Doing::AnswerRun { .. }
        | Doing::ReleaseRun { .. }
        | Doing::StopRun { .. } => runs::rule(desk, what),
        Doing::Ticket { .. }
        | Doing::LinkTicket { .. }
        | Doing::Page { .. }
        | Doing::AnswerPage { .. } => reach::rule(desk, what),
        Doing::WriteSection(..)
        | Doing::FindCause { .. }
        | Doing::WithdrawCause { .. }
        | Doing::SetTypes(_)
        | Doing::FollowUp { .. }
        | Doing::MoveFollowUp { .. }
        | Doing::CheckFollowUp { .. }
        | Doing::TrackFollowUp { .. }
        | Doing::FinishReview(_) => review::rule(desk, what),
    }?;
    facts.allowed(desk)
}

/// Whether the policy lets `by` do what needs `power`, in whichever incident or none.
pub(super) fn may(model: &Model, by: &Writer, power: Power, now: Timestamp) -> Result<(), Refusal> {
    let id = &IncidentId::new("");
    Desk { model, by, id, now }.may(power)
}

/// Where a decision is made: what is known, who decides, about which incident, when.
#[derive(Debug, Clone, Copy)]
struct Desk<'a> {
    model: &'a Model,
    by: &'a Writer,
    id: &'a IncidentId,
    now: Timestamp,
}

impl<'a> Desk<'a> {
    /// The incident, whatever its state.
    fn incident(self) -> Result<&'a Incident, Refusal> {
        self.model.incidents.incidents.get(self.id).ok_or_else(|| {
            Refusal::new(
                Rule::NoSuchIncident,
                format!(
                    "There is no incident {}. It may not have arrived here yet; look at the list of \
                     incidents.",
                    self.id
                ),
            )
        })
    }

    /// The incident, if it goes on here: `what` makes sense only while people are at work on it.
    fn live(self, what: &str) -> Result<&'a Incident, Refusal> {
        let incident = self.unmerged()?;
        if incident.status.is_live() {
            return Ok(incident);
        }
        Err(Refusal::new(
            Rule::NotLive,
            format!(
                "{} has been {} since {}, so {what}. Reopen it first (status investigating); notes are \
                 taken at any time.",
                self.id,
                incident.status,
                self.clock(incident.status_since)
            ),
        ))
    }

    /// The incident, if it has not gone into another one.
    fn unmerged(self) -> Result<&'a Incident, Refusal> {
        let incident = self.incident()?;
        match &incident.merged_into {
            None => Ok(incident),
            Some(into) => Err(Refusal::new(
                Rule::NotLive,
                format!("{} went into {into}; do this there. Notes are taken here too.", self.id),
            )),
        }
    }

    /// A time as people say it: the day only when it is another one.
    fn clock(self, at: Timestamp) -> String {
        let (at, now) = (at.utc(), self.now.utc());
        let same_day = at.date_naive() == now.date_naive();
        at.format(if same_day { "%H:%M UTC" } else { "%Y-%m-%d %H:%M UTC" }).to_string()
    }

    /// `you`, or the name.
    fn whom(self, who: &Actor) -> String {
        if *who == self.by.actor { "you".to_owned() } else { who.to_string() }
    }

    /// One fact of this incident.
    fn fact(self, event: impl Into<IncidentEvent>) -> LogEvent {
        LogEvent::Incident { incident: self.id.clone(), event: event.into() }
    }

    /// Something to be done in a tracker.
    fn ticket(self, tracker: &TrackerId, act: TicketAct) -> LogEvent {
        let (incident, tracker) = (self.id.clone(), tracker.clone());
        LogEvent::OperationRequested { operation: Operation::Ticket { incident, tracker, act } }
    }

    /// A decision that comes to one fact.
    fn one(self, event: impl Into<IncidentEvent>) -> Result<Facts, Refusal> {
        Ok(Facts { made: vec![self.fact(event)], following: Vec::new() })
    }
}

/// What a decision comes to.
#[derive(Debug, Default)]
struct Facts {
    /// All of them, or nothing is done.
    made: Vec<LogEvent>,
    /// What tickets should hear of it: left out when the person may not change tickets, since nobody
    /// should have to wait for a tracker's sake.
    following: Vec<LogEvent>,
}

#[cfg(test)]
mod tests;
