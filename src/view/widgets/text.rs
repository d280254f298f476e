//! Putting text into cells: clipped, cut at words, aligned; everything drawn goes through a [`Pen`].

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Cells a text takes.
pub(crate) fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { UnicodeWidthStr::width(text) }
}

/// The longest start of `text` that fits `cells`, cut between characters.
pub(crate) fn start(text: &str, cells: usize) -> &str {
    if text.is_ascii() {
        return &text[..text.len().min(cells)];
    }
    let (mut used, mut end) = (0, 0);
    for (at, grapheme) in text.grapheme_indices(true) {
        used += UnicodeWidthStr::width(grapheme);
        if used > cells {
            break;
        }
        end = at + grapheme.len();
    }
    &text[..end]
}

/// Cuts `text` to `cells`; the second value says whether something is missing. Cuts after a whole
/// word when that leaves at least half the room used; one cell stays free for the ellipsis.
pub(crate) fn fit(text: &str, cells: usize) -> (&str, bool) {
    if width(text) <= cells {
        return (text, false);
    }
    let hard = start(text, cells.saturating_sub(1));
    let next_is_break = text[hard.len()..].starts_with(' ');
    let soft = if next_is_break { hard } else { hard.rfind(' ').map_or("", |at| &hard[..at]) };
    let soft = soft.trim_end();
    (if width(soft) * 2 >= cells { soft } else { hard }, true)
}

/// Cuts `text` to `cells` in the middle, at words, so that its end is still read: names that begin alike
/// often differ there. Returns start and end; with an empty end nothing was cut in the middle.
pub(crate) fn ends(text: &str, cells: usize) -> (&str, &str) {
    if width(text) <= cells {
        return (text, "");
    }
    let end = text.rmatch_indices(' ').map(|(at, _)| &text[at + 1..]);
    match end.take_while(|end| width(end) * 3 <= cells).last() {
        Some(end) if !end.is_empty() => (fit(text, cells - width(end)).0, end),
        _ => (text, ""),
    }
}

/// Breaks `text` into lines of at most `cells`, at spaces where there are any. Calls `line` with each.
pub(crate) fn wrap<'t>(text: &'t str, cells: usize, mut line: impl FnMut(&'t str)) {
    let cells = cells.max(1);
    for paragraph in text.split('\n') {
        let mut rest = paragraph;
        loop {
            if width(rest) <= cells {
                line(rest);
                break;
            }
            let hard = start(rest, cells);
            // A glyph wider than the line would never fit: it is left out.
            if hard.is_empty() {
                let skip = rest.graphemes(true).next().map_or(rest.len(), str::len);
                rest = &rest[skip..];
                continue;
            }
            let end = if rest[hard.len()..].starts_with(' ') {
                hard.len()
            } else {
                hard.rfind(' ').filter(|at| *at > 0).unwrap_or(hard.len())
            };
            line(rest[..end].trim_end());
            rest = rest[end..].trim_start_matches(' ');
            if rest.is_empty() {
                break;
            }
        }
    }
}

/// Writes a text that fits; gives the column after it. Most text is plain ASCII, a character a cell,
/// and need not be taken apart into graphemes.
fn write(buf: &mut Buffer, (x, y): (u16, u16), text: &str, style: Style) -> u16 {
    if !text.bytes().all(|b| matches!(b, 0x20..=0x7e)) {
        return buf.set_stringn(x, y, text, usize::MAX, style).0;
    }
    let mut at = x;
    for b in text.bytes() {
        let Some(cell) = buf.cell_mut((at, y)) else { break };
        cell.set_char(char::from(b)).set_style(style);
        at = at.saturating_add(1);
    }
    at
}

/// Writes into one row of an area, from left to right, and from the right edge inwards.
pub(crate) struct Pen<'b> {
    buf: &'b mut Buffer,
    x: u16,
    end: u16,
    y: u16,
}

impl<'b> Pen<'b> {
    /// At the left of row `row` of `area`; outside the buffer nothing is drawn.
    pub(crate) fn new(buf: &'b mut Buffer, area: Rect, row: u16) -> Self {
        let seen = area.intersection(buf.area);
        let y = area.y.saturating_add(row);
        let inside = y >= seen.top() && y < seen.bottom();
        let end = if inside { seen.right() } else { seen.x };
        Self { buf, x: seen.x, end, y }
    }

    /// Cells left.
    pub(crate) const fn room(&self) -> usize {
        self.end.saturating_sub(self.x) as usize
    }

    /// Where it stands.
    pub(crate) const fn x(&self) -> u16 {
        self.x
    }

