//! Steps inside the response: tasks, workstreams, decisions.

use crate::domain::{Actor, SafeText, Timestamp};
use crate::eventlog::{
    CanReported, DecisionMoved, DecisionProposed, DecisionStep, RecordId, TaskGiven, TaskMoved,
    TaskStep, WorkstreamMoved, WorkstreamOpened, WorkstreamStep,
};

use super::fold::{Fact, Said};
use super::words::{because, clock, left, list, quoted};
use super::{Can, Decision, DecisionOutcome, Incident, Task, Workstream};

pub(super) fn task_given(incident: &mut Incident, fact: &Fact<'_>, event: &TaskGiven) -> String {
    let (by, owner, at) = (&fact.by, &event.owner, fact.record.at);
    let task = Task {
        text: event.text.clone(),
        given_by: by.clone(),
        given_at: at,
        owner: owner.clone(),
        due: event.due,
        workstream: event.workstream,
        acknowledged: None,
        ended: None,
    };
    incident.tasks.insert(fact.record.id, task);
    heard_about(incident, event.workstream, at);
    let (text, box_) = (quoted(&event.text), left(event.due.since(at)));
    if owner == by {
        format!("{by} took on {text}, {box_} (until {})", clock(event.due, at))
    } else {
        format!("{by} asked {owner} to do {text}, {box_} (until {})", clock(event.due, at))
    }
}

pub(super) fn task_moved(incident: &mut Incident, fact: &Fact<'_>, event: &TaskMoved) -> Said {
    let (by, at) = (&fact.by, fact.record.at);
    let Some(task) = incident.tasks.get_mut(&event.task) else {
        return Err(missing(by, "a task"));
    };
    let (text, note) = (quoted(&task.text), because(&event.note));
    let said = match &event.step {
        TaskStep::Acknowledged => {
            let heard = if task.owner == *by {
                format!("{by} has heard: {text}{note}")
            } else {
                format!("{by} says {} has heard: {text}{note}", task.owner)
            };
            task.acknowledged = Some(at);
            heard
        }
        TaskStep::Given(owner) => {
            let before = std::mem::replace(&mut task.owner, owner.clone());
            // Whoever does it now has not heard it yet, and what was over is not any more.
            (task.acknowledged, task.ended) = (None, None);
            format!("{by} gave {text} to {owner}, before {before}{note}")
        }
        TaskStep::Extended(due) => {
            task.due = *due;
            format!("{by} gave {} until {} for {text}{note}", task.owner, clock(*due, at))
        }
        TaskStep::Done => {
            task.ended = Some((at, true, event.note.clone()));
            format!("{by} finished {text}{note}")
        }
        TaskStep::Dropped => {
            task.ended = Some((at, false, event.note.clone()));
            format!("{by} dropped {text}{note}")
        }
    };
    let workstream = task.workstream;
    heard_about(incident, workstream, at);
    Ok(said)
}

pub(super) fn workstream_opened(
    incident: &mut Incident,
    fact: &Fact<'_>,
    event: &WorkstreamOpened,
) -> String {
    let (by, at, id) = (&fact.by, fact.record.at, fact.record.id);
    let workstream = Workstream {
        name: event.name.clone(),
        team: event.team.clone(),
        lead: event.lead.clone(),
        opened_at: at,
        parent: None,
        blocker: None,
        reports: Vec::new(),
        closed: None,
        heard: at,
    };
    incident.workstreams.insert(id, workstream);
    let mut said = format!("{by} opened workstream {}, led by {}", quoted(&event.name), event.lead);
    if let Some(team) = &event.team {
        said.push_str(&format!(" ({team})"));
    }
    if put_under(incident, id, event.parent)
        && let Some(parent) = event.parent.and_then(|parent| incident.workstreams.get(&parent))
    {
        said.push_str(&format!(", under {}", quoted(&parent.name)));
    }
    let mut taken = Vec::new();
    for part in &event.takes {
        if put_under(incident, *part, Some(id))
            && let Some(part) = incident.workstreams.get(part)
        {
            taken.push(quoted(&part.name));
        }
    }
    if !taken.is_empty() {
        said.push_str(&format!(", over {}", list(&taken, "")));
    }
    said
}

pub(super) fn workstream_moved(
    incident: &mut Incident,
    fact: &Fact<'_>,
    event: &WorkstreamMoved,
) -> Said {
    let (by, at) = (&fact.by, fact.record.at);
    if let WorkstreamStep::Under(parent) = event.step
        && !put_under(incident, event.workstream, parent)
    {
        return Err(format!(
            "refused: {by} put a workstream under one that is not there, or itself"
        ));
    }
    let Some(workstream) = incident.workstreams.get_mut(&event.workstream) else {
        return Err(missing(by, "a workstream"));
    };
    let name = quoted(&workstream.name);
    let said = match &event.step {
        WorkstreamStep::Led(lead) => {
            workstream.lead = lead.clone();
            format!("{lead} leads workstream {name}")
        }
        WorkstreamStep::Blocked(what) if what.trim().is_empty() => {
            workstream.blocker = None;
            format!("workstream {name} is no longer blocked")
        }
        WorkstreamStep::Blocked(what) => {
            workstream.blocker = Some(what.clone());
            format!("workstream {name} is blocked: {what}")
        }
        WorkstreamStep::Under(None) => format!("workstream {name} reports to the commander"),
        WorkstreamStep::Under(Some(_)) => format!("workstream {name} has another lead above it"),
        WorkstreamStep::Closed => {
            workstream.closed = Some(at);
            format!("{by} closed workstream {name}")
        }
    };
    heard_about(incident, Some(event.workstream), at);
    Ok(said)
}

