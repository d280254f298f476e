//! What runs out next, through good answers, none, old ones and nonsense; and what breaks first when more is asked.

use std::sync::Arc;

use pretty_assertions::assert_eq;

use super::{Model, at};
use crate::analysis::whatif::Breaks;
use crate::domain::{
    Capacity, Catalog, Consensus, ConsensusId, Dependency, EdgeOrigin, EdgeQueries, EdgesId,
    Labels, MeasureId, Measured, NodeKey, Observation, Reading, Resource, ResourceId, ResourceKind,
    Series, Service, ServiceId, SeverityPolicy, Signal, SiteId, SourceId, SourceKind, SourceStatus,
    Span, Unit,
};
use crate::model::{Fill, Gauge, Suppose};

/// The last reading of every course, and when everything is asked.
const NOW: i64 = 24 * 3_600;

fn resource(name: &str, service: &str, kind: ResourceKind, limit: Capacity) -> Resource {
    let service = ServiceId::new(service);
    Resource {
        id: ResourceId::new(name),
        title: name.into(),
        service: service.clone(),
        kind,
        used: format!("{name}_used"),
        limit,
        unit: Unit::Count,
        per: vec!["instance".into()],
        shared_by: Vec::new(),
        filled_by: service,
        short_from: 0.9,
        source: None,
    }
}

/// The web calls checkout and cart, which call the database.
fn catalog(resources: Vec<Resource>) -> Catalog {
    let mut catalog = Catalog::default();
    for (name, calls, replicas, zones) in [
        ("web", &["checkout", "cart"][..], 2, &["a", "b"][..]),
        ("checkout", &["db"], 2, &["a", "b"]),
        ("cart", &["db"], 1, &["a"]),
        ("db", &[], 3, &["a", "b", "c"]),
    ] {
        let depends_on = calls.iter().map(|on| Dependency {
            on: ServiceId::new(on),
            hard: true,
            any_of: None,
            origin: EdgeOrigin::Catalog,
        });
        let id = ServiceId::new(name);
        let service = Service {
            id: id.clone(),
            depends_on: depends_on.collect(),
            replicas: Some(replicas),
            zones: zones.iter().map(|zone| (*zone).into()).collect(),
            ..Service::default()
        };
        catalog.services.insert(id, service);
    }
    let id = EdgesId::new("mesh");
    let mesh = EdgeQueries {
        id: id.clone(),
        from: "client".into(),
        to: "server".into(),
        ..EdgeQueries::default()
    };
    catalog.edges.insert(id, mesh);
    let id = ConsensusId::new("etcd");
    let group = Consensus {
        id: id.clone(),
        service: ServiceId::new("db"),
        members: "up".into(),
        leader: None,
        voters: Some(3),
        source: None,
    };
    catalog.consensus.insert(id, group);
    catalog.resources = resources.into_iter().map(|one| (one.id.clone(), one)).collect();
    catalog
}

fn model(resources: Vec<Resource>) -> Model {
    of(catalog(resources))
}

fn of(catalog: Catalog) -> Model {
    let mut model = Model::new(Arc::new(catalog), SeverityPolicy::default(), Vec::new());
    let source = SourceId::new("prom");
    model.source(SourceStatus::new(
        source,
        SourceKind::Prometheus,
        SiteId::new("eu"),
        "127.0.0.1".into(),
        Span::from_secs(15),
    ));
    model.tick(at(NOW));
    model
}

fn observe(model: &mut Model, seconds: i64, seen: Observation) {
    model.observe(&SourceId::new("prom"), at(seconds), vec![seen]);
}

fn labels(instance: &str) -> Labels {
    match instance {
        "" => Labels::default(),
        name => Labels::of(&[("instance", name)]),
    }
}

fn answer(model: &mut Model, of: MeasureId, found: &[(&str, f64)]) {
    let found = found
        .iter()
        .map(|(name, value)| Measured { labels: labels(name), value: Reading::of(*value) })
        .collect();
    observe(model, NOW, Observation::Measured { of, found });
}

/// A day at five minutes.
fn course(model: &mut Model, of: MeasureId, instance: &str, value: impl Fn(f64) -> f64) {
    let points = (0..=288).map(|i| (at(i * 300), value(i as f64 / 288.0))).collect();
    let line = Series { labels: labels(instance), points };
    observe(model, NOW, Observation::Course { of, lines: vec![line] });
}

fn used(name: &str) -> MeasureId {
    MeasureId::Used(ResourceId::new(name))
}

/// Something that moves a little, as things do, the same each time.
fn flutter(x: f64) -> f64 {
    (x * 911.0).sin() * 0.4
}

