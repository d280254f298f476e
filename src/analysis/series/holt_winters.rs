//! Exponential smoothing with up to two seasons: Holt's and Winters' method without trend, after Taylor,
//! "Short-term electricity demand forecasting using double seasonal exponential smoothing", JORS 54, 2003.
//!
//! ```text
//! ŷ(t) = l + d(t mod m₁) + w(t mod m₂) + φ·r       e = y(t) − ŷ(t)
//! l += α·e     d += δ·e     w += ω·e               r = y(t) − l − d − w   (before the update)
//! ```
//!
//! α, δ, ω, φ come from a small grid: each set is run once over the line; the five that did best on the
//! newest stretches held back are averaged. Steps that were filled in teach nothing.
//!
//! Time O(g·n) for g sets and n steps: about a millisecond for a thousand steps and a hundred sets.

/// Sets averaged.
const BEST: usize = 5;
const LEVEL: [f64; 4] = [0.003, 0.01, 0.03, 0.1];
const DAY: [f64; 3] = [0.03, 0.1, 0.25];
const WEEK: [f64; 3] = [0.05, 0.15, 0.35];
const REST: [f64; 3] = [0.0, 0.6, 0.9];
/// For lines without a season: how fast the level follows.
const LEVEL_ALONE: [f64; 5] = [0.03, 0.1, 0.3, 0.6, 0.9];

/// One set of parameters, and which seasons it has.
#[derive(Clone, Copy)]
struct Set {
    seasons: [usize; 2],
    level: f64,
    day: f64,
    week: f64,
    rest: f64,
}

/// Forecasts of `steps` values from each of the `origins` (counts of values seen, ascending, the last of them all
/// values). Parameters are picked once, by how the set did from all origins but the last.
pub(super) fn extend(
    values: &[f64],
    known: &[bool],
    seasons: &[usize],
    origins: &[usize],
    steps: usize,
) -> Vec<Vec<f64>> {
    let mut runs: Vec<(f64, Vec<Vec<f64>>)> = sets(seasons)
        .into_iter()
        .map(|set| {
            let forecasts = run(values, known, set, origins, steps);
            let held_back = origins.iter().zip(&forecasts).take(origins.len().saturating_sub(1));
            (held_back.map(|(at, f)| miss(values, known, *at, f)).sum(), forecasts)
        })
        .collect();
    runs.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Of a few sets, the worse half would only spoil the mean.
    runs.truncate(BEST.min(runs.len().div_ceil(2)));
    let count = runs.len() as f64;
    let mut mean = vec![vec![0.0; steps]; origins.len()];
    for (_, forecasts) in &runs {
        for (sum, one) in mean.iter_mut().flatten().zip(forecasts.iter().flatten()) {
            *sum += one / count;
        }
    }
    mean
}

