//! The map's graph: who calls whom, merged from what is declared and what is seen.
//!
//! A node is a service at a site, so that one name at two sites is two nodes. Edges go from the caller
//! to the callee and keep where each is known from and when it was last seen there. Cycles, self-edges
//! and services that nobody declared are all part of the world and stay in the graph.

mod merge;

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use self::merge::{derive_shares, known_sites, merge_edge, merge_node, place, sane, sites_of};
use super::{SafeText, ServiceId, SiteId, Timestamp};

/// A service at a site: what stays the same from one graph to the next.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct NodeKey {
    /// The service.
    pub service: ServiceId,
    /// Where it is; empty when nobody says.
    pub site: SiteId,
}

impl NodeKey {
    /// A service at no site in particular.
    pub fn anywhere(service: ServiceId) -> Self {
        Self { service, site: SiteId::default() }
    }

    /// A service at a site.
    pub const fn at(service: ServiceId, site: SiteId) -> Self {
        Self { service, site }
    }

    /// The service, and its site when it has one: `checkout`, `checkout@eu`.
    pub fn label(&self) -> SafeText {
        match self.site.as_str() {
            "" => self.service.text().clone(),
            site => SafeText::new(&format!("{}@{site}", self.service)),
        }
    }
}

/// A node by its place in one graph. Another graph has other places: keep a [`NodeKey`] instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeIx(u32);

impl NodeIx {
    /// As an index of a table with one row per node.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn new(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }
}

/// An edge by its place in one graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct EdgeIx(u32);

impl EdgeIx {
    /// As an index of a table with one row per edge.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn new(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }
}

/// What is known of a service on the map.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Node {
    /// Which service, where.
    pub key: NodeKey,
    /// Whether a catalog names it; else it was only seen.
    pub declared: bool,
    /// Owning team or person; empty when nobody is named.
    pub team: SafeText,
    /// 1 is the most important; `None` when not declared.
    pub tier: Option<u8>,
    /// How many of it run, any of which can do the work; `None` when nobody says.
    pub replicas: Option<u16>,
    /// Requests per second it takes; `None` when not known.
    pub traffic: Option<f64>,
}

/// Whether the caller fails with the callee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Hardness {
    /// It degrades.
    Soft,
    /// It fails.
    Hard,
}

/// Where an edge can be known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EdgeOrigin {
    /// Our catalog.
    Catalog,
    /// Relations of a Backstage catalog.
    Backstage,
    /// Labels of metrics.
    Metrics,
    /// Traces.
    Traces,
}

impl EdgeOrigin {
    /// All, declared ones first.
    pub const ALL: [Self; 4] = [Self::Catalog, Self::Backstage, Self::Metrics, Self::Traces];

    /// As shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::Backstage => "backstage",
            Self::Metrics => "metrics",
            Self::Traces => "traces",
        }
    }

    /// Whether somebody wrote it down, rather than it having been seen.
    pub const fn is_declared(self) -> bool {
        matches!(self, Self::Catalog | Self::Backstage)
    }
}

/// The origins of an edge, each with when it was last seen there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Origins([Option<Timestamp>; 4]);

impl Origins {
    /// Takes in that an origin had it at a time; an older time changes nothing.
    pub fn add(&mut self, origin: EdgeOrigin, seen: Timestamp) {
        let slot = &mut self.0[origin as usize];
        *slot = Some(slot.map_or(seen, |known| known.max(seen)));
    }

    /// When an origin last had it.
    pub const fn seen(&self, origin: EdgeOrigin) -> Option<Timestamp> {
        self.0[origin as usize]
    }

    /// Those that have it, declared ones first.
    pub fn iter(&self) -> impl Iterator<Item = (EdgeOrigin, Timestamp)> + '_ {
        EdgeOrigin::ALL.into_iter().filter_map(|origin| Some((origin, self.seen(origin)?)))
    }

    /// When any of them last had it.
    pub fn last_seen(&self) -> Option<Timestamp> {
        self.0.iter().flatten().max().copied()
    }

    /// Whether what is written down and what is seen agree.
    pub fn agreement(&self) -> Agreement {
        let has = |declared: bool| self.iter().any(|(origin, _)| origin.is_declared() == declared);
        match (has(true), has(false)) {
            (true, true) => Agreement::Both,
            (true, false) => Agreement::DeclaredOnly,
            (false, _) => Agreement::ObservedOnly,
        }
    }
}

