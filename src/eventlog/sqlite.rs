//! The log on disk: one SQLite file per person and host, shared by all their consoles.
//!
//! This is the only file that knows the SQLite crate. Each append is one immediate transaction with
//! full synchronisation: links are made under the write lock, so that processes cannot fork the series,
//! and what was returned is on disk. Positions grow in the order of commits; a reader misses nothing.
//!
//! Files in the directory, all private: `log.sqlite`, `signing-key` (OpenSSH), `origin`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, Row, TransactionBehavior, params,
};

use crate::domain::{Actor, SafeText, Timestamp};

use super::chain::{Tip, refusal};
use super::record::{FormatError, Origin, Sealed};
use super::signer::{KeyId, Signer};
use super::verify::{Report, Signers, StoredRow, verify};
use super::{
    AppendError, Batch, EventLog, LogEvent, OpenError, Position, ReadError, RecordId, Recorded,
    files,
};

/// Numbered: version N of the schema is what the first N make. Only ever appended to.
const MIGRATIONS: [&str; 1] = ["
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
"];

/// `QDLG`, so that another program's database is never taken for ours.
const APPLICATION: i32 = 0x5144_4c47;
/// How long to wait for another process's write.
const PATIENCE: Duration = Duration::from_secs(5);
/// Records of our own series whose links are checked when the log is opened; an audit checks all.
const CHECKED_AT_OPEN: u64 = 1_000;
/// Other writers' records looked at for what we had seen when writing.
const MOST_SEEN: i64 = 4_096;
/// Records read at once.
const BATCH: i64 = 10_000;
/// Unreadable places after which an audit stops looking for more.
const MOST_UNREADABLE: usize = 100;

/// A person's log on this host.
#[derive(Debug)]
pub struct SqliteLog {
    connection: Connection,
    signer: Signer,
    origin: Origin,
    path: PathBuf,
    /// The last record of our series that was seen to be whole.
    known: Option<(u64, RecordId)>,
    data_version: i64,
    notice: Option<SafeText>,
}

/// Everything that can go wrong inside.
enum Trouble {
    Sql(rusqlite::Error),
    Broken(String),
    Format(FormatError),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<FormatError> for Trouble {
    fn from(error: FormatError) -> Self {
        Self::Format(error)
    }
}

impl SqliteLog {
    /// Opens the log in `dir`, making directory, key and file on the first start.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        let refused = |sentence: String| OpenError { sentence: SafeText::body(&sentence) };
        files::private_dir(dir).map_err(refused)?;
        let path = dir.join(FILE);
        files::private_file(&path).map_err(refused)?;
        let signer = files::signing_key(&dir.join(KEY)).map_err(refused)?;
        // When several consoles make the file at once, SQLite refuses the change to WAL without waiting.
        let start = Instant::now();
        loop {
            match Self::open_file(dir, &path, &signer) {
                Err(Trouble::Sql(e)) if is_busy(&e) && start.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                opened => break opened.map_err(|t| refused(sentence("opened", &path, t))),
            }
        }
    }

    fn open_file(dir: &Path, path: &Path, signer: &Signer) -> Result<Self, Trouble> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        // One snapshot: another console may be making the schema at this moment.
        let snapshot = connection.transaction()?;
        check_ours(&snapshot, path)?;
        drop(snapshot);
        if connection.is_readonly("main")? {
            return Err(Trouble::Broken(format!(
                "The log {} can only be read, not written. Nothing is recorded until it can; \
                 `quarterdeck doctor` can still check it.",
                path.display()
            )));
        }
        harden(&connection)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "checkpoint_fullfsync", true)?;
        migrate(&mut connection, path)?;
        let (origin, notice) = settle_origin(&mut connection, &dir.join(ORIGIN))?;
        let data_version = connection.pragma_query_value(None, "data_version", |r| r.get(0))?;
        let (path, signer) = (path.to_owned(), signer.clone());
        let mut log = Self { connection, signer, origin, path, known: None, data_version, notice };
        log.known = log.check_series()?;
        Ok(log)
    }

    /// Something to tell the person about how the log was found; `None` when all is as it was left.
    pub const fn notice(&self) -> Option<&SafeText> {
        self.notice.as_ref()
    }

    /// Fingerprint of the key records are signed with.
    pub const fn key(&self) -> KeyId {
        self.signer.id()
    }

    /// How long an append waits for another process before it gives up; five seconds unless set.
    pub fn set_patience(&mut self, patience: Duration) -> Result<(), OpenError> {
        self.connection.busy_timeout(patience).map_err(|e| OpenError {
            sentence: SafeText::body(&sentence("opened", &self.path, e.into())),
        })
    }

    /// Checks every record of the log in `dir` without changing or locking anything. With the key of
    /// the directory as the only one trusted unless `signers` says otherwise.
    pub fn audit(dir: &Path, signers: Option<Signers>) -> Result<Report, OpenError> {
        let path = dir.join(FILE);
        let refused = |sentence: String| OpenError { sentence: SafeText::body(&sentence) };
        let signers = match signers {
            Some(signers) => signers,
            None if dir.join(KEY).exists() => {
                let signer = files::signing_key(&dir.join(KEY)).map_err(refused)?;
                Signers::Only([signer.id()].into())
            }
            None => Signers::Anyone,
        };
        audit_file(&path, &signers).map_err(|trouble| refused(sentence("checked", &path, trouble)))
    }

    fn check_series(&mut self) -> Result<Option<(u64, RecordId)>, Trouble> {
        let tx = self.connection.transaction()?;
        let (count, last): (u64, Option<u64>) = tx.query_row(
            "SELECT count(*), max(seq) FROM record WHERE incident = '' AND origin = ?1",
            params![self.origin.0],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        if last.map_or(0, |last| last + 1) != count {
            return Err(broken(&self.path, "records are missing from it"));
        }
        let from = last.map_or(0, |last| last.saturating_sub(CHECKED_AT_OPEN));
        Ok(walk(&tx, &self.path, self.origin, from, None)?.0.last)
    }
}

