//! How objectives are judged, told as what a service goes through.

use pretty_assertions::assert_eq;
use proptest::prelude::*;

use super::*;
use crate::domain::{Method, Origin, ServiceId};

const HOUR: Span = Span::from_hours(1);
const PERIOD: Span = Span::from_days(30);

fn slo(id: &str) -> Slo {
    Slo {
        id: SloId::new(id),
        title: id.into(),
        service: ServiceId::new("shop"),
        objective: 0.999,
        period: PERIOD,
        indicator: Indicator::Events { bad: "b[$window]".into(), total: "t[$window]".into() },
        method: Method::Occurrences,
        conditions: burn::workbook(PERIOD),
        source: None,
        min_events: 100.0,
        recorded: None,
        origin: Origin { path: "catalog.toml".into(), line: 7, ..Origin::default() },
    }
}

fn catalog(slos: &[Slo]) -> Catalog {
    let slos = slos.iter().map(|s| (s.id.clone(), s.clone())).collect();
    Catalog { slos, ..Catalog::default() }
}

/// The same reading over every window.
fn everywhere(slo: &Slo, ratio: Reading, traffic: f64, at: i64) -> Vec<SloReading> {
    let reading = |window| SloReading {
        slo: slo.id.clone(),
        window,
        error_ratio: ratio,
        traffic: Reading::Value(traffic),
        at: Timestamp::from_millis(at),
    };
    slo.windows().into_iter().map(reading).collect()
}

fn judged(slo: &Slo, readings: Vec<SloReading>) -> SloStatus {
    let mut book = SloBook::default();
    book.observe(readings);
    book.recompute(&catalog(std::slice::from_ref(slo)));
    book.statuses.remove(0)
}

#[test]
fn every_verdict_has_its_case() {
    let slo = slo("a");
    let with =
        |ratio: Reading, traffic: f64| judged(&slo, everywhere(&slo, ratio, traffic, 1)).verdict;
    use Reading::{NaN, NoData, Unknown, Value};
    assert_eq!(judged(&slo, Vec::new()).verdict, Verdict::Unknown);
    assert_eq!(with(Unknown, 10.0), Verdict::Unknown);
    assert_eq!(with(NoData, 10.0), Verdict::NoData);
    assert_eq!(with(NaN, 0.0), Verdict::NoTraffic);
    assert_eq!(with(NaN, 10.0), Verdict::NoData, "a broken expression is not silence");
    assert_eq!(with(Value(0.0), 10.0), Verdict::Fine);
    assert_eq!(with(Value(0.0), 0.001), Verdict::LowTraffic);
    assert_eq!(with(Value(1.0), 0.000_05), Verdict::Spent, "the period had enough events");
    assert_eq!(with(Value(0.02), 10.0), Verdict::Page);
    assert_eq!(with(Value(f64::INFINITY), 10.0), Verdict::Page);

    // Only the long windows and the period differ from quiet.
    let mut quiet = everywhere(&slo, Value(0.0), 10.0, 1);
    let set = |readings: &mut Vec<SloReading>, window: Span, ratio: f64| {
        readings.iter_mut().find(|r| r.window == window).unwrap().error_ratio = Value(ratio);
    };
    set(&mut quiet, PERIOD, 0.0011);
    assert_eq!(judged(&slo, quiet.clone()).verdict, Verdict::Spent);
    set(&mut quiet, PERIOD, 0.0005);
    set(&mut quiet, HOUR, 0.002);
    let burning = judged(&slo, quiet);
    assert_eq!(burning.verdict, Verdict::Burning);
    assert!(matches!(burning.exhaustion, Exhaustion::In(_)));
}

#[test]
fn too_few_events_are_shown_but_page_nobody() {
    let slo = Slo { min_events: 1e9, ..slo("a") };
    let status = judged(&slo, everywhere(&slo, Reading::Value(0.5), 1.0, 1));
    assert_eq!(status.verdict, Verdict::LowTraffic);
    assert!(status.conditions.iter().all(|c| c.held == Held::Yes && c.few));
}

