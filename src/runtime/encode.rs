//! Cells in the terminal's language, in as few bytes as it has for them.
//!
//! ratatui's own backend says both colours whenever one changes and makes everything plain again after
//! each frame: sixty bytes around a second that changes one digit. On a slow line bytes are time, so this
//! one remembers how the terminal writes now, from frame to frame, and says only what differs. Where a
//! frame begins is always said in full: other programs may have written to the terminal meanwhile.

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

/// How text is written: colours and attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Look {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

/// Codes that set an attribute.
const SET: [(Modifier, u16); 9] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::SLOW_BLINK, 5),
    (Modifier::RAPID_BLINK, 6),
    (Modifier::REVERSED, 7),
    (Modifier::HIDDEN, 8),
    (Modifier::CROSSED_OUT, 9),
];

/// Codes that end attributes, some of them two at once.
const END: [(Modifier, u16); 7] = [
    (Modifier::BOLD.union(Modifier::DIM), 22),
    (Modifier::ITALIC, 23),
    (Modifier::UNDERLINED, 24),
    (Modifier::SLOW_BLINK.union(Modifier::RAPID_BLINK), 25),
    (Modifier::REVERSED, 27),
    (Modifier::HIDDEN, 28),
    (Modifier::CROSSED_OUT, 29),
];

/// Knows how the terminal writes now.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    look: Look,
}

impl Encoder {
    /// The terminal was told by somebody else to write plainly.
    pub(super) fn plain(&mut self) {
        self.look = Look::default();
    }

