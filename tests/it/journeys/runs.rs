//! A procedure from the key that asks for it to its first step: card, proposal, release, window.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use quarterdeck::app::{IncidentPane, Msg, State};
use quarterdeck::domain::{
    Ask, Change, ChangeKey, ChangeKind, ChangeState, Form, IncidentId, Matcher, Observation,
    Operation, Order, Outcome, Param, PipelineId, Playbook, Procedure, ProcedureId, ProcedureKind,
    Reading, Reviewed, RunVerdict, SafeText, ServiceId, SloId, SloReading, SourceId, Span, Step,
    Verify,
};
use quarterdeck::eventlog::{EventLog as _, IncidentEvent as E, LogEvent};
use quarterdeck::model::Model;

use super::Journey;
use crate::stories;

fn procedure(id: &str, kind: ProcedureKind, minutes: i64, success: f64) -> Procedure {
    let step = Step {
        title: "deploy the version before".into(),
        pipeline: PipelineId::new("deploy"),
        ask: Ask::Job {
            job: "deploy-checkout".into(),
            reference: "".into(),
            params: vec![("version".into(), "{to}".into())],
        },
        deadline: Span::from_mins(10),
    };
    let to = Param { name: "to".into(), form: Form::Version, default: Some("{before}".into()) };
    Procedure {
        id: ProcedureId::new(id),
        title: SafeText::new(&format!("{id} of checkout")),
        kind,
        service: ServiceId::new("checkout"),
        params: vec![to],
        steps: vec![step],
        second_person: true,
        cancel_window: Span::from_secs(10),
        expected: Some(Span::from_mins(minutes)),
        success: Some(success),
        takes_along: vec!["its configuration".into()],
        irreversible: Vec::new(),
        undo: None,
        backup: Some(ProcedureId::new("flag-off")),
        rung: None,
        verify: Verify {
            slos: vec![SloId::new("checkout-avail")],
            alerts: Vec::new(),
            window: Span::from_mins(10),
        },
        owner: "shop".into(),
        tested: None,
    }
}

fn deploy(before: &str) -> Change {
    Change {
        key: ChangeKey { source: SourceId::new("ci"), id: "build/12".into() },
        at: stories::now().minus(Span::from_mins(31)),
        kind: ChangeKind::Deploy,
        service: Some(ServiceId::new("checkout")),
        title: "checkout v812".into(),
        author: "dora".into(),
        reviewed: Reviewed::By(vec!["carol".into()]),
        before: before.into(),
        after: "v812".into(),
        state: ChangeState::Done,
        size: None,
        with: vec!["new retry policy".into()],
        url: "".into(),
    }
}

fn world(before: &str) -> State {
    let mut state = stories::live();
    let migrate = Procedure {
        irreversible: vec!["mails that were sent".into()],
        ..procedure("fix-forward", ProcedureKind::FixForward, 30, 0.9)
    };
    // Nobody knows how long it takes or whether it helps: it is not compared, and turns nothing.
    let unknown = Procedure {
        expected: None,
        success: None,
        ..procedure("scale-up", ProcedureKind::Scale, 1, 0.5)
    };
    let all = [
        unknown,
        procedure("rollback", ProcedureKind::Rollback, 4, 0.8),
        procedure("flag-off", ProcedureKind::Flag, 1, 0.1),
        migrate,
    ];
    let mut playbook = Playbook::default();
    playbook.procedures.procedures = all.into_iter().map(|one| (one.id.clone(), one)).collect();
    state.model.playbook = Arc::new(playbook);
    let told = vec![Observation::Changes(vec![deploy(before)])];
    state.model.observe(&SourceId::new("ci"), stories::now(), told);
    state
}

const DECLARE: &str = "2 G d enter ";

fn orders(journey: &Journey) -> Vec<Order> {
    let proposed = journey.appended.iter().filter_map(|event| match event {
        LogEvent::Incident { event: E::RunProposed(run), .. } => Some(run.orders.clone()),
        _ => None,
    });
    proposed.flatten().collect()
}

fn order(version: &str) -> Order {
    Order {
        title: "deploy the version before".into(),
        pipeline: PipelineId::new("deploy"),
        ask: Ask::Job {
            job: "deploy-checkout".into(),
            reference: "".into(),
            params: vec![("version".into(), version.into())],
        },
        deadline: Span::from_mins(10),
    }
}

