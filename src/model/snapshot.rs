//! What is known of a service at one moment, frozen as proof before something is done to it: afterwards the
//! fault may be gone, and with it what it looked like.
//!
//! One entry says in words how it stands and what fires; the others hold courses: burns, signals, resources.

use super::{Gauge, Model};
use crate::domain::{
    Evidence, Freshness, MeasureId, SafeText, ServiceId, SourceKind, Span, Timestamp, Unit,
};

/// Most values of a proof.
const MOST_VALUES: usize = 240;
/// So much of a course is frozen.
const RANGE: Span = Span::from_hours(1);
/// Most courses of a kind: those of the first hour's questions, not an archive.
const MOST_COURSES: usize = 4;
/// Most alerts that are named.
const MOST_ALERTS: usize = 20;

/// What is known of a service at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// How it stands and what fires, in words, a finding a line.
    pub words: String,
    /// Courses, each with what it shows.
    pub courses: Vec<(SafeText, Evidence)>,
}

impl Model {
    /// What is known of a service now.
    pub fn snapshot(&self, service: &ServiceId, now: Timestamp) -> Snapshot {
        let courses: Vec<_> = self
            .burns_of(service)
            .into_iter()
            .chain(self.signals_of(service))
            .chain(self.resources_of(service))
            .collect();
        let view = self.node_views().node(service);
        let mut words = vec![format!("{service} is {}.", view.health.word())];
        words.extend(view.why.iter().map(ToString::to_string));
        words.push(self.alerts_of(service, now));
        for one in self.consensus().into_iter().filter(|one| one.group.service == *service) {
            words.push(match one.quorum {
                Some(quorum) => format!(
                    "{}: {} of {} members healthy, {} needed.",
                    one.group.id, quorum.healthy, quorum.voters, quorum.needed
                ),
                None => format!("{}: its members are not known.", one.group.id),
            });
        }
        if courses.is_empty() {
            words.push("No course of it is known here: no burn, signal or resource.".to_owned());
        }
        Snapshot { words: words.join("\n"), courses }
    }

    fn alerts_of(&self, service: &ServiceId, now: Timestamp) -> String {
        let groups = self.alerts.groups.iter().filter(|one| one.service.as_ref() == Some(service));
        let mut lines: Vec<String> = groups
            .filter(|group| group.active + group.silenced + group.inhibited + group.unseen > 0)
            .map(|group| {
                let since = super::incidents::words::length(now.since(group.since));
                let parts = [
                    (group.active, "firing"),
                    (group.silenced, "silenced"),
                    (group.inhibited, "inhibited"),
                    (group.unseen, "out of sight"),
                ];
                let parts = parts.into_iter().filter(|(count, _)| *count > 0);
                let parts: Vec<String> = parts.map(|(n, word)| format!("{n} {word}")).collect();
                let (title, severity) = (&group.title, group.judged.severity);
                format!("{title} ({severity}, {}, for {since})", parts.join(", "))
            })
            .collect();
        let answers = self.sources.values().any(|source| {
            source.kind == SourceKind::Alertmanager && source.freshness(now) == Freshness::Fresh
        });
        match lines.len() {
            0 if answers => "No alert of it fires.".to_owned(),
            0 => "Whether an alert of it fires is not known: no Alertmanager answers.".to_owned(),
            n => {
                let more = n.saturating_sub(MOST_ALERTS);
                lines.truncate(MOST_ALERTS);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!("Alerts: {}{more}.", lines.join(", "))
            }
        }
    }

