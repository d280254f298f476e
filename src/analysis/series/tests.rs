//! Stories of lines: what is forecast, refused, crossed and found strange, with all that readings can do wrong.

use super::*;
use crate::domain::{Span, Timestamp};
use proptest::prelude::*;

const HOUR: i64 = 3_600_000;

fn at(hour: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + hour * HOUR)
}

/// Uniform between −1 and 1, the same on every machine.
fn noise(seed: i64) -> f64 {
    let mut x = (seed as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((x ^ (x >> 31)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

fn office(hour: i64) -> f64 {
    let day = (hour as f64 / 24.0 * std::f64::consts::TAU).sin();
    let weekend = hour % 168 >= 120;
    100.0 + if weekend { 10.0 } else { 40.0 } * day + 2.0 * noise(hour)
}

fn line(hours: std::ops::Range<i64>, of: impl Fn(i64) -> f64) -> Vec<(Timestamp, f64)> {
    hours.map(|hour| (at(hour), of(hour))).collect()
}

fn ask(now: i64, horizon: i64, limit: Option<Limit>) -> Ask {
    Ask { horizon: Span::from_hours(horizon), limit, kind: Kind::Gauge, now: at(now) }
}

fn hour_of(t: Timestamp) -> i64 {
    t.since(at(0)).millis() / HOUR
}

#[test]
fn five_weeks_of_an_office_tell_the_coming_two_days_and_how_sure_they_are() {
    let found = forecast(&line(0..840, office), &ask(839, 48, None)).unwrap();
    assert_eq!(found.seasons, [Span::from_days(1), Span::from_days(7)]);
    assert_eq!(
        (found.steps.len(), found.used, found.filled, found.crossing),
        (48, 840, 0.0, Crossing::NoLimit)
    );
    assert_eq!((hour_of(found.steps[0].at), hour_of(found.steps[47].at)), (840, 887));
    let inside = found
        .steps
        .iter()
        .zip(840..)
        .filter(|(s, h)| s.lower <= office(*h) && office(*h) <= s.upper);
    assert!(inside.count() >= 44);
    assert!(found.steps.iter().zip(840..).all(|(s, h)| (s.mean - office(h)).abs() < 8.0));
    let trial = found.backtest;
    assert!(
        trial.smape < 3.0 && trial.mase < 1.0 && trial.coverage > 0.85 && trial.readings >= 400,
        "{trial:?}"
    );
    assert!(found.cautions.is_empty(), "{:?}", found.cautions);
}

#[test]
fn a_disk_that_fills_is_full_at_the_time_the_band_says_and_not_the_mean_alone() {
    let disk = |hour: i64| 100.0 + 2.0 * hour as f64 + 5.0 * noise(hour);
    let limit = 100.0 + 2.0 * 220.0;
    let found = forecast(&line(0..200, disk), &ask(199, 48, Some(Limit::Above(limit)))).unwrap();
    let Crossing::Within { earliest, expected: Some(expected), latest: Some(latest) } =
        found.crossing
    else {
        panic!("{found:?}")
    };
    assert!(earliest <= expected && expected <= latest);
    assert!(
        (214..=221).contains(&hour_of(earliest)) && (218..=223).contains(&hour_of(expected)),
        "{found:?}"
    );
    // The same as room that runs out.
    let free: Vec<_> = line(0..200, disk).iter().map(|(t, v)| (*t, 1000.0 - v)).collect();
    let below = forecast(&free, &ask(199, 48, Some(Limit::Below(1000.0 - limit)))).unwrap();
    assert!(
        matches!(below.crossing, Crossing::Within { earliest, .. } if (214..=221).contains(&hour_of(earliest)))
    );
}

#[test]
fn no_crossing_is_said_and_so_is_that_it_has_happened() {
    let readings = line(0..840, office);
    let far = forecast(&readings, &ask(839, 48, Some(Limit::Above(400.0)))).unwrap();
    assert_eq!(far.crossing, Crossing::NotWithin(Span::from_hours(48)));
    let past = forecast(&readings, &ask(839, 48, Some(Limit::Above(20.0)))).unwrap();
    assert_eq!(past.crossing, Crossing::Already);
}

#[test]
fn what_cannot_be_known_is_refused_with_the_reason() {
    let said =
        |readings: &[(Timestamp, f64)], ask: &Ask| forecast(readings, ask).unwrap_err().to_string();
    let now = ask(20, 12, None);
    assert_eq!(said(&[], &now), "no readings");
    assert_eq!(said(&line(0..21, |_| f64::NAN), &now), "no readings");
    assert_eq!(said(&line(0..21, office), &now), "not enough history: 21h, at least 1d needed");
    let weeks = ask(199, 24 * 60, None);
    assert!(said(&line(0..200, office), &weeks).starts_with("not enough history: "));
    assert_eq!(
        said(&line(0..200, office), &ask(199 + 14 * 24, 24, None)),
        "the newest reading is 14d old"
    );
    let rare = |hour: &i64| hour % 7 < 2;
    let rare: Vec<_> = (0..700).filter(rare).map(|h| (at(h), office(h))).collect();
    assert_eq!(said(&rare, &ask(700, 24, None)), "not enough history: 71 % of it is missing");
    for bad in [ask(20, 0, None), ask(20, -1, None), ask(20, 1, Some(Limit::Above(f64::NAN)))] {
        assert_eq!(forecast(&line(0..21, office), &bad), Err(NoForecast::BadQuestion));
    }
}

#[test]
fn a_constant_is_continued_and_its_sureness_taken_back() {
    let found = forecast(&line(0..200, |_| 0.3), &ask(199, 24, Some(Limit::Above(1.0)))).unwrap();
    assert!(found.steps.iter().all(|s| (s.mean - 0.3).abs() < 1e-9));
    assert_eq!(found.crossing, Crossing::NotWithin(Span::from_hours(24)));
    assert_eq!(found.cautions, ["It never moved, so nothing is known of how it moves."]);
}

#[test]
fn two_weeks_missing_in_the_middle_are_filled_and_said_or_end_the_history() {
    let holed = |from: i64, to: i64| -> Vec<_> {
        line(0..1_000, office)
            .into_iter()
            .filter(|(t, _)| !(from..to).contains(&hour_of(*t)))
            .collect()
    };
    let found = forecast(&holed(200, 536), &ask(999, 48, None)).unwrap();
    assert!(found.filled > 0.3);
    let pairs = found.steps.iter().zip(1_000..);
    let off: Vec<f64> = pairs.map(|(s, h)| (s.mean - office(h)).abs()).collect();
    assert!(off.iter().all(|off| *off < 15.0), "{off:?}");
    assert_eq!(found.cautions, ["Part of the history is missing and was filled in."]);
    // Three days are left after the gap: what was before it is another story.
    let found = forecast(&holed(592, 928), &ask(999, 12, None)).unwrap();
    assert_eq!((found.used, found.filled), (72, 0.0));
}

#[test]
fn a_clock_that_jumped_leaves_no_trace() {
    let mut readings = line(0..840, office);
    let plain = forecast(&readings, &ask(839, 48, None));
    readings.insert(400, (at(500_000), 1e9));
    readings.insert(100, (Timestamp::from_millis(0), -1e9));
    readings.swap(300, 500);
    assert_eq!(forecast(&readings, &ask(839, 48, None)), plain);
}

#[test]
fn a_counter_is_forecast_as_its_rate_and_a_reset_is_no_fall() {
    let mut count = 0.0;
    let mut readings = Vec::new();
    for hour in 0..400 {
        count = if hour % 90 == 0 { 0.0 } else { count + 3_600.0 * (5.0 + noise(hour)) };
        readings.push((at(hour), if hour == 77 { -4.0 } else { count }));
    }
    let found = forecast(&readings, &Ask { kind: Kind::Counter, ..ask(399, 24, None) }).unwrap();
    assert!(found.steps.iter().all(|s| (s.mean - 5.0).abs() < 0.7 && s.lower >= 0.0), "{found:?}");
}

fn alarms(detector: &mut Detector, readings: &[(Timestamp, f64)]) -> Vec<i64> {
    let scores = readings.iter().map(|(t, v)| (hour_of(*t), detector.push(*t, *v)));
    scores.filter(|(_, score)| score.alarm).map(|(hour, _)| hour).collect()
}

#[test]
fn noise_waves_and_still_lines_raise_no_alarm() {
    type Line = fn(i64) -> f64;
    let quiet: [(&str, Line); 6] = [
        ("still", |_| 45.0),
        ("noise", |h| 15.0 + 10.0 * noise(h)),
        ("bell-shaped noise", |h| (0..6).map(|k| noise(h * 6 + k)).sum()),
        ("square", |h| if h % 288 < 144 { 20.0 } else { 80.0 }),
        ("square with noise", |h| if h % 288 < 144 { 20.0 } else { 80.0 } + 1.5 * noise(h)),
        ("wave with noise", |h| 30.0 * (h as f64 / 288.0 * std::f64::consts::TAU).sin() + noise(h)),
    ];
    for (name, of) in quiet {
        let readings = line(0..1_800, of);
        for mut detector in [Detector::careful(600), Detector::light(600)] {
            assert_eq!(alarms(&mut detector, &readings), [0i64; 0], "{name}");
        }
    }
}

#[test]
fn what_never_was_is_strange_once_and_then_known() {
    let burst = |h: i64| if (1_500..1_530).contains(&h) { 300.0 } else { 0.0 };
    let readings = line(0..1_800, |h| office(h) + burst(h));
    for mut detector in [Detector::careful(600), Detector::light(600)] {
        let found = alarms(&mut detector, &readings);
        assert!(found.len() == 1 && (1_500..1_506).contains(&found[0]), "{found:?}");
    }
}

#[test]
fn nothing_is_judged_while_learning_after_a_gap_or_without_a_number() {
    let mut detector = Detector::careful(100);
    let scores: Vec<_> = line(0..100, office).iter().map(|(t, v)| detector.push(*t, *v)).collect();
    assert!(scores.iter().all(|score| *score == Score::default()));
    assert!(detector.push(at(100), office(100)).judged);
    assert_eq!(detector.push(at(101), f64::NAN), Score::default());
    assert_eq!(detector.push(at(100), office(100)), Score::default());
    // A fortnight away: the window begins anew.
    let back: Vec<bool> =
        (0..30).map(|h| detector.push(at(500 + h), office(500 + h)).judged).collect();
    assert_eq!(back.iter().position(|judged| *judged), Some(23));
}

#[test]
fn a_glance_sees_a_pool_fill_and_says_when_it_cannot_know() {
    let mut glance = Glance::default();
    assert_eq!(
        glance.crossing(Limit::Above(1.0), Span::from_hours(1)),
        Err(NoForecast::NoReadings)
    );
    for hour in 0..100 {
        glance.push(at(hour), 10.0 + hour as f64 + 0.5 * noise(hour));
    }
    glance.push(at(99), 1e9);
    glance.push(at(99), f64::NAN);
    let horizon = Span::from_hours(64);
    let Ok(Crossing::Within { earliest, expected: Some(expected), latest: Some(latest) }) =
        glance.crossing(Limit::Above(130.0), horizon)
    else {
        panic!("{:?}", glance.crossing(Limit::Above(130.0), horizon))
    };
    assert!(earliest <= expected && expected <= latest);
    assert!((117..=121).contains(&hour_of(earliest)) && (119..=123).contains(&hour_of(latest)));
    assert_eq!(glance.crossing(Limit::Above(50.0), horizon), Ok(Crossing::Already));
    assert_eq!(glance.crossing(Limit::Above(500.0), horizon), Ok(Crossing::NotWithin(horizon)));
    let year = Span::from_days(365);
    assert!(matches!(
        glance.crossing(Limit::Above(500.0), year),
        Err(NoForecast::NotEnough { .. })
    ));
    // The clock goes back: what was known belongs to another time.
    glance.push(at(0), 10.0);
    assert!(matches!(
        glance.crossing(Limit::Above(500.0), horizon),
        Err(NoForecast::NotEnough { .. })
    ));
}

fn anything() -> impl Strategy<Value = Vec<(Timestamp, f64)>> {
    let value = prop_oneof![6 => -1e3..1e3f64, 1 => prop::num::f64::ANY, 1 => Just(0.0)];
    let time = prop_oneof![9 => -300..300i64, 1 => any::<i32>().prop_map(i64::from)];
    prop::collection::vec((time, value), 0..200)
        .prop_map(|points| points.into_iter().map(|(h, v)| (at(h), v)).collect())
}

proptest! {
    #[test]
    fn whatever_comes_the_band_holds_the_mean_and_steps_are_even(
        readings in anything(), horizon in 1..100i64, counter in any::<bool>(), limit in -1e3..1e3f64,
    ) {
        let kind = if counter { Kind::Counter } else { Kind::Gauge };
        let ask = Ask { kind, ..ask(300, horizon, Some(Limit::Above(limit))) };
        if let Ok(found) = forecast(&readings, &ask) {
            prop_assert!(found.steps.iter().all(|s| s.lower <= s.mean && s.mean <= s.upper), "{:?}", found);
            prop_assert!(found.steps.windows(2).all(|p| p[1].at.since(p[0].at) == found.step));
            prop_assert!(found.steps.last().is_some_and(|s| s.at >= ask.now.plus(ask.horizon)));
            prop_assert!((0.0..=0.5).contains(&found.filled));
        }
    }

    #[test]
    fn order_does_not_matter(mut readings in anything()) {
        readings.sort_by_key(|(t, _)| *t);
        readings.dedup_by_key(|(t, _)| *t);
        let one = forecast(&readings, &ask(300, 24, None));
        readings.reverse();
        prop_assert_eq!(format!("{:?}", one), format!("{:?}", forecast(&readings, &ask(300, 24, None))));
    }

    #[test]
    fn scores_stay_between_nothing_and_one(readings in anything()) {
        let (mut careful, mut light, mut glance) =
            (Detector::careful(60), Detector::light(60), Glance::default());
        for (t, v) in readings {
            for score in [careful.push(t, v), light.push(t, v)] {
                prop_assert!((0.0..=1.0).contains(&score.strange) && (score.judged || !score.alarm));
            }
            glance.push(t, v);
            let crossing = glance.crossing(Limit::Above(5.0), Span::from_hours(3));
            let ordered = match crossing {
                Ok(Crossing::Within { earliest, expected, .. }) => expected.is_none_or(|e| earliest <= e),
                _ => true,
            };
            prop_assert!(ordered);
        }
    }
}
