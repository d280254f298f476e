//! Colours as written in theme files, and what becomes of them on terminals with fewer.

use ratatui::style::Color;

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// None: only bold, underline, reverse.
    Mono,
    /// The sixteen of the terminal's own palette.
    Ansi16,
    /// The xterm cube.
    Indexed256,
    /// 24 bits.
    TrueColor,
}

/// Reads `#1a2b3c`, `default`, a name of the sixteen (`red`, `light-red`, `dark-gray`) or 0 to 255.
pub(super) fn parse(text: &str) -> Option<Color> {
    if text == "default" { Some(Color::Reset) } else { text.parse().ok() }
}

/// The colour as shown with `depth`.
pub(super) fn shown(colour: Color, depth: Depth) -> Color {
    match (colour, depth) {
        (_, Depth::Mono) => Color::Reset,
        (Color::Rgb(r, g, b), Depth::Indexed256) => Color::Indexed(nearest_256((r, g, b))),
        (Color::Rgb(r, g, b), Depth::Ansi16) => Color::Indexed(nearest_16((r, g, b))),
        // The first sixteen are the terminal's own, so their true values are not known.
        (Color::Indexed(i @ 16..), Depth::Ansi16) => Color::Indexed(nearest_16(rgb_256(i))),
        (colour, _) => colour,
    }
}

/// The colour of a place in the xterm palette from 16 on.
pub(super) fn rgb_256(index: u8) -> (u8, u8, u8) {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    if index >= 232 {
        let grey = 8 + 10 * (index - 232);
        return (grey, grey, grey);
    }
    let cube = usize::from(index.saturating_sub(16));
    (STEPS[cube / 36 % 6], STEPS[cube / 6 % 6], STEPS[cube % 6])
}

/// Indices below 16 are left out: people redefine them.
fn nearest_256(wanted: (u8, u8, u8)) -> u8 {
    (16..=255).min_by_key(|index| distance(wanted, rgb_256(*index))).unwrap_or(255)
}

fn nearest_16(wanted: (u8, u8, u8)) -> u8 {
    (0..16).min_by_key(|index| distance(wanted, ANSI[usize::from(*index)])).unwrap_or(7)
}

/// What xterm shows for the sixteen.
const ANSI: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

/// The "redmean" approximation of how different two colours look; cheap and good enough for 240.
fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> i64 {
    let mean = (i64::from(a.0) + i64::from(b.0)) / 2;
    let square = |x: u8, y: u8| (i64::from(x) - i64::from(y)).pow(2);
    (((512 + mean) * square(a.0, b.0)) >> 8)
        + 4 * square(a.1, b.1)
        + (((767 - mean) * square(a.2, b.2)) >> 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_palette_colour_is_its_own_nearest() {
        for index in 16..=255u8 {
            let rgb = rgb_256(index);
            assert_eq!(rgb_256(nearest_256(rgb)), rgb, "{index}");
        }
        for index in 0..16u8 {
            assert_eq!(nearest_16(ANSI[usize::from(index)]), index);
        }
    }

    #[test]
    fn fewer_colours_change_only_what_the_terminal_cannot_show() {
        let pink = Color::Rgb(0xff, 0x5f, 0x87);
        assert_eq!(shown(pink, Depth::TrueColor), pink);
        assert_eq!(shown(pink, Depth::Indexed256), Color::Indexed(204));
        assert_eq!(shown(Color::Rgb(250, 5, 5), Depth::Ansi16), Color::Indexed(9));
        assert_eq!(shown(Color::Indexed(196), Depth::Ansi16), Color::Indexed(9));
        assert_eq!(shown(Color::Red, Depth::Ansi16), Color::Red);
        assert_eq!(shown(Color::Red, Depth::Mono), Color::Reset);
    }

    #[test]
    fn colours_are_read_in_every_spelling() {
        for (text, colour) in [
            ("#0a141E", Some(Color::Rgb(10, 20, 30))),
            ("light-red", Some(Color::LightRed)),
            ("dark-gray", Some(Color::DarkGray)),
            ("208", Some(Color::Indexed(208))),
            ("default", Some(Color::Reset)),
            ("256", None),
            ("#12345", None),
            ("#é12345", None),
            ("mauve", None),
        ] {
            assert_eq!(parse(text), colour, "{text}");
        }
    }
}
