//! Signals that end the console, and those that change its window.
//!
//! The first signal asks the loop to end; a second one, or a loop that does not end in time, ends the
//! process at once. Every way leaves the terminal as it was.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::Sender;

use super::input::FromTerminal;
use super::{editor, terminal, tty};
use crate::keys::Input;

/// Why the console is to end although nobody pressed the key for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// SIGTERM.
    Terminate,
    /// SIGINT from outside; Ctrl-C at the keyboard arrives as a key.
    Interrupt,
    /// SIGQUIT.
    Quit,
    /// SIGHUP.
    Hangup,
    /// The terminal vanished, with or without a signal.
    TerminalGone,
}

impl Stop {
    /// The exit code a shell expects for it.
    pub fn exit_code(self) -> i32 {
        match self {
            Self::Hangup | Self::TerminalGone => 129,
            Self::Interrupt => 130,
            Self::Quit => 131,
            Self::Terminate => 143,
        }
    }

    /// Whether asking again means "at once". A closing terminal sends SIGHUP more than once.
    fn is_impatience(self) -> bool {
        matches!(self, Self::Terminate | Self::Interrupt | Self::Quit)
    }
}

/// How long the loop may take to end by itself.
const GRACE: Duration = Duration::from_secs(5);

/// Starts listening; signals arrive at the loop in the order they came.
///
/// # Errors
/// When the handlers cannot be installed.
pub fn start(to: Sender<FromTerminal>) -> io::Result<()> {
    let mut listening = Listening {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
        quit: signal(SignalKind::quit())?,
        hangup: signal(SignalKind::hangup())?,
        resized: signal(SignalKind::window_change())?,
        continued: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
    };
    tokio::spawn(async move {
        let stop = loop {
            match listening.next().await {
                FromTerminal::Stop(stop) => break stop,
                // A loop that is behind takes the newest size when it draws.
                other => drop(to.try_send(other)),
            }
        };
        tokio::spawn(async move { to.send(FromTerminal::Stop(stop)).await });
        let deadline = tokio::time::sleep(GRACE);
        tokio::pin!(deadline);
        loop {
            tokio::select! {
                () = &mut deadline => terminal::hard_exit(stop.exit_code()),
                again = listening.next() => match again {
                    FromTerminal::Stop(again) if again.is_impatience() => {
                        terminal::hard_exit(again.exit_code())
                    }
                    _ => {}
                },
            }
        }
    });
    Ok(())
}

struct Listening {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hangup: Signal,
    resized: Signal,
    continued: Signal,
}

impl Listening {
    /// The next that is meant for us: Ctrl-C and Ctrl-\ in the person's editor are meant for that.
    async fn next(&mut self) -> FromTerminal {
        loop {
            match self.any().await {
                FromTerminal::Stop(Stop::Interrupt | Stop::Quit) if editor::is_lent() => {}
                found => return found,
            }
        }
    }

    async fn any(&mut self) -> FromTerminal {
        tokio::select! {
            _ = self.terminate.recv() => FromTerminal::Stop(Stop::Terminate),
            _ = self.interrupt.recv() => FromTerminal::Stop(Stop::Interrupt),
            _ = self.quit.recv() => FromTerminal::Stop(Stop::Quit),
            _ = self.hangup.recv() => FromTerminal::Stop(Stop::Hangup),
            _ = self.continued.recv() => FromTerminal::Continued,
            _ = self.resized.recv() => {
                tty::note_resize();
                let size = tty::size();
                FromTerminal::Input(Input::Resize(size.width, size.height))
            }
        }
    }
}
