//! The Incident screen: how bad, what changed, who does what, what is promised.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::Drawn;
use crate::theme::Token;
use crate::view::scene::Scene;
use crate::view::widgets::text::below;

use super::{empty, title};

/// Draws the screen.
pub(crate) fn draw(scene: &Scene<'_>, buf: &mut Buffer, body: Rect) -> Drawn {
    let Some(incident) = scene.state.incident() else {
        title(scene, buf, body, "Incident", true);
        let words = "No incident is going on.".to_owned();
        empty(scene, buf, below(body, 1), (words, Token::Muted));
        return Drawn::default();
    };
    title(scene, buf, body, &incident.title, true);
    Drawn::default()
}
