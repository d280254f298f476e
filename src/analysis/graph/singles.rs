//! Single points of failure, and limits that several services share.
//!
//! A node alone takes another down when every way of the other's working needs it:
//!
//! ```text
//! fatal(v) = {v}  ∪  fatal(c) for each hard callee c  ∪  ⋂ fatal(m) over the members m of each group
//!                                                          of callees that stand in for each other
//! ```
//!
//! the least solution, which is exact for one failure at a time, rings included. With no stand-ins
//! these are the nodes reached over hard edges; with them, the dominators of an and-or graph (Lengauer
//! and Tarjan's of a flow graph are the special case where every edge stands in for the others).
//! Sets are bits, solved for [`BLOCK`] candidates at a time: O(nodes / 64 · edges) for each round, and
//! a round more than the longest ring needs; memory O(nodes · BLOCK / 64).

use super::blast::{Blast, Groups, blast};
use super::order::callees_first;
use crate::domain::{EdgeIx, Graph, NodeIx, SafeText};

/// Candidates looked at together.
const BLOCK: usize = 4_096;

/// A node that takes others down alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinglePoint {
    /// Which.
    pub node: NodeIx,
    /// Whether more than one of it runs, so that losing one is not losing it: the whole service
    /// (a bad release, a full disk, its credentials) is still a single point.
    pub replicated: bool,
    /// How many services fail with it, itself not counted.
    pub takes: usize,
    /// Those of them that nobody calls: where requests come in.
    pub entries: Vec<NodeIx>,
}

/// Every node that takes at least one other down alone; what is not replicated first, then by how
/// many it takes.
pub fn single_points(graph: &Graph) -> Vec<SinglePoint> {
    let groups = Groups::of(graph);
    let rings = callees_first(graph, |edge| edge.is_hard());
    let mut points: Vec<SinglePoint> = graph
        .node_indices()
        .map(|node| SinglePoint {
            node,
            replicated: graph.node(node).replicas.is_some_and(|count| count > 1),
            takes: 0,
            entries: Vec::new(),
        })
        .collect();
    let entry: Vec<bool> = graph
        .node_indices()
        .map(|at| graph.callers(at).all(|edge| graph.edge(edge).from == at))
        .collect();
    for first in (0..points.len()).step_by(BLOCK) {
        let count = BLOCK.min(points.len() - first);
        let fatal = Fatal::solve(graph, &groups, &rings, first, count);
        for at in graph.node_indices() {
            for candidate in fatal.of(at).map(|bit| first + bit).filter(|c| *c != at.index()) {
                points[candidate].takes += 1;
                if entry[at.index()] {
                    points[candidate].entries.push(at);
                }
            }
        }
    }
    points.retain(|point| point.takes > 0);
    points.sort_by_key(|p| (p.replicated, std::cmp::Reverse(p.takes), p.node));
    points
}

/// For each node, which of a block of candidates take it down.
struct Fatal {
    words: usize,
    bits: Vec<u64>,
}

impl Fatal {
    fn solve(
        graph: &Graph,
        groups: &Groups,
        rings: &[Vec<NodeIx>],
        first: usize,
        count: usize,
    ) -> Self {
        let words = count.div_ceil(64);
        let mut fatal = Self { words, bits: vec![0; words * graph.nodes().len()] };
        let mut row = vec![0; words];
        let mut common = vec![0; words];
        for ring in rings {
            loop {
                let mut changed = false;
                for at in ring {
                    row.copy_from_slice(fatal.row(*at));
                    if let Some(bit) = at.index().checked_sub(first).filter(|bit| *bit < count) {
                        row[bit / 64] |= 1 << (bit % 64);
                    }
                    for edge in graph.calls(*at) {
                        fatal.add(graph, groups, edge, &mut row, &mut common);
                    }
                    changed |= row != fatal.row(*at);
                    let start = at.index() * words;
                    fatal.bits[start..start + words].copy_from_slice(&row);
                }
                if ring.len() < 2 || !changed {
                    break;
                }
            }
        }
        fatal
    }

    fn row(&self, at: NodeIx) -> &[u64] {
        &self.bits[at.index() * self.words..][..self.words]
    }

    /// What an edge's callee, or its whole group, adds to the caller's row.
    fn add(
        &self,
        graph: &Graph,
        groups: &Groups,
        edge: EdgeIx,
        row: &mut [u64],
        common: &mut [u64],
    ) {
        let value = graph.edge(edge);
        if !value.is_hard() {
            return;
        }
        let Some(group) = groups.group(edge) else {
            row.iter_mut().zip(self.row(value.to)).for_each(|(own, callee)| *own |= callee);
            return;
        };
        let members = groups.members(group);
        if members.first() != Some(&edge) {
            return;
        }
        common.fill(u64::MAX);
        for member in members {
            let callee = self.row(graph.edge(*member).to);
            common.iter_mut().zip(callee).for_each(|(all, callee)| *all &= callee);
        }
        row.iter_mut().zip(common).for_each(|(own, all)| *own |= *all);
    }

