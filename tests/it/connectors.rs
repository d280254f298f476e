//! Recorded answers of real servers become whole observations; any bytes become an error at worst.

use pretty_assertions::assert_eq;
use proptest::prelude::*;
use quarterdeck::connectors::alertmanager::Alertmanager;
use quarterdeck::connectors::prometheus::Prometheus;
use quarterdeck::connectors::{Ask, Connector, Interest, Method, ParseError, Reply};
use quarterdeck::domain::*;

pub(crate) const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/fixtures/connectors/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

pub(crate) fn reply(status: u16, body: &[u8]) -> Reply {
    Reply {
        status,
        body: body.to_vec(),
        retry_after: None,
        date: None,
        sent: NOON,
        received: NOON.plus(Span::from_millis(20)),
    }
}

pub(crate) fn ask(key: &str) -> Ask {
    let (key, path) = (key.to_owned(), "/".to_owned());
    Ask { key, method: Method::Get, path, params: vec![], body: None }
}

fn source() -> SourceId {
    SourceId::new("am-1")
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

#[test]
fn alerts_of_a_real_alertmanager_come_out_whole() {
    let am = Alertmanager::new(SiteId::new("lab"));
    let body = reply(200, &fixture("alerts.json"));
    let seen = am.parse(&source(), &ask("alerts"), &body).unwrap();
    let [Observation::Alerts(alerts)] = seen.as_slice() else { panic!("{seen:?}") };
    let states: Vec<(&str, &AlertState)> = alerts.iter().map(|a| (a.name(), &a.state)).collect();
    assert_eq!(
        states,
        [
            (
                "CanaryLatencyHigh",
                &AlertState::Suppressed {
                    silenced_by: vec![],
                    inhibited_by: vec!["9d57c6033517017b".into()]
                }
            ),
            (
                "ErrorBudgetBurnTest",
                &AlertState::Suppressed {
                    silenced_by: vec![SilenceId::new("04e65d58-6b70-4e24-9641-94c136c4c418")],
                    inhibited_by: vec![]
                }
            ),
            ("ErrorBudgetBurn", &AlertState::Active),
        ]
    );
    let burn = alerts[2].clone();
    assert_eq!(
        Alert { generator_url: SafeText::default(), ..burn },
        Alert {
            key: AlertKey { site: SiteId::new("lab"), fingerprint: "9d57c6033517017b".into() },
            seen_by: vec![source()],
            labels: Labels::of(&[
                ("alertname", "ErrorBudgetBurn"),
                ("cluster", "lab"),
                ("service", "checkout"),
                ("severity", "page"),
                ("window", "1m_5m"),
            ]),
            annotations: Labels::of(&[
                ("runbook_url", "https://runbooks.example/burn"),
                ("summary", "Service checkout burns its error budget"),
                ("value", "5.144%"),
            ]),
            starts_at: at("2026-11-22T11:02:05.385Z"),
            ends_at: at("2026-11-22T11:06:05.385Z"),
            updated_at: at("2026-11-22T11:02:05.387Z"),
            state: AlertState::Active,
            receivers: vec!["hook".into()],
            generator_url: SafeText::default(),
        }
    );
    assert_eq!(am.parse(&source(), &ask("alerts"), &body), Ok(vec![]), "unchanged: not read again");
}

/// What is not read again must be what it was, to the last time of the last alert.
#[test]
fn a_body_that_differs_in_one_time_is_read_and_so_is_an_older_one_that_comes_back() {
    let am = Alertmanager::new(SiteId::new("lab"));
    let read = |body: &str| am.parse(&source(), &ask("alerts"), &reply(200, body.as_bytes()));
    let alerts = |ends: [&str; 2]| {
        let one = |(fingerprint, ends): (&str, &str)| {
            format!(
                r#"{{"annotations":{{}},"endsAt":"2026-11-22T{ends}.000Z","fingerprint":"{fingerprint}","receivers":[{{"name":"n"}}],"startsAt":"2026-11-22T10:00:00.000Z","status":{{"inhibitedBy":[],"silencedBy":[],"state":"active"}},"updatedAt":"2026-11-22T11:00:00.000Z","labels":{{"alertname":"A"}}}}"#
            )
        };
        format!("[{}]", ["a", "b"].into_iter().zip(ends).map(one).collect::<Vec<_>>().join(","))
    };
    let ends = |seen: Result<Vec<Observation>, ParseError>| match seen.unwrap().as_slice() {
        [Observation::Alerts(alerts)] => {
            alerts.iter().map(|a| a.ends_at.rfc3339()[11..19].to_owned()).collect()
        }
        _ => Vec::new(),
    };
    let (first, later) = (["11:04:00", "11:04:00"], ["11:04:00", "11:08:00"]);
    assert_eq!(ends(read(&alerts(first))), first);
    assert_eq!(ends(read(&alerts(first))), Vec::<String>::new(), "nothing new");
    assert_eq!(ends(read(&alerts(later))), later, "one alert goes on");
    // Alertmanager starts anew, knows nothing, and is told again what it knew.
    assert_eq!(read("[]"), Ok(vec![Observation::Alerts(vec![])]));
    assert_eq!(ends(read(&alerts(later))), later);
    // What could not be read is not what was seen last.
    assert!(read("[{]").is_err());
    assert_eq!(ends(read(&alerts(later))), Vec::<String>::new());
}

#[test]
fn silences_and_the_version_are_read() {
    let am = Alertmanager::new(SiteId::new("lab"));
    let seen =
        am.parse(&source(), &ask("silences"), &reply(200, &fixture("silences.json"))).unwrap();
    let [Observation::Silences(silences)] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!(silences.len(), 1);
    assert_eq!(
        (silences[0].id.as_str(), silences[0].state),
        ("04e65d58-6b70-4e24-9641-94c136c4c418", SilenceState::Active)
    );
    let status = reply(200, &fixture("alertmanager_status.json"));
    assert_eq!(
        am.parse(&source(), &ask("status"), &status),
        Ok(vec![Observation::Version("0.25.0".into())])
    );
}

#[test]
fn a_description_of_several_lines_keeps_them() {
    let body = br#"[{"labels":{"alertname":"A"},"annotations":{"description":"one\ntwo \u001b[2J"},
        "startsAt":"2026-11-22T11:02:05Z","endsAt":"2026-11-22T11:02:05Z","fingerprint":"f",
        "status":{"state":"active","silencedBy":null_or_list,"inhibitedBy":[]}}]"#;
    let body = String::from_utf8_lossy(body).replace("null_or_list", "[]");
    let am = Alertmanager::new(SiteId::new("lab"));
    let seen = am.parse(&source(), &ask("alerts"), &reply(200, body.as_bytes())).unwrap();
    let [Observation::Alerts(alerts)] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!(alerts[0].annotations.get("description"), "one\ntwo ␛[2J");
}

