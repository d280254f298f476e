//! Firing, out of sight, lost or over.

use pretty_assertions::assert_eq;
use proptest::prelude::*;

use super::*;

fn lost(secs: i64, why: &str) -> Option<Sight> {
    let unsaid = why.starts_with("Nobody said");
    Some(Sight::Lost { since: at(secs), why: SafeText::new(why), unsaid })
}

#[test]
fn an_alert_is_over_when_its_rule_was_evaluated_since_and_does_not_fire() {
    let mut room = Room::new();
    room.evaluates("prom", 0, vec![rule("TargetDown", -1, true)]);
    room.sees("am-1", 1, vec![alert("f1", 0, DOWN)]);
    room.sees("am-1", 6, vec![]);
    // Prometheus has not answered since it went: nothing is claimed yet.
    assert_eq!(room.sight("f1"), Some(&Sight::Stale { since: at(6) }));
    room.evaluates("prom", 10, vec![rule("TargetDown", 9, false)]);
    assert_eq!(room.sight("f1"), Some(&Sight::Resolved { at: at(6) }));
    assert_eq!(room.titles(), [] as [&str; 0]);
    assert_eq!(room.model.alerts.resolved().len(), 1);
    // Forgotten after a quarter of an hour.
    room.model.tick(at(6 + 15 * 60));
    assert!(room.sight("f1").is_some());
    room.model.tick(at(7 + 15 * 60));
    assert_eq!(room.sight("f1"), None);
}

#[test]
fn a_dead_prometheus_is_not_a_repaired_fault() {
    // Recorded from real servers: kill -9 of Prometheus, the alert is gone from Alertmanager after
    // 238 s, though the target is still down.
    let mut room = Room::new();
    room.evaluates("prom", 0, vec![rule("TargetDown", -1, true)]);
    for secs in (0..240).step_by(5) {
        room.sees("am-1", secs, vec![alert("f1", 0, DOWN)]);
        room.model.tick(at(secs));
    }
    assert_eq!(room.sight("f1"), Some(&Sight::Firing));
    room.sees("am-1", 241, vec![]);
    room.model.tick(at(242));
    let why = "Prometheus prom has not answered since 14:00 UTC; the fault may go on.";
    assert_eq!(room.sight("f1").cloned(), lost(241, why));
    assert_eq!((room.model.alerts.counts().lost, room.titles()), (1, vec!["TargetDown checkout"]));

    // Days later it is still there, and one new answer does not make it over: `for` starts anew.
    room.model.tick(at(3 * 86_400));
    assert_eq!(room.sight("f1").cloned(), lost(241, why));
    let back = 3 * 86_400;
    room.evaluates("prom", back + 1, vec![rule("TargetDown", back, false)]);
    assert!(matches!(room.sight("f1"), Some(Sight::Lost { .. })), "{:?}", room.sight("f1"));
    // Ten quiet minutes do.
    for secs in (back + 6..back + 630).step_by(5) {
        room.evaluates("prom", secs, vec![rule("TargetDown", secs - 1, false)]);
    }
    assert!(matches!(room.sight("f1"), Some(Sight::Resolved { .. })), "{:?}", room.sight("f1"));
}

#[test]
fn what_keeps_an_alert_from_being_over_is_said() {
    let failing = |secs| {
        let mut rule = rule("TargetDown", secs, false);
        rule.error = SafeText::new("many-to-many matching");
        rule
    };
    for (rules, why) in [
        (
            vec![rule("TargetDown", 9, true)],
            "Alertmanager no longer reports it, but on Prometheus prom TargetDown still fires; the fault goes on.",
        ),
        (
            vec![rule("TargetDown", -20, false)],
            "Prometheus prom has not evaluated TargetDown since 13:59 UTC; the fault may go on.",
        ),
        (
            vec![failing(9)],
            "Prometheus prom cannot evaluate TargetDown without an error; the fault may go on.",
        ),
        (
            vec![rule("Other", 9, false)],
            "No Prometheus has a rule named TargetDown, so nothing shows that it is over; the fault may go on.",
        ),
        (
            // Two rules of one name: the one that fires counts.
            vec![rule("TargetDown", 9, false), rule("TargetDown", 9, true)],
            "Alertmanager no longer reports it, but on Prometheus prom TargetDown still fires; the fault goes on.",
        ),
    ] {
        let mut room = Room::new();
        room.evaluates("prom", 0, vec![rule("TargetDown", -1, true)]);
        room.sees("am-1", 1, vec![alert("f1", 0, DOWN)]);
        room.sees("am-1", 6, vec![]);
        room.evaluates("prom", 10, rules);
        assert_eq!(room.sight("f1").cloned(), lost(6, why));
    }
}

