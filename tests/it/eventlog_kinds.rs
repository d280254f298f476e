//! One fact of every kind there is, for the tests of the format.

use quarterdeck::domain::{
    Actor, AlertKey, Ask, Audience, Cause, CauseCategory, ChangeKey, ChannelId, Check, EntryKind,
    Evidence, Impact, IncidentId, IncidentType, MatchOp, Matcher, Message, Moment, Operation,
    Order, Outcome, PipelineId, Priority, ProcedureId, ProcedureKind, Purpose, ReviewSection, Role,
    RolloutVerb, RunVerdict, SafeText, ServerState, ServiceId, Severity, SiteId, SloId, SourceId,
    Span, Stage, Status, TeamId, TicketAct, TicketRef, TicketSeen, Timestamp, TrackerId, Verify,
};
use quarterdeck::eventlog::{
    CanReported, CauseFound, CauseWithdrawn, CommandTaken, DecisionMoved, DecisionProposed,
    DecisionStep, Declared, Described, EntryMade, EntryPinned, EntryWithdrawn, FollowUpGiven,
    FollowUpMoved, FollowUpStep, HandoverAnswered, HandoverOffered, HandoverWithdrawn,
    IncidentEvent, Linked, LogEvent, MachineSaw, Merged, PageAnswered, PageSent, RecordId,
    ReviewFinished, RoleGiven, RoleLeft, RunAnswered, RunProposed, RunReleased, RunSeen,
    RunStopped, RunVerified, SectionWritten, SeverityChanged, StatusChanged, TaskGiven, TaskMoved,
    TaskStep, TicketChanged, TicketLinked, TypesSet, UpdateAnswered, UpdateProposed,
    UpdatePublished, WorkstreamMoved, WorkstreamOpened, WorkstreamStep,
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_763_820_000_000 + seconds * 1_000)
}

fn id(n: u8) -> RecordId {
    RecordId([n; 32])
}

fn who(name: &str) -> Actor {
    Actor::new(name)
}

fn text(text: &str) -> SafeText {
    SafeText::body(text)
}

/// Facts of the outbox.
pub(crate) fn outbox() -> Vec<LogEvent> {
    let ticket = TicketRef { tracker: TrackerId::new("roundup"), key: text("issue12") };
    let acts = [
        TicketAct::Open { title: text("t"), body: text("b\nc"), severity: Severity::Sev1 },
        TicketAct::Comment { ticket: ticket.clone(), body: text("b") },
        TicketAct::Transition { ticket, to: Status::Resolved, note: text("over") },
    ];
    let purposes = [
        Purpose::Update(Audience::External),
        Purpose::Page,
        Purpose::Reminder,
        Purpose::Test { nonce: text("7f") },
    ];
    let (incident, tracker) = (IncidentId::new("INC-7KQ4M"), TrackerId::new("roundup"));
    let tickets = acts.map(|act| Operation::Ticket {
        incident: incident.clone(),
        tracker: tracker.clone(),
        act,
    });
    let messages = purposes.map(|purpose| {
        Operation::Send(Message {
            incident: Some(incident.clone()),
            purpose,
            channel: ChannelId::new("mail"),
            to: vec![text("ops@example.org")],
            subject: text("s"),
            body: text("b"),
            severity: Some(Severity::Sev2),
            status: Some(Status::Monitoring),
        })
    });
    let requested = |operation| LogEvent::OperationRequested { operation };
    let mut events: Vec<LogEvent> = tickets.into_iter().chain(messages).map(requested).collect();
    events.push(LogEvent::OperationAttempted { request: id(2), after: None, by: text("mail") });
    events.extend(
        [
            Outcome::Later { why: text("it is busy"), at: at(9) },
            Outcome::Received { receipt: text("<1@x>"), url: text("https://example.org/1") },
        ]
        .map(|outcome| LogEvent::OperationEnded { request: id(2), outcome }),
    );
    events
}

