//! A whole incident, from the first alert to the review, and what the draft makes of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use pretty_assertions::assert_eq;

use super::*;
use crate::domain::{
    Ask, Audience, Catalog, Cause, CauseCategory, ChannelId, EntryKind, Evidence, Impact,
    IncidentId, IncidentType, Indicator, Message, Method, Moment, Operation, Order, Outcome,
    PipelineId, Priority, ProcedureId, ProcedureKind, Purpose, Role, RunVerdict, ServiceId,
    Severity, Slo, SloId, Status, Verify,
};
use crate::eventlog::{
    CauseFound, CommandTaken, DecisionMoved, DecisionProposed, DecisionStep, Declared, EntryMade,
    FollowUpGiven, IncidentEvent, KeyId, LogEvent, MachineSaw, Origin, PageAnswered, PageSent,
    RecordId, Recorded, RoleGiven, RunAnswered, RunProposed, RunReleased, RunVerified,
    SectionWritten, SeverityChanged, Stamp, StatusChanged, TaskGiven, TaskMoved, TaskStep,
    TypesSet, UpdateAnswered, UpdateProposed, UpdatePublished, id_of,
};

const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];

pub(super) struct Room {
    pub(super) model: Model,
    pub(super) id: IncidentId,
    last: Stamp,
    began: Timestamp,
}

impl Room {
    pub(super) fn new() -> Self {
        let slo = Slo {
            id: SloId::new("checkout-availability"),
            title: "requests answered".into(),
            service: ServiceId::new("checkout"),
            objective: 0.999,
            period: Span::from_days(28),
            indicator: Indicator::Events {
                bad: "rate(bad[$window])".into(),
                total: "rate(all[$window])".into(),
            },
            method: Method::Occurrences,
            conditions: Vec::new(),
            source: None,
            min_events: 0.0,
            recorded: None,
            origin: Default::default(),
        };
        let slos = [(slo.id.clone(), slo)].into();
        let catalog = Arc::new(Catalog { slos, ..Catalog::default() });
        Self {
            model: Model::new(catalog, Default::default(), Vec::new()),
            id: IncidentId::new("INC-7KQ4M"),
            last: Stamp::default(),
            began: Timestamp::parse_rfc3339("2026-11-22T14:00:00Z").unwrap(),
        }
    }

    pub(super) fn at(&self, minutes: i64) -> Timestamp {
        self.began.plus(Span::from_mins(minutes))
    }

    pub(super) fn log(&mut self, who: &str, minutes: i64, event: LogEvent) -> RecordId {
        let n = PEOPLE.iter().position(|one| *one == who).unwrap_or(8) as u8 + 1;
        let at = self.at(minutes);
        self.last = Stamp {
            hybrid: self.last.hybrid.next(at),
            origin: Origin([n; 16]),
            seq: self.last.seq + 1,
        };
        let id = id_of(&self.last.seq.to_be_bytes());
        let (actor, key, stamp) = (Actor::new(who), KeyId([n; 32]), self.last);
        self.model.apply(&Recorded { id, actor, key, at, stamp, event: Some(event) });
        id
    }

    pub(super) fn say(
        &mut self,
        who: &str,
        minutes: i64,
        event: impl Into<IncidentEvent>,
    ) -> RecordId {
        let incident = self.id.clone();
        self.log(who, minutes, LogEvent::Incident { incident, event: event.into() })
    }

    pub(super) fn declare(&mut self, title: &str, services: &[&str], onset: Option<i64>) {
        let declared = Declared {
            title: title.into(),
            severity: Severity::Sev2,
            reason: "tier 1 burns fast".into(),
            services: services.iter().map(|name| ServiceId::new(name)).collect(),
            impact: Impact { sentence: "Nobody can pay by card.".into(), scope: "eu only".into() },
            cause: Cause::Alerts { title: "CheckoutBurn".into(), alerts: Vec::new() },
            onset: onset.map(|minutes| self.at(minutes)),
        };
        self.say("alice", 0, declared);
    }

    pub(super) fn incident(&self) -> &Incident {
        &self.model.incidents.incidents[&self.id]
    }

    pub(super) fn document(&self, minutes: i64) -> Document {
        document(&self.model, self.incident(), self.at(minutes))
    }
}

