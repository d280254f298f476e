//! Alerts as Alertmanager shows them, in our words.

use serde::{Deserialize, Serialize};

use super::{Labels, SafeText, SilenceId, SiteId, SourceId, Timestamp};

/// One alert of one site: the same alert seen through two Alertmanagers of a site is one alert.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AlertKey {
    /// Where it fires.
    pub site: SiteId,
    /// Alertmanager's hash of the labels.
    pub fingerprint: SafeText,
}

/// Whether anybody is being told about it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AlertState {
    /// Notifications go out.
    Active,
    /// Muted by silences or by inhibiting alerts (their fingerprints).
    Suppressed {
        /// Silences that mute it.
        silenced_by: Vec<SilenceId>,
        /// Fingerprints of alerts that inhibit it.
        inhibited_by: Vec<SafeText>,
    },
    /// Alertmanager has not processed it yet.
    Unprocessed,
}

/// One firing alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Identity.
    pub key: AlertKey,
    /// Sources that report it at present.
    pub seen_by: Vec<SourceId>,
    /// Labels as the rule made them.
    pub labels: Labels,
    /// `summary`, `description`, `runbook_url` and the like.
    pub annotations: Labels,
    /// When it began to fire.
    pub starts_at: Timestamp,
    /// When Alertmanager will call it resolved unless it is told again.
    pub ends_at: Timestamp,
    /// When Alertmanager was last told.
    pub updated_at: Timestamp,
    /// Notified, muted or pending.
    pub state: AlertState,
    /// Receivers it is routed to.
    pub receivers: Vec<SafeText>,
    /// Link to the expression, as given (never fetched).
    pub generator_url: SafeText,
}

impl Alert {
    /// The rule's name.
    pub fn name(&self) -> &str {
        self.labels.get("alertname")
    }

    /// One line for people: summary, else description, else the rule's name.
    pub fn summary(&self) -> &str {
        ["summary", "message", "description"]
            .iter()
            .map(|name| self.annotations.get(name))
            .find(|text| !text.is_empty())
            .unwrap_or_else(|| self.name())
    }

    /// Whether a silence mutes it.
    pub fn is_silenced(&self) -> bool {
        matches!(&self.state, AlertState::Suppressed { silenced_by, .. } if !silenced_by.is_empty())
    }

    /// Whether only another alert mutes it.
    pub fn is_inhibited(&self) -> bool {
        matches!(&self.state, AlertState::Suppressed { silenced_by, .. } if silenced_by.is_empty())
    }
}
