//! Where the story plays: the shop under load behind HAProxy, Buildbot, Roundup and a git repository, and two
//! people with a key each, a policy, and one log.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use pretty_assertions::assert_eq;
use serde_json::Value;
use tempfile::TempDir;

use crate::lab::{Lab, Options, installed};
use crate::pipelines::buildbot::Farm;
use crate::pty::{Program, Session, Start, own_home};
use crate::trackers::roundup::Roundup;

/// What a build does: sends checkout's traffic to the stable build, and reads back that HAProxy does so.
const TO_STABLE: &str = r#"
import socket, sys
def ask(command):
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(sys.argv[1])
        line.sendall((command + "\n").encode())
        return line.makefile().read().strip()
for server, weight in (("stable", 100), ("canary", 0)):
    said = ask(f"set weight checkout/{server} {weight}")
    now = ask(f"get weight checkout/{server}")
    print(f"{sys.argv[2]}: checkout/{server} has weight {now}", flush=True)
    if said or now.split(" ")[0] != str(weight):
        sys.exit(f"HAProxy refused: {said}")
"#;

/// What the people may do about it, and whom they tell.
const PLAYBOOK: &str = r#"
[response]
tracker = "tickets"
[[person]]
name = "alice"
[[person]]
name = "bob"
[[channel]]
name = "status"
kind = "file"
path = "@UPDATES@"
audiences = ["internal", "external"]
[[tracker]]
name = "tickets"
kind = "roundup"
url = "@ROUNDUP@"
project = "inc"
interval = "10s"
timeout = "30s"
auth = { basic = { user = "admin", password = { file = "@TICKET_SECRET@" } } }
[[pipeline]]
name = "ci"
kind = "buildbot"
url = "@BUILDBOT@"
auth = { basic = { user = "ic", password = { file = "@BUILD_SECRET@" } } }
[[procedure]]
name = "rollback-checkout"
title = "Roll checkout back"
kind = "rollback"
service = "checkout"
expected = "1m"
success = 0.9
cancel_window = "3s"
takes_along = ["the canary's weight"]
[[procedure.param]]
name = "to"
default = "{before}"
[[procedure.step]]
title = "traffic to the version before"
pipeline = "ci"
job = "rollback-force"
params = { to_version = "{to}" }
deadline = "2m"
[procedure.verify]
slos = ["checkout-answers"]
alerts = ['service="checkout"', 'alertname="ErrorBudgetBurnFast"']
window = "60s"
"#;

/// Forgiving, so that chance among a few hundred requests decides nothing.
const OBJECTIVE: &str = r#"
[[slo]]
name = "checkout-answers"
title = "checkout answers, today"
service = "checkout"
objective = "98%"
period = "1d"
bad = 'sum(rate(http_requests_total{service="checkout",code=~"5.."}[$window]))'
total = 'sum(rate(http_requests_total{service="checkout"}[$window]))'
"#;

/// Servers, settings, keys.
pub(super) struct Room {
    pub(super) lab: Lab,
    pub(super) farm: Farm,
    pub(super) roundup: Roundup,
    dir: TempDir,
}

