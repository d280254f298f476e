//! Jira, GitLab and PagerDuty, which nobody can install: the whole story and everything that can go wrong,
//! against a double of ours that is held to the vendors' public descriptions.

use std::sync::Arc;
use std::time::Duration;

use pretty_assertions::assert_eq;
use quarterdeck::connectors::outbound::Outlet;
use quarterdeck::connectors::outbound::config::{Endpoint, TrackerConfig, TrackerKind};
use quarterdeck::connectors::registry::Basic;
use quarterdeck::connectors::secret::SecretRef;
use quarterdeck::domain::{Operation, Outcome, Severity, Span, Status, TicketAct, Timestamp};
use serde_json::{Value, json};

use super::{
    MOVE, NOTE, OPEN, a_lost_ticket_is_said_clearly, a_ticket_tells_the_story, comment, config,
    open, operation, outlet, received, shift, ticket, why, word,
};
use crate::double::{Answer, Double, Fault, Gitlab, Hosted, Jira, Pagerduty};

fn endpoint(url: &str, token: &str) -> Endpoint {
    let token = Some(SecretRef::Given(token.to_owned()));
    Endpoint { token, timeout: Span::from_millis(700), ..Endpoint::new(url) }
}

fn jira(double: &Double) -> TrackerConfig {
    config(TrackerKind::Jira, "OPS", endpoint(&double.url(""), "t0ken"))
}

fn gitlab(double: &Double) -> TrackerConfig {
    config(TrackerKind::Gitlab, "acme/checkout", endpoint(&double.url(""), "glpat-x"))
}

fn pagerduty(double: &Double) -> TrackerConfig {
    config(TrackerKind::Pagerduty, "PSVC1", endpoint(&double.url(""), "pd-key"))
}

