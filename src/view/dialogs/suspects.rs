//! Who is likely to blame: what hurts, what the ranking says as a whole, and the suspects, best first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::actions::Action;
use crate::analysis::suspects::Suspect;
use crate::app::first_visible;
use crate::model::{SuspectId, SuspectsFound};
use crate::theme::Token;
use crate::view::format::{self, short};
use crate::view::scene::Scene;
use crate::view::widgets::table::{Cell, Column, headings, place, rows};
use crate::view::widgets::text::{Pen, below, top, wrap};

use super::{Does, Shown, keys, popup, position};

/// Columns.
#[derive(Debug, Clone, Copy)]
enum Col {
    Mark,
    Name,
    Score,
    Gist,
    Way,
}

const COLUMNS: [Column<Col>; 5] = [
    Column::new(Col::Mark, "", 1, 0),
    Column::new(Col::Name, "suspect", 12, 0).up_to(32),
    Column::new(Col::Score, "score", 8, 0).right(),
    Column::new(Col::Gist, "away from usual", 24, 0).up_to(52).grow(),
    Column::new(Col::Way, "path", 22, 1).up_to(48),
];

pub(super) fn draw(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    selected: Option<&SuspectId>,
    first: usize,
) -> Shown {
    let model = scene.model();
    let found = model.suspected();
    let suspects = found.map_or(&[][..], |found| &found.ranking.suspects);
    let tall = u16::try_from(suspects.len()).unwrap_or(u16::MAX).saturating_add(10).max(12);
    let (inner, foot) = popup(scene, buf, area, (130, tall), "Suspects");
    let used = head(scene, buf, inner, found);
    let (open, note) = (Does::Listed(Action::Open), Does::Listed(Action::Note));
    let (copy, close) = (Does::Listed(Action::Copy), Does::Listed(Action::Back));
    let (Some(found), false) = (found, suspects.is_empty()) else {
        keys(scene, buf, foot, &[(close, "close")]);
        return (0, 0);
    };
    let table = below(inner, used + 1);
    let list = below(table, 1);
    let page = usize::from(list.height);
    let chosen =
        selected.and_then(|id| suspects.iter().position(|s| found.id(s).as_ref() == Some(id)));
    let at = chosen.unwrap_or(0);
    let first = first_visible(first, at, page, suspects.len());
    let placed = place(&COLUMNS, table);
    headings(&placed, table, buf, scene.style(Token::Header));
    rows(&placed, list, buf, suspects.iter().skip(first), |col, suspect, cell| {
        draw_cell(scene, col, found, suspect, cell);
    });
    if at >= first && at < first + page {
        buf.set_style(top(below(list, (at - first) as u16), 1), scene.style(Token::Selected));
    }
    let pin = Does::Listed(Action::Evidence);
    let does = [
        (open, "what speaks against it"),
        (note, "note"),
        (pin, "evidence"),
        (copy, "copy"),
        (close, "close"),
    ];
    keys(scene, buf, foot, &does);
    position(scene, buf, foot, first, page, suspects.len());
    (first, page)
}

/// What hurts and what is to be said of the list as a whole; returns the lines used.
fn head(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, found: Option<&SuspectsFound>) -> u16 {
    let suspicion = &scene.model().suspicion;
    let mut said = Vec::new();
    match suspicion.concern() {
        None => said.push((
            "Nothing hurts: no objective burns and no grave alert of a known service fires, so nobody is suspected."
                .to_owned(),
            Token::Muted,
        )),
        Some(concern) => {
            let concern = found.map_or(concern, |found| &found.concern);
            let since = scene.zone.minute(concern.onset, scene.now());
            let text = format!("{}: {}, since {since}", concern.service, concern.why);
            said.push((text, Token::Text));
        }
    }
    match (found, suspicion.concern()) {
        (Some(found), _) => {
            let token = if found.first().is_some() { Token::Warning } else { Token::Muted };
            said.push((found.ranking.verdict.clone(), token));
            let age = format::age(Some(found.until), scene.now());
            said.push((format!("By readings up to {age} ago."), Token::Muted));
        }
        (None, Some(_)) => {
            let count = suspicion.compared().len();
            let text = format!(
                "Not ranked yet: the readings of {count} services are waited for. Without a \
                 Prometheus and queries of their signals nobody can be ranked."
            );
            said.push((text, Token::Unknown));
        }
        (None, None) => {}
    }
    let mut row = 0;
    for (text, token) in said {
        wrap(&text, usize::from(area.width), |line| {
            Pen::new(buf, area, row).put(line, scene.style(token));
            row += 1;
        });
    }
    row
}

fn draw_cell(
    scene: &Scene<'_>,
    col: Col,
    found: &SuspectsFound,
    suspect: &Suspect,
    cell: &mut Cell<'_>,
) {
    let loud = if suspect.stands_out { Token::Warning } else { Token::Muted };
    let calm = if suspect.stands_out { Token::Text } else { Token::Muted };
    match col {
        // A shape beside the colour.
        Col::Mark => {
            cell.put(if suspect.stands_out { "!" } else { "·" }, scene.style(loud));
        }
        Col::Name => {
            cell.put_name(&found.name(suspect), scene.style(calm));
        }
        Col::Score => {
            cell.put(&short!("{:.2}", suspect.score), scene.style(loud));
        }
        Col::Gist => {
            cell.put(&found.gist(suspect), scene.style(calm));
        }
        Col::Way => {
            cell.put(&found.way(suspect), scene.style(Token::Muted));
        }
    }
}
