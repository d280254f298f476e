//! What runs out next: every declared resource as gauges, with its rate, where it goes, and when it is
//! full. Forecasts are carried out beside the loop whenever a course comes in; what fills within minutes is
//! told from the newest readings alone.

mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Model;
use super::study::Pace;
use crate::analysis::series::{Ask, Crossing, Forecast, Kind, Limit, NoForecast, forecast, surge};
use crate::domain::{
    Capacity, Catalog, Freshness, Labels, MeasureId, Measured, Reading, Resource, ResourceId,
    SafeText, Series, Span, Timestamp,
};

/// How often forecasts are made anew at most.
const EVERY: Span = Span::from_secs(30);
/// How far the forecast of every resource looks.
const HORIZON: Span = Span::from_hours(24);
/// How far that of the resource on screen looks, whose history is longer.
const LONG_HORIZON: Span = Span::from_days(14);
/// What a rate is taken over.
const RATE_OVER: Span = Span::from_hours(1);

/// A resource that may be full this soon wants somebody now.
const SOON: Span = Span::from_hours(1);

/// One gauge: a resource, and which of its series.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GaugeId {
    /// The resource.
    pub resource: ResourceId,
    /// Its labels that tell it from the others of the resource.
    pub labels: Labels,
}

/// How full a gauge is and where it goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Gauge {
    /// Which.
    pub id: GaugeId,
    /// In use.
    pub used: Reading,
    /// How much there is; `None` when nobody says or the answer is no number above zero.
    pub limit: Option<f64>,
    /// Share in use, 0 to 1 and beyond; `None` when use or limit is not known or makes no sense.
    pub share: Option<f64>,
    /// How old the answer is, and whether that is too old.
    pub age: Option<(Span, Freshness)>,
    /// Where it goes; `None` before the first course came in.
    pub outlook: Option<Arc<Outlook>>,
}

/// Where a gauge goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// Its readings, for drawing.
    pub points: Vec<(Timestamp, f64)>,
    /// Change per hour over the last one; `None` when there are too few readings for it.
    pub per_hour: Option<f64>,
    /// The coming steps, or why nothing can be said.
    pub forecast: Result<Forecast, NoForecast>,
}

/// In one word, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fill {
    /// At or past its limit.
    Full,
    /// May be full within the horizon, at this time at the earliest.
    RunsOut(Timestamp),
    /// Beyond the share from which it counts as short, but not filling up.
    Short,
    /// Nothing can be said of it now.
    Unknown,
    /// Holds, as far as the forecast looks.
    Steady,
}

impl Gauge {
    /// How it stands. Never steady without a fresh answer, a limit and a forecast.
    pub fn fill(&self, resource: &Resource) -> Fill {
        let fresh = matches!(self.age, Some((_, Freshness::Fresh)));
        let Some(share) = self.share.filter(|_| fresh) else { return Fill::Unknown };
        if share >= 1.0 {
            return Fill::Full;
        }
        match self.forecast().map(|forecast| (forecast.crossing, forecast.from)) {
            Some((Crossing::Within { earliest, .. }, _)) => Fill::RunsOut(earliest),
            // It was full when its course was asked for, and is not quite now.
            Some((Crossing::Already, then)) => Fill::RunsOut(then),
            _ if share >= resource.short_from => Fill::Short,
            Some(_) => Fill::Steady,
            None => Fill::Unknown,
        }
    }

    /// Whether it wants somebody: full, or perhaps full within the hour.
    pub fn is_urgent(&self, resource: &Resource, now: Timestamp) -> bool {
        match self.fill(resource) {
            Fill::Full => true,
            Fill::RunsOut(earliest) => earliest.since(now) <= SOON,
            Fill::Short | Fill::Unknown | Fill::Steady => false,
        }
    }

    /// The coming steps, where something can be said of them.
    pub fn forecast(&self) -> Option<&Forecast> {
        self.outlook.as_ref()?.forecast.as_ref().ok()
    }
}

/// One gauge's line and limit, to be forecast.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    id: GaugeId,
    limit: Option<f64>,
    points: Vec<(Timestamp, f64)>,
}

/// Everything the forecasts need.
#[derive(Debug, Clone, PartialEq)]
pub struct CapacityStudy {
    now: Timestamp,
    lines: Vec<Line>,
    long: Vec<Line>,
    /// The last minutes of each.
    recent: BTreeMap<GaugeId, Vec<(Timestamp, f64)>>,
}

/// Where the gauges go.
#[derive(Debug, Clone, PartialEq)]
pub struct CapacityFound {
    outlooks: BTreeMap<GaugeId, Arc<Outlook>>,
    long: BTreeMap<GaugeId, Arc<Outlook>>,
}