/// At least one of each kind of what happens in an incident, and each variant of what they hold.
pub(crate) fn incident() -> Vec<LogEvent> {
    let impact = Impact { sentence: text("Customers cannot pay."), scope: text("EU") };
    let declared = |cause| Declared {
        title: text("checkout fails"),
        severity: Severity::Sev1,
        reason: text("tier 1"),
        services: vec![ServiceId::new("checkout")],
        impact: impact.clone(),
        cause,
        onset: Some(at(-60)),
    };
    let key = AlertKey { site: SiteId::new("eu-1"), fingerprint: "0a1b".into() };
    let (alerts, title) = (vec![key], text("HighLatency"));
    let ticket = TicketRef { tracker: TrackerId::new("roundup"), key: text("issue12") };
    let evidence = Evidence {
        query: text("rate(x[5m])"),
        source: text("prometheus"),
        from: at(-600),
        to: at(0),
        values: vec![(at(-600), 0.5), (at(0), 1.25)],
        unit: text("/s"),
    };
    let entry = |kind, evidence| EntryMade {
        kind,
        text: text("naïve 表 👩‍🚒\nsecond line"),
        happened: Some(at(-30)),
        spoken_by: Some(who("linus")),
        evidence,
        about: Some(id(1)),
    };
    let moment = Moment { corrected: at(1), raw: at(2), bound: Some(250) };
    let mut events: Vec<IncidentEvent> = vec![
        declared(Cause::Nothing).into(),
        declared(Cause::Alerts { title, alerts }).into(),
        declared(Cause::Slo(SloId::new("checkout-availability"))).into(),
        Described { title: None, services: None, impact: Some(impact), onset: None }.into(),
        SeverityChanged { severity: Severity::Sev2, reason: text("better") }.into(),
        Merged { into: IncidentId::new("INC-2") }.into(),
        Linked { title: text("doc"), target: text("https://example.org") }.into(),
        CommandTaken {
            after: None,
            commander: who("grace"),
            handover: Some(id(5)),
            reason: text(""),
        }
        .into(),
        HandoverOffered { to: who("grace"), brief: vec![(text("State"), text("bad"))] }.into(),
        HandoverAnswered { handover: id(5), section: 2, accepted: false, note: text("why?") }
            .into(),
        HandoverWithdrawn { handover: id(5), reason: text("back") }.into(),
        entry(EntryKind::Evidence, Some(evidence)).into(),
        EntryWithdrawn { entry: id(6), reason: text("wrong") }.into(),
        EntryPinned { entry: id(6), pinned: true }.into(),
        MachineSaw { key: text("alert:eu/1"), source: text("eu"), text: text("fires"), at: moment }
            .into(),
        TaskGiven { text: text("roll back"), owner: who("linus"), due: at(900), workstream: None }
            .into(),
        WorkstreamOpened {
            name: text("database"),
            team: Some(TeamId::new("dba")),
            lead: who("linus"),
            parent: Some(id(7)),
            takes: vec![id(8)],
        }
        .into(),
        CanReported {
            workstream: id(7),
            conditions: text("c"),
            actions: text("a"),
            needs: text("n"),
        }
        .into(),
        DecisionProposed {
            proposal: text("fail over"),
            options: vec![text("wait")],
            owner: who("grace"),
            expected: text("errors end"),
            review: Some(at(600)),
        }
        .into(),
        UpdateProposed {
            audience: Audience::External,
            subject: text("s"),
            body: text("b"),
            channels: vec![ChannelId::new("status")],
            next: at(1_800),
        }
        .into(),
        UpdateAnswered { update: id(8), approved: true, note: text("") }.into(),
        UpdatePublished { update: id(8) }.into(),
        TicketLinked { ticket: ticket.clone(), url: text("https://example.org/12") }.into(),
        TicketChanged {
            seen: TicketSeen {
                ticket,
                url: text("u"),
                state: text("open"),
                done: Some(false),
                comments: vec![(text("bob"), text("hi"))],
                version: text("v7"),
            },
        }
        .into(),
        PageSent {
            team: Some(TeamId::new("dba")),
            whom: who("bob"),
            step: 1,
            text: text("help"),
            escalates: Some(id(9)),
        }
        .into(),
        PageAnswered { page: id(9), coming: true, note: text("10 min") }.into(),
    ];
    let status = |status| StatusChanged { status, note: text("n") }.into();
    events.extend(Status::ALL.iter().copied().map(status));
    let given = |role| RoleGiven { role, to: who("bob"), until: Some(at(3_600)) }.into();
    events.extend(Role::ALL.iter().copied().map(given));
    events.push(RoleLeft { role: Role::Scribe, who: who("bob") }.into());
    events.extend(EntryKind::ALL.iter().map(|kind| entry(*kind, None).into()));
    let steps = [
        TaskStep::Acknowledged,
        TaskStep::Given(who("bob")),
        TaskStep::Extended(at(1)),
        TaskStep::Done,
        TaskStep::Dropped,
    ];
    events.extend(steps.map(|step| TaskMoved { task: id(1), step, note: text("n") }.into()));
    let steps = [
        WorkstreamStep::Led(who("bob")),
        WorkstreamStep::Blocked(text("vendor")),
        WorkstreamStep::Under(None),
        WorkstreamStep::Closed,
    ];
    events.extend(steps.map(|step| WorkstreamMoved { workstream: id(7), step }.into()));
    let steps = [
        DecisionStep::Objected,
        DecisionStep::Taken(Some(0)),
        DecisionStep::Rejected,
        DecisionStep::Reviewed,
    ];
    let moved = |step| DecisionMoved { decision: id(1), step, note: text("n") }.into();
    events.extend(steps.map(moved));
    let incident = || IncidentId::new("INC-7KQ4M");
    events.into_iter().map(|event| LogEvent::Incident { incident: incident(), event }).collect()
}

