//! Tickets, and calling people.

use crate::analysis::oncall::{self, Paged, Stand};
use crate::domain::{
    Actor, ChannelId, Message, Operation, Purpose, SafeText, TeamId, TicketAct, TicketRef,
    Timestamp, TrackerId,
};
use crate::eventlog::{LogEvent, PageAnswered, PageSent, RecordId, TicketLinked};
use crate::model::Model;
use crate::model::incidents::{Incident, Page};

use super::entries::no_such;
use super::texts::{self, BODY, WORDS};
use super::{Desk, Doing, Facts, Refusal, Rule, Writer};

pub(super) fn rule(desk: Desk<'_>, what: &Doing) -> Result<Facts, Refusal> {
    match what {
        Doing::Ticket { tracker, act } => ticket(desk, tracker, act),
        Doing::LinkTicket { ticket, url } => {
            let incident = desk.unmerged()?;
            configured(desk, &ticket.tracker)?;
            let key = texts::line(&ticket.key, "key of the ticket")?;
            let ticket = TicketRef { tracker: ticket.tracker.clone(), key };
            if incident.tickets.contains_key(&ticket) {
                return refuse(
                    Rule::Same,
                    format!("{} in {} belongs to {} already.", ticket.key, ticket.tracker, desk.id),
                );
            }
            let url = texts::any_text(url, "address of the ticket", WORDS)?;
            desk.one(TicketLinked { ticket, url })
        }
        Doing::Page { team, whom, text } => page(desk, team.as_ref(), whom.as_ref(), text),
        Doing::AnswerPage { page, coming, note } => {
            let incident = desk.unmerged()?;
            let known = incident.pages.get(page).ok_or_else(|| no_such(desk, "page", *page))?;
            if let Some((at, coming, _)) = &known.answer {
                let how = if *coming { "is coming" } else { "is not coming" };
                return refuse(
                    Rule::Same,
                    format!("{} answered at {} and {how}.", known.whom, desk.clock(*at)),
                );
            }
            let note = texts::any_text(note, "answer", WORDS)?;
            desk.one(PageAnswered { page: *page, coming: *coming, note })
        }
        _ => Ok(Facts::default()),
    }
}

fn refuse<T>(rule: Rule, sentence: String) -> Result<T, Refusal> {
    Err(Refusal::new(rule, sentence))
}

pub(super) fn configured(desk: Desk<'_>, tracker: &TrackerId) -> Result<(), Refusal> {
    let trackers = &desk.model.playbook.trackers;
    if trackers.contains(tracker) {
        return Ok(());
    }
    let known: Vec<&str> = trackers.iter().map(TrackerId::as_str).collect();
    let known = match known.as_slice() {
        [] => "none is configured".to_owned(),
        known => format!("known are {}", known.join(", ")),
    };
    refuse(Rule::Unreachable, format!("There is no tracker {tracker}; {known}."))
}

fn ticket(desk: Desk<'_>, tracker: &TrackerId, act: &TicketAct) -> Result<Facts, Refusal> {
    let incident = desk.unmerged()?;
    configured(desk, tracker)?;
    let act = match act {
        TicketAct::Open { title, body, severity } => {
            let mut known = incident.tickets.keys();
            if let Some(known) = known.find(|known| known.tracker == *tracker) {
                return refuse(
                    Rule::Same,
                    format!("{} has the ticket {} in {tracker} already.", desk.id, known.key),
                );
            }
            TicketAct::Open {
                title: texts::line(title, "title of the ticket")?,
                body: texts::any_text(body, "text of the ticket", BODY)?,
                severity: *severity,
            }
        }
        TicketAct::FollowUp { of, title, body, priority } => TicketAct::FollowUp {
            of: of.clone(),
            title: texts::line(title, "title of the ticket")?,
            body: texts::any_text(body, "text of the ticket", BODY)?,
            priority: *priority,
        },
        TicketAct::Comment { ticket, body } => TicketAct::Comment {
            ticket: own(desk, incident, tracker, ticket)?,
            body: texts::text(body, "comment", BODY)?,
        },
        TicketAct::Transition { ticket, to, note } => TicketAct::Transition {
            ticket: own(desk, incident, tracker, ticket)?,
            to: *to,
            note: texts::any_text(note, "note on the ticket", WORDS)?,
        },
    };
    Ok(Facts { made: vec![desk.ticket(tracker, act)], ..Facts::default() })
}

fn own(
    desk: Desk<'_>,
    incident: &Incident,
    tracker: &TrackerId,
    ticket: &TicketRef,
) -> Result<TicketRef, Refusal> {
    if ticket.tracker == *tracker && incident.tickets.contains_key(ticket) {
        return Ok(ticket.clone());
    }
    refuse(
        Rule::NoSuch,
        format!(
            "{} in {} does not belong to {}. Link it first.",
            ticket.key, ticket.tracker, desk.id
        ),
    )
}

