//! Lines as characters: which box-drawing sign stands in each cell of a window.

use super::{Layout, Point, Route};
use crate::domain::EdgeIx;

/// The part of a drawing that is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First column.
    pub column: u32,
    /// First row.
    pub row: u32,
    /// How many columns.
    pub width: u32,
    /// How many rows.
    pub height: u32,
}

impl Window {
    /// Whether a cell is in it.
    pub const fn contains(&self, column: u32, row: u32) -> bool {
        column >= self.column
            && row >= self.row
            && column - self.column < self.width
            && row - self.row < self.height
    }

    /// Whether a line could come into it.
    fn is_near(&self, route: &Route) -> bool {
        let columns = route.points.iter().map(|point| point.column);
        let rows = route.points.iter().map(|point| point.row);
        let meets = |first: Option<u32>, last: Option<u32>, from: u32, count: u32| {
            first.is_some_and(|first| first < from.saturating_add(count))
                && last.is_some_and(|last| last >= from)
        };
        meets(columns.clone().min(), columns.max(), self.column, self.width)
            && meets(rows.clone().min(), rows.max(), self.row, self.height)
    }
}

/// The directions in which a line leaves a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Arms(u8);

impl Arms {
    const UP: u8 = 1;
    const DOWN: u8 = 2;
    const LEFT: u8 = 4;
    const RIGHT: u8 = 8;

    /// The box-drawing character.
    pub const fn glyph(self) -> char {
        const GLYPHS: [char; 16] =
            [' ', '╵', '╷', '│', '╴', '┘', '┐', '┤', '╶', '└', '┌', '├', '─', '┴', '┬', '┼'];
        GLYPHS[(self.0 & 15) as usize]
    }

    /// The same for terminals without them.
    pub const fn ascii(self) -> char {
        match self.0 {
            0 => ' ',
            1..=3 => '|',
            4 | 8 | 12 => '-',
            _ => '+',
        }
    }
}

/// What stands in a cell that lines run through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineCell {
    /// From the left of the drawing.
    pub column: u32,
    /// From its top.
    pub row: u32,
    /// Directions in which it is joined. Where lines only cross, the upright one is on top and the
    /// level one passes below, so that a crossing never looks like a joint.
    pub arms: Arms,
    /// The callee's end of a line: its arrow points right, or left when the line runs back.
    pub arrow: Option<Head>,
    /// The edge that matters most of those that are seen here.
    pub edge: EdgeIx,
    /// Its rank.
    pub rank: u8,
}

/// Where an arrow points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// To a callee on the right.
    Right,
    /// To a callee on the left: the line closes a ring.
    Left,
}

impl LineCell {
    /// The character.
    pub const fn glyph(&self) -> char {
        match self.arrow {
            Some(Head::Right) => '▶',
            Some(Head::Left) => '◀',
            None => self.arms.glyph(),
        }
    }

    /// The character for terminals that only have ASCII.
    pub const fn ascii(&self) -> char {
        match self.arrow {
            Some(Head::Right) => '>',
            Some(Head::Left) => '<',
            None => self.arms.ascii(),
        }
    }
}

/// What is known of a cell while lines are added. There is one for each cell of a screen in every frame, so
/// it is small.
#[derive(Default)]
struct Ink {
    upright: u8,
    level: u8,
    /// A line turns or ends here, so that all arms are joined.
    joint: bool,
    arrow: Option<Head>,
    /// Rank of the most important of the upright and of the level lines; 0 where there is none.
    rank: [u8; 2],
    /// Their edges.
    edge: [EdgeIx; 2],
}

