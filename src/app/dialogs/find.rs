//! Find anything: incidents and their tickets, services, objectives, groups, sources, channels and actions, by
//! a few letters of the name.

use crate::actions::find::{self, Candidate, Target};
use crate::actions::{ACTIONS, OutletId, Screen};
use crate::app::screens::incident;
use crate::app::{AlertRow, Dialog, Editor, Effect, Finder, Hit, Lines, SourcesRow, State, update};
use crate::domain::{IncidentId, SafeText};
use crate::keys::{Chord, PromptAction};
use crate::model::incidents::Incident;

/// Most answers listed.
const MOST_HITS: usize = 50;

/// Opens the finder.
pub(in crate::app) fn open(state: &mut State) -> Vec<Effect> {
    let finder = Finder {
        line: Editor::new("", Lines::One),
        engine: find::Finder::new(candidates(state)),
        hits: Vec::new(),
        selected: 0,
    };
    state.ui.dialog = Some(Dialog::Find(Box::new(finder)));
    search(state);
    Vec::new()
}

/// Makes the answers anew.
pub(super) fn search(state: &mut State) {
    let Some(Dialog::Find(finder)) = &mut state.ui.dialog else { return };
    let found = finder.engine.find(&finder.line.text(), MOST_HITS);
    let candidates = finder.engine.candidates();
    finder.hits = found
        .into_iter()
        .filter_map(|hit| {
            let candidate = candidates.get(hit.candidate)?;
            Some(Hit {
                target: candidate.target.clone(),
                kind: candidate.target.kind(),
                label: candidate.label.clone(),
                detail: candidate.detail.clone(),
                matched: hit.label,
            })
        })
        .collect();
    finder.selected = 0;
}

/// Incidents that are going on first, then groups: what is on is what is looked for most.
fn candidates(state: &State) -> Vec<Candidate> {
    let model = &state.model;
    let make = |target: Target, label: &SafeText, detail: &SafeText| Candidate {
        label: label.clone(),
        detail: detail.clone(),
        target,
    };
    let groups = model.alerts.groups.iter();
    let groups = groups.map(|g| make(Target::Group(g.key.clone()), &g.title, &g.summary));
    let slos = model.catalog.slos.values();
    let slos = slos.map(|s| make(Target::Slo(s.id.clone()), s.id.text(), &s.title));
    let services = model.catalog.services.values();
    let services = services.map(|s| make(Target::Service(s.id.clone()), s.id.text(), &s.title));
    let sources = model.sources.values();
    let sources = sources.map(|s| make(Target::Source(s.id.clone()), s.id.text(), &s.address));
    let silences = model.silences.current();
    let silences = silences.map(|s| make(Target::Silence(s.id.clone()), &s.comment, &s.created_by));
    let actions = ACTIONS
        .iter()
        .filter(|a| a.action.applies(state.ui.screen, state.playback.is_some()))
        .map(|a| make(Target::Action(a.action), &SafeText::new(a.name), &SafeText::new(a.doc)));
    let book = &model.incidents;
    let live = book.live();
    let is_live = |id: &IncidentId| live.iter().any(|one| one.id == *id);
    let mut over: Vec<&Incident> =
        book.incidents.values().filter(|one| !is_live(&one.id)).collect();
    over.sort_by_key(|one| std::cmp::Reverse(one.declared_at));
    let all: Vec<&Incident> = live.iter().copied().chain(over).collect();
    let incident = |one: &&Incident| {
        let detail = format!("{} {} {}", one.severity, one.status, one.title);
        make(Target::Incident(one.id.clone()), one.id.text(), &SafeText::new(&detail))
    };
    let (now, before) = all.split_at(live.len());
    let incidents = now.iter().map(incident);
    let ended = before.iter().map(incident);
    let tickets = all.iter().flat_map(|one| {
        one.tickets.iter().map(|(ticket, seen)| {
            let detail = format!("{} {} of {} {}", ticket.tracker, seen.state, one.id, one.title);
            let target = Target::Ticket(one.id.clone(), ticket.clone());
            make(target, &ticket.key, &SafeText::new(&detail))
        })
    });
    let playbook = &model.playbook;
    let channels = playbook.channels.iter().map(|one| {
        let target = Target::Outlet(OutletId::Channel(one.id.clone()));
        make(target, one.id.text(), &SafeText::new(one.kind))
    });
    let trackers = playbook.trackers.iter().map(|id| {
        let target = Target::Outlet(OutletId::Tracker(id.clone()));
        make(target, id.text(), &SafeText::new("tickets"))
    });
    let groups = incidents.chain(groups).chain(tickets);
    let sources = sources.chain(channels).chain(trackers);
    let slos = slos.chain(ended);
    groups.chain(slos).chain(services).chain(sources).chain(silences).chain(actions).collect()
}

/// A key in the finder.
pub(super) fn key(state: &mut State, meant: Option<PromptAction>, chord: Chord) -> Vec<Effect> {
    let Some(Dialog::Find(finder)) = &mut state.ui.dialog else { return Vec::new() };
    let last = finder.hits.len().saturating_sub(1);
    match meant {
        Some(PromptAction::Next | PromptAction::Complete) => {
            finder.selected = (finder.selected + 1).min(last)
        }
        Some(PromptAction::Previous | PromptAction::CompleteBack) => {
            finder.selected = finder.selected.saturating_sub(1)
        }
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
        // Whatever changes something outside opens its own dialog, which asks.
        Target::Action(action) => return update::act(state, action),
        Target::Silence(id) => {
            let known = state.model.silences.current().find(|s| s.id == id);
            let selected = known.map(|s| (s.site.clone(), s.id.clone()));
            state.ui.dialog = Some(Dialog::Silences { selected, top: 0, confirm: false });
        }
        Target::Incident(id) | Target::Ticket(id, _) => {
            state.ui.screen = Screen::Incident;
            incident::choose(state, &id);
        }
        Target::Outlet(id) => {
            state.ui.screen = Screen::Sources;
            state.ui.sources.selected = Some(SourcesRow::Outlet(id));
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
            state.ui.slos.chosen = true;
        }
        Target::Group(key) => {
            state.ui.screen = Screen::Alerts;
            state.ui.alerts.filter_text.clear();
            state.ui.alerts.filter = Default::default();
            state.ui.alerts.show_muted = true;
            state.refresh(true);
            state.ui.alerts.unfolded = true;
            state.ui.alerts.selected = Some(AlertRow::Group(key));
            state.ui.alerts.chosen = true;
        }
        Target::Source(id) => {
            state.ui.screen = Screen::Sources;
            state.ui.sources.selected = Some(SourcesRow::Source(id));
        }
    }
    Vec::new()
}
