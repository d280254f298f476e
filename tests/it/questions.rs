//! What the catalog declares about capacity and resilience, asked of a Prometheus and read back.

use std::path::Path;

use pretty_assertions::assert_eq;
use quarterdeck::config::catalog;
use quarterdeck::connectors::prometheus::Prometheus;
use quarterdeck::connectors::{Ask, Connector as _, Interest, Reply};
use quarterdeck::domain::{
    Capacity, Catalog, Labels, MeasureId, Measured, Observation, Reading, Recovery, ResourceId,
    ResourceKind, Series, ServiceId, Signal, SourceId, Span, Timestamp, Unit,
};

const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

fn declared() -> Catalog {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/catalog");
    let sources = [SourceId::new("prom"), SourceId::new("psp-status")];
    let (catalog, errors) = catalog::load(&["resilience.toml".into()], &folder, &sources);
    assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), [""; 0]);
    catalog
}

fn prometheus() -> Prometheus {
    Prometheus::new(&declared(), &SourceId::new("prom"), true, Span::from_secs(15))
}

fn query(ask: &Ask) -> &str {
    ask.params.iter().find(|(name, _)| *name == "query").map_or("", |(_, q)| q)
}

fn reply(status: u16, body: &str) -> Reply {
    let body = body.as_bytes().to_vec();
    Reply { status, body, retry_after: None, date: None, sent: NOON, received: NOON }
}

fn asked(prometheus: &Prometheus, interest: &Interest, prefix: &str, now: Timestamp) -> Vec<Ask> {
    let mut asks = prometheus.asks(interest, now);
    asks.retain(|ask| ask.key.starts_with(prefix));
    asks
}

#[test]
fn the_catalog_says_what_can_run_out_and_what_stands_behind() {
    let catalog = declared();
    let pool = &catalog.resources["checkout-pool"];
    assert_eq!((pool.kind, pool.unit), (ResourceKind::Pool, Unit::Count));
    assert_eq!((&pool.limit, pool.short_from), (&Capacity::Fixed(50.0), 0.9));
    assert_eq!(pool.filled_by, ServiceId::new("web"));
    assert_eq!(pool.shared_by, [ServiceId::new("cart")]);
    let disk = &catalog.resources["db-disk"];
    assert_eq!((disk.kind, disk.unit), (ResourceKind::Disk, Unit::Bytes));
    assert_eq!(disk.filled_by, ServiceId::new("db"), "its own service's traffic unless said");
    assert_eq!(catalog.consensus["etcd"].voters, Some(3));
    assert_eq!(catalog.replication["db"].rpo, Span::from_secs(30));
    assert_eq!(catalog.vendors["psp"].feed, Some(SourceId::new("psp-status")));
    let mesh = &catalog.edges["mesh"];
    assert_eq!((mesh.from.as_str(), mesh.to.as_str()), ("client", "server"));
    assert!(mesh.failed.as_ref().is_some_and(|q| q.contains("request_failed_total")));
    let db = &catalog.services["db"];
    assert_eq!((db.replicas, db.stateless), (Some(2), Some(false)));
    let ways: Vec<_> = db.recovery.iter().map(|o| (o.way, o.takes)).collect();
    let expected = [
        (Recovery::Restart, Some(Span::from_mins(2))),
        (Recovery::FailOver, Some(Span::from_secs(45))),
    ];
    assert_eq!(ways, expected, "cheapest first, however they are written");
}

#[test]
fn each_mistake_is_named_by_its_place() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/catalog");
    let (catalog, errors) =
        catalog::load(&["resilience-mistakes.toml".into()], &folder, &[SourceId::new("prom")]);
    let errors: String = errors.iter().map(|e| format!("{e}\n")).collect();
    insta::assert_snapshot!(errors);
    assert_eq!(catalog.resources.len(), 1, "what is right is kept");
}

