//! The outbox: what was asked of channels and trackers, performed once, whatever dies meanwhile.
//!
//! ```text
//! requested ─► attempt recorded ─► Outlet::perform ─► ended: received │ refused │ later │ unknown
//!     ▲         (claimed: of several     │                        │        │
//!     │          consoles one may)       └ unknown: look back ────┤        └─► next attempt, backed off,
//!     └─── an attempt that never ended ──► look back ─────────────┘            or by the fallback
//! ```
//!
//! Everything here follows from records; nothing is remembered that a restart would lose. What stays
//! unknown is never repeated: a person settles it.

mod steps;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Arrival;
use super::logger::{Append, Ask, Logger};
use super::response::Ways;
use crate::app::Msg;
use crate::connectors::Clock;
use crate::connectors::outbound::Outlet;
use crate::domain::{
    Actor, IncidentId, Operation, Outcome, Playbook, SafeText, TicketAct, TicketRef, TrackerId,
};
use crate::eventlog::{
    AppendError, EventLog, FollowUpMoved, FollowUpStep, IncidentEvent, LogEvent, Position,
    RecordId, Recorded, TicketChanged, TicketLinked,
};
use crate::model::Journal;
use steps::{Step, Steps};

/// How long after a lost answer the other side is looked at: it may still be at work.
const BEFORE_LOOKING: Duration = Duration::from_secs(2);
/// How often tickets are looked at.
const FOLLOW: Duration = Duration::from_secs(30);
/// How long the console waits at its end for what is under way.
const LAST_WAIT: Duration = Duration::from_secs(3);

/// Records facts; gives back what was recorded, or why it was not.
pub(crate) type Log =
    Arc<dyn Fn(Vec<LogEvent>) -> BoxFuture<'static, Appended> + Send + Sync + 'static>;
type Appended = Result<Vec<Recorded>, AppendError>;

/// Records by way of the log's thread.
pub(crate) fn by_thread(
    way_in: std::sync::mpsc::Sender<Ask>,
    me: Actor,
    clock: Arc<dyn Clock>,
) -> Log {
    Arc::new(move |events| {
        let (reply, answer) = oneshot::channel();
        let append = Append { actor: me.clone(), at: clock.now(), events, reply: Some(reply) };
        let sent = way_in.send(Ask::Append(append)).is_ok();
        Box::pin(async move {
            let gone = || AppendError::failed("The log has stopped, so nothing can be sent.");
            if sent { answer.await.map_err(|_| gone())? } else { Err(gone()) }
        })
    })
}

/// What the outbox works with.
pub(crate) struct Means {
    /// Channels and trackers.
    pub(crate) outlets: Vec<Arc<dyn Outlet>>,
    /// Fallbacks, and how often deliveries are tested.
    pub(crate) playbook: Arc<Playbook>,
    /// The clock.
    pub(crate) clock: Arc<dyn Clock>,
    /// The log.
    pub(crate) log: Log,
}

/// What the outbox is told.
enum Told {
    /// Facts; `ours` were asked for by this console, so it goes first.
    Records { records: Vec<Recorded>, ours: bool },
    /// Tickets to look at from time to time.
    Follow(Vec<(IncidentId, TicketRef)>),
    /// Other channels and trackers, other fallbacks. What is under way goes on as it was begun.
    Change(Ways),
    /// End, when nothing is under way any more.
    End(oneshot::Sender<()>),
    /// End when nothing is left that can be tried by then.
    Drain(oneshot::Sender<()>, Instant),
}

/// The outbox's end of the console.
pub(crate) struct Outbox {
    to: mpsc::UnboundedSender<Told>,
    task: tokio::task::JoinHandle<()>,
}

impl Outbox {
    /// Starts it on what the log held so far; `ours` is tried at once, else after those who asked for it.
    pub(crate) fn start(means: Means, so_far: Journal, ours: bool) -> Self {
        let (to, told) = mpsc::unbounded_channel();
        let worker = Worker {
            steps: Steps::new(so_far, means.playbook.clone(), ours, Instant::now()),
            means: Arc::new(means),
            following: Vec::new(),
            followed: Instant::now(),
            doing: JoinSet::new(),
        };
        Self { to, task: tokio::spawn(worker.work(told)) }
    }

