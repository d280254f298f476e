//! Who may let a procedure run, as whoever reads the log judges it: a second person with a key of their own,
//! in time, and exactly what they read.

use pretty_assertions::assert_eq;

use super::*;
use crate::domain::{
    Ask, Operation, Order, Outcome, PipelineId, ProcedureId, ProcedureKind, ServiceId, Verify,
};
use crate::eventlog::{RunAnswered, RunProposed, RunReleased, RunStopped};

/// A step.
pub(super) fn order(to: &str) -> Order {
    Order {
        title: "deploy".into(),
        pipeline: PipelineId::new("ci"),
        ask: Ask::Command { argv: vec!["/bin/deploy".into(), to.into()] },
        deadline: Span::from_mins(5),
    }
}

/// To be approved within half an hour.
pub(super) fn proposed() -> RunProposed {
    RunProposed {
        procedure: ProcedureId::new("rollback"),
        title: "Roll back".into(),
        kind: ProcedureKind::Rollback,
        service: ServiceId::new("checkout"),
        orders: vec![order("v811")],
        change: None,
        undoes: None,
        reason: "v812 declines".into(),
        card: Vec::new(),
        verify: Verify::default(),
        backup: None,
        second_person: true,
        cancel_window: Span::from_secs(10),
        expires: at(1_800),
    }
}

fn answer(run: RecordId, approved: bool) -> RunAnswered {
    RunAnswered { run, approved, note: "".into() }
}

/// Alice proposes; the rest happens; what the timeline says of it, and whether it was released.
fn told(happens: impl FnOnce(&mut Room, RecordId)) -> (Vec<String>, bool) {
    let mut room = Room::default();
    room.say("alice", 0, declared());
    let run = room.say("alice", 60, proposed());
    happens(&mut room, run);
    let incident = room.under(&policy());
    let after = lines(&incident).into_iter().skip(2).map(ToOwned::to_owned).collect();
    (after, incident.runs[&run].released.is_some())
}

fn said(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

#[test]
fn a_second_key_approves_and_only_once_it_may_be_released() {
    let (lines, released) = told(|room, run| {
        room.say("alice", 70, RunReleased { run });
        room.say("bob", 80, answer(run, true));
        room.say("alice", 90, RunReleased { run });
        room.say("carol", 95, RunReleased { run });
    });
    let wanted = [
        "refused: alice released \"Roll back\", which no second person approved",
        "bob approved \"Roll back\"",
        "alice released \"Roll back\"; it begins in 10s",
        "refused: carol released \"Roll back\", which is decided already",
    ];
    assert_eq!((lines, released), (said(&wanted), true));
}

#[test]
fn two_approvals_from_one_key_are_no_second_person() {
    let (lines, released) = told(|room, run| {
        let approve = |name: &'static str, room: &mut Room, secs| {
            let event = LogEvent::Incident { incident: inc(), event: answer(run, true).into() };
            room.log_as("alice", name, secs, event);
        };
        approve("alice", room, 70);
        // Another name does not make another person: the key is the same.
        approve("bob", room, 71);
        room.say("alice", 90, RunReleased { run });
    });
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(lines.iter().all(|line| line.starts_with("refused: ")), "{lines:#?}");
    assert!(!released);
    // Nor do two words of one other key count twice: what was said last stands.
    let mut room = Room::default();
    room.say("alice", 0, declared());
    let run = room.say("alice", 60, proposed());
    room.say("bob", 70, answer(run, true));
    room.say("bob", 71, answer(run, true));
    assert_eq!(room.under(&policy()).runs[&run].answers.len(), 1);
}

#[test]
fn an_approval_or_a_release_after_expiry_counts_for_nothing() {
    let (lines, released) = told(|room, run| {
        room.say("bob", 1_801, answer(run, true));
        room.say("alice", 1_802, RunReleased { run });
    });
    let wanted = [
        "refused: bob approved \"Roll back\", which expired at 14:30Z",
        "refused: alice released \"Roll back\", which expired at 14:30Z",
    ];
    assert_eq!((lines, released), (said(&wanted), false));
    // Approved in time, and released too late.
    let (lines, released) = told(|room, run| {
        room.say("bob", 1_799, answer(run, true));
        room.say("alice", 1_801, RunReleased { run });
    });
    assert_eq!((lines.len(), released), (2, false), "{lines:#?}");
}

#[test]
fn another_request_than_the_approved_one_is_no_step_of_it() {
    let step = |to: &str, run: RecordId| LogEvent::OperationRequested {
        operation: Operation::Run {
            incident: inc(),
            run: run.to_string().as_str().into(),
            step: 0,
            order: order(to),
        },
    };
    let mut room = Room::default();
    room.say("alice", 0, declared());
    let run = room.say("alice", 60, proposed());
    let early = room.log("alice", 61, step("v811", run));
    room.say("bob", 80, answer(run, true));
    room.say("alice", 90, RunReleased { run });
    let other = room.log("alice", 101, step("v666", run));
    let right = room.log("alice", 102, step("v811", run));
    room.say("carol", 103, RunStopped { run, before: 0, reason: "too late".into() });
    let incident = room.under(&policy());
    assert_eq!(incident.runs[&run].steps, [(0, right)].into(), "neither {early} nor {other}");
    let refused: Vec<&str> =
        lines(&incident).into_iter().filter(|line| line.starts_with("refused")).collect();
    assert_eq!(
        refused,
        [
            "refused: alice began \"Roll back\", which was not released",
            "refused: alice began \"Roll back\" with another request than the approved one",
            "refused: carol stopped \"Roll back\", whose step had begun",
        ]
    );
}

#[test]
fn how_each_step_ended_is_on_the_timeline_once_and_whatever_arrives_first() {
    let mut room = Room::default();
    room.say("alice", 0, declared());
    let run = room.say("alice", 60, proposed());
    room.say("bob", 80, answer(run, true));
    room.say("alice", 90, RunReleased { run });
    let operation = Operation::Run {
        incident: inc(),
        run: run.to_string().as_str().into(),
        step: 0,
        order: order("v811"),
    };
    let request = room.log("alice", 101, LogEvent::OperationRequested { operation });
    let unknown = Outcome::Unknown { why: "the answer was lost.".into() };
    let failed = Outcome::Failed { why: "exit status 3.".into(), url: "".into() };
    for (who, at, outcome) in
        [("alice", 110, unknown.clone()), ("bob", 120, unknown), ("bob", 130, failed)]
    {
        room.log(who, at, LogEvent::OperationEnded { request, outcome });
    }
    let wanted = [
        "nobody can tell whether \"Roll back\" happened: the answer was lost.",
        "\"Roll back\" failed: exit status 3.",
    ];
    let told = |book: &IncidentBook| -> Vec<String> {
        let all = lines(&book.incidents[&inc()]).into_iter().skip(5);
        all.map(ToOwned::to_owned).collect()
    };
    assert_eq!(told(&room.book(&policy())), said(&wanted));
    assert_eq!(told(&fold(room.records.iter().rev(), &policy())), said(&wanted));
}
