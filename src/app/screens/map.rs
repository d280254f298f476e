//! The Map screen: which part of the map is looked at, what is selected, what the keys act on.

use std::sync::Arc;

use crate::actions::Screen;
use crate::analysis::graph::layout::Placed;
use crate::analysis::graph::{
    Walk, around, neighbourhood, outline, selected, shortest_paths, unhealthy_and_between,
};
use crate::app::{Effect, MapPart, MapRow, MapUi, ReadingLine, State, Tone};
use crate::domain::{Filter, Graph, NodeIx, NodeKey, SafeText, Span};
use crate::model::{Health, Model, NodeViews, Study, Told};

use super::{Move, kept, moved};

/// With more services than this they are looked at once in a while, not at each answer.
const MANY: usize = 500;
const ONCE_IN: Span = Span::from_secs(1);
/// Most services of a neighbourhood whose width nobody chose.
const FITS: usize = 24;
/// How far apart two that are not well may be for what lies between them to be shown.
const BETWEEN: usize = 4;
/// Most paths shown.
const PATHS: usize = 8;

/// Makes what is derived anew. The list keeps still while a dialog is open.
pub(in crate::app) fn refresh(state: &mut State, force: bool) {
    let State { model, ui, now, .. } = state;
    let many = model.map.graph().nodes().len() > MANY;
    let due = match ui.map.made {
        None => true,
        Some((revision, at)) => {
            let late = !(Span::ZERO..ONCE_IN).contains(&now.since(at));
            (late && (!many || matches!(ui.screen, Screen::Map | Screen::Bridge)))
                || (revision != model.revision && !many)
        }
    };
    if due {
        ui.map.made = Some((model.revision, *now));
        ui.map.views = model.node_views();
        let bad = || ui.map.views.nodes.values().filter(|view| view.health.is_bad());
        ui.map.hurt = (bad().count(), bad().any(|view| view.health <= Health::Failing));
        ui.map.count();
    }
    if !force && (ui.dialog.is_some() || !due) {
        return;
    }
    let whole = Arc::clone(model.map.graph());
    let known = |key: &NodeKey| whole.find(key).is_some();
    ui.map.focus = ui.map.focus.take().filter(known);
    ui.map.mark = ui.map.mark.take().filter(known);
    ui.map.around = ui.map.focus.clone().or_else(|| hurts_most(model, &whole, &ui.map.views));
    let (nodes, reach) = part(state, &whole, &state.ui.map.filter);
    let map = &mut state.ui.map;
    map.reach = reach;
    let graph = whole.induced(&nodes);
    if *map.graph != graph {
        map.graph = Arc::new(graph);
        map.count();
    }
    map.outline = outline(&map.graph, &[], Walk::Callees).rows;
    let graph = &map.graph;
    let rows = map.outline.iter().map(|row| MapRow {
        from: row.edge.map(|edge| graph.node(graph.edge(edge).from).key.clone()),
        node: graph.node(row.node).key.clone(),
    });
    let rows: Vec<MapRow> = rows.collect();
    let focus = |rows: &[MapRow]| {
        let found = rows.iter().find(|row| Some(&row.node) == map.around.as_ref());
        found.or(rows.first()).cloned()
    };
    let selected = map.chosen.then(|| map.selected.clone()).and_then(|selected| {
        let same = rows.iter().find(|row| row.node == selected.node);
        let same = if rows.contains(&selected) { Some(&selected) } else { same };
        same.cloned().or_else(|| kept(&map.rows, &rows, Some(&selected)))
    });
    map.selected = selected.or_else(|| focus(&rows)).unwrap_or_default();
    map.rows = rows;
}

/// The service of the concern, else the one that stands worst, else the first.
fn hurts_most(model: &Model, graph: &Graph, views: &NodeViews) -> Option<NodeKey> {
    let concern = model.suspicion.concern().map(|concern| &concern.service);
    let concern = concern.and_then(|service| graph.of_service(service).next());
    let worst =
        || graph.node_indices().min_by_key(|at| (views.health(&graph.node(*at).key.service), *at));
    concern.or_else(worst).map(|at| graph.node(at).key.clone())
}

