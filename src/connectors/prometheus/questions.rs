//! The catalog's questions: what is asked for resources, consensus, replicas, edges and liveness, and
//! how the answers are told apart. Each expression is tagged with its number (see [`super::plan`]).

use std::collections::BTreeMap;

use super::{
    Ask, Interest, LEAST_RATE, ParseError, Prometheus, Reply, State, plan, query_of, wire,
};
use crate::domain::{
    Capacity, Catalog, MeasureId, Measured, Observation, Reading, ResourceId, Series, ServiceId,
    SourceId, Span, Timestamp,
};

/// How far back every resource is known, for a quick forecast; in which steps, how often.
pub(super) const COURSE: (Span, Span, Span) =
    (Span::from_hours(24), Span::from_mins(5), Span::from_mins(5));
/// How many of the newest readings of every resource are known, one for each poll, to see it fill within
/// minutes; the least and the most time between them.
pub(super) const RECENT: (i64, Span, Span) = (40, Span::from_secs(2), Span::from_secs(60));
/// The same as [`COURSE`] for the resource on screen: enough weeks to see one.
pub(super) const LONG_COURSE: (Span, Span, Span) =
    (Span::from_days(21), Span::from_mins(30), Span::from_mins(5));
/// What services that may be to blame are compared over; the step is `model::COMPARED_STEP`.
pub(super) const AROUND: (Span, Span, Span) =
    (Span::from_hours(2), Span::from_secs(30), Span::from_secs(30));

/// Everything the catalog asks of one Prometheus.
#[derive(Debug, Default)]
pub(super) struct Questions {
    /// By number.
    pub(super) all: Vec<(MeasureId, String)>,
    /// Golden signals and resources of every service, for comparing; by number.
    pub(super) compared: Vec<(ServiceId, MeasureId, String)>,
}

impl Questions {
    /// Those that name this source, and those that name none when it is the first.
    pub(super) fn new(catalog: &Catalog, source: &SourceId, first: bool) -> Self {
        let ours = |named: &Option<SourceId>| named.as_ref().map_or(first, |named| named == source);
        let mut all = Vec::new();
        let mut ask = |of: MeasureId, expr: &str| all.push((of, expr.to_owned()));
        for resource in catalog.resources.values().filter(|r| ours(&r.source)) {
            ask(MeasureId::Used(resource.id.clone()), &resource.used);
            if let Capacity::Query(expr) = &resource.limit {
                ask(MeasureId::Limit(resource.id.clone()), expr);
            }
        }
        for group in catalog.consensus.values().filter(|g| ours(&g.source)) {
            ask(MeasureId::Members(group.id.clone()), &group.members);
            if let Some(expr) = &group.leader {
                ask(MeasureId::Leader(group.id.clone()), expr);
            }
        }
        for copies in catalog.replication.values().filter(|r| ours(&r.source)) {
            ask(MeasureId::Lag(copies.id.clone()), &copies.lag);
            if let Some(expr) = &copies.synchronous {
                ask(MeasureId::Synchronous(copies.id.clone()), expr);
            }
        }
        for edges in catalog.edges.values().filter(|e| ours(&e.source)) {
            ask(MeasureId::Calls(edges.id.clone()), &edges.calls);
            let more = [
                (MeasureId::Failed(edges.id.clone()), &edges.failed),
                (MeasureId::Retried(edges.id.clone()), &edges.retried),
                (MeasureId::Tripped(edges.id.clone()), &edges.tripped),
            ];
            for (of, expr) in more {
                if let Some(expr) = expr {
                    ask(of, expr);
                }
            }
        }
        let mut compared = Vec::new();
        for service in catalog.services.values().filter(|_| first) {
            if let Some(expr) = &service.alive {
                ask(MeasureId::Alive(service.id.clone()), expr);
            }
            for query in &service.signals {
                let of = MeasureId::Signal(service.id.clone(), query.signal);
                compared.push((service.id.clone(), of, query.expr.clone()));
            }
        }
        for resource in catalog.resources.values().filter(|r| ours(&r.source)) {
            let of = MeasureId::Strain(resource.id.clone());
            compared.push((resource.service.clone(), of, resource.used.clone()));
        }
        Self { all, compared }
    }

    /// A question as it is sent.
    fn text(&self, number: usize) -> Option<String> {
        let (_, expr) = self.all.get(number)?;
        Some(plan::tag(&expr.replace("$range", &LEAST_RATE.to_string()), &number.to_string()))
    }

