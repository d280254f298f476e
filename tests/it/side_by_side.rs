//! Two real consoles on one log: what one does, the other shows.

use anyhow::ensure;
use pretty_assertions::assert_eq;
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
