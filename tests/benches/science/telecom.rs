//! Telecom alarms (Huawei, NeurIPS 2023 causal structure learning contest): 30,691 alarms of 59
//! kinds on 45 devices, and the true graph of which kind causes which.

use std::collections::BTreeSet;
use std::path::Path;

use quarterdeck::analysis::correlation::causes::{Event, WINDOW, causes};
use quarterdeck::domain::Timestamp;

use super::row::{Row, gunzip};

fn matrix(path: &Path) -> BTreeSet<(usize, usize)> {
    let text = std::fs::read_to_string(path).expect("a matrix");
    let rows = text.lines().enumerate().flat_map(|(row, line)| {
        let cells = line.split(',').enumerate();
        cells.filter(|(_, cell)| *cell == "1").map(move |(column, _)| (row, column))
    });
    rows.collect()
}

/// All rows of the table for this corpus.
pub(crate) fn run(corpora: &Path) -> Vec<Row> {
    let folder = corpora.join("telecom-alarms");
    let event = |line: &str| {
        let mut cells = line.split(',').map(|cell| cell.parse::<i64>().ok());
        let (kind, place) = (cells.next()??, cells.next()??);
        Some(Event {
            at: Timestamp::from_millis(cells.next()?? * 1_000),
            place: usize::try_from(place).ok()?,
            kind: usize::try_from(kind).ok()?,
        })
    };
    let events: Vec<Event> =
        gunzip(&folder.join("alarm.csv.gz")).lines().skip(1).filter_map(event).collect();
    let neighbours: Vec<_> = matrix(&folder.join("topology.csv")).into_iter().collect();
    let truth = matrix(&folder.join("true_graph.csv"));
    let found = causes(&events, &neighbours, WINDOW);
    let right = found.iter().filter(|c| truth.contains(&(c.cause, c.effect))).count() as f64;
    let (all, wanted) = (found.len() as f64, truth.len() as f64);
    let row = |what: &str, ours: f64, goal: f64, published| Row {
        corpus: "Telecom",
        what: what.into(),
        ours,
        goal: Some(goal.into()),
        published,
    };
    vec![
        row("edges found", all, 80.0, ""),
        row("precision", right / all, 0.97, ""),
        row("F1", 2.0 * right / (all + wanted), 0.80, ".796 (counting within 20 minutes)"),
        row(
            "g-score of the contest",
            (2.0 * right - all).max(0.0) / wanted,
            0.64,
            ".08 to 1.0 on other sets",
        ),
    ]
}
