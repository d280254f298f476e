//! What breaks first if traffic grows, a zone is lost, or a service is drained.
//!
//! Growth is walked through the calls: a service's load is what its callers send it, so with `s` the
//! share of its calls that come from a caller and `f` a caller's growth
//!
//! ```text
//! f(callee) = Σ s(caller) · f(caller) + (1 − Σ s(caller)) · 1          what nobody is seen to send stays
//! ```
//!
//! which is linear and, with Σ s ≤ 1, is solved by going round until nothing moves (Gauss–Seidel; one
//! round along a graph without cycles in order, and never more than [`ROUNDS`]: with cycles the rest that
//! is left out is below the printed digits or said to be so). A resource that is lent out (pool,
//! connections, processor) is used in proportion to the load beyond its base (Little's law, L = λ·W with
//! an unchanged W: the least that will happen, since W grows when things get short). One that fills up
//! (queue, disk) fills faster in proportion.
//!
//! A share that is not measured is assumed to be even among the callers; every assumption is named.
//! Time O(rounds · edges + resources).

/// Most rounds through the graph.
const ROUNDS: usize = 200;
/// Growth that moves less than this has come to rest.
const REST: f64 = 1e-9;

/// A call relation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Call {
    /// The caller, by its place.
    pub from: usize,
    /// The callee, by its place.
    pub to: usize,
    /// Whether the caller fails when the callee does.
    pub hard: bool,
    /// Calls per second, where measured.
    pub rate: Option<f64>,
}

/// A service, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Node {
    /// How many of it run.
    pub replicas: u16,
    /// How many of those are lost.
    pub lost: u16,
    /// All its requests per second, where measured: what its callers do not send comes from outside.
    pub traffic: Option<f64>,
}

/// How a resource answers to load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Lent out while a request lasts: used in proportion to the load.
    Lent,
    /// Fills up over time: its rate is in proportion to the load.
    Fills,
}

/// A resource, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stock {
    /// The service whose load fills it, by its place.
    pub filled_by: usize,
    /// In use now.
    pub used: f64,
    /// How much there is.
    pub limit: f64,
    /// What is in use without any load; 0 when not known.
    pub base: f64,
    /// Growth per second now, for what fills up.
    pub rate: Option<f64>,
    /// How it answers.
    pub behaviour: Behaviour,
    /// Whether each replica has its own, so that those left carry more when one is lost.
    pub per_replica: bool,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scenario {
    /// Services whose load from outside is multiplied, with by how much; 0 drains.
    pub growth: Vec<(usize, f64)>,
}

/// What becomes of a resource.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Strain {
    /// Which, by its place.
    pub stock: usize,
    /// How much more load it gets.
    pub growth: f64,
    /// In use afterwards; for what fills up, now.
    pub used: f64,
    /// Share in use afterwards.
    pub share: f64,
    /// When it breaks.
    pub breaks: Breaks,
}

/// When a resource breaks.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub enum Breaks {
    /// At once.
    AtOnce,
    /// After so many seconds.
    After(f64),
    /// It holds.
    Not,
    /// It cannot be said: its use, limit or rate is not known.
    Unknown,
}

/// What comes of a scenario.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// How much more each service gets, by its place.
    pub growth: Vec<f64>,
    /// Services that stop: all their replicas are lost, or what they cannot do without has stopped.
    pub down: Vec<usize>,
    /// Resources, the first to break first.
    pub strains: Vec<Strain>,
    /// Callees whose share of each caller was assumed to be even.
    pub assumed: Vec<usize>,
    /// Whether the growth came to rest; `false` in a cycle that feeds itself.
    pub settled: bool,
}

/// Walks a scenario through the calls to the resources.
pub fn what_if(nodes: &[Node], calls: &[Call], stocks: &[Stock], scenario: &Scenario) -> Outcome {
    let (shares, assumed) = shares(nodes, calls);
    let (growth, settled) = grown(nodes.len(), &shares, scenario);
    let down = stopped(nodes, calls);
    let mut strains: Vec<Strain> =
        stocks.iter().enumerate().map(|(at, stock)| strained(at, stock, nodes, &growth)).collect();
    // Growth that has not come to rest may be more by any amount: what holds under it may break under that.
    let unsure = |strain: &&mut Strain| !settled && strain.breaks == Breaks::Not;
    strains.iter_mut().filter(unsure).for_each(|strain| strain.breaks = Breaks::Unknown);
    strains.sort_by(|a, b| {
        let time = |s: &Strain| match s.breaks {
            Breaks::AtOnce => (0, 0.0),
            Breaks::After(seconds) => (1, seconds),
            Breaks::Unknown => (2, 0.0),
            Breaks::Not => (3, 0.0),
        };
        let (a_time, b_time) = (time(a), time(b));
        a_time
            .0
            .cmp(&b_time.0)
            .then(a_time.1.total_cmp(&b_time.1))
            .then(b.share.total_cmp(&a.share))
            .then(a.stock.cmp(&b.stock))
    });
    Outcome { growth, down, strains, assumed, settled }
}

/// The growth at which a resource that is lent out is used up: what the load may be multiplied by.
pub fn headroom(stock: &Stock) -> Option<f64> {
    let moving = stock.used - stock.base;
    let limited = stock.limit.is_finite() && stock.limit > 0.0;
    let known = moving > 0.0 && limited && stock.behaviour == Behaviour::Lent;
    known.then(|| (stock.limit - stock.base) / moving)
}

