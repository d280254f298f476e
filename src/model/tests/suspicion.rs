//! A cache dies, the pool behind it fills, the shop's checkout burns: who is to blame, and by which way.

use std::sync::Arc;

use pretty_assertions::assert_eq;

use super::{Model, alert, at};
use crate::analysis::suspects::Culprit;
use crate::domain::{
    Catalog, Change, ChangeKey, ChangeKind, ChangeState, Dependency, EdgeOrigin, EdgeQueries,
    EdgesId, Labels, MeasureId, Measured, NodeKey, Observation, Reading, Reviewed, SafeText,
    Series, Service, ServiceId, SeverityPolicy, Signal, SiteId, SourceId, SourceKind, SourceStatus,
    Span,
};

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    for (name, on) in [
        ("web", Some("checkout")),
        ("checkout", Some("cart")),
        ("cart", Some("cache")),
        ("cache", None),
        ("mail", None),
    ] {
        let on = on.map(|on| Dependency {
            on: ServiceId::new(on),
            hard: true,
            any_of: None,
            origin: EdgeOrigin::Catalog,
        });
        let id = ServiceId::new(name);
        let service =
            Service { id: id.clone(), depends_on: on.into_iter().collect(), ..Service::default() };
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
    catalog
}

fn model() -> Model {
    let mut model = Model::new(Arc::new(catalog()), SeverityPolicy::default(), Vec::new());
    let status = |name: &str, kind| {
        let (id, site) = (SourceId::new(name), SiteId::new("eu"));
        SourceStatus::new(id, kind, site, "127.0.0.1".into(), Span::from_secs(15))
    };
    model.source(status("prom", SourceKind::Prometheus));
    model.source(SourceStatus { last_good: Some(at(0)), ..status("am", SourceKind::Alertmanager) });
    model.tick(at(0));
    model.study();
    model
}

/// A line of two hours that is `usual`, and `odd` from `from` seconds on.
fn course(model: &mut Model, service: &str, signal: Signal, usual: f64, odd: f64, from: i64) {
    let value = |t: i64| {
        let wave = 1.0 + 0.02 * ((t / 30) % 7) as f64;
        if t < from { usual * wave } else { odd * wave }
    };
    let points = (-240..=0).map(|i| (at(i * 30), value(i * 30))).collect();
    let of = MeasureId::Signal(ServiceId::new(service), signal);
    let lines = vec![Series { labels: Labels::default(), points }];
    model.observe(&SourceId::new("prom"), at(0), vec![Observation::Course { of, lines }]);
}

#[test]
fn the_graph_has_what_is_declared_and_what_is_seen() {
    let mut model = model();
    let edges = |model: &Model| model.map.graph().edges().len();
    assert_eq!((model.map.is_made(), edges(&model)), (true, 3));
    let labels = Labels::of(&[("client", "cart.shop.svc.cluster.local"), ("server", "mail")]);
    let found = vec![Measured { labels, value: Reading::Value(3.0) }];
    let of = MeasureId::Calls(EdgesId::new("mesh"));
    model.observe(&SourceId::new("prom"), at(20), vec![Observation::Measured { of, found }]);
    model.tick(at(20));
    model.study();
    assert_eq!(edges(&model), 4, "cart is known by its short name");
    let views = model.edge_views();
    let view = views[&(ServiceId::new("cart"), ServiceId::new("mail"))];
    assert_eq!((view.calls, view.failed, view.tripped, view.stale), (Some(3.0), None, None, false));
    model.tick(at(90));
    assert!(model.edge_views().values().all(|view| view.stale), "what is old says so");
}

