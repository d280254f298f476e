//! The two lines on top of every screen: the worst thing, and where you are.
//!
//! What does not fit is left out whole, in a declared order.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::actions::Screen;
use crate::domain::{Freshness, SourceKind};
use crate::model::{SloStatus, Verdict};
use crate::theme::Token;

use super::format::{self, Short, short};
use super::scene::{Scene, verdict};
use super::widgets::text::{Pen, fit, width};

/// A part of a line.
struct Part<'t> {
    text: std::borrow::Cow<'t, str>,
    style: Style,
    /// Higher goes first when room is short; 0 stays.
    drop: u8,
    /// Fewest cells it can be cut to, at a word.
    min: usize,
    /// Stands at the right.
    right: bool,
}

impl<'t> Part<'t> {
    fn new(text: &'t str, style: Style, drop: u8) -> Self {
        Self { text: text.into(), style, drop, min: width(text), right: false }
    }

    fn of(text: Short, style: Style, drop: u8) -> Self {
        Self { min: width(&text), text: text.to_string().into(), style, drop, right: false }
    }

    fn at_right(mut self) -> Self {
        self.right = true;
        self
    }
}

/// Draws the parts that fit, two spaces between them.
fn lay(pen: &mut Pen<'_>, mut parts: Vec<Part<'_>>, gap: u16) {
    let between = usize::from(gap);
    let room = pen.room();
    while parts.iter().map(|p| p.min + between).sum::<usize>() > room + between {
        let droppable = parts.iter().enumerate().filter(|(_, p)| p.drop > 0);
        match droppable.max_by_key(|(_, p)| p.drop).map(|(at, _)| at) {
            Some(at) => drop(parts.remove(at)),
            None => break,
        }
    }
    let mut spare = (room + between).saturating_sub(parts.iter().map(|p| p.min + between).sum());
    for part in parts.iter().rev().filter(|p| p.right) {
        pen.right(&part.text, part.style).trim(gap);
    }
    for part in parts.iter().filter(|p| !p.right) {
        let more = width(&part.text).saturating_sub(part.min).min(spare);
        spare -= more;
        let (shown, cut) = fit(&part.text, part.min + more);
        pen.put(shown, part.style);
        if cut {
            pen.put("…", part.style);
        }
        pen.skip(gap);
    }
}

/// Figures of all groups.
#[derive(Default)]
struct Firing {
    active: usize,
    lost: usize,
    acked: usize,
    /// Groups that want somebody.
    open: usize,
}

fn firing(scene: &Scene<'_>) -> Firing {
    scene.model().alerts.groups.iter().fold(Firing::default(), |mut sum, g| {
        sum.active += g.active;
        sum.lost += g.unseen;
        sum.acked += usize::from(g.ack.is_some());
        sum.open += usize::from(g.ack.is_none() && g.active + g.unseen > 0);
        sum
    })
}

/// Both lines.
pub(crate) fn draw(scene: &Scene<'_>, buf: &mut Buffer, area: Rect) {
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    let firing = firing(scene);
    lay(&mut Pen::new(buf, inner, 0), worst(scene, &firing), 2);
    // The mark of the active tab stands in the margin.
    lay(&mut Pen::new(buf, area, 1), tabs(scene, &firing), 1);
}

/// One plain line for terminals too small for anything else.
pub(crate) fn smallest(scene: &Scene<'_>, buf: &mut Buffer, area: Rect) {
    let firing = firing(scene);
    lay(&mut Pen::new(buf, area, 0), worst(scene, &firing), 2);
    Pen::new(buf, area, 1).put("Needs 40×8 or more.", scene.style(Token::Muted));
}

/// The name of an objective with its service, not saying it twice.
pub(crate) fn slo_name(scene: &Scene<'_>, status: &SloStatus) -> String {
    match scene.slo(status) {
        Some(slo) if repeats(&slo.title, slo.service.as_str()) => slo.title.to_string(),
        Some(slo) => format!("{} {}", slo.service, slo.title),
        None => status.slo.to_string(),
    }
}

/// Whether a title begins with the service's name.
pub(crate) fn repeats(title: &str, service: &str) -> bool {
    title.get(..service.len()).is_some_and(|start| start.eq_ignore_ascii_case(service))
}

