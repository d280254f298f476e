//! The Review screen as a person sees it, and the keys over it: a section written, wordings mended, causes
//! and follow-ups.

use pretty_assertions::assert_eq;
use quarterdeck::actions::Screen;
use quarterdeck::app::{Dialog, Effect, Msg, ReviewPane, ReviewPart, State, update};
use quarterdeck::domain::{Actor, ReviewSection, SafeText, SourceId};
use quarterdeck::eventlog::{CauseFound, FollowUpMoved, FollowUpStep, IncidentEvent, LogEvent};
use quarterdeck::keys::{Chord, Input};

use super::screens::{SIZES, look, paint, snap, text};
use super::stories::incident as stories;

fn press(state: &mut State, keys: &str) -> Vec<Effect> {
    let chords = keys.split(' ').map(|key| key.parse::<Chord>().unwrap());
    chords.flat_map(|chord| update(state, Msg::Input(Input::Key(chord)))).collect()
}

fn paste(state: &mut State, text: &str) {
    update(state, Msg::Input(Input::Paste(text.to_owned())));
}

/// What would be recorded by these keys.
fn facts(state: &mut State, keys: &str) -> Vec<IncidentEvent> {
    let events = press(state, keys).into_iter().flat_map(|effect| match effect {
        Effect::Append(events) => events,
        _ => Vec::new(),
    });
    events
        .filter_map(|event| match event {
            LogEvent::Incident { event, .. } => Some(event),
            _ => None,
        })
        .collect()
}

fn opened(part: ReviewPart, pane: ReviewPane) -> State {
    let mut state = stories::reviewed();
    press(&mut state, "8");
    (state.ui.review.part, state.ui.review.pane) = (part, pane);
    state
}

fn shown(state: &State) -> String {
    text(&paint(state, &look("mono"), (80, 24)).0)
}

#[test]
fn review() {
    let parts = [
        ("summary", ReviewPart::Section(ReviewSection::Summary)),
        ("impact", ReviewPart::Section(ReviewSection::Impact)),
        ("whys", ReviewPart::Whys),
        ("fishbone", ReviewPart::Fishbone),
        ("follow_ups", ReviewPart::FollowUps),
    ];
    for (name, part) in parts {
        for size in SIZES {
            snap(&format!("review__{name}"), &opened(part, ReviewPane::Body), size);
        }
    }
    let summary = ReviewPart::Section(ReviewSection::Summary);
    let mut plain = opened(summary, ReviewPane::Parts);
    plain.ui.ascii = true;
    let picture = text(&paint(&plain, &look("mono"), SIZES[1]).0);
    insta::assert_snapshot!("review__ascii", picture);
    assert!(picture.is_ascii());
    let mut nothing = super::stories::bad();
    press(&mut nothing, "8");
    insta::assert_snapshot!("review__nothing", shown(&nothing));
}

#[test]
fn without_colour_a_wording_that_blames_is_marked_and_named() {
    let state = opened(ReviewPart::Section(ReviewSection::Summary), ReviewPane::Parts);
    let picture = shown(&state);
    let marked = picture.lines().filter(|line| line.contains("! ") && line.contains("should have"));
    assert!(marked.count() >= 2, "at the line and below it\n{picture}");
    assert!(picture.contains("“bob” (name)"), "{picture}");
}

#[test]
fn a_section_is_written_in_the_editor_and_the_wordings_are_named_while_typing() {
    let mut state = opened(ReviewPart::Section(ReviewSection::Luck), ReviewPane::Parts);
    press(&mut state, "enter");
    paste(&mut state, "It was Sunday; obviously luck.");
    let picture = shown(&state);
    assert!(picture.contains("“obviously” (hindsight)"), "{picture}");
    let facts = facts(&mut state, "ctrl-o");
    let [IncidentEvent::SectionWritten(event)] = facts.as_slice() else { panic!("{facts:?}") };
    assert_eq!(event.section, ReviewSection::Luck);
    assert_eq!(event.text.as_str(), "It was Sunday; obviously luck.");
}

#[test]
fn the_draft_is_what_a_section_begins_with() {
    let mut state = opened(ReviewPart::Section(ReviewSection::Detection), ReviewPane::Parts);
    let draft = state.ui.review.document.as_ref().unwrap();
    let draft = draft.section(ReviewSection::Detection).unwrap().text.clone();
    press(&mut state, "enter");
    let Some(Dialog::Form(form)) = &state.ui.dialog else { panic!("no form") };
    assert_eq!(form.fields[0].entry.text(), draft.to_string());
}

