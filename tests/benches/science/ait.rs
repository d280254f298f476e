//! AIT alert data set (Landauer et al., 2023): days of alerts of three detectors with ten phases of
//! an attack in them. Reduction is 1 − groups / alerts; purity the share of alerts that have the
//! label of most of their group; recall the share of phases that are what most of a group is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

use quarterdeck::analysis::correlation::{Correlator, GroupId, Layer, Raised};
use quarterdeck::domain::{SafeText, Timestamp};

use super::row::{Row, gunzip};

struct Labelled {
    raised: Raised,
    label: String,
}

fn load(path: &Path) -> Vec<Labelled> {
    let text = gunzip(path);
    let mut alerts: Vec<Labelled> = text.lines().skip(1).filter_map(line).collect();
    alerts.sort_by(|a, b| a.raised.cmp(&b.raised));
    alerts
}

/// `time,name,ip,host,short,time_label,event_label`; a name with a comma is in quotes.
fn line(line: &str) -> Option<Labelled> {
    let (time, rest) = line.split_once(',')?;
    let (name, rest) = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split_once("\",")?,
        None => rest.split_once(',')?,
    };
    let mut cells = rest.split(',');
    let host = cells.nth(1)?;
    let label = cells.nth(1)?;
    let raised = Raised {
        at: Timestamp::from_seconds(time.parse().ok()?),
        kind: SafeText::new(name),
        place: SafeText::new(host),
        layer: Layer::Infrastructure,
        ..Raised::default()
    };
    Some(Labelled { raised, label: label.to_owned() })
}

/// All rows of the table for this corpus.
pub(crate) fn run(corpora: &Path) -> Vec<Row> {
    let mut paths: Vec<_> = std::fs::read_dir(corpora.join("ait-alerts"))
        .expect("the corpus")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "gz"))
        .collect();
    paths.sort();
    let mut rows = Vec::new();
    let mut largest = Vec::new();
    for path in &paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = name.replace("_alerts.csv.gz", "");
        let alerts = load(path);
        let mut correlator = Correlator::default();
        let mut groups: BTreeMap<GroupId, BTreeMap<&str, usize>> = BTreeMap::new();
        for alert in &alerts {
            let group = groups.entry(correlator.add(&alert.raised)).or_default();
            *group.entry(&alert.label).or_default() += 1;
        }
        let most = |labels: &BTreeMap<&str, usize>| {
            labels
                .iter()
                .map(|(label, count)| (*count, label.to_string()))
                .max()
                .unwrap_or_default()
        };
        let majorities: Vec<(usize, String)> = groups.values().map(most).collect();
        let phases: BTreeSet<&str> = alerts
            .iter()
            .map(|alert| alert.label.as_str())
            .filter(|l| *l != "false_positive")
            .collect();
        let found =
            phases.iter().filter(|p| majorities.iter().any(|(_, label)| label == **p)).count();
        let pure: usize = majorities.iter().map(|(count, _)| count).sum();
        let reduction = correlator.reduction().share().unwrap_or_default();
        let row = |what: &str, ours: f64, goal: f64, published| Row {
            corpus: "AIT-ADS",
            what: format!("{name}: {what}"),
            ours,
            goal: Some(goal.into()),
            published,
        };
        rows.push(row("reduction", reduction, 0.985, "sessions by name and host: .949 to .987"));
        rows.push(row("purity", pure as f64 / alerts.len() as f64, 0.96, ".916 to .989"));
        rows.push(row("phases found", found as f64 / phases.len() as f64, 0.9, ".80 to 1.0"));
        if alerts.len() > largest.len() {
            largest = alerts.into_iter().map(|alert| alert.raised).collect::<Vec<_>>();
        }
    }
    rows.push(Row {
        corpus: "AIT-ADS",
        what: "alerts a second, of 500,000".into(),
        ours: 500_000.0 / half_a_million(&largest),
        goal: Some(50_000.0.into()),
        published: "",
    });
    rows
}

/// The largest scenario again and again, a week later each time.
fn half_a_million(alerts: &[Raised]) -> f64 {
    let week = 7 * 24 * 3_600_000;
    let many: Vec<Raised> = (0..)
        .flat_map(|round| {
            alerts.iter().map(move |raised| Raised {
                at: Timestamp::from_millis(raised.at.millis() + round * week),
                ..raised.clone()
            })
        })
        .take(500_000)
        .collect();
    let began = Instant::now();
    let correlator = Correlator::fold(&[], &many);
    assert_eq!(correlator.reduction().alerts, many.len());
    began.elapsed().as_secs_f64()
}
