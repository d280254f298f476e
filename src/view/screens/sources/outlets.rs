//! Channels and trackers: whether each is known to work, what got through last, and what did not.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::actions::{Delivery, DeliveryStanding, Outlet, OutletId, deliveries, outlets};
use crate::app::{Drawn, SourcesRow, first_visible};
use crate::domain::Audience;
use crate::theme::Token;
use crate::view::dialogs::preview;
use crate::view::format::{self, Short, short};
use crate::view::scene::Scene;
use crate::view::screens::bridge::{mark_row, title_room};
use crate::view::screens::{empty, inner, title};
use crate::view::widgets::table::{Cell, Column, headings, place, rows};
use crate::view::widgets::text::{below, top};

use super::WIDE;

/// Columns of channels and trackers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Col {
    Mark,
    Name,
    Kind,
    Audiences,
    State,
    Tested,
    Last,
    Open,
    Fallback,
}

const COLUMNS: [Column<Col>; 9] = [
    Column::new(Col::Mark, "", 1, 0),
    Column::new(Col::Name, "", 14, 0).up_to(24).grow(),
    Column::new(Col::Kind, "kind", 10, 3).up_to(14),
    Column::new(Col::Audiences, "for", 8, 4).up_to(19),
    Column::new(Col::State, "test", 12, 0),
    Column::new(Col::Tested, "tested", 6, 0).right(),
    Column::new(Col::Last, "last sent", 9, 1).right(),
    Column::new(Col::Open, "not through", 20, 0).up_to(30),
    Column::new(Col::Fallback, "else by", 8, 5).up_to(14),
];

/// A way out with what its tests say; a tracker has none.
struct Row<'m> {
    outlet: Outlet<'m>,
    delivery: Option<Delivery>,
}

fn all<'m>(scene: &Scene<'m>) -> Vec<Row<'m>> {
    let mut tests = deliveries(scene.model(), scene.now()).into_iter();
    let all = outlets(scene.model(), scene.now()).into_iter();
    all.map(|outlet| {
        let delivery = match outlet.id {
            OutletId::Channel(_) => tests.next(),
            OutletId::Tracker(_) => None,
        };
        Row { outlet, delivery }
    })
    .collect()
}

/// Shape, word and colour of a way out. What was never tried is not known to work.
fn state(row: &Row<'_>) -> (&'static str, &'static str, Token) {
    let Some(delivery) = &row.delivery else {
        return match (row.outlet.counts(), &row.outlet.last) {
            ((1.., ..), _) => ("?", "in doubt", Token::Unknown),
            ((_, 1.., _), _) => ("✕", "failed", Token::Error),
            (_, Some(_)) => ("●", "works", Token::Ok),
            (_, None) => ("?", "never used", Token::Unknown),
        };
    };
    match delivery.standing {
        DeliveryStanding::Untested => ("✕", "never tested", Token::Error),
        DeliveryStanding::UnderWay => ("…", "under way", Token::Info),
        DeliveryStanding::Works(_) => ("●", "arrived", Token::Ok),
        DeliveryStanding::Stale => ("◆", "long ago", Token::Stale),
        DeliveryStanding::Fails(_) => ("✕", "failed", Token::Error),
        DeliveryStanding::Unknown(_) => ("?", "in doubt", Token::Unknown),
    }
}

/// How many ways out want somebody, and whether one of them holds what only a person can settle.
pub(crate) fn troubled(scene: &Scene<'_>) -> (usize, bool) {
    let troubled = |row: &Row<'_>| {
        let (unknown, failed, _) = row.outlet.counts();
        let (_, _, token) = state(row);
        // A tracker that nobody needed yet is nobody's trouble.
        let used = row.delivery.is_some() || row.outlet.last.is_some();
        unknown + failed > 0 || used && !matches!(token, Token::Ok | Token::Info)
    };
    all(scene).iter().fold((0, false), |(count, unsettled), row| {
        (count + usize::from(troubled(row)), unsettled || row.outlet.counts().0 > 0)
    })
}

