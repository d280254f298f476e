//! A value from earlier ones: linear autoregression on the last few steps and on the same time of earlier
//! seasons.
//!
//! ```text
//! y(t) − ȳ = c₀ + Σ cᵢ · (y(t − lᵢ) − ȳ)      l: 1, 2, 3; around one and two days; each day; around a week
//! ```
//!
//! The coefficients minimise the weighted squares Σ w(t)·e(t)² with a ridge of RIDGE times the variance
//! (Hoerl and Kennard, Technometrics 12, 1970), w halving about every three weeks of hourly steps; coming
//! values are put in one after the other. A seasonal lag with its neighbours is what a multiplicative
//! seasonal ARIMA has when multiplied out (Box and Jenkins 1970); two seasons as in Taylor, JORS 54, 2003.
//! Steps that were filled in do not count as something to explain.
//!
//! Time O(n·k² + k³) for n steps and k ≤ 31 lags: about a millisecond for six weeks of hours.

/// Ridge, as a share of the variance.
const RIDGE: f64 = 1e-4;
/// Weight of a step one longest season older than another.
const DECAY: f64 = 0.8;
/// Rows for each coefficient, at least; otherwise lags of the longest season are left out.
const ROWS_PER_LAG: usize = 4;

/// Steps back that explain a step, for seasons of these lengths (shortest first).
pub(super) fn lags(seasons: &[usize]) -> Vec<usize> {
    let mut lags: Vec<usize> = vec![1, 2, 3];
    let mut around = |middle: usize, reach: usize| {
        lags.extend((middle.saturating_sub(reach)..=middle + reach).filter(|lag| *lag > 0));
    };
    if let Some(&day) = seasons.first() {
        around(day, 2);
        around(2 * day, 1);
        if let Some(&week) = seasons.get(1) {
            (3..week / day).for_each(|days| around(days * day, 0));
            around(week.saturating_sub(day), 1);
            around(week, 2);
            around(week + day, 1);
        }
    }
    lags.sort_unstable();
    lags.dedup();
    lags
}

/// The next `steps` values after `values`. Which of them are `known` and not filled in decides what is fitted.
pub(super) fn extend(values: &[f64], known: &[bool], seasons: &[usize], steps: usize) -> Vec<f64> {
    let n = values.len();
    let mut lags = lags(seasons);
    while lags.last().is_some_and(|last| n < last + ROWS_PER_LAG * lags.len()) {
        lags.pop();
    }
    let mean = values.iter().map(|v| v / n.max(1) as f64).sum::<f64>();
    let mut line: Vec<f64> = values.iter().map(|v| v - mean).collect();
    let Some(&longest) = lags.last() else { return vec![mean; steps] };
    let per_step = DECAY.powf(1.0 / seasons.last().copied().unwrap_or(longest).max(1) as f64);
    let (coefficients, drift) = fit(&line, known, &lags, per_step);
    let (low, high) = bounds(&line);
    for _ in 0..steps {
        let t = line.len();
        let next =
            drift + lags.iter().zip(&coefficients).map(|(l, c)| c * line[t - l]).sum::<f64>();
        // An unstable fit must not run away; the line never went further than its own height before.
        line.push(next.max(low).min(high));
    }
    line.drain(..n);
    line.iter().map(|v| v + mean).collect()
}

/// One height of the line below and above it.
fn bounds(line: &[f64]) -> (f64, f64) {
    let low = line.iter().copied().fold(f64::INFINITY, f64::min);
    let high = line.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let height = high - low;
    (low - height, high + height)
}

/// Coefficients per lag, and the constant.
fn fit(line: &[f64], known: &[bool], lags: &[usize], per_step: f64) -> (Vec<f64>, f64) {
    let (n, k) = (line.len(), lags.len() + 1);
    let longest = lags.last().copied().unwrap_or(0);
    let variance = line.iter().map(|v| v * v / n as f64).sum::<f64>();
    let mut matrix = vec![0.0; k * k];
    let mut right = vec![0.0; k];
    let mut row = vec![1.0; k];
    let (mut weight, mut total) = (1.0, 0.0);
    for t in (longest..n).rev() {
        weight *= per_step;
        if !known.get(t).copied().unwrap_or(false) {
            continue;
        }
        total += weight;
        for (cell, lag) in row.iter_mut().skip(1).zip(lags) {
            *cell = line[t - lag];
        }
        for i in 0..k {
            let scaled = weight * row[i];
            right[i] += scaled * line[t];
            for (cell, x) in matrix[i * k..=i * k + i].iter_mut().zip(&row) {
                *cell += scaled * x;
            }
        }
    }
    for i in 1..k {
        matrix[i * k + i] += RIDGE * variance * total;
    }
    let mut solution = solve(matrix, right);
    let drift = if solution.is_empty() { 0.0 } else { solution.remove(0) };
    (solution, drift)
}

