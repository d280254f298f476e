//! The words of a forecast: what is asked, what is answered, and when there is no answer.

use std::fmt;

use crate::domain::{Span, Timestamp};

/// What is asked of a forecast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ask {
    /// How far to look.
    pub horizon: Span,
    /// What must not be reached.
    pub limit: Option<Limit>,
    /// What the readings are.
    pub kind: Kind,
    /// When it is asked: how old the last reading is decides whether there is an answer.
    pub now: Timestamp,
}

/// What readings mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// A value as it is.
    #[default]
    Gauge,
    /// Counts up from the start of its process; what is forecast (and limited) is its rate per second.
    Counter,
}

/// What must not be reached, in the unit of what is forecast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// Bad from here on up: a pool's size, a quota.
    Above(f64),
    /// Bad from here on down: bytes free.
    Below(f64),
}

/// Where a line goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// The coming steps, in order of time, evenly spaced; the last one is at the horizon or just behind.
    pub steps: Vec<Step>,
    /// When the limit is reached.
    pub crossing: Crossing,
    /// How far off the same method would have been lately.
    pub backtest: Backtest,
    /// The method in words, to be shown beside the line.
    pub method: &'static str,
    /// The seasons found, shortest first; empty when there are none.
    pub seasons: Vec<Span>,
    /// The spacing of the steps.
    pub step: Span,
    /// Time of the last reading used.
    pub from: Timestamp,
    /// Readings used.
    pub used: usize,
    /// Share of the history's steps that had no reading and were filled in, 0 to 1.
    pub filled: f64,
    /// What to know before believing it, as whole sentences.
    pub cautions: Vec<&'static str>,
}

/// One coming step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// The single value expected.
    pub mean: f64,
    /// Below it in one case of forty.
    pub lower: f64,
    /// Above it in one case of forty.
    pub upper: f64,
}

/// When a limit is reached, always read from the interval and never from the mean alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Crossing {
    /// No limit was given.
    NoLimit,
    /// The last reading is at or past it.
    Already,
    /// Within the horizon it may be reached.
    Within {
        /// The first step at which the band touches it: it cannot be excluded from here on.
        earliest: Timestamp,
        /// The first step at which the mean reaches it; `None`: not within the horizon.
        expected: Option<Timestamp>,
        /// The first step at which all of the band is past it; `None`: not within the horizon.
        latest: Option<Timestamp>,
    },
    /// Not even the edge of the band reaches it before the horizon.
    NotWithin(Span),
}

/// How well the method did where the answer is known: the newest part of the history, held back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backtest {
    /// Mean of 200·|y − f| / (|y| + |f|), in percent: 0 is perfect, 200 is the worst.
    pub smape: f64,
    /// Mean absolute error over that of repeating the last season (or reading): below 1 is better than it.
    pub mase: f64,
    /// Mean absolute error, in the unit of the forecast.
    pub error: f64,
    /// Share of the held-back steps inside a band made from the other trials, 0 to 1; 0.95 is meant.
    pub coverage: f64,
    /// Steps held back, over all trials.
    pub readings: usize,
}

/// Why there is no forecast. Shown as it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NoForecast {
    /// No finite reading at all.
    NoReadings,
    /// Less history than says anything about this horizon.
    NotEnough {
        /// History there is.
        have: Span,
        /// History needed.
        need: Span,
    },
    /// The newest reading is too old.
    Stale {
        /// How old it is.
        age: Span,
    },
    /// Most of the time has no reading.
    MostlyGaps {
        /// Share of the history's steps without one.
        missing: f64,
    },
    /// The horizon is not after now, or the limit is not a number.
    BadQuestion,
}

impl fmt::Display for NoForecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoReadings => f.write_str("no readings"),
            Self::NotEnough { have, need } => {
                write!(f, "not enough history: {have}, at least {need} needed")
            }
            Self::Stale { age } => write!(f, "the newest reading is {age} old"),
            Self::MostlyGaps { missing } => {
                write!(f, "not enough history: {:.0} % of it is missing", missing * 100.0)
            }
            Self::BadQuestion => f.write_str("the horizon or the limit is not a number ahead"),
        }
    }
}
