//! Blast radius: small stories, and every answer against brute force.

use proptest::prelude::*;

use super::super::samples::{graph, key, names, node, some_edges};
use super::*;
use crate::domain::{EdgeOrigin, Node, Sighting, Timestamp};

fn told(graph: &Graph, failed: &[&str]) -> String {
    let failed: Vec<NodeIx> = failed.iter().map(|name| node(graph, name)).collect();
    let blast = blast(graph, &failed);
    let name = |at| graph.node(at).key.label();
    let hits = blast.hit.iter().map(|hit| {
        let Lost { least, most } = hit.lost;
        let path = names(graph, &blast.path(graph, hit.node)).replace(' ', "→");
        let known = if hit.known { "" } else { "?" };
        format!("{} {least:.4}..{most:.4}{known} {path}\n", name(hit.node))
    });
    let soft = blast.degraded.iter().map(|degraded| {
        let path = names(graph, &blast.path(graph, degraded.node)).replace(' ', "→");
        format!("({} {path})\n", name(degraded.node))
    });
    hits.chain(soft).collect()
}

#[test]
fn who_is_hit_by_how_much_and_through_what() {
    let shop = graph(
        "web→shop:0.5 app→shop:1 shop→cart:0.4 shop→pay:0.2 cart→redis:1 pay→redis:1 web~>ads:0.9 \
         ads→redis:1 batch~>redis:1 mail→smtp:1",
    );
    assert_eq!(
        told(&shop, &["redis"]),
        "ads 1.0000..1.0000 ads→redis\n\
         cart 1.0000..1.0000 cart→redis\n\
         pay 1.0000..1.0000 pay→redis\n\
         shop 0.4000..0.6000 shop→cart→redis\n\
         app 0.4000..0.6000 app→shop→cart→redis\n\
         web 0.2000..0.3000 web→shop→cart→redis\n\
         (batch batch→redis)\n"
    );
    assert_eq!(told(&shop, &["smtp"]), "mail 1.0000..1.0000 mail→smtp\n");
}

#[test]
fn stand_ins_hold_until_the_last_is_gone() {
    let shop = graph("shop→?db1:0.5 shop→?db2:0.5 web→shop");
    assert_eq!(told(&shop, &["db1"]), "(shop shop→db1)\n(web web→shop→db1)\n");
    assert_eq!(
        told(&shop, &["db1", "db2"]),
        "shop 1.0000..1.0000 shop→db2\nweb 1.0000..1.0000? web→shop→db2\n",
        "nobody said what share of web's requests needs shop"
    );
}

#[test]
fn rings_and_self_edges_end() {
    let ring = graph("a→b:0.5 b→c:0.5 c→a:0.5 c→down:0.5 a→a:1");
    assert_eq!(
        told(&ring, &["down"]),
        // The upper bounds solve c = ½ + ½·a, a = ½·b, b = ½·c: c = 4/7.
        "c 0.5000..0.5714 c→down\n\
         b 0.2500..0.2857 b→c→down\n\
         a 0.1250..0.1429 a→b→c→down\n"
    );
}

#[test]
fn a_drained_site_leaves_callees_idle_and_names_its_stand_ins() {
    let traffic = |name, traffic| Node { key: key(name), traffic, ..Node::default() };
    let seen = |from, to| {
        let at = Timestamp::from_millis(0);
        Sighting { share: Some(1.0), ..Sighting::new(key(from), key(to), EdgeOrigin::Metrics, at) }
    };
    let edges = [
        seen("web@eu", "shop@eu"),
        seen("web@us", "shop@us"),
        seen("shop@eu", "db@eu"),
        seen("shop@us", "db@us"),
        seen("shop@us", "tax"),
        seen("shop@eu", "tax"),
    ];
    let both = [traffic("web@eu", Some(30.0)), traffic("web@us", Some(10.0))];
    let two = Graph::build(both, &edges);
    let eu: Vec<_> = ["shop@eu"].iter().map(|name| node(&two, name)).collect();
    let drained = blast(&two, &eu);
    assert_eq!(names(&two, &drained.idle), "db@eu");
    assert_eq!(drained.of_all, Some(Lost { least: 0.75, most: 0.75 }));
    assert_eq!(drained.stand_ins, [(node(&two, "shop@eu"), vec![node(&two, "shop@us")])]);
    let unknown = Graph::build([traffic("web@eu", Some(30.0)), traffic("web@us", None)], &edges);
    assert_eq!(blast(&unknown, &[node(&unknown, "shop@eu")]).of_all, None);
}

