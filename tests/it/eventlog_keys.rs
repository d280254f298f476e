//! Who signs, and who may: keys of one's own, files, agents, policies, and stock OpenSSH as the judge.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use quarterdeck::config::policy;
use quarterdeck::domain::{Actor, IncidentId, SafeText, Timestamp};
use quarterdeck::eventlog::{
    CommandTaken, EventLog, Fault, KeyChoice, KeyId, LogEvent, NAMESPACE, Place, Position, Signers,
    SqliteLog, Subject, parse_allowed_signers,
};
use tempfile::TempDir;

fn note() -> LogEvent {
    LogEvent::Noted { about: Subject::General, text: "n".into() }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_763_820_000_000 + millis)
}

fn append(log: &mut SqliteLog) -> Result<Timestamp, SafeText> {
    let appended = log.append(&Actor::new("ada"), at(0), &[note()]);
    appended.map(|records| records[0].at).map_err(|e| e.sentence)
}

/// A key as OpenSSH makes it; `None` where there is no OpenSSH.
pub(crate) fn key(dir: &Path, name: &str) -> Option<(PathBuf, KeyId)> {
    let path = dir.join(name);
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
        .arg(&path)
        .status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no ssh-keygen on this host");
        return None;
    }
    let public = fs::read_to_string(path.with_extension("pub")).unwrap();
    Some((path, KeyId::of_public(&public).unwrap()))
}

pub(crate) struct RealAgent {
    child: Child,
    pub(crate) socket: PathBuf,
}

impl RealAgent {
    pub(crate) fn start(dir: &Path) -> Self {
        let socket = dir.join("agent");
        let child = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let since = Instant::now();
        while !socket.exists() {
            assert!(since.elapsed() < Duration::from_secs(20), "the agent starts");
            std::thread::yield_now();
        }
        Self { child, socket }
    }

    pub(crate) fn add(&self, args: &[&str]) {
        let mut command = Command::new("ssh-add");
        command.args(args).env("SSH_AUTH_SOCK", &self.socket).stderr(Stdio::null());
        assert!(command.status().unwrap().success());
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }
}

impl Drop for RealAgent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn by_agent(dir: &Path, socket: &Path, key: Option<KeyId>) -> Place {
    let key = KeyChoice::Agent { socket: Some(socket.to_owned()), key };
    Place { key, ..Place::alone(&dir.join("q")) }
}

#[test]
fn an_existing_key_signs_and_one_that_cannot_is_refused_with_the_way_out() {
    let home = TempDir::new().unwrap();
    let Some((path, id)) = key(home.path(), "id_ed25519") else { return };
    let place = |path: &Path| Place {
        key: KeyChoice::File(path.to_owned()),
        ..Place::alone(&home.path().join("q"))
    };
    let mut log = SqliteLog::open_at(&place(&path)).unwrap();
    append(&mut log).unwrap();
    assert_eq!(log.key(), id);
    let signers = Signers::Only([id].into());
    assert!(SqliteLog::audit_at(&place(&path), Some(signers)).unwrap().is_clean());
    assert!(!home.path().join("q/signing-key").exists(), "no second key is made");

    let locked = home.path().join("locked");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "secret", "-f"])
        .arg(&locked)
        .status();
    assert!(made.unwrap().success());
    let said = SqliteLog::open_at(&place(&locked)).unwrap_err().sentence;
    assert!(said.contains("passphrase") && said.contains("ssh-add"), "{said}");
}

#[test]
fn an_agent_signs_and_when_it_is_gone_or_hangs_nothing_is_lost() {
    let home = TempDir::new().unwrap();
    let Some((path, id)) = key(home.path(), "one") else { return };
    let Some((second, other)) = key(home.path(), "two") else { return };
    let agent = RealAgent::start(home.path());
    let place = by_agent(home.path(), &agent.socket, None);

    // Empty, or locked, which looks the same: readable, and the sentence says what to do.
    let mut log = SqliteLog::open_at(&place).unwrap();
    assert!(log.notice().unwrap().contains("does not hold the Ed25519 key"));
    assert!(append(&mut log).unwrap_err().contains("ssh-add"));
    agent.add(&[&path.display().to_string()]);
    append(&mut log).unwrap();
    assert_eq!(log.key(), id);

    // Several, and none is named; then one is.
    agent.add(&[&second.display().to_string()]);
    let several = SqliteLog::open_at(&place).unwrap();
    assert!(several.notice().unwrap().contains("agent:SHA256:"), "{:?}", several.notice());
    let named = by_agent(home.path(), &agent.socket, Some(other));
    append(&mut SqliteLog::open_at(&named).unwrap()).unwrap();
    append(&mut log).unwrap();

    // It hangs: given up in time, and the log is not held meanwhile.
    agent.signal("-STOP");
    let since = Instant::now();
    let said = append(&mut log).unwrap_err();
    assert!(
        said.contains("did not answer within 5 seconds") && said.contains("draft is still here"),
        "{said}"
    );
    assert!(since.elapsed() < Duration::from_secs(12), "{:?}", since.elapsed());
    agent.signal("-CONT");
    append(&mut log).unwrap();
    agent.add(&["-D"]);
    assert!(append(&mut log).unwrap_err().contains("would not sign"));
    drop(agent);
    assert!(append(&mut log).unwrap_err().contains("the SSH agent is not there"));

    // What was saved is whole, by both keys, in one series.
    assert_eq!(log.read_after(Position::default()).unwrap().records.len(), 4);
    let signers = Signers::Only([id, other].into());
    let report = SqliteLog::audit_at(&place, Some(signers)).unwrap();
    assert_eq!((report.is_clean(), report.records, report.series), (true, 4, 1));
}