/// Mean absolute error over the known steps from an origin on.
fn miss(values: &[f64], known: &[bool], origin: usize, forecast: &[f64]) -> f64 {
    let pairs = values.iter().zip(known).skip(origin).zip(forecast);
    let (sum, count) = pairs
        .filter(|((_, known), _)| **known)
        .fold((0.0, 0.0), |(sum, n), ((v, _), f)| (sum + (v - f).abs(), n + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

fn sets(seasons: &[usize]) -> Vec<Set> {
    let none = Set { seasons: [1, 1], level: 0.0, day: 0.0, week: 0.0, rest: 0.0 };
    let Some(&day) = seasons.first() else {
        return LEVEL_ALONE.iter().map(|&level| Set { level, ..none }).collect();
    };
    let mut sets = Vec::new();
    for level in LEVEL {
        for rest in REST {
            for share in DAY {
                let daily = Set { seasons: [day, 1], level, day: share, week: 0.0, rest };
                sets.push(daily);
                let Some(&long) = seasons.get(1) else { continue };
                sets.extend(WEEK.map(|week| Set { seasons: [day, long], week, ..daily }));
            }
            let Some(&long) = seasons.get(1) else { continue };
            sets.extend(WEEK.map(|week| Set { seasons: [1, long], level, day: 0.0, week, rest }));
        }
    }
    sets
}

fn run(values: &[f64], known: &[bool], set: Set, origins: &[usize], steps: usize) -> Vec<Vec<f64>> {
    let [m1, m2] = set.seasons;
    let (mut level, mut day, mut week) = start(values, m1, m2);
    let mut rest = 0.0;
    let mut forecasts = Vec::with_capacity(origins.len());
    let mut wanted = origins.iter().peekable();
    for t in 0..=values.len() {
        while wanted.next_if(|at| **at == t).is_some() {
            let mut fading = rest;
            let ahead = (t..t + steps).map(|at| {
                fading *= set.rest;
                level + day[at % m1] + week[at % m2] + fading
            });
            forecasts.push(ahead.collect());
        }
        let (Some(value), Some(true)) = (values.get(t), known.get(t)) else {
            rest *= set.rest;
            continue;
        };
        let base = level + day[t % m1] + week[t % m2];
        let error = value - base - set.rest * rest;
        level += set.level * error;
        day[t % m1] += set.day * error;
        week[t % m2] += set.week * error;
        rest = value - base;
    }
    forecasts
}

/// Level and seasons from the first two longest seasons.
fn start(values: &[f64], m1: usize, m2: usize) -> (f64, Vec<f64>, Vec<f64>) {
    let longest = m1.max(m2);
    let first = &values[..values.len().min(2 * longest)];
    let level = first.iter().map(|v| v / first.len().max(1) as f64).sum::<f64>();
    let mut left: Vec<f64> = first.iter().map(|v| v - level).collect();
    let mut of = |period: usize| {
        let mut season = vec![0.0; period];
        if period < 2 {
            return season;
        }
        for (phase, mean) in season.iter_mut().enumerate() {
            let same: Vec<f64> = left.iter().skip(phase).step_by(period).copied().collect();
            *mean = same.iter().map(|v| v / same.len() as f64).sum::<f64>();
        }
        for (t, value) in left.iter_mut().enumerate() {
            *value -= season[t % period];
        }
        season
    };
    let day = of(m1);
    let week = of(m2);
    (level, day, week)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Busy by day, quiet at the weekend, in steps of six hours: seasons of 4 and 28.
    fn office(t: usize) -> f64 {
        let weekend = t % 28 >= 20;
        [1.0, 8.0, 10.0, 4.0][t % 4] * if weekend { 0.3 } else { 1.0 } + 20.0
    }

    fn at_end(line: &[f64], seasons: &[usize]) -> Vec<f64> {
        let n = line.len();
        let known = vec![true; n];
        extend(line, &known, seasons, &[n - 28, n - 14, n], 28).pop().unwrap()
    }

    #[test]
    fn two_seasons_know_the_weekend_and_one_does_not() {
        let line: Vec<f64> = (0..28 * 6).map(office).collect();
        let off = |f: Vec<f64>| {
            f.iter().zip(168..).map(|(f, t)| (f - office(t)).abs()).fold(0.0, f64::max)
        };
        assert!(off(at_end(&line, &[4, 28])) < 0.2);
        assert!(off(at_end(&line, &[4])) > 2.0);
    }

    #[test]
    fn without_a_season_the_level_follows_a_step() {
        let line: Vec<f64> = (0..120).map(|t| if t < 60 { 1.0 } else { 7.0 }).collect();
        assert!(at_end(&line, &[]).iter().all(|f| (f - 7.0).abs() < 0.01));
    }

    #[test]
    fn what_was_filled_in_teaches_nothing() {
        let mut line: Vec<f64> = (0..28 * 6).map(office).collect();
        let mut known = vec![true; line.len()];
        for t in 100..140 {
            (line[t], known[t]) = (1e6, false);
        }
        let n = line.len();
        let ahead = extend(&line, &known, &[4, 28], &[n - 28, n], 28).pop().unwrap();
        assert!(ahead.iter().zip(n..).all(|(f, t)| (f - office(t)).abs() < 0.2), "{ahead:?}");
    }
}
