//! Whatever is meant, in whatever order: nothing panics, and what is allowed has an effect.

use proptest::prelude::*;

use super::*;
use crate::domain::{EntryKind, Role, Status};
use crate::eventlog::{DecisionStep, TaskStep, WorkstreamStep};
use crate::model::incidents::LineKind;

fn doing() -> impl Strategy<Value = (usize, u8, u8, String, i64)> {
    (0..22usize, any::<u8>(), any::<u8>(), "\\PC{0,12}|@bob x|[a-z ]{0,9}", -4000..4000i64)
}

/// One of what stands there, so that most of what is tried makes sense.
fn one<T>(some: &BTreeMap<RecordId, T>, at: u8) -> RecordId {
    let count = some.len().max(1);
    some.keys().nth(usize::from(at) % count).copied().unwrap_or(RecordId([at; 32]))
}

fn meant(story: &Story, (kind, a, b, text, minutes): (usize, u8, u8, String, i64)) -> Doing {
    let known = story.incident();
    let who = Actor::new(PEOPLE[usize::from(a) % 4]);
    let at = story.after(minutes);
    match kind {
        0 => Doing::Severity(Severity::ALL[usize::from(a) % 5], text),
        1 => Doing::Status(Status::ALL[usize::from(a) % 5], text),
        2 => Doing::TakeCommand {
            after: if b.is_multiple_of(3) {
                None
            } else {
                known.command.as_ref().map(|c| c.record)
            },
            reason: text,
        },
        3 => Doing::GiveRole {
            role: Role::ALL[usize::from(b) % 6],
            to: who,
            until: b.is_multiple_of(2).then_some(at),
        },
        4 => Doing::LeaveRole { role: Role::ALL[usize::from(b) % 6], who },
        5 => Doing::OfferHandover { to: who },
        6 | 7 => Doing::AnswerHandover {
            section: u16::from(a % 3),
            answer: if b.is_multiple_of(4) { Err(text) } else { Ok(()) },
        },
        8 => Doing::WithdrawHandover(text),
        9 => Doing::Enter {
            kind: EntryKind::ALL[usize::from(a) % 5],
            text,
            happened: b.is_multiple_of(2).then_some(at),
            evidence: None,
            about: b.is_multiple_of(3).then(|| one(&known.tasks, a)),
        },
        10 => Doing::Pin {
            entry: known
                .timeline
                .iter()
                .nth(usize::from(a) % known.timeline.len().max(1))
                .map_or(RecordId([a; 32]), |line| line.record),
            pinned: b.is_multiple_of(2),
        },
        11 => Doing::Task { text, owner: who, due: at, workstream: None },
        12 => Doing::MoveTask {
            task: one(&known.tasks, a),
            step: match b % 5 {
                0 => TaskStep::Acknowledged,
                1 => TaskStep::Given(who),
                2 => TaskStep::Extended(at),
                3 => TaskStep::Done,
                _ => TaskStep::Dropped,
            },
            note: text,
        },
        13 => Doing::OpenWorkstream {
            name: text,
            team: None,
            lead: who,
            parent: b.is_multiple_of(2).then(|| one(&known.workstreams, a)),
        },
        14 => Doing::MoveWorkstream {
            workstream: one(&known.workstreams, a),
            step: match b % 4 {
                0 => WorkstreamStep::Led(who),
                1 => WorkstreamStep::Blocked(SafeText::new(&text)),
                2 => WorkstreamStep::Under(Some(one(&known.workstreams, b))),
                _ => WorkstreamStep::Closed,
            },
        },
        15 => Doing::Split {
            groups: vec![(text, who, known.workstreams.keys().copied().take(2).collect())],
        },
        16 => Doing::Report {
            workstream: one(&known.workstreams, a),
            conditions: text,
            actions: String::new(),
            needs: String::new(),
        },
        17 => Doing::Propose {
            proposal: text,
            options: vec!["wait".into(); usize::from(b % 3)],
            owner: who,
            expected: String::new(),
            review: None,
        },
        18 => Doing::Decide {
            decision: one(&known.decisions, a),
            step: match b % 4 {
                0 => DecisionStep::Objected,
                1 => DecisionStep::Taken(Some(u16::from(a % 3))),
                2 => DecisionStep::Rejected,
                _ => DecisionStep::Reviewed,
            },
            note: text,
        },
        19 => Doing::Update {
            audience: Audience::ALL[usize::from(a) % 2],
            subject: text.clone(),
            body: text,
            channels: vec![ChannelId::new("page")],
            next: at,
        },
        20 => Doing::AnswerUpdate {
            update: one(&known.updates, a),
            approved: !b.is_multiple_of(4),
            note: text,
        },
        _ => Doing::Publish(one(&known.updates, a)),
    }
}

proptest! {
    #[test]
    fn what_is_allowed_is_never_refused_by_the_fold(
        steps in proptest::collection::vec((0..4usize, doing()), 1..40),
        governed: bool,
    ) {
        let mut story = Story::new();
        if governed {
            let write = &[Power::Write, Power::Declare, Power::Command];
            story = story.with_policy(&[
                ("alice", &Power::ALL),
                ("bob", &Power::ALL),
                ("carol", write),
            ]);
        }
        story = story.with_playbook();
        story.does("alice", &story.declare());
        for (who, drawn) in steps {
            let doing = meant(&story, drawn);
            if story.decide(PEOPLE[who], &doing).is_err() {
                continue;
            }
            let recorded = story.does(PEOPLE[who], &doing);
            for record in &recorded {
                let line = story.incident().timeline.line(record.id);
                prop_assert!(
                    line.is_none_or(|line| line.kind != LineKind::Refused),
                    "{doing:?} by {} came to {line:?}",
                    PEOPLE[who]
                );
            }
            prop_assert_eq!(&story.model.incidents.refused, &[]);
        }
    }

    #[test]
    fn times_and_texts_from_anywhere_never_panic(
        at: i64,
        now: i64,
        text in "\\PC*",
    ) {
        let mut story = Story::declared().with_playbook();
        story.now = Timestamp::from_millis(now);
        let at = Timestamp::from_millis(at);
        for doing in [
            Doing::Enter {
                kind: EntryKind::Action,
                text: text.clone(),
                happened: Some(at),
                evidence: None,
                about: None,
            },
            Doing::Task {
                text: text.clone(),
                owner: Actor::new(&text),
                due: at,
                workstream: None,
            },
            Doing::Page { team: Some(TeamId::new("db")), whom: None, text: text.clone() },
            Doing::Describe {
                title: Some(text.clone()),
                services: None,
                impact: None,
                onset: Some(at),
            },
        ] {
            let _ = story.decide("alice", &doing);
        }
    }
}
