//! The scoring rule of the Numenta Anomaly Benchmark v1.1 (Lavin and Ahmad, ICMLA 2015), from its description.
//!
//! The first min(⌊0.15·n⌋, 750) rows of a file do not count. A row is a detection when its score is at
//! least the threshold. In a window [l, r] of width w = r − l + 1, row i lies at p = −(r − i + 1)/w and is
//! worth s(p)/s(−1), where s(p) = 2/(1 + e^(5p)) − 1; only the best of a window counts, and a window with
//! none costs the weight of a miss. Outside, p = (i − r')/(w' − 1) after the last window [l', r'], worth
//! s(p) times the weight of a false alarm, −1 times it when p > 3 or before all windows. The sum over the
//! corpus is put between 0 (nothing detected) and 100 (all detected at once).

/// What a false alarm and a miss cost; a detection is worth 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Profile {
    pub(crate) name: &'static str,
    pub(crate) false_alarm: f64,
    pub(crate) miss: f64,
}

/// The three profiles of the benchmark.
pub(crate) const PROFILES: [Profile; 3] = [
    Profile { name: "standard", false_alarm: 0.11, miss: 1.0 },
    Profile { name: "reward low FP", false_alarm: 0.22, miss: 1.0 },
    Profile { name: "reward low FN", false_alarm: 0.11, miss: 2.0 },
];

/// One file's scores and labels.
pub(crate) struct Scored<'a> {
    /// A score per row.
    pub(crate) scores: &'a [f64],
    /// First and last row of each labelled window, in order.
    pub(crate) windows: &'a [(usize, usize)],
}

/// Rows at the beginning of a file that do not count.
pub(crate) fn probation(rows: usize) -> usize {
    (rows * 15 / 100).min(750)
}

fn sigmoid(p: f64) -> f64 {
    2.0 / (1.0 + (5.0 * p).exp()) - 1.0
}

/// The unscaled score of one file.
pub(crate) fn raw(file: &Scored<'_>, threshold: f64, profile: Profile) -> f64 {
    let mut best: Vec<Option<f64>> = vec![None; file.windows.len()];
    let mut outside = 0.0;
    for (i, score) in file.scores.iter().enumerate().skip(probation(file.scores.len())) {
        if *score < threshold {
            continue;
        }
        if let Some(w) = file.windows.iter().position(|&(l, r)| (l..=r).contains(&i)) {
            let (l, r) = file.windows[w];
            let p = -((r - i + 1) as f64) / (r - l + 1) as f64;
            let worth = sigmoid(p) / sigmoid(-1.0);
            best[w] = Some(best[w].map_or(worth, |b: f64| b.max(worth)));
        } else {
            let before = file.windows.iter().rev().find(|&&(_, r)| r < i);
            let p = before.map(|&(l, r)| (i - r) as f64 / (r - l) as f64);
            outside += match p {
                Some(p) if p <= 3.0 => sigmoid(p) * profile.false_alarm,
                _ => -profile.false_alarm,
            };
        }
    }
    outside + best.iter().map(|b| b.unwrap_or(-profile.miss)).sum::<f64>()
}

/// The benchmark's figure for a set of files, 0 for silence and 100 for perfection.
pub(crate) fn figure(files: &[Scored<'_>], threshold: f64, profile: Profile) -> f64 {
    let windows: usize = files.iter().map(|file| file.windows.len()).sum();
    let sum: f64 = files.iter().map(|file| raw(file, threshold, profile)).sum();
    let n = windows as f64;
    100.0 * (sum + n * profile.miss) / (n * (1.0 + profile.miss))
}
