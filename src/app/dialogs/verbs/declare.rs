//! Declaring an incident: from marked or selected alerts, from an objective that burns, or from nothing.
//! Everything is proposed, so that the key and Enter are enough.

use crate::actions::{Doing, Screen, propose};
use crate::app::screens::alerts::chosen;
use crate::app::{BridgePane, Entry, Field, FieldName as N, Form, Pick, Remark, State, Verb};
use crate::domain::{
    Cause, Impact, IncidentId, SafeText, ServiceId, Severity, SloId, TicketRef, TrackerId,
};
use crate::model::Verdict;

use super::{Meant, Wrong, known, moment, needed};

/// What is selected where the keys are.
pub(super) fn cause(state: &State) -> Cause {
    let burns = |id: &&SloId| {
        let verdict = state.model.slos.status(id).map(|s| s.verdict);
        verdict.is_some_and(|v| {
            matches!(v, Verdict::Page | Verdict::Ticket | Verdict::Spent | Verdict::Burning)
        })
    };
    match (state.ui.screen, state.ui.bridge.pane) {
        (Screen::Alerts, _) | (Screen::Bridge, BridgePane::Groups) => {
            let alerts = chosen(state).map(|c| {
                let alerts = c.instances(state).into_iter().map(|a| a.key).collect::<Vec<_>>();
                Cause::Alerts { title: c.title, alerts }
            });
            alerts
                .filter(|c| matches!(c, Cause::Alerts { alerts, .. } if !alerts.is_empty()))
                .unwrap_or(Cause::Nothing)
        }
        (Screen::Slos, _) => state.ui.slos.selected.clone().map_or(Cause::Nothing, Cause::Slo),
        // The Bridge always has a worst objective; only one that burns is a reason.
        (Screen::Bridge, BridgePane::Budgets) => {
            let slo = state.ui.bridge.slo.as_ref().filter(burns);
            slo.cloned().map_or(Cause::Nothing, Cause::Slo)
        }
        _ => Cause::Nothing,
    }
}

pub(super) fn form(state: &mut State, cause: Cause) -> Form {
    let id = draw(state);
    let state = &*state;
    let proposal = propose(&state.model, &cause);
    let services: Vec<&str> = proposal.services.iter().map(ServiceId::as_str).collect();
    let severities = Severity::ALL.map(|s| SafeText::new(&s.to_string()));
    let at = usize::from(proposal.severity.number() - 1);
    let onset = proposal.onset.map(|at| state.as_typed(at)).unwrap_or_default();
    let tracker = match &state.model.playbook.tracker {
        Some(tracker) => format!("one is opened in {tracker}; a key takes on that ticket"),
        None => "none; tracker:key takes one on".to_owned(),
    };
    let fields = vec![
        Field::new(N::Title, Entry::line(&proposal.title)).hint("what is wrong, in one line"),
        Field::new(N::Severity, Entry::choice(severities, at)),
        Field::new(N::Reason, Entry::line(&proposal.reason)).hint("why that severity"),
        Field::new(
            N::Services,
            Entry::Pick(Pick::several(&services.join(", "), known::services(state))),
        )
        .hint("which services are hurt; may follow"),
        Field::new(N::Impact, Entry::line(&proposal.impact))
            .hint("who is hurt and how; may follow"),
        Field::new(N::Onset, Entry::back(&onset)).hint("when it began, if known: 14:05 or 10m"),
        Field::new(N::Ticket, Entry::line("")).hint(&tracker),
        Field::new(
            N::Commander,
            Entry::Pick(Pick::one(state.me.name(), known::people(state, None))),
        )
        .hint("nobody yet"),
    ];
    let title = match &cause {
        Cause::Nothing => "Declare an incident".to_owned(),
        Cause::Alerts { title, .. } => format!("Declare from {title}"),
        Cause::Slo(id) => format!("Declare from {id}"),
    };
    let form = Form::new(Verb::Declare(cause), id, &title, fields);
    // Without a title nothing can be declared; with one, Enter is enough.
    if proposal.title.is_empty() { form.starting(N::Title) } else { form }
}

