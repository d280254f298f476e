//! Time and allocations of a whole frame with 20,000 alerts and 500 objectives in the model, with an
//! incident of a million timeline entries, with 10,000 gauges, and with a map of 1,000 services and 5,000 calls.

#[path = "../it/stories.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "one story of many; a test helper")]
mod stories;

use criterion::{Criterion, criterion_group, criterion_main};
use quarterdeck::actions::Screen;
use quarterdeck::{keys, theme, view};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// Half of what a dense dashboard of ratatui's own widgets costs at 200x60.
const MOST_ALLOCATIONS: u64 = 1_000;

fn frames(c: &mut Criterion) {
    let keymap = keys::load("default", None).expect("built in");
    let look = theme::load("dark", None, theme::Depth::TrueColor).expect("built in");
    let swing = stories::incident::long(1_000_000);
    let screens = [
        Screen::Bridge,
        Screen::Alerts,
        Screen::Slos,
        Screen::Map,
        Screen::Capacity,
        Screen::Incident,
    ];
    for screen in screens {
        for (w, h) in [(120, 40), (200, 60)] {
            let mut state = stories::huge();
            if screen == Screen::Incident {
                state = swing.clone();
            }
            if screen == Screen::Map {
                state = stories::map::crowded(1_000, 5_000, (w, h));
            }
            if screen == Screen::Capacity {
                state = stories::capacity::many(10_000);
            }
            state.ui.screen = screen;
            let mut terminal = Terminal::new(TestBackend::new(w, h)).expect("in memory");
            let mut draw = || {
                let drawn = terminal.draw(|frame| {
                    let _ = view::draw(&state, &look, &keymap, frame);
                });
                drawn.expect("in memory");
            };
            draw();
            let counted = allocation_counter::measure(&mut draw);
            let name = format!("frame/{}/{w}x{h}", screen.name());
            println!("{name}: {} allocations", counted.count_total);
            assert!(counted.count_total <= MOST_ALLOCATIONS, "{name}: {}", counted.count_total);
            c.bench_function(&name, |b| b.iter(&mut draw));
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(50)
        .warm_up_time(std::time::Duration::from_millis(500))
        .measurement_time(std::time::Duration::from_secs(2));
    targets = frames
}
criterion_main!(benches);
