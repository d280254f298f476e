//! `quarterdeck map` and `quarterdeck blast`: who calls whom and how each stands, and what the loss of a
//! service would take down.

use std::collections::BTreeSet;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::world::World;
use super::{Asking, Common, Exit, output};
use crate::analysis::graph::layout::{Layering, layout};
use crate::analysis::graph::{
    Blast, Lost, Walk, blast as blast_of, drain, export, neighbourhood, outline, shortest_paths,
};
use crate::domain::{Graph, NodeIx, ServiceId};
use crate::model::{Model, NodeViews, Suppose, Told};

/// Most paths between two services.
const PATHS: usize = 64;

/// Shapes of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// An indented list.
    Text,
    /// For Graphviz.
    Dot,
    /// For programs.
    Json,
    /// A picture.
    Svg,
}

/// What is asked.
#[derive(Debug, Args)]
pub(super) struct Ask {
    /// Matchers and words, as after `/`: team=shop site=eu health=~"down|failing".
    filter: Vec<String>,
    /// Only what is around this service.
    #[arg(long, value_name = "SERVICE")]
    focus: Option<String>,
    /// How many calls up and down from it.
    #[arg(long, value_name = "N", default_value_t = 2, requires = "focus")]
    hops: usize,
    /// Only the shortest paths along calls from the focus to this service.
    #[arg(long, value_name = "SERVICE", requires = "focus", conflicts_with = "hops")]
    to: Option<String>,
    /// As what it is printed; --json is --format json.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    asking: Asking,
}

/// Whose loss.
#[derive(Debug, Args)]
pub(super) struct AskBlast {
    /// The service.
    service: String,
    #[command(flatten)]
    asking: Asking,
}

pub(super) async fn run(common: &Common, ask: &Ask) -> anyhow::Result<Exit> {
    let filter = super::alerts::filter(&ask.filter)?;
    let mut world = World::load(common)?;
    world.gather(ask.asking.timeout).await?;
    world.model.study();
    let (whole, views) = (world.model.map.graph().clone(), world.model.node_views());
    let mut part: Vec<NodeIx> = match (&ask.focus, &ask.to) {
        (None, _) => whole.node_indices().collect(),
        (Some(name), None) => neighbourhood(&whole, &find(&whole, name)?, ask.hops, ask.hops),
        (Some(from), Some(to)) => {
            let (from, to) = (find(&whole, from)?, find(&whole, to)?);
            let ends = from.iter().flat_map(|from| to.iter().map(|to| (*from, *to)));
            let paths = ends.flat_map(|(from, to)| shortest_paths(&whole, from, to, PATHS).paths);
            paths.flatten().collect::<BTreeSet<_>>().into_iter().collect()
        }
    };
    part.retain(|at| filter.is_empty() || views.satisfy(whole.node(*at), &filter));
    let graph = whole.induced(&part);
    let format = if ask.asking.json { Format::Json } else { ask.format };
    match format {
        Format::Text => {
            world.print_lacking();
            text(&graph, &views);
        }
        Format::Dot => output::text(export::dot(&graph).as_bytes()),
        Format::Json => {
            let mut all = world.head();
            if let Value::Object(map) = export::json(&graph) {
                all.extend(map);
            }
            let stands = graph.nodes().iter().map(|node| {
                let view = views.node(&node.key.service);
                let at = view.at.map(|at| at.rfc3339());
                let one = json!({
                    "health": view.health.word(), "why": view.why, "burn": view.burn,
                    "firing": view.firing, "breakers_open": view.tripped,
                    "retry_storms": view.storms, "sites": view.sites, "at": at,
                });
                (node.key.service.to_string(), one)
            });
            all.insert("stands".into(), Value::Object(stands.collect()));
            output::json(&all);
        }
        Format::Svg => {
            let width = |node: &crate::domain::Node| node.key.label().chars().count() + 2;
            let widths = graph.nodes().iter().map(|n| u16::try_from(width(n)).unwrap_or(u16::MAX));
            let drawn = layout(&graph, &widths.collect::<Vec<_>>(), Layering::default(), None)?;
            output::text(export::svg(&graph, &drawn).as_bytes());
        }
    }
    let bad = graph.nodes().iter().any(|node| views.health(&node.key.service).is_bad());
    Ok(if bad || !world.lacking().is_empty() { Exit::Attention } else { Exit::Fine })
}

