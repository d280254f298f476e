//! The judge against Kayenta's own cases, and what must hold for any sample.

use std::collections::BTreeMap;

use pretty_assertions::assert_eq;
use proptest::prelude::*;
use serde_json::Value;

use super::*;

const CLASSIFIER: &str = include_str!("../../../fixtures/canary/classifier.json");
const SCORER: &str = include_str!("../../../fixtures/canary/scorer.json");

fn cases(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|one| one.as_f64().unwrap_or(f64::NAN)).collect()
}

fn class(name: &str) -> Class {
    match name {
        "Pass" => Class::Pass,
        "High" => Class::High,
        "Low" => Class::Low,
        "Nodata" => Class::NoData,
        "NodataFailMetric" => Class::NoDataFails,
        other => panic!("{other}"),
    }
}

fn rule(case: &Value) -> Rule {
    let pair = |name: &str| (case[name][0].as_f64().unwrap(), case[name][1].as_f64().unwrap());
    Rule {
        direction: match case["direction"].as_str().unwrap() {
            "Increase" => Direction::Increase,
            "Decrease" => Direction::Decrease,
            _ => Direction::Either,
        },
        gaps: if case["nan_strategy"] == "Replace" { Gaps::Zero } else { Gaps::Remove },
        critical: case["critical_metric"] == true,
        required: case["data_required"] == true,
        tolerance: case["tolerance"].as_f64().unwrap(),
        confidence: case["conf_level"].as_f64().unwrap(),
        effect: match case["effect_size_measure"].as_str().unwrap() {
            "cles" => Effect::CommonLanguage,
            _ => Effect::MeanRatio,
        },
        thresholds: pair("effect_size_thresholds"),
        critical_thresholds: pair("critical_thresholds"),
        test: match case["classifier"].as_str().unwrap() {
            "MannWhitneyClassifier" => Test::MannWhitney,
            _ => Test::MeanInequality,
        },
    }
}

#[test]
fn every_case_of_kayentas_classifier_is_judged_as_kayenta_judges_it() {
    let mut wrong = Vec::new();
    let cases = cases(CLASSIFIER);
    for case in &cases {
        let found = compare(&numbers(&case["control"]), &numbers(&case["experiment"]), &rule(case));
        let deviation = match &case["expect_deviation"] {
            Value::Number(number) => found.deviation == number.as_f64().unwrap(),
            Value::String(_) => found.deviation.is_nan(),
            _ => true,
        };
        let critical = case["expect_critical"].as_bool().is_none_or(|said| said == found.critical);
        if found.class != class(case["expect"].as_str().unwrap()) || !critical || !deviation {
            wrong.push((case["name"].to_string(), found));
        }
    }
    assert_eq!((cases.len(), wrong), (18, Vec::new()));
}

#[test]
fn every_case_of_kayentas_scorer_gets_kayentas_score() {
    for case in cases(SCORER) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let results: Vec<Judged> = case["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| Judged {
                name: text(&one["name"]),
                class: class(one["classification"].as_str().unwrap()),
                critical: one["critical"] == true,
                muted: one["muted"] == true,
                groups: one["groups"].as_array().unwrap().iter().map(text).collect(),
            })
            .collect();
        let weights = case["group_weights"].as_object().unwrap().iter();
        let weights: BTreeMap<String, f64> =
            weights.map(|(name, one)| (name.clone(), one.as_f64().unwrap())).collect();
        let found = score(&results, &weights, Thresholds::default());
        assert_eq!(found.score, case["expect_summary_score"].as_f64().unwrap(), "{}", case["name"]);
    }
}

fn judged(name: &str, class: Class, critical: bool) -> Judged {
    Judged { name: name.to_owned(), class, critical, muted: false, groups: vec!["all".to_owned()] }
}

fn verdict(all: &[Judged]) -> Verdict {
    score(all, &BTreeMap::new(), Thresholds::default()).verdict
}

#[test]
fn a_worse_metric_goes_back_and_silence_is_held() {
    use Class::{High, NoData, NoDataFails, Pass};
    assert_eq!(verdict(&[]), Verdict::Hold, "nothing was looked at");
    assert_eq!(verdict(&[judged("errors", Pass, true)]), Verdict::GoOn);
    assert_eq!(verdict(&[judged("errors", NoData, true)]), Verdict::Hold);
    assert_eq!(verdict(&[judged("errors", NoDataFails, true)]), Verdict::RollBack);
    assert_eq!(
        verdict(&[judged("errors", High, true), judged("a", Pass, false)]),
        Verdict::RollBack
    );
    assert_eq!(verdict(&[judged("a", High, false), judged("b", Pass, false)]), Verdict::RollBack);
    let mut many: Vec<Judged> = (0..9).map(|_| judged("a", Pass, false)).collect();
    many.push(judged("b", High, false));
    assert_eq!(verdict(&many), Verdict::Hold, "90 lies between 75 and 95");
    let silent = [judged("a", Pass, false), judged("b", NoData, true), judged("c", Pass, false)];
    assert_eq!(verdict(&silent), Verdict::Hold, "a critical one says nothing");
}

