//! The real console in terminals that lie, flood, paste and vanish, and as a command in a pipeline.

use std::io::Read as _;
use std::process::{Command, Output, Stdio};

use crate::hostile::server::{Hostile, Kind, alert, alerts};
use crate::hostile::stream::foreign;
use crate::hostile::{Config, shows};
use crate::pty::{Program, Session, Start, own_home, patience};

struct Desk {
    config: Config,
    am: Hostile,
}

impl Desk {
    fn new() -> Self {
        let am = Hostile::start(Kind::Alertmanager);
        let config = Config::of(&[("am", Kind::Alertmanager, &am.url(), "")]);
        Self { config, am }
    }

    fn start(&self) -> Start {
        Start::new(Program::quarterdeck(&["--config", &self.config.path()]))
    }

    fn command(&self, args: &[&str]) -> (Command, tempfile::TempDir) {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        own_home(&mut command, home.path());
        command.args(args).args(["--config", &self.config.path()]);
        (command, home)
    }
}

fn leaves_well(mut session: Session) {
    session.send("q");
    assert!(session.exit_status().success());
    assert_eq!(foreign(session.output()), None);
}

#[test]
fn a_terminal_may_lie_about_its_size_at_the_start_and_later() {
    let desk = Desk::new();
    for size in [(0, 0), (1, 1), (20, 5), (65535, 3), (3, 65535)] {
        let mut session = desk.start().size(size.0, size.1).start();
        session.wait_within(patience(), &format!("a frame at {size:?}"), |s| s.frames() > 0);
        session.resize(120, 40);
        session.wait_for_text("Error budgets");
        session.resize(size.0, size.1);
        let before = session.frames();
        session.send("2");
        session.wait_within(patience(), "a frame", |s| s.frames() > before);
        leaves_well(session);
    }
}

#[test]
fn a_storm_of_resizes_ends_with_the_last_one_drawn() {
    let desk = Desk::new();
    let mut session = desk.start().start();
    session.wait_for_text("PlainAlert");
    for step in 0..300 {
        session.resize(1 + (step * 7) % 180, 1 + (step * 3) % 50);
    }
    session.resize(140, 40);
    session.send("S");
    session.wait_within(patience(), "the last size", |s| {
        s.text().contains("data age") && s.text().contains("alertmanager")
    });
    leaves_well(session);
}

#[test]
fn ten_thousand_keys_are_taken_in_and_the_next_one_is_answered() {
    let desk = Desk::new();
    let each: Vec<String> =
        (0..500).map(|n| alert(&format!("f{n:03}"), &format!("Alert{n:03}"), "")).collect();
    desk.am.set_alerts(alerts(&each).as_bytes());
    let mut session = desk.start().start();
    session.send("2");
    session.wait_for_text("Alert000");
    for _ in 0..100 {
        session.send(&"jk\tG\x1b[A".repeat(20));
        session.wait_within(patience(), "room", |_| true);
    }
    session.send("gS");
    session.wait_within(patience(), "Sources after the flood", shows("data age"));
    leaves_well(session);
}

/// Most memory a process has had, in KiB.
fn peak(pid: i32) -> i64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn ten_megabytes_pasted_are_cut_with_a_sentence_and_never_obeyed() {
    let desk = Desk::new();
    let mut session = desk.start().start();
    session.send("2");
    session.wait_for_text("PlainAlert");
    // Outside of a text field a paste is not typed as keys.
    session.send("\x1b[200~qqqq:quit\r\x1b[201~");
    session.send("gn");
    session.wait_for_text("Note");
    let nasty = "ab\u{202e}c\u{200b}d\u{9b}31m e\u{301}\u{301} 表 ";
    session.send("\x1b[200~");
    let before = peak(session.pid());
    for _ in 0..300 {
        session.send(&nasty.repeat(1_000));
    }
    session.send("\x1b[201~");
    session.wait_for_text("its end was left out");
    let more = peak(session.pid()) - before;
    assert!(more < 60 * 1_024, "a paste of 10 MB took {more} KiB of memory");
    session.wait_for_text("<U+202E>");
    session.send("\x03");
    session.wait_until("the form is left", |s| !s.contents().contains("keep as draft"));
    session.send("S");
    session.wait_for_text("data age");
    leaves_well(session);
}

#[test]
fn colourless_and_plain_surroundings_are_respected() {
    let desk = Desk::new();
    let mut session = desk.start().env("NO_COLOR", "1").start();
    session.wait_for_text("PlainAlert");
    let text = String::from_utf8_lossy(session.output()).into_owned();
    assert!(!text.contains("[38;") && !text.contains("[48;"), "colours in spite of NO_COLOR");
    leaves_well(session);
    let mut session = desk.start().env("LANG", "C").env("LC_ALL", "C").start();
    session.wait_for_text("PlainAlert");
    leaves_well(session);
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

#[test]
fn a_command_whose_reader_leaves_ends_quietly() {
    let desk = Desk::new();
    let each: Vec<String> =
        (0..3_000).map(|n| alert(&format!("f{n:04}"), &format!("Alert{n:04}"), "")).collect();
    desk.am.set_alerts(alerts(&each).as_bytes());
    let text = std::fs::read_to_string(desk.config.path()).unwrap();
    std::fs::write(desk.config.path(), text.replace("max_body_mib = 1", "max_body_mib = 9"))
        .unwrap();
    for args in [
        &["alerts"][..],
        &["alerts", "--json"],
        &["status"],
        &["doctor"],
        &["slo"],
        &["man"],
        &["completions", "bash"],
    ] {
        let (mut command, _home) = desk.command(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = [0; 1];
        let _ = child.stdout.take().unwrap().read(&mut first);
        let output = child.wait_with_output().unwrap();
        let said = said(&output);
        assert!(!said.contains("panicked") && !said.contains("Broken pipe"), "{args:?}: {said}");
    }
}

#[test]
fn without_a_terminal_or_a_home_it_says_what_to_do() {
    let desk = Desk::new();
    let (mut command, _home) = desk.command(&[]);
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(said(&output).contains("needs a terminal"), "{}", said(&output));
    for args in [&["status"][..], &["alerts"], &["doctor"]] {
        let (mut command, _home) = desk.command(args);
        for name in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"]
        {
            command.env_remove(name);
        }
        let output = command.output().unwrap();
        assert!(!said(&output).contains("panicked"), "{}", said(&output));
    }
    // Closed instead of empty: as a badly written daemon starts its children.
    for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        for args in ["", "status", "alerts --json"] {
            let home = tempfile::tempdir().unwrap();
            let exe = env!("CARGO_BIN_EXE_quarterdeck");
            let script = format!("'{exe}' {args} --config '{}' {closed}", desk.config.path());
            let mut command = Command::new("/bin/bash");
            own_home(&mut command, home.path());
            let output = command.args(["-c", &script]).output().unwrap();
            assert!(!said(&output).contains("panicked"), "{script}: {}", said(&output));
            assert_ne!(output.status.code(), Some(101), "{script}");
            assert!(output.status.code().is_some(), "{script}: killed");
        }
    }
}
