//! Availability: the published check values, and every answer against all states tried.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::super::samples::graph;
use super::*;

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-12
}

#[test]
fn the_published_values_come_out() {
    for (k, n, a, wanted) in [
        (2, 3, 0.99, 0.999_702),
        (3, 5, 0.99, 0.999_990_149_4),
        (2, 3, 0.999, 0.999_997_002),
        (1, 2, 0.99, 0.999_9),
        (1, 3, 0.99, 0.999_999),
        (0, 3, 0.5, 1.0),
        (4, 3, 0.5, 0.0),
        (3, 3, 0.5, 0.125),
    ] {
        assert!(near(k_of_n(k, n, a), wanted), "{k} of {n} at {a}: {}", k_of_n(k, n, a));
    }
    // Five dependencies of five nines take half the budget of a four nines' service.
    let five = Need { least: 5, of: vec![1, 2, 3, 4, 5] };
    let mut parts = vec![Part { own: 1.0, needs: vec![five] }];
    parts.extend((0..5).map(|_| Part { own: 0.999_99, needs: Vec::new() }));
    let left = 1.0 - exact(&System { parts }, 0).expect("small");
    assert!((left - 4.999_90e-5).abs() < 1e-10, "{left}");
    // A tenth of failures in common: never better than that tenth.
    let (alone, common) = beta_factor(0.99, 0.1);
    assert!(near(common, 0.999) && near(alone, 0.991));
    assert!(near(common * k_of_n(1, 2, alone), 0.999 * (1.0 - 0.009 * 0.009)));
}

/// What multiplying along every path would say.
fn naive(system: &System, of: usize) -> f64 {
    let part = &system.parts[of];
    let need = |need: &Need| at_least(need.least, need.of.iter().map(|of| naive(system, *of)));
    part.own * part.needs.iter().map(need).product::<f64>()
}

#[test]
fn what_two_paths_share_counts_once() {
    let diamond = graph("web→shop web→cart shop→db cart→db");
    let system = System::of(&diamond, |_| 0.9);
    let web = 3;
    assert_eq!(diamond.nodes()[web].key.service.as_str(), "web");
    let right = exact(&system, web).expect("small");
    assert!(near(right, 0.9_f64.powi(4)), "{right}");
    assert!(near(naive(&system, web), 0.9_f64.powi(5)), "the naive product counts db twice");
    let both = graph("web→?a web→?b a→db b→db web~>ads");
    let system = System::of(&both, |_| 0.9);
    let web = both.nodes().len() - 1;
    let right = exact(&system, web).expect("small");
    assert!(near(right, 0.9 * 0.9 * (1.0 - 0.1 * 0.1)), "{right}");
    assert!(naive(&system, web) > right + 0.01, "naive is too hopeful: {}", naive(&system, web));
}

#[test]
fn a_ring_works_together_or_not_at_all() {
    let ring = graph("web→a a→b b→a b→db b→b");
    let system = System::of(&ring, |_| 0.9);
    let right = exact(&system, 3).expect("plain rings are exact");
    assert!(near(right, 0.9_f64.powi(4)), "{right}");
    // A ring through an alternative is drawn, and says so.
    let odd = graph("a→?b a→?c b→a");
    let system = System::of(&odd, |_| 0.9);
    assert_eq!(exact(&system, 0), None);
    let Availability::Estimated(drawn) = availability(&system, 0, 7) else {
        panic!("exact is not possible")
    };
    let truth = 0.9 * (1.0 - 0.1 * 0.1);
    assert!(drawn.low < truth && truth < drawn.high, "{drawn:?}");
    assert_eq!(exact(&system, 99), None, "no such part");
}

