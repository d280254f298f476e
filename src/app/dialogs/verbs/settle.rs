//! What nobody can tell is settled by a person: they looked at the other side and say what they found.

use crate::actions::{Action, OutletId, Screen, Settled, Writer, outlets, settle, unsettled, what};
use crate::app::{
    Dialog, Effect, Entry, Field, FieldName as N, Form, IncidentPane, Remark, SourcesRow, State,
    Tone, Verb,
};
use crate::domain::{IncidentId, Operation, Outcome, SafeText};
use crate::eventlog::{LogEvent, RecordId};
use crate::model::OpenOperation;

use super::said::rough;
use super::{Wrong, needed};

/// So much of an id tells things apart, here as in the list of the outbox.
const ID: usize = 8;

/// Opens the form on what is meant: what the selection is about, else the oldest.
pub(in crate::app) fn open(state: &mut State) -> Vec<Effect> {
    let now = state.now;
    let open = unsettled(&state.model, now);
    if open.is_empty() {
        let text = "What came of all that was asked for is known; nothing is to be settled.";
        state.ui.notice(Tone::Info, text, now);
        return Vec::new();
    }
    let here = meant_here(state);
    let at = open.iter().position(|(id, _)| here.contains(id)).unwrap_or(0);
    let mut form = form(&open, at);
    if let Some(draft) = state.drafts.get(&form.draft_key()) {
        form.restore(draft);
    }
    reshape(state, &mut form);
    state.ui.dialog = Some(Dialog::Form(Box::new(form)));
    vec![Effect::Keep]
}

/// What the selected channel, tracker, update or incident has.
fn meant_here(state: &State) -> Vec<RecordId> {
    let ui = &state.ui;
    match ui.screen {
        Screen::Sources => {
            let selected: Option<&OutletId> = match &ui.sources.selected {
                Some(SourcesRow::Outlet(id)) => Some(id),
                _ => None,
            };
            let all = outlets(&state.model, state.now);
            let chosen = all.into_iter().filter(|one| Some(&one.id) == selected);
            chosen.flat_map(|one| one.open).map(|one| one.request).collect()
        }
        Screen::Incident => {
            let Some(incident) = state.incident() else { return Vec::new() };
            let run = ui.incident.run.filter(|_| ui.incident.pane == IncidentPane::Runs);
            if let Some(run) = run.and_then(|id| incident.runs.get(&id)) {
                return run.steps.values().copied().collect();
            }
            let update = ui.incident.update.filter(|_| ui.incident.pane == IncidentPane::Updates);
            match update.and_then(|id| incident.updates.get(&id)) {
                Some(update) => update.sends.values().copied().collect(),
                None => {
                    let ours =
                        |one: &&OpenOperation| one.operation.incident() == Some(&incident.id);
                    let all = state.model.journal.operations.iter();
                    all.filter(|(_, one)| ours(one)).map(|(id, _)| *id).collect()
                }
            }
        }
        _ => Vec::new(),
    }
}

fn form(open: &[(RecordId, &OpenOperation)], at: usize) -> Form {
    let names = open.iter().map(|(id, one)| {
        let id: String = id.to_string().chars().take(ID).collect();
        format!("{id} {}", what(&one.operation))
    });
    let words =
        open.get(at).map_or([""; 3], |(_, one)| found(&one.operation).map(|(word, _)| word));
    let mut fields = vec![
        Field::new(N::Message, Entry::choice(names, at)),
        Field::new(N::Found, Entry::choice(words, 0)),
        Field::new(N::Reason, Entry::line(""))
            .hint("how you know: where you looked, what is there"),
    ];
    fields[0].hidden = open.len() == 1;
    // No incident: a test, or a silence, belongs to none.
    let nowhere = IncidentId::new("");
    Form::new(Verb::Settle, nowhere, "What came of it?", fields).starting(N::Found)
}

