//! The strip while an incident is going on: how bad, who commands, what is promised, what is overdue.
//!
//! As room gets short, words become figures; then these go, in this order: empty roles, the title's later
//! words, the burn, what is out of sight and the age, the id, other incidents, overdue tasks, the commander, the
//! title. Severity and the next update stay.

use crate::domain::{Reading, Role};
use crate::model::incidents::Incident;
use crate::theme::Token;
use crate::view::format::{self, Short, short};
use crate::view::scene::{Scene, severity};
use crate::view::screens::incident::{Urgency, promise, waiting};
use crate::view::widgets::text::fit;

use super::Part;

/// The incident the strip is about: the one selected while it is going on, else the worst.
pub(super) fn shown<'m>(scene: &Scene<'m>) -> Option<&'m Incident> {
    let selected = scene.state.incident().filter(|one| one.is_running());
    selected.or_else(|| scene.model().incidents.live().first().copied())
}

/// Whether one is going on, how much waits in all of them, and whether any of it is urgent.
pub(super) fn attention(scene: &Scene<'_>) -> (bool, usize, bool) {
    let live = scene.model().incidents.live();
    live.iter().fold((!live.is_empty(), 0, false), |(live, count, urgent), one| {
        let all = waiting(scene, one);
        (live, count + all.len(), urgent || all.first().is_some_and(|one| one.what.is_urgent()))
    })
}

/// The parts of the first line.
pub(super) fn parts<'t>(scene: &Scene<'_>, incident: &Incident, lost: usize) -> Vec<Part<'t>> {
    let plain = scene.style(Token::Text);
    let mut parts = Vec::with_capacity(12);
    let badge = short!("{}", incident.severity);
    parts.push(Part::of(badge, scene.style(severity(incident.severity)), 0));
    parts.push(Part::of(short!("{}", incident.id), scene.style(Token::Muted), 6));
    let others = scene.model().incidents.live().len().saturating_sub(1);
    if others > 0 {
        parts.push(Part::of(short!("+{others}"), scene.style(Token::Warning), 4));
    }
    let title = Part::flexible(incident.title.to_string(), 24, scene.style(Token::Title), 10);
    let (start, cut) = fit(&incident.title, 16);
    parts.push(title.or_until(short!("{start}{}", if cut { "…" } else { "" }), 1));
    let age = format::age(Some(incident.declared_at), scene.now());
    parts.push(Part::of(age, plain, 8));
    match &incident.command {
        Some(command) => {
            let text = format!("IC {}", command.commander);
            parts.push(Part::flexible(text, 12, plain, 2));
        }
        None => parts.push(Part::of(short!(" no IC "), scene.style(Token::BannerWarning), 0)),
    }
    let empty = empty_roles(incident);
    if !empty.is_empty() {
        parts.push(Part::of(empty, scene.style(Token::Warning), 11));
    }
    if let Some(at) = promise(scene, incident) {
        let left = at.since(scene.now());
        parts.push(match Urgency::of(at, scene.now()) {
            Urgency::Overdue => {
                let over = format::clock(scene.now().since(at));
                let style = scene.style(Token::BannerWarning);
                Part::of(short!(" update overdue {over} "), style, 13)
                    .or(short!(" update -{over} "))
            }
            urgency => {
                let clock = format::clock(left);
                let style = scene.style(urgency.token());
                Part::of(short!("update in {clock}"), style, 13).or(short!("update {clock}"))
            }
        });
    }
    if let Some(burn) = worst_burn(scene, incident) {
        parts.push(burn);
    }
    let tasks = incident.overdue_tasks(scene.now()).len();
    if tasks > 0 {
        let style = scene.style(Token::Error);
        let word = if tasks == 1 { "task" } else { "tasks" };
        let part = Part::of(short!("{tasks} {word} overdue"), style, 12);
        parts.push(part.or_until(short!("{tasks} overdue"), 3));
    }
    if lost > 0 {
        let text = short!(" ? {} lost sight ", format::count(lost));
        parts.push(Part::of(text, scene.style(Token::BannerWarning), 8));
    }
    parts
}

/// Roles that somebody should hold and nobody does, but for the commander's, as `no comms, scribe`.
fn empty_roles(incident: &Incident) -> Short {
    let empty = incident.empty_roles();
    let mut names = empty.iter().filter(|role| **role != Role::Commander).map(|role| role.name());
    match (names.next(), names.next(), names.next()) {
        (Some(one), Some(two), Some(three)) => short!("no {one}, {two}, {three}"),
        (Some(one), Some(two), None) => short!("no {one}, {two}"),
        (Some(one), ..) => short!("no {one}"),
        (None, ..) => short!(""),
    }
}

/// The worst burn of the services that are hurt; of all of them when none is named.
fn worst_burn<'t>(scene: &Scene<'_>, incident: &Incident) -> Option<Part<'t>> {
    let ours = |status: &&crate::model::SloStatus| {
        incident.services.is_empty()
            || scene.slo(status).is_some_and(|slo| incident.services.contains(&slo.service))
    };
    let statuses = scene.model().slos.statuses.iter().filter(ours);
    let burns = statuses.filter_map(|status| {
        let telling = status.telling()?;
        match telling.long {
            Reading::Value(rate) => Some((rate, status)),
            Reading::NaN | Reading::NoData | Reading::Unknown => None,
        }
    });
    let (rate, status) = burns.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let token = if rate > 1.0 { Token::Error } else { Token::Text };
    let style = scene.unless_stale(scene.is_fresh(status), token);
    Some(Part::of(short!("burn {}", format::burn(rate)), style, 9))
}
