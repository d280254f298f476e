//! A line's coming steps with their spread, from evenly spaced values.
//!
//! Three ways of continuing are tried where the answer is known, on the newest part of the line:
//!
//! - *season*: ¾ autoregression (mean of the raw and, for positive lines, the logarithmic scale) and ¼
//!   exponential smoothing. Averaging methods is the safest gain there is (Bates and Granger, OR 20, 1969);
//! - *trend*: the same on what is left of a straight line through all of it;
//! - *recent trend*: a straight line through the newest part alone, with the seasons of the rest.
//!
//! The first is kept unless another was better by a clear margin. The interval is from the same trial, no
//! matter what the fit says of itself:
//!
//! ```text
//! half(h) = z · √ mean of e² over all trials and the steps near h       z = 2.2 + 1.5/trials
//! ```
//!
//! Behind the last step tried it grows with √h for a season and with h for a trend. 2.2 and not 1.96, since
//! errors have heavier tails than the normal distribution and a few trials underestimate them (chosen on
//! the public half of the M4 hourly data; conformal in spirit: Vovk, Gammerman and Shafer 2005).

use super::grid::Grid;
use super::{autoregression, holt_winters, season};

/// Share of exponential smoothing in the mean.
const SMOOTHING: f64 = 0.25;
/// Origins from which forecasts are tried.
const TRIALS: usize = 10;
/// A trend must have done better than this share of the error without.
const CLEARLY: f64 = 0.8;
/// Fewest known values before the first trial.
pub(super) const LEAST: usize = 16;

/// Evenly spaced values; which of them were measured and not filled in.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) values: &'a [f64],
    pub(super) known: &'a [bool],
    pub(super) seasons: &'a [usize],
}

/// How a line is continued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Season,
    Trend,
    RecentTrend,
}

/// A trial: how many values it had seen, and what it said of the next ones.
pub(super) type Trial = (usize, Vec<f64>);

/// A continued line.
#[derive(Debug, Clone)]
pub(super) struct Projection {
    pub(super) way: Way,
    pub(super) mean: Vec<f64>,
    pub(super) half: Vec<f64>,
    /// Oldest first.
    pub(super) trials: Vec<Trial>,
}

/// The next `steps`; `None` when too little is known to try anything.
pub(super) fn project(line: Line<'_>, steps: usize) -> Option<Projection> {
    let n = line.values.len();
    let longest = line.seasons.last().copied().unwrap_or(1);
    let ahead = steps.min(n / 3);
    let first = LEAST.max(2 * longest).min(n.saturating_sub(ahead));
    if ahead == 0 || n < ahead + LEAST {
        return None;
    }
    // Spread over the newest part, each a quarter of the horizon before the other where there is room.
    let room = n - ahead - first;
    let apart = (steps / 4).max(1).min((room / (TRIALS - 1)).max(1));
    let mut origins: Vec<usize> = (0..TRIALS)
        .map_while(|k| (n - ahead).checked_sub(k * apart))
        .filter(|o| *o >= first)
        .collect();
    origins.reverse();
    let ways = [Way::Season, Way::Trend, Way::RecentTrend];
    let tried = ways.map(|way| {
        let forecasts = continued(line, way, &origins, ahead, steps);
        let trials: Vec<Trial> = origins.iter().copied().zip(forecasts.1).collect();
        let error = squares(line, &trials, 0, ahead).map_or(f64::INFINITY, |(abs, _)| abs);
        (error, way, forecasts.0, trials)
    });
    let [plain, others @ ..] = tried;
    let better = others.into_iter().filter(|other| other.0 < CLEARLY * plain.0);
    let (_, way, mean, trials) = better.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or(plain);
    let mut half = halves(line, &trials, ahead);
    let edge = half.last().copied().unwrap_or(0.0);
    half.extend((ahead..steps).map(|h| {
        let further = (h + 1) as f64 / ahead as f64;
        edge * if way == Way::Season { further.sqrt() } else { further }
    }));
    Some(Projection { way, mean, half, trials })
}

