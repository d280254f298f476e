//! Stories of who is to blame, and what must hold for any readings.

use super::*;
use proptest::prelude::*;

const STEP: Span = Span::from_mins(1);
const ONSET: usize = 40;
const LAST: usize = 46;

fn at(step: usize) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + STEP.millis() * i64::try_from(step).unwrap())
}

/// Readings that wobble around `usual` and are `worse` from a step on.
fn track(usual: f64, worse: f64, from: usize) -> Track {
    let points: Vec<(Timestamp, f64)> = (0..=LAST)
        .map(|step| {
            let wobble = [0.0, 0.02, -0.02, 0.01, -0.01][step % 5];
            let level = if step >= from { worse } else { usual };
            (at(step), level * (1.0 + wobble))
        })
        .collect();
    let mut track = Track::split(&points, at(ONSET - 10));
    // The context before the onset is among the points in question.
    track.before.truncate(30);
    track
}

fn watched(name: &str, signals: &[(Signal, Track)]) -> Watched {
    Watched { name: SafeText::new(name), signals: signals.to_vec() }
}

fn case<'a>(services: &'a [Watched], edges: &'a [(usize, usize)]) -> Case<'a> {
    let (signal, track) = services[0].signals[0].clone();
    Case {
        symptom: Some(Symptom { service: 0, signal, track }),
        services,
        edges,
        onset: at(ONSET),
        until: at(LAST),
        step: STEP,
        ..Case::default()
    }
}

fn names(ranking: &Ranking, services: &[Watched]) -> Vec<String> {
    let name = |s: &Suspect| match s.culprit {
        Culprit::Service(service) => services[service].name.to_string(),
        Culprit::Change(change) => format!("change {change}"),
    };
    ranking.suspects.iter().filter(|s| s.stands_out).map(name).collect()
}

fn kinds(suspect: &Suspect) -> Vec<TermKind> {
    suspect.terms.iter().map(|term| term.kind).collect()
}

use Signal::{Errors, Latency, Saturation};

/// checkout → cart → cache; the search next to it is well.
fn cascade() -> Vec<Watched> {
    vec![
        watched("checkout", &[(Latency, track(0.2, 0.9, ONSET))]),
        watched("cart", &[(Latency, track(0.1, 0.8, ONSET))]),
        watched(
            "cache",
            &[(Latency, track(0.01, 0.7, ONSET)), (Saturation, track(0.3, 1.0, ONSET - 1))],
        ),
        watched("search", &[(Latency, track(0.05, 0.05, ONSET))]),
    ]
}

const CASCADE: [(usize, usize); 3] = [(0, 1), (1, 2), (0, 3)];

#[test]
fn the_cache_at_the_end_of_the_cascade_is_to_blame() {
    let services = cascade();
    let ranking = rank(&case(&services, &CASCADE));
    let first = &ranking.suspects[0];
    assert_eq!((first.culprit, &first.path), (Culprit::Service(2), &vec![0, 1, 2]));
    assert!(first.stands_out);
    let terms: f64 = first.terms.iter().map(|term| term.weight).product();
    assert!((terms - first.score).abs() < 1e-12);
    // Who only suffers says whose fault it is.
    let cart = ranking.suspects.iter().find(|s| s.culprit == Culprit::Service(1)).unwrap();
    let explained = cart.terms.iter().find(|t| t.kind == TermKind::Explained).unwrap();
    assert!(explained.sentence.starts_with("cache, which it calls, shows"), "{explained:?}");
    assert!(first.score > 3.0 * cart.score);
    assert!(!names(&ranking, &services).contains(&"search".into()));
}

#[test]
fn own_resources_and_what_began_earlier_speak_against_it() {
    let services = cascade();
    let ranking = rank(&case(&services, &CASCADE));
    let said =
        |kind| ranking.suspects[0].terms.iter().find(|t| t.kind == kind).map(|t| &t.sentence);
    let all: Vec<TermKind> = kinds(&ranking.suspects[0]);
    assert!(all.contains(&TermKind::Resource), "{all:?}");
    assert_eq!(said(TermKind::Order).unwrap(), "It began together with the symptom.");
}

