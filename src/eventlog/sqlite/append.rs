//! What the next records follow, what they claim, and putting them in: all under one lock.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::{Actor, Timestamp};

use super::super::chain::{Tip, later};
use super::super::record::{Hybrid, MOST_HEADS, Origin, Sealed};
use super::super::signer::Signer;
use super::super::{Claim, LogEvent, Policy, Position, Power, RecordId, claim};
use super::say::{Trouble, broken};
use super::{ROW, row};

/// Records of one of our series whose links are checked when it is first written to; an audit checks all.
const CHECKED_AT_FIRST: u64 = 256;
/// Records looked at for the latest time when the log is opened.
const LOOKED_BACK: i64 = 4_096;

/// Who writes, and where.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    pub(super) signer: Signer,
    pub(super) origin: Origin,
    /// Whose records count for this writer.
    pub(super) policy: Policy,
}

/// What is known of the log's end from one append to the next.
#[derive(Debug, Clone, Default)]
pub(super) struct Ends {
    /// The last record of each of our series that was seen to be whole.
    known: HashMap<String, (u64, RecordId)>,
    /// The latest time known, in whatever series.
    hybrid: Hybrid,
    /// How far records have been looked at for it.
    noted: Position,
}

/// Records ready to be put in, as long as nothing else has been since.
pub(super) struct Prepared {
    pub(super) records: Vec<Sealed>,
    /// Who stands where afterwards.
    places: HashMap<String, RecordId>,
    tips: HashMap<String, Tip>,
    hybrid: Hybrid,
}

impl Ends {
    /// The end of the log as it is opened.
    pub(super) fn find(
        connection: &Connection,
        path: &Path,
        origin: Origin,
    ) -> Result<Self, Trouble> {
        let last: i64 =
            connection
                .query_row("SELECT coalesce(max(position), 0) FROM record", [], |r| r.get(0))?;
        let from = u64::try_from(last.saturating_sub(LOOKED_BACK)).unwrap_or_default();
        let mut ends = Self { noted: Position(from), ..Self::default() };
        let tip = ends.tip(connection, path, origin, "")?;
        ends.known.extend(tip.last.map(|last| (String::new(), last)));
        Ok(ends)
    }

    /// Looks at what was put in since, whoever wrote it: our next record is later than all of it.
    fn note(
        &mut self,
        connection: &Connection,
        origin: Origin,
        wall: Timestamp,
    ) -> Result<(), Trouble> {
        let mut newer = connection.prepare_cached(&format!(
            "SELECT {ROW} FROM record WHERE position > ?1 ORDER BY position DESC LIMIT ?2"
        ))?;
        let mut noted = self.noted;
        for stored in newer.query_map(params![self.noted.0, LOOKED_BACK], row)? {
            let stored = stored?;
            noted = noted.max(stored.position);
            // Another writer's damaged record is for the audit to name; it does not stop ours.
            if let Ok(sealed) = stored.open() {
                self.hybrid = later(self.hybrid, &sealed.record, origin, wall);
            }
        }
        self.noted = noted;
        Ok(())
    }

    /// What the next record of our series in `incident` follows; refuses when what is there does not hold
    /// together.
    fn tip(
        &self,
        connection: &Connection,
        path: &Path,
        origin: Origin,
        incident: &str,
    ) -> Result<Tip, Trouble> {
        let known = self.known.get(incident).copied();
        let from = match known {
            Some((seq, _)) => seq,
            None => first_checked(connection, path, origin, incident)?,
        };
        let (mut tip, position) = walk(connection, path, (incident, origin), from, known)?;
        heads(connection, (incident, origin), position, &mut tip)?;
        tip.hybrid = tip.hybrid.max(self.hybrid);
        Ok(tip)
    }

    /// Signs what is to be put in. Reads only.
    pub(super) fn prepare(
        &mut self,
        connection: &Connection,
        path: &Path,
        writer: &Writer,
        (actor, wall): (&Actor, Timestamp),
        events: &[LogEvent],
    ) -> Result<Prepared, Trouble> {
        self.note(connection, writer.origin, wall)?;
        let mut prepared = Prepared {
            records: Vec::with_capacity(events.len()),
            places: HashMap::new(),
            tips: HashMap::new(),
            hybrid: self.hybrid,
        };
        for event in events {
            let claim = event.claim();
            if let Some(claim) = &claim {
                let taken = prepared.places.get(&claim.place).copied();
                let stands = match taken {
                    Some(taken) => Some(taken),
                    None => standing(connection, &claim.place)?,
                };
                if stands != claim.after && !follows(connection, &writer.policy, stands, claim)? {
                    let first = stands.map(|id| find(connection, id)).transpose()?.flatten();
                    let first = first.map(|sealed| sealed.recorded());
                    return Err(Trouble::Taken(Box::new(claim::refused(event, first))));
                }
            }
            let series = event.incident().map_or("", |id| id.as_str());
            let mut tip = match prepared.tips.remove(series) {
                Some(tip) => tip,
                None => self.tip(connection, path, writer.origin, series)?,
            };
            tip.hybrid = tip.hybrid.max(prepared.hybrid);
            let sealed = tip.seal(&writer.signer, writer.origin, actor, wall, event)?;
            prepared.hybrid = tip.hybrid;
            prepared.tips.insert(series.to_owned(), tip);
            prepared.places.extend(claim.map(|claim| (claim.place, sealed.id)));
            prepared.records.push(sealed);
        }
        Ok(prepared)
    }

