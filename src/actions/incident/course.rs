//! How an incident goes: severity, status, merging, links.

use crate::domain::{IncidentId, SafeText, Severity, Status, TicketAct, TicketRef, TrackerId};
use crate::eventlog::{Linked, LogEvent, Merged, SeverityChanged, StatusChanged};
use crate::model::incidents::Incident;

use super::texts::{self, WORDS};
use super::{Desk, Doing, Facts, Refusal, Rule};

pub(super) fn rule(desk: Desk<'_>, what: &Doing) -> Result<Facts, Refusal> {
    match what {
        Doing::Severity(severity, reason) => change_severity(desk, *severity, reason),
        Doing::Status(status, note) => change_status(desk, *status, note),
        Doing::Merge(into) => merge(desk, into),
        Doing::Link { title, target } => {
            let incident = desk.incident()?;
            let title = texts::line(title, "title of the link")?;
            let target = texts::line(target, "target of the link")?;
            if incident.links.contains(&(title.clone(), target.clone())) {
                return Err(Refusal::new(
                    Rule::Same,
                    format!("{title} is linked to {} already.", desk.id),
                ));
            }
            desk.one(Linked { title, target })
        }
        _ => Ok(Facts::default()),
    }
}

fn change_severity(desk: Desk<'_>, severity: Severity, reason: &str) -> Result<Facts, Refusal> {
    let incident = desk.unmerged()?;
    if incident.severity == severity {
        return Err(Refusal::new(
            Rule::Same,
            format!(
                "{} is {severity} already ({}).",
                desk.id,
                incident.severity_reason.trim_end_matches('.')
            ),
        ));
    }
    let reason = texts::text(reason, "reason for the severity", WORDS)?;
    let way = if severity < incident.severity { "raised" } else { "lowered" };
    let told = format!(
        "Severity {way} from {} to {severity} by {}: {reason}",
        incident.severity, desk.by.actor
    );
    let made = vec![desk.fact(SeverityChanged { severity, reason })];
    Ok(Facts { made, following: comments(desk, incident, &told) })
}

fn change_status(desk: Desk<'_>, to: Status, note: &str) -> Result<Facts, Refusal> {
    let incident = desk.unmerged()?;
    let from = incident.status;
    let refuse = |rule, sentence: String| Err(Refusal::new(rule, sentence));
    if from == to {
        let since = desk.clock(incident.status_since);
        return refuse(
            Rule::Same,
            format!("{} has been {to} since {since}. Write a note to add something.", desk.id),
        );
    }
    if to == Status::Closed && from.is_live() {
        return refuse(
            Rule::NotLive,
            format!(
                "{} is {from}; resolve it first, then close it when nothing is left to do.",
                desk.id
            ),
        );
    }
    if from == Status::Closed && to == Status::Resolved {
        return refuse(
            Rule::NotLive,
            format!(
                "{} is closed. It is reopened with the status investigating, not resolved.",
                desk.id
            ),
        );
    }
    let reopened = !from.is_live() && to.is_live();
    let note = if reopened {
        if to != Status::Investigating {
            return refuse(
                Rule::NotLive,
                format!("{} is {from}; reopen it with the status investigating first.", desk.id),
            );
        }
        texts::text(note, "reason for reopening", WORDS)?
    } else {
        texts::any_text(note, "note on the status", WORDS)?
    };
    let following = trackers(desk, incident).map(|(ticket, tracker)| {
        desk.ticket(tracker, TicketAct::Transition { ticket, to, note: note.clone() })
    });
    let following = following.collect();
    Ok(Facts { made: vec![desk.fact(StatusChanged { status: to, note })], following })
}

fn merge(desk: Desk<'_>, into: &IncidentId) -> Result<Facts, Refusal> {
    let incident = desk.unmerged()?;
    let refuse = |rule, sentence: String| Err(Refusal::new(rule, sentence));
    if into == desk.id {
        return refuse(Rule::Same, format!("{into} cannot go into itself. Name another incident."));
    }
    let goes_on = Desk { id: into, ..desk }.incident()?;
    if let Some(further) = &goes_on.merged_into {
        return refuse(
            Rule::NotLive,
            format!("{into} itself went into {further}. Merge {} into {further}.", desk.id),
        );
    }
    if !goes_on.status.is_live() {
        return refuse(
            Rule::NotLive,
            format!("{into} is {}, so nothing goes on there. Reopen it first.", goes_on.status),
        );
    }
    // Who waits in a branch that ends would never hear that it ended.
    if let Some((other, _)) = desk
        .model
        .incidents
        .incidents
        .iter()
        .find(|(_, one)| one.merged_into.as_ref() == Some(desk.id))
    {
        return refuse(
            Rule::NotLive,
            format!(
                "{other} went into {}, which therefore has to go on. Merge {into} into {} instead.",
                desk.id, desk.id
            ),
        );
    }
    let told = format!("The same as {into} ({}), where the work goes on.", goes_on.title);
    let made = vec![desk.fact(Merged { into: into.clone() })];
    Ok(Facts { made, following: comments(desk, incident, &told) })
}

/// The incident's tickets in trackers that are configured here.
fn trackers<'a>(
    desk: Desk<'a>,
    incident: &'a Incident,
) -> impl Iterator<Item = (TicketRef, &'a TrackerId)> {
    let configured = &desk.model.playbook.trackers;
    let known = incident.tickets.keys();
    known.filter_map(|ticket| {
        let tracker = configured.iter().find(|tracker| **tracker == ticket.tracker)?;
        Some((ticket.clone(), tracker))
    })
}

/// Tells every ticket of the incident.
fn comments(desk: Desk<'_>, incident: &Incident, told: &str) -> Vec<LogEvent> {
    let body = SafeText::body(told);
    trackers(desk, incident)
        .map(|(ticket, tracker)| {
            desk.ticket(tracker, TicketAct::Comment { ticket, body: body.clone() })
        })
        .collect()
}
