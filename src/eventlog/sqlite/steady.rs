//! The log that goes on when the disk does not: what is written meanwhile is kept in memory, marked, and put
//! on the disk when it comes back.
//!
//! What is held has a series of its own, under an origin nobody else writes as, so that the records can be put
//! in later exactly as they were signed: who has seen one of them sees the same one again. What only one may
//! do, and what leaves the house, is refused meanwhile: both need the store.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rusqlite::{OptionalExtension as _, TransactionBehavior, params};

use crate::domain::{Actor, IncidentId, SafeText, Timestamp};

use super::super::record::Sealed;
use super::super::signer::{KeyId, Signer};
use super::super::{
    AppendError, Batch, EventLog, First, Held, IncidentEvent, LogEvent, MemoryLog, OpenError,
    Place, Policy, Position, Presence, ReadError, RecordId, Recorded, files,
};
use super::say::{Trouble, sentence, while_held};
use super::{FILE, SqliteLog, VERIFIED, audit, mark::Mark, read, schema};

/// How often a disk that fails is tried while nobody writes.
const AGAIN: Duration = Duration::from_secs(1);

/// A log on disk, and what the disk would not take.
#[derive(Debug)]
pub struct SteadyLog {
    place: Place,
    disk: Option<SqliteLog>,
    /// What can be read of a log that cannot be opened for writing.
    reader: Option<(rusqlite::Connection, Mark)>,
    memory: MemoryLog,
    /// How many of the records in memory are on the disk by now.
    saved: usize,
    /// Incidents that were declared in memory: whatever is claimed in them nobody else can have claimed.
    declared: BTreeSet<IncidentId>,
    why: SafeText,
    tried: Instant,
}

impl SteadyLog {
    /// Goes on with an open log.
    pub fn new(disk: SqliteLog) -> Result<Self, OpenError> {
        let signer = disk.signer.clone();
        Self::with(disk.place.clone(), Some(disk), signer, SafeText::default())
    }

    /// Begins without a disk: `why` it could not be opened. What can be read of the log is read.
    pub fn without(place: &Place, why: &SafeText) -> Result<Self, OpenError> {
        Self::with(place.clone(), None, place.signer().ok(), why.clone())
    }

    fn with(
        place: Place,
        disk: Option<SqliteLog>,
        signer: Option<Signer>,
        why: SafeText,
    ) -> Result<Self, OpenError> {
        let none = || OpenError { sentence: "The system gave no random numbers.".into() };
        let signer = match signer {
            Some(signer) => signer,
            None => Signer::generate().map_err(|_| none())?,
        };
        let origin = files::random_origin().ok_or_else(none)?;
        let reader = if disk.is_none() { reader(&place) } else { None };
        Ok(Self {
            place,
            disk,
            reader,
            memory: MemoryLog::new(signer, origin),
            saved: 0,
            declared: BTreeSet::new(),
            why,
            tried: Instant::now(),
        })
    }

    /// Puts what is held on the disk; whether all of it is.
    fn settle(&mut self) -> bool {
        let held = self.memory.sealed().len() > self.saved;
        if !held && self.disk.is_some() {
            return true;
        }
        self.tried = Instant::now();
        if self.disk.is_none() {
            // Within one process, whoever reads a file as one that cannot be written makes it so for all.
            self.reader = None;
            match SqliteLog::open_at(&self.place) {
                Ok(disk) => self.disk = Some(disk),
                Err(error) => {
                    self.reader = reader(&self.place);
                    self.why = error.sentence;
                    return false;
                }
            }
        }
        let Some(disk) = &mut self.disk else { return false };
        match disk.take_in(&self.memory.sealed()[self.saved..]) {
            Ok(()) => {
                self.saved = self.memory.sealed().len();
                self.declared.clear();
                self.why = SafeText::default();
                true
            }
            Err(trouble) => {
                self.why = SafeText::body(&while_held(&disk.path, trouble));
                false
            }
        }
    }

    /// Keeps facts in memory, if they can wait for the disk.
    fn hold(
        &mut self,
        actor: &Actor,
        wall: Timestamp,
        events: &[LogEvent],
    ) -> Result<Vec<Recorded>, AppendError> {
        let declared = events.iter().filter_map(|event| match event {
            LogEvent::Incident { incident, event: IncidentEvent::Declared(_) } => Some(incident),
            _ => None,
        });
        let declared: BTreeSet<IncidentId> =
            declared.cloned().chain(self.declared.iter().cloned()).collect();
        let can_wait = |event: &LogEvent| match event {
            LogEvent::OperationRequested { .. } | LogEvent::OperationAttempted { .. } => false,
            LogEvent::Incident { incident, .. } => {
                event.claim().is_none() || declared.contains(incident)
            }
            _ => event.claim().is_none(),
        };
        if !events.iter().all(can_wait) {
            let why = format!(
                "{} This one cannot wait in memory: it is decided by the store, or leaves the house.",
                self.why
            );
            return Err(AppendError::failed(&why));
        }
        self.place
            .allows(self.memory.key(), wall, events)
            .map_err(|why| AppendError::failed(&why))?;
        if let Some(disk) = &self.disk {
            self.memory.not_before(disk.ends.hybrid());
        }
        let records = self.memory.append(actor, wall, events)?;
        self.declared = declared;
        Ok(records)
    }
}

