//! `quarterdeck action run --wait`: a script carries out what was released and stays until real servers have shown
//! whether it helped; the exit code says which.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::lab::{Lab, Options, PATIENCE, eventually};
use crate::pty::own_home;

/// One thing that helps, and one that does not.
const PLAYBOOK: &str = r#"
[[pipeline]]
name = "balancer"
kind = "haproxy"
socket = "@SOCKET@"
[[procedure]]
name = "keep-canary"
title = "Keep the canary"
kind = "canary"
service = "checkout"
second_person = false
cancel_window = "1s"
[[procedure.step]]
pipeline = "balancer"
backend = "checkout"
server = "canary"
weight = "50"
[procedure.verify]
slos = ["checkout-answers"]
window = "20s"
[[procedure]]
name = "drop-canary"
title = "Drop the canary"
kind = "rollback"
service = "checkout"
second_person = false
cancel_window = "1s"
[[procedure.step]]
pipeline = "balancer"
backend = "checkout"
server = "canary"
weight = "0"
[procedure.verify]
slos = ["checkout-answers"]
window = "45s"
"#;

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

/// A script's quarterdeck: exit code, what it printed, what it complained of.
struct Script(Lab);

impl Script {
    fn start_or_skip() -> Result<Option<Self>> {
        let Some(lab) = Lab::start_or_skip(&Options::default())? else { return Ok(None) };
        let config = lab.console_config()?;
        let sources = fs::read_to_string(&config)?.replace("\"5s\"", "\"2s\"");
        fs::write(&config, sources)?;
        let home = config.parent().context("it lies in a folder")?;
        let catalog = fs::read_to_string(home.join("catalog.toml"))?;
        fs::write(home.join("catalog.toml"), catalog + OBJECTIVE)?;
        let socket = lab.dir().join("haproxy.sock").display().to_string();
        fs::write(home.join("playbook.toml"), PLAYBOOK.replace("@SOCKET@", &socket))?;
        Ok(Some(Self(lab)))
    }

    fn run(&self, args: &[&str]) -> Result<(i32, String, String)> {
        let home = self.0.dir().join("console");
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        own_home(&mut command, &home);
        command.arg("--config").arg(home.join("config.toml"));
        command.arg("--state-dir").arg(home.join("state"));
        let output = command.args(args).stdin(Stdio::null()).output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code().unwrap_or(-1);
        Ok((code, text(&output.stdout), text(&output.stderr)))
    }

    fn done(&self, args: &[&str]) -> Result<()> {
        let (code, out, err) = self.run(args)?;
        ensure!(code == 0, "{args:?}: {out}{err}");
        Ok(())
    }

    fn released(&self, procedure: &str, title: &str) -> Result<()> {
        self.done(&["action", "propose", procedure])?;
        self.done(&["action", "release", title, "--type", procedure])
    }

    /// How each run of the incident stands, oldest first, and its verdict.
    fn runs(&self) -> Result<Vec<(Value, Value)>> {
        let said: Value = serde_json::from_str(&self.run(&["action", "status", "--json"])?.1)?;
        let runs = said["runs"].as_array().context("no runs")?.clone();
        Ok(runs.into_iter().map(|run| (run["standing"].clone(), run["verdict"].clone())).collect())
    }
}

#[test]
fn a_script_that_waits_learns_by_the_exit_code_whether_it_helped() -> Result<()> {
    let Some(script) = Script::start_or_skip()? else { return Ok(()) };
    let lab = &script.0;
    lab.set_weights(50, 50)?;
    // Long enough that it is known how it was before.
    eventually("checkout has burnt for a while", PATIENCE, || {
        let failing = "sum(rate(http_requests_total{service=\"checkout\",code=~\"5..\"}[10s])) > 0";
        let seen = lab.query(&format!("count_over_time(({failing})[30s:2s])"))?;
        ensure!(seen.is_some_and(|moments| moments >= 8.0), "{seen:?}");
        Ok(())
    })?;
    script.done(&["declare", "SEV-1", "checkout fails", "--service", "checkout"])?;

    // What does not help ends badly, and nobody has to look at a screen for it.
    script.released("keep-canary", "Keep")?;
    let (code, out, err) = script.run(&["action", "run", "--wait"])?;
    assert_eq!(code, 1, "{out}{err}");
    // A burn that still rose when it was released is worse afterwards; neither is a recovery.
    let kept = ["no change", "worse"]
        .into_iter()
        .find(|word| out.contains(&format!("Keep the canary: {word}")));
    let kept = kept.with_context(|| format!("{out}{err}"))?;
    ensure!(out.contains("checkout-answers: burn "), "its figures are printed: {out}");
    // Meanwhile it said what it waited for, and the figures whenever they changed.
    let judged = "Keep the canary: done; watched until ";
    let told: Vec<&str> = err.lines().filter(|line| line.starts_with(judged)).collect();
    ensure!(told.iter().any(|line| line.contains("; checkout-answers: burn ")), "{err}");
    ensure!(told.windows(2).all(|two| two[0] != two[1]), "nothing is said twice: {err}");
    ensure!(!out.contains("watched until"), "scripts read what came of it: {out}");

    // Whoever carried it out need not be who waits: what was missed is asked for.
    script.released("drop-canary", "Drop")?;
    script.done(&["action", "run", "--for", "30s"])?;
    assert_eq!(script.runs()?[1], (json!("watched"), Value::Null));
    let (code, out, err) = script.run(&["action", "run", "--wait"])?;
    assert_eq!(code, 0, "{out}{err}");
    ensure!(out.contains("Drop the canary: recovered"), "{out}{err}");
    let verdicts = [("verified", kept), ("verified", "recovered")];
    assert_eq!(script.runs()?, verdicts.map(|(stands, verdict)| (json!(stands), json!(verdict))));
    // It is recorded once, signed, and what is judged is not waited for again.
    let (code, ..) = script.run(&["action", "run", "--wait"])?;
    assert_eq!(code, 0);
    script.done(&["audit", "verify"])
}

#[test]
fn a_script_that_cannot_see_judges_nothing() {
    let room = crate::runs::Room::on("");
    let no = room.refused("alice", &["action", "run", "--wait"]);
    assert!(no.contains("none is configured"), "{no}");
}
