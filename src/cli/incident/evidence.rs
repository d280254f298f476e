//! `quarterdeck evidence`: asks a Prometheus once and freezes what it answers on the timeline.

use anyhow::anyhow;
use clap::Args;

use super::{Desk, Which};
use crate::actions::Doing;
use crate::actions::when::{Toward, moment};
use crate::cli::{Common, Exit, Look, promql};
use crate::domain::{EntryKind, Evidence, SafeText, Span, Timestamp};

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
    let source = promql::source(&desk.world, ask.source.as_deref())?;
    let step = Span::from_millis((to.since(from).millis() / MOST_VALUES).max(1_000));
    let values =
        promql::range(&desk.world, source, &ask.query, (from.plus(step), to), step).await?;
    if values.is_empty() {
        anyhow::bail!(
            "{} has no value for this between {from} and {to}; nothing was recorded",
            source.name
        );
    }
    Ok((source.name.text().clone(), values))
}
