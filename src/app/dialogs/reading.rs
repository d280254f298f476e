//! Texts to read: help, runbooks, details of an alert, how a figure was computed, a source's trouble.

use crate::actions::Action;
use crate::app::screens::alerts::{chosen, facts};
use crate::app::screens::{capacity, changes, incident, map, sources};
use crate::app::{About, AlertRow, Dialog, Effect, Reading, ReadingLine, SourcesRow, State, Tone};
use crate::domain::{SafeText, SloId};
use crate::model::Suppose;

/// Opens a text.
pub(in crate::app) fn open_reading(state: &mut State, about: About) -> Vec<Effect> {
    if let Some(reading) = read(state, about, 0) {
        state.ui.dialog = Some(Dialog::Reading(reading));
    }
    Vec::new()
}

/// Makes the open text anew from current data, where it stands.
pub(in crate::app) fn refresh(state: &mut State) {
    let Some(Dialog::Reading(open)) = &state.ui.dialog else { return };
    let (about, top) = (open.about.clone(), open.top);
    if let Some(reading) = read(state, about, top) {
        state.ui.dialog = Some(Dialog::Reading(reading));
    }
}

fn read(state: &State, about: About, top: usize) -> Option<Reading> {
    let (title, lines) = match &about {
        About::Slo(id) => explain_lines(state, id)?,
        About::Alert(row) => alert_lines(state, row)?,
        About::Suspect(id) => super::suspects::lines(state, id)?,
        About::Runbook(key) => runbook_lines(state, key)?,
        About::Source(row) => sources::detail_lines(state, row)?,
        About::WhatIf(suppose) => whatif_lines(state, suppose)?,
        About::Node(key) => map::detail_lines(state, key, false)?,
        About::Blast(key) => map::detail_lines(state, key, true)?,
        About::Capacity(row) => capacity::detail_lines(state, row)?,
        About::Change(key) => changes::detail_lines(state, key)?,
        About::Incident(id, detail) => incident::detail_lines(state, id, detail)?,
    };
    Some(Reading { title, about, lines, top })
}

/// An action in a text: movement, copying; opening or asking for help again closes it.
pub(super) fn act(state: &mut State, action: Action) -> Vec<Effect> {
    let page = state.ui.drawn.dialog_page.max(1);
    let (Some(Dialog::Help { top }) | Some(Dialog::Reading(Reading { top, .. }))) =
        &mut state.ui.dialog
    else {
        return Vec::new();
    };
    *top = match action {
        Action::Down => top.saturating_add(1),
        Action::Up => top.saturating_sub(1),
        Action::PageDown | Action::Mark => top.saturating_add(page),
        Action::PageUp => top.saturating_sub(page),
        Action::Top => 0,
        Action::Bottom => usize::MAX / 2,
        Action::Copy => return copy(state),
        Action::Open | Action::Help => return super::back(state),
        _ => *top,
    };
    Vec::new()
}

fn copy(state: &mut State) -> Vec<Effect> {
    let Some(Dialog::Reading(reading)) = &state.ui.dialog else { return Vec::new() };
    let text = plain(&reading.lines);
    let now = state.now;
    state.ui.notice(Tone::Done, "Copied.", now);
    vec![Effect::Copy(text)]
}

