//! The record: what is written, signed, hashed and linked; byte for byte the same everywhere.
//!
//! ```text
//! bytes = "quarterdeck-record\0" ‖ length ‖ content ‖ length ‖ signature
//!         └──────────── signed (SSHSIG) ────────┘
//! id    = SHA-256(bytes)
//! ```
//!
//! `content` is [`Record`] in postcard. A later version may only append fields, so this one can still
//! check the chain of what it cannot understand and hand it on untouched.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::{Actor, IncidentId, Timestamp};

use super::signer::{KeyError, KeyId, Signature, Signer};
use super::{RecordId, Recorded, codec};

/// The version this console writes.
pub(super) const VERSION: u16 = 1;
/// Most bytes of one record, signature included; a team log takes no larger message.
pub(super) const MOST_BYTES: usize = 64 * 1024;
/// Most heads of other writers one record names.
pub(super) const MOST_HEADS: usize = 64;
/// First bytes of every record, so that its hash can never be one of something else.
const DOMAIN: &[u8] = b"quarterdeck-record\0";

/// One writer's installation: 128 random bits, made anew when a store is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Origin(pub [u8; 16]);

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Hybrid logical time: the wall clock, but never behind a record already known to the writer.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
pub struct Hybrid {
    /// Milliseconds since the Unix epoch.
    pub millis: i64,
    /// Tells records of one millisecond apart.
    pub count: u32,
}

impl Hybrid {
    /// The time after `self` when the clock shows `wall`.
    pub fn next(self, wall: Timestamp) -> Self {
        if wall.millis() > self.millis {
            Self { millis: wall.millis(), count: 0 }
        } else if let Some(count) = self.count.checked_add(1) {
            Self { millis: self.millis, count }
        } else {
            Self { millis: self.millis.saturating_add(1), count: 0 }
        }
    }
}

/// Where a record stands among all records: the same answer on every host, whatever arrived first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Stamp {
    /// Hybrid time.
    pub hybrid: Hybrid,
    /// Writer.
    pub origin: Origin,
    /// Position in the writer's series.
    pub seq: u64,
}

/// The newest record of another writer that was known at the time of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Head {
    /// Writer.
    pub origin: Origin,
    /// Its position.
    pub seq: u64,
    /// Its id.
    pub id: RecordId,
}

/// The signed content. The order of these fields is the format: it never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Format version of the writer.
    pub version: u16,
    /// Incident it belongs to; empty outside incidents.
    pub incident: String,
    /// Writer.
    pub origin: Origin,
    /// Position in the series of (incident, origin), from 0 without gaps.
    pub seq: u64,
    /// Id of the record before it in the series.
    pub prev: Option<RecordId>,
    /// Other writers' records that were known.
    pub seen: Vec<Head>,
    /// Hybrid time.
    pub hybrid: Hybrid,
    /// The writer's clock.
    pub wall: Timestamp,
    /// Who, as the writer named them; the key says who it was.
    pub actor: String,
    /// Fingerprint of the key it is signed with.
    pub key: KeyId,
    /// Kind of fact.
    pub kind: String,
    /// The fact, in the encoding of its kind.
    pub body: Vec<u8>,
}

/// A record with its bytes, as it is stored and sent on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// SHA-256 over `bytes`.
    pub id: RecordId,
    /// Exactly what is stored.
    pub bytes: Vec<u8>,
    /// What the bytes say.
    pub record: Record,
    /// The signature, not yet checked.
    pub signature: Signature,
}

/// Why bytes are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Not ours, or cut off.
    #[error("it is not a record, or part of it is missing")]
    Shape,
    /// The same content written in other bytes, which would give it a second id.
    #[error("its bytes are not in the one form allowed")]
    NotCanonical,
    /// More than 64 KiB.
    #[error("it is larger than a record may be")]
    TooLarge,
    /// The key could not sign.
    #[error("it could not be signed: {0}")]
    Signing(KeyError),
}

/// Hash of a record's bytes.
pub fn id_of(bytes: &[u8]) -> RecordId {
    RecordId(Sha256::digest(bytes).into())
}

impl Record {
    /// Encodes, signs and hashes.
    pub fn seal(self, signer: &Signer) -> Result<Sealed, FormatError> {
        let content = postcard::to_allocvec(&self).map_err(|_| FormatError::Shape)?;
        let mut bytes = DOMAIN.to_vec();
        push(&mut bytes, &content)?;
        let signature = signer.sign(&bytes).map_err(FormatError::Signing)?;
        push(&mut bytes, signature.as_bytes())?;
        if bytes.len() > MOST_BYTES {
            return Err(FormatError::TooLarge);
        }
        Ok(Sealed { id: id_of(&bytes), bytes, record: self, signature })
    }
}