fn stands(model: &Model) -> Vec<(String, Fill, String)> {
    let told = |(resource, gauge): &(&Resource, Gauge)| {
        let values = gauge.id.labels.iter().map(|(_, value)| value.as_str());
        let name: Vec<&str> = std::iter::once(resource.id.as_str()).chain(values).collect();
        let said = gauge.told(resource, at(NOW)).into_iter().next().unwrap();
        (name.join(" "), gauge.fill(resource), said)
    };
    model.gauges().iter().map(told).collect()
}

#[test]
fn what_is_full_stands_first_and_what_nobody_knows_is_never_steady() {
    use ResourceKind::{Connections, Disk, Pool, Queue, Quota};
    let mut model = model(vec![
        resource("pool", "db", Pool, Capacity::Fixed(50.0)),
        resource("full", "db", Pool, Capacity::Fixed(10.0)),
        resource("disk", "db", Disk, Capacity::Fixed(1_000.0)),
        resource("quota", "db", Quota, Capacity::Unknown),
        resource("queue", "db", Queue, Capacity::Fixed(100.0)),
        resource("nothing", "db", Queue, Capacity::Fixed(100.0)),
        resource("odd", "db", Connections, Capacity::Query("limit".into())),
        resource("negative", "db", Connections, Capacity::Fixed(-5.0)),
        resource("young", "db", Connections, Capacity::Fixed(100.0)),
    ]);
    answer(&mut model, used("pool"), &[("a", 48.0), ("b", 5.0)]);
    // Climbs to its limit within the next hours.
    course(&mut model, used("pool"), "a", |x| 48.0 * x + flutter(x));
    answer(&mut model, used("full"), &[("", 10.0)]);
    answer(&mut model, used("disk"), &[("", 400.0)]);
    course(&mut model, used("disk"), "", |x| 400.0 + flutter(x));
    answer(&mut model, used("quota"), &[("", 7.0)]);
    answer(&mut model, used("queue"), &[]);
    answer(&mut model, used("odd"), &[("", f64::NAN)]);
    answer(&mut model, used("negative"), &[("", 3.0)]);
    answer(&mut model, used("young"), &[("", 3.0)]);
    model.study();
    let all = stands(&model);
    let place = |name: &str| all.iter().position(|(of, ..)| of == name).unwrap();
    assert_eq!(all[0], ("full".into(), Fill::Full, "full".into()));
    let (name, fill, said) = &all[1];
    assert_eq!(name, "pool a");
    assert!(matches!(fill, Fill::RunsOut(when) if *when < at(NOW + 7_200)), "{said}");
    assert!(said.contains("at the earliest") || said.starts_with("may be full"), "{said}");
    assert_eq!(all[all.len() - 1], ("disk".into(), Fill::Steady, "not within 24h".into()));
    for (name, why) in [
        ("quota", "unknown: nobody says how much there is"),
        ("queue", "unknown: no series matched"),
        ("nothing", "unknown: no answer yet"),
        ("odd", "unknown: what is in use is not a number"),
        ("negative", "unknown: its limit is no number above zero"),
        ("young", "unknown: no history yet"),
        ("pool b", "unknown: no history yet"),
    ] {
        let (_, fill, said) = &all[place(name)];
        assert_eq!((*fill, said.as_str()), (Fill::Unknown, why), "{name}");
    }
    let gauges: Vec<Gauge> = model.gauges().into_iter().map(|(_, gauge)| gauge).collect();
    let urgent = gauges.iter().filter(|gauge| {
        let resource = &model.catalog.resources[&gauge.id.resource];
        gauge.is_urgent(resource, at(NOW))
    });
    assert_eq!(model.shortages(&gauges), (urgent.count(), true));
    // Old answers say nothing, not even that it was full.
    model.tick(at(NOW + 300));
    assert!(stands(&model).iter().all(|(_, fill, _)| *fill == Fill::Unknown));
    assert_eq!(stands(&model)[0].2.split(':').next(), Some("unknown"));
}

#[test]
fn a_limit_beside_each_series_belongs_to_its_own() {
    let limit = Capacity::Query("limit".into());
    let mut model = model(vec![resource("pool", "db", ResourceKind::Pool, limit)]);
    answer(&mut model, used("pool"), &[("a", 30.0), ("b", 30.0), ("c", 30.0)]);
    let of = MeasureId::Limit(ResourceId::new("pool"));
    answer(&mut model, of.clone(), &[("a", 40.0), ("b", 300.0)]);
    let shares = |model: &Model| {
        let mut all: Vec<(String, Option<f64>)> = model
            .gauges()
            .iter()
            .map(|(_, g)| (g.id.labels.get("instance").to_owned(), g.share))
            .collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    };
    let own = |a, b, c| vec![("a".to_owned(), a), ("b".to_owned(), b), ("c".to_owned(), c)];
    assert_eq!(shares(&model), own(Some(0.75), Some(0.1), None));
    // One limit for all is everybody's.
    answer(&mut model, of, &[("", 60.0)]);
    assert_eq!(shares(&model), own(Some(0.5), Some(0.5), Some(0.5)));
}

