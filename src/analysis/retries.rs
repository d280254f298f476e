//! Retry amplification: how many requests reach a callee for each one that reaches its caller, held
//! against what is usual, and the edge to cut when that feeds itself.
//!
//! ```text
//! factor = (attempts / requests) / usual        attempts: caller → callee, requests: at the caller
//! factor = attempts / (attempts − retries)      where the proxy counts retries by themselves
//! ```
//!
//! With k tries at each of n layers a failing service gets up to kⁿ times its load (Brooker,
//! "Timeouts, retries and backoff with jitter", Amazon Builders' Library), and stays down under it
//! (Bronson et al., "Metastable failures in distributed systems", HotOS 2021). A client may add a
//! tenth of its requests as retries (Beyer et al., "Site Reliability Engineering", chapter 22); more
//! is over budget. It is a storm when it is half as much again or more and the callee fails while it
//! lasts. The edge to cut is the storm's last one, whose callee calls nobody in a storm: what is
//! above it retries because of it. Of several, the one with the most load to take away.
//!
//! Time O(e²) in the storming edges at worst. No requests, negative or undefined readings give no
//! factor, never a factor of one.

use std::collections::BTreeSet;

/// Retries a client may add to its requests.
const BUDGET: f64 = 1.1;
/// From this factor on it is a storm, when the callee fails.
const STORM: f64 = 1.5;
/// A callee fails when more than this share of its answers are errors.
const FAILING: f64 = 0.05;

/// What was read of one edge; rates in one unit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct EdgeLoad {
    /// Who calls.
    pub caller: usize,
    /// Who is called.
    pub callee: usize,
    /// Requests on the edge, retries included.
    pub attempts: f64,
    /// Requests that reached the caller.
    pub requests: f64,
    /// Attempts per request at usual times.
    pub usual: Option<f64>,
    /// Retries on the edge, where they are counted.
    pub retries: Option<f64>,
    /// The share of attempts that fail.
    pub errors: Option<f64>,
}

/// What it comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RetryState {
    /// There is nothing to judge by.
    Unknown,
    /// Within the budget of a tenth.
    Usual,
    /// Over budget, but the callee does not fail or it is not known.
    OverBudget,
    /// It feeds itself.
    Storm,
}

/// One edge judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Amplified {
    /// Who calls.
    pub caller: usize,
    /// Who is called.
    pub callee: usize,
    /// How many times the usual attempts there are.
    pub factor: Option<f64>,
    /// Attempts beyond what is usual, in the unit of the rates.
    pub excess: f64,
    /// What it comes to.
    pub state: RetryState,
}

/// All edges judged.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RetryReport {
    /// Worst first.
    pub edges: Vec<Amplified>,
    /// The edge to cut, and what the layers above it multiply up to.
    pub cut: Option<Cut>,
}

/// Where to break a storm.
#[derive(Debug, Clone, PartialEq)]
pub struct Cut {
    /// Who must stop retrying.
    pub caller: usize,
    /// Whom.
    pub callee: usize,
    /// The factors along the worst chain of storming edges that ends here, multiplied.
    pub together: f64,
    /// The services of that chain, from the top.
    pub chain: Vec<usize>,
}

/// Judges every edge and finds the one to cut. Edges given twice are judged twice.
pub fn judge(edges: &[EdgeLoad]) -> RetryReport {
    let mut judged: Vec<Amplified> = edges.iter().map(one).collect();
    judged.sort_by(|a, b| {
        b.state
            .cmp(&a.state)
            .then(b.excess.total_cmp(&a.excess))
            .then((a.caller, a.callee).cmp(&(b.caller, b.callee)))
    });
    let cut = cut(&judged);
    RetryReport { edges: judged, cut }
}

fn one(edge: &EdgeLoad) -> Amplified {
    let good = |value: f64| value.is_finite() && value >= 0.0;
    let factor = match (edge.retries, edge.usual) {
        (Some(retries), _) if good(retries) && good(edge.attempts) && edge.attempts > retries => {
            Some(edge.attempts / (edge.attempts - retries))
        }
        (_, Some(usual))
            if good(edge.attempts)
                && good(edge.requests)
                && edge.requests > 0.0
                && good(usual)
                && usual > 0.0 =>
        {
            Some(edge.attempts / edge.requests / usual)
        }
        _ => None,
    };
    let factor = factor.filter(|factor| factor.is_finite());
    let failing = edge.errors.is_some_and(|errors| errors >= FAILING);
    let state = match factor {
        None => RetryState::Unknown,
        Some(factor) if factor >= STORM && failing => RetryState::Storm,
        Some(factor) if factor > BUDGET => RetryState::OverBudget,
        Some(_) => RetryState::Usual,
    };
    let excess = factor.map_or(0.0, |factor| edge.attempts - edge.attempts / factor.max(1.0));
    Amplified { caller: edge.caller, callee: edge.callee, factor, excess, state }
}

