//! Everything about the selected group or alert, beside or below the list.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::actions::Action;
use crate::app::AlertRow;
use crate::domain::SilenceState;
use crate::model::{Group, Sight, SituationId, Tracked};
use crate::theme::Token;
use crate::view::format;
use crate::view::scene::{Scene, severity};
use crate::view::widgets::text::{Pen, width, wrap};

use super::Finder;
use super::groups::{first_sight, state};

/// Writes lines downwards.
struct Page<'b> {
    buf: &'b mut Buffer,
    area: Rect,
    row: u16,
}

impl Page<'_> {
    fn pen(&mut self) -> Pen<'_> {
        let row = self.row;
        self.row = self.row.saturating_add(1);
        Pen::new(self.buf, self.area, row)
    }

    fn text(&mut self, text: &str, indent: u16, style: Style) {
        let cells = usize::from(self.area.width.saturating_sub(indent));
        wrap(text, cells, |line| {
            if self.row < self.area.height {
                self.pen().skip(indent).put(line, style);
            }
        });
    }

    fn blank(&mut self) {
        self.row = self.row.saturating_add(1);
    }

    fn full(&self) -> bool {
        self.row >= self.area.height
    }
}

/// Cells of the names.
const NAMES: u16 = 10;

/// Why a group is in its situation, where that is shown in its groups.
fn reason<'a>(scene: &Scene<'a>, row: &AlertRow) -> Option<&'a str> {
    let mut groups = scene.state.ui.alerts.situations.iter().flat_map(|one| &one.groups);
    groups.find(|(key, _)| key == row.group()).map(|(_, reason)| reason.as_str())
}

/// What a situation comes to, and why each of its groups is in it.
fn situation(scene: &Scene<'_>, page: &mut Page<'_>, id: SituationId) {
    let Some(one) = scene.state.ui.alerts.situation(id) else { return };
    let layers: Vec<&str> = one.layers.iter().map(|layer| layer.name()).collect();
    let (groups, alerts) = (format::count(one.groups.len()), format::count(one.alerts));
    let pages = format::count(one.pages);
    let text = format!("{groups} groups, {alerts} alerts, {pages} grave; {}", layers.join(", "));
    page.text(&text, 0, scene.style(Token::Text));
    if let Some(doubt) = &one.doubt {
        let text = format!("Probably no sign of trouble: {doubt}");
        page.text(&text, 0, scene.style(Token::Info));
    }
    for (key, reason) in &one.groups {
        if page.full() {
            break;
        }
        if let Some(group) = scene.model().alerts.group(key) {
            page.text(&format!("{}: {reason}", group.title), 0, scene.style(Token::Muted));
        }
    }
}

/// Draws what is known about a row.
pub(super) fn draw(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, row: Option<&AlertRow>) {
    let mut page = Page { buf, area, row: 0 };
    let group = row.and_then(|row| {
        Finder::new(&scene.model().alerts.groups, 0).find(|g| g.key == *row.group())
    });
    let (Some(row), Some(group)) = (row, group) else {
        page.pen().put("Nothing selected.", scene.style(Token::Muted));
        return;
    };
    let key = match row {
        AlertRow::Situation(..) | AlertRow::Group(_) => group.alerts.first(),
        AlertRow::Alert(_, key) => Some(key),
    };
    let alert = key.and_then(|key| scene.model().alerts.alerts.get(key));
    let of_many = matches!(row, AlertRow::Group(_)) && group.alerts.len() > 1;
    if let AlertRow::Situation(id, _) = row {
        return situation(scene, &mut page, *id);
    }
    if let Some(reason) = reason(scene, row) {
        page.text(reason, 0, scene.style(Token::Muted));
        page.blank();
    }
    head(scene, &mut page, group);
    sight(scene, &mut page, group, row, alert);
    // Low and wide: labels and runbook stand beside the facts.
    if area.width >= 70 && area.height <= 14 {
        let rest = Rect {
            y: area.y + page.row.min(area.height),
            height: area.height.saturating_sub(page.row),
            ..area
        };
        let half = area.width * 11 / 20;
        let mut left = Page { buf: &mut *page.buf, area: Rect { width: half - 2, ..rest }, row: 0 };
        facts(scene, &mut left, group, alert);
        runbook(scene, &mut left, group);
        let right = Rect { x: rest.x + half, width: rest.width - half, ..rest };
        let mut right = Page { buf: &mut *page.buf, area: right, row: 0 };
        if let Some(alert) = alert {
            labels(scene, &mut right, alert, of_many, 0);
        }
        return;
    }
    facts(scene, &mut page, group, alert);
    if let Some(alert) = alert {
        page.blank();
        labels(scene, &mut page, alert, of_many, 8);
    }
    runbook(scene, &mut page, group);
}