fn draft(replaces: Option<&str>) -> Operation {
    Operation::Silence {
        site: SiteId::new("lab"),
        draft: SilenceDraft {
            matchers: vec![(&Matcher::equal("service", "checkout")).into()],
            starts_at: NOON,
            ends_at: NOON.plus(Span::from_hours(2)),
            created_by: "ann".into(),
            comment: "rollback under way".into(),
            replaces: replaces.map(SilenceId::new),
        },
    }
}

#[test]
fn operations_are_sent_as_the_api_wants_and_every_answer_is_understood() {
    let am = Alertmanager::new(SiteId::new("lab"));
    let sent = am.operate(&draft(Some("abc"))).unwrap();
    assert_eq!((sent.method, sent.path.as_str()), (Method::Post, "/api/v2/silences"));
    assert_eq!(
        String::from_utf8(sent.body.unwrap()).unwrap(),
        r#"{"id":"abc","matchers":[{"name":"service","value":"checkout","isRegex":false,"isEqual":true}],"startsAt":"2026-11-22T12:00:00.000Z","endsAt":"2026-11-22T14:00:00.000Z","createdBy":"ann","comment":"rollback under way"}"#
    );
    let expire = Operation::Expire { site: SiteId::new("lab"), id: SilenceId::new("a-1") };
    assert_eq!(am.operate(&expire).unwrap().path, "/api/v2/silence/a-1");
    let odd = Operation::Expire { site: SiteId::new("lab"), id: SilenceId::new("../status") };
    assert_eq!(am.operate(&odd), None);

    let made = am.outcome(&draft(None), &reply(200, &fixture("silence_created.json")));
    let id = Some(SilenceId::new("2ac83378-8cde-4594-9b42-77c43b991d1f"));
    assert_eq!(made, Outcome::Done { id });
    for (status, body, said) in [
        (422, "error_no_matchers.json", "matchers in body should have at least 1 items"),
        (400, "error_matches_empty.json", "at least one matcher must not match the empty string"),
    ] {
        let outcome = am.outcome(&draft(None), &reply(status, &fixture(body)));
        assert!(matches!(&outcome, Outcome::Refused { why } if why.contains(said)), "{outcome:?}");
    }
    let unknown = am.outcome(&expire, &reply(500, &fixture("error_delete_unknown.json")));
    assert!(
        matches!(&unknown, Outcome::Refused { why } if why.contains("no silence with this id"))
    );
    for broken in [reply(500, b"\"disk full\""), reply(200, b"")] {
        assert!(matches!(am.outcome(&draft(None), &broken), Outcome::Unknown { .. }));
    }
}

