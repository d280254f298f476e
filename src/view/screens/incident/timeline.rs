//! The timeline: newest at the bottom, people's words before what machines saw. Only the rows on screen
//! are looked at, however many there are.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::app::Drawn;
use crate::domain::{EntryKind, Evidence, Series, Span};
use crate::model::incidents::{Incident, Line, LineKind};
use crate::theme::Token;
use crate::view::format::{self, short};
use crate::view::scene::Scene;
use crate::view::widgets::chart::{Window, spark};
use crate::view::widgets::text::{Pen, below, start, top, width, wrap};

use super::super::{empty, inner, select, title};

/// Written so much later than it happened, an entry is marked as backdated.
const BACKDATED: Span = Span::from_secs(60);
/// Before the text of an entry that is in memory only: a word, since colour alone is not seen by all.
const HELD: &str = "NOT ON DISK: ";
/// Most lines of text of one entry on the screen; all of it is a key away.
const MOST: usize = 4;

/// Letter and colour of a kind.
pub(super) const fn kind(kind: LineKind) -> (&'static str, Token) {
    match kind {
        LineKind::Machine => ("m", Token::Muted),
        LineKind::Entry(EntryKind::Observation) => ("O", Token::Observation),
        LineKind::Entry(EntryKind::Action) => ("A", Token::Deed),
        LineKind::Entry(EntryKind::Decision) => ("D", Token::Decision),
        LineKind::Entry(EntryKind::Communication) => ("C", Token::Communication),
        LineKind::Entry(EntryKind::Evidence) => ("E", Token::Evidence),
        LineKind::Step => ("·", Token::Muted),
        LineKind::Deciding => ("·", Token::Decision),
        LineKind::Refused => ("✕", Token::Error),
    }
}

/// Widths of the columns on this screen.
#[derive(Clone, Copy)]
struct Columns {
    time: u16,
    by: u16,
    /// Lines of text an entry may take.
    most: usize,
}

impl Columns {
    /// Cells left of the text: time, mark, kind, who.
    const fn before(self) -> u16 {
        self.time + 1 + 1 + 1 + 1 + self.by + 1
    }

    fn text(self, area: Rect) -> usize {
        usize::from(area.width.saturating_sub(self.before())).max(1)
    }
}

/// Draws the pane.
pub(super) fn draw(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    incident: &Incident,
    focused: bool,
) -> Drawn {
    let ui = &scene.state.ui.incident;
    let (count, all) = (ui.count(incident), incident.timeline.len());
    if area.height == 0 {
        return Drawn::default();
    }
    heading(scene, buf, area, (count, all), focused);
    let mut list = below(area, 1);
    if !ui.filter_text.is_empty() && list.height > 1 {
        let mut pen = Pen::new(buf, inner(list), 0);
        pen.put("/ ", scene.style(Token::Key)).put(&ui.filter_text, scene.style(Token::Input));
        list = below(list, 1);
    }
    if count == 0 {
        let words = match all {
            0 if scene.state.earlier.is_some() => "Nothing has been read yet.".to_owned(),
            0 => "Nothing is written yet.".to_owned(),
            n => format!("No entry passes the filter; {} are hidden.", format::count(n)),
        };
        empty(scene, buf, list, (words, Token::Muted));
        return Drawn { page: usize::from(list.height), ..Drawn::default() };
    }
    if ui.filtered.is_none() {
        list = below(list, pins(scene, buf, list, incident));
    }
    let lines = inner(list);
    let at = |row: usize| ui.place_of(row).and_then(|at| incident.timeline.get(at));
    let selected = ui.selected_row(incident).unwrap_or(0);
    // Widths from what may be on screen, a page around the selection.
    let page = usize::from(lines.height).max(1);
    let near = || (selected.saturating_sub(page)..(selected + page).min(count)).filter_map(at);
    let time = near().map(|l| width(&scene.zone.minute(l.at.corrected, scene.now()))).max();
    let by = near().map(|l| width(l.by.name())).max().unwrap_or(0).clamp(4, by_at_most(area));
    let columns = Columns {
        time: time.unwrap_or(6) as u16,
        by: by as u16,
        most: if lines.height >= 16 { MOST } else { 2 },
    };
    let tall = |row: usize| {
        at(row).map_or(1, |line| height(line, scene.state.is_held(line.record), columns, lines))
    };
    let first = first_row(ui.scroll[0], selected, count, lines.height, tall);
    let (mut used, mut row) = (0, first);
    while row < count && used < lines.height {
        let Some(line) = at(row) else { break };
        let room = top(below(lines, used), tall(row));
        entry(scene, buf, room, line, columns);
        if row == selected {
            select(scene, buf, room, focused);
        }
        used += room.height.max(1);
        row += 1;
    }
    Drawn { top: first, page: (row - first).max(1), ..Drawn::default() }
}