/// The gist of a group in two or three lines: what it says, why it is judged so, who has it, what to do.
pub(super) fn brief(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, group: &Group) {
    let muted = scene.style(Token::Muted);
    let text = if group.summary.is_empty() { &group.title } else { &group.summary };
    Pen::new(buf, area, 0).put(text, scene.style(Token::Text));
    let mut pen = Pen::new(buf, area, 1);
    let token = severity(group.judged.severity);
    pen.put(&format::short!("{}", group.judged.severity), scene.style(token)).skip(1);
    pen.put(&group.judged.reason, muted);
    let mut pen = Pen::new(buf, area, 2);
    pen.put("owner ", muted);
    match group.owner.as_str() {
        "" => pen.put("nobody in the catalog", scene.style(Token::Warning)),
        owner => pen.put(owner, scene.style(Token::Text)),
    };
    if let Some(ack) = &group.ack {
        let age = format::age(Some(ack.at), scene.now());
        pen.skip(2).put("acked by ", muted).put(ack.by.name(), scene.style(Token::Ack)).skip(1);
        pen.put(&format::short!("{age} ago"), muted);
    }
    pen.skip(2).put("runbook ", muted);
    match group.runbook.as_str() {
        "" => pen.put("none", scene.style(Token::Warning)),
        runbook => {
            let key = scene.keymap.key_for(Action::Runbook).unwrap_or(":runbook");
            if width(runbook) + width(key) + 9 <= pen.room() {
                pen.right(&format::short!(" {key} opens"), muted);
            }
            pen.put(runbook, scene.style(Token::Link))
        }
    };
}

/// The gist of a row: of an alert all its labels, of a group what [`brief`] says.
pub(super) fn gist(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, row: &AlertRow) {
    let Some(group) = Finder::new(&scene.model().alerts.groups, 0).find(|g| g.key == *row.group())
    else {
        return;
    };
    if let AlertRow::Situation(id, _) = row {
        return situation(scene, &mut Page { buf, area, row: 0 }, *id);
    }
    let AlertRow::Alert(_, key) = row else { return brief(scene, buf, area, group) };
    let Some(tracked) = scene.model().alerts.alerts.get(key) else { return };
    let (mark, word, token, _) = state(tracked);
    let mut pen = Pen::new(buf, area, 0);
    pen.put(mark, scene.style(token)).skip(1).put(word, scene.style(token)).skip(1);
    if let Some(ack) = &tracked.ack {
        pen.put("by ", scene.style(token)).put(ack.by.name(), scene.style(token));
    }
    pen.skip(1).put(tracked.alert.summary(), scene.style(Token::Text));
    let labels = tracked.alert.labels.to_string();
    let mut line = 1;
    wrap(&labels, usize::from(area.width), |text| {
        if line < area.height {
            Pen::new(buf, area, line).put(text, scene.style(Token::Muted));
        }
        line += 1;
    });
}

fn head(scene: &Scene<'_>, page: &mut Page<'_>, group: &Group) {
    let text = if group.summary.is_empty() { &group.title } else { &group.summary };
    page.text(text, 0, scene.style(Token::Title));
    let token = severity(group.judged.severity);
    let mut pen = page.pen();
    pen.put(&format::short!("{}", group.judged.severity), scene.style(token)).skip(2);
    let room = pen.room();
    // The reason often takes a second line.
    let (first, cut) = crate::view::widgets::text::fit(&group.judged.reason, room);
    pen.put(first, scene.style(Token::Muted));
    if cut {
        let rest = group.judged.reason.get(first.len()..).unwrap_or_default();
        page.text(rest.trim_start(), 7, scene.style(Token::Muted));
    }
}

fn sight(
    scene: &Scene<'_>,
    page: &mut Page<'_>,
    group: &Group,
    row: &AlertRow,
    alert: Option<&Tracked>,
) {
    let unseen = match (row, alert) {
        (AlertRow::Alert(..), Some(alert)) => Some(&alert.sight),
        _ => first_sight(scene, group),
    };
    match unseen {
        Some(Sight::Lost { since, why, .. }) => {
            page.blank();
            let at = scene.zone.minute(*since, scene.now());
            let text = format!("? Lost sight since {at}, not resolved: {why}");
            page.text(&text, 0, scene.style(Token::Unknown));
        }
        Some(Sight::Stale { since }) => {
            page.blank();
            let age = format::age(Some(*since), scene.now());
            let text = format!(
                "? Not current for {age}: the Alertmanager that reported it does not answer. It may still fire."
            );
            page.text(&text, 0, scene.style(Token::Stale));
        }
        Some(Sight::Resolved { at }) => {
            let at = scene.zone.minute(*at, scene.now());
            page.text(&format!("Resolved at {at}."), 0, scene.style(Token::Muted));
        }
        Some(Sight::Firing) | None => {}
    }
    page.blank();
}

fn fact(scene: &Scene<'_>, page: &mut Page<'_>, name: &str, value: &str, token: Token) {
    let (muted, x) = (scene.style(Token::Muted), page.area.x + NAMES);
    page.pen().put(name, muted).to(x).put(value, scene.style(token));
}