#[test]
fn one_instance_of_a_rule_may_end_while_another_goes_on() {
    let mut room = Room::new();
    room.evaluates("prom", 0, vec![rule("TargetDown", -1, true)]);
    room.sees("am-1", 1, vec![alert("f1", 0, DOWN), alert("f2", 0, DOWN)]);
    room.sees("am-1", 6, vec![alert("f2", 0, DOWN)]);
    room.evaluates("prom", 10, vec![rule("TargetDown", 9, true)]);
    assert_eq!(room.sight("f1"), Some(&Sight::Resolved { at: at(6) }));
    assert_eq!(room.sight("f2"), Some(&Sight::Firing));
}

#[test]
fn clocks_that_differ_do_not_make_an_old_evaluation_a_new_one() {
    let mut room = Room::new();
    // Prometheus is a minute ahead: its 14:00:50 was 13:59:50, before the alert was last told.
    let ahead = crate::domain::ClockOffset { offset: Span::from_secs(60), bound: Span::ZERO };
    room.tell("prom", 0, Observation::Clock(ahead));
    room.evaluates("prom", 0, vec![rule("TargetDown", 50, true)]);
    room.sees("am-1", 1, vec![alert("f1", 0, DOWN)]);
    room.sees("am-1", 6, vec![]);
    room.evaluates("prom", 10, vec![rule("TargetDown", 50, false)]);
    assert!(matches!(room.sight("f1"), Some(Sight::Lost { .. })), "{:?}", room.sight("f1"));
    room.evaluates("prom", 11, vec![rule("TargetDown", 70, false)]);
    assert_eq!(room.sight("f1"), Some(&Sight::Resolved { at: at(6) }));
}

#[test]
fn a_quiet_alertmanager_leaves_its_alerts_stale_until_it_answers() {
    let mut room = Room::new();
    room.sees("am-1", 0, vec![alert("f1", 0, DOWN)]);
    room.model.tick(at(12));
    assert_eq!(room.sight("f1"), Some(&Sight::Firing));
    let before = room.model.revision;
    room.model.tick(at(13));
    assert_eq!(room.sight("f1"), Some(&Sight::Stale { since: at(0) }));
    assert_eq!((room.model.alerts.groups[0].unseen, room.model.revision), (1, before + 1));
    room.model.tick(at(14));
    assert_eq!(room.model.revision, before + 1);
    room.sees("am-1", 20, vec![alert("f1", 0, DOWN)]);
    assert_eq!(room.sight("f1"), Some(&Sight::Firing));
}

#[test]
fn a_peer_that_still_reports_it_keeps_it_firing_and_one_that_is_quiet_does_not() {
    let mut room = Room::new();
    room.evaluates("prom", 0, vec![rule("TargetDown", -1, true)]);
    room.sees("am-1", 1, vec![alert("f1", 0, DOWN)]);
    room.sees("am-2", 2, vec![alert("f1", 0, DOWN)]);
    let seen_by = |room: &Room| room.model.alerts.alerts[&key("f1")].alert.seen_by.clone();
    assert_eq!(seen_by(&room), [SourceId::new("am-1"), SourceId::new("am-2")]);
    room.sees("am-1", 6, vec![]);
    assert_eq!(room.sight("f1"), Some(&Sight::Firing));
    assert_eq!(seen_by(&room), [SourceId::new("am-2")]);
    // am-2 dies; am-1 goes on saying that there is nothing, and so does Prometheus.
    for secs in (10..30).step_by(5) {
        room.sees("am-1", secs, vec![]);
        room.evaluates("prom", secs, vec![rule("TargetDown", secs - 1, false)]);
    }
    assert_eq!(room.sight("f1"), Some(&Sight::Resolved { at: at(15) }));
}