    /// Tells it what was recorded.
    pub(crate) fn tell(&self, records: &[Recorded], ours: bool) {
        let about: Vec<Recorded> = records.iter().filter(|r| concerns(r)).cloned().collect();
        if !about.is_empty() {
            // It ends only with the console.
            let _ = self.to.send(Told::Records { records: about, ours });
        }
    }

    /// Tells it which tickets to look at.
    pub(crate) fn follow(&self, tickets: Vec<(IncidentId, TicketRef)>) {
        let _ = self.to.send(Told::Follow(tickets));
    }

    /// Has it speak to other channels and trackers from now on.
    pub(crate) fn change(&self, ways: Ways) {
        let _ = self.to.send(Told::Change(ways));
    }

    /// Ends it. What is under way is waited for, a moment; what is cut off is looked at by the next console.
    pub(crate) async fn finish(self) {
        let (done, ended) = oneshot::channel();
        let _ = self.to.send(Told::End(done));
        let _ = tokio::time::timeout(LAST_WAIT, ended).await;
        self.task.abort();
    }
}

/// The outbox without a console: performs what waits in the log until nothing is left that can be tried
/// within `patience`.
/// Gives back what was recorded meanwhile, by whomever.
///
/// # Errors
/// When no thread can be started.
pub async fn run_alone(
    log: Box<dyn EventLog>,
    position: Position,
    journal: Journal,
    outlets: Vec<Arc<dyn Outlet>>,
    playbook: Arc<Playbook>,
    (me, clock): (Actor, Arc<dyn Clock>),
    patience: Duration,
) -> std::io::Result<Vec<Recorded>> {
    let (to_loop, mut arrivals) = mpsc::channel(256);
    let mut logger = Logger::start(log, position, None, to_loop)?;
    let Some(way_in) = logger.way_in() else { return Ok(Vec::new()) };
    let log = by_thread(way_in, me, clock.clone());
    let means = Means { outlets, playbook, clock, log };
    let outbox = Outbox::start(means, journal.outbox(), true);
    let (done, mut ended) = oneshot::channel();
    let _ = outbox.to.send(Told::Drain(done, Instant::now() + patience));
    let mut all = Vec::new();
    loop {
        tokio::select! {
            arrival = arrivals.recv() => match arrival {
                Some(Arrival::Msg(Msg::Recorded { records, ours })) => {
                    outbox.tell(&records, ours);
                    all.extend(records);
                }
                Some(_) => {}
                None => break,
            },
            _ = &mut ended => break,
        }
    }
    outbox.task.abort();
    drop(outbox);
    // The thread ends when the outbox has let go of it; what it still says until then is not lost.
    let ending = tokio::task::spawn_blocking(move || logger.finish());
    while let Some(arrival) = arrivals.recv().await {
        if let Arrival::Msg(Msg::Recorded { records, .. }) = arrival {
            all.extend(records);
        }
    }
    ending.await.map_err(std::io::Error::other)?;
    Ok(all)
}

/// Whether a record is about an operation.
fn concerns(record: &Recorded) -> bool {
    matches!(
        record.event,
        Some(
            LogEvent::OperationRequested { .. }
                | LogEvent::OperationAttempted { .. }
                | LogEvent::OperationEnded { .. }
        )
    )
}

struct Worker {
    steps: Steps,
    means: Arc<Means>,
    following: Vec<(IncidentId, TicketRef)>,
    followed: Instant,
    doing: JoinSet<Done>,
}

/// What a step brought.
#[derive(Default)]
struct Brought {
    /// What was recorded; it is taken in before anything else is begun.
    records: Vec<Recorded>,
    /// The channel that will never take the operation.
    never: Option<String>,
}

/// What a task brought.
enum Done {
    /// A step of an operation ended.
    Step(RecordId, Brought),
    /// Tickets were looked at.
    Followed,
}

