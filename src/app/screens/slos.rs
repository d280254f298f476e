//! The SLOs screen: rows, selection, history wanted.

use crate::app::State;
use crate::domain::{Filter, Labels, SloId};
use crate::model::SloStatus;

use super::{Move, kept, moved};

/// Makes the rows anew. Not while a dialog is open.
pub(in crate::app) fn refresh(state: &mut State, force: bool) {
    let State { model, ui, .. } = state;
    if !force && (ui.dialog.is_some() || ui.slos.revision == Some(model.revision)) {
        return;
    }
    ui.slos.revision = Some(model.revision);
    let rows: Vec<SloId> = matching(state, &state.ui.slos.filter).collect();
    let ui = &mut state.ui;
    if !ui.slos.chosen {
        ui.slos.selected = None;
    }
    ui.slos.selected =
        kept(&ui.slos.rows, &rows, ui.slos.selected.as_ref()).or_else(|| rows.first().cloned());
    ui.slos.rows = rows;
}

/// Objectives that satisfy a filter, worst first.
pub(in crate::app) fn matching(state: &State, filter: &Filter) -> impl Iterator<Item = SloId> {
    let model = &state.model;
    let satisfies = |status: &&SloStatus| {
        filter.is_empty()
            || model.catalog.slos.get(&status.slo).is_some_and(|slo| {
                let owner = model.catalog.services.get(&slo.service).map(|s| s.owner.as_str());
                let labels = Labels::of(&[
                    ("slo", slo.id.as_str()),
                    ("service", slo.service.as_str()),
                    ("owner", owner.unwrap_or_default()),
                    ("verdict", status.verdict.word()),
                ]);
                filter.matches(&labels, &[slo.title.as_str()])
            })
    };
    model.slos.statuses.iter().filter(satisfies).map(|status| status.slo.clone())
}

pub(in crate::app) fn go(state: &mut State, by: Move) {
    let slos = &mut state.ui.slos;
    slos.chosen = true;
    slos.selected = moved(&slos.rows, slos.selected.as_ref(), by);
}