#[test]
fn outliers_beyond_the_fences_are_left_out() {
    let mut values: Vec<f64> = (0..200).map(|i| f64::from(i % 10)).collect();
    values.push(1_000.0);
    assert_eq!(without_outliers(&values, 3.0).len(), 200);
    assert_eq!(without_outliers(&[], 3.0), Vec::<f64>::new());
    assert_eq!(without_outliers(&[1.0, 2.0], 3.0), [1.0, 2.0]);
}

/// Values that hardly differ from a mean of 100; a fixed sequence, the same on every machine.
fn noisy(seed: u64, count: usize, mean: f64, spread: f64) -> Vec<f64> {
    let mut lots = fastrand::Rng::with_seed(seed);
    // Twelve even lots add up to nearly a normal one.
    let mut normal = || (0..12).map(|_| lots.f64()).sum::<f64>() - 6.0;
    (0..count).map(|_| mean + spread * normal()).collect()
}

#[test]
fn equal_builds_are_rarely_blamed_and_a_third_more_is_nearly_always_seen() {
    let rule = Rule::default();
    let runs = 2_000;
    let (mut blamed, mut seen) = (0, 0);
    for seed in 0..runs {
        let baseline = noisy(seed, 30, 100.0, 10.0);
        let same = noisy(seed + 1_000_000, 30, 100.0, 10.0);
        let worse: Vec<f64> = same.iter().map(|value| value * 1.3).collect();
        blamed += u64::from(compare(&baseline, &same, &rule).class != Class::Pass);
        seen += u64::from(compare(&baseline, &worse, &rule).class == Class::High);
    }
    assert!(blamed * 100 <= runs * 5, "{blamed} of {runs} equal ones were blamed");
    assert!(seen * 100 >= runs * 95, "{seen} of {runs} were seen");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_two_directions_mirror_each_other_and_order_does_not_matter(
        mut a in prop::collection::vec(-1e3_f64..1e3, 1..25),
        b in prop::collection::vec(-1e3_f64..1e3, 1..25),
    ) {
        let rule = Rule { direction: Direction::Either, ..Rule::default() };
        // Effects of 1 and 1 ask for a direction of the means as well, which need not be that of the ranks.
        let rule = Rule { thresholds: (f64::INFINITY, f64::NEG_INFINITY), ..rule };
        let there = compare(&a, &b, &rule);
        let back = compare(&b, &a, &rule);
        let mirrored = match there.class {
            Class::High => Class::Low,
            Class::Low => Class::High,
            other => other,
        };
        prop_assert_eq!(back.class, mirrored);
        a.reverse();
        prop_assert_eq!(compare(&a, &b, &rule).class, there.class);
        let one_sided = Rule { direction: Direction::Increase, ..rule };
        let high = compare(&a, &b, &one_sided).class == Class::High;
        prop_assert_eq!(high, there.class == Class::High);
    }

    #[test]
    fn fewer_than_four_are_never_blamed(
        a in prop::collection::vec(0_f64..10.0, 1..ENOUGH),
        b in prop::collection::vec(1e3_f64..1e4, 1..ENOUGH),
    ) {
        let rule = Rule { critical: true, ..Rule::default() };
        prop_assert_eq!(compare_enough(&a, &b, &rule).class, Class::NoData);
        let whole: Vec<f64> = b.iter().copied().cycle().take(30).collect();
        prop_assert_eq!(compare_enough(&a, &whole, &rule).class, Class::NoData);
        let required = Rule { required: true, ..rule };
        prop_assert_eq!(compare_enough(&whole, &b, &required).class, Class::NoDataFails);
        // What there are enough of is compared as ever.
        let many: Vec<f64> = whole.iter().map(|value| value / 1e4).collect();
        prop_assert_eq!(compare_enough(&many, &whole, &rule), compare(&many, &whole, &rule));
    }

    #[test]
    fn no_series_is_too_strange_to_be_compared(
        a in prop::collection::vec(prop::num::f64::ANY, 0..12),
        b in prop::collection::vec(prop::num::f64::ANY, 0..12),
    ) {
        let found = compare(&a, &b, &Rule { direction: Direction::Either, ..Rule::default() });
        prop_assert!(!found.critical);
        let same = compare(&a, &a, &Rule::default()).class;
        prop_assert!(matches!(same, Class::Pass | Class::NoData));
    }
}
