//! A review for people and programs outside the console: Markdown, one HTML file, JSON.
//!
//! Everything in it was typed by somebody or came from outside. In Markdown nothing of that begins a
//! construct but the paragraphs and lists a section may have; in HTML nothing but text goes through, there
//! is no script, and a policy in the file forbids one.

mod html;
mod svg;

pub use html::html;

use serde_json::{Value, json};

use super::{Branch, Document, Section, duration, whys};
use crate::domain::{Check, Reading, Timestamp};
use crate::model::incidents::{FollowUp, Incident};

/// A line of a section, as every export understands it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row<'a> {
    /// Nothing.
    Blank,
    /// An item of a list, so deep.
    Item(usize, &'a str),
    /// Anything else.
    Text(&'a str),
}

/// The lines of a section. Lists are the only construct; anything else is text.
fn rows(text: &str) -> impl Iterator<Item = Row<'_>> {
    text.lines().map(|line| {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        match trimmed.strip_prefix("- ").or_else(|| trimmed.strip_prefix("* ")) {
            Some(item) => Row::Item((indent / 2).min(8), item.trim()),
            None if trimmed.trim().is_empty() => Row::Blank,
            None => Row::Text(trimmed.trim_end()),
        }
    })
}

fn day(at: Timestamp) -> String {
    at.utc().format("%Y-%m-%d").to_string()
}

/// How a follow-up stands, in a few words.
fn stands(one: &FollowUp, now: Timestamp) -> String {
    match &one.ended {
        Some((at, true, _)) => format!("done {}", day(*at)),
        Some((at, false, _)) => format!("dropped {}", day(*at)),
        None if one.is_overdue(now) => "overdue".to_owned(),
        None if !one.is_proven() => "open, its check has not passed".to_owned(),
        None => "open".to_owned(),
    }
}

/// What must hold, in words.
fn check(check: &Check) -> String {
    match check {
        Check::Query { expr } => format!("query: {expr}"),
        Check::Word { what } => format!("somebody else has seen: {what}"),
    }
}

/// Types, or that nobody said.
fn types(incident: &Incident) -> String {
    let names: Vec<&str> = incident.review.types.iter().map(|one| one.name()).collect();
    if names.is_empty() { "not said".to_owned() } else { names.join(", ") }
}

/// Follow-ups in the order of their deadlines.
fn follow_ups(incident: &Incident) -> Vec<(crate::eventlog::RecordId, &FollowUp)> {
    let mut all: Vec<_> = incident.review.follow_ups.iter().map(|(id, one)| (*id, one)).collect();
    all.sort_by_key(|(id, one)| (one.due, *id));
    all
}

