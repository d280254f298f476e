//! Channels and trackers on the Sources screen: what is known of each, a test by one key, and settling what
//! nobody can tell.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;

use pretty_assertions::assert_eq;
use quarterdeck::actions::Screen;
use quarterdeck::app::{Effect, IncidentPane, Msg, State, update};
use quarterdeck::domain::{Operation, Outcome, Purpose, SafeText};
use quarterdeck::eventlog::LogEvent;
use quarterdeck::keys::{Chord, Input};

use super::desk::Desk;
use super::screens::{SIZES, look, on, paint, snap, text};
use super::stories::incident::record;
use super::stories::outbound::ways_out;

fn press(state: &mut State, keys: &str) -> Vec<Effect> {
    let chords = keys.split(' ').map(|key| key.parse::<Chord>().unwrap());
    chords.flat_map(|chord| update(state, Msg::Input(Input::Key(chord)))).collect()
}

fn typed(state: &mut State, words: &str) {
    update(state, Msg::Input(Input::Paste(words.into())));
}

fn screen(state: &State) -> String {
    text(&paint(state, &look("mono"), (80, 24)).0)
}

fn appended(effects: Vec<Effect>) -> Vec<LogEvent> {
    let events = effects.into_iter().filter_map(|effect| match effect {
        Effect::Append(events) => Some(events),
        _ => None,
    });
    events.flatten().collect()
}

#[test]
fn what_is_known_of_every_way_out() {
    let mut state = on(ways_out(), Screen::Sources);
    press(&mut state, "tab j");
    for size in SIZES.into_iter().chain([(60, 15)]) {
        snap("sources__channels", &state, size);
    }
    let plain = paint(&state, &look("mono"), SIZES[1]).0;
    insta::assert_snapshot!("sources__channels_mono", text(&plain));
    state.ui.ascii = true;
    assert!(text(&paint(&state, &look("mono"), SIZES[1]).0).is_ascii());
}

#[test]
fn a_path_that_was_never_tested_says_so_in_red_and_in_words() {
    let mut state = on(ways_out(), Screen::Sources);
    state.model.journal.operations.clear();
    press(&mut state, "tab");
    let shown = screen(&state);
    assert_eq!(shown.matches("never tested").count(), 5, "{shown}");
    assert!(
        shown.contains("Never tested, so nobody knows whether it works; X tests it."),
        "{shown}"
    );
    // Each of them asks for somebody on the tab too.
    assert!(shown.contains("S Sources 5"), "{shown}");
    let picture = paint(&state, &look("ansi16"), SIZES[0]).0;
    let red = |y: u16| {
        (0..80).any(|x| {
            picture[(x, y)].symbol() == "✕" && {
                picture[(x, y)].style().fg == Some(ratatui::style::Color::LightRed)
                    || picture[(x, y)].style().fg == Some(ratatui::style::Color::Red)
            }
        })
    };
    assert_eq!((0..24).filter(|y| red(*y)).count(), 5, "{shown}");
}

#[test]
fn one_key_tests_the_selected_channel_and_only_a_channel() {
    let mut state = on(ways_out(), Screen::Sources);
    assert_eq!(appended(press(&mut state, "X")), [], "a source is selected");
    let sent = appended(press(&mut state, "tab j j X"));
    let [LogEvent::OperationRequested { operation: Operation::Send(message) }] = sent.as_slice()
    else {
        panic!("{sent:?}")
    };
    assert_eq!(message.channel.as_str(), "status-page");
    assert!(matches!(&message.purpose, Purpose::Test { nonce } if nonce.starts_with("asked-")));
    // One whose test is under way is waited for, a tracker has nobody to reach.
    assert_eq!(appended(press(&mut state, "j X")), []);
    assert!(screen(&state).contains("A test of sms is under way"), "{}", screen(&state));
    assert_eq!(appended(press(&mut state, "G X")), []);
    assert!(screen(&state).contains("jira keeps tickets"), "{}", screen(&state));
    state.read_only = true;
    assert_eq!(appended(press(&mut state, "k X")), []);
    assert!(screen(&state).contains("read-only"), "{}", screen(&state));
}

#[test]
fn what_nobody_can_tell_is_settled_from_the_channel_and_from_the_incident() {
    let said = |found: &str, outcome: Outcome| {
        let mut state = on(ways_out(), Screen::Sources);
        press(&mut state, "tab j Z");
        insta::assert_snapshot!("sources__settle", screen(&state));
        press(&mut state, found);
        typed(&mut state, "searched the sent folder");
        let request = record(2_004);
        assert_eq!(
            appended(press(&mut state, "enter")),
            [LogEvent::OperationEnded { request, outcome }],
            "{}",
            screen(&state)
        );
    };
    let why: SafeText = "settled by alice: searched the sent folder".into();
    said("enter", Outcome::Received { receipt: why.clone(), url: "".into() });
    said("right enter", Outcome::Later { why: why.clone(), at: super::stories::now() });
    said("right right enter", Outcome::Refused { why });

    // How one knows has to be said.
    let mut state = on(ways_out(), Screen::Incident);
    state.ui.incident.pane = IncidentPane::Updates;
    press(&mut state, "Z enter enter");
    let shown = screen(&state);
    assert!(shown.contains("What came of it?") && shown.contains("say how you know"), "{shown}");
    // With nothing in doubt there is nothing to open.
    let mut state = on(super::stories::quiet(), Screen::Sources);
    press(&mut state, "Z");
    assert!(state.ui.dialog.is_none());
    assert!(screen(&state).contains("nothing is to be settled"), "{}", screen(&state));
}

