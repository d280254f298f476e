//! The poll loop against transports that behave and misbehave.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use pretty_assertions::assert_eq;
use quarterdeck::connectors::alertmanager::Alertmanager;
use quarterdeck::connectors::http::{Fault, Transport};
use quarterdeck::connectors::poll::{Event, Handle, Setup, start};
use quarterdeck::connectors::{Ask, Connector, Interest, Method, ParseError, Reply};
use quarterdeck::domain::*;
use tokio::sync::{mpsc, watch};

use crate::connectors::{NOON, ask, reply};

/// Asks `a` and `b`, and `details` of what is on screen; a body is the version seen, `bad` is refused.
struct Two;

impl Connector for Two {
    fn asks(&self, _: &Interest, _: Timestamp) -> Vec<Ask> {
        vec![ask("a"), ask("b")]
    }
    fn details(&self, interest: &Interest, _: Timestamp) -> Vec<Ask> {
        interest.service.iter().map(|_| ask("details")).collect()
    }
    fn parse(&self, _: &SourceId, _: &Ask, reply: &Reply) -> Result<Vec<Observation>, ParseError> {
        match String::from_utf8_lossy(&reply.body).as_ref() {
            "bad" => Err(ParseError::Refused("no such metric".into())),
            text => Ok(vec![Observation::Version(text.into())]),
        }
    }
    fn operate(&self, _: &Operation) -> Option<Ask> {
        Some(Ask { method: Method::Delete, ..ask("op") })
    }
    fn outcome(&self, _: &Operation, _: &Reply) -> Outcome {
        Outcome::Done { id: None }
    }
}

/// Answers by key from a script; counts.
#[derive(Default)]
struct Script {
    answers: Mutex<HashMap<&'static str, Result<Reply, Fault>>>,
    asked: AtomicUsize,
}

impl Script {
    fn set(&self, key: &'static str, answer: Result<Reply, Fault>) {
        self.answers.lock().unwrap().insert(key, answer);
    }
}

#[async_trait]
impl Transport for Script {
    async fn exchange(&self, ask: &Ask) -> Result<Reply, Fault> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers.lock().unwrap().get(ask.key.as_str()).cloned();
        let answer = answer.unwrap_or_else(|| Ok(reply(200, b"1")));
        tokio::task::yield_now().await;
        answer
    }
}

struct Bench {
    handle: Handle,
    events: mpsc::Receiver<Event>,
    interest: watch::Sender<Interest>,
}

impl Bench {
    fn new(script: &Arc<Script>) -> Self {
        let began = std::time::Instant::now();
        let clock =
            move || NOON.plus(Span::from_millis(began.elapsed().as_millis().try_into().unwrap()));
        Self::paced(script, Span::from_hours(1), clock)
    }

    fn paced(
        script: &Arc<Script>,
        pace: Span,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        Self::asking(script, Arc::new(Two), pace, clock)
    }

    fn asking(
        script: &Arc<Script>,
        connector: Arc<dyn Connector>,
        pace: Span,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        let (sink, events) = mpsc::channel(64);
        let (interest_in, interest) = watch::channel(Interest::default());
        let status = SourceStatus::new(
            SourceId::new("s"),
            SourceKind::Prometheus,
            SiteId::new("lab"),
            "http://s".into(),
            Span::from_secs(15),
        );
        let handle = start(Setup {
            status,
            pace,
            connector,
            transport: script.clone(),
            clock: Arc::new(clock),
            interest,
            sink,
            lasting: true,
        });
        Self { handle, events, interest: interest_in }
    }

    /// Events until the status says that a poll ended.
    async fn poll(&mut self) -> (Vec<Observation>, SourceStatus) {
        let mut all = Vec::new();
        loop {
            match self.events.recv().await.unwrap() {
                Event::Observed { seen, .. } => all.extend(seen),
                Event::Source(status) if status.next_try.is_some() => return (all, status),
                Event::Source(_) => {}
            }
        }
    }
}

