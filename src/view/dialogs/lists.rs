//! Silences known, and maintenance windows with their next time.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::actions::Action;
use crate::app::first_visible;
use crate::domain::{MatcherSpec, SilenceId, SilenceState, SiteId};
use crate::model::Planned;
use crate::theme::Token;
use crate::view::format::{self, short};
use crate::view::scene::Scene;
use crate::view::widgets::table::{Cell, Column, headings, place, rows};
use crate::view::widgets::text::{Pen, below, top, wrap};

use super::{Does, Shown, keys, popup, position};

/// Columns of silences.
#[derive(Debug, Clone, Copy)]
enum Col {
    State,
    Matchers,
    Ends,
    Left,
    By,
    Why,
    Site,
}

const SILENCES: [Column<Col>; 7] = [
    Column::new(Col::State, "", 7, 0),
    Column::new(Col::Matchers, "mutes", 20, 0).up_to(40).grow(),
    Column::new(Col::Left, "ends in", 7, 0).right(),
    Column::new(Col::Ends, "ends", 12, 3).right(),
    Column::new(Col::By, "by", 8, 1).up_to(14),
    Column::new(Col::Why, "because", 14, 2).up_to(30),
    Column::new(Col::Site, "site", 6, 4),
];

fn operator(m: &MatcherSpec) -> &'static str {
    match (m.is_regex, m.is_equal) {
        (false, true) => "=",
        (false, false) => "!=",
        (true, true) => "=~",
        (true, false) => "!~",
    }
}

/// A matcher as it is typed.
fn written(m: &MatcherSpec) -> String {
    format!("{}{}\"{}\"", m.name, operator(m), m.value)
}

