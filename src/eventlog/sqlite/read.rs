//! Reading on from a position.
//!
//! Nothing is handed out that was not verified: by its stretch, which still has the digest it had when
//! all of it was verified, or record by record. One thread reads, the others check and decode.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::mpsc::channel;
use std::thread::ScopedJoinHandle;

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::super::record::{Glance, Known, Origin, Sealed, id_of};
use super::super::verify::StoredRow;
use super::super::{Batch, First, Policy, Position, RecordId, Recorded};
use super::mark::{Mark, STRETCH, Seal, stretch};
use super::outline::Sketch;
use super::{ROW, row};

/// Stretches read at once.
const STRETCHES: u64 = 40;
/// Fewer stretches than this are checked on one thread.
const WORTH_THREADS: usize = 4;
/// Fewer records than this are verified on one thread.
const WORTH_A_THREAD: usize = 64;

/// A record is seldom larger.
const USUAL_BYTES: usize = 640;

/// Latest stretches that are always read at once: more lines than fit on any screen.
const LATEST: u64 = 10;
/// Fewer stretches than this are not left for later.
const WORTH_WAITING: u64 = 40;

/// A stretch to be read.
struct Part {
    at: u64,
    from: u64,
    to: u64,
    /// Whether all of it is asked for, and there.
    whole: bool,
    /// Its digest, when it was verified before.
    seal: Option<Seal>,
}

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
    let parts: Vec<Part> = (stretch(after.0 + 1)..end)
        .map(|at| (at, after.0.max(at * STRETCH), (at + 1) * STRETCH))
        .take_while(|(_, from, _)| *from < last)
        .map(|(at, from, to)| {
            let whole = from == at * STRETCH && to <= last;
            Part { at, from, to, whole, seal: mark.get(at).filter(|_| whole) }
        })
        .collect();
    let known = as_sealed(connection, &parts, &mark.policy)?;
    for (part, known) in parts.iter().zip(known) {
        if let Some((records, sketch)) = known {
            batch.records.extend(records);
            mark.outline.set(part.at, sketch);
            continue;
        }
        let (rows, before) = (rows(connection, (part.from, part.to))?, batch.records.len());
        let good = verified(connection, &rows, &mut batch)?;
        if let Some(seal) = good.filter(|_| part.whole) {
            mark.set(part.at, seal);
            let positions = rows.iter().map(|row| row.position.0);
            let records = positions.zip(&batch.records[before..]);
            mark.outline.set(part.at, Sketch::of(seal, records, &mark.policy));
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

/// What is more than a line, of all but the latest stretches; `None` when all is to be read at once.
pub(super) fn first(connection: &Connection, mark: &Mark) -> rusqlite::Result<Option<First>> {
    let snapshot = connection.unchecked_transaction()?;
    let last: u64 =
        snapshot.query_row("SELECT coalesce(max(position), 0) FROM record", [], |r| r.get(0))?;
    let Some(end) = stretch(last).checked_sub(LATEST).filter(|end| *end >= WORTH_WAITING) else {
        return Ok(None);
    };
    let mut named = Vec::new();
    for at in 0..end {
        let sketch = mark.get(at).and_then(|seal| mark.outline.get(at)?.more(at, seal));
        let Some(more) = sketch else { return Ok(None) };
        named.extend(more);
    }
    // Of this store, and not of one that was put in its place: both ends are looked at whole.
    for at in [0, end - 1] {
        let (from, to) = (at * STRETCH, (at + 1) * STRETCH);
        let part = Part { at, from, to, whole: true, seal: mark.get(at) };
        let raw = raw(&snapshot, &part)?;
        if raw.and_then(|raw| opened(&raw, &mut Known::default(), &mark.policy)).is_none() {
            return Ok(None);
        }
    }
    let mut statement = snapshot.prepare_cached("SELECT bytes FROM record WHERE position = ?1")?;
    let mut known = Known::default();
    let mut records = Vec::with_capacity(named.len());
    for (position, id) in named {
        let mut rows = statement.query([position])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        // The id is the hash of bytes whose signature was checked.
        let bytes = row.get_ref(0)?.as_blob().ok().filter(|bytes| id_of(bytes) == id);
        let Some(glance) = bytes.and_then(Glance::at) else { return Ok(None) };
        records.push(glance.recorded(id, &mut known));
    }
    Ok(Some(First { records, position: Position(end * STRETCH) }))
}

/// A stretch as it is stored.
struct Raw {
    /// Position, id, and where the bytes end.
    rows: Vec<(u64, [u8; 32], usize)>,
    bytes: Vec<u8>,
    seal: Seal,
}

/// What is in the stretches that were verified before and still are what they were; `None` for all others.
fn as_sealed(
    connection: &Connection,
    parts: &[Part],
    policy: &Policy,
) -> rusqlite::Result<Vec<Option<Opened>>> {
    let sealed = parts.iter().filter(|part| part.seal.is_some()).count();
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    if sealed < WORTH_THREADS || threads < 2 {
        let mut known = Known::default();
        return parts
            .iter()
            .map(|part| Ok(raw(connection, part)?.and_then(|raw| opened(&raw, &mut known, policy))))
            .collect();
    }
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let (to, stretches) = channel::<Option<Raw>>();
                let work = move || {
                    let mut known = Known::default();
                    let open =
                        |raw: Option<Raw>| raw.and_then(|raw| opened(&raw, &mut known, policy));
                    stretches.into_iter().map(open).collect::<Vec<_>>()
                };
                (to, scope.spawn(work))
            })
            .collect();
        for (part, (to, _)) in parts.iter().zip(workers.iter().cycle()) {
            // One that has gone is missed when its work is asked for.
            let _ = to.send(raw(connection, part)?);
        }
        let finish = |(to, thread): (_, ScopedJoinHandle<'_, Vec<_>>)| {
            drop(to);
            thread.join().unwrap_or_default().into_iter()
        };
        let mut done: Vec<_> = workers.into_iter().map(finish).collect();
        let count = done.len();
        // What a thread could not finish is verified record by record.
        Ok((0..parts.len()).map(|n| done[n % count].next().flatten()).collect())
    })
}

