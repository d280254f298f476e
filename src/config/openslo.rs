//! OpenSLO v1: objectives with indicators written inside or referred to, and services.
//!
//! What cannot be computed from a Prometheus over a rolling window is refused in a sentence that says
//! so; nothing is silently read as something else.

use std::collections::BTreeMap;

use super::catalog::Builder;
use super::error::Mistakes;
use super::node::{Node, Table, Value, of_percent};
use super::sloth::windowed;
use crate::analysis::burn;
use crate::domain::{
    Indicator, Method, Origin, SafeText, Service, ServiceId, Slo, SloFormat, SloId, Span,
};

/// Indicators by name, for objectives that refer to them. They must stand in the same file.
pub(super) type Indicators<'n> = BTreeMap<&'n str, &'n Node>;

fn entry<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let Value::Map(entries) = &node.value else { return None };
    entries.iter().find(|(name, _, _)| name == key).map(|(_, _, value)| value)
}

fn word<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    match &entry(node, key)?.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Collects the indicators of a file.
pub(super) fn indicators<'n>(objects: &[&'n Node]) -> Indicators<'n> {
    let of_kind = objects.iter().filter(|o| word(o, "kind") == Some("SLI"));
    of_kind
        .filter_map(|o| Some((word(entry(o, "metadata")?, "name")?, entry(o, "spec")?)))
        .collect()
}

/// Reads one object.
pub(super) fn read(out: &mut Builder, object: &Node, known: &Indicators<'_>, mistakes: &Mistakes) {
    let Some(table) = Table::of(object, "the document", mistakes) else { return };
    let api = table.text("apiVersion").unwrap_or("");
    if api != "openslo/v1" {
        let message = format!("`apiVersion` is `{api}`, and only openslo/v1 is read");
        mistakes.add(table.place("apiVersion"), &message);
        return;
    }
    let kind = table.need_text("kind");
    let meta = table.need("metadata").and_then(|_| table.table("metadata"));
    let spec = table.need("spec").and_then(|_| table.table("spec"));
    table.finish();
    let (Some(kind), Some(meta), Some(spec)) = (kind, meta, spec) else { return };
    let Some(name) = read_name(&meta, mistakes) else { return };
    let title = meta.text("displayName").unwrap_or(name);
    let line = meta.place("name").line;
    meta.get("labels");
    meta.get("annotations");
    match kind {
        "Service" => {
            spec.get("description");
            let known_keys = mistakes.count();
            spec.finish();
            if mistakes.count() == known_keys {
                let (id, title) = (ServiceId::new(name), SafeText::new(title));
                out.service(
                    Service { id, title, ..Service::default() },
                    meta.place("name"),
                    mistakes,
                );
            }
        }
        "SLO" => read_slo(out, &Named { name, title, line }, spec, known, mistakes),
        // Indicators are read where an objective uses them; alerting of others is theirs.
        "SLI" | "AlertPolicy" | "AlertCondition" | "AlertNotificationTarget" | "DataSource" => {}
        other => {
            let kinds = ["SLO", "SLI", "Service", "AlertPolicy", "AlertCondition", "DataSource"];
            mistakes.unknown(object.at, "kind", other, kinds);
        }
    }
    meta.finish();
}

/// Names follow RFC 1123: up to 63 of a-z, 0-9 and inner hyphens.
fn read_name<'n>(meta: &Table<'n>, mistakes: &Mistakes) -> Option<&'n str> {
    let name = meta.need_text("name")?;
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let valid = name.len() <= 63
        && name.starts_with(edge)
        && name.ends_with(edge)
        && name.chars().all(|c| edge(c) || c == '-');
    if !valid {
        mistakes.hinted(
            meta.place("name"),
            &format!("`name` cannot be `{name}`"),
            "up to 63 of a-z, 0-9 and hyphens between them",
        );
    }
    valid.then_some(name)
}

struct Named<'n> {
    name: &'n str,
    title: &'n str,
    line: u32,
}

/// How the specification's `budgetingMethod` counts.
#[derive(Clone, Copy)]
enum Budgeting {
    Occurrences,
    Timeslices,
    RatioTimeslices,
}

