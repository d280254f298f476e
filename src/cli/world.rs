//! What a command works on: settings, catalog, sources, log, and the model made of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use anyhow::Context as _;

use super::paths::{self, Paths};
use super::{Common, output};
use crate::config::settings::KeySetting;
use crate::config::{
    ConfigError, Overrides, PlaybookFile, ReadFile, Settings, assemble, load_files, policy,
};
use crate::connectors::Clock;
use crate::connectors::http::Transport;
use crate::connectors::outbound::{self, Outlet, Rehearsal};
use crate::connectors::pipelines::{self, Pipeline};
use crate::connectors::registry::{SourceConfig, Tls};
use crate::connectors::tape::{Header, Recorder, TapeSource};
use crate::connectors::trackers;
use crate::domain::{Catalog, Failure, FailureKind, SafeText, SourceId, SourceStatus, Timestamp};
use crate::eventlog::{
    self, Batch, EventLog, KeyChoice, Place, Policy, Position, SqliteLog, SteadyLog,
};
use crate::model::Model;
use crate::runtime::{SourceSetup, clock};

/// Batches read before those in front of them are taken in.
const READ_AHEAD: usize = 4;
/// How the shop of the recording that comes with the program would respond.
const REHEARSED: &str = include_str!("../../fixtures/demo/playbook.toml");

/// Everything that was read.
pub(super) struct World {
    pub(super) paths: Paths,
    pub(super) settings: Settings,
    pub(super) problems: Vec<ConfigError>,
    pub(super) catalog: Arc<Catalog>,
    /// How the organisation responds; what decisions need of it is in the model.
    pub(super) playbook: PlaybookFile,
    /// Which key is who, and who may do what.
    pub(super) policy: Policy,
    /// Catalog files and runbooks as read, for a recording.
    pub(super) files: Vec<ReadFile>,
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

/// A log that was read, and what is to be said about it.
fn opened(
    (log, position, damaged): (SqliteLog, Position, usize),
    newer: usize,
) -> anyhow::Result<Opened> {
    let mut notice = log.notice().cloned();
    if damaged > 0 {
        notice = Some(eventlog::left_out(damaged));
    }
    if newer > 0 {
        let newer = eventlog::not_understood(newer);
        notice = Some(match notice {
            Some(notice) => SafeText::body(&format!("{notice} {newer}")),
            None => newer,
        });
    }
    let log = SteadyLog::new(log).map_err(|e| anyhow::anyhow!("{}", e.sentence))?;
    Ok(Opened { log: Box::new(log), position, notice })
}

/// A catalog that is to be read.
pub(super) struct Reading {
    patterns: Vec<String>,
    base: PathBuf,
    sources: Vec<SourceId>,
    keep: PathBuf,
}

impl Reading {
    fn of(paths: &Paths, settings: &Settings) -> Self {
        Self {
            patterns: settings.catalog.clone(),
            base: paths.config.clone(),
            sources: settings.sources.iter().map(|s| s.name.clone()).collect(),
            keep: paths.state.join("catalog.kept"),
        }
    }

    /// The catalog, the mistakes in it, and the files it was made of.
    pub(super) fn read(&self) -> (Catalog, Vec<ConfigError>, Vec<ReadFile>) {
        load_files(&self.patterns, &self.base, &self.sources, Some(&self.keep))
    }
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
        let (paths, settings, problems) = Self::settings(common)?;
        let (catalog, more, files) = Reading::of(&paths, &settings).read();
        let problems = problems.into_iter().chain(more).collect();
        Ok(Self::of(paths, settings, problems, (catalog, files)))
    }

    /// As [`World::read`], but for the catalog, which is still to be read.
    pub(super) fn undeclared(common: &Common) -> anyhow::Result<(Self, Reading)> {
        let (paths, settings, problems) = Self::settings(common)?;
        let reading = Reading::of(&paths, &settings);
        Ok((Self::of(paths, settings, problems, Default::default()), reading))
    }

