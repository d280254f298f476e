//! What stands behind a service, through good answers, silence and lies.

use std::sync::Arc;

use pretty_assertions::assert_eq;

use super::{Model, at};
use crate::domain::{
    Catalog, ComponentSeen, Consensus, ConsensusId, FeedSeen, Freshness, Labels, MeasureId,
    Measured, Observation, Reading, Recovery, RecoveryOption, Replication, ReplicationId, Service,
    ServiceId, SeverityPolicy, SiteId, SourceId, SourceKind, SourceStatus, Span, Vendor, VendorId,
    VendorState,
};
use crate::model::{Cover, Coverage, Watched};

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    let option = |way, takes| RecoveryOption { way, takes: Some(takes), proven: None };
    let recovery = vec![
        option(Recovery::Restart, Span::from_mins(10)),
        option(Recovery::FailOver, Span::from_mins(1)),
    ];
    for (name, recovery) in [("db", recovery), ("web", Vec::new()), ("psp", Vec::new())] {
        let id = ServiceId::new(name);
        let service = Service { id: id.clone(), recovery, ..Service::default() };
        catalog.services.insert(id, service);
    }
    let (id, service) = (ConsensusId::new("etcd"), ServiceId::new("db"));
    catalog.consensus.insert(
        id.clone(),
        Consensus {
            id,
            service: service.clone(),
            members: "up".into(),
            leader: Some("leader".into()),
            voters: Some(3),
            source: None,
        },
    );
    let id = ReplicationId::new("copies");
    catalog.replication.insert(
        id.clone(),
        Replication {
            id,
            service,
            lag: "lag".into(),
            synchronous: Some("sync".into()),
            rpo: Span::from_secs(30),
            per: vec!["instance".into()],
            source: None,
        },
    );
    let id = VendorId::new("psp");
    catalog.vendors.insert(
        id.clone(),
        Vendor {
            id,
            service: ServiceId::new("psp"),
            feed: Some(SourceId::new("page")),
            components: vec!["API".into()],
        },
    );
    catalog
}

fn model() -> Model {
    let mut model = Model::new(Arc::new(catalog()), SeverityPolicy::default(), Vec::new());
    for name in ["prom", "page"] {
        let status = SourceStatus::new(
            SourceId::new(name),
            SourceKind::Prometheus,
            SiteId::new("eu"),
            "127.0.0.1".into(),
            Span::from_secs(15),
        );
        model.source(status);
    }
    model
}

fn answer(model: &mut Model, seconds: i64, of: MeasureId, found: &[(&str, f64)]) {
    let found = found
        .iter()
        .map(|(name, value)| Measured {
            labels: Labels::of(&[("instance", name)]),
            value: Reading::of(*value),
        })
        .collect();
    let seen = vec![Observation::Measured { of, found }];
    model.observe(&SourceId::new("prom"), at(seconds), seen);
    model.tick(at(seconds));
}

fn members() -> MeasureId {
    MeasureId::Members(ConsensusId::new("etcd"))
}

fn lag() -> MeasureId {
    MeasureId::Lag(ReplicationId::new("copies"))
}

#[test]
fn a_group_is_unknown_until_it_answers_and_old_when_it_stops() {
    let mut model = model();
    assert_eq!(model.consensus()[0].quorum, None, "never green without data");
    answer(&mut model, 0, members(), &[("a", 1.0), ("b", 1.0), ("c", 0.0)]);
    let leader = MeasureId::Leader(ConsensusId::new("etcd"));
    answer(&mut model, 0, leader, &[("a", 1.0), ("b", 1.0)]);
    let view = &model.consensus()[0];
    let quorum = view.quorum.unwrap();
    assert_eq!((quorum.healthy, quorum.margin(), quorum.leader), (2, Some(0), Some(true)));
    assert_eq!(view.lost, [Labels::of(&[("instance", "c")])]);
    assert_eq!(view.age, Some((Span::ZERO, Freshness::Fresh)));
    model.tick(at(60));
    assert_eq!(model.consensus()[0].age, Some((Span::from_secs(60), Freshness::Stale)));
    // Asked about the one member that still answers, the group has lost its majority all the same.
    answer(&mut model, 75, members(), &[("a", 1.0)]);
    let quorum = model.consensus()[0].quorum.unwrap();
    assert!(!quorum.held());
    answer(&mut model, 90, members(), &[]);
    assert_eq!(model.consensus()[0].quorum, None, "nothing matched: nothing is known");
}

