//! What is due in an incident, the most urgent first: promises, tasks, silences, calls.

use crate::domain::{Audience, Playbook, Role, Span, Timestamp};
use crate::eventlog::RecordId;
use crate::model::incidents::Incident;

use super::board;

/// Something that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: DueWhat,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DueWhat {
    /// An update was promised, or is to be sent by the cadence.
    Update(Audience),
    /// The commander calls back about a task.
    Task(RecordId),
    /// Somebody was called and has not answered.
    Page(RecordId),
    /// An update waits for a second person.
    Approval(RecordId),
    /// A workstream has been silent.
    Silent(RecordId),
    /// A decision is to be looked at again.
    Review(RecordId),
    /// Whoever holds the role is to be relieved.
    Relief(Role),
}

/// A page without an answer for so long wants a look.
const ANSWER_WITHIN: Span = Span::from_mins(5);

/// What is and will be due, the earliest first; nothing when the incident is over.
pub fn due(incident: &Incident, playbook: &Playbook) -> Vec<Due> {
    if !incident.status.is_live() {
        return Vec::new();
    }
    let mut all: Vec<Due> = Vec::with_capacity(8);
    let mut put = |at: Timestamp, what: DueWhat| all.push(Due { at, what });
    for audience in Audience::ALL {
        if let Some(at) = next_update(incident, playbook, *audience) {
            put(at, DueWhat::Update(*audience));
        }
    }
    for (id, task) in incident.tasks.iter().filter(|(_, task)| task.ended.is_none()) {
        put(task.due, DueWhat::Task(*id));
    }
    for (id, page) in incident.pages.iter().filter(|(_, page)| page.answer.is_none()) {
        put(page.at.plus(ANSWER_WITHIN), DueWhat::Page(*id));
    }
    for (id, update) in &incident.updates {
        if update.published.is_none() && update.answers.is_empty() {
            put(update.at, DueWhat::Approval(*id));
        }
    }
    for (id, one) in incident.workstreams.iter().filter(|(_, one)| one.closed.is_none()) {
        put(one.heard.plus(playbook.silent_after), DueWhat::Silent(*id));
    }
    for (id, one) in &incident.decisions {
        let review = one.review.filter(|_| one.outcome.is_some() && one.reviewed.is_none());
        if let Some(at) = review {
            put(at, DueWhat::Review(*id));
        }
    }
    if let Some(command) = &incident.command {
        put(command.since.plus(playbook.rotate_after), DueWhat::Relief(Role::Commander));
    }
    for (role, holders) in &incident.roles {
        for until in holders.iter().filter_map(|holder| holder.until) {
            put(until, DueWhat::Relief(*role));
        }
    }
    all.sort_unstable();
    all
}

/// When the audience is to hear next: as was promised to them, else as often as the playbook says.
pub fn next_update(
    incident: &Incident,
    playbook: &Playbook,
    audience: Audience,
) -> Option<Timestamp> {
    let mut sent = board::updates(incident).into_iter().map(|(_, update)| update);
    let last = sent.find(|update| update.audience == audience && update.published.is_some());
    let cadence = playbook.cadence.get(&(incident.severity, audience));
    last.map(|update| update.next)
        .or_else(|| cadence.map(|cadence| incident.declared_at.plus(cadence.first)))
}
