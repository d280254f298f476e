//! What a connector saw, in our words. Kept in memory; logged only when someone acts on it.

use super::{
    Alert, Band, CallSeen, Change, ClockOffset, FeedSeen, Labels, MeasureId, Measured, OnCallSeen,
    SafeText, Series, ServiceId, Signal, Silence, SloId, SloReading, Span, Timestamp,
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
    /// What a Prometheus wrote down of the alerts of one name, while nobody here looked.
    Fired(Fired),
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
    /// Who is on call by a pager.
    OnCalls(OnCallSeen),
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

/// When the alerts of one name were pending or fired, as the Prometheus that evaluates their rule wrote it
/// down itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fired {
    /// `alertname`.
    pub name: SafeText,
    /// The newest moment asked about.
    pub until: Timestamp,
    /// From one moment asked about to the next.
    pub step: Span,
    /// The moments at which it had any data, oldest first: whoever has none says nothing.
    pub looked: Vec<Timestamp>,
    /// Pending and firing alerts, with the moments at which they were.
    pub lines: Vec<Series>,
}

/// That an alert was seen to fire and then, moment by moment up to now, not to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// The first of the moments.
    pub since: Timestamp,
    /// There was no gap between the last at which it fired and this one.
    pub unbroken: bool,
}

impl Fired {
    /// What is known of the end of an alert with these labels; `None` when it goes on, or was never seen here.
    /// An alert may carry labels that its Prometheus only adds for others to read.
    pub fn ended(&self, alert: &Labels) -> Option<Ended> {
        let own = |name: &SafeText| !["__name__", "alertstate"].contains(&name.as_str());
        let is_it = |line: &&Series| {
            let mut labels = line.labels.iter().filter(|(name, _)| own(name));
            labels.all(|(name, value)| alert.text(name) == Some(value))
        };
        let points = self.lines.iter().filter(is_it).flat_map(|line| &line.points);
        let last = points.map(|(at, _)| *at).max()?;
        let next = |from: Timestamp, to: Timestamp| to.since(from) <= self.step.scale(1.5);
        let mut run = Ended { since: last, unbroken: true };
        let mut at = last;
        for looked in self.looked.iter().copied().filter(|looked| *looked > last) {
            if !next(at, looked) {
                run = Ended { since: looked, unbroken: false };
            } else if at == last {
                run.since = looked;
            }
            at = looked;
        }
        (at > last && next(at, self.until)).then_some(run)
    }
}
