//! The verbs of incident command as forms: opened with proposals, filled in, decided, recorded.
//!
//! ```text
//! key ─► open ─► form ─► key … ─► accept ─► decide_incident ─► Effect::Append ─► Recorded: gone, draft too
//!                 ▲                  │ refusal: stays, says why         └ NotRecorded: stays, says why
//!                 └── draft, kept whatever happens
//! ```

mod act;
mod asked;
mod declare;
mod findings;
mod judge;
mod known;
mod note;
mod people;
mod review;
mod runs;
mod said;
mod settle;
mod update;
mod words;
mod work;

pub(in crate::app) use act::{Step, step};
pub(super) use asked::asked;
pub(super) use findings::suspect as suspect_course;
use said::told;
pub(in crate::app) use said::{first_was, is_routine, rough};
pub(in crate::app) use settle::open as settle;

use crate::actions::{Doing, Refusal, Rule, Writer, decide_incident};
use crate::app::form::Typed;
use crate::app::{Dialog, Effect, FieldName, Form, State, Tone, Verb};
use crate::domain::{IncidentId, SafeText, Timestamp};
use crate::eventlog::{AppendError, IncidentEvent, LogEvent};
use crate::keys::{Chord, PromptAction};
use crate::model::incidents::Incident;

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    field: FieldName,
    why: SafeText,
}

impl Wrong {
    fn new(field: FieldName, why: &str) -> Self {
        Self { field, why: SafeText::new(why) }
    }
}

/// What is meant, or the field that does not say it.
type Meant = Result<Vec<Doing>, Wrong>;

const READ_ONLY: &str = "This console is read-only; nothing was recorded. To record, start it without --read-only and on a log it can open.";

/// Opens a verb's form with proposals, then with what was typed before and not recorded, then with what
/// was given now.
pub(in crate::app) fn open(
    state: &mut State,
    verb: Verb,
    given: &[(FieldName, String)],
) -> Vec<Effect> {
    let form = match &verb {
        Verb::Declare(cause) => Some(declare::form(state, cause.clone())),
        _ if is_of_review(&verb) => {
            state.reviewed().map(|incident| review::form(state, incident, verb))
        }
        _ => state.incident().and_then(|incident| blank(state, incident, verb)),
    };
    let Some(mut form) = form else { return say_none(state) };
    if let Some(draft) = state.drafts.get(&form.draft_key()) {
        form.restore(draft);
    }
    for (name, text) in given {
        if let Some(field) = form.field_mut(*name) {
            field.entry.set(text);
        }
    }
    reshape(state, &mut form);
    state.ui.dialog = Some(Dialog::Form(Box::new(form)));
    vec![Effect::Keep]
}

/// Opens the declaration of what is selected.
pub(in crate::app) fn open_declare(
    state: &mut State,
    given: &[(FieldName, String)],
) -> Vec<Effect> {
    let cause = declare::cause(state);
    open(state, Verb::Declare(cause), given)
}

/// Whether it belongs to the review that is read, not to the incident that is commanded.
const fn is_of_review(verb: &Verb) -> bool {
    matches!(
        verb,
        Verb::Section(_)
            | Verb::Cause(_)
            | Verb::WithdrawCause(_)
            | Verb::Types
            | Verb::FollowUp
            | Verb::MoveFollowUp(..)
    )
}

fn say_none(state: &mut State) -> Vec<Effect> {
    let now = state.now;
    let keys = state.keymap.keys_for(crate::actions::Action::Declare);
    let key = keys.first().copied().unwrap_or(":declare");
    let text = format!(
        "No incident is going on here, so there is nothing to do it in; {key} declares one."
    );
    state.ui.notice(Tone::Info, text, now);
    Vec::new()
}

fn blank(state: &State, incident: &Incident, verb: Verb) -> Option<Form> {
    match verb {
        Verb::Declare(_) | Verb::Settle => None,
        Verb::Describe | Verb::Severity | Verb::Status | Verb::Merge | Verb::Attach => {
            Some(judge::form(state, incident, verb))
        }
        Verb::TakeCommand | Verb::Role | Verb::Handoff | Verb::WithdrawHandoff => {
            Some(people::form(state, incident, verb))
        }
        Verb::Page | Verb::DeclinePage(_) => Some(people::form(state, incident, verb)),
        Verb::Propose(_) | Verb::MoveRun(..) => runs::form(state, incident, verb),
        Verb::Update | Verb::RefuseUpdate(_) => Some(update::form(state, incident, verb)),
        Verb::Note | Verb::Evidence | Verb::WithdrawEntry(_) | Verb::Ticket => {
            Some(note::form(state, incident, verb))
        }
        _ => Some(work::form(state, incident, verb)),
    }
}

