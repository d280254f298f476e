//! The Incident screen, the strip and the Bridge while incidents are going on, as pictures and in use.

use quarterdeck::actions::Screen;
use quarterdeck::app::earlier::Progress;
use quarterdeck::app::{Dialog, Effect, IncidentPane, Msg, State, update};
use quarterdeck::domain::{Actor, Span};
use quarterdeck::eventlog::{
    EventLog as _, Held, LogEvent, MemoryLog, Presence, Recorded, Subject,
};
use quarterdeck::keys::{Chord, Input};

use super::screens::{SIZES, look, on, paint, snap, text};
use super::stories::{incident as stories, now};

fn press(state: &mut State, keys: &str) -> Vec<Effect> {
    let chords = keys.split(' ').map(|key| key.parse::<Chord>().unwrap());
    chords.flat_map(|chord| update(state, Msg::Input(Input::Key(chord)))).collect()
}

fn screen(state: &State) -> String {
    text(&paint(state, &look("mono"), (80, 24)).0)
}

#[test]
fn an_incident_in_full_swing() {
    for size in SIZES.into_iter().chain([(60, 15)]) {
        snap("incident__swing", &on(stories::swing(), Screen::Incident), size);
        snap("bridge__incident", &stories::swing(), size);
    }
    snap("incident__fresh", &on(stories::fresh(), Screen::Incident), SIZES[0]);
    snap("incident__over", &on(stories::over(), Screen::Incident), SIZES[0]);
    let mut plain = on(stories::swing(), Screen::Incident);
    plain.ui.ascii = true;
    let picture = text(&paint(&plain, &look("mono"), SIZES[1]).0);
    insta::assert_snapshot!("incident__ascii", picture);
    assert!(picture.is_ascii());
}

#[test]
fn each_pane_has_the_room_when_it_has_the_keys() {
    for pane in IncidentPane::ALL {
        let mut state = on(stories::swing(), Screen::Incident);
        state.ui.incident.pane = pane;
        insta::assert_snapshot!(
            format!("incident__pane_{}", pane.title().to_lowercase()),
            screen(&state)
        );
    }
}

#[test]
fn what_is_not_on_the_disk_is_marked_on_the_strip_at_every_width() {
    let mut state = on(stories::swing(), Screen::Incident);
    state.ui.incident.pane = IncidentPane::Timeline;
    let note = LogEvent::Noted { about: Subject::General, text: "typed".into() };
    let mut log = MemoryLog::for_demo();
    let written = log.append(&Actor::new("alice"), now(), &[note]).unwrap().remove(0);
    let newest = state.incident().unwrap().timeline.iter().rev().take(2);
    let records: Vec<_> =
        newest.map(|line| Recorded { id: line.record, ..written.clone() }).collect();
    assert_eq!(records.len(), 2);
    let why = "The log could not be written: the disk is full. Free some space and save again.";
    let held = Held { records: records.clone(), why: why.into() };
    update(&mut state, Msg::Held(held));
    insta::assert_snapshot!("incident__not_on_disk", screen(&state));
    // On the timeline each of them says so, without a colour and in ASCII too.
    let marked = |screen: &str| {
        let said = |line: &&str| line.contains("Z  ") && line.contains("NOT ON DISK: ");
        screen.lines().filter(said).count()
    };
    assert_eq!(marked(&screen(&state)), 2);
    state.ui.ascii = true;
    let plain = screen(&state);
    assert_eq!((marked(&plain), plain.is_ascii()), (2, true), "{plain}");
    state.ui.ascii = false;
    // Anything else on the strip goes before the mark does.
    for width in [120, 80, 60, 40] {
        let all = text(&paint(&state, &look("mono"), (width, 24)).0);
        let strip: String = all.lines().take(2).collect();
        assert!(
            strip.contains("NOT ON DISK: 2") || strip.contains("NO DISK 2"),
            "{width}: {strip}"
        );
    }
    update(&mut state, Msg::Held(Held::default()));
    assert!(!screen(&state).lines().take(2).any(|line| line.contains("DISK")));
}

#[test]
fn a_timeline_whose_earlier_lines_are_still_being_read_says_so() {
    let mut state = on(stories::swing(), Screen::Incident);
    state.ui.incident.pane = IncidentPane::Timeline;
    state.earlier = Some(Progress::Read(640, 2_000));
    let heading = |state: &State, size| {
        let all = text(&paint(state, &look("mono"), size).0);
        all.lines().find(|line| line.contains("Timeline · ")).unwrap().to_owned()
    };
    let wide = heading(&state, (80, 24));
    assert!(wide.ends_with("earlier entries are being read: 32 %"), "{wide}");
    let narrow = heading(&state, (40, 24));
    assert!(narrow.ends_with("reading earlier"), "{narrow}");
    state.earlier = None;
    assert!(!heading(&state, (80, 24)).contains("read"));
}

