//! What a console does by itself as time passes, for all that are open: writes down what machines did,
//! carries on released runs, calls the next person when nobody answers, reminds people of what they owe,
//! tests whether messages arrive. Every console finds the same things; the store takes each once.

use crate::actions::{Writer, due_delivery_tests, escalations, reminders, runs};
use crate::domain::Span;
use crate::model::incidents::machine_events;

use super::{Effect, State};

/// How often it looks whether somebody is to be called next, or reminded. What cannot be recorded is tried as often.
const CALLS: Span = Span::from_secs(5);

/// Looks at every incident that is going on.
pub(super) fn look(state: &mut State) -> Vec<Effect> {
    if state.read_only {
        return Vec::new();
    }
    let mut effects = Vec::new();
    let (model, now) = (&state.model, state.now);
    let live = model.incidents.live();
    // What was resolved since the last look is looked at once more: an end may have been waited with.
    let ended = state.machines.keys().filter(|id| live.iter().all(|one| one.id != **id));
    let ended: Vec<_> = ended.filter_map(|id| model.incidents.incidents.get(id)).collect();
    for incident in ended {
        let before = state.machines.remove(&incident.id).unwrap_or_default();
        let (_, events) = machine_events(&before, model, incident, now);
        effects.extend(events.into_iter().map(|event| Effect::Offer(vec![event])));
    }
    state.machines.retain(|id, _| live.iter().any(|incident| incident.id == *id));
    for incident in &live {
        let before = state.machines.entry(incident.id.clone()).or_default();
        let (seen, events) = machine_events(before, model, incident, now);
        *before = seen;
        // Each alone: what another console was first with must not keep the rest from being recorded.
        effects.extend(events.into_iter().map(|event| Effect::Offer(vec![event])));
    }
    if !(Span::ZERO..CALLS).contains(&now.since(state.called)) {
        state.called = now;
        let by = Writer { actor: state.me.clone(), key: state.key };
        effects.extend(escalations(model, &by, now).into_iter().map(Effect::Offer));
        let due = reminders(model, &by, now);
        effects.extend(due.into_iter().map(|reminder| Effect::Offer(vec![reminder])));
    }
    if model.incidents.incidents.values().any(|incident| !incident.runs.is_empty()) {
        let begin = runs::begin_steps(model, now).into_iter().chain(runs::judge_runs(model, now));
        effects.extend(begin.map(|event| Effect::Offer(vec![event])));
        let due = runs::due_steps(model, now);
        if !due.is_empty() {
            effects.push(Effect::Runs(due));
        }
    }
    let minute = now.millis().div_euclid(60_000);
    if state.looked_for_tests != Some(minute) {
        state.looked_for_tests = Some(minute);
        let due = due_delivery_tests(model, now);
        effects.extend(due.into_iter().map(|test| Effect::Offer(vec![test])));
    }
    effects
}
