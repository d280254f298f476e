//! What a person who reads the record can rely on.

use pretty_assertions::assert_eq;

use crate::domain::{Actor, Role, SafeText, Severity, Span, Status};
use crate::eventlog::{
    CommandTaken, EntryMade, EntryPinned, EntryWithdrawn, HandoverAnswered, HandoverOffered,
    MachineSaw, Policy, RecordId, RoleGiven, SeverityChanged, StatusChanged, TaskGiven, TaskMoved,
    TaskStep,
};

use super::super::LineKind;
use super::*;

fn take(after: Option<RecordId>, who: &str, reason: &str) -> CommandTaken {
    CommandTaken { after, commander: Actor::new(who), handover: None, reason: reason.into() }
}

fn offer(to: &str) -> HandoverOffered {
    let brief = ["State", "Risks"].map(|title| (title.into(), "text".into())).to_vec();
    HandoverOffered { to: Actor::new(to), brief }
}

fn understood(handover: RecordId, section: u16) -> HandoverAnswered {
    HandoverAnswered { handover, section, accepted: true, note: SafeText::default() }
}

fn commander(incident: &Incident) -> &str {
    incident.command.as_ref().map_or("nobody", |command| command.commander.name())
}

#[test]
fn an_incident_is_declared_worked_on_and_resolved() {
    let mut room = Room::default();
    room.say("alice", 0, declared());
    room.say("alice", 1, take(None, "alice", ""));
    room.say("alice", 10, RoleGiven { role: Role::Scribe, to: Actor::new("bob"), until: None });
    let task = room.say(
        "alice",
        20,
        TaskGiven {
            text: "Drain eu-1".into(),
            owner: Actor::new("carol"),
            due: at(620),
            workstream: None,
        },
    );
    room.say("carol", 30, TaskMoved { task, step: TaskStep::Acknowledged, note: "".into() });
    let worse = SeverityChanged { severity: Severity::Sev1, reason: "cards declined".into() };
    room.say("alice", 40, worse);
    room.say("bob", 50, entry("rolled back to 41"));
    room.say("carol", 60, TaskMoved { task, step: TaskStep::Done, note: "drained".into() });
    let over = StatusChanged { status: Status::Resolved, note: "cards work".into() };
    room.say("alice", 70, over);
    let incident = room.incident();
    assert_eq!(
        lines(&incident),
        [
            "alice declared SEV-2 \"Checkout fails\": tier 1 burns fast",
            "alice took command",
            "alice made bob scribe",
            "alice asked carol to do \"Drain eu-1\", 10m (until 14:10Z)",
            "carol has heard: \"Drain eu-1\"",
            "severity SEV-2 -> SEV-1: cards declined",
            "rolled back to 41",
            "carol finished \"Drain eu-1\": drained",
            "status investigating -> resolved: cards work",
        ]
    );
    assert_eq!(
        (incident.severity, incident.status, incident.status_since),
        (Severity::Sev1, Status::Resolved, at(70))
    );
    assert_eq!(incident.tasks[&task].ended, Some((at(60), true, "drained".into())));
    assert_eq!(incident.roles[&Role::Scribe][0].who, Actor::new("bob"));
    assert!(room.book(&Policy::default()).live().is_empty());
}

#[test]
fn of_two_who_take_command_at_once_the_earlier_has_it_and_what_follows_the_other_is_lost() {
    let mut room = Room::default();
    room.say("alice", 0, declared());
    let first = room.say("alice", 1, take(None, "alice", ""));
    let bob = room.say("bob", 5, take(Some(first), "bob", "alice is asleep"));
    let carol = room.say("carol", 6, take(Some(first), "carol", "alice is away"));
    room.say("carol", 7, take(Some(carol), "carol", "again"));
    let incident = room.incident();
    assert_eq!(commander(&incident), "bob");
    assert_eq!(incident.command_place, Some(bob));
    let refused: Vec<&str> = incident
        .timeline
        .iter()
        .filter(|line| line.kind == LineKind::Refused)
        .map(|line| line.text.as_str())
        .collect();
    assert_eq!(refused, ["lost: bob had taken command a moment before"; 2]);
}

#[test]
fn command_is_handed_over_only_when_every_section_is_understood_by_the_next_commander() {
    let mut room = Room::default();
    room.say("alice", 0, declared());
    let first = room.say("alice", 1, take(None, "alice", ""));
    let handover = room.say("alice", 10, offer("carol"));
    room.say("bob", 11, understood(handover, 0));
    room.say("carol", 12, understood(handover, 0));
    let by = |who: &str, after| CommandTaken {
        after: Some(after),
        commander: Actor::new(who),
        handover: Some(handover),
        reason: SafeText::default(),
    };
    let early = room.say("carol", 13, by("carol", first));
    assert_eq!(commander(&room.incident()), "alice");
    // The store has given the place to the refused record, so the next one follows that.
    assert_eq!(room.incident().command_place, Some(early));
    room.say("carol", 14, understood(handover, 1));
    room.say("carol", 15, by("carol", early));
    let incident = room.incident();
    assert_eq!((commander(&incident), &incident.handover), ("carol", &None));
    assert_eq!(
        lines(&incident)[2..],
        [
            "alice offered command to carol",
            "refused: bob answered a hand-over that carol is asked about",
            "carol understood \"State\" of the brief",
            "refused: carol took command by a hand-over that was not accepted whole",
            "carol understood \"Risks\" of the brief",
            "carol took command from alice, who handed it over",
        ]
    );
}