    fn burns_of(&self, service: &ServiceId) -> Vec<(SafeText, Evidence)> {
        let slos = self.catalog.slos.values().filter(|slo| slo.service == *service);
        let burns = slos.filter_map(|slo| {
            let status = self.slos.status(&slo.id)?;
            let shortest = status.burns.first().map(|burn| burn.window);
            let lately: Vec<(Timestamp, f64)> = self
                .slos
                .lately(&slo.id)
                .map(|(at, ratio)| (at, ratio / (1.0 - slo.objective)))
                .collect();
            // A console that was just opened has no line yet, only its first readings.
            let (window, points) = match shortest {
                Some(window) if status.history.points.is_empty() => (window, lately.as_slice()),
                _ => (status.history_window, status.history.points.as_slice()),
            };
            let query = format!("({}) / {:.6}", slo.computed_ratio(window), 1.0 - slo.objective);
            let source = slo.source.as_ref().map_or("", |source| source.as_str());
            let proof = self.frozen((&query, source), points, RANGE, "x")?;
            let text = format!("{service} {}: burn over {window}", slo.title);
            Some((SafeText::new(&text), proof))
        });
        burns.take(MOST_COURSES).collect()
    }

    fn signals_of(&self, service: &ServiceId) -> Vec<(SafeText, Evidence)> {
        let Some(declared) = self.catalog.services.get(service) else { return Vec::new() };
        let found = declared.signals.iter().filter_map(|query| {
            let looked_at = self.signals.view(service, query.signal).map(|view| &view.series);
            let looked_at = looked_at.filter(|series| !series.points.is_empty());
            let of = MeasureId::Signal(service.clone(), query.signal);
            let points = match looked_at {
                Some(series) => &series.points,
                None => &self.measures.history(&of)?.1.first()?.points,
            };
            let proof = self.frozen((&query.expr, ""), points, RANGE, written(query.unit))?;
            Some((SafeText::new(&format!("{service} {}", query.signal.name())), proof))
        });
        found.take(MOST_COURSES).collect()
    }

    fn resources_of(&self, service: &ServiceId) -> Vec<(SafeText, Evidence)> {
        let ours = |resource: &crate::domain::Resource| {
            resource.service == *service || resource.shared_by.contains(service)
        };
        let gauges = self.gauges().into_iter().filter(|(resource, _)| ours(resource));
        let found = gauges.filter_map(|(resource, gauge): (_, Gauge)| {
            let points = &gauge.outlook.as_ref()?.points;
            let source = resource.source.as_ref().map_or("", |source| source.as_str());
            let unit = written(resource.unit);
            let proof = self.frozen((&resource.used, source), points, RANGE, unit)?;
            Some((SafeText::new(&format!("{} in use", resource.title)), proof))
        });
        found.take(MOST_COURSES).collect()
    }

    /// The last part of a course as proof: thinned so that the peaks stay; `None` without any point. What
    /// names no source was asked of the first Prometheus.
    pub fn frozen(
        &self,
        (query, source): (&str, &str),
        points: &[(Timestamp, f64)],
        range: Span,
        unit: &str,
    ) -> Option<Evidence> {
        let start = points.last()?.0.minus(range.max(Span::from_mins(1)));
        let shown: Vec<(Timestamp, f64)> =
            points.iter().copied().filter(|(at, _)| *at >= start).collect();
        let many = shown.len().div_ceil(MOST_VALUES).max(1);
        let peak = |part: &[(Timestamp, f64)]| {
            part.iter()
                .copied()
                .max_by(|a, b| a.1.partial_cmp(&b.1).unwrap_or(std::cmp::Ordering::Equal))
        };
        let values: Vec<(Timestamp, f64)> = shown.chunks(many).filter_map(peak).collect();
        let first = || {
            let all = self.sources.values();
            let mut all = all.filter(|source| source.kind == SourceKind::Prometheus);
            all.next().map(|source| source.id.text().clone())
        };
        Some(Evidence {
            query: SafeText::body(query),
            source: if source.is_empty() {
                first().unwrap_or_default()
            } else {
                SafeText::new(source)
            },
            from: shown.first()?.0,
            to: shown.last()?.0,
            values,
            unit: SafeText::new(unit),
        })
    }
}

/// As a unit is written behind a number.
pub const fn written(unit: Unit) -> &'static str {
    match unit {
        Unit::PerSecond => "/s",
        Unit::Seconds => "s",
        Unit::Bytes => "B",
        Unit::Ratio | Unit::Count => "",
    }
}
