//! What the screens found, as proof: the course of a suspect, of a resource, of a service on the map, and
//! the finding in words.

use super::note::{objective, proof, signals};
use crate::actions::Screen;
use crate::app::{CapacityRow, State};
use crate::domain::{Evidence, MeasureId, SafeText, ServiceId};
use crate::model::{SuspectId, written};

/// Suspects whose courses can be pinned.
const MOST: usize = 5;

/// What the screen in front has found, to be pinned before anything else.
pub(super) fn of_screen(state: &State) -> Vec<(SafeText, Evidence)> {
    match state.ui.screen {
        Screen::Capacity => gauge(state).into_iter().collect(),
        Screen::Map => {
            let service = &state.ui.map.selected.node.service;
            let slos = state.model.catalog.slos.values().filter(|slo| slo.service == *service);
            let burns = slos.filter_map(|slo| objective(state, &slo.id));
            burns.chain(signals(state, service)).collect()
        }
        _ => Vec::new(),
    }
}

/// The finding of the screen in front, in words; empty where it has none.
pub(super) fn said(state: &State) -> String {
    match state.ui.screen {
        Screen::Capacity => selected(state).map_or_else(String::new, |(gauge, resource)| {
            let says = gauge.told(resource, state.now).join("; ");
            format!("{}: {says}", CapacityRow::Gauge(gauge.id.clone()).name())
        }),
        Screen::Map => {
            let key = &state.ui.map.selected.node;
            let Some(view) = state.ui.map.views.nodes.get(&key.service) else {
                return String::new();
            };
            let why: Vec<&str> = view.why.iter().map(SafeText::as_str).collect();
            format!("{} is {}. {}", key.label(), view.health.word(), why.join(" "))
        }
        _ => String::new(),
    }
}

fn selected(state: &State) -> Option<(&crate::model::Gauge, &crate::domain::Resource)> {
    let Some(CapacityRow::Gauge(id)) = &state.ui.capacity.list().selected else { return None };
    let gauge = state.ui.capacity.gauges.iter().find(|gauge| gauge.id == *id)?;
    Some((gauge, state.model.catalog.resources.get(&id.resource)?))
}

/// The course of the resource that is selected.
fn gauge(state: &State) -> Option<(SafeText, Evidence)> {
    let (gauge, resource) = selected(state)?;
    let points = &gauge.outlook.as_ref()?.points;
    let name = CapacityRow::Gauge(gauge.id.clone()).name();
    let proof = proof(state, &resource.used, "", points, written(resource.unit))?;
    Some((SafeText::new(&format!("{name} in use")), proof))
}

/// The courses the suspects are judged by, best suspect first.
pub(super) fn suspects(state: &State) -> Vec<(SafeText, Evidence)> {
    let Some(found) = state.model.suspected() else { return Vec::new() };
    let ids = found.ranking.suspects.iter().take(MOST).filter_map(|one| found.id(one));
    ids.filter_map(|id| suspect(state, &id)).collect()
}

/// The course that says most of a suspect: the one its deviation speaks of.
pub(in crate::app) fn suspect(state: &State, id: &SuspectId) -> Option<(SafeText, Evidence)> {
    let found = state.model.suspected()?;
    let suspect = found.suspect(id)?;
    let service: &ServiceId = match id {
        SuspectId::Service(service) | SuspectId::Change(service, ..) => service,
    };
    let declared = state.model.catalog.services.get(service)?;
    let speaks = |name: &str| suspect.terms.iter().any(|term| term.sentence.contains(name));
    let (spoken, rest): (Vec<_>, Vec<_>) =
        declared.signals.iter().partition(|query| speaks(query.signal.name()));
    let course = spoken.into_iter().chain(rest).find_map(|query| {
        let of = MeasureId::Signal(service.clone(), query.signal);
        let (_, lines) = state.model.measures.history(&of)?;
        let points = &lines.first()?.points;
        let proof = proof(state, &query.expr, "", points, written(query.unit))?;
        Some((query.signal, proof))
    });
    let (signal, proof) = course?;
    Some((SafeText::new(&format!("{service} {}, a suspect", signal.name())), proof))
}
