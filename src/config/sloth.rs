//! Sloth `prometheus/v1` files, and the same as a Kubernetes resource, read as their authors wrote them.
//!
//! What Sloth generates from them is known, so each objective says which series already hold its
//! ratios: `slo:sli_error:ratio_rate5m{sloth_id="service-name"}`. Sloth's own figure for thirty days is
//! the mean of five-minute ratios; ours is made the same way.

use super::catalog::Builder;
use super::error::Mistakes;
use super::node::{Node, Table, of_percent};
use crate::analysis::burn;
use crate::domain::{
    Indicator, Method, Origin, Recorded, SafeText, Service, ServiceId, Slo, SloFormat, SloId, Span,
    Urgency,
};

/// Sloth's default period.
const PERIOD: Span = Span::from_days(30);

/// The two spellings of the same keys: in a file, and in a Kubernetes resource.
struct Words {
    error_query: &'static str,
    total_query: &'static str,
    error_ratio: &'static str,
    page: &'static str,
    ticket: &'static str,
}

const FILE: Words = Words {
    error_query: "error_query",
    total_query: "total_query",
    error_ratio: "error_ratio_query",
    page: "page_alert",
    ticket: "ticket_alert",
};
const RESOURCE: Words = Words {
    error_query: "errorQuery",
    total_query: "totalQuery",
    error_ratio: "errorRatioQuery",
    page: "pageAlert",
    ticket: "ticketAlert",
};

/// Reads one document.
pub(super) fn read(out: &mut Builder, object: &Node, mistakes: &Mistakes) {
    let Some(table) = Table::of(object, "the document", mistakes) else { return };
    if let Some(version) = table.text("version") {
        if version == "prometheus/v1" {
            read_spec(out, table, &FILE, mistakes);
        } else {
            let message = format!("`version` is `{version}`, and only prometheus/v1 is read");
            mistakes.add(table.place("version"), &message);
        }
        return;
    }
    match table.text("kind") {
        Some("PrometheusServiceLevel") => {
            if let Some(spec) = table.table("spec") {
                read_spec(out, spec, &RESOURCE, mistakes);
            }
        }
        Some("AlertWindows") => mistakes.hinted(
            table.place("kind"),
            "Sloth's AlertWindows are not read",
            "Quarterdeck judges Sloth's objectives by its default windows for 30 days",
        ),
        _ => mistakes.add(table.place("kind"), "`kind` must be PrometheusServiceLevel"),
    }
}

fn read_spec(out: &mut Builder, table: Table<'_>, words: &Words, mistakes: &Mistakes) {
    table.get("version");
    let service = table.need_text("service");
    let mut implied = Service { id: ServiceId::new(service.unwrap_or("")), ..Service::default() };
    if let Some(labels) = table.table("labels") {
        implied.owner = SafeText::new(labels.text("owner").unwrap_or(""));
        implied.tier = labels.text("tier").and_then(|t| t.parse().ok());
    }
    table.need("slos");
    let slos = table.tables("slos");
    for plugin in ["sloPlugins", "slo_plugins"] {
        if table.get(plugin).is_some() {
            mistakes
                .add(table.place(plugin), "plugins of Sloth are not supported; they are left out");
        }
    }
    table.finish();
    let Some(service) = service else { return };
    for slo in slos {
        read_slo(out, service, slo, words, mistakes);
    }
    out.implied(implied);
}

