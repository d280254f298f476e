//! The Alerts screen: groups, their alerts when opened, and everything about the selected one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::actions::Action;
use crate::app::{AlertRow, Drawn, first_visible};
use crate::domain::{AlertKey, SourceKind};
use crate::model::{Group, GroupKey, SituationId, Tracked};
use crate::theme::Token;
use crate::view::format::{self, short};
use crate::view::scene::Scene;
use crate::view::widgets::table::{Cell, headings, place, rows};
use crate::view::widgets::text::{Pen, below, top, width};

use super::bridge::{mark_row, title_room};
use super::groups::{self, ALERTS, Col, Differing, state};
use super::{Finder, detail, empty, fitting, inner, title};

/// Draws the screen.
pub(crate) fn draw(scene: &Scene<'_>, buf: &mut Buffer, body: Rect) -> Drawn {
    let ui = &scene.state.ui.alerts;
    let page = body.height;
    let (list, side) = if body.width >= 108 {
        let left = (body.width * 64 / 100).min(130);
        let side = Rect { x: body.x + left + 3, width: body.width - left - 3, ..body };
        (Rect { width: left, ..body }, Some(side))
    } else if page >= 27 {
        let height = page - 11;
        (top(body, height), Some(below(body, height + 1)))
    } else if page >= 20 && ui.rows.len() + 13 <= usize::from(page) {
        (top(body, page - 11), Some(below(body, page - 10)))
    } else {
        (body, None)
    };
    // Without room for everything about the selected group, its gist.
    let gist = side.is_none() && page >= 11;
    let list = if gist { top(list, page - 4) } else { list };
    let side = side.map(|side| if side.x == body.x { inner(side) } else { side });
    let selected = selected(scene, usize::from(list.height));
    let drawn = draw_list(scene, buf, list, selected);
    let row = selected.and_then(|at| ui.rows.get(at));
    if let Some(side) = side {
        detail::draw(scene, buf, side, row);
    } else if let (true, Some(row)) = (gist, row) {
        detail::gist(scene, buf, inner(below(body, page - 3)), row);
    }
    drawn
}

/// Where the selected row is: looked for on the screen first, since it mostly is there.
fn selected(scene: &Scene<'_>, page: usize) -> Option<usize> {
    let ui = &scene.state.ui.alerts;
    let wanted = ui.selected.as_ref()?;
    let start = ui.scroll.min(ui.rows.len());
    let near = ui.rows[start..].iter().take(page.saturating_mul(2)).position(|r| r == wanted);
    near.map(|at| at + start).or_else(|| ui.rows.iter().position(|r| r == wanted))
}