/// Reads a stretch that was verified before; `None` for one that was not, or that cannot be what it was.
fn raw(connection: &Connection, part: &Part) -> rusqlite::Result<Option<Raw>> {
    let Some(seal) = part.seal else { return Ok(None) };
    let mut statement = connection.prepare_cached(
        "SELECT position, id, bytes FROM record WHERE position > ?1 AND position <= ?2
         ORDER BY position",
    )?;
    let mut rows = statement.query(params![part.from, part.to])?;
    let bytes = Vec::with_capacity(STRETCH as usize * USUAL_BYTES);
    let mut raw = Raw { seal, rows: Vec::with_capacity(STRETCH as usize), bytes };
    while let Some(row) = rows.next()? {
        let Ok(bytes) = row.get_ref(2)?.as_blob() else { return Ok(None) };
        raw.bytes.extend_from_slice(bytes);
        raw.rows.push((row.get(0)?, row.get(1)?, raw.bytes.len()));
    }
    Ok(Some(raw))
}

/// The records of a stretch, and which of them are more than a line.
type Opened = (Vec<Recorded>, Sketch);

/// The records of a stretch, if it still has its digest.
fn opened(raw: &Raw, known: &mut Known, policy: &Policy) -> Option<Opened> {
    let mut begin = 0;
    let mut digest = Sha256::new();
    let mut rows = Vec::with_capacity(raw.rows.len());
    for (position, id, end) in &raw.rows {
        let bytes = &raw.bytes[std::mem::replace(&mut begin, *end)..*end];
        digest_row(&mut digest, *position, *id, bytes);
        rows.push((RecordId(*id), bytes));
    }
    if Seal::from(digest.finalize()) != raw.seal {
        return None;
    }
    let records: Vec<Recorded> = rows
        .into_iter()
        .map(|(id, bytes)| Some(Glance::at(bytes)?.recorded(id, known)))
        .collect::<Option<_>>()?;
    let positions = raw.rows.iter().map(|(position, ..)| *position);
    let sketch = Sketch::of(raw.seal, positions.zip(&records), policy);
    Some((records, sketch))
}

fn digest_row(digest: &mut Sha256, position: u64, id: [u8; 32], bytes: &[u8]) {
    let mut head = [0; 48];
    head[..8].copy_from_slice(&position.to_le_bytes());
    head[8..16].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    head[16..].copy_from_slice(&id);
    digest.update(head);
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
