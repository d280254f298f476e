//! What is around the selected service: the unwell ones it calls and that call it, a line each.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::actions::Screen;
use crate::domain::ServiceId;
use crate::model::{AroundSide, AroundView, Beside};
use crate::theme::Token;
use crate::view::format::short;
use crate::view::scene::Scene;
use crate::view::widgets::text::{Pen, below, fit, top, width};

use super::map::health;
use super::{fitting, inner, title};

/// Most lines of it: more would leave the charts too low to be read.
const MOST: usize = 5;

/// What there is to say of the selected service.
pub(super) struct Around<'a> {
    of: &'a ServiceId,
    view: AroundView,
    rows: usize,
}

/// What is around the selected service, when anything is known of it.
pub(super) fn of<'a>(scene: &Scene<'a>) -> Option<Around<'a>> {
    let of = scene.state.ui.bridge.service.as_ref()?;
    let view = scene.model().around(of, &scene.state.ui.map.views)?;
    let rows = (view.callees.unwell + view.callers.unwell).min(MOST);
    Some(Around { of, view, rows })
}

impl Around<'_> {
    /// Lines it wants: its heading and one for each.
    pub(super) fn height(&self) -> u16 {
        u16::try_from(self.rows).unwrap_or(u16::MAX - 1) + 1
    }

    /// Draws as many as there is room for, each side its share.
    pub(super) fn draw(&self, scene: &Scene<'_>, buf: &mut Buffer, area: Rect) {
        if area.height == 0 {
            return;
        }
        let (callees, callers) = (&self.view.callees, &self.view.callers);
        let room = usize::from(area.height - 1);
        let (below_it, above_it) = (callees.unwell, callers.unwell);
        let down = callees.worst.len().min(room - above_it.min(room / 2));
        let up = callers.worst.len().min(room - down);
        let hidden = below_it + above_it - down - up;
        let head = short!("Around {}", self.of);
        title(scene, buf, top(area, 1), &head, false);
        let used = u16::try_from(width(&head)).unwrap_or(u16::MAX);
        let rest = Rect {
            x: area.x.saturating_add(used).saturating_add(1),
            width: area.width.saturating_sub(used).saturating_sub(1),
            ..top(area, 1)
        };
        let said = self.said(scene, hidden);
        let wordings: Vec<&str> = said.iter().map(String::as_str).collect();
        let token = if below_it + above_it > 0 { Token::Muted } else { self.calm() };
        Pen::new(buf, inner(rest), 0).put(fitting(rest, &wordings), scene.style(token));
        let list = inner(below(area, 1));
        let names = callees.worst[..down].iter().chain(&callers.worst[..up]);
        let widest = names.map(|one| width(&name(one))).max();
        let column = u16::try_from(widest.unwrap_or(0)).unwrap_or(u16::MAX).min(list.width / 3);
        let sides =
            [("calls      ", &callees.worst[..down]), ("called by  ", &callers.worst[..up])];
        let rows = sides.iter().flat_map(|(side, of)| of.iter().map(move |one| (*side, one)));
        for (row, (side, one)) in (0u16..).zip(rows) {
            line(scene, &mut Pen::new(buf, list, row), side, one, column);
        }
    }

    /// How many there are, and what is known of those that are not listed; longest wording first.
    fn said(&self, scene: &Scene<'_>, hidden: usize) -> Vec<String> {
        let (callees, callers) = (&self.view.callees, &self.view.callers);
        let count = |side: &AroundSide, what: &str| match side.next {
            1 => format!("1 {what}"),
            n => format!("{n} {what}s"),
        };
        let counts = format!("{}, {}", count(callees, "callee"), count(callers, "caller"));
        let unknown = match callees.unknown + callers.unknown {
            0 => String::new(),
            n => format!(", of {n} nothing recent is known"),
        };
        if callees.unwell + callers.unwell == 0 {
            return vec![
                format!("· {counts}: none is known to be unwell{unknown}"),
                format!("· none is known to be unwell{unknown}"),
                "· none is known to be unwell".to_owned(),
            ];
        }
        let more = match (hidden, scene.keymap.key_for(Screen::Map.action())) {
            (0, _) => String::new(),
            (n, Some(key)) => format!(", {n} more unwell: {key} map"),
            (n, None) => format!(", {n} more unwell"),
        };
        vec![
            format!("· {counts}{unknown}{more}"),
            format!("· {counts}{more}"),
            format!("· {counts}"),
        ]
    }

    /// The colour of "none is known to be unwell": it is no good news where little is known.
    fn calm(&self) -> Token {
        let unknown = self.view.callees.unknown + self.view.callers.unknown;
        if unknown > 0 { Token::Unknown } else { Token::Muted }
    }
}

/// The service, and over which others it is reached.
fn name(one: &Beside) -> String {
    if one.over.is_empty() {
        return one.service.to_string();
    }
    let over: Vec<&str> = one.over.iter().map(ServiceId::as_str).collect();
    format!("{} over {}", one.service, over.join(", "))
}

fn line(scene: &Scene<'_>, pen: &mut Pen<'_>, side: &str, one: &Beside, column: u16) {
    let (mark, token) = health(one.health);
    pen.put(mark, scene.style(token)).skip(1).put(side, scene.style(Token::Muted));
    let text = name(one);
    let (shown, _) = fit(&text, usize::from(column));
    pen.put(shown, scene.style(Token::Text));
    let used = u16::try_from(width(shown)).unwrap_or(u16::MAX);
    pen.skip(column.saturating_sub(used) + 2);
    let word = one.health.word();
    pen.put(word, scene.style(token)).skip(9_u16.saturating_sub(word.len() as u16));
    pen.put(&one.why, scene.style(Token::Text)).skip(1);
    let owner = scene.model().owner_of(&one.service);
    if width(&owner) + 2 <= pen.room() {
        pen.put("· ", scene.style(Token::Muted)).put(&owner, scene.style(Token::Muted));
    }
}
