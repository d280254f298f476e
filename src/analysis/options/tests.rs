//! What each way out costs: worked examples, every order tried, break-evens found again.

use pretty_assertions::assert_eq;
use proptest::prelude::*;

use super::*;

fn option(minutes: f64, success: f64) -> OptionFacts {
    OptionFacts { minutes, success, retry: 5.0, side: 0.0, set_aside: false }
}

#[test]
fn a_quick_rollback_beats_a_hotfix_that_is_surer_but_slow() {
    let (rollback, hotfix) = (option(6.0, 0.9), option(45.0, 0.95));
    let advice = advise(2.0, &[rollback, hotfix], 240.0);
    // By hand: the hotfix last is 45 + 0.05 (5 + 240) = 57.25 minutes; the rollback before it
    // 6 + 0.1 (5 + 57.25) = 12.225, at a loss of 2 a minute.
    assert_eq!(advice.best, Some(0));
    let minutes: Vec<f64> = advice.costs.iter().filter_map(|cost| cost.minutes).collect();
    let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
    assert!(near(minutes[0], 12.225), "{minutes:?}");
    assert!(near(advice.costs[0].expected.unwrap(), 24.45));
    // The hotfix first: 45 + 0.05 (5 + rollback last), rollback last = 6 + 0.1 (5 + 240) = 30.5.
    assert!(near(minutes[1], 46.775), "{minutes:?}");
}

#[test]
fn what_leaves_something_that_cannot_be_undone_is_priced_and_neither_advised_nor_counted_on() {
    let (mut rollback, hotfix) = (option(1.0, 1.0), option(45.0, 0.95));
    rollback.set_aside = true;
    let advice = advise(2.0, &[rollback, hotfix], 240.0);
    assert_eq!((advice.best, advice.costs[0].expected), (Some(1), Some(2.0)));
    assert_eq!(advice.costs[1].expected, advise(2.0, &[hotfix], 240.0).costs[0].expected);
}

#[test]
fn a_close_call_says_which_input_would_turn_it() {
    let close = advise(1.0, &[option(10.0, 0.9), option(11.0, 0.9)], 120.0);
    assert_eq!(close.best, Some(0));
    assert!(
        close.flips.contains(&(0, Input::Minutes)) && close.flips.contains(&(1, Input::Success))
    );
    let clear = advise(1.0, &[option(1.0, 0.99), option(90.0, 0.9)], 120.0);
    assert_eq!(clear.flips, []);
}

#[test]
fn inputs_that_are_no_numbers_give_no_advice() {
    for wrong in [f64::NAN, f64::INFINITY, -1.0] {
        let advice = advise(1.0, &[option(wrong, 0.9)], 120.0);
        assert_eq!((advice.best, advice.costs[0].expected), (None, None));
        assert_eq!(advise(wrong, &[option(1.0, 0.9)], 120.0).best, None);
    }
    assert_eq!(advise(1.0, &[], 120.0), Advice { costs: vec![], best: None, flips: vec![] });
}

#[test]
fn a_change_just_before_is_blamed_and_one_after_never() {
    let change = |lag: f64| Suspected { risk: 0.2, lag, overlap: 1.0 };
    let (each, none) = to_blame(&[change(4.0), change(300.0), change(-1.0)]);
    assert!(each[0] > 0.9 && each[1] < 0.01 && each[2] == 0.0, "{each:?}");
    assert!((each.iter().sum::<f64>() + none - 1.0).abs() < 1e-12);
    assert_eq!(to_blame(&[]), (vec![], 1.0));
}

fn facts() -> impl Strategy<Value = OptionFacts> {
    (0.0..120.0, 0.0..=1.0, 0.0..30.0, 0.0..50.0, prop::bool::weighted(0.2)).prop_map(
        |(minutes, success, retry, side, set_aside)| OptionFacts {
            minutes,
            success,
            retry,
            side,
            set_aside,
        },
    )
}

/// What a given order costs, added up attempt by attempt.
fn in_order(rate: f64, options: &[OptionFacts], order: &[usize], otherwise: f64) -> f64 {
    let (mut reached, mut total) = (1.0, 0.0);
    for (at, place) in order.iter().enumerate() {
        let one = &options[*place];
        total += reached * (rate * one.minutes + one.side);
        reached *= 1.0 - one.success;
        let last = at + 1 == order.len();
        total += reached * rate * (one.retry + if last { otherwise } else { 0.0 });
    }
    total
}

/// Every order of every part of the places.
fn orders(places: &[usize]) -> Vec<Vec<usize>> {
    let mut all = Vec::new();
    for place in places {
        all.push(vec![*place]);
        let rest: Vec<usize> = places.iter().copied().filter(|other| other != place).collect();
        all.extend(orders(&rest).into_iter().map(|mut order| {
            order.insert(0, *place);
            order
        }));
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_advice_is_the_least_of_all_orders(
        rate in 0.0..10.0f64,
        options in prop::collection::vec(facts(), 1..5),
        otherwise in 0.0..300.0f64,
    ) {
        let advice = advise(rate, &options, otherwise);
        let open: Vec<usize> = (0..options.len()).filter(|at| !options[*at].set_aside).collect();
        let least = orders(&open)
            .into_iter()
            .map(|order| in_order(rate, &options, &order, otherwise))
            .min_by(f64::total_cmp);
        let said = advice.best.and_then(|best| advice.costs[best].expected);
        match (least, said) {
            (None, None) => {}
            (Some(least), Some(said)) => {
                prop_assert!((least - said).abs() <= 1e-9 * least.max(1.0), "{} {}", least, said);
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn at_the_break_even_two_options_cost_the_same(
        rate in 0.1..10.0f64,
        options in prop::collection::vec(facts(), 2..4),
    ) {
        let advice = advise(rate, &options, 240.0);
        for cost in &advice.costs {
            let Some(even) = cost.break_even else { continue };
            let mut changed = options.clone();
            changed[cost.option].success = even;
            let costs = advise(rate, &changed, 240.0).costs;
            let now = costs[cost.option].expected.unwrap();
            let best_other = advice.costs.iter()
                .filter(|c| c.option != cost.option && !options[c.option].set_aside)
                .filter_map(|c| c.expected).min_by(f64::total_cmp).unwrap();
            prop_assert!((now - best_other).abs() <= 1e-6 * best_other.max(1.0));
        }
    }

    #[test]
    fn blame_is_shared_out_whole(
        changes in prop::collection::vec((0.0..1.0f64, -100.0..2_000.0f64, 0.0..1.0f64), 0..8),
    ) {
        let changes: Vec<Suspected> = changes.into_iter()
            .map(|(risk, lag, overlap)| Suspected { risk, lag, overlap }).collect();
        let (each, none) = to_blame(&changes);
        prop_assert!((each.iter().sum::<f64>() + none - 1.0).abs() < 1e-9);
        prop_assert!(each.iter().all(|one| (0.0..=1.0).contains(one)));
    }
}

#[test]
fn what_is_unknown_is_not_made_certain_by_asking_what_would_turn_the_answer() {
    let known =
        OptionFacts { minutes: 10.0, success: 0.5, retry: 5.0, side: 0.0, set_aside: false };
    let unknown = OptionFacts { minutes: 1.0, success: f64::NAN, ..known };
    let advice = advise(1.0, &[known, unknown], 60.0);
    assert_eq!(advice.best, Some(0));
    assert_eq!(advice.flips, []);
}
