//! The log in memory, for demonstrations, tests, and a disk that cannot be written: the same records,
//! signed the same way, gone with the process.

use crate::domain::{Actor, Timestamp};

use super::chain::{Tip, refusal};
use super::record::{Origin, Sealed};
use super::signer::Signer;
use super::verify::StoredRow;
use super::{AppendError, Batch, EventLog, LogEvent, Position, ReadError, Recorded};

/// Records in memory.
#[derive(Debug)]
pub struct MemoryLog {
    signer: Signer,
    origin: Origin,
    tip: Tip,
    records: Vec<Sealed>,
}

impl MemoryLog {
    /// An empty log.
    pub fn new(signer: Signer, origin: Origin) -> Self {
        Self { signer, origin, tip: Tip::default(), records: Vec::new() }
    }

    /// An empty log of a writer that is the same in every run.
    pub fn for_demo() -> Self {
        Self::new(Signer::from_seed(&[7; 32]), Origin([7; 16]))
    }

    /// What a store would hold, for checking.
    pub fn rows(&self) -> Vec<StoredRow> {
        (1..).zip(&self.records).map(|(at, sealed)| StoredRow::of(Position(at), sealed)).collect()
    }
}

impl EventLog for MemoryLog {
    fn append(
        &mut self,
        actor: &Actor,
        wall: Timestamp,
        events: &[LogEvent],
    ) -> Result<Vec<Recorded>, AppendError> {
        let mut tip = self.tip.clone();
        let sealed = events
            .iter()
            .map(|event| tip.seal(&self.signer, self.origin, actor, wall, event))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| AppendError::failed(&refusal(e)))?;
        self.tip = tip;
        let recorded = sealed.iter().map(Sealed::recorded).collect();
        self.records.extend(sealed);
        Ok(recorded)
    }

    fn read_after(&mut self, position: Position) -> Result<Batch, ReadError> {
        let from = usize::try_from(position.0).unwrap_or(usize::MAX).min(self.records.len());
        Ok(Batch {
            records: self.records[from..].iter().map(Sealed::recorded).collect(),
            position: Position(self.records.len() as u64),
            ..Batch::default()
        })
    }

    fn changed(&mut self) -> Result<bool, ReadError> {
        Ok(false)
    }
}
