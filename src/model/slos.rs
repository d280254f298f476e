//! How each objective stands: burn per window, conditions, budget, exhaustion.

use std::collections::BTreeMap;

use crate::domain::{BurnCondition, Reading, Series, SloId, SloReading, Span, Timestamp};

/// Whether a burn condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Both windows are above the factor.
    Yes,
    /// At least one window is known to be at or below it.
    No,
    /// It cannot be said: a window has no data or was not answered.
    Unknown,
}

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
}

/// Burn over one window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burn {
    /// The window.
    pub window: Span,
    /// Burn rate: 1 spends the budget exactly over the period.
    pub rate: Reading,
}

/// When the budget is gone at the present burn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Exhaustion {
    /// Spent already.
    Gone,
    /// At the present burn, in this long.
    In(Span),
    /// At the present burn it lasts the period.
    Lasts,
    /// Cannot be said.
    Unknown,
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

/// All objectives.
#[derive(Debug, Clone, Default)]
pub struct SloBook {
    /// Latest reading per objective and window.
    pub readings: BTreeMap<(SloId, Span), SloReading>,
    /// Statuses, worst first: verdict, then least budget left.
    pub statuses: Vec<SloStatus>,
}
