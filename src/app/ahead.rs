//! What is typed while a form is being saved: kept, and done once the form is closed, so that the next note
//! can be begun at once and its letters are never taken for commands.
//!
//! ```text
//! enter ─► saving ── keys ─► kept ──┬─ recorded ─► done, as if typed now
//!                                   └─ refused ─► dropped with a sentence: they were meant for after it
//! ```

use super::{Dialog, Effect, State, Tone, update::on_input};
use crate::keys::{Input, PromptAction};

/// More than this is not typed while something is saved.
const MOST: usize = 256;
/// A longer paste is for the form it was meant for, and that is not open yet.
const MOST_PASTED: usize = 64 * 1024;

/// Keeps an input for later; gives it back when it is for now.
pub(super) fn keep(state: &mut State, input: Input) -> Option<Input> {
    if !is_saving(state) {
        return Some(input);
    }
    match &input {
        Input::Key(chord) => match state.keymap.prompt(*chord) {
            // Whoever does not want to wait any longer leaves.
            Some(PromptAction::Cancel) => {
                state.ahead.clear();
                return Some(input);
            }
            // Pressed twice, it is still meant for the form.
            Some(PromptAction::Accept) if state.ahead.is_empty() => return None,
            _ => {}
        },
        Input::Paste(text) if text.len() <= MOST_PASTED => {}
        _ => return Some(input),
    }
    if state.ahead.len() < MOST {
        state.ahead.push(input);
    }
    None
}

/// Does what was kept, once the form is closed.
pub(super) fn catch_up(state: &mut State) -> Vec<Effect> {
    if state.ahead.is_empty() || is_saving(state) {
        return Vec::new();
    }
    let kept = std::mem::take(&mut state.ahead);
    if state.ui.dialog.is_some() {
        let now = state.now;
        state.ui.notice(
            Tone::Warning,
            "What was typed while this was being saved was not done.",
            now,
        );
        return Vec::new();
    }
    kept.into_iter().flat_map(|input| on_input(state, input)).collect()
}

fn is_saving(state: &State) -> bool {
    match &state.ui.dialog {
        Some(Dialog::Acknowledge(form)) => form.saving,
        Some(Dialog::Note(form)) => form.saving,
        Some(Dialog::Silence(form)) => form.saving,
        Some(Dialog::Form(form)) => form.saving.is_some(),
        Some(Dialog::Brief(brief)) => brief.saving.is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pretty_assertions::assert_eq;

    use super::*;
    use crate::app::{Msg, Ui, update};
    use crate::domain::{Actor, Timestamp};
    use crate::eventlog::{AppendError, EventLog as _, LogEvent, MemoryLog};
    use crate::model::Model;

    fn console() -> State {
        let keymap = crate::keys::load("default", None).unwrap();
        let (ui, now) = (Ui::new((80, 24)), Timestamp::from_millis(1_763_820_000_000));
        State::new(Model::default(), ui, now, Actor::new("ada"), Arc::new(keymap))
    }

    fn press(state: &mut State, keys: &str) -> Vec<LogEvent> {
        let chords = keys.split(' ').map(|key| key.parse().unwrap());
        let effects = chords.flat_map(|chord| update(state, Msg::Input(Input::Key(chord))));
        let appended = effects.filter_map(|effect| match effect {
            Effect::Append(events) => Some(events),
            _ => None,
        });
        appended.flatten().collect()
    }

    fn typed(state: &State) -> Option<String> {
        match &state.ui.dialog {
            Some(Dialog::Note(form)) => Some(form.text.text()),
            _ => None,
        }
    }

    #[test]
    fn the_next_note_is_begun_while_the_first_is_saved() {
        let mut state = console();
        let events = press(&mut state, "n o n e enter");
        assert_eq!(events.len(), 1);
        assert_eq!(press(&mut state, "enter"), [], "twice is once");
        assert_eq!(press(&mut state, "n t w o enter"), []);
        let (me, now) = (state.me.clone(), state.now);
        let records = MemoryLog::for_demo().append(&me, now, &events).unwrap();
        let effects = update(&mut state, Msg::Recorded { records, ours: true });
        let next = effects.iter().find_map(|effect| match effect {
            Effect::Append(events) => events.first(),
            _ => None,
        });
        assert!(matches!(next, Some(LogEvent::Noted { text, .. }) if text.as_str() == "two"));
    }

    #[test]
    fn what_was_typed_ahead_never_goes_into_a_form_that_was_refused_or_left() {
        let mut state = console();
        press(&mut state, "n o n e enter n x r");
        update(&mut state, Msg::NotRecorded(AppendError::failed("The disk is full.")));
        assert_eq!(typed(&state).as_deref(), Some("one"));
        assert!(state.ui.notices.back().is_some_and(|notice| notice.text.contains("was not done")));
        press(&mut state, "enter q esc");
        assert_eq!((typed(&state), state.ahead.len()), (None, 0));
    }
}