/// Makes anew what depends on what stands in the fields: which are asked for, remarks, proposals.
fn reshape(state: &State, form: &mut Form) {
    match &form.verb {
        Verb::Declare(_) => declare::reshape(state, form),
        Verb::Severity | Verb::Status => judge::reshape(state, form),
        Verb::Merge => judge::merging(state, form),
        Verb::Role | Verb::Page => people::reshape(state, form),
        Verb::Propose(_) => runs::reshape(state, form),
        Verb::Update => update::reshape(state, form),
        Verb::Note | Verb::Ticket | Verb::Evidence => note::reshape(state, form),
        Verb::Report | Verb::Task | Verb::Workstream => work::reshape(state, form),
        Verb::Settle => settle::reshape(state, form),
        Verb::Section(_) | Verb::FollowUp => review::reshape(state, form),
        _ => {}
    }
    if form.focused().is_some_and(|f| f.hidden) {
        form.step(1);
    }
}

fn meant(state: &State, form: &Form) -> Meant {
    match &form.verb {
        Verb::Declare(cause) => declare::meant(state, form, cause),
        Verb::Describe | Verb::Severity | Verb::Status | Verb::Merge | Verb::Attach => {
            judge::meant(state, form)
        }
        Verb::TakeCommand
        | Verb::Role
        | Verb::Handoff
        | Verb::WithdrawHandoff
        | Verb::Page
        | Verb::DeclinePage(_) => people::meant(state, form),
        Verb::Propose(_) | Verb::MoveRun(..) => runs::meant(state, form),
        Verb::Update | Verb::RefuseUpdate(_) => update::meant(state, form),
        Verb::Note | Verb::Evidence | Verb::WithdrawEntry(_) | Verb::Ticket => {
            note::meant(state, form)
        }
        verb if is_of_review(verb) => review::meant(state, form),
        _ => work::meant(state, form),
    }
}

/// A key in the form.
pub(super) fn key(state: &mut State, meant: Option<PromptAction>, chord: Chord) -> Vec<Effect> {
    let Some(Dialog::Form(form)) = &mut state.ui.dialog else { return Vec::new() };
    if form.saving.is_some() || form.away {
        return Vec::new();
    }
    match form.key(meant, chord) {
        Typed::Moved => Vec::new(),
        Typed::Edited => edited(state),
        Typed::Replace => {
            update::replace(form);
            edited(state)
        }
        Typed::Accepted => accept(state),
        Typed::Outside => {
            form.away = true;
            let text = form.focused().map_or_else(String::new, |f| f.entry.text());
            vec![Effect::Keep, Effect::Edit(text)]
        }
    }
}

/// Something else stands in a field now: it is kept, and what depends on it is made anew.
pub(super) fn edited(state: &mut State) -> Vec<Effect> {
    let Some(Dialog::Form(form)) = &state.ui.dialog else { return Vec::new() };
    let mut form = form.clone();
    (form.refusal, form.confirmed) = (None, false);
    reshape(state, &mut form);
    state.ui.dialog = Some(Dialog::Form(form));
    vec![Effect::Keep]
}

/// The text is back from the person's own editor, or the sentence why it is not.
pub(in crate::app) fn back_from_editor(
    state: &mut State,
    text: Result<String, SafeText>,
) -> Vec<Effect> {
    let Some(Dialog::Form(form)) = &mut state.ui.dialog else { return Vec::new() };
    form.away = false;
    match text {
        Ok(text) => {
            let focus = form.focus;
            // An editor ends its last line; the text does not.
            let text = text.strip_suffix('\n').unwrap_or(&text);
            let whole = form.fields.get_mut(focus).is_none_or(|field| {
                field.entry.set("");
                field.entry.editor_mut().is_none_or(|editor| editor.insert(text))
            });
            let effects = edited(state);
            if !whole {
                super::say_cut(state);
            }
            effects
        }
        Err(sentence) => {
            form.refusal = Some(sentence);
            Vec::new()
        }
    }
}

