//! Alerts of all Alertmanagers, merged by site, grouped, judged, with lost sight kept apart from resolved.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use foldhash::quality::RandomState;

use crate::domain::{
    Alert, AlertKey, AlertState, Catalog, Judged, SafeText, ServiceId, SeverityPolicy, SiteId,
    SourceId, Span, Timestamp,
};
use crate::eventlog::AlertInstance;

use super::evidence::{Gone, Judge, Watch};
use super::grouping::Counts;
use super::judging::Judgements;
use super::{Ack, Journal, Vocabulary};

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
        /// A Prometheus that can tell does not see it either; only nobody said that it is over.
        unsaid: bool,
    },
    /// Alertmanager stopped reporting it while its rule was being evaluated: over.
    Resolved {
        /// Since when.
        at: Timestamp,
    },
}

/// [`Sight`] in one word, of what is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Reported by a fresh Alertmanager.
    Firing,
    /// Its Alertmanager has gone quiet.
    Stale,
    /// Gone without anything to show that it is over.
    Lost,
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

impl Tracked {
    /// This firing of it.
    pub(super) fn instance(&self) -> AlertInstance {
        AlertInstance { key: self.alert.key.clone(), starts_at: self.alert.starts_at }
    }
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
    /// Groups in order: what nobody has acknowledged first, then worst severity, then oldest;
    /// groups with nothing but muted alerts last.
    pub groups: Vec<Group>,
    /// Grows by one whenever the groups are made anew: much else changes more often than they do.
    pub revision: u64,
    /// Alerts of each group, in the same order as `groups`.
    pub(super) members: Vec<Vec<(Arc<Alert>, Seen)>>,
    /// Where each group is in `groups`.
    pub(super) places: HashMap<GroupKey, usize, RandomState>,
    /// Alerts of each kind.
    pub(super) counts: Counts,
    reports: BTreeMap<SourceId, Report>,
    fresh: BTreeSet<SourceId>,
    gone: BTreeMap<AlertKey, Gone>,
    /// Alerts called back from before this process began, and when they were last known to go on.
    recalled: BTreeMap<AlertKey, Timestamp>,
    judgements: Judgements,
    labels: Vocabulary,
}

/// The latest answer of one Alertmanager, sorted by key.
#[derive(Debug, Clone)]
struct Report {
    at: Timestamp,
    site: SiteId,
    alerts: Vec<Arc<Alert>>,
}

impl Report {
    fn find(&self, key: &AlertKey) -> Option<&Arc<Alert>> {
        let at = self.alerts.binary_search_by(|a| a.key.cmp(key)).ok()?;
        self.alerts.get(at)
    }
}

/// How much an observation changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    /// Nothing a person could see.
    Nothing,
    /// Only times of alerts, which no group shows.
    Times,
    /// Alerts came, went or changed.
    Alerts,
}

/// What is declared, and who has acknowledged what: needed to judge an alert.
#[derive(Clone, Copy)]
pub(super) struct Desk<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) policy: &'a SeverityPolicy,
    pub(super) journal: &'a Journal,
}

/// How long a resolved alert is kept.
const KEEP_RESOLVED: Span = Span::from_mins(15);

impl AlertBook {
    /// Takes in all alerts of one Alertmanager.
    pub(super) fn report(
        &mut self,
        source: &SourceId,
        at: Timestamp,
        seen: Vec<Alert>,
        watch: Watch<'_>,
        desk: Desk<'_>,
    ) -> Change {
        let old = self.reports.remove(source);
        // Answers may overtake each other; the older question is the older truth.
        if let Some(newer) = old.as_ref().filter(|old| old.at > at) {
            let newer = newer.clone();
            self.reports.insert(source.clone(), newer);
            return Change::Nothing;
        }
        let (before, old_site) = old.map_or((Vec::new(), None), |r| (r.alerts, Some(r.site)));
        let site = watch.sources.get(source).map(|s| s.site.clone());
        let site = site.or_else(|| seen.first().map(|a| a.key.site.clone())).or(old_site);
        let mut touched: Vec<AlertKey> = Vec::new();
        let mut change = Change::Nothing;
        let now = sorted(source, seen, &before, &mut touched, &mut change);
        let report = Report { at, site: site.unwrap_or_default(), alerts: now };
        let missing = missing(&before, &report);
        if !missing.is_empty() {
            self.note_gone(source, &report, &missing, watch);
            change = Change::Alerts;
        }
        self.reports.insert(source.clone(), report);
        let was_fresh = self.fresh.contains(source);
        let turned = self.refresh(watch, desk);
        let settled = was_fresh != self.fresh.contains(source);
        // When the source itself turned, everything it reports is settled already.
        let reported = touched.iter().filter(|_| !settled);
        let touched: Vec<&AlertKey> = reported.chain(&missing).collect();
        for key in touched {
            self.settle(key, None, watch, desk);
        }
        if self.judge_gone(watch) || turned {
            change = Change::Alerts;
        }
        change
    }

