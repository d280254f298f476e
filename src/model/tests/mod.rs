//! Stories of alerts: what a person may believe while monitoring itself comes and goes.

mod capacity;
mod groups;
mod recall;
mod resilience;
mod sight;
mod situations;
mod suspicion;

use std::sync::Arc;

use crate::domain::{
    Actor, Alert, AlertKey, AlertRule, AlertState, Catalog, Labels, Observation, RulesSeen,
    SafeText, Service, ServiceId, SeverityPolicy, SiteId, SourceId, SourceKind, SourceStatus, Span,
    Timestamp,
};
use crate::eventlog::{AlertInstance, LogEvent, RecordId, Recorded, Stamp};

use super::{Model, Sight};

/// Seconds after 14:00:00 UTC on some day.
fn at(secs: i64) -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-22T14:00:00Z").unwrap().plus(Span::from_secs(secs))
}

/// An alert of site `eu`, told at `told`, with four minutes to run as Prometheus gives them.
fn alert(fingerprint: &str, told: i64, labels: &[(&str, &str)]) -> Alert {
    let site = SiteId::new("eu");
    Alert {
        key: AlertKey { site, fingerprint: SafeText::new(fingerprint) },
        seen_by: Vec::new(),
        labels: Labels::of(labels),
        annotations: Labels::of(&[("summary", &format!("summary of {fingerprint}"))]),
        starts_at: at(-600),
        ends_at: at(told + 240),
        updated_at: at(told),
        state: AlertState::Active,
        receivers: vec![SafeText::new("hook")],
        generator_url: SafeText::default(),
    }
}

fn silenced(mut alert: Alert) -> Alert {
    alert.state =
        AlertState::Suppressed { silenced_by: vec!["s1".into_id()], inhibited_by: Vec::new() };
    alert
}

trait IntoId {
    fn into_id(self) -> crate::domain::SilenceId;
}
impl IntoId for &str {
    fn into_id(self) -> crate::domain::SilenceId {
        crate::domain::SilenceId::new(self)
    }
}

fn rule(name: &str, evaluated: i64, firing: bool) -> AlertRule {
    AlertRule {
        name: SafeText::new(name),
        expr: SafeText::new("up == 0"),
        last_evaluation: Some(at(evaluated)),
        interval: Span::from_secs(15),
        error: SafeText::default(),
        firing,
    }
}

/// A model and the hands to feed it.
struct Room {
    model: Model,
}

impl Room {
    /// Two Alertmanagers (`am-1`, `am-2`) and a Prometheus (`prom`) of site `eu`, asked every five
    /// seconds: stale after twelve.
    fn new() -> Self {
        let mut room = Self::bare();
        room.join("am-1", SourceKind::Alertmanager, "eu");
        room.join("am-2", SourceKind::Alertmanager, "eu");
        room.join("prom", SourceKind::Prometheus, "eu");
        room
    }

    fn bare() -> Self {
        let mut catalog = Catalog::default();
        let checkout = Service {
            id: ServiceId::new("checkout"),
            tier: Some(1),
            owner: SafeText::new("shop"),
            runbook: SafeText::new("runbooks/checkout.md"),
            ..Service::default()
        };
        catalog.services.insert(checkout.id.clone(), checkout);
        Self { model: Model::new(Arc::new(catalog), SeverityPolicy::default(), Vec::new()) }
    }

    fn join(&mut self, id: &str, kind: SourceKind, site: &str) {
        self.model.source(SourceStatus::new(
            SourceId::new(id),
            kind,
            SiteId::new(site),
            SafeText::default(),
            Span::from_secs(5),
        ));
    }

    fn sees(&mut self, source: &str, secs: i64, alerts: Vec<Alert>) {
        self.tell(source, secs, Observation::Alerts(alerts));
    }

    fn evaluates(&mut self, source: &str, secs: i64, rules: Vec<AlertRule>) {
        let mut status = self.model.sources[&SourceId::new(source)].clone();
        status.last_good = Some(at(secs));
        self.model.source(status);
        self.tell(source, secs, Observation::Rules(RulesSeen { rules, recorded: Vec::new() }));
    }

    fn tell(&mut self, source: &str, secs: i64, seen: Observation) {
        self.model.observe(&SourceId::new(source), at(secs), vec![seen]);
    }

    fn record(&mut self, secs: i64, event: LogEvent) {
        let seq = self.model.revision;
        let mut id = [0; 32];
        id[..8].copy_from_slice(&seq.to_be_bytes());
        self.model.apply(&Recorded {
            id: RecordId(id),
            actor: Actor::new("alice"),
            key: crate::eventlog::KeyId::default(),
            at: at(secs),
            stamp: Stamp { seq, ..Stamp::default() },
            event: Some(event),
        });
    }

    fn sight(&self, fingerprint: &str) -> Option<&Sight> {
        self.model.alerts.alerts.get(&key(fingerprint)).map(|t| &t.sight)
    }

    fn titles(&self) -> Vec<&str> {
        self.model.alerts.groups.iter().map(|g| g.title.as_str()).collect()
    }
}

fn key(fingerprint: &str) -> AlertKey {
    AlertKey { site: SiteId::new("eu"), fingerprint: SafeText::new(fingerprint) }
}

fn instance(alert: &Alert) -> AlertInstance {
    AlertInstance { key: alert.key.clone(), starts_at: alert.starts_at }
}

const DOWN: &[(&str, &str)] =
    &[("alertname", "TargetDown"), ("severity", "page"), ("service", "checkout")];
