//! The words of an update: the text proposed, what is missing in it, what should not leave the house, what
//! changed since the last one.

use crate::app::{Finding, Remark, State};
use crate::domain::{Audience, SafeText, Status, Timestamp};
use crate::model::incidents::Incident;

/// A text to begin with.
pub(super) struct Written {
    pub(super) subject: String,
    pub(super) body: String,
}

/// The text proposed for an audience in a phase, with the promise in it.
pub(super) fn written(
    state: &State,
    incident: &Incident,
    audience: Audience,
    phase: Status,
    next: Timestamp,
) -> Result<Written, SafeText> {
    let impact = match incident.impact.sentence.as_str() {
        "" => "We are finding out who is hurt and how.".to_owned(),
        known => format!("{}.", known.trim_end_matches('.')),
    };
    let next = state.as_typed(next);
    let subject = match audience {
        Audience::Internal => format!("{} {}: {phase}", incident.severity, incident.title),
        Audience::External => format!("{}: {phase}", incident.title),
    };
    Ok(Written { subject, body: format!("{impact}\n\nNext update by {next}.") })
}

/// Facts the reader needs and the incident does not have yet.
pub(super) fn missing(
    _state: &State,
    incident: &Incident,
    _audience: Audience,
    _body: &str,
) -> Vec<SafeText> {
    let mut missing = Vec::new();
    if incident.impact.sentence.is_empty() {
        missing.push(SafeText::new("The impact is not known yet: who is hurt, and how?"));
    }
    if incident.impact.scope.is_empty() {
        missing.push(SafeText::new("The scope is not known yet: which part, region or share?"));
    }
    missing
}

/// What should not leave the house.
pub(super) fn findings(
    state: &State,
    _incident: &Incident,
    audience: Audience,
    text: &str,
) -> Vec<Finding> {
    if audience == Audience::Internal {
        return Vec::new();
    }
    let words = state.model.playbook.redact.iter().filter(|w| text.contains(w.as_str()));
    words
        .map(|word| Finding {
            found: word.clone(),
            what: "must not leave the house".into(),
            instead: "[…]".into(),
            kept: false,
        })
        .collect()
}

/// Lines that are new, and lines that are gone.
pub(super) fn changes(before: &str, after: &str) -> Vec<Remark> {
    let gone = before.lines().filter(|line| !line.trim().is_empty());
    let gone = gone.filter(|line| !after.lines().any(|l| l == *line));
    let added = after.lines().filter(|line| !line.trim().is_empty());
    let added = added.filter(|line| !before.lines().any(|l| l == *line));
    let gone = gone.map(|line| Remark::Gone(SafeText::new(line)));
    gone.chain(added.map(|line| Remark::Added(SafeText::new(line)))).collect()
}
