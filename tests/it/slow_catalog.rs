//! A catalog that takes its time to be read: the console is on screen before, says so, and loses no key.

use std::process::Command;

use crate::hostile::server::{Hostile, Kind};
use crate::hostile::{Config, shows};
use crate::pty::{Session, patience};

const CATALOG: &str = r#"version = 1
[[service]]
name = "shop"
owner = "team-shop"
runbook = "shop.md"
[[slo]]
name = "shop-answers"
title = "answers without error"
service = "shop"
objective = "99.9%"
period = "30d"
bad = 'sum(rate(bad_total[$window]))'
total = 'sum(rate(all_total[$window]))'
"#;

/// A console whose catalog names a runbook that nobody has written yet: a pipe, which keeps its reader waiting.
fn opened() -> (Config, Hostile, Session) {
    let am = Hostile::start(Kind::Alertmanager);
    let config = Config::of(&[("am", Kind::Alertmanager, &am.url(), "")]);
    std::fs::write(config.folder.path().join("catalog.toml"), CATALOG).unwrap();
    let pipe = config.folder.path().join("shop.md");
    assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
    let mut session = config.console();
    session.wait_for_text("reading the catalog");
    (config, am, session)
}

#[test]
fn what_is_typed_while_the_catalog_is_read_is_done_once_it_is_there() {
    let (config, _am, mut session) = opened();
    let text = session.text();
    assert!(text.contains("… the catalog is being read"), "{text}");
    assert!(!text.contains("No objectives are declared"), "{text}");
    session.send("3j");
    // Its clock goes on, and nothing is asked of anybody before it is known what to ask.
    let frames = session.frames();
    session.wait_within(patience(), "another second", |session| session.frames() > frames);
    assert!(!session.text().contains("answers without error"), "{}", session.text());
    std::fs::write(config.folder.path().join("shop.md"), "# Shop\n").unwrap();
    let done = |session: &Session| {
        let text = session.text();
        text.contains("answers without error") && text.contains("team-shop")
    };
    session.wait_within(patience(), "the objective with its owner", done);
    let text = session.text();
    assert!(!text.contains("reading the catalog"), "{text}");
    session.send("q");
    assert!(session.exit_status().success());
}

#[test]
fn a_catalog_that_never_comes_keeps_nobody_from_leaving() {
    let (_config, _am, mut session) = opened();
    session.resize(100, 30);
    session.wait_within(patience(), "the smaller screen", shows("reading the catalog"));
    session.send("q");
    assert!(session.exit_status().success());
    assert_eq!(session.modes(), crate::pty::Modes::PLAIN);
}
