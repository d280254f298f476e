//! What is to be done next, from the records alone: pure, with time and luck as values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::{ChannelId, Operation, Outcome, Playbook, Purpose, Timestamp};
use crate::eventlog::{RecordId, Recorded};
use crate::model::{Journal, OpenOperation};

/// Other consoles leave the first attempt to the one that asked, for so long.
const OTHERS_WAIT: Duration = Duration::from_secs(2);
/// An attempt of another console that has not ended after so long was cut off. No outlet may take longer.
const CUT_OFF: Duration = Duration::from_secs(60);
/// First wait after a failure; doubles each time.
const BASE: Duration = Duration::from_secs(2);
/// Longest wait between attempts.
const CAP: Duration = Duration::from_secs(300);
/// How soon a message looks again whether the one before it in its channel is through.
const NEXT_IN_LINE: Duration = Duration::from_millis(100);
/// Attempts by one channel before its fallback is tried.
const TRIES: usize = 3;

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// Try it.
    Attempt {
        /// The request.
        request: RecordId,
        /// The attempt before.
        after: Option<RecordId>,
        /// By which channel or tracker.
        by: String,
        /// What.
        operation: Operation,
        /// Where it goes when this one refuses it for good.
        fallback: Option<String>,
    },
    /// Find out what came of an attempt that was cut off.
    LookBack {
        /// The request.
        request: RecordId,
        /// By which channel or tracker it was tried.
        by: String,
        /// What.
        operation: Operation,
    },
}

impl Step {
    /// The channel or tracker.
    fn by(&self) -> &str {
        match self {
            Self::Attempt { by, .. } | Self::LookBack { by, .. } => by,
        }
    }

    pub(super) const fn request(&self) -> RecordId {
        match self {
            Self::Attempt { request, .. } | Self::LookBack { request, .. } => *request,
        }
    }
}

/// All operations of the outbox that are not ended.
pub(super) struct Steps {
    journal: Journal,
    open: BTreeMap<RecordId, Watch>,
    playbook: Arc<Playbook>,
    /// Channels that refused an operation for good. A restart forgets it and is refused once more.
    refused: BTreeSet<(RecordId, String)>,
}

/// What this console knows of an operation besides its records.
#[derive(Debug, Clone)]
struct Watch {
    /// When it may be tried next.
    due: Instant,
    /// Being done by this console, on this channel or tracker.
    busy: Option<String>,
    /// The attempt that `due` was made for.
    seen: Option<(RecordId, bool)>,
}

impl Steps {
    /// On what the log held at the start; `ours` may be tried at once.
    pub(super) fn new(journal: Journal, playbook: Arc<Playbook>, ours: bool, now: Instant) -> Self {
        let (open, refused) = (BTreeMap::new(), BTreeSet::new());
        let mut steps = Self { journal, open, playbook, refused };
        steps.look(ours, now, &|| 0.0);
        steps
    }

    /// Takes in records; `ours` may be tried at once.
    pub(super) fn take(
        &mut self,
        records: &[Recorded],
        ours: bool,
        now: Instant,
        luck: impl Fn() -> f64,
    ) {
        for record in records {
            self.journal.apply(record);
        }
        self.look(ours, now, &luck);
    }

    /// Other fallbacks from now on. A channel that refused something may have been mended.
    pub(super) fn change(&mut self, playbook: Arc<Playbook>) {
        self.playbook = playbook;
        self.refused.clear();
    }

    fn look(&mut self, ours: bool, now: Instant, luck: &dyn Fn() -> f64) {
        let journal = &self.journal;
        self.open.retain(|id, _| journal.operations.get(id).is_some_and(OpenOperation::is_waiting));
        for (id, operation) in journal.operations.iter().filter(|(_, o)| o.is_waiting()) {
            let wait = if ours { Duration::ZERO } else { OTHERS_WAIT };
            let watch = self.open.entry(*id).or_insert_with(|| Watch {
                due: now + wait,
                busy: None,
                seen: None,
            });
            let Some(attempt) = &operation.attempt else { continue };
            let seen = Some((attempt.record, attempt.ended));
            if watch.seen != seen {
                watch.seen = seen;
                // Whoever tries it has until then; what failed is tried again later and later.
                let wait = if attempt.ended { backoff(attempt.number, luck()) } else { CUT_OFF };
                watch.due = now + wait;
            }
        }
    }

    /// A step of this console ended; `refused` names the channel that will never take it.
    pub(super) fn ended(&mut self, request: RecordId, refused: Option<String>) {
        self.refused.extend(refused.map(|by| (request, by)));
        if let Some(watch) = self.open.get_mut(&request) {
            watch.busy = None;
        }
    }