impl CapacityStudy {
    /// Forecasts each line.
    pub(super) fn carry_out(self) -> CapacityFound {
        let (now, recent) = (self.now, &self.recent);
        let outlook = |horizon| {
            move |line: Line| {
                let limit = line.limit.map(Limit::Above);
                let ask = Ask { horizon, limit, kind: Kind::Gauge, now };
                let mut forecast = forecast(&line.points, &ask);
                let newest = recent.get(&line.id).and_then(|recent| surge(recent, &ask));
                if let Some(newest) = newest.filter(|newest| is_sooner(newest, &forecast)) {
                    forecast = Ok(newest);
                }
                let per_hour = per_hour(&line.points, now);
                (line.id, Arc::new(Outlook { points: line.points, per_hour, forecast }))
            }
        };
        CapacityFound {
            outlooks: self.lines.into_iter().map(outlook(HORIZON)).collect(),
            long: self.long.into_iter().map(outlook(LONG_HORIZON)).collect(),
        }
    }
}

/// Whether what the last minutes say comes before what the forecast says.
fn is_sooner(newest: &Forecast, forecast: &Result<Forecast, NoForecast>) -> bool {
    match (newest.crossing, forecast.as_ref().map(|forecast| forecast.crossing)) {
        (Crossing::Within { earliest, .. }, Ok(Crossing::Within { earliest: other, .. })) => {
            earliest < other
        }
        (_, Ok(Crossing::Already)) => false,
        _ => true,
    }
}

/// Change per hour: the slope between the medians of the older and the newer half of the last hour, which
/// one odd reading does not move. What is older or comes from a clock ahead says nothing about now.
fn per_hour(points: &[(Timestamp, f64)], now: Timestamp) -> Option<f64> {
    let is_recent = |at: Timestamp| at <= now && now.since(at) <= RATE_OVER;
    let counts = |(at, value): &&(Timestamp, f64)| is_recent(*at) && value.is_finite();
    let mut recent: Vec<_> = points.iter().filter(counts).copied().collect();
    recent.sort_by_key(|(at, _)| *at);
    let (older, newer) = recent.split_at(recent.len() / 2);
    let middle = |half: &[(Timestamp, f64)]| {
        let mut values: Vec<f64> = half.iter().map(|(_, value)| *value).collect();
        values.sort_by(f64::total_cmp);
        let at = half.get(half.len() / 2)?.0;
        Some((at, *values.get(values.len() / 2)?))
    };
    if older.len() < 2 {
        return None;
    }
    let ((a_at, a), (b_at, b)) = (middle(older)?, middle(newer)?);
    let hours = b_at.since(a_at).seconds() / 3_600.0;
    (hours > 0.0).then(|| (b - a) / hours)
}

/// Gauges of all resources.
#[derive(Debug, Clone, Default)]
pub struct CapacityBook {
    pace: Pace,
    outlooks: BTreeMap<GaugeId, Arc<Outlook>>,
    long: BTreeMap<GaugeId, Arc<Outlook>>,
}

impl CapacityBook {
    pub(super) fn found(&mut self, found: CapacityFound) {
        self.pace.end();
        (self.outlooks, self.long) = (found.outlooks, found.long);
    }

    /// Where a gauge goes over weeks; there for the resource on screen once its long history came in.
    pub fn long_outlook(&self, id: &GaugeId) -> Option<&Outlook> {
        self.long.get(id).map(Arc::as_ref)
    }
}

/// The labels that tell a resource's series apart: those it names, else all but the metric's name, which use and
/// limit do not share, and what only says the service again.
fn telling(resource: &Resource, labels: &Labels) -> Labels {
    if resource.per.is_empty() {
        let service = resource.service.as_str();
        let more = |(name, value): &&(SafeText, SafeText)| {
            name.as_str() != "__name__" && value.as_str() != service
        };
        return Labels::new(labels.iter().filter(more).cloned().collect());
    }
    let named = resource.per.iter().map(|name| (name.clone(), SafeText::new(labels.get(name))));
    Labels::new(named.collect())
}

/// The limit of one series: written down, measured beside it, or measured once for all.
fn limit_of(resource: &Resource, labels: &Labels, limits: &[Measured]) -> Option<f64> {
    let sound = |value: f64| (value.is_finite() && value > 0.0).then_some(value);
    match &resource.limit {
        Capacity::Fixed(limit) => sound(*limit),
        Capacity::Unknown => None,
        Capacity::Query(_) => {
            let same = |m: &&Measured| telling(resource, &m.labels) == *labels;
            let one = if let [one] = limits { Some(one) } else { limits.iter().find(same) };
            one?.value.value().and_then(sound)
        }
    }
}

