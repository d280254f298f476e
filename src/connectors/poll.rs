//! One task per source: asks it again and again, kindly, and tells what came of it.
//!
//! Asks of one poll run side by side up to the source's limit; a good answer is delivered even when
//! another fails. Reads are retried twice at most, under a budget; operations are performed once,
//! and what came of a lost answer is *unknown*.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::{Notify, mpsc, watch};

use super::http::{Fault, Transport, server_message, verdict};
use super::prometheus::instant;
use super::resilience::{Budget, Circuit, backoff};
use super::{Ask, Clock, Connector, Interest, ParseError, Reply};
use crate::analysis::clock::{ClockEstimate, Interval, from_date};
use crate::domain::{
    Breaker, Failure, FailureKind, Observation, Operation, Outcome, SafeText, SourceId,
    SourceStatus, Span, Timestamp,
};

/// Most retries of one ask within a poll.
const MOST_RETRIES: u32 = 2;
/// A wait longer than this is left to the next poll.
const LONGEST_WAIT: Span = Span::from_secs(3);
/// The first polls of many consoles started together are spread over this.
const FIRST_SPREAD: Span = Span::from_millis(300);
/// Bodies above this are read on a thread of their own, so that no worker is held up.
const LARGE_BODY: usize = 256 * 1024;
/// People move through lists; only where they stay this long, or up to twice as long, is fetched.
const SETTLE: Duration = Duration::from_millis(80);

/// What the poll loop has to say.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A source was asked and answered.
    Observed {
        /// Which source.
        source: SourceId,
        /// When the question was asked.
        at: Timestamp,
        /// What was seen; empty when nothing changed.
        seen: Vec<Observation>,
    },
    /// A source's state changed.
    Source(SourceStatus),
}

/// What a poll loop is started with.
pub struct Setup {
    /// Name, kind, site, address, interval, limit: a status nobody has filled in yet.
    pub status: SourceStatus,
    /// How often to ask in real time; differs from the status' interval when a recording is played.
    pub pace: Span,
    /// What to ask and how to read it.
    pub connector: Arc<dyn Connector>,
    /// How to ask.
    pub transport: Arc<dyn Transport>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What is on screen.
    pub interest: watch::Receiver<Interest>,
    /// Where events go.
    pub sink: mpsc::Sender<Event>,
    /// Whether it is asked for as long as the program runs. Then the memory of a large answer is kept for
    /// the next; else what is made of the answer has it at once.
    pub lasting: bool,
}

/// A running poll loop; it ends when the last handle's `stop` is called or the sink closes.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
    task: tokio::task::AbortHandle,
}

struct Shared {
    source: SourceId,
    host: String,
    connector: Arc<dyn Connector>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    now: Notify,
    budget: Mutex<Budget>,
    lasting: bool,
}

/// Starts asking a source. Must be called within a tokio runtime.
pub fn start(setup: Setup) -> Handle {
    let Setup { status, pace, connector, transport, clock, interest, sink, lasting } = setup;
    let shared = Arc::new(Shared {
        source: status.id.clone(),
        host: status.address.to_string(),
        connector,
        transport,
        clock,
        now: Notify::new(),
        budget: Mutex::default(),
        lasting,
    });
    let poller = Poller {
        shared: shared.clone(),
        told: None,
        status,
        pace,
        interest,
        sink,
        circuit: Circuit::default(),
        estimate: ClockEstimate::default(),
        wait: Span::ZERO,
        polled: None,
    };
    let task = tokio::spawn(poller.run()).abort_handle();
    Handle { shared, task }
}

impl Handle {
    /// Asks now, past the interval and the breaker.
    pub fn poll_now(&self) {
        self.shared.now.notify_one();
    }

    /// Asks now, as if for the first time.
    pub fn start_over(&self) {
        self.shared.connector.forget();
        self.poll_now();
    }

    /// Ends the loop. What is under way is dropped.
    pub fn stop(&self) {
        self.task.abort();
    }