impl Layout {
    /// The cells of all lines within a window, by row and column. Lines of a higher rank are on
    /// top where several share a cell; a rank of 0 leaves a line out.
    pub fn cells(
        &self,
        window: Window,
        rank: impl Fn(EdgeIx) -> u8,
    ) -> impl Iterator<Item = LineCell> {
        // Only what is drawn counts: a terminal larger than the drawing has no cells of it.
        let window = Window {
            width: window.width.min(self.width.saturating_sub(window.column)),
            height: window.height.min(self.height.saturating_sub(window.row)),
            ..window
        };
        let cells = (u64::from(window.width) * u64::from(window.height)) as usize;
        let mut ink: Vec<Ink> = Vec::new();
        ink.resize_with(cells, Ink::default);
        for route in self.routes.iter().filter(|route| window.is_near(route)) {
            let rank = rank(route.edge);
            if rank > 0 {
                draw(route, rank, window, &mut ink);
            }
        }
        let width = window.width.max(1) as usize;
        let cell = move |(at, ink): (usize, Ink)| {
            let (column, row) =
                (window.column + (at % width) as u32, window.row + (at / width) as u32);
            let crossed = ink.upright != 0 && ink.level != 0 && !ink.joint;
            let arms = if crossed { ink.upright } else { ink.upright | ink.level };
            let top = if crossed { 0 } else { usize::from(ink.rank[1] >= ink.rank[0]) };
            let (rank, edge) = (ink.rank[top], ink.edge[top]);
            let cell = LineCell { column, row, arms: Arms(arms), arrow: ink.arrow, edge, rank };
            (rank > 0).then_some(cell)
        };
        ink.into_iter().enumerate().filter_map(cell)
    }
}

fn draw(route: &Route, rank: u8, window: Window, ink: &mut [Ink]) {
    let mut mark = |column: u32, row: u32, arms: u8, joint: bool, arrow: Option<Head>| {
        if !window.contains(column, row) {
            return;
        }
        let at =
            (row - window.row) as usize * window.width as usize + (column - window.column) as usize;
        let Some(cell) = ink.get_mut(at) else { return };
        let level = arms & (Arms::LEFT | Arms::RIGHT);
        for (kind, arms) in [(0, arms - level), (1, level)] {
            if arms == 0 {
                continue;
            }
            let own = if kind == 0 { &mut cell.upright } else { &mut cell.level };
            *own |= arms;
            if cell.rank[kind] < rank {
                (cell.rank[kind], cell.edge[kind]) = (rank, route.edge);
            }
        }
        cell.joint |= joint;
        cell.arrow = cell.arrow.or(arrow);
    };
    let mut last: Option<Point> = None;
    for point in &route.points {
        let Some(from) = last.replace(*point) else { continue };
        let (a, b) = (from.min(*point), from.max(*point));
        if a.row == b.row && !window.contains(window.column, a.row)
            || a.row != b.row && !window.contains(a.column, window.row)
        {
            continue;
        }
        if a.row == b.row {
            // Cut to the window before walking: a line may be very long.
            let first = a.column.max(window.column);
            let after = b.column.min(window.column.saturating_add(window.width));
            (first..=after).for_each(|column| {
                let left = if column > a.column { Arms::LEFT } else { 0 };
                let right = if column < b.column { Arms::RIGHT } else { 0 };
                mark(column, a.row, left | right, false, None);
            });
        } else {
            let (top, bottom) = (a.row.min(b.row), a.row.max(b.row));
            let first = top.max(window.row);
            let after = bottom.min(window.row.saturating_add(window.height));
            (first..=after).for_each(|row| {
                let up = if row > top { Arms::UP } else { 0 };
                let down = if row < bottom { Arms::DOWN } else { 0 };
                mark(a.column, row, up | down, row == top || row == bottom, None);
            });
        }
    }
    // Beside its labels a line reaches the cell's edge.
    let (Some(first), Some(last)) = (route.points.first(), route.points.last()) else { return };
    let (start, end, head) = if route.back {
        (Arms::RIGHT, Arms::LEFT, Head::Left)
    } else {
        (Arms::LEFT, Arms::RIGHT, Head::Right)
    };
    mark(first.column, first.row, start, false, None);
    mark(last.column, last.row, end, false, Some(head));
}