fn later(journey: &mut Journey, secs: i64) {
    let now = journey.state.now.plus(Span::from_secs(secs));
    journey.take(Msg::Tick(now));
}

pub(super) fn requested(journey: &Journey) -> usize {
    let run = |event: &&LogEvent| {
        matches!(event, LogEvent::OperationRequested { operation: Operation::Run { .. } })
    };
    journey.appended.iter().filter(run).count()
}

#[test]
fn a_rollback_is_read_proposed_released_by_its_name_and_begins_when_its_window_is_over() {
    for size in [(80, 24), (120, 40), (200, 60)] {
        let form = Journey::sized(world("v811"), size).keys(&format!("{DECLARE} r"));
        insta::assert_snapshot!(format!("journey__run_card_{}x{}", size.0, size.1), form.screen());
    }
    let keys = format!("{DECLARE} r tab tab 'v812 breaks cards' enter");
    let mut journey = Journey::of(world("v811")).keys(&keys);
    assert_eq!(orders(&journey), [order("v811")], "{}", journey.screen());
    assert_eq!(journey.state.ui.incident.pane, IncidentPane::Runs);
    assert!(journey.screen().contains("waits to be released"), "{}", journey.screen());
    // Another word is no release, and what is typed stays.
    journey = journey.keys("X 'rollbak' enter");
    assert!(journey.screen().contains("Type the procedure's name"), "{}", journey.screen());
    journey = journey.keys("backspace backspace 'ack' enter");
    assert!(journey.state.ui.dialog.is_none(), "{}", journey.screen());
    for size in [(80, 24), (120, 40), (200, 60)] {
        let state = journey.state.clone();
        let window = Journey::sized(state, size);
        insta::assert_snapshot!(
            format!("journey__run_window_{}x{}", size.0, size.1),
            window.screen()
        );
    }
    later(&mut journey, 9);
    assert_eq!(requested(&journey), 0, "the window is not over");
    later(&mut journey, 1);
    later(&mut journey, 1);
    assert_eq!(requested(&journey), 1, "begun once");
    assert!(journey.screen().contains("step 1 of 1"), "{}", journey.screen());
}

#[test]
fn a_released_run_is_stopped_within_its_window_and_nothing_is_sent() {
    let keys = format!("{DECLARE} r ctrl-o X 'rollback' enter A 'not now' enter");
    let mut journey = Journey::of(world("v811")).keys(&keys);
    later(&mut journey, 60);
    assert_eq!(requested(&journey), 0);
    assert!(journey.screen().contains("stopped before it began"), "{}", journey.screen());
}

#[test]
fn an_unknown_outcome_and_a_failed_step_wait_for_somebody_and_a_backup_is_offered() {
    let keys = format!("{DECLARE} r ctrl-o X 'rollback' enter");
    let ended = |outcome: Outcome| {
        let mut journey = Journey::of(world("v811")).keys(&keys);
        later(&mut journey, 10);
        let request = *journey
            .state
            .incident()
            .unwrap()
            .runs
            .values()
            .next()
            .unwrap()
            .steps
            .values()
            .next()
            .unwrap();
        let (me, now) = (journey.state.me.clone(), journey.state.now);
        let facts = [LogEvent::OperationEnded { request, outcome }];
        let records = journey.log.append(&me, now, &facts).unwrap();
        journey.take(Msg::Recorded { records, ours: false });
        journey
    };
    let unknown = ended(Outcome::Unknown { why: "the answer was lost".into() });
    assert!(unknown.screen().contains("step 1 of 1 unknown"), "{}", unknown.screen());
    assert!(unknown.screen().contains("happened is unknown"), "{}", unknown.screen());
    // What a person found is said on the screen, and never is it begun again.
    let mut read = unknown.keys("enter");
    assert!(read.screen().contains("Z says what you found"), "{}", read.screen());
    read = read.keys("esc Z");
    insta::assert_snapshot!("journey__run_settle", read.screen());
    let found = |keys: &str| {
        let settled =
            Journey::of(read.state.clone()).keys(&format!("{keys} 'looked at it' ctrl-o"));
        let last = settled.appended.last().cloned();
        let Some(LogEvent::OperationEnded { outcome, .. }) = last else {
            panic!("{}", settled.screen())
        };
        outcome
    };
    let why: SafeText = "settled by alice: looked at it".into();
    let done = Outcome::Received { receipt: why.clone(), url: "".into() };
    assert_eq!(found("enter"), done);
    let failed = Outcome::Failed { why: why.clone(), url: "".into() };
    assert_eq!(found("right enter"), failed);
    assert_eq!(found("right right enter"), Outcome::Refused { why });
    let failed = ended(Outcome::Failed { why: "exit status 1".into(), url: "".into() });
    assert!(failed.screen().contains("failed; the backup is flag-off"), "{}", failed.screen());
    let backup = failed.keys("a");
    assert!(
        backup.screen().contains("flag-off of checkout (flag) on checkout"),
        "{}",
        backup.screen()
    );
}

