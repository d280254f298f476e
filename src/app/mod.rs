//! The running console's state and its one update function. No I/O, no clock, no terminal.

mod ahead;
pub mod board;
mod dialog;
mod dialogs;
pub mod earlier;
mod editor;
mod effect;
mod form;
mod held;
mod msg;
mod navigate;
pub mod presence;
mod runs;
mod screens;
mod state;
mod ui;
mod update;
mod watch;

pub use dialog::{
    About, AckForm, Briefing, Detail, Dialog, Finder, Hit, NoteForm, Preview, Prompt, PromptKind,
    Reading, ReadingLine, SilenceField, SilenceForm,
};
pub use editor::{Editor, Lines};
pub use effect::{Effect, PlaybackStep};
pub use form::{
    Check, DecisionMove, Entry, Field, FieldName, Finding, FollowUpMove, Form, Known, Pick, Remark,
    RunMove, TaskMove, Verb,
};
pub use msg::Msg;
pub use runs::{RunStand, order_lines, run_stand};
pub use state::State;
pub use ui::{
    AlertRow, AlertsUi, BridgePane, BridgeUi, CapacityPane, CapacityRow, CapacityUi, ClockMode,
    Drawn, IncidentPane, IncidentUi, MapPart, MapRow, MapUi, Place, ReviewPane, ReviewPart,
    ReviewUi, SlosUi, SourcesRow, SourcesUi, Ui, first_visible,
};
pub use update::update;

use std::sync::Arc;

use crate::domain::{Catalog, Playbook, SafeText, Timestamp};
use crate::eventlog::Policy;
use crate::keys::Keymap;

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

/// How a message should look, gravest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

/// What the catalog's files say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Declared {
    /// What could be read of them.
    pub catalog: Arc<Catalog>,
    /// What is wrong with them, each in a sentence.
    pub problems: Vec<SafeText>,
}

impl Declared {
    /// Reading them came to no end.
    pub fn lost() -> Self {
        let why = "The catalog could not be read for a fault of this program: services, owners and \
                   objectives are missing, alerts and incidents are not affected. Start it anew.";
        Self { problems: vec![why.into()], ..Self::default() }
    }
}

/// What was read again from disk.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reload {
    /// What it was, for the notice.
    pub what: SafeText,
    /// The new keymap, when it was that.
    pub keymap: Option<Arc<Keymap>>,
    /// How the organisation responds, when it was that.
    pub playbook: Option<Arc<Playbook>>,
    /// Who may do what, when it was that.
    pub duties: Option<Arc<Policy>>,
}
