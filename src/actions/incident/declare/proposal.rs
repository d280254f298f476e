//! What an incident could be declared as, with the reason in words; and what its ticket says at first.

use std::fmt::Write as _;

use crate::domain::{
    Cause, Judged, Labels, Reading, SafeText, ServiceId, Severity, SloId, Timestamp,
};
use crate::eventlog::Declared;
use crate::model::{Held, Model, SloStatus, Tracked, Verdict};

use super::{Desk, graph};

/// Alerts a ticket names.
const MOST_ALERTS: usize = 20;

/// What is proposed for a declaration; everything can be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// How bad.
    pub severity: Severity,
    /// Why that severity, in words.
    pub reason: SafeText,
    /// One line; empty when nothing is known.
    pub title: SafeText,
    /// Services that are hurt.
    pub services: Vec<ServiceId>,
    /// Who is hurt and how, in words that may go out; empty when nothing burns.
    pub impact: String,
    /// When it began, if that is known.
    pub onset: Option<Timestamp>,
}

/// Proposes what to declare from a cause: of several severities that could be meant the worst, since it is
/// cheaper to lower one than to raise it.
pub fn propose(model: &Model, cause: &Cause) -> Proposal {
    let proposal = match cause {
        Cause::Nothing => Proposal {
            severity: Severity::Sev3,
            reason: "no alert and no objective says how bad it is; SEV-3 is the middle".into(),
            title: SafeText::default(),
            services: Vec::new(),
            impact: String::new(),
            onset: None,
        },
        Cause::Alerts { title, alerts } => {
            let tracked = alerts.iter().filter_map(|key| model.alerts.alerts.get(key));
            from_alerts(model, title, &tracked.collect::<Vec<_>>())
        }
        Cause::Slo(slo) => from_slo(model, slo),
    };
    let (impact, onset) = (impact(model, &proposal.services), began(model, cause));
    Proposal { impact, onset, ..proposal }
}

/// When what it is declared from began.
fn began(model: &Model, cause: &Cause) -> Option<Timestamp> {
    let book = &model.alerts;
    match cause {
        Cause::Alerts { alerts, .. } => {
            let known = alerts.iter().filter_map(|key| book.alerts.get(key));
            known.map(|tracked| tracked.alert.starts_at).min()
        }
        Cause::Slo(id) => {
            let status = model.slos.status(id)?;
            status.conditions.iter().filter_map(|condition| condition.since).min()
        }
        Cause::Nothing => None,
    }
}

/// What the objectives of the services say of the impact, in words that may go out: how many requests, not
/// how fast a budget burns. Empty when nothing burns.
fn impact(model: &Model, services: &[ServiceId]) -> String {
    let catalog = &model.catalog;
    let worst = model.slos.statuses.iter().find_map(|status| {
        let slo = catalog.slos.get(&status.slo).filter(|slo| services.contains(&slo.service))?;
        let rate = status.conditions.first()?.long.value().filter(|rate| *rate > 1.0)?;
        let share = (rate * (1.0 - slo.objective)).min(1.0);
        Some(format!("{} of requests miss \"{}\"", roughly(share), slo.with_service()))
    });
    worst.unwrap_or_default()
}

/// `About 31 %`: nobody counts so well that a tenth of it would be true.
fn roughly(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 1.0 { "Less than 1 %".into() } else { format!("About {percent:.0} %") }
}

fn from_alerts(model: &Model, title: &SafeText, alerts: &[&Tracked]) -> Proposal {
    let mut services: Vec<ServiceId> = Vec::new();
    for service in alerts.iter().filter_map(|tracked| tracked.service.as_ref()) {
        if !services.contains(service) {
            services.push(service.clone());
        }
    }
    let by_alerts = alerts.iter().map(|tracked| &tracked.judged).min_by_key(|j| j.severity);
    let by_slos = model
        .slos
        .statuses
        .iter()
        .filter(|status| slo_service(model, &status.slo).is_some_and(|s| services.contains(s)))
        .filter_map(|status| Some((status, judge_slo(model, status)?)))
        .min_by_key(|(_, judged)| judged.severity);
    let worst = alerts.iter().min_by_key(|tracked| tracked.judged.severity);
    let title = match worst.map(|tracked| tracked.alert.summary().trim()) {
        Some(summary) if !summary.is_empty() => about(services.first(), summary),
        _ => SafeText::new(title),
    };
    let (severity, reason) = match (by_alerts, by_slos) {
        (Some(alerts), Some((_, slo))) if slo.severity < alerts.severity => {
            (slo.severity, slo.reason)
        }
        (Some(alerts), _) => (alerts.severity, alerts.reason.clone()),
        (None, Some((_, slo))) => (slo.severity, slo.reason),
        (None, None) => {
            let reason = "the alerts are no longer known; SEV-3 is the middle".into();
            (Severity::Sev3, reason)
        }
    };
    Proposal { severity, reason, title, services, impact: String::new(), onset: None }
}

