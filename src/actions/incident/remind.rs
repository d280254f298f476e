//! Reminders: whoever owes a word, a task, a report or an answer is told where they are, by the channels
//! the playbook names for it (`remind_by`), not only on the screens of those who look.
//!
//! ```text
//! attention ─► who owes it ─► their ways among `remind_by` ─► one message each ─► the store takes each once
//! ```
//!
//! Every console finds the same reminders. Its subject says who owes what and by when, in words that do not
//! change while it is owed: by them a reminder is recognised, so each goes out once, whoever is first.

use std::collections::BTreeSet;

use crate::analysis::oncall;
use crate::domain::{
    Actor, ChannelId, Contact, Message, Operation, Purpose, Role, SafeText, Timestamp,
};
use crate::eventlog::{LogEvent, Power};
use crate::model::Model;
use crate::model::incidents::{ACKNOWLEDGE_WITHIN, Attention, Incident, Waiting};

use super::{Desk, Writer, reach};

/// The reminders that are due and have not gone out, each to be recorded for itself. Of an incident that
/// nobody may publish for with this key, none: another console sends them.
pub fn reminders(model: &Model, by: &Writer, now: Timestamp) -> Vec<LogEvent> {
    let playbook = &model.playbook;
    if playbook.remind_by.is_empty() {
        return Vec::new();
    }
    let mut all = Vec::new();
    let mut sent = None;
    for incident in model.incidents.live() {
        let desk = Desk { model, by, id: &incident.id, now };
        if desk.may(Power::Publish).is_err() {
            continue;
        }
        for attention in incident.attention(playbook, &model.duties, now) {
            for (who, what) in owed(desk, incident, &attention) {
                let sent = sent.get_or_insert_with(|| gone_out(model));
                let messages = messages(desk, incident, &who, &what, &attention.sentence);
                let new = messages.into_iter().filter(|m| !sent.contains(&mark(m)));
                let event = |m| LogEvent::OperationRequested { operation: Operation::Send(m) };
                all.extend(new.map(event));
            }
        }
    }
    all
}

/// By this a reminder is recognised.
type Mark<'a> = (&'a ChannelId, &'a [SafeText], &'a SafeText);

fn mark(message: &Message) -> Mark<'_> {
    (&message.channel, &message.to, &message.subject)
}

fn gone_out(model: &Model) -> BTreeSet<Mark<'_>> {
    let operations = model.journal.operations.values();
    let sends = operations.filter_map(|one| match &one.operation {
        Operation::Send(message) if message.purpose == Purpose::Reminder => Some(message),
        _ => None,
    });
    sends.map(mark).collect()
}

/// Who owes it, and what in words that do not change while it is owed; nobody for what is asked of all.
fn owed(desk: Desk<'_>, incident: &Incident, attention: &Attention) -> Vec<(Actor, String)> {
    let since = moment(attention.since);
    let one = |who: &Actor, what: String| vec![(who.clone(), what)];
    match attention.what {
        Waiting::UpdateSoon(audience) => {
            to_all(speakers(incident), &format!("the {audience} update is due at {since}"))
        }
        Waiting::UpdateLate(audience) => {
            to_all(speakers(incident), &format!("the {audience} update was due at {since}"))
        }
        Waiting::TaskLate(id) => incident.tasks.get(&id).map_or_else(Vec::new, |task| {
            one(&task.owner, format!("your task was due at {since}: {}", task.text))
        }),
        Waiting::TaskUnheard(id) => incident.tasks.get(&id).map_or_else(Vec::new, |task| {
            let (by, text) = (&task.given_by, &task.text);
            one(&task.owner, format!("say that you heard of the task {by} gave at {since}: {text}"))
        }),
        Waiting::Silent(id) => incident.workstreams.get(&id).map_or_else(Vec::new, |stream| {
            one(&stream.lead, format!("nothing was heard from {} since {since}", stream.name))
        }),
        Waiting::Review(id) => incident.decisions.get(&id).map_or_else(Vec::new, |decision| {
            one(&decision.owner, format!("due at {since}: did it help? {}", decision.proposal))
        }),
        // As for a task: whoever is asked has a moment to answer by themselves.
        Waiting::Handover(_) => {
            let offer = incident.handover.as_ref();
            let offer = offer.filter(|offer| desk.now.since(offer.at) >= ACKNOWLEDGE_WITHIN);
            offer.map_or_else(Vec::new, |offer| {
                one(&offer.to, format!("you are offered command since {since}"))
            })
        }
        Waiting::Tired(role) => {
            let all = incident.tired(&desk.model.playbook, desk.now).into_iter();
            let due = all.filter(|one| one.role == role && one.due == attention.since);
            to_all(due.map(|one| one.who), &format!("hand over as {role}; due at {since}"))
        }
        Waiting::NoCommander
        | Waiting::Page(_)
        | Waiting::RunBad(_)
        | Waiting::RunWaits(_)
        | Waiting::Blocked(_)
        | Waiting::Approval(_)
        | Waiting::Reports
        | Waiting::Empty(_) => Vec::new(),
    }
}

fn to_all(people: impl Iterator<Item = Actor>, what: &str) -> Vec<(Actor, String)> {
    people.map(|who| (who, what.to_owned())).collect()
}

/// Who speaks to those who wait: communications, and where nobody has that role, the commander.
fn speakers(incident: &Incident) -> impl Iterator<Item = Actor> {
    let comms = incident.roles.get(&Role::Comms).into_iter().flatten().map(|one| &one.who);
    let commander = incident.command.as_ref().map(|command| &command.commander);
    let alone = comms.clone().next().is_none();
    comms.chain(commander.filter(|_| alone)).cloned()
}

/// With its day: what is due at the same time tomorrow is something else.
fn moment(at: Timestamp) -> String {
    at.utc().format("%Y-%m-%d %H:%M UTC").to_string()
}

/// One message by each way.
fn messages(
    desk: Desk<'_>,
    incident: &Incident,
    who: &Actor,
    what: &str,
    sentence: &SafeText,
) -> Vec<Message> {
    let playbook = &desk.model.playbook;
    let nobody = Contact::default();
    let contact = playbook.people.get(who.name()).unwrap_or(&nobody);
    let ways = oncall::ways(playbook, contact, &playbook.remind_by).into_iter();
    let body = SafeText::body(&format!("{sentence}\n\n{}", reach::stands(incident)));
    ways.map(|(channel, address)| Message {
        incident: Some(desk.id.clone()),
        purpose: Purpose::Reminder,
        channel,
        to: address.into_iter().collect(),
        subject: SafeText::new(&format!("{}: {who}, {what}", desk.id)),
        body: body.clone(),
        severity: Some(incident.severity),
        status: Some(incident.status),
    })
    .collect()
}
