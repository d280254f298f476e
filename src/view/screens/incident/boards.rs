//! Roles with who is here, decisions, updates with their receipts, and calls.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{Drawn, IncidentPane, board, presence};
use crate::domain::{Actor, ChannelId, Outcome, Role, SafeText, Timestamp};
use crate::eventlog::Presence;
use crate::model::Standing;
use crate::model::incidents::{Decision, Incident, Page, Update};
use crate::theme::Token;
use crate::view::format::{self, short};
use crate::view::scene::Scene;
use crate::view::widgets::text::{Pen, below, width};

use super::super::inner;
use super::attention::{Urgency, when};
use super::{Board, list, records};

/// A role in a few letters, as said on the radio.
pub(super) const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Commander => "IC",
        Role::Deputy => "deputy",
        Role::Scribe => "scribe",
        Role::Comms => "comms",
        Role::Ops => "ops",
        Role::Observer => "looks on",
    }
}

/// Who is here and holds no role.
pub(super) fn guests<'s>(
    scene: &Scene<'s>,
    incident: &'s Incident,
) -> impl Iterator<Item = &'s Presence> {
    let holds = move |who: &Actor| {
        incident.command.as_ref().is_some_and(|command| command.commander == *who)
            || incident.roles.values().flatten().any(|holder| holder.who == *who)
    };
    scene.state.others.iter().filter(move |one| !holds(&one.actor))
}

/// Since when somebody holds a role, and when they are to be relieved.
fn times(
    scene: &Scene<'_>,
    incident: &Incident,
    role: Role,
    who: &Actor,
) -> (Option<Timestamp>, Option<Timestamp>) {
    if role == Role::Commander {
        let since = incident.command.as_ref().map(|command| command.since);
        return (since, since.map(|since| since.plus(scene.model().playbook.rotate_after)));
    }
    let holders = incident.roles.get(&role);
    let holder = holders.and_then(|all| all.iter().find(|holder| holder.who == *who));
    (holder.map(|holder| holder.since), holder.and_then(|holder| holder.until))
}

/// Where somebody is: `● Incident`, `● you`, `○ away`.
fn whereabouts(scene: &Scene<'_>, who: &Actor) -> (format::Short, Token) {
    match presence::whereabouts(scene.state, who) {
        Some(there) => (short!("● {}", there.screen), Token::Ok),
        None if *who == scene.state.me => (short!("● you"), Token::Ok),
        None => (short!("○ away"), Token::Muted),
    }
}

pub(super) fn roles(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    incident: &Incident,
    focused: bool,
) -> Drawn {
    let places = board::places(incident);
    let chosen = scene.state.ui.incident.holder.as_ref();
    let empty = places.iter().filter(|(_, who)| who.is_none()).count();
    let title = if empty == 0 { short!("Roles") } else { short!("Roles · {empty} empty") };
    let board = Board {
        pane: IncidentPane::Roles,
        title: &title,
        nothing: "",
        rows: places.len(),
        selected: places.iter().position(|place| Some(place) == chosen),
        per: 1,
    };
    let names = places.iter().filter_map(|(_, who)| who.as_ref()).map(|who| width(who.name()));
    let names = names.max().unwrap_or(0).clamp(4, 14) as u16;
    let drawn = list(scene, buf, area, &board, focused, |at, buf, line| {
        let Some((role, who)) = places.get(at) else { return };
        let muted = scene.style(Token::Muted);
        let mut pen = Pen::new(buf, line, 0);
        pen.put(role_word(*role), muted).to(line.x + 9);
        let Some(who) = who else {
            let (text, token) = match role {
                Role::Commander => (" nobody commands ", Token::BannerWarning),
                _ => ("—", Token::Warning),
            };
            pen.put(text, scene.style(token));
            return;
        };
        let token = if *role == Role::Commander { Token::Accent } else { Token::Text };
        pen.put(
            crate::view::widgets::text::fit(who.name(), usize::from(names)).0,
            scene.style(token),
        );
        pen.to(line.x + 10 + names);
        let (here, token) = whereabouts(scene, who);
        pen.put(&here, scene.style(token)).skip(2);
        let (since, until) = times(scene, incident, *role, who);
        if let Some(until) = until {
            let urgency = Urgency::of(until, scene.now());
            let token = if urgency == Urgency::Later { Token::Muted } else { Token::Warning };
            let text = match urgency {
                Urgency::Later => short!("until {}", scene.zone.minute(until, scene.now())),
                _ => short!("relieve {}", when(until, scene.now())),
            };
            if width(&text) < pen.room() {
                pen.right(&text, scene.style(token)).trim(1);
            }
        }
        if let Some(since) = since {
            let text = short!("{}", format::age(Some(since), scene.now()));
            if width(&text) < pen.room() {
                pen.right(&text, muted).trim(1);
            }
        }
    });
    let used = 1 + u16::try_from(places.len().min(drawn.page)).unwrap_or(u16::MAX);
    let mut guests = guests(scene, incident).peekable();
    if area.height > used && guests.peek().is_some() {
        let mut pen = Pen::new(buf, inner(below(area, used)), 0);
        pen.put("also here ", scene.style(Token::Muted));
        for one in guests {
            let text = format!("{} ({})", one.actor, one.screen);
            if width(&text) > pen.room() {
                pen.put("…", scene.style(Token::Muted));
                break;
            }
            pen.put(&text, scene.style(Token::Text)).skip(1);
        }
    }
    drawn
}

