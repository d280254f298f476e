//! The same records in any order, in any parts, as often as you like, are the same incident.

use pretty_assertions::assert_eq;
use proptest::prelude::*;

use crate::domain::{
    Audience, ChannelId, Check, IncidentType, Message, Moment, Operation, Priority, Purpose,
    ReviewSection, Role, RunVerdict, SafeText, Severity, Status, TicketRef, TicketSeen, TrackerId,
};
use crate::eventlog::{
    CanReported, CauseFound, CauseWithdrawn, CommandTaken, DecisionMoved, DecisionProposed,
    DecisionStep, EntryPinned, EntryWithdrawn, FollowUpGiven, FollowUpMoved, FollowUpStep,
    HandoverAnswered, HandoverOffered, MachineSaw, PageAnswered, PageSent, ReviewFinished,
    RoleGiven, RoleLeft, RunAnswered, RunReleased, RunStopped, RunVerified, SectionWritten,
    SeverityChanged, StatusChanged, TaskGiven, TaskMoved, TaskStep, TicketChanged, TypesSet,
    UpdateAnswered, UpdateProposed, UpdatePublished, WorkstreamMoved, WorkstreamOpened,
    WorkstreamStep,
};

use super::super::{LineKind, Timeline};
use super::*;

/// One thing somebody does: who, how long after the last one, what, and about which earlier record.
type Act = (usize, i64, usize, usize);

/// What was written, with everything that can speak about anything before it.
fn history(acts: &[Act]) -> Vec<Recorded> {
    let mut room = Room::default();
    let mut secs = 0;
    let mut ids = vec![room.say("alice", 0, declared())];
    for (who, wait, what, about) in acts {
        secs += wait;
        let who = PEOPLE[who % PEOPLE.len()];
        // Mostly something recent, so that chains come about.
        let id = ids[ids.len() - 1 - about % ids.len().min(5)];
        ids.push(room.log(who, secs, event(who, *what, id, *about)));
    }
    room.records
}

