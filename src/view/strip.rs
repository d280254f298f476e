//! The two lines on top of every screen: the worst thing, and where you are.
//!
//! What does not fit is left out whole, in a declared order.

mod incident;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::actions::{Action, Screen};
use crate::domain::{Freshness, Severity, SourceKind};
use crate::model::{Sight, SloStatus, Verdict};
use crate::theme::Token;

use super::format::{self, Short, short};
use super::scene::{Scene, verdict};
use super::screens::first_sight;
use super::widgets::text::{Pen, fit, width};

/// A part of a line.
struct Part<'t> {
    text: std::borrow::Cow<'t, str>,
    style: Style,
    /// Higher goes first when room is short; 0 stays.
    drop: u8,
    /// What is said instead where it would be dropped, and when that is dropped (0 stays).
    instead: Option<(Short, u8)>,
    /// Fewest cells it can be cut to, at a word.
    min: usize,
    /// Stands at the right.
    right: bool,
}

impl<'t> Part<'t> {
    fn new(text: &'t str, style: Style, drop: u8) -> Self {
        Self { text: text.into(), style, drop, instead: None, min: width(text), right: false }
    }

    fn of(text: Short, style: Style, drop: u8) -> Self {
        Self::flexible(text.to_string(), usize::MAX, style, drop)
    }

    /// May be cut to `min` cells.
    fn flexible(text: String, min: usize, style: Style, drop: u8) -> Self {
        let min = width(&text).min(min);
        Self { min, text: text.into(), style, drop, instead: None, right: false }
    }

    fn or(self, instead: Short) -> Self {
        self.or_until(instead, 0)
    }

    fn or_until(mut self, instead: Short, drop: u8) -> Self {
        self.instead = Some((instead, drop));
        self
    }

    fn at_right(mut self) -> Self {
        self.right = true;
        self
    }
}

/// Draws the parts that fit.
fn lay(pen: &mut Pen<'_>, mut parts: Vec<Part<'_>>, gap: u16) {
    let between = usize::from(gap);
    let room = pen.room();
    while parts.iter().map(|p| p.min + between).sum::<usize>() > room + between {
        let droppable = parts.iter().enumerate().filter(|(_, p)| p.drop > 0);
        let Some(at) = droppable.max_by_key(|(_, p)| p.drop).map(|(at, _)| at) else { break };
        match parts.get_mut(at).and_then(|part| part.instead.take().map(|short| (part, short))) {
            Some((part, (short, drop))) => {
                (part.min, part.drop) = (width(&short), drop);
                part.text = short.to_string().into();
            }
            None => drop(parts.remove(at)),
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
    /// Gone, and nothing shows that they are over.
    lost: usize,
    /// Their Alertmanager is quiet.
    stale: usize,
    acked: usize,
    /// Groups that want somebody.
    open: usize,
    worst: Option<Severity>,
}

fn firing(scene: &Scene<'_>) -> Firing {
    scene.model().alerts.groups.iter().fold(Firing::default(), |mut sum, g| {
        sum.active += g.active;
        match first_sight(scene, g) {
            Some(Sight::Stale { .. }) => sum.stale += g.unseen,
            _ => sum.lost += g.unseen,
        }
        sum.acked += usize::from(g.ack.is_some() && !g.is_muted());
        sum.open += usize::from(g.needs_attention());
        if g.active > 0 {
            sum.worst = Some(sum.worst.map_or(g.judged.severity, |w| w.min(g.judged.severity)));
        }
        sum
    })
}

/// Both lines.
pub(crate) fn draw(scene: &Scene<'_>, buf: &mut Buffer, area: Rect) {
    let inner = Rect { x: area.x + 2, width: area.width.saturating_sub(3), ..area };
    let firing = firing(scene);
    lay(&mut Pen::new(buf, inner, 0), worst(scene, &firing), 2);
    // The mark of the active tab stands in the margin.
    let tabbed = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
    lay(&mut Pen::new(buf, tabbed, 1), tabs(scene, &firing), 1);
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
        Some(slo) => slo.with_service(),
        None => status.slo.to_string(),
    }
}

fn worst<'t>(scene: &Scene<'_>, firing: &Firing) -> Vec<Part<'t>> {
    match incident::shown(scene) {
        Some(incident) => incident::parts(scene, incident, firing.lost),
        None => {
            let mut parts = budget(scene);
            parts.extend(alerts(scene, firing));
            parts
        }
    }
}

