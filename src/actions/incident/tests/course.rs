//! Declaring, steering, command, the timeline, work.

use pretty_assertions::assert_eq;

use super::*;
use crate::domain::{EntryKind, Role, Status, TicketAct, TicketRef};
use crate::eventlog::{
    CommandTaken, DecisionStep, Declared, EntryMade, HandoverAnswered, Merged, RoleGiven,
    SeverityChanged, StatusChanged, TaskGiven, TaskMoved, TaskStep, TicketLinked, WorkstreamOpened,
    WorkstreamStep,
};

fn entry(text: &str, happened: Option<Timestamp>) -> Doing {
    Doing::Enter {
        kind: EntryKind::Observation,
        text: text.into(),
        happened,
        evidence: None,
        about: None,
    }
}

#[test]
fn declaring_sets_a_commander_and_asks_for_a_ticket() {
    let mut story = Story::new().with_playbook();
    let playbook = Arc::make_mut(&mut story.model.playbook);
    playbook.tracker = Some(TrackerId::new("github"));
    let events: Vec<LogEvent> = story.decide("alice", &story.declare()).unwrap();
    let fact = |event: IncidentEvent| LogEvent::Incident { incident: story.id.clone(), event };
    let declared = Declared {
        title: "checkout: cards declined".into(),
        severity: Severity::Sev2,
        reason: "impact high (tier 1)".into(),
        services: vec![ServiceId::new("checkout")],
        impact: Impact::default(),
        cause: Cause::Nothing,
        onset: None,
    };
    let taken = CommandTaken {
        after: None,
        commander: Actor::new("alice"),
        handover: None,
        reason: "".into(),
    };
    let body = "SEV-2 INC-7KQ4M, declared by alice.\nSeverity: impact high (tier 1)\n\
                Impact: not known yet\nScope: not known yet\nService: checkout";
    let open = crate::domain::Operation::Ticket {
        incident: story.id.clone(),
        tracker: TrackerId::new("github"),
        act: TicketAct::Open {
            title: "checkout: cards declined".into(),
            body: SafeText::body(body),
            severity: Severity::Sev2,
        },
    };
    let asked = LogEvent::OperationRequested { operation: open };
    assert_eq!(events, [fact(declared.clone().into()), fact(taken.clone().into()), asked]);

    // A ticket that exists is taken on instead.
    let ticket = TicketRef { tracker: TrackerId::new("github"), key: "42".into() };
    let mut doing = story.declare();
    if let Doing::Declare { ticket: wanted, .. } = &mut doing {
        *wanted = Some(ticket.clone());
    }
    let linked = TicketLinked { ticket, url: "".into() };
    let events = story.decide("alice", &doing).unwrap();
    assert_eq!(events, [fact(declared.into()), fact(taken.into()), fact(linked.into())]);
}

#[test]
fn what_goes_on_already_is_not_declared_twice_by_a_slip() {
    let story = Story::declared();
    let again = story.declare();
    assert_eq!(
        story.refuses("bob", &again),
        refusal(
            Rule::Taken,
            "There is an incident INC-7KQ4M already. Declare again; another id will be drawn."
        )
    );
    let mut other = again;
    if let Doing::Declare { id, .. } = &mut other {
        *id = IncidentId::new("INC-00000");
    }
    assert_eq!(
        story.refuses("bob", &other),
        refusal(
            Rule::Duplicate,
            "SEV-2 INC-7KQ4M “checkout: cards declined” has been going on since 14:00 UTC: it is about \
             checkout too. Join it, or confirm that this is another one."
        )
    );
    if let Doing::Declare { confirmed_duplicate, .. } = &mut other {
        *confirmed_duplicate = true;
    }
    assert_eq!(story.decide("bob", &other).unwrap().len(), 2);
}