#[test]
fn what_ran_before_has_to_be_typed_when_no_source_knows_it() {
    let journey = Journey::of(world("")).keys(&format!("{DECLARE} r"));
    assert!(journey.screen().contains("to ="), "{}", journey.screen());
    let refused = journey.keys("ctrl-o");
    assert_eq!(orders(&refused), [], "{}", refused.screen());
    let typed = refused.keys("tab 'v810' ctrl-o");
    assert_eq!(orders(&typed), [order("v810")], "{}", typed.screen());
}

fn card(model: &Model, incident: &IncidentId, procedure: &str) -> Vec<String> {
    let incident = &model.incidents.incidents[incident];
    let card = model.card(incident, &ProcedureId::new(procedure), stories::now()).unwrap();
    card.lines.iter().map(|(title, text)| format!("{title}: {text}")).collect()
}

#[test]
fn the_card_says_what_each_figure_rests_on_and_does_not_advise_what_cannot_be_undone() {
    let journey = Journey::of(world("v811")).keys(DECLARE);
    let incident = journey.state.incident().unwrap().id.clone();
    let model = &journey.state.model;
    insta::assert_snapshot!("journey__run_card", card(model, &incident, "rollback").join("\n"));
    let forward = card(model, &incident, "fix-forward");
    assert!(forward.contains(&"cannot be undone: mails that were sent".to_owned()));
    assert!(
        forward.iter().any(|line| {
            line.starts_with("fix-forward: ")
                && line.ends_with("min expected; not advised, for what cannot be undone")
        }),
        "{forward:#?}"
    );
    let nothing = model.card(
        &model.incidents.incidents[&incident],
        &ProcedureId::new("reboot"),
        stories::now(),
    );
    assert_eq!(nothing, None);
}

#[test]
fn all_of_the_card_can_be_read_on_a_small_terminal_before_it_is_proposed() {
    let journey = Journey::of(world("v811")).keys(&format!("{DECLARE} r"));
    let incident = journey.state.incident().unwrap().id.clone();
    let titles: Vec<String> = card(&journey.state.model, &incident, "rollback")
        .iter()
        .map(|line| line.split_once(": ").unwrap().0.to_owned())
        .collect();
    let mut seen = vec![journey.screen()];
    let mut journey = journey;
    for _ in 0..titles.len() {
        journey = journey.keys("pgdn");
        seen.push(journey.screen());
    }
    for title in titles {
        let shown = |screen: &String| screen.contains(&format!("· {title}: "));
        assert!(seen.iter().any(shown), "{title}\n{}", seen.join("\n"));
    }
    assert_eq!(journey.keys(&"pgup ".repeat(30)).screen(), seen[0]);
}

/// Readings of the objective once a minute from `from` on, each so many times its budget.
fn burns(journey: &mut Journey, from: i64, count: i64, times: f64) {
    let base = stories::now();
    for minute in from..from + count {
        let at = base.plus(Span::from_mins(minute));
        let reading = SloReading {
            slo: SloId::new("checkout-avail"),
            window: Span::from_mins(5),
            error_ratio: Reading::of(times * 0.001),
            traffic: Reading::of(240.0),
            at,
        };
        let seen = vec![Observation::Slos(vec![reading])];
        journey.take(Msg::Observed { source: SourceId::new("prom-eu"), at, seen });
    }
}

