//! What is wrong in a file: where, what, and what was probably meant.

use std::cell::RefCell;
use std::fmt;

use crate::domain::SafeText;

/// A mistake in a file of the operator's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, as the operator wrote its path.
    pub file: SafeText,
    /// Line, from 1; 0 when the mistake is not at one place.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong, without full stop.
    pub message: SafeText,
    /// What to do; empty when there is nothing to add.
    pub hint: SafeText,
}

/// `catalog.toml:12:9: unknown key `objctive`; did you mean `objective`?`
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}", self.message)?;
        if !self.hint.is_empty() {
            write!(f, "; {}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// Line and column, both from 1; line 0 is nowhere in particular.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    pub(super) line: u32,
    pub(super) column: u32,
}

/// More than this many mistakes in one file help nobody.
const MOST_ERRORS: usize = 50;

/// Collects the mistakes of one file while it is being read.
#[derive(Debug)]
pub(super) struct Mistakes {
    file: SafeText,
    found: RefCell<Vec<ConfigError>>,
}

impl Mistakes {
    pub(super) fn new(file: &str) -> Self {
        Self { file: SafeText::new(file), found: RefCell::default() }
    }

    pub(super) fn file(&self) -> &SafeText {
        &self.file
    }

    /// Notes a mistake.
    pub(super) fn add(&self, at: Place, message: &str) {
        self.hinted(at, message, "");
    }

    /// Notes a mistake and what to do about it.
    pub(super) fn hinted(&self, at: Place, message: &str, hint: &str) {
        let mut found = self.found.borrow_mut();
        if found.len() < MOST_ERRORS {
            found.push(ConfigError {
                file: self.file.clone(),
                line: at.line,
                column: at.column,
                message: SafeText::new(message),
                hint: SafeText::new(hint),
            });
        }
    }

    /// Notes a name that is not one of `known`, with the nearest that is.
    pub(super) fn unknown<'n>(
        &self,
        at: Place,
        kind: &str,
        name: &str,
        known: impl IntoIterator<Item = &'n str>,
    ) {
        self.hinted(at, &format!("unknown {kind} `{name}`"), &suggestion(name, known));
    }

    /// How many there are, to see whether a part was read without any.
    pub(super) fn count(&self) -> usize {
        self.found.borrow().len()
    }

    pub(super) fn into_errors(self) -> Vec<ConfigError> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|e| (e.line, e.column));
        found
    }
}

/// ``did you mean `objective`?``, or the whole list when it is short and nothing is near.
fn suggestion<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    // Comparing is quadratic in length; nobody means a name of a thousand letters.
    let short: String = name.chars().take(64).collect();
    let near = known
        .iter()
        .map(|k| (strsim::jaro_winkler(&short, k), strsim::damerau_levenshtein(&short, k), k))
        .filter(|(likeness, edits, k)| *likeness >= 0.8 || *edits <= 1 + k.len() / 5)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((_, _, k)) => format!("did you mean `{k}`?"),
        None if known.is_empty() => String::new(),
        None if known.len() <= 16 => format!("known: {}", known.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_names_its_place_and_the_nearest_valid_name() {
        let mistakes = Mistakes::new("catalog.toml");
        let at = Place { line: 12, column: 9 };
        mistakes.unknown(at, "key", "objctive", ["service", "objective", "period"]);
        mistakes.unknown(at, "kind", "zzz", ["prometheus", "alertmanager"]);
        mistakes.add(Place::default(), "no such file");
        let lines: Vec<String> = mistakes.into_errors().iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "catalog.toml: no such file",
                "catalog.toml:12:9: unknown key `objctive`; did you mean `objective`?",
                "catalog.toml:12:9: unknown kind `zzz`; known: prometheus, alertmanager",
            ]
        );
    }
}
