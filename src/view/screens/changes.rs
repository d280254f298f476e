//! The Changes screen: what was deployed, switched, configured, newest first, beside the trouble; the
//! selected change with everything its source tells.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::actions::Action;
use crate::app::{Drawn, first_visible};
use crate::domain::{Change, ChangeState, Freshness, Reviewed, Span};
use crate::model::{Fed, Told};
use crate::theme::Token;
use crate::view::format::{self, short};
use crate::view::scene::Scene;
use crate::view::widgets::table::{Cell, Column, headings, place, rows};
use crate::view::widgets::text::{Pen, below, top, width, wrap};

use super::bridge::{mark_row, title_room};
use super::{Finder, empty, fitting, inner, title};

/// Columns of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Col {
    Mark,
    Lag,
    Kind,
    Service,
    Title,
    Author,
    Reviewed,
    Age,
}

const COLUMNS: [Column<Col>; 8] = [
    Column::new(Col::Mark, "", 1, 0),
    Column::new(Col::Lag, "", 13, 0).right(),
    Column::new(Col::Kind, "kind", 9, 3),
    Column::new(Col::Service, "service", 10, 0).up_to(20),
    Column::new(Col::Title, "change", 18, 0).up_to(40).grow(),
    Column::new(Col::Author, "by", 8, 1).up_to(16),
    Column::new(Col::Reviewed, "reviewed", 9, 2).up_to(18),
    Column::new(Col::Age, "at", 12, 4).right(),
];

/// Draws the screen.
pub(crate) fn draw(scene: &Scene<'_>, buf: &mut Buffer, body: Rect) -> Drawn {
    let (ui, feed) = (&scene.state.ui.changes, scene.model().feed());
    let filtered = !ui.filter_text.is_empty();
    let mut area = body;
    if filtered {
        let mut pen = Pen::new(buf, inner(area), 0);
        let count = short!("{} of {}", format::count(ui.rows.len()), format::count(feed.len()));
        pen.right(&count, scene.style(Token::Muted)).trim(2);
        pen.put("/ ", scene.style(Token::Key)).put(&ui.filter_text, scene.style(Token::Input));
        area = below(area, 1);
    }
    if ui.rows.is_empty() {
        title(scene, buf, area, "What changed", true);
        let words = if filtered && !feed.is_empty() {
            ("No change matches the filter.".to_owned(), Token::Muted)
        } else {
            nothing(scene)
        };
        empty(scene, buf, below(area, 1), words);
        return Drawn { page: usize::from(area.height.saturating_sub(1)), ..Drawn::default() };
    }
    let warnings = lacking(scene);
    let foot = u16::try_from(warnings.len()).unwrap_or(u16::MAX).min(2);
    let detail = match area.height {
        0..=11 => 0,
        12..=26 => 9,
        h => (h * 2 / 5).max(12),
    };
    let rest = area.height.saturating_sub(foot);
    let wanted = u16::try_from(ui.rows.len()).unwrap_or(u16::MAX).saturating_add(1);
    let table = top(area, wanted.min(rest.saturating_sub(detail + u16::from(detail > 0))));
    let (drawn, selected) = draw_table(scene, buf, table, &feed);
    for (at, line) in (0..foot).zip(&warnings) {
        let row = below(area, table.height + at);
        Pen::new(buf, inner(row), 0).put(line, scene.style(Token::Warning));
    }
    if let Some(fed) = selected {
        let about_in = below(area, table.height + foot + 1);
        if about_in.height >= 3 {
            about(scene, buf, inner(about_in), fed);
        }
    }
    drawn
}

/// Why there is nothing to list: never as good news while a source has not told.
fn nothing(scene: &Scene<'_>) -> (String, Token) {
    let of_changes = || scene.model().sources.values().filter(|source| source.kind.tells_changes());
    if of_changes().next().is_none() && scene.model().changes.told_at().next().is_none() {
        let text = "What changed is not known: no source tells of changes. Add one of kind git (a \
                    repository's tags), changes-file (one line for each deployment), github-deployments, \
                    gitlab-deployments, prometheus-versions (a metric), unleash-events or changes-nats to \
                    config.toml.";
        return (text.into(), Token::Unknown);
    }
    match of_changes().find_map(|source| source.failure.as_ref()) {
        Some(failure) => (format!("Nothing known yet. {}", failure.sentence), Token::Error),
        None if scene.model().changes.told_at().next().is_none() => {
            let names: Vec<&str> = of_changes().map(|source| source.id.as_str()).collect();
            (format!("… asking {} for changes", names.join(", ")), Token::Unknown)
        }
        None => ("No change is known to the sources that tell of changes.".into(), Token::Muted),
    }
}

/// What may be missing in the list, a sentence each.
fn lacking(scene: &Scene<'_>) -> Vec<String> {
    let model = scene.model();
    let of_changes = model.sources.values().filter(|source| source.kind.tells_changes());
    let silent = of_changes.filter(|source| source.freshness(scene.now()) != Freshness::Fresh);
    let silent = silent.map(|source| {
        format!("◆ {} does not answer now; changes it knows of may be missing.", source.id)
    });
    let left_out = model.changes.all_left_out().map(|(source, lines)| {
        let newest = lines.last().map_or("", |line| line.as_str());
        format!(
            "◆ {source}: {} could not be read; the newest: {newest}",
            format::count(lines.len())
        )
    });
    silent.chain(left_out).collect()
}

