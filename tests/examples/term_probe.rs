//! A very small console over the real terminal code, for tests and for trying a terminal or a line.
//!
//! `j`/`k` move in a list, `i` types (`Esc` ends), `y` copies, `Ctrl-Z` suspends, `q` quits; the status
//! line shows what arrived and what the last frame cost. `PROBE_PANIC=1` panics on `p`,
//! `PROBE_STUCK=1` makes the loop hang on `h`.

use std::io;
use std::time::Instant;

use quarterdeck::keys::{Chord, Input, Key};
use quarterdeck::runtime::input::{self, FromTerminal};
use quarterdeck::runtime::pace::{Cause, Pacer, When};
use quarterdeck::runtime::signals::{self, Stop};
use quarterdeck::runtime::terminal::Screen;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Widget};

#[derive(Default)]
struct State {
    row: usize,
    top: usize,
    typing: bool,
    text: String,
    last: String,
}

enum Next {
    Draw,
    Suspend,
    Copy,
    Hang,
    Quit,
}

impl State {
    fn handle(&mut self, input: Input) -> Next {
        if let Input::Paste(text) = &input {
            self.text.push_str(text);
        }
        self.last = format!("{input:?}");
        let Input::Key(Chord { key, ctrl, .. }) = input else { return Next::Draw };
        match (self.typing, key, ctrl) {
            (_, Key::Char('z'), true) => return Next::Suspend,
            (true, Key::Esc, _) => self.typing = false,
            (true, Key::Char(c), false) => self.text.push(c),
            (false, Key::Char('q'), false) => return Next::Quit,
            (false, Key::Char('i'), false) => self.typing = true,
            (false, Key::Char('y'), false) => return Next::Copy,
            (false, Key::Char('j') | Key::Down, false) => self.row = (self.row + 1).min(999),
            (false, Key::Char('k') | Key::Up, false) => self.row = self.row.saturating_sub(1),
            (false, Key::Char('p'), false) if std::env::var_os("PROBE_PANIC").is_some() => {
                panic!("asked to panic")
            }
            (false, Key::Char('h'), false) if std::env::var_os("PROBE_STUCK").is_some() => {
                self.last = "stuck".into();
                return Next::Hang;
            }
            _ => {}
        }
        Next::Draw
    }

    fn draw(&mut self, frame: &mut Frame) {
        let [head, list, status] =
            Layout::vertical([Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)])
                .areas(frame.area());
        Paragraph::new(format!("term probe {}x{}", frame.area().width, frame.area().height))
            .render(head, frame.buffer_mut());
        let visible = usize::from(list.height).max(1);
        self.top = self.top.clamp((self.row + 1).saturating_sub(visible), self.row);
        let lines: Vec<Line> = (self.top..1000)
            .take(visible)
            .map(|row| {
                let style = if row == self.row {
                    Style::new().add_modifier(Modifier::REVERSED)
                } else {
                    Style::new()
                };
                let about = "of a list long enough to scroll, with some width to it";
                Line::styled(format!("row {row:03} {about} {:>8}", row * 7919 % 10_007), style)
            })
            .collect();
        Paragraph::new(lines).render(list, frame.buffer_mut());
        let line = format!("at {} text={:?} last={}", self.row, self.text, self.last);
        Paragraph::new(line).render(status, frame.buffer_mut());
        if self.typing {
            frame.set_cursor_position((status.x, status.y));
        }
    }
}

async fn run(screen: &mut Screen) -> io::Result<Option<Stop>> {
    let mut state = State::default();
    let (to, mut from) = tokio::sync::mpsc::channel(1024);
    signals::start(to.clone())?;
    input::start(to)?;
    screen.probe()?;
    let mut pacer = Pacer::asked_at(Instant::now());
    let mut wanted = true;
    loop {
        let wait = match wanted.then(|| pacer.when(Cause::Person, Instant::now())) {
            Some(When::Now) => {
                let painted = screen.draw(|frame| state.draw(frame))?;
                if pacer.painted(painted.bytes, Instant::now()) {
                    screen.probe()?;
                }
                wanted = false;
                None
            }
            Some(When::At(time)) => Some(time),
            None => None,
        };
        let mut message = match wait {
            Some(time) => match tokio::time::timeout_at(time.into(), from.recv()).await {
                Ok(message) => message,
                Err(_) => continue,
            },
            None => from.recv().await,
        };
        // Everything that is here already is applied before the next frame.
        while let Some(arrived) = message.take() {
            match arrived {
                FromTerminal::Answer => pacer.answered(Instant::now()),
                FromTerminal::Stop(stop) => return Ok(Some(stop)),
                FromTerminal::Continued => {
                    screen.resume()?;
                    wanted = true;
                }
                FromTerminal::Input(input) => {
                    wanted = true;
                    match state.handle(input) {
                        Next::Draw => {}
                        Next::Suspend => screen.suspend()?,
                        Next::Copy => drop(screen.copy("row copied")?),
                        Next::Hang => {
                            screen.draw(|frame| state.draw(frame))?;
                            loop {
                                std::thread::park();
                            }
                        }
                        Next::Quit => return Ok(None),
                    }
                }
            }
            message = from.try_recv().ok();
        }
    }
}

fn main() -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut screen = Screen::enter(Some("term probe"))?;
    // Once the screen is taken, an error of writing to it means that it has vanished.
    let stop = runtime.block_on(run(&mut screen)).unwrap_or(Some(Stop::TerminalGone));
    drop(screen);
    runtime.shutdown_background();
    match stop {
        Some(stop) => std::process::exit(stop.exit_code()),
        None => Ok(()),
    }
}
