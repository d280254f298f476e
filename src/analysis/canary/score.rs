//! From compared metrics to a score, and from the score to what is done.

use std::collections::BTreeMap;

use super::Class;

/// A metric that was compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Its name.
    pub name: String,
    /// How it compares.
    pub class: Class,
    /// Whether its failure fails everything.
    pub critical: bool,
    /// It is looked at and does not count.
    pub muted: bool,
    /// The groups it counts in.
    pub groups: Vec<String>,
}

/// Scores that lead to a verdict, in percent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// At least this passes; 95.
    pub pass: f64,
    /// At most this fails; 75.
    pub marginal: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { pass: 95.0, marginal: 75.0 }
    }
}

/// What follows for the canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// More traffic may go to it.
    GoOn,
    /// It stays as it is: neither good nor bad enough, or too little was seen.
    Hold,
    /// It goes back.
    RollBack,
}

impl Verdict {
    /// On the screen and in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GoOn => "go on",
            Self::Hold => "hold",
            Self::RollBack => "roll back",
        }
    }
}

/// All metrics together.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// From 0 to 100.
    pub score: f64,
    /// What follows.
    pub verdict: Verdict,
    /// The critical metrics that failed.
    pub failed: Vec<String>,
    /// Metrics without data, of those that count.
    pub silent: usize,
    /// Metrics that count.
    pub all: usize,
}

/// Scores metrics by groups; groups without a weight share what is left of 100.
pub fn score(all: &[Judged], weights: &BTreeMap<String, f64>, thresholds: Thresholds) -> Scored {
    let counted: Vec<&Judged> = all.iter().filter(|one| !one.muted).collect();
    let failed: Vec<String> = counted
        .iter()
        .filter(|one| one.critical && one.class != Class::Pass)
        .map(|one| one.name.clone())
        .collect();
    let silent = counted.iter().filter(|one| one.class == Class::NoData).count();
    let mostly_silent = silent * 2 >= counted.len();
    let score =
        if !failed.is_empty() || mostly_silent { 0.0 } else { by_groups(&counted, weights) };
    // A metric that is worse is worse, however few there are; without data nothing is known.
    let verdict = if !failed.is_empty() && failed.len() > critical_silent(&counted) {
        Verdict::RollBack
    } else if mostly_silent || !failed.is_empty() {
        Verdict::Hold
    } else if score >= thresholds.pass {
        Verdict::GoOn
    } else if score <= thresholds.marginal {
        Verdict::RollBack
    } else {
        Verdict::Hold
    };
    Scored { score, verdict, failed, silent, all: counted.len() }
}

/// Critical metrics about which nothing is known.
fn critical_silent(counted: &[&Judged]) -> usize {
    counted.iter().filter(|one| one.critical && one.class == Class::NoData).count()
}

fn by_groups(counted: &[&Judged], weights: &BTreeMap<String, f64>) -> f64 {
    // Passed and counted, by group; one without data is passed over.
    let mut groups: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for one in counted {
        for group in &one.groups {
            let entry = groups.entry(group).or_default();
            if one.class != Class::NoData {
                entry.1 += 1.0;
                entry.0 += if one.class == Class::Pass { 1.0 } else { 0.0 };
            }
        }
    }
    let given: f64 = weights.values().sum();
    let without = groups.keys().filter(|group| !weights.contains_key(**group)).count();
    let share = if without == 0 { 0.0 } else { (100.0 - given).max(0.0) / without as f64 };
    let each = groups.iter().map(|(group, (passed, counted))| {
        let weight = weights.get(*group).copied().unwrap_or(share);
        if *counted == 0.0 { weight } else { passed * weight / counted }
    });
    each.sum()
}
