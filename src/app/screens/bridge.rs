//! The Bridge: panes, their selections, and the service whose signals are shown.

use crate::app::{BridgePane, State};
use crate::domain::{ServiceId, SloId, SourceId};
use crate::model::GroupKey;

use super::{Move, kept, moved};

const PANES: [BridgePane; 4] =
    [BridgePane::Budgets, BridgePane::Groups, BridgePane::Signals, BridgePane::Sources];

/// Keeps selections on things that exist; the first row where nothing was selected.
pub(in crate::app) fn refresh(state: &mut State) {
    if state.ui.dialog.is_some() {
        return;
    }
    let (slos, groups, sources) = (slo_rows(state), group_rows(state), source_rows(state));
    let bridge = &mut state.ui.bridge;
    if !bridge.chosen {
        (bridge.slo, bridge.group) = (None, None);
    }
    bridge.slo = kept(&[], &slos, bridge.slo.as_ref()).or_else(|| slos.first().cloned());
    bridge.group = kept(&[], &groups, bridge.group.as_ref()).or_else(|| groups.first().cloned());
    bridge.source =
        kept(&[], &sources, bridge.source.as_ref()).or_else(|| sources.first().cloned());
}

pub(in crate::app) fn next_pane(state: &mut State, by: isize) {
    let at = PANES.iter().position(|p| *p == state.ui.bridge.pane).unwrap_or(0);
    let count = PANES.len();
    let next = at.saturating_add(count).saturating_add_signed(by) % count;
    state.ui.bridge.pane = PANES[next];
    state.ui.bridge.chosen = true;
}

pub(in crate::app) fn go(state: &mut State, by: Move) {
    state.ui.bridge.chosen = true;
    match state.ui.bridge.pane {
        BridgePane::Budgets => {
            let rows = slo_rows(state);
            state.ui.bridge.slo = moved(&rows, state.ui.bridge.slo.as_ref(), by);
        }
        BridgePane::Groups => {
            let rows = group_rows(state);
            state.ui.bridge.group = moved(&rows, state.ui.bridge.group.as_ref(), by);
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

/// The service whose signals are shown: the chosen one, else that of the selection, else the worst.
pub(in crate::app) fn service(state: &State) -> Option<ServiceId> {
    let (bridge, model) = (&state.ui.bridge, &state.model);
    let of_slo = |id: &SloId| model.catalog.slos.get(id).map(|s| s.service.clone());
    let of_group = |key: &GroupKey| model.alerts.group(key).and_then(|g| g.service.clone());
    let followed = match bridge.pane {
        BridgePane::Groups => bridge.group.as_ref().and_then(of_group),
        BridgePane::Budgets | BridgePane::Signals | BridgePane::Sources => None,
    };
    bridge
        .pinned
        .clone()
        .or(followed)
        .or_else(|| bridge.slo.as_ref().and_then(of_slo))
        .or_else(|| model.catalog.services.keys().next().cloned())
}

fn slo_rows(state: &State) -> Vec<SloId> {
    state.model.slos.statuses.iter().map(|s| s.slo.clone()).collect()
}

fn group_rows(state: &State) -> Vec<GroupKey> {
    state.model.alerts.groups.iter().map(|g| g.key.clone()).collect()
}

fn source_rows(state: &State) -> Vec<SourceId> {
    state.model.sources.keys().cloned().collect()
}
