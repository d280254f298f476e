//! The list of silences (extend, end) and of maintenance windows (mute the next occurrence).

use crate::actions::{Action, Do, decide};
use crate::app::screens::{Move, moved};
use crate::app::{Dialog, Effect, State, Tone};
use crate::domain::{SilenceId, SiteId};

/// Opens the list of silences, the first selected.
pub(in crate::app) fn open_silences(state: &mut State) -> Vec<Effect> {
    let selected = silence_rows(state).into_iter().next();
    state.ui.dialog = Some(Dialog::Silences { selected, top: 0, confirm: false });
    Vec::new()
}

/// Opens the list of maintenance windows.
pub(in crate::app) fn open_windows(state: &mut State) -> Vec<Effect> {
    state.ui.dialog = Some(Dialog::Windows { selected: 0, top: 0, confirm: false });
    Vec::new()
}

fn silence_rows(state: &State) -> Vec<(SiteId, SilenceId)> {
    state.model.silences.current().map(|s| (s.site.clone(), s.id.clone())).collect()
}

const fn movement(action: Action) -> Option<Move> {
    match action {
        Action::Down => Some(Move::By(1)),
        Action::Up => Some(Move::By(-1)),
        Action::PageDown => Some(Move::By(10)),
        Action::PageUp => Some(Move::By(-10)),
        Action::Top => Some(Move::Top),
        Action::Bottom => Some(Move::Bottom),
        _ => None,
    }
}

/// An action in one of the two lists: opening extends a silence or mutes a window (asked once),
/// withdrawing ends a silence (asked once).
pub(super) fn act(state: &mut State, action: Action) -> Vec<Effect> {
    match &state.ui.dialog {
        Some(Dialog::Silences { .. }) => silences(state, action),
        Some(Dialog::Windows { .. }) => windows(state, action),
        _ => Vec::new(),
    }
}

fn silences(state: &mut State, action: Action) -> Vec<Effect> {
    let rows = silence_rows(state);
    let Some(Dialog::Silences { selected, confirm, .. }) = &mut state.ui.dialog else {
        return Vec::new();
    };
    if let Some(by) = movement(action) {
        *selected = moved(&rows, selected.as_ref(), by);
        *confirm = false;
        return Vec::new();
    }
    let Some((site, id)) = selected.clone() else { return Vec::new() };
    match (action, *confirm) {
        (Action::Withdraw, false) => *confirm = true,
        (Action::Open | Action::Withdraw, true) => return perform(state, &Do::Expire { site, id }),
        (Action::Open, false) => {
            if let Some(silence) = state.model.silences.get(&site, &id).cloned() {
                return super::silence::open_extend(state, &silence);
            }
        }
        _ => {}
    }
    Vec::new()
}

fn windows(state: &mut State, action: Action) -> Vec<Effect> {
    let planned = state.model.windows(state.now);
    let rows: Vec<usize> = (0..planned.len()).collect();
    let Some(Dialog::Windows { selected, confirm, .. }) = &mut state.ui.dialog else {
        return Vec::new();
    };
    if let Some(by) = movement(action) {
        *selected = moved(&rows, Some(selected), by).unwrap_or(0);
        *confirm = false;
        return Vec::new();
    }
    let Some(window) = planned.get(*selected) else { return Vec::new() };
    if action != Action::Open {
        return Vec::new();
    }
    if window.silenced {
        let now = state.now;
        state.ui.notice(Tone::Info, "This occurrence is muted already; nothing was sent.", now);
        return Vec::new();
    }
    if !*confirm {
        *confirm = true;
        return Vec::new();
    }
    let Some(site) = window.site.clone() else {
        let now = state.now;
        state.ui.notice(Tone::Warning, "No Alertmanager is configured, so nothing can be muted.", now);
        return Vec::new();
    };
    let draft = window.draft(&state.me);
    perform(state, &Do::Silence { site, draft })
}

fn perform(state: &mut State, what: &Do) -> Vec<Effect> {
    let now = state.now;
    if state.read_only {
        state.ui.notice(Tone::Warning, "This console is read-only; nothing was changed.", now);
        return Vec::new();
    }
    // The list shows what is asked for and asks once; breadth was shown with it.
    let guard = state.guard.confirmed(true);
    match decide(&state.model, &state.me, what, now, &guard) {
        Ok(events) => {
            if let Some(Dialog::Silences { confirm, .. } | Dialog::Windows { confirm, .. }) =
                &mut state.ui.dialog
            {
                *confirm = false;
            }
            vec![Effect::Append(events)]
        }
        Err(refusal) => {
            state.ui.notice(Tone::Warning, refusal.sentence, now);
            Vec::new()
        }
    }
}
