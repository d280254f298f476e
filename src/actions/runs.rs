//! What is to be done about released runs, whoever does it: begin the next step, start it at its pipeline,
//! look for one that was cut off, judge one whose window is over. Every console finds the same things; the
//! store takes each once.

use crate::domain::{
    IncidentId, Operation, Order, Outcome, RunVerdict, SafeText, SloId, Span, Timestamp,
};
use crate::eventlog::{LogEvent, RecordId, RunStopped, RunVerified};
use crate::model::incidents::{Attention, Incident, Run, Waiting};
use crate::model::{BEFORE, Model};

/// A step of which nothing was heard for so long is looked for by any console.
const CUT_OFF: Span = Span::from_secs(15);

/// Nobody's verdict is *unknown* sooner than this after the window, or after the console came to look.
const CANNOT_TELL: Span = Span::from_secs(30);
/// A verdict that is not recorded so long after it could be said, is not waited for.
const LONGEST_WAIT: Span = Span::from_mins(2);
/// Runs older than this are not asked after any more.
const MOST_RECALLED: Span = Span::from_hours(2);

/// What a runner has to do for a step that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueStep {
    /// The incident.
    pub incident: IncidentId,
    /// The run.
    pub run: RecordId,
    /// Which of its steps.
    pub step: u16,
    /// The record that requested it: the key at the pipeline.
    pub request: RecordId,
    /// What is asked.
    pub order: Order,
    /// When it was requested; its deadline counts from here.
    pub since: Timestamp,
    /// Whether somebody attempted it: then it is looked for, and never started again.
    pub attempted: bool,
    /// As the pipeline names it, when that was recorded, and where to look at it.
    pub receipt: SafeText,
    /// Where to look at it.
    pub url: SafeText,
    /// Whether it was said already that nobody can tell.
    pub unknown: bool,
}

/// How far a run is, in one word and with what it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunStanding {
    /// Nobody has approved it yet.
    Proposed,
    /// It may be released.
    Approved,
    /// Somebody said no.
    Rejected,
    /// It was not released in time.
    Expired,
    /// It begins then, unless somebody stops it.
    Window(Timestamp),
    /// This step is under way.
    Running(u16),
    /// It may or may not have happened; a person looks.
    Unknown(u16),
    /// This step ended badly, or was refused.
    Failed(u16, SafeText),
    /// Somebody stopped it before this step.
    Stopped(u16),
    /// All steps are done; it is watched until then.
    Watched(Timestamp),
    /// Judged.
    Verified(crate::domain::RunVerdict),
}

impl RunStanding {
    /// In a few words.
    pub fn words(&self) -> String {
        match self {
            Self::Proposed => "waits for a second person".to_owned(),
            Self::Approved => "may be released".to_owned(),
            Self::Rejected => "was not approved".to_owned(),
            Self::Expired => "expired".to_owned(),
            Self::Window(until) => format!("begins at {until}"),
            Self::Running(step) => format!("step {} is under way", step + 1),
            Self::Unknown(step) => format!("step {}: nobody can tell", step + 1),
            Self::Failed(step, why) => format!("step {} failed: {why}", step + 1),
            Self::Stopped(0) => "was stopped before it began".to_owned(),
            Self::Stopped(step) => format!("was stopped before step {}", step + 1),
            Self::Watched(until) => format!("done; watched until {until}"),
            Self::Verified(verdict) => verdict.name().to_owned(),
        }
    }
}

/// The outcome of a step that was requested.
fn outcome<'m>(model: &'m Model, run: &Run, step: u16) -> Option<(&'m Outcome, RecordId)> {
    let request = run.steps.get(&step)?;
    Some((model.journal.operations.get(request)?.outcome.as_ref()?, *request))
}

