//! Moving the eye: screens, panes, selections, filters, ranges, and what is copied from where one looks.
//! Dispatch by screen only.

use crate::actions::{Action, Screen};
use crate::domain::{SloId, Span};

use super::screens::{
    Move, alerts, bridge, capacity, changes, incident, map, review, slos, sources,
};
use super::{AlertRow, BridgePane, Effect, SourcesRow, State, Tone, dialogs};

/// Whether an action moves the eye: whoever moves themselves no longer follows.
pub(super) const fn moves(action: Action) -> bool {
    use Action as A;
    matches!(
        action,
        A::Bridge
            | A::Alerts
            | A::Slos
            | A::Map
            | A::Capacity
            | A::Incident
            | A::Changes
            | A::Review
            | A::Sources
            | A::Left
            | A::Right
            | A::Focus
            | A::Down
            | A::Up
            | A::PageDown
            | A::PageUp
            | A::Top
            | A::Bottom
            | A::NextPane
            | A::PreviousPane
            | A::PreviousIncident
            | A::NextIncident
            | A::Open
            | A::Back
    )
}

/// Shows a screen.
pub(super) fn show(state: &mut State, screen: Screen) -> Vec<Effect> {
    state.ui.screen = screen;
    vec![Effect::Keep]
}

/// Shows the incident before or after this one.
pub(super) fn other_incident(state: &mut State, by: isize) -> Vec<Effect> {
    incident::step(state, by);
    vec![Effect::Keep]
}

/// Moves the selection.
pub(super) fn go(state: &mut State, by: Move) -> Vec<Effect> {
    match state.ui.screen {
        Screen::Bridge => bridge::go(state, by),
        Screen::Alerts => alerts::go(state, by),
        Screen::Slos => slos::go(state, by),
        Screen::Map => map::go(state, by),
        Screen::Capacity => capacity::go(state, by),
        Screen::Incident => incident::go(state, by),
        Screen::Changes => changes::go(state, by),
        Screen::Review => review::go(state, by),
        Screen::Sources => sources::go(state, by),
    }
    Vec::new()
}

/// The next pane, or the next screen where there is only one.
pub(super) fn pane(state: &mut State, by: isize) -> Vec<Effect> {
    if state.ui.screen == Screen::Sources && sources::next_pane(state) {
        return Vec::new();
    }
    match state.ui.screen {
        Screen::Bridge => bridge::next_pane(state, by),
        Screen::Incident => incident::next_pane(state, by),
        Screen::Map => map::next_part(state, by),
        Screen::Capacity => capacity::next_pane(state, by),
        Screen::Review => review::next_pane(state, by),
        Screen::Alerts | Screen::Slos | Screen::Changes | Screen::Sources => {
            let at = Screen::ALL.iter().position(|s| *s == state.ui.screen).unwrap_or(0);
            let count = Screen::ALL.len();
            state.ui.screen = Screen::ALL[(at + count).saturating_add_signed(by) % count];
        }
    }
    Vec::new()
}

