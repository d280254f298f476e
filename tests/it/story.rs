//! The whole story on real servers, by keys in real terminals: a bad build goes out, alice commands, bob approves
//! with a key of his own, Buildbot takes the build back at HAProxy, Prometheus shows that it helped, and the
//! review writes itself.
//!
//! Told undisturbed, and with the console killed by SIGKILL after each step: nothing may be lost then, and
//! nothing doubled, counted where it arrived.

mod hands;
mod review;
mod room;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use pretty_assertions::assert_eq;
use serde_json::Value;

use crate::lab::{PATIENCE, eventually};
use hands::Hands;
use room::Room;

const CTRL_O: &str = "\x0f";
/// The watch takes a minute, and whoever was killed before it waits to be noticed.
const WATCH: Duration = Duration::from_secs(150);
/// What is to be done so that it does not happen again.
const FOLLOW_UP: &str = "judge the canary before it gets half of the users";

#[test]
fn a_bad_canary_is_taken_back_by_two_people_and_its_review_writes_itself() -> Result<()> {
    let Some(room) = Room::start_or_skip()? else { return Ok(()) };
    told(&room, false)
}

#[test]
fn with_a_console_killed_after_each_step_nothing_is_lost_and_nothing_doubled() -> Result<()> {
    let Some(room) = Room::start_or_skip()? else { return Ok(()) };
    told(&room, true)
}

/// Waits for what the screens do not show, while both terminals are read.
fn until(
    (one, other): (&mut Hands<'_>, &mut Hands<'_>),
    what: &str,
    patience: Duration,
    mut ask: impl FnMut() -> Result<()>,
) -> Result<()> {
    eventually(what, patience, || {
        one.reads_on();
        other.reads_on();
        ask()
    })
}

fn told(room: &Room, violent: bool) -> Result<()> {
    let (mut alice, mut bob) = (Hands::of(room, "alice", violent), Hands::of(room, "bob", violent));
    alice.sees("checkout answers, today");
    room.ship("checkout-1.5.0", "baskets are priced anew", None)?;
    room.lab.set_weights(50, 50)?;

    declared(room, &mut alice)?;
    updated(room, &mut alice, &mut bob)?;
    taken_back(room, &mut alice, &mut bob)?;
    recovered(room, &mut alice, &mut bob)?;
    resolved(room, &mut alice)?;
    review::written(room, &mut alice)?;

    // Whatever was killed: each thing happened once, where it happened. What a killed console left under way
    // is looked for after a minute by another.
    let once = Counted { builds: 1, updates: 1, tickets: 2 };
    until((&mut alice, &mut bob), "all has arrived", WATCH, || {
        let counted = counted(room)?;
        ensure!(counted == once, "{counted:?}");
        Ok(())
    })?;
    until((&mut alice, &mut bob), "nothing waits any more", WATCH, || {
        let waits = room.json("alice", &["incidents", &room.incident(), "--json"])["waits"].clone();
        ensure!(waits == Value::Array(Vec::new()), "{waits:#}");
        Ok(())
    })?;
    assert_eq!(counted(room)?, once);
    once_each(room)?;
    for name in ["alice", "bob"] {
        let said = room.said(name, &["audit", "verify"]);
        assert!(said.starts_with("whole: ") && said.contains("allowed by policy.toml"), "{said}");
    }
    if violent {
        let (of_alice, of_bob) = (alice.killed, bob.killed);
        assert!(of_alice >= 8 && of_bob >= 2, "killed {of_alice} and {of_bob} times");
    }
    alice.leaves();
    bob.leaves();
    Ok(())
}

/// From the alert to who does what.
fn declared(room: &Room, alice: &mut Hands<'_>) -> Result<()> {
    alice.types("2");
    alice.sees("ErrorBudgetBurnFast");
    alice.types("/ErrorBudgetBurnFast\r");
    alice.sees("1 of ");
    alice.fills("d", "─ Declare from ErrorBudgetBurnFast", CTRL_O, "alice commands INC-");
    alice.does(":role scribe bob\r", "bob is scribe now");
    let id = room.incident();
    let incident = &room.json("bob", &["incidents", &id, "--json"])["incident"];
    let said = ["severity", "commander", "status"].map(|key| &incident[key]);
    assert_eq!(said, ["SEV-1", "alice", "investigating"]);
    Ok(())
}

/// Customers are told, once bob has read what they are told.
fn updated(room: &Room, alice: &mut Hands<'_>, bob: &mut Hands<'_>) -> Result<()> {
    alice.fills("6u", "─ Update of INC-", CTRL_O, "The external update waits");
    assert_eq!(counted(room)?.updates, 0, "nothing goes out before somebody else has read it");
    bob.goes_to("Updates");
    bob.does("a", "approved, not sent");
    alice.goes_to("Updates");
    alice.sees("approved, not sent");
    alice.does("X", "published external update");
    Ok(())
}

