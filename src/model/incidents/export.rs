//! A timeline for other programs and for people: Markdown, CSV and JSON.
//!
//! Nothing is left out: what was withdrawn or refused is marked, not missing. Cells of the CSV never begin
//! like a formula, so that a spreadsheet only ever shows them.

use serde_json::{Value, json};

use super::{Incident, Line};

/// A heading and a table, a row for each line.
pub fn markdown(incident: &Incident) -> String {
    let mut out = format!(
        "# {} {}\n\n{}, {}\n\n| time (UTC) | kind | who | what |\n|---|---|---|---|\n",
        incident.id,
        escaped(&incident.title),
        incident.severity,
        incident.status
    );
    for line in incident.timeline.iter() {
        let time = line.at.corrected.rfc3339();
        let (kind, who) = (line.kind.name(), escaped(&who(line)));
        let text = escaped(&line.text);
        let text = match line.withdrawn.as_deref() {
            Some((by, why)) => {
                format!("~~{text}~~ (withdrawn by {}: {})", escaped(by.name()), escaped(why))
            }
            None => text,
        };
        out.push_str(&format!("| {time} | {kind} | {who} | {text} |\n"));
    }
    out
}

/// One row for each line, after RFC 4180.
pub fn csv(incident: &Incident) -> String {
    let mut out = String::from(
        "time,raw time,bound ms,written,kind,by,spoken by,text,pinned,withdrawn by,withdrawn because,record\r\n",
    );
    for line in incident.timeline.iter() {
        let (by, why) = match line.withdrawn.as_deref() {
            Some((by, why)) => (by.name(), why.as_str()),
            None => ("", ""),
        };
        let cells = [
            line.at.corrected.rfc3339(),
            line.at.raw.rfc3339(),
            line.at.bound.map_or(String::new(), |bound| bound.to_string()),
            line.written.rfc3339(),
            line.kind.name().to_owned(),
            cell(line.by.name()),
            cell(line.spoken_by.as_ref().map_or("", |who| who.name())),
            cell(&line.text),
            if line.pinned { "yes".to_owned() } else { String::new() },
            cell(by),
            cell(why),
            line.record.to_string(),
        ];
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    }
    out
}

/// The incident's head and all lines, evidence included.
pub fn json(incident: &Incident) -> Value {
    let lines: Vec<Value> = incident.timeline.iter().map(as_json).collect();
    json!({
        "incident": incident.id,
        "title": incident.title,
        "severity": incident.severity.to_string(),
        "status": incident.status.name(),
        "declared_at": incident.declared_at.rfc3339(),
        "lines": lines,
    })
}

fn as_json(line: &Line) -> Value {
    let withdrawn = line.withdrawn.as_deref().map(|(by, why)| json!({ "by": by, "because": why }));
    json!({
        "record": line.record.to_string(),
        "at": line.at.corrected.rfc3339(),
        "raw": line.at.raw.rfc3339(),
        "bound_ms": line.at.bound,
        "written": line.written.rfc3339(),
        "kind": line.kind.name(),
        "by": line.by,
        "key": line.key.to_string(),
        "spoken_by": line.spoken_by,
        "text": line.text,
        "pinned": line.pinned,
        "withdrawn": withdrawn,
        "evidence": line.evidence.as_deref().map(|proof| json!({
            "query": proof.query,
            "source": proof.source,
            "from": proof.from.rfc3339(),
            "to": proof.to.rfc3339(),
            "unit": proof.unit,
            // JSON has no word for what is not a number.
            "values": proof.values.iter().map(|(at, value)| json!([at.rfc3339(), value])).collect::<Vec<_>>(),
        })),
    })
}

fn who(line: &Line) -> String {
    match &line.spoken_by {
        Some(speaker) => format!("{speaker} (written by {})", line.by),
        None => line.by.to_string(),
    }
}

/// Text that Markdown shows as it is, in one cell.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("<br>"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '|' | '`' | '*' | '_' | '~' | '[' | ']' | '#' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// Text as a quoted cell that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    let formula = text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    let guard = if formula { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}
