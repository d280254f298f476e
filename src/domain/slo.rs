//! Service level objectives: what is promised, how it is measured, when somebody must act.
//!
//! Terms and formulae are those of the SRE workbook, chapter 5 ("Alerting on SLOs"):
//! burn rate = error ratio / (1 − objective); a condition holds when the burn over a long *and* a
//! short window is strictly above its factor; factor = budget share × period / long window.

use serde::{Deserialize, Serialize};

use super::{Reading, SafeText, ServiceId, SloId, SourceId, Span, Timestamp};

/// Where an objective was read, to point people at it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Origin {
    /// Format it was written in.
    pub format: SloFormat,
    /// File, as configured.
    pub path: SafeText,
    /// Line of its first field; 0 when not known.
    pub line: u32,
}

/// Formats objectives are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub enum SloFormat {
    /// Our `catalog.toml`.
    #[default]
    Catalog,
    /// OpenSLO v1.
    OpenSlo,
    /// Sloth `prometheus/v1`.
    Sloth,
    /// Pyrra `ServiceLevelObjective`.
    Pyrra,
}

impl SloFormat {
    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Catalog => "catalog.toml",
            Self::OpenSlo => "OpenSLO",
            Self::Sloth => "Sloth",
            Self::Pyrra => "Pyrra",
        }
    }
}

/// How errors are measured: PromQL with `$window` where the range goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Indicator {
    /// Bad events over all events; each expression is a rate over `$window`.
    Events {
        /// Rate of bad events.
        bad: String,
        /// Rate of all events.
        total: String,
    },
    /// One expression that is the error ratio over `$window`.
    ErrorRatio(String),
}

impl Indicator {
    /// The error ratio over one window, as PromQL. Both sides are summed, so that one element comes
    /// out whatever labels were left in; a ratio cannot be summed and must give one element itself.
    pub fn error_ratio(&self, window: Span) -> String {
        match self {
            Self::Events { bad, total } => {
                format!("({}) / ({})", summed(bad, window), summed(total, window))
            }
            Self::ErrorRatio(expr) => closed(expr, window),
        }
    }

    /// Event rate over one window, as PromQL, where the indicator has one.
    pub fn total(&self, window: Span) -> Option<String> {
        match self {
            Self::Events { total, .. } => Some(summed(total, window)),
            Self::ErrorRatio(_) => None,
        }
    }
}

/// One element, the same rate. What is a sum already stays as it was written.
fn summed(expr: &str, window: Span) -> String {
    let expr = closed(expr, window);
    if is_one_sum(&expr) { expr } else { format!("sum({expr})") }
}

/// Whether the whole expression is one `sum(…)` without grouping.
fn is_one_sum(expr: &str) -> bool {
    let Some(rest) = expr.strip_prefix("sum(") else { return false };
    // A parenthesis in quotes can only make this say no, and a sum of a sum is that sum.
    let mut open = 1usize;
    let closes = rest.char_indices().find(|(_, c)| {
        open = match c {
            '(' => open + 1,
            ')' => open - 1,
            _ => open,
        };
        open == 0
    });
    closes.is_some_and(|(at, _)| at + 1 == rest.len())
}

/// Puts the window in, and ends a comment the expression may end with.
fn closed(expr: &str, window: Span) -> String {
    let end = if expr.contains('#') { "\n" } else { "" };
    format!("{}{end}", expr.trim().replace("$window", &window.to_string()))
}

/// How the ratio over the whole period is made from its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub enum Method {
    /// Every event weighs the same (OpenSLO Occurrences).
    #[default]
    Occurrences,
    /// Every five-minute slice weighs the same (Sloth's 30-day rule; OpenSLO RatioTimeslices).
    RatioTimeslices,
}

/// How soon somebody must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Urgency {
    /// Wake somebody.
    Page,
    /// Within working hours.
    Ticket,
}

impl Urgency {
    /// As shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }
}

