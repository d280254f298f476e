//! Which kind of alert usually causes which other, learned from the order in which they come.
//!
//! For each alert of kind A, on its own place and on neighbouring ones: is there a B within the
//! window after it, and is there one within the window before it? If A has nothing to do with B,
//! both happen equally often, whatever the rates and the time of day:
//!
//! ```text
//! z(A→B) = (after − before) / √(after + before + 1)        rate(A→B) = (after − before) / count(A)
//! ```
//!
//! That is McNemar's test (Psychometrika 12, 1947) of two dependent counts. Of A→B and B→A the
//! stronger is kept. A chain A→B→C shows A→C too, so what the best way over a third kind explains
//! is taken away (the data processing inequality, as in ARACNE, Margolin et al., BMC Bioinformatics
//! 7, 2006): z is multiplied by 1 − max over B of rate(A→B)·rate(B→C) / rate(A→C). What remains is
//! a cause when it is beyond the deviation that chance would reach once in all k·(k−1) pairs.
//!
//! Time O(n·w + k³) for n alerts, w of them within a window, and k kinds.

use crate::domain::{Span, Timestamp};

/// One alert as far as this needs to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    /// When it began.
    pub at: Timestamp,
    /// Where: device, host or service.
    pub place: usize,
    /// What.
    pub kind: usize,
}

/// One kind of alert causes another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cause {
    /// What comes first.
    pub cause: usize,
    /// What follows.
    pub effect: usize,
    /// Deviations beyond what chance and chains explain.
    pub z: f64,
    /// How many of `cause` are followed by `effect` beyond what is usual.
    pub rate: f64,
}

/// Effects follow within half a minute: what is slower cannot be told from chance.
pub const WINDOW: Span = Span::from_secs(30);
/// More alerts than this within one window on one place are a storm; the rest says nothing new.
const MOST_IN_WINDOW: usize = 500;
/// More kinds than this are not compared with each other.
const MOST_KINDS: usize = 1_000;

/// All causes, strongest first. Order of the events does not matter. Numbers of places that no edge
/// names have no neighbours.
pub fn causes(events: &[Event], neighbours: &[(usize, usize)], window: Span) -> Vec<Cause> {
    let mut kinds: Vec<usize> = events.iter().map(|event| event.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut places: Vec<usize> = events.iter().map(|event| event.place).collect();
    places.sort_unstable();
    places.dedup();
    let k = kinds.len();
    if !(2..=MOST_KINDS).contains(&k) {
        return Vec::new();
    }
    let (counts, after, before) = count(events, &kinds, &places, neighbours, window);
    let at = |a: usize, b: usize| a * k + b;
    let excess: Vec<f64> = after.iter().zip(&before).map(|(a, b)| a - b).collect();
    let rate: Vec<f64> = (0..k * k)
        .map(|i| excess.get(i).unwrap_or(&0.0) / counts.get(i / k).copied().unwrap_or(1.0).max(1.0))
        .collect();
    let rate_of = |a: usize, b: usize| rate.get(at(a, b)).copied().unwrap_or(0.0);
    let least = chance(k);
    let mut found = Vec::new();
    for a in 0..k {
        for c in 0..k {
            let direct = rate_of(a, c);
            if a == c || direct <= 0.0 {
                continue;
            }
            let over = |b: usize| {
                let (first, second) = (rate_of(a, b), rate_of(b, c));
                let real = b != a && b != c && first > 0.0 && second > 0.0;
                if real { (first * second).min(1.0) } else { 0.0 }
            };
            let explained = (0..k).map(over).fold(0.0, f64::max) / direct;
            let both = after.get(at(a, c)).zip(before.get(at(a, c)));
            let spread = both.map_or(1.0, |(x, y)| (x + y + 1.0).sqrt());
            let z = direct * counts.get(a).copied().unwrap_or(0.0) / spread
                * (1.0 - explained).max(0.0);
            let (Some(cause), Some(effect)) = (kinds.get(a), kinds.get(c)) else { continue };
            if z >= least {
                found.push(Cause { cause: *cause, effect: *effect, z, rate: direct });
            }
        }
    }
    // Of two directions the stronger; when they are equal there is none.
    let stronger =
        |x: &Cause| !found.iter().any(|y| y.cause == x.effect && y.effect == x.cause && y.z >= x.z);
    let mut kept: Vec<Cause> = found.iter().filter(|x| stronger(x)).copied().collect();
    kept.sort_by(|x, y| {
        y.z.total_cmp(&x.z).then(x.cause.cmp(&y.cause)).then(x.effect.cmp(&y.effect))
    });
    kept
}

/// How often each kind came, and for each pair how often the second was there after and before.
fn count(
    events: &[Event],
    kinds: &[usize],
    places: &[usize],
    neighbours: &[(usize, usize)],
    window: Span,
) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let k = kinds.len();
    let number = |list: &[usize], item: usize| list.binary_search(&item).ok();
    let mut near: Vec<Vec<usize>> = (0..places.len()).map(|place| vec![place]).collect();
    for (a, b) in neighbours {
        if let (Some(a), Some(b)) = (number(places, *a), number(places, *b)) {
            for (from, to) in [(a, b), (b, a)] {
                if let Some(near) = near.get_mut(from) {
                    near.push(to);
                }
            }
        }
    }
    for near in &mut near {
        near.sort_unstable();
        near.dedup();
    }
    let mut here: Vec<Vec<(Timestamp, usize)>> = vec![Vec::new(); places.len()];
    for event in events {
        let place = number(places, event.place).and_then(|place| here.get_mut(place));
        if let (Some(place), Some(kind)) = (place, number(kinds, event.kind)) {
            place.push((event.at, kind));
        }
    }
    here.iter_mut().for_each(|all| all.sort_unstable());
    let mut counts = vec![0.0; k];
    let (mut after, mut before) = (vec![0.0; k * k], vec![0.0; k * k]);
    // Which event a kind was last counted for, so that each counts once.
    let mut seen = vec![usize::MAX; k];
    let mut turn = 0;
    for (place, own) in here.iter().enumerate() {
        for (at, kind) in own {
            if let Some(count) = counts.get_mut(*kind) {
                *count += 1.0;
            }
            for other in near.get(place).into_iter().flatten() {
                let Some(all) = here.get(*other) else { continue };
                let (now, later) =
                    (all.partition_point(|(t, _)| t < at), all.partition_point(|(t, _)| t <= at));
                let forward = all.iter().skip(later).take(MOST_IN_WINDOW);
                let forward = forward.take_while(|(t, _)| t.since(*at) <= window);
                let back = all.get(..now).unwrap_or_default().iter().rev().take(MOST_IN_WINDOW);
                let back = back.take_while(|(t, _)| at.since(*t) <= window);
                for (sums, side) in [(&mut after, Side::A(forward)), (&mut before, Side::B(back))] {
                    turn += 1;
                    for (_, found) in side {
                        let first = seen
                            .get_mut(*found)
                            .is_some_and(|seen| std::mem::replace(seen, turn) != turn);
                        if let (true, Some(sum)) = (first, sums.get_mut(kind * k + found)) {
                            *sum += 1.0;
                        }
                    }
                }
            }
        }
    }
    (counts, after, before)
}