fn draw_table<'f>(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    feed: &'f [Fed<'f>],
) -> (Drawn, Option<&'f Fed<'f>>) {
    let ui = &scene.state.ui.changes;
    let list = below(area, 1);
    let page = usize::from(list.height);
    let selected = ui.selected.as_ref().and_then(|key| ui.rows.iter().position(|r| r == key));
    let first = first_visible(ui.scroll, selected.unwrap_or(ui.scroll), page, ui.rows.len());
    let (outer, area, list) = (area, inner(area), inner(list));
    let placed = place(&COLUMNS, area);
    headings(&placed, area, buf, scene.style(Token::Header));
    let room = top(Rect { width: title_room(&placed, outer), ..outer }, 1);
    let count = format::count(ui.rows.len());
    let long = short!("Changes, newest first · {count}");
    title(scene, buf, room, fitting(room, &[&long, &short!("Changes · {count}"), "Changes"]), true);
    let mut finder = Finder::new(feed, first);
    let shown = ui.rows.iter().skip(first).map(|key| finder.find(|fed| fed.change.key == *key));
    rows(&placed, list, buf, shown, |col, fed, cell| {
        if let Some(fed) = fed {
            change_cell(scene, col, fed, cell);
        }
    });
    if let Some(row) = selected {
        mark_row(scene, buf, list, row, first, true);
    }
    let chosen = ui.selected.as_ref().and_then(|key| feed.iter().find(|f| f.change.key == *key));
    (Drawn { top: first, page, ..Drawn::default() }, chosen)
}

/// Whether it may have brought the trouble: before it, where it can reach it from.
fn accused(fed: &Fed<'_>) -> bool {
    fed.on_path && fed.lag.is_some_and(|lag| lag <= Span::ZERO)
}

fn change_cell(scene: &Scene<'_>, col: Col, fed: &Fed<'_>, cell: &mut Cell<'_>) {
    let change = fed.change;
    let token = if accused(fed) { Token::Warning } else { Token::Text };
    let muted = scene.style(Token::Muted);
    match col {
        Col::Mark => {
            let (mark, token) = mark(fed);
            cell.put(mark, scene.style(token));
        }
        Col::Lag => {
            let (words, token) = match fed.lag {
                None => {
                    let age = format::age(Some(change.at), scene.now());
                    (short!("{age} ago"), Token::Text)
                }
                Some(lag) if lag > Span::ZERO => {
                    (short!("{} after", format::span(lag)), Token::Muted)
                }
                Some(lag) => (short!("{} before", format::span(lag.reversed())), token),
            };
            cell.put(&words, scene.style(token));
        }
        Col::Kind => {
            cell.put(change.kind.name(), muted);
        }
        Col::Service => match &change.service {
            Some(service) => {
                cell.put_name(service.as_str(), scene.style(token));
            }
            None => {
                cell.put("unknown", scene.style(Token::Unknown));
            }
        },
        Col::Title => {
            cell.put_name(&change.title, scene.style(Token::Text));
        }
        Col::Author if change.author.is_empty() => {
            cell.put("?", scene.style(Token::Unknown));
        }
        Col::Author => {
            cell.put_name(&change.author, muted);
        }
        Col::Reviewed => reviewed(scene, change, cell),
        Col::Age => {
            cell.put(&scene.zone.minute(change.at, scene.now()), muted);
        }
    }
}

/// Shape and colour: what may be to blame, what is under way, what failed, what is taken back.
fn mark(fed: &Fed<'_>) -> (&'static str, Token) {
    match fed.change.state {
        ChangeState::Failed => ("✕", Token::Error),
        ChangeState::Undone => ("○", Token::Muted),
        ChangeState::Running => ("…", Token::Text),
        ChangeState::Unknown | ChangeState::Done if accused(fed) => ("◆", Token::Warning),
        ChangeState::Unknown | ChangeState::Done => ("·", Token::Muted),
    }
}

fn reviewed(scene: &Scene<'_>, change: &Change, cell: &mut Cell<'_>) {
    match &change.reviewed {
        Reviewed::Unknown => cell.put("?", scene.style(Token::Unknown)),
        Reviewed::No => cell.put("by nobody", scene.style(Token::Warning)),
        Reviewed::By(names) => {
            cell.put_name(names.first().map_or("", |name| name), scene.style(Token::Muted))
        }
    };
}

/// The selected change in words, and the key that takes it back.
fn about(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, fed: &Fed<'_>) {
    let mut pen = Pen::new(buf, area, 0);
    let (on, playing) = (scene.state.ui.screen, scene.state.playback.is_some());
    let mut keys = scene.keymap.keys_on(on, playing, Action::Rollback);
    let key = keys.next().unwrap_or(":rollback");
    pen.right(" what takes it back", scene.style(Token::Muted)).right(key, scene.style(Token::Key));
    pen.trim(2);
    pen.put(&fed.change.title, scene.style(Token::Title));
    let (mut row, names) = (1, 15);
    for told in scene.model().told_of_change(fed, scene.now()) {
        let (name, text, token) = match &told {
            Told::Pair(name, text) => (name.as_str(), text, Token::Text),
            Told::Text(text) => ("", text, Token::Muted),
            Told::Warn(text) => ("", text, Token::Warning),
            Told::Head(_) => continue,
        };
        let beside = if name.is_empty() { 0 } else { names };
        let room = usize::from(area.width.saturating_sub(beside));
        let mut first = true;
        wrap(text, room, |line| {
            if row < area.height {
                let mut pen = Pen::new(buf, area, row);
                if first {
                    pen.put(name, scene.style(Token::Muted));
                }
                debug_assert!(width(line) <= room);
                pen.to(area.x + beside).put(line, scene.style(token));
            }
            first = false;
            row += 1;
        });
    }
}