#[test]
fn a_deploy_shortly_before_stands_before_its_service() {
    let services = cascade();
    let change = |minutes: i64, service| Change {
        at: at(ONSET).minus(Span::from_mins(minutes)),
        service,
        kind: "deploy".into(),
        title: "cache 4.2".into(),
    };
    let changes = [change(3, 2), change(300, 1), change(-10, 2), change(3, 99)];
    let ranking = rank(&Case { changes: &changes, ..case(&services, &CASCADE) });
    let order: Vec<Culprit> = ranking.suspects.iter().map(|s| s.culprit).take(2).collect();
    assert_eq!(order, [Culprit::Change(0), Culprit::Service(2)]);
    let term = ranking.suspects[0].terms.iter().find(|t| t.kind == TermKind::Change).unwrap();
    assert_eq!(term.sentence, "deploy “cache 4.2” was 3 min before the onset.");
    // What was changed after the onset, or nowhere, is nobody's doing.
    for later in [Culprit::Change(2), Culprit::Change(3)] {
        assert!(ranking.suspects.iter().all(|s| s.culprit != later));
    }
    // Five hours are long.
    let old = ranking.suspects.iter().find(|s| s.culprit == Culprit::Change(1)).unwrap();
    let weight = old.terms.iter().find(|t| t.kind == TermKind::Change).unwrap().weight;
    assert!((1.0..1.001).contains(&weight));
}

#[test]
fn a_change_where_nothing_is_read_is_listed_and_blamed_by_nobody() {
    let mut services = cascade();
    services.push(watched("mailer", &[]));
    let changes =
        [Change { at: at(ONSET), service: 4, kind: "flag".into(), title: "new letters".into() }];
    let ranking = rank(&Case { changes: &changes, ..case(&services, &CASCADE) });
    let of = |culprit| ranking.suspects.iter().find(|s| s.culprit == culprit);
    let change = of(Culprit::Change(0)).unwrap();
    assert_eq!(
        (change.stands_out, kinds(change)),
        (false, vec![TermKind::Deviation, TermKind::Path, TermKind::Change,])
    );
    assert_eq!(of(Culprit::Service(4)), None);
}

#[test]
fn a_load_balancer_is_folded_into_the_service_behind_it() {
    let mut services = cascade();
    services.push(watched("lb-cart", &[(Latency, track(0.1, 0.95, ONSET))]));
    let edges = [(0, 1), (1, 2), (0, 3), (0, 4)];
    let ranking = rank(&case(&services, &edges));
    assert!(ranking.suspects.iter().all(|s| s.culprit != Culprit::Service(4)));
    let cart = ranking.suspects.iter().find(|s| s.culprit == Culprit::Service(1)).unwrap();
    assert_eq!(cart.folded.len(), 1);
    assert!(cart.folded[0].reason.starts_with("lb-cart has no resources or callees of its own"));
    // With a memory of its own it is no mere door.
    services[4].signals.push((Saturation, track(0.5, 0.5, ONSET)));
    let ranking = rank(&case(&services, &edges));
    assert!(ranking.suspects.iter().any(|s| s.culprit == Culprit::Service(4)));
}

#[test]
fn a_slow_network_shows_at_the_callers_only() {
    let services = [
        watched("web", &[(Latency, track(0.2, 0.9, ONSET))]),
        watched("pay", &[(Latency, track(0.1, 0.1, ONSET))]),
    ];
    let seen = [EdgeTrack { caller: 0, callee: 1, signal: Latency, track: track(0.1, 0.8, ONSET) }];
    let ranking = rank(&Case { edge_tracks: &seen, ..case(&services, &[]) });
    assert_eq!(ranking.suspects[0].culprit, Culprit::Service(1));
    assert!(
        ranking.suspects[0].terms[0].sentence.starts_with("Its latency as web sees it was 0.8")
    );
}

#[test]
fn when_the_symptom_is_as_usual_nobody_stands_out() {
    let mut services = cascade();
    services[0] = watched("checkout", &[(Latency, track(0.2, 0.2, ONSET))]);
    let ranking = rank(&case(&services, &CASCADE));
    assert_eq!(names(&ranking, &services), Vec::<String>::new());
    assert_eq!(
        ranking.verdict,
        "No suspect stands out: by the readings so far, what hurts is within its usual range."
    );
}

#[test]
fn one_odd_reading_is_no_evidence() {
    let mut spike = track(0.1, 0.1, ONSET);
    for (t, value) in &mut spike.points {
        if *t == at(ONSET + 2) {
            *value = 100.0;
        }
    }
    let services =
        [watched("web", &[(Latency, track(0.2, 0.9, ONSET))]), watched("dns", &[(Latency, spike)])];
    let ranking = rank(&case(&services, &[(0, 1)]));
    assert_eq!(names(&ranking, &services), ["web"]);
}

#[test]
fn what_was_so_for_a_while_did_not_begin_now() {
    let mut services = cascade();
    // Full since long before, though not in the time that counts as usual.
    let full: Vec<_> = (0..=LAST).map(|step| (at(step), 0.99)).collect();
    let before = (0..30).map(|i| 0.3 + f64::from(i % 3) * 0.01).collect();
    services[3].signals.push((Saturation, Track { before, points: full }));
    let alarm_only = Case { symptom: None, ..case(&services, &CASCADE) };
    let blamed = names(&rank(&alarm_only), &services);
    assert!(blamed.contains(&"cache".into()) && !blamed.contains(&"search".into()), "{blamed:?}");
}

