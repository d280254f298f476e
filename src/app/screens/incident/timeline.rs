//! The timeline's rows: what passes the filter, which row is selected, moving through a million of them.

use crate::app::{FilteredRows, IncidentUi, State};
use crate::domain::Filter;
use crate::model::incidents::{Incident, Line};

use super::Move;

impl IncidentUi {
    /// How many rows are listed.
    pub fn count(&self, incident: &Incident) -> usize {
        self.rows.as_ref().map_or(incident.timeline.len(), |filtered| filtered.rows.len())
    }

    /// The place in the timeline of a listed row.
    pub fn place_of(&self, row: usize) -> Option<usize> {
        match &self.rows {
            Some(filtered) => filtered.rows.get(row).map(|at| *at as usize),
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
        Some(match &self.rows {
            Some(filtered) => filtered.rows.partition_point(|row| (*row as usize) < at).min(last),
            None => at.min(last),
        })
    }
}

/// Whether a line passes a filter.
fn passes(filter: &Filter, line: &Line) -> bool {
    let spoken = line.spoken_by.as_ref().map_or("", |who| who.name());
    let value = |name: &str| match name {
        "kind" => line.kind.name(),
        "by" | "who" => line.by.name(),
        "pinned" if line.pinned => "yes",
        "withdrawn" if line.withdrawn.is_some() => "yes",
        _ => "",
    };
    filter.passes(value, &[&line.text, line.by.name(), spoken])
}

/// How many lines of the incident shown a filter would leave.
pub(in crate::app) fn matching(state: &State, filter: &Filter) -> usize {
    let lines = state.incident().into_iter().flat_map(|incident| incident.timeline.iter());
    lines.filter(|line| passes(filter, line)).count()
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

/// Looks through the lines that came since; through all when one came in between.
fn list(ui: &mut IncidentUi, incident: &Incident) {
    if ui.filter.is_empty() {
        ui.rows = None;
        return;
    }
    let timeline = &incident.timeline;
    let seen = |len: usize| {
        (len, len.checked_sub(1).and_then(|at| timeline.get(at)).map(|line| line.record))
    };
    let mut known = ui.rows.take().unwrap_or_default();
    let same = known.of.as_ref() == Some(&incident.id);
    if same && known.seen == seen(timeline.len()) {
        ui.rows = Some(known);
        return;
    }
    let from = known.seen.0;
    if !same || from > timeline.len() || known.seen != seen(from) {
        known = FilteredRows { of: Some(incident.id.clone()), ..FilteredRows::default() };
    }
    let from = known.seen.0;
    let fresh = (from..timeline.len())
        .filter(|at| timeline.get(*at).is_some_and(|line| passes(&ui.filter, line)));
    known.rows.extend(fresh.filter_map(|at| u32::try_from(at).ok()));
    known.seen = seen(timeline.len());
    ui.rows = Some(known);
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