/// One of two iterators.
enum Side<A, B> {
    A(A),
    B(B),
}

impl<T, A: Iterator<Item = T>, B: Iterator<Item = T>> Iterator for Side<A, B> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        match self {
            Self::A(a) => a.next(),
            Self::B(b) => b.next(),
        }
    }
}

/// The deviation that chance exceeds once in k·(k−1) pairs: the upper quantile of the normal
/// distribution by Abramowitz and Stegun, formula 26.2.23 (error below 0.00045).
fn chance(kinds: usize) -> f64 {
    let pairs = (kinds * (kinds - 1)) as f64;
    let t = (2.0 * pairs.ln()).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    t - above / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(secs: i64, place: usize, kind: usize) -> Event {
        Event { at: Timestamp::from_millis(secs * 1_000), place, kind }
    }

    fn pairs(found: &[Cause]) -> Vec<(usize, usize)> {
        found.iter().map(|cause| (cause.cause, cause.effect)).collect()
    }

    /// Kind 0 brings 1 on the neighbour five seconds later, which brings 2 five seconds after that;
    /// kind 3 comes minutes later.
    fn chain() -> Vec<Event> {
        (0..60)
            .flat_map(|i| {
                let t = i * 1_000;
                [event(t, 10, 0), event(t + 5, 20, 1), event(t + 10, 20, 2), event(t + 500, 10, 3)]
            })
            .collect()
    }

    #[test]
    fn a_chain_is_found_link_by_link_and_not_end_to_end() {
        let mut found = pairs(&causes(&chain(), &[(10, 20)], WINDOW));
        found.sort_unstable();
        assert_eq!(found, [(0, 1), (1, 2)]);
    }

    #[test]
    fn places_that_are_no_neighbours_have_nothing_to_do_with_each_other() {
        assert_eq!(pairs(&causes(&chain(), &[], WINDOW)), [(1, 2)]);
        assert_eq!(pairs(&causes(&chain(), &[(10, 99)], WINDOW)), [(1, 2)]);
    }

    #[test]
    fn a_storm_of_equal_times_is_no_order() {
        let events: Vec<Event> =
            (0..5_000).map(|i| event(i / 2_500, 1, (i % 4) as usize)).collect();
        let found = causes(&events, &[(1, 1)], WINDOW);
        assert!(found.iter().all(|cause| cause.z.is_finite()), "{found:?}");
        assert_eq!(causes(&[], &[], WINDOW), []);
        assert_eq!(causes(&[event(0, 0, 0)], &[], WINDOW), []);
    }

    proptest! {
        #[test]
        fn order_does_not_matter_and_only_one_direction_remains(
            mut events in prop::collection::vec((0..3_000i64, 0..4usize, 0..6usize), 0..200),
            edges in prop::collection::vec((0..6usize, 0..6usize), 0..8),
        ) {
            let list: Vec<Event> = events.iter().map(|(t, p, k)| event(*t, *p, *k)).collect();
            let one = causes(&list, &edges, WINDOW);
            events.reverse();
            let list: Vec<Event> = events.iter().map(|(t, p, k)| event(*t, *p, *k)).collect();
            prop_assert_eq!(&one, &causes(&list, &edges, WINDOW));
            let both = |c: &Cause| one.iter().any(|d| (d.cause, d.effect) == (c.effect, c.cause));
            prop_assert!(!one.iter().any(both));
        }
    }
}
