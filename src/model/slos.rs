//! How each objective stands: burn per window, conditions, budget, exhaustion.

mod explain;

use std::collections::{BTreeMap, VecDeque};

use crate::analysis::burn;
pub use crate::analysis::burn::{Exhaustion, Held};
use crate::domain::{
    BurnCondition, Catalog, Indicator, Reading, Series, Slo, SloId, SloReading, Span, Timestamp,
    Urgency,
};
pub use explain::{computed, explain};

/// How long readings are kept for comparing before and after, and how many at most.
const LATELY: Span = Span::from_hours(2);
const MOST_LATELY: usize = 500;

/// A condition and how it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConditionState {
    /// The condition.
    pub condition: BurnCondition,
    /// Burn over the long window.
    pub long: Reading,
    /// Burn over the short window.
    pub short: Reading,
    /// Whether it holds.
    pub held: Held,
    /// Since when it holds without a break, as far as we have seen.
    pub since: Option<Timestamp>,
    /// Events over the long window are too few to act on it.
    pub few: bool,
}

impl ConditionState {
    /// Whether somebody must act: it holds, for as long as it must, on enough events.
    fn alerts(&self, now: Option<Timestamp>) -> bool {
        let long_enough = match (self.since, now) {
            (Some(since), Some(now)) => now.since(since) >= self.condition.hold,
            _ => self.condition.hold == Span::ZERO,
        };
        self.held == Held::Yes && long_enough && !self.few
    }
}

/// Burn over one window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burn {
    /// The window.
    pub window: Span,
    /// Burn rate: 1 spends the budget exactly over the period.
    pub rate: Reading,
}

/// One word for the whole, worst first. Only `Fine` may be shown in the colour of health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// A page condition holds.
    Page,
    /// A ticket condition holds.
    Ticket,
    /// The budget is spent, though nothing burns fast now.
    Spent,
    /// Burning faster than the period allows, below every condition.
    Burning,
    /// Too few events to judge by.
    LowTraffic,
    /// No requests at all in the windows.
    NoTraffic,
    /// The series are missing.
    NoData,
    /// Not asked yet, or the source does not answer.
    Unknown,
    /// Within budget, with data to say so.
    Fine,
}

impl Verdict {
    /// As shown and printed.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
            Self::Spent => "spent",
            Self::Burning => "burning",
            Self::LowTraffic => "low traffic",
            Self::NoTraffic => "no traffic",
            Self::NoData => "no data",
            Self::Unknown => "unknown",
            Self::Fine => "fine",
        }
    }
}

/// How one objective stands.
#[derive(Debug, Clone, PartialEq)]
pub struct SloStatus {
    /// Which.
    pub slo: SloId,
    /// The word.
    pub verdict: Verdict,
    /// Share of the period's budget left: 1 untouched, 0 spent, negative overspent.
    pub budget_left: Reading,
    /// Burn per window, shortest first.
    pub burns: Vec<Burn>,
    /// Conditions, most urgent first.
    pub conditions: Vec<ConditionState>,
    /// When the budget is gone.
    pub exhaustion: Exhaustion,
    /// Events per second over the longest short window, where known.
    pub traffic: Reading,
    /// Time of the newest reading.
    pub at: Option<Timestamp>,
    /// Burn over time, for sparkline and chart.
    pub history: Series,
    /// Window of the history's points.
    pub history_window: Span,
}

impl SloStatus {
    /// The condition that tells most: the first that holds, else the most urgent.
    pub fn telling(&self) -> Option<&ConditionState> {
        let holds = self.conditions.iter().find(|c| c.held == Held::Yes);
        holds.or(self.conditions.first())
    }

    /// The burn that is told of it wherever one figure has to do, and its window.
    pub fn told_burn(&self) -> Option<(f64, Span)> {
        let telling = self.telling()?;
        let burn = telling.long.value().filter(|burn| burn.is_finite())?;
        Some((burn, telling.condition.long))
    }

    /// Burn over one of its windows.
    pub fn burn(&self, window: Span) -> Reading {
        self.burns.iter().find(|b| b.window == window).map_or(Reading::Unknown, |b| b.rate)
    }
}