const fn by_at_most(area: Rect) -> usize {
    match area.width {
        0..60 => 8,
        60..100 => 10,
        _ => 14,
    }
}

fn heading(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    (count, all): (usize, usize),
    focused: bool,
) {
    let ui = &scene.state.ui.incident;
    let heading = match &ui.filtered {
        None => short!("Timeline · {}", format::count(all)),
        Some(_) => short!("Timeline · {} of {}", format::count(count), format::count(all)),
    };
    let mut pen = Pen::new(buf, area, 0);
    if let Some(progress) = &scene.state.earlier {
        let whole = progress.sentence();
        let fits = width(&heading) + width(&whole) + 8 < pen.room();
        let short = if fits { whole.as_str() } else { progress.short() };
        pen.right(short, scene.style(Token::Warning));
    } else if ui.held {
        pen.right("held; G follows the newest", scene.style(Token::Warning));
    } else if width(&heading) + 24 < pen.room() {
        pen.right("newest below", scene.style(Token::Muted));
    }
    title(
        scene,
        buf,
        Rect { width: (width(&heading) as u16 + 4).min(area.width), ..area },
        &heading,
        focused,
    );
}

/// What is pinned, on top, one line each; gives the rows used.
fn pins(scene: &Scene<'_>, buf: &mut Buffer, list: Rect, incident: &Incident) -> u16 {
    let most = match list.height {
        0..8 => 1,
        8..16 => 2,
        _ => 4,
    };
    let mut used = 0;
    let all = incident.timeline.pinned().count();
    for line in incident.timeline.pinned().rev().take(most) {
        let mut pen = Pen::new(buf, inner(list), used);
        let (letter, token) = kind(line.kind);
        if used == 0 && all > most {
            pen.right(&short!("+{} pinned", all - most), scene.style(Token::Muted)).trim(1);
        }
        pen.put("■ ", scene.style(Token::Marked)).put(letter, scene.style(token)).skip(1);
        pen.put(&scene.zone.minute(line.at.corrected, scene.now()), scene.style(Token::Muted));
        pen.skip(1).put(line.by.name(), scene.style(Token::Muted)).skip(1);
        if scene.state.is_held(line.record) {
            pen.put(HELD, scene.style(Token::BannerWarning));
        }
        if line.withdrawn.is_some() {
            // Not every terminal crosses out.
            pen.put("withdrawn: ", scene.style(Token::Warning));
        }
        pen.put(first_line(&line.text), said(scene, line));
        used += 1;
    }
    if used > 0 && list.height > used + 8 {
        Pen::new(buf, inner(list), used).fill("─", scene.style(Token::Border));
        used += 1;
    }
    used
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// How an entry's words look.
fn said(scene: &Scene<'_>, line: &Line) -> Style {
    if scene.state.is_held(line.record) {
        return scene.style(Token::BannerWarning);
    }
    if line.withdrawn.is_some() {
        return scene.style(Token::Muted).add_modifier(Modifier::CROSSED_OUT);
    }
    match line.kind {
        LineKind::Machine | LineKind::Step => scene.style(Token::Muted),
        LineKind::Deciding => scene.style(Token::Text),
        LineKind::Refused => scene.style(Token::Error),
        LineKind::Entry(EntryKind::Decision) => scene.style(Token::Decision),
        LineKind::Entry(_) => scene.style(Token::Text),
    }
}

/// The first row to show so that the selected one is whole, moving as little as possible.
fn first_row(
    scroll: usize,
    selected: usize,
    count: usize,
    room: u16,
    tall: impl Fn(usize) -> u16,
) -> usize {
    // The first row of a page whose last is `last`.
    let ending = |last: usize| {
        let (mut used, mut first) = (tall(last), last);
        while first > 0 && used + tall(first - 1) <= room {
            first -= 1;
            used += tall(first);
        }
        first
    };
    let last_page = ending(count.saturating_sub(1));
    let scroll = scroll.min(last_page);
    if selected <= scroll {
        return selected.min(last_page);
    }
    if selected - scroll >= usize::from(room) {
        return ending(selected).min(last_page);
    }
    let used: u16 = (scroll..=selected).fold(0, |used, row| used.saturating_add(tall(row)));
    if used <= room { scroll } else { ending(selected).min(last_page) }
}

/// What is said before the text: whether it is on the disk, who spoke, what it stands for.
fn preface(line: &Line, held: bool) -> (&'static str, &'static str, Option<&str>) {
    let held = if held { HELD } else { "" };
    match (line.kind, &line.spoken_by) {
        (LineKind::Refused, _) => (held, "refused: ", None),
        (_, Some(who)) => (held, "for ", Some(who.name())),
        _ => (held, "", None),
    }
}

/// Cells of what is said before the text.
fn preface_cells(line: &Line, held: bool) -> usize {
    let (held, word, who) = preface(line, held);
    width(held) + width(word) + who.map_or(0, |who| width(who) + 2)
}

/// What is said, without the name of who did it: that stands beside it.
fn told(line: &Line) -> &str {
    let text = line.text.as_str();
    match line.kind {
        LineKind::Step | LineKind::Deciding => {
            let rest = text.strip_prefix(line.by.name()).and_then(|rest| rest.strip_prefix(' '));
            rest.unwrap_or(text)
        }
        // The preface says it.
        LineKind::Refused => text.strip_prefix("refused: ").unwrap_or(text),
        LineKind::Machine | LineKind::Entry(_) => text,
    }
}

/// The text's lines, at most `most`, and whether there are more.
fn lines_of<'t>(
    line: &'t Line,
    held: bool,
    cells: usize,
    most: usize,
) -> ([&'t str; MOST], usize, bool) {
    let mut lines = [""; MOST];
    let mut count = 0;
    // No more is looked at than may be shown.
    let whole = told(line);
    let text = start(whole, cells * (most + 1));
    let head = preface_cells(line, held).min(cells.saturating_sub(8));
    let (first, rest) = split(text, cells - head);
    let mut take = |text: &'t str| {
        if let Some(place) = lines.get_mut(count).filter(|_| count < most) {
            *place = text;
        }
        count += 1;
    };
    take(first);
    if let Some(rest) = rest {
        wrap(rest, cells, take);
    }
    (lines, count.min(most), count > most || text.len() < whole.len())
}