fn slo(id: &str, indicator: Indicator) -> Slo {
    let pair = |long, short, factor, urgency| BurnCondition {
        long: Span::from_mins(long),
        short: Span::from_mins(short),
        factor,
        hold: Span::ZERO,
        urgency,
    };
    Slo {
        id: SloId::new(id),
        title: id.into(),
        service: ServiceId::new("checkout"),
        objective: 0.99,
        period: Span::from_days(30),
        indicator,
        method: Method_::Occurrences,
        conditions: vec![pair(60, 5, 14.4, Urgency::Page)],
        source: None,
        min_events: 0.0,
        recorded: None,
        origin: Origin::default(),
    }
}
use quarterdeck::domain::Method as Method_;

fn events(metric: &str) -> Indicator {
    Indicator::Events {
        bad: format!("rate({metric}_bad[$window])"),
        total: format!("rate({metric}[$window])"),
    }
}

fn catalog(slos: Vec<Slo>) -> Catalog {
    let slos = slos.into_iter().map(|slo| (slo.id.clone(), slo)).collect();
    let mut catalog = Catalog { slos, ..Catalog::default() };
    let signal = |signal, expr: &str| SignalQuery { signal, expr: expr.into(), unit: Unit::Ratio };
    let service = Service {
        id: ServiceId::new("checkout"),
        signals: vec![
            signal(Signal::Traffic, "sum(rate(req[$range]))"),
            signal(Signal::Errors, "sum(rate(bad[$range]))"),
        ],
        ..Service::default()
    };
    catalog.services.insert(service.id.clone(), service);
    catalog
}

fn prometheus(slos: Vec<Slo>) -> Prometheus {
    Prometheus::new(&catalog(slos), &SourceId::new("prom"), true, Span::from_secs(15))
}

fn query(ask: &Ask) -> &str {
    ask.params.iter().find(|(name, _)| *name == "query").map_or("", |(_, q)| q)
}

fn keys(asks: &[Ask]) -> Vec<&str> {
    asks.iter().map(|a| a.key.as_str()).collect()
}