/// Opens what is selected.
pub(super) fn open(state: &mut State) -> Vec<Effect> {
    match (state.ui.screen, state.ui.bridge.pane) {
        (Screen::Bridge, BridgePane::Incidents) => {
            if let Some(id) = bridge::selected_incident(state) {
                incident::choose(state, &id);
            }
            show(state, Screen::Incident)
        }
        (Screen::Bridge, BridgePane::Budgets) => {
            state.ui.slos.selected.clone_from(&state.ui.bridge.slo);
            state.ui.slos.revision = None;
            state.ui.slos.chosen = true;
            show(state, Screen::Slos)
        }
        (Screen::Bridge, BridgePane::Groups) => {
            let row = state.ui.bridge.group.clone().map(AlertRow::Group);
            if row.is_some() {
                state.ui.alerts.selected = row;
                state.ui.alerts.chosen = true;
                state.ui.alerts.show_muted = true;
                state.ui.alerts.revision = 0;
            }
            show(state, Screen::Alerts)
        }
        (Screen::Bridge, BridgePane::Signals) => {
            let service = state.ui.bridge.service.clone();
            let slo =
                state.model.catalog.slos.values().find(|s| Some(&s.service) == service.as_ref());
            state.ui.slos.selected = slo.map(|s| s.id.clone());
            state.ui.slos.revision = None;
            state.ui.slos.chosen = true;
            show(state, Screen::Slos)
        }
        (Screen::Bridge, BridgePane::Sources) => {
            state.ui.sources.selected = state.ui.bridge.source.clone().map(SourcesRow::Source);
            show(state, Screen::Sources)
        }
        (Screen::Alerts, _) => match state.ui.alerts.selected.clone() {
            Some(AlertRow::Situation(id, _)) => {
                alerts::toggle_situation(state, id);
                Vec::new()
            }
            Some(AlertRow::Group(key)) => {
                alerts::toggle(state, &key);
                Vec::new()
            }
            Some(row @ AlertRow::Alert(..)) => dialogs::alert_reading(state, row),
            None => Vec::new(),
        },
        (Screen::Slos, _) => {
            let id = state.ui.slos.selected.clone();
            dialogs::explain(state, id)
        }
        (Screen::Map, _) => dialogs::map_reading(state, false),
        (Screen::Capacity, _) => dialogs::capacity_reading(state),
        (Screen::Incident, _) => dialogs::incident_reading(state),
        (Screen::Changes, _) => changes::open(state),
        (Screen::Review, _) => review::open(state),
        (Screen::Sources, _) => match state.ui.sources.selected.clone() {
            Some(row) => dialogs::source_reading(state, row),
            None => Vec::new(),
        },
    }
}

/// One level back: marks, then opened groups, then the filter, then the Bridge. Never leaves.
pub(super) fn back(state: &mut State) -> Vec<Effect> {
    let alerts = &mut state.ui.alerts;
    match state.ui.screen {
        Screen::Alerts if !alerts.marked.is_empty() => alerts.marked.clear(),
        Screen::Alerts if !alerts.open.is_empty() => {
            let group = alerts.selected.as_ref().map(|row| row.group().clone());
            alerts.open.clear();
            alerts.selected = group.map(AlertRow::Group);
        }
        Screen::Alerts if !alerts.opened.is_empty() => alerts.opened.clear(),
        Screen::Alerts if !alerts.filter.is_empty() => return clear_filter(state),
        Screen::Slos if !state.ui.slos.filter.is_empty() => return clear_filter(state),
        Screen::Map if !state.ui.map.filter.is_empty() => return clear_filter(state),
        Screen::Map if map::back(&mut state.ui.map) => {}
        Screen::Capacity if !state.ui.capacity.filter.is_empty() => return clear_filter(state),
        Screen::Incident if incident::back(&mut state.ui.incident) => {}
        Screen::Incident if !state.ui.incident.filter.is_empty() => return clear_filter(state),
        Screen::Changes if !state.ui.changes.filter.is_empty() => return clear_filter(state),
        Screen::Review if review::back(&mut state.ui.review) => {}
        Screen::Bridge if state.ui.bridge.pinned.is_some() => state.ui.bridge.pinned = None,
        Screen::Bridge => return Vec::new(),
        Screen::Alerts
        | Screen::Slos
        | Screen::Map
        | Screen::Capacity
        | Screen::Incident
        | Screen::Changes
        | Screen::Review
        | Screen::Sources => {
            state.ui.screen = Screen::Bridge;
        }
    }
    state.refresh(true);
    vec![Effect::Keep]
}

/// Marks what is selected and goes on to the next.
pub(super) fn mark(state: &mut State) -> Vec<Effect> {
    let row = match state.ui.screen {
        Screen::Alerts => state.ui.alerts.selected.clone(),
        Screen::Bridge
        | Screen::Slos
        | Screen::Map
        | Screen::Capacity
        | Screen::Incident
        | Screen::Changes
        | Screen::Review
        | Screen::Sources => None,
    };
    let Some(row) = row else { return Vec::new() };
    let keys = alerts::groups(state, &row);
    let marked = &mut state.ui.alerts.marked;
    let all = keys.iter().all(|key| marked.contains(key));
    for key in keys {
        if all {
            marked.remove(&key);
        } else {
            marked.insert(key);
        }
    }
    go(state, Move::By(1))
}

