//! Whom and what completion knows: people, services, teams, workstreams, trackers.

use std::collections::BTreeMap;

use crate::app::{Known, State};
use crate::domain::{Actor, SafeText};
use crate::eventlog::RecordId;
use crate::model::incidents::{Incident, Workstream};

/// People: who has a role here first, then who is here, then those of the playbook.
pub(super) fn people(state: &State, incident: Option<&Incident>) -> Vec<Known> {
    let mut found: Vec<Known> = Vec::new();
    let mut add = |who: &str, detail: &str| {
        let word = SafeText::new(who);
        match found.iter_mut().find(|k| k.word == word) {
            Some(known) if known.detail.is_empty() => known.detail = SafeText::new(detail),
            Some(_) => {}
            None if word.is_empty() => {}
            None => found.push(Known { word, detail: SafeText::new(detail) }),
        }
    };
    if let Some(incident) = incident {
        if let Some(command) = &incident.command {
            add(command.commander.name(), "commander");
        }
        for (role, holders) in &incident.roles {
            holders.iter().for_each(|h| add(h.who.name(), role.name()));
        }
        for stream in open_workstreams(incident).values() {
            add(stream.lead.name(), &format!("leads {}", stream.name));
        }
        incident.tasks.values().for_each(|task| add(task.owner.name(), ""));
    }
    add(state.me.name(), "you");
    state.others.iter().for_each(|here| add(here.actor.name(), "here"));
    let teams = &state.model.playbook.teams;
    for person in state.model.playbook.people.keys() {
        let of_team =
            teams.values().find(|t| t.rotations.iter().any(|r| r.people.contains(person)));
        add(person, of_team.map_or("", |team| &team.title));
    }
    for team in teams.values() {
        let people = team.rotations.iter().flat_map(|r| &r.people);
        people.for_each(|person| add(person, &team.title));
    }
    found
}

/// Services of the catalog.
pub(super) fn services(state: &State) -> Vec<Known> {
    let services = state.model.catalog.services.values();
    services.map(|s| Known { word: s.id.text().clone(), detail: s.title.clone() }).collect()
}

/// Teams of the playbook.
pub(super) fn teams(state: &State) -> Vec<Known> {
    let teams = state.model.playbook.teams.iter();
    teams.map(|(id, team)| Known { word: id.text().clone(), detail: team.title.clone() }).collect()
}

/// Workstreams that have not ended.
pub(super) fn open_workstreams(incident: &Incident) -> BTreeMap<RecordId, &Workstream> {
    let open = incident.workstreams.iter().filter(|(_, stream)| stream.closed.is_none());
    open.map(|(id, stream)| (*id, stream)).collect()
}

/// Workstreams as completion shows them.
pub(super) fn workstreams(incident: &Incident) -> Vec<Known> {
    let open = open_workstreams(incident);
    let known = |s: &&Workstream| Known {
        word: s.name.clone(),
        detail: SafeText::new(&format!("led by {}", s.lead)),
    };
    open.values().map(known).collect()
}

/// The workstream with this name.
pub(super) fn workstream_named(incident: &Incident, name: &str) -> Option<RecordId> {
    let open = open_workstreams(incident);
    open.iter().find(|(_, s)| s.name.eq_ignore_ascii_case(name)).map(|(id, _)| *id)
}

/// Tickets of the incident and trackers, as `tracker:key`.
pub(super) fn tickets(incident: &Incident) -> Vec<Known> {
    let tickets = incident.tickets.iter();
    let known =
        |(of, ticket): (&crate::domain::TicketRef, &crate::model::incidents::Ticket)| Known {
            word: SafeText::new(&format!("{}:{}", of.tracker, of.key)),
            detail: ticket.state.clone(),
        };
    tickets.map(known).collect()
}

/// A person as typed, or the one meant by `me`.
pub(super) fn person(state: &State, name: &str) -> Actor {
    if name.eq_ignore_ascii_case("me") { state.me.clone() } else { Actor::new(name) }
}