#[test]
fn a_paste_is_refused_whole_with_its_size() {
    let story = Story::declared();
    let paste = "é".repeat(5 << 20);
    assert_eq!(
        story.refuses("alice", &entry(&paste, None)),
        refusal(
            Rule::TooLong,
            "The entry is 10 MiB long; at most 32 KiB are kept. Shorten it, or link to the whole; it is \
             still here as you wrote it."
        )
    );
    // What is made visible takes more room than it was typed in.
    let hidden = "\u{200b}".repeat(10_000);
    assert_eq!(story.refuses("alice", &entry(&hidden, None)).0, Rule::TooLong);
    assert_eq!(
        story.refuses("alice", &entry(" \n ", None)),
        refusal(Rule::Empty, "The entry is empty. Write something first.")
    );
}

#[test]
fn severity_and_status_move_and_tickets_hear_of_it() {
    let mut story = Story::declared().with_playbook();
    let ticket = TicketRef { tracker: TrackerId::new("github"), key: "42".into() };
    story.does("alice", &Doing::LinkTicket { ticket: ticket.clone(), url: String::new() });
    let worse = Doing::Severity(Severity::Sev1, "nobody can pay".into());
    let events: Vec<LogEvent> =
        story.does("bob", &worse).into_iter().filter_map(|record| record.event).collect();
    let fact =
        |event: IncidentEvent| LogEvent::Incident { incident: IncidentId::new("INC-7KQ4M"), event };
    let operation = |act| LogEvent::OperationRequested {
        operation: crate::domain::Operation::Ticket {
            incident: IncidentId::new("INC-7KQ4M"),
            tracker: TrackerId::new("github"),
            act,
        },
    };
    let body = "Severity raised from SEV-2 to SEV-1 by bob: nobody can pay".into();
    assert_eq!(
        events,
        [
            fact(
                SeverityChanged { severity: Severity::Sev1, reason: "nobody can pay".into() }
                    .into()
            ),
            operation(TicketAct::Comment { ticket: ticket.clone(), body }),
        ]
    );
    assert_eq!(
        story.refuses("bob", &worse),
        refusal(Rule::Same, "INC-7KQ4M is SEV-1 already (nobody can pay).")
    );
    let resolved = Doing::Status(Status::Resolved, "rolled back".into());
    let events: Vec<LogEvent> =
        story.does("alice", &resolved).into_iter().filter_map(|record| record.event).collect();
    let note: SafeText = "rolled back".into();
    let moved = StatusChanged { status: Status::Resolved, note: note.clone() };
    let to = Status::Resolved;
    assert_eq!(events, [fact(moved.into()), operation(TicketAct::Transition { ticket, to, note })]);
}

#[test]
fn what_is_over_takes_notes_and_is_reopened_with_a_reason() {
    let mut story = Story::declared();
    assert_eq!(
        story.refuses("alice", &Doing::Status(Status::Closed, String::new())),
        refusal(
            Rule::NotLive,
            "INC-7KQ4M is investigating; resolve it first, then close it when nothing is left to do."
        )
    );
    story.does("alice", &Doing::Status(Status::Resolved, String::new()));
    story.does("bob", &entry("the cause was a flag", None));
    assert_eq!(
        story.refuses("bob", &Doing::TakeCommand { after: None, reason: String::new() }),
        refusal(
            Rule::NotLive,
            "INC-7KQ4M has been resolved since 14:01 UTC, so nobody can take command of it. Reopen it first \
             (status investigating); notes are taken at any time."
        )
    );
    assert_eq!(
        story.refuses("bob", &Doing::Status(Status::Investigating, String::new())),
        refusal(Rule::Empty, "The reason for reopening is empty. Write something first.")
    );
    story.does("bob", &Doing::Status(Status::Investigating, "it is back".into()));
    assert_eq!(story.incident().status, Status::Investigating);
}