fn draw_list(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, selected: Option<usize>) -> Drawn {
    let ui = &scene.state.ui.alerts;
    let filtered = !ui.filter_text.is_empty();
    let head = u16::from(filtered);
    if filtered {
        filter_line(scene, buf, inner(area));
    }
    let area = below(area, head);
    let list = below(area, 1);
    let page = usize::from(list.height);
    let all = scene.model().alerts.groups.len();
    if ui.rows.is_empty() {
        title(scene, buf, area, "Alerts", true);
        let words = match (all, filtered) {
            (0, _) => scene.nothing(SourceKind::Alertmanager, "No alerts fire"),
            (n, true) => (format!("No group matches; {n} are hidden by the filter."), Token::Muted),
            (n, false) => {
                (format!("Nothing notifies; {n} silenced or inhibited are hidden."), Token::Muted)
            }
        };
        empty(scene, buf, list, words);
        return Drawn { page, ..Drawn::default() };
    }
    let first = first_visible(ui.scroll, selected.unwrap_or(ui.scroll), page, ui.rows.len());
    let (outer, area, list) = (area, inner(area), inner(list));
    let counts = scene.model().alerts.counts();
    // A column in which nothing would stand is left out.
    let told = |col: Col| match col {
        Col::Lost => counts.lost + counts.stale > 0,
        Col::Silenced | Col::Inhibited => ui.show_muted && counts.muted > 0,
        _ => true,
    };
    let columns: Vec<_> = ALERTS.into_iter().filter(|c| told(c.id)).collect();
    let placed = place(&columns, area);
    headings(&placed, area, buf, scene.style(Token::Header));
    let word = if all == 1 { "group" } else { "groups" };
    let (hidden, shows) = match scene.model().alerts.groups.iter().filter(|g| g.is_muted()).count()
    {
        0 => (String::new(), String::new()),
        n if ui.show_muted => (format!(", {n} of them muted"), String::new()),
        n => {
            let key = scene.keymap.key_for(Action::ToggleMuted).unwrap_or(":toggle-muted");
            (format!(", {n} muted"), format!(" ({key} shows)"))
        }
    };
    let (folded, less) = match ui.spared.share().filter(|_| !ui.situations.is_empty()) {
        Some(share) => {
            let situations = format::count(ui.spared.situations);
            (format!(" in {situations}"), format!(", {:.0} % less", share * 100.0))
        }
        None => (String::new(), String::new()),
    };
    // The share is of those that are listed: their number stands beside it.
    let listed = match ui.spared.groups {
        groups if !folded.is_empty() && groups != all => {
            format!("{} of ", format::count(groups))
        }
        _ => String::new(),
    };
    // What is hidden is said before how much the eye is spared.
    let groups = format!("Alerts · {listed}{} {word}", format::count(all));
    let wordings = [
        format!("{groups}{folded}{less}{hidden}{shows}"),
        format!("{groups}{folded}{hidden}{shows}"),
        format!("{groups}{folded}{hidden}"),
        format!("Alerts · {} {word}{hidden}", format::count(all)),
        format!("Alerts · {}", format::count(all)),
    ];
    let room = top(Rect { width: title_room(&placed, outer), ..outer }, 1);
    let heading = fitting(room, &wordings.each_ref().map(String::as_str));
    title(scene, buf, room, heading, true);
    let mut finder = Finder::new(&scene.model().alerts.groups, first);
    let mut differing = Differing::new();
    // Rows of alerts have no counts: their labels reach to the next column that is used.
    let since = placed.iter().find(|p| p.id == Col::Since).map(|p| p.x().saturating_sub(2));
    let within = |key: &GroupKey| {
        let opened = ui.situations.iter().filter(|one| ui.opened.contains(&one.id));
        opened.flat_map(|one| &one.groups).any(|(one, _)| one == key)
    };
    let shown = ui.rows.iter().skip(first).map(|row| (row, finder.find(|g| g.key == *row.group())));
    rows(&placed, list, buf, shown, |col, (row, group), cell| {
        let Some(group) = group else { return };
        match row {
            AlertRow::Situation(id, _) => situation_cell(scene, col, *id, group, cell),
            AlertRow::Group(key) => {
                if col == Col::Title && within(key) {
                    cell.skip(2);
                }
                let open = ui.open.contains(key);
                if col == Col::Mark && ui.marked.contains(key) {
                    cell.put("■", scene.style(Token::Marked));
                } else {
                    groups::cell(scene, col, group, open.then_some(true), cell);
                }
            }
            AlertRow::Alert(_, key) => {
                differing.of(scene, group);
                if let (Col::Title, Some(x)) = (col, since) {
                    cell.reach(x);
                }
                alert_cell(scene, col, key, &differing, cell);
            }
        }
    });
    if let Some(row) = selected {
        mark_row(scene, buf, list, row, first, true);
    }
    Drawn { top: first, page, ..Drawn::default() }
}

