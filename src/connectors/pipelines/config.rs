//! Pipelines as they are configured: `[[pipeline]]` of the playbook. No secret stands in them, only where it
//! is kept.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::analysis::canary::{Rule, Thresholds};
use crate::connectors::outbound::config::Endpoint;
use crate::connectors::secret::SecretRef;
use crate::domain::{PipelineId, PipelineKind, SafeText, Span};

/// A way to have something run.
#[derive(Debug, Clone, PartialEq)]
pub struct PipelineConfig {
    /// Its name.
    pub id: PipelineId,
    /// How it is spoken to.
    pub way: Way,
    /// How often it is asked how far a run is; default 2 s.
    pub every: Span,
}

/// How a pipeline is spoken to.
#[derive(Debug, Clone, PartialEq)]
pub enum Way {
    /// Buildbot; the base ends before `/api`. User and password are those of its web front end.
    Buildbot(Endpoint),
    /// GitHub Actions; the base is the API's (`https://api.github.com`).
    GithubActions {
        /// Where.
        endpoint: Endpoint,
        /// `owner/name`.
        repository: SafeText,
    },
    /// GitLab; the base ends with `/api/v4`.
    Gitlab {
        /// Where.
        endpoint: Endpoint,
        /// Number or path of the project.
        project: SafeText,
    },
    /// Jenkins; the base ends before `/job`.
    Jenkins(Endpoint),
    /// kubectl with the Argo Rollouts plugin.
    Argo {
        /// Absolute path of kubectl.
        kubectl: PathBuf,
        /// Its context; empty is the current one.
        context: SafeText,
    },
    /// HAProxy's runtime API: a path, or `host:port`.
    Haproxy(HaproxySocket),
    /// Unleash; the base ends before `/api`.
    Unleash {
        /// Where.
        endpoint: Endpoint,
        /// Project of the flags.
        project: SafeText,
    },
    /// OFREP to evaluate, `admin` to switch.
    Ofrep {
        /// Where.
        endpoint: Endpoint,
        /// The path of its own admin API (`/admin/api/flags`); empty means that flags can only be read.
        admin: SafeText,
    },
    /// Commands on this host.
    Command(Commands),
    /// A canary judged beside its baseline, by what a Prometheus has; the base ends before `/api`.
    Judge {
        /// Where.
        endpoint: Endpoint,
        /// By what.
        judge: JudgeConfig,
    },
}

/// By what a canary is judged.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JudgeConfig {
    /// What is compared.
    pub metrics: Vec<JudgeMetric>,
    /// Which scores go on and go back.
    pub thresholds: Thresholds,
}

/// A metric of canary and baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgeMetric {
    /// Its name.
    pub name: SafeText,
    /// The query that gives one series of the baseline.
    pub baseline: String,
    /// The same of the canary.
    pub canary: String,
    /// How they are compared.
    pub rule: Rule,
}

/// Where HAProxy's runtime API listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HaproxySocket {
    /// A Unix socket.
    Path(PathBuf),
    /// A TCP socket, `host:port`.
    Tcp(String),
}

/// What may be run on this host, and how.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Commands {
    /// Absolute paths of programs; nothing else is ever run.
    pub allow: Vec<PathBuf>,
    /// Where they run; default `/`.
    pub dir: PathBuf,
    /// All of their environment.
    pub env: BTreeMap<String, SecretRef>,
    /// Most memory of each process in bytes; default 1 GiB.
    pub memory: u64,
}

impl Way {
    /// What kind it is.
    pub const fn kind(&self) -> PipelineKind {
        match self {
            Self::Buildbot(_) => PipelineKind::Buildbot,
            Self::GithubActions { .. } => PipelineKind::GithubActions,
            Self::Gitlab { .. } => PipelineKind::Gitlab,
            Self::Jenkins(_) => PipelineKind::Jenkins,
            Self::Argo { .. } => PipelineKind::Argo,
            Self::Haproxy(_) => PipelineKind::Haproxy,
            Self::Unleash { .. } => PipelineKind::Unleash,
            Self::Ofrep { .. } => PipelineKind::Ofrep,
            Self::Command(_) => PipelineKind::Command,
            Self::Judge { .. } => PipelineKind::Judge,
        }
    }

    /// The server behind it, if it speaks HTTP.
    pub const fn endpoint(&self) -> Option<&Endpoint> {
        match self {
            Self::Buildbot(endpoint) | Self::Jenkins(endpoint) => Some(endpoint),
            Self::GithubActions { endpoint, .. }
            | Self::Gitlab { endpoint, .. }
            | Self::Unleash { endpoint, .. }
            | Self::Ofrep { endpoint, .. }
            | Self::Judge { endpoint, .. } => Some(endpoint),
            Self::Argo { .. } | Self::Haproxy(_) | Self::Command(_) => None,
        }
    }
}

impl PipelineConfig {
    /// Where each credential is kept.
    pub fn credentials(&self) -> Vec<&SecretRef> {
        match &self.way {
            Way::Command(commands) => {
                let kept = |place: &&SecretRef| !matches!(place, SecretRef::Given(_));
                commands.env.values().filter(kept).collect()
            }
            way => way.endpoint().map(Endpoint::credentials).unwrap_or_default(),
        }
    }
}