    /// The numbers of the questions whose course is kept: how much is in use, over time.
    pub(super) fn courses(&self) -> impl Iterator<Item = usize> {
        let used = |of: &MeasureId| matches!(of, MeasureId::Used(_));
        self.all.iter().enumerate().filter(move |(_, (of, _))| used(of)).map(|(at, _)| at)
    }

    /// The number of the question how much of this resource is in use.
    pub(super) fn used(&self, resource: &ResourceId) -> Option<usize> {
        self.all.iter().position(|(of, _)| matches!(of, MeasureId::Used(id) if id == resource))
    }

    /// What a question is about, for a sentence.
    pub(super) fn title(&self, number: usize) -> String {
        let Some((of, _)) = self.all.get(number) else { return "a query".to_owned() };
        match of {
            MeasureId::Used(id) | MeasureId::LongUsed(id) | MeasureId::RecentUsed(id) => {
                format!("the use of the resource {id}")
            }
            MeasureId::Limit(id) => format!("the limit of the resource {id}"),
            MeasureId::Alive(id) => format!("the liveness of {id}"),
            MeasureId::Members(id) => format!("the members of {id}"),
            MeasureId::Leader(id) => format!("the leader of {id}"),
            MeasureId::Lag(id) => format!("the lag of {id}"),
            MeasureId::Synchronous(id) => format!("the mode of {id}"),
            MeasureId::Calls(id) => format!("the calls of the edges {id}"),
            MeasureId::Failed(id) => format!("the failed calls of the edges {id}"),
            MeasureId::Retried(id) => format!("the repeated calls of the edges {id}"),
            MeasureId::Tripped(id) => format!("the breakers of the edges {id}"),
            MeasureId::Signal(id, signal) => format!("{} of {id}", signal.name()),
            MeasureId::Strain(id) => format!("the use of the resource {id}"),
        }
    }
}

impl Prometheus {
    /// The catalog's questions: every answer now, and every course.
    pub(super) fn question_asks(&self, state: &mut State, now: Timestamp, asks: &mut Vec<Ask>) {
        let alone = state.questions_alone.clone();
        let text = |at| self.questions.text(at);
        let together = (0..self.questions.all.len()).filter(|at| !alone.contains(at));
        let packed = plan::packed(together.filter_map(text)).into_iter().enumerate();
        let singly = alone.iter().filter_map(|at| Some((format!("alone:{at}"), text(*at)?)));
        let packed = packed.map(|(chunk, text)| (chunk.to_string(), text));
        for (name, text) in packed.chain(singly) {
            let key = format!("measure:{name}");
            if state.take(&key, Span::ZERO, self.interval, now) {
                asks.push(self.query_ask(&key, text));
            }
        }
        let sound = |at: &usize| !alone.contains(at);
        let courses = plan::packed(self.questions.courses().filter(sound).filter_map(text));
        for (chunk, text) in courses.into_iter().enumerate() {
            let (readings, least, most) = RECENT;
            let step = self.interval.max(least).min(most);
            let recent = (Span::from_millis(step.millis().saturating_mul(readings)), step, step);
            self.course_ask(state, &format!("recent:{chunk}"), text.clone(), recent, now, asks);
            self.course_ask(state, &format!("course:{chunk}"), text, COURSE, now, asks);
        }
    }

    /// What is on screen: the long history of one resource, the signals of the services compared.
    pub(super) fn compared_asks(
        &self,
        state: &mut State,
        interest: &Interest,
        now: Timestamp,
        asks: &mut Vec<Ask>,
    ) {
        let on_screen = interest.resource.as_ref();
        if let Some((id, at)) = on_screen.and_then(|id| Some((id, self.questions.used(id)?)))
            && let Some(text) = self.questions.text(at)
        {
            let key = format!("resource:{id}");
            self.course_ask(state, &key, text, LONG_COURSE, now, asks);
        }
        let compared = self.questions.compared.iter().enumerate();
        let compared = compared.filter(|(_, (service, ..))| interest.around.contains(service));
        let compared = compared.map(|(at, (.., expr))| {
            plan::tag(&expr.replace("$range", &LEAST_RATE.to_string()), &at.to_string())
        });
        for text in plan::packed(compared) {
            // Named by its first member, so that other company means another question.
            let first = plan::tags(&text).next().unwrap_or_default();
            let key = format!("around:{first}");
            self.course_ask(state, &key, text, AROUND, now, asks);
        }
    }

