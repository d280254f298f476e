//! Which expressions are asked together, and how often.
//!
//! Every expression is tagged: `label_replace(<expr>, "qd", "<unit>.<part>", "", "")`; tagged
//! expressions are joined by `or`, so one HTTP query at one evaluation time carries many. A *unit*
//! is what must be read together: the ratios of one objective, with the traffic that says whether
//! they mean anything. Units never straddle queries.

use std::collections::HashSet;

use crate::domain::{Slo, Span};

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
    /// The unit that reads recording rules for the same windows; this one is asked only while those
    /// rules give nothing.
    pub(super) instead_of: Option<usize>,
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

    /// Whether it reads recording rules.
    pub(super) fn is_recorded(&self) -> bool {
        self.parts.iter().any(|(part, _)| matches!(part, Part::Recorded(_)))
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

/// All units of all objectives: first one for each group of windows, then what stands in for those
/// that read recording rules.
pub(super) fn units(slos: &[Slo]) -> Vec<Unit> {
    let mut units: Vec<Unit> =
        slos.iter().enumerate().flat_map(|(at, slo)| units_of(at, slo, true)).collect();
    let recorded: Vec<usize> =
        units.iter().enumerate().filter(|(_, u)| u.is_recorded()).map(|(at, _)| at).collect();
    for at in recorded {
        let Some(unit) = units.get(at).cloned() else { continue };
        let Some(slo) = slos.get(unit.slo) else { continue };
        let windows = unit.windows();
        let computed = units_of(unit.slo, slo, false).into_iter();
        let stand_in = computed.filter(|u| u.windows().iter().all(|w| windows.contains(w)));
        units.extend(stand_in.map(|u| Unit { instead_of: Some(at), ..u }));
    }
    units
}

fn units_of(at: usize, slo: &Slo, with_rules: bool) -> Vec<Unit> {
    let windows = slo.windows();
    let (fast, slow): (Vec<Span>, Vec<Span>) = windows.iter().partition(|w| **w <= FAST);
    let mut units = Vec::new();
    for group in std::iter::once(fast).chain(slow.into_iter().map(|w| vec![w])) {
        let rules = slo.recorded.as_ref().filter(|_| with_rules);
        let (recorded, computed): (Vec<Span>, Vec<Span>) =
            group.iter().partition(|w| rules.is_some_and(|r| r.windows.contains(w)));
        let mut parts = Vec::new();
        if let (Some(rules), false) = (rules, recorded.is_empty()) {
            let metrics: Vec<(String, Span)> =
                recorded.iter().map(|w| (rules.name(*w), *w)).collect();
            let names: Vec<&str> = metrics.iter().map(|(name, _)| name.as_str()).collect();
            let comma = if rules.selector.is_empty() { "" } else { ", " };
            let expr = format!("{{__name__=~\"{}\"{comma}{}}}", names.join("|"), rules.selector);
            parts.push((Part::Recorded(metrics), expr));
        }
        parts.extend(computed.iter().map(|w| (Part::Ratio(*w), slo.computed_ratio(*w))));
        // The period's traffic decides nothing and is the dearest of all to compute.
        let wanted = group.iter().filter(|w| **w != slo.period);
        parts.extend(wanted.filter_map(|w| Some((Part::Traffic(*w), slo.indicator.total(*w)?))));
        let Some(longest) = group.iter().max() else { continue };
        let every = every(*longest, computed.is_empty());
        units.push(Unit { slo: at, instead_of: None, every, parts });
    }
    units
}

/// The window whose burn is charted: the shortest long one.
pub(super) fn chart_window(slo: &Slo) -> Span {
    slo.conditions.iter().map(|c| c.long).min().unwrap_or(FAST)
}

/// The ratio to chart, from the recorded series unless those are known to give nothing.
pub(super) fn chart_expr(slo: &Slo, with_rules: bool) -> String {
    let window = chart_window(slo);
    let recorded = slo.recorded_ratio(window).filter(|_| with_rules);
    recorded.unwrap_or_else(|| slo.computed_ratio(window))
}

/// The ratio over the shortest window, as it is read at every poll.
pub(super) fn quickest_expr(slo: &Slo, with_rules: bool) -> Option<String> {
    let window = slo.windows().first().copied()?;
    let recorded = slo.recorded_ratio(window).filter(|_| with_rules);
    Some(recorded.unwrap_or_else(|| slo.computed_ratio(window)))
}

/// Packs the `active` units into queries; those of `alone` go by themselves.
pub(super) fn queries(
    units: &[Unit],
    active: impl Fn(usize) -> bool,
    alone: &HashSet<usize>,
) -> Vec<Query> {
    let mut cadences: Vec<Span> = units.iter().map(|u| u.every).collect();
    cadences.sort_unstable();
    cadences.dedup();
    let mut queries = Vec::new();
    for every in cadences {
        let name = if every == Span::ZERO { "now".to_owned() } else { every.to_string() };
        let texts = units
            .iter()
            .enumerate()
            .filter(|(at, unit)| unit.every == every && active(*at) && !alone.contains(at))
            .map(|(at, unit)| unit.query(at));
        for (chunk, text) in packed(texts).into_iter().enumerate() {
            queries.push(Query { key: format!("slo:{name}:{chunk}"), every, text });
        }
    }
    let mut single: Vec<usize> = alone.iter().copied().filter(|at| active(*at)).collect();
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