#[test]
fn a_load_balancer_nobody_declared_stands_for_what_is_behind_it() {
    let plain = graph("web→lb lb→shop shop→db");
    let end = |graph: &Graph, name| names(graph, &[stands_for(graph, node(graph, name))]);
    assert_eq!(end(&plain, "lb"), "db", "nothing here is declared but db has no callee");
    assert_eq!(end(&plain, "web"), "web", "nobody calls it");
    let known = |name| Node { key: key(name), declared: true, ..Node::default() };
    let at = Timestamp::from_millis(0);
    let edge = |a, b| Sighting::new(key(a), key(b), EdgeOrigin::Traces, at);
    let declared = Graph::build(
        [known("shop"), known("web")],
        &[
            edge("web", "lb"),
            edge("lb", "shop"),
            edge("shop", "db"),
            edge("r1", "r2"),
            edge("r2", "r1"),
        ],
    );
    assert_eq!(end(&declared, "lb"), "shop");
    assert_eq!(end(&declared, "r1"), "r1");
    let hit = blast(&declared, &[node(&declared, "db")]);
    let folded: Vec<_> = hit.hit.iter().map(|hit| hit.passes_to).collect();
    assert_eq!(folded, [None, Some(node(&declared, "shop")), None]);
}

/// What fails, by trying until nothing more does.
fn brute(graph: &Graph, failed: &[NodeIx]) -> Vec<bool> {
    let mut down = vec![false; graph.nodes().len()];
    failed.iter().for_each(|at| down[at.index()] = true);
    loop {
        let falls = |at: &NodeIx| {
            let hard: Vec<_> = graph
                .calls(*at)
                .map(|edge| graph.edge(edge))
                .filter(|edge| edge.is_hard() && edge.to != *at)
                .collect();
            hard.iter().any(|edge| {
                let stand_ins = hard.iter().filter(|e| e.any_of == edge.any_of);
                match edge.any_of {
                    None => down[edge.to.index()],
                    Some(_) => stand_ins.clone().all(|e| down[e.to.index()]),
                }
            })
        };
        let more: Vec<_> =
            graph.node_indices().filter(|at| !down[at.index()] && falls(at)).collect();
        if more.is_empty() {
            return down;
        }
        more.iter().for_each(|at| down[at.index()] = true);
    }
}

proptest! {
    #[test]
    fn what_is_hit_is_what_brute_force_finds(
        edges in some_edges(8), failed in proptest::collection::vec(0..8usize, 1..3),
    ) {
        let graph = graph(&edges);
        let all: Vec<NodeIx> = graph.node_indices().collect();
        let failed: Vec<_> = failed.iter().filter_map(|i| all.get(*i)).copied().collect();
        let blast = blast(&graph, &failed);
        let mut down = vec![false; all.len()];
        failed.iter().for_each(|at| down[at.index()] = true);
        for hit in &blast.hit {
            prop_assert!(!std::mem::replace(&mut down[hit.node.index()], true), "hit twice");
            // No shares are given: hard means wholly.
            prop_assert_eq!(hit.lost, Lost { least: 1.0, most: 1.0 });
            let path = blast.path(&graph, hit.node);
            prop_assert_eq!(path.len(), hit.hops + 1);
            let hard = |w: &[NodeIx]| graph.between(w[0], w[1]).map(|e| graph.edge(e).is_hard());
            prop_assert!(path.windows(2).all(|w| hard(w) == Some(true)));
            prop_assert!(failed.contains(&path[path.len() - 1]));
        }
        prop_assert_eq!(&down, &brute(&graph, &failed));
        for degraded in &blast.degraded {
            prop_assert!(!down[degraded.node.index()]);
            let path = blast.path(&graph, degraded.node);
            prop_assert_eq!(path.len(), degraded.hops + 1);
            prop_assert!(failed.contains(&path[path.len() - 1]));
        }
    }

    #[test]
    fn the_bounds_hold_the_truth_on_trees_of_requests(
        shares in proptest::collection::vec(0.0..1.0f64, 6), callee in proptest::collection::vec(0..8usize, 6),
    ) {
        // n0..n5 call later ones only; what a caller loses is between its worst callee and their sum.
        let words: Vec<String> = shares.iter().zip(&callee).enumerate()
            .map(|(i, (share, to))| format!("n{i}→n{}:{share}", i + 1 + to % (8 - i)))
            .collect();
        let graph = graph(&(words.join(" ") + " n8"));
        let end = node(&graph, "n8");
        let blast = blast(&graph, &[end]);
        for hit in &blast.hit {
            prop_assert!(0.0 <= hit.lost.least && hit.lost.least <= hit.lost.most + 1e-12);
            prop_assert!(hit.lost.most <= 1.0);
            // With one callee each there is nothing to be unsure of.
            prop_assert!((hit.lost.least - hit.lost.most).abs() < 1e-12);
        }
    }
}
