//! Groups, their order, their counts; silences; what changes and what does not.

use pretty_assertions::assert_eq;
use proptest::prelude::*;

use super::*;
use crate::domain::{
    Band, Filter, MaintenanceWindow, Matcher, MatcherSpec, Series, Severity, Signal, Silence,
    SilenceState, WindowId,
};
use crate::model::{Group, GroupKey, Outside};

const SLOW: &[(&str, &str)] =
    &[("alertname", "Slow"), ("severity", "warning"), ("service", "search"), ("team", "web")];
const DISK: &[(&str, &str)] = &[("alertname", "DiskFull"), ("severity", "info")];

fn seq(room: &Room) -> Vec<(&str, Severity, usize, usize, usize, usize)> {
    let each = room.model.alerts.groups.iter();
    each.map(|g| (g.title.as_str(), g.judged.severity, g.active, g.silenced, g.inhibited, g.unseen))
        .collect()
}

#[test]
fn groups_are_judged_owned_and_put_in_order() {
    let mut room = Room::new();
    let mut first = alert("f1", 0, DOWN);
    first.starts_at = at(-900);
    first.annotations = Labels::of(&[("runbook_url", "https://wiki/down")]);
    let inhibited = {
        let mut a = alert("f4", 0, SLOW);
        a.state = AlertState::Suppressed {
            silenced_by: Vec::new(),
            inhibited_by: vec![SafeText::new("f1")],
        };
        a
    };
    let muted = silenced(alert("f5", 0, DISK));
    room.sees("am-1", 1, vec![alert("f2", 0, DOWN), first, alert("f3", 0, SLOW), inhibited, muted]);
    assert_eq!(
        seq(&room),
        [
            ("TargetDown checkout", Severity::Sev1, 2, 0, 0, 0),
            ("Slow search", Severity::Sev3, 1, 0, 1, 0),
            ("DiskFull", Severity::Sev4, 0, 1, 0, 0),
        ]
    );
    let top = &room.model.alerts.groups[0];
    assert_eq!(
        (top.owner.as_str(), top.runbook.as_str(), top.since, top.alerts.clone()),
        ("shop", "https://wiki/down", at(-900), vec![key("f1"), key("f2")])
    );
    assert_eq!(room.model.alerts.groups[1].owner.as_str(), "web");
    assert_eq!(room.model.alerts.group(&top.key), Some(top));
    let counts = room.model.alerts.counts();
    assert_eq!((counts.firing, counts.muted, counts.by_severity), (3, 2, [2, 0, 1, 0, 0]));
    let line = room.model.alerts.headline().map(Group::line).unwrap();
    assert_eq!(line.as_str(), "SEV-1 TargetDown checkout: TargetDown");
}

#[test]
fn an_acknowledged_group_steps_back_and_a_new_instance_comes_forward() {
    let mut room = Room::new();
    let (down, slow) = (alert("f1", 0, DOWN), alert("f3", 0, SLOW));
    room.sees("am-1", 1, vec![down.clone(), slow.clone()]);
    let ack = |alerts: Vec<AlertInstance>| LogEvent::AlertsAcknowledged {
        alerts,
        title: SafeText::new("TargetDown checkout"),
        note: SafeText::new("on it"),
    };
    room.record(2, ack(vec![instance(&down)]));
    if room.model.journal.acks.is_empty() {
        // The journal is folded elsewhere; what is asked of the book is what it does with one.
        let by = crate::model::Ack { by: Actor::new("alice"), at: at(2), note: "on it".into() };
        room.model.journal.acks.insert(instance(&down), Arc::new(by));
        room.record(2, ack(vec![instance(&down)]));
    }
    assert_eq!(room.titles(), ["Slow search", "TargetDown checkout"]);
    assert_eq!(room.model.alerts.groups[1].ack.as_ref().unwrap().by.name(), "alice");
    assert_eq!(room.model.alerts.counts().groups_unacked, 1);
    // A second alert joins the group: it is not acknowledged as a whole any more.
    room.sees("am-1", 6, vec![down.clone(), alert("f2", 0, DOWN), slow.clone()]);
    assert_eq!(room.titles(), ["TargetDown checkout", "Slow search"]);
    // It fires anew: that is another instance.
    let mut again = down;
    again.starts_at = at(8);
    room.sees("am-1", 9, vec![again, slow]);
    assert!(room.model.alerts.alerts[&key("f1")].ack.is_none());
}