/// All objectives.
#[derive(Debug, Clone, Default)]
pub struct SloBook {
    /// Latest reading of each window, by objective.
    pub readings: BTreeMap<SloId, Vec<SloReading>>,
    /// Statuses, worst first: verdict, then least budget left.
    pub statuses: Vec<SloStatus>,
    /// Lines of burn over time with the window of their points, by objective.
    pub histories: BTreeMap<SloId, (Span, Series)>,
    /// Error ratio over the shortest window as it came in, by objective: the quickest to tell a change.
    lately: BTreeMap<SloId, VecDeque<(Timestamp, f64)>>,
}

impl SloBook {
    /// Takes in readings; an older one than what is known of its window is left aside. Tells which
    /// objectives they are about, in order, and of each whether anything but the time is new.
    pub fn observe(&mut self, readings: Vec<SloReading>) -> Vec<(SloId, bool)> {
        let mut touched: Vec<(SloId, bool)> = Vec::new();
        let mut readings = readings.into_iter().peekable();
        while let Some(slo) = readings.peek().map(|reading| reading.slo.clone()) {
            let known = self.readings.entry(slo.clone()).or_default();
            let mut changed = false;
            while let Some(reading) = readings.next_if(|reading| reading.slo == slo) {
                match known.iter_mut().find(|known| known.window == reading.window) {
                    Some(known) if known.at > reading.at => {}
                    Some(known) => {
                        changed |= !known.says_as(&reading);
                        *known = reading;
                    }
                    None => {
                        changed = true;
                        known.push(reading);
                    }
                }
            }
            let shortest = known.iter().min_by_key(|reading| reading.window);
            if let Some((at, ratio)) = shortest.and_then(|r| Some((r.at, r.error_ratio.value()?))) {
                let lately = self.lately.entry(slo.clone()).or_default();
                if lately.back().is_none_or(|(last, _)| *last < at) {
                    lately.push_back((at, ratio));
                    while lately.len() > MOST_LATELY
                        || lately.front().is_some_and(|(first, _)| at.since(*first) > LATELY)
                    {
                        lately.pop_front();
                    }
                }
            }
            touched.push((slo, changed));
        }
        // One that is named twice is new when it is new in either place.
        touched.sort_unstable();
        touched.dedup_by(|later, first| {
            let same = later.0 == first.0;
            first.1 |= same && later.1;
            same
        });
        touched
    }

    /// Takes in what was not read here: only from before the first reading of this console's own. Changes
    /// nothing that is on screen.
    pub fn missed(&mut self, slo: SloId, series: &Series) -> bool {
        let lately = self.lately.entry(slo).or_default();
        let first = lately.front().map(|(at, _)| *at);
        let older = series.points.iter().filter(|(at, _)| first.is_none_or(|first| *at < first));
        for (at, ratio) in older.rev().filter(|(_, ratio)| ratio.is_finite()) {
            if lately.len() >= MOST_LATELY {
                break;
            }
            lately.push_front((*at, *ratio));
        }
        false
    }

    /// Error ratio over the shortest window as it came in, oldest first.
    pub fn lately(&self, slo: &SloId) -> impl Iterator<Item = (Timestamp, f64)> {
        self.lately.get(slo).into_iter().flatten().copied()
    }

    /// Judges some objectives anew, named in order: one answer is about a few of many. One that said what
    /// it said before is only newer, unless a condition has to hold for a while. Whether any stands
    /// otherwise than it did.
    pub(super) fn judge_again(&mut self, touched: &[(SloId, bool)], catalog: &Catalog) -> bool {
        let mut changed = false;
        for at in 0..self.statuses.len() {
            let Some(known) = self.statuses.get_mut(at) else { continue };
            let found = touched.binary_search_by(|(slo, _)| slo.cmp(&known.slo));
            let Some((_, new)) = found.ok().and_then(|at| touched.get(at)) else { continue };
            let waits = |c: &ConditionState| c.held == Held::Yes && c.condition.hold > Span::ZERO;
            if !new && !known.conditions.iter().any(waits) {
                let of_it = self.readings.get(&known.slo).into_iter().flatten();
                known.at = of_it.map(|reading| reading.at).max().or(known.at);
                continue;
            }
            let Some(slo) = catalog.slos.get(&known.slo) else { continue };
            changed = true;
            let history = std::mem::take(&mut known.history);
            let (history_window, before) =
                (known.history_window, std::mem::take(&mut known.conditions));
            let status = SloStatus { history, history_window, ..self.judge(slo, &before) };
            if let Some(known) = self.statuses.get_mut(at) {
                *known = status;
            }
        }
        if changed {
            self.order();
        }
        changed
    }

