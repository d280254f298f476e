//! A layered drawing of a graph in character cells.
//!
//! Callers stand left of callees: one column of labels for each layer, one row for each label, lines in
//! the channels between columns. The steps are those of Sugiyama, Tagawa and Toda ("Methods for visual
//! understanding of hierarchical system structures", 1981) as Gansner, Koutsofios, North and Vo put them
//! ("A technique for drawing directed graphs", 1993): open the rings, layer, order, place, route.
//!
//! The same graph, widths and earlier drawing give the same drawing. With an earlier drawing, services
//! keep their column, order and row as long as that is not much worse than starting anew, so that a
//! refresh moves little.
//!
//! No two labels overlap, no line runs through a label, and two lines lie on one another only where they
//! share an end: labels stand on every second row, and either a channel's lines can be ordered so that
//! none hides another, or the columns on both sides of it use different rows.

mod cells;
mod layers;
mod ordering;
mod routes;
mod slots;

use std::collections::HashMap;

pub use cells::{Arms, Head, LineCell, Window};

use self::layers::{Line, Proper};
use self::ordering::Order;
use crate::domain::{EdgeIx, Graph, NodeIx, NodeKey};

/// Most labels and bends that are laid out; beyond it, filter first.
const MOST_VERTICES: usize = 250_000;
/// How much worse the order from before may be than a new one: this share, and [`WORSE_AT_LEAST`].
const WORSE: f64 = 1.3;
const WORSE_AT_LEAST: f64 = 8.0;

/// How columns are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layering {
    /// As far left as callers allow; services that mostly call stand beside what they call.
    #[default]
    Short,
    /// As far left as callers allow.
    LongestPath,
}

/// A service's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Which.
    pub node: NodeIx,
    /// Its column of labels, from the left.
    pub layer: u32,
    /// First cell of its label.
    pub column: u32,
    /// Its row.
    pub row: u32,
    /// Cells of its label.
    pub width: u16,
    /// Whether it calls itself, which is not drawn as a line.
    pub calls_itself: bool,
}

/// A cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point {
    /// From the left.
    pub column: u32,
    /// From the top.
    pub row: u32,
}

/// An edge's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Which.
    pub edge: EdgeIx,
    /// From beside the caller to the arrow beside the callee, with every turn. Level and upright
    /// pieces only. Empty for a self-edge.
    pub points: Vec<Point>,
    /// Whether it runs from right to left: it closes a ring.
    pub back: bool,
}

/// A drawing. Tables are indexed by the graph's node and edge indices.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// Cells from left to right.
    pub width: u32,
    /// Cells from top to bottom.
    pub height: u32,
    /// Labels.
    pub nodes: Vec<Placed>,
    /// Lines.
    pub routes: Vec<Route>,
    /// How often lines cross, counted between layers.
    pub crossings: u64,
    memory: Memory,
}

/// A graph that is too large to be drawn; nothing is hidden, but filter first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{nodes} services with {edges} calls are too many to draw. The list still shows them all; narrow \
     the map down to a service's neighbourhood, a team or a site."
)]
pub struct TooLarge {
    /// Services.
    pub nodes: usize,
    /// Calls.
    pub edges: usize,
}

/// What a drawing has to know of an earlier one.
#[derive(Debug, Clone, PartialEq, Default)]
struct Memory {
    /// By the place of nodes in the graph that is being drawn: layer and slot.
    nodes: Vec<Option<(u32, i32)>>,
    /// By line: the keys' places are those of `keys`.
    keys: Vec<NodeKey>,
    bends: HashMap<(u32, u32), (u32, Vec<i32>)>,
    /// By layer: whether its labels stand on odd rows.
    odd: Vec<bool>,
}

impl Memory {
    fn layer_of(&self, at: usize) -> Option<u32> {
        self.nodes.get(at).copied().flatten().map(|(layer, _)| layer)
    }

    /// Seen from another graph: what is left of it there.
    fn seen_from(&self, graph: &Graph) -> Self {
        let place: Vec<Option<usize>> =
            self.keys.iter().map(|key| graph.find(key).map(NodeIx::index)).collect();
        let mut nodes = vec![None; graph.nodes().len()];
        for (old, new) in place.iter().enumerate() {
            if let Some(new) = new {
                nodes[*new] = self.nodes[old];
            }
        }
        let moved = |end: u32| place.get(end as usize).copied().flatten().map(|at| at as u32);
        let bends = self
            .bends
            .iter()
            .filter_map(|((from, to), bends)| Some(((moved(*from)?, moved(*to)?), bends.clone())))
            .collect();
        Self { nodes, keys: Vec::new(), bends, odd: self.odd.clone() }
    }
}