fn entry(kind: EntryKind, text: &str) -> EntryMade {
    EntryMade {
        kind,
        text: text.into(),
        happened: None,
        spoken_by: None,
        evidence: None,
        about: None,
    }
}

/// Bad canary, alert, declared, task, update, decision, rolled back, verified, resolved.
pub(super) fn whole() -> Room {
    let mut room = Room::new();
    room.declare("checkout: cards declined", &["checkout"], Some(-8));
    let (after, commander) = (None, Actor::new("alice"));
    let reason = SafeText::default();
    room.say("alice", 0, CommandTaken { after, commander, handover: None, reason });
    room.say("alice", 1, RoleGiven { role: Role::Ops, to: Actor::new("bob"), until: None });
    let at = Moment { bound: Some(40), ..Moment::exact(room.at(-6)) };
    let text = "CheckoutBurn fires".into();
    room.say("alice", 1, MachineSaw { key: "a#1:on".into(), source: "eu".into(), text, at });
    let due = room.at(12);
    let owner = Actor::new("bob");
    let task = TaskGiven { text: "find the change".into(), owner, due, workstream: None };
    let task = room.say("alice", 2, task);
    let note = SafeText::default();
    room.say("bob", 3, TaskMoved { task, step: TaskStep::Acknowledged, note });
    let page = PageSent {
        team: None,
        whom: Actor::new("carol"),
        step: 0,
        text: "updates".into(),
        escalates: None,
    };
    let page = room.say("alice", 3, page);
    room.say("carol", 5, PageAnswered { page, coming: true, note: "two minutes".into() });
    let update = UpdateProposed {
        audience: Audience::External,
        subject: "Cards are declined".into(),
        body: "We are on it.".into(),
        channels: vec![ChannelId::new("mail")],
        next: room.at(30),
    };
    let update = room.say("carol", 6, update);
    let note = SafeText::default();
    room.say("alice", 7, UpdateAnswered { update, approved: true, note });
    room.say("carol", 8, UpdatePublished { update });
    let message = Message {
        incident: Some(room.id.clone()),
        purpose: Purpose::Update(Audience::External),
        channel: ChannelId::new("mail"),
        to: Vec::new(),
        subject: "Cards are declined".into(),
        body: "We are on it.".into(),
        severity: None,
        status: None,
    };
    let request =
        room.log("carol", 8, LogEvent::OperationRequested { operation: Operation::Send(message) });
    let outcome = Outcome::Received { receipt: "250 queued".into(), url: "".into() };
    room.log("carol", 9, LogEvent::OperationEnded { request, outcome });
    room.say("bob", 9, entry(EntryKind::Observation, "errors began with v812, says bob"));
    let decision = DecisionProposed {
        proposal: "roll back checkout to v811".into(),
        options: vec!["fix forward".into()],
        owner: Actor::new("bob"),
        expected: "errors are gone in 5 min".into(),
        review: None,
    };
    let decision = room.say("bob", 10, decision);
    let (step, note) = (DecisionStep::Taken(None), SafeText::default());
    room.say("alice", 11, DecisionMoved { decision, step, note });
    run(&mut room);
    let reason = "errors are falling".into();
    room.say("alice", 25, SeverityChanged { severity: Severity::Sev3, reason });
    let note = "errors are gone".into();
    room.say("alice", 40, StatusChanged { status: Status::Resolved, note });
    room
}

fn run(room: &mut Room) {
    let order = Order {
        title: "deploy v811".into(),
        pipeline: PipelineId::new("ci"),
        ask: Ask::Command { argv: vec!["deploy".into(), "v811".into()] },
        deadline: Span::from_mins(10),
    };
    let proposed = RunProposed {
        procedure: ProcedureId::new("rollback"),
        title: "Roll back checkout".into(),
        kind: ProcedureKind::Rollback,
        service: ServiceId::new("checkout"),
        orders: vec![order.clone()],
        change: None,
        undoes: None,
        reason: "v812 began it".into(),
        card: Vec::new(),
        verify: Verify::default(),
        backup: None,
        second_person: true,
        cancel_window: Span::ZERO,
        expires: room.at(60),
    };
    let run = room.say("bob", 12, proposed);
    room.say("alice", 13, RunAnswered { run, approved: true, note: "".into() });
    room.say("bob", 14, RunReleased { run });
    let operation =
        Operation::Run { incident: room.id.clone(), run: run.to_string().into(), step: 0, order };
    let request = room.log("bob", 14, LogEvent::OperationRequested { operation });
    let outcome = Outcome::Received { receipt: "build 7".into(), url: "".into() };
    room.log("bob", 18, LogEvent::OperationEnded { request, outcome });
    let figures = vec![("burn".into(), "14.2x to 0.3x".into())];
    room.say("bob", 30, RunVerified { run, verdict: RunVerdict::Recovered, figures });
}