fn event(who: &str, what: usize, id: RecordId, n: usize) -> LogEvent {
    let other = Actor::new(PEOPLE[n % 3]);
    let note = SafeText::new(["", "because"][n % 2]);
    let flag = n.is_multiple_of(2);
    let by = Actor::new(who);
    let event: IncidentEvent = match what % 38 {
        0 | 1 => CommandTaken {
            after: [None, Some(id)][n % 2],
            commander: by,
            handover: None,
            reason: "needed".into(),
        }
        .into(),
        2 => {
            CommandTaken { after: Some(id), commander: by, handover: Some(id), reason: note }.into()
        }
        3 => HandoverOffered { to: other, brief: vec![("a".into(), "b".into())] }.into(),
        4 => HandoverAnswered { handover: id, section: 0, accepted: !n.is_multiple_of(3), note }
            .into(),
        5 => SeverityChanged { severity: Severity::ALL[n % 5], reason: note }.into(),
        6 => StatusChanged { status: Status::ALL[n % 5], note }.into(),
        7 => RoleGiven { role: Role::ALL[n % 6], to: other, until: None }.into(),
        8 => RoleLeft { role: Role::ALL[n % 6], who: other }.into(),
        9 | 10 => entry("said").into(),
        11 => EntryMade { about: Some(id), happened: Some(at(n as i64)), ..entry("late") }.into(),
        12 => EntryPinned { entry: id, pinned: flag }.into(),
        13 => EntryWithdrawn { entry: id, reason: note }.into(),
        14 => MachineSaw {
            key: ["x", "y"][n % 2].into(),
            source: "eu".into(),
            text: who.into(),
            at: Moment::exact(at(n as i64)),
        }
        .into(),
        15 => {
            TaskGiven { text: "do".into(), owner: other, due: at(99), workstream: Some(id) }.into()
        }
        16 => {
            let step = [
                TaskStep::Acknowledged,
                TaskStep::Done,
                TaskStep::Given(other),
                TaskStep::Extended(at(n as i64)),
            ];
            TaskMoved { task: id, step: step[n % 4].clone(), note }.into()
        }
        17 => WorkstreamOpened {
            name: "db".into(),
            team: None,
            lead: other,
            parent: flag.then_some(id),
            takes: vec![id],
        }
        .into(),
        18 => {
            let step = [
                WorkstreamStep::Led(other),
                WorkstreamStep::Blocked(note),
                WorkstreamStep::Under(flag.then_some(id)),
                WorkstreamStep::Closed,
            ];
            WorkstreamMoved { workstream: id, step: step[n % 4].clone() }.into()
        }
        19 => {
            let (conditions, actions, needs) = ("c".into(), "a".into(), note);
            CanReported { workstream: id, conditions, actions, needs }.into()
        }
        20 => DecisionProposed {
            proposal: "fail over".into(),
            options: texts(&["wait"]),
            owner: other,
            expected: note,
            review: None,
        }
        .into(),
        21 => {
            let step = [
                DecisionStep::Objected,
                DecisionStep::Taken(None),
                DecisionStep::Taken(Some(0)),
                DecisionStep::Rejected,
            ];
            DecisionMoved { decision: id, step: step[n % 4].clone(), note }.into()
        }
        22 => UpdateProposed {
            audience: Audience::ALL[n % 2],
            subject: "news".into(),
            body: "text".into(),
            channels: vec![ChannelId::new("mail")],
            next: at(900),
        }
        .into(),
        23 => match n % 3 {
            0 => UpdateAnswered { update: id, approved: true, note }.into(),
            1 => UpdatePublished { update: id }.into(),
            _ => {
                let message = Message {
                    incident: Some(inc()),
                    purpose: Purpose::Update(Audience::External),
                    channel: ChannelId::new("mail"),
                    to: Vec::new(),
                    subject: "news".into(),
                    body: "text".into(),
                    severity: None,
                    status: None,
                };
                return LogEvent::OperationRequested { operation: Operation::Send(message) };
            }
        },
        24 => TicketChanged {
            seen: TicketSeen {
                ticket: TicketRef { tracker: TrackerId::new("rm"), key: "1".into() },
                url: "".into(),
                state: note,
                done: Some(flag),
                comments: Vec::new(),
                version: ["1", "2"][n % 2].into(),
            },
        }
        .into(),
        26 => SectionWritten { section: ReviewSection::ALL[n % 3], text: note }.into(),
        27 | 28 => CauseFound {
            parent: flag.then_some(id),
            category: None,
            text: "why".into(),
            evidence: vec![id],
        }
        .into(),
        29 => CauseWithdrawn { cause: id, reason: note }.into(),
        30 => TypesSet { types: vec![IncidentType::ALL[n % 12]] }.into(),
        31 => FollowUpGiven {
            text: "mend it".into(),
            owner: other,
            due: at(99),
            priority: Priority::High,
            check: flag.then(|| Check::Word { what: "it is mended".into() }),
            mends: None,
        }
        .into(),
        32 => {
            let step = [
                FollowUpStep::Done,
                FollowUpStep::Checked(true, note.clone()),
                FollowUpStep::Given(other),
                FollowUpStep::Reopened,
                FollowUpStep::Tracked(TicketRef { tracker: TrackerId::new("rm"), key: "1".into() }),
                FollowUpStep::Dropped,
            ];
            FollowUpMoved { follow_up: id, step: step[n % 6].clone(), note }.into()
        }
        33 => ReviewFinished { note }.into(),
        34 => super::runs::proposed().into(),
        35 => RunAnswered { run: id, approved: n % 4 != 1, note }.into(),
        36 if flag => RunReleased { run: id }.into(),
        36 => {
            let (incident, run) = (inc(), id.to_string().as_str().into());
            let order = super::runs::order("v811");
            let operation = Operation::Run { incident, run, step: 0, order };
            return LogEvent::OperationRequested { operation };
        }
        37 if flag => RunStopped { run: id, before: 0, reason: note }.into(),
        37 => RunVerified { run: id, verdict: RunVerdict::Worse, figures: Vec::new() }.into(),
        _ if flag => PageSent {
            team: None,
            whom: other,
            step: 0,
            text: note,
            escalates: n.is_multiple_of(4).then_some(id),
        }
        .into(),
        _ => PageAnswered { page: id, coming: true, note }.into(),
    };
    LogEvent::Incident { incident: inc(), event }
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    prop::collection::vec((0usize..4, -2i64..3, 0usize..38, 0usize..12), 0..60)
}

/// Some of them twice, in any order.
fn shuffled() -> impl Strategy<Value = (Vec<Recorded>, Vec<Recorded>)> {
    acts().prop_map(|acts| history(&acts)).prop_flat_map(|records| {
        let mut twice = records.clone();
        twice.extend(records.iter().step_by(3).cloned());
        (Just(records), Just(twice).prop_shuffle())
    })
}

type Seen = (BTreeMap<IncidentId, Incident>, Vec<super::super::RefusedRecord>, BTreeSet<RecordId>);

fn seen(book: IncidentBook) -> Seen {
    (book.incidents, book.refused, book.unfounded)
}

