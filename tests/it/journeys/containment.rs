//! A system is cut off, and a ladder is climbed and left again: what it takes down is read first, what was known
//! is frozen before anything is sent, and the way back is one key.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use quarterdeck::app::{Dialog, FieldName, IncidentPane, Msg, State};
use quarterdeck::domain::{
    Ask, EntryKind, Outcome, PipelineId, Playbook, Procedure, ProcedureId, ProcedureKind,
    ServerState, ServiceId, SloId, Span, Step, Verify,
};
use quarterdeck::eventlog::{EventLog as _, IncidentEvent as E, LogEvent, RunProposed};
use quarterdeck::model::RungStands;

use super::Journey;
use crate::stories;

fn procedure(id: &str, kind: ProcedureKind, service: &str, state: ServerState) -> Procedure {
    let step = Step {
        title: "take it out of the balancer".into(),
        pipeline: PipelineId::new("edge"),
        ask: Ask::Server { backend: service.into(), server: "a".into(), state },
        deadline: Span::from_mins(1),
    };
    Procedure {
        id: ProcedureId::new(id),
        title: id.replace('-', " ").as_str().into(),
        kind,
        service: ServiceId::new(service),
        params: Vec::new(),
        steps: vec![step],
        second_person: false,
        cancel_window: Span::from_secs(10),
        expected: Some(Span::from_mins(1)),
        success: Some(0.5),
        takes_along: Vec::new(),
        irreversible: Vec::new(),
        undo: None,
        backup: None,
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

fn rung(id: &str, number: u16, undo: &str) -> Procedure {
    let mut one = procedure(id, ProcedureKind::Degradation, "checkout", ServerState::Drain);
    (one.rung, one.undo) = (Some(number), (!undo.is_empty()).then(|| ProcedureId::new(undo)));
    one
}

fn world() -> State {
    let mut state = stories::capacity::short();
    let mut cut =
        procedure("cut-off-payments", ProcedureKind::Containment, "payments", ServerState::Drain);
    cut.undo = Some(ProcedureId::new("let-payments-in"));
    let back =
        procedure("let-payments-in", ProcedureKind::Containment, "payments", ServerState::Ready);
    let full = procedure("all-of-it", ProcedureKind::Flag, "checkout", ServerState::Ready);
    let all = [
        cut,
        back,
        rung("no-advice", 1, "all-of-it"),
        rung("prices-of-yesterday", 2, "all-of-it"),
        rung("only-pay", 3, ""),
        full,
    ];
    let mut playbook = Playbook::default();
    playbook.procedures.procedures = all.into_iter().map(|one| (one.id.clone(), one)).collect();
    state.model.playbook = Arc::new(playbook);
    state
}

/// Asks for a run and chooses one; a draft may stand on another one.
fn proposed(journey: Journey, wanted: &str) -> Journey {
    let mut journey = journey.keys("r");
    for _ in 0..journey.state.model.playbook.procedures.procedures.len() {
        let Some(Dialog::Form(form)) = &journey.state.ui.dialog else { panic!("no form") };
        if form.text(FieldName::Procedure) == wanted {
            return journey;
        }
        journey = journey.keys("right");
    }
    panic!("{wanted} cannot be chosen: {}", journey.screen());
}

fn begun(size: (u16, u16)) -> Journey {
    Journey::sized(world(), size).keys("2 G d enter")
}

fn proposals(journey: &Journey) -> Vec<RunProposed> {
    let proposals = journey.appended.iter().filter_map(|event| match event {
        LogEvent::Incident { event: E::RunProposed(run), .. } => Some(run.clone()),
        _ => None,
    });
    proposals.collect()
}

/// Lets the newest run begin, and its pipeline say that it was done.
fn takes_effect(journey: &mut Journey) {
    for _ in 0..2 {
        let now = journey.state.now.plus(Span::from_secs(10));
        journey.take(Msg::Tick(now));
    }
    let incident = journey.state.incident().unwrap();
    let newest = incident.runs.values().max_by_key(|run| run.at).unwrap();
    let request = newest.steps[&0];
    let outcome = Outcome::Received { receipt: "edge 7".into(), url: "".into() };
    let facts = [LogEvent::OperationEnded { request, outcome }];
    let (me, now) = (journey.state.me.clone(), journey.state.now);
    let records = journey.log.append(&me, now, &facts).unwrap();
    journey.take(Msg::Recorded { records, ours: false });
}

#[test]
fn a_cut_off_is_read_with_all_that_it_takes_down() {
    for size in [(80, 24), (120, 40), (200, 60)] {
        let card = proposed(begun(size), "cut-off-payments");
        let name = format!("journey__containment_{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, card.screen());
    }
    let card = proposed(begun((80, 24)), "cut-off-payments").keys("ctrl-o");
    let [run] = proposals(&card).try_into().unwrap();
    let lines: Vec<String> =
        run.card.iter().map(|(title, text)| format!("{title}: {text}")).collect();
    insta::assert_snapshot!("journey__containment_card", lines.join("\n"));
}

#[test]
fn what_is_known_is_frozen_and_pinned_before_the_first_step() {
    let mut journey = proposed(begun((120, 40)), "cut-off-payments").keys("ctrl-o X ctrl-o");
    let released = journey
        .appended
        .iter()
        .position(|event| matches!(event, LogEvent::Incident { event: E::RunReleased(_), .. }));
    let frozen: Vec<(String, bool)> = journey.appended[released.unwrap()..]
        .iter()
        .filter_map(|event| match event {
            LogEvent::Incident { event: E::EntryMade(entry), .. } => {
                assert_eq!((entry.kind, entry.about.is_some()), (EntryKind::Evidence, true));
                Some((entry.text.to_string(), entry.evidence.is_some()))
            }
            _ => None,
        })
        .collect();
    insta::assert_snapshot!("journey__containment_frozen", format!("{frozen:#?}"));
    let incident = journey.state.incident().unwrap();
    let pinned: Vec<&str> = incident.timeline.pinned().map(|line| line.text.as_str()).collect();
    assert_eq!(pinned, [frozen[0].0.as_str()], "how it stood stays in sight");
    assert_eq!(super::runs::requested(&journey), 0, "nothing was sent yet");
    takes_effect(&mut journey);
    assert_eq!(super::runs::requested(&journey), 1);
    assert!(journey.screen().contains("done, watched"), "{}", journey.screen());
    // One key proposes the way back, which says what it takes back and freezes nothing again.
    let back = journey.keys("A");
    assert!(back.screen().contains("takes back: cut off payments"), "{}", back.screen());
    let mut back = back.keys("ctrl-o");
    let cut = *back.state.incident().unwrap().runs.iter().min_by_key(|(_, run)| run.at).unwrap().0;
    let undo = proposals(&back).pop().unwrap();
    assert_eq!((undo.procedure.as_str(), undo.undoes), ("let-payments-in", Some(cut)));
    let entries = back.told.iter().filter(|told| told.starts_with("entry-made")).count();
    back = back.keys("X ctrl-o");
    takes_effect(&mut back);
    assert_eq!(back.told.iter().filter(|told| told.starts_with("entry-made")).count(), entries);
    assert_eq!(back.state.model.undone_by(&ProcedureId::new("let-payments-in")), None);
    assert_eq!(back.state.ui.incident.pane, IncidentPane::Runs);
}

fn stands(journey: &Journey) -> Vec<(u16, bool)> {
    let ladder = journey.state.model.ladder(&ServiceId::new("checkout")).unwrap();
    let reached = |one: &quarterdeck::model::Rung| matches!(one.stands, RungStands::Reached(_));
    ladder.rungs.iter().map(|one| (one.number, reached(one))).collect()
}

#[test]
fn a_ladder_is_climbed_step_by_step_and_left_by_its_way_back() {
    let mut journey = begun((120, 40));
    let ladder = |journey: &Journey| {
        let ladder = journey.state.model.ladder(&ServiceId::new("checkout")).unwrap();
        let lines = ladder.lines(|at| at.utc().format("%H:%M").to_string());
        lines.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        ladder(&journey),
        [
            "○ 3 only pay",
            "○ 2 prices of yesterday",
            "▲ 1 next up: no advice",
            "● 0 here: nothing is switched off"
        ]
    );
    // The second rung at once: it may be, and the card says what is left out.
    journey = proposed(journey, "prices-of-yesterday");
    assert!(
        journey.screen().contains("out of order: rung 1 (no advice): milder"),
        "{}",
        journey.screen()
    );
    journey = proposed(journey.keys("esc"), "no-advice").keys("ctrl-o X ctrl-o");
    let during = journey.state.model.ladder(&ServiceId::new("checkout")).unwrap();
    assert_eq!(during.rungs[0].stands, RungStands::UnderWay);
    takes_effect(&mut journey);
    assert_eq!(stands(&journey), [(1, true), (2, false), (3, false)]);
    for size in [(80, 24), (120, 40), (200, 60)] {
        let reading = Journey::sized(journey.state.clone(), size).keys("enter");
        let name = format!("journey__ladder_{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, reading.screen());
    }
    journey = proposed(journey, "prices-of-yesterday");
    insta::assert_snapshot!("journey__ladder_card", journey.screen());
    journey = journey.keys("ctrl-o X ctrl-o");
    takes_effect(&mut journey);
    assert_eq!(stands(&journey), [(1, true), (2, true), (3, false)]);
    let known = journey.state.model.ladder(&ServiceId::new("checkout")).unwrap();
    let (next, back) = (known.next().unwrap(), known.back().unwrap());
    assert_eq!((next.number, back.as_str()), (3, "all-of-it"));
    // All of it back: both rungs are left.
    journey = journey.keys("A ctrl-o X ctrl-o");
    takes_effect(&mut journey);
    assert_eq!(stands(&journey), [(1, false), (2, false), (3, false)]);
}
