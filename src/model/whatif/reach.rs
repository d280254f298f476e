//! What a supposed change reaches in the graph: where load is moved to, what stops, and by which way.

use super::{Losses, SAME, Suppose};
use crate::analysis::graph::{blast, drain, shortest_paths};
use crate::analysis::whatif::{Behaviour, Node, Outcome, Stock};
use crate::domain::{Graph, NodeIx, NodeKey, SafeText, ServiceId};

/// Where a service's load grows most, and whether it is at several sites whose load grows differently.
pub(super) fn busiest(
    graph: &Graph,
    service: &ServiceId,
    load: &[f64],
    spread: &mut Vec<ServiceId>,
) -> Option<usize> {
    let growth = |at: usize| load.get(at).copied().unwrap_or(1.0);
    let sites: Vec<usize> = graph.of_service(service).map(NodeIx::index).collect();
    // Of those that grow alike, the first.
    let most = sites.iter().rev().copied().max_by(|a, b| growth(*a).total_cmp(&growth(*b)))?;
    let differ = sites.iter().any(|at| (growth(*at) - growth(most)).abs() > SAME);
    if differ && !spread.contains(service) {
        spread.push(service.clone());
    }
    Some(most)
}

/// What a drain leaves a service, and what takes over from it gets.
pub(super) fn moved(
    graph: &Graph,
    service: &ServiceId,
    assumed: &mut Vec<String>,
) -> Vec<(usize, f64)> {
    let drained: Vec<NodeIx> = graph.of_service(service).collect();
    let mut growth: Vec<(usize, f64)> = drained.iter().map(|at| (at.index(), 0.0)).collect();
    for one in drain(graph, &drained).takes_over {
        match one.times {
            Some(times) => growth.push((one.node.index(), times)),
            None => assumed.push(format!(
                "How much more {} gets is not known; its load is taken to stay.",
                graph.node(one.node).key.label()
            )),
        }
    }
    growth
}

pub(super) fn add_assumptions(
    graph: &Graph,
    outcome: &Outcome,
    stocks: &[Stock],
    assumed: &mut Vec<String>,
) {
    let even = outcome.assumed.iter().filter_map(|at| graph.nodes().get(*at));
    let even: Vec<ServiceId> = even.map(|node| node.key.service.clone()).collect();
    if !even.is_empty() {
        assumed.push(format!(
            "Calls to {} were not all measured; their callers are taken to have even shares.",
            few(&even)
        ));
    }
    if !outcome.settled {
        assumed.push(
            "The load did not come to rest in a cycle of calls; it changes by more than is said, so \
             nothing is said to hold."
                .into(),
        );
    }
    if stocks.iter().any(|stock| stock.behaviour == Behaviour::Lent) {
        assumed.push(
            "A request takes as long as it takes now, so this is the least that will happen."
                .into(),
        );
    }
}

/// Services that stop: those that are gone, and whoever cannot do without them.
pub(super) fn down(graph: &Graph, nodes: &[Node], losses: &Losses) -> Vec<NodeKey> {
    let failed: Vec<NodeIx> = graph
        .node_indices()
        .filter(|at| {
            let node = nodes.get(at.index()).copied().unwrap_or_default();
            let all_lost = node.lost > 0 && node.lost >= node.replicas;
            all_lost || losses.gone.contains(&graph.node(*at).key.service)
        })
        .collect();
    if failed.is_empty() {
        return Vec::new();
    }
    let hit = blast(graph, &failed).hit;
    let all = failed.iter().copied().chain(hit.iter().map(|hit| hit.node));
    all.map(|at| graph.node(at).key.clone()).collect()
}

/// A loss that is meant to happen is refused when it takes a majority away.
pub(super) fn refusal(suppose: &Suppose, losses: &Losses) -> Option<SafeText> {
    if losses.stopped.is_empty() || matches!(suppose, Suppose::Zone(_) | Suppose::Load(..)) {
        return None;
    }
    let text = format!("Do not do this on purpose. {}.", losses.stopped.join("; "));
    Some(SafeText::new(&text))
}

