//! People, words of the inside and guesses.

use super::{Finding, FindingKind, places, runs};
use crate::domain::SafeText;

/// Parts of a name shorter than this are words of any language.
const LEAST_PART: usize = 3;

/// Phrases that say more about a cause than is known, with what to say instead.
const GUESSES: [(&str, &str); 34] = [
    ("we think", "we are checking whether"),
    ("we believe", "we are checking whether"),
    ("we suspect", "we are checking whether"),
    ("we assume", "we are checking whether"),
    ("we guess", "we are checking whether"),
    ("our guess is", "we are checking whether"),
    ("it looks like", "we are checking whether"),
    ("looks like", "is being checked for"),
    ("it seems", "we are checking whether"),
    ("seems to be", "is being checked for"),
    ("appears to be", "is being checked for"),
    ("probably", ""),
    ("most likely", ""),
    ("likely", ""),
    ("presumably", ""),
    ("supposedly", ""),
    ("apparently", ""),
    ("possibly", ""),
    ("perhaps", ""),
    ("maybe", ""),
    ("might be", "is being checked"),
    ("may be due to", "is being investigated"),
    ("may have been caused by", "is being investigated"),
    ("was caused by", "is being investigated"),
    ("is caused by", "is being investigated"),
    ("caused by", "which is being investigated"),
    ("due to", "which is being investigated"),
    ("because of", "which is being investigated"),
    ("as a result of", "which is being investigated"),
    ("root cause", "cause"),
    ("to blame", "involved"),
    ("the fault of", "related to"),
    ("human error", "a change"),
    ("triggered by", "which is being investigated"),
];

pub(super) fn guesses(text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for (phrase, instead) in GUESSES {
        for mut range in places(text, phrase) {
            // What is left out takes its space along.
            if instead.is_empty() && text.get(range.end..).is_some_and(|t| t.starts_with(' ')) {
                range.end += 1;
            }
            found.push(Finding { range, kind: FindingKind::Guess, proposal: instead.to_owned() });
        }
    }
    found
}

/// Names whole and in parts, handles, and mail addresses of anybody.
pub(super) fn people(text: &str, people: &[(SafeText, SafeText)]) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |range: std::ops::Range<usize>, instead: &str| {
        let start = range.start;
        let at = text.get(..start).is_some_and(|before| before.ends_with('@'));
        let range = start - usize::from(at)..range.end;
        found.push(Finding { range, kind: FindingKind::Person, proposal: instead.to_owned() });
    };
    for (name, instead) in people {
        for range in places(text, name) {
            add(range, instead);
        }
        let parts: Vec<&str> = name.split([' ', '.', '_']).collect();
        if parts.len() < 2 || name.starts_with('+') {
            continue;
        }
        for part in parts.into_iter().filter(|part| part.chars().count() >= LEAST_PART) {
            if part.chars().all(char::is_alphabetic) {
                places(text, part).into_iter().for_each(|range| add(range, instead));
            }
        }
    }
    let address = |c: char| c.is_alphanumeric() || "._%+-@".contains(c);
    for (at, run) in runs(text, address) {
        let run = run.trim_end_matches(['.', '-', '@']);
        let is_mail = run.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && host.contains('.') && !host.contains('@')
        });
        if is_mail {
            add(at..at + run.len(), "[address removed]");
        }
    }
    found
}

/// The playbook's words.
pub(super) fn inside(text: &str, words: &[SafeText]) -> Vec<Finding> {
    let mut found = Vec::new();
    for word in words {
        for range in places(text, word.trim_start_matches(['*', '.'])) {
            let proposal = "[removed]".to_owned();
            found.push(Finding { range, kind: FindingKind::Word, proposal });
        }
    }
    found
}