pub(super) fn clear_filter(state: &mut State) -> Vec<Effect> {
    match state.ui.screen {
        Screen::Slos => {
            state.ui.slos.filter_text.clear();
            state.ui.slos.filter = Default::default();
        }
        Screen::Map => {
            state.ui.map.filter_text.clear();
            state.ui.map.filter = Default::default();
        }
        Screen::Capacity => {
            state.ui.capacity.filter_text.clear();
            state.ui.capacity.filter = Default::default();
        }
        Screen::Incident => {
            state.ui.incident.filter_text.clear();
            state.ui.incident.filter = Default::default();
        }
        Screen::Changes => {
            state.ui.changes.filter_text.clear();
            state.ui.changes.filter = Default::default();
        }
        Screen::Bridge | Screen::Alerts | Screen::Review | Screen::Sources => {
            state.ui.alerts.filter_text.clear();
            state.ui.alerts.filter = Default::default();
            state.ui.alerts.marked.clear();
        }
    }
    state.refresh(true);
    vec![Effect::Keep]
}

/// Ranges charts step through.
const RANGES: [Span; 8] = [
    Span::from_mins(10),
    Span::from_mins(30),
    Span::from_hours(1),
    Span::from_hours(3),
    Span::from_hours(6),
    Span::from_hours(12),
    Span::from_days(1),
    Span::from_days(3),
];
const DEFAULT_RANGE: usize = 2;

pub(super) fn zoom(state: &mut State, by: isize) -> Vec<Effect> {
    let at = RANGES.iter().position(|r| *r >= state.ui.range).unwrap_or(DEFAULT_RANGE);
    let to = at.saturating_add_signed(by).min(RANGES.len() - 1);
    state.ui.range = RANGES[to];
    vec![Effect::Keep]
}

pub(super) fn zoom_reset(state: &mut State) -> Vec<Effect> {
    state.ui.range = RANGES[DEFAULT_RANGE];
    vec![Effect::Keep]
}

/// The objective that is looked at.
pub(super) fn selected_slo(state: &State) -> Option<SloId> {
    match state.ui.screen {
        Screen::Slos => state.ui.slos.selected.clone(),
        Screen::Bridge
        | Screen::Alerts
        | Screen::Map
        | Screen::Capacity
        | Screen::Incident
        | Screen::Changes
        | Screen::Review
        | Screen::Sources => state.ui.bridge.slo.clone(),
    }
}

/// What is selected as text.
pub(super) fn copy(state: &mut State) -> Vec<Effect> {
    let text = match (state.ui.screen, state.ui.bridge.pane) {
        (Screen::Alerts, _) | (Screen::Bridge, BridgePane::Groups) => {
            alerts::chosen(state).map(|c| c.copied(state))
        }
        (Screen::Slos, _) | (Screen::Bridge, BridgePane::Budgets | BridgePane::Signals) => {
            selected_slo(state).and_then(|id| state.model.slos.sentence(&id, &state.model.catalog))
        }
        (Screen::Map, _) => map::copied(state),
        (Screen::Capacity, _) => capacity::copied(state),
        (Screen::Incident, _) => incident::copied(state),
        (Screen::Changes, _) => changes::copied(state),
        (Screen::Review, _) => review::copied(state),
        (Screen::Bridge, BridgePane::Incidents) => {
            bridge::selected_incident(state).map(|id| id.to_string())
        }
        (Screen::Sources, _) => sources::copied(state),
        (Screen::Bridge, BridgePane::Sources) => {
            state.ui.bridge.source.as_ref().map(ToString::to_string)
        }
    };
    let now = state.now;
    match text {
        Some(text) => {
            state.ui.notice(Tone::Done, "Copied.", now);
            vec![Effect::Copy(text)]
        }
        None => {
            state.ui.notice(Tone::Info, "Nothing is selected to copy.", now);
            Vec::new()
        }
    }
}
