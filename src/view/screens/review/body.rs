//! What a part of a review says: text with the wordings that should be others underlined, causes as a tree
//! and as a fishbone, follow-ups, what is like it.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use crate::actions::Action;
use crate::app::board::follow_ups;
use crate::app::{Drawn, ReviewPane, ReviewPart, first_visible};
use crate::domain::{Check, ReviewSection};
use crate::model::incidents::{FollowUp, Incident, LineKind};
use crate::model::review::{fishbone, whys};
use crate::theme::Token;
use crate::view::format::short;
use crate::view::scene::Scene;
use crate::view::widgets::text::{Pen, below, top, width, wrap};

use super::super::{inner, select, title};

/// Cells a bone of the fishbone needs; with less it is a list.
const BONE: usize = 22;

/// A row, as it will be written.
#[derive(Default)]
struct Row {
    text: String,
    token: Option<Token>,
    /// Wordings in it that should be others.
    slips: Vec<Range<usize>>,
    /// It begins what is selected.
    selected: bool,
}

impl Row {
    fn of(text: impl Into<String>, token: Token) -> Self {
        Self { text: text.into(), token: Some(token), ..Self::default() }
    }
}

/// Draws the part that is read.
pub(super) fn draw(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, incident: &Incident) -> Drawn {
    let ui = &scene.state.ui.review;
    let focused = ui.pane == ReviewPane::Body;
    let text = inner(below(area, 1));
    let room = usize::from(text.width).max(1);
    let (head, rows) = match ui.part {
        ReviewPart::Section(section) => of_section(scene, section, room),
        ReviewPart::Whys => {
            ("Whys", with_proposed(scene, incident, room, tree(scene, incident, room)))
        }
        ReviewPart::Fishbone => {
            ("Fishbone", with_proposed(scene, incident, room, bones(incident, room)))
        }
        ReviewPart::FollowUps => ("Follow-ups", of_follow_ups(scene, incident, room)),
        ReviewPart::Similar => ("Past incidents like it", alike(scene, room)),
        ReviewPart::Evidence => ("Timeline", timeline(scene, incident, room)),
    };
    title(scene, buf, top(area, 1), head, focused);
    let page = usize::from(text.height);
    let selected = rows.iter().position(|row| row.selected);
    let last = rows.len().saturating_sub(page);
    let first = match selected {
        Some(at) => first_visible(ui.scroll[2], at, page, rows.len()),
        None => ui.scroll[2].min(last),
    };
    for (at, row) in rows.iter().skip(first).take(page).enumerate() {
        let line = u16::try_from(at).unwrap_or(u16::MAX);
        write(scene, buf, text, line, row);
        if row.selected {
            select(scene, buf, top(below(text, line), 1), focused);
        }
    }
    Drawn { top: first, page, ..Drawn::default() }
}

/// The timeline beside the text: its newest lines.
pub(super) fn evidence(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, incident: &Incident) {
    title(scene, buf, top(area, 1), "Timeline", false);
    let text = inner(below(area, 1));
    let rows = timeline(scene, incident, usize::from(text.width).max(1));
    let skip = rows.len().saturating_sub(usize::from(text.height));
    for (at, row) in rows.iter().skip(skip).enumerate() {
        write(scene, buf, text, u16::try_from(at).unwrap_or(u16::MAX), row);
    }
}

fn write(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, line: u16, row: &Row) {
    let style = scene.style(row.token.unwrap_or(Token::Text));
    let slip = scene.style(Token::Warning).add_modifier(Modifier::UNDERLINED);
    let mut pen = Pen::new(buf, area, line);
    let mut at = 0;
    for range in &row.slips {
        pen.put(row.text.get(at..range.start).unwrap_or_default(), style);
        pen.put(row.text.get(range.clone()).unwrap_or_default(), slip);
        at = range.end;
    }
    pen.put(row.text.get(at..).unwrap_or_default(), style);
    if !row.slips.is_empty() && area.x > 1 {
        let gutter = Rect { x: area.x - 2, width: 1, ..area };
        Pen::new(buf, gutter, line).put("!", scene.style(Token::Warning));
    }
}

