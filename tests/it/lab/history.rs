//! A month in the life of the shop, so that budgets and baselines in the lab look like real ones.
//!
//! Traffic follows the hour of the day and meets the present rate at the end; each service has its usual
//! share of errors and a few bad hours. The same seed gives the same month.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Bounds of the pretend services' histogram, in seconds.
const BOUNDS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5];

const DAY: u64 = 86_400;

/// A service in its usual state.
struct Usual {
    service: &'static str,
    version: &'static str,
    /// Requests per second at the end of the month.
    rate: f64,
    errors: f64,
    /// Fastest and slowest usual answer, in seconds.
    latency: (f64, f64),
}

const SHOP: [Usual; 4] = [
    Usual {
        service: "checkout",
        version: "1.4.2",
        rate: 40.0,
        errors: 0.0003,
        latency: (0.004, 0.032),
    },
    Usual {
        service: "payments",
        version: "3.9.0",
        rate: 40.0,
        errors: 0.0001,
        latency: (0.002, 0.015),
    },
    Usual {
        service: "cart",
        version: "0.31.2",
        rate: 20.0,
        errors: 0.0004,
        latency: (0.002, 0.015),
    },
    Usual {
        service: "search",
        version: "7.2.0",
        rate: 20.0,
        errors: 0.0002,
        latency: (0.010, 0.060),
    },
];

/// A bad time: service, days ago, minutes, share of errors, factor on latency.
const BAD_TIMES: [(&str, f64, u64, f64, f64); 5] = [
    ("checkout", 9.4, 55, 0.16, 1.0),
    ("checkout", 2.2, 12, 0.03, 8.0),
    ("payments", 17.6, 20, 0.30, 1.0),
    ("search", 5.1, 240, 0.0, 12.0),
    ("cart", 21.3, 90, 0.21, 2.0),
];

/// Writes the month that ends at `now` (seconds since 1970).
pub(super) fn write(file: &Path, now: u64) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(file)?);
    let mut random = fastrand::Rng::with_seed(7);
    let mut counts: Vec<Counts> = SHOP.iter().map(|_| Counts::default()).collect();
    let mut gateway = [0.0, 0.0];
    let end = now - now % 60 - 30;
    let mut at = end - 30 * DAY;
    while at <= end {
        // Finer where charts and short windows look.
        let step = if at < end - DAY - 2 * 3600 { 300 } else { 15 };
        for (usual, counts) in SHOP.iter().zip(&mut counts) {
            let bad = BAD_TIMES.iter().find(|(service, days, minutes, ..)| {
                let began = end - (days * DAY as f64) as u64;
                *service == usual.service && (began..began + minutes * 60).contains(&at)
            });
            let (errors, slow) = bad.map_or((0.0, 1.0), |&(.., errors, slow)| (errors, slow));
            let wobble = 1.0 + 0.08 * (random.f64() - 0.5);
            let requests = usual.rate * daily(at) / daily(end) * wobble * step as f64;
            let failed = requests * (usual.errors * 2.0 * random.f64() + errors);
            counts.add(requests, failed, usual.latency, slow);
            if usual.service != "payments" {
                gateway[0] += requests - failed;
                gateway[1] += failed;
            }
            counts.write(&mut out, usual, at)?;
        }
        let labels = r#"job="gateway",service="gateway",instance="gateway-1:8404",proxy="shop""#;
        for (code, count) in ["2xx", "5xx"].iter().zip(gateway) {
            let name = "haproxy_frontend_http_responses_total";
            writeln!(out, "{name}{{{labels},code=\"{code}\"}} {:.0} {at}", count)?;
        }
        at += step;
    }
    writeln!(out, "# EOF")?;
    out.flush()
}

/// How busy the shop is at this time of day: quiet at four, busy in the evening.
fn daily(at: u64) -> f64 {
    let hours = (at % DAY) as f64 / 3600.0;
    1.0 - 0.45 * ((hours - 4.0) / 24.0 * std::f64::consts::TAU).cos()
}

#[derive(Default)]
struct Counts {
    good: f64,
    failed: f64,
    buckets: [f64; BOUNDS.len()],
    seconds: f64,
}

impl Counts {
    fn add(&mut self, requests: f64, failed: f64, (fast, slow): (f64, f64), factor: f64) {
        self.good += requests - failed;
        self.failed += failed;
        let (fast, slow) = (fast * factor, slow * factor);
        for (bucket, bound) in self.buckets.iter_mut().zip(BOUNDS) {
            *bucket += requests * ((bound - fast) / (slow - fast)).clamp(0.0, 1.0);
        }
        self.seconds += requests * (fast + slow) / 2.0;
    }

    fn write(&self, out: &mut impl Write, usual: &Usual, at: u64) -> io::Result<()> {
        let Usual { service, version, .. } = usual;
        let target =
            format!(r#"job="shop",service="{service}",track="stable",instance="{service}-1:8080""#);
        let labels = format!(r#"{target},version="{version}""#);
        for (code, count) in [(200, self.good), (500, self.failed), (503, 0.0)] {
            writeln!(out, "http_requests_total{{{labels},code=\"{code}\"}} {count:.0} {at}")?;
        }
        let name = "http_request_duration_seconds";
        for (bound, count) in BOUNDS.iter().zip(self.buckets) {
            writeln!(out, "{name}_bucket{{{labels},le=\"{bound}\"}} {count:.0} {at}")?;
        }
        let count = self.good + self.failed;
        writeln!(out, "{name}_bucket{{{labels},le=\"+Inf\"}} {count:.0} {at}")?;
        writeln!(out, "{name}_sum{{{labels}}} {:.3} {at}", self.seconds)?;
        writeln!(out, "{name}_count{{{labels}}} {count:.0} {at}")?;
        writeln!(out, "up{{{target}}} 1 {at}")
    }
}
