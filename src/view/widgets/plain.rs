//! ASCII only, for poor fonts: after drawing, every other glyph is replaced by the nearest ASCII one.

use ratatui::buffer::Buffer;

/// Replaces every glyph that is not ASCII.
pub(crate) fn plain(buf: &mut Buffer) {
    for cell in &mut buf.content {
        if !cell.symbol().is_ascii() {
            let ascii = cell.symbol().chars().next().map_or(' ', ascii);
            cell.set_char(ascii);
        }
    }
}

fn ascii(glyph: char) -> char {
    match glyph {
        '●' => '*',
        '▲' => '^',
        '▼' => 'v',
        '◆' => '#',
        '◇' => '+',
        '✕' | '×' => 'x',
        '✓' => 'v',
        '○' | '■' => 'o',
        '✎' => '"',
        '▸' | '▶' | '→' => '>',
        '▾' => 'v',
        '◀' | '←' => '<',
        '±' => '~',
        'µ' => 'u',
        '·' => '.',
        '…' => '~',
        '─' | '┄' | '—' | '–' | '━' | '−' => '-',
        '│' => '|',
        '┌' | '┐' | '└' | '┘' | '├' | '┤' => '+',
        '▁' => '_',
        '▂' => '.',
        '▃' => '-',
        '▄' => '=',
        '▅' => '+',
        '▆' => '*',
        '▇' => '%',
        '█' => '#',
        '░' => ':',
        '\u{2800}'..='\u{28ff}' => braille(u32::from(glyph) - 0x2800),
        '⏸' => '=',
        _ => '?',
    }
}

/// The highest dot decides: the top pair is a quote mark, the bottom pair a full stop.
const fn braille(dots: u32) -> char {
    match dots {
        0 => ' ',
        d if d & 0x09 != 0 && d & 0xc0 != 0 => '|',
        d if d & 0x09 != 0 => '\'',
        d if d & 0x36 != 0 => '-',
        _ => '.',
    }
}
