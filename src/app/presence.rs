//! Who is here: saying where this console is, knowing where the others are, seeing what the commander sees.

use crate::actions::Screen;
use crate::domain::{
    Actor, ChangeKey, NodeKey, SafeText, ServiceId, SiteId, SloId, SourceId, Span,
};
use crate::eventlog::{Presence, RecordId};
use crate::model::GroupKey;

use super::screens::incident;
use super::{
    AlertRow, BridgePane, CapacityRow, Effect, IncidentPane, MapRow, SourcesRow, State, Tone,
};

/// How often this console says where it is when it does not move.
const EVERY: Span = Span::from_secs(4);

/// Says where this console is: when that changed, and now and then so that it is not taken as gone. With
/// nobody here to see it, not at every step of a selection.
pub(super) fn say(state: &mut State) -> Option<Effect> {
    let me = here(state);
    let due = state.presented.as_ref().is_none_or(|last| {
        let moved = (&last.screen, &last.incident, &last.selected)
            != (&me.screen, &me.incident, &me.selected);
        let seen = !state.others.is_empty() || me.at != last.at;
        // A clock that jumped back must not silence us.
        moved && seen || !(Span::ZERO..EVERY).contains(&me.at.since(last.at))
    });
    due.then(|| {
        state.presented = Some(me.clone());
        Effect::Present(me)
    })
}

fn here(state: &State) -> Presence {
    let ui = &state.ui;
    Presence {
        actor: state.me.clone(),
        console: state.console,
        at: state.now,
        screen: ui.screen.name().into(),
        incident: ui.incident.shown.clone(),
        selected: selected(state),
    }
}

/// What is selected, as a follower's console can find it.
fn selected(state: &State) -> SafeText {
    let ui = &state.ui;
    let group = |key: &GroupKey| {
        let values: Vec<&str> = key.values.iter().map(SafeText::as_str).collect();
        format!("{}\n{}", key.site, values.join("\n"))
    };
    let text = match ui.screen {
        Screen::Bridge => match ui.bridge.pane {
            BridgePane::Groups => ui.bridge.group.as_ref().map(group),
            _ => ui.bridge.slo.as_ref().map(ToString::to_string),
        },
        Screen::Alerts => ui.alerts.selected.as_ref().map(|row| group(row.group())),
        Screen::Slos => ui.slos.selected.as_ref().map(ToString::to_string),
        Screen::Sources => ui.sources.selected.as_ref().map(SourcesRow::written),
        Screen::Map => {
            Some(format!("{}\n{}", ui.map.selected.node.service, ui.map.selected.node.site))
        }
        Screen::Capacity => ui.capacity.list().selected.as_ref().map(CapacityRow::written),
        Screen::Changes => {
            ui.changes.selected.as_ref().map(|key| format!("{}\n{}", key.source, key.id))
        }
        Screen::Review => ui.review.selected.as_ref().map(ToString::to_string),
        Screen::Incident => {
            let id = match ui.incident.pane {
                IncidentPane::Timeline => ui.incident.entry.filter(|_| ui.incident.held),
                IncidentPane::Roles => None,
                IncidentPane::Tasks => ui.incident.task,
                IncidentPane::Workstreams => ui.incident.workstream,
                IncidentPane::Decisions => ui.incident.decision,
                IncidentPane::Runs => ui.incident.run,
                IncidentPane::Updates => ui.incident.update,
                IncidentPane::Pages => ui.incident.page,
            };
            let id = id.map_or_else(String::new, |id| id.to_string());
            Some(format!("{} {id}", ui.incident.pane.title()))
        }
    };
    SafeText::body(&text.unwrap_or_default())
}

/// Takes in who else is here.
pub(super) fn heard(state: &mut State, mut others: Vec<Presence>) {
    others.retain(|one| one.console != state.console);
    others.sort_by(|a, b| (&a.actor, a.console).cmp(&(&b.actor, b.console)));
    state.others = others;
    go_along(state);
}

/// Where somebody is, if they are here: the console they moved last.
pub fn whereabouts<'s>(state: &'s State, who: &Actor) -> Option<&'s Presence> {
    let theirs = state.others.iter().filter(|one| one.actor == *who);
    theirs.max_by_key(|one| one.at)
}

/// The commander of the incident shown.
fn commander(state: &State) -> Option<Actor> {
    Some(state.incident()?.command.as_ref()?.commander.clone())
}

