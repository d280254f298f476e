//! An incident as scripts and people read it.

use serde_json::{Value, json};

use super::show::minute;
use crate::actions::pick;
use crate::cli::output;
use crate::domain::{IncidentId, Operation, TicketAct, Timestamp};
use crate::eventlog::{LogEvent, Recorded};
use crate::model::Model;
use crate::model::incidents::{
    Decision, Handover, Incident, Line, LineKind, Page, Task, Ticket, Update, Workstream,
};

/// What a verb prints with --json.
pub(super) fn answer(
    model: &Model,
    id: &IncidentId,
    now: Timestamp,
    recorded: &[Recorded],
) -> Value {
    json!({
        "version": 1,
        "at": now.rfc3339(),
        "recorded": recorded.iter().map(fact).collect::<Vec<_>>(),
        "waits": waits(model, id),
        "incident": model.incidents.incidents.get(id).map(incident),
    })
}

/// What is printed when it was of no incident.
pub(super) fn general(now: Timestamp, recorded: &[Recorded]) -> Value {
    let recorded: Vec<Value> = recorded.iter().map(fact).collect();
    json!({ "version": 1, "at": now.rfc3339(), "recorded": recorded, "waits": [], "incident": null })
}

fn fact(record: &Recorded) -> Value {
    let kind = record.event.as_ref().map(LogEvent::kind);
    json!({ "id": record.id.to_string(), "kind": kind, "at": record.at.rfc3339() })
}

/// What of the incident waits to be performed.
fn waits(model: &Model, id: &IncidentId) -> Vec<Value> {
    let operations = model.journal.operations.iter();
    let open = operations
        .filter(|(_, open)| open.operation.is_outbox() && open.operation.incident() == Some(id))
        .filter(|(_, open)| open.is_waiting());
    open.map(|(record, open)| {
        let (what, to) = operation(&open.operation);
        json!({ "id": record.to_string(), "what": what, "to": to, "since": open.at.rfc3339() })
    })
    .collect()
}

/// What an operation is, and where it goes.
pub(super) fn operation(operation: &Operation) -> (&'static str, String) {
    match operation {
        Operation::Silence { site, .. } => ("silence", site.to_string()),
        Operation::Expire { site, .. } => ("end of a silence", site.to_string()),
        Operation::Run { order, .. } => ("step of a run", order.pipeline.to_string()),
        Operation::Send(message) => ("message", message.channel.to_string()),
        Operation::Ticket { tracker, act, .. } => {
            let what = match act {
                TicketAct::Open { .. } => "new ticket",
                TicketAct::FollowUp { .. } => "ticket of the follow-up",
                TicketAct::Comment { .. } => "comment on the ticket",
                TicketAct::Transition { .. } => "change of the ticket",
            };
            (what, tracker.to_string())
        }
    }
}

/// The incident whole, but for its timeline.
pub(in crate::cli) fn incident(one: &Incident) -> Value {
    let time = |at: Option<Timestamp>| at.map(Timestamp::rfc3339);
    let roles = one.roles.iter().flat_map(|(role, holders)| {
        holders.iter().map(move |holder| {
            json!({
                "role": role.name(), "who": holder.who.name(), "since": holder.since.rfc3339(),
                "until": time(holder.until),
            })
        })
    });
    let links = one.links.iter().map(|(title, to)| json!({ "title": title, "target": to }));
    json!({
        "id": one.id,
        "title": one.title,
        "severity": one.severity.to_string(),
        "severity_reason": one.severity_reason,
        "status": one.status.name(),
        "status_since": one.status_since.rfc3339(),
        "declared_by": one.declared_by.name(),
        "declared_at": one.declared_at.rfc3339(),
        "onset": time(one.onset),
        "services": one.services,
        "impact": one.impact.sentence,
        "scope": one.impact.scope,
        "commander": one.command.as_ref().map(|command| command.commander.name()),
        "commander_since": time(one.command.as_ref().map(|command| command.since)),
        "roles": roles.collect::<Vec<_>>(),
        "merged_into": one.merged_into,
        "links": links.collect::<Vec<_>>(),
        "handover": one.handover.as_ref().map(handover),
        "tasks": one.tasks.iter().map(|(id, task)| of_task(&id.to_string(), task)).collect::<Vec<_>>(),
        "workstreams": one.workstreams.iter().map(|(id, w)| stream(&id.to_string(), w)).collect::<Vec<_>>(),
        "decisions": one.decisions.iter().map(|(id, d)| decision(&id.to_string(), d)).collect::<Vec<_>>(),
        "updates": one.updates.iter().map(|(id, u)| update(&id.to_string(), u)).collect::<Vec<_>>(),
        "tickets": one.tickets.iter().map(|(known, ticket)| {
            let Ticket { url, state, done, .. } = ticket;
            json!({ "tracker": known.tracker, "key": known.key, "url": url, "state": state, "done": done })
        }).collect::<Vec<_>>(),
        "pages": one.pages.iter().map(|(id, page)| of_page(&id.to_string(), page)).collect::<Vec<_>>(),
    })
}

