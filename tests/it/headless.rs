//! A console without a screen: the real configuration, connectors and model, with nobody at the keys.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use quarterdeck::config::{Settings, load_catalog};
use quarterdeck::connectors::http::Transport;
use quarterdeck::connectors::poll::{self, Event};
use quarterdeck::connectors::{Clock, Interest};
use quarterdeck::domain::{SourceId, Timestamp};
use quarterdeck::model::Model;
use quarterdeck::runtime::SourceSetup;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

/// What the sources of a configuration tell, from the start on.
pub(crate) struct Headless {
    pub(crate) model: Model,
    clock: Arc<dyn Clock>,
    interest: watch::Sender<Interest>,
    events: mpsc::Receiver<Event>,
    handles: Vec<poll::Handle>,
    // Last: what runs on it ends first.
    runtime: Runtime,
}

impl Headless {
    /// Starts asking; nothing of the configuration may be wrong.
    pub(crate) fn start(config: &Path) -> Result<Self> {
        let folder = config.parent().unwrap_or_else(|| Path::new("."));
        let (settings, mistakes) = Settings::load(config, "somebody");
        ensure!(mistakes.is_empty(), "{mistakes:#?}");
        let names: Vec<SourceId> = settings.sources.iter().map(|s| s.name.clone()).collect();
        let (catalog, mistakes) = load_catalog(&settings.catalog, folder, &names);
        ensure!(mistakes.is_empty(), "{mistakes:#?}");
        let catalog = Arc::new(catalog);
        let mut model = Model::new(catalog.clone(), settings.severity.clone(), Vec::new());
        let clock: Arc<dyn Clock> = Arc::new(now);
        let (interest, watching) = watch::channel(Interest::default());
        let (sink, events) = mpsc::channel(256);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let mut handles = Vec::new();
        let mut kinds = Vec::new();
        for source in &settings.sources {
            model.source(source.status());
            let first = !kinds.contains(&source.kind);
            kinds.push(source.kind);
            let live = source.live(clock.clone()).map_err(|why| anyhow::anyhow!("{why}"))?;
            let transport: Arc<dyn Transport> = Arc::new(live);
            let setup = SourceSetup::new(source, first, transport, &clock);
            let _inside = runtime.enter();
            handles.push(poll::start((setup.make)(&catalog, watching.clone(), sink.clone())));
        }
        Ok(Self { model, clock, interest, events, handles, runtime })
    }

    /// Takes in what was said since, carries out the analyses that are due, and asks for what the model
    /// wants to know more of, as the console does.
    pub(crate) fn look(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            match event {
                Event::Observed { source, at, seen } => self.model.observe(&source, at, seen),
                Event::Source(status) => self.model.source(status),
            }
        }
        self.model.tick(self.clock.now());
        self.model.study();
        let around = self.model.suspicion.compared().to_vec();
        let wanted = Interest { around, ..Interest::default() };
        self.interest.send_if_modified(|known| {
            let other = *known != wanted;
            *known = wanted.clone();
            other
        });
    }

    /// Looks again and again until it is so; after `patience` says what was waited for and last seen.
    pub(crate) fn until<T>(
        &mut self,
        what: &str,
        patience: Duration,
        mut ask: impl FnMut(&Model) -> Result<T>,
    ) -> Result<T> {
        let began = Instant::now();
        loop {
            self.look();
            match ask(&self.model) {
                Ok(found) => return Ok(found),
                Err(error) if began.elapsed() > patience => {
                    return Err(error.context(format!("waited {patience:?} in vain until {what}")));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(200)),
            }
        }
    }
}

impl Drop for Headless {
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
        self.handles.iter().for_each(poll::Handle::stop);
    }
}

pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp::from_millis(i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX))
}
