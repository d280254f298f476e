//! The Bridge: budgets worst first, firing groups, golden signals, sources.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::{BridgePane, Drawn, first_visible};
use crate::domain::{Reading, SourceKind, Span};
use crate::model::{Exhaustion, Held, SloStatus, Verdict};
use crate::theme::Token;
use crate::view::format::{self, short};
use crate::view::scene::{Scene, exhaustion, reading, verdict};
use crate::view::strip::repeats;
use crate::view::widgets::chart::{Window, spark};
use crate::view::widgets::table::{Cell, Column, headings, place, rows};
use crate::view::widgets::text::{Pen, below, top};

use super::groups::{self, BRIDGE};
use super::{empty, fitting, select, signals, sources, title};

/// Columns of budgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Col {
    Mark,
    Name,
    Long,
    Short,
    Trend,
    Left,
    Gone,
}

const BUDGETS: [Column<Col>; 7] = [
    Column::new(Col::Mark, "", 1, 0),
    Column::new(Col::Name, "", 22, 0).up_to(34).grow(),
    Column::new(Col::Long, "burn long", 10, 1).right(),
    Column::new(Col::Short, "short", 10, 3).right(),
    Column::new(Col::Trend, "trend", 8, 4).up_to(24),
    Column::new(Col::Left, "left", 7, 0).right(),
    Column::new(Col::Gone, "gone in", 7, 2).right(),
];

/// Heights and places of the four panes.
struct Panes {
    budgets: Rect,
    groups: Rect,
    signals: Rect,
    sources: Rect,
}

fn panes(scene: &Scene<'_>, body: Rect) -> Panes {
    let slos = u16::try_from(scene.model().slos.statuses.len()).unwrap_or(u16::MAX).max(1);
    let groups = u16::try_from(scene.model().alerts.groups.len()).unwrap_or(u16::MAX).max(1);
    let gap = u16::from(body.height >= 14);
    // Small: signals and sources take one line each, with their title in it.
    let foot = match body.height {
        0..=7 => 1,
        8..=13 => 2,
        14..=26 => 5,
        h => (h * 2 / 5).clamp(11, 24),
    };
    let head = body.height.saturating_sub(foot + gap * 2);
    let foot_at = below(body, body.height - foot);
    let half = |area: Rect, share: u16| {
        let left = (area.width - 3) * share / 100;
        let right = area.width - 3 - left;
        (Rect { width: left, ..area }, Rect { x: area.x + left + 3, width: right, ..area })
    };
    let (signals, sources) = match foot {
        1 => (Rect { height: 0, ..foot_at }, foot_at),
        2 => (top(foot_at, 1), below(foot_at, 1)),
        5 => (top(foot_at, 2), below(foot_at, 3)),
        _ => half(foot_at, if body.width >= 160 { 70 } else { 62 }),
    };
    if body.width >= 160 {
        let (budgets, groups) = half(top(body, head + gap), 52);
        return Panes { budgets, groups, signals, sources };
    }
    // Each list gets what it needs; when both are long, half each.
    let (want_slos, want_groups) = (slos.saturating_add(1), groups.saturating_add(1));
    let even = head / 2;
    let slo_rows = if want_slos <= even {
        want_slos
    } else {
        want_slos.min(head - want_groups.min(head - even))
    };
    let budgets = top(body, slo_rows);
    let groups = top(below(body, slo_rows + gap), head - slo_rows);
    Panes { budgets, groups, signals, sources }
}

/// Draws the screen.
pub(crate) fn draw(scene: &Scene<'_>, buf: &mut Buffer, body: Rect) -> Drawn {
    let panes = panes(scene, body);
    let pane = scene.state.ui.bridge.pane;
    let budgets = draw_budgets(scene, buf, panes.budgets, pane == BridgePane::Budgets);
    let groups = draw_groups(scene, buf, panes.groups, pane == BridgePane::Groups);
    signals::draw(scene, buf, panes.signals, pane == BridgePane::Signals);
    let sources = sources::pane(scene, buf, panes.sources, pane == BridgePane::Sources);
    match pane {
        BridgePane::Budgets => budgets,
        BridgePane::Groups => groups,
        BridgePane::Signals => Drawn::default(),
        BridgePane::Sources => sources,
    }
}

