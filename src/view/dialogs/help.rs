//! The keys that work here, from the table of actions and the active keymap.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::actions::{ACTIONS, Action, Risk, Scope, Spec};
use crate::theme::Token;
use crate::view::scene::Scene;
use crate::view::widgets::text::{Pen, width};

use super::{Does, Shown, keys, popup, position};

enum Line {
    Head(&'static str),
    Key(String, &'static Spec),
    Blank,
}

/// What belongs to this screen first, then what works everywhere.
fn lines(scene: &Scene<'_>) -> Vec<Line> {
    let (screen, playing) = (scene.state.ui.screen, scene.state.playback.is_some());
    let mut out = Vec::new();
    for (head, wanted) in [(screen.title(), 0), ("Recording", 1), ("Everywhere", 2)] {
        let section = |s: &&Spec| match s.scope {
            Scope::On(_) => wanted == 0,
            Scope::Playback => wanted == 1,
            Scope::Anywhere => wanted == 2,
        };
        let here = ACTIONS.iter().filter(|s| s.action.applies(screen, playing)).filter(section);
        let mut here = here
            .map(|s| {
                let keys: Vec<&str> = scene.keymap.keys_on(screen, playing, s.action).collect();
                Line::Key(keys.join(" "), s)
            })
            .peekable();
        if here.peek().is_some() {
            if !out.is_empty() {
                out.push(Line::Blank);
            }
            out.push(Line::Head(head));
            out.extend(here);
        }
    }
    out
}

pub(super) fn draw(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, first: usize) -> Shown {
    let lines = lines(scene);
    // Two columns where both have room for whole sentences.
    let across: u16 = if area.width >= 130 { 2 } else { 1 };
    let per_column = lines.len().div_ceil(usize::from(across));
    let tall = u16::try_from(per_column).unwrap_or(u16::MAX).saturating_add(3);
    let title = format!("Keys on {}", scene.state.ui.screen.title());
    let (inner, foot) = popup(scene, buf, area, (72 * across, tall), &title);
    let page = usize::from(inner.height);
    let first = first.min(per_column.saturating_sub(page));
    let cells = inner.width / across;
    let longest = lines.iter().map(|l| if let Line::Key(k, _) = l { width(k) } else { 0 }).max();
    let longest = longest.unwrap_or(0).clamp(4, 16) as u16;
    for column in 0..across {
        let from = usize::from(column) * per_column + first;
        let until = ((usize::from(column) + 1) * per_column).min(lines.len());
        let area = Rect { x: inner.x + column * cells, width: cells.saturating_sub(1), ..inner };
        for (row, line) in lines.get(from..until).unwrap_or_default().iter().take(page).enumerate()
        {
            let mut pen = Pen::new(buf, area, row as u16);
            match line {
                Line::Blank => {}
                Line::Head(text) => {
                    pen.put(text, scene.style(Token::Header));
                }
                Line::Key(chords, spec) => {
                    // The command's name where no key is bound.
                    let unbound = format!(":{}", spec.name);
                    let (chords, token) = match chords.as_str() {
                        "" => (unbound.as_str(), Token::Muted),
                        chords => (chords, Token::Key),
                    };
                    pen.put(chords, scene.style(token)).to(area.x + longest.max(10) + 2);
                    if spec.risk == Risk::Outside {
                        pen.right("asks first", scene.style(Token::Warning)).trim(1);
                    }
                    pen.put(spec.doc, scene.style(Token::Text));
                }
            }
        }
    }
    keys(
        scene,
        buf,
        foot,
        &[(Does::Listed(Action::Down), "scroll"), (Does::Listed(Action::Back), "close")],
    );
    position(scene, buf, foot, first, page, per_column);
    (first, page)
}
