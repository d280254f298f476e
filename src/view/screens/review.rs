//! The Review screen: the shelf and the parts of one review on the left, what the part says beside them,
//! and where there is room the timeline it rests on.

mod body;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{Drawn, ReviewPane, ReviewPart, first_visible};
use crate::model::incidents::Incident;
use crate::theme::Token;
use crate::view::format::short;
use crate::view::scene::Scene;
use crate::view::widgets::text::{Pen, below, top};

use super::bridge::mark_row;
use super::{empty, inner, title};

/// From this width on the timeline stands beside the text.
const WIDE: u16 = 116;
/// Rows of the list of parts, its title included.
const PARTS: u16 = 16;

/// Draws it.
pub(crate) fn draw(scene: &Scene<'_>, buf: &mut Buffer, area: Rect) -> Drawn {
    let ui = &scene.state.ui.review;
    let Some(incident) = scene.state.reviewed() else {
        title(scene, buf, area, "Reviews", true);
        let text = "There is no review yet. The draft of one is here as soon as an incident is declared, and \
                    everything that happens in it goes in by itself.";
        empty(scene, buf, below(area, 1), (text.to_owned(), Token::Muted));
        return Drawn::default();
    };
    let left = match area.width {
        ..=90 => 31,
        91..=150 => 36,
        _ => 46,
    };
    let left = Rect { width: left.min(area.width), ..area };
    let rest = Rect { x: left.right(), width: area.width - left.width, ..area };
    let evidence = if area.width >= WIDE { rest.width * 2 / 5 } else { 0 };
    let body = Rect { width: rest.width - evidence, ..rest };
    let shelf = (area.height.saturating_sub(PARTS)).max(3).min(area.height);
    let rows = u16::try_from(ui.rows.len()).unwrap_or(u16::MAX).saturating_add(1);
    let shelf = shelf.min(rows.max(3));
    let from_shelf = list(scene, buf, top(left, shelf));
    parts(scene, buf, below(left, shelf), incident);
    let from_body = body::draw(scene, buf, body, incident);
    if evidence > 0 {
        let area = Rect { x: body.right(), width: evidence, ..rest };
        body::evidence(scene, buf, area, incident);
    }
    match ui.pane {
        ReviewPane::Shelf => from_shelf,
        ReviewPane::Parts => Drawn { page: usize::from(PARTS), ..Drawn::default() },
        ReviewPane::Body => from_body,
    }
}

/// How a review stands: mark, colour, words.
fn stands(scene: &Scene<'_>, incident: &Incident) -> (&'static str, Token, &'static str) {
    let late = incident.review.follow_ups.values().any(|one| one.is_overdue(scene.now()));
    match (incident.status.is_live(), late, &incident.review.finished) {
        (true, ..) => ("◆", Token::Warning, "goes on"),
        (_, true, _) => ("▲", Token::Error, "overdue"),
        (.., None) => ("○", Token::Text, "open"),
        (.., Some(_)) => ("✓", Token::Muted, "finished"),
    }
}

fn list(scene: &Scene<'_>, buf: &mut Buffer, area: Rect) -> Drawn {
    let ui = &scene.state.ui.review;
    let focused = ui.pane == ReviewPane::Shelf;
    title(scene, buf, top(area, 1), &short!("Reviews · {}", ui.rows.len()), focused);
    let list = inner(below(area, 1));
    let page = usize::from(list.height);
    let at = ui.selected.as_ref().and_then(|id| ui.rows.iter().position(|row| row == id));
    let first = first_visible(ui.scroll[0], at.unwrap_or(0), page, ui.rows.len());
    for (row, id) in ui.rows.iter().skip(first).take(page).enumerate() {
        let Some(incident) = scene.model().incidents.incidents.get(id) else { continue };
        let (mark, token, words) = stands(scene, incident);
        let mut pen = Pen::new(buf, list, u16::try_from(row).unwrap_or(u16::MAX));
        pen.put(mark, scene.style(token)).skip(1);
        pen.right(words, scene.style(token)).trim(1);
        pen.put(&incident.title, scene.style(Token::Text));
    }
    if let Some(at) = at {
        mark_row(scene, buf, list, at, first, focused);
    }
    Drawn { top: first, page, ..Drawn::default() }
}

fn parts(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, incident: &Incident) {
    let ui = &scene.state.ui.review;
    let focused = ui.pane == ReviewPane::Parts;
    title(scene, buf, top(area, 1), incident.id.as_str(), focused);
    let list = inner(below(area, 1));
    let all: Vec<ReviewPart> = ReviewPart::all().collect();
    let at = all.iter().position(|part| *part == ui.part).unwrap_or(0);
    let page = usize::from(list.height);
    let first = first_visible(0, at, page, all.len());
    for (row, part) in all.iter().skip(first).take(page).enumerate() {
        let mut pen = Pen::new(buf, list, u16::try_from(row).unwrap_or(u16::MAX));
        let (mark, token, words) = part_stands(scene, incident, *part);
        pen.put(mark, scene.style(token)).skip(1);
        pen.right(&words, scene.style(token)).trim(1);
        pen.put(part.title(), scene.style(Token::Text));
    }
    mark_row(scene, buf, list, at, first, focused);
}

/// What is to be known of a part before it is opened.
fn part_stands(
    scene: &Scene<'_>,
    incident: &Incident,
    part: ReviewPart,
) -> (&'static str, Token, String) {
    let ui = &scene.state.ui.review;
    match part {
        ReviewPart::Section(section) => {
            let document = ui.document.as_ref();
            let Some(one) = document.and_then(|all| all.section(section)) else {
                return ("?", Token::Unknown, String::new());
            };
            let slips = one.slips.len();
            match (one.is_blank(), slips, &one.written) {
                (true, ..) => ("○", Token::Warning, "blank".to_owned()),
                (_, 1, _) => ("!", Token::Warning, "1 wording".to_owned()),
                (_, 2.., _) => ("!", Token::Warning, format!("{slips} wordings")),
                (.., None) => ("·", Token::Muted, "draft".to_owned()),
                (.., Some(_)) => ("✎", Token::Text, "written".to_owned()),
            }
        }
        ReviewPart::Whys | ReviewPart::Fishbone => match incident.review.causes.len() {
            0 => ("○", Token::Muted, "none".to_owned()),
            n => ("·", Token::Text, n.to_string()),
        },
        ReviewPart::FollowUps => {
            let all = incident.review.follow_ups.values();
            let open = all.clone().filter(|one| one.ended.is_none()).count();
            let late = all.filter(|one| one.is_overdue(scene.now())).count();
            match (open, late) {
                (0, _) => ("○", Token::Muted, "none open".to_owned()),
                (n, 0) => ("·", Token::Text, format!("{n} open")),
                (_, late) => ("▲", Token::Error, format!("{late} overdue")),
            }
        }
        ReviewPart::Similar => match ui.similar.len() {
            0 => ("○", Token::Muted, "none".to_owned()),
            n => ("·", Token::Text, n.to_string()),
        },
        ReviewPart::Evidence => ("·", Token::Muted, incident.timeline.len().to_string()),
    }
}
