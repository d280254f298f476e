//! The Capacity screen: what runs out first, with where the selected one goes; what stands alone; what
//! stands behind the services; what watches them.

mod behind;
mod course;
mod coverage;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{CapacityPane, CapacityRow, Drawn, first_visible};
use crate::domain::{Freshness, Reading, Resource, SafeText, Unit};
use crate::model::{Fill, Gauge};
use crate::theme::Token;
use crate::view::format::{self, Short, short};
use crate::view::scene::{Scene, reading};
use crate::view::widgets::table::{Cell, Column, headings, place, rows};
use crate::view::widgets::text::{Pen, below, top, width};

use super::bridge::{mark_row, title_room};
use super::{Finder, empty, fitting, inner, title};

/// Columns of gauges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Col {
    Mark,
    Name,
    Bar,
    Share,
    Used,
    Rate,
    Goes,
}

const COLUMNS: [Column<Col>; 7] = [
    Column::new(Col::Mark, "", 1, 0),
    Column::new(Col::Name, "", 24, 0).up_to(28).grow(),
    Column::new(Col::Bar, "", 6, 2).up_to(10),
    Column::new(Col::Share, "in use", 6, 0).right(),
    Column::new(Col::Used, "used/limit", 15, 3).right(),
    Column::new(Col::Rate, "per hour", 9, 4).right(),
    Column::new(Col::Goes, "full", 14, 0).up_to(56),
];

/// Of a narrow list: what is said of it reaches further than what is measured.
const NARROW: [Column<Col>; 7] = [
    Column::new(Col::Mark, "", 1, 0),
    Column::new(Col::Name, "", 24, 0).grow(),
    Column::new(Col::Bar, "", 6, 2),
    Column::new(Col::Share, "in use", 6, 0).right(),
    Column::new(Col::Used, "used/limit", 15, 3).right(),
    Column::new(Col::Rate, "per hour", 9, 4).right(),
    Column::new(Col::Goes, "full", 14, 0).up_to(30),
];

/// In a pane of the Bridge.
const FEW: [Column<Col>; 4] = [
    Column::new(Col::Mark, "", 1, 0),
    Column::new(Col::Name, "", 12, 0).up_to(24).grow(),
    Column::new(Col::Share, "", 6, 1).right(),
    Column::new(Col::Goes, "", 11, 0).up_to(28),
];

/// Draws the screen.
pub(crate) fn draw(scene: &Scene<'_>, buf: &mut Buffer, body: Rect) -> Drawn {
    let ui = &scene.state.ui.capacity;
    let mut area = body;
    if !ui.filter_text.is_empty() {
        let mut pen = Pen::new(buf, inner(area), 0);
        let count = short!("{} left", format::count(ui.list().rows.len()));
        pen.right(&count, scene.style(Token::Muted)).trim(2);
        pen.put("/ ", scene.style(Token::Key)).put(&ui.filter_text, scene.style(Token::Input));
        area = below(area, 1);
    }
    match ui.pane {
        CapacityPane::Gauges => gauges(scene, buf, area),
        CapacityPane::Alone | CapacityPane::Behind => behind::draw(scene, buf, area),
        CapacityPane::Coverage => coverage::draw(scene, buf, area),
    }
}

fn gauges(scene: &Scene<'_>, buf: &mut Buffer, area: Rect) -> Drawn {
    let list = scene.state.ui.capacity.list();
    if list.rows.is_empty() {
        title(scene, buf, area, "What runs out first", true);
        empty(scene, buf, below(area, 1), nothing(scene));
        return Drawn { page: usize::from(area.height.saturating_sub(1)), ..Drawn::default() };
    }
    let detail = match area.height {
        0..=13 => 0,
        14..=26 => 10,
        h => (h / 2).max(14),
    };
    let wanted = u16::try_from(list.rows.len()).unwrap_or(u16::MAX).saturating_add(1);
    let table = top(area, wanted.min(area.height - detail - u16::from(detail > 0)));
    let (drawn, selected) = draw_gauges(scene, buf, table, true);
    let left = area.height.saturating_sub(table.height + 1);
    if let (Some((gauge, resource)), 4..) = (selected, left) {
        course::draw(scene, buf, inner(below(area, table.height + 1)), gauge, resource);
    }
    drawn
}

