//! What can be done to an outside system, and what came of it.

use serde::{Deserialize, Serialize};

use super::{SafeText, SilenceDraft, SilenceId, SiteId};

/// Something done to an outside system. Requested in the log first, then performed, then its outcome logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// Make or change a silence on the Alertmanagers of a site.
    Silence {
        /// Where.
        site: SiteId,
        /// What.
        draft: SilenceDraft,
    },
    /// End a silence now.
    Expire {
        /// Where.
        site: SiteId,
        /// Which.
        id: SilenceId,
    },
}

/// What came of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Done; for a silence, the id the server gave it.
    Done {
        /// Id at the server, when it gives one.
        id: Option<SilenceId>,
    },
    /// Certainly not done.
    Refused {
        /// Why, one sentence.
        why: SafeText,
    },
    /// The answer was lost: it may have been done. Never retried blindly.
    Unknown {
        /// Why, one sentence.
        why: SafeText,
    },
}