/// Solves a symmetric, positive (semi)definite system given by its lower triangle, by Cholesky's method; an
/// unknown that nothing depends on is 0.
fn solve(mut matrix: Vec<f64>, mut right: Vec<f64>) -> Vec<f64> {
    let k = right.len();
    for j in 0..k {
        let before = matrix[j * k..j * k + j].iter().map(|x| x * x).sum::<f64>();
        let left = matrix[j * k + j] - before;
        let pivot = if left > matrix[j * k + j].abs() * 1e-12 { left.sqrt() } else { 0.0 };
        matrix[j * k + j] = pivot;
        for i in j + 1..k {
            let dot = (0..j).map(|c| matrix[i * k + c] * matrix[j * k + c]).sum::<f64>();
            matrix[i * k + j] = if pivot > 0.0 { (matrix[i * k + j] - dot) / pivot } else { 0.0 };
        }
    }
    for i in 0..k {
        let dot = (0..i).map(|c| matrix[i * k + c] * right[c]).sum::<f64>();
        let pivot = matrix[i * k + i];
        right[i] = if pivot > 0.0 { (right[i] - dot) / pivot } else { 0.0 };
    }
    for i in (0..k).rev() {
        let dot = (i + 1..k).map(|r| matrix[r * k + i] * right[r]).sum::<f64>();
        let pivot = matrix[i * k + i];
        right[i] = if pivot > 0.0 { (right[i] - dot) / pivot } else { 0.0 };
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lags_are_the_last_steps_the_same_hour_and_the_same_weekday() {
        assert_eq!(lags(&[]), [1, 2, 3]);
        assert_eq!(lags(&[4]), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let week = [
            1, 2, 3, 22, 23, 24, 25, 26, 47, 48, 49, 72, 96, 120, 143, 144, 145, 166, 167, 168,
            169, 170, 191, 192, 193,
        ];
        assert_eq!(lags(&[24, 168]), week);
    }

    #[test]
    fn a_recursion_that_made_the_line_is_found_again() {
        // y(t) = 1.5·y(t−1) − 0.8·y(t−2), a slowly dying swing, never quite at rest.
        let mut line = vec![10.0, 9.0];
        for t in 2..80 {
            line.push(1.5 * line[t - 1] - 0.8 * line[t - 2]);
        }
        let ahead = extend(&line, &[true; 80], &[], 3);
        let mut truth = line;
        (80..83).for_each(|t| truth.push(1.5 * truth[t - 1] - 0.8 * truth[t - 2]));
        for (a, b) in ahead.iter().zip(&truth[80..]) {
            assert!((a - b).abs() < 0.01, "{ahead:?} {:?}", &truth[80..]);
        }
    }

    #[test]
    fn filled_steps_explain_but_are_not_explained() {
        let wave = |t: usize| [0.0, 5.0, 9.0, 4.0][t % 4];
        let mut line: Vec<f64> = (0..120).map(wave).collect();
        let mut known = vec![true; 120];
        for t in 40..60 {
            (line[t], known[t]) = (100.0, false);
        }
        let with = extend(&line, &known, &[4], 8);
        let taken = extend(&line, &[true; 120], &[4], 8);
        let off = |f: &[f64]| (0..8).map(|h| (f[h] - wave(120 + h)).abs()).sum::<f64>();
        assert!(off(&with) < 0.8 * off(&taken), "{with:?} {taken:?}");
    }

    proptest! {
        #[test]
        fn the_triangle_solver_solves(rows in prop::collection::vec(prop::collection::vec(-9.0..9.0f64, 4), 6..12)) {
            // A Gram matrix and what it makes of 1, 2, 3, 4.
            let cell = |i: usize, j: usize| {
                rows.iter().map(|r| r[i] * r[j]).sum::<f64>() + if i == j { 1.0 } else { 0.0 }
            };
            let matrix: Vec<f64> = (0..16).map(|at| cell(at / 4, at % 4)).collect();
            let right = (0..4).map(|i| (0..4).map(|j| cell(i, j) * (j + 1) as f64).sum()).collect();
            for (got, wanted) in solve(matrix, right).into_iter().zip([1.0, 2.0, 3.0, 4.0]) {
                prop_assert!((got - wanted).abs() < 1e-6);
            }
        }

        #[test]
        fn nothing_runs_away(line in prop::collection::vec(-1e6..1e6f64, 0..200), season in 1..30usize) {
            let (low, high) = bounds(&line);
            for value in extend(&line, &vec![true; line.len()], &[season, season * 7], 50) {
                prop_assert!(line.is_empty() || (low - 1.0..=high + 1.0).contains(&value));
            }
        }
    }
}
