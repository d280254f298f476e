//! The Sources screen: every connector's state, every way out, and the Bridge's pane of the sources.

mod outlets;

pub(crate) use outlets::troubled;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::actions::Action;
use crate::app::{Drawn, SourcesRow, first_visible};
use crate::domain::{Breaker, ClockOffset, FailureKind, Freshness, SourceKind, SourceStatus, Span};
use crate::theme::Token;
use crate::view::format::{self, Short, short};
use crate::view::scene::Scene;
use crate::view::widgets::table::{Cell, Column, headings, place, rows};
use crate::view::widgets::text::{Pen, below, top, width, wrap};

use super::bridge::{label, mark_row, title_room};
use super::{empty, inner, title};

/// Columns of sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Col {
    Mark,
    Name,
    Kind,
    Site,
    State,
    Age,
    Latency,
    Clock,
    Breaker,
    InFlight,
    Retries,
    Next,
}

const COLUMNS: [Column<Col>; 12] = [
    Column::new(Col::Mark, "", 1, 0),
    Column::new(Col::Name, "", 14, 0).up_to(24).grow(),
    Column::new(Col::Kind, "kind", 12, 9),
    Column::new(Col::Site, "site", 6, 8).up_to(12),
    Column::new(Col::State, "state", 13, 0),
    Column::new(Col::Age, "data age", 8, 0).right(),
    Column::new(Col::Latency, "latency", 7, 3).right(),
    Column::new(Col::Clock, "clock", 13, 4).right(),
    Column::new(Col::Breaker, "breaker", 8, 5),
    Column::new(Col::InFlight, "open", 5, 6).right(),
    Column::new(Col::Retries, "retries", 7, 7).right(),
    Column::new(Col::Next, "asked", 7, 2).right(),
];

/// Wider than this a row is no longer read as one.
const WIDE: u16 = 132;

/// Shape, word and colour of a source's state.
fn state(source: &SourceStatus, scene: &Scene<'_>) -> (&'static str, &'static str, Token) {
    let failed = source.failure.as_ref().map(|f| failure(f.kind));
    match (source.freshness(scene.now()), failed) {
        (Freshness::Fresh, None) => ("●", "fresh", Token::Ok),
        (Freshness::Fresh, Some(why)) => ("◆", why, Token::Warning),
        (Freshness::Stale, None) => ("◆", "stale", Token::Stale),
        (Freshness::Stale | Freshness::Never, Some(why)) => ("✕", why, Token::Error),
        (Freshness::Never, None) => ("?", "asking …", Token::Unknown),
    }
}

const fn failure(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Refused => "refused",
        FailureKind::TimedOut => "timed out",
        FailureKind::Unreachable => "unreachable",
        FailureKind::Tls => "TLS failed",
        FailureKind::Unauthenticated => "login refused",
        FailureKind::Forbidden => "forbidden",
        FailureKind::WrongApi => "wrong API",
        FailureKind::RateLimited => "rate limited",
        FailureKind::ServerError => "server error",
        FailureKind::Redirected => "redirected",
        FailureKind::TooLarge => "too large",
        FailureKind::Unparseable => "unreadable",
        FailureKind::BadQuery => "bad query",
        FailureKind::HeldBack => "held back",
        FailureKind::Credential => "no credential",
    }
}

/// An offset as `+12ms ±3ms`; nothing known is `?`.
fn clock(offset: Option<ClockOffset>) -> (Short, Token) {
    let Some(ClockOffset { offset, bound }) = offset else { return (short!("?"), Token::Unknown) };
    let sign = if offset.millis() < 0 { "" } else { "+" };
    let text = short!("{sign}{} ±{}", format::span(offset), format::span(bound));
    // Only what is surely more than a second counts: the bound may be wide on a slow line.
    let sure = offset.millis().unsigned_abs().saturating_sub(bound.millis().unsigned_abs());
    (text, if sure > 1_000 { Token::Warning } else { Token::Muted })
}

fn next_try(source: &SourceStatus, scene: &Scene<'_>) -> Short {
    match source.next_try {
        None => short!("—"),
        Some(at) if at <= scene.now() => short!("now"),
        // Whole seconds: milliseconds are neither read nor have room.
        Some(at) => {
            let left = (at.since(scene.now()).millis() + 999) / 1_000;
            short!("in {}", format::span(Span::from_secs(left)))
        }
    }
}

