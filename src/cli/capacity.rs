//! `quarterdeck capacity`: what runs out next, and what stands behind the services.

use clap::Args;
use serde_json::{Value, json};

use super::world::World;
use super::{Asking, Common, Exit, output};
use crate::analysis::series::Crossing;
use crate::domain::{Freshness, Labels, Reading, Resource, Span, Timestamp};
use crate::model::{Cover, Fill, Gauge, Model, Watched};

/// What is asked.
#[derive(Debug, Args)]
pub(super) struct Ask {
    /// Only this resource.
    resource: Option<String>,
    /// What watches each service, instead of what runs out.
    #[arg(long, conflicts_with = "resource")]
    coverage: bool,
    #[command(flatten)]
    asking: Asking,
}

pub(super) async fn run(common: &Common, ask: &Ask) -> anyhow::Result<Exit> {
    let mut world = World::load(common)?;
    if let Some(id) = &ask.resource {
        let mut known = world.catalog.resources.keys().map(crate::domain::ResourceId::as_str);
        if !known.clone().any(|resource| resource == id) {
            let near = crate::domain::nearest(id, &mut known);
            let hint = near.map_or_else(String::new, |n| format!(" Did you mean `{n}`?"));
            anyhow::bail!("there is no resource `{id}` in the catalog.{hint}");
        }
    }
    world.gather(ask.asking.timeout).await?;
    world.model.study();
    let (model, now) = (&world.model, world.now());
    let wanted = |resource: &Resource| match ask.resource.as_deref() {
        Some(id) => resource.id.as_str() == id,
        None => true,
    };
    let gauges: Vec<(&Resource, Gauge)> =
        model.gauges().into_iter().filter(|(resource, _)| wanted(resource)).collect();
    if ask.asking.json {
        let mut all = world.head();
        let rows: Vec<Value> = gauges.iter().map(|(r, gauge)| as_json(r, gauge, now)).collect();
        all.insert("gauges".into(), rows.into());
        behind(model, &mut all);
        output::json(&all);
    } else if ask.coverage {
        world.print_lacking();
        print_coverage(model);
    } else {
        world.print_lacking();
        print(model, &gauges, now);
    }
    if ask.coverage {
        let all_seen = model.coverage().iter().all(|row| row.lacking().next().is_none());
        let fine = all_seen && world.lacking().is_empty();
        return Ok(if fine { Exit::Fine } else { Exit::Attention });
    }
    let calm = |(resource, gauge): &(&Resource, Gauge)| gauge.fill(resource) == Fill::Steady;
    let all: Vec<Gauge> = gauges.iter().map(|(_, gauge)| gauge.clone()).collect();
    let well = gauges.iter().all(calm) && model.shortages(&all).0 == 0;
    Ok(if well && world.lacking().is_empty() { Exit::Fine } else { Exit::Attention })
}

/// A word for how a gauge stands.
pub(super) const fn word(fill: Fill) -> &'static str {
    match fill {
        Fill::Full => "full",
        Fill::RunsOut(_) => "runs out",
        Fill::Short => "short",
        Fill::Unknown => "unknown",
        Fill::Steady => "steady",
    }
}

/// Labels as an object.
pub(super) fn labels(labels: &Labels) -> Value {
    labels.iter().map(|(name, value)| (name.to_string(), json!(value))).collect()
}

fn number(value: Option<f64>) -> Value {
    value.filter(|value| value.is_finite()).map_or(Value::Null, |value| json!(value))
}