/// Somebody's hook: its first answer is a failure after which nobody knows, the others are fine. Tells
/// the key of each call.
fn hook() -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for (call, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { return };
            let mut lines = BufReader::new(stream.try_clone().unwrap());
            let (mut key, mut length) = (String::new(), 0);
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|read| read > 0) && line.trim() != "" {
                if let Some((name, value)) = line.split_once(": ") {
                    match name.to_ascii_lowercase().as_str() {
                        "idempotency-key" => key = value.trim().to_owned(),
                        "content-length" => length = value.trim().parse().unwrap_or(0),
                        _ => {}
                    }
                }
                line.clear();
            }
            let _ = lines.take(length).read_to_end(&mut Vec::new());
            let status = if call == 0 { "500 Internal Server Error" } else { "200 OK" };
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes());
            if tell.send(key).is_err() {
                return;
            }
        }
    });
    (port, told)
}

#[test]
fn a_channel_is_tested_and_settled_in_a_real_console_and_the_key_stays_the_same() {
    let (port, told) = hook();
    let desk = Desk::new(
        "[response]\ntest_every = \"never\"\n[[channel]]\nname = \"hook\"\nkind = \"webhook\"\n\
         url = { env = \"HOOK\" }\n",
    );
    let url = format!("http://127.0.0.1:{port}/");
    let mut session = desk.start("alice").env("HOOK", &url).start();
    session.wait_for_text("1 Bridge");
    session.send("S\t");
    session.wait_for_text("never tested");
    session.send("X");
    session.wait_for_text("in doubt");
    session.send("Z");
    session.wait_for_text("What came of it?");
    // Not there, so once more.
    session.send("\x1b[C\rnothing in the hook's log\r");
    session.wait_for_text("Settled: it goes out once more.");
    session.wait_for_text("arrived");
    let keys: Vec<String> = told.try_iter().collect();
    assert_eq!(keys.len(), 2, "{}", session.picture());
    assert!(!keys[0].is_empty() && keys[0] == keys[1], "{keys:?}");
    session.send("q");
    assert!(session.exit_status().success());
}

#[test]
fn a_playbook_that_is_changed_or_broken_is_told_and_the_console_goes_on() {
    let (port, told) = hook();
    let desk = Desk::new("");
    let url = format!("http://127.0.0.1:{port}/");
    let mut session = desk.start("alice").env("HOOK", &url).start();
    session.wait_for_text("1 Bridge");
    session.send("S");
    session.wait_for_text("No channels are declared");
    let playbook = "[response]\ntest_every = \"never\"\n[[channel]]\nname = \"hook\"\n\
                    kind = \"webhook\"\nurl = { env = \"HOOK\" }\n";
    std::fs::write(desk.path("playbook.toml"), playbook).unwrap();
    session.wait_for_text("The playbook was read again and is in force.");
    session.wait_for_text("never tested");
    // What was not there at the start is spoken to as well.
    session.send("\tX");
    session.wait_for_text("in doubt");
    assert_eq!(told.try_iter().count(), 1, "{}", session.picture());
    std::fs::write(desk.path("playbook.toml"), format!("{playbook}kindd = 1\n")).unwrap();
    session.wait_for_text("The playbook could not be read, the one in force stays:");
    assert!(session.picture().contains("webhook"), "{}", session.picture());
    // A policy that does not know this key: nothing of its own counts any more, and it says so.
    std::fs::write(desk.path("policy.toml"), "[[person]]\nname = \"bob\"\n").unwrap();
    session.wait_for_text("The policy was read again; every record is judged by it anew.");
    session.send("X");
    session.wait_for_text("The policy does not know the key of this console");
    session.send("q");
    assert!(session.exit_status().success());
}

#[test]
fn whoever_owes_a_word_is_reminded_once_however_many_consoles_look() {
    let desk = Desk::new(
        "[response]\ntest_every = \"never\"\nremind_by = [\"room\"]\n\
         [[channel]]\nname = \"room\"\nkind = \"file\"\npath = \"room.txt\"\n\
         [[cadence]]\nseverity = \"SEV-2\"\naudience = \"internal\"\nfirst = \"8s\"\nevery = \"30m\"\n",
    );
    let mut consoles = ["alice", "bob"].map(|who| desk.start(who).start());
    consoles.iter_mut().for_each(|console| console.wait_for_text("1 Bridge"));
    desk.said("alice", &["declare", "SEV-2", "checkout fails"]);
    let told = || std::fs::read_to_string(desk.path("room.txt")).unwrap_or_default();
    let owed = ["the internal update is due at", "the internal update was due at"];
    super::lab::eventually("both words stand in the room", super::lab::PATIENCE, || {
        consoles.iter_mut().for_each(super::pty::Session::catch_up);
        anyhow::ensure!(owed.iter().all(|words| told().contains(words)), "{}", told());
        Ok(())
    })
    .unwrap();
    // The other console has looked again since, and found that all is said.
    consoles.iter_mut().for_each(|console| {
        console.send("6");
        console.wait_for_text("is due at");
        console.wait_for_text("was due at");
    });
    let counts = owed.map(|words| told().matches(&format!("alice, {words}")).count());
    assert_eq!(counts, [1, 1], "{}", told());
    let recorded = desk.said("bob", &["timeline"]);
    assert_eq!(recorded.matches("goes out by room").count(), 2, "{recorded}");
}