fn fault(kind: FailureKind) -> Fault {
    Fault::new(kind, "It broke.", NOON)
}

#[tokio::test]
async fn a_good_answer_is_delivered_though_another_ask_is_refused() {
    let script = Arc::new(Script::default());
    script.set("b", Ok(reply(200, b"bad")));
    let mut bench = Bench::new(&script);
    let (seen, status) = bench.poll().await;
    assert_eq!(seen, [Observation::Version("1".into())]);
    let failure = status.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::BadQuery);
    assert!(failure.sentence.contains("everything else is unaffected: no such metric"));
    assert_eq!(status.last_good, Some(NOON.plus(Span::from_millis(20))), "the source is well");
    script.set("b", Ok(reply(200, b"2")));
    bench.handle.poll_now();
    let (seen, status) = bench.poll().await;
    assert_eq!((seen.len(), status.failure), (2, None));
    bench.handle.stop();
}

/// The same body as before the failure brings nothing new but its age.
#[tokio::test]
async fn an_answer_that_says_nothing_new_after_a_failure_is_good_and_young() {
    let script = Arc::new(Script::default());
    let body = crate::connectors::fixture("alerts.json");
    let at = |secs: i64| {
        let mut reply = reply(200, &body);
        (reply.sent, reply.received) =
            (NOON.plus(Span::from_secs(secs)), NOON.plus(Span::from_secs(secs)));
        reply
    };
    let others = |script: &Script| {
        script.set("silences", Ok(reply(200, b"[]")));
        script
            .set("status", Ok(reply(200, &crate::connectors::fixture("alertmanager_status.json"))));
    };
    others(&script);
    script.set("alerts", Ok(at(1)));
    let clock = || NOON;
    let connector = Arc::new(Alertmanager::new(SiteId::new("lab")));
    let mut bench = Bench::asking(&script, connector, Span::from_hours(1), clock);
    let (seen, status) = bench.poll().await;
    assert!(seen.iter().any(|one| matches!(one, Observation::Alerts(all) if !all.is_empty())));
    assert_eq!((status.last_good, status.failure), (Some(NOON.plus(Span::from_secs(1))), None));
    script.set("alerts", Err(fault(FailureKind::ServerError)));
    bench.handle.poll_now();
    let (seen, status) = bench.poll().await;
    assert_eq!((seen, status.failure.map(|f| f.kind)), (vec![], Some(FailureKind::ServerError)));
    assert_eq!(status.last_good, Some(NOON.plus(Span::from_secs(1))), "older than it should be");
    script.set("alerts", Ok(at(31)));
    bench.handle.poll_now();
    let (seen, status) = bench.poll().await;
    assert_eq!(seen, []);
    assert_eq!((status.last_good, status.failure), (Some(NOON.plus(Span::from_secs(31))), None));
    bench.handle.stop();
}

#[tokio::test]
async fn a_dead_source_opens_the_breaker_and_a_person_may_try_past_it() {
    let script = Arc::new(Script::default());
    for key in ["a", "b"] {
        script.set(key, Err(fault(FailureKind::TimedOut)));
    }
    let mut bench = Bench::new(&script);
    for _ in 0..2 {
        let (seen, status) = bench.poll().await;
        assert_eq!((seen, status.last_good), (vec![], None));
        bench.handle.poll_now();
    }
    let (_, status) = bench.poll().await;
    assert!(matches!(status.breaker, Breaker::Open { .. }), "{status:?}");
    let asked = script.asked.load(Ordering::SeqCst);
    script.set("a", Ok(reply(200, b"1")));
    script.set("b", Ok(reply(200, b"1")));
    bench.handle.poll_now();
    let (seen, status) = bench.poll().await;
    assert_eq!((seen.len(), status.breaker, status.failure), (2, Breaker::Closed, None));
    assert_eq!(script.asked.load(Ordering::SeqCst), asked + 2);
    bench.handle.stop();
}

