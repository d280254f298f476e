//! Sentences: what was done, who was first, how long ago.

use crate::domain::{IncidentId, SafeText, Span, Timestamp};
use crate::eventlog::{
    AppendError, DecisionStep, FollowUpStep, IncidentEvent as E, LogEvent, TaskStep, WorkstreamStep,
};

/// A span as one says it: `40 s`, `5 min`, `3 h`.
pub(in crate::app) fn rough(span: Span) -> String {
    let secs = span.millis() / 1000;
    match secs {
        ..60 => format!("{} s", secs.max(0)),
        60..7200 => format!("{} min", secs / 60),
        7200..172_800 => format!("{} h", secs / 3600),
        _ => format!("{} d", secs / 86_400),
    }
}

/// What was done, for the person who did it; nothing for what a machine does.
pub(in crate::app) fn told(incident: &IncidentId, event: &E) -> Option<SafeText> {
    let text = match event {
        E::Declared(e) => format!("{incident} is declared as {}.", e.severity),
        E::Described(_) => format!("{incident} is described anew."),
        E::SeverityChanged(e) => format!("{incident} is {} now.", e.severity),
        E::StatusChanged(e) => format!("{incident} is {} now.", e.status),
        E::Merged(e) => format!("{incident} goes on as {}.", e.into),
        E::Linked(e) => format!("Attached {}.", e.title),
        E::CommandTaken(e) => format!("{} commands {incident}.", e.commander),
        E::RoleGiven(e) => format!("{} is {} now.", e.to, e.role),
        E::RoleLeft(e) => format!("{} is no longer {}.", e.who, e.role),
        E::HandoverOffered(e) => format!("Command is offered to {}.", e.to),
        E::HandoverAnswered(e) if e.accepted => "Section accepted.".to_owned(),
        E::HandoverAnswered(_) => "The question is asked.".to_owned(),
        E::HandoverWithdrawn(_) => "The offer of command no longer stands.".to_owned(),
        E::EntryMade(_) => "Written down.".to_owned(),
        E::EntryWithdrawn(_) => "Withdrawn; it stays readable.".to_owned(),
        E::EntryPinned(e) if e.pinned => "Pinned.".to_owned(),
        E::EntryPinned(_) => "No longer pinned.".to_owned(),
        E::TaskGiven(e) => format!("{} is asked: {}", e.owner, e.text),
        E::TaskMoved(e) => match &e.step {
            TaskStep::Acknowledged => "The task is acknowledged.".to_owned(),
            TaskStep::Given(to) => format!("The task is {to}'s now."),
            TaskStep::Extended(_) => "The task may take longer.".to_owned(),
            TaskStep::Done => "The task is done.".to_owned(),
            TaskStep::Dropped => "The task is dropped.".to_owned(),
        },
        E::WorkstreamOpened(e) => format!("Workstream {} is led by {}.", e.name, e.lead),
        E::WorkstreamMoved(e) => match &e.step {
            WorkstreamStep::Led(lead) => format!("{lead} leads the workstream."),
            WorkstreamStep::Blocked(by) if by.is_empty() => {
                "Nothing blocks it any more.".to_owned()
            }
            WorkstreamStep::Blocked(by) => format!("Blocked by {by}."),
            WorkstreamStep::Under(_) => "The workstream has another place.".to_owned(),
            WorkstreamStep::Closed => "The workstream has ended.".to_owned(),
        },
        E::CanReported(_) => "Reported.".to_owned(),
        E::DecisionProposed(_) => "Proposed; strong objections are asked for.".to_owned(),
        E::DecisionMoved(e) => match &e.step {
            DecisionStep::Objected => "The objection is recorded.".to_owned(),
            DecisionStep::Taken(_) => "Decided.".to_owned(),
            DecisionStep::Rejected => "Rejected.".to_owned(),
            DecisionStep::Reviewed => "The review is recorded.".to_owned(),
        },
        E::UpdateProposed(e) => format!("The {} update waits.", e.audience),
        E::UpdateAnswered(e) if e.approved => "Approved.".to_owned(),
        E::UpdateAnswered(_) => "Refused; its writer sees why.".to_owned(),
        E::UpdatePublished(_) => {
            "The update is on its way; each channel's receipt follows.".to_owned()
        }
        E::TicketLinked(e) => format!("Ticket {} belongs to {incident}.", e.ticket.key),
        E::PageSent(e) => format!("{} is called.", e.whom),
        E::PageAnswered(e) if e.coming => "They know that you are coming.".to_owned(),
        E::PageAnswered(_) => "They know that you are not coming.".to_owned(),
        E::RunProposed(e) => format!("“{}” is proposed; nothing is sent yet.", e.title),
        E::RunAnswered(e) if e.approved => "Approved.".to_owned(),
        E::RunAnswered(_) => "Refused; whoever proposed it sees why.".to_owned(),
        E::RunReleased(_) => "Released; it can be stopped until it begins.".to_owned(),
        E::RunStopped(_) => "Stopped.".to_owned(),
        E::SectionWritten(e) if e.text.is_empty() => "Back to the draft.".to_owned(),
        E::SectionWritten(e) => format!("“{}” is written.", e.section.title()),
        E::CauseFound(_) => "The cause is written down.".to_owned(),
        E::CauseWithdrawn(_) => "The cause is withdrawn; it stays readable.".to_owned(),
        E::TypesSet(_) => "The type is written down.".to_owned(),
        E::FollowUpGiven(e) => format!("{} follows up: {}", e.owner, e.text),
        E::FollowUpMoved(e) => match &e.step {
            FollowUpStep::Given(to) => format!("The follow-up is {to}'s now."),
            FollowUpStep::Extended(_) => "The follow-up may take longer.".to_owned(),
            FollowUpStep::Tracked(ticket) => format!("The follow-up is {}.", ticket.key),
            FollowUpStep::Checked(true, seen) => {
                format!("The check holds: {}.", seen.trim_end_matches('.'))
            }
            FollowUpStep::Checked(false, seen) => {
                format!("The check does not hold: {}.", seen.trim_end_matches('.'))
            }
            FollowUpStep::Done => "The follow-up is done.".to_owned(),
            FollowUpStep::Reopened => "The follow-up is open again.".to_owned(),
            FollowUpStep::Dropped => "The follow-up is dropped.".to_owned(),
        },
        E::ReviewFinished(_) => format!("The review of {incident} is finished."),
        E::MachineSaw(_) | E::TicketChanged(_) | E::RunSeen(_) | E::RunVerified(_) => return None,
    };
    Some(SafeText::body(&text))
}

