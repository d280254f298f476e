//! Whether a canary does as well as the baseline beside it.
//!
//! Kayenta's judge (Netflix/Spinnaker, NetflixACAJudge): each metric of the canary is compared with the same
//! metric of the baseline by a two-sided Mann-Whitney test with location shift, the shares of metrics that
//! pass become a score, the score a verdict.
//!
//! ```text
//! W(μ) = (R − n(n+1)/2 − nm/2 − ½·sign) / σ       R: ranks of canary − μ among both, σ corrected for ties
//! interval: the roots of W(μ) = ±z(1 − α/2) on [min x − max y, max x − min y];  estimate: the root of W(μ) = 0
//! High: lower end > +tolerance·|estimate|,  Low: upper end < −tolerance·|estimate|,  and the effect is as large
//! ```
//!
//! O(n + m) for each step of the search of the three roots, some two hundred and fifty steps. Below four
//! values on either side no difference can reach 95 %, so [`compare_enough`] says nothing then:
//! no data is neither a pass nor a failure.

mod score;
mod shift;

pub use score::{Judged, Scored, Thresholds, Verdict, score};
pub use shift::{Shift, shift};

/// Fewest values on each side for a difference to be seen at 95 %.
pub const ENOUGH: usize = 4;

/// Which way is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// More is worse: errors, latency.
    Increase,
    /// Less is worse: throughput, sales.
    Decrease,
    /// Any difference is.
    Either,
}

/// What a gap in a series means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gaps {
    /// It is left out.
    Remove,
    /// It is zero, as of a counter of errors that has none.
    Zero,
}

/// How the size of a difference is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Mean of the canary over mean of the baseline; none where either is zero, and then not asked for.
    MeanRatio,
    /// How often a value of the canary is above one of the baseline, ties counting half.
    CommonLanguage,
}

/// How a metric is compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// Which way is worse.
    pub direction: Direction,
    /// What a gap means.
    pub gaps: Gaps,
    /// Whether its failure fails everything.
    pub critical: bool,
    /// Whether having no data is a failure.
    pub required: bool,
    /// Share of the estimated shift that the interval must stay away from zero; 0.25.
    pub tolerance: f64,
    /// Confidence of the interval; 0.95.
    pub confidence: f64,
    /// How the effect is measured.
    pub effect: Effect,
    /// Effects at most and at least this large count as low and high; 1 and 1 ask for nothing.
    pub thresholds: (f64, f64),
    /// The same for a critical failure.
    pub critical_thresholds: (f64, f64),
    /// Which test decides.
    pub test: Test,
}

/// Which test decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    /// Mann-Whitney with location shift.
    MannWhitney,
    /// The means alone differ by more than the tolerance: says nothing about chance.
    MeanInequality,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            direction: Direction::Increase,
            gaps: Gaps::Remove,
            critical: false,
            required: false,
            tolerance: 0.25,
            confidence: 0.95,
            effect: Effect::MeanRatio,
            thresholds: (1.0, 1.0),
            critical_thresholds: (1.0, 1.0),
            test: Test::MannWhitney,
        }
    }
}

/// How a metric of the canary compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Not worse.
    Pass,
    /// Significantly above the baseline.
    High,
    /// Significantly below it.
    Low,
    /// Nothing to compare.
    NoData,
    /// Nothing to compare where there has to be something.
    NoDataFails,
}

impl Class {
    /// On the screen and in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::High => "high",
            Self::Low => "low",
            Self::NoData => "no data",
            Self::NoDataFails => "no data, which fails",
        }
    }
}

/// A metric compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compared {
    /// How it compares.
    pub class: Class,
    /// Whether this fails everything.
    pub critical: bool,
    /// The effect; NaN where it cannot be measured.
    pub deviation: f64,
}

/// Leaves out values outside the fences p25 − f·IQR and p75 + f·IQR, widened to p1 and p99; f is 3 by habit.
pub fn without_outliers(values: &[f64], factor: f64) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    if sorted.is_empty() {
        return Vec::new();
    }
    let at = |share: f64| {
        let place = share * (sorted.len() - 1) as f64;
        let (low, part) = (place.floor() as usize, place.fract());
        let high = (low + 1).min(sorted.len() - 1);
        sorted[low] + part * (sorted[high] - sorted[low])
    };
    let range = at(0.75) - at(0.25);
    let low = (at(0.25) - factor * range).min(at(0.01));
    let high = (at(0.75) + factor * range).max(at(0.99));
    values.iter().copied().filter(|v| (low..=high).contains(v)).collect()
}