/// Facts of runs and reviews, which came later; an example each of what differs.
pub(crate) fn runs_and_reviews() -> Vec<LogEvent> {
    let order = |ask| Order {
        title: text("weight back"),
        pipeline: PipelineId::new("ci"),
        ask,
        deadline: Span::from_mins(15),
    };
    let asks = vec![
        Ask::Job {
            job: text("rollback-force"),
            reference: text("main"),
            params: vec![(text("to_version"), text("v811"))],
        },
        Ask::Command { argv: vec![text("/usr/bin/true"), text("a b")] },
        Ask::Weight { backend: text("app"), server: text("canary"), weight: text("0") },
        Ask::Server { backend: text("app"), server: text("canary"), state: ServerState::Ready },
        Ask::Server { backend: text("app"), server: text("canary"), state: ServerState::Drain },
        Ask::Server {
            backend: text("app"),
            server: text("canary"),
            state: ServerState::Maintenance,
        },
        Ask::Flag { flag: text("new-cart"), environment: text("production"), on: false },
    ];
    let verbs = [
        RolloutVerb::Promote,
        RolloutVerb::Abort,
        RolloutVerb::Undo { revision: text("3") },
        RolloutVerb::Retry,
    ];
    let rollout = |verb| Ask::Rollout { namespace: text("shop"), name: text("checkout"), verb };
    let orders: Vec<Order> = asks.into_iter().chain(verbs.map(rollout)).map(order).collect();
    let kinds = ProcedureKind::ALL.into_iter().map(|kind| {
        RunProposed {
            procedure: ProcedureId::new("rollback-checkout"),
            title: text("Roll back checkout"),
            kind,
            service: ServiceId::new("checkout"),
            orders: orders.clone(),
            change: Some(ChangeKey { source: SourceId::new("git"), id: text("v812") }),
            undoes: Some(id(3)),
            reason: text("r"),
            card: vec![(text("roll back"), text("6 min"))],
            verify: Verify {
                slos: vec![SloId::new("checkout-availability")],
                alerts: vec![Matcher::new("service", MatchOp::Equal, "checkout").unwrap()],
                window: Span::from_mins(10),
            },
            backup: Some(ProcedureId::new("flag-off")),
            second_person: true,
            cancel_window: Span::from_secs(10),
            expires: at(1_800),
        }
        .into()
    });
    let mut events: Vec<IncidentEvent> = kinds.collect();
    events.push(RunAnswered { run: id(1), approved: true, note: text("n") }.into());
    events.push(RunReleased { run: id(1) }.into());
    events.push(RunStopped { run: id(1), before: 1, reason: text("r") }.into());
    let seen = |stage| {
        RunSeen {
            run: id(1),
            step: 0,
            stage,
            receipt: text("build 12"),
            url: text("https://ci.example.org/12"),
            lines: vec![text("one"), text("two")],
            mark: text("0/running"),
        }
        .into()
    };
    events.extend([Stage::Queued, Stage::Running, Stage::Held].map(seen));
    let verdicts =
        [RunVerdict::Recovered, RunVerdict::NoChange, RunVerdict::Worse, RunVerdict::Unknown];
    let verified = |verdict| {
        RunVerified { run: id(1), verdict, figures: vec![(text("burn"), text("31x -> 0.2x"))] }
            .into()
    };
    events.extend(verdicts.map(verified));
    let written = |section| SectionWritten { section, text: text("a\nb") }.into();
    events.extend(ReviewSection::ALL.map(written));
    let cause = |category| {
        CauseFound {
            parent: Some(id(2)),
            category: Some(category),
            text: text("t"),
            evidence: vec![id(4), id(5)],
        }
        .into()
    };
    events.extend(CauseCategory::ALL.map(cause));
    events.push(CauseWithdrawn { cause: id(2), reason: text("r") }.into());
    events.push(TypesSet { types: IncidentType::ALL.to_vec() }.into());
    let check = [None, Some(Check::Query { expr: text("up == 1") })];
    let checks = check.into_iter().chain([Some(Check::Word { what: text("drill") })]);
    let given = checks.zip(Priority::ALL).map(|(check, priority)| {
        FollowUpGiven {
            text: text("t"),
            owner: who("bob"),
            due: at(86_400),
            priority,
            check,
            mends: Some(id(2)),
        }
        .into()
    });
    events.extend(given);
    let ticket = TicketRef { tracker: TrackerId::new("roundup"), key: text("issue12") };
    let steps = [
        FollowUpStep::Given(who("bob")),
        FollowUpStep::Extended(at(1)),
        FollowUpStep::Tracked(ticket),
        FollowUpStep::Checked(true, text("1 sample, 1")),
        FollowUpStep::Done,
        FollowUpStep::Reopened,
        FollowUpStep::Dropped,
    ];
    let moved = |step| FollowUpMoved { follow_up: id(6), step, note: text("n") }.into();
    events.extend(steps.map(moved));
    events.push(ReviewFinished { note: text("n") }.into());
    let incident = IncidentId::new("INC-7KQ4M");
    let mut all: Vec<LogEvent> = events
        .into_iter()
        .map(|event| LogEvent::Incident { incident: incident.clone(), event })
        .collect();
    let run = Operation::Run {
        incident: incident.clone(),
        run: text(&id(1).to_string()),
        step: 0,
        order: orders[0].clone(),
    };
    let act = TicketAct::FollowUp {
        of: text(&id(6).to_string()),
        title: text("t"),
        body: text("b"),
        priority: Priority::High,
    };
    let ticket = Operation::Ticket { incident, tracker: TrackerId::new("roundup"), act };
    all.extend([run, ticket].map(|operation| LogEvent::OperationRequested { operation }));
    let outcome = Outcome::Failed { why: text("step 2 failed"), url: text("u") };
    all.push(LogEvent::OperationEnded { request: id(1), outcome });
    all
}
