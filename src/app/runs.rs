//! How a run of a procedure is told: how it stands in a few words, and its requests as text.

use crate::actions::runs::{RunStanding, standing};
use crate::domain::{Ask, Order, RolloutVerb, RunVerdict, SafeText, ServerState, Timestamp};
use crate::model::Model;
use crate::model::incidents::Run;

/// How a run stands, for the eye.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunStand {
    /// As it is.
    pub standing: RunStanding,
    /// A shape beside the colour.
    pub mark: &'static str,
    /// A few words.
    pub words: String,
}

/// How a run stands at `now`.
pub fn run_stand(model: &Model, run: &Run, now: Timestamp) -> RunStand {
    let standing = standing(model, run, now);
    let steps = run.orders.len();
    let left = |until: Timestamp| until.since(now).millis().max(0).saturating_add(999) / 1_000;
    let (mark, words) = match &standing {
        RunStanding::Proposed => ("?", "waits for a second person".to_owned()),
        RunStanding::Approved => ("◆", "may be released".to_owned()),
        RunStanding::Rejected => ("✕", "not approved".to_owned()),
        RunStanding::Expired => ("✕", "expired, propose it anew".to_owned()),
        RunStanding::Window(until) => ("▲", format!("begins in {} s", left(*until))),
        RunStanding::Running(step) => ("…", format!("step {} of {steps}", step + 1)),
        RunStanding::Unknown(step) => ("?", format!("step {} of {steps} unknown", step + 1)),
        RunStanding::Failed(step, _) => ("✕", format!("step {} of {steps} failed", step + 1)),
        RunStanding::Stopped(0) => ("■", "stopped before it began".to_owned()),
        RunStanding::Stopped(step) => ("■", format!("stopped after step {step} of {steps}")),
        RunStanding::Watched(until) => ("◇", format!("done, watched for {} s", left(*until))),
        RunStanding::Verified(verdict) => {
            let mark = match verdict {
                RunVerdict::Recovered => "✓",
                RunVerdict::NoChange => "=",
                RunVerdict::Worse => "▲",
                RunVerdict::Unknown => "?",
            };
            (mark, verdict.name().to_owned())
        }
    };
    RunStand { standing, mark, words }
}

/// An order as it is sent: where to, then every value in full.
pub fn order_lines(order: &Order) -> Vec<SafeText> {
    let mut lines = vec![format!("{}: {}", order.pipeline, order.title)];
    match &order.ask {
        Ask::Job { job, reference, params } => {
            let on = if reference.is_empty() { String::new() } else { format!(" on {reference}") };
            lines.push(format!("  job {job}{on}"));
            lines.extend(params.iter().map(|(name, value)| format!("  {name} = {value}")));
        }
        Ask::Command { argv } => {
            let quoted: Vec<String> = argv.iter().map(|arg| format!("“{arg}”")).collect();
            lines.push(format!("  run {}", quoted.join(" ")));
        }
        Ask::Weight { backend, server, weight } => {
            lines.push(format!("  weight of {backend}/{server} to {weight}"));
        }
        Ask::Server { backend, server, state } => {
            let state = match state {
                ServerState::Ready => "ready",
                ServerState::Drain => "drain",
                ServerState::Maintenance => "maintenance",
            };
            lines.push(format!("  server {backend}/{server} to {state}"));
        }
        Ask::Flag { flag, environment, on } => {
            let place =
                if environment.is_empty() { String::new() } else { format!(" in {environment}") };
            lines.push(format!("  flag {flag}{place} {}", if *on { "on" } else { "off" }));
        }
        Ask::Rollout { namespace, name, verb } => {
            let verb = match verb {
                RolloutVerb::Promote => "promote".to_owned(),
                RolloutVerb::Abort => "abort".to_owned(),
                RolloutVerb::Undo { revision } if revision.is_empty() => "undo".to_owned(),
                RolloutVerb::Undo { revision } => format!("undo to revision {revision}"),
                RolloutVerb::Retry => "retry".to_owned(),
            };
            lines.push(format!("  rollout {namespace}/{name}: {verb}"));
        }
    }
    lines.iter().map(|line| SafeText::new(line)).collect()
}