#[test]
fn command_taken_from_somebody_needs_a_reason() {
    let mut room = Room::default();
    room.say("alice", 0, declared());
    let first = room.say("alice", 1, take(None, "alice", ""));
    let silent = room.say("bob", 2, take(Some(first), "bob", " "));
    assert_eq!(commander(&room.incident()), "alice");
    room.say("carol", 3, take(Some(silent), "carol", "alice lost her connection"));
    assert_eq!(commander(&room.incident()), "carol");
}

#[test]
fn with_a_policy_only_the_commander_offers_command() {
    let mut room = Room::default();
    room.say("alice", 0, declared());
    room.say("alice", 1, take(None, "alice", ""));
    room.say("carol", 2, offer("carol"));
    let incident = room.under(&policy());
    assert_eq!(incident.handover, None);
    assert_eq!(lines(&incident)[2], "refused: carol offered command that alice has");
}

#[test]
fn who_may_not_is_refused_by_the_reader_and_seen() {
    let mut room = Room::default();
    room.say("alice", 0, declared());
    let first = room.say("alice", 1, take(None, "alice", ""));
    let without = room.under(&policy());
    room.say("mallory", 2, take(Some(first), "mallory", "mine"));
    room.say("mallory", 3, entry("all clear"));
    room.say("bob", 4, SeverityChanged { severity: Severity::Sev5, reason: "fine".into() });
    let incident = room.under(&policy());
    assert_eq!(
        lines(&incident)[2..],
        [
            "refused: mallory's key is not in the policy (command-taken)",
            "refused: mallory's key is not in the policy (entry-made)",
            "refused: bob may not declare (severity-changed)",
        ]
    );
    assert_eq!(incident.command, without.command);
    assert_eq!(incident.severity, without.severity);
    assert_eq!(room.book(&policy()).refused.len(), 3);
}

#[test]
fn a_key_speaks_for_its_person_whatever_name_was_written() {
    let mut room = Room::default();
    room.say("alice", 0, declared());
    let event = LogEvent::Incident { incident: inc(), event: entry("all clear").into() };
    room.log_as("bob", "alice", 1, event);
    let incident = room.under(&policy());
    let line = incident.timeline.get(1).unwrap();
    assert_eq!((line.by.name(), line.text.as_str()), ("bob", "all clear"));
}

#[test]
fn an_entry_is_backdated_pinned_and_withdrawn_and_stays_readable() {
    let mut room = Room::default();
    room.say("alice", 0, declared());
    let late = EntryMade { happened: Some(at(-300)), ..entry("disk was full") };
    let entry = room.say("bob", 100, late);
    room.say("bob", 110, EntryPinned { entry, pinned: true });
    room.say("carol", 120, EntryWithdrawn { entry, reason: "it was another disk".into() });
    let incident = room.incident();
    let line = incident.timeline.get(0).unwrap();
    assert_eq!((line.record, line.at.corrected, line.written), (entry, at(-300), at(100)));
    let why = (Actor::new("carol"), SafeText::new("it was another disk"));
    assert_eq!(line.withdrawn.as_deref(), Some(&why));
    let pinned: Vec<RecordId> = incident.timeline.pinned().map(|line| line.record).collect();
    assert_eq!(pinned, [entry]);
    assert_eq!(incident.timeline.row_of(entry), Some(0));
    assert_eq!(incident.timeline.around(at(-300), Span::from_secs(60)), 0..1);
}

#[test]
fn what_two_consoles_saw_is_one_line_that_of_the_earlier() {
    let mut room = Room::default();
    room.say("alice", 0, declared());
    let saw = |text: &str| MachineSaw {
        key: "alert:eu/1:firing".into(),
        source: "eu".into(),
        text: text.into(),
        at: crate::domain::Moment::exact(at(5)),
    };
    room.say("bob", 7, saw("seen by bob"));
    room.say("alice", 6, saw("seen by alice"));
    assert_eq!(lines(&room.incident())[1..], ["seen by alice"]);
    // Were alice's key unknown, what bob saw would still be there.
    let mut without_alice = policy();
    without_alice.keys.as_mut().unwrap().remove(&key("alice"));
    let mut book = room.book(&policy());
    book.govern(&without_alice, []);
    assert!(book.incidents.is_empty(), "nobody who counts declared it");
    book.govern(&policy(), []);
    assert_eq!(lines(&book.incidents[&inc()])[1..], ["seen by alice"]);
}
