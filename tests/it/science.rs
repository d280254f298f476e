//! The scorer of the anomaly benchmark, against figures worked out by hand from its description.

#[path = "../benches/science/nab.rs"]
mod nab;

use nab::{PROFILES, Scored, figure, probation, raw};

/// A hundred rows, of which these are alarms.
fn rows(alarms: &[usize]) -> Vec<f64> {
    (0..100).map(|row| if alarms.contains(&row) { 1.0 } else { 0.0 }).collect()
}

fn standard(alarms: &[usize]) -> f64 {
    raw(&Scored { scores: &rows(alarms), windows: &[(40, 49)] }, 0.5, PROFILES[0])
}

#[test]
fn early_detections_are_worth_most_and_only_the_best_counts() {
    assert!((standard(&[40]) - 1.0).abs() < 1e-12);
    // Row 45 lies at −(49 − 45 + 1)/10 = −½: (2/(1 + e^−2.5) − 1)/(2/(1 + e^−5) − 1) = 0.848284/0.986614.
    assert!((standard(&[45]) - 0.859_793).abs() < 1e-6);
    assert!((standard(&[40, 41, 45, 49]) - 1.0).abs() < 1e-12);
}

#[test]
fn a_miss_and_false_alarms_cost_by_profile_and_distance() {
    assert_eq!(standard(&[]), -1.0);
    assert!((standard(&[20]) - -1.11).abs() < 1e-12);
    // Row 58 lies 9 rows behind a window of 10: p = 1, s = 2/(1 + e^5) − 1 = −0.986614.
    assert!((standard(&[58]) - (-1.0 - 0.11 * 0.986_614)).abs() < 1e-6);
    // More than three windows behind it, the whole weight.
    assert!((standard(&[90]) - -1.11).abs() < 1e-12);
    let two = Scored { scores: &rows(&[20]), windows: &[(40, 49)] };
    assert_eq!(PROFILES.map(|profile| raw(&two, 0.5, profile)), [-1.11, -1.22, -2.11]);
}

#[test]
fn the_probation_does_not_count_and_ends_at_750_rows() {
    assert_eq!([100, 4_032, 5_000, 22_695].map(probation), [15, 604, 750, 750]);
    assert_eq!(standard(&[3, 14]), -1.0);
    assert!(standard(&[15]) < -1.0);
}

#[test]
fn silence_is_0_and_everything_at_once_100() {
    let (silent, all) = (rows(&[]), rows(&[40]));
    for profile in PROFILES {
        let of = |scores: &[f64]| figure(&[Scored { scores, windows: &[(40, 49)] }], 0.5, profile);
        assert!(of(&silent).abs() < 1e-12 && (of(&all) - 100.0).abs() < 1e-12);
    }
}