/// Draws the screen.
pub(crate) fn draw(scene: &Scene<'_>, buf: &mut Buffer, body: Rect) -> Drawn {
    let playbook = &scene.model().playbook;
    let lines = |count: usize| u16::try_from(count.max(1)).unwrap_or(u16::MAX).saturating_add(1);
    let ins = lines(scene.model().sources.len());
    let outs = lines(playbook.channels.len() + playbook.trackers.len());
    let on_outlets = scene.state.ui.sources.on_outlets();
    // What is selected is told in the lower half, unless the lists leave more.
    let both = ins.saturating_add(outs).saturating_add(2);
    let free = body.height.saturating_sub(both);
    let detail = (body.height / 2).clamp(4, 14).min(free.max(body.height / 3)).max(free);
    let detail = detail.min(body.height.saturating_sub(3));
    let room = body.height - detail;
    let gap = u16::from(both <= room);
    let room = room.saturating_sub(gap + 1);
    // The list with the keys has the room; the other one keeps its title and a row or two.
    let share = |mine: u16, other: u16| mine.min(room.saturating_sub(other.min(3)).max(1));
    let (ins, outs) = if on_outlets {
        let outs = share(outs, ins);
        (ins.min(room.saturating_sub(outs)), outs)
    } else {
        let ins = share(ins, outs);
        (ins, outs.min(room.saturating_sub(ins)))
    };
    let (upper, lower) = (top(body, ins), top(below(body, ins + gap), outs));
    let about = below(body, ins + gap + outs + 1);
    let drawn =
        (list(scene, buf, upper, !on_outlets), outlets::list(scene, buf, lower, on_outlets));
    if on_outlets {
        outlets::about(scene, buf, about);
        return drawn.1;
    }
    let sources = &scene.model().sources;
    let row = selected(scene).unwrap_or(drawn.0.top);
    if let Some(source) = sources.values().nth(row) {
        about_source(scene, buf, inner(about), source);
    }
    drawn.0
}

/// Place of the selected source.
fn selected(scene: &Scene<'_>) -> Option<usize> {
    match &scene.state.ui.sources.selected {
        Some(SourcesRow::Source(id)) => scene.model().sources.keys().position(|k| k == id),
        _ => None,
    }
}

fn list(scene: &Scene<'_>, buf: &mut Buffer, table: Rect, focused: bool) -> Drawn {
    let sources = &scene.model().sources;
    let count = sources.len();
    if table.height == 0 {
        return Drawn::default();
    }
    if count == 0 {
        title(scene, buf, table, "Sources", focused);
        let words = "No sources are configured. `quarterdeck init` asks for them and tests each.";
        empty(scene, buf, below(table, 1), (words.to_owned(), Token::Muted));
        return Drawn::default();
    }
    let list = below(table, 1);
    let page = usize::from(list.height);
    let selected = selected(scene);
    let scroll = scene.state.ui.sources.scroll;
    let first = first_visible(scroll, selected.unwrap_or(scroll), page, count);
    let (outer, table, list) = (table, inner(table), inner(list));
    let placed = place(&COLUMNS, Rect { width: table.width.min(WIDE), ..table });
    headings(&placed, table, buf, scene.style(Token::Header));
    let room = Rect { width: title_room(&placed, outer), ..outer };
    let more = count.saturating_sub(page);
    let name = if focused || more == 0 { short!("Sources") } else { short!("Sources +{more}") };
    title(scene, buf, top(room, 1), &name, focused);
    rows(&placed, list, buf, sources.values().skip(first), |col, source, cell| {
        source_cell(scene, col, source, cell);
    });
    if let Some(row) = selected {
        mark_row(scene, buf, list, row, first, focused);
    }
    Drawn { top: first, page, ..Drawn::default() }
}

fn source_cell(scene: &Scene<'_>, col: Col, source: &SourceStatus, cell: &mut Cell<'_>) {
    let (mark, word, token) = state(source, scene);
    let muted = scene.style(Token::Muted);
    match col {
        Col::Mark => cell.put(mark, scene.style(token)),
        Col::Name => cell.put(source.id.as_str(), scene.style(Token::Text)),
        Col::Kind => cell.put(source.kind.name(), muted),
        Col::Site => cell.put(source.site.as_str(), muted),
        Col::State => cell.put(word, scene.style(token)),
        Col::Age => {
            let token = scene.freshness(source);
            cell.put(&format::age(source.last_good, scene.now()), scene.style(token))
        }
        Col::Latency => {
            let text = source.latency.map_or_else(|| short!("?"), format::span);
            cell.put(&text, scene.style(Token::Text))
        }
        Col::Clock => {
            let (text, token) = clock(source.clock);
            cell.put(&text, scene.style(token))
        }
        Col::Breaker => match source.breaker {
            Breaker::Closed => cell.put("closed", muted),
            Breaker::Open { .. } => cell.put("✕ open", scene.style(Token::Error)),
            Breaker::HalfOpen => cell.put("◆ probe", scene.style(Token::Warning)),
        },
        Col::InFlight => cell.put(&short!("{}/{}", source.in_flight, source.limit), muted),
        Col::Retries => {
            let token = if source.retry_budget == 0 { Token::Warning } else { Token::Muted };
            cell.put(&short!("{}", source.retry_budget), scene.style(token))
        }
        Col::Next => cell.put(&next_try(source, scene), muted),
    };
}