    fn settings(common: &Common) -> anyhow::Result<(Paths, Settings, Vec<ConfigError>)> {
        let paths = Paths::find(common)?;
        if !paths.config_file.exists() {
            anyhow::bail!(
                "there is no configuration at {}. Run `quarterdeck init` to make one, or `quarterdeck demo` to look around",
                paths.config_file.display()
            );
        }
        let (settings, problems) = Settings::load(&paths.config_file, &paths::login());
        let settings =
            settings.overridden(Overrides { me: common.me.clone(), ..Overrides::default() });
        Ok((paths, settings, problems))
    }

    fn of(
        paths: Paths,
        settings: Settings,
        mut problems: Vec<ConfigError>,
        (catalog, files): (Catalog, Vec<ReadFile>),
    ) -> Self {
        let (playbook, more) = PlaybookFile::load(&paths.config);
        problems.extend(more);
        let (policy, more) = policy::load(&paths.config.join(policy::FILE));
        problems.extend(more);
        let read = (catalog, files, playbook, policy);
        Self::with(paths, settings, problems, read, Arc::new(clock::now))
    }

    /// The world of a recording: its own configuration and catalog, its own time.
    pub(super) fn of_tape(paths: Paths, header: &Header, me: &str, clock: Arc<dyn Clock>) -> Self {
        let (settings, mut problems) = Settings::parse(&header.config, "config.toml", me);
        let settings =
            settings.overridden(Overrides { me: Some(me.to_owned()), ..Overrides::default() });
        let names: Vec<SourceId> = settings.sources.iter().map(|s| s.name.clone()).collect();
        let (catalog, more) = assemble(&header.files, &names);
        problems.extend(more);
        // A recording says nothing of people: these are made up, so that everything can be tried.
        let (playbook, _) = PlaybookFile::parse(REHEARSED, "playbook.toml", Path::new(""));
        let read = (catalog, header.files.clone(), playbook, Policy::default());
        Self::with(paths, settings, problems, read, clock)
    }

    fn with(
        paths: Paths,
        settings: Settings,
        problems: Vec<ConfigError>,
        (catalog, files, playbook, policy): (Catalog, Vec<ReadFile>, PlaybookFile, Policy),
        clock: Arc<dyn Clock>,
    ) -> Self {
        let catalog = Arc::new(catalog);
        let mut model =
            Model::new(catalog.clone(), settings.severity.clone(), settings.ui.group_by.clone());
        model.govern(Arc::new(playbook.playbook.clone()), Arc::new(policy.clone()));
        model.duties = Arc::new(policy.clone());
        for source in &settings.sources {
            model.source(source.status());
        }
        Self { paths, settings, problems, catalog, playbook, policy, files, model, clock }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Where the log is, and which key signs it.
    pub(super) fn place(&self) -> Place {
        let home = |path: &str| match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
            (Some(rest), Some(home)) => Path::new(&home).join(rest),
            _ => Path::new(path).to_owned(),
        };
        let log = &self.settings.log;
        let key = match &log.key {
            KeySetting::Own => KeyChoice::Own,
            KeySetting::File(path) => KeyChoice::File(home(path)),
            KeySetting::Agent(key) => {
                let socket = std::env::var_os("SSH_AUTH_SOCK").filter(|socket| !socket.is_empty());
                KeyChoice::Agent { socket: socket.map(Into::into), key: *key }
            }
        };
        Place {
            private: self.paths.state.clone(),
            shared: log.dir.as_deref().map(home),
            key,
            policy: self.policy.clone(),
        }
    }

    /// Opens the log and takes in what it holds.
    pub(super) fn open_log(&mut self) -> anyhow::Result<Opened> {
        let read = self.open_at()?;
        opened(read, self.model.newer)
    }