fn vector(samples: &[(&str, &str)]) -> Vec<u8> {
    let rows: Vec<String> = samples
        .iter()
        .map(|(tag, value)| format!(r#"{{"metric":{{{tag}}},"value":[1795348800,"{value}"]}}"#))
        .collect();
    format!(
        r#"{{"status":"success","data":{{"resultType":"vector","result":[{}]}},"warnings":["w"]}}"#,
        rows.join(",")
    )
    .into_bytes()
}

#[test]
fn ratios_and_traffic_of_all_objectives_travel_in_one_query() {
    let prom =
        prometheus(vec![slo("a", events("x")), slo("b", Indicator::ErrorRatio("r$window".into()))]);
    let asks = prom.asks(&Interest::default(), NOON);
    assert_eq!(
        keys(&asks),
        ["time", "slo:now:0", "slo:10m:0", "spark:0", "rules", "targets", "buildinfo"]
    );
    insta_like(
        query(&asks[1]),
        &[
            r#"label_replace((sum(rate(x_bad[5m]))) / (sum(rate(x[5m]))), "qd", "0.0", "", "")"#,
            r#"label_replace((sum(rate(x_bad[1h]))) / (sum(rate(x[1h]))), "qd", "0.1", "", "")"#,
            r#"label_replace(sum(rate(x[5m])), "qd", "0.2", "", "")"#,
            r#"label_replace(sum(rate(x[1h])), "qd", "0.3", "", "")"#,
            r#"label_replace(r5m, "qd", "2.0", "", "")"#,
            r#"label_replace(r1h, "qd", "2.1", "", "")"#,
        ],
    );
    let body = vector(&[
        (r#""qd":"0.0""#, "0.1"),
        (r#""qd":"0.1""#, "NaN"),
        (r#""qd":"0.2""#, "40"),
        (r#""qd":"2.1""#, "+Inf"),
    ]);
    let seen = prom.parse(&source(), &asks[1], &reply(200, &body)).unwrap();
    let reading = |slo: &str, window, error_ratio, traffic| SloReading {
        slo: SloId::new(slo),
        window: Span::from_mins(window),
        error_ratio,
        traffic,
        at: NOON,
    };
    use Reading::{NaN, NoData, Unknown, Value};
    assert_eq!(
        seen,
        [Observation::Slos(vec![
            reading("a", 5, Value(0.1), Value(40.0)),
            reading("a", 60, NaN, NoData),
            reading("b", 5, NoData, Unknown),
            reading("b", 60, Value(f64::INFINITY), Unknown),
        ])]
    );
    // Nothing long is asked again a poll later, once it was answered.
    prom.parse(&source(), &asks[2], &reply(200, &vector(&[]))).unwrap();
    prom.parse(
        &source(),
        &asks[3],
        &reply(200, br#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#),
    )
    .unwrap();
    for (at, body) in [(4, "rules.json"), (5, "targets.json"), (6, "buildinfo.json")] {
        prom.parse(&source(), &asks[at], &reply(200, &fixture(body))).unwrap();
    }
    let later = prom.asks(&Interest::default(), NOON.plus(Span::from_secs(15)));
    assert_eq!(keys(&later), ["time", "slo:now:0"]);
}

/// Compares a union with its parts, without the line breaks that end comments.
fn insta_like(query: &str, parts: &[&str]) {
    assert_eq!(query.replace('\n', "").split(" or ").collect::<Vec<_>>(), parts);
}

#[test]
fn recorded_series_are_read_instead_of_computed() {
    let mut sloth = slo("a", events("x"));
    sloth.method = Method_::RatioTimeslices;
    sloth.recorded = Some(Recorded {
        metric: "slo:sli_error:ratio_rate$window".into(),
        selector: "sloth_id=\"a\"".into(),
        windows: vec![Span::from_mins(5), Span::from_hours(1)],
    });
    let prom = prometheus(vec![sloth]);
    let asks = prom.asks(&Interest::default(), NOON);
    insta_like(
        query(&asks[1]),
        &[
            r#"label_replace({__name__=~"slo:sli_error:ratio_rate5m|slo:sli_error:ratio_rate1h", sloth_id="a"}, "qd", "0.0", "", "")"#,
            r#"label_replace(sum(rate(x[5m])), "qd", "0.1", "", "")"#,
            r#"label_replace(sum(rate(x[1h])), "qd", "0.2", "", "")"#,
        ],
    );
    let slices = "((sum(rate(x_bad[5m]))) / (sum(rate(x[5m]))))[30d:5m]";
    let period = format!(
        "label_replace(sum_over_time({slices}) / count_over_time({slices}), \"qd\", \"1.0\", \"\", \"\")"
    );
    insta_like(query(&asks[2]), &[&period]);

    // The rules are not loaded here: the same windows are computed from the next poll on.
    let traffic = vector(&[(r#""qd":"0.1""#, "40")]);
    let seen = prom.parse(&source(), &asks[1], &reply(200, &traffic)).unwrap();
    assert_eq!(seen, [Observation::Slos(Vec::new())], "nothing is said about what is not known");
    let later = prom.asks(&Interest::default(), NOON.plus(Span::from_secs(15)));
    let computed = later.iter().find(|ask| ask.key == "slo:now:0").unwrap();
    assert!(query(computed).starts_with("label_replace((sum(rate(x_bad[5m])))"), "{computed:?}");
    // Later they are tried again: somebody may have loaded them.
    let again = prom.asks(&Interest::default(), NOON.plus(Span::from_mins(11)));
    assert!(again.iter().any(|ask| ask.key == "slo:now:0" && query(ask).contains("__name__")));
}

#[test]
fn one_bad_query_is_found_named_and_does_not_sink_the_others() {
    let prom = prometheus(vec![slo("good", events("x")), slo("worse", events("(("))]);
    let first = prom.asks(&Interest::default(), NOON);
    let refusal = reply(400, &fixture("error_parse.json"));
    let error = prom.parse(&source(), &first[1], &refusal).unwrap_err();
    assert!(matches!(&error, ParseError::Refused(why) if why.contains("asked singly")), "{error}");
    let second = prom.asks(&Interest::default(), NOON.plus(Span::from_secs(15)));
    let alone: Vec<&Ask> = second.iter().filter(|a| a.key.starts_with("slo:alone")).collect();
    assert_eq!(
        alone.iter().map(|a| a.key.as_str()).collect::<Vec<_>>(),
        ["slo:alone:0", "slo:alone:2"]
    );
    prom.parse(&source(), alone[0], &reply(200, &vector(&[(r#""qd":"0.0""#, "0.1")]))).unwrap();
    let error = prom.parse(&source(), alone[1], &refusal).unwrap_err();
    assert_eq!(
        error,
        ParseError::Refused("the query of the objective worse: invalid parameter \"query\": 1:10: parse error: unclosed left parenthesis".into())
    );
    let third = prom.asks(&Interest::default(), NOON.plus(Span::from_secs(30)));
    assert!(keys(&third).contains(&"slo:now:0") && keys(&third).contains(&"slo:alone:2"));
    let spark = third.iter().find(|a| a.key == "spark:0").map(query).unwrap_or_default();
    assert!(spark.contains("x_bad[1h]") && !spark.contains("((_bad"), "{spark}");
}

#[test]
fn several_series_are_not_guessed_at() {
    let prom = prometheus(vec![slo("a", Indicator::ErrorRatio("r$window".into()))]);
    let asks = prom.asks(&Interest::default(), NOON);
    let two = vector(&[(r#""i":"1","qd":"0.0""#, "0.1"), (r#""i":"2","qd":"0.0""#, "0.2")]);
    let error = prom.parse(&source(), &asks[1], &reply(200, &two)).unwrap_err();
    assert!(error.to_string().contains("the objective a gives several series"), "{error}");
}

#[test]
fn charts_and_golden_signals_follow_what_is_on_screen() {
    let prom = prometheus(vec![slo("a", events("x"))]);
    let interest = Interest {
        service: Some(ServiceId::new("checkout")),
        slos: vec![SloId::new("a")],
        range: Span::from_hours(1),
        ..Interest::default()
    };
    let asks = prom.asks(&interest, NOON);
    let find = |key: &str| asks.iter().find(|a| a.key == key).unwrap();
    let matrix = |tag: &str| {
        format!(
            r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{"qd":"{tag}","job":"j"}},"values":[[1795348785,"0.02"],[1795348800,"NaN"]]}}]}}}}"#
        )
    };
    let seen = prom.parse(&source(), find("chart:a"), &reply(200, matrix("0").as_bytes())).unwrap();
    let [Observation::SloHistory { slo, window, series }] = seen.as_slice() else {
        panic!("{seen:?}")
    };
    assert_eq!((slo.as_str(), *window), ("a", Span::from_hours(1)));
    assert!((series.points[0].1 - 2.0).abs() < 1e-9, "burn, not ratio: {series:?}");
    assert!(series.points[1].1.is_nan());
    let coarse = prom.parse(&source(), find("spark:0"), &reply(200, matrix("0").as_bytes()));
    assert_eq!(coarse, Ok(vec![]), "the fine line stays");
    let signals = find("signals:checkout");
    let step = signals.params.iter().find(|(name, _)| *name == "step").unwrap();
    assert_eq!(step.1, "15");
    assert!(query(signals).contains("rate(req[1m])") && query(signals).contains("rate(bad[1m])"));
    let seen = prom.parse(&source(), signals, &reply(200, matrix("1").as_bytes())).unwrap();
    let names: Vec<(Signal, usize)> = seen
        .iter()
        .map(|o| match o {
            Observation::Signal { signal, series, .. } => (*signal, series.points.len()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, [(Signal::Traffic, 0), (Signal::Errors, 2)]);
    let past = prom.parse(&source(), find("past:checkout"), &reply(200, matrix("1").as_bytes()));
    assert!(matches!(
        past.unwrap().as_slice(),
        [.., Observation::Baseline { signal: Signal::Errors, .. }]
    ));
}

#[test]
fn what_a_verdict_rests_on_and_was_not_read_here_is_asked_for() {
    let prom = prometheus(vec![slo("a", events("x")), slo("b", events("y"))]);
    let keys = |interest: &Interest| -> Vec<Ask> {
        let asks = prom.asks(interest, NOON).into_iter();
        asks.filter(|ask| ask.key.starts_with("missed")).collect()
    };
    assert_eq!(keys(&Interest::default()), [], "nothing is judged, nothing was missed");
    let missed = Some((NOON.minus(Span::from_mins(20)), vec![SloId::new("b")]));
    let asked = keys(&Interest { missed, ..Interest::default() });
    let [ask] = asked.as_slice() else { panic!("{asked:?}") };
    let param = |name: &str| ask.params.iter().find(|(n, _)| *n == name).unwrap().1.clone();
    let seconds = |name: &str| param(name).parse::<f64>().unwrap();
    assert_eq!((ask.path.as_str(), param("step").as_str()), ("/api/v1/query_range", "3"));
    assert!((seconds("end") - seconds("start") - 1_200.0).abs() < 0.5, "{ask:?}");
    assert!(query(ask).contains("[5m]"), "over the shortest window: {}", query(ask));
    let body = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"qd":"1"},"values":[[1795348785,"0.02"]]}]}}"#;
    let seen = prom.parse(&source(), ask, &reply(200, body.as_bytes())).unwrap();
    let [Observation::SloMissed { slo, series }] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!((slo.as_str(), series.points.len()), ("b", 1));
    assert!((series.points[0].1 - 0.02).abs() < 1e-9, "ratio, not burn: {series:?}");
}

#[test]
fn what_became_of_an_alert_that_went_unseen_is_read_up() {
    let prom = prometheus(Vec::new());
    let keys = |interest: &Interest| -> Vec<Ask> {
        let asks = prom.asks(interest, NOON).into_iter();
        asks.filter(|ask| ask.key.starts_with("fired")).collect()
    };
    assert_eq!(keys(&Interest::default()), [], "nothing went unseen");
    let fired = Some((NOON.minus(Span::from_mins(35)), vec!["Odd\"Name".into()]));
    let asked = keys(&Interest { fired, ..Interest::default() });
    let [ask] = asked.as_slice() else { panic!("{asked:?}") };
    let param = |name: &str| ask.params.iter().find(|(n, _)| *n == name).unwrap().1.clone();
    assert_eq!((ask.path.as_str(), param("step").as_str()), ("/api/v1/query_range", "10"));
    // From a little before it was last seen, or its end could not be told from its absence.
    let seconds = |name: &str| param(name).parse::<f64>().unwrap();
    assert!((seconds("end") - seconds("start") - 2_400.0).abs() < 0.5, "{ask:?}");
    assert!(query(ask).contains(r#"ALERTS{alertname="Odd\"Name"}"#), "{}", query(ask));
    let body = r#"{"status":"success","data":{"resultType":"matrix","result":[
        {"metric":{"__name__":"ALERTS","alertname":"X","alertstate":"firing","qd":"0"},"values":[[1795348780,"1"]]},
        {"metric":{"qd":"1"},"values":[[1795348780,"3"],[1795348790,"3"]]}]}}"#;
    let seen = prom.parse(&source(), ask, &reply(200, body.as_bytes())).unwrap();
    let moment = |secs: i64| Timestamp::from_millis(secs * 1_000);
    let labels = [("__name__", "ALERTS"), ("alertname", "X"), ("alertstate", "firing")];
    let line = Series { labels: Labels::of(&labels), points: vec![(moment(1_795_348_780), 1.0)] };
    let expected = Fired {
        name: "Odd\"Name".into(),
        until: Timestamp::from_seconds(seconds("end")),
        step: Span::from_secs(10),
        looked: vec![moment(1_795_348_780), moment(1_795_348_790)],
        lines: vec![line],
    };
    assert_eq!(seen, [Observation::Fired(expected)]);
}

#[test]
fn a_server_whose_clock_is_hours_ahead_is_asked_about_its_own_present() {
    let prom = prometheus(vec![slo("a", events("x"))]);
    let interest =
        Interest { slos: vec![SloId::new("a")], range: Span::from_hours(1), ..Interest::default() };
    let chart = |asks: &[Ask]| asks.iter().find(|a| a.key == "chart:a").cloned();
    let end = |ask: &Ask| {
        let end = ask.params.iter().find(|(name, _)| *name == "end").unwrap();
        Timestamp::from_seconds(end.1.parse().unwrap())
    };
    let ahead = Span::from_hours(5);
    let there = NOON.plus(ahead).seconds();
    let matrix = format!(
        r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{"qd":"0"}},"values":[[{there},"0.02"]]}}]}}}}"#
    );
    // The first question goes out before anything is known of the clock.
    let first = chart(&prom.asks(&interest, NOON)).unwrap();
    assert_eq!(end(&first), NOON);
    let time = format!(
        r#"{{"status":"success","data":{{"resultType":"scalar","result":[{there},"{there}"]}}}}"#
    );
    prom.parse(&source(), &ask("time"), &reply(200, time.as_bytes())).unwrap();
    prom.parse(&source(), &first, &reply(200, matrix.as_bytes())).unwrap();
    // So it is put again at the next poll, about the server's present, and drawn at ours.
    let second = chart(&prom.asks(&interest, NOON.plus(Span::from_secs(15)))).unwrap();
    assert_eq!(end(&second), NOON.plus(ahead).plus(Span::from_secs(15)));
    let seen = prom.parse(&source(), &second, &reply(200, matrix.as_bytes())).unwrap();
    let [Observation::SloHistory { series, .. }] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!(series.points[0].0, NOON);
}

