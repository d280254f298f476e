//! Prometheus' HTTP API, and what speaks it (VictoriaMetrics, Thanos, Mimir): objectives' error
//! ratios, their history, golden signals and what is usual for them, rules, targets, clock.
//!
//! Many expressions travel in one query (see `plan`). When a server refuses one, its members are
//! asked singly, the sound ones join again, and the one it refuses is named.

mod fired;
pub mod instant;
mod plan;
mod questions;
pub(in crate::connectors) mod wire;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::http::server_message;
use super::wire::LabelMaker;
use super::{Ask, Connector, Interest, Method, ParseError, Reply};
use crate::analysis::baseline;
use crate::domain::{
    Catalog, ClockOffset, Labels, Observation, Reading, Series, ServiceId, Signal, SignalQuery,
    Slo, SloReading, SourceId, Span, Timestamp,
};
use plan::{Part, Unit};
use questions::Questions;

/// Points of a chart at most; terminals are rarely wider in Braille cells.
const CHART_POINTS: f64 = 240.0;
/// Recording rules that gave nothing are tried again after this.
const TRY_RULES_AGAIN: Span = Span::from_mins(10);
/// Objectives charted finely at once; more do not fit on a screen.
const MOST_CHARTS: usize = 8;
/// Points of a sparkline.
const SPARK_POINTS: f64 = 30.0;
/// What a sparkline covers when no range was chosen.
const SPARK_RANGE: Span = Span::from_hours(6);
/// How far back the baseline looks, and in which steps.
const PAST: (Span, Span) = (Span::from_days(28), Span::from_mins(5));
/// Shortest window for a rate: four scrapes at the usual 15 s.
const LEAST_RATE: Span = Span::from_mins(1);
/// Points of what was missed, and how far back that reaches at most.
const MISSED_POINTS: f64 = 400.0;
const MOST_MISSED: Span = Span::from_hours(2);

/// One Prometheus.
pub struct Prometheus {
    slos: Vec<Slo>,
    units: Vec<Unit>,
    signals: BTreeMap<ServiceId, Vec<SignalQuery>>,
    questions: Questions,
    interval: Span,
    /// How long the server may work on a query; it says so when it gives up, a deadline of ours
    /// would not.
    patience: Span,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    maker: LabelMaker,
    /// When each question is due again.
    due: HashMap<String, Timestamp>,
    /// Units whose query was refused in company, or gave several series.
    alone: HashSet<usize>,
    /// Units whose recording rules gave nothing when last asked: their stand-ins are asked meanwhile.
    unrecorded: HashMap<usize, Timestamp>,
    /// Services whose signals were refused in company.
    signals_alone: BTreeSet<ServiceId>,
    /// The catalog's questions that were refused in company.
    questions_alone: BTreeSet<usize>,
    /// What is asked of all objectives: hundreds of kilobytes of text, the same at most polls.
    plan: Option<Arc<Planned>>,
    shown: BTreeSet<usize>,
    past: HashMap<(ServiceId, Signal), Series>,
    lines: HashMap<(ServiceId, Signal), Series>,
    /// How far the server's clock is ahead of ours, when that is more than a little.
    ahead: Span,
    /// By how much the range asked for was moved, by question.
    moved: HashMap<String, Span>,
}

/// Queries of all objectives, and which units they were made without.
struct Planned {
    alone: HashSet<usize>,
    unrecorded: BTreeSet<usize>,
    readings: Vec<plan::Query>,
    /// For sparklines.
    coarse: Vec<String>,
}

impl State {
    /// Whether a question is due; if so it is put off by half an interval until its answer is read.
    fn take(&mut self, key: &str, every: Span, interval: Span, now: Timestamp) -> bool {
        let waits = |due: Timestamp| now < due && due.since(now) <= every.max(interval);
        if self.due.get(key).is_some_and(|due| waits(*due)) {
            return false;
        }
        self.due.insert(key.to_owned(), now.plus(interval.scale(0.5)));
        true
    }

