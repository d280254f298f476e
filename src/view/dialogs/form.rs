//! A form: labels, fields, what the person should know beside or below them, and what is wrong.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{Entry, Field, FieldName, Form, Pick, Remark, Verb};
use crate::keys::PromptAction;
use crate::theme::Token;
use crate::view::format::short;
use crate::view::scene::Scene;
use crate::view::widgets::text::{Pen, below, top, width, wrap};

use super::entry::{line, lines, outcome};
use super::{ACCEPT, CANCEL, Cursor, Does, Shown, keys, popup};

/// Cells of the labels, the mark of the focus included.
const LABELS: u16 = 13;
/// Least lines of a text that has the keys.
const TEXT_LINES: u16 = 3;
/// Most candidates listed below a name.
const CANDIDATES: usize = 4;
/// From so wide on, remarks stand beside the fields.
const BESIDE: u16 = 116;

pub(super) fn draw(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    form: &Form,
    cursor: &mut Cursor,
) -> Shown {
    let asked: Vec<(usize, &Field)> =
        form.fields.iter().enumerate().filter(|(_, f)| !f.hidden).collect();
    let beside = area.width >= BESIDE && !form.remarks.is_empty();
    let wide = if beside { area.width - 4 } else { 88 };
    let room = wide.min(area.width.saturating_sub(2)).saturating_sub(4);
    let side = if beside { room * 2 / 5 } else { 0 };
    let fields_wide = room.saturating_sub(if beside { side + 2 } else { 0 });
    let entry_wide = usize::from(fields_wide.saturating_sub(LABELS)).max(1);
    let wanted: Vec<u16> =
        asked.iter().map(|(at, f)| height(f, *at == form.focus, entry_wide)).collect();
    let fields_tall: u16 = wanted.iter().sum();
    let said = remark_rows(&form.remarks, if beside { side } else { room });
    let wrong = wrong_rows(form, usize::from(fields_wide).max(1));
    // What is written to be read by others; a few words are not.
    let has_text = asked.iter().any(|(_, f)| f.name == FieldName::Body);
    // What runs in production is read whole before it is accepted, as far as there is room.
    let most = match form.verb {
        Verb::Propose(_) | Verb::MoveRun(..) => area.height,
        _ => 10,
    };
    let below_them = if beside { 0 } else { said.min(most) + u16::from(said > 0) };
    let tall = if has_text {
        // A text to be written has what room there is.
        area.height
    } else {
        let least = if beside { fields_tall.max(said) } else { fields_tall + below_them };
        least + wrong + 4
    };
    let (inner, foot) = popup(scene, buf, area, (wide, tall), &form.title);
    let whole = Rect { width: fields_wide.min(inner.width), ..inner };
    let rest = whole.height.saturating_sub(wrong);
    // Remarks may take what the fields leave, and a third where that is little.
    let least_fields = asked.len().min(usize::from(rest)) as u16;
    let fair = (rest / 3).max(rest.saturating_sub(fields_tall + 1));
    let taken = if beside || form.remarks.is_empty() {
        0
    } else {
        (said + 1).min(fair).min(rest.saturating_sub(least_fields))
    };
    let for_fields = top(whole, rest - taken);
    fields(scene, buf, for_fields, form, &asked, &wanted, cursor);
    let shown = for_fields.height;
    outcome(
        scene,
        buf,
        top(below(whole, shown), wrong),
        form.refusal.as_ref(),
        form.saving.is_some(),
    );
    let under = Rect { width: inner.width, ..below(whole, shown + wrong) };
    if beside {
        let x = inner.x + fields_wide + 2;
        let area = Rect { x, width: side.min(inner.right().saturating_sub(x)), ..inner };
        remarks(scene, buf, area, form);
    } else if taken > 1 {
        remarks(scene, buf, below(under, 1), form);
    }
    hints(scene, buf, foot, form);
    (0, 0)
}

fn wrong_rows(form: &Form, cells: usize) -> u16 {
    let mut rows = u16::from(form.saving.is_some());
    if let Some(why) = form.refusal.as_ref().filter(|_| form.saving.is_none()) {
        wrap(why, cells, |_| rows += 1);
    }
    rows.min(4)
}

