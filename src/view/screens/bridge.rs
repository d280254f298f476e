//! The Bridge: budgets worst first, firing groups, golden signals, sources.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::actions::Action;
use crate::app::{BridgePane, Drawn, first_visible};
use crate::domain::{Reading, SourceKind, Span};
use crate::model::{ConditionState, Exhaustion, Held, SloStatus, Verdict};
use crate::theme::Token;
use crate::view::format::{self, short};
use crate::view::scene::{Scene, exhaustion, reading, verdict};
use crate::view::widgets::chart::{Window, spark};
use crate::view::widgets::table::{Cell, Column, headings, place, rows};
use crate::view::widgets::text::{Pen, below, top};

use super::around::{self, Around};
use super::groups::{self, BRIDGE};
use super::{
    capacity, changed, detail, empty, fitting, incidents, inner, lately, select, signals, slos,
    sources, suspects, title,
};

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
    Column::new(Col::Name, "", 24, 0).up_to(40).grow(),
    Column::new(Col::Long, "burn", 7, 0).up_to(10).right(),
    Column::new(Col::Short, "short", 7, 3).up_to(10).right(),
    Column::new(Col::Trend, "trend", 8, 4).up_to(24),
    Column::new(Col::Left, "left", 7, 0).right(),
    Column::new(Col::Gone, "gone in", 7, 2).right(),
];

/// Places of the panes; one without height is not drawn.
struct Panes {
    budgets: Rect,
    groups: Rect,
    /// What is around the selected service.
    around: Rect,
    signals: Rect,
    sources: Rect,
    /// What runs out next, above the latest entries.
    next: Rect,
    lately: Rect,
    burn: Rect,
}

impl Panes {
    /// Everything that begins below the budgets moved down by some lines.
    fn lowered(mut self, by: u16) -> Self {
        let end = self.budgets.bottom();
        let rest = [
            &mut self.groups,
            &mut self.around,
            &mut self.signals,
            &mut self.sources,
            &mut self.next,
            &mut self.lately,
            &mut self.burn,
        ];
        for pane in rest {
            pane.y += if pane.y >= end { by } else { 0 };
        }
        self
    }
}

/// From here on sources and the latest entries stand beside the groups.
const WIDE: u16 = 110;
/// From here on what runs out next stands there too: so many of them at most.
const NEXT_FROM: u16 = 118;
const NEXT: usize = 5;
/// From here on budgets and groups stand beside each other.
const WIDEST: u16 = 160;
/// Rows the charts keep when what is around the service wants some.
const CHARTS: u16 = 10;

/// Lines for what is around the service and a free one, of those the charts can spare.
fn beside(wanted: u16, spare: u16) -> u16 {
    let lines = if wanted > 0 { (wanted + 1).min(spare) } else { 0 };
    if lines < 2 { 0 } else { lines }
}

/// `around`: how many lines what is around the selected service wants.
fn panes(scene: &Scene<'_>, body: Rect, around: u16) -> Panes {
    let rows = |n: usize| u16::try_from(n).unwrap_or(u16::MAX - 1) + 1;
    let (slos, groups) = (
        rows(scene.model().slos.statuses.len().max(1)),
        rows(scene.model().alerts.groups.len().max(1)),
    );
    let none = Rect { height: 0, ..body };
    if body.width < WIDE || body.height < 22 {
        return narrow(scene, body, (slos, groups));
    }
    let half = |area: Rect, share: u16| {
        let left = (area.width - 1) * share / 100;
        let right = area.width - 1 - left;
        (Rect { width: left, ..area }, Rect { x: area.x + left + 1, width: right, ..area })
    };
    let list = rows(scene.model().sources.len().max(1));
    let rail = |area: Rect| {
        let sources = top(area, list.min(area.height / 2).max(3));
        let rest = below(area, sources.height + 1);
        let gauges = scene.state.ui.capacity.gauges.len();
        // The latest entries keep at least three rows.
        let next = rows(gauges.min(NEXT)).min(rest.height.saturating_sub(4));
        let next = if body.width < NEXT_FROM || next < 2 { 0 } else { next };
        (sources, top(rest, next), below(rest, next + u16::from(next > 0)))
    };
    if body.width >= WIDEST {
        let lists = slos.max(groups).clamp(6, body.height / 2);
        let (budgets, groups) = half(top(body, lists), 54);
        let rest = below(body, lists + 1);
        let charts = if rest.height < 28 { rest.height.min(16) } else { 17 };
        let strip = beside(around, charts.saturating_sub(CHARTS));
        let around = top(rest, strip.saturating_sub(1));
        let (rest, charts) = (below(rest, strip), charts - strip);
        let signals = top(rest, charts);
        let (burn, beside) = half(below(rest, charts + 1), 62);
        let (sources, next, lately) = rail(beside);
        if burn.height < 7 {
            let (signals, beside) = half(rest, 76);
            let (sources, next, lately) = rail(beside);
            return Panes { budgets, groups, around, signals, sources, next, lately, burn: none };
        }
        return Panes { budgets, groups, around, signals, sources, next, lately, burn };
    }
    // Charts keep at least nine rows; each list gets what it needs, and what is left makes the charts
    // taller first, then the middle.
    let lists = body.height - 2 - if body.height < 28 { 8 } else { 10 };
    let budgets = slos.min(lists - groups.max(6).min(lists / 2));
    let middle = groups.max(6).min(lists - budgets);
    let spare = body.height - 2 - budgets - middle;
    let charts = spare.min(17);
    let middle = middle + spare - charts;
    let strip = beside(around, charts.saturating_sub(CHARTS));
    let around = below(body, budgets + middle + 2);
    let around = top(around, strip.saturating_sub(1));
    let (groups, beside) = half(top(below(body, budgets + 1), middle), 66);
    let (sources, next, lately) = rail(beside);
    let signals = below(body, budgets + middle + 2 + strip);
    let budgets = top(body, budgets);
    Panes { budgets, groups, around, signals, sources, next, lately, burn: none }
}

