//! A terminal that nobody reads: a line that hangs, a laptop that sleeps. What is typed and what is under way
//! is recorded all the same, and whoever reads again sees a whole screen.

use pretty_assertions::assert_eq;

use crate::cli::Home;
use crate::lab::{PATIENCE, eventually};

/// Whole frames sent meanwhile: many times what a terminal's queue holds.
const FRAMES: usize = 30;
const REDRAW: &str = "\x0c";

#[test]
fn what_is_done_behind_a_line_that_hangs_is_recorded_and_seen_when_it_is_back() {
    let home = Home::with(&[("config.toml", "me = \"alice\"\n"), ("catalog.toml", "")]);
    assert_eq!(home.run(&["declare", "SEV-2", "cards declined"]).code, 0);
    let mut session = home.console().size(400, 150).start();
    session.wait_for_text("1 Bridge");
    session.send("6");
    session.wait_for_text("▸ Timeline");
    let mut note = |text: &str| {
        session.send(&format!("{REDRAW}n{text}\r"));
        eventually("it is on the timeline", PATIENCE, || {
            let told = home.run(&["timeline"]).out;
            anyhow::ensure!(told.contains(text), "{text}: {told}");
            Ok(())
        })
        .unwrap();
    };
    (0..FRAMES).for_each(|n| note(&format!("<{n:03}>")));

    session.wait_for_text(&format!("<{:03}>", FRAMES - 1));
    session.send("q");
    session.wait_for_text("It is still going on.");
    session.send("\r");
    assert!(session.exit_status().success());
}