#[test]
fn command_is_taken_by_those_who_have_seen_who_has_it() {
    let mut story = Story::declared();
    let first = story.incident().command_place;
    let take = |after, reason: &str| Doing::TakeCommand { after, reason: reason.into() };
    assert_eq!(
        story.refuses("bob", &take(first, "")),
        refusal(
            Rule::Empty,
            "alice has had command of INC-7KQ4M since 14:00 UTC. Say why you take it without a hand-over, \
             or ask them to hand over."
        )
    );
    let taken = story.fact("bob", &take(first, "alice is offline"));
    let commander = Actor::new("bob");
    let reason = "alice is offline".into();
    assert_eq!(taken, CommandTaken { after: first, commander, handover: None, reason }.into());
    // Carol still sees Alice in command.
    assert_eq!(
        story.refuses("carol", &take(first, "alice is offline")),
        refusal(
            Rule::Stale,
            "bob took command of INC-7KQ4M at 14:01 UTC. Look at what has changed before you take it from \
             them."
        )
    );
    assert_eq!(
        story.refuses("bob", &take(first, "")),
        refusal(Rule::Same, "You have had command of INC-7KQ4M since 14:01 UTC.")
    );
}

#[test]
fn a_hand_over_ends_with_the_last_section_accepted() {
    let mut story = Story::declared();
    let offer = Doing::OfferHandover { to: Actor::new("carol") };
    let (rule, sentence) = story.refuses("bob", &offer);
    assert_eq!(rule, Rule::NotYours);
    assert!(sentence.starts_with("alice commands INC-7KQ4M; only they can hand it over."));
    let handover = story.record("alice", &offer);
    assert_eq!(story.refuses("alice", &offer).0, Rule::Same);
    let accept = |section| Doing::AnswerHandover { section, answer: Ok(()) };
    assert_eq!(
        story.refuses("bob", &accept(0)),
        refusal(
            Rule::NotYours,
            "Command of INC-7KQ4M is offered to carol; only they can answer the brief."
        )
    );
    let count = u16::try_from(story.incident().handover.as_ref().unwrap().sections.len()).unwrap();
    story.does("carol", &Doing::AnswerHandover { section: 0, answer: Err("since when?".into()) });
    for section in 0..count - 1 {
        story.does("carol", &accept(section));
    }
    assert_eq!(story.refuses("carol", &accept(0)).0, Rule::Same);
    assert_eq!(story.refuses("carol", &accept(count)).0, Rule::NoSuch);
    let after = story.incident().command_place;
    let last = story.does("carol", &accept(count - 1));
    let events: Vec<LogEvent> = last.into_iter().filter_map(|record| record.event).collect();
    let fact = |event: IncidentEvent| LogEvent::Incident { incident: story.id.clone(), event };
    let section = count - 1;
    let answered = HandoverAnswered { handover, section, accepted: true, note: "".into() };
    let taken = CommandTaken {
        after,
        commander: Actor::new("carol"),
        handover: Some(handover),
        reason: "".into(),
    };
    assert_eq!(events, [fact(answered.into()), fact(taken.into())]);
    assert_eq!(story.incident().command.as_ref().unwrap().commander, Actor::new("carol"));
    assert_eq!(story.incident().handover, None);
}

#[test]
fn roles_are_given_and_left_but_never_the_commanders() {
    let mut story = Story::declared();
    let until = Some(story.after(120));
    let give = |role, until| Doing::GiveRole { role, to: Actor::new("dan"), until };
    assert_eq!(story.refuses("alice", &give(Role::Commander, None)).0, Rule::NotYours);
    assert_eq!(story.refuses("alice", &give(Role::Scribe, Some(story.now))).0, Rule::Times);
    let given = story.fact("alice", &give(Role::Scribe, until));
    assert_eq!(given, RoleGiven { role: Role::Scribe, to: Actor::new("dan"), until }.into());
    assert_eq!(story.refuses("alice", &give(Role::Scribe, until)).0, Rule::Same);
    let leave = Doing::LeaveRole { role: Role::Comms, who: Actor::new("dan") };
    assert_eq!(story.refuses("dan", &leave), refusal(Rule::Same, "dan is not comms of INC-7KQ4M."));
}

