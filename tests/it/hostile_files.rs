//! The real console on broken files, full and closed disks, killed in mid-sentence, beside another
//! console on the same store: nothing typed or recorded is lost, and every fault is said where it is.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::hostile::server::{Fault, Hostile, Kind, alert, alerts};
use crate::hostile::stream::foreign;
use crate::hostile::{Config, shows};
use crate::pty::{Program, Session, Start, patience};

/// A console's configuration, state and sources.
struct Desk {
    config: Config,
    state: tempfile::TempDir,
    am: Hostile,
}

impl Desk {
    fn new() -> Self {
        let am = Hostile::start(Kind::Alertmanager);
        am.set_alerts(
            // Of two services, so that they are never folded into one situation.
            alerts(&[
                alert("aa", "PlainAlert", r#","service":"plain""#),
                alert("bb", "OtherAlert", r#","service":"other""#),
            ])
            .as_bytes(),
        );
        let config = Config::of(&[("am", Kind::Alertmanager, &am.url(), "")]);
        Self { config, state: tempfile::tempdir().unwrap(), am }
    }

    fn start(&self) -> Start {
        let state = self.state.path().join("state");
        Start::new(Program::quarterdeck(&["--config", &self.config.path()]))
            .env("XDG_STATE_HOME", &state.display().to_string())
            .size(160, 45)
    }

    /// On the Alerts screen, with an alert selected.
    fn at_alerts(&self, start: Start) -> Session {
        let mut session = start.start();
        session.send("2");
        session.wait_for_text("PlainAlert");
        session.wait_for_text("OtherAlert");
        session.send("g");
        session
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.config.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    fn kept(&self) -> PathBuf {
        self.state.path().join("state/quarterdeck/view.json")
    }
}

fn wait_for_file(path: &Path, holds: &str) {
    let deadline = Instant::now() + patience();
    while !std::fs::read_to_string(path).is_ok_and(|text| text.contains(holds)) {
        assert!(Instant::now() < deadline, "{} never held {holds}", path.display());
        std::thread::yield_now();
    }
}

#[test]
fn a_request_cut_off_by_a_crash_is_said_at_the_next_start() {
    use quarterdeck::domain::{Actor, Operation, SilenceId, SiteId, Span};
    use quarterdeck::eventlog::{EventLog as _, LogEvent, SqliteLog};
    use quarterdeck::runtime::clock;
    let desk = Desk::new();
    let mut log = SqliteLog::open(&desk.state.path().join("state/quarterdeck")).unwrap();
    let operation = Operation::Expire { site: SiteId::new("eu"), id: SilenceId::new("0b5e") };
    let before = clock::now().minus(Span::from_mins(5));
    log.append(&Actor::new("carol"), before, &[LogEvent::OperationRequested { operation }])
        .unwrap();
    drop(log);
    let mut session = desk.start().start();
    session.wait_for_text("no recorded outcome");
    session.send("q");
    assert!(session.exit_status().success());
}

#[test]
fn broken_files_are_named_with_line_and_column_and_the_console_opens() {
    for (file, text, said) in [
        ("catalog.toml", "version = 1\n[[service]\n", "catalog.toml:2:"),
        ("catalog.toml", "version = 1\n[[service]]\nname = 7\n", "catalog.toml:3:"),
        ("catalog.toml", "version = 99\n", "use a newer Quarterdeck"),
        ("themes/dark.toml", "inherits = \"dark\"\n[tokens\n", "dark.toml:2:"),
        (
            "keymaps/default.toml",
            "inherits = \"default\"\n[global]\n\"Q\" = \"qiut\"\n",
            "default.toml:3:",
        ),
    ] {
        let desk = Desk::new();
        desk.write(file, text);
        let mut session = desk.start().start();
        session.wait_within(patience(), said, shows(said));
        session.send("2");
        session.wait_for_text("PlainAlert");
        assert_eq!(foreign(session.output()), None);
        session.send("q");
        assert!(session.exit_status().success());
    }
}

#[test]
fn a_broken_configuration_is_named_with_line_and_column() {
    for (text, said) in [
        ("version = 1\nme = \"ann\n", "config.toml:2:"),
        ("version = 1\n[ui]\nthme = \"dark\"\n", "config.toml:3:"),
        ("version = 99\nme = \"ann\"\n", "config.toml:1:"),
        ("\u{1b}]52;c;aGk=\u{7} = 1\n", "config.toml:1:"),
        ("[[source]]\nname = \"x\"\nkind = \"grafana\"\nurl = \"http://h\"\n", "config.toml:3:"),
    ] {
        let desk = Desk::new();
        desk.write("config.toml", text);
        let mut session = desk.start().start();
        session.wait_within(patience(), said, shows(said));
        assert_eq!(foreign(session.output()).filter(|_| session.modes().alternate_screen), None);
        session.send("q");
        session.exit_status();
    }
}

#[test]
fn a_file_broken_while_it_runs_is_said_and_the_old_one_stays() {
    let desk = Desk::new();
    desk.write("themes/dark.toml", "inherits = \"dark\"\n");
    desk.write("keymaps/default.toml", "inherits = \"default\"\n[global]\n\"Z\" = \"sources\"\n");
    let mut session = desk.at_alerts(desk.start());
    desk.write("keymaps/default.toml", "inherits = \"default\"\n[global]\n\"Z\" = \"sauces\"\n");
    session.wait_for_text("default.toml:3:");
    session.send("Z");
    session.wait_for_text("data age");
    desk.write("keymaps/default.toml", "inherits = \"default\"\n[global]\n\"Z\" = \"alerts\"\n");
    session.wait_for_text("The keymap was read again.");
    session.send("Z");
    session.wait_for_text("PlainAlert");
    desk.write("themes/dark.toml", "inherits = \"dark\"\n\u{0}\u{1b}]52;c;aGk=\u{7}");
    session.wait_for_text("dark.toml:2:");
    std::fs::write(desk.config.folder.path().join("themes/dark.toml"), [0xff, 0xfe]).unwrap();
    session.wait_for_text("could not be read");
    session.send("q");
    assert!(session.exit_status().success());
    assert_eq!(foreign(session.output()), None);
}

#[test]
fn a_source_that_cannot_be_made_says_why_on_sources() {
    let desk = Desk::new();
    let config = std::fs::read_to_string(desk.config.path()).unwrap();
    let broken = "[[source]]\nname = \"far\"\nkind = \"prometheus\"\nurl = \"https://far.example\"\nsite = \"eu\"\n\
                  [source.tls]\nca = \"/no/such/ca.pem\"\n";
    desk.write("config.toml", &format!("{config}{broken}"));
    let mut session = desk.start().start();
    session.send("Sj");
    session.wait_for_text("/no/such/ca.pem cannot be read");
    session.send("2");
    session.wait_for_text("PlainAlert");
}

#[test]
fn a_state_folder_that_cannot_be_used_leaves_a_console_that_writes_in_memory_and_says_so() {
    let desk = Desk::new();
    let file = desk.write("occupied", "");
    let start = desk.start().env("XDG_STATE_HOME", &file.display().to_string());
    let mut session = start.start();
    session.wait_until("why", |s| {
        s.contents().contains("NOT ON DISK: whatever is written from now on is kept in memory only")
    });
    session.send("2");
    session.wait_for_text("PlainAlert");
    session.send("ga\r");
    session.wait_until("held, and marked", |s| s.contents().contains("NOT ON DISK: 1"));
    // Leaving would lose it, so it is asked for, and printed for the person to keep.
    session.send("q");
    session.wait_until("the question", |s| s.contents().contains("1 entry is NOT ON DISK"));
    session.send("\r");
    assert!(session.exit_status().success());
}

#[test]
fn a_note_being_typed_survives_kill_nine() {
    let desk = Desk::new();
    let mut session = desk.at_alerts(desk.start());
    session.send("n");
    session.wait_for_text("Note");
    session.send("the canary was rolled back by hand");
    wait_for_file(&desk.kept(), "rolled back by hand");
    session.signal(Signal::KILL);
    session.exit_status();
    let mut session = desk.at_alerts(desk.start());
    session.send("n");
    session.wait_for_text("the canary was rolled back by hand");
    // What is recorded is no draft any more.
    session.send("\r");
    session.wait_until("the note is recorded", |s| !s.contents().contains("alt-enter"));
    session.send("q");
    assert!(session.exit_status().success());
}

#[test]
fn what_one_console_acknowledges_the_other_shows_within_200_ms() {
    let desk = Desk::new();
    let mut first = desk.at_alerts(desk.start());
    let mut second = desk.at_alerts(desk.start());
    for (from, to) in [(true, "PlainAlert"), (false, "OtherAlert")] {
        let (one, other) = if from { (&mut first, &mut second) } else { (&mut second, &mut first) };
        let acked = |s: &Session| s.text().lines().filter(|l| l.contains(" ann ")).count();
        let before = acked(one);
        one.send("g");
        one.send("a\r");
        one.wait_within(patience(), to, |s| acked(s) > before);
        let began = Instant::now();
        other.wait_within(patience(), to, |s| acked(s) > before);
        // The issue's 200 ms, and as much again for a machine that runs other tests.
        assert!(began.elapsed() < Duration::from_millis(400), "{:?}", began.elapsed());
    }
}

/// A console whose disk is full: the store was made while there was room, and a note of 30 KB does not fit.
fn on_a_full_disk(desk: &Desk) -> Session {
    let mut session = desk.at_alerts(desk.start());
    session.send("q");
    assert!(session.exit_status().success());
    // In KiB: a file of the log grows by more than that when a note of 30 is written.
    let limit = 48;
    let exe = env!("CARGO_BIN_EXE_quarterdeck");
    let script = format!(
        "trap '' XFSZ; ulimit -S -f {limit}; exec '{exe}' --config '{}'",
        desk.config.path()
    );
    let program = Program { path: "/bin/bash".into(), args: vec!["-c".into(), script] };
    let start = desk.start().program(program);
    let mut session = desk.at_alerts(start);
    session.send("n");
    session.wait_for_text("Note");
    let long = "full ".repeat(6_000);
    session.send("\x1b[200~");
    session.send(&long);
    session.send("\x1b[201~ the end");
    session.wait_for_text("the end");
    session.send("\r");
    // It is kept in memory, and the screen says so as loudly as it can.
    session.wait_within(patience(), "the mark", |s| s.text().contains("NOT ON DISK: 1"));
    session
}

#[test]
fn a_note_written_on_a_full_disk_is_held_with_a_loud_mark_and_put_in_when_there_is_room() {
    let desk = Desk::new();
    let mut session = on_a_full_disk(&desk);
    // There is room again: it is put in by itself.
    let pid = session.pid().to_string();
    let raised = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status();
    assert!(raised.expect("prlimit (util-linux) is installed").success());
    session.wait_within(patience(), "it is on the disk", |s| !s.text().contains("NOT ON DISK"));
    session.send("q");
    assert!(session.exit_status().success());
}

#[test]
fn what_the_disk_never_took_is_given_back_as_text_when_the_console_is_left() {
    let desk = Desk::new();
    let mut session = on_a_full_disk(&desk);
    session.send("q");
    session.wait_for_text("printed on this terminal");
    session.send("\r");
    session.exit_status();
    session.catch_up();
    // On the terminal that the person has again, whole, with the reason, to be kept elsewhere.
    let output = String::from_utf8_lossy(session.output()).replace("\r\n", "\n");
    let (_, told) = output
        .split_once(
            "quarterdeck: these entries are NOT in the log; keep them and note them again. ",
        )
        .unwrap();
    let (why, lines) = told.split_once('\n').unwrap();
    assert!(why.contains("log.sqlite could not be written: the disk"), "{why}");
    assert!(!why.contains("draft"), "no form is left that would keep one: {why}");
    assert_eq!(lines.matches("full ").count(), 6_000);
    assert!(lines.trim_end().ends_with(" the end"), "{lines}");
    assert!(!session.modes().alternate_screen, "it is not printed where nobody sees it");
}

#[test]
fn an_alert_dropped_while_no_console_ran_is_lost_from_sight_and_not_forgotten() {
    let mut desk = Desk::new();
    let prom = Hostile::start(Kind::Prometheus);
    desk.config = Config::of(&[
        ("am", Kind::Alertmanager, &desk.am.url(), ""),
        ("prom", Kind::Prometheus, &prom.url(), ""),
    ]);
    let mut session = desk.at_alerts(desk.start());
    wait_for_file(&desk.kept().with_file_name("sight.json"), "PlainAlert");
    session.signal(Signal::KILL);
    session.exit_status();
    // Prometheus dies, and so Alertmanager lets the alert run out.
    prom.set(Fault::Resets);
    desk.am.set_alerts(b"[]");
    for _ in 0..2 {
        let mut session = desk.start().start();
        session.send("2");
        session
            .wait_within(patience(), "lost", |s| shows("lost sight")(s) && shows("PlainAlert")(s));
        session.send("q");
        assert!(session.exit_status().success());
    }
    // Who has never seen it cannot know of it, but is not told that all is well either.
    let elsewhere = tempfile::tempdir().unwrap();
    let elsewhere = elsewhere.path().display().to_string();
    let mut session = desk.start().env("XDG_STATE_HOME", &elsewhere).start();
    session.send("2");
    session.wait_within(patience(), "no all-clear", |s| {
        s.text().matches("no Prometheus answers").count() == 2
    });
}
