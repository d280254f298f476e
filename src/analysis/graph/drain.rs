//! A drain: the traffic of some services is moved elsewhere, and they end what they have begun.
//!
//! A failure or a cut takes everything down that cannot do without the failed; a drain takes down only
//! what has nowhere else to go. A call to a drained service goes
//!
//! 1. to the same service at its other sites, in proportion to what each takes now (evenly where that is
//!    not known);
//! 2. else to those of the caller's edges that stand in for it, likewise by calls;
//! 3. else nowhere: to its caller the drained service is as good as failed ([`super::blast()`]).
//!
//! What takes over gets `rate` more requests per second, which is `times = (traffic + rate) / traffic`
//! of what it takes now. O((nodes + edges) · log nodes).

use std::collections::{BTreeMap, BTreeSet};

use super::{Blast, blast};
use crate::domain::{Graph, NodeIx};

/// What takes over from a drained service.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TakesOver {
    /// Which.
    pub node: NodeIx,
    /// How much more it gets, requests per second; `None` when not known.
    pub rate: Option<f64>,
    /// What its load is multiplied by; `None` when not known.
    pub times: Option<f64>,
}

/// What a drain does.
#[derive(Debug, Clone, PartialEq)]
pub struct Drain {
    /// What takes over, by key.
    pub takes_over: Vec<TakesOver>,
    /// What has nowhere else to go, and fails or degrades with it.
    pub stranded: Blast,
    /// The calls that stay, to which the paths of `stranded` belong.
    pub left: Graph,
}

/// What moves where.
#[derive(Default)]
struct Moves {
    to: BTreeMap<NodeIx, Option<f64>>,
    /// Calls that are made elsewhere from now on.
    calls: BTreeSet<(NodeIx, NodeIx)>,
}

impl Moves {
    /// Spreads a rate by weights; evenly when one of them is not known.
    fn spread(&mut self, rate: Option<f64>, over: &[(NodeIx, Option<f64>)]) {
        let weights: Option<Vec<f64>> = over.iter().map(|(_, weight)| *weight).collect();
        let weights = weights.filter(|weights| weights.iter().sum::<f64>() > 0.0);
        let weights = weights.unwrap_or_else(|| vec![1.0; over.len()]);
        let sum: f64 = weights.iter().sum();
        for ((node, _), weight) in over.iter().zip(weights) {
            let more = rate.map(|rate| rate * weight / sum);
            let known = self.to.entry(*node).or_insert(Some(0.0));
            *known = known.zip(more).map(|(known, more)| known + more);
        }
    }
}

