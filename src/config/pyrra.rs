//! Pyrra `ServiceLevelObjective` resources, read as their authors wrote them.
//!
//! Pyrra records the error ratio of each window as `<metric>:burnrate<window>{slo="<name>"}`; where an
//! objective is not grouped, those series are asked for. A grouped objective is one promise for each
//! group: the worst group is what is shown and judged.

use super::catalog::Builder;
use super::error::Mistakes;
use super::node::{Node, Table, Value, of_percent};
use crate::analysis::burn;
use crate::domain::{
    Filter, Indicator, MatchOp, Method, Origin, Recorded, SafeText, Service, ServiceId, Slo,
    SloFormat, SloId, Span,
};

/// What an indicator was read to.
struct Measured {
    indicator: Indicator,
    /// Selector whose metric and labels name the objective.
    total: String,
    grouped: bool,
}

/// Reads one resource.
pub(super) fn read(out: &mut Builder, object: &Node, mistakes: &Mistakes) {
    let before = mistakes.count();
    let Some(table) = Table::of(object, "the document", mistakes) else { return };
    if table.text("kind") != Some("ServiceLevelObjective") {
        mistakes.add(table.place("kind"), "`kind` must be ServiceLevelObjective");
        return;
    }
    let meta = table.need("metadata").and_then(|_| table.table("metadata"));
    let at = meta.as_ref().map_or(table.at, |m| m.place("name"));
    let name = meta.as_ref().and_then(|m| m.need_text("name"));
    let Some(spec) = table.need("spec").and_then(|_| table.table("spec")) else { return };
    let objective = target(&spec, mistakes);
    let period = spec.need("window").and_then(|_| spec.span("window"));
    let measured =
        spec.need("indicator").and_then(|_| indicator(&spec.table("indicator")?, mistakes));
    let title = spec.text("description").filter(|d| !d.trim().is_empty()).or(name).unwrap_or("");
    let silent = spec.table("alerting").is_some_and(|alerting| {
        alerting.flag("disabled") == Some(true) || alerting.flag("burnrates") == Some(false)
    });
    let (Some(name), Some(objective), Some(period), Some(measured)) =
        (name, objective, period, measured)
    else {
        return;
    };
    if mistakes.count() > before {
        return;
    }
    let service = service_of(&measured.total).unwrap_or_else(|| name.to_owned());
    let owner = meta.and_then(|m| m.table("labels")?.text("pyrra.dev/team")).unwrap_or("");
    let service =
        Service { id: ServiceId::new(&service), owner: SafeText::new(owner), ..Service::default() };
    let slo = Slo {
        id: SloId::new(name),
        title: SafeText::new(title),
        service: service.id.clone(),
        objective,
        period,
        recorded: recorded(name, &measured, period),
        indicator: measured.indicator,
        method: Method::Occurrences,
        conditions: if silent { Vec::new() } else { burn::pyrra(period) },
        source: None,
        min_events: 0.0,
        origin: Origin { format: SloFormat::Pyrra, path: mistakes.file().clone(), line: at.line },
    };
    out.implied(service);
    out.slo(slo, at, mistakes);
}

/// Per cent, as text or number.
fn target(spec: &Table<'_>, mistakes: &Mistakes) -> Option<f64> {
    let node = spec.need("target")?;
    let percent = match &node.value {
        Value::Text(text) => text.trim().parse().ok(),
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    };
    let valid = percent.filter(|p| *p > 0.0 && *p < 100.0);
    if valid.is_none() {
        mistakes.add(node.at, "`target` must be above 0 and below 100 per cent");
    }
    valid.map(of_percent)
}

