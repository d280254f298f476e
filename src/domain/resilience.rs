//! What stands behind a service when something fails: consensus, replicas, ways to recover, vendors;
//! and where calls between services can be seen.

use serde::{Deserialize, Serialize};

use super::{
    ConsensusId, EdgesId, ReplicationId, SafeText, ServiceId, SourceId, Span, Timestamp, VendorId,
};

/// Members that decide by majority (etcd, NATS JetStream, Consul, anything that can be counted).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consensus {
    /// Its name, unique in the catalog.
    pub id: ConsensusId,
    /// The service it is.
    pub service: ServiceId,
    /// PromQL: 1 for each healthy member, 0 for each that is not.
    pub members: String,
    /// PromQL: 1 for each member that knows a leader; none when it cannot be asked.
    pub leader: Option<String>,
    /// How many members vote, when written down; else as many as were seen at most.
    pub voters: Option<u16>,
    /// The Prometheus to ask; the first one when not said.
    pub source: Option<SourceId>,
}

/// Copies of a service's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replication {
    /// Its name, unique in the catalog.
    pub id: ReplicationId,
    /// The service whose data it is.
    pub service: ServiceId,
    /// PromQL: seconds each replica is behind.
    pub lag: String,
    /// PromQL: 1 for each replica that is written to synchronously; asynchronous when not said.
    pub synchronous: Option<String>,
    /// How much data may be lost (recovery point objective).
    pub rpo: Span,
    /// Labels that name a replica, and its region where it has one.
    pub per: Vec<SafeText>,
    /// The Prometheus to ask; the first one when not said.
    pub source: Option<SourceId>,
}

/// Ways back to work, in the order they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Recovery {
    /// Start the process anew where it is.
    Restart,
    /// Start it elsewhere.
    Reschedule,
    /// Let the standby take over.
    FailOver,
    /// Bring data back from a backup.
    Restore,
}

impl Recovery {
    /// All, with the word for each as written in the catalog, cheapest first.
    pub const ALL: [(&'static str, Self); 4] = [
        ("restart", Self::Restart),
        ("reschedule", Self::Reschedule),
        ("fail-over", Self::FailOver),
        ("restore", Self::Restore),
    ];

    /// As written in the catalog.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, way)| *way == self).map_or("", |(name, _)| name)
    }
}

/// One way a service can be brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryOption {
    /// What is done.
    pub way: Recovery,
    /// How long it is expected to take, from history or a drill; `None` when nobody has said.
    pub takes: Option<Span>,
    /// When it was last proven to work.
    pub proven: Option<Timestamp>,
}

/// A supplier whose inside nobody sees: its status page, and how it does at its callers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vendor {
    /// Its name, unique in the catalog.
    pub id: VendorId,
    /// The service it stands for in the map.
    pub service: ServiceId,
    /// The source that reads its status page, if it has one.
    pub feed: Option<SourceId>,
    /// Components of the page that matter here; all when empty.
    pub components: Vec<SafeText>,
}

/// What a status page says of one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentSeen {
    /// Its name there.
    pub name: SafeText,
    /// How it is said to be.
    pub state: VendorState,
}

/// States of a Statuspage component, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VendorState {
    /// `operational`.
    Operational,
    /// `under_maintenance`.
    Maintenance,
    /// `degraded_performance`.
    Degraded,
    /// `partial_outage`.
    Partial,
    /// `major_outage`.
    Major,
}

impl VendorState {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operational => "operational",
            Self::Maintenance => "maintenance",
            Self::Degraded => "degraded",
            Self::Partial => "partial outage",
            Self::Major => "major outage",
        }
    }
}

/// What a status page says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeedSeen {
    /// Components.
    pub components: Vec<ComponentSeen>,
    /// Open incidents there: title, their latest word, when.
    pub incidents: Vec<(SafeText, SafeText, Timestamp)>,
}

/// Expressions that show calls between services, each giving series with two labels that name them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EdgeQueries {
    /// Its name, unique in the catalog (`mesh`, `haproxy`).
    pub id: EdgesId,
    /// Label that names the caller.
    pub from: SafeText,
    /// Label that names the callee.
    pub to: SafeText,
    /// PromQL: calls per second.
    pub calls: String,
    /// PromQL: failed calls per second.
    pub failed: Option<String>,
    /// PromQL: repeated calls per second.
    pub retried: Option<String>,
    /// PromQL: 1 for each breaker that is open, 0 for each that is closed.
    pub tripped: Option<String>,
    /// The Prometheus to ask; the first one when not said.
    pub source: Option<SourceId>,
}

/// A call relation somebody saw (traces).
#[derive(Debug, Clone, PartialEq)]
pub struct CallSeen {
    /// The caller.
    pub from: ServiceId,
    /// The callee.
    pub to: ServiceId,
    /// How many calls were seen.
    pub calls: u64,
}