pub(super) fn grown(graph: &Graph, outcome: &Outcome) -> Vec<(NodeKey, f64)> {
    let nodes = std::iter::zip(graph.nodes(), &outcome.growth);
    let mut grown: Vec<(NodeKey, f64)> = nodes
        .filter(|(_, growth)| (**growth - 1.0).abs() > SAME)
        .map(|(node, growth)| (node.key.clone(), *growth))
        .collect();
    grown.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    grown
}

/// The shortest way from what is supposed to the service that fills a resource.
pub(super) fn path(graph: &Graph, suppose: &Suppose, to: usize) -> Vec<ServiceId> {
    let Some(to) = graph.node_indices().nth(to) else { return Vec::new() };
    let from = suppose.service().into_iter().flat_map(|service| graph.of_service(service));
    let found = from.filter_map(|from| shortest_paths(graph, from, to, 1).paths.into_iter().next());
    let found = found.min_by_key(Vec::len);
    let nodes = found.unwrap_or_else(|| vec![to]);
    nodes.into_iter().map(|at| graph.node(at).key.service.clone()).collect()
}

pub(super) fn some(names: &[&str]) -> String {
    match names.len() {
        0..=4 => names.join(", "),
        n => format!("{} and {} more", names[..3].join(", "), n - 3),
    }
}

pub(super) fn few(ids: &[ServiceId]) -> String {
    some(&ids.iter().map(ServiceId::as_str).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::analysis::whatif::{Call, Scenario, what_if};
    use crate::domain::{EdgeOrigin, Sighting, SiteId, Timestamp};

    #[test]
    fn one_name_at_two_sites_is_judged_where_its_load_grows_most() {
        let key = |name: &str| {
            let (service, site) = name.split_once('@').unwrap_or((name, ""));
            NodeKey::at(ServiceId::new(service), SiteId::new(site))
        };
        let seen = |from: &str, to: &str| {
            Sighting::new(key(from), key(to), EdgeOrigin::Metrics, Timestamp::from_millis(0))
        };
        let graph = Graph::build([], &[seen("front", "shop@us"), seen("desk", "shop@eu")]);
        let at = |name: &str| graph.find(&key(name)).unwrap().index();
        let call =
            |from: &str, to: &str| Call { from: at(from), to: at(to), hard: true, rate: Some(1.0) };
        let calls = [call("front", "shop@us"), call("desk", "shop@eu")];
        let nodes = vec![Node { replicas: 1, ..Node::default() }; graph.nodes().len()];
        let scenario = Scenario { growth: vec![(at("front"), 3.0)] };
        let outcome = what_if(&nodes, &calls, &[], &scenario);
        let mut spread = Vec::new();
        let shop = ServiceId::new("shop");
        let most = busiest(&graph, &shop, &outcome.growth, &mut spread);
        assert_eq!((most, &spread), (Some(at("shop@us")), &vec![shop.clone()]));
        assert_eq!(busiest(&graph, &shop, &outcome.growth, &mut spread), most);
        assert_eq!(spread.len(), 1, "said once");
        let mut alike = Vec::new();
        let same = busiest(&graph, &shop, &vec![1.0; nodes.len()], &mut alike);
        assert_eq!((same, alike), (Some(at("shop@eu")), Vec::new()));
        assert_eq!(busiest(&graph, &ServiceId::new("attic"), &[], &mut spread), None);
        let grown = grown(&graph, &outcome);
        assert_eq!(grown, [(key("front"), 3.0), (key("shop@us"), 3.0)], "each with its site");
        let front = Suppose::Load(ServiceId::new("front"), 3_000);
        let way = |to: &str| path(&graph, &front, at(to));
        assert_eq!(way("shop@us"), ["front", "shop"].map(ServiceId::new));
        // Through either site of the one that is asked about, whichever leads there.
        let both = Graph::build([], &[seen("shop@eu", "till"), seen("shop@us", "db")]);
        let db = both.find(&key("db")).unwrap().index();
        let way = path(&both, &Suppose::Load(shop, 2_000), db);
        assert_eq!(way, ["shop", "db"].map(ServiceId::new));
    }
}
