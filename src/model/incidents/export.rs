//! A timeline for other programs and for people: Markdown and CSV.
//!
//! Nothing is left out of the lines that are asked for: what was withdrawn or refused is marked, not missing.
//! Cells of the CSV never begin like a formula, so that a spreadsheet only ever shows them.

use super::{Incident, Line};

/// A heading and a table, a row for each of these lines.
pub fn markdown<'l>(incident: &Incident, lines: impl IntoIterator<Item = &'l Line>) -> String {
    let mut out = format!(
        "# {} {}\n\n{}, {}\n\n| time (UTC) | kind | who | what |\n|---|---|---|---|\n",
        incident.id,
        escaped(&incident.title),
        incident.severity,
        incident.status
    );
    for line in lines {
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

/// One row for each of these lines, after RFC 4180.
pub fn csv<'l>(lines: impl IntoIterator<Item = &'l Line>) -> String {
    let mut out = String::from(
        "time,raw time,bound ms,written,kind,by,spoken by,text,pinned,withdrawn by,withdrawn because,record\r\n",
    );
    for line in lines {
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
