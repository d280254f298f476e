//! The Incident screen: how bad, what changed, who does what, what is promised.
//!
//! Narrow, the pane with the keys has the room and each other one says its gist in a line; wide, all of
//! them stand beside the timeline.

mod attention;
mod boards;
mod detail;
mod gist;
mod head;
mod runs;
mod timeline;
mod work;

pub(crate) use attention::{Urgency, promise, waiting};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{Drawn, IncidentPane, board, first_visible};
use crate::eventlog::RecordId;
use crate::model::incidents::Incident;
use crate::theme::Token;
use crate::view::scene::Scene;
use crate::view::widgets::text::{below, top};

use super::bridge::mark_row;
use super::{empty, inner, select, title};

/// From here on the boards stand beside the timeline.
const WIDE: u16 = 104;
/// From here on in two columns.
const WIDEST: u16 = 168;

/// Draws the screen.
pub(crate) fn draw(scene: &Scene<'_>, buf: &mut Buffer, body: Rect) -> Drawn {
    let Some(incident) = scene.state.incident() else {
        title(scene, buf, body, "Incident", true);
        let words = "No incident is going on, and none is in the log.".to_owned();
        empty(scene, buf, below(body, 1), (words, Token::Muted));
        return Drawn::default();
    };
    let used = head::draw(scene, buf, body, incident);
    let gap = u16::from(body.height >= 16);
    let rest = below(body, used + gap);
    let pane = scene.state.ui.incident.pane;
    if body.width < WIDE || rest.height < 14 {
        let gists = match body.height {
            0..12 => 2,
            12..18 => 3,
            _ => 6,
        };
        let main = rest.height.saturating_sub(gists + gap);
        let drawn = one(scene, buf, top(rest, main), incident, pane, true);
        gist::draw(scene, buf, below(rest, main + gap), incident);
        return drawn;
    }
    let share = |area: Rect, percent: u16| {
        let left = (area.width - 2) * percent / 100;
        let right = area.width - 2 - left;
        (Rect { width: left, ..area }, Rect { x: area.x + left + 2, width: right, ..area })
    };
    let mut drawn = Drawn::default();
    let mut put = |which: IncidentPane, area: Rect| {
        let shown = one(scene, buf, area, incident, which, which == pane);
        if which == pane {
            drawn = shown;
        }
    };
    let [line, boards @ ..] = IncidentPane::ALL;
    if body.width >= WIDEST {
        let (left, beside) = share(rest, 46);
        let (middle, right) = share(beside, 50);
        put(line, left);
        let mut used = rest.y;
        for (column, boards) in [(middle, &boards[..3]), (right, &boards[3..])] {
            for (which, area) in stack(scene, incident, column, boards) {
                put(which, area);
                used = used.max(area.bottom());
            }
        }
        detail::draw(scene, buf, below(beside, used + 1 - rest.y), incident);
    } else {
        let (left, right) = share(rest, 56);
        put(line, left);
        stack(scene, incident, right, &boards).for_each(|(which, area)| put(which, area));
    }
    drawn
}

/// One pane.
fn one(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    incident: &Incident,
    pane: IncidentPane,
    focused: bool,
) -> Drawn {
    match pane {
        IncidentPane::Timeline => timeline::draw(scene, buf, area, incident, focused),
        IncidentPane::Roles => boards::roles(scene, buf, area, incident, focused),
        IncidentPane::Tasks => work::tasks(scene, buf, area, incident, focused),
        IncidentPane::Workstreams => work::workstreams(scene, buf, area, incident, focused),
        IncidentPane::Decisions => boards::decisions(scene, buf, area, incident, focused),
        IncidentPane::Runs => runs::draw(scene, buf, area, incident, focused),
        IncidentPane::Updates => boards::updates(scene, buf, area, incident, focused),
        IncidentPane::Pages => boards::pages(scene, buf, area, incident, focused),
    }
}

/// Rows a board would take, its title included.
fn wanted(scene: &Scene<'_>, incident: &Incident, pane: IncidentPane) -> u16 {
    let rows = match pane {
        IncidentPane::Timeline => incident.timeline.len(),
        IncidentPane::Roles => {
            board::places(incident).len()
                + usize::from(boards::guests(scene, incident).next().is_some())
        }
        IncidentPane::Tasks => incident.tasks.len(),
        IncidentPane::Workstreams => incident.workstreams.len() * 2,
        IncidentPane::Decisions => incident.decisions.len(),
        IncidentPane::Runs => incident.runs.len() * 2,
        IncidentPane::Updates => incident.updates.len() * 2,
        IncidentPane::Pages => incident.pages.len(),
    };
    u16::try_from(rows.max(1)).unwrap_or(u16::MAX - 1) + 1
}

