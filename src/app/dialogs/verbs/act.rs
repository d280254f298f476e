//! What one key does with the selected thing of an incident: at once where nothing need be said, else as a
//! form.

use crate::actions::Doing;
use crate::app::{DecisionMove, Effect, IncidentPane, State, TaskMove, Tone, Verb};
use crate::domain::{IncidentId, Span};
use crate::eventlog::{RecordId, TaskStep, WorkstreamStep};

use super::{decided, open};

/// How much longer a task may take by one key.
const LONGER: Span = Span::from_mins(5);

/// What one key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum Step {
    /// Yes: heard, coming, may go out, done so.
    Accept,
    /// No: not needed, not coming, must not go out, not done, no longer holds.
    Refuse,
    /// Finished: done, looked at again, published, ended.
    Finish,
    /// Five more minutes.
    Extend,
    /// A strong objection.
    Object,
    /// Somebody else does it.
    Give,
    /// This update goes out.
    Publish(RecordId),
}

/// Does it with what is selected.
pub(in crate::app) fn step(state: &mut State, step: &Step) -> Vec<Effect> {
    let Some(incident) = state.incident() else { return super::say_none(state) };
    let id = incident.id.clone();
    let ui = &state.ui.incident;
    let selected = match ui.pane {
        IncidentPane::Timeline => ui.entry,
        IncidentPane::Roles => None,
        IncidentPane::Tasks => ui.task,
        IncidentPane::Workstreams => ui.workstream,
        IncidentPane::Decisions => ui.decision,
        IncidentPane::Runs => ui.run,
        IncidentPane::Updates => ui.update,
        IncidentPane::Pages => ui.page,
    };
    let task_due = selected.and_then(|task| incident.tasks.get(&task)).map(|task| task.due);
    let plain = selected
        .and_then(|decision| incident.decisions.get(&decision))
        .is_some_and(|decision| decision.options.is_empty());
    let offered = incident.handover.as_ref().is_some_and(|offer| offer.to == state.me);
    let holder = ui.holder.clone();
    let move_task = |task, step| Doing::MoveTask { task, step, note: String::new() };
    match (ui.pane, *step, selected) {
        (_, Step::Publish(update), _) => at_once(state, &id, Doing::Publish(update)),
        (IncidentPane::Tasks, Step::Accept, Some(task)) => {
            at_once(state, &id, move_task(task, TaskStep::Acknowledged))
        }
        (IncidentPane::Tasks, Step::Finish, Some(task)) => {
            at_once(state, &id, move_task(task, TaskStep::Done))
        }
        (IncidentPane::Tasks, Step::Extend, Some(task)) => {
            // Of what is overdue, five minutes from now are meant.
            let due = task_due.unwrap_or(state.now).max(state.now).plus(LONGER);
            at_once(state, &id, move_task(task, TaskStep::Extended(due)))
        }
        (IncidentPane::Tasks, Step::Refuse, Some(task)) => {
            open(state, Verb::MoveTask(task, TaskMove::Drop), &[])
        }
        (IncidentPane::Tasks, Step::Give, Some(task)) => {
            open(state, Verb::MoveTask(task, TaskMove::Give), &[])
        }
        (IncidentPane::Workstreams, Step::Finish, Some(workstream)) => {
            let step = WorkstreamStep::Closed;
            at_once(state, &id, Doing::MoveWorkstream { workstream, step })
        }
        (IncidentPane::Workstreams, Step::Accept | Step::Give, Some(_)) => {
            open(state, Verb::Report, &[])
        }
        (IncidentPane::Decisions, Step::Accept, Some(decision)) if plain => {
            let step = crate::eventlog::DecisionStep::Taken(None);
            at_once(state, &id, Doing::Decide { decision, step, note: String::new() })
        }
        (IncidentPane::Decisions, step, Some(decision)) => {
            let how = match step {
                Step::Accept => DecisionMove::Take,
                Step::Refuse => DecisionMove::Reject,
                Step::Finish => DecisionMove::Review,
                Step::Object => DecisionMove::Object,
                Step::Extend | Step::Give | Step::Publish(_) => return say_nothing(state),
            };
            open(state, Verb::MoveDecision(decision, how), &[])
        }
        (IncidentPane::Runs, step, Some(run)) => match super::runs::meant_by(state, run, step) {
            Some(verb) => open(state, verb, &[]),
            None => say_nothing(state),
        },
        (IncidentPane::Updates, Step::Accept, Some(update)) => {
            let doing = Doing::AnswerUpdate { update, approved: true, note: String::new() };
            at_once(state, &id, doing)
        }
        (IncidentPane::Updates, Step::Refuse | Step::Object, Some(update)) => {
            open(state, Verb::RefuseUpdate(update), &[])
        }
        (IncidentPane::Updates, Step::Finish, Some(update)) => {
            at_once(state, &id, Doing::Publish(update))
        }
        (IncidentPane::Pages, Step::Accept, Some(page)) => {
            let doing = Doing::AnswerPage { page, coming: true, note: String::new() };
            at_once(state, &id, doing)
        }
        (IncidentPane::Pages, Step::Refuse, Some(page)) => {
            open(state, Verb::DeclinePage(page), &[])
        }
        (_, Step::Accept, _) if offered => super::super::brief::open(state),
        (IncidentPane::Roles, Step::Give | Step::Accept, _) => open(state, Verb::Role, &[]),
        (IncidentPane::Roles, Step::Refuse | Step::Finish, _) => match holder {
            Some((role, Some(who))) => at_once(state, &id, Doing::LeaveRole { role, who }),
            _ => say_nothing(state),
        },
        (IncidentPane::Timeline, Step::Refuse, Some(entry)) => {
            open(state, Verb::WithdrawEntry(entry), &[])
        }
        _ => say_nothing(state),
    }
}

fn say_nothing(state: &mut State) -> Vec<Effect> {
    let now = state.now;
    let text = "This key means nothing for what is selected here; ? lists the keys.";
    state.ui.notice(Tone::Info, text, now);
    Vec::new()
}

/// Decides and records without a form; a refusal is told.
pub(in crate::app) fn at_once(
    state: &mut State,
    incident: &IncidentId,
    doing: Doing,
) -> Vec<Effect> {
    let now = state.now;
    match decided(state, incident, &[doing]) {
        Ok(events) => vec![Effect::Append(events)],
        Err(sentence) => {
            state.ui.notice(Tone::Warning, sentence, now);
            Vec::new()
        }
    }
}