fn draw_budgets(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, focused: bool) -> Drawn {
    let statuses = &scene.model().slos.statuses;
    let list = below(area, 1);
    let page = usize::from(list.height);
    if statuses.is_empty() {
        title(scene, buf, area, "Error budgets", focused);
        let words = if scene.model().catalog.slos.is_empty() {
            ("No objectives are declared in the catalog.".to_owned(), Token::Muted)
        } else {
            scene.nothing(SourceKind::Prometheus, "No budget can be said")
        };
        empty(scene, buf, list, words);
        return Drawn { page, ..Drawn::default() };
    }
    let ui = &scene.state.ui.bridge;
    let selected = ui.slo.as_ref().and_then(|id| statuses.iter().position(|s| s.slo == *id));
    let first =
        first_visible(ui.slo_scroll, selected.unwrap_or(ui.slo_scroll), page, statuses.len());
    let placed = place(&BUDGETS, area);
    headings(&placed, area, buf, scene.style(Token::Header));
    let heading = short!("Error budgets, worst first · {}", format::count(statuses.len()));
    let room = top(Rect { width: title_room(&placed, area), ..area }, 1);
    let few = short!("Error budgets · {}", format::count(statuses.len()));
    let heading = fitting(room, &[&heading, &few, "Budgets"]);
    title(scene, buf, room, heading, focused);
    rows(&placed, list, buf, first, statuses.len(), |col, row, cell| {
        if let Some(status) = statuses.get(row) {
            budget_cell(scene, col, status, cell);
        }
    });
    if let Some(row) = selected {
        mark_row(scene, buf, list, row, first, focused);
    }
    Drawn { top: first, page, ..Drawn::default() }
}

/// Cells before the first column with a heading.
pub(crate) fn title_room<C: Copy>(
    placed: &[crate::view::widgets::table::Placed<C>],
    area: Rect,
) -> u16 {
    let first = placed.iter().find(|p| !p.title().is_empty());
    first.map_or(area.width, |p| p.text_x().saturating_sub(area.x).saturating_sub(2))
}

/// Marks row `row` of a list whose first shown row is `first`.
pub(crate) fn mark_row(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    list: Rect,
    row: usize,
    first: usize,
    focused: bool,
) {
    let line = u16::try_from(row.saturating_sub(first)).unwrap_or(u16::MAX);
    if row >= first && line < list.height {
        select(scene, buf, top(below(list, line), 1), focused);
    }
}

/// Writes service and title, not saying the service twice.
pub(crate) fn name(scene: &Scene<'_>, status: &SloStatus, token: Token, cell: &mut Cell<'_>) {
    let style = scene.style(token);
    match scene.slo(status) {
        Some(slo) if repeats(&slo.title, slo.service.as_str()) => {
            cell.put(&slo.title, style);
        }
        Some(slo) => {
            cell.put(slo.service.as_str(), style).skip(1).put(&slo.title, style);
        }
        None => {
            cell.put(status.slo.as_str(), style);
        }
    }
}

/// The condition that tells most: the first that holds, else the most urgent.
pub(crate) fn telling(status: &SloStatus) -> Option<&crate::model::ConditionState> {
    let holds = status.conditions.iter().find(|c| c.held == Held::Yes);
    holds.or(status.conditions.first())
}

/// Colour of a burn against its threshold.
pub(crate) fn burn_token(rate: Reading, factor: f64) -> Token {
    match rate {
        Reading::Value(v) if v > factor => Token::Error,
        Reading::Value(v) if v > 1.0 => Token::Warning,
        Reading::Value(_) => Token::Text,
        Reading::NoData => Token::NoData,
        Reading::NaN | Reading::Unknown => Token::Unknown,
    }
}

fn burn_cell(
    scene: &Scene<'_>,
    fresh: bool,
    window: Span,
    rate: Reading,
    factor: f64,
    cell: &mut Cell<'_>,
) {
    let style = scene.unless_stale(fresh, burn_token(rate, factor));
    let room = cell.room();
    let text = reading(rate, format::burn);
    cell.put(&text, style);
    if room >= 9 {
        // The window stands before the number, a space between them.
        cell.put_right(&short!("{window} "), scene.style(Token::Muted));
    }
}