fn of_section(scene: &Scene<'_>, section: ReviewSection, room: usize) -> (&'static str, Vec<Row>) {
    let document = scene.state.ui.review.document.as_ref();
    let Some(one) = document.and_then(|all| all.section(section)) else {
        return (section.title(), vec![Row::of("… writing the draft", Token::Unknown)]);
    };
    let mut rows = Vec::new();
    match &one.written {
        _ if one.is_blank() => {
            let text = "Nothing yet: the log cannot know this. Enter writes it.";
            wrap(text, room, |line| rows.push(Row::of(line, Token::Warning)));
            return (section.title(), rows);
        }
        None => rows.push(Row::of("draft from the log; Enter makes it yours", Token::Muted)),
        Some((by, at)) => {
            let when = scene.zone.minute(*at, scene.now());
            rows.push(Row::of(short!("written by {by}, {when}").to_string(), Token::Muted));
        }
    }
    rows.push(Row::default());
    let slips = &one.slips;
    let base = one.text.as_ptr() as usize;
    wrap(&one.text, room, |line| {
        // Lines are parts of the text, so that where each begins is known.
        let from = (line.as_ptr() as usize).saturating_sub(base);
        let here = from..from + line.len();
        let cut = slips.iter().filter(|one| one.at.start < here.end && one.at.end > here.start);
        let slips =
            cut.map(|one| one.at.start.max(here.start) - from..one.at.end.min(here.end) - from);
        let slips = slips.collect();
        rows.push(Row { text: line.to_owned(), slips, ..Row::default() });
    });
    for found in slips {
        let says = one.text.get(found.at.clone()).unwrap_or_default();
        let text = format!("! “{says}” ({}); rather: {}", found.slip.word(), found.offer);
        rows.push(Row::default());
        wrap(&text, room, |line| rows.push(Row::of(line, Token::Warning)));
    }
    (section.title(), rows)
}

fn tree(scene: &Scene<'_>, incident: &Incident, room: usize) -> Vec<Row> {
    let ui = &scene.state.ui.review;
    let mut rows = Vec::new();
    for branch in whys(&incident.review) {
        let Some(cause) = incident.review.causes.get(&branch.cause) else { continue };
        let mut lead = String::new();
        let (above, own) = branch.last.split_at(branch.depth);
        // The roots hang on nothing.
        for last in above.iter().skip(1) {
            lead.push_str(if *last { "   " } else { "│  " });
        }
        let mut more = lead.clone();
        if branch.depth > 0 {
            let last = own == [true];
            lead.push_str(if last { "└─ " } else { "├─ " });
            more.push_str(if last { "   " } else { "│  " });
        }
        let kind = cause.category.map_or(String::new(), |one| format!(" ({})", one.name()));
        let proofs = match cause.evidence.len() {
            0 => String::new(),
            1 => " · 1 entry shows it".to_owned(),
            n => format!(" · {n} entries show it"),
        };
        let text = format!("{}{kind}{proofs}", cause.text);
        let mut first = true;
        wrap(&text, room.saturating_sub(width(&lead)).max(8), |line| {
            let lead = if first { &lead } else { &more };
            rows.push(Row {
                selected: first && ui.cause == Some(branch.cause),
                ..Row::of(format!("{lead}{line}"), Token::Text)
            });
            first = false;
        });
    }
    if rows.is_empty() {
        rows.push(Row::of("No cause has been found yet.", Token::Muted));
    }
    rows
}