#[test]
fn rules_targets_clock_and_version_of_a_real_prometheus_are_read() {
    let prom = prometheus(vec![]);
    let parse = |key: &str, body: &[u8]| {
        let seen = prom.parse(&source(), &ask(key), &reply(200, body)).unwrap();
        seen.into_iter().next().unwrap()
    };
    let Observation::Rules(rules) = parse("rules", &fixture("rules.json")) else { panic!() };
    assert_eq!(
        rules.rules[0],
        AlertRule {
            name: "ErrorBudgetBurnTest".into(),
            expr: "slo:error_ratio:rate10s > (5 * 0.01) and slo:error_ratio:rate30s > (2 * 0.01)"
                .into(),
            last_evaluation: Some(at("2026-11-22T11:02:09.386Z")),
            interval: Span::from_secs(1),
            error: SafeText::default(),
            firing: true,
        }
    );
    assert!(rules.recorded.iter().any(|name| name.as_str() == "slo:error_ratio:rate1m"));
    assert!(
        matches!(parse("targets", &fixture("targets.json")), Observation::Targets { up, down: _ } if up > 0)
    );
    assert_eq!(
        parse("buildinfo", &fixture("buildinfo.json")),
        Observation::Version("2.42.0+ds".into())
    );
    // VictoriaMetrics answers without a version; that is no fault.
    assert_eq!(
        parse("buildinfo", br#"{"status":"success","data":{}}"#),
        Observation::Version("".into())
    );
    let clock = parse("time", br#"{"status":"success","data":{"resultType":"scalar","result":[1795348801.51,"1795348801.51"]}}"#);
    let offset = ClockOffset { offset: Span::from_millis(1_500), bound: Span::from_millis(11) };
    assert_eq!(clock, Observation::Clock(offset));
}

#[test]
fn vectors_of_two_makers_are_read() {
    use quarterdeck::connectors::prometheus::instant_vector;
    let nan = instant_vector(&fixture("query_vector_nan.json")).unwrap();
    assert_eq!(nan.iter().map(|row| row.1).collect::<Vec<_>>(), [Reading::NaN, Reading::NaN]);
    let up = instant_vector(&fixture("victoriametrics_vector.json")).unwrap();
    assert_eq!(up[0].0.get("track"), "stable");
    assert_eq!((up[0].1, up[0].2.millis()), (Reading::Value(1.0), 1_795_347_254_000));
    let refused = instant_vector(&fixture("error_timeout.json"));
    assert!(matches!(refused, Err(ParseError::Refused(_))));
}

const KEYS: [&str; 12] = [
    "alerts",
    "silences",
    "status",
    "time",
    "slo:now:0",
    "chart:a",
    "spark:0",
    "signals:checkout",
    "past:checkout",
    "rules",
    "targets",
    "buildinfo",
];

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(key in 0..KEYS.len(), body in proptest::collection::vec(any::<u8>(), 0..400), status in 200u16..600) {
        all_read(KEYS[key], status, &body);
    }

    #[test]
    fn no_damaged_answer_makes_a_parser_panic(key in 0..KEYS.len(), name in 0..5usize, cut in 0..6_000usize, at in 0..6_000usize, byte: u8) {
        let names = ["alerts.json", "silences.json", "rules.json", "targets.json", "query_vector_nan.json"];
        let mut body = fixture(names[name]);
        body.truncate(cut);
        if let Some(place) = body.get_mut(at) {
            *place = byte;
        }
        all_read(KEYS[key], 200, &body);
    }
}

fn all_read(key: &str, status: u16, body: &[u8]) {
    let prom = prometheus(vec![slo("a", events("x"))]);
    let am = Alertmanager::new(SiteId::new("lab"));
    let (ask, reply) = (ask(key), reply(status, body));
    let _ = prom.parse(&source(), &ask, &reply);
    let _ = am.parse(&source(), &ask, &reply);
    let _ = am.outcome(&draft(None), &reply);
}