const FILE: &str = "log.sqlite";
const KEY: &str = "signing-key";
const ORIGIN: &str = "origin";

impl EventLog for SqliteLog {
    fn append(
        &mut self,
        actor: &Actor,
        wall: Timestamp,
        events: &[LogEvent],
    ) -> Result<Vec<Recorded>, AppendError> {
        let (origin, known) = (self.origin, self.known);
        let appended = (|| {
            let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut tip = tip(&tx, &self.path, origin, known, wall)?;
            let mut recorded = Vec::with_capacity(events.len());
            for event in events {
                let sealed = tip.seal(&self.signer, origin, actor, wall, event)?;
                insert(&tx, &sealed)?;
                recorded.push(sealed.recorded());
            }
            tx.commit()?;
            Ok((recorded, tip.last))
        })();
        match appended {
            Ok((recorded, last)) => {
                self.known = last;
                Ok(recorded)
            }
            Err(trouble) => Err(AppendError {
                sentence: SafeText::body(&sentence("written", &self.path, trouble)),
            }),
        }
    }

    fn read_after(&mut self, position: Position) -> Result<Batch, ReadError> {
        read_batch(&self.connection, position).map_err(|error| ReadError {
            sentence: SafeText::body(&sentence("read", &self.path, error.into())),
        })
    }

    fn changed(&mut self) -> Result<bool, ReadError> {
        // Asked ten times a second, so it is not compiled anew each time.
        let now = self
            .connection
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut asked| asked.query_row([], |row| row.get(0)))
            .map_err(|error| ReadError {
                sentence: SafeText::body(&sentence("read", &self.path, error.into())),
            })?;
        Ok(std::mem::replace(&mut self.data_version, now) != now)
    }
}

/// Nothing in the file may run code or read elsewhere.
fn harden(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "mmap_size", 0)
}

