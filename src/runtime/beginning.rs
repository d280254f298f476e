//! The first moments of the console: the frame from the local store is on screen, and the catalog is still
//! being read.
//!
//! Ten thousand services take longer to read than everything else together, and whoever opens the console
//! wants to see what burns. Until the catalog is there the screen says so, time goes on, and keys wait their
//! turn: they mean rows that are not there yet.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::input::FromTerminal;
use super::terminal::Screen;
use super::{paint, signals};
use crate::actions::Action;
use crate::app::{Declared, State};
use crate::connectors::Clock;
use crate::domain::{Catalog, SafeText};
use crate::keys::{Input, Pending, Resolved};
use crate::theme::Theme;

/// A person who types ahead does so within this; later a key to leave means that they want to leave.
const AHEAD: Duration = Duration::from_secs(1);

/// A catalog that is being read on a thread of its own.
pub struct Coming(oneshot::Receiver<Declared>);

impl Coming {
    /// Begins to read it; what is wrong with it comes along, each mistake in a sentence.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn begin<R>(read: R) -> io::Result<Self>
    where
        R: FnOnce() -> (Catalog, Vec<SafeText>) + Send + 'static,
    {
        let (done, coming) = oneshot::channel();
        std::thread::Builder::new().name("catalog".into()).spawn(move || {
            let (catalog, problems) = read();
            // Nobody waits any more when the console was left meanwhile.
            let _ = done.send(Declared { catalog: Arc::new(catalog), problems });
        })?;
        Ok(Self(coming))
    }
}

/// What the beginning came to.
pub(super) enum Begun {
    /// The catalog is there; what was typed meanwhile is still to be done.
    Declared(Declared, Vec<FromTerminal>),
    /// The person or the system ended it.
    Over(i32),
}

/// Waits for the catalog.
///
/// # Errors
/// When the terminal cannot be written to any more.
pub(super) async fn wait(
    coming: Coming,
    typed: &mut mpsc::Receiver<FromTerminal>,
    (screen, state, theme): (&mut Screen, &mut State, &Theme),
    clock: &dyn Clock,
) -> io::Result<Begun> {
    let Coming(mut coming) = coming;
    let since = Instant::now();
    let mut held = Vec::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    // The first comes at once, and its frame is on screen.
    ticks.tick().await;
    loop {
        tokio::select! {
            biased;
            declared = &mut coming => {
                return Ok(Begun::Declared(declared.unwrap_or_else(|_| Declared::lost()), held));
            }
            event = typed.recv() => match event {
                None => return Ok(Begun::Over(signals::Stop::TerminalGone.exit_code())),
                Some(FromTerminal::Stop(stop)) => return Ok(Begun::Over(stop.exit_code())),
                Some(FromTerminal::Input(Input::Resize(columns, rows))) => {
                    state.ui.size = (columns, rows);
                    paint(screen, state, theme)?;
                }
                Some(FromTerminal::Continued) => {
                    screen.resume()?;
                    paint(screen, state, theme)?;
                }
                Some(event) => {
                    let ahead = since.elapsed() < AHEAD && held.iter().any(is_key);
                    if !ahead && leaves(state, &event) {
                        return Ok(Begun::Over(0));
                    }
                    held.push(event);
                }
            },
            _ = ticks.tick() => {
                state.now = clock.now();
                paint(screen, state, theme)?;
            }
        }
    }
}

/// Whether somebody pressed a key; the terminal answers and tells its focus by itself.
fn is_key(event: &FromTerminal) -> bool {
    matches!(event, FromTerminal::Input(Input::Key(_) | Input::Paste(_)))
}

/// Whether this is a key to leave by.
fn leaves(state: &State, event: &FromTerminal) -> bool {
    let FromTerminal::Input(Input::Key(chord)) = event else { return false };
    let mut pending = Pending::default();
    let resolved = state.keymap.resolve(state.ui.screen, false, &mut pending, *chord);
    matches!(resolved, Resolved::Action(Action::Quit))
}
