//! The hourly series of the M4 competition with its measures: sMAPE, MASE, OWA, MSIS (Makridakis, Spiliotis
//! and Assimakopoulos, International Journal of Forecasting 36, 2020), and its two simplest methods.

use std::path::Path;
use std::time::Instant;

use quarterdeck::analysis::series::{Ask, Kind, forecast};
use quarterdeck::domain::{Span, Timestamp};

use super::row::{Goal, Row, gunzip};

/// Steps of a season and of the horizon.
const SEASON: usize = 24;
const HORIZON: usize = 48;
const HOUR: i64 = 3_600_000;

/// A series and what came after it.
struct Case {
    seen: Vec<f64>,
    came: Vec<f64>,
}

/// Means over all series.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Figures {
    pub(crate) smape: f64,
    pub(crate) mase: f64,
}

fn smape(came: &[f64], said: &[f64]) -> f64 {
    let of = |(y, f): (&f64, &f64)| 200.0 * (y - f).abs() / (y.abs() + f.abs());
    came.iter().zip(said).map(of).sum::<f64>() / came.len() as f64
}

/// What the seasonal naive method is off by in sample: the unit of MASE and MSIS.
fn usual(seen: &[f64]) -> f64 {
    let pairs = seen.iter().zip(&seen[SEASON..]);
    pairs.map(|(a, b)| (b - a).abs()).sum::<f64>() / (seen.len() - SEASON) as f64
}

fn mase(case: &Case, said: &[f64]) -> f64 {
    let off = case.came.iter().zip(said).map(|(y, f)| (y - f).abs()).sum::<f64>();
    off / case.came.len() as f64 / usual(&case.seen)
}

/// The mean scaled interval score for intervals of 95 %.
fn msis(case: &Case, bands: &[(f64, f64)]) -> f64 {
    let of = |(y, (low, high)): (&f64, &(f64, f64))| {
        (high - low) + 40.0 * (low - y).max(0.0) + 40.0 * (y - high).max(0.0)
    };
    let sum = case.came.iter().zip(bands).map(of).sum::<f64>();
    sum / bands.len() as f64 / usual(&case.seen)
}

fn figures<'a>(cases: impl Iterator<Item = (&'a Case, Vec<f64>)>) -> Figures {
    let (mut sum, mut n) = (Figures::default(), 0.0);
    for (case, said) in cases {
        sum.smape += smape(&case.came, &said);
        sum.mase += mase(case, &said);
        n += 1.0;
    }
    Figures { smape: sum.smape / n, mase: sum.mase / n }
}

/// The same hour of the day before.
fn seasonal_naive(seen: &[f64]) -> Vec<f64> {
    (0..HORIZON).map(|h| seen[seen.len() - SEASON + h % SEASON]).collect()
}

/// The last value, seasonally adjusted when the autocorrelation says there is a season.
fn naive2(seen: &[f64]) -> Vec<f64> {
    let n = seen.len();
    let mean = seen.iter().sum::<f64>() / n as f64;
    let product = |lag: usize| {
        seen.iter().zip(&seen[lag..]).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>()
    };
    let correlation = |lag: usize| product(lag) / product(0);
    let squares = (1..SEASON).map(|lag| correlation(lag).powi(2)).sum::<f64>();
    let last = seen[n - 1];
    if correlation(SEASON).abs() <= 1.645 * ((1.0 + 2.0 * squares) / n as f64).sqrt() {
        return vec![last; HORIZON];
    }
    // Classical multiplicative decomposition: ratios to a centred mean of one day.
    let half = SEASON / 2;
    let mut ratios = [(0.0, 0.0); SEASON];
    for t in half..n - half {
        let inner = seen[t - half + 1..t + half].iter().sum::<f64>();
        let trend = (inner + 0.5 * (seen[t - half] + seen[t + half])) / SEASON as f64;
        ratios[t % SEASON].0 += seen[t] / trend;
        ratios[t % SEASON].1 += 1.0;
    }
    let raw = ratios.map(|(sum, count)| sum / count);
    let level = raw.iter().sum::<f64>() / SEASON as f64;
    let index = |t: usize| raw[t % SEASON] / level;
    (n..n + HORIZON).map(|t| last / index(n - 1) * index(t)).collect()
}