    /// Opens the log for a console: of a long one mere lines of timelines may be left to be read behind, up
    /// to the position that is given back.
    pub(super) fn open_console(&mut self) -> anyhow::Result<(Opened, Option<Position>)> {
        let mut log =
            SqliteLog::open_at(&self.place()).map_err(|e| anyhow::anyhow!("{}", e.sentence))?;
        // What the first reading cannot tell, the whole one says.
        let first = log.read_first().unwrap_or_default();
        let behind = first.as_ref().map(|first| first.position);
        first.iter().flat_map(|first| &first.records).for_each(|r| self.model.apply(r));
        let (position, damaged) = self.fold(&mut log, behind.unwrap_or_default())?;
        Ok((opened((log, position, damaged), self.model.newer)?, behind))
    }

    /// Goes on without a disk that takes entries: what can be read of the log is taken in, and what is
    /// written is held.
    pub(super) fn open_held(
        &mut self,
        why: &SafeText,
    ) -> anyhow::Result<(Box<dyn EventLog>, Position)> {
        let mut log = SteadyLog::without(&self.place(), why)
            .map_err(|e| anyhow::anyhow!("{}", e.sentence))?;
        // What cannot be read is not there; why is said where the disk's trouble is.
        let position = self
            .fold(&mut log, Position::default())
            .map_or(Position::default(), |(position, _)| position);
        Ok((Box::new(log), position))
    }

    /// As [`World::open_log`], for a command that writes with its own key.
    pub(super) fn open_store(&mut self) -> anyhow::Result<SqliteLog> {
        Ok(self.open_at()?.0)
    }

    fn open_at(&mut self) -> anyhow::Result<(SqliteLog, Position, usize)> {
        let mut log =
            SqliteLog::open_at(&self.place()).map_err(|e| anyhow::anyhow!("{}", e.sentence))?;
        let (position, damaged) = self.fold(&mut log, Position::default())?;
        Ok((log, position, damaged))
    }

    /// Takes in all the log holds from a position on. When it is long, what was read is taken in while more is being read.
    fn fold(
        &mut self,
        log: &mut dyn EventLog,
        from: Position,
    ) -> anyhow::Result<(Position, usize)> {
        let mut damaged = 0;
        let mut take = |batch: &Batch| {
            batch.records.iter().for_each(|record| self.model.apply(record));
            damaged += batch.damaged.len();
        };
        let read = |log: &mut dyn EventLog, from| {
            log.read_after(from).map_err(|e| anyhow::anyhow!("{}", e.sentence))
        };
        let first = read(log, from)?;
        take(&first);
        if !first.more {
            return Ok((first.position, damaged));
        }
        let position = std::thread::scope(|scope| {
            let (to, batches) = sync_channel(READ_AHEAD);
            scope.spawn(move || {
                let mut from = first.position;
                loop {
                    let batch = read(log, from);
                    let more = batch.as_ref().is_ok_and(|batch| batch.more);
                    from = batch.as_ref().map_or(from, |batch| batch.position);
                    if to.send(batch).is_err() || !more {
                        return;
                    }
                }
            });
            let mut position = first.position;
            for batch in batches {
                let batch = batch?;
                take(&batch);
                position = batch.position;
            }
            anyhow::Ok(position)
        })?;
        Ok((position, damaged))
    }

