//! `catalog.toml`: our own format for services, objectives and maintenance windows.

use super::catalog::{Builder, ReadRunbook};
use super::catalog_resilience;
use super::error::Mistakes;
use super::node::{Node, Table, Value, of_percent};
use crate::analysis::burn;
use crate::domain::{
    BurnCondition, Dependency, EdgeOrigin, Indicator, MaintenanceWindow, Method, Origin, SafeText,
    Service, ServiceId, Signal, SignalQuery, Slo, SloFormat, SloId, SourceId, Span, Unit, Urgency,
    WindowId,
};

/// Reads the whole file.
pub(super) fn read(out: &mut Builder, root: &Node, mistakes: &Mistakes, runbook: ReadRunbook<'_>) {
    let Some(table) = Table::of(root, "the file", mistakes) else { return };
    if let Some(version) = table.whole("version", 1, i64::MAX)
        && version > 1
    {
        let message =
            format!("this file is of version {version}, and this Quarterdeck reads version 1");
        mistakes.hinted(table.place("version"), &message, "use a newer Quarterdeck");
        return;
    }
    for service in table.tables("service") {
        read_service(out, service, mistakes, runbook);
    }
    for slo in table.tables("slo") {
        read_slo(out, slo, mistakes);
    }
    for window in table.tables("maintenance") {
        if let Some(window) = read_window(window, mistakes) {
            out.catalog.windows.push(window);
        }
    }
    catalog_resilience::read(out, &table, mistakes);
    table.finish();
}

fn read_service(
    out: &mut Builder,
    table: Table<'_>,
    mistakes: &Mistakes,
    runbook: ReadRunbook<'_>,
) {
    let at = table.place("name");
    let name = table.need_text("name");
    let line = |key| SafeText::new(table.text(key).unwrap_or(""));
    let mut service = Service {
        id: ServiceId::new(name.unwrap_or("")),
        title: line("title"),
        tier: table.whole("tier", 0, 9).and_then(|t| u8::try_from(t).ok()),
        owner: line("owner"),
        contact: line("contact"),
        runbook: line("runbook"),
        matchers: table.matchers("match"),
        ..Service::default()
    };
    let local = !service.runbook.is_empty() && !service.runbook.contains("://");
    if local {
        match runbook(&service.runbook) {
            Ok(text) => service.runbook_text = Some(SafeText::body(&text)),
            Err(sentence) => {
                let message = format!("runbook `{}` {sentence}", service.runbook);
                mistakes.add(table.place("runbook"), &message);
            }
        }
    }
    for (group, node) in (0u32..).zip(table.list("depends_on")) {
        for dependency in read_dependency(node, group, mistakes) {
            out.refers("service", dependency.on.as_str(), node.at, mistakes);
            service.depends_on.push(dependency);
        }
    }
    if let Some(signals) = table.table("signals") {
        for signal in Signal::ALL {
            service.signals.extend(read_signal(&signals, signal, mistakes));
        }
        signals.finish();
    }
    catalog_resilience::read_service(&mut service, &table, mistakes);
    table.finish();
    if name.is_some() {
        out.service(service, at, mistakes);
    }
}

/// `"payments"`, `{ on = "cache", hard = false }`, or `{ any = ["psp-a", "psp-b"] }`.
fn read_dependency(node: &Node, group: u32, mistakes: &Mistakes) -> Vec<Dependency> {
    let origin = EdgeOrigin::Catalog;
    if let Value::Text(name) = &node.value {
        return vec![Dependency { on: ServiceId::new(name), hard: true, any_of: None, origin }];
    }
    let Some(table) = Table::of(node, "each `depends_on`", mistakes) else { return Vec::new() };
    let any = table.texts("any");
    let on = if any.is_empty() { table.need_text("on") } else { table.text("on") };
    let hard = table.flag("hard").unwrap_or(true);
    if let (Some(_), false) = (on, any.is_empty()) {
        mistakes.add(
            table.place("any"),
            "`any` names all that stand in for each other; leave `on` out",
        );
    }
    table.finish();
    let any_of = (any.len() > 1).then_some(group);
    let on = on.into_iter().chain(any.into_iter().map(|(name, _)| name));
    on.map(|on| Dependency { on: ServiceId::new(on), hard, any_of, origin }).collect()
}