/// The answers of the sources to what is asked, frozen.
pub(super) fn measure(room: &mut Room) {
    let now = room.at(50);
    let answers = |one: &Question| match (one.step, one.unit) {
        (Some(_), _) => vec![(one.from, 0.0), (room.at(0), 0.4), (room.at(40), 0.0)],
        (None, "/s") => vec![(one.to, 20.0)],
        (None, _) => vec![(one.to, 0.25)],
    };
    let asked = questions(&room.model, room.incident(), now);
    let proofs: Vec<(Question, Evidence)> = asked
        .into_iter()
        .map(|one| {
            let evidence = Evidence {
                query: SafeText::body(&one.query),
                source: "prom".into(),
                from: one.from,
                to: one.to,
                values: answers(&one),
                unit: one.unit.into(),
            };
            (one, evidence)
        })
        .collect();
    for (one, evidence) in proofs {
        let made = entry(EntryKind::Evidence, &one.says);
        let happened = Some(one.to);
        room.say("alice", 51, EntryMade { evidence: Some(evidence), happened, ..made });
    }
}

/// What people add after the draft.
pub(super) fn reviewed(room: &mut Room) -> RecordId {
    let seen = room.incident().timeline.iter().find(|line| line.text.contains("v812")).unwrap();
    let evidence = vec![seen.record];
    let found = |parent, category, text: &str| CauseFound {
        parent,
        category,
        text: text.into(),
        evidence: Vec::new(),
    };
    let first = found(None, Some(CauseCategory::Technology), "v812 dropped a column still read");
    let top = room.say("alice", 60, CauseFound { evidence, ..first });
    let why =
        found(Some(top), Some(CauseCategory::Process), "no check compares readers and schema");
    room.say("alice", 61, why);
    room.say("alice", 61, found(None, Some(CauseCategory::Measurement), "the canary had no SLO"));
    room.say("alice", 62, TypesSet { types: vec![IncidentType::Deployment] });
    let due = room.at(60 * 24 * 7);
    let given = FollowUpGiven {
        text: "compare readers and schema before a deploy".into(),
        owner: Actor::new("bob"),
        due,
        priority: Priority::High,
        check: None,
        mends: Some(top),
    };
    room.say("alice", 63, given)
}

#[test]
fn the_draft_of_a_whole_incident_needs_no_figure_typed_by_hand() {
    let mut room = whole();
    measure(&mut room);
    reviewed(&mut room);
    let document = room.document(70);
    let markdown = export::markdown(&document, room.incident(), room.at(70));
    insta::assert_snapshot!("draft", markdown);
    for section in &document.sections {
        assert_eq!(section.slips, [], "{}", section.section.title());
    }
}

#[test]
fn what_was_not_measured_is_said_to_be_unknown() {
    let mut room = Room::new();
    room.declare("checkout: cards declined", &["checkout"], None);
    let text = |room: &Room, section| room.document(9).section(section).unwrap().text.to_string();
    assert_eq!(
        text(&room, ReviewSection::Impact),
        "- Who was hurt: Nobody can pay by card.\n\
         - Where: eu only.\n\
         - Duration: 9m (14:00Z to 14:09Z; from the declaration, since nobody said when it began; at least \
         to now, it goes on; how far the clocks are off is unknown).\n\
         - Severity: SEV-2, tier 1 burns fast.\n\
         - checkout: requests answered: lost events unknown; error ratio unknown, not measured; budget of \
         28d spent unknown."
    );
    assert_eq!(
        text(&room, ReviewSection::Detection),
        "Monitoring noticed it: \"CheckoutBurn\".\n\
         How long after it began is unknown: nobody said when that was."
    );
    assert_eq!(text(&room, ReviewSection::WasHard), "");
    assert_eq!(room.document(9).hits[0].spent, None);
}