/// One below the other; with little height signals and sources take a line each, their title in it.
fn narrow(scene: &Scene<'_>, body: Rect, (slos, groups): (u16, u16)) -> Panes {
    let none = Rect { height: 0, ..body };
    let gap = u16::from(body.height >= 14);
    let (fresh, all) = scene.health(None);
    let line = if fresh == all || body.height < 18 { 1 } else { 2 };
    // Where the lists leave room for charts, they get it.
    let lists = slos.saturating_add(groups).saturating_add(gap * 2 + line + 1);
    let room = body.height.saturating_sub(lists);
    let (signals, sources) = match body.height {
        0..=7 => (0, 1),
        8..=13 => (1, 1),
        14..=26 if room >= 11 => (room, line),
        14..=26 => (2, line),
        h => ((h * 2 / 5).max(11), line),
    };
    let needed = slos.saturating_add(groups) + gap * 2 + signals + sources;
    let apart = u16::from(body.height >= 27 || (gap > 0 && needed < body.height));
    let foot = signals + sources + apart;
    let head = body.height.saturating_sub(foot + gap * 2);
    let even = head / 2;
    let slo_rows = if slos <= even { slos } else { slos.min(head - groups.min(head - even)) };
    let wanted = groups.min(head - slo_rows);
    // Charts grow into what the lists do not need.
    let spare = if body.height >= 27 { head - slo_rows - wanted } else { 0 };
    let group_rows = head - slo_rows - spare;
    let foot = below(body, slo_rows + group_rows + gap * 2);
    Panes {
        budgets: top(body, slo_rows),
        groups: top(below(body, slo_rows + gap), group_rows),
        around: none,
        signals: top(foot, signals + spare),
        sources: below(foot, foot.height.saturating_sub(sources)),
        next: none,
        lately: none,
        burn: none,
    }
}

/// Draws the screen.
pub(crate) fn draw(scene: &Scene<'_>, buf: &mut Buffer, body: Rect) -> Drawn {
    let pane = scene.state.ui.bridge.pane;
    let body = overdue(scene, buf, body);
    let (live, body) = incidents::split(scene, body);
    let suspect = suspects::height(scene, body);
    let changed = changed::height(scene, body, suspect);
    let lines = suspect + changed;
    let around = if body.width < WIDE { None } else { around::of(scene) };
    let wanted = around.as_ref().map_or(0, Around::height);
    let panes = panes(scene, Rect { height: body.height - lines, ..body }, wanted).lowered(lines);
    let between = below(body, panes.budgets.height);
    suspects::draw(scene, buf, top(between, suspect));
    changed::draw(scene, buf, top(below(between, suspect), changed));
    let incidents = incidents::draw(scene, buf, live, pane == BridgePane::Incidents);
    let budgets = draw_budgets(scene, buf, panes.budgets, pane == BridgePane::Budgets);
    let groups = draw_groups(scene, buf, panes.groups, pane == BridgePane::Groups);
    if let Some(around) = around {
        around.draw(scene, buf, panes.around);
    }
    signals::draw(scene, buf, panes.signals, pane == BridgePane::Signals);
    let sources = sources::pane(scene, buf, panes.sources, pane == BridgePane::Sources);
    capacity::first_few(scene, buf, panes.next);
    lately::draw(scene, buf, panes.lately);
    if panes.burn.height > 0 {
        let selected = scene.state.ui.bridge.slo.as_ref();
        let statuses = &scene.model().slos.statuses;
        if let Some(status) = statuses.iter().find(|s| Some(&s.slo) == selected) {
            slos::history(scene, buf, inner(panes.burn), status, scene.is_fresh(status), true);
        }
    }
    match pane {
        BridgePane::Incidents => incidents,
        BridgePane::Budgets => budgets,
        BridgePane::Groups => groups,
        BridgePane::Signals => Drawn::default(),
        BridgePane::Sources => sources,
    }
}