    /// Takes in the line of burn over time of one objective.
    pub fn history(&mut self, slo: SloId, window: Span, series: Series) {
        if let Some(status) = self.statuses.iter_mut().find(|s| s.slo == slo) {
            status.history = series.clone();
            status.history_window = window;
        }
        self.histories.insert(slo, (window, series));
    }

    /// One line for the clipboard: objective, verdict, budget, burn.
    pub fn sentence(&self, id: &SloId, catalog: &Catalog) -> Option<String> {
        let (status, slo) = (self.status(id)?, catalog.slos.get(id)?);
        let left = match status.budget_left {
            Reading::Value(v) => format!("{:.1} % of the budget left", v * 100.0),
            Reading::NaN | Reading::NoData | Reading::Unknown => "budget unknown".to_owned(),
        };
        let burns = status
            .burns
            .iter()
            .filter_map(|b| b.rate.value().map(|rate| format!("{rate:.1}x over {}", b.window)));
        Some(format!(
            "{} ({}): {}, {left}; burn {}",
            slo.id,
            slo.title,
            status.verdict.word(),
            burns.collect::<Vec<_>>().join(", ")
        ))
    }

    /// How one objective stands.
    pub fn status(&self, slo: &SloId) -> Option<&SloStatus> {
        self.statuses.iter().find(|s| s.slo == *slo)
    }

    /// Judges every objective of the catalog anew. Cost: objectives × windows, and one sort.
    pub fn recompute(&mut self, catalog: &Catalog) {
        let before: BTreeMap<SloId, Vec<ConditionState>> =
            self.statuses.drain(..).map(|s| (s.slo, s.conditions)).collect();
        self.readings.retain(|slo, _| catalog.slos.contains_key(slo));
        self.histories.retain(|slo, _| catalog.slos.contains_key(slo));
        self.lately.retain(|slo, _| catalog.slos.contains_key(slo));
        let none = Vec::new();
        self.statuses = catalog
            .slos
            .values()
            .map(|slo| {
                let mut status = self.judge(slo, before.get(&slo.id).unwrap_or(&none));
                if let Some((window, series)) = self.histories.get(&slo.id) {
                    status.history = series.clone();
                    status.history_window = *window;
                }
                status
            })
            .collect();
        self.order();
    }

    /// Worst first; of equals the one that comes first in the alphabet.
    fn order(&mut self) {
        self.statuses.sort_by(|a, b| {
            let left = |s: &SloStatus| s.budget_left.value().unwrap_or(f64::INFINITY);
            (a.verdict, left(a))
                .partial_cmp(&(b.verdict, left(b)))
                .unwrap_or(std::cmp::Ordering::Equal)
                .then_with(|| a.slo.cmp(&b.slo))
        });
    }

    fn reading(&self, slo: &Slo, window: Span) -> Option<&SloReading> {
        self.readings.get(&slo.id)?.iter().find(|reading| reading.window == window)
    }

