//! Drawing: reads the state, changes nothing, never panics, at any size, with any content.
//!
//! One file per screen and per dialog; `strip` and `hints` frame every screen. Colours come only from
//! the theme's tokens, beside a letter or a shape that says the same without colour.

mod dialogs;
pub mod format;
mod hints;
mod scene;
mod screens;
mod strip;
mod widgets;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::actions::Screen;
use crate::app::{Drawn, State};
use crate::keys::Keymap;
use crate::theme::{Theme, Token};

use scene::Scene;
use widgets::plain::plain;
use widgets::text::Pen;

/// Below this nothing but one line is drawn.
const LEAST: (u16, u16) = (40, 8);

/// Draws everything; tells what was seen.
pub fn draw(state: &State, theme: &Theme, keymap: &Keymap, frame: &mut Frame<'_>) -> Drawn {
    let scene = Scene::new(state, theme, keymap);
    let area = frame.area();
    let buf = frame.buffer_mut();
    buf.set_style(area, scene.style(Token::Text));
    let mut cursor = None;
    let drawn = if area.width < LEAST.0 || area.height < LEAST.1 {
        strip::smallest(&scene, buf, area);
        Drawn::default()
    } else {
        whole(&scene, buf, area, &mut cursor)
    };
    if state.ui.ascii {
        plain(buf);
    }
    if let Some(at) = cursor {
        frame.set_cursor_position(at);
    }
    drawn
}

/// Strip, screen, hints, and what lies on top.
fn whole(
    scene: &Scene<'_>,
    buf: &mut ratatui::buffer::Buffer,
    area: Rect,
    cursor: &mut Option<(u16, u16)>,
) -> Drawn {
    strip::draw(scene, buf, area);
    // A blank line below the strip, where there is room for it.
    let above = if area.height >= 20 { 3 } else { 2 };
    let body = Rect { y: area.y + above, height: area.height - above - 1, ..area };
    let body = Rect { width: body.width - 1, ..body };
    let mut drawn = match scene.state.ui.screen {
        Screen::Bridge => screens::bridge::draw(scene, buf, body),
        Screen::Alerts => screens::alerts::draw(scene, buf, body),
        Screen::Slos => screens::slos::draw(scene, buf, body),
        Screen::Map => screens::map::draw(scene, buf, body),
        Screen::Capacity => screens::capacity::draw(scene, buf, body),
        Screen::Changes => screens::changes::draw(scene, buf, body),
        Screen::Review => screens::review::draw(scene, buf, body),
        Screen::Incident => screens::incident::draw(scene, buf, body),
        Screen::Sources => screens::sources::draw(scene, buf, body),
    };
    let last = Rect { y: area.bottom() - 1, height: 1, ..area };
    hints::draw(scene, &mut Pen::new(buf, last, 0));
    if let Some(dialog) = &scene.state.ui.dialog {
        let (top, page) = dialogs::draw(scene, dialog, buf, area, cursor);
        (drawn.dialog_top, drawn.dialog_page) = (top, page);
    }
    drawn
}
