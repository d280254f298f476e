//! What to look at: filter first, then draw.
//!
//! Every query gives nodes of the graph it was asked of, ordered by key; [`Graph::induced`] makes the
//! graph of them. All are breadth-first searches: O(nodes + edges).

use std::collections::VecDeque;

use super::Walk;
use crate::domain::{EdgeIx, Graph, Node, NodeIx};

/// Which way to walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To what a node calls.
    Down,
    /// To what calls it.
    Up,
}

impl Way {
    /// The neighbours of a node this way, with the edge to each.
    pub(super) fn of(self, graph: &Graph, at: NodeIx) -> impl Iterator<Item = (EdgeIx, NodeIx)> {
        let (down, up) = match self {
            Self::Down => (Some(graph.calls(at).map(|edge| (edge, graph.edge(edge).to))), None),
            Self::Up => (None, Some(graph.callers(at).map(|edge| (edge, graph.edge(edge).from)))),
        };
        down.into_iter().flatten().chain(up.into_iter().flatten())
    }
}

/// Nodes for which something holds: those of a team, at a site, of a tier.
pub fn selected(graph: &Graph, keep: impl Fn(&Node) -> bool) -> Vec<NodeIx> {
    graph.node_indices().filter(|at| keep(graph.node(*at))).collect()
}

/// What is within so many calls up (callers) and down (callees) of some nodes, themselves included.
pub fn neighbourhood(graph: &Graph, of: &[NodeIx], up: usize, down: usize) -> Vec<NodeIx> {
    let mut near = vec![false; graph.nodes().len()];
    for (way, hops) in [(Way::Up, up), (Way::Down, down)] {
        for (at, distance) in distances(graph, of, way, hops).into_iter().enumerate() {
            near[at] |= distance.is_some();
        }
    }
    graph.node_indices().filter(|at| near[at.index()]).collect()
}

/// A neighbourhood that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Around {
    /// The nodes.
    pub nodes: Vec<NodeIx>,
    /// How many calls up and down they reach.
    pub hops: usize,
    /// Whether there is nothing further away.
    pub complete: bool,
}

/// The widest neighbourhood of some nodes that has at most so many (but always one call each way).
pub fn around(graph: &Graph, of: &[NodeIx], most: usize) -> Around {
    let all = usize::MAX;
    let up = distances(graph, of, Way::Up, all);
    let down = distances(graph, of, Way::Down, all);
    let mut far: Vec<(usize, NodeIx)> = graph
        .node_indices()
        .filter_map(|at| match (up[at.index()], down[at.index()]) {
            (Some(up), Some(down)) => Some((up.min(down), at)),
            (up, down) => Some((up.or(down)?, at)),
        })
        .collect();
    far.sort_unstable();
    let within = |hops| far.partition_point(|(distance, _)| *distance <= hops);
    let furthest = far.last().map_or(0, |(distance, _)| *distance);
    let hops = (1..=furthest).rev().find(|hops| within(*hops) <= most).unwrap_or(1);
    let mut nodes: Vec<NodeIx> = far[..within(hops)].iter().map(|(_, at)| *at).collect();
    nodes.sort_unstable();
    Around { complete: nodes.len() == far.len(), nodes, hops }
}

/// What some nodes lead to, nearest first, with a shortest way to each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The nodes that are reached, those it was asked of left out.
    pub nodes: Vec<NodeIx>,
    /// How many of them are one call away.
    pub next: usize,
    /// For each of them, in the same order, the one before it.
    before: Vec<NodeIx>,
}

impl Reach {
    /// The shortest way to a reached node: the first step first, the node itself last.
    pub fn way(&self, to: NodeIx) -> Vec<NodeIx> {
        // The node it was asked of is not among those reached, so that it is no step of the way.
        let place = |at: NodeIx| self.nodes.iter().position(|node| *node == at);
        let before = |at: &usize| self.before.get(*at).and_then(|node| place(*node));
        let places = std::iter::successors(place(to), before);
        let mut way: Vec<NodeIx> =
            places.filter_map(|place| self.nodes.get(place).copied()).collect();
        way.reverse();
        way
    }
}

