//! One question to a configured Prometheus, for verbs that freeze its answer.

use anyhow::anyhow;
use serde_json::Value;

use super::world::World;
use crate::connectors::http::Transport as _;
use crate::connectors::prometheus::instant;
use crate::connectors::registry::SourceConfig;
use crate::connectors::{Ask, Method, ParseError, Reply};
use crate::domain::{SafeText, SourceKind, Span, Timestamp};

/// The source with that name, or the first Prometheus.
pub(super) fn source<'a>(world: &'a World, name: Option<&str>) -> anyhow::Result<&'a SourceConfig> {
    let mut known = world.settings.sources.iter();
    let fits = |known: &str| name.is_none_or(|wanted| wanted == known);
    known.find(|one| one.kind == SourceKind::Prometheus && fits(one.name.as_str())).ok_or_else(
        || match name {
            Some(name) => anyhow!("there is no Prometheus `{}`", SafeText::new(name)),
            None => anyhow!("no Prometheus is configured, so there is nothing to ask"),
        },
    )
}

fn seconds(at: Timestamp) -> String {
    format!("{:.3}", at.millis() as f64 / 1_000.0)
}

/// The values of the first series between two moments.
pub(super) async fn range(
    world: &World,
    source: &SourceConfig,
    query: &str,
    (from, to): (Timestamp, Timestamp),
    step: Span,
) -> anyhow::Result<Vec<(Timestamp, f64)>> {
    let params = vec![
        ("query", query.to_owned()),
        ("start", seconds(from)),
        ("end", seconds(to)),
        ("step", format!("{:.3}", step.millis() as f64 / 1_000.0)),
    ];
    let answer = ask(world, source, "/api/v1/query_range", params).await?;
    let first = &answer["data"]["result"][0]["values"];
    Ok(first.as_array().into_iter().flatten().filter_map(sample).collect())
}

/// The value of every series at a moment.
pub(super) async fn at(
    world: &World,
    source: &SourceConfig,
    query: &str,
    at: Timestamp,
) -> anyhow::Result<Vec<f64>> {
    let reply = exchange(world, source, &instant::question(query, at)).await?;
    instant::values(&reply.body).map_err(|why| match why {
        ParseError::Refused(why) => {
            anyhow!("{} could not answer this: {}", source.name, SafeText::body(&why))
        }
        ParseError::Shape(_) => {
            anyhow!("{} answered with something that cannot be read", source.name)
        }
    })
}

fn sample(pair: &Value) -> Option<(Timestamp, f64)> {
    let at = Timestamp::from_seconds(pair[0].as_f64()?);
    Some((at, pair[1].as_str()?.parse().ok()?))
}

async fn ask(
    world: &World,
    source: &SourceConfig,
    path: &str,
    params: Vec<(&'static str, String)>,
) -> anyhow::Result<Value> {
    let question = Ask {
        key: "evidence".to_owned(),
        method: Method::Post,
        path: path.to_owned(),
        params,
        body: None,
    };
    let reply = exchange(world, source, &question).await?;
    let answer: Value = serde_json::from_slice(&reply.body)
        .map_err(|_| anyhow!("{} answered with something that is not JSON", source.name))?;
    if answer["status"] != "success" {
        let why = answer["error"].as_str().unwrap_or("no reason given");
        anyhow::bail!("{} could not answer this: {}", source.name, SafeText::body(why));
    }
    Ok(answer)
}

async fn exchange(world: &World, source: &SourceConfig, question: &Ask) -> anyhow::Result<Reply> {
    let live = source.live(world.clock.clone()).map_err(|why| anyhow!("{why}"))?;
    let reply = live.exchange(question).await;
    reply.map_err(|fault| anyhow!("{}", fault.failure.sentence))
}
