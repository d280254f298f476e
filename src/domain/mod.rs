//! The words of the trade: plain values and their rules. No I/O, no clock, no terminal.
//!
//! What belongs here is what an incident commander would name; how it is fetched, stored or drawn
//! belongs elsewhere.

mod actor;
mod alert;
mod change;
mod flag;
mod graph;
mod id;
mod incident;
mod labels;
mod maintenance;
mod matcher;
mod measure;
mod message;
mod observation;
mod operation;
mod pager;
mod playbook;
mod procedure;
mod resilience;
mod resource;
mod review;
mod series;
mod service;
mod severity;
mod silence;
mod slo;
mod source;
mod text;
mod time;
mod written;

pub use actor::Actor;
pub use alert::{Alert, AlertKey, AlertState};
pub use change::{Change, ChangeKey, ChangeKind, ChangeSize, ChangeState, Reviewed};
pub use flag::{Flag, FlagPlace};
pub use graph::{
    Agreement, Edge, EdgeIx, EdgeOrigin, Graph, Hardness, Node, NodeIx, NodeKey, Origins, Sighting,
};
pub use id::{
    ChannelId, ConsensusId, EdgesId, IncidentId, PipelineId, ProcedureId, ReplicationId,
    ResourceId, ServiceId, SilenceId, SiteId, SloId, SourceId, TeamId, TrackerId, VendorId,
    WindowId,
};
pub use incident::{Audience, Cause, EntryKind, Evidence, Impact, Moment, Role, Status};
pub use labels::{Interner, Labels};
pub use maintenance::{MaintenanceWindow, Occurrence};
pub use matcher::{Filter, FilterError, MatchOp, Matcher, Term};
pub use measure::{MeasureId, Measured};
pub use message::{Message, Purpose, TicketAct, TicketRef, TicketSeen};
pub use observation::{AlertRule, Ended, Fired, Observation, RulesSeen};
pub use operation::{Operation, Outcome};
pub use pager::{OnCallSeen, PagerPlan, PagerShift};
pub use playbook::{
    Cadence, Channel, Contact, EscalationStep, Override, Playbook, Rotation, Route, Team, Template,
    Whom,
};
pub use procedure::{
    Ask, Form, Freeze, Order, Param, PipelineKind, Procedure, ProcedureKind, Procedures,
    RolloutVerb, RunVerdict, ServerState, Stage, Step, Verify,
};
pub use resilience::{
    CallSeen, ComponentSeen, Consensus, EdgeQueries, FeedSeen, Recovery, RecoveryOption,
    Replication, Vendor, VendorState,
};
pub use resource::{Capacity, Resource, ResourceKind};
pub use review::{CauseCategory, Check, IncidentType, Priority, ReviewSection};
pub use series::{Band, Reading, Series};
pub use service::{Catalog, Dependency, Service, Signal, SignalQuery, Unit};
pub use severity::{Judged, Level, LevelRule, Severity, SeverityPolicy};
pub use silence::{MatcherSpec, Silence, SilenceDraft, SilenceState, hits};
pub use slo::{
    BurnCondition, Indicator, Method, Origin, Recorded, Slo, SloFormat, SloReading, Urgency,
};
pub use source::{Breaker, ClockOffset, Failure, FailureKind, Freshness, SourceKind, SourceStatus};
pub use text::{BODY_BYTES, LINE_BYTES, SafeText, bytes};
pub use time::{Span, Timestamp};
pub use written::{Fault, Section, Setting, nearest, sections};
