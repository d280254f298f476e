//! Which column each service stands in: rings opened, layers by longest path, long edges cut into
//! segments.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::super::order::components;
use super::{Layering, Memory};
use crate::domain::{EdgeIx, Graph};

/// Neighbour lists in one table.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    start: Vec<u32>,
    to: Vec<u32>,
}

impl Table {
    /// From pairs; each list is in the order of the pairs.
    pub(super) fn of(count: usize, pairs: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        let mut start = vec![0; count + 1];
        pairs.clone().for_each(|(from, _)| start[from as usize + 1] += 1);
        for i in 0..count {
            start[i + 1] += start[i];
        }
        let mut next = start.clone();
        let mut to = vec![0; start[count] as usize];
        for (from, end) in pairs {
            let slot = &mut next[from as usize];
            to[*slot as usize] = end;
            *slot += 1;
        }
        Self { start, to }
    }

    pub(super) fn of_vertex(&self, at: u32) -> &[u32] {
        let at = at as usize;
        &self.to[self.start[at] as usize..self.start[at + 1] as usize]
    }

    /// Where a vertex's list begins in the whole.
    pub(super) fn start(&self, at: u32) -> usize {
        self.start[at as usize] as usize
    }

    pub(super) fn len(&self) -> usize {
        self.to.len()
    }
}

/// Two services that call each other in one way or both, drawn as one line from left to right.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub(super) from: u32,
    pub(super) to: u32,
    /// The edge that runs with the line.
    pub(super) forward: Option<EdgeIx>,
    /// The edge that runs against it.
    pub(super) back: Option<EdgeIx>,
}

/// Lines without rings: what runs against the order within a ring is turned around.
pub(super) fn lines(graph: &Graph, memory: Option<&Memory>) -> Vec<Line> {
    let count = graph.nodes().len();
    let ends = || graph.edges().iter().map(|edge| (edge.from.index(), edge.to.index()));
    let mut ring_of = vec![0; count];
    let mut place = vec![0; count];
    for (number, ring) in components(count, ends()).into_iter().enumerate() {
        ring.iter().for_each(|at| ring_of[*at] = number);
        if ring.len() > 1 {
            let order = opened(graph, ring, memory);
            order.into_iter().enumerate().for_each(|(i, at)| place[at] = i);
        }
    }
    let mut lines: Vec<Line> = ends()
        .enumerate()
        .filter(|(_, (from, to))| from != to)
        .map(|(edge, (from, to))| {
            let edge = Some(EdgeIx::new(edge));
            let (a, b) = (from as u32, to as u32);
            if ring_of[from] == ring_of[to] && place[from] > place[to] {
                Line { from: b, to: a, forward: None, back: edge }
            } else {
                Line { from: a, to: b, forward: edge, back: None }
            }
        })
        .collect();
    lines.sort_unstable_by_key(|line| (line.from, line.to));
    lines.dedup_by(|new, kept| {
        let same = (new.from, new.to) == (kept.from, kept.to);
        if same {
            kept.forward = kept.forward.or(new.forward);
            kept.back = kept.back.or(new.back);
        }
        same
    });
    lines
}

/// A ring's nodes in an order against which few edges run: as they stood before, else Eades, Lin and
/// Smyth's greedy order ("A fast and effective heuristic for the feedback arc set problem", 1993),
/// with what is called from outside the ring drawn to the front.
fn opened(graph: &Graph, mut ring: Vec<usize>, memory: Option<&Memory>) -> Vec<usize> {
    ring.sort_unstable();
    let before = |at: usize| memory.and_then(|memory| memory.layer_of(at));
    if ring.iter().all(|at| before(*at).is_some()) {
        ring.sort_by_key(|at| before(*at));
        return ring;
    }
    let mut inside = vec![false; graph.nodes().len()];
    ring.iter().for_each(|at| inside[*at] = true);
    // (balance, outgoing, incoming) within the ring.
    let mut degrees = vec![(0_i64, 0_u32, 0_u32); graph.nodes().len()];
    for edge in graph.edges().iter().filter(|edge| edge.from != edge.to) {
        let (from, to) = (edge.from.index(), edge.to.index());
        match (inside[from], inside[to]) {
            (true, true) => {
                degrees[from].0 += 1;
                degrees[from].1 += 1;
                degrees[to].0 -= 1;
                degrees[to].2 += 1;
            }
            (false, true) => degrees[to].0 += 1,
            _ => {}
        }
    }
    let mut left: BTreeSet<(Reverse<i64>, usize)> =
        ring.iter().map(|at| (Reverse(degrees[*at].0), *at)).collect();
    let mut sinks: BTreeSet<usize> = BTreeSet::new();
    let (mut front, mut back) = (Vec::new(), Vec::new());
    while let Some((_, first)) = left.first().copied() {
        let (at, is_sink) = sinks.pop_first().map_or((first, false), |sink| (sink, true));
        left.remove(&(Reverse(degrees[at].0), at));
        inside[at] = false;
        if is_sink {
            back.push(at)
        } else {
            front.push(at)
        }
        let node = crate::domain::NodeIx::new(at);
        let callees = graph.calls(node).map(|edge| (graph.edge(edge).to.index(), 1, false));
        let callers = graph.callers(node).map(|edge| (graph.edge(edge).from.index(), -1, true));
        for (other, change, loses_callee) in callees.chain(callers) {
            if !inside[other] {
                continue;
            }
            let entry = &mut degrees[other];
            left.remove(&(Reverse(entry.0), other));
            entry.0 += change;
            left.insert((Reverse(entry.0), other));
            if loses_callee {
                entry.1 -= 1;
                if entry.1 == 0 {
                    sinks.insert(other);
                }
            }
        }
    }
    back.reverse();
    front.extend(back);
    front
}

