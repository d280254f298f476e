//! Two people run one incident together: alice at a terminal of her own, bob through ssh in tmux, one log.
//!
//! Each has a key of their own. By the policy bob may approve what leaves the house and alice may not. Their
//! strips are compared word by word at each step; at the end the mail was delivered once, the ticket tells the
//! story, and the log is whole for us and for OpenSSH. The ticket is in Roundup, under `tests/run --full` in
//! Redmine too.

mod ticket;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use anyhow::ensure;
use pretty_assertions::assert_eq;
use serde_json::Value;
use tempfile::TempDir;

use crate::channels::mail::{Post, header};
use crate::lab::{PATIENCE, Server, eventually, find_program, free_ports};
use crate::pty::{Program, Session, Start, own_home, patience};
use crate::tmux::Tmux;
use crate::trackers::redmine::Redmine;
use crate::trackers::roundup::Roundup;
use ticket::{BODY, Tickets, Told, UPDATE, plain};

const TITLE: &str = "checkout declines cards";
const SUBJECT: &str = "checkout declines cards: investigating";
const TASK: &str = "roll back v812";
const SHIFT_TAB: &str = "\x1b[Z";
const CTRL_O: &str = "\x0f";

/// The room they share: a folder with the log, both people's settings, and the servers.
struct Room {
    sshd: Server,
    post: Post,
    tickets: Tickets,
    port: u16,
    dir: TempDir,
}

