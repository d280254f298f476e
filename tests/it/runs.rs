//! Procedures from proposal to end, on the command line of two people who share a log: approved by the second,
//! run once whoever runs it, cut off and found again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use pretty_assertions::assert_eq;
use serde_json::Value;
use tempfile::TempDir;

use crate::pty::{own_home, patience};

/// Two people, one log, one playbook.
pub(crate) struct Room(TempDir);

/// A program that says where it runs, and with which words, then waits for `go` when told to.
const SCRIPT: &str = r#"#!/bin/sh
printf '%s\n' "$*" >> "$DONE"
printf 'rolling back to %s\n' "$1"
while [ -n "$WAIT" ] && [ ! -e "$WAIT" ]; do sleep 0.05; done
printf 'rolled back to %s\n' "$1"
printf '%s\n' "$1" >> "$DONE.whole"
[ "$1" != v0 ]
"#;

impl Room {
    fn new(more: &str) -> Self {
        let room = Self::bare();
        let script = room.path("roll back");
        fs::write(&script, SCRIPT).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let (script, done) =
            (script.display().to_string(), room.path("done").display().to_string());
        let playbook = format!(
            "[[pipeline]]\nname = \"here\"\nkind = \"command\"\nallow = [{script:?}]\n\
             [pipeline.env]\nPATH = \"/usr/bin:/bin\"\nDONE = {done:?}\n{more}\n\
             [[procedure]]\nname = \"rollback-checkout\"\ntitle = \"Roll checkout back\"\n\
             kind = \"rollback\"\nservice = \"checkout\"\ncancel_window = \"1s\"\n\
             [[procedure.param]]\nname = \"to\"\n\
             [[procedure.step]]\ntitle = \"roll back\"\npipeline = \"here\"\n\
             argv = [{script:?}, \"{{to}}\", \"of {{service}}\"]\ndeadline = \"60s\"\n"
        );
        room.furnish(&playbook);
        room
    }

    /// With a playbook of one's own.
    pub(crate) fn on(playbook: &str) -> Self {
        let room = Self::bare();
        room.furnish(playbook);
        room
    }

    fn bare() -> Self {
        let dir = tempfile::Builder::new().prefix("quarterdeck-runs-").tempdir().unwrap();
        let room = Self(dir);
        let log = room.path("log");
        fs::create_dir(&log).unwrap();
        fs::set_permissions(&log, fs::Permissions::from_mode(0o2770)).unwrap();
        room
    }

    fn furnish(&self, playbook: &str) {
        let log = self.path("log");
        for name in ["alice", "bob"] {
            let home = self.path(name);
            fs::create_dir_all(home.join("state")).unwrap();
            fs::set_permissions(home.join("state"), fs::Permissions::from_mode(0o700)).unwrap();
            let config = format!("me = \"{name}\"\n[log]\ndir = {log:?}\n");
            fs::write(home.join("config.toml"), config).unwrap();
            fs::write(home.join("catalog.toml"), "[[service]]\nname = \"checkout\"\n").unwrap();
            fs::write(home.join("playbook.toml"), playbook).unwrap();
        }
    }

