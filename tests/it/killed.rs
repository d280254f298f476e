//! The real program killed with SIGKILL while it records: subcommands several at once, and a console whose
//! notes are typed in a terminal.
//!
//! What it said is recorded, on its output or on its screen, is on the timeline afterwards, once; the log
//! verifies. What it had not said yet may be there or not.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use rustix::process::Signal;
use serde_json::Value;

use crate::cli::Home;
use crate::pty::{Session, patience};

/// How many are killed; 10,000 by hand.
const KILLS: &str = "QUARTERDECK_TEST_KILLS";
const KILLED: usize = 200;
/// Kills on one store: every start reads the incident, so that it does not grow without end.
const ON_ONE_STORE: usize = 500;
/// Subcommands at once.
const AT_ONCE: usize = 4;
/// One console is killed for so many subcommands.
const HEADLESS: usize = 19;

/// One store under violence.
struct Desk {
    home: Home,
    /// What a program is asked to record is numbered.
    asked: usize,
    /// What it said is recorded.
    said: BTreeSet<String>,
    killed: usize,
    /// How many were killed before they said so.
    silent: usize,
    random: fastrand::Rng,
    /// How long a subcommand takes here, from its start to its end.
    usual: Duration,
}

impl Desk {
    fn new(seed: u64) -> Self {
        let home = Home::with(&[("config.toml", "me = \"alice\"\n"), ("catalog.toml", "")]);
        let declared = home.run(&["declare", "SEV-2", "cards declined"]);
        assert_eq!((declared.code, &*declared.err), (0, ""));
        let began = Instant::now();
        assert_eq!(home.run(&["note", "the first one"]).code, 0);
        Self {
            home,
            asked: 0,
            said: BTreeSet::new(),
            killed: 0,
            silent: 0,
            random: fastrand::Rng::with_seed(seed),
            usual: began.elapsed(),
        }
    }

    fn next(&mut self) -> String {
        self.asked += 1;
        format!("<{:05}>", self.asked)
    }

    /// Any moment from the start to a little after the end.
    fn moment(&mut self) -> Duration {
        self.usual.mul_f64(self.random.f64() * 1.5)
    }

    /// Several at once, so that they also die holding or waiting for the lock.
    fn headless(&mut self, count: usize) {
        let mut running: Vec<(Instant, String, Child)> = Vec::new();
        for _ in 0..count {
            let text = self.next();
            let task = ["task", "bob", "10m", &text];
            let note = ["note", &text];
            let args = if self.asked.is_multiple_of(5) { &task[..] } else { &note[..] };
            let mut command = self.home.command(args);
            let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            running.push((Instant::now() + self.moment(), text, child));
        }
        running.sort_by_key(|(until, ..)| *until);
        for (until, text, mut child) in running {
            std::thread::sleep(until.saturating_duration_since(Instant::now()));
            child.kill().unwrap();
            let (mut out, mut err) = (String::new(), String::new());
            child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
            child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
            assert_eq!(err, "", "{text}");
            let status = child.wait().unwrap();
            // One that had ended by itself was not killed, and has said so.
            self.killed += usize::from(status.code().is_none());
            if out.ends_with('\n') {
                self.said.insert(text);
            } else {
                assert_eq!(status.code(), None, "{text} ended without a word: {out}");
                self.silent += 1;
            }
        }
    }

    /// A console whose last note is typed and kept, or not.
    fn console(&mut self) {
        let mut session = self.home.console().size(120, 40).start();
        session.wait_for_text("1 Bridge");
        session.send("6");
        let began = Instant::now();
        for _ in 0..2 {
            let text = self.next();
            type_note(&mut session, &text);
            session.wait_within(patience(), "it is on the timeline", |s| is_told(s, &text));
            self.said.insert(text);
        }
        let usual = began.elapsed() / 2;
        let text = self.next();
        type_note(&mut session, &text);
        std::thread::sleep(usual.mul_f64(self.random.f64()));
        session.signal(Signal::KILL);
        session.exit_status();
        self.killed += 1;
        if is_told(&session, &text) {
            self.said.insert(text);
        } else {
            self.silent += 1;
        }
    }

