//! The loop: it owns the state, the channels, the terminal and the clock, and has effects performed.
//!
//! ```text
//! terminal thread ─┐                              ┌─► log thread: append, watch for others' records
//! signals ─────────┤                              ├─► sources: poll now, interest, operations
//! sources ─────────┼─► one loop: receive, drain, update ─► effects ─┤
//! log thread ──────┤        │                     ├─► keeper thread: view and drafts on disk
//! watcher thread ──┘        └─► draw when the line takes a frame     └─► player, clipboard, quit
//! ```
//!
//! Nothing in the loop waits but its channels.

mod alone;
mod beginning;
pub mod clock;
mod editor;
mod encode;
mod exec;
mod files;
pub mod input;
pub mod keep;
mod keeper;
mod kept;
mod logger;
mod lookout;
mod open;
mod outbox;
pub mod pace;
mod response;
mod runner;
pub mod sight;
pub mod signals;
pub mod terminal;
mod tty;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use std::path::PathBuf;

use tokio::sync::{mpsc, watch};

use crate::app::earlier::Earlier;
use crate::app::{Msg, State, update};
use crate::connectors::http::Transport;
use crate::connectors::outbound::Outlet;
use crate::connectors::pipelines::Pipeline;
use crate::connectors::registry::SourceConfig;
use crate::connectors::tape::PlayerClock;
use crate::connectors::{Clock, Interest, poll};
use crate::domain::{Catalog, SiteId, SourceId, SourceKind, Span};
use crate::eventlog::{EventLog, Held, Position};
use crate::theme::Theme;
use crate::view::draw;

pub use alone::{Watch, carry_on_alone};
use beginning::Begun;
pub use beginning::Coming;
use exec::{Exec, built_in};
pub use files::Looks;
use input::FromTerminal;
use kept::restore;
pub use open::{Opening, Wanted, looks, open};
pub use outbox::run_alone;
use pace::{Cause, Pacer, When};
use terminal::Screen;

/// A source that can be started once what is on screen is known.
pub struct SourceSetup {
    /// Its name.
    pub id: SourceId,
    /// Its site.
    pub site: SiteId,
    /// Its kind.
    pub kind: SourceKind,
    /// Makes what the poll loop is started with, of what is declared.
    pub make: Box<Make>,
}

type Make =
    dyn FnOnce(&Catalog, watch::Receiver<Interest>, mpsc::Sender<poll::Event>) -> poll::Setup;

impl SourceSetup {
    /// A configured source over a transport; `first` of its kind takes what names no source.
    pub fn new(
        source: &SourceConfig,
        first: bool,
        transport: Arc<dyn Transport>,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let (config, clock) = (source.clone(), clock.clone());
        Self {
            id: source.name.clone(),
            site: source.site.clone(),
            kind: source.kind,
            make: Box::new(move |catalog, interest, sink| {
                config.setup(catalog, first, transport, clock, interest, sink)
            }),
        }
    }

    /// Asks as often as given in real time, whatever the source's own interval.
    #[must_use]
    pub fn paced(mut self, pace: Span) -> Self {
        let make = self.make;
        self.make = Box::new(move |catalog, interest, sink| poll::Setup {
            pace,
            ..make(catalog, interest, sink)
        });
        self
    }
}

/// What runs beside the loop.
pub struct Beside {
    /// Sources, ready to be started.
    pub sources: Vec<SourceSetup>,
    /// Channels and trackers; none when nothing may be changed.
    pub outlets: Vec<Arc<dyn Outlet>>,
    /// What has things run.
    pub pipelines: Vec<Arc<dyn Pipeline>>,
    /// Where facts go.
    pub log: Box<dyn EventLog>,
    /// How far the model has read them.
    pub position: Position,
    /// Up to where mere lines were left out, to be read behind.
    pub behind: Option<Position>,
    /// The clock in force.
    pub clock: Arc<dyn Clock>,
    /// The player, when a recording is played.
    pub player: Option<Arc<PlayerClock>>,
    /// File in which view and drafts are kept; `None` keeps nothing.
    pub keep: Option<PathBuf>,
}

/// Everything a console needs to run.
pub struct Console {
    /// What it knows at the start, from the local store.
    pub state: State,
    /// How it looks.
    pub theme: Theme,
    /// Theme and keymap files, watched for changes.
    pub looks: Looks,
    /// The catalog, when it is still being read.
    pub catalog: Option<Coming>,
    /// What runs beside its loop.
    pub beside: Beside,
}

/// What arrives at the loop besides the terminal's input.
pub(crate) enum Arrival {
    Msg(Msg),
    Theme(Theme),
    /// Lines of a long log that were left for later; the token is gone once they are taken in.
    Earlier(Earlier, Arc<()>),
    /// Other channels and trackers than before.
    Ways(response::Ways),
}

/// When a terminal that does not take what it was sent is looked at again.
const SOON: Duration = Duration::from_millis(2);
const SELDOM: Duration = Duration::from_millis(250);

