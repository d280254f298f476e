//! The Bridge's pane of incidents that are going on: worst first, with what each promises next.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{Drawn, first_visible};
use crate::model::incidents::Incident;
use crate::theme::Token;
use crate::view::format::{self, short};
use crate::view::scene::{Scene, severity};
use crate::view::widgets::table::{Cell, Column, headings, place, rows};
use crate::view::widgets::text::{below, top};

use super::bridge::{mark_row, title_room};
use super::incident::{Urgency, promise, waiting};
use super::{inner, title};

/// Columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Col {
    Severity,
    Id,
    Title,
    Status,
    Age,
    Commander,
    Waiting,
    Next,
}

const COLUMNS: [Column<Col>; 8] = [
    Column::new(Col::Severity, "", 5, 0),
    Column::new(Col::Id, "", 9, 4),
    Column::new(Col::Title, "", 20, 0).up_to(40).grow(),
    Column::new(Col::Status, "", 13, 5),
    Column::new(Col::Age, "for", 4, 2).right(),
    Column::new(Col::Commander, "IC", 8, 0).up_to(12),
    Column::new(Col::Waiting, "waiting", 7, 3).right(),
    Column::new(Col::Next, "next update", 11, 0).right(),
];

/// Room for the incidents, and what is left below them.
pub(super) fn split(scene: &Scene<'_>, body: Rect) -> (Rect, Rect) {
    let live = scene.model().incidents.live().len();
    if live == 0 || body.height < 12 {
        return (Rect { height: 0, ..body }, body);
    }
    let most = (usize::from(body.height) / 8).max(1);
    let list = u16::try_from(live.min(most)).unwrap_or(1) + 1;
    let gap = u16::from(body.height >= 14);
    (top(body, list), below(body, list + gap))
}

/// Draws the pane.
pub(super) fn draw(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, focused: bool) -> Drawn {
    let list = below(area, 1);
    let page = usize::from(list.height);
    if area.height < 2 {
        return Drawn::default();
    }
    let live = scene.model().incidents.live();
    let chosen = scene.state.ui.bridge.incident.as_ref();
    let selected = live.iter().position(|one| Some(&one.id) == chosen).unwrap_or(0);
    let first = first_visible(0, selected, page, live.len());
    let (outer, area, list) = (area, inner(area), inner(list));
    let placed = place(&COLUMNS, area);
    headings(&placed, area, buf, scene.style(Token::Header));
    let room = top(Rect { width: title_room(&placed, outer), ..outer }, 1);
    title(scene, buf, room, &short!("Incidents · {}", live.len()), focused);
    rows(&placed, list, buf, live.iter().skip(first), |col, incident, cell| {
        draw_cell(scene, col, incident, cell);
    });
    mark_row(scene, buf, list, selected, first, focused);
    Drawn { top: first, page, ..Drawn::default() }
}

fn draw_cell(scene: &Scene<'_>, col: Col, incident: &Incident, cell: &mut Cell<'_>) {
    let (muted, now) = (scene.style(Token::Muted), scene.now());
    match col {
        Col::Severity => {
            let text = short!("{}", incident.severity);
            cell.put(&text, scene.style(severity(incident.severity)));
        }
        Col::Id => {
            cell.put(incident.id.as_str(), muted);
        }
        Col::Title => {
            cell.put(&incident.title, scene.style(Token::Text));
        }
        Col::Status => {
            cell.put(incident.status.name(), scene.style(Token::Text));
        }
        Col::Age => {
            cell.put(&format::age(Some(incident.declared_at), now), muted);
        }
        Col::Commander => match &incident.command {
            Some(command) => {
                cell.put(command.commander.name(), scene.style(Token::Text));
            }
            None => {
                cell.put("nobody", scene.style(Token::Error));
            }
        },
        Col::Waiting => {
            let all = waiting(scene, incident);
            let token = match all.first() {
                None => Token::Muted,
                Some(first) if first.what.is_urgent() => Token::Error,
                Some(_) => Token::Warning,
            };
            match all.len() {
                0 => cell.put("·", muted),
                n => cell.put(&short!("{n}"), scene.style(token)),
            };
        }
        Col::Next => match promise(scene, incident) {
            Some(at) => {
                let urgency = Urgency::of(at, now);
                cell.put(&format::clock(at.since(now)), scene.style(urgency.token()));
            }
            None => {
                cell.put("—", muted);
            }
        },
    }
}