fn page(
    desk: Desk<'_>,
    team: Option<&TeamId>,
    whom: Option<&Actor>,
    text: &str,
) -> Result<Facts, Refusal> {
    let incident = desk.live("nobody is called for it")?;
    let text = texts::text(text, "reason for the call", WORDS)?;
    let teams = &desk.model.playbook.teams;
    if let Some(team) = team.filter(|team| !teams.contains_key(*team)) {
        let known: Vec<&str> = teams.keys().map(TeamId::as_str).collect();
        let known = match known.as_slice() {
            [] => "none is declared".to_owned(),
            known => format!("known are {}", known.join(", ")),
        };
        return refuse(Rule::NoSuch, format!("There is no team {team} in the playbook; {known}."));
    }
    let call = match (whom, team) {
        (Some(whom), _) => named(desk, texts::person(whom, "name of whom to call")?),
        (None, Some(team)) => on_call(desk, team)?,
        (None, None) => {
            return refuse(Rule::Nothing, "Name a team or a person to call.".to_owned());
        }
    };
    let whom = &call.whom;
    if call.by.is_empty() {
        let how = match call.phone.as_str() {
            "" => "Reach them another way".to_owned(),
            phone => format!("Call {phone}"),
        };
        return refuse(
            Rule::Unreachable,
            format!(
                "The playbook has no channel with an address of {whom}. {how}, and write a note that you \
                 did."
            ),
        );
    }
    Ok(Facts { made: called(desk, incident, team, &call, &text, None), ..Facts::default() })
}

/// Somebody to be called, and how.
struct Called {
    whom: Actor,
    step: u16,
    by: Vec<(ChannelId, Option<SafeText>)>,
    phone: SafeText,
}

fn named(desk: Desk<'_>, whom: Actor) -> Called {
    let playbook = &desk.model.playbook;
    let contact = playbook.people.get(whom.name());
    let by = contact.map(|contact| oncall::ways(playbook, contact, &[])).unwrap_or_default();
    let phone = contact.map(|contact| contact.phone.clone()).unwrap_or_default();
    Called { whom, step: 0, by, phone }
}

/// The first step of a team's escalation.
fn on_call(desk: Desk<'_>, team: &TeamId) -> Result<Called, Refusal> {
    let stand = oncall::stand(&desk.model.playbook, team, desk.now, &[], desk.now);
    due(stand).into_iter().next().ok_or_else(|| {
        Refusal::new(
            Rule::Unreachable,
            format!("Nobody is on call in {team} now. Name the person to call."),
        )
    })
}

fn due(stand: Stand) -> Vec<Called> {
    let calls = match stand {
        Stand::Open { due, .. } => due,
        Stand::Answered { .. } | Stand::Exhausted => Vec::new(),
    };
    let called = calls.into_iter().filter_map(|call| {
        let whom = Actor::new(&call.whom?);
        Some(Called { whom, step: call.step, by: call.by, phone: call.phone })
    });
    called.collect()
}

/// Calls that are due since nobody has answered, each with its messages: to be recorded together or not at
/// all. The store lets one console make each.
pub fn escalations(model: &Model, by: &Writer, now: Timestamp) -> Vec<Vec<LogEvent>> {
    let mut all = Vec::new();
    for incident in model.incidents.live() {
        let desk = Desk { model, by, id: &incident.id, now };
        let first = incident.pages.iter().filter(|(_, page)| page.escalates.is_none());
        for (id, page) in first {
            let Some(team) = &page.team else { continue };
            let further = incident.pages.values().filter(|one| one.escalates == Some(*id));
            let paged: Vec<Paged> = std::iter::once(page).chain(further).map(paged).collect();
            let stand = oncall::stand(&model.playbook, team, page.at, &paged, now);
            // One call at a time: whether the next one is due follows from its answer.
            let Some(call) = due(stand).into_iter().next() else { continue };
            let made = called(desk, incident, Some(team), &call, &page.text, Some(*id));
            all.extend(Facts { made, ..Facts::default() }.allowed(desk));
        }
    }
    all
}

fn paged(page: &Page) -> Paged {
    Paged {
        step: page.step,
        whom: SafeText::new(page.whom.name()),
        at: page.at,
        answer: page.answer.as_ref().map(|(at, coming, _)| (*at, *coming)),
    }
}

/// Where the incident stands, for somebody who does not look at it.
pub(super) fn stands(incident: &Incident) -> String {
    let commander = incident.command.as_ref();
    let commander = commander.map_or("nobody yet".to_owned(), |c| c.commander.to_string());
    let Incident { severity, id, title, status, .. } = incident;
    format!("{severity} {id}: {title}\nStatus: {status}. Commander: {commander}.")
}

/// The call and one message by each way.
fn called(
    desk: Desk<'_>,
    incident: &Incident,
    team: Option<&TeamId>,
    call: &Called,
    text: &SafeText,
    escalates: Option<RecordId>,
) -> Vec<LogEvent> {
    let (whom, by) = (&call.whom, &desk.by.actor);
    let body = format!(
        "{text}\n\n{} Called by {by}.\nAnswer with `quarterdeck page coming`, or to {by}.",
        stands(incident)
    );
    let channels = &desk.model.playbook.channels;
    let usable = call.by.iter().filter(|(id, _)| channels.iter().any(|one| one.id == *id));
    let message = |(channel, address): &(ChannelId, Option<SafeText>)| Message {
        incident: Some(desk.id.clone()),
        purpose: Purpose::Page,
        channel: channel.clone(),
        to: address.iter().cloned().collect(),
        subject: SafeText::new(&format!("{} {}: {whom} is needed", incident.severity, desk.id)),
        body: SafeText::body(&body),
        severity: Some(incident.severity),
        status: Some(incident.status),
    };
    let sends =
        usable.map(|way| LogEvent::OperationRequested { operation: Operation::Send(message(way)) });
    let sent = PageSent {
        team: team.cloned(),
        whom: whom.clone(),
        step: call.step,
        text: text.clone(),
        escalates,
    };
    std::iter::once(desk.fact(sent)).chain(sends).collect()
}