#[test]
fn figures_follow_from_the_sources_answers_alone() {
    let mut room = whole();
    measure(&mut room);
    let hit = &room.document(70).hits[0];
    // 48 min at 20 events a second, a quarter of them bad; a thousandth may be, over 28 days.
    assert_eq!((hit.events, hit.lost), (Some(57_600.0), Some(14_400.0)));
    let spent = 0.25 / 0.001 * 48.0 / (28.0 * 24.0 * 60.0);
    assert!((hit.spent.unwrap() - spent).abs() < 1e-9, "{:?} {spent}", hit.spent);
    assert!(!hit.is_rough);
    assert_eq!(
        hit.line.iter().map(|(_, burn)| burn.round()).collect::<Vec<_>>(),
        [0.0, 400.0, 0.0]
    );
}

#[test]
fn what_is_written_replaces_the_draft_until_it_is_taken_back() {
    let mut room = whole();
    let write = |text: &str| SectionWritten { section: ReviewSection::Luck, text: text.into() };
    room.say("carol", 60, write("It was Sunday."));
    let luck = room.document(70).section(ReviewSection::Luck).unwrap().clone();
    assert_eq!((luck.text.as_str(), luck.written.is_some()), ("It was Sunday.", true));
    room.say("carol", 61, write(""));
    assert!(room.document(70).section(ReviewSection::Luck).unwrap().is_blank());
}

#[test]
fn people_are_called_by_their_role_and_no_word_is_taken_for_a_name() {
    let mut room = Room::new();
    room.declare("bobsled, bob-1 and bob", &["checkout"], None);
    room.say("bob", 1, entry(EntryKind::Action, "alice asked bob; malice, bob's, alice-b"));
    let people = People::of(&room.model, room.incident());
    assert_eq!(people.listed(), [("alice", "responder A"), ("bob", "responder B")]);
    assert_eq!(
        people.without_names("alice asked bob; malice, bob's, alice-b, bob."),
        "responder A asked responder B; malice, responder B's, alice-b, responder B."
    );
    // Nor is a path, an address or a file another one without them; a name may begin a sentence.
    assert_eq!(
        people.without_names(
            "Bob wrote /home/bob/updates.txt to bob@shop.example. See bob.rs. Alice"
        ),
        "responder B wrote /home/bob/updates.txt to bob@shop.example. See bob.rs. responder A"
    );
}

#[test]
fn an_incident_like_a_past_one_names_it_and_says_why() {
    let mut room = whole();
    reviewed(&mut room);
    let first = room.id.clone();
    room.id = IncidentId::new("INC-ZZZZZ");
    room.declare("checkout declines cards again", &["checkout"], None);
    let found = similar(&room.model, room.incident());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id, first);
    assert_eq!(
        found[0].why,
        ["the same services: checkout", "words in common: card, cards, checkout, nobody, only"]
    );
    room.id = IncidentId::new("INC-YYYYY");
    room.declare("printer on fire", &["printer"], None);
    let ids: Vec<IncidentId> =
        similar(&room.model, room.incident()).into_iter().map(|one| one.id).collect();
    // The sentence on who is hurt is the same in all of them here; the services are not.
    assert!(found[0].score > 0.5 && !ids.contains(&IncidentId::new("INC-YYYYY")), "{ids:?}");
}

#[test]
fn statistics_count_each_incident_once_under_each_of_its_types() {
    let mut room = whole();
    measure(&mut room);
    reviewed(&mut room);
    let rows = by_type(&room.model, room.at(70));
    let spent = room.document(70).hits[0].spent.unwrap();
    let span = Span::from_mins(48);
    assert_eq!(
        rows,
        [TypeRow {
            of: Some(IncidentType::Deployment),
            incidents: 1,
            lasted: span,
            median: span,
            spent,
            known: 1,
            open: 1
        }]
    );
    let counted: BTreeMap<bool, usize> =
        [(true, shelf(&room.model, room.at(60 * 24 * 8))[0].overdue)].into();
    assert_eq!(counted[&true], 1, "its follow-up is late by then");
}
