//! Strongly connected components of a graph, in the order that lets results flow from callee to caller.

use petgraph::algo::kosaraju_scc;
use petgraph::graph::DiGraph;

use crate::domain::{Edge, Graph, NodeIx};

/// Groups of nodes that call each other in a ring (most are one node alone), each after all it calls,
/// along the edges that are wanted. Kosaraju's algorithm: O(nodes + edges), without recursion.
pub(super) fn callees_first(graph: &Graph, wanted: impl Fn(&Edge) -> bool) -> Vec<Vec<NodeIx>> {
    let edges = graph.edges().iter().filter(|edge| wanted(edge));
    components(graph.nodes().len(), edges.map(|edge| (edge.from.index(), edge.to.index())))
        .into_iter()
        .map(|ring| ring.into_iter().map(NodeIx::new).collect())
        .collect()
}

/// The same over plain numbers below `count`.
pub(super) fn components(
    count: usize,
    edges: impl Iterator<Item = (usize, usize)>,
) -> Vec<Vec<usize>> {
    let mut plain: DiGraph<(), (), usize> = DiGraph::with_capacity(count, edges.size_hint().0);
    (0..count).for_each(|_| {
        plain.add_node(());
    });
    edges.for_each(|(from, to)| {
        plain.add_edge(from.into(), to.into(), ());
    });
    let rings = kosaraju_scc(&plain);
    rings.into_iter().map(|ring| ring.into_iter().map(|at| at.index()).collect()).collect()
}