    /// The server's present, for a question about a range.
    fn there(&mut self, key: &str, now: Timestamp) -> Timestamp {
        self.moved.insert(key.to_owned(), self.ahead);
        now.plus(self.ahead)
    }

    /// How far an answer's times are ahead of ours.
    fn moved(&self, key: &str) -> Span {
        self.moved.get(key).copied().unwrap_or(self.ahead)
    }

    fn answered(&mut self, key: &str, every: Span, interval: Span, at: Timestamp) {
        if self.moved.get(key).is_some_and(|moved| *moved != self.ahead) {
            // Asked before the clock was known: the answer is about another time.
            self.due.remove(key);
            return;
        }
        let slack = interval.scale(0.5);
        if every > interval {
            let rest = Span::from_millis(every.millis() - slack.millis());
            self.due.insert(key.to_owned(), at.plus(rest));
        } else {
            self.due.remove(key);
        }
    }
}

impl Prometheus {
    /// Asks for what the catalog declares. Objectives that name no source go to the `first` one.
    pub fn new(catalog: &Catalog, source: &SourceId, first: bool, interval: Span) -> Self {
        let ours = |slo: &&Slo| slo.source.as_ref().map_or(first, |named| named == source);
        let slos: Vec<Slo> = catalog.slos.values().filter(ours).cloned().collect();
        let with_signals = catalog.services.values().filter(|s| first && !s.signals.is_empty());
        Self {
            units: plan::units(&slos),
            slos,
            signals: with_signals.map(|s| (s.id.clone(), s.signals.clone())).collect(),
            questions: Questions::new(catalog, source, first),
            interval,
            patience: Span::from_secs(9),
            state: Mutex::default(),
        }
    }

    /// Has the server give up on a query shortly before our `deadline` does.
    pub fn with_deadline(mut self, deadline: Span) -> Self {
        self.patience = deadline.scale(0.9);
        self
    }

    fn query_ask(&self, key: &str, query: String) -> Ask {
        let params = vec![("query", query), ("timeout", self.patience.to_string())];
        post(key, "/api/v1/query", params)
    }

