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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pretty_assertions::assert_eq;

    use super::*;
    use crate::app::{Msg, Ui, update};
    use crate::domain::{
        Actor, BurnCondition, Catalog, Cause, Impact, IncidentId, Indicator, Method, Observation,
        Origin, Reading, Service, ServiceId, Severity, SeverityPolicy, Slo, SloId, SloReading,
        SourceId, Status, Timestamp, Urgency,
    };
    use crate::eventlog::{
        Declared, EventLog as _, IncidentEvent, LogEvent, MemoryLog, StatusChanged,
    };
    use crate::model::Model;

    const START: Timestamp = Timestamp::from_millis(1_763_820_000_000);
    const WINDOWS: [Span; 2] = [Span::from_mins(5), Span::from_mins(60)];

    fn catalog() -> Catalog {
        let cart = Service { id: ServiceId::new("cart"), ..Service::default() };
        let condition = BurnCondition {
            long: WINDOWS[1],
            short: WINDOWS[0],
            factor: 14.4,
            hold: Span::ZERO,
            urgency: Urgency::Page,
        };
        let slo = Slo {
            id: SloId::new("cart"),
            title: "Carts open".into(),
            service: cart.id.clone(),
            objective: 0.999,
            period: Span::from_days(30),
            indicator: Indicator::Events { bad: "b[$window]".into(), total: "t[$window]".into() },
            method: Method::Occurrences,
            conditions: vec![condition],
            source: None,
            min_events: 0.0,
            recorded: None,
            origin: Origin::default(),
        };
        Catalog {
            services: [(cart.id.clone(), cart)].into(),
            slos: [(slo.id.clone(), slo)].into(),
            ..Catalog::default()
        }
    }

    /// A console with its log.
    struct Desk(State, MemoryLog);

    impl Desk {
        fn record(&mut self, events: &[LogEvent]) {
            let (me, now) = (self.0.me.clone(), self.0.now);
            let records = self.1.append(&me, now, events).unwrap();
            update(&mut self.0, Msg::Recorded { records, ours: true });
        }

        fn say(&mut self, event: impl Into<IncidentEvent>) {
            let incident = IncidentId::new("INC-1");
            self.record(&[LogEvent::Incident { incident, event: event.into() }]);
        }

        /// Looks, and records what machines did; what was told of the burn.
        fn look(&mut self, secs: i64) -> Vec<String> {
            self.0.now = START.plus(Span::from_secs(secs));
            self.0.model.tick(self.0.now);
            let mut told = Vec::new();
            for effect in look(&mut self.0) {
                let Effect::Offer(events) = effect else { continue };
                for event in &events {
                    if let LogEvent::Incident { event: IncidentEvent::MachineSaw(saw), .. } = event
                    {
                        told.push(saw.text.to_string());
                    }
                }
                self.record(&events);
            }
            told
        }

        fn read(&mut self, secs: i64, ratio: f64) -> Vec<String> {
            let at = START.plus(Span::from_secs(secs));
            let reading = |window| SloReading {
                slo: SloId::new("cart"),
                window,
                error_ratio: Reading::Value(ratio),
                traffic: Reading::Value(10.0),
                at,
            };
            let readings = [WINDOWS[0], WINDOWS[1], Span::from_days(30)].map(reading).to_vec();
            let seen = vec![Observation::Slos(readings)];
            self.0.model.observe(&SourceId::new("prom"), at, seen);
            self.look(secs)
        }
    }

    #[test]
    fn an_incident_is_looked_at_once_more_when_it_has_been_resolved() {
        let keymap = crate::keys::load("default", None).unwrap();
        let model = Model::new(Arc::new(catalog()), SeverityPolicy::default(), Vec::new());
        let (ui, me) = (Ui::new((80, 24)), Actor::new("ada"));
        let state = State::new(model, ui, START, me, Arc::new(keymap));
        let mut desk = Desk(state, MemoryLog::for_demo());
        desk.say(Declared {
            title: "Carts do not open".into(),
            severity: Severity::Sev2,
            reason: "it burns fast".into(),
            services: vec![ServiceId::new("cart")],
            impact: Impact::default(),
            cause: Cause::Slo(SloId::new("cart")),
            onset: None,
        });
        let turns = [(0, 0.02), (30, 0.01), (60, 0.02), (90, 0.01)];
        let told = turns.map(|(secs, ratio)| desk.read(secs, ratio).len());
        assert_eq!(told, [1, 1, 1, 0], "it came back, so its end is waited with");
        desk.say(StatusChanged { status: Status::Resolved, note: "".into() });
        assert_eq!(desk.look(100), ["Carts open no longer burns over 14.4x in 1h"]);
        assert_eq!(desk.look(500), Vec::<String>::new(), "once");
    }
}
