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
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::Arrival;
use super::logger::{Append, Ask, Logger};
use crate::app::Msg;
use crate::connectors::Clock;
use crate::connectors::outbound::Outlet;
use crate::domain::{
    Actor, IncidentId, Operation, Outcome, Playbook, SafeText, TicketAct, TicketRef, TrackerId,
};
use crate::eventlog::{
    AppendError, EventLog, IncidentEvent, LogEvent, Position, RecordId, Recorded, TicketChanged,
    TicketLinked,
};
use crate::model::Journal;
use steps::{Step, Steps};

/// How long after a lost answer the other side is looked at: it may still be at work.
const BEFORE_LOOKING: Duration = Duration::from_secs(2);
/// How often tickets are looked at.
const FOLLOW: Duration = Duration::from_secs(30);
/// How long the console waits at its end for what is under way.
const LAST_WAIT: Duration = Duration::from_secs(3);

/// Where facts are recorded; gives back what was recorded, or why it was not.
pub(crate) type Log = std::sync::mpsc::Sender<Ask>;

/// What the outbox works with.
pub(crate) struct Means {
    /// Channels and trackers.
    pub(crate) outlets: Vec<Arc<dyn Outlet>>,
    /// Fallbacks, and how often deliveries are tested.
    pub(crate) playbook: Arc<Playbook>,
    /// In whose name attempts are recorded.
    pub(crate) me: Actor,
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
    /// End, when nothing is under way any more.
    End(oneshot::Sender<()>),
    /// End as soon as nothing waits to be tried at once either.
    Drain(oneshot::Sender<()>),
}

/// The outbox's end of the console.
pub(crate) struct Outbox {
    to: mpsc::UnboundedSender<Told>,
    task: tokio::task::JoinHandle<()>,
}

impl Outbox {
    /// Starts it on what the log held so far.
    pub(crate) fn start(means: Means, so_far: Journal) -> Self {
        let (to, told) = mpsc::unbounded_channel();
        let worker = Worker {
            steps: Steps::new(so_far, means.playbook.clone(), Instant::now()),
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

    /// Ends it. What is under way is waited for, a moment; what is cut off is looked at by the next console.
    pub(crate) async fn finish(self) {
        let (done, ended) = oneshot::channel();
        let _ = self.to.send(Told::End(done));
        let _ = tokio::time::timeout(LAST_WAIT, ended).await;
        self.task.abort();
    }
}

/// The outbox without a console: performs what waits in the log until nothing is left to be tried now.
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
) -> std::io::Result<Vec<Recorded>> {
    let (to_loop, mut arrivals) = mpsc::channel(256);
    let mut logger = Logger::start(log, position, to_loop)?;
    let Some(log) = logger.way_in() else { return Ok(Vec::new()) };
    let outbox = Outbox::start(Means { outlets, playbook, me, clock, log }, journal.outbox());
    let (done, mut ended) = oneshot::channel();
    let _ = outbox.to.send(Told::Drain(done));
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
    // The thread ends when the outbox has let go of it; what it still says is not lost.
    arrivals.close();
    tokio::task::spawn_blocking(move || logger.finish()).await.map_err(std::io::Error::other)?;
    while let Some(arrival) = arrivals.recv().await {
        if let Arrival::Msg(Msg::Recorded { records, .. }) = arrival {
            all.extend(records);
        }
    }
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

/// What a task brought.
enum Done {
    /// A step of an operation ended; records about it come by themselves, or none were made.
    Step(RecordId),
    /// Tickets were looked at.
    Followed,
}

impl Worker {
    async fn work(mut self, mut told: mpsc::UnboundedReceiver<Told>) {
        let mut last: Option<(oneshot::Sender<()>, bool)> = None;
        loop {
            if let Some((_, drain)) = &last {
                let wait = *drain && self.steps.wait(Instant::now(), self.now()).is_zero();
                if self.doing.is_empty() && !wait {
                    break;
                }
            }
            if last.as_ref().is_none_or(|(_, drain)| *drain) {
                self.begin();
            }
            let wait = self.steps.wait(Instant::now(), self.now()).min(FOLLOW);
            tokio::select! {
                message = told.recv() => match message {
                    Some(Told::Records { records, ours }) => {
                        self.steps.take(&records, ours, Instant::now(), fastrand::f64);
                    }
                    Some(Told::Follow(tickets)) => self.following = tickets,
                    Some(Told::End(done)) => last = Some((done, false)),
                    Some(Told::Drain(done)) => last = Some((done, true)),
                    None => break,
                },
                Some(done) = self.doing.join_next(), if !self.doing.is_empty() => {
                    if let Ok(Done::Step(request)) = done {
                        self.steps.ended(request, Instant::now());
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
                carry_out(&means, step).await;
                Done::Step(request)
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

async fn append(means: &Means, events: Vec<LogEvent>) -> Result<Vec<Recorded>, AppendError> {
    let (reply, answer) = oneshot::channel();
    let append =
        Append { actor: means.me.clone(), at: means.clock.now(), events, reply: Some(reply) };
    let gone = || AppendError::failed("The log has stopped, so nothing can be sent.");
    means.log.send(Ask::Append(append)).map_err(|_| gone())?;
    answer.await.map_err(|_| gone())?
}

/// One attempt or one look back, with its records.
async fn carry_out(means: &Means, step: Step) {
    let find = |name: &str| means.outlets.iter().find(|o| o.name() == name).cloned();
    let (request, operation, outcome) = match step {
        Step::Attempt { request, after, by, operation, fallback } => {
            let attempt = LogEvent::OperationAttempted { request, after, by: SafeText::new(&by) };
            // Another console was first, or nothing can be recorded: then nothing may be sent either.
            if append(means, vec![attempt]).await.is_err() {
                return;
            }
            let Some(outlet) = find(&by) else { return };
            let sent = addressed(&operation, &by);
            let outcome = attempt_once(outlet.as_ref(), &sent, &request.to_string()).await;
            let outcome = match (outcome, fallback) {
                (Outcome::Refused { why }, Some(next)) => Outcome::Later {
                    why: SafeText::body(&format!("{by}: {why} It goes to {next} instead.")),
                    at: means.clock.now(),
                },
                (outcome, _) => outcome,
            };
            (request, operation, outcome)
        }
        Step::LookBack { request, by, operation } => {
            let Some(outlet) = find(&by) else { return };
            let sent = addressed(&operation, &by);
            let outcome = outlet.look_back(&sent, &request.to_string()).await;
            (request, operation, outcome)
        }
    };
    let mut events = vec![LogEvent::OperationEnded { request, outcome: outcome.clone() }];
    events.extend(linked(&operation, &outcome));
    let _ = append(means, events).await;
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

/// A ticket that was opened, or found open, belongs to its incident from now on.
fn linked(operation: &Operation, outcome: &Outcome) -> Option<LogEvent> {
    let Operation::Ticket { incident, tracker, act: TicketAct::Open { .. } } = operation else {
        return None;
    };
    let Outcome::Received { receipt, url } = outcome else { return None };
    let ticket = TicketRef { tracker: tracker.clone(), key: receipt.clone() };
    let event = IncidentEvent::from(TicketLinked { ticket, url: url.clone() });
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
            let _ = append(means, vec![event]).await;
        }
    }
}

#[cfg(test)]
mod tests;
