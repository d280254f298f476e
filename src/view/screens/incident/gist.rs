//! Where only one pane has room: each board in a line, whole parts only, so that all are seen at once.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{IncidentPane, board};
use crate::domain::Role;
use crate::model::incidents::Incident;
use crate::theme::Token;
use crate::view::format::{self, short};
use crate::view::scene::Scene;
use crate::view::widgets::text::{Pen, below, fit, width};

use super::super::inner;
use super::attention::{Urgency, when};
use super::{boards, runs, work};

/// Cells of the names.
const NAMES: u16 = 13;

/// Every pane but the one that has the room, as many as fit.
pub(super) fn draw(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, incident: &Incident) {
    let focus = scene.state.ui.incident.pane;
    let rest =
        IncidentPane::ALL.into_iter().filter(|pane| *pane != focus && pane.is_shown(incident));
    for (line, pane) in (0..area.height).zip(rest) {
        let row = inner(below(area, line));
        let mut pen = Pen::new(buf, row, 0);
        pen.put(pane.title(), scene.style(Token::Header)).to(row.x + NAMES);
        match pane {
            IncidentPane::Timeline => latest(scene, &mut pen, incident),
            IncidentPane::Roles => roles(scene, &mut pen, incident),
            IncidentPane::Tasks => tasks(scene, &mut pen, incident),
            IncidentPane::Workstreams => workstreams(scene, &mut pen, incident),
            IncidentPane::Decisions => decisions(scene, &mut pen, incident),
            IncidentPane::Runs => runs::gist(scene, &mut pen, incident),
            IncidentPane::Updates => updates(scene, &mut pen, incident),
            IncidentPane::Pages => pages(scene, &mut pen, incident),
        }
    }
}

/// A part that is there whole or not at all.
fn part(scene: &Scene<'_>, pen: &mut Pen<'_>, text: &str, token: Token) -> bool {
    let fits = pen.whole(text, scene.style(token));
    if fits {
        pen.skip(2);
    }
    fits
}

fn none(scene: &Scene<'_>, pen: &mut Pen<'_>) {
    pen.put("none", scene.style(Token::Muted));
}

/// The newest entry.
fn latest(scene: &Scene<'_>, pen: &mut Pen<'_>, incident: &Incident) {
    let Some(line) = incident.timeline.iter().next_back() else { return none(scene, pen) };
    let muted = scene.style(Token::Muted);
    pen.put(&scene.zone.minute(line.at.corrected, scene.now()), muted).skip(1);
    pen.put(line.by.name(), muted).skip(1);
    pen.put(line.text.lines().next().unwrap_or_default(), scene.style(Token::Text));
}

fn roles(scene: &Scene<'_>, pen: &mut Pen<'_>, incident: &Incident) {
    let mut missing = 0;
    for (role, who) in board::places(incident) {
        let Some(who) = who else {
            if role == Role::Commander {
                part(scene, pen, " nobody commands ", Token::BannerWarning);
            }
            missing += usize::from(role != Role::Commander);
            continue;
        };
        let here = scene.state.others.iter().any(|one| one.actor == who) || who == scene.state.me;
        let mark = if here { "●" } else { "○" };
        let text = format!("{} {who} {mark}", boards::role_word(role));
        part(scene, pen, &text, if here { Token::Text } else { Token::Muted });
    }
    if missing > 0 {
        part(scene, pen, &short!("{missing} empty"), Token::Warning);
    }
    let guests = boards::guests(scene, incident).count();
    if guests > 0 {
        part(scene, pen, &short!("+{guests} here"), Token::Muted);
    }
}

