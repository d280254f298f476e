//! The runner: steps of released runs, each started once and watched until it ends, whatever dies meanwhile.
//!
//! ```text
//! requested ─► attempt recorded ─► Pipeline::start ─► seen … ─► ended: done │ failed │ refused │ unknown
//!     ▲         (claimed: of several    │                                             │
//!     │          consoles one may)      └ no answer ─► Pipeline::find ────────────────┤
//!     └── an attempt of which nothing is heard ──────► find, watch; never started anew┘
//! ```
//!
//! What is due follows from the records ([`crate::actions::runs::due_steps`]); here it is only remembered
//! what this console has in hand. Looking changes nothing at the other side, so several consoles may look.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::outbox::Log;
use crate::actions::runs::DueStep;
use crate::connectors::Clock;
use crate::connectors::pipelines::{Begun, NotBegun, Pipeline, Progress, RunState};
use crate::domain::{Outcome, SafeText, Stage};
use crate::eventlog::{IncidentEvent, LogEvent, RecordId, RunSeen};

/// A pipeline that has not said whether it began something by then: it is looked for.
const START: Duration = Duration::from_secs(60);
/// How long after a lost answer it is looked for: the other side may still be at work.
const BEFORE_LOOKING: Duration = Duration::from_secs(2);
/// How often a run is looked at, at first and at most.
const FIRST: Duration = Duration::from_millis(500);
const SLOWEST: Duration = Duration::from_secs(5);
/// What could not be found is looked for again after so long.
const AGAIN: Duration = Duration::from_secs(30);
/// Most characters of a mark.
const MARK: usize = 120;

/// What the runner works with.
pub(crate) struct Means {
    /// Pipelines.
    pub(crate) pipelines: Vec<Arc<dyn Pipeline>>,
    /// The clock.
    pub(crate) clock: Arc<dyn Clock>,
    /// The log.
    pub(crate) log: Log,
}

/// The runner's end of the console.
pub(crate) struct Runner {
    means: Arc<Means>,
    in_hand: BTreeMap<RecordId, Option<Instant>>,
    doing: JoinSet<RecordId>,
}

impl Runner {
    /// A runner that has nothing in hand.
    pub(crate) fn new(means: Means) -> Self {
        Self { means: Arc::new(means), in_hand: BTreeMap::new(), doing: JoinSet::new() }
    }

    /// Speaks to other pipelines from now on; what is under way goes on as it was begun.
    pub(crate) fn change(&mut self, pipelines: Vec<Arc<dyn Pipeline>>) {
        let (clock, log) = (self.means.clock.clone(), self.means.log.clone());
        self.means = Arc::new(Means { pipelines, clock, log });
    }

    /// Lets go of what is under way, which stands as cut off and is looked for by whoever takes it on next.
    pub(crate) async fn end(mut self) {
        self.doing.shutdown().await;
    }

    /// Whether there is anything to wait for in these: steps of which nobody can tell, and which were looked at
    /// here without finding out more, wait for a person.
    pub(crate) fn has_to_do(&self, due: &[DueStep]) -> bool {
        let looked_at = |step: &DueStep| matches!(self.in_hand.get(&step.request), Some(Some(_)));
        due.iter().any(|step| !(step.unknown && looked_at(step)))
    }

    /// Takes on what is due and not in hand already.
    pub(crate) fn take(&mut self, due: Vec<DueStep>) {
        while let Some(done) = self.doing.try_join_next() {
            if let Ok(request) = done {
                self.in_hand.insert(request, Some(Instant::now()));
            }
        }
        self.in_hand.retain(|_, done| done.is_none_or(|at| at.elapsed() < AGAIN));
        for step in due {
            if self.in_hand.contains_key(&step.request) {
                continue;
            }
            self.in_hand.insert(step.request, None);
            let means = self.means.clone();
            self.doing.spawn(async move {
                let request = step.request;
                carry_out(&means, step).await;
                request
            });
        }
    }
}

/// One step from its start, or from where it was cut off, to its end.
pub(crate) async fn carry_out(means: &Means, step: DueStep) {
    // Another console may have the pipeline; here nothing can be said.
    let Some(pipeline) = means.pipelines.iter().find(|one| *one.id() == step.order.pipeline) else {
        return;
    };
    let key = step.request.to_string();
    let found = if step.attempted {
        look_for(pipeline.as_ref(), &step, &key).await
    } else {
        let (request, by) = (step.request, pipeline.id().text().clone());
        let attempt = LogEvent::OperationAttempted { request, after: None, by };
        // Another console was first, or nothing can be recorded: then nothing may be started either.
        if (means.log)(vec![attempt]).await.is_err() {
            return;
        }
        start(pipeline.as_ref(), &step, &key).await
    };
    let outcome = match found {
        Ok(begun) => {
            see(means, &step, &begun, Stage::Queued, &[]).await;
            watch(means, pipeline.as_ref(), &step, begun).await
        }
        Err(outcome) => outcome,
    };
    // That it is still unknown has been said.
    if step.unknown && matches!(outcome, Outcome::Unknown { .. }) {
        return;
    }
    let ended = LogEvent::OperationEnded { request: step.request, outcome };
    // When this cannot be recorded, the step stands as cut off, and is looked for.
    let _ = (means.log)(vec![ended]).await;
}