#[test]
fn a_pipeline_that_says_success_while_the_objective_burns_has_not_helped() {
    let judged = |after: Option<f64>| {
        let mut journey = Journey::sized(world("v811"), (120, 40));
        burns(&mut journey, -9, 10, 31.0);
        journey = journey.keys(&format!("{DECLARE} r ctrl-o X 'rollback' enter"));
        later(&mut journey, 10);
        let incident = journey.state.incident().unwrap();
        let request = incident.runs.values().next().unwrap().steps[&0];
        let outcome = Outcome::Received { receipt: "build 13".into(), url: "".into() };
        let (me, now) = (journey.state.me.clone(), journey.state.now);
        let ended = [LogEvent::OperationEnded { request, outcome }];
        let records = journey.log.append(&me, now, &ended).unwrap();
        journey.take(Msg::Recorded { records, ours: false });
        assert!(journey.screen().contains("done, watched for"), "{}", journey.screen());
        after.into_iter().for_each(|times| burns(&mut journey, 1, 9, times));
        later(&mut journey, 599);
        let verdict = |journey: &Journey| {
            let run = journey.state.incident().unwrap().runs.values().next().unwrap();
            run.verified.as_ref().map(|one| (one.verdict, one.figures[0].1.to_string()))
        };
        assert_eq!(verdict(&journey), None, "its window is not over");
        later(&mut journey, 1);
        if after.is_none() {
            // Another console may have seen what this one did not.
            later(&mut journey, 30);
        }
        (verdict(&journey).unwrap(), journey)
    };
    let (still, journey) = judged(Some(30.0));
    assert_eq!(
        still,
        (RunVerdict::NoChange, "burn 31.0x before, 30.0x after: no change".to_owned())
    );
    let screen = journey.screen();
    assert!(screen.contains("no change; the backup is flag-off"), "{screen}");
    let backup = journey.keys("a");
    assert!(backup.screen().contains("flag-off of checkout (flag)"), "{}", backup.screen());
    assert_eq!(judged(Some(60.0)).0.0, RunVerdict::Worse);
    assert_eq!(judged(Some(0.2)).0.0, RunVerdict::Recovered);
    // Nobody said anything since: that is no recovery either.
    let (silent, journey) = judged(None);
    assert_eq!(silent.0, RunVerdict::Unknown, "{}", silent.1);
    assert!(!journey.screen().contains("recovered"), "{}", journey.screen());
}

#[test]
fn who_cannot_tell_whether_it_helped_leaves_the_word_to_others_first() {
    let keys = format!("{DECLARE} r ctrl-o X 'rollback' enter");
    let mut journey = Journey::of(world("v811")).keys(&keys);
    later(&mut journey, 10);
    let of = |journey: &Journey| journey.state.incident().unwrap().runs.values().next().cloned();
    let request = *of(&journey).unwrap().steps.values().next().unwrap();
    let (me, now) = (journey.state.me.clone(), journey.state.now);
    let done = Outcome::Received { receipt: "build 1".into(), url: "".into() };
    let facts = [LogEvent::OperationEnded { request, outcome: done }];
    let records = journey.log.append(&me, now, &facts).unwrap();
    journey.take(Msg::Recorded { records, ours: false });
    let judged = |journey: &Journey| of(journey).unwrap().verified.map(|one| one.verdict);
    // The window is over and nothing was read: another console may have seen all of it.
    later(&mut journey, 10 * 60);
    assert_eq!(judged(&journey), None, "{}", journey.screen());
    later(&mut journey, 29);
    assert_eq!(judged(&journey), None);
    later(&mut journey, 1);
    assert_eq!(judged(&journey), Some(RunVerdict::Unknown), "{}", journey.screen());
}

#[test]
fn alerts_of_which_nobody_told_lately_have_not_ended() {
    let mut model = stories::live().model;
    let verify = Verify {
        alerts: vec![Matcher::equal("service", "nobody")],
        window: Span::from_mins(3),
        ..Verify::default()
    };
    let (from, until) = (stories::now(), stories::now().plus(Span::from_mins(3)));
    let judged = |model: &Model| model.verify(&verify, from, from, until).verdict;
    let told = |model: &mut Model, at| {
        for status in model.sources.values_mut() {
            status.last_good = Some(at);
        }
    };
    // None fires as far as is known here; what counts is whether anybody has looked.
    told(&mut model, from.plus(Span::from_mins(1)));
    assert_eq!(judged(&model), RunVerdict::Unknown);
    told(&mut model, from.plus(Span::from_mins(2)));
    assert_eq!(judged(&model), RunVerdict::Recovered);
    model.sources.clear();
    assert_eq!(judged(&model), RunVerdict::Unknown);
}
