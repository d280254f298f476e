//! The Capacity screen: its lists, what is selected in them, and everything about a row in words.

use crate::actions::Screen;
use crate::app::{About, CapacityPane, CapacityRow, Dialog, ReadingLine, State};
use crate::domain::{Filter, Labels, ResourceId, SafeText, ServiceId, Span};
use crate::model::{Cover, Gauge, Model, Watched};

use super::{Move, kept, moved};

/// With more gauges than this they are sorted anew once in a while, not at each answer.
const MANY: usize = 500;
/// Services whose traffic is asked for at most, to know what resources use without load.
const MOST_COMPARED: usize = 16;
const ONCE_IN: Span = Span::from_secs(1);

/// Makes what is derived anew, when the model changed or what was fresh may have become old. The lists
/// keep still while a dialog is open.
pub(in crate::app) fn refresh(state: &mut State, force: bool) {
    let State { model, ui, now, .. } = state;
    let capacity = &mut ui.capacity;
    let due = match capacity.made {
        None => true,
        Some((revision, at)) => {
            let late = !(Span::ZERO..ONCE_IN).contains(&now.since(at));
            late || (revision != model.revision && capacity.gauges.len() < MANY)
        }
    };
    if due {
        capacity.made = Some((model.revision, *now));
        capacity.gauges = model.gauges().into_iter().map(|(_, gauge)| gauge).collect();
        capacity.shortages = model.shortages(&capacity.gauges);
    }
    let looked_at = ui.screen == Screen::Capacity;
    if looked_at && due && capacity.pane == CapacityPane::Coverage {
        capacity.watched = model.coverage();
    }
    if !force && (ui.dialog.is_some() || !due) {
        return;
    }
    if looked_at && capacity.watched.is_empty() {
        capacity.watched = model.coverage();
    }
    for pane in CapacityPane::ALL {
        let rows = rows(state, pane, &state.ui.capacity.filter);
        let capacity = &mut state.ui.capacity;
        let chosen = capacity.chosen || pane != CapacityPane::Gauges;
        let list = &mut capacity.lists[pane as usize];
        let selected = list.selected.as_ref().filter(|_| chosen);
        list.selected = kept(&list.rows, &rows, selected).or_else(|| rows.first().cloned());
        list.rows = rows;
    }
}

/// Rows of the list that is looked at which satisfy a filter.
pub(in crate::app) fn matching(state: &State, filter: &Filter) -> Vec<CapacityRow> {
    rows(state, state.ui.capacity.pane, filter)
}

fn rows(state: &State, pane: CapacityPane, filter: &Filter) -> Vec<CapacityRow> {
    let (model, ui) = (&state.model, &state.ui.capacity);
    let all: Vec<CapacityRow> = match pane {
        CapacityPane::Gauges => {
            ui.gauges.iter().map(|gauge| CapacityRow::Gauge(gauge.id.clone())).collect()
        }
        CapacityPane::Alone => {
            let alone = model.map.alone();
            let shared = alone.shared.iter().map(|one| CapacityRow::Shared(one.resource.clone()));
            let singles = alone.singles.iter().map(|one| CapacityRow::Single(one.service.clone()));
            singles.chain(shared).collect()
        }
        CapacityPane::Behind => {
            let groups = model.consensus().into_iter();
            let groups = groups.map(|view| CapacityRow::Consensus(view.group.id.clone()));
            let copies = model.catalog.replication.keys().cloned().map(CapacityRow::Copies);
            let vendors = model.vendors().into_iter();
            let vendors = vendors.map(|view| CapacityRow::Vendor(view.vendor.id.clone()));
            let back = model.catalog.services.values().filter(|s| !s.recovery.is_empty());
            let back = back.map(|service| CapacityRow::Recovery(service.id.clone()));
            groups.chain(copies).chain(vendors).chain(back).collect()
        }
        CapacityPane::Coverage => {
            ui.watched.iter().map(|row| CapacityRow::Watched(row.service.clone())).collect()
        }
    };
    if filter.is_empty() {
        return all;
    }
    all.into_iter().filter(|row| satisfies(model, row, filter)).collect()
}

