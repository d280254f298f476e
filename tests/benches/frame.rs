//! Time of a whole frame with 20,000 alerts and 500 objectives in the model.

#[path = "../it/stories.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "one story of many; a test helper")]
mod stories;

use criterion::{Criterion, criterion_group, criterion_main};
use quarterdeck::actions::Screen;
use quarterdeck::{keys, theme, view};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

fn frames(c: &mut Criterion) {
    let keymap = keys::load("default", None).expect("built in");
    let look = theme::load("dark", None, theme::Depth::TrueColor).expect("built in");
    for screen in [Screen::Bridge, Screen::Alerts] {
        for (w, h) in [(120, 40), (200, 60)] {
            let mut state = stories::huge();
            state.ui.screen = screen;
            let mut terminal = Terminal::new(TestBackend::new(w, h)).expect("in memory");
            c.bench_function(&format!("frame/{}/{w}x{h}", screen.name()), |b| {
                b.iter(|| {
                    terminal
                        .draw(|frame| {
                            let _ = view::draw(&state, &look, &keymap, frame);
                        })
                        .expect("in memory");
                });
            });
        }
    }
}

criterion_group!(benches, frames);
criterion_main!(benches);
