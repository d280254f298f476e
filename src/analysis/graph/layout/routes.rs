//! From slots to cells: columns, rows and the lines' tracks in the channels between columns.
//!
//! In a channel every left vertex has at most one upright track for all its lines (a net). A row may
//! be one net's way out of its vertex and other nets' way into another vertex: then the first net's
//! track has to be left of the others'. Where these demands go in a circle, the right column moves to the
//! rows in between, and there is nothing left to demand. Tracks are then filled from the left
//! (Hashimoto and Stevens, "Wire routing by optimizing channel assignment", 1971).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::layers::Proper;
use super::{Arranged, Layout, Memory, Placed, Point, Route};
use crate::domain::{EdgeIx, Graph, NodeIx};

/// Nets up to which tracks are chosen so that few lines cross; above it only so that they are few.
const CAREFUL: usize = 400;

/// The lines of one left vertex in a channel.
#[derive(Debug, Clone)]
struct Net {
    left: u32,
    /// Rows it covers in its track.
    top: u32,
    bottom: u32,
    row: u32,
}

/// Tracks of a channel: by left vertex's place in its layer.
struct Channel {
    track: Vec<Option<u32>>,
    tracks: u32,
}

pub(super) fn routed(graph: &Graph, widths: &[u16], arranged: Arranged) -> Layout {
    let Arranged { lines, proper, order, crossings, slot, odd_before } = arranged;
    let mut odd: Vec<bool> = Vec::with_capacity(order.layers.len());
    let mut channels = Vec::new();
    let row = |at: u32, odd: bool| slot[at as usize] as u32 * 2 + u32::from(odd);
    for (layer, vertices) in order.layers.iter().enumerate() {
        let Some((left_layer, left_odd)) = layer.checked_sub(1).zip(odd.last().copied()) else {
            odd.push(odd_before.first().copied().unwrap_or(false));
            continue;
        };
        let left = &order.layers[left_layer];
        let before = odd_before.get(layer).copied();
        let tries = [before, Some(left_odd), Some(!left_odd)];
        let chosen = tries.into_iter().flatten().find_map(|right_odd| {
            let nets = nets(&proper, left, |at| row(at, left_odd), |at| row(at, right_odd));
            if right_odd == left_odd && nets.len() > CAREFUL {
                // So many never agree; do not try.
                return None;
            }
            let demands = if right_odd == left_odd {
                let rights = vertices.iter().map(|at| (row(*at, right_odd), *at));
                demands(&proper, &nets, left, rights, |at| row(at, left_odd), &order.place)
            } else {
                Vec::new()
            };
            let sequence = sequence(&nets, &demands)?;
            Some((right_odd, assign(&nets, &demands, &sequence, left.len(), &order.place)))
        });
        // The last try has no demands and so always a sequence.
        let (right_odd, channel) =
            chosen.unwrap_or((!left_odd, Channel { track: vec![None; left.len()], tracks: 0 }));
        odd.push(right_odd);
        channels.push(channel);
    }
    let width = |at: u32| u32::from(widths.get(at as usize).copied().unwrap_or(1).max(1));
    let is_node = |at: &&u32| (**at as usize) < proper.nodes;
    let label = |layer: &Vec<u32>| layer.iter().filter(is_node).map(|at| width(*at)).max();
    let mut start = Vec::with_capacity(order.layers.len());
    let (mut column, mut last) = (0, 0);
    for (layer, vertices) in order.layers.iter().enumerate() {
        start.push(column);
        let end = column + label(vertices).unwrap_or(0);
        last = end;
        column = end + 4 + channels.get(layer).map_or(0, |channel| channel.tracks);
    }
    let layer_of = |at: u32| proper.layer[at as usize] as usize;
    let row_of = |at: u32| row(at, odd[layer_of(at)]);
    let self_edge = |node: NodeIx| graph.between(node, node).is_some();
    let nodes: Vec<Placed> = graph
        .node_indices()
        .map(|node| {
            let at = node.index() as u32;
            Placed {
                node,
                layer: proper.layer[node.index()],
                column: start[layer_of(at)],
                row: row_of(at),
                width: u16::try_from(width(at)).unwrap_or(u16::MAX),
                calls_itself: self_edge(node),
            }
        })
        .collect();
    let empty = |edge| Route { edge: EdgeIx::new(edge), points: Vec::new(), back: false };
    let mut routes: Vec<Route> = (0..graph.edges().len()).map(empty).collect();
    for (number, line) in lines.iter().enumerate() {
        let mut points = vec![Point {
            column: start[layer_of(line.from)] + width(line.from) + 1,
            row: row_of(line.from),
        }];
        let mut last = line.from;
        for at in proper.along(number, *line).skip(1) {
            let layer = layer_of(last);
            let (from, to) = (row_of(last), row_of(at));
            let track = channels[layer].track[order.place[last as usize] as usize];
            if let Some(track) = track.filter(|_| from != to) {
                let widest = label(&order.layers[layer]).unwrap_or(0);
                let column = start[layer] + widest + 2 + track;
                points.push(Point { column, row: from });
                points.push(Point { column, row: to });
            }
            last = at;
        }
        points.push(Point { column: start[layer_of(line.to)] - 2, row: row_of(line.to) });
        if let Some(edge) = line.back {
            let points = points.iter().rev().copied().collect();
            routes[edge.index()] = Route { edge, points, back: true };
        }
        if let Some(edge) = line.forward {
            routes[edge.index()] = Route { edge, points, back: false };
        }
    }
    let lowest = (0..proper.layer.len() as u32).map(row_of).max();
    let memory = remembered(graph, &proper, &lines, &slot, odd.clone());
    Layout {
        width: last,
        height: lowest.map_or(0, |row| row + 1),
        nodes,
        routes,
        crossings,
        memory,
    }
}

