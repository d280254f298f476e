//! Procedures: everything that may be done to production, written down and reviewed beforehand in the
//! playbook. There is no free shell: what is not there cannot be run.
//!
//! ```text
//! Procedure ─ one or more ─► Step ─ parameters filled in ─► Order ─ approved, released ─► Pipeline
//! ```
//!
//! An [`Order`] is complete: what a second person reads before approving is what is sent, byte for byte.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    ChangeKind, Matcher, PipelineId, ProcedureId, SafeText, ServiceId, SloId, Span, Timestamp,
};

/// Everything declared about changing production.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Procedures {
    /// Ways to have something run, by id; how each is spoken to is the connector's.
    pub pipelines: BTreeMap<PipelineId, PipelineKind>,
    /// What may be run, by id.
    pub procedures: BTreeMap<ProcedureId, Procedure>,
    /// Times in which changes need a reason: freezes.
    pub freezes: Vec<Freeze>,
}

/// A time in which nothing should be changed that can wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freeze {
    /// One line.
    pub title: SafeText,
    /// First moment.
    pub from: Timestamp,
    /// First moment after.
    pub to: Timestamp,
}

/// How a pipeline is spoken to, as far as decisions need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PipelineKind {
    /// Buildbot's force schedulers.
    Buildbot,
    /// GitHub Actions, by `workflow_dispatch`.
    GithubActions,
    /// GitLab pipelines.
    Gitlab,
    /// Jenkins' parameterised builds.
    Jenkins,
    /// Argo Rollouts, through kubectl.
    Argo,
    /// HAProxy's runtime API.
    Haproxy,
    /// Unleash's admin API.
    Unleash,
    /// A flag server that answers OpenFeature's remote evaluation (OFREP), switched by its own admin API.
    Ofrep,
    /// Reviewed commands on this host.
    Command,
    /// A canary judged beside its baseline.
    Judge,
}

impl PipelineKind {
    /// All.
    pub const ALL: [Self; 10] = [
        Self::Buildbot,
        Self::GithubActions,
        Self::Gitlab,
        Self::Jenkins,
        Self::Argo,
        Self::Haproxy,
        Self::Unleash,
        Self::Ofrep,
        Self::Command,
        Self::Judge,
    ];

    /// As written in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Buildbot => "buildbot",
            Self::GithubActions => "github-actions",
            Self::Gitlab => "gitlab",
            Self::Jenkins => "jenkins",
            Self::Argo => "argo-rollouts",
            Self::Haproxy => "haproxy",
            Self::Unleash => "unleash",
            Self::Ofrep => "ofrep",
            Self::Command => "command",
            Self::Judge => "canary-judge",
        }
    }
}

/// What a procedure is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ProcedureKind {
    /// Back to what ran before.
    Rollback,
    /// On to something mended.
    FixForward,
    /// A flag on or off.
    Flag,
    /// Traffic to a canary, up or down.
    Canary,
    /// A system is cut off.
    Containment,
    /// A step down a ladder: less is done, so that the rest goes on.
    Degradation,
    /// More or fewer of something.
    Scale,
    /// What runs is made what is declared.
    Reconcile,
}

impl ProcedureKind {
    /// The kind of change it takes back.
    pub const fn takes_back(self) -> Option<ChangeKind> {
        match self {
            Self::Rollback | Self::FixForward | Self::Canary => Some(ChangeKind::Deploy),
            Self::Flag => Some(ChangeKind::Flag),
            Self::Scale => Some(ChangeKind::Scale),
            Self::Reconcile => Some(ChangeKind::Config),
            Self::Containment | Self::Degradation => None,
        }
    }

    /// All, in the order they are listed.
    pub const ALL: [Self; 8] = [
        Self::Rollback,
        Self::FixForward,
        Self::Flag,
        Self::Canary,
        Self::Containment,
        Self::Degradation,
        Self::Scale,
        Self::Reconcile,
    ];

    /// As written in the file and on the screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::FixForward => "fix-forward",
            Self::Flag => "flag",
            Self::Canary => "canary",
            Self::Containment => "containment",
            Self::Degradation => "degradation",
            Self::Scale => "scale",
            Self::Reconcile => "reconcile",
        }
    }
}