/// How a run stands.
pub fn standing(model: &Model, run: &Run, now: Timestamp) -> RunStanding {
    if let Some(verified) = &run.verified {
        return RunStanding::Verified(verified.verdict);
    }
    let steps = u16::try_from(run.orders.len()).unwrap_or(u16::MAX);
    for step in 0..steps {
        let stopped = run.stopped.as_ref().is_some_and(|(before, ..)| *before <= step);
        if !run.steps.contains_key(&step) {
            return match &run.released {
                _ if stopped => RunStanding::Stopped(step),
                Some((at, _)) if step == 0 => RunStanding::Window(at.plus(run.cancel_window)),
                Some(_) => RunStanding::Running(step),
                None => waiting(model, run, now),
            };
        }
        match outcome(model, run, step).map(|(outcome, _)| outcome) {
            Some(Outcome::Done { .. } | Outcome::Received { .. }) => {}
            Some(Outcome::Refused { why } | Outcome::Failed { why, .. }) => {
                return RunStanding::Failed(step, why.clone());
            }
            Some(Outcome::Unknown { .. }) => return RunStanding::Unknown(step),
            Some(Outcome::Later { .. }) | None => return RunStanding::Running(step),
        }
    }
    RunStanding::Watched(effective(model, run).unwrap_or(now).plus(run.verify.window))
}

/// Runs of an incident that wait for somebody, a sentence each. One that was followed by another proposal no
/// longer asks for what is tried next.
pub fn attention(model: &Model, incident: &Incident, now: Timestamp) -> Vec<Attention> {
    let newest = incident.runs.values().map(|run| run.at).max();
    let one = |(id, run): (&RecordId, &Run)| {
        let (title, last) = (&run.title, Some(run.at) == newest);
        let next = run.backup.as_ref().map_or_else(
            || "no backup is declared".to_owned(),
            |backup| format!("the backup is {backup}"),
        );
        let ended = run.verified.as_ref().map_or(run.at, |verified| verified.at);
        let (what, since, sentence) = match standing(model, run, now) {
            RunStanding::Proposed => {
                let text = format!("“{title}” waits for a second person.");
                (Waiting::RunWaits(*id), run.at, text)
            }
            RunStanding::Approved => {
                (Waiting::RunWaits(*id), run.at, format!("“{title}” waits to be released."))
            }
            RunStanding::Unknown(step) => {
                let step = step + 1;
                let text =
                    format!("Whether step {step} of “{title}” happened is unknown: look there.");
                (Waiting::RunBad(*id), run.at, text)
            }
            RunStanding::Failed(step, _) if last => {
                let text = format!("Step {} of “{title}” failed; {next}.", step + 1);
                (Waiting::RunBad(*id), run.at, text)
            }
            RunStanding::Verified(RunVerdict::Worse) if last => {
                (Waiting::RunBad(*id), ended, format!("“{title}” made it worse; {next}."))
            }
            RunStanding::Verified(RunVerdict::NoChange | RunVerdict::Unknown) if last => {
                let verdict = run.verified.as_ref().map_or("", |one| one.verdict.name());
                (Waiting::RunWaits(*id), ended, format!("“{title}”: {verdict}; {next}."))
            }
            _ => return None,
        };
        Some(Attention { what, since, sentence: SafeText::new(&sentence) })
    };
    incident.runs.iter().filter_map(one).collect()
}

fn waiting(model: &Model, run: &Run, now: Timestamp) -> RunStanding {
    if run.answers.iter().any(|answer| !answer.approved) {
        return RunStanding::Rejected;
    }
    if now > run.expires {
        return RunStanding::Expired;
    }
    let duties = &model.duties;
    let second = run.answers.iter().any(|a| a.approved && duties.are_two_people(run.key, a.key));
    if second || !run.second_person || !duties.asks_second_person() {
        RunStanding::Approved
    } else {
        RunStanding::Proposed
    }
}

/// When the last step took effect: when its outcome was recorded.
pub fn effective(model: &Model, run: &Run) -> Option<Timestamp> {
    model.took_effect(run)
}

fn runs(model: &Model) -> impl Iterator<Item = (&Incident, RecordId, &Run)> {
    let open = model.incidents.incidents.values().filter(|one| one.merged_into.is_none());
    open.flat_map(|one| one.runs.iter().map(move |(id, run)| (one, *id, run)))
}

/// A run that asks the same of the same pipelines and is not over, with how it stands.
pub struct Twin<'m> {
    /// Its incident.
    pub incident: &'m Incident,
    /// Its name in the log.
    pub id: RecordId,
    /// The run.
    pub run: &'m Run,
    /// How it stands.
    pub standing: RunStanding,
}