/// Puts a workstream under another; false when one is not there, or it would be a part of itself.
fn put_under(incident: &mut Incident, part: RecordId, parent: Option<RecordId>) -> bool {
    let mut above = parent;
    let mut steps = 0;
    while let Some(id) = above {
        let Some(workstream) = incident.workstreams.get(&id) else { return false };
        if id == part || steps > incident.workstreams.len() {
            return false;
        }
        (above, steps) = (workstream.parent, steps + 1);
    }
    let Some(workstream) = incident.workstreams.get_mut(&part) else { return false };
    workstream.parent = parent;
    true
}

pub(super) fn can_reported(incident: &mut Incident, fact: &Fact<'_>, event: &CanReported) -> Said {
    let (by, at) = (&fact.by, fact.record.at);
    let Some(workstream) = incident.workstreams.get_mut(&event.workstream) else {
        return Err(missing(by, "a workstream"));
    };
    let name = quoted(&workstream.name);
    workstream.reports.push(Can {
        by: by.clone(),
        at,
        conditions: event.conditions.clone(),
        actions: event.actions.clone(),
        needs: event.needs.clone(),
    });
    heard_about(incident, Some(event.workstream), at);
    let none = |text: &SafeText| if text.is_empty() { "none".into() } else { text.to_string() };
    Ok(format!(
        "{by} reports for {name}\nconditions: {}\nactions: {}\nneeds: {}",
        none(&event.conditions),
        none(&event.actions),
        none(&event.needs),
    ))
}

pub(super) fn decision_proposed(
    incident: &mut Incident,
    fact: &Fact<'_>,
    event: &DecisionProposed,
) -> String {
    let event = event.clone();
    let said = format!(
        "{} proposes {} (owner {}){}",
        fact.by,
        quoted(&event.proposal),
        event.owner,
        if event.options.is_empty() {
            String::new()
        } else {
            format!("; or {}", list(&event.options, ""))
        }
    );
    let decision = Decision {
        proposal: event.proposal,
        options: event.options,
        by: fact.by.clone(),
        at: fact.record.at,
        owner: event.owner,
        expected: event.expected,
        review: event.review,
        objections: Vec::new(),
        outcome: None,
        reviewed: None,
    };
    incident.decisions.insert(fact.record.id, decision);
    said
}

pub(super) fn decision_moved(
    incident: &mut Incident,
    fact: &Fact<'_>,
    event: &DecisionMoved,
) -> Said {
    let (by, at) = (&fact.by, fact.record.at);
    let Some(decision) = incident.decisions.get_mut(&event.decision) else {
        return Err(missing(by, "a decision"));
    };
    let (proposal, note) = (quoted(&decision.proposal), because(&event.note));
    let outcome =
        |taken| Some(DecisionOutcome { by: by.clone(), at, taken, note: event.note.clone() });
    Ok(match event.step {
        DecisionStep::Objected => {
            decision.objections.push((by.clone(), event.note.clone()));
            format!("{by} objects strongly to {proposal}{note}")
        }
        DecisionStep::Taken(None) => {
            decision.outcome = outcome(Some(None));
            format!("{by} decided: {proposal}{note}")
        }
        DecisionStep::Taken(Some(option)) => {
            let Some(words) = decision.options.get(usize::from(option)) else {
                return Err(format!("refused: {by} decided for an option that is not there"));
            };
            let words = quoted(words);
            decision.outcome = outcome(Some(Some(option)));
            format!("{by} decided: {words} instead of {proposal}{note}")
        }
        DecisionStep::Rejected => {
            decision.outcome = outcome(None);
            format!("{by} decided against {proposal}{note}")
        }
        DecisionStep::Reviewed => {
            decision.reviewed = Some((at, event.note.clone()));
            format!("{by} looked again at {proposal}{note}")
        }
    })
}

/// Something was heard from a workstream, or of a task in it.
pub(super) fn heard_about(incident: &mut Incident, about: Option<RecordId>, at: Timestamp) {
    let Some(about) = about else { return };
    let of_task = incident.tasks.get(&about).and_then(|task| task.workstream);
    if let Some(workstream) = incident.workstreams.get_mut(&of_task.unwrap_or(about)) {
        workstream.heard = workstream.heard.max(at);
    }
}

/// The record that is spoken of was refused, or is nowhere.
pub(super) fn missing(by: &Actor, what: &str) -> String {
    format!("refused: {by} spoke of {what} that is not there")
}