fn nets(
    proper: &Proper,
    left: &[u32],
    left_row: impl Fn(u32) -> u32,
    right_row: impl Fn(u32) -> u32,
) -> Vec<Net> {
    left.iter()
        .filter_map(|at| {
            let row = left_row(*at);
            let ends = proper.down.of_vertex(*at).iter().map(|to| right_row(*to));
            let (top, bottom) = ends.fold((row, row), |(t, b), end| (t.min(end), b.max(end)));
            (top < bottom).then_some(Net { left: *at, top, bottom, row })
        })
        .collect()
}

/// Pairs of nets of which the first has to be left of the second.
fn demands(
    proper: &Proper,
    nets: &[Net],
    left: &[u32],
    rights: impl Iterator<Item = (u32, u32)>,
    left_row: impl Fn(u32) -> u32,
    place: &[u32],
) -> Vec<(usize, usize)> {
    // Nets by the place of their vertex; several stand on no row, one at most on each.
    let mut net_at = vec![None; left.len()];
    for (number, net) in nets.iter().enumerate() {
        net_at[place[net.left as usize] as usize] = Some(number);
    }
    let mut demands = Vec::new();
    for (row, right) in rights {
        let Ok(opposite) = left.binary_search_by_key(&row, |at| left_row(*at)) else { continue };
        let Some(first) = net_at[opposite] else { continue };
        for from in proper.up.of_vertex(right) {
            if let Some(other) = net_at[place[*from as usize] as usize].filter(|n| *n != first) {
                demands.push((first, other));
            }
        }
    }
    demands
}

