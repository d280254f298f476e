//! The brief of a hand-over: which sections are accepted, the one to read, and what can be answered.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::Briefing;
use crate::keys::PromptAction;
use crate::theme::Token;
use crate::view::format::short;
use crate::view::scene::Scene;
use crate::view::widgets::text::{Pen, below, top, wrap};

use super::entry::{line, outcome};
use super::{ACCEPT, CANCEL, Cursor, Does, Shown, keys, popup, position};

pub(super) fn draw(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    brief: &Briefing,
    cursor: &mut Cursor,
) -> Shown {
    let incident = scene.model().incidents.incidents.get(&brief.incident);
    let offer = incident.and_then(|incident| incident.handover.as_ref());
    let title = offer.map_or_else(
        || format!("Command of {}", brief.incident),
        |offer| format!("{} offers you command of {}", offer.from, brief.incident),
    );
    let (inner, foot) = popup(scene, buf, area, (92, area.height), &title);
    let Some(offer) = offer else {
        let text = "This offer no longer stands: it was taken back, or command has changed hands.";
        Pen::new(buf, inner, 0).put(text, scene.style(Token::Warning));
        keys(scene, buf, foot, &[(CANCEL, "close")]);
        return (0, 0);
    };
    let at = Briefing::section(offer);
    let mut pen = Pen::new(buf, inner, 0);
    for (place, section) in offer.sections.iter().enumerate() {
        let (mark, token) = match &section.answer {
            Some(Ok(())) => ("✓ ", Token::Ok),
            Some(Err(_)) => ("? ", Token::Warning),
            None => ("· ", Token::Muted),
        };
        let name = if Some(place) == at { Token::Accent } else { token };
        pen.put(mark, scene.style(token));
        if !pen.whole(&section.title, scene.style(name)) {
            pen.put("…", scene.style(Token::Muted));
            break;
        }
        pen.skip(2);
    }
    let mut bottom = u16::from(brief.asking.is_some());
    if let Some(why) = &brief.refusal {
        wrap(why, usize::from(inner.width).max(1), |_| bottom += 1);
    }
    bottom += u16::from(brief.saving.is_some());
    let body = below(inner, if inner.height > 8 { 2 } else { 1 });
    let text_area = top(body, body.height.saturating_sub(bottom.min(body.height / 2)));
    let (first, page, rows) = match at.and_then(|at| offer.sections.get(at)) {
        Some(section) => reading(scene, buf, text_area, section, brief.top),
        None => (0, 0, 0),
    };
    let mut rest = below(body, text_area.height);
    if let Some(typed) = &brief.asking {
        let label = if brief.declining { "Not me: " } else { "You ask: " };
        let mut pen = Pen::new(buf, rest, 0);
        pen.put(label, scene.style(Token::Accent));
        let entry = Rect { x: pen.x(), width: pen.room() as u16, ..top(rest, 1) };
        line(scene, buf, entry, typed, Some(cursor));
        rest = below(rest, 1);
    }
    outcome(scene, buf, rest, brief.refusal.as_ref(), brief.saving.is_some());
    match (&brief.asking, brief.declining) {
        (Some(_), true) => keys(scene, buf, foot, &[(ACCEPT, "decline"), (CANCEL, "back")]),
        (Some(_), false) => keys(scene, buf, foot, &[(ACCEPT, "ask"), (CANCEL, "back")]),
        (None, _) => {
            let last = offer.sections.iter().filter(|s| s.answer != Some(Ok(()))).count() == 1;
            let accept = if last { "understood: I have command" } else { "understood" };
            let next = Does::Typed(PromptAction::Next);
            let pairs = [
                (ACCEPT, accept),
                (Does::Key("?"), "ask"),
                (Does::Key("d"), "decline"),
                (next, "scroll"),
                (CANCEL, "later"),
            ];
            keys(scene, buf, foot, &pairs);
        }
    }
    position(scene, buf, foot, first, page, rows);
    (first, page)
}

fn reading(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    section: &crate::model::incidents::BriefSection,
    first: usize,
) -> (usize, usize, usize) {
    let mut rows: Vec<(String, Token)> = vec![(section.title.to_string(), Token::Title)];
    let cells = usize::from(area.width).max(1);
    wrap(&section.text, cells, |line| rows.push((line.to_owned(), Token::Text)));
    if let Some(Err(question)) = &section.answer {
        let asked = short!("You asked: ").to_string() + question;
        wrap(&asked, cells, |line| rows.push((line.to_owned(), Token::Warning)));
    }
    let page = usize::from(area.height);
    let first = first.min(rows.len().saturating_sub(page));
    for (row, (text, token)) in (0u16..).zip(rows.iter().skip(first).take(page)) {
        Pen::new(buf, area, row).put(text, scene.style(*token));
    }
    (first, page, rows.len())
}
