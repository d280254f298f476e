//! The Sources screen: selection only; everything else is the sources' own state.

use crate::app::State;
use crate::domain::SourceId;

use super::{Move, kept, moved};

fn rows(state: &State) -> Vec<SourceId> {
    state.model.sources.keys().cloned().collect()
}

pub(in crate::app) fn refresh(state: &mut State) {
    let rows = rows(state);
    let selected = &mut state.ui.sources.selected;
    *selected = kept(&[], &rows, selected.as_ref()).or_else(|| rows.first().cloned());
}

pub(in crate::app) fn go(state: &mut State, by: Move) {
    let rows = rows(state);
    state.ui.sources.selected = moved(&rows, state.ui.sources.selected.as_ref(), by);
}
