//! One file per screen, named as in `actions`.

pub(crate) mod alerts;
mod around;
pub(crate) mod bridge;
pub(crate) mod capacity;
mod changed;
pub(crate) mod changes;
mod detail;
mod groups;
pub(crate) mod incident;
mod incidents;
mod lately;
pub(crate) mod map;
pub(crate) mod review;
mod signals;
pub(crate) mod slos;
pub(crate) mod sources;
mod suspects;

pub(crate) use groups::first_sight;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;

use crate::theme::Token;

use super::scene::Scene;
use super::widgets::text::Pen;

/// Cells left of a pane's rows: the first carries the mark of the selection.
const GUTTER: u16 = 2;

/// Where a pane's rows are written.
fn inner(area: Rect) -> Rect {
    let gutter = GUTTER.min(area.width);
    Rect { x: area.x + gutter, width: area.width - gutter, ..area }
}

/// A title over a pane's rows; the focused one has a mark and a colour.
fn title(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, text: &str, focused: bool) {
    let mut pen = Pen::new(buf, area, 0);
    let style = scene.style(Token::Title);
    pen.put(if focused { "▸" } else { "" }, style).to(inner(area).x).put(text, style);
}

/// The first of several wordings, longest first, that fits whole.
fn fitting<'t>(area: Rect, wordings: &[&'t str]) -> &'t str {
    let room = usize::from(inner(area).width);
    let fits = wordings.iter().find(|w| super::widgets::text::width(w) <= room);
    fits.or(wordings.last()).copied().unwrap_or_default()
}

/// Finds rows by what they are, quickly when asked in their own order.
struct Finder<'a, T> {
    rows: &'a [T],
    at: usize,
}

impl<'a, T> Finder<'a, T> {
    /// `hint`: where the first one asked for may stand.
    fn new(rows: &'a [T], hint: usize) -> Self {
        Self { rows, at: hint.min(rows.len()) }
    }

    /// The row that is meant.
    fn find(&mut self, is: impl Fn(&T) -> bool) -> Option<&'a T> {
        let (before, after) = self.rows.split_at(self.at);
        let found = after.iter().position(&is).map(|p| p + self.at);
        self.at = found.or_else(|| before.iter().rposition(&is))?;
        self.rows.get(self.at)
    }
}

/// Words where a list would be.
fn empty(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, (text, token): (String, Token)) {
    let (area, mut row) = (inner(area), 0);
    super::widgets::text::wrap(&text, usize::from(area.width), |line| {
        Pen::new(buf, area, row).put(line, scene.style(token));
        row += 1;
    });
}

/// Marks the selected row, the gutter left of it included: by colour and by a mark. What is painted
/// for its own sake, such as SEV-1, stays as it is.
fn select(scene: &Scene<'_>, buf: &mut Buffer, row: Rect, focused: bool) {
    let whole = Rect { x: row.x.saturating_sub(GUTTER), width: row.width + GUTTER, ..row };
    let whole = whole.intersection(buf.area);
    let style = scene.style(if focused { Token::Selected } else { Token::SelectedInactive });
    let ground = scene.style(Token::Text).bg.unwrap_or_default();
    for at in whole.positions() {
        let cell = &mut buf[at];
        if cell.bg == ground || cell.bg == Color::Reset {
            cell.set_style(style);
        }
    }
    if whole.x < row.x {
        let (mark, token) = if focused { ("▸", Token::Accent) } else { ("·", Token::Muted) };
        Pen::new(buf, whole, 0).put(mark, scene.style(token));
    }
}
