//! Files that people write: what stands where in them, and what is wrong there.

use std::fmt;

use toml::de::{DeTable, DeValue};

use super::SafeText;

/// One mistake in a file, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file as the person knows it.
    pub file: SafeText,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong and what would be right.
    pub what: SafeText,
}

impl Fault {
    /// A fault at a byte offset of `text`.
    pub fn at(file: &str, text: &str, offset: usize, what: &str) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            file: SafeText::new(file),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            what: SafeText::new(what),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.what)
    }
}

/// The known word most like a mistyped one, if any is like it at all.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|known| {
            let likeness = strsim::jaro_winkler(word, known);
            (strsim::damerau_levenshtein(word, known), likeness, known)
        })
        .filter(|(_, likeness, _)| *likeness > 0.7)
        .min_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)))
        .map(|(_, _, known)| known)
}

/// A table of a simple file, or its top level (with an empty name); settings in the order written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Table name.
    pub name: String,
    /// Byte offset of the name.
    pub at: usize,
    /// `key = "value"` lines.
    pub settings: Vec<Setting>,
}

/// One `key = "value"` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Left side.
    pub key: String,
    /// Byte offset of the left side.
    pub key_at: usize,
    /// Right side, a string.
    pub value: String,
    /// Byte offset of the first character inside the quotes.
    pub value_at: usize,
}

/// Reads TOML that consists of strings in tables of one level, as keymaps and themes do.
pub fn sections(file: &str, text: &str) -> Result<Vec<Section>, Vec<Fault>> {
    let root = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        vec![Fault::at(file, text, at, &format!("this is not TOML: {}.", error.message()))]
    })?;
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    let mut top = Section { name: String::new(), at: 0, settings: Vec::new() };
    for (key, value) in root.get_ref() {
        match value.get_ref() {
            DeValue::Table(table) => {
                let mut section = Section {
                    name: key.get_ref().to_string(),
                    at: key.span().start,
                    settings: Vec::new(),
                };
                for (key, value) in table {
                    push(&mut section, file, text, key, value, &mut faults);
                }
                found.push(section);
            }
            _ => push(&mut top, file, text, key, value, &mut faults),
        }
    }
    found.push(top);
    for section in &mut found {
        section.settings.sort_by_key(|s| s.key_at);
    }
    found.sort_by_key(|s| s.at);
    if faults.is_empty() { Ok(found) } else { Err(faults) }
}

fn push(
    section: &mut Section,
    file: &str,
    text: &str,
    key: &toml::Spanned<toml::de::DeString<'_>>,
    value: &toml::Spanned<DeValue<'_>>,
    faults: &mut Vec<Fault>,
) {
    let at = value.span().start;
    match value.get_ref() {
        DeValue::String(string) => section.settings.push(Setting {
            key: key.get_ref().to_string(),
            key_at: key.span().start,
            value: string.to_string(),
            value_at: at + 1,
        }),
        other => {
            let (key, kind) = (key.get_ref(), other.type_str());
            let what = format!("`{key}` needs a text in quotes, and this is of type {kind}.");
            faults.push(Fault::at(file, text, at, &what));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn settings_keep_their_order_and_place() {
        let text = "inherits = \"é\"\n[b]\nz = \"1\"\na = \"2\"\n";
        let found = sections("x.toml", text).unwrap();
        let names: Vec<_> = found.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["", "b"]);
        let keys: Vec<_> = found[1].settings.iter().map(|s| s.key.as_str()).collect();
        assert_eq!(keys, ["z", "a"]);
        let place = Fault::at("x.toml", text, found[1].settings[1].value_at, "Wrong.");
        assert_eq!(place.to_string(), "x.toml:4:6: Wrong.");
    }

    #[test]
    fn every_wrong_kind_of_value_is_named_with_its_place() {
        let faults = sections("k.toml", "a = 1\n[t]\nb = [\"x\"]\n").unwrap_err();
        let said: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "k.toml:1:5: `a` needs a text in quotes, and this is of type integer.",
                "k.toml:3:5: `b` needs a text in quotes, and this is of type array.",
            ]
        );
        let broken = sections("k.toml", "a = \"x\"\nb = \n").unwrap_err();
        assert_eq!((broken.len(), broken[0].line), (1, 2));
    }

    #[test]
    fn the_nearest_word_is_found_or_none() {
        assert_eq!(nearest("silense", ["silence", "silences", "slos", "ack"]), Some("silence"));
        assert_eq!(nearest("zzz", ["silence", "ack"]), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*|[a-z=\"\\[\\]\n#.{}\\\\é]{0,60}") {
            for fault in sections("f", &text).err().into_iter().flatten() {
                prop_assert!(fault.line >= 1 && fault.column >= 1);
            }
        }
    }
}
