//! Who calls whom: the graph merged from the catalog, Backstage, metrics and traces, made anew beside the
//! loop when one of them changes; and what is seen along each edge now.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Model;
use super::alone::Alone;
use super::study::Pace;
use crate::domain::{
    CallSeen, Catalog, EdgeOrigin, EdgesId, Freshness, Graph, Hardness, Labels, MeasureId,
    Measured, Node, NodeKey, SafeText, ServiceId, Sighting, Span, Timestamp,
};

/// How often the graph is made anew at most: call rates move all the time.
const EVERY: Span = Span::from_secs(15);

/// Everything the graph is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct MapStudy {
    catalog: Arc<Catalog>,
    declared: Timestamp,
    calls: Vec<(EdgesId, Timestamp, Vec<Measured>)>,
    traced: Vec<(Timestamp, Vec<CallSeen>)>,
}

/// The graph.
#[derive(Debug, Clone, PartialEq)]
pub struct MapFound {
    /// Who calls whom.
    pub graph: Arc<Graph>,
    /// What in it has nothing beside it.
    alone: Arc<Alone>,
}

/// The latest graph.
#[derive(Debug, Clone, Default)]
pub struct MapBook {
    pace: Pace,
    graph: Arc<Graph>,
    alone: Arc<Alone>,
    /// Grows with every other graph.
    pub revision: u64,
    /// The catalog the graph was made of.
    catalog: Option<Arc<Catalog>>,
    /// When that catalog was read.
    declared: Option<Timestamp>,
    /// Grows with every other word of traces.
    pub(super) traced: u64,
}

/// What is seen along an edge now.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct EdgeView {
    /// Calls per second.
    pub calls: Option<f64>,
    /// Of those, failed ones per second.
    pub failed: Option<f64>,
    /// Of those, repeated ones per second.
    pub retried: Option<f64>,
    /// Whether a breaker along it is open.
    pub tripped: Option<bool>,
    /// Whether any of it is too old to be believed.
    pub stale: bool,
}

impl MapStudy {
    /// Merges what all of them say.
    pub(super) fn carry_out(self) -> MapFound {
        let mut sightings = Vec::new();
        let anywhere = |id: &ServiceId| NodeKey::anywhere(id.clone());
        for service in self.catalog.services.values() {
            for dependency in &service.depends_on {
                let (from, to) = (anywhere(&service.id), anywhere(&dependency.on));
                let hardness = if dependency.hard { Hardness::Hard } else { Hardness::Soft };
                sightings.push(Sighting {
                    hardness: Some(hardness),
                    any_of: dependency.any_of,
                    ..Sighting::new(from, to, dependency.origin, self.declared)
                });
            }
        }
        for (id, at, found) in &self.calls {
            let Some(edges) = self.catalog.edges.get(id) else { continue };
            // One answer counts each call once: series of several instances or sites add up.
            let mut calls: BTreeMap<(ServiceId, ServiceId), Option<f64>> = BTreeMap::new();
            for call in found {
                let ends = (
                    end(&self.catalog, &call.labels, &edges.from),
                    end(&self.catalog, &call.labels, &edges.to),
                );
                let (Some(from), Some(to)) = ends else { continue };
                let sum = calls.entry((from, to)).or_default();
                if let Some(rate) = call.value.value().filter(|rate| *rate >= 0.0) {
                    *sum = Some(sum.unwrap_or(0.0) + rate);
                }
            }
            let seen = calls.into_iter().map(|((from, to), calls)| Sighting {
                calls,
                ..Sighting::new(anywhere(&from), anywhere(&to), EdgeOrigin::Metrics, *at)
            });
            sightings.extend(seen);
        }
        for (at, calls) in &self.traced {
            for call in calls {
                let (from, to) = (anywhere(&call.from), anywhere(&call.to));
                sightings.push(Sighting::new(from, to, EdgeOrigin::Traces, *at));
            }
        }
        let nodes = self.catalog.services.values().map(|service| Node {
            key: anywhere(&service.id),
            declared: true,
            team: service.owner.clone(),
            tier: service.tier,
            replicas: service.replicas,
            traffic: None,
        });
        let graph = Graph::build(nodes, &sightings);
        let alone = Arc::new(Alone::of(&graph, &self.catalog));
        MapFound { graph: Arc::new(graph), alone }
    }
}