async fn start(pipeline: &dyn Pipeline, step: &DueStep, key: &str) -> Result<Begun, Outcome> {
    let why = match timeout(START, pipeline.start(&step.order, key)).await {
        Ok(Ok(begun)) => return Ok(begun),
        Ok(Err(NotBegun::Refused(why))) => return Err(Outcome::Refused { why }),
        Ok(Err(NotBegun::Unknown(why))) => why,
        Err(_) => SafeText::new("It did not say within a minute whether it began."),
    };
    tokio::time::sleep(BEFORE_LOOKING).await;
    match pipeline.find(&step.order, key).await {
        Ok(Some(begun)) => Ok(begun),
        Ok(None) => {
            let why = format!("{why} It was looked for and was certainly not started.");
            Err(Outcome::Refused { why: SafeText::body(&why) })
        }
        Err(more) => Err(Outcome::Unknown { why: SafeText::body(&format!("{why} {more}")) }),
    }
}

/// A step that somebody attempted: it is never started again.
async fn look_for(pipeline: &dyn Pipeline, step: &DueStep, key: &str) -> Result<Begun, Outcome> {
    if !step.receipt.is_empty() {
        return Ok(Begun { receipt: step.receipt.clone(), url: step.url.clone() });
    }
    match pipeline.find(&step.order, key).await {
        Ok(Some(begun)) => Ok(begun),
        Ok(None) => Err(Outcome::Refused {
            why: SafeText::new(
                "The console that was about to start it was cut off, and it was certainly not started. \
                 Propose it anew if it is still wanted.",
            ),
        }),
        Err(why) => Err(Outcome::Unknown {
            why: SafeText::body(&format!(
                "The console that was about to start it was cut off, and it may have been started. {why} Look \
                 there, then settle it."
            )),
        }),
    }
}

async fn watch(means: &Means, pipeline: &dyn Pipeline, step: &DueStep, begun: Begun) -> Outcome {
    let (mut wait, mut said) = (FIRST, None);
    loop {
        let trouble = match timeout(START, pipeline.watch(&step.order, &begun)).await {
            Ok(Ok(Progress { state, lines })) => {
                let stage = match state {
                    RunState::Under(stage) => stage,
                    RunState::Done => {
                        see(means, step, &begun, Stage::Running, &lines).await;
                        let Begun { receipt, url } = begun;
                        return Outcome::Received { receipt, url };
                    }
                    RunState::Failed(why) | RunState::Stopped(why) => {
                        see(means, step, &begun, Stage::Running, &lines).await;
                        return Outcome::Failed { why, url: begun.url };
                    }
                    RunState::Gone(why) => return Outcome::Unknown { why },
                };
                if said.as_ref() != Some(&(stage, lines.clone())) {
                    see(means, step, &begun, stage, &lines).await;
                    said = Some((stage, lines));
                }
                SafeText::default()
            }
            // It goes on there, whether it can be asked or not.
            Ok(Err(why)) => why,
            Err(_) => SafeText::new("It did not answer within a minute."),
        };
        let over = step.since.plus(step.order.deadline).plus(pipeline.leeway());
        if means.clock.now() > over {
            let why = format!(
                "It had not ended after {}. {trouble} It may still take effect: look at {}, stop it there or \
                 wait, then settle it.",
                step.order.deadline, begun.receipt
            );
            return Outcome::Unknown { why: SafeText::body(&why) };
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 3 / 2).min(SLOWEST);
    }
}

/// Records how far it is; of several consoles that see the same, the store takes one.
async fn see(means: &Means, step: &DueStep, begun: &Begun, stage: Stage, lines: &[SafeText]) {
    let last = lines.last().map_or("", SafeText::as_str);
    let mark = format!("{}/{stage:?}/{}/{}/{last}", step.step, lines.len(), begun.receipt);
    let mark: String = mark.chars().take(MARK).collect();
    let event = IncidentEvent::from(RunSeen {
        run: step.run,
        step: step.step,
        stage,
        receipt: begun.receipt.clone(),
        url: begun.url.clone(),
        lines: lines.to_vec(),
        mark: SafeText::new(&mark),
    });
    let event = LogEvent::Incident { incident: step.incident.clone(), event };
    // Another one was first, or the disk does not take it: the outcome is what counts.
    let _ = (means.log)(vec![event]).await;
}