    /// Ends on a multiple of the step, so that a line's points stay where they are from poll to poll.
    /// `now` is by the server's clock: what it calls now is where its latest samples are.
    fn range_ask(&self, key: &str, query: String, range: Span, step: Span, now: Timestamp) -> Ask {
        let end = now.minus(Span::from_millis(now.millis().rem_euclid(step.millis().max(1))));
        let params = vec![
            ("query", query),
            ("start", end.minus(range).seconds().to_string()),
            ("end", end.seconds().to_string()),
            ("step", step.seconds().to_string()),
            ("timeout", self.patience.to_string()),
        ];
        post(key, "/api/v1/query_range", params)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is a cache and a schedule; nothing in it misleads after a panic elsewhere.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often a question is asked.
    fn cadence(&self, key: &str) -> Span {
        match key.split(':').next() {
            Some("rules") => Span::from_secs(30),
            Some("targets" | "spark") => Span::from_secs(60),
            Some("missed") => Span::from_secs(30),
            Some("fired") => Span::from_secs(15),
            Some("buildinfo") => Span::from_hours(1),
            Some("past") => Span::from_mins(10),
            Some("course") => questions::COURSE.2,
            Some("resource") => questions::LONG_COURSE.2,
            Some("around") => questions::AROUND.2,
            _ => Span::ZERO,
        }
    }

    fn planned(&self, state: &mut State) -> Arc<Planned> {
        let unrecorded: BTreeSet<usize> = state.unrecorded.keys().copied().collect();
        if let Some(planned) = &state.plan
            && planned.alone == state.alone
            && planned.unrecorded == unrecorded
        {
            return planned.clone();
        }
        let active = |at: usize| match self.units.get(at).and_then(|u| u.instead_of) {
            Some(recorded) => unrecorded.contains(&recorded),
            None => !unrecorded.contains(&at),
        };
        let charted = self.charted(state);
        let planned = Arc::new(Planned {
            readings: plan::queries(&self.units, active, &state.alone),
            coarse: plan::packed(charted.iter().map(|(at, slo)| self.history(state, *at, slo))),
            alone: state.alone.clone(),
            unrecorded,
        });
        state.plan = Some(planned.clone());
        planned
    }

    fn slo_asks(&self, state: &mut State, now: Timestamp, asks: &mut Vec<Ask>) {
        // Rules may be loaded later; they are tried again now and then.
        state.unrecorded.retain(|_, since| now.since(*since) < TRY_RULES_AGAIN);
        for query in &self.planned(state).readings {
            if state.take(&query.key, query.every, self.interval, now) {
                asks.push(self.query_ask(&query.key, query.text.clone()));
            }
        }
    }

    /// Objectives with their numbers; one whose ratio is refused would sink the others' history too.
    fn charted(&self, state: &State) -> Vec<(usize, &Slo)> {
        let broken: HashSet<usize> =
            state.alone.iter().filter_map(|unit| self.units.get(*unit).map(|u| u.slo)).collect();
        self.slos.iter().enumerate().filter(|(at, _)| !broken.contains(at)).collect()
    }

    /// An objective's history, tagged by its number.
    fn history(&self, state: &State, at: usize, slo: &Slo) -> String {
        let mut unrecorded = state.unrecorded.keys().filter_map(|unit| self.units.get(*unit));
        let recorded = !unrecorded.any(|unit| unit.slo == at);
        plan::tag(&plan::chart_expr(slo, recorded), &at.to_string())
    }

    /// Fine lines of the objectives on screen, under names of their own.
    fn chart_asks(
        &self,
        state: &mut State,
        interest: &Interest,
        now: Timestamp,
        asks: &mut Vec<Ask>,
    ) {
        let wanted = interest.slos.get(..interest.slos.len().min(MOST_CHARTS)).unwrap_or_default();
        let mut shown = self.charted(state);
        shown.retain(|(_, slo)| wanted.contains(&slo.id));
        state.shown = shown.iter().map(|(at, _)| *at).collect();
        for (at, slo) in shown {
            let key = format!("chart:{}", slo.id);
            self.history_ask(
                state,
                interest,
                now,
                (key, &self.history(state, at, slo), CHART_POINTS),
                asks,
            );
        }
    }

    /// Coarse lines of all, always in the same company, so that a recording finds each again.
    fn spark_asks(
        &self,
        state: &mut State,
        interest: &Interest,
        now: Timestamp,
        asks: &mut Vec<Ask>,
    ) {
        for (chunk, text) in self.planned(state).coarse.iter().enumerate() {
            let key = format!("spark:{chunk}");
            self.history_ask(state, interest, now, (key, text, SPARK_POINTS), asks);
        }
    }

    fn history_ask(
        &self,
        state: &mut State,
        interest: &Interest,
        now: Timestamp,
        (key, text, points): (String, &str, f64),
        asks: &mut Vec<Ask>,
    ) {
        let range = if interest.range > Span::ZERO { interest.range } else { SPARK_RANGE };
        if state.take(&key, self.cadence(&key), self.interval, now) {
            let there = state.there(&key, now);
            asks.push(self.range_ask(&key, text.to_owned(), range, step(range, points), there));
        }
    }

    /// What was not read here and something that was done is judged by: a console that is started in the
    /// middle of it must come to the same verdict as one that was there.
    fn missed_asks(
        &self,
        state: &mut State,
        interest: &Interest,
        now: Timestamp,
        asks: &mut Vec<Ask>,
    ) {
        let Some((since, wanted)) = &interest.missed else { return };
        let range = now.since(*since).clamp(Span::from_mins(1), MOST_MISSED);
        let mut ours = self.charted(state);
        ours.retain(|(_, slo)| wanted.contains(&slo.id));
        for (at, slo) in ours {
            let mut unrecorded = state.unrecorded.keys().filter_map(|unit| self.units.get(*unit));
            let recorded = !unrecorded.any(|unit| unit.slo == at);
            let Some(expr) = plan::quickest_expr(slo, recorded) else { continue };
            let key = format!("missed:{}", slo.id);
            if state.take(&key, self.cadence(&key), self.interval, now) {
                let there = state.there(&key, now);
                let text = plan::tag(&expr, &at.to_string());
                asks.push(self.range_ask(&key, text, range, step(range, MISSED_POINTS), there));
            }
        }
    }

    fn read_missed(&self, ask: &Ask, reply: &Reply) -> Result<Vec<Observation>, ParseError> {
        let mut state = self.state();
        let lines = self.lines(ask, reply, &mut state)?;
        state.answered(&ask.key, self.cadence(&ask.key), self.interval, reply.sent);
        let of = |(at, series): (usize, Series)| {
            Some(Observation::SloMissed { slo: self.slos.get(at)?.id.clone(), series })
        };
        Ok(lines.into_iter().filter_map(of).collect())
    }

    fn signal_asks(
        &self,
        state: &mut State,
        interest: &Interest,
        now: Timestamp,
        asks: &mut Vec<Ask>,
    ) {
        let Some((service, queries)) =
            interest.service.as_ref().and_then(|id| self.signals.get_key_value(id))
        else {
            return;
        };
        let range = if interest.range > Span::ZERO { interest.range } else { Span::from_hours(1) };
        let fine = step(range, CHART_POINTS);
        let texts = |rate: Span| {
            queries.iter().enumerate().map(move |(at, query)| {
                let expr = query.expr.replace("$range", &rate.to_string());
                plan::tag(&expr, &at.to_string())
            })
        };
        let alone = state.signals_alone.contains(service);
        for (kind, range, step, rate) in
            [("signals", range, fine, fine.max(LEAST_RATE)), ("past", PAST.0, PAST.1, PAST.1)]
        {
            let together = texts(rate).collect::<Vec<_>>();
            let bundles = match alone {
                false => vec![(format!("{kind}:{service}"), together.join(" or "))],
                true => std::iter::zip(queries, together)
                    .map(|(q, text)| (format!("{kind}:{service}:{}", q.signal.name()), text))
                    .collect(),
            };
            for (key, text) in bundles {
                if state.take(&key, self.cadence(&key), self.interval, now) {
                    let there = state.there(&key, now);
                    asks.push(self.range_ask(&key, text, range, step, there));
                }
            }
        }
    }

    fn read_slos(&self, ask: &Ask, reply: &Reply) -> Result<Vec<Observation>, ParseError> {
        let mut asked: Vec<usize> =
            plan::tags(query_of(ask)).filter_map(|id| id.split_once('.')?.0.parse().ok()).collect();
        asked.dedup();
        // Per unit, part and window: the number, or `Unknown` when there were several.
        let mut found: HashMap<(usize, bool, Span), Reading> = HashMap::new();
        let mut several = Vec::new();
        wire::elements(&reply.body, |element| {
            let Some(wire::Point(_, value)) = element.value else { return };
            let label = |name: &str| element.metric.0.iter().find(|(n, _)| n == name);
            let Some((unit, part)) = label(plan::TAG).and_then(|(_, id)| id.split_once('.')) else {
                return;
            };
            let (Ok(unit), Ok(part)) = (unit.parse::<usize>(), part.parse::<usize>()) else {
                return;
            };
            let (traffic, window) = match self.units.get(unit).and_then(|u| u.parts.get(part)) {
                Some((Part::Ratio(window), _)) => (false, *window),
                Some((Part::Traffic(window), _)) => (true, *window),
                Some((Part::Recorded(metrics), _)) => {
                    let name = label("__name__").map_or("", |(_, name)| name);
                    match metrics.iter().find(|(metric, _)| metric == name) {
                        Some((_, window)) => (false, *window),
                        None => return,
                    }
                }
                None => return,
            };
            if found.insert((unit, traffic, window), Reading::of(value)).is_some() {
                several.push((unit, traffic, window));
            }
        })?;
        let mut state = self.state();
        for key in &several {
            found.insert(*key, Reading::Unknown);
            state.alone.insert(key.0);
        }
        if let (Some(unit), [only]) = (several.first().map(|(u, ..)| *u), asked.as_slice())
            && unit == *only
        {
            return Err(ParseError::Refused(format!(
                "{} gives several series where one is needed; aggregate its query, for example by max()",
                self.title(unit)
            )));
        }
        if let ([only], true) = (asked.as_slice(), ask.key.starts_with("slo:alone:")) {
            state.alone.remove(only);
        }
        let every = asked.first().and_then(|u| self.units.get(*u)).map_or(Span::ZERO, |u| u.every);
        state.answered(&ask.key, every, self.interval, reply.sent);
        let gave_nothing = |number: &usize| {
            let unit = self.units.get(*number);
            let none = |w: &Span| !found.contains_key(&(*number, false, *w));
            unit.is_some_and(|u| u.is_recorded() && u.windows().iter().all(none))
        };
        let unrecorded: HashSet<usize> = asked.iter().copied().filter(gave_nothing).collect();
        if !unrecorded.is_empty() {
            state.unrecorded.extend(unrecorded.iter().map(|unit| (*unit, reply.sent)));
            // The stand-ins are due at once, whatever they are packed with.
            state.due.retain(|key, _| !key.starts_with("slo:"));
        }
        drop(state);
        // By our clock: a server whose clock is set back must not lose to its own past.
        let at = reply.sent;
        let mut readings = Vec::new();
        for number in asked {
            if unrecorded.contains(&number) {
                continue;
            }
            let Some(unit) = self.units.get(number) else { continue };
            let Some(slo) = self.slos.get(unit.slo) else { continue };
            for window in unit.windows() {
                let has_traffic = unit.parts.iter().any(|(part, _)| *part == Part::Traffic(window));
                let missing = if has_traffic { Reading::NoData } else { Reading::Unknown };
                let get = |traffic| found.get(&(number, traffic, window)).copied();
                readings.push(SloReading {
                    slo: slo.id.clone(),
                    window,
                    error_ratio: get(false).unwrap_or(Reading::NoData),
                    traffic: get(true).unwrap_or(missing),
                    at,
                });
            }
        }
        Ok(vec![Observation::Slos(readings)])
    }

    fn title(&self, unit: usize) -> String {
        let slo = self.units.get(unit).and_then(|u| self.slos.get(u.slo));
        slo.map_or_else(|| "a query".to_owned(), |slo| format!("the objective {}", slo.id))
    }

    /// Lines by their tag; of several series with one tag the first is kept.
    fn lines(
        &self,
        ask: &Ask,
        reply: &Reply,
        state: &mut State,
    ) -> Result<Vec<(usize, Series)>, ParseError> {
        let ahead = state.moved(&ask.key);
        let maker = &mut state.maker;
        let asked = plan::tags(query_of(ask)).filter_map(|id| id.parse::<usize>().ok());
        let mut lines: BTreeMap<usize, Series> = asked.map(|at| (at, Series::default())).collect();
        wire::elements(&reply.body, |element| {
            let tag = element.metric.0.iter().position(|(name, _)| name == plan::TAG);
            let Some(tag) = tag.map(|at| element.metric.0.swap_remove(at).1) else { return };
            let line = tag.parse().ok().and_then(|at: usize| lines.get_mut(&at));
            if let Some(line) = line.filter(|line| line.points.is_empty()) {
                line.points = element.values.iter().map(|p| (p.0.minus(ahead), p.1)).collect();
                line.labels = maker.labels(&element.metric);
            }
        })?;
        Ok(lines.into_iter().collect())
    }

    fn read_history(&self, ask: &Ask, reply: &Reply) -> Result<Vec<Observation>, ParseError> {
        let mut state = self.state();
        let lines = self.lines(ask, reply, &mut state)?;
        state.answered(&ask.key, self.cadence(&ask.key), self.interval, reply.sent);
        let coarse = ask.key.starts_with("spark");
        let mut seen = Vec::new();
        for (at, mut series) in lines {
            // A fine line on screen is not replaced by a coarse one.
            if coarse && state.shown.contains(&at) {
                continue;
            }
            let Some(slo) = self.slos.get(at) else { continue };
            let allowed = slo.allowed();
            series.points.iter_mut().for_each(|(_, value)| *value /= allowed);
            let (slo, window) = (slo.id.clone(), plan::chart_window(slo));
            seen.push(Observation::SloHistory { slo, window, series });
        }
        Ok(seen)
    }

    fn read_signals(&self, ask: &Ask, reply: &Reply) -> Result<Vec<Observation>, ParseError> {
        let service = service_of(&ask.key);
        let (Some((service, queries)), past) =
            (self.signals.get_key_value(service), ask.key.starts_with("past"))
        else {
            return Ok(Vec::new());
        };
        let mut state = self.state();
        let lines = self.lines(ask, reply, &mut state)?;
        state.answered(&ask.key, self.cadence(&ask.key), self.interval, reply.sent);
        let mut seen = Vec::new();
        for (at, series) in lines {
            let Some(query) = queries.get(at) else { continue };
            let (signal, key) = (query.signal, (service.clone(), query.signal));
            if past {
                state.past.insert(key.clone(), series);
            } else {
                state.lines.insert(key.clone(), series.clone());
                seen.push(Observation::Signal { service: service.clone(), signal, series });
            }
            if let (Some(past), Some(line)) = (state.past.get(&key), state.lines.get(&key)) {
                let band = baseline::band(past, line);
                seen.push(Observation::Baseline { service: service.clone(), signal, band });
            }
        }
        Ok(seen)
    }

    /// The server refused a query: next time its members go singly, or the culprit is named.
    fn refused(&self, ask: &Ask, why: &str) -> ParseError {
        let mut state = self.state();
        let said = match ask.key.split(':').next() {
            Some("slo" | "chart" | "spark") => {
                let ids = plan::tags(query_of(ask)).map(|id| id.split('.').next().unwrap_or(id));
                let mut numbers: Vec<usize> = ids.filter_map(|id| id.parse().ok()).collect();
                numbers.dedup();
                if !ask.key.starts_with("slo:") {
                    // Charts are tagged by objective. The readings find out which one is bad.
                    return ParseError::Refused(format!("history of the objectives: {why}"));
                }
                state.alone.extend(&numbers);
                match numbers.as_slice() {
                    [one] => format!("the query of {}: {why}", self.title(*one)),
                    many => format!(
                        "one of {} objectives' queries, which are asked singly from now on: {why}",
                        many.len()
                    ),
                }
            }
            Some("measure" | "course" | "resource" | "around") => {
                self.refused_question(&mut state, ask, why)
            }
            Some("signals" | "past") => {
                let service = service_of(&ask.key);
                state.signals_alone.insert(ServiceId::new(service));
                let which = ask.key.splitn(3, ':').nth(2).unwrap_or("a golden signal");
                format!("{which} of {service}: {why}")
            }
            _ => why.to_owned(),
        };
        ParseError::Refused(said)
    }
}

impl Connector for Prometheus {
    fn forget(&self) {
        *self.state() = State::default();
    }

