//! The outside world: asking (observe) and doing (perform).
//!
//! A connector is pure. It says what to ask ([`Connector::asks`]), reads the replies
//! ([`Connector::parse`]) and knows how an operation is sent and its reply understood. Everything that
//! can block, fail or lie is shared and lives elsewhere:
//!
//! ```text
//! poll loop ── asks(interest, now) ──► Ask ──► Transport ──► Reply ── parse ──► Observations ──► Msg
//!    │                                           │
//!    └ limit, deadline, retry budget,            ├ live:   http.rs (TLS, credentials, size cap)
//!      breaker, last good answer's age           ├ tape:   a recording, played at any speed
//!                                                └ record: live, and what was seen goes on a tape
//! ```
//!
//! Every ask has a `key` that stays the same from poll to poll: a recording is looked up by it.

pub mod alertmanager;
pub mod changes;
pub mod discover;
pub mod http;
pub mod jaeger;
pub mod outbound;
pub mod pagerduty;
pub mod pipelines;
pub mod poll;
pub mod prometheus;
pub mod registry;
pub mod resilience;
pub mod secret;
pub mod statuspage;
pub mod tape;
pub mod trackers;
mod wire;

use crate::domain::{
    Observation, Operation, Outcome, ResourceId, SafeText, ServiceId, SloId, SourceId, Span,
    Timestamp,
};

/// One HTTP exchange to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Stable name of the question within its source (`alerts`, `slo:3`, `range:checkout:latency`).
    pub key: String,
    /// GET, POST or DELETE.
    pub method: Method,
    /// Path below the source's base URL, beginning with `/`.
    pub path: String,
    /// Query parameters, or form fields when the method is POST and there is no body.
    pub params: Vec<(&'static str, String)>,
    /// A JSON body.
    pub body: Option<Vec<u8>>,
}

/// HTTP methods in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Writes, and reads whose question is long.
    Post,
    /// Removes.
    Delete,
}

/// What came back, body complete and below the size cap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The body, decompressed.
    pub body: Vec<u8>,
    /// How long the server asks us to stay away (`Retry-After`), if it does.
    pub retry_after: Option<Span>,
    /// The `Date` header, if it could be read.
    pub date: Option<Timestamp>,
    /// When the request left, by our clock.
    pub sent: Timestamp,
    /// When the answer was complete, by our clock.
    pub received: Timestamp,
}

/// Tells the time: the wall clock when live, the recording's time when one is played.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

impl<F: Fn() -> Timestamp + Send + Sync> Clock for F {
    fn now(&self) -> Timestamp {
        self()
    }
}

/// What the person is looking at, so that only its details are fetched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interest {
    /// Service whose golden signals are on screen.
    pub service: Option<ServiceId>,
    /// Objectives whose history is on screen.
    pub slos: Vec<SloId>,
    /// How far back charts reach.
    pub range: Span,
    /// Resource whose long history is on screen.
    pub resource: Option<ResourceId>,
    /// Services whose golden signals are compared to find what is to blame.
    pub around: Vec<ServiceId>,
    /// Objectives by which something that was done is judged, and since when: a console that was not
    /// there then asks what it missed.
    pub missed: Option<(Timestamp, Vec<SloId>)>,
    /// Names of alerts that went while no console looked, and since when that may have been.
    pub fired: Option<(Timestamp, Vec<SafeText>)>,
}

/// A reply that is not what the API promises, or an error it reports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Not JSON, or JSON of another shape. The text says where and what was expected.
    #[error("the answer is not what the API promises: {0}")]
    Shape(String),
    /// The server understood us and refused the question.
    #[error("the server refused the question: {0}")]
    Refused(String),
}

/// One kind of outside system. No I/O here; see the module's head.
pub trait Connector: Send + Sync {
    /// What to ask now. Asks that are due less often than the interval are left out in between.
    fn asks(&self, interest: &Interest, now: Timestamp) -> Vec<Ask>;

    /// What to ask when something else came on screen between two polls: nothing but its details.
    fn details(&self, _interest: &Interest, _now: Timestamp) -> Vec<Ask> {
        Vec::new()
    }

    /// Reads the reply to one of its asks.
    fn parse(
        &self,
        source: &SourceId,
        ask: &Ask,
        reply: &Reply,
    ) -> Result<Vec<Observation>, ParseError>;

    /// Whether the source does well without an answer to this: not every server that speaks a
    /// protocol has all of it (no build information in Mimir, no targets in Thanos).
    fn optional(&self, _ask: &Ask) -> bool {
        false
    }

    /// Forgets what it has asked and seen: a recording was moved, and everything is asked anew.
    fn forget(&self) {}

    /// How an operation is sent; `None` when this kind of source cannot do it.
    fn operate(&self, _: &Operation) -> Option<Ask> {
        None
    }

    /// What the reply to an operation means. Whoever sends none has none answered.
    fn outcome(&self, _: &Operation, _: &Reply) -> Outcome {
        Outcome::Refused { why: "This source takes no operations.".into() }
    }
}