/// Draws a graph. `widths` are the cells of each node's label, by its index (1 where there is none).
///
/// # Errors
///
/// When labels and bends are too many; nothing is drawn then.
pub fn layout(
    graph: &Graph,
    widths: &[u16],
    layering: Layering,
    before: Option<&Layout>,
) -> Result<Layout, TooLarge> {
    let arranged = arrange(graph, layering, before)?;
    Ok(routes::routed(graph, widths, arranged))
}

/// Everything but cells.
struct Arranged {
    lines: Vec<Line>,
    proper: Proper,
    order: Order,
    crossings: u64,
    slot: Vec<i32>,
    odd_before: Vec<bool>,
}

fn arrange(
    graph: &Graph,
    layering: Layering,
    before: Option<&Layout>,
) -> Result<Arranged, TooLarge> {
    let memory = before.map(|before| before.memory.seen_from(graph));
    let memory = memory.as_ref().filter(|memory| memory.nodes.iter().any(Option::is_some));
    let lines = layers::lines(graph, memory);
    let layer = layers::layers(graph.nodes().len(), &lines, layering, memory);
    let proper = Proper::of(layer, &lines, MOST_VERTICES)
        .ok_or_else(|| TooLarge { nodes: graph.nodes().len(), edges: graph.edges().len() })?;
    let (fresh, fewest) = ordering::few_crossings(&proper);
    let nothing = vec![None; proper.layer.len()];
    let old = memory.map_or(nothing.clone(), |memory| old_slots(&proper, &lines, memory));
    let kept = memory.map(|_| merged(&proper, &old));
    let kept = kept.map(|order| (ordering::crossings(&proper, &order), order));
    let bound = (fewest as f64 * WORSE).max(fewest as f64 + WORSE_AT_LEAST);
    let (order, crossings, old) = match kept {
        Some((crossings, order)) if crossings as f64 <= bound => (order, crossings, old),
        _ => (fresh, fewest, nothing),
    };
    let slot = if old.iter().all(Option::is_some) {
        old.iter().copied().flatten().collect()
    } else {
        slots::slots(&proper, &order, &old)
    };
    let odd_before = memory.map_or_else(Vec::new, |memory| memory.odd.clone());
    Ok(Arranged { lines, proper, order, crossings, slot, odd_before })
}

/// Where each vertex stood, for those that stand in the same layer still.
fn old_slots(proper: &Proper, lines: &[Line], memory: &Memory) -> Vec<Option<i32>> {
    let mut old = vec![None; proper.layer.len()];
    for (at, old) in old.iter_mut().enumerate().take(proper.nodes) {
        let known = memory.nodes.get(at).copied().flatten();
        *old = known.filter(|(layer, _)| *layer == proper.layer[at]).map(|(_, slot)| slot);
    }
    for (number, line) in lines.iter().enumerate() {
        let Some((first, bends)) = memory.bends.get(&(line.from, line.to)) else { continue };
        for at in proper.along(number, *line).filter(|at| *at as usize >= proper.nodes) {
            let offset = proper.layer[at as usize].checked_sub(*first);
            old[at as usize] = offset.and_then(|offset| bends.get(offset as usize)).copied();
        }
    }
    old
}

/// The old order, with what is new put in beside its neighbours.
fn merged(proper: &Proper, old: &[Option<i32>]) -> Order {
    let mut wish: Vec<Option<f64>> = old.iter().map(|slot| slot.map(f64::from)).collect();
    // From the left, then from the right for what only calls.
    for rightwards in [true, false] {
        let count = proper.layers.len();
        for step in 0..count {
            let layer = if rightwards { step } else { count - 1 - step };
            for at in &proper.layers[layer] {
                if wish[*at as usize].is_some() {
                    continue;
                }
                let table = if rightwards { &proper.up } else { &proper.down };
                let near: Vec<f64> =
                    table.of_vertex(*at).iter().filter_map(|to| wish[*to as usize]).collect();
                if !near.is_empty() {
                    let mean = near.iter().sum::<f64>() / near.len() as f64;
                    // Below what already stands there.
                    wish[*at as usize] = Some(mean + 0.5);
                }
            }
        }
    }
    let mut layers = proper.layers.clone();
    for layer in &mut layers {
        layer.sort_by(|a, b| {
            let wish = |at: u32| wish[at as usize].unwrap_or(f64::MAX);
            wish(*a).total_cmp(&wish(*b)).then(a.cmp(b))
        });
    }
    Order::of(layers, proper.layer.len())
}

#[cfg(test)]
mod tests;
