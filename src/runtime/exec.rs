//! Carries out what `update` asked for: on other threads and tasks whatever could take time.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, watch};

use super::editor;
use super::files::{self, Watched};
use super::keeper::Keeper;
use super::logger::{Append, Ask, Logger};
use super::outbox::{self, Means, Outbox};
use super::plans::{self, PlanKeeper};
use super::response::{Response, Ways};
use super::runner::{self, Runner};
use super::sight::Rememberer;
use super::terminal::Screen;
use super::{Arrival, Beside, Looks};
use crate::app::{Effect, Msg, Playback, PlaybackStep, Reload, State, Tone, update};
use crate::connectors::tape::PlayerClock;
use crate::connectors::{Clock, Interest, poll};
use crate::domain::{IncidentId, Operation, Outcome, SafeText, SiteId, SourceId, SourceKind};
use crate::eventlog::{Held, RecordId};
use crate::theme::{self, Theme};

/// Everything that runs beside the loop.
pub(super) struct Exec {
    logger: Logger,
    handles: Vec<(SourceId, SiteId, SourceKind, poll::Handle)>,
    interest: watch::Sender<Interest>,
    looks: Watched,
    keeper: Keeper,
    runner: Option<Runner>,
    outbox: Option<Outbox>,
    /// The model's revision when the outbox was last told which tickets to look at.
    followed: u64,
    rememberer: Rememberer,
    plans: PlanKeeper,
    player: Option<Arc<PlayerClock>>,
    to_loop: mpsc::Sender<Arrival>,
    clock: Arc<dyn Clock>,
    /// Where a text is put for the person's own editor.
    folder: Option<std::path::PathBuf>,
}