pub(super) fn decisions(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    incident: &Incident,
    focused: bool,
) -> Drawn {
    let rows = board::decisions(incident);
    let chosen = scene.state.ui.incident.decision;
    let title = match rows.iter().filter(|(_, one)| one.outcome.is_none()).count() {
        0 => short!("Decisions"),
        open => short!("Decisions · {open} to take"),
    };
    let board = Board {
        pane: IncidentPane::Decisions,
        title: &title,
        nothing: "Nothing was to be decided.",
        rows: rows.len(),
        selected: None,
        per: 1,
    };
    records(scene, buf, area, (&board, focused), (&rows, chosen), |one, buf, line| {
        decision(scene, &mut Pen::new(buf, line, 0), one);
    })
}

fn decision(scene: &Scene<'_>, pen: &mut Pen<'_>, one: &Decision) {
    let muted = scene.style(Token::Muted);
    let Some(outcome) = &one.outcome else {
        let age = format::age(Some(one.at), scene.now());
        pen.right(&short!("{} {age}", one.by), muted).trim(1);
        if !one.objections.is_empty() {
            let text = short!("{} object", one.objections.len());
            pen.right(&text, scene.style(Token::Error)).trim(1);
        }
        pen.put("? ", scene.style(Token::Decision)).put(&one.proposal, scene.style(Token::Text));
        return;
    };
    let review = one.review.filter(|_| one.reviewed.is_none() && outcome.taken.is_some());
    if let Some(review) = review {
        let urgency = Urgency::of(review, scene.now());
        let token = if urgency == Urgency::Later { Token::Muted } else { urgency.token() };
        pen.right(&short!("review {}", when(review, scene.now())), scene.style(token)).trim(1);
    } else {
        pen.right(&format::age(Some(outcome.at), scene.now()), muted).trim(1);
    }
    let option = |at: u16| one.options.get(usize::from(at)).unwrap_or(&one.proposal);
    match outcome.taken {
        None => pen.put("✕ ", muted).put(&one.proposal, muted),
        Some(None) => pen.put("✓ ", muted).put(&one.proposal, scene.style(Token::Text)),
        Some(Some(at)) => pen.put("✓ ", muted).put(option(at), scene.style(Token::Text)),
    };
    pen.put(" · ", muted).put(one.owner.name(), muted);
}

/// How far an update is: shape, words, colour.
fn progress(scene: &Scene<'_>, one: &Update) -> (&'static str, format::Short, Token) {
    if let Some(at) = one.published {
        return ("✓", short!("{}", scene.zone.minute(at, scene.now())), Token::Text);
    }
    match one.answers.last() {
        None => ("?", short!("to be approved"), Token::Warning),
        Some((_, _, true, _)) => ("◆", short!("approved, not sent"), Token::Warning),
        Some((_, _, false, _)) => ("✕", short!("refused"), Token::Error),
    }
}

/// The channel that took what another one did not.
fn instead<'s>(scene: &Scene<'s>, one: &Update, channel: &ChannelId) -> Option<&'s SafeText> {
    let operation = scene.model().journal.operations.get(one.sends.get(channel)?)?;
    let by = &operation.attempt.as_ref()?.by;
    let arrived =
        matches!(operation.outcome, Some(Outcome::Done { .. } | Outcome::Received { .. }));
    (arrived && by.as_str() != channel.as_str()).then_some(by)
}