    fn asks(&self, interest: &Interest, now: Timestamp) -> Vec<Ask> {
        let mut state = self.state();
        let state = &mut *state;
        let mut asks = vec![get("time", "/api/v1/query", vec![("query", "time()".to_owned())])];
        self.slo_asks(state, now, &mut asks);
        self.chart_asks(state, interest, now, &mut asks);
        self.spark_asks(state, interest, now, &mut asks);
        self.signal_asks(state, interest, now, &mut asks);
        self.question_asks(state, now, &mut asks);
        self.compared_asks(state, interest, now, &mut asks);
        self.missed_asks(state, interest, now, &mut asks);
        self.fired_asks(state, interest, now, &mut asks);
        for (key, path, params) in [
            ("rules", "/api/v1/rules", vec![]),
            ("targets", "/api/v1/targets", vec![("state", "active".to_owned())]),
            ("buildinfo", "/api/v1/status/buildinfo", vec![]),
        ] {
            if state.take(key, self.cadence(key), self.interval, now) {
                asks.push(get(key, path, params));
            }
        }
        asks
    }

    fn details(&self, interest: &Interest, now: Timestamp) -> Vec<Ask> {
        let mut state = self.state();
        let mut asks = Vec::new();
        self.chart_asks(&mut state, interest, now, &mut asks);
        self.signal_asks(&mut state, interest, now, &mut asks);
        self.compared_asks(&mut state, interest, now, &mut asks);
        self.missed_asks(&mut state, interest, now, &mut asks);
        self.fired_asks(&mut state, interest, now, &mut asks);
        asks
    }