#[test]
fn what_does_not_fit_on_the_strip_goes_whole_and_in_order() {
    let state = stories::swing();
    let lines: Vec<String> = [140, 120, 110, 100, 90, 80, 70, 60, 50, 40]
        .into_iter()
        .map(|w| {
            let all = text(&paint(&state, &look("mono"), (w, 24)).0);
            all.lines().next().unwrap_or_default().to_owned()
        })
        .collect();
    insta::assert_snapshot!("strip__incident", lines.join("\n"));
}

#[test]
fn tabs_that_have_nothing_to_say_go_before_those_that_have() {
    for screen in Screen::ALL {
        let state = on(stories::swing(), screen);
        let all = text(&paint(&state, &look("mono"), (80, 24)).0);
        let tabs = all.lines().nth(1).unwrap_or_default().to_owned();
        for told in ["Alerts 2", "SLOs 2!", "Map 3!", "6 Incident 8!", screen.title()] {
            assert!(tabs.contains(told), "{told} on {}: {tabs}", screen.title());
        }
    }
    // Less and less room: the incident outlasts everything but where one is.
    let tabs: Vec<String> = [100, 80, 70, 60, 50, 40]
        .into_iter()
        .map(|w| {
            let all = text(&paint(&stories::swing(), &look("mono"), (w, 24)).0);
            all.lines().nth(1).unwrap_or_default().to_owned()
        })
        .collect();
    insta::assert_snapshot!("strip__tabs", tabs.join("\n"));
}

#[test]
fn everything_about_an_entry_is_a_key_away() {
    let mut state = on(stories::swing(), Screen::Incident);
    press(&mut state, "k k k");
    press(&mut state, "enter");
    insta::assert_snapshot!("incident__reading_entry", screen(&state));
    press(&mut state, "esc g");
    // The one with evidence.
    press(&mut state, "j j j j j j j j j enter");
    assert!(matches!(state.ui.dialog, Some(Dialog::Reading(_))));
    insta::assert_snapshot!("incident__reading_evidence", screen(&state));
    press(&mut state, "esc tab tab enter");
    insta::assert_snapshot!("incident__reading_task", screen(&state));
}

#[test]
fn the_selection_stays_with_the_entry_and_the_newest_is_followed_until_then() {
    let mut state = on(stories::swing(), Screen::Incident);
    let newest = state.ui.incident.entry;
    press(&mut state, "k");
    let held = state.ui.incident.entry;
    assert_ne!(newest, held);
    let id = state.incident().unwrap().id.clone();
    let one = state.model.incidents.incidents.get_mut(&id).unwrap();
    let mut lines: Vec<_> = one.timeline.iter().cloned().collect();
    lines.push(stories::line(
        99,
        now(),
        "bob",
        quarterdeck::model::incidents::LineKind::Machine,
        "HighErrorRate checkout resolved",
    ));
    one.timeline = lines.into_iter().collect();
    update(&mut state, Msg::Present(Vec::new()));
    assert_eq!(state.ui.incident.entry, held);
    press(&mut state, "esc");
    assert_eq!(state.ui.incident.entry, Some(stories::record(99)));
}

#[test]
fn the_timeline_is_filtered_by_kind_person_and_words() {
    let mut state = on(stories::swing(), Screen::Incident);
    press(&mut state, "/");
    update(&mut state, Msg::Input(Input::Paste("kind=observation by=bob".into())));
    assert!(screen(&state).contains("2 "), "{}", screen(&state));
    press(&mut state, "enter");
    let shown = screen(&state);
    assert!(shown.contains("Timeline · 2 of 19"), "{shown}");
    assert!(shown.contains("error ratio in eu falls") && !shown.contains("rollback of v812"));
    press(&mut state, "esc");
    assert!(state.ui.incident.filter.is_empty());
}

#[test]
fn leaving_asks_once_and_names_the_incident() {
    let mut state = stories::swing();
    assert_eq!(press(&mut state, "q"), []);
    insta::assert_snapshot!("incident__leave", screen(&state));
    press(&mut state, "esc");
    assert!(state.ui.dialog.is_none());
    assert!(press(&mut state, "q enter").contains(&Effect::Quit));
    assert!(press(&mut stories::over(), "q").contains(&Effect::Quit), "nothing is going on");
}