    fn judge(&self, slo: &Slo, before: &[ConditionState]) -> SloStatus {
        let windows = slo.windows();
        let ratio = |w: Span| self.reading(slo, w).map_or(Reading::Unknown, |r| r.error_ratio);
        let burn = |w: Span| burn::rate(ratio(w), slo.objective);
        let at = windows.iter().filter_map(|w| self.reading(slo, *w)).map(|r| r.at).max();
        let traffic = self.traffic(slo);
        let conditions: Vec<ConditionState> = slo
            .conditions
            .iter()
            .map(|condition| {
                let (long, short) = (burn(condition.long), burn(condition.short));
                let held = burn::holds(long, short, condition.factor);
                let held_before =
                    before.iter().find(|b| b.condition == *condition && b.held == Held::Yes);
                let since =
                    (held == Held::Yes).then(|| held_before.map_or(at, |b| b.since)).flatten();
                let few = self.few(slo, condition.long, traffic);
                ConditionState { condition: *condition, long, short, held, since, few }
            })
            .collect();
        let budget_left = burn::budget_left(burn(slo.period));
        let present = present_window(slo);
        let exhaustion = burn::exhaustion(budget_left, burn(present), slo.period);
        let mut status = SloStatus {
            slo: slo.id.clone(),
            verdict: Verdict::Unknown,
            budget_left,
            burns: windows.iter().map(|w| Burn { window: *w, rate: burn(*w) }).collect(),
            conditions,
            exhaustion,
            traffic,
            at,
            history: Series::default(),
            history_window: present,
        };
        status.verdict = self.verdict(slo, &status);
        status
    }

    /// Events per second over the longest short window; failing that, over any window that was asked.
    fn traffic(&self, slo: &Slo) -> Reading {
        let longest_short = slo.conditions.iter().map(|c| c.short).max();
        let asked = |w: Span| self.reading(slo, w).map(|r| r.traffic);
        longest_short
            .and_then(asked)
            .filter(|t| *t != Reading::Unknown)
            .or_else(|| {
                slo.windows().into_iter().filter_map(asked).find(|t| *t != Reading::Unknown)
            })
            .unwrap_or_default()
    }

    /// Whether the events over a window are known to be fewer than the objective asks for.
    fn few(&self, slo: &Slo, window: Span, otherwise: Reading) -> bool {
        let over_window = self.reading(slo, window).map_or(Reading::Unknown, |r| r.traffic);
        let rate = over_window.value().or(otherwise.value());
        rate.is_some_and(|rate| rate * window.seconds() < slo.min_events)
    }

    fn verdict(&self, slo: &Slo, status: &SloStatus) -> Verdict {
        let alerts = |urgency| {
            let mut of_it = status.conditions.iter().filter(|c| c.condition.urgency == urgency);
            of_it.any(|c| c.alerts(status.at))
        };
        if alerts(Urgency::Page) {
            return Verdict::Page;
        }
        if alerts(Urgency::Ticket) {
            return Verdict::Ticket;
        }
        let present = present_window(slo);
        let now = status.burn(present);
        let few_in_period = self.few(slo, slo.period, Reading::Unknown);
        if status.budget_left.value().is_some_and(|left| left <= 0.0) && !few_in_period {
            return Verdict::Spent;
        }
        let few = self.few(slo, present, status.traffic);
        let some_traffic = status.traffic.value().is_some_and(|t| t > 0.0);
        if now.value().is_some_and(|rate| rate > 1.0) && !few {
            return Verdict::Burning;
        }
        if few && some_traffic {
            return Verdict::LowTraffic;
        }
        let readings = status.burns.iter().map(|b| b.rate);
        let decided = status.conditions.iter().all(|c| c.held != Held::Unknown);
        if now.value().is_some() && status.budget_left.value().is_some() && decided && !few {
            return Verdict::Fine;
        }
        if matches!(now, Reading::NaN) || (few && status.traffic == Reading::Value(0.0)) {
            // NaN although there were events is a broken expression, not silence.
            let silent = !some_traffic || matches!(slo.indicator, Indicator::ErrorRatio(_));
            return if silent { Verdict::NoTraffic } else { Verdict::NoData };
        }
        let missing = readings.clone().any(|r| r == Reading::NoData);
        if missing { Verdict::NoData } else { Verdict::Unknown }
    }
}

/// The window whose burn counts as the present one: the long window of the most urgent condition.
fn present_window(slo: &Slo) -> Span {
    slo.conditions.first().map_or(slo.period, |c| c.long)
}

#[cfg(test)]
mod tests;
