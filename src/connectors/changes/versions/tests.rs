//! Rollouts as a metric tells them: all at once, step by step, taken back, and scrapes that fail.

use pretty_assertions::assert_eq;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::connectors::changes::{ChangesFrom, Place};
use crate::domain::{Catalog, ServiceId};

/// Half past one, a whole step.
const BEGIN: i64 = 1_795_354_200;

fn versions() -> Versions {
    let metric = Metric {
        selector: "build_info{env=\"prod\"}".to_owned(),
        version: "version".to_owned(),
        service: "app".to_owned(),
        range: Span::from_hours(12),
    };
    let from = ChangesFrom {
        place: Place::Metric(metric.clone()),
        service: Some(ServiceId::new("shop")),
        services: vec![("pay-".to_owned(), ServiceId::new("payments"))],
        tags: ChangeKind::Merge,
    };
    Versions::new(Some(metric), Places::new(&from, &Catalog::default()))
}

fn parse(body: Vec<u8>) -> Result<Vec<Change>, ParseError> {
    let now = Timestamp::from_seconds(BEGIN as f64);
    let reply =
        Reply { status: 200, body, retry_after: None, date: None, sent: now, received: now };
    let ask = versions().asks(&Interest::default(), now).remove(0);
    let seen = versions().parse(&SourceId::new("running"), &ask, &reply)?;
    match <[Observation; 1]>::try_from(seen) {
        Ok([Observation::Changes(changes)]) => Ok(changes),
        other => panic!("{other:?}"),
    }
}

/// A series: `3` is three instances, a point is none; one character for each step of 30 seconds.
fn series(service: &str, version: &str, counts: &str) -> Value {
    let values: Vec<Value> = counts
        .chars()
        .zip(0i64..)
        .filter(|(count, _)| *count != '.')
        .map(|(count, at)| json!([BEGIN + at * 30, count.to_string()]))
        .collect();
    json!({ "metric": { "app": service, "version": version }, "values": values })
}

fn told(all: &[(&str, &str, &str)]) -> Vec<Change> {
    let all: Vec<Value> = all.iter().map(|(s, v, counts)| series(s, v, counts)).collect();
    let body = json!({ "status": "success", "data": { "resultType": "matrix", "result": all } });
    parse(body.to_string().into_bytes()).unwrap()
}

/// At which step, what it says, and how far it is.
fn gists(all: &[(&str, &str, &str)]) -> Vec<(i64, String, ChangeState)> {
    let step = |at: Timestamp| (at.millis() / 1_000 - BEGIN) / 30;
    let changes = told(all).into_iter();
    changes.map(|one| (step(one.at), one.title.to_string(), one.state)).collect()
}

fn gist(at: i64, title: &str, state: ChangeState) -> (i64, String, ChangeState) {
    (at, title.to_owned(), state)
}

#[test]
fn a_version_that_appears_is_a_deploy_and_its_share_is_said() {
    let rollout = [("pay-api", "v1", "44443221......"), ("pay-api", "v2", ".....12344444.")];
    let changes = told(&rollout);
    let at = Timestamp::from_seconds((BEGIN + 150) as f64);
    let expected = Change {
        key: ChangeKey {
            source: SourceId::new("running"),
            id: SafeText::new(&format!("pay-api/v2@{}", at.rfc3339())),
        },
        at,
        kind: ChangeKind::Deploy,
        service: Some(ServiceId::new("payments")),
        title: "pay-api v2 on all 4 instances".into(),
        author: "".into(),
        reviewed: Reviewed::Unknown,
        before: "v1".into(),
        after: "v2".into(),
        state: ChangeState::Done,
        size: None,
        with: Vec::new(),
        url: "".into(),
    };
    assert_eq!(changes, [expected]);
    assert_eq!(told(&[("cart", "v1", "1111")]), [], "since when it runs is not known");
}

#[test]
fn several_versions_at_once_are_a_rollout_under_way() {
    let canary = [("cart", "v1", "4444433"), ("cart", "v2", ".....11"), ("cart", "v0", "1111111")];
    let running = "cart v2 on 1 of 5 instances, beside v1 on 3, v0 on 1";
    assert_eq!(gists(&canary), [gist(5, running, ChangeState::Running)]);
    assert_eq!(told(&canary)[0].before.as_str(), "v1", "what most instances ran");
}

