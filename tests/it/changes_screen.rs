//! What changed, beside the trouble: the screen as pictures and in use, and the suspects it makes.

use pretty_assertions::assert_eq;
use quarterdeck::actions::Screen;
use quarterdeck::analysis::suspects::Culprit;
use quarterdeck::app::{Effect, Msg, State, update};
use quarterdeck::domain::*;
use quarterdeck::keys::{Chord, Input};

use super::screens::{SIZES, look, on, paint, snap, text};
use super::stories::{self, now};
use super::suspects::{cascade_after, observe};

fn press(state: &mut State, keys: &str) -> Vec<Effect> {
    let chords = keys.split(' ').map(|key| key.parse::<Chord>().unwrap());
    chords.flat_map(|chord| update(state, Msg::Input(Input::Key(chord)))).collect()
}

fn seen(state: &State, size: (u16, u16)) -> String {
    text(&paint(state, &look("ansi16"), size).0)
}

fn change(id: &str, secs: i64, kind: ChangeKind, service: Option<&str>, title: &str) -> Change {
    Change {
        key: ChangeKey { source: SourceId::new("ci"), id: id.into() },
        at: now().plus(Span::from_secs(secs)),
        kind,
        service: service.map(ServiceId::new),
        title: title.into(),
        author: "dora".into(),
        reviewed: Reviewed::By(vec!["carol".into()]),
        before: "".into(),
        after: "".into(),
        state: ChangeState::Done,
        size: None,
        with: Vec::new(),
        url: "".into(),
    }
}

/// The cache failed ten minutes ago, after a deployment of it.
fn told() -> Vec<Change> {
    vec![
        Change {
            before: "v41".into(),
            after: "v42".into(),
            reviewed: Reviewed::No,
            size: Some(ChangeSize {
                added: 120,
                deleted: 4,
                paths: vec!["src/evict.rs".into()],
                files: 7,
            }),
            with: vec!["evict by age".into(), "fewer threads".into()],
            url: "https://ci.example/42".into(),
            ..change("42", -780, ChangeKind::Deploy, Some("cache"), "cache v42")
        },
        Change {
            state: ChangeState::Failed,
            author: "".into(),
            reviewed: Reviewed::Unknown,
            ..change("m9", -90, ChangeKind::Migration, Some("mail"), "add column sent_at")
        },
        Change {
            state: ChangeState::Undone,
            ..change("f1", -5_400, ChangeKind::Flag, Some("checkout"), "new basket on for 5 %")
        },
        change("c7", -90_000, ChangeKind::Config, None, "log level of everything"),
        Change {
            state: ChangeState::Running,
            ..change("s3", -20, ChangeKind::Scale, Some("cart"), "cart from 3 to 6")
        },
    ]
}

fn world() -> State {
    on(cascade_after(told()), Screen::Changes)
}

#[test]
fn changes() {
    for size in SIZES {
        snap("changes", &world(), size);
    }
    insta::assert_snapshot!("changes__mono", text(&paint(&world(), &look("mono"), SIZES[0]).0));
    let mut plain = world();
    plain.ui.ascii = true;
    assert!(text(&paint(&plain, &look("mono"), SIZES[1]).0).is_ascii());
}

#[test]
fn without_trouble_a_change_has_an_age_and_nobody_is_accused() {
    let mut state = on(stories::quiet(), Screen::Changes);
    let none = seen(&state, SIZES[0]);
    assert!(none.contains("no source tells of changes"), "{none}");
    observe(&mut state, "ci", vec![Observation::Changes(told())]);
    snap("changes__quiet", &state, SIZES[0]);
    assert_eq!(state.ui.changes.near, 0);
    observe(&mut state, "ci", vec![Observation::Changes(Vec::new())]);
    let none = seen(&state, SIZES[0]);
    assert!(none.contains("No change is known to the sources that tell of changes."), "{none}");
}