/// What numbers count, as written in the catalog.
pub(super) const UNITS: [(&str, Unit); 5] = [
    ("per-second", Unit::PerSecond),
    ("ratio", Unit::Ratio),
    ("seconds", Unit::Seconds),
    ("count", Unit::Count),
    ("bytes", Unit::Bytes),
];

/// `latency = "…"`, or `latency = { expr = "…", unit = "seconds" }`.
fn read_signal(table: &Table<'_>, signal: Signal, mistakes: &Mistakes) -> Option<SignalQuery> {
    let usual = match signal {
        Signal::Traffic => Unit::PerSecond,
        Signal::Errors | Signal::Saturation => Unit::Ratio,
        Signal::Latency => Unit::Seconds,
    };
    let node = table.get(signal.name())?;
    if let Value::Text(expr) = &node.value {
        return Some(SignalQuery { signal, expr: expr.clone(), unit: usual });
    }
    let table = Table::of(node, signal.name(), mistakes)?;
    let expr = table.need_text("expr").map(str::to_owned);
    let unit = table.word("unit", &UNITS).unwrap_or(usual);
    table.finish();
    Some(SignalQuery { signal, expr: expr?, unit })
}

fn read_slo(out: &mut Builder, table: Table<'_>, mistakes: &Mistakes) {
    let before = mistakes.count();
    let at = table.place("name");
    let name = table.need_text("name");
    let service = table.need_text("service");
    if let Some(service) = service {
        out.refers("service", service, table.place("service"), mistakes);
    }
    let title = table.text("title").or(name).unwrap_or("");
    let objective = read_objective(&table, mistakes);
    let period = table.span("period").unwrap_or(Span::from_days(30));
    let indicator = read_indicator(&table, mistakes);
    let methods =
        [("occurrences", Method::Occurrences), ("ratio-timeslices", Method::RatioTimeslices)];
    let method = table.word("method", &methods).unwrap_or_default();
    let min_events = table.number("min_events").unwrap_or(0.0).max(0.0);
    let source = table.text("source").map(SourceId::new);
    if let Some(source) = &source
        && !out.sources.contains(source)
    {
        let known = out.sources.iter().map(SourceId::as_str);
        mistakes.unknown(table.place("source"), "source", source.as_str(), known);
    }
    let conditions = if table.get("condition").is_some() {
        let tables = table.tables("condition").into_iter();
        tables.filter_map(|c| read_condition(c, period, mistakes)).collect()
    } else {
        burn::workbook(period)
    };
    table.finish();
    let (Some(name), Some(service), Some(objective), Some(indicator)) =
        (name, service, objective, indicator)
    else {
        return;
    };
    if mistakes.count() > before {
        return;
    }
    let slo = Slo {
        id: SloId::new(name),
        title: SafeText::new(title),
        service: ServiceId::new(service),
        objective,
        period,
        indicator,
        method,
        conditions,
        source,
        min_events,
        recorded: None,
        origin: Origin { format: SloFormat::Catalog, path: mistakes.file().clone(), line: at.line },
    };
    out.slo(slo, at, mistakes);
}

/// `"99.9%"` or `0.999`.
fn read_objective(table: &Table<'_>, mistakes: &Mistakes) -> Option<f64> {
    const HOW: &str = "write \"99.9%\" or 0.999";
    let node = table.need("objective")?;
    let number = match &node.value {
        Value::Text(text) => {
            let percent = text.trim().strip_suffix('%').map(str::trim);
            percent.and_then(|p| p.parse().ok()).map(of_percent)
        }
        Value::Float(number) => Some(*number),
        Value::Int(number) => Some(*number as f64),
        _ => None,
    };
    let valid = number.filter(|o| *o > 0.0 && *o < 1.0);
    if valid.is_none() {
        mistakes.hinted(node.at, "`objective` must be above 0 and below 100 %", HOW);
    }
    valid
}

