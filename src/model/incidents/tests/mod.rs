//! Stories of incidents, told by several people with keys and clocks of their own.

mod clocks;
mod hovering;
mod orders;
mod runs;
mod stories;

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    Actor, Cause, EntryKind, Impact, IncidentId, SafeText, Severity, Span, Timestamp,
};
use crate::eventlog::{
    Declared, EntryMade, Grant, IncidentEvent, KeyId, LogEvent, Origin, Policy, Power, RecordId,
    Recorded, Stamp, id_of,
};

use super::{Incident, IncidentBook};

/// Everybody who appears; their place makes their key.
const PEOPLE: [&str; 4] = ["alice", "bob", "carol", "mallory"];

fn inc() -> IncidentId {
    IncidentId::new("INC-7KQ4M")
}

/// Seconds after 14:00:00 UTC on some day.
fn at(secs: i64) -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-22T14:00:00Z").unwrap().plus(Span::from_secs(secs))
}

fn key(who: &str) -> KeyId {
    KeyId([seed(who); 32])
}

fn seed(who: &str) -> u8 {
    PEOPLE.iter().position(|one| *one == who).map_or(9, |n| n as u8 + 1)
}

fn declared() -> IncidentEvent {
    Declared {
        title: "Checkout fails".into(),
        severity: Severity::Sev2,
        reason: "tier 1 burns fast".into(),
        services: Vec::new(),
        impact: Impact::default(),
        cause: Cause::Nothing,
        onset: None,
    }
    .into()
}

fn entry(text: &str) -> EntryMade {
    EntryMade {
        kind: EntryKind::Action,
        text: text.into(),
        happened: None,
        spoken_by: None,
        evidence: None,
        about: None,
    }
}

/// Everybody but mallory is known; bob may only write and approve.
fn policy() -> Policy {
    let all: BTreeSet<Power> = Power::ALL.into();
    let few: BTreeSet<Power> = [Power::Write, Power::Approve].into();
    let grant = |who: &str| {
        let powers = if who == "bob" { few.clone() } else { all.clone() };
        (key(who), Grant { person: who.into(), powers, revoked: None })
    };
    Policy::of(["alice", "bob", "carol"].into_iter().map(grant).collect())
}

/// People at their consoles, each with a series of records of their own.
#[derive(Default)]
struct Room {
    series: BTreeMap<u8, Stamp>,
    records: Vec<Recorded>,
}

impl Room {
    /// Somebody writes something down `secs` after two.
    fn say(&mut self, who: &str, secs: i64, event: impl Into<IncidentEvent>) -> RecordId {
        self.log(who, secs, LogEvent::Incident { incident: inc(), event: event.into() })
    }

    fn log(&mut self, who: &str, secs: i64, event: LogEvent) -> RecordId {
        self.log_as(who, who, secs, event)
    }

    /// With one's own key, by whatever name.
    fn log_as(&mut self, who: &str, name: &str, secs: i64, event: LogEvent) -> RecordId {
        let n = seed(who);
        let last = self.series.get(&n).copied().unwrap_or_default();
        let stamp = Stamp {
            hybrid: last.hybrid.next(at(secs)),
            origin: Origin([n; 16]),
            seq: last.seq + 1,
        };
        self.series.insert(n, stamp);
        let id = id_of(&[n, stamp.seq as u8, self.records.len() as u8]);
        let (actor, key) = (Actor::new(name), key(who));
        self.records.push(Recorded { id, actor, key, at: at(secs), stamp, event: Some(event) });
        id
    }

    fn book(&self, duties: &Policy) -> IncidentBook {
        fold(&self.records, duties)
    }

    fn incident(&self) -> Incident {
        self.under(&Policy::default())
    }

    fn under(&self, duties: &Policy) -> Incident {
        self.book(duties).incidents.remove(&inc()).unwrap()
    }
}

fn fold<'a>(records: impl IntoIterator<Item = &'a Recorded>, duties: &Policy) -> IncidentBook {
    let mut book = IncidentBook::default();
    records.into_iter().for_each(|record| book.apply(record, duties));
    book
}

/// The texts of the timeline, oldest first.
fn lines(incident: &Incident) -> Vec<&str> {
    incident.timeline.iter().map(|line| line.text.as_str()).collect()
}

fn texts(items: &[&str]) -> Vec<SafeText> {
    items.iter().map(|item| SafeText::new(item)).collect()
}
