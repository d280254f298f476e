//! How available a service can be, given what it needs.
//!
//! A service works when it works itself and what it needs works:
//!
//! ```text
//! series      Π aᵢ
//! parallel    1 − Π (1 − aᵢ)
//! k of n      Σ over i ≥ k of  C(n, i) · aⁱ · (1 − a)ⁿ⁻ⁱ
//! ```
//!
//! (Treynor, Dahlin, Rau and Beyer, "The calculus of service availability", ACM Queue 2017). Each
//! distinct dependency counts once, however many paths lead to it: multiplying along paths is wrong
//! as soon as two of them meet. [`exact`] therefore factors on what is shared (Moskowitz, "The analysis
//! of redundancy networks", 1958): P = p · P(given it is up) + (1 − p) · P(given it is down). What every
//! way of working needs is multiplied out without branching, and a part that hangs on one node
//! alone becomes one probability, so that chains and trees cost O(needs) and only nodes that are shared
//! between alternatives branch. [`estimate`] draws instead, with its error.
//!
//! Failures are taken to be independent; what fails together belongs in a node of its own that all
//! of them need ([`beta_factor`]). Soft dependencies degrade a service and are not part of this.

use super::factoring;
use crate::domain::{Graph, NodeIx};

/// Work done before [`exact`] gives up: about a tenth of a second.
const WORK: usize = 40_000;
/// Least and most draws of [`availability`] where it cannot be exact; in between as many as keep
/// draws times parts below [`DRAWN`].
const DRAWS: (usize, usize) = (2_000, 200_000);
const DRAWN: usize = 20_000_000;
/// Half a 95 % interval in standard deviations (normal distribution).
const Z95: f64 = 1.959_963_984_540_054;

/// Chance that at least `k` of `n` independent ones work, each with chance `a`.
pub fn k_of_n(k: usize, n: usize, a: f64) -> f64 {
    at_least(k, std::iter::repeat_n(a, n))
}

/// Chance that at least `k` of some independent ones with chances of their own work. O(n · k).
pub fn at_least(k: usize, chances: impl IntoIterator<Item = f64>) -> f64 {
    // exactly[i]: chance that i work, for i < k; what reaches k stays there.
    let mut exactly = vec![0.0; k + 1];
    exactly[0] = 1.0;
    for a in chances {
        exactly[k] += if k > 0 { exactly[k - 1] * a } else { 0.0 };
        for i in (0..k).rev() {
            exactly[i] = exactly[i] * (1.0 - a) + if i > 0 { exactly[i - 1] * a } else { 0.0 };
        }
    }
    exactly[k]
}

/// Splits an availability `a` into the part that fails alone and the part that fails for all alike,
/// when a share `beta` of failures has a common cause: `1 − a = (1 − beta)·(1 − a) + beta·(1 − a)`. The
/// common part is in series with the group (Fleming, 1974).
pub fn beta_factor(a: f64, beta: f64) -> (f64, f64) {
    (1.0 - (1.0 - beta) * (1.0 - a), 1.0 - beta * (1.0 - a))
}

/// At least so many of these parts must work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// How many.
    pub least: usize,
    /// Of which, by number; no number twice.
    pub of: Vec<usize>,
}

impl Need {
    /// This one must work.
    pub fn one(part: usize) -> Self {
        Self { least: 1, of: vec![part] }
    }
}

/// A part of a system.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Part {
    /// Chance that it works by itself.
    pub own: f64,
    /// What it needs, all of it.
    pub needs: Vec<Need>,
}

/// Parts that need each other; they are numbered by their place.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct System {
    /// The parts.
    pub parts: Vec<Part>,
}

