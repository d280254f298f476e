//! What we know now: a fold of the log plus the latest observations.
//!
//! Written only by [`Model::apply`] (facts of the log) and [`Model::observe`] (what a connector saw).
//! Screens and subcommands ask the same read-only questions. Derived views (groups, objective
//! statuses) are computed when data arrives, never while drawing.

mod alerts;
mod alone;
mod around;
mod capacity;
mod card;
mod changes;
mod containment;
mod coverage;
mod drawing;
mod evidence;
mod grouping;
pub mod incidents;
mod journal;
mod judging;
mod ladder;
mod map;
mod measures;
mod nodes;
mod plans;
mod recall;
mod resilience;
pub mod review;
mod signals;
mod silences;
mod situations;
mod slos;
mod snapshot;
mod study;
mod suspicion;
mod told;
mod verification;
mod vocabulary;
mod whatif;
mod windows;

pub use crate::analysis::correlation::GroupId as SituationId;
pub use alerts::{AlertBook, Group, GroupKey, Seen, Sight, Tracked};
pub use alone::{Alone, Shared, Single};
pub use around::{AroundSide, AroundView, Beside};
pub use capacity::{CapacityBook, CapacityFound, Fill, Gauge, GaugeId, Outlook};
pub use card::{Card, Choice, Figure, IRREVERSIBLE, LEFT_OUT};
pub use changes::{ChangeBook, Fed};
pub use coverage::{Cover, Coverage, Watched};
pub use drawing::{Drawing, DrawingBook, DrawingStudy};
pub use evidence::Evaluations;
pub use grouping::Counts;
pub use journal::{Ack, Attempt, Journal, NoteEntry, OpenOperation, Standing};
pub use ladder::{Ladder, Rung, RungStands};
pub use map::{EdgeView, MapBook, MapFound};
pub use measures::{Answer, MeasureBook};
pub use nodes::{CallTrouble, EdgeStand, Health, NodeView, NodeViews};
pub use recall::Remembered;
pub use resilience::{ConsensusView, Liveness, ReplicaView, ReplicationView, VendorView};
pub use signals::{Outside, SignalBook, SignalView};
pub use silences::SilenceBook;
pub use situations::{Folded, Situation, SituationBook, Spared, spared};
pub use slos::{
    Burn, ConditionState, Exhaustion, Held, SloBook, SloStatus, Verdict, computed, explain,
};
pub use snapshot::{Snapshot, written};
pub use study::{Finding, Study};
pub use suspicion::{Concern, STEP as COMPARED_STEP, SuspectId, SuspectsFound, Suspicion};
pub use told::{Told, share as lost_share};
pub use verification::{BEFORE, Verification};
pub use vocabulary::Vocabulary;
pub use whatif::{SUPPOSE, Strained, Suppose, Supposed};
pub use windows::Planned;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{
    CallSeen, Catalog, FeedSeen, Fired, Freshness, Observation, PagerPlan, Playbook, RulesSeen,
    SafeText, Series, SeverityPolicy, SloId, SloReading, SourceId, SourceKind, SourceStatus, Span,
    TeamId, Timestamp,
};
use crate::eventlog::{AlertInstance, LogEvent, Policy, RecordId, Recorded, Stamp};

use alerts::{Change, Desk};
use evidence::Watch;
use incidents::IncidentBook;

/// Longer without an answer about rules, and a Prometheus counts as having been away.
const LONGEST_GAP: Span = Span::from_secs(90);

/// Everything known.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// What is declared.
    pub catalog: Arc<Catalog>,
    /// How severity is judged.
    pub policy: SeverityPolicy,
    /// How the organisation responds.
    pub playbook: Arc<Playbook>,
    /// Which key is who and may do what.
    pub duties: Arc<Policy>,
    /// Incidents.
    pub incidents: IncidentBook,
    /// Records of the log that a newer version wrote and this one does not understand.
    pub newer: usize,
    /// Labels alerts are grouped by (besides the site).
    pub group_by: Vec<SafeText>,
    /// When this console began to look.
    pub began: Option<Timestamp>,
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
    /// Answers to the catalog's questions.
    pub measures: MeasureBook,
    /// What runs out, and when.
    pub capacity: CapacityBook,
    /// Who calls whom.
    pub map: MapBook,
    /// The part of the map that is looked at, as a drawing.
    pub drawing: DrawingBook,
    /// Who is likely to blame for what hurts most.
    pub suspicion: Suspicion,
    /// Which alerts belong together.
    pub situations: SituationBook,
    /// Calls between services as traces show them, by source.
    pub traced: BTreeMap<SourceId, (Timestamp, Vec<CallSeen>)>,
    /// What status pages say, by source.
    pub feeds: BTreeMap<SourceId, (Timestamp, FeedSeen)>,
    /// Who is on call by pagers, by team.
    pub plans: BTreeMap<TeamId, PagerPlan>,
    /// What was deployed, switched, configured.
    pub changes: ChangeBook,
    /// Alerting rules by Prometheus.
    pub rules: BTreeMap<SourceId, RulesSeen>,
    /// Scrape targets by Prometheus: up, down.
    pub targets: BTreeMap<SourceId, (u32, u32)>,
    /// Acknowledgements, notes and operations of ours.
    pub journal: Journal,
    /// What the log says outside incidents, kept in case another policy judges it anew.
    facts: BTreeMap<(Stamp, RecordId), Recorded>,
    /// When each Prometheus was last seen evaluating.
    evaluations: BTreeMap<SourceId, Evaluations>,
    /// What each Prometheus wrote down of alerts that went while nobody looked.
    fired: BTreeMap<SourceId, BTreeMap<SafeText, Fired>>,
    /// The latest time heard of.
    now: Timestamp,
    /// Grows by one with every change, so that views made from the model know when they are old.
    pub revision: u64,
}

