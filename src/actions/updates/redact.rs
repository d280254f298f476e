//! What must not leave the house: secrets, internal hosts, people's names, guessed causes.
//!
//! Findings have a range of bytes and a proposal; nothing is changed by itself. A secret blocks every update, the rest
//! only those that go outside. A person settles each: takes the proposal, rewrites, or confirms these very words.
//! One pass over the text for each kind, no regular expressions: the cost is linear in the text, times the
//! number of words looked for.

mod hosts;
mod names;
mod secrets;

use std::collections::BTreeSet;
use std::ops::Range;

use crate::domain::{Audience, Playbook, Role, SafeText};
use crate::model::incidents::Incident;

/// Why something should not go out. In this order where two overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// A token, key, password or what looks like one.
    Secret,
    /// A host, address or domain of the inside.
    Host,
    /// One of the playbook's words.
    Word,
    /// Somebody's name, address or number.
    Person,
    /// A cause nobody has established.
    Guess,
}

impl FindingKind {
    /// For the person who writes.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Secret => "This looks like a secret.",
            Self::Host => "This names a host of the inside.",
            Self::Word => "The playbook lists this among the words that stay inside.",
            Self::Person => "This names a person; a role says as much.",
            Self::Guess => "This is a guess at the cause; say what is known, or leave it out.",
        }
    }

    /// Whether it must be settled before an update goes to this audience.
    pub const fn blocks(self, audience: Audience) -> bool {
        matches!((self, audience), (Self::Secret, _) | (_, Audience::External))
    }
}

/// One place in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Bytes of the text, at character boundaries.
    pub range: Range<usize>,
    /// Why.
    pub kind: FindingKind,
    /// What could stand there instead.
    pub proposal: String,
}

/// The words of the inside.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// Host suffixes, customers' names: as configured.
    pub inside: Vec<SafeText>,
    /// Names, addresses and numbers of people, with what to say instead.
    pub people: Vec<(SafeText, SafeText)>,
}

impl Words {
    /// The words of a playbook and of the people in an incident, these by their role.
    pub fn of(playbook: &Playbook, incident: Option<&Incident>) -> Self {
        let mut people: Vec<(SafeText, SafeText)> = Vec::new();
        let mut add = |name: &str, instead: &str| {
            let known = people.iter().any(|(known, _)| known.as_str() == name);
            if !known && name.chars().count() >= 2 {
                people.push((SafeText::new(name), SafeText::new(instead)));
            }
        };
        if let Some(incident) = incident {
            if let Some(command) = &incident.command {
                add(command.commander.name(), "the incident commander");
            }
            for (role, holders) in &incident.roles {
                let instead = match role {
                    Role::Commander => "the incident commander",
                    Role::Deputy => "the deputy",
                    Role::Scribe => "the scribe",
                    Role::Comms => "our communications lead",
                    Role::Ops => "our operations lead",
                    Role::Observer => "a responder",
                };
                holders.iter().for_each(|holder| add(holder.who.name(), instead));
            }
            add(incident.declared_by.name(), "a responder");
            let owners = incident.tasks.values().map(|task| &task.owner);
            let leads = incident.workstreams.values().map(|stream| &stream.lead);
            owners.chain(leads).for_each(|actor| add(actor.name(), "a responder"));
        }
        for (name, contact) in &playbook.people {
            add(name, "a responder");
            if contact.phone.chars().filter(char::is_ascii_digit).count() >= 5 {
                add(&contact.phone, "[number removed]");
            }
        }
        Self { inside: playbook.redact.clone(), people }
    }
}

