//! How one graph comes from many sightings: sites, and what several origins say of one thing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Edge, Hardness, Node, NodeIx, NodeKey, Origins, Sighting};
use crate::domain::{ServiceId, SiteId};

/// Sites at which each service is known; a service that is nowhere in particular is not in it.
pub(super) fn known_sites(
    nodes: &[Node],
    sightings: &[Sighting],
) -> HashMap<ServiceId, BTreeSet<SiteId>> {
    let mut sites: HashMap<ServiceId, BTreeSet<SiteId>> = HashMap::new();
    let ends = sightings.iter().flat_map(|sighting| [&sighting.from, &sighting.to]);
    for key in nodes.iter().map(|node| &node.key).chain(ends) {
        if key.site.as_str().is_empty() {
            continue;
        }
        if !sites.get(&key.service).is_some_and(|known| known.contains(&key.site)) {
            sites.entry(key.service.clone()).or_default().insert(key.site.clone());
        }
    }
    sites
}

/// Where a key is: at its site, else at every site where its service is known, else nowhere said.
pub(super) fn sites_of(key: &NodeKey, known: &HashMap<ServiceId, BTreeSet<SiteId>>) -> Vec<SiteId> {
    match known.get(&key.service) {
        Some(sites) if key.site.as_str().is_empty() => sites.iter().cloned().collect(),
        _ => vec![key.site.clone()],
    }
}

/// An edge between two places, and the callees it shares the work with.
pub(super) type Placed<'a> = (NodeKey, NodeKey, &'a Sighting, Option<u32>);

/// Gives a sighting's ends their sites. A callee that is elsewhere, at several sites, is called at
/// any one of them: those edges stand in for each other.
pub(super) fn place<'a>(
    sighting: &'a Sighting,
    at: usize,
    known: &HashMap<ServiceId, BTreeSet<SiteId>>,
    placed: &mut Vec<Placed<'a>>,
) {
    for site in sites_of(&sighting.from, known) {
        let from = NodeKey::at(sighting.from.service.clone(), site);
        let mut callees = sites_of(&sighting.to, known);
        if sighting.to.site.as_str().is_empty() && callees.contains(&from.site) {
            callees = vec![from.site.clone()];
        }
        let any_of = match callees.len() {
            1 => sighting.any_of,
            // Numbers of our own begin above those that people write.
            _ => sighting.any_of.or_else(|| u32::try_from(at).ok()?.checked_add(1 << 31)),
        };
        for callee in callees {
            let to = NodeKey::at(sighting.to.service.clone(), callee);
            placed.push((from.clone(), to, sighting, any_of));
        }
    }
}

/// The same node from two places: what one does not know the other may.
pub(super) fn merge_node(table: &mut BTreeMap<NodeKey, Node>, new: Node) {
    let Some(known) = table.get_mut(&new.key) else {
        table.insert(new.key.clone(), new);
        return;
    };
    known.declared |= new.declared;
    if known.team.is_empty() {
        known.team = new.team;
    }
    known.tier = known.tier.or(new.tier);
    known.replicas = known.replicas.or(new.replicas);
    known.traffic = known.traffic.or(new.traffic);
}

pub(super) fn sane(mut node: Node) -> Node {
    node.traffic = usable(node.traffic);
    node
}

/// A rate that can be one.
fn usable(rate: Option<f64>) -> Option<f64> {
    rate.filter(|rate| rate.is_finite() && *rate >= 0.0)
}

/// All that is said of one edge. Several counts of the same calls are not added up.
pub(super) fn merge_edge(same: &[(NodeIx, NodeIx, &Sighting, Option<u32>)]) -> Option<Edge> {
    let (from, to, ..) = *same.first()?;
    let mut origins = Origins::default();
    same.iter().for_each(|(_, _, sighting, _)| origins.add(sighting.origin, sighting.seen));
    let most = |of: fn(&Sighting) -> Option<f64>| {
        same.iter().filter_map(|(_, _, sighting, _)| usable(of(sighting))).reduce(f64::max)
    };
    let said = same.iter().filter_map(|(_, _, sighting, _)| sighting.hardness).max();
    Some(Edge {
        from,
        to,
        hardness: said.unwrap_or(Hardness::Hard),
        assumed: said.is_none(),
        origins,
        share: most(|sighting| sighting.share).map(|share| share.min(1.0)),
        calls: most(|sighting| sighting.calls),
        any_of: same.iter().find_map(|(_, _, _, any_of)| *any_of),
    })
}

/// Where nobody says what share of the caller's requests make a call, its rate over the caller's.
pub(super) fn derive_shares(nodes: &[Node], edges: &mut [Edge]) {
    let mut taken: Vec<Option<f64>> = nodes.iter().map(|node| node.traffic).collect();
    let mut sums: Vec<(bool, Option<f64>)> = vec![(false, Some(0.0)); nodes.len()];
    for edge in edges.iter() {
        let (called, sum) = &mut sums[edge.to.index()];
        *called = true;
        *sum = sum.zip(edge.calls).map(|(sum, calls)| sum + calls);
    }
    for (traffic, (called, sum)) in taken.iter_mut().zip(sums) {
        *traffic = traffic.or(if called { sum } else { None });
    }
    for edge in edges {
        let derived = edge.calls.zip(taken[edge.from.index()]).filter(|(_, all)| *all > 0.0);
        edge.share = edge.share.or(derived.map(|(calls, all)| (calls / all).min(1.0)));
    }
}
