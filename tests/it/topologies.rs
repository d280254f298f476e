//! The map's graph on real topologies: what their manifests say is what the graph says.
//!
//! The edges are read from the files by this test alone, and reachability is worked out here by a
//! table of all pairs, so that nothing of the map's own code judges itself.

use std::collections::{BTreeMap, BTreeSet};

use pretty_assertions::assert_eq;
use quarterdeck::analysis::graph::layout::{Layering, layout};
use quarterdeck::analysis::graph::{Walk, blast, neighbourhood, outline, single_points};
use quarterdeck::domain::{EdgeOrigin, Graph, Hardness, NodeKey, ServiceId, Sighting, Timestamp};
use serde_json::Value;

type Calls = BTreeSet<(String, String)>;

const ONLINE_BOUTIQUE: &str = include_str!("../../fixtures/graph/online-boutique.yaml");
const OTEL_DEMO: &str = include_str!("../../fixtures/graph/otel-demo.yaml");
const PETSHOP: &str = include_str!("../../fixtures/graph/petshop.csv");

/// Deployments and the hosts in their `*_ADDR` variables.
fn online_boutique() -> Calls {
    let mut calls = Calls::new();
    for text in ONLINE_BOUTIQUE.split("\n---") {
        let document: Value = serde_saphyr::from_str(text).expect("a manifest");
        if document["kind"] != "Deployment" {
            continue;
        }
        let caller = document["metadata"]["name"].as_str().expect("named");
        let containers = document["spec"]["template"]["spec"]["containers"].as_array();
        for variable in
            containers.into_iter().flatten().filter_map(|c| c["env"].as_array()).flatten()
        {
            let name = variable["name"].as_str().expect("named");
            if let Some(address) = variable["value"].as_str().filter(|_| name.ends_with("_ADDR")) {
                let callee = address.split(':').next().expect("a host");
                calls.insert((caller.to_owned(), callee.to_owned()));
            }
        }
    }
    calls
}

/// Services and what they wait for.
fn otel_demo() -> Calls {
    let file: Value = serde_saphyr::from_str(OTEL_DEMO).expect("a compose file");
    let services = file["services"].as_object().expect("services");
    let depends = |(name, service): (&String, &Value)| {
        let on = service["depends_on"].as_object().into_iter().flatten();
        on.map(|(on, _)| (name.clone(), on.clone())).collect::<Vec<_>>()
    };
    services.iter().flat_map(depends).collect()
}

/// A table: caller's row, callee's column.
fn petshop() -> Calls {
    let mut lines = PETSHOP.lines();
    let head: Vec<&str> = lines.next().expect("a head").split(',').skip(1).collect();
    let mut calls = Calls::new();
    for line in lines {
        let mut cells = line.split(',');
        let caller = cells.next().expect("a name");
        let called = head.iter().zip(cells).filter(|(_, cell)| *cell != "0.0");
        calls.extend(called.map(|(callee, _)| (caller.to_owned(), (*callee).to_owned())));
    }
    calls
}

fn graph(calls: &Calls) -> Graph {
    let key = |name: &str| NodeKey::anywhere(ServiceId::new(name));
    let seen = Timestamp::from_millis(0);
    let sightings: Vec<Sighting> = calls
        .iter()
        .map(|(from, to)| Sighting {
            hardness: Some(Hardness::Hard),
            ..Sighting::new(key(from), key(to), EdgeOrigin::Catalog, seen)
        })
        .collect();
    Graph::build([], &sightings)
}

/// For each service, all that reach it along calls (Warshall's algorithm).
fn reaching(calls: &Calls) -> BTreeMap<String, BTreeSet<String>> {
    let names: BTreeSet<&String> = calls.iter().flat_map(|(a, b)| [a, b]).collect();
    let mut reach: Calls = calls.clone();
    for middle in &names {
        for from in &names {
            for to in &names {
                let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
                if reach.contains(&pair(from, middle)) && reach.contains(&pair(middle, to)) {
                    reach.insert(pair(from, to));
                }
            }
        }
    }
    let of = |to: &str| -> BTreeSet<String> {
        let pairs = reach.iter().filter(|(from, end)| end == to && from != to);
        pairs.map(|(from, _)| from.clone()).collect()
    };
    names.iter().map(|name| ((*name).clone(), of(name))).collect()
}

fn holds(calls: &Calls) {
    let graph = graph(calls);
    let name = |at| graph.node(at).key.service.to_string();
    let edges = graph.edges().iter().map(|edge| (name(edge.from), name(edge.to)));
    assert_eq!(edges.collect::<Calls>(), *calls);
    let reaching = reaching(calls);
    let points = single_points(&graph);
    for at in graph.node_indices() {
        let blast = blast(&graph, &[at]);
        let hit: BTreeSet<String> = blast.hit.iter().map(|hit| name(hit.node)).collect();
        assert_eq!(hit, reaching[&name(at)], "what fails with {}", name(at));
        let takes = points.iter().find(|point| point.node == at).map_or(0, |point| point.takes);
        assert_eq!(takes, hit.len(), "{}", name(at));
        let near = neighbourhood(&graph, &[at], 1, 0).into_iter().map(name);
        let callers = calls.iter().filter(|(_, to)| *to == name(at)).map(|(from, _)| from.clone());
        assert_eq!(near.collect::<BTreeSet<_>>(), callers.chain([name(at)]).collect());
    }
    let listed: Calls = outline(&graph, &[], Walk::Callees)
        .rows
        .iter()
        .filter_map(|row| row.edge.map(|edge| graph.edge(edge)))
        .map(|edge| (name(edge.from), name(edge.to)))
        .collect();
    assert_eq!(listed, *calls);
    let widths: Vec<u16> = graph.nodes().iter().map(|node| node.key.label().len() as u16).collect();
    let drawn = layout(&graph, &widths, Layering::Short, None).expect("small");
    let lines = drawn.routes.iter().filter(|route| !route.points.is_empty()).count();
    assert_eq!(lines, calls.iter().filter(|(from, to)| from != to).count());
}

#[test]
fn online_boutique_is_as_its_manifests_say() {
    let calls = online_boutique();
    assert_eq!(calls.len(), 17, "{calls:?}");
    assert!(calls.contains(&("cartservice".into(), "redis-cart".into())));
    holds(&calls);
}

#[test]
fn the_opentelemetry_demo_is_as_its_compose_file_says() {
    let calls = otel_demo();
    assert!(calls.len() > 40, "{calls:?}");
    assert!(calls.contains(&("checkout".into(), "payment".into())));
    holds(&calls);
}

#[test]
fn the_petshop_is_as_its_call_graph_says() {
    let calls = petshop();
    assert_eq!(calls.len(), PETSHOP.matches("1.0").count(), "{calls:?}");
    holds(&calls);
}
