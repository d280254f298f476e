//! The review as one HTML file: no script, nothing loaded, charts and diagrams as pictures in it.

use super::svg::{self, xml};
use super::{Row, check, day, finished, follow_ups, rows, stands, types};
use crate::domain::{Reading, Timestamp};
use crate::model::incidents::Incident;
use crate::model::review::sections::percent;
use crate::model::review::{Document, Section, interval};

/// How it looks; also what the policy in the file allows.
const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;\
color:#1a1a1a;background:#fff}h1{line-height:1.2}h2{margin-top:2rem;border-bottom:1px solid #ccc}\
table{border-collapse:collapse;width:100%}th,td{border:1px solid #ccc;padding:.3rem .5rem;text-align:left;\
vertical-align:top;overflow-wrap:anywhere}.draft,.meta{color:#555;font-style:italic}p,li,h1{\
overflow-wrap:anywhere}svg{max-width:100%;height:auto}";

/// The whole file.
pub fn html(document: &Document, incident: &Incident, now: Timestamp) -> String {
    let title = format!("{} {}", incident.id, incident.title);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n\
         <p class=\"meta\">{}, {}. Types: {}. {}</p>\n",
        xml(&incident.severity.to_string()),
        incident.status,
        xml(&types(incident)),
        xml(&finished(incident)),
        title = xml(&title),
    );
    for section in &document.sections {
        of_section(&mut out, section);
        if section.section == crate::domain::ReviewSection::Impact {
            charts(&mut out, document, incident, now);
        }
    }
    if !incident.review.causes.is_empty() {
        out.push_str("<h2>Whys</h2>\n");
        out.push_str(&svg::whys(&incident.review));
        out.push_str("<h2>Fishbone</h2>\n");
        out.push_str(&svg::fishbone(&incident.review, &incident.title));
    }
    let given = follow_ups(incident);
    if !given.is_empty() {
        out.push_str("<h2>Follow-ups</h2>\n<table>\n<thead><tr>");
        for head in ["what", "owner", "due", "priority", "stands", "check", "ticket"] {
            out.push_str(&format!("<th>{head}</th>"));
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for (_, one) in given {
            let ticket = one.ticket.as_ref().map_or(String::new(), |(of, _)| of.key.to_string());
            out.push_str("<tr>");
            for cell in [
                one.text.to_string(),
                one.owner_words().to_owned(),
                day(one.due),
                one.priority.name().to_owned(),
                stands(one, now),
                one.check.as_ref().map_or(String::new(), check),
                ticket,
            ] {
                out.push_str(&format!("<td>{}</td>", xml(&cell)));
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody>\n</table>\n");
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn of_section(out: &mut String, section: &Section) {
    out.push_str(&format!("<h2>{}</h2>\n", section.section.title()));
    if section.is_blank() {
        out.push_str("<p class=\"draft\">Nothing was written here.</p>\n");
        return;
    }
    if section.written.is_none() {
        out.push_str("<p class=\"draft\">Draft, written from the log.</p>\n");
    }
    // Lists that are open; of all but the outermost the item they hang on is open too.
    let mut open = 0usize;
    let mut paragraph = false;
    for row in rows(&section.text).chain([Row::Blank]) {
        if paragraph && !matches!(row, Row::Text(_)) {
            out.push_str("</p>\n");
            paragraph = false;
        }
        let depth = match row {
            Row::Item(depth, _) => (depth + 1).min(open + 1),
            Row::Blank | Row::Text(_) => 0,
        };
        while open > depth {
            out.push_str("</li>\n</ul>\n");
            open -= 1;
        }
        match row {
            Row::Blank => {}
            Row::Text(text) => {
                out.push_str(if paragraph { "<br>\n" } else { "<p>" });
                out.push_str(&xml(text));
                paragraph = true;
            }
            Row::Item(_, text) => {
                out.push_str(if depth > open { "<ul>\n" } else { "</li>\n" });
                open = depth;
                out.push_str(&format!("<li>{}", xml(text)));
            }
        }
    }
}

fn charts(out: &mut String, document: &Document, incident: &Incident, now: Timestamp) {
    let (from, to) = interval(incident, now);
    for hit in &document.hits {
        if hit.line.len() < 2 {
            continue;
        }
        let spent = match (hit.spent, hit.ratio) {
            (Some(spent), _) => format!("{} of the budget spent", percent(spent)),
            (None, Reading::NaN) => "no traffic".to_owned(),
            (None, _) => "budget spent unknown".to_owned(),
        };
        let title = format!("{}: burn rate, {spent}", hit.title);
        out.push_str(&svg::chart(&title, &hit.line, from, to));
    }
}