    /// As [`Self::new`], with a policy: alice may not approve.
    pub(crate) fn with_policy(more: &str) -> Self {
        let room = Self::new(more);
        let [alice, bob] = ["alice", "bob"].map(|name| room.said(name, &["audit", "key"]));
        let policy = format!(
            "[role.responder]\npowers = [\"write\", \"declare\", \"command\", \"operate\"]\n\
             [[person]]\nname = \"alice\"\nroles = [\"responder\"]\npowers = [\"approve\"]\nkeys = [\"{}\"]\n\
             [[person]]\nname = \"bob\"\nroles = [\"responder\"]\npowers = [\"approve\"]\nkeys = [\"{}\"]\n",
            alice.trim(),
            bob.trim()
        );
        for name in ["alice", "bob"] {
            fs::write(room.path(name).join("policy.toml"), &policy).unwrap();
        }
        room
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn command(&self, name: &str, args: &[&str]) -> Command {
        let home = self.path(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        own_home(&mut command, &home);
        command.arg("--config").arg(home.join("config.toml"));
        command.arg("--state-dir").arg(home.join("state"));
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, name: &str, args: &[&str]) -> (i32, String, String) {
        ended(self.command(name, args).output().unwrap())
    }

    /// What it printed; it must have gone well.
    pub(crate) fn said(&self, name: &str, args: &[&str]) -> String {
        let (code, out, err) = self.run(name, args);
        assert_eq!((code, err.as_str()), (0, ""), "{args:?}: {out}");
        out
    }

    /// Why it was refused.
    pub(crate) fn refused(&self, name: &str, args: &[&str]) -> String {
        let (code, out, err) = self.run(name, args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
        err
    }

    pub(crate) fn runs(&self, name: &str) -> Vec<Value> {
        let (_, out, _) = self.run(name, &["action", "status", "--json"]);
        let said: Value = serde_json::from_str(&out).unwrap();
        said["runs"].as_array().unwrap().clone()
    }

    /// The words of the first run's standing.
    pub(crate) fn standing(&self) -> String {
        self.runs("alice")[0]["standing"].as_str().unwrap().to_owned()
    }

    /// What the program was run with, each time.
    pub(crate) fn done(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("done")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub(crate) fn declare(&self) {
        self.said("alice", &["declare", "SEV-1", "checkout declines cards"]);
    }

    pub(crate) fn log_is_whole(&self) {
        let (code, out, err) = self.run("alice", &["audit", "verify"]);
        assert_eq!(code, 0, "{out}{err}");
    }
}

fn ended(output: Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

pub(crate) fn wait_until(what: &str, so: impl Fn() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < patience(), "waited in vain until {what}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

fn exists(path: &Path) -> bool {
    path.exists()
}

#[test]
fn nothing_runs_before_a_second_person_has_read_exactly_what_will_be_sent() {
    let room = Room::with_policy("");
    room.declare();
    let said =
        room.said("alice", &["rollback", "checkout", "-p", "to=v811", "--reason", "v812 declines"]);
    assert!(
        said.contains("Roll checkout back") && said.contains("\"v811\" \"of checkout\""),
        "{said}"
    );
    let run = "Roll";
    // Alice may approve, but not what she proposed.
    let no = room.refused("alice", &["action", "approve", run]);
    assert!(no.contains("You proposed this"), "{no}");
    let no = room.refused("alice", &["action", "release", run]);
    assert!(no.contains("waits for a second person"), "{no}");
    room.said("bob", &["action", "approve", run, "looks", "right"]);
    assert_eq!(room.standing(), "approved");
    room.said("alice", &["action", "release", run]);
    let no = room.refused("bob", &["action", "release", run]);
    assert!(no.contains("was released at"), "{no}");
    room.said("alice", &["action", "run", "--for", "60s"]);
    assert_eq!(room.done(), ["v811 of checkout"]);
    let runs = room.runs("bob");
    assert_eq!(runs[0]["standing"], "watched");
    assert!(runs[0]["receipts"][0].as_str().unwrap().starts_with("process "), "{runs:#?}");
    // Once more changes nothing.
    room.said("bob", &["action", "run", "--for", "5s"]);
    assert_eq!(room.done().len(), 1);
    room.log_is_whole();
}

#[test]
fn two_who_carry_it_out_at_once_run_it_once() {
    let room = Room::with_policy("");
    room.declare();
    room.said("alice", &["rollback", "checkout", "-p", "to=v811"]);
    room.said("bob", &["action", "approve", "Roll"]);
    room.said("alice", &["action", "release", "Roll"]);
    let children: Vec<_> = ["alice", "bob", "alice", "bob"]
        .into_iter()
        .map(|name| room.command(name, &["action", "run", "--for", "60s"]).spawn().unwrap())
        .collect();
    for child in children {
        let (code, out, err) = ended(child.wait_with_output().unwrap());
        assert_eq!(code, 0, "{out}{err}");
    }
    assert_eq!(room.done(), ["v811 of checkout"]);
    assert_eq!(room.standing(), "watched");
    room.log_is_whole();
}

#[test]
fn two_who_ask_for_the_same_at_once_run_it_once() {
    let room = Room::new("");
    room.declare();
    let propose = ["rollback", "checkout", "-p", "to=v811"];
    room.said("alice", &propose);
    let no = room.refused("bob", &propose);
    assert!(no.contains("was proposed") && no.contains("by alice"), "{no}");
    room.said("bob", &["rollback", "checkout", "-p", "to=v810"]);
    // Several who see nothing of each other yet: whatever gets through is done once.
    let all = |args: &'static [&'static str], names: &[&str]| -> Vec<(i32, String, String)> {
        let children: Vec<_> =
            names.iter().map(|name| room.command(name, args).spawn().unwrap()).collect();
        children.into_iter().map(|child| ended(child.wait_with_output().unwrap())).collect()
    };
    let came = all(&["rollback", "checkout", "-p", "to=v809"], &["alice", "bob", "alice", "bob"]);
    assert!(came.iter().any(|(code, ..)| *code == 0), "{came:?}");
    let same: Vec<String> = room
        .runs("alice")
        .iter()
        .filter(|run| run["orders"][0].as_str().is_some_and(|asked| asked.contains("v809")))
        .map(|run| run["id"].as_str().unwrap().to_owned())
        .collect();
    let releases: Vec<_> = same
        .iter()
        .map(|id| ["action", "release", id, "--type", "rollback-checkout"])
        .map(|args| room.command("bob", &args).spawn().unwrap())
        .collect();
    let came: Vec<_> =
        releases.into_iter().map(|child| ended(child.wait_with_output().unwrap())).collect();
    assert!(came.iter().any(|(code, ..)| *code == 0), "{came:?}");
    all(&["action", "run", "--for", "60s"], &["alice", "bob"]);
    assert_eq!(room.done(), ["v809 of checkout"]);
    let timeline = room.said("bob", &["timeline"]);
    assert!(timeline.contains("\"Roll checkout back\" is done (process "), "{timeline}");
    room.log_is_whole();
}

/// The console that runs it is killed while the program works; another one finds it gone, and how it ended
/// nobody can tell. Gives what the other one printed.
fn killed_midway(room: &Room) -> String {
    // The program waits for a file; where it lies is known only now.
    let go = room.path("go");
    for name in ["alice", "bob"] {
        let path = room.path(name).join("playbook.toml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text.replace("\"@\"", &format!("{:?}", go.display().to_string()))).unwrap();
    }
    room.declare();
    room.said("alice", &["rollback", "checkout", "-p", "to=v811"]);
    room.said("bob", &["action", "approve", "Roll"]);
    room.said("alice", &["action", "release", "Roll"]);
    let mut child = room.command("alice", &["action", "run", "--for", "60s"]).spawn().unwrap();
    wait_until("the program runs", || !room.done().is_empty());
    wait_until("its name is recorded", || {
        !room.runs("bob")[0]["receipts"].as_array().unwrap().is_empty()
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(room.standing(), "running", "it is visibly open");
    // Bob comes later; it is found running, and that it ended unseen is said.
    let bob = room.command("bob", &["action", "run", "--for", "60s"]).spawn().unwrap();
    fs::write(&go, "").unwrap();
    assert!(exists(&go));
    let (code, out, err) = ended(bob.wait_with_output().unwrap());
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("nobody can tell"), "{out}");
    assert_eq!(room.done(), ["v811 of checkout"]);
    // What it printed after its console was killed did not break it half-way.
    assert_eq!(fs::read_to_string(room.path("done.whole")).unwrap_or_default(), "v811\n");
    out
}

/// The id to settle it by, as it is printed.
fn offered(printed: &str) -> String {
    let (_, rest) = printed.split_once("outbox settle ").unwrap();
    rest.split(' ').next().unwrap().to_owned()
}

#[test]
fn a_console_killed_midway_leaves_something_to_find_and_to_settle_and_nothing_is_run_twice() {
    let room = Room::with_policy("WAIT = \"@\"");
    let id = offered(&killed_midway(&room));
    let no = room.refused("bob", &["outbox", "settle", &id, "again", "looked"]);
    assert!(no.contains("is never begun again"), "{no}");
    let no = room.refused("bob", &["outbox", "settle", &id, "done", ""]);
    assert!(no.contains("Say how you know"), "{no}");
    assert_eq!(room.standing(), "unknown");
    room.said("bob", &["outbox", "settle", &id, "done", "v811 answers at its port"]);
    assert_eq!(room.standing(), "watched", "what was found counts, and is watched");
    let no = room.refused("alice", &["outbox", "settle", &id, "failed", "looked"]);
    assert!(no.contains("known already"), "{no}");
    room.said("alice", &["action", "run", "--for", "5s"]);
    assert_eq!(room.done(), ["v811 of checkout"]);
    room.log_is_whole();
}

#[test]
fn a_step_that_was_found_to_have_failed_ends_its_run() {
    let room = Room::with_policy("WAIT = \"@\"");
    let id = offered(&killed_midway(&room));
    room.said("alice", &["outbox", "settle", &id, "failed", "its log ends with an error"]);
    assert_eq!(room.standing(), "failed");
    let words = room.runs("bob")[0]["words"].as_str().unwrap().to_owned();
    assert!(words.contains("settled by alice: its log ends with an error"), "{words}");
    let no = room.refused("bob", &["outbox", "settle", &id, "again", "looked"]);
    assert!(no.contains("known already"), "{no}");
    assert_eq!(room.done(), ["v811 of checkout"]);
    room.log_is_whole();
}

#[test]
fn stopped_in_its_window_it_never_begins_and_what_fails_says_so() {
    let room = Room::new("");
    room.declare();
    let propose =
        |to: &str| room.said("alice", &["rollback", "checkout", "-p", &format!("to={to}")]);
    propose("v811");
    // Without a policy nobody is a second person: the name is typed instead.
    let no = room.refused("alice", &["action", "release", "Roll"]);
    assert!(no.contains("Type the procedure's name"), "{no}");
    let release = ["action", "release", "Roll", "--type", "rollback-checkout"];
    room.said("alice", &release);
    room.said("bob", &["action", "stop", "Roll", "wrong", "service"]);
    room.said("alice", &["action", "run", "--for", "5s"]);
    assert_eq!((room.standing().as_str(), room.done().len()), ("stopped", 0));

    propose("v0");
    let runs = room.runs("alice");
    let second = runs[1]["id"].as_str().unwrap();
    room.said("alice", &["action", "release", second, "--type", "rollback-checkout"]);
    let (code, out, err) = room.run("alice", &["action", "run", "--for", "60s"]);
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("failed") && out.contains("exit status: 1"), "{out}");
    assert!(out.contains("rolling back to v0"), "{out}");
    assert_eq!(room.done(), ["v0 of checkout"]);
    let timeline = room.said("bob", &["timeline"]);
    assert!(timeline.contains("\"Roll checkout back\" failed: "), "{timeline}");
    room.log_is_whole();
}

#[test]
fn what_cannot_be_a_version_reaches_nobody() {
    let room = Room::new("");
    room.declare();
    for (value, why) in [
        ("v811; rm -rf /", "must be a version"),
        ("--force", "must be a version"),
        ("", "must be a version"),
        ("v811\nv0", "line break"),
        ("v8\u{202e}11", "cannot be seen"),
        ("{service}", "must be a version"),
    ] {
        let said = room.refused("alice", &["rollback", "checkout", "-p", &format!("to={value}")]);
        assert!(said.contains(why), "{value:?}: {said}");
    }
    let said = room.refused("alice", &["rollback", "checkout"]);
    assert!(said.contains("Say what the parameter to is"), "{said}");
    let said = room.refused("alice", &["rollback", "checkout", "-p", "too=v1"]);
    assert!(said.contains("has no parameter too; it has to"), "{said}");
    let said = room.refused("alice", &["rollback", "cart"]);
    assert!(said.contains("no procedure is declared to roll back cart"), "{said}");
    assert_eq!(room.runs("alice").len(), 0);
}

#[test]
fn a_slip_in_the_policy_file_hides_no_incident_and_records_nothing() {
    let room = Room::with_policy("");
    room.declare();
    let path = room.path("alice").join("policy.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}[[person")).unwrap();
    let (code, out, err) = room.run("alice", &["incidents"]);
    assert!(out.contains("checkout declines cards"), "{code} {out}");
    assert!(err.contains("policy.toml:"), "{err}");
    let (code, _, err) = room.run("alice", &["note", "is anybody there"]);
    assert_eq!(code, 2);
    assert!(err.contains("nothing more is recorded or done"), "{err}");
    let (code, _, err) = room.run("alice", &["audit", "verify"]);
    assert_eq!(code, 2);
    assert!(err.contains("who was allowed to write cannot be checked"), "{err}");
    // Where nobody's word counts, the incident is not over: it cannot be shown.
    fs::write(&path, "version = 1\n").unwrap();
    let (code, out, err) = room.run("alice", &["incidents"]);
    assert_eq!(code, 1, "{out}");
    assert!(err.contains("refused by policy.toml"), "{err}");
    fs::write(&path, text).unwrap();
    room.log_is_whole();
}