#[tokio::test]
async fn a_read_is_retried_twice_and_what_the_server_asks_for_reaches_the_schedule() {
    let script = Arc::new(Script::default());
    script.set("a", Err(fault(FailureKind::Refused)));
    let mut limited = fault(FailureKind::RateLimited);
    limited.retry_after = Some(Span::from_hours(3));
    script.set("b", Err(limited));
    let mut bench = Bench::new(&script);
    let (_, status) = bench.poll().await;
    assert_eq!(script.asked.load(Ordering::SeqCst), 4, "a three times, b once");
    let wait = status.next_try.unwrap().since(NOON);
    assert!(wait >= Span::from_hours(3), "{wait}");
    bench.handle.stop();
}

#[tokio::test]
async fn an_operation_is_performed_once_and_a_lost_answer_is_unknown() {
    let script = Arc::new(Script::default());
    let mut bench = Bench::new(&script);
    bench.poll().await;
    let expire = Operation::Expire { site: SiteId::new("lab"), id: SilenceId::new("x") };
    let before = script.asked.load(Ordering::SeqCst);
    let mut lost = fault(FailureKind::TimedOut);
    lost.may_have_acted = true;
    script.set("op", Err(lost));
    assert!(matches!(bench.handle.perform(&expire).await, Outcome::Unknown { .. }));
    bench.poll().await;
    assert_eq!(script.asked.load(Ordering::SeqCst), before + 3, "the operation once, then a poll");
    script.set("op", Err(fault(FailureKind::Refused)));
    let refused = bench.handle.perform(&expire).await;
    assert_eq!(refused, Outcome::Refused { why: "It broke.".into() });
    script.set("op", Ok(reply(403, b"")));
    assert!(matches!(bench.handle.perform(&expire).await, Outcome::Refused { .. }));
    bench.handle.stop();
}

#[tokio::test(start_paused = true)]
async fn while_the_clock_stands_still_only_a_person_makes_it_ask() {
    let script = Arc::new(Script::default());
    let mut bench = Bench::paced(&script, Span::from_millis(500), || NOON);
    bench.poll().await;
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert_eq!(script.asked.load(Ordering::SeqCst), 2, "a paused recording answers the same");
    bench.handle.poll_now();
    bench.poll().await;
    assert_eq!(script.asked.load(Ordering::SeqCst), 4);
    bench.handle.stop();
}

#[tokio::test(start_paused = true)]
async fn a_moving_selection_is_looked_at_where_it_rests_and_hurries_nothing_else() {
    let script = Arc::new(Script::default());
    let mut bench = Bench::new(&script);
    bench.poll().await;
    for i in 0..20 {
        let service = Some(ServiceId::new(&format!("service-{i}")));
        bench.interest.send(Interest { service, ..Interest::default() }).unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(60)).await;
    }
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(script.asked.load(Ordering::SeqCst), 3, "a and b once, details once");
    bench.handle.stop();
}

#[tokio::test]
async fn one_question_is_asked_once_and_answered_in_numbers_or_a_sentence() {
    let script = Arc::new(Script::default());
    let bench = Bench::new(&script);
    let says = |status, body: &'static [u8]| {
        script.set("instant", Ok(reply(status, body)));
        bench.handle.say("up", NOON)
    };
    let one = br#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]}}"#;
    assert_eq!(says(200, one).await, Ok(vec![1.0]));
    let none = br#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
    assert_eq!(says(200, none).await, Ok(Vec::new()));
    let bad = br#"{"status":"error","errorType":"bad_data","error":"unexpected end of input"}"#;
    let why = says(400, bad).await.unwrap_err();
    assert_eq!(why.as_str(), "s does not take this query: unexpected end of input.");
    let why = says(200, b"<html>log in</html>").await.unwrap_err();
    assert!(why.contains("an HTML page instead of data"), "{why}");
    let why = says(401, b"").await.unwrap_err();
    assert!(why.contains("does not accept our credentials"), "{why}");
}
