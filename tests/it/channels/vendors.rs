//! Teams, Matrix, ntfy, Statuspage and a webhook of one's own: each request as the vendor documents it, and
//! what every kind of failure means.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pretty_assertions::assert_eq;
use quarterdeck::connectors::outbound::Outlet;
use quarterdeck::connectors::outbound::config::{Endpoint, Way};
use quarterdeck::domain::{Operation, Outcome, SafeText, Span};
use serde_json::{Value, json};

use super::{HOSTILE, KEY, MARK, NOW, outlet, receipt, send, update, with_token, word};
use crate::double::{Answer, Double, Fault, Hook, Hosted, Ntfy, Request, Statuspage, Teams};

fn hook(url: &str) -> Endpoint {
    Endpoint { timeout: Span::from_millis(1_500), ..Endpoint::new(url) }
}

/// What each failure must mean, whoever the vendor is; `cut` is what a lost answer means there.
async fn failures(double: &Double, channel: &Arc<dyn Outlet>, operation: &Operation, cut: &str) {
    double.asked();
    assert_eq!(word(&channel.perform(operation, KEY).await), "received");
    let write = double.asked().last().map(|one| one.method.clone()).unwrap();
    let write = ["POST", "PUT", "PATCH"].into_iter().find(|method| *method == write).unwrap();
    let tried = async |fault| {
        double.fail_at(write, "", fault);
        channel.perform(operation, KEY).await
    };
    let slow = Answer::new(429, "").with("retry-after", "17");
    let Outcome::Later { at, .. } = tried(Fault::Says(slow)).await else { panic!("429") };
    assert_eq!(at, NOW.plus(Span::from_secs(17)), "it is left alone as long as it asks");
    assert_eq!(word(&tried(Fault::Says(Answer::new(403, ""))).await), "refused");
    // A credential that may have changed meanwhile is read again, and tried once more.
    double.fail_always(Fault::Says(Answer::new(401, "")));
    let refused = channel.perform(operation, KEY).await;
    assert!(double.mend() && word(&refused) == "refused", "{refused:?}");
    assert_eq!(word(&tried(Fault::Says(Answer::new(400, ""))).await), "refused");
    let away = Answer::new(503, "").with("retry-after", "5");
    assert_eq!(word(&tried(Fault::Says(away)).await), "later");
    assert_eq!(word(&tried(Fault::DoneButSays(Answer::new(500, ""))).await), cut);
    assert_eq!(word(&tried(Fault::DoneButCut).await), cut);
    assert_eq!(word(&tried(Fault::Silent).await), cut);
    assert_eq!(word(&tried(Fault::DoneButLate(Duration::from_millis(2_000))).await), cut);
    // What stands twice on the line is one answer, and does not become that of the next request.
    assert_eq!(word(&tried(Fault::AnsweredTwice).await), "received");
    assert_eq!(word(&channel.perform(operation, KEY).await), "received");
    double.asked();
}

/// Nobody listens: certainly nothing was done.
async fn dead(way: impl Fn(&str) -> Way, to: &[&str], operation: &Operation) {
    let port = crate::cli::dead_port();
    let nobody = outlet(way(&format!("http://127.0.0.1:{port}/x")), to);
    assert_eq!(word(&nobody.perform(operation, KEY).await), "later");
}

fn only(double: &Double) -> Request {
    let [request]: [Request; 1] = double.asked().try_into().unwrap();
    request
}

