//! Arithmetic of error budgets: burn rate, conditions, what is left, when it is gone.
//!
//! Source: The Site Reliability Workbook, chapter 5. With objective *s*, error ratio *e* over a window,
//! period *P*, long window *L*:
//!
//! * burn rate *B = e / (1 − s)*: 1 spends the budget exactly over the period;
//! * factor for "share *b* of the budget gone within *L*": *F = b · P / L*;
//! * budget left = *1 − B(P)*; exhaustion after *left · P / B*.
//!
//! Everything is constant time and total: NaN, no data and infinities have a defined answer, and no
//! number that leaves here is NaN.

use crate::domain::{BurnCondition, Reading, Span, Urgency};

/// Whether a burn condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Both windows are above the factor.
    Yes,
    /// At least one window is known to be at or below it, or had no traffic at all.
    No,
    /// It cannot be said: a window has no data or was not answered.
    Unknown,
}

/// When the budget is gone at the present burn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Exhaustion {
    /// Spent already.
    Gone,
    /// At the present burn, in this long.
    In(Span),
    /// At the present burn it lasts the period.
    Lasts,
    /// Cannot be said.
    Unknown,
}

/// Burn rate for an error ratio. Of an objective of 100 % any error is infinitely too much.
pub fn rate(error_ratio: Reading, objective: f64) -> Reading {
    let allowed = 1.0 - objective;
    error_ratio.map(|e| if e == 0.0 { 0.0 } else { e / allowed })
}

/// Burn rate at which `share` of the budget of `period` is gone within `long`.
pub fn factor(share: f64, period: Span, long: Span) -> f64 {
    share * period.seconds() / long.seconds()
}

/// Windows shorter than this hold no two samples of any usual scrape interval.
const SHORTEST: Span = Span::from_secs(5);

/// The workbook's conditions for a period: (long, short) for thirty days, budget share, urgency.
const WORKBOOK: [(Span, Span, f64, Urgency); 4] = [
    (Span::from_hours(1), Span::from_mins(5), 0.02, Urgency::Page),
    (Span::from_hours(6), Span::from_mins(30), 0.05, Urgency::Page),
    (Span::from_days(1), Span::from_hours(2), 0.10, Urgency::Ticket),
    (Span::from_days(3), Span::from_hours(6), 0.10, Urgency::Ticket),
];

/// Default conditions. Four weeks to a month keep the workbook's windows, as everybody writes them;
/// for other periods the windows scale, and the factors follow from the shares.
pub fn workbook(period: Span) -> Vec<BurnCondition> {
    let usual = (Span::from_days(28)..=Span::from_days(31)).contains(&period);
    let scale = if usual { 1.0 } else { period.seconds() / Span::from_days(30).seconds() };
    let condition = |(long, short, share, urgency): (Span, Span, f64, Urgency)| {
        let long = tidy(long.scale(scale));
        let short = tidy(short.scale(scale));
        BurnCondition {
            long,
            short,
            factor: factor(share, period, long),
            hold: Span::ZERO,
            urgency,
        }
    };
    WORKBOOK.map(condition).to_vec()
}

/// Rounds to the minute from ten minutes on, to the second below; never under [`SHORTEST`].
fn tidy(window: Span) -> Span {
    let unit = if window >= Span::from_mins(10) { 60.0 } else { 1.0 };
    Span::from_secs(((window.seconds() / unit).round() * unit) as i64).max(SHORTEST)
}

/// Pyrra's conditions: parts of the period for (hold, long, short), factor, urgency.
const PYRRA: [(i64, i64, i64, f64, Urgency); 4] = [
    (20_160, 672, 8_064, 14.0, Urgency::Page),
    (2_688, 112, 1_344, 7.0, Urgency::Page),
    (672, 28, 336, 2.0, Urgency::Ticket),
    (224, 7, 112, 1.0, Urgency::Ticket),
];

/// The conditions Pyrra alerts on, rounded to the minute as there. Where that would round a window to
/// nothing (periods under a week) it is kept to the second.
pub fn pyrra(period: Span) -> Vec<BurnCondition> {
    let part = |share: i64| {
        let exact = period.millis() / share;
        let minutes = (exact + 30_000).div_euclid(60_000);
        if minutes > 0 {
            Span::from_mins(minutes)
        } else {
            Span::from_secs(exact / 1_000).max(SHORTEST)
        }
    };
    let condition = |(hold, long, short, factor, urgency): (i64, i64, i64, f64, Urgency)| {
        BurnCondition { long: part(long), short: part(short), factor, hold: part(hold), urgency }
    };
    PYRRA.map(condition).to_vec()
}