/// Draws the list.
pub(super) fn list(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, focused: bool) -> Drawn {
    if area.height == 0 {
        return Drawn::default();
    }
    let all = all(scene);
    if all.is_empty() {
        title(scene, buf, area, "Channels", focused);
        let words =
            "No channels are declared, so nobody is told anything; playbook.toml declares them.";
        empty(scene, buf, below(area, 1), (words.to_owned(), Token::Muted));
        return Drawn::default();
    }
    let (table, rest) = (inner(area), inner(below(area, 1)));
    let ui = &scene.state.ui.sources;
    let selected = match &ui.selected {
        Some(SourcesRow::Outlet(id)) => all.iter().position(|row| row.outlet.id == *id),
        _ => None,
    };
    let page = usize::from(rest.height);
    let scroll = ui.outlet_scroll;
    let first = first_visible(scroll, selected.unwrap_or(scroll), page, all.len());
    let placed = place(&COLUMNS, Rect { width: table.width.min(WIDE), ..table });
    headings(&placed, table, buf, scene.style(Token::Header));
    let room = Rect { width: title_room(&placed, area), ..area };
    let more = all.len().saturating_sub(page);
    let name = if focused || more == 0 { short!("Channels") } else { short!("Channels +{more}") };
    title(scene, buf, top(room, 1), &name, focused);
    rows(&placed, rest, buf, all.iter().skip(first), |col, row, out| cell(scene, col, row, out));
    if let Some(row) = selected {
        mark_row(scene, buf, rest, row, first, focused);
    }
    Drawn { top: first, page, ..Drawn::default() }
}

fn cell(scene: &Scene<'_>, col: Col, row: &Row<'_>, cell: &mut Cell<'_>) {
    let (mark, word, token) = state(row);
    let muted = scene.style(Token::Muted);
    let channels = &scene.model().playbook.channels;
    let channel = match &row.outlet.id {
        OutletId::Channel(id) => channels.iter().find(|one| one.id == *id),
        OutletId::Tracker(_) => None,
    };
    match col {
        Col::Mark => cell.put(mark, scene.style(token)),
        Col::Name => cell.put(row.outlet.id.as_str(), scene.style(Token::Text)),
        Col::Kind => cell.put(channel.map_or("tracker", |one| one.kind), muted),
        Col::Audiences => {
            let audiences = channel.map_or(&[][..], |one| &one.audiences);
            let names: Vec<&str> = audiences.iter().copied().map(Audience::name).collect();
            cell.put(if channel.is_some() && names.is_empty() { "—" } else { "" }, muted);
            cell.put(&names.join(", "), muted)
        }
        Col::State => cell.put(word, scene.style(token)),
        Col::Tested => {
            let text = row.delivery.as_ref().map_or(short!("—"), |one| match one.tested {
                Some(at) => format::age(Some(at), scene.now()),
                None => short!("never"),
            });
            cell.put(&text, muted)
        }
        Col::Last => {
            let text = match row.outlet.last {
                Some(last) => format::age(Some(last.at), scene.now()),
                None => short!("—"),
            };
            cell.put(&text, muted)
        }
        Col::Open => {
            let (unknown, failed, waiting) = row.outlet.counts();
            if unknown + failed + waiting == 0 {
                cell.put("—", muted);
            }
            let parts: [(Short, usize, Token); 3] = [
                (short!("{unknown} unknown"), unknown, Token::Unknown),
                (short!("{failed} failed"), failed, Token::Error),
                (short!("{waiting} waiting"), waiting, Token::Info),
            ];
            let mut first = true;
            for (text, _, token) in parts.iter().filter(|(_, count, _)| *count > 0) {
                cell.put(if first { "" } else { ", " }, muted);
                cell.put(text, scene.style(*token));
                first = false;
            }
            cell
        }
        Col::Fallback => {
            let other = channel.and_then(|one| one.fallback.as_ref());
            cell.put(other.map_or("—", |id| id.as_str()), muted)
        }
    };
}

/// Everything about the selected one, as much as there is room for.
pub(super) fn about(scene: &Scene<'_>, buf: &mut Buffer, area: Rect) {
    let Some((heading, lines)) = scene.state.outlet_reading() else { return };
    title(scene, buf, area, &heading, false);
    preview(scene, buf, inner(below(area, 1)), &lines);
}
