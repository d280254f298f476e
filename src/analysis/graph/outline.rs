//! The graph as an indented list, for 80 columns and for screen readers.

use std::collections::HashSet;

use super::order::callees_first;
use super::queries::Way;
use crate::domain::{EdgeIx, Graph, NodeIx};

/// Which way the list goes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Walk {
    /// Below each service what it calls.
    #[default]
    Callees,
    /// Below each service what calls it.
    Callers,
}

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutlineRow {
    /// The service.
    pub node: NodeIx,
    /// How far it is indented.
    pub depth: usize,
    /// The edge to the row above it that is one less deep; none for those at the edge of the list.
    pub edge: Option<EdgeIx>,
    /// What is below it stands further up ("see above"), so it is not repeated here.
    pub seen_above: bool,
    /// It is one of those above it that it hangs from: a ring closes here.
    pub closes_ring: bool,
    /// Nothing of the same depth follows below the same row.
    pub last: bool,
}

/// The list, and what it does not reach.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outline {
    /// Rows from top to bottom.
    pub rows: Vec<OutlineRow>,
}

/// Lists what hangs from some services; of none, the whole graph from where requests come in. What is
/// below a service is listed once, where it comes first; each edge is one row. O(nodes + edges).
pub fn outline(graph: &Graph, from: &[NodeIx], walk: Walk) -> Outline {
    let way = match walk {
        Walk::Callees => Way::Down,
        Walk::Callers => Way::Up,
    };
    let tops = if from.is_empty() { tops(graph, walk) } else { from.to_vec() };
    let mut rows = Vec::new();
    let mut expanded: HashSet<NodeIx> = HashSet::new();
    let mut above: HashSet<NodeIx> = HashSet::new();
    // Rows to come, deepest last; `None` ends what hangs from a node.
    let mut open: Vec<Result<OutlineRow, NodeIx>> = Vec::new();
    for (i, top) in tops.iter().enumerate() {
        let last = i + 1 == tops.len();
        if from.is_empty() && expanded.contains(top) {
            continue;
        }
        open.push(Ok(row(*top, 0, None, last)));
        while let Some(next) = open.pop() {
            let mut row = match next {
                Ok(row) => row,
                Err(end) => {
                    above.remove(&end);
                    continue;
                }
            };
            row.closes_ring = above.contains(&row.node);
            let mut below: Vec<_> = way.of(graph, row.node).collect();
            if !expanded.insert(row.node) {
                row.seen_above = !below.is_empty();
                rows.push(row);
                continue;
            }
            rows.push(row);
            above.insert(row.node);
            open.push(Err(row.node));
            below.reverse();
            for (i, (edge, node)) in below.into_iter().enumerate() {
                open.push(Ok(self::row(node, row.depth + 1, Some(edge), i == 0)));
            }
        }
    }
    Outline { rows }
}

const fn row(node: NodeIx, depth: usize, edge: Option<EdgeIx>, last: bool) -> OutlineRow {
    OutlineRow { node, depth, edge, seen_above: false, closes_ring: false, last }
}

/// Where nothing comes from further up: the first of each ring or single service that none outside it
/// leads to.
fn tops(graph: &Graph, walk: Walk) -> Vec<NodeIx> {
    let rings = callees_first(graph, |_| true);
    let mut ring_of = vec![0; graph.nodes().len()];
    for (number, ring) in rings.iter().enumerate() {
        ring.iter().for_each(|at| ring_of[at.index()] = number);
    }
    let mut led_to = vec![false; rings.len()];
    for edge in graph.edges() {
        let (from, to) = (ring_of[edge.from.index()], ring_of[edge.to.index()]);
        if from != to {
            led_to[if walk == Walk::Callees { to } else { from }] = true;
        }
    }
    let free = rings.iter().zip(led_to).filter(|(_, led_to)| !led_to);
    let mut tops: Vec<NodeIx> = free.filter_map(|(ring, _)| ring.iter().min().copied()).collect();
    tops.sort_unstable();
    tops
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{graph, names, node, some_edges};
    use super::*;

    fn drawn(graph: &Graph, from: &[NodeIx], walk: Walk) -> String {
        let line = |row: &OutlineRow| {
            let mark = match (row.closes_ring, row.seen_above) {
                (true, _) => " ↺",
                (_, true) => " see above",
                _ => "",
            };
            format!("{}{}{mark}\n", "  ".repeat(row.depth), names(graph, &[row.node]))
        };
        outline(graph, from, walk).rows.iter().map(line).collect()
    }

    #[test]
    fn each_service_is_opened_once_and_rings_end() {
        let shop =
            graph("web→shop app→shop shop→cart shop→pay cart→db pay→db db→log log→db x→y y→x");
        assert_eq!(
            drawn(&shop, &[], Walk::Callees),
            "app\n  shop\n    cart\n      db\n        log\n          db ↺\n    pay\n      db see above\n\
             web\n  shop see above\nx\n  y\n    x ↺\n"
        );
        let db = [node(&shop, "pay")];
        assert_eq!(drawn(&shop, &db, Walk::Callers), "pay\n  shop\n    app\n    web\n");
    }

    proptest! {
        #[test]
        fn every_service_and_every_edge_is_in_the_list_once(edges in some_edges(8)) {
            let graph = graph(&edges);
            for walk in [Walk::Callees, Walk::Callers] {
                let list = outline(&graph, &[], walk);
                let mut opened: Vec<NodeIx> = list.rows.iter()
                    .filter(|row| !row.seen_above && !row.closes_ring).map(|row| row.node).collect();
                opened.sort_unstable();
                opened.dedup();
                prop_assert_eq!(opened, graph.node_indices().collect::<Vec<_>>());
                let mut edges: Vec<_> = list.rows.iter().filter_map(|row| row.edge).collect();
                edges.sort_unstable();
                prop_assert_eq!(edges, (0..graph.edges().len()).map(EdgeIx::new).collect::<Vec<_>>());
                for pair in list.rows.windows(2) {
                    prop_assert!(pair[1].depth <= pair[0].depth + 1);
                }
            }
        }
    }
}