#[test]
fn the_explanation_holds_the_exact_questions_and_the_arithmetic() {
    let limit = Capacity::Query("max_connections".into());
    let mut model = model(vec![resource("pool", "db", ResourceKind::Pool, limit)]);
    answer(&mut model, used("pool"), &[("a", 30.0)]);
    answer(&mut model, MeasureId::Limit(ResourceId::new("pool")), &[("", 40.0)]);
    course(&mut model, used("pool"), "a", |x| 30.0 * x + flutter(x));
    model.study();
    let gauges = model.gauges();
    let (resource, gauge) = &gauges[0];
    let steps = gauge.explain(resource, None, at(NOW));
    let find = |name: &str| steps.iter().find(|(of, _)| of == name).unwrap().1.as_str();
    assert_eq!(find("Asked for use"), "pool_used");
    assert_eq!(find("Asked for limit"), "max_connections");
    assert_eq!(find("Share in use"), "30 / 40 = 75 %");
    assert_eq!(find("Series"), "{instance=\"a\"}");
    assert!(find("Full").contains("at the earliest"), "{steps:?}");
    assert!(find("Tried").contains("held back"), "{steps:?}");
}

/// Checkout takes 40 calls a second, cart 60; the database 50 of each and nothing else.
fn shop() -> Model {
    use ResourceKind::{Disk, Pool};
    let mut model = model(vec![
        resource("db-pool", "db", Pool, Capacity::Fixed(100.0)),
        resource("cart-pool", "cart", Pool, Capacity::Fixed(100.0)),
        resource("db-disk", "db", Disk, Capacity::Fixed(1_000.0)),
    ]);
    let call = |from: &str, to: &str, rate| Measured {
        labels: Labels::of(&[("client", from), ("server", to)]),
        value: Reading::Value(rate),
    };
    let found = vec![
        call("web", "checkout", 40.0),
        call("web", "cart", 60.0),
        call("checkout", "db", 50.0),
        call("cart", "db", 50.0),
    ];
    observe(
        &mut model,
        NOW,
        Observation::Measured { of: MeasureId::Calls(EdgesId::new("mesh")), found },
    );
    answer(&mut model, used("db-pool"), &[("", 60.0)]);
    answer(&mut model, used("cart-pool"), &[("", 20.0)]);
    answer(&mut model, used("db-disk"), &[("", 400.0)]);
    answer(
        &mut model,
        MeasureId::Members(ConsensusId::new("etcd")),
        &[("a", 1.0), ("b", 1.0), ("c", 0.0)],
    );
    model.study();
    model
}

fn suppose(text: &str) -> Suppose {
    Suppose::parse(text).unwrap()
}

#[test]
fn what_takes_over_unmeasured_is_never_said_to_hold() {
    let pool = resource("cart-pool", "cart", ResourceKind::Pool, Capacity::Fixed(100.0));
    let mut catalog = catalog(vec![pool]);
    // Either will do for the web, and nobody measures what each gets.
    let web = catalog.services.get_mut(&ServiceId::new("web")).unwrap();
    web.depends_on.iter_mut().for_each(|one| one.any_of = Some(1));
    let mut model = of(catalog);
    answer(&mut model, used("cart-pool"), &[("", 120.0)]);
    model.study();
    let drained = model.what_if(&suppose("drain checkout")).unwrap();
    assert_eq!(
        drained.headline(),
        "checkout goes down. No resource is known to break by it, but not everything it reaches is known."
    );
}

