//! Stories of alerts that belong together, and what must hold for any.

use super::*;
use proptest::prelude::*;

fn at(secs: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + secs * 1_000)
}

fn raised(secs: i64, kind: &str, place: &str) -> Raised {
    Raised { at: at(secs), kind: kind.into(), place: place.into(), ..Raised::default() }
}

fn about(secs: i64, kind: &str, place: &str, service: usize, layer: Layer) -> Raised {
    Raised { service: Some(service), layer, ..raised(secs, kind, place) }
}

fn said(group: &Group) -> Vec<(String, String)> {
    group.members.iter().map(|m| (m.kind.to_string(), m.rule.to_string())).collect()
}

/// 0 orders → 1 checkout → 2 cache, which runs on a node of its own.
#[test]
fn a_full_disk_a_slow_service_and_missing_orders_are_one_group() {
    let alerts = [
        Raised { page: true, ..about(200, "OrdersMissing", "orders", 0, Layer::Business) },
        about(0, "DiskFull", "node-7", 2, Layer::Infrastructure),
        about(40, "CacheSlow", "cache", 2, Layer::Application),
        about(90, "CheckoutErrors", "checkout", 1, Layer::Application),
        about(95, "SearchSlow", "search", 9, Layer::Application),
    ];
    let folded = Correlator::fold(&[(0, 1), (1, 2)], &alerts);
    let groups: Vec<&Group> = folded.groups().collect();
    assert_eq!(groups.iter().map(|g| (g.alerts, g.pages)).collect::<Vec<_>>(), [(4, 1), (1, 0)]);
    let reasons = [
        ("DiskFull", "It opened the group."),
        (
            "CacheSlow",
            "DiskFull began 40 s before about the same service (from infrastructure to application).",
        ),
        (
            "CheckoutErrors",
            "DiskFull began 90 s before at node-7, which it calls or is called by (from \
             infrastructure to application).",
        ),
        (
            "OrdersMissing",
            "CheckoutErrors began 110 s before at checkout, which it calls or is called by (from \
             application to business).",
        ),
    ];
    let reasons: Vec<_> = reasons.iter().map(|(k, r)| (k.to_string(), r.to_string())).collect();
    assert_eq!(said(groups[0]), reasons);
    assert_eq!(groups[0].layers(), [Layer::Infrastructure, Layer::Application, Layer::Business]);
    let reduction = folded.reduction();
    assert_eq!((reduction.alerts, reduction.pages, reduction.groups), (5, 1, 2));
    assert_eq!(reduction.share(), Some(0.6));
}

#[test]
fn the_same_alert_on_forty_hosts_is_one_group() {
    let alerts: Vec<Raised> =
        (0..40).map(|i| raised(i / 10, "NodeClockSkew", &format!("node-{i}"))).collect();
    let folded = Correlator::fold(&[], &alerts);
    let groups: Vec<&Group> = folded.groups().collect();
    assert_eq!((groups.len(), groups[0].members.len(), groups[0].alerts), (1, 40, 40));
}

#[test]
fn hours_later_it_is_something_new() {
    let folded = Correlator::fold(&[], &[raised(0, "Slow", "a"), raised(3_600, "Slow", "a")]);
    assert_eq!(folded.groups().count(), 2);
}

#[test]
fn what_comes_every_hour_is_one_group_until_it_stays_away() {
    let mut alerts: Vec<Raised> = (0..150).map(|i| raised(i * 1_200, "Backup", "db")).collect();
    // Once its pauses are known, an hour of silence is nothing, and two days are.
    alerts.push(raised(149 * 1_200 + 3_600, "Backup", "db"));
    alerts.push(raised(149 * 1_200 + 3_600 + 172_800, "Backup", "db"));
    let counts: Vec<usize> = Correlator::fold(&[], &alerts).groups().map(|g| g.alerts).collect();
    assert_eq!(counts, [151, 1]);
}

#[test]
fn a_page_is_never_lost_in_an_old_group() {
    let mut alerts: Vec<Raised> = (0..150).map(|i| raised(i * 1_200, "Backup", "db")).collect();
    alerts.push(Raised { page: true, ..raised(149 * 1_200 + 3_600, "Backup", "db") });
    let groups: Vec<(usize, usize)> =
        Correlator::fold(&[], &alerts).groups().map(|g| (g.alerts, g.pages)).collect();
    assert_eq!(groups, [(150, 0), (1, 1)]);
}

#[test]
fn groups_keep_their_numbers_and_never_become_one() {
    let mut live = Correlator::new(&[(1, 2), (2, 3)]);
    let a = live.add(&about(0, "A", "a", 1, Layer::Application));
    let b = live.add(&about(10, "B", "b", 3, Layer::Application));
    assert_ne!(a, b);
    let before: Vec<Group> = live.groups().cloned().collect();
    // It would fit both and joins the older one.
    assert_eq!(live.add(&about(20, "C", "c", 2, Layer::Application)), a);
    assert_eq!(live.group(b), Some(&before[1]));
    live.forget(at(15));
    assert_eq!(live.groups().map(|g| g.id).collect::<Vec<_>>(), [a]);
    let d = live.add(&about(9_999, "D", "d", 8, Layer::Application));
    assert!(d > b, "numbers are not used again");
}