    /// Looks again at which Alertmanagers are fresh. Whether any alert is seen differently now.
    pub(super) fn refresh(&mut self, watch: Watch<'_>, desk: Desk<'_>) -> bool {
        let fresh: BTreeSet<SourceId> = self
            .reports
            .iter()
            .filter(|(source, report)| watch.is_fresh(source, report.at))
            .map(|(source, _)| source.clone())
            .collect();
        let turned: Vec<SourceId> = fresh.symmetric_difference(&self.fresh).cloned().collect();
        self.fresh = fresh;
        let mut changed = false;
        if let ([first], true) = (turned.as_slice(), self.alerts.is_empty())
            && self.reports.len() == 1
            && self.fresh.contains(first)
        {
            return self.settle_first(desk);
        }
        for source in turned {
            let alerts =
                self.reports.get(&source).map_or(Vec::new(), |report| report.alerts.clone());
            let only = self.reports.len() == 1;
            for alert in &alerts {
                changed |= self.settle(&alert.key, Some(alert).filter(|_| only), watch, desk);
            }
        }
        changed
    }

    /// Judges again every alert that is gone. Whether any is seen differently now.
    pub(super) fn judge_gone(&mut self, watch: Watch<'_>) -> bool {
        if self.gone.is_empty() {
            return false;
        }
        let mut judge = Judge::new(watch);
        let mut changed = false;
        for (key, gone) in &self.gone {
            if let Some(tracked) = self.alerts.get_mut(key) {
                let sight = judge.sight(&tracked.alert, *gone, &tracked.sight);
                if sight != tracked.sight {
                    tracked.sight = sight;
                    changed = true;
                }
            }
        }
        changed
    }

    /// Forgets what has been over for long; what was over before this console `began` is news to it.
    pub(super) fn forget_resolved(&mut self, now: Timestamp, began: Option<Timestamp>) -> bool {
        let seen = |key: &AlertKey, at: Timestamp| match began {
            Some(began) if self.recalled.contains_key(key) => at.max(began),
            _ => at,
        };
        let over: Vec<AlertKey> = self
            .gone
            .keys()
            .filter(|key| {
                matches!(self.alerts.get(*key).map(|t| &t.sight),
                    Some(Sight::Resolved { at }) if now.since(seen(key, *at)) > KEEP_RESOLVED)
            })
            .cloned()
            .collect();
        for key in &over {
            self.drop_alert(key);
        }
        !over.is_empty()
    }

    /// Looks up acknowledgements of these instances again.
    pub(super) fn acknowledge(&mut self, alerts: &[AlertInstance], journal: &Journal) -> bool {
        let mut changed = false;
        for instance in alerts {
            if let Some(tracked) = self.alerts.get_mut(&instance.key)
                && tracked.alert.starts_at == instance.starts_at
            {
                let ack = journal.acks.get(instance).cloned();
                changed |= ack != tracked.ack;
                tracked.ack = ack;
            }
        }
        changed
    }

    /// A person lets go of lost alerts that nobody has acknowledged.
    pub(super) fn let_go(&mut self, alerts: &[AlertInstance], at: Timestamp) -> bool {
        let mut changed = false;
        for instance in alerts {
            let lost = self.alerts.get(&instance.key).is_some_and(|t| {
                t.alert.starts_at == instance.starts_at
                    && t.ack.is_none()
                    && matches!(t.sight, Sight::Lost { since, .. } if since <= at)
            });
            if lost {
                self.drop_alert(&instance.key);
                changed = true;
            }
        }
        changed
    }

    /// An alert that was lost from sight before this process began.
    pub(super) fn recall_lost(&mut self, alert: Arc<Alert>, since: Timestamp, desk: Desk<'_>) {
        let key = alert.key.clone();
        let why = "It was lost from sight before this console was started; the fault may go on.";
        let sight = Sight::Lost { since, why: why.into(), unsaid: false };
        let tracked = self.tracked(alert, sight, desk);
        self.alerts.insert(key.clone(), tracked);
        self.recalled.insert(key.clone(), since);
        self.gone.insert(key, Gone { at: since, early: false, siblings: false, unseen: true });
    }

    /// An alert that was known to go on at `at`, before this process began.
    pub(super) fn recall(&mut self, key: AlertKey, at: Timestamp) {
        self.recalled.insert(key, at);
    }

