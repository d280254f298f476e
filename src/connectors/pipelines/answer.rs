//! What an answer of the other side means for a step: begun, certainly not, or nobody can tell.

use serde_json::Value;

use super::{NotBegun, Progress, RunState};
use crate::domain::{Ask, Order, Outcome, PipelineId, SafeText, Stage};

/// Most lines of a log that are passed on.
pub(super) const LINES: usize = 20;

/// Certainly not started.
pub(super) fn refused(why: impl AsRef<str>) -> NotBegun {
    NotBegun::Refused(SafeText::body(why.as_ref()))
}

/// The request left, and no answer that counts came.
pub(super) fn unknown(why: impl AsRef<str>) -> NotBegun {
    NotBegun::Unknown(SafeText::body(why.as_ref()))
}

/// What the failure of a write means. Nothing is tried again by itself here: a person decides.
pub(super) fn write_failed(outcome: Outcome) -> NotBegun {
    match outcome {
        Outcome::Unknown { why } => NotBegun::Unknown(why),
        other => refused(format!("{} Nothing was started.", why(other))),
    }
}

/// The sentence of a failure.
pub(super) fn why(outcome: Outcome) -> SafeText {
    match outcome {
        Outcome::Refused { why }
        | Outcome::Unknown { why }
        | Outcome::Later { why, .. }
        | Outcome::Failed { why, .. } => why,
        Outcome::Done { .. } | Outcome::Received { .. } => SafeText::new("It answered."),
    }
}

/// An order of another kind than the pipeline's.
pub(super) fn not_ours(order: &Order, takes: &str) -> SafeText {
    let asked = match &order.ask {
        Ask::Job { .. } => "a job",
        Ask::Command { .. } => "a command",
        Ask::Weight { .. } => "a weight",
        Ask::Server { .. } => "a server's state",
        Ask::Flag { .. } => "a flag",
        Ask::Rollout { .. } => "a rollout",
    };
    SafeText::new(&format!(
        "The pipeline {} takes {takes}, not {asked}; mend the step \"{}\" in the playbook.",
        order.pipeline, order.title
    ))
}

/// It ended well.
pub(super) fn done(lines: Vec<SafeText>) -> Progress {
    Progress { state: RunState::Done, lines }
}

/// It ended badly.
pub(super) fn failed(why: impl AsRef<str>, lines: Vec<SafeText>) -> Progress {
    Progress { state: RunState::Failed(SafeText::body(why.as_ref())), lines }
}

/// It goes on.
pub(super) fn under(stage: Stage, lines: Vec<SafeText>) -> Progress {
    Progress { state: RunState::Under(stage), lines }
}

/// The list of flags in an answer. What has none is an answer of something else, not a server without flags.
pub(super) fn listed<'a>(id: &PipelineId, answer: &'a Value) -> Result<&'a [Value], SafeText> {
    answer.as_array().map(Vec::as_slice).ok_or_else(|| {
        SafeText::new(&format!(
            "The pipeline {id} answers with something that is no list of flags; check its url."
        ))
    })
}

/// The newest lines of a text.
pub(super) fn newest(text: &str) -> Vec<SafeText> {
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.drain(..lines.len().saturating_sub(LINES));
    lines.into_iter().map(SafeText::new).collect()
}
