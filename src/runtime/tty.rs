//! What is written to the terminal, one write per frame, nothing for a frame that changes nothing.
//!
//! `encode` says the cells; this decides whether and when they leave. The bytes go to the file descriptor,
//! not through `std::io::stdout`: its lock could be held by a stuck write when a signal or a panic has to
//! leave the terminal.
//!
//! A terminal that nobody reads (a line that hangs, a laptop that sleeps) takes no more once its queue is
//! full. What it does not take is kept, no frame is drawn until it has been taken, and the loop goes on:
//! what is under way is judged and recorded whether or not anybody can see it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossterm::terminal::Clear;
use crossterm::{cursor, queue};
use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::encode::Encoder;

const BEGIN_SYNC: &[u8] = b"\x1b[?2026h";
const END_SYNC: &[u8] = b"\x1b[?2026l";
/// A frame up to this size, such as the clock's next second, is taken in by terminals in one piece anyway.
const TINY: usize = 64;

/// Largest size drawn. A terminal may report 65535 columns; the cells for that would not fit in memory.
const WIDEST: u16 = 1000;
const TALLEST: u16 = 500;

/// Set by SIGWINCH. A window made smaller and larger again within a frame has the old size but not the
/// old contents.
static RESIZED: AtomicBool = AtomicBool::new(false);

/// The window's size has changed at least once; the next frame paints every cell.
pub(super) fn note_resize() {
    RESIZED.store(true, Ordering::SeqCst);
}

/// Whether the size has changed since the last call.
pub(super) fn take_resize() -> bool {
    RESIZED.swap(false, Ordering::SeqCst)
}

/// A size that can be drawn: serial lines and some pipes report 0×0, which means unknown.
pub(super) fn sane(columns: u16, rows: u16) -> Size {
    let width = if columns == 0 { 80 } else { columns.min(WIDEST) };
    let height = if rows == 0 { 24 } else { rows.min(TALLEST) };
    Size { width, height }
}

/// The size the terminal reports now, made sane.
pub(super) fn size() -> Size {
    rustix::termios::tcgetwinsize(rustix::stdio::stdout())
        .map_or(sane(0, 0), |reported| sane(reported.ws_col, reported.ws_row))
}

/// The terminal, opened once more for ourselves and so that writing never waits: on standard output that
/// would be set for every program that shares it. `None` where it cannot be opened, as after `su`.
fn own() -> Option<BorrowedFd<'static>> {
    static OWN: OnceLock<Option<OwnedFd>> = OnceLock::new();
    let open = || {
        let name = rustix::termios::ttyname(rustix::stdio::stdout(), Vec::new()).ok()?;
        let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        rustix::fs::open(name, flags, Mode::empty()).ok()
    };
    OWN.get_or_init(open).as_ref().map(AsFd::as_fd)
}