impl Exec {
    pub(super) fn start(
        beside: Beside,
        looks: Looks,
        state: &State,
        to_loop: mpsc::Sender<Arrival>,
    ) -> io::Result<Self> {
        let (interest, watching) = watch::channel(Interest::default());
        let (sink, mut events) = mpsc::channel(256);
        let mut handles = Vec::new();
        for source in beside.sources {
            let setup = (source.make)(&state.model.catalog, watching.clone(), sink.clone());
            handles.push((source.id, source.site, source.kind, poll::start(setup)));
        }
        let from_sources = to_loop.clone();
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                let msg = match event {
                    poll::Event::Observed { source, at, seen } => {
                        Msg::Observed { source, at, seen }
                    }
                    poll::Event::Source(status) => Msg::Source(status),
                };
                if from_sources.send(Arrival::Msg(msg)).await.is_err() {
                    break;
                }
            }
        });
        let looks: Watched = Arc::new(Mutex::new(looks));
        // A recording has a playbook of its own.
        let response = beside.player.is_none().then(|| {
            let folder = looks.lock().unwrap_or_else(PoisonError::into_inner).folder.clone();
            Response::new(&folder, beside.clock.clone())
        });
        files::watch(looks.clone(), response, to_loop.clone())?;
        let logger = Logger::start(beside.log, beside.position, beside.behind, to_loop.clone())?;
        let runner = logger.way_in().filter(|_| !state.read_only).map(|way_in| {
            let log = outbox::by_thread(way_in, state.me.clone(), beside.clock.clone());
            let (pipelines, clock) = (beside.pipelines, beside.clock.clone());
            Runner::new(runner::Means { pipelines, clock, log })
        });
        let outbox = logger.way_in().filter(|_| !state.read_only).map(|way_in| {
            let means = Means {
                outlets: beside.outlets,
                playbook: state.model.playbook.clone(),
                clock: beside.clock.clone(),
                log: outbox::by_thread(way_in, state.me.clone(), beside.clock.clone()),
            };
            Outbox::start(means, state.model.journal.outbox(), false)
        });
        Ok(Self {
            logger,
            runner,
            outbox,
            followed: 0,
            handles,
            interest,
            looks,
            rememberer: Rememberer::new(beside.keep.as_deref()),
            plans: PlanKeeper::new(
                beside.keep.as_deref().and_then(std::path::Path::parent).map(plans::file),
            ),
            folder: beside.keep.as_deref().and_then(std::path::Path::parent).map(Into::into),
            keeper: Keeper::start(beside.keep, to_loop.clone(), beside.clock.clone())?,
            player: beside.player,
            to_loop,
            clock: beside.clock,
        })
    }

    /// Tells the outbox what was recorded.
    pub(super) fn tell(&self, msg: &Msg) {
        if let (Some(outbox), Msg::Recorded { records, ours }) = (&self.outbox, msg) {
            outbox.tell(records, *ours);
        }
        // Mere lines concern no outbox; what else has turned up among them does.
        if let (Some(outbox), Msg::Earlier(earlier)) = (&self.outbox, msg) {
            outbox.tell(&earlier.records, false);
        }
    }

    /// Speaks to other channels and trackers from now on.
    pub(super) fn change(&mut self, ways: Ways) {
        if let Some(runner) = &mut self.runner {
            runner.change(ways.pipelines.clone());
        }
        if let Some(outbox) = &self.outbox {
            outbox.change(ways);
        }
    }

    /// Ends the runner and the outbox; waits for what the outbox has under way while somebody may still be
    /// waiting for it. Both have a way into the log, which is not finished before they are.
    pub(super) async fn end_outbox(&mut self, wait: bool) {
        if let Some(runner) = self.runner.take() {
            runner.end().await;
        }
        if let Some(outbox) = self.outbox.take()
            && wait
        {
            outbox.finish().await;
        }
    }

    /// Where the recording stands; `None` when none is played.
    pub(super) fn playback(&self) -> Option<Playback> {
        let player = self.player.as_ref()?;
        let (start, end) = player.span();
        Some(Playback {
            at: player.now(),
            start,
            end,
            speed: player.speed(),
            paused: !player.is_playing(),
        })
    }

    /// Carries out one effect; gives the exit code when the console is to end.
    pub(super) fn perform(
        &mut self,
        effect: Effect,
        state: &mut State,
        screen: &mut Screen,
        theme: &mut Theme,
    ) -> io::Result<Option<i32>> {
        match effect {
            Effect::Append(events) => {
                let append =
                    Append { actor: state.me.clone(), at: self.clock.now(), events, reply: None };
                if !self.logger.append(append) {
                    let sentence = "The log has stopped, so nothing was recorded; what you typed is still here. Restart Quarterdeck.";
                    let error = crate::eventlog::AppendError::failed(sentence);
                    update(state, Msg::NotRecorded(error));
                }
            }
            Effect::Offer(events) => {
                // What another console recorded first, or what cannot be recorded now, is no news here.
                let (reply, _) = tokio::sync::oneshot::channel();
                let (actor, at) = (state.me.clone(), self.clock.now());
                self.logger.append(Append { actor, at, events, reply: Some(reply) });
            }
            Effect::Perform(request, operation) => self.operate(request, operation),
            Effect::Check { incident, follow_up, expr } => self.check(incident, follow_up, expr),
            Effect::Edit(text) => {
                // The draft is on its way to the disk before the editor has the text.
                self.keeper.keep(super::kept::of(state));
                editor::lend(self.folder.as_deref(), &text, &self.to_loop);
            }
            Effect::Search(words) => {
                self.logger.ask(Ask::Search(words));
            }
            Effect::Govern(policy) => {
                self.logger.ask(Ask::Govern(policy));
            }
            Effect::Present(me) => {
                self.logger.ask(Ask::Present(me));
            }
            Effect::Study(study) => {
                let to_loop = self.to_loop.clone();
                tokio::task::spawn_blocking(move || {
                    let finding = Box::new(study.carry_out());
                    // Nobody listens any more when the console ends.
                    let _ = to_loop.blocking_send(Arrival::Msg(Msg::Studied(finding)));
                });
            }
            Effect::Poll(which) => {
                for (id, _, _, handle) in &self.handles {
                    if which.as_ref().is_none_or(|w| w == id) {
                        handle.poll_now();
                    }
                }
            }
            Effect::Interest(interest) => {
                let _ = self.interest.send(interest);
            }
            Effect::Copy(text) => {
                if !screen.copy(&text)? {
                    let now = state.now;
                    state.ui.notice(
                        Tone::Warning,
                        "Too long for the terminal's clipboard; nothing was copied.",
                        now,
                    );
                }
            }
            Effect::Runs(due) => {
                if let Some(runner) = &mut self.runner {
                    runner.take(due);
                }
            }
            Effect::Keep => self.keeper.keep(super::kept::of(state)),
            Effect::Playback(step) => self.steer(step, state),
            Effect::Theme(name) => self.use_theme(&name, state, theme, screen)?,
            Effect::NextTheme => {
                let at = state.themes.iter().position(|n| n == theme.name());
                let next = at.map_or(0, |at| (at + 1) % state.themes.len().max(1));
                if let Some(name) = state.themes.get(next).cloned() {
                    self.use_theme(&name, state, theme, screen)?;
                }
            }
            Effect::Keymap(name) => self.use_keymap(&name, state),
            Effect::Redraw => screen.clear()?,
            Effect::Suspend => {
                self.keeper.keep(super::kept::of(state));
                screen.suspend()?;
            }
            Effect::Quit => return Ok(Some(0)),
        }
        Ok(None)
    }

    /// Asks the first Prometheus for a check.
    fn check(&self, incident: IncidentId, follow_up: RecordId, expr: SafeText) {
        let first = self.handles.iter().find(|(_, _, kind, _)| *kind == SourceKind::Prometheus);
        let asked = first.map(|(id, _, _, handle)| (id.clone(), handle.clone()));
        let (to_loop, now) = (self.to_loop.clone(), self.clock.now());
        tokio::spawn(async move {
            let answer = match asked {
                Some((id, handle)) => handle.say(&expr, now).await.map(|values| (id, values)),
                None => {
                    Err(SafeText::new("No Prometheus is configured, so nobody could be asked."))
                }
            };
            let msg = Msg::Checked { incident, follow_up, answer };
            let _ = to_loop.send(Arrival::Msg(msg)).await;
        });
    }

    /// Performs an operation once, on the first Alertmanager of its site that takes it. Another one is
    /// tried only when the first certainly did nothing because it could not be reached.
    fn operate(&self, request: RecordId, operation: Operation) {
        let site = match &operation {
            Operation::Silence { site, .. } | Operation::Expire { site, .. } => site.clone(),
            Operation::Send(_) | Operation::Ticket { .. } | Operation::Run { .. } => return,
        };
        let able: Vec<poll::Handle> = self
            .handles
            .iter()
            .filter(|(_, at, kind, _)| *at == site && *kind == SourceKind::Alertmanager)
            .map(|(_, _, _, handle)| handle.clone())
            .collect();
        let to_loop = self.to_loop.clone();
        tokio::spawn(async move {
            let why = format!("No Alertmanager of the site {site} is configured.");
            let mut outcome = Outcome::Refused { why: SafeText::new(&why) };
            for handle in able {
                outcome = handle.perform(&operation).await;
                if !matches!(outcome, Outcome::Refused { .. }) {
                    break;
                }
            }
            let _ = to_loop.send(Arrival::Msg(Msg::Performed(request, outcome))).await;
        });
    }

    fn steer(&mut self, step: PlaybackStep, state: &mut State) {
        let Some(player) = &self.player else { return };
        let (start, end) = player.span();
        match step {
            PlaybackStep::Pause if player.is_playing() => player.pause(),
            PlaybackStep::Pause => player.play(),
            PlaybackStep::Seek(by) => {
                let to = player.now().plus(by).max(start).min(end);
                player.seek(to);
            }
            PlaybackStep::Slower => player.set_speed(player.speed() / 2.0),
            PlaybackStep::Faster => player.set_speed(player.speed() * 2.0),
            PlaybackStep::Speed(times) => player.set_speed(times),
        }
        if let Some(playback) = self.playback() {
            update(state, Msg::Playback(playback));
            update(state, Msg::Tick(playback.at));
        }
        for (_, _, _, handle) in &self.handles {
            if matches!(step, PlaybackStep::Seek(_)) {
                handle.start_over();
            }
        }
    }

    fn use_theme(
        &self,
        name: &str,
        state: &mut State,
        theme: &mut Theme,
        screen: &mut Screen,
    ) -> io::Result<()> {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = Looks { theme: name.to_owned(), ..looks.clone() };
        let now = state.now;
        match wanted.load_theme() {
            Ok(loaded) => {
                state.ui.notice(Tone::Done, format!("Theme {}.", loaded.name()), now);
                *theme = loaded;
                *looks = wanted;
                screen.clear()?;
            }
            Err(sentence) => state.ui.notice(Tone::Error, sentence, now),
        }
        Ok(())
    }

    fn use_keymap(&self, name: &str, state: &mut State) {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = Looks { keymap: name.to_owned(), ..looks.clone() };
        let loaded = wanted.load_keymap().map(|keymap| {
            Box::new(Reload {
                what: SafeText::new(&format!("Keymap {}.", keymap.name())),
                keymap: Some(Arc::new(keymap)),
                ..Reload::default()
            })
        });
        if loaded.is_ok() {
            *looks = wanted;
        }
        update(state, Msg::Reloaded(loaded));
    }

    /// Keeps what is in sight for the next start.
    pub(super) fn remember(&mut self, state: &State) {
        self.rememberer.look(&state.model, state.now);
        self.plans.look(&state.model);
        if let Some(outbox) = &self.outbox
            && self.followed != state.model.revision
        {
            self.followed = state.model.revision;
            outbox.follow(state.model.incidents.followed_tickets());
        }
    }

    /// Puts everything on disk that is not there yet.
    /// Ends what runs beside the loop; gives back what could not be put on the disk.
    pub(super) fn finish(&mut self, state: &State) -> Held {
        self.keeper.keep(super::kept::of(state));
        self.rememberer.finish(&state.model);
        self.plans.finish(&state.model);
        self.keeper.finish();
        self.logger.finish()
    }
}

/// Names of built-in themes and keymaps.
pub(super) fn built_in() -> (&'static [&'static str], &'static [&'static str]) {
    (&theme::NAMES, &crate::keys::NAMES)
}
