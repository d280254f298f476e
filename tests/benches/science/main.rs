//! Our algorithms on public benchmarks, beside what others published. Run with
//!
//! ```text
//! QUARTERDECK_CORPORA=folder cargo bench --bench science [-- petshop nezha …]
//! ```
//!
//! where the folder has one folder a corpus. Ends with an error when a goal is missed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

mod ait;
mod loghub;
mod m4;
mod nab;
mod nezha;
mod numenta;
mod petshop;
mod risk;
mod row;
mod telecom;

use row::Row;

/// Measures one corpus in its folder's parent.
type Run = fn(&Path) -> Vec<Row>;

/// What is measured on each corpus.
const CORPORA: &[(&str, Run)] = &[
    ("nab", numenta::run),
    ("m4-hourly", m4::run),
    ("petshop", petshop::run),
    ("nezha-onlineboutique", nezha::run),
    ("ait-alerts", ait::run),
    ("telecom-alarms", telecom::run),
    ("loghub-2k", loghub::run),
    ("change-risk", risk::run),
];

fn main() -> ExitCode {
    let Some(folder) = std::env::var_os("QUARTERDECK_CORPORA").map(PathBuf::from) else {
        println!(
            "Nothing was measured: QUARTERDECK_CORPORA does not say where the public data is."
        );
        return ExitCode::SUCCESS;
    };
    // Cargo adds `--bench`.
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let mut missed = 0;
    for (name, run) in CORPORA {
        if !wanted.is_empty() && !wanted.iter().any(|word| name.contains(word.as_str())) {
            continue;
        }
        if !folder.join(name).is_dir() {
            println!("{name}: not in the folder, not measured.");
            continue;
        }
        let began = Instant::now();
        for row in run(&folder) {
            let below = row.goal.is_some_and(|goal| !goal.is_reached(row.ours));
            missed += usize::from(below);
            let goal = row.goal.map_or(String::new(), |goal| goal.to_string());
            println!(
                "{} {:10} {:58} {:>10.3}  {goal:12} {}",
                if below { "✗" } else { " " },
                row.corpus,
                row.what,
                row.ours,
                row.published
            );
        }
        println!("  {name}: {:.1} s", began.elapsed().as_secs_f64());
    }
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
