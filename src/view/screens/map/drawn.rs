//! The map as a drawing: callers left of callees, a shape of health at each label, what is wrong with a
//! call at its arrow.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::analysis::graph::layout::{Layout, LineCell, Window};
use crate::app::Drawn;
use crate::domain::{Edge, Graph, NodeKey};
use crate::model::CallTrouble;
use crate::theme::Token;
use crate::view::scene::Scene;
use crate::view::screens::empty;
use crate::view::widgets::text::{Pen, fit};

use super::health;

pub(super) fn draw(scene: &Scene<'_>, buf: &mut Buffer, area: Rect) -> Drawn {
    let page = usize::from(area.height);
    let drawn = Drawn { page, ..Drawn::default() };
    let Some(drawing) = scene.model().drawing.latest() else {
        empty(scene, buf, area, ("… drawing the map".to_owned(), Token::Unknown));
        return drawn;
    };
    let layout = match &drawing.layout {
        Ok(layout) => layout,
        Err(error) => {
            empty(scene, buf, area, (error.to_string(), Token::Warning));
            return drawn;
        }
    };
    let graph = &drawing.graph;
    let selected = &scene.state.ui.map.selected.node;
    let window = window(layout, graph, selected, area);
    let at = graph.find(selected);
    let touches = |edge: &Edge| at == Some(edge.from) || at == Some(edge.to);
    let views = &scene.state.ui.map.views;
    let rank = |edge| {
        let edge = graph.edge(edge);
        let (from, to) = (&graph.node(edge.from).key.service, &graph.node(edge.to).key.service);
        rank(views.trouble(from, to), touches(edge))
    };
    for cell in layout.cells(window, rank) {
        let edge = graph.edge(cell.edge);
        let (mark, token) = line(cell.rank);
        let x = area.x + u16::try_from(cell.column - window.column).unwrap_or(0);
        let y = area.y + u16::try_from(cell.row - window.row).unwrap_or(0);
        // One sign in one cell, thousands of times: nothing of it has to be measured or cut.
        let Some(place) = buf.cell_mut((x, y)) else { continue };
        match (mark, cell.arrow) {
            (Some(mark), Some(_)) => place.set_symbol(mark),
            _ => place.set_char(shape(&cell, edge, scene.state.ui.ascii)),
        };
        place.set_style(scene.style(token));
    }
    for placed in &layout.nodes {
        let end = placed.column + u32::from(placed.width);
        let inside = placed.column >= window.column && end <= window.column + window.width;
        let inside = inside && window.contains(placed.column, placed.row);
        if !inside {
            continue;
        }
        let key = &graph.node(placed.node).key;
        let at = Rect {
            x: area.x + u16::try_from(placed.column - window.column).unwrap_or(0),
            y: area.y + u16::try_from(placed.row - window.row).unwrap_or(0),
            width: placed.width,
            height: 1,
        };
        label(scene, buf, at, key, placed.calls_itself);
        if key == selected {
            buf.set_style(at.intersection(buf.area), scene.style(Token::Selected));
        }
    }
    drawn
}

/// The part of the drawing that is seen: the selected label in its middle where it does not all fit.
fn window(layout: &Layout, graph: &Graph, selected: &NodeKey, area: Rect) -> Window {
    let (width, height) = (u32::from(area.width), u32::from(area.height));
    let at = graph.find(selected).and_then(|at| layout.nodes.get(at.index()));
    let (column, row) = at.map_or((0, 0), |at| (at.column + u32::from(at.width) / 2, at.row));
    let first =
        |at: u32, room: u32, all: u32| at.saturating_sub(room / 2).min(all.saturating_sub(room));
    Window {
        column: first(column, width, layout.width),
        row: first(row, height, layout.height),
        width,
        height,
    }
}

/// How much a line matters where several share a cell: what is in trouble, then what touches the selected
/// service.
const fn rank(trouble: Option<CallTrouble>, touches: bool) -> u8 {
    let trouble = match trouble {
        None => 0,
        Some(CallTrouble::Tripped) => 1,
        Some(CallTrouble::Storm) => 2,
    };
    1 + trouble * 2 + touches as u8
}

/// A line's mark at its arrow, and its colour, by its rank.
const fn line(rank: u8) -> (Option<&'static str>, Token) {
    match rank {
        ..=1 => (None, Token::Border),
        2 => (None, Token::Accent),
        3 | 4 => (Some("B"), Token::Warning),
        _ => (Some("R"), Token::Error),
    }
}

/// A line's character: soft calls are broken lines.
const fn shape(cell: &LineCell, edge: &Edge, ascii: bool) -> char {
    let glyph = if ascii { cell.ascii() } else { cell.glyph() };
    match (edge.hardness, glyph) {
        (crate::domain::Hardness::Soft, '─') => '┄',
        (crate::domain::Hardness::Soft, '│') => '┆',
        (crate::domain::Hardness::Soft, '-') => '.',
        (crate::domain::Hardness::Soft, '|') => ':',
        _ => glyph,
    }
}

fn label(scene: &Scene<'_>, buf: &mut Buffer, at: Rect, key: &NodeKey, itself: bool) {
    let (mark, token) = health(scene.state.ui.map.views.health(&key.service));
    let mut pen = Pen::new(buf, at, 0);
    pen.put(mark, scene.style(token)).skip(1);
    let name = key.label();
    let room = pen.room().saturating_sub(usize::from(itself));
    let (shown, cut) = fit(&name, room);
    pen.put(shown, scene.style(token));
    if cut {
        pen.put("…", scene.style(token));
    }
    if itself {
        pen.put("@", scene.style(Token::Muted));
    }
}