/// The worst budget.
fn budget<'t>(scene: &Scene<'_>) -> Vec<Part<'t>> {
    let statuses = &scene.model().slos.statuses;
    let all = format::count(statuses.len());
    let Some(status) = statuses.first() else {
        let declared = scene.model().catalog.slos.len();
        let text = match declared {
            0 if scene.state.reading => short!("… reading the catalog"),
            0 => short!("? no budgets known"),
            n => short!("… asking for {} budgets", format::count(n)),
        };
        return vec![Part::of(text, scene.style(Token::Unknown), 0)];
    };
    if statuses.iter().all(|s| s.at.is_none()) {
        let sources = scene.model().sources.values();
        let mut asked = sources.filter(|s| s.kind == SourceKind::Prometheus).peekable();
        let asking = asked.peek().is_some() && asked.all(|s| s.failure.is_none());
        let text = if asking {
            short!("… asking for {all} budgets")
        } else {
            short!("? {all} budgets unknown")
        };
        return vec![Part::of(text, scene.style(Token::Unknown), 0)];
    }
    if status.verdict == Verdict::Fine {
        let fresh = statuses.iter().filter(|s| scene.is_fresh(s)).count();
        return vec![if fresh == statuses.len() {
            Part::of(short!("● all {all} budgets fine"), scene.style(Token::Ok), 0)
        } else {
            let old = format::count(statuses.len() - fresh);
            let text = short!("? {old} of {all} budgets not current");
            Part::of(text, scene.style(Token::Stale), 0)
        }];
    }
    let fresh = scene.is_fresh(status);
    let (mark, word, token) = verdict(status.verdict);
    let style = scene.unless_stale(fresh, token);
    let name = format!("{mark} {}", slo_name(scene, status));
    let mut parts = vec![Part::flexible(name, 26, style, 0)];
    parts.push(match status.told_burn() {
        Some((rate, _)) if rate > 1.0 => Part::of(short!("burns {}", format::burn(rate)), style, 3),
        _ => Part::new(word, style, 3),
    });
    if let Some(left) = status.budget_left.value() {
        parts.push(Part::of(short!("left {}", format::left(left)), style, 6));
    }
    if let crate::model::Exhaustion::In(span) = status.exhaustion {
        parts.push(Part::of(short!("gone in {}", format::span(span)), style, 7));
    }
    if !fresh {
        let age = format::age(status.at, scene.now());
        parts.push(Part::of(short!("{age} old"), scene.style(Token::Stale), 2));
    }
    parts
}

