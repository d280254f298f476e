//! The running console's state and its one update function. No I/O, no clock, no terminal.

mod effect;
mod msg;

pub use effect::{Effect, PlaybackStep};
pub use msg::Msg;

use crate::domain::{SafeText, Timestamp};

/// A message to the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How it should look.
    pub tone: Tone,
    /// One sentence.
    pub text: SafeText,
    /// When it came.
    pub at: Timestamp,
}

/// How a message should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Done as asked.
    Done,
    /// For information.
    Info,
    /// Needs attention.
    Warning,
    /// Failed.
    Error,
}

/// State of the recording being played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Playback {
    /// Where in the recording.
    pub at: Timestamp,
    /// Its first moment.
    pub start: Timestamp,
    /// Its last moment.
    pub end: Timestamp,
    /// Times real time.
    pub speed: f64,
    /// Standing still.
    pub paused: bool,
}

/// What was read again from disk.
#[derive(Debug, Clone, PartialEq)]
pub struct Reload {
    /// What it was, for the notice.
    pub what: SafeText,
}
