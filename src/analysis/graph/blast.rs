//! Blast radius: what fails, degrades or goes idle when some services are gone.
//!
//! Reverse reachability over hard edges. A caller fails with a hard callee; where edges stand in for
//! each other it fails when all of them are gone. What only soft edges reach degrades, and is apart.
//!
//! The share of a caller's requests that is lost lies between two bounds, for nobody knows whether
//! the requests that need one callee are those that need another (Fréchet's inequalities, 1935):
//!
//! ```text
//! least(v) = max over v's hard edges of  share · least(callee)
//! most(v)  = min(1, Σ over v's hard edges of  share · most(callee))
//! ```
//!
//! with the smallest of its members in place of a callee where edges stand in for each other. A
//! caller's requests are taken to be hit in proportion to all others of its callee. A hard edge whose
//! share nobody knows counts as 1: hard means that the caller fails.
//!
//! `least` is found as the best derivation in an and-or graph (Knuth, "A generalization of Dijkstra's
//! algorithm", 1977); the edges it went through are the path that explains the hit. `most` is computed
//! callees first; within a cycle to a fixed point, and is 1 where that is not reached.
//! O((nodes + edges) · log nodes).

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};

use super::order::callees_first;
use crate::domain::{Edge, EdgeIx, Graph, NodeIx};

/// Rounds within a cycle before `most` is given up as 1.
const ROUNDS: usize = 64;
/// A change of a share too small to matter.
const STILL: f64 = 1e-12;

/// Share of a service's requests that is lost, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Lost {
    /// At least this.
    pub least: f64,
    /// At most this.
    pub most: f64,
}

/// A service that fails with the failed ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Which.
    pub node: NodeIx,
    /// How much of its work is lost.
    pub lost: Lost,
    /// How many calls away the failed service is, on the path of [`Blast::path`].
    pub hops: usize,
    /// Whether that path's hardness and shares are all known; else the worse was taken.
    pub known: bool,
    /// For what only passes calls on (a load balancer that nobody declared): what it stands for.
    pub passes_to: Option<NodeIx>,
}

/// A service that only soft edges, or callees with a stand-in left, tie to what failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Degraded {
    /// Which.
    pub node: NodeIx,
    /// How many calls away the failed service is.
    pub hops: usize,
}

/// What some services' failure does.
#[derive(Debug, Clone, PartialEq)]
pub struct Blast {
    /// The services that were said to fail, by key.
    pub failed: Vec<NodeIx>,
    /// What fails with them, worst first.
    pub hit: Vec<Hit>,
    /// What degrades, nearest first.
    pub degraded: Vec<Degraded>,
    /// What has no caller left that works: it goes idle.
    pub idle: Vec<NodeIx>,
    /// Share of all requests that come in from outside (to what nobody calls); `None` when the
    /// traffic of one of those services is not known.
    pub of_all: Option<Lost>,
    /// The same services at other sites, which a drain would have to lean on.
    pub stand_ins: Vec<(NodeIx, Vec<NodeIx>)>,
    /// For each node, the edge through which it was reached.
    cause: Vec<Option<EdgeIx>>,
}

impl Blast {
    /// From a hit or degraded service along calls down to the failed one; empty for all others.
    pub fn path(&self, graph: &Graph, of: NodeIx) -> Vec<NodeIx> {
        let mut path = Vec::new();
        let mut at = of;
        while let Some(edge) = self.cause.get(at.index()).copied().flatten() {
            path.push(at);
            at = graph.edge(edge).to;
        }
        if !path.is_empty() || self.failed.binary_search(&of).is_ok() {
            path.push(at);
        }
        path
    }
}

/// What the failure of some services takes down, or that they are cut off. A drain is milder: see
/// [`super::drain()`].
pub fn blast(graph: &Graph, failed: &[NodeIx]) -> Blast {
    let mut failed = failed.to_vec();
    failed.sort_unstable();
    failed.dedup();
    let groups = Groups::of(graph);
    let mut reached = reach(graph, &failed, &groups);
    let most = most_lost(graph, &failed, &groups, &reached);
    let mut hit: Vec<Hit> = reached
        .order
        .iter()
        .filter(|at| reached.cause[at.index()].is_some())
        .map(|at| Hit {
            node: *at,
            lost: Lost { least: reached.least[at.index()], most: most[at.index()] },
            hops: reached.hops[at.index()],
            known: reached.known[at.index()],
            passes_to: Some(stands_for(graph, *at)).filter(|end| end != at),
        })
        .collect();
    hit.sort_by(|a, b| {
        let worst = b.lost.least.total_cmp(&a.lost.least).then(b.lost.most.total_cmp(&a.lost.most));
        worst.then(a.hops.cmp(&b.hops)).then(a.node.cmp(&b.node))
    });
    let degraded = degrade(graph, &mut reached);
    let mut lost = vec![Lost::default(); graph.nodes().len()];
    failed.iter().for_each(|at| lost[at.index()] = Lost { least: 1.0, most: 1.0 });
    hit.iter().for_each(|hit| lost[hit.node.index()] = hit.lost);
    Blast {
        idle: idle(graph, &lost),
        of_all: of_all(graph, &lost),
        stand_ins: stand_ins(graph, &failed),
        failed,
        hit,
        degraded,
        cause: reached.cause,
    }
}

