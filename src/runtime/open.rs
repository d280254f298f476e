//! Opening the console: state, theme and keymap as configured and as the terminal allows.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Beside, Coming, Console, Looks, built_in, clock, keep, plans, restore, run, sight};
use crate::actions::SilenceGuard;
use crate::app::earlier::Progress;
use crate::app::{ClockMode, State, Tone, Ui};
use crate::config::{Settings, settings};
use crate::domain::{Actor, Operation, SafeText, Span, Timestamp};
use crate::model::{Model, Standing};
use crate::theme::{self, Facts, Theme};

/// How the person wants it this time; `None` leaves it to the settings.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Theme by name.
    pub theme: Option<String>,
    /// Keymap by name.
    pub keymap: Option<String>,
    /// Only ASCII characters.
    pub ascii: bool,
    /// Record and change nothing.
    pub read_only: bool,
}

/// Everything the console is opened on.
pub struct Opening {
    /// As read.
    pub settings: Settings,
    /// Folder with the person's `themes/` and `keymaps/`.
    pub folder: PathBuf,
    /// What is declared, and what the log says.
    pub model: Model,
    /// This time's wishes.
    pub wanted: Wanted,
    /// What the person should know.
    pub warnings: Vec<SafeText>,
    /// What went wrong so far and limits what can be done.
    pub errors: Vec<SafeText>,
    /// What an earlier console remembered of the alerts.
    pub sight: Option<sight::Coming>,
    /// The catalog, when it is still being read.
    pub catalog: Option<Coming>,
    /// What runs beside the loop.
    pub beside: Beside,
}

/// Opens the console and runs it; gives the exit code.
///
/// # Errors
/// When the terminal cannot be taken, or a built-in theme or keymap is damaged.
pub async fn open(opening: Opening) -> anyhow::Result<i32> {
    let Opening { settings, folder, model, wanted, sight, catalog, beside, .. } = opening;
    let (mut warnings, mut errors) = (opening.warnings, opening.errors);
    let (theme, keymap, looks) = looks(&settings, &folder, &wanted, &mut errors)?;
    let now = beside.clock.now();
    let mut ui = Ui::new((80, 24));
    ui.ascii = wanted.ascii || settings.ui.ascii;
    if settings.ui.clock == settings::Clock::Local {
        ui.clock = ClockMode::Local;
    }
    if beside.player.is_some() {
        ui.range = Span::from_mins(10);
    }
    // The last of them is what is read first: mistakes in files come before what merely should be known.
    let known =
        model.resolution_caveat().map(SafeText::new).into_iter().chain(unsettled(&model, now));
    warnings.splice(0..0, known);
    let mut state = State::new(model, ui, now, Actor::new(&settings.me), Arc::new(keymap));
    state.key = beside.log.key();
    // Who opened the log has said it.
    state.newer_told = state.model.newer > 0;
    state.lots = lots(now);
    state.console = lots(now);
    state.read_only = wanted.read_only;
    state.earlier = beside.behind.map(|behind| Progress::Read(0, behind.0));
    state.guard = SilenceGuard {
        most_alerts: settings.silence.max_alerts,
        most_share: settings.silence.max_share,
        ..SilenceGuard::default()
    };
    state.reading = catalog.is_some();
    state.silence_for = settings.silence.duration;
    state.local_offset_minutes = clock::local_offset_minutes();
    let (themes, keymaps) = built_in();
    state.themes = looks.names("themes", themes);
    state.keymaps = looks.names("keymaps", keymaps);
    if let Some(path) = &beside.keep {
        let loaded = keep::load(path);
        warnings.extend(loaded.notice);
        restore(&mut state, loaded.kept);
        if let Some(folder) = path.parent() {
            plans::recall(&plans::file(folder), &mut state.model, now);
        }
        sight.into_iter().for_each(|sight| sight.recall(&mut state.model, now));
    }
    for (tone, sentences) in [(Tone::Warning, warnings), (Tone::Error, errors)] {
        for sentence in sentences {
            state.ui.notice(tone, sentence, now);
        }
    }
    let console = Console { state, theme, looks, catalog, beside };
    Ok(run(console).await?)
}

/// A number no other console has: where names of new incidents begin to be drawn, or they would collide, and
/// what tells this console from others.
fn lots(now: Timestamp) -> u64 {
    let mut seed = [0; 8];
    match getrandom::fill(&mut seed) {
        Ok(()) => u64::from_ne_bytes(seed),
        // Without randomness the moment and the process tell consoles apart; the store refuses doubles.
        Err(_) => now.millis().unsigned_abs() ^ (u64::from(std::process::id()) << 40),
    }
}

/// What was asked of an outside system and has no recorded outcome: the console was cut off meanwhile,
/// so it may or may not have been done, and only a person can settle it.
fn unsettled(model: &Model, now: Timestamp) -> Option<SafeText> {
    let open = model.journal.operations.values();
    let recent = |o: &&crate::model::OpenOperation| now.since(o.at) < Span::from_days(1);
    let open = open.filter(|o| o.outcome.is_none() && o.standing(now) == Standing::OutcomeUnknown);
    let open = open.filter(recent);
    let (count, last) = open.fold((0, None), |(count, _), operation| (count + 1, Some(operation)));
    let last = last?;
    let what = match &last.operation {
        Operation::Silence { .. } => "a silence",
        Operation::Expire { .. } => "the end of a silence",
        Operation::Send(_) => "a message",
        Operation::Ticket { .. } => "a ticket",
        Operation::Run { .. } => "a step of a run",
    };
    Some(SafeText::body(&format!(
        "{count} request(s) have no recorded outcome, the last for {what} by {} at {}: it may or may \
         not have been done. Look at the list of silences before asking again.",
        last.by, last.at
    )))
}

/// Theme and keymap as wanted. A broken file of the person's own must not keep the console from
/// opening: the built-in one stands in and the mistake is shown. The name stays, so that the file is
/// taken as soon as it is mended.
///
/// # Errors
/// When a built-in theme or keymap is damaged.
pub fn looks(
    settings: &Settings,
    folder: &std::path::Path,
    wanted: &Wanted,
    errors: &mut Vec<SafeText>,
) -> anyhow::Result<(Theme, crate::keys::Keymap, Looks)> {
    let env = |name: &str| std::env::var(name).unwrap_or_default();
    let (no_color, term, colorterm) = (env("NO_COLOR"), env("TERM"), env("COLORTERM"));
    let facts = Facts { no_color: &no_color, term: &term, colorterm: &colorterm };
    let name = wanted.theme.as_deref().unwrap_or(&settings.ui.theme);
    let (name, depth) = theme::choose(name, &facts);
    let looks = Looks {
        folder: folder.to_owned(),
        theme: name.to_owned(),
        keymap: wanted.keymap.clone().unwrap_or_else(|| settings.ui.keymap.clone()),
        depth,
    };
    let theme = looks.load_theme().or_else(|sentence| {
        errors.push(sentence);
        looks.built_in_theme()
    });
    let keymap = looks.load_keymap().or_else(|sentence| {
        errors.push(sentence);
        looks.built_in_keymap()
    });
    let damaged = |sentence: SafeText| anyhow::anyhow!("{sentence}");
    Ok((theme.map_err(damaged)?, keymap.map_err(damaged)?, looks))
}
