//! A pool that fills within the hour, a full queue, a disk with room, a quota nobody knows; a group that stops at
//! the next loss, a replica too far behind, a supplier in trouble.

use super::*;
use quarterdeck::app::{Msg, update};

fn resource(
    name: &str,
    service: &str,
    kind: ResourceKind,
    limit: Capacity,
    unit: Unit,
) -> Resource {
    let service = ServiceId::new(service);
    Resource {
        id: ResourceId::new(name),
        title: name.into(),
        service: service.clone(),
        kind,
        used: format!("max by (instance) ({}_in_use)", name.replace('-', "_")),
        limit,
        unit,
        per: vec!["instance".into()],
        shared_by: Vec::new(),
        filled_by: service,
        short_from: 0.9,
        source: None,
    }
}

fn declared() -> Catalog {
    let mut catalog = (*super::catalog()).clone();
    let gib = 1_073_741_824.0;
    let mut pool = resource(
        "checkout-pool",
        "checkout",
        ResourceKind::Pool,
        Capacity::Fixed(50.0),
        Unit::Count,
    );
    pool.title = "connections lent out to the database".into();
    pool.shared_by = vec![ServiceId::new("cart")];
    let resources = [
        pool,
        resource("mail-queue", "mail", ResourceKind::Queue, Capacity::Fixed(500.0), Unit::Count),
        resource(
            "search-disk",
            "search",
            ResourceKind::Disk,
            Capacity::Fixed(800.0 * gib),
            Unit::Bytes,
        ),
        resource("psp-quota", "payments", ResourceKind::Quota, Capacity::Unknown, Unit::PerSecond),
        resource("login-memory", "login", ResourceKind::Memory, Capacity::Fixed(gib), Unit::Bytes),
    ];
    catalog.resources = resources.into_iter().map(|one| (one.id.clone(), one)).collect();
    for (name, on) in [("checkout", "payments"), ("cart", "checkout"), ("search", "login")] {
        let dependency = Dependency {
            on: ServiceId::new(on),
            hard: true,
            any_of: None,
            origin: EdgeOrigin::Catalog,
        };
        if let Some(service) = catalog.services.get_mut(name) {
            service.depends_on.push(dependency);
        }
    }
    let payments = ServiceId::new("payments");
    let option = |way, takes| RecoveryOption { way, takes: Some(takes), proven: None };
    if let Some(service) = catalog.services.get_mut("payments") {
        service.recovery = vec![
            option(Recovery::FailOver, Span::from_secs(45)),
            option(Recovery::Restart, Span::from_mins(2)),
        ];
    }
    let id = ConsensusId::new("etcd");
    let group = Consensus {
        id: id.clone(),
        service: payments.clone(),
        members: "up{job=\"etcd\"}".into(),
        leader: None,
        voters: Some(3),
        source: None,
    };
    catalog.consensus.insert(id, group);
    let id = ReplicationId::new("ledger");
    let copies = Replication {
        id: id.clone(),
        service: payments.clone(),
        lag: "pg_replication_lag_seconds".into(),
        synchronous: None,
        rpo: Span::from_secs(30),
        per: vec!["instance".into()],
        source: None,
    };
    catalog.replication.insert(id, copies);
    let id = VendorId::new("psp");
    let vendor = Vendor {
        id: id.clone(),
        service: payments,
        feed: Some(SourceId::new("psp-status")),
        components: vec!["API".into()],
    };
    catalog.vendors.insert(id, vendor);
    catalog
}

fn labels(instance: &str) -> Labels {
    if instance.is_empty() { Labels::default() } else { Labels::of(&[("instance", instance)]) }
}

fn measured(of: MeasureId, found: &[(&str, f64)]) -> Observation {
    let found = found
        .iter()
        .map(|(name, value)| Measured { labels: labels(name), value: Reading::of(*value) });
    Observation::Measured { of, found: found.collect() }
}

/// A day at five minutes.
fn course(instance: &str, value: impl Fn(f64) -> f64) -> Series {
    let points = (0..=288).map(|i| {
        let x = f64::from(i) / 288.0;
        (now().minus(Span::from_mins(i64::from(288 - i) * 5)), value(x))
    });
    Series { labels: labels(instance), points: points.collect() }
}

/// Everything at once.
pub(crate) fn short() -> State {
    let mut state = bad();
    let grouping = state.model.group_by.clone();
    let catalog = Arc::new(declared());
    state.model.declare(catalog, SeverityPolicy::default(), grouping);
    state.model.slos.statuses = bad().model.slos.statuses;
    let prom = SourceId::new("prom-eu");
    let mut page = source("psp-status", SourceKind::Prometheus, "eu");
    page.site = SiteId::new("");
    state.model.sources.insert(page.id.clone(), page);
    let used = |name: &str| MeasureId::Used(ResourceId::new(name));
    let gib = 1_073_741_824.0;
    let at = now().minus(Span::from_secs(4));
    let seen = vec![
        measured(used("checkout-pool"), &[("checkout-1", 46.0), ("checkout-2", 21.0)]),
        measured(used("mail-queue"), &[("", 512.0)]),
        measured(used("search-disk"), &[("", 412.0 * gib)]),
        measured(used("psp-quota"), &[("", 17.5)]),
        measured(used("login-memory"), &[]),
        measured(
            MeasureId::Members(ConsensusId::new("etcd")),
            &[("a", 1.0), ("b", 1.0), ("c", 0.0)],
        ),
        measured(MeasureId::Lag(ReplicationId::new("ledger")), &[("db-2", 95.0), ("db-3", 340.0)]),
        Observation::Course {
            of: used("checkout-pool"),
            lines: vec![
                course("checkout-1", |x| 46.0 * x + (x * 911.0).sin() * 0.6),
                course("checkout-2", |x| 21.0 + (x * 12.56).sin() * 3.0),
            ],
        },
        Observation::Course { of: used("mail-queue"), lines: vec![course("", |x| 512.0 * x * x)] },
        Observation::Course {
            of: used("search-disk"),
            lines: vec![course("", |x| (400.0 + 12.0 * x) * gib)],
        },
    ];
    state.model.observe(&prom, at, seen);
    let feed = FeedSeen {
        components: vec![ComponentSeen { name: "API".into(), state: VendorState::Partial }],
        incidents: vec![("Card payments fail".into(), "Investigating".into(), at)],
    };
    state.model.observe(&SourceId::new("psp-status"), at, vec![Observation::Feed(feed)]);
    state.model.tick(now());
    state.model.study();
    update(&mut state, Msg::Tick(now()));
    state
}

/// A pool on so many instances, each with a day of history.
pub(crate) fn many(instances: usize) -> State {
    let mut state = short();
    let used = MeasureId::Used(ResourceId::new("checkout-pool"));
    let names: Vec<String> = (0..instances).map(|i| format!("checkout-{i:05}")).collect();
    let found = names.iter().enumerate().map(|(i, name)| Measured {
        labels: labels(name),
        value: Reading::Value(5.0 + (i % 44) as f64),
    });
    let found = Observation::Measured { of: used, found: found.collect() };
    state.model.observe(&SourceId::new("prom-eu"), now(), vec![found]);
    state.ui.screen = quarterdeck::actions::Screen::Capacity;
    update(&mut state, Msg::Tick(now().plus(Span::from_secs(2))));
    state
}