impl Model {
    /// Every gauge, what runs out first before the others. A resource that gave no answer is one gauge
    /// of which nothing is known.
    pub fn gauges(&self) -> Vec<(&Resource, Gauge)> {
        let mut gauges: Vec<(&Resource, Gauge)> =
            self.catalog.resources.values().flat_map(|r| self.gauges_of(r)).collect();
        gauges.sort_by(|(ra, a), (rb, b)| {
            let share = |gauge: &Gauge| gauge.share.unwrap_or(0.0);
            let urgency = a.fill(ra).cmp(&b.fill(rb));
            urgency.then(share(b).total_cmp(&share(a))).then_with(|| a.id.cmp(&b.id))
        });
        gauges
    }

    /// How much of what runs out and of what stands behind the services wants somebody: resources that are
    /// full or may be within the hour, groups that stop at the next loss or have stopped, copies that
    /// would lose more than may be lost; and whether one of them is past the point already.
    pub fn shortages(&self, gauges: &[Gauge]) -> (usize, bool) {
        let resource = |gauge: &Gauge| self.catalog.resources.get(&gauge.id.resource);
        let urgent = gauges.iter().filter_map(|gauge| Some((gauge, resource(gauge)?))).filter_map(
            |(gauge, resource)| {
                let is_full = gauge.fill(resource) == Fill::Full;
                gauge.is_urgent(resource, self.now).then_some(is_full)
            },
        );
        let groups = self.consensus().into_iter().filter_map(|view| {
            let margin = view.quorum?.margin();
            (margin.unwrap_or(0) == 0).then_some(margin.is_none())
        });
        let copies = self.replication().into_iter();
        let copies = copies.filter(|view| view.within_rpo() == Some(false)).map(|_| true);
        urgent
            .chain(groups.collect::<Vec<_>>())
            .chain(copies.collect::<Vec<_>>())
            .fold((0, false), |(count, past), is_past| (count + 1, past || is_past))
    }

    fn gauges_of<'a>(&'a self, resource: &'a Resource) -> Vec<(&'a Resource, Gauge)> {
        let used = self.measures.get(&MeasureId::Used(resource.id.clone()));
        let age = used.map(|answer| self.age_of(&answer.source, answer.at));
        let limits = self.limits(resource);
        let found = used.map_or(&[][..], |answer| &answer.found);
        if found.is_empty() {
            let id = GaugeId { resource: resource.id.clone(), labels: Labels::default() };
            let used = if used.is_some() { Reading::NoData } else { Reading::Unknown };
            let gauge = Gauge { id, used, limit: None, share: None, age, outlook: None };
            return vec![(resource, gauge)];
        }
        let gauge = |m: &Measured| {
            let labels = telling(resource, &m.labels);
            let limit = limit_of(resource, &labels, limits);
            let used = m.value.value().filter(|used| *used >= 0.0);
            let share = used.zip(limit).map(|(used, limit)| used / limit);
            let id = GaugeId { resource: resource.id.clone(), labels };
            let outlook = self.capacity.outlooks.get(&id).cloned();
            (resource, Gauge { id, used: m.value, limit, share, age, outlook })
        };
        found.iter().map(gauge).collect()
    }

    fn limits(&self, resource: &Resource) -> &[Measured] {
        let answer = self.measures.get(&MeasureId::Limit(resource.id.clone()));
        answer.map_or(&[], |answer| &answer.found)
    }

    /// The study that is due, if one is.
    pub(super) fn capacity_study(&mut self) -> Option<CapacityStudy> {
        if !self.capacity.pace.due(self.measures.filled, EVERY, self.now) {
            return None;
        }
        let catalog: Arc<Catalog> = Arc::clone(&self.catalog);
        let lines = |of: fn(ResourceId) -> MeasureId| {
            let mut all = Vec::new();
            for resource in catalog.resources.values() {
                let Some((_, lines)) = self.measures.history(&of(resource.id.clone())) else {
                    continue;
                };
                all.extend(lines.iter().map(|line| self.line(resource, line)));
            }
            all
        };
        let recent = lines(MeasureId::RecentUsed);
        let (mut lines, long) = (lines(MeasureId::Used), lines(MeasureId::LongUsed));
        let known: BTreeSet<GaugeId> = lines.iter().map(|line| line.id.clone()).collect();
        lines.extend(recent.iter().filter(|line| !known.contains(&line.id)).cloned());
        let recent = recent.into_iter().map(|line| (line.id, line.points)).collect();
        if lines.is_empty() && long.is_empty() {
            return None;
        }
        let (revision, now) = (self.measures.filled, self.now);
        self.capacity.pace.begin(revision, now);
        Some(CapacityStudy { now, lines, long, recent })
    }

    fn line(&self, resource: &Resource, line: &Series) -> Line {
        let labels = telling(resource, &line.labels);
        let limit = limit_of(resource, &labels, self.limits(resource));
        let id = GaugeId { resource: resource.id.clone(), labels };
        Line { id, limit, points: line.points.clone() }
    }
}