#[test]
fn a_filter_keeps_groups_with_an_alert_that_satisfies_it() {
    let mut room = Room::new();
    room.sees(
        "am-1",
        1,
        vec![alert("f1", 0, DOWN), alert("f3", 0, SLOW), silenced(alert("f5", 0, DISK))],
    );
    for (text, muted, titles) in [
        ("", false, vec!["TargetDown checkout", "Slow search"]),
        ("", true, vec!["TargetDown checkout", "Slow search", "DiskFull"]),
        (r#"severity=~"pag.*" team!=web checkout"#, true, vec!["TargetDown checkout"]),
        ("f3", true, vec!["Slow search"]), // in the summary
        ("shop", true, vec!["TargetDown checkout"]), // the owner
        ("!eu", true, vec![]),
        ("nothing", true, vec![]),
    ] {
        let filter = Filter::parse(text).unwrap();
        let shown = room.model.alerts.visible(&filter, muted);
        let shown: Vec<_> =
            shown.iter().map(|i| room.model.alerts.groups[*i].title.as_str()).collect();
        assert_eq!(shown, titles, "{text}");
    }
    let key = GroupKey { site: SiteId::new("eu"), values: vec!["Slow".into(), "search".into()] };
    let web = Filter::parse("team=web").unwrap();
    assert_eq!(room.model.alerts.matching(&key, &web).count(), 1);
    let seen = |name: &str, value: &str| {
        let mut labels = room.model.alerts.labels_seen().iter();
        labels.any(|(known, values)| known.as_str() == name && values.contains(value))
    };
    assert!(seen("severity", "warning") && seen("team", "web") && !seen("team", "warning"));
}

#[test]
fn an_answer_that_brings_nothing_new_changes_nothing() {
    let mut room = Room::new();
    room.evaluates("prom", 0, vec![rule("TargetDown", 0, true)]);
    room.sees("am-1", 1, vec![alert("f1", 0, DOWN)]);
    let (before, groups) = (room.model.revision, room.model.alerts.groups.clone());
    room.sees("am-1", 6, vec![alert("f1", 0, DOWN)]);
    room.model.tick(at(7));
    assert_eq!(room.model.revision, before);
    // Told again: the times move, the groups do not.
    room.sees("am-1", 11, vec![alert("f1", 10, DOWN)]);
    assert_eq!((room.model.revision, &room.model.alerts.groups), (before + 1, &groups));
    assert_eq!(room.model.alerts.alerts[&key("f1")].alert.updated_at, at(10));
    // An answer to an older question comes late.
    room.sees("am-1", 9, vec![]);
    assert_eq!((room.model.revision, room.sight("f1")), (before + 1, Some(&Sight::Firing)));
}

#[test]
fn a_notification_counts_even_when_the_peer_mutes() {
    let mut room = Room::new();
    room.sees("am-1", 1, vec![silenced(alert("f1", 0, DOWN))]);
    assert_eq!(room.model.alerts.counts().muted, 1);
    room.sees("am-2", 2, vec![alert("f1", 0, DOWN)]);
    assert_eq!((room.model.alerts.counts().firing, room.model.alerts.counts().muted), (1, 0));
    // The one that notified goes quiet: what the other says holds.
    for secs in [6, 11, 16] {
        room.sees("am-1", secs, vec![silenced(alert("f1", 0, DOWN))]);
    }
    assert_eq!((room.model.alerts.counts().firing, room.model.alerts.counts().muted), (0, 1));
}

#[test]
fn another_catalog_judges_anew() {
    let mut room = Room::new();
    room.sees("am-1", 1, vec![alert("f1", 0, DOWN)]);
    room.model.declare(Arc::default(), SeverityPolicy::default(), vec!["severity".into()]);
    assert_eq!(seq(&room), [("page", Severity::Sev2, 1, 0, 0, 0)]);
}

fn silence(id: &str, source: &str, state: SilenceState, matchers: &[Matcher]) -> Silence {
    Silence {
        id: id.into_id(),
        source: SourceId::new(source),
        site: SiteId::new("eu"),
        matchers: matchers.iter().map(MatcherSpec::from).collect(),
        starts_at: at(0),
        ends_at: at(3_600),
        created_by: SafeText::new("bob"),
        comment: SafeText::new("work"),
        state,
    }
}

#[test]
fn silences_of_peers_are_one_and_say_what_they_hit() {
    let mut room = Room::new();
    let matcher = [Matcher::equal("service", "checkout")];
    let (active, over) = (SilenceState::Active, SilenceState::Expired);
    room.tell("am-1", 1, Observation::Silences(vec![silence("s1", "am-1", active, &matcher)]));
    let twice = vec![silence("s1", "am-2", over, &matcher), silence("s2", "am-2", over, &matcher)];
    room.tell("am-2", 1, Observation::Silences(twice.clone()));
    let before = room.model.revision;
    room.tell("am-2", 6, Observation::Silences(twice));
    assert_eq!(room.model.revision, before);
    let all: Vec<_> = room.model.silences.all.iter().map(|s| (s.id.to_string(), s.state)).collect();
    assert_eq!(all, [("s1".into(), active), ("s2".into(), over)]);
}

#[test]
fn a_maintenance_window_that_is_muted_already_is_not_muted_twice() {
    let mut room = Room::new();
    room.join("am-us", SourceKind::Alertmanager, "us");
    let window = MaintenanceWindow {
        id: WindowId::new("patch"),
        comment: SafeText::new("patch"),
        matchers: vec![Matcher::equal("service", "checkout"), Matcher::equal("track", "db")],
        first: "2026-11-15T14:00:00".parse().unwrap(),
        zone: chrono_tz::UTC,
        duration: Span::from_hours(1),
        rrule: Some("FREQ=WEEKLY".into()),
    };
    let mut catalog = Catalog::clone(&room.model.catalog);
    catalog.windows.push(window.clone());
    room.model.declare(Arc::new(catalog), SeverityPolicy::default(), Vec::new());
    let planned = |room: &Room| room.model.windows(at(-60)).remove(0);
    let open = planned(&room);
    assert_eq!((open.occurrence.start, open.on, open.muted.len()), (at(0), false, 0));
    assert_eq!(open.open, [SiteId::new("eu"), SiteId::new("us")]);

    let mut turned = window.matchers.clone();
    turned.reverse();
    let exact = silence("s1", "am-1", SilenceState::Pending, &turned);
    let short = Silence { ends_at: at(1_800), ..exact.clone() };
    let wide = Silence { matchers: exact.matchers[..1].to_vec(), ..exact.clone() };
    let over = Silence { state: SilenceState::Expired, ..exact.clone() };
    for useless in [short, wide, over] {
        room.tell("am-1", 1, Observation::Silences(vec![useless]));
        assert_eq!(planned(&room).open.len(), 2);
    }
    room.tell("am-1", 1, Observation::Silences(vec![exact]));
    assert_eq!(planned(&room).open, [SiteId::new("us")]);
    assert_eq!(planned(&room).muted, [(SiteId::new("eu"), "s1".into_id())]);
    assert!(room.model.windows(at(60))[0].on);
}

#[test]
fn a_signal_outside_of_its_band_is_a_departure() {
    let mut room = Room::new();
    let service = ServiceId::new("checkout");
    let line = |value: f64| Observation::Signal {
        service: ServiceId::new("checkout"),
        signal: Signal::Traffic,
        series: Series { labels: Labels::default(), points: vec![(at(0), 5.0), (at(60), value)] },
    };
    room.tell("prom", 60, line(40.0));
    let band =
        Band { points: vec![(at(0), 4.0, 5.0, 6.0), (at(60), 10.0, 20.0, 30.0)], basis: "b" };
    let signal = Signal::Traffic;
    room.tell("prom", 60, Observation::Baseline { service: service.clone(), signal, band });
    let outside = |room: &Room| room.model.signals.view(&service, signal).unwrap().outside();
    assert_eq!(outside(&room), Some(Outside::Above(10.0)));
    for (secs, value, expected) in
        [(61, 30.0, None), (62, 7.0, Some(Outside::Below(3.0))), (63, f64::NAN, None)]
    {
        room.tell("prom", secs, line(value));
        assert_eq!(outside(&room), expected, "{value}");
    }
    let before = room.model.revision;
    room.tell("prom", 64, line(f64::NAN));
    assert_eq!(room.model.revision, before);
}

fn any_alert() -> impl Strategy<Value = Alert> {
    (0..6u8, 0..3usize, 0..3i64, any::<bool>()).prop_map(|(id, kind, told, mute)| {
        let mut a = alert(&format!("f{id}"), told, [DOWN, SLOW, DISK][kind]);
        a.key.fingerprint = SafeText::new(&format!("f{id}{kind}"));
        if mute { silenced(a) } else { a }
    })
}

proptest! {
    #[test]
    fn the_order_in_which_peers_answer_does_not_matter(
        one in prop::collection::vec(any_alert(), 0..12),
        two in prop::collection::vec(any_alert(), 0..12),
    ) {
        let (mut forth, mut back) = (Room::new(), Room::new());
        forth.sees("am-1", 1, one.clone());
        forth.sees("am-2", 1, two.clone());
        back.sees("am-2", 1, two.clone());
        back.sees("am-1", 1, one.clone());
        prop_assert_eq!(&forth.model.alerts.groups, &back.model.alerts.groups);
        prop_assert_eq!(&forth.model.alerts.alerts, &back.model.alerts.alerts);
        // Each alert is in one group, and each group can be found again by its key.
        let grouped: usize = forth.model.alerts.groups.iter().map(|g| g.alerts.len()).sum();
        prop_assert_eq!(grouped, forth.model.alerts.alerts.len());
        for group in &forth.model.alerts.groups {
            prop_assert_eq!(forth.model.alerts.group(&group.key), Some(group));
        }
        // And another answer of the same leaves every key in place.
        let keys: Vec<_> = forth.model.alerts.groups.iter().map(|g| g.key.clone()).collect();
        forth.sees("am-1", 2, one);
        forth.sees("am-2", 2, two);
        let again: Vec<_> = forth.model.alerts.groups.iter().map(|g| g.key.clone()).collect();
        prop_assert_eq!(keys, again);
    }
}
