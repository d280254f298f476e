//! The brief of a hand-over: read section by section, each accepted with one key or asked about; the one
//! that accepts the last commands.

use crate::actions::Doing;
use crate::app::{Briefing, Dialog, Editor, Effect, Lines, State, Tone, Verb};
use crate::domain::{IncidentId, SafeText};
use crate::eventlog::{AppendError, LogEvent};
use crate::keys::{Chord, Key, PromptAction};
use crate::model::incidents::Handover;

use super::verbs;

/// What the key for handing over means now: read what is offered to me, take back what I offered, offer.
pub(in crate::app) fn hand_off(state: &mut State) -> Vec<Effect> {
    let offer = state.incident().and_then(|incident| incident.handover.as_ref());
    match offer {
        Some(offer) if offer.to == state.me => open(state),
        Some(_) => verbs::open(state, Verb::WithdrawHandoff, &[]),
        None => verbs::open(state, Verb::Handoff, &[]),
    }
}

/// Opens the brief that is offered.
pub(in crate::app) fn open(state: &mut State) -> Vec<Effect> {
    let Some(incident) = state.incident().filter(|i| i.handover.is_some()) else {
        let now = state.now;
        state.ui.notice(Tone::Info, "No command is offered here.", now);
        return Vec::new();
    };
    let incident = incident.id.clone();
    let draft = state.draft(&draft_key(&incident));
    state.ui.dialog = Some(Dialog::Brief(Box::new(Briefing {
        incident,
        asking: (!draft.is_empty()).then(|| Editor::new(&draft, Lines::One)),
        declining: false,
        top: 0,
        refusal: None,
        saving: None,
    })));
    vec![Effect::Keep]
}

fn draft_key(incident: &IncidentId) -> String {
    format!("brief:{incident}")
}

impl Briefing {
    /// The section that waits for an answer: the first that is not accepted.
    pub fn section(offer: &Handover) -> Option<usize> {
        offer.sections.iter().position(|s| s.answer != Some(Ok(())))
    }

    /// What is typed and where it is kept.
    pub(super) fn draft(&self) -> (String, Option<String>) {
        let text = self.asking.as_ref().map(Editor::text).filter(|text| !text.trim().is_empty());
        (draft_key(&self.incident), text)
    }
}

/// A key in the brief.
pub(super) fn key(state: &mut State, meant: Option<PromptAction>, chord: Chord) -> Vec<Effect> {
    let Some(Dialog::Brief(brief)) = &mut state.ui.dialog else { return Vec::new() };
    if brief.saving.is_some() {
        return Vec::new();
    }
    let page = state.ui.drawn.dialog_page.max(2) - 1;
    match (&mut brief.asking, meant, chord.key) {
        (Some(_), Some(PromptAction::Accept | PromptAction::AcceptAll), _) => return answer(state),
        (Some(question), _, _) => {
            question.key(chord);
            return vec![Effect::Keep];
        }
        (None, Some(PromptAction::Accept | PromptAction::AcceptAll), _)
        | (None, None, Key::Char('a' | 'y')) => return answer(state),
        (None, None, Key::Char('?' | 'q')) => brief.asking = Some(Editor::new("", Lines::One)),
        (None, None, Key::Char('d' | 'A')) => {
            brief.asking = Some(Editor::new("", Lines::One));
            brief.declining = true;
        }
        (None, Some(PromptAction::Next), _) | (None, None, Key::Char('j')) => {
            brief.top = brief.top.saturating_add(1);
        }
        (None, Some(PromptAction::Previous), _) | (None, None, Key::Char('k')) => {
            brief.top = brief.top.saturating_sub(1);
        }
        (None, None, Key::PageDown | Key::Char(' ')) => brief.top = brief.top.saturating_add(page),
        (None, None, Key::PageUp) => brief.top = brief.top.saturating_sub(page),
        _ => {}
    }
    Vec::new()
}

/// Records the answer: the section is understood, or a question, or the offer is declined.
fn answer(state: &mut State) -> Vec<Effect> {
    let Some(Dialog::Brief(brief)) = &state.ui.dialog else { return Vec::new() };
    let incident = state.model.incidents.incidents.get(&brief.incident);
    let Some(offer) = incident.and_then(|i| i.handover.as_ref()) else {
        return refuse(state, "This offer no longer stands, so there is nothing to answer.");
    };
    let Some(section) = Briefing::section(offer).and_then(|at| u16::try_from(at).ok()) else {
        return refuse(state, "Every section is accepted already.");
    };
    let doing = match (&brief.asking, brief.declining) {
        (None, _) => Doing::AnswerHandover { section, answer: Ok(()) },
        (Some(question), true) => Doing::WithdrawHandover(question.text().trim().to_owned()),
        (Some(question), false) if question.is_blank() => {
            return refuse(state, "Write what you ask about this section.");
        }
        (Some(question), false) => {
            let answer = Err(question.text().trim().to_owned());
            Doing::AnswerHandover { section, answer }
        }
    };
    match verbs::decided(state, &brief.incident.clone(), &[doing]) {
        Err(sentence) => refuse(state, &sentence),
        Ok(events) => {
            if let Some(Dialog::Brief(brief)) = &mut state.ui.dialog {
                brief.refusal = None;
                brief.saving = events.first().cloned();
            }
            vec![Effect::Append(events)]
        }
    }
}

fn refuse(state: &mut State, why: &str) -> Vec<Effect> {
    if let Some(Dialog::Brief(brief)) = &mut state.ui.dialog {
        brief.refusal = Some(SafeText::body(why));
    }
    Vec::new()
}

/// An answer is on disk: the next section, or the end once command has changed hands.
pub(in crate::app) fn recorded(state: &mut State, event: &LogEvent) {
    let Some(Dialog::Brief(brief)) = &mut state.ui.dialog else { return };
    if brief.saving.as_ref() != Some(event) {
        return;
    }
    (brief.saving, brief.asking, brief.top) = (None, None, 0);
    let key = draft_key(&brief.incident);
    let incident = brief.incident.clone();
    state.drafts.remove(&key);
    let found = state.model.incidents.incidents.get(&incident);
    let open = found.and_then(|i| i.handover.as_ref());
    if open.is_none_or(|offer| Briefing::section(offer).is_none()) {
        state.ui.dialog = None;
    }
}

/// Nothing was recorded. `true` when the open brief is where it was to come from.
pub(in crate::app) fn not_recorded(state: &mut State, error: &AppendError) -> bool {
    let now = state.now;
    let Some(Dialog::Brief(brief)) = &mut state.ui.dialog else { return false };
    if brief.saving.take().is_none() {
        return false;
    }
    brief.refusal = Some(verbs::first_was(error, now));
    true
}
