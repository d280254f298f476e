//! The outbox on pretend channels: whatever is cut off, nothing is lost and nothing goes out twice.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use pretty_assertions::assert_eq;

use super::*;
use crate::domain::{Channel, ChannelId, Message, Purpose, Timestamp};
use crate::eventlog::MemoryLog;
use crate::model::Journal;

/// A channel that does what it is told and remembers what reached the other side.
#[derive(Default)]
struct Pretend {
    name: String,
    /// What it answers, in turn; then it takes everything.
    answers: Mutex<Vec<Behaviour>>,
    arrived: Mutex<Vec<String>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Behaviour {
    Refuses,
    IsBusy,
    /// Takes it, and the answer is lost.
    LosesAnswer,
    /// The request is lost.
    LosesRequest,
}

impl Pretend {
    fn new(name: &str, answers: &[Behaviour]) -> Arc<Self> {
        let answers = Mutex::new(answers.iter().rev().copied().collect());
        Arc::new(Self { name: name.to_owned(), answers, arrived: Mutex::default() })
    }

    fn arrived(&self) -> usize {
        self.arrived.lock().unwrap().len()
    }
}

#[async_trait]
impl Outlet for Pretend {
    fn name(&self) -> &str {
        &self.name
    }

    async fn perform(&self, _: &Operation, key: &str) -> Outcome {
        let why = SafeText::new("as told");
        let arrive = || self.arrived.lock().unwrap().push(key.to_owned());
        match self.answers.lock().unwrap().pop() {
            Some(Behaviour::Refuses) => Outcome::Refused { why },
            Some(Behaviour::IsBusy) => Outcome::Later { why, at: Timestamp::from_millis(0) },
            Some(Behaviour::LosesRequest) => Outcome::Unknown { why },
            Some(Behaviour::LosesAnswer) => {
                arrive();
                Outcome::Unknown { why }
            }
            None => {
                arrive();
                Outcome::Received { receipt: SafeText::new("42"), url: SafeText::default() }
            }
        }
    }

    async fn look_back(&self, _: &Operation, key: &str) -> Outcome {
        let there = self.arrived.lock().unwrap().iter().any(|k| k == key);
        let why = SafeText::new("not there");
        let (receipt, url) = (SafeText::new("found"), SafeText::default());
        if there {
            Outcome::Received { receipt, url }
        } else {
            Outcome::Later { why, at: Timestamp::from_millis(0) }
        }
    }
}

fn send(channel: &str) -> LogEvent {
    LogEvent::OperationRequested {
        operation: Operation::Send(Message {
            incident: None,
            purpose: Purpose::Page,
            channel: ChannelId::new(channel),
            to: Vec::new(),
            subject: SafeText::new("checkout is down"),
            body: SafeText::new("we are on it"),
            severity: None,
            status: None,
        }),
    }
}

/// A log that several outboxes share, and what each of them was told.
#[derive(Clone)]
struct Shared {
    log: Arc<Mutex<MemoryLog>>,
    journal: Arc<Mutex<Journal>>,
}

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

impl Shared {
    fn new(before: &[LogEvent]) -> Self {
        let shared =
            Self { log: Arc::new(Mutex::new(MemoryLog::for_demo())), journal: Arc::default() };
        shared.append(before).unwrap();
        shared
    }

    fn append(&self, events: &[LogEvent]) -> Appended {
        let recorded = self.log.lock().unwrap().append(&Actor::new("alice"), NOW, events)?;
        recorded.iter().for_each(|r| self.journal.lock().unwrap().apply(r));
        Ok(recorded)
    }

    /// An outbox on what the log holds now.
    fn outbox(&self, outlets: &[Arc<Pretend>]) -> Outbox {
        let channels = outlets.iter().enumerate().map(|(at, o)| Channel {
            id: ChannelId::new(&o.name),
            kind: "pretend",
            audiences: Vec::new(),
            fallback: outlets.get(at + 1).map(|next| ChannelId::new(&next.name)),
        });
        let shared = self.clone();
        let means = Means {
            outlets: outlets.iter().map(|o| o.clone() as Arc<dyn Outlet>).collect(),
            playbook: Arc::new(Playbook { channels: channels.collect(), ..Playbook::default() }),
            clock: Arc::new(|| NOW),
            log: Arc::new(move |events| Box::pin(std::future::ready(shared.append(&events)))),
        };
        Outbox::start(means, self.journal.lock().unwrap().clone(), false)
    }

