//! How often to try again: backoff, retry budget, circuit breaker. Pure; time and luck come in.
//!
//! Full jitter spreads clients evenly (`uniform(0, min(cap, base·2^n))`); where a server asks for
//! quiet (429, 503, `Retry-After`) equal jitter keeps at least half the wait. The budget bounds
//! extra load to a tenth of the ordinary; the breaker stops asking what keeps failing.

use std::collections::VecDeque;

use crate::domain::{Breaker, Span, Timestamp};

/// First wait.
pub const BASE: Span = Span::from_millis(200);
/// Longest wait.
pub const CAP: Span = Span::from_secs(30);

/// How long to wait before try `attempt` (0 is the first retry). `luck` is uniform in 0..1.
pub fn backoff(attempt: u32, calm: bool, retry_after: Option<Span>, luck: f64) -> Span {
    let ceiling = BASE.scale(2f64.powi(attempt.min(20).cast_signed())).min(CAP);
    let luck = luck.clamp(0.0, 1.0);
    match retry_after {
        // Never sooner than asked; a little later, so that all who were told do not come at once.
        Some(asked) => asked.plus_jitter(ceiling, luck),
        None if calm => ceiling.scale(0.5 + luck / 2.0),
        None => ceiling.scale(luck),
    }
}

trait PlusJitter {
    fn plus_jitter(self, ceiling: Span, luck: f64) -> Span;
}

impl PlusJitter for Span {
    fn plus_jitter(self, ceiling: Span, luck: f64) -> Span {
        Span::from_millis(self.millis().saturating_add(ceiling.scale(luck).millis()))
    }
}

/// Retries that may still be made: each first try earns a tenth of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    tenths: u16,
}

const MOST_TENTHS: u16 = 100;

impl Default for Budget {
    fn default() -> Self {
        Self { tenths: MOST_TENTHS }
    }
}

impl Budget {
    /// A first try was made.
    pub fn earn(&mut self) {
        self.tenths = (self.tenths + 1).min(MOST_TENTHS);
    }

    /// Takes one retry out, if one is left.
    pub fn spend(&mut self) -> bool {
        let left = self.tenths.checked_sub(10);
        self.tenths = left.unwrap_or(self.tenths);
        left.is_some()
    }

    /// Whole retries left.
    pub fn left(&self) -> u16 {
        self.tenths / 10
    }
}

/// Failures in a row that open the breaker.
const IN_A_ROW: u32 = 5;
/// Window for the share of failures.
const WINDOW: Span = Span::from_secs(30);
/// Least calls in the window to judge a share by.
const LEAST_CALLS: usize = 10;
/// First and longest pause.
const PAUSE: (Span, Span) = (Span::from_secs(5), Span::from_secs(60));

/// Stops asking a source that keeps failing, and probes whether it is back.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Circuit {
    state: Breaker,
    in_a_row: u32,
    calls: VecDeque<(Timestamp, bool)>,
    /// How often it opened since it was last closed.
    opened: u32,
}

impl Circuit {
    /// Its position.
    pub fn state(&self) -> Breaker {
        self.state
    }

    /// Whether a call may pass at `now`; letting the probe pass makes it half-open.
    pub fn admit(&mut self, now: Timestamp) -> bool {
        match self.state {
            Breaker::Closed => true,
            Breaker::Open { until } if now >= until => {
                self.state = Breaker::HalfOpen;
                true
            }
            Breaker::Open { .. } | Breaker::HalfOpen => false,
        }
    }

    /// A person wants a try now: the next call passes as the probe.
    pub fn force(&mut self) {
        if let Breaker::Open { .. } = self.state {
            self.state = Breaker::Open { until: Timestamp::from_millis(i64::MIN) };
        }
    }

    /// A call ended well.
    pub fn succeeded(&mut self, now: Timestamp) {
        if self.state == Breaker::HalfOpen {
            *self = Self::default();
        }
        self.in_a_row = 0;
        self.note(now, true);
    }

    /// A call failed. `luck` is uniform in 0..1.
    pub fn failed(&mut self, now: Timestamp, luck: f64) {
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.note(now, false);
        let bad = self.calls.iter().filter(|(_, good)| !good).count();
        let too_many = self.calls.len() >= LEAST_CALLS && bad * 2 >= self.calls.len();
        match self.state {
            Breaker::HalfOpen => self.open(now, luck),
            Breaker::Closed if self.in_a_row >= IN_A_ROW || too_many => self.open(now, luck),
            Breaker::Closed | Breaker::Open { .. } => {}
        }
    }