/// What a person can have found. A step of a run is never sent again.
const fn found(operation: &Operation) -> [(&'static str, Settled); 3] {
    match operation {
        Operation::Run { .. } => [
            ("it was done", Settled::Done),
            ("it failed there", Settled::Failed),
            ("it never began", Settled::NotDone),
        ],
        _ => [
            ("it arrived", Settled::Done),
            ("it did not: send it again", Settled::Again),
            ("it did not: leave it", Settled::NotDone),
        ],
    }
}

/// The one that is chosen, while it is still unsettled.
fn chosen<'s>(state: &'s State, form: &Form) -> Option<(RecordId, &'s OpenOperation)> {
    let name = form.field(N::Message).map(|field| field.entry.text())?;
    let id = name.split(' ').next()?.to_owned();
    unsettled(&state.model, state.now).into_iter().find(|(one, _)| one.to_string().starts_with(&id))
}

/// What the person should know of the one that is chosen.
pub(super) fn reshape(state: &State, form: &mut Form) {
    let Some((id, one)) = chosen(state, form) else { return };
    let is_run = matches!(one.operation, Operation::Run { .. });
    let words = found(&one.operation).map(|(word, _)| SafeText::from(word));
    if let Some(Entry::Choice { options, .. }) = form.field_mut(N::Found).map(|f| &mut f.entry)
        && *options != words
    {
        options.clone_from(&words.to_vec());
    }
    let by = one.attempt.as_ref().map_or_else(String::new, |last| {
        format!(", {} tries, the last by {}", last.number, last.by)
    });
    let age = rough(state.now.since(one.at));
    let why = match &one.outcome {
        Some(Outcome::Unknown { why }) => why.to_string(),
        _ => "The console that asked for it was cut off.".to_owned(),
    };
    let again = match form.choice(N::Found) {
        0 if is_run => Some(Remark::Plain("What comes after it goes on.".into())),
        _ if is_run => Some(Remark::Plain(
            "The run ends here. A step is never begun twice: propose the run anew if it is still wanted.".into(),
        )),
        1 if one.operation.is_outbox() => Some(Remark::Plain(SafeText::body(&format!(
            "It goes out once more under the key {id}, so that a receiver that knows the key takes it once."
        )))),
        1 => Some(Remark::Warn("This is never repeated by itself; ask for it anew.".into())),
        _ => None,
    };
    form.remarks = vec![
        Remark::Plain(SafeText::body(&what(&one.operation))),
        Remark::Plain(SafeText::body(&format!("asked for by {} {age} ago{by}", one.by))),
        Remark::Warn(SafeText::body(&format!(
            "{why} Look there first: it is never repeated by itself."
        ))),
    ];
    form.remarks.extend(again);
}

/// What is recorded when the form is accepted.
pub(super) fn decided(state: &State, form: &Form) -> Result<Vec<LogEvent>, (Option<N>, SafeText)> {
    let Some((id, one)) = chosen(state, form) else {
        let why = "Somebody else has settled it meanwhile; Esc closes this.";
        return Err((None, SafeText::new(why)));
    };
    let wrong = |wrong: Wrong| (Some(wrong.field), wrong.why);
    let why = needed(form, N::Reason, "Because: say how you know, for whoever reads this later.")
        .map_err(wrong)?;
    let found = found(&one.operation);
    let (_, found) = found.get(form.choice(N::Found)).copied().unwrap_or(found[0]);
    let by = Writer { actor: state.me.clone(), key: state.key };
    settle(&state.model, &by, id, found, &why, state.now)
        .map(|event| vec![event])
        .map_err(|refusal| (None, refusal.sentence))
}

/// What was recorded, for the person who settled it.
pub(super) fn told(state: &State, event: &LogEvent) -> Option<SafeText> {
    let LogEvent::OperationEnded { request, outcome } = event else { return None };
    let operation = state.model.journal.operations.get(request).map(|one| &one.operation);
    let is_run = matches!(operation, Some(Operation::Run { .. }));
    let left = unsettled(&state.model, state.now).len();
    let keys = state.keymap.keys_for(Action::Settle);
    let more = match left {
        0 => String::new(),
        n => format!(" {n} more: {}.", keys.first().copied().unwrap_or(":settle")),
    };
    let text = match outcome {
        Outcome::Later { .. } => "Settled: it goes out once more.",
        outcome if is_run && outcome.is_done() => "Settled: it was done; the run goes on.",
        Outcome::Failed { .. } => "Settled: it failed; the run ends here.",
        _ if is_run => "Settled: it never began; the run ends here.",
        outcome if outcome.is_done() => "Settled: it arrived.",
        _ => "Settled: it did not arrive.",
    };
    Some(SafeText::new(&format!("{text}{more}")))
}