fn satisfies(model: &Model, row: &CapacityRow, filter: &Filter) -> bool {
    let resource = match row {
        CapacityRow::Gauge(id) => model.catalog.resources.get(&id.resource),
        CapacityRow::Shared(id) => model.catalog.resources.get(id),
        _ => None,
    };
    let service = service_of(model, row);
    let owner = service.as_ref().and_then(|id| model.catalog.services.get(id));
    let own: Vec<(&str, &str)> = vec![
        ("resource", resource.map_or("", |r| r.id.as_str())),
        ("kind", resource.map_or("", |r| r.kind.name())),
        ("service", service.as_ref().map_or("", |id| id.as_str())),
        ("owner", owner.map_or("", |service| service.owner.as_str())),
    ];
    let mut pairs: Vec<(SafeText, SafeText)> = match row {
        CapacityRow::Gauge(id) => id.labels.iter().cloned().collect(),
        _ => Vec::new(),
    };
    for (name, value) in own {
        if !pairs.iter().any(|(known, _)| known.as_str() == name) {
            pairs.push((name.into(), value.into()));
        }
    }
    let title = resource.map_or("", |r| r.title.as_str());
    filter.matches(&Labels::new(pairs), &[title, &row.name()])
}

/// The service whose load is to be supposed other: the one that fills what is selected.
pub(in crate::app) fn service(state: &State) -> Option<ServiceId> {
    let row = state.ui.capacity.list().selected.as_ref()?;
    let resource = match row {
        CapacityRow::Gauge(id) => state.model.catalog.resources.get(&id.resource),
        CapacityRow::Shared(id) => state.model.catalog.resources.get(id),
        _ => None,
    };
    resource.map(|one| one.filled_by.clone()).or_else(|| service_of(&state.model, row))
}

/// Services whose traffic a forecast of the load's effect rests on, while that is looked at.
pub(in crate::app) fn compared(state: &State) -> Vec<ServiceId> {
    let mut around = state.model.suspicion.compared().to_vec();
    let asked =
        matches!(&state.ui.dialog, Some(Dialog::Reading(r)) if matches!(r.about, About::WhatIf(_)));
    if asked {
        let more = state.model.whatif_needs().into_iter().filter(|id| !around.contains(id));
        let more: Vec<ServiceId> = more.take(MOST_COMPARED).collect();
        around.extend(more);
    }
    around
}

/// The service a row is about.
fn service_of(model: &Model, row: &CapacityRow) -> Option<ServiceId> {
    let catalog = &model.catalog;
    let of = |id: &ResourceId| catalog.resources.get(id).map(|r| r.service.clone());
    match row {
        CapacityRow::Gauge(id) => of(&id.resource),
        CapacityRow::Shared(id) => of(id),
        CapacityRow::Single(id) | CapacityRow::Recovery(id) | CapacityRow::Watched(id) => {
            Some(id.clone())
        }
        CapacityRow::Consensus(id) => catalog.consensus.get(id).map(|one| one.service.clone()),
        CapacityRow::Copies(id) => catalog.replication.get(id).map(|one| one.service.clone()),
        CapacityRow::Vendor(id) => catalog.vendors.get(id).map(|one| one.service.clone()),
    }
}

pub(in crate::app) fn go(state: &mut State, by: Move) {
    let capacity = &mut state.ui.capacity;
    capacity.chosen |= capacity.pane == CapacityPane::Gauges;
    let list = capacity.list_mut();
    list.selected = moved(&list.rows, list.selected.as_ref(), by);
}

pub(in crate::app) fn next_pane(state: &mut State, by: isize) {
    let count = CapacityPane::ALL.len();
    let at = (state.ui.capacity.pane as usize + count).saturating_add_signed(by) % count;
    state.ui.capacity.pane = CapacityPane::ALL[at];
    state.refresh(true);
}