fn facts(scene: &Scene<'_>, page: &mut Page<'_>, group: &Group, alert: Option<&Tracked>) {
    let since = alert.map_or(group.since, |a| a.alert.starts_at);
    let (at, age) = (scene.zone.minute(since, scene.now()), format::age(Some(since), scene.now()));
    fact(scene, page, "since", &format!("{at}, {age} ago"), Token::Text);
    if let Some(alert) = alert.filter(|a| {
        !matches!(a.sight, Sight::Firing) || a.alert.state != crate::domain::AlertState::Active
    }) {
        let (mark, word, token, _) = state(alert);
        fact(scene, page, "state", &format!("{mark} {word}"), token);
    }
    let contact = group.service.as_ref().and_then(|id| scene.model().catalog.services.get(id));
    match contact.map(|s| &s.contact).filter(|c| !c.is_empty()) {
        _ if group.owner.is_empty() && scene.state.reading => {
            fact(scene, page, "owner", "…", Token::Unknown);
        }
        _ if group.owner.is_empty() => fact(scene, page, "owner", "no owner", Token::Warning),
        Some(contact) => {
            fact(scene, page, "owner", &format!("{}, {contact}", group.owner), Token::Text);
        }
        None => fact(scene, page, "owner", &group.owner, Token::Text),
    }
    let ack = alert.and_then(|a| a.ack.as_ref()).or(group.ack.as_ref());
    match ack {
        Some(ack) => {
            let age = format::age(Some(ack.at), scene.now());
            fact(scene, page, "acked", &format!("{} {age} ago", ack.by), Token::Ack);
            page.text(&ack.note, NAMES, scene.style(Token::Text));
        }
        None => fact(scene, page, "acked", "nobody yet", Token::Muted),
    }
    silences(scene, page, alert);
}

fn silences(scene: &Scene<'_>, page: &mut Page<'_>, alert: Option<&Tracked>) {
    let Some(crate::domain::AlertState::Suppressed { silenced_by, inhibited_by }) =
        alert.map(|a| &a.alert.state)
    else {
        return;
    };
    let known = scene.model().silences.by_source.values().flatten();
    let mutes = known.filter(|s| s.state == SilenceState::Active && silenced_by.contains(&s.id));
    for silence in mutes.take(2) {
        let until = scene.zone.minute(silence.ends_at, scene.now());
        let text = format!("until {until} by {}: {}", silence.created_by, silence.comment);
        fact(scene, page, "silenced", &text, Token::Silenced);
    }
    if !inhibited_by.is_empty() {
        let text = format!("by {} other alerts", inhibited_by.len());
        fact(scene, page, "inhibited", &text, Token::Silenced);
    }
}

fn labels(scene: &Scene<'_>, page: &mut Page<'_>, alert: &Tracked, one_of_many: bool, keep: u16) {
    let heading = if one_of_many { "Labels of the first" } else { "Labels" };
    page.pen().put(heading, scene.style(Token::Header));
    // What follows keeps some lines, and the count of the rest one.
    let left = page.area.height.saturating_sub(page.row).saturating_sub(keep);
    let all = alert.alert.labels.len();
    let room = usize::from(left.max(2));
    let room = if all > room { room - 1 } else { room };
    let longest = alert.alert.labels.iter().map(|(n, _)| n.len()).max().unwrap_or(0).clamp(8, 20);
    for (at, (name, value)) in alert.alert.labels.iter().enumerate() {
        if page.full() || at >= room {
            break;
        }
        let (muted, x) = (scene.style(Token::Muted), page.area.x + longest as u16 + 2);
        let mut pen = page.pen();
        pen.put(name, muted).skip(1).to(x).put(value, scene.style(Token::Text));
    }
    if all > room {
        let more = format!("{} more", all - room);
        page.pen().put(&more, scene.style(Token::Muted));
    }
}

/// Where the runbook is and, when it is a file of ours, how it begins.
fn runbook(scene: &Scene<'_>, page: &mut Page<'_>, group: &Group) {
    page.blank();
    if group.runbook.is_empty() {
        page.pen().put("no runbook", scene.style(Token::Warning));
        page.text(
            "Add runbook_url to the rule's annotations, or a runbook to the service in the catalog.",
            0,
            scene.style(Token::Muted),
        );
        return;
    }
    let service = group.service.as_ref().and_then(|id| scene.model().catalog.services.get(id));
    let text = service.and_then(|s| s.runbook_text.as_ref());
    let key = scene.keymap.key_for(Action::Runbook).unwrap_or(":runbook");
    let mut pen = page.pen();
    pen.put("Runbook", scene.style(Token::Header)).skip(2);
    pen.put(key, scene.style(Token::Key)).skip(1);
    pen.put(if text.is_some() { "all of it" } else { "opens" }, scene.style(Token::Muted));
    page.text(&group.runbook, 0, scene.style(Token::Link));
    if let Some(text) = text {
        page.blank();
        page.text(text, 0, scene.style(Token::Text));
    }
}
