//! The log on disk: one SQLite file per person and host, shared by all their consoles.
//!
//! This folder is the only one that knows the SQLite crate. Each append is one immediate transaction with
//! full synchronisation: links and claims are made under the write lock, so that processes cannot fork the
//! series or both take what only one may have, and what was returned is on disk. Positions grow in the
//! order of commits; a reader misses nothing.
//!
//! Files in the directory, all private: `log.sqlite`, `signing-key` (OpenSSH), `origin`, `verified`, `outline`.

mod append;
mod audit;
mod index;
mod mark;
mod outline;
mod present;
mod read;
mod room;
mod say;
mod schema;
mod search;
mod steady;

pub use self::steady::SteadyLog;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Row, TransactionBehavior};

use crate::domain::{Actor, SafeText, Timestamp};

use self::append::{Ends, Writer};
use self::mark::Mark;
use self::present::Here;
use self::say::{Trouble, is_busy, sentence};
use super::place::{KeyChoice, Place};
use super::policy::Policy;
use super::record::{Origin, Sealed};
use super::signer::{KeyId, Signer};
use super::verify::{Report, Signers, StoredRow};
use super::{
    AppendError, Batch, EventLog, First, LogEvent, OpenError, Position, Presence, ReadError,
    RecordId, Recorded, files,
};

/// How long to wait for another process's write.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often the lock is asked for meanwhile.
const TURN: Duration = Duration::from_millis(1);
/// Commits after which the file is brought up to date while nobody waits, so that no commit has to.
const WORTH_SETTLING: usize = 32;
/// Others' writes an entry makes way for before it is signed with the log held.
const MOST_TRIES: usize = 8;

/// A person's log on this host.
#[derive(Debug)]
pub struct SqliteLog {
    connection: Connection,
    place: Place,
    /// The key, once it was there: an agent may come later.
    signer: Option<Signer>,
    origin: Origin,
    path: PathBuf,
    ends: Ends,
    mark: Mark,
    here: Here,
    data_version: i64,
    /// Commits since the file was last brought up to date.
    unsettled: usize,
    notice: Option<SafeText>,
}