    /// What a query says at a moment, asked once; a sentence where it says nothing. Only of a Prometheus.
    ///
    /// # Errors
    /// When it does not answer, or does not take the question.
    pub async fn say(&self, query: &str, at: Timestamp) -> Result<Vec<f64>, SafeText> {
        let ask = instant::question(query, at);
        let reply = self.shared.transport.exchange(&ask).await;
        let reply = reply.and_then(|reply| verdict(&self.shared.host, &reply).map(|()| reply));
        let reply = reply.map_err(|fault| fault.failure.sentence)?;
        instant::values(&reply.body).map_err(|why| {
            let source = &self.shared.source;
            SafeText::new(&match why {
                ParseError::Refused(why) => format!("{source} does not take this query: {why}."),
                ParseError::Shape(_) => format!("{source} gave an answer that cannot be read."),
            })
        })
    }

    /// Performs an operation, once.
    pub async fn perform(&self, operation: &Operation) -> Outcome {
        let shared = &self.shared;
        let Some(ask) = shared.connector.operate(operation) else {
            return Outcome::Refused {
                why: SafeText::new(&format!("{} cannot do this.", shared.source)),
            };
        };
        let outcome = match shared.transport.exchange(&ask).await {
            Ok(reply) => shared.outcome(operation, &reply),
            Err(fault) if fault.may_have_acted => Outcome::Unknown {
                why: SafeText::new(&format!(
                    "The answer was lost, so it may have been done; look before trying again. {}",
                    fault.failure.sentence
                )),
            },
            Err(fault) => Outcome::Refused { why: fault.failure.sentence },
        };
        // Whatever came of it, the truth is at the server.
        self.poll_now();
        outcome
    }
}

impl Shared {
    fn outcome(&self, operation: &Operation, reply: &Reply) -> Outcome {
        use FailureKind as K;
        match verdict(&self.host, reply) {
            Err(fault) => match fault.failure.kind {
                K::Unauthenticated | K::Forbidden | K::RateLimited => {
                    Outcome::Refused { why: fault.failure.sentence }
                }
                K::WrongApi if server_message(&reply.body).is_none() => {
                    Outcome::Refused { why: fault.failure.sentence }
                }
                K::Unparseable => Outcome::Unknown { why: fault.failure.sentence },
                _ => self.connector.outcome(operation, reply),
            },
            Ok(()) => self.connector.outcome(operation, reply),
        }
    }

    fn budget(&self) -> std::sync::MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One question with its retries.
    async fn ask(&self, ask: &Ask) -> Result<Reply, Fault> {
        self.budget().earn();
        let mut attempt = 0;
        loop {
            let answer = self.transport.exchange(ask).await;
            let fault = match answer.and_then(|r| verdict(&self.host, &r).map(|()| r)) {
                Ok(reply) => return Ok(reply),
                Err(fault) => fault,
            };
            // A server that let a whole deadline pass is not helped by being asked at once again.
            let hopeless = !fault.is_transient() || fault.failure.kind == FailureKind::TimedOut;
            let calm =
                matches!(fault.failure.kind, FailureKind::RateLimited | FailureKind::ServerError);
            let wait = backoff(attempt, calm, fault.retry_after, fastrand::f64());
            if hopeless || attempt >= MOST_RETRIES || wait > LONGEST_WAIT || !self.budget().spend()
            {
                return Err(fault);
            }
            attempt += 1;
            tokio::time::sleep(wait.std()).await;
        }
    }

    /// Reads an answer. Bytes that are not UTF-8 are replaced, so that one garbled label does not hide
    /// everything else in the body.
    fn read(&self, ask: &Ask, mut reply: Reply) -> Result<Vec<Observation>, ParseError> {
        let seen = self.connector.parse(&self.source, ask, &reply);
        // Looked at only when reading failed, since it costs a pass over the body.
        if matches!(seen, Err(ParseError::Shape(_)))
            && let Cow::Owned(mended) = String::from_utf8_lossy(&reply.body)
        {
            reply.body = mended.into_bytes();
            return self.connector.parse(&self.source, ask, &reply);
        }
        if self.lasting {
            self.transport.take_back(reply.body);
        }
        seen
    }

    async fn parse(
        self: &Arc<Self>,
        ask: Ask,
        reply: Reply,
    ) -> Result<Vec<Observation>, ParseError> {
        if reply.body.len() < LARGE_BODY {
            return self.read(&ask, reply);
        }
        let shared = self.clone();
        tokio::task::spawn_blocking(move || shared.read(&ask, reply))
            .await
            .unwrap_or_else(|_| Err(ParseError::Shape("reading it failed".to_owned())))
    }
}

