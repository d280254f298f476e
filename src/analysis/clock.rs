//! How far a server's clock is from ours.
//!
//! Cristian's idea (Probabilistic clock synchronization, 1989): a server that read its clock `S`
//! somewhere between our `sent` and `received` is ahead by something in `[S − received, S − sent]`.
//! A `Date` header names only the whole second it fell in, so its interval is a second wider.
//! Intervals of successive polls are intersected after widening each by what clocks may have drifted
//! since; when nothing is left, a clock has jumped and the estimate starts over.
//! Milliseconds; O(1) per answer.

use crate::domain::{ClockOffset, Span, Timestamp};

/// Drift allowed between two clocks: 200 ppm, twice what a bad quartz does.
const DRIFT: f64 = 200e-6;
/// Readings are rounded to the millisecond on both sides.
const ROUNDING: i64 = 1;

/// The offset (server minus us) lies within `low ..= high` milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    low: i64,
    high: i64,
    at: Timestamp,
}

impl Interval {
    /// Middle and half width.
    pub fn offset(&self) -> ClockOffset {
        let width = self.high.saturating_sub(self.low);
        ClockOffset {
            offset: Span::from_millis(self.low.saturating_add(width / 2)),
            // Rounded up, so that both ends stay inside.
            bound: Span::from_millis(width / 2 + width % 2),
        }
    }

    /// Back from an offset, as an answer of time `at`.
    pub fn of(offset: ClockOffset, at: Timestamp) -> Self {
        let (middle, half) = (offset.offset.millis(), offset.bound.millis());
        Self { low: middle.saturating_sub(half), high: middle.saturating_add(half), at }
    }
}

/// From a server's clock with millisecond precision.
pub fn exact(server: Timestamp, sent: Timestamp, received: Timestamp) -> Interval {
    // Our own clock may have been set back in between; then the ends change places.
    let (first, last) = (sent.min(received), sent.max(received));
    Interval {
        low: server.since(last).millis().saturating_sub(ROUNDING),
        high: server.since(first).millis().saturating_add(ROUNDING),
        at: received,
    }
}

/// From a `Date` header, which is cut to the second. Some servers keep it for up to a second more
/// (they refresh it once per second), so the interval reaches two seconds up.
pub fn from_date(date: Timestamp, sent: Timestamp, received: Timestamp) -> Interval {
    let mut interval = exact(date, sent, received);
    interval.high = interval.high.saturating_add(2_000);
    interval
}

/// The intersection so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClockEstimate(Option<Interval>);

impl ClockEstimate {
    /// Takes one more answer in.
    pub fn add(&mut self, next: Interval) {
        let kept = self.0.map(|known| {
            let age = next.at.since(known.at).seconds().abs();
            let drift = (age * 1_000.0 * DRIFT).ceil() as i64;
            Interval {
                low: known.low.saturating_sub(drift).max(next.low),
                high: known.high.saturating_add(drift).min(next.high),
                at: next.at,
            }
        });
        self.0 = Some(kept.filter(|both| both.low <= both.high).unwrap_or(next));
    }

    /// The offset as far as known.
    pub fn offset(&self) -> Option<ClockOffset> {
        self.0.as_ref().map(Interval::offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOON: i64 = 1_795_348_800_000;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(NOON + millis)
    }

    #[test]
    fn a_jump_starts_the_estimate_over() {
        let mut estimate = ClockEstimate::default();
        estimate.add(exact(at(1_000), at(0), at(10)));
        assert_eq!(
            estimate.offset(),
            Some(ClockOffset { offset: Span::from_millis(995), bound: Span::from_millis(6) })
        );
        estimate.add(exact(at(15_000), at(15_000), at(15_010)));
        assert_eq!(
            estimate.offset(),
            Some(ClockOffset { offset: Span::from_millis(-5), bound: Span::from_millis(6) })
        );
    }

    proptest! {
        #[test]
        fn the_true_offset_is_always_inside(
            offset in -100_000i64..100_000,
            drift_ppm in -100.0f64..100.0,
            polls in proptest::collection::vec((0i64..2_000, 0i64..2_000, any::<bool>(), 1i64..60_000), 1..60),
        ) {
            let mut estimate = ClockEstimate::default();
            let mut now = NOON;
            for (out, back, precise, pause) in polls {
                let true_offset = |t: i64| offset + ((t - NOON) as f64 * drift_ppm * 1e-6).round() as i64;
                let (sent, received) = (now, now + out + back);
                let server = now + out + true_offset(now + out);
                let stamp = Timestamp::from_millis;
                estimate.add(if precise {
                    exact(stamp(server), stamp(sent), stamp(received))
                } else {
                    from_date(stamp(server.div_euclid(1_000) * 1_000), stamp(sent), stamp(received))
                });
                let seen = estimate.offset().unwrap();
                let off = (true_offset(received) - seen.offset.millis()).abs();
                prop_assert!(off <= seen.bound.millis() + 1, "{} ms outside {:?}", off, seen);
                now = received + pause;
            }
        }

        #[test]
        fn any_times_are_taken_without_panic(server: i64, sent: i64, received: i64, date: i64) {
            let stamp = Timestamp::from_millis;
            let mut estimate = ClockEstimate::default();
            estimate.add(exact(stamp(server), stamp(sent), stamp(received)));
            estimate.add(from_date(stamp(date), stamp(sent), stamp(received)));
            prop_assert!(estimate.offset().is_some());
        }
    }
}
