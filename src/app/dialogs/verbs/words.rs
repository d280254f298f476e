//! The words of an update as the form shows them: the text proposed, what is missing in it, what should not
//! leave the house, what changed since the last one. What they say is decided in `actions::updates`.

use crate::actions::updates::{self, Change};
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
    let offered = updates::offered(&state.model.playbook, audience, phase);
    let facts = facts(state, incident, audience, phase, next);
    let (Some(facts), Some(template)) = (facts, offered.first()) else {
        return Ok(Written { subject: incident.title.to_string(), body: String::new() });
    };
    match updates::drafted(template, &facts) {
        Ok((subject, body)) => {
            Ok(Written { subject: subject.to_string(), body: body.trim_end().to_owned() })
        }
        Err(faults) => {
            let first = faults.first().map(ToString::to_string).unwrap_or_default();
            let text = format!("The template {} cannot be filled: {first}", template.name);
            Err(SafeText::body(&text))
        }
    }
}

fn facts(
    state: &State,
    incident: &Incident,
    audience: Audience,
    phase: Status,
    next: Timestamp,
) -> Option<updates::Facts> {
    let next = updates::needs_promise(phase).then_some(next);
    let facts = updates::gather(&state.model, &incident.id, audience, next, state.now)?;
    Some(updates::Facts { status: Some(phase), ..facts })
}

/// What readers will ask for and the text does not say.
pub(super) fn missing(
    state: &State,
    incident: &Incident,
    (audience, phase, next): (Audience, Status, Timestamp),
    body: &str,
) -> Vec<SafeText> {
    let Some(facts) = facts(state, incident, audience, phase, next) else { return Vec::new() };
    let missing = updates::missing(body, &facts);
    missing.into_iter().map(|one| SafeText::new(one.sentence())).collect()
}

/// What should not leave the house.
pub(super) fn findings(
    state: &State,
    incident: &Incident,
    audience: Audience,
    text: &str,
) -> Vec<Finding> {
    let words = updates::Words::of(&state.model.playbook, Some(incident));
    let found = updates::findings(text, &words, audience).into_iter();
    found
        .filter(|one| one.kind.blocks(audience))
        .map(|one| Finding {
            found: SafeText::new(text.get(one.range).unwrap_or_default()),
            what: SafeText::new(one.kind.sentence()),
            instead: SafeText::new(&one.proposal),
            kept: false,
        })
        .collect()
}

/// Lines that are new, and lines that are gone.
pub(super) fn changes(before: &str, after: &str) -> Vec<Remark> {
    let lines = updates::changes(before, after).into_iter();
    lines
        .filter(|line| !line.text.trim().is_empty())
        .filter_map(|line| match line.change {
            Change::Same => None,
            Change::Added => Some(Remark::Added(SafeText::new(&line.text))),
            Change::Removed => Some(Remark::Gone(SafeText::new(&line.text))),
        })
        .collect()
}