/// Half the height of the band at each step tried.
fn halves(line: Line<'_>, trials: &[Trial], ahead: usize) -> Vec<f64> {
    let z = 2.2 + 1.5 / trials.len().max(1) as f64;
    let near = (ahead / 4).max(1);
    let mut known = 0.0;
    let at = |h: usize| {
        let spread = squares(line, trials, h.saturating_sub(near), (h + near + 1).min(ahead));
        known = spread.map_or(known, |(_, square)| z * square.sqrt());
        known
    };
    (0..ahead).map(at).collect()
}

/// Mean absolute and mean squared error of the known steps from `from` to before `to` of all trials.
fn squares(line: Line<'_>, trials: &[Trial], from: usize, to: usize) -> Option<(f64, f64)> {
    let errors = trials.iter().flat_map(|(origin, forecast)| {
        (from..to).filter_map(move |h| {
            let at = origin + h;
            let known = line.known.get(at).copied().unwrap_or(false);
            (known).then(|| line.values[at] - forecast[h])
        })
    });
    let (abs, square, count) =
        errors.fold((0.0, 0.0, 0.0), |(a, s, n), e| (a + e.abs(), s + e * e, n + 1.0));
    (count > 0.0).then(|| (abs / count, square / count))
}

/// How well the trials went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Judged {
    pub(super) smape: f64,
    pub(super) mase: f64,
    pub(super) error: f64,
    pub(super) coverage: f64,
    pub(super) count: usize,
}

/// Judges a projection by its own trials; each one's band is made from the others.
pub(super) fn judge(line: Line<'_>, projection: &Projection) -> Judged {
    let Line { values, known, seasons } = line;
    let (mut smape, mut error, mut inside, mut count) = (0.0, 0.0, 0usize, 0usize);
    for (at, (origin, said)) in projection.trials.iter().enumerate() {
        let mut others = projection.trials.clone();
        others.remove(at);
        let half = halves(line, &others, said.len());
        for ((h, f), half) in said.iter().enumerate().zip(half) {
            let (Some(y), Some(true)) = (values.get(origin + h), known.get(origin + h)) else {
                continue;
            };
            let off = (y - f).abs();
            let size = y.abs() + f.abs();
            smape += if size > 0.0 { 200.0 * off / size } else { 0.0 };
            error += off;
            inside += usize::from(off <= half);
            count += 1;
        }
    }
    let all = count.max(1) as f64;
    let season = seasons.first().copied().unwrap_or(1);
    let moved = (season..values.len()).filter(|t| known[*t] && known[t - season]);
    let (sum, pairs) =
        moved.fold((0.0, 0.0), |(s, n), t| (s + (values[t] - values[t - season]).abs(), n + 1.0));
    let usual: f64 = if pairs > 0.0 { sum / pairs } else { 0.0 };
    let mase = if usual > 0.0 { error / all / usual } else { 0.0 };
    Judged { smape: smape / all, mase, error: error / all, coverage: inside as f64 / all, count }
}

/// From the end for `steps`, and from each origin for `ahead`.
fn continued(
    line: Line<'_>,
    way: Way,
    origins: &[usize],
    ahead: usize,
    steps: usize,
) -> (Vec<f64>, Vec<Vec<f64>>) {
    let n = line.values.len();
    match way {
        Way::Season => seasonal(line, origins, ahead, steps),
        Way::Trend | Way::RecentTrend => {
            let one = |end: usize, count: usize| {
                let (values, known) = (&line.values[..end], &line.known[..end]);
                let part = Line { values, known, ..line };
                let slope = slope(part, if way == Way::Trend { end } else { (end / 4).max(8) });
                let flat: Vec<f64> =
                    values.iter().enumerate().map(|(t, v)| v - slope * t as f64).collect();
                let left = Line { values: &flat, ..part };
                let flat = match way {
                    // The level is where the line is now, whatever it was before it began to climb.
                    Way::RecentTrend => recent(left, count),
                    _ => autoregression::extend(&flat, known, line.seasons, count),
                };
                flat.iter().zip(end..).map(|(v, t)| v + slope * t as f64).collect::<Vec<f64>>()
            };
            (one(n, steps), origins.iter().map(|origin| one(*origin, ahead)).collect())
        }
    }
}

