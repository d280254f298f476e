//! The SLOs screen: every objective with budget, burn and verdict; the selected one with its history.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::actions::Action;
use crate::app::{Drawn, first_visible};
use crate::domain::{Band, Reading, SourceKind, Span, Unit};
use crate::model::{ConditionState, Exhaustion, Held, SloStatus, Verdict};
use crate::theme::Token;
use crate::view::format::{self, short};
use crate::view::scene::{Scene, reading, verdict};
use crate::view::strip::slo_name;
use crate::view::widgets::chart::{ChartStyle, Scale, Window, axes, chart};
use crate::view::widgets::table::{Cell, Column, headings, place, rows};
use crate::view::widgets::text::{Pen, below, top, width, wrap};

use super::bridge::{burn_token, gone_cell, left_cell, mark_row, name, title_room, trend};
use super::{Finder, empty, fitting, inner, title};

/// Columns of objectives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Col {
    Mark,
    Name,
    Verdict,
    Target,
    Gauge,
    Left,
    Long,
    Short,
    Trend,
    Holds,
    Gone,
}

const COLUMNS: [Column<Col>; 11] = [
    Column::new(Col::Mark, "", 1, 0),
    Column::new(Col::Name, "", 27, 0).up_to(42).grow(),
    Column::new(Col::Verdict, "stands", 11, 0),
    Column::new(Col::Target, "target", 7, 6).right(),
    Column::new(Col::Gauge, "budget", 6, 3).up_to(16),
    Column::new(Col::Left, "left", 7, 0).right(),
    Column::new(Col::Long, "long", 7, 1).right(),
    Column::new(Col::Short, "short", 7, 4).right(),
    Column::new(Col::Trend, "trend", 8, 7).up_to(24),
    Column::new(Col::Holds, "holds", 13, 5),
    Column::new(Col::Gone, "gone in", 7, 2).right(),
];

/// Draws the screen.
pub(crate) fn draw(scene: &Scene<'_>, buf: &mut Buffer, body: Rect) -> Drawn {
    let statuses = &scene.model().slos.statuses;
    let ui = &scene.state.ui.slos;
    let filtered = !ui.filter_text.is_empty();
    let mut area = body;
    if filtered {
        let mut pen = Pen::new(buf, inner(area), 0);
        let all = format::count(statuses.len());
        let count = short!("{} of {all}", format::count(ui.rows.len()));
        pen.right(&count, scene.style(Token::Muted)).trim(2);
        pen.put("/ ", scene.style(Token::Key)).put(&ui.filter_text, scene.style(Token::Input));
        area = below(area, 1);
    }
    if ui.rows.is_empty() {
        title(scene, buf, area, "Objectives", true);
        let words = if filtered && !statuses.is_empty() {
            ("No objective matches the filter.".to_owned(), Token::Muted)
        } else if scene.model().catalog.slos.is_empty() {
            scene.undeclared("No objectives are declared in the catalog.")
        } else {
            scene.nothing(SourceKind::Prometheus, "No budget can be said")
        };
        empty(scene, buf, below(area, 1), words);
        return Drawn { page: usize::from(area.height.saturating_sub(1)), ..Drawn::default() };
    }
    let detail = match area.height {
        0..=15 => 0,
        16..=26 => 10,
        h => (h * 2 / 5).max(14),
    };
    let wanted = u16::try_from(ui.rows.len()).unwrap_or(u16::MAX).saturating_add(1);
    let table = top(area, wanted.min(area.height - detail - u16::from(detail > 0)));
    let (drawn, selected) = draw_table(scene, buf, table);
    let status = selected.and_then(|at| {
        let id = ui.rows.get(at)?;
        Finder::new(statuses, at).find(|s| s.slo == *id)
    });
    let left = area.height.saturating_sub(table.height + 1);
    if let (Some(status), 4..) = (status, left) {
        about(scene, buf, inner(below(area, table.height + 1)), status);
    }
    drawn
}

fn draw_table(scene: &Scene<'_>, buf: &mut Buffer, area: Rect) -> (Drawn, Option<usize>) {
    let ui = &scene.state.ui.slos;
    let list = below(area, 1);
    let page = usize::from(list.height);
    let selected = ui.selected.as_ref().and_then(|id| ui.rows.iter().position(|r| r == id));
    let first = first_visible(ui.scroll, selected.unwrap_or(ui.scroll), page, ui.rows.len());
    let (outer, area, list) = (area, inner(area), inner(list));
    let placed = place(&COLUMNS, area);
    headings(&placed, area, buf, scene.style(Token::Header));
    let room = top(Rect { width: title_room(&placed, outer), ..outer }, 1);
    let count = format::count(ui.rows.len());
    let (long, few) = (short!("Objectives, worst first · {count}"), short!("Objectives · {count}"));
    title(scene, buf, room, fitting(room, &[&long, &few, "Objectives"]), true);
    let mut finder = Finder::new(&scene.model().slos.statuses, first);
    let shown = ui.rows.iter().skip(first).map(|id| {
        let status = finder.find(|s| s.slo == *id)?;
        Some((status, scene.is_fresh(status)))
    });
    rows(&placed, list, buf, shown, |col, row, cell| {
        if let Some((status, fresh)) = row {
            slo_cell(scene, col, status, *fresh, cell);
        }
    });
    if let Some(row) = selected {
        mark_row(scene, buf, list, row, first, true);
    }
    (Drawn { top: first, page, ..Drawn::default() }, selected)
}