/// The first line of a text, and the rest.
fn split(text: &str, cells: usize) -> (&str, Option<&str>) {
    let (mut first, mut count) = ("", 0);
    wrap(text, cells, |line| {
        if count == 0 {
            first = line;
        }
        count += 1;
    });
    if count <= 1 {
        return (first, None);
    }
    let at = first.as_ptr() as usize - text.as_ptr() as usize + first.len();
    let rest = text.get(at..).unwrap_or_default();
    (first, Some(rest.strip_prefix('\n').unwrap_or(rest).trim_start_matches(' ')))
}

/// Rows an entry takes.
fn height(line: &Line, held: bool, columns: Columns, area: Rect) -> u16 {
    let most = match line.kind {
        LineKind::Machine | LineKind::Step | LineKind::Deciding => columns.most.min(2),
        LineKind::Entry(_) | LineKind::Refused => columns.most,
    };
    let (_, count, _) = lines_of(line, held, columns.text(area), most);
    let extra = u16::from(line.evidence.is_some()) + u16::from(line.withdrawn.is_some());
    (count.max(1) as u16 + extra).min(area.height.max(1))
}

/// One entry.
fn entry(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, line: &Line, columns: Columns) {
    let (letter, token) = kind(line.kind);
    let muted = scene.style(Token::Muted);
    let mut pen = Pen::new(buf, area, 0);
    pen.put(&scene.zone.minute(line.at.corrected, scene.now()), muted).to(area.x + columns.time);
    let (mark, mark_token) = mark(line);
    pen.put(mark, scene.style(mark_token)).to(area.x + columns.time + 2);
    pen.put(letter, scene.style(token)).skip(1);
    let who = pen.x();
    let by = crate::view::widgets::text::fit(line.by.name(), usize::from(columns.by));
    let by_style = match line.kind {
        LineKind::Machine => muted,
        _ => scene.style(Token::Text),
    };
    pen.put(by.0, by_style);
    if by.1 {
        pen.put("…", by_style);
    }
    let left = who + columns.by + 1;
    let cells = columns.text(area);
    let extra = u16::from(line.evidence.is_some()) + u16::from(line.withdrawn.is_some());
    let most = usize::from(area.height.saturating_sub(extra)).clamp(1, MOST);
    let held = scene.state.is_held(line.record);
    let (lines, count, more) = lines_of(line, held, cells, most);
    let style = said(scene, line);
    for (row, text) in (0u16..).zip(&lines[..count]) {
        let mut pen = Pen::new(buf, area, row);
        pen.to(left);
        if row == 0 {
            let (held, word, name) = preface(line, held);
            pen.put(held, scene.style(Token::BannerWarning));
            pen.put(word, scene.style(if name.is_some() { Token::Muted } else { Token::Error }));
            if let Some(name) = name {
                pen.put(name, scene.style(Token::Marked)).put(": ", muted);
            }
        }
        if more && usize::from(row) + 1 == count {
            pen.trim(1).put(text, style);
            pen.reach(area.right());
            pen.put("…", muted);
        } else {
            pen.put(text, style);
        }
    }
    let mut row = count.max(1) as u16;
    if let Some(evidence) = &line.evidence {
        let room = top(below(area, row), 1);
        proof(
            scene,
            buf,
            Rect { x: left, width: area.right().saturating_sub(left), ..room },
            evidence,
        );
        row += 1;
    }
    if let Some(withdrawn) = &line.withdrawn {
        let mut pen = Pen::new(buf, top(area, area.height), row);
        pen.to(left).put("withdrawn by ", scene.style(Token::Warning));
        pen.put(withdrawn.0.name(), scene.style(Token::Warning));
        if !withdrawn.1.is_empty() {
            pen.put(": ", muted).put(&withdrawn.1, muted);
        }
    }
}