/// What is within so many calls of some nodes: callees below them, or callers above them.
///
/// Asked for each frame of the Bridge: what it keeps grows with what is reached, not with the graph.
pub fn reach(graph: &Graph, of: &[NodeIx], walk: Walk, hops: usize) -> Reach {
    let way = match walk {
        Walk::Callees => Way::Down,
        Walk::Callers => Way::Up,
    };
    let mut seen = vec![false; graph.nodes().len()];
    of.iter().for_each(|at| seen[at.index()] = true);
    let mut found = Reach { nodes: Vec::new(), next: 0, before: Vec::new() };
    let mut layer = 0..0;
    for hop in 0..hops {
        let begin = found.nodes.len();
        let from: Vec<NodeIx> = if hop == 0 { of.to_vec() } else { found.nodes[layer].to_vec() };
        for at in from {
            for (_, next) in way.of(graph, at) {
                if !std::mem::replace(&mut seen[next.index()], true) {
                    found.before.push(at);
                    found.nodes.push(next);
                }
            }
        }
        layer = begin..found.nodes.len();
        if hop == 0 {
            found.next = layer.len();
        }
    }
    found
}

/// How many calls each node is from the nearest of some, up to a limit.
fn distances(graph: &Graph, of: &[NodeIx], way: Way, most: usize) -> Vec<Option<usize>> {
    let mut distance = vec![None; graph.nodes().len()];
    let mut queue = VecDeque::new();
    for at in of {
        if distance[at.index()].replace(0).is_none() {
            queue.push_back((*at, 0));
        }
    }
    while let Some((at, hops)) = queue.pop_front() {
        if hops == most {
            continue;
        }
        for (_, next) in way.of(graph, at) {
            if distance[next.index()].is_none() {
                distance[next.index()] = Some(hops + 1);
                queue.push_back((next, hops + 1));
            }
        }
    }
    distance
}

/// The shortest ways from one service to another.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paths {
    /// Each from the first to the last node, in order of the nodes' keys; empty when there is none.
    pub paths: Vec<Vec<NodeIx>>,
    /// Whether there are more than were asked for.
    pub more: bool,
}

/// The shortest paths along calls, at most `most` of them.
pub fn shortest_paths(graph: &Graph, from: NodeIx, to: NodeIx, most: usize) -> Paths {
    let mut found = Paths::default();
    let to_go = distances(graph, &[to], Way::Up, usize::MAX);
    let Some(length) = to_go[from.index()] else { return found };
    // Each step goes one nearer, so that no walk is in vain and none is longer than the shortest.
    let mut path = vec![from];
    let nearer = |at: NodeIx, left: usize| {
        Way::Down.of(graph, at).filter(move |(_, next)| left == 0 || *next != at).map(|(_, n)| n)
    };
    let steps = |at: NodeIx, left: usize| -> Vec<NodeIx> {
        let wanted = left.checked_sub(1);
        nearer(at, left).filter(|next| wanted.is_some() && to_go[next.index()] == wanted).collect()
    };
    let mut open = vec![steps(from, length).into_iter()];
    if length == 0 {
        return Paths { paths: vec![path], more: false };
    }
    while let Some(step) = open.last_mut() {
        let Some(next) = step.next() else {
            open.pop();
            path.pop();
            continue;
        };
        if next == to {
            if found.paths.len() == most {
                found.more = true;
                break;
            }
            found.paths.push(path.iter().copied().chain([to]).collect());
            continue;
        }
        path.push(next);
        open.push(steps(next, length + 1 - path.len()).into_iter());
    }
    found
}

/// The unhealthy nodes and whatever lies on a way of at most `hops` calls from one of them to another.
pub fn unhealthy_and_between(graph: &Graph, unhealthy: &[NodeIx], hops: usize) -> Vec<NodeIx> {
    let from = nearest_two(graph, unhealthy, Way::Down, hops);
    let to = nearest_two(graph, unhealthy, Way::Up, hops);
    let joins = |at: &NodeIx| {
        from[at.index()].iter().flatten().any(|(above, up)| {
            let others = to[at.index()].iter().flatten();
            others.filter(|(below, _)| below != above).any(|(_, down)| up + down <= hops)
        })
    };
    let mut keep: Vec<NodeIx> =
        unhealthy.iter().copied().chain(graph.node_indices().filter(joins)).collect();
    keep.sort_unstable();
    keep.dedup();
    keep
}

