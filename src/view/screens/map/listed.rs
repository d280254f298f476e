//! The map as an indented list: below each service what it calls.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::analysis::graph::OutlineRow;
use crate::analysis::retries::RetryState;
use crate::app::{Drawn, first_visible};
use crate::domain::Graph;
use crate::theme::Token;
use crate::view::format::short;
use crate::view::scene::Scene;
use crate::view::screens::{inner, select};
use crate::view::widgets::text::{Pen, top};

use super::health;

/// Deeper rows are not indented further.
const DEEPEST: usize = 12;

pub(super) fn draw(scene: &Scene<'_>, buf: &mut Buffer, area: Rect) -> Drawn {
    let map = &scene.state.ui.map;
    let page = usize::from(area.height);
    let selected = map.rows.iter().position(|row| *row == map.selected);
    let first = first_visible(map.scroll, selected.unwrap_or(map.scroll), page, map.rows.len());
    let list = inner(area);
    for (line, row) in map.outline.iter().skip(first).take(page).enumerate() {
        let line = u16::try_from(line).unwrap_or(u16::MAX);
        draw_row(scene, &mut Pen::new(buf, list, line), &map.graph, row);
        if selected == Some(first + usize::from(line)) {
            let y = list.y + line;
            select(scene, buf, top(Rect { y, ..list }, 1), true);
        }
    }
    Drawn { top: first, page, ..Drawn::default() }
}

fn draw_row(scene: &Scene<'_>, pen: &mut Pen<'_>, graph: &Graph, row: &OutlineRow) {
    let views = &scene.state.ui.map.views;
    let key = &graph.node(row.node).key;
    let view = views.nodes.get(&key.service);
    let (mark, token) = health(views.health(&key.service));
    let muted = scene.style(Token::Muted);
    let depth = u16::try_from(row.depth.min(DEEPEST)).unwrap_or(0);
    pen.skip(depth * 2);
    if let Some(edge) = row.edge.map(|edge| graph.edge(edge)) {
        pen.put(if edge.is_hard() { "─▸ " } else { "┄▸ " }, muted);
    }
    pen.put(mark, scene.style(token)).skip(1);
    pen.put(&key.label(), scene.style(Token::Text)).skip(2);
    pen.put(views.health(&key.service).word(), scene.style(token));
    if let Some(burn) = view.and_then(|view| view.burn).filter(|burn| *burn >= 1.0) {
        pen.put(&short!(", burn {burn:.1}×"), scene.style(token));
    }
    if let Some(firing) = view.map(|view| view.firing).filter(|firing| *firing > 0) {
        pen.put(&short!(", {firing} firing"), scene.style(token));
    }
    if let Some(edge) = row.edge.map(|edge| graph.edge(edge)) {
        if !edge.is_hard() {
            pen.put(", soft", muted);
        }
        let (from, to) = (&graph.node(edge.from).key.service, &key.service);
        if let Some(stand) = views.edge(from, to) {
            if stand.seen.tripped == Some(true) {
                pen.put(", breaker open", scene.style(Token::Warning));
            }
            if stand.retries == RetryState::Storm {
                pen.put(", retry storm", scene.style(Token::Error));
            }
        }
    }
    if row.closes_ring {
        pen.put(", closes a ring", muted);
    } else if row.seen_above {
        pen.put(", as above", muted);
    }
}
