//! Where text is typed: the line for `:` and `/`, the finder, acknowledgements, notes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;

use crate::app::{AckForm, Editor, Finder, NoteForm, Prompt, PromptKind, first_visible};
use crate::domain::SafeText;
use crate::keys::PromptAction;
use crate::theme::Token;
use crate::view::format::short;
use crate::view::scene::Scene;
use crate::view::widgets::text::{Pen, below, fit, start, top, width, wrap};

use super::{ACCEPT, CANCEL, Cursor, Does, Shown, clear, keys, popup};

/// Draws one line of typed text so that the cursor is in view.
pub(super) fn line(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    editor: &Editor,
    cursor: Option<&mut Cursor>,
) {
    let room = usize::from(area.width);
    if room == 0 || area.height == 0 {
        return;
    }
    let (text, before) = (editor.text(), editor.before_cursor());
    let at = width(&before);
    // Scrolled so that the cursor's cell is the last one at most.
    let hidden = (at + 1).saturating_sub(room);
    let skipped = start(&text, hidden).len();
    let skipped = if width(&text[..skipped]) < hidden {
        skipped + text[skipped..].graphemes(true).next().map_or(0, str::len)
    } else {
        skipped
    };
    let shown = &text[skipped..];
    let x = (at - width(&text[..skipped]).min(at)).min(room - 1) as u16;
    Pen::new(buf, area, 0).put(start(shown, room), scene.style(Token::Input));
    if let Some(cursor) = cursor {
        *cursor = Some((area.x + x, area.y));
    }
}

/// Draws a text of several lines, wrapped, scrolled so that the cursor is in view.
pub(super) fn lines(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    editor: &Editor,
    cursor: &mut Cursor,
) {
    if area.is_empty() {
        return;
    }
    let cells = usize::from(area.width);
    let cursor_line = editor.area().cursor().0;
    let mut shown: Vec<String> = Vec::new();
    let mut at = (0, 0);
    for (number, text) in editor.area().lines().iter().enumerate() {
        if number == cursor_line {
            // The cursor stands where the text before it ends, wrapped alike.
            let mut rows = 0;
            let before = editor.before_cursor();
            let mut last = 0;
            wrap(&before, cells, |line| {
                rows += 1;
                last = width(line);
            });
            let blanks = before.len() - before.trim_end_matches(' ').len();
            let last =
                if before.trim_end().len() == before.len() { last } else { last.max(blanks) };
            at = (shown.len() + rows - 1, last.min(cells - 1));
        }
        wrap(text, cells, |line| shown.push(line.to_owned()));
    }
    let page = usize::from(area.height);
    let first = first_visible(at.0.saturating_sub(page - 1), at.0, page, shown.len());
    for (row, line) in (0u16..).zip(shown.iter().skip(first).take(page)) {
        Pen::new(buf, area, row).put(line, scene.style(Token::Input));
    }
    *cursor = Some((area.x + at.1 as u16, area.y + at.0.saturating_sub(first) as u16));
}

/// The line for `:` or `/` at the bottom, with completions or what is wrong above it.
pub(super) fn prompt(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    prompt: &Prompt,
    cursor: &mut Cursor,
) -> Shown {
    let bottom = below(area, area.height - 1);
    clear(scene, buf, bottom);
    let (sign, nothing) = match prompt.kind {
        PromptKind::Command => (":", ""),
        PromptKind::Filter(_) => ("/", "severity=~\"crit.*\" team!=web word !word"),
    };
    let mut pen = Pen::new(buf, bottom, 0);
    pen.skip(2).put(sign, scene.style(Token::Key));
    if let Some(matches) = prompt.matches {
        let words = if matches == 1 { "row matches" } else { "rows match" };
        let token = if matches == 0 { Token::Warning } else { Token::Muted };
        pen.trim(1).right(&short!("{matches} {words}"), scene.style(token)).trim(2);
    }
    let entry = Rect { x: pen.x(), width: pen.room() as u16, ..bottom };
    if prompt.line.text().is_empty() {
        pen.put(nothing, scene.style(Token::Ghost));
    }
    line(scene, buf, entry, &prompt.line, Some(cursor));
    let above = Rect { y: bottom.y - 1, ..bottom };
    if let Some(error) = &prompt.error {
        clear(scene, buf, above);
        let mut pen = Pen::new(buf, above, 0);
        pen.skip(2).put("✕ ", scene.style(Token::Error)).put(error, scene.style(Token::Error));
    } else if !prompt.completions.is_empty() {
        clear(scene, buf, above);
        let mut pen = Pen::new(buf, above, 0);
        pen.skip(3);
        // The taken one is always among those shown.
        let skip = prompt.taken.map_or(0, |taken| taken.saturating_sub(3));
        for (at, text) in prompt.completions.iter().enumerate().skip(skip) {
            let token = if prompt.taken == Some(at) { Token::Selected } else { Token::Muted };
            if !pen.whole(text, scene.style(token)) {
                pen.put("…", scene.style(Token::Muted));
                break;
            }
            pen.skip(2);
        }
    }
    (0, 0)
}