#[test]
fn an_onset_that_is_a_little_wrong_changes_nothing() {
    let services = cascade();
    for shift in [-5, -3, -1, 1, 3, 5] {
        let onset = at(ONSET).plus(Span::from_mins(shift));
        let ranking = rank(&Case { onset, ..case(&services, &CASCADE) });
        assert_eq!(ranking.suspects[0].culprit, Culprit::Service(2), "{shift}");
    }
}

#[test]
fn cycles_strangers_and_emptiness_are_fine() {
    let services = cascade();
    let edges = [(0, 1), (1, 2), (2, 0), (1, 1), (0, 77), (99, 1), (0, 3), (0, 1)];
    assert_eq!(rank(&case(&services, &edges)).suspects[0].culprit, Culprit::Service(2));
    let nobody = Case { services: &[], edges: &edges, ..case(&services, &edges) };
    assert_eq!(rank(&nobody).suspects, []);
    let timeless = Case { step: Span::default(), ..case(&services, &edges) };
    assert_eq!(
        rank(&timeless).verdict,
        "Nobody can be suspected: the time between readings is not known."
    );
}

#[test]
fn an_error_ratio_that_was_always_zero_has_a_scale() {
    let services = [
        watched("web", &[(Errors, track(0.0, 0.05, ONSET))]),
        watched("db", &[(Errors, track(0.0, 0.0004, ONSET))]),
    ];
    let ranking = rank(&case(&services, &[(0, 1)]));
    assert_eq!(names(&ranking, &services), ["web"]);
}

fn readings() -> impl Strategy<Value = Track> {
    let value = || {
        prop_oneof![
            8 => -10.0..1e3f64,
            1 => Just(f64::NAN),
            1 => Just(f64::INFINITY),
            1 => Just(f64::MAX),
            2 => Just(0.0),
        ]
    };
    let points = prop::collection::vec((0..=LAST, value()), 0..40);
    (prop::collection::vec(value(), 0..40), points).prop_map(|(before, points)| Track {
        before,
        points: points.into_iter().map(|(step, value)| (at(step), value)).collect(),
    })
}

fn signal() -> impl Strategy<Value = Signal> {
    prop_oneof![Just(Latency), Just(Errors), Just(Signal::Traffic), Just(Saturation)]
}

fn worlds() -> impl Strategy<Value = (Vec<Watched>, Vec<(usize, usize)>)> {
    let signals = prop::collection::vec((signal(), readings()), 1..4);
    let services = prop::collection::vec(signals, 1..6).prop_map(|all| {
        all.iter().enumerate().map(|(i, s)| watched(&format!("s{i}"), s)).collect()
    });
    (services, prop::collection::vec((0..8usize, 0..8usize), 0..20))
}

proptest! {
    #[test]
    fn any_readings_in_any_order_give_one_list((services, edges) in worlds()) {
        let one = rank(&case(&services, &edges));
        prop_assert!(one.suspects.iter().all(|s| s.score.is_finite() && s.score >= 0.0));
        prop_assert!(one.suspects.windows(2).all(|w| w[0].score >= w[1].score));
        for suspect in &one.suspects {
            let product: f64 = suspect.terms.iter().map(|term| term.weight).product();
            prop_assert_eq!(product, suspect.score);
            prop_assert!(suspect.terms.iter().all(|term| term.sentence.ends_with('.')));
        }
        let mut turned = services.clone();
        for (_, track) in turned.iter_mut().flat_map(|s| &mut s.signals) {
            track.before.reverse();
            track.points.reverse();
        }
        let mut backwards = edges.clone();
        backwards.reverse();
        prop_assert_eq!(one, rank(&case(&turned, &backwards)));
    }

    #[test]
    fn another_unit_is_no_evidence(factor in 0.001..1000.0f64) {
        let services = cascade();
        let mut scaled = services.clone();
        for (_, track) in scaled.iter_mut().flat_map(|s| &mut s.signals) {
            track.before.iter_mut().for_each(|v| *v *= factor);
            track.points.iter_mut().for_each(|(_, v)| *v *= factor);
        }
        let order = |all: &[Watched]| -> Vec<Culprit> {
            rank(&case(all, &CASCADE)).suspects.iter().map(|s| s.culprit).collect()
        };
        prop_assert_eq!(order(&services), order(&scaled));
    }
}
