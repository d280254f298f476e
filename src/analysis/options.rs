//! Roll back, switch off, fix forward or wait: what each is expected to cost, and what would change the answer.
//!
//! ```text
//! E[o]  = λ·d_o + c_o + (1 − p_o) · (λ·r_o + E[next])        E[wait] = λ·w
//! ```
//!
//! | | unit | what |
//! |---|---|---|
//! | λ | cost per minute | what goes on being lost: error budget (shares of it), or money |
//! | d | minutes | until the option has taken effect, preparing included |
//! | p | 0 to 1 | that it helps |
//! | r | minutes | to notice that it did not help, and to turn to the next |
//! | c | cost | what it costs by itself, whether it helps or not |
//! | w | minutes | until it would pass by itself; unknown is for ever |
//!
//! What comes next when an option fails is the cheapest of the others, each tried once: the minimum over all
//! orders, which for independent attempts is also the minimum over all first options. An option that leaves
//! what cannot be undone (a migration that has run, mails that were sent) is not dearer, it is set aside: a
//! constraint, not a cost. What it comes to is told, but it is never advised, nor counted on as what comes
//! next: that is for a person to choose. The probability that a change is to blame is Bayes' rule with an exponential lag:
//! trouble made by a change shows soon after it, other trouble at any time (as in the search for the
//! introducing change of incident practice). Cost: O(n · n!) in the options, of which there are four or five.

#[cfg(test)]
mod tests;

/// An option with what is known of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptionFacts {
    /// Minutes until it has taken effect.
    pub minutes: f64,
    /// How likely it helps, from 0 to 1.
    pub success: f64,
    /// Minutes to notice that it did not help.
    pub retry: f64,
    /// What it costs by itself.
    pub side: f64,
    /// Whether it is not to be advised, whatever it costs.
    pub set_aside: bool,
}

/// What an option comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Costed {
    /// Its place in the list.
    pub option: usize,
    /// Expected cost when it is tried first and the rest goes on in the best order; `None` when its
    /// inputs are no numbers, so that nothing is expected of it.
    pub expected: Option<f64>,
    /// The same in minutes of trouble.
    pub minutes: Option<f64>,
    /// How likely it would have to help for it to be as good as the best other one; `None` when no
    /// probability would do, or any would.
    pub break_even: Option<f64>,
}

/// Which option is best, and how sure that is.
#[derive(Debug, Clone, PartialEq)]
pub struct Advice {
    /// Every option in the order given.
    pub costs: Vec<Costed>,
    /// The cheapest that is not set aside; `None` when none can be costed.
    pub best: Option<usize>,
    /// Inputs of which a quarter more or less would make another one the best: option and input.
    pub flips: Vec<(usize, Input)>,
}

/// An input that may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Input {
    /// Minutes until it takes effect.
    Minutes,
    /// How likely it helps.
    Success,
    /// Minutes to notice that it did not.
    Retry,
    /// What it costs by itself.
    Side,
}

impl Input {
    /// All.
    pub const ALL: [Self; 4] = [Self::Minutes, Self::Success, Self::Retry, Self::Side];

    /// On the card.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minutes => "minutes",
            Self::Success => "chance of success",
            Self::Retry => "minutes to notice",
            Self::Side => "own cost",
        }
    }
}

/// Most options that are compared; more would take long and tell nobody anything.
pub const MOST: usize = 7;

/// Compares options at a rate of loss. `wait` is how many minutes it takes until it passes by itself, when
/// that is known: what remains when nothing has helped. Without it, what remains is counted as `otherwise`
/// minutes, the length somebody is willing to assume.
pub fn advise(rate: f64, options: &[OptionFacts], otherwise: f64) -> Advice {
    let options = options.get(..MOST.min(options.len())).unwrap_or_default();
    let costs: Vec<Costed> =
        (0..options.len()).map(|at| costed(rate, options, otherwise, at)).collect();
    let best = best_of(options, &costs);
    let mut flips = Vec::new();
    for at in 0..options.len() {
        for input in Input::ALL {
            let other = |factor: f64| {
                let changed = with(options, at, input, factor);
                let costs: Vec<Costed> = (0..changed.len())
                    .map(|at| costed_only(rate, &changed, otherwise, at))
                    .collect();
                best_of(&changed, &costs) != best
            };
            if best.is_some() && (other(0.75) || other(1.25)) {
                flips.push((at, input));
            }
        }
    }
    Advice { costs, best, flips }
}

/// The cheapest that may be advised; of equal ones the first.
fn best_of(options: &[OptionFacts], costs: &[Costed]) -> Option<usize> {
    let advised = options.iter().zip(costs).filter(|(option, _)| !option.set_aside);
    let known = advised.filter_map(|(_, c)| Some((c.option, c.expected?)));
    known.min_by(|(a, x), (b, y)| x.total_cmp(y).then(a.cmp(b))).map(|(at, _)| at)
}

fn with(options: &[OptionFacts], at: usize, input: Input, factor: f64) -> Vec<OptionFacts> {
    let mut changed = options.to_vec();
    if let Some(one) = changed.get_mut(at) {
        match input {
            Input::Minutes => one.minutes *= factor,
            // What is unknown stays so: `min` would make it certain.
            Input::Success => one.success = (one.success * factor).clamp(0.0, 1.0),
            Input::Retry => one.retry *= factor,
            Input::Side => one.side *= factor,
        }
    }
    changed
}

