//! The log of a real Unleash as it was recorded, and entries it may have.

use pretty_assertions::assert_eq;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::connectors::changes::{ChangesFrom, Place, Places};
use crate::domain::{Catalog, ServiceId};

/// What a test server wrote when a flag was made, given a strategy, switched on and switched off.
const RECORDED: &[u8] = include_bytes!("../../../../fixtures/connectors/unleash-events.json");

fn events(environments: &[&str]) -> Events {
    let from = ChangesFrom {
        place: Place::Project { name: String::new(), environments: Vec::new() },
        service: None,
        services: vec![("new-check".to_owned(), ServiceId::new("checkout"))],
        tags: ChangeKind::Merge,
    };
    let environments = environments.iter().map(|name| (*name).to_owned()).collect();
    let places = Places::new(&from, &Catalog::default());
    let project = Project { name: "default".to_owned(), environments, places };
    Events::new(project, "http://flags.example/".to_owned())
}

fn parse(events: &Events, body: &[u8]) -> Result<Vec<Change>, ParseError> {
    let now = Timestamp::from_millis(0);
    let body = body.to_vec();
    let reply =
        Reply { status: 200, body, retry_after: None, date: None, sent: now, received: now };
    let ask = events.asks(&Interest::default(), now).remove(0);
    let seen = events.parse(&SourceId::new("flags"), &ask, &reply)?;
    match <[Observation; 1]>::try_from(seen) {
        Ok([Observation::Changes(changes)]) => Ok(changes),
        other => panic!("{other:?}"),
    }
}

fn gist(change: &Change) -> [&str; 4] {
    [&change.title, &change.author, &change.before, &change.after]
}

#[test]
fn each_switch_is_a_change_with_who_and_when() {
    let changes = parse(&events(&[]), RECORDED).unwrap();
    assert_eq!(
        changes.iter().map(gist).collect::<Vec<_>>(),
        [
            ["new-checkout off in development", "admin", "on", "off"],
            ["new-checkout on in development", "admin", "off", "on"],
            ["new-checkout: flexibleRollout for 100% added in development", "admin", "", "100%"],
        ]
    );
    let expected = Change {
        key: ChangeKey { source: SourceId::new("flags"), id: "events/10".into() },
        at: Timestamp::parse_rfc3339("2026-11-22T11:28:01.460Z").unwrap(),
        kind: ChangeKind::Flag,
        service: Some(ServiceId::new("checkout")),
        title: "new-checkout off in development".into(),
        author: "admin".into(),
        reviewed: Reviewed::Unknown,
        before: "on".into(),
        after: "off".into(),
        state: ChangeState::Done,
        size: None,
        with: Vec::new(),
        url: "http://flags.example/projects/default/features/new-checkout".into(),
    };
    assert_eq!(changes[0], expected);
    assert_eq!(parse(&events(&["production"]), RECORDED), Ok(Vec::new()));
    assert_eq!(parse(&events(&["production", "development"]), RECORDED).unwrap().len(), 3);
}

#[test]
fn a_rollout_a_segment_and_an_archive_are_said_in_words() {
    let of = |share: &str| json!({ "name": "gradual", "parameters": { "rollout": share } });
    let event = |id: u64, kind: &str, environment: Option<&str>, data: Value, before: Value| {
        let segment = kind.starts_with("segment");
        json!({
            "id": id, "type": kind, "createdAt": "2026-11-22T11:28:01Z", "createdBy": "jo",
            "featureName": if segment { Value::Null } else { json!("beta") },
            "environment": environment, "data": data, "preData": before,
        })
    };
    let production = Some("production");
    let all = json!({ "events": [
        event(1, "feature-strategy-update", production, of("100"), of("25")),
        event(2, "feature-strategy-update", production, of("100"), of("100")),
        event(3, "feature-strategy-remove", production, Value::Null, of("100")),
        event(4, "feature-archived", None, Value::Null, Value::Null),
        event(5, "segment-updated", None, json!({ "name": "eu" }), Value::Null),
        event(6, "segment-deleted", None, Value::Null, json!({ "name": "eu" })),
        event(7, "feature-environment-variants-updated", production, json!({}), json!({})),
        event(8, "feature-metadata-updated", None, json!({ "name": "beta" }), Value::Null),
        event(9, "user-created", None, json!({ "name": "x" }), Value::Null),
    ]});
    let changes = parse(&events(&["production"]), all.to_string().as_bytes()).unwrap();
    assert_eq!(
        changes.iter().map(|change| change.title.as_str()).collect::<Vec<_>>(),
        [
            "beta: variants changed in production",
            "segment eu deleted",
            "segment eu changed",
            "beta archived",
            "beta: gradual removed in production",
            "beta: gradual changed in production",
            "beta: gradual changed from 25% to 100% in production",
        ]
    );
    let odd = json!({ "events": [
        { "id": 1, "type": "feature-environment-enabled", "createdAt": "soon", "featureName": "a" },
    ]});
    assert_eq!(
        parse(&events(&[]), odd.to_string().as_bytes()),
        Ok(Vec::new()),
        "no time, no place"
    );
    assert!(matches!(parse(&events(&[]), b"{}"), Err(ParseError::Shape(_))));
}

#[test]
fn only_what_switches_is_asked_for() {
    let ask = events(&[]).asks(&Interest::default(), Timestamp::from_millis(0)).remove(0);
    assert_eq!(ask.params[0], ("limit", "200".to_owned()));
    assert_eq!(ask.params[2], ("project", "IS:default".to_owned()));
    // Whatever is asked for is understood, and nothing else is.
    for kind in TYPES {
        assert!(ask.params[1].1.contains(kind));
        let event = json!({ "id": 1, "type": kind, "createdAt": "", "featureName": "a" });
        let event: Event = serde_json::from_value(event).unwrap();
        assert!(event.words().is_some(), "{kind}");
    }
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&events(&[]), &body);
    }

    #[test]
    fn a_damaged_log_is_read_or_refused(at in 0usize..3_000, byte in any::<u8>()) {
        let mut body = RECORDED.to_vec();
        let at = at % body.len();
        body[at] = byte;
        if let Ok(changes) = parse(&events(&[]), &body) {
            prop_assert!(changes.len() <= 4);
        }
    }
}
