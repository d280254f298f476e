//! How chords are written: `ctrl-p`, `alt-x`, `space`, `f5`, `?`, `shift-tab`, and `g g` for two in a row.

use std::fmt;
use std::str::FromStr;

use super::{Chord, Key};

/// Keys with a name; the first name of a key is the one that is printed.
const NAMES: &[(&str, Key)] = &[
    ("space", Key::Char(' ')),
    ("enter", Key::Enter),
    ("return", Key::Enter),
    ("esc", Key::Esc),
    ("escape", Key::Esc),
    ("tab", Key::Tab),
    ("shift-tab", Key::BackTab),
    ("backtab", Key::BackTab),
    ("backspace", Key::Backspace),
    ("delete", Key::Delete),
    ("insert", Key::Insert),
    ("up", Key::Up),
    ("down", Key::Down),
    ("left", Key::Left),
    ("right", Key::Right),
    ("home", Key::Home),
    ("end", Key::End),
    ("pageup", Key::PageUp),
    ("pgup", Key::PageUp),
    ("pagedown", Key::PageDown),
    ("pgdn", Key::PageDown),
];

impl Chord {
    /// A character with control held; terminals cannot tell `ctrl-P` from `ctrl-p`.
    pub const fn ctrl(c: char) -> Self {
        Self { key: Key::Char(c.to_ascii_lowercase()), ctrl: true, alt: false }
    }

    /// As the terminal may report it, in the one form bindings are compared in.
    pub fn normal(self) -> Self {
        match self.key {
            Key::Char(c) if self.ctrl => Self { key: Key::Char(c.to_ascii_lowercase()), ..self },
            _ => self,
        }
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("ctrl-")?;
        }
        if self.alt {
            f.write_str("alt-")?;
        }
        if let Some((name, _)) = NAMES.iter().find(|(_, key)| *key == self.key) {
            return f.write_str(name);
        }
        match self.key {
            Key::F(n) => write!(f, "f{n}"),
            Key::Char(c) => write!(f, "{c}"),
            // Every other key has a name above.
            _ => Ok(()),
        }
    }
}

impl FromStr for Chord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || {
            format!(
                "`{text}` is not a key; keys are written like j, G, ctrl-p, alt-x, space, f5 or shift-tab"
            )
        };
        let (mut rest, mut ctrl, mut alt) = (text, false, false);
        loop {
            if let Some(more) = prefixed(rest, "ctrl-").filter(|_| !ctrl) {
                (rest, ctrl) = (more, true);
            } else if let Some(more) = prefixed(rest, "alt-").filter(|_| !alt) {
                (rest, alt) = (more, true);
            } else {
                break;
            }
        }
        let chord = |key| Self { key, ctrl, alt }.normal();
        let mut chars = rest.chars();
        if let (Some(c), None) = (chars.next(), chars.next()) {
            let drawn = !c.is_control() && !c.is_whitespace();
            return if drawn { Ok(chord(Key::Char(c))) } else { Err(unknown()) };
        }
        let lower = rest.to_ascii_lowercase();
        if let Some((_, key)) = NAMES.iter().find(|(name, _)| *name == lower) {
            return Ok(chord(*key));
        }
        match lower.strip_prefix('f').and_then(|n| n.parse::<u8>().ok()) {
            Some(n @ 1..=12) if lower == format!("f{n}") => Ok(chord(Key::F(n))),
            _ => Err(unknown()),
        }
    }
}

/// What follows a modifier, if anything does (so that `ctrl--` is control and minus).
fn prefixed<'a>(text: &'a str, modifier: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(modifier.len())?;
    (head.eq_ignore_ascii_case(modifier) && !rest.is_empty()).then_some(rest)
}

/// Reads chords separated by spaces.
pub fn parse_sequence(text: &str) -> Result<Vec<Chord>, String> {
    let chords: Vec<Chord> =
        text.split_ascii_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    if chords.is_empty() { Err("a key is missing".into()) } else { Ok(chords) }
}

/// Writes chords as [`parse_sequence`] reads them.
pub fn print_sequence(chords: &[Chord]) -> String {
    chords.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn chords_are_read_as_people_write_them() {
        for (text, chord) in [
            ("j", Chord::plain(Key::Char('j'))),
            ("G", Chord::plain(Key::Char('G'))),
            ("?", Chord::plain(Key::Char('?'))),
            ("-", Chord::plain(Key::Char('-'))),
            ("ctrl-p", Chord::ctrl('p')),
            ("Ctrl-P", Chord::ctrl('p')),
            ("ctrl--", Chord::ctrl('-')),
            ("alt-x", Chord { key: Key::Char('x'), ctrl: false, alt: true }),
            ("alt-ctrl-x", Chord { key: Key::Char('x'), ctrl: true, alt: true }),
            ("space", Chord::plain(Key::Char(' '))),
            ("shift-tab", Chord::plain(Key::BackTab)),
            ("PgDn", Chord::plain(Key::PageDown)),
            ("f", Chord::plain(Key::Char('f'))),
            ("F5", Chord::plain(Key::F(5))),
        ] {
            assert_eq!(text.parse(), Ok(chord), "{text}");
        }
        for bad in
            ["", "ctrl-", "hyper-x", "f13", "f0", "f05", "f+5", "jj", "\u{3000}", "ctrl-ctrl-x"]
        {
            assert!(bad.parse::<Chord>().is_err(), "{bad}");
        }
        assert_eq!(print_sequence(&parse_sequence(" g  ctrl-x ").unwrap()), "g ctrl-x");
        assert!(parse_sequence("  ").is_err());
    }

    fn any_chord() -> impl Strategy<Value = Chord> {
        let named = proptest::sample::select(NAMES).prop_map(|(_, key)| key);
        let drawn = proptest::char::any()
            .prop_filter("drawn", |c| !c.is_control() && !c.is_whitespace())
            .prop_map(Key::Char);
        let key = prop_oneof![named, drawn, (1u8..=12).prop_map(Key::F)];
        (key, any::<bool>(), any::<bool>())
            .prop_map(|(key, ctrl, alt)| Chord { key, ctrl, alt }.normal())
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back_the_same(chords in proptest::collection::vec(any_chord(), 1..4)) {
            prop_assert_eq!(parse_sequence(&print_sequence(&chords)), Ok(chords));
        }

        #[test]
        fn no_text_panics(text in "\\PC*|(ctrl-|alt-|shift-|f|é){0,4}\\PC{0,2}") {
            let _ = text.parse::<Chord>();
        }
    }
}
