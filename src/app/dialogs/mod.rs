//! Dialogs: opening them, what keys do in them, closing them without losing what was typed.

mod brief;
mod find;
mod forms;
mod incident;
mod lists;
mod prompt;
mod reading;
mod silence;
mod suspects;
mod verbs;

pub(super) use brief::hand_off;
pub(super) use find::open as open_finder;
pub(super) use forms::{not_recorded, open_ack, open_draft, open_note, recorded, withdraw};
pub(super) use incident::{leave, pin};
pub(super) use lists::{open_silences, open_windows, refresh as refresh_windows};
pub(super) use prompt::{open_command, open_filter, open_whatif};
pub(super) use reading::{
    alert_reading, capacity_reading, explain, incident_reading, link, map_reading, open_reading,
    plain, refresh as refresh_reading, runbook, source_reading, what_if,
};
pub(super) use silence::{open as open_silence, open_with as open_silence_with, performed};
pub(super) use suspects::open as open_suspects;
pub(super) use verbs::decided;
pub(super) use verbs::{
    Step, back_from_editor, open as open_verb, open_declare, rough, settle, step,
};

use crate::actions::{Action, Screen};
use crate::app::Tone;
use crate::keys::{Chord, PromptAction, Resolved};

use super::{About, Dialog, Effect, Reading, State};

/// A key while a dialog is open: where text is typed, the keymap's prompt keys come first; lists and
/// texts to read use the keys of the screens.
pub(super) fn key(state: &mut State, chord: Chord) -> Vec<Effect> {
    let typing = match &state.ui.dialog {
        None => return Vec::new(),
        Some(
            Dialog::Prompt(_)
            | Dialog::Find(_)
            | Dialog::Acknowledge(_)
            | Dialog::Note(_)
            | Dialog::Silence(_)
            | Dialog::Form(_)
            | Dialog::Brief(_),
        ) => true,
        Some(
            Dialog::Help { .. }
            | Dialog::Reading(_)
            | Dialog::Silences { .. }
            | Dialog::Windows { .. }
            | Dialog::Suspects { .. }
            | Dialog::Leave,
        ) => false,
    };
    if typing {
        let meant = state.keymap.prompt(chord);
        return match (meant, &state.ui.dialog) {
            (Some(PromptAction::Cancel), _) => back(state),
            (_, Some(Dialog::Prompt(_))) => prompt::key(state, meant, chord),
            (_, Some(Dialog::Find(_))) => find::key(state, meant, chord),
            (_, Some(Dialog::Silence(_))) => silence::key(state, meant, chord),
            (_, Some(Dialog::Form(_))) => verbs::key(state, meant, chord),
            (_, Some(Dialog::Brief(_))) => brief::key(state, meant, chord),
            (_, _) => forms::key(state, meant, chord),
        };
    }
    // Withdraw must mean something in the list of silences whatever screen lies below it.
    let keymap = std::sync::Arc::clone(&state.keymap);
    match keymap.resolve(Screen::Alerts, false, &mut state.ui.pending, chord) {
        Resolved::Action(action) if matches!(state.ui.dialog, Some(Dialog::Leave)) => {
            incident::answer_leave(state, action)
        }
        Resolved::Action(Action::Back | Action::Quit) => back(state),
        Resolved::Action(action) => match &state.ui.dialog {
            Some(Dialog::Silences { .. } | Dialog::Windows { .. }) => lists::act(state, action),
            Some(Dialog::Suspects { .. }) => suspects::act(state, action),
            _ => reading::act(state, action),
        },
        Resolved::Pending | Resolved::None => Vec::new(),
    }
}

/// Pasted text while a dialog is open.
pub(super) fn paste(state: &mut State, text: &str) -> Vec<Effect> {
    let all = match &mut state.ui.dialog {
        Some(Dialog::Prompt(p)) => {
            let all = p.line.insert(text);
            prompt::edited(state);
            all
        }
        Some(Dialog::Find(f)) => {
            let all = f.line.insert(text);
            find::search(state);
            all
        }
        Some(Dialog::Acknowledge(f)) if !f.saving => f.note.insert(text),
        Some(Dialog::Note(f)) if !f.saving => f.text.insert(text),
        Some(Dialog::Silence(f)) if !f.saving => {
            let all = f.focused().insert(text);
            silence::edited(state);
            all
        }
        Some(Dialog::Form(f)) if f.saving.is_none() && !f.away => {
            let all = f.paste(text);
            verbs::edited(state);
            all
        }
        Some(Dialog::Brief(b)) if b.saving.is_none() => {
            b.asking.as_mut().is_none_or(|question| question.insert(text))
        }
        _ => return Vec::new(),
    };
    if !all {
        say_cut(state);
    }
    vec![Effect::Keep]
}

fn say_cut(state: &mut State) {
    let now = state.now;
    let text = "The text is longer than fits here (64 KiB); its end was left out.";
    state.ui.notice(Tone::Warning, text, now);
}

/// One level back: from a confirmation to the form, from the form to the screen. Never loses text.
pub(super) fn back(state: &mut State) -> Vec<Effect> {
    match &mut state.ui.dialog {
        Some(Dialog::Silence(form)) if form.confirming && !form.saving => {
            form.confirming = false;
            form.broad = None;
            return Vec::new();
        }
        Some(Dialog::Silences { confirm, .. } | Dialog::Windows { confirm, .. }) if *confirm => {
            *confirm = false;
            return Vec::new();
        }
        Some(Dialog::Brief(brief)) if brief.asking.is_some() && brief.saving.is_none() => {
            forms::keep_draft(state);
            if let Some(Dialog::Brief(brief)) = &mut state.ui.dialog {
                (brief.asking, brief.declining) = (None, false);
            }
            return vec![Effect::Keep];
        }
        Some(
            Dialog::Acknowledge(_)
            | Dialog::Note(_)
            | Dialog::Silence(_)
            | Dialog::Form(_)
            | Dialog::Brief(_),
        ) => forms::keep_draft(state),
        // Back from what speaks against one of them to all of them.
        Some(Dialog::Reading(Reading { about: About::Suspect(id), .. })) => {
            state.ui.dialog = Some(Dialog::Suspects { selected: Some(id.clone()), top: 0 });
            return Vec::new();
        }
        Some(Dialog::Help { .. } | Dialog::Reading(_) | Dialog::Prompt(_) | Dialog::Find(_))
        | Some(Dialog::Silences { .. } | Dialog::Windows { .. } | Dialog::Suspects { .. })
        | Some(Dialog::Leave)
        | None => {}
    }
    state.ui.dialog = None;
    state.refresh(true);
    vec![Effect::Keep]
}