    /// How often each stands on the timeline.
    fn told(&self, text: &str, timeline: &[String]) -> usize {
        timeline.iter().filter(|told| told.contains(text)).count()
    }

    fn timeline(&self) -> Vec<String> {
        let said = self.home.run(&["timeline", "--json"]);
        assert_eq!((said.code, &*said.err), (0, ""));
        let read: Value = serde_json::from_str(&said.out).unwrap();
        let entries = read["timeline"].as_array().unwrap().iter();
        entries.map(|entry| entry["text"].as_str().unwrap().to_owned()).collect()
    }

    /// What was said to be recorded and is not there.
    fn lost(&self) -> Vec<&String> {
        let timeline = self.timeline();
        self.said.iter().filter(|text| self.told(text, &timeline) == 0).collect()
    }

    fn judge(&self) {
        assert_eq!(self.lost(), Vec::<&String>::new(), "recorded, and gone");
        let timeline = self.timeline();
        for n in 1..=self.asked {
            let text = format!("<{n:05}>");
            // A draft that was recorded a moment before the kill is offered again, and more is typed to it.
            let given = format!("\"{text}\"");
            let whole = |told: &&String| **told == text || told.contains(&given);
            assert!(timeline.iter().filter(whole).count() <= 1, "{text} is there twice");
        }
        let audit = self.home.run(&["audit", "verify"]);
        assert_eq!((audit.code, &*audit.err), (0, ""), "{}", audit.out);
    }
}

/// Whether it stands on the timeline: nothing else has who wrote it before it.
fn is_told(session: &Session, text: &str) -> bool {
    session.text().lines().any(|line| line.contains("Z  O alice <") && line.contains(text))
}

fn type_note(session: &mut Session, text: &str) {
    session.send("n");
    session.wait_for_text("write it down");
    session.send(text);
    session.wait_for_text(text);
    session.send("\r");
}

#[test]
fn what_the_program_said_is_recorded_survives_two_hundred_kills() {
    let kills = std::env::var(KILLS).ok().and_then(|n| n.parse().ok()).unwrap_or(KILLED);
    let (mut killed, mut said, mut silent) = (0, 0, 0);
    let mut last = None;
    for seed in 0.. {
        if killed >= kills {
            break;
        }
        let wanted = ON_ONE_STORE.min(kills - killed);
        let mut desk = Desk::new(seed);
        while desk.killed < wanted {
            let until = desk.killed + HEADLESS;
            while desk.killed < until.min(wanted) {
                desk.headless(AT_ONCE);
            }
            if desk.killed < wanted {
                desk.console();
            }
        }
        desk.judge();
        killed += desk.killed;
        said += desk.said.len();
        silent += desk.silent;
        println!(
            "{killed} killed: {said} said to be recorded, none lost; {silent} said nothing yet"
        );
        last = Some(desk);
    }
    assert!(said * 20 >= killed, "hardly any came to say so: {said} of {killed}");
    assert!(silent * 20 >= killed, "hardly any was killed before it said so: {silent} of {killed}");

    // The same check notices one that is really gone, and so does the audit.
    let desk = last.unwrap();
    let gone = desk.said.first().unwrap();
    let log = desk.home.path().join("state/quarterdeck/log.sqlite");
    let connection = rusqlite::Connection::open(log).unwrap();
    connection.execute_batch("DROP TRIGGER record_is_never_removed").unwrap();
    let sql = "DELETE FROM record WHERE instr(bytes, CAST(?1 AS BLOB)) > 0";
    assert_eq!(connection.execute(sql, [gone]).unwrap(), 1);
    drop(connection);
    assert_eq!(desk.lost(), [gone]);
    assert_ne!(desk.home.run(&["audit", "verify"]).code, 0);
}
