//! Writes a tape while sources are asked live.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{Header, MAGIC, Stored, VERSION};
use crate::connectors::http::{Fault, Transport};
use crate::connectors::{Ask, Method, Reply};
use crate::domain::{SafeText, SourceId};

/// How a recording stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecorderState {
    /// Bytes on disk.
    pub bytes: u64,
    /// Answers recorded.
    pub entries: u64,
    /// Whether it stopped because the size limit was reached.
    pub full: bool,
    /// Why it stopped otherwise.
    pub failed: Option<SafeText>,
}

/// Records what the transports it wraps are answered. Recording never disturbs asking.
pub struct Recorder {
    sources: Vec<SourceId>,
    most: u64,
    hashing: RandomState,
    inner: Mutex<Inner>,
}

struct Inner {
    /// `None` once finished, full or failed.
    to: Option<zstd::stream::write::Encoder<'static, Counting>>,
    last: HashMap<(u16, String), (u64, usize)>,
    state: RecorderState,
}

struct Counting {
    to: Box<dyn Write + Send>,
    bytes: u64,
}

impl Write for Counting {
    fn write(&mut self, raw: &[u8]) -> std::io::Result<usize> {
        let written = self.to.write(raw)?;
        self.bytes += written as u64;
        Ok(written)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}

impl Recorder {
    /// Begins a tape of at most about `most` bytes.
    pub fn start(
        mut to: Box<dyn Write + Send>,
        header: &Header,
        most: u64,
    ) -> std::io::Result<Arc<Self>> {
        to.write_all(MAGIC)?;
        to.write_all(&[VERSION])?;
        let counting = Counting { to, bytes: MAGIC.len() as u64 + 1 };
        let mut encoder = zstd::stream::write::Encoder::new(counting, 3)?;
        frame(&mut encoder, header)?;
        let state = RecorderState { bytes: encoder.get_ref().bytes, ..RecorderState::default() };
        Ok(Arc::new(Self {
            sources: header.sources.iter().map(|s| s.name.clone()).collect(),
            most,
            hashing: RandomState::new(),
            inner: Mutex::new(Inner { to: Some(encoder), last: HashMap::new(), state }),
        }))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wraps the transport of a source named in the header; others pass unrecorded.
    pub fn wrap(
        self: &Arc<Self>,
        source: &SourceId,
        transport: Arc<dyn Transport>,
    ) -> Arc<dyn Transport> {
        let at = self.sources.iter().position(|name| name == source);
        match at.and_then(|at| u16::try_from(at).ok()) {
            Some(source) => Arc::new(Recording { recorder: self.clone(), source, transport }),
            None => transport,
        }
    }

    /// How it stands.
    pub fn state(&self) -> RecorderState {
        self.inner().state.clone()
    }

    /// Ends the tape properly. A tape never ended can be read all the same.
    pub fn finish(&self) -> std::io::Result<()> {
        match self.inner().to.take() {
            Some(encoder) => encoder.finish()?.flush(),
            None => Ok(()),
        }
    }

    fn record(&self, source: u16, ask: &Ask, reply: &Reply) {
        let mut inner = self.inner();
        let inner = &mut *inner;
        let Some(encoder) = &mut inner.to else { return };
        let at = (source, ask.key.clone());
        let print = (self.hashing.hash_one(&reply.body), reply.body.len());
        let same = inner.last.get(&at) == Some(&print);
        let stored = Stored {
            source,
            key: ask.key.clone(),
            sent: reply.sent,
            received: reply.received,
            date: reply.date,
            status: reply.status,
            body: (!same).then(|| reply.body.clone()),
        };
        let written = frame(encoder, &stored);
        inner.state.bytes = encoder.get_ref().bytes;
        match written {
            Ok(()) => {
                inner.last.insert(at, print);
                inner.state.entries += 1;
                if inner.state.bytes >= self.most {
                    inner.state.full = true;
                    // What cannot be written here is only the end mark, which reading does not need.
                    inner.to.take().and_then(|encoder| encoder.finish().ok());
                }
            }
            Err(error) => {
                inner.to = None;
                inner.state.failed = Some(SafeText::new(&format!(
                    "The recording stopped: {}. What was recorded before is kept.",
                    error.kind()
                )));
            }
        }
    }
}

fn frame<W: Write, T: serde::Serialize>(to: &mut W, value: &T) -> std::io::Result<()> {
    let raw = postcard::to_stdvec(value).map_err(std::io::Error::other)?;
    let length = u32::try_from(raw.len()).map_err(std::io::Error::other)?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(&raw)?;
    // A whole block on disk, so that a crash loses nothing before it.
    to.flush()
}

struct Recording {
    recorder: Arc<Recorder>,
    source: u16,
    transport: Arc<dyn Transport>,
}

#[async_trait]
impl Transport for Recording {
    async fn exchange(&self, ask: &Ask) -> Result<Reply, Fault> {
        let reply = self.transport.exchange(ask).await?;
        // Operations are acts, not observations; what they changed is seen by the next poll.
        if ask.method != Method::Delete && ask.body.is_none() {
            self.recorder.record(self.source, ask, &reply);
        }
        Ok(reply)
    }

    fn take_back(&self, body: Vec<u8>) {
        self.transport.take_back(body);
    }
}
