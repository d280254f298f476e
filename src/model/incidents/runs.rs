//! Runs of procedures: proposed, approved, released, begun, ended, verified; each a record.
//!
//! ```text
//! proposed ─► approved ─► released ─ cancel window ─► step 0 requested ─► … ─► verified
//!     │          │            │                            ▲
//!     └ refused ─┴ expired    └ stopped ──── one place ────┘ the store says which was first
//! ```
//!
//! The outcome of a requested step is an operation's, in the journal.

use std::collections::BTreeMap;

use crate::domain::{
    Actor, ChangeKey, Order, Outcome, ProcedureId, ProcedureKind, RunVerdict, SafeText, ServiceId,
    Span, Timestamp, Verify,
};
use crate::eventlog::{
    KeyId, RecordId, RunAnswered, RunProposed, RunReleased, RunSeen, RunStopped, RunVerified,
};

use super::Incident;
use super::fold::{Fact, Said};
use super::words::{because, clock, length, quoted};
use super::work::missing;

/// A run of a procedure.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Which procedure.
    pub procedure: ProcedureId,
    /// What it is called.
    pub title: SafeText,
    /// What it is for.
    pub kind: ProcedureKind,
    /// The service it acts on.
    pub service: ServiceId,
    /// Each step as it is sent.
    pub orders: Vec<Order>,
    /// The change it takes back.
    pub change: Option<ChangeKey>,
    /// The run it takes back.
    pub undoes: Option<RecordId>,
    /// Why.
    pub reason: SafeText,
    /// What was known when it was proposed.
    pub card: Vec<(SafeText, SafeText)>,
    /// What is watched afterwards.
    pub verify: Verify,
    /// The procedure to try when it does not help.
    pub backup: Option<ProcedureId>,
    /// Whether a second person has to approve.
    pub second_person: bool,
    /// Nothing is sent for so long after release.
    pub cancel_window: Span,
    /// An approval after that no longer counts.
    pub expires: Timestamp,
    /// Who proposed it.
    pub by: Actor,
    /// With which key: the same person cannot approve it.
    pub key: KeyId,
    /// When.
    pub at: Timestamp,
    /// What others said: who, with which key, when, approved, note.
    pub answers: Vec<RunAnswer>,
    /// When and by whom it was released.
    pub released: Option<(Timestamp, Actor)>,
    /// The first step that is not begun any more, who stopped it, when and why.
    pub stopped: Option<(u16, Actor, Timestamp, SafeText)>,
    /// The requests of the steps that were begun; their outcomes are in the journal.
    pub steps: BTreeMap<u16, RecordId>,
    /// What the pipeline last said of each step.
    pub seen: BTreeMap<u16, RunSeen>,
    /// How each step was last said to have ended.
    ends: BTreeMap<u16, SafeText>,
    /// How it was found to have worked.
    pub verified: Option<Verified>,
}

impl Run {
    /// Whether what is known of its service is frozen before it begins: what is cut off or switched off shows
    /// nothing afterwards.
    pub fn is_frozen_before(&self) -> bool {
        matches!(self.kind, ProcedureKind::Containment | ProcedureKind::Degradation)
            && self.undoes.is_none()
    }
}

/// How a run was found to have worked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// In a word.
    pub verdict: RunVerdict,
    /// What it rests on, title and text.
    pub figures: Vec<(SafeText, SafeText)>,
    /// When it was judged.
    pub at: Timestamp,
}

/// What somebody said to a proposed run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunAnswer {
    /// Who.
    pub by: Actor,
    /// With which key.
    pub key: KeyId,
    /// When.
    pub at: Timestamp,
    /// May run.
    pub approved: bool,
    /// Words.
    pub note: SafeText,
}

pub(super) fn proposed(incident: &mut Incident, fact: &Fact<'_>, event: &RunProposed) -> String {
    let by = &fact.by;
    let said = format!("{by} proposed {}{}", quoted(&event.title), because(&event.reason));
    let event = event.clone();
    let run = Run {
        procedure: event.procedure,
        title: event.title,
        kind: event.kind,
        service: event.service,
        orders: event.orders,
        change: event.change,
        undoes: event.undoes,
        reason: event.reason,
        card: event.card,
        verify: event.verify,
        backup: event.backup,
        second_person: event.second_person,
        cancel_window: event.cancel_window,
        expires: event.expires,
        by: by.clone(),
        key: fact.record.key,
        at: fact.record.at,
        answers: Vec::new(),
        released: None,
        stopped: None,
        steps: BTreeMap::new(),
        seen: BTreeMap::new(),
        ends: BTreeMap::new(),
        verified: None,
    };
    incident.runs.insert(fact.record.id, run);
    said
}

/// Nobody approves what they proposed, whichever key they hold; nor when it is too late.
pub(super) fn answered(incident: &mut Incident, fact: &Fact<'_>, event: &RunAnswered) -> Said {
    let (by, key, at) = (&fact.by, fact.record.key, fact.record.at);
    let Some(run) = incident.runs.get_mut(&event.run) else {
        return Err(missing(by, "a run"));
    };
    let title = quoted(&run.title);
    if event.approved && (run.key == key || run.by == *by) {
        return Err(format!("refused: {by} approved their own run {title}"));
    }
    if event.approved && at > run.expires {
        let expired = clock(run.expires, at);
        return Err(format!("refused: {by} approved {title}, which expired at {expired}"));
    }
    if run.released.is_some() || run.stopped.is_some() {
        return Err(format!("refused: {by} answered {title}, which is decided already"));
    }
    run.answers.retain(|answer| answer.by != *by && answer.key != key);
    let (approved, note) = (event.approved, event.note.clone());
    run.answers.push(RunAnswer { by: by.clone(), key, at, approved, note });
    let verb = if event.approved { "approved" } else { "did not approve" };
    Ok(format!("{by} {verb} {title}{}", because(&event.note)))
}

