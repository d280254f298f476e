//! Text entry: the only file outside `view` that knows the text-area crate.

use tui_textarea::{CursorMove, Input as AreaInput, Key as AreaKey, TextArea, WrapMode};

use crate::domain::SafeText;
use crate::keys::{Chord, Key};

/// Most bytes of a text; twice what a note may have, so that a long one can be shortened in place.
const MOST_TEXT: usize = 64 * 1024;
/// Cleaned at once: small enough that the result stays within what a body keeps.
const PIECE: usize = 4 * 1024;

/// A text being typed, of one line or several.
#[derive(Debug, Clone)]
pub struct Editor {
    area: TextArea<'static>,
    lines: Lines,
}

/// How many lines an editor may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// Line breaks that are pasted become spaces.
    One,
    /// Enter makes a new line.
    Many,
}

impl Editor {
    /// An editor with `text` in it and the cursor at its end.
    pub fn new(text: &str, lines: Lines) -> Self {
        let mut editor = Self { area: TextArea::default(), lines };
        editor.insert(text);
        editor
    }

    /// The text as typed.
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Whether nothing but white space has been typed.
    pub fn is_blank(&self) -> bool {
        self.area.lines().iter().all(|l| l.trim().is_empty())
    }

    /// Replaces everything; the cursor goes to the end.
    pub fn set(&mut self, text: &str) {
        *self = Self::new(text, self.lines);
    }

    /// Puts the cursor before everything: a text that is there to be read begins at its beginning.
    pub fn rewind(&mut self) {
        self.area.move_cursor(CursorMove::Top);
        self.area.move_cursor(CursorMove::Head);
    }

    /// Types or pastes text; `false` when not all of it fits. Control characters are left out: they
    /// cannot be seen and would not be kept. Hidden ones become visible, as in any text from outside.
    pub fn insert(&mut self, text: &str) -> bool {
        let taken: usize = self.area.lines().iter().map(|line| line.len() + 1).sum();
        let fits = text.floor_char_boundary(MOST_TEXT.saturating_sub(taken));
        let (mut rest, mut clean) = (&text[..fits], String::with_capacity(fits));
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE));
            let plain: String = piece
                .replace("\r\n", "\n")
                .chars()
                .map(|c| match c {
                    '\r' | '\n' if self.lines == Lines::Many => '\n',
                    '\r' | '\n' | '\t' => ' ',
                    c => c,
                })
                .filter(|c| *c == '\n' || !c.is_control())
                .collect();
            clean.push_str(&SafeText::body(&plain));
            rest = after;
        }
        self.area.insert_str(clean);
        fits == text.len()
    }

    /// A key; `true` when the text or the cursor changed.
    pub fn key(&mut self, chord: Chord) -> bool {
        let key = match chord.key {
            Key::Char(c) => AreaKey::Char(c),
            Key::Enter if self.lines == Lines::Many => AreaKey::Enter,
            Key::Backspace => AreaKey::Backspace,
            Key::Delete => AreaKey::Delete,
            Key::Left => AreaKey::Left,
            Key::Right => AreaKey::Right,
            Key::Up if self.lines == Lines::Many => AreaKey::Up,
            Key::Down if self.lines == Lines::Many => AreaKey::Down,
            Key::Home => AreaKey::Home,
            Key::End => AreaKey::End,
            Key::Enter
            | Key::Up
            | Key::Down
            | Key::Esc
            | Key::Tab
            | Key::BackTab
            | Key::Insert
            | Key::PageUp
            | Key::PageDown
            | Key::F(_) => return false,
        };
        let before = (self.area.cursor(), self.area.lines().to_vec());
        self.area.input(AreaInput { key, ctrl: chord.ctrl, alt: chord.alt, shift: false });
        if self.lines == Lines::One && self.area.lines().len() > 1 {
            // Ctrl-M and the like: one line stays one line.
            let joined = self.area.lines().join(" ");
            self.set(&joined);
        }
        before.0 != self.area.cursor() || before.1 != self.area.lines()
    }

    /// The text before the cursor on its line, for completion and for drawing one line.
    pub fn before_cursor(&self) -> String {
        let cursor = self.area.cursor();
        self.area
            .lines()
            .get(cursor.0)
            .map_or_else(String::new, |line| line.chars().take(cursor.1).collect())
    }

    /// The widget, for drawing.
    pub const fn area(&self) -> &TextArea<'static> {
        &self.area
    }

    /// Soft wrap, for editors of several lines.
    #[must_use]
    pub fn wrapped(mut self) -> Self {
        self.area.set_wrap_mode(WrapMode::WordOrGlyph);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_stays_one_line_and_control_characters_never_enter() {
        let mut editor = Editor::new("severity=page", Lines::One);
        editor.insert("\nteam\x1b[2J=\"web\"");
        assert_eq!(editor.text(), "severity=page team[2J=\"web\"");
        assert!(editor.key(Chord::plain(Key::Backspace)));
        assert!(!editor.key(Chord::plain(Key::Enter)));
        assert_eq!(editor.text(), "severity=page team[2J=\"web");
    }

    #[test]
    fn a_paste_is_bounded_and_hides_nothing() {
        let mut editor = Editor::new("", Lines::Many);
        assert!(editor.insert("pay\u{202e}lap\u{200b} 👩‍🚒 表"));
        assert_eq!(editor.text(), "pay<U+202E>lap<U+200B> 👩‍🚒 表");
        assert!(editor.insert(&"x".repeat(60_000)));
        assert!(!editor.insert(&"é".repeat(500_000)));
        assert!((MOST_TEXT - 64..=MOST_TEXT).contains(&editor.text().len()));
        assert!(!editor.insert("yyy"), "it is full");
    }
}
