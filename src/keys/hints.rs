//! What the active keymap looks like on the line of hints and in the README.

use std::fmt::Write as _;

use super::Keymap;
use crate::actions::{ACTIONS, Action, Scope, Screen};

/// A key worth knowing now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint<'k> {
    /// As printed on the keyboard line.
    pub keys: &'k str,
    /// A word or two.
    pub doc: &'static str,
    /// What it does.
    pub action: Action,
}

/// What is worth a place on the line of hints, most first; the way to all other keys comes early
/// enough to fit on the narrowest screen.
const PRIORITY: &[Action] = &[
    Action::Pause,
    Action::TestChannel,
    Action::Blast,
    Action::Focus,
    Action::ToggleList,
    Action::Acknowledge,
    Action::Silence,
    Action::Explain,
    Action::Declare,
    Action::Accept,
    Action::Update,
    Action::Task,
    Action::Filter,
    Action::Help,
    Action::Command,
    Action::Open,
    Action::Find,
    Action::Refresh,
    Action::NextIncident,
    Action::Pin,
    Action::Follow,
    Action::Mark,
    Action::Note,
    Action::Finish,
    Action::Refuse,
    Action::Decide,
    Action::Status,
    Action::Handoff,
    Action::Settle,
    Action::Extend,
    Action::Severity,
    Action::Evidence,
    Action::Page,
    Action::Ticket,
    Action::Runbook,
    Action::Link,
    Action::ToggleMuted,
    Action::ClearFilter,
    Action::Withdraw,
    Action::ZoomIn,
    Action::ZoomOut,
    Action::SeekBack,
    Action::SeekForward,
    Action::Slower,
    Action::Faster,
    Action::Silences,
    Action::Windows,
    Action::Copy,
    Action::Back,
    Action::NextPane,
    Action::Clock,
    Action::Theme,
    Action::Quit,
];

impl Keymap {
    /// What can be done here, most useful first; what does not fit is left off from the end, and is
    /// never made.
    pub fn hints(&self, screen: Screen, playing: bool) -> impl Iterator<Item = Hint<'_>> {
        PRIORITY.iter().filter_map(move |action| {
            let keys = self.keys_on(screen, playing, *action).next()?;
            Some(Hint { keys, doc: action.spec().short, action: *action })
        })
    }
}

/// The README's table of keys, in Markdown, from the table of actions and a keymap.
pub fn readme_table(keymap: &Keymap) -> String {
    let mut out = String::from("| Keys | Does | Where | `:` |\n|---|---|---|---|\n");
    for spec in ACTIONS {
        // A bar would end the cell.
        let keys: Vec<String> = keymap
            .keys_for(spec.action)
            .iter()
            .map(|keys| format!("`{}`", keys.replace('|', "\\|")))
            .collect();
        let place = match spec.scope {
            Scope::Anywhere => "everywhere".to_owned(),
            Scope::On(screens) => screens.iter().map(|s| s.title()).collect::<Vec<_>>().join(", "),
            Scope::Playback => "while a recording plays".to_owned(),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "| {} | {} | {place} | `{}` |", keys.join(" "), spec.doc, spec.name);
    }
    out
}
