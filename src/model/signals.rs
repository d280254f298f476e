//! Golden signals of the services looked at, with their usual range.

use std::collections::BTreeMap;

use crate::domain::{Band, Series, ServiceId, Signal, Span, Timestamp};

/// One signal's line and band.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SignalView {
    /// The line; empty when the query gave nothing.
    pub series: Series,
    /// What is usual; empty while there is not enough history.
    pub band: Band,
    /// When the line was fetched; `None` before the first answer.
    pub at: Option<Timestamp>,
}

/// All signals known.
#[derive(Debug, Clone, Default)]
pub struct SignalBook {
    /// By service and signal.
    pub by_service: BTreeMap<ServiceId, BTreeMap<Signal, SignalView>>,
}

/// On which side of what is usual a value lies, and how far beyond the limit, in the signal's unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outside {
    /// Higher than usual by so much.
    Above(f64),
    /// Lower than usual by so much.
    Below(f64),
}

/// A band point that is further than this from the value says nothing about it.
const NEAR: Span = Span::from_hours(1);

impl SignalView {
    /// The latest value and its time; `None` when the line is empty or ends in NaN.
    pub fn latest(&self) -> Option<(Timestamp, f64)> {
        self.series.points.last().copied().filter(|(_, value)| !value.is_nan())
    }

    /// Whether the latest value is outside of what is usual. `None` when it is not, and also when
    /// there is no band to tell by.
    pub fn outside(&self) -> Option<Outside> {
        let (at, value) = self.latest()?;
        let after = self.band.points.partition_point(|(t, ..)| *t <= at);
        let before = after.checked_sub(1).and_then(|i| self.band.points.get(i));
        let distance = |t: Timestamp| at.since(t).millis().saturating_abs();
        let near = [before, self.band.points.get(after)]
            .into_iter()
            .flatten()
            .min_by_key(|(t, ..)| distance(*t))?;
        let (t, low, _, high) = *near;
        if distance(t) > NEAR.millis() {
            None
        } else if value > high {
            Some(Outside::Above(value - high))
        } else if value < low {
            Some(Outside::Below(low - value))
        } else {
            None
        }
    }
}

impl SignalBook {
    /// Takes in a line. Whether it is another than before.
    pub(super) fn line(
        &mut self,
        service: ServiceId,
        signal: Signal,
        series: Series,
        at: Timestamp,
    ) -> bool {
        let view = self.by_service.entry(service).or_default().entry(signal).or_default();
        if view.at.is_some_and(|known| known > at) {
            return false;
        }
        let changed = view.at.is_none() || !same_points(&view.series.points, &series.points);
        (view.series, view.at) = (series, Some(at));
        changed
    }

    /// Takes in what is usual. Whether it is another than before.
    pub(super) fn band(&mut self, service: ServiceId, signal: Signal, band: Band) -> bool {
        let view = self.by_service.entry(service).or_default().entry(signal).or_default();
        let changed = view.band != band;
        view.band = band;
        changed
    }

    /// One service's signal.
    pub fn view(&self, service: &ServiceId, signal: Signal) -> Option<&SignalView> {
        self.by_service.get(service)?.get(&signal)
    }
}

/// Compares bit by bit, so that a line with NaN in it equals itself.
fn same_points(a: &[(Timestamp, f64)], b: &[(Timestamp, f64)]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && a.1.to_bits() == b.1.to_bits())
}