impl Room {
    fn start_or_skip(tickets: impl FnOnce() -> Option<Tickets>) -> Option<Self> {
        let tickets = tickets()?;
        let post = Post::start_or_skip().unwrap()?;
        let dir = tempfile::Builder::new().prefix("quarterdeck-two-").tempdir().unwrap();
        let port = free_ports(1).unwrap()[0];
        let sshd = sshd(dir.path(), port);
        let room = Self { sshd, post, tickets, port, dir };
        room.settle();
        Some(room)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes both people's settings; the policy after their keys are made.
    fn settle(&self) {
        let log = self.path("log");
        fs::create_dir(&log).unwrap();
        fs::set_permissions(&log, PermissionsExt::from_mode(0o2770)).unwrap();
        let (updates, port) = (self.path("updates.txt"), self.post.port);
        let tickets = self.tickets.playbook(&self.path("secret"));
        let playbook = format!(
            "[response]\ntracker = \"tickets\"\n{tickets}[[person]]\nname = \"alice\"\n[[person]]\nname = \"bob\"\n\
             [[channel]]\nname = \"notes\"\nkind = \"file\"\npath = {updates:?}\n\
             audiences = [\"external\"]\n\
             [[channel]]\nname = \"mail\"\nkind = \"smtp\"\naudiences = [\"external\"]\n\
             to = [\"customers@example.org\"]\nfrom = \"quarterdeck@example.org\"\n\
             host = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\n"
        );
        for name in ["alice", "bob"] {
            let home = self.path(name);
            fs::create_dir(&home).unwrap();
            fs::create_dir(home.join("state")).unwrap();
            fs::set_permissions(home.join("state"), PermissionsExt::from_mode(0o700)).unwrap();
            // A monitoring that does not answer must not be in the way.
            let dead = free_ports(1).unwrap()[0];
            let config = format!(
                "me = \"{name}\"\n[log]\ndir = {log:?}\n[[source]]\nname = \"prom\"\n\
                 kind = \"prometheus\"\nurl = \"http://127.0.0.1:{dead}\"\n"
            );
            fs::write(home.join("config.toml"), config).unwrap();
            fs::write(home.join("catalog.toml"), "").unwrap();
            fs::write(home.join("playbook.toml"), &playbook).unwrap();
        }
        let keys = ["alice", "bob"].map(|name| self.said(name, &["audit", "key"]));
        let [alice, bob] = keys.each_ref().map(|key| key.trim());
        assert!(alice != bob);
        let policy = format!(
            "[role.responder]\npowers = [\"write\", \"declare\", \"command\", \"publish\", \"operate\"]\n\
             [[person]]\nname = \"alice\"\nroles = [\"responder\"]\nkeys = [\"{alice}\"]\n\
             [[person]]\nname = \"bob\"\nroles = [\"responder\"]\npowers = [\"approve\"]\n\
             keys = [\"{bob}\"]\n"
        );
        for name in ["alice", "bob"] {
            fs::write(self.path(name).join("policy.toml"), &policy).unwrap();
        }
        fs::write(self.path("allowed"), format!("alice {alice}\nbob {bob}\n")).unwrap();
    }

    /// The console's words for a person.
    fn args(&self, name: &str) -> [String; 4] {
        let home = self.path(name);
        let path = |file: &str| home.join(file).display().to_string();
        ["--config".into(), path("config.toml"), "--state-dir".into(), path("state")]
    }

    /// A subcommand from another terminal.
    fn run(&self, name: &str, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        own_home(&mut command, &self.path(name));
        command.args(self.args(name)).args(args).stdin(Stdio::null()).output().unwrap()
    }

    /// What it prints; it must have nothing to complain about. 1 says that an incident is going on.
    fn said(&self, name: &str, args: &[&str]) -> String {
        let output = self.run(name, args);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(error, "", "{name}: {args:?}");
        assert!(matches!(output.status.code(), Some(0 | 1)), "{name}: {args:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn incident(&self, name: &str, id: &str) -> Value {
        serde_json::from_str(&self.said(name, &["incidents", id, "--json"])).unwrap()
    }

    fn alice(&self) -> Session {
        let args = self.args("alice");
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        Start::new(Program::quarterdeck(&args)).start()
    }

    /// Bob's tmux, in which ssh runs his console on the other side of sshd.
    fn bob(&self) -> Tmux {
        let tmux = Tmux::start(120, 40);
        let (home, dir) = (self.path("bob"), self.dir.path().display());
        let console = format!(
            "env -i TERM=$TERM LANG=C.UTF-8 PATH=$PATH HOME={} {} {}",
            home.display(),
            env!("CARGO_BIN_EXE_quarterdeck"),
            self.args("bob").join(" ")
        );
        // A file, so that no shell between here and there reads anything into it.
        let script = home.join("console");
        fs::write(&script, format!("exec {console}\n")).unwrap();
        let ssh = format!(
            "ssh -F none -p {} -i {dir}/id -o IdentitiesOnly=yes -o StrictHostKeyChecking=accept-new \
             -o UserKnownHostsFile={dir}/known_hosts -t root@127.0.0.1 sh {}",
            self.port,
            script.display()
        );
        tmux.send(&["-l", &ssh]);
        tmux.send(&["Enter"]);
        tmux
    }
}

/// A real sshd on loopback that knows one key.
pub(crate) fn sshd(dir: &Path, port: u16) -> Server {
    for key in ["host", "id"] {
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(dir.join(key));
        assert!(command.status().unwrap().success());
    }
    let at = dir.display();
    let config = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {at}/host\nPidFile {at}/sshd.pid\n\
         AuthorizedKeysFile {at}/id.pub\nPasswordAuthentication no\nUsePAM no\n\
         KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nStrictModes no\n"
    );
    let file = dir.join("sshd_config");
    fs::write(&file, config).unwrap();
    // Debian's service makes it; where the service never ran it is missing.
    fs::create_dir_all("/run/sshd").unwrap();
    let program = find_program("sshd").expect("tests/run installs openssh-server");
    let args = ["-D", "-e", "-f", &file.display().to_string()].map(String::from).to_vec();
    let server = Server::start("sshd", program, args, dir).unwrap();
    eventually("sshd listens", PATIENCE, || {
        std::net::TcpStream::connect(("127.0.0.1", port))?;
        Ok(())
    })
    .unwrap();
    server
}

/// The strip with ages, countdowns and the incident's number taken out.
fn strip(screen: &str) -> String {
    let first = screen.lines().next().unwrap_or_default().trim();
    let plain = |word: &str| match word {
        _ if word.starts_with("INC-") => "INC".to_owned(),
        _ if word.starts_with(|c: char| c.is_ascii_digit()) => "~".to_owned(),
        _ => word.to_owned(),
    };
    first.split(' ').map(plain).collect::<Vec<_>>().join(" ")
}

/// Both terminals.
struct Both {
    alice: Session,
    bob: Tmux,
}

impl Both {
    fn bob_sees(&self, text: &str) {
        self.bob.wait_for_text(text);
    }

    fn alice_sees(&mut self, text: &str) {
        self.alice.wait_for_text(text);
    }

    /// Waits until both strips say so.
    fn strips(&mut self, expected: &str) {
        self.alice.wait_until(&format!("alice's strip: {expected}"), |screen| {
            strip(&screen.contents()) == expected
        });
        self.bob.wait_until(&format!("bob's strip: {expected}"), || {
            strip(&self.bob.screen()) == expected
        });
    }