fn about_source(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, source: &SourceStatus) {
    let (mark, word, token) = state(source, scene);
    let muted = scene.style(Token::Muted);
    let mut pen = Pen::new(buf, area, 0);
    pen.put(source.id.as_str(), scene.style(Token::Title)).skip(2);
    pen.put(mark, scene.style(token)).skip(1).put(word, scene.style(token)).skip(2);
    pen.put(&source.address, muted);
    let mut row = 1;
    let mut fact = |name: &str, text: &str, token: Token| {
        let mut first = true;
        wrap(text, usize::from(area.width.saturating_sub(10)).min(100), |line| {
            if row < area.height {
                let mut pen = Pen::new(buf, area, row);
                pen.put(if first { name } else { "" }, muted).to(area.x + 10);
                pen.put(line, scene.style(token));
            }
            first = false;
            row += 1;
        });
    };
    if let Some(failure) = &source.failure {
        let at = scene.zone.time(failure.at);
        fact("failed", &format!("{} ({at})", failure.sentence), Token::Error);
    }
    if let Breaker::Open { .. } = source.breaker {
        fact("breaker", &breaker(scene, source), Token::Warning);
    }
    let age = match source.last_good {
        Some(_) => format!("{} old", format::age(source.last_good, scene.now())),
        None => "none yet".to_owned(),
    };
    let data = format!(
        "{age}; asked every {}, stale after {}; {}",
        source.interval,
        source.stale_after(),
        match source.next_try {
            Some(at) if at > scene.now() => format!("next {}", next_try(source, scene)),
            Some(_) => "being asked now".to_owned(),
            None => "no next time is set".to_owned(),
        }
    );
    fact("data", &data, scene.freshness(source));
    fact("feeds", &feeds(scene, source), Token::Text);
    let (offset, token) = clock(source.clock);
    match source.clock {
        Some(_) if token == Token::Warning => {
            let text = format!(
                "{offset}: more than a second off; ages and times from it are wrong by that"
            );
            fact("clock", &text, Token::Warning);
        }
        Some(_) => {
            let text = format!("{offset} ahead of ours; allowed for when its times are compared");
            fact("clock", &text, Token::Text);
        }
        None => fact("clock", "not measured yet", Token::Unknown),
    }
    let version = if source.version.is_empty() { "not reported" } else { &source.version };
    fact("version", &format!("{} {version}", source.kind.name()), Token::Text);
    let requests = format!(
        "{} open of {} at once at most; {} retries left, which good answers refill",
        source.in_flight, source.limit, source.retry_budget
    );
    fact("requests", &requests, Token::Text);
    if !matches!(source.breaker, Breaker::Open { .. }) {
        fact("breaker", &breaker(scene, source), Token::Text);
    }
}

/// What the breaker's state means.
fn breaker(scene: &Scene<'_>, source: &SourceStatus) -> String {
    match source.breaker {
        Breaker::Closed => {
            "closed: asked as usual. Failures in a row open it, so that a sick server gets rest"
                .into()
        }
        Breaker::Open { until } => {
            let left = format::span(until.since(scene.now()).max(Span::ZERO));
            let key = scene.keymap.key_for(Action::Refresh).unwrap_or(":refresh");
            format!("open: not asked for {left}, then one probe; {key} asks now")
        }
        Breaker::HalfOpen => {
            "probing: one request decides whether it is asked again as usual".into()
        }
    }
}