/// Find anything: what was typed, and the best answers.
pub(super) fn find(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    finder: &Finder,
    cursor: &mut Cursor,
) -> Shown {
    let (inner, foot) = popup(scene, buf, area, (84, 22), "Find anything");
    Pen::new(buf, inner, 0).put("> ", scene.style(Token::Key));
    let entry = Rect { x: inner.x + 2, width: inner.width.saturating_sub(2), ..top(inner, 1) };
    line(scene, buf, entry, &finder.line, Some(cursor));
    let list = below(inner, 2);
    let page = usize::from(list.height);
    if finder.hits.is_empty() {
        Pen::new(buf, list, 0).put("Nothing has that name.", scene.style(Token::Muted));
    }
    let first = first_visible(0, finder.selected, page, finder.hits.len());
    for (row, (at, hit)) in (0u16..).zip(finder.hits.iter().enumerate().skip(first).take(page)) {
        let mut pen = Pen::new(buf, list, row);
        pen.put(if at == finder.selected { "▸ " } else { "  " }, scene.style(Token::Accent));
        pen.put(hit.kind, scene.style(Token::Muted)).to(list.x + 12);
        // What the label leaves, if that is worth reading.
        let left = pen.room().saturating_sub(width(&hit.label) + 2);
        let (detail, cut) = fit(&hit.detail, left);
        if left > 12 && !detail.is_empty() {
            pen.right(if cut { "…" } else { "" }, scene.style(Token::Muted));
            pen.right(detail, scene.style(Token::Muted)).trim(2);
        }
        matched(
            &mut pen,
            &hit.label,
            &hit.matched,
            scene.style(Token::Text),
            scene.style(Token::Match),
        );
        if at == finder.selected {
            buf.set_style(top(below(list, row), 1), scene.style(Token::Selected));
        }
    }
    keys(
        scene,
        buf,
        foot,
        &[(ACCEPT, "go there"), (Does::Typed(PromptAction::Next), "next"), (CANCEL, "close")],
    );
    (first, page)
}

/// Writes a label with the matched characters marked; a label too long is cut like any other text.
fn matched(pen: &mut Pen<'_>, label: &str, matched: &[usize], plain: Style, hit: Style) {
    if width(label) > pen.room() {
        pen.put(label, plain);
        return;
    }
    for (at, grapheme) in label.graphemes(true).enumerate() {
        pen.put(grapheme, if matched.contains(&at) { hit } else { plain });
    }
}

/// Draws what was refused, or that it is being written to disk; returns the lines used.
pub(super) fn outcome(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    refusal: Option<&SafeText>,
    saving: bool,
) -> u16 {
    let mut row = 0;
    if saving {
        Pen::new(buf, area, 0).put("Saving…", scene.style(Token::Info));
        row += 1;
    } else if let Some(why) = refusal {
        wrap(why, usize::from(area.width), |line| {
            Pen::new(buf, area, row).put(line, scene.style(Token::Error));
            row += 1;
        });
    }
    row
}

pub(super) fn acknowledge(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    form: &AckForm,
    cursor: &mut Cursor,
) -> Shown {
    let (inner, foot) = popup(scene, buf, area, (72, 11), "Acknowledge");
    let count = match form.alerts.len() {
        1 => short!("1 alert"),
        n => short!("{n} alerts"),
    };
    let mut pen = Pen::new(buf, inner, 0);
    pen.right(&count, scene.style(Token::Muted)).trim(2);
    pen.put(&form.title, scene.style(Token::Text));
    let said = "You have seen it and take care of it. Notifications go on; an alert that fires anew is not included.";
    let mut row = 1;
    wrap(said, usize::from(inner.width), |line| {
        Pen::new(buf, inner, row).put(line, scene.style(Token::Muted));
        row += 1;
    });
    row += u16::from(inner.height > row + 2);
    let field = below(inner, row);
    Pen::new(buf, field, 0).put("Note  ", scene.style(Token::Header));
    let entry = Rect { x: field.x + 6, width: field.width.saturating_sub(6), ..top(field, 1) };
    line(scene, buf, entry, &form.note, Some(cursor));
    if form.note.is_blank() {
        Pen::new(buf, entry, 0).put("may stay empty", scene.style(Token::Ghost));
    }
    outcome(scene, buf, below(field, 1), form.refusal.as_ref(), form.saving);
    keys(scene, buf, foot, &[(ACCEPT, "acknowledge"), (CANCEL, "keep as draft")]);
    (0, 0)
}

pub(super) fn note(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    form: &NoteForm,
    cursor: &mut Cursor,
) -> Shown {
    let (inner, foot) = popup(scene, buf, area, (76, 14), "Note");
    let mut pen = Pen::new(buf, inner, 0);
    pen.put("about ", scene.style(Token::Muted)).put(&form.title, scene.style(Token::Text));
    let body = below(inner, if inner.height > 6 { 2 } else { 1 });
    // What went wrong stands below the text, in up to three lines.
    let wrong = if form.saving || form.refusal.is_some() { body.height.min(3) } else { 0 };
    let text = top(body, body.height - wrong);
    lines(scene, buf, text, &form.text, cursor);
    outcome(scene, buf, below(body, text.height), form.refusal.as_ref(), form.saving);
    let new_line = Does::Typed(PromptAction::NewLine);
    let pairs = [(ACCEPT, "write it down"), (new_line, "new line"), (CANCEL, "keep as draft")];
    keys(scene, buf, foot, &pairs);
    (0, 0)
}