fn budget_cell(scene: &Scene<'_>, col: Col, status: &SloStatus, cell: &mut Cell<'_>) {
    let fresh = scene.is_fresh(status);
    let (mark, _, token) = verdict(status.verdict);
    match col {
        Col::Mark => {
            // A shape of health needs fresh data.
            let mark = if fresh || status.verdict != Verdict::Fine { mark } else { "?" };
            cell.put(mark, scene.unless_stale(fresh, token));
        }
        Col::Name => name(scene, status, if fresh { Token::Text } else { Token::Stale }, cell),
        Col::Long => {
            if let Some(c) = telling(status) {
                let (w, r, f) = (c.condition.long, c.long, c.condition.factor);
                burn_cell(scene, fresh, w, r, f, cell);
            }
        }
        Col::Short => {
            if let Some(c) = telling(status) {
                let (w, r, f) = (c.condition.short, c.short, c.condition.factor);
                burn_cell(scene, fresh, w, r, f, cell);
            }
        }
        Col::Trend => trend(scene, status, scene.unless_stale(fresh, token), cell),
        Col::Left => left_cell(scene, status, fresh, cell),
        Col::Gone => gone_cell(scene, status, fresh, cell),
    }
}

/// The burn's history as a sparkline.
pub(crate) fn trend(scene: &Scene<'_>, status: &SloStatus, style: Style, cell: &mut Cell<'_>) {
    let (row, time) = (cell.area(), Window::last(scene.state.ui.range, scene.now()));
    spark(cell.buf(), row, &status.history, time, 1.0, style);
}

/// What is left of the budget, or how old that figure is.
pub(crate) fn left_cell(scene: &Scene<'_>, status: &SloStatus, fresh: bool, cell: &mut Cell<'_>) {
    let token = match status.budget_left {
        Reading::Value(v) if v <= 0.0 => Token::Error,
        Reading::Value(v) if v < 0.25 => Token::Warning,
        Reading::Value(_) if status.verdict == Verdict::Fine => Token::Ok,
        Reading::Value(_) => Token::Text,
        Reading::NoData => Token::NoData,
        Reading::NaN | Reading::Unknown => Token::Unknown,
    };
    cell.put(&reading(status.budget_left, format::left), scene.unless_stale(fresh, token));
}

/// When the budget is gone; for old figures, their age instead.
pub(crate) fn gone_cell(scene: &Scene<'_>, status: &SloStatus, fresh: bool, cell: &mut Cell<'_>) {
    if !fresh && status.at.is_some() {
        let age = format::age(status.at, scene.now());
        cell.put(&short!("{age} old"), scene.style(Token::Stale));
        return;
    }
    let token = match status.exhaustion {
        Exhaustion::Gone => Token::Error,
        Exhaustion::In(span) if span <= Span::from_days(1) => Token::Error,
        Exhaustion::In(_) => Token::Warning,
        Exhaustion::Lasts => Token::Muted,
        Exhaustion::Unknown => Token::Unknown,
    };
    cell.put(&exhaustion(status.exhaustion), scene.unless_stale(fresh, token));
}

fn draw_groups(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, focused: bool) -> Drawn {
    let all = &scene.model().alerts.groups;
    let list = below(area, 1);
    let page = usize::from(list.height);
    if all.is_empty() {
        title(scene, buf, area, "Firing", focused);
        empty(scene, buf, list, scene.nothing(SourceKind::Alertmanager, "No alerts fire"));
        return Drawn { page, ..Drawn::default() };
    }
    let ui = &scene.state.ui.bridge;
    let selected = ui.group.as_ref().and_then(|key| all.iter().position(|g| g.key == *key));
    let first =
        first_visible(ui.group_scroll, selected.unwrap_or(ui.group_scroll), page, all.len());
    let placed = place(&BRIDGE, area);
    headings(&placed, area, buf, scene.style(Token::Header));
    let hidden = all.len().saturating_sub(page);
    let groups = format::count(all.len());
    let heading = match hidden {
        0 => short!("Firing · {groups}"),
        _ => short!("Firing · {groups} groups"),
    };
    title(scene, buf, top(Rect { width: title_room(&placed, area), ..area }, 1), &heading, focused);
    rows(&placed, list, buf, first, all.len(), |col, row, cell| {
        if let Some(group) = all.get(row) {
            groups::cell(scene, col, group, None, cell);
        }
    });
    if let Some(row) = selected {
        mark_row(scene, buf, list, row, first, focused);
    }
    Drawn { top: first, page, ..Drawn::default() }
}

/// A thin rule of words: title at the left, the rest of the line left free.
pub(crate) fn label(scene: &Scene<'_>, pen: &mut Pen<'_>, text: &str, focused: bool) {
    let style = scene.style(Token::Title);
    pen.put(if focused { "▸ " } else { "" }, style).put(text, style).skip(2);
}