    fn parse(
        &self,
        _: &SourceId,
        ask: &Ask,
        reply: &Reply,
    ) -> Result<Vec<Observation>, ParseError> {
        if reply.status >= 400 {
            let why = server_message(&reply.body).unwrap_or_else(|| "no reason is given".into());
            return Err(self.refused(ask, &why));
        }
        let seen = match ask.key.split(':').next() {
            Some("time") => {
                let offset = clock(reply, wire::scalar(&reply.body)?);
                self.state().ahead = noticeable(offset.offset);
                return Ok(vec![Observation::Clock(offset)]);
            }
            Some("slo") => return self.read_slos(ask, reply),
            Some("chart" | "spark") => return self.read_history(ask, reply),
            Some("missed") => return self.read_missed(ask, reply),
            Some("fired") => return self.read_fired(ask, reply),
            Some("signals" | "past") => return self.read_signals(ask, reply),
            Some("measure") => return self.read_answers(ask, reply),
            Some("course" | "resource" | "around" | "recent") => {
                return self.read_courses(ask, reply);
            }
            Some("rules") => Observation::Rules(wire::rules(&reply.body, &mut self.state().maker)?),
            Some("targets") => {
                let (up, down) = wire::targets(&reply.body)?;
                Observation::Targets { up, down }
            }
            _ => Observation::Version(wire::version(&reply.body)?),
        };
        self.state().answered(&ask.key, self.cadence(&ask.key), self.interval, reply.sent);
        Ok(vec![seen])
    }

