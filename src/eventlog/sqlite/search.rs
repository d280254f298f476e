//! Finding records by their words, newest first.
//!
//! What was typed becomes a question of single words, of which the index reads only as much as the answer
//! needs, however often they occur. What the index cannot tell for sure (three words in a row) is looked
//! at again, record by record, newest first.

use rusqlite::{Connection, OptionalExtension, params};

use super::super::RecordId;
use super::super::record::{Glance, Known};
use super::super::words;
use super::index;

/// A beginning that fewer words share is looked for as those words, which is quick at any length.
const MOST_ENDINGS: usize = 64;
/// The beginnings the index keeps: of these many characters.
pub(super) const BEGINNINGS: std::ops::RangeInclusive<usize> = 2..=8;
/// More words than this narrow nothing down.
const MOST_WORDS: usize = 32;
/// Records looked at again at once.
const CANDIDATES: usize = 128;
/// Portions indexed before an answer: what is further behind is found a little later.
const PORTIONS: usize = 40;

/// The ids of records with all these words, newest first.
pub(super) fn search(
    connection: &mut Connection,
    words: &str,
    most: usize,
) -> rusqlite::Result<Vec<RecordId>> {
    // A store that cannot be written can be searched as far as its index goes.
    let behind = |connection: &mut Connection| index::catch_up(connection).unwrap_or(false);
    let _ = (0..PORTIONS).find(|_| !behind(connection));
    let Some(question) = question(connection, words)? else { return Ok(Vec::new()) };
    let mut found = connection.prepare_cached(
        "SELECT rowid FROM words WHERE words MATCH ?1 ORDER BY rowid DESC LIMIT ?2",
    )?;
    let limit = if question.again.is_some() { usize::MAX } else { most };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut positions =
        found.query_map(params![question.asked, limit], |row| row.get::<_, i64>(0))?;
    let mut ids = Vec::new();
    while ids.len() < most {
        let some = positions.by_ref().take(CANDIDATES).collect::<rusqlite::Result<Vec<_>>>()?;
        if some.is_empty() {
            break;
        }
        let good = match &question.again {
            Some(exactly) => looked_at(connection, exactly, &some)?,
            None => some,
        };
        for position in good {
            ids.extend(id_at(connection, position)?);
        }
    }
    ids.truncate(most);
    Ok(ids)
}

fn id_at(connection: &Connection, position: i64) -> rusqlite::Result<Option<RecordId>> {
    connection
        .prepare_cached("SELECT id FROM record WHERE position = ?1")?
        .query_row([position], |row| row.get(0).map(RecordId))
        .optional()
}

/// Which of these records, newest first, are what was meant, by a small index of their whole text.
fn looked_at(
    connection: &Connection,
    exactly: &str,
    positions: &[i64],
) -> rusqlite::Result<Vec<i64>> {
    connection.execute_batch(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.candidate USING fts5(
            text, content='', tokenize='unicode61 remove_diacritics 2');
        INSERT INTO temp.candidate(candidate) VALUES ('delete-all');",
    )?;
    let mut bytes =
        connection.prepare_cached("SELECT id, bytes FROM record WHERE position = ?1")?;
    let mut insert =
        connection.prepare_cached("INSERT INTO temp.candidate(rowid, text) VALUES (?1, ?2)")?;
    let mut known = Known::default();
    for position in positions {
        let mut rows = bytes.query([position])?;
        let Some(row) = rows.next()? else { continue };
        let Some(glance) = row.get_ref(1)?.as_blob().ok().and_then(Glance::at) else { continue };
        let text = words::of(&glance.recorded(RecordId(row.get(0)?), &mut known));
        insert.execute(params![position, index::plain(&text)])?;
    }
    connection
        .prepare_cached(
            "SELECT rowid FROM temp.candidate WHERE candidate MATCH ?1 ORDER BY rowid DESC",
        )?
        .query_map([exactly], |row| row.get(0))?
        .collect()
}

/// What was typed, in the language of the index.
#[derive(Debug, PartialEq, Eq)]
struct Question {
    /// Single words, which all must be there.
    asked: String,
    /// What must hold of the whole text, when single words do not say it all.
    again: Option<String>,
}