#[test]
fn what_may_have_brought_the_trouble_is_selected_until_somebody_chooses() {
    let mut state = world();
    let selected = |state: &State| state.ui.changes.selected.as_ref().unwrap().id.to_string();
    assert_eq!((selected(&state).as_str(), state.ui.changes.near), ("42", 1));
    assert!(seen(&state, SIZES[0]).contains("7 Changes 1"), "the tab says it");
    press(&mut state, "g");
    assert_eq!(selected(&state), "s3");
    // It stays selected when newer ones come in above it.
    let mut more = told();
    more.push(change("x", -5, ChangeKind::Deploy, Some("mail"), "mail v3"));
    observe(&mut state, "ci", vec![Observation::Changes(more)]);
    assert_eq!(selected(&state), "s3");
    press(&mut state, "j");
    let copied = press(&mut state, "y");
    let [Effect::Copy(text)] = copied.as_slice() else { panic!("{copied:?}") };
    assert!(text.ends_with("migration mail add column sent_at"), "{text}");
}

#[test]
fn a_change_is_read_whole_filtered_and_taken_back() {
    let mut state = world();
    press(&mut state, "enter");
    snap("changes__one", &state, SIZES[0]);
    press(&mut state, "esc");
    press(&mut state, "/");
    update(&mut state, Msg::Input(Input::Paste("kind=\"deploy\"".into())));
    let typing = seen(&state, SIZES[1]);
    assert!(typing.contains("1 "), "{typing}");
    press(&mut state, "enter");
    assert_eq!(state.ui.changes.rows.len(), 1);
    assert!(seen(&state, SIZES[0]).contains("1 of 5"), "{}", seen(&state, SIZES[0]));
    press(&mut state, "r");
    let said = seen(&state, SIZES[1]);
    assert!(said.contains("Nothing in the playbook takes back a change of cache"), "{said}");
    press(&mut state, "esc");
    assert_eq!(state.ui.changes.rows.len(), 5, "esc clears the filter first");
    assert_eq!(state.ui.screen, Screen::Changes);
    assert!(state.ui.dialog.is_none());
}

/// The ranking accuses a change shortly before the onset on the way, and no other.
#[test]
fn a_change_before_the_trouble_is_a_suspect_and_one_after_it_or_elsewhere_is_none() {
    let accused = |told: Vec<Change>| {
        let state = cascade_after(told);
        let found = state.model.suspicion.latest().unwrap();
        let blamed = found.ranking.suspects.iter().filter_map(|suspect| match suspect.culprit {
            Culprit::Change(at) => Some(found.changes[at].title.to_string()),
            Culprit::Service(_) => None,
        });
        blamed.collect::<Vec<_>>()
    };
    assert_eq!(accused(told()), ["cache v42", "new basket on for 5 %"]);
    let after = vec![change("z", 600, ChangeKind::Deploy, Some("cache"), "later")];
    assert_eq!(accused(after), Vec::<String>::new());
    let elsewhere = vec![change("z", -780, ChangeKind::Deploy, Some("mail"), "elsewhere")];
    assert_eq!(accused(elsewhere), Vec::<String>::new());
}

#[test]
fn the_bridge_says_in_a_line_what_changed_last_and_how_it_lies_to_the_trouble() {
    let bridge = || on(cascade_after(told()), Screen::Bridge);
    for size in SIZES {
        snap("bridge__changed", &bridge(), size);
    }
    insta::assert_snapshot!("changed__mono", text(&paint(&bridge(), &look("mono"), SIZES[1]).0));
    let mut quiet = on(stories::quiet(), Screen::Bridge);
    assert!(!seen(&quiet, SIZES[0]).contains("changed:"), "nothing is known, so nothing is said");
    observe(&mut quiet, "ci", vec![Observation::Changes(told())]);
    snap("bridge__changed__quiet", &quiet, SIZES[0]);
    // What changed days ago is no news.
    let old = vec![change("c7", -90_000, ChangeKind::Config, None, "log level of everything")];
    observe(&mut quiet, "ci", vec![Observation::Changes(old)]);
    assert!(!seen(&quiet, SIZES[0]).contains("changed:"));
    // A source that is silent may know of newer ones.
    let (ci, every) = (SourceId::new("ci"), Span::from_secs(5));
    let site = SiteId::new("eu");
    let mut silent = bridge();
    silent.model.source(SourceStatus::new(ci, SourceKind::ChangesFile, site, "x".into(), every));
    assert!(seen(&silent, SIZES[1]).contains("· ci is silent, newer ones may be missing"));
    // On a low screen the budgets and alerts come first.
    assert!(!seen(&bridge(), (60, 15)).contains("changed:"));
}
