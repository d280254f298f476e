//! The map as a drawing: callers left of callees, a shape of health at each label, what is wrong with a
//! call at its arrow.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::analysis::graph::layout::{Layout, LineCell, Window};
use crate::analysis::retries::RetryState;
use crate::app::Drawn;
use crate::domain::{Edge, Graph, NodeKey};
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
    let rank = |edge| {
        let edge = graph.edge(edge);
        let (_, token) = line(scene, graph, edge);
        1 + u8::from(token != Token::Border) * 2 + u8::from(touches(edge))
    };
    for cell in layout.cells(window, rank) {
        let edge = graph.edge(cell.edge);
        let (mark, token) = line(scene, graph, edge);
        let token = if token == Token::Border && touches(edge) { Token::Accent } else { token };
        let at = Rect {
            x: area.x + u16::try_from(cell.column - window.column).unwrap_or(0),
            y: area.y + u16::try_from(cell.row - window.row).unwrap_or(0),
            width: 1,
            height: 1,
        };
        let mut glyph = [0; 4];
        let text = match (mark, cell.arrow) {
            (Some(mark), Some(_)) => mark,
            _ => shape(&cell, edge, scene.state.ui.ascii).encode_utf8(&mut glyph),
        };
        Pen::new(buf, at, 0).put(text, scene.style(token));
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

/// A line's mark at its arrow, and its colour.
fn line(scene: &Scene<'_>, graph: &Graph, edge: &Edge) -> (Option<&'static str>, Token) {
    let (from, to) = (&graph.node(edge.from).key.service, &graph.node(edge.to).key.service);
    let views = &scene.state.ui.map.views;
    let Some(stand) = views.edge(from, to).filter(|stand| !stand.seen.stale) else {
        return (None, Token::Border);
    };
    if stand.retries == RetryState::Storm {
        (Some("R"), Token::Error)
    } else if stand.seen.tripped == Some(true) {
        (Some("B"), Token::Warning)
    } else {
        (None, Token::Border)
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
