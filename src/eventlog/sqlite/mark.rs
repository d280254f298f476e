//! What this person has verified before, so that it need not be verified again: a digest for each stretch
//! of records, in the private directory, out of reach of whoever else may write the log.
//!
//! A stretch whose bytes still have their digest is as it was when every signature and link in it was
//! checked. One that has not is checked record by record.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::super::{Policy, files};
use super::outline::Outline;

/// Positions in one stretch.
pub(super) const STRETCH: u64 = 256;
const HEAD: &[u8] = b"quarterdeck-verified\x01";

/// Digest of a stretch.
pub(super) type Seal = [u8; 32];

/// The digests known, by stretch; all zero where there is none.
#[derive(Debug, Default)]
pub(super) struct Mark {
    path: Option<PathBuf>,
    seals: Vec<Seal>,
    changed: bool,
    /// What is in them beside mere lines.
    pub(super) outline: Outline,
    /// The policy that judges.
    pub(super) policy: Policy,
}

/// The stretch of a position.
pub(super) const fn stretch(position: u64) -> u64 {
    position.saturating_sub(1) / STRETCH
}

impl Mark {
    /// As kept in `path`; empty when there is none, or it is damaged: then everything is verified anew.
    pub(super) fn load(path: PathBuf, policy: &Policy) -> Self {
        let seals = std::fs::read(&path).ok().and_then(|bytes| read(&bytes)).unwrap_or_default();
        let outline = Outline::load(path.with_file_name("outline"), policy);
        Self { path: Some(path), seals, changed: false, outline, policy: policy.clone() }
    }

    /// Another policy judges from now on.
    pub(super) fn govern(&mut self, policy: &Policy) {
        self.outline.govern(policy);
        self.policy = policy.clone();
    }

    /// The digest of a stretch that was verified.
    pub(super) fn get(&self, stretch: u64) -> Option<Seal> {
        let seal = self.seals.get(usize::try_from(stretch).ok()?)?;
        (*seal != Seal::default()).then_some(*seal)
    }

    /// Every record of the stretch was verified.
    pub(super) fn set(&mut self, stretch: u64, seal: Seal) {
        let Ok(at) = usize::try_from(stretch) else { return };
        // Positions are given out one after another; a forged one must not make a list of billions.
        if at > self.seals.len() + 1_000 {
            return;
        }
        if at >= self.seals.len() {
            self.seals.resize(at + 1, Seal::default());
        }
        self.changed |= self.seals[at] != seal;
        self.seals[at] = seal;
    }

    /// Keeps what was learnt. When it cannot be kept, the next start verifies again: slower, not wrong.
    pub(super) fn save(&mut self) {
        self.outline.save();
        let Some(path) = self.path.as_ref().filter(|_| self.changed) else { return };
        let mut bytes = HEAD.to_vec();
        self.seals.iter().for_each(|seal| bytes.extend_from_slice(seal));
        let sum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&sum);
        if files::place(path, &bytes, false).is_ok() {
            self.changed = false;
        }
    }
}

fn read(bytes: &[u8]) -> Option<Vec<Seal>> {
    let (content, sum) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
    if Sha256::digest(content).as_slice() != sum {
        return None;
    }
    let (seals, rest) = content.strip_prefix(HEAD)?.as_chunks::<32>();
    rest.is_empty().then(|| seals.to_vec())
}