/// Runs, of any incident, that ask just this and wait to be decided, are under way or may have happened:
/// what two people propose at the same time is to be done once.
pub fn twins<'m>(
    model: &'m Model,
    orders: &'m [Order],
    now: Timestamp,
) -> impl Iterator<Item = Twin<'m>> {
    let asks = |order: &'m Order| (&order.pipeline, &order.ask);
    let same = move |run: &Run| {
        !orders.is_empty()
            && run.orders.len() == orders.len()
            && run.orders.iter().zip(orders).all(|(a, b)| (&a.pipeline, &a.ask) == asks(b))
    };
    let open = runs(model).filter(move |(_, _, run)| run.verified.is_none() && same(run));
    open.filter_map(move |(incident, id, run)| {
        use RunStanding as S;
        let standing = standing(model, run, now);
        let waits = matches!(standing, S::Proposed | S::Approved | S::Window(_));
        let is_open = waits || matches!(standing, S::Running(_) | S::Unknown(_));
        is_open.then_some(Twin { incident, id, run, standing })
    })
}

/// Who released the same before this run was released, if that is not over.
fn forestalled(model: &Model, id: RecordId, run: &Run, now: Timestamp) -> Option<SafeText> {
    let ours = (run.released.as_ref()?.0, id);
    let first =
        |twin: &Twin<'_>| twin.run.released.as_ref().is_some_and(|(at, _)| (*at, twin.id) < ours);
    let twin = twins(model, &run.orders, now).find(first)?;
    let by = twin.run.released.as_ref().map_or(&twin.run.by, |(_, by)| by);
    Some(SafeText::new(&format!("{by} had released the same before, and it is done once")))
}

/// Steps that begin now: each is one fact, which the store takes once. Of two runs that ask for the same and
/// were released in the same moment, the later one is stopped before it begins.
pub fn begin_steps(model: &Model, now: Timestamp) -> Vec<LogEvent> {
    let next = |(incident, id, run): (&Incident, RecordId, &Run)| {
        let stands = standing(model, run, now);
        let forestalled = match stands {
            RunStanding::Window(_) => forestalled(model, id, run, now),
            _ => None,
        };
        if let Some(reason) = forestalled {
            let event = RunStopped { run: id, before: 0, reason }.into();
            return Some(LogEvent::Incident { incident: incident.id.clone(), event });
        }
        let step = match stands {
            RunStanding::Window(until) if now >= until => 0,
            RunStanding::Running(step) if !run.steps.contains_key(&step) => step,
            _ => return None,
        };
        let order = run.orders.get(usize::from(step))?.clone();
        let (incident, run) = (incident.id.clone(), SafeText::new(&id.to_string()));
        let operation = Operation::Run { incident, run, step, order };
        Some(LogEvent::OperationRequested { operation })
    };
    runs(model).filter_map(next).collect()
}

/// Whether any released run is not at its end: its window is open, or a step is under way.
pub fn any_goes_on(model: &Model, now: Timestamp) -> bool {
    runs(model).any(|(_, _, run)| {
        matches!(standing(model, run, now), RunStanding::Window(_) | RunStanding::Running(_))
    })
}

/// Steps that were begun and have no final outcome. `ours` are started at once; others, and those cut off,
/// when nothing was heard of them for a while.
pub fn due_steps(model: &Model, now: Timestamp) -> Vec<DueStep> {
    let due = |(incident, id, run): (&Incident, RecordId, &Run)| {
        let (step, request) = run.steps.iter().next_back()?;
        let open = model.journal.operations.get(request)?;
        if open.outcome.as_ref().is_some_and(Outcome::is_final) {
            return None;
        }
        let order = run.orders.get(usize::from(*step))?.clone();
        let attempt = open.attempt.as_ref();
        let heard = attempt.map(|attempt| attempt.at);
        let silent = heard.is_none_or(|at| now.since(at) >= CUT_OFF);
        (attempt.is_none() || silent).then(|| DueStep {
            incident: incident.id.clone(),
            run: id,
            step: *step,
            request: *request,
            order,
            since: open.at,
            attempted: attempt.is_some(),
            receipt: run.seen.get(step).map(|seen| seen.receipt.clone()).unwrap_or_default(),
            url: run.seen.get(step).map(|seen| seen.url.clone()).unwrap_or_default(),
            unknown: open.outcome.is_some(),
        })
    };
    runs(model).filter_map(due).collect()
}

