//! What is written down: notes with kind and time, evidence from a chart, withdrawals, tickets.

use crate::actions::{Doing, when};
use crate::app::{BridgePane, Entry, Field, FieldName as N, Form, Pick, Remark, State, Verb};
use crate::domain::{
    EntryKind, Evidence, SafeText, ServiceId, Severity, SloId, Status, TicketAct, TicketRef,
    Timestamp, TrackerId,
};
use crate::model::incidents::Incident;

use super::{Meant, Wrong, declare, findings, known, moment, needed};

/// What is done with tickets, in the order of the choice.
const TICKET_ACTS: [&str; 4] = ["open one", "take one on", "comment", "move it"];
const OPEN: usize = 0;
const TAKE_ON: usize = 1;
const COMMENT: usize = 2;

pub(super) fn form(state: &State, incident: &Incident, verb: Verb) -> Form {
    let id = incident.id.clone();
    match verb {
        Verb::Evidence => {
            let charts = charts(state);
            let labels = charts.into_iter().map(|(label, _)| label);
            let fields = vec![
                Field::new(N::Chart, Entry::choice(labels, 0)).hint("no chart has data here"),
                Field::new(N::Text, Entry::lines(&findings::said(state))).hint("what it shows"),
            ];
            Form::new(verb, id, &format!("Evidence for {}", incident.id), fields)
        }
        Verb::WithdrawEntry(entry) => {
            let fields =
                vec![Field::new(N::Reason, Entry::line("")).hint("why it no longer holds")];
            let mut form = Form::new(verb, id, "Withdraw an entry", fields);
            let line = incident.timeline.line(entry);
            if let Some(line) = line {
                let text = format!("{}: {}", line.by, line.text);
                form.remarks.push(Remark::Plain(SafeText::new(&text)));
            }
            form.remarks
                .push(Remark::Plain(SafeText::new("It stays readable, marked as withdrawn.")));
            form
        }
        Verb::Ticket => ticket(state, incident),
        _ => {
            let kinds = EntryKind::ALL.iter().map(|k| k.name());
            let fields = vec![
                Field::new(N::Kind, Entry::choice(kinds, 0)),
                Field::new(N::Happened, Entry::back(""))
                    .hint("now; or 14:05, 10m, also before the text"),
                Field::new(N::Text, Entry::lines(""))
                    .hint("what was seen, done or said; @name writes for somebody"),
            ];
            Form::new(verb, id, &format!("Note in {}", incident.id), fields)
        }
    }
}

fn ticket(state: &State, incident: &Incident) -> Form {
    let playbook = &state.model.playbook;
    let at = playbook.trackers.iter().position(|t| Some(t) == playbook.tracker.as_ref());
    let trackers = playbook.trackers.iter().map(|t| t.text().clone());
    let linked = known::tickets(incident);
    let first = linked.first().map_or_else(String::new, |k| k.word.to_string());
    let act = if linked.is_empty() { OPEN } else { COMMENT };
    let title = format!("{} {}: {}", incident.severity, incident.id, incident.title);
    let fields = vec![
        Field::new(N::Way, Entry::choice(TICKET_ACTS, act)),
        Field::new(N::Tracker, Entry::choice(trackers, at.unwrap_or(0)))
            .hint("no tracker is configured"),
        Field::new(N::Ticket, Entry::Pick(Pick::one(&first, linked))).hint("tracker:key"),
        Field::new(N::Url, Entry::line("")).hint("where to look at it; may stay empty"),
        Field::new(N::Title, Entry::line(&title)).hint("one line"),
        Field::new(N::Text, Entry::lines("")).hint("what it should say"),
    ];
    Form::new(Verb::Ticket, incident.id.clone(), &format!("Ticket of {}", incident.id), fields)
        .starting(N::Way)
}

pub(super) fn reshape(state: &State, form: &mut Form) {
    match form.verb {
        Verb::Note => {
            form.remarks.clear();
            let text = form.text(N::Text);
            let empty = form.text(N::Happened).is_empty();
            let (leading, _) = when::leading(&text, state.now, state.shown_offset());
            let at = if empty { leading } else { moment(state, form, N::Happened).ok().flatten() };
            if let Some(at) = at {
                let ago = super::said::rough(state.now.since(at));
                let text =
                    format!("Happened {}, {ago} ago; both times are kept.", state.as_typed(at));
                form.remarks.push(Remark::Plain(SafeText::new(&text)));
            }
        }
        Verb::Evidence => {
            form.remarks.clear();
            let label = form.text(N::Chart);
            if let Some((_, evidence)) = charts(state).into_iter().find(|(l, _)| **l == *label) {
                let range = format!(
                    "{} values from {} to {}",
                    evidence.values.len(),
                    state.as_typed(evidence.from),
                    state.as_typed(evidence.to)
                );
                form.remarks.push(Remark::Plain(SafeText::new(&range)));
                form.remarks.push(Remark::Plain(evidence.query));
            }
        }
        _ => {
            let act = form.choice(N::Way);
            let several = state.model.playbook.trackers.len() > 1;
            for (name, asked) in [
                (N::Tracker, act == OPEN && several),
                (N::Ticket, act != OPEN),
                (N::Url, act == TAKE_ON),
                (N::Title, act == OPEN),
                (N::Text, act != TAKE_ON),
            ] {
                if let Some(field) = form.field_mut(name) {
                    field.hidden = !asked;
                }
            }
        }
    }
}

