//! What arrives from the terminal, read on a thread of its own.
//!
//! The bytes are read here and only parsed by a library (termina, helix's terminal crate): crossterm's
//! own reader spins for ever when the terminal vanishes without SIGHUP (crossterm issue 793: a dropped
//! SSH line, a killed tmux server), keeps answers to queries to itself, and loses the rest of a burst
//! longer than its buffer until the next key.

use std::io;
use std::os::fd::BorrowedFd;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use termina::event::{KeyCode, KeyEvent, KeyEventKind, Modifiers};
use termina::{Event, Parser};
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::editor;
use super::signals::Stop;
use super::terminal::hard_exit;
use crate::keys::{Chord, Input, Key};

/// What the terminal, or whoever ends it, sends to the loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromTerminal {
    /// A key, a paste, a resize, focus.
    Input(Input),
    /// The answer to [`super::terminal::Screen::probe`]: all that was sent before it has been taken in.
    Answer,
    /// The process was stopped and goes on; the screen is to be taken again.
    Continued,
    /// The console is to end.
    Stop(Stop),
}

/// How long a lone escape may be the start of a key's sequence that the line has cut in two.
const ESCAPE: Duration = Duration::from_millis(25);
/// How long the end of a paste may be missing before what came is taken as all of it.
const PASTE_STALLED: Duration = Duration::from_secs(3);
/// How long the loop may take to end once the terminal is gone. Half a second later nobody should
/// find the process still there.
const GONE: Duration = Duration::from_millis(400);
/// How long to wait before offering an event again to a loop that is behind.
const BUSY: Duration = Duration::from_millis(10);

/// Longest paste taken; the rest is dropped.
const LONGEST_PASTE: usize = 1024 * 1024;
/// Longest sequence waited for; a stray start of a device string must not swallow the keys after it.
const LONGEST_SEQUENCE: usize = 4096;

/// Starts reading the terminal. The thread ends with the channel, or with the terminal: then it sends
/// [`Stop::TerminalGone`] and, should the loop be stuck, ends the process.
///
/// # Errors
/// When the thread cannot be started.
pub fn start(to: Sender<FromTerminal>) -> io::Result<()> {
    thread::Builder::new().name("input".into()).spawn(move || {
        if read_all(rustix::stdio::stdin(), &to) == Ended::TerminalGone {
            announce_end(&to);
            thread::sleep(GONE);
            hard_exit(Stop::TerminalGone.exit_code());
        }
    })?;
    Ok(())
}

/// Why reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// Nobody listens: the loop has ended.
    NotWanted,
    /// Hung up, or any error of reading.
    TerminalGone,
}

fn announce_end(to: &Sender<FromTerminal>) {
    if let Err(TrySendError::Full(stop)) = to.try_send(FromTerminal::Stop(Stop::TerminalGone)) {
        let to = to.clone();
        // A full channel is emptied by a loop that works; one that does not is ended by the caller.
        let _ = thread::Builder::new().spawn(move || to.blocking_send(stop));
    }
}

fn read_all(tty: BorrowedFd<'_>, to: &Sender<FromTerminal>) -> Ended {
    let mut decoder = Decoder::default();
    let mut bytes = [0; 4096];
    loop {
        let found = match wait(tty, PollFlags::IN, decoder.patience()) {
            Ok(Ready::Nothing) => decoder.give_up_waiting(),
            // What is typed while the terminal is lent is for the editor.
            Ok(Ready::Something) if editor::wait_until_back() => continue,
            // After a hang-up, reading first yields what was typed before it.
            Ok(Ready::Something) => match rustix::io::read(tty, &mut bytes) {
                Ok(0) => return Ended::TerminalGone,
                Ok(read) => decoder.feed(&bytes[..read]),
                Err(Errno::INTR | Errno::AGAIN) => continue,
                Err(_) => return Ended::TerminalGone,
            },
            Err(_) => return Ended::TerminalGone,
        };
        for event in found {
            if let Err(ended) = deliver(tty, to, event) {
                return ended;
            }
        }
    }
}

