//! Which expressions are asked together, and how often.
//!
//! Every expression is tagged: `label_replace(<expr>, "qd", "<unit>.<part>", "", "")`; tagged
//! expressions are joined by `or`, so one HTTP query at one evaluation time carries many. A *unit*
//! is what must be read together: the ratios of one objective, with the traffic that says whether
//! they mean anything. Units never straddle queries.

use std::collections::HashSet;

use crate::domain::{Method, Recorded, Slo, Span};

/// The tag's label. Short, because it is sent hundreds of times; unlikely in anybody's series.
pub(super) const TAG: &str = "qd";
/// Most bytes of one query; servers and proxies commonly take 64 KiB and more in a form.
const MOST_BYTES: usize = 12 * 1024;
/// Most units of one query, so that one slow expression does not hold up everybody.
const MOST_UNITS: usize = 40;
/// Windows up to this long are asked at every poll.
const FAST: Span = Span::from_hours(1);
/// Longest time between two askings of a window.
const SLOWEST: Span = Span::from_mins(10);
/// Recorded series cost nothing to ask for.
const SLOWEST_RECORDED: Span = Span::from_mins(1);

/// What one tagged expression measures.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    /// Error ratio over a window.
    Ratio(Span),
    /// Events per second over a window.
    Traffic(Span),
    /// Recorded error ratios, told apart by metric name.
    Recorded(Vec<(String, Span)>),
}

/// What is read together.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Unit {
    /// Index of the objective.
    pub(super) slo: usize,
    /// How often.
    pub(super) every: Span,
    /// Expressions with what they measure.
    pub(super) parts: Vec<(Part, String)>,
}

impl Unit {
    /// Windows this unit covers, each once.
    pub(super) fn windows(&self) -> Vec<Span> {
        let mut all: Vec<Span> = Vec::new();
        for (part, _) in &self.parts {
            match part {
                Part::Ratio(window) => all.push(*window),
                Part::Recorded(metrics) => all.extend(metrics.iter().map(|(_, w)| *w)),
                Part::Traffic(_) => {}
            }
        }
        all
    }

    fn query(&self, at: usize) -> String {
        let tagged =
            |(part, (_, expr)): (usize, &(Part, String))| tag(expr, &format!("{at}.{part}"));
        self.parts.iter().enumerate().map(tagged).collect::<Vec<_>>().join(" or ")
    }
}

/// One query to be sent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Query {
    /// Stable name.
    pub(super) key: String,
    /// How often.
    pub(super) every: Span,
    /// PromQL.
    pub(super) text: String,
}

/// Tags an expression.
pub(super) fn tag(expr: &str, id: &str) -> String {
    // The line break ends a comment the expression may end with.
    format!("label_replace({expr}\n, \"{TAG}\", \"{id}\", \"\", \"\")")
}

/// The ids of the tags in a query, which say what was asked however the plan changed since.
pub(super) fn tags(query: &str) -> impl Iterator<Item = &str> {
    let needle = "\n, \"qd\", \"";
    query.split(needle).skip(1).filter_map(|rest| rest.split('"').next())
}

/// How often a window is worth asking for: it moves slowly when it is long.
fn every(window: Span, recorded: bool) -> Span {
    if window <= FAST {
        return Span::ZERO;
    }
    window.scale(1.0 / 720.0).min(if recorded { SLOWEST_RECORDED } else { SLOWEST })
}

/// All units of all objectives.
pub(super) fn units(slos: &[Slo]) -> Vec<Unit> {
    slos.iter().enumerate().flat_map(|(at, slo)| units_of(at, slo)).collect()
}

fn units_of(at: usize, slo: &Slo) -> Vec<Unit> {
    let windows = slo.windows();
    let (fast, slow): (Vec<Span>, Vec<Span>) = windows.iter().partition(|w| **w <= FAST);
    let mut units = Vec::new();
    for group in std::iter::once(fast).chain(slow.into_iter().map(|w| vec![w])) {
        let (recorded, computed): (Vec<Span>, Vec<Span>) =
            group.iter().partition(|w| is_recorded(slo, **w));
        let mut parts = Vec::new();
        if let (Some(rules), false) = (&slo.recorded, recorded.is_empty()) {
            let metrics: Vec<(String, Span)> =
                recorded.iter().map(|w| (metric(rules, *w), *w)).collect();
            let names: Vec<&str> = metrics.iter().map(|(name, _)| name.as_str()).collect();
            let comma = if rules.selector.is_empty() { "" } else { ", " };
            let expr = format!("{{__name__=~\"{}\"{comma}{}}}", names.join("|"), rules.selector);
            parts.push((Part::Recorded(metrics), expr));
        }
        parts.extend(computed.iter().map(|w| (Part::Ratio(*w), ratio(slo, *w))));
        // The period's traffic decides nothing and is the dearest of all to compute.
        let wanted = group.iter().filter(|w| **w != slo.period);
        parts.extend(
            wanted.filter_map(|w| Some((Part::Traffic(*w), summed(&slo.indicator.total(*w)?)))),
        );
        let Some(longest) = group.iter().max() else { continue };
        units.push(Unit { slo: at, every: every(*longest, computed.is_empty()), parts });
    }
    units
}

