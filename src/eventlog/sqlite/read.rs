//! Reading on from a position, and the audit of everything.
//!
//! Nothing is handed out that was not verified: by its stretch, which still has the digest it had when
//! all of it was verified, or record by record.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZero;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::super::record::{Glance, Origin, Sealed};
use super::super::verify::{Report, Signers, StoredRow, verify};
use super::super::{Batch, Position, RecordId, Recorded};
use super::mark::{Mark, STRETCH, Seal, stretch};
use super::say::Trouble;
use super::schema::{check_ours, harden, has_claims};
use super::{PATIENCE, ROW, row};

/// Stretches read at once.
const STRETCHES: u64 = 40;
/// Fewer records than this are verified on one thread.
const WORTH_A_THREAD: usize = 64;
/// Unreadable places after which an audit stops looking for more.
const MOST_UNREADABLE: usize = 100;

/// The records after a position, verified.
pub(super) fn batch(
    connection: &Connection,
    after: Position,
    mark: &mut Mark,
) -> rusqlite::Result<Batch> {
    // One state of the store, also when it is read in the middle of a change of its own.
    let snapshot =
        if connection.is_autocommit() { Some(connection.unchecked_transaction()?) } else { None };
    let last: u64 =
        connection.query_row("SELECT coalesce(max(position), 0) FROM record", [], |r| r.get(0))?;
    let mut batch = Batch { position: after, ..Batch::default() };
    let end = stretch(after.0 + 1) + STRETCHES;
    for at in stretch(after.0 + 1)..end {
        let (from, to) = (after.0.max(at * STRETCH), (at + 1) * STRETCH);
        if from >= last {
            break;
        }
        let whole = from == at * STRETCH && to <= last;
        if let Some(seal) = mark.get(at).filter(|_| whole) {
            let before = batch.records.len();
            if as_sealed(connection, (from, to), seal, &mut batch.records)? {
                continue;
            }
            batch.records.truncate(before);
        }
        let good = verified(connection, &rows(connection, (from, to))?, &mut batch)?;
        if let Some(seal) = good.filter(|_| whole) {
            mark.set(at, seal);
        }
    }
    drop(snapshot);
    batch.position = Position((end * STRETCH).min(last).max(after.0));
    batch.more = batch.position.0 < last;
    if !batch.more {
        mark.save();
    }
    Ok(batch)
}

/// Reads a stretch that was verified before; `false` when it is not what it was.
fn as_sealed(
    connection: &Connection,
    (from, to): (u64, u64),
    seal: Seal,
    records: &mut Vec<Recorded>,
) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached(
        "SELECT position, id, bytes FROM record WHERE position > ?1 AND position <= ?2
         ORDER BY position",
    )?;
    let mut rows = statement.query(params![from, to])?;
    let mut digest = Sha256::new();
    while let Some(row) = rows.next()? {
        let (position, id): (u64, [u8; 32]) = (row.get(0)?, row.get(1)?);
        let Ok(bytes) = row.get_ref(2)?.as_blob() else { return Ok(false) };
        digest_row(&mut digest, position, id, bytes);
        let Some(glance) = Glance::at(bytes) else { return Ok(false) };
        let before = records.last().map(|r| &r.actor);
        let record = glance.recorded(RecordId(id), before);
        records.push(record);
    }
    Ok(Seal::from(digest.finalize()) == seal)
}

fn digest_row(digest: &mut Sha256, position: u64, id: [u8; 32], bytes: &[u8]) {
    digest.update(position.to_le_bytes());
    digest.update((bytes.len() as u64).to_le_bytes());
    digest.update(id);
    digest.update(bytes);
}

fn rows(connection: &Connection, (from, to): (u64, u64)) -> rusqlite::Result<Vec<StoredRow>> {
    connection
        .prepare_cached(&format!(
            "SELECT {ROW} FROM record WHERE position > ?1 AND position <= ?2 ORDER BY position"
        ))?
        .query_map(params![from, to], row)?
        .collect()
}

/// Verifies records one by one; the digest over them when all are well.
fn verified(
    connection: &Connection,
    rows: &[StoredRow],
    batch: &mut Batch,
) -> rusqlite::Result<Option<Seal>> {
    let mut digest = Sha256::new();
    let mut good = true;
    let mut ends: HashMap<(&str, Origin), (u64, RecordId)> = HashMap::new();
    for (row, sealed) in rows.iter().zip(authentic(rows)) {
        digest_row(&mut digest, row.position.0, row.id.0, &row.bytes);
        let series = (row.incident.as_str(), row.origin);
        let before = match row.seq.checked_sub(1) {
            None => None,
            Some(seq) => match ends.get(&series) {
                Some((known, id)) if *known == seq => Some(*id),
                _ => at_place(connection, row, seq)?,
            },
        };
        // One that follows a gap is handed out: that the others are missing is for the audit to say.
        let follows = |sealed: &Sealed| match (sealed.record.prev, before) {
            (Some(prev), Some(before)) => prev == before,
            (None, None) => row.seq == 0,
            (Some(_), None) => row.seq > 0,
            (None, Some(_)) => false,
        };
        match sealed.filter(follows) {
            Some(sealed) => batch.records.push(sealed.recorded()),
            None => {
                good = false;
                batch.damaged.push(row.position);
            }
        }
        ends.insert(series, (row.seq, row.id));
    }
    Ok(good.then(|| digest.finalize().into()))
}

/// Which record of the same series stands at a place.
fn at_place(
    connection: &Connection,
    row: &StoredRow,
    seq: u64,
) -> rusqlite::Result<Option<RecordId>> {
    connection
        .prepare_cached("SELECT id FROM record WHERE incident = ?1 AND origin = ?2 AND seq = ?3")?
        .query_row(params![row.incident, row.origin.0, seq], |r| r.get(0).map(RecordId))
        .optional()
}

/// Each record if its bytes are those of its id, say what the store says, and are truly signed. Signatures
/// take their time, so every processor helps.
fn authentic(rows: &[StoredRow]) -> Vec<Option<Sealed>> {
    let check = |row: &StoredRow| row.open().ok().filter(Sealed::is_authentic);
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = rows.len().div_ceil(threads).max(WORTH_A_THREAD);
    if rows.len() <= share {
        return rows.iter().map(check).collect();
    }
    std::thread::scope(|scope| {
        let parts: Vec<_> = rows
            .chunks(share)
            .map(|part| (part, scope.spawn(move || part.iter().map(check).collect::<Vec<_>>())))
            .collect();
        // A thread that could not finish leaves its share to this one.
        let finish = |(part, thread): (&[StoredRow], std::thread::ScopedJoinHandle<'_, Vec<_>>)| {
            thread.join().unwrap_or_else(|_| part.iter().map(check).collect())
        };
        parts.into_iter().flat_map(finish).collect()
    })
}

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
