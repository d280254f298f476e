//! Who calls whom by traces, and what suppliers say of themselves: whole observations from what the
//! servers answer, an error in words from everything else.

use pretty_assertions::assert_eq;
use proptest::prelude::*;
use quarterdeck::connectors::jaeger::Jaeger;
use quarterdeck::connectors::statuspage::StatusFeed;
use quarterdeck::connectors::{Ask, Connector, Interest, ParseError};
use quarterdeck::domain::*;

use crate::connectors::{NOON, ask, reply};

fn read(of: &dyn Connector, status: u16, body: &[u8]) -> Result<Vec<Observation>, ParseError> {
    of.parse(&SourceId::new("s"), &ask("any"), &reply(status, body))
}

#[test]
fn calls_of_two_days_are_asked_for_and_summed() {
    let asks = Jaeger.asks(&Interest::default(), NOON);
    let [Ask { path, params, .. }] = &asks[..] else { panic!("{asks:?}") };
    let said = [("endTs", NOON.millis().to_string()), ("lookback", "172800000".to_owned())];
    assert_eq!((path.as_str(), &params[..]), ("/api/dependencies", &said[..]));
    let body = br#"{"data":[
        {"parent":"web","child":"checkout","callCount":12},
        {"parent":"checkout","child":"psp\u001b[31m","callCount":3,"source":"spans"},
        {"parent":"web","child":"checkout","callCount":30},
        {"parent":"","child":"lost","callCount":1}
        ],"total":0,"limit":0,"offset":0,"errors":null}"#;
    let call = |from: &str, to: &str, calls| {
        let (from, to) = (ServiceId::new(from), ServiceId::new(to));
        CallSeen { from, to, calls }
    };
    let calls = vec![call("checkout", "psp\u{1b}[31m", 3), call("web", "checkout", 42)];
    assert!(!calls[0].to.as_str().contains('\u{1b}'), "made safe at the door");
    assert_eq!(read(&Jaeger, 200, body), Ok(vec![Observation::Traced(calls)]));
    let none = read(&Jaeger, 200, br#"{"data":[],"errors":null}"#);
    assert_eq!(none, Ok(vec![Observation::Traced(Vec::new())]), "none computed is an answer");
}

#[test]
fn a_jaeger_that_cannot_tell_says_why() {
    let refused = |text: &str| Err(ParseError::Refused(text.to_owned()));
    let body = br#"{"data":null,"errors":[{"code":500,"msg":"no index found"}]}"#;
    assert_eq!(read(&Jaeger, 200, body), refused("no index found"));
    let shape = |of: &dyn Connector, body: &[u8]| match read(of, 200, body) {
        Err(ParseError::Shape(why)) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(shape(&Jaeger, b"{}"), "there is no list of dependencies in it");
    for of in [&Jaeger as &dyn Connector, &StatusFeed] {
        for body in [
            &b"<!DOCTYPE html><p>Sign in"[..],
            b"",
            b"[]",
            b"\xff\xfe{",
            b"{\"data\":3,\"components\":3}",
        ] {
            assert!(!shape(of, body).is_empty());
        }
        let deep = format!("{{\"data\":{}", "[".repeat(20_000));
        assert!(!shape(of, deep.as_bytes()).is_empty());
        assert!(matches!(read(of, 500, b"no"), Err(ParseError::Refused(_))));
        assert!(
            of.operate(&Operation::Expire { site: SiteId::new("eu"), id: SilenceId::new("x") })
                .is_none()
        );
    }
}

#[test]
fn a_feed_tells_components_and_what_goes_on() {
    let asks = StatusFeed.asks(&Interest::default(), NOON);
    assert_eq!(asks.iter().map(|a| a.path.as_str()).collect::<Vec<_>>(), ["/api/v2/summary.json"]);
    let body = br#"{"page":{"id":"x","name":"PSP","url":"https://status.psp.example","updated_at":"2026-11-22T11:00:00Z"},
        "status":{"indicator":"minor","description":"Partial outage"},
        "components":[
            {"id":"1","name":"API","status":"partial_outage","group":false,"position":1},
            {"id":"2","name":"Dashboard","status":"operational"},
            {"id":"3","name":"Payouts","status":"under_maintenance"},
            {"id":"4","name":"Webhooks","status":"DEGRADEDPERFORMANCE"},
            {"id":"5","name":"Terminals","status":"major_outage"}],
        "incidents":[
            {"name":"Declined payments","status":"identified","created_at":"2026-11-22T10:00:00.123Z","impact":"minor",
             "incident_updates":[
                {"status":"identified","body":"We found it.","created_at":"2026-11-22T10:30:00+00:00","display_at":"2026-11-22T10:31:00.000Z"},
                {"status":"investigating","body":"We are looking.","created_at":"2026-11-22T10:01:00Z","display_at":null}]},
            {"name":"Old","status":"resolved","updated_at":"2026-11-21T10:00:00Z"},
            {"name":"Terse","status":"monitoring","updated_at":"2026-11-22T09:00:00Z","incident_updates":[]}],
        "scheduled_maintenances":[]}"#;
    let component = |name: &str, state| ComponentSeen { name: name.into(), state };
    let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap();
    let seen = FeedSeen {
        components: vec![
            component("API", VendorState::Partial),
            component("Dashboard", VendorState::Operational),
            component("Payouts", VendorState::Maintenance),
            component("Webhooks", VendorState::Degraded),
            component("Terminals", VendorState::Major),
        ],
        incidents: vec![
            ("Declined payments".into(), "We found it.".into(), at("2026-11-22T10:31:00Z")),
            ("Terse".into(), "monitoring".into(), at("2026-11-22T09:00:00Z")),
        ],
    };
    assert_eq!(read(&StatusFeed, 200, body), Ok(vec![Observation::Feed(seen)]));
}

#[test]
fn a_state_nobody_knows_is_not_taken_for_well() {
    let body = br#"{"components":[{"name":"API","status":"on fire"},{"name":"B","status":"operational"}]}"#;
    let why = "its component API is \u{201c}on fire\u{201d}".to_owned();
    assert_eq!(read(&StatusFeed, 200, body), Err(ParseError::Shape(why)));
    let one = r#"{"name":"a","status":"operational"},"#.repeat(5_000);
    let many = format!(r#"{{"components":[{one}{{"name":"a","status":"operational"}}]}}"#);
    assert!(matches!(read(&StatusFeed, 200, many.as_bytes()), Err(ParseError::Shape(_))));
}

proptest! {
    #[test]
    fn any_bytes_are_an_answer_or_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        cut in any::<prop::sample::Index>(),
    ) {
        let feed = br#"{"components":[{"name":"API","status":"operational"}],"incidents":[{"name":"x","updated_at":"y"}]}"#;
        let links = br#"{"data":[{"parent":"a","child":"b","callCount":18446744073709551615}]}"#;
        for (of, whole) in [(&StatusFeed as &dyn Connector, &feed[..]), (&Jaeger, &links[..])] {
            prop_assert!(read(of, 200, whole).is_ok());
            let cut = cut.index(whole.len());
            prop_assert!(read(of, 200, &whole[..cut]).is_err(), "half an answer is none");
            let mut garbled = whole[..cut].to_vec();
            garbled.extend(&bytes);
            let _ = (read(of, 200, &bytes), read(of, 200, &garbled), read(of, 404, &garbled));
        }
    }
}