struct Poller {
    shared: Arc<Shared>,
    status: SourceStatus,
    told: Option<SourceStatus>,
    pace: Span,
    interest: watch::Receiver<Interest>,
    sink: mpsc::Sender<Event>,
    circuit: Circuit,
    estimate: ClockEstimate,
    /// What the server last asked us to stay away for.
    wait: Span,
    /// When it was last asked.
    polled: Option<Timestamp>,
}

/// The receiver is gone: nobody listens any more.
struct Closed;

/// What a poll has come to so far.
#[derive(Default)]
struct Tally {
    failure: Option<Failure>,
    good: Option<Timestamp>,
    latency: Span,
    hard: bool,
}

impl Tally {
    fn fail(&mut self, failure: Failure) {
        let hard = failure.kind != FailureKind::BadQuery;
        // A refused question must not hide that the source is away.
        if self.failure.is_none() || (hard && !self.hard) {
            self.failure = Some(failure);
        }
        self.hard |= hard;
    }
}

impl Poller {
    async fn run(mut self) {
        let mut wait = FIRST_SPREAD.scale(fastrand::f64());
        let mut forced = false;
        loop {
            if self.tell().await.is_err() {
                return;
            }
            if !wait.std().is_zero() {
                let Ok(woken) = self.rest(wait).await else { return };
                forced = woken;
            }
            // A recording that is paused or over would answer what it answered before.
            if !forced && self.polled == Some(self.shared.clock.now()) {
                continue;
            }
            if self.poll(forced).await.is_err() {
                return;
            }
            let spread = self.pace.scale(0.95 + fastrand::f64() / 10.0);
            wait = spread.max(std::mem::take(&mut self.wait)).max(Span::from_millis(50));
            if let Breaker::Open { until } = self.circuit.state() {
                wait = wait.max(until.since(self.shared.clock.now()).min(Span::from_mins(1)));
            }
            self.status.next_try = Some(self.shared.clock.now().plus(wait));
        }
    }

    /// Waits for the next poll; whether a person asked for it. What comes on screen meanwhile is
    /// fetched at once, and only that: a moving selection must not hurry everything else.
    async fn rest(&mut self, wait: Span) -> Result<bool, Closed> {
        let sleep = tokio::time::sleep(wait.std());
        tokio::pin!(sleep);
        let mut watching = true;
        loop {
            tokio::select! {
                () = &mut sleep => return Ok(false),
                () = self.shared.now.notified() => return Ok(true),
                changed = self.interest.changed(), if watching => {
                    watching = changed.is_ok();
                    // A new chart does not break a pause the server asked for.
                    if watching && self.circuit.state() == Breaker::Closed && self.wait == Span::ZERO {
                        self.settle().await;
                        self.look_closer().await?;
                    }
                }
            }
        }
    }

    /// Waits until what is on screen rests. Looks now and then: a held key must not wake every source
    /// with each step.
    async fn settle(&mut self) {
        loop {
            self.interest.mark_unchanged();
            tokio::time::sleep(SETTLE).await;
            if !self.interest.has_changed().unwrap_or(false) {
                return;
            }
        }
    }

    /// Sends the status if it is another than the last one sent.
    async fn tell(&mut self) -> Result<(), Closed> {
        self.status.breaker = self.circuit.state();
        self.status.retry_budget = self.shared.budget().left();
        if self.told.as_ref() == Some(&self.status) {
            return Ok(());
        }
        self.told = Some(self.status.clone());
        self.sink.send(Event::Source(self.status.clone())).await.map_err(|_| Closed)
    }

    /// Asks for the details of what is on screen.
    async fn look_closer(&mut self) -> Result<(), Closed> {
        let interest = self.interest.borrow_and_update().clone();
        let asks = self.shared.connector.details(&interest, self.shared.clock.now());
        if asks.is_empty() {
            return Ok(());
        }
        let mut tally = Tally::default();
        self.ask_all(asks, usize::from(self.status.limit.max(1)), &mut tally).await?;
        // That these went well says nothing about the rest, that they did not is told.
        if tally.failure.is_some() {
            self.status.failure = tally.failure;
            self.tell().await?;
        }
        Ok(())
    }

