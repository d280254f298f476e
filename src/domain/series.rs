//! Measured values: a number, not-a-number and nothing at all are three different answers.

use super::{Labels, Timestamp};

/// What a query for one number gave.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Reading {
    /// A number (may be infinite).
    Value(f64),
    /// The answer was NaN: for a ratio, both sides were zero.
    NaN,
    /// The answer was empty: no series matched.
    NoData,
    /// Not asked yet, or the asking failed.
    #[default]
    Unknown,
}

impl Reading {
    /// From a sample's number.
    pub fn of(value: f64) -> Self {
        if value.is_nan() { Self::NaN } else { Self::Value(value) }
    }

    /// The number, if there is one.
    pub const fn value(self) -> Option<f64> {
        match self {
            Self::Value(v) => Some(v),
            Self::NaN | Self::NoData | Self::Unknown => None,
        }
    }

    /// Applies `f` to a number; the other outcomes stay what they are.
    pub fn map(self, f: impl FnOnce(f64) -> f64) -> Self {
        match self {
            Self::Value(v) => Self::of(f(v)),
            other => other,
        }
    }
}

/// A line over time; points are in order of time, missing ones are left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// What it measures.
    pub labels: Labels,
    /// Time and value; the value may be NaN.
    pub points: Vec<(Timestamp, f64)>,
}

/// A shaded range behind a line: what is usual at each of the line's times.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Band {
    /// Time, low, middle, high.
    pub points: Vec<(Timestamp, f64, f64, f64)>,
    /// Where it comes from, in words (`hour of week over 4 weeks`).
    pub basis: &'static str,
}