    fn optional(&self, ask: &Ask) -> bool {
        matches!(ask.key.as_str(), "rules" | "targets" | "buildinfo")
    }
}

/// The first tag in a query, by which a recording finds an answer asked for in other company.
pub(super) fn first_tag(query: &str) -> Option<&str> {
    plan::tags(query).next()
}

/// Reads an instant vector: labels, value, time of each series. For benches and other readers.
pub fn instant_vector(body: &[u8]) -> Result<Vec<(Labels, Reading, Timestamp)>, ParseError> {
    wire::vector(body, &mut LabelMaker::default())
}

/// The server read its clock between our sending and our receiving.
fn clock(reply: &Reply, seconds: f64) -> ClockOffset {
    crate::analysis::clock::exact(Timestamp::from_seconds(seconds), reply.sent, reply.received)
        .offset()
}

/// An offset rounded so that a line stays where it is while the measurement wavers; a few seconds are
/// nobody's concern.
fn noticeable(offset: Span) -> Span {
    const GRAIN: f64 = 10_000.0;
    let grains = (offset.millis() as f64 / GRAIN).round();
    Span::from_millis((grains * GRAIN) as i64)
}

fn service_of(key: &str) -> &str {
    key.split(':').nth(1).unwrap_or_default()
}

fn query_of(ask: &Ask) -> &str {
    ask.params.iter().find(|(name, _)| *name == "query").map_or("", |(_, text)| text)
}

fn get(key: &str, path: &str, params: Vec<(&'static str, String)>) -> Ask {
    let (key, path) = (key.to_owned(), path.to_owned());
    Ask { key, method: Method::Get, path, params, body: None }
}

pub(in crate::connectors) fn post(
    key: &str,
    path: &str,
    params: Vec<(&'static str, String)>,
) -> Ask {
    Ask { method: Method::Post, ..get(key, path, params) }
}

/// A step that gives about `points` points, in whole seconds.
fn step(range: Span, points: f64) -> Span {
    Span::from_secs((range.seconds() / points).ceil().max(1.0) as i64)
}
