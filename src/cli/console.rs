//! Opening the console: on the configured sources, or on a recording.

use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::paths::{Paths, login};
use super::world::World;
use super::{Common, Demo, Exit, Look};
use crate::actions::SilenceGuard;
use crate::app::{ClockMode, State, Tone, Ui};
use crate::config::settings;
use crate::connectors::Clock;
use crate::connectors::tape::{Player, PlayerClock, Tape};
use crate::domain::{Actor, SafeText, Span};
use crate::eventlog::{EventLog, MemoryLog, Position};
use crate::runtime::{self, Console, Looks, SourceSetup, clock, keep};
use crate::theme::{self, Facts};

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
    must_be_terminal()?;
    let mut world = World::read(common)?;
    trace_to(&world.paths.state);
    let mut notices: Vec<(Tone, SafeText)> = Vec::new();
    for problem in &world.problems {
        notices.push((Tone::Warning, SafeText::new(&problem.to_string())));
    }
    let mut read_only = look.read_only;
    let (log, position): (Box<dyn EventLog>, Position) = match world.open_log() {
        Ok(opened) => {
            notices.extend(opened.notice.map(|text| (Tone::Warning, text)));
            (opened.log, opened.position)
        }
        Err(error) => {
            // Looking must stay possible; recording where nothing is kept must not.
            notices.push((Tone::Error, SafeText::body(&format!("Read-only: {error}"))));
            read_only = true;
            (Box::new(MemoryLog::for_demo()), Position::default())
        }
    };
    let recorder = record.as_deref().map(|out| world.recorder(out)).transpose()?;
    let sources = world.sources(recorder.as_ref());
    let (mut state, theme, looks) = dress(&world, look)?;
    state.read_only = read_only;
    let kept_at = world.paths.state.join("view.json");
    let kept = keep::load(&kept_at);
    notices.extend(kept.notice.map(|text| (Tone::Warning, text)));
    runtime::restore(&mut state, kept.kept);
    for (tone, text) in notices {
        let now = state.now;
        state.ui.notice(tone, text, now);
    }
    let console = Console {
        state,
        theme,
        looks,
        log,
        position,
        sources,
        clock: world.clock.clone(),
        player: None,
        keep: Some(kept_at),
    };
    let code = runtime::run(console).await?;
    if let Some(recorder) = recorder {
        recorder.finish().context("the recording could not be ended properly")?;
    }
    Ok(Exit::Code(code))
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
    player_clock.set_speed(demo.speed.clamp(0.25, 64.0));
    let virtual_clock: Arc<dyn Clock> = player_clock.clone();
    let player = Player::new(tape.clone(), virtual_clock.clone());

    let paths = Paths::find(common.config.as_deref())?;
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
            let setup = SourceSetup::new(source, first, &world.catalog, transport, &virtual_clock);
            setup.paced(DEMO_PACE)
        })
        .collect();
    let (mut state, theme, looks) = dress(&world, look)?;
    state.ui.range = Span::from_mins(10);
    state.read_only = look.read_only;
    let console = Console {
        state,
        theme,
        looks,
        log: Box::new(MemoryLog::for_demo()),
        position: Position::default(),
        sources,
        clock: virtual_clock,
        player: Some(player_clock),
        keep: None,
    };
    Ok(Exit::Code(runtime::run(console).await?))
}

/// State, theme and files of looks, as configured and as the terminal allows.
fn dress(world: &World, look: &Look) -> anyhow::Result<(State, theme::Theme, Looks)> {
    let settings = &world.settings;
    let env = |name: &str| std::env::var(name).unwrap_or_default();
    let (no_color, term, colorterm) = (env("NO_COLOR"), env("TERM"), env("COLORTERM"));
    let facts = Facts { no_color: &no_color, term: &term, colorterm: &colorterm };
    let wanted = look.theme.as_deref().unwrap_or(&settings.ui.theme);
    let (name, depth) = theme::choose(wanted, &facts);
    let looks = Looks {
        folder: world.paths.config.clone(),
        theme: name.to_owned(),
        keymap: look.keymap.clone().unwrap_or_else(|| settings.ui.keymap.clone()),
        depth,
    };
    let mut complaints = Vec::new();
    // A broken file of the person's own must not keep the console from opening.
    // The name stays, so that the file is taken as soon as it is mended.
    let theme = looks.load_theme().or_else(|sentence| {
        complaints.push(sentence);
        looks.built_in_theme()
    });
    let keymap = looks.load_keymap().or_else(|sentence| {
        complaints.push(sentence);
        looks.built_in_keymap()
    });
    let theme = theme.map_err(|sentence| anyhow::anyhow!("{sentence}"))?;
    let keymap = keymap.map_err(|sentence| anyhow::anyhow!("{sentence}"))?;
    let now = world.now();
    let me = Actor::new(&settings.me);
    let mut ui = Ui::new((80, 24));
    ui.ascii = look.ascii || settings.ui.ascii;
    if settings.ui.clock == settings::Clock::Local {
        ui.clock = ClockMode::Local;
    }
    let mut state = State::new(world.model.clone(), ui, now, me, Arc::new(keymap));
    state.guard = SilenceGuard {
        most_alerts: settings.silence.max_alerts,
        most_share: settings.silence.max_share,
        ..SilenceGuard::default()
    };
    state.silence_for = settings.silence.duration;
    state.local_offset_minutes = clock::local_offset_minutes();
    let (themes, keymaps) = runtime::built_in();
    state.themes = looks.names("themes", themes);
    state.keymaps = looks.names("keymaps", keymaps);
    for sentence in complaints {
        state.ui.notice(Tone::Error, sentence, now);
    }
    Ok((state, theme, looks))
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
