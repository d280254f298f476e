//! Tables: columns with a least and a wished-for width, dropped whole in a declared order.
//!
//! Only the rows on screen are touched; a cell is drawn by a closure straight into the buffer.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::text::{Pen, ends, width};

/// A column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column<C> {
    /// Which; handed to the closure that draws cells.
    pub(crate) id: C,
    /// Heading.
    pub(crate) title: &'static str,
    /// Narrower than this it is dropped.
    pub(crate) min: u16,
    /// Wider than this it does not get, unless it grows.
    pub(crate) ideal: u16,
    /// Higher numbers go first when room is short; 0 stays.
    pub(crate) drop: u8,
    /// Numbers stand at the right.
    pub(crate) right: bool,
    /// Takes what is left over (shared evenly by all that grow).
    pub(crate) grow: bool,
}

impl<C: Copy> Column<C> {
    /// A column of fixed width.
    pub(crate) const fn new(id: C, title: &'static str, cells: u16, drop: u8) -> Self {
        Self { id, title, min: cells, ideal: cells, drop, right: false, grow: false }
    }

    /// Numbers stand at the right.
    #[must_use]
    pub(crate) const fn right(mut self) -> Self {
        self.right = true;
        self
    }

    /// May be as wide as `ideal`.
    #[must_use]
    pub(crate) const fn up_to(mut self, ideal: u16) -> Self {
        self.ideal = ideal;
        self
    }

    /// Takes what is left over.
    #[must_use]
    pub(crate) const fn grow(mut self) -> Self {
        self.grow = true;
        self
    }
}

/// A column with its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed<C> {
    /// Which.
    pub(crate) id: C,
    title: &'static str,
    x: u16,
    width: u16,
    right: bool,
}

impl<C> Placed<C> {
    /// Heading.
    pub(crate) const fn title(&self) -> &'static str {
        self.title
    }

    /// Where the column begins.
    pub(crate) const fn x(&self) -> u16 {
        self.x
    }

    /// Where the heading begins.
    pub(crate) fn text_x(&self) -> u16 {
        let title = width(self.title) as u16;
        if self.right { self.x + self.width.saturating_sub(title) } else { self.x }
    }
}

/// Space between columns.
const GAP: u16 = 2;

/// Chooses the columns that fit and their widths.
pub(crate) fn place<C: Copy>(columns: &[Column<C>], area: Rect) -> Vec<Placed<C>> {
    let mut kept: Vec<(Column<C>, u16)> = columns.iter().map(|c| (*c, c.min)).collect();
    let needed = |kept: &[(Column<C>, u16)]| {
        let gaps = GAP * u16::try_from(kept.len().saturating_sub(1)).unwrap_or(0);
        kept.iter().map(|(_, w)| *w).fold(gaps, u16::saturating_add)
    };
    while needed(&kept) > area.width {
        let last = kept.iter().enumerate().filter(|(_, (c, _))| c.drop > 0);
        match last.max_by_key(|(_, (c, _))| c.drop).map(|(at, _)| at) {
            Some(at) => drop(kept.remove(at)),
            None => break,
        }
    }
    let mut spare = area.width.saturating_sub(needed(&kept));
    for (column, width) in &mut kept {
        let more = column.ideal.saturating_sub(*width).min(spare);
        *width += more;
        spare -= more;
    }
    let growing = u16::try_from(kept.iter().filter(|(c, _)| c.grow).count()).unwrap_or(0);
    if let Some(share) = spare.checked_div(growing) {
        kept.iter_mut().filter(|(c, _)| c.grow).for_each(|(_, w)| *w += share);
    }
    let mut x = area.x;
    kept.iter()
        .map(|(c, w)| {
            let placed = Placed { id: c.id, title: c.title, x, width: *w, right: c.right };
            x = x.saturating_add(*w).saturating_add(GAP);
            placed
        })
        .collect()
}

