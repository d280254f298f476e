//! The log on disk: one SQLite file per person and host, shared by all their consoles.
//!
//! This folder is the only one that knows the SQLite crate. Each append is one immediate transaction with
//! full synchronisation: links and claims are made under the write lock, so that processes cannot fork the
//! series or both take what only one may have, and what was returned is on disk. Positions grow in the
//! order of commits; a reader misses nothing.
//!
//! Files in the directory, all private: `log.sqlite`, `signing-key` (OpenSSH), `origin`.

mod append;
mod read;
mod say;
mod schema;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, Row, TransactionBehavior};

use crate::domain::{Actor, SafeText, Timestamp};

use self::append::{Ends, Writer};
use self::say::{Trouble, is_busy, sentence};
use super::record::{Origin, Sealed};
use super::signer::{KeyId, Signer};
use super::verify::{Report, Signers, StoredRow};
use super::{
    AppendError, Batch, EventLog, LogEvent, OpenError, Position, ReadError, RecordId, Recorded,
    files,
};

/// How long to wait for another process's write.
const PATIENCE: Duration = Duration::from_secs(5);

/// A person's log on this host.
#[derive(Debug)]
pub struct SqliteLog {
    connection: Connection,
    writer: Writer,
    path: PathBuf,
    ends: Ends,
    data_version: i64,
    notice: Option<SafeText>,
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
        schema::check_ours(&snapshot, path)?;
        drop(snapshot);
        if connection.is_readonly("main")? {
            return Err(Trouble::Broken(format!(
                "The log {} can only be read, not written. Nothing is recorded until it can; \
                 `quarterdeck doctor` can still check it.",
                path.display()
            )));
        }
        schema::harden(&connection)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "checkpoint_fullfsync", true)?;
        schema::migrate(&mut connection, path)?;
        let (origin, notice) = schema::settle_origin(&mut connection, &dir.join(ORIGIN))?;
        let data_version = data_version(&connection)?;
        let snapshot = connection.transaction()?;
        let ends = Ends::find(&snapshot, path, origin)?;
        drop(snapshot);
        let (path, writer) = (path.to_owned(), Writer { signer: signer.clone(), origin });
        Ok(Self { connection, writer, path, ends, data_version, notice })
    }

    /// Something to tell the person about how the log was found; `None` when all is as it was left.
    pub const fn notice(&self) -> Option<&SafeText> {
        self.notice.as_ref()
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
        read::audit(&path, &signers).map_err(|trouble| refused(sentence("checked", &path, trouble)))
    }
}

const FILE: &str = "log.sqlite";
const KEY: &str = "signing-key";
const ORIGIN: &str = "origin";

impl EventLog for SqliteLog {
    fn key(&self) -> KeyId {
        self.writer.signer.id()
    }

    fn append(
        &mut self,
        actor: &Actor,
        wall: Timestamp,
        events: &[LogEvent],
    ) -> Result<Vec<Recorded>, AppendError> {
        let appended = (|| {
            let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let (path, ends) = (&self.path, &mut self.ends);
            let prepared = ends.prepare(&tx, path, &self.writer, (actor, wall), events)?;
            let position = append::insert(&tx, &prepared)?;
            tx.commit()?;
            ends.taken(&prepared, position);
            Ok(prepared.records.iter().map(Sealed::recorded).collect())
        })();
        appended.map_err(|trouble| match trouble {
            Trouble::Taken(error) => *error,
            other => AppendError::failed(&sentence("written", &self.path, other)),
        })
    }

    fn read_after(&mut self, position: Position) -> Result<Batch, ReadError> {
        read::batch(&self.connection, position).map_err(|error| ReadError {
            sentence: SafeText::body(&sentence("read", &self.path, error.into())),
        })
    }

    fn changed(&mut self) -> Result<bool, ReadError> {
        let now = data_version(&self.connection).map_err(|error| ReadError {
            sentence: SafeText::body(&sentence("read", &self.path, error.into())),
        })?;
        Ok(std::mem::replace(&mut self.data_version, now) != now)
    }
}

/// Changes when another connection wrote. Asked ten times a second for as long as a console is open,
/// so the question is not parsed anew.
fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
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