    /// The candidates that take a node down.
    fn of(&self, at: NodeIx) -> impl Iterator<Item = usize> + '_ {
        self.row(at).iter().enumerate().flat_map(|(word, bits)| {
            let mut left = *bits;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(word * 64 + bit)
            })
        })
    }
}

/// Something that several services draw on (a connection pool, a quota).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Its name.
    pub name: SafeText,
    /// The service that fails when it runs out.
    pub service: NodeIx,
    /// Others that are said to draw on it.
    pub shared_by: Vec<NodeIx>,
}

/// A limit with what stands behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedLimit {
    /// Which.
    pub limit: Limit,
    /// Who draws on it: those that are said to, and the callers of its service; one of them alone can
    /// use it up for all others.
    pub drawn_by: Vec<NodeIx>,
    /// What its running out takes down: the service and those said to draw on it fail.
    pub blast: Blast,
}

/// Limits that two or more services draw on, those first that take the most down.
pub fn shared_limits(graph: &Graph, limits: &[Limit]) -> Vec<SharedLimit> {
    let mut shared: Vec<SharedLimit> = limits
        .iter()
        .filter_map(|limit| {
            let callers = graph.callers(limit.service).map(|edge| graph.edge(edge).from);
            let mut drawn_by: Vec<NodeIx> = callers
                .filter(|caller| *caller != limit.service)
                .chain(limit.shared_by.iter().copied())
                .collect();
            drawn_by.sort_unstable();
            drawn_by.dedup();
            if drawn_by.len() < 2 {
                return None;
            }
            let failed: Vec<NodeIx> =
                limit.shared_by.iter().copied().chain([limit.service]).collect();
            Some(SharedLimit { limit: limit.clone(), drawn_by, blast: blast(graph, &failed) })
        })
        .collect();
    shared.sort_by_key(|limit| std::cmp::Reverse(limit.blast.hit.len()));
    shared
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{graph, key, names, node, some_edges};
    use super::*;
    use crate::domain::Node;

    #[test]
    fn what_has_a_stand_in_is_no_single_point_but_what_both_need_is() {
        let shop = graph("web→shop shop→?db1 shop→?db2 db1→disk db2→disk shop~>cache");
        let points = single_points(&shop);
        let told: Vec<_> = points
            .iter()
            .map(|p| (names(&shop, &[p.node]), p.takes, names(&shop, &p.entries)))
            .collect();
        let web = || "web".to_owned();
        assert_eq!(told, [("disk".into(), 4, web()), ("shop".into(), 1, web())]);
    }

    #[test]
    fn replicas_come_after_what_runs_once() {
        let db = Node { key: key("db"), replicas: Some(3), ..Node::default() };
        let base = graph("a→db b→db a→key");
        let nodes: Vec<Node> =
            base.nodes().iter().filter(|node| node.key != db.key).cloned().collect();
        let at = crate::domain::Timestamp::from_millis(0);
        let edges: Vec<_> = base
            .edges()
            .iter()
            .map(|edge| {
                let key = |at| base.node(at).key.clone();
                let origin = crate::domain::EdgeOrigin::Catalog;
                crate::domain::Sighting::new(key(edge.from), key(edge.to), origin, at)
            })
            .collect();
        let shop = Graph::build(nodes.into_iter().chain([db]), &edges);
        let told: Vec<_> = single_points(&shop)
            .iter()
            .map(|p| (names(&shop, &[p.node]), p.replicated, p.takes))
            .collect();
        assert_eq!(told, [("key".into(), false, 1), ("db".into(), true, 2)]);
    }

    #[test]
    fn a_pool_that_two_draw_on_is_shared_and_one_that_one_uses_is_not() {
        let shop = graph("web→shop shop→db mail→db shop→pay batch");
        let limit = |name: &str, service, shared_by: &[&str]| Limit {
            name: name.into(),
            service: node(&shop, service),
            shared_by: shared_by.iter().map(|name| node(&shop, name)).collect(),
        };
        let limits = [limit("psp quota", "pay", &[]), limit("db connections", "db", &["batch"])];
        let shared = shared_limits(&shop, &limits);
        assert_eq!(shared.len(), 1);
        assert_eq!(shared[0].limit.name.as_str(), "db connections");
        assert_eq!(names(&shop, &shared[0].drawn_by), "batch mail shop");
        let hit: Vec<_> = shared[0].blast.hit.iter().map(|hit| hit.node).collect();
        assert_eq!(names(&shop, &hit), "mail shop web");
    }

    proptest! {
        #[test]
        fn they_are_what_failing_each_alone_finds(edges in some_edges(9)) {
            let graph = graph(&edges);
            let points = single_points(&graph);
            for at in graph.node_indices() {
                let hit = blast(&graph, &[at]).hit.len();
                let takes = points.iter().find(|point| point.node == at).map_or(0, |p| p.takes);
                prop_assert_eq!(takes, hit, "{}", names(&graph, &[at]));
            }
        }
    }
}