/// The review as Markdown.
pub fn markdown(document: &Document, incident: &Incident, now: Timestamp) -> String {
    let mut out = format!("# {} {}\n\n", incident.id, escaped(&incident.title));
    out.push_str(&format!(
        "{}, {}. Types: {}. {}\n",
        incident.severity,
        incident.status,
        types(incident),
        finished(incident)
    ));
    for Section { section, text, written, .. } in &document.sections {
        out.push_str(&format!("\n## {}\n\n", section.title()));
        if text.trim().is_empty() {
            out.push_str("*Nothing was written here.*\n");
            continue;
        }
        if written.is_none() {
            out.push_str("*Draft, written from the log.*\n\n");
        }
        let mut in_list = false;
        for row in rows(text) {
            match row {
                Row::Blank => out.push('\n'),
                Row::Item(depth, text) => {
                    out.push_str(&format!("{}- {}\n", "  ".repeat(depth), escaped(text)));
                }
                // Right below a list it would be taken for a part of the last item.
                Row::Text(text) if in_list => out.push_str(&format!("\n{}\n", escaped(text))),
                Row::Text(text) => out.push_str(&format!("{}\n", escaped(text))),
            }
            in_list = matches!(row, Row::Item(..));
        }
    }
    let causes = whys(&incident.review);
    if !causes.is_empty() {
        out.push_str("\n## Whys\n\n");
        for Branch { cause, depth, .. } in causes {
            let Some(cause) = incident.review.causes.get(&cause) else { continue };
            out.push_str(&format!("{}- {}\n", "  ".repeat(depth), escaped(&cause.text)));
        }
    }
    let given = follow_ups(incident);
    if !given.is_empty() {
        out.push_str(
            "\n## Follow-ups\n\n| what | owner | due | priority | stands | check | ticket |\n\
             |---|---|---|---|---|---|---|\n",
        );
        for (_, one) in given {
            let ticket = one.ticket.as_ref().map_or(String::new(), |(of, _)| of.key.to_string());
            let cells = [
                one.text.to_string(),
                one.owner_words().to_owned(),
                day(one.due),
                one.priority.name().to_owned(),
                stands(one, now),
                one.check.as_ref().map_or(String::new(), check),
                ticket,
            ];
            let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
            out.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
    }
    out
}

fn finished(incident: &Incident) -> String {
    match &incident.review.finished {
        Some((at, _)) => format!("Finished {}.", day(*at)),
        None => "Not finished.".to_owned(),
    }
}

/// The review for programs.
pub fn json(document: &Document, incident: &Incident, now: Timestamp) -> Value {
    let (lasted, bound) = duration(incident, now);
    let sections = document.sections.iter().map(|one| {
        let by = one.written.as_ref().map(|(by, _)| by.name());
        let at = one.written.as_ref().map(|(_, at)| at.rfc3339());
        let lint = one.slips.iter().map(|found| {
            json!({
                "from": found.at.start, "to": found.at.end, "says": one.text.get(found.at.clone()),
                "slip": found.slip.word(), "offer": found.offer,
            })
        });
        json!({
            "name": one.section.name(), "title": one.section.title(), "text": one.text,
            "written_by": by, "written_at": at, "lint": lint.collect::<Vec<_>>(),
        })
    });
    let causes = whys(&incident.review).into_iter().filter_map(|branch| {
        let cause = incident.review.causes.get(&branch.cause)?;
        Some(json!({
            "id": branch.cause.to_string(), "text": cause.text, "depth": branch.depth,
            "why_of": cause.parent.map(|id| id.to_string()),
            "category": cause.category.map(|one| one.name()),
            "evidence": cause.evidence.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }))
    });
    let follow_ups = follow_ups(incident).into_iter().map(|(id, one)| of_follow_up(id, one, now));
    let hits = document.hits.iter().map(|hit| {
        let ratio = match hit.ratio {
            Reading::Value(ratio) => json!(ratio),
            Reading::NaN => json!("no traffic"),
            Reading::NoData => json!("no data"),
            Reading::Unknown => json!("unknown"),
        };
        json!({
            "slo": hit.slo, "title": hit.title, "period": hit.period, "error_ratio": ratio,
            "events": hit.events, "lost": hit.lost, "budget_spent": hit.spent,
            "budget_is_rough": hit.is_rough && hit.spent.is_some(),
        })
    });
    let finished = incident.review.finished.as_ref();
    json!({
        "incident": incident.id, "title": incident.title, "severity": incident.severity.to_string(),
        "status": incident.status.name(),
        "types": incident.review.types.iter().map(|one| one.name()).collect::<Vec<_>>(),
        "declared_at": incident.declared_at.rfc3339(),
        "onset": incident.onset.map(Timestamp::rfc3339),
        "resolved_at": incident.resolved_at.map(Timestamp::rfc3339),
        "lasted_seconds": lasted.seconds(), "bound_seconds": bound.map(|span| span.seconds()),
        "finished_at": finished.map(|(at, _)| at.rfc3339()),
        "sections": sections.collect::<Vec<_>>(),
        "causes": causes.collect::<Vec<_>>(),
        "follow_ups": follow_ups.collect::<Vec<_>>(),
        "objectives": hits.collect::<Vec<_>>(),
    })
}

/// A follow-up for programs.
pub fn of_follow_up(id: crate::eventlog::RecordId, one: &FollowUp, now: Timestamp) -> Value {
    let checked = one.checked.as_ref();
    let ticket = one.ticket.as_ref().map(|(of, seen)| {
        json!({
            "tracker": of.tracker, "key": of.key, "url": seen.url, "state": seen.state,
            "done": seen.done,
        })
    });
    let ended = one.ended.as_ref();
    json!({
        "id": id.to_string(), "text": one.text,
        "owner": one.is_owned().then(|| one.owner.name()),
        "due": one.due.rfc3339(), "priority": one.priority.name(),
        "overdue": one.is_overdue(now),
        "check": one.check.as_ref().map(|check| match check {
            Check::Query { expr } => json!({ "query": expr }),
            Check::Word { what } => json!({ "word": what }),
        }),
        "checked": checked.map(|(holds, seen, at)| json!({
            "holds": holds, "seen": seen, "at": at.rfc3339(),
        })),
        "mends": one.mends.map(|id| id.to_string()), "ticket": ticket,
        "ended_at": ended.map(|(at, ..)| at.rfc3339()), "done": ended.map(|(_, done, _)| done),
    })
}

/// Text that Markdown shows as it is, on one line and in one cell.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            '\n' | '\r' => out.push(' '),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '|' | '`' | '*' | '_' | '~' | '[' | ']' | '#' | '!' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            // Only at a line's beginning do these make something of it.
            '-' | '+' | '=' if text[..at].trim().is_empty() => {
                out.push('\\');
                out.push(c);
            }
            '.' | ')'
                if !text[..at].is_empty() && text[..at].bytes().all(|b| b.is_ascii_digit()) =>
            {
                out.push('\\');
                out.push(c);
            }
            // An address that would become a link by itself.
            ':' if text[at..].starts_with("://") => out.push_str("&#58;"),
            '@' => out.push_str("&#64;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests;
