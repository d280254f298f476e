//! Incidents for pictures of the screens, told by hand: one in full swing, one just declared, one that
//! is over, and one with a very long timeline.

use std::collections::BTreeMap;
use std::sync::Arc;

use quarterdeck::app::{Msg, State, update};
use quarterdeck::domain::Check as Domain;
use quarterdeck::domain::*;
use quarterdeck::eventlog::{KeyId, Presence, RecordId};
use quarterdeck::model::OpenOperation;
use quarterdeck::model::incidents::*;

use super::{bad, now};

/// A record's id by number.
pub(crate) fn record(n: u32) -> RecordId {
    // Spread as hashes are.
    let mut id = [0; 32];
    id[..8].copy_from_slice(&u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    RecordId(id)
}

fn who(name: &str) -> Actor {
    Actor::new(name)
}

fn ago(minutes: i64) -> Timestamp {
    now().minus(Span::from_mins(minutes))
}

fn ahead(seconds: i64) -> Timestamp {
    now().plus(Span::from_secs(seconds))
}

/// A line of the timeline as it is written at once.
pub(crate) fn line(n: u32, at: Timestamp, by: &str, kind: LineKind, text: &str) -> Line {
    Line {
        record: record(n),
        at: Moment::exact(at),
        written: at,
        by: who(by),
        key: KeyId([7; 32]),
        spoken_by: None,
        kind,
        text: SafeText::body(text),
        evidence: None,
        pinned: false,
        withdrawn: None,
    }
}

fn lines() -> Vec<Line> {
    use EntryKind::{Action, Communication, Decision, Evidence as Proof, Observation};
    use LineKind::{Entry, Machine, Refused, Step};
    let mut n = 0;
    let mut at = |minutes: i64, by: &str, kind: LineKind, text: &str| {
        n += 1;
        line(n, ago(minutes).plus(Span::from_secs(n.into())), by, kind, text)
    };
    let mut all = vec![
        at(
            28,
            "carol",
            Entry(Observation),
            "first complaints in the support queue: cards are declined at the last step",
        ),
        at(
            26,
            "prom-eu",
            Machine,
            "checkout availability burns 31.2× over 1h and 29.0× over 5m (14.4× for a page)",
        ),
        at(26, "am-eu", Machine, "HighErrorRate checkout fires, 12 alerts"),
        at(23, "alice", Step, "declared SEV-1: impact high (tier 1) × urgency high"),
        at(23, "alice", Step, "alice commands"),
        at(22, "alice", Step, "ticket OPS-1284 asked for in jira"),
        at(21, "bob", Entry(Observation), "only pods of v812 answer 502, the others are fine"),
        at(20, "alice", Step, "bob leads ops, until 15:30Z"),
        at(
            19,
            "alice",
            Entry(Communication),
            "told support to say: cards are declined, we are on it",
        ),
        at(18, "bob", Entry(Proof), "errors begin with the deploy of v812"),
        at(16, "dan", Entry(Action), "took the canary's weight to zero"),
        at(15, "dan", Entry(Observation), "connection pool of payments is full"),
        at(14, "prom-eu", Machine, "payments latency under 300 ms: 6.4× over 1h"),
        at(
            12,
            "alice",
            Entry(Decision),
            "roll back v812 in eu, then us; no more experiments before that",
        ),
        at(11, "mallory", Refused, "published an update: the key is not known to the policy"),
        at(
            9,
            "bob",
            Entry(Action),
            "rollback of v812 started in eu, 10 % of pods done; the job says it needs about eight minutes for all of them, and it cannot be made faster without taking capacity away",
        ),
        at(7, "alice", Step, "identified: the cause is known"),
        at(
            4,
            "carol",
            Entry(Communication),
            "public status page says: degraded, next word at 14:40Z",
        ),
        at(1, "bob", Entry(Observation), "error ratio in eu falls, 12 % → 4 %"),
    ];
    all[0].written = ago(20);
    all[11].withdrawn = Some((who("dan"), "read the wrong dashboard".into()).into());
    all[13].pinned = true;
    all[6].spoken_by = Some(who("erin"));
    all[15].at = Moment { raw: ago(8), corrected: ago(9), bound: Some(40) };
    let values = (0..60).map(|i| {
        let share = if i < 30 { 0.2 } else { 0.2 + f64::from(i - 30) * 0.4 };
        (ago(68).plus(Span::from_mins(i.into())), share)
    });
    all[9].evidence = Some(Arc::new(Evidence {
        query: "sum by (version) (rate(errors[5m]))".into(),
        source: "prom-eu".into(),
        from: ago(68),
        to: ago(8),
        values: values.collect(),
        unit: "%".into(),
    }));
    all
}

fn task(text: &str, owner: &str, given: i64, due: Timestamp) -> Task {
    Task {
        text: text.into(),
        given_by: who("alice"),
        given_at: ago(given),
        owner: who(owner),
        due,
        workstream: None,
        acknowledged: Some(ago(given - 1)),
        ended: None,
    }
}

fn workstream(name: &str, lead: &str, heard: i64) -> Workstream {
    Workstream {
        name: name.into(),
        team: Some(TeamId::new(name)),
        lead: who(lead),
        opened_at: ago(20),
        parent: None,
        blocker: None,
        reports: vec![Can {
            by: who(lead),
            at: ago(heard),
            conditions: "eu half rolled back".into(),
            actions: "the rest of eu, then us".into(),
            needs: "nothing".into(),
        }],
        closed: None,
        heard: ago(heard),
    }
}

fn message(channel: &str, outcome: Option<Outcome>) -> OpenOperation {
    OpenOperation {
        by: who("carol"),
        at: now().minus(Span::from_secs(20)),
        operation: Operation::Send(Message {
            incident: Some(IncidentId::new("INC-7KQ4M")),
            purpose: Purpose::Update(Audience::External),
            channel: ChannelId::new(channel),
            to: Vec::new(),
            subject: "Cards are declined".into(),
            body: "…".into(),
            severity: Some(Severity::Sev1),
            status: Some(Status::Identified),
        }),
        outcome,
        attempt: None,
    }
}

fn empty(id: &str, title: &str, severity: Severity, declared: i64) -> Incident {
    Incident {
        id: IncidentId::new(id),
        title: title.into(),
        severity,
        severity_reason: "impact high (tier 1) × urgency high (severity=\"page\")".into(),
        status: Status::Investigating,
        status_since: ago(declared),
        resolved_at: None,
        worst: Severity::Sev1,
        services: vec![ServiceId::new("checkout")],
        impact: Impact::default(),
        cause: Cause::Nothing,
        declared_by: who("alice"),
        declared_at: ago(declared),
        declared: record(899),
        onset: None,
        merged_into: None,
        links: Vec::new(),
        command: None,
        command_place: None,
        roles: BTreeMap::new(),
        handover: None,
        handed_over: Vec::new(),
        timeline: Timeline::default(),
        tasks: BTreeMap::new(),
        workstreams: BTreeMap::new(),
        decisions: BTreeMap::new(),
        updates: BTreeMap::new(),
        tickets: BTreeMap::new(),
        runs: Default::default(),
        review: Default::default(),
        pages: BTreeMap::new(),
    }
}

fn command(name: &str, since: i64) -> Command {
    Command { commander: who(name), key: KeyId([1; 32]), since: ago(since), record: record(900) }
}

/// Cards are declined; everything an incident can have, it has.
fn rich() -> Incident {
    let mut one = empty("INC-7KQ4M", "checkout: cards declined", Severity::Sev1, 23);
    (one.status, one.status_since) = (Status::Identified, ago(7));
    one.services.push(ServiceId::new("payments"));
    one.impact = Impact {
        sentence: "Two of five customers in Europe cannot pay by card.".into(),
        scope: "eu only".into(),
    };
    one.onset = Some(ago(28));
    one.links = vec![("call".into(), "https://meet.example/inc-7kq4m".into())];
    one.command = Some(command("alice", 23));
    one.roles.insert(
        Role::Ops,
        vec![Holder { who: who("bob"), since: ago(20), until: Some(ahead(3_480)) }],
    );
    one.roles.insert(Role::Comms, vec![Holder { who: who("carol"), since: ago(19), until: None }]);
    one.timeline = lines().into_iter().collect();
    one.tasks = [
        (record(500), task("roll back v812 in eu", "bob", 12, now().minus(Span::from_secs(125)))),
        (record(501), task("ask the card processor for their error rate", "carol", 6, ahead(220))),
        (
            record(502),
            Task {
                acknowledged: None,
                ..task("count failed orders for finance", "erin", 3, ahead(840))
            },
        ),
        (
            record(503),
            Task {
                ended: Some((ago(16), true, "done, no effect".into())),
                ..task("canary to zero", "dan", 19, ago(9))
            },
        ),
    ]
    .into();
    one.workstreams = [
        (record(600), workstream("rollback", "bob", 2)),
        (record(601), Workstream { reports: Vec::new(), ..workstream("database", "dan", 26) }),
        (
            record(602),
            Workstream {
                blocker: Some("needs access to the processor's portal".into()),
                ..workstream("processor", "carol", 8)
            },
        ),
    ]
    .into();
    let decision = |proposal: &str, at: i64| Decision {
        proposal: proposal.into(),
        options: vec!["roll back v812".into(), "fix forward".into()],
        by: who("bob"),
        at: ago(at),
        owner: who("bob"),
        expected: "errors below 1 % within ten minutes".into(),
        review: Some(ahead(120)),
        objections: Vec::new(),
        outcome: None,
        reviewed: None,
    };
    let taken = DecisionOutcome {
        by: who("alice"),
        at: ago(12),
        taken: Some(Some(0)),
        note: "fastest way back".into(),
    };
    one.decisions = [
        (record(700), Decision { outcome: Some(taken), ..decision("how to stop the errors", 14) }),
        (
            record(701),
            Decision {
                objections: vec![(who("dan"), "doubles the load on payments".into())],
                review: None,
                ..decision("retry declined cards automatically", 3)
            },
        ),
    ]
    .into();
    let update = |audience, subject: &str, at: i64, next: Timestamp| Update {
        by: who("carol"),
        key: KeyId([3; 32]),
        at: ago(at),
        audience,
        subject: subject.into(),
        body: SafeText::body("Some cards are declined.\n\nNext update at 14:40Z."),
        channels: Vec::new(),
        next,
        answers: Vec::new(),
        published: None,
        sends: BTreeMap::new(),
    };
    let channels = ["mail", "chat", "status", "sms"].map(ChannelId::new);
    one.updates = [
        (
            record(800),
            Update {
                channels: channels.to_vec(),
                answers: vec![(who("alice"), KeyId([1; 32]), true, "".into())],
                published: Some(ago(4)),
                sends: channels.iter().cloned().zip((0..).map(|n| record(810 + n))).collect(),
                ..update(Audience::External, "Cards are declined in Europe", 5, ahead(252))
            },
        ),
        (
            record(801),
            Update {
                channels: channels[..2].to_vec(),
                ..update(Audience::Internal, "Rollback under way", 2, ahead(1_500))
            },
        ),
    ]
    .into();
    let jira = |key: &str| TicketRef { tracker: TrackerId::new("jira"), key: key.into() };
    one.tickets.insert(
        jira("OPS-1284"),
        Ticket {
            url: "https://jira.example/OPS-1284".into(),
            state: "In Progress".into(),
            done: Some(false),
            version: "3".into(),
        },
    );
    let page = |name: &str, at: i64, step| Page {
        by: who("alice"),
        at: ago(at),
        team: Some(TeamId::new("database")),
        whom: who(name),
        step,
        text: "payments' pool is full".into(),
        escalates: None,
        answer: None,
    };
    one.pages = [
        (
            record(850),
            Page { answer: Some((ago(17), true, "on my way".into())), ..page("dan", 18, 0) },
        ),
        (record(851), page("frank", 6, 1)),
    ]
    .into();
    one
}

fn with(incidents: Vec<Incident>) -> State {
    let mut state = bad();
    for one in incidents {
        state.model.incidents.incidents.insert(one.id.clone(), one);
    }
    for (n, channel) in (0..).zip(["mail", "chat", "status", "sms"]) {
        let outcome = match channel {
            "mail" => Some(Outcome::Received { receipt: "<1@mx>".into(), url: "".into() }),
            "chat" => None,
            "status" => Some(Outcome::Refused { why: "the key was revoked".into() }),
            _ => Some(Outcome::Unknown { why: "the answer was lost".into() }),
        };
        state.model.journal.operations.insert(record(810 + n), message(channel, outcome));
    }
    let here = |name: &str, console, screen: &str| Presence {
        actor: who(name),
        console,
        at: now(),
        screen: screen.into(),
        incident: Some(IncidentId::new("INC-7KQ4M")),
        selected: "".into(),
    };
    let others =
        vec![here("bob", 1, "incident"), here("carol", 2, "slos"), here("zoe", 3, "alerts")];
    state.console = 9;
    update(&mut state, Msg::Present(others));
    state
}

/// In full swing: two incidents, the worse one shown.
pub(crate) fn swing() -> State {
    let mut other = empty("INC-2ZC9D", "search: slow in us-east", Severity::Sev3, 64);
    other.command = Some(command("dan", 60));
    other.services = vec![ServiceId::new("search")];
    with(vec![rich(), other])
}

/// Seconds after it was declared by somebody who did not take command: nothing is known.
pub(crate) fn fresh() -> State {
    let mut one = empty("INC-7KQ4M", "checkout: cards declined", Severity::Sev2, 0);
    one.timeline = [line(1, now(), "bob", LineKind::Step, "declared SEV-2")].into_iter().collect();
    one.services.clear();
    let mut state = with(vec![one]);
    update(&mut state, Msg::Present(Vec::new()));
    state
}

/// Resolved.
pub(crate) fn over() -> State {
    let mut one = rich();
    (one.status, one.status_since) = (Status::Resolved, ago(2));
    one.resolved_at = Some(ago(2));
    with(vec![one])
}

/// One that is over and being reviewed: causes, follow-ups, a section with words that blame.
pub(crate) fn reviewed() -> State {
    let mut one = rich();
    (one.status, one.status_since, one.resolved_at) = (Status::Resolved, ago(2), Some(ago(2)));
    one.worst = Severity::Sev1;
    let cause = |parent: Option<u32>, category, text: &str| ReviewCause {
        parent: parent.map(record),
        category,
        text: text.into(),
        evidence: vec![record(7)],
        by: who("alice"),
        at: ago(2),
    };
    let process = Some(CauseCategory::Process);
    let all = [
        (901, cause(None, Some(CauseCategory::Technology), "v812 dropped a column still read")),
        (902, cause(Some(901), process, "no check compares readers and schema before a deploy")),
        (903, cause(Some(902), process, "the schema has no owner")),
        (904, cause(None, Some(CauseCategory::Measurement), "the canary had no objective")),
    ];
    let found = all
        .into_iter()
        .map(|(n, cause)| (record(n), ReviewCause { at: ago(1_000 - i64::from(n)), ..cause }));
    one.review.causes = found.collect();
    let given = |text: &str, owner: &str, due, check| FollowUp {
        text: text.into(),
        owner: who(owner),
        due,
        priority: Priority::High,
        check,
        checked: None,
        mends: None,
        ticket: None,
        ended: None,
        by_ticket: false,
    };
    let query = Domain::Query { expr: "schema_checked == bool 1".into() };
    let late = given("compare readers and schema before a deploy", "bob", ago(1), Some(query));
    let word = Domain::Word { what: "the drill was held".into() };
    let open = given("give the schema an owner", "", ahead(600_000), Some(word));
    one.review.follow_ups = [(record(911), late), (record(912), open)].into();
    let text = "The deploy went out at 14:02.\nWe should have tested it, and bob failed to look.";
    let section = (SafeText::body(text), who("alice"), ago(1));
    one.review.sections = [(ReviewSection::Summary, section)].into();
    one.review.types = vec![IncidentType::Deployment];
    with(vec![one])
}

/// As many lines as asked for.
pub(crate) fn long(count: u32) -> State {
    let mut one = rich();
    one.timeline = (0..count)
        .map(|n| {
            let at = now().minus(Span::from_millis(i64::from(count - n) * 40));
            match n % 5 {
                0 => line(n, at, "prom-eu", LineKind::Machine, "checkout availability burns 31.2×"),
                _ => line(
                    n,
                    at,
                    "bob",
                    LineKind::Entry(EntryKind::Observation),
                    "error ratio in eu falls",
                ),
            }
        })
        .collect();
    with(vec![one])
}

/// The same text wherever people, tickets and machines may write one.
pub(crate) fn poison(state: &mut State, bad: &str) {
    let text = || SafeText::body(bad);
    for one in state.model.incidents.incidents.values_mut() {
        (one.title, one.severity_reason) = (bad.into(), bad.into());
        for (section, at) in [ReviewSection::Summary, ReviewSection::Luck].into_iter().zip(0..) {
            one.review.sections.insert(section, (text(), who(bad), Timestamp::from_millis(at)));
        }
        for cause in one.review.causes.values_mut() {
            (cause.text, cause.by) = (bad.into(), who(bad));
        }
        for follow_up in one.review.follow_ups.values_mut() {
            (follow_up.text, follow_up.owner) = (bad.into(), who(bad));
            follow_up.due = Timestamp::from_millis(i64::MAX);
            follow_up.check = Some(Domain::Query { expr: text() });
        }
        one.impact = Impact { sentence: text(), scope: text() };
        one.links = vec![(bad.into(), bad.into())];
        one.services.push(ServiceId::new(bad));
        one.onset = Some(Timestamp::from_millis(i64::MIN));
        if let Some(command) = &mut one.command {
            (command.commander, command.since) = (who(bad), Timestamp::from_millis(i64::MAX));
        }
        for holder in one.roles.values_mut().flatten() {
            holder.who = who(bad);
        }
        let lines = one.timeline.iter().cloned().map(|line| Line {
            by: who(bad),
            text: text(),
            spoken_by: Some(who(bad)),
            evidence: Some(Arc::new(Evidence {
                query: bad.into(),
                source: bad.into(),
                from: now(),
                to: now(),
                values: vec![(now(), f64::NAN), (now(), f64::INFINITY)],
                unit: bad.into(),
            })),
            ..line
        });
        one.timeline = lines.collect();
        for task in one.tasks.values_mut() {
            (task.text, task.owner, task.due) =
                (text(), who(bad), Timestamp::from_millis(i64::MIN));
        }
        for stream in one.workstreams.values_mut() {
            (stream.name, stream.lead, stream.blocker) = (bad.into(), who(bad), Some(text()));
            (stream.team, stream.heard) =
                (Some(TeamId::new(bad)), Timestamp::from_millis(i64::MAX));
        }
        for decision in one.decisions.values_mut() {
            (decision.proposal, decision.owner) = (text(), who(bad));
        }
        for update in one.updates.values_mut() {
            (update.subject, update.next) = (bad.into(), Timestamp::from_millis(i64::MIN));
            update.channels.push(ChannelId::new(bad));
        }
        for page in one.pages.values_mut() {
            (page.text, page.whom) = (text(), who(bad));
        }
    }
    for other in &mut state.others {
        (other.actor, other.screen) = (who(bad), bad.into());
    }
    state.ui.following = Some(who(bad));
    state.ui.incident.filter_text = SafeText::new(bad).to_string();
}
