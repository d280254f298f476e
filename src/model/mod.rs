//! What we know now: a fold of the log plus the latest observations.
//!
//! Written only by [`Model::apply`] (facts of the log) and [`Model::observe`] (what a connector saw).
//! Screens and subcommands ask the same read-only questions. Derived views (groups, objective
//! statuses) are computed when data arrives, never while drawing.

mod alerts;
mod journal;
mod signals;
mod silences;
mod slos;

pub use alerts::{AlertBook, Group, GroupKey, Sight, Tracked};
pub use journal::{Ack, Journal, NoteEntry, OpenOperation, Standing};
pub use signals::{SignalBook, SignalView};
pub use silences::SilenceBook;
pub use slos::{Burn, ConditionState, Exhaustion, Held, SloBook, SloStatus, Verdict};

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{
    Catalog, Observation, RulesSeen, SafeText, SeverityPolicy, SourceId, SourceStatus, Timestamp,
};
use crate::eventlog::Recorded;

/// Everything known.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// What is declared.
    pub catalog: Arc<Catalog>,
    /// How severity is judged.
    pub policy: SeverityPolicy,
    /// Labels alerts are grouped by (besides the site).
    pub group_by: Vec<SafeText>,
    /// Every configured source.
    pub sources: BTreeMap<SourceId, SourceStatus>,
    /// Alerts and their groups.
    pub alerts: AlertBook,
    /// Silences of all Alertmanagers.
    pub silences: SilenceBook,
    /// Objectives and how they stand.
    pub slos: SloBook,
    /// Golden signals of the selected service.
    pub signals: SignalBook,
    /// Alerting rules by Prometheus.
    pub rules: BTreeMap<SourceId, RulesSeen>,
    /// Scrape targets by Prometheus: up, down.
    pub targets: BTreeMap<SourceId, (u32, u32)>,
    /// Acknowledgements, notes and operations of ours.
    pub journal: Journal,
    /// Grows by one with every change, so that views made from the model know when they are old.
    pub revision: u64,
}

impl Model {
    /// A model that knows only what is declared.
    pub fn new(catalog: Arc<Catalog>, policy: SeverityPolicy, group_by: Vec<SafeText>) -> Self {
        Self { catalog, policy, group_by, ..Self::default() }
    }

    /// Takes in a fact of the log. The order of arrival does not matter.
    pub fn apply(&mut self, record: &Recorded) {
        self.revision += 1;
        self.journal.apply(record);
        self.regroup(record.at);
    }

    /// Takes in what a source saw at `at`.
    pub fn observe(&mut self, source: &SourceId, at: Timestamp, seen: Vec<Observation>) {
        self.revision += 1;
        let _ = (source, at, seen);
    }

    /// Takes in a source's new state (also: that it has gone stale or failed).
    pub fn source(&mut self, status: SourceStatus) {
        self.revision += 1;
        self.sources.insert(status.id.clone(), status);
    }

    fn regroup(&mut self, now: Timestamp) {
        let _ = now;
    }
}