/// How what is declared compares with what is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Agreement {
    /// Written down and seen.
    Both,
    /// Written down, never seen.
    DeclaredOnly,
    /// Seen, written down nowhere.
    ObservedOnly,
}

/// One origin's word on one edge.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// The caller. Without a site it stands for the caller at every site where it is known.
    pub from: NodeKey,
    /// The callee. Without a site it is the one at the caller's site, if there is one.
    pub to: NodeKey,
    /// Who says so.
    pub origin: EdgeOrigin,
    /// When it was last seen there; for what is written down, when that was read.
    pub seen: Timestamp,
    /// Whether the caller fails with it; `None` when the origin cannot know.
    pub hardness: Option<Hardness>,
    /// Calls per second.
    pub calls: Option<f64>,
    /// Share of the caller's requests that need this call, 0 to 1.
    pub share: Option<f64>,
    /// A caller's edges with the same number stand in for each other: one of them is enough.
    pub any_of: Option<u32>,
}

impl Sighting {
    /// A sighting that says no more than that the edge is there.
    pub const fn new(from: NodeKey, to: NodeKey, origin: EdgeOrigin, seen: Timestamp) -> Self {
        let (hardness, calls, share, any_of) = (None, None, None, None);
        Self { from, to, origin, seen, hardness, calls, share, any_of }
    }
}

/// A call relation, from all its origins.
#[derive(Debug, Clone, PartialEq)]
pub struct Edge {
    /// The caller.
    pub from: NodeIx,
    /// The callee.
    pub to: NodeIx,
    /// Whether the caller fails with the callee.
    pub hardness: Hardness,
    /// Nobody said how hard it is, so the worse is taken.
    pub assumed: bool,
    /// Who has it, and when last.
    pub origins: Origins,
    /// Share of the caller's requests that need this call, 0 to 1; `None` when not known.
    pub share: Option<f64>,
    /// Calls per second; `None` when not known.
    pub calls: Option<f64>,
    /// The caller's edges with the same number stand in for each other.
    pub any_of: Option<u32>,
}

impl Edge {
    /// Whether the caller fails when the callee does.
    pub fn is_hard(&self) -> bool {
        self.hardness == Hardness::Hard
    }
}

/// Who calls whom. Nodes are ordered by key and edges by caller and callee, so that the same
/// sightings in any order make the same graph.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    /// Where the edges of each caller begin in `edges`; one more than nodes.
    out: Vec<u32>,
    /// Edges by callee, and where those of each begin.
    into: Vec<EdgeIx>,
    into_start: Vec<u32>,
}

