//! Text from outside, made safe at the door.
//!
//! A label, an annotation, an error body or a ticket title may carry terminal escapes, bidirectional
//! overrides, zero-width characters or megabytes. [`SafeText`] is the only kind of outside text that
//! may be drawn, logged, copied or sent; making one is the only place where cleaning happens.
//! Invisible characters become visible ones, so that nothing is hidden and nothing is executed.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Most bytes a label, name or title keeps.
pub const LINE_BYTES: usize = 512;
/// Most bytes a body (runbook, annotation, note) keeps.
pub const BODY_BYTES: usize = 64 * 1024;
/// Most bytes one user-perceived character keeps; longer piles of combining marks are cut.
const GRAPHEME_BYTES: usize = 32;

/// Text without control, bidirectional, zero-width or tag characters, of bounded length; cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SafeText(Arc<str>);

impl Ord for SafeText {
    /// Texts are shared, so that two are often the same one: an alert's site is that of all others.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        if Arc::ptr_eq(&self.0, &other.0) {
            return std::cmp::Ordering::Equal;
        }
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for SafeText {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl SafeText {
    /// One line: line breaks and tabs become spaces; at most [`LINE_BYTES`].
    pub fn new(raw: &str) -> Self {
        Self::cleaned(raw, LINE_BYTES, false)
    }

    /// Several lines: `\n` stays, the rest is cleaned; at most [`BODY_BYTES`].
    pub fn body(raw: &str) -> Self {
        Self::cleaned(raw, BODY_BYTES, true)
    }

    /// One line from bytes that may not be UTF-8.
    pub fn from_bytes(raw: &[u8]) -> Self {
        // Cut before decoding so that a megabyte of garbage costs what a line costs.
        Self::new(&String::from_utf8_lossy(&raw[..raw.len().min(LINE_BYTES * 2)]))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn cleaned(raw: &str, limit: usize, lines: bool) -> Self {
        if raw.len() <= limit
            && raw.bytes().all(|b| matches!(b, 0x20..=0x7e) || (lines && b == b'\n'))
        {
            return Self(Arc::from(raw));
        }
        Self(Arc::from(clean(raw, limit, lines)))
    }
}

fn clean(raw: &str, limit: usize, lines: bool) -> String {
    let mut out = String::with_capacity(raw.len().min(limit));
    let raw = raw.replace("\r\n", "\n");
    for (at, grapheme) in raw.grapheme_indices(true) {
        let start = out.len();
        // Only scripts and emoji that need joiners may keep them; `a<ZWJ>` is a hiding place.
        let joined =
            grapheme.starts_with(|c: char| c > '\u{8ff}') && UnicodeWidthStr::width(grapheme) > 0;
        for c in grapheme.chars() {
            if out.len() - start + c.len_utf8() > GRAPHEME_BYTES {
                break;
            }
            match c {
                '\n' if lines => out.push('\n'),
                '\n' | '\r' | '\t' => out.push(' '),
                '\0'..='\x1f' => out.extend(char::from_u32(0x2400 + u32::from(c))),
                '\x7f' => out.push('\u{2421}'),
                // Joiners and variation selectors make emoji and Indic scripts; alone they only hide.
                '\u{200d}' | '\u{fe00}'..='\u{fe0f}' if joined => out.push(c),
                c if is_hidden(c) => {
                    use fmt::Write as _;
                    let _ = write!(out, "<U+{:04X}>", u32::from(c));
                }
                c => out.push(c),
            }
        }
        if out.len() > limit {
            out.truncate(start);
            use fmt::Write as _;
            let _ = write!(out, "… {} more", bytes(raw.len() - at));
            break;
        }
    }
    out
}

fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// A count of bytes as people read it: `312 B`, `41 KiB`, `3 MiB`.
pub fn bytes(count: usize) -> String {
    match count {
        0..=1023 => format!("{count} B"),
        1024..=1_048_575 => format!("{} KiB", count / 1024),
        _ => format!("{} MiB", count / 1_048_576),
    }
}

impl Default for SafeText {
    fn default() -> Self {
        Self(Arc::from(""))
    }
}

impl Deref for SafeText {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SafeText {
    fn from(raw: &str) -> Self {
        Self::new(raw)
    }
}

impl From<String> for SafeText {
    fn from(raw: String) -> Self {
        Self::new(&raw)
    }
}

impl fmt::Display for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// Lets maps keyed by [`SafeText`] be asked with a plain `&str`.
impl std::borrow::Borrow<str> for SafeText {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl serde::Serialize for SafeText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Reading cleans: what was written by another version or by hand is outside text too.
impl<'de> serde::Deserialize<'de> for SafeText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Cleaned;
        impl serde::de::Visitor<'_> for Cleaned {
            type Value = SafeText;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_str<E>(self, raw: &str) -> Result<SafeText, E> {
                Ok(SafeText::body(raw))
            }
        }
        deserializer.deserialize_str(Cleaned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_and_hidden_characters_become_visible() {
        for (raw, safe) in [
            ("plain", "plain"),
            ("a\x1b[2Jb", "a␛[2Jb"),
            ("x\u{9b}31m", "x<U+009B>31m"),
            ("pay\u{202e}lap", "pay<U+202E>lap"),
            ("ze\u{200b}ro", "ze<U+200B>ro"),
            ("tag\u{e0041}", "tag<U+E0041>"),
            ("a\rb\tc\nd", "a b c d"),
            ("naïve 表 👩‍🚒", "naïve 表 👩‍🚒"),
        ] {
            assert_eq!(SafeText::new(raw).as_str(), safe);
        }
    }

    #[test]
    fn a_megabyte_is_cut_and_says_so() {
        let text = SafeText::new(&"é".repeat(1 << 20));
        assert!(text.len() < LINE_BYTES + 24, "{}", text.len());
        assert!(text.ends_with("1 MiB more") || text.ends_with("2047 KiB more"), "{text}");
    }

    proptest! {
        #[test]
        fn no_forbidden_character_survives_and_cleaning_twice_changes_nothing(raw in "\\PC*|[\\x00-\\x1f\\u{80}-\\u{9f}\\u{200b}-\\u{206f}a-z👩‍🚒\\u{300}]{0,80}") {
            let once = SafeText::body(&raw);
            prop_assert!(once.chars().all(|c| c == '\n' || !c.is_control()));
            prop_assert!(once.len() <= BODY_BYTES + 32);
            prop_assert_eq!(SafeText::body(&once), once);
        }
    }
}
