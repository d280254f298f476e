//! What a console started anew knows of what an earlier one saw.

use pretty_assertions::assert_eq;

use super::*;

/// Another console, which recalls what this one knew.
fn restarted(room: &Room, secs: i64) -> Room {
    let mut next = Room::new();
    next.model.recall(room.model.remembered(100), at(secs));
    next
}

#[test]
fn an_alert_that_went_while_prometheus_was_dead_stays_lost_after_a_restart() {
    let mut room = Room::new();
    room.evaluates("prom", 0, vec![rule("TargetDown", -1, true)]);
    room.sees("am-1", 1, vec![alert("f1", 0, DOWN)]);
    room.sees("am-1", 300, vec![]);
    room.model.tick(at(310));
    assert!(matches!(room.sight("f1"), Some(Sight::Lost { .. })), "{:?}", room.sight("f1"));

    let mut next = restarted(&room, 400);
    assert!(matches!(next.sight("f1"), Some(Sight::Lost { since, .. }) if *since == at(300)));
    assert_eq!(next.titles(), ["TargetDown checkout"]);
    next.sees("am-1", 401, vec![]);
    next.model.tick(at(600));
    assert!(matches!(next.sight("f1"), Some(Sight::Lost { .. })), "{:?}", next.sight("f1"));
    // Only a Prometheus that has looked for ten minutes ends it.
    for secs in (600..1_300).step_by(5) {
        next.sees("am-1", secs, vec![]);
        next.evaluates("prom", secs, vec![rule("TargetDown", secs - 1, false)]);
    }
    assert!(matches!(next.sight("f1"), Some(Sight::Resolved { .. })), "{:?}", next.sight("f1"));
}

#[test]
fn an_alert_that_goes_while_no_console_runs_is_lost_and_not_forgotten() {
    let mut room = Room::new();
    room.evaluates("prom", 0, vec![rule("TargetDown", -1, true)]);
    room.sees("am-1", 1, vec![alert("f1", 0, DOWN), alert("f2", 0, DOWN)]);

    let mut next = restarted(&room, 600);
    assert_eq!(next.sight("f1"), Some(&Sight::Stale { since: at(1) }));
    next.sees("am-1", 601, vec![alert("f2", 600, DOWN)]);
    next.model.tick(at(800));
    assert_eq!(next.sight("f2"), Some(&Sight::Stale { since: at(601) }));
    assert!(matches!(next.sight("f1"), Some(Sight::Lost { .. })), "{:?}", next.sight("f1"));
}

#[test]
fn what_is_over_or_old_or_of_a_source_no_longer_there_is_not_called_back() {
    let mut room = Room::new();
    room.evaluates("prom", 0, vec![rule("TargetDown", -1, true)]);
    room.sees("am-1", 1, vec![alert("f1", 0, DOWN), alert("f2", 0, DOWN)]);
    room.sees("am-1", 6, vec![alert("f2", 0, DOWN)]);
    room.evaluates("prom", 10, vec![rule("TargetDown", 9, true)]);
    assert_eq!(room.sight("f1"), Some(&Sight::Resolved { at: at(6) }));
    let next = restarted(&room, 20);
    assert_eq!((next.sight("f1"), next.sight("f2").is_some()), (None, true));
    assert_eq!(restarted(&room, 2 * 86_400).titles(), [] as [&str; 0]);
    let mut other = Room::bare();
    other.model.recall(room.model.remembered(100), at(20));
    assert_eq!(other.titles(), [] as [&str; 0]);
}