/// Lines a field wants; a text without the keys is content with little.
fn height(field: &Field, focused: bool, cells: usize) -> u16 {
    match &field.entry {
        Entry::Text(editor) => {
            let mut rows = 0;
            wrap(&editor.text(), cells, |_| rows += 1);
            rows.clamp(1, if focused { 40 } else { 12 }).max(if focused { TEXT_LINES } else { 1 })
        }
        Entry::Pick(pick) if focused => 1 + candidates(pick).len().min(CANDIDATES) as u16,
        Entry::Settle { findings, .. } => findings.len().clamp(1, 4) as u16,
        Entry::Checks { options, .. } => {
            let (mut rows, mut used) = (1, 0);
            for option in options {
                let cells_of_it = width(&option.word) + 6;
                if used + cells_of_it > cells && used > 0 {
                    (rows, used) = (rows + 1, 0);
                }
                used += cells_of_it;
            }
            rows
        }
        _ => 1,
    }
}

/// What is offered for a name: nothing while nothing is typed and nothing is walked over.
fn candidates(pick: &Pick) -> Vec<&crate::app::Known> {
    let typed = !pick.line.text().trim().is_empty();
    if typed || pick.taken.is_some() { pick.candidates() } else { Vec::new() }
}

/// Draws the fields, those around the one with the keys where not all have room.
fn fields(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    form: &Form,
    asked: &[(usize, &Field)],
    wanted: &[u16],
    cursor: &mut Cursor,
) {
    let mut heights = wanted.to_vec();
    let focus = asked.iter().position(|(at, _)| *at == form.focus).unwrap_or(0);
    let all = |heights: &[u16]| heights.iter().sum::<u16>();
    // Texts give way first, the one with the keys last.
    for pass in [false, true] {
        for (at, (_, field)) in asked.iter().enumerate() {
            let least = if at == focus { TEXT_LINES } else { 1 };
            if (at == focus) == pass
                && matches!(field.entry, Entry::Text(_))
                && let over @ 1.. = all(&heights).saturating_sub(area.height)
            {
                heights[at] = heights[at].saturating_sub(over).max(least);
            }
        }
    }
    // What is left over goes to the text.
    let spare = area.height.saturating_sub(all(&heights));
    let text = asked.iter().position(|(_, f)| matches!(f.entry, Entry::Text(_)));
    if let Some(at) = text.filter(|_| asked.len() > 3 || spare > 0) {
        heights[at] += spare;
    }
    // Scrolled so that the field with the keys is seen whole.
    let mut first = 0;
    while first < focus && heights[first..=focus].iter().sum::<u16>() > area.height {
        first += 1;
    }
    let mut row = 0;
    for (at, (place, field)) in asked.iter().enumerate().skip(first) {
        if row >= area.height {
            break;
        }
        let focused = *place == form.focus && form.saving.is_none() && !form.away;
        one(scene, buf, top(below(area, row), heights[at]), field, focused, cursor);
        row += heights[at];
    }
    if first > 0 {
        Pen::new(buf, area, 0).right("↑", scene.style(Token::Muted));
    }
    let left = asked.len().saturating_sub(first);
    if row > area.height || heights.iter().skip(first).take(left).sum::<u16>() > area.height {
        let last = below(area, area.height.saturating_sub(1));
        Pen::new(buf, last, 0).right("↓", scene.style(Token::Muted));
    }
}