#[test]
fn calls_of_several_instances_and_sites_add_up_and_nonsense_does_not() {
    let mut model = model();
    let seen = |from: &str, to: &str, value| Measured {
        labels: Labels::of(&[("client", from), ("server", to)]),
        value: Reading::of(value),
    };
    let found = vec![
        seen("cart.eu.svc.cluster.local", "mail", 3.0),
        seen("cart.us.svc.cluster.local", "mail", 4.0),
        seen("cart", "mail", -9.0),
        seen("cart", "mail", f64::NAN),
        seen("cart", "cart", 2.0),
        seen("mail", "cart", 1.0),
        seen("cart", "attic", f64::NAN),
    ];
    let of = MeasureId::Calls(EdgesId::new("mesh"));
    model.observe(&SourceId::new("prom"), at(20), vec![Observation::Measured { of, found }]);
    model.tick(at(20));
    model.study();
    let graph = model.map.graph();
    let node = |name: &str| graph.find(&NodeKey::anywhere(ServiceId::new(name))).unwrap();
    let edge = |from, to| graph.edge(graph.between(node(from), node(to)).unwrap());
    let calls = [("cart", "mail"), ("cart", "cart"), ("mail", "cart"), ("cart", "attic")];
    assert_eq!(
        calls.map(|(from, to)| edge(from, to).calls),
        [Some(7.0), Some(2.0), Some(1.0), None]
    );
    assert!(!graph.node(node("attic")).declared, "nobody declared it, and it is shown");
}

#[test]
fn the_dead_cache_is_blamed_and_not_the_checkout_that_burns() {
    let mut model = model();
    assert_eq!(model.suspicion.concern(), None, "nothing hurts, nobody is suspected");
    let page = alert(
        "a",
        0,
        &[("alertname", "CheckoutBurns"), ("service", "checkout"), ("severity", "critical")],
    );
    model.observe(&SourceId::new("am"), at(0), vec![Observation::Alerts(vec![page])]);
    model.tick(at(6));
    let concern = model.suspicion.concern().unwrap();
    assert_eq!((concern.service.as_str(), concern.onset), ("checkout", at(-600)));
    let compared: Vec<&str> = model.suspicion.compared().iter().map(ServiceId::as_str).collect();
    assert_eq!(
        compared,
        ["checkout", "cart", "cache", "web"],
        "callees near first, then callers; not mail"
    );
    course(&mut model, "checkout", Signal::Errors, 0.002, 0.3, -600);
    course(&mut model, "cart", Signal::Latency, 0.04, 0.9, -600);
    course(&mut model, "cart", Signal::Traffic, 50.0, 51.0, -600);
    course(&mut model, "cache", Signal::Errors, 0.001, 0.9, -600);
    course(&mut model, "web", Signal::Latency, 0.1, 0.11, -600);
    model.tick(at(12));
    model.study();
    let found = model.suspicion.latest().unwrap();
    let first = &found.ranking.suspects[0];
    let name = |place: usize| found.services[place].as_str();
    let Culprit::Service(place) = first.culprit else { panic!("{first:?}") };
    assert_eq!(name(place), "cache");
    let path: Vec<&str> = first.path.iter().map(|place| name(*place)).collect();
    assert_eq!(path, ["checkout", "cart", "cache"]);
    assert!(first.stands_out && !first.terms.is_empty());
    let again = model.studies();
    assert_eq!(again, [], "nothing new, nothing studied");
}

