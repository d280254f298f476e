//! The runner without a console: what is released is begun, carried out and, when somebody waits for it, watched
//! by the sources to its verdict.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use super::logger::Logger;
use super::outbox::by_thread;
use super::runner::{Means, Runner};
use super::{Arrival, SourceSetup};
use crate::actions::runs;
use crate::app::Msg;
use crate::connectors::pipelines::Pipeline;
use crate::connectors::poll::{self, Event};
use crate::connectors::{Clock, Interest};
use crate::domain::{Actor, IncidentId, Timestamp};
use crate::eventlog::{EventLog, Position, RecordId};
use crate::model::Model;

/// How often the clock is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Whose runs are waited for, and the sources they are judged by.
pub struct Watch {
    /// The incident.
    pub incident: IncidentId,
    /// Asked until every released run of it is judged.
    pub sources: Vec<SourceSetup>,
    /// Tells a person what is waited for, and how it stands whenever that has changed.
    pub tell: fn(&str),
}

/// Sources being asked.
struct Watching {
    incident: IncidentId,
    interest: watch::Sender<Interest>,
    events: mpsc::Receiver<Event>,
    handles: Vec<poll::Handle>,
    tell: fn(&str),
    /// What was last told of each run.
    told: BTreeMap<RecordId, String>,
}

impl Watching {
    fn start(asked: Watch, model: &Model) -> Self {
        let (interest, watching) = watch::channel(Interest::default());
        let (sink, events) = mpsc::channel(256);
        let start = |source: SourceSetup| {
            let setup = (source.make)(&model.catalog, watching.clone(), sink.clone());
            let handle = poll::start(setup);
            // What the verdict is held against is known before the first step takes effect, if it can be.
            handle.poll_now();
            handle
        };
        let handles = asked.sources.into_iter().map(start).collect();
        let Watch { incident, tell, .. } = asked;
        Self { incident, interest, events, handles, tell, told: BTreeMap::new() }
    }

    fn tell(&mut self, model: &Model, now: Timestamp) {
        for (run, text) in runs::progress(model, &self.incident, now) {
            if self.told.get(&run) != Some(&text) {
                (self.tell)(&text);
                self.told.insert(run, text);
            }
        }
    }

    fn end(self) {
        self.handles.iter().for_each(poll::Handle::stop);
    }
}

/// Carries out what is released until nothing is left to do, or for `patience`; with a `watch`, stays on until
/// the runs of its incident are judged. What is recorded meanwhile, by whomever, is taken into the model.
///
/// # Errors
/// When no thread can be started.
pub async fn carry_on_alone(
    log: Box<dyn EventLog>,
    position: Position,
    model: &mut Model,
    pipelines: Vec<Arc<dyn Pipeline>>,
    (me, clock): (Actor, Arc<dyn Clock>),
    (patience, watch): (Duration, Option<Watch>),
) -> std::io::Result<()> {
    let (to_loop, mut arrivals) = mpsc::channel(256);
    let mut logger = Logger::start(log, position, None, to_loop)?;
    let Some(way_in) = logger.way_in() else { return Ok(()) };
    let log = by_thread(way_in, me, clock.clone());
    let means = Means { pipelines, clock: clock.clone(), log: log.clone() };
    let mut runner = Runner::new(means);
    let mut watching = watch.map(|watch| Watching::start(watch, model));
    let last = Instant::now() + patience;
    loop {
        let now = clock.now();
        model.tick(now);
        let mut found = runs::begin_steps(model, now);
        let mut waits = false;
        if let Some(watching) = &mut watching {
            watching.tell(model, now);
            // Only who sees the sources may say how it went.
            found.extend(runs::judge_runs(model, now));
            waits = runs::waits_for_verdict(model, &watching.incident, now);
            let (missed, fired) = (runs::to_be_judged(model, now), model.went_unseen());
            let wanted = Interest { missed, fired, ..Interest::default() };
            watching.interest.send_if_modified(|interest| {
                let changed = *interest != wanted;
                *interest = wanted;
                changed
            });
        }
        for event in found {
            // Another one was first: its record comes in by itself.
            let _ = log(vec![event]).await;
        }
        let due = runs::due_steps(model, now);
        runner.take(due.clone());
        let goes_on = runner.has_to_do(&due) || runs::any_goes_on(model, now);
        if !(waits || goes_on && Instant::now() < last) {
            break;
        }
        // A record, what a source says, or the next look at the clock.
        tokio::select! {
            arrival = arrivals.recv() => {
                let Some(arrival) = arrival else { break };
                take_in(model, arrival);
            }
            event = heard(&mut watching) => observe(model, event),
            () = sleep(LOOK) => {}
        }
        while let Ok(arrival) = arrivals.try_recv() {
            take_in(model, arrival);
        }
        while let Some(event) = watching.as_mut().and_then(|all| all.events.try_recv().ok()) {
            observe(model, event);
        }
    }
    if let Some(watching) = watching {
        watching.end();
    }
    // What is under way goes on at its pipeline, and is looked for by whoever comes next.
    runner.end().await;
    drop(log);
    let ending = tokio::task::spawn_blocking(move || logger.finish());
    while let Some(arrival) = arrivals.recv().await {
        take_in(model, arrival);
    }
    ending.await.map_err(std::io::Error::other)?;
    Ok(())
}

/// What a source says next; nothing ever, when none is asked.
async fn heard(watching: &mut Option<Watching>) -> Event {
    match watching {
        Some(watching) => match watching.events.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

fn observe(model: &mut Model, event: Event) {
    match event {
        Event::Observed { source, at, seen } => model.observe(&source, at, seen),
        Event::Source(status) => model.source(status),
    }
}

fn take_in(model: &mut Model, arrival: Arrival) {
    if let Arrival::Msg(Msg::Recorded { records, .. }) = arrival {
        records.iter().for_each(|record| model.apply(record));
    }
}