#[test]
fn twice_the_load_breaks_the_database_pool_by_way_of_checkout() {
    let model = shop();
    let supposed = model.what_if(&suppose("checkout x3")).unwrap();
    let first = supposed.first().unwrap();
    // Half of the database's calls triple: twice the load, so 120 of 100.
    assert_eq!(
        (first.gauge.resource.as_str(), first.breaks, first.share),
        ("db-pool", Breaks::AtOnce, Some(1.2))
    );
    assert_eq!(first.path, ["checkout", "db"].map(ServiceId::new));
    assert_eq!(first.headroom, Some(100.0 / 60.0));
    let grown: Vec<(&str, f64)> =
        supposed.growth.iter().map(|(key, times)| (key.service.as_str(), *times)).collect();
    assert_eq!(grown, [("checkout", 3.0), ("db", 2.0)]);
    assert_eq!((supposed.down.len(), supposed.refused.clone()), (0, None));
    let assumed = supposed.assumed.iter().map(|text| text.as_str()).collect::<Vec<_>>().join("\n");
    assert!(assumed.contains("db-pool, cart-pool use without any load is not known"), "{assumed}");
    let by = |name: &str| supposed.strained.iter().find(|one| one.gauge.resource.as_str() == name);
    assert_eq!(by("db-disk").unwrap().breaks, Breaks::Unknown, "no rate, no certainty");
    assert_eq!(by("cart-pool").unwrap().breaks, Breaks::Not);
    assert!(supposed.headline().starts_with("db-pool breaks first, at once: checkout → db"));
}

#[test]
fn the_history_tells_what_is_in_use_without_load() {
    let mut model = shop();
    // Fifty of the sixty are there whatever the load is.
    let load = |x: f64| 100.0 + 40.0 * (x * 30.0).sin();
    let of = MeasureId::Signal(ServiceId::new("db"), Signal::Traffic);
    course(&mut model, of, "", load);
    let of = MeasureId::Strain(ResourceId::new("db-pool"));
    course(&mut model, of, "", |x| 50.0 + 0.1 * load(x));
    let supposed = model.what_if(&suppose("checkout x3")).unwrap();
    let pool = supposed.strained.iter().find(|s| s.gauge.resource.as_str() == "db-pool").unwrap();
    assert_eq!(pool.breaks, Breaks::Not);
    assert!((pool.share.unwrap() - 0.7).abs() < 1e-6, "{:?}", pool.share);
}

#[test]
fn a_loss_that_takes_the_majority_is_refused_and_one_that_happens_is_shown() {
    let model = shop();
    // Two of three are healthy: the next loss stops it, and with it everybody.
    let planned = model.what_if(&suppose("replica db lost 1")).unwrap();
    assert_eq!(
        planned.refused.as_ref().map(|text| text.as_str()),
        Some(
            "Do not do this on purpose. etcd: 2 of 3 members are healthy and 2 are needed, so losing 1 \
             more leaves it without a majority."
        )
    );
    let mut down: Vec<&str> = planned.down.iter().map(|key| key.service.as_str()).collect();
    down.sort_unstable();
    assert_eq!(down, ["cart", "checkout", "db", "web"]);
    let zone = model.what_if(&suppose("zone b lost")).unwrap();
    assert_eq!(zone.refused, None, "nobody does that on purpose");
    assert!(zone.down.contains(&NodeKey::anywhere(ServiceId::new("db"))));
    // Checkout keeps its other replica; cart ran in one zone only.
    let zone = model.what_if(&suppose("zone a lost")).unwrap();
    assert!(zone.down.contains(&NodeKey::anywhere(ServiceId::new("cart"))));
    let drained = model.what_if(&suppose("drain cart")).unwrap();
    assert_eq!(drained.refused, None);
    let mut down: Vec<&str> = drained.down.iter().map(|key| key.service.as_str()).collect();
    down.sort_unstable();
    assert_eq!(down, ["cart", "web"]);
}

#[test]
fn what_is_not_there_cannot_be_supposed() {
    let model = shop();
    let says = |text: &str| model.what_if(&suppose(text)).unwrap_err().to_string();
    assert!(says("chekout x2").ends_with("Did you mean `checkout`?"));
    assert_eq!(says("zone mars lost"), "No service is in a zone `mars`; known are a, b, c.");
    let fresh = self::model(Vec::new());
    let says = fresh.what_if(&suppose("checkout x2")).unwrap_err();
    assert!(says.contains("not known yet"), "{says}");
}