fn cut(judged: &[Amplified]) -> Option<Cut> {
    let storms: Vec<&Amplified> =
        judged.iter().filter(|edge| edge.state == RetryState::Storm).collect();
    let callers: BTreeSet<usize> = storms.iter().map(|edge| edge.caller).collect();
    // In a cycle everybody calls somebody in a storm; then the largest excess is as good as any.
    let last = storms.iter().find(|edge| !callers.contains(&edge.callee)).or(storms.first())?;
    let mut chain = vec![last.callee, last.caller];
    let mut together = last.factor.unwrap_or(1.0);
    while let Some(top) = chain.last().copied() {
        let above =
            storms.iter().filter(|edge| edge.callee == top && !chain.contains(&edge.caller));
        let worst = above.max_by(|a, b| {
            let of = |edge: &Amplified| edge.factor.unwrap_or(1.0);
            of(a).total_cmp(&of(b)).then(b.caller.cmp(&a.caller))
        });
        let Some(worst) = worst else { break };
        together *= worst.factor.unwrap_or(1.0);
        chain.push(worst.caller);
    }
    chain.reverse();
    Some(Cut { caller: last.caller, callee: last.callee, together, chain })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn edge(caller: usize, callee: usize, attempts: f64, requests: f64, errors: f64) -> EdgeLoad {
        EdgeLoad {
            caller,
            callee,
            attempts,
            requests,
            usual: Some(1.0),
            retries: None,
            errors: Some(errors),
        }
    }

    /// Web calls the shop, the shop calls the cache, and the cache is down.
    #[test]
    fn three_tries_at_two_layers_make_nine_and_the_lowest_edge_is_cut() {
        let report = judge(&[
            edge(0, 1, 300.0, 100.0, 0.9),
            edge(1, 2, 900.0, 300.0, 1.0),
            edge(1, 3, 300.0, 300.0, 0.0),
        ]);
        let states: Vec<_> =
            report.edges.iter().map(|e| (e.caller, e.callee, e.factor, e.state)).collect();
        assert_eq!(
            states,
            [
                (1, 2, Some(3.0), RetryState::Storm),
                (0, 1, Some(3.0), RetryState::Storm),
                (1, 3, Some(1.0), RetryState::Usual),
            ]
        );
        let cut = Cut { caller: 1, callee: 2, together: 9.0, chain: vec![0, 1, 2] };
        assert_eq!(report.cut, Some(cut));
    }

    #[test]
    fn more_calls_without_failures_are_no_storm() {
        let report = judge(&[edge(0, 1, 200.0, 100.0, 0.0)]);
        assert_eq!((report.edges[0].state, report.cut), (RetryState::OverBudget, None));
        let unknown = EdgeLoad { errors: None, ..edge(0, 1, 200.0, 100.0, 0.0) };
        assert_eq!(judge(&[unknown]).edges[0].state, RetryState::OverBudget);
    }

    #[test]
    fn twice_the_customers_are_no_retries() {
        assert_eq!(judge(&[edge(0, 1, 200.0, 200.0, 0.3)]).edges[0].state, RetryState::Usual);
    }

    #[test]
    fn counted_retries_need_no_usual_time() {
        let counted =
            EdgeLoad { usual: None, retries: Some(60.0), ..edge(0, 1, 100.0, f64::NAN, 0.5) };
        let found = &judge(&[counted]).edges[0];
        assert_eq!((found.factor, found.excess, found.state), (Some(2.5), 60.0, RetryState::Storm));
    }

    #[test]
    fn nothing_read_is_not_usual() {
        for bad in [
            edge(0, 1, f64::NAN, 100.0, 0.9),
            edge(0, 1, -5.0, 100.0, 0.9),
            edge(0, 1, 100.0, 0.0, 0.9),
            EdgeLoad { usual: None, ..edge(0, 1, 300.0, 100.0, 0.9) },
            EdgeLoad { retries: Some(100.0), usual: None, ..edge(0, 1, 100.0, 100.0, 0.9) },
        ] {
            let found = &judge(&[bad]).edges[0];
            assert_eq!((found.factor, found.state), (None, RetryState::Unknown), "{bad:?}");
        }
    }

    #[test]
    fn services_that_retry_each_other_end() {
        let report = judge(&[edge(0, 1, 300.0, 100.0, 0.9), edge(1, 0, 900.0, 300.0, 0.9)]);
        let cut = report.cut.unwrap();
        assert_eq!((cut.caller, cut.callee, cut.chain), (1, 0, vec![1, 0]));
    }

    fn loads() -> impl Strategy<Value = Vec<EdgeLoad>> {
        let number = || prop_oneof![8 => 0.0..1e4f64, 1 => Just(f64::NAN), 1 => Just(-1.0), 1 => Just(f64::INFINITY)];
        let one = (
            0..6usize,
            0..6usize,
            number(),
            number(),
            prop::option::of(number()),
            prop::option::of(0.0..1.0f64),
        );
        let load = one.prop_map(|(caller, callee, attempts, requests, usual, errors)| EdgeLoad {
            caller,
            callee,
            attempts,
            requests,
            usual,
            retries: None,
            errors,
        });
        prop::collection::vec(load, 0..20)
    }

    proptest! {
        #[test]
        fn order_does_not_matter_and_the_cut_is_a_storm(mut edges in loads()) {
            let one = judge(&edges);
            edges.reverse();
            let two = judge(&edges);
            prop_assert_eq!(&one.cut, &two.cut);
            let storm = |c: &Cut| one.edges.iter().any(|e| {
                (e.caller, e.callee, e.state) == (c.caller, c.callee, RetryState::Storm)
            });
            prop_assert_eq!(one.cut.is_some(), one.edges.iter().any(|e| e.state == RetryState::Storm));
            prop_assert!(one.cut.iter().all(storm));
            prop_assert!(one.edges.iter().all(|e| e.excess.is_finite() && e.excess >= 0.0));
        }
    }
}
