//! The map's graph: merging, sites, and what is strange about the world.

use proptest::prelude::*;

use super::*;

fn key(name: &str) -> NodeKey {
    let (service, site) = name.split_once('@').unwrap_or((name, ""));
    NodeKey::at(ServiceId::new(service), SiteId::new(site))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn seen(from: &str, to: &str, origin: EdgeOrigin, when: i64) -> Sighting {
    Sighting::new(key(from), key(to), origin, at(when))
}

fn drawn(graph: &Graph) -> Vec<String> {
    let name = |at| graph.node(at).key.label();
    let edge = |edge: &Edge| {
        let group = edge.any_of.map_or(String::new(), |_| " (any)".into());
        format!("{} → {}{group}", name(edge.from), name(edge.to))
    };
    graph.edges().iter().map(edge).collect()
}

#[test]
fn what_is_declared_and_what_is_seen_become_one_edge_that_knows_both() {
    let declared = Sighting {
        hardness: Some(Hardness::Soft),
        ..seen("shop", "cache", EdgeOrigin::Catalog, 5)
    };
    let metrics = |when, calls| Sighting {
        calls: Some(calls),
        ..seen("shop", "cache", EdgeOrigin::Metrics, when)
    };
    let shop = Node { key: key("shop"), declared: true, traffic: Some(40.0), ..Node::default() };
    let sightings = [
        metrics(90, 10.0),
        declared,
        metrics(80, 9.0),
        seen("shop", "queue", EdgeOrigin::Traces, 7),
        seen("shop", "attic", EdgeOrigin::Backstage, 1),
    ];
    let graph = Graph::build([shop], &sightings);
    let (cache, shop) =
        (graph.find(&key("cache")).expect("there"), graph.find(&key("shop")).expect("there"));
    let mut origins = Origins::default();
    origins.add(EdgeOrigin::Catalog, at(5));
    origins.add(EdgeOrigin::Metrics, at(90));
    let edge = graph.edge(graph.between(shop, cache).expect("there"));
    let wanted = Edge {
        from: shop,
        to: cache,
        hardness: Hardness::Soft,
        assumed: false,
        origins,
        share: Some(0.25),
        calls: Some(10.0),
        any_of: None,
    };
    assert_eq!(*edge, wanted);
    assert_eq!(edge.origins.last_seen(), Some(at(90)));
    let agree: Vec<_> = graph.edges().iter().map(|edge| edge.origins.agreement()).collect();
    assert_eq!(agree, [Agreement::DeclaredOnly, Agreement::Both, Agreement::ObservedOnly]);
    let hard: Vec<_> = graph.edges().iter().map(|edge| (edge.hardness, edge.assumed)).collect();
    let unknown = (Hardness::Hard, true);
    assert_eq!(hard, [unknown, (Hardness::Soft, false), unknown]);
    assert!(graph.node(shop).declared && !graph.node(cache).declared);
}

#[test]
fn one_name_at_two_sites_is_two_nodes_and_a_declared_edge_is_at_both() {
    let graph = Graph::build(
        [Node { key: key("shop"), declared: true, team: "web".into(), ..Node::default() }],
        &[
            seen("shop@eu", "db@eu", EdgeOrigin::Metrics, 1),
            seen("shop@us", "db@us", EdgeOrigin::Metrics, 1),
            seen("shop", "db", EdgeOrigin::Catalog, 1),
            seen("gate", "shop", EdgeOrigin::Catalog, 1),
            seen("shop", "mail", EdgeOrigin::Catalog, 1),
        ],
    );
    assert_eq!(
        drawn(&graph),
        [
            "gate → shop@eu (any)",
            "gate → shop@us (any)",
            "shop@eu → db@eu",
            "shop@eu → mail",
            "shop@us → db@us",
            "shop@us → mail",
        ]
    );
    let shops: Vec<_> = graph.of_service(&ServiceId::new("shop")).collect();
    assert_eq!(shops.len(), 2);
    assert!(shops.iter().all(|shop| graph.node(*shop).team.as_str() == "web"));
    let db =
        graph.edge(graph.callers(graph.find(&key("db@eu")).expect("there")).next().expect("one"));
    assert_eq!(db.origins.agreement(), Agreement::Both);
}

#[test]
fn numbers_that_cannot_be_are_not_known() {
    let odd = |to, calls, share| Sighting {
        calls: Some(calls),
        share: Some(share),
        ..seen("a", to, EdgeOrigin::Metrics, 1)
    };
    let a = Node { key: key("a"), traffic: Some(f64::NAN), ..Node::default() };
    let graph =
        Graph::build([a], &[odd("b", f64::NAN, -1.0), odd("c", -3.0, 7.0), odd("d", 2.0, 0.5)]);
    let numbers: Vec<_> = graph.edges().iter().map(|edge| (edge.calls, edge.share)).collect();
    assert_eq!(numbers, [(None, None), (None, Some(1.0)), (Some(2.0), Some(0.5))]);
    assert_eq!(graph.nodes()[0].traffic, None);
}

#[test]
fn a_hundred_thousand_edges_with_cycles_and_self_edges_are_all_there() {
    let name = |i: u32| format!("s{}", i % 5_000);
    let sightings: Vec<_> = (0..100_000u32)
        .map(|i| seen(&name(i), &name(i / 5_000 * 7 + i), EdgeOrigin::Traces, 1))
        .collect();
    let graph = Graph::build([], &sightings);
    assert_eq!((graph.nodes().len(), graph.edges().len()), (5_000, 100_000));
    let first = graph.node_indices().next().expect("one");
    assert!(graph.between(first, first).is_some(), "a self-edge stays");
    assert_eq!((graph.calls(first).len(), graph.callers(first).len()), (20, 20));
}

prop_compose! {
    fn some_sighting()(
        from in 0..6u8, to in 0..6u8, sites in (0..3u8, 0..3u8), origin in 0..4usize,
        when in 0..9i64, hard in 0..3u8, calls in proptest::option::of(any::<f64>()),
    ) -> Sighting {
        let key = |service: u8, site: u8| NodeKey::at(
            ServiceId::new(&format!("s{service}")),
            SiteId::new(["", "eu", "us"][usize::from(site)]),
        );
        let hardness = [None, Some(Hardness::Soft), Some(Hardness::Hard)][usize::from(hard)];
        let (from, to) = (key(from, sites.0), key(to, sites.1));
        let base = Sighting::new(from, to, EdgeOrigin::ALL[origin], at(when));
        Sighting { hardness, calls, ..base }
    }
}

proptest! {
    #[test]
    fn the_order_of_sightings_and_seeing_them_twice_change_nothing(
        sightings in proptest::collection::vec(some_sighting(), 0..30),
    ) {
        let plain = |graph: &Graph| {
            let edges: Vec<_> = graph.edges().iter()
                // Group numbers only say which belong together.
                .map(|edge| Edge { any_of: edge.any_of.map(|_| 0), ..edge.clone() })
                .collect();
            (graph.nodes().to_vec(), edges)
        };
        let once = Graph::build([], &sightings);
        let turned: Vec<_> = sightings.iter().rev().chain(&sightings).cloned().collect();
        prop_assert_eq!(plain(&Graph::build([], &turned)), plain(&once));
        for at in once.node_indices() {
            prop_assert!(once.calls(at).all(|edge| once.edge(edge).from == at));
            prop_assert!(once.callers(at).all(|edge| once.edge(edge).to == at));
            prop_assert_eq!(once.find(&once.node(at).key), Some(at));
        }
        let degrees: usize = once.node_indices().map(|at| once.callers(at).len()).sum();
        prop_assert_eq!(degrees, once.edges().len());
        let all: Vec<_> = once.node_indices().collect();
        prop_assert_eq!(once.induced(&all), once);
    }
}