    /// What is due. `known` says which channels and trackers this console can speak to.
    pub(super) fn due(
        &mut self,
        now: Instant,
        clock: Timestamp,
        known: impl Fn(&str) -> bool,
    ) -> Vec<Step> {
        let mut steps = Vec::new();
        // Each channel takes one at a time, the older first: the second update must not overtake the first.
        let at = |id: &RecordId| self.journal.operations.get(id).map(|operation| operation.at);
        let mut order: Vec<RecordId> = self.open.keys().copied().collect();
        order.sort_by_key(|id| (at(id), *id));
        let mut taken: BTreeSet<String> =
            self.open.values().filter_map(|watch| watch.busy.clone()).collect();
        for request in order {
            let Some(operation) = self.journal.operations.get(&request) else { continue };
            let Some(watch) = self.open.get_mut(&request) else { continue };
            if watch.busy.is_some()
                || watch.due > now
                || matches!(operation.outcome, Some(Outcome::Unknown { .. }))
            {
                continue;
            }
            let step = match &operation.attempt {
                Some(attempt) if !attempt.ended => Step::LookBack {
                    request,
                    by: attempt.by.to_string(),
                    operation: operation.operation.clone(),
                },
                attempt => {
                    if let Some(wait) = held_back(operation, clock) {
                        watch.due = now + wait;
                        continue;
                    }
                    let tries = |name: &str| {
                        self.journal.attempts(request).filter(|a| a.by.as_str() == name).count()
                    };
                    let able = |name: &str| {
                        known(name) && !self.refused.contains(&(request, name.to_owned()))
                    };
                    let chosen = choose(&self.playbook, &operation.operation, tries, &able);
                    let Some((by, fallback)) = chosen else { continue };
                    let after = attempt.as_ref().map(|a| a.record);
                    let operation = operation.operation.clone();
                    Step::Attempt { request, after, by, operation, fallback }
                }
            };
            if !taken.insert(step.by().to_owned()) {
                watch.due = now + NEXT_IN_LINE;
                continue;
            }
            watch.busy = Some(step.by().to_owned());
            // Should nothing come of it, because another console was first or nothing could be recorded.
            watch.due = now + CUT_OFF;
            steps.push(step);
        }
        steps
    }

    /// How long until something may be due; `None` when nothing waits.
    pub(super) fn wait(&self, now: Instant, clock: Timestamp) -> Option<Duration> {
        let due =
            self.open.iter().filter(|(_, watch)| watch.busy.is_none()).filter_map(|(id, watch)| {
                let operation = self.journal.operations.get(id)?;
                if matches!(operation.outcome, Some(Outcome::Unknown { .. })) {
                    return None;
                }
                let held = held_back(operation, clock).unwrap_or_default();
                Some(watch.due.saturating_duration_since(now).max(held))
            });
        due.min()
    }
}

/// How long the other side asks to be left alone, at most the cap: its clock or ours may be wrong.
fn held_back(operation: &OpenOperation, clock: Timestamp) -> Option<Duration> {
    let Some(Outcome::Later { at, .. }) = &operation.outcome else { return None };
    let wait = u64::try_from(at.since(clock).millis()).ok().filter(|wait| *wait > 0)?;
    Some(Duration::from_millis(wait).min(CAP))
}

/// Full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter").
fn backoff(tried: u32, luck: f64) -> Duration {
    let most = BASE.saturating_mul(1 << tried.min(16)).min(CAP);
    most.mul_f64(luck.clamp(0.0, 1.0))
}

/// The channel or tracker for the next attempt, and where it goes after that.
fn choose(
    playbook: &Playbook,
    operation: &Operation,
    tries: impl Fn(&str) -> usize,
    known: &impl Fn(&str) -> bool,
) -> Option<(String, Option<String>)> {
    let message = match operation {
        Operation::Send(message) => message,
        Operation::Ticket { tracker, .. } => {
            return known(tracker.as_str()).then(|| (tracker.to_string(), None));
        }
        Operation::Silence { .. } | Operation::Expire { .. } | Operation::Run { .. } => {
            return None;
        }
    };
    let mut chain: Vec<&ChannelId> = vec![&message.channel];
    // A delivery test is about this channel and no other.
    if !matches!(message.purpose, Purpose::Test { .. }) {
        while let Some(next) = chain
            .last()
            .and_then(|last| playbook.channels.iter().find(|c| c.id == **last))
            .and_then(|channel| channel.fallback.as_ref())
            .filter(|next| !chain.contains(next))
        {
            chain.push(next);
        }
    }
    let chain: Vec<&str> =
        chain.into_iter().map(ChannelId::as_str).filter(|name| known(name)).collect();
    // Each gets its tries before the next; when all have had them, they get as many again.
    let at = (1..=1_000).find_map(|round| chain.iter().position(|n| tries(n) < TRIES * round))?;
    let next = chain.get(at + 1).map(|name| (*name).to_owned());
    Some((chain[at].to_owned(), next))
}