impl Sealed {
    /// Reads stored or received bytes. Says nothing about the signature; see [`Sealed::is_authentic`].
    pub fn open(bytes: Vec<u8>) -> Result<Self, FormatError> {
        if bytes.len() > MOST_BYTES {
            return Err(FormatError::TooLarge);
        }
        let framed = bytes.strip_prefix(DOMAIN).ok_or(FormatError::Shape)?;
        let (content, rest) = take(framed)?;
        let (signature, rest) = take(rest)?;
        if !rest.is_empty() {
            return Err(FormatError::NotCanonical);
        }
        let (record, appended) =
            postcard::take_from_bytes::<Record>(content).map_err(|_| FormatError::Shape)?;
        // What a later version appended cannot be encoded again here; its signature covers it anyway.
        let canonical = record.version > VERSION
            || (appended.is_empty() && {
                let again = postcard::to_allocvec(&record).map_err(|_| FormatError::Shape)?;
                let mut frame = Vec::with_capacity(framed.len());
                push(&mut frame, &again)?;
                push(&mut frame, signature)?;
                frame == framed
            });
        if !canonical {
            return Err(FormatError::NotCanonical);
        }
        let signature = Signature::from_bytes(signature);
        Ok(Self { id: id_of(&bytes), bytes, record, signature })
    }

    /// The bytes the signature is made over; what `ssh-keygen -Y verify` reads.
    pub fn signed_bytes(&self) -> &[u8] {
        let signature = self.signature.as_bytes().len();
        let length = postcard::to_allocvec(&signature).map_or(0, |v| v.len());
        &self.bytes[..self.bytes.len() - signature - length]
    }

    /// Whether the key named in the record made the signature.
    pub fn is_authentic(&self) -> bool {
        self.signature.verifies(self.signed_bytes(), self.record.key)
    }

    /// Where it stands among all records.
    pub fn stamp(&self) -> Stamp {
        let Record { hybrid, origin, seq, .. } = self.record;
        Stamp { hybrid, origin, seq }
    }

    /// As readers see it.
    pub fn recorded(&self) -> Recorded {
        Recorded {
            id: self.id,
            actor: Actor::new(&self.record.actor),
            key: self.record.key,
            at: self.record.wall,
            stamp: self.stamp(),
            event: {
                let Record { version, incident, kind, body, .. } = &self.record;
                codec::decode(*version, || IncidentId::new(incident), kind, body)
            },
        }
    }
}

/// What a record's bytes say, read in place: for records that were verified before.
#[derive(Debug, Deserialize)]
pub(super) struct Glance<'r> {
    version: u16,
    incident: &'r str,
    origin: Origin,
    seq: u64,
    #[expect(dead_code, reason = "its place in the format")]
    prev: Option<RecordId>,
    #[expect(dead_code, reason = "its place in the format")]
    seen: Vec<Head>,
    hybrid: Hybrid,
    wall: Timestamp,
    actor: &'r str,
    key: KeyId,
    kind: &'r str,
    body: &'r [u8],
}

impl<'r> Glance<'r> {
    pub(super) fn at(bytes: &'r [u8]) -> Option<Self> {
        let (content, _) = take(bytes.strip_prefix(DOMAIN)?).ok()?;
        postcard::take_from_bytes(content).ok().map(|(glance, _)| glance)
    }

    /// As readers see it.
    pub(super) fn recorded(&self, id: RecordId, known: &mut Known) -> Recorded {
        let Self { hybrid, origin, seq, .. } = *self;
        Recorded {
            id,
            actor: once(&mut known.actors, self.actor, Actor::new),
            key: self.key,
            at: self.wall,
            stamp: Stamp { hybrid, origin, seq },
            event: {
                let incident = || once(&mut known.incidents, self.incident, IncidentId::new);
                codec::decode(self.version, incident, self.kind, self.body)
            },
        }
    }
}

/// Names that many records share, so that each is made once.
#[derive(Debug, Default)]
pub(super) struct Known {
    actors: HashSet<Actor, FixedState>,
    incidents: HashSet<IncidentId, FixedState>,
}

/// More different names than this are not kept.
const MOST_KNOWN: usize = 1_024;

fn once<T: Clone + Eq + Hash + Borrow<str>>(
    known: &mut HashSet<T, FixedState>,
    name: &str,
    make: impl FnOnce(&str) -> T,
) -> T {
    if let Some(known) = known.get(name) {
        return known.clone();
    }
    let made = make(name);
    if known.len() < MOST_KNOWN {
        known.insert(made.clone());
    }
    made
}

fn push(bytes: &mut Vec<u8>, part: &[u8]) -> Result<(), FormatError> {
    let length = postcard::to_allocvec(&part.len()).map_err(|_| FormatError::Shape)?;
    bytes.extend_from_slice(&length);
    bytes.extend_from_slice(part);
    Ok(())
}

fn take(bytes: &[u8]) -> Result<(&[u8], &[u8]), FormatError> {
    let (length, rest) =
        postcard::take_from_bytes::<usize>(bytes).map_err(|_| FormatError::Shape)?;
    rest.split_at_checked(length).ok_or(FormatError::Shape)
}
