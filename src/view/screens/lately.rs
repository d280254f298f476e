//! What people did lately: acknowledgements, notes, silences, newest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::{Actor, Operation, Timestamp};
use crate::model::Standing;
use crate::theme::Token;
use crate::view::scene::Scene;
use crate::view::widgets::text::{Pen, below};

use super::{empty, inner, title};

/// One entry: when, who, shape, words, colour.
type Entry<'m> = (Timestamp, &'m Actor, &'static str, String, Token);

/// Draws as many as there is room for.
pub(super) fn draw(scene: &Scene<'_>, buf: &mut Buffer, area: Rect) {
    if area.height < 2 {
        return;
    }
    title(scene, buf, area, "Who did what", false);
    let list = inner(below(area, 1));
    let entries = entries(scene, usize::from(list.height));
    if entries.is_empty() {
        let words = "Nothing acknowledged, noted or silenced from here yet.".to_owned();
        empty(scene, buf, below(area, 1), (words, Token::Muted));
    }
    for (row, (at, by, mark, words, token)) in (0u16..).zip(entries) {
        let mut pen = Pen::new(buf, list, row);
        pen.put(&scene.zone.minute(at, scene.now()), scene.style(Token::Muted)).skip(1);
        pen.put(mark, scene.style(token)).skip(1).put(by.name(), scene.style(Token::Text)).skip(1);
        pen.put(&words, scene.style(Token::Muted));
    }
}

fn entries<'m>(scene: &Scene<'m>, most: usize) -> Vec<Entry<'m>> {
    let model = scene.model();
    let journal = &model.journal;
    let mut all: Vec<Entry<'m>> = Vec::with_capacity(most * 3);
    for group in model.alerts.groups.iter().filter(|g| g.ack.is_some()).take(most) {
        if let Some(ack) = &group.ack {
            let words = if ack.note.is_empty() { &group.title } else { &ack.note };
            all.push((ack.at, &ack.by, "✓", format!("acked: {words}"), Token::Ack));
        }
    }
    for note in journal.notes.values().rev().take(most) {
        all.push((note.at, &note.by, "✎", note.text.to_string(), Token::Info));
    }
    for operation in journal.operations.values().rev().take(most) {
        let what = match &operation.operation {
            Operation::Silence { site, draft } => format!("silence on {site}: {}", draft.comment),
            Operation::Expire { site, .. } => format!("end of a silence on {site}"),
            Operation::Send(message) => format!("{}: {}", message.channel, message.subject),
            Operation::Ticket { tracker, .. } => format!("ticket in {tracker}"),
        };
        let (mark, token, more) = match operation.standing(scene.now()) {
            Standing::UnderWay => ("…", Token::Info, ""),
            Standing::OutcomeUnknown => ("?", Token::Unknown, ", outcome unknown"),
            Standing::Ended(crate::domain::Outcome::Refused { .. }) => {
                ("✕", Token::Error, ", refused")
            }
            Standing::Ended(_) => ("○", Token::Silenced, ""),
        };
        all.push((operation.at, &operation.by, mark, format!("{what}{more}"), token));
    }
    all.sort_by_key(|entry| std::cmp::Reverse(entry.0));
    all.truncate(most);
    all
}
