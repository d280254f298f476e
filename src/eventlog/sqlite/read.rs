//! Reading on from a position, and the audit of everything.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::super::verify::{Report, Signers, verify};
use super::super::{Batch, Position, RecordId};
use super::say::Trouble;
use super::schema::{check_ours, harden, has_claims};
use super::{PATIENCE, ROW, row};

/// Records read at once.
const BATCH: i64 = 10_000;
/// Unreadable places after which an audit stops looking for more.
const MOST_UNREADABLE: usize = 100;

pub(super) fn batch(connection: &Connection, after: Position) -> rusqlite::Result<Batch> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {ROW} FROM record WHERE position > ?1 ORDER BY position LIMIT ?2"
    ))?;
    let mut batch = Batch { position: after, ..Batch::default() };
    let mut count = 0;
    for stored in statement.query_map(params![after.0, BATCH], row)? {
        let stored = stored?;
        count += 1;
        batch.position = stored.position;
        match stored.open() {
            Ok(sealed) => batch.records.push(sealed.recorded()),
            Err(_) => batch.damaged.push(stored.position),
        }
    }
    batch.more = count == BATCH;
    Ok(batch)
}

pub(super) fn audit(path: &Path, signers: &Signers) -> Result<Report, Trouble> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    harden(&connection)?;
    let snapshot = connection.unchecked_transaction()?;
    let version = check_ours(&snapshot, path)?;
    drop(snapshot);
    let mut rows = Vec::new();
    let mut unreadable = Vec::new();
    let mut after = 0;
    // NOT INDEXED: an index can be made to hide a row.
    let mut statement = connection.prepare(&format!(
        "SELECT {ROW} FROM record NOT INDEXED WHERE position > ?1 ORDER BY position"
    ))?;
    while unreadable.len() < MOST_UNREADABLE {
        let mut failed = false;
        for stored in statement.query_map(params![after], row)? {
            match stored {
                Ok(stored) => {
                    after = stored.position.0;
                    rows.push(stored);
                }
                Err(_) => {
                    failed = true;
                    break;
                }
            }
        }
        if !failed {
            break;
        }
        after += 1;
        unreadable.push(Position(after));
    }
    let last: Option<u64> = connection
        .query_row("SELECT seq FROM sqlite_sequence WHERE name = 'record'", [], |r| r.get(0))
        .optional()?;
    let claims = if has_claims(version) { Some(claims(&connection)?) } else { None };
    let mut report = verify(rows, signers, last.map(Position), claims.as_ref());
    report.unreadable(unreadable);
    let integrity: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |r| r.get(0))
        .unwrap_or_else(|e| format!("it could not be checked ({e})"));
    if integrity != "ok" {
        report.damaged_file(&integrity);
    }
    Ok(report)
}

/// Who stands where, as the store has it.
fn claims(connection: &Connection) -> rusqlite::Result<BTreeMap<String, RecordId>> {
    let mut statement = connection.prepare("SELECT place, record FROM claim")?;
    statement.query_map([], |row| Ok((row.get(0)?, RecordId(row.get(1)?))))?.collect()
}
