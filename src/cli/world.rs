//! What a command works on: settings, catalog, sources, log, and the model made of them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::{mpsc, watch};

use super::paths::{self, Paths};
use super::{Common, output};
use crate::config::{ConfigError, Overrides, ReadFile, Settings, assemble, load_files};
use crate::connectors::http::Transport;
use crate::connectors::poll::{self, Event};
use crate::connectors::registry::{SourceConfig, Tls};
use crate::connectors::tape::{Header, Recorder, TapeSource};
use crate::connectors::{Clock, Interest};
use crate::domain::{
    Catalog, Failure, FailureKind, Freshness, SafeText, ServiceId, SourceId, SourceStatus, Span,
    Timestamp,
};
use crate::eventlog::{EventLog, Position, SqliteLog};
use crate::model::Model;
use crate::runtime::{SourceSetup, clock};

/// How long a command waits for sources that do not answer.
const PATIENCE: Duration = Duration::from_secs(12);

/// Everything that was read.
pub(super) struct World {
    pub(super) paths: Paths,
    pub(super) settings: Settings,
    pub(super) problems: Vec<ConfigError>,
    pub(super) catalog: Arc<Catalog>,
    /// Catalog files and runbooks as read, for a recording.
    files: Vec<ReadFile>,
    pub(super) model: Model,
    pub(super) clock: Arc<dyn Clock>,
}

/// The log, read to its end.
pub(super) struct Opened {
    pub(super) log: Box<dyn EventLog>,
    pub(super) position: Position,
    /// What the person should know about it.
    pub(super) notice: Option<SafeText>,
}

impl World {
    /// Reads configuration and catalog. Mistakes in them are told on standard error and do not stop
    /// what does not depend on them; a missing configuration does.
    pub(super) fn load(common: &Common) -> anyhow::Result<Self> {
        let world = Self::read(common)?;
        for problem in &world.problems {
            output::aside(&problem.to_string());
        }
        Ok(world)
    }

    /// As [`World::load`], saying nothing: the caller shows the problems.
    pub(super) fn read(common: &Common) -> anyhow::Result<Self> {
        let paths = Paths::find(common.config.as_deref())?;
        if !paths.config_file.exists() {
            anyhow::bail!(
                "there is no configuration at {}. Run `quarterdeck init` to make one, or `quarterdeck demo` to look around",
                paths.config_file.display()
            );
        }
        let (settings, problems) = Settings::load(&paths.config_file, &paths::login());
        let settings =
            settings.overridden(Overrides { me: common.me.clone(), ..Overrides::default() });
        Ok(Self::of(paths, settings, problems))
    }

    fn of(paths: Paths, settings: Settings, mut problems: Vec<ConfigError>) -> Self {
        let names: Vec<SourceId> = settings.sources.iter().map(|s| s.name.clone()).collect();
        let (catalog, more, files) = load_files(&settings.catalog, &paths.config, &names);
        problems.extend(more);
        Self::with(paths, settings, problems, (catalog, files), Arc::new(clock::now))
    }

    /// The world of a recording: its own configuration and catalog, its own time.
    pub(super) fn of_tape(paths: Paths, header: &Header, me: &str, clock: Arc<dyn Clock>) -> Self {
        let (settings, mut problems) = Settings::parse(&header.config, "config.toml", me);
        let settings =
            settings.overridden(Overrides { me: Some(me.to_owned()), ..Overrides::default() });
        let names: Vec<SourceId> = settings.sources.iter().map(|s| s.name.clone()).collect();
        let (catalog, more) = assemble(&header.files, &names);
        problems.extend(more);
        Self::with(paths, settings, problems, (catalog, header.files.clone()), clock)
    }