    fn note(&mut self, now: Timestamp, good: bool) {
        self.calls.push_back((now, good));
        while self.calls.front().is_some_and(|(at, _)| now.since(*at) > WINDOW) {
            self.calls.pop_front();
        }
    }

    fn open(&mut self, now: Timestamp, luck: f64) {
        let pause = PAUSE.0.scale(2f64.powi(self.opened.min(10).cast_signed())).min(PAUSE.1);
        self.opened = self.opened.saturating_add(1);
        self.in_a_row = 0;
        self.calls.clear();
        let jittered = pause.scale(0.5 + luck.clamp(0.0, 1.0) / 2.0);
        self.state = Breaker::Open { until: now.plus(jittered) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_millis(secs * 1_000)
    }

    #[test]
    fn waits_double_up_to_the_cap_and_honour_what_the_server_asks() {
        for (attempt, calm, asked, luck, millis) in [
            (0, false, None, 1.0, 200),
            (3, false, None, 0.5, 800),
            (30, false, None, 1.0, 30_000),
            (0, true, None, 0.0, 100),
            (2, true, None, 1.0, 800),
            (0, true, Some(Span::from_secs(7)), 0.0, 7_000),
            (0, true, Some(Span::from_secs(7)), 1.0, 7_200),
        ] {
            assert_eq!(backoff(attempt, calm, asked, luck).millis(), millis);
        }
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_one_good_probe_closes_it() {
        let mut circuit = Circuit::default();
        for n in 0..5 {
            assert!(circuit.admit(at(n)));
            circuit.failed(at(n), 1.0);
        }
        assert_eq!(circuit.state(), Breaker::Open { until: at(9) });
        assert!(!circuit.admit(at(8)));
        assert!(circuit.admit(at(9)), "the probe");
        assert!(!circuit.admit(at(9)), "one probe only");
        circuit.failed(at(9), 1.0);
        assert_eq!(circuit.state(), Breaker::Open { until: at(19) });
        assert!(circuit.admit(at(19)));
        circuit.succeeded(at(19));
        assert_eq!(circuit.state(), Breaker::Closed);
    }

    #[test]
    fn half_of_ten_failing_opens_it_and_a_person_may_force_a_try() {
        let mut circuit = Circuit::default();
        for n in 0..5 {
            circuit.succeeded(at(n));
            circuit.failed(at(n), 0.0);
        }
        assert_eq!(circuit.state(), Breaker::Open { until: Timestamp::from_millis(6_500) });
        circuit.force();
        assert!(circuit.admit(at(5)));
        assert_eq!(circuit.state(), Breaker::HalfOpen);
    }

    proptest! {
        #[test]
        fn retries_stay_a_tenth_of_the_first_tries(tries in 1usize..2_000) {
            let mut budget = Budget::default();
            let mut retries = 0usize;
            for _ in 0..tries {
                budget.earn();
                while budget.spend() {
                    retries += 1;
                }
            }
            prop_assert!(retries <= 10 + tries / 10, "{} retries", retries);
        }

        #[test]
        fn a_broken_source_is_found_back_within_65_s(fails in 1i64..900, luck in 0.0f64..1.0) {
            let mut circuit = Circuit::default();
            let (mut calls, mut back) = (0i64, None);
            for second in 0..2_000 {
                let now = at(second);
                if !circuit.admit(now) {
                    continue;
                }
                if second < fails {
                    calls += 1;
                    circuit.failed(now, luck);
                } else {
                    circuit.succeeded(now);
                    back = Some(second);
                    break;
                }
            }
            prop_assert!(back.is_some_and(|second| second - fails <= 65));
            prop_assert!(calls <= 10 + fails / 15, "{} calls in {} s", calls, fails);
        }

        #[test]
        fn a_wait_is_never_negative_nor_shorter_than_asked(attempt in 0u32..100, calm: bool, asked in proptest::option::of(0i64..4_000_000), luck in 0.0f64..1.0) {
            let wait = backoff(attempt, calm, asked.map(Span::from_millis), luck);
            prop_assert!(wait >= Span::from_millis(asked.unwrap_or(0)));
            prop_assert!(asked.is_some() || wait <= CAP);
        }
    }
}