/// Most messages taken in before a frame is due: a flood must not keep the screen still.
const MOST_PER_TURN: usize = 256;

/// Runs the console until the person or the system ends it; gives the exit code.
///
/// # Errors
/// When the terminal cannot be taken, with the reason in a sentence.
pub async fn run(console: Console) -> io::Result<i32> {
    let Console { mut state, theme, looks, catalog, beside } = console;
    let (to_loop, arrivals) = mpsc::channel(1024);
    let (from_terminal, mut typed) = mpsc::channel(256);
    signals::start(from_terminal.clone())?;
    let mut screen = Screen::enter(Some("quarterdeck"))?;
    input::start(from_terminal)?;
    let size = screen.size();
    state.ui.size = (size.width, size.height);

    // The local store first: a frame is on screen before any network is touched.
    let gone = signals::Stop::TerminalGone.exit_code();
    if paint(&mut screen, &mut state, &theme).and_then(|_| screen.probe()).is_err() {
        return Ok(gone);
    }
    let pacer = Pacer::asked_at(Instant::now());
    let clock = beside.clock.clone();
    let (mut held, mut effects, mut wanted) = (Vec::new(), Vec::new(), None);
    if let Some(coming) = catalog {
        let shown = (&mut screen, &mut state, &theme);
        match beginning::wait(coming, &mut typed, shown, &*clock).await {
            Ok(Begun::Declared(declared, typed)) => {
                held = typed;
                effects = update(&mut state, Msg::Declared(Box::new(declared)));
                wanted = Some(Cause::Data);
            }
            Ok(Begun::Over(code)) => return Ok(code),
            Err(_) => return Ok(gone),
        }
    }
    let exec = Exec::start(beside, looks, &state, to_loop)?;
    let mut running =
        Running { state, theme, screen, pacer, exec, clock, wanted, looked_at: 0, stuck: None };
    let ended = running.until_the_end((held, effects), typed, arrivals).await;
    let Running { mut exec, screen, state, .. } = running;
    // The person has their terminal back before what is under way is waited for.
    drop(screen);
    exec.end_outbox(ended.is_ok()).await;
    give_back(&exec.finish(&state));
    // A terminal that can no longer be written to has vanished.
    Ok(ended.unwrap_or(gone))
}

/// Prints what the disk would not take, so that whoever wrote it can keep it.
fn give_back(held: &Held) {
    use std::io::Write as _;
    if held.records.is_empty() {
        return;
    }
    let mut out = io::stderr().lock();
    // A terminal that has vanished takes nothing either; there is nowhere else to say so.
    let _ = writeln!(
        out,
        "quarterdeck: these entries are NOT in the log; keep them and note them again. {}",
        held.why
    );
    held.lines().iter().for_each(|line| {
        let _ = writeln!(out, "{line}");
    });
}

/// The loop and what it owns.
struct Running {
    state: State,
    theme: Theme,
    screen: Screen,
    pacer: Pacer,
    exec: Exec,
    clock: Arc<dyn Clock>,
    /// Why a frame is due, if one is.
    wanted: Option<Cause>,
    /// What was known when the studies were last looked at.
    looked_at: u64,
    /// Since when the terminal has not taken what it was sent.
    stuck: Option<Instant>,
}

