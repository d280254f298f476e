//! Acknowledge and note: what is typed is a draft until it is on disk as a record.

use crate::actions::{Do, decide};
use crate::app::screens::alerts::chosen;
use crate::app::screens::changes;
use crate::app::{AckForm, Dialog, Editor, Effect, Lines, NoteForm, State, Tone};
use crate::domain::SafeText;
use crate::eventlog::{AppendError, LogEvent, Recorded, Subject};
use crate::keys::{Chord, PromptAction};

/// Opens the acknowledgement of what is chosen; without anything chosen, says so.
pub(in crate::app) fn open_ack(state: &mut State, note: &str) -> Vec<Effect> {
    let Some(chosen) = chosen(state) else {
        return say_nothing_chosen(state, "acknowledge");
    };
    let alerts = chosen.instances(state);
    if alerts.is_empty() {
        let now = state.now;
        state.ui.notice(
            Tone::Info,
            "Nothing here fires any more, so there is nothing to acknowledge.",
            now,
        );
        return Vec::new();
    }
    let text =
        if note.is_empty() { state.draft(&draft_key("ack", &chosen.title)) } else { note.into() };
    state.ui.dialog = Some(Dialog::Acknowledge(AckForm {
        title: chosen.title,
        alerts,
        note: Editor::new(&text, Lines::One),
        refusal: None,
        saving: false,
    }));
    Vec::new()
}

/// Withdraws the acknowledgement of what is chosen, at once: a later one makes it good again.
pub(in crate::app) fn withdraw(state: &mut State) -> Vec<Effect> {
    let Some(chosen) = chosen(state) else {
        return say_nothing_chosen(state, "withdraw");
    };
    let alerts = chosen.instances(state).into_iter().map(|a| a.key).collect();
    let what = Do::Withdraw { alerts, note: String::new() };
    match decide(&state.model, &state.me, &what, state.now, &state.guard) {
        Ok(events) => vec![Effect::Append(events)],
        Err(refusal) => {
            let now = state.now;
            state.ui.notice(Tone::Warning, refusal.sentence, now);
            Vec::new()
        }
    }
}

/// Opens a note about what is chosen, or about nothing in particular.
pub(in crate::app) fn open_note(state: &mut State, text: &str) -> Vec<Effect> {
    use crate::actions::Screen;
    use crate::app::{FieldName, Verb};
    // Where an incident is what one looks at, a note belongs to it.
    let live = state.incident().is_some_and(|incident| incident.status.is_live());
    if state.ui.screen == Screen::Incident || (state.ui.screen == Screen::Bridge && live) {
        let given = [(FieldName::Text, text.to_owned())];
        let given = if text.is_empty() { &given[..0] } else { &given[..] };
        return super::verbs::open(state, Verb::Note, given);
    }
    let about = match state.ui.screen {
        Screen::Alerts => chosen(state).map(|c| (c.title.clone(), c.subject(state))),
        Screen::Slos => state.ui.slos.selected.as_ref().map(|id| {
            let slo = state.model.catalog.slos.get(id);
            let title = slo.map_or_else(|| id.text().clone(), |slo| slo.title.clone());
            (title, Subject::Named(id.text().clone()))
        }),
        Screen::Map => {
            let name = state.ui.map.selected.node.label();
            (!name.is_empty()).then(|| (name.clone(), Subject::Named(name)))
        }
        Screen::Capacity => state.ui.capacity.list().selected.as_ref().map(|row| {
            let name = SafeText::new(&row.name());
            (name.clone(), Subject::Named(name))
        }),
        Screen::Changes => changes::selected(state).map(|change| {
            let title = change.title.clone();
            (title.clone(), Subject::Named(title))
        }),
        Screen::Bridge | Screen::Incident | Screen::Review | Screen::Sources => None,
    };
    let (title, about) =
        about.unwrap_or_else(|| (SafeText::new("the situation"), Subject::General));
    let draft = state.draft(&draft_key("note", &title));
    state.ui.dialog = Some(Dialog::Note(NoteForm {
        about,
        title,
        text: Editor::new(if text.is_empty() { &draft } else { text }, Lines::Many).wrapped(),
        refusal: None,
        saving: false,
    }));
    Vec::new()
}

pub(super) fn say_nothing_chosen(state: &mut State, verb: &str) -> Vec<Effect> {
    let now = state.now;
    state.ui.notice(
        Tone::Info,
        format!("Select an alert group first; there is nothing to {verb} here."),
        now,
    );
    Vec::new()
}

