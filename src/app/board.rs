//! What stands on an incident's boards, in the order it is listed: what needs somebody first, and so that
//! nothing moves while nothing happens.

use std::cmp::Reverse;

use crate::domain::Role;
use crate::eventlog::RecordId;
use crate::model::incidents::{Decision, Incident, Page, Run, Task, Update, Workstream};

use super::Place;

/// Places that are shown empty when nobody holds them.
const EXPECTED: [Role; 4] = [Role::Deputy, Role::Ops, Role::Comms, Role::Scribe];

/// Who holds what: the commander first, then the other roles, those nobody holds included.
pub fn places(incident: &Incident) -> Vec<Place> {
    let commander = incident.command.as_ref().map(|command| command.commander.clone());
    let mut places = vec![(Role::Commander, commander)];
    for role in Role::ALL.iter().filter(|role| **role != Role::Commander) {
        match incident.roles.get(role).filter(|holders| !holders.is_empty()) {
            Some(holders) => places.extend(holders.iter().map(|h| (*role, Some(h.who.clone())))),
            None if EXPECTED.contains(role) => places.push((*role, None)),
            None => {}
        }
    }
    places
}

/// Open ones by when they are due, then those that ended, the latest first.
pub fn tasks(incident: &Incident) -> Vec<(RecordId, &Task)> {
    let mut all: Vec<_> = incident.tasks.iter().map(|(id, task)| (*id, task)).collect();
    all.sort_by_key(|(id, task)| {
        let ended = task.ended.as_ref().map(|(at, ..)| Reverse(*at));
        (ended.is_some(), ended, task.due, *id)
    });
    all
}

/// Blocked ones, then those longest silent, then those that ended.
pub fn workstreams(incident: &Incident) -> Vec<(RecordId, &Workstream)> {
    let mut all: Vec<_> = incident.workstreams.iter().map(|(id, one)| (*id, one)).collect();
    all.sort_by_key(|(id, one)| (one.closed.map(Reverse), one.blocker.is_none(), one.heard, *id));
    all
}

/// Those to be decided, the oldest first, then what was decided, the latest first.
pub fn decisions(incident: &Incident) -> Vec<(RecordId, &Decision)> {
    let mut all: Vec<_> = incident.decisions.iter().map(|(id, one)| (*id, one)).collect();
    all.sort_by_key(|(id, one)| {
        let decided = one.outcome.as_ref().map(|outcome| Reverse(outcome.at));
        (decided.is_some(), decided, one.at, *id)
    });
    all
}

/// Those that wait or go on, the newest first, then those that are over, the newest first.
pub fn runs(incident: &Incident) -> Vec<(RecordId, &Run)> {
    let mut all: Vec<_> = incident.runs.iter().map(|(id, run)| (*id, run)).collect();
    all.sort_by_key(|(id, run)| {
        (run.verified.is_some() || run.stopped.is_some(), Reverse(run.at), *id)
    });
    all
}

/// Those that wait to go out, then those that went, the latest first.
pub fn updates(incident: &Incident) -> Vec<(RecordId, &Update)> {
    let mut all: Vec<_> = incident.updates.iter().map(|(id, one)| (*id, one)).collect();
    all.sort_by_key(|(id, one)| (one.published.map(Reverse), Reverse(one.at), *id));
    all
}

/// Those without an answer, the oldest first, then the answered, the latest first.
pub fn pages(incident: &Incident) -> Vec<(RecordId, &Page)> {
    let mut all: Vec<_> = incident.pages.iter().map(|(id, one)| (*id, one)).collect();
    all.sort_by_key(|(id, one)| {
        let answered = one.answer.as_ref().map(|(at, ..)| Reverse(*at));
        (answered.is_some(), answered, one.at, *id)
    });
    all
}

/// Follow-ups as they are listed: open ones first, by their deadline.
pub fn follow_ups(incident: &Incident) -> Vec<RecordId> {
    let mut all: Vec<_> = incident.review.follow_ups.iter().collect();
    all.sort_by_key(|(id, one)| (one.ended.is_some(), one.due, **id));
    all.into_iter().map(|(id, _)| *id).collect()
}
