//! Who is likely to blame for what hurts most: the concern, the services compared for it, the ranking.
//!
//! ```text
//! worst objective or page alert ─► Concern ─► services around it ─► their signals are asked for
//!                                     │                                      │ Course
//!                                     └────────────── SuspectStudy ◄─────────┘
//!                                                          │ carried out beside the loop
//!                                     Suspicion ◄── SuspectsFound
//! ```

mod words;

pub use words::SuspectId;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::study::Pace;
use super::{Group, Model, Verdict};
use crate::analysis::suspects::{self, Case, Change, EdgeTrack, Ranking, Symptom, Track, Watched};
use crate::domain::{
    MeasureId, SafeText, Series, ServiceId, Severity, Signal, SloId, Span, Timestamp,
};

/// How often the ranking is made anew while readings come in.
const EVERY: Span = Span::from_secs(30);
/// How often it is looked what hurts most.
const LOOK: Span = Span::from_secs(5);
/// How far from the concern services are compared: calls away downstream, and upstream.
const DOWN: usize = 4;
const UP: usize = 1;
/// Most services compared at once.
const MOST: usize = 60;
/// An alert that began within this time before an objective began to burn is of the same trouble.
const SAME_TROUBLE: Span = Span::from_mins(30);
/// Spacing of the readings that are compared.
pub const STEP: Span = Span::from_secs(30);
/// Before the onset, this much is left out of what is usual: an alarm comes late, and a cause is earlier.
const LATE: Span = Span::from_mins(7);

/// What hurts most, and since when.
#[derive(Debug, Clone, PartialEq)]
pub struct Concern {
    /// Where it is seen.
    pub service: ServiceId,
    /// The objective that burns, when it is one.
    pub slo: Option<SloId>,
    /// When it began, as far as known.
    pub onset: Timestamp,
    /// In words.
    pub why: SafeText,
}

/// A ranking with the names it speaks of.
#[derive(Debug, Clone, PartialEq)]
pub struct SuspectsFound {
    /// What it is about.
    pub concern: Concern,
    /// The newest reading it rests on.
    pub until: Timestamp,
    /// The places the ranking speaks of.
    pub services: Vec<ServiceId>,
    /// What changed; the places changes are spoken of by.
    pub changes: Vec<Change>,
    /// Best first.
    pub ranking: Ranking,
}

/// Everything a ranking needs.
#[derive(Debug, Clone, PartialEq)]
pub struct SuspectStudy {
    concern: Concern,
    services: Vec<ServiceId>,
    watched: Vec<Watched>,
    edges: Vec<(usize, usize)>,
    edge_tracks: Vec<EdgeTrack>,
    changes: Vec<Change>,
    symptom: Option<Symptom>,
    until: Timestamp,
}

impl SuspectStudy {
    /// Ranks them.
    pub(super) fn carry_out(self) -> SuspectsFound {
        let case = Case {
            symptom: self.symptom,
            services: &self.watched,
            edges: &self.edges,
            edge_tracks: &self.edge_tracks,
            changes: &self.changes,
            onset: self.concern.onset,
            until: self.until,
            step: STEP,
        };
        let ranking = suspects::rank(&case);
        let Self { concern, until, services, changes, .. } = self;
        SuspectsFound { concern, until, services, changes, ranking }
    }
}

/// What is known of who is to blame.
#[derive(Debug, Clone, Default)]
pub struct Suspicion {
    pace: Pace,
    found: Option<SuspectsFound>,
    /// What hurt most when it was last looked, and the services compared for it.
    concern: Option<(Concern, Vec<ServiceId>)>,
    looked: Option<Timestamp>,
}

impl Suspicion {
    pub(super) fn found(&mut self, found: SuspectsFound) {
        self.pace.end();
        self.found = Some(found);
    }

    pub(super) fn look_at_once(&mut self) {
        self.looked = None;
    }

    /// What hurt most when it was last looked.
    pub fn concern(&self) -> Option<&Concern> {
        self.concern.as_ref().map(|(concern, _)| concern)
    }

    /// The services compared for it.
    pub fn compared(&self) -> &[ServiceId] {
        self.concern.as_ref().map_or(&[], |(_, services)| services)
    }

    /// The latest ranking.
    pub const fn latest(&self) -> Option<&SuspectsFound> {
        self.found.as_ref()
    }
}

impl Model {
    /// Looks what hurts most, and whom to compare for it; now and then, since it is looked up in much.
    pub(super) fn look_for_concern(&mut self) {
        let looked = self.suspicion.looked;
        if looked.is_some_and(|at| at < self.now && self.now.since(at) < LOOK) {
            return;
        }
        let concern = self.concern();
        let found = concern.map(|concern| {
            let compared = self.compared(&concern);
            (concern, compared)
        });
        self.suspicion.looked = Some(self.now);
        self.suspicion.concern = found;
    }

    /// What hurts most now: the worst objective on which a condition holds, else the gravest firing
    /// alert whose service is known. `None` when nothing does.
    fn concern(&self) -> Option<Concern> {
        self.burning().or_else(|| self.paged())
    }

    fn burning(&self) -> Option<Concern> {
        let worst = self.slos.statuses.first()?;
        if !matches!(worst.verdict, Verdict::Page | Verdict::Ticket) {
            return None;
        }
        let slo = self.catalog.slos.get(&worst.slo)?;
        let since = worst.conditions.iter().filter_map(|c| c.since).min().unwrap_or(self.now);
        let near = |at: &Timestamp| *at <= since && since.since(*at) <= SAME_TROUBLE;
        let alerts =
            self.alerts.alerts.values().filter(|t| t.service.as_ref() == Some(&slo.service));
        let earliest = alerts.map(|t| t.alert.starts_at).filter(near).min();
        Some(Concern {
            service: slo.service.clone(),
            slo: Some(slo.id.clone()),
            onset: earliest.unwrap_or(since),
            why: SafeText::new(&format!("the objective {} burns", slo.id)),
        })
    }

