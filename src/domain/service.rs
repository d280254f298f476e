//! Services and what is declared about them: the catalog.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Consensus, ConsensusId, EdgeOrigin, EdgeQueries, EdgesId, Labels, MaintenanceWindow, Matcher,
    RecoveryOption, Replication, ReplicationId, Resource, ResourceId, SafeText, ServiceId, Slo,
    SloId, Vendor, VendorId,
};

/// A service of the catalog.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Service {
    /// Its name, unique in the catalog.
    pub id: ServiceId,
    /// One line about it.
    pub title: SafeText,
    /// 1 is the most important; `None` when not declared.
    pub tier: Option<u8>,
    /// Owning team or person; empty when nobody is named.
    pub owner: SafeText,
    /// Where to reach the owner (chat channel, phone).
    pub contact: SafeText,
    /// Default runbook for its alerts: a URL, or a path of a Markdown file beside the catalog.
    pub runbook: SafeText,
    /// Text of the runbook when it is a local file that could be read.
    pub runbook_text: Option<SafeText>,
    /// What it calls.
    pub depends_on: Vec<Dependency>,
    /// Which labels mean this service; default: the label `service` equals the id.
    pub matchers: Vec<Matcher>,
    /// Queries for the golden signals.
    pub signals: Vec<SignalQuery>,
    /// PromQL: 1 for each of its processes that is up; liveness, not capability.
    pub alive: Option<String>,
    /// How many of it run, any of which can do the work; 1 when not said.
    pub replicas: Option<u16>,
    /// Zones or regions its replicas are spread over.
    pub zones: Vec<SafeText>,
    /// Whether it keeps nothing that a restart would lose; `None` when nobody has said.
    pub stateless: Option<bool>,
    /// Ways to bring it back.
    pub recovery: Vec<RecoveryOption>,
}

/// A dependency goes from the caller to the callee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// The callee.
    pub on: ServiceId,
    /// Whether the caller fails when the callee does.
    pub hard: bool,
    /// The caller's dependencies with the same number stand in for each other: one of them is enough.
    pub any_of: Option<u32>,
    /// The kind of file that says so.
    pub origin: EdgeOrigin,
}

/// The four golden signals (Google SRE book).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Signal {
    /// Requests per second.
    Traffic,
    /// Share of requests that fail.
    Errors,
    /// Seconds, usually the 99th percentile.
    Latency,
    /// Share of the scarcest resource in use.
    Saturation,
}

impl Signal {
    /// In the order they are shown.
    pub const ALL: [Self; 4] = [Self::Traffic, Self::Errors, Self::Latency, Self::Saturation];

    /// As written in the catalog and on the screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Traffic => "traffic",
            Self::Errors => "errors",
            Self::Latency => "latency",
            Self::Saturation => "saturation",
        }
    }
}

/// What a signal's numbers count, for printing them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Unit {
    /// Per second.
    PerSecond,
    /// 0 to 1, printed as per cent.
    Ratio,
    /// Seconds.
    Seconds,
    /// A plain number.
    Count,
    /// Bytes, printed in powers of 1,024.
    Bytes,
}

/// A PromQL expression for one signal; must give one series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalQuery {
    /// Which signal.
    pub signal: Signal,
    /// The expression.
    pub expr: String,
    /// What its numbers mean.
    pub unit: Unit,
}

/// Everything declared: services, objectives, maintenance windows, what can run out, what stands behind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Catalog {
    /// Services by id.
    pub services: BTreeMap<ServiceId, Service>,
    /// Objectives by id, from all formats.
    pub slos: BTreeMap<SloId, Slo>,
    /// Planned work.
    pub windows: Vec<MaintenanceWindow>,
    /// What can run out, by id.
    pub resources: BTreeMap<ResourceId, Resource>,
    /// Consensus groups, by id.
    pub consensus: BTreeMap<ConsensusId, Consensus>,
    /// Copies of data, by id.
    pub replication: BTreeMap<ReplicationId, Replication>,
    /// Suppliers, by id.
    pub vendors: BTreeMap<VendorId, Vendor>,
    /// Where calls between services can be seen, by id.
    pub edges: BTreeMap<EdgesId, EdgeQueries>,
}

impl Catalog {
    /// The service that labels speak of: its own matchers first, else the `service` label.
    pub fn service_of(&self, labels: &Labels) -> Option<&Service> {
        let by_name = ["service", "app", "job"]
            .iter()
            .find_map(|label| self.services.get(labels.get(label)))
            .filter(|s| s.matchers.is_empty());
        by_name.or_else(|| {
            self.services
                .values()
                .find(|s| !s.matchers.is_empty() && s.matchers.iter().all(|m| m.matches(labels)))
        })
    }
}