/// A cell being drawn.
pub(crate) struct Cell<'b> {
    pen: Pen<'b>,
    right: bool,
}

impl Cell<'_> {
    /// Writes at the column's side; further writes follow on a left-aligned one.
    pub(crate) fn put(&mut self, text: &str, style: Style) -> &mut Self {
        if self.right && width(text) <= self.pen.room() {
            self.pen.right(text, style);
        } else {
            self.pen.put(text, style);
        }
        self
    }

    /// Writes a name; one that is too long loses its middle.
    pub(crate) fn put_name(&mut self, text: &str, style: Style) -> &mut Self {
        let (start, end) = ends(text, self.pen.room());
        self.pen.put(start, style);
        if !end.is_empty() {
            self.pen.put("…", style).put(end, style);
        }
        self
    }

    /// Writes at the right edge, leaving the rest for what follows.
    pub(crate) fn put_right(&mut self, text: &str, style: Style) -> &mut Self {
        self.pen.right(text, style);
        if !self.right {
            self.pen.trim(1);
        }
        self
    }

    /// Lets the cell reach into the columns right of it, up to `x`: for rows that leave them empty.
    pub(crate) fn reach(&mut self, x: u16) {
        self.pen.reach(x);
    }

    /// Cells left.
    pub(crate) const fn room(&self) -> usize {
        self.pen.room()
    }

    /// Leaves cells free.
    pub(crate) fn skip(&mut self, cells: u16) -> &mut Self {
        self.pen.skip(cells);
        self
    }

    /// Cells drawn so far and cells left, for graphics.
    pub(crate) fn area(&self) -> Rect {
        Rect::new(self.pen.x(), self.pen.y(), self.pen.room() as u16, 1)
    }

    /// The buffer, for graphics.
    pub(crate) fn buf(&mut self) -> &mut Buffer {
        self.pen.buf()
    }
}

/// Headings in the first row of `area`.
pub(crate) fn headings<C: Copy>(placed: &[Placed<C>], area: Rect, buf: &mut Buffer, style: Style) {
    for p in placed {
        cell(p, area, 0, buf).put(p.title, style);
    }
}

/// Rows, one per line of `area`.
pub(crate) fn rows<C: Copy, R>(
    placed: &[Placed<C>],
    area: Rect,
    buf: &mut Buffer,
    rows: impl IntoIterator<Item = R>,
    mut draw: impl FnMut(C, &R, &mut Cell<'_>),
) {
    for (line, row) in (0..area.height).zip(rows) {
        for p in placed {
            draw(p.id, &row, &mut cell(p, area, line, buf));
        }
    }
}

fn cell<'b, C>(p: &Placed<C>, area: Rect, line: u16, buf: &'b mut Buffer) -> Cell<'b> {
    let column = Rect { x: p.x, width: p.width, ..area }.intersection(area);
    Cell { pen: Pen::new(buf, column, line), right: p.right }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> [Column<char>; 4] {
        [
            Column::new('m', "", 1, 0),
            Column::new('n', "name", 10, 0).up_to(20).grow(),
            Column::new('o', "owner", 8, 2),
            Column::new('c', "count", 5, 1).right(),
        ]
    }

    #[test]
    fn columns_go_whole_and_in_the_declared_order() {
        for (cells, kept) in [(100, "mnoc"), (30, "mnoc"), (29, "mnc"), (19, "mn"), (3, "mn")] {
            let placed = place(&columns(), Rect::new(0, 0, cells, 1));
            assert_eq!(placed.iter().map(|p| p.id).collect::<String>(), kept, "{cells}");
        }
    }

    #[test]
    fn a_growing_column_takes_what_is_left() {
        let placed = place(&columns(), Rect::new(0, 0, 60, 1));
        let widths: Vec<_> = placed.iter().map(|p| p.width).collect();
        assert_eq!(widths, [1, 40, 8, 5]);
    }
}
