//! What of a timeline is shown: `kind=action by=bob words`.
//!
//! Kinds and people are numbers beside the lines, so that a million lines are looked through within a
//! frame; words are looked for only in what is left. Lines that arrive later are looked at alone.

use std::fmt;

use regex::{Regex, RegexBuilder};

use crate::domain::{Actor, EntryKind, SafeText};

use super::texts::Places;
use super::{Line, LineKind, Timeline};

/// Fewer lines than this are looked at one by one.
const WORTH_ALL: usize = 4_096;

/// A filter. Kinds and people are alternatives among themselves; everything else must hold together.
#[derive(Debug, Clone, Default)]
pub struct TimelineFilter {
    kinds: Vec<LineKind>,
    people: Vec<SafeText>,
    pinned: bool,
    words: Vec<(SafeText, Regex)>,
}

/// Why a text is not a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct FilterMistake {
    /// What is wrong and what would be right.
    pub sentence: SafeText,
}

impl TimelineFilter {
    /// Reads `kind=action,decision by=bob pinned "two words" word`. Case does not matter.
    pub fn parse(text: &str) -> Result<Self, FilterMistake> {
        let mut filter = Self::default();
        for (word, quoted) in split(text) {
            match word.split_once('=') {
                Some(("kind", names)) if !quoted => {
                    for name in names.split(',').filter(|name| !name.is_empty()) {
                        filter.kinds.push(LineKind::named(name).ok_or_else(|| unknown(name))?);
                    }
                }
                Some(("by", names)) if !quoted => {
                    filter.people.extend(
                        names.split(',').filter(|name| !name.is_empty()).map(SafeText::new),
                    );
                }
                None if word == "pinned" && !quoted => filter.pinned = true,
                _ => {
                    let pattern = RegexBuilder::new(&regex::escape(&word))
                        .case_insensitive(true)
                        .build()
                        .map_err(|_| too_long())?;
                    filter.words.push((SafeText::new(&word), pattern));
                }
            }
        }
        Ok(filter)
    }

    /// Whether everything is shown.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.people.is_empty() && self.words.is_empty() && !self.pinned
    }

    /// The rows shown from row `from` on, oldest first.
    pub fn rows(&self, timeline: &Timeline, from: usize) -> Vec<u32> {
        let by = |who: &Actor| {
            self.people.is_empty() || self.people.iter().any(|p| p.eq_ignore_ascii_case(who.name()))
        };
        // Looking through all texts at once pays only when there are many lines to look at.
        let quick: Option<Places> = if timeline.len().saturating_sub(from) < WORTH_ALL {
            None
        } else {
            let words: Vec<&str> = self.words.iter().map(|(word, _)| word.as_str()).collect();
            timeline.texts().having(&words)
        };
        let fine = |at: u32| {
            let words = match &quick {
                Some(places) if !timeline.texts().is_apart(at) => places.has(at),
                _ => timeline.at(at).is_some_and(|line| self.has_words(line)),
            };
            words && (!self.pinned || timeline.at(at).is_some_and(|line| line.pinned))
        };
        let mut kinds = self.kinds.clone();
        if kinds.contains(&LineKind::Entry(EntryKind::Decision)) {
            kinds.push(LineKind::Deciding);
        }
        let asks = self.pinned || !self.words.is_empty();
        timeline.rows_where(from, &kinds, by, asks.then_some(fine))
    }

    fn has_words(&self, line: &Line) -> bool {
        self.words.iter().all(|(_, word)| {
            word.is_match(&line.text)
                || line.withdrawn.as_ref().is_some_and(|gone| word.is_match(&gone.1))
        })
    }
}

impl PartialEq for TimelineFilter {
    fn eq(&self, other: &Self) -> bool {
        let words = |filter: &Self| filter.words.iter().map(|(w, _)| w.clone()).collect::<Vec<_>>();
        (&self.kinds, &self.people, self.pinned) == (&other.kinds, &other.people, other.pinned)
            && words(self) == words(other)
    }
}

/// As it is typed.
impl fmt::Display for TimelineFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if !self.kinds.is_empty() {
            let names: Vec<&str> = self.kinds.iter().map(|kind| kind.name()).collect();
            parts.push(format!("kind={}", names.join(",")));
        }
        if !self.people.is_empty() {
            let names: Vec<&str> = self.people.iter().map(SafeText::as_str).collect();
            parts.push(format!("by={}", names.join(",")));
        }
        if self.pinned {
            parts.push("pinned".to_owned());
        }
        for (word, _) in &self.words {
            let plain = !word.contains([' ', '=']) && word.as_str() != "pinned";
            parts.push(if plain { word.to_string() } else { format!("\"{word}\"") });
        }
        f.write_str(&parts.join(" "))
    }
}

/// What a filter shows of a timeline, kept from frame to frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filtered {
    filter: TimelineFilter,
    rows: Vec<u32>,
    looked_at: usize,
    edits: u64,
}

impl Filtered {
    /// What `filter` shows of a timeline.
    pub fn new(filter: TimelineFilter, timeline: &Timeline) -> Self {
        let rows = filter.rows(timeline, 0);
        Self { filter, rows, looked_at: timeline.len(), edits: timeline.edits() }
    }

    /// Looks at what is new; at everything only when something changed before the end.
    pub fn refresh(&mut self, timeline: &Timeline) {
        if self.edits != timeline.edits() || timeline.len() < self.looked_at {
            *self = Self::new(std::mem::take(&mut self.filter), timeline);
        } else if timeline.len() > self.looked_at {
            self.rows.extend(self.filter.rows(timeline, self.looked_at));
            self.looked_at = timeline.len();
        }
    }

    /// The filter.
    pub const fn filter(&self) -> &TimelineFilter {
        &self.filter
    }

    /// The rows shown, oldest first; [`Timeline::get`] has their lines.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }
}

/// Words, and whether each was in quotes.
fn split(text: &str) -> Vec<(String, bool)> {
    let mut words = Vec::new();
    for (n, part) in text.split('"').enumerate() {
        if n % 2 == 1 {
            if !part.is_empty() {
                words.push((part.to_owned(), true));
            }
        } else {
            words.extend(part.split_whitespace().map(|word| (word.to_owned(), false)));
        }
    }
    words
}

fn unknown(name: &str) -> FilterMistake {
    let kinds = "machine, observation, action, decision, communication, evidence, step and refused";
    let name: String = name.chars().take(40).collect();
    FilterMistake {
        sentence: SafeText::new(&format!("`{name}` is not a kind of line; there are {kinds}.")),
    }
}

fn too_long() -> FilterMistake {
    FilterMistake { sentence: "A word to look for is too long; use a shorter one.".into() }
}
