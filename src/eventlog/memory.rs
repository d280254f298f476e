//! The log in memory, for demonstrations, tests, and a disk that cannot be written: the same records,
//! signed the same way, gone with the process.

use std::collections::HashMap;

use crate::domain::{Actor, Timestamp};

use super::chain::{Tip, refusal};
use super::claim;
use super::record::{Hybrid, Origin, Sealed};
use super::signer::Signer;
use super::verify::StoredRow;
use super::{
    AppendError, Batch, EventLog, KeyId, LogEvent, Position, ReadError, RecordId, Recorded, words,
};

/// Records in memory.
#[derive(Debug)]
pub struct MemoryLog {
    signer: Signer,
    origin: Origin,
    ends: Ends,
    records: Vec<Sealed>,
}

/// What the next record follows.
#[derive(Debug, Clone, Default)]
struct Ends {
    /// The end of the series of each incident.
    tips: HashMap<String, Tip>,
    /// The latest time given out, in whatever series.
    hybrid: Hybrid,
    /// The record that stands at each claimed place.
    places: HashMap<String, RecordId>,
}

impl MemoryLog {
    /// An empty log.
    pub fn new(signer: Signer, origin: Origin) -> Self {
        Self { signer, origin, ends: Ends::default(), records: Vec::new() }
    }

    /// An empty log of a writer that is the same in every run.
    pub fn for_demo() -> Self {
        Self::new(Signer::from_seed(&[7; 32]), Origin([7; 16]))
    }

    /// What a store would hold, for checking.
    pub fn rows(&self) -> Vec<StoredRow> {
        (1..).zip(&self.records).map(|(at, sealed)| StoredRow::of(Position(at), sealed)).collect()
    }

    /// The records as they are stored and sent on.
    pub(super) fn sealed(&self) -> &[Sealed] {
        &self.records
    }

    /// The next record is later than this.
    pub(super) fn not_before(&mut self, known: Hybrid) {
        self.ends.hybrid = self.ends.hybrid.max(known);
    }

    fn seal(
        &self,
        ends: &mut Ends,
        actor: &Actor,
        wall: Timestamp,
        event: &LogEvent,
    ) -> Result<Sealed, AppendError> {
        let claim = event.claim();
        if let Some(claim) = &claim {
            let stands = ends.places.get(&claim.place);
            if stands != claim.after.as_ref() {
                let first = self.records.iter().find(|sealed| Some(&sealed.id) == stands);
                return Err(claim::refused(event, first.map(Sealed::recorded)));
            }
        }
        let series = event.incident().map_or("", |id| id.as_str()).to_owned();
        let tip = ends.tips.entry(series).or_default();
        tip.hybrid = ends.hybrid;
        let sealed = tip
            .seal(&self.signer, self.origin, actor, wall, event)
            .map_err(|e| AppendError::failed(&refusal(e)))?;
        ends.hybrid = tip.hybrid;
        if let Some(claim) = claim {
            ends.places.insert(claim.place, sealed.id);
        }
        Ok(sealed)
    }
}

impl EventLog for MemoryLog {
    fn key(&self) -> KeyId {
        self.signer.id()
    }

    fn append(
        &mut self,
        actor: &Actor,
        wall: Timestamp,
        events: &[LogEvent],
    ) -> Result<Vec<Recorded>, AppendError> {
        let mut ends = self.ends.clone();
        let sealed = events
            .iter()
            .map(|event| self.seal(&mut ends, actor, wall, event))
            .collect::<Result<Vec<_>, _>>()?;
        self.ends = ends;
        let recorded = sealed.iter().map(Sealed::recorded).collect();
        self.records.extend(sealed);
        Ok(recorded)
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn read_after(&mut self, position: Position) -> Result<Batch, ReadError> {
        let from = usize::try_from(position.0).unwrap_or(usize::MAX).min(self.records.len());
        Ok(Batch {
            records: self.records[from..].iter().map(Sealed::recorded).collect(),
            position: Position(self.records.len() as u64),
            ..Batch::default()
        })
    }

    /// By looking at every record: there are never many here. A phrase is looked for as its words.
    fn search(&mut self, words: &str, most: usize) -> Result<Vec<RecordId>, ReadError> {
        let asked = words.replace('"', " ").to_lowercase();
        let asked: Vec<&str> = asked.split_whitespace().collect();
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let fits = |sealed: &&Sealed| {
            let text = words::of(&sealed.recorded()).to_lowercase();
            asked.iter().all(|word| text.contains(word))
        };
        Ok(self.records.iter().rev().filter(fits).take(most).map(|sealed| sealed.id).collect())
    }

    fn changed(&mut self) -> Result<bool, ReadError> {
        Ok(false)
    }
}