fn one(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    field: &Field,
    focused: bool,
    cursor: &mut Cursor,
) {
    if area.is_empty() {
        return;
    }
    let token = if focused { Token::Accent } else { Token::Muted };
    let mut pen = Pen::new(buf, area, 0);
    pen.put(if focused { "▸ " } else { "  " }, scene.style(token));
    pen.put(field.name.label(), scene.style(token));
    let x = area.x + LABELS.min(area.width);
    let entry = Rect { x, width: area.right().saturating_sub(x), ..area };
    match &field.entry {
        // Without the keys a text is read from its beginning.
        Entry::Line(_) | Entry::Time(..) | Entry::Pick(_) if !focused => {
            let text = field.entry.text();
            Pen::new(buf, entry, 0).put(&text, scene.style(Token::Input));
        }
        Entry::Line(editor) | Entry::Time(editor, _) => {
            line(scene, buf, top(entry, 1), editor, Some(cursor));
        }
        Entry::Text(editor) if focused => lines(scene, buf, entry, editor, cursor),
        Entry::Text(editor) => {
            let mut row = 0;
            wrap(&editor.text(), usize::from(entry.width).max(1), |text| {
                if row < entry.height {
                    Pen::new(buf, entry, row).put(text, scene.style(Token::Input));
                }
                row += 1;
            });
        }
        Entry::Pick(pick) => {
            line(scene, buf, top(entry, 1), &pick.line, Some(cursor));
            offered(scene, buf, below(entry, 1), pick);
        }
        Entry::Choice { options, at } => choice(scene, buf, entry, (options, *at), focused),
        Entry::Checks { options, at } => {
            let (mut row, mut pen) = (0, Pen::new(buf, entry, 0));
            let mut used = 0;
            for (place, option) in options.iter().enumerate() {
                let cells = width(&option.word) + 6;
                if used + cells > usize::from(entry.width) && used > 0 {
                    row += 1;
                    used = 0;
                    pen = Pen::new(buf, entry, row);
                }
                used += cells;
                let here = focused && place == *at;
                let mark = if option.on { "[x] " } else { "[ ] " };
                let token = if here { Token::Selected } else { Token::Text };
                pen.put(mark, scene.style(token)).put(&option.word, scene.style(token)).skip(2);
            }
        }
        Entry::Settle { findings, at } => {
            let page = usize::from(entry.height).max(1);
            let first = at.saturating_sub(page - 1);
            for (row, (place, found)) in
                (0u16..).zip(findings.iter().enumerate().skip(first).take(page))
            {
                let mut pen = Pen::new(buf, entry, row);
                let (mark, token) =
                    if found.kept { ("kept ", Token::Muted) } else { ("✕ ", Token::Warning) };
                let here = focused && place == *at;
                pen.put(if here { "▸" } else { " " }, scene.style(Token::Accent));
                pen.put(mark, scene.style(token)).put(&found.found, scene.style(Token::Text));
                pen.put(" → ", scene.style(Token::Muted))
                    .put(&found.instead, scene.style(Token::Text));
                pen.skip(2).put(&found.what, scene.style(Token::Muted));
            }
        }
    }
    if field.entry.is_blank() && !matches!(&field.entry, Entry::Pick(p) if p.taken.is_some()) {
        Pen::new(buf, entry, 0).put(&field.hint, scene.style(Token::Ghost));
    }
}

/// The chosen option, and the others beside it where there is room.
fn choice(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    (options, at): (&[crate::domain::SafeText], usize),
    focused: bool,
) {
    let all: usize = options.iter().map(|o| width(o) + 2).sum();
    let mut pen = Pen::new(buf, area, 0);
    if all > usize::from(area.width) {
        let chosen = options.get(at).map_or("", |o| o.as_str());
        let count = short!(" {} of {}", at + 1, options.len());
        if focused && options.len() > 1 {
            pen.right(&count, scene.style(Token::Muted)).trim(1);
        }
        pen.put(chosen, scene.style(if focused { Token::Selected } else { Token::Text }));
        return;
    }
    for (place, option) in options.iter().enumerate() {
        let token = match (place == at, focused) {
            (true, true) => Token::Selected,
            (true, false) => Token::Text,
            (false, true) => Token::Muted,
            (false, false) => continue,
        };
        // Without colours the chosen one still stands out.
        let (left, right) = if place == at && focused { ("[", "]") } else { ("", "") };
        pen.put(left, scene.style(token)).put(option, scene.style(token));
        pen.put(right, scene.style(token)).skip(2);
    }
}

/// Names that fit what is typed.
fn offered(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, pick: &Pick) {
    let all = candidates(pick);
    let page = usize::from(area.height).min(CANDIDATES);
    let first = pick.taken.map_or(0, |taken| (taken + 1).saturating_sub(page));
    for (row, (at, known)) in (0u16..).zip(all.iter().enumerate().skip(first).take(page)) {
        let mut pen = Pen::new(buf, area, row);
        let here = pick.taken == Some(at);
        let token = if here { Token::Selected } else { Token::Muted };
        pen.put(if here { "▸ " } else { "  " }, scene.style(Token::Accent));
        pen.put(&known.word, scene.style(token)).skip(2);
        pen.put(&known.detail, scene.style(Token::Muted));
        if row + 1 == page as u16 && all.len() > first + page {
            pen.right(&short!("{} more", all.len() - first - page), scene.style(Token::Muted));
        }
    }
}