/// The list, as on the screen.
fn text(graph: &Graph, views: &NodeViews) {
    for row in outline(graph, &[], Walk::Callees).rows {
        let key = &graph.node(row.node).key;
        let soft = row.edge.is_some_and(|edge| !graph.edge(edge).is_hard());
        let again = match (row.closes_ring, row.seen_above) {
            (true, _) => ", closes a ring",
            (false, true) => ", as above",
            (false, false) => "",
        };
        let soft = if soft { ", soft" } else { "" };
        let word = views.health(&key.service).word();
        output::line(&format!("{}{}: {word}{soft}{again}", "  ".repeat(row.depth), key.label()));
    }
}

/// The service at all its sites.
fn find(graph: &Graph, name: &str) -> anyhow::Result<Vec<NodeIx>> {
    // Where no site is known a service's label is its name: each is found once.
    let service = ServiceId::new(name);
    let named = |at: &NodeIx| {
        let key = &graph.node(*at).key;
        key.service == service || key.label().as_str() == name
    };
    let found: Vec<NodeIx> = graph.node_indices().filter(named).collect();
    if found.is_empty() {
        let mut known = graph.nodes().iter().map(|node| node.key.service.as_str());
        let near = crate::domain::nearest(name, &mut known);
        let hint = near.map_or_else(String::new, |near| format!(" Did you mean `{near}`?"));
        anyhow::bail!("the map knows no service `{name}`.{hint}");
    }
    Ok(found)
}

/// What goes down, as an object.
fn lost(model: &Model, graph: &Graph, found: &Blast) -> Map<String, Value> {
    let key = |at: NodeIx| json!(graph.node(at).key.label());
    let lost = |lost: Lost| json!({ "least": lost.least, "most": lost.most });
    let path = |at: NodeIx| found.path(graph, at).into_iter().map(key).collect::<Vec<_>>();
    let owner = |at: NodeIx| model.owner_of(&graph.node(at).key.service);
    let hit = found.hit.iter().map(|hit| {
        json!({
            "service": key(hit.node), "lost": lost(hit.lost), "known": hit.known,
            "path": path(hit.node), "owner": owner(hit.node),
        })
    });
    let degraded = found.degraded.iter().map(
        |one| json!({ "service": key(one.node), "path": path(one.node), "owner": owner(one.node) }),
    );
    let mut all = Map::new();
    all.insert("hit".into(), hit.collect());
    all.insert("degraded".into(), degraded.collect());
    all.insert("idle".into(), found.idle.iter().map(|at| key(*at)).collect());
    all.insert("of_all_requests".into(), found.of_all.map(lost).into());
    all
}

pub(super) async fn blast(common: &Common, ask: &AskBlast) -> anyhow::Result<Exit> {
    let mut world = World::load(common)?;
    world.gather(ask.asking.timeout).await?;
    world.model.study();
    let graph = world.model.map.graph().clone();
    let failed = find(&graph, &ask.service)?;
    if ask.asking.json {
        let key = |at: NodeIx| json!(graph.node(at).key.label());
        let found = drain(&graph, &failed);
        let takes_over = found.takes_over.iter().map(|one| {
            json!({ "service": key(one.node), "more_per_second": one.rate, "times": one.times })
        });
        let mut drained = lost(&world.model, &found.left, &found.stranded);
        drained.insert("takes_over".into(), takes_over.collect());
        let service = graph.node(failed[0]).key.service.clone();
        let moved = world.model.what_if(&Suppose::Drain(service)).ok();
        let says = moved.filter(|_| !found.takes_over.is_empty()).map(|moved| moved.breaks());
        drained.insert("load_moved".into(), says.into());
        let mut all = world.head();
        all.insert("of".into(), failed.iter().map(|at| key(*at)).collect());
        let cut = lost(&world.model, &graph, &blast_of(&graph, &failed));
        all.insert("cut_off".into(), cut.into());
        all.insert("drain".into(), drained.into());
        output::json(&all);
    } else {
        world.print_lacking();
        for at in &failed {
            let key = &graph.node(*at).key;
            output::line(&format!("Without {}:", key.label()));
            for told in world.model.told_blast(key) {
                output::line(&match told {
                    Told::Head(text) => format!("  {text}"),
                    Told::Pair(name, value) => format!("    {name}: {value}"),
                    Told::Text(text) | Told::Warn(text) => format!("    {text}"),
                });
            }
        }
    }
    Ok(if world.lacking().is_empty() { Exit::Fine } else { Exit::Attention })
}
