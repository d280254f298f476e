//! Small graphs for tests, written as `web→shop shop~>cache shop→?db1`.
//!
//! `→` is a hard edge, `~>` a soft one, `→?` a hard one that stands in for the caller's other such.

use proptest::prelude::*;

use crate::domain::{
    EdgeOrigin, Graph, Hardness, Node, NodeIx, NodeKey, ServiceId, Sighting, SiteId, Timestamp,
};

pub(crate) fn key(name: &str) -> NodeKey {
    let (service, site) = name.split_once('@').unwrap_or((name, ""));
    NodeKey::at(ServiceId::new(service), SiteId::new(site))
}

/// A graph from words; a word without an arrow is a lone node. `0.25` after a colon is a share.
pub(crate) fn graph(text: &str) -> Graph {
    let mut nodes = Vec::new();
    let mut sightings = Vec::new();
    for word in text.split_whitespace() {
        let (word, share) = word.split_once(':').map_or((word, None), |(w, s)| (w, s.parse().ok()));
        let kinds = [("→?", Hardness::Hard), ("→", Hardness::Hard), ("~>", Hardness::Soft)];
        let edge = kinds.iter().find_map(|(arrow, hard)| {
            word.split_once(arrow).map(|(from, to)| (from, to, *arrow, *hard))
        });
        let Some((from, to, arrow, hardness)) = edge else {
            nodes.push(Node { key: key(word), ..Node::default() });
            continue;
        };
        let base = Sighting::new(
            key(from),
            key(to),
            EdgeOrigin::Catalog,
            Timestamp::from_millis(1_795_345_055_081),
        );
        let any_of = (arrow == "→?").then_some(1);
        sightings.push(Sighting { hardness: Some(hardness), share, any_of, ..base });
    }
    Graph::build(nodes, &sightings)
}

pub(crate) fn node(graph: &Graph, name: &str) -> NodeIx {
    graph.find(&key(name)).expect("the sample has it")
}

pub(crate) fn names(graph: &Graph, nodes: &[NodeIx]) -> String {
    let labels: Vec<_> = nodes.iter().map(|at| graph.node(*at).key.label().to_string()).collect();
    labels.join(" ")
}

/// Words of a graph of up to so many nodes, cycles and self-edges included.
pub(crate) fn some_edges(nodes: usize) -> impl Strategy<Value = String> {
    let edge = (0..nodes, 0..nodes, 0..4usize)
        .prop_map(|(a, b, kind)| format!("n{a:02}{}n{b:02}", ["→", "→", "~>", "→?"][kind]));
    proptest::collection::vec(edge, 0..nodes * 3).prop_map(|words| words.join(" "))
}