/// A recurrence rule in a word or two: `weekly SU`, `every 2 days`; one that is more than that as it
/// is written.
fn repeats(rule: &str) -> String {
    let part = |name: &str| {
        let mut parts = rule.split(';').filter_map(|part| part.split_once('='));
        parts.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let word = match (part("FREQ"), part("INTERVAL").unwrap_or("1")) {
        (Some("DAILY"), "1") => "daily".to_owned(),
        (Some("WEEKLY"), "1") => "weekly".to_owned(),
        (Some("MONTHLY"), "1") => "monthly".to_owned(),
        (Some("DAILY"), n) => format!("every {n} days"),
        (Some("WEEKLY"), n) => format!("every {n} weeks"),
        (Some("MONTHLY"), n) => format!("every {n} months"),
        _ => return rule.to_owned(),
    };
    match part("BYDAY") {
        Some(days) => format!("{word} {}", days.replace(',', " ")),
        None => word,
    }
}

/// Writes matchers one after the other.
fn matchers(scene: &Scene<'_>, all: &[MatcherSpec], cell: &mut Cell<'_>) {
    for (at, m) in all.iter().enumerate() {
        if at > 0 {
            cell.skip(1);
        }
        let op = operator(m);
        cell.put(&m.name, scene.style(Token::Muted)).put(op, scene.style(Token::Muted));
        cell.put(&m.value, scene.style(Token::Text));
    }
}

pub(super) fn silences(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    (selected, first, confirm): (Option<&(SiteId, SilenceId)>, usize, bool),
) -> Shown {
    let all: Vec<_> =
        scene.model().silences.all.iter().filter(|s| s.state != SilenceState::Expired).collect();
    let tall = u16::try_from(all.len()).unwrap_or(u16::MAX).saturating_add(8).max(10);
    let (inner, foot) = popup(scene, buf, area, (110, tall), "Silences");
    if all.is_empty() {
        let words = scene
            .nothing(crate::domain::SourceKind::Alertmanager, "No silence is active or planned");
        wrap(&words.0, usize::from(inner.width), |line| {
            Pen::new(buf, inner, 0).put(line, scene.style(words.1));
        });
        keys(scene, buf, foot, &[(Does::Listed(Action::Back), "close")]);
        return (0, 0);
    }
    let at =
        selected.and_then(|(site, id)| all.iter().position(|s| s.id == *id && s.site == *site));
    let asked = 3.min(inner.height / 2);
    let table = top(inner, inner.height - asked);
    let list = below(table, 1);
    let page = usize::from(list.height);
    let first = first_visible(first, at.unwrap_or(first), page, all.len());
    let placed = place(&SILENCES, table);
    headings(&placed, table, buf, scene.style(Token::Header));
    rows(&placed, list, buf, all.iter().skip(first), |col, s, cell| {
        let text = scene.style(Token::Text);
        match col {
            Col::State => match s.state {
                SilenceState::Active => {
                    cell.put("active", text);
                }
                SilenceState::Pending => {
                    cell.put("planned", scene.style(Token::Info));
                }
                SilenceState::Expired => {
                    cell.put("over", scene.style(Token::Muted));
                }
            },
            Col::Matchers => matchers(scene, &s.matchers, cell),
            Col::Ends => {
                cell.put(&scene.zone.minute(s.ends_at, scene.now()), text);
            }
            Col::Left => {
                cell.put(&format::span(s.ends_at.since(scene.now())), text);
            }
            Col::By => {
                cell.put(&s.created_by, text);
            }
            Col::Why => {
                cell.put(&s.comment, scene.style(Token::Muted));
            }
            Col::Site => {
                cell.put(s.site.as_str(), scene.style(Token::Muted));
            }
        }
    });
    if let Some(at) = at.filter(|at| *at >= first && *at < first + page) {
        buf.set_style(top(below(list, (at - first) as u16), 1), scene.style(Token::Selected));
    }
    if let (true, Some(silence)) = (confirm, at.and_then(|at| all.get(at))) {
        let text = format!(
            "End the silence made by {} on {} now? Its alerts notify again; a new silence is the way back.",
            silence.created_by, silence.site
        );
        let mut row = table.height;
        wrap(&text, usize::from(inner.width), |line| {
            Pen::new(buf, inner, row).put(line, scene.style(Token::Warning));
            row += 1;
        });
        keys(
            scene,
            buf,
            foot,
            &[(Does::Listed(Action::Open), "end it"), (Does::Listed(Action::Back), "leave it")],
        );
    } else {
        if let Some(silence) = at.and_then(|at| all.get(at)) {
            let all: Vec<String> = silence.matchers.iter().map(written).collect();
            let why = if silence.comment.is_empty() { "no reason given" } else { &silence.comment };
            let text = format!("mutes {}  because: {why}", all.join(" "));
            let (foot, mut row) = (below(inner, table.height), 0);
            wrap(&text, usize::from(foot.width), |line| {
                Pen::new(buf, foot, row).put(line, scene.style(Token::Muted));
                row += 1;
            });
        }
        let (extend, end) = (Does::Listed(Action::Open), Does::Listed(Action::Withdraw));
        let close = Does::Listed(Action::Back);
        keys(scene, buf, foot, &[(extend, "extend"), (end, "end now"), (close, "close")]);
    }
    position(scene, buf, foot, first, page, all.len());
    (first, page)
}

/// Columns of windows.
#[derive(Debug, Clone, Copy)]
enum Win {
    When,
    For,
    Name,
    Muted,
    Rule,
}

const WINDOWS: [Column<Win>; 5] = [
    Column::new(Win::When, "next", 18, 0),
    Column::new(Win::For, "lasts", 7, 1).right(),
    Column::new(Win::Name, "window", 16, 0).up_to(30).grow(),
    Column::new(Win::Muted, "muted", 12, 0).up_to(20),
    Column::new(Win::Rule, "repeats", 12, 2).up_to(28),
];

pub(super) fn windows(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    all: &[Planned],
    (selected, first, confirm): (usize, usize, bool),
) -> Shown {
    let tall = u16::try_from(all.len()).unwrap_or(u16::MAX).saturating_add(8).max(10);
    let (inner, foot) = popup(scene, buf, area, (100, tall), "Maintenance windows");
    if all.is_empty() {
        Pen::new(buf, inner, 0)
            .put("No window of the catalog comes within a year.", scene.style(Token::Muted));
        keys(scene, buf, foot, &[(Does::Listed(Action::Back), "close")]);
        return (0, 0);
    }
    let asked = 3.min(inner.height / 2);
    let table = top(inner, inner.height - asked);
    let list = below(table, 1);
    let page = usize::from(list.height);
    let first = first_visible(first, selected, page, all.len());
    let placed = place(&WINDOWS, table);
    headings(&placed, table, buf, scene.style(Token::Header));
    rows(&placed, list, buf, all.iter().skip(first), |col, planned, cell| {
        let time = planned.occurrence;
        let window = scene.model().catalog.windows.iter().find(|w| w.id == planned.window);
        match col {
            Win::When if planned.on => {
                let end = scene.zone.minute(time.end, scene.now());
                cell.put(&short!("on until {end}"), scene.style(Token::Info));
            }
            Win::When => {
                let at = scene.zone.minute(time.start, scene.now());
                cell.put(&at, scene.style(Token::Text));
            }
            Win::For => {
                cell.put(&format::span(time.end.since(time.start)), scene.style(Token::Text));
            }
            Win::Name => {
                cell.put(planned.window.as_str(), scene.style(Token::Text));
            }
            Win::Muted => match (planned.muted.len(), planned.open.len()) {
                (0, _) => {
                    cell.put("not muted", scene.style(Token::Muted));
                }
                (_, 0) => {
                    cell.put("✓ muted", scene.style(Token::Silenced));
                }
                (done, open) => {
                    cell.put(
                        &short!("{done} of {} sites", done + open),
                        scene.style(Token::Warning),
                    );
                }
            },
            Win::Rule => {
                let rule = window.and_then(|w| w.rrule.as_deref()).map(repeats);
                let rule = rule.unwrap_or_else(|| "once".to_owned());
                // The catalog's text is cleaned here, as it is not a SafeText.
                cell.put(&crate::domain::SafeText::new(&rule), scene.style(Token::Muted));
            }
        }
    });
    if selected >= first && selected < first + page && selected < all.len() {
        buf.set_style(top(below(list, (selected - first) as u16), 1), scene.style(Token::Selected));
    }
    if let (true, Some(planned)) = (confirm, all.get(selected)) {
        let sites: Vec<&str> = planned.open.iter().map(SiteId::as_str).collect();
        let text = format!(
            "Mute {} from {} for {} on {}? The way back: end its silence in the list of silences.",
            planned.window,
            scene.zone.minute(planned.occurrence.start, scene.now()),
            format::span(planned.occurrence.end.since(planned.occurrence.start)),
            sites.join(", "),
        );
        let mut row = table.height;
        wrap(&text, usize::from(inner.width), |line| {
            Pen::new(buf, inner, row).put(line, scene.style(Token::Warning));
            row += 1;
        });
    }
    if let (false, Some(planned)) = (confirm, all.get(selected)) {
        let windows = &scene.model().catalog.windows;
        if let Some(window) = windows.iter().find(|w| w.id == planned.window) {
            let matchers: Vec<String> = window.matchers.iter().map(ToString::to_string).collect();
            let text = format!("mutes {}  because: {}", matchers.join(" "), window.comment);
            // The catalog's text is cleaned here, as a matcher is not a SafeText.
            let (text, mut row) = (crate::domain::SafeText::new(&text), table.height);
            wrap(&text, usize::from(inner.width), |line| {
                Pen::new(buf, inner, row).put(line, scene.style(Token::Muted));
                row += 1;
            });
        }
    }
    keys(
        scene,
        buf,
        foot,
        &[
            (Does::Listed(Action::Open), if confirm { "mute it" } else { "mute" }),
            (Does::Listed(Action::Back), if confirm { "leave it" } else { "close" }),
        ],
    );
    position(scene, buf, foot, first, page, all.len());
    (first, page)
}