/// The fishbone: a spine to what happened, bones with their causes above and below.
fn bones(incident: &Incident, room: usize) -> Vec<Row> {
    let bones = fishbone(&incident.review);
    if bones.is_empty() {
        return vec![Row::of("No cause has been found yet.", Token::Muted)];
    }
    let text = |id| incident.review.causes.get(id).map_or("", |cause| cause.text.as_str());
    let name = |at: usize| {
        let category = bones.get(at).and_then(|bone| bone.category);
        category.map_or("other", |category| category.name())
    };
    let pairs = bones.len().div_ceil(2);
    let each = room / pairs.max(1);
    // A cause that is cut short explains nothing: then it is a list.
    let longest =
        incident.review.causes.values().map(|cause| width(&cause.text)).max().unwrap_or(0);
    if each < BONE || longest * 2 > each.saturating_sub(6) * 3 {
        let mut rows = Vec::new();
        wrap(&format!("▶ {}", incident.title), room, |line| {
            rows.push(Row::of(line, Token::Accent))
        });
        for (at, bone) in bones.iter().enumerate() {
            rows.push(Row::of(name(at), Token::Title));
            for id in &bone.causes {
                wrap(&format!("└─ {}", text(id)), room, |line| {
                    rows.push(Row::of(line, Token::Text));
                });
            }
        }
        return rows;
    }
    let side = |odd: usize| -> Vec<String> {
        let most = bones.iter().skip(odd).step_by(2).map(|bone| bone.causes.len()).max();
        let Some(most) = most else { return Vec::new() };
        let mut lines = vec![String::new(); most + 1];
        for pair in 0..pairs {
            let at = pair * 2 + odd;
            let causes = bones.get(at).map_or(&[][..], |bone| bone.causes.as_slice());
            // Next to the spine first; the name stands at the far end.
            let mut cells: Vec<String> =
                causes.iter().map(|id| format!("─ {}", text(id))).collect();
            if bones.get(at).is_some() {
                cells.push(format!("[{}]", name(at)));
            }
            for (row, line) in lines.iter_mut().enumerate() {
                let cell = cells.get(row).map_or("", String::as_str);
                let shown = crate::view::widgets::text::fit(cell, each.saturating_sub(4));
                let rest = if shown.1 { "…" } else { "" };
                let bone =
                    if row < cells.len() { if odd == 0 { "\\ " } else { "/ " } } else { "  " };
                let used = width(shown.0) + width(rest) + 2;
                line.push_str(&format!(
                    "{bone}{}{rest}{}",
                    shown.0,
                    " ".repeat(each.saturating_sub(used))
                ));
            }
        }
        lines
    };
    let (mut above, below) = (side(0), side(1));
    above.reverse();
    let mut rows: Vec<Row> =
        above.into_iter().map(|line| Row::of(line.trim_end(), Token::Text)).collect();
    let effect = format!("▶ {}", incident.title);
    let shown = crate::view::widgets::text::fit(&effect, room / 2).0;
    let spine = "━".repeat(room.saturating_sub(width(shown) + 2));
    rows.push(Row::of(format!("{spine}{shown}"), Token::Accent));
    rows.extend(below.into_iter().map(|line| Row::of(line.trim_end(), Token::Text)));
    rows
}

fn of_follow_ups(scene: &Scene<'_>, incident: &Incident, room: usize) -> Vec<Row> {
    let chosen = scene.state.ui.review.follow_up;
    let all = follow_ups(incident);
    let mut rows = Vec::new();
    for id in &all {
        let Some(one) = incident.review.follow_ups.get(id) else { continue };
        let (mark, token, words) = follow_up(scene, one);
        let due = one.due.utc().format("%Y-%m-%d");
        let mut first = true;
        wrap(&one.text, room.saturating_sub(2).max(1), |line| {
            let lead = if first { mark } else { " " };
            let selected = first && chosen == Some(*id);
            rows.push(Row { selected, ..Row::of(format!("{lead} {line}"), token) });
            first = false;
        });
        let stands = match words {
            "open" => String::new(),
            words => format!(" · {words}"),
        };
        let owner =
            if one.is_owned() { format!(" · {}", one.owner_words()) } else { String::new() };
        let about = format!("until {due} · {}{owner}{stands}", one.priority.name());
        wrap(&about, room.saturating_sub(2).max(1), |line| {
            rows.push(Row::of(format!("  {line}"), Token::Muted));
        });
        if chosen != Some(*id) {
            continue;
        }
        let mut more = Vec::new();
        more.extend(one.check.as_ref().map(|check| match check {
            Check::Query { expr } => format!("done when this holds: {expr}"),
            Check::Word { what } => format!("done when somebody else has seen: {what}"),
        }));
        more.extend(one.checked.as_ref().map(|(holds, seen, at)| {
            let when = scene.zone.minute(*at, scene.now());
            let holds = if *holds { "held" } else { "did not hold" };
            format!("it {holds} {when}: {seen}")
        }));
        more.extend(one.ticket.as_ref().map(|(of, seen)| {
            let state = if seen.state.is_empty() { "not looked at" } else { seen.state.as_str() };
            format!("ticket {} {}: {state} {}", of.tracker, of.key, seen.url)
        }));
        for text in more {
            wrap(text.trim(), room.saturating_sub(2).max(1), |line| {
                rows.push(Row::of(format!("  {line}"), Token::Muted));
            });
        }
    }
    if rows.is_empty() {
        rows.push(Row::of("Nothing is to be done yet.", Token::Muted));
    }
    let keys = [
        (Action::FollowUp, "writes one down"),
        (Action::Accept, "looks at its check"),
        (Action::Finish, "finishes it"),
        (Action::Give, "gives it"),
        (Action::Extend, "a week more"),
        (Action::Refuse, "drops it"),
    ];
    let shown = if all.is_empty() { keys.get(..1).unwrap_or(&keys) } else { &keys };
    explain(scene, &mut rows, room, shown);
    rows
}