/// Why no gauge is there.
fn nothing(scene: &Scene<'_>) -> (String, Token) {
    if scene.model().catalog.resources.is_empty() {
        let text = "No resources are declared in the catalog: a [[resource]] says what is in use and \
                    how much there is, and this screen says when it is full.";
        scene.undeclared(text)
    } else {
        ("No resource matches the filter.".into(), Token::Muted)
    }
}

type Chosen<'a> = Option<(&'a Gauge, &'a Resource)>;

/// The pane of the Bridge: the first few, without a selection.
pub(super) fn first_few(scene: &Scene<'_>, buf: &mut Buffer, area: Rect) {
    if area.height < 2 {
        return;
    }
    let catalog = &scene.model().catalog;
    let gauges = &scene.state.ui.capacity.gauges;
    let shown = gauges.iter().filter_map(|g| Some((g, catalog.resources.get(&g.id.resource)?)));
    title(scene, buf, area, "Runs out next", false);
    let list = inner(below(area, 1));
    let placed = place(&FEW, list);
    rows(&placed, list, buf, shown, |col, (gauge, resource), cell| {
        gauge_cell(scene, col, gauge, resource, cell);
    });
}

fn draw_gauges<'a>(
    scene: &Scene<'a>,
    buf: &mut Buffer,
    area: Rect,
    focused: bool,
) -> (Drawn, Chosen<'a>) {
    let ui = &scene.state.ui.capacity;
    let shown = ui.list();
    let list = below(area, 1);
    let page = usize::from(list.height);
    let selected = shown.selected.as_ref();
    let selected = selected.and_then(|row| shown.rows.iter().position(|r| r == row));
    let first =
        first_visible(shown.scroll, selected.unwrap_or(shown.scroll), page, shown.rows.len());
    let (outer, area, list) = (area, inner(area), inner(list));
    let columns = if area.width < 110 { &NARROW } else { &COLUMNS };
    let placed = place(columns, area);
    headings(&placed, area, buf, scene.style(Token::Header));
    let room = top(Rect { width: title_room(&placed, outer), ..outer }, 1);
    let count = format::count(shown.rows.len());
    let (long, few) = (short!("What runs out first · {count}"), short!("Runs out · {count}"));
    title(scene, buf, room, fitting(room, &[&long, &few, "Runs out"]), focused);
    let catalog = &scene.model().catalog;
    let mut finder = Finder::new(&ui.gauges, first);
    let mut found = |row: &CapacityRow| {
        let CapacityRow::Gauge(id) = row else { return None };
        let gauge = finder.find(|gauge| gauge.id == *id)?;
        Some((gauge, catalog.resources.get(&id.resource)?))
    };
    let chosen = selected.and_then(|at| found(shown.rows.get(at)?));
    let gauges = shown.rows.iter().skip(first).map(&mut found);
    rows(&placed, list, buf, gauges, |col, row, cell| {
        if let Some((gauge, resource)) = row {
            gauge_cell(scene, col, gauge, resource, cell);
        }
    });
    if let Some(row) = selected {
        mark_row(scene, buf, list, row, first, focused);
    }
    (Drawn { top: first, page, ..Drawn::default() }, chosen)
}

/// Whether the answer is one to go by.
fn is_fresh(gauge: &Gauge) -> bool {
    matches!(gauge.age, Some((_, Freshness::Fresh)))
}

/// Shape and colour of how a gauge stands.
fn mark(scene: &Scene<'_>, gauge: &Gauge, resource: &Resource) -> (&'static str, Token) {
    match gauge.fill(resource) {
        Fill::Full => ("▲", Token::Error),
        Fill::RunsOut(_) if gauge.is_urgent(resource, scene.now()) => ("▲", Token::Error),
        Fill::RunsOut(_) => ("◆", Token::Warning),
        Fill::Short => ("◇", Token::Warning),
        Fill::Unknown => ("?", Token::Unknown),
        Fill::Steady => ("●", Token::Ok),
    }
}