/// What came of sending by a channel: shape and colour.
fn receipt(scene: &Scene<'_>, one: &Update, channel: &ChannelId) -> (&'static str, Token) {
    let operations = &scene.model().journal.operations;
    let Some(operation) = one.sends.get(channel).and_then(|id| operations.get(id)) else {
        return ("·", Token::Muted);
    };
    if instead(scene, one, channel).is_some() {
        return ("✕", Token::Error);
    }
    match operation.standing(scene.now()) {
        Standing::UnderWay | Standing::Ended(Outcome::Later { .. }) => ("…", Token::Info),
        Standing::Ended(Outcome::Done { .. } | Outcome::Received { .. }) => ("✓", Token::Ok),
        Standing::Ended(Outcome::Refused { .. } | Outcome::Failed { .. }) => ("✕", Token::Error),
        Standing::OutcomeUnknown | Standing::Ended(Outcome::Unknown { .. }) => {
            ("?", Token::Unknown)
        }
    }
}

/// Updates that wait for somebody, and sends that failed or whose outcome is unknown.
pub(super) fn unsettled(scene: &Scene<'_>, incident: &Incident) -> (usize, usize) {
    incident.updates.values().fold((0, 0), |(waiting, bad), one| {
        let failed = |channel: &&ChannelId| {
            matches!(receipt(scene, one, channel).1, Token::Error | Token::Unknown)
        };
        let bad = bad + one.channels.iter().filter(failed).count();
        (waiting + usize::from(one.published.is_none()), bad)
    })
}

pub(super) fn updates(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    incident: &Incident,
    focused: bool,
) -> Drawn {
    let rows = board::updates(incident);
    let chosen = scene.state.ui.incident.update;
    let title = match unsettled(scene, incident) {
        (0, 0) => short!("Updates"),
        (waiting, 0) => short!("Updates · {waiting} not sent"),
        (0, bad) => short!("Updates · {bad} not received"),
        (waiting, bad) => short!("Updates · {waiting} not sent, {bad} not received"),
    };
    let board = Board {
        pane: IncidentPane::Updates,
        title: &title,
        nothing: "Nobody has been told anything.",
        rows: rows.len(),
        selected: None,
        per: 2,
    };
    records(scene, buf, area, (&board, focused), (&rows, chosen), |one, buf, lines| {
        let (mark, words, token) = progress(scene, one);
        let muted = scene.style(Token::Muted);
        let mut pen = Pen::new(buf, lines, 0);
        pen.put(mark, scene.style(token)).to(lines.x + 2);
        pen.put(&words, scene.style(token)).skip(1).put(one.audience.name(), muted).skip(1);
        pen.put(&one.subject, scene.style(Token::Text));
        let mut pen = Pen::new(buf, lines, 1);
        pen.to(lines.x + 2);
        for channel in &one.channels {
            let (mark, token) = receipt(scene, one, channel);
            let way = match instead(scene, one, channel) {
                Some(by) => short!("{channel}, by {by} instead"),
                None => short!("{channel}"),
            };
            if width(&way) + 3 > pen.room() {
                pen.put("…", muted);
                break;
            }
            pen.put(mark, scene.style(token)).skip(1).put(&way, muted).skip(2);
        }
    })
}

pub(super) fn pages(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    incident: &Incident,
    focused: bool,
) -> Drawn {
    let rows = board::pages(incident);
    let chosen = scene.state.ui.incident.page;
    let title = match rows.iter().filter(|(_, one)| one.answer.is_none()).count() {
        0 => short!("Pages"),
        open => short!("Pages · {open} unanswered"),
    };
    let board = Board {
        pane: IncidentPane::Pages,
        title: &title,
        nothing: "Nobody has been called.",
        rows: rows.len(),
        selected: None,
        per: 1,
    };
    records(scene, buf, area, (&board, focused), (&rows, chosen), |one, buf, line| {
        page(scene, &mut Pen::new(buf, line, 0), one);
    })
}

fn page(scene: &Scene<'_>, pen: &mut Pen<'_>, one: &Page) {
    let (muted, plain) = (scene.style(Token::Muted), scene.style(Token::Text));
    let age = format::age(Some(one.at), scene.now());
    let (mark, words, token) = match &one.answer {
        None => ("▲", short!("no answer {age}"), Token::Warning),
        Some((_, true, _)) => ("✓", short!("coming"), Token::Text),
        Some((_, false, _)) => ("✕", short!("not coming"), Token::Error),
    };
    pen.right(&words, scene.style(token)).trim(1);
    pen.put(mark, scene.style(token)).skip(1).put(one.whom.name(), plain);
    if let Some(team) = &one.team {
        pen.skip(1).put(team.as_str(), muted);
    }
    if one.step > 0 {
        pen.skip(1).put(&short!("step {}", one.step + 1), scene.style(Token::Warning));
    }
    pen.skip(1).put(&one.text, muted);
}