    /// Its row.
    pub(crate) const fn y(&self) -> u16 {
        self.y
    }

    /// The buffer, for graphics.
    pub(crate) const fn buf(&mut self) -> &mut Buffer {
        self.buf
    }

    /// Leaves cells free.
    pub(crate) fn skip(&mut self, cells: u16) -> &mut Self {
        self.x = self.x.saturating_add(cells).min(self.end);
        self
    }

    /// Goes to a column counted from the left edge of the buffer, never back.
    pub(crate) fn to(&mut self, x: u16) -> &mut Self {
        self.x = self.x.max(x).min(self.end);
        self
    }

    /// Writes a text; what does not fit is replaced by an ellipsis.
    pub(crate) fn put(&mut self, text: &str, style: Style) -> &mut Self {
        let room = self.room();
        if room == 0 {
            return self;
        }
        let (shown, cut) = fit(text, room);
        self.x = write(self.buf, (self.x, self.y), shown, style);
        if cut && self.x < self.end {
            self.x = self.buf.set_stringn(self.x, self.y, "…", 1, style).0;
        }
        self
    }

    /// Writes a text only if all of it fits.
    pub(crate) fn whole(&mut self, text: &str, style: Style) -> bool {
        let fits = width(text) <= self.room();
        if fits {
            self.put(text, style);
        }
        fits
    }

    /// Writes a text ending at the right edge, which moves left of it.
    pub(crate) fn right(&mut self, text: &str, style: Style) -> &mut Self {
        let cells = width(text);
        if cells <= self.room() && cells > 0 {
            let x = self.end - cells as u16;
            write(self.buf, (x, self.y), text, style);
            self.end = x;
        }
        self
    }

    /// Moves the right edge right, within the buffer.
    pub(crate) fn reach(&mut self, x: u16) {
        if self.end > self.x {
            self.end = self.end.max(x.min(self.buf.area.right()));
        }
    }

    /// Moves the right edge left.
    pub(crate) fn trim(&mut self, cells: u16) -> &mut Self {
        self.end = self.end.saturating_sub(cells).max(self.x);
        self
    }

    /// Fills what is left with one glyph.
    pub(crate) fn fill(&mut self, glyph: &str, style: Style) {
        while self.x < self.end {
            self.x = self.buf.set_stringn(self.x, self.y, glyph, 1, style).0.max(self.x + 1);
        }
    }
}

/// Rows of `area` from `row` on.
pub(crate) fn below(area: Rect, row: u16) -> Rect {
    let row = row.min(area.height);
    Rect { y: area.y + row, height: area.height - row, ..area }
}

/// The first `height` rows of `area`.
pub(crate) fn top(area: Rect, height: u16) -> Rect {
    Rect { height: height.min(area.height), ..area }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cuts_after_a_word_and_says_so() {
        for (text, cells, shown) in [
            ("checkout: cards declined", 24, ("checkout: cards declined", false)),
            ("checkout: cards declined", 18, ("checkout: cards", true)),
            ("checkout: cards declined", 16, ("checkout: cards", true)),
            ("averyveryverylongword x", 10, ("averyvery", true)),
            ("表表表", 5, ("表表", true)),
            ("x", 0, ("", true)),
        ] {
            assert_eq!(fit(text, cells), shown, "{text} {cells}");
        }
    }

    #[test]
    fn a_name_cut_in_the_middle_keeps_its_last_words() {
        for (text, cells, shown) in [
            ("checkout answers without error", 30, ("checkout answers without error", "")),
            ("checkout answers without error", 28, ("checkout answers", "error")),
            ("checkout answers within 200 ms", 28, ("checkout answers", "200 ms")),
            ("averyveryverylongword", 10, ("averyveryverylongword", "")),
        ] {
            assert_eq!(ends(text, cells), shown, "{text} {cells}");
        }
    }

    #[test]
    fn wraps_at_spaces_and_keeps_line_breaks() {
        let mut lines = Vec::new();
        wrap("Restart the pods one by one.\n\nThen averyverylongword", 10, |l| lines.push(l));
        assert_eq!(
            lines,
            ["Restart", "the pods", "one by", "one.", "", "Then", "averyveryl", "ongword"]
        );
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_it_may_be(text in "\\PC{0,60}", cells in 0usize..20) {
            prop_assert!(width(fit(&text, cells).0) <= cells);
            let (start, end) = ends(&text, cells);
            prop_assert!(end.is_empty() || width(start) + 1 + width(end) <= cells);
            wrap(&text, cells, |line| assert!(width(line) <= cells.max(1), "{line:?}"));
        }
    }
}
