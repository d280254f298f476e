//! A commander's way over the map, in a real terminal with the demo's recording.

use super::{Program, Session, Start};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];
const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo.qdtape");

/// The recording standing still at a moment, so that what is waited for does not pass.
fn demo(from: &str, size: (u16, u16)) -> Session {
    let demo = Program::quarterdeck(&["demo", RECORDING, "--from", from, "--paused"]);
    let mut session = Start::new(demo).size(size.0, size.1).start();
    session.wait_for_text("DEMO ⏸");
    session
}

fn gone(session: &mut Session, text: &str) {
    session.wait_until(&format!("{text} is gone"), |s| !s.contents().contains(text));
}

#[test]
fn the_map_is_walked_focused_and_asked_what_hangs_from_a_service() {
    for size in SIZES {
        let mut session = demo("2m30s", size);
        session.send("4");
        session.wait_for_text("▲ checkout");
        session.wait_for_text("Around checkout");
        session.send("h");
        session.send("z");
        session.wait_for_text("Around gateway");
        session.send("b");
        session.wait_for_text("─ Without gateway");
        session.send("\x1b");
        gone(&mut session, "─ Without gateway");
        session.send("\t");
        session.wait_for_text("Not well, and what connects it");
        session.send("\t");
        session.wait_for_text("The whole map · 6");
    }
}

/// Nothing more is due by the clock then, and all the same what was studied of that moment is shown.
#[test]
fn a_moment_that_stands_still_shows_what_runs_out_and_what_was_seen_of_the_calls() {
    let mut session = demo("2m30s", SIZES[1]);
    session.send("5");
    session.wait_for_text("full in");
    session.send("4");
    session.wait_for_text("payments: hard, 40");
    session.send("1");
    session.wait_for_text("2 callees, 1 caller, of 1 nothing recent");
}