fn indicator(table: &Table<'_>, mistakes: &Mistakes) -> Option<Measured> {
    let by = |table: &Table<'_>| -> Vec<String> {
        table.texts("grouping").into_iter().map(|(label, _)| label.to_owned()).collect()
    };
    if let Some(ratio) = table.table("ratio") {
        let (errors, total) = (metric(&ratio, "errors"), metric(&ratio, "total"));
        let grouping = by(&ratio);
        ratio.finish();
        let (errors, total) = (errors?, total?);
        let (bad, all) = (sum("rate", &errors, &grouping), sum("rate", &total, &grouping));
        // Before the first error there is no such series; with requests, that is no errors.
        let bad = if grouping.is_empty() { format!("{bad} or vector(0)") } else { bad };
        return Some(measured(bad, all, total, &grouping));
    }
    if let Some(latency) = table.table("latency") {
        let (good, total) = (metric(&latency, "success"), metric(&latency, "total"));
        let grouping = by(&latency);
        latency.finish();
        let (good, total) = (good?, total?);
        let (fast, all) = (sum("rate", &good, &grouping), sum("rate", &total, &grouping));
        return Some(measured(format!("{all} - {fast}"), all, total, &grouping));
    }
    if let Some(gauge) = table.table("bool_gauge").or_else(|| table.table("boolGauge")) {
        let total = gauge.need_text("metric").map(|m| m.trim().to_owned());
        let grouping = by(&gauge);
        gauge.finish();
        let total = total?;
        let count = sum("count_over_time", &total, &grouping);
        let good = sum("sum_over_time", &total, &grouping);
        let ratio = format!("({count} - {good}) / {count}");
        let worst = if grouping.is_empty() { ratio } else { format!("max({ratio})") };
        let indicator = Indicator::ErrorRatio(worst);
        return Some(Measured { indicator, total, grouped: !grouping.is_empty() });
    }
    for key in ["latencyNative", "latency_native"] {
        if table.get(key).is_some() {
            mistakes.hinted(
                table.place(key),
                "objectives on native histograms are not supported",
                "use `latency` with classic buckets, or catalog.toml with histogram_fraction",
            );
            return None;
        }
    }
    mistakes.add(table.at, "`indicator` must have `ratio`, `latency` or `bool_gauge`");
    None
}

fn measured(bad: String, all: String, total: String, grouping: &[String]) -> Measured {
    let grouped = !grouping.is_empty();
    let indicator = if grouped {
        Indicator::ErrorRatio(format!("max(({bad}) / ({all}))"))
    } else {
        Indicator::Events { bad, total: all }
    };
    Measured { indicator, total, grouped }
}

fn metric(table: &Table<'_>, key: &'static str) -> Option<String> {
    table.need(key)?;
    let part = table.table(key)?;
    let text = part.need_text("metric").map(|m| m.trim().to_owned());
    part.finish();
    text
}

fn sum(function: &str, selector: &str, grouping: &[String]) -> String {
    let by =
        if grouping.is_empty() { String::new() } else { format!(" by ({}) ", grouping.join(", ")) };
    format!("sum{by}({function}({selector}[$window]))")
}

/// The series Pyrra records, where one series is the whole objective.
fn recorded(name: &str, measured: &Measured, period: Span) -> Option<Recorded> {
    let base = measured.total.split('{').next().unwrap_or("").trim();
    if measured.grouped || base.is_empty() {
        return None;
    }
    let base = base.strip_suffix("_total").unwrap_or(base);
    let base = base.strip_suffix("_count").unwrap_or(base);
    let week = Span::from_days(7).millis();
    let mut windows: Vec<Span> =
        burn::pyrra(period).iter().flat_map(|c| [c.short, c.long]).collect();
    // Prometheus prints whole weeks as weeks; we print them as days and so would ask for another name.
    windows.retain(|w| w.millis() % week != 0);
    windows.sort_unstable();
    windows.dedup();
    let selector = format!("slo=\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
    Some(Recorded { metric: format!("{base}:burnrate$window"), selector, windows })
}

/// The service a selector speaks of: the value of `service`, `app` or `job` it asks for.
fn service_of(selector: &str) -> Option<String> {
    let labels = selector.split_once('{')?.1.trim_end_matches('}');
    let matchers = Filter::parse(labels).ok()?.matchers()?;
    ["service", "app", "job"].iter().find_map(|label| {
        let found =
            matchers.iter().find(|m| m.op == MatchOp::Equal && m.name.as_str() == *label)?;
        Some(found.value.as_str().to_owned())
    })
}
