//! What is new against the last text sent, line by line, and how long a text takes to read.

use similar::{ChangeTag, TextDiff};

use crate::domain::Span;

/// More lines than this are not compared one by one: the work grows with the product.
const MOST_LINES: usize = 2_000;
/// Words a person reads in a minute.
const WORDS_A_MINUTE: i64 = 200;

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// In both.
    Same,
    /// Only in the new text.
    Added,
    /// Only in the last one.
    Removed,
}

/// One line of the comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    /// What became of it.
    pub change: Change,
    /// The line, without its end.
    pub text: String,
}

/// The new text against the last one, in reading order.
pub fn changes(last: &str, new: &str) -> Vec<DiffLine> {
    let line =
        |change, text: &str| DiffLine { change, text: text.trim_end_matches('\n').to_owned() };
    if last.lines().count().max(new.lines().count()) > MOST_LINES {
        let removed = last.lines().map(|text| line(Change::Removed, text));
        return removed.chain(new.lines().map(|text| line(Change::Added, text))).collect();
    }
    let (last, new): (Vec<&str>, Vec<&str>) = (last.lines().collect(), new.lines().collect());
    let diff = TextDiff::from_slices(&last, &new);
    diff.iter_all_changes()
        .map(|change| {
            let tag = match change.tag() {
                ChangeTag::Equal => Change::Same,
                ChangeTag::Insert => Change::Added,
                ChangeTag::Delete => Change::Removed,
            };
            line(tag, change.value())
        })
        .collect()
}

/// How long a text takes to read, at 200 words a minute; at least a second for any.
pub fn reading_time(text: &str) -> Span {
    let words = i64::try_from(text.split_whitespace().count()).unwrap_or(i64::MAX);
    if words == 0 {
        return Span::ZERO;
    }
    Span::from_secs((words.saturating_mul(60) / WORDS_A_MINUTE).max(1))
}