/// The services of the part that is looked at, and how many calls it reaches.
fn part(state: &State, graph: &Graph, filter: &Filter) -> (Vec<NodeIx>, usize) {
    let map = &state.ui.map;
    let focus = map.around.as_ref().and_then(|key| graph.find(key));
    let (nodes, reach) = match (map.part, focus) {
        (MapPart::Around, Some(focus)) => match map.hops {
            Some(hops) => (neighbourhood(graph, &[focus], hops, hops), hops),
            None => {
                let near = around(graph, &[focus], FITS);
                (near.nodes, near.hops)
            }
        },
        (MapPart::Unhealthy, _) => {
            let bad = selected(graph, |node| map.views.health(&node.key.service).is_bad());
            (unhealthy_and_between(graph, &bad, BETWEEN), BETWEEN)
        }
        (MapPart::Paths, Some(focus)) => {
            let from = map.mark.as_ref().and_then(|key| graph.find(key)).unwrap_or(focus);
            let mut found: Vec<NodeIx> = [(from, focus), (focus, from)]
                .into_iter()
                .flat_map(|(from, to)| shortest_paths(graph, from, to, PATHS).paths)
                .flatten()
                .chain([from, focus])
                .collect();
            found.sort_unstable();
            found.dedup();
            (found, 0)
        }
        (MapPart::All | MapPart::Around | MapPart::Paths, _) => (graph.node_indices().collect(), 0),
    };
    if filter.is_empty() {
        return (nodes, reach);
    }
    let fits = |at: &NodeIx| map.views.satisfy(graph.node(*at), filter);
    (nodes.into_iter().filter(fits).collect(), reach)
}

/// How many services of the part satisfy a filter.
pub(in crate::app) fn matching(state: &State, filter: &Filter) -> usize {
    part(state, state.model.map.graph(), filter).0.len()
}

/// The drawing that is wanted, unless it is there or under way.
pub(in crate::app) fn study(state: &mut State) -> Option<Effect> {
    let map = &state.ui.map;
    if state.ui.screen != Screen::Map || map.as_list(state.ui.size.0) {
        return None;
    }
    let study = state.model.drawing.wanted(&map.graph)?;
    Some(Effect::Study(Box::new(Study::Drawing(study))))
}

pub(in crate::app) fn go(state: &mut State, by: Move) {
    state.ui.map.chosen = true;
    if let (false, Move::By(step)) = (state.ui.map.as_list(state.ui.size.0), by) {
        return step_over(state, 0, step);
    }
    let map = &mut state.ui.map;
    if let Some(row) = moved(&map.rows, Some(&map.selected), by) {
        map.selected = row;
    }
}

/// To a caller (left) or a callee (right): in the list along its rows, in the drawing to the nearest.
pub(in crate::app) fn sideways(state: &mut State, by: isize) -> Vec<Effect> {
    state.ui.map.chosen = true;
    if !state.ui.map.as_list(state.ui.size.0) {
        step_over(state, by, 0);
        return Vec::new();
    }
    let map = &mut state.ui.map;
    let to = if by < 0 {
        let above = map.selected.from.clone();
        above.and_then(|key| map.rows.iter().find(|row| row.node == key))
    } else {
        map.rows.iter().find(|row| row.from.as_ref() == Some(&map.selected.node))
    };
    if let Some(row) = to.cloned() {
        map.selected = row;
    }
    Vec::new()
}

/// Moves to the nearest label that way: of the next column, or of the same.
fn step_over(state: &mut State, columns: isize, rows: isize) {
    let Some(drawing) = state.model.drawing.latest() else { return };
    let Ok(layout) = &drawing.layout else { return };
    let map = &mut state.ui.map;
    let at = drawing.graph.find(&map.selected.node).and_then(|at| layout.nodes.get(at.index()));
    let Some(at) = at else { return };
    let away = |one: &Placed| {
        let (row, layer) = (one.row.abs_diff(at.row), one.layer.abs_diff(at.layer));
        let linked = drawing.graph.between(at.node, one.node).is_some()
            || drawing.graph.between(one.node, at.node).is_some();
        (layer, columns != 0 && !linked, row)
    };
    let ahead = |one: &&Placed| match (columns, rows) {
        (0, ..0) => one.layer == at.layer && one.row < at.row,
        (0, _) => one.layer == at.layer && one.row > at.row,
        (..0, _) => one.layer < at.layer,
        _ => one.layer > at.layer,
    };
    let mut found: Vec<&Placed> = layout.nodes.iter().filter(ahead).collect();
    found.sort_by_key(|one| away(one));
    let step = rows.unsigned_abs().max(1).min(found.len());
    if let Some(one) = step.checked_sub(1).and_then(|step| found.get(step)) {
        let node = drawing.graph.node(one.node).key.clone();
        let same = map.rows.iter().find(|row| row.node == node).cloned();
        map.selected = same.unwrap_or(MapRow { from: None, node });
    }
}