impl SqliteLog {
    /// Opens the log in `dir`, making directory, key and file on the first start.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        Self::open_at(&Place::alone(dir))
    }

    /// Opens the log of a place, making what is private on the first start. When the key is an agent's and
    /// the agent does not answer, the log can be read, and nothing is recorded until it does.
    pub fn open_at(place: &Place) -> Result<Self, OpenError> {
        let refused = |sentence: String| OpenError { sentence: SafeText::body(&sentence) };
        files::private_dir(&place.private).map_err(refused)?;
        if let Some(shared) = &place.shared {
            files::shared_dir(shared).map_err(refused)?;
        }
        let path = place.store().join(FILE);
        files::store_file(&path, place.shared.is_some()).map_err(refused)?;
        let signer = match (place.signer(), &place.key) {
            (Ok(signer), _) => Ok(signer),
            (Err(sentence), KeyChoice::Agent { .. }) => Err(sentence),
            (Err(sentence), _) => return Err(refused(sentence)),
        };
        // When several consoles make the file at once, SQLite refuses the change to WAL without waiting.
        let start = Instant::now();
        loop {
            match Self::open_file(place, &path, &signer) {
                Err(Trouble::Sql(e)) if is_busy(&e) && start.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                // Another user's SQLite makes a companion file and lets the group write to it a moment later.
                Err(Trouble::Sql(e))
                    if place.shared.is_some()
                        && e.sqlite_error_code() == Some(rusqlite::ErrorCode::ReadOnly)
                        && start.elapsed() < COMPANION =>
                {
                    std::thread::sleep(Duration::from_millis(5));
                }
                opened => break opened.map_err(|t| refused(sentence("opened", &path, t))),
            }
        }
    }

    fn open_file(
        place: &Place,
        path: &Path,
        signer: &Result<Signer, String>,
    ) -> Result<Self, Trouble> {
        let dir = &place.private;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_handler(Some(wait))?;
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
        // Without it every statement with a bound is planned anew for each value, which costs as much as
        // running it.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        room::bound(&connection)?;
        // What is looked at again while searching never leaves the process.
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "checkpoint_fullfsync", true)?;
        let mut mark = Mark::load(dir.join(VERIFIED), &place.policy);
        schema::migrate(&mut connection, path, &mut mark)?;
        let (origin, found) = {
            // In a shared log every user has a series of their own.
            let user = place.shared.is_some().then(|| files::owner(dir));
            schema::settle_origin(&mut connection, user, &dir.join(ORIGIN))?
        };
        let data_version = data_version(&connection)?;
        let snapshot = connection.transaction()?;
        let ends = Ends::find(&snapshot, path, origin)?;
        drop(snapshot);
        let here = Here::new(place.store().join(PRESENT), place.shared.is_some());
        let notice = match signer {
            Ok(_) => found,
            Err(sentence) => Some(SafeText::body(sentence)),
        };
        let (path, place, signer) = (path.to_owned(), place.clone(), signer.clone().ok());
        Ok(Self {
            connection,
            place,
            signer,
            origin,
            path,
            ends,
            mark,
            here,
            data_version,
            unsettled: 0,
            notice,
        })
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

    /// The public key, as a line of a policy or an allowed-signers file.
    pub fn public_line(&self) -> Result<String, SafeText> {
        let signer = match &self.signer {
            Some(signer) => Ok(signer.clone()),
            None => self.place.signer(),
        };
        signer.map(|s| s.public_line()).map_err(|sentence| SafeText::body(&sentence))
    }

    /// Checks every record of the log in `dir` without changing or locking anything. With the key of
    /// the directory as the only one trusted unless `signers` says otherwise.
    pub fn audit(dir: &Path, signers: Option<Signers>) -> Result<Report, OpenError> {
        Self::audit_at(&Place::alone(dir), signers)
    }

    /// Checks every record of the log of a place.
    pub fn audit_at(place: &Place, signers: Option<Signers>) -> Result<Report, OpenError> {
        let refused = |sentence: String| OpenError { sentence: SafeText::body(&sentence) };
        let own = place.own_key();
        let alone = place.shared.is_none() && place.key == KeyChoice::Own;
        let signers = match signers {
            Some(signers) => signers,
            None if alone && own.exists() => {
                let signer = files::signing_key(&own).map_err(refused)?;
                Signers::Only([signer.id()].into())
            }
            None => Signers::Anyone,
        };
        let path = place.store().join(FILE);
        audit::audit(&path, &signers)
            .map_err(|trouble| refused(sentence("checked", &path, trouble)))
    }

    /// The record whose id begins so, as it is stored.
    pub fn sealed(place: &Place, beginning: &str) -> Result<Sealed, OpenError> {
        let refused = |sentence: String| OpenError { sentence: SafeText::body(&sentence) };
        let path = place.store().join(FILE);
        audit::sealed(&path, beginning).map_err(|trouble| refused(sentence("read", &path, trouble)))
    }

    /// What to say to whoever wrote.
    fn answered(
        &self,
        written: Result<Vec<Recorded>, Trouble>,
    ) -> Result<Vec<Recorded>, AppendError> {
        written.map_err(|trouble| match trouble {
            Trouble::Taken(error) => *error,
            other => AppendError::failed(&sentence("written", &self.path, other)),
        })
    }

    /// Signs and puts in: under the lock, or, when signing may take its time, beside it, and again when
    /// somebody else wrote meanwhile.
    fn write(
        &mut self,
        written: (&Actor, Timestamp),
        events: &[LogEvent],
    ) -> Result<Vec<Recorded>, Trouble> {
        let signer = match &self.signer {
            Some(signer) => signer.clone(),
            None => self.place.signer().map_err(Trouble::Broken)?,
        };
        let (_, wall) = written;
        self.place.allows(signer.id(), wall, events).map_err(Trouble::Broken)?;
        let policy = self.place.policy.clone();
        let writer = Writer { signer, origin: self.origin, policy };
        let (path, ends) = (&self.path, &mut self.ends);
        let mut early = None;
        if writer.signer.is_slow() {
            let snapshot = self.connection.transaction()?;
            early = Some(ends.prepare(&snapshot, path, &writer, written, events)?);
        }
        let mut tries = 0;
        loop {
            let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            schema::check_still_known(&tx, path)?;
            let prepared = match early.take() {
                Some(prepared) if ends.are_at_end(&tx)? => prepared,
                Some(_) if tries < MOST_TRIES => {
                    tries += 1;
                    drop(tx);
                    let snapshot = self.connection.transaction()?;
                    early = Some(ends.prepare(&snapshot, path, &writer, written, events)?);
                    continue;
                }
                _ => ends.prepare(&tx, path, &writer, written, events)?,
            };
            let position = append::insert(&tx, &prepared)?;
            tx.commit()?;
            self.unsettled += 1;
            ends.taken(&prepared, position);
            self.signer = Some(writer.signer);
            return Ok(prepared.records.iter().map(Sealed::recorded).collect());
        }
    }
}