#[test]
fn a_deploy_just_before_the_trouble_is_among_the_suspects_with_its_lag() {
    let mut model = model();
    let change = |id: &str, seconds, service: &str| Change {
        key: ChangeKey { source: SourceId::new("hooks"), id: id.into() },
        at: at(seconds),
        kind: ChangeKind::Deploy,
        service: Some(ServiceId::new(service)),
        title: id.into(),
        author: "mia".into(),
        reviewed: Reviewed::No,
        before: SafeText::default(),
        after: SafeText::default(),
        state: ChangeState::Done,
        size: None,
        with: Vec::new(),
        url: SafeText::default(),
    };
    let told = vec![
        change("mail v9", -620, "mail"),
        change("cart v7", -90_000, "cart"),
        change("cart v8", -660, "cart"),
        change("cart v9", -30, "cart"),
    ];
    model.observe(&SourceId::new("hooks"), at(0), vec![Observation::Changes(told)]);
    let lags = |model: &Model| -> Vec<(String, Option<Span>, bool)> {
        let fed = model.feed().into_iter();
        fed.map(|fed| (fed.change.title.to_string(), fed.lag, fed.on_path)).collect()
    };
    assert!(lags(&model).iter().all(|(_, lag, on_path)| lag.is_none() && !on_path));
    let page = alert(
        "a",
        0,
        &[("alertname", "CheckoutBurns"), ("service", "checkout"), ("severity", "critical")],
    );
    model.observe(&SourceId::new("am"), at(0), vec![Observation::Alerts(vec![page])]);
    model.tick(at(6));
    course(&mut model, "checkout", Signal::Errors, 0.002, 0.3, -600);
    course(&mut model, "cart", Signal::Errors, 0.001, 0.9, -600);
    model.tick(at(12));
    model.study();
    assert_eq!(model.onset(), Some(at(-600)));
    assert_eq!(
        lags(&model),
        [
            ("cart v9".to_owned(), Some(Span::from_secs(570)), true),
            ("mail v9".to_owned(), Some(Span::from_secs(-20)), false),
            ("cart v8".to_owned(), Some(Span::from_secs(-60)), true),
            ("cart v7".to_owned(), Some(Span::from_secs(-89_400)), true),
        ]
    );
    let found = model.suspicion.latest().unwrap();
    let compared: Vec<&str> = found.changes.iter().map(|change| change.title.as_str()).collect();
    assert_eq!(compared, ["cart v9", "cart v8"], "not another service's, not yesterday's");
    let first = found.ranking.suspects.iter().find_map(|suspect| match suspect.culprit {
        Culprit::Change(place) => Some(found.changes[place].title.as_str()),
        Culprit::Service(_) => None,
    });
    assert_eq!(first, Some("cart v8"), "what came after cannot be the cause");
}

#[test]
fn a_cache_that_died_minutes_before_anybody_noticed_is_blamed() {
    // Seconds before now: the cache, the cart, the checkout.
    for (cache, cart) in [(690, 660), (630, 600), (780, 690), (870, 720), (870, 630)] {
        let mut model = model();
        let page = alert(
            "a",
            0,
            &[("alertname", "CheckoutBurns"), ("service", "checkout"), ("severity", "critical")],
        );
        model.observe(&SourceId::new("am"), at(0), vec![Observation::Alerts(vec![page])]);
        model.tick(at(6));
        course(&mut model, "checkout", Signal::Errors, 0.002, 0.3, -600);
        course(&mut model, "cart", Signal::Latency, 0.04, 0.9, -cart);
        course(&mut model, "cache", Signal::Errors, 0.0, 1.0, -cache);
        course(&mut model, "web", Signal::Latency, 0.1, 0.11, -600);
        model.tick(at(12));
        model.study();
        let found = model.suspicion.latest().unwrap();
        let order: Vec<&str> = found
            .ranking
            .suspects
            .iter()
            .map(|s| {
                let Culprit::Service(place) = s.culprit else { panic!("{s:?}") };
                found.services[place].as_str()
            })
            .collect();
        assert_eq!(order[0], "cache", "{cache} {cart}: {:#?}", found.ranking);
        let first = &found.ranking.suspects[0];
        let readings = usize::try_from((cache - 600) / 30).unwrap();
        let words = format!(
            "It began {} before the symptom.",
            match readings {
                1 => "one reading".to_owned(),
                many => format!("{many} readings"),
            }
        );
        assert!(first.terms.iter().any(|term| term.sentence == words), "{words} {first:#?}");
    }
}

#[test]
fn an_alarm_half_an_hour_late_changes_nothing() {
    let mut model = model();
    course(&mut model, "checkout", Signal::Errors, 0.002, 0.3, -2_400);
    course(&mut model, "cart", Signal::Latency, 0.04, 0.9, -2_460);
    course(&mut model, "cache", Signal::Errors, 0.0, 1.0, -2_520);
    let page = alert(
        "a",
        0,
        &[("alertname", "CheckoutBurns"), ("service", "checkout"), ("severity", "critical")],
    );
    model.observe(&SourceId::new("am"), at(0), vec![Observation::Alerts(vec![page])]);
    model.tick(at(6));
    model.study();
    let found = model.suspicion.latest().unwrap();
    assert_eq!(found.concern.onset, at(-2_400), "as the readings say, not as the alert does");
    let Culprit::Service(place) = found.ranking.suspects[0].culprit else { panic!("{found:?}") };
    assert_eq!(found.services[place].as_str(), "cache");
}
