//! The Map screen: part of the dependency graph as a drawing or as an indented list, and the selected
//! service beside it or below it.

mod drawn;
mod listed;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::actions::Action;
use crate::app::{Drawn, MapPart};
use crate::domain::{NodeKey, SourceKind};
use crate::model::{Health, Told};
use crate::theme::Token;
use crate::view::format::{self, short};
use crate::view::scene::Scene;
use crate::view::widgets::text::{Pen, below, top, width, wrap};

use super::{empty, fitting, inner, title};

/// From here on the selected service stands beside the map, below it otherwise.
const BESIDE_FROM: u16 = 118;
const BESIDE: u16 = 46;

/// Shape and colour of a word.
pub(super) const fn health(health: Health) -> (&'static str, Token) {
    match health {
        Health::Down => ("✕", Token::Error),
        Health::Failing => ("▲", Token::Error),
        Health::Hurting => ("◆", Token::Warning),
        Health::Stale => ("~", Token::Stale),
        Health::Unknown => ("○", Token::Unknown),
        Health::Well => ("●", Token::Ok),
    }
}

/// Draws the screen.
pub(crate) fn draw(scene: &Scene<'_>, buf: &mut Buffer, body: Rect) -> Drawn {
    let map = &scene.state.ui.map;
    let mut area = body;
    if !map.filter_text.is_empty() {
        let mut pen = Pen::new(buf, inner(area), 0);
        pen.right(
            &short!("{} left", format::count(map.graph.nodes().len())),
            scene.style(Token::Muted),
        );
        pen.trim(2)
            .put("/ ", scene.style(Token::Key))
            .put(&map.filter_text, scene.style(Token::Input));
        area = below(area, 1);
    }
    heading(scene, buf, area);
    let area = below(area, 1);
    if map.rows.is_empty() {
        empty(scene, buf, area, nothing(scene));
        return Drawn { page: usize::from(area.height), ..Drawn::default() };
    }
    let beside = area.width >= BESIDE_FROM;
    let (chart, about) = if beside {
        let width = area.width - BESIDE - 2;
        let x = area.x + width + 2;
        (Rect { width, ..area }, Rect { x, width: BESIDE, ..area })
    } else {
        let rows = if area.height < 14 { 0 } else { (area.height * 2 / 5).max(7) };
        let chart = top(area, area.height - rows);
        (chart, inner(below(area, chart.height + u16::from(rows > 0))))
    };
    let drawn = if map.as_list(scene.state.ui.size.0) {
        listed::draw(scene, buf, chart)
    } else {
        drawn::draw(scene, buf, chart)
    };
    details(scene, buf, about, &map.selected.node);
    drawn
}

/// What is looked at, and how many stand how.
fn heading(scene: &Scene<'_>, buf: &mut Buffer, area: Rect) {
    let map = &scene.state.ui.map;
    let count = map.graph.nodes().len();
    let all = scene.model().map.graph().nodes().len();
    let focus = map.around.as_ref().map(NodeKey::label).unwrap_or_default();
    let what = match (map.part, &map.mark) {
        (MapPart::Around, _) if map.reach == 1 => format!("Around {focus}, one call each way"),
        (MapPart::Around, _) => format!("Around {focus}, {} calls each way", map.reach),
        (MapPart::Unhealthy, _) => "Not well, and what connects it".to_owned(),
        (MapPart::All, _) => "The whole map".to_owned(),
        (MapPart::Paths, Some(mark)) => format!("Paths between {} and {focus}", mark.label()),
        (MapPart::Paths, None) => format!("Paths to {focus}"),
    };
    let services = format!("{what} · {} of {}", format::count(count), format::count(all));
    let used = u16::try_from(width(&services)).unwrap_or(u16::MAX).saturating_add(6);
    let mut pen = Pen::new(buf, top(area, 1), 0);
    let mut room = area.width.saturating_sub(used);
    // Where not all have room, those that stand worst are said.
    let mut said = Vec::new();
    for (state, count) in Health::ALL.into_iter().zip(map.tally).filter(|(_, count)| *count > 0) {
        let (mark, token) = health(state);
        let text = short!("{mark} {count} {}", state.word());
        let cells = u16::try_from(width(&text)).unwrap_or(u16::MAX).saturating_add(2);
        if cells <= room {
            said.push((text, token));
            room -= cells;
        }
    }
    for (text, token) in said.into_iter().rev() {
        pen.right(&text, scene.style(token)).trim(2);
    }
    title(scene, buf, top(area, 1), fitting(area, &[&services, &what]), true);
}

/// Why nothing is there.
fn nothing(scene: &Scene<'_>) -> (String, Token) {
    let map = &scene.state.ui.map;
    if !scene.model().map.is_made() {
        return scene.nothing(SourceKind::Prometheus, "No map can be drawn");
    }
    if scene.model().map.graph().nodes().is_empty() {
        let text =
            "No services are known: the catalog declares none, and none was seen calling another.";
        return scene.undeclared(text);
    }
    match map.part {
        MapPart::Unhealthy if map.filter.is_empty() => {
            let unknown = map.views.nodes.values().filter(|v| v.health != Health::Well).count();
            let text = match unknown {
                0 => "Nothing is known to be wrong.".to_owned(),
                n => format!("Nothing is known to be wrong, but of {n} nothing recent is known."),
            };
            (text, if unknown == 0 { Token::Muted } else { Token::Warning })
        }
        _ => ("No service matches the filter.".to_owned(), Token::Muted),
    }
}

/// Everything about a service, as far as there is room.
fn details(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, key: &NodeKey) {
    if area.height < 3 {
        return;
    }
    let map = &scene.state.ui.map;
    let (mark, token) = health(map.views.health(&key.service));
    let mut pen = Pen::new(buf, area, 0);
    if let Some(keys) = scene.keymap.key_for(Action::Blast) {
        pen.right(&short!("{keys} blast radius"), scene.style(Token::Muted)).trim(2);
    }
    pen.put(mark, scene.style(token)).skip(1).put(&key.label(), scene.style(Token::Title));
    let area = below(area, 1);
    let mut row = 0;
    let mut lines = |text: &str, indent: u16, token: Token, buf: &mut Buffer| {
        let room = Rect { x: area.x + indent, width: area.width.saturating_sub(indent), ..area };
        wrap(text, usize::from(room.width), |line| {
            if row < area.height {
                Pen::new(buf, room, row).put(line, scene.style(token));
            }
            row += 1;
        });
    };
    for told in scene.model().told_of(key, &map.views) {
        match told {
            Told::Head(text) => lines(text, 0, Token::Header, buf),
            Told::Text(text) => lines(&text, 0, Token::Text, buf),
            Told::Warn(text) => lines(&text, 0, Token::Warning, buf),
            Told::Pair(name, value) => lines(&format!("{name}: {value}"), 0, Token::Text, buf),
        }
    }
}
