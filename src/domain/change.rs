//! Changes: what was deployed, switched, configured, scaled, by whom and when, as its source tells it.

use serde::{Deserialize, Serialize};

use super::{SafeText, ServiceId, SourceId, Timestamp};

/// Which change, the same whenever its source is asked: `git/refs/tags/v812`, `ci/build/12`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ChangeKey {
    /// Who told of it.
    pub source: SourceId,
    /// As the source names it.
    pub id: SafeText,
}

/// What kind of change it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ChangeKind {
    /// Another version of a program runs.
    Deploy,
    /// Code was merged or tagged; it runs when it is deployed.
    Merge,
    /// A feature flag was switched or its rollout changed.
    Flag,
    /// Configuration.
    Config,
    /// Replicas, weights, sizes.
    Scale,
    /// The form of data: what code alone cannot take back.
    Migration,
}

impl ChangeKind {
    /// All, in the order they are listed.
    pub const ALL: [Self; 6] =
        [Self::Deploy, Self::Merge, Self::Flag, Self::Config, Self::Scale, Self::Migration];

    /// As written in files and on the screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Merge => "merge",
            Self::Flag => "flag",
            Self::Config => "config",
            Self::Scale => "scale",
            Self::Migration => "migration",
        }
    }
}

/// Whether a second person looked at it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Reviewed {
    /// The source does not say.
    #[default]
    Unknown,
    /// Nobody did.
    No,
    /// These did.
    By(Vec<SafeText>),
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum ChangeState {
    /// The source does not say.
    #[default]
    Unknown,
    /// Under way.
    Running,
    /// Done.
    Done,
    /// It ended badly, and may have taken effect in part.
    Failed,
    /// It was taken back.
    Undone,
}

/// How large it is; the measures of just-in-time defect prediction (Kamei et al. 2013).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct ChangeSize {
    /// Lines added.
    pub added: u32,
    /// Lines deleted.
    pub deleted: u32,
    /// Paths touched; at most 200 of them.
    pub paths: Vec<SafeText>,
    /// How many paths in all.
    pub files: u32,
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Change {
    /// Which.
    pub key: ChangeKey,
    /// When it took effect, or began to, by the source's clock.
    pub at: Timestamp,
    /// What kind.
    pub kind: ChangeKind,
    /// The service it is of; `None` when the source does not say and nothing maps it.
    pub service: Option<ServiceId>,
    /// One line (`checkout v812`).
    pub title: SafeText,
    /// Who made it; may be empty.
    pub author: SafeText,
    /// Whether a second person looked at it.
    pub reviewed: Reviewed,
    /// What ran before; empty when unknown.
    pub before: SafeText,
    /// What runs since; empty when unknown.
    pub after: SafeText,
    /// How far it is.
    pub state: ChangeState,
    /// How large, when the source can tell.
    pub size: Option<ChangeSize>,
    /// What else went out with it: merges in a deploy, in the source's words; at most 50.
    pub with: Vec<SafeText>,
    /// Where to look at it; may be empty.
    pub url: SafeText,
}
