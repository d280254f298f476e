//! The README's picture: the demo's recording played through the console's own parsers, model and
//! drawing, without a terminal and in no time.
//!
//! ```text
//! cargo run --example picture                      # writes .github/bridge.svg and the README's block
//! cargo run --example picture -- 4m30s FILE.svg    # another moment, only the file
//! ```

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use quarterdeck::app::{Effect, Msg, Playback, State, Ui, update};
use quarterdeck::config::{Settings, assemble};
use quarterdeck::connectors::tape::{Player, Tape};
use quarterdeck::connectors::{Clock, Interest, poll};
use quarterdeck::domain::{Actor, SourceId, Span};
use quarterdeck::keys::{Chord, Input, Key, Keymap};
use quarterdeck::model::Model;
use quarterdeck::theme::{self, Depth, Theme};
use quarterdeck::{keys, view};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use tokio::sync::{mpsc, watch};

const SIZE: (u16, u16) = (120, 40);
/// Width and height of a cell, and the letters in it.
const CELL: (f64, f64) = (8.4, 18.0);
const LETTERS: f64 = 14.0;
/// Where the demo is worst, from the start of the recording.
const MOMENT: &str = "3m40s";

// Time passes as fast as nobody waits for anything, so that minutes of the recording take a second.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let args: Vec<String> = std::env::args().skip(1).collect();
    let moment = args.first().map_or(MOMENT, String::as_str);
    let moment = Span::parse(moment).context("the moment is a duration such as 4m30s")?;
    let keymap = Arc::new(keys::load("default", None).map_err(|e| anyhow::anyhow!("{e:?}"))?);
    let theme =
        theme::load("dark", None, Depth::TrueColor).map_err(|e| anyhow::anyhow!("{e:?}"))?;

    let tape = Tape::read(std::fs::File::open(root.join("fixtures/demo.qdtape"))?)?;
    let state = played(tape, moment, keymap).await;
    let picture = drawn(&state, &theme);
    let svg = svg(&picture);
    if let Some(file) = args.get(1) {
        return std::fs::write(file, svg).with_context(|| format!("{file} cannot be written"));
    }
    std::fs::write(root.join(".github/bridge.svg"), svg)?;
    let readme = root.join("README.md");
    let old = std::fs::read_to_string(&readme)?;
    let (before, rest) = old.split_once("<!-- screen -->\n").context("README: <!-- screen -->")?;
    let (_, after) = rest.split_once("<!-- /screen -->").context("README: <!-- /screen -->")?;
    let block = format!("\n```text\n{}```\n\n", text(&picture));
    std::fs::write(readme, format!("{before}<!-- screen -->\n{block}<!-- /screen -->{after}"))?;
    Ok(())
}

/// The console after watching the recording from its start to the moment.
async fn played(tape: Tape, moment: Span, keymap: Arc<Keymap>) -> State {
    let header = &tape.header;
    let (began, started) = (tokio::time::Instant::now(), header.started);
    let clock: Arc<dyn Clock> = Arc::new(move || {
        let passed = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        started.plus(Span::from_millis(passed))
    });
    let (settings, _) = Settings::parse(&header.config, "config.toml", "you");
    let names: Vec<SourceId> = settings.sources.iter().map(|s| s.name.clone()).collect();
    let (catalog, _) = assemble(&header.files, &names);
    let catalog = Arc::new(catalog);
    let mut model = Model::new(catalog.clone(), settings.severity, settings.ui.group_by);

    let last = tape.end();
    let tape = Arc::new(tape);
    let player = Player::new(tape, clock.clone());
    let (interest, watching) = watch::channel(Interest::default());
    let (sink, mut events) = mpsc::channel(256);
    let (mut kinds, mut handles) = (BTreeSet::new(), Vec::new());
    for source in &settings.sources {
        model.source(source.status());
        let first = kinds.insert(source.kind);
        let transport = player.transport(&source.name);
        let setup =
            source.setup(&catalog, first, transport, clock.clone(), watching.clone(), sink.clone());
        handles.push(poll::start(setup));
    }
    let mut ui = Ui::new(SIZE);
    ui.range = Span::from_mins(10);
    let mut state = State::new(model, ui, started, Actor::new("you"), keymap);

    // Somebody looks at what is worst, shortly before the picture is taken.
    let look = Msg::Input(Input::Key(Chord::plain(Key::Char('g'))));
    let mut look = Some((started.plus(moment).minus(Span::from_secs(10)), look));
    let end = started.plus(moment);
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    while clock.now() < end {
        let msg = tokio::select! {
            biased;
            _ = ticks.tick() => {
                let playing = Playback { at: clock.now(), start: started, end: last, speed: 1.0, paused: false };
                update(&mut state, Msg::Playback(playing));
                Msg::Tick(clock.now())
            }
            Some(event) = events.recv() => match event {
                poll::Event::Observed { source, at, seen } => Msg::Observed { source, at, seen },
                poll::Event::Source(status) => Msg::Source(status),
            },
        };
        let looked = look.take_if(|(at, _)| *at <= clock.now()).map(|(_, look)| look);
        let mut messages: VecDeque<Msg> = [Some(msg), looked].into_iter().flatten().collect();
        while let Some(msg) = messages.pop_front() {
            for effect in update(&mut state, msg) {
                match effect {
                    Effect::Interest(wanted) => drop(interest.send(wanted)),
                    // Beside the loop in the console; here nobody waits.
                    Effect::Study(study) => {
                        messages.push_back(Msg::Studied(Box::new(study.carry_out())))
                    }
                    _ => {}
                }
            }
        }
    }
    handles.iter().for_each(poll::Handle::stop);
    state
}

