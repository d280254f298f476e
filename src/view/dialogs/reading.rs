//! A text to read: runbook, explanation, everything about an alert.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::actions::Action;
use crate::app::{Reading, ReadingLine};
use crate::theme::Token;
use crate::view::scene::Scene;
use crate::view::widgets::text::{Pen, width, wrap};

use super::{Does, Shown, keys, popup, position};

/// One line as shown: indentation, name, text.
struct Row<'t> {
    name: &'t str,
    indent: u16,
    text: &'t str,
    style: Style,
}

pub(super) fn draw(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, reading: &Reading) -> Shown {
    let wide = (area.width - 4).min(100);
    let rows = layout(scene, &reading.lines, usize::from(wide.saturating_sub(4)));
    let tall = u16::try_from(rows.len()).unwrap_or(u16::MAX).saturating_add(4);
    let (inner, foot) = popup(scene, buf, area, (wide, tall), &reading.title);
    let page = usize::from(inner.height);
    let first = reading.top.min(rows.len().saturating_sub(page));
    put(scene, buf, inner, rows.iter().skip(first).take(page));
    let (scroll, copy) = (Does::Listed(Action::Down), Does::Listed(Action::Copy));
    let close = Does::Listed(Action::Back);
    if rows.len() > page {
        keys(scene, buf, foot, &[(scroll, "scroll"), (copy, "copy"), (close, "close")]);
    } else {
        keys(scene, buf, foot, &[(copy, "copy"), (close, "close")]);
    }
    position(scene, buf, foot, first, page, rows.len());
    (first, page)
}

/// The beginning of a text on a screen, as much as there is room for.
pub(in crate::view) fn preview(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    lines: &[ReadingLine],
) {
    let rows = layout(scene, lines, usize::from(area.width));
    put(scene, buf, area, rows.iter().take(usize::from(area.height)));
}

fn put<'r, 't: 'r>(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    rows: impl Iterator<Item = &'r Row<'t>>,
) {
    for (line, row) in (0u16..).zip(rows) {
        let mut pen = Pen::new(buf, area, line);
        pen.put(row.name, scene.style(Token::Muted)).to(area.x + row.indent);
        pen.put(row.text, row.style);
    }
}

fn layout<'t>(scene: &Scene<'_>, lines: &'t [ReadingLine], cells: usize) -> Vec<Row<'t>> {
    let names = lines.iter().map(|l| match l {
        ReadingLine::Pair(name, _) => width(name) + 2,
        _ => 0,
    });
    let names = names.max().unwrap_or(0).min(cells / 3) as u16;
    let mut rows = Vec::new();
    for line in lines {
        let (name, indent, text, token) = match line {
            ReadingLine::Head(text) => ("", 0, text.as_str(), Token::Header),
            ReadingLine::Pair(name, text) => (name.as_str(), names, text.as_str(), Token::Text),
            ReadingLine::Text(text) => ("", 0, text.as_str(), Token::Text),
            ReadingLine::Code(text) => ("", 2, text.as_str(), Token::Accent),
            ReadingLine::Warn(text) => ("", 0, text.as_str(), Token::Warning),
            ReadingLine::Blank => ("", 0, "", Token::Text),
        };
        let style = scene.style(token);
        let mut name =
            crate::view::widgets::text::fit(name, usize::from(indent).saturating_sub(1)).0;
        wrap(text, cells.saturating_sub(usize::from(indent)), |text| {
            rows.push(Row { name: std::mem::take(&mut name), indent, text, style });
        });
    }
    rows
}
