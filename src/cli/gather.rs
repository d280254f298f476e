//! Asking every source once, and saying how far the answer goes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::output;
use super::world::World;
use crate::connectors::Interest;
use crate::connectors::poll::{self, Event};
use crate::domain::{FailureKind, Freshness, SourceId, SourceKind, SourceStatus, Span, Timestamp};
use crate::runtime::{plans, sight};

/// Sources being asked.
struct Asked {
    interest: watch::Sender<Interest>,
    events: mpsc::Receiver<Event>,
    handles: BTreeMap<SourceId, poll::Handle>,
}

impl World {
    /// Asks every source once and takes in what they say, the log included when it can be read.
    /// Whoever has not answered within `patience` is left behind.
    pub(super) async fn gather(&mut self, patience: Span) -> anyhow::Result<()> {
        self.gather_for(patience, Interest::default()).await
    }

    /// The same, with the details of something.
    pub(super) async fn gather_for(
        &mut self,
        patience: Span,
        interest: Interest,
    ) -> anyhow::Result<()> {
        let asked = self.ask_all(patience, interest).await?;
        asked.handles.values().for_each(poll::Handle::stop);
        self.model.settle(self.clock.now());
        Ok(())
    }

    /// As [`World::gather`]; then asks for the readings of the services around what hurts most, and
    /// carries out every analysis.
    pub(super) async fn gather_around(&mut self, patience: Span) -> anyhow::Result<()> {
        let mut asked = self.ask_all(patience, Interest::default()).await?;
        // Who is around is told by the graph, which is made first.
        self.model.study();
        self.model.settle(self.clock.now());
        let around = self.model.suspicion.compared().to_vec();
        if !around.is_empty() {
            asked.interest.send_replace(Interest { around, ..Interest::default() });
            let waiting = self.model.sources.values();
            let waiting =
                waiting.filter(|s| s.kind == SourceKind::Prometheus && s.failure.is_none());
            let waiting: BTreeSet<SourceId> = waiting.map(|s| s.id.clone()).collect();
            for id in &waiting {
                asked.handles.get(id).inspect(|handle| handle.poll_now());
            }
            self.listen(&mut asked, waiting.clone(), waiting, patience).await;
            self.model.settle(self.clock.now());
            self.model.study();
        }
        asked.handles.values().for_each(poll::Handle::stop);
        Ok(())
    }

    async fn ask_all(&mut self, patience: Span, interest: Interest) -> anyhow::Result<Asked> {
        if self.settings.sources.is_empty() {
            anyhow::bail!(
                "no source is configured; run `quarterdeck init`, or add a [[source]] to {}",
                self.paths.config_file.display()
            );
        }
        let (interest, watching) = watch::channel(interest);
        let (sink, events) = mpsc::channel(256);
        let mut waiting: BTreeSet<SourceId> = BTreeSet::new();
        let mut handles: BTreeMap<SourceId, poll::Handle> = BTreeMap::new();
        for setup in self.sources(None) {
            waiting.insert(setup.id.clone());
            let id = setup.id.clone();
            let setup = (setup.make)(&self.catalog, watching.clone(), sink.clone());
            let handle = poll::start(poll::Setup { lasting: false, ..setup });
            // Somebody waits for the answer; only consoles that stay open are spread over time.
            handle.poll_now();
            handles.insert(id, handle);
        }
        drop(sink);
        // While the sources work on their answers.
        if self.paths.state.exists() {
            match self.open_log() {
                Ok(opened) => opened.notice.iter().for_each(|notice| output::aside(notice)),
                Err(error) => output::aside(&format!("quarterdeck: {error}")),
            }
        }
        let now = self.now();
        plans::recall(&plans::file(&self.paths.state), &mut self.model, now);
        sight::recall(&sight::file(&self.paths.state), &mut self.model, now);
        let mut asked = Asked { interest, events, handles };
        self.listen(&mut asked, waiting, BTreeSet::new(), patience).await;
        Ok(asked)
    }

