//! Pipelines against what they change: real servers where there are any, else a double of ours that holds
//! each request against the vendor's description and fails on demand.

mod argo;
mod ci;
mod flags;
mod haproxy;
mod judge;

use std::sync::Arc;

use quarterdeck::connectors::Clock;
use quarterdeck::connectors::pipelines::{Begun, NotBegun, Pipeline, Progress, RunState};
use quarterdeck::domain::{Ask, Order, PipelineId, SafeText, Span, Timestamp};

/// The key of every step here: the id of a record.
pub(crate) const KEY: &str = "5eed0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab";

/// A step with its parameters filled in.
pub(crate) fn order(ask: Ask) -> Order {
    Order {
        title: SafeText::new("The step"),
        pipeline: PipelineId::new("line"),
        ask,
        deadline: Span::from_mins(1),
    }
}

/// A step that switches a flag.
pub(crate) fn flag(flag: &str, environment: &str, on: bool) -> Order {
    let text = SafeText::new;
    order(Ask::Flag { flag: text(flag), environment: text(environment), on })
}

/// A job with one parameter.
pub(crate) fn job(name: &str, reference: &str, param: (&str, &str)) -> Order {
    let text = SafeText::new;
    let params = vec![(text(param.0), text(param.1))];
    order(Ask::Job { job: text(name), reference: text(reference), params })
}

/// The time, where it does not matter.
pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(|| Timestamp::from_millis(1_795_000_000_000))
}

/// Starts a step that must begin.
pub(crate) async fn begin(line: &dyn Pipeline, order: &Order) -> Begun {
    line.start(order, KEY).await.unwrap_or_else(|why| panic!("not begun: {why:?}"))
}

/// Why a step was certainly not started.
pub(crate) async fn refusal(line: &dyn Pipeline, order: &Order) -> String {
    match line.start(order, KEY).await {
        Err(NotBegun::Refused(why)) => why.to_string(),
        other => panic!("not refused: {other:?}"),
    }
}

/// Why nobody can tell whether a step was started.
pub(crate) async fn doubt(line: &dyn Pipeline, order: &Order) -> String {
    match line.start(order, KEY).await {
        Err(NotBegun::Unknown(why)) => why.to_string(),
        other => panic!("not unknown: {other:?}"),
    }
}

/// How far it is, in a word, with what is said of it.
pub(crate) fn told(progress: &Progress) -> (&'static str, String) {
    match &progress.state {
        RunState::Under(stage) => match stage {
            quarterdeck::domain::Stage::Queued => ("queued", String::new()),
            quarterdeck::domain::Stage::Running => ("running", String::new()),
            quarterdeck::domain::Stage::Held => ("held", String::new()),
        },
        RunState::Done => ("done", String::new()),
        RunState::Failed(why) => ("failed", why.to_string()),
        RunState::Stopped(why) => ("stopped", why.to_string()),
        RunState::Gone(why) => ("gone", why.to_string()),
    }
}

/// The lines of a log, one under the other.
pub(crate) fn lines(progress: &Progress) -> String {
    progress.lines.iter().map(SafeText::as_str).collect::<Vec<_>>().join("\n")
}