    /// Whether nothing was put in since it was looked at.
    pub(super) fn are_at_end(&self, connection: &Connection) -> rusqlite::Result<bool> {
        let last: u64 =
            connection
                .query_row("SELECT coalesce(max(position), 0) FROM record", [], |row| row.get(0))?;
        Ok(last == self.noted.0)
    }

    /// The latest time known.
    pub(super) const fn hybrid(&self) -> Hybrid {
        self.hybrid
    }

    /// What is known after the records are safely in.
    pub(super) fn taken(&mut self, prepared: &Prepared, position: Position) {
        for (incident, tip) in &prepared.tips {
            self.known.extend(tip.last.map(|last| (incident.clone(), last)));
        }
        self.hybrid = prepared.hybrid;
        self.noted = self.noted.max(position);
    }
}

/// Puts the records in and says where the last one went.
pub(super) fn insert(connection: &Connection, prepared: &Prepared) -> rusqlite::Result<Position> {
    let mut record = connection.prepare_cached(
        "INSERT INTO record (id, incident, origin, seq, bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let mut position = 0;
    for sealed in &prepared.records {
        let said = &sealed.record;
        let row = params![sealed.id.0, said.incident, said.origin.0, said.seq, sealed.bytes];
        position = record.insert(row)?;
    }
    for (place, id) in &prepared.places {
        stand(connection, place, *id)?;
    }
    Ok(Position(u64::try_from(position).unwrap_or_default()))
}

/// Says who took a place.
pub(super) fn stand(connection: &Connection, place: &str, id: RecordId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO claim VALUES (?1, ?2)")?
        .execute(params![place, id.0])?;
    Ok(())
}

/// The record that took a place last.
pub(super) fn standing(connection: &Connection, place: &str) -> rusqlite::Result<Option<RecordId>> {
    connection
        .prepare_cached("SELECT record FROM claim WHERE place = ?1")?
        .query_row([place], |r| r.get(0).map(RecordId))
        .optional()
}

/// Whether a claim follows the last record at its place that the policy counts. What every reader refuses keeps
/// nobody out: else one unauthorised record would stand in the way of all that are allowed.
fn follows(
    connection: &Connection,
    policy: &Policy,
    mut stands: Option<RecordId>,
    claim: &Claim,
) -> Result<bool, Trouble> {
    // Each follows an earlier one, so this ends.
    while stands != claim.after {
        let Some(sealed) = stands.map(|id| find(connection, id)).transpose()?.flatten() else {
            return Ok(false);
        };
        let one = sealed.recorded();
        let Some(event) = &one.event else { return Ok(false) };
        if policy.allows(one.key, Power::needed(event), one.at).is_ok() {
            return Ok(false);
        }
        stands = event.claim().and_then(|before| before.after);
    }
    Ok(true)
}

/// A record by its id, if it is whole.
fn find(connection: &Connection, id: RecordId) -> rusqlite::Result<Option<Sealed>> {
    let stored = connection
        .prepare_cached(&format!("SELECT {ROW} FROM record WHERE id = ?1"))?
        .query_row([id.0], row)
        .optional()?;
    Ok(stored.and_then(|stored| stored.open().ok()))
}

/// Where to begin checking a series that was not looked at before; refuses one with gaps.
fn first_checked(
    connection: &Connection,
    path: &Path,
    origin: Origin,
    incident: &str,
) -> Result<u64, Trouble> {
    let (count, last): (u64, Option<u64>) = connection
        .prepare_cached(
            "SELECT count(*), max(seq) FROM record WHERE incident = ?1 AND origin = ?2",
        )?
        .query_row(params![incident, origin.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if last.map_or(0, |last| last.saturating_add(1)) != count {
        return Err(broken(path, "records are missing from it"));
    }
    Ok(last.map_or(0, |last| last.saturating_sub(CHECKED_AT_FIRST)))
}

/// Follows one of our series from `from` to its end, checking every link.
fn walk(
    connection: &Connection,
    path: &Path,
    (incident, origin): (&str, Origin),
    from: u64,
    known: Option<(u64, RecordId)>,
) -> Result<(Tip, Position), Trouble> {
    let mut tip = Tip::default();
    let mut position = Position::default();
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {ROW} FROM record WHERE incident = ?1 AND origin = ?2 AND seq >= ?3 ORDER BY seq"
    ))?;
    let rows = statement.query_map(params![incident, origin.0, from], row)?;
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

/// The newest record of each other writer in the incident, where it came after our last one.
fn heads(
    connection: &Connection,
    (incident, origin): (&str, Origin),
    ours: Position,
    tip: &mut Tip,
) -> Result<(), Trouble> {
    let mut writers = connection
        .prepare_cached("SELECT min(origin) FROM record WHERE incident = ?1 AND origin > ?2")?;
    let mut newest = connection.prepare_cached(&format!(
        "SELECT {ROW} FROM record WHERE incident = ?1 AND origin = ?2 ORDER BY seq DESC LIMIT 1"
    ))?;
    // One look at the index for each writer, however many records there are.
    let mut before: Vec<u8> = Vec::new();
    for _ in 0..=MOST_HEADS {
        let next: Option<[u8; 16]> =
            writers.query_row(params![incident, before], |row| row.get(0))?;
        let Some(next) = next else { break };
        before = next.to_vec();
        if next == origin.0 {
            continue;
        }
        let stored = newest.query_row(params![incident, next], row)?;
        if stored.position > ours
            && let Ok(sealed) = stored.open()
        {
            tip.other(&sealed);
        }
    }
    Ok(())
}