/// The service that a label of a call names: as the catalog calls it, else as it is called there.
pub(super) fn end(catalog: &Catalog, labels: &Labels, label: &SafeText) -> Option<ServiceId> {
    let name = labels.get(label);
    if name.is_empty() {
        return None;
    }
    if let Some((id, _)) = catalog.services.get_key_value(name) {
        return Some(id.clone());
    }
    // A mesh often says `checkout.shop.svc.cluster.local` or `shop/checkout`.
    let short = name.rsplit('/').next().unwrap_or(name);
    let short = short.split(['.', ':']).next().unwrap_or(short);
    let known = catalog.services.get_key_value(short).map(|(id, _)| id.clone());
    Some(known.unwrap_or_else(|| ServiceId::new(name)))
}

impl MapBook {
    /// The graph as it was last made.
    pub const fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// Single points of failure and shared limits of that graph.
    pub const fn alone(&self) -> &Arc<Alone> {
        &self.alone
    }

    /// Whether a graph was made yet.
    pub const fn is_made(&self) -> bool {
        self.revision > 0
    }

    pub(super) fn found(&mut self, found: MapFound) {
        self.pace.end();
        if self.alone != found.alone {
            self.alone = found.alone;
        }
        if self.graph != found.graph || self.revision == 0 {
            self.revision += 1;
            self.graph = found.graph;
        }
    }
}

impl Model {
    /// The study that is due, if one is.
    pub(super) fn map_study(&mut self) -> Option<MapStudy> {
        let same = self.map.catalog.as_ref().is_some_and(|known| Arc::ptr_eq(known, &self.catalog));
        if !same {
            self.map.catalog = Some(Arc::clone(&self.catalog));
            self.map.declared = Some(self.now);
            self.map.pace = Pace::default();
        }
        let revision = self.measures.called.wrapping_add(self.map.traced);
        if !self.map.pace.due(revision, EVERY, self.now) {
            return None;
        }
        self.map.pace.begin(revision, self.now);
        let calls = self.catalog.edges.keys().filter_map(|id| {
            let answer = self.measures.get(&MeasureId::Calls(id.clone()))?;
            Some((id.clone(), answer.at, answer.found.clone()))
        });
        Some(MapStudy {
            catalog: Arc::clone(&self.catalog),
            declared: self.map.declared.unwrap_or(self.now),
            calls: calls.collect(),
            traced: self.traced.values().cloned().collect(),
        })
    }

    /// What is seen along every edge now, by caller and callee.
    pub fn edge_views(&self) -> HashMap<(ServiceId, ServiceId), EdgeView> {
        let mut views: HashMap<(ServiceId, ServiceId), EdgeView> = HashMap::new();
        for (id, edges) in &self.catalog.edges {
            let parts = [
                MeasureId::Calls(id.clone()),
                MeasureId::Failed(id.clone()),
                MeasureId::Retried(id.clone()),
                MeasureId::Tripped(id.clone()),
            ];
            for of in parts {
                let Some(answer) = self.measures.get(&of) else { continue };
                let (_, freshness) = self.age_of(&answer.source, answer.at);
                for found in &answer.found {
                    let from = end(&self.catalog, &found.labels, &edges.from);
                    let to = end(&self.catalog, &found.labels, &edges.to);
                    let (Some(from), Some(to)) = (from, to) else { continue };
                    let view = views.entry((from, to)).or_default();
                    let value = found.value.value();
                    let add = |known: Option<f64>| match (known, value) {
                        (Some(a), Some(b)) => Some(a + b),
                        (a, b) => a.or(b),
                    };
                    match &of {
                        MeasureId::Failed(_) => view.failed = add(view.failed),
                        MeasureId::Retried(_) => view.retried = add(view.retried),
                        MeasureId::Tripped(_) => {
                            let open = value.map(|value| value >= 1.0);
                            view.tripped = view.tripped.max(open);
                        }
                        _ => view.calls = add(view.calls),
                    }
                    view.stale |= freshness != Freshness::Fresh;
                }
            }
        }
        views
    }
}
