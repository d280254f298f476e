//! What waits for somebody, in sentences: shown under the incident's head, counted on the strip.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::actions::runs;
use crate::domain::{Span, Timestamp};
use crate::model::incidents::{Attention, Incident, Waiting};
use crate::theme::Token;
use crate::view::format::{self, Short, short};
use crate::view::scene::Scene;
use crate::view::widgets::text::{Pen, width};

/// What is due this soon is said.
const SOON: Span = Span::from_mins(5);

/// How soon something is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    Overdue,
    Soon,
    Later,
}

impl Urgency {
    pub(crate) fn of(at: Timestamp, now: Timestamp) -> Self {
        match at.since(now) {
            left if left < Span::ZERO => Self::Overdue,
            left if left <= SOON => Self::Soon,
            _ => Self::Later,
        }
    }

    pub(crate) const fn token(self) -> Token {
        match self {
            Self::Overdue => Token::Error,
            Self::Soon => Token::Warning,
            Self::Later => Token::Text,
        }
    }

    pub(crate) const fn mark(self) -> &'static str {
        match self {
            Self::Overdue => "▲",
            Self::Soon => "◆",
            Self::Later => "◇",
        }
    }
}

/// How far away: `2m over`, `in 4m`.
pub(super) fn when(at: Timestamp, now: Timestamp) -> Short {
    let left = at.since(now).millis();
    if left < 0 {
        return short!("{} over", format::span(Span::from_secs(left.saturating_abs() / 1_000)));
    }
    // Ten minutes are ten minutes until one of them is gone.
    let secs = left.saturating_add(999) / 1_000;
    let secs = if secs < 60 { secs } else { secs.saturating_add(59) / 60 * 60 };
    short!("in {}", format::span(Span::from_secs(secs)))
}

/// What waits for somebody; roles that are merely empty are shown among the roles.
pub(crate) fn waiting(scene: &Scene<'_>, incident: &Incident) -> Vec<Attention> {
    let model = scene.model();
    let mut all = incident.attention(&model.playbook, &model.duties, scene.now());
    if incident.is_running() {
        all.extend(runs::attention(model, incident, scene.now()));
        all.sort_by_key(Attention::rank);
    }
    all.retain(|one| !matches!(one.what, Waiting::Empty(_)));
    all
}

/// When the next update is promised.
pub(crate) fn promise(scene: &Scene<'_>, incident: &Incident) -> Option<Timestamp> {
    incident.promises(&scene.model().playbook).first().map(|promise| promise.due)
}

/// Draws the lines: what waits, the most urgent first; else what is promised next.
pub(super) fn draw(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, incident: &Incident) {
    let muted = scene.style(Token::Muted);
    if area.height == 0 {
        return;
    }
    let all = waiting(scene, incident);
    let mut pen = Pen::new(buf, area, 0);
    if all.is_empty() {
        if !incident.is_running() {
            pen.put("Over: nothing waits.", muted);
            return;
        }
        match incident.promises(&scene.model().playbook).first() {
            Some(next) => {
                pen.put("Nothing waits. The next ", muted).put(next.audience.name(), muted);
                pen.put(" update is promised ", muted).put(&when(next.due, scene.now()), muted);
            }
            None => {
                pen.put("Nothing waits, and no update is promised.", muted);
            }
        }
        return;
    }
    let (mut line, mut shown) = (0, 0);
    for one in &all {
        let (mark, token) = match one.what {
            what if what.is_urgent() => ("▲ ", Token::Error),
            Waiting::UpdateSoon(_) | Waiting::Review(_) => ("◆ ", Token::Warning),
            _ => ("◇ ", Token::Warning),
        };
        let cells = width(&one.sentence) + 2;
        let last = line + 1 == area.height;
        // Room for saying how many more there are.
        let spare = if last && shown + 1 < all.len() { 9 } else { 0 };
        if shown > 0 && cells + spare > pen.room() {
            if last {
                break;
            }
            line += 1;
            pen = Pen::new(buf, area, line);
        }
        if last && shown + 1 < all.len() && cells + spare > pen.room() {
            let more = short!("+{} more", all.len() - shown - 1);
            pen.right(&more, scene.style(Token::Warning)).trim(1);
            pen.put(mark, scene.style(token)).put(&one.sentence, scene.style(token));
            return;
        }
        pen.put(mark, scene.style(token)).put(&one.sentence, scene.style(token)).skip(2);
        shown += 1;
    }
    if shown < all.len() {
        pen.put(&short!("+{} more", all.len() - shown), scene.style(Token::Warning));
    }
}