fn slo_cell(scene: &Scene<'_>, col: Col, status: &SloStatus, fresh: bool, cell: &mut Cell<'_>) {
    let (mark, word, token) = verdict(status.verdict);
    let old_news = !fresh && status.verdict == Verdict::Fine;
    let burn = |pick: fn(&ConditionState) -> Reading, cell: &mut Cell<'_>| {
        if let Some(c) = status.telling() {
            let rate = pick(c);
            let token = burn_token(rate, c, status.verdict);
            cell.put(&reading(rate, format::burn), scene.unless_stale(fresh, token));
        }
    };
    match col {
        Col::Mark => {
            cell.put(if old_news { "?" } else { mark }, scene.unless_stale(fresh, token));
        }
        Col::Name => name(scene, status, fresh, cell),
        Col::Verdict => {
            let word = if old_news { "was fine" } else { word };
            cell.put(word, scene.unless_stale(fresh, token));
        }
        Col::Target => {
            if let Some(slo) = scene.slo(status) {
                cell.put(&format::objective(slo.objective), scene.style(Token::Muted));
            }
        }
        Col::Gauge => gauge(scene, status, fresh, cell),
        Col::Left => left_cell(scene, status, fresh, cell),
        Col::Long => burn(|c| c.long, cell),
        Col::Short => burn(|c| c.short, cell),
        Col::Trend => trend(scene, status, fresh, cell),
        Col::Holds => {
            if let Some(c) = status.conditions.iter().find(|c| c.held == Held::Yes) {
                let (name, pair) = (c.condition.urgency.name(), pair(c));
                cell.put(&short!("{name} {pair}"), scene.unless_stale(fresh, token));
            } else if status.conditions.iter().any(|c| c.held == Held::Unknown) {
                cell.put("cannot say", scene.style(Token::Unknown));
            } else {
                cell.put("none", scene.style(Token::Muted));
            }
        }
        Col::Gone => gone_cell(scene, status, fresh, cell),
    }
}

/// The pair of windows as `1h/5m`.
fn pair(c: &ConditionState) -> format::Short {
    short!("{}/{}", c.condition.long, c.condition.short)
}

/// What is left of the budget, as a bar.
fn gauge(scene: &Scene<'_>, status: &SloStatus, fresh: bool, cell: &mut Cell<'_>) {
    let room = cell.room();
    let Some(left) = status.budget_left.value().filter(|v| v.is_finite()) else {
        // An empty bar would look like a spent budget.
        for _ in 0..room {
            cell.put("·", scene.style(Token::Unknown));
        }
        return;
    };
    let full = (left.clamp(0.0, 1.0) * room as f64).ceil() as usize;
    let token = match left {
        v if v <= 0.0 => Token::GaugeSpent,
        v if v < 0.25 => Token::GaugeLow,
        _ => Token::GaugeFull,
    };
    for at in 0..room {
        let (glyph, token) = if at < full { ("█", token) } else { ("─", Token::GaugeSpent) };
        let token = if token == Token::GaugeSpent && left > 0.0 { Token::Border } else { token };
        cell.put(glyph, scene.unless_stale(fresh || at >= full, token));
    }
}