/// Compares a metric of the canary with the baseline's. NaN is a gap.
pub fn compare(baseline: &[f64], canary: &[f64], rule: &Rule) -> Compared {
    let usable = |values: &[f64]| -> Vec<f64> {
        match rule.gaps {
            Gaps::Remove => values.iter().copied().filter(|v| v.is_finite()).collect(),
            Gaps::Zero => values.iter().map(|v| if v.is_finite() { *v } else { 0.0 }).collect(),
        }
    };
    let (mut baseline, mut canary) = (usable(baseline), usable(canary));
    let says = |class, critical, deviation| Compared { class, critical, deviation };
    if baseline.is_empty() || canary.is_empty() {
        return match (rule.required, rule.gaps) {
            (true, _) => says(Class::NoDataFails, rule.critical, 1.0),
            (false, Gaps::Zero) => says(Class::Pass, false, 1.0),
            (false, Gaps::Remove) => says(Class::NoData, rule.critical, 1.0),
        };
    }
    baseline.sort_by(f64::total_cmp);
    canary.sort_by(f64::total_cmp);
    let first = canary[0];
    if baseline == canary || baseline.iter().chain(&canary).all(|value| *value == first) {
        return says(Class::Pass, false, 1.0);
    }
    let deviation = match rule.effect {
        Effect::MeanRatio => ratio(&baseline, &canary),
        Effect::CommonLanguage => common_language(&baseline, &canary),
    };
    let class =
        worse(&baseline, &canary, rule).filter(|class| reaches(deviation, rule.thresholds, *class));
    let Some(class) = class else { return says(Class::Pass, false, deviation) };
    let critical = rule.critical && reaches(deviation, rule.critical_thresholds, class);
    says(class, critical, deviation)
}

/// As [`compare`], but with fewer than [`ENOUGH`] values on a side it is as if there were none: Kayenta calls
/// one value against one a difference.
pub fn compare_enough(baseline: &[f64], canary: &[f64], rule: &Rule) -> Compared {
    let enough = |values: &[f64]| {
        rule.gaps == Gaps::Zero && values.len() >= ENOUGH
            || values.iter().filter(|value| value.is_finite()).count() >= ENOUGH
    };
    if enough(baseline) && enough(canary) {
        compare(baseline, canary, rule)
    } else {
        compare(&[], &[], &Rule { gaps: Gaps::Remove, ..*rule })
    }
}

/// Whether the difference is more than chance, in a direction that matters.
fn worse(baseline: &[f64], canary: &[f64], rule: &Rule) -> Option<Class> {
    let (high, low) = match rule.test {
        Test::MannWhitney => {
            let shift = shift(canary, baseline, rule.confidence);
            let bound = rule.tolerance * shift.estimate.abs();
            (shift.lower > bound, shift.upper < -bound)
        }
        Test::MeanInequality => {
            let (was, is) = (mean(baseline), mean(canary));
            let bound = rule.tolerance * was.abs();
            (is > was + bound, is < was - bound)
        }
    };
    match rule.direction {
        Direction::Increase | Direction::Either if high => Some(Class::High),
        Direction::Decrease | Direction::Either if low => Some(Class::Low),
        _ => None,
    }
}

/// Whether an effect is as large as asked for; one that cannot be measured is not asked for.
fn reaches(effect: f64, (low, high): (f64, f64), class: Class) -> bool {
    effect.is_nan() || if class == Class::High { effect >= high } else { effect <= low }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn ratio(baseline: &[f64], canary: &[f64]) -> f64 {
    let (was, is) = (mean(baseline), mean(canary));
    if was == 0.0 || is == 0.0 { f64::NAN } else { is / was }
}

/// Both are sorted.
fn common_language(baseline: &[f64], canary: &[f64]) -> f64 {
    let above = canary.iter().map(|value| {
        let below = baseline.partition_point(|one| one < value);
        let ties = baseline.partition_point(|one| one <= value) - below;
        below as f64 + ties as f64 / 2.0
    });
    above.sum::<f64>() / (baseline.len() * canary.len()) as f64
}

#[cfg(test)]
mod tests;