/// The nearest two different ones of some nodes, seen from each node, with their distance. Two are
/// enough to tell whether a node lies between different ones.
fn nearest_two(
    graph: &Graph,
    of: &[NodeIx],
    way: Way,
    hops: usize,
) -> Vec<[Option<(NodeIx, usize)>; 2]> {
    let mut near = vec![[None; 2]; graph.nodes().len()];
    let mut queue: VecDeque<(NodeIx, NodeIx, usize)> = of.iter().map(|at| (*at, *at, 0)).collect();
    while let Some((at, source, distance)) = queue.pop_front() {
        let slots: &mut [Option<(NodeIx, usize)>; 2] = &mut near[at.index()];
        match slots {
            [Some((known, _)), _] if *known == source => continue,
            [first @ None, _] => *first = Some((source, distance)),
            [_, second @ None] => *second = Some((source, distance)),
            _ => continue,
        }
        if distance < hops {
            queue.extend(way.of(graph, at).map(|(_, next)| (next, source, distance + 1)));
        }
    }
    near
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::samples::{graph, names, node, some_edges};
    use super::*;

    #[test]
    fn a_neighbourhood_follows_calls_up_and_down_and_not_sideways() {
        let shop = graph("web→shop app→shop shop→cart cart→redis shop→pay pay→psp other→redis");
        let cart = [node(&shop, "cart")];
        assert_eq!(names(&shop, &neighbourhood(&shop, &cart, 0, 0)), "cart");
        assert_eq!(names(&shop, &neighbourhood(&shop, &cart, 1, 1)), "cart redis shop");
        assert_eq!(names(&shop, &neighbourhood(&shop, &cart, 2, 0)), "app cart shop web");
        let near = around(&shop, &cart, 3);
        assert_eq!((names(&shop, &near.nodes).as_str(), near.hops), ("cart redis shop", 1));
        assert!(!near.complete);
        let whole = around(&shop, &cart, 99);
        assert_eq!(names(&shop, &whole.nodes), "app cart redis shop web");
        assert!(whole.complete);
    }

    #[test]
    fn what_is_reached_comes_nearest_first_with_its_way() {
        let shop = graph("web→shop shop→cart cart→redis shop→pay pay→redis redis→shop shop→shop");
        let told = |walk, hops| {
            let found = reach(&shop, &[node(&shop, "shop")], walk, hops);
            let ways = found.nodes.iter().map(|at| names(&shop, &found.way(*at)));
            (ways.collect::<Vec<_>>(), found.next)
        };
        let all = ["cart", "pay", "cart redis"].map(str::to_owned).to_vec();
        assert_eq!(told(Walk::Callees, 9), (all.clone(), 2));
        assert_eq!(told(Walk::Callees, 1), (all[..2].to_vec(), 2));
        assert_eq!(told(Walk::Callees, 0), (Vec::new(), 0));
        let up = ["redis", "web", "redis cart", "redis pay"].map(str::to_owned).to_vec();
        assert_eq!(told(Walk::Callers, 2), (up, 2));
    }

    #[test]
    fn the_shortest_paths_are_all_found_and_counted() {
        let maze = graph("a→b a→c b→d c→d d→e a→x x→y y→e e→a b→b");
        let (from, to) = (node(&maze, "a"), node(&maze, "e"));
        let shown = |most| {
            let found = shortest_paths(&maze, from, to, most);
            (found.paths.iter().map(|p| names(&maze, p)).collect::<Vec<_>>(), found.more)
        };
        let all = vec!["a b d e".to_owned(), "a c d e".into(), "a x y e".into()];
        assert_eq!(shown(9), (all.clone(), false));
        assert_eq!(shown(2), (all[..2].to_vec(), true));
        assert_eq!(shortest_paths(&maze, from, from, 9).paths, [vec![from]]);
        let apart = graph("a→b c→d");
        let none = shortest_paths(&apart, node(&apart, "a"), node(&apart, "d"), 9);
        assert_eq!(none, Paths::default());
    }

    #[test]
    fn the_unhealthy_come_with_what_connects_them_and_nothing_else() {
        let shop = graph("web→shop shop→cart cart→redis web→ads shop→pay loner→pay shop→shop");
        let sick = [node(&shop, "redis"), node(&shop, "web")];
        let seen = |hops| names(&shop, &unhealthy_and_between(&shop, &sick, hops));
        assert_eq!(seen(3), "cart redis shop web");
        assert_eq!(seen(2), "redis web");
        let ring = graph("a→b b→a");
        assert_eq!(names(&ring, &unhealthy_and_between(&ring, &[node(&ring, "a")], 9)), "a");
    }

    proptest! {
        #[test]
        fn between_is_what_walking_every_path_finds(
            edges in some_edges(7), sick in proptest::collection::vec(0..7usize, 1..4), hops in 1..5usize,
        ) {
            let graph = graph(&edges);
            let all: Vec<NodeIx> = graph.node_indices().collect();
            let sick: Vec<NodeIx> = sick.iter().filter_map(|i| all.get(*i)).copied().collect();
            prop_assume!(!sick.is_empty());
            let mut wanted: BTreeSet<NodeIx> = sick.iter().copied().collect();
            // By table: shortest distance between every two nodes.
            let distance: Vec<_> =
                all.iter().map(|at| distances(&graph, &[*at], Way::Down, usize::MAX)).collect();
            for (a, b) in sick.iter().flat_map(|a| sick.iter().map(move |b| (a, b))) {
                for at in all.iter().filter(|_| a != b) {
                    let way = distance[a.index()][at.index()].zip(distance[at.index()][b.index()]);
                    if way.is_some_and(|(up, down)| up + down <= hops) {
                        wanted.insert(*at);
                    }
                }
            }
            let found: BTreeSet<_> =
                unhealthy_and_between(&graph, &sick, hops).into_iter().collect();
            prop_assert_eq!(found, wanted);
        }

        #[test]
        fn what_is_reached_is_what_is_near_by_a_way_of_calls(edges in some_edges(8), hops in 0..5usize) {
            let graph = graph(&edges);
            for (walk, way) in [(Walk::Callees, Way::Down), (Walk::Callers, Way::Up)] {
                for from in graph.node_indices() {
                    let found = reach(&graph, &[from], walk, hops);
                    let near = distances(&graph, &[from], way, hops);
                    let far = |at: &NodeIx| near[at.index()].filter(|far| *far > 0);
                    let wanted = graph.node_indices().filter(|at| far(at).is_some()).count();
                    prop_assert_eq!(found.nodes.len(), wanted);
                    for at in &found.nodes {
                        let steps = found.way(*at);
                        prop_assert_eq!(Some(steps.len()), far(at));
                        let whole: Vec<_> = std::iter::once(from).chain(steps).collect();
                        let linked = |w: &[NodeIx]| match walk {
                            Walk::Callees => graph.between(w[0], w[1]).is_some(),
                            Walk::Callers => graph.between(w[1], w[0]).is_some(),
                        };
                        prop_assert!(whole.windows(2).all(linked));
                    }
                }
            }
        }

        #[test]
        fn a_shortest_path_is_a_path_and_none_is_shorter(edges in some_edges(8)) {
            let graph = graph(&edges);
            let all: Vec<NodeIx> = graph.node_indices().collect();
            for (from, to) in all.iter().flat_map(|a| all.iter().map(move |b| (*a, *b))) {
                let found = shortest_paths(&graph, from, to, 1_000);
                let distance = distances(&graph, &[from], Way::Down, usize::MAX)[to.index()];
                prop_assert_eq!(found.paths.is_empty(), distance.is_none());
                let different: BTreeSet<_> = found.paths.iter().collect();
                prop_assert_eq!(different.len(), found.paths.len());
                for path in &found.paths {
                    prop_assert_eq!(Some(path.len() - 1), distance);
                    prop_assert_eq!((path[0], path[path.len() - 1]), (from, to));
                    prop_assert!(path.windows(2).all(|w| graph.between(w[0], w[1]).is_some()));
                }
            }
        }
    }
}
