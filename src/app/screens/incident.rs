//! The Incident screen: which incident is shown, what is selected in its panes.

use crate::app::{IncidentPane, State};
use crate::domain::IncidentId;
use crate::model::incidents::Incident;

impl State {
    /// The incident that actions mean: the one chosen by hand, else the worst that is going on, else
    /// the latest.
    pub fn incident(&self) -> Option<&Incident> {
        self.model.incidents.incidents.get(self.ui.incident.shown.as_ref()?)
    }
}

/// Keeps what is shown on things that exist.
pub(in crate::app) fn refresh(state: &mut State) {
    let State { model, ui, .. } = state;
    let book = &model.incidents;
    let ui = &mut ui.incident;
    if ui.chosen.as_ref().is_some_and(|id| !book.incidents.contains_key(id)) {
        ui.chosen = None;
    }
    if ui.chosen.is_some() {
        ui.shown.clone_from(&ui.chosen);
        return;
    }
    let latest = || book.incidents.values().max_by_key(|one| (one.declared_at, &one.id));
    let shown = book.live().into_iter().next().or_else(latest);
    ui.shown = shown.map(|one| one.id.clone());
}

/// Shows another incident that is going on.
pub(in crate::app) fn step(state: &mut State, by: isize) {
    let live: Vec<IncidentId> =
        state.model.incidents.live().into_iter().map(|one| one.id.clone()).collect();
    let at = live.iter().position(|id| Some(id) == state.ui.incident.shown.as_ref());
    let next = match at {
        Some(at) => (at + live.len()).saturating_add_signed(by) % live.len(),
        None => 0,
    };
    if let Some(id) = live.get(next) {
        state.ui.incident.chosen = Some(id.clone());
    }
}

pub(in crate::app) fn next_pane(state: &mut State, by: isize) {
    let panes = IncidentPane::ALL;
    let at = panes.iter().position(|p| *p == state.ui.incident.pane).unwrap_or(0);
    state.ui.incident.pane = panes[(at + panes.len()).saturating_add_signed(by) % panes.len()];
}