/// The layer of each node: one more than the furthest of its callers.
pub(super) fn layers(
    count: usize,
    lines: &[Line],
    layering: Layering,
    memory: Option<&Memory>,
) -> Vec<u32> {
    let down = Table::of(count, lines.iter().map(|line| (line.from, line.to)));
    let up = Table::of(count, lines.iter().map(|line| (line.to, line.from)));
    let order = topological(count, &down, &up);
    let fitted = |wish: &dyn Fn(usize) -> Option<u32>| {
        let mut layer = vec![0; count];
        for at in &order {
            let after = up.of_vertex(*at).iter().map(|from| layer[*from as usize] + 1).max();
            let at = *at as usize;
            layer[at] = after.unwrap_or(0).max(wish(at).unwrap_or(0));
        }
        layer
    };
    let mut layer = fitted(&|_| None);
    if layering == Layering::Short {
        // What more calls leave than enter moves right as far as its callees let it.
        for at in order.iter().rev() {
            let (below, above) = (down.of_vertex(*at), up.of_vertex(*at));
            if above.len() < below.len() {
                let first = below.iter().map(|to| layer[*to as usize]).min().unwrap_or(1);
                layer[*at as usize] = first - 1;
            }
        }
    }
    if let Some(memory) = memory {
        // As before, if that does not make the lines much longer.
        let mut kept = fitted(&|at| {
            memory.layer_of(at).or(Some(layer[at]).filter(|_| up.of_vertex(at as u32).is_empty()))
        });
        close_gaps(&mut kept);
        let length = |layer: &[u32]| -> u64 {
            let span = |line: &Line| layer[line.to as usize] - layer[line.from as usize];
            lines.iter().map(|line| u64::from(span(line))).sum()
        };
        if length(&kept) <= length(&layer) * 3 / 2 + 4 {
            return kept;
        }
    }
    close_gaps(&mut layer);
    layer
}

fn topological(count: usize, down: &Table, up: &Table) -> Vec<u32> {
    let mut waits: Vec<usize> = (0..count).map(|at| up.of_vertex(at as u32).len()).collect();
    let mut order: Vec<u32> = (0..count as u32).filter(|at| waits[*at as usize] == 0).collect();
    let mut next = 0;
    while let Some(at) = order.get(next).copied() {
        next += 1;
        for to in down.of_vertex(at) {
            waits[*to as usize] -= 1;
            if waits[*to as usize] == 0 {
                order.push(*to);
            }
        }
    }
    order
}

/// Layers in which nothing stands are left out.
fn close_gaps(layer: &mut [u32]) {
    let most = layer.iter().max().map_or(0, |most| *most as usize + 1);
    let mut new = vec![0; most + 1];
    layer.iter().for_each(|at| new[*at as usize + 1] = 1);
    for i in 0..most {
        new[i + 1] += new[i];
    }
    layer.iter_mut().for_each(|at| *at = new[*at as usize]);
}

/// Nodes and the bends of long lines, every line cut so that it goes from one layer to the next.
#[derive(Debug, Clone, Default)]
pub(super) struct Proper {
    /// How many vertices are nodes; the rest are bends.
    pub(super) nodes: usize,
    pub(super) layer: Vec<u32>,
    /// The first bend of each line; they are numbered along it.
    pub(super) first_bend: Vec<u32>,
    pub(super) up: Table,
    pub(super) down: Table,
    /// Vertices by layer.
    pub(super) layers: Vec<Vec<u32>>,
}

impl Proper {
    /// `None` when there would be more than `most` vertices.
    pub(super) fn of(mut layer: Vec<u32>, lines: &[Line], most: usize) -> Option<Self> {
        let nodes = layer.len();
        let span = |line: &Line| (layer[line.to as usize] - layer[line.from as usize]) as usize;
        let total = nodes + lines.iter().map(|line| span(line) - 1).sum::<usize>();
        if total > most {
            return None;
        }
        let mut first_bend = Vec::with_capacity(lines.len());
        let mut segments: Vec<(u32, u32)> = Vec::with_capacity(total + lines.len());
        for line in lines {
            first_bend.push(layer.len() as u32);
            let mut last = line.from;
            for between in layer[line.from as usize] + 1..layer[line.to as usize] {
                let bend = layer.len() as u32;
                layer.push(between);
                segments.push((last, bend));
                last = bend;
            }
            segments.push((last, line.to));
        }
        let count = layer.iter().max().map_or(0, |most| *most as usize + 1);
        let mut layers = vec![Vec::new(); count];
        layer.iter().enumerate().for_each(|(at, l)| layers[*l as usize].push(at as u32));
        let down = Table::of(layer.len(), segments.iter().copied());
        let up = Table::of(layer.len(), segments.iter().map(|(from, to)| (*to, *from)));
        Some(Self { nodes, layer, first_bend, up, down, layers })
    }

    /// A line's vertices from left to right.
    pub(super) fn along(&self, number: usize, line: Line) -> impl Iterator<Item = u32> + use<> {
        let span = self.layer[line.to as usize] - self.layer[line.from as usize];
        let first = self.first_bend[number];
        [line.from].into_iter().chain(first..first + span - 1).chain([line.to])
    }
}