/// Chart, conditions and a sentence about the selected objective.
fn about(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, status: &SloStatus) {
    let fresh = scene.is_fresh(status);
    let (mark, word, token) = verdict(status.verdict);
    let mut pen = Pen::new(buf, area, 0);
    let text = slo_name(scene, status);
    if let Some(slo) = scene.slo(status) {
        let objective = format::objective(slo.objective);
        let target = match status.at {
            None => short!("{objective} over {}", slo.period),
            at => short!("{objective} over {}, {} old", slo.period, format::age(at, scene.now())),
        };
        pen.right(&target, scene.style(Token::Muted)).trim(2);
    }
    pen.put(&text, scene.style(Token::Title)).skip(2);
    pen.put(mark, scene.unless_stale(fresh, token)).skip(1);
    pen.put(word, scene.unless_stale(fresh, token));
    let body = below(area, 1);
    let mut used = 0;
    wrap(&sentence(scene, status, fresh), usize::from(body.width), |line| {
        if used < 3 {
            Pen::new(buf, body, used).put(line, scene.unless_stale(fresh, Token::Text));
        }
        used += 1;
    });
    let body = below(body, used.min(3) + u16::from(body.height > 9));
    if body.width >= 76 {
        let table = if body.width >= 100 { 51 } else { 42 };
        let left = Rect { width: table, ..body };
        conditions(scene, buf, left, status, fresh);
        facts(scene, buf, below(left, status.conditions.len() as u16 + 2), status);
        let x = body.x + table + 3;
        let beside = Rect { x, width: body.width - table - 3, ..body };
        history(scene, buf, beside, status, fresh, false);
    } else {
        let rows = u16::try_from(status.conditions.len()).unwrap_or(u16::MAX).saturating_add(1);
        conditions(scene, buf, top(body, rows), status, fresh);
        history(scene, buf, below(body, rows), status, fresh, false);
    }
}

/// How it stands, in words.
fn sentence(scene: &Scene<'_>, status: &SloStatus, fresh: bool) -> String {
    let left = reading(status.budget_left, format::left);
    let said = match status.verdict {
        Verdict::NoData => {
            "The series it is measured by do not exist now; this is not zero errors.".into()
        }
        Verdict::NoTraffic => "No requests in the windows: there is nothing to judge by.".into(),
        Verdict::LowTraffic => "Too few requests to judge by.".into(),
        Verdict::Unknown => "Not known: its source has not answered for it.".into(),
        Verdict::Spent => {
            let over = match status.budget_left.value() {
                Some(v) if v < 0.0 => format!(", overspent by {}", format::percent(-v)),
                _ => String::new(),
            };
            format!(
                "The budget is spent{over}: by what failed earlier, for nothing burns fast now."
            )
        }
        Verdict::Page | Verdict::Ticket | Verdict::Burning | Verdict::Fine => {
            let end = match status.exhaustion {
                Exhaustion::Gone => "the budget is gone".into(),
                Exhaustion::In(span) => {
                    format!("gone in {} at the present burn", format::span(span))
                }
                Exhaustion::Lasts => "lasts the period at the present burn".into(),
                Exhaustion::Unknown => "when it is gone cannot be said".into(),
            };
            match status.budget_left.value() {
                Some(v) if v < 0.0 => format!("Overspent by {}: {end}.", format::percent(-v)),
                _ => format!("{left} of the budget is left; {end}."),
            }
        }
    };
    let age = format::age(status.at, scene.now());
    match (status.at, fresh) {
        (None, _) => said,
        (Some(_), true) => said,
        (Some(_), false) => format!("Not current, {age} old: {said}"),
    }
}

/// What the figures rest on, where there is room below the conditions.
fn facts(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, status: &SloStatus) {
    let Some(slo) = scene.slo(status) else { return };
    let muted = scene.style(Token::Muted);
    let mut row = 0;
    let mut fact = |name: &str, text: &str, token: Token| {
        let mut pen = Pen::new(buf, area, row);
        pen.put(name, muted).to(area.x + 9).put(text, scene.style(token));
        row += 1;
    };
    let allowed = slo.period.scale(1.0 - slo.objective);
    let budget = format::percent(1.0 - slo.objective);
    fact(
        "budget",
        &format!("{budget} of {}: {} of outage", slo.period, format::span(allowed)),
        Token::Text,
    );
    let traffic = reading(status.traffic, |v| format::quantity(v, Unit::PerSecond));
    fact("traffic", &traffic, Token::Text);
    let service = scene.model().catalog.services.get(&slo.service);
    match service.map(|s| &s.owner).filter(|o| !o.is_empty()) {
        Some(owner) => fact("owner", owner, Token::Text),
        None => fact("owner", "no owner in the catalog", Token::Warning),
    }
    if let Some(source) = scene.source_of(status) {
        fact("source", source.id.as_str(), Token::Text);
    }
    let key = scene.keymap.key_for(Action::Explain).unwrap_or(":explain");
    fact(key, "how every figure is computed", Token::Muted);
}

/// Columns of conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Held,
    Who,
    Windows,
    Long,
    Short,
    Factor,
    Since,
}

const CONDITIONS: [Column<Part>; 7] = [
    Column::new(Part::Held, "", 1, 0),
    Column::new(Part::Who, "", 6, 0),
    Column::new(Part::Windows, "", 6, 0).up_to(8),
    Column::new(Part::Long, "long", 7, 0).right(),
    Column::new(Part::Short, "short", 7, 0).right(),
    Column::new(Part::Factor, "over", 5, 1).right(),
    Column::new(Part::Since, "holds", 7, 2),
];

