//! What a console started anew knows of what an earlier one saw.

use pretty_assertions::assert_eq;

use super::*;
use crate::domain::{Cause, Fired, Impact, IncidentId, Series, Severity};
use crate::eventlog::{Declared, IncidentEvent};
use crate::model::incidents::{Seen, machine_events};

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

/// What `prom` wrote down of TargetDown, asked about every ten seconds from `from` to `until`: `checkout` was
/// pending or fired up to `last`; there is no data in `gap`.
fn fired(from: i64, last: i64, until: i64, gap: std::ops::Range<i64>) -> Fired {
    let moments = |to: i64| (from..=to).step_by(10).filter(|secs| !gap.contains(secs)).map(at);
    let labels = [("__name__", "ALERTS"), ("alertstate", "firing")];
    let labels: Vec<(&str, &str)> = labels.into_iter().chain(DOWN.iter().copied()).collect();
    let points = moments(last).map(|at| (at, 1.0)).collect();
    Fired {
        name: "TargetDown".into(),
        until: at(until),
        step: Span::from_secs(10),
        looked: moments(until).collect(),
        lines: vec![Series { labels: Labels::of(&labels), points }],
    }
}

/// A console that comes back at 900 to an alert that is no longer reported, whose rule is quiet. It was told
/// at 1, with four minutes to run.
fn come_back() -> Room {
    let mut room = Room::new();
    room.evaluates("prom", 0, vec![rule("TargetDown", -1, true)]);
    room.sees("am-1", 1, vec![alert("f1", 0, DOWN)]);
    let mut next = restarted(&room, 900);
    assert_eq!(next.model.went_unseen(), None, "it may still be reported");
    next.sees("am-1", 901, vec![]);
    next.evaluates("prom", 902, vec![rule("TargetDown", 901, false)]);
    next
}

/// What would be written on the timeline of an incident whose cause it is, and which has told that it fires.
fn told(room: &Room, secs: i64) -> Vec<String> {
    let id = IncidentId::new("INC-7KQ4M");
    let cause = Cause::Alerts { alerts: vec![key("f1")], title: "TargetDown".into() };
    let declared = IncidentEvent::from(Declared {
        title: "Down".into(),
        severity: Severity::Sev2,
        reason: "".into(),
        services: Vec::new(),
        impact: Impact::default(),
        cause,
        onset: None,
    });
    let mut watched = Room { model: room.model.clone() };
    watched.record(0, LogEvent::Incident { incident: id.clone(), event: declared });
    let mut fires = Room::new();
    fires.sees("am-1", 1, vec![alert("f1", 0, DOWN)]);
    let incident = watched.model.incidents.incidents[&id].clone();
    let (_, events) = machine_events(&Seen::new(), &fires.model, &incident, at(1));
    events.into_iter().for_each(|event| watched.record(1, event));
    let (_, events) = machine_events(&Seen::new(), &watched.model, &incident, at(secs));
    let text = |event: LogEvent| match event {
        LogEvent::Incident { event: IncidentEvent::MachineSaw(saw), .. } => saw.text.to_string(),
        other => panic!("{other:?}"),
    };
    let all = events.into_iter().map(text);
    all.filter(|text| text.starts_with("TargetDown")).collect()
}

#[test]
fn an_alert_that_ended_while_no_console_ran_is_over_since_prometheus_no_longer_saw_it() {
    let mut room = come_back();
    // Nobody has read up yet: nothing is claimed, and nothing written down.
    assert_eq!(room.sight("f1"), Some(&Sight::Stale { since: at(901) }));
    assert_eq!(told(&room, 903), [] as [&str; 0]);
    assert_eq!(room.model.went_unseen(), Some((at(1), vec!["TargetDown".into()])));
    room.tell("prom", 904, Observation::Fired(fired(-300, 200, 900, 0..0)));
    assert_eq!(room.sight("f1"), Some(&Sight::Resolved { at: at(210) }));
    assert_eq!(told(&room, 905), ["TargetDown checkout on eu is over"]);
    assert_eq!(room.model.went_unseen(), None);
    // It ended long ago and is news here all the same.
    room.model.tick(at(910));
    assert!(room.sight("f1").is_some());
    room.model.tick(at(900 + 16 * 60));
    assert_eq!(room.sight("f1"), None);
}