impl Worker {
    async fn work(mut self, mut told: mpsc::UnboundedReceiver<Told>) {
        // Who waits for the end, and until when more is begun.
        let mut last: Option<(oneshot::Sender<()>, Option<Instant>)> = None;
        loop {
            if last.as_ref().is_none_or(|(_, until)| until.is_some()) {
                self.begin();
            }
            if let Some((_, until)) = &last
                && self.doing.is_empty()
            {
                let next = self.steps.wait(Instant::now(), self.now());
                let next = next.map(|wait| Instant::now() + wait);
                if until.is_none_or(|until| next.is_none_or(|next| next > until)) {
                    break;
                }
            }
            let wait =
                self.steps.wait(Instant::now(), self.now()).map_or(FOLLOW, |wait| wait.min(FOLLOW));
            tokio::select! {
                message = told.recv() => match message {
                    Some(Told::Records { records, ours }) => {
                        self.steps.take(&records, ours, Instant::now(), fastrand::f64);
                    }
                    Some(Told::Change(Ways { outlets, playbook, .. })) => {
                        self.steps.change(playbook.clone());
                        let (clock, log) = (self.means.clock.clone(), self.means.log.clone());
                        self.means = Arc::new(Means { outlets, playbook, clock, log });
                    }
                    Some(Told::Follow(tickets)) => self.following = tickets,
                    Some(Told::End(done)) => last = Some((done, None)),
                    Some(Told::Drain(done, until)) => last = Some((done, Some(until))),
                    None => break,
                },
                Some(done) = self.doing.join_next(), if !self.doing.is_empty() => {
                    if let Ok(Done::Step(request, Brought { records, never })) = done {
                        self.steps.ended(request, never);
                        self.steps.take(&records, true, Instant::now(), fastrand::f64);
                    }
                }
                () = tokio::time::sleep(wait) => {}
            }
        }
        if let Some((done, _)) = last {
            let _ = done.send(());
        }
    }

    fn now(&self) -> crate::domain::Timestamp {
        self.means.clock.now()
    }

    /// Begins whatever is due.
    fn begin(&mut self) {
        let known = |name: &str| self.means.outlets.iter().any(|o| o.name() == name);
        for step in self.steps.due(Instant::now(), self.now(), known) {
            let means = self.means.clone();
            self.doing.spawn(async move {
                let request = step.request();
                Done::Step(request, carry_out(&means, step).await)
            });
        }
        if self.followed.elapsed() >= FOLLOW && !self.following.is_empty() {
            self.followed = Instant::now();
            let (means, tickets) = (self.means.clone(), self.following.clone());
            self.doing.spawn(async move {
                look_at(&means, tickets).await;
                Done::Followed
            });
        }
    }
}

/// One attempt or one look back, with its records.
async fn carry_out(means: &Means, step: Step) -> Brought {
    let (mut records, mut never) = (Vec::new(), None);
    let find = |name: &str| means.outlets.iter().find(|o| o.name() == name).cloned();
    let (request, operation, outcome) = match step {
        Step::Attempt { request, after, by, operation, fallback } => {
            let attempt = LogEvent::OperationAttempted { request, after, by: SafeText::new(&by) };
            // Another console was first, or nothing can be recorded: then nothing may be sent either.
            let Ok(attempted) = (means.log)(vec![attempt]).await else {
                return Brought::default();
            };
            records.extend(attempted);
            let Some(outlet) = find(&by) else { return Brought { records, never } };
            let sent = addressed(&operation, &by);
            let outcome = attempt_once(outlet.as_ref(), &sent, &request.to_string()).await;
            let outcome = match (outcome, fallback) {
                (Outcome::Refused { why }, Some(next)) => {
                    let why = format!("{by}: {why} It goes to {next} instead.");
                    never = Some(by);
                    Outcome::Later { why: SafeText::body(&why), at: means.clock.now() }
                }
                (outcome, _) => outcome,
            };
            (request, operation, outcome)
        }
        Step::LookBack { request, by, operation } => {
            let Some(outlet) = find(&by) else { return Brought::default() };
            let sent = addressed(&operation, &by);
            let outcome = outlet.look_back(&sent, &request.to_string()).await;
            (request, operation, outcome)
        }
    };
    let mut events = vec![LogEvent::OperationEnded { request, outcome: outcome.clone() }];
    events.extend(linked(&operation, &outcome));
    // When the outcome cannot be recorded, the attempt stands as cut off, and is looked up.
    records.extend((means.log)(events).await.unwrap_or_default());
    Brought { records, never }
}