/// A key in one of the two forms: accepting saves; a note may have several lines.
pub(super) fn key(state: &mut State, meant: Option<PromptAction>, chord: Chord) -> Vec<Effect> {
    let save = meant == Some(PromptAction::Accept);
    let new_line = meant == Some(PromptAction::NewLine);
    let what = match &mut state.ui.dialog {
        Some(Dialog::Acknowledge(form)) if form.saving => return Vec::new(),
        Some(Dialog::Note(form)) if form.saving => return Vec::new(),
        Some(Dialog::Acknowledge(form)) if save => Do::Acknowledge {
            alerts: form.alerts.iter().map(|a| a.key.clone()).collect(),
            title: form.title.clone(),
            note: form.note.text(),
        },
        Some(Dialog::Note(form)) if save => {
            Do::Note { about: form.about.clone(), text: form.text.text() }
        }
        Some(Dialog::Acknowledge(form)) => {
            form.note.key(chord);
            return vec![Effect::Keep];
        }
        Some(Dialog::Note(form)) => {
            if new_line {
                form.text.insert("\n");
            } else {
                form.text.key(chord);
            }
            return vec![Effect::Keep];
        }
        _ => return Vec::new(),
    };
    let decided = if state.read_only {
        Err(SafeText::new(
            "This console is read-only; nothing was recorded. To record, start it without --read-only and on a log it can open.",
        ))
    } else {
        decide(&state.model, &state.me, &what, state.now, &state.guard).map_err(|r| r.sentence)
    };
    let (saving, refusal) = match &mut state.ui.dialog {
        Some(Dialog::Acknowledge(form)) => (&mut form.saving, &mut form.refusal),
        Some(Dialog::Note(form)) => (&mut form.saving, &mut form.refusal),
        _ => return Vec::new(),
    };
    match decided {
        Ok(events) => {
            *saving = true;
            *refusal = None;
            vec![Effect::Append(events)]
        }
        Err(sentence) => {
            *refusal = Some(sentence);
            Vec::new()
        }
    }
}

/// One of our facts is on disk: close the form it came from, say so, forget the draft.
pub(in crate::app) fn recorded(state: &mut State, record: &Recorded) -> Vec<Effect> {
    let Some(event) = &record.event else { return Vec::new() };
    alerts_recorded(state, event);
    super::brief::recorded(state, event);
    super::verbs::recorded(state, record)
}

fn alerts_recorded(state: &mut State, event: &LogEvent) {
    let now = state.now;
    let (kind, done) = match (event, &state.ui.dialog) {
        (LogEvent::AlertsAcknowledged { title, .. }, _) => {
            ("ack", format!("Acknowledged {title}. Notifications go on."))
        }
        (LogEvent::Noted { .. }, _) => ("note", "Noted.".to_owned()),
        (LogEvent::AcknowledgementWithdrawn { .. }, _) => {
            ("", "Acknowledgement withdrawn.".to_owned())
        }
        (
            LogEvent::OperationRequested { .. }
            | LogEvent::OperationEnded { .. }
            | LogEvent::OperationAttempted { .. }
            | LogEvent::Incident { .. },
            _,
        ) => return,
    };
    let title = match &state.ui.dialog {
        Some(Dialog::Acknowledge(f)) if f.saving && kind == "ack" => Some(f.title.clone()),
        Some(Dialog::Note(f)) if f.saving && kind == "note" => Some(f.title.clone()),
        _ => None,
    };
    if let Some(title) = title {
        state.drafts.remove(&draft_key(kind, &title));
        state.ui.dialog = None;
        state.ui.alerts.marked.clear();
    }
    state.ui.notice(Tone::Done, done, now);
}

/// Where what is typed in the open form is kept, and what that is; nothing once all of it was deleted.
pub(in crate::app) fn open_draft(state: &State) -> Option<(String, Option<String>)> {
    let (key, text) = match &state.ui.dialog {
        Some(Dialog::Acknowledge(f)) => (draft_key("ack", &f.title), f.note.text()),
        Some(Dialog::Note(f)) => (draft_key("note", &f.title), f.text.text()),
        Some(Dialog::Silence(f)) => (draft_key("silence", &f.site), f.draft_text()),
        Some(Dialog::Form(form)) => return Some((form.draft_key(), form.draft())),
        // A brief that is only read has nothing to say about a question kept before.
        Some(Dialog::Brief(brief)) if brief.asking.is_some() => return Some(brief.draft()),
        _ => return None,
    };
    Some((key, Some(text).filter(|text| !text.trim().is_empty())))
}

/// Keeps what was typed in the open form, so that opening it again shows it.
pub(in crate::app) fn keep_draft(state: &mut State) {
    match open_draft(state) {
        Some((key, Some(text))) => {
            let now = state.now;
            state.drafts.insert(key, text);
            state.ui.notice(Tone::Info, "Kept as a draft; the same key opens it again.", now);
        }
        Some((key, None)) => drop(state.drafts.remove(&key)),
        None => {}
    }
}

/// Where a draft is kept.
pub(in crate::app) fn draft_key(kind: &str, about: &impl std::fmt::Display) -> String {
    format!("{kind}:{about}")
}

/// Nothing was recorded: the form stays open with what was typed and says why.
pub(in crate::app) fn not_recorded(state: &mut State, error: &AppendError) {
    if super::verbs::is_routine(error)
        || super::verbs::not_recorded(state, error)
        || super::brief::not_recorded(state, error)
    {
        return;
    }
    let sentence = super::verbs::first_was(error, state.now);
    let (saving, refusal) = match &mut state.ui.dialog {
        Some(Dialog::Acknowledge(f)) => (&mut f.saving, &mut f.refusal),
        Some(Dialog::Note(f)) => (&mut f.saving, &mut f.refusal),
        Some(Dialog::Silence(f)) => (&mut f.saving, &mut f.refusal),
        _ => {
            let now = state.now;
            state.ui.notice(Tone::Error, sentence, now);
            return;
        }
    };
    *saving = false;
    *refusal = Some(sentence);
}