fn usable(option: &OptionFacts) -> bool {
    let sound = |value: f64| value.is_finite() && value >= 0.0;
    [option.minutes, option.retry, option.side].into_iter().all(sound)
        && (0.0..=1.0).contains(&option.success)
}

fn costed(rate: f64, options: &[OptionFacts], otherwise: f64, at: usize) -> Costed {
    let mut one = costed_only(rate, options, otherwise, at);
    let other = (0..options.len()).filter(|other| *other != at && !options[*other].set_aside);
    let other = other.filter_map(|other| first(rate, options, otherwise, other)).map(|(c, _)| c);
    let other = other.min_by(f64::total_cmp);
    if let (Some(_), Some(other)) = (one.expected, other) {
        one.break_even = break_even(other, |success| {
            let mut changed = options.to_vec();
            if let Some(one) = changed.get_mut(at) {
                one.success = success;
            }
            first(rate, &changed, otherwise, at).map(|(cost, _)| cost)
        });
    }
    one
}

fn costed_only(rate: f64, options: &[OptionFacts], otherwise: f64, at: usize) -> Costed {
    let found = first(rate, options, otherwise, at);
    let (expected, minutes) = (found.map(|(cost, _)| cost), found.map(|(_, minutes)| minutes));
    Costed { option: at, expected, minutes, break_even: None }
}

/// Cost and minutes when `at` is tried first and the rest in its best order.
fn first(rate: f64, options: &[OptionFacts], otherwise: f64, at: usize) -> Option<(f64, f64)> {
    let sound = rate.is_finite() && rate >= 0.0 && otherwise.is_finite() && otherwise >= 0.0;
    if !sound || !options.get(at).is_some_and(usable) {
        return None;
    }
    let may_follow =
        |other: &usize| *other != at && usable(&options[*other]) && !options[*other].set_aside;
    let rest: Vec<usize> = (0..options.len()).filter(may_follow).collect();
    Some(attempt(rate, options, otherwise, at, &rest))
}

fn attempt(
    rate: f64,
    options: &[OptionFacts],
    otherwise: f64,
    at: usize,
    rest: &[usize],
) -> (f64, f64) {
    let Some(one) = options.get(at) else { return (rate * otherwise, otherwise) };
    // When nothing is left, it lasts as long as it lasts.
    let next = rest
        .iter()
        .map(|next| {
            let left: Vec<usize> = rest.iter().copied().filter(|other| other != next).collect();
            attempt(rate, options, otherwise, *next, &left)
        })
        .chain([(rate * otherwise, otherwise)])
        .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)))
        .unwrap_or((rate * otherwise, otherwise));
    let failing = 1.0 - one.success;
    (
        rate * one.minutes + one.side + failing * (rate * one.retry + next.0),
        one.minutes + failing * (one.retry + next.1),
    )
}

/// Where the cost falls to `target` as success becomes likelier: it does so steadily, so halving finds it.
fn break_even(target: f64, cost: impl Fn(f64) -> Option<f64>) -> Option<f64> {
    let (mut low, mut high) = (0.0, 1.0);
    if cost(low)? <= target || cost(high)? > target {
        return None;
    }
    for _ in 0..60 {
        let mid = (low + high) / 2.0;
        if cost(mid)? > target {
            low = mid;
        } else {
            high = mid;
        }
    }
    Some(high)
}

/// What is known of a change before it is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suspected {
    /// How likely changes of this kind make trouble at all: its risk, from 0 to 1.
    pub risk: f64,
    /// Minutes from the change to the onset; negative when it came after.
    pub lag: f64,
    /// Whether it touches what hurts, or what that calls: 1 for the service itself, less farther away.
    pub overlap: f64,
}

/// Trouble that a change makes shows after so many minutes on average.
pub const SHOWS_AFTER: f64 = 20.0;
/// Trouble that no change made would have begun at any time within these minutes.
pub const ANY_TIME: f64 = 24.0 * 60.0;

/// How likely each change is to blame, and that none is: they sum to 1. Bayes with one culprit at most:
/// prior odds from risk and overlap, likelihood of the lag exponential for a culprit and even otherwise.
pub fn to_blame(changes: &[Suspected]) -> (Vec<f64>, f64) {
    let weight = |one: &Suspected| {
        let sound = [one.risk, one.lag, one.overlap].into_iter().all(f64::is_finite);
        if !sound || one.lag < 0.0 || one.lag > ANY_TIME {
            return 0.0;
        }
        let risk = one.risk.clamp(0.0, 0.999);
        let odds = risk / (1.0 - risk) * one.overlap.clamp(0.0, 1.0);
        let (culprit, other) = ((-one.lag / SHOWS_AFTER).exp() / SHOWS_AFTER, 1.0 / ANY_TIME);
        odds * culprit / other
    };
    let weights: Vec<f64> = changes.iter().map(weight).collect();
    let all = 1.0 + weights.iter().sum::<f64>();
    (weights.into_iter().map(|weight| weight / all).collect(), 1.0 / all)
}
