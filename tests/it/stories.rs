//! Worlds for pictures of the screens, told by hand: quiet, bad, a storm, sources down, lost sight.

#[path = "stories/capacity.rs"]
pub(crate) mod capacity;
#[path = "stories/incident.rs"]
pub(crate) mod incident;
#[path = "stories/map.rs"]
pub(crate) mod map;
#[path = "stories/outbound.rs"]
pub(crate) mod outbound;

use std::sync::Arc;

use quarterdeck::app::{AlertRow, SourcesRow, State, Ui};
use quarterdeck::domain::*;
use quarterdeck::model::*;

/// A fixed moment: 2026-11-22T14:32:07Z.
pub(crate) fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-22T14:32:07Z").unwrap()
}

fn source(name: &str, kind: SourceKind, site: &str) -> SourceStatus {
    let mut s = SourceStatus::new(
        SourceId::new(name),
        kind,
        SiteId::new(site),
        SafeText::new(&format!("http://{name}.example:9090")),
        Span::from_secs(15),
    );
    s.last_good = Some(now().minus(Span::from_secs(4)));
    s.latency = Some(Span::from_millis(23));
    s.clock = Some(ClockOffset { offset: Span::from_millis(12), bound: Span::from_millis(9) });
    s.next_try = Some(now().plus(Span::from_secs(11)));
    s.version = "3.8.0".into();
    s
}

fn conditions() -> Vec<BurnCondition> {
    let c = |long, short, factor, urgency| BurnCondition {
        long,
        short,
        factor,
        hold: Span::ZERO,
        urgency,
    };
    vec![
        c(Span::from_hours(1), Span::from_mins(5), 14.4, Urgency::Page),
        c(Span::from_hours(6), Span::from_mins(30), 6.0, Urgency::Page),
        c(Span::from_days(1), Span::from_hours(2), 3.0, Urgency::Ticket),
        c(Span::from_days(3), Span::from_hours(6), 1.0, Urgency::Ticket),
    ]
}

fn slo(id: &str, service: &str, title: &str) -> Slo {
    Slo {
        id: SloId::new(id),
        title: title.into(),
        service: ServiceId::new(service),
        objective: 0.999,
        period: Span::from_days(30),
        indicator: Indicator::ErrorRatio("e[$window]".into()),
        method: Method::Occurrences,
        conditions: conditions(),
        source: None,
        min_events: 0.0,
        recorded: None,
        origin: Origin::default(),
    }
}

fn service(name: &str) -> Service {
    let query = |signal, unit| SignalQuery { signal, expr: "x".into(), unit };
    Service {
        id: ServiceId::new(name),
        title: name.into(),
        tier: Some(1),
        owner: "shop".into(),
        contact: "#shop-oncall".into(),
        runbook: "runbooks/checkout.md".into(),
        runbook_text: Some(SafeText::body(
            "Look at the error rate by version first.\nIf only the canary fails, take its weight to zero.",
        )),
        signals: vec![
            query(Signal::Traffic, Unit::PerSecond),
            query(Signal::Errors, Unit::Ratio),
            query(Signal::Latency, Unit::Seconds),
            query(Signal::Saturation, Unit::Ratio),
        ],
        ..Service::default()
    }
}

const SLOS: [(&str, &str, &str); 6] = [
    ("checkout-avail", "checkout", "availability"),
    ("payments-lat", "payments", "latency under 300 ms"),
    ("search-avail", "search", "availability"),
    ("cart-avail", "cart", "availability"),
    ("mail-avail", "mail", "delivery"),
    ("login-avail", "login", "availability"),
];

fn catalog() -> Arc<Catalog> {
    let mut catalog = Catalog::default();
    for (id, name, title) in SLOS {
        catalog.slos.insert(SloId::new(id), slo(id, name, title));
        catalog.services.insert(ServiceId::new(name), service(name));
    }
    Arc::new(catalog)
}

fn history(shape: impl Fn(f64) -> f64) -> Series {
    let points = (0..=60).map(|i| {
        let at = now().minus(Span::from_mins(60 - i));
        (at, shape(i as f64 / 60.0))
    });
    Series { labels: Labels::default(), points: points.collect() }
}

