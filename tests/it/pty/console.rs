//! What any full-screen console owes its terminal, whatever happens to it.

use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use rustix::process::Signal;

use super::{Modes, Program, Session, Start, patience};

/// A console to be tested: how to tell that it is up, and how to leave it.
struct Console {
    program: Program,
    ready: &'static str,
    quit: &'static str,
}

fn consoles() -> Vec<Console> {
    vec![
        Console { program: Program::probe(), ready: "term probe", quit: "q" },
        Console { program: Program::quarterdeck(&["demo"]), ready: "1 Bridge", quit: "q" },
    ]
}

/// Every console, started and ready, in terminals made by `with`.
fn each_started(with: impl Fn(Start) -> Start) -> impl Iterator<Item = (Session, Console)> {
    consoles().into_iter().map(move |console| {
        let mut session = with(Start::new(console.program.clone())).start();
        session.wait_for_text(console.ready);
        session.wait_for_modes(Modes::CONSOLE);
        (session, console)
    })
}

fn assert_left_as_found(session: &Session) {
    assert_eq!(session.modes(), Modes::PLAIN, "{}", session.picture());
    let output = String::from_utf8_lossy(session.output());
    assert_eq!(output.matches("\x1b[?1049l").count(), 1, "left exactly once");
}

#[test]
fn quitting_gives_the_terminal_back() {
    for (mut session, console) in each_started(|start| start) {
        session.send(console.quit);
        assert!(session.exit_status().success());
        assert_left_as_found(&session);
    }
}

#[test]
fn signals_that_end_it_give_the_terminal_back() {
    for (signal, code) in
        [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130), (Signal::QUIT, 131)]
    {
        for (mut session, _) in each_started(|start| start) {
            session.signal(signal);
            assert_eq!(session.exit_status().code(), Some(code), "{signal:?}");
            assert_left_as_found(&session);
        }
    }
}

