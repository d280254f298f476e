//! A follow-up's life in a real tracker: opened there once, closed there and seen here, and not done before its
//! check has passed, whatever the tracker says.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, Result, ensure};
use pretty_assertions::assert_eq;
use serde_json::Value;

use super::roundup::Roundup;
use crate::lab::{PATIENCE, eventually};
use crate::pty::{Program, Start};
use crate::runs::Room;

/// How the follow-up with these words stands.
fn stands(room: &Room, words: &str) -> Result<Value> {
    let (_, out, _) = room.run("bob", &["postmortem", "follow-up", "list", "--json"]);
    let told: Value = serde_json::from_str(&out)?;
    let all = told["follow_ups"].as_array().context("follow-ups")?;
    let one = all.iter().find(|one| one["text"].as_str().is_some_and(|text| text.contains(words)));
    one.cloned().with_context(|| format!("{told:#}"))
}

/// The issues of the tracker with this in their title.
fn issues(roundup: &Roundup, words: &str) -> Result<Vec<String>> {
    let all = roundup.admin(&["list", "issue"])?;
    let of_it = all.lines().filter(|line| line.contains(words));
    Ok(of_it.filter_map(|line| line.trim().split(':').next()).map(str::to_owned).collect())
}

#[test]
fn a_follow_up_is_opened_in_roundup_closed_there_and_done_when_its_check_has_passed() -> Result<()>
{
    let Some(roundup) = Roundup::start_or_skip()? else { return Ok(()) };
    let secrets = tempfile::tempdir()?;
    let secret = secrets.path().join("password");
    fs::write(&secret, "adminpw")?;
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600))?;
    let room = Room::on(&format!(
        "[[tracker]]\nname = \"tickets\"\nkind = \"roundup\"\nurl = {:?}\ninterval = \"10s\"\n\
         timeout = \"30s\"\n\
         auth = {{ basic = {{ user = \"admin\", password = {{ file = {secret:?} }} }} }}\n",
        roundup.base
    ));
    room.declare();
    room.said("alice", &["resolve", "rolled back"]);
    let follow = |who: &str, args: &[&str]| {
        let (code, out, err) = room.run(who, &[&["postmortem", "follow-up"], args].concat());
        assert_eq!(code, 0, "{args:?}: {out}{err}");
    };
    let word = "a deploy without an owner was refused";
    follow("alice", &["add", "--owner", "alice", "--word", word, "give the schema an owner"]);
    follow("alice", &["add", "--owner", "bob", "write down who is called"]);
    for words in ["schema", "called"] {
        follow("alice", &["ticket", words, "tickets"]);
        let again = room.refused("bob", &["postmortem", "follow-up", "ticket", words, "other"]);
        assert!(again.contains("other"), "{again}");
    }
    // Two who send at once open each of them once.
    let children = ["alice", "bob"]
        .map(|who| room.command(who, &["outbox", "run", "--for", "15s"]).spawn().unwrap());
    for child in children {
        child.wait_with_output()?;
    }
    // Whoever was not first may have left something to the other.
    room.said("alice", &["outbox", "run", "--for", "60s"]);
    let opened = |words: &str| -> Result<String> {
        let found = issues(&roundup, words)?;
        assert_eq!(found.len(), 1, "{words}: {found:?}");
        let key = format!("issue{}", found[0]);
        assert_eq!(stands(&room, words)?["ticket"]["key"], key.as_str());
        Ok(key)
    };
    let (schema, called) = (opened("schema")?, opened("called")?);
    let said = roundup.messages(&schema)?;
    let body = roundup.admin(&["get", "content", &said[0]])?;
    ensure!(body.contains("Owner: alice") && body.contains(word), "{body}");
    let again = room.refused("bob", &["postmortem", "follow-up", "ticket", "schema", "tickets"]);
    ensure!(again.contains(&schema), "{again}");

    // A console is open; somebody closes both in the tracker.
    let home = room.path("alice");
    let (config, state) = (home.join("config.toml"), home.join("state"));
    let (config, state) = (config.display().to_string(), state.display().to_string());
    let console = Program::quarterdeck(&["--config", &config, "--state-dir", &state]);
    let mut session = Start::new(console).size(120, 40).start();
    session.wait_for_text("1 Bridge");
    roundup.admin(&["set", &schema, "status=resolved"])?;
    roundup.admin(&["set", &called, "status=resolved"])?;
    let one = eventually("both are seen closed", PATIENCE, || {
        let both = (stands(&room, "schema")?, stands(&room, "called")?);
        ensure!(
            both.0["ticket"]["state"] == "resolved" && both.1["ended_at"] != Value::Null,
            "{both:#?}"
        );
        Ok(both)
    })?;
    // What has no check is done; what has one is not.
    assert_eq!((&one.0["ended_at"], &one.1["done"]), (&Value::Null, &Value::Bool(true)));
    let (_, timeline, _) = room.run("bob", &["timeline"]);
    ensure!(timeline.contains("stays open, its check has not passed"), "{timeline}");
    let no = room.refused("alice", &["postmortem", "follow-up", "done", "schema"]);
    ensure!(no.contains("is not done before its check passed"), "{no}");
    let no = room.refused("alice", &["postmortem", "follow-up", "check", "schema", "I saw it"]);
    ensure!(no.contains("somebody else has to vouch"), "{no}");
    follow("bob", &["check", "schema", "tried it on Monday, it was refused"]);
    follow("alice", &["done", "schema"]);

    // Taken up again there, it is open again here.
    roundup.admin(&["set", &called, "status=in-progress"])?;
    eventually("it is open again", PATIENCE, || {
        let one = stands(&room, "called")?;
        ensure!(
            one["ended_at"] == Value::Null && one["ticket"]["state"] == "in-progress",
            "{one:#}"
        );
        Ok(())
    })?;
    session.send("q");
    room.log_is_whole();
    Ok(())
}
