//! The tables, how they came about, and whose file it is.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior, params};

use crate::domain::SafeText;

use super::super::record::Origin;
use super::super::{Position, claim, files};
use super::mark::Mark;
use super::say::Trouble;
use super::{index, read};

/// Numbered: version N of the schema is what the first N make. Only ever appended to.
const MIGRATIONS: [&str; 4] = [
    "
    CREATE TABLE record (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        id       BLOB NOT NULL UNIQUE,
        incident TEXT NOT NULL,
        origin   BLOB NOT NULL,
        seq      INTEGER NOT NULL,
        bytes    BLOB NOT NULL,
        UNIQUE (incident, origin, seq)
    ) STRICT;
    CREATE TRIGGER record_is_never_changed BEFORE UPDATE ON record
        BEGIN SELECT RAISE(ABORT, 'records are never changed'); END;
    CREATE TRIGGER record_is_never_removed BEFORE DELETE ON record
        BEGIN SELECT RAISE(ABORT, 'records are never removed'); END;
    CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
",
    // Which record took each place last. Follows from the records; an audit compares the two.
    "
    CREATE TABLE claim (place TEXT PRIMARY KEY, record BLOB NOT NULL) STRICT, WITHOUT ROWID;
",
    // The words of each record, by its position; and which words there are.
    "
    CREATE VIRTUAL TABLE words USING fts5(
        text, content='', columnsize=0, prefix='2 3', tokenize='unicode61 remove_diacritics 2'
    );
    CREATE VIRTUAL TABLE word USING fts5vocab(words, instance);
",
    // Another index: of pairs of words in place of their places, of longer beginnings, and written behind
    // the records.
    "
    DROP TABLE word;
    DROP TABLE words;
    CREATE VIRTUAL TABLE words USING fts5(
        text, content='', columnsize=0, detail=none, prefix='2 3 4 5 6 7 8',
        tokenize='unicode61 remove_diacritics 2 tokenchars _'
    );
    CREATE VIRTUAL TABLE word USING fts5vocab(words, instance);
",
];

/// From this version on places are claimed.
const CLAIMS: usize = 2;
/// From this version on words are found.
const WORDS: usize = 4;

/// `QDLG`, so that another program's database is never taken for ours.
const APPLICATION: i32 = 0x5144_4c47;

/// Nothing in the file may run code or read elsewhere.
pub(super) fn harden(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "mmap_size", 0)
}

/// The version of the schema the file has.
pub(super) fn check_ours(connection: &Connection, path: &Path) -> Result<usize, Trouble> {
    let application: i32 = connection.pragma_query_value(None, "application_id", |r| r.get(0))?;
    let version: usize = connection.pragma_query_value(None, "user_version", |r| r.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0))?;
    if application != APPLICATION && (application != 0 || tables > 0) {
        return Err(Trouble::Broken(format!(
            "{} is another program's database. It is left as it is and nothing is recorded; move it \
             away or choose another directory.",
            path.display()
        )));
    }
    check_known(version, path)?;
    Ok(version)
}

/// Refuses a file that a newer version has changed, also while it is open here.
pub(super) fn check_still_known(connection: &Connection, path: &Path) -> Result<(), Trouble> {
    check_known(connection.pragma_query_value(None, "user_version", |r| r.get(0))?, path)
}

fn check_known(version: usize, path: &Path) -> Result<(), Trouble> {
    if version <= MIGRATIONS.len() {
        return Ok(());
    }
    Err(Trouble::Broken(format!(
        "The log {} was written by a newer Quarterdeck (schema {version}, this one knows {}). It is left as \
         it is and nothing is recorded; use the newer version.",
        path.display(),
        MIGRATIONS.len()
    )))
}

/// Whether a file of this version says who took which place.
pub(super) const fn has_claims(version: usize) -> bool {
    version >= CLAIMS
}

pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    mark: &mut Mark,
) -> Result<(), Trouble> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Asked again under the lock: another console may just have done it.
    let version = check_ours(&tx, path)?;
    for step in &MIGRATIONS[version.min(MIGRATIONS.len())..] {
        tx.execute_batch(step)?;
    }
    if version < MIGRATIONS.len() {
        tx.pragma_update(None, "application_id", APPLICATION)?;
        tx.pragma_update(None, "user_version", MIGRATIONS.len())?;
    }
    if version < CLAIMS {
        derive_again(&tx, mark)?;
    }
    if version < WORDS {
        index::reach(&tx, Position::default())?;
    }
    tx.commit()?;
    Ok(())
}

/// Makes anew what follows from the records: who stands where. The words are taken up when there is time.
pub(super) fn derive_again(connection: &Connection, mark: &mut Mark) -> Result<(), Trouble> {
    connection.execute("DELETE FROM claim", [])?;
    let mut claims = Vec::new();
    let mut after = Position::default();
    loop {
        let batch = read::batch(connection, after, mark)?;
        for record in batch.records {
            let event = record.event.filter(|event| event.claim().is_some());
            claims.extend(event.map(|event| (record.id, event)));
        }
        after = batch.position;
        if !batch.more {
            break;
        }
    }
    for (place, id) in claim::standing(claims.iter().map(|(id, event)| (*id, event))) {
        connection.execute("INSERT INTO claim VALUES (?1, ?2)", params![place, id.0])?;
    }
    Ok(())
}

/// Database and the file beside it must agree on who writes here. When they do not, the database was
/// copied, restored or removed, and going on under the old origin could fork its series.
pub(super) fn settle_origin(
    connection: &mut Connection,
    user: Option<u32>,
    file: &Path,
) -> Result<(Origin, Option<SafeText>), Trouble> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let name = user.map_or_else(|| "origin".to_owned(), |user| format!("origin/{user}"));
    // A shared log may know several origins of one account: each person who uses it has a folder of
    // their own, with a key and an origin of their own.
    let several = user.map_or_else(String::new, |_| format!("{name}/*"));
    let stored: Vec<Origin> = tx
        .prepare("SELECT value FROM meta WHERE name = ?1 OR name GLOB ?2")?
        .query_map([&name, &several], |row| row.get(0).map(Origin))?
        .collect::<Result<_, _>>()?;
    let beside = files::read_origin(file);
    if let Some(beside) = beside.filter(|beside| stored.contains(beside)) {
        return Ok((beside, None));
    }
    let origin = files::random_origin()
        .ok_or_else(|| Trouble::Broken("The system gave no random numbers.".to_owned()))?;
    files::write_origin(file, origin).map_err(|e| {
        Trouble::Broken(format!(
            "{} could not be written ({e}). Nothing is recorded until it can be.",
            file.display()
        ))
    })?;
    let name = if user.is_some() { format!("{name}/{origin}") } else { name };
    tx.execute("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", params![name, origin.0])?;
    tx.commit()?;
    let notice = match (stored.is_empty(), beside) {
        (true, None) => None,
        (false, None) if user.is_some() => None,
        (true, Some(_)) => Some(
            "The log was empty although one was kept here before: its records are gone from this \
             directory. If you have a copy, put it back while no console runs.",
        ),
        (false, _) => Some(
            "The log was copied or restored from elsewhere. Its records are kept; new ones begin a \
             series of their own.",
        ),
    };
    Ok((origin, notice.map(SafeText::body)))
}