fn as_json(resource: &Resource, gauge: &Gauge, now: Timestamp) -> Value {
    let fill = gauge.fill(resource);
    let forecast = gauge.forecast();
    let (earliest, expected, latest) = match forecast.map(|forecast| forecast.crossing) {
        Some(Crossing::Within { earliest, expected, latest }) => (Some(earliest), expected, latest),
        _ => (None, None, None),
    };
    let at = |at: Option<Timestamp>| at.map(|at| at.rfc3339());
    json!({
        "resource": resource.id,
        "title": resource.title,
        "service": resource.service,
        "kind": resource.kind.name(),
        "labels": labels(&gauge.id.labels),
        "state": word(fill),
        "says": gauge.told(resource, now).into_iter().next(),
        "why_unknown": (fill == Fill::Unknown).then(|| gauge.ignorance(resource)),
        "used": match gauge.used {
            Reading::Value(_) => number(gauge.used.value()),
            Reading::NaN => json!("NaN"),
            Reading::NoData => json!("no data"),
            Reading::Unknown => json!("unknown"),
        },
        "limit": number(gauge.limit),
        "share": number(gauge.share),
        "per_hour": number(gauge.outlook.as_ref().and_then(|outlook| outlook.per_hour)),
        "age_seconds": gauge.age.map(|(age, _)| age.seconds()),
        "stale": gauge.age.map(|(_, freshness)| freshness != Freshness::Fresh),
        "earliest": at(earliest),
        "expected": at(expected),
        "latest": at(latest),
        "method": forecast.map(|forecast| forecast.method),
        "seasons_seconds": forecast.map(|forecast| {
            forecast.seasons.iter().map(|span| span.seconds()).collect::<Vec<_>>()
        }),
        "backtest": forecast.map(|forecast| json!({
            "error": number(Some(forecast.backtest.error)),
            "mase": number(Some(forecast.backtest.mase)),
            "smape": number(Some(forecast.backtest.smape)),
            "coverage": number(Some(forecast.backtest.coverage)),
            "readings": forecast.backtest.readings,
        })),
        "cautions": forecast.map(|forecast| forecast.cautions.clone()),
    })
}

/// What stands behind the services.
fn behind(model: &Model, all: &mut serde_json::Map<String, Value>) {
    let alone = model.map.alone();
    let singles = alone.singles.iter().map(|one| {
        json!({
            "service": one.service,
            "replicas": one.replicas,
            "takes_down": one.takes,
            "entries": one.entries,
        })
    });
    let shared = alone.shared.iter().map(|one| {
        json!({
            "resource": one.resource,
            "service": one.service,
            "drawn_by": one.drawn_by,
            "takes_down": one.takes,
            "degrades": one.degrades,
        })
    });
    let age = |age: Option<(Span, Freshness)>| age.map(|(age, _)| age.seconds());
    let stale =
        |age: Option<(Span, Freshness)>| age.map(|(_, freshness)| freshness != Freshness::Fresh);
    let groups = model.consensus().into_iter().map(|view| {
        json!({
            "group": view.group.id,
            "service": view.group.service,
            "voters": view.quorum.map(|quorum| quorum.voters),
            "healthy": view.quorum.map(|quorum| quorum.healthy),
            "needed": view.quorum.map(|quorum| quorum.needed),
            "margin": view.quorum.and_then(|quorum| quorum.margin()),
            "leader": view.quorum.and_then(|quorum| quorum.leader),
            "lost": view.lost.iter().map(labels).collect::<Vec<_>>(),
            "age_seconds": age(view.age),
            "stale": stale(view.age),
        })
    });
    let copies = model.replication().into_iter().map(|view| {
        let replicas = view.replicas.iter().map(|replica| {
            json!({
                "labels": labels(&replica.labels),
                "lag_seconds": replica.lag.map(|lag| lag.seconds()),
                "synchronous": replica.synchronous,
            })
        });
        json!({
            "copies": view.copies.id,
            "service": view.copies.service,
            "rpo_seconds": view.copies.rpo.seconds(),
            "at_risk_seconds": view.at_risk().map(|risk| risk.seconds()),
            "within_rpo": view.within_rpo(),
            "replicas": replicas.collect::<Vec<_>>(),
            "age_seconds": age(view.age),
            "stale": stale(view.age),
        })
    });
    let vendors = model.vendors().into_iter().map(|view| {
        json!({
            "vendor": view.vendor.id,
            "service": view.vendor.service,
            "says": view.says.map(|state| state.name()),
            "incidents": view.incidents.iter().map(|(title, ..)| title).collect::<Vec<_>>(),
            "age_seconds": age(view.age),
            "stale": stale(view.age),
        })
    });
    let back = model.catalog.services.values().filter(|service| !service.recovery.is_empty());
    let back = back.map(|service| {
        let options = model.recovery(service).into_iter().map(|(option, doubt)| {
            json!({
                "way": option.way.name(),
                "takes_seconds": option.takes.map(|takes| takes.seconds()),
                "proven": option.proven.map(|at| at.rfc3339()),
                "doubt": doubt,
            })
        });
        json!({ "service": service.id, "options": options.collect::<Vec<_>>() })
    });
    let watched = model.coverage().into_iter().map(|row| {
        let cells = Watched::ALL.into_iter().map(|what| {
            let key = what.name().to_lowercase().replace('-', "_");
            (key, json!(row.of(what).word()))
        });
        let lacking: Vec<&str> = row.lacking().map(Watched::name).collect();
        json!({
            "service": row.service,
            "unwatched": row.is_unwatched(),
            "lacking": lacking,
            "cells": Value::Object(cells.collect()),
        })
    });
    all.insert("single_points".into(), singles.collect());
    all.insert("shared_limits".into(), shared.collect());
    all.insert("consensus".into(), groups.collect());
    all.insert("replication".into(), copies.collect());
    all.insert("vendors".into(), vendors.collect());
    all.insert("recovery".into(), back.collect());
    all.insert("coverage".into(), watched.collect());
}

