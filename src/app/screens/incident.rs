//! The Incident screen: which incident is shown, what is selected in its panes, and what Enter, Esc and
//! the clipboard mean there.

mod details;
mod run_detail;
mod timeline;

pub(in crate::app) use details::lines as detail_lines;
pub(in crate::app) use timeline::matching;

use std::collections::BTreeMap;

use crate::actions::Screen;
use crate::app::{Detail, IncidentPane, IncidentUi, ReadingLine, State, board};
use crate::domain::{IncidentId, SafeText};
use crate::eventlog::RecordId;
use crate::model::incidents::Incident;

use super::{Move, moved, moved_by};

impl State {
    /// The incident that actions mean: the one chosen by hand, else the worst that is going on, else
    /// the latest.
    pub fn incident(&self) -> Option<&Incident> {
        self.model.incidents.incidents.get(self.ui.incident.shown.as_ref()?)
    }

    /// Everything about what is selected of it: title and lines.
    pub fn incident_reading(&self) -> Option<(SafeText, Vec<ReadingLine>)> {
        detail_lines(self, &self.incident()?.id, &self.incident_detail()?)
    }

    /// What is selected of it in the pane that has the keys.
    pub fn incident_detail(&self) -> Option<Detail> {
        let ui = &self.ui.incident;
        match ui.pane {
            IncidentPane::Timeline => ui.entry.map(Detail::Entry),
            IncidentPane::Roles => ui.holder.clone().map(Detail::Place),
            IncidentPane::Tasks => ui.task.map(Detail::Task),
            IncidentPane::Workstreams => ui.workstream.map(Detail::Workstream),
            IncidentPane::Decisions => ui.decision.map(Detail::Decision),
            IncidentPane::Runs => ui.run.map(Detail::Run),
            IncidentPane::Updates => ui.update.map(Detail::Update),
            IncidentPane::Pages => ui.page.map(Detail::Page),
        }
    }
}

/// Selections on things that exist; the first where nothing was selected.
fn select(ui: &mut IncidentUi, incident: &Incident) {
    fn first<T>(
        now: &mut Option<RecordId>,
        known: &BTreeMap<RecordId, T>,
        rows: impl FnOnce() -> Option<RecordId>,
    ) {
        if now.is_none_or(|id| !known.contains_key(&id)) {
            *now = rows();
        }
    }
    first(&mut ui.task, &incident.tasks, || board::tasks(incident).first().map(|row| row.0));
    first(&mut ui.workstream, &incident.workstreams, || {
        board::workstreams(incident).first().map(|row| row.0)
    });
    first(&mut ui.decision, &incident.decisions, || {
        board::decisions(incident).first().map(|row| row.0)
    });
    first(&mut ui.run, &incident.runs, || board::runs(incident).first().map(|row| row.0));
    first(&mut ui.update, &incident.updates, || board::updates(incident).first().map(|row| row.0));
    first(&mut ui.page, &incident.pages, || board::pages(incident).first().map(|row| row.0));
    let places = board::places(incident);
    let old = ui.holder.as_ref().map(|(role, _)| *role);
    if ui.holder.as_ref().is_none_or(|place| !places.contains(place)) {
        // Whoever has the role now.
        let same = places.iter().find(|(role, _)| Some(*role) == old);
        ui.holder = same.or(places.first()).cloned();
    }
}

/// Keeps what is shown on things that exist.
pub(in crate::app) fn refresh(state: &mut State, force: bool) {
    let State { model, ui, .. } = state;
    let book = &model.incidents;
    // Under the eyes and fingers it stays what it is, though another one is worse now, or this one is over.
    let looked_at = ui.screen == Screen::Incident || ui.dialog.is_some();
    let ui = &mut ui.incident;
    if ui.chosen.as_ref().is_some_and(|id| !book.incidents.contains_key(id)) {
        ui.chosen = None;
    }
    let shown = match &ui.chosen {
        Some(id) => Some(id.clone()),
        None if looked_at
            && ui.shown.as_ref().is_some_and(|id| book.incidents.contains_key(id)) =>
        {
            ui.shown.clone()
        }
        None => {
            let latest = || book.incidents.values().max_by_key(|one| (one.declared_at, &one.id));
            book.live().into_iter().next().or_else(latest).map(|one| one.id.clone())
        }
    };
    if shown != ui.shown {
        show_anew(ui, shown);
    }
    if let Some(incident) = ui.shown.as_ref().and_then(|id| book.incidents.get(id)) {
        if force {
            ui.filtered = None;
        }
        if !ui.pane.is_shown(incident) {
            ui.pane = IncidentPane::Timeline;
        }
        timeline::refresh(ui, incident);
        select(ui, incident);
    }
}

