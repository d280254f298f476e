//! Virtual time of a recording being played.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::connectors::Clock;
use crate::domain::{Span, Timestamp};

/// Slowest and fastest.
const SPEEDS: (f64, f64) = (0.125, 64.0);

/// Tells the recording's time: plays, pauses, seeks, at any speed; stops at the end.
pub struct PlayerClock {
    real: Arc<dyn Clock>,
    start: Timestamp,
    end: Timestamp,
    state: Mutex<State>,
}

#[derive(Clone, Copy)]
struct State {
    /// Real and virtual time at the last change.
    real: Timestamp,
    shown: Timestamp,
    speed: f64,
    playing: bool,
}

impl PlayerClock {
    /// Plays from `start` to `end` at the speed of life.
    pub fn new(real: Arc<dyn Clock>, start: Timestamp, end: Timestamp) -> Self {
        let state = State { real: real.now(), shown: start, speed: 1.0, playing: true };
        Self { real, start, end: end.max(start), state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at(&self, state: &State) -> Timestamp {
        let moved = match state.playing {
            true => self.real.now().since(state.real).max(Span::ZERO).scale(state.speed),
            false => Span::ZERO,
        };
        state.shown.plus(moved).clamp(self.start, self.end)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        state.shown = self.at(&state);
        state.real = self.real.now();
        change(&mut state);
        state.shown = state.shown.clamp(self.start, self.end);
    }

    /// Goes on.
    pub fn play(&self) {
        self.change(|s| s.playing = true);
    }

    /// Stands still.
    pub fn pause(&self) {
        self.change(|s| s.playing = false);
    }

    /// Goes to a moment, or to the nearest end.
    pub fn seek(&self, to: Timestamp) {
        self.change(|s| s.shown = to);
    }

    /// Plays at `factor` times the speed of life, within an eighth and 64.
    pub fn set_speed(&self, factor: f64) {
        if factor.is_finite() {
            self.change(|s| s.speed = factor.clamp(SPEEDS.0, SPEEDS.1));
        }
    }

    /// The present speed.
    pub fn speed(&self) -> f64 {
        self.state().speed
    }

    /// Whether it plays.
    pub fn is_playing(&self) -> bool {
        self.state().playing
    }

    /// First and last moment of the recording.
    pub fn span(&self) -> (Timestamp, Timestamp) {
        (self.start, self.end)
    }
}

impl Clock for PlayerClock {
    fn now(&self) -> Timestamp {
        let state = self.state();
        self.at(&state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    #[test]
    fn time_runs_stands_jumps_and_ends_as_told() {
        let real = Arc::new(AtomicI64::new(0));
        let hand = real.clone();
        let clock = PlayerClock::new(
            Arc::new(move || Timestamp::from_millis(hand.load(Ordering::SeqCst))),
            Timestamp::from_millis(1_000_000),
            Timestamp::from_millis(1_100_000),
        );
        let pass = |millis: i64| {
            real.fetch_add(millis, Ordering::SeqCst);
            clock.now().millis() - 1_000_000
        };
        assert_eq!(pass(1_000), 1_000);
        clock.set_speed(4.0);
        assert_eq!(pass(1_000), 5_000);
        clock.pause();
        assert_eq!(pass(9_000), 5_000);
        clock.seek(Timestamp::from_millis(1_050_000));
        assert_eq!(pass(9_000), 50_000);
        clock.play();
        assert_eq!(pass(60_000), 100_000, "it stops at the end");
        clock.seek(Timestamp::default());
        assert_eq!(pass(0), 0, "and at the beginning");
    }
}
