//! Answers from a tape, as of the virtual time. No network.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::simulated::Simulated;
use super::{Entry, Tape};
use crate::connectors::http::{Fault, Transport};
use crate::connectors::{Ask, Clock, Method, Reply};
use crate::domain::{FailureKind, SiteId, SourceId, SourceKind, Timestamp};

/// Plays a tape to any number of sources.
pub struct Player {
    tape: Arc<Tape>,
    clock: Arc<dyn Clock>,
    /// Entries by source and key, in order of time.
    index: HashMap<u16, BTreeMap<Arc<str>, Vec<usize>>>,
    /// What was done during the playing, by site: Alertmanagers of a site share silences.
    acted: Mutex<HashMap<SiteId, Simulated>>,
}

impl Player {
    /// Plays `tape` by `clock`.
    pub fn new(tape: Arc<Tape>, clock: Arc<dyn Clock>) -> Arc<Self> {
        let mut index: HashMap<u16, BTreeMap<Arc<str>, Vec<usize>>> = HashMap::new();
        for (at, entry) in tape.entries.iter().enumerate() {
            let of_source = index.entry(entry.source).or_default();
            of_source.entry(entry.key.clone()).or_default().push(at);
        }
        for list in index.values_mut().flat_map(BTreeMap::values_mut) {
            list.sort_by_key(|at| tape.entries[*at].received);
        }
        Arc::new(Self { tape, clock, index, acted: Mutex::default() })
    }

    /// The transport of one source; one that is not on the tape answers that it is not.
    pub fn transport(self: &Arc<Self>, source: &SourceId) -> Arc<dyn Transport> {
        let at = self.tape.header.sources.iter().position(|s| s.name == *source);
        Arc::new(Playing { player: self.clone(), source: at.and_then(|at| u16::try_from(at).ok()) })
    }

    /// The latest answer under exactly this key at `now`.
    fn latest(&self, source: u16, key: &str, now: Timestamp) -> Option<&Entry> {
        let list = self.index.get(&source)?.get(key)?;
        let entries = &self.tape.entries;
        let after = list.partition_point(|at| entries[*at].received <= now);
        // Before the first answer: the first one, if it is about to come.
        let at = match after.checked_sub(1) {
            Some(before) => list.get(before)?,
            None => list.first().filter(|at| entries[**at].sent.since(now) <= self.lead())?,
        };
        entries.get(*at)
    }

    /// Slow questions were first answered a little after the recording began.
    fn lead(&self) -> crate::domain::Span {
        crate::domain::Span::from_secs(30)
    }

    /// An answer under another key that holds this one's too: the company a question was asked in,
    /// or the coarse line where the fine one was never on screen.
    fn stand_in(&self, source: u16, ask: &Ask, now: Timestamp) -> Option<&Entry> {
        if let Some((company, _)) = ask.key.rsplit_once(':')
            && let Some(entry) = self.latest(source, company, now)
        {
            return Some(entry);
        }
        let query =
            ask.params.iter().find(|(name, _)| *name == "query").map(|(_, q)| q.as_str())?;
        let tag = crate::connectors::prometheus::first_tag(query)?;
        let needle = format!("\"qd\":\"{tag}\"");
        let of_source = self.index.get(&source)?;
        let kin = if ask.key.starts_with("chart:") { "spark:" } else { "slo:" };
        of_source
            .range(Arc::<str>::from(kin)..)
            .take_while(|(key, _)| key.starts_with(kin))
            .filter_map(|(key, _)| self.latest(source, key, now))
            .find(|entry| contains(&entry.body, needle.as_bytes()))
    }

    fn answer(&self, source: Option<u16>, ask: &Ask) -> Result<Reply, Fault> {
        let now = self.clock.now();
        let missing = |what: &str| Err(Fault::new(FailureKind::BadQuery, what, now));
        let Some((number, source)) =
            source.and_then(|n| Some((n, self.tape.header.sources.get(usize::from(n))?)))
        else {
            return missing("This source is not in this recording.");
        };
        let mut acted = self.acted.lock().unwrap_or_else(PoisonError::into_inner);
        let simulated = acted.entry(source.site.clone()).or_default();
        let is_alertmanager = SourceKind::from(source.kind) == SourceKind::Alertmanager;
        if is_alertmanager && (ask.method == Method::Delete || ask.body.is_some()) {
            let silences = self.latest(number, "silences", now).map(|e| e.body.clone());
            let (status, body) = simulated.perform(ask, silences.as_deref().unwrap_or(b"[]"), now);
            let (sent, received) = (now, now);
            return Ok(Reply { status, body, retry_after: None, date: None, sent, received });
        }
        let entry = self.latest(number, &ask.key, now).or_else(|| self.stand_in(number, ask, now));
        let Some(entry) = entry else {
            return missing(
                "This was not asked while the recording was made, so it is not in this recording.",
            );
        };
        let body = match ask.key.as_str() {
            "alerts" if is_alertmanager => simulated.alerts(&entry.body, now),
            "silences" if is_alertmanager => simulated.silences(&entry.body, now),
            _ => None,
        };
        Ok(Reply {
            status: entry.status,
            body: body.unwrap_or_else(|| entry.body.to_vec()),
            retry_after: None,
            date: entry.date,
            sent: entry.sent,
            received: entry.received,
        })
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

struct Playing {
    player: Arc<Player>,
    source: Option<u16>,
}

#[async_trait]
impl Transport for Playing {
    async fn exchange(&self, ask: &Ask) -> Result<Reply, Fault> {
        self.player.answer(self.source, ask)
    }
}