fn status(id: &str, verdict: Verdict, burn: f64, left: f64, exhaustion: Exhaustion) -> SloStatus {
    let read = |f: f64| match verdict {
        Verdict::NoData => Reading::NoData,
        Verdict::NoTraffic => Reading::NaN,
        Verdict::Unknown => Reading::Unknown,
        _ => Reading::Value(f),
    };
    let states = conditions().into_iter().enumerate().map(|(i, condition)| {
        let long = burn / (1.0 + i as f64 * 1.2);
        let held = match verdict {
            Verdict::NoData | Verdict::Unknown => Held::Unknown,
            _ if long > condition.factor => Held::Yes,
            _ => Held::No,
        };
        ConditionState {
            condition,
            long: read(long),
            short: read(burn * 0.93),
            held,
            since: None,
            few: false,
        }
    });
    SloStatus {
        slo: SloId::new(id),
        verdict,
        budget_left: read(left),
        burns: Vec::new(),
        conditions: states.collect(),
        exhaustion,
        traffic: Reading::Value(20.0),
        at: (verdict != Verdict::Unknown).then(|| now().minus(Span::from_secs(4))),
        history: match verdict {
            Verdict::NoData | Verdict::Unknown => Series::default(),
            Verdict::NoTraffic => history(|_| f64::NAN),
            _ => history(|x| burn * (x * 1.6 - 0.6).max(0.05) + (x * 40.0).sin().abs() * 0.2),
        },
        history_window: Span::from_hours(1),
    }
}

fn ui() -> Ui {
    Ui::new((80, 24))
}

/// Builds a state; the one place that knows its fields.
pub(crate) fn state(model: Model, ui: Ui) -> State {
    let keymap = quarterdeck::keys::load("default", None).unwrap();
    let mut state = State::new(model, ui, now(), Actor::new("alice"), Arc::new(keymap));
    state.local_offset_minutes = 60;
    state
}

fn base() -> Model {
    let mut model = Model::new(
        catalog(),
        SeverityPolicy::default(),
        vec!["alertname".into(), "service".into()],
    );
    for (name, kind, site) in [
        ("prom-eu", SourceKind::Prometheus, "eu"),
        ("am-eu", SourceKind::Alertmanager, "eu"),
        ("am-us", SourceKind::Alertmanager, "us"),
    ] {
        let s = source(name, kind, site);
        model.sources.insert(s.id.clone(), s);
    }
    model
}

fn fine() -> Vec<SloStatus> {
    SLOS.iter().map(|(id, ..)| status(id, Verdict::Fine, 0.3, 0.97, Exhaustion::Lasts)).collect()
}

fn signals(model: &mut Model) {
    let shape = |signal: Signal| match signal {
        Signal::Traffic => history(|x| 120.0 + (x * 9.0).sin() * 30.0),
        Signal::Errors => history(|x| if x > 0.6 { (x - 0.6) * 0.3 } else { 0.001 }),
        Signal::Latency => history(|x| 0.18 + x * 0.2),
        Signal::Saturation => Series::default(),
    };
    let views = Signal::ALL.into_iter().map(|signal| {
        let series = shape(signal);
        let (low, high) = match signal {
            Signal::Traffic => (80.0, 160.0),
            Signal::Errors => (0.0, 0.01),
            Signal::Latency => (0.15, 0.25),
            Signal::Saturation => (0.2, 0.5),
        };
        let points = series.points.iter().map(|(t, _)| (*t, low, (low + high) / 2.0, high));
        let band = Band { points: points.collect(), basis: "hour of week over 4 weeks" };
        (signal, SignalView { series, band, at: Some(now().minus(Span::from_secs(4))) })
    });
    model.signals.by_service.insert(ServiceId::new("checkout"), views.collect());
}

