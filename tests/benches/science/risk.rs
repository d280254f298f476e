//! Change risk on ApacheJIT (Keshavarz and Nagappan, MSR 2022): 2,137 commits of eight projects, each
//! labelled whether it brought a bug. Only lines and files are known of them, so the rules add nothing.

use std::collections::BTreeMap;
use std::path::Path;

use quarterdeck::analysis::risk::{RiskLevel, risk};
use quarterdeck::domain::{
    Change, ChangeKey, ChangeKind, ChangeSize, ChangeState, Reviewed, SourceId, Timestamp,
};

use super::row::{Row, gunzip};

/// A commit as it was judged.
struct Judged {
    points: u32,
    level: Option<RiskLevel>,
    bad: bool,
}

fn change(added: u32, files: u32) -> Change {
    Change {
        key: ChangeKey { source: SourceId::new("git"), id: "".into() },
        at: Timestamp::from_millis(0),
        kind: ChangeKind::Merge,
        service: None,
        title: "".into(),
        author: "".into(),
        reviewed: Reviewed::Unknown,
        before: "".into(),
        after: "".into(),
        state: ChangeState::Unknown,
        size: Some(ChangeSize { added, files, ..ChangeSize::default() }),
        with: Vec::new(),
        url: "".into(),
    }
}

/// The chance that a bad commit has more points than a good one, ties counting half.
fn auc(judged: &[&Judged]) -> f64 {
    let (bad, good): (Vec<&Judged>, Vec<&Judged>) = judged.iter().partition(|one| one.bad);
    let wins = bad.iter().flat_map(|b| good.iter().map(|g| b.points.cmp(&g.points)));
    let won: f64 = wins.map(|order| (f64::from(order as i8) + 1.0) / 2.0).sum();
    won / (bad.len() * good.len()) as f64
}

fn share(judged: &[&Judged]) -> f64 {
    judged.iter().filter(|one| one.bad).count() as f64 / judged.len() as f64
}

/// All rows of the table for this corpus.
pub(crate) fn run(corpora: &Path) -> Vec<Row> {
    let text = gunzip(&corpora.join("change-risk/commits.csv.gz"));
    let mut lines = text.lines();
    let heading: Vec<&str> = lines.next().expect("a heading").split(',').collect();
    let place = |name| heading.iter().position(|cell| *cell == name).expect("a column");
    let (project, buggy, la, nf) = (place("project"), place("buggy"), place("la"), place("nf"));
    let mut by_project: BTreeMap<String, Vec<Judged>> = BTreeMap::new();
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let count = |at: usize| cells[at].parse::<f64>().expect("a count") as u32;
        let found = risk(&change(count(la), count(nf)), [], &[]);
        by_project.entry(cells[project].to_owned()).or_default().push(Judged {
            points: found.points,
            level: found.level,
            bad: cells[buggy] == "True",
        });
    }
    let mut all: Vec<&Judged> = by_project.values().flatten().collect();
    let each = by_project.values().map(|of| auc(&of.iter().collect::<Vec<_>>()));
    let mean = each.sum::<f64>() / by_project.len() as f64;
    all.sort_by_key(|one| std::cmp::Reverse(one.points));
    let caught = all[..all.len() / 5].iter().filter(|one| one.bad).count() as f64;
    let bad = all.iter().filter(|one| one.bad).count() as f64;
    let of = |level| {
        let those = all.iter().copied().filter(|one| one.level == Some(level));
        share(&those.collect::<Vec<_>>())
    };
    let row = |what: &str, ours: f64, goal: Option<f64>| Row {
        corpus: "ApacheJIT",
        what: what.into(),
        ours,
        goal: goal.map(Into::into),
        published: "",
    };
    vec![
        row("AUC, all commits", auc(&all), Some(0.80)),
        row("AUC, mean of the projects", mean, Some(0.80)),
        row("share of the bad in the fifth with most points", caught / bad, None),
        row("bad commits among those of low risk", of(RiskLevel::Low), None),
        row("bad commits among those of middle risk", of(RiskLevel::Middle), None),
        row("bad commits among those of high risk", of(RiskLevel::High), None),
    ]
}
