//! The index of words: what follows from the records and can wait until they are safely on disk.
//!
//! It is written behind the records, in portions, when nobody waits: by whichever console is idle, and by
//! whoever searches. `meta` says how far it has come. The index holds no text of its own.
//!
//! Beside each word it has each two that follow one another, as `one_two`, so that a phrase is looked for
//! as quickly as a word. Only letters every version of the tokenizer knows are joined so; for all others
//! a phrase is looked for by its words, and the records found are looked at again.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::super::record::{Glance, Known};
use super::super::{Position, RecordId, Recorded, words};

/// Where `meta` says how far the index goes.
const INDEXED: &str = "indexed";
/// Records indexed in one transaction: nobody who wants to write waits for longer than that takes.
const PORTION: u64 = 512;

/// Takes up what was recorded since; whether there is more.
pub(super) fn catch_up(connection: &mut Connection) -> rusqlite::Result<bool> {
    if reached(connection)? >= last(connection)? {
        return Ok(false);
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Asked again under the lock: another console may just have done it.
    let (from, last) = (reached(&tx)?, last(&tx)?);
    let to = last.min(from.saturating_add(PORTION));
    if from < to {
        portion(&tx, from, to)?;
        reach(&tx, Position(to))?;
    }
    tx.commit()?;
    Ok(to < last)
}

/// Makes the words of records findable. Whether they are genuine is for the readers to say: what they
/// were not handed out they do not show.
fn portion(connection: &Connection, from: u64, to: u64) -> rusqlite::Result<()> {
    let mut rows = connection.prepare_cached(
        "SELECT position, id, bytes FROM record WHERE position > ?1 AND position <= ?2
         ORDER BY position",
    )?;
    let mut rows = rows.query(params![from, to])?;
    let mut known = Known::default();
    while let Some(row) = rows.next()? {
        let Ok(bytes) = row.get_ref(2)?.as_blob() else { continue };
        if let Some(glance) = Glance::at(bytes) {
            add(connection, row.get(0)?, &glance.recorded(RecordId(row.get(1)?), &mut known))?;
        }
    }
    Ok(())
}

/// Makes a record's words findable.
pub(super) fn add(
    connection: &Connection,
    position: i64,
    record: &Recorded,
) -> rusqlite::Result<()> {
    let mut text = plain(&words::of(record));
    if !text.is_empty() {
        let pairs: Vec<String> = pairs(&text).collect();
        pairs.iter().for_each(|pair| text.extend(["\n", pair.as_str()]));
        connection
            .prepare_cached("INSERT INTO words(rowid, text) VALUES (?1, ?2)")?
            .execute(params![position, text])?;
    }
    Ok(())
}

/// How far the index goes.
pub(super) fn reached(connection: &Connection) -> rusqlite::Result<u64> {
    let bytes: Option<Vec<u8>> = connection
        .prepare_cached("SELECT value FROM meta WHERE name = ?1")?
        .query_row([INDEXED], |row| row.get(0))
        .optional()?;
    let bytes = bytes.and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
    Ok(bytes.map_or(0, u64::from_be_bytes))
}

/// Says how far the index goes.
pub(super) fn reach(connection: &Connection, position: Position) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1, ?2)")?
        .execute(params![INDEXED, position.0.to_be_bytes()])?;
    Ok(())
}

fn last(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT coalesce(max(position), 0) FROM record")?
        .query_row([], |row| row.get(0))
}

/// Text as it is indexed and asked for: what joins two words in the index stands in no text.
pub(super) fn plain(text: &str) -> String {
    text.replace('_', " ")
}

/// Each two words that follow one another, joined.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = String> {
    let pieces = || text.split(between).filter(|piece| !piece.is_empty());
    pieces()
        .zip(pieces().skip(1))
        .filter(|(one, two)| is_simple(one) && is_simple(two))
        .map(|(one, two)| format!("{one}_{two}"))
}

/// What stands between words in every version of the tokenizer.
pub(super) fn between(c: char) -> bool {
    match c {
        '\0'..='\u{7f}' => !c.is_ascii_alphanumeric(),
        '\u{2000}'..='\u{206f}' => true,
        c => c.is_whitespace(),
    }
}

/// Whether a piece is one word in every version of the tokenizer.
pub(super) fn is_simple(piece: &str) -> bool {
    let simple = |c: char| {
        matches!(c, '\0'..='\u{7f}' | '\u{c0}'..='\u{24f}' | '\u{388}'..='\u{3ff}' | '\u{400}'..='\u{527}')
            && c.is_alphanumeric()
    };
    !piece.is_empty() && piece.chars().all(simple)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_joined_where_their_letters_are_known_to_all() {
        for (text, expected) in [
            ("", vec![]),
            ("one", vec![]),
            ("the disk-is (full)", vec!["the_disk", "disk_is", "is_full"]),
            ("naïve — Σοφία", vec!["naïve_Σοφία"]),
            ("a 表示 b c", vec!["b_c"]),
            ("cafe\u{301} au lait", vec!["au_lait"]),
        ] {
            assert_eq!(pairs(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }
}