/// For each callee: its callers with their share of its calls; and the callees where that is assumed.
fn shares(nodes: &[Node], calls: &[Call]) -> (Vec<Vec<(usize, f64)>>, Vec<usize>) {
    let mut incoming: Vec<Vec<&Call>> = vec![Vec::new(); nodes.len()];
    for call in calls.iter().filter(|c| c.from < nodes.len() && c.from != c.to) {
        if let Some(list) = incoming.get_mut(call.to)
            && !list.iter().any(|known| known.from == call.from)
        {
            list.push(call);
        }
    }
    let mut assumed = Vec::new();
    let shares = std::iter::zip(nodes, &incoming)
        .enumerate()
        .map(|(at, (node, list))| {
            let sound = |rate: f64| rate.is_finite() && rate >= 0.0;
            let rates: Option<Vec<f64>> =
                list.iter().map(|c| c.rate.filter(|r| sound(*r))).collect();
            let total = rates.as_ref().map(|rates| rates.iter().sum::<f64>());
            // What callers send may be counted higher than what arrives: retries, another window.
            let all =
                total.map(|sum| node.traffic.filter(|t| sound(*t)).map_or(sum, |t| t.max(sum)));
            match (rates, all) {
                (Some(rates), Some(all)) if all > 0.0 => {
                    std::iter::zip(list, rates).map(|(c, rate)| (c.from, rate / all)).collect()
                }
                _ => {
                    if !list.is_empty() {
                        assumed.push(at);
                    }
                    list.iter().map(|c| (c.from, 1.0 / list.len() as f64)).collect()
                }
            }
        })
        .collect();
    (shares, assumed)
}

/// How much more each service gets, and whether that came to rest.
fn grown(count: usize, shares: &[Vec<(usize, f64)>], scenario: &Scenario) -> (Vec<f64>, bool) {
    let mut growth = vec![1.0; count];
    let mut set = vec![None; count];
    for (at, factor) in &scenario.growth {
        if let Some(place) = set.get_mut(*at) {
            *place = Some(if factor.is_finite() { factor.max(0.0) } else { 1.0 });
        }
    }
    for _ in 0..ROUNDS {
        let mut moved = 0.0_f64;
        for at in 0..count {
            let from_callers: f64 = shares[at].iter().map(|(from, s)| s * growth[*from]).sum();
            let seen: f64 = shares[at].iter().map(|(_, s)| s).sum();
            let next = set[at].unwrap_or(from_callers + (1.0 - seen).max(0.0));
            moved = moved.max((next - growth[at]).abs());
            growth[at] = next;
        }
        if moved < REST {
            return (growth, true);
        }
    }
    (growth, false)
}

/// Services of which nothing is left, and those that cannot do without one of them.
fn stopped(nodes: &[Node], calls: &[Call]) -> Vec<usize> {
    let mut down: Vec<bool> = nodes.iter().map(|n| n.lost > 0 && n.lost >= n.replicas).collect();
    loop {
        let mut more = false;
        for call in calls.iter().filter(|c| c.hard) {
            if down.get(call.to) == Some(&true)
                && let Some(caller) = down.get_mut(call.from)
                && !*caller
            {
                (*caller, more) = (true, true);
            }
        }
        if !more {
            return down.iter().enumerate().filter(|(_, is)| **is).map(|(at, _)| at).collect();
        }
    }
}

fn strained(at: usize, stock: &Stock, nodes: &[Node], growth: &[f64]) -> Strain {
    let node = nodes.get(stock.filled_by).copied().unwrap_or_default();
    let load = growth.get(stock.filled_by).copied().unwrap_or(1.0);
    let left = node.replicas.saturating_sub(node.lost);
    let crowd = match stock.per_replica && node.lost > 0 && left > 0 {
        true => f64::from(node.replicas) / f64::from(left),
        false => 1.0,
    };
    let growth = load * crowd;
    let used = stock.used.is_finite() && stock.used >= 0.0;
    let known = used && stock.limit.is_finite() && stock.limit > 0.0;
    if !known {
        return Strain {
            stock: at,
            growth,
            used: f64::NAN,
            share: f64::NAN,
            breaks: Breaks::Unknown,
        };
    }
    let base = if stock.base.is_finite() { stock.base.clamp(0.0, stock.used) } else { 0.0 };
    let (used, breaks) = match stock.behaviour {
        Behaviour::Lent => {
            let used = base + (stock.used - base) * growth;
            (used, if used >= stock.limit { Breaks::AtOnce } else { Breaks::Not })
        }
        Behaviour::Fills => {
            let room = stock.limit - stock.used;
            let breaks = match stock.rate {
                _ if room <= 0.0 => Breaks::AtOnce,
                Some(rate) if rate.is_finite() => match rate * growth {
                    faster if faster > 0.0 => Breaks::After(room / faster),
                    _ => Breaks::Not,
                },
                Some(_) | None => Breaks::Unknown,
            };
            (stock.used, breaks)
        }
    };
    Strain { stock: at, growth, used, share: used / stock.limit, breaks }
}

#[cfg(test)]
mod tests;
