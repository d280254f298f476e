//! Key chords → actions, from `keymaps/*.toml`.
//!
//! Physical keys exist only here and in the keymap files. Hints, help and the README's table are made
//! from the active [`Keymap`] and the table of actions.

mod chord;
mod hints;
mod keymap;
mod load;
#[cfg(test)]
mod tests;

pub use chord::{parse_sequence, print_sequence};
pub use hints::{Hint, readme_table};
pub use keymap::{Keymap, Pending, PromptAction, Resolved};
pub use load::{NAMES, load};

/// What the terminal sent, in our own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key with its modifiers.
    Key(Chord),
    /// Pasted text, as sent.
    Paste(String),
    /// New size: columns, rows.
    Resize(u16, u16),
    /// The terminal window gained focus.
    FocusGained,
    /// The terminal window lost focus.
    FocusLost,
}

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A character, as typed (shift is in the character).
    Char(char),
    /// Return.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift-Tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Insert.
    Insert,
    /// Arrow.
    Up,
    /// Arrow.
    Down,
    /// Arrow.
    Left,
    /// Arrow.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// F1 to F12.
    F(u8),
}

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Chord {
    /// The key.
    pub key: Key,
    /// Control held.
    pub ctrl: bool,
    /// Alt held.
    pub alt: bool,
}

impl Chord {
    /// A key alone.
    pub const fn plain(key: Key) -> Self {
        Self { key, ctrl: false, alt: false }
    }
}
