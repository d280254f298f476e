//! The incident in words: the brief of a hand-over by section, and a summary for tickets and mail.

use std::fmt::Display;

use crate::domain::{SafeText, Span, Timestamp};

use super::super::{Model, Verdict};
use super::words::{clock, length, list, quoted};
use super::{Decision, Incident, LineKind};

/// How many of the newest changes a brief names.
const LAST_CHANGES: usize = 10;

/// What the next commander must know, title and text by section. Every section has a text, so that nothing
/// is taken for granted.
pub fn brief(model: &Model, incident: &Incident, now: Timestamp) -> Vec<(SafeText, SafeText)> {
    let sections = [
        ("State", state(model, incident, now)),
        ("Decisions", decisions(incident, now)),
        ("Open tasks", tasks(incident, now)),
        ("Promises", promises(model, incident, now)),
        ("Risks", risks(model, incident, now)),
        ("Last changes", changes(incident, now)),
    ];
    sections.map(|(title, text)| (title.into(), SafeText::body(&text))).to_vec()
}

/// The incident as plain text: the body of a ticket, or the story so far.
pub fn summary(model: &Model, incident: &Incident, now: Timestamp) -> SafeText {
    let mut text = format!("{} {} ({})\n", incident.id, incident.title, incident.severity);
    for (title, section) in [
        ("State", state(model, incident, now)),
        ("Decisions", decisions(incident, now)),
        ("Open tasks", tasks(incident, now)),
        ("Last changes", changes(incident, now)),
    ] {
        text.push_str(&format!("\n{title}\n{section}\n"));
    }
    SafeText::body(&text)
}

fn state(model: &Model, incident: &Incident, now: Timestamp) -> String {
    let mut lines = vec![
        format!(
            "{} {}, {} for {}: {}",
            incident.severity,
            incident.title,
            incident.status,
            length(now.since(incident.status_since)),
            incident.severity_reason
        ),
        format!("Impact: {}", or(&incident.impact.sentence, "not known")),
        format!("Scope: {}", or(&incident.impact.scope, "not known")),
        format!("Services: {}", list(&incident.services, "none named")),
        format!(
            "Declared by {} at {}, {} ago",
            incident.declared_by,
            clock(incident.declared_at, now),
            length(now.since(incident.declared_at))
        ),
    ];
    if let Some(onset) = incident.onset {
        lines.push(format!("Began {}", clock(onset, now)));
    }
    lines.push(match &incident.command {
        Some(command) => {
            format!("{} commands since {}", command.commander, clock(command.since, now))
        }
        None => "Nobody commands".into(),
    });
    for (role, holders) in &incident.roles {
        let names: Vec<&dyn Display> = holders.iter().map(|h| &h.who as &dyn Display).collect();
        lines.push(format!("{role}: {}", list(&names, "nobody")));
    }
    let groups = model.alerts.groups.iter().filter(|group| {
        group.service.as_ref().is_some_and(|s| incident.services.contains(s)) && group.active > 0
    });
    let firing: Vec<String> =
        groups.map(|g| format!("{} since {}", g.title, clock(g.since, now))).collect();
    lines.push(format!("Firing: {}", list(&firing, "no alert of its services")));
    for ticket in incident.tickets.iter() {
        let (key, ticket) = (&ticket.0.key, ticket.1);
        lines.push(format!("Ticket {key}: {} {}", or(&ticket.state, "not looked at"), ticket.url));
    }
    lines.join("\n")
}

