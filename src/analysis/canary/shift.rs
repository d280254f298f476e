//! How far one sample is shifted against another: estimate and confidence interval by Mann-Whitney.

/// A shift.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
    /// The shift that is in the middle of it.
    pub estimate: f64,
}

/// Halvings of the bracket: nine digits of a shift are more than data have.
const STEPS: usize = 40;

/// How far `x` lies above `y`, both in ascending order and neither empty; `confidence` between 0 and 1.
pub fn shift(x: &[f64], y: &[f64], confidence: f64) -> Shift {
    let ends = |values: &[f64]| {
        let end = |value: Option<&f64>| value.copied().unwrap_or(0.0);
        (end(values.first()), end(values.last()))
    };
    let ((x_least, x_most), (y_least, y_most)) = (ends(x), ends(y));
    let (from, to) = (x_least - y_most, x_most - y_least);
    let z = quantile(f64::midpoint(1.0, confidence.clamp(0.0, 0.999_999)));
    let root = |level: f64| {
        // W falls as μ grows, in steps: where it lies on the level the middle is taken.
        let above = bisect(from, to, |mu| deviate(x, y, mu) > level);
        let not_below = bisect(from, to, |mu| deviate(x, y, mu) >= level);
        f64::midpoint(above, not_below)
    };
    Shift { lower: root(z), upper: root(-z), estimate: root(0.0) }
}

/// Where something that holds first and not later ends to hold.
fn bisect(mut from: f64, mut to: f64, holds: impl Fn(f64) -> bool) -> f64 {
    if !holds(from) {
        return from;
    }
    if holds(to) {
        return to;
    }
    for _ in 0..STEPS {
        let middle = f64::midpoint(from, to);
        if holds(middle) {
            from = middle;
        } else {
            to = middle;
        }
    }
    f64::midpoint(from, to)
}

/// W(μ): how unusual the ranks of `x` − μ are, as a standard normal deviate with continuity correction.
fn deviate(x: &[f64], y: &[f64], mu: f64) -> f64 {
    let (n, m) = (x.len() as f64, y.len() as f64);
    let (mut ranks, mut ties, mut done) = (0.0, 0.0, 0.0);
    let (mut i, mut j) = (0, 0);
    // Both in order: value by value, each with all that are equal to it.
    while i < x.len() || j < y.len() {
        let next = match (x.get(i), y.get(j)) {
            (Some(a), Some(b)) => (a - mu).min(*b),
            (Some(a), None) => a - mu,
            (None, b) => b.copied().unwrap_or(0.0),
        };
        let ours = x[i..].iter().take_while(|value| *value - mu <= next).count();
        let theirs = y[j..].iter().take_while(|value| **value <= next).count();
        // Values so far apart that their difference is no number.
        if ours + theirs == 0 {
            return 0.0;
        }
        let count = (ours + theirs) as f64;
        ranks += ours as f64 * (done + (count + 1.0) / 2.0);
        ties += count.powi(3) - count;
        (i, j, done) = (i + ours, j + theirs, done + count);
    }
    let difference = ranks - n * (n + 1.0) / 2.0 - n * m / 2.0;
    let correction = if difference == 0.0 { 0.0 } else { 0.5 * difference.signum() };
    let spread = n + m + 1.0 - ties / ((n + m) * (n + m - 1.0));
    let sigma = (n * m / 12.0 * spread.max(0.0)).sqrt();
    if sigma == 0.0 { 0.0 } else { (difference - correction) / sigma }
}

/// Quantile of the standard normal distribution (Acklam's rational approximation, relative error below 1.2e-9).
fn quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 5] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 4] = [
        7.784_695_709_041_462e-3,
        3.224_671_290_700_398e-1,
        2.445_134_137_142_996,
        3.754_408_661_907_416,
    ];
    const TAIL: f64 = 0.024_25;
    let over = |top: &[f64], x: f64| top.iter().fold(0.0, |sum, c| sum * x + c);
    let tail = |p: f64| {
        let q = (-2.0 * p.ln()).sqrt();
        over(&C, q) / (over(&D, q) * q + 1.0)
    };
    if p < TAIL {
        tail(p)
    } else if p > 1.0 - TAIL {
        -tail(1.0 - p)
    } else {
        let q = p - 0.5;
        let r = q * q;
        over(&A, r) * q / (over(&B, r) * r + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_quantile_is_that_of_the_tables() {
        for (p, z) in
            [(0.975, 1.959_963_985), (0.5, 0.0), (0.995, 2.575_829_304), (0.01, -2.326_347_874)]
        {
            assert!((quantile(p) - z).abs() < 1e-8, "{p}: {}", quantile(p));
        }
    }

    #[test]
    fn a_sample_moved_by_ten_is_found_moved_by_ten() {
        let y: Vec<f64> = (0..30).map(f64::from).collect();
        let x: Vec<f64> = y.iter().map(|v| v + 10.0).collect();
        let found = shift(&x, &y, 0.95);
        assert!((found.estimate - 10.0).abs() < 1e-6, "{found:?}");
        assert!(found.lower > 4.0 && found.lower < 10.0 && found.upper > 10.0, "{found:?}");
        // The two directions mirror each other.
        let back = shift(&y, &x, 0.95);
        assert!((back.lower + found.upper).abs() < 1e-6 && (back.upper + found.lower).abs() < 1e-6);
    }
}
