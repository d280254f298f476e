//! Everything `update` may ask the runtime for.

use crate::connectors::Interest;
use crate::domain::{IncidentId, Operation, SafeText, SourceId, Span};
use crate::eventlog::{LogEvent, RecordId};
use crate::model::Study;

/// One thing to be done outside the loop.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Record facts; becomes `Msg::Recorded` or `Msg::NotRecorded`.
    Append(Vec<LogEvent>),
    /// Record facts that any console would record (what a machine saw, a test that is due), each unless
    /// another one was first. Nothing is said about it here.
    Offer(Vec<LogEvent>),
    /// Perform a recorded operation; becomes `Msg::Performed`.
    Perform(RecordId, Operation),
    /// Start these steps of runs, or look for them.
    Runs(Vec<crate::actions::runs::DueStep>),
    /// Ask a Prometheus for the check of a follow-up; becomes `Msg::Checked`.
    Check {
        /// The incident.
        incident: IncidentId,
        /// Which of its follow-ups.
        follow_up: RecordId,
        /// The query.
        expr: SafeText,
    },
    /// Look for words in the log; becomes `Msg::Found`.
    Search(String),
    /// Tell the others where this console is.
    Present(crate::eventlog::Presence),
    /// Refuse from now on to record what this policy does not allow.
    Govern(std::sync::Arc<crate::eventlog::Policy>),
    /// Hand a text to the person's own editor; becomes `Msg::Edited`.
    Edit(String),
    /// Ask a source now (all when `None`), past its interval and its breaker.
    Poll(Option<SourceId>),
    /// What is on screen changed: fetch these details from now on.
    Interest(Interest),
    /// Carry out an analysis beside the loop; becomes `Msg::Studied`.
    Study(Box<Study>),
    /// Copy to the terminal's clipboard (OSC 52).
    Copy(String),
    /// Keep the view and its drafts on disk.
    Keep,
    /// Steer the recording being played.
    Playback(PlaybackStep),
    /// Use another theme.
    Theme(String),
    /// Use the theme after this one.
    NextTheme,
    /// Use another keymap.
    Keymap(String),
    /// Draw everything anew.
    Redraw,
    /// Stop the process until `fg`.
    Suspend,
    /// Leave.
    Quit,
}

/// Steps of a recording's player.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PlaybackStep {
    /// Pause or go on.
    Pause,
    /// By so much, backwards when negative.
    Seek(Span),
    /// Half the speed.
    Slower,
    /// Twice the speed.
    Faster,
    /// This many times real time.
    Speed(f64),
}
