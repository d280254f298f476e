//! The timeline's rows: what passes the filter, which row is selected, moving through a million of them.

use crate::app::{IncidentUi, State};
use crate::model::incidents::{Filtered, Incident, TimelineFilter};

use super::Move;

impl IncidentUi {
    /// How many rows are listed.
    pub fn count(&self, incident: &Incident) -> usize {
        self.filtered.as_ref().map_or(incident.timeline.len(), |filtered| filtered.rows().len())
    }

    /// The place in the timeline of a listed row.
    pub fn place_of(&self, row: usize) -> Option<usize> {
        match &self.filtered {
            Some(filtered) => filtered.rows().get(row).map(|at| *at as usize),
            None => Some(row),
        }
    }

    /// The listed row that is selected: that of the entry chosen, else the newest.
    pub fn selected_row(&self, incident: &Incident) -> Option<usize> {
        let last = self.count(incident).checked_sub(1)?;
        let entry = self.entry.filter(|_| self.held);
        let Some(at) = entry.and_then(|entry| incident.timeline.row_of(entry)) else {
            return Some(last);
        };
        Some(match &self.filtered {
            Some(filtered) => filtered.rows().partition_point(|row| (*row as usize) < at).min(last),
            None => at.min(last),
        })
    }
}

/// How many lines of the incident shown a filter would leave.
pub(in crate::app) fn matching(state: &State, filter: &TimelineFilter) -> usize {
    state.incident().map_or(0, |incident| filter.rows(&incident.timeline, 0).len())
}

/// Lists what passes the filter, and keeps the selection on the newest unless another was chosen.
pub(super) fn refresh(ui: &mut IncidentUi, incident: &Incident) {
    list(ui, incident);
    if ui.entry.is_none_or(|entry| incident.timeline.line(entry).is_none()) {
        ui.held = false;
    }
    if !ui.held {
        let newest = ui.count(incident).checked_sub(1).and_then(|row| ui.place_of(row));
        ui.entry = newest.and_then(|at| incident.timeline.get(at)).map(|line| line.record);
    }
}

/// Looks through the lines that came since.
fn list(ui: &mut IncidentUi, incident: &Incident) {
    match &mut ui.filtered {
        _ if ui.filter.is_empty() => ui.filtered = None,
        Some(filtered) => filtered.refresh(&incident.timeline),
        none => *none = Some(Filtered::new(ui.filter.clone(), &incident.timeline)),
    }
}

pub(super) fn go(ui: &mut IncidentUi, incident: &Incident, by: Move) {
    let (Some(now), count) = (ui.selected_row(incident), ui.count(incident)) else { return };
    let last = count.saturating_sub(1);
    let to = match by {
        Move::Top => 0,
        Move::Bottom => last,
        Move::By(n) => now.saturating_add_signed(n).min(last),
    };
    // At the newest one follows what comes.
    ui.held = to != last;
    ui.entry = ui.place_of(to).and_then(|at| incident.timeline.get(at)).map(|line| line.record);
}