#[test]
fn all_questions_travel_together_and_each_answer_finds_its_own() {
    let prometheus = prometheus();
    let asks = asked(&prometheus, &Interest::default(), "measure", NOON);
    let [ask] = asks.as_slice() else { panic!("one query: {asks:?}") };
    assert!(
        query(ask).contains("max by (instance) (pool_in_use)\n, \"qd\", \"0\""),
        "{}",
        query(ask)
    );
    // The pool of two instances, one of them NaN; nothing of the disk.
    let body = r#"{"status":"success","data":{"resultType":"vector","result":[
        {"metric":{"qd":"0","instance":"b"},"value":[1795348800,"NaN"]},
        {"metric":{"qd":"0","instance":"a"},"value":[1795348800,"47"]}]}}"#;
    let seen = prometheus.parse(&SourceId::new("prom"), ask, &reply(200, body)).unwrap();
    let of = |name: &str| MeasureId::Used(ResourceId::new(name));
    let instance = |name: &str| Labels::new(vec![("instance".into(), name.into())]);
    assert!(seen.contains(&Observation::Measured {
        of: of("checkout-pool"),
        found: vec![
            Measured { labels: instance("a"), value: Reading::Value(47.0) },
            Measured { labels: instance("b"), value: Reading::NaN },
        ],
    }));
    assert!(
        seen.contains(&Observation::Measured { of: of("db-disk"), found: Vec::new() }),
        "that nothing matched is an answer too"
    );
}

#[test]
fn a_refused_question_is_asked_alone_named_and_joins_again_when_it_is_mended() {
    let prometheus = prometheus();
    let source = SourceId::new("prom");
    let now = Interest::default();
    let together = asked(&prometheus, &now, "measure", NOON).remove(0);
    let refusal = r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
    let said = prometheus.parse(&source, &together, &reply(400, refusal)).unwrap_err().to_string();
    assert!(said.contains("queries of the catalog, which are asked singly from now on"), "{said}");
    let later = NOON.plus(Span::from_secs(15));
    let singly = asked(&prometheus, &now, "measure:alone:", later);
    assert_eq!(singly.len(), prometheus_questions(&together));
    let said = prometheus.parse(&source, &singly[0], &reply(400, refusal)).unwrap_err().to_string();
    assert!(said.contains("the use of the resource checkout-pool: parse error"), "{said}");
    let empty = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
    for sound in &singly[1..] {
        prometheus.parse(&source, sound, &reply(200, empty)).unwrap();
    }
    let next = asked(&prometheus, &now, "measure", later.plus(Span::from_secs(15)));
    let keys: Vec<&str> = next.iter().map(|ask| ask.key.as_str()).collect();
    assert_eq!(keys, ["measure:0", "measure:alone:0"], "only the bad one stays alone");
}

fn prometheus_questions(ask: &Ask) -> usize {
    query(ask).matches("\"qd\"").count()
}

#[test]
fn histories_are_asked_for_resources_and_for_the_services_compared() {
    let prometheus = prometheus();
    let looking = Interest {
        resource: Some(ResourceId::new("db-disk")),
        around: vec![ServiceId::new("db")],
        ..Interest::default()
    };
    let source = SourceId::new("prom");
    let nothing = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
    let kinds = ["course:0", "resource:db-disk", "around:0"];
    let asks = prometheus.asks(&looking, NOON);
    for ask in asks.iter().filter(|ask| kinds.contains(&ask.key.as_str())) {
        prometheus.parse(&source, ask, &reply(200, nothing)).unwrap();
    }
    let due = |after: Span| {
        let asks = prometheus.asks(&looking, NOON.plus(after));
        kinds.map(|kind| asks.iter().any(|ask| ask.key == kind))
    };
    assert_eq!(due(Span::from_secs(20)), [false; 3], "answered not long ago");
    let around = prometheus.details(&looking, NOON.plus(Span::from_mins(2)));
    let [ask] = around.as_slice() else { panic!("only what changes fast: {around:?}") };
    assert_eq!(ask.key, "around:0");
    let body = r#"{"status":"success","data":{"resultType":"matrix","result":[
        {"metric":{"qd":"0"},"values":[[1795348770,"1"],[1795348800,"NaN"]]}]}}"#;
    let seen = prometheus.parse(&source, ask, &reply(200, body)).unwrap();
    let [Observation::Course { of, lines }, Observation::Course { of: disk, lines: none }] =
        seen.as_slice()
    else {
        panic!("{seen:?}")
    };
    assert_eq!((disk, none.len()), (&MeasureId::Strain(ResourceId::new("db-disk")), 0));
    assert_eq!(of, &MeasureId::Signal(ServiceId::new("db"), Signal::Traffic));
    let [Series { points, .. }] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(points[0], (NOON.minus(Span::from_secs(30)), 1.0));
    assert!(points[1].1.is_nan(), "NaN stays NaN");
}