fn handover(one: &Handover) -> Value {
    let sections = one.sections.iter().map(|section| {
        let question = match &section.answer {
            Some(Err(question)) => Some(question),
            _ => None,
        };
        json!({
            "title": section.title, "text": section.text,
            "accepted": section.answer == Some(Ok(())), "question": question,
        })
    });
    json!({
        "to": one.to.name(), "from": one.from.name(), "at": one.at.rfc3339(),
        "sections": sections.collect::<Vec<_>>(),
    })
}

fn of_task(id: &str, task: &Task) -> Value {
    let ended = task.ended.as_ref();
    json!({
        "id": id, "text": task.text, "owner": task.owner.name(), "given_by": task.given_by.name(),
        "given_at": task.given_at.rfc3339(), "due": task.due.rfc3339(),
        "acknowledged_at": task.acknowledged.map(Timestamp::rfc3339),
        "ended_at": ended.map(|ended| ended.0.rfc3339()),
        "outcome": ended.map(|ended| if ended.1 { "done" } else { "dropped" }),
        "result": ended.map(|ended| &ended.2),
        "workstream": task.workstream.map(|id| id.to_string()),
    })
}

fn stream(id: &str, one: &Workstream) -> Value {
    let reports = one.reports.iter().map(|report| {
        json!({
            "by": report.by.name(), "at": report.at.rfc3339(), "conditions": report.conditions,
            "actions": report.actions, "needs": report.needs,
        })
    });
    json!({
        "id": id, "name": one.name, "team": one.team, "lead": one.lead.name(),
        "parent": one.parent.map(|id| id.to_string()), "blocker": one.blocker,
        "opened_at": one.opened_at.rfc3339(), "heard": one.heard.rfc3339(),
        "closed_at": one.closed.map(Timestamp::rfc3339), "reports": reports.collect::<Vec<_>>(),
    })
}

fn decision(id: &str, one: &Decision) -> Value {
    let objections =
        one.objections.iter().map(|(by, text)| json!({ "by": by.name(), "text": text }));
    let outcome = one.outcome.as_ref();
    let taken = outcome.map(|outcome| match outcome.taken {
        None => json!("rejected"),
        Some(None) => json!("proposal"),
        Some(Some(option)) => json!(one.options.get(usize::from(option))),
    });
    json!({
        "id": id, "proposal": one.proposal, "options": one.options, "by": one.by.name(),
        "at": one.at.rfc3339(), "owner": one.owner.name(), "expected": one.expected,
        "review": one.review.map(Timestamp::rfc3339), "objections": objections.collect::<Vec<_>>(),
        "outcome": taken, "decided_by": outcome.map(|outcome| outcome.by.name()),
        "decided_at": outcome.map(|outcome| outcome.at.rfc3339()),
        "note": outcome.map(|outcome| &outcome.note),
        "reviewed_at": one.reviewed.as_ref().map(|reviewed| reviewed.0.rfc3339()),
        "followed": one.reviewed.as_ref().map(|reviewed| &reviewed.1),
    })
}

fn update(id: &str, one: &Update) -> Value {
    let answers = one.answers.iter().map(
        |(by, _, approved, note)| json!({ "by": by.name(), "approved": approved, "note": note }),
    );
    json!({
        "id": id, "audience": one.audience.name(), "subject": one.subject, "body": one.body,
        "channels": one.channels, "next": one.next.rfc3339(), "by": one.by.name(),
        "at": one.at.rfc3339(), "answers": answers.collect::<Vec<_>>(),
        "published_at": one.published.map(Timestamp::rfc3339),
    })
}

fn of_page(id: &str, page: &Page) -> Value {
    let answer = page.answer.as_ref();
    json!({
        "id": id, "whom": page.whom.name(), "team": page.team, "by": page.by.name(),
        "at": page.at.rfc3339(), "step": page.step, "text": page.text,
        "coming": answer.map(|answer| answer.1), "note": answer.map(|answer| &answer.2),
        "answered_at": answer.map(|answer| answer.0.rfc3339()),
    })
}