fn read_slo(
    out: &mut Builder,
    named: &Named<'_>,
    spec: Table<'_>,
    known: &Indicators<'_>,
    mistakes: &Mistakes,
) {
    let before = mistakes.count();
    spec.get("description");
    spec.get("alertPolicies");
    let service = spec.need_text("service");
    let budgeting = spec.need("budgetingMethod").and_then(|_| {
        let methods = [
            ("Occurrences", Budgeting::Occurrences),
            ("Timeslices", Budgeting::Timeslices),
            ("RatioTimeslices", Budgeting::RatioTimeslices),
        ];
        spec.word("budgetingMethod", &methods)
    });
    let period = read_window(&spec, mistakes);
    let metric = find_indicator(&spec, known, mistakes);
    spec.need("objectives");
    let objectives = spec.tables("objectives");
    spec.finish();
    let several = objectives.len() > 1;
    for (index, objective) in objectives.into_iter().enumerate() {
        let at = objective.at;
        let (target, indicator) = read_objective(objective, budgeting, metric.as_ref(), mistakes);
        let (Some(service), Some(period), Some(target), Some(indicator)) =
            (service, period, target, indicator)
        else {
            continue;
        };
        if mistakes.count() > before {
            continue;
        }
        let id =
            if several { format!("{}-{}", named.name, index + 1) } else { named.name.to_owned() };
        let (indicator, method) = indicator;
        let slo = Slo {
            id: SloId::new(&id),
            title: SafeText::new(named.title),
            service: ServiceId::new(service),
            objective: target,
            period,
            indicator,
            method,
            conditions: burn::workbook(period),
            source: None,
            min_events: 0.0,
            recorded: None,
            origin: Origin {
                format: SloFormat::OpenSlo,
                path: mistakes.file().clone(),
                line: named.line,
            },
        };
        out.implied(Service { id: slo.service.clone(), ..Service::default() });
        out.slo(slo, at, mistakes);
    }
}

fn read_window(spec: &Table<'_>, mistakes: &Mistakes) -> Option<Span> {
    spec.need("timeWindow")?;
    let windows = spec.tables("timeWindow");
    let at = spec.place("timeWindow");
    let [window] = windows.as_slice() else {
        mistakes.add(at, "`timeWindow` must have exactly one entry");
        return None;
    };
    let rolling = window.flag("isRolling").unwrap_or(window.get("calendar").is_none());
    if !rolling || window.get("calendar").is_some() {
        mistakes.hinted(
            window.at,
            "calendar time windows are not supported: budgets are computed over rolling windows",
            "use isRolling: true, for example with 28d",
        );
        return None;
    }
    window.need("duration")?;
    let text = window.text("duration")?;
    if text.ends_with(['M', 'Q', 'Y']) {
        let at = window.place("duration");
        mistakes.hinted(
            at,
            &format!("a rolling `duration` cannot be `{text}`, whose length varies"),
            "write days or weeks, for example 28d or 4w",
        );
        return None;
    }
    window.span("duration")
}

/// Where the numbers come from.
enum Metric {
    /// Already the error ratio, or the events.
    Ratio(Indicator),
    /// A value that must stay on one side of the objective's.
    Threshold(String),
}

fn find_indicator(spec: &Table<'_>, known: &Indicators<'_>, mistakes: &Mistakes) -> Option<Metric> {
    if let Some(inline) = spec.table("indicator") {
        inline.get("metadata");
        inline.need("spec")?;
        return read_metric(&inline.table("spec")?, mistakes);
    }
    let Some(name) = spec.text("indicatorRef") else {
        mistakes.add(spec.at, "`indicator` or `indicatorRef` is missing");
        return None;
    };
    let Some(node) = known.get(name) else {
        let names = known.keys().copied();
        mistakes.unknown(spec.place("indicatorRef"), "indicator", name, names);
        return None;
    };
    let text = Table::of(node, "`spec`", mistakes).map(|table| read_metric(&table, mistakes));
    text.flatten()
}

fn read_metric(table: &Table<'_>, mistakes: &Mistakes) -> Option<Metric> {
    if let Some(threshold) = table.table("thresholdMetric") {
        return query(&threshold, mistakes).map(|(text, _)| Metric::Threshold(text));
    }
    table.need("ratioMetric")?;
    let ratio = table.table("ratioMetric")?;
    let part = |key: &'static str| ratio.table(key).map(|t| query(&t, mistakes));
    let counter = ratio.flag("counter").unwrap_or(false);
    let per_second = |(text, at): (String, super::error::Place)| {
        let rate = as_rate(&text, counter);
        if rate.is_none() {
            mistakes.hinted(
                at,
                "the query has no place for the window",
                "write rate(…[{{.window}}]), or a plain counter with `counter: true`",
            );
        }
        rate
    };
    if let Some(raw) = part("raw") {
        let (text, at) = raw?;
        if !text.contains("$window") {
            mistakes.add(at, "the query has no place for the window; write [{{.window}}]");
            return None;
        }
        ratio.need("rawType")?;
        let failure = ratio.word("rawType", &[("success", false), ("failure", true)])?;
        let ratio = if failure { text } else { format!("1 - ({text})") };
        return Some(Metric::Ratio(Indicator::ErrorRatio(ratio)));
    }
    ratio.need("total")?;
    let total = part("total").flatten().and_then(per_second);
    let (good, bad) = (part("good"), part("bad"));
    let indicator = match (good, bad) {
        (_, Some(bad)) => {
            let bad = bad.and_then(per_second);
            Indicator::Events { bad: bad?, total: total? }
        }
        (Some(good), None) => {
            let good = good.and_then(per_second);
            let total = total?;
            Indicator::Events { bad: format!("({total}) - ({})", good?), total }
        }
        (None, None) => {
            mistakes.add(ratio.at, "`ratioMetric` must have `good` or `bad` beside `total`");
            return None;
        }
    };
    Some(Metric::Ratio(indicator))
}