pub(super) fn meant(state: &State, form: &Form) -> Meant {
    let doing = match form.verb {
        Verb::WithdrawEntry(entry) => Doing::WithdrawEntry {
            entry,
            reason: needed(form, N::Reason, "Because: say why it no longer holds.")?,
        },
        Verb::Evidence => {
            let label = form.text(N::Chart);
            let found = charts(state).into_iter().find(|(l, _)| **l == *label);
            let Some((_, evidence)) = found else {
                let why =
                    "There is no chart with data to pin; select an objective or a service first.";
                return Err(Wrong::new(N::Chart, why));
            };
            let text = form.text(N::Text);
            Doing::Enter {
                kind: EntryKind::Evidence,
                text: if text.is_empty() { label } else { text },
                happened: Some(evidence.to),
                evidence: Some(evidence),
                about: None,
            }
        }
        Verb::Ticket => ticket_meant(state, form)?,
        _ => {
            let text = needed(form, N::Text, "What: write what was seen, done or said.")?;
            let said = moment(state, form, N::Happened)?;
            let (leading, rest) = match said {
                Some(_) => (None, text.as_str()),
                None => when::leading(&text, state.now, state.shown_offset()),
            };
            Doing::Enter {
                kind: EntryKind::ALL
                    .get(form.choice(N::Kind))
                    .copied()
                    .unwrap_or(EntryKind::Observation),
                text: rest.to_owned(),
                happened: said.or(leading),
                evidence: None,
                about: None,
            }
        }
    };
    Ok(vec![doing])
}

fn ticket_meant(state: &State, form: &Form) -> Result<Doing, Wrong> {
    let act = form.choice(N::Way);
    let text = form.text(N::Text);
    let incident = state.model.incidents.incidents.get(&form.incident);
    let (severity, status) =
        incident.map_or((Severity::Sev3, Status::Investigating), |i| (i.severity, i.status));
    if act == OPEN {
        let trackers = &state.model.playbook.trackers;
        let Some(tracker) = trackers.get(form.choice(N::Tracker)).cloned() else {
            return Err(Wrong::new(
                N::Way,
                "No tracker is configured, so no ticket can be opened. Add one to config.toml.",
            ));
        };
        let title = SafeText::new(&needed(form, N::Title, "Title: say in one line what it is.")?);
        let body = SafeText::body(&text);
        return Ok(Doing::Ticket { tracker, act: TicketAct::Open { title, body, severity } });
    }
    let key = needed(form, N::Ticket, "Ticket: say which, as tracker:key.")?;
    let ticket: TicketRef = declare::ticket(state, N::Ticket, &key)?
        .ok_or_else(|| Wrong::new(N::Ticket, "Ticket: say which, as tracker:key."))?;
    let tracker: TrackerId = ticket.tracker.clone();
    Ok(match act {
        TAKE_ON => Doing::LinkTicket { ticket, url: form.text(N::Url) },
        COMMENT => {
            let body = needed(form, N::Text, "What: write the comment.")?;
            let body = SafeText::body(&body);
            Doing::Ticket { tracker, act: TicketAct::Comment { ticket, body } }
        }
        _ => {
            let note = SafeText::body(&text);
            Doing::Ticket { tracker, act: TicketAct::Transition { ticket, to: status, note } }
        }
    })
}

/// What can be pinned here, the selected chart first: burn of the objective, signals of the service.
fn charts(state: &State) -> Vec<(SafeText, Evidence)> {
    use crate::actions::Screen;
    let slo = match (state.ui.screen, state.ui.bridge.pane) {
        (Screen::Slos, _) => state.ui.slos.selected.clone(),
        _ => state.ui.bridge.slo.clone(),
    };
    let objective = slo.and_then(|id| objective(state, &id));
    let service = state.ui.bridge.service.as_ref();
    let signals = service.map_or_else(Vec::new, |service| signals(state, service));
    let on_signals =
        state.ui.screen == Screen::Bridge && state.ui.bridge.pane == BridgePane::Signals;
    let (first, then): (Vec<_>, Vec<_>) = if on_signals {
        (signals, objective.into_iter().collect())
    } else {
        (objective.into_iter().collect(), signals)
    };
    let mut all = findings::of_screen(state);
    all.extend(first.into_iter().chain(then).chain(findings::suspects(state)));
    // One chart is offered once, where it stands first.
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|(label, _)| seen.insert(label.clone()));
    all
}

/// The golden signals of a service that have data.
pub(super) fn signals(state: &State, service: &ServiceId) -> Vec<(SafeText, Evidence)> {
    let Some(declared) = state.model.catalog.services.get(service) else { return Vec::new() };
    let of = state.model.signals.by_service.get(service);
    let found = declared.signals.iter().filter_map(|query| {
        let view = of?.get(&query.signal)?;
        let label = format!("{service} {}", query.signal.name());
        let unit = crate::model::written(query.unit);
        let proof = proof(state, &query.expr, "", &view.series.points, unit)?;
        Some((SafeText::new(&label), proof))
    });
    found.collect()
}

pub(super) fn objective(state: &State, id: &SloId) -> Option<(SafeText, Evidence)> {
    let (slo, status) = (state.model.catalog.slos.get(id)?, state.model.slos.status(id)?);
    let ratio = slo.computed_ratio(status.history_window);
    let query = format!("({ratio}) / {:.6}", 1.0 - slo.objective);
    let label = format!("{} {}: burn over {}", slo.service, slo.title, status.history_window);
    let source = slo.source.as_ref().map_or("", |s| s.as_str());
    let proof = proof(state, &query, source, &status.history.points, "x")?;
    Some((SafeText::new(&label), proof))
}

/// The points of the range that is shown, thinned so that the peaks stay; nothing without any.
pub(super) fn proof(
    state: &State,
    query: &str,
    source: &str,
    points: &[(Timestamp, f64)],
    unit: &str,
) -> Option<Evidence> {
    state.model.frozen((query, source), points, state.ui.range, unit)
}