/// Writes all of it to the terminal, for as long as it takes something within `patience`.
pub(super) fn write(mut bytes: &[u8], patience: Duration) -> io::Result<()> {
    let until = Instant::now() + patience;
    loop {
        bytes = &bytes[write_some(bytes)?..];
        let left = until.saturating_duration_since(Instant::now());
        if bytes.is_empty() {
            return Ok(());
        }
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let out = own().unwrap_or_else(rustix::stdio::stdout);
        let left = left.try_into().ok();
        match rustix::event::poll(&mut [PollFd::new(&out, PollFlags::OUT)], left.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Writes what the terminal takes now; says how much that was.
fn write_some(bytes: &[u8]) -> io::Result<usize> {
    let out = own().unwrap_or_else(rustix::stdio::stdout);
    let mut done = 0;
    while done < bytes.len() {
        match rustix::io::write(out, &bytes[done..]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => done += written,
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(done)
}

/// Where a frame goes once it is encoded, which says how much of it was taken: the terminal, or a test's
/// list.
type Sink = fn(&[u8]) -> io::Result<usize>;

/// Collects a frame and sends it as one synchronised update.
pub(super) struct Collected {
    /// Begins with the start of a synchronised update.
    frame: Vec<u8>,
    encoder: Encoder,
    /// What the terminal has not taken yet.
    rest: Vec<u8>,
    /// The frame paints everything anew.
    whole: bool,
    /// Bytes sent since last asked.
    sent: usize,
    size: Size,
    cursor_shown: bool,
    cursor_at: Option<Position>,
    sink: Sink,
}

impl Collected {
    pub(super) fn new(size: Size) -> Self {
        Self::into_sink(size, write_some)
    }

    fn into_sink(size: Size, sink: Sink) -> Self {
        let mut frame = Vec::with_capacity(16 * 1024);
        frame.extend_from_slice(BEGIN_SYNC);
        let encoder = Encoder::default();
        Self {
            frame,
            encoder,
            rest: Vec::new(),
            whole: true,
            sent: 0,
            size,
            cursor_shown: false,
            cursor_at: None,
            sink,
        }
    }

    /// The size the next frame is drawn for.
    pub(super) fn set_size(&mut self, size: Size) {
        self.size = size;
    }

    /// Sends more of what the terminal has not taken yet; whether it has all of it now.
    pub(super) fn push(&mut self) -> io::Result<bool> {
        if !self.rest.is_empty() {
            let taken = (self.sink)(&self.rest)?;
            self.rest.drain(..taken);
        }
        Ok(self.rest.is_empty())
    }

    /// Sends something behind what was sent before.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.push()? {
            let taken = (self.sink)(bytes)?;
            self.rest.extend_from_slice(&bytes[taken..]);
        } else {
            self.rest.extend_from_slice(bytes);
        }
        Ok(())
    }

    /// The terminal was left and entered again: no cursor, plain text, nothing of what was cut short.
    pub(super) fn entered_again(&mut self) {
        self.rest.clear();
        self.encoder.plain();
        self.cursor_shown = false;
        self.cursor_at = None;
    }

    /// Bytes sent since the last call.
    pub(super) fn take_sent(&mut self) -> usize {
        std::mem::take(&mut self.sent)
    }
}

impl Backend for Collected {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let before = self.frame.len();
        self.encoder.cells(&mut self.frame, content);
        if self.frame.len() > before {
            self.cursor_at = None;
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.cursor_shown) {
            queue!(self.frame, cursor::Hide)?;
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.cursor_shown, true) {
            queue!(self.frame, cursor::Show)?;
        }
        Ok(())
    }

    // ratatui asks when it clears; a question to the terminal would race with the input thread.
    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.cursor_at.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.cursor_at != Some(position) {
            self.cursor_at = Some(position);
            queue!(self.frame, cursor::MoveTo(position.x, position.y))?;
        }
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        use crossterm::terminal::ClearType as Region;
        self.whole = true;
        self.encoder.make_plain(&mut self.frame);
        queue!(
            self.frame,
            Clear(match region {
                ClearType::All => Region::All,
                ClearType::AfterCursor => Region::FromCursorDown,
                ClearType::BeforeCursor => Region::FromCursorUp,
                ClearType::CurrentLine => Region::CurrentLine,
                ClearType::UntilNewLine => Region::UntilNewLine,
            })
        )
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::default() })
    }

    fn flush(&mut self) -> io::Result<()> {
        let bytes = self.frame.len() - BEGIN_SYNC.len();
        let from = match bytes {
            0 => return Ok(()),
            1..=TINY if !self.whole => BEGIN_SYNC.len(),
            _ => {
                self.frame.extend_from_slice(END_SYNC);
                0
            }
        };
        self.sent += self.frame.len() - from;
        let frame = std::mem::take(&mut self.frame);
        let outcome = self.send(&frame[from..]);
        self.frame = frame;
        self.frame.truncate(BEGIN_SYNC.len());
        self.whole = false;
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;
    use ratatui::Terminal;
    use ratatui::widgets::Paragraph;
    use std::cell::RefCell;

    thread_local! {
        static WRITES: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    }

    fn keep(bytes: &[u8]) -> io::Result<usize> {
        WRITES.with_borrow_mut(|writes| writes.push(bytes.to_vec()));
        Ok(bytes.len())
    }

    /// Takes ten bytes at a time, as a line that is nearly full.
    fn keep_ten(bytes: &[u8]) -> io::Result<usize> {
        keep(&bytes[..bytes.len().min(10)])
    }

    fn terminal() -> Terminal<Collected> {
        let size = Size { width: 20, height: 3 };
        Terminal::new(Collected::into_sink(size, keep)).unwrap()
    }

    fn draw(terminal: &mut Terminal<Collected>, text: &str, cursor: Option<(u16, u16)>) -> usize {
        terminal
            .draw(|frame| {
                frame.render_widget(Paragraph::new(text), frame.area());
                if let Some(at) = cursor {
                    frame.set_cursor_position(at);
                }
            })
            .unwrap();
        terminal.backend_mut().take_sent()
    }

    fn written() -> Vec<String> {
        WRITES
            .take()
            .into_iter()
            .map(|write| String::from_utf8(write).unwrap().replace('\x1b', "^"))
            .collect()
    }

    #[test]
    fn a_frame_is_one_write_and_a_frame_that_changes_nothing_is_none() {
        let mut terminal = terminal();
        assert_eq!(draw(&mut terminal, "burn 14.4", None), written()[0].len());
        assert_eq!(draw(&mut terminal, "burn 14.4", None), 0);
        assert_eq!(written(), Vec::<String>::new());
        draw(&mut terminal, "burn 14.5", None);
        assert_eq!(written(), ["^[1;9H5"]);
    }

    #[test]
    fn a_frame_of_some_size_is_one_synchronised_update() {
        let mut terminal = terminal();
        draw(&mut terminal, &"0123456789 abcdefgh\n".repeat(4), None);
        let written = written();
        assert_eq!(written.len(), 1);
        assert!(written[0].starts_with("^[?2026h^[1;1H0123"), "{written:?}");
        assert!(written[0].ends_with("^[?2026l"), "{written:?}");
    }

    #[test]
    fn what_a_full_line_does_not_take_is_sent_later_in_order() {
        let size = Size { width: 20, height: 3 };
        let mut terminal = Terminal::new(Collected::into_sink(size, keep_ten)).unwrap();
        draw(&mut terminal, "0123456789_abcdefgh", None);
        terminal.backend_mut().send(b"<asked>").unwrap();
        while !terminal.backend_mut().push().unwrap() {}
        let (pieces, whole) = (written(), "^[?2026h^[1;1H0123456789_abcdefgh^[?2026l<asked>");
        assert_eq!(pieces.concat(), whole);
        assert!(pieces.len() > 4, "{pieces:?}");
    }

    #[test]
    fn the_cursor_is_shown_moved_and_hidden_only_when_that_changes() {
        let mut terminal = terminal();
        draw(&mut terminal, "x", None);
        written();
        draw(&mut terminal, "x", Some((2, 1)));
        assert_eq!(written(), ["^[?25h^[2;3H"]);
        assert_eq!(draw(&mut terminal, "x", Some((2, 1))), 0);
        draw(&mut terminal, "x", None);
        assert_eq!(written(), ["^[?25l"]);
        assert_eq!(draw(&mut terminal, "x", None), 0);
    }

    #[test]
    fn a_terminal_that_lies_about_its_size_is_drawn_at_one_that_fits_in_memory() {
        assert_eq!(sane(0, 0), Size { width: 80, height: 24 });
        assert_eq!(sane(1, 1), Size { width: 1, height: 1 });
        assert_eq!(sane(65535, 65535), Size { width: WIDEST, height: TALLEST });
        assert_eq!(sane(120, 40), Size { width: 120, height: 40 });
    }
}