#[test]
fn figures_that_cannot_be_and_a_history_that_ended_or_jumped_are_never_a_forecast() {
    use ResourceKind::{Disk, Pool};
    let pool = |name: &str| resource(name, "db", Pool, Capacity::Fixed(50.0));
    let names = ["negative", "fortnight", "jumped", "plain", "still", "holed"];
    let mut all = names.map(pool).to_vec();
    all.push(resource("disk", "db", Disk, Capacity::Fixed(1_000.0)));
    let mut model = model(all);
    for name in ["fortnight", "jumped", "plain", "still", "holed"] {
        answer(&mut model, used(name), &[("", 20.0)]);
    }
    answer(&mut model, used("negative"), &[("", -3.0)]);
    answer(&mut model, used("disk"), &[("", 400.0)]);
    let line = |from: i64, step: i64, value: &dyn Fn(f64) -> f64| -> Vec<_> {
        (0..=288).map(|i| (at(from + i * step), value(i as f64 / 288.0))).collect()
    };
    let tell = |model: &mut Model, name: &str, points: Vec<_>| {
        let lines = vec![Series { labels: Labels::default(), points }];
        observe(model, NOW, Observation::Course { of: used(name), lines });
    };
    let calm = |x: f64| 20.0 + flutter(x);
    let climbing = |x: f64| 400.0 * x + flutter(x);
    tell(&mut model, "negative", line(0, 300, &calm));
    tell(&mut model, "fortnight", line(-14 * NOW, 300, &calm));
    // It rose steeply, a fortnight ago.
    tell(&mut model, "disk", line(-14 * NOW, 300, &climbing));
    tell(&mut model, "plain", line(0, 300, &calm));
    let mut jumped = line(0, 300, &calm);
    jumped.insert(100, (at(40 * NOW), 1e9));
    jumped.push((at(NOW + 600), f64::NAN));
    jumped.swap(7, 200);
    tell(&mut model, "jumped", jumped);
    tell(&mut model, "still", line(0, 300, &|_| 20.0));
    let mut holed = line(0, 300, &calm);
    holed.retain(|(when, _)| when.millis() / 1_000 % 3_000 == 0);
    holed.truncate(8);
    tell(&mut model, "holed", holed);
    model.study();
    let all = stands(&model);
    let said = |name: &str| {
        let (_, fill, said) = all.iter().find(|(of, ..)| of == name).unwrap();
        (*fill, said.as_str())
    };
    assert_eq!(said("negative"), (Fill::Unknown, "unknown: what is in use is below zero"));
    assert_eq!(said("fortnight"), (Fill::Unknown, "unknown: the newest reading is 14d old"));
    assert_eq!(said("plain"), (Fill::Steady, "not within 24h"));
    assert_eq!(said("jumped"), said("plain"));
    assert_eq!(said("still"), (Fill::Steady, "not within 24h"));
    assert_eq!(said("holed").0, Fill::Unknown);
    let gauges = model.gauges();
    let gauge = |name: &str| gauges.iter().find(|(of, _)| of.id.as_str() == name).unwrap();
    let outlook = |name: &str| gauge(name).1.outlook.clone().unwrap();
    assert_eq!(gauge("negative").1.share, None);
    assert_eq!(outlook("disk").per_hour, None, "what rose a fortnight ago says nothing of now");
    assert_eq!(outlook("jumped").per_hour, outlook("plain").per_hour);
    let (resource, still) = gauge("still");
    let steps = still.explain(resource, None, at(NOW));
    let caution = steps.iter().find(|(name, _)| name == "Caution").unwrap();
    assert_eq!(caution.1, "It never moved, so nothing is known of how it moves.");
    // Neither is said to hold, nor to last for a time that nobody knows.
    let supposed = model.what_if(&suppose("db x2")).unwrap();
    let breaks = |name: &str| {
        supposed.strained.iter().find(|one| one.gauge.resource.as_str() == name).unwrap().breaks
    };
    assert_eq!(["negative", "disk"].map(breaks), [Breaks::Unknown; 2]);
    assert_eq!(breaks("plain"), Breaks::Not);
    assert!(supposed.is_unsure() && supposed.first().is_none());
    let says = "No resource is known to break by it, but not everything it reaches is known.";
    assert_eq!(supposed.headline(), says);
}

#[test]
fn what_was_answered_long_ago_is_not_said_to_hold() {
    let mut model = shop();
    assert_eq!(model.what_if(&suppose("cart x2")).unwrap().first(), None);
    model.tick(at(NOW + 300));
    let supposed = model.what_if(&suppose("checkout x3")).unwrap();
    let known = supposed.strained.iter().find(|one| one.breaks != Breaks::Unknown);
    assert_eq!(known, None);
    assert!(supposed.strained.iter().all(|one| one.used.is_none() && one.headroom.is_none()));
}

#[test]
fn what_breaks_later_is_first_only_among_what_is_known() {
    use ResourceKind::Disk;
    let disk = |name: &str| resource(name, "db", Disk, Capacity::Fixed(1_000.0));
    let mut model = model(vec![disk("known"), disk("unknown")]);
    answer(&mut model, used("known"), &[("", 400.0)]);
    course(&mut model, used("known"), "", |x| 400.0 * x + flutter(x));
    model.study();
    let says = model.what_if(&suppose("db x2")).unwrap().headline();
    assert!(says.starts_with("known is the first known to break, after "), "{says}");
}
