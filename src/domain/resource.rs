//! What can run out: queues, pools, disks, connections, quotas.

use serde::{Deserialize, Serialize};

use super::{ResourceId, SafeText, ServiceId, SourceId, Unit};

/// A resource of the catalog. Its expressions may give several series (one per instance, volume, queue).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// Its name, unique in the catalog.
    pub id: ResourceId,
    /// One line about it.
    pub title: SafeText,
    /// The service that fails when it runs out.
    pub service: ServiceId,
    /// What it is.
    pub kind: ResourceKind,
    /// PromQL: how much is in use.
    pub used: String,
    /// How much there is.
    pub limit: Capacity,
    /// What the numbers count.
    pub unit: Unit,
    /// Labels that tell its series apart; the limit's series are matched by them.
    pub per: Vec<SafeText>,
    /// Other services that draw on it: a shared limit.
    pub shared_by: Vec<ServiceId>,
    /// The service whose traffic fills it, for what-if; its own unless said otherwise.
    pub filled_by: ServiceId,
    /// Share in use from which it is short, 0 to 1.
    pub short_from: f64,
    /// The Prometheus to ask; the first one when not said.
    pub source: Option<SourceId>,
}

/// How much there is of a resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Capacity {
    /// Written down.
    Fixed(f64),
    /// PromQL.
    Query(String),
    /// Nobody says; only the rate can be shown.
    Unknown,
}

/// Kinds of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ResourceKind {
    /// Waiting work.
    Queue,
    /// Workers, threads or connections that are lent out.
    Pool,
    /// Space on a volume.
    Disk,
    /// Open connections of a server.
    Connections,
    /// What somebody else allows per time or in all.
    Quota,
    /// Processor time.
    Cpu,
    /// Memory.
    Memory,
    /// Anything else.
    Custom,
}

impl ResourceKind {
    /// All, with the word for each as written in the catalog.
    pub const ALL: [(&'static str, Self); 8] = [
        ("queue", Self::Queue),
        ("pool", Self::Pool),
        ("disk", Self::Disk),
        ("connections", Self::Connections),
        ("quota", Self::Quota),
        ("cpu", Self::Cpu),
        ("memory", Self::Memory),
        ("custom", Self::Custom),
    ];

    /// As written in the catalog.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}