    /// Takes in what is said until nobody of `waiting` is waited for any more. Of those who rest it must
    /// be seen first that they are being asked.
    async fn listen(
        &mut self,
        asked: &mut Asked,
        mut waiting: BTreeSet<SourceId>,
        mut resting: BTreeSet<SourceId>,
        patience: Span,
    ) {
        let mut again = BTreeSet::new();
        let deadline = tokio::time::sleep(patience.std());
        tokio::pin!(deadline);
        while !waiting.is_empty() {
            let event = tokio::select! {
                event = asked.events.recv() => event,
                () = &mut deadline => break,
            };
            match event {
                Some(Event::Observed { source, at, seen }) => self.model.observe(&source, at, seen),
                Some(Event::Source(status)) => {
                    if status.in_flight > 0 {
                        resting.remove(&status.id);
                    }
                    // A poll is over when nothing is under way and it went well or did not.
                    let over = status.in_flight == 0
                        && !resting.contains(&status.id)
                        && (status.last_good.is_some() || status.failure.is_some());
                    let refused =
                        status.failure.as_ref().is_some_and(|f| f.kind == FailureKind::BadQuery);
                    if over && refused && again.insert(status.id.clone()) {
                        // One bad question spoilt its neighbours'; the second time each goes alone.
                        asked.handles.get(&status.id).inspect(|handle| handle.poll_now());
                    } else if over {
                        waiting.remove(&status.id);
                    }
                    self.model.source(status);
                }
                None => break,
            }
        }
        while let Ok(event) = asked.events.try_recv() {
            match event {
                Event::Observed { source, at, seen } => self.model.observe(&source, at, seen),
                Event::Source(status) => self.model.source(status),
            }
        }
    }

    /// Sources that have not answered, or not everything.
    pub(super) fn lacking(&self) -> Vec<&SourceStatus> {
        let now = self.now();
        self.model.sources.values().filter(|s| state(s, now) != "fresh").collect()
    }

    /// Whether any Alertmanager has answered: nothing seen is only good news from somebody who looked.
    pub(super) fn alerts_known(&self) -> bool {
        let mut asked = self.model.sources.values();
        asked.any(|s| s.kind == SourceKind::Alertmanager && s.last_good.is_some())
    }

    /// Says on the first lines whose answers are missing, so that what follows is not taken for all.
    pub(super) fn print_lacking(&self) {
        let lacking = self.lacking();
        if lacking.is_empty() {
            return;
        }
        let of = self.model.sources.len();
        output::line(&format!(
            "INCOMPLETE: {} of {of} sources did not answer in full.",
            lacking.len()
        ));
        for source in lacking {
            output::line(&format!("  {}: {}", source.id, why(source)));
        }
        output::line("");
    }

    /// What every answer in JSON begins with.
    pub(super) fn head(&self) -> serde_json::Map<String, Value> {
        let now = self.now();
        let sources = self.model.sources.values();
        let head = json!({
            "version": 1,
            "at": now.rfc3339(),
            "complete": self.lacking().is_empty(),
            "sources": sources.map(|s| source_json(s, now)).collect::<Vec<_>>(),
        });
        match head {
            Value::Object(map) => map,
            _ => serde_json::Map::new(),
        }
    }
}

/// A word for a source's state; `fresh` is the only good one.
pub(super) fn state(source: &SourceStatus, now: Timestamp) -> &'static str {
    match (source.freshness(now), &source.failure) {
        (Freshness::Fresh, None) => "fresh",
        (Freshness::Stale, None) => "stale",
        (_, Some(_)) => "failing",
        (Freshness::Never, None) => "no answer",
    }
}

/// What is wrong with a source, in a sentence.
pub(super) fn why(source: &SourceStatus) -> String {
    match &source.failure {
        Some(failure) => failure.sentence.to_string(),
        None => format!("no answer from {} in time.", source.address),
    }
}

fn source_json(source: &SourceStatus, now: Timestamp) -> Value {
    json!({
        "name": source.id,
        "kind": source.kind.name(),
        "site": source.site,
        "address": source.address,
        "version": source.version,
        "state": state(source, now),
        "last_good": source.last_good.map(|t| t.rfc3339()),
        "latency_ms": source.latency.map(|l| l.millis()),
        "clock_offset_ms": source.clock.map(|c| c.offset.millis()),
        "clock_bound_ms": source.clock.map(|c| c.bound.millis()),
        "error": source.failure.as_ref().map(|f| f.sentence.clone()),
    })
}

/// Prints sources as a table.
pub(super) fn print_sources(sources: &[&SourceStatus], now: Timestamp) {
    let mut rows = vec![["SOURCE", "KIND", "SITE", "STATE", "ADDRESS"].map(str::to_owned).to_vec()];
    for source in sources {
        rows.push(vec![
            source.id.to_string(),
            source.kind.name().to_owned(),
            source.site.to_string(),
            state(source, now).to_owned(),
            source.address.to_string(),
        ]);
    }
    output::table(&rows);
}
