//! Steps that reach outside the response: updates, messages, tickets, pages.

use crate::domain::{Audience, Message, Purpose, TicketAct, TicketSeen, TrackerId};
use crate::eventlog::{
    PageAnswered, PageSent, TicketChanged, TicketLinked, UpdateAnswered, UpdateProposed,
    UpdatePublished,
};

use super::fold::{Fact, Said};
use super::words::{because, clock, quoted};
use super::work::missing;
use super::{Incident, Page, Ticket, Update};

pub(super) fn update_proposed(
    incident: &mut Incident,
    fact: &Fact<'_>,
    event: &UpdateProposed,
) -> String {
    let said = format!(
        "{} wrote an {} update {}, next one promised at {}",
        fact.by,
        event.audience,
        quoted(&event.subject),
        clock(event.next, fact.record.at),
    );
    let event = event.clone();
    let update = Update {
        by: fact.by.clone(),
        key: fact.record.key,
        at: fact.record.at,
        audience: event.audience,
        subject: event.subject,
        body: event.body,
        channels: event.channels,
        next: event.next,
        answers: Vec::new(),
        published: None,
        sends: Default::default(),
    };
    incident.updates.insert(fact.record.id, update);
    said
}

/// Nobody approves their own words, whichever key they hold.
pub(super) fn update_answered(
    incident: &mut Incident,
    fact: &Fact<'_>,
    event: &UpdateAnswered,
) -> Said {
    let (by, key) = (&fact.by, fact.record.key);
    let Some(update) = incident.updates.get_mut(&event.update) else {
        return Err(missing(by, "an update"));
    };
    let subject = quoted(&update.subject);
    if event.approved && (update.key == key || update.by == *by) {
        return Err(format!("refused: {by} approved their own update {subject}"));
    }
    if update.published.is_some() {
        return Err(format!("refused: {by} answered update {subject}, which is out already"));
    }
    update.answers.retain(|(who, with, ..)| who != by && *with != key);
    update.answers.push((by.clone(), key, event.approved, event.note.clone()));
    Ok(if event.approved {
        format!("{by} approved update {subject}{}", because(&event.note))
    } else {
        format!("{by} did not approve update {subject}{}", because(&event.note))
    })
}

pub(super) fn update_published(
    incident: &mut Incident,
    fact: &Fact<'_>,
    event: &UpdatePublished,
) -> Said {
    let by = &fact.by;
    let Some(update) = incident.updates.get_mut(&event.update) else {
        return Err(missing(by, "an update"));
    };
    let subject = quoted(&update.subject);
    if update.published.is_some() {
        return Err(format!("refused: {by} published update {subject}, which is out already"));
    }
    let second = update
        .answers
        .iter()
        .any(|(_, key, approved, _)| *approved && fact.duties.are_two_people(update.key, *key));
    if update.audience == Audience::External && fact.duties.asks_second_person() && !second {
        return Err(format!(
            "refused: {by} published update {subject}, which no second person approved"
        ));
    }
    update.published = Some(fact.record.at);
    let next = clock(update.next, fact.record.at);
    Ok(format!("{by} published {} update {subject}, next one at {next}", update.audience))
}

/// A message that says it carries an update. It belongs to the newest published one with these words; one
/// for people outside that belongs to none has no effect, since it would be a way around approval.
pub(super) fn sent(
    incident: &mut Incident,
    fact: &Fact<'_>,
    message: &Message,
    audience: Audience,
) -> Said {
    let carried = incident
        .updates
        .values_mut()
        .filter(|update| update.published.is_some() && update.audience == audience)
        .filter(|update| update.channels.contains(&message.channel))
        .filter(|update| update.body.trim() == message.body.trim())
        .max_by_key(|update| (update.published, update.at));
    let (by, channel) = (&fact.by, &message.channel);
    match carried {
        Some(update) => {
            update.sends.insert(channel.clone(), fact.record.id);
            Ok(format!("{audience} update {} goes out by {channel}", quoted(&update.subject)))
        }
        None if audience == Audience::External && fact.duties.asks_second_person() => Err(format!(
            "refused: {by} sent {} by {channel} as an update that was never published",
            quoted(&message.subject)
        )),
        None => Ok(format!("{by} sent {} by {channel}", quoted(&message.subject))),
    }
}

