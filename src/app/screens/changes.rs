//! The Changes screen: rows, what is selected, everything about a change in words.

use crate::app::{About, Effect, ReadingLine, State, Tone, Verb};
use crate::domain::{Change, ChangeKey, Filter, Labels, Procedure, ProcedureId, SafeText, Span};
use crate::model::{Fed, Model};

use super::{Move, kept, moved};
use crate::app::dialogs;

/// What changed this long before the trouble is counted on the tab.
const NEAR: Span = Span::from_hours(1);

/// Makes the rows anew. Not while a dialog is open.
pub(in crate::app) fn refresh(state: &mut State, force: bool) {
    let State { model, ui, .. } = state;
    if !force && (ui.dialog.is_some() || ui.changes.revision == Some(model.revision)) {
        return;
    }
    ui.changes.revision = Some(model.revision);
    let feed = model.feed();
    let before = |fed: &&Fed<'_>| fed.lag.is_some_and(|lag| lag <= Span::ZERO);
    let near = |fed: &&Fed<'_>| fed.on_path && fed.lag.is_some_and(|lag| lag.reversed() <= NEAR);
    ui.changes.near = feed.iter().filter(before).filter(near).count();
    let listed: Vec<&Fed<'_>> =
        feed.iter().filter(|fed| satisfies(model, fed, &ui.changes.filter)).collect();
    let rows: Vec<ChangeKey> = listed.iter().map(|fed| fed.change.key.clone()).collect();
    // Until one is chosen: what may have brought the trouble, else the newest before it, else the newest.
    let first = || {
        let fed = || listed.iter().copied();
        let found = fed().filter(before).find(near).or_else(|| fed().find(before));
        found.or_else(|| fed().next()).map(|fed| fed.change.key.clone())
    };
    let selected = ui.changes.selected.as_ref().filter(|_| ui.changes.chosen);
    let selected = kept(&ui.changes.rows, &rows, selected).filter(|_| selected.is_some());
    let selected = selected.or_else(first);
    (ui.changes.rows, ui.changes.selected) = (rows, selected);
}

/// How many changes satisfy a filter.
pub(in crate::app) fn matching(state: &State, filter: &Filter) -> usize {
    state.model.feed().iter().filter(|fed| satisfies(&state.model, fed, filter)).count()
}

fn satisfies(model: &Model, fed: &Fed<'_>, filter: &Filter) -> bool {
    if filter.is_empty() {
        return true;
    }
    let change = fed.change;
    let service = change.service.as_ref();
    let owner = service.and_then(|id| model.catalog.services.get(id));
    let labels = Labels::of(&[
        ("kind", change.kind.name()),
        ("service", service.map_or("", |id| id.as_str())),
        ("owner", owner.map_or("", |service| service.owner.as_str())),
        ("author", change.author.as_str()),
        ("source", change.key.source.as_str()),
    ]);
    filter.matches(&labels, &[change.title.as_str(), change.after.as_str()])
}

pub(in crate::app) fn go(state: &mut State, by: Move) {
    let changes = &mut state.ui.changes;
    changes.chosen = true;
    changes.selected = moved(&changes.rows, changes.selected.as_ref(), by);
}

/// The change that is selected.
pub(in crate::app) fn selected(state: &State) -> Option<&Change> {
    state.model.changes.get(state.ui.changes.selected.as_ref()?)
}

/// Everything about the selected change.
pub(in crate::app) fn open(state: &mut State) -> Vec<Effect> {
    match state.ui.changes.selected.clone() {
        Some(key) => dialogs::open_reading(state, About::Change(key)),
        None => {
            let now = state.now;
            state.ui.notice(Tone::Info, "No change is selected.", now);
            Vec::new()
        }
    }
}

/// Title and lines of it; `None` when its source no longer tells of it.
pub(in crate::app) fn detail_lines(
    state: &State,
    key: &ChangeKey,
) -> Option<(SafeText, Vec<ReadingLine>)> {
    let fed = state.model.fed(key)?;
    let lines = state.model.told_of_change(&fed, state.now);
    Some((fed.change.title.clone(), lines.into_iter().map(ReadingLine::from).collect()))
}

/// For the clipboard: what it is, whose, since when.
pub(in crate::app) fn copied(state: &State) -> Option<String> {
    selected(state).map(|change| {
        let service = change.service.as_ref().map_or("no service", |id| id.as_str());
        let parts = [change.at.rfc3339(), change.kind.name().into(), service.into()];
        format!("{} {} {}", parts.join(" "), change.title, change.url).trim_end().to_owned()
    })
}

/// What takes the selected change back: the card of a procedure of its service.
pub(in crate::app) fn roll_back(state: &mut State) -> Vec<Effect> {
    let Some(change) = selected(state) else {
        return dialogs::open_verb(state, Verb::Propose(None), &[]);
    };
    match procedure(state, change) {
        Some(id) => dialogs::open_verb(state, Verb::Propose(Some(id)), &[]),
        None => {
            let of = change.service.as_ref().map_or("no known service".into(), |id| id.to_string());
            let text = format!(
                "Nothing in the playbook takes back a change of {of}: add a [[procedure]] for it."
            );
            let now = state.now;
            state.ui.notice(Tone::Info, text, now);
            Vec::new()
        }
    }
}

/// The procedure for this change: of its service, made for its kind before any other.
fn procedure(state: &State, change: &Change) -> Option<ProcedureId> {
    let service = change.service.as_ref()?;
    let all = state.model.playbook.procedures.procedures.values();
    let of_service = all.filter(|one| one.service == *service);
    let fits = |one: &&Procedure| one.kind.takes_back() == Some(change.kind);
    of_service.min_by_key(|one| (!fits(one), one.kind)).map(|one| one.id.clone())
}