fn load(folder: &Path) -> Vec<Case> {
    let rows = |name: &str| -> Vec<Vec<f64>> {
        let text = gunzip(&folder.join(name));
        let number = |cell: &str| cell.parse().ok();
        text.lines().skip(1).map(|line| line.split(',').filter_map(number).collect()).collect()
    };
    let pairs = rows("train.csv.gz").into_iter().zip(rows("test.csv.gz"));
    pairs.map(|(seen, came)| Case { seen, came }).collect()
}

/// The scorer's check: a published method written anew is off the published figure, of all series or of
/// either half, by no more than its last digit.
const CHECK: Option<Goal> = Some(Goal::AtMost(0.000_6));

fn off(figure: f64, published: &[f64]) -> f64 {
    published.iter().map(|p| (p - figure).abs()).fold(f64::INFINITY, f64::min)
}

pub(crate) fn run(corpora: &Path) -> Vec<Row> {
    let cases = load(&corpora.join("m4-hourly"));
    let naive2 = figures(cases.iter().map(|case| (case, naive2(&case.seen))));
    let seasonal = figures(cases.iter().map(|case| (case, seasonal_naive(&case.seen))));
    let owa = |f: Figures| 0.5 * (f.smape / naive2.smape + f.mase / naive2.mase);
    let began = Instant::now();
    let forecasts: Vec<_> = cases
        .iter()
        .map(|case| {
            let points: Vec<(Timestamp, f64)> = (0..)
                .zip(&case.seen)
                .map(|(hour, value)| (Timestamp::from_millis(hour * HOUR), *value))
                .collect();
            let now = points.last().map_or(Timestamp::from_millis(0), |(t, _)| *t);
            let ask = Ask { horizon: Span::from_hours(48), limit: None, kind: Kind::Gauge, now };
            forecast(&points, &ask).expect("a month of hours is enough")
        })
        .collect();
    let seconds = began.elapsed().as_secs_f64();
    let means = |at: usize| forecasts[at].steps.iter().map(|step| step.mean).collect();
    let ours = figures(cases.iter().enumerate().map(|(at, case)| (case, means(at))));
    let (mut score, mut inside) = (0.0, 0.0);
    for (case, forecast) in cases.iter().zip(&forecasts) {
        let bands: Vec<_> = forecast.steps.iter().map(|step| (step.lower, step.upper)).collect();
        score += msis(case, &bands) / cases.len() as f64;
        let held = case.came.iter().zip(&bands).filter(|(y, (low, high))| (low..=high).contains(y));
        inside += held.count() as f64 / (cases.len() * HORIZON) as f64;
    }
    let row = |what: &str, ours: f64, goal: Option<Goal>, published: &'static str| Row {
        corpus: "M4 hourly",
        what: what.into(),
        ours,
        goal,
        published,
    };
    vec![
        row(
            "off the published Naive2, sMAPE",
            off(naive2.smape, &[18.383, 18.224, 18.541]),
            CHECK,
            "18.383 (all), 18.224 (odd), 18.541 (even)",
        ),
        row(
            "off the published Naive2, MASE",
            off(naive2.mase, &[2.395, 2.432, 2.358]),
            CHECK,
            "2.395 (all), 2.432 (odd), 2.358 (even)",
        ),
        row("seasonal naive, OWA", owa(seasonal), None, "0.627"),
        row("forecast, sMAPE", ours.smape, Some(Goal::AtMost(10.0)), "9.328 winner, 8.913 best"),
        row("forecast, MASE", ours.mase, None, "0.893 winner, 0.801 best"),
        row(
            "forecast, OWA",
            owa(ours),
            Some(Goal::AtMost(0.44)),
            "0.440 winner, 0.410 best, 0.597 AutoBox",
        ),
        row("share inside the 95 % interval", inside, Some(Goal::AtLeast(0.93)), "0.91-0.99"),
        row("share outside it", 1.0 - inside, Some(Goal::AtLeast(0.03)), ""),
        row("interval, MSIS", score, Some(Goal::AtMost(12.0)), "7.93 winner, 6.14 best, 17.5 ETS"),
        row("seconds for all series, one core", seconds, Some(Goal::AtMost(30.0)), ""),
    ]
}
