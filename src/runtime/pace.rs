//! When the next frame may be drawn: no faster than the line to the terminal takes them.
//!
//! A terminal at the end of a slow line queues what it is sent. With a key held down, a console that
//! draws on every key fills that queue and goes on scrolling for seconds after the key is up. So on a
//! slow line each frame is followed by a question that the terminal answers once it has taken the frame
//! in, and the next frame waits for that answer; keys meanwhile change the state, not the screen. On a
//! fast line nothing is asked after the first time, except now and then behind a large frame.

use std::time::{Duration, Instant};

/// An answer later than this means a slow line. A local terminal answers within a millisecond, one in
/// the same city within ten.
const SLOW: Duration = Duration::from_millis(30);
/// A frame this large shows what the line takes.
const LARGE: usize = 2048;
/// On a fast line, how long between two such measurements.
const REMEASURE: Duration = Duration::from_secs(2);
/// This many prompt answers in a row make a slow line fast again.
const PROMPT_ANSWERS: u8 = 8;
/// How long the first answer may take before the terminal counts as one that never answers.
const FIRST_ANSWER: Duration = Duration::from_secs(1);
/// How long a frame may wait for a later answer.
const ANSWER: Duration = Duration::from_secs(3);
/// After so many missing answers the terminal is not asked again.
const MISSING: u8 = 3;
/// Data changes are drawn at most 30 times a second; keys at once.
const FRAME: Duration = Duration::from_millis(33);

/// Why a frame is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A key, a paste, a resize.
    Person,
    /// Anything else: new data, the clock.
    Data,
}

/// When a frame may be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At once.
    Now,
    /// When the terminal answers, or at this time: ask again then.
    At(Instant),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// The first answer is not here yet.
    Unmeasured,
    Fast,
    /// Every frame waits for the answer to the one before.
    Slow {
        prompt: u8,
    },
    /// The terminal does not answer.
    Mute,
}

/// Decides when frames are drawn and when the terminal is asked. Knows no clock: times come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pacer {
    line: Line,
    /// The question that is out, and since when.
    asked: Option<Instant>,
    last_asked: Instant,
    painted: Option<Instant>,
    /// Questions given up; their answers may still come, before later ones.
    missing: u8,
}

impl Pacer {
    /// To be made when the terminal has just been asked for the first time.
    pub fn asked_at(now: Instant) -> Self {
        Self {
            line: Line::Unmeasured,
            asked: Some(now),
            last_asked: now,
            painted: None,
            missing: 0,
        }
    }

    /// Whether a frame may be drawn now.
    pub fn when(&mut self, cause: Cause, now: Instant) -> When {
        self.give_up(now);
        if let (Line::Slow { .. }, Some(asked)) = (self.line, self.asked) {
            return When::At(asked + ANSWER);
        }
        match (cause, self.painted) {
            (Cause::Data, Some(painted)) if now < painted + FRAME => When::At(painted + FRAME),
            _ => When::Now,
        }
    }

    /// A frame was sent. Returns whether the terminal is to be asked, directly after it.
    pub fn painted(&mut self, bytes: usize, now: Instant) -> bool {
        if bytes == 0 {
            return false;
        }
        self.painted = Some(now);
        let ask = self.asked.is_none()
            && match self.line {
                Line::Slow { .. } => true,
                Line::Fast => bytes > LARGE && now >= self.last_asked + REMEASURE,
                Line::Unmeasured | Line::Mute => false,
            };
        if ask {
            self.asked = Some(now);
            self.last_asked = now;
        }
        ask
    }

    /// The terminal answered.
    pub fn answered(&mut self, now: Instant) {
        if self.line == Line::Mute {
            // It does answer, only later than anyone waited.
            self.line = Line::Slow { prompt: 0 };
            self.missing = 0;
            return;
        }
        if self.missing > 0 {
            self.missing -= 1;
            return;
        }
        let Some(asked) = self.asked.take() else { return };
        let prompt = now.saturating_duration_since(asked) < SLOW;
        self.line = match (self.line, prompt) {
            (_, false) => Line::Slow { prompt: 0 },
            (Line::Slow { prompt }, true) if prompt + 1 < PROMPT_ANSWERS => {
                Line::Slow { prompt: prompt + 1 }
            }
            (_, true) => Line::Fast,
        };
    }

