//! What lies on top of a screen: centred, never larger than the terminal, its last line the way out.

mod brief;
mod entry;
mod form;
mod help;
mod leave;
mod lists;
mod reading;
mod silence;
mod suspects;

pub(super) use reading::preview;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::actions::{Action, Screen};
use crate::app::Dialog;
use crate::keys::PromptAction;
use crate::theme::Token;

use super::scene::Scene;
use super::widgets::text::Pen;

/// First line shown and lines there is room for, of the dialog's text.
pub(crate) type Shown = (usize, usize);

/// Where the terminal's cursor goes, if anywhere.
pub(crate) type Cursor = Option<(u16, u16)>;

/// Draws a dialog.
pub(crate) fn draw(
    scene: &Scene<'_>,
    dialog: &Dialog,
    buf: &mut Buffer,
    area: Rect,
    cursor: &mut Cursor,
) -> Shown {
    match dialog {
        Dialog::Help { top } => help::draw(scene, buf, area, *top),
        Dialog::Prompt(prompt) => entry::prompt(scene, buf, area, prompt, cursor),
        Dialog::Find(finder) => entry::find(scene, buf, area, finder, cursor),
        Dialog::Acknowledge(form) => entry::acknowledge(scene, buf, area, form, cursor),
        Dialog::Note(form) => entry::note(scene, buf, area, form, cursor),
        Dialog::Silence(form) => silence::draw(scene, buf, area, form, cursor),
        Dialog::Silences { selected, top, confirm } => {
            lists::silences(scene, buf, area, (selected.as_ref(), *top, *confirm))
        }
        Dialog::Windows { rows, selected, top, confirm } => {
            lists::windows(scene, buf, area, rows, (*selected, *top, *confirm))
        }
        Dialog::Suspects { selected, top } => {
            suspects::draw(scene, buf, area, selected.as_ref(), *top)
        }
        Dialog::Leave => leave::draw(scene, buf, area),
        Dialog::Reading(reading) => reading::draw(scene, buf, area, reading),
        Dialog::Form(open) => form::draw(scene, buf, area, open, cursor),
        Dialog::Brief(open) => brief::draw(scene, buf, area, open, cursor),
    }
}

/// Clears a centred box with a border and a title; returns the room inside and the line for keys.
fn popup(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    (wide, tall): (u16, u16),
    title: &str,
) -> (Rect, Rect) {
    let (w, h) = (wide.min(area.width.saturating_sub(2)), tall.min(area.height.saturating_sub(2)));
    let x = area.x + (area.width - w) / 2;
    let y = area.y + (area.height - h) / 2;
    let outer = Rect::new(x, y, w, h).intersection(buf.area);
    clear(scene, buf, outer);
    let border = scene.style(Token::BorderFocus);
    for row in 0..outer.height {
        let (left, fill, right) = match row {
            0 => ("┌", "─", "┐"),
            r if r + 1 == outer.height => ("└", "─", "┘"),
            _ => ("│", "", "│"),
        };
        let mut pen = Pen::new(buf, outer, row);
        pen.put(left, border).right(right, border);
        if !fill.is_empty() {
            pen.fill(fill, border);
        }
    }
    let mut pen = Pen::new(buf, outer, 0);
    pen.skip(2).trim(3);
    pen.put(" ", border).put(title, scene.style(Token::Title)).put(" ", border);
    let inner = Rect {
        x: outer.x + 2,
        y: outer.y + 1,
        width: outer.width.saturating_sub(4),
        height: outer.height.saturating_sub(2),
    };
    let keys = Rect { y: inner.bottom().saturating_sub(1), height: inner.height.min(1), ..inner };
    (Rect { height: inner.height.saturating_sub(1), ..inner }, keys)
}

fn clear(scene: &Scene<'_>, buf: &mut Buffer, area: Rect) {
    let style = scene.style(Token::Text).patch(scene.style(Token::Popup));
    for y in area.top()..area.bottom() {
        // A wide glyph that begins left of the box would reach into it.
        if area.x > buf.area.x {
            let before = &mut buf[(area.x - 1, y)];
            if super::widgets::text::width(before.symbol()) > 1 {
                before.set_symbol(" ");
            }
        }
        for x in area.left()..area.right() {
            let cell = &mut buf[(x, y)];
            cell.reset();
            cell.set_style(style);
        }
    }
}

/// Where a key's meaning is looked up.
#[derive(Clone, Copy)]
enum Does {
    /// While text is typed or a question is open.
    Typed(PromptAction),
    /// In a list or a text, which take the keys of the Alerts screen.
    Listed(Action),
    /// A key that means this whatever the keymap.
    Key(&'static str),
}

const ACCEPT: Does = Does::Typed(PromptAction::Accept);
const CANCEL: Does = Does::Typed(PromptAction::Cancel);

/// Keys as they are bound and what they do, as many as fit.
fn keys(scene: &Scene<'_>, buf: &mut Buffer, line: Rect, pairs: &[(Does, &str)]) {
    let mut pen = Pen::new(buf, line, 0);
    for (means, does) in pairs {
        let key = match means {
            Does::Typed(PromptAction::Accept) => bound(scene, PromptAction::Accept, "enter"),
            Does::Typed(PromptAction::Cancel) => bound(scene, PromptAction::Cancel, "esc"),
            Does::Typed(action) => bound(scene, *action, ""),
            Does::Key(key) => (*key).to_owned(),
            Does::Listed(action) => {
                let mut keys = scene.keymap.keys_on(Screen::Alerts, false, *action);
                keys.next().unwrap_or_default().to_owned()
            }
        };
        if key.is_empty() {
            continue;
        }
        let key = key.as_str();
        let cells = super::widgets::text::width(key) + super::widgets::text::width(does) + 1;
        if cells > pen.room() {
            break;
        }
        pen.put(key, scene.style(Token::Key)).skip(1);
        pen.put(does, scene.style(Token::Muted)).skip(2);
    }
}

/// The first key bound to `action`; Enter and Esc work whatever the keymap says.
fn bound(scene: &Scene<'_>, action: PromptAction, otherwise: &str) -> String {
    let keys = scene.keymap.prompt_keys(action);
    keys.first().map_or_else(|| otherwise.to_owned(), ToString::to_string)
}

/// Says where in a long text one is: `12–30 of 84`.
fn position(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    line: Rect,
    first: usize,
    page: usize,
    all: usize,
) {
    if all > page {
        let last = (first + page).min(all);
        let text = super::format::short!("{}–{last} of {all}", first + 1);
        Pen::new(buf, line, 0).right(&text, scene.style(Token::Muted));
    }
}