#[tokio::test]
async fn teams_gets_an_adaptive_card() {
    let double = Hosted::start(Teams::default());
    let channel = outlet(Way::Teams(hook(&double.url("/workflows/x?sig=y"))), &[]);
    let operation = send(&update(HOSTILE));
    assert_eq!(receipt(&channel.perform(&operation, KEY).await), MARK);
    let request = only(&double);
    assert_eq!((&*request.method, &*request.path), ("POST", "/workflows/x?sig=y"));
    let body = request.json();
    let attachment = &body["attachments"][0];
    assert_eq!(body["type"], "message");
    assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
    let card = &attachment["content"];
    assert_eq!((&card["type"], &card["version"]), (&json!("AdaptiveCard"), &json!("1.4")));
    assert_eq!(card["body"][0]["text"], "SEV-1 Zahlung – checkout");
    assert_eq!(card["body"][1]["text"], SafeText::body(HOSTILE).as_str());
    assert_eq!(card["body"][2]["text"], MARK);
    // More than Teams takes, in letters that JSON writes longer: cut, not refused.
    for body in ["\"".repeat(60_000), "支払い\n".repeat(6_000)] {
        let long = channel.perform(&send(&update(&body)), KEY).await;
        assert_eq!(receipt(&long), MARK);
    }
    double.asked();
    // It keeps nothing, so a lost answer stays lost.
    assert_eq!(word(&channel.look_back(&operation, KEY).await), "unknown");
    failures(&double, &channel, &operation, "unknown").await;
    dead(|url| Way::Teams(hook(url)), &[], &operation).await;
}

#[tokio::test]
async fn a_webhook_gets_everything_and_the_key() {
    let double = Hosted::start(Hook::default());
    let channel = outlet(Way::Webhook(with_token(&double.url("/in"), "t0ken")), &[]);
    let operation = send(&update(HOSTILE));
    assert_eq!(receipt(&channel.perform(&operation, KEY).await), "status 204");
    let request = only(&double);
    assert_eq!(request.header("idempotency-key"), Some(KEY));
    assert_eq!(request.header("authorization"), Some("Bearer t0ken"));
    let wanted = json!({
        "key": KEY, "purpose": "update-internal", "incident": "INC-7",
        "subject": "SEV-1 Zahlung – checkout", "body": SafeText::body(HOSTILE).as_str(),
        "to": [], "severity": "SEV-1", "status": "identified",
    });
    assert_eq!(request.json(), wanted);
    failures(&double, &channel, &operation, "unknown").await;
    dead(|url| Way::Webhook(hook(url)), &[], &operation).await;
}

