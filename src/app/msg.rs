//! Everything that can arrive at the loop, in one order.

use crate::domain::{
    IncidentId, Observation, Outcome, SafeText, SourceId, SourceStatus, Timestamp,
};
use crate::eventlog::{AppendError, Held, Presence, RecordId, Recorded};
use crate::keys::Input;
use crate::model::Finding;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    /// A key, a paste, a resize, focus.
    Input(Input),
    /// A connector saw something.
    Observed {
        /// Which source.
        source: SourceId,
        /// When the question was asked, by our clock.
        at: Timestamp,
        /// What.
        seen: Vec<Observation>,
    },
    /// A source's state changed.
    Source(SourceStatus),
    /// Facts now on disk.
    Recorded {
        /// The facts.
        records: Vec<Recorded>,
        /// Asked for by this console, so that it performs the operations among them.
        ours: bool,
    },
    /// Lines of a long log that were left for later when it was opened.
    Earlier(super::earlier::Earlier),
    /// What is in memory only, because the disk does not take it; nothing is, when it is empty.
    Held(Held),
    /// Facts could not be recorded; the draft they came from is still open.
    NotRecorded(AppendError),
    /// What a search of the log found, newest first, with the words that were asked for.
    Found(SafeText, Vec<RecordId>),
    /// Who else is here; made anew every few seconds.
    Present(Vec<Presence>),
    /// A text came back from the person's own editor, or the sentence why it did not.
    Edited(Result<String, SafeText>),
    /// What was said to the check of a follow-up, by which source; or why nobody could be asked.
    Checked {
        /// The incident.
        incident: IncidentId,
        /// Which of its follow-ups.
        follow_up: RecordId,
        /// Source and values, one for each series.
        answer: Result<(SourceId, Vec<f64>), SafeText>,
    },
    /// What an analysis found.
    Studied(Box<Finding>),
    /// An outside operation ended.
    Performed(RecordId, Outcome),
    /// The catalog, which was still being read when the first frame was drawn.
    Declared(Box<super::Declared>),
    /// The configuration, theme or keymap was read again (or could not be; the old one stays).
    Reloaded(Result<Box<super::Reload>, SafeText>),
    /// Once a second, and on a jump of the clock.
    Tick(Timestamp),
    /// State of the recording being played.
    Playback(super::Playback),
    /// Something the person should know.
    Notice(super::Notice),
}