impl Model {
    /// A model that knows only what is declared.
    pub fn new(catalog: Arc<Catalog>, policy: SeverityPolicy, group_by: Vec<SafeText>) -> Self {
        let mut model = Self::default();
        model.declare(catalog, policy, group_by);
        model
    }

    /// Takes another catalog, policy and grouping (also after they were read again from disk) and
    /// judges everything by them.
    pub fn declare(
        &mut self,
        catalog: Arc<Catalog>,
        policy: SeverityPolicy,
        group_by: Vec<SafeText>,
    ) {
        self.revision += 1;
        self.catalog = catalog;
        self.policy = policy;
        // Without grouping labels everything would be one group.
        self.group_by = if group_by.is_empty() {
            ["alertname", "service"].map(SafeText::new).to_vec()
        } else {
            group_by
        };
        let desk = Desk { catalog: &self.catalog, policy: &self.policy, journal: &self.journal };
        self.alerts.rejudge(desk);
        self.alerts.regroup(&self.group_by, &self.catalog);
        self.slos.recompute(&self.catalog);
    }

    /// Forgets what sources saw, not what is declared or recorded: a recording was moved back in time.
    pub fn forget_observations(&mut self) {
        let (revision, grouped) = (self.revision + 1, self.alerts.revision + 1);
        let fresh = |status: &SourceStatus| {
            let SourceStatus { id, kind, site, address, interval, limit, .. } = status.clone();
            SourceStatus { limit, ..SourceStatus::new(id, kind, site, address, interval) }
        };
        let sources = self.sources.iter().map(|(id, status)| (id.clone(), fresh(status))).collect();
        let journal = std::mem::take(&mut self.journal);
        let incidents = std::mem::take(&mut self.incidents);
        let facts = std::mem::take(&mut self.facts);
        let (playbook, duties) = (self.playbook.clone(), self.duties.clone());
        let (catalog, policy) = (self.catalog.clone(), self.policy.clone());
        *self = Self::new(catalog, policy, std::mem::take(&mut self.group_by));
        (self.journal, self.sources, self.revision) = (journal, sources, revision);
        (self.incidents, self.playbook, self.duties) = (incidents, playbook, duties);
        self.facts = facts;
        self.lay_plans();
        self.alerts.revision = grouped;
    }

    /// Takes how the organisation responds and who may do what (also after it was read again from disk),
    /// and judges every fact by it as if it had always been so.
    pub fn govern(&mut self, playbook: Arc<Playbook>, duties: Arc<Policy>) {
        self.revision += 1;
        self.playbook = playbook;
        self.lay_plans();
        if self.duties == duties {
            return;
        }
        self.duties = duties;
        self.incidents.govern(&self.duties, self.facts.values());
        self.journal = Journal::default();
        for record in self.facts.values() {
            if incidents::check(record, &self.duties).is_ok() {
                self.journal.apply(record);
            }
        }
        let known: Vec<AlertInstance> =
            self.alerts.alerts.values().map(Tracked::instance).collect();
        if self.alerts.acknowledge(&known, &self.journal) {
            self.alerts.regroup(&self.group_by, &self.catalog);
        }
    }

