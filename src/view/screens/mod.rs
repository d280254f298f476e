//! One file per screen, named as in `actions`.

pub(crate) mod alerts;
pub(crate) mod bridge;
mod detail;
mod groups;
mod signals;
pub(crate) mod slos;
pub(crate) mod sources;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::theme::Token;

use super::scene::Scene;
use super::widgets::text::Pen;

/// A title; the focused one has a mark and a colour.
fn title(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, text: &str, focused: bool) -> u16 {
    let mut pen = Pen::new(buf, area, 0);
    let style = scene.style(Token::Title);
    pen.put(if focused { "▸ " } else { "" }, style).put(text, style);
    pen.x()
}

/// The first of several wordings, longest first, that fits whole.
fn fitting<'t>(area: Rect, wordings: &[&'t str]) -> &'t str {
    let room = usize::from(area.width).saturating_sub(2);
    let fits = wordings.iter().find(|w| super::widgets::text::width(w) <= room);
    fits.or(wordings.last()).copied().unwrap_or_default()
}

/// Words where a list would be.
fn empty(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, (text, token): (String, Token)) {
    let mut row = 0;
    super::widgets::text::wrap(&text, usize::from(area.width), |line| {
        Pen::new(buf, area, row).put(line, scene.style(token));
        row += 1;
    });
}

/// Marks the selected row: by colour where its pane has the keys, and by a mark in the margin.
fn select(scene: &Scene<'_>, buf: &mut Buffer, row: Rect, focused: bool) {
    let margin = Rect { x: row.x.saturating_sub(1), width: row.width.saturating_add(1), ..row };
    let margin = margin.intersection(buf.area);
    if margin.is_empty() {
        return;
    }
    let token = if focused { Token::Selected } else { Token::SelectedInactive };
    buf.set_style(margin, scene.style(token));
    if margin.x < row.x {
        let mark = if focused { "▸" } else { "·" };
        Pen::new(buf, margin, 0)
            .put(mark, scene.style(if focused { Token::Accent } else { Token::Muted }));
    }
}