/// A text to read without its looks.
pub(in crate::app) fn plain(lines: &[ReadingLine]) -> String {
    let lines = lines.iter().map(|line| match line {
        ReadingLine::Head(t)
        | ReadingLine::Text(t)
        | ReadingLine::Code(t)
        | ReadingLine::Warn(t) => t.to_string(),
        ReadingLine::Pair(name, value) => format!("{name}: {value}"),
        ReadingLine::Blank => String::new(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Everything about what is selected of an incident.
pub(in crate::app) fn incident_reading(state: &mut State) -> Vec<Effect> {
    let id = state.incident().map(|incident| incident.id.clone());
    match id.zip(state.incident_detail()) {
        Some((id, detail)) => open_reading(state, About::Incident(id, detail)),
        None => Vec::new(),
    }
}

/// How the selected objective's figures are computed.
pub(in crate::app) fn explain(state: &mut State, id: Option<SloId>) -> Vec<Effect> {
    match id {
        Some(id) => open_reading(state, About::Slo(id)),
        None => {
            let now = state.now;
            state.ui.notice(Tone::Info, "Select an objective first.", now);
            Vec::new()
        }
    }
}

fn explain_lines(state: &State, id: &SloId) -> Option<(SafeText, Vec<ReadingLine>)> {
    let slo = state.model.catalog.slos.get(id)?;
    let status = state.model.slos.status(id)?;
    let lines = crate::model::explain(slo, status)
        .into_iter()
        .map(|(name, value)| ReadingLine::Pair(name.into(), SafeText::body(&value)))
        .collect();
    Some((SafeText::new(&format!("How {} is computed", slo.title)), lines))
}

/// Everything about a row of the alerts list.
pub(in crate::app) fn alert_reading(state: &mut State, row: AlertRow) -> Vec<Effect> {
    open_reading(state, About::Alert(row))
}

fn alert_lines(state: &State, row: &AlertRow) -> Option<(SafeText, Vec<ReadingLine>)> {
    let book = &state.model.alerts;
    let group = book.group(row.group())?;
    let mut lines = vec![
        ReadingLine::Pair(
            "severity".into(),
            format!("{}: {}", group.judged.severity, group.judged.reason).into(),
        ),
        missing("owner", &group.owner, "no owner: add one to the rule's labels or to catalog.toml"),
        missing(
            "runbook",
            &group.runbook,
            "no runbook: add runbook_url to the rule or to catalog.toml",
        ),
    ];
    if let Some(ack) = &group.ack {
        let text = format!("{} at {} {}", ack.by, ack.at, ack.note);
        lines.push(ReadingLine::Pair("acknowledged".into(), text.into()));
    }
    let members: Vec<_> = match row {
        AlertRow::Alert(_, key) => vec![key],
        AlertRow::Situation(..) | AlertRow::Group(_) => group.alerts.iter().take(100).collect(),
    };
    for tracked in members.into_iter().filter_map(|key| book.alerts.get(key)) {
        lines.push(ReadingLine::Blank);
        lines.push(ReadingLine::Head(tracked.alert.summary().into()));
        for (name, value) in facts(&tracked.alert, tracked) {
            lines.push(ReadingLine::Pair(name.into(), value));
        }
    }
    for note in state.model.journal.notes_about(&group.alerts) {
        lines.push(ReadingLine::Blank);
        lines.push(ReadingLine::Head(format!("note by {} at {}", note.by, note.at).into()));
        lines.push(ReadingLine::Text(note.text.clone()));
    }
    Some((group.title.clone(), lines))
}

fn missing(name: &str, value: &SafeText, warning: &str) -> ReadingLine {
    if value.is_empty() {
        ReadingLine::Warn(warning.into())
    } else {
        ReadingLine::Pair(name.into(), value.clone())
    }
}

/// The runbook of what is chosen: its text when it is a file of ours, else its link.
pub(in crate::app) fn runbook(state: &mut State) -> Vec<Effect> {
    match chosen(state).and_then(|c| c.groups.first().cloned()) {
        Some(key) => open_reading(state, About::Runbook(key)),
        None => super::forms::say_nothing_chosen(state, "read a runbook for"),
    }
}

fn runbook_lines(
    state: &State,
    key: &crate::model::GroupKey,
) -> Option<(SafeText, Vec<ReadingLine>)> {
    let group = state.model.alerts.group(key)?;
    let service = group.service.as_ref().and_then(|id| state.model.catalog.services.get(id));
    let mut lines = vec![missing(
        "runbook",
        &group.runbook,
        "No runbook: add runbook_url to the rule's annotations, or a runbook to the service in catalog.toml.",
    )];
    let description = group
        .alerts
        .first()
        .and_then(|k| state.model.alerts.alerts.get(k))
        .map(|t| t.alert.annotations.get("description"))
        .filter(|text| !text.is_empty());
    if let Some(text) = description {
        lines.extend([ReadingLine::Blank, ReadingLine::Text(SafeText::body(text))]);
    }
    if let Some(text) = service.and_then(|s| s.runbook_text.as_ref()) {
        lines.push(ReadingLine::Blank);
        lines.extend(text.lines().map(markdown));
    } else if !group.runbook.is_empty() {
        lines.push(ReadingLine::Text("Its text is not here: only Markdown files beside the catalog are read; links are never fetched.".into()));
    }
    Some((SafeText::new(&format!("Runbook: {}", group.title)), lines))
}

fn markdown(line: &str) -> ReadingLine {
    match line.trim_start() {
        "" => ReadingLine::Blank,
        text if text.starts_with('#') => {
            ReadingLine::Head(text.trim_start_matches(['#', ' ']).into())
        }
        _ if line.starts_with("    ") || line.starts_with('`') => {
            ReadingLine::Code(line.trim().into())
        }
        _ => ReadingLine::Text(line.into()),
    }
}

/// The alert's links, shown with their hosts; nothing is fetched.
pub(in crate::app) fn link(state: &mut State) -> Vec<Effect> {
    let found = chosen(state).and_then(|c| {
        let key = c.alert.clone().or_else(|| {
            c.groups
                .first()
                .and_then(|g| state.model.alerts.group(g))
                .and_then(|g| g.alerts.first().cloned())
        })?;
        state.model.alerts.alerts.get(&key).map(|t| t.alert.generator_url.clone())
    });
    let now = state.now;
    match found.filter(|url| !url.is_empty()) {
        Some(url) => {
            state.ui.notice(Tone::Info, format!("Copied {url}"), now);
            vec![Effect::Copy(url.to_string())]
        }
        None => {
            state.ui.notice(Tone::Info, "This alert carries no link to its source.", now);
            Vec::new()
        }
    }
}

/// The state and trouble of a source, a channel or a tracker.
pub(in crate::app) fn source_reading(state: &mut State, row: SourcesRow) -> Vec<Effect> {
    open_reading(state, About::Source(row))
}

/// Everything about the service selected on the map, or what would go down with it.
pub(in crate::app) fn map_reading(state: &mut State, blast: bool) -> Vec<Effect> {
    let key = state.ui.map.selected.node.clone();
    open_reading(state, if blast { About::Blast(key) } else { About::Node(key) })
}

/// Everything about what is selected on the Capacity screen, with the questions it came from.
pub(in crate::app) fn capacity_reading(state: &mut State) -> Vec<Effect> {
    match state.ui.capacity.list().selected.clone() {
        Some(row) => open_reading(state, About::Capacity(row)),
        None => {
            let now = state.now;
            state.ui.notice(Tone::Info, "Select a row first.", now);
            Vec::new()
        }
    }
}

/// What comes of something supposed; a sentence instead when it cannot be said.
pub(in crate::app) fn what_if(state: &mut State, suppose: Suppose) -> Vec<Effect> {
    match state.model.what_if(&suppose) {
        Ok(_) => open_reading(state, About::WhatIf(suppose)),
        Err(sentence) => {
            let now = state.now;
            state.ui.notice(Tone::Warning, sentence, now);
            Vec::new()
        }
    }
}

fn whatif_lines(state: &State, suppose: &Suppose) -> Option<(SafeText, Vec<ReadingLine>)> {
    let supposed = state.model.what_if(suppose).ok()?;
    let lines = supposed.told().into_iter().map(|(name, text)| match name.as_str() {
        "refused" => ReadingLine::Warn(SafeText::body(&text)),
        "first" => ReadingLine::Head(SafeText::body(&text)),
        _ => ReadingLine::Pair(name.as_str().into(), SafeText::body(&text)),
    });
    Some((SafeText::new(&format!("What if {suppose}")), lines.collect()))
}