#[test]
fn what_is_taken_back_is_undone_and_what_is_replaced_is_not() {
    let back = [("cart", "v1", "44443344444"), ("cart", "v2", "....11.....")];
    let undone = "cart v2 was on up to 1 of 4 instances, then v1";
    assert_eq!(gists(&back), [gist(4, undone, ChangeState::Undone)]);
    // The older one is deployed anew when it was away for long.
    let anew = [("cart", "v1", "11.....11111"), ("cart", "v2", "..11111.....")];
    assert_eq!(
        gists(&anew),
        [
            gist(7, "cart v1 on its only instance", ChangeState::Done),
            gist(2, "cart v2 was on up to 1 of 1 instances, then v1", ChangeState::Undone),
        ]
    );
    let on = [
        ("cart", "v1", "11........."),
        ("cart", "v2", "..11......."),
        ("cart", "v3", "....1111111"),
    ];
    assert_eq!(
        gists(&on),
        [
            gist(4, "cart v3 on its only instance", ChangeState::Done),
            gist(2, "cart v2 was on up to 1 of 1 instances, then v3", ChangeState::Done),
        ]
    );
}

#[test]
fn a_restart_and_a_failed_scrape_are_no_deploy() {
    let restart = [("cart", "v1", "44443344..44"), ("cart", "v2", "....1111111.")];
    let found = gists(&restart);
    assert_eq!(found.len(), 1, "v1 was away for a moment: {found:?}");
    assert_eq!(found[0].0, 4);
    // All of it is away for long: it was not seen, and nobody deployed.
    assert_eq!(told(&[("cart", "v1", "11.........11"), ("web", "v1", "1111111111111")]), []);
    // A service that is new later is a deploy with nothing before.
    let new =
        told(&[("cart", "v1", ".....11"), ("web", "v1", "1111111"), ("api", "v1", "..11111")]);
    assert_eq!(new.len(), 1);
    let said = (new[0].title.as_str(), new[0].before.as_str());
    assert_eq!(said, ("cart v1 on its only instance", ""));
}

#[test]
fn what_names_no_service_or_version_is_of_the_setting_or_left_out() {
    let all = told(&[("", "v1", "1111"), ("", "v2", "...1"), ("cart", "", "...1")]);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].service, Some(ServiceId::new("shop")));
    assert_eq!(all[0].title.as_str(), "v2 on 1 of 2 instances, beside v1 on 1");
}

#[test]
fn it_is_asked_at_whole_steps() {
    let now = Timestamp::from_millis((BEGIN + 47) * 1_000 + 123);
    let ask = versions().asks(&Interest::default(), now).remove(0);
    let expected = [
        ("query", "count by (app, version) (build_info{env=\"prod\"})".to_owned()),
        ("start", (BEGIN + 30 - 12 * 3_600).to_string()),
        ("end", (BEGIN + 30).to_string()),
        ("step", "30".to_owned()),
    ];
    assert_eq!(ask.params, expected);
    let steps = [10, 360, 720, 43_200].map(|mins| step(Span::from_mins(mins)).millis() / 1_000);
    assert_eq!(steps, [15, 15, 30, 1_800]);
    let refused = br#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
    assert_eq!(parse(refused.to_vec()), Err(ParseError::Refused("parse error".to_owned())));
    assert!(matches!(parse(b"<html>".to_vec()), Err(ParseError::Shape(_))));
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(body);
    }

    #[test]
    fn every_change_is_of_a_version_that_was_not_there_a_moment_before(
        counts in prop::collection::vec("[.0-9]{1,40}", 1..5)
    ) {
        let names = ["v0", "v1", "v2", "v3", "v4"];
        let all: Vec<(&str, &str, &str)> =
            counts.iter().zip(names).map(|(counts, name)| ("cart", name, counts.as_str())).collect();
        let changes = told(&all);
        for one in &changes {
            let at = usize::try_from((one.at.millis() / 1_000 - BEGIN) / 30).unwrap();
            let of = all.iter().find(|(_, name, _)| *name == one.after.as_str()).unwrap().2;
            let there = |at: usize| of.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
            let there = |at: usize| there(at) && of.as_bytes()[at] != b'0';
            prop_assert!(there(at));
            prop_assert!(at == 0 || !there(at - 1));
        }
        let keys: BTreeSet<&ChangeKey> = changes.iter().map(|one| &one.key).collect();
        prop_assert_eq!(keys.len(), changes.len());
    }
}