fn seasonal(
    line: Line<'_>,
    origins: &[usize],
    ahead: usize,
    steps: usize,
) -> (Vec<f64>, Vec<Vec<f64>>) {
    let Line { values, known, seasons } = line;
    let n = values.len();
    let smoothed = |values: &[f64]| {
        let mut all = origins.to_vec();
        all.push(n);
        holt_winters::extend(values, known, seasons, &all, steps)
    };
    let recursion = |values: &[f64], end: usize, count: usize| {
        autoregression::extend(&values[..end], &known[..end], seasons, count)
    };
    // The logarithm only where the line is far from zero for it.
    let logs: Option<Vec<f64>> =
        values.iter().all(|v| *v > 0.0).then(|| values.iter().map(|v| v.ln()).collect());
    let raw = smoothed(values);
    let log = logs.as_ref().map(|logs| smoothed(logs));
    let one = |at: usize, end: usize, count: usize| {
        let mix = |recursive: Vec<f64>, smooth: &[f64]| -> Vec<f64> {
            let pairs = recursive.iter().zip(smooth);
            pairs.map(|(r, s)| (1.0 - SMOOTHING) * r + SMOOTHING * s).collect()
        };
        let plain = mix(recursion(values, end, count), &raw[at]);
        let (Some(logs), Some(log)) = (&logs, &log) else { return plain };
        let back = |f: Vec<f64>| -> Vec<f64> { f.into_iter().map(f64::exp).collect() };
        let smooth = back(log[at].clone());
        let other = mix(back(recursion(logs, end, count)), &smooth);
        plain.iter().zip(other).map(|(a, b)| 0.5 * (a + b)).collect()
    };
    let trials = origins.iter().enumerate().map(|(at, end)| one(at, *end, ahead)).collect();
    (one(origins.len(), n, steps), trials)
}

/// Theil's and Sen's slope: the median over pairs of means, one mean per season (or twentieth), of the newest `over`
/// steps. Half of them may be outages.
fn slope(line: Line<'_>, over: usize) -> f64 {
    let n = line.values.len();
    let from = n - over.min(n);
    let season = line.seasons.first().copied().unwrap_or(1);
    let block = match over / 20 {
        0 => 1,
        wide if season > 1 && 3 * season <= over => wide.div_ceil(season) * season,
        wide => wide,
    };
    let mut means = Vec::new();
    let mut end = n;
    while end >= from + block {
        let part = end - block..end;
        let kept = part.clone().filter(|t| line.known[*t]);
        let (sum, count) = kept.fold((0.0, 0.0), |(s, c), t| (s + line.values[t], c + 1.0));
        if count > 0.0 {
            means.push((end as f64, sum / count));
        }
        end -= block;
    }
    let mut slopes: Vec<f64> = means
        .iter()
        .enumerate()
        .flat_map(|(at, (t, v))| means[at + 1..].iter().map(move |(u, w)| (v - w) / (t - u)))
        .collect();
    let middle = slopes.len() / 2;
    if slopes.is_empty() { 0.0 } else { *slopes.select_nth_unstable_by(middle, f64::total_cmp).1 }
}

/// The level of the newest part plus what each phase of the shortest season is off the line's own mean.
fn recent(line: Line<'_>, count: usize) -> Vec<f64> {
    let n = line.values.len();
    let season = line.seasons.first().copied().unwrap_or(1);
    let newest = (n / 8).clamp(1, 24).max(season).min(n);
    let tail = &line.values[n - newest..];
    let mut sorted = tail.to_vec();
    let level = *sorted.select_nth_unstable_by(newest / 2, f64::total_cmp).1;
    let level = if season > 1 { tail.iter().map(|v| v / newest as f64).sum() } else { level };
    let around = newest.min(season);
    let mean = line.values[n - around..].iter().map(|v| v / around as f64).sum::<f64>();
    (0..count)
        .map(|h| {
            let same = if season > 1 { line.values[n - around + h % around] - mean } else { 0.0 };
            level + same
        })
        .collect()
}

/// The seasons of a line.
pub(super) fn seasons(grid: &Grid) -> Vec<usize> {
    let (day, week) = grid.calendar();
    season::find(&grid.values, &grid.known, day, week)
}