/// An agent that answers every message the same way.
fn false_agent(socket: &Path, answers: Vec<Vec<u8>>) {
    let listener = UnixListener::bind(socket).unwrap();
    std::thread::spawn(move || {
        for answer in answers {
            let Ok((mut stream, _)) = listener.accept() else { return };
            let mut length = [0; 4];
            if stream.read_exact(&mut length).is_err() {
                return;
            }
            let mut message = vec![0; u32::from_be_bytes(length) as usize];
            let _ = stream.read_exact(&mut message);
            let _ = stream.write_all(&answer);
        }
    });
}

fn framed(parts: &[u8]) -> Vec<u8> {
    [&u32::try_from(parts.len()).unwrap().to_be_bytes()[..], parts].concat()
}

#[test]
fn an_agent_that_lies_or_talks_nonsense_gets_nothing_recorded() {
    let string = |bytes: &[u8]| framed(bytes);
    let kind = string(b"ssh-ed25519");
    let public = string(&[3; 32]);
    let blob = string(&[kind.clone(), public].concat());
    let keys = framed(&[&[12, 0, 0, 0, 1][..], &blob, &string(b"c")].concat());
    let lie = [&[14][..], &string(&[kind, string(&[5; 64])].concat())].concat();
    for (n, (answer, said)) in [
        (framed(&lie), "did not answer with a signature"),
        (framed(&[14, 0, 0]), "did not answer with a signature"),
        (vec![0xff; 8], "did not answer with a signature"),
        (framed(&[5]), "would not sign"),
        (vec![], "the SSH agent is not there"),
    ]
    .into_iter()
    .enumerate()
    {
        let home = TempDir::new().unwrap();
        let socket = home.path().join(format!("agent{n}"));
        false_agent(&socket, vec![keys.clone(), answer]);
        let mut log = SqliteLog::open_at(&by_agent(home.path(), &socket, None)).unwrap();
        let sentence = append(&mut log).unwrap_err();
        assert!(sentence.contains(said), "{n}: {sentence}");
        assert_eq!(log.read_after(Position::default()).unwrap().records, []);
    }
}

