//! Tickets, and calling people.

use crate::domain::{
    Actor, ChannelId, Contact, Message, Operation, Purpose, SafeText, TeamId, TicketAct, TicketRef,
    TrackerId,
};
use crate::eventlog::{LogEvent, PageAnswered, PageSent, TicketLinked};
use crate::model::incidents::Incident;

use super::entries::no_such;
use super::texts::{self, BODY, WORDS};
use super::{Desk, Doing, Facts, Refusal, Rule};

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

fn configured(desk: Desk<'_>, tracker: &TrackerId) -> Result<(), Refusal> {
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
    let whom = match (whom, team) {
        (Some(whom), _) => texts::person(whom, "name of whom to call")?,
        (None, Some(team)) => {
            return refuse(
                Rule::Unreachable,
                format!("Who is on call in {team} is not known. Name the person to call."),
            );
        }
        (None, None) => {
            return refuse(Rule::Nothing, "Name a team or a person to call.".to_owned());
        }
    };
    let contact = desk.model.playbook.people.get(whom.name());
    let sends = sends(desk, incident, &whom, contact, &text);
    if sends.is_empty() {
        let phone = contact.map(|contact| contact.phone.as_str()).unwrap_or_default();
        let how = match phone {
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
    let (team, step, escalates) = (team.cloned(), 0, None);
    let mut made = vec![desk.fact(PageSent { team, whom, step, text, escalates })];
    made.extend(sends);
    Ok(Facts { made, ..Facts::default() })
}

/// One message to each of a person's addresses.
fn sends(
    desk: Desk<'_>,
    incident: &Incident,
    whom: &Actor,
    contact: Option<&Contact>,
    text: &SafeText,
) -> Vec<LogEvent> {
    let channels = &desk.model.playbook.channels;
    let usable = |id: &&ChannelId| channels.iter().any(|channel| channel.id == **id);
    let addresses = contact.into_iter().flat_map(|contact| &contact.at);
    let subject = format!("{} {}: {whom} is needed", incident.severity, desk.id);
    let commander = incident.command.as_ref().map(|command| &command.commander);
    let commander = commander.map_or("nobody yet".to_owned(), ToString::to_string);
    let body = format!(
        "{text}\n\n{} {}: {}\nStatus: {}. Commander: {commander}. Called by {}.\n\
         Answer with `quarterdeck page answer`, or to {}.",
        incident.severity, desk.id, incident.title, incident.status, desk.by.actor, desk.by.actor
    );
    let message = |channel: &ChannelId, address: &SafeText| Message {
        incident: Some(desk.id.clone()),
        purpose: Purpose::Page,
        channel: channel.clone(),
        to: vec![address.clone()],
        subject: SafeText::new(&subject),
        body: SafeText::body(&body),
        severity: Some(incident.severity),
        status: Some(incident.status),
    };
    addresses
        .filter(|(channel, _)| usable(channel))
        .map(|(channel, address)| LogEvent::OperationRequested {
            operation: Operation::Send(message(channel, address)),
        })
        .collect()
}