/// What can be read of a log that cannot be opened for writing.
fn reader(place: &Place) -> Option<(rusqlite::Connection, Mark)> {
    let connection = audit::as_it_is(&place.store().join(FILE)).ok()?;
    Some((connection, Mark::load(place.private.join(VERIFIED), &place.policy)))
}

impl SqliteLog {
    /// Takes in records as they are, all or none; those it has already are left alone.
    fn take_in(&mut self, records: &[Sealed]) -> Result<(), Trouble> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        schema::check_still_known(&tx, &self.path)?;
        for sealed in records {
            let said = &sealed.record;
            let row = params![sealed.id.0, said.incident, said.origin.0, said.seq, sealed.bytes];
            let new = tx
                .prepare_cached("SELECT 1 FROM record WHERE id = ?1")?
                .query_row([sealed.id.0], |_| Ok(()));
            if new.optional()?.is_some() {
                continue;
            }
            tx.prepare_cached(
                "INSERT INTO record (id, incident, origin, seq, bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(row)?;
            // Whoever was first keeps the place, as every reader of the records sees it.
            let claim = sealed.recorded().event.and_then(|event| event.claim());
            if let Some(claim) = claim
                && super::append::standing(&tx, &claim.place)? == claim.after
            {
                super::append::stand(&tx, &claim.place, sealed.id)?;
            }
        }
        tx.commit()?;
        Ok(())
    }
}

impl EventLog for SteadyLog {
    fn key(&self) -> KeyId {
        self.disk.as_ref().map_or_else(|| self.memory.key(), SqliteLog::key)
    }

    fn append(
        &mut self,
        actor: &Actor,
        wall: Timestamp,
        events: &[LogEvent],
    ) -> Result<Vec<Recorded>, AppendError> {
        // What was typed first is put in first.
        if !self.settle() {
            return self.hold(actor, wall, events);
        }
        let Some(disk) = &mut self.disk else { return self.hold(actor, wall, events) };
        match disk.write((actor, wall), events) {
            Err(trouble) if trouble.is_of_the_disk() => {
                self.why = SafeText::body(&while_held(&disk.path, trouble));
                self.hold(actor, wall, events)
            }
            written => disk.answered(written),
        }
    }

    fn read_after(&mut self, position: Position) -> Result<Batch, ReadError> {
        match (&mut self.disk, &mut self.reader) {
            (Some(disk), _) => disk.read_after(position),
            (None, Some((connection, mark))) => {
                read::batch(connection, position, mark).map_err(|error| {
                    let path = self.place.store().join(FILE);
                    let sentence = sentence("read", &path, error.into());
                    ReadError { sentence: SafeText::body(&sentence) }
                })
            }
            (None, None) => Ok(Batch { position, ..Batch::default() }),
        }
    }

    fn read_first(&mut self) -> Result<Option<First>, ReadError> {
        self.disk.as_mut().map_or(Ok(None), EventLog::read_first)
    }

    fn govern(&mut self, policy: &Policy) {
        self.place.policy = policy.clone();
        if let Some(disk) = &mut self.disk {
            disk.govern(policy);
        }
    }

    fn written_to(&self) -> Option<PathBuf> {
        self.disk.as_ref().and_then(EventLog::written_to)
    }

    fn present(&mut self, me: &Presence) -> Result<Vec<Presence>, ReadError> {
        self.disk.as_mut().map_or_else(|| Ok(Vec::new()), |disk| disk.present(me))
    }

    fn search(&mut self, words: &str, most: usize) -> Result<Vec<RecordId>, ReadError> {
        let mut found = self.memory.search(words, most)?;
        if let Some(disk) = &mut self.disk {
            let stored = disk.search(words, most)?;
            found.retain(|id| !stored.contains(id));
            found.extend(stored);
            found.truncate(most);
        }
        Ok(found)
    }

    fn tidy(&mut self) -> bool {
        let failing = !self.why.is_empty();
        if failing && (self.tried.elapsed() < AGAIN || !self.settle()) {
            return false;
        }
        self.disk.as_mut().is_some_and(EventLog::tidy)
    }

    fn held(&self) -> Held {
        let records = self.memory.sealed()[self.saved..].iter().map(Sealed::recorded).collect();
        Held { records, why: self.why.clone() }
    }

    fn let_go(&mut self) -> Held {
        self.settle();
        self.held()
    }

    fn changed(&mut self) -> Result<bool, ReadError> {
        self.disk.as_mut().map_or(Ok(false), EventLog::changed)
    }
}