/// Every way a write can go wrong, and what must become of it. `write` is the method of the transition; a
/// ticket `key` is there, in its first state, with nothing said.
async fn a_write_goes_wrong(
    double: &Double,
    ours: &Arc<dyn Outlet>,
    key: &str,
    write: &'static str,
    notes: impl Fn() -> usize,
) {
    let said = comment(key);
    let over = shift(key, Status::Resolved, "");
    let says = |status: u16| Fault::Says(Answer::new(status, r#"{"message":"no"}"#));

    // Said before anything was done: refused for good, or worth another try.
    let none = notes();
    for (status, outcome) in [
        (400, "refused"),
        (403, "refused"),
        (404, "refused"),
        (409, "later"),
        (422, "refused"),
        (429, "later"),
        (500, "unknown"),
        (502, "unknown"),
    ] {
        double.fail_at("POST", "", says(status));
        let tried = ours.perform(&said, NOTE).await;
        assert_eq!(word(&tried), outcome, "{status}: {tried:?}");
        let found = ours.look_back(&said, NOTE).await;
        assert_eq!(word(&found), "later", "{status}: certainly not there: {found:?}");
    }
    let slow = Answer::new(429, "").with("retry-after", "17");
    double.fail_at("POST", "", Fault::Says(slow));
    let Outcome::Later { at, .. } = ours.perform(&said, NOTE).await else { panic!("429") };
    let wanted = Timestamp::from_millis(1_795_000_000_000).plus(Span::from_secs(17));
    assert_eq!(at, wanted, "it is left alone as long as it asks");
    let away = Answer::new(503, "").with("retry-after", "5");
    double.fail_at("POST", "", Fault::Says(away));
    assert_eq!(word(&ours.perform(&said, NOTE).await), "later");
    // Nothing was written yet when the look before the write failed.
    for faults in [vec![says(500); 3], vec![Fault::DoneButCut], vec![Fault::Silent]] {
        for fault in faults {
            double.fail_at("GET", "", fault);
        }
        assert_eq!(word(&ours.perform(&said, NOTE).await), "later");
    }
    assert_eq!(notes(), none, "none of that said anything");

    // Taken, and the answer lost: looked up, never repeated.
    let keys: Vec<String> = (0..4).map(|n| NOTE.replace('1', &n.to_string())).collect();
    let late = Fault::DoneButLate(Duration::from_millis(1_200));
    let lost =
        [Fault::DoneButCut, late, Fault::DoneButSays(Answer::new(502, "")), Fault::DoneTwice];
    for (key, fault) in keys.iter().zip(lost) {
        let twice = matches!(fault, Fault::DoneTwice);
        let before = notes();
        double.fail_at("POST", "", fault);
        let tried = ours.perform(&said, key).await;
        assert_eq!(word(&tried), if twice { "received" } else { "unknown" }, "{tried:?}");
        assert_eq!(word(&ours.look_back(&said, key).await), "received");
        assert_eq!(word(&ours.perform(&said, key).await), "received");
        assert_eq!(notes(), before + 1 + usize::from(twice), "not repeated");
    }
    // An answer that stands twice on the line is one answer.
    let (key, before) = (NOTE.replace('1', "9"), notes());
    double.fail_at("POST", "", Fault::AnsweredTwice);
    assert_eq!(word(&ours.perform(&said, &key).await), "received");
    assert_eq!((word(&ours.look_back(&said, &key).await), notes()), ("received", before + 1));
    // It answers yes and does nothing.
    double.fail_at("POST", "", Fault::Says(Answer::new(201, "{}")));
    assert_eq!(word(&ours.perform(&said, MOVE).await), "unknown");

    // A move that was made and whose answer was lost is found, and not made again.
    let part = if write == "POST" { "transitions" } else { "" };
    double.fail_at(write, part, Fault::Says(Answer::new(204, "")));
    let ignored = ours.perform(&over, MOVE).await;
    assert!(why(&ignored).starts_with("It answered yes, but "), "{ignored:?}");
    double.fail_at(write, part, Fault::DoneButCut);
    assert_eq!(word(&ours.perform(&over, MOVE).await), "unknown");
    assert_eq!(word(&ours.look_back(&over, MOVE).await), "received");
    double.asked();
    assert_eq!(word(&ours.perform(&over, MOVE).await), "received");
    assert_eq!(double.asked().iter().filter(|one| one.method != "GET").count(), 0);
}

/// An opening whose answer was lost is found, whatever happened to it, and made once.
async fn an_opening_is_lost(double: &Double, ours: &Arc<dyn Outlet>, tickets: impl Fn() -> usize) {
    let asked = open("Payments fail");
    double.fail_at("POST", "", Fault::Says(Answer::new(500, "")));
    assert_eq!(word(&ours.perform(&asked, OPEN).await), "unknown");
    let found = ours.look_back(&asked, OPEN).await;
    assert_eq!((word(&found), tickets()), ("later", 0), "{found:?}");
    double.fail_at("POST", "", Fault::DoneButCut);
    assert_eq!(word(&ours.perform(&asked, OPEN).await), "unknown");
    for _ in 0..3 {
        double.fail_at("GET", "", Fault::Says(Answer::new(502, "")));
    }
    assert_eq!(word(&ours.look_back(&asked, OPEN).await), "unknown", "it could not be looked up");
    // It stumbles once: what only asks is asked again.
    double.fail_at("GET", "", Fault::Says(Answer::new(500, "")));
    let found = ours.look_back(&asked, OPEN).await;
    assert_eq!(ours.perform(&asked, OPEN).await, found);
    assert_eq!((word(&found), tickets()), ("received", 1));
}

async fn strangers_are_refused(settings: &TrackerConfig) {
    let mut wrong = settings.clone();
    wrong.endpoint.token = Some(SecretRef::Given("hunter2".to_owned()));
    let nobody = outlet(&wrong);
    let refused = nobody.perform(&open("x"), OPEN).await;
    assert!(why(&refused).starts_with("It does not accept our credentials (401)"), "{refused:?}");
    assert!(!why(&refused).contains("hunter2"));
    assert_eq!(word(&nobody.look_back(&open("x"), OPEN).await), "unknown");
    let known = [ticket("#1")];
    assert!(nobody.tickets(&known).await.is_err());
}

#[tokio::test]
async fn jira_tells_the_incidents_story_once() {
    let double = Hosted::start(Jira::new());
    let settings = jira(&double);
    let ours = outlet(&settings);
    let key = a_ticket_tells_the_story(&*ours, "Done").await;
    assert_eq!(key, "OPS-1");
    {
        let there = double.there();
        let issue = &there.issues[&1];
        assert_eq!(there.issues.len(), 1);
        let fields = &issue.fields;
        assert_eq!(fields["summary"], "Checkout fails");
        assert_eq!(fields["labels"], json!(["incident", "quarterdeck-inc-7qx2m"]));
        assert_eq!(fields["priority"], json!({ "name": "Highest" }));
        assert_eq!(fields["issuetype"], json!({ "id": "10002" }), "the first that is no sub-task");
        let lines = fields["description"]["content"].as_array().unwrap();
        let hostile = &lines[0]["content"][0]["text"];
        assert_eq!(hostile, "5xx <script>@everyone</script> #1 [x](y)");
        assert_eq!(issue.comments.len(), 2, "one comment, one reason");
    }
    let moved = ours.perform(&shift(&key, Status::Identified, ""), MOVE).await;
    assert_eq!(received(&moved).1, format!("{}/browse/OPS-1", double.url("")));

    // Somebody else speaks there: news, once, by one question for all.
    let three = [ticket(&key), ticket("OPS-2"), ticket("OPS-3")];
    let copies = double.there().issues[&1].clone();
    double.there().issues.extend([(2, copies.clone()), (3, copies)]);
    assert_eq!(ours.tickets(&three).await.unwrap().len(), 3);
    double.asked();
    assert_eq!(ours.tickets(&three).await.unwrap(), []);
    assert_eq!(double.asked().len(), 1, "nothing new costs one question");
    double.there().issues.remove(&3);
    let seen = ours.tickets(&three).await.unwrap();
    assert_eq!((seen.len(), &*seen[0].ticket.key, seen[0].done), (1, "OPS-3", None));
    double.asked();
    assert_eq!(ours.tickets(&three).await.unwrap(), []);
    assert_eq!(
        double.asked().len(),
        2,
        "one for those that are there, one for the one that is gone"
    );
    double.there().issues.remove(&2);
    double.there().say(1, "Kim", "Customers say it works.");
    let seen = ours.tickets(&[ticket(&key)]).await.unwrap();
    let news: Vec<_> = seen.iter().flat_map(|seen| seen.comments.clone()).collect();
    assert_eq!(news, [("Kim".into(), "Customers say it works.".into())]);

    // Words of this workflow, and words it does not lead to.
    let mut words = settings.clone();
    words.states = [(Status::Monitoring, "monitoring".into())].into();
    assert_eq!(
        word(&outlet(&words).perform(&shift(&key, Status::Monitoring, ""), MOVE).await),
        "received"
    );
    assert_eq!(double.there().issues[&1].status, "Monitoring");
    words.states = [(Status::Monitoring, "Resolve".into())].into();
    let refused = outlet(&words).perform(&shift(&key, Status::Monitoring, ""), MOVE).await;
    let wanted = "From \"Monitoring\" no way leads to \"Resolve\"; our account may move OPS-1 to: \
                  \"Done\" (by \"Resolve\").";
    assert!(why(&refused).starts_with(wanted), "{refused:?}");
    // No status is called Done, and two would do: it is not guessed which.
    double.there().workflow =
        vec![("Monitoring", "1", "Ende", "Geschlossen"), ("Monitoring", "2", "Nein", "Won't Do")];
    let unsure = ours.perform(&shift(&key, Status::Resolved, ""), MOVE).await;
    assert!(why(&unsure).contains("several ways lead to \"Done\""), "{unsure:?}");
    double.there().workflow.pop();
    assert_eq!(word(&ours.perform(&shift(&key, Status::Resolved, ""), MOVE).await), "received");
    assert_eq!(double.there().issues[&1].status, "Geschlossen", "a status of that kind");

    // It is deleted there.
    double.there().issues.clear();
    a_lost_ticket_is_said_clearly(&*outlet(&settings), &key).await;
    let seen = ours.tickets(&[ticket(&key)]).await.unwrap();
    assert_eq!((seen.len(), seen[0].done), (1, None), "also for who knew it");
    assert_eq!(received(&ours.perform(&open("Checkout fails"), NOTE).await).0, "OPS-2");
    strangers_are_refused(&settings).await;

    // The other way to sign in.
    let password = SecretRef::Given("t0ken".to_owned());
    let basic = Some(Basic { user: "kim@example.test".into(), password });
    let mut signed = settings.clone();
    signed.endpoint = Endpoint { basic, ..Endpoint::new(&double.url("")) };
    assert_eq!(received(&outlet(&signed).perform(&open("Checkout fails"), NOTE).await).0, "OPS-2");
}

#[tokio::test]
async fn jira_opens_once_though_its_search_lags_behind() {
    let double = Hosted::start(Jira::new());
    let ours = outlet(&jira(&double));
    // Of a project of many issues the search knows the older ones; numbers have gaps.
    double.there().last = 41;
    let other = Operation::Ticket {
        incident: quarterdeck::domain::IncidentId::new("INC-OTHER"),
        tracker: quarterdeck::domain::TrackerId::new("tickets"),
        act: TicketAct::Open { title: "x".into(), body: "y".into(), severity: Severity::Sev3 },
    };
    assert_eq!(received(&ours.perform(&other, NOTE).await).0, "OPS-42");
    assert_eq!(word(&ours.look_back(&other, NOTE).await), "received");
    double.there().lags = true;
    double.there().last = 44;
    an_opening_is_lost(&double, &ours, || double.there().issues.len() - 1).await;
    let known: Vec<u64> = double.there().issues.keys().copied().collect();
    assert_eq!(known, [42, 45]);
    // From another console, too.
    let second = outlet(&jira(&double));
    assert_eq!(received(&second.perform(&open("Payments fail"), OPEN).await).0, "OPS-45");
}

#[tokio::test]
async fn jira_takes_what_a_project_can_and_says_what_it_cannot() {
    let double = Hosted::start(Jira::new());
    double.there().screen = vec!["project", "issuetype", "summary", "description"];
    let settings = jira(&double);
    let long = operation(TicketAct::Open {
        title: "x".repeat(400).as_str().into(),
        body: quarterdeck::domain::SafeText::body(&"line of an alert\n".repeat(4_000)),
        severity: Severity::Sev2,
    });
    let made = outlet(&settings).perform(&long, OPEN).await;
    assert_eq!(received(&made).0, "OPS-1", "without labels and priority, cut to what it takes");
    let names: Vec<String> =
        double.there().issues[&1].fields.as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["description", "issuetype", "project", "summary"]);
    assert_eq!(outlet(&settings).perform(&long, OPEN).await, made, "found by its text");

    double.there().issues.clear();
    double.there().screen.extend(["labels", "priority"]);
    let mut words = settings.clone();
    words.priorities = [(Severity::Sev1, "Blocker".into())].into();
    let refused = outlet(&words).perform(&open("x"), OPEN).await;
    let wanted =
        "It refused this with status 400. It said: priority: The priority selected is invalid.";
    assert_eq!(why(&refused), wanted, "a word that a person wrote is not dropped");
    let mut words = settings.clone();
    words.ticket_type = "Incident".into();
    words.labels = vec!["on call".into()];
    assert_eq!(word(&outlet(&words).perform(&open("x"), OPEN).await), "received");
    let fields = double.there().issues.values().next().unwrap().fields.clone();
    assert_eq!(fields["labels"], json!(["on-call", "quarterdeck-inc-7qx2m"]));
    assert_eq!(fields["issuetype"], json!({ "name": "Incident" }));
    double.there().issues.clear();
    words.project = "NOPE".into();
    let refused = outlet(&words).perform(&open("x"), OPEN).await;
    assert!(why(&refused).contains("'NOPE' does not exist for the field 'project'"), "{refused:?}");
}

#[tokio::test]
async fn jira_failing_in_every_way_repeats_nothing() {
    let double = Hosted::start(Jira::new());
    let ours = outlet(&jira(&double));
    let key = received(&ours.perform(&open("Checkout fails"), OPEN).await).0;
    let notes = || double.there().issues[&1].comments.len();
    a_write_goes_wrong(&double, &ours, &key, "POST", notes).await;
    assert_eq!(double.there().issues[&1].status, "Done");
}

#[tokio::test]
async fn a_jira_of_ones_own_is_told_apart() {
    let double = Double::start(|_| {
        Answer::new(404, r#"{"message":"null for uri: /rest/api/3/search/jql"}"#)
    });
    let refused = outlet(&jira(&double)).perform(&open("x"), OPEN).await;
    assert!(why(&refused).contains("Jira Data Center has version 2 only"), "{refused:?}");
}

#[tokio::test]
async fn gitlab_tells_the_incidents_story_once() {
    let double = Hosted::start(Gitlab::default());
    let settings = gitlab(&double);
    let ours = outlet(&settings);
    let key = a_ticket_tells_the_story(&*ours, "closed").await;
    assert_eq!((key.as_str(), double.there().issues.len()), ("#1", 1));
    assert_eq!(double.there().issues[&1]["labels"], json!(["incident", "sev-1"]));
    assert_eq!(
        double.there().mentioned,
        Vec::<String>::new(),
        "nobody is called by an alert's text"
    );
    let said: Vec<Value> = double.there().notes[&1].clone();
    let ours_said = said.iter().filter(|one| one["system"] == false).count();
    assert_eq!(
        (ours_said, said.len()),
        (2, 3),
        "one comment, one reason, and closed once: {said:?}"
    );

    double.there().say(1, "kim", "Customers say it works.");
    let seen = ours.tickets(&[ticket(&key)]).await.unwrap();
    let news: Vec<_> = seen.iter().flat_map(|seen| seen.comments.clone()).collect();
    assert_eq!(news, [("kim".into(), "Customers say it works.".into())]);
    assert_eq!(ours.tickets(&[ticket(&key)]).await.unwrap(), []);
    assert_eq!(word(&ours.perform(&shift(&key, Status::Identified, ""), MOVE).await), "received");
    assert_eq!(double.there().issues[&1]["state"], "opened", "taken up again");

    // More than one page of what people said.
    for n in 0..230 {
        double.there().say(1, "kim", &format!("line {n}"));
    }
    assert_eq!(word(&ours.perform(&comment(&key), OPEN).await), "received");
    assert_eq!(word(&ours.look_back(&comment(&key), OPEN).await), "received");

    let mut strange = settings.clone();
    strange.states = [(Status::Monitoring, "testing".into())].into();
    let refused = outlet(&strange).perform(&shift(&key, Status::Monitoring, ""), MOVE).await;
    assert!(why(&refused).starts_with("GitLab knows \"opened\" and \"closed\""), "{refused:?}");
    let mut nowhere = settings.clone();
    nowhere.project = "acme/nope".into();
    let refused = outlet(&nowhere).perform(&open("x"), OPEN).await;
    assert!(why(&refused).contains("check `project`"), "{refused:?}");
    double.there().issues.clear();
    a_lost_ticket_is_said_clearly(&*outlet(&settings), &key).await;
    strangers_are_refused(&settings).await;
    // A title longer than GitLab takes is cut, not refused.
    let long = outlet(&settings).perform(&open(&"x".repeat(400)), OPEN).await;
    assert_eq!(word(&long), "received", "{long:?}");
}

#[tokio::test]
async fn gitlab_failing_in_every_way_repeats_nothing() {
    let double = Hosted::start(Gitlab::default());
    let ours = outlet(&gitlab(&double));
    an_opening_is_lost(&double, &ours, || double.there().issues.len()).await;
    let notes = || double.there().notes.get(&1).map_or(0, Vec::len);
    a_write_goes_wrong(&double, &ours, "#1", "PUT", notes).await;
    assert_eq!(double.there().issues[&1]["state"], "closed");
}

#[tokio::test]
async fn pagerduty_tells_the_incidents_story_once() {
    let double = Hosted::start(Pagerduty::default());
    let settings = pagerduty(&double);
    let ours = outlet(&settings);
    let made = ours.perform(&open("Checkout fails"), OPEN).await;
    let (key, url) = received(&made);
    assert_eq!(url, "https://acme.pagerduty.com/incidents/Q0000001", "where people look");
    let first = double.there().incidents[0].clone();
    assert_eq!((&first["incident_key"], &first["urgency"]), (&json!("INC-7QX2M"), &json!("high")));
    assert_eq!(ours.perform(&open("Checkout fails"), OPEN).await, made);
    assert_eq!(double.there().incidents.len(), 1);

    let known = [ticket(&key)];
    let seen = ours.tickets(&known).await.unwrap();
    assert_eq!((&*seen[0].state, seen[0].done), ("triggered", Some(false)));
    assert_eq!(word(&ours.perform(&shift(&key, Status::Identified, ""), MOVE).await), "received");
    assert_eq!(word(&ours.perform(&comment(&key), NOTE).await), "received");
    let over = shift(&key, Status::Resolved, "Error rate is normal.");
    assert_eq!(word(&ours.look_back(&over, MOVE).await), "later");
    assert_eq!(word(&ours.perform(&over, MOVE).await), "received");
    assert_eq!(word(&ours.look_back(&over, MOVE).await), "received");
    let seen = ours.tickets(&known).await.unwrap();
    assert_eq!((&*seen[0].state, seen[0].done), ("resolved", Some(true)));
    assert_eq!(seen[0].comments, [], "what is ours is no news");
    double.there().say(&key, "Kim", "Customers say it works.");
    let seen = ours.tickets(&known).await.unwrap();
    let news: Vec<_> = seen.iter().flat_map(|seen| seen.comments.clone()).collect();
    assert_eq!(news, [("Kim".into(), "Customers say it works.".into())]);
    // Taken up again there, as our incident is.
    assert_eq!(word(&ours.perform(&shift(&key, Status::Identified, ""), MOVE).await), "received");
    assert_eq!(double.there().incidents[0]["status"], "acknowledged");

    let mut strange = settings.clone();
    strange.states = [(Status::Monitoring, "watching".into())].into();
    let refused = outlet(&strange).perform(&shift(&key, Status::Monitoring, ""), MOVE).await;
    assert!(why(&refused).starts_with("PagerDuty knows \"acknowledged\""), "{refused:?}");
    let mut strange = settings.clone();
    strange.from = "nobody@example.test".into();
    let refused = outlet(&strange).perform(&comment(&key), OPEN).await;
    assert!(why(&refused).contains("Requester User Not Found"), "{refused:?}");
    double.there().incidents.clear();
    a_lost_ticket_is_said_clearly(&*outlet(&settings), &key).await;
    strangers_are_refused(&settings).await;
}

#[tokio::test]
async fn pagerduty_failing_in_every_way_repeats_nothing() {
    let double = Hosted::start(Pagerduty::default());
    let ours = outlet(&pagerduty(&double));
    an_opening_is_lost(&double, &ours, || double.there().incidents.len()).await;
    let notes = || double.there().notes.len();
    a_write_goes_wrong(&double, &ours, "Q0000001", "PUT", notes).await;
    assert_eq!(double.there().incidents[0]["status"], "resolved");

    // Two consoles at once: the one that is slower is told that there is one, and takes that.
    double.there().incidents.clear();
    let second = outlet(&pagerduty(&double));
    let asked = open("Payments fail");
    let none = || Fault::Says(Answer::new(200, r#"{"incidents":[]}"#));
    double.fail_at("GET", "incident_key", none());
    let first = ours.perform(&asked, OPEN).await;
    double.fail_at("GET", "incident_key", none());
    assert_eq!(second.perform(&asked, OPEN).await, first);
    assert_eq!(double.there().incidents.len(), 1);
}