/// Whether a console that cannot tell has given others, and its own sources, the time to.
fn has_waited(model: &Model, now: Timestamp, until: Timestamp) -> bool {
    let since = model.began.map_or(until, |began| began.max(until));
    now.since(since) >= CANNOT_TELL
}

/// Whether a run of this incident is watched, or its verdict is about to be said.
pub fn waits_for_verdict(model: &Model, incident: &IncidentId, now: Timestamp) -> bool {
    let Some(incident) = model.incidents.incidents.get(incident) else { return false };
    incident.runs.values().any(|run| match standing(model, run, now) {
        RunStanding::Watched(until) => {
            let since = model.began.map_or(until, |began| began.max(until));
            now.since(since) < LONGEST_WAIT
        }
        _ => false,
    })
}

/// What whoever waits for this incident's runs is told while they go on, a sentence each: which step is under
/// way, or how what it is judged by stands.
pub fn progress(model: &Model, incident: &IncidentId, now: Timestamp) -> Vec<(RecordId, String)> {
    let all = model.incidents.incidents.get(incident).into_iter().flat_map(|one| &one.runs);
    let one = |(id, run): (&RecordId, &Run)| {
        let stands = standing(model, run, now);
        let more = match &stands {
            RunStanding::Window(_) => String::new(),
            RunStanding::Running(step) => {
                let order = run.orders.get(usize::from(*step));
                order.map(|order| format!(" ({})", order.title)).unwrap_or_default()
            }
            RunStanding::Watched(until) => {
                let from = effective(model, run).unwrap_or(run.at);
                let judged = model.verify(&run.verify, run.at, from, now.min(*until));
                let figures = judged.figures.iter().map(|(of, text)| format!("; {of}: {text}"));
                figures.collect()
            }
            _ => return None,
        };
        Some((*id, format!("{}: {}{more}.", run.title, stands.words())))
    };
    all.filter_map(one).collect()
}

/// The objectives of runs that were released and not judged yet, and since when their readings count.
pub fn to_be_judged(model: &Model, now: Timestamp) -> Option<(Timestamp, Vec<SloId>)> {
    let mut found: Option<(Timestamp, Vec<SloId>)> = None;
    for (_, _, run) in runs(model) {
        let open = run.released.is_some() && run.stopped.is_none() && run.verified.is_none();
        // What was left lying for longer is judged by nobody's readings.
        if !open || run.verify.slos.is_empty() || now.since(run.at) > MOST_RECALLED {
            continue;
        }
        let (since, slos) = found.get_or_insert_with(|| (run.at, Vec::new()));
        *since = (*since).min(run.at.minus(BEFORE));
        slos.extend(run.verify.slos.iter().cloned());
    }
    let (since, mut slos) = found?;
    slos.sort_unstable();
    slos.dedup();
    Some((since, slos))
}

/// Runs whose window is over, judged. A console that has not seen enough to tell leaves the word to one that
/// has, and to the answers that are still to come, for a while: what is recorded first stays.
pub fn judge_runs(model: &Model, now: Timestamp) -> Vec<LogEvent> {
    let over = |(incident, id, run): (&Incident, RecordId, &Run)| {
        let RunStanding::Watched(until) = standing(model, run, now) else { return None };
        if now < until {
            return None;
        }
        let from = effective(model, run)?;
        let judged = model.verify(&run.verify, run.at, from, until);
        if judged.verdict == RunVerdict::Unknown && !has_waited(model, now, until) {
            return None;
        }
        let event = RunVerified { run: id, verdict: judged.verdict, figures: judged.figures };
        Some(LogEvent::Incident { incident: incident.id.clone(), event: event.into() })
    };
    runs(model).filter_map(over).collect()
}