#[test]
fn flapping_brief_and_routine_alerts_are_doubted_with_the_reason() {
    let ended = |secs, kind: &str, after: i64| Raised {
        ended: Some(at(secs + after)),
        layer: Layer::Infrastructure,
        ..raised(secs, kind, "node")
    };
    let doubts = |alerts: &[Raised]| -> Vec<Vec<String>> {
        let folded = Correlator::fold(&[], alerts);
        folded
            .groups()
            .map(|g| folded.doubts(g).into_iter().flatten().map(|d| d.to_string()).collect())
            .collect()
    };
    let flaps: Vec<Raised> = (0..6).map(|i| ended(i * 300, "Flap", 120)).collect();
    let flapping = "It flaps: it began 6 times within an hour and ended each time.";
    assert_eq!(doubts(&flaps), [[flapping]]);
    let brief: Vec<Raised> = (0..5).map(|i| ended(i * 900, "Brief", 10 + i)).collect();
    assert_eq!(doubts(&brief), [["It ended by itself within 14 s each of the last 5 times."]]);
    let routine: Vec<Raised> = (0..120)
        .map(|i| Raised { layer: Layer::Infrastructure, ..raised(i * 1_200, "Cron", "node") })
        .collect();
    assert_eq!(
        doubts(&routine),
        [["It came 120 times in 40 h and touched no service and no customer."]]
    );
    // The same as pages: nobody doubts them.
    for alerts in [flaps, brief, routine] {
        let pages: Vec<Raised> =
            alerts.into_iter().map(|raised| Raised { page: true, ..raised }).collect();
        assert!(doubts(&pages).iter().all(Vec::is_empty));
    }
}

#[test]
fn one_that_still_fires_is_not_doubted() {
    let mut live = Correlator::default();
    for i in 0..6 {
        let group = live.add(&raised(i * 300, "Slow", "a"));
        if i < 5 {
            live.ended(&"Slow".into(), &"a".into(), at(i * 300 + 20));
        }
        assert!(live.doubts(live.group(group).unwrap()).is_none() || i < 5);
    }
    live.ended(&"Slow".into(), &"a".into(), at(5 * 300 + 20));
    let group = live.groups().next().unwrap();
    assert!(live.doubts(group).is_some());
}

fn alerts() -> impl Strategy<Value = Vec<Raised>> {
    let layer =
        prop_oneof![Just(Layer::Infrastructure), Just(Layer::Application), Just(Layer::Business)];
    let one = (
        -5_000..5_000i64,
        0..6u8,
        0..6u8,
        prop::option::of(0..6usize),
        layer,
        any::<bool>(),
        prop::option::of(-50..500i64),
    );
    let one = one.prop_map(|(secs, kind, place, service, layer, page, ended)| Raised {
        page,
        ended: ended.map(|after| at(secs + after)),
        service,
        layer,
        ..raised(secs, &format!("k{kind}"), &format!("p{place}"))
    });
    prop::collection::vec(one, 0..120)
}

proptest! {
    #[test]
    fn every_alert_and_every_page_is_counted_once(mut alerts in alerts(), edges in prop::collection::vec((0..8usize, 0..8usize), 0..15)) {
        let one = Correlator::fold(&edges, &alerts);
        let pages = alerts.iter().filter(|raised| raised.page).count();
        prop_assert_eq!(one.groups().map(|g| g.alerts).sum::<usize>(), alerts.len());
        prop_assert_eq!(one.groups().map(|g| g.pages).sum::<usize>(), pages);
        for group in one.groups() {
            prop_assert_eq!(group.members.iter().map(|m| m.alerts).sum::<usize>(), group.alerts);
            prop_assert_eq!(&group.members[0].rule, &Rule::First);
            prop_assert!(group.members.iter().skip(1).all(|m| m.rule != Rule::First));
            prop_assert!(group.pages == 0 || one.doubts(group).is_none());
        }
        alerts.reverse();
        let two = Correlator::fold(&edges, &alerts);
        prop_assert!(one.groups().eq(two.groups()));
    }

    #[test]
    fn what_comes_later_leaves_older_groups_where_they_are(alerts in alerts(), edges in prop::collection::vec((0..8usize, 0..8usize), 0..15)) {
        let mut live = Correlator::new(&edges);
        let mut placed: Vec<(GroupId, Raised)> = Vec::new();
        for raised in &alerts {
            placed.push((live.add(raised), raised.clone()));
            for (id, old) in &placed {
                let group = live.group(*id).unwrap();
                prop_assert!(group.members.iter().any(|m| m.kind == old.kind && m.place == old.place));
            }
        }
    }
}