#[tokio::test]
async fn matrix_gives_the_same_event_for_the_same_transaction() {
    let events: Arc<Mutex<BTreeMap<String, Value>>> = Arc::default();
    let kept = events.clone();
    let double = Double::start(move |request| {
        assert_eq!(request.header("authorization"), Some("Bearer syt_x"));
        if request.path == "/_matrix/client/v3/directory/room/%23incidents%3Aexample.org" {
            assert_eq!(request.method, "GET");
            return Answer::new(200, r#"{"room_id":"!r:example.org","servers":["example.org"]}"#);
        }
        assert_eq!(request.method, "PUT");
        let begin = "/_matrix/client/v3/rooms/%21r%3Aexample.org/send/m.room.message/";
        let transaction = request.path.strip_prefix(begin).unwrap().to_owned();
        kept.lock().unwrap().entry(transaction.clone()).or_insert(request.json());
        Answer::new(200, json!({ "event_id": format!("${transaction}") }).to_string())
    });
    let way = |url: &str| Way::Matrix(with_token(url, "syt_x"));
    let channel = outlet(way(&double.url("")), &["!r:example.org"]);
    let operation = send(&update(HOSTILE));
    assert_eq!(receipt(&channel.perform(&operation, KEY).await), format!("${KEY}"));
    failures(&double, &channel, &operation, "later").await;
    // However often it was tried, and whether answers were lost: one event.
    assert_eq!(receipt(&channel.look_back(&operation, KEY).await), format!("${KEY}"));
    let text = format!("SEV-1 Zahlung – checkout\n\n{}", SafeText::body(HOSTILE));
    let wanted = json!({ "msgtype": "m.text", "body": text });
    assert_eq!(*events.lock().unwrap(), BTreeMap::from([(KEY.to_owned(), wanted)]));

    let alias = outlet(way(&double.url("")), &["#incidents:example.org"]);
    assert_eq!(receipt(&alias.perform(&operation, KEY).await), format!("${KEY}"));
    dead(way, &["!r:example.org"], &operation).await;
}

#[tokio::test]
async fn ntfy_is_published_as_json_and_found_among_the_cached() {
    let double = Hosted::start(Ntfy::default());
    let way = |url: &str| Way::Ntfy(with_token(url, "tk_x"));
    let channel = outlet(way(&double.url("")), &["pages"]);
    let operation = send(&update(HOSTILE));
    assert_eq!(word(&channel.look_back(&operation, KEY).await), "later", "it is not there yet");
    double.fail(Fault::DoneButCut);
    assert_eq!(word(&channel.perform(&operation, KEY).await), "unknown");
    assert_eq!(receipt(&channel.look_back(&operation, KEY).await), "id0");
    let text = format!("{}\n{MARK}", SafeText::body(HOSTILE));
    let wanted = json!({
        "topic": "pages", "title": "SEV-1 Zahlung – checkout", "message": text, "priority": 5,
        "id": "id0", "event": "message",
    });
    assert_eq!(double.there().messages, [wanted]);
    // Longer than it takes: cut, and still found by its mark.
    let (long, key) = (send(&update(&"ü\n".repeat(9_000))), KEY.replace('5', "6"));
    assert_eq!(receipt(&channel.perform(&long, &key).await), "id1");
    assert_eq!(receipt(&channel.look_back(&long, &key).await), "id1");
    double.fail(Fault::Says(Answer::new(500, "")));
    assert_eq!(word(&channel.look_back(&operation, KEY).await), "unknown");
    failures(&double, &channel, &operation, "unknown").await;
    dead(way, &["pages"], &operation).await;
}

#[tokio::test]
async fn statuspage_keeps_one_incident_and_updates_it() {
    let double = Hosted::start(Statuspage::default());
    let way = |url: &str| Way::Statuspage {
        endpoint: with_token(url, "key"),
        page: "p1".into(),
        components: vec!["c1".into()],
    };
    let channel = outlet(way(&double.url("/v1")), &[]);
    let operation = send(&update(HOSTILE));
    assert_eq!(word(&channel.look_back(&operation, KEY).await), "later");
    let taken = channel.perform(&operation, KEY).await;
    assert_eq!(taken, Outcome::Received { receipt: "i0".into(), url: "https://stspg.io/x".into() });
    assert_eq!(channel.look_back(&operation, KEY).await, taken);
    let made = json!({
        "id": "i0", "shortlink": "https://stspg.io/x", "name": "SEV-1 Zahlung – checkout",
        "status": "identified", "impact_override": "critical", "component_ids": ["c1"],
        "body": SafeText::body(HOSTILE).as_str(),
        "metadata": { "quarterdeck": { "incident": "INC-7", "update": MARK } },
        "incident_updates": [{ "status": "identified", "body": SafeText::body(HOSTILE).as_str() }],
    });
    assert_eq!(double.there().incidents, [made]);

    // The second update of the same incident changes it in place.
    let second = send(&update("Better."));
    assert_eq!(receipt(&channel.perform(&second, &KEY.replace('5', "6")).await), "i0");
    let shown = double.there().published().len();
    assert_eq!((double.there().incidents.len(), shown), (1, 2));
    assert_eq!(double.there().published()[1], ("identified", "Better."));
    assert_eq!(
        word(&channel.look_back(&operation, KEY).await),
        "later",
        "another one stands there"
    );
    failures(&double, &channel, &operation, "unknown").await;
    // One question a second is what it takes; its word for more is its own.
    double.fail_at("PATCH", "", Fault::Says(Answer::new(420, "")));
    assert_eq!(word(&channel.perform(&operation, KEY).await), "later");
    dead(way, &[], &operation).await;
}
