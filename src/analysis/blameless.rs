//! Blaming, counterfactual and hindsight language in a review, with a systemic wording for each.
//!
//! A review asks what made a step the sensible one at the time. Words that say what somebody did not do, or
//! what would have been, answer another question (Dekker, *The Field Guide to Understanding "Human Error"*;
//! PagerDuty's and Google's post-mortem guides). Phrases are matched word by word, whatever stands between
//! the words; what is quoted as code is nobody's judgement. Cost: words × phrases.

mod phrases;

use std::ops::Range;

use phrases::{PEOPLE, PHRASES, ROLES, Subject};

/// What is wrong with a wording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slip {
    /// Somebody's character or fault.
    Blame,
    /// What did not happen, told as if it could have.
    Counterfactual,
    /// What could only be known afterwards.
    Hindsight,
    /// A person by name, where a role would do.
    Name,
}

impl Slip {
    /// As shown and printed.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Blame => "blame",
            Self::Counterfactual => "counterfactual",
            Self::Hindsight => "hindsight",
            Self::Name => "name",
        }
    }
}

/// A wording that should be another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where, in bytes of the text.
    pub at: Range<usize>,
    /// What is wrong.
    pub slip: Slip,
    /// What to write instead.
    pub offer: String,
}

/// A word and where it stands.
#[derive(Debug, Clone)]
struct Word {
    at: Range<usize>,
    text: String,
    /// The first of its clause.
    first: bool,
}

/// Everything in `text` that should be worded otherwise, in its order. `names` are the people of the
/// incident and how each is called by role.
pub fn lint(text: &str, names: &[(&str, &str)]) -> Vec<Finding> {
    let words = words(text);
    let mut found: Vec<Finding> = Vec::new();
    for at in 0..words.len() {
        let longest = PHRASES
            .iter()
            .filter(|phrase| says(&words[at..], phrase.words))
            .filter(|phrase| phrase.of == Subject::Anybody || is_of_people(&words, at, names))
            .max_by_key(|phrase| phrase.words.len());
        let Some(phrase) = longest else { continue };
        let end = words[at + phrase.words.len() - 1].at.end;
        if found.last().is_some_and(|last| last.at.end > words[at].at.start) {
            continue;
        }
        let (at, offer) = (words[at].at.start..end, phrase.offer.to_owned());
        found.push(Finding { at, slip: phrase.slip, offer });
    }
    for (name, role) in names {
        found.extend(named(text, &words, name, role));
    }
    found.sort_by_key(|one| (one.at.start, one.at.end));
    found.dedup_by(|later, first| later.at.start < first.at.end);
    found
}

/// Words of the text outside quoted code, apostrophes inside them kept.
fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let (mut first, mut code, mut fence, mut start) = (true, false, false, None);
    let mut line = 0;
    for (at, c) in text.char_indices().chain([(text.len(), '\n')]) {
        let inside = c.is_alphanumeric()
            || (matches!(c, '\'' | '’' | '-' | '_' | '.') && joins(text, at, c.len_utf8()));
        match (inside, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                if !code && !fence {
                    let text = text[from..at].to_lowercase().replace('’', "'");
                    words.push(Word { at: from..at, text, first });
                    first = false;
                }
                start = None;
            }
            _ => {}
        }
        match c {
            '\n' => {
                if text[line..at].trim_start().starts_with("```") {
                    fence = !fence;
                }
                (code, first, line) = (false, true, at + 1);
            }
            '`' => code = !code,
            '.' | '!' | '?' | ';' | ':' if !inside => first = true,
            _ => {}
        }
    }
    words
}

/// Whether a mark stands between two letters, so that it belongs to the word.
fn joins(text: &str, at: usize, length: usize) -> bool {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    letter(text[..at].chars().next_back()) && letter(text[at + length..].chars().next())
}

fn says(words: &[Word], phrase: &[&str]) -> bool {
    words.len() >= phrase.len()
        && phrase.iter().zip(words).enumerate().all(|(at, (wanted, word))| {
            // A phrase does not reach over the end of a clause.
            word.text == *wanted && (at == 0 || !word.first)
        })
}

/// Whether the clause a word stands in is about people, or names nobody before it.
fn is_of_people(words: &[Word], at: usize, names: &[(&str, &str)]) -> bool {
    let begins = words[..=at].iter().rposition(|word| word.first).unwrap_or(0);
    let before = &words[begins..at];
    let of_people = |word: &Word| {
        PEOPLE.contains(&word.text.as_str())
            || names.iter().any(|(name, _)| {
                name.to_lowercase().split_whitespace().any(|part| part == word.text)
            })
    };
    before.is_empty() || before.iter().any(of_people)
}

/// Where a person is named, but for directly after a role (`scribe: carol`).
fn named(text: &str, words: &[Word], name: &str, role: &str) -> Vec<Finding> {
    let wanted: Vec<String> = self::words(name).into_iter().map(|word| word.text).collect();
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let mut found = Vec::new();
    for at in 0..words.len() {
        if wanted.is_empty() || !says(&words[at..], &wanted) {
            continue;
        }
        let of_a_role =
            at.checked_sub(1).and_then(|before| words.get(before)).is_some_and(|word| {
                let between = text[word.at.end..words[at].at.start].trim();
                ROLES.contains(&word.text.as_str()) && matches!(between, ":" | "" | "(")
            });
        let place = words[at].at.start..words[at + wanted.len() - 1].at.end;
        // A name as common as `will` is one only as it is written.
        let as_written = text[place.clone()] == *name;
        if !of_a_role && as_written {
            found.push(Finding { at: place, slip: Slip::Name, offer: role.to_owned() });
        }
    }
    found
}

#[cfg(test)]
mod tests;