impl Room {
    pub(super) fn start_or_skip() -> Result<Option<Self>> {
        let Some(lab) = Lab::start_or_skip(&Options::default())? else { return Ok(None) };
        let Some(roundup) = Roundup::start_or_skip()? else { return Ok(None) };
        let dir = tempfile::Builder::new().prefix("quarterdeck-story-").tempdir()?;
        let script = dir.path().join("to_stable.py");
        fs::write(&script, TO_STABLE)?;
        let python = installed()?.join("buildbot/bin/python");
        let socket = lab.dir().join("haproxy.sock");
        let (python, script) = (python.display(), script.display());
        let does = format!("{python} {script} {} \"$0\"", socket.display());
        let room = Self { lab, farm: Farm::start(&does)?, roundup, dir };
        room.settle()?;
        Ok(Some(room))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn secret(&self, name: &str, word: &str) -> Result<String> {
        let file = self.path(name);
        fs::write(&file, word)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
        Ok(file.display().to_string())
    }

    /// Writes both people's settings; the policy after their keys are made.
    fn settle(&self) -> Result<()> {
        let log = self.path("log");
        fs::create_dir(&log)?;
        fs::set_permissions(&log, fs::Permissions::from_mode(0o2770))?;
        self.git(&["init", "-q", "."], None)?;
        // The day before, as it would be.
        let yesterday = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() - 86_400;
        self.ship("checkout-1.4.2", "baskets are kept for a day", Some(yesterday))?;
        let places = [
            ("@UPDATES@", self.path("updates.txt").display().to_string()),
            ("@ROUNDUP@", self.roundup.base.clone()),
            ("@TICKET_SECRET@", self.secret("tickets.key", "adminpw")?),
            ("@BUILDBOT@", self.farm.base.clone()),
            ("@BUILD_SECRET@", self.secret("builds.key", "ic-pass")?),
        ];
        let fill = |text: &str, (place, value): &(&str, String)| text.replace(place, value);
        let playbook = places.iter().fold(PLAYBOOK.to_owned(), |text, place| fill(&text, place));
        let shop = self.lab.console_config()?;
        let shop = shop.parent().unwrap_or(Path::new("/"));
        let sources = fs::read_to_string(shop.join("config.toml"))?.replace("\"5s\"", "\"2s\"");
        let repository = self.path("shop");
        for name in ["alice", "bob"] {
            let home = self.path(name);
            fs::create_dir_all(home.join("state"))?;
            fs::set_permissions(home.join("state"), fs::Permissions::from_mode(0o700))?;
            copied(shop, &home)?;
            let catalog = fs::read_to_string(shop.join("catalog.toml"))?;
            fs::write(home.join("catalog.toml"), catalog + OBJECTIVE)?;
            let config = format!(
                "{}\n[log]\ndir = {log:?}\n[[source]]\nname = \"shop-git\"\nkind = \"git\"\n\
                 path = {repository:?}\ntags = \"deploy\"\ninterval = \"2s\"\n",
                sources.replace("me = \"you\"", &format!("me = {name:?}"))
            );
            fs::write(home.join("config.toml"), config)?;
            fs::write(home.join("playbook.toml"), &playbook)?;
        }
        let [alice, bob] = ["alice", "bob"].map(|name| self.said(name, &["audit", "key"]));
        let policy = format!(
            "[role.responder]\npowers = [\"write\", \"declare\", \"command\", \"publish\", \
             \"operate\"]\n[[person]]\nname = \"alice\"\nroles = [\"responder\"]\n\
             keys = [{:?}]\n[[person]]\nname = \"bob\"\nroles = [\"responder\"]\n\
             powers = [\"approve\"]\nkeys = [{:?}]\n",
            alice.trim(),
            bob.trim()
        );
        for name in ["alice", "bob"] {
            fs::write(self.path(name).join("policy.toml"), &policy)?;
        }
        Ok(())
    }

    fn git(&self, args: &[&str], at: Option<u64>) -> Result<()> {
        let repository = self.path("shop");
        fs::create_dir_all(&repository)?;
        let mut git = Command::new("git");
        own_home(&mut git, &repository);
        for who in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{who}_NAME"), "dora");
            git.env(format!("GIT_{who}_EMAIL"), "dora@shop.example");
            git.envs(at.map(|at| (format!("GIT_{who}_DATE"), format!("{at} +0000"))));
        }
        let done = git.args(args).stdin(Stdio::null()).output()?;
        anyhow::ensure!(done.status.success(), "{args:?}: {}", plain(&done.stderr));
        Ok(())
    }

    /// A version is committed and tagged: that is how the shop says what it deploys.
    pub(super) fn ship(&self, tag: &str, subject: &str, at: Option<u64>) -> Result<()> {
        self.git(&["commit", "-q", "--allow-empty", "-m", subject], at)?;
        self.git(&["tag", "-a", "-m", subject, tag], at)
    }

    fn args(&self, name: &str) -> [String; 4] {
        let path = |file: &str| self.path(name).join(file).display().to_string();
        ["--config".into(), path("config.toml"), "--state-dir".into(), path("state")]
    }

    /// A console of somebody's, in a terminal of its own.
    pub(super) fn console(&self, name: &str) -> Session {
        let args = self.args(name);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        Start::new(Program::quarterdeck(&args)).size(140, 45).start()
    }

    pub(super) fn run(&self, name: &str, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        own_home(&mut command, &self.path(name));
        command.args(self.args(name)).args(args).stdin(Stdio::null()).output().unwrap()
    }

    /// What a subcommand prints; 1 says that something waits for somebody.
    pub(super) fn said(&self, name: &str, args: &[&str]) -> String {
        let output = self.run(name, args);
        let error = plain(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{name}: {args:?}: {error}");
        plain(&output.stdout)
    }

    pub(super) fn json(&self, name: &str, args: &[&str]) -> Value {
        let said = self.said(name, args);
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{args:?}: {error}: {said}"))
    }

    /// The only incident there is.
    pub(super) fn incident(&self) -> String {
        let all = self.json("bob", &["incidents", "--all", "--json"]);
        let all = all["incidents"].as_array().unwrap();
        assert_eq!(all.len(), 1, "{all:#?}");
        all[0]["id"].as_str().unwrap().to_owned()
    }
}

fn copied(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to.join("runbooks"))?;
    for entry in fs::read_dir(from.join("runbooks"))? {
        let entry = entry?;
        fs::copy(entry.path(), to.join("runbooks").join(entry.file_name()))?;
    }
    Ok(())
}

fn plain(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