/// The name of a gauge: its resource, then what tells its series apart.
fn name(gauge: &Gauge) -> String {
    CapacityRow::Gauge(gauge.id.clone()).name()
}

/// A quantity of a resource; what it counts has no unit of its own.
fn amount(value: f64, unit: Unit) -> Short {
    format::quantity(value, unit)
}

fn gauge_cell(
    scene: &Scene<'_>,
    col: Col,
    gauge: &Gauge,
    resource: &Resource,
    cell: &mut Cell<'_>,
) {
    let fresh = is_fresh(gauge);
    let (shape, token) = mark(scene, gauge, resource);
    match col {
        Col::Mark => {
            cell.put(shape, scene.style(token));
        }
        Col::Name => {
            cell.put_name(&name(gauge), scene.unless_stale(fresh, Token::Text));
        }
        Col::Bar => bar(scene, gauge, resource, cell),
        Col::Share => match gauge.share {
            Some(share) => {
                let token = if token == Token::Ok { Token::Text } else { token };
                cell.put(&format::percent(share), scene.unless_stale(fresh, token));
            }
            None => {
                cell.put("?", scene.style(Token::Unknown));
            }
        },
        Col::Used => {
            let unit = resource.unit;
            let used = reading(gauge.used, |used| amount(used, unit));
            let used = if gauge.used == Reading::NaN { short!("no number") } else { used };
            let text = match gauge.limit {
                Some(limit) => short!("{used}/{}", amount(limit, unit)),
                None => short!("{used}/?"),
            };
            cell.put(&text, scene.unless_stale(fresh, Token::Text));
        }
        Col::Rate => {
            let text = match gauge.outlook.as_ref().and_then(|outlook| outlook.per_hour) {
                Some(rate) => rate_words(rate, resource),
                None => short!("?"),
            };
            cell.put(&text, scene.unless_stale(fresh, Token::Muted));
        }
        Col::Goes => {
            let said = gauge.told(resource, scene.now());
            let room = cell.room();
            let fits = said.iter().find(|text| width(text) <= room).or(said.last());
            let token = if token == Token::Ok { Token::Muted } else { token };
            if let Some(text) = fits {
                let stale = matches!(gauge.age, Some((_, Freshness::Stale)));
                cell.put(text, scene.style(if stale { Token::Stale } else { token }));
            }
        }
    }
}

/// A rate with its direction; what does not move has none.
fn rate_words(rate: f64, resource: &Resource) -> Short {
    let sign = if rate > 0.0 { "+" } else { "" };
    short!("{sign}{}", amount(rate, resource.unit))
}

/// How full it is. An unknown share is not an empty bar.
fn bar(scene: &Scene<'_>, gauge: &Gauge, resource: &Resource, cell: &mut Cell<'_>) {
    let room = cell.room();
    let Some(share) = gauge.share else {
        for _ in 0..room {
            cell.put("·", scene.style(Token::Unknown));
        }
        return;
    };
    // A bar looks full only when it is.
    let most = if share < 1.0 { room.saturating_sub(1) } else { room };
    let full = ((share.clamp(0.0, 1.0) * room as f64).round() as usize).min(most);
    let full = if share > 0.0 { full.max(1) } else { full };
    let token = match gauge.fill(resource) {
        Fill::Full => Token::Error,
        Fill::RunsOut(_) | Fill::Short => Token::GaugeLow,
        // How full it is is known, how it goes on is not: that is not the colour of health.
        Fill::Unknown => Token::Unknown,
        Fill::Steady => Token::GaugeFull,
    };
    for at in 0..room {
        let (glyph, token) = if at < full { ("█", token) } else { ("─", Token::Border) };
        cell.put(glyph, scene.unless_stale(is_fresh(gauge) || at >= full, token));
    }
}

/// What a title says of a resource.
fn heading(gauge: &Gauge, resource: &Resource) -> SafeText {
    let about = if resource.title.is_empty() || resource.title == *resource.id.text() {
        String::new()
    } else {
        format!(": {}", resource.title)
    };
    SafeText::new(&format!("{}{about}", name(gauge)))
}