/// What the drain of some services does.
pub fn drain(graph: &Graph, drained: &[NodeIx]) -> Drain {
    let drained: BTreeSet<NodeIx> = drained.iter().copied().collect();
    let mut moves = Moves::default();
    let mut alone = Vec::new();
    for at in &drained {
        let others = graph.of_service(&graph.node(*at).key.service);
        let others: Vec<_> = others
            .filter(|other| !drained.contains(other))
            .map(|other| (other, graph.traffic(other)))
            .collect();
        if !others.is_empty() {
            moves.spread(graph.traffic(*at), &others);
            continue;
        }
        alone.push(*at);
        for edge in graph.callers(*at).map(|edge| graph.edge(edge)) {
            let stands_in = |other: &&crate::domain::Edge| {
                edge.any_of.is_some() && other.any_of == edge.any_of && !drained.contains(&other.to)
            };
            let calls = graph.calls(edge.from).map(|other| graph.edge(other));
            let others: Vec<_> =
                calls.filter(stands_in).map(|other| (other.to, other.calls)).collect();
            if !others.is_empty() {
                moves.spread(edge.calls, &others);
                moves.calls.insert((edge.from, edge.to));
            }
        }
    }
    let left = graph.with_edges(|edge| !moves.calls.contains(&(edge.from, edge.to)));
    let takes_over = moves.to.into_iter().map(|(node, rate)| {
        let now = graph.traffic(node).filter(|now| *now > 0.0);
        let times = now.zip(rate).map(|(now, rate)| (now + rate) / now);
        TakesOver { node, rate, times }
    });
    Drain { takes_over: takes_over.collect(), stranded: blast(&left, &alone), left }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    use super::super::samples::{graph, key, names, node, some_edges};
    use super::*;
    use crate::domain::{EdgeOrigin, Hardness, Sighting, Timestamp};

    fn told(graph: &Graph, of: &str) -> (String, String, String) {
        let found = drain(graph, &[node(graph, of)]);
        let hit: Vec<_> = found.stranded.hit.iter().map(|hit| hit.node).collect();
        let soft: Vec<_> = found.stranded.degraded.iter().map(|one| one.node).collect();
        let to: Vec<_> = found.takes_over.iter().map(|one| one.node).collect();
        (names(graph, &to), names(graph, &hit), names(graph, &soft))
    }

    #[test]
    fn what_has_somewhere_to_go_stays_up() {
        let shop = graph("web→shop shop→?psp1 shop→?psp2 till→psp1 ads~>psp1 psp1→bank");
        let all = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        // The shop pays elsewhere; the till can not, and the ads do without.
        assert_eq!(told(&shop, "psp1"), all("psp2", "till", "ads"));
        // Cut off, the shop is one call away from trouble, and said to be.
        let cut = blast(&shop, &[node(&shop, "psp1")]);
        let soft: Vec<_> = cut.degraded.iter().map(|one| one.node).collect();
        assert_eq!(names(&shop, &soft), "ads shop web");
        let both = [node(&shop, "psp1"), node(&shop, "psp2")];
        let both = drain(&shop, &both);
        assert_eq!(both.takes_over, []);
        let hit: Vec<_> = both.stranded.hit.iter().map(|hit| hit.node).collect();
        assert_eq!(names(&shop, &hit), "shop till web");
    }

    #[test]
    fn another_site_takes_all_of_it() {
        let at = Timestamp::from_millis(1_795_345_055_081);
        let call = |from: &str, to: &str, calls| Sighting {
            hardness: Some(Hardness::Hard),
            calls: Some(calls),
            ..Sighting::new(key(from), key(to), EdgeOrigin::Metrics, at)
        };
        let calls = [
            call("web@eu", "cart@eu", 30.0),
            call("web@us", "cart@us", 10.0),
            call("web@ap", "cart@ap", 20.0),
        ];
        let shop = Graph::build([], &calls);
        let found = drain(&shop, &[node(&shop, "cart@eu")]);
        let [ap, us] = &found.takes_over[..] else { panic!("{:?}", found.takes_over) };
        assert_eq!((ap.rate, ap.times), (Some(20.0), Some(2.0)));
        assert_eq!((us.rate, us.times), (Some(10.0), Some(2.0)));
        assert_eq!((found.stranded.hit.len(), found.stranded.failed.len()), (0, 0));
        assert_eq!(blast(&shop, &[node(&shop, "cart@eu")]).hit.len(), 1, "a cut is another thing");
    }

    #[test]
    fn a_rate_nobody_knows_is_not_made_up() {
        let shop = graph("shop→?psp1 shop→?psp2");
        let found = drain(&shop, &[node(&shop, "psp1")]);
        assert_eq!((found.takes_over[0].rate, found.takes_over[0].times), (None, None));
    }

    proptest! {
        #[test]
        fn a_drain_takes_down_no_more_than_a_cut(edges in some_edges(7), pick in 0..7usize) {
            let graph = graph(&edges);
            let Some(at) = graph.node_indices().nth(pick) else { return Ok(()) };
            let (cut, moved) = (blast(&graph, &[at]), drain(&graph, &[at]));
            let of = |blast: &Blast| {
                let nodes = blast.hit.iter().map(|hit| hit.node);
                nodes.collect::<BTreeSet<_>>()
            };
            prop_assert!(of(&moved.stranded).is_subset(&of(&cut)));
            for hit in &moved.stranded.hit {
                let path = moved.stranded.path(&moved.left, hit.node);
                prop_assert_eq!((path.first(), path.last()), (Some(&hit.node), Some(&at)));
            }
            let more: Option<f64> = moved.takes_over.iter().map(|one| one.rate).sum();
            prop_assert!(more.is_none_or(|more| more.is_finite() && more >= 0.0));
        }
    }
}