impl System {
    /// The graph's hard edges; `own` says how available each service is by itself. Part numbers are
    /// the nodes' indices. Callees that stand in for each other are one need of at least one.
    pub fn of(graph: &Graph, own: impl Fn(NodeIx) -> f64) -> Self {
        let groups = super::blast::Groups::of(graph);
        let needs = |at: NodeIx| {
            let hard = graph.calls(at).filter(|e| graph.edge(*e).is_hard());
            let callee = |edge| {
                let to: NodeIx = graph.edge(edge).to;
                to.index()
            };
            hard.filter(|edge| graph.edge(*edge).to != at)
                .filter_map(|edge| match groups.group(edge).map(|group| groups.members(group)) {
                    None => Some(Need::one(callee(edge))),
                    Some(members) if members.first() == Some(&edge) => {
                        let of = members.iter().map(|edge| callee(*edge)).collect();
                        Some(Need { least: 1, of })
                    }
                    Some(_) => None,
                })
                .collect()
        };
        let part = |at| Part { own: own(at).clamp(0.0, 1.0), needs: needs(at) };
        Self { parts: graph.node_indices().map(part).collect() }
    }

    /// Which parts work when these work by themselves. Parts of a ring work together: the greatest
    /// solution.
    pub(super) fn working(&self, own: &[bool], works: &mut Vec<bool>) {
        works.clear();
        works.extend_from_slice(own);
        loop {
            let mut changed = false;
            // What is needed mostly comes after what needs it.
            for (at, part) in self.parts.iter().enumerate().rev() {
                let met =
                    |need: &Need| need.of.iter().filter(|of| works[**of]).count() >= need.least;
                if works[at] && !part.needs.iter().all(met) {
                    works[at] = false;
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
    }
}

/// How available a part is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Availability {
    /// Computed.
    Exact(f64),
    /// Drawn.
    Estimated(Estimate),
}

impl Availability {
    /// The number, exact or not.
    pub const fn value(self) -> f64 {
        match self {
            Self::Exact(value) => value,
            Self::Estimated(estimate) => estimate.value,
        }
    }
}

/// What draws came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Between these with 95 % confidence (Wilson's interval, which holds near 0 and 1 too).
    pub low: f64,
    /// See `low`.
    pub high: f64,
    /// Share of draws in which it worked.
    pub value: f64,
    /// How many draws.
    pub draws: u32,
}

/// How available a part is: exactly where that is not too much work, else drawn from `seed`.
pub fn availability(system: &System, of: usize, seed: u64) -> Availability {
    if let Some(value) = exact(system, of) {
        return Availability::Exact(value);
    }
    let parts = factoring::cone(system, of).0.parts.len();
    let draws = (DRAWN / parts.max(1)).clamp(DRAWS.0, DRAWS.1);
    Availability::Estimated(estimate(system, of, u32::try_from(draws).unwrap_or(u32::MAX), seed))
}

/// The exact chance that a part works; `None` when it would take too long (alternatives that share
/// very many parts, or alternatives within a ring) or there is no such part.
pub fn exact(system: &System, of: usize) -> Option<f64> {
    factoring::solve(system, of, WORK)
}

/// The chance that a part works, from draws; the same seed gives the same answer.
pub fn estimate(system: &System, of: usize, draws: u32, seed: u64) -> Estimate {
    let (cone, root) = factoring::cone(system, of);
    let mut state = seed;
    let mut own = vec![false; cone.parts.len()];
    let mut works = Vec::new();
    let mut worked: u32 = 0;
    for _ in 0..draws {
        for (own, part) in own.iter_mut().zip(&cone.parts) {
            *own = uniform(&mut state) < part.own;
        }
        cone.working(&own, &mut works);
        worked += u32::from(works.get(root).copied().unwrap_or(false));
    }
    let (n, hits) = (f64::from(draws.max(1)), f64::from(worked));
    let p = hits / n;
    let middle = (p + Z95 * Z95 / (2.0 * n)) / (1.0 + Z95 * Z95 / n);
    let half = Z95 / (1.0 + Z95 * Z95 / n) * (p * (1.0 - p) / n + Z95 * Z95 / (4.0 * n * n)).sqrt();
    Estimate {
        low: (middle - half).clamp(0.0, p),
        high: (middle + half).clamp(p, 1.0),
        value: p,
        draws,
    }
}

/// The next number in 0 .. 1 of a seeded sequence (SplitMix64; Steele, Lea and Flood, 2014).
fn uniform(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
#[path = "availability_tests.rs"]
mod tests;
