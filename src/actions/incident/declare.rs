//! Beginning an incident, and saying anew what it is about.

mod graph;
mod proposal;

pub use proposal::{Proposal, propose};

use std::collections::BTreeSet;

use crate::domain::{AlertKey, Cause, SafeText, ServiceId, Span, TicketAct, TicketRef};
use crate::eventlog::{CommandTaken, Declared, Described, LogEvent, Power, TicketLinked};
use crate::model::Model;
use crate::model::incidents::Incident;

use super::texts::{self, WORDS};
use super::{Desk, Doing, Facts, Refusal, Rule};

/// Most bytes of alerts in the record; what is more is in the group on the screen of alerts.
const ALERTS_BYTES: usize = 24 * 1024;
/// Most services of an incident.
const MOST_SERVICES: usize = 100;
/// Nobody finds out later than this.
const LONGEST_ONSET: Span = Span::from_days(365);

pub(super) fn rule(desk: Desk<'_>, what: &Doing) -> Result<Facts, Refusal> {
    match what {
        Doing::Declare { .. } => declare(desk, what),
        Doing::Describe { title, services, impact, onset } => {
            desk.unmerged()?;
            let event = Described {
                title: title.as_deref().map(|title| texts::line(title, "title")).transpose()?,
                services: services.as_deref().map(known_services).transpose()?,
                impact: impact.as_ref().map(texts::impact).transpose()?,
                onset: *onset,
            };
            if let Some(onset) = onset {
                desk.behind(*onset, desk.now.minus(LONGEST_ONSET), "onset")?;
            }
            if event == (Described { title: None, services: None, impact: None, onset: None }) {
                return Err(Refusal::new(Rule::Nothing, "Nothing was said anew."));
            }
            desk.one(event)
        }
        _ => Ok(Facts::default()),
    }
}

fn declare(desk: Desk<'_>, what: &Doing) -> Result<Facts, Refusal> {
    let Doing::Declare {
        id,
        title,
        severity,
        reason,
        services,
        impact,
        cause,
        onset,
        commander,
        ticket,
        confirmed_duplicate,
    } = what
    else {
        return Ok(Facts::default());
    };
    let desk = Desk { id, ..desk };
    if desk.model.incidents.incidents.contains_key(id) {
        return Err(Refusal::new(
            Rule::Taken,
            format!("There is an incident {id} already. Declare again; another id will be drawn."),
        ));
    }
    let title = texts::line(title, "title")?;
    let reason = texts::any_text(reason, "reason for the severity", WORDS)?;
    let reason = if reason.is_empty() {
        SafeText::body(&format!("as {} judged", desk.by.actor))
    } else {
        reason
    };
    let services = known_services(services)?;
    let impact = texts::impact(impact)?;
    if let Some(onset) = onset {
        desk.behind(*onset, desk.now.minus(LONGEST_ONSET), "onset")?;
    }
    if !*confirmed_duplicate && let Some((other, why)) = same(desk.model, cause, &services) {
        return Err(Refusal::new(
            Rule::Duplicate,
            format!(
                "{} {} “{}” has been going on since {}: {why}. Join it, or confirm that this is another \
                 one.",
                other.severity,
                other.id,
                other.title,
                desk.clock(other.declared_at)
            ),
        ));
    }
    let event = Declared {
        title,
        severity: *severity,
        reason,
        services,
        impact,
        cause: bounded(cause),
        onset: *onset,
    };
    let mut facts = Facts::default();
    facts.following.extend(ticket_of(desk, &event, ticket.is_none()));
    facts.made.push(desk.fact(event));
    if let Some(commander) = commander {
        let commander = texts::person(commander, "name of the commander")?;
        desk.can(&commander, Power::Command)?;
        let reason = SafeText::default();
        facts.made.push(desk.fact(CommandTaken { after: None, commander, handover: None, reason }));
    }
    if let Some(ticket) = ticket {
        let key = texts::line(&ticket.key, "key of the ticket")?;
        let ticket = TicketRef { tracker: ticket.tracker.clone(), key };
        facts.made.push(desk.fact(TicketLinked { ticket, url: SafeText::default() }));
    }
    Ok(facts)
}

/// The ticket every incident gets where the playbook names a tracker.
fn ticket_of(desk: Desk<'_>, declared: &Declared, wanted: bool) -> Option<LogEvent> {
    let tracker = desk.model.playbook.tracker.as_ref().filter(|_| wanted)?;
    let act = TicketAct::Open {
        title: declared.title.clone(),
        body: proposal::ticket_body(desk, declared),
        severity: declared.severity,
    };
    Some(desk.ticket(tracker, act))
}

fn known_services(services: &[ServiceId]) -> Result<Vec<ServiceId>, Refusal> {
    if services.len() > MOST_SERVICES {
        return Err(Refusal::new(
            Rule::TooLong,
            format!(
                "{} services are named; at most {MOST_SERVICES} are kept. Name the ones that are hurt most.",
                services.len()
            ),
        ));
    }
    let mut seen = BTreeSet::new();
    let named = services.iter().map(|one| texts::line(one.as_str(), "name of a service"));
    let named = named.collect::<Result<Vec<_>, _>>()?;
    Ok(named.into_iter().map(ServiceId::from).filter(|one| seen.insert(one.clone())).collect())
}

/// As many of the alerts as one record takes.
fn bounded(cause: &Cause) -> Cause {
    let Cause::Alerts { title, alerts } = cause else { return cause.clone() };
    let mut room = ALERTS_BYTES;
    let fits = |key: &&AlertKey| {
        let bytes = key.site.as_str().len() + key.fingerprint.len() + 8;
        let fits = bytes <= room;
        room = room.saturating_sub(bytes);
        fits
    };
    let alerts = alerts.iter().take_while(fits).cloned().collect();
    Cause::Alerts { title: SafeText::new(title), alerts }
}

/// The worst live incident about the same alerts, objective or services, and what they share.
fn same<'a>(
    model: &'a Model,
    cause: &Cause,
    services: &[ServiceId],
) -> Option<(&'a Incident, String)> {
    let live = model.incidents.live();
    let by_cause = live.iter().find_map(|one| match (&one.cause, cause) {
        (Cause::Alerts { alerts: theirs, .. }, Cause::Alerts { alerts, .. }) => {
            let shared = alerts.iter().filter(|key| theirs.contains(key)).count();
            let plural = if shared == 1 { "" } else { "s" };
            (shared > 0).then(|| (*one, format!("{shared} of its alert{plural} are the same")))
        }
        (Cause::Slo(theirs), Cause::Slo(slo)) if theirs == slo => {
            Some((*one, format!("it is about {slo} too")))
        }
        _ => None,
    });
    by_cause.or_else(|| {
        live.iter().find_map(|one| {
            let shared = services.iter().find(|service| one.services.contains(service))?;
            Some((*one, format!("it is about {shared} too")))
        })
    })
}