pub(super) fn message_goes(fact: &Fact<'_>, message: &Message, purpose: &Purpose) -> String {
    let (by, channel, subject) = (&fact.by, &message.channel, quoted(&message.subject));
    match purpose {
        Purpose::Update(audience) => format!("{by} sent {subject} ({audience}) by {channel}"),
        Purpose::Page => format!("page {subject} goes out by {channel}"),
        Purpose::Reminder => format!("reminder {subject} goes out by {channel}"),
        Purpose::Test { .. } => format!("{by} tests {channel}"),
    }
}

pub(super) fn ticket_asked(fact: &Fact<'_>, tracker: &TrackerId, act: &TicketAct) -> String {
    let by = &fact.by;
    match act {
        TicketAct::Open { title, .. } => {
            format!("{by} asked {tracker} for a ticket {}", quoted(title))
        }
        TicketAct::FollowUp { title, .. } => {
            format!("{by} asked {tracker} for a ticket of the follow-up {}", quoted(title))
        }
        TicketAct::Comment { ticket, body } => {
            let first = body.lines().next().unwrap_or_default();
            format!("{by} commented on {tracker} {}: {first}", ticket.key)
        }
        TicketAct::Transition { ticket, to, note } => {
            format!("{by} moved {tracker} {} to {to}{}", ticket.key, because(note))
        }
    }
}

pub(super) fn ticket_linked(
    incident: &mut Incident,
    fact: &Fact<'_>,
    event: &TicketLinked,
) -> String {
    let ticket = incident.tickets.entry(event.ticket.clone()).or_default();
    ticket.url = event.url.clone();
    let (tracker, key) = (&event.ticket.tracker, &event.ticket.key);
    format!("{} linked ticket {tracker} {key} {}", fact.by, event.url).trim_end().to_owned()
}

/// Several consoles see the same version; the first that was written counts.
pub(super) fn ticket_changed(
    incident: &mut Incident,
    fact: &Fact<'_>,
    event: &TicketChanged,
) -> String {
    let seen = &event.seen;
    if let Some(said) = super::review::ticket_changed(incident, fact, seen) {
        return said;
    }
    incident.tickets.entry(seen.ticket.clone()).or_default().see(seen)
}

impl Ticket {
    /// Takes in how it stands; what is new of that, in words.
    pub(super) fn see(&mut self, seen: &TicketSeen) -> String {
        if self.version == seen.version && !seen.version.is_empty() {
            return String::new();
        }
        let before = std::mem::replace(&mut self.state, seen.state.clone());
        if !seen.url.is_empty() {
            self.url = seen.url.clone();
        }
        (self.done, self.version) = (seen.done, seen.version.clone());
        let mut said = format!("ticket {} {}", seen.ticket.tracker, seen.ticket.key);
        if seen.done.is_none() {
            said.push_str(" is gone at the tracker");
        } else if before == seen.state {
            said.push_str(" changed");
        } else {
            said.push_str(&format!(" is {}", seen.state));
        }
        for (who, what) in &seen.comments {
            said.push_str(&format!("\n{who}: {what}"));
        }
        said
    }
}

pub(super) fn page_sent(incident: &mut Incident, fact: &Fact<'_>, event: &PageSent) -> Said {
    if event.escalates.is_some_and(|page| !incident.pages.contains_key(&page)) {
        return Err(missing(&fact.by, "a page"));
    }
    let event = event.clone();
    let team = event.team.as_ref().map_or(String::new(), |team| format!(" of {team}"));
    let step = match event.step {
        0 => String::new(),
        step => format!(", step {} of the escalation", u32::from(step) + 1),
    };
    let said = format!("{} paged {}{team}{step}{}", fact.by, event.whom, because(&event.text));
    let page = Page {
        by: fact.by.clone(),
        at: fact.record.at,
        team: event.team,
        whom: event.whom,
        step: event.step,
        text: event.text,
        escalates: event.escalates,
        answer: None,
    };
    incident.pages.insert(fact.record.id, page);
    Ok(said)
}

pub(super) fn page_answered(
    incident: &mut Incident,
    fact: &Fact<'_>,
    event: &PageAnswered,
) -> Said {
    let by = &fact.by;
    let Some(page) = incident.pages.get_mut(&event.page) else {
        return Err(missing(by, "a page"));
    };
    page.answer = Some((fact.record.at, event.coming, event.note.clone()));
    let verb = if event.coming { "is coming" } else { "is not coming" };
    let note = because(&event.note);
    Ok(if page.whom == *by {
        format!("{by} {verb}{note}")
    } else {
        format!("{by} says {} {verb}{note}", page.whom)
    })
}