fn decisions(incident: &Incident, now: Timestamp) -> String {
    let mut all: Vec<&Decision> = incident.decisions.values().collect();
    all.sort_by_key(|decision| decision.at);
    let said = |decision: &&Decision| {
        let mut text = match &decision.outcome {
            None => format!("open: {} (owner {})", decision.proposal, decision.owner),
            Some(outcome) => {
                let what = match outcome.taken {
                    None => format!("rejected: {}", decision.proposal),
                    Some(None) => format!("decided: {}", decision.proposal),
                    Some(Some(option)) => decision
                        .options
                        .get(usize::from(option))
                        .map_or_else(String::new, |option| format!("decided: {option}")),
                };
                format!("{what} ({}, {})", outcome.by, clock(outcome.at, now))
            }
        };
        if !decision.expected.is_empty() {
            text.push_str(&format!("; expected: {}", decision.expected));
        }
        if let (Some(review), None) = (decision.review, &decision.reviewed) {
            text.push_str(&format!("; look again at {}", clock(review, now)));
        }
        if !decision.objections.is_empty() {
            let words: Vec<String> =
                decision.objections.iter().map(|(who, why)| format!("{who}: {why}")).collect();
            text.push_str(&format!("; objections: {}", words.join("; ")));
        }
        text
    };
    lines_or(all.iter().map(said), "None")
}

fn tasks(incident: &Incident, now: Timestamp) -> String {
    let open = incident.open_tasks();
    let tasks = open.iter().map(|(_, task)| {
        let late = if task.due <= now { ", overdue" } else { "" };
        let heard = if task.acknowledged.is_none() { ", not acknowledged" } else { "" };
        format!("{}: {} by {}{late}{heard}", task.owner, task.text, clock(task.due, now))
    });
    let streams = incident.open_workstreams().map(|(_, one)| {
        let blocked =
            one.blocker.as_ref().map_or(String::new(), |what| format!(", blocked: {what}"));
        let heard = length(now.since(one.heard));
        format!("workstream {} led by {}, heard {heard} ago{blocked}", one.name, one.lead)
    });
    lines_or(tasks.chain(streams), "None")
}

fn promises(model: &Model, incident: &Incident, now: Timestamp) -> String {
    let promised = incident.promises(&model.playbook);
    let updates = promised.iter().map(|promise| {
        let when = match promise.late(now) {
            Some(late) => format!("late by {}", length(late)),
            None => format!("in {}", length(promise.due.since(now))),
        };
        format!("{} update at {}, {when}", promise.audience, clock(promise.due, now))
    });
    let reviews = incident.decisions.values().filter_map(|decision| {
        let review = decision.review.filter(|_| decision.reviewed.is_none())?;
        decision.outcome.as_ref()?.taken?;
        Some(format!("look again at {} by {}", quoted(&decision.proposal), clock(review, now)))
    });
    lines_or(updates.chain(reviews), "None")
}

fn risks(model: &Model, incident: &Incident, now: Timestamp) -> String {
    let waiting = incident.attention(&model.playbook, &model.duties, now);
    let waiting = waiting.iter().map(|one| one.sentence.to_string());
    let burning = model.slos.statuses.iter().filter_map(|status| {
        let slo = model.catalog.slos.get(&status.slo)?;
        let bad = matches!(
            status.verdict,
            Verdict::Page | Verdict::Ticket | Verdict::Spent | Verdict::Burning
        );
        let ours = incident.services.contains(&slo.service);
        (bad && ours).then(|| format!("{}: {}", slo.title, status.verdict.word()))
    });
    let blind = model.sources.values().filter_map(|source| {
        let failure = source.failure.as_ref()?;
        let old = source.last_good.is_none_or(|at| now.since(at) > Span::from_mins(1));
        old.then(|| format!("{} does not answer: {}", source.id, failure.sentence))
    });
    lines_or(waiting.chain(burning).chain(blind), "None known")
}

fn changes(incident: &Incident, now: Timestamp) -> String {
    let mut newest: Vec<String> = incident
        .timeline
        .iter()
        .rev()
        .filter(|line| line.withdrawn.is_none() && line.kind != LineKind::Refused)
        .take(LAST_CHANGES)
        .map(|line| {
            let first = line.text.lines().next().unwrap_or_default();
            format!("{} {first}", clock(line.at.corrected, now))
        })
        .collect();
    newest.reverse();
    lines_or(newest.into_iter(), "None")
}

fn or<'a>(text: &'a str, none: &'a str) -> &'a str {
    if text.trim().is_empty() { none } else { text }
}

fn lines_or(lines: impl Iterator<Item = String>, none: &str) -> String {
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() { none.to_owned() } else { lines.join("\n") }
}