fn from_slo(model: &Model, id: &SloId) -> Proposal {
    let slo = model.catalog.slos.get(id);
    let status = model.slos.statuses.iter().find(|status| status.slo == *id);
    let judged = status.and_then(|status| judge_slo(model, status)).unwrap_or_else(|| Judged {
        severity: Severity::Sev3,
        reason: SafeText::new(&format!("how {id} stands is not known; SEV-3 is the middle")),
    });
    let services: Vec<ServiceId> = slo.map(|slo| slo.service.clone()).into_iter().collect();
    let name = slo.map_or(id.text(), |slo| &slo.title);
    let name = if name.is_empty() { id.text() } else { name };
    let what = match status.map(|status| status.verdict) {
        Some(Verdict::Page | Verdict::Ticket | Verdict::Burning) => "burns its error budget",
        Some(Verdict::Spent) => "has spent its error budget",
        Some(Verdict::NoData | Verdict::NoTraffic | Verdict::Unknown) | None => "cannot be seen",
        Some(Verdict::LowTraffic | Verdict::Fine) => "is in doubt",
    };
    Proposal {
        severity: judged.severity,
        reason: judged.reason,
        title: about(services.first(), &format!("{name} {what}")),
        services,
        impact: String::new(),
        onset: None,
    }
}

/// `checkout: cards declined`, unless the service is named in it.
fn about(service: Option<&ServiceId>, what: &str) -> SafeText {
    match service {
        Some(service) if !what.to_lowercase().contains(&service.as_str().to_lowercase()) => {
            SafeText::new(&format!("{service}: {what}"))
        }
        _ => SafeText::new(what),
    }
}

fn slo_service<'a>(model: &'a Model, slo: &SloId) -> Option<&'a ServiceId> {
    model.catalog.slos.get(slo).map(|slo| &slo.service)
}

/// An objective judged by the same rules as an alert of that urgency; `None` when nothing burns.
fn judge_slo(model: &Model, status: &SloStatus) -> Option<Judged> {
    let urgency = match status.verdict {
        Verdict::Page => "page",
        Verdict::Ticket | Verdict::Spent => "ticket",
        Verdict::Burning => "info",
        _ => return None,
    };
    let service = slo_service(model, &status.slo);
    let tier = service.and_then(|id| model.catalog.services.get(id)).and_then(|one| one.tier);
    let service = service.map_or("", ServiceId::as_str);
    let labels = Labels::of(&[("severity", urgency), ("service", service)]);
    let judged = model.policy.judge(&labels, tier);
    let reason = format!("{}: {}", burning(status), judged.reason);
    Some(Judged { severity: judged.severity, reason: SafeText::new(&reason) })
}

/// `checkout-availability burns 31.2× over 1h`.
fn burning(status: &SloStatus) -> String {
    let holding = status.conditions.iter().find(|condition| condition.held == Held::Yes);
    match holding.map(|condition| (condition.long, condition.condition.long)) {
        Some((Reading::Value(burn), window)) => {
            format!("{} burns {burn:.1}× over {window}", status.slo)
        }
        _ => format!("{} is {}", status.slo, status.verdict.word()),
    }
}

/// What a ticket says when it is opened: impact, services with owner and runbook, burn and its
/// course, alerts.
pub(super) fn ticket_body(desk: Desk<'_>, declared: &Declared) -> SafeText {
    let model = desk.model;
    let mut text = String::new();
    let _ = writeln!(text, "{} {}, declared by {}.", declared.severity, desk.id, desk.by.actor);
    let _ = writeln!(text, "Severity: {}", declared.reason);
    for (name, said) in [("Impact", &declared.impact.sentence), ("Scope", &declared.impact.scope)] {
        let said = if said.is_empty() { "not known yet" } else { said.as_str() };
        let _ = writeln!(text, "{name}: {said}");
    }
    if let Some(onset) = declared.onset {
        let _ = writeln!(text, "Began: {}", onset.utc().format("%Y-%m-%d %H:%M UTC"));
    }
    for id in &declared.services {
        let known = model.catalog.services.get(id);
        let part = |name: &str, value: Option<&SafeText>| {
            value
                .filter(|value| !value.is_empty())
                .map_or(String::new(), |v| format!(", {name} {v}"))
        };
        let _ = writeln!(
            text,
            "Service: {id}{}{}{}",
            part("owner", known.map(|s| &s.owner)),
            part("contact", known.map(|s| &s.contact)),
            part("runbook", known.map(|s| &s.runbook)),
        );
        let statuses = model.slos.statuses.iter();
        for status in statuses.filter(|status| slo_service(model, &status.slo) == Some(id)) {
            let _ = writeln!(text, "Objective: {}", burning(status));
            if let Some(drawn) = graph::of_burn(&status.history) {
                let graph::Graph { blocks, from, to, top } = drawn;
                let (from, to, window) = (desk.clock(from), desk.clock(to), status.history_window);
                let _ = writeln!(
                    text,
                    "  {blocks}  burn over {window}, {from} to {to}, █ is {top:.1}×"
                );
            }
        }
    }
    if let Cause::Alerts { alerts, .. } = &declared.cause {
        for key in alerts.iter().take(MOST_ALERTS) {
            if let Some(tracked) = model.alerts.alerts.get(key) {
                let (alert, since) = (&tracked.alert, desk.clock(tracked.alert.starts_at));
                let _ =
                    writeln!(text, "Alert: {} since {since}: {}", alert.name(), alert.summary());
            }
        }
        if let Some(more) = alerts.len().checked_sub(MOST_ALERTS + 1) {
            let _ = writeln!(text, "and {} more alerts", more + 1);
        }
    }
    SafeText::body(text.trim_end())
}