/// Follow-ups of reviews whose time is up, in one line over everything else; gives what is left.
fn overdue(scene: &Scene<'_>, buf: &mut Buffer, body: Rect) -> Rect {
    let late = scene.model().incidents.overdue_follow_ups(scene.now());
    let Some((incident, _, first)) = late.first() else { return body };
    if body.height < 12 {
        return body;
    }
    let mut pen = Pen::new(buf, inner(body), 0);
    pen.put("▲ ", scene.style(Token::Error));
    let count = match late.len() {
        1 => short!("Follow-up overdue: "),
        n => short!("{} follow-ups overdue: ", n),
    };
    if let Some(key) = scene.keymap.key_for(Action::Review) {
        pen.right(" shows it", scene.style(Token::Muted)).right(key, scene.style(Token::Key));
        pen.trim(1);
    }
    pen.put(&count, scene.style(Token::Error));
    let said = format!("{} ({}, {})", first.text, first.owner_words(), incident.id);
    pen.put(&said, scene.style(Token::Text));
    below(body, 1)
}

fn draw_budgets(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, focused: bool) -> Drawn {
    let statuses = &scene.model().slos.statuses;
    let list = below(area, 1);
    let page = usize::from(list.height);
    if statuses.is_empty() {
        title(scene, buf, area, "Error budgets", focused);
        let words = if scene.model().catalog.slos.is_empty() {
            scene.undeclared("No objectives are declared in the catalog.")
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
    let (outer, area, list) = (area, inner(area), inner(list));
    let placed = place(&BUDGETS, area);
    headings(&placed, area, buf, scene.style(Token::Header));
    let heading = short!("Error budgets, worst first · {}", format::count(statuses.len()));
    let room = top(Rect { width: title_room(&placed, outer), ..outer }, 1);
    let few = short!("Error budgets · {}", format::count(statuses.len()));
    let heading = fitting(room, &[&heading, &few, "Budgets"]);
    title(scene, buf, room, heading, focused);
    let shown = statuses.iter().skip(first).map(|status| (status, scene.is_fresh(status)));
    rows(&placed, list, buf, shown, |col, (status, fresh), cell| {
        budget_cell(scene, col, status, *fresh, cell);
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

/// Writes service and title, the service first, not saying it twice.
pub(crate) fn name(scene: &Scene<'_>, status: &SloStatus, fresh: bool, cell: &mut Cell<'_>) {
    let strong = scene.unless_stale(fresh, Token::Text);
    let calm = status.verdict == Verdict::Fine;
    match scene.slo(status) {
        Some(slo) if slo.names_service() => {
            cell.put_name(&slo.title, strong);
        }
        Some(slo) => {
            let token = if calm { Token::Muted } else { Token::Text };
            cell.put(slo.service.as_str(), strong).skip(1);
            cell.put_name(&slo.title, scene.unless_stale(fresh, token));
        }
        None => {
            cell.put(status.slo.as_str(), strong);
        }
    }
}

/// Colour of a burn: loud only where its condition holds, or where the verdict says that it burns. One
/// window alone over its threshold is worth a look, no more.
pub(crate) fn burn_token(rate: Reading, c: &ConditionState, verdict: Verdict) -> Token {
    match rate {
        Reading::Value(v) if v > c.condition.factor && c.held == Held::Yes => Token::Error,
        Reading::Value(v) if v > c.condition.factor => Token::Warning,
        Reading::Value(v) if v > 1.0 && verdict == Verdict::Burning => Token::Warning,
        Reading::Value(_) => Token::Text,
        Reading::NoData => Token::NoData,
        Reading::NaN | Reading::Unknown => Token::Unknown,
    }
}

fn burn_cell(
    scene: &Scene<'_>,
    fresh: bool,
    (window, rate): (Span, Reading),
    token: Token,
    cell: &mut Cell<'_>,
) {
    let room = cell.room();
    cell.put(&reading(rate, format::burn), scene.unless_stale(fresh, token));
    if room >= 9 {
        // The window stands before the number, a space between them.
        cell.put_right(&short!("{window} "), scene.style(Token::Muted));
    }
}

fn budget_cell(scene: &Scene<'_>, col: Col, status: &SloStatus, fresh: bool, cell: &mut Cell<'_>) {
    let (mark, _, token) = verdict(status.verdict);
    match col {
        Col::Mark => {
            // A shape of health needs fresh data.
            let mark = if fresh || status.verdict != Verdict::Fine { mark } else { "?" };
            cell.put(mark, scene.unless_stale(fresh, token));
        }
        Col::Name => name(scene, status, fresh, cell),
        Col::Long => {
            if let Some(c) = status.telling() {
                let token = burn_token(c.long, c, status.verdict);
                burn_cell(scene, fresh, (c.condition.long, c.long), token, cell);
            }
        }
        Col::Short => {
            if let Some(c) = status.telling() {
                let token = burn_token(c.short, c, status.verdict);
                burn_cell(scene, fresh, (c.condition.short, c.short), token, cell);
            }
        }
        Col::Trend => trend(scene, status, fresh, cell),
        Col::Left => left_cell(scene, status, fresh, cell),
        Col::Gone => gone_cell(scene, status, fresh, cell),
    }
}

/// The burn's history as a sparkline. What the budget allows (up to 1×) takes the two lowest blocks;
/// from there to the highest threshold it grows with the logarithm, and the tallest is beyond it.
pub(crate) fn trend(scene: &Scene<'_>, status: &SloStatus, fresh: bool, cell: &mut Cell<'_>) {
    let (row, time) = (cell.area(), Window::last(scene.state.ui.range, scene.now()));
    let factors = status.conditions.iter().map(|c| c.condition.factor);
    let limit = factors.fold(2.0, f64::max);
    let alarm = scene.unless_stale(fresh, Token::Error);
    let (_, _, token) = verdict(status.verdict);
    let high = match status.verdict {
        Verdict::Fine => scene.unless_stale(fresh, Token::Text),
        _ => scene.unless_stale(fresh, token),
    };
    let low = scene.unless_stale(fresh, Token::Muted);
    spark(cell.buf(), row, &status.history, time, |burn| match burn {
        b if b > limit => (7, alarm),
        b if b > 1.0 => (2 + (b.ln() / limit.ln() * 4.0).round().clamp(0.0, 4.0) as usize, high),
        b if b > 0.5 => (1, low),
        _ => (0, low),
    });
}

/// What is left of the budget, or how old that figure is.
pub(crate) fn left_cell(scene: &Scene<'_>, status: &SloStatus, fresh: bool, cell: &mut Cell<'_>) {
    let token = match status.budget_left {
        Reading::Value(v) if v <= 0.0 => Token::Error,
        Reading::Value(v) if v < 0.25 => Token::Warning,
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
        Exhaustion::In(span) if span <= Span::from_hours(12) => Token::Error,
        Exhaustion::In(span) if span <= Span::from_days(3) => Token::Warning,
        Exhaustion::In(_) if status.verdict == Verdict::Fine => Token::Muted,
        Exhaustion::In(_) => Token::Text,
        Exhaustion::Lasts => Token::Muted,
        Exhaustion::Unknown => Token::Unknown,
    };
    cell.put(&exhaustion(status.exhaustion), scene.unless_stale(fresh, token));
}

fn draw_groups(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, focused: bool) -> Drawn {
    let all = &scene.model().alerts.groups;
    let outer = area;
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
    let (area, list) = (inner(area), inner(list));
    let placed = place(&BRIDGE, area);
    headings(&placed, area, buf, scene.style(Token::Header));
    let hidden = all.len().saturating_sub(page);
    let groups = format::count(all.len());
    let heading = match hidden {
        0 => short!("Firing · {groups}"),
        _ => short!("Firing · {groups} groups"),
    };
    let room = top(Rect { width: title_room(&placed, outer), ..outer }, 1);
    title(scene, buf, room, &heading, focused);
    rows(&placed, list, buf, all.iter().skip(first), |col, group, cell| {
        groups::cell(scene, col, group, None, cell);
    });
    if let Some(row) = selected {
        mark_row(scene, buf, list, row, first, focused);
    }
    let used = u16::try_from(all.len()).unwrap_or(u16::MAX);
    if let (Some(group), true) = (selected.and_then(|at| all.get(at)), list.height > used + 2) {
        detail::brief(scene, buf, below(list, used + 1), group);
    }
    Drawn { top: first, page, ..Drawn::default() }
}

/// A thin rule of words: title at the left, the rest of the line left free.
pub(crate) fn label(scene: &Scene<'_>, pen: &mut Pen<'_>, text: &str, focused: bool) {
    let style = scene.style(Token::Title);
    pen.put(if focused { "▸ " } else { "  " }, style).put(text, style).skip(2);
}