/// A new id that no incident has.
fn draw(state: &mut State) -> IncidentId {
    loop {
        // SplitMix64: every lot comes once before any comes again.
        state.lots = state.lots.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut lot = state.lots;
        lot = (lot ^ (lot >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        lot = (lot ^ (lot >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let id = IncidentId::from_lot(lot ^ (lot >> 31));
        if !state.model.incidents.incidents.contains_key(&id) {
            return id;
        }
    }
}

pub(super) fn reshape(state: &State, form: &mut Form) {
    let chosen = form.choice(N::Severity);
    let proposed = form.field(N::Severity).map(|f| f.proposed.clone()).unwrap_or_default();
    let now = form.text(N::Severity);
    if let Some(reason) = form.field_mut(N::Reason) {
        let own = format!("judged by {}; {proposed} was proposed", state.me);
        let untouched = reason.entry.text() == reason.proposed;
        if now != proposed && untouched {
            reason.entry.set(&own);
        } else if now == proposed && reason.entry.text() == own {
            let text = reason.proposed.clone();
            reason.entry.set(&text);
        }
    }
    let services = services(form);
    form.remarks.clear();
    for other in state.model.incidents.live() {
        let same_alerts = match (&form.verb, &other.cause) {
            (Verb::Declare(Cause::Alerts { alerts, .. }), Cause::Alerts { alerts: theirs, .. }) => {
                alerts.iter().any(|a| theirs.contains(a))
            }
            (Verb::Declare(Cause::Slo(slo)), Cause::Slo(theirs)) => slo == theirs,
            _ => false,
        };
        let same_service = other.services.iter().any(|s| services.contains(s));
        if same_alerts || same_service {
            let what = if same_alerts { "from the same" } else { "about the same service" };
            let text = format!("{} is going on {what}: {}", other.id, other.title);
            form.remarks.push(Remark::Warn(SafeText::new(&text)));
        }
    }
    let cadence = &state.model.playbook.cadence;
    let severity = Severity::ALL.get(chosen).copied().unwrap_or(Severity::Sev3);
    let first = |audience| cadence.get(&(severity, audience)).map(|c| c.first);
    use crate::domain::Audience::{External, Internal};
    let clocks: Vec<String> = [(Internal, "inside"), (External, "outside")]
        .into_iter()
        .filter_map(|(audience, word)| first(audience).map(|span| format!("{word} in {span}")))
        .collect();
    if !clocks.is_empty() {
        let text = format!("First update is due {}.", clocks.join(", "));
        form.remarks.push(Remark::Plain(SafeText::new(&text)));
    }
}

fn services(form: &Form) -> Vec<ServiceId> {
    match form.field(N::Services).map(|f| &f.entry) {
        Some(Entry::Pick(pick)) => pick.names().iter().map(|n| ServiceId::new(n)).collect(),
        _ => Vec::new(),
    }
}

pub(super) fn meant(state: &State, form: &Form, cause: &Cause) -> Meant {
    let title = needed(form, N::Title, "Title: say in one line what is wrong.")?;
    let commander = form.text(N::Commander);
    let sentence = SafeText::new(&form.text(N::Impact));
    let ticket = ticket(state, N::Ticket, &form.text(N::Ticket))?;
    Ok(vec![Doing::Declare {
        id: form.incident.clone(),
        title,
        severity: Severity::ALL.get(form.choice(N::Severity)).copied().unwrap_or(Severity::Sev3),
        reason: form.text(N::Reason),
        services: services(form),
        impact: Impact { sentence, scope: SafeText::default() },
        cause: cause.clone(),
        onset: moment(state, form, N::Onset)?,
        commander: (!commander.is_empty()).then(|| known::person(state, &commander)),
        ticket,
        confirmed_duplicate: form.confirmed,
    }])
}

/// A ticket as people write it: `tracker:key`, or the key alone in the usual tracker.
pub(super) fn ticket(state: &State, field: N, text: &str) -> Result<Option<TicketRef>, Wrong> {
    if text.is_empty() {
        return Ok(None);
    }
    let playbook = &state.model.playbook;
    let named = text.split_once(':').map(|(tracker, key)| (TrackerId::new(tracker.trim()), key));
    let named = named.filter(|(tracker, _)| playbook.trackers.contains(tracker));
    let (tracker, key) = match (named, &playbook.tracker, playbook.trackers.as_slice()) {
        (Some(named), _, _) => named,
        (None, Some(usual), _) => (usual.clone(), text),
        (None, None, [only]) => (only.clone(), text),
        (None, None, []) => {
            let why = "No tracker is configured, so no ticket can be taken on. Leave it empty.";
            return Err(Wrong::new(field, why));
        }
        (None, None, several) => {
            let names: Vec<&str> = several.iter().map(TrackerId::as_str).collect();
            let why = format!("Write tracker:key; known trackers are {}.", names.join(", "));
            return Err(Wrong::new(field, &why));
        }
    };
    Ok(Some(TicketRef { tracker, key: SafeText::new(key.trim()) }))
}