/// Mark, text and colour of a remark.
fn looks(remark: &Remark) -> (&'static str, &str, Token) {
    match remark {
        Remark::Head(text) => ("", text, Token::Header),
        Remark::Plain(text) => ("· ", text, Token::Muted),
        Remark::Warn(text) => ("◆ ", text, Token::Warning),
        Remark::Added(text) => ("+ ", text, Token::Ok),
        Remark::Gone(text) => ("- ", text, Token::Error),
    }
}

fn remark_rows(all: &[Remark], cells: u16) -> u16 {
    let mut rows = 0u16;
    for remark in all {
        let (mark, text, _) = looks(remark);
        let room = usize::from(cells).saturating_sub(width(mark)).max(1);
        wrap(text, room, |_| rows = rows.saturating_add(1));
    }
    rows
}

fn remarks(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, form: &Form) {
    let all = &form.remarks;
    let first = form.read.min(all.len().saturating_sub(1));
    let muted = scene.style(Token::Muted);
    let mut row = 0;
    if first > 0 {
        Pen::new(buf, area, 0).put("… what is before: pgup", muted);
        row = 1;
    }
    for remark in all.iter().skip(first) {
        let (mark, text, token) = looks(remark);
        let room = usize::from(area.width).saturating_sub(width(mark)).max(1);
        let mut first = true;
        wrap(text, room, |line| {
            if row < area.height {
                let mut pen = Pen::new(buf, area, row);
                pen.put(if first { mark } else { &"  "[..mark.len().min(2)] }, scene.style(token));
                pen.put(line, scene.style(token));
            }
            (row, first) = (row.saturating_add(1), false);
        });
    }
    // What is cut off is not silently so.
    if row > area.height && area.height > 1 {
        let last = Rect { y: area.bottom() - 1, height: 1, ..area };
        let lines = row - area.height + 1;
        let text = form.focused().is_some_and(|field| matches!(field.entry, Entry::Text(_)));
        let more = match text {
            // The page keys are the text's.
            true => short!("… {lines} more lines"),
            false => short!("… {lines} more lines: pgdn"),
        };
        buf.set_style(last, muted);
        let mut pen = Pen::new(buf, last, 0);
        pen.put(&more, muted);
        pen.put(&" ".repeat(pen.room()), muted);
    }
}

fn hints(scene: &Scene<'_>, buf: &mut Buffer, foot: Rect, form: &Form) {
    let typed = Does::Typed;
    let mut pairs = Vec::new();
    if form.away {
        pairs.push((CANCEL, "go on here; the editor's text is then left out"));
        return keys(scene, buf, foot, &pairs);
    }
    let accept = if form.confirmed { "declare another one" } else { form.verb.accepts() };
    let last = form.is_last();
    let entry = form.focused().map(|f| &f.entry);
    let text = matches!(entry, Some(Entry::Text(_)));
    if last {
        pairs.push((ACCEPT, accept));
    } else {
        pairs.push((ACCEPT, if text { "new line" } else { "next" }));
        pairs.push((typed(PromptAction::AcceptAll), accept));
    }
    match entry {
        Some(Entry::Settle { .. }) => pairs.insert(0, (Does::Key("r"), "replace")),
        Some(Entry::Checks { .. }) => pairs.insert(0, (Does::Key("space"), "tick")),
        Some(Entry::Choice { .. }) => pairs.insert(0, (Does::Key("←→"), "choose")),
        _ => {}
    }
    if matches!(entry, Some(Entry::Settle { .. })) {
        pairs.insert(1, (Does::Key("k"), "keep"));
    }
    if text {
        pairs.push((typed(PromptAction::Outside), "editor"));
    }
    if form.fields.iter().filter(|f| !f.hidden).count() > 1 {
        pairs.push((typed(PromptAction::Complete), "field"));
    }
    pairs.push((CANCEL, "keep as draft"));
    keys(scene, buf, foot, &pairs);
}
