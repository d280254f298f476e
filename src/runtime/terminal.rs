//! The terminal, entered and left.
//!
//! [`Screen`] enters raw mode, the alternate screen, bracketed paste and focus events, draws frames and
//! leaves on every way out: returning, failing, panicking, or being told to end by a signal. Leaving
//! happens exactly once per entering, whoever asks first.

use std::io;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ThreadId};
use std::time::Duration;

use ratatui::layout::Size;
use ratatui::{Frame, Terminal};
use rustix::process::Signal;
use termina::escape::osc::{Osc, Selection};

use super::tty::{self, Collected};

/// Title kept on the terminal's stack; alternate screen; paste; focus; no cursor; clean attributes.
const ENTER: &str = "\x1b[22;2t\x1b[?1049h\x1b[?2004h\x1b[?1004h\x1b[?25l\x1b[0m\x1b[2J";
/// The same backwards, after ending a synchronised update that was cut short.
const LEAVE: &str = "\x1b[?2026l\x1b[0m\x1b[?1004l\x1b[?2004l\x1b[?25h\x1b[?1049l\x1b[23;2t";
/// "Where is the cursor": every terminal answers, after all it was sent before.
const PROBE: &[u8] = b"\x1b[6n";

/// Terminals refuse or truncate longer clipboard writes; 74,994 bytes is xterm's limit.
const LONGEST_COPY: usize = 74_994;

/// How long a stuck terminal may hold up the end of the process.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// How long it may hold up being entered, or left by somebody who is there.
const TAKES: Duration = Duration::from_secs(5);

static ENTERED: AtomicBool = AtomicBool::new(false);

/// Leaves the terminal if it is entered; the first caller does it, later ones do nothing.
pub fn leave() {
    if ENTERED.swap(false, Ordering::SeqCst) {
        // Nothing can be done about a terminal that does not take it any more.
        let _ = tty::write(LEAVE.as_bytes(), TAKES);
        let _ = crossterm::terminal::disable_raw_mode();
    }
}

/// Ends the process without waiting for the loop, leaving the terminal if it still listens.
pub fn hard_exit(code: i32) -> ! {
    // A terminal stopped with Ctrl-S, or behind a dead line, would block the write for ever.
    let (done, left) = std::sync::mpsc::channel::<()>();
    let started = thread::Builder::new().name("leave".into()).spawn(move || {
        leave();
        drop(done);
    });
    if started.is_ok() {
        let _ = left.recv_timeout(LAST_WORDS);
    }
    // Does not write, so it does not block.
    let _ = crossterm::terminal::disable_raw_mode();
    std::process::exit(code)
}

/// What a drawn frame cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Painted {
    /// Bytes sent to the terminal; 0 when the frame changed nothing.
    pub bytes: usize,
}

/// The terminal while the console has it.
pub struct Screen {
    terminal: Terminal<Collected>,
    title: Option<String>,
}

impl Screen {
    /// Takes the terminal, or says in a sentence why it cannot be taken.
    ///
    /// # Errors
    /// When standard input or output is not a terminal, when the terminal cannot position its cursor,
    /// or when it vanished meanwhile.
    pub fn enter(title: Option<&str>) -> io::Result<Self> {
        usable(
            rustix::termios::isatty(rustix::stdio::stdin()),
            rustix::termios::isatty(rustix::stdio::stdout()),
            std::env::var("TERM").ok().as_deref(),
        )
        .map_err(|reason| io::Error::new(io::ErrorKind::Unsupported, reason))?;
        let title = title.map(|title| title.chars().filter(|c| !c.is_control()).collect());
        leave_on_panic(thread::current().id());
        let terminal = Terminal::new(Collected::new(tty::size()))?;
        let screen = Self { terminal, title };
        screen.take()?;
        Ok(screen)
    }

    fn take(&self) -> io::Result<()> {
        crossterm::terminal::enable_raw_mode()?;
        ENTERED.store(true, Ordering::SeqCst);
        let mut enter = ENTER.to_owned();
        if let Some(title) = &self.title {
            enter.push_str(&Osc::SetWindowTitle(title).to_string());
        }
        tty::write(enter.as_bytes(), TAKES).inspect_err(|_| leave())
    }

    /// Draws a frame at the terminal's present size and sends what changed, in one write where the terminal
    /// takes it.
    ///
    /// # Errors
    /// When the terminal cannot be written to: it has vanished, and the console should end.
    pub fn draw(&mut self, frame: impl FnOnce(&mut Frame)) -> io::Result<Painted> {
        // Asked before the size, so that a change in between is seen by the next frame.
        let resized = tty::take_resize();
        self.terminal.backend_mut().set_size(tty::size());
        if resized {
            self.terminal.clear()?;
        }
        self.terminal.draw(frame)?;
        Ok(Painted { bytes: self.terminal.backend_mut().take_sent() })
    }

    /// The terminal's present size, within what can be drawn.
    pub fn size(&self) -> Size {
        tty::size()
    }