    /// Takes in a fact of the log. The order of arrival does not matter, but for one thing: that
    /// somebody lets go of a lost alert concerns only what is lost at the time.
    ///
    /// A record that its writer was not allowed to make changes nothing; it is shown as refused.
    pub fn apply(&mut self, record: &Recorded) {
        self.revision += 1;
        self.newer += usize::from(record.event.is_none());
        let duties = Arc::clone(&self.duties);
        self.incidents.apply(record, &duties);
        if !matches!(record.event, None | Some(LogEvent::Incident { .. })) {
            self.facts.insert((record.stamp, record.id), record.clone());
        }
        if incidents::check(record, &duties).is_err() {
            return;
        }
        let changed = match &record.event {
            Some(LogEvent::AlertsAcknowledged { alerts, .. }) => {
                self.journal.apply(record);
                self.alerts.acknowledge(alerts, &self.journal)
            }
            Some(LogEvent::AcknowledgementWithdrawn { alerts, .. }) => {
                // Of an alert that nobody has acknowledged there is only the sight to withdraw.
                let let_go = self.alerts.let_go(alerts, record.at);
                self.journal.apply(record);
                self.alerts.acknowledge(alerts, &self.journal) || let_go
            }
            _ => {
                self.journal.apply(record);
                false
            }
        };
        if changed {
            self.alerts.regroup(&self.group_by, &self.catalog);
        }
    }

    /// Takes in what a source saw when it was asked at `at`. What brings nothing new leaves the
    /// revision as it is.
    pub fn observe(&mut self, source: &SourceId, at: Timestamp, seen: Vec<Observation>) {
        self.now = self.now.max(at);
        let mut change = Change::Nothing;
        for observation in seen {
            change = change.max(self.take(source, at, observation));
        }
        self.note(change);
    }

    /// Takes in a source's new state (also: that it has gone stale or failed).
    pub fn source(&mut self, mut status: SourceStatus) {
        if let Some(known) = self.sources.get(&status.id) {
            // What the source said about itself stays known while it says nothing new.
            status.clock = status.clock.or(known.clock);
            if status.version.is_empty() {
                status.version = known.version.clone();
            }
            if *known == status {
                return;
            }
        }
        self.revision += 1;
        self.sources.insert(status.id.clone(), status);
        self.look_again();
    }

    /// Lets time pass: sources go stale, resolved alerts are forgotten. Once a second, and on a
    /// jump of the clock, backwards too.
    pub fn tick(&mut self, now: Timestamp) {
        self.now = now;
        self.began.get_or_insert(now);
        self.look_again();
        self.look_for_concern();
    }

    /// As [`Self::tick`], once everything has been heard: what hurts is looked for now, whenever that was done
    /// before.
    pub fn settle(&mut self, now: Timestamp) {
        self.suspicion.look_at_once();
        self.tick(now);
    }

    /// When this Prometheus was last seen evaluating its rules.
    pub fn evaluations(&self, source: &SourceId) -> Option<Evaluations> {
        self.evaluations.get(source).copied()
    }