/// The resource whose long history is wanted: the one whose gauge is looked at.
pub(in crate::app) fn watched(state: &State) -> Option<ResourceId> {
    let ui = &state.ui;
    match &ui.capacity.list().selected {
        Some(CapacityRow::Gauge(id)) if ui.screen == Screen::Capacity => Some(id.resource.clone()),
        _ => None,
    }
}

/// For the clipboard: what is selected, with how it stands.
pub(in crate::app) fn copied(state: &State) -> Option<String> {
    let row = state.ui.capacity.list().selected.as_ref()?;
    let said = match row {
        CapacityRow::Gauge(id) => {
            let gauge = state.gauge(row)?;
            let resource = state.model.catalog.resources.get(&id.resource)?;
            gauge.told(resource, state.now).into_iter().next()
        }
        _ => None,
    };
    Some(match said {
        Some(said) => format!("{}: {said}", row.name()),
        None => row.name(),
    })
}

impl State {
    /// The gauge of a row.
    pub fn gauge(&self, row: &CapacityRow) -> Option<&Gauge> {
        let CapacityRow::Gauge(id) = row else { return None };
        self.ui.capacity.gauges.iter().find(|gauge| gauge.id == *id)
    }
}

type Text = (SafeText, Vec<ReadingLine>);

fn pair(name: &str, value: impl Into<SafeText>) -> ReadingLine {
    ReadingLine::Pair(name.into(), value.into())
}

/// Everything about a row: title and lines; `None` when it is no longer there.
pub(in crate::app) fn detail_lines(state: &State, row: &CapacityRow) -> Option<Text> {
    let model = &state.model;
    let catalog = &model.catalog;
    let (title, lines) = match row {
        CapacityRow::Gauge(id) => {
            let (gauge, resource) = (state.gauge(row)?, catalog.resources.get(&id.resource)?);
            let long = model.capacity.long_outlook(id);
            let lines = gauge
                .explain(resource, long, state.now)
                .into_iter()
                .map(|(name, text)| ReadingLine::Pair(name.into(), SafeText::body(&text)));
            (format!("How {} is computed", row.name()), lines.collect())
        }
        CapacityRow::Single(id) => {
            let single = model.map.alone().singles.iter().find(|one| one.service == *id)?;
            let runs = match single.replicas {
                None => "nobody says how many".into(),
                Some(count) => format!("{count} of it"),
            };
            let lines = vec![
                pair("runs", runs),
                pair("takes down", format!("{} services", single.takes)),
                pair("of those, requests come in at", names(&single.entries)),
                ReadingLine::Blank,
                ReadingLine::Text(
                    "A service is a single point when every way of another's working needs it; more than \
                     one replica does not help against a bad release, a full disk or lost credentials."
                        .into(),
                ),
            ];
            (format!("{id} takes others down alone"), lines)
        }
        CapacityRow::Shared(id) => {
            let shared = model.map.alone().shared.iter().find(|one| one.resource == *id)?;
            let lines = vec![
                pair("fails when it runs out", shared.service.to_string()),
                pair("drawn on by", names(&shared.drawn_by)),
                pair("takes down", names(&shared.takes)),
                pair("degrades", format!("{} more", shared.degrades)),
            ];
            (format!("{id}: one of them can use it up for all"), lines)
        }
        CapacityRow::Consensus(id) => {
            let group = catalog.consensus.get(id)?;
            let mut lines = vec![pair("asked", group.members.as_str())];
            if let Some(leader) = &group.leader {
                lines.push(pair("asked for leader", leader.as_str()));
            }
            let view = model.consensus().into_iter().find(|view| view.group.id == *id)?;
            match view.quorum {
                None => {
                    lines.push(ReadingLine::Warn("No member answered, so nothing is known.".into()))
                }
                Some(quorum) => lines.push(pair(
                    "stands",
                    format!(
                        "{} of {} members healthy, {} needed",
                        quorum.healthy, quorum.voters, quorum.needed
                    ),
                )),
            }
            for labels in &view.lost {
                lines.push(ReadingLine::Warn(format!("Not healthy: {}", labelled(labels)).into()));
            }
            (format!("Consensus group {id}"), lines)
        }
        CapacityRow::Copies(id) => {
            let view = model.replication().into_iter().find(|view| view.copies.id == *id)?;
            let mut lines = vec![
                pair("asked", view.copies.lag.as_str()),
                pair("may be lost", view.copies.rpo.to_string()),
            ];
            for replica in &view.replicas {
                let lag = replica.lag.map_or("does not say".into(), |lag| format!("{lag} behind"));
                lines.push(pair(&labelled(&replica.labels), lag));
            }
            (format!("Copies {id}"), lines)
        }
        CapacityRow::Recovery(id) => {
            let service = catalog.services.get(id)?;
            let lines = model.recovery(service).into_iter().map(|(option, doubt)| {
                let takes = option.takes.map_or("nobody said how long".into(), |t| t.to_string());
                let proven = option
                    .proven
                    .map_or("never proven".into(), |at| format!("proven {}", at.rfc3339()));
                let doubt = doubt.map_or_else(String::new, |doubt| format!("; in doubt: {doubt}"));
                pair(option.way.name(), format!("{takes}, {proven}{doubt}"))
            });
            (format!("Ways to bring {id} back, in order"), lines.collect())
        }
        CapacityRow::Vendor(id) => {
            let view = model.vendors().into_iter().find(|view| view.vendor.id == *id)?;
            let components = view.components.iter();
            let mut lines: Vec<ReadingLine> =
                components.map(|c| pair(&c.name, c.state.name())).collect();
            for (title, latest, at) in view.incidents {
                lines.push(ReadingLine::Blank);
                lines.push(ReadingLine::Head(title.clone()));
                lines.push(pair(&at.rfc3339(), latest.clone()));
            }
            if lines.is_empty() {
                lines.push(ReadingLine::Warn("Its status page says nothing we could read.".into()));
            }
            (format!("Supplier {id}, by its own word"), lines)
        }
        CapacityRow::Watched(id) => {
            let row = state.ui.capacity.watched.iter().find(|row| row.service == *id)?;
            let mut lines = vec![pair("in short", SafeText::new(&row.told())), ReadingLine::Blank];
            lines.extend(
                Watched::ALL.into_iter().map(|what| pair(what.name(), covered(what, row.of(what)))),
            );
            lines.push(ReadingLine::Blank);
            lines.push(pair("comes now", SafeText::new(&model.owner_of(id))));
            (format!("What watches {id}"), lines)
        }
    };
    Some((SafeText::new(&title), lines))
}