/// Another incident: nothing is selected in it yet, and what was filtered in the one before hides nothing here.
fn show_anew(ui: &mut IncidentUi, shown: Option<IncidentId>) {
    let first = ui.shown.is_none();
    let mut anew =
        IncidentUi { chosen: ui.chosen.take(), shown, pane: ui.pane, ..IncidentUi::default() };
    if first {
        anew.filter_text = std::mem::take(&mut ui.filter_text);
        anew.filter = std::mem::take(&mut ui.filter);
    }
    *ui = anew;
}

/// Shows this incident until another is chosen.
pub(in crate::app) fn choose(state: &mut State, id: &IncidentId) {
    state.ui.incident.chosen = Some(id.clone());
    refresh(state, false);
}

/// Shows another incident that is going on.
pub(in crate::app) fn step(state: &mut State, by: isize) {
    let live: Vec<IncidentId> =
        state.model.incidents.live().into_iter().map(|one| one.id.clone()).collect();
    let at = live.iter().position(|id| Some(id) == state.ui.incident.shown.as_ref());
    let next = at.map_or(0, |at| (at + live.len()).saturating_add_signed(by) % live.len());
    if let Some(id) = live.get(next) {
        choose(state, id);
    }
}

pub(in crate::app) fn next_pane(state: &mut State, by: isize) {
    let shown = |pane: &IncidentPane| state.incident().is_some_and(|one| pane.is_shown(one));
    let panes: Vec<IncidentPane> = IncidentPane::ALL.into_iter().filter(shown).collect();
    if panes.is_empty() {
        return;
    }
    let at = panes.iter().position(|p| *p == state.ui.incident.pane).unwrap_or(0);
    state.ui.incident.pane = panes[(at + panes.len()).saturating_add_signed(by) % panes.len()];
}

pub(in crate::app) fn go(state: &mut State, by: Move) {
    let State { model, ui, .. } = state;
    let ui = &mut ui.incident;
    let Some(incident) = ui.shown.as_ref().and_then(|id| model.incidents.incidents.get(id)) else {
        return;
    };
    fn record<T>(rows: &[(RecordId, &T)], now: &mut Option<RecordId>, by: Move) {
        let from = *now;
        *now = moved_by(rows, |(id, _)| id, from.as_ref(), by);
    }
    match ui.pane {
        IncidentPane::Timeline => timeline::go(ui, incident, by),
        IncidentPane::Roles => {
            let rows = board::places(incident);
            ui.holder = moved(&rows, ui.holder.as_ref(), by);
        }
        IncidentPane::Tasks => record(&board::tasks(incident), &mut ui.task, by),
        IncidentPane::Workstreams => {
            record(&board::workstreams(incident), &mut ui.workstream, by);
        }
        IncidentPane::Decisions => record(&board::decisions(incident), &mut ui.decision, by),
        IncidentPane::Runs => record(&board::runs(incident), &mut ui.run, by),
        IncidentPane::Updates => record(&board::updates(incident), &mut ui.update, by),
        IncidentPane::Pages => record(&board::pages(incident), &mut ui.page, by),
    }
}

/// One level back within the screen; `false` when there is none.
pub(in crate::app) fn back(ui: &mut IncidentUi) -> bool {
    if ui.pane != IncidentPane::Timeline {
        ui.pane = IncidentPane::Timeline;
        return true;
    }
    if ui.held {
        ui.held = false;
        return true;
    }
    false
}

/// For the clipboard: what is selected, as a line.
pub(in crate::app) fn copied(state: &State) -> Option<String> {
    let (_, lines) = state.incident_reading()?;
    Some(crate::app::dialogs::plain(&lines))
}