    /// Alerts that went while no console looked and are not known to be over: since when that may have been,
    /// and their names, at most `most`.
    pub(super) fn went_unseen(&self, most: usize) -> Option<(Timestamp, Vec<SafeText>)> {
        let mut since: Option<Timestamp> = None;
        let mut names = BTreeSet::new();
        for key in self.gone.iter().filter(|(_, gone)| gone.unseen).map(|(key, _)| key) {
            let known = self.recalled.get(key).zip(self.alerts.get(key));
            let Some((at, tracked)) = known else { continue };
            let name = tracked.alert.labels.text("alertname");
            if matches!(tracked.sight, Sight::Resolved { .. }) || names.len() >= most {
                continue;
            }
            names.extend(name.cloned());
            since = Some(since.map_or(*at, |since| since.min(*at)));
        }
        since.filter(|_| !names.is_empty()).map(|since| (since, names.into_iter().collect()))
    }

    /// Judges every alert anew, after catalog or policy changed.
    pub(super) fn rejudge(&mut self, desk: Desk<'_>) {
        self.judgements = Judgements::new(desk.catalog, desk.policy);
        for tracked in self.alerts.values_mut() {
            (tracked.judged, tracked.service) =
                self.judgements.judge(&tracked.alert.labels, desk.catalog, desk.policy);
        }
    }

    /// Label names and values seen so far, for completion; of labels with very many values, some.
    pub const fn labels_seen(&self) -> &Vocabulary {
        &self.labels
    }

    fn drop_alert(&mut self, key: &AlertKey) {
        self.alerts.remove(key);
        self.recalled.remove(key);
        self.gone.remove(key);
    }

    fn note_gone(
        &mut self,
        source: &SourceId,
        report: &Report,
        missing: &[AlertKey],
        watch: Watch<'_>,
    ) {
        let names: HashSet<&str> = report.alerts.iter().map(|a| a.name()).collect();
        for key in missing {
            if let Some(tracked) = self.alerts.get(key) {
                let gone = Gone {
                    at: report.at,
                    early: report.at < watch.earliest(source, tracked.alert.ends_at),
                    siblings: names.contains(tracked.alert.name()),
                    unseen: self.recalled.contains_key(key),
                };
                self.gone.insert(key.clone(), gone);
            }
        }
    }

    /// As [`AlertBook::settle`] for every alert of the only report, before any other is known: nothing has
    /// to be looked up, and the map is built in one go.
    fn settle_first(&mut self, desk: Desk<'_>) -> bool {
        let Some(report) = self.reports.values().next() else { return false };
        let alerts = report.alerts.clone();
        let known = alerts.into_iter().map(|alert| {
            let key = alert.key.clone();
            (key, self.tracked(alert, Sight::Firing, desk))
        });
        let known: Vec<(AlertKey, Tracked)> = known.collect();
        self.gone.clear();
        self.alerts = known.into_iter().collect();
        !self.alerts.is_empty()
    }

    fn tracked(&mut self, alert: Arc<Alert>, sight: Sight, desk: Desk<'_>) -> Tracked {
        let (judged, service) = self.judgements.judge(&alert.labels, desk.catalog, desk.policy);
        let ack = ack_of(&alert, desk.journal);
        self.labels.learn(&alert.labels);
        Tracked { alert, sight, judged, service, ack }
    }

    /// Brings one alert up to what the reports say now, which is `told` when there is only one report.
    /// Whether anything changed.
    fn settle(
        &mut self,
        key: &AlertKey,
        told: Option<&Arc<Alert>>,
        watch: Watch<'_>,
        desk: Desk<'_>,
    ) -> bool {
        let only = told.map(|alert| (Arc::clone(alert), !self.fresh.is_empty()));
        let Some((alert, fresh)) = only.or_else(|| self.merged(key)) else {
            // Gone everywhere: `judge_gone` says what to think of it.
            return true;
        };
        let sight = if fresh {
            self.gone.remove(key);
            self.recalled.remove(key);
            Sight::Firing
        } else if let Some(report) = self.fresh_peer(&key.site) {
            // The one that reported it is quiet, and its peer, which is not, does not know it.
            let early = report.at < alert.ends_at;
            let unseen = self.recalled.contains_key(key);
            let gone = Gone { at: report.at, early, siblings: false, unseen };
            let gone = *self.gone.entry(key.clone()).or_insert(gone);
            Sight::Stale { since: gone.at }
        } else {
            // A report that nobody renews says nothing new about when the alert went.
            self.gone.remove(key);
            let known = alert.seen_by.iter().filter_map(|source| {
                self.reports.get(source).map(|report| watch.known_at(source, report.at))
            });
            Sight::Stale { since: known.max().unwrap_or(watch.now) }
        };
        let Some(tracked) = self.alerts.get_mut(key) else {
            let tracked = self.tracked(alert, sight, desk);
            self.alerts.insert(key.clone(), tracked);
            return true;
        };
        let changed = tracked.sight != sight || !Arc::ptr_eq(&tracked.alert, &alert);
        // What is already found lost or over stays so until it is judged again.
        let found = matches!(tracked.sight, Sight::Lost { .. } | Sight::Resolved { .. });
        if !(found && self.gone.contains_key(key)) {
            tracked.sight = sight;
        }
        if tracked.alert.starts_at != alert.starts_at {
            tracked.ack = ack_of(&alert, desk.journal);
        }
        // Labels make the fingerprint, so service and severity stay what they were.
        tracked.alert = alert;
        changed
    }