/// What the keys do here, under what they do it to.
fn explain(scene: &Scene<'_>, rows: &mut Vec<Row>, room: usize, keys: &[(Action, &str)]) {
    rows.push(Row::default());
    let mut line = String::new();
    for (action, does) in keys {
        let Some(key) = scene.state.keymap.keys_for(*action).first().copied() else { continue };
        let one = format!("{key} {does}");
        // A key stays beside what it does.
        if !line.is_empty() && width(&line) + 3 + width(&one) > room {
            rows.push(Row::of(std::mem::take(&mut line), Token::Muted));
        }
        if !line.is_empty() {
            line.push_str(" · ");
        }
        line.push_str(&one);
    }
    rows.push(Row::of(line, Token::Muted));
}

/// Below the causes, what the facts of the log propose. It is theirs only when somebody writes it.
fn with_proposed(
    scene: &Scene<'_>,
    incident: &Incident,
    room: usize,
    mut rows: Vec<Row>,
) -> Vec<Row> {
    let all = &scene.state.ui.review.proposed;
    if !all.is_empty() {
        rows.push(Row::default());
        rows.push(Row::of("Proposed from the log, not set:", Token::Title));
        for one in all {
            let text = format!("? {} ({})", one.text, one.category.name());
            let mut lead = "";
            wrap(&text, room.saturating_sub(2).max(1), |line| {
                rows.push(Row::of(format!("{lead}{line}"), Token::Muted));
                lead = "  ";
            });
        }
    }
    let whys = scene.state.ui.review.part == ReviewPart::Whys && !incident.review.causes.is_empty();
    let keys = [
        (
            Action::FindCause,
            if whys { "says why of the one selected" } else { "writes a cause down" },
        ),
        (Action::Refuse, "withdraws it"),
    ];
    explain(scene, &mut rows, room, keys.get(..if whys { 2 } else { 1 }).unwrap_or(&keys));
    rows
}

fn follow_up(scene: &Scene<'_>, one: &FollowUp) -> (&'static str, Token, &'static str) {
    match &one.ended {
        Some((_, true, _)) => ("✓", Token::Muted, "done"),
        Some((_, false, _)) => ("✕", Token::Muted, "dropped"),
        None if one.is_overdue(scene.now()) => ("▲", Token::Error, "overdue"),
        None if !one.is_owned() => ("◆", Token::Warning, "nobody has it yet"),
        None if !one.is_proven() => ("◇", Token::Text, "open, its check has not passed"),
        None => ("○", Token::Text, "open"),
    }
}

fn alike(scene: &Scene<'_>, room: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for one in &scene.state.ui.review.similar {
        let title = scene.model().incidents.incidents.get(&one.id).map(|other| other.title.clone());
        let head = format!("{} {:.2} {}", one.id, one.score, title.unwrap_or_default());
        rows.push(Row::of(head, Token::Text));
        for why in &one.why {
            wrap(why, room.saturating_sub(2).max(1), |line| {
                rows.push(Row::of(format!("  {line}"), Token::Muted));
            });
        }
    }
    if rows.is_empty() {
        rows.push(Row::of("No past incident is like it.", Token::Muted));
    }
    rows
}

fn timeline(scene: &Scene<'_>, incident: &Incident, room: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    // The log may hold a million lines; the newest are what a screen can show.
    let skip = incident.timeline.len().saturating_sub(500);
    for line in incident.timeline.page(skip..incident.timeline.len()) {
        let when = scene.zone.minute(line.at.corrected, scene.now());
        let first = line.text.lines().next().unwrap_or_default();
        let token = match line.kind {
            _ if line.withdrawn.is_some() => Token::Stale,
            LineKind::Machine => Token::Muted,
            LineKind::Refused => Token::Warning,
            _ => Token::Text,
        };
        let mark = if line.withdrawn.is_some() { "withdrawn: " } else { "" };
        wrap(&format!("{when} {mark}{first}"), room, |line| rows.push(Row::of(line, token)));
    }
    rows
}
