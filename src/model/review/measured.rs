//! What an incident cost, from the objectives' own queries: asked of their source over exactly the time it
//! lasted, frozen on the timeline as proof, read back from there.
//!
//! With `r` the error ratio over the incident of length `d`, `t` the events per second over it, and an
//! objective `o` over the period `p`: events lost = r · t · d; budget spent = r / (1 − o) · d / p, as if
//! traffic were even over the period (Google SRE workbook, chapter 5). Where nothing was asked, the lines of
//! burn that are at hand give the budget alone: Σ burn · step / p.

use crate::analysis::burn;
use crate::domain::{Cause, Evidence, Reading, SafeText, Slo, SloId, SourceId, Span, Timestamp};
use crate::model::Model;
use crate::model::incidents::{Incident, LineKind};

use super::interval;

/// How what was measured for a review begins on the timeline.
pub const MEASURED: &str = "Measured:";
/// The share of an incident a line of burn must cover to say anything.
const COVERED: f64 = 0.9;
/// Points of a line.
const POINTS: i64 = 180;
/// Around the incident, for the eye.
const AROUND: Span = Span::from_mins(30);

/// What is asked of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The objective it is about.
    pub slo: SloId,
    /// Which source; the first Prometheus when it is `None`.
    pub source: Option<SourceId>,
    /// In PromQL.
    pub query: String,
    /// First moment.
    pub from: Timestamp,
    /// Last moment; of a single value, when it is evaluated.
    pub to: Timestamp,
    /// Between two points of a line; `None` is a single value at the end.
    pub step: Option<Span>,
    /// What the numbers count.
    pub unit: &'static str,
    /// What it shows.
    pub says: String,
}

/// An objective that was hit.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Which.
    pub slo: SloId,
    /// For people, with its service.
    pub title: SafeText,
    /// Its period.
    pub period: Span,
    /// Share of events that were bad over the incident.
    pub ratio: Reading,
    /// Events over the incident.
    pub events: Option<f64>,
    /// Bad events over the incident.
    pub lost: Option<f64>,
    /// Share of the period's budget that was spent.
    pub spent: Option<f64>,
    /// Whether `spent` is only from the line of burn at hand.
    pub is_rough: bool,
    /// Burn over time: what was frozen, else what is at hand.
    pub line: Vec<(Timestamp, f64)>,
}

/// What has to be asked for the figures of a review, of which `now` matters only while it goes on.
pub fn questions(model: &Model, incident: &Incident, now: Timestamp) -> Vec<Question> {
    let (from, to) = interval(incident, now);
    let all = concerned(model, incident).into_iter();
    all.flat_map(|slo| asked(slo, from, to)).collect()
}

fn asked(slo: &Slo, from: Timestamp, to: Timestamp) -> Vec<Question> {
    let over = window(from, to);
    let (title, source) = (slo.with_service(), slo.source.clone());
    let one = |query, step, unit, says| Question {
        slo: slo.id.clone(),
        source: source.clone(),
        query,
        from,
        to,
        step,
        unit,
        says,
    };
    let mut all = vec![one(
        slo.indicator.error_ratio(over),
        None,
        "",
        format!("{MEASURED} error ratio of {title} over {over}"),
    )];
    if let Some(total) = slo.indicator.total(over) {
        let says = format!("{MEASURED} events of {title} over {over}");
        all.push(one(total, None, "/s", says));
    }
    let (begin, end) = (from.minus(AROUND), to.plus(AROUND));
    let step = Span::from_millis((end.since(begin).millis() / POINTS).max(15_000));
    let line = one(
        slo.indicator.error_ratio(Span::from_mins(5)),
        Some(step),
        "",
        format!("{MEASURED} error ratio of {title} by 5 minutes"),
    );
    all.push(Question { from: begin, to: end, ..line });
    all
}

/// Whole seconds, as a range of PromQL.
fn window(from: Timestamp, to: Timestamp) -> Span {
    Span::from_secs((to.since(from).millis() / 1_000).max(60))
}

