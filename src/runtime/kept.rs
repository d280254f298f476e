//! What of the state is kept over a restart, and how it is put back.

use super::keep::Kept;
use crate::actions::Screen;
use crate::app::{ClockMode, SourcesRow, State};
use crate::domain::{Filter, IncidentId, ServiceId, SloId, Span};
use crate::model::incidents::TimelineFilter;

/// What is worth keeping.
pub(super) fn of(state: &State) -> Kept {
    let ui = &state.ui;
    let mut kept = Kept { screen: ui.screen.name().to_owned(), ..Kept::default() };
    let mut select = |name: &str, id: Option<&str>| {
        if let Some(id) = id {
            kept.selection.insert(name.to_owned(), id.to_owned());
        }
    };
    let slo = ui.slos.selected.as_ref().filter(|_| ui.slos.chosen);
    select("slos", slo.map(|id| id.as_str()));
    select("sources", ui.sources.selected.as_ref().map(SourcesRow::written).as_deref());
    select("incident", ui.incident.chosen.as_ref().map(|id| id.as_str()));
    select("service", ui.bridge.pinned.as_ref().map(|id| id.as_str()));
    kept.filter.insert("alerts".into(), ui.alerts.filter_text.clone());
    kept.filter.insert("slos".into(), ui.slos.filter_text.clone());
    kept.filter.insert("capacity".into(), ui.capacity.filter_text.clone());
    kept.filter.insert("changes".into(), ui.changes.filter_text.clone());
    kept.filter.insert("map".into(), ui.map.filter_text.clone());
    kept.filter.insert("incident".into(), ui.incident.filter_text.clone());
    kept.drafts = state.all_drafts();
    kept.settings.insert("range".into(), ui.range.to_string());
    let clock = if ui.clock == ClockMode::Local { "local" } else { "utc" };
    kept.settings.insert("clock".into(), clock.into());
    kept.settings.insert("muted".into(), ui.alerts.show_muted.to_string());
    kept
}

/// Puts back what was kept. What no longer makes sense is left out.
pub(super) fn restore(state: &mut State, kept: Kept) {
    let ui = &mut state.ui;
    if let Some(screen) = Screen::ALL.into_iter().find(|s| s.name() == kept.screen) {
        ui.screen = screen;
    }
    let selected = |name: &str| kept.selection.get(name).map(String::as_str);
    ui.slos.selected = selected("slos").map(SloId::new);
    ui.slos.chosen = ui.slos.selected.is_some();
    ui.sources.selected = selected("sources").and_then(SourcesRow::read);
    ui.incident.chosen = selected("incident").map(IncidentId::new);
    ui.bridge.pinned = selected("service").map(ServiceId::new);
    let filter = |name: &str, text: &mut String, parsed: &mut Filter| {
        if let Some(typed) = kept.filter.get(name)
            && let Ok(read) = Filter::parse(typed)
        {
            (*text, *parsed) = (typed.clone(), read);
        }
    };
    filter("alerts", &mut ui.alerts.filter_text, &mut ui.alerts.filter);
    filter("slos", &mut ui.slos.filter_text, &mut ui.slos.filter);
    filter("capacity", &mut ui.capacity.filter_text, &mut ui.capacity.filter);
    filter("changes", &mut ui.changes.filter_text, &mut ui.changes.filter);
    filter("map", &mut ui.map.filter_text, &mut ui.map.filter);
    if let Some(typed) = kept.filter.get("incident")
        && let Ok(read) = TimelineFilter::parse(typed)
    {
        (ui.incident.filter_text, ui.incident.filter) = (typed.clone(), read);
    }
    let setting = |name: &str| kept.settings.get(name).map(String::as_str);
    if let Some(range) = setting("range").and_then(Span::parse).filter(|r| *r > Span::ZERO) {
        ui.range = range;
    }
    match setting("clock") {
        Some("local") => ui.clock = ClockMode::Local,
        Some("utc") => ui.clock = ClockMode::Utc,
        _ => {}
    }
    ui.alerts.show_muted = setting("muted") == Some("true");
    state.drafts = kept.drafts;
}
