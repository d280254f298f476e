//! `quarterdeck alerts`: firing groups, filtered by Prometheus matchers.

mod situations;

use std::sync::Arc;

use clap::Args;
use serde::{Serialize, Serializer};

use super::world::World;
use super::{Asking, Common, Exit, output};
use crate::domain::{
    Alert, AlertState, Filter, Labels, SafeText, ServiceId, SiteId, SourceKind, Timestamp,
};
use crate::model::{Group, Model, Seen};

/// What is asked.
#[derive(Debug, Args)]
pub(super) struct Ask {
    /// Matchers and words, as after `/`: severity=~"crit.*" team!=web
    filter: Vec<String>,
    /// Also list silenced and inhibited ones.
    #[arg(long)]
    muted: bool,
    /// Fold groups that belong together into situations, each with the reason.
    #[arg(long)]
    situations: bool,
    #[command(flatten)]
    asking: Asking,
}

pub(super) async fn run(common: &Common, ask: &Ask) -> anyhow::Result<Exit> {
    let filter = filter(&ask.filter)?;
    let mut world = World::load(common)?;
    world.gather(ask.asking.timeout).await?;
    if ask.situations {
        // Who calls whom comes first; what belongs together rests on it.
        world.model.study();
        world.model.study();
        return Ok(situations::tell(&world, &filter, ask.muted, ask.asking.json));
    }
    let model = &world.model;
    let book = &model.alerts;
    let groups: Vec<&Group> =
        book.visible(&filter, ask.muted).into_iter().filter_map(|at| book.groups.get(at)).collect();
    if ask.asking.json {
        #[derive(Serialize)]
        struct Answer<'a> {
            #[serde(flatten)]
            head: serde_json::Map<String, serde_json::Value>,
            groups: Vec<Told<'a>>,
        }
        let groups = groups.iter().map(|group| Told::of(model, group)).collect();
        output::json(&Answer { head: world.head(), groups });
    } else {
        world.print_lacking();
        print(&world, groups.iter().copied(), world.now());
        let hidden = book.visible(&filter, true).len().saturating_sub(groups.len());
        if hidden > 0 {
            output::line(&format!("{hidden} muted; --muted lists them too"));
        }
    }
    let calm = groups.is_empty() && world.lacking().is_empty();
    // The process ends here: the system takes a large world back faster than it is given back in pieces.
    std::mem::forget(world);
    Ok(if calm { Exit::Fine } else { Exit::Attention })
}

/// The filter the words make.
pub(super) fn filter(words: &[String]) -> anyhow::Result<Filter> {
    let text = words.join(" ");
    Filter::parse(&text).map_err(|e| anyhow::anyhow!("the filter `{text}` cannot be read: {e}"))
}

/// A group for scripts. Twenty thousand alerts are written as they are read from the model, not
/// gathered into a tree first.
#[derive(Serialize)]
pub(super) struct Told<'a> {
    title: &'a SafeText,
    site: &'a SiteId,
    severity: String,
    reason: &'a SafeText,
    active: usize,
    silenced: usize,
    inhibited: usize,
    lost_sight_of: usize,
    since: String,
    service: Option<&'a ServiceId>,
    owner: Option<&'a SafeText>,
    runbook: Option<&'a SafeText>,
    acknowledged_by: Option<&'a str>,
    acknowledged_at: Option<String>,
    summary: &'a SafeText,
    alerts: Members<'a>,
}

impl<'a> Told<'a> {
    pub(super) fn of(model: &'a Model, group: &'a Group) -> Self {
        Self {
            title: &group.title,
            site: &group.key.site,
            severity: group.judged.severity.to_string(),
            reason: &group.judged.reason,
            active: group.active,
            silenced: group.silenced,
            inhibited: group.inhibited,
            lost_sight_of: group.unseen,
            since: group.since.rfc3339(),
            service: group.service.as_ref(),
            owner: some(&group.owner),
            runbook: some(&group.runbook),
            acknowledged_by: group.ack.as_ref().map(|a| a.by.name()),
            acknowledged_at: group.ack.as_ref().map(|a| a.at.rfc3339()),
            summary: &group.summary,
            alerts: Members(model.alerts.members(&group.key)),
        }
    }
}

/// The alerts of a group.
struct Members<'a>(&'a [(Arc<Alert>, Seen)]);

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(alert, seen)| Member::of(alert, *seen)))
    }
}

#[derive(Serialize)]
struct Member<'a> {
    #[serde(serialize_with = "as_map")]
    labels: &'a Labels,
    state: &'static str,
    since: String,
    generator: Option<&'a SafeText>,
}

impl<'a> Member<'a> {
    fn of(alert: &'a Alert, seen: Seen) -> Self {
        let state = match (seen, &alert.state) {
            (Seen::Lost, _) => "lost",
            (Seen::Stale, _) => "stale",
            (Seen::Firing, AlertState::Suppressed { silenced_by, .. })
                if silenced_by.is_empty() =>
            {
                "inhibited"
            }
            (Seen::Firing, AlertState::Suppressed { .. }) => "silenced",
            (Seen::Firing, _) => "firing",
        };
        let (labels, since) = (&alert.labels, alert.starts_at.rfc3339());
        Self { labels, state, since, generator: some(&alert.generator_url) }
    }
}

fn as_map<S: Serializer>(labels: &&Labels, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(labels.iter().map(|(name, value)| (name, value)))
}

/// Nothing is null, not an empty text.
fn some(text: &SafeText) -> Option<&SafeText> {
    (!text.is_empty()).then_some(text)
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
