//! Find anything: services, objectives, groups, sources and actions, by a few letters of the name.

use crate::actions::{ACTIONS, Risk, Screen, fuzzy};
use crate::app::{AlertRow, Dialog, Editor, Effect, Finder, Hit, Lines, State, Target, update};
use crate::domain::SafeText;
use crate::keys::{Chord, PromptAction};

/// Most answers listed.
const MOST_HITS: usize = 50;

/// Opens the finder.
pub(in crate::app) fn open(state: &mut State) -> Vec<Effect> {
    state.ui.dialog =
        Some(Dialog::Find(Finder { line: Editor::new("", Lines::One), hits: Vec::new(), selected: 0 }));
    search(state);
    Vec::new()
}

/// Makes the answers anew.
pub(super) fn search(state: &mut State) {
    let Some(Dialog::Find(finder)) = &state.ui.dialog else { return };
    let wanted = finder.line.text();
    let things = things(state);
    let labels: Vec<&str> = things.iter().map(|(_, _, label, _)| label.as_str()).collect();
    let hits = fuzzy(&wanted, &labels, MOST_HITS)
        .into_iter()
        .filter_map(|found| {
            let (target, kind, label, detail) = things.get(found.index)?;
            Some(Hit {
                target: target.clone(),
                kind,
                label: label.clone(),
                detail: detail.clone(),
                matched: found.positions,
            })
        })
        .collect();
    if let Some(Dialog::Find(finder)) = &mut state.ui.dialog {
        finder.hits = hits;
        finder.selected = 0;
    }
}

type Thing = (Target, &'static str, SafeText, SafeText);

fn things(state: &State) -> Vec<Thing> {
    let model = &state.model;
    let groups = model.alerts.groups.iter().map(|g| {
        (Target::Group(g.key.clone()), "alerts", g.title.clone(), g.summary.clone())
    });
    let slos = model
        .catalog
        .slos
        .values()
        .map(|s| (Target::Slo(s.id.clone()), "SLO", s.id.text().clone(), s.title.clone()));
    let services = model
        .catalog
        .services
        .values()
        .map(|s| (Target::Service(s.id.clone()), "service", s.id.text().clone(), s.title.clone()));
    let sources = model.sources.values().map(|s| {
        (Target::Source(s.id.clone()), "source", s.id.text().clone(), s.address.clone())
    });
    let actions = ACTIONS
        .iter()
        .filter(|a| a.action.applies(state.ui.screen, state.playback.is_some()))
        .map(|a| (Target::Action(a.action), "action", SafeText::new(a.name), SafeText::new(a.doc)));
    groups.chain(slos).chain(services).chain(sources).chain(actions).collect()
}

/// A key in the finder.
pub(super) fn key(state: &mut State, meant: Option<PromptAction>, chord: Chord) -> Vec<Effect> {
    let Some(Dialog::Find(finder)) = &mut state.ui.dialog else { return Vec::new() };
    let last = finder.hits.len().saturating_sub(1);
    match meant {
        Some(PromptAction::Next | PromptAction::Complete) => finder.selected = (finder.selected + 1).min(last),
        Some(PromptAction::Previous | PromptAction::CompleteBack) => finder.selected = finder.selected.saturating_sub(1),
        Some(PromptAction::Accept) => {
            let target = finder.hits.get(finder.selected).map(|h| h.target.clone());
            state.ui.dialog = None;
            return target.map_or_else(Vec::new, |t| go(state, t));
        }
        _ => {
            if finder.line.key(chord) {
                search(state);
            }
        }
    }
    Vec::new()
}

/// Goes to what was found.
pub(super) fn go(state: &mut State, target: Target) -> Vec<Effect> {
    match target {
        Target::Action(action) => {
            // Risky actions open their own dialog, which asks; none acts at once from here.
            debug_assert!(matches!(action.spec().risk, Risk::Look | Risk::Record | Risk::Outside));
            return update::act(state, action);
        }
        Target::Service(id) => {
            state.ui.screen = Screen::Bridge;
            state.ui.bridge.pinned = Some(id);
        }
        Target::Slo(id) => {
            state.ui.screen = Screen::Slos;
            state.ui.slos.filter_text.clear();
            state.ui.slos.filter = Default::default();
            state.refresh(true);
            state.ui.slos.selected = Some(id);
        }
        Target::Group(key) => {
            state.ui.screen = Screen::Alerts;
            state.ui.alerts.filter_text.clear();
            state.ui.alerts.filter = Default::default();
            state.ui.alerts.show_muted = true;
            state.refresh(true);
            state.ui.alerts.selected = Some(AlertRow::Group(key));
        }
        Target::Source(id) => {
            state.ui.screen = Screen::Sources;
            state.ui.sources.selected = Some(id);
        }
    }
    Vec::new()
}
