//! Alerts of all Alertmanagers, merged by site, grouped, judged, with lost sight kept apart from resolved.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{Alert, AlertKey, Judged, SafeText, ServiceId, SiteId, Timestamp};

use super::Ack;

/// Whether we still see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// Reported by a fresh Alertmanager.
    Firing,
    /// The Alertmanager that reported it has gone quiet; it may or may not fire.
    Stale {
        /// Since when.
        since: Timestamp,
    },
    /// Alertmanager stopped reporting it, but nobody was evaluating its rule: the fault may go on.
    Lost {
        /// Since when.
        since: Timestamp,
        /// Why we do not believe that it is over.
        why: SafeText,
    },
    /// Alertmanager stopped reporting it while its rule was being evaluated: over.
    Resolved {
        /// Since when.
        at: Timestamp,
    },
}

/// An alert with what we know about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tracked {
    /// As last reported.
    pub alert: Arc<Alert>,
    /// Whether it is still seen.
    pub sight: Sight,
    /// Severity with the reason.
    pub judged: Judged,
    /// The service it is about, if the catalog knows it.
    pub service: Option<ServiceId>,
    /// Acknowledgement of this instance.
    pub ack: Option<Arc<Ack>>,
}

/// Site and the values of the grouping labels.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupKey {
    /// Site.
    pub site: SiteId,
    /// Values, in the order of the grouping labels.
    pub values: Vec<SafeText>,
}

/// Alerts that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Identity.
    pub key: GroupKey,
    /// `alertname service` or what it is grouped by.
    pub title: SafeText,
    /// Its alerts, earliest first.
    pub alerts: Vec<AlertKey>,
    /// The worst severity in it.
    pub judged: Judged,
    /// How many notify, are silenced, are inhibited, are no longer seen.
    pub active: usize,
    /// Silenced.
    pub silenced: usize,
    /// Inhibited.
    pub inhibited: usize,
    /// Lost or stale.
    pub unseen: usize,
    /// Earliest start.
    pub since: Timestamp,
    /// Service, if the catalog knows it.
    pub service: Option<ServiceId>,
    /// Owner from the alert's labels or the catalog; empty when missing.
    pub owner: SafeText,
    /// Runbook link or path from the annotations or the catalog; empty when missing.
    pub runbook: SafeText,
    /// Set when every alert in it is acknowledged.
    pub ack: Option<Arc<Ack>>,
    /// One line for people.
    pub summary: SafeText,
}

/// All alerts.
#[derive(Debug, Clone, Default)]
pub struct AlertBook {
    /// Every alert known, also lost and recently resolved ones.
    pub alerts: BTreeMap<AlertKey, Tracked>,
    /// Groups in order: worst severity, unacknowledged first, then oldest.
    pub groups: Vec<Group>,
}
