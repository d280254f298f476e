//! A console on another host, reached by `ssh -A`: the key never leaves the person's own machine, the
//! forwarded agent signs.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use pretty_assertions::assert_eq;
use serde_json::Value;

use super::desk::Desk;
use super::eventlog_keys::{RealAgent, key};
use super::lab::{Server, find_program, free_ports};
use super::pty::{Program, Session, Start};
use super::two_people::{signed_by, sshd};

/// The other host: a desk behind sshd, where no key is.
struct Host {
    desk: Desk,
    _sshd: Server,
    port: u16,
}

impl Host {
    fn start() -> Self {
        let desk = Desk::new("");
        let file = desk.path("alice.toml");
        let config = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{config}[log]\nkey = \"agent\"\n")).unwrap();
        let port = free_ports(1).unwrap()[0];
        let sshd = sshd(&desk.path(""), port);
        Self { desk, _sshd: sshd, port }
    }

    /// What ssh is called with to run the console there with these words.
    fn ssh(&self, how: &[&str], words: &[&str]) -> Vec<String> {
        let dir = self.desk.path("");
        let (dir, home) = (dir.display(), self.desk.path("home").display().to_string());
        let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        // A file, so that no shell between here and there reads anything into it.
        let script = self.desk.path(&format!("run-{}", words.len()));
        let console = env!("CARGO_BIN_EXE_quarterdeck");
        let settings = self.desk.args("alice").join(" ");
        let text = format!(
            "exec env -i TERM=xterm-256color LANG=C.UTF-8 PATH=\"$PATH\" HOME={home} \
             SSH_AUTH_SOCK=\"$SSH_AUTH_SOCK\" {console} {settings} {}\n",
            words.join(" ")
        );
        fs::write(&script, text).unwrap();
        let port = self.port.to_string();
        let known = format!("UserKnownHostsFile={dir}/known_hosts");
        let own = format!("{dir}/id");
        let mut args = vec!["-F", "none", "-p", &port, "-i", &own, "-o", "IdentitiesOnly=yes"];
        args.extend([
            "-o",
            "StrictHostKeyChecking=accept-new",
            "-o",
            &known,
            "-o",
            "LogLevel=ERROR",
        ]);
        args.extend(how);
        let script = script.display().to_string();
        args.extend(["root@127.0.0.1", "sh", &script]);
        args.into_iter().map(str::to_owned).collect()
    }

    /// What a subcommand prints there.
    fn said(&self, agent: &Path, words: &[&str]) -> String {
        let mut command = Command::new("ssh");
        command.args(self.ssh(&["-A"], words)).env("SSH_AUTH_SOCK", agent).stdin(Stdio::null());
        let output = command.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{words:?}: {error}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn console(&self, agent: &Path) -> Session {
        let path = find_program("ssh").unwrap();
        let program = Program { path, args: self.ssh(&["-A", "-t"], &[]) };
        let agent = agent.display().to_string();
        Start::new(program).env("SSH_AUTH_SOCK", &agent).size(120, 40).start()
    }
}

#[test]
fn a_key_that_only_the_forwarded_agent_holds_signs_and_while_it_is_gone_nothing_is_lost() {
    let own = tempfile::tempdir().unwrap();
    let Some((path, _)) = key(own.path(), "alices") else { return };
    let host = Host::start();
    let agent = RealAgent::start(own.path());
    agent.add(&[&path.display().to_string()]);
    let socket = agent.socket.clone();

    // In the shell of the other host.
    host.said(&socket, &["declare", "SEV-2", "checkout fails"]);
    let public = fs::read_to_string(path.with_extension("pub")).unwrap();
    let said = host.said(&socket, &["audit", "key"]);
    let body = |key: &str| key.split_whitespace().nth(1).unwrap().to_owned();
    assert_eq!(body(&said), body(&public));
    assert!(!host.desk.path("state/signing-key").exists(), "no key is made there");

    // On its screen; the agent goes away in the middle, and comes back.
    let mut session = host.console(&socket);
    session.wait_for_text("IC alice");
    session.send("6");
    session.wait_for_text("alice took command");
    session.send("nfirst note\r");
    session.wait_for_text("Timeline · 3");
    drop(agent);
    let _ = fs::remove_file(&socket);
    session.send("nsecond note\r");
    session.wait_for_text("SSH agent");
    session.wait_for_text("the draft is still here");
    assert!(session.text().contains("second note"), "{}", session.picture());
    let agent = RealAgent::start(own.path());
    agent.add(&[&path.display().to_string()]);
    session.send("\r");
    session.wait_until("it is recorded, and the form is closed", |s| {
        s.contents().contains("Timeline · 4") && !s.contents().contains("keep as draft")
    });
    session.send("q");
    session.wait_for_text("Leave Quarterdeck?");
    session.send("\r");
    assert!(session.exit_status().success());

    // All of it stands, whole, by her key, for stock OpenSSH as well.
    let told: Value = serde_json::from_str(&host.said(&socket, &["timeline", "--json"])).unwrap();
    let lines = told["timeline"].as_array().unwrap();
    let count = |text: &str| lines.iter().filter(|line| line.to_string().contains(text)).count();
    assert_eq!((count("first note"), count("second note")), (1, 1), "{told:#}");
    let whole = host.said(&socket, &["audit", "verify"]);
    assert!(whole.starts_with("whole: "), "{whole}");
    let line = lines.iter().find(|line| line.to_string().contains("second note")).unwrap();
    let out = host.desk.path("exported");
    fs::create_dir(&out).unwrap();
    let id = line["id"].as_str().unwrap();
    host.said(&socket, &["audit", "export", id, "--out", &out.display().to_string()]);
    let allowed = own.path().join("allowed");
    fs::write(&allowed, format!("alice {public}")).unwrap();
    assert!(signed_by(&out, &allowed, "alice"));
    let other = key(own.path(), "other").unwrap().0;
    let other = fs::read_to_string(other.with_extension("pub")).unwrap();
    fs::write(&allowed, format!("alice {other}")).unwrap();
    assert!(!signed_by(&out, &allowed, "alice"));
}