/// The suspect, the card, the second key, the pipeline, and what HAProxy says of it.
fn taken_back(room: &Room, alice: &mut Hands<'_>, bob: &mut Hands<'_>) -> Result<()> {
    alice.types("6I");
    alice.sees("─ Suspects");
    alice.sees("checkout-1.5.0");
    alice.types("\x1b");
    alice.sees_no_more("─ Suspects");

    alice.types("r");
    alice.sees("─ Run in INC-");
    for line in [
        "to_version = checkout-1.4.2",
        "A second person has to approve it: bob.",
        "runs now: checkout-1.5.0",
        "ran before: checkout-1.4.2",
        "changed by: dora",
    ] {
        alice.sees(line);
    }
    alice.does(&format!("\t\t1.5.0 fails{CTRL_O}"), "waits for a second person");
    let release = room.run("alice", &["action", "release", "Roll"]);
    assert_eq!(release.status.code(), Some(2), "{release:?}");

    bob.goes_to("Runs");
    bob.fills("a", "─ Approve: Roll checkout back", &format!("read it{CTRL_O}"), "may be released");

    // The build waits, so that consoles die while it is under way.
    room.farm.hold(true);
    alice.goes_to("Runs");
    alice.sees("may be released");
    alice.fills("X", "─ Release: Roll checkout back", CTRL_O, "begins in");
    until((alice, bob), "Buildbot builds", WATCH, || {
        ensure!(room.farm.builds()? == 1, "it does not");
        Ok(())
    })?;
    alice.may_die();
    bob.may_die();
    assert!(weight(room, "canary")? > 0, "the build waits");
    room.farm.hold(false);
    until((alice, bob), "HAProxy sends nobody to the canary", PATIENCE, || {
        let weights = (weight(room, "stable")?, weight(room, "canary")?);
        ensure!(weights == (100, 0), "{weights:?}");
        Ok(())
    })
}

/// What HAProxy itself says is in force.
fn weight(room: &Room, server: &str) -> Result<u32> {
    let said = room.lab.haproxy(&format!("get weight checkout/{server}"))?;
    said.split(' ').next().unwrap_or_default().parse().context(said)
}

fn recovered(room: &Room, alice: &mut Hands<'_>, bob: &mut Hands<'_>) -> Result<()> {
    alice.goes_to("Runs");
    alice.sees_within(WATCH, "done, watched for");
    alice.may_die();
    until((alice, bob), "it is judged", WATCH, || {
        let runs = room.json("bob", &["action", "status", "--json"]);
        let run = &runs["runs"][0];
        ensure!(run["standing"] != "watched", "{run:#}");
        Ok(())
    })?;
    let runs = room.json("bob", &["action", "status", "--json"]);
    assert_eq!(runs["runs"][0]["verdict"], "recovered", "{runs:#}");
    assert!(!room.lab.fires("ErrorBudgetBurnFast", "checkout")?);
    Ok(())
}

fn resolved(room: &Room, alice: &mut Hands<'_>) -> Result<()> {
    alice.types("6");
    alice.does(":resolve errors are gone\r", "resolved");
    let incident = &room.json("bob", &["incidents", &room.incident(), "--json"])["incident"];
    assert_eq!(incident["status"], "resolved", "{incident:#}");
    Ok(())
}

/// What arrived where.
#[derive(Debug, PartialEq)]
struct Counted {
    builds: usize,
    updates: usize,
    tickets: usize,
}

fn counted(room: &Room) -> Result<Counted> {
    let updates = std::fs::read_to_string(room.path("updates.txt")).unwrap_or_default();
    Ok(Counted {
        builds: room.farm.builds()?,
        updates: updates.matches("We will post the next update by").count(),
        tickets: room.roundup.admin(&["list", "issue"])?.lines().count(),
    })
}

/// What was done is on the record once, by whom it was done.
fn once_each(room: &Room) -> Result<()> {
    let told = room.json("bob", &["timeline", "-i", &room.incident(), "--json"]);
    let told = told["timeline"].as_array().context("no timeline")?;
    for words in [
        "declared SEV-1",
        "took command",
        "made bob scribe",
        "wrote an external update",
        "approved update",
        "published external update",
        "proposed \\\"Roll checkout back\\\"",
        "approved \\\"Roll checkout back\\\"",
        "released \\\"Roll checkout back\\\"",
        "\\\"Roll checkout back\\\" begins",
        "\\\"Roll checkout back\\\": recovered",
        "-> resolved",
        "wrote down the follow-up",
        "asked tickets for a ticket of the follow-up",
        "is tickets issue2",
    ] {
        let lines: Vec<String> = told.iter().map(Value::to_string).collect();
        let of_it: Vec<_> = lines.iter().filter(|line| line.contains(words)).collect();
        assert_eq!(of_it.len(), 1, "{words}: {lines:#?}");
    }
    Ok(())
}
