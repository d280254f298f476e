//! What has things run: CI servers, deployment tools, traffic splitters, flag servers, reviewed commands.
//!
//! ```text
//! runner (runtime) ── step requested, attempt recorded ──► Pipeline::start ──► Begun
//!        │                                                       │
//!        ├ every few seconds ─────────────────► Pipeline::watch ─┴─► Progress: queued, running, ended
//!        └ found cut off ─────────────────────► Pipeline::find ────► Begun, or certainly not, or unknown
//! ```
//!
//! The key of a step is the id of the record that requested it, as 64 hexadecimal digits. It is sent along
//! wherever the other side takes anything of ours (a property, an input, a reason), so that a step whose
//! answer was lost can be found again. Nothing is ever started twice for one key.
//!
//! | pipeline | our key | looks back | stops |
//! |---|---|---|---|
//! | `command` | in its environment | while it runs | yes |
//! | `haproxy`, `unleash` | nowhere: the same twice is once | by what is in force | no: it is done at once |
//! | `ofrep` | the flag's metadata | by it | no: it is done at once |
//! | `github-actions` | an input, shown in the run's title | the newest runs; lists lag behind | yes |
//! | `gitlab` | a variable | the newest pipelines' variables | yes |
//! | `jenkins` | a parameter | queue and newest builds | yes |
//! | `argo-rollouts` | an annotation, set first | by it and the rollout's state | no |
//! | `canary-judge` | nowhere: it only watches | – | no |

mod answer;
mod argo;
mod buildbot;
mod command;
pub mod config;
mod github;
mod gitlab;
mod haproxy;
mod jenkins;
mod jobs;
mod judge;
mod ofrep;
mod rehearsal;
mod remote;
mod server;
mod unleash;

pub use argo::Argo;
pub use buildbot::Buildbot;
pub use command::Command;
pub use github::GithubActions;
pub use gitlab::GitlabPipelines;
pub use haproxy::Haproxy;
pub use jenkins::Jenkins;
pub use judge::Judge;
pub use ofrep::Ofrep;
pub use rehearsal::Rehearsal;
pub use unleash::Unleash;

use std::sync::Arc;

use async_trait::async_trait;

use super::Clock;
use crate::domain::{Flag, Order, PipelineId, PipelineKind, SafeText, Span, Stage};

/// The pipeline as it is configured; `None` for a kind that is spoken to by nothing here yet.
pub fn pipeline(
    config: &config::PipelineConfig,
    clock: &Arc<dyn Clock>,
) -> Option<Arc<dyn Pipeline>> {
    let id = config.id.clone();
    match &config.way {
        config::Way::Command(commands) => Some(Arc::new(Command::new(id, commands.clone()))),
        _ => remote::remote(config, clock),
    }
}

/// A run at the other side.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Begun {
    /// As the other side names it, enough to watch and stop it by.
    pub receipt: SafeText,
    /// Where to look at it; may be empty.
    pub url: SafeText,
}

/// Why something was not started, or may have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotBegun {
    /// Certainly not started: refused, or nobody could be reached.
    Refused(SafeText),
    /// The request left and no answer that counts came.
    Unknown(SafeText),
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Whether it goes on.
    pub state: RunState,
    /// The newest lines of its log; at most twenty.
    pub lines: Vec<SafeText>,
}

/// Whether it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunState {
    /// It goes on.
    Under(Stage),
    /// It ended well, and what it was to change was read back where it can be.
    Done,
    /// It ended badly; the sentence says how.
    Failed(SafeText),
    /// It was stopped there.
    Stopped(SafeText),
    /// It is no longer known there: it may have ended either way.
    Gone(SafeText),
}

/// A pipeline as it is configured.
#[async_trait]
pub trait Pipeline: Send + Sync {
    /// Its name in the playbook.
    fn id(&self) -> &PipelineId;

    /// What kind.
    fn kind(&self) -> PipelineKind;

    /// The request as it will be sent, for the eye: method, path and body, or the argument list; no secret.
    fn shown(&self, order: &Order) -> SafeText;

    /// What would happen, without doing it; `None` when the other side cannot tell.
    async fn dry_run(&self, order: &Order) -> Option<Result<SafeText, SafeText>> {
        let _ = order;
        None
    }

    /// How long after its deadline it may still be about to end what it runs, and then knows how it ended.
    fn leeway(&self) -> Span {
        Span::ZERO
    }

    /// Starts it, once.
    async fn start(&self, order: &Order, key: &str) -> Result<Begun, NotBegun>;

    /// How far it is; an error says why this could not be learned just now.
    async fn watch(&self, order: &Order, begun: &Begun) -> Result<Progress, SafeText>;

    /// What a start came to whose answer was lost: what was begun, `None` when certainly nothing was, an
    /// error when this cannot be told.
    async fn find(&self, order: &Order, key: &str) -> Result<Option<Begun>, SafeText>;

    /// Stops what is under way, where that can be done.
    async fn stop(&self, order: &Order, begun: &Begun, reason: &str) -> Result<(), SafeText>;

    /// The flags it keeps, by key; `None` when it is no flag server.
    async fn flags(&self) -> Option<Result<Vec<Flag>, SafeText>> {
        None
    }
}