impl Graph {
    /// Merges nodes and sightings. Services that are only mentioned become undeclared nodes; numbers
    /// that are negative or not finite count as not known; shares are cut to at most one.
    pub fn build(nodes: impl IntoIterator<Item = Node>, sightings: &[Sighting]) -> Self {
        let nodes: Vec<Node> = nodes.into_iter().collect();
        let sites = known_sites(&nodes, sightings);
        let mut table: BTreeMap<NodeKey, Node> = BTreeMap::new();
        for node in nodes {
            for site in sites_of(&node.key, &sites) {
                let key = NodeKey::at(node.key.service.clone(), site);
                merge_node(&mut table, Node { key, ..node.clone() });
            }
        }
        let mut placed = Vec::with_capacity(sightings.len());
        for (at, sighting) in sightings.iter().enumerate() {
            place(sighting, at, &sites, &mut placed);
        }
        for (from, to, ..) in &placed {
            for key in [from, to] {
                if !table.contains_key(key) {
                    table.insert(key.clone(), Node { key: key.clone(), ..Node::default() });
                }
            }
        }
        let nodes: Vec<Node> = table.into_values().map(sane).collect();
        let index: HashMap<&NodeKey, NodeIx> =
            nodes.iter().enumerate().map(|(i, node)| (&node.key, NodeIx::new(i))).collect();
        let mut found: Vec<(NodeIx, NodeIx, &Sighting, Option<u32>)> = placed
            .iter()
            .filter_map(|(from, to, sighting, any_of)| {
                Some((*index.get(from)?, *index.get(to)?, *sighting, *any_of))
            })
            .collect();
        found.sort_by_key(|(from, to, sighting, _)| (*from, *to, sighting.origin));
        let mut edges: Vec<Edge> =
            found.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).filter_map(merge_edge).collect();
        derive_shares(&nodes, &mut edges);
        Self::linked(nodes, edges)
    }

    /// With adjacency; `edges` are ordered.
    fn linked(nodes: Vec<Node>, edges: Vec<Edge>) -> Self {
        let mut out = vec![0; nodes.len() + 1];
        let mut into_start = vec![0; nodes.len() + 1];
        for edge in &edges {
            out[edge.from.index() + 1] += 1;
            into_start[edge.to.index() + 1] += 1;
        }
        for i in 0..nodes.len() {
            out[i + 1] += out[i];
            into_start[i + 1] += into_start[i];
        }
        let mut next = into_start.clone();
        let mut into = vec![EdgeIx(0); edges.len()];
        for (i, edge) in edges.iter().enumerate() {
            let slot = &mut next[edge.to.index()];
            into[*slot as usize] = EdgeIx::new(i);
            *slot += 1;
        }
        Self { nodes, edges, out, into, into_start }
    }

    /// All nodes, ordered by key.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// All edges, ordered by caller and callee.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Every node's place.
    pub fn node_indices(&self) -> impl DoubleEndedIterator<Item = NodeIx> + use<> {
        (0..self.nodes.len()).map(NodeIx::new)
    }

    /// A node of this graph.
    pub fn node(&self, at: NodeIx) -> &Node {
        &self.nodes[at.index()]
    }

    /// An edge of this graph.
    pub fn edge(&self, at: EdgeIx) -> &Edge {
        &self.edges[at.index()]
    }

    /// The node with this key.
    pub fn find(&self, key: &NodeKey) -> Option<NodeIx> {
        self.nodes.binary_search_by(|node| node.key.cmp(key)).ok().map(NodeIx::new)
    }

    /// The service at all its sites.
    pub fn of_service(&self, service: &ServiceId) -> impl Iterator<Item = NodeIx> + use<> {
        let first = self.nodes.partition_point(|node| node.key.service < *service);
        let after = self.nodes.partition_point(|node| node.key.service <= *service);
        (first..after).map(NodeIx::new)
    }

    /// The edge between two nodes.
    pub fn between(&self, from: NodeIx, to: NodeIx) -> Option<EdgeIx> {
        self.edges
            .binary_search_by_key(&(from, to), |edge| (edge.from, edge.to))
            .ok()
            .map(EdgeIx::new)
    }

    /// Edges to what a node calls, by callee.
    pub fn calls(&self, from: NodeIx) -> impl ExactSizeIterator<Item = EdgeIx> + use<> {
        (self.out[from.index()]..self.out[from.index() + 1]).map(EdgeIx)
    }

    /// Edges from what calls a node, by caller.
    pub fn callers(&self, to: NodeIx) -> impl ExactSizeIterator<Item = EdgeIx> + '_ {
        let (first, after) = (self.into_start[to.index()], self.into_start[to.index() + 1]);
        self.into[first as usize..after as usize].iter().copied()
    }

    /// Only these nodes, and the edges between them.
    pub fn induced(&self, keep: &[NodeIx]) -> Self {
        let mut kept = vec![false; self.nodes.len()];
        keep.iter().for_each(|at| kept[at.index()] = true);
        let mut new = vec![NodeIx(0); self.nodes.len()];
        let mut nodes = Vec::with_capacity(keep.len());
        for at in self.node_indices().filter(|at| kept[at.index()]) {
            new[at.index()] = NodeIx::new(nodes.len());
            nodes.push(self.node(at).clone());
        }
        let within = |edge: &&Edge| kept[edge.from.index()] && kept[edge.to.index()];
        let moved = |edge: &Edge| Edge {
            from: new[edge.from.index()],
            to: new[edge.to.index()],
            ..edge.clone()
        };
        Self::linked(nodes, self.edges.iter().filter(within).map(moved).collect())
    }

    /// All nodes, and only the edges that are wanted (fresh ones, hard ones, those of an origin).
    pub fn with_edges(&self, keep: impl Fn(&Edge) -> bool) -> Self {
        let edges = self.edges.iter().filter(|edge| keep(edge)).cloned().collect();
        Self::linked(self.nodes.clone(), edges)
    }

    /// Requests per second a node takes: as measured, else what its callers make when all of it is
    /// known; `None` when not known.
    pub fn traffic(&self, at: NodeIx) -> Option<f64> {
        self.node(at).traffic.or_else(|| {
            let mut calls = self.callers(at).map(|edge| self.edge(edge).calls).peekable();
            calls.peek()?;
            calls.sum()
        })
    }
}

#[cfg(test)]
mod tests;
