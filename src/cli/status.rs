//! `quarterdeck status`: the bridge for scripts and for a quick look without a screen.

use serde_json::json;

use super::world::World;
use super::{Common, Exit, alerts, output, slo};
use crate::domain::{Freshness, SourceStatus, Timestamp};

pub(super) async fn run(common: &Common, as_json: bool) -> anyhow::Result<Exit> {
    let mut world = World::load(common)?;
    world.gather().await?;
    let now = world.now();
    let model = &world.model;
    let counts = model.alerts.counts();
    let sources: Vec<&SourceStatus> = model.sources.values().collect();
    let fresh = sources.iter().filter(|s| s.freshness(now) == Freshness::Fresh).count();
    if as_json {
        output::json(&json!({
            "at": now.rfc3339(),
            "headline": model.alerts.headline().map(crate::model::Group::line),
            "alerts": { "firing": counts.firing, "muted": counts.muted, "acknowledged": counts.acked, "lost": counts.lost },
            "slos": model.slos.statuses.iter().map(|s| slo::as_json(model, s)).collect::<Vec<_>>(),
            "groups": model.alerts.groups.iter().map(alerts::as_json).collect::<Vec<_>>(),
            "sources": sources.iter().map(|s| source_json(s, now)).collect::<Vec<_>>(),
        }));
    } else {
        output::line(&format!(
            "{} firing, {} muted, {} acknowledged, {} lost sight of · {fresh}/{} sources fresh",
            counts.firing,
            counts.muted,
            counts.acked,
            counts.lost,
            sources.len()
        ));
        output::line("");
        slo::print(model, model.slos.statuses.iter().take(10));
        output::line("");
        alerts::print(model.alerts.groups.iter().take(20), now);
        output::line("");
        print_sources(&sources, now);
    }
    Ok(if fresh < sources.len() || counts.firing + counts.lost > 0 {
        Exit::Attention
    } else {
        Exit::Fine
    })
}

/// A word for a source's state; `fresh` is the only good one.
pub(super) fn state(source: &SourceStatus, now: Timestamp) -> &'static str {
    match (source.freshness(now), &source.failure) {
        (Freshness::Fresh, None) => "fresh",
        (Freshness::Fresh, Some(_)) => "failing",
        (Freshness::Stale, _) => "stale",
        (Freshness::Never, Some(_)) => "failing",
        (Freshness::Never, None) => "no answer yet",
    }
}

fn source_json(source: &SourceStatus, now: Timestamp) -> serde_json::Value {
    json!({
        "name": source.id,
        "kind": source.kind.name(),
        "site": source.site,
        "address": source.address,
        "state": state(source, now),
        "last_good": source.last_good.map(|t| t.rfc3339()),
        "latency_ms": source.latency.map(|l| l.millis()),
        "clock_offset_ms": source.clock.map(|c| c.offset.millis()),
        "clock_bound_ms": source.clock.map(|c| c.bound.millis()),
        "error": source.failure.as_ref().map(|f| f.sentence.clone()),
    })
}

pub(super) fn print_sources(sources: &[&SourceStatus], now: Timestamp) {
    let mut rows = vec![["SOURCE", "KIND", "SITE", "STATE", "ADDRESS"].map(str::to_owned).to_vec()];
    for source in sources {
        let mut words = state(source, now).to_owned();
        if let Some(failure) = &source.failure {
            words = format!("{words}: {}", failure.sentence);
        }
        rows.push(vec![
            source.id.to_string(),
            source.kind.name().to_owned(),
            source.site.to_string(),
            words,
            source.address.to_string(),
        ]);
    }
    output::table(&rows);
}