#[test]
fn a_cause_is_found_below_the_selected_one_and_a_follow_up_waits_for_its_check() {
    let mut state = opened(ReviewPart::Whys, ReviewPane::Body);
    press(&mut state, "j b");
    paste(&mut state, "nobody was asked");
    let found = facts(&mut state, "ctrl-o");
    let below = state.ui.review.cause;
    let text: SafeText = "nobody was asked".into();
    let cause = CauseFound { parent: below, category: None, text, evidence: Vec::new() };
    assert_eq!(found, [cause.into()]);
    let selected = &state.reviewed().unwrap().review.causes[&below.unwrap()];
    assert_eq!(selected.text.as_str(), "no check compares readers and schema before a deploy");

    let mut state = opened(ReviewPart::FollowUps, ReviewPane::Body);
    assert_eq!(facts(&mut state, "X"), []);
    let said = state.ui.notices.back().unwrap().text.to_string();
    assert!(said.contains("is not done before its check passed"), "{said}");
    press(&mut state, "h");
    paste(&mut state, "dan");
    let given = facts(&mut state, "ctrl-o");
    let follow_up = state.ui.review.follow_up.unwrap();
    let step = FollowUpStep::Given(Actor::new("dan"));
    assert_eq!(given, [FollowUpMoved { follow_up, step, note: "".into() }.into()]);
}

#[test]
fn what_is_overdue_comes_up_on_every_screen() {
    let mut state = stories::reviewed();
    for key in ["1", "2", "6"] {
        press(&mut state, key);
        let picture = text(&paint(&state, &look("mono"), (120, 40)).0);
        let strip: String = picture.lines().take(2).collect();
        assert!(strip.contains("Review 1!"), "{strip}");
    }
    press(&mut state, "1");
    let bridge = text(&paint(&state, &look("mono"), (120, 40)).0);
    assert!(bridge.contains("compare readers and schema"), "{bridge}");
    assert_eq!(state.ui.screen, Screen::Bridge);
}

#[test]
fn a_check_that_is_a_query_is_asked_of_its_source_and_its_answer_recorded() {
    let on_query = || {
        let mut state = opened(ReviewPart::FollowUps, ReviewPane::Body);
        let effects = press(&mut state, "a");
        (state, effects)
    };
    let (mut state, effects) = on_query();
    let incident = state.ui.review.selected.clone().unwrap();
    let follow_up = state.ui.review.follow_up.unwrap();
    let expr: SafeText = "schema_checked == bool 1".into();
    let ask = Effect::Check { incident: incident.clone(), follow_up, expr };
    assert!(effects.contains(&ask), "{effects:?}");
    let mut told = |answer: Result<(SourceId, Vec<f64>), SafeText>| {
        let (incident, answer) = (incident.clone(), answer);
        let effects = update(&mut state, Msg::Checked { incident, follow_up, answer });
        let said = state.ui.notices.back().map(|notice| notice.text.to_string());
        let said = said.unwrap_or_default();
        assert!(!said.contains("Its source is asked"), "the answer is there");
        let step = effects.into_iter().find_map(|effect| match effect {
            Effect::Append(events) => events.into_iter().find_map(|event| match event {
                LogEvent::Incident { event: IncidentEvent::FollowUpMoved(moved), .. } => {
                    Some(moved.step)
                }
                _ => None,
            }),
            _ => None,
        });
        (step, said)
    };
    let prom = || SourceId::new("prom-eu");
    let (step, _) = told(Ok((prom(), vec![1.0])));
    assert_eq!(step, Some(FollowUpStep::Checked(true, "prom-eu says 1".into())));
    let (step, _) = told(Ok((prom(), vec![0.0])));
    assert_eq!(step, Some(FollowUpStep::Checked(false, "prom-eu says 0".into())));
    let (step, _) = told(Ok((prom(), Vec::new())));
    assert_eq!(step, Some(FollowUpStep::Checked(false, "prom-eu has no sample for it".into())));
    // Nobody answered: nothing is recorded, and what is known stays as it was.
    let (step, said) = told(Err("prom-eu did not answer in time.".into()));
    assert_eq!(step, None);
    assert!(said.ends_with("The follow-up stands as it did; ask again later."), "{said}");
    let (mut state, _) = on_query();
    state.read_only = true;
    let effects = press(&mut state, "a");
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Check { .. })), "{effects:?}");
}