fn check_ours(connection: &Connection, path: &Path) -> Result<(), Trouble> {
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
    if version > MIGRATIONS.len() {
        return Err(Trouble::Broken(format!(
            "The log {} was written by a newer Quarterdeck (schema {version}, this one knows {}). It \
             is left as it is and nothing is recorded; use the newer version.",
            path.display(),
            MIGRATIONS.len()
        )));
    }
    Ok(())
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), Trouble> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Asked again under the lock: another console may just have done it.
    check_ours(&tx, path)?;
    let version: usize = tx.pragma_query_value(None, "user_version", |r| r.get(0))?;
    for step in &MIGRATIONS[version.min(MIGRATIONS.len())..] {
        tx.execute_batch(step)?;
    }
    if version < MIGRATIONS.len() {
        tx.pragma_update(None, "application_id", APPLICATION)?;
        tx.pragma_update(None, "user_version", MIGRATIONS.len())?;
    }
    tx.commit()?;
    Ok(())
}

/// Database and the file beside it must agree on who writes here. When they do not, the database was
/// copied, restored or removed, and going on under the old origin could fork its series.
fn settle_origin(
    connection: &mut Connection,
    file: &Path,
) -> Result<(Origin, Option<SafeText>), Trouble> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let stored: Option<[u8; 16]> = tx
        .query_row("SELECT value FROM meta WHERE name = 'origin'", [], |row| row.get(0))
        .optional()?;
    let (stored, beside) = (stored.map(Origin), files::read_origin(file));
    if let (Some(stored), true) = (stored, stored == beside) {
        return Ok((stored, None));
    }
    let origin = files::random_origin()
        .ok_or_else(|| Trouble::Broken("The system gave no random numbers.".to_owned()))?;
    files::write_origin(file, origin).map_err(|e| {
        Trouble::Broken(format!(
            "{} could not be written ({e}). Nothing is recorded until it can be.",
            file.display()
        ))
    })?;
    tx.execute("INSERT OR REPLACE INTO meta VALUES ('origin', ?1)", params![origin.0])?;
    tx.commit()?;
    let notice = match (stored, beside) {
        (None, None) => None,
        (None, Some(_)) => Some(
            "The log was empty although one was kept here before: its records are gone from this \
             directory. If you have a copy, put it back while no console runs.",
        ),
        (Some(_), _) => Some(
            "The log was copied or restored from elsewhere. Its records are kept; new ones begin a \
             series of their own.",
        ),
    };
    Ok((origin, notice.map(SafeText::body)))
}

fn insert(connection: &Connection, sealed: &Sealed) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO record (id, incident, origin, seq, bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            sealed.id.0,
            sealed.record.incident,
            sealed.record.origin.0,
            sealed.record.seq,
            sealed.bytes
        ])
        .map(drop)
}

const ROW: &str = "position, id, incident, origin, seq, bytes";

fn row(row: &Row<'_>) -> rusqlite::Result<StoredRow> {
    Ok(StoredRow {
        position: Position(row.get(0)?),
        id: RecordId(row.get(1)?),
        incident: row.get(2)?,
        origin: Origin(row.get(3)?),
        seq: row.get(4)?,
        bytes: row.get(5)?,
    })
}

/// What the next record of our series follows; refuses when what is there does not hold together.
fn tip(
    connection: &Connection,
    path: &Path,
    origin: Origin,
    known: Option<(u64, RecordId)>,
    wall: Timestamp,
) -> Result<Tip, Trouble> {
    let from = known.map_or(0, |(seq, _)| seq);
    let (mut tip, position) = walk(connection, path, origin, from, known)?;
    let mut others = connection.prepare_cached(&format!(
        "SELECT {ROW} FROM record WHERE position > ?1 AND incident = '' AND origin <> ?2
         ORDER BY position DESC LIMIT ?3"
    ))?;
    for stored in others.query_map(params![position.0, origin.0, MOST_SEEN], row)? {
        // Another writer's damaged record is for the audit to name; it does not stop ours.
        if let Ok(sealed) = stored?.open() {
            tip.other(&sealed, wall);
        }
    }
    Ok(tip)
}