/// Decides what the form says; a refusal stays in it, with the keys at the field that is wrong.
fn accept(state: &mut State) -> Vec<Effect> {
    let Some(Dialog::Form(form)) = &state.ui.dialog else { return Vec::new() };
    let mut in_the_way = false;
    let decided = if state.read_only {
        Err((None, SafeText::new(READ_ONLY)))
    } else if form.verb == Verb::Settle {
        settle::decided(state, form)
    } else {
        match meant(state, form) {
            Err(wrong) => Err((Some(wrong.field), wrong.why)),
            Ok(doings) => decide(state, &form.incident, &doings)
                .map_err(|refusal| {
                    in_the_way = refusal.rule == Rule::Duplicate;
                    (None, refusal.sentence)
                })
                .and_then(|mut events| {
                    events.extend(judge::ended(state, form).map_err(|why| (None, why))?);
                    Ok(events)
                }),
        }
    };
    let Some(Dialog::Form(form)) = &mut state.ui.dialog else { return Vec::new() };
    form.confirmed = in_the_way;
    match decided {
        Err((field, why)) => {
            form.refusal = Some(why);
            if let Some(name) = field {
                form.focus_on(name);
            }
            Vec::new()
        }
        Ok(events) if events.is_empty() => {
            form.refusal = Some("Nothing would change by this, so nothing was recorded.".into());
            Vec::new()
        }
        Ok(events) => {
            form.refusal = None;
            form.saving = events.first().cloned();
            vec![Effect::Keep, Effect::Append(events)]
        }
    }
}

/// What would be recorded, unless this console may not.
pub(in crate::app) fn decided(
    state: &State,
    incident: &IncidentId,
    doings: &[Doing],
) -> Result<Vec<LogEvent>, SafeText> {
    if state.read_only {
        return Err(SafeText::new(READ_ONLY));
    }
    decide(state, incident, doings).map_err(|refusal| refusal.sentence)
}

fn decide(
    state: &State,
    incident: &IncidentId,
    doings: &[Doing],
) -> Result<Vec<LogEvent>, Refusal> {
    let writer = Writer { actor: state.me.clone(), key: state.key };
    let mut events = Vec::new();
    for doing in doings {
        let decided = decide_incident(&state.model, &writer, incident, doing, state.now);
        events.extend(decided?);
    }
    Ok(events)
}

/// One of our facts is on disk: the form it came from closes and its draft is forgotten.
pub(in crate::app) fn recorded(
    state: &mut State,
    record: &crate::eventlog::Recorded,
) -> Vec<Effect> {
    let Some(event) = &record.event else { return Vec::new() };
    let now = state.now;
    if let LogEvent::Incident { incident, event } = event
        && let Some(text) = told(incident, event)
    {
        state.ui.notice(Tone::Done, text, now);
    }
    let Some(Dialog::Form(form)) = &state.ui.dialog else { return Vec::new() };
    if form.saving.as_ref() != Some(event) {
        return Vec::new();
    }
    let settled = (form.verb == Verb::Settle).then(|| settle::told(state, event)).flatten();
    let publish = update::publishes(form);
    let key = form.draft_key();
    state.drafts.remove(&key);
    state.ui.dialog = None;
    if let Some(text) = settled {
        state.ui.notice(Tone::Done, text, now);
    }
    if let LogEvent::Incident { incident, event: IncidentEvent::Declared(_) } = event {
        state.ui.incident.chosen = Some(incident.clone());
        state.ui.screen = crate::actions::Screen::Incident;
        state.ui.alerts.marked.clear();
    }
    // What is decided next about it is decided there.
    if let LogEvent::Incident { event: IncidentEvent::RunProposed(_), .. } = event {
        state.ui.screen = crate::actions::Screen::Incident;
        state.ui.incident.pane = crate::app::IncidentPane::Runs;
        state.ui.incident.run = Some(record.id);
    }
    let mut effects = vec![Effect::Keep];
    if publish {
        effects.extend(step(state, &Step::Publish(record.id)));
    }
    effects
}

/// Nothing was recorded. `true` when the open form is what was to be.
pub(in crate::app) fn not_recorded(state: &mut State, error: &AppendError) -> bool {
    let Some(Dialog::Form(form)) = &mut state.ui.dialog else { return false };
    if form.saving.is_none() {
        return false;
    }
    form.saving = None;
    form.refusal = Some(first_was(error, state.now));
    true
}

/// A moment that a field says; `None` when it is empty.
fn moment(state: &State, form: &Form, name: FieldName) -> Result<Option<Timestamp>, Wrong> {
    use crate::actions::when;
    use crate::app::Entry;
    let text = form.text(name);
    if text.is_empty() {
        return Ok(None);
    }
    let toward = match form.field(name).map(|f| &f.entry) {
        Some(Entry::Time(_, toward)) => *toward,
        _ => when::Toward::Future,
    };
    when::moment(&text, state.now, state.shown_offset(), toward).map(Some).ok_or_else(|| {
        let why = format!("`{text}` is not a time; write 14:05, 20m or -10m.");
        Wrong::new(name, &why)
    })
}

/// A text that must be there.
fn needed(form: &Form, name: FieldName, what: &str) -> Result<String, Wrong> {
    let text = form.text(name);
    if text.is_empty() { Err(Wrong::new(name, what)) } else { Ok(text) }
}