fn conditions(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, status: &SloStatus, fresh: bool) {
    let placed = place(&CONDITIONS, area);
    headings(&placed, area, buf, scene.style(Token::Header));
    Pen::new(buf, top(Rect { width: title_room(&placed, area), ..area }, 1), 0)
        .put("Conditions", scene.style(Token::Header));
    rows(&placed, below(area, 1), buf, &status.conditions, |part, c, cell| {
        let rate = |r: Reading, cell: &mut Cell<'_>| {
            let token = burn_token(r, c, status.verdict);
            cell.put(&reading(r, format::burn), scene.unless_stale(fresh, token));
        };
        match part {
            Part::Held => {
                let (mark, token) = match c.held {
                    Held::Yes if c.few => ("○", Token::Unknown),
                    Held::Yes => ("▲", Token::Error),
                    Held::No => ("·", Token::Muted),
                    Held::Unknown => ("?", Token::Unknown),
                };
                cell.put(mark, scene.unless_stale(fresh, token));
            }
            Part::Who => {
                cell.put(c.condition.urgency.name(), scene.style(Token::Text));
            }
            Part::Windows => {
                cell.put(&pair(c), scene.style(Token::Muted));
            }
            Part::Long => rate(c.long, cell),
            Part::Short => rate(c.short, cell),
            Part::Factor => {
                cell.put(&format::burn(c.condition.factor), scene.style(Token::Muted));
            }
            Part::Since => match (c.held, c.since) {
                _ if c.few => {
                    cell.put("too few", scene.style(Token::Unknown));
                }
                (Held::Yes, Some(since)) => {
                    let age = format::age(Some(since), scene.now());
                    cell.put(&short!("for {age}"), scene.unless_stale(fresh, Token::Error));
                }
                (Held::Yes, None) => {
                    cell.put("yes", scene.unless_stale(fresh, Token::Error));
                }
                (Held::Unknown, _) => {
                    cell.put("?", scene.style(Token::Unknown));
                }
                (Held::No, _) => {
                    cell.put("no", scene.style(Token::Muted));
                }
            },
        }
    });
}

/// Burn over time with 1× and the thresholds as lines, each with its number.
pub(super) fn history(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    status: &SloStatus,
    fresh: bool,
    named: bool,
) {
    if area.height < 3 {
        return;
    }
    let time = Window::last(scene.state.ui.range, scene.now());
    let scale = Scale::over(&status.history, &Band::default(), time, 1.0);
    // A threshold is in view when the line comes anywhere near it; otherwise it is only named.
    let factors = || status.conditions.iter().map(|c| c.condition.factor);
    let nearest = factors().filter(|f| *f > scale.high).fold(f64::INFINITY, f64::min);
    let reach = if nearest <= scale.high * 2.5 { nearest } else { scale.high };
    let scale = Scale { high: reach, ..scale }.rounded();
    let window = status.history_window;
    let what = if named { slo_name(scene, status) + ": burn" } else { "Burn".to_owned() };
    let over = if window > Span::ZERO { format!(" over {window}") } else { String::new() };
    let mut pen = Pen::new(buf, area, 0);
    let next = factors().filter(|f| *f > scale.high).fold(f64::INFINITY, f64::min);
    let heading = format!("{what}{over}, last {}", scene.state.ui.range);
    if next.is_finite() {
        let words = short!("next threshold {} is higher", format::burn(next));
        if width(&heading) + width(&words) + 2 <= pen.room() {
            pen.right(&words, scene.style(Token::Muted)).trim(2);
        }
    }
    pen.put(&heading, scene.style(Token::Header));
    let (axis, limit) = (scene.style(Token::ChartAxis), scene.style(Token::ChartLimit));
    let (mut values, mut marks) = (Vec::with_capacity(6), Vec::with_capacity(5));
    for c in &status.conditions {
        let (factor, who) = (c.condition.factor, c.condition.urgency.name());
        values.push((factor, short!("{who} {}", format::burn(factor)), limit));
        marks.push((factor, limit));
    }
    values.push((0.0, short!("0"), axis));
    values.push((1.0, short!("1×"), axis));
    marks.push((1.0, axis));
    values.push((scale.high, format::burn(scale.high), axis));
    let from = scene.zone.minute(time.from, scene.now());
    let plot = axes(buf, below(area, 1), scale, &values, (&from, "now"), axis);
    let style = ChartStyle {
        line: scene.unless_stale(fresh, Token::ChartLine),
        band: scene.style(Token::ChartBand),
    };
    if !chart(buf, plot, &status.history, &Band::default(), &marks, (time, scale), style) {
        Pen::new(buf, plot, plot.height / 2)
            .put("no history in this time range", scene.style(Token::Unknown));
    }
}