fn tasks(scene: &Scene<'_>, pen: &mut Pen<'_>, incident: &Incident) {
    let (open, _) = work::open_tasks(scene, incident);
    if open == 0 {
        return none(scene, pen);
    }
    let rows = board::tasks(incident);
    for (shown, (_, task)) in rows.iter().filter(|(_, t)| t.ended.is_none()).enumerate() {
        let urgency = Urgency::of(task.due, scene.now());
        let (text, cut) = fit(&task.text, 24);
        let mark = if cut { "…" } else { "" };
        let text = format!(
            "{} {} {text}{mark} {}",
            urgency.mark(),
            task.owner,
            when(task.due, scene.now())
        );
        if !part(scene, pen, &text, urgency.token()) {
            part(scene, pen, &short!("+{}", open - shown), Token::Muted);
            break;
        }
    }
}

fn workstreams(scene: &Scene<'_>, pen: &mut Pen<'_>, incident: &Incident) {
    let reports = incident.direct_reports().len();
    if reports > scene.model().playbook.most_reports {
        part(scene, pen, &short!("{reports} direct reports: split"), Token::Warning);
    }
    let rows = board::workstreams(incident);
    let mut open = rows.iter().filter(|(_, one)| one.closed.is_none()).peekable();
    if open.peek().is_none() {
        return none(scene, pen);
    }
    for (_, one) in open {
        let silent = one.heard.plus(scene.model().playbook.silent_after) < scene.now();
        let age = format::age(Some(one.heard), scene.now());
        let (text, token) = match (&one.blocker, silent) {
            (Some(_), _) => (format!("■ {} blocked", one.name), Token::Error),
            (None, true) => (format!("▲ {} silent {age}", one.name), Token::Warning),
            (None, false) => (format!("● {}", one.name), Token::Text),
        };
        if !part(scene, pen, &text, token) {
            break;
        }
    }
}

fn decisions(scene: &Scene<'_>, pen: &mut Pen<'_>, incident: &Incident) {
    let rows = board::decisions(incident);
    let Some((_, first)) = rows.first() else { return none(scene, pen) };
    let (mark, token) = match &first.outcome {
        None => ("? ", Token::Decision),
        Some(outcome) if outcome.taken.is_none() => ("✕ ", Token::Muted),
        Some(_) => ("✓ ", Token::Text),
    };
    if rows.len() > 1 {
        pen.right(&short!("+{}", rows.len() - 1), scene.style(Token::Muted)).trim(2);
    }
    pen.put(mark, scene.style(token)).put(&first.proposal, scene.style(token));
}

fn updates(scene: &Scene<'_>, pen: &mut Pen<'_>, incident: &Incident) {
    for next in incident.promises(&scene.model().playbook) {
        let urgency = Urgency::of(next.due, scene.now());
        let (audience, left) = (next.audience, when(next.due, scene.now()));
        part(scene, pen, &format!("{} {audience} {left}", urgency.mark()), urgency.token());
    }
    let (waiting, bad) = boards::unsettled(scene, incident);
    if bad > 0 {
        part(scene, pen, &short!("{bad} not received"), Token::Error);
    }
    if waiting > 0 {
        part(scene, pen, &short!("{waiting} not sent"), Token::Warning);
    }
    let sent = incident.updates.values().filter_map(|one| one.published).max();
    let text = match sent {
        Some(at) => short!("last {}", scene.zone.minute(at, scene.now())),
        None => short!("none sent yet"),
    };
    part(scene, pen, &text, Token::Muted);
}

fn pages(scene: &Scene<'_>, pen: &mut Pen<'_>, incident: &Incident) {
    let rows = board::pages(incident);
    if rows.is_empty() {
        return none(scene, pen);
    }
    for (_, one) in &rows {
        let age = format::age(Some(one.at), scene.now());
        let (text, token) = match &one.answer {
            None => (format!("▲ {} no answer {age}", one.whom), Token::Warning),
            Some((_, true, _)) => (format!("✓ {}", one.whom), Token::Text),
            Some((_, false, _)) => (format!("✕ {} not coming", one.whom), Token::Error),
        };
        if width(&text) > pen.room() {
            break;
        }
        part(scene, pen, &text, token);
    }
}
