//! What a connector saw, in our words. Kept in memory; logged only when someone acts on it.

use super::{
    Alert, Band, CallSeen, Change, ClockOffset, FeedSeen, MeasureId, Measured, SafeText, Series,
    ServiceId, Signal, Silence, SloId, SloReading, Span, Timestamp,
};

/// One thing seen. Whole sets replace what was known from that source.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// All alerts of one Alertmanager.
    Alerts(Vec<Alert>),
    /// All silences of one Alertmanager.
    Silences(Vec<Silence>),
    /// Error ratios of objectives over windows.
    Slos(Vec<SloReading>),
    /// Burn rate of one objective over time (shortest long window), for its chart and sparkline.
    SloHistory {
        /// Which objective.
        slo: SloId,
        /// Window of each point's burn.
        window: Span,
        /// Burn rate, not error ratio.
        series: Series,
    },
    /// Error ratio of one objective over its shortest window, while nobody here was reading it.
    SloMissed {
        /// Which objective.
        slo: SloId,
        /// Error ratio, not burn.
        series: Series,
    },
    /// A golden signal of one service, with what is usual.
    Signal {
        /// Which service.
        service: ServiceId,
        /// Which signal.
        signal: Signal,
        /// The line.
        series: Series,
    },
    /// What is usual for a signal over the time its line covers.
    Baseline {
        /// Which service.
        service: ServiceId,
        /// Which signal.
        signal: Signal,
        /// The shaded range.
        band: Band,
    },
    /// Alerting rules as the Prometheus evaluates them.
    Rules(RulesSeen),
    /// Scrape targets by health.
    Targets {
        /// Up.
        up: u32,
        /// Down or unknown.
        down: u32,
    },
    /// Answers to a question of the catalog; they replace the ones before. Empty: no series matched.
    Measured {
        /// Which question.
        of: MeasureId,
        /// One per series.
        found: Vec<Measured>,
    },
    /// A question's answers over time, for forecasts; one line per series.
    Course {
        /// Which question.
        of: MeasureId,
        /// Lines.
        lines: Vec<Series>,
    },
    /// Calls between services as traces show them.
    Traced(Vec<CallSeen>),
    /// What a supplier's status page says.
    Feed(FeedSeen),
    /// All changes this source knows of, as far back as it was asked, newest first; they replace what it
    /// told before.
    Changes(Vec<Change>),
    /// What could not be read of what this source tells, each named; it replaces what was left out before.
    LeftOut(Vec<SafeText>),
    /// Clock of the source.
    Clock(ClockOffset),
    /// Version the source reports.
    Version(SafeText),
}

/// Whether rules are being evaluated at all: without it, "resolved" means nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RulesSeen {
    /// Every alerting rule.
    pub rules: Vec<AlertRule>,
    /// Metric names of recording rules, to find SLO rules that are already there.
    pub recorded: Vec<SafeText>,
}

/// An alerting rule.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertRule {
    /// `alertname`.
    pub name: SafeText,
    /// PromQL.
    pub expr: SafeText,
    /// Last evaluation, if it has been.
    pub last_evaluation: Option<Timestamp>,
    /// How often its group is evaluated.
    pub interval: Span,
    /// Error of the last evaluation; empty when it was well.
    pub error: SafeText,
    /// `inactive`, `pending` or `firing` there.
    pub firing: bool,
}