/// One group of `n` alerts.
fn group(model: &mut Model, name: &str, service: &str, severity: Severity, n: usize) -> usize {
    let key = GroupKey { site: SiteId::new("eu"), values: vec![name.into(), service.into()] };
    let judged = Judged {
        severity,
        reason: "impact high (tier 1) × urgency high (severity=\"page\")".into(),
    };
    let starts_at = now().minus(Span::from_secs(720 + 61 * model.alerts.groups.len() as i64));
    let mut keys = Vec::new();
    for i in 0..n {
        let at = AlertKey {
            site: SiteId::new("eu"),
            fingerprint: SafeText::new(&format!("{name}-{service}-{i:05}")),
        };
        let instance = format!("{service}-{i}:8080");
        let alert = Alert {
            key: at.clone(),
            seen_by: vec![SourceId::new("am-eu")],
            labels: Labels::of(&[
                ("alertname", name),
                ("service", service),
                ("severity", "page"),
                ("instance", &instance),
                ("job", service),
                ("track", if i % 3 == 0 { "canary" } else { "stable" }),
            ]),
            annotations: Labels::of(&[("summary", "More than 5 % of requests fail")]),
            starts_at,
            ends_at: now().plus(Span::from_mins(4)),
            updated_at: now().minus(Span::from_secs(10)),
            state: AlertState::Active,
            receivers: vec!["oncall".into()],
            generator_url: "http://prom-eu.example:9090/graph".into(),
        };
        let tracked = Tracked {
            alert: Arc::new(alert),
            sight: Sight::Firing,
            judged: judged.clone(),
            service: Some(ServiceId::new(service)),
            ack: None,
        };
        model.alerts.alerts.insert(at.clone(), tracked);
        keys.push(at);
    }
    model.alerts.groups.push(Group {
        key,
        title: SafeText::new(&format!("{name} {service}")),
        active: n,
        alerts: keys,
        judged,
        silenced: 0,
        inhibited: 0,
        unseen: 0,
        since: starts_at,
        service: Some(ServiceId::new(service)),
        owner: "shop".into(),
        runbook: "runbooks/checkout.md".into(),
        ack: None,
        summary: SafeText::new(&format!("More than 5 % of requests to {service} fail")),
    });
    model.alerts.groups.len() - 1
}

fn finish(model: Model) -> State {
    let mut ui = ui();
    ui.bridge.service = Some(ServiceId::new("checkout"));
    ui.bridge.slo = model.slos.statuses.first().map(|s| s.slo.clone());
    ui.bridge.group = model.alerts.groups.first().map(|g| g.key.clone());
    ui.alerts.rows = model.alerts.groups.iter().map(|g| AlertRow::Group(g.key.clone())).collect();
    ui.alerts.selected = ui.alerts.rows.first().cloned();
    ui.slos.rows = model.slos.statuses.iter().map(|s| s.slo.clone()).collect();
    ui.slos.selected = ui.slos.rows.first().cloned();
    ui.sources.selected = model.sources.keys().next().cloned().map(SourcesRow::Source);
    state(model, ui)
}

/// Nothing is wrong, and fresh data says so.
pub(crate) fn quiet() -> State {
    let mut model = base();
    model.slos.statuses = fine();
    signals(&mut model);
    finish(model)
}

/// Checkout burns; alerts fire, one acknowledged, one silenced, one with owner and runbook missing.
pub(crate) fn bad() -> State {
    let mut model = base();
    let hours = |h: i64, m: i64| Exhaustion::In(Span::from_mins(h * 60 + m));
    model.slos.statuses = vec![
        status("checkout-avail", Verdict::Page, 31.2, 0.41, hours(9, 10)),
        status("payments-lat", Verdict::Ticket, 6.4, 0.77, hours(96, 0)),
        status("search-avail", Verdict::LowTraffic, 0.0, 0.99, Exhaustion::Unknown),
        status("mail-avail", Verdict::NoTraffic, 0.0, 0.99, Exhaustion::Unknown),
        status("login-avail", Verdict::NoData, 0.0, 0.99, Exhaustion::Unknown),
        status("cart-avail", Verdict::Fine, 0.3, 0.97, Exhaustion::Lasts),
    ];
    group(&mut model, "HighErrorRate", "checkout", Severity::Sev1, 12);
    let acked = group(&mut model, "LatencyHigh", "payments", Severity::Sev2, 3);
    model.alerts.groups[acked].ack = Some(Arc::new(Ack {
        by: Actor::new("bob"),
        at: now().minus(Span::from_mins(6)),
        note: "rolling back v812".into(),
    }));
    let bare = group(&mut model, "DiskWillFillIn4Hours", "search", Severity::Sev3, 1);
    (model.alerts.groups[bare].owner, model.alerts.groups[bare].runbook) = ("".into(), "".into());
    let muted = group(&mut model, "CertificateExpiresSoon", "mail", Severity::Sev4, 2);
    (model.alerts.groups[muted].active, model.alerts.groups[muted].silenced) = (0, 2);
    signals(&mut model);
    finish(model)
}