/// The question of what was typed; `None` when there is no word in it.
fn question(connection: &Connection, words: &str) -> rusqlite::Result<Option<Question>> {
    let mut parts = split(&index::plain(words));
    parts.truncate(MOST_WORDS);
    let (mut asked, mut exactly, mut sure) = (Vec::new(), Vec::new(), true);
    for (text, part) in &parts {
        let pieces: Vec<&str> = text.split(index::between).filter(|p| !p.is_empty()).collect();
        let begins = *part == Part::Beginning;
        exactly.push(if begins { format!("{} *", quoted(text)) } else { quoted(text) });
        match pieces[..] {
            [one] if index::is_simple(one) => {
                asked.push(if begins { beginning(connection, one)? } else { quoted(one) });
            }
            [one, two] if !begins && index::is_simple(one) && index::is_simple(two) => {
                asked.push(quoted(&format!("{one}_{two}")));
            }
            _ => {
                sure = false;
                asked.extend(several(connection, text, begins)?);
            }
        }
    }
    let again = (!sure).then(|| exactly.join(" AND "));
    Ok((!asked.is_empty()).then(|| Question { asked: asked.join(" AND "), again }))
}

/// The words and pairs of words of a phrase, as far as they are known: not the last of one that goes on.
fn several(connection: &Connection, text: &str, begins: bool) -> rusqlite::Result<Vec<String>> {
    let mut words = tokens(connection, text)?;
    let mut pairs: Vec<String> = index::pairs(text).collect();
    let last = if begins { words.pop() } else { None };
    if begins {
        pairs.pop();
    }
    let mut asked: Vec<String> = words.iter().chain(&pairs).map(|word| quoted(word)).collect();
    if let (true, Some(last)) = (asked.is_empty(), last) {
        let long = last.chars().count() >= *BEGINNINGS.start();
        asked.push(if long { format!("{} *", quoted(&last)) } else { quoted(&last) });
    }
    Ok(asked)
}

/// The words of a text as the index splits them; it is asked itself when that is not plain to see.
fn tokens(connection: &Connection, text: &str) -> rusqlite::Result<Vec<String>> {
    if text.is_ascii() {
        let words = text.split(index::between).filter(|word| !word.is_empty());
        return Ok(words.map(str::to_owned).collect());
    }
    connection.execute_batch(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.asked USING fts5(
            text, content='', tokenize='unicode61 remove_diacritics 2');
        CREATE VIRTUAL TABLE IF NOT EXISTS temp.said USING fts5vocab(temp, asked, instance);
        INSERT INTO temp.asked(asked) VALUES ('delete-all');",
    )?;
    connection
        .prepare_cached("INSERT INTO temp.asked(rowid, text) VALUES (1, ?1)")?
        .execute([text])?;
    connection
        .prepare_cached("SELECT term FROM temp.said ORDER BY \"offset\"")?
        .query_map([], |row| row.get(0))?
        .collect()
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

/// A beginning, where the index keeps those of its length; a longer one as the words that begin so, when
/// they are few: several lists are read newest first as quickly as one, while a beginning that is not kept
/// is first gathered whole.
fn beginning(connection: &Connection, text: &str) -> rusqlite::Result<String> {
    let length = text.chars().count();
    if length < *BEGINNINGS.start() {
        return Ok(quoted(text));
    }
    if text.is_ascii() && length > *BEGINNINGS.end() {
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
        let term: Option<String> = next.query_row([&from], |row| row.get(0)).optional()?;
        let Some(term) = term.filter(|term| term.starts_with(beginning)) else { break };
        from = match term.split_once('_') {
            // A pair; the backtick is the least that comes after all pairs with this word.
            Some((word, _)) => format!("{word}`"),
            // The least text after this word: its other occurrences are skipped, not read.
            None => {
                let after = format!("{term}\u{1}");
                found.push(term);
                after
            }
        };
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

    #[test]
    fn what_is_typed_is_asked_as_single_words_and_looked_at_again_only_where_needed() {
        let connection = Connection::open_in_memory().unwrap();
        for (typed, asked, again) in [
            ("disk ", r#""disk""#, None),
            ("di", r#""di" *"#, None),
            ("\"disk full\"", r#""disk_full""#, None),
            ("order_store ", r#""order" AND "store""#, None),
            (
                "\"disk is full\"",
                r#""disk" AND "is" AND "full" AND "disk_is" AND "is_full""#,
                Some(r#""disk is full""#),
            ),
            ("a eu-1", r#""a" AND "eu""#, Some(r#""a" AND "eu-1" *"#)),
            ("表示 ", r#""表示""#, Some(r#""表示""#)),
            ("cafe\u{301} ", r#""cafe""#, Some("\"cafe\u{301}\"")),
        ] {
            let expected = Question { asked: asked.into(), again: again.map(Into::into) };
            assert_eq!(question(&connection, typed).unwrap(), Some(expected), "{typed}");
        }
    }
}