fn worst<'t>(scene: &Scene<'_>, firing: &Firing) -> Vec<Part<'t>> {
    let mut parts = Vec::with_capacity(7);
    let dim = scene.style(Token::Muted);
    let statuses = &scene.model().slos.statuses;
    match statuses.first() {
        Some(status) if status.verdict == Verdict::Fine => {
            let fresh = statuses.iter().filter(|s| scene.is_fresh(s)).count();
            if fresh == statuses.len() {
                let text = short!("● all {} budgets fine", format::count(fresh));
                parts.push(Part::of(text, scene.style(Token::Ok), 0));
            } else {
                let old = format::count(statuses.len() - fresh);
                let text = short!("? {old} of {} budgets not current", statuses.len());
                parts.push(Part::of(text, scene.style(Token::Stale), 0));
            }
        }
        Some(status) => {
            let fresh = scene.is_fresh(status);
            let (mark, word, token) = verdict(status.verdict);
            let style = scene.unless_stale(fresh, token);
            let name = format!("{mark} {}", slo_name(scene, status));
            let min = width(&name).min(22);
            parts.push(Part { text: name.into(), style, drop: 0, min, right: false });
            let burn = status.conditions.iter().find(|c| c.held == crate::model::Held::Yes);
            let burn = burn.or(status.conditions.first()).and_then(|c| c.long.value());
            match burn {
                Some(rate) if rate > 1.0 => {
                    parts.push(Part::of(short!("burns {}", format::burn(rate)), style, 1));
                }
                _ => parts.push(Part::new(word, style, 1)),
            }
            if let Some(left) = status.budget_left.value() {
                parts.push(Part::of(short!("left {}", format::left(left)), style, 4));
            }
            if let crate::model::Exhaustion::In(span) = status.exhaustion {
                parts.push(Part::of(short!("gone in {}", format::span(span)), style, 5));
            }
            if !fresh {
                let age = format::age(status.at, scene.now());
                parts.push(Part::of(short!("{age} old"), scene.style(Token::Stale), 2));
            }
        }
        None => parts.push(Part::new("? no budgets known", scene.style(Token::Unknown), 0)),
    }
    let (fresh, all) = scene.health(Some(SourceKind::Alertmanager));
    if firing.active > 0 {
        let token = if fresh == 0 { Token::Stale } else { Token::Error };
        let verb = if firing.active == 1 { "alert fires" } else { "alerts fire" };
        let text = short!("{} {verb}", format::count(firing.active));
        parts.push(Part::of(text, scene.style(token), 2));
    } else if firing.lost == 0 {
        let (text, token) = match (fresh, all) {
            (0, _) => ("? alerts unknown", Token::Unknown),
            (f, a) if f < a => ("no alerts seen by some", Token::Warning),
            _ => ("no alerts fire", Token::Muted),
        };
        parts.push(Part::new(text, scene.style(token), 2));
    }
    if firing.lost > 0 {
        let text = short!("? {} lost sight", format::count(firing.lost));
        parts.push(Part::of(text, scene.style(Token::Unknown), 1));
    }
    if firing.acked > 0 {
        parts.push(Part::of(short!("{} acked", format::count(firing.acked)), dim, 6));
    }
    parts
}

fn tabs<'t>(scene: &Scene<'_>, firing: &Firing) -> Vec<Part<'t>> {
    let mut parts = Vec::with_capacity(12);
    let slos = &scene.model().slos.statuses;
    let needs = |v: Verdict| matches!(v, Verdict::Page | Verdict::Ticket | Verdict::Spent);
    let bad = slos.iter().filter(|s| needs(s.verdict)).count();
    let page = slos.iter().any(|s| s.verdict == Verdict::Page);
    let (fresh, all) = scene.health(None);
    for (at, screen) in Screen::ALL.into_iter().enumerate() {
        let active = screen == scene.state.ui.screen;
        let (needed, loud) = match screen {
            Screen::Bridge => (0, false),
            Screen::Alerts => (firing.open, false),
            Screen::Slos => (bad, page),
            Screen::Sources => (all - fresh, all > fresh),
        };
        let style = scene.style(if active { Token::TabActive } else { Token::Tab });
        let (mark, loud) = (if active { "▸" } else { " " }, if loud { "!" } else { "" });
        let title = screen.title();
        let text = match needed {
            0 => short!("{mark}{} {title}", at + 1),
            n => short!("{mark}{} {title} {}{loud}", at + 1, format::count(n)),
        };
        let drop = if active { 0 } else { 3 };
        parts.push(Part::of(text, style, drop));
    }
    if let Some(play) = &scene.state.playback {
        let state = if play.paused { "⏸" } else { "▶" };
        let at = format::clock(play.at.since(play.start));
        let end = format::clock(play.end.since(play.start));
        let text = short!(" DEMO {state} {}× {at}/{end} ", play.speed);
        parts.push(Part::of(text, scene.style(Token::BannerDemo), 0).at_right());
    }
    if scene.state.read_only {
        parts.push(Part::new(" READ-ONLY ", scene.style(Token::BannerWarning), 1).at_right());
    }
    let mut sites: Vec<&str> =
        scene.model().sources.values().map(|s| s.site.as_str()).filter(|s| !s.is_empty()).collect();
    sites.sort_unstable();
    sites.dedup();
    let site = match sites.as_slice() {
        [] => short!(""),
        [one] => short!("{one}"),
        [one, two] => short!("{one} {two}"),
        many => short!("{} sites", many.len()),
    };
    if !site.is_empty() {
        parts.push(Part::of(site, scene.style(Token::Muted), 8).at_right());
    }
    let drop = if scene.state.playback.is_some() { 7 } else { 5 };
    let clock = scene.zone.time(scene.now());
    parts.push(Part::of(clock, scene.style(Token::Text), drop).at_right());
    parts.push(health(scene, fresh, all).at_right());
    parts
}

fn health<'t>(scene: &Scene<'_>, fresh: usize, all: usize) -> Part<'t> {
    let known = |s: &crate::domain::SourceStatus| s.freshness(scene.now()) != Freshness::Never;
    let (mark, token) = match (fresh, all) {
        (_, 0) => return Part::new("○ no sources", scene.style(Token::Unknown), 2),
        (f, a) if f == a => ("●", Token::Ok),
        (0, _) if !scene.model().sources.values().any(known) => ("?", Token::Unknown),
        (0, _) => ("✕", Token::Error),
        _ => ("◆", Token::Warning),
    };
    let mut part = Part::of(short!("{mark}{fresh}/{all} "), scene.style(token), 2);
    part.drop = 2;
    part
}
