//! `quarterdeck slo`: every objective, or one with the way its figures were computed.

use clap::Args;
use serde_json::{Value, json};

use super::world::World;
use super::{Asking, Common, Exit, output};
use crate::domain::{Reading, Urgency};
use crate::model::{Exhaustion, Held, Model, SloStatus, Verdict, explain};

/// What is asked.
#[derive(Debug, Args)]
pub(super) struct Ask {
    /// One objective, with how it was computed.
    id: Option<String>,
    #[command(flatten)]
    asking: Asking,
}

pub(super) async fn run(common: &Common, ask: &Ask) -> anyhow::Result<Exit> {
    let mut world = World::load(common)?;
    if let Some(id) = &ask.id {
        let mut known = world.catalog.slos.keys().map(crate::domain::SloId::as_str);
        if !known.clone().any(|slo| slo == id) {
            let near = crate::domain::nearest(id, &mut known);
            let hint = near.map_or_else(String::new, |n| format!(" Did you mean `{n}`?"));
            anyhow::bail!("there is no objective `{id}` in the catalog.{hint}");
        }
    }
    world.gather(ask.asking.timeout).await?;
    let model = &world.model;
    let wanted = |s: &&SloStatus| ask.id.as_deref().is_none_or(|id| s.slo.as_str() == id);
    let statuses: Vec<&SloStatus> = model.slos.statuses.iter().filter(wanted).collect();
    if ask.asking.json {
        let mut all = world.head();
        let slos: Vec<Value> = statuses.iter().map(|s| as_json(model, s)).collect();
        all.insert("slos".into(), slos.into());
        output::json(&all);
    } else {
        world.print_lacking();
        print(model, statuses.iter().copied());
        if let (Some(_), Some(status)) = (&ask.id, statuses.first())
            && let Some(slo) = model.catalog.slos.get(&status.slo)
        {
            output::line("");
            for (name, text) in explain(slo, status) {
                output::line(&format!("{name}: {text}"));
            }
        }
    }
    let bad = statuses.iter().any(|s| s.verdict != Verdict::Fine);
    Ok(if bad || !world.lacking().is_empty() { Exit::Attention } else { Exit::Fine })
}

/// A reading as JSON: a number, or the word for why there is none.
fn reading(value: Reading) -> Value {
    match value {
        Reading::Value(v) if v.is_finite() => json!(v),
        Reading::Value(_) => json!("infinite"),
        Reading::NaN => json!("NaN"),
        Reading::NoData => json!("no data"),
        Reading::Unknown => json!("unknown"),
    }
}

/// The objective for scripts.
pub(super) fn as_json(model: &Model, status: &SloStatus) -> Value {
    let slo = model.catalog.slos.get(&status.slo);
    json!({
        "slo": status.slo,
        "service": slo.map(|s| s.service.clone()),
        // Per cent divided by a hundred: 0.999, not 0.9990000000000001.
        "objective": slo.map(|s| (s.objective * 1e9).round() / 1e9),
        "period": slo.map(|s| s.period),
        "verdict": status.verdict.word(),
        "budget_left": reading(status.budget_left),
        "burn": status.burns.iter().map(|b| (b.window.to_string(), reading(b.rate))).collect::<serde_json::Map<_, _>>(),
        "conditions": status.conditions.iter().map(|c| json!({
            "urgency": c.condition.urgency.name(),
            "long": c.condition.long,
            "short": c.condition.short,
            "factor": c.condition.factor,
            "holds": match c.held { Held::Yes => json!(true), Held::No => json!(false), Held::Unknown => json!("unknown") },
        })).collect::<Vec<_>>(),
        "exhausted_in_seconds": match status.exhaustion {
            Exhaustion::In(span) => json!(span.seconds()),
            Exhaustion::Gone => json!(0),
            Exhaustion::Lasts => json!("lasts"),
            Exhaustion::Unknown => json!("unknown"),
        },
        "at": status.at.map(|t| t.rfc3339()),
    })
}

/// A reading for people.
fn words(value: Reading, number: impl Fn(f64) -> String) -> String {
    match value {
        Reading::Value(v) => number(v),
        Reading::NaN => "no traffic".into(),
        Reading::NoData => "no data".into(),
        Reading::Unknown => "unknown".into(),
    }
}

/// Prints objectives as a table.
pub(super) fn print<'a>(model: &Model, statuses: impl Iterator<Item = &'a SloStatus>) {
    let heading = ["SLO", "STATE", "BUDGET LEFT", "LONG", "SHORT", "HOLDS", "GONE IN", "OBJECTIVE"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for status in statuses {
        let slo = model.catalog.slos.get(&status.slo);
        let burn = |v: f64| format!("{v:.1}x");
        let worst =
            status.conditions.iter().find(|c| c.held == Held::Yes).or(status.conditions.first());
        let pair = |pick: fn(&crate::model::ConditionState) -> (crate::domain::Span, Reading)| {
            worst.map_or_else(String::new, |c| {
                let (window, rate) = pick(c);
                format!("{window} {}", words(rate, burn))
            })
        };
        rows.push(vec![
            status.slo.to_string(),
            status.verdict.word().to_owned(),
            words(status.budget_left, |v| format!("{:.1}%", v * 100.0)),
            pair(|c| (c.condition.long, c.long)),
            pair(|c| (c.condition.short, c.short)),
            status
                .conditions
                .iter()
                .filter(|c| c.held == Held::Yes)
                .map(|c| if c.condition.urgency == Urgency::Page { "page" } else { "ticket" })
                .next()
                .unwrap_or("-")
                .to_owned(),
            match status.exhaustion {
                Exhaustion::Gone => "gone".into(),
                Exhaustion::In(span) => {
                    crate::domain::Span::from_secs(span.millis() / 1_000).to_string()
                }
                Exhaustion::Lasts => "lasts".into(),
                Exhaustion::Unknown => "unknown".into(),
            },
            slo.map_or_else(String::new, |s| {
                let percent = (s.objective * 1e9).round() / 1e7;
                format!("{percent}% over {}", s.period)
            }),
        ]);
    }
    if rows.len() == 1 {
        output::line(
            "No objectives are declared; add SLOs to catalog.toml or list their files in config.toml.",
        );
    } else {
        output::table(&rows);
    }
}