#[test]
fn a_second_signal_ends_a_console_that_is_stuck() {
    let mut session = Start::new(Program::probe()).env("PROBE_STUCK", "1").start();
    session.wait_for_text("term probe");
    session.send("h");
    session.wait_for_text("last=stuck");
    session.signal(Signal::INT);
    session.signal(Signal::TERM);
    let started = Instant::now();
    let code = session.exit_status().code();
    assert!(matches!(code, Some(130 | 143)), "{code:?}");
    assert!(started.elapsed() < Duration::from_secs(3), "not by the grace period");
    assert_left_as_found(&session);
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_says_so() {
    let mut session = Start::new(Program::probe()).env("PROBE_PANIC", "1").start();
    session.wait_for_text("term probe");
    session.send("p");
    assert_eq!(session.exit_status().code(), Some(101));
    assert_left_as_found(&session);
    let output = String::from_utf8_lossy(session.output()).into_owned();
    let left = output.find("\x1b[?1049l").unwrap();
    let said = output.find("asked to panic").unwrap();
    assert!(left < said, "the message is on the screen that stays");
}

#[test]
fn the_console_panics_only_after_giving_the_terminal_back() {
    let demo = Program::quarterdeck(&["demo"]);
    let mut session = Start::new(demo).env("QUARTERDECK_PANIC_AT", "ctrl-l").start();
    session.wait_for_text("1 Bridge");
    session.send("\x0c");
    assert_eq!(session.exit_status().code(), Some(101));
    assert_left_as_found(&session);
    let output = String::from_utf8_lossy(session.output()).into_owned();
    let (left, said) =
        (output.find("\x1b[?1049l").unwrap(), output.find("asked to panic").unwrap());
    assert!(left < said, "the message is on the screen that stays");
}

#[test]
fn every_screen_and_dialog_opens_and_closes_at_every_size() {
    for size in [(60, 15), (80, 24), (200, 60)] {
        let demo = Program::quarterdeck(&["demo", "--from", "2m"]);
        let mut session = Start::new(demo).size(size.0, size.1).start();
        session.wait_for_text("3 alerts");
        let opens = |session: &mut Session, key: &str, title: &str| {
            session.send(key);
            session.wait_for_text(title);
            session.send("\x1b");
            session.wait_until(&format!("{title} is closed"), |s| !s.contents().contains(title));
        };
        session.send("2");
        session.wait_for_text("ErrorBudgetBurn");
        for (key, title) in [
            ("a", "─ Acknowledge"),
            ("s", "─ Silence"),
            ("r", "─ Runbook"),
            ("n", "─ Note"),
            ("\x10", "─ Find"),
        ] {
            opens(&mut session, key, title);
        }
        session.send("3");
        session.wait_for_text("Objectives");
        opens(&mut session, "e", "─ How ");
        session.send("5");
        session.wait_for_text("What runs out first");
        opens(&mut session, ":whatif checkout x3\r", "─ What if checkout x3");
        session.send("S");
        session.wait_for_text("alertmanager");
        for (key, title) in [("?", "─ Keys"), ("x", "─ Silences"), ("w", "─ Maintenance windows")]
        {
            opens(&mut session, key, title);
        }
        session.send("1");
        session.wait_for_text("budgets");
        session.send("q");
        assert!(session.exit_status().success());
        assert_left_as_found(&session);
    }
}

#[test]
fn a_console_without_a_terminal_refuses_in_a_sentence() {
    for console in consoles() {
        for env in [("TERM", "dumb"), ("TERM", "")] {
            let mut session = Start::new(console.program.clone()).env(env.0, env.1).start();
            assert!(!session.exit_status().success());
            session.wait_for_text("quarterdeck status");
            assert_eq!(session.modes(), Modes::PLAIN);
        }
    }
}

#[test]
fn every_size_is_drawn_and_survived() {
    for size in [(60, 15), (200, 60), (300, 2), (2, 100), (1, 1)] {
        for (mut session, console) in each_started(|start| start) {
            let before = session.frames();
            session.resize(size.0, size.1);
            session.wait_for(&format!("a frame at {size:?}"), |s| s.frames() > before);
            session.resize(120, 40);
            session.wait_for_text(console.ready);
            session.send(console.quit);
            assert!(session.exit_status().success());
            assert_left_as_found(&session);
        }
    }
}

#[test]
fn it_starts_in_a_terminal_of_any_size() {
    // 0×0 is what a serial line reports, 65535 what a broken one does.
    for size in [(60, 15), (1, 1), (0, 0), (65535, 3)] {
        for console in consoles() {
            let mut session = Start::new(console.program.clone()).size(size.0, size.1).start();
            session.wait_for(&format!("a frame at {size:?}"), |s| s.frames() > 0);
            session.send(console.quit);
            assert!(session.exit_status().success());
            assert_left_as_found(&session);
        }
    }
}

#[test]
fn fifty_resizes_end_with_the_last_size_drawn() {
    let mut session = Start::new(Program::probe()).start();
    session.wait_for_text("term probe 120x40");
    for step in 0..50 {
        session.resize(70 + step, 20 + step % 7);
    }
    session.resize(90, 30);
    session.wait_for_text("term probe 90x30");
}

#[test]
fn stopped_it_gives_the_terminal_to_the_shell_and_takes_it_back() {
    for console in consoles() {
        let mut session = Start::new(Program::shell()).start();
        session.wait_for_text("bash-");
        session.send(&format!("{}\r", shell_words(&console.program)));
        session.wait_for_text(console.ready);
        session.wait_for_modes(Modes::CONSOLE);
        session.send("\x1a");
        session.wait_for_text("Stopped");
        session.wait_until("the shell's screen", |s| !s.alternate_screen() && !s.hide_cursor());
        session.send("fg\r");
        session.wait_for_modes(Modes::CONSOLE);
        session.wait_for_text(console.ready);
        session.send(console.quit);
        session.wait_until("the shell's screen", |s| !s.alternate_screen() && !s.hide_cursor());
        session.wait_until("a prompt", |s| s.contents().matches("bash-").count() == 3);
        session.send("stty -a | grep -c ' icanon.* echo '; echo over\r");
        session.wait_for_text("\n1\nover\n");
    }
}

fn shell_words(program: &Program) -> String {
    let mut words = vec![program.path.display().to_string()];
    words.extend(program.args.iter().cloned());
    words.join(" ")
}

#[test]
fn a_vanished_terminal_ends_it_within_half_a_second() {
    for (mut session, _) in each_started(|start| start) {
        session.close_terminal();
        let closed = Instant::now();
        session.exit_status();
        assert!(closed.elapsed() < Duration::from_millis(500), "{:?}", closed.elapsed());
    }
}

#[test]
fn a_terminal_that_vanishes_without_a_signal_ends_it_too() {
    for (mut session, _) in each_started(Start::without_hangup_signal) {
        session.close_terminal();
        let closed = Instant::now();
        assert_eq!(session.exit_status().code(), Some(129));
        assert!(closed.elapsed() < Duration::from_millis(500), "{:?}", closed.elapsed());
    }
}

#[test]
fn a_stuck_console_does_not_outlive_its_terminal_either() {
    let mut session =
        Start::new(Program::probe()).env("PROBE_STUCK", "1").without_hangup_signal().start();
    session.wait_for_text("term probe");
    session.send("h");
    session.wait_for_text("last=stuck");
    session.close_terminal();
    let closed = Instant::now();
    assert_eq!(session.exit_status().code(), Some(129));
    assert!(closed.elapsed() < Duration::from_millis(900), "{:?}", closed.elapsed());
}

#[test]
fn keys_pastes_and_focus_arrive_as_what_they_are() {
    let mut session = Start::new(Program::probe()).start();
    session.wait_for_text("term probe");
    session.send("jjj\x1b[B");
    session.wait_for_text("at 4 ");
    session.send("\x1b[I");
    session.wait_for_text("last=FocusGained");
    session.send("\x1b[200~q is not a key here\x1b[201~");
    session.wait_for_text("text=\"q is not a key here\"");
    session.send("\x1b");
    session.wait_for_text("key: Esc");
    session.send("i");
    session.wait_until("a cursor to type at", |screen| !screen.hide_cursor());
}

#[test]
fn a_burst_of_keys_is_all_applied() {
    let mut session = Start::new(Program::probe()).start();
    session.wait_for_text("term probe");
    session.send(&"j".repeat(900));
    session.wait_for_text("at 900 ");
}

#[test]
fn a_key_that_changes_nothing_sends_nothing() {
    let mut session = Start::new(Program::probe()).start();
    session.wait_for_text("term probe");
    session.send("k");
    session.wait_for_text("Char('k')");
    let before = session.frames();
    // These change nothing on the screen; the last shows that they were handled.
    for _ in 0..10 {
        session.send("k");
    }
    session.send("\x1b[I");
    session.wait_for_text("last=FocusGained");
    assert_eq!(session.frames() - before, 1);
}

#[test]
fn a_terminal_that_never_answers_gets_its_frames_all_the_same() {
    let mut session = Start::new(Program::probe()).mute().start();
    let started = Instant::now();
    session.wait_for_text("term probe");
    session.send("j");
    session.wait_for_text("at 1 ");
    assert!(started.elapsed() < patience());
}

#[test]
fn a_copy_reaches_the_terminal_s_clipboard() {
    let mut session = Start::new(Program::probe()).start();
    session.wait_for_text("term probe");
    session.send("y");
    let expected = b"\x1b]52;c;cm93IGNvcGllZA==\x1b\\";
    session.wait_for("the clipboard sequence", |s| {
        s.output().windows(expected.len()).any(|window| window == expected)
    });
}
