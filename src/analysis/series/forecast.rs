//! Where a line goes: readings in, the coming steps with their interval, the crossing and the trial out.
//!
//! The grid, the seasons and the way of continuing are found anew for each question; a thousand steps take some
//! ten milliseconds..

use crate::domain::{Span, Timestamp};

use super::grid::{self, Grid};
use super::project::{self, Line, Projection, Way};
use super::{Ask, Backtest, Crossing, Forecast, Limit, NoForecast, Step};

/// The horizon may be this many times as long as the history.
const REACH: usize = 3;
/// From this share of filled steps on it is said.
const MUCH_FILLED: f64 = 0.05;

/// Forecasts from readings in any order. What it cannot know it refuses, with the reason.
pub fn forecast(points: &[(Timestamp, f64)], ask: &Ask) -> Result<Forecast, NoForecast> {
    let limited = match ask.limit {
        Some(Limit::Above(limit) | Limit::Below(limit)) => limit.is_finite(),
        None => true,
    };
    if ask.horizon.millis() <= 0 || !limited {
        return Err(NoForecast::BadQuestion);
    }
    let mut grid = grid::lay(points, ask)?;
    let seasons = project::seasons(&grid);
    grid.fill_seasons(&seasons);
    let until = ask.now.millis().saturating_add(ask.horizon.millis());
    let ahead = until.saturating_sub(grid.last);
    let steps = usize::try_from(ahead.div_euclid(grid.step) + i64::from(ahead % grid.step > 0))
        .unwrap_or(0);
    let have = grid.values.len();
    let spans = |steps: usize| {
        Span::from_millis(grid.step.saturating_mul(i64::try_from(steps).unwrap_or(0)))
    };
    let need = steps.div_ceil(REACH).max(project::LEAST * 3 / 2);
    let line = Line { values: &grid.values, known: &grid.known, seasons: &seasons };
    let Some(projection) = project::project(line, steps).filter(|_| have >= need) else {
        return Err(NoForecast::NotEnough { have: spans(have), need: spans(need) });
    };
    let steps = banded(&grid, &projection);
    let trials = project::judge(line, &projection);
    Ok(Forecast {
        crossing: crossing(&steps, ask, grid.newest),
        backtest: Backtest {
            smape: trials.smape,
            mase: trials.mase,
            error: trials.error,
            coverage: trials.coverage,
            readings: trials.count,
        },
        method: method(projection.way, &seasons),
        seasons: seasons.iter().map(|steps| spans(*steps)).collect(),
        step: Span::from_millis(grid.step),
        from: Timestamp::from_millis(grid.last),
        used: grid.used,
        filled: grid.filled(),
        cautions: cautions(&grid, &projection),
        steps,
    })
}

/// The coming steps. A line that was never negative does not become so.
fn banded(grid: &Grid, projection: &Projection) -> Vec<Step> {
    let floor = if grid.values.iter().all(|v| *v >= 0.0) { 0.0 } else { f64::MIN };
    let finite = |value: f64| value.clamp(f64::MIN, f64::MAX).max(floor);
    let pairs = projection.mean.iter().zip(&projection.half).zip(1i64..);
    pairs
        .map(|((mean, half), k)| Step {
            at: Timestamp::from_millis(grid.last.saturating_add(grid.step.saturating_mul(k))),
            mean: finite(*mean),
            lower: finite(mean - half),
            upper: finite(mean + half),
        })
        .collect()
}

/// When the steps reach the limit.
pub(super) fn crossing(steps: &[Step], ask: &Ask, newest: f64) -> Crossing {
    let Some(limit) = ask.limit else { return Crossing::NoLimit };
    let past = |value: f64| match limit {
        Limit::Above(limit) => value >= limit,
        Limit::Below(limit) => value <= limit,
    };
    if past(newest) {
        return Crossing::Already;
    }
    // The edge of the band that comes first, and the other one.
    let edges = |step: &Step| match limit {
        Limit::Above(_) => (step.upper, step.lower),
        Limit::Below(_) => (step.lower, step.upper),
    };
    let first = |reached: &dyn Fn(&Step) -> bool| steps.iter().find(|s| reached(s)).map(|s| s.at);
    match first(&|step| past(edges(step).0)) {
        None => Crossing::NotWithin(ask.horizon),
        Some(earliest) => Crossing::Within {
            earliest,
            expected: first(&|step| past(step.mean)),
            latest: first(&|step| past(edges(step).1)),
        },
    }
}

fn method(way: Way, seasons: &[usize]) -> &'static str {
    match (way, seasons.is_empty()) {
        (Way::Season, false) => "autoregression and smoothing over its seasons",
        (Way::Season, true) => "autoregression and smoothing, no season found",
        (Way::Trend, false) => "straight trend and autoregression over its seasons",
        (Way::Trend, true) => "straight trend and autoregression, no season found",
        (Way::RecentTrend, _) => {
            "the newest quarter's trend, which did better than the whole history's"
        }
    }
}

fn cautions(grid: &Grid, projection: &Projection) -> Vec<&'static str> {
    let still = grid.values.windows(2).all(|pair| pair[0] == pair[1]);
    let short =
        projection.trials.first().is_none_or(|(_, said)| said.len() < projection.mean.len());
    let all = [
        (still, "It never moved, so nothing is known of how it moves."),
        (grid.filled() > MUCH_FILLED, "Part of the history is missing and was filled in."),
        (short, "The horizon is longer than what the history could be tried on."),
        (projection.trials.len() < 3, "It could be tried only once or twice."),
    ];
    all.iter().filter(|(holds, _)| *holds).map(|(_, said)| *said).collect()
}