fn is_recorded(slo: &Slo, window: Span) -> bool {
    slo.recorded.as_ref().is_some_and(|r| r.windows.contains(&window))
}

fn metric(rules: &Recorded, window: Span) -> String {
    rules.metric.replace("$window", &window.to_string())
}

/// One element, the same rate: a sum of a sum is that sum.
fn summed(expr: &str) -> String {
    format!("sum({expr}\n)")
}

/// The error ratio of an objective over one window, computed from its indicator or from what is
/// recorded for shorter slices.
pub(super) fn ratio(slo: &Slo, window: Span) -> String {
    if window == slo.period && slo.method == Method::RatioTimeslices {
        let slice = Span::from_mins(5);
        return match &slo.recorded {
            // As Sloth's own 30-day rule does it.
            Some(rules) if rules.windows.contains(&slice) => {
                let series = format!("{}{{{}}}[{window}]", metric(rules, slice), rules.selector);
                format!("sum_over_time({series}) / count_over_time({series})")
            }
            // A slice without traffic is NaN; the comparison leaves it out.
            _ => format!("avg_over_time(({} >= 0)[{window}:{slice}])", whole(slo, slice)),
        };
    }
    whole(slo, window)
}

/// Bad over all: both sides summed, so that one element comes out whatever labels were left in.
fn whole(slo: &Slo, window: Span) -> String {
    use crate::domain::Indicator;
    match &slo.indicator {
        Indicator::Events { bad, total } => {
            let put = |expr: &str| summed(&expr.replace("$window", &window.to_string()));
            format!("({} / {})", put(bad), put(total))
        }
        // A ratio cannot be summed; when it has several series, that is said and not guessed at.
        indicator @ Indicator::ErrorRatio(_) => format!("({}\n)", indicator.error_ratio(window)),
    }
}

/// The window whose burn is charted: the shortest long one.
pub(super) fn chart_window(slo: &Slo) -> Span {
    slo.conditions.iter().map(|c| c.long).min().unwrap_or(FAST)
}

/// The ratio to chart, from the recorded series where there is one.
pub(super) fn chart_expr(slo: &Slo) -> String {
    let window = chart_window(slo);
    match &slo.recorded {
        Some(rules) if rules.windows.contains(&window) => {
            format!("{}{{{}}}", metric(rules, window), rules.selector)
        }
        _ => whole(slo, window),
    }
}

/// Packs units into queries; those of `alone` go by themselves.
pub(super) fn queries(units: &[Unit], alone: &HashSet<usize>) -> Vec<Query> {
    let mut cadences: Vec<Span> = units.iter().map(|u| u.every).collect();
    cadences.sort_unstable();
    cadences.dedup();
    let mut queries = Vec::new();
    for every in cadences {
        let name = if every == Span::ZERO { "now".to_owned() } else { every.to_string() };
        let texts = units
            .iter()
            .enumerate()
            .filter(|(at, unit)| unit.every == every && !alone.contains(at))
            .map(|(at, unit)| unit.query(at));
        for (chunk, text) in packed(texts).into_iter().enumerate() {
            queries.push(Query { key: format!("slo:{name}:{chunk}"), every, text });
        }
    }
    let mut single: Vec<usize> = alone.iter().copied().collect();
    single.sort_unstable();
    for at in single {
        if let Some(unit) = units.get(at) {
            let key = format!("slo:alone:{at}");
            queries.push(Query { key, every: unit.every, text: unit.query(at) });
        }
    }
    queries
}

/// Joins texts by `or` up to the limits.
pub(super) fn packed(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut out: Vec<(String, usize)> = Vec::new();
    for text in texts {
        match out.last_mut() {
            Some((all, count)) if all.len() + text.len() < MOST_BYTES && *count < MOST_UNITS => {
                all.push_str(" or ");
                all.push_str(&text);
                *count += 1;
            }
            _ => out.push((text, 1)),
        }
    }
    out.into_iter().map(|(text, _)| text).collect()
}
