//! Nezha (Yu et al., ESEC/FSE 2023), OnlineBoutique, metrics only: given when a fault was injected,
//! which service is it? What is usual is the fault-free time of the same day, as the authors take it
//! from a fault-free period. AS@k: the share of faults whose service is among the first k.

use std::collections::BTreeMap;
use std::path::Path;

use quarterdeck::analysis::suspects::{
    Case, Culprit, EdgeTrack, Ranking, Symptom, Track, Watched, rank,
};
use quarterdeck::domain::{SafeText, Signal, Span, Timestamp};

use super::row::{Row, gunzip};

const DAYS: [&str; 2] = ["2022-08-22", "2022-08-23"];
const STEP: Span = Span::from_mins(1);
/// From a minute before a fault to eight after it, the day is not usual.
const FAULT: (i64, i64) = (-60, 480);

struct Fault {
    at: i64,
    service: String,
}

type Points = Vec<(Timestamp, f64)>;

/// One day.
pub(crate) struct Day {
    name: &'static str,
    names: Vec<String>,
    edges: Vec<(usize, usize)>,
    /// By file and column.
    tables: BTreeMap<String, BTreeMap<String, Points>>,
    faults: Vec<Fault>,
}

impl Day {
    fn is_quiet(&self, t: Timestamp) -> bool {
        let t = t.millis() / 1_000;
        let near = self.faults.partition_point(|fault| fault.at + FAULT.1 <= t);
        self.faults.get(near).is_none_or(|fault| t < fault.at + FAULT.0)
    }
}

/// Reads the days that are there.
pub(crate) fn load(corpora: &Path) -> Vec<Day> {
    let root = corpora.join("nezha-onlineboutique");
    DAYS.iter().filter(|day| root.join(day).is_dir()).map(|day| one(&root, day)).collect()
}

fn one(root: &Path, name: &'static str) -> Day {
    let folder = root.join(name);
    let mut tables = BTreeMap::new();
    for entry in std::fs::read_dir(folder.join("metric")).expect("the metrics") {
        let path = entry.expect("an entry").path();
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(table) = file.strip_suffix(".csv.gz") {
            tables.insert(table.to_owned(), read(&gunzip(&path)));
        }
    }
    let names: Vec<String> = tables
        .keys()
        .filter_map(|table| table.strip_suffix("_metric"))
        .map(str::to_owned)
        .collect();
    let place = |name: &str| names.iter().position(|n| n == name);
    let graph = std::fs::read_to_string(folder.join("metric/dependency.csv")).expect("the graph");
    let edge = |line: &str| {
        let mut cells = line.split(',');
        Some((place(cells.next()?)?, place(cells.next()?)?))
    };
    let edges = graph.lines().filter_map(edge).collect();
    let list = std::fs::read_to_string(folder.join("fault_list.json")).expect("the faults");
    let list: BTreeMap<String, Vec<serde_json::Value>> = serde_json::from_str(&list).expect("JSON");
    let mut faults: Vec<Fault> = list
        .values()
        .flatten()
        .map(|fault| {
            let text = |key: &str| fault[key].as_str().unwrap_or_default();
            // `checkoutservice-578fcf4766-9csqn`: deployment, replica set, pod.
            let service = text("inject_pod").rsplitn(3, '-').nth(2).unwrap_or_default();
            Fault {
                at: text("inject_timestamp").parse().expect("a time"),
                service: service.to_owned(),
            }
        })
        .collect();
    faults.sort_by_key(|fault| fault.at);
    Day { name, names, edges, tables, faults }
}

/// Columns with numbers, by the time that is written out: one pod's unix time is years off.
fn read(text: &str) -> BTreeMap<String, Points> {
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let mut columns: BTreeMap<String, Points> = BTreeMap::new();
    for line in lines {
        let mut cells = line.split(',');
        let time = cells.next().unwrap_or_default();
        let rfc3339 = format!("{}Z", time.get(..19).unwrap_or_default().replace(' ', "T"));
        let Some(at) = Timestamp::parse_rfc3339(&rfc3339) else { continue };
        for (name, cell) in head.iter().skip(1).zip(cells) {
            if let Ok(value) = cell.parse() {
                columns.entry((*name).to_owned()).or_default().push((at, value));
            }
        }
    }
    columns
}

/// What the columns of a pod mean.
fn meaning(column: &str) -> Option<Signal> {
    Some(match column {
        "CpuUsageRate(%)" | "MemoryUsageRate(%)" => Signal::Saturation,
        "PodServerLatencyP90(s)" => Signal::Latency,
        "SyscallRead" | "SyscallWrite" => Signal::Traffic,
        _ => return None,
    })
}

