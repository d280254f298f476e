//! Keymaps as people use and change them.

use std::collections::HashSet;

use pretty_assertions::assert_eq;
use proptest::prelude::*;

use super::*;
use crate::actions::{ACTIONS, Action, Screen};

fn chord(text: &str) -> Chord {
    text.parse().unwrap()
}

fn said(user: &str) -> Vec<String> {
    let faults = load("default", Some(("my.toml", user))).unwrap_err();
    faults.iter().map(ToString::to_string).collect()
}

fn mine(user: &str) -> Keymap {
    load("default", Some(("my.toml", user))).unwrap()
}

fn press(keymap: &Keymap, screen: Screen, playing: bool, keys: &str) -> Vec<Resolved> {
    let mut pending = Pending::default();
    let chords = parse_sequence(keys).unwrap();
    chords.iter().map(|c| keymap.resolve(screen, playing, &mut pending, *c)).collect()
}

#[test]
fn every_shipped_keymap_reaches_every_action_and_hides_nothing() {
    for name in NAMES {
        let keymap = load(name, None).unwrap();
        assert_eq!(keymap.warnings(), [], "{name}");
        for spec in ACTIONS {
            assert_ne!(keymap.keys_for(spec.action), Vec::<&str>::new(), "{name} {}", spec.name);
        }
        for (_, action) in PromptAction::ALL {
            let found = keymap.prompt_keys(action);
            assert_ne!(found, Vec::<Chord>::new(), "{name} {action:?}");
        }
    }
}

#[test]
fn every_action_has_its_own_name_and_says_what_it_does() {
    let mut names = HashSet::new();
    for (at, spec) in ACTIONS.iter().enumerate() {
        assert_eq!(spec.action as usize, at);
        assert!(names.insert(spec.name), "{} twice", spec.name);
        assert!(
            spec.doc.len() > 5 && !spec.short.is_empty() && spec.short.len() <= 13,
            "{}",
            spec.name
        );
    }
}

#[test]
fn no_shipped_keymap_takes_what_tmux_screen_or_the_line_take() {
    // ctrl-i, ctrl-m and ctrl-[ arrive as Tab, Enter and Esc; ctrl-h as Backspace on many terminals.
    let taken = ["a", "b", "s", "q", "h", "i", "j", "m", "["].map(|c| format!("ctrl-{c}"));
    for name in NAMES {
        let keymap = load(name, None).unwrap();
        for spec in ACTIONS {
            for keys in keymap.keys_for(spec.action) {
                assert!(!keys.split(' ').any(|k| taken.iter().any(|t| t == k)), "{name}: {keys}");
                assert!(keys != "ctrl-z" || spec.action == Action::Suspend, "{name}: {keys}");
            }
        }
    }
}

#[test]
fn a_key_does_what_the_screen_means_by_it() {
    use Resolved::{Action as Do, None as Nothing};
    let keymap = mine("[alerts]\nj = \"ack\"\n[sources]\nk = \"none\"\n");
    let at = |screen, keys: &str| press(&keymap, screen, false, keys);
    assert_eq!(
        at(Screen::Alerts, "j k G"),
        [Do(Action::Acknowledge), Do(Action::Up), Do(Action::Bottom)]
    );
    assert_eq!(at(Screen::Bridge, "j"), [Do(Action::Down)]);
    assert_eq!(at(Screen::Sources, "k j s"), [Nothing, Do(Action::Down), Nothing]);
    assert_eq!(at(Screen::Alerts, "ctrl-P"), [Do(Action::Find)]);
}

#[test]
fn playback_keys_live_only_while_a_recording_plays() {
    let keymap = load("arrows", None).unwrap();
    let at = |playing, keys: &str| press(&keymap, Screen::Bridge, playing, keys);
    assert_eq!(
        at(true, "p left"),
        [Resolved::Action(Action::Pause), Resolved::Action(Action::Back)]
    );
    assert_eq!(at(false, "p left"), [Resolved::None, Resolved::Action(Action::Back)]);
}

#[test]
fn playback_may_mean_something_else_by_a_key() {
    let keymap = mine("[playback]\n\"n\" = \"silences\"\n");
    let at = |playing| press(&keymap, Screen::Bridge, playing, "n");
    assert_eq!(at(true), [Resolved::Action(Action::Silences)]);
    assert_eq!(at(false), [Resolved::Action(Action::Note)]);
}

#[test]
fn a_sequence_ends_by_match_mismatch_or_escape() {
    use Resolved::{Action as Do, None as Nothing, Pending as Wait};
    let keymap = load("emacs", None).unwrap();
    let at = |keys: &str| press(&keymap, Screen::Bridge, false, keys);
    assert_eq!(at("ctrl-x ctrl-c"), [Wait, Do(Action::Quit)]);
    assert_eq!(at("ctrl-x q ctrl-n"), [Wait, Nothing, Do(Action::Down)]);
    assert_eq!(at("ctrl-x esc esc"), [Wait, Nothing, Do(Action::Back)]);
}