/// What a cell of the matrix of coverage says.
const fn covered(what: Watched, cover: Cover) -> &'static str {
    match (cover, what) {
        (Cover::Seen, Watched::Alert) => "a rule that names it is evaluated without error",
        (Cover::Seen, Watched::Runbook) => "its text was read",
        (Cover::Seen, Watched::Owner) => "a team of the playbook",
        (Cover::Seen, Watched::OnCall) => "somebody is on call now",
        (Cover::Seen, _) => "gives data now",
        (Cover::Declared, Watched::Owner) => "named, but no team of the playbook",
        (Cover::Declared, Watched::Runbook) => "an address; nobody looked whether it answers",
        (Cover::Declared, _) => "declared; not asked lately",
        (Cover::Silent, Watched::Alert) => "its rules cannot be evaluated without error",
        (Cover::Silent, Watched::OnCall) => "nobody is on call now",
        (Cover::Silent, _) => "declared, and gives nothing",
        (Cover::Missing, Watched::Alert) => "no rule names it",
        (Cover::Missing, Watched::OnCall) => "no rota: no team of the playbook owns it",
        (Cover::Missing, _) => "none",
    }
}

fn names(ids: &[ServiceId]) -> String {
    let names: Vec<&str> = ids.iter().map(ServiceId::as_str).collect();
    if names.is_empty() { "nobody".into() } else { names.join(", ") }
}

/// The values of labels, which is how people call a member or a replica.
fn labelled(labels: &Labels) -> String {
    let values: Vec<&str> = labels.iter().map(|(_, value)| value.as_str()).collect();
    if values.is_empty() { "the only one".into() } else { values.join(" ") }
}