/// The service that a node only passes calls on to; itself when it does work of its own.
///
/// A pass-through is called, calls exactly one other, and is declared by nobody. Chains are followed;
/// a ring of them stands for itself.
pub fn stands_for(graph: &Graph, node: NodeIx) -> NodeIx {
    let mut at = node;
    for _ in 0..graph.nodes().len() {
        let mut callees = graph.calls(at).map(|e| graph.edge(e).to).filter(|to| *to != at);
        let called = graph.callers(at).any(|edge| graph.edge(edge).from != at);
        match (callees.next(), callees.next()) {
            (Some(only), None) if called && !graph.node(at).declared => at = only,
            _ => return at,
        }
    }
    node
}

/// Hard edges that stand in for each other, as one.
pub(super) struct Groups {
    /// The group of each edge, if it is in one of two or more.
    of_edge: Vec<Option<u32>>,
    /// Its members.
    members: Vec<Vec<EdgeIx>>,
}

impl Groups {
    pub(super) fn of(graph: &Graph) -> Self {
        let mut found: HashMap<(NodeIx, u32), Vec<EdgeIx>> = HashMap::new();
        for at in graph.node_indices() {
            for edge in graph.calls(at) {
                let value = graph.edge(edge);
                if let Some(number) = value.any_of.filter(|_| value.is_hard() && value.to != at) {
                    found.entry((at, number)).or_default().push(edge);
                }
            }
        }
        let mut members: Vec<Vec<EdgeIx>> =
            found.into_values().filter(|edges| edges.len() > 1).collect();
        members.sort_unstable();
        let mut of_edge = vec![None; graph.edges().len()];
        for (number, edges) in members.iter().enumerate() {
            edges.iter().for_each(|edge| of_edge[edge.index()] = u32::try_from(number).ok());
        }
        Self { of_edge, members }
    }

    /// The group an edge is in.
    pub(super) fn group(&self, edge: EdgeIx) -> Option<usize> {
        self.of_edge[edge.index()].map(|number| number as usize)
    }

    /// The edges of a group.
    pub(super) fn members(&self, group: usize) -> &[EdgeIx] {
        &self.members[group]
    }

    /// Share of the caller's requests that go through a group; `None` when not known.
    fn share(&self, graph: &Graph, group: usize) -> Option<f64> {
        let shares = self.members[group].iter().map(|edge| graph.edge(*edge).share);
        shares.sum::<Option<f64>>().map(|share| share.min(1.0))
    }
}

/// What was reached over hard edges.
struct Reached {
    /// Failed and hit nodes, in the order they were settled.
    order: Vec<NodeIx>,
    settled: Vec<bool>,
    least: Vec<f64>,
    hops: Vec<usize>,
    known: Vec<bool>,
    cause: Vec<Option<EdgeIx>>,
}

/// Best derivations, largest share first; equal ones by fewer calls, then by key.
fn reach(graph: &Graph, failed: &[NodeIx], groups: &Groups) -> Reached {
    let count = graph.nodes().len();
    let mut reached = Reached {
        order: Vec::new(),
        settled: vec![false; count],
        least: vec![0.0; count],
        hops: vec![0; count],
        known: vec![true; count],
        cause: vec![None; count],
    };
    let mut missing: Vec<usize> = groups.members.iter().map(Vec::len).collect();
    let mut heap = BinaryHeap::new();
    // Bits of floats that are not negative are ordered as the floats are.
    for at in failed {
        heap.push((1.0_f64.to_bits(), Reverse(0), Reverse(*at), None, true));
    }
    while let Some((bits, Reverse(hops), Reverse(at), cause, known)) = heap.pop() {
        if std::mem::replace(&mut reached.settled[at.index()], true) {
            continue;
        }
        let least = f64::from_bits(bits);
        reached.order.push(at);
        reached.least[at.index()] = least;
        reached.hops[at.index()] = hops;
        reached.known[at.index()] = known;
        reached.cause[at.index()] = cause;
        for edge in graph.callers(at) {
            let value = graph.edge(edge);
            if !value.is_hard() || reached.settled[value.from.index()] {
                continue;
            }
            let share = match groups.group(edge) {
                None => value.share,
                Some(group) => {
                    missing[group] -= 1;
                    if missing[group] > 0 {
                        continue;
                    }
                    // The last to be settled is the smallest.
                    groups.share(graph, group)
                }
            };
            let known = known && !value.assumed && share.is_some();
            let lost = least * share.unwrap_or(1.0);
            heap.push((lost.to_bits(), Reverse(hops + 1), Reverse(value.from), Some(edge), known));
        }
    }
    reached
}