    /// Makes the terminal write plainly, which is also how it clears.
    pub(super) fn make_plain(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\x1b[m");
        self.plain();
    }

    /// Appends what puts these cells on the screen.
    pub(super) fn cells<'a>(
        &mut self,
        out: &mut Vec<u8>,
        cells: impl Iterator<Item = (u16, u16, &'a Cell)>,
    ) {
        let mut at = None;
        for (x, y, cell) in cells {
            go(out, at, (x, y));
            self.write_as(out, Look { fg: cell.fg, bg: cell.bg, modifier: cell.modifier });
            let symbol = cell.symbol();
            out.extend_from_slice(symbol.as_bytes());
            // How far a wide glyph moves the cursor, terminals do not agree.
            let narrow = symbol.len() == 1 || symbol.width() == 1;
            at = narrow.then_some((x.saturating_add(1), y));
        }
    }

    fn write_as(&mut self, out: &mut Vec<u8>, to: Look) {
        let from = std::mem::replace(&mut self.look, to);
        if to == from {
            return;
        }
        if to == Look::default() {
            return self.make_plain(out);
        }
        out.extend_from_slice(b"\x1b[");
        let mut set = from.modifier;
        for (ended, end) in END {
            if (from.modifier - to.modifier).intersects(ended) {
                code(out, end);
                set -= ended;
            }
        }
        for (_, begin) in SET.iter().filter(|(m, _)| (to.modifier - set).contains(*m)) {
            code(out, *begin);
        }
        if to.fg != from.fg {
            colour(out, 30, to.fg);
        }
        if to.bg != from.bg {
            colour(out, 40, to.bg);
        }
        if let Some(last) = out.last_mut() {
            *last = b'm';
        }
    }
}

/// Moves the cursor; right of where it is, in the shorter words.
fn go(out: &mut Vec<u8>, at: Option<(u16, u16)>, (x, y): (u16, u16)) {
    match at {
        Some(at) if at == (x, y) => {}
        Some((column, row)) if row == y && column < x => {
            out.extend_from_slice(b"\x1b[");
            if x - column > 1 {
                number(out, x - column);
            }
            out.push(b'C');
        }
        _ => {
            out.extend_from_slice(b"\x1b[");
            number(out, y.saturating_add(1));
            out.push(b';');
            number(out, x.saturating_add(1));
            out.push(b'H');
        }
    }
}

/// The codes of a colour; `base` is 30 for text and 40 for what is behind it.
fn colour(out: &mut Vec<u8>, base: u16, colour: Color) {
    let named = match colour {
        Color::Reset => 9,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 60,
        Color::LightRed => 61,
        Color::LightGreen => 62,
        Color::LightYellow => 63,
        Color::LightBlue => 64,
        Color::LightMagenta => 65,
        Color::LightCyan => 66,
        Color::White => 67,
        Color::Indexed(index) => {
            return [base + 8, 5, index.into()].into_iter().for_each(|n| code(out, n));
        }
        Color::Rgb(r, g, b) => {
            let codes = [base + 8, 2, r.into(), g.into(), b.into()];
            return codes.into_iter().for_each(|n| code(out, n));
        }
    };
    code(out, base + named);
}

/// A code and what separates it from the next.
fn code(out: &mut Vec<u8>, code: u16) {
    number(out, code);
    out.push(b';');
}

fn number(out: &mut Vec<u8>, n: u16) {
    if n >= 10 {
        number(out, n / 10);
    }
    out.push(b'0' + (n % 10) as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;
    use ratatui::backend::{Backend as _, CrosstermBackend};
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    const AREA: Rect = Rect { x: 0, y: 0, width: 12, height: 4 };

    /// A piece of text, where it stands and how it looks.
    type Piece = (u16, u16, String, Style);

    fn style() -> impl Strategy<Value = Style> {
        let colour = prop_oneof![
            Just(Color::Reset),
            Just(Color::Red),
            Just(Color::LightBlue),
            any::<u8>().prop_map(Color::Indexed),
            any::<(u8, u8, u8)>().prop_map(|(r, g, b)| Color::Rgb(r, g, b)),
        ];
        // Those the terminal of the test knows; for it, text is bold or dim.
        let weight = prop::sample::select(vec![Modifier::empty(), Modifier::BOLD, Modifier::DIM]);
        let known = Modifier::ITALIC | Modifier::UNDERLINED | Modifier::REVERSED;
        (colour.clone(), colour, weight, any::<u16>()).prop_map(move |(fg, bg, weight, bits)| {
            let rest = Modifier::from_bits_truncate(bits) & known;
            Style::reset().fg(fg).bg(bg).add_modifier(weight | rest)
        })
    }

    fn piece() -> impl Strategy<Value = Piece> {
        // Printable, narrow and wide.
        (0..AREA.width, 0..AREA.height, "[a-z⣠▲ 表]{1,6}", style())
    }

    fn drawn(pieces: &[Piece]) -> Buffer {
        let mut buf = Buffer::empty(AREA);
        for (x, y, text, style) in pieces {
            buf.set_stringn(*x, *y, text, usize::from(AREA.width - x), *style);
        }
        buf
    }

    fn blank() -> vt100::Parser {
        let side = |cells| std::num::NonZeroU16::new(cells).unwrap();
        vt100::Parser::new(side(AREA.height), side(AREA.width), 0)
    }

    /// What the terminal shows, cell by cell: the text, its colours, its attributes.
    fn shown(terminal: &vt100::Parser) -> Vec<(String, [vt100::Color; 2], [bool; 5])> {
        let positions = (0..AREA.height).flat_map(|y| (0..AREA.width).map(move |x| (y, x)));
        let cells = positions.filter_map(|(y, x)| terminal.screen().cell(y, x));
        let text = |c: &vt100::Cell| if c.has_contents() { c.contents() } else { " " }.to_owned();
        let attributes =
            |c: &vt100::Cell| [c.bold(), c.dim(), c.italic(), c.underline(), c.inverse()];
        cells.map(|c| (text(c), [c.fgcolor(), c.bgcolor()], attributes(c))).collect()
    }

    proptest! {
        #[test]
        fn the_terminal_shows_what_it_does_when_every_cell_is_placed_and_coloured_anew(
            frames in prop::collection::vec(prop::collection::vec(piece(), 0..6), 1..5),
        ) {
            let (mut terminal, mut wanted) = (blank(), blank());
            let (mut encoder, mut before) = (Encoder::default(), Buffer::empty(AREA));
            for pieces in &frames {
                let now = drawn(pieces);
                let changes = before.diff(&now);
                let (mut brief, mut careful) = (Vec::new(), Vec::new());
                encoder.cells(&mut brief, changes.iter().copied());
                for change in changes {
                    CrosstermBackend::new(&mut careful).draw([change].into_iter()).unwrap();
                }
                terminal.process(&brief);
                wanted.process(&careful);
                prop_assert_eq!(shown(&terminal), shown(&wanted));
                before = now;
            }
        }
    }

    fn said(encoder: &mut Encoder, pieces: &[(u16, u16, &str, Style)]) -> String {
        let pieces: Vec<Piece> =
            pieces.iter().map(|(x, y, text, style)| (*x, *y, (*text).to_owned(), *style)).collect();
        let mut out = Vec::new();
        encoder.cells(&mut out, Buffer::empty(AREA).diff(&drawn(&pieces)).into_iter());
        String::from_utf8(out).unwrap().replace('\x1b', "^")
    }

    #[test]
    fn only_what_differs_is_said() {
        let mut encoder = Encoder::default();
        let red = Style::new().fg(Color::Rgb(255, 0, 0)).bg(Color::Indexed(17));
        assert_eq!(
            said(&mut encoder, &[(0, 0, "a", red), (3, 0, "b", red.fg(Color::Red))]),
            "^[1;1H^[38;2;255;0;0;48;5;17ma^[2C^[31mb"
        );
        assert_eq!(said(&mut encoder, &[(0, 1, "c", red.fg(Color::Red))]), "^[2;1Hc");
        assert_eq!(said(&mut encoder, &[(0, 1, "d", Style::new())]), "^[2;1H^[md");
        let (bold, dim) = (Style::new().bold(), Style::new().dim());
        assert_eq!(
            said(&mut encoder, &[(0, 0, "e", bold.dim()), (1, 0, "f", dim), (2, 0, "g", dim)]),
            "^[1;1H^[1;2me^[22;2mfg"
        );
    }

    #[test]
    fn behind_a_wide_glyph_the_place_is_said_in_full() {
        let plain = Style::new();
        assert_eq!(
            said(&mut Encoder::default(), &[(0, 0, "表x", plain), (4, 0, "▲y", plain)]),
            "^[1;1H表^[1;3Hx^[C▲y"
        );
    }
}