#[test]
fn five_thousand_services_in_series_and_a_deep_tree_are_exact() {
    let mut parts: Vec<Part> = (0..5_000)
        .map(|i| Part { own: 0.9999, needs: vec![Need::one((i + 1).min(4_999)); 2] })
        .collect();
    parts[4_999].needs.clear();
    let right = exact(&System { parts }, 0).expect("series");
    assert!((right - 0.9999_f64.powi(5_000)).abs() < 1e-9, "{right}");
    let of = |i: usize| vec![2 * i + 1, 2 * i + 2];
    let needs = |i: usize| if i < 127 { vec![Need { least: 1, of: of(i) }] } else { Vec::new() };
    let tree = System { parts: (0..255).map(|i| Part { own: 0.9, needs: needs(i) }).collect() };
    let right = exact(&tree, 0).expect("nothing is shared");
    assert!(near(right, naive(&tree, 0)));
}

/// All states of all parts.
fn brute(system: &System, of: usize) -> f64 {
    let count = system.parts.len();
    let mut works = Vec::new();
    let mut total = 0.0;
    for state in 0..1_u32 << count {
        let own: Vec<bool> = (0..count).map(|i| state >> i & 1 == 1).collect();
        system.working(&own, &mut works);
        if works[of] {
            let chance = |(part, up): (&Part, &bool)| if *up { part.own } else { 1.0 - part.own };
            total += system.parts.iter().zip(&own).map(chance).product::<f64>();
        }
    }
    total
}

/// Own chance; for each need how many, and of which.
type Drawn = (f64, Vec<(usize, Vec<usize>)>);

prop_compose! {
    /// Parts that need only later ones, in random numbers of random others.
    fn some_system(most: usize)(
        parts in proptest::collection::vec(
            (prop_oneof![1 => Just(1.0), 1 => Just(0.0), 8 => 0.0..1.0f64],
             proptest::collection::vec((0..4usize, proptest::collection::vec(any::<usize>(), 1..4)), 0..3)),
            1..=most),
    ) -> System {
        let count = parts.len();
        let part = |(at, (own, needs)): (usize, Drawn)| {
            let later = count - 1 - at;
            let need = |(least, of): (usize, Vec<usize>)| {
                let mut of: Vec<usize> = of.iter().map(|of| at + 1 + of % later).collect();
                of.sort_unstable();
                of.dedup();
                Need { least: least.min(of.len()), of }
            };
            let needs = needs.into_iter().filter(|_| later > 0).map(need).collect();
            Part { own, needs }
        };
        System { parts: parts.into_iter().enumerate().map(part).collect() }
    }
}

#[test]
fn exact_is_what_all_states_add_up_to_on_ten_thousand_systems_of_up_to_twelve() {
    // Half of them small, where every shape comes up; brute force over 4,096 states takes its time.
    for (cases, most) in [(9_000, 7), (1_000, 12)] {
        let mut runner = TestRunner::new(Config { cases, ..Config::default() });
        let result = runner.run(&some_system(most), |system| {
            let (right, all) = (exact(&system, 0), brute(&system, 0));
            prop_assert!(right.is_some_and(|right| near(right, all)), "{right:?} against {all}");
            Ok(())
        });
        result.expect("they agree");
    }
}

proptest! {
    #![proptest_config(Config::with_cases(40))]

    #[test]
    fn draws_are_about_right_and_the_same_each_time(system in some_system(8), seed: u64) {
        let drawn = estimate(&system, 0, 20_000, seed);
        prop_assert_eq!(drawn, estimate(&system, 0, 20_000, seed));
        let truth = brute(&system, 0);
        // Three intervals' widths: what 95 % miss once in twenty, this misses once in 10⁸.
        let wide = 1.5 * (drawn.high - drawn.low);
        prop_assert!((drawn.value - truth).abs() <= wide, "{drawn:?} against {truth}");
        prop_assert!(drawn.low <= drawn.value && drawn.value <= drawn.high);
    }

    #[test]
    fn a_graph_and_its_system_agree(edges in super::super::samples::some_edges(7)) {
        let graph = graph(&edges);
        let system = System::of(&graph, |at| 0.5 + at.index() as f64 / 20.0);
        for at in 0..system.parts.len() {
            if let Some(right) = exact(&system, at) {
                prop_assert!(near(right, brute(&system, at)));
            }
        }
    }
}