#[test]
fn what_a_failover_would_lose_counts_the_best_replica_and_the_age_of_the_answer() {
    let mut model = model();
    assert_eq!(model.replication()[0].within_rpo(), None);
    answer(&mut model, 0, lag(), &[("far", 400.0), ("near", 4.0), ("mute", f64::NAN)]);
    let sync = MeasureId::Synchronous(ReplicationId::new("copies"));
    answer(&mut model, 0, sync, &[("near", 1.0), ("far", 0.0)]);
    let view = &model.replication()[0];
    let shown: Vec<_> = view
        .replicas
        .iter()
        .map(|r| (r.labels.get("instance").to_owned(), r.lag, r.synchronous))
        .collect();
    assert_eq!(
        shown,
        [
            ("near".to_owned(), Some(Span::from_secs(4)), Some(true)),
            ("far".to_owned(), Some(Span::from_secs(400)), Some(false)),
            ("mute".to_owned(), None, None),
        ]
    );
    assert_eq!((view.at_risk(), view.within_rpo()), (Some(Span::from_secs(4)), Some(true)));
    let way = |model: &Model| {
        let service = model.catalog.services["db"].clone();
        let options = model.recovery(&service);
        options
            .into_iter()
            .map(|(o, doubt)| (o.way, doubt.map(|d| d.to_string())))
            .collect::<Vec<_>>()
    };
    assert_eq!(way(&model), [(Recovery::FailOver, None), (Recovery::Restart, None)]);
    // Silence: what happened since could be lost as well.
    model.tick(at(120));
    assert_eq!(model.replication()[0].at_risk(), Some(Span::from_secs(124)));
    assert_eq!(
        way(&model),
        [
            (Recovery::Restart, None),
            (Recovery::FailOver, Some("2m4s of data would be lost, 30s may be".to_owned())),
        ]
    );
}

#[test]
fn a_supplier_is_as_well_as_the_components_that_matter_say() {
    let mut model = model();
    assert_eq!(model.vendors()[0].says, None);
    let component = |name: &str, state| ComponentSeen { name: name.into(), state };
    let seen = FeedSeen {
        components: vec![
            component("API", VendorState::Degraded),
            component("Website", VendorState::Major),
        ],
        incidents: vec![("Slow".into(), "We are looking into it.".into(), at(0))],
    };
    model.observe(&SourceId::new("page"), at(0), vec![Observation::Feed(seen)]);
    let view = &model.vendors()[0];
    assert_eq!(view.says, Some(VendorState::Degraded), "the website is no concern of ours");
    assert_eq!(view.incidents.len(), 1);
    let gone = FeedSeen {
        components: vec![component("Website", VendorState::Operational)],
        ..FeedSeen::default()
    };
    model.observe(&SourceId::new("page"), at(15), vec![Observation::Feed(gone)]);
    assert_eq!(model.vendors()[0].says, None, "a page that no longer names it says nothing");
}

#[test]
fn what_nothing_watches_comes_first() {
    let mut model = model();
    let rules = crate::domain::RulesSeen {
        rules: vec![crate::domain::AlertRule {
            expr: "sum(rate(x{service=~\"db|cache\"}[5m])) > 1".into(),
            ..super::rule("Slow", 0, false)
        }],
        ..crate::domain::RulesSeen::default()
    };
    model.observe(&SourceId::new("prom"), at(0), vec![Observation::Rules(rules)]);
    assert_eq!(
        matrix(&model),
        [
            "web: unwatched, lacks metric alert SLO runbook owner on-call",
            "psp: Feed=declared, lacks metric alert SLO runbook owner on-call",
            "db: Alert=seen, lacks metric SLO runbook owner on-call",
        ]
    );
}

/// The rows in words.
fn matrix(model: &Model) -> Vec<String> {
    let told = |row: Coverage| {
        let cells = Watched::ALL.into_iter().filter(|what| row.of(*what) != Cover::Missing);
        let cells = cells.map(|what| format!("{what:?}={}", row.of(what).word()));
        let blind = row.is_unwatched().then(|| "unwatched".to_owned());
        let lacking: Vec<&str> = row.lacking().map(Watched::name).collect();
        let lacking = (!lacking.is_empty()).then(|| format!("lacks {}", lacking.join(" ")));
        let parts: Vec<String> = cells.chain(blind).chain(lacking).collect();
        format!("{}: {}", row.service, parts.join(", "))
    };
    model.coverage().into_iter().map(told).collect()
}

#[test]
fn written_down_is_not_seen() {
    let mut catalog = catalog();
    let db = catalog.services.get_mut(&ServiceId::new("db")).unwrap();
    (db.alive, db.owner) = (Some("up".into()), "data".into());
    (db.runbook, db.runbook_text) = ("https://wiki.example/db".into(), None);
    let mut model = Model::new(Arc::new(catalog), SeverityPolicy::default(), Vec::new());
    let id = SourceId::new("prom");
    let mut prom = SourceStatus::new(
        id.clone(),
        SourceKind::Prometheus,
        SiteId::new("eu"),
        "http://prom.example".into(),
        Span::from_secs(15),
    );
    prom.last_good = Some(at(0));
    model.sources.insert(id.clone(), prom);
    let db = |model: &Model| matrix(model).into_iter().find(|row| row.starts_with("db")).unwrap();
    model.tick(at(0));
    assert_eq!(
        db(&model),
        "db: Liveness=declared, Runbook=declared, Owner=declared, lacks metric alert SLO on-call"
    );
    let alive = |found| Observation::Measured { of: MeasureId::Alive(ServiceId::new("db")), found };
    let up = Measured { labels: Labels::default(), value: Reading::Value(1.0) };
    model.observe(&id, at(1), vec![alive(vec![up])]);
    assert!(db(&model).contains("Liveness=seen"), "{}", db(&model));
    // An answer with nothing in it is no watch, and neither is an old one.
    model.observe(&id, at(2), vec![alive(Vec::new())]);
    assert!(db(&model).contains("Liveness=silent, Runbook"), "{}", db(&model));
    assert!(db(&model).contains("unwatched"), "{}", db(&model));
    model.tick(at(7_200));
    assert!(db(&model).contains("Liveness=silent"), "{}", db(&model));
}
