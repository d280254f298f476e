//! Who took part, and how a review calls them: by role. Names are for owners of follow-ups, and for the log.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Actor, Role};
use crate::model::Model;
use crate::model::incidents::{Incident, LineKind};

/// Everybody of an incident with the role they are called by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct People {
    known: BTreeMap<Actor, String>,
}

const fn called(role: Role) -> &'static str {
    match role {
        Role::Commander => "the incident commander",
        Role::Deputy => "the deputy",
        Role::Scribe => "the scribe",
        Role::Comms => "the communications lead",
        Role::Ops => "the operations lead",
        Role::Observer => "an observer",
    }
}

impl People {
    /// Everybody who wrote, was asked or was called.
    pub fn of(model: &Model, incident: &Incident) -> Self {
        let mut known = BTreeMap::new();
        if let Some(command) = &incident.command {
            known.insert(command.commander.clone(), called(Role::Commander).to_owned());
        }
        for (role, holders) in &incident.roles {
            for holder in holders {
                known.entry(holder.who.clone()).or_insert_with(|| called(*role).to_owned());
            }
        }
        let by_hand = |kind| kind != LineKind::Machine;
        let lines = incident.timeline.iter().filter(|line| by_hand(line.kind));
        let mut others: BTreeSet<&Actor> =
            lines.flat_map(|line| std::iter::once(&line.by).chain(&line.spoken_by)).collect();
        others.insert(&incident.declared_by);
        others.extend(incident.tasks.values().flat_map(|task| [&task.owner, &task.given_by]));
        others.extend(incident.workstreams.values().map(|stream| &stream.lead));
        others.extend(incident.decisions.values().flat_map(|one| [&one.by, &one.owner]));
        others.extend(incident.pages.values().flat_map(|page| [&page.by, &page.whom]));
        others.extend(incident.runs.values().map(|run| &run.by));
        others.extend(incident.review.follow_ups.values().map(|one| &one.owner));
        // A name that is also that of a service or a team says which part, not who.
        let is_thing = |name: &str| {
            model.catalog.services.keys().any(|service| service.as_str() == name)
                || model.playbook.teams.keys().any(|team| team.as_str() == name)
                || incident.services.iter().any(|service| service.as_str() == name)
        };
        let others = others.into_iter().filter(|who| {
            !who.name().trim().is_empty() && !known.contains_key(*who) && !is_thing(who.name())
        });
        let others: Vec<Actor> = others.cloned().collect();
        for (at, who) in others.into_iter().enumerate() {
            known.insert(who, format!("responder {}", letters(at)));
        }
        known.retain(|who, _| !is_thing(who.name()));
        Self { known }
    }

    /// How somebody is called.
    pub fn role<'a>(&'a self, who: &'a Actor) -> &'a str {
        self.known.get(who).map_or("a responder", String::as_str)
    }

    /// Each with their role.
    pub fn listed(&self) -> Vec<(&str, &str)> {
        self.known.iter().map(|(who, role)| (who.name(), role.as_str())).collect()
    }

    /// A text with every whole name of somebody replaced by their role, however long the text; the longer
    /// name first.
    pub fn without_names(&self, text: &str) -> String {
        let mut names = self.listed();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            // A path, an address and a receipt stay what they are.
            let before = out.chars().next_back();
            let before = before.is_some_and(|c| in_word(c) || "/@.\\~=".contains(c));
            let hit = names.iter().find(|(name, _)| {
                !before && after_name(rest, name).is_some_and(|after| !goes_on(after))
            });
            if let Some((name, role)) = hit {
                out.push_str(role);
                rest = &rest[name.len()..];
            } else {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        out
    }
}

/// What follows the name, which may begin a sentence.
fn after_name<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.strip_prefix(name).or_else(|| {
        let (first, others) = (name.chars().next()?, name.get(1..)?);
        let rest = text.strip_prefix(first.to_ascii_uppercase())?;
        first.is_ascii_lowercase().then(|| rest.strip_prefix(others))?
    })
}

/// Whether a word, a path or an address goes on here.
fn goes_on(text: &str) -> bool {
    let mut chars = text.chars();
    match chars.next() {
        Some('.') => chars.next().is_some_and(char::is_alphanumeric),
        Some(c) => in_word(c) || "/@\\=".contains(c),
        None => false,
    }
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-')
}

/// `A` to `Z`, then `AA`, `AB`.
fn letters(at: usize) -> String {
    let letter = |n: usize| char::from(b'A' + u8::try_from(n % 26).unwrap_or_default());
    match at.checked_div(26).and_then(|n| n.checked_sub(1)) {
        None => letter(at).to_string(),
        Some(high) => format!("{}{}", letters(high), letter(at)),
    }
}