/// One pair of windows: holds when the burn over both is strictly above `factor`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BurnCondition {
    /// Long window.
    pub long: Span,
    /// Short window, so that it ends soon after the burning does.
    pub short: Span,
    /// Burn rate to exceed.
    pub factor: f64,
    /// How long it must hold before it alerts; zero in the workbook and Sloth, not in Pyrra.
    pub hold: Span,
    /// Who must act.
    pub urgency: Urgency,
}

/// Series another tool already records, so that we ask for them instead of computing them again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Metric for one window, with `$window` in the name (`slo:sli_error:ratio_rate$window`).
    pub metric: String,
    /// Selector that picks this objective (`sloth_id="a-b"`).
    pub selector: String,
    /// Windows for which the metric exists.
    pub windows: Vec<Span>,
}

impl Recorded {
    /// The metric for one window.
    pub fn name(&self, window: Span) -> String {
        self.metric.replace("$window", &window.to_string())
    }
}

/// An objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Slo {
    /// Unique over all files.
    pub id: SloId,
    /// For people.
    pub title: SafeText,
    /// The service it is about.
    pub service: ServiceId,
    /// 0.999 for 99.9 %.
    pub objective: f64,
    /// The period the budget is for.
    pub period: Span,
    /// How errors are measured.
    pub indicator: Indicator,
    /// How the period's figure is made.
    pub method: Method,
    /// Window pairs, most urgent first.
    pub conditions: Vec<BurnCondition>,
    /// Prometheus to ask; `None` asks the first.
    pub source: Option<SourceId>,
    /// Fewer events than this over the long window are too few to judge by; 0 turns it off.
    pub min_events: f64,
    /// Existing recording rules.
    pub recorded: Option<Recorded>,
    /// Where it was read.
    pub origin: Origin,
}

impl Slo {
    /// Whether its title begins with the service's name.
    pub fn names_service(&self) -> bool {
        let (title, service) = (&self.title, self.service.as_str());
        title.get(..service.len()).is_some_and(|start| start.eq_ignore_ascii_case(service))
    }

    /// Its title with the service, not saying it twice.
    pub fn with_service(&self) -> String {
        if self.names_service() {
            self.title.to_string()
        } else {
            format!("{}: {}", self.service, self.title)
        }
    }

    /// Share of events that may be bad: 1 − objective.
    pub fn allowed(&self) -> f64 {
        1.0 - self.objective
    }

    /// The error ratio over one window as PromQL that needs no recording rule.
    pub fn computed_ratio(&self, window: Span) -> String {
        let slice = Span::from_mins(5);
        if self.method == Method::RatioTimeslices && window == self.period && window > slice {
            let slices = format!("({})[{window}:{slice}]", self.indicator.error_ratio(slice));
            return format!("sum_over_time({slices}) / count_over_time({slices})");
        }
        self.indicator.error_ratio(window)
    }

    /// The series in which another tool already records that ratio, as PromQL, if its files say so.
    pub fn recorded_ratio(&self, window: Span) -> Option<String> {
        let recorded = self.recorded.as_ref().filter(|r| r.windows.contains(&window))?;
        Some(format!("{}{{{}}}", recorded.name(window), recorded.selector))
    }

    /// Every window needed: those of the conditions and the period, shortest first, each once.
    pub fn windows(&self) -> Vec<Span> {
        let mut all: Vec<Span> = self.conditions.iter().flat_map(|c| [c.short, c.long]).collect();
        all.push(self.period);
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// One measured error ratio.
#[derive(Debug, Clone, PartialEq)]
pub struct SloReading {
    /// Which objective.
    pub slo: SloId,
    /// Over which window.
    pub window: Span,
    /// Error ratio, NaN (no traffic), no data, or not known.
    pub error_ratio: Reading,
    /// Events per second over the window, where it was asked.
    pub traffic: Reading,
    /// Time of evaluation at the source.
    pub at: Timestamp,
}

impl SloReading {
    /// Whether it says the same, at whatever time.
    pub fn says_as(&self, other: &Self) -> bool {
        (self.error_ratio, self.traffic) == (other.error_ratio, other.traffic)
    }
}