impl Running {
    /// `held` and `effects` are what was typed and is to be done before the first turn.
    async fn until_the_end(
        &mut self,
        (held, mut effects): (Vec<FromTerminal>, Vec<crate::app::Effect>),
        mut typed: mpsc::Receiver<FromTerminal>,
        mut arrivals: mpsc::Receiver<Arrival>,
    ) -> io::Result<i32> {
        let mut ticks = tokio::time::interval(std::time::Duration::from_secs(1));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        for event in held {
            if let Some(code) = self.take(event, &mut effects)? {
                return Ok(code);
            }
        }
        if let Some(code) = self.perform(effects)? {
            return Ok(code);
        }
        let mut wake = self.draw_if_due()?;
        loop {
            let mut effects = Vec::new();
            tokio::select! {
                biased;
                event = typed.recv() => {
                    let mut next = Some(event.unwrap_or(FromTerminal::Stop(signals::Stop::TerminalGone)));
                    for _ in 0..MOST_PER_TURN {
                        let Some(event) = next else { break };
                        if let Some(code) = self.take(event, &mut effects)? {
                            return Ok(code);
                        }
                        next = typed.try_recv().ok();
                    }
                }
                () = sleep_until(wake), if wake.is_some() => {}
                _ = ticks.tick() => {
                    let (now, playback) = (self.clock.now(), self.exec.playback());
                    // A recording that stands still shows what it showed, once that has all come in.
                    let revision = self.state.model.revision;
                    let stands = now == self.state.now && playback == self.state.playback;
                    if stands && self.looked_at == revision {
                        continue;
                    }
                    self.looked_at = revision;
                    effects.extend(update(&mut self.state, Msg::Tick(now)));
                    self.exec.remember(&self.state);
                    if let Some(playback) = playback {
                        effects.extend(update(&mut self.state, Msg::Playback(playback)));
                    }
                    self.wanted = self.wanted.or(Some(Cause::Data));
                }
                arrival = arrivals.recv() => {
                    let mut next = arrival;
                    let before = self.state.model.revision;
                    let mut news = false;
                    for _ in 0..MOST_PER_TURN {
                        match next {
                            Some(Arrival::Msg(msg @ Msg::Edited(_))) => {
                                editor::take_back();
                                self.screen.resume()?;
                                effects.extend(update(&mut self.state, msg));
                                news = true;
                            }
                            Some(Arrival::Msg(msg)) => {
                                // Most answers say what the ones before said; the next tick shows their age.
                                news |= !matches!(msg, Msg::Observed { .. } | Msg::Source(_));
                                self.exec.tell(&msg);
                                effects.extend(update(&mut self.state, msg));
                            }
                            Some(Arrival::Earlier(earlier, _taken)) => {
                                news = true;
                                let msg = Msg::Earlier(earlier);
                                self.exec.tell(&msg);
                                effects.extend(update(&mut self.state, msg));
                                // Keys come before the next of them.
                                break;
                            }
                            Some(Arrival::Theme(theme)) => (self.theme, news) = (theme, true),
                            Some(Arrival::Ways(ways)) => self.exec.change(ways),
                            None => break,
                        }
                        next = arrivals.try_recv().ok();
                    }
                    if news || self.state.model.revision != before {
                        self.wanted = self.wanted.or(Some(Cause::Data));
                    }
                }
            }
            if let Some(code) = self.perform(effects)? {
                return Ok(code);
            }
            wake = self.draw_if_due()?;
        }
    }

    /// Carries out effects; gives an exit code when the console is to end.
    fn perform(&mut self, effects: Vec<crate::app::Effect>) -> io::Result<Option<i32>> {
        let Self { exec, state, screen, theme, .. } = self;
        for effect in effects {
            if let Some(code) = exec.perform(effect, state, screen, theme)? {
                return Ok(Some(code));
            }
        }
        Ok(None)
    }

    /// Takes in what the terminal sent; gives an exit code when the console is to end.
    fn take(
        &mut self,
        event: FromTerminal,
        effects: &mut Vec<crate::app::Effect>,
    ) -> io::Result<Option<i32>> {
        match event {
            FromTerminal::Input(input) => {
                panic_if_asked(&input);
                effects.extend(update(&mut self.state, Msg::Input(input)));
                self.wanted = Some(Cause::Person);
            }
            FromTerminal::Answer => self.pacer.answered(Instant::now()),
            // Whoever has the terminal now takes it again by itself.
            FromTerminal::Continued if editor::is_lent() => {}
            FromTerminal::Continued => {
                self.screen.resume()?;
                self.wanted = Some(Cause::Person);
            }
            FromTerminal::Stop(stop) => return Ok(Some(stop.exit_code())),
        }
        Ok(None)
    }

    /// Draws when something changed and the line takes a frame; else says when to look again.
    fn draw_if_due(&mut self) -> io::Result<Option<Instant>> {
        if editor::is_lent() {
            return Ok(None);
        }
        if !self.screen.has_taken_all()? {
            // Soon at first, a few times a second for one that nobody reads.
            let now = Instant::now();
            let since = now - *self.stuck.get_or_insert(now);
            return Ok(Some(now + (since / 8).clamp(SOON, SELDOM)));
        }
        self.stuck = None;
        let Some(cause) = self.wanted else { return Ok(None) };
        if let When::At(at) = self.pacer.when(cause, Instant::now()) {
            return Ok(Some(at));
        }
        self.wanted = None;
        let bytes = paint(&mut self.screen, &mut self.state, &self.theme)?;
        if self.pacer.painted(bytes, Instant::now()) {
            self.screen.probe()?;
        }
        Ok(None)
    }
}

async fn sleep_until(at: Option<Instant>) {
    if let Some(at) = at {
        tokio::time::sleep_until(at.into()).await;
    }
}

fn paint(screen: &mut Screen, state: &mut State, theme: &Theme) -> io::Result<usize> {
    let mut drawn = crate::app::Drawn::default();
    let painted = screen.draw(|frame| drawn = draw(state, theme, &state.keymap, frame))?;
    state.drawn(drawn);
    Ok(painted.bytes)
}

/// In builds for tests, `QUARTERDECK_PANIC_AT=key` proves that a panic gives the terminal back.
fn panic_if_asked(input: &crate::keys::Input) {
    if cfg!(debug_assertions)
        && let crate::keys::Input::Key(chord) = input
        && std::env::var("QUARTERDECK_PANIC_AT").is_ok_and(|key| key == chord.to_string())
    {
        panic!("asked to panic at {chord}");
    }
}
