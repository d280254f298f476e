//! Marked credentials of every form, looked for wherever the program leaves anything behind.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::hostile::server::{Fault, Hostile, Kind};
use crate::hostile::{Config, shows};
use crate::pty::{Program, Start, own_home, patience};

/// Every form a credential takes, each with a mark of its own.
const MARKS: [&str; 7] = [
    "mark-env-password",
    "mark-file-token",
    "mark-command-header",
    "mark-given-header",
    "mark-argument",
    "mark-proxy-password",
    "YW5uOm1hcmstZW52LXBhc3N3b3Jk",
];

/// Which marks a heap of bytes holds.
fn found(bytes: &[u8]) -> Vec<&'static str> {
    let text = String::from_utf8_lossy(bytes);
    MARKS.into_iter().filter(|mark| text.contains(mark)).collect()
}

fn search(folder: &Path, leaks: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            search(&path, leaks);
        } else if let Ok(bytes) = std::fs::read(&path) {
            leaks.extend(found(&bytes).iter().map(|mark| format!("{mark} in {}", path.display())));
        }
    }
}

struct Desk {
    config: Config,
    home: tempfile::TempDir,
    prom: Hostile,
    am: Hostile,
}

impl Desk {
    fn new() -> Self {
        let (prom, am) = (Hostile::start(Kind::Prometheus), Hostile::start(Kind::Alertmanager));
        let home = tempfile::tempdir().unwrap();
        let token = home.path().join("token");
        std::fs::write(&token, "mark-file-token\n").unwrap();
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
        let basic = "[source.auth]\nbasic = { user = \"ann\", password = { env = \"PASSWORD\" } }\n\
                     [source.headers]\nX-Api-Key = { command = [\"printf\", \"%.0s%s\", \"mark-command-header\", \"mark-argument\"] }\n\
                     X-Tenant = \"mark-given-header\"";
        let bearer = format!("[source.auth]\nbearer = {{ file = \"{}\" }}", token.display());
        let config = Config::of(&[
            ("prom", Kind::Prometheus, &prom.url(), basic),
            ("am", Kind::Alertmanager, &am.url(), &bearer),
            (
                "via",
                Kind::Prometheus,
                "http://far.example",
                "proxy = \"http://ann:mark-proxy-password@127.0.0.1:9\"",
            ),
        ]);
        Self { config, home, prom, am }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        own_home(&mut command, self.home.path());
        command
            .env("PASSWORD", "mark-env-password")
            .env("QUARTERDECK_TRACE", "trace")
            .args(args)
            .args(["--config", &self.config.path()])
            .stdin(Stdio::null());
        command
    }
}

#[test]
fn no_credential_is_left_anywhere() {
    let desk = Desk::new();
    let mut leaks = Vec::new();

    // The full screen: well, then refused, then garbled, with the program's own trace at its fullest.
    let state = desk.home.path().join("state");
    let mut session = Start::new(Program::quarterdeck(&["--config", &desk.config.path()]))
        .env("PASSWORD", "mark-env-password")
        .env("QUARTERDECK_TRACE", "trace")
        .env("XDG_STATE_HOME", &state.display().to_string())
        .size(160, 45)
        .start();
    session.send("S");
    session.wait_within(patience(), "answers", shows(" fresh "));
    let cmdline = std::fs::read(format!("/proc/{}/cmdline", session.pid())).unwrap();
    leaks.extend(found(&cmdline).iter().map(|m| format!("{m} on the command line")));
    for (fault, word) in [
        (Fault::status(401), "login refused"),
        (Fault::body("<html>"), "unreadable"),
        (Fault::Resets, "unreachable"),
    ] {
        desk.prom.set(fault.clone());
        desk.am.set(fault);
        session.send("R");
        session.wait_within(patience(), word, |s| s.text().matches(word).count() >= 2);
        for key in ["j", "j", "g"] {
            session.send(key);
        }
    }
    session.send("q");
    assert!(session.exit_status().success());
    leaks.extend(found(session.output()).iter().map(|m| format!("{m} on the screen")));

    // The commands, on servers that answer and on servers that do not.
    for fault in [Fault::status(401), Fault::None] {
        desk.prom.set(fault.clone());
        desk.am.set(fault);
        for args in [
            &["status"][..],
            &["status", "--json"],
            &["doctor"],
            &["doctor", "--json"],
            &["alerts"],
            &["slo"],
        ] {
            let output = desk.command(args).output().unwrap();
            for (stream, what) in [(output.stdout, "output"), (output.stderr, "errors")] {
                leaks.extend(found(&stream).iter().map(|m| format!("{m} in {what} of {args:?}")));
            }
        }
    }

    // A recording, unpacked.
    let tape = desk.home.path().join("out.qdtape");
    let output = desk
        .command(&["record", "--for", "2s", "--out", &tape.display().to_string()])
        .output()
        .unwrap();
    assert!(tape.exists(), "{}", String::from_utf8_lossy(&output.stderr));
    let raw = std::fs::read(&tape).unwrap();
    let mut unpacked = Vec::new();
    // Its end mark may be missing; what is before it counts.
    let _ = std::io::Read::read_to_end(&mut zstd::Decoder::new(&raw[7..]).unwrap(), &mut unpacked);
    assert!(unpacked.windows(8).any(|w| w == b"interval"), "the recording is unpacked");
    leaks.extend(found(&unpacked).iter().map(|m| format!("{m} in the recording")));

    std::fs::remove_file(desk.home.path().join("token")).unwrap();
    search(desk.home.path(), &mut leaks);
    leaks.sort();
    leaks.dedup();
    assert_eq!(leaks, [] as [String; 0]);

    // The control: every one of them went where it belongs.
    let heads: String =
        desk.prom.asked().iter().chain(&desk.am.asked()).map(|q| q.head.clone()).collect();
    assert_eq!(
        found(heads.as_bytes()),
        ["mark-file-token", "mark-given-header", "mark-argument", "YW5uOm1hcmstZW52LXBhc3N3b3Jk"],
    );
}