/// Forty groups, thousands of alerts.
pub(crate) fn storm() -> State {
    let mut model = bad().model;
    for i in 0..36 {
        let name = format!("InstanceUnreachable{i:02}");
        group(&mut model, &name, "checkout", Severity::Sev2, 97 + i);
    }
    finish(model)
}

/// Prometheus refuses, one Alertmanager is slow and its clock is off; figures are twelve minutes old.
pub(crate) fn down() -> State {
    let mut state = bad();
    let old = now().minus(Span::from_mins(12));
    for s in state.model.sources.values_mut() {
        if s.id.as_str() != "am-us" {
            s.last_good = Some(old);
            s.breaker = Breaker::Open { until: now().plus(Span::from_secs(21)) };
            s.failure = Some(Failure {
                kind: FailureKind::Refused,
                sentence: "Nothing listens at prom-eu.example:9090. Other sources are unaffected. Start it or correct the address.".into(),
                at: now().minus(Span::from_secs(9)),
            });
        } else {
            s.clock = Some(ClockOffset {
                offset: Span::from_millis(4_200),
                bound: Span::from_millis(40),
            });
        }
    }
    for s in &mut state.model.slos.statuses {
        s.at = s.at.map(|_| old);
    }
    state
}

/// Alertmanager dropped the alerts, but nobody evaluates their rules.
pub(crate) fn lost() -> State {
    let mut state = bad();
    let first = &mut state.model.alerts.groups[0];
    (first.active, first.unseen) = (0, 12);
    let why = SafeText::new("prom-eu has not evaluated HighErrorRate for 6 minutes");
    for key in first.alerts.clone() {
        let tracked = state.model.alerts.alerts.get_mut(&key).unwrap();
        tracked.sight =
            Sight::Lost { since: now().minus(Span::from_mins(5)), why: why.clone(), unsaid: false };
    }
    state
}

/// Just started: sources are configured, none has answered.
pub(crate) fn never() -> State {
    let mut model = base();
    for s in model.sources.values_mut() {
        (s.last_good, s.latency, s.clock, s.next_try) = (None, None, None, None);
        s.version = "".into();
    }
    finish(model)
}

/// Nothing is configured at all.
pub(crate) fn nothing() -> State {
    finish(Model::default())
}

/// Twenty thousand alerts and five hundred objectives.
pub(crate) fn huge() -> State {
    let mut model = base();
    let mut catalog = Catalog::default();
    for i in 0..500 {
        let id = format!("slo-{i:03}");
        catalog.slos.insert(SloId::new(&id), slo(&id, &format!("service-{i:03}"), "availability"));
        let verdict = if i < 40 { Verdict::Page } else { Verdict::Fine };
        let burn = if i < 40 { 20.0 } else { 0.4 };
        model.slos.statuses.push(status(&id, verdict, burn, 0.6, Exhaustion::Lasts));
    }
    model.catalog = Arc::new(catalog);
    for i in 0..400 {
        group(&mut model, &format!("Alert{i:03}"), "checkout", Severity::Sev2, 50);
    }
    signals(&mut model);
    finish(model)
}

/// Alerts as their Alertmanager told them, so that everything can be done to them: twelve of checkout
/// in one group, one of payments, one of mail; and a window of maintenance tonight.
pub(crate) fn live() -> State {
    let told = bad().model;
    let mut model = base();
    let mut catalog = (*model.catalog).clone();
    catalog.windows.push(MaintenanceWindow {
        id: WindowId::new("database-upgrade"),
        comment: "the new version".into(),
        matchers: vec![Matcher::equal("service", "payments")],
        first: "2026-11-23T02:00:00".parse().unwrap(),
        zone: chrono_tz::Europe::Berlin,
        duration: Span::from_hours(2),
        rrule: Some("FREQ=WEEKLY;BYDAY=MO".into()),
    });
    let grouping = model.group_by.clone();
    model.declare(Arc::new(catalog), SeverityPolicy::default(), grouping);
    model.slos.statuses = told.slos.statuses.clone();
    signals(&mut model);
    let wanted = |t: &&Tracked| t.alert.labels.get("alertname") != "CertificateExpiresSoon";
    let alerts = told.alerts.alerts.values().filter(wanted).map(|t| (*t.alert).clone());
    model.observe(&SourceId::new("am-eu"), now(), vec![Observation::Alerts(alerts.collect())]);
    finish(model)
}