/// Hands over one event, keeping an eye on the terminal while the loop is behind.
fn deliver(
    tty: BorrowedFd<'_>,
    to: &Sender<FromTerminal>,
    mut event: FromTerminal,
) -> Result<(), Ended> {
    loop {
        event = match to.try_send(event) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Closed(_)) => return Err(Ended::NotWanted),
            Err(TrySendError::Full(event)) => event,
        };
        // Asked for nothing, poll still reports a hang-up.
        match wait(tty, PollFlags::empty(), Some(BUSY)) {
            Ok(Ready::Nothing) => {}
            Ok(Ready::Something) | Err(_) => return Err(Ended::TerminalGone),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ready {
    Nothing,
    Something,
}

fn wait(tty: BorrowedFd<'_>, what: PollFlags, longest: Option<Duration>) -> io::Result<Ready> {
    let longest = longest.map(|d| Timespec {
        tv_sec: i64::try_from(d.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: d.subsec_nanos().into(),
    });
    loop {
        match rustix::event::poll(&mut [PollFd::new(&tty, what)], longest.as_ref()) {
            Ok(0) => return Ok(Ready::Nothing),
            Ok(_) => return Ok(Ready::Something),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

const PASTE_BEGINS: &[u8] = b"\x1b[200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// Bytes to events. Pastes are framed here, not by the parser, so that their size is bounded.
#[derive(Default)]
struct Decoder {
    parser: Parser,
    /// Bytes that may be the start of a paste marker.
    held: Vec<u8>,
    /// The paste being received.
    paste: Option<Vec<u8>>,
    /// Bytes the parser took without making an event of them.
    unanswered: usize,
}

impl Decoder {
    fn feed(&mut self, bytes: &[u8]) -> Vec<FromTerminal> {
        let mut found = Vec::new();
        let mut bytes = [std::mem::take(&mut self.held).as_slice(), bytes].concat();
        loop {
            let marker = if self.paste.is_some() { PASTE_ENDS } else { PASTE_BEGINS };
            match position_of(&bytes, marker) {
                Some(at) => {
                    let rest = bytes.split_off(at + marker.len());
                    bytes.truncate(at);
                    match self.paste.take() {
                        Some(mut paste) => {
                            extend_up_to(&mut paste, &bytes);
                            found.push(pasted(&paste));
                        }
                        None => {
                            self.parse(&bytes, false, &mut found);
                            self.paste = Some(Vec::new());
                        }
                    }
                    bytes = rest;
                }
                None => {
                    let held = longest_start_of(marker, &bytes);
                    self.held = bytes.split_off(bytes.len() - held);
                    match &mut self.paste {
                        Some(paste) => extend_up_to(paste, &bytes),
                        None => self.parse(&bytes, true, &mut found),
                    }
                    return found;
                }
            }
        }
    }

    /// How long the next bytes may take before what is here counts as complete.
    fn patience(&self) -> Option<Duration> {
        match (&self.paste, self.held.is_empty() && self.unanswered == 0) {
            (Some(_), _) => Some(PASTE_STALLED),
            (None, true) => None,
            (None, false) => Some(ESCAPE),
        }
    }

    /// Nothing more came in time.
    fn give_up_waiting(&mut self) -> Vec<FromTerminal> {
        let mut found = Vec::new();
        let held = std::mem::take(&mut self.held);
        match self.paste.take() {
            Some(mut paste) => {
                extend_up_to(&mut paste, &held);
                found.push(pasted(&paste));
            }
            None => {
                self.parse(&held, false, &mut found);
                // What even now is no key will be none later either.
                self.forget();
            }
        }
        found
    }

    fn parse(&mut self, bytes: &[u8], more: bool, found: &mut Vec<FromTerminal>) {
        self.parser.parse(bytes, more);
        self.unanswered += bytes.len();
        while let Some(event) = self.parser.pop() {
            // An incomplete sequence behind it starts with an escape and is seen below.
            self.unanswered = 0;
            found.extend(translate(event));
        }
        if self.unanswered == 0 && more {
            self.unanswered = incomplete_tail(bytes);
        }
        if self.unanswered > LONGEST_SEQUENCE {
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.parser = Parser::default();
        self.unanswered = 0;
    }
}

/// How many bytes at the end belong to a sequence or a character that is not complete.
fn incomplete_tail(bytes: &[u8]) -> usize {
    let Some(at) = bytes.iter().rposition(|byte| *byte == 0x1b || *byte >= 0xc0) else { return 0 };
    let tail = &bytes[at..];
    let open = match tail {
        [0x1b] | [0x1b, b'O'] => true,
        [0x1b, b'[', rest @ ..] => !rest.iter().any(|byte| (0x40..=0x7e).contains(byte)),
        // Strings end with BEL, or with an escape that would have been found instead.
        [0x1b, b']' | b'P', rest @ ..] => !rest.contains(&0x07),
        [0x1b, ..] => false,
        [lead, ..] => tail.len() < if *lead >= 0xf0 { 4 } else { 2 + usize::from(*lead >= 0xe0) },
        [] => false,
    };
    if open { tail.len() } else { 0 }
}

fn extend_up_to(paste: &mut Vec<u8>, bytes: &[u8]) {
    let room = LONGEST_PASTE.saturating_sub(paste.len());
    paste.extend_from_slice(&bytes[..bytes.len().min(room)]);
}

fn pasted(bytes: &[u8]) -> FromTerminal {
    FromTerminal::Input(Input::Paste(String::from_utf8_lossy(bytes).into_owned()))
}

fn position_of(bytes: &[u8], marker: &[u8]) -> Option<usize> {
    bytes.windows(marker.len()).position(|window| window == marker)
}

/// Length of the longest end of `bytes` that is a proper start of `marker`.
fn longest_start_of(marker: &[u8], bytes: &[u8]) -> usize {
    (1..marker.len().min(bytes.len() + 1))
        .rev()
        .find(|length| bytes.ends_with(&marker[..*length]))
        .unwrap_or(0)
}

fn translate(event: Event) -> Option<FromTerminal> {
    use termina::escape::csi::{Csi, Cursor};
    Some(match event {
        Event::Key(key) => FromTerminal::Input(Input::Key(chord(key)?)),
        Event::Paste(text) => FromTerminal::Input(Input::Paste(text)),
        Event::FocusIn => FromTerminal::Input(Input::FocusGained),
        Event::FocusOut => FromTerminal::Input(Input::FocusLost),
        Event::Csi(Csi::Cursor(Cursor::ActivePositionReport { .. })) => FromTerminal::Answer,
        // Sizes come with SIGWINCH; the mouse and other reports are not asked for.
        Event::Mouse(_)
        | Event::WindowResized(_)
        | Event::Csi(_)
        | Event::Osc(_)
        | Event::Dcs(_) => return None,
    })
}

fn chord(event: KeyEvent) -> Option<Chord> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let key = match event.code {
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Escape => Key::Esc,
        KeyCode::Tab if event.modifiers.contains(Modifiers::SHIFT) => Key::BackTab,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Insert => Key::Insert,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Function(number @ 1..=12) => Key::F(number),
        _ => return None,
    };
    Some(Chord {
        key,
        ctrl: event.modifiers.contains(Modifiers::CONTROL),
        alt: event.modifiers.contains(Modifiers::ALT),
    })
}

#[cfg(test)]
mod tests;