    fn paged(&self) -> Option<Concern> {
        // Groups are in order, the gravest first.
        let grave = |group: &&Group| group.active > 0 && group.judged.severity <= Severity::Sev2;
        let worst = self.alerts.groups.iter().filter(grave).find(|g| g.service.is_some())?;
        Some(Concern {
            service: worst.service.clone()?,
            slo: None,
            onset: worst.since,
            why: SafeText::new(&format!("{} fires", worst.title)),
        })
    }

    /// The services whose signals are compared for a concern: what it calls, near first, and its callers.
    fn compared(&self, concern: &Concern) -> Vec<ServiceId> {
        let (calls, called) = self.call_lists();
        let mut found = vec![concern.service.clone()];
        let mut seen: BTreeSet<ServiceId> = found.iter().cloned().collect();
        for (lists, hops) in [(&calls, DOWN), (&called, UP)] {
            let mut queue = VecDeque::from([(concern.service.clone(), 0)]);
            while let Some((at, hop)) = queue.pop_front() {
                for next in lists.get(&at).into_iter().flatten().filter(|_| hop < hops) {
                    if seen.insert(next.clone()) {
                        found.push(next.clone());
                        queue.push_back((next.clone(), hop + 1));
                    }
                }
            }
        }
        found.truncate(MOST);
        found
    }

    /// Who calls whom, both ways. A service at several sites counts as one here: signals are asked by name.
    pub(super) fn call_lists(&self) -> (CallLists, CallLists) {
        let (mut calls, mut called) = (CallLists::new(), CallLists::new());
        let graph = self.map.graph();
        for edge in graph.edges() {
            let (from, to) = (&graph.node(edge.from).key.service, &graph.node(edge.to).key.service);
            calls.entry(from.clone()).or_default().insert(to.clone());
            called.entry(to.clone()).or_default().insert(from.clone());
        }
        (calls, called)
    }

    /// The study that is due, if one is.
    pub(super) fn suspect_study(&mut self) -> Option<SuspectStudy> {
        let revision = self.measures.compared.wrapping_add(self.changes.revision);
        if !self.suspicion.pace.due(revision, EVERY, self.now) {
            return None;
        }
        let (mut concern, services) = self.suspicion.concern.clone()?;
        if let Some(began) = self.began(&concern) {
            concern.onset = began;
        }
        let usual_until = concern.onset.minus(LATE);
        let watched: Vec<Watched> =
            services.iter().map(|service| self.watched(service, usual_until)).collect();
        let newest = |w: &Watched| {
            let times = w.signals.iter().filter_map(|(_, track)| track.points.last());
            times.map(|(at, _)| *at).max()
        };
        let until = watched.iter().filter_map(newest).max()?;
        let place: BTreeMap<&ServiceId, usize> =
            services.iter().enumerate().map(|(at, id)| (id, at)).collect();
        let (calls, _) = self.call_lists();
        let edges = services
            .iter()
            .enumerate()
            .flat_map(|(at, id)| calls.get(id).into_iter().flatten().map(move |to| (at, to)))
            .filter_map(|(at, to)| Some((at, *place.get(to)?)))
            .collect();
        let symptom = watched.first().and_then(worst_signal);
        let edge_tracks = Vec::new();
        let changes = self.suspect_changes(&services, concern.onset, until);
        let now = self.now;
        self.suspicion.pace.begin(revision, now);
        Some(SuspectStudy {
            concern,
            services,
            watched,
            edges,
            edge_tracks,
            changes,
            symptom,
            until,
        })
    }

    /// When what hurts left its usual range, told from its readings: whoever raised the alarm came late.
    fn began(&self, concern: &Concern) -> Option<Timestamp> {
        let (signal, track) = worst_signal(&self.watched(&concern.service, concern.onset))
            .map(|symptom| (symptom.signal, symptom.track))?;
        suspects::began(signal, &track.points, concern.onset)
    }

    /// What was read of a service, its resources included.
    fn watched(&self, service: &ServiceId, usual_until: Timestamp) -> Watched {
        // All of it is looked at, so that what was so for a while before is known too.
        let track = |line: &Series| Track {
            points: line.points.clone(),
            ..Track::split(&line.points, usual_until)
        };
        let lines = |of: MeasureId| {
            let known = self.measures.history(&of).map(|(_, lines)| lines);
            known.into_iter().flatten()
        };
        let mut signals = Vec::new();
        for signal in Signal::ALL {
            let found = lines(MeasureId::Signal(service.clone(), signal));
            signals.extend(found.map(|line| (signal, track(line))));
        }
        for resource in self.catalog.resources.values().filter(|r| r.service == *service) {
            let found = lines(MeasureId::Strain(resource.id.clone()));
            signals.extend(found.map(|line| (Signal::Saturation, track(line))));
        }
        Watched { name: service.text().clone(), signals }
    }
}

pub(super) type CallLists = BTreeMap<ServiceId, BTreeSet<ServiceId>>;

/// What is seen at the service that hurts: errors before latency, whichever is read there.
fn worst_signal(watched: &Watched) -> Option<Symptom> {
    let of = |wanted: Signal| watched.signals.iter().find(|(signal, _)| *signal == wanted);
    let (signal, track) = of(Signal::Errors)
        .filter(|(_, track)| track.points.iter().any(|(_, value)| *value > 0.0))
        .or_else(|| of(Signal::Latency))
        .or_else(|| of(Signal::Errors))?;
    Some(Symptom { service: 0, signal: *signal, track: track.clone() })
}
