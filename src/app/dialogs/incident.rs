//! What is asked on the Incident screen itself: leaving while one is going on, and pinning an entry.

use crate::actions::{Action, Doing, Writer, decide_incident};
use crate::app::{Dialog, Effect, State, Tone};
use crate::domain::SafeText;

/// Leaves; while an incident is going on, or something is not on the disk, only after asking once.
pub(in crate::app) fn leave(state: &mut State) -> Vec<Effect> {
    if state.model.incidents.live().is_empty() && state.held.records.is_empty() {
        return vec![Effect::Keep, Effect::Quit];
    }
    state.ui.dialog = Some(Dialog::Leave);
    Vec::new()
}

/// The answer: accepting, or asking to leave again, leaves; anything else stays.
pub(super) fn answer_leave(state: &mut State, action: Action) -> Vec<Effect> {
    match action {
        Action::Open | Action::Quit => vec![Effect::Keep, Effect::Quit],
        Action::Back => super::back(state),
        _ => Vec::new(),
    }
}

/// Pins the selected entry to the top of the timeline, or unpins it.
pub(in crate::app) fn pin(state: &mut State) -> Vec<Effect> {
    let Some(incident) = state.incident() else { return Vec::new() };
    let entry = state.ui.incident.entry;
    let Some(line) = entry.and_then(|entry| incident.timeline.line(entry)) else {
        return Vec::new();
    };
    let (id, doing) =
        (incident.id.clone(), Doing::Pin { entry: line.record, pinned: !line.pinned });
    let decided = if state.read_only {
        Err(SafeText::new("This console is read-only; nothing was changed."))
    } else {
        let writer = Writer { actor: state.me.clone(), key: state.key };
        let decided = decide_incident(&state.model, &writer, &id, &doing, state.now);
        decided.map_err(|refusal| refusal.sentence)
    };
    match decided {
        Ok(events) => vec![Effect::Append(events)],
        Err(sentence) => {
            let now = state.now;
            state.ui.notice(Tone::Warning, sentence, now);
            Vec::new()
        }
    }
}
