//! loghub-2k (Zhu et al., ISSRE 2023): 2,000 log messages a system with the true template. Grouping
//! accuracy: the share of messages whose group is exactly the true one.

use std::collections::BTreeMap;
use std::path::Path;

use quarterdeck::analysis::correlation::templates::Templates;

use super::row::{Row, gunzip};

/// All rows of the table for this corpus.
pub(crate) fn run(corpora: &Path) -> Vec<Row> {
    let mut paths: Vec<_> = std::fs::read_dir(corpora.join("loghub-2k"))
        .expect("the corpus")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "gz"))
        .collect();
    paths.sort();
    let mut rows = Vec::new();
    for path in &paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().replace(".csv.gz", "");
        rows.push(Row {
            corpus: "loghub-2k",
            what: format!("{name}: grouping accuracy"),
            ours: accuracy(&gunzip(path)),
            goal: None,
            published: "",
        });
    }
    let ours = rows.iter().map(|row| row.ours).sum::<f64>() / rows.len() as f64;
    rows.push(Row {
        corpus: "loghub-2k",
        what: "mean grouping accuracy, one configuration".into(),
        ours,
        goal: Some(0.83.into()),
        published: "Drain .925 (tuned per system), masking alone .704",
    });
    rows
}

fn accuracy(text: &str) -> f64 {
    let mut templates = Templates::default();
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut truth: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut count = 0;
    for line in text.lines().skip(1) {
        let Some((event, message)) = line.split_once(',') else { continue };
        let message =
            message.strip_prefix('"').and_then(|m| m.strip_suffix('"')).unwrap_or(message);
        groups.entry(templates.add(&message.replace("\"\"", "\""))).or_default().push(count);
        truth.entry(event).or_default().push(count);
        count += 1;
    }
    let true_groups: std::collections::BTreeSet<&Vec<usize>> = truth.values().collect();
    let right: usize = groups.values().filter(|g| true_groups.contains(g)).map(Vec::len).sum();
    right as f64 / f64::from(u32::try_from(count).expect("few"))
}