/// The nets in an order that keeps the demands; `None` when they go in a circle. Among those that are
/// free: lines downward from the lowest, lines upward from the highest, so that few cross.
fn sequence(nets: &[Net], demands: &[(usize, usize)]) -> Option<Vec<usize>> {
    let rank = |number: usize| {
        let net = &nets[number];
        let down = net.bottom - net.row;
        let up = net.row - net.top;
        // Small first.
        if down >= up { (0, u32::MAX - net.row) } else { (1, net.row) }
    };
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); nets.len()];
    let mut waits = vec![0_usize; nets.len()];
    for (first, second) in demands {
        after[*first].push(*second);
        waits[*second] += 1;
    }
    let ready = (0..nets.len()).filter(|number| waits[*number] == 0);
    let mut heap: BinaryHeap<Reverse<((u32, u32), usize)>> =
        ready.map(|number| Reverse((rank(number), number))).collect();
    let mut sequence = Vec::with_capacity(nets.len());
    while let Some(Reverse((_, number))) = heap.pop() {
        sequence.push(number);
        for next in &after[number] {
            waits[*next] -= 1;
            if waits[*next] == 0 {
                heap.push(Reverse((rank(*next), *next)));
            }
        }
    }
    (sequence.len() == nets.len()).then_some(sequence)
}

fn assign(
    nets: &[Net],
    demands: &[(usize, usize)],
    sequence: &[usize],
    left: usize,
    place: &[u32],
) -> Channel {
    let mut chosen = vec![0_u32; nets.len()];
    let mut tracks = 0;
    if nets.len() > CAREFUL {
        // Left edge: by the top row, on the track that is free the longest.
        let mut by_top: Vec<usize> = (0..nets.len()).collect();
        by_top.sort_unstable_by_key(|number| (nets[*number].top, *number));
        let mut free: BinaryHeap<Reverse<(u32, u32)>> = BinaryHeap::new();
        for number in by_top {
            let net = &nets[number];
            let track = match free.peek() {
                Some(Reverse((bottom, track))) if *bottom < net.top => {
                    let track = *track;
                    free.pop();
                    track
                }
                _ => {
                    tracks += 1;
                    tracks - 1
                }
            };
            chosen[number] = track;
            free.push(Reverse((net.bottom, track)));
        }
    } else {
        let mut least = vec![0_u32; nets.len()];
        let mut after: Vec<Vec<usize>> = vec![Vec::new(); nets.len()];
        demands.iter().for_each(|(first, second)| after[*first].push(*second));
        let mut taken: Vec<Vec<(u32, u32)>> = Vec::new();
        for number in sequence {
            let net = &nets[*number];
            let apart = |(top, bottom): &(u32, u32)| *bottom < net.top || net.bottom < *top;
            let mut track = least[*number];
            while taken.get(track as usize).is_some_and(|spans| !spans.iter().all(apart)) {
                track += 1;
            }
            while taken.len() <= track as usize {
                taken.push(Vec::new());
            }
            taken[track as usize].push((net.top, net.bottom));
            chosen[*number] = track;
            after[*number].iter().for_each(|next| least[*next] = least[*next].max(track + 1));
        }
        tracks = taken.len() as u32;
    }
    let mut track = vec![None; left];
    for (net, chosen) in nets.iter().zip(chosen) {
        track[place[net.left as usize] as usize] = Some(chosen);
    }
    Channel { track, tracks }
}

fn remembered(
    graph: &Graph,
    proper: &Proper,
    lines: &[super::Line],
    slot: &[i32],
    odd: Vec<bool>,
) -> Memory {
    let bends = lines.iter().enumerate().filter_map(|(number, line)| {
        let inner = proper.along(number, *line).filter(|at| *at as usize >= proper.nodes);
        let slots: Vec<i32> = inner.map(|at| slot[at as usize]).collect();
        let first = proper.layer[line.from as usize] + 1;
        (!slots.is_empty()).then_some(((line.from, line.to), (first, slots)))
    });
    Memory {
        nodes: (0..proper.nodes).map(|at| Some((proper.layer[at], slot[at]))).collect(),
        keys: graph.nodes().iter().map(|node| node.key.clone()).collect(),
        bends: bends.collect(),
        odd,
    }
}
