//! The map under load: laying out, blast radius and single points, against the goals; and
//! rust-sugiyama's fast mode (layers by longest path, no exchange of neighbours) on the same graph.
//!
//! Both crossings are counted between layers with long edges cut at each layer: ours as it is told,
//! theirs as rust-sugiyama itself counts and logs them.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use quarterdeck::analysis::graph::layout::{Layering, Layout, Window, layout};
use quarterdeck::analysis::graph::{around, blast, single_points};
use quarterdeck::domain::*;
use rust_sugiyama::configure::{Config, RankingType};

const TIERS: u64 = 10;
const RUNS: usize = 31;

/// The last count rust-sugiyama logged; every better one follows.
static LOGGED: AtomicU64 = AtomicU64::new(0);

struct Listener;

impl log::Log for Listener {
    fn enabled(&self, meta: &log::Metadata<'_>) -> bool {
        meta.target() == "crossing_reduction"
    }

    fn log(&self, record: &log::Record<'_>) {
        let text = record.args().to_string();
        let told = ["Initial number of crossings: ", "Lowest number of crossings so far: "];
        let count = told.iter().find_map(|head| text.strip_prefix(head)?.parse().ok());
        count.into_iter().for_each(|count| LOGGED.store(count, Ordering::Relaxed));
    }

    fn flush(&self) {}
}

/// Edges from one of ten tiers to a later one, at most `reach` further; the same for the same numbers.
fn tiers(nodes: u64, edges: usize, reach: u64) -> Vec<(u32, u32)> {
    let mut lots = fastrand::Rng::with_seed(nodes);
    let mut found = std::collections::BTreeSet::new();
    let tier = |at: u64| at * TIERS / nodes;
    while found.len() < edges {
        let (a, b) = (lots.u64(0..nodes), lots.u64(0..nodes));
        if (1..=reach).contains(&tier(b).saturating_sub(tier(a))) {
            found.insert((a as u32, b as u32));
        }
    }
    found.into_iter().collect()
}

fn graph(edges: &[(u32, u32)]) -> Graph {
    let key = |at: u32| NodeKey::anywhere(ServiceId::new(&format!("svc-{at:05}")));
    let seen = Timestamp::from_millis(1_795_345_055_081);
    let sighting = |(from, to): &(u32, u32)| Sighting {
        hardness: Some(if (from + to) % 4 == 0 { Hardness::Soft } else { Hardness::Hard }),
        share: Some(0.5),
        ..Sighting::new(key(*from), key(*to), EdgeOrigin::Traces, seen)
    };
    Graph::build([], &edges.iter().map(sighting).collect::<Vec<_>>())
}

/// Wall time: the quickest, since other work on the machine only ever adds to it.
fn quickest<T>(runs: usize, mut work: impl FnMut() -> T) -> Duration {
    let once = |_| {
        let start = Instant::now();
        black_box(work());
        start.elapsed()
    };
    (0..runs).map(once).min().unwrap_or_default()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn drawn(graph: &Graph, layering: Layering, before: Option<&Layout>) -> Layout {
    let widths = vec![12; graph.nodes().len()];
    layout(graph, &widths, layering, before).expect("small enough")
}

fn against_sugiyama(nodes: u64, edges: usize, reach: u64) {
    let pairs = tiers(nodes, edges, reach);
    let graph = graph(&pairs);
    let fast = Config { ranking_type: RankingType::Up, transpose: false, ..Config::default() };
    LOGGED.store(0, Ordering::Relaxed);
    log::set_max_level(log::LevelFilter::Debug);
    black_box(rust_sugiyama::from_edges(&pairs, &fast));
    log::set_max_level(log::LevelFilter::Off);
    let theirs = LOGGED.load(Ordering::Relaxed);
    let ours = drawn(&graph, Layering::LongestPath, None).crossings;
    // In turns, so that both meet the same noise.
    let mut times = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        times.0.push(quickest(1, || drawn(&graph, Layering::LongestPath, None)));
        times.1.push(quickest(1, || rust_sugiyama::from_edges(&pairs, &fast)));
        times.2.push(quickest(1, || drawn(&graph, Layering::Short, None)));
    }
    let least = |times: &[Duration]| ms(times.iter().min().copied().unwrap_or_default());
    let (own, their, short) = (least(&times.0), least(&times.1), least(&times.2));
    println!(
        "layout {nodes}/{edges}, calls over up to {reach} tiers: ours {own:.2} ms, {ours} crossings (with routed lines); \
         rust-sugiyama fast {their:.2} ms, {theirs} crossings; {:.2}x time, {:.2}x crossings; \
         ours with short lines {short:.2} ms, {} crossings",
        own / their,
        ours as f64 / theirs.max(1) as f64,
        drawn(&graph, Layering::Short, None).crossings
    );
}

fn main() {
    // Asked for a list by test runners, there is none.
    if std::env::args().any(|arg| arg == "--list") {
        return;
    }
    log::set_logger(&Listener).expect("nobody else listens");
    for (nodes, edges) in [(100, 300), (300, 1_500), (1_000, 5_000)] {
        against_sugiyama(nodes, edges, 1);
        against_sugiyama(nodes, edges, TIERS);
    }
    let world = graph(&tiers(1_000, 5_000, TIERS));
    // A hundred services within a few calls of each other, as dense as it gets.
    let hundred = graph(&tiers(100, 500, 3));
    let focus = world.node_indices().nth(500).expect("there are a thousand");
    let first = drawn(&hundred, Layering::Short, None);
    let window = Window { column: 0, row: 0, width: 200, height: 60 };
    println!(
        "neighbourhood of {} with {} edges: filter {:.2} ms, lay out {:.2} ms, again {:.2} ms, cells {:.2} ms",
        hundred.nodes().len(),
        hundred.edges().len(),
        ms(quickest(101, || world.induced(&around(&world, &[focus], 100).nodes))),
        ms(quickest(101, || drawn(&hundred, Layering::Short, None))),
        ms(quickest(101, || drawn(&hundred, Layering::Short, Some(&first)))),
        ms(quickest(101, || first.cells(window, |_| 1).count())),
    );
    let large = tiers(5_000, 20_000, TIERS);
    let world = graph(&large);
    let mut worst = Duration::ZERO;
    for at in world.node_indices().rev().take(200) {
        worst = worst.max(quickest(3, || blast(&world, &[at])));
    }
    println!(
        "5,000 services, 20,000 calls: build {:.2} ms, blast radius {:.2} ms at worst of 200, all single points {:.1} ms",
        ms(quickest(5, || graph(&large))),
        ms(worst),
        ms(quickest(3, || single_points(&world))),
    );
}