    fn course_ask(
        &self,
        state: &mut State,
        key: &str,
        text: String,
        (range, step, every): (Span, Span, Span),
        now: Timestamp,
        asks: &mut Vec<Ask>,
    ) {
        if state.take(key, every, self.interval, now) {
            let there = state.there(key, now);
            asks.push(self.range_ask(key, text, range, step, there));
        }
    }

    pub(super) fn read_answers(
        &self,
        ask: &Ask,
        reply: &Reply,
    ) -> Result<Vec<Observation>, ParseError> {
        let mut state = self.state();
        let asked: Vec<usize> =
            plan::tags(query_of(ask)).filter_map(|id| id.parse().ok()).collect();
        let mut answers = gathered::<Measured>(asked.iter().copied());
        let maker = &mut state.maker;
        wire::elements(&reply.body, |element| {
            let Some(wire::Point(_, value)) = element.value else { return };
            let tag = element.metric.0.iter().position(|(name, _)| name == plan::TAG);
            let Some(tag) = tag.map(|at| element.metric.0.swap_remove(at).1) else { return };
            if let Some(found) = tag.parse().ok().and_then(|at: usize| answers.get_mut(&at)) {
                let labels = maker.labels(&element.metric);
                found.push(Measured { labels, value: Reading::of(value) });
            }
        })?;
        if let ([only], true) = (asked.as_slice(), ask.key.starts_with("measure:alone:")) {
            state.questions_alone.remove(only);
        }
        state.answered(&ask.key, Span::ZERO, self.interval, reply.sent);
        drop(state);
        let seen = answers.into_iter().filter_map(|(at, mut found)| {
            let (of, _) = self.questions.all.get(at)?;
            found.sort_by(|a, b| a.labels.cmp(&b.labels));
            Some(Observation::Measured { of: of.clone(), found })
        });
        Ok(seen.collect())
    }

    pub(super) fn read_courses(
        &self,
        ask: &Ask,
        reply: &Reply,
    ) -> Result<Vec<Observation>, ParseError> {
        let mut state = self.state();
        let ahead = state.moved(&ask.key);
        let (around, long) = (ask.key.starts_with("around:"), ask.key.starts_with("resource:"));
        let recent = ask.key.starts_with("recent:");
        let asked = plan::tags(query_of(ask)).filter_map(|id| id.parse().ok());
        let mut courses = gathered::<Series>(asked);
        let maker = &mut state.maker;
        wire::elements(&reply.body, |element| {
            let tag = element.metric.0.iter().position(|(name, _)| name == plan::TAG);
            let Some(tag) = tag.map(|at| element.metric.0.swap_remove(at).1) else { return };
            if let Some(lines) = tag.parse().ok().and_then(|at: usize| courses.get_mut(&at)) {
                let points = element.values.iter().map(|p| (p.0.minus(ahead), p.1)).collect();
                lines.push(Series { labels: maker.labels(&element.metric), points });
            }
        })?;
        state.answered(&ask.key, self.cadence(&ask.key), self.interval, reply.sent);
        drop(state);
        let seen = courses.into_iter().filter_map(|(at, mut lines)| {
            let of = if around {
                self.questions.compared.get(at)?.1.clone()
            } else {
                match self.questions.all.get(at)?.0.clone() {
                    MeasureId::Used(id) if long => MeasureId::LongUsed(id),
                    MeasureId::Used(id) if recent => MeasureId::RecentUsed(id),
                    of => of,
                }
            };
            lines.sort_by(|a, b| a.labels.cmp(&b.labels));
            Some(Observation::Course { of, lines })
        });
        Ok(seen.collect())
    }

    /// The server refused a query: next time its members go singly, or the culprit is named.
    pub(super) fn refused_question(&self, state: &mut State, ask: &Ask, why: &str) -> String {
        match ask.key.split(':').next() {
            Some("measure") => {
                let tags = plan::tags(query_of(ask));
                let numbers: Vec<usize> = tags.filter_map(|id| id.parse().ok()).collect();
                state.questions_alone.extend(&numbers);
                match numbers.as_slice() {
                    [one] => format!("{}: {why}", self.questions.title(*one)),
                    many => format!(
                        "one of {} queries of the catalog, which are asked singly from now on: {why}",
                        many.len()
                    ),
                }
            }
            // The answers of the moment find out which one is bad.
            Some("around") => format!("the golden signals of several services: {why}"),
            _ => format!("the history of resources: {why}"),
        }
    }
}

/// Collects what belongs together: items by number, in the order of the numbers asked for.
fn gathered<T>(asked: impl Iterator<Item = usize>) -> BTreeMap<usize, Vec<T>> {
    asked.map(|number| (number, Vec::new())).collect()
}
