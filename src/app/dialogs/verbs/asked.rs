//! Verbs from the command line: done at once when nothing is missing, else their form, filled in as far as
//! the line goes.

use crate::actions::Action;
use crate::actions::command::{Asked, Known, Lack};
use crate::app::{Effect, FieldName as N, State, Tone, Verb, update};
use crate::domain::{Actor, IncidentId};

use super::{act::at_once, open, open_declare};

/// Does what was asked for.
pub(in crate::app) fn asked(state: &mut State, asked: &Asked) -> Vec<Effect> {
    match asked {
        Asked::Declare { severity, title } => {
            let given = given([
                (N::Severity, severity.map(|s| s.to_string())),
                (N::Title, Some(title.clone())),
            ]);
            return open_declare(state, &given);
        }
        Asked::Evidence => return open(state, Verb::Evidence, &[]),
        Asked::Handoff(None) => return super::super::brief::hand_off(state),
        _ => {}
    }
    let Some(incident) = state.incident().map(|one| one.id.clone()) else {
        return super::say_none(state);
    };
    match meant(state, &incident, asked) {
        Ok(doing) => at_once(state, &incident, doing),
        Err(Lack::Wrong(refusal)) => {
            let now = state.now;
            state.ui.notice(Tone::Warning, refusal.sentence, now);
            Vec::new()
        }
        Err(Lack::Elsewhere) => super::say_none(state),
        Err(Lack::More(what)) => match form(asked) {
            Some((verb, given)) => open(state, verb, &given),
            None => by_key(state, asked, what),
        },
    }
}

fn meant(
    state: &State,
    incident: &IncidentId,
    asked: &Asked,
) -> Result<crate::actions::Doing, Lack> {
    asked.doing(Known {
        model: &state.model,
        incident,
        me: &state.me,
        now: state.now,
        offset_minutes: state.shown_offset(),
    })
}

type Given = Vec<(N, String)>;

/// What the line says; what it does not say is left as proposed.
fn given<const COUNT: usize>(all: [(N, Option<String>); COUNT]) -> Given {
    let said = all.into_iter().filter_map(|(name, text)| Some((name, text?)));
    said.filter(|(_, text)| !text.is_empty()).collect()
}

/// The form that asks for what the line left out.
fn form(asked: &Asked) -> Option<(Verb, Given)> {
    let name = |who: &Option<Actor>| who.as_ref().map(ToString::to_string);
    Some(match asked {
        Asked::Severity(severity, reason) => {
            let severity = severity.map(|s| s.to_string());
            let given = given([(N::Severity, severity), (N::Reason, Some(reason.clone()))]);
            (Verb::Severity, given)
        }
        Asked::Status(status, note) => {
            let status = status.map(|s| s.to_string());
            (Verb::Status, given([(N::Status, status), (N::Reason, Some(note.clone()))]))
        }
        Asked::Merge(into) => (Verb::Merge, given([(N::Into, Some(into.clone()))])),
        Asked::Link { title, target } => {
            let given = given([(N::Title, Some(title.clone())), (N::Target, Some(target.clone()))]);
            (Verb::Attach, given)
        }
        Asked::TakeCommand(reason) => {
            (Verb::TakeCommand, given([(N::Reason, Some(reason.clone()))]))
        }
        Asked::GiveRole { role, to, turn } => {
            let role = role.map(|r| r.to_string());
            let turn = turn.map(|t| t.to_string());
            (Verb::Role, given([(N::Role, role), (N::To, name(to)), (N::Until, turn)]))
        }
        Asked::Handoff(to) => (Verb::Handoff, given([(N::To, name(to))])),
        Asked::Note(text) => (Verb::Note, given([(N::Text, Some(text.clone()))])),
        Asked::Task { owner, within, text } => {
            let within = within.map(|w| w.to_string());
            let text = Some(text.clone());
            (Verb::Task, given([(N::Text, text), (N::Owner, name(owner)), (N::Due, within)]))
        }
        Asked::Workstream { lead, name: called } => {
            let given = given([(N::Name, Some(called.clone())), (N::Lead, name(lead))]);
            (Verb::Workstream, given)
        }
        Asked::Split => (Verb::Split, Vec::new()),
        Asked::Report { workstream, said: [conditions, actions, needs] } => {
            let given = given([
                (N::Workstream, Some(workstream.clone())),
                (N::Conditions, Some(conditions.clone())),
                (N::Actions, Some(actions.clone())),
                (N::Needs, Some(needs.clone())),
            ]);
            (Verb::Report, given)
        }
        Asked::Propose { proposal, options } => {
            let options = Some(options.join("\n"));
            (Verb::Decide, given([(N::Text, Some(proposal.clone())), (N::Options, options)]))
        }
        Asked::Update { audience, subject } => {
            let audience = audience.map(|a| a.to_string());
            let given = given([(N::Audience, audience), (N::Subject, Some(subject.clone()))]);
            (Verb::Update, given)
        }
        Asked::OpenTicket(tracker) => {
            (Verb::Ticket, given([(N::Tracker, tracker.as_ref().map(ToString::to_string))]))
        }
        Asked::Comment(text) => {
            let given =
                given([(N::Way, Some("comment".to_owned())), (N::Text, Some(text.clone()))]);
            (Verb::Ticket, given)
        }
        Asked::Page { whom, text } => {
            (Verb::Page, given([(N::Whom, Some(whom.clone())), (N::Text, Some(text.clone()))]))
        }
        _ => return None,
    })
}

/// What points at something and names nothing means what is selected.
fn by_key(state: &mut State, asked: &Asked, what: &str) -> Vec<Effect> {
    if matches!(asked, Asked::Pin { entry, .. } if entry.is_empty()) {
        return update::act(state, Action::Pin);
    }
    let now = state.now;
    state.ui.notice(Tone::Warning, format!("Nothing was done: say {what}."), now);
    Vec::new()
}
