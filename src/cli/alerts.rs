//! `quarterdeck alerts`: firing groups, filtered by Prometheus matchers.

use clap::Args;
use serde_json::{Value, json};

use super::world::World;
use super::{Asking, Common, Exit, output};
use crate::domain::{AlertKey, AlertState, Filter, SafeText, SourceKind, Timestamp};
use crate::model::{Group, Model, Sight};

/// What is asked.
#[derive(Debug, Args)]
pub(super) struct Ask {
    /// Matchers and words, as after `/`: severity=~"crit.*" team!=web
    filter: Vec<String>,
    /// Also list silenced and inhibited ones.
    #[arg(long)]
    muted: bool,
    #[command(flatten)]
    asking: Asking,
}

pub(super) async fn run(common: &Common, ask: &Ask) -> anyhow::Result<Exit> {
    let filter = filter(&ask.filter)?;
    let mut world = World::load(common)?;
    world.gather(ask.asking.timeout).await?;
    let model = &world.model;
    let book = &model.alerts;
    let groups: Vec<&Group> =
        book.visible(&filter, ask.muted).into_iter().filter_map(|at| book.groups.get(at)).collect();
    if ask.asking.json {
        let mut all = world.head();
        let groups: Vec<Value> = groups.iter().map(|g| as_json(model, g)).collect();
        all.insert("groups".into(), groups.into());
        output::json(&all.into());
    } else {
        world.print_lacking();
        print(&world, groups.iter().copied(), world.now());
        let hidden = book.visible(&filter, true).len().saturating_sub(groups.len());
        if hidden > 0 {
            output::line(&format!("{hidden} muted; --muted lists them too"));
        }
    }
    let calm = groups.is_empty() && world.lacking().is_empty();
    Ok(if calm { Exit::Fine } else { Exit::Attention })
}

/// The filter the words make.
pub(super) fn filter(words: &[String]) -> anyhow::Result<Filter> {
    let text = words.join(" ");
    Filter::parse(&text).map_err(|e| anyhow::anyhow!("the filter `{text}` cannot be read: {e}"))
}

/// The group for scripts.
pub(super) fn as_json(model: &Model, group: &Group) -> Value {
    let alerts: Vec<Value> = group.alerts.iter().map(|key| alert_json(model, key)).collect();
    json!({
        "title": group.title,
        "site": group.key.site,
        "severity": group.judged.severity.to_string(),
        "reason": group.judged.reason,
        "active": group.active,
        "silenced": group.silenced,
        "inhibited": group.inhibited,
        "lost_sight_of": group.unseen,
        "since": group.since.rfc3339(),
        "service": group.service,
        "owner": some(&group.owner),
        "runbook": some(&group.runbook),
        "acknowledged_by": group.ack.as_ref().map(|a| a.by.name().to_owned()),
        "acknowledged_at": group.ack.as_ref().map(|a| a.at.rfc3339()),
        "summary": group.summary,
        "alerts": alerts,
    })
}

/// Nothing is null, not an empty text.
fn some(text: &SafeText) -> Option<&SafeText> {
    (!text.is_empty()).then_some(text)
}

fn alert_json(model: &Model, key: &AlertKey) -> Value {
    let Some(tracked) = model.alerts.alerts.get(key) else { return Value::Null };
    let alert = &tracked.alert;
    let state = match (&tracked.sight, &alert.state) {
        (Sight::Resolved { .. }, _) => "resolved",
        (Sight::Lost { .. }, _) => "lost",
        (Sight::Stale { .. }, _) => "stale",
        (Sight::Firing, AlertState::Suppressed { silenced_by, .. }) if silenced_by.is_empty() => {
            "inhibited"
        }
        (Sight::Firing, AlertState::Suppressed { .. }) => "silenced",
        (Sight::Firing, _) => "firing",
    };
    let labels: serde_json::Map<String, Value> =
        alert.labels.iter().map(|(name, value)| (name.to_string(), json!(value))).collect();
    json!({
        "labels": labels,
        "state": state,
        "since": alert.starts_at.rfc3339(),
        "generator": some(&alert.generator_url),
    })
}

/// Prints groups as a table.
pub(super) fn print<'a>(world: &World, groups: impl Iterator<Item = &'a Group>, now: Timestamp) {
    let heading =
        ["SEVERITY", "ALERT", "SITE", "ACTIVE", "MUTED", "LOST", "FOR", "OWNER", "ACK", "SUMMARY"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for group in groups {
        let seconds = now.since(group.since).millis().max(0) / 1_000;
        rows.push(vec![
            group.judged.severity.to_string(),
            group.title.to_string(),
            group.key.site.to_string(),
            group.active.to_string(),
            (group.silenced + group.inhibited).to_string(),
            group.unseen.to_string(),
            crate::domain::Span::from_secs(seconds).to_string(),
            if group.owner.is_empty() { "no owner".into() } else { group.owner.to_string() },
            group.ack.as_ref().map_or_else(|| "-".into(), |a| a.by.to_string()),
            group.summary.to_string(),
        ]);
    }
    if rows.len() == 1 {
        let mut asked = world.model.sources.values();
        let configured = asked.any(|s| s.kind == SourceKind::Alertmanager);
        output::line(match (configured, world.alerts_known()) {
            (false, _) => "Alerts are not known: no Alertmanager is configured.",
            (true, false) => "Alerts are not known: no Alertmanager has answered.",
            (true, true) => "No alerts to show.",
        });
    } else {
        output::table(&rows);
    }
}
