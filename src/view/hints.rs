//! The last line: the latest message while it is new, else the keys worth knowing here.

use crate::app::Tone;
use crate::domain::Span;
use crate::theme::Token;

use super::scene::Scene;
use super::widgets::text::{Pen, width};

/// How long a message stays. A failure stays until the next message.
const SHOWN_FOR: Span = Span::from_secs(8);

/// Messages this close to each other have not been read one by one.
const TOGETHER: Span = Span::from_millis(500);

/// Draws the line.
pub(crate) fn draw(scene: &Scene<'_>, pen: &mut Pen<'_>) {
    let ui = &scene.state.ui;
    pen.skip(2);
    if !ui.pending.is_empty() {
        pen.right(" ", scene.style(Token::Text))
            .right(&ui.pending.to_string(), scene.style(Token::Key))
            .trim(2);
    }
    // Of messages that came together, as at the start, the gravest.
    let last = ui.notices.back().map(|n| n.at).unwrap_or_default();
    let together = ui.notices.iter().rev().take_while(|n| last.since(n.at) <= TOGETHER);
    let latest = together.reduce(|best, n| if n.tone > best.tone { n } else { best }).filter(|n| {
        let age = scene.now().since(n.at);
        n.tone == Tone::Error && age <= Span::from_mins(1) || age <= SHOWN_FOR
    });
    if let Some(notice) = latest {
        let (mark, token) = match notice.tone {
            Tone::Done => ("✓ ", Token::Ok),
            Tone::Info => ("· ", Token::Info),
            Tone::Warning => ("◆ ", Token::Warning),
            Tone::Error => ("✕ ", Token::Error),
        };
        pen.put(mark, scene.style(token)).put(&notice.text, scene.style(token));
        return;
    }
    for hint in scene.keymap.hints(ui.screen, scene.state.playback.is_some()) {
        if width(hint.keys) + 1 + width(hint.doc) > pen.room() {
            break;
        }
        pen.put(hint.keys, scene.style(Token::Key)).skip(1);
        pen.put(hint.doc, scene.style(Token::Muted)).skip(2);
    }
}