/// Follows our series from `from` to its end, checking every link.
fn walk(
    connection: &Connection,
    path: &Path,
    origin: Origin,
    from: u64,
    known: Option<(u64, RecordId)>,
) -> Result<(Tip, Position), Trouble> {
    let mut tip = Tip::default();
    let mut position = Position::default();
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {ROW} FROM record WHERE incident = '' AND origin = ?1 AND seq >= ?2 ORDER BY seq"
    ))?;
    let rows = statement.query_map(params![origin.0, from], row)?;
    for (expected, stored) in (from..).zip(rows) {
        let stored = stored?;
        position = stored.position;
        let sealed = stored.open().map_err(|_| broken(path, "a record in it has been changed"))?;
        let follows = match (known, tip.last) {
            (Some((seq, id)), None) => (seq, id) == (sealed.record.seq, sealed.id),
            (_, Some((_, last))) => sealed.record.prev == Some(last),
            (None, None) => (sealed.record.seq == 0) == sealed.record.prev.is_none(),
        };
        if sealed.record.seq != expected || !follows {
            return Err(broken(path, "its records do not follow one another"));
        }
        tip.own(&sealed);
    }
    if known.is_some() && tip.last.is_none() {
        return Err(broken(path, "records that were in it are gone"));
    }
    Ok((tip, position))
}

fn read_batch(connection: &Connection, after: Position) -> rusqlite::Result<Batch> {
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

fn audit_file(path: &Path, signers: &Signers) -> Result<Report, Trouble> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    harden(&connection)?;
    let snapshot = connection.unchecked_transaction()?;
    check_ours(&snapshot, path)?;
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
    let mut report = verify(rows, signers, last.map(Position));
    report.unreadable(unreadable);
    let integrity: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |r| r.get(0))
        .unwrap_or_else(|e| format!("it could not be checked ({e})"));
    if integrity != "ok" {
        report.damaged_file(&integrity);
    }
    Ok(report)
}

fn broken(path: &Path, what: &str) -> Trouble {
    Trouble::Broken(format!(
        "The log {} does not hold together: {what}. Nothing is added to it and nothing in it was \
         touched. `quarterdeck audit verify` names the record; restore a copy, or move the file away \
         to begin a new log.",
        path.display()
    ))
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// One sentence on what failed, what is unaffected, what to do.
fn sentence(doing: &str, path: &Path, trouble: Trouble) -> String {
    let error = match trouble {
        Trouble::Broken(sentence) => return sentence,
        Trouble::Format(error) => return refusal(error),
        Trouble::Sql(error) => error,
    };
    let log = format!("The log {} could not be {doing}", path.display());
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => format!(
            "{log}: the disk is full. What was saved before is safe and the draft is still here. Free \
             some space and save again."
        ),
        _ if is_busy(&error) => format!(
            "{log}: another program has held it locked for too long. What was saved before is safe and \
             the draft is still here. Save again, or look for a console or backup that hangs."
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => format!(
            "{log}: it can only be read here. What was saved before is safe and the draft is still \
             here. Make the file and its directory writable for you and save again."
        ),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => format!(
            "{log}: the file is damaged. It is left as it is and nothing is added to it. `quarterdeck \
             audit verify` says what can still be read; restore a copy, or move the file away to begin \
             a new log."
        ),
        Some(ErrorCode::SystemIoFailure) => format!(
            "{log}: the disk reported an error or refused to let the file grow. What was saved before \
             is safe and the draft is still here. Check the disk, its space and limits, and save again."
        ),
        Some(ErrorCode::CannotOpen) => format!(
            "{log}: it is not there or may not be opened. Nothing else is affected. Check that its \
             directory exists and belongs to you."
        ),
        _ => format!(
            "{log} ({error}). What was saved before is safe and the draft is still here. Save again; if \
             it fails again run `quarterdeck audit verify`."
        ),
    }
}