/// The upper bound for every node that was reached.
fn most_lost(graph: &Graph, failed: &[NodeIx], groups: &Groups, reached: &Reached) -> Vec<f64> {
    let mut most = vec![0.0; graph.nodes().len()];
    failed.iter().for_each(|at| most[at.index()] = 1.0);
    let sum = |at: NodeIx, most: &[f64]| -> f64 {
        let mut total: f64 = 0.0;
        for edge in graph.calls(at) {
            let value = graph.edge(edge);
            if !value.is_hard() || value.to == at {
                continue;
            }
            total += match groups.group(edge) {
                None => value.share.unwrap_or(1.0) * most[value.to.index()],
                // Counted once, at the first of its members.
                Some(group) if groups.members(group).first() == Some(&edge) => {
                    let members = groups.members(group).iter();
                    let smallest = members.map(|edge| most[graph.edge(*edge).to.index()]);
                    groups.share(graph, group).unwrap_or(1.0) * smallest.fold(1.0, f64::min)
                }
                Some(_) => 0.0,
            };
        }
        total.min(1.0)
    };
    let open = |at: &NodeIx| reached.settled[at.index()] && reached.cause[at.index()].is_some();
    let settled = |at: NodeIx| reached.settled[at.index()];
    let within = |edge: &Edge| edge.is_hard() && settled(edge.from) && settled(edge.to);
    for ring in callees_first(graph, within) {
        let ring: Vec<NodeIx> = ring.into_iter().filter(open).collect();
        let still = (0..ROUNDS).any(|_| {
            let mut change: f64 = 0.0;
            for at in &ring {
                let new = sum(*at, &most);
                change = change.max(new - most[at.index()]);
                most[at.index()] = new;
            }
            ring.len() < 2 || change < STILL
        });
        if !still {
            ring.iter().for_each(|at| most[at.index()] = 1.0);
        }
    }
    most
}

/// What is tied to the failed and hit ones by anything else; its causes are added to theirs.
fn degrade(graph: &Graph, reached: &mut Reached) -> Vec<Degraded> {
    let mut queue: VecDeque<NodeIx> = reached.order.iter().copied().collect();
    let mut found = Vec::new();
    while let Some(at) = queue.pop_front() {
        for edge in graph.callers(at) {
            let caller = graph.edge(edge).from;
            if std::mem::replace(&mut reached.settled[caller.index()], true) {
                continue;
            }
            let hops = reached.hops[at.index()] + 1;
            reached.hops[caller.index()] = hops;
            reached.cause[caller.index()] = Some(edge);
            found.push(Degraded { node: caller, hops });
            queue.push_back(caller);
        }
    }
    found.sort_by_key(|degraded| (degraded.hops, degraded.node));
    found
}

/// Services that still work but whose every caller is wholly down, or idle itself.
fn idle(graph: &Graph, lost: &[Lost]) -> Vec<NodeIx> {
    let down = |at: NodeIx| lost[at.index()].least >= 1.0;
    let mut left: Vec<usize> = graph
        .node_indices()
        .map(|at| graph.callers(at).filter(|e| graph.edge(*e).from != at).count())
        .collect();
    let mut idle = Vec::new();
    let mut queue: Vec<NodeIx> = graph.node_indices().filter(|at| down(*at)).collect();
    while let Some(at) = queue.pop() {
        for edge in graph.calls(at) {
            let callee = graph.edge(edge).to;
            if callee == at {
                continue;
            }
            left[callee.index()] -= 1;
            if left[callee.index()] == 0 && !down(callee) {
                idle.push(callee);
                queue.push(callee);
            }
        }
    }
    idle.sort_unstable();
    idle
}

/// Share of what comes in from outside.
fn of_all(graph: &Graph, lost: &[Lost]) -> Option<Lost> {
    let (mut all, mut least, mut most) = (0.0, 0.0, 0.0);
    for at in graph.node_indices() {
        if graph.callers(at).any(|edge| graph.edge(edge).from != at) {
            continue;
        }
        let traffic = graph.node(at).traffic?;
        all += traffic;
        least += traffic * lost[at.index()].least;
        most += traffic * lost[at.index()].most;
    }
    (all > 0.0).then(|| Lost { least: least / all, most: most / all })
}

fn stand_ins(graph: &Graph, failed: &[NodeIx]) -> Vec<(NodeIx, Vec<NodeIx>)> {
    let elsewhere = |at: &NodeIx| {
        let others = graph.of_service(&graph.node(*at).key.service);
        let others: Vec<_> = others.filter(|other| failed.binary_search(other).is_err()).collect();
        (!others.is_empty()).then_some((*at, others))
    };
    failed.iter().filter_map(elsewhere).collect()
}

#[cfg(test)]
#[path = "blast_tests.rs"]
mod tests;
