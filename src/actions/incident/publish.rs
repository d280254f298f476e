//! Updates: written, read by a second person where they leave the house, published once.

use std::collections::BTreeSet;

use crate::domain::{
    Audience, Channel, ChannelId, Message, Operation, Purpose, SafeText, Span, TicketAct,
};
use crate::eventlog::{
    KeyId, LogEvent, Power, RecordId, UpdateAnswered, UpdateProposed, UpdatePublished,
};
use crate::model::incidents::{Incident, Update};

use super::entries::no_such;
use super::texts::{self, BODY, WORDS};
use super::{Desk, Doing, Facts, Refusal, Rule};

/// The next update is promised within so long.
const LONGEST_SILENCE: Span = Span::from_days(7);

pub(super) fn rule(desk: Desk<'_>, what: &Doing) -> Result<Facts, Refusal> {
    match what {
        Doing::Update { audience, subject, body, channels, next } => {
            let incident = desk.unmerged()?;
            let subject = texts::line(subject, "subject of the update")?;
            let body = texts::text(body, "update", BODY)?;
            if incident.status.is_live() {
                desk.ahead(*next, "time promised for the next update", LONGEST_SILENCE)?;
            }
            let mut seen = BTreeSet::new();
            let channels = channels.iter().filter(|one| seen.insert(*one)).cloned();
            let channels: Vec<ChannelId> = channels.collect();
            channels.iter().try_for_each(|id| channel(desk, id, *audience).map(|_| ()))?;
            let (audience, next) = (*audience, *next);
            desk.one(UpdateProposed { audience, subject, body, channels, next })
        }
        Doing::AnswerUpdate { update, approved, note } => reply(desk, *update, *approved, note),
        Doing::Publish(update) => publish(desk, *update),
        _ => Ok(Facts::default()),
    }
}

fn refuse<T>(rule: Rule, sentence: String) -> Result<T, Refusal> {
    Err(Refusal::new(rule, sentence))
}

/// A channel that may carry updates for this audience: what is meant for inside must not slip out.
fn channel<'a>(desk: Desk<'a>, id: &ChannelId, audience: Audience) -> Result<&'a Channel, Refusal> {
    let channels = &desk.model.playbook.channels;
    let Some(channel) = channels.iter().find(|channel| channel.id == *id) else {
        let known: Vec<&str> = channels.iter().map(|channel| channel.id.as_str()).collect();
        let known = match known.as_slice() {
            [] => "none is configured".to_owned(),
            known => format!("known are {}", known.join(", ")),
        };
        return refuse(Rule::Unreachable, format!("There is no channel {id}; {known}."));
    };
    if audience == Audience::Internal && channel.audiences == [Audience::External] {
        return refuse(
            Rule::Unreachable,
            format!(
                "The channel {id} is read outside, and this update is internal. Leave the channel out, or \
                 write an external update."
            ),
        );
    }
    Ok(channel)
}

fn waiting<'a>(
    desk: Desk<'_>,
    incident: &'a Incident,
    id: RecordId,
) -> Result<&'a Update, Refusal> {
    let update = incident.updates.get(&id).ok_or_else(|| no_such(desk, "update", id))?;
    match update.published {
        None => Ok(update),
        Some(at) => refuse(
            Rule::Same,
            format!("“{}” went out at {}. Write another update.", update.subject, desk.clock(at)),
        ),
    }
}

fn reply(desk: Desk<'_>, id: RecordId, approved: bool, note: &str) -> Result<Facts, Refusal> {
    let update = waiting(desk, desk.unmerged()?, id)?;
    desk.may(Power::Approve)?;
    desk.proven("answer for updates")?;
    if approved && !is_second(desk, update, desk.by.key) && update.by == desk.by.actor {
        return refuse(
            Rule::Approval,
            "You wrote this update; somebody else has to approve it.".to_owned(),
        );
    }
    let second = !desk.model.duties.asks_second_person() || is_second(desk, update, desk.by.key);
    // Without a policy nobody can say whose a key is, but one key is never two people.
    if approved && (update.key == desk.by.key || !second) {
        return refuse(
            Rule::Approval,
            format!(
                "This update was written with a key of yours, though for {}; somebody else has to approve \
                 it.",
                update.by
            ),
        );
    }
    let note = if approved {
        texts::any_text(note, "note on the update", WORDS)?
    } else {
        texts::text(note, "reason why it must not go out", WORDS)?
    };
    desk.one(UpdateAnswered { update: id, approved, note })
}

/// Whether a key is somebody else's than that of whoever wrote the update.
fn is_second(desk: Desk<'_>, update: &Update, key: KeyId) -> bool {
    desk.model.duties.are_two_people(update.key, key)
}

fn publish(desk: Desk<'_>, id: RecordId) -> Result<Facts, Refusal> {
    let incident = desk.unmerged()?;
    let update = waiting(desk, incident, id)?;
    agreed(desk, update)?;
    if incident.status.is_live() && update.next <= desk.now {
        return refuse(
            Rule::Times,
            format!(
                "“{}” promises the next update at {}, which has passed. Write it anew with a later time.",
                update.subject,
                desk.clock(update.next)
            ),
        );
    }
    let mut made = vec![desk.fact(UpdatePublished { update: id })];
    for to in &update.channels {
        let channel = channel(desk, to, update.audience)?;
        made.push(send(desk, incident, update, &channel.id));
    }
    let body = format!("{} update: {}\n\n{}", update.audience, update.subject, update.body);
    let body = SafeText::body(&body);
    let tickets = incident
        .tickets
        .keys()
        .filter(|ticket| desk.model.playbook.trackers.contains(&ticket.tracker));
    let following = tickets.map(|ticket| {
        let act = TicketAct::Comment { ticket: ticket.clone(), body: body.clone() };
        desk.ticket(&ticket.tracker, act)
    });
    let following = following.collect();
    Ok(Facts { made, following })
}

/// Whether those who have to agree have, and nobody has said no since.
fn agreed(desk: Desk<'_>, update: &Update) -> Result<(), Refusal> {
    let mut said = BTreeSet::new();
    // What somebody said last is what they think.
    let last: Vec<_> = update.answers.iter().rev().filter(|one| said.insert(one.1)).collect();
    if let Some((who, _, _, why)) = last.iter().find(|(_, _, approved, _)| !approved) {
        return refuse(
            Rule::Approval,
            format!(
                "{} says that this update must not go out: {}. Write it anew, or ask them to approve it.",
                who,
                why.trim_end_matches('.')
            ),
        );
    }
    let duties = &desk.model.duties;
    let counts = |key: KeyId| {
        is_second(desk, update, key) && duties.allows(key, Power::Approve, desk.now).is_ok()
    };
    if update.audience == Audience::External
        && duties.asks_second_person()
        && !last.iter().any(|(_, key, _, _)| counts(*key))
    {
        return refuse(
            Rule::Approval,
            format!(
                "“{}” goes outside, so a second person has to approve it first. {}",
                update.subject,
                desk.who_has(Power::Approve)
            ),
        );
    }
    Ok(())
}

fn send(desk: Desk<'_>, incident: &Incident, update: &Update, channel: &ChannelId) -> LogEvent {
    LogEvent::OperationRequested {
        operation: Operation::Send(Message {
            incident: Some(desk.id.clone()),
            purpose: Purpose::Update(update.audience),
            channel: channel.clone(),
            to: Vec::new(),
            subject: update.subject.clone(),
            body: update.body.clone(),
            severity: Some(incident.severity),
            status: Some(incident.status),
        }),
    }
}