#[test]
fn entries_are_backdated_spoken_for_others_and_withdrawn() {
    let mut story = Story::declared();
    let happened = Some(story.now.minus(Span::from_mins(30)));
    let made = story.fact("alice", &entry("@bob: cards fail\u{202e}", happened));
    let kind = EntryKind::Observation;
    let text: SafeText = "cards fail<U+202E>".into();
    let spoken_by = Some(Actor::new("bob"));
    let written = EntryMade { kind, text, happened, spoken_by, evidence: None, about: None };
    assert_eq!(made, written.into());
    assert_eq!(
        story.refuses("alice", &entry("x", Some(story.after(10)))),
        refusal(
            Rule::Times,
            "The time it happened (14:12 UTC) has not come yet. Only what has happened can be written down."
        )
    );
    let ages_ago = story.now.minus(Span::from_days(40));
    assert_eq!(story.refuses("alice", &entry("x", Some(ages_ago))).0, Rule::Times);

    let record = story.incident().timeline.iter().next().unwrap().record;
    let withdraw = |reason: &str| Doing::WithdrawEntry { entry: record, reason: reason.into() };
    assert_eq!(story.refuses("bob", &withdraw("")).0, Rule::Empty);
    story.does("bob", &withdraw("another shop"));
    assert_eq!(
        story.refuses("alice", &withdraw("twice")),
        refusal(Rule::Same, "That entry was withdrawn by bob already.")
    );
    let pin = |pinned| Doing::Pin { entry: record, pinned };
    story.does("alice", &pin(true));
    assert_eq!(story.refuses("bob", &pin(true)).1, "That entry is pinned already.");
    let nothing = Doing::Pin { entry: RecordId([0xab; 32]), pinned: true };
    assert_eq!(
        story.refuses("bob", &nothing).1,
        "INC-7KQ4M has no entry abababab. It may not have arrived here yet; look again."
    );
}

#[test]
fn tasks_have_one_owner_a_time_and_an_end() {
    let mut story = Story::declared();
    let due = story.after(10);
    let task = |due| Doing::Task {
        text: "roll back v812".into(),
        owner: Actor::new("bob"),
        due,
        workstream: None,
    };
    assert_eq!(
        story.refuses("alice", &task(story.now)),
        refusal(Rule::Times, "The time to call back (14:01 UTC) has passed. Give a later time.")
    );
    let recorded = story.does("alice", &task(due));
    let id = recorded[0].id;
    let given = TaskGiven {
        text: "roll back v812".into(),
        owner: Actor::new("bob"),
        due,
        workstream: None,
    };
    let event = LogEvent::Incident { incident: story.id.clone(), event: given.into() };
    assert_eq!(recorded[0].event, Some(event));
    let step = |step, note: &str| Doing::MoveTask { task: id, step, note: note.into() };
    assert_eq!(
        story.refuses("dan", &step(TaskStep::Acknowledged, "")).1,
        "Only bob can say that they heard it, or whoever commands or writes for them."
    );
    story.does("bob", &step(TaskStep::Acknowledged, ""));
    assert_eq!(story.refuses("bob", &step(TaskStep::Acknowledged, "")).0, Rule::Same);
    assert_eq!(story.refuses("bob", &step(TaskStep::Extended(due), "")).0, Rule::Times);
    assert_eq!(story.refuses("bob", &step(TaskStep::Dropped, "")).0, Rule::Empty);
    let done = story.fact("bob", &step(TaskStep::Done, "it was v811"));
    let note = "it was v811".into();
    assert_eq!(done, TaskMoved { task: id, step: TaskStep::Done, note }.into());
    assert_eq!(
        story.refuses("alice", &step(TaskStep::Done, "")).1,
        "That task was done at 14:03 UTC. Give a new one."
    );
}

