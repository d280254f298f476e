//! What of the alerts is remembered over a restart: what was in sight, and what had been lost from it.
//!
//! An alert that Alertmanager dropped while nobody evaluated its rule must not be forgotten by
//! restarting the console. What is recalled is judged by the same rules as what was seen by this
//! process: stale until its Alertmanager answers, then firing, lost or over.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{Alert, Observation, SafeText, SourceId, SourceKind, Span, Timestamp};

use super::alerts::Desk;
use super::{Model, Sight};

/// What nobody has looked at for so long is not called back.
const OLDEST: Span = Span::from_days(1);

/// For so long after it began a console asks what became of alerts that went before, and after so many.
const ASKED: Span = Span::from_mins(15);
const MOST_ASKED: usize = 20;

/// An alert that is not known to be over.
#[derive(Debug, Clone, PartialEq)]
pub struct Remembered {
    /// Who reported it.
    pub source: SourceId,
    /// When that was last known to hold.
    pub at: Timestamp,
    /// As reported.
    pub alert: Arc<Alert>,
    /// Since when it is lost from sight, if it is.
    pub lost_since: Option<Timestamp>,
}

impl Model {
    /// Alerts that are not known to be over, lost ones first, at most `most`.
    pub fn remembered(&self, most: usize) -> Vec<Remembered> {
        let lost = |sight: &Sight| match sight {
            Sight::Lost { since, .. } => Some(*since),
            _ => None,
        };
        let known = |wanted: bool| {
            self.alerts.alerts.values().filter(move |t| {
                lost(&t.sight).is_some() == wanted && !matches!(t.sight, Sight::Resolved { .. })
            })
        };
        let remembered = known(true).chain(known(false)).filter_map(|tracked| {
            let source = tracked.alert.seen_by.first()?.clone();
            let at = match tracked.sight {
                Sight::Stale { since } => since,
                _ => self.sources.get(&source).and_then(|s| s.last_good).unwrap_or(self.now),
            };
            let lost_since = lost(&tracked.sight);
            Some(Remembered { source, at, alert: tracked.alert.clone(), lost_since })
        });
        remembered.take(most).collect()
    }

    /// Names of alerts that went while no console looked and are not known to be over, and since when that may
    /// have been: what a Prometheus is asked about for a while.
    pub fn went_unseen(&self) -> Option<(Timestamp, Vec<SafeText>)> {
        let lately = self.began.is_some_and(|began| self.now.since(began) <= ASKED);
        lately.then(|| self.alerts.went_unseen(MOST_ASKED)).flatten()
    }

    /// Takes in what an earlier console remembered, before anything has been asked.
    pub fn recall(&mut self, remembered: Vec<Remembered>, now: Timestamp) {
        let mut reports: BTreeMap<SourceId, (Timestamp, Vec<Alert>)> = BTreeMap::new();
        let mut known = Vec::new();
        for Remembered { source, at, alert, lost_since } in remembered {
            let reporter = self.sources.get(&source);
            let ours = reporter
                .is_some_and(|s| s.kind == SourceKind::Alertmanager && s.site == alert.key.site);
            if !ours || now.since(at) > OLDEST {
                continue;
            }
            match lost_since {
                Some(since) => {
                    let (catalog, policy) = (&self.catalog, &self.policy);
                    let desk = Desk { catalog, policy, journal: &self.journal };
                    self.alerts.recall_lost(alert, since, desk);
                }
                None => {
                    let report = reports.entry(source).or_insert((at, Vec::new()));
                    report.0 = report.0.max(at);
                    report.1.push(Alert::clone(&alert));
                    known.push((alert.key.clone(), at));
                }
            }
        }
        for (source, (at, alerts)) in reports {
            // The groups are made once, of all of it.
            self.now = self.now.max(at);
            self.take(&source, at, Observation::Alerts(alerts));
        }
        known.into_iter().for_each(|(key, at)| self.alerts.recall(key, at));
        self.tick(now);
        self.alerts.regroup(&self.group_by, &self.catalog);
        self.revision += 1;
    }
}