/// Objectives an incident is about: of its services, those it was declared from, those watched after a run.
fn concerned<'a>(model: &'a Model, incident: &Incident) -> Vec<&'a Slo> {
    let watched = incident.runs.values().flat_map(|run| &run.verify.slos);
    let declared = match &incident.cause {
        Cause::Slo(slo) => Some(slo),
        Cause::Nothing | Cause::Alerts { .. } => None,
    };
    let named: Vec<&SloId> = watched.chain(declared).collect();
    let is_its = |slo: &&Slo| incident.services.contains(&slo.service) || named.contains(&&slo.id);
    model.catalog.slos.values().filter(is_its).collect()
}

/// The objectives with the figures that are at hand.
pub fn hits(model: &Model, incident: &Incident, now: Timestamp) -> Vec<Hit> {
    let (from, to) = interval(incident, now);
    concerned(model, incident).into_iter().map(|slo| hit(model, incident, slo, from, to)).collect()
}

fn hit(model: &Model, incident: &Incident, slo: &Slo, from: Timestamp, to: Timestamp) -> Hit {
    let over = window(from, to);
    let proof = |query: &str| frozen(incident, query, |proof| proof.to == to);
    let single = |query: &str| {
        let last = proof(query)?.values.last();
        Some(last.map_or(Reading::NoData, |(_, value)| Reading::of(*value)))
    };
    let ratio = single(&slo.indicator.error_ratio(over)).unwrap_or(Reading::Unknown);
    let total = slo.indicator.total(over).and_then(|query| single(&query)?.value());
    let events = total.map(|rate| rate * over.seconds());
    let lost = events.zip(ratio.value()).map(|(events, ratio)| events * ratio);
    let burnt = burn::rate(ratio, slo.objective).value();
    let exact = burnt.map(|rate| rate * over.seconds() / slo.period.seconds());
    let rough = || at_hand(model, slo, from, to);
    let is_rough = exact.is_none();
    let line = drawn(model, incident, slo, from, to);
    Hit {
        slo: slo.id.clone(),
        title: SafeText::new(&slo.with_service()),
        period: slo.period,
        ratio,
        events,
        lost,
        spent: exact.or_else(rough),
        is_rough,
        line,
    }
}

/// The newest proof of a query that still holds, of those that are about the right time.
fn frozen<'a>(
    incident: &'a Incident,
    query: &str,
    fits: impl Fn(&Evidence) -> bool,
) -> Option<&'a Evidence> {
    let lines = incident.timeline.iter().rev();
    let mut proofs =
        lines.filter(|line| matches!(line.kind, LineKind::Entry(_)) && line.withdrawn.is_none());
    proofs.find_map(|line| {
        let proof = line.evidence.as_deref()?;
        (proof.query.as_str() == query.trim() && fits(proof)).then_some(proof)
    })
}

/// The budget by the line of burn that is known now, if that covers the incident.
fn at_hand(model: &Model, slo: &Slo, from: Timestamp, to: Timestamp) -> Option<f64> {
    let (_, series) = model.slos.histories.get(&slo.id)?;
    let points: Vec<(Timestamp, f64)> = series.points.clone();
    let step = points.windows(2).map(|pair| pair[1].0.since(pair[0].0)).min()?;
    let inside = points.iter().filter(|(at, value)| *at > from && *at <= to && value.is_finite());
    let (count, sum) =
        inside.fold((0u32, 0.0), |(count, sum), (_, value)| (count + 1, sum + value));
    let covered = f64::from(count) * step.seconds() / to.since(from).seconds().max(1.0);
    (count > 0 && covered >= COVERED).then(|| sum * step.seconds() / slo.period.seconds())
}

/// Burn over time for the chart.
fn drawn(
    model: &Model,
    incident: &Incident,
    slo: &Slo,
    from: Timestamp,
    to: Timestamp,
) -> Vec<(Timestamp, f64)> {
    let query = slo.indicator.error_ratio(Span::from_mins(5));
    // Right after the end what comes after it is not there yet.
    let fits = |proof: &Evidence| proof.from == from.minus(AROUND) && proof.to >= to;
    if let Some(proof) = frozen(incident, &query, fits) {
        let allowed = slo.allowed();
        return proof.values.iter().map(|(at, ratio)| (*at, ratio / allowed)).collect();
    }
    let Some((_, series)) = model.slos.histories.get(&slo.id) else { return Vec::new() };
    let shown = from.minus(AROUND)..=to.plus(AROUND);
    series.points.iter().filter(|(at, _)| shown.contains(at)).copied().collect()
}