#[test]
fn a_condition_with_a_hold_alerts_only_once_it_has_held() {
    let slo = Slo {
        conditions: burn::pyrra(Span::from_days(28)),
        period: Span::from_days(28),
        ..slo("a")
    };
    let mut book = SloBook::default();
    let catalog = catalog(std::slice::from_ref(&slo));
    let mut verdict_at = |minute: i64, ratio: f64| {
        // The budget itself is untouched, so that only the conditions speak.
        let mut readings = everywhere(&slo, Reading::Value(ratio), 10.0, minute * 60_000);
        readings.last_mut().unwrap().error_ratio = Reading::Value(0.0);
        book.observe(readings);
        book.recompute(&catalog);
        book.statuses[0].verdict
    };
    assert_eq!(verdict_at(0, 0.02), Verdict::Burning);
    assert_eq!(verdict_at(1, 0.02), Verdict::Burning);
    assert_eq!(verdict_at(2, 0.02), Verdict::Page);
    assert_eq!(verdict_at(3, 0.0), Verdict::Fine);
    assert_eq!(verdict_at(4, 0.02), Verdict::Burning, "the break starts it over");
}

#[test]
fn the_worst_comes_first_and_an_older_answer_changes_nothing() {
    let slos = [slo("calm"), slo("dark"), slo("hot"), slo("thin")];
    let mut book = SloBook::default();
    book.observe(everywhere(&slos[0], Reading::Value(0.0), 10.0, 5));
    book.observe(everywhere(&slos[2], Reading::Value(0.1), 10.0, 5));
    book.observe(everywhere(&slos[3], Reading::NaN, 0.0, 5));
    book.observe(everywhere(&slos[2], Reading::Value(0.0), 10.0, 4));
    let line = Series { points: vec![(Timestamp::from_millis(1), 2.0)], ..Series::default() };
    book.history(SloId::new("calm"), HOUR, line.clone());
    book.recompute(&catalog(&slos));
    let order: Vec<(&str, Verdict)> =
        book.statuses.iter().map(|s| (s.slo.as_str(), s.verdict)).collect();
    assert_eq!(
        order,
        [
            ("hot", Verdict::Page),
            ("thin", Verdict::NoTraffic),
            ("dark", Verdict::Unknown),
            ("calm", Verdict::Fine)
        ]
    );
    assert_eq!(book.status(&SloId::new("calm")).unwrap().history, line);
    book.recompute(&catalog(&slos[..1]));
    assert_eq!(book.statuses.len(), 1);
    assert_eq!(book.statuses[0].history, line, "judging again keeps the line");
    assert!(book.readings.keys().all(|slo| slo.as_str() == "calm"));
}

/// Figures that stay as they were are not judged again, yet they are as young as they are, and what has to
/// hold for a while comes to hold for so long.
#[test]
fn the_same_figures_later_are_newer_and_patience_runs_out_with_them() {
    let (mut patient, calm) = (slo("patient"), slo("calm"));
    patient.conditions.iter_mut().for_each(|c| c.hold = Span::from_mins(2));
    let catalog = catalog(&[patient.clone(), calm.clone()]);
    let mut book = SloBook::default();
    book.recompute(&catalog);
    let mut hear = |minute: i64, ratio: f64| {
        let at = Span::from_mins(minute).millis();
        let mut readings = everywhere(&patient, Reading::Value(0.5), 10.0, at);
        readings.extend(everywhere(&calm, Reading::Value(ratio), 10.0, at));
        let touched = book.observe(readings);
        let changed = book.judge_again(&touched, &catalog);
        let of = |id: &str| {
            let status = book.status(&SloId::new(id)).unwrap();
            (status.verdict, status.at.map(|at| at.millis() / 60_000))
        };
        (changed, of("patient"), of("calm"))
    };
    use Verdict::{Fine, Page, Spent};
    assert_eq!(hear(1, 0.0), (true, (Spent, Some(1)), (Fine, Some(1))));
    assert_eq!(hear(2, 0.0), (true, (Spent, Some(2)), (Fine, Some(2))));
    assert_eq!(hear(3, 0.0), (true, (Page, Some(3)), (Fine, Some(3))));
    let over = everywhere(&patient, Reading::Value(0.0), 10.0, Span::from_mins(4).millis());
    let touched = book.observe(over);
    assert!(book.judge_again(&touched, &catalog));
    assert_eq!(book.status(&patient.id).unwrap().verdict, Fine);
    let again = everywhere(&calm, Reading::Value(0.0), 10.0, Span::from_mins(9).millis());
    let touched = book.observe(again);
    assert!(!book.judge_again(&touched, &catalog), "nothing but the time is new");
    let calm = book.status(&calm.id).unwrap();
    assert_eq!((calm.verdict, calm.at), (Fine, Some(Timestamp::from_millis(540_000))));
}