#[test]
fn a_file_changes_a_keymap_in_part() {
    let keymap = mine("inherits = \"default\"\n[global]\n\"F6\" = \"silence\"\n\"s\" = \"none\"\n");
    assert_eq!(keymap.keys_for(Action::Silence), ["f6"]);
    assert_eq!(keymap.keys_for(Action::Acknowledge), ["a"]);
    let own = load("mine", Some(("mine.toml", "[global]\n\"z\" = \"ack\"\n"))).unwrap();
    assert_eq!(own.keys_for(Action::Acknowledge), ["z", "a"]);
    let bare = mine("inherits = \"none\"\n[global]\n\"z\" = \"quit\"\n");
    assert_eq!((bare.keys_for(Action::Quit), bare.keys_for(Action::Up)), (vec!["z"], vec![]));
}

#[test]
fn while_typing_enter_and_escape_always_lead_out() {
    let keymap =
        mine("[prompt]\n\"enter\" = \"none\"\n\"esc\" = \"none\"\n\"ctrl-j\" = \"accept\"\n");
    for (key, does) in [
        ("enter", Some(PromptAction::Accept)),
        ("esc", Some(PromptAction::Cancel)),
        ("ctrl-j", Some(PromptAction::Accept)),
        ("tab", Some(PromptAction::Complete)),
        ("j", None),
    ] {
        assert_eq!(keymap.prompt(chord(key)), does, "{key}");
    }
}

#[test]
fn mistakes_are_told_together_with_place_and_nearest_name() {
    assert_eq!(
        said(
            "[global]\n\"z\" = \"silense\"\n\"hyper-x\" = \"ack\"\n\"Z\" = \"ack\"\n[alrets]\n[sources]\nz = \"silence\"\n[prompt]\n\"g g\" = \"accept\"\nx = \"acept\"\n"
        ),
        [
            "my.toml:2:8: `silense` is not an action. Did you mean `silence`?",
            "my.toml:3:1: `hyper-x` is not a key; keys are written like j, G, ctrl-p, alt-x, space, f5 or shift-tab.",
            "my.toml:5:2: [alrets] is not a table of keymaps. Did you mean [alerts]? Known are bridge, alerts, slos, map, capacity, incident, changes, review, sources, playback, global, prompt.",
            "my.toml:7:6: `silence` does nothing on the Sources screen.",
            "my.toml:9:1: While text is typed, only single keys can be bound.",
            "my.toml:10:6: `acept` is not an action. Did you mean `accept`?",
        ]
    );
    assert_eq!(
        said("[global]\n\"ctrl-X\" = \"ack\"\n\"ctrl-x\" = \"open\"\n"),
        ["my.toml:3:1: `ctrl-x` is bound twice in this table."]
    );
    assert_eq!(
        said("[global]\n\"z esc\" = \"ack\"\n"),
        ["my.toml:2:1: Esc gives a sequence up, so it cannot be part of one."]
    );
    assert_eq!(
        said("inherits = \"emac\"\n"),
        [
            "my.toml:1:13: There is no keymap `emac`. Did you mean `emacs`? Known are default, emacs, arrows."
        ]
    );
    assert!(load("vi", None).is_err());
}

#[test]
fn bindings_that_cannot_be_reached_are_reported() {
    let keymap = mine("[global]\n\"g g\" = \"top\"\n[alerts]\n\"j\" = \"ack\"\n");
    let said: Vec<_> = keymap.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "my.toml:2:1: `g` (top) cannot be reached, because `g g` (top) is in its way.",
            "my.toml:4:1: `j` (down) cannot be reached, because `j` (ack) is in its way.",
        ]
    );
    assert_eq!(
        press(&keymap, Screen::Slos, false, "g g"),
        [Resolved::Pending, Resolved::Action(Action::Top)]
    );
}

#[test]
fn hints_name_the_live_keys_most_useful_first() {
    let keymap = load("default", None).unwrap();
    let line = |screen, playing, count| {
        let hints = keymap.hints(screen, playing).collect::<Vec<_>>();
        hints.iter().take(count).map(|h| format!("{} {}", h.keys, h.doc)).collect::<Vec<_>>()
    };
    assert_eq!(
        line(Screen::Alerts, false, 8),
        [
            "a ack",
            "s silence",
            "d declare",
            "u update",
            "t task",
            "/ filter",
            "? keys",
            ": command"
        ]
    );
    assert_eq!(line(Screen::Sources, true, 2), ["p pause", "X test"]);
}

proptest! {
    #[test]
    fn no_file_panics(
        text in "\\PC*|(\\[(global|alerts|prompt)\\]\n|\"?(g|g g|ctrl-x|é)\"? = \"(top|none|é|accept)\"\n|inherits = \"(default|none|x)\"\n){0,6}",
        keys in proptest::collection::vec(proptest::sample::select(vec!["g", "ctrl-x", "esc", "é"]), 0..5),
    ) {
        if let Ok(keymap) = load("default", Some(("f", &text))) {
            let mut pending = Pending::default();
            for key in keys {
                keymap.resolve(Screen::Alerts, true, &mut pending, chord(key));
            }
        }
    }
}