/// The query of a metric source, with `$window`, if the source is a Prometheus.
fn query(table: &Table<'_>, mistakes: &Mistakes) -> Option<(String, super::error::Place)> {
    table.need("metricSource")?;
    let source = table.table("metricSource")?;
    let kind = source.text("type").unwrap_or("Prometheus");
    if !kind.eq_ignore_ascii_case("prometheus") {
        mistakes.hinted(
            source.place("type"),
            &format!("metric sources of type `{kind}` cannot be asked"),
            "Quarterdeck asks sources of type Prometheus",
        );
        return None;
    }
    source.need("spec")?;
    let spec = source.table("spec")?;
    let text = spec.need_text("query")?;
    Some((windowed(text), spec.place("query")))
}

/// A query with a window as it is; a plain counter, or the sum of one, as its rate.
fn as_rate(query: &str, counter: bool) -> Option<String> {
    let query = query.trim();
    if query.contains("$window") {
        return Some(query.to_owned());
    }
    let inner =
        query.strip_prefix("sum(").and_then(|q| q.strip_suffix(')')).unwrap_or(query).trim();
    let name = inner.split('{').next().unwrap_or("").trim_end();
    let plain_name = !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'));
    let rest = inner[inner.find('{').unwrap_or(inner.len())..].trim();
    let selector = rest.is_empty() || (rest.ends_with('}') && rest.matches('{').count() == 1);
    (counter && plain_name && selector).then(|| format!("sum(rate({inner}[$window]))"))
}

type Computed = (Indicator, Method);

fn read_objective(
    table: Table<'_>,
    budgeting: Option<Budgeting>,
    metric: Option<&Metric>,
    mistakes: &Mistakes,
) -> (Option<f64>, Option<Computed>) {
    table.get("displayName");
    let share = table.number("target");
    let percent = table.number("targetPercent").map(of_percent);
    let target = match (share, percent) {
        (Some(target), None) | (None, Some(target)) => Some(target),
        _ => {
            mistakes.add(table.at, "an objective needs either `target` or `targetPercent`");
            None
        }
    };
    let target = target.filter(|t| {
        let valid = *t > 0.0 && *t < 1.0;
        if !valid {
            let key = if share.is_some() { "target" } else { "targetPercent" };
            mistakes.add(table.place(key), "the target must be above 0 and below 100 %");
        }
        valid
    });
    let operators = [("lt", "<"), ("lte", "<="), ("gt", ">"), ("gte", ">=")];
    let operator = table.word("op", &operators);
    let value = table.number("value");
    let slice_target = table.number("timeSliceTarget");
    let slice = table.span("timeSliceWindow");
    table.get("compositeWeight");
    for key in ["indicator", "indicatorRef"] {
        if table.get(key).is_some() {
            mistakes.add(table.place(key), "composite objectives are not supported");
        }
    }
    let at = table.at;
    table.finish();
    let (Some(metric), Some(budgeting)) = (metric, budgeting) else { return (target, None) };
    let slices = |ratio: String, slice: Span| {
        Indicator::ErrorRatio(format!("avg_over_time(({ratio})[$window:{slice}])"))
    };
    let minute = Span::from_mins(1);
    let indicator = match metric {
        Metric::Threshold(text) => {
            let (Some(operator), Some(value)) = (operator, value) else {
                mistakes.add(at, "a threshold metric needs `op` and `value`");
                return (target, None);
            };
            let text = text.replace("$window", &slice.unwrap_or(minute).to_string());
            let bad = format!("1 - (({text}) {operator} bool {value})");
            slices(bad, slice.unwrap_or(minute))
        }
        Metric::Ratio(indicator) => match budgeting {
            Budgeting::Occurrences => indicator.clone(),
            Budgeting::RatioTimeslices => match slice.unwrap_or(Span::from_mins(5)) {
                five if five == Span::from_mins(5) => {
                    return (target, Some((indicator.clone(), Method::RatioTimeslices)));
                }
                other => slices(indicator.error_ratio(other), other),
            },
            Budgeting::Timeslices => {
                let Some(slice_target) = slice_target else {
                    mistakes.add(at, "`timeSliceTarget` is missing, and Timeslices needs it");
                    return (target, None);
                };
                let slice = slice.unwrap_or(minute);
                let ratio = indicator.error_ratio(slice);
                slices(format!("({ratio}) > bool (1 - {slice_target})"), slice)
            }
        },
    };
    (target, Some((indicator, Method::Occurrences)))
}