fn at(name: &str, console: u64, screen: &str, selected: &str) -> Presence {
    Presence {
        actor: Actor::new(name),
        console,
        at: now(),
        screen: screen.into(),
        incident: Some(quarterdeck::domain::IncidentId::new("INC-7KQ4M")),
        selected: quarterdeck::domain::SafeText::body(selected),
    }
}

#[test]
fn the_commanders_view_is_followed_until_one_moves() {
    let mut state = stories::swing();
    state.me = Actor::new("bob");
    press(&mut state, "f");
    update(&mut state, Msg::Present(vec![at("alice", 4, "slos", "cart-avail")]));
    assert_eq!(state.ui.screen, Screen::Slos);
    assert_eq!(state.ui.slos.selected.as_ref().unwrap().as_str(), "cart-avail");
    assert!(screen(&state).contains("following alice"), "{}", screen(&state));
    let task = stories::record(501).to_string();
    update(&mut state, Msg::Present(vec![at("alice", 4, "incident", &format!("Tasks {task}"))]));
    assert_eq!(state.ui.screen, Screen::Incident);
    assert_eq!(state.ui.incident.task, Some(stories::record(501)));
    press(&mut state, "j");
    assert_eq!(state.ui.following, None);
    update(&mut state, Msg::Present(vec![at("alice", 4, "alerts", "")]));
    assert_eq!(state.ui.screen, Screen::Incident, "no longer led");
}

#[test]
fn a_console_says_where_it_is_when_it_moves_and_every_few_seconds() {
    let mut state = stories::swing();
    let said = |effects: Vec<Effect>| effects.iter().any(|e| matches!(e, Effect::Present(_)));
    let alice = || Msg::Present(vec![at("alice", 4, "slos", "")]);
    assert!(!said(update(&mut state, alice())), "just said");
    assert!(said(press(&mut state, "3")), "another screen");
    assert!(said(press(&mut state, "j")), "another row, which alice may follow");
    assert!(!said(update(&mut state, alice())));
    // With nobody here to see it, a held key costs the disk nothing.
    assert!(!said(update(&mut state, Msg::Present(Vec::new()))));
    assert!(!said(press(&mut state, "k")) && !said(press(&mut state, "2")), "alone");
    assert!(said(update(&mut state, Msg::Tick(now().plus(Span::from_secs(1))))), "soon after");
    assert!(!said(update(&mut state, Msg::Tick(now().plus(Span::from_secs(2))))), "unmoved");
    assert!(said(update(&mut state, Msg::Tick(now().plus(Span::from_secs(5))))));
}

#[test]
fn brackets_lead_through_what_is_going_on() {
    let mut state = on(stories::swing(), Screen::Incident);
    press(&mut state, "]");
    assert_eq!(state.incident().unwrap().id.as_str(), "INC-2ZC9D");
    assert!(screen(&state).starts_with("  SEV-3  INC-2ZC9D"), "{}", screen(&state));
    press(&mut state, "[");
    assert_eq!(state.incident().unwrap().id.as_str(), "INC-7KQ4M");
    let mut state = stories::swing();
    press(&mut state, "shift-tab j enter");
    assert_eq!(state.ui.screen, Screen::Incident);
    assert_eq!(state.incident().unwrap().id.as_str(), "INC-2ZC9D");
}

/// What is looked at does not grow with the timeline: no more than a page is asked for.
#[test]
fn thirty_thousand_entries_are_scrolled_and_filtered_like_twenty() {
    let mut state = on(stories::long(30_000), Screen::Incident);
    press(&mut state, "pageup k");
    assert!(screen(&state).contains("held"), "{}", screen(&state));
    press(&mut state, "g");
    assert!(screen(&state).contains("▸"), "{}", screen(&state));
    press(&mut state, "/");
    update(&mut state, Msg::Input(Input::Paste("kind=machine".into())));
    press(&mut state, "enter");
    assert!(screen(&state).contains("Timeline · 6000 of 30.0k"), "{}", screen(&state));
}

#[test]
fn incidents_and_their_tickets_are_found_by_a_few_letters() {
    let found = |words: &str| {
        let mut state = stories::swing();
        press(&mut state, "ctrl-p");
        update(&mut state, Msg::Input(Input::Paste(words.into())));
        let first = screen(&state);
        press(&mut state, "enter");
        assert_eq!(state.ui.screen, Screen::Incident, "{words}: {first}");
        state.incident().unwrap().id.to_string()
    };
    assert_eq!(found("2zc9"), "INC-2ZC9D");
    assert_eq!(found("cards declined"), "INC-7KQ4M");
    assert_eq!(found("ops-1284"), "INC-7KQ4M");
}