/// How many alerts fire, how many are out of sight, and what waits for somebody.
fn alerts<'t>(scene: &Scene<'_>, firing: &Firing) -> Vec<Part<'t>> {
    let mut parts = Vec::with_capacity(6);
    let (fresh, all) = scene.health(Some(SourceKind::Alertmanager));
    if firing.lost > 0 {
        let text = short!(" ? {} lost sight ", format::count(firing.lost));
        parts.push(Part::of(text, scene.style(Token::BannerWarning), 0));
    }
    if firing.stale > 0 {
        let text = short!("? {} not current", format::count(firing.stale));
        parts.push(Part::of(text, scene.style(Token::Stale), 1));
    }
    match firing.worst {
        Some(worst) => {
            let token = match worst {
                _ if fresh == 0 => Token::Stale,
                Severity::Sev1 | Severity::Sev2 => Token::Error,
                Severity::Sev3 => Token::Warning,
                Severity::Sev4 | Severity::Sev5 => Token::Text,
            };
            let (n, style) = (format::count(firing.active), scene.style(token));
            let verb = if firing.active == 1 { "fires" } else { "fire" };
            let text = if firing.active == 1 {
                short!("{n} alert {verb}, {worst}")
            } else {
                short!("{n} alerts {verb}, worst {worst}")
            };
            parts.push(Part::of(text, style, 2).or(short!("{n} {verb}, {worst}")));
        }
        None if firing.lost + firing.stale == 0 => {
            let known = scene.last_asked(SourceKind::Alertmanager).is_some();
            let (text, token) = match (fresh, all) {
                (0, 0) => ("? no Alertmanager", Token::Unknown),
                (0, _) if !known => ("… asking for alerts", Token::Unknown),
                (0, _) => ("? alerts unknown", Token::Unknown),
                (f, a) if f < a => ("no alerts seen by some", Token::Warning),
                // Alertmanager knows only what a Prometheus tells it.
                _ if scene.blind() => ("? no alerts, but no Prometheus answers", Token::Warning),
                _ => ("no alerts fire", Token::Muted),
            };
            parts.push(Part::new(text, scene.style(token), 2));
        }
        None => {}
    }
    match scene.model().alerts.groups.iter().find(|g| g.needs_attention()) {
        Some(next) if firing.open > 0 => {
            let key = scene.keymap.key_for(Action::Acknowledge).unwrap_or(":ack");
            let open = short!("{} unacknowledged", format::count(firing.open));
            parts.push(Part::of(open, scene.style(Token::Text), 4));
            let text = format!("next: {key} acknowledges {}", next.title);
            parts.push(Part::flexible(text, 32, scene.style(Token::Muted), 8));
        }
        _ if firing.acked > 0 => {
            let text = short!("all acknowledged ({})", format::count(firing.acked));
            parts.push(Part::of(text, scene.style(Token::Ack), 4));
        }
        _ => {}
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
    let playing = scene.state.playback.is_some();
    let (live, waiting, urgent) = incident::attention(scene);
    for screen in Screen::ALL {
        let active = screen == scene.state.ui.screen;
        let (needed, loud) = match screen {
            Screen::Bridge => (0, false),
            Screen::Alerts => (firing.open, false),
            Screen::Slos => (bad, page),
            Screen::Map => scene.state.ui.map.hurt,
            Screen::Capacity => scene.state.ui.capacity.shortages,
            Screen::Incident => (waiting, urgent),
            Screen::Changes => (scene.state.ui.changes.near, false),
            Screen::Review => {
                let late = scene.model().incidents.overdue_follow_ups(scene.now()).len();
                (late, late > 0)
            }
            Screen::Sources => {
                let (troubled, unsettled) = super::screens::sources::troubled(scene);
                (all - fresh + troubled, all > fresh || unsettled)
            }
        };
        let tab = if screen == Screen::Incident && live { Token::Text } else { Token::Tab };
        let style = scene.style(if active { Token::TabActive } else { tab });
        let (mark, loud) = (if active { "▸" } else { " " }, if loud { "!" } else { "" });
        let title = screen.title();
        let mut keys = scene.keymap.keys_on(scene.state.ui.screen, playing, screen.action());
        let key = keys.next().unwrap_or_default();
        let text = match needed {
            0 => short!("{mark}{key} {title}"),
            n => short!("{mark}{key} {title} {}{loud}", format::count(n)),
        };
        // Those with something to say stay longest, the incident's longest of all.
        let drop = match () {
            () if active => 0,
            () if screen == Screen::Incident && live => 2,
            () if needed > 0 => 3,
            () => 4,
        };
        parts.push(Part::of(text, style, drop));
    }
    if let Some(play) = &scene.state.playback {
        let state = if play.paused { "⏸" } else { "▶" };
        let at = format::clock(play.at.since(play.start));
        let end = format::clock(play.end.since(play.start));
        let text = short!(" DEMO {state} {}× {at}/{end} ", play.speed);
        let part = Part::of(text, scene.style(Token::BannerDemo), 6).at_right();
        parts.push(part.or(short!(" DEMO {state} {at} ")));
    }
    if let Some(who) = &scene.state.ui.following {
        let text = format!(" following {who} ");
        let part = Part::flexible(text, usize::MAX, scene.style(Token::BannerDemo), 1).at_right();
        parts.push(part.or(short!(" follows ")));
    }
    let held = &scene.state.held;
    if !held.why.is_empty() {
        let style = scene.style(Token::BannerWarning);
        let part = match held.records.len() {
            0 => Part::of(short!(" NOT ON DISK "), style, 0).or(short!(" NO DISK ")),
            n => {
                let count = format::count(n);
                Part::of(short!(" NOT ON DISK: {count} "), style, 0).or(short!(" NO DISK {count} "))
            }
        };
        parts.push(part.at_right());
    }
    if scene.state.read_only {
        let part = Part::new(" READ-ONLY ", scene.style(Token::BannerWarning), 5).at_right();
        parts.push(part.or(short!(" RO ")));
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
    let drop = if playing { 7 } else { 4 };
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
    Part::of(short!("{mark}{fresh}/{all} "), scene.style(token), 2)
}