fn read_indicator(table: &Table<'_>, mistakes: &Mistakes) -> Option<Indicator> {
    let windowed = |key: &'static str| {
        let text = table.text(key)?.trim();
        if text.contains("$window") {
            return Some(text.to_owned());
        }
        let message = format!("`{key}` must have $window where the range goes");
        mistakes.hinted(table.place(key), &message, "for example rate(requests_total[$window])");
        None
    };
    let has = |key: &'static str| table.get(key).is_some();
    let forms = (has("bad"), has("good"), has("total"), has("error_ratio"));
    let (bad, good, total, ratio) =
        (windowed("bad"), windowed("good"), windowed("total"), windowed("error_ratio"));
    match forms {
        (true, false, true, false) => Some(Indicator::Events { bad: bad?, total: total? }),
        (false, true, true, false) => {
            let total = total?;
            Some(Indicator::Events { bad: format!("({total}) - ({})", good?), total })
        }
        (false, false, false, true) => Some(Indicator::ErrorRatio(ratio?)),
        _ => {
            mistakes.hinted(
                table.at,
                "it is not clear how errors are measured",
                "give `bad` and `total`, or `good` and `total`, or `error_ratio`",
            );
            None
        }
    }
}

/// Factor given outright, or as the share of the budget that may go within the long window.
fn read_condition(table: Table<'_>, period: Span, mistakes: &Mistakes) -> Option<BurnCondition> {
    let (at, before) = (table.at, mistakes.count());
    table.need("long");
    table.need("short");
    let (long, short) = (table.span("long"), table.span("short"));
    let urgency = table.need("urgency").and_then(|_| {
        table.word("urgency", &[("page", Urgency::Page), ("ticket", Urgency::Ticket)])
    });
    let share = table.number("budget");
    let factor = match (table.number("factor"), share, long) {
        (Some(factor), None, _) => Some(factor),
        (None, Some(share), Some(long)) => Some(burn::factor(share, period, long)),
        _ => None,
    };
    let hold = table.span("hold").unwrap_or(Span::ZERO);
    table.finish();
    if mistakes.count() > before {
        return None;
    }
    let (long, short) = (long?, short?);
    if short > long || long > period {
        mistakes.add(at, "`short` must not be longer than `long`, nor `long` than the period");
        return None;
    }
    let Some(factor) = factor.filter(|f| *f > 0.0) else {
        mistakes.hinted(
            at,
            "a condition needs either `factor` or `budget`, above zero",
            "factor = 14.4 and budget = 0.02 mean the same for 1h of 30d",
        );
        return None;
    };
    Some(BurnCondition { long, short, factor, hold, urgency: urgency? })
}

fn read_window(table: Table<'_>, mistakes: &Mistakes) -> Option<MaintenanceWindow> {
    let before = mistakes.count();
    let id = table.need_text("name").map(WindowId::new);
    let comment = SafeText::new(table.text("comment").unwrap_or(""));
    let matchers = table.matchers("match");
    if matchers.is_empty() && mistakes.count() == before {
        mistakes.add(table.at, "a maintenance window needs `match`, or it would mute everything");
    }
    let first = table.need_text("start").and_then(|text| {
        let parsed = wall(text);
        if parsed.is_none() {
            mistakes.hinted(
                table.place("start"),
                &format!("`start` is not a local date and time: `{text}`"),
                "write 2026-11-29T02:00:00 and the time zone under `zone`",
            );
        }
        parsed
    });
    let zone = read_zone(&table, mistakes);
    let duration = table.need("duration").and_then(|_| table.span("duration"));
    let rrule = table.text("rrule").map(str::to_owned);
    let at = table.place("rrule");
    table.finish();
    if mistakes.count() > before {
        return None;
    }
    let window = MaintenanceWindow {
        id: id?,
        comment,
        matchers,
        first: first?,
        zone: zone?,
        duration: duration?,
        rrule,
    };
    if let Some(problem) = window.rule_error() {
        mistakes.hinted(at, &problem, "write for example FREQ=WEEKLY;BYDAY=SU");
        return None;
    }
    Some(window)
}

/// A date and time of a wall clock.
pub(super) fn wall(text: &str) -> Option<chrono::NaiveDateTime> {
    ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| chrono::NaiveDateTime::parse_from_str(text, format).ok())
}

/// The zone under `zone`; UTC when it is not said.
pub(super) fn read_zone(table: &Table<'_>, mistakes: &Mistakes) -> Option<chrono_tz::Tz> {
    let Some(name) = table.text("zone") else { return Some(chrono_tz::UTC) };
    let zone = name.parse().ok();
    if zone.is_none() {
        let known = chrono_tz::TZ_VARIANTS.iter().map(|z| z.name());
        mistakes.unknown(table.place("zone"), "time zone", name, known);
    }
    zone
}