/// Shows the next part of the map.
pub(in crate::app) fn next_part(state: &mut State, by: isize) {
    let count = MapPart::ALL.len();
    let at = (state.ui.map.part as usize + count).saturating_add_signed(by) % count;
    state.ui.map.part = MapPart::ALL[at];
    state.refresh(true);
}

/// Makes the selected service the focus.
pub(in crate::app) fn focus(state: &mut State) -> Vec<Effect> {
    let map = &mut state.ui.map;
    if map.rows.contains(&map.selected) {
        (map.focus, map.chosen) = (Some(map.selected.node.clone()), true);
        if map.part != MapPart::Paths {
            map.part = MapPart::Around;
        }
    }
    state.refresh(true);
    Vec::new()
}

/// Paths begin at the selected service.
pub(in crate::app) fn mark(state: &mut State) -> Vec<Effect> {
    let map = &mut state.ui.map;
    let now = state.now;
    if map.rows.contains(&map.selected) {
        let name = map.selected.node.label();
        map.mark = Some(map.selected.node.clone());
        let text = format!("Paths begin at {name}: focus on another service and show the paths.");
        state.ui.notice(Tone::Info, text, now);
    }
    Vec::new()
}

/// One call further, or less far, from the focus.
pub(in crate::app) fn widen(state: &mut State, by: isize) -> Vec<Effect> {
    let map = &mut state.ui.map;
    map.part = MapPart::Around;
    map.hops = Some(map.hops.unwrap_or(map.reach).saturating_add_signed(by).clamp(1, 64));
    state.refresh(true);
    Vec::new()
}

/// List instead of drawing, or the other way round.
pub(in crate::app) fn toggle_list(state: &mut State) -> Vec<Effect> {
    let columns = state.ui.size.0;
    state.ui.map.list = Some(!state.ui.map.as_list(columns));
    Vec::new()
}

/// One level back: the filter is taken off elsewhere; then the focus, then the part.
pub(in crate::app) fn back(map: &mut MapUi) -> bool {
    if map.focus.is_none() && map.part == MapPart::Around && map.hops.is_none() {
        return false;
    }
    (map.focus, map.hops, map.part, map.chosen) = (None, None, MapPart::Around, false);
    true
}

/// What is copied of the selected service.
pub(in crate::app) fn copied(state: &State) -> Option<String> {
    let key = &state.ui.map.selected.node;
    state.model.map.graph().find(key)?;
    let told = state.model.told_of(key, &state.ui.map.views);
    let lines = told.iter().map(|line| match line {
        Told::Head(text) => (*text).to_owned(),
        Told::Pair(name, value) => format!("{name}: {value}"),
        Told::Text(text) | Told::Warn(text) => text.to_string(),
    });
    Some(std::iter::once(key.label().to_string()).chain(lines).collect::<Vec<_>>().join("\n"))
}

/// Everything about a service, or what its loss would take down.
pub(in crate::app) fn detail_lines(
    state: &State,
    key: &NodeKey,
    blast: bool,
) -> Option<(SafeText, Vec<ReadingLine>)> {
    state.model.map.graph().find(key)?;
    let name = key.label();
    let (title, told) = if blast {
        (format!("Without {name}"), state.model.told_blast(key))
    } else {
        (name.to_string(), state.model.told_of(key, &state.ui.map.views))
    };
    Some((SafeText::new(&title), told.into_iter().map(ReadingLine::from).collect()))
}