fn ranking(day: &Day, fault: &Fault, shift: i64) -> Ranking {
    let onset = Timestamp::from_millis(fault.at * 1_000 + shift * STEP.millis());
    // What is known ends five minutes after the injection, whatever the onset is thought to be.
    let until = Timestamp::from_millis(fault.at * 1_000).plus(Span::from_mins(5));
    let from = until.minus(Span::from_mins(40));
    let track = |points: &Points| Track {
        before: points.iter().filter(|(t, _)| day.is_quiet(*t)).map(|(_, value)| *value).collect(),
        points: points.iter().filter(|(t, _)| *t >= from && *t <= until).copied().collect(),
    };
    let column = |table: &str, column: &str| day.tables.get(table)?.get(column);
    let services: Vec<Watched> = day
        .names
        .iter()
        .map(|name| {
            let table = day.tables.get(&format!("{name}_metric"));
            let one =
                |(column, points): (&String, &Points)| Some((meaning(column)?, track(points)));
            let mut signals: Vec<_> = table.into_iter().flatten().filter_map(one).collect();
            if name == "frontend"
                && let Some(points) = column("front_service", "SuccessRate(%)")
            {
                let failed = points.iter().map(|(t, v)| (*t, 1.0 - v / 100.0)).collect();
                signals.push((Signal::Errors, track(&failed)));
            }
            Watched { name: SafeText::new(name), signals }
        })
        .collect();
    let place = |name: &str| day.names.iter().position(|n| n == name);
    let edge_tracks: Vec<EdgeTrack> = day
        .tables
        .get("source_50")
        .into_iter()
        .flatten()
        .filter_map(|(edge, points)| {
            let (caller, callee) = edge.split_once('_')?;
            let signal = Signal::Latency;
            Some(EdgeTrack {
                caller: place(caller)?,
                callee: place(callee)?,
                signal,
                track: track(points),
            })
        })
        .collect();
    let symptom = column("front_service", "LatencyP50(s)").map(track).and_then(|track| {
        Some(Symptom { service: place("frontend")?, signal: Signal::Latency, track })
    });
    rank(&Case {
        symptom,
        services: &services,
        edges: &day.edges,
        edge_tracks: &edge_tracks,
        onset,
        until,
        step: STEP,
        ..Case::default()
    })
}

fn places(day: &Day, shift: i64) -> Vec<Option<usize>> {
    let of = |fault: &Fault| {
        let ranking = ranking(day, fault, shift);
        let cause = day.names.iter().position(|name| *name == fault.service)?;
        let is =
            |s: &quarterdeck::analysis::suspects::Suspect| s.culprit == Culprit::Service(cause);
        let place = ranking.suspects.iter().position(is);
        Some(place? + 1)
    };
    day.faults.iter().map(of).collect()
}

fn share(places: &[Option<usize>], within: usize) -> f64 {
    let hits = places.iter().flatten().filter(|place| **place <= within).count();
    hits as f64 / places.len().max(1) as f64
}

/// All rows of the table for this corpus.
pub(crate) fn run(corpora: &Path) -> Vec<Row> {
    let goals = [
        (1, 0.65, "MicroRCA .161, MicroScope .125"),
        (3, 0.78, "MicroRCA .625, MicroScope .411"),
        (5, 0.85, "MicroRCA .928, MicroScope .554"),
    ];
    let mut rows = Vec::new();
    for day in load(corpora) {
        for (within, goal, published) in goals {
            let ours = share(&places(&day, 0), within);
            let what = format!("{}: AS@{within}", day.name);
            rows.push(Row { corpus: "Nezha", what, ours, goal: Some(goal.into()), published });
        }
        let all = places(&day, 0);
        let (first, second) = all.split_at(all.len() / 2);
        for (half, name) in [(first, "first"), (second, "second")] {
            let what = format!("{}: AS@1, {name} half of the faults", day.name);
            let (ours, goal) = (share(half, 1), Some(0.65.into()));
            rows.push(Row { corpus: "Nezha", what, ours, goal, published: "" });
        }
        let moved = (-5..=5).map(|shift| share(&places(&day, shift), 3));
        let ours = moved.fold(1.0, f64::min);
        let what = format!("{}: AS@3, worst onset within ±5 minutes", day.name);
        rows.push(Row { corpus: "Nezha", what, ours, goal: Some(0.68.into()), published: "" });
    }
    rows
}