#[test]
fn the_page_of_explanations_can_be_checked_by_hand() {
    let slo = slo("a");
    let status = judged(&slo, everywhere(&slo, Reading::Value(0.0002), 10.0, 1));
    let text: String =
        explain(&slo, &status).iter().map(|(head, body)| format!("{head}: {body}\n")).collect();
    insta::assert_snapshot!(text);
}

proptest! {
    #[test]
    fn fine_is_only_said_with_data_in_every_needed_place(
        outcomes in proptest::collection::vec(0u8..5, 9), traffic in 0.0..1.0f64,
    ) {
        let slo = slo("a");
        let mut readings = everywhere(&slo, Reading::Unknown, traffic, 1);
        for (reading, outcome) in readings.iter_mut().zip(&outcomes) {
            reading.error_ratio = match outcome {
                0 => Reading::NoData,
                1 => Reading::NaN,
                2 => Reading::Unknown,
                3 => Reading::Value(0.0),
                _ => Reading::Value(0.01),
            };
        }
        let status = judged(&slo, readings);
        if status.verdict == Verdict::Fine {
            prop_assert!(status.burn(HOUR).value().is_some());
            prop_assert!(status.budget_left.value().is_some_and(|left| left > 0.0));
        }
        prop_assert!(status.budget_left.value().is_none_or(|v| !v.is_nan()));
    }
}

#[test]
fn what_was_missed_comes_before_what_was_read_and_never_instead() {
    let slo = slo("a");
    let mut book = SloBook::default();
    let line = |points: &[(i64, f64)]| {
        let points = points.iter().map(|(at, v)| (Timestamp::from_millis(*at), *v)).collect();
        Series { labels: crate::domain::Labels::default(), points }
    };
    let lately = |book: &SloBook| -> Vec<(i64, f64)> {
        book.lately(&slo.id).map(|(at, ratio)| (at.millis(), ratio)).collect()
    };
    // Before anything was read here; what is no number is no reading.
    book.missed(slo.id.clone(), &line(&[(10, 0.1), (20, f64::NAN), (30, 0.3)]));
    book.observe(everywhere(&slo, Reading::Value(0.5), 10.0, 40));
    assert_eq!(lately(&book), [(10, 0.1), (30, 0.3), (40, 0.5)]);
    // The same again, a little later and further back: only what is older is new.
    book.missed(slo.id.clone(), &line(&[(5, 0.05), (10, 0.9), (30, 0.9), (40, 0.9), (50, 0.9)]));
    assert_eq!(lately(&book), [(5, 0.05), (10, 0.1), (30, 0.3), (40, 0.5)]);
    let long: Vec<(i64, f64)> = (-2_000..0).map(|at| (at, 0.2)).collect();
    book.missed(slo.id.clone(), &line(&long));
    assert_eq!(lately(&book).len(), MOST_LATELY);
}
