//! `quarterdeck whatif`: what breaks first if load grows, a zone or a replica is lost, a service is drained.

use clap::Args;
use serde_json::{Value, json};

use super::capacity::labels;
use super::world::World;
use super::{Asking, Common, Exit, output};
use crate::analysis::whatif::Breaks;
use crate::connectors::Interest;
use crate::domain::NodeKey;
use crate::model::{SUPPOSE, Strained, Suppose, Supposed};

/// What is asked.
#[derive(Debug, Args)]
pub(super) struct Ask {
    /// `checkout x3`, `zone eu-1a lost`, `replica db lost 1` or `drain cart`.
    #[arg(required = true, value_name = "WORDS")]
    words: Vec<String>,
    #[command(flatten)]
    asking: Asking,
}

pub(super) async fn run(common: &Common, ask: &Ask) -> anyhow::Result<Exit> {
    let text = ask.words.join(" ");
    let Some(suppose) = Suppose::parse(&text) else {
        anyhow::bail!("`{text}` says nothing that can be supposed; try {SUPPOSE}.");
    };
    let mut world = World::load(common)?;
    let around = world.model.whatif_needs();
    world.gather_for(ask.asking.timeout, Interest { around, ..Interest::default() }).await?;
    world.model.study();
    let supposed =
        world.model.what_if(&suppose).map_err(|sentence| anyhow::anyhow!("{sentence}"))?;
    if ask.asking.json {
        let mut all = world.head();
        all.insert("supposed".into(), suppose.to_string().into());
        all.extend(as_json(&supposed));
        output::json(&all);
    } else {
        world.print_lacking();
        for (name, text) in supposed.told() {
            output::line(&format!("{name}: {text}"));
        }
    }
    let holds = supposed.first().is_none() && supposed.down.is_empty() && !supposed.is_unsure();
    let holds = holds && supposed.refused.is_none() && world.lacking().is_empty();
    Ok(if holds { Exit::Fine } else { Exit::Attention })
}

fn as_json(supposed: &Supposed) -> serde_json::Map<String, Value> {
    let growth = supposed
        .growth
        .iter()
        .map(|(key, times)| json!({ "service": key.label(), "times": times }));
    let all = json!({
        "refused": supposed.refused,
        "first": supposed.first().map(strained),
        "anyway": supposed.anyway().map(strained),
        "says": supposed.headline(),
        "down": supposed.down.iter().map(NodeKey::label).collect::<Vec<_>>(),
        "load": growth.collect::<Vec<_>>(),
        "resources": supposed.strained.iter().map(strained).collect::<Vec<_>>(),
        "assumed": supposed.assumed,
    });
    match all {
        Value::Object(map) => map,
        _ => serde_json::Map::new(),
    }
}

fn strained(one: &Strained) -> Value {
    let (breaks, after) = match one.breaks {
        Breaks::AtOnce => ("at once", Some(0.0)),
        Breaks::After(seconds) => ("later", Some(seconds)),
        Breaks::Not => ("holds", None),
        Breaks::Unknown => ("unknown", None),
    };
    json!({
        "resource": one.gauge.resource,
        "labels": labels(&one.gauge.labels),
        "breaks": breaks,
        "after_seconds": after.filter(|seconds| seconds.is_finite()),
        "times": one.growth,
        "used": one.used,
        "share": one.share,
        "headroom": one.headroom.filter(|times| times.is_finite()),
        "path": one.path,
    })
}