/// Releasing holds only with what it needs; a release without it is a way around approval.
pub(super) fn released(incident: &mut Incident, fact: &Fact<'_>, event: &RunReleased) -> Said {
    let (by, at) = (&fact.by, fact.record.at);
    let Some(run) = incident.runs.get_mut(&event.run) else {
        return Err(missing(by, "a run"));
    };
    let title = quoted(&run.title);
    if run.released.is_some() || run.stopped.is_some() {
        return Err(format!("refused: {by} released {title}, which is decided already"));
    }
    if at > run.expires {
        let expired = clock(run.expires, at);
        return Err(format!("refused: {by} released {title}, which expired at {expired}"));
    }
    let second = run
        .answers
        .iter()
        .any(|answer| answer.approved && fact.duties.are_two_people(run.key, answer.key));
    if run.second_person && fact.duties.asks_second_person() && !second {
        return Err(format!("refused: {by} released {title}, which no second person approved"));
    }
    run.released = Some((at, by.clone()));
    Ok(format!("{by} released {title}; it begins in {}", length(run.cancel_window)))
}

pub(super) fn stopped(incident: &mut Incident, fact: &Fact<'_>, event: &RunStopped) -> Said {
    let (by, at) = (&fact.by, fact.record.at);
    let Some(run) = incident.runs.get_mut(&event.run) else {
        return Err(missing(by, "a run"));
    };
    let title = quoted(&run.title);
    if run.steps.contains_key(&event.before) {
        return Err(format!("refused: {by} stopped {title}, whose step had begun"));
    }
    if run.stopped.is_none() {
        run.stopped = Some((event.before, by.clone(), at, event.reason.clone()));
    }
    let where_ = if event.before == 0 {
        String::new()
    } else {
        format!(" before step {}", event.before + 1)
    };
    Ok(format!("{by} stopped {title}{where_}{}", because(&event.reason)))
}

/// A step is requested: exactly what was approved, of a run that was released and not stopped.
pub(super) fn begun(
    incident: &mut Incident,
    fact: &Fact<'_>,
    (run_id, step): (&SafeText, u16),
    order: &Order,
) -> Said {
    let by = &fact.by;
    let found = incident.runs.iter_mut().find(|(id, _)| id.to_string() == run_id.as_str());
    let Some((_, run)) = found else { return Err(missing(by, "a run")) };
    let title = quoted(&run.title);
    if run.released.is_none() {
        return Err(format!("refused: {by} began {title}, which was not released"));
    }
    if run.stopped.as_ref().is_some_and(|(before, ..)| *before <= step) {
        return Err(format!("refused: {by} began {title}, which was stopped"));
    }
    if run.orders.get(usize::from(step)) != Some(order) {
        return Err(format!(
            "refused: {by} began {title} with another request than the approved one"
        ));
    }
    run.steps.entry(step).or_insert(fact.record.id);
    Ok(format!("{} begins: {}", title, order.title))
}

pub(super) fn seen(incident: &mut Incident, fact: &Fact<'_>, event: &RunSeen) -> Said {
    let Some(run) = incident.runs.get_mut(&event.run) else {
        return Err(missing(&fact.by, "a run"));
    };
    let first =
        run.seen.insert(event.step, event.clone()).is_none_or(|seen| seen.receipt.is_empty());
    // The timeline says once where it runs; how far it is, is on the card.
    if !first || event.receipt.is_empty() {
        return Ok(String::new());
    }
    Ok(format!("{} runs as {}", quoted(&run.title), event.receipt))
}

/// How a step ended. Consoles that look for one that was cut off may say the same again; it is told once.
pub(super) fn ended(incident: &mut Incident, request: RecordId, outcome: &Outcome) -> String {
    let found = incident.runs.values_mut().find_map(|run| {
        let step = run.steps.iter().find(|(_, asked)| **asked == request).map(|(step, _)| *step)?;
        Some((run, step))
    });
    let Some((run, step)) = found else { return String::new() };
    let what = match run.orders.len() {
        1 => quoted(&run.title),
        _ => format!("step {} of {}", step + 1, quoted(&run.title)),
    };
    let said = match outcome {
        Outcome::Done { .. } => format!("{what} is done"),
        Outcome::Received { receipt, .. } if receipt.is_empty() => format!("{what} is done"),
        Outcome::Received { receipt, .. } => format!("{what} is done ({receipt})"),
        Outcome::Failed { why, .. } => format!("{what} failed: {why}"),
        Outcome::Refused { why } => format!("{what} was refused: {why}"),
        Outcome::Unknown { why } => format!("nobody can tell whether {what} happened: {why}"),
        Outcome::Later { .. } => return String::new(),
    };
    let said = SafeText::body(&said);
    if run.ends.get(&step) == Some(&said) {
        return String::new();
    }
    let text = said.to_string();
    run.ends.insert(step, said);
    text
}

pub(super) fn verified(incident: &mut Incident, fact: &Fact<'_>, event: &RunVerified) -> Said {
    let Some(run) = incident.runs.get_mut(&event.run) else {
        return Err(missing(&fact.by, "a run"));
    };
    if run.verified.is_none() {
        let (verdict, figures) = (event.verdict, event.figures.clone());
        run.verified = Some(Verified { verdict, figures, at: fact.record.at });
    }
    let text = event.figures.iter().map(|(title, text)| format!("{title}: {text}"));
    let text = text.collect::<Vec<_>>().join("; ");
    Ok(format!("{}: {}{}", quoted(&run.title), event.verdict.name(), because(&text)))
}