    /// The sources, ready to be started. Those that cannot be are told, and say why among the sources.
    pub(super) fn sources(&mut self, recorder: Option<&Arc<Recorder>>) -> Vec<SourceSetup> {
        let mut kinds = BTreeSet::new();
        let mut setups = Vec::new();
        for source in &self.settings.sources {
            let first = kinds.insert(source.kind);
            let transport: Arc<dyn Transport> = match source.transport(self.clock.clone()) {
                Ok(transport) => transport,
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
            setups.push(SourceSetup::new(source, first, transport, &self.clock));
        }
        setups
    }

    /// Channels and trackers as configured; they are connected at first use.
    pub(super) fn outlets(&self) -> Vec<Arc<dyn Outlet>> {
        let channels = self.playbook.channels.iter();
        let channels = channels.map(|config| outbound::channel(config, &self.clock));
        let trackers = self.playbook.trackers.iter();
        let trackers = trackers.map(|config| trackers::tracker(config, &self.clock));
        channels.chain(trackers).collect()
    }

    /// Pipelines as configured.
    pub(super) fn pipelines(&self) -> Vec<Arc<dyn Pipeline>> {
        let all = self.playbook.pipelines.iter();
        all.filter_map(|one| pipelines::pipeline(one, &self.clock)).collect()
    }

    /// Channels and trackers of the same names that only rehearse.
    pub(super) fn rehearsed(&self) -> Vec<Arc<dyn Outlet>> {
        let channels = self.playbook.channels.iter().map(|channel| channel.id.to_string());
        let trackers = self.playbook.trackers.iter().map(|tracker| tracker.id.to_string());
        let outlet = |name| Arc::new(Rehearsal::new(name)) as Arc<dyn Outlet>;
        channels.chain(trackers).map(outlet).collect()
    }

    /// Pipelines of the same names that only rehearse.
    pub(super) fn rehearsed_pipelines(&self) -> Vec<Arc<dyn Pipeline>> {
        let known = self.playbook.pipelines.iter();
        let rehearsal = |one: &pipelines::config::PipelineConfig| {
            Arc::new(pipelines::Rehearsal::new(one.id.clone(), one.way.kind())) as Arc<dyn Pipeline>
        };
        known.map(rehearsal).collect()
    }

    /// Begins a recording of the configured sources.
    pub(super) fn recorder(&self, out: &Path) -> anyhow::Result<Arc<Recorder>> {
        let file = std::fs::OpenOptions::new().write(true).create_new(true).open(out).map_err(
            |error| match error.kind() {
                std::io::ErrorKind::AlreadyExists => anyhow::anyhow!(
                    "{} exists already and was not changed; choose another name",
                    out.display()
                ),
                _ => anyhow::anyhow!("the recording {} could not be made: {error}", out.display()),
            },
        )?;
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
            config: for_others(
                &std::fs::read_to_string(&self.paths.config_file).unwrap_or_default(),
            ),
            files: self.files.clone(),
        };
        Recorder::start(Box::new(file), &header, self.settings.record_bytes)
            .context("the recording could not be begun")
    }
}

/// What playing a recording needs of a source; everything else may hold a credential.
#[rustfmt::skip]
const TOLD: [&str; 21] = [
    "name", "kind", "url", "site", "interval", "timeout", "limit", "max_body_mib",
    "path", "project", "environments", "metric", "version_label", "service_label", "range",
    "subject", "stream", "service", "services", "tags", "teams",
];

/// The configuration as it may be passed on with a recording: without credentials, headers, proxies
/// and comments.
fn for_others(config: &str) -> String {
    let Ok(mut all) = config.parse::<toml::Table>() else { return String::new() };
    for source in all.get_mut("source").and_then(toml::Value::as_array_mut).into_iter().flatten() {
        if let Some(source) = source.as_table_mut() {
            source.retain(|key, _| TOLD.contains(&key));
        }
    }
    all.to_string()
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn a_recording_knows_every_source_again_and_holds_no_credential() {
        let full = include_str!("../../fixtures/config/valid/full.toml");
        let told = for_others(full);
        let sources = |text: &str| -> Vec<_> {
            let (settings, _) = Settings::parse(text, "config.toml", "me");
            settings.sources.into_iter().map(|one| (one.name, one.kind)).collect()
        };
        assert_eq!(sources(&told), sources(full));
        for word in ["auth", "password", "bearer", "headers", "proxy", "tls"] {
            assert!(full.contains(word) && !told.contains(word), "{word}: {told}");
        }
    }
}
