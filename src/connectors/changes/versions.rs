//! Which versions run, told by a metric with one series for each instance (`build_info`).
//!
//! ```text
//! count by (service, version) over time ─► when each version ran ─► one that appears is a deploy ─► Change
//! ```
//!
//! It is asked at whole steps, so that what was seen once is found at the same moment again. Versions that
//! run where looking begins were there before: nobody knows since when, so they are no change. An instance
//! that restarts is away for a moment, and so is a whole service whose scrape fails: neither is a deploy.

use std::collections::{BTreeMap, BTreeSet};

use super::{Metric, Places};
use crate::connectors::prometheus::{post, wire};
use crate::connectors::{Ask, Connector, Interest, ParseError, Reply};
use crate::domain::{
    Change, ChangeKey, ChangeKind, ChangeState, Observation, Reviewed, SafeText, SourceId, Span,
    Timestamp,
};

/// Points in which a version may be missing while others are there, and still be the one that ran.
const MISSED: usize = 2;
/// About how many points are asked for.
const POINTS: i64 = 1_440;
/// Steps are multiples of this, the shortest interval at which most are scraped.
const FINEST: i64 = 15_000;
/// Most changes kept, the newest.
const MOST: usize = 1_000;

/// How many instances run a version at each moment at which some do.
type Counts = BTreeMap<Timestamp, f64>;

/// The reader of such a metric.
#[derive(Debug, Clone)]
pub struct Versions {
    metric: Option<Metric>,
    places: Places,
}

impl Versions {
    /// Of this metric; without one nothing is asked.
    pub const fn new(metric: Option<Metric>, places: Places) -> Self {
        Self { metric, places }
    }
}

/// The step of a range.
fn step(range: Span) -> Span {
    let rough = range.millis() / POINTS;
    Span::from_millis((rough.max(1) + FINEST - 1) / FINEST * FINEST)
}

impl Connector for Versions {
    fn asks(&self, _: &Interest, now: Timestamp) -> Vec<Ask> {
        let Some(Metric { selector, version, service, range }) = &self.metric else {
            return Vec::new();
        };
        let step = step(*range);
        let end = now.millis() - now.millis().rem_euclid(step.millis());
        let begin = end - range.millis() / step.millis() * step.millis();
        let seconds = |millis: i64| (millis / 1_000).to_string();
        let params = vec![
            ("query", format!("count by ({service}, {version}) ({selector})")),
            ("start", seconds(begin)),
            ("end", seconds(end)),
            ("step", seconds(step.millis())),
        ];
        vec![post("versions", "/api/v1/query_range", params)]
    }

    fn parse(
        &self,
        source: &SourceId,
        _: &Ask,
        reply: &Reply,
    ) -> Result<Vec<Observation>, ParseError> {
        let Some(metric) = &self.metric else { return Ok(Vec::new()) };
        let mut services: BTreeMap<String, BTreeMap<String, Counts>> = BTreeMap::new();
        wire::elements(&reply.body, |element| {
            let label = |name: &str| {
                let found = element.metric.0.iter().find(|(label, _)| label == name);
                found.map(|(_, value)| value.to_string()).unwrap_or_default()
            };
            let version = label(&metric.version);
            let counts = element.values.iter().filter(|point| point.1 >= 1.0);
            let counts: Counts = counts.map(|point| (point.0, point.1)).collect();
            if !version.is_empty() && !counts.is_empty() {
                let of_service = services.entry(label(&metric.service)).or_default();
                of_service.entry(version).or_default().extend(counts);
            }
        })?;
        let begin = services.values().flat_map(BTreeMap::values).filter_map(|c| c.keys().next());
        let Some(begin) = begin.min().copied() else {
            return Ok(vec![Observation::Changes(Vec::new())]);
        };
        let known = begin.plus(step(metric.range).scale(MISSED as f64));
        let mut changes: Vec<Change> = Vec::new();
        for (service, versions) in &services {
            let found = Rollouts::new(versions).appeared(known);
            changes.extend(found.iter().map(|one| self.change(source, service, one)));
        }
        changes.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.key.cmp(&b.key)));
        changes.truncate(MOST);
        Ok(vec![Observation::Changes(changes)])
    }
}

impl Versions {
    fn change(&self, source: &SourceId, service: &str, one: &Appeared<'_>) -> Change {
        let id = format!("{service}/{}@{}", one.version, one.at.rfc3339());
        let name = if service.is_empty() { String::new() } else { format!("{service} ") };
        Change {
            key: ChangeKey { source: source.clone(), id: SafeText::new(&id) },
            at: one.at,
            kind: ChangeKind::Deploy,
            service: self.places.of_word(service),
            title: SafeText::new(&format!("{name}{} {}", one.version, one.share())),
            author: SafeText::default(),
            reviewed: Reviewed::Unknown,
            before: SafeText::new(one.before),
            after: SafeText::new(one.version),
            state: one.state(),
            size: None,
            with: Vec::new(),
            url: SafeText::default(),
        }
    }
}

