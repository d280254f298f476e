//! How an objective's figures were computed: the questions asked and the arithmetic in words.

use super::{ConditionState, Held, SloStatus};
use crate::domain::{Method, Reading, Slo, Span};

/// The exact PromQL that gives the error ratio over one window when we compute it ourselves.
pub fn computed(slo: &Slo, window: Span) -> String {
    slo.computed_ratio(window)
}

/// Step by step: what was asked, what came back, what follows. Each pair is a heading and its text.
pub fn explain(slo: &Slo, status: &SloStatus) -> Vec<(String, String)> {
    let allowed = slo.allowed();
    let mut steps = vec![
        (
            "Objective".into(),
            format!(
                "{} of events good over {}, so {} may be bad.",
                percent(slo.objective),
                slo.period,
                percent(allowed)
            ),
        ),
        ("Read from".into(), origin(slo)),
        ("Method".into(), method(slo)),
    ];
    for burn in &status.burns {
        steps.push((format!("Asked over {}", burn.window), question(slo, burn.window)));
        steps.push((format!("Burn over {}", burn.window), burn_words(burn.rate, allowed)));
    }
    steps.push(("Budget left".into(), budget(slo, status)));
    for state in &status.conditions {
        let c = state.condition;
        steps.push((format!("{} {} and {}", c.urgency.name(), c.long, c.short), condition(state)));
    }
    if slo.min_events > 0.0 {
        steps.push((
            "Traffic".into(),
            format!(
                "{} events per second; windows with fewer than {} events are shown but do not alert.",
                number(status.traffic),
                slo.min_events
            ),
        ));
    }
    steps
}

fn origin(slo: &Slo) -> String {
    let Slo { origin, .. } = slo;
    let line = if origin.line > 0 { format!(", line {}", origin.line) } else { String::new() };
    format!("{} ({}){line}", origin.path, origin.format.name())
}

fn method(slo: &Slo) -> String {
    match slo.method {
        Method::Occurrences => "Occurrences: every event weighs the same.".into(),
        Method::RatioTimeslices => format!(
            "RatioTimeslices: the figure over {} is the mean of its five-minute error ratios, so a quiet \
             slice weighs as much as a busy one.",
            slo.period
        ),
    }
}

fn question(slo: &Slo, window: Span) -> String {
    let computed = computed(slo, window);
    match slo.recorded_ratio(window) {
        Some(recorded) => format!("{recorded}\nor, where that is not recorded: {computed}"),
        None => computed,
    }
}

fn burn_words(rate: Reading, allowed: f64) -> String {
    match rate {
        Reading::Value(rate) => format!(
            "error ratio {} / allowed {} = {}",
            percent(rate * allowed),
            percent(allowed),
            number(Reading::Value(rate))
        ),
        Reading::NaN => "not a number: no events in the window (0 / 0)".into(),
        Reading::NoData => {
            "no series matched. If errors are only counted once the first has happened, \
                            add `or vector(0)` to the bad events."
                .into()
        }
        Reading::Unknown => "not answered yet".into(),
    }
}

fn budget(slo: &Slo, status: &SloStatus) -> String {
    match (status.burn(slo.period), status.budget_left) {
        (Reading::Value(burn), Reading::Value(left)) => {
            format!(
                "1 − burn over {} = 1 − {} = {}",
                slo.period,
                number(Reading::Value(burn)),
                percent(left)
            )
        }
        (burn, _) => format!("cannot be said: {}", burn_words(burn, slo.allowed())),
    }
}

fn condition(state: &ConditionState) -> String {
    let c = &state.condition;
    let sign = |burn: Reading| match burn.value() {
        Some(rate) if rate > c.factor => format!("{} > {}", number(burn), round(c.factor)),
        Some(_) => format!("{} ≤ {}", number(burn), round(c.factor)),
        None => format!("{} against {}", number(burn), round(c.factor)),
    };
    let verdict = match (state.held, state.few) {
        (Held::Yes, false) => "holds",
        (Held::Yes, true) => "holds, but on too few events to alert",
        (Held::No, _) => "does not hold",
        (Held::Unknown, _) => "cannot be said",
    };
    let hold = if c.hold > Span::ZERO {
        format!("; alerts once it has held for {}", c.hold)
    } else {
        String::new()
    };
    format!(
        "{} over {}, {} over {}: {verdict}{hold}",
        sign(state.long),
        c.long,
        sign(state.short),
        c.short
    )
}

fn number(reading: Reading) -> String {
    match reading {
        Reading::Value(v) => round(v),
        Reading::NaN => "not a number".into(),
        Reading::NoData => "no data".into(),
        Reading::Unknown => "unknown".into(),
    }
}

/// Four significant decimals are what anybody can check by hand.
fn round(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "∞".into() } else { "−∞".into() };
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn percent(share: f64) -> String {
    format!("{} %", round(share * 100.0))
}
