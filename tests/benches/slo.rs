//! The model under load: judging 500 objectives, filtering and grouping 20,000 alerts.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use quarterdeck::analysis::burn;
use quarterdeck::domain::*;
use quarterdeck::eventlog::{AlertInstance, EventLog as _, LogEvent, MemoryLog};
use quarterdeck::model::Model;

const SLOS: usize = 500;
const ALERTS: usize = 20_000;
const GROUPS: usize = 500;

fn now() -> Timestamp {
    Timestamp::from_millis(1_795_345_055_081)
}

fn slo(i: usize) -> Slo {
    let period = Span::from_days(30);
    Slo {
        id: SloId::new(&format!("svc-{i:05}-availability")),
        title: "answers without error".into(),
        service: ServiceId::new(&format!("svc-{i:05}")),
        objective: 0.999,
        period,
        indicator: Indicator::Events { bad: "b[$window]".into(), total: "t[$window]".into() },
        method: Method::Occurrences,
        conditions: burn::workbook(period),
        source: None,
        min_events: 100.0,
        recorded: None,
        origin: Origin::default(),
    }
}

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    for i in 0..10_000 {
        let id = ServiceId::new(&format!("svc-{i:05}"));
        catalog.services.insert(id.clone(), Service { id, tier: Some(1), ..Service::default() });
    }
    catalog.slos = (0..SLOS).map(slo).map(|slo| (slo.id.clone(), slo)).collect();
    catalog
}

fn readings(catalog: &Catalog, round: i64) -> Vec<SloReading> {
    let of = |slo: &Slo| {
        slo.windows()
            .into_iter()
            .map(|window| SloReading {
                slo: slo.id.clone(),
                window,
                error_ratio: Reading::Value(0.000_7 + 0.000_1 * round as f64),
                traffic: Reading::Value(50.0),
                at: now().plus(Span::from_secs(round)),
            })
            .collect::<Vec<_>>()
    };
    catalog.slos.values().flat_map(of).collect()
}

fn alerts(round: usize) -> Vec<Alert> {
    (0..ALERTS)
        .map(|i| {
            let (group, of) = (i % GROUPS, i / GROUPS);
            let service = format!("svc-{group:05}");
            Alert {
                key: AlertKey {
                    site: SiteId::new("eu"),
                    fingerprint: SafeText::new(&format!("{i:016x}")),
                },
                seen_by: vec![SourceId::new("am")],
                labels: Labels::of(&[
                    ("alertname", &format!("HighErrorRate{}", group % 25)),
                    ("instance", &format!("{service}-{of}:8080")),
                    ("job", &service),
                    ("service", &service),
                    ("severity", ["page", "ticket"][group % 2]),
                    ("team", &format!("team-{}", group % 40)),
                ]),
                annotations: Labels::of(&[("summary", "More than 5 % of requests fail")]),
                starts_at: now().minus(Span::from_secs(600 + (i as i64 * 7) % 5_000)),
                ends_at: now().plus(Span::from_mins(4)),
                updated_at: now(),
                state: if (i + round).is_multiple_of(1_000) {
                    AlertState::Unprocessed
                } else {
                    AlertState::Active
                },
                receivers: vec!["oncall".into()],
                generator_url: "http://prometheus.example:9090/graph".into(),
            }
        })
        .collect()
}

fn model() -> Model {
    let group_by = vec!["alertname".into(), "service".into()];
    let mut model = Model::new(Arc::new(catalog()), SeverityPolicy::default(), group_by);
    for (name, kind) in [("prom", SourceKind::Prometheus), ("am", SourceKind::Alertmanager)] {
        let mut status = SourceStatus::new(
            SourceId::new(name),
            kind,
            SiteId::new("eu"),
            "http://127.0.0.1".into(),
            Span::from_secs(15),
        );
        status.last_good = Some(now());
        model.source(status);
    }
    model.tick(now());
    model.observe(&SourceId::new("am"), now(), vec![Observation::Alerts(alerts(0))]);
    model
}

fn work(c: &mut Criterion) {
    let mut group = c.benchmark_group("model");
    group.sample_size(15);
    let mut known = model();
    let catalog = known.catalog.clone();
    let mut round = 0;
    group.bench_function("judge 500 objectives", |b| {
        b.iter_batched(
            || {
                round += 1;
                readings(&catalog, round)
            },
            |seen| {
                let prometheus = SourceId::new("prom");
                known.observe(&prometheus, now(), vec![Observation::Slos(seen)]);
            },
            BatchSize::PerIteration,
        );
    });
    let filter = Filter::parse("severity=page team=~\"team-1.*\" 4242").expect("valid");
    group.bench_function("filter 20k alerts", |b| {
        b.iter(|| known.alerts.visible(black_box(&filter), true).len());
    });
    let mut round = 0;
    group.bench_function("take in 20k alerts of which 40 changed, regroup", |b| {
        b.iter_batched(
            || {
                round += 1;
                (round, alerts(round))
            },
            |(round, seen)| {
                let at = now().plus(Span::from_millis(round as i64));
                known.observe(&SourceId::new("am"), at, vec![Observation::Alerts(seen)]);
                known.alerts.groups.len()
            },
            BatchSize::PerIteration,
        );
    });
    // One acknowledgement, made and withdrawn: next to nothing but the grouping is done for it.
    let mut log = MemoryLog::for_demo();
    let first = known.alerts.alerts.values().next().map(|tracked| tracked.alert.clone());
    let first = first.map(|a| AlertInstance { key: a.key.clone(), starts_at: a.starts_at });
    let alerts: Vec<AlertInstance> = first.into_iter().collect();
    let mut round = 0;
    group.bench_function("group 20k alerts anew", |b| {
        b.iter_batched(
            || {
                round += 1;
                let (alerts, note) = (alerts.clone(), SafeText::default());
                let event = match round % 2 {
                    1 => LogEvent::AlertsAcknowledged { alerts, title: "one".into(), note },
                    _ => LogEvent::AcknowledgementWithdrawn { alerts, note },
                };
                log.append(&Actor::new("you"), now(), &[event]).expect("kept in memory")
            },
            |records| {
                let before = known.alerts.revision;
                records.iter().for_each(|record| known.apply(record));
                assert_eq!(known.alerts.revision, before + 1);
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(std::time::Duration::from_millis(500))
        .measurement_time(std::time::Duration::from_secs(3));
    targets = work
}
criterion_main!(benches);