/// Begins or ends seeing what the commander sees.
pub(super) fn follow(state: &mut State) -> Vec<Effect> {
    let now = state.now;
    if state.ui.following.take().is_some() {
        state.ui.notice(Tone::Info, "No longer following the commander.", now);
        return Vec::new();
    }
    let (tone, text) = match commander(state) {
        None => {
            (Tone::Info, "Nobody commands an incident here, so there is nobody to follow.".into())
        }
        Some(who) if who == state.me && whereabouts(state, &who).is_none() => {
            (Tone::Info, "You command; others can follow you with this key.".into())
        }
        Some(who) => {
            let here = whereabouts(state, &who).is_some();
            let text = if here {
                format!("Following {who}; any key that moves ends it.")
            } else {
                format!("{who} is not here now; this screen follows as soon as they are.")
            };
            state.ui.following = Some(who);
            go_along(state);
            (Tone::Info, text)
        }
    };
    state.ui.notice(tone, text, now);
    Vec::new()
}

/// Moves to where the commander is. Whoever takes command is followed from then on.
fn go_along(state: &mut State) {
    if state.ui.following.is_none() || state.ui.dialog.is_some() {
        return;
    }
    let Some(who) = commander(state) else { return };
    let Some(there) = whereabouts(state, &who).cloned() else { return };
    state.ui.following = Some(who);
    let Some(screen) = Screen::ALL.into_iter().find(|s| s.name() == there.screen.as_str()) else {
        return;
    };
    state.ui.screen = screen;
    if let Some(id) = &there.incident
        && state.model.incidents.incidents.contains_key(id)
        && state.ui.incident.shown.as_ref() != Some(id)
    {
        incident::choose(state, id);
    }
    select(state, screen, &there.selected);
    state.refresh(true);
}

fn select(state: &mut State, screen: Screen, selected: &str) {
    let State { ui, model, .. } = state;
    let group = || {
        let same = |key: &&GroupKey| {
            let mut parts = selected.split('\n');
            parts.next() == Some(key.site.as_str())
                && parts.eq(key.values.iter().map(SafeText::as_str))
        };
        model.alerts.groups.iter().map(|group| &group.key).find(same).cloned()
    };
    match screen {
        Screen::Bridge => {
            ui.bridge.chosen = true;
            match group() {
                Some(key) => (ui.bridge.pane, ui.bridge.group) = (BridgePane::Groups, Some(key)),
                None if model.slos.status(&SloId::new(selected)).is_some() => {
                    ui.bridge.slo = Some(SloId::new(selected));
                }
                None => {}
            }
        }
        Screen::Alerts => {
            if let Some(key) = group() {
                ui.alerts.chosen = true;
                ui.alerts.selected = Some(AlertRow::Group(key));
            }
        }
        Screen::Slos => {
            ui.slos.chosen = true;
            ui.slos.selected = Some(SloId::new(selected));
        }
        Screen::Sources => ui.sources.selected = SourcesRow::read(selected),
        Screen::Map => {
            let (service, site) = selected.split_once('\n').unwrap_or((selected, ""));
            let node = NodeKey::at(ServiceId::new(service), SiteId::new(site));
            ui.map.focus = Some(node.clone());
            (ui.map.selected, ui.map.chosen) = (MapRow { from: None, node }, true);
        }
        Screen::Capacity => {
            if let Some(row) = CapacityRow::read(selected) {
                ui.capacity.choose(row);
            }
        }
        Screen::Changes => {
            if let Some((source, id)) = selected.split_once('\n') {
                let key = ChangeKey { source: SourceId::new(source), id: id.into() };
                (ui.changes.selected, ui.changes.chosen) = (Some(key), true);
            }
        }
        Screen::Review => ui.review.selected = Some(crate::domain::IncidentId::new(selected)),
        Screen::Incident => {
            let (pane, id) = selected.split_once(' ').unwrap_or((selected, ""));
            let Some(pane) = IncidentPane::ALL.into_iter().find(|p| p.title() == pane) else {
                return;
            };
            let (id, ui) = (record(id), &mut ui.incident);
            ui.pane = pane;
            match pane {
                IncidentPane::Timeline => (ui.entry, ui.held) = (id, id.is_some()),
                IncidentPane::Roles => {}
                IncidentPane::Tasks => ui.task = id,
                IncidentPane::Workstreams => ui.workstream = id,
                IncidentPane::Decisions => ui.decision = id,
                IncidentPane::Runs => ui.run = id,
                IncidentPane::Updates => ui.update = id,
                IncidentPane::Pages => ui.page = id,
            }
        }
    }
}

/// A record's id as it is printed.
fn record(hex: &str) -> Option<RecordId> {
    let mut id = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (at, byte) in id.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(RecordId(id))
}