    /// How often each operation was attempted, and how it ended.
    fn ended(&self) -> Vec<(usize, Option<Outcome>)> {
        let journal = self.journal.lock().unwrap();
        let operations = journal.operations.iter();
        operations.map(|(id, o)| (journal.attempts(*id).count(), o.outcome.clone())).collect()
    }
}

async fn drain(outbox: &Outbox) {
    let (done, ended) = oneshot::channel();
    let _ = outbox.to.send(Told::Drain(done, Instant::now() + Duration::from_secs(3_600)));
    ended.await.unwrap();
}

/// Runs an outbox on what `before` left in the log, and tells how each operation ended.
async fn run(outlets: &[Arc<Pretend>], before: &[LogEvent]) -> Vec<(usize, Option<Outcome>)> {
    let shared = Shared::new(before);
    drain(&shared.outbox(outlets)).await;
    shared.ended()
}

fn received(receipt: &str) -> Option<Outcome> {
    Some(Outcome::Received { receipt: SafeText::new(receipt), url: SafeText::default() })
}

#[tokio::test(start_paused = true)]
async fn a_message_goes_out_once() {
    let mail = Pretend::new("mail", &[]);
    assert_eq!(run(std::slice::from_ref(&mail), &[send("mail")]).await, [(1, received("42"))]);
    assert_eq!(mail.arrived(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_looked_up_and_not_sent_again() {
    let mail = Pretend::new("mail", &[Behaviour::LosesAnswer]);
    assert_eq!(run(std::slice::from_ref(&mail), &[send("mail")]).await, [(1, received("found"))]);
    assert_eq!(mail.arrived(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_certainly_did_not_arrive_is_sent_again() {
    let mail = Pretend::new("mail", &[Behaviour::LosesRequest, Behaviour::IsBusy]);
    assert_eq!(run(std::slice::from_ref(&mail), &[send("mail")]).await, [(3, received("42"))]);
    assert_eq!(mail.arrived(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_refuses_hands_over_to_its_fallback() {
    let (chat, mail) = (Pretend::new("chat", &[Behaviour::Refuses]), Pretend::new("mail", &[]));
    assert_eq!(run(&[chat.clone(), mail.clone()], &[send("chat")]).await, [(2, received("42"))]);
    assert_eq!((chat.arrived(), mail.arrived()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn refused_without_a_fallback_is_the_end() {
    let mail = Pretend::new("mail", &[Behaviour::Refuses]);
    let refused = Some(Outcome::Refused { why: SafeText::new("as told") });
    assert_eq!(run(std::slice::from_ref(&mail), &[send("mail")]).await, [(1, refused)]);
    assert_eq!(mail.arrived(), 0);
}

/// The request and the attempt are in the log, and the console died before the outcome was.
async fn cut_off(mail: &Arc<Pretend>, sent: bool) -> Vec<(usize, Option<Outcome>)> {
    let shared = Shared::new(&[]);
    let request = shared.append(&[send("mail")]).unwrap()[0].id;
    if sent {
        mail.arrived.lock().unwrap().push(request.to_string());
    }
    let by = SafeText::new("mail");
    shared.append(&[LogEvent::OperationAttempted { request, after: None, by }]).unwrap();
    drain(&shared.outbox(std::slice::from_ref(mail))).await;
    shared.ended()
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_was_cut_off_is_looked_up() {
    let sent = Pretend::new("mail", &[]);
    assert_eq!(cut_off(&sent, true).await, [(1, received("found"))]);
    assert_eq!(sent.arrived(), 1);
    let lost = Pretend::new("mail", &[]);
    assert_eq!(cut_off(&lost, false).await, [(2, received("42"))]);
    assert_eq!(lost.arrived(), 1);
}

#[tokio::test(start_paused = true)]
async fn of_two_consoles_one_sends() {
    // Both know the request and share the log; nobody tells one what the other does, so that only the
    // store's claim stands between them.
    let mail = Pretend::new("mail", &[]);
    let shared = Shared::new(&[send("mail")]);
    let both = [(); 2].map(|()| shared.outbox(std::slice::from_ref(&mail)));
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(shared.ended(), [(1, received("42"))]);
    assert_eq!(mail.arrived(), 1);
    for outbox in both {
        outbox.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn messages_of_one_channel_keep_their_order() {
    let mail = Pretend::new("mail", &[]);
    let shared = Shared::new(&[]);
    let asked: Vec<String> =
        (0..20).map(|_| shared.append(&[send("mail")]).unwrap()[0].id.to_string()).collect();
    // What is asked for in one moment has no order of its own, so that the ids stand in.
    let mut sorted = asked.clone();
    sorted.sort();
    drain(&shared.outbox(std::slice::from_ref(&mail))).await;
    assert_eq!(*mail.arrived.lock().unwrap(), sorted);
}