proptest! {
    #[test]
    fn any_order_and_repetition_gives_the_same_incidents(
        (records, shuffled) in shuffled(),
        strict in any::<bool>(),
    ) {
        let duties = if strict { policy() } else { Policy::default() };
        assert_eq!(seen(fold(&records, &duties)), seen(fold(&shuffled, &duties)));
    }

    #[test]
    fn what_is_read_behind_changes_timelines_and_nothing_else(
        (records, _) in shuffled(),
        strict in any::<bool>(),
        latest in 0usize..20,
    ) {
        let duties = if strict { policy() } else { Policy::default() };
        let all = fold(&records, &duties);
        let (before, after) = records.split_at(records.len().saturating_sub(latest));
        let first = before.iter().filter(|record| !record.is_line_only(&duties)).chain(after);
        let mut book = IncidentBook::default();
        first.for_each(|record| book.apply(record, &duties));
        let bare = |book: &IncidentBook| {
            let mut book = book.clone();
            book.incidents.values_mut().for_each(|one| one.timeline = Timeline::default());
            seen(book)
        };
        prop_assert_eq!(bare(&book), bare(&all));
        before.iter().for_each(|record| book.apply(record, &duties));
        prop_assert_eq!(seen(book), seen(all));
    }

    #[test]
    fn a_policy_declared_later_is_as_if_it_had_always_been(
        (records, shuffled) in shuffled(),
        cut in 0usize..60,
    ) {
        let cut = cut.min(shuffled.len());
        let mut book = fold(&shuffled[..cut], &Policy::default());
        book.govern(&policy(), []);
        shuffled[cut..].iter().for_each(|record| book.apply(record, &policy()));
        assert_eq!(seen(book.clone()), seen(fold(&records, &policy())));
        book.govern(&Policy::default(), []);
        assert_eq!(seen(book), seen(fold(&records, &Policy::default())));
    }

    #[test]
    fn at_every_moment_one_commander_whom_an_unbroken_chain_of_records_made((records, _) in shuffled()) {
        let mut sorted = records;
        sorted.sort_by_key(|record| (record.stamp, record.id));
        // What is older than the declaration arrives with it, all at once.
        let first = sorted.iter().position(|r| r.event.as_ref().is_some_and(|e| e.kind() == "incident-declared"));
        sorted.drain(..first.unwrap_or(0));
        let mut book = IncidentBook::default();
        let mut commands: Vec<RecordId> = Vec::new();
        let mut heard = 0;
        for record in &sorted {
            book.apply(record, &Policy::default());
            let Some(incident) = book.incidents.get(&inc()) else { continue };
            let now = incident.command.as_ref().map(|command| command.record);
            if now != commands.last().copied() {
                prop_assert_eq!(now, Some(record.id), "only a record of its own changes command");
                commands.extend(now);
            }
            heard = incident
                .timeline
                .iter()
                .filter(|l| l.kind == LineKind::Step && l.text.contains("command"))
                .filter(|l| commands.contains(&l.record))
                .count();
        }
        prop_assert_eq!(heard, commands.len(), "every change of command is on the timeline");
    }

    #[test]
    fn what_the_policy_refuses_changes_nothing_but_the_lines_that_show_it((records, _) in shuffled()) {
        let duties = policy();
        let denied = |record: &Recorded| super::super::check(record, &duties).is_err();
        // A refused change of command has taken the place all the same, and the next one follows it: a
        // story of its own.
        let follows_denied = |record: &Recorded| {
            let after = command(record).and_then(|event| event.after);
            records.iter().any(|other| Some(other.id) == after && denied(other))
        };
        let records: Vec<Recorded> =
            records.iter().filter(|record| !follows_denied(record)).cloned().collect();
        let mut allowed = records.clone();
        allowed.retain(|record| !denied(record));
        let (with, without) = (fold(&records, &duties), fold(&allowed, &duties));
        let quiet = |mut book: IncidentBook| {
            for incident in book.incidents.values_mut() {
                let lines: Vec<_> = incident.timeline.iter().filter(|l| allowed.iter().any(|r| r.id == l.record)).cloned().collect();
                incident.timeline = lines.into_iter().collect();
                incident.command_place = None;
            }
            book.incidents
        };
        prop_assert_eq!(with.refused.len(), records.len() - allowed.len());
        let (with, without) = (quiet(with), quiet(without));
        assert_eq!(with, without);
    }
}

fn command(record: &Recorded) -> Option<&CommandTaken> {
    match &record.event {
        Some(LogEvent::Incident { event: IncidentEvent::CommandTaken(event), .. }) => Some(event),
        _ => None,
    }
}

/// The negative control: a fold that takes records as they come is caught by the same comparison.
#[test]
fn a_fold_that_ignores_stamps_would_be_found_out() {
    let unstamped = |records: &[Recorded]| {
        let again = (0u64..).zip(records).map(|(n, record)| {
            let mut record = record.clone();
            record.stamp = crate::eventlog::Stamp { seq: n, ..Default::default() };
            record
        });
        seen(fold(&again.collect::<Vec<_>>(), &Policy::default()))
    };
    let config =
        ProptestConfig { max_shrink_iters: 0, failure_persistence: None, ..Default::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let found = runner.run(&shuffled(), |(records, shuffled)| {
        prop_assert!(unstamped(&records) == unstamped(&shuffled));
        Ok(())
    });
    assert!(found.is_err(), "the comparison would miss that order matters");
}
