//! `quarterdeck status`: the bridge for scripts and for a quick look without a screen.

use serde::Serialize;
use serde_json::{Value, json};

use super::world::World;
use super::{Asking, Common, Exit, alerts, gather, incident, output, slo};
use crate::domain::SourceStatus;
use crate::model::{Group, Verdict};

/// Rows of each table; the subcommands of their own print all.
const MOST_SLOS: usize = 10;
const MOST_GROUPS: usize = 20;

pub(super) async fn run(common: &Common, asking: Asking) -> anyhow::Result<Exit> {
    let mut world = World::load(common)?;
    world.gather(asking.timeout).await?;
    let now = world.now();
    let model = &world.model;
    let counts = model.alerts.counts();
    let groups = &model.alerts.groups;
    let live = model.incidents.live();
    if asking.json {
        let mut all = world.head();
        all.insert("headline".into(), json!(model.alerts.headline().map(Group::line)));
        let numbers = json!({
            "firing": counts.firing,
            "muted": counts.muted,
            "acknowledged": counts.acked,
            "stale": counts.stale,
            "lost": counts.lost,
        });
        let numbers = if world.alerts_known() { numbers } else { Value::Null };
        all.insert("alerts".into(), numbers);
        let going_on: Vec<Value> = live.iter().map(|one| incident::told(one)).collect();
        all.insert("incidents".into(), going_on.into());
        let slos: Vec<Value> = model.slos.statuses.iter().map(|s| slo::as_json(model, s)).collect();
        all.insert("slos".into(), slos.into());
        #[derive(Serialize)]
        struct Answer<'a> {
            #[serde(flatten)]
            all: serde_json::Map<String, Value>,
            groups: Vec<alerts::Told<'a>>,
        }
        let groups = groups.iter().map(|group| alerts::Told::of(model, group)).collect();
        output::json(&Answer { all, groups });
    } else {
        world.print_lacking();
        let sources: Vec<&SourceStatus> = model.sources.values().collect();
        let fresh = sources.len() - world.lacking().len();
        let alerts = if world.alerts_known() {
            format!(
                "{} firing, {} muted, {} acknowledged, {} lost sight of",
                counts.firing, counts.muted, counts.acked, counts.lost
            )
        } else {
            "alerts not known".to_owned()
        };
        output::line(&format!("{alerts}, {fresh}/{} sources fresh", sources.len()));
        if !live.is_empty() {
            output::line("");
            incident::table(&live);
        }
        output::line("");
        slo::print(model, model.slos.statuses.iter().take(MOST_SLOS));
        more(model.slos.statuses.len(), MOST_SLOS, "slo");
        output::line("");
        alerts::print(&world, groups.iter().take(MOST_GROUPS), now);
        more(groups.len(), MOST_GROUPS, "alerts --muted");
        output::line("");
        gather::print_sources(&sources, now);
    }
    let bad = model.slos.statuses.iter().any(|s| s.verdict != Verdict::Fine);
    let calm = !bad && live.is_empty() && counts.firing + counts.stale + counts.lost == 0;
    Ok(if calm && world.lacking().is_empty() { Exit::Fine } else { Exit::Attention })
}

fn more(all: usize, shown: usize, ask: &str) {
    if all > shown {
        output::line(&format!("and {} more: `quarterdeck {ask}`", all - shown));
    }
}
