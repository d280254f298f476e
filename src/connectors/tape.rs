//! Recordings: what sources answered, written while it happens, read back for replay.
//!
//! A tape is `QDTAPE`, one byte of version, then a zstd stream of frames (length, postcard). The
//! first frame is the [`Header`], the others are [`Entry`]s. Every entry is flushed, so that a crash
//! costs at most the last one; a body equal to the one before it under the same key is not repeated.

mod clock;
mod player;
mod recorder;
mod simulated;

use std::io::Read;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::{SiteId, SourceId, SourceKind, Span, Timestamp};

pub use clock::PlayerClock;
pub use player::Player;
pub use recorder::{Recorder, RecorderState};

const MAGIC: &[u8; 6] = b"QDTAPE";
const VERSION: u8 = 1;
/// Most bytes of one frame and of a whole tape, unpacked: a damaged length must not fill memory.
const MOST_FRAME: usize = 128 * 1024 * 1024;
const MOST_TAPE: u64 = 2 * 1024 * 1024 * 1024;

/// What was recorded, of what, since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the program that wrote it.
    pub program: String,
    /// When recording began.
    pub started: Timestamp,
    /// Sources in the order entries count them.
    pub sources: Vec<TapeSource>,
    /// The configuration in force, without anything a credential could be in.
    pub config: String,
    /// Catalog files in force and the runbooks they name, by path: the numbering of questions depends
    /// on them.
    pub files: Vec<(String, String)>,
}

/// A source of a tape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapeSource {
    /// Its name.
    pub name: SourceId,
    /// Its kind.
    pub kind: TapeKind,
    /// Its site.
    pub site: SiteId,
    /// How often it was asked.
    pub interval: Span,
}

/// Kinds of sources as stored; new ones are added at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TapeKind {
    /// Prometheus HTTP API.
    Prometheus,
    /// Alertmanager API v2.
    Alertmanager,
    /// Jaeger's dependencies API.
    Jaeger,
    /// A status page.
    Statuspage,
    /// A git repository.
    Git,
    /// A file of changes.
    ChangesFile,
    /// A GitHub repository's deployments.
    Github,
    /// A GitLab project's deployments.
    Gitlab,
    /// Versions in a Prometheus.
    Versions,
    /// An Unleash's audit log.
    Unleash,
    /// A pager.
    Pagerduty,
    /// A NATS subject.
    Nats,
}

impl From<SourceKind> for TapeKind {
    fn from(kind: SourceKind) -> Self {
        match kind {
            SourceKind::Prometheus => Self::Prometheus,
            SourceKind::Alertmanager => Self::Alertmanager,
            SourceKind::Jaeger => Self::Jaeger,
            SourceKind::Statuspage => Self::Statuspage,
            SourceKind::Git => Self::Git,
            SourceKind::ChangesFile => Self::ChangesFile,
            SourceKind::Github => Self::Github,
            SourceKind::Gitlab => Self::Gitlab,
            SourceKind::Versions => Self::Versions,
            SourceKind::Unleash => Self::Unleash,
            SourceKind::Pagerduty => Self::Pagerduty,
            SourceKind::Nats => Self::Nats,
        }
    }
}

impl From<TapeKind> for SourceKind {
    fn from(kind: TapeKind) -> Self {
        match kind {
            TapeKind::Prometheus => Self::Prometheus,
            TapeKind::Alertmanager => Self::Alertmanager,
            TapeKind::Jaeger => Self::Jaeger,
            TapeKind::Statuspage => Self::Statuspage,
            TapeKind::Git => Self::Git,
            TapeKind::ChangesFile => Self::ChangesFile,
            TapeKind::Github => Self::Github,
            TapeKind::Gitlab => Self::Gitlab,
            TapeKind::Versions => Self::Versions,
            TapeKind::Unleash => Self::Unleash,
            TapeKind::Pagerduty => Self::Pagerduty,
            TapeKind::Nats => Self::Nats,
        }
    }
}

/// One answer as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stored {
    source: u16,
    key: String,
    sent: Timestamp,
    received: Timestamp,
    date: Option<Timestamp>,
    status: u16,
    /// `None` repeats the previous body of this source and key.
    body: Option<Vec<u8>>,
}

