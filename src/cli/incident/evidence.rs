//! `quarterdeck evidence`: asks a Prometheus once and freezes what it answers on the timeline.

use anyhow::anyhow;
use clap::Args;
use serde_json::Value;

use super::{Desk, Which};
use crate::actions::Doing;
use crate::actions::when::{Toward, moment};
use crate::cli::{Common, Exit, Look};
use crate::connectors::http::Transport as _;
use crate::connectors::{Ask as Question, Method};
use crate::domain::{EntryKind, Evidence, SafeText, SourceKind, Span, Timestamp};

/// Most values kept as proof.
const MOST_VALUES: i64 = 240;

/// What is frozen, and what it shows.
#[derive(Debug, Args)]
pub(in crate::cli) struct Ask {
    #[command(flatten)]
    which: Which,
    /// PromQL; its first series is kept.
    #[arg(long, value_name = "PROMQL")]
    query: String,
    /// Which Prometheus [default: the first that is configured].
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// From when: 1h ago is `1h`, 14:05 (UTC), or RFC 3339.
    #[arg(long, value_name = "WHEN", default_value = "1h")]
    from: String,
    /// Until when [default: now].
    #[arg(long, value_name = "WHEN")]
    to: Option<String>,
    /// What the numbers count: `%`, `s`, `/s`.
    #[arg(long, default_value = "")]
    unit: String,
    /// What it shows.
    #[arg(required = true)]
    text: Vec<String>,
}

/// Asks, and pins the answer.
pub(in crate::cli) async fn evidence(
    common: &Common,
    look: &Look,
    ask: &Ask,
) -> anyhow::Result<Exit> {
    let mut desk = Desk::open(common, look)?;
    let incident = desk.incident(&ask.which)?;
    let when = |text: &str| {
        moment(text, desk.now, 0, Toward::Past)
            .ok_or_else(|| anyhow!("`{text}` is not a time such as 1h, 15:30 or RFC 3339"))
    };
    let from = when(&ask.from)?;
    let to = ask.to.as_deref().map_or(Ok(desk.now), when)?;
    if from >= to {
        anyhow::bail!("the time it begins ({from}) is not before the time it ends ({to})");
    }
    let (source, values) = values(&desk, ask, from, to).await?;
    let doing = Doing::Enter {
        kind: EntryKind::Evidence,
        text: ask.text.join(" "),
        happened: Some(to),
        evidence: Some(Evidence {
            query: SafeText::body(&ask.query),
            source,
            from,
            to,
            values,
            unit: SafeText::new(&ask.unit),
        }),
        about: None,
    };
    desk.record(&incident, &doing)?;
    Ok(desk.tell(&incident, ask.which.json))
}

/// The source's name and the values of the first series.
async fn values(
    desk: &Desk,
    ask: &Ask,
    from: Timestamp,
    to: Timestamp,
) -> anyhow::Result<(SafeText, Vec<(Timestamp, f64)>)> {
    let mut known = desk.world.settings.sources.iter();
    let fits = |name: &str| ask.source.as_deref().is_none_or(|wanted| wanted == name);
    let source = known
        .find(|one| one.kind == SourceKind::Prometheus && fits(one.name.as_str()))
        .ok_or_else(|| match &ask.source {
            Some(name) => anyhow!("there is no Prometheus `{}`", SafeText::new(name)),
            None => anyhow!("no Prometheus is configured, so there is nothing to ask"),
        })?;
    let live = source.live(desk.world.clock.clone()).map_err(|why| anyhow!("{why}"))?;
    let step = (to.since(from).millis() / MOST_VALUES).max(1_000);
    let seconds = |at: Timestamp| format!("{:.3}", at.millis() as f64 / 1_000.0);
    let question = Question {
        key: "evidence".to_owned(),
        method: Method::Post,
        path: "/api/v1/query_range".to_owned(),
        params: vec![
            ("query", ask.query.clone()),
            ("start", seconds(from.plus(Span::from_millis(step)))),
            ("end", seconds(to)),
            ("step", format!("{:.3}", step as f64 / 1_000.0)),
        ],
        body: None,
    };
    let reply = live.exchange(&question).await;
    let reply = reply.map_err(|fault| anyhow!("{}", fault.failure.sentence))?;
    let answer: Value = serde_json::from_slice(&reply.body)
        .map_err(|_| anyhow!("{} answered with something that is not JSON", source.name))?;
    if answer["status"] != "success" {
        let why = answer["error"].as_str().unwrap_or("no reason given");
        anyhow::bail!("{} could not answer this: {}", source.name, SafeText::body(why));
    }
    let first = &answer["data"]["result"][0]["values"];
    let value = |pair: &Value| -> Option<(Timestamp, f64)> {
        let at = Timestamp::from_millis((pair[0].as_f64()? * 1_000.0).round() as i64);
        Some((at, pair[1].as_str()?.parse().ok()?))
    };
    let values: Vec<(Timestamp, f64)> =
        first.as_array().into_iter().flatten().filter_map(value).collect();
    if values.is_empty() {
        anyhow::bail!(
            "{} has no value for this between {from} and {to}; nothing was recorded",
            source.name
        );
    }
    Ok((source.name.text().clone(), values))
}
