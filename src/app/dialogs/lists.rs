//! The list of silences (extend, end) and of maintenance windows (mute the next occurrence).

use crate::actions::{Action, Do, SilenceGuard, decide};
use crate::app::screens::{Move, moved};
use crate::app::{Dialog, Effect, State, Tone};
use crate::domain::{SilenceId, SiteId};
use crate::model::Planned;

/// Opens the list of silences, the first selected.
pub(in crate::app) fn open_silences(state: &mut State) -> Vec<Effect> {
    let selected = silence_rows(state).into_iter().next();
    state.ui.dialog = Some(Dialog::Silences { selected, top: 0, confirm: false });
    Vec::new()
}

/// Opens the list of maintenance windows.
pub(in crate::app) fn open_windows(state: &mut State) -> Vec<Effect> {
    let rows = state.model.windows(state.now);
    state.ui.dialog = Some(Dialog::Windows { rows, selected: 0, top: 0, confirm: false });
    Vec::new()
}

/// Says anew which of the times listed are muted; the rows themselves stay as they were.
pub(in crate::app) fn refresh(state: &mut State) {
    if !matches!(state.ui.dialog, Some(Dialog::Windows { .. })) {
        return;
    }
    let now = state.model.windows(state.now);
    let Some(Dialog::Windows { rows, .. }) = &mut state.ui.dialog else { return };
    for row in rows {
        let same = |p: &&Planned| p.window == row.window && p.occurrence == row.occurrence;
        if let Some(planned) = now.iter().find(same) {
            *row = planned.clone();
        }
    }
}

fn silence_rows(state: &State) -> Vec<(SiteId, SilenceId)> {
    state.model.silences.current().map(|s| (s.site.clone(), s.id.clone())).collect()
}

pub(super) const fn movement(action: Action) -> Option<Move> {
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
    let Some(Dialog::Windows { rows, selected, confirm, .. }) = &mut state.ui.dialog else {
        return Vec::new();
    };
    if let Some(by) = movement(action) {
        let places: Vec<usize> = (0..rows.len()).collect();
        *selected = moved(&places, Some(selected), by).unwrap_or(0);
        *confirm = false;
        return Vec::new();
    }
    let Some(planned) = rows.get(*selected).cloned() else { return Vec::new() };
    if action != Action::Open {
        return Vec::new();
    }
    if planned.open.is_empty() {
        let now = state.now;
        let text = if planned.muted.is_empty() {
            "No Alertmanager is configured, so nothing can be muted. Add one to config.toml."
        } else {
            "This time is muted already; nothing was sent."
        };
        state.ui.notice(Tone::Info, text, now);
        return Vec::new();
    }
    if !*confirm {
        *confirm = true;
        return Vec::new();
    }
    *confirm = false;
    let catalog = std::sync::Arc::clone(&state.model.catalog);
    let Some(window) = catalog.windows.iter().find(|w| w.id == planned.window) else {
        return Vec::new();
    };
    let draft = window.silence_draft(planned.occurrence, &state.me);
    let sites = planned.open.iter();
    let wanted = sites.map(|site| Do::Silence { site: site.clone(), draft: draft.clone() });
    wanted.flat_map(|what| perform(state, &what)).collect()
}

fn perform(state: &mut State, what: &Do) -> Vec<Effect> {
    let now = state.now;
    if state.read_only {
        state.ui.notice(Tone::Warning, "This console is read-only; nothing was changed.", now);
        return Vec::new();
    }
    // The list shows what is asked for and asks once; breadth was shown with it.
    let guard = SilenceGuard { confirmed_broad: true, ..state.guard };
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
