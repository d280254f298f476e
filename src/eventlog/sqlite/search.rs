//! Finding records by their words, newest first.
//!
//! The index holds no text of its own and follows from the records; it is written with them in one
//! transaction. Asking for the newest only reads as much of it as the answer needs, however often a word
//! occurs.

use rusqlite::{Connection, OptionalExtension};

use super::super::RecordId;

/// A beginning that fewer words share is looked for as those words, which is quick at any length.
const MOST_ENDINGS: usize = 64;
/// More words than this narrow nothing down.
const MOST_WORDS: usize = 32;

/// The ids of records with all these words, newest first.
pub(super) fn search(
    connection: &Connection,
    words: &str,
    most: usize,
) -> rusqlite::Result<Vec<RecordId>> {
    let Some(asked) = expression(connection, words)? else { return Ok(Vec::new()) };
    let mut found = connection.prepare_cached(
        "SELECT rowid FROM words WHERE words MATCH ?1 ORDER BY rowid DESC LIMIT ?2",
    )?;
    let mut id = connection.prepare_cached("SELECT id FROM record WHERE position = ?1")?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut ids = Vec::new();
    for position in found.query_map(rusqlite::params![asked, most], |row| row.get::<_, i64>(0))? {
        ids.extend(id.query_row([position?], |row| row.get(0).map(RecordId)).optional()?);
    }
    Ok(ids)
}

/// What was typed in the index's own language; `None` when there is no word in it.
fn expression(connection: &Connection, words: &str) -> rusqlite::Result<Option<String>> {
    let mut parts = split(words);
    parts.truncate(MOST_WORDS);
    let Some((last, before)) = parts.split_last() else { return Ok(None) };
    let mut asked: Vec<String> = before.iter().map(|(text, _)| quoted(text)).collect();
    asked.push(match last {
        (text, Part::Beginning) => beginning(connection, text)?,
        (text, _) => quoted(text),
    });
    Ok(Some(asked.join(" AND ")))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// As typed, one or several words in a row.
    Whole,
    /// The end of what was typed so far.
    Beginning,
}

/// Words and phrases, in order. A word is letters and digits, as the index splits them.
fn split(words: &str) -> Vec<(String, Part)> {
    let mut parts = Vec::new();
    for (at, piece) in words.split('"').enumerate() {
        if at % 2 == 1 {
            if piece.chars().any(char::is_alphanumeric) {
                parts.push((piece.to_owned(), Part::Whole));
            }
            continue;
        }
        let word = |word: &&str| word.chars().any(char::is_alphanumeric);
        let found = piece.split_whitespace().filter(word);
        parts.extend(found.map(|word| (word.to_owned(), Part::Whole)));
    }
    let open = words.ends_with(|c: char| c.is_alphanumeric())
        && words.matches('"').count().is_multiple_of(2);
    if let (true, Some(last)) = (open, parts.last_mut()) {
        last.1 = Part::Beginning;
    }
    parts
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// A beginning as the words that begin so, when they are few: several lists are read newest first as
/// quickly as one, while a beginning is first gathered whole, unless it is as short as the index keeps.
fn beginning(connection: &Connection, text: &str) -> rusqlite::Result<String> {
    let length = text.chars().count();
    if length < 2 {
        return Ok(quoted(text));
    }
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric());
    if plain && length > 3 {
        let endings = endings(connection, &text.to_ascii_lowercase())?;
        if !endings.is_empty() && endings.len() < MOST_ENDINGS {
            let any: Vec<String> = endings.iter().map(|word| quoted(word)).collect();
            return Ok(format!("({})", any.join(" OR ")));
        }
    }
    Ok(format!("{} *", quoted(text)))
}

/// The words of the index that begin so, at most [`MOST_ENDINGS`].
fn endings(connection: &Connection, beginning: &str) -> rusqlite::Result<Vec<String>> {
    let mut next = connection
        .prepare_cached("SELECT term FROM word WHERE term >= ?1 ORDER BY term LIMIT 1")?;
    let mut from = beginning.to_owned();
    let mut found = Vec::new();
    while found.len() < MOST_ENDINGS {
        let word: Option<String> = next.query_row([&from], |row| row.get(0)).optional()?;
        let Some(word) = word.filter(|word| word.starts_with(beginning)) else { break };
        // The least text after this word: its other occurrences are skipped, not read.
        from = format!("{word}\u{1}");
        found.push(word);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_becomes_words_phrases_and_a_beginning() {
        use Part::{Beginning, Whole};
        for (typed, parts) in [
            ("", vec![]),
            ("  -- ", vec![]),
            ("data", vec![("data", Beginning)]),
            ("data ", vec![("data", Whole)]),
            ("full data", vec![("full", Whole), ("data", Beginning)]),
            ("\"disk is full\" eu", vec![("disk is full", Whole), ("eu", Beginning)]),
            ("\"disk is fu", vec![("disk is fu", Whole)]),
            ("a \"b c\"", vec![("a", Whole), ("b c", Whole)]),
            ("NEAR(a, b) *", vec![("NEAR(a,", Whole), ("b)", Whole)]),
        ] {
            let split = split(typed);
            let found: Vec<_> = split.iter().map(|(text, part)| (text.as_str(), *part)).collect();
            assert_eq!(found, parts, "{typed}");
        }
    }
}