impl Drop for SqliteLog {
    fn drop(&mut self) {
        room::settle_if_there_is_room(&self.connection, &self.path);
    }
}

/// How long a companion file of another user's may not be ours to write yet.
const COMPANION: Duration = Duration::from_millis(500);
const FILE: &str = "log.sqlite";
const ORIGIN: &str = "origin";
const PRESENT: &str = "present";
const VERIFIED: &str = "verified";

impl EventLog for SqliteLog {
    fn govern(&mut self, policy: &Policy) {
        self.place.policy = policy.clone();
        self.mark.govern(policy);
    }

    fn key(&self) -> KeyId {
        self.signer.as_ref().map(Signer::id).unwrap_or_default()
    }

    fn append(
        &mut self,
        actor: &Actor,
        wall: Timestamp,
        events: &[LogEvent],
    ) -> Result<Vec<Recorded>, AppendError> {
        let written = self.write((actor, wall), events);
        self.answered(written)
    }

    fn read_after(&mut self, position: Position) -> Result<Batch, ReadError> {
        read::batch(&self.connection, position, &mut self.mark).map_err(|error| ReadError {
            sentence: SafeText::body(&sentence("read", &self.path, error.into())),
        })
    }

    fn read_first(&mut self) -> Result<Option<First>, ReadError> {
        read::first(&self.connection, &self.mark).map_err(|error| ReadError {
            sentence: SafeText::body(&sentence("read", &self.path, error.into())),
        })
    }

    fn present(&mut self, me: &Presence) -> Result<Vec<Presence>, ReadError> {
        self.here.present(me).map_err(|e| {
            let sentence = format!(
                "Who else is here cannot be told: {} cannot be used ({e}). The log is not affected.",
                self.path.with_file_name(PRESENT).display()
            );
            ReadError { sentence: SafeText::body(&sentence) }
        })
    }

    fn search(&mut self, words: &str, most: usize) -> Result<Vec<RecordId>, ReadError> {
        search::search(&mut self.connection, words, most).map_err(|error| ReadError {
            sentence: SafeText::body(&sentence("searched", &self.path, error.into())),
        })
    }

    fn written_to(&self) -> Option<PathBuf> {
        // Beside the file until the last console closes it; whoever writes writes there first.
        let mut beside = self.path.clone().into_os_string();
        beside.push("-wal");
        Some(beside.into())
    }

    fn tidy(&mut self) -> bool {
        // What cannot be done now is done later: nothing that was recorded depends on it.
        let more = index::catch_up(&mut self.connection).unwrap_or(false);
        if !more && self.unsettled >= WORTH_SETTLING {
            self.unsettled = 0;
            let _ = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        }
        more
    }

    fn changed(&mut self) -> Result<bool, ReadError> {
        let now = data_version(&self.connection).map_err(|error| ReadError {
            sentence: SafeText::body(&sentence("read", &self.path, error.into())),
        })?;
        Ok(std::mem::replace(&mut self.data_version, now) != now)
    }
}

/// Waits for another process's write: short and even, so that one who waits long is not passed over by
/// those who write without a pause, as with the ever longer waits that are SQLite's own.
fn wait(tries: i32) -> bool {
    std::thread::sleep(TURN);
    TURN.saturating_mul(tries.unsigned_abs()) < PATIENCE
}

/// Changes when another connection wrote. Asked for as long as a console is open, so the question is not
/// parsed anew.
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
