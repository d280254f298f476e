//! Two real consoles on one log: what one does, the other shows.

use anyhow::ensure;
use pretty_assertions::assert_eq;
use quarterdeck::domain::Timestamp;
use quarterdeck::eventlog::{Hybrid, Origin, Record, Signer};
use rusqlite::{Connection, params};
use serde_json::Value;

use super::desk::Desk;
use super::lab::{PATIENCE, eventually};
use super::pty::Session;

fn both(desk: &Desk) -> [Session; 2] {
    let mut consoles = ["alice", "bob"].map(|who| desk.start(who).start());
    consoles.iter_mut().for_each(|console| console.wait_for_text("1 Bridge"));
    consoles
}

#[test]
fn whoever_follows_sees_the_commanders_screen_until_they_move_themselves() {
    let desk = Desk::new("");
    let [mut alice, mut bob] = both(&desk);
    desk.said("alice", &["declare", "SEV-2", "checkout fails"]);
    bob.wait_for_text("IC alice");
    alice.wait_for_text("IC alice");
    bob.send("f");
    for (key, open) in [("3", "▸3 SLOs"), ("6", "▸6 Incident"), ("S", "▸S Sources")] {
        alice.send(key);
        alice.wait_for_text(open);
        bob.wait_for_text(open);
    }
    // One key of one's own ends it.
    bob.send("1");
    bob.wait_for_text("▸1 Bridge");
    alice.send("6");
    alice.wait_for_text("▸6 Incident");
    bob.catch_up();
    assert!(bob.text().contains("▸1 Bridge"), "{}", bob.picture());
    bob.send("f");
    bob.wait_for_text("▸6 Incident");
}

#[test]
fn an_incident_that_went_into_another_is_merged_in_both_consoles_and_in_the_shell() {
    let desk = Desk::new("");
    let [mut alice, mut bob] = both(&desk);
    let declare = |who: &str, title: &str| {
        let said = desk.said(who, &["declare", "SEV-2", title]);
        said.split_whitespace().find(|word| word.starts_with("INC-")).unwrap().to_owned()
    };
    let (kept, gone) = (declare("alice", "checkout fails"), declare("bob", "cards declined"));
    for console in [&mut alice, &mut bob] {
        console.send("6");
        console.wait_for_text("+1");
        console.wait_for_text(&format!("SEV-2 {kept}"));
        console.send("]");
        console.wait_for_text(&format!("SEV-2 {gone}"));
    }
    desk.said("bob", &["note", "--incident", &gone, "only visa"]);
    bob.wait_for_text("only visa");
    alice.send(&format!(":merge {kept}\r"));
    bob.wait_for_text("merged into");
    let live = |who: &str| -> Vec<String> {
        let all: Value = serde_json::from_str(&desk.said(who, &["incidents", "--json"])).unwrap();
        let all = all["incidents"].as_array().unwrap().clone();
        let live = all.iter().filter(|one| one["merged_into"].is_null());
        live.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    eventually("one goes on", PATIENCE, || {
        ensure!(live("bob") == [kept.clone()], "{:?}", live("bob"));
        Ok(())
    })
    .unwrap();
    assert_eq!(live("alice"), live("bob"));
    // What was written in the other one stays to be read there, with where it went.
    let told = desk.said("bob", &["timeline", "--incident", &gone]);
    assert!(told.contains("only visa"), "{told}");
    assert!(told.contains(&format!("alice merged this into {kept}, which goes on")), "{told}");
}

/// A record as a later version would write it: whole and signed, of a kind nobody knows here.
fn of_a_later_version(desk: &Desk, incident: &str) {
    let (signer, origin) = (Signer::from_seed(&[7; 32]), Origin([8; 16]));
    let wall = Timestamp::from_millis(1_795_000_000_000);
    let record = Record {
        version: 2,
        incident: incident.to_owned(),
        origin,
        seq: 0,
        prev: None,
        seen: Vec::new(),
        hybrid: Hybrid::default().next(wall),
        wall,
        actor: "grace".to_owned(),
        key: signer.id(),
        kind: "foreseen".to_owned(),
        body: vec![1, 2, 3],
    };
    let sealed = record.seal(&signer).unwrap();
    let put = "INSERT INTO record (id, incident, origin, seq, bytes) VALUES (?1, ?2, ?3, 0, ?4)";
    let row = params![sealed.id.0, incident, origin.0, sealed.bytes];
    store(desk).execute(put, row).unwrap();
}

fn store(desk: &Desk) -> Connection {
    Connection::open(desk.path("state/log.sqlite")).unwrap()
}

#[test]
fn beside_a_newer_version_a_console_goes_on_and_says_what_it_cannot_show() {
    let desk = Desk::new("");
    let [mut alice, mut bob] = both(&desk);
    let said = desk.said("alice", &["declare", "SEV-2", "checkout fails"]);
    let id = said.split_whitespace().find(|word| word.starts_with("INC-")).unwrap();
    alice.wait_for_text("IC alice");

    // It writes what nobody here understands: said once, kept, and all else goes on.
    of_a_later_version(&desk, id);
    for console in [&mut alice, &mut bob] {
        console.wait_for_text("1 record of the log is of a newer Quarterdeck");
    }
    alice.send("6nstill here\r");
    bob.send("6");
    bob.wait_for_text("still here");
    let audit = desk.said("bob", &["audit", "verify"]);
    assert!(audit.contains("newer version"), "{audit}");

    // It changes the file's form: nothing more is put in, and what was typed stays in its form, as a draft.
    store(&desk).pragma_update(None, "user_version", 99).unwrap();
    // What is typed while a form is being saved goes nowhere: its frame is the one after the entry's.
    alice.wait_until("the form is closed", |s| {
        s.contents().contains("O alice still here") && !s.contents().contains("keep as draft")
    });
    alice.send("nwritten too late\r");
    // A word is never cut in two, wherever the sentence is.
    alice
        .wait_until("why", |s| ["newer", "(schema"].iter().all(|word| s.contents().contains(word)));
    assert!(alice.text().contains("written too late"), "{}", alice.picture());
    alice.send("\x1b");
    alice.wait_until("it is kept", |s| !s.contents().contains("keep as draft"));
    alice.send("n");
    alice.wait_for_text("written too late");
    let put_in = |words: &str| -> u32 {
        let count = "SELECT count(*) FROM record WHERE instr(bytes, CAST(?1 AS BLOB)) > 0";
        store(&desk).query_row(count, [words], |row| row.get(0)).unwrap()
    };
    assert_eq!(["still here", "too late"].map(put_in), [1, 0]);
}