#[test]
fn workstreams_are_split_in_one_step() {
    let mut story = Story::declared();
    let open = |name: &str, lead: &str| Doing::OpenWorkstream {
        name: name.into(),
        team: None,
        lead: Actor::new(lead),
        parent: None,
    };
    let a = story.record("alice", &open("database", "bob"));
    let b = story.record("alice", &open("web", "carol"));
    assert_eq!(
        story.refuses("alice", &open("Web", "dan")).1,
        "carol leads a workstream web already. Choose another name."
    );
    let group = |takes: Vec<RecordId>| ("alpha".to_owned(), Actor::new("dan"), takes);
    let split = |groups| Doing::Split { groups };
    assert_eq!(
        story.refuses("alice", &split(vec![group(vec![a, a])])).1,
        "database would be in two places. Put it under one lead."
    );
    let opened = story.fact("alice", &split(vec![group(vec![a, b])]));
    let lead = Actor::new("dan");
    let (team, parent, takes) = (None, None, vec![a, b]);
    assert_eq!(opened, WorkstreamOpened { name: "alpha".into(), team, lead, parent, takes }.into());
    let alpha = story.incident().workstreams[&a].parent.unwrap();
    assert_eq!(story.incident().workstreams[&b].parent, Some(alpha));
    let under = |workstream, parent| Doing::MoveWorkstream {
        workstream,
        step: WorkstreamStep::Under(Some(parent)),
    };
    assert_eq!(story.refuses("alice", &under(alpha, b)).1, "alpha cannot be a part of itself.");
    story.does("bob", &Doing::MoveWorkstream { workstream: a, step: WorkstreamStep::Closed });
    let report = Doing::Report {
        workstream: a,
        conditions: "slow".into(),
        actions: String::new(),
        needs: String::new(),
    };
    assert_eq!(story.refuses("bob", &report).0, Rule::NotLive);
}

#[test]
fn decisions_are_taken_once_and_looked_at_again() {
    let mut story = Story::declared();
    let propose = Doing::Propose {
        proposal: "roll back".into(),
        options: vec!["wait".into()],
        owner: Actor::new("bob"),
        expected: "errors end".into(),
        review: Some(story.after(30)),
    };
    let decision = story.record("alice", &propose);
    let step = |step, note: &str| Doing::Decide { decision, step, note: note.into() };
    story.does("dan", &step(DecisionStep::Objected, "data written since"));
    assert_eq!(
        story.refuses("alice", &step(DecisionStep::Taken(Some(4)), "")).1,
        "There is no option 5; the decision has 1."
    );
    assert_eq!(story.refuses("alice", &step(DecisionStep::Reviewed, "x")).0, Rule::NotLive);
    story.does("alice", &step(DecisionStep::Taken(Some(0)), "dan is right"));
    assert_eq!(
        story.refuses("bob", &step(DecisionStep::Rejected, "")).1,
        "“roll back” was taken by alice at 14:03 UTC. Propose anew what should be different."
    );
    story.does("bob", &step(DecisionStep::Reviewed, "errors ended"));
    assert_eq!(story.refuses("bob", &step(DecisionStep::Reviewed, "again")).0, Rule::Same);
}

#[test]
fn two_incidents_become_one() {
    let mut story = Story::declared();
    let mut other = story.declare();
    if let Doing::Declare { id, confirmed_duplicate, .. } = &mut other {
        (*id, *confirmed_duplicate) = (IncidentId::new("INC-00000"), true);
    }
    story.does("bob", &other);
    let into = IncidentId::new("INC-00000");
    assert_eq!(story.refuses("bob", &Doing::Merge(story.id.clone())).0, Rule::Same);
    assert_eq!(
        story.refuses("bob", &Doing::Merge(IncidentId::new("INC-11111"))).0,
        Rule::NoSuchIncident
    );
    let merged = story.fact("bob", &Doing::Merge(into.clone()));
    assert_eq!(merged, Merged { into }.into());
    assert_eq!(
        story.refuses("bob", &Doing::Severity(Severity::Sev1, "x".into())).1,
        "INC-7KQ4M went into INC-00000; do this there. Notes are taken here too."
    );
    story.does("bob", &entry("seen here first", None));
}
