//! Opening the console: on the configured sources, or on a recording.

use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::paths::{Paths, login};
use super::world::{Reading, World};
use super::{Common, Demo, Exit, Look};
use crate::connectors::Clock;
use crate::connectors::tape::{Player, PlayerClock, Tape};
use crate::domain::{SafeText, Span};
use crate::eventlog::{EventLog, MemoryLog, Position};
use crate::runtime::{self, Beside, Coming, Opening, SourceSetup, Wanted, clock, sight};

/// The recording that comes with the program: a bad canary in a small shop, made by `quarterdeck record`
/// from real servers.
const BUILT_IN: &[u8] = include_bytes!("../../fixtures/demo.qdtape");
/// In the built-in recording the canary goes out shortly after this.
const BEFORE_IT_BREAKS: Span = Span::from_secs(60);
/// How often a recording is looked at, whatever its speed.
const DEMO_PACE: Span = Span::from_millis(500);

/// Opens on the configured sources.
pub(super) async fn live(
    common: &Common,
    look: &Look,
    record: Option<std::path::PathBuf>,
) -> anyhow::Result<Exit> {
    // Without a configuration the next step is `init`, terminal or not.
    let sight = Paths::find(common).ok().map(|paths| sight::begin(&sight::file(&paths.state)));
    // A recording begins with the catalog's files; without one, the first frame does not wait for them.
    let (mut world, reading) = match &record {
        Some(_) => (World::read(common)?, None),
        None => World::undeclared(common).map(|(world, reading)| (world, Some(reading)))?,
    };
    let catalog = reading.map(declared).transpose()?;
    must_be_terminal()?;
    trace_to(&world.paths.state);
    let mut warnings: Vec<SafeText> =
        world.problems.iter().map(|p| SafeText::new(&p.to_string())).collect();
    let mut errors = Vec::new();
    let mut wanted = look.wanted();
    let mut behind = None;
    let (log, position): (Box<dyn EventLog>, Position) = match world.open_console() {
        Ok((opened, rest)) => {
            warnings.extend(opened.notice);
            behind = rest;
            (opened.log, opened.position)
        }
        Err(error) => match world.open_held(&SafeText::body(&error.to_string())) {
            Ok((log, position)) => (log, position),
            Err(error) => {
                // Looking must stay possible; recording where nothing is kept must not.
                errors.push(SafeText::body(&format!("Read-only: {error}")));
                wanted.read_only = true;
                (Box::new(MemoryLog::for_demo()), Position::default())
            }
        },
    };
    let recorder = record.as_deref().map(|out| world.recorder(out)).transpose()?;
    let sources = world.sources(recorder.as_ref());
    let opening = Opening {
        folder: world.paths.config.clone(),
        beside: Beside {
            outlets: world.outlets(),
            pipelines: world.pipelines(),
            keep: Some(world.paths.state.join("view.json")),
            log,
            position,
            behind,
            sources,
            clock: world.clock,
            player: None,
        },
        settings: world.settings,
        model: world.model,
        sight,
        catalog,
        wanted,
        warnings,
        errors,
    };
    let code = runtime::open(opening).await?;
    if let Some(recorder) = recorder {
        recorder.finish().context("the recording could not be ended properly")?;
    }
    Ok(Exit::Code(code))
}

/// Begins to read the catalog.
fn declared(reading: Reading) -> anyhow::Result<Coming> {
    let read = move || {
        let (catalog, problems, _) = reading.read();
        let problems = problems.iter().map(|p| SafeText::new(&p.to_string())).collect();
        (catalog, problems)
    };
    Coming::begin(read).context("the catalog could not be read on a thread of its own")
}

/// Opens on a recording; nothing outside is asked or changed, nothing is kept.
pub(super) async fn demo(common: &Common, look: &Look, demo: &Demo) -> anyhow::Result<Exit> {
    must_be_terminal()?;
    let tape = match &demo.recording {
        None => {
            Tape::read(BUILT_IN).context("the recording that comes with the program is damaged")?
        }
        Some(path) => {
            let file = std::fs::File::open(path)
                .with_context(|| format!("the recording {} could not be opened", path.display()))?;
            Tape::read(std::io::BufReader::new(file)).with_context(|| {
                format!("{} is not a recording that can be played", path.display())
            })?
        }
    };
    let tape = Arc::new(tape);
    let real: Arc<dyn Clock> = Arc::new(clock::now);
    let player_clock = Arc::new(PlayerClock::new(real, tape.header.started, tape.end()));
    let skip =
        demo.from.unwrap_or(if demo.recording.is_none() { BEFORE_IT_BREAKS } else { Span::ZERO });
    player_clock.seek(tape.header.started.plus(skip));
    player_clock.set_speed(demo.speed);
    if demo.paused {
        player_clock.pause();
    }
    let virtual_clock: Arc<dyn Clock> = player_clock.clone();
    let player = Player::new(tape.clone(), virtual_clock.clone());

    let paths = Paths::find(common)?;
    let me = common.me.clone().unwrap_or_else(login);
    let world = World::of_tape(paths, &tape.header, &me, virtual_clock.clone());
    let mut kinds = std::collections::BTreeSet::new();
    let sources = world
        .settings
        .sources
        .iter()
        .map(|source| {
            let first = kinds.insert(source.kind);
            let transport = player.transport(&source.name);
            let setup = SourceSetup::new(source, first, transport, &virtual_clock);
            setup.paced(DEMO_PACE)
        })
        .collect();
    let (outlets, pipelines) = (world.rehearsed(), world.rehearsed_pipelines());
    let opening = Opening {
        folder: world.paths.config.clone(),
        settings: world.settings,
        model: world.model,
        sight: None,
        catalog: None,
        wanted: look.wanted(),
        warnings: Vec::new(),
        errors: Vec::new(),
        beside: Beside {
            outlets,
            pipelines,
            log: Box::new(MemoryLog::for_demo()),
            position: Position::default(),
            behind: None,
            sources,
            clock: virtual_clock,
            player: Some(player_clock),
            keep: None,
        },
    };
    Ok(Exit::Code(runtime::open(opening).await?))
}

impl Look {
    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            theme: self.theme.clone(),
            keymap: self.keymap.clone(),
            ascii: self.ascii,
            read_only: self.read_only,
        }
    }
}

fn must_be_terminal() -> anyhow::Result<()> {
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        return Ok(());
    }
    anyhow::bail!("the console needs a terminal; for scripts use `quarterdeck status --json`")
}

/// The program's own trace goes to a file, never to the screen. Without a folder there is none.
fn trace_to(state: &Path) {
    use std::os::unix::fs::DirBuilderExt as _;
    // Private from the start: the log beside it refuses a folder that others can read.
    let _ = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(state);
    let file = std::fs::OpenOptions::new().create(true).append(true).open(state.join("trace.log"));
    if let Ok(file) = file {
        let filter = tracing_subscriber::EnvFilter::try_from_env("QUARTERDECK_TRACE")
            .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_env_filter(filter)
            .with_writer(Arc::new(file))
            .finish();
        let _ = tracing::subscriber::set_global_default(subscriber);
    }
}