#[test]
fn one_instance_that_ended_is_over_while_another_of_its_rule_fires() {
    let mut room = come_back();
    room.evaluates("prom", 903, vec![rule("TargetDown", 902, true)]);
    assert!(matches!(room.sight("f1"), Some(Sight::Lost { .. })), "{:?}", room.sight("f1"));
    room.tell("prom", 904, Observation::Fired(fired(-300, 200, 900, 0..0)));
    assert_eq!(room.sight("f1"), Some(&Sight::Resolved { at: at(210) }));
}

#[test]
fn what_prometheus_wrote_down_is_no_end_while_it_goes_on_or_says_too_little() {
    for (why, seen) in [
        ("it was seen a moment ago", fired(-300, 890, 900, 0..0)),
        ("it was away, and is back for a moment", fired(-300, 200, 900, 210..600)),
        ("it has had no data since", fired(-300, 200, 900, 210..2_000)),
        ("it never had the alert", Fired { lines: Vec::new(), ..fired(-300, 200, 900, 0..0) }),
        ("it was asked long ago", fired(-300, 200, 700, 0..0)),
        ("it is another alert's", {
            let mut other = fired(-300, 200, 900, 0..0);
            other.lines[0].labels = Labels::of(&[("alertname", "TargetDown"), ("job", "mail")]);
            other
        }),
    ] {
        let mut room = come_back();
        room.tell("prom", 904, Observation::Fired(seen));
        assert_eq!(room.sight("f1"), Some(&Sight::Stale { since: at(901) }), "{why}");
        // What cannot be read up is said as it is, and neither as an end nor as lost from sight.
        for secs in (905..1_210).step_by(5) {
            room.sees("am-1", secs, vec![]);
            room.evaluates("prom", secs, vec![rule("TargetDown", secs - 1, false)]);
        }
        let said = told(&room, 1_210);
        let [said] = said.as_slice() else { panic!("{why}: {said:?}") };
        assert!(
            said.starts_with(
                "TargetDown checkout on eu is no longer reported. Nobody said that it is over."
            ),
            "{why}: {said}"
        );
    }
    // Ten minutes after a gap are enough.
    let mut room = come_back();
    room.tell("prom", 904, Observation::Fired(fired(-300, 200, 900, 210..300)));
    assert_eq!(room.sight("f1"), Some(&Sight::Resolved { at: at(300) }));
}

proptest::proptest! {
    /// Whatever it wrote down: an end comes after all that was seen of it, and only with data up to now.
    #[test]
    fn an_end_is_after_all_that_was_seen_and_witnessed_up_to_now(
        last in 0i64..60, until in 0i64..60, gaps in proptest::collection::vec((0i64..60, 1i64..20), 0..3),
    ) {
        let mut seen = fired(0, last * 10, until * 10, 0..0);
        let within = |at: &Timestamp, (from, length): &(i64, i64)| {
            let secs = at.since(super::at(0)).millis() / 1_000;
            (from * 10..(from + length) * 10).contains(&secs)
        };
        seen.looked.retain(|at| !gaps.iter().any(|gap| within(at, gap)));
        if let Some(ended) = seen.ended(&Labels::of(DOWN)) {
            proptest::prop_assert!(ended.since > at(last * 10));
            let expected: Vec<Timestamp> = (0..)
                .map(|n| ended.since.plus(Span::from_secs(n * 10)))
                .take_while(|at| *at <= super::at(until * 10))
                .collect();
            let after: Vec<Timestamp> =
                seen.looked.iter().copied().filter(|at| *at >= ended.since).collect();
            proptest::prop_assert!(after.len() >= expected.len() - 1);
            let direct = ended.since == at(last * 10 + 10);
            proptest::prop_assert_eq!(ended.unbroken, direct);
        }
    }
}