/// Something that may be done to production.
#[derive(Debug, Clone, PartialEq)]
pub struct Procedure {
    /// Its name, unique in the file.
    pub id: ProcedureId,
    /// One line.
    pub title: SafeText,
    /// What it is for.
    pub kind: ProcedureKind,
    /// The service it acts on.
    pub service: ServiceId,
    /// What has to be said each time.
    pub params: Vec<Param>,
    /// What is run, in order; each step begins when the one before is done and its check holds.
    pub steps: Vec<Step>,
    /// Whether a second person has to approve; default yes.
    pub second_person: bool,
    /// After release nothing is sent for so long, and anybody may stop it; default 10 s.
    pub cancel_window: Span,
    /// How long it usually takes until it has taken effect, as its owner says.
    pub expected: Option<Span>,
    /// How likely it is to work, from 0 to 1, as its owner says; history replaces it.
    pub success: Option<f64>,
    /// What goes back or along with it (config, flags), in words.
    pub takes_along: Vec<SafeText>,
    /// What cannot be undone by it (migrations, mails sent), in words.
    pub irreversible: Vec<SafeText>,
    /// The procedure that takes it back.
    pub undo: Option<ProcedureId>,
    /// The procedure to try when this one does not help.
    pub backup: Option<ProcedureId>,
    /// Where on its ladder, from 1; only of degradations.
    pub rung: Option<u16>,
    /// What is watched afterwards.
    pub verify: Verify,
    /// Who answers for it.
    pub owner: SafeText,
    /// When it was last tried out.
    pub tested: Option<Timestamp>,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// One line.
    pub title: SafeText,
    /// Through which pipeline.
    pub pipeline: PipelineId,
    /// What is asked of it, with `{parameter}` where a parameter goes.
    pub ask: Ask,
    /// It must have ended after so long; default 15 min.
    pub deadline: Span,
}

/// What has to be said each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Its name.
    pub name: SafeText,
    /// What it may be.
    pub form: Form,
    /// Filled in when nothing is said; `{before}` is what ran before the change that is rolled back.
    pub default: Option<SafeText>,
}

/// What a parameter may be. Nothing may hold a control character or a line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// A version: letters, digits, `.`, `_`, `-`, `+`, `/`; at most 128 of them, not beginning with `-`.
    Version,
    /// A whole number.
    Whole {
        /// Least.
        least: i64,
        /// Most.
        most: i64,
    },
    /// One of these.
    Choice(Vec<SafeText>),
    /// Text of at most so many characters, passed on as it is.
    Text(u16),
}

/// What is asked of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ask {
    /// A job with typed parameters: a Buildbot force scheduler, a workflow, a pipeline, a Jenkins job.
    Job {
        /// Which.
        job: SafeText,
        /// Branch or tag it runs on; empty is the server's own.
        reference: SafeText,
        /// Names and values.
        params: Vec<(SafeText, SafeText)>,
    },
    /// A reviewed command; the first is the program's absolute path. No shell reads it.
    Command {
        /// Program and arguments.
        argv: Vec<SafeText>,
    },
    /// HAProxy: how much traffic a server gets.
    Weight {
        /// Backend.
        backend: SafeText,
        /// Server.
        server: SafeText,
        /// 0 to 256.
        weight: SafeText,
    },
    /// HAProxy: whether a server takes traffic at all.
    Server {
        /// Backend.
        backend: SafeText,
        /// Server.
        server: SafeText,
        /// Which state.
        state: ServerState,
    },
    /// A flag.
    Flag {
        /// Which.
        flag: SafeText,
        /// Where; empty is the only one.
        environment: SafeText,
        /// On or off.
        on: bool,
    },
    /// Argo Rollouts.
    Rollout {
        /// Kubernetes namespace.
        namespace: SafeText,
        /// The rollout.
        name: SafeText,
        /// What is done.
        verb: RolloutVerb,
    },
}

/// Whether a server takes traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ServerState {
    /// Takes it.
    Ready,
    /// Finishes what it has, takes nothing new.
    Drain,
    /// Takes nothing.
    Maintenance,
}

/// What Argo Rollouts can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RolloutVerb {
    /// The next step.
    Promote,
    /// Back to the stable version.
    Abort,
    /// Back to a revision; empty is the one before.
    Undo {
        /// Which.
        revision: SafeText,
    },
    /// Try again.
    Retry,
}

/// A step with its parameters filled in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Order {
    /// One line.
    pub title: SafeText,
    /// Through which pipeline.
    pub pipeline: PipelineId,
    /// What is asked of it.
    pub ask: Ask,
    /// It must have ended after so long.
    pub deadline: Span,
}

/// What is watched after a procedure, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Verify {
    /// Objectives that should burn less.
    pub slos: Vec<SloId>,
    /// Alerts that should end.
    pub alerts: Vec<Matcher>,
    /// The fixed window, from when the last step took effect; default 10 min.
    pub window: Span,
}

/// How a run was found to have worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RunVerdict {
    /// What was watched is well again.
    Recovered,
    /// It is as it was.
    NoChange,
    /// It is worse than before.
    Worse,
    /// There was nothing to judge by: no data is not recovery.
    Unknown,
}

impl RunVerdict {
    /// On the screen and in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::NoChange => "no change",
            Self::Worse => "worse",
            Self::Unknown => "unknown",
        }
    }
}

/// How far a run is at the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Stage {
    /// Accepted, not begun.
    Queued,
    /// Under way.
    Running,
    /// It waits for somebody there.
    Held,
}