    async fn poll(&mut self, forced: bool) -> Result<(), Closed> {
        if forced {
            self.circuit.force();
        }
        let now = self.shared.clock.now();
        self.polled = Some(now);
        if !self.circuit.admit(now) {
            return Ok(());
        }
        let interest = self.interest.borrow_and_update().clone();
        let mut asks = self.shared.connector.asks(&interest, now);
        let limit = usize::from(self.status.limit.max(1));
        self.status.in_flight = u16::try_from(asks.len().min(limit)).unwrap_or(u16::MAX);
        self.status.next_try = None;
        self.tell().await?;
        let mut tally = Tally::default();
        // A source that was away is asked one thing first.
        if self.circuit.state() == Breaker::HalfOpen && asks.len() > 1 {
            let rest = asks.split_off(1);
            self.ask_all(asks, 1, &mut tally).await?;
            asks = if tally.hard { Vec::new() } else { rest };
        }
        self.ask_all(asks, limit, &mut tally).await?;
        self.status.in_flight = 0;
        if let (Some(at), false) = (tally.good, tally.hard) {
            self.status.last_good = Some(at);
            self.status.latency = Some(tally.latency);
        }
        self.status.failure = tally.failure;
        Ok(())
    }

    async fn ask_all(
        &mut self,
        asks: Vec<Ask>,
        limit: usize,
        tally: &mut Tally,
    ) -> Result<(), Closed> {
        let shared = self.shared.clone();
        let answers = futures_util::stream::iter(asks).map(|ask| {
            let shared = &shared;
            async move {
                let answer = shared.ask(&ask).await;
                (ask, answer)
            }
        });
        let mut answers = std::pin::pin!(answers.buffer_unordered(limit));
        while let Some((ask, answer)) = answers.next().await {
            match answer {
                Ok(reply) => self.take(ask, reply, tally).await?,
                Err(fault) => self.fail(&ask, fault, tally),
            }
            if let Breaker::Open { .. } = self.circuit.state() {
                break;
            }
        }
        Ok(())
    }

    fn fail(&mut self, ask: &Ask, fault: Fault, tally: &mut Tally) {
        use FailureKind as K;
        let lacking = matches!(fault.failure.kind, K::WrongApi | K::Forbidden);
        if lacking && self.shared.connector.optional(ask) {
            self.circuit.succeeded(fault.failure.at);
            return;
        }
        if fault.failure.kind == K::BadQuery {
            tally.fail(fault.failure);
            return;
        }
        self.wait = self.wait.max(fault.retry_after.unwrap_or(Span::ZERO));
        self.circuit.failed(self.shared.clock.now(), fastrand::f64());
        tally.fail(fault.failure);
    }

    async fn take(&mut self, ask: Ask, reply: Reply, tally: &mut Tally) -> Result<(), Closed> {
        let (sent, received, status) = (reply.sent, reply.received, reply.status);
        if let Some(date) = reply.date {
            self.estimate.add(from_date(date, sent, received));
        }
        let optional = self.shared.connector.optional(&ask);
        let seen = self.shared.parse(ask, reply).await;
        let mut seen = match seen {
            Ok(seen) => seen,
            Err(_) if optional && status >= 400 => return Ok(()),
            Err(error) => {
                let (kind, sentence) = match error {
                    ParseError::Refused(why) => {
                        // It answered: the source is well, the question is not.
                        self.circuit.succeeded(received);
                        let sentence = format!(
                            "{} refused a question; everything else is unaffected: {why}.",
                            self.shared.source
                        );
                        (FailureKind::BadQuery, sentence)
                    }
                    ParseError::Shape(why) => {
                        self.circuit.failed(received, fastrand::f64());
                        let sentence = format!(
                            "{} answered with something its API does not promise; the last good answer is kept: {why}.",
                            self.shared.source
                        );
                        (FailureKind::Unparseable, sentence)
                    }
                };
                tally.fail(Failure { kind, sentence: SafeText::new(&sentence), at: received });
                return Ok(());
            }
        };
        self.circuit.succeeded(received);
        tally.good = tally.good.max(Some(received));
        tally.latency = tally.latency.max(received.since(sent));
        for one in &mut seen {
            match one {
                Observation::Clock(offset) => {
                    self.estimate.add(Interval::of(*offset, received));
                    *offset = self.estimate.offset().unwrap_or(*offset);
                }
                Observation::Version(version) => self.status.version = version.clone(),
                _ => {}
            }
        }
        self.status.clock = self.estimate.offset();
        let source = self.shared.source.clone();
        self.sink.send(Event::Observed { source, at: sent, seen }).await.map_err(|_| Closed)
    }
}