fn drawn(state: &State, theme: &Theme) -> Buffer {
    let Ok(mut terminal) = Terminal::new(TestBackend::new(SIZE.0, SIZE.1));
    let Ok(_) = terminal.draw(|frame| {
        view::draw(state, theme, &state.keymap, frame);
    });
    terminal.backend().buffer().clone()
}

fn text(buf: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buf.area.height {
        let row: String = (0..buf.area.width).map(|x| buf[(x, y)].symbol()).collect();
        let _ = writeln!(out, "{}", row.trim_end());
    }
    out
}

/// A cell's colours as they are seen.
fn colours(cell: &Cell) -> (String, Option<String>) {
    let hex = |colour: Color| match colour {
        Color::Rgb(r, g, b) => Some(format!("#{r:02x}{g:02x}{b:02x}")),
        _ => None,
    };
    let (front, back) = (hex(cell.fg), hex(cell.bg));
    let plain = || "#d7dae0".to_owned();
    if cell.modifier.contains(Modifier::REVERSED) {
        return (back.unwrap_or_else(|| "#14161b".into()), Some(front.unwrap_or_else(plain)));
    }
    (front.unwrap_or_else(plain), back)
}

/// Letters as text; what charts are made of as shapes, so that no font can tear them.
fn svg(buf: &Buffer) -> String {
    let (w, h) = (f64::from(SIZE.0) * CELL.0, f64::from(SIZE.1) * CELL.1);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-12 -12 {:.0} {:.0}\" font-size=\"{LETTERS}\" \
         font-family=\"DejaVu Sans Mono,Menlo,Consolas,monospace\" xml:space=\"preserve\">\n\
         <rect x=\"-12\" y=\"-12\" width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#14161b\"/>\n",
        w + 24.0,
        h + 24.0
    );
    for y in 0..buf.area.height {
        let top = f64::from(y) * CELL.1;
        let mut x = 0;
        while x < buf.area.width {
            let (cell, start) = (&buf[(x, y)], x);
            let (style, look) = (cell.style(), colours(cell));
            let mut run = String::new();
            while x < buf.area.width && buf[(x, y)].style() == style {
                run.push_str(buf[(x, y)].symbol());
                x += 1;
            }
            let (left, wide) = (f64::from(start) * CELL.0, f64::from(x - start) * CELL.0);
            if let Some(back) = &look.1 {
                let _ = writeln!(
                    out,
                    "<rect x=\"{left:.1}\" y=\"{top}\" width=\"{wide:.1}\" height=\"{}\" fill=\"{back}\"/>",
                    CELL.1
                );
            }
            for (at, symbol) in run.chars().enumerate() {
                out.push_str(&shape(symbol, left + at as f64 * CELL.0, top, &look.0));
            }
            out.push_str(&letters(&run, (left, top), cell.modifier, &look.0));
        }
    }
    out.push_str("</svg>\n");
    out
}

fn is_shape(symbol: char) -> bool {
    matches!(symbol, '\u{2581}'..='\u{2588}' | '\u{2800}'..='\u{28ff}')
}

/// A block from the bottom, or the dots of a Braille pattern; nothing for a letter.
fn shape(symbol: char, left: f64, top: f64, colour: &str) -> String {
    match symbol {
        '\u{2581}'..='\u{2588}' => {
            let tall = CELL.1 * f64::from(symbol as u32 - 0x2580) / 8.0;
            format!(
                "<rect x=\"{left:.1}\" y=\"{:.1}\" width=\"{}\" height=\"{tall:.1}\" fill=\"{colour}\"/>\n",
                top + CELL.1 - tall,
                CELL.0
            )
        }
        '\u{2800}'..='\u{28ff}' => {
            // Unicode numbers the dots of the upper six by column, then the lowest two.
            const PLACES: [(f64, f64); 8] = [
                (0.0, 0.0),
                (0.0, 1.0),
                (0.0, 2.0),
                (1.0, 0.0),
                (1.0, 1.0),
                (1.0, 2.0),
                (0.0, 3.0),
                (1.0, 3.0),
            ];
            let bits = symbol as u32 - 0x2800;
            let dots = PLACES.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1);
            let path: String = dots
                .map(|(_, (column, row))| {
                    let x = left + CELL.0 * (0.25 + 0.5 * column) - 1.1;
                    let y = top + CELL.1 * (0.125 + 0.25 * row) - 1.1;
                    format!("M{x:.1} {y:.1}h2.2v2.2h-2.2z")
                })
                .collect();
            if path.is_empty() { path } else { format!("<path d=\"{path}\" fill=\"{colour}\"/>\n") }
        }
        _ => String::new(),
    }
}

fn letters(run: &str, (left, top): (f64, f64), modifier: Modifier, colour: &str) -> String {
    let run: String = run.chars().map(|c| if is_shape(c) { ' ' } else { c }).collect();
    let shown = run.trim();
    if shown.is_empty() {
        return String::new();
    }
    let skipped = run.chars().take_while(|c| *c == ' ').count();
    let (left, count) = (left + skipped as f64 * CELL.0, shown.chars().count());
    let mut how = String::new();
    for (set, word) in [
        (Modifier::BOLD, " font-weight=\"bold\""),
        (Modifier::ITALIC, " font-style=\"italic\""),
        (Modifier::UNDERLINED, " text-decoration=\"underline\""),
    ] {
        if modifier.contains(set) {
            how.push_str(word);
        }
    }
    let shown = shown.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        "<text x=\"{left:.1}\" y=\"{:.1}\" textLength=\"{:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{colour}\"{how}>{shown}</text>\n",
        top + CELL.1 * 0.76,
        count as f64 * CELL.0,
    )
}