    fn with(
        paths: Paths,
        settings: Settings,
        problems: Vec<ConfigError>,
        (catalog, files): (Catalog, Vec<ReadFile>),
        clock: Arc<dyn Clock>,
    ) -> Self {
        let catalog = Arc::new(catalog);
        let mut model =
            Model::new(catalog.clone(), settings.severity.clone(), settings.ui.group_by.clone());
        for source in &settings.sources {
            model.source(source.status());
        }
        Self { paths, settings, problems, catalog, files, model, clock }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether every source has answered lately.
    pub(super) fn all_fresh(&self) -> bool {
        let now = self.now();
        self.model.sources.values().all(|s| s.freshness(now) == Freshness::Fresh)
    }

    /// Opens the log and takes in what it holds.
    pub(super) fn open_log(&mut self) -> anyhow::Result<Opened> {
        let mut log =
            SqliteLog::open(&self.paths.state).map_err(|e| anyhow::anyhow!("{}", e.sentence))?;
        let notice = log.notice().cloned();
        let position = self.fold(&mut log)?;
        Ok(Opened { log: Box::new(log), position, notice })
    }

    fn fold(&mut self, log: &mut dyn EventLog) -> anyhow::Result<Position> {
        let mut position = Position::default();
        loop {
            let batch = log.read_after(position).map_err(|e| anyhow::anyhow!("{}", e.sentence))?;
            batch.records.iter().for_each(|record| self.model.apply(record));
            position = batch.position;
            if !batch.more {
                return Ok(position);
            }
        }
    }

    /// The sources, ready to be started. Those that cannot be are told, and say why among the sources.
    pub(super) fn sources(&mut self, recorder: Option<&Arc<Recorder>>) -> Vec<SourceSetup> {
        let mut kinds = BTreeSet::new();
        let mut setups = Vec::new();
        for source in &self.settings.sources {
            let first = kinds.insert(source.kind);
            let transport: Arc<dyn Transport> = match source.live(self.clock.clone()) {
                Ok(live) => Arc::new(live),
                Err(sentence) => {
                    output::aside(&format!("quarterdeck: {sentence}"));
                    let tls = source.tls != Tls::default();
                    let kind = if tls { FailureKind::Tls } else { FailureKind::HeldBack };
                    let failure = Some(Failure { kind, sentence, at: self.clock.now() });
                    self.model.source(SourceStatus { failure, ..source.status() });
                    continue;
                }
            };
            let transport = match recorder {
                Some(recorder) => recorder.wrap(&source.name, transport),
                None => transport,
            };
            setups.push(SourceSetup::new(source, first, &self.catalog, transport, &self.clock));
        }
        setups
    }

    /// Asks every source once and takes in what they say, the log included when it can be read.
    pub(super) async fn gather(&mut self) -> anyhow::Result<()> {
        if self.settings.sources.is_empty() {
            anyhow::bail!(
                "no source is configured; run `quarterdeck init`, or add a [[source]] to {}",
                self.paths.config_file.display()
            );
        }
        if self.paths.state.exists() {
            match self.open_log() {
                Ok(opened) => opened.notice.iter().for_each(|notice| output::aside(notice)),
                Err(error) => output::aside(&format!("quarterdeck: {error}")),
            }
        }
        let (_interest, watching) = watch::channel(Interest::default());
        let (sink, mut events) = mpsc::channel(256);
        let mut waiting: BTreeSet<SourceId> = BTreeSet::new();
        let mut handles = Vec::new();
        for setup in self.sources(None) {
            waiting.insert(setup.id.clone());
            handles.push(poll::start((setup.make)(watching.clone(), sink.clone())));
        }
        drop(sink);
        let deadline = tokio::time::sleep(PATIENCE);
        tokio::pin!(deadline);
        while !waiting.is_empty() {
            let event = tokio::select! {
                event = events.recv() => event,
                () = &mut deadline => break,
            };
            match event {
                Some(Event::Observed { source, at, seen }) => self.model.observe(&source, at, seen),
                Some(Event::Source(status)) => {
                    // A poll is over when nothing is under way and it went well or did not.
                    let over = status.in_flight == 0
                        && (status.last_good.is_some() || status.failure.is_some());
                    if over {
                        waiting.remove(&status.id);
                    }
                    self.model.source(status);
                }
                None => break,
            }
        }
        while let Ok(event) = events.try_recv() {
            match event {
                Event::Observed { source, at, seen } => self.model.observe(&source, at, seen),
                Event::Source(status) => self.model.source(status),
            }
        }
        handles.iter().for_each(poll::Handle::stop);
        self.model.tick(self.clock.now());
        Ok(())
    }

    /// Begins a recording of the configured sources.
    pub(super) fn recorder(&self, out: &Path) -> anyhow::Result<Arc<Recorder>> {
        let file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(out)
            .with_context(|| format!("the recording {} could not be made", out.display()))?;
        let source = |s: &SourceConfig| TapeSource {
            name: s.name.clone(),
            kind: s.kind.into(),
            site: s.site.clone(),
            interval: s.interval,
        };
        let header = Header {
            program: concat!("quarterdeck ", env!("CARGO_PKG_VERSION")).to_owned(),
            started: self.now(),
            sources: self.settings.sources.iter().map(source).collect(),
            config: std::fs::read_to_string(&self.paths.config_file).unwrap_or_default(),
            files: self.files.clone(),
        };
        Recorder::start(Box::new(file), &header, self.settings.record_bytes)
            .context("the recording could not be begun")
    }

    /// Records until the time is up or the person interrupts; gives the number of answers.
    pub(super) async fn record(
        &mut self,
        out: &Path,
        duration: Option<Span>,
        only: &[String],
    ) -> anyhow::Result<u64> {
        let recorder = self.recorder(out)?;
        let slos = self.catalog.slos.keys().cloned().collect();
        let range = Span::from_mins(10);
        let mut interest = Interest { service: None, slos, range };
        let (wanted, watching) = watch::channel(interest.clone());
        let (sink, mut events) = mpsc::channel(256);
        let handles: Vec<poll::Handle> = self
            .sources(Some(&recorder))
            .into_iter()
            .map(|setup| poll::start((setup.make)(watching.clone(), sink.clone())))
            .collect();
        let services: Vec<ServiceId> = self
            .catalog
            .services
            .keys()
            .filter(|id| only.is_empty() || only.iter().any(|o| o == id.as_str()))
            .cloned()
            .collect();
        let mut turn = tokio::time::interval(Duration::from_millis(700));
        let mut at = 0usize;
        let end = tokio::time::sleep(duration.map_or(Duration::MAX, Span::std));
        tokio::pin!(end);
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        loop {
            tokio::select! {
                () = &mut end => break,
                _ = tokio::signal::ctrl_c() => break,
                _ = terminate.recv() => break,
                _ = turn.tick() => {
                    // One service's signals are asked at a time, as when somebody looks at them.
                    if let Some(service) = services.get(at % services.len().max(1)) {
                        interest.service = Some(service.clone());
                        let _ = wanted.send(interest.clone());
                        at += 1;
                    }
                }
                Some(event) = events.recv() => {
                    if let Event::Source(status) = event
                        && let Some(failure) = &status.failure
                    {
                        output::aside(&failure.sentence);
                    }
                }
            }
            let state = recorder.state();
            if state.full {
                output::aside("The recording has reached its size limit and ends here.");
                break;
            }
        }
        handles.iter().for_each(poll::Handle::stop);
        recorder.finish().context("the recording could not be ended properly")?;
        Ok(recorder.state().entries)
    }
}
