//! Changes told on a subject of a real NATS: kept by a stream for whoever looks later, or heard while it is said.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::Home;
use crate::hostile::shows;
use crate::lab::{PATIENCE, eventually, free_ports};
use crate::rig::Rig;

const PASSWORD: &str = "hunter2-marked";

/// A NATS with streams, for whoever knows the password.
fn hub(rig: &mut Rig) -> Result<u16> {
    let port = free_ports(1)?[0];
    let (number, store) = (port.to_string(), rig.dir().join("jetstream").display().to_string());
    let args = ["-a", "127.0.0.1", "-p", &number, "-js", "-sd", &store];
    rig.run("nats", "nats-server", &[&args[..], &["--user", "ci", "--pass", PASSWORD]].concat())?;
    eventually("NATS answers", PATIENCE, || said(port, &[]).map(drop))?;
    Ok(port)
}

/// What a deployment does: says something on subjects, and hears what it is answered on `answer`.
fn said(port: u16, messages: &[(&str, &str)]) -> Result<Vec<Value>> {
    let mut to = TcpStream::connect(("127.0.0.1", port))?;
    to.set_read_timeout(Some(Duration::from_secs(10)))?;
    let hello = json!({ "verbose": false, "user": "ci", "pass": PASSWORD });
    let mut text = format!("CONNECT {hello}\r\nSUB answer 1\r\n");
    for (subject, message) in messages {
        let reply = if subject.starts_with("$JS") { " answer" } else { "" };
        text.push_str(&format!("PUB {subject}{reply} {}\r\n{message}\r\n", message.len()));
    }
    to.write_all((text + "PING\r\n").as_bytes())?;
    let wanted = messages.iter().filter(|(subject, _)| subject.starts_with("$JS")).count();
    let (mut answers, mut heard) = (Vec::new(), false);
    let mut lines = BufReader::new(to).lines();
    while !heard || answers.len() < wanted {
        let line = lines.next().context("it hung up")??;
        ensure!(!line.starts_with("-ERR"), "{line}");
        heard |= line == "PONG";
        answers.extend(serde_json::from_str::<Value>(&line).ok());
    }
    Ok(answers)
}

fn line(id: &str, title: &str) -> String {
    let id = if id.is_empty() { Value::Null } else { json!(id) };
    let mut line = json!({ "at": "2026-11-22T18:04:00Z", "title": title, "service": "cart" });
    if !id.is_null() {
        line["id"] = id;
    }
    line.to_string()
}

fn home(port: u16, more: &str) -> Home {
    let source = format!(
        "[[source]]\nname = \"hub\"\nkind = \"changes-nats\"\nurl = \"nats://127.0.0.1:{port}\"\n\
         subject = \"ops.changes.>\"\ninterval = \"1s\"\n{more}\n\
         auth = {{ basic = {{ user = \"ci\", password = {{ env = \"PASSWORD\" }} }} }}\n"
    );
    Home::with(&[("config.toml", &source), ("catalog.toml", "")])
}

/// Id and title of each change, whether that is all, and what `doctor` says.
type Told = (Vec<(String, String)>, bool, String);

/// What `changes --json` says, and `doctor`.
fn told(home: &Home, password: &str) -> Result<Told> {
    let run = |args: &[&str]| home.command(args).env("PASSWORD", password).output();
    let said: Value = serde_json::from_slice(&run(&["changes", "--json"])?.stdout)?;
    let text = |change: &Value, key: &str| change[key].as_str().unwrap_or("-").to_owned();
    let all = said["changes"].as_array().context("no changes")?.iter();
    let all = all.map(|change| (text(change, "id"), text(change, "title"))).collect();
    let doctor = run(&["doctor"])?;
    let doctor = [doctor.stdout, doctor.stderr].concat();
    let doctor = String::from_utf8(doctor)?.split_whitespace().collect::<Vec<_>>().join(" ");
    ensure!(!doctor.contains(PASSWORD), "the password is shown");
    Ok((all, said["complete"] == true, doctor))
}