#[test]
fn without_any_prometheus_it_is_resolved_and_that_is_said() {
    let mut room = Room::bare();
    room.join("am-1", SourceKind::Alertmanager, "eu");
    assert!(room.model.resolution_caveat().is_some());
    room.sees("am-1", 1, vec![alert("f1", 0, DOWN)]);
    room.sees("am-1", 6, vec![]);
    assert_eq!(room.sight("f1"), Some(&Sight::Resolved { at: at(6) }));
    room.join("prom", SourceKind::Prometheus, "eu");
    assert_eq!(room.model.resolution_caveat(), None);
}

#[test]
fn a_prometheus_of_another_site_is_asked_only_when_the_site_has_none() {
    for (own, witness) in [(true, false), (false, true)] {
        let mut room = Room::bare();
        room.join("am-1", SourceKind::Alertmanager, "eu");
        room.join("far", SourceKind::Prometheus, "us");
        if own {
            room.join("near", SourceKind::Prometheus, "eu");
        }
        room.evaluates("far", 0, vec![rule("TargetDown", -1, true)]);
        room.sees("am-1", 1, vec![alert("f1", 0, DOWN)]);
        room.sees("am-1", 6, vec![]);
        room.evaluates("far", 10, vec![rule("TargetDown", 9, false)]);
        let over = matches!(room.sight("f1"), Some(Sight::Resolved { .. }));
        assert_eq!(over, witness, "{:?}", room.sight("f1"));
    }
}

#[test]
fn a_lost_alert_goes_when_seen_again_or_when_a_person_lets_go_of_it() {
    let mut room = Room::new();
    let f1 = alert("f1", 0, DOWN);
    room.sees("am-1", 1, vec![f1.clone()]);
    room.sees("am-1", 6, vec![]);
    assert!(matches!(room.sight("f1"), Some(Sight::Lost { .. })));
    room.sees("am-1", 11, vec![f1.clone()]);
    assert_eq!(room.sight("f1"), Some(&Sight::Firing));
    let withdraw = || LogEvent::AcknowledgementWithdrawn {
        alerts: vec![instance(&f1)],
        note: SafeText::default(),
    };
    // What fires cannot be waved away.
    room.record(12, withdraw());
    assert_eq!(room.sight("f1"), Some(&Sight::Firing));
    room.sees("am-1", 16, vec![]);
    room.record(17, withdraw());
    assert_eq!((room.sight("f1"), room.titles().len()), (None, 0));
}

#[derive(Debug, Clone)]
enum Event {
    Am(bool),
    Tick,
    Stale(bool),
}

proptest! {
    /// Whatever Alertmanager does: without a Prometheus that answers, or with one that has
    /// evaluated nothing since, no alert is ever called over.
    #[test]
    fn without_fresh_evidence_nothing_is_ever_over(events in prop::collection::vec(
        (0..400i64, prop_oneof![
            any::<bool>().prop_map(Event::Am), Just(Event::Tick), any::<bool>().prop_map(Event::Stale),
        ]), 1..40)) {
        let mut room = Room::new();
        room.evaluates("prom", 0, vec![rule("TargetDown", -1, false)]);
        let mut now = 0;
        for (wait, event) in events {
            now += wait;
            match event {
                Event::Am(true) => room.sees("am-1", now, vec![alert("f1", now, DOWN)]),
                Event::Am(false) => room.sees("am-1", now, vec![]),
                Event::Tick => room.model.tick(at(now)),
                // It answers, but its rules are not evaluated.
                Event::Stale(false) => room.evaluates("prom", now, vec![rule("TargetDown", -1, false)]),
                Event::Stale(true) => {}
            }
            let over = matches!(room.sight("f1"), Some(Sight::Resolved { .. }));
            prop_assert!(!over, "{:?}", room.sight("f1"));
        }
    }
}