#[test]
fn the_audit_names_what_the_policy_or_the_allowed_signers_do_not_allow() {
    let home = TempDir::new().unwrap();
    let dir = home.path().join("q");
    let mut log = SqliteLog::open(&dir).unwrap();
    let command = CommandTaken {
        after: None,
        commander: Actor::new("ada"),
        handover: None,
        reason: "".into(),
    };
    let command = LogEvent::Incident { incident: IncidentId::new("INC-1"), event: command.into() };
    let ada = Actor::new("ada");
    log.append(&ada, at(0), &[note(), command]).unwrap();
    log.append(&ada, at(3_600_000), &[note()]).unwrap();
    let line = log.public_line().unwrap();
    let found = |signers: Signers| -> Vec<(Fault, Option<u64>)> {
        let report = SqliteLog::audit(&dir, Some(signers)).unwrap();
        report.findings.iter().map(|f| (f.fault, f.position.map(|p| p.0))).collect()
    };
    let by_policy = |powers: &str, more: &str, key: &str| {
        let text = format!(
            "[[person]]\nname = \"ada\"\npowers = [{powers}]\n[[person.key]]\nkey = \"{key}\"\n{more}"
        );
        let (policy, mistakes) = policy::parse(&text, "policy.toml");
        assert_eq!(mistakes, []);
        found(Signers::Policy(policy))
    };
    assert_eq!(by_policy("\"write\", \"command\"", "", &line), []);
    assert_eq!(by_policy("\"write\"", "", &line), [(Fault::Unauthorised, Some(2))]);
    let revoked = format!("revoked = \"{}\"", at(60_000).rfc3339());
    let after = [(Fault::Unauthorised, Some(3))];
    assert_eq!(by_policy("\"write\", \"command\"", &revoked, &line), after);
    let stranger = quarterdeck::eventlog::Signer::from_seed(&[1; 32]).id().to_string();
    let unknown = [1, 2, 3].map(|n| (Fault::UnknownSigner, Some(n)));
    assert_eq!(by_policy("\"write\"", "", &stranger), unknown);

    // Who is not allowed is not even let write it by their own console.
    let text = format!("[[person]]\nname = \"ada\"\npowers = [\"write\"]\nkeys = [\"{line}\"]\n");
    let (policy, _) = policy::parse(&text, "policy.toml");
    let mut bound = SqliteLog::open_at(&Place { policy, ..Place::alone(&dir) }).unwrap();
    let command = |after| {
        let (commander, reason) = (Actor::new("ada"), "".into());
        let event = CommandTaken { after, commander, handover: None, reason };
        LogEvent::Incident { incident: IncidentId::new("INC-2"), event: event.into() }
    };
    let said = bound.append(&ada, at(0), &[note(), command(None)]).unwrap_err().sentence;
    assert!(said.contains("lacks the power `command`"), "{said}");
    drop(bound);

    let dated = |options: &str| {
        let text = format!("ada@example.org {options} {line}\n");
        found(Signers::Dated(parse_allowed_signers(&text).unwrap()))
    };
    assert_eq!(dated(""), []);
    let all = [1, 2, 3].map(|n| (Fault::Unauthorised, Some(n)));
    assert_eq!(dated("valid-before=\"20200101\""), all);
    assert_eq!(dated("namespaces=\"git\""), unknown);
}

#[test]
fn stock_ssh_keygen_verifies_what_the_command_line_exports() {
    let home = TempDir::new().unwrap();
    let Some((_, _)) = key(home.path(), "stranger") else { return };
    let config = home.path().join("config.toml");
    fs::write(&config, "me = \"ada\"\n").unwrap();
    let state = home.path().join("q");
    let mut log = SqliteLog::open(&state).unwrap();
    let id = log.append(&Actor::new("ada"), at(0), &[note()]).unwrap()[0].id;
    let ours = log.public_line().unwrap();
    drop(log);
    let run = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_quarterdeck"))
            .arg("--config")
            .arg(&config)
            .arg("--state-dir")
            .arg(&state)
            .args(args)
            .current_dir(home.path())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), text + &String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = run(&["audit", "export", &id.to_string()[..8]]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("ssh-keygen -Y verify"), "{said}");
    let allowed = home.path().join("allowed");
    let stranger = fs::read_to_string(home.path().join("stranger.pub")).unwrap();
    let message = home.path().join(format!("{id:?}.record"));
    let passes = |line: &str, namespace: &str, revoked: Option<&str>| {
        fs::write(&allowed, format!("ada {line}\n")).unwrap();
        let mut command = Command::new("ssh-keygen");
        command.args(["-Y", "verify", "-I", "ada", "-n", namespace, "-f"]).arg(&allowed);
        command.arg("-s").arg(home.path().join(format!("{id:?}.record.sig")));
        if let Some(revoked) = revoked {
            let list = home.path().join("revoked");
            fs::write(&list, revoked).unwrap();
            command.arg("-r").arg(list);
        }
        let input = fs::File::open(&message).unwrap();
        command.stdin(input).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().unwrap().success()
    };
    assert!(passes(&ours, NAMESPACE, None));
    assert!(!passes(&ours, "git", None), "another namespace");
    assert!(!passes(&stranger, NAMESPACE, None), "an unknown signer");
    assert!(!passes(&ours, NAMESPACE, Some(&ours)), "a revoked key");

    let (code, said) = run(&["audit", "verify"]);
    assert_eq!((code, said.contains("whole: 1 record in 1 series")), (Some(0), true), "{said}");
    fs::write(&allowed, format!("ada {stranger}")).unwrap();
    let (code, said) = run(&["audit", "verify", "--allowed-signers", "allowed"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("signed with a key that is not allowed here"), "{said}");
    fs::write(home.path().join("policy.toml"), "[[person]]\nname = \"eve\"\n").unwrap();
    let (code, said) = run(&["audit", "verify", "--json"]);
    assert_eq!((code, said.contains("\"UnknownSigner\"")), (Some(1), true), "{said}");
}