/// Lines a row of a board takes.
const fn lines_per_row(pane: IncidentPane) -> u16 {
    match pane {
        IncidentPane::Workstreams | IncidentPane::Runs | IncidentPane::Updates => 2,
        _ => 1,
    }
}

/// Boards one below the other. Each keeps its title and a row or two; the pane with the keys gets what it
/// wants first, then the others in their order; what is left stays free at the end.
fn stack(
    scene: &Scene<'_>,
    incident: &Incident,
    area: Rect,
    panes: &[IncidentPane],
) -> impl Iterator<Item = (IncidentPane, Rect)> {
    let focus = scene.state.ui.incident.pane;
    let panes: Vec<IncidentPane> =
        panes.iter().copied().filter(|pane| pane.is_shown(incident)).collect();
    let gaps = panes.len().saturating_sub(1) as u16;
    let mut heights: Vec<(IncidentPane, u16, u16)> = panes
        .iter()
        .map(|pane| {
            let wants = wanted(scene, incident, *pane);
            (*pane, wants.min(1 + lines_per_row(*pane)), wants)
        })
        .collect();
    let all = heights.iter().fold(gaps, |all, (_, _, wants)| all.saturating_add(*wants));
    let gap = u16::from(all <= area.height);
    let taken: u16 = heights.iter().map(|(_, height, _)| *height).sum();
    let mut spare = area.height.saturating_sub(taken + gap * gaps);
    for focused in [true, false] {
        for (pane, height, wants) in &mut heights {
            if (*pane == focus) == focused {
                let more = wants.saturating_sub(*height).min(spare);
                // No half rows.
                let more = more - more % lines_per_row(*pane);
                *height += more;
                spare -= more;
            }
        }
    }
    let mut used = 0;
    heights.into_iter().map(move |(pane, height, _)| {
        let rect = top(below(area, used), height);
        used += height + gap;
        (pane, rect)
    })
}

/// A board: a title, and rows of `per` lines each.
struct Board<'t> {
    pane: IncidentPane,
    title: &'t str,
    /// What is said when there are no rows.
    nothing: &'t str,
    rows: usize,
    selected: Option<usize>,
    per: u16,
}

/// A board of things known by their records.
fn records<T>(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    (board, focused): (&Board<'_>, bool),
    (rows, chosen): (&[(RecordId, &T)], Option<RecordId>),
    mut row: impl FnMut(&T, &mut Buffer, Rect),
) -> Drawn {
    let selected = rows.iter().position(|(id, _)| Some(*id) == chosen);
    let board = Board { rows: rows.len(), selected, ..*board };
    list(scene, buf, area, &board, focused, |at, buf, lines| {
        if let Some((_, one)) = rows.get(at) {
            row(one, buf, lines);
        }
    })
}

fn list(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    board: &Board<'_>,
    focused: bool,
    mut row: impl FnMut(usize, &mut Buffer, Rect),
) -> Drawn {
    if area.height == 0 {
        return Drawn::default();
    }
    title(scene, buf, area, board.title, focused);
    let room = below(area, 1);
    let page = usize::from(room.height / board.per).max(1);
    if board.rows == 0 {
        empty(scene, buf, top(room, 1), (board.nothing.to_owned(), Token::Muted));
        return Drawn { page, ..Drawn::default() };
    }
    let scroll = scene.state.ui.incident.scroll[board.pane as usize];
    let first = first_visible(scroll, board.selected.unwrap_or(scroll), page, board.rows);
    let lines = inner(room);
    for (line, at) in (first..board.rows).take(page).enumerate() {
        let from = u16::try_from(line).unwrap_or(u16::MAX).saturating_mul(board.per);
        row(at, buf, top(below(lines, from), board.per));
    }
    if let Some(at) = board.selected.filter(|at| *at >= first && *at < first + page) {
        if board.per == 1 {
            mark_row(scene, buf, lines, at, first, focused);
        } else {
            let from = u16::try_from(at - first).unwrap_or(u16::MAX).saturating_mul(board.per);
            select(scene, buf, top(below(lines, from), board.per), focused);
        }
    }
    Drawn { top: first, page, ..Drawn::default() }
}
