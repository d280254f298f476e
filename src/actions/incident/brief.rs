//! The brief of a hand-over as sections.

use crate::domain::{SafeText, Timestamp};
use crate::model::Model;
use crate::model::incidents::Incident;

/// Title and text of each section.
pub(super) fn sections(
    _model: &Model,
    incident: &Incident,
    _now: Timestamp,
) -> Vec<(SafeText, SafeText)> {
    let state = format!("{} {}, {}", incident.severity, incident.title, incident.status);
    let open = incident.tasks.values().filter(|task| task.ended.is_none());
    let tasks: Vec<String> = open.map(|task| format!("{}: {}", task.owner, task.text)).collect();
    vec![
        ("State".into(), SafeText::body(&state)),
        ("Open tasks".into(), SafeText::body(&tasks.join("\n"))),
    ]
}