    fn give_up(&mut self, now: Instant) {
        let Some(asked) = self.asked else { return };
        let patience = if self.line == Line::Unmeasured { FIRST_ANSWER } else { ANSWER };
        if now < asked + patience {
            return;
        }
        self.asked = None;
        self.missing += 1;
        if self.line == Line::Unmeasured || self.missing >= MISSING {
            self.line = Line::Mute;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    struct Clock(Instant);

    impl Clock {
        fn after(&self, ms: u64) -> Instant {
            self.0 + Duration::from_millis(ms)
        }
    }

    fn started() -> (Clock, Pacer) {
        let now = Instant::now();
        (Clock(now), Pacer::asked_at(now))
    }

    #[test]
    fn on_a_fast_line_keys_are_drawn_at_once_and_data_thirty_times_a_second() {
        let (clock, mut pacer) = started();
        assert_eq!(pacer.when(Cause::Person, clock.after(0)), When::Now, "before the answer");
        assert!(!pacer.painted(9_500, clock.after(1)));
        pacer.answered(clock.after(2));
        assert_eq!(pacer.when(Cause::Person, clock.after(3)), When::Now);
        assert_eq!(pacer.when(Cause::Data, clock.after(3)), When::At(clock.after(34)));
        assert_eq!(pacer.when(Cause::Data, clock.after(34)), When::Now);
    }

    #[test]
    fn a_frame_that_changed_nothing_neither_counts_nor_asks() {
        let (clock, mut pacer) = started();
        pacer.answered(clock.after(400));
        assert!(!pacer.painted(0, clock.after(500)));
        assert_eq!(pacer.when(Cause::Data, clock.after(501)), When::Now);
    }

    #[test]
    fn on_a_slow_line_each_frame_waits_for_the_one_before() {
        let (clock, mut pacer) = started();
        pacer.answered(clock.after(300));
        assert_eq!(pacer.when(Cause::Person, clock.after(301)), When::Now);
        assert!(pacer.painted(340, clock.after(301)), "asked behind the frame");
        for held_key in [330, 360, 390] {
            assert_eq!(
                pacer.when(Cause::Person, clock.after(held_key)),
                When::At(clock.after(3301))
            );
        }
        pacer.answered(clock.after(640));
        assert_eq!(pacer.when(Cause::Person, clock.after(640)), When::Now);
    }

    #[test]
    fn a_line_that_answers_promptly_again_is_not_asked_for_ever() {
        let (clock, mut pacer) = started();
        pacer.answered(clock.after(300));
        let mut asked = 0;
        for frame in 0..20 {
            let at = 1000 + frame * 100;
            if pacer.painted(340, clock.after(at)) {
                asked += 1;
                pacer.answered(clock.after(at + 1));
            }
        }
        assert_eq!(asked, PROMPT_ANSWERS);
    }

    #[test]
    fn a_fast_line_is_measured_again_behind_a_large_frame_every_two_seconds() {
        let (clock, mut pacer) = started();
        pacer.answered(clock.after(1));
        assert!(!pacer.painted(9_500, clock.after(1_999)), "too early");
        assert!(!pacer.painted(300, clock.after(2_100)), "too small");
        assert!(pacer.painted(9_500, clock.after(2_200)));
        assert_eq!(pacer.when(Cause::Person, clock.after(2_201)), When::Now, "nobody waits yet");
        pacer.answered(clock.after(3_200));
        assert!(pacer.painted(300, clock.after(3_300)), "now it is known to be slow");
    }

    #[test]
    fn a_terminal_that_never_answers_is_not_waited_for() {
        let (clock, mut pacer) = started();
        assert_eq!(pacer.when(Cause::Person, clock.after(999)), When::Now);
        assert_eq!(pacer.when(Cause::Person, clock.after(1_000)), When::Now);
        assert!(!pacer.painted(9_500, clock.after(5_000)));
        assert_eq!(pacer.line, Line::Mute);
        pacer.answered(clock.after(6_000));
        assert!(pacer.painted(300, clock.after(6_001)), "it answers after all, late");
    }

    #[test]
    fn a_lost_answer_holds_one_frame_for_three_seconds_and_three_end_the_asking() {
        let (clock, mut pacer) = started();
        pacer.answered(clock.after(300));
        let mut now = 1_000;
        for _ in 0..MISSING {
            assert!(pacer.painted(300, clock.after(now)));
            assert_eq!(
                pacer.when(Cause::Person, clock.after(now + 1)),
                When::At(clock.after(now + 3_000))
            );
            now += 3_000;
            assert_eq!(pacer.when(Cause::Person, clock.after(now)), When::Now);
        }
        assert!(!pacer.painted(300, clock.after(now)));
    }

    #[test]
    fn a_late_answer_is_not_taken_for_the_next_one() {
        let (clock, mut pacer) = started();
        pacer.answered(clock.after(300));
        assert!(pacer.painted(9_500, clock.after(1_000)));
        assert_eq!(pacer.when(Cause::Person, clock.after(4_000)), When::Now);
        assert!(pacer.painted(300, clock.after(4_000)));
        pacer.answered(clock.after(4_100));
        assert!(matches!(pacer.when(Cause::Person, clock.after(4_101)), When::At(_)));
        pacer.answered(clock.after(4_200));
        assert_eq!(pacer.when(Cause::Person, clock.after(4_201)), When::Now);
    }
}
