//! What watches each service, as a matrix: a row for each service, a letter in each cell that has it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{CapacityRow, Drawn, first_visible};
use crate::model::{Cover, Coverage, Watched};
use crate::theme::Token;
use crate::view::format::{self, short};
use crate::view::scene::Scene;
use crate::view::screens::bridge::{mark_row, title_room};
use crate::view::screens::{Finder, empty, fitting, inner, title};
use crate::view::widgets::table::{Cell, Column, headings, place, rows};
use crate::view::widgets::text::{Pen, below, top};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Col {
    Mark,
    Name,
    Of(Watched),
    Said,
}

/// What every service should have stands before what fits some only, and narrow terminals keep it longest.
const COLUMNS: [Column<Col>; 12] = [
    Column::new(Col::Mark, "", 1, 0),
    Column::new(Col::Name, "", 14, 0).up_to(28),
    Column::new(Col::Of(Watched::Metric), Watched::Metric.name(), 6, 0),
    Column::new(Col::Of(Watched::Alert), Watched::Alert.name(), 5, 0),
    Column::new(Col::Of(Watched::Objective), Watched::Objective.name(), 3, 0),
    Column::new(Col::Of(Watched::Runbook), Watched::Runbook.name(), 7, 0),
    Column::new(Col::Of(Watched::Owner), Watched::Owner.name(), 5, 0),
    Column::new(Col::Of(Watched::OnCall), Watched::OnCall.name(), 7, 0),
    Column::new(Col::Of(Watched::Liveness), Watched::Liveness.name(), 5, 1),
    Column::new(Col::Of(Watched::Calls), Watched::Calls.name(), 5, 1),
    Column::new(Col::Of(Watched::Feed), Watched::Feed.name(), 4, 1),
    Column::new(Col::Said, "", 34, 2).grow(),
];

/// Draws the matrix, and what its signs mean below it.
pub(super) fn draw(scene: &Scene<'_>, buf: &mut Buffer, area: Rect) -> Drawn {
    let ui = &scene.state.ui.capacity;
    let shown = ui.list();
    let legend = u16::from(area.height >= 6) * 2;
    let list = top(below(area, 1), area.height.saturating_sub(1 + legend));
    let page = usize::from(list.height);
    let rows_count = shown.rows.len();
    let blind = ui.watched.iter().filter(|row| row.is_unwatched()).count();
    let count = format::count(rows_count);
    let wordings = [
        short!("Coverage · {count}, {} unwatched", format::count(blind)),
        short!("Coverage · {count}"),
        short!("Coverage"),
    ];
    if shown.rows.is_empty() {
        title(scene, buf, area, &wordings[2], true);
        let text = if ui.filter_text.is_empty() {
            "No services are declared in the catalog, and none was seen called."
        } else {
            "No service matches the filter."
        };
        empty(scene, buf, below(area, 1), (text.into(), Token::Muted));
        return Drawn { page, ..Drawn::default() };
    }
    let selected = shown.selected.as_ref();
    let selected = selected.and_then(|row| shown.rows.iter().position(|r| r == row));
    let first = first_visible(shown.scroll, selected.unwrap_or(shown.scroll), page, rows_count);
    let (outer, rows_area) = (area, inner(list));
    let placed = place(&COLUMNS, inner(area));
    headings(&placed, inner(area), buf, scene.style(Token::Header));
    let room = top(Rect { width: title_room(&placed, outer), ..outer }, 1);
    let wordings: Vec<&str> = wordings.iter().map(|text| &**text).collect();
    title(scene, buf, room, fitting(room, &wordings), true);
    let mut finder = Finder::new(&ui.watched, first);
    let mut found = |row: &CapacityRow| match row {
        CapacityRow::Watched(id) => finder.find(|one: &Coverage| one.service == *id),
        _ => None,
    };
    let lines = shown.rows.iter().skip(first).take(page).filter_map(&mut found);
    rows(&placed, rows_area, buf, lines, |col, row, cell| draw_cell(scene, col, row, cell));
    if let Some(row) = selected {
        mark_row(scene, buf, list, row, first, true);
    }
    if legend > 0 {
        let used = u16::try_from(rows_count.min(page)).unwrap_or(list.height);
        let mut pen = Pen::new(buf, inner(below(list, used + 1)), 0);
        for (sign, token, words) in [
            ("M", Token::Ok, "gives data now"),
            ("m", Token::Text, "declared"),
            ("m?", Token::Warning, "gives nothing"),
            ("-", Token::Error, "missing"),
        ] {
            pen.put(sign, scene.style(token)).skip(1);
            pen.put(words, scene.style(Token::Muted)).skip(3);
        }
    }
    Drawn { top: first, page, ..Drawn::default() }
}

fn draw_cell(scene: &Scene<'_>, col: Col, row: &Coverage, cell: &mut Cell<'_>) {
    let (mark, token) = if row.is_unwatched() {
        ("▲", Token::Error)
    } else if row.lacking().next().is_some() {
        ("◆", Token::Warning)
    } else {
        ("·", Token::Muted)
    };
    match col {
        Col::Mark => {
            cell.put(mark, scene.style(token));
        }
        Col::Name => {
            cell.put_name(row.service.as_str(), scene.style(Token::Text));
        }
        Col::Said => {
            cell.put(&row.told(), scene.style(token));
        }
        Col::Of(what) => {
            let (sign, token) = sign(what, row.of(what));
            cell.put(&sign, scene.style(token));
        }
    }
}

/// The letter of a cell: a capital gives data, a small one is declared only, a question mark gives nothing.
fn sign(what: Watched, cover: Cover) -> (String, Token) {
    let (large, small) = (what.letter(), what.letter().to_ascii_lowercase());
    match cover {
        Cover::Seen => (large.to_string(), Token::Ok),
        Cover::Declared => (small.to_string(), Token::Text),
        Cover::Silent => (format!("{small}?"), Token::Warning),
        Cover::Missing if what.is_expected() => ("-".to_owned(), Token::Error),
        Cover::Missing => ("-".to_owned(), Token::Muted),
    }
}