/// Everything in a text that should not reach an audience, in order, without overlaps.
pub fn findings(text: &str, words: &Words, audience: Audience) -> Vec<Finding> {
    let mut all = secrets::find(text);
    if audience == Audience::External {
        all.extend(hosts::find(text, &words.inside));
        all.extend(names::people(text, &words.people));
        all.extend(names::inside(text, &words.inside));
        all.extend(names::guesses(text));
    }
    // The graver kind keeps its place; then the longer.
    all.sort_by_key(|one| (one.kind, one.range.start, std::cmp::Reverse(one.range.end)));
    let mut kept: Vec<Finding> = Vec::new();
    for one in all {
        let overlaps = |known: &&mut Finding| {
            known.range.start < one.range.end && one.range.start < known.range.end
        };
        match kept.iter_mut().find(overlaps) {
            // Two halves of a secret are one.
            Some(known) if known.kind == one.kind => {
                known.range.start = known.range.start.min(one.range.start);
                known.range.end = known.range.end.max(one.range.end);
            }
            Some(_) => {}
            None => kept.push(one),
        }
    }
    kept.sort_by_key(|one| one.range.start);
    separated(kept)
}

/// Growing together may have made new overlaps.
fn separated(sorted: Vec<Finding>) -> Vec<Finding> {
    let mut apart: Vec<Finding> = Vec::new();
    for one in sorted {
        match apart.last_mut() {
            Some(last) if one.range.start < last.range.end => {
                last.range.end = last.range.end.max(one.range.end);
                if one.kind < last.kind {
                    (last.kind, last.proposal) = (one.kind, one.proposal);
                }
            }
            _ => apart.push(one),
        }
    }
    apart
}

/// Findings that still block an update: `confirmed` holds the very words a person let pass, one by one.
pub fn open_findings(
    text: &str,
    words: &Words,
    audience: Audience,
    confirmed: &BTreeSet<String>,
) -> Vec<Finding> {
    let passed = |one: &Finding| text.get(one.range.clone()).is_some_and(|t| confirmed.contains(t));
    let mut all = findings(text, words, audience);
    all.retain(|one| one.kind.blocks(audience) && !passed(one));
    all
}

/// The text with every proposal taken.
pub fn redacted(text: &str, findings: &[Finding]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for one in findings {
        out.push_str(text.get(at..one.range.start).unwrap_or(""));
        out.push_str(&one.proposal);
        at = one.range.end.max(at);
    }
    out.push_str(text.get(at..).unwrap_or(""));
    out
}

/// A byte that can be a part of a word, of any script.
fn in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Maximal runs of characters that `keep` keeps, with their places.
fn runs(text: &str, keep: impl Fn(char) -> bool) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), '\0')]) {
        match (keep(c) && at < text.len(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                found.extend(text.get(from..at).map(|run| (from, run)));
                start = None;
            }
            _ => {}
        }
    }
    found
}

/// Places where a word or phrase stands on its own, in any case of its letters.
fn places(text: &str, phrase: &str) -> Vec<Range<usize>> {
    let wanted: Vec<char> = phrase.chars().flat_map(char::to_lowercase).collect();
    let (Some(first), Some(last)) = (wanted.first().copied(), wanted.last().copied()) else {
        return Vec::new();
    };
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut before = None;
    for (at, c) in text.char_indices() {
        let own = !in_word(first) || !before.is_some_and(in_word);
        before = Some(c);
        if !own || c.to_lowercase().next() != Some(first) {
            continue;
        }
        let Some(length) = text.get(at..).and_then(|rest| matches(rest, &wanted)) else { continue };
        let end = at + length;
        let after = text.get(end..).and_then(|rest| rest.chars().next());
        let ends = !in_word(last) || !after.is_some_and(in_word);
        if ends && found.last().is_none_or(|known| known.end <= at) {
            found.push(at..end);
        }
    }
    found
}

/// How many bytes at the beginning are these lower-case characters; a space stands for any run of white space.
fn matches(text: &str, wanted: &[char]) -> Option<usize> {
    let mut wanted = wanted.iter().copied().peekable();
    let mut chars = text.char_indices().peekable();
    while let Some(next) = wanted.peek().copied() {
        let (_, c) = *chars.peek()?;
        if next == ' ' {
            if !c.is_whitespace() {
                return None;
            }
            while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {}
            wanted.next();
            continue;
        }
        for lower in c.to_lowercase() {
            if wanted.next()? != lower {
                return None;
            }
        }
        chars.next();
    }
    Some(chars.peek().map_or(text.len(), |(at, _)| *at))
}

#[cfg(test)]
mod tests;