/// Prints the matrix of what watches what.
fn print_coverage(model: &Model) {
    let names = Watched::ALL.map(|what| what.name().to_uppercase());
    let head = std::iter::once("SERVICE".to_owned()).chain(names).chain(["SAYS".to_owned()]);
    let mut rows: Vec<Vec<String>> = vec![head.collect()];
    for row in model.coverage() {
        let cells = Watched::ALL.map(|what| match row.of(what) {
            Cover::Missing => "-".to_owned(),
            cover => cover.word().to_owned(),
        });
        let name = std::iter::once(row.service.to_string());
        rows.push(name.chain(cells).chain([row.told()]).collect());
    }
    if rows.len() == 1 {
        output::line("No services are declared in the catalog, and none was seen called.");
    } else {
        output::table(&rows);
    }
}

/// Prints gauges as a table, then what wants somebody behind the services.
fn print(model: &Model, gauges: &[(&Resource, Gauge)], now: Timestamp) {
    let heading = ["RESOURCE", "STATE", "IN USE", "USED", "LIMIT", "PER HOUR", "SAYS"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    let short = |value: Option<f64>| match value {
        Some(value) if value.is_finite() => format!("{value:.2}"),
        _ => "?".into(),
    };
    for (resource, gauge) in gauges {
        let values = gauge.id.labels.iter().map(|(_, value)| value.as_str());
        let name: Vec<&str> = std::iter::once(resource.id.as_str()).chain(values).collect();
        rows.push(vec![
            name.join(" "),
            word(gauge.fill(resource)).to_owned(),
            gauge.share.map_or_else(|| "?".into(), |share| format!("{:.1}%", share * 100.0)),
            short(gauge.used.value()),
            short(gauge.limit),
            short(gauge.outlook.as_ref().and_then(|outlook| outlook.per_hour)),
            gauge.told(resource, now).into_iter().next().unwrap_or_default(),
        ]);
    }
    if rows.len() == 1 {
        output::line("No resources are declared; add a [[resource]] to catalog.toml.");
    } else {
        output::table(&rows);
    }
    for view in model.consensus() {
        let text = match view.quorum {
            None => "unknown, no member answered".to_owned(),
            Some(quorum) => {
                let margin = quorum.margin();
                let margin = margin.map_or("no quorum".into(), |m| format!("may lose {m} more"));
                format!("{} of {} healthy, {margin}", quorum.healthy, quorum.voters)
            }
        };
        output::line(&format!("consensus {}: {text}", view.group.id));
    }
    for view in model.replication() {
        let text = match view.at_risk() {
            None => "unknown how far behind".to_owned(),
            Some(risk) => format!("{risk} would be lost, {} may be", view.copies.rpo),
        };
        output::line(&format!("replication {}: {text}", view.copies.id));
    }
}