async fn attempt_once(outlet: &dyn Outlet, operation: &Operation, key: &str) -> Outcome {
    let outcome = outlet.perform(operation, key).await;
    match (&outcome, is_test(operation)) {
        (Outcome::Unknown { .. }, _) => {
            tokio::time::sleep(BEFORE_LOOKING).await;
            match outlet.look_back(operation, key).await {
                // The first answer says what happened; this one only that it cannot be found out.
                Outcome::Unknown { .. } => outcome,
                found => found,
            }
        }
        // What was taken is not yet what has arrived.
        (Outcome::Received { .. }, true) => {
            tokio::time::sleep(BEFORE_LOOKING).await;
            match outlet.look_back(operation, key).await {
                Outcome::Later { .. } => Outcome::Refused {
                    why: SafeText::new("It was taken, but does not show up at the other side."),
                },
                Outcome::Unknown { .. } => outcome,
                found => found,
            }
        }
        _ => outcome,
    }
}

fn is_test(operation: &Operation) -> bool {
    matches!(operation, Operation::Send(message)
        if matches!(message.purpose, crate::domain::Purpose::Test { .. }))
}

/// The operation as it is sent by `by`: a fallback has addresses of its own.
fn addressed(operation: &Operation, by: &str) -> Operation {
    match operation {
        Operation::Send(message) if message.channel.as_str() != by => {
            let mut message = message.clone();
            message.to.clear();
            Operation::Send(message)
        }
        other => other.clone(),
    }
}

/// A ticket that was opened, or found open, belongs to its incident, or its follow-up, from now on.
fn linked(operation: &Operation, outcome: &Outcome) -> Option<LogEvent> {
    let Operation::Ticket { incident, tracker, act } = operation else { return None };
    let Outcome::Received { receipt, url } = outcome else { return None };
    let ticket = TicketRef { tracker: tracker.clone(), key: receipt.clone() };
    let event = match act {
        TicketAct::Open { .. } => IncidentEvent::from(TicketLinked { ticket, url: url.clone() }),
        TicketAct::FollowUp { of, .. } => {
            let (follow_up, step) = (RecordId::parse(of)?, FollowUpStep::Tracked(ticket));
            FollowUpMoved { follow_up, step, note: url.clone() }.into()
        }
        TicketAct::Comment { .. } | TicketAct::Transition { .. } => return None,
    };
    Some(LogEvent::Incident { incident: incident.clone(), event })
}

/// Looks at tickets and records what changed there. What another console recorded is refused by the store.
async fn look_at(means: &Means, tickets: Vec<(IncidentId, TicketRef)>) {
    let mut by_tracker: BTreeMap<TrackerId, Vec<(IncidentId, TicketRef)>> = BTreeMap::new();
    for (incident, ticket) in tickets {
        by_tracker.entry(ticket.tracker.clone()).or_default().push((incident, ticket));
    }
    for (tracker, known) in by_tracker {
        let Some(outlet) = means.outlets.iter().find(|o| o.name() == tracker.as_str()) else {
            continue;
        };
        let refs: Vec<TicketRef> = known.iter().map(|(_, ticket)| ticket.clone()).collect();
        // A tracker that does not answer is said among the sources of the next attempt; it blocks nothing.
        let Ok(seen) = outlet.tickets(&refs).await else { continue };
        for seen in seen {
            let Some((incident, _)) = known.iter().find(|(_, t)| *t == seen.ticket) else {
                continue;
            };
            let event = IncidentEvent::from(TicketChanged { seen });
            let event = LogEvent::Incident { incident: incident.clone(), event };
            let _ = (means.log)(vec![event]).await;
        }
    }
}

#[cfg(test)]
mod tests;