/// Whether burn over both windows is strictly above the factor. Windows without any traffic (NaN) burn
/// nothing, as in Prometheus, where NaN compares as false.
pub fn holds(long: Reading, short: Reading, factor: f64) -> Held {
    let above = |burn: Reading| match burn {
        Reading::Value(rate) => Some(rate > factor),
        Reading::NaN => Some(false),
        Reading::NoData | Reading::Unknown => None,
    };
    match (above(long), above(short)) {
        (Some(true), Some(true)) => Held::Yes,
        (Some(false), _) | (_, Some(false)) => Held::No,
        _ => Held::Unknown,
    }
}

/// Share of the budget left, from the burn over the whole period: 1 untouched, negative overspent.
pub fn budget_left(period_burn: Reading) -> Reading {
    period_burn.map(|rate| 1.0 - rate)
}

/// When the budget is gone if `burn` goes on. Ignores that old errors leave a rolling period meanwhile,
/// so it errs on the side of "sooner".
pub fn exhaustion(left: Reading, burn: Reading, period: Span) -> Exhaustion {
    let Some(left) = left.value() else { return Exhaustion::Unknown };
    if left <= 0.0 {
        return Exhaustion::Gone;
    }
    let Some(rate) = burn.value() else { return Exhaustion::Unknown };
    let share = left / rate;
    if rate <= 0.0 || share >= 1.0 {
        return Exhaustion::Lasts;
    }
    Exhaustion::In(period.scale(share))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn windows(conditions: &[BurnCondition]) -> Vec<(String, String, f64)> {
        let round = |f: f64| (f * 1e6).round() / 1e6;
        conditions
            .iter()
            .map(|c| (c.long.to_string(), c.short.to_string(), round(c.factor)))
            .collect()
    }

    fn rows(expected: &[(&str, &str, f64)]) -> Vec<(String, String, f64)> {
        expected.iter().map(|(l, s, f)| ((*l).into(), (*s).into(), *f)).collect()
    }

    #[test]
    fn thirty_days_give_the_workbooks_table_and_four_weeks_keep_its_windows() {
        assert_eq!(
            windows(&workbook(Span::from_days(30))),
            rows(&[("1h", "5m", 14.4), ("6h", "30m", 6.0), ("1d", "2h", 3.0), ("3d", "6h", 1.0)])
        );
        assert_eq!(
            windows(&workbook(Span::from_days(28))),
            rows(&[
                ("1h", "5m", 13.44),
                ("6h", "30m", 5.6),
                ("1d", "2h", 2.8),
                ("3d", "6h", 0.933333)
            ])
        );
    }

    #[test]
    fn other_periods_scale_and_never_fall_below_five_seconds() {
        assert_eq!(
            windows(&workbook(Span::from_days(90)))[..2],
            rows(&[("3h", "15m", 14.4), ("18h", "1h30m", 6.0)])
        );
        assert_eq!(
            windows(&workbook(Span::from_hours(2))),
            rows(&[("10s", "5s", 14.4), ("1m", "5s", 6.0), ("4m", "20s", 3.0), ("12m", "1m", 1.0)])
        );
    }

    #[test]
    fn pyrras_windows_equal_its_table() {
        let table = |days| -> Vec<String> {
            pyrra(Span::from_days(days))
                .iter()
                .map(|c| format!("{}/{}/{}", c.hold, c.long, c.short))
                .collect()
        };
        assert_eq!(table(28), ["2m/1h/5m", "15m/6h/30m", "1h/1d/2h", "3h/4d/6h"]);
        assert_eq!(table(7), ["1m/15m/1m", "4m/1h30m/8m", "15m/6h/30m", "45m/1d/1h30m"]);
        assert_eq!(table(14), ["1m/30m/3m", "8m/3h/15m", "30m/12h/1h", "1h30m/2d/3h"]);
        assert_eq!(
            table(30),
            ["2m/1h4m/5m", "16m/6h26m/32m", "1h4m/1d1h43m/2h9m", "3h13m/4d6h51m/6h26m"]
        );
        assert_eq!(
            table(90),
            ["6m/3h13m/16m", "48m/19h17m/1h36m", "3h13m/3d5h9m/6h26m", "9h39m/12d20h34m/19h17m"]
        );
    }

    #[test]
    fn an_attack_of_the_openslo_example_spends_the_budget_when_the_specification_says() {
        // Two weeks, 336 000 requests, 95 %: the budget is 16 800 bad ones.
        let spent = budget_left(rate(Reading::Value(16_800.0 / 336_000.0), 0.95));
        assert!(spent.value().unwrap().abs() < 1e-12);
        // 99 % errors against 95 %: burn 19.8.
        let burn = rate(Reading::Value(0.99), 0.95);
        let Exhaustion::In(when) = exhaustion(Reading::Value(1.0), burn, Span::from_days(14))
        else {
            panic!("it is exhausted");
        };
        assert_eq!(when.to_string(), "16h58m10s909ms");
    }

    #[test]
    fn no_number_is_not_zero() {
        use Reading::{NaN, NoData, Unknown, Value};
        for nothing in [NaN, NoData, Unknown] {
            assert_eq!(rate(nothing, 0.999), nothing);
            assert_eq!(budget_left(nothing), nothing);
            assert_eq!(exhaustion(nothing, Value(1.0), Span::from_days(30)), Exhaustion::Unknown);
        }
        assert_eq!(holds(Value(20.0), Value(20.0), 14.4), Held::Yes);
        assert_eq!(holds(Value(14.4), Value(20.0), 14.4), Held::No, "strictly above");
        assert_eq!(holds(Value(20.0), NaN, 14.4), Held::No);
        assert_eq!(holds(Value(20.0), NoData, 14.4), Held::Unknown);
        assert_eq!(holds(Value(1.0), NoData, 14.4), Held::No);
        assert_eq!(rate(Value(f64::INFINITY), 0.9), Value(f64::INFINITY));
        assert_eq!(rate(Value(0.0), 1.0), Value(0.0));
        assert_eq!(rate(Value(0.1), 1.0), Value(f64::INFINITY));
        assert_eq!(exhaustion(Value(0.0), NaN, Span::from_days(30)), Exhaustion::Gone);
        assert_eq!(exhaustion(Value(0.5), Value(0.25), Span::from_days(30)), Exhaustion::Lasts);
    }

    fn reading() -> impl Strategy<Value = Reading> {
        prop_oneof![
            proptest::num::f64::ANY.prop_map(Reading::of),
            (0.0..=1.0).prop_map(Reading::of),
            Just(Reading::NoData),
            Just(Reading::Unknown),
        ]
    }

    proptest! {
        #[test]
        fn more_errors_never_lower_the_burn_nor_raise_the_budget(
            a in 0.0..=1.0f64, b in 0.0..=1.0f64, objective in 0.0..=1.0f64,
        ) {
            let (less, more) = (Reading::Value(a.min(b)), Reading::Value(a.max(b)));
            let (less, more) = (rate(less, objective), rate(more, objective));
            prop_assert!(less.value() <= more.value());
            prop_assert!(budget_left(less).value() >= budget_left(more).value());
        }

        #[test]
        fn no_nan_leaves(e in reading(), objective in 0.0..=1.0f64, other in reading(), days in 1i64..400) {
            let burn = rate(e, objective);
            let left = budget_left(burn);
            prop_assert!(burn.value().is_none_or(|v| !v.is_nan()));
            prop_assert!(left.value().is_none_or(|v| !v.is_nan()));
            if let Exhaustion::In(span) = exhaustion(left, other, Span::from_days(days)) {
                prop_assert!(span >= Span::ZERO && span <= Span::from_days(days));
            }
        }

        #[test]
        fn more_burn_never_ends_a_condition(
            long in 0.0..100.0f64, short in 0.0..100.0f64, more in 0.0..100.0f64, factor in 0.0..50.0f64,
        ) {
            let v = Reading::Value;
            if holds(v(long), v(short), factor) == Held::Yes {
                prop_assert_eq!(holds(v(long + more), v(short + more), factor), Held::Yes);
            }
        }

        #[test]
        fn windows_are_in_order_for_every_period(hours in 2i64..20_000) {
            for conditions in [workbook(Span::from_hours(hours)), pyrra(Span::from_hours(hours))] {
                for c in conditions {
                    prop_assert!(SHORTEST <= c.short && c.short <= c.long, "{c:?}");
                    prop_assert!(c.factor.is_finite() && c.factor > 0.0);
                }
            }
        }
    }
}
