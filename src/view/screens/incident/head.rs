//! The head of an incident: what it is and how bad, who is hurt, since when, where else it is written.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::actions::Action;
use crate::domain::{Severity, Status};
use crate::model::incidents::Incident;
use crate::theme::Token;
use crate::view::format::{self, short};
use crate::view::scene::{Scene, severity};
use crate::view::widgets::text::{Pen, below, top, width};

use super::super::inner;
use super::attention;

/// Draws it; gives the rows used.
pub(super) fn draw(scene: &Scene<'_>, buf: &mut Buffer, body: Rect, incident: &Incident) -> u16 {
    let area = inner(body);
    first(scene, &mut Pen::new(buf, area, 0), incident);
    impact(scene, &mut Pen::new(buf, area, 1), incident);
    let mut used = 2;
    if body.height >= 15 {
        facts(scene, &mut Pen::new(buf, area, 2), incident);
        used = 3;
    }
    if body.height >= 28 {
        let mut pen = Pen::new(buf, area, used);
        pen.put(&short!("{}", incident.severity), scene.style(severity(incident.severity)));
        pen.put(" because ", scene.style(Token::Muted));
        match incident.severity_reason.as_str() {
            "" => pen.put("nobody said why", scene.style(Token::Warning)),
            reason => pen.put(reason, scene.style(Token::Text)),
        };
        used += 1;
    }
    let lines = if body.height >= 28 { 2 } else { 1 };
    attention::draw(scene, buf, top(below(area, used), lines), incident);
    used + lines
}

/// Severity, title and status. The title is what may be cut.
fn first(scene: &Scene<'_>, pen: &mut Pen<'_>, incident: &Incident) {
    let age = format::age(Some(incident.status_since), scene.now());
    let token = match (incident.status, &incident.merged_into) {
        (_, Some(_)) | (Status::Resolved | Status::Closed, _) => Token::Muted,
        (Status::Monitoring, _) => Token::Info,
        (Status::Investigating | Status::Identified, _) if incident.severity <= Severity::Sev2 => {
            Token::Error
        }
        (Status::Investigating | Status::Identified, _) => Token::Warning,
    };
    let status = match &incident.merged_into {
        Some(into) => format!("merged into {into}"),
        None => format!("{} {age}", incident.status),
    };
    pen.right(&status, scene.style(token)).trim(2);
    badge(scene, pen, incident);
    pen.put(incident.id.as_str(), scene.style(Token::Muted)).skip(1);
    pen.put(&incident.title, scene.style(Token::Title));
}

/// The severity as it is painted everywhere.
fn badge(scene: &Scene<'_>, pen: &mut Pen<'_>, incident: &Incident) {
    let text = short!("{}", incident.severity);
    pen.put(&text, scene.style(severity(incident.severity))).skip(1);
}

/// One sentence, or that nobody has said it yet.
fn impact(scene: &Scene<'_>, pen: &mut Pen<'_>, incident: &Incident) {
    let impact = &incident.impact;
    let banner = scene.style(Token::BannerWarning);
    match (impact.sentence.as_str(), impact.scope.as_str()) {
        ("", "") => {
            pen.put(" impact not known: who is hurt, and how? ", banner).skip(1);
            if let (true, Some(key)) =
                (incident.is_running(), scene.keymap.key_for(Action::Describe))
            {
                pen.put(key, scene.style(Token::Key)).put(" says it", scene.style(Token::Muted));
            }
        }
        ("", scope) => {
            pen.put(" impact not known ", banner).skip(1);
            pen.put(scope, scene.style(Token::Text));
        }
        (sentence, "") => {
            if width(sentence) + 20 <= pen.room() {
                pen.right(" scope not known", scene.style(Token::Warning)).trim(1);
            }
            pen.put(sentence, scene.style(Token::Text));
        }
        (sentence, scope) => {
            if width(sentence) + width(scope) + 3 <= pen.room() {
                pen.put(sentence, scene.style(Token::Text)).put(" · ", scene.style(Token::Muted));
                pen.put(scope, scene.style(Token::Text));
            } else {
                pen.put(sentence, scene.style(Token::Text));
            }
        }
    }
}

/// Services, when it began and was declared, tickets, links: whole ones, as many as fit.
fn facts(scene: &Scene<'_>, pen: &mut Pen<'_>, incident: &Incident) {
    let (muted, plain) = (scene.style(Token::Muted), scene.style(Token::Text));
    if incident.services.is_empty() {
        pen.put("no service named", scene.style(Token::Warning));
    }
    for (at, service) in incident.services.iter().enumerate() {
        if at > 0 && width(service.as_str()) + 8 > pen.room() {
            pen.put(&short!(" +{}", incident.services.len() - at), muted);
            break;
        }
        pen.skip(u16::from(at > 0)).put(service.as_str(), plain);
    }
    let now = scene.now();
    match incident.onset {
        Some(onset) => {
            let text = short!("onset {} ", scene.zone.minute(onset, now));
            let age = short!("{} ago", format::age(Some(onset), now));
            if width(&text) + width(&age) + 2 <= pen.room() {
                pen.skip(2).put(&text, plain).put(&age, muted);
            }
        }
        None => {
            let said = "onset not known";
            if width(said) + 2 <= pen.room() {
                pen.skip(2).put(said, scene.style(Token::Unknown));
            }
        }
    }
    for (ticket, seen) in &incident.tickets {
        let (state, token) = match (seen.state.as_str(), seen.done) {
            ("", _) => ("?", Token::Unknown),
            (state, Some(true)) => (state, Token::Muted),
            (state, _) => (state, Token::Text),
        };
        let key = &ticket.key;
        if width(key) + 1 + width(state) + 2 > pen.room() {
            break;
        }
        pen.skip(2).put(key, scene.style(Token::Link)).skip(1).put(state, scene.style(token));
    }
    let declared = format!(
        "declared {} by {}",
        scene.zone.minute(incident.declared_at, now),
        incident.declared_by
    );
    if width(&declared) + 2 <= pen.room() {
        pen.skip(2).put(&declared, muted);
    }
    if !incident.links.is_empty() {
        let word = if incident.links.len() == 1 { "link" } else { "links" };
        let links = short!("{} {word}", incident.links.len());
        if width(&links) + 2 <= pen.room() {
            pen.skip(2).put(&links, muted);
        }
    }
    for (title, target) in &incident.links {
        let cells = width(title) + width(target) + 3;
        if cells > pen.room() {
            break;
        }
        pen.skip(2).put(title, muted).skip(1).put(target, scene.style(Token::Link));
    }
}