/// Which panels a source feeds.
fn feeds(scene: &Scene<'_>, source: &SourceStatus) -> String {
    let model = scene.model();
    match source.kind {
        SourceKind::Prometheus => {
            let first = model.sources.values().find(|s| s.kind == SourceKind::Prometheus);
            let default = first.is_some_and(|s| s.id == source.id);
            let slos = model.catalog.slos.values();
            let slos = slos.filter(|s| s.source.as_ref().map_or(default, |id| *id == source.id));
            let rules = model.rules.get(&source.id).map_or(0, |r| r.rules.len());
            let targets = match model.targets.get(&source.id) {
                Some((up, down)) => format!("; scrapes {up} targets, {down} down"),
                None => String::new(),
            };
            format!(
                "budgets of {} objectives, golden signals, sight of {rules} rules{targets}",
                slos.count()
            )
        }
        SourceKind::Alertmanager => {
            let mine = |s: &&crate::domain::Silence| s.source == source.id;
            let silences = model.silences.by_source.values().flatten().filter(mine).count();
            format!("alerts of {}, {silences} silences", source.site)
        }
        SourceKind::Jaeger => match model.traced.get(&source.id) {
            Some((_, calls)) if calls.is_empty() => {
                "no calls: nobody has computed links of its traces in the last two days".into()
            }
            Some((_, calls)) => format!("{} kinds of calls on the map", calls.len()),
            None => "calls on the map".into(),
        },
        SourceKind::Git
        | SourceKind::ChangesFile
        | SourceKind::Github
        | SourceKind::Gitlab
        | SourceKind::Versions
        | SourceKind::Unleash
        | SourceKind::Nats => {
            let told = model.changes.told_by(&source.id).map_or(0, <[_]>::len);
            match model.changes.left_out(&source.id) {
                [] => format!("{told} changes"),
                [.., newest] => format!(
                    "{told} changes; {} lines left out, the newest: {newest}",
                    model.changes.left_out(&source.id).len()
                ),
            }
        }
        SourceKind::Pagerduty => {
            let of = |plan: &&crate::domain::PagerPlan| plan.source == source.id;
            let teams = model.plans.values().filter(of).count();
            format!("who is on call in {teams} team{}", if teams == 1 { "" } else { "s" })
        }
        SourceKind::Statuspage => {
            let of = |vendor: &&crate::domain::Vendor| vendor.feed.as_ref() == Some(&source.id);
            let named = model.catalog.vendors.values().filter(of).map(|vendor| vendor.id.as_str());
            let named: Vec<&str> = named.collect();
            let who = if named.is_empty() {
                "no [[vendor]] of the catalog, so it shows nowhere".to_owned()
            } else {
                named.join(", ")
            };
            match model.feeds.get(&source.id) {
                Some((_, feed)) => format!(
                    "what {who} says of itself: {} components, {} incidents going on",
                    feed.components.len(),
                    feed.incidents.len()
                ),
                None => format!("what {who} says of itself"),
            }
        }
    }
}

/// The Bridge's pane: a list where there is room, else one line.
pub(crate) fn pane(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, focused: bool) -> Drawn {
    let sources = &scene.model().sources;
    let ui = &scene.state.ui.bridge;
    let selected = ui.source.as_ref().and_then(|id| sources.keys().position(|k| k == id));
    if area.height < 3 {
        in_line(scene, buf, area, focused, selected);
        return Drawn { page: 1, top: 0, ..Drawn::default() };
    }
    let list = below(area, 1);
    let page = usize::from(list.height);
    title(scene, buf, area, "Sources", focused);
    if sources.is_empty() {
        empty(scene, buf, list, ("None configured.".to_owned(), Token::Muted));
    }
    let list = inner(list);
    let first = first_visible(0, selected.unwrap_or(0), page, sources.len());
    for (line, source) in (0u16..).zip(sources.values().skip(first).take(page)) {
        let (mark, word, token) = state(source, scene);
        let mut pen = Pen::new(buf, list, line);
        pen.right(&format::age(source.last_good, scene.now()), scene.style(Token::Muted)).trim(1);
        pen.put(mark, scene.style(token)).skip(1);
        if word != "fresh" {
            pen.right(word, scene.style(token)).trim(1);
        }
        pen.put(source.id.as_str(), scene.style(Token::Text));
    }
    if let Some(row) = selected {
        mark_row(scene, buf, list, row, first, focused);
    }
    Drawn { top: first, page, ..Drawn::default() }
}

/// Those in trouble first, by name; the rest as a count.
fn in_line(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    focused: bool,
    selected: Option<usize>,
) {
    let mut line = 0;
    let mut pen = Pen::new(buf, area, 0);
    label(scene, &mut pen, "Sources", focused);
    let sources = &scene.model().sources;
    let (fresh, all) = scene.health(None);
    if all == 0 {
        pen.put("none configured", scene.style(Token::Muted));
        return;
    }
    let token = if fresh == all { Token::Ok } else { Token::Warning };
    pen.put(&short!("{fresh} of {all} fresh"), scene.style(token)).skip(2);
    let trouble = |s: &&SourceStatus| state(s, scene).1 != "fresh";
    let chosen = selected.filter(|_| focused).and_then(|at| sources.values().nth(at));
    let listed = chosen
        .into_iter()
        .chain(sources.values().filter(|s| trouble(s) && chosen.is_none_or(|c| c.id != s.id)));
    for source in listed {
        let (mark, word, token) = state(source, scene);
        let age = format::age(source.last_good, scene.now());
        let text = match source.last_good {
            Some(_) => format!("{mark} {} {word}, {age}", source.id),
            None => format!("{mark} {} {word}", source.id),
        };
        if width(&text) > pen.room() {
            line += 1;
            if line >= area.height {
                return;
            }
            pen = Pen::new(buf, area, line);
            pen.skip(4);
        }
        let style = scene.style(if chosen.is_some_and(|c| c.id == source.id) {
            Token::Selected
        } else {
            token
        });
        pen.put(&text, style).skip(2);
    }
}
