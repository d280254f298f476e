//! Which records are more than a line of a timeline, for each stretch that was verified: what a console
//! needs first, so that it need not wait for a million lines.
//!
//! A cache beside the store, in the private directory. What it says of a stretch counts only while the
//! stretch has the digest it had then, and each record it names is read from the store and must still be
//! the one that was verified. When anything does not fit, everything is read as if there were none.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::super::{Policy, RecordId, Recorded, files};
use super::mark::{STRETCH, Seal};

const HEAD: &[u8] = b"quarterdeck-outline\x01";
/// A stretch where more than this are no mere lines is read whole: that is no slower.
const MOST: usize = 64;

/// What is known of the stretches, by stretch.
#[derive(Debug, Default)]
pub(super) struct Outline {
    path: Option<PathBuf>,
    known: Known,
    changed: bool,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Known {
    /// By which policy: it says whose entries are lines and nothing else.
    policy: [u8; 32],
    parts: Vec<Option<Sketch>>,
}

/// The records of one stretch that are more than a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sketch {
    /// The digest the stretch had.
    seal: Seal,
    /// Place in the stretch, and id; `None` when they are too many.
    more: Option<Vec<(u8, RecordId)>>,
}

impl Sketch {
    /// Of the records of a whole stretch, with their positions.
    pub(super) fn of<'a>(
        seal: Seal,
        records: impl IntoIterator<Item = (u64, &'a Recorded)>,
        policy: &Policy,
    ) -> Self {
        let more: Vec<(u8, RecordId)> = records
            .into_iter()
            .filter(|(_, record)| !record.is_line_only(policy))
            .map(|(position, record)| ((position.saturating_sub(1) % STRETCH) as u8, record.id))
            .collect();
        Self { seal, more: (more.len() <= MOST).then_some(more) }
    }

    /// Positions and ids, when the stretch still has this digest and they are not too many.
    pub(super) fn more(&self, stretch: u64, seal: Seal) -> Option<Vec<(u64, RecordId)>> {
        let more = self.more.as_ref().filter(|_| self.seal == seal)?;
        let position = |at: u8| stretch * STRETCH + u64::from(at) + 1;
        Some(more.iter().map(|(at, id)| (position(*at), *id)).collect())
    }
}

impl Outline {
    /// As kept in `path`; empty when there is none, it is damaged, or it was made by another policy.
    pub(super) fn load(path: PathBuf, policy: &Policy) -> Self {
        let policy = digest(policy);
        let known = std::fs::read(&path).ok().and_then(|bytes| read(&bytes));
        let known = known.filter(|known| known.policy == policy);
        let known = known.unwrap_or_else(|| Known { policy, ..Known::default() });
        Self { path: Some(path), known, changed: false }
    }

    /// Forgets what was known when another policy judges.
    pub(super) fn govern(&mut self, policy: &Policy) {
        let policy = digest(policy);
        if self.known.policy != policy {
            self.known = Known { policy, ..Known::default() };
        }
    }

    /// What is known of a stretch.
    pub(super) fn get(&self, stretch: u64) -> Option<&Sketch> {
        self.known.parts.get(usize::try_from(stretch).ok()?)?.as_ref()
    }

    /// Notes what a stretch holds.
    pub(super) fn set(&mut self, stretch: u64, sketch: Sketch) {
        let Ok(at) = usize::try_from(stretch) else { return };
        // As with the digests: a forged position must not make a list of billions.
        if at > self.known.parts.len() + 1_000 || self.get(stretch) == Some(&sketch) {
            return;
        }
        if at >= self.known.parts.len() {
            self.known.parts.resize(at + 1, None);
        }
        self.known.parts[at] = Some(sketch);
        self.changed = true;
    }

    /// Keeps what was learnt. When it cannot be kept, the next start reads everything first.
    pub(super) fn save(&mut self) {
        let Some(path) = self.path.as_ref().filter(|_| self.changed) else { return };
        let Ok(content) = postcard::to_extend(&self.known, HEAD.to_vec()) else { return };
        let sum = Sha256::digest(&content);
        if files::place(path, &[&content[..], &sum[..]].concat(), false).is_ok() {
            self.changed = false;
        }
    }
}

fn digest(policy: &Policy) -> [u8; 32] {
    Sha256::digest(format!("{policy:?}")).into()
}

fn read(bytes: &[u8]) -> Option<Known> {
    let (content, sum) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
    if Sha256::digest(content).as_slice() != sum {
        return None;
    }
    postcard::from_bytes(content.strip_prefix(HEAD)?).ok()
}
