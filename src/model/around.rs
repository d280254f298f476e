//! What is around a service: the unwell ones it calls, where its trouble may come from, and the unwell
//! ones that call it, which it may hit.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Health, Model, NodeViews};
use crate::analysis::graph::{Reach, Walk, reach};
use crate::domain::{Graph, NodeIx, SafeText, ServiceId};

/// So many calls up and down are looked at.
const HOPS: usize = 3;
/// So many of the unwell ones of a side are told of: in a large outage hundreds are near.
const TOLD: usize = 5;

/// A service that is not well, near another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    /// Which.
    pub service: ServiceId,
    /// What lies between the two, nearest first; empty when one calls the other.
    pub over: Vec<ServiceId>,
    /// How it stands.
    pub health: Health,
    /// Why, the gravest reason.
    pub why: SafeText,
}

/// One side of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AroundSide {
    /// The worst of those that are unwell, the nearest of equals first.
    pub worst: Vec<Beside>,
    /// How many are unwell.
    pub unwell: usize,
    /// How many are one call away.
    pub next: usize,
    /// Of all that were looked at, how many nothing recent is known of.
    pub unknown: usize,
}

/// What is around a service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AroundView {
    /// What it calls.
    pub callees: AroundSide,
    /// What calls it.
    pub callers: AroundSide,
}

impl Model {
    /// What is around a service, up to three calls away; `None` when no call of it or to it is known.
    pub fn around(&self, service: &ServiceId, views: &NodeViews) -> Option<AroundView> {
        let graph = self.map.graph();
        let of: Vec<NodeIx> = graph.of_service(service).collect();
        let side = |walk| side(graph, &reach(graph, &of, walk, HOPS), service, views);
        let found = AroundView { callees: side(Walk::Callees), callers: side(Walk::Callers) };
        (found.callees.next + found.callers.next > 0).then_some(found)
    }
}

fn side(graph: &Arc<Graph>, near: &Reach, service: &ServiceId, views: &NodeViews) -> AroundSide {
    let mut side = AroundSide { next: near.next, ..AroundSide::default() };
    let name = |at: NodeIx| &graph.node(at).key.service;
    let mut unwell: Vec<(Health, NodeIx)> = Vec::new();
    let mut seen = HashSet::new();
    for at in &near.nodes {
        match views.health_at(graph, *at) {
            Health::Stale | Health::Unknown => side.unknown += 1,
            Health::Well => {}
            // One service at several sites is told once.
            health if name(*at) != service && seen.insert(name(*at)) => unwell.push((health, *at)),
            _ => {}
        }
    }
    side.unwell = unwell.len();
    // The order of the walk, nearest first, stays among equals.
    unwell.sort_by_key(|(health, _)| *health);
    unwell.truncate(TOLD);
    side.worst =
        unwell.into_iter().map(|(health, at)| beside(graph, near, at, health, views)).collect();
    side
}

fn beside(graph: &Graph, near: &Reach, at: NodeIx, health: Health, views: &NodeViews) -> Beside {
    let name = |at: NodeIx| graph.node(at).key.service.clone();
    let mut over: Vec<ServiceId> = near.way(at).into_iter().map(name).collect();
    over.pop();
    let why = views.nodes.get(&name(at)).and_then(|view| view.why.first()).cloned();
    Beside { service: name(at), over, health, why: why.unwrap_or_default() }
}