/// A line of the timeline.
pub(super) fn line(line: &Line) -> Value {
    json!({
        "id": line.record.to_string(),
        "at": line.at.corrected.rfc3339(),
        "raw": line.at.raw.rfc3339(),
        "bound_ms": line.at.bound,
        "written": line.written.rfc3339(),
        "by": line.by.name(),
        "spoken_by": line.spoken_by.as_ref().map(|who| who.name()),
        "kind": line.kind.name(),
        "text": line.text,
        "pinned": line.pinned,
        "withdrawn": line.withdrawn.as_ref().map(|said| &said.1),
        "evidence": line.evidence.as_ref().map(|proof| json!({
            "query": proof.query, "source": proof.source, "unit": proof.unit,
            "from": proof.from.rfc3339(), "to": proof.to.rfc3339(),
            "values": proof.values.iter().map(|(at, value)| {
                // What is not a number is a word, as everywhere in this program's JSON.
                let value = if value.is_finite() { json!(value) } else { json!(value.to_string()) };
                json!([at.rfc3339(), value])
            }).collect::<Vec<_>>(),
        })),
    })
}

/// A line of the timeline for people.
pub(super) fn line_text(line: &Line) -> String {
    let late = if line.written.since(line.at.corrected).millis() >= 60_000 {
        format!(" (written {})", minute(line.written))
    } else {
        String::new()
    };
    let spoken = line.spoken_by.as_ref().map_or(String::new(), |who| format!(" for {who}"));
    let mark = match (&line.withdrawn, line.pinned) {
        (Some(_), _) => "withdrawn: ",
        (None, true) => "pinned: ",
        (None, false) => "",
    };
    let text = line.text.replace('\n', "\n    ");
    // Steps name their actor themselves.
    let by = match line.kind {
        LineKind::Step | LineKind::Deciding | LineKind::Refused => String::new(),
        LineKind::Machine | LineKind::Entry(_) => format!("{}{spoken}: ", line.by),
    };
    format!(
        "{} {} {:<13} {by}{mark}{text}{late}",
        minute(line.at.corrected),
        pick::short(line.record),
        line.kind.name(),
    )
}

/// How an incident stands, for people.
pub(super) fn print(model: &Model, one: &Incident, now: Timestamp) {
    output::line(&format!("{} {} {}", one.severity, one.id, one.title));
    output::line(&format!(
        "{} since {}; declared by {} at {}",
        one.status,
        minute(one.status_since),
        one.declared_by,
        minute(one.declared_at)
    ));
    let said = |name: &str, text: &str| {
        if !text.is_empty() {
            output::line(&format!("{name}: {text}"));
        }
    };
    said("severity", &one.severity_reason);
    said("impact", &one.impact.sentence);
    said("scope", &one.impact.scope);
    match &one.command {
        Some(command) => {
            output::line(&format!(
                "commander: {} since {}",
                command.commander,
                minute(command.since)
            ));
        }
        None => output::line("commander: nobody"),
    }
    for (role, holders) in &one.roles {
        let names: Vec<&str> = holders.iter().map(|holder| holder.who.name()).collect();
        output::line(&format!("{role}: {}", names.join(", ")));
    }
    for (id, task) in one.tasks.iter().filter(|(_, task)| task.ended.is_none()) {
        let late = if task.due < now { " OVERDUE" } else { "" };
        output::line(&format!(
            "task {} {}: {} (until {}){late}",
            pick::short(*id),
            task.owner,
            task.text,
            minute(task.due)
        ));
    }
    for (id, decision) in one.decisions.iter().filter(|(_, one)| one.outcome.is_none()) {
        output::line(&format!("decision {} {}", pick::short(*id), decision.proposal));
    }
    for (id, update) in one.updates.iter().filter(|(_, one)| one.published.is_none()) {
        let (id, audience) = (pick::short(*id), update.audience);
        output::line(&format!("update {id} {audience}, waits: {}", update.subject));
    }
    for (ticket, seen) in &one.tickets {
        output::line(&format!("ticket {} {} {}", ticket.tracker, ticket.key, seen.state));
    }
    for wait in waits(model, &one.id) {
        let part = |name: &str| wait.get(name).and_then(Value::as_str).unwrap_or_default();
        output::line(&format!("waits: {} to {}", part("what"), part("to")));
    }
}
