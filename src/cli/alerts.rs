//! `quarterdeck alerts`: firing groups, filtered by Prometheus matchers.

use clap::Args;
use serde_json::{Value, json};

use super::world::World;
use super::{Common, Exit, output};
use crate::domain::{Filter, Timestamp};
use crate::model::Group;

/// What is asked.
#[derive(Debug, Args)]
pub(super) struct Ask {
    /// Matchers and words, as after `/`: severity=~"crit.*" team!=web
    filter: Vec<String>,
    /// Also list silenced and inhibited ones.
    #[arg(long)]
    muted: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(common: &Common, ask: &Ask) -> anyhow::Result<Exit> {
    let text = ask.filter.join(" ");
    let filter = Filter::parse(&text)
        .map_err(|e| anyhow::anyhow!("the filter `{text}` cannot be read: {e}"))?;
    let mut world = World::load(common)?;
    world.gather().await?;
    let book = &world.model.alerts;
    let groups: Vec<&Group> =
        book.visible(&filter, ask.muted).into_iter().filter_map(|at| book.groups.get(at)).collect();
    if ask.json {
        output::json(&groups.iter().map(|g| as_json(g)).collect());
    } else {
        print(groups.iter().copied(), world.now());
    }
    Ok(if groups.is_empty() && world.all_fresh() { Exit::Fine } else { Exit::Attention })
}

/// The group for scripts.
pub(super) fn as_json(group: &Group) -> Value {
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
        "owner": group.owner,
        "runbook": group.runbook,
        "acknowledged_by": group.ack.as_ref().map(|a| a.by.name().to_owned()),
        "acknowledged_at": group.ack.as_ref().map(|a| a.at.rfc3339()),
        "summary": group.summary,
    })
}

/// Prints groups as a table.
pub(super) fn print<'a>(groups: impl Iterator<Item = &'a Group>, now: Timestamp) {
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
        output::line("No alerts to show.");
    } else {
        output::table(&rows);
    }
}