    /// Makes the next frame paint every cell.
    ///
    /// # Errors
    /// As [`Screen::draw`].
    pub fn clear(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// Asks the terminal for a sign of life; it comes back as [`super::input::FromTerminal::Answer`]
    /// once everything sent so far has been taken in.
    ///
    /// # Errors
    /// As [`Screen::draw`].
    pub fn probe(&mut self) -> io::Result<()> {
        self.terminal.backend_mut().send(PROBE)
    }

    /// Whether the terminal has taken everything it was sent; sends it more where it has not.
    ///
    /// # Errors
    /// As [`Screen::draw`].
    pub fn has_taken_all(&mut self) -> io::Result<bool> {
        self.terminal.backend_mut().push()
    }

    /// Gives the terminal back to the shell until the person continues the job, then takes it again.
    ///
    /// # Errors
    /// As [`Screen::draw`].
    pub fn suspend(&mut self) -> io::Result<()> {
        leave();
        // Without a shell to continue us the kernel ignores the signal, and we go straight on.
        rustix::process::kill_current_process_group(Signal::TSTP)?;
        self.resume()
    }

    /// Takes the terminal as if anew: after the process was stopped and continued.
    ///
    /// # Errors
    /// As [`Screen::draw`].
    pub fn resume(&mut self) -> io::Result<()> {
        // The shell has set its own modes meanwhile, and crossterm sets raw mode only when it is off.
        leave();
        self.take()?;
        self.terminal.backend_mut().entered_again();
        self.terminal.clear()
    }

    /// Puts text on the clipboard of the terminal the person sits at (OSC 52). Returns whether all of
    /// it fits: a longer text is not sent, since half a text on the clipboard misleads.
    ///
    /// # Errors
    /// As [`Screen::draw`].
    pub fn copy(&mut self, text: &str) -> io::Result<bool> {
        let in_tmux = std::env::var_os("TMUX").is_some_and(|value| !value.is_empty());
        match clipboard_write(text, in_tmux) {
            Some(sequence) => self.terminal.backend_mut().send(sequence.as_bytes()).map(|()| true),
            None => Ok(false),
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

/// Whether a full screen can be shown here.
fn usable(stdin: bool, stdout: bool, term: Option<&str>) -> Result<(), String> {
    let reason = match (stdin, stdout, term) {
        (false, _, _) => "its standard input is not a terminal",
        (_, false, _) => "its standard output is not a terminal",
        (_, _, None | Some("" | "dumb")) => {
            "TERM says this terminal cannot place text on the screen"
        }
        _ => return Ok(()),
    };
    Err(format!(
        "The full screen was not opened, because {reason}. \
         Nothing else is affected. Use `quarterdeck status` for the same state as plain text."
    ))
}

/// Leaves the terminal before the message of a panic is printed, and logs it.
///
/// Only a panic of the thread that owns the screen ends the console; others are logged, since a
/// message printed over the screen would help nobody.
fn leave_on_panic(owner: ThreadId) {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            tracing::error!(%panic, "a thread panicked");
            if thread::current().id() == owner {
                leave();
            }
            if !ENTERED.load(Ordering::SeqCst) {
                print(panic);
            }
        }));
    });
}

/// The bytes that copy `text`, or none when it is too long.
fn clipboard_write(text: &str, in_tmux: bool) -> Option<String> {
    if text.len().div_ceil(3) * 4 > LONGEST_COPY {
        return None;
    }
    let plain = Osc::SetSelection(Selection::CLIPBOARD, text).to_string();
    // tmux either keeps the plain form itself (set-clipboard on) or hands the wrapped one to the
    // terminal outside (allow-passthrough on); which of the two is set cannot be asked.
    Some(if in_tmux {
        let wrapped = plain.replace('\x1b', "\x1b\x1b");
        format!("{plain}\x1bPtmux;{wrapped}\x1b\\")
    } else {
        plain
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn without_a_terminal_it_says_what_to_use_instead() {
        assert_eq!(usable(true, true, Some("xterm-256color")), Ok(()));
        for (stdin, stdout, term) in [
            (false, true, Some("xterm")),
            (true, false, Some("xterm")),
            (true, true, Some("dumb")),
            (true, true, None),
        ] {
            let said = usable(stdin, stdout, term).unwrap_err();
            assert!(said.contains("quarterdeck status"), "{said}");
        }
        assert_eq!(
            usable(true, false, Some("xterm")).unwrap_err(),
            "The full screen was not opened, because its standard output is not a terminal. Nothing \
             else is affected. Use `quarterdeck status` for the same state as plain text."
        );
    }

    #[test]
    fn a_copy_is_encoded_wrapped_for_tmux_and_never_cut() {
        assert_eq!(clipboard_write("hi", false).unwrap(), "\x1b]52;c;aGk=\x1b\\");
        assert_eq!(
            clipboard_write("hi", true).unwrap(),
            "\x1b]52;c;aGk=\x1b\\\x1bPtmux;\x1b\x1b]52;c;aGk=\x1b\x1b\\\x1b\\"
        );
        // 56,244 bytes encode to 74,992; three more are over the limit.
        assert!(clipboard_write(&"x".repeat(56_244), false).is_some());
        assert!(clipboard_write(&"x".repeat(56_247), false).is_none());
    }

    #[test]
    fn what_is_entered_is_left() {
        for mode in ["?1049", "?2004", "?1004"] {
            assert!(ENTER.contains(&format!("\x1b[{mode}h")), "{mode}");
            assert!(LEAVE.contains(&format!("\x1b[{mode}l")), "{mode}");
        }
        assert!(ENTER.contains("\x1b[?25l") && LEAVE.contains("\x1b[?25h"));
    }
}
