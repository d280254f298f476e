//! Trackers against servers: real ones under `tests/run`, and a double of ours for the hosted ones.

mod follow_up;
mod github;
mod hosted;
pub(crate) mod redmine;
pub(crate) mod roundup;
mod rt;
mod shell;

use std::sync::Arc;

use quarterdeck::connectors::Clock;
use quarterdeck::connectors::outbound::Outlet;
use quarterdeck::connectors::outbound::config::{Endpoint, TrackerConfig, TrackerKind};
use quarterdeck::connectors::trackers::tracker;
use quarterdeck::domain::{
    IncidentId, Operation, Outcome, SafeText, Severity, Span, Status, TicketAct, TicketRef,
    Timestamp, TrackerId,
};

/// Ids of the records that asked.
const OPEN: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9";
const NOTE: &str = "1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90a";
const MOVE: &str = "2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90a1b";

/// What an alert may say.
const HOSTILE: &str = "5xx <script>@everyone</script> #1 [x](y)\n/close\n\u{1b}[31mé 漢字 😀";

fn config(kind: TrackerKind, project: &str, endpoint: Endpoint) -> TrackerConfig {
    TrackerConfig {
        id: TrackerId::new("tickets"),
        kind,
        endpoint,
        project: project.into(),
        ticket_type: "".into(),
        from: "ic@example.test".into(),
        labels: vec!["incident".into()],
        states: [].into(),
        priorities: [].into(),
        interval: Span::ZERO,
    }
}

fn outlet(config: &TrackerConfig) -> Arc<dyn Outlet> {
    let clock: Arc<dyn Clock> = Arc::new(|| Timestamp::from_millis(1_795_000_000_000));
    tracker(config, &clock)
}

fn operation(act: TicketAct) -> Operation {
    let incident = IncidentId::new("INC-7QX2M");
    Operation::Ticket { incident, tracker: TrackerId::new("tickets"), act }
}

fn open(title: &str) -> Operation {
    let (title, body) = (title.into(), SafeText::body(HOSTILE));
    operation(TicketAct::Open { title, body, severity: Severity::Sev1 })
}

fn ticket(key: &str) -> TicketRef {
    TicketRef { tracker: TrackerId::new("tickets"), key: key.into() }
}

fn comment(key: &str) -> Operation {
    operation(TicketAct::Comment { ticket: ticket(key), body: SafeText::body(HOSTILE) })
}

fn shift(key: &str, to: Status, note: &str) -> Operation {
    operation(TicketAct::Transition { ticket: ticket(key), to, note: note.into() })
}

/// Receipt and place.
fn received(outcome: &Outcome) -> (String, String) {
    match outcome {
        Outcome::Received { receipt, url } => (receipt.to_string(), url.to_string()),
        other => panic!("not received: {other:?}"),
    }
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Received { .. } => "received",
        Outcome::Refused { .. } => "refused",
        Outcome::Later { .. } => "later",
        Outcome::Unknown { .. } => "unknown",
        _ => "other",
    }
}

/// The sentence a person reads.
fn why(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Refused { why } | Outcome::Unknown { why } | Outcome::Later { why, .. } => {
            why.to_string()
        }
        other => panic!("no sentence: {other:?}"),
    }
}

/// What every tracker must do, whatever it is: a ticket once, a comment once, moved to its end, and what is
/// ours is no news. Gives back the ticket's key.
async fn a_ticket_tells_the_story(outlet: &dyn Outlet, done: &str) -> String {
    let asked = open("Checkout fails");
    assert_eq!(word(&outlet.look_back(&asked, OPEN).await), "later", "nothing there yet");
    let first = outlet.perform(&asked, OPEN).await;
    let (key, url) = received(&first);
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    assert_eq!(outlet.perform(&asked, OPEN).await, first, "found, not opened again");
    assert_eq!(outlet.look_back(&asked, OPEN).await, first);

    let known = [ticket(&key)];
    let seen = outlet.tickets(&known).await.unwrap();
    assert_eq!((seen.len(), seen[0].done, seen[0].comments.len()), (1, Some(false), 0), "{seen:?}");
    assert_eq!(outlet.tickets(&known).await.unwrap(), [], "nothing new");

    let said = comment(&key);
    assert_eq!(word(&outlet.look_back(&said, NOTE).await), "later");
    assert_eq!(word(&outlet.perform(&said, NOTE).await), "received");
    assert_eq!(word(&outlet.perform(&said, NOTE).await), "received", "and not said again");
    assert_eq!(word(&outlet.look_back(&said, NOTE).await), "received");

    let over = shift(&key, Status::Resolved, "Error rate is normal.");
    assert_eq!(word(&outlet.look_back(&over, MOVE).await), "later");
    let moved = outlet.perform(&over, MOVE).await;
    assert_eq!(word(&moved), "received", "{moved:?}");
    assert_eq!(word(&outlet.look_back(&over, MOVE).await), "received");
    let seen = outlet.tickets(&known).await.unwrap();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!((&*seen[0].state, seen[0].done), (done, Some(true)));
    assert_eq!(seen[0].comments, [], "what is ours is no news");
    key
}

/// A ticket that is gone there: said clearly, and tried no more.
async fn a_lost_ticket_is_said_clearly(outlet: &dyn Outlet, key: &str) {
    for operation in [comment(key), shift(key, Status::Identified, "")] {
        let lost = outlet.perform(&operation, NOTE).await;
        assert_eq!(word(&lost), "refused", "{lost:?}");
        let said = why(&lost);
        assert!(
            said.starts_with(&format!("The ticket {key} is not in tickets any more")),
            "{said}"
        );
    }
    let seen = outlet.tickets(&[ticket(key)]).await.unwrap();
    assert_eq!((seen.len(), seen[0].done), (1, None));
    assert_eq!(outlet.tickets(&[ticket(key)]).await.unwrap(), [], "said once");
}