    /// Types on bob's keyboard.
    fn bob_types(&self, text: &str) {
        self.bob.send(&["-l", text]);
    }
}

#[test]
fn alice_and_bob_bring_an_incident_from_declared_to_resolved() {
    let tickets = || Roundup::start_or_skip().unwrap().map(Tickets::Roundup);
    if let Some(room) = Room::start_or_skip(tickets) {
        declared_to_resolved(&room);
    }
}

#[test]
fn alice_and_bob_tell_redmine_the_story() {
    let tickets = || Redmine::start_or_skip().unwrap().map(Tickets::Redmine);
    if let Some(room) = Room::start_or_skip(tickets) {
        declared_to_resolved(&room);
    }
}

fn declared_to_resolved(room: &Room) {
    let mut both = Both { alice: room.alice(), bob: room.bob() };
    both.alice_sees("1 Bridge");
    both.bob_sees("1 Bridge");

    // Alice declares; bob's strip knows before he touches a key.
    both.alice.send("d");
    both.alice_sees("─ Declare an incident");
    both.alice.send(&format!("{TITLE}\t1{CTRL_O}"));
    both.strips(&format!("SEV-1  INC  {TITLE}  ~  IC alice  no comms, ops, scribe  update in ~"));
    let listed = room.said("bob", &["incidents"]);
    let id = listed.split_whitespace().find(|word| word.starts_with("INC-")).unwrap().to_owned();
    let commander = |who: &str| {
        for reader in ["alice", "bob"] {
            assert_eq!(room.incident(reader, &id)["incident"]["commander"], who, "for {reader}");
        }
    };
    commander("alice");
    // The ticket is there before anybody thinks of it.
    let opened = eventually("the ticket is opened", PATIENCE, || {
        let told = room.tickets.told()?;
        ensure!(told.texts.len() == 1, "{told:#?}");
        Ok(told)
    })
    .unwrap();
    assert_eq!(plain(&opened.texts[0], &id), BODY);
    both.bob.send(&["6"]);
    both.bob_sees("alice took command");
    both.alice_sees("also here bob (incident)");

    // Roles.
    both.bob_types(":role scribe bob");
    both.bob.send(&["Enter"]);
    both.alice_sees("scribe   bob");
    let led_by =
        |who: &str| format!("SEV-1  INC  {TITLE}  ~  IC {who}  no comms, ops  update in ~");
    both.strips(&led_by("alice"));

    // A task: given, heard, done.
    both.alice.send("t");
    both.alice.send(&format!("{TASK}\tbob{CTRL_O}"));
    both.bob_sees("not heard");
    both.bob.send(&["Tab", "Tab", "j", "a"]);
    both.alice_sees(&format!("has heard: \"{TASK}\""));
    both.bob.send(&["X"]);
    both.alice_sees(&format!("finished \"{TASK}\""));
    both.strips(&led_by("alice"));

    // An update for the world needs the other key.
    both.alice.send("u");
    both.alice_sees("─ Update of INC-");
    both.alice.send(&SHIFT_TAB.repeat(3));
    both.alice.send("e");
    both.alice_sees("wait for approval");
    both.alice.send(CTRL_O);
    both.bob_sees("to be approved");
    let refused = room.run("alice", &["update", "approve", "checkout"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(
        said.contains("the power `approve`, which the policy does not give to alice"),
        "{said}"
    );
    let early = room.run("alice", &["update", "publish", "checkout"]);
    assert_eq!(early.status.code(), Some(2), "{early:?}");
    both.bob.send(&["Tab", "Tab", "Tab", "j", "a"]);
    both.bob_sees("approved, not sent");
    both.alice_sees("approved update");
    assert_eq!(sent(room), (0, 0), "nothing goes out before it is published");
    both.bob.send(&["X"]);
    both.alice_sees("published external update");
    eventually("both receipts are there", PATIENCE, || {
        let waits = room.incident("alice", &id)["waits"].clone();
        ensure!(waits == Value::Array(Vec::new()), "{waits:#}");
        Ok(())
    })
    .unwrap();
    eventually("the mail is in the Maildir", PATIENCE, || {
        ensure!(sent(room).0 > 0, "{}", room.sshd.log_tail());
        Ok(())
    })
    .unwrap();
    both.strips(&led_by("alice"));

    // The cause is known; the ticket follows.
    let [identified, resolved] = room.tickets.words();
    room.said("alice", &["status", "identified", "build v812"]);
    eventually("the ticket follows", PATIENCE, || {
        let told = room.tickets.told()?;
        ensure!(told.status == identified, "{told:#?}");
        Ok(())
    })
    .unwrap();

    // Command changes hands with the last section of the brief, not before.
    both.alice.send("H");
    both.alice_sees("─ Offer command of INC-");
    both.alice.send("bob\r");
    both.bob_sees("bob was offered command");
    both.bob.send(&["H"]);
    both.bob_sees("─ alice offers you command");
    let sections = 6;
    for accepted in 1..=sections {
        commander("alice");
        both.bob.send(&["Enter"]);
        if accepted < sections {
            both.bob.wait_until("one more section is understood", || {
                let screen = both.bob.screen();
                let line = screen.lines().find(|line| line.contains("Open tasks  "));
                line.is_some_and(|line| line.matches('✓').count() == accepted)
            });
            both.strips(&led_by("alice"));
        }
    }
    both.strips(&led_by("bob"));
    both.alice_sees("took command from alice");
    commander("bob");

    // Over.
    both.bob_types(":resolve errors are gone");
    both.bob.send(&["Enter"]);
    both.alice_sees("-> resolved");
    let deadline = Instant::now() + patience();
    while room.incident("alice", &id)["incident"]["status"] != "resolved" {
        assert!(Instant::now() < deadline, "{}", both.bob.screen());
    }
    let over = |screen: &str| !strip(screen).contains(TITLE);
    both.alice.wait_until("alice's strip is free again", |screen| over(&screen.contents()));
    both.bob.wait_until("bob's strip is free again", || over(&both.bob.screen()));
    assert_eq!(sent(room), (1, 1), "each channel got it once");

    // The ticket tells the story, in order, and there is one.
    let told = eventually("the ticket is closed", PATIENCE, || {
        let told = room.tickets.told()?;
        ensure!(told.status == resolved, "{told:#?}");
        Ok(told)
    })
    .unwrap();
    let told = Told {
        title: plain(&told.title, &id),
        texts: told.texts.iter().map(|text| plain(text, &id)).collect(),
        ..told
    };
    let title = match &room.tickets {
        Tickets::Roundup(_) => format!("[INC] {TITLE}"),
        Tickets::Redmine(_) => TITLE.to_owned(),
    };
    let texts = [
        BODY,
        UPDATE,
        "build v812\n\nQuarterdeck ref REF",
        "errors are gone\n\nQuarterdeck ref REF",
    ];
    let texts = texts.map(str::to_owned).to_vec();
    assert_eq!(told, Told { tickets: 1, title, status: resolved.to_owned(), texts });

    // The record of it: whole, and each key's work is its own, for OpenSSH too.
    for reader in ["alice", "bob"] {
        let said = room.said(reader, &["audit", "verify"]);
        assert!(said.starts_with("whole: ") && said.contains("allowed by policy.toml"), "{said}");
    }
    let timeline: Value =
        serde_json::from_str(&room.said("bob", &["timeline", "-i", &id, "--json"])).unwrap();
    for (person, words) in [
        ("alice", "declared SEV-1"),
        ("bob", "approved update"),
        ("bob", "took command from alice"),
    ] {
        let record = record_of(&timeline, words);
        assert!(verifies(room, &record, person), "{words} by {person}");
        let other = if person == "bob" { "alice" } else { "bob" };
        assert!(!verifies(room, &record, other), "{words} by {other}");
    }
}

/// How often the update is in the Maildir and in the file.
fn sent(room: &Room) -> (usize, usize) {
    let mails = room.post.delivered().unwrap();
    let is_it = |mail: &&String| header(mail, "subject").is_some_and(|s| s.contains(SUBJECT));
    let text = fs::read_to_string(room.path("updates.txt")).unwrap_or_default();
    (mails.iter().filter(is_it).count(), text.lines().filter(|line| line.contains(SUBJECT)).count())
}

/// The id of the record whose line says so.
fn record_of(timeline: &Value, words: &str) -> String {
    let entries = timeline["timeline"].as_array().unwrap_or_else(|| panic!("{timeline:#}"));
    let entry = entries.iter().find(|entry| entry.to_string().contains(words));
    let entry = entry.unwrap_or_else(|| panic!("{words}: {timeline:#}"));
    entry["id"].as_str().unwrap().to_owned()
}

/// Whether stock ssh-keygen finds that this person signed the record.
fn verifies(room: &Room, record: &str, person: &str) -> bool {
    let out = room.path(&format!("exported-{person}-{record}"));
    fs::create_dir(&out).unwrap();
    room.said(person, &["audit", "export", record, "--out", &out.display().to_string()]);
    signed_by(&out, &room.path("allowed"), person)
}

/// Whether stock ssh-keygen finds that this person signed the record that was exported to `out`.
pub(crate) fn signed_by(out: &Path, allowed: &Path, person: &str) -> bool {
    let mut command = Command::new("ssh-keygen");
    command.args(["-Y", "verify", "-I", person, "-n", quarterdeck::eventlog::NAMESPACE, "-f"]);
    let written = |end: &str| {
        let mut files = fs::read_dir(out).unwrap().map(|file| file.unwrap().path());
        files.find(|path| path.extension().is_some_and(|e| e == end)).unwrap()
    };
    command.arg(allowed).arg("-s").arg(written("sig"));
    let message = fs::File::open(written("record")).unwrap();
    command.stdin(message).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().unwrap().success()
}
