//! One line: who is likely to blame for what hurts most.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::actions::Action;
use crate::domain::Span;
use crate::theme::Token;
use crate::view::format;
use crate::view::scene::Scene;
use crate::view::widgets::text::{Pen, width};

use super::inner;

/// Readings older than this are said to be old.
const OLD: Span = Span::from_mins(2);
/// Bodies lower than this have no line to spare.
const LEAST: u16 = 14;

/// Lines it takes on a body of this height: one when there is something to say.
pub(super) fn height(scene: &Scene<'_>, body: Rect) -> u16 {
    u16::from(body.height >= LEAST && scene.model().suspected().is_some())
}

/// Draws it: the longest wording that fits whole.
pub(super) fn draw(scene: &Scene<'_>, buf: &mut Buffer, area: Rect) {
    let Some(found) = scene.model().suspected().filter(|_| area.height > 0) else { return };
    let area = inner(area);
    let key = scene.keymap.key_for(Action::Suspects).map_or(String::new(), |key| format!("{key} "));
    let age = if scene.now().since(found.until) > OLD {
        format!(" · readings {} old", format::age(Some(found.until), scene.now()))
    } else {
        String::new()
    };
    let (token, wordings) = match found.first() {
        None => {
            let at = &found.concern.service;
            let text = format!("nobody stands out for {at}{age}");
            (Token::Muted, vec![text, format!("nobody stands out{age}")])
        }
        Some(first) => {
            let (name, gist, way) = (found.name(first), found.gist(first), found.way(first));
            // The one that hurts is to blame itself: no way leads there.
            let itself = way.is_empty() || way == name;
            let path = if itself { String::new() } else { format!(" — path {way}") };
            let short = gist.replace(" from usual", "");
            let most = short.split(", ").next().unwrap_or_default();
            let all = vec![
                format!("{name} ({gist}){path}{age}"),
                format!("{name} ({short}){path}{age}"),
                format!("{name} ({most}){path}{age}"),
                format!("{name}{path}{age}"),
                format!("{name}{age}"),
            ];
            (Token::Warning, all)
        }
    };
    let mut pen = Pen::new(buf, area, 0);
    pen.put(&key, scene.style(Token::Key)).put("suspect: ", scene.style(Token::Title));
    let room = pen.room();
    let fits = wordings.iter().find(|text| width(text) <= room).or(wordings.last());
    if let Some(text) = fits {
        pen.put(text, scene.style(token));
    }
}
