//! Looking at a whole log, or at one record of it, without changing or locking anything.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::super::record::Sealed;
use super::super::verify::{Report, Signers, verify};
use super::super::{Position, RecordId};
use super::say::Trouble;
use super::schema::{check_ours, harden, has_claims};
use super::{PATIENCE, ROW, row};

/// Unreadable places after which an audit stops looking for more.
const MOST_UNREADABLE: usize = 100;

fn read_only(path: &Path) -> Result<(Connection, usize), Trouble> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    harden(&connection)?;
    let snapshot = connection.unchecked_transaction()?;
    let version = check_ours(&snapshot, path)?;
    drop(snapshot);
    Ok((connection, version))
}

/// A log that can only be read: also one on a disk where nothing at all can be written, not even who reads.
pub(super) fn as_it_is(path: &Path) -> Result<Connection, Trouble> {
    let readable = |connection: &Connection| {
        connection.query_row("SELECT count(*) FROM meta", [], |_| Ok(())).is_ok()
    };
    if let Ok((connection, _)) = read_only(path)
        && readable(&connection)
    {
        return Ok(connection);
    }
    let name: String = path
        .to_string_lossy()
        .chars()
        .map(|c| match c {
            '?' | '#' | '%' => format!("%{:02x}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(format!("file:{name}?immutable=1"), flags)?;
    harden(&connection)?;
    check_ours(&connection, path)?;
    Ok(connection)
}

/// The one record whose id begins so.
pub(super) fn sealed(path: &Path, beginning: &str) -> Result<Sealed, Trouble> {
    let (connection, _) = read_only(path)?;
    let asked = beginning.to_ascii_uppercase();
    if asked.is_empty() || !asked.bytes().all(|b| b.is_ascii_hexdigit()) {
        let said = "A record is named by the beginning of its id, in hexadecimal digits.";
        return Err(Trouble::Broken(said.to_owned()));
    }
    let mut statement = connection.prepare(&format!(
        "SELECT {ROW} FROM record WHERE substr(hex(id), 1, length(?1)) = ?1 LIMIT 2"
    ))?;
    let mut found = statement.query_map([&asked], row)?.collect::<rusqlite::Result<Vec<_>>>()?;
    match (found.pop(), found.pop()) {
        (Some(one), None) => Ok(one.open()?),
        (None, _) => Err(Trouble::Broken(format!("No record's id begins with {beginning}."))),
        (Some(_), Some(_)) => Err(Trouble::Broken(format!(
            "Several records' ids begin with {beginning}; write more of it."
        ))),
    }
}

pub(super) fn audit(path: &Path, signers: &Signers) -> Result<Report, Trouble> {
    let (connection, version) = read_only(path)?;
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