#[test]
fn what_a_stream_keeps_is_told_to_whoever_looks_later() -> Result<()> {
    let Some(mut rig) = Rig::new_or_skip(&["nats-server"])? else { return Ok(()) };
    let port = hub(&mut rig)?;
    let stream = json!({ "name": "CHANGES", "subjects": ["ops.changes.>"], "storage": "file" });
    let made = said(port, &[("$JS.API.STREAM.CREATE.CHANGES", &stream.to_string())])?;
    ensure!(made[0]["error"].is_null(), "{made:?}");
    let two = format!("{}\n{}\n", line("a", "cart v1"), line("b", "cart v2"));
    said(
        port,
        &[
            ("ops.changes.cart", &two),
            ("ops.changes.cart", &line("b", "cart v2, again")),
            ("ops.changes.web", &line("", "web v1")),
            ("ops.changes.web", &line("", "web v1")),
            ("ops.changes.web", "<html>"),
            ("ops.other", &line("c", "no change")),
        ],
    )?;
    let kept = home(port, "stream = \"CHANGES\"");
    let (mut all, complete, _) = told(&kept, PASSWORD)?;
    all.sort();
    ensure!(complete, "{all:?}");
    let named = all.iter().find(|(_, title)| title == "web v1").context("no web")?.0.clone();
    ensure!(named.starts_with("message/"), "{named}");
    let expected = [("a", "cart v1"), ("b", "cart v2, again"), (&named, "web v1")];
    assert_eq!(all, expected.map(|(id, title)| (id.to_owned(), title.to_owned())));
    // The same again, also after the server was started anew.
    rig.server("nats")?.kill()?;
    rig.server("nats")?.restart()?;
    eventually("NATS is back", PATIENCE, || said(port, &[]).map(drop))?;
    assert_eq!(told(&kept, PASSWORD)?.0.len(), 3);

    let (none, complete, doctor) = told(&home(port, "stream = \"OTHER\""), PASSWORD)?;
    assert_eq!((none.as_slice(), complete), (&[][..], false));
    ensure!(doctor.contains("does not give us the stream OTHER: stream not found."), "{doctor}");
    let (none, complete, doctor) = told(&kept, "wrong")?;
    assert_eq!((none.as_slice(), complete), (&[][..], false));
    ensure!(doctor.contains("does not accept our credentials"), "{doctor}");
    // Without the stream nothing was heard, and that is no failure.
    assert_eq!(told(&home(port, ""), PASSWORD)?.0, []);
    Ok(())
}

#[test]
fn what_is_said_while_the_console_runs_is_on_its_screen_also_after_the_server_was_away()
-> Result<()> {
    let Some(mut rig) = Rig::new_or_skip(&["nats-server"])? else { return Ok(()) };
    let port = hub(&mut rig)?;
    let home = home(port, "");
    let mut session = home.console().env("PASSWORD", PASSWORD).size(120, 40).start();
    session.send("S");
    session.wait_within(PATIENCE, "fresh", shows(" fresh "));
    said(port, &[("ops.changes.cart", &line("a", "cart v41 goes out"))])?;
    session.send("7");
    session.wait_within(PATIENCE, "the change", shows("cart v41 goes out"));
    rig.server("nats")?.kill()?;
    session.send("S");
    session.wait_within(PATIENCE, "it is said", shows("does not listen"));
    rig.server("nats")?.restart()?;
    eventually("NATS is back", PATIENCE, || said(port, &[]).map(drop))?;
    session.send("R");
    session.wait_within(PATIENCE, "fresh again", |s| !s.text().contains("does not listen"));
    session.wait_within(PATIENCE, "fresh again", shows(" fresh "));
    said(port, &[("ops.changes.cart", &line("b", "cart v42 goes out"))])?;
    session.send("7");
    session.wait_within(PATIENCE, "what was said before and what came since", |s| {
        ["cart v41 goes out", "cart v42 goes out"].iter().all(|title| s.text().contains(title))
    });
    session.send("q");
    ensure!(session.exit_status().success());
    Ok(())
}