/// Why nothing was recorded: who was first, when that is why, else what the log says.
pub(in crate::app) fn first_was(error: &AppendError, now: Timestamp) -> SafeText {
    let Some(first) = &error.taken else { return error.sentence.clone() };
    let what = match &first.event {
        Some(LogEvent::Incident { event: E::CommandTaken(e), .. })
            if e.commander == first.actor =>
        {
            "took command".to_owned()
        }
        Some(LogEvent::Incident { event: E::CommandTaken(e), .. }) => {
            format!("made {} commander", e.commander)
        }
        Some(LogEvent::Incident { event: E::UpdatePublished(_), .. }) => {
            "published this update".to_owned()
        }
        Some(LogEvent::Incident { event: E::PageSent(e), .. }) => format!("called {}", e.whom),
        Some(LogEvent::OperationRequested { .. }) => "asked for the same ticket".to_owned(),
        _ => "did the same".to_owned(),
    };
    SafeText::body(&format!(
        "{} was first and {what} {} ago ({}). Nothing of yours was recorded, and what you typed is kept.",
        first.actor,
        rough(now.since(first.at)),
        first.at
    ))
}

/// Whether what was lost is what every console tries at once (what machines saw, attempts of the outbox):
/// that another one was first is then as it should be, and nobody need be told.
pub(in crate::app) fn is_routine(error: &AppendError) -> bool {
    let Some(event) = error.taken.as_ref().and_then(|first| first.event.as_ref()) else {
        return false;
    };
    matches!(
        event,
        LogEvent::OperationAttempted { .. }
            | LogEvent::Incident { event: E::MachineSaw(_) | E::TicketChanged(_), .. }
            | LogEvent::Incident {
                event: E::PageSent(crate::eventlog::PageSent { escalates: Some(_), .. }),
                ..
            }
    )
}