    /// The alert as the Alertmanagers of its site report it together, and whether one is fresh.
    fn merged(&self, key: &AlertKey) -> Option<(Arc<Alert>, bool)> {
        let all = || self.reports.iter().filter_map(|(s, r)| r.find(key).map(|alert| (s, alert)));
        let fresh = all().any(|(source, _)| self.fresh.contains(source));
        let heard = || all().filter(|(source, _)| !fresh || self.fresh.contains(*source));
        let mut voices = heard();
        let (_, first) = voices.next()?;
        if voices.next().is_none() {
            return Some((Arc::clone(first), fresh));
        }
        // The one told last knows best; of equals the first in order of name.
        let newest = heard()
            .map(|(_, a)| a)
            .reduce(|best, a| if a.updated_at > best.updated_at { a } else { best })?;
        let mut alert = Alert::clone(newest);
        alert.seen_by = heard().map(|(source, _)| source.clone()).collect();
        // An acknowledgement is of an instance, so its start must not depend on who answered last.
        alert.starts_at = heard().map(|(_, a)| a.starts_at).min()?;
        // If one of them notifies, somebody is being told.
        if heard().any(|(_, a)| a.state == AlertState::Active) {
            alert.state = AlertState::Active;
        }
        Some((Arc::new(alert), fresh))
    }

    fn fresh_peer(&self, site: &SiteId) -> Option<&Report> {
        self.reports
            .iter()
            .find(|(source, report)| report.site == *site && self.fresh.contains(*source))
            .map(|(_, report)| report)
    }
}

fn ack_of(alert: &Alert, journal: &Journal) -> Option<Arc<Ack>> {
    if journal.acks.is_empty() {
        return None;
    }
    let instance = AlertInstance { key: alert.key.clone(), starts_at: alert.starts_at };
    journal.acks.get(&instance).cloned()
}

/// The new report in order of key. An alert that is as before keeps its allocation; the others go
/// to `touched`.
fn sorted(
    source: &SourceId,
    mut seen: Vec<Alert>,
    before: &[Arc<Alert>],
    touched: &mut Vec<AlertKey>,
    change: &mut Change,
) -> Vec<Arc<Alert>> {
    // Alertmanager answers in this order already, which the sort notices.
    seen.sort_by(|a, b| a.key.cmp(&b.key));
    seen.dedup_by(|later, first| later.key == first.key);
    let mut old = before.iter().peekable();
    let mut now = Vec::with_capacity(seen.len());
    for mut alert in seen {
        if alert.seen_by.as_slice() != std::slice::from_ref(source) {
            alert.seen_by = vec![source.clone()];
        }
        while old.next_if(|o| o.key < alert.key).is_some() {}
        let known = old.next_if(|o| o.key == alert.key);
        if let Some(same) = known.filter(|known| ***known == alert) {
            now.push(Arc::clone(same));
            continue;
        }
        let only_times = known.is_some_and(|known| {
            let times = (alert.updated_at, alert.ends_at);
            (alert.updated_at, alert.ends_at) = (known.updated_at, known.ends_at);
            let same = **known == alert;
            (alert.updated_at, alert.ends_at) = times;
            same
        });
        *change = (*change).max(if only_times { Change::Times } else { Change::Alerts });
        touched.push(alert.key.clone());
        now.push(Arc::new(alert));
    }
    now
}

/// Keys that were in the old report and are not in the new one.
fn missing(before: &[Arc<Alert>], report: &Report) -> Vec<AlertKey> {
    let mut now = report.alerts.iter().peekable();
    let mut missing = Vec::new();
    for old in before {
        while now.next_if(|n| n.key < old.key).is_some() {}
        if now.peek().is_none_or(|n| n.key != old.key) {
            missing.push(old.key.clone());
        }
    }
    missing
}