/// The versions of one service over time.
struct Rollouts<'a> {
    versions: &'a BTreeMap<String, Counts>,
    /// The moments at which anything of it ran.
    moments: Vec<Timestamp>,
}

/// A version that appeared.
#[derive(Debug, Clone, PartialEq)]
struct Appeared<'a> {
    version: &'a str,
    /// When it was first seen.
    at: Timestamp,
    /// What most instances ran before; empty when nothing did.
    before: &'a str,
    now: Stands<'a>,
}

/// How a version that appeared stands where looking ends.
#[derive(Debug, Clone, PartialEq)]
enum Stands<'a> {
    /// All instances run it.
    Alone { instances: f64 },
    /// Others run beside it, most instances first: a rollout goes on.
    Beside { instances: f64, of: f64, others: Vec<(&'a str, f64)> },
    /// None runs it any more; at its height so many did, and then most ran another.
    Gone { most: f64, of: f64, then: &'a str },
}

impl<'a> Rollouts<'a> {
    fn new(versions: &'a BTreeMap<String, Counts>) -> Self {
        let moments: BTreeSet<Timestamp> =
            versions.values().flat_map(BTreeMap::keys).copied().collect();
        Self { versions, moments: moments.into_iter().collect() }
    }

    /// Which versions appeared when; a service is new when it was first seen after `known`.
    fn appeared(&self, known: Timestamp) -> Vec<Appeared<'a>> {
        let mut found = Vec::new();
        for (version, counts) in self.versions {
            for (first, last) in self.runs(counts) {
                if first == 0 && self.moments[0] <= known {
                    continue;
                }
                let before = first.checked_sub(1).map_or("", |at| self.most(at));
                let now = self.stands(counts, version, first, last);
                found.push(Appeared { version, at: self.moments[first], before, now });
            }
        }
        found
    }

    /// From which moment to which it ran, moments counted.
    fn runs(&self, counts: &Counts) -> Vec<(usize, usize)> {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for (at, moment) in self.moments.iter().enumerate() {
            if !counts.contains_key(moment) {
                continue;
            }
            match runs.last_mut() {
                Some((_, last)) if at - *last <= MISSED + 1 => *last = at,
                _ => runs.push((at, at)),
            }
        }
        runs
    }

    /// What ran at a moment, most instances first.
    fn at(&self, moment: usize) -> Vec<(&'a str, f64)> {
        let moment = &self.moments[moment];
        let there = self.versions.iter();
        let mut there: Vec<(&str, f64)> = there
            .filter_map(|(name, counts)| Some((name.as_str(), *counts.get(moment)?)))
            .collect();
        there.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        there
    }

    fn most(&self, moment: usize) -> &'a str {
        self.at(moment).first().map_or("", |(name, _)| name)
    }

    fn total(&self, moment: usize) -> f64 {
        self.at(moment).iter().map(|(_, count)| count).sum()
    }

    fn stands(&self, counts: &Counts, version: &str, first: usize, last: usize) -> Stands<'a> {
        let end = self.moments.len() - 1;
        let count = |at: usize| counts.get(&self.moments[at]).copied().unwrap_or(0.0);
        // One that restarts where looking ends has not gone yet.
        if end - last > MISSED {
            let share = |at: &usize| count(*at) / self.total(*at).max(1.0);
            let height = (first..=last).rev().max_by(|a, b| share(a).total_cmp(&share(b)));
            let height = height.unwrap_or(last);
            return Stands::Gone {
                most: count(height),
                of: self.total(height),
                then: self.most(last + 1),
            };
        }
        let others: Vec<(&str, f64)> =
            self.at(last).into_iter().filter(|(name, _)| *name != version).collect();
        let instances = count(last);
        if others.is_empty() {
            return Stands::Alone { instances };
        }
        Stands::Beside { instances, of: self.total(last), others }
    }
}

impl Appeared<'_> {
    fn state(&self) -> ChangeState {
        match &self.now {
            Stands::Alone { .. } => ChangeState::Done,
            Stands::Beside { .. } => ChangeState::Running,
            // What ran before runs again.
            Stands::Gone { then, .. } if *then == self.before => ChangeState::Undone,
            Stands::Gone { .. } => ChangeState::Done,
        }
    }

    /// How many instances run it, in words.
    fn share(&self) -> String {
        match &self.now {
            Stands::Alone { instances } if *instances < 2.0 => "on its only instance".to_owned(),
            Stands::Alone { instances } => format!("on all {instances} instances"),
            Stands::Beside { instances, of, others } => {
                let others: Vec<String> =
                    others.iter().map(|(name, count)| format!("{name} on {count}")).collect();
                format!("on {instances} of {of} instances, beside {}", others.join(", "))
            }
            Stands::Gone { most, of, then } => {
                format!("was on up to {most} of {of} instances, then {then}")
            }
        }
    }
}

#[cfg(test)]
mod tests;
