//! The light forecast, for thousands of lines: a straight line through the newest readings, kept by six sums.
//!
//! Least squares with weights that fade by FADE from reading to reading, so about the newest hundred count:
//!
//! ```text
//! v ≈ a + b·t      half(h) = Z · s · √(1 + 1/n + (t + h − t̄)² / Σw(t − t̄)²)
//! ```
//!
//! the usual prediction interval of a regression (Draper and Smith, 1966) with s from its own residuals and n the sum of
//! weights. It knows no season, so its interval is as wide as the season is high, and it never says more
//! than that. O(1) in time and memory for each reading.

use crate::domain::{Span, Timestamp};

use super::{Crossing, Limit, NoForecast};

/// Weight of a reading one older.
const FADE: f64 = 0.98;
/// As for the careful forecast: errors have heavier tails than the normal distribution.
const Z: f64 = 2.35;
/// Fewer readings say nothing.
const LEAST: u32 = 16;
/// Looks ahead at so many points; the horizon may be this many times the span of what counts.
const LOOKS: i64 = 32;
const REACH: f64 = 3.0;

/// One line's newest trend.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Glance {
    /// The newest reading.
    last: Option<(Timestamp, f64)>,
    count: u32,
    /// Sums over readings, with seconds before the newest one: weight, t, t², v, tv, v².
    sums: [f64; 6],
    /// Taken from all values, so that small changes of great numbers are not lost.
    origin: f64,
}

impl Glance {
    /// Takes the next reading of a gauge. One that is not a number or not later than the one before changes
    /// nothing, but a clock that went back begins anew.
    pub fn push(&mut self, at: Timestamp, value: f64) {
        if !value.is_finite() {
            return;
        }
        if let Some((last, _)) = self.last {
            let passed = at.since(last).seconds();
            if passed == 0.0 {
                return;
            }
            if passed < 0.0 {
                *self = Self::default();
            } else {
                self.age(passed);
            }
        }
        if self.count == 0 {
            self.origin = value;
        }
        let v = value - self.origin;
        let [w, _, _, sum, _, squares] = &mut self.sums;
        *w += 1.0;
        *sum += v;
        *squares += v * v;
        self.count = self.count.saturating_add(1);
        self.last = Some((at, value));
    }

    /// Moves the zero of time to `passed` seconds later, and lets all fade.
    fn age(&mut self, passed: f64) {
        let [w, t, tt, v, tv, _] = self.sums;
        self.sums[2] = tt - 2.0 * passed * t + passed * passed * w;
        self.sums[1] = t - passed * w;
        self.sums[4] = tv - passed * v;
        self.sums = self.sums.map(|sum| sum * FADE);
    }

    /// Mean and half of the interval so many seconds after the newest reading.
    fn at(&self, seconds: f64) -> (f64, f64) {
        let [w, t, tt, v, tv, vv] = self.sums;
        let (mid, mean) = (t / w, v / w);
        let spread = (tt - t * mid).max(0.0);
        let together = tv - t * mean;
        let slope = if spread > 0.0 { together / spread } else { 0.0 };
        let left = (vv - v * mean - slope * together).max(0.0) / (w - 2.0).max(1.0);
        let from = seconds - mid;
        let lever = if spread > 0.0 { from * from / spread } else { 0.0 };
        let half = Z * (left * (1.0 + 1.0 / w + lever)).sqrt();
        (self.origin + mean + slope * from, half)
    }

    /// When the limit is reached, read from the interval, looking ahead from the newest reading. The product
    /// knows how old that is.
    pub fn crossing(&self, limit: Limit, horizon: Span) -> Result<Crossing, NoForecast> {
        let Some((last, newest)) = self.last else { return Err(NoForecast::NoReadings) };
        let (Limit::Above(level) | Limit::Below(level)) = limit;
        if horizon.millis() <= 0 || !level.is_finite() {
            return Err(NoForecast::BadQuestion);
        }
        // Uniformly spread readings over a span d have a standard deviation of d/√12.
        let [w, t, tt, ..] = self.sums;
        let span = (12.0 * (tt / w - (t / w) * (t / w)).max(0.0)).sqrt();
        if self.count < LEAST || horizon.seconds() > REACH * span {
            let seconds = |s: f64| Span::from_millis((s * 1_000.0) as i64);
            return Err(NoForecast::NotEnough {
                have: seconds(span),
                need: seconds(horizon.seconds() / REACH),
            });
        }
        let past = |value: f64| match limit {
            Limit::Above(level) => value >= level,
            Limit::Below(level) => value <= level,
        };
        if past(newest) {
            return Ok(Crossing::Already);
        }
        let sign = if matches!(limit, Limit::Above(_)) { 1.0 } else { -1.0 };
        let (mut earliest, mut expected, mut latest) = (None, None, None);
        for look in 1..=LOOKS {
            let ahead = Span::from_millis(horizon.millis() / LOOKS * look);
            let (mean, half) = self.at(ahead.seconds());
            let when = last.plus(ahead);
            for (found, value) in [
                (&mut earliest, mean + sign * half),
                (&mut expected, mean),
                (&mut latest, mean - sign * half),
            ] {
                if found.is_none() && past(value) {
                    *found = Some(when);
                }
            }
        }
        Ok(earliest.map_or(Crossing::NotWithin(horizon), |earliest| Crossing::Within {
            earliest,
            expected,
            latest,
        }))
    }
}