/// Whether the time is not simply when it was written: pinned, backdated, or of a clock that was off.
fn mark(line: &Line) -> (&'static str, Token) {
    if line.pinned {
        ("■", Token::Marked)
    } else if line.written.since(line.at.corrected) >= BACKDATED {
        ("←", Token::Warning)
    } else if line.at.bound.is_some() && line.at.raw != line.at.corrected {
        ("±", Token::Info)
    } else {
        ("", Token::Muted)
    }
}

/// Frozen proof: a small chart, first and last value, which query of which source.
fn proof(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, evidence: &Evidence) {
    if area.height == 0 {
        return;
    }
    let muted = scene.style(Token::Muted);
    let chart = Rect { width: (area.width / 3).clamp(8, 32).min(area.width), height: 1, ..area };
    let points = evidence.values.clone();
    let finite = points.iter().map(|(_, value)| *value).filter(|value| value.is_finite());
    let (low, high) = finite.fold((0.0_f64, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
    let series = Series { labels: Default::default(), points };
    let style = scene.style(Token::ChartLine);
    let time = Window { from: evidence.from, to: evidence.to };
    spark(buf, chart, &series, time, |value| {
        let share = (value - low) / (high - low);
        (if share.is_finite() { (share * 7.0).round().clamp(0.0, 7.0) as usize } else { 0 }, style)
    });
    let mut pen = Pen::new(buf, area, 0);
    pen.to(chart.right()).skip(1);
    let value = |at: Option<&(crate::domain::Timestamp, f64)>| match at {
        Some((_, value)) => short!("{}{}", number(*value), evidence.unit),
        None => short!("no values"),
    };
    pen.put(&value(series.points.first()), scene.style(Token::Text)).put(" → ", muted);
    pen.put(&value(series.points.last()), scene.style(Token::Text)).skip(2);
    pen.put(&evidence.source, muted).skip(1).put(&evidence.query, muted);
}

/// A number of evidence, short.
fn number(value: f64) -> format::Short {
    match value.abs() {
        v if v.is_nan() => short!("not a number"),
        v if v < 10.0 && value.fract() != 0.0 => short!("{value:.2}"),
        v if v < 1_000.0 => short!("{value:.1}"),
        _ => short!("{value:.3e}"),
    }
}
