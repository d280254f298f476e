//! The yardstick: the least a ratatui program does for a table with a header, a border and a status line.
//!
//! `floor --mode thread [--rows N]`; `j`/`k` or the arrows move, `q` quits. It draws only after an event
//! and builds only the visible rows. The console's speed is stated as a multiple of this program's,
//! measured in turn with it on the same machine.

use std::io;
use std::thread;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::{Block, Cell, Paragraph, Row, Table};

struct Service {
    name: String,
    team: &'static str,
    region: &'static str,
    state: &'static str,
    requests: f64,
    errors: f64,
    latency: f64,
    budget: f64,
}

const TEAMS: [&str; 5] = ["payments", "search", "identity", "platform", "growth"];
const REGIONS: [&str; 4] = ["eu-west", "eu-north", "us-east", "ap-south"];
const STATES: [&str; 3] = ["ok", "warning", "critical"];
const HEADINGS: [&str; 8] =
    ["service", "team", "region", "state", "req/s", "err %", "p99 ms", "budget %"];

fn services(count: usize) -> Vec<Service> {
    let share = |i: usize, step: usize, of: u32| {
        f64::from(u32::try_from(i * step % 10_000).unwrap_or(0)) / 10_000.0 * f64::from(of)
    };
    (0..count)
        .map(|i| Service {
            name: format!("service-{i:06}"),
            team: TEAMS[i % TEAMS.len()],
            region: REGIONS[i % REGIONS.len()],
            state: STATES[usize::from(i % 7 == 0) + usize::from(i % 31 == 0)],
            requests: share(i, 7919, 4000),
            errors: share(i, 104_729, 5),
            latency: share(i, 1299, 900),
            budget: share(i, 31, 100),
        })
        .collect()
}

struct State {
    services: Vec<Service>,
    selected: usize,
    top: usize,
}

impl State {
    fn handle(&mut self, event: &Event) -> bool {
        let last = self.services.len().saturating_sub(1);
        if let Event::Key(key) = event {
            match key.code {
                KeyCode::Char('q') => return false,
                KeyCode::Char('j') | KeyCode::Down => self.selected = (self.selected + 1).min(last),
                KeyCode::Char('k') | KeyCode::Up => self.selected = self.selected.saturating_sub(1),
                _ => {}
            }
        }
        true
    }

    fn draw(&mut self, terminal: &mut DefaultTerminal) -> io::Result<()> {
        terminal.draw(|frame| {
            let [header, body, status] = Layout::vertical([
                Constraint::Length(1),
                Constraint::Min(0),
                Constraint::Length(1),
            ])
            .areas(frame.area());
            frame.render_widget(Paragraph::new("floor  j/k move  q quit"), header);
            let visible = usize::from(body.height.saturating_sub(3));
            if self.selected < self.top {
                self.top = self.selected;
            } else if visible > 0 && self.selected >= self.top + visible {
                self.top = self.selected + 1 - visible;
            }
            let rows = self.services.iter().enumerate().skip(self.top).take(visible).map(
                |(index, service)| {
                    let style = if index == self.selected {
                        Style::new().add_modifier(Modifier::REVERSED)
                    } else {
                        Style::new()
                    };
                    let state = match service.state {
                        "ok" => Color::Green,
                        "warning" => Color::Yellow,
                        _ => Color::Red,
                    };
                    Row::new([
                        Cell::from(service.name.as_str()),
                        Cell::from(service.team),
                        Cell::from(service.region),
                        Cell::from(service.state).style(Style::new().fg(state)),
                        Cell::from(format!("{:.1}", service.requests)),
                        Cell::from(format!("{:.2}", service.errors)),
                        Cell::from(format!("{:.0}", service.latency)),
                        Cell::from(format!("{:.1}", service.budget)),
                    ])
                    .style(style)
                },
            );
            let table = Table::new(rows, [Constraint::Fill(1); 8])
                .header(Row::new(HEADINGS).style(Style::new().add_modifier(Modifier::BOLD)))
                .block(Block::bordered().title("services"));
            frame.render_widget(table, body);
            let line = format!("row {} of {}", self.selected + 1, self.services.len());
            frame.render_widget(Paragraph::new(line), status);
        })?;
        Ok(())
    }
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rows = arguments
        .iter()
        .position(|argument| argument == "--rows")
        .and_then(|at| arguments.get(at + 1)?.parse().ok())
        .unwrap_or(1000);
    let mut state = State { services: services(rows), selected: 0, top: 0 };

    let (to, mut from) = tokio::sync::mpsc::unbounded_channel();
    ratatui::run(|terminal| {
        thread::spawn(move || {
            while let Ok(event) = event::read() {
                if to.send(event).is_err() {
                    break;
                }
            }
        });
        tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
            state.draw(terminal)?;
            while let Some(event) = from.recv().await {
                if !state.handle(&event) {
                    break;
                }
                state.draw(terminal)?;
            }
            Ok(())
        })
    })
}
