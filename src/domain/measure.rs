//! Questions of the catalog that numbers answer: how full, how many, how late, how often called.
//!
//! Every declared thing that is measured asks one PromQL expression per [`MeasureId`]; the answer is an
//! instant vector, one [`Measured`] per series. What the numbers mean is said by whoever declared them.

use serde::{Deserialize, Serialize};

use super::{ConsensusId, EdgesId, Labels, Reading, ReplicationId, ResourceId, ServiceId, Signal};

/// What an expression measures, and of what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MeasureId {
    /// How much of a resource is in use.
    Used(ResourceId),
    /// The same over weeks, for the resource on screen.
    LongUsed(ResourceId),
    /// The same over the last minutes, as finely as it is asked for.
    RecentUsed(ResourceId),
    /// How much of it there is, where that is measured and not written down.
    Limit(ResourceId),
    /// A service's processes: 1 for each that is up, 0 for each that is not.
    Alive(ServiceId),
    /// A consensus group's members: 1 for each that is healthy, 0 for each that is not.
    Members(ConsensusId),
    /// Which members hold that there is a leader: 1 or 0 each.
    Leader(ConsensusId),
    /// Seconds each replica is behind.
    Lag(ReplicationId),
    /// 1 for each replica that is written to synchronously, 0 for the others.
    Synchronous(ReplicationId),
    /// Calls per second along edges; two labels say from where to where.
    Calls(EdgesId),
    /// Of those, failed ones per second.
    Failed(EdgesId),
    /// Of those, repeated ones per second.
    Retried(EdgesId),
    /// Breakers along edges: 1 open, 0 closed.
    Tripped(EdgesId),
    /// A golden signal, asked for while services are compared to find what is to blame.
    Signal(ServiceId, Signal),
    /// How much of a resource is in use, asked for finely while services are compared.
    Strain(ResourceId),
}

/// One series of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Tells it from the others of the same answer.
    pub labels: Labels,
    /// The number.
    pub value: Reading,
}