/// A situation's row: the gravest group speaks for it, and how much is folded into it is said.
fn situation_cell(scene: &Scene<'_>, col: Col, id: SituationId, lead: &Group, cell: &mut Cell<'_>) {
    let ui = &scene.state.ui.alerts;
    let Some(one) = ui.situation(id) else { return };
    match col {
        Col::Mark if one.groups.iter().all(|(key, _)| ui.marked.contains(key)) => {
            cell.put("■", scene.style(Token::Marked));
        }
        Col::Title => {
            let glyph = if ui.opened.contains(&id) { "▾ " } else { "▸ " };
            cell.put(glyph, scene.style(Token::Muted));
            let more = one.groups.len() - 1;
            let grave = format::count(one.pages);
            let count = match (&one.doubt, more) {
                (Some(_), 0) => short!("probably no trouble"),
                (Some(_), more) => short!("+{more}, probably no trouble"),
                (None, more) => short!("+{more}, {grave} grave"),
            };
            // How many are grave stands beside the list too; the name stands only here.
            let fits = width(&lead.title) + 2 + width(&count) <= cell.room();
            let count = if fits || one.doubt.is_some() { count } else { short!("+{more}") };
            cell.put_right(&count, scene.style(Token::Info));
            let calm = if one.doubt.is_some() { Token::Muted } else { Token::Text };
            cell.put(&lead.title, scene.style(calm));
        }
        Col::Active => {
            cell.put(&format::count(one.alerts), scene.style(Token::Text));
        }
        _ => groups::cell(scene, col, lead, None, cell),
    }
}

fn filter_line(scene: &Scene<'_>, buf: &mut Buffer, area: Rect) {
    let ui = &scene.state.ui.alerts;
    let shown = ui.rows.iter().filter(|r| matches!(r, AlertRow::Group(_))).count();
    let mut pen = Pen::new(buf, area, 0);
    let of = scene.model().alerts.groups.len();
    let count = short!("{} of {}", format::count(shown), format::count(of));
    pen.right(&count, scene.style(Token::Muted)).trim(2);
    pen.put("/ ", scene.style(Token::Key)).put(&ui.filter_text, scene.style(Token::Input));
}

fn alert_cell(
    scene: &Scene<'_>,
    col: Col,
    key: &AlertKey,
    differing: &Differing<'_>,
    cell: &mut Cell<'_>,
) {
    let Some(tracked) = scene.model().alerts.alerts.get(key) else { return };
    let (glyph, word, token, _) = state(tracked);
    match col {
        Col::Mark => {
            cell.put(glyph, scene.style(token));
        }
        Col::Title => {
            cell.skip(2);
            if !matches!(word, "firing" | "acked") {
                cell.put_right(word, scene.style(token));
            }
            labels(scene, tracked, differing, cell);
        }
        Col::Since => {
            let age = format::age(Some(tracked.alert.starts_at), scene.now());
            cell.put(&age, scene.style(Token::Muted));
        }
        Col::Ack => {
            if let Some(ack) = &tracked.ack {
                cell.put(ack.by.name(), scene.style(Token::Ack));
            }
        }
        Col::Severity
        | Col::Active
        | Col::Silenced
        | Col::Inhibited
        | Col::Lost
        | Col::Owner
        | Col::Runbook => {}
    }
}

/// The labels that tell this alert from the others of its group: whole pairs only, then how many more
/// there are.
fn labels(scene: &Scene<'_>, tracked: &Tracked, differing: &Differing<'_>, cell: &mut Cell<'_>) {
    let told = |name: &str, value: &str| {
        !matches!(name, "alertname" | "severity")
            && (differing.is_single() || differing.differs(name, value))
    };
    let pairs = || tracked.alert.labels.iter().filter(|(name, value)| told(name.as_str(), value));
    let (all, mut shown) = (pairs().count(), 0);
    for (name, value) in pairs() {
        // The others are counted in up to four cells.
        let more = if shown + 1 < all { 4 } else { 0 };
        let needed = width(name) + 1 + width(value) + usize::from(shown > 0) + more;
        if shown > 0 && needed > cell.room() {
            continue;
        }
        cell.skip(u16::from(shown > 0));
        let pair = format::Short::of(format_args!("{name}="));
        cell.put(&pair, scene.style(Token::Muted)).put(value, scene.style(Token::Text));
        shown += 1;
    }
    if shown < all {
        cell.put(&short!(" +{}", all - shown), scene.style(Token::Muted));
    }
}