fn read_slo(
    out: &mut Builder,
    service: &str,
    table: Table<'_>,
    words: &Words,
    mistakes: &Mistakes,
) {
    let before = mistakes.count();
    let at = table.place("name");
    let name = table.need_text("name");
    let title = table.text("description").or(name).unwrap_or("");
    table.need("objective");
    let objective = table.number("objective").filter(|percent| {
        let valid = *percent > 0.0 && *percent < 100.0;
        if !valid {
            let message =
                format!("`objective` must be above 0 and below 100 per cent, not {percent}");
            mistakes.add(table.place("objective"), &message);
        }
        valid
    });
    let indicator = table.need("sli").and_then(|_| read_sli(&table.table("sli")?, words, mistakes));
    let mut conditions = burn::workbook(PERIOD);
    if let Some(alerting) = table.table("alerting") {
        // Sloth itself overlooks keys it does not know here, and its own examples have some.
        let off = |key| alerting.table(key).and_then(|t| t.flag("disable")).unwrap_or(false);
        let (page, ticket) = (off(words.page), off(words.ticket));
        conditions.retain(|c| !(if c.urgency == Urgency::Page { page } else { ticket }));
    }
    table.get("labels");
    table.get("plugins");
    table.finish();
    let (Some(name), Some(objective), Some(indicator)) = (name, objective, indicator) else {
        return;
    };
    if mistakes.count() > before {
        return;
    }
    let id = format!("{service}-{name}");
    let mut windows: Vec<Span> =
        burn::workbook(PERIOD).iter().flat_map(|c| [c.short, c.long]).collect();
    windows.push(PERIOD);
    windows.sort_unstable();
    windows.dedup();
    let recorded = Recorded {
        metric: "slo:sli_error:ratio_rate$window".into(),
        selector: format!("sloth_id=\"{}\"", id.replace('\\', "\\\\").replace('"', "\\\"")),
        windows,
    };
    let slo = Slo {
        id: SloId::new(&id),
        title: SafeText::new(title),
        service: ServiceId::new(service),
        objective: of_percent(objective),
        period: PERIOD,
        indicator,
        method: Method::RatioTimeslices,
        conditions,
        source: None,
        min_events: 0.0,
        recorded: Some(recorded),
        origin: Origin { format: SloFormat::Sloth, path: mistakes.file().clone(), line: at.line },
    };
    out.slo(slo, at, mistakes);
}

fn read_sli(table: &Table<'_>, words: &Words, mistakes: &Mistakes) -> Option<Indicator> {
    let query = |table: &Table<'_>, key: &'static str| {
        let text = windowed(table.need_text(key)?);
        if text.contains("$window") {
            return Some(text);
        }
        let message = format!("`{key}` must have {{{{.window}}}} where the range goes");
        mistakes.add(table.place(key), &message);
        None
    };
    if let Some(events) = table.table("events") {
        let bad = query(&events, words.error_query);
        let total = query(&events, words.total_query);
        events.finish();
        let (bad, total) = (bad?, total?);
        // Only a rate counts events per second; sums over time say how many samples there were.
        let counts = total.contains("rate(") && !total.contains("_over_time");
        return Some(if counts {
            Indicator::Events { bad, total }
        } else {
            Indicator::ErrorRatio(format!("({bad}) / ({total})"))
        });
    }
    if let Some(raw) = table.table("raw") {
        let ratio = query(&raw, words.error_ratio);
        raw.finish();
        return ratio.map(Indicator::ErrorRatio);
    }
    let at = table.place("plugin");
    if table.get("plugin").is_some() {
        mistakes.hinted(
            at,
            "SLI plugins of Sloth are programs and are not run here",
            "write the queries the plugin generates under `events`",
        );
    } else {
        mistakes.add(at, "`sli` must have `events` or `raw`");
    }
    None
}

/// Sloth's `{{.window}}`, with or without spaces, as ours.
pub(super) fn windowed(query: &str) -> String {
    let mut out = String::with_capacity(query.len());
    let mut rest = query.trim();
    while let Some(start) = rest.find("{{") {
        let Some(length) = rest[start..].find("}}") else { break };
        let inside = rest[start + 2..start + length].trim();
        out.push_str(&rest[..start]);
        out.push_str(if inside == ".window" {
            "$window"
        } else {
            &rest[start..start + length + 2]
        });
        rest = &rest[start + length + 2..];
    }
    out.push_str(rest);
    out
}
