//! Incidents told as what people do in them: decided, recorded, folded, and decided on again.

mod course;
mod outward;
mod remind;
mod review;
mod wild;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{
    Actor, Audience, Cause, Channel, ChannelId, Contact, Impact, IncidentId, Playbook, SafeText,
    ServiceId, Severity, Span, Team, TeamId, Timestamp, TrackerId,
};
use crate::eventlog::{
    Grant, IncidentEvent, KeyId, LogEvent, Origin, Policy, Power, RecordId, Recorded, Stamp, id_of,
};
use crate::model::Model;
use crate::model::incidents::Incident;

use super::{Doing, Rule, Writer, decide_incident};

/// People who write into one log, and a minute between any two steps.
struct Story {
    model: Model,
    last: Stamp,
    now: Timestamp,
    id: IncidentId,
}

const PEOPLE: [&str; 4] = ["alice", "bob", "carol", "dan"];

fn key_of(name: &str) -> KeyId {
    KeyId([number(name); 32])
}

fn number(name: &str) -> u8 {
    let at = PEOPLE.iter().position(|person| *person == name).unwrap_or(9);
    u8::try_from(at).unwrap() + 1
}

impl Story {
    /// Nobody has declared anything.
    fn new() -> Self {
        Self {
            model: Model::default(),
            last: Stamp::default(),
            now: Timestamp::parse_rfc3339("2026-11-22T14:00:00Z").unwrap(),
            id: IncidentId::new("INC-7KQ4M"),
        }
    }

    /// Alice has declared an incident of the checkout and commands it.
    fn declared() -> Self {
        let mut story = Self::new();
        story.does("alice", &story.declare());
        story
    }

    /// With channels, a tracker, a team on call.
    fn with_playbook(mut self) -> Self {
        let channel = |id: &str, audiences: &[Audience]| Channel {
            id: ChannelId::new(id),
            kind: "webhook",
            audiences: audiences.to_vec(),
            fallback: None,
        };
        let contact = Contact {
            phone: "+49 30 1".into(),
            at: [(ChannelId::new("push"), SafeText::new("carol-phone"))].into(),
        };
        let team = Team {
            overrides: vec![crate::domain::Override {
                person: "carol".into(),
                from: self.now.minus(Span::from_hours(1)),
                to: self.now.plus(Span::from_hours(12)),
            }],
            ..Team::default()
        };
        self.model.playbook = Arc::new(Playbook {
            channels: vec![
                channel("chat", &[Audience::Internal]),
                channel("page", &[Audience::External]),
                channel("push", &[]),
            ],
            people: [("carol".into(), contact), ("dan".into(), Contact::default())].into(),
            teams: [(TeamId::new("db"), team)].into(),
            trackers: vec![TrackerId::new("github")],
            ..Playbook::default()
        });
        self
    }

    /// With a policy: what each may do.
    fn with_policy(mut self, grants: &[(&'static str, &[Power])]) -> Self {
        let grant = |(name, powers): &(&'static str, &[Power])| {
            let powers = powers.iter().copied().collect();
            (key_of(name), Grant { person: SafeText::new(name), powers, revoked: None })
        };
        let keys = Some(grants.iter().map(grant).collect());
        self.model.duties = Arc::new(Policy { keys, unread: false });
        self
    }

    fn declare(&self) -> Doing {
        Doing::Declare {
            id: self.id.clone(),
            title: "checkout: cards declined".into(),
            severity: Severity::Sev2,
            reason: "impact high (tier 1)".into(),
            services: vec![ServiceId::new("checkout")],
            impact: Impact::default(),
            cause: Cause::Nothing,
            onset: None,
            commander: Some(Actor::new("alice")),
            ticket: None,
            confirmed_duplicate: false,
        }
    }

    fn decide(&self, who: &str, doing: &Doing) -> Result<Vec<LogEvent>, super::Refusal> {
        let writer = Writer { actor: Actor::new(who), key: key_of(who) };
        let id = match doing {
            Doing::Declare { id, .. } => id,
            _ => &self.id,
        };
        decide_incident(&self.model, &writer, id, doing, self.now)
    }

    fn does(&mut self, who: &'static str, doing: &Doing) -> Vec<Recorded> {
        let events = self.decide(who, doing);
        self.write_down(who, events.unwrap_or_else(|refusal| panic!("{who}: {refusal}")))
    }

    /// What was decided is recorded and folded; a minute passes.
    fn write_down(&mut self, who: &'static str, events: Vec<LogEvent>) -> Vec<Recorded> {
        let record = |event: LogEvent| {
            let hybrid = self.last.hybrid.next(self.now);
            let origin = Origin([number(who); 16]);
            self.last = Stamp { hybrid, origin, seq: self.last.seq + 1 };
            let id = id_of(&self.last.seq.to_be_bytes());
            let (actor, key, at, stamp) = (Actor::new(who), key_of(who), self.now, self.last);
            Recorded { id, actor, key, at, stamp, event: Some(event) }
        };
        let recorded: Vec<Recorded> = events.into_iter().map(record).collect();
        recorded.iter().for_each(|record| self.model.apply(record));
        self.now = self.now.plus(Span::from_mins(1));
        recorded
    }

    /// Somebody writes a fact down that no rule was asked about.
    fn writes(&mut self, who: &'static str, event: impl Into<IncidentEvent>) {
        let event = LogEvent::Incident { incident: self.id.clone(), event: event.into() };
        self.write_down(who, vec![event]);
    }

    /// The only fact of the incident that comes of it.
    fn fact(&mut self, who: &'static str, doing: &Doing) -> IncidentEvent {
        let mut recorded = self.does(who, doing);
        assert_eq!(recorded.len(), 1, "{recorded:?}");
        match recorded.remove(0).event {
            Some(LogEvent::Incident { incident, event }) if incident == self.id => event,
            other => panic!("{other:?}"),
        }
    }

    /// Does it, and gives the id of its first record.
    fn record(&mut self, who: &'static str, doing: &Doing) -> RecordId {
        self.does(who, doing)[0].id
    }

    fn refuses(&self, who: &str, doing: &Doing) -> (Rule, String) {
        match self.decide(who, doing) {
            Ok(events) => panic!("{who} may: {events:?}"),
            Err(refusal) => (refusal.rule, refusal.sentence.to_string()),
        }
    }

    fn incident(&self) -> &Incident {
        &self.model.incidents.incidents[&self.id]
    }

    fn after(&self, minutes: i64) -> Timestamp {
        self.now.plus(Span::from_mins(minutes))
    }
}

fn refusal(rule: Rule, sentence: &str) -> (Rule, String) {
    (rule, sentence.to_owned())
}