    /// What must be said once about all resolved alerts, if anything.
    pub fn resolution_caveat(&self) -> Option<&'static str> {
        let alertmanagers = self.sources.values().any(|s| s.kind == SourceKind::Alertmanager);
        (alertmanagers && !self.watch().can_check()).then_some(
            "No Prometheus is configured, so it cannot be checked whether a resolved alert is \
             really over; add a source of kind prometheus.",
        )
    }

    fn watch(&self) -> Watch<'_> {
        Watch {
            sources: &self.sources,
            rules: &self.rules,
            evaluations: &self.evaluations,
            fired: &self.fired,
            now: self.now,
        }
    }

    fn take(&mut self, source: &SourceId, at: Timestamp, observation: Observation) -> Change {
        // Borrowed field by field, since the book that is written is a part of the model too.
        let desk = Desk { catalog: &self.catalog, policy: &self.policy, journal: &self.journal };
        let watch = Watch {
            sources: &self.sources,
            rules: &self.rules,
            evaluations: &self.evaluations,
            fired: &self.fired,
            now: self.now,
        };
        let changed = match observation {
            Observation::Alerts(alerts) => {
                return self.alerts.report(source, at, alerts, watch, desk);
            }
            Observation::Rules(seen) => return self.take_rules(source, at, seen),
            Observation::Fired(seen) => return self.take_fired(source, seen),
            Observation::Silences(silences) => self.silences.report(source, silences),
            Observation::Signal { service, signal, series } => {
                self.signals.line(service, signal, series, at)
            }
            Observation::Baseline { service, signal, band } => {
                self.signals.band(service, signal, band)
            }
            Observation::Slos(readings) => self.take_slos(readings),
            Observation::SloHistory { slo, window, series } => {
                self.take_slo_history(&slo, window, series)
            }
            Observation::SloMissed { slo, series } => self.slos.missed(slo, &series),
            Observation::Targets { up, down } => {
                self.targets.insert(source.clone(), (up, down)) != Some((up, down))
            }
            Observation::Measured { of, found } => self.measures.answer(source, of, at, found),
            Observation::Course { of, lines } => self.measures.course(of, at, lines),
            Observation::Traced(calls) => {
                let changed = self.traced.get(source).is_none_or(|(_, known)| *known != calls);
                self.map.traced += u64::from(changed);
                self.traced.insert(source.clone(), (at, calls));
                changed
            }
            Observation::Changes(told) => self.changes.report(source, at, told),
            Observation::LeftOut(named) => self.changes.leave_out(source, named),
            Observation::Feed(seen) => {
                let changed = self.feeds.get(source).is_none_or(|(_, known)| *known != seen);
                self.feeds.insert(source.clone(), (at, seen));
                changed
            }
            Observation::OnCalls(seen) => self.take_plans(source, at, seen),
            Observation::Clock(offset) => self
                .sources
                .get_mut(source)
                .is_some_and(|status| status.clock.replace(offset) != Some(offset)),
            Observation::Version(version) => self.sources.get_mut(source).is_some_and(|status| {
                let changed = status.version != version;
                status.version = version;
                changed
            }),
        };
        if changed { Change::Times } else { Change::Nothing }
    }

    fn take_rules(&mut self, source: &SourceId, at: Timestamp, seen: RulesSeen) -> Change {
        let newest = seen.rules.iter().filter_map(|rule| rule.last_evaluation).max();
        let newest = newest.map(|theirs| self.watch().earliest(source, theirs));
        let known = self.evaluations.get(source);
        if known.is_some_and(|known| known.answered > at) {
            return Change::Nothing;
        }
        let slack = self.sources.get(source).map_or(Span::ZERO, SourceStatus::stale_after);
        let unbroken_since = known
            .filter(|known| at.since(known.answered) <= slack.max(LONGEST_GAP))
            .map_or(at, |known| known.unbroken_since);
        self.evaluations
            .insert(source.clone(), Evaluations { answered: at, newest, unbroken_since });
        let changed = self.rules.get(source) != Some(&seen);
        self.rules.insert(source.clone(), seen);
        let watch = Watch {
            sources: &self.sources,
            rules: &self.rules,
            evaluations: &self.evaluations,
            fired: &self.fired,
            now: self.now,
        };
        match (self.alerts.judge_gone(watch), changed) {
            (true, _) => Change::Alerts,
            (false, true) => Change::Times,
            (false, false) => Change::Nothing,
        }
    }

    fn take_fired(&mut self, source: &SourceId, seen: Fired) -> Change {
        self.fired.entry(source.clone()).or_default().insert(seen.name.clone(), seen);
        let watch = Watch {
            sources: &self.sources,
            rules: &self.rules,
            evaluations: &self.evaluations,
            fired: &self.fired,
            now: self.now,
        };
        if self.alerts.judge_gone(watch) { Change::Alerts } else { Change::Nothing }
    }

    /// The one place where readings of objectives go to their book.
    fn take_slos(&mut self, readings: Vec<SloReading>) -> bool {
        if readings.is_empty() {
            return false;
        }
        let touched = self.slos.observe(readings);
        self.slos.judge_again(&touched, &self.catalog)
    }

    /// The one place where the burn of an objective over time goes to its book.
    fn take_slo_history(&mut self, slo: &SloId, window: Span, series: Series) -> bool {
        if self.slos.histories.get(slo).is_some_and(|known| known.0 == window && known.1 == series)
        {
            return false;
        }
        self.slos.history(slo.clone(), window, series);
        true
    }

    /// Looks again at everything that depends on the age of what sources said.
    fn look_again(&mut self) {
        for (source, seen) in &mut self.evaluations {
            // A Prometheus that went quiet has to be seen evaluating for a while again.
            if let Some(status) = self.sources.get(source)
                && status.freshness(self.now) != Freshness::Fresh
            {
                seen.unbroken_since = self.now.max(seen.unbroken_since);
            }
        }
        let desk = Desk { catalog: &self.catalog, policy: &self.policy, journal: &self.journal };
        let watch = Watch {
            sources: &self.sources,
            rules: &self.rules,
            evaluations: &self.evaluations,
            fired: &self.fired,
            now: self.now,
        };
        let turned = self.alerts.refresh(watch, desk);
        let judged = self.alerts.judge_gone(watch);
        let forgotten = self.alerts.forget_resolved(self.now, self.began);
        if turned || judged || forgotten {
            self.note(Change::Alerts);
        }
    }

    fn note(&mut self, change: Change) {
        if change == Change::Alerts {
            self.alerts.regroup(&self.group_by, &self.catalog);
        }
        self.revision += u64::from(change != Change::Nothing);
    }
}
