//! The Bridge: panes, their selections, and the service whose signals are shown.

use crate::app::{BridgePane, State};
use crate::domain::{IncidentId, ServiceId, SloId, SourceId};
use crate::model::GroupKey;
use crate::model::incidents::Incident;

use super::{Move, moved, moved_by};

const PANES: [BridgePane; 5] = [
    BridgePane::Incidents,
    BridgePane::Budgets,
    BridgePane::Groups,
    BridgePane::Signals,
    BridgePane::Sources,
];

/// Keeps selections on things that exist; the first row where nothing was selected.
pub(in crate::app) fn refresh(state: &mut State) {
    if state.ui.dialog.is_some() {
        return;
    }
    // After every message, so nothing is listed here: most of the time everything is still there.
    let State { model, ui, .. } = state;
    let bridge = &mut ui.bridge;
    let live =
        |id: &IncidentId| model.incidents.incidents.get(id).is_some_and(Incident::is_running);
    if bridge.incident.as_ref().is_some_and(|id| !live(id)) {
        bridge.incident = None;
    }
    if bridge.pane == BridgePane::Incidents
        && !model.incidents.incidents.values().any(Incident::is_running)
    {
        bridge.pane = BridgePane::Budgets;
    }
    if !bridge.chosen {
        (bridge.slo, bridge.group) = (None, None);
    }
    if bridge.slo.as_ref().is_none_or(|id| model.slos.status(id).is_none()) {
        bridge.slo = model.slos.statuses.first().map(|s| s.slo.clone());
    }
    if bridge.group.as_ref().is_none_or(|key| model.alerts.group(key).is_none()) {
        bridge.group = model.alerts.groups.first().map(|g| g.key.clone());
    }
    if bridge.source.as_ref().is_none_or(|id| !model.sources.contains_key(id)) {
        bridge.source = model.sources.keys().next().cloned();
    }
}

pub(in crate::app) fn next_pane(state: &mut State, by: isize) {
    let live = state.model.incidents.incidents.values().any(Incident::is_running);
    let panes = if live { &PANES[..] } else { &PANES[1..] };
    let at = panes.iter().position(|p| *p == state.ui.bridge.pane).unwrap_or(0);
    let count = panes.len();
    let next = at.saturating_add(count).saturating_add_signed(by) % count;
    state.ui.bridge.pane = panes[next];
    state.ui.bridge.chosen = true;
}

pub(in crate::app) fn go(state: &mut State, by: Move) {
    state.ui.bridge.chosen = true;
    match state.ui.bridge.pane {
        BridgePane::Incidents => {
            let rows = state.model.incidents.live();
            let selected = selected_incident(state);
            state.ui.bridge.incident = moved_by(&rows, |one| &one.id, selected.as_ref(), by);
        }
        BridgePane::Budgets => {
            let rows = &state.model.slos.statuses;
            let chosen = &mut state.ui.bridge.slo;
            *chosen = moved_by(rows, |s| &s.slo, chosen.as_ref(), by);
        }
        BridgePane::Groups => {
            let rows = &state.model.alerts.groups;
            let chosen = &mut state.ui.bridge.group;
            *chosen = moved_by(rows, |g| &g.key, chosen.as_ref(), by);
        }
        BridgePane::Signals => {
            let rows: Vec<ServiceId> = state.model.catalog.services.keys().cloned().collect();
            let now = service(state);
            state.ui.bridge.pinned = moved(&rows, now.as_ref(), by);
        }
        BridgePane::Sources => {
            let rows = source_rows(state);
            state.ui.bridge.source = moved(&rows, state.ui.bridge.source.as_ref(), by);
        }
    }
}

/// The incident selected among those going on: the one chosen, else the worst.
pub(in crate::app) fn selected_incident(state: &State) -> Option<IncidentId> {
    let chosen = state.ui.bridge.incident.clone();
    chosen.or_else(|| state.model.incidents.live().first().map(|one| one.id.clone()))
}

/// The service whose signals are shown: the chosen one, else that of the selection, else the worst.
pub(in crate::app) fn service(state: &State) -> Option<ServiceId> {
    let (bridge, model) = (&state.ui.bridge, &state.model);
    let of_slo = |id: &SloId| model.catalog.slos.get(id).map(|s| s.service.clone());
    let of_group = |key: &GroupKey| model.alerts.group(key).and_then(|g| g.service.clone());
    let followed = match bridge.pane {
        BridgePane::Groups => bridge.group.as_ref().and_then(of_group),
        BridgePane::Incidents | BridgePane::Budgets | BridgePane::Signals | BridgePane::Sources => {
            None
        }
    };
    bridge
        .pinned
        .clone()
        .or(followed)
        .or_else(|| bridge.slo.as_ref().and_then(of_slo))
        .or_else(|| model.catalog.services.keys().next().cloned())
}

fn source_rows(state: &State) -> Vec<SourceId> {
    state.model.sources.keys().cloned().collect()
}