/// One answer of a tape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Index into the header's sources.
    pub source: u16,
    /// Key of the question.
    pub key: Arc<str>,
    /// When it was asked.
    pub sent: Timestamp,
    /// When the answer was complete.
    pub received: Timestamp,
    /// `Date` header of the answer.
    pub date: Option<Timestamp>,
    /// HTTP status.
    pub status: u16,
    /// Body, shared with equal ones before it.
    pub body: Arc<[u8]>,
}

/// A whole tape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tape {
    /// Its head.
    pub header: Header,
    /// Answers in the order recorded.
    pub entries: Vec<Entry>,
    /// Whether the end is missing (the recording was cut off).
    pub cut: bool,
}

/// Why a tape cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TapeError {
    /// Another kind of file.
    #[error(
        "This is not a recording of this program; nothing was changed. Name a file that `record` wrote."
    )]
    NotATape,
    /// A version from the future.
    #[error(
        "The recording has format {0}, this program reads format {VERSION}; use a newer program."
    )]
    Version(u8),
    /// The head cannot be read.
    #[error(
        "The recording is damaged at its beginning, so nothing of it can be played; use another copy."
    )]
    Damaged,
    /// The file cannot be read.
    #[error("The recording cannot be read: {0}.")]
    Io(String),
}

impl Tape {
    /// Reads a tape; a missing or damaged tail leaves what is before it.
    pub fn read(mut from: impl Read) -> Result<Self, TapeError> {
        let mut head = [0u8; 7];
        from.read_exact(&mut head).map_err(|e| match e.kind() {
            std::io::ErrorKind::UnexpectedEof => TapeError::NotATape,
            kind => TapeError::Io(kind.to_string()),
        })?;
        let [magic @ .., version] = head;
        if magic != *MAGIC {
            return Err(TapeError::NotATape);
        }
        if version != VERSION {
            return Err(TapeError::Version(version));
        }
        let packed = zstd::stream::read::Decoder::new(from).map_err(|_| TapeError::Damaged)?;
        let mut frames = Frames { from: packed.take(MOST_TAPE), cut: false };
        let header: Header = frames.next().ok_or(TapeError::Damaged)?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut last: std::collections::HashMap<(u16, Arc<str>), Arc<[u8]>> = Default::default();
        while let Some(stored) = frames.next::<Stored>() {
            let mut key: Arc<str> = stored.key.into();
            if let Some(((_, known), _)) = last.get_key_value(&(stored.source, key.clone())) {
                key = known.clone();
            }
            let at = (stored.source, key.clone());
            let body = match (stored.body, last.get(&at)) {
                (Some(body), _) => Arc::from(body),
                (None, Some(body)) => body.clone(),
                // Refers to nothing: the tape is damaged from here on.
                (None, None) => {
                    frames.cut = true;
                    break;
                }
            };
            if usize::from(stored.source) >= header.sources.len() {
                frames.cut = true;
                break;
            }
            last.insert(at, body.clone());
            entries.push(Entry {
                source: stored.source,
                key,
                sent: stored.sent,
                received: stored.received,
                date: stored.date,
                status: stored.status,
                body,
            });
        }
        Ok(Self { header, entries, cut: frames.cut })
    }

    /// When its last answer came; its beginning when there is none.
    pub fn end(&self) -> Timestamp {
        let last = self.entries.iter().map(|e| e.received).max();
        last.unwrap_or(self.header.started).max(self.header.started)
    }
}

/// Frames until the end or the first damaged one.
struct Frames<R> {
    from: R,
    cut: bool,
}

impl<R: Read> Frames<R> {
    fn next<T: serde::de::DeserializeOwned>(&mut self) -> Option<T> {
        let mut length = [0u8; 4];
        let mut got = 0;
        while got < length.len() {
            match self.from.read(&mut length[got..]) {
                // A clean end is between frames.
                Ok(0) => {
                    self.cut |= got > 0;
                    return None;
                }
                Ok(n) => got += n,
                Err(_) => {
                    self.cut = true;
                    return None;
                }
            }
        }
        let length = u32::from_le_bytes(length) as usize;
        let mut frame = Vec::new();
        // Grows as it is read: a damaged length allocates nothing by itself.
        let whole = length <= MOST_FRAME
            && (&mut self.from).take(length as u64).read_to_end(&mut frame).is_ok()
            && frame.len() == length;
        let read = if whole { postcard::from_bytes(&frame).ok() } else { None };
        self.cut |= read.is_none();
        read
    }
}
