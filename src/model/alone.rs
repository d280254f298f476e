//! What has nothing beside it: services that take others down alone, and limits that several draw on.

use crate::analysis::graph::{Limit, shared_limits, single_points};
use crate::domain::{Catalog, Graph, NodeIx, ResourceId, ServiceId};

/// A service that takes others down alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Single {
    /// Which.
    pub service: ServiceId,
    /// How many of it are said to run; `None` when nobody says.
    pub replicas: Option<u16>,
    /// How many services fail with it.
    pub takes: usize,
    /// Those of them where requests come in.
    pub entries: Vec<ServiceId>,
}

/// A resource that several services draw on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// Which.
    pub resource: ResourceId,
    /// The service that fails when it runs out.
    pub service: ServiceId,
    /// Who draws on it.
    pub drawn_by: Vec<ServiceId>,
    /// Who fails when it runs out, its own service not counted.
    pub takes: Vec<ServiceId>,
    /// How many more only degrade.
    pub degrades: usize,
}

/// Both, what takes the most down first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alone {
    /// What runs once before what is replicated.
    pub singles: Vec<Single>,
    /// Limits.
    pub shared: Vec<Shared>,
}

impl Alone {
    /// Of a graph, with the limits of the catalog.
    pub(super) fn of(graph: &Graph, catalog: &Catalog) -> Self {
        let service = |at: NodeIx| graph.node(at).key.service.clone();
        let singles = single_points(graph).into_iter().map(|point| Single {
            service: service(point.node),
            replicas: graph.node(point.node).replicas,
            takes: point.takes,
            entries: point.entries.into_iter().map(service).collect(),
        });
        let node = |id: &ServiceId| graph.of_service(id).next();
        let limits: Vec<Limit> = catalog
            .resources
            .values()
            .filter_map(|resource| {
                let shared_by = resource.shared_by.iter().filter_map(node).collect();
                let (name, service) = (resource.id.text().clone(), node(&resource.service)?);
                Some(Limit { name, service, shared_by })
            })
            .collect();
        let shared = shared_limits(graph, &limits).into_iter().map(|found| Shared {
            resource: ResourceId::new(found.limit.name.as_str()),
            service: service(found.limit.service),
            drawn_by: found.drawn_by.into_iter().map(service).collect(),
            takes: found.blast.hit.iter().map(|hit| service(hit.node)).collect(),
            degrades: found.blast.degraded.len(),
        });
        Self { singles: singles.collect(), shared: shared.collect() }
    }
}
