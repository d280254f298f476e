//! What an incident is, how bad and how far: describe, severity, status, merge, attach.

use crate::actions::updates::{Leftover, leftover_sentence, leftover_silences};
use crate::actions::{Do, Doing, decide};
use crate::app::{Check, Entry, Field, FieldName as N, Form, Known, Pick, Remark, State, Verb};
use crate::domain::{
    Audience, Impact, IncidentId, SafeText, ServiceId, Severity, Status, Timestamp,
};
use crate::eventlog::LogEvent;
use crate::model::incidents::Incident;

use super::said::rough;
use super::{Meant, Wrong, known, moment, needed};

pub(super) fn form(state: &State, incident: &Incident, verb: Verb) -> Form {
    let id = incident.id.clone();
    let of = |what: &str| format!("{what} {}", incident.id);
    match verb {
        Verb::Describe => {
            let services: Vec<&str> = incident.services.iter().map(ServiceId::as_str).collect();
            let services = Pick::several(&services.join(", "), known::services(state));
            let onset = incident.onset.map(|at| state.as_typed(at)).unwrap_or_default();
            let fields = vec![
                Field::new(N::Title, Entry::line(&incident.title))
                    .hint("what is wrong, in one line"),
                Field::new(N::Services, Entry::Pick(services)).hint("which services are hurt"),
                Field::new(N::Onset, Entry::back(&onset)).hint("when it began: 14:05 or 10m"),
                Field::new(N::Scope, Entry::line(&incident.impact.scope))
                    .hint("which part, region or share of customers"),
                Field::new(N::Impact, Entry::line(&incident.impact.sentence))
                    .hint("who is hurt and how, in their words"),
            ];
            Form::new(verb, id, &of("Describe"), fields)
        }
        Verb::Severity => {
            let options = Severity::ALL.map(|s| SafeText::new(&s.to_string()));
            let at = usize::from(incident.severity.number() - 1);
            let fields = vec![
                Field::new(N::Severity, Entry::choice(options, at)),
                Field::new(N::Reason, Entry::line("")).hint("why it is worse or less bad now"),
            ];
            Form::new(verb, id, &of("Severity of"), fields).starting(N::Severity)
        }
        Verb::Status => {
            let at = Status::ALL.iter().position(|s| *s == incident.status).unwrap_or(0);
            // The next step is the likely one; closing is rarely done in a hurry.
            let next = if incident.status == Status::Closed { at } else { at + 1 };
            let options = Status::ALL.iter().map(|s| s.name());
            let fields = vec![
                Field::new(N::Status, Entry::choice(options, next)),
                Field::new(N::Silences, silences(state, incident)),
                Field::new(N::Reason, Entry::line("")).hint("what is known now, or what was done"),
            ];
            Form::new(verb, id, &of("Status of"), fields)
        }
        Verb::Merge => {
            let others = state.model.incidents.live();
            let known = others
                .iter()
                .filter(|other| other.id != incident.id)
                .map(|other| Known { word: other.id.text().clone(), detail: other.title.clone() });
            // Chosen, never proposed: what is merged stays merged, and two keys are too few for that.
            let fields = vec![
                Field::new(N::Into, Entry::Pick(Pick::one("", known.collect())))
                    .hint("the incident that goes on"),
            ];
            Form::new(verb, id, &format!("{} is the same as", incident.id), fields)
        }
        _ => {
            let fields = vec![
                Field::new(N::Title, Entry::line("")).hint("what it is: document, call, dashboard"),
                Field::new(N::Target, Entry::line("")).hint("an address, or another incident's id"),
            ];
            Form::new(verb, id, &of("Attach to"), fields).starting(N::Title)
        }
    }
}

pub(super) fn reshape(state: &State, form: &mut Form) {
    form.remarks.clear();
    let Some(incident) = state.model.incidents.incidents.get(&form.incident) else { return };
    if form.verb == Verb::Severity {
        let text = format!("Now {}: {}", incident.severity, incident.severity_reason);
        form.remarks.push(Remark::Plain(SafeText::new(&text)));
        return;
    }
    let text = format!("Now {}.", incident.status);
    form.remarks.push(Remark::Plain(SafeText::new(&text)));
    let to = Status::ALL.get(form.choice(N::Status)).copied();
    let ends = to.is_some_and(|to| !to.is_live());
    if let Some(field) = form.field_mut(N::Silences) {
        field.hidden = !ends || field.entry.choices() == 0;
    }
    if ends {
        for text in left_open(state, incident) {
            form.remarks.push(Remark::Warn(SafeText::new(&text)));
        }
    }
}

/// What merging comes to: which goes on under whom, and what is left behind.
pub(super) fn merging(state: &State, form: &mut Form) {
    form.remarks.clear();
    let all = &state.model.incidents.incidents;
    let into = IncidentId::new(&form.text(N::Into).trim().to_ascii_uppercase());
    let (Some(this), Some(other)) = (all.get(&form.incident), all.get(&into)) else { return };
    let commander = |one: &Incident| match &one.command {
        Some(command) => format!("commanded by {}", command.commander),
        None => "commanded by nobody".to_owned(),
    };
    let goes_on = format!(
        "{} “{}” goes on, {}, {}. {} “{}” ends in it and cannot be taken out again.",
        other.id,
        other.title,
        other.severity,
        commander(other),
        this.id,
        this.title
    );
    form.remarks.push(Remark::Warn(SafeText::new(&goes_on)));
    let tasks = this.tasks.values().filter(|task| task.ended.is_none()).count();
    let updates = this.updates.values().filter(|one| one.published.is_none()).count();
    let runs = this.runs.values().filter(|run| run.verified.is_none() && run.stopped.is_none());
    let left = [(tasks, "open task"), (updates, "update not sent"), (runs.count(), "open run")];
    let left = left.into_iter().filter(|(count, _)| *count > 0);
    let left: Vec<String> = left.map(|(count, what)| format!("{count} × {what}")).collect();
    if !left.is_empty() {
        let text = format!("Nobody goes on with what it leaves: {}.", left.join(", "));
        form.remarks.push(Remark::Warn(SafeText::new(&text)));
    }
}

/// A silence of ours as it is offered to be ended.
fn named(left: &Leftover, now: Timestamp) -> SafeText {
    let until = rough(left.until.since(now));
    SafeText::new(&format!("{}{} for {until}", mark(left), left.what))
}

/// What tells silences apart, whatever is said of them by now: the site and the beginning of the id.
fn mark(left: &Leftover) -> String {
    let id: String = left.id.to_string().chars().take(8).collect();
    format!("{} {id}: ", left.site)
}

/// What this incident leaves muted. What was made for it is ticked, what was there before is only offered.
fn silences(state: &State, incident: &Incident) -> Entry {
    let left = leftover_silences(&state.model, incident, state.now);
    let options = left.iter().map(|one| {
        let known = state.model.silences.get(&one.site, &one.id);
        let on = known.is_some_and(|silence| silence.starts_at >= incident.declared_at);
        Check { word: named(one, state.now), on }
    });
    Entry::Checks { options: options.collect(), at: 0 }
}

/// Ends the silences that are ticked, when the form ends the incident.
pub(super) fn ended(state: &State, form: &Form) -> Result<Vec<LogEvent>, SafeText> {
    let Some(incident) = state.model.incidents.incidents.get(&form.incident) else {
        return Ok(Vec::new());
    };
    let Some(Field { entry: Entry::Checks { options, .. }, hidden: false, .. }) =
        form.field(N::Silences)
    else {
        return Ok(Vec::new());
    };
    let ticked = |left: &Leftover| {
        options.iter().any(|option| option.on && option.word.starts_with(&mark(left)))
    };
    let left = leftover_silences(&state.model, incident, state.now).into_iter().filter(ticked);
    let mut events = Vec::new();
    for Leftover { site, id, .. } in left {
        let what = Do::Expire { site, id };
        let decided = decide(&state.model, &state.me, &what, state.now, &state.guard);
        events.extend(decided.map_err(|refusal| refusal.sentence)?);
    }
    Ok(events)
}

/// What should not be forgotten when an incident ends.
fn left_open(state: &State, incident: &Incident) -> Vec<String> {
    let mut left = Vec::new();
    let open: Vec<_> = incident.tasks.values().filter(|t| t.ended.is_none()).collect();
    if let Some(first) = open.first() {
        let more =
            if open.len() > 1 { format!(" and {} more", open.len() - 1) } else { String::new() };
        left.push(format!("Open task: {} ({}){more}.", first.text, first.owner));
    }
    let silences = leftover_silences(&state.model, incident, state.now);
    left.extend(leftover_sentence(&silences, state.now).map(|text| text.to_string()));
    let promised = incident.updates.values().filter(|u| u.published.is_some());
    let told: Vec<Audience> = promised.clone().map(|u| u.audience).collect();
    let last = promised.map(|u| u.published).max().flatten();
    match last {
        None => left.push("No update has been published yet.".to_owned()),
        Some(last) if last < incident.status_since => {
            let whom = if told.contains(&Audience::External) { "outside" } else { "inside" };
            left.push(format!("Those {whom} have not been told since it is {}.", incident.status));
        }
        Some(_) => {}
    }
    let undecided = incident.decisions.values().filter(|d| d.outcome.is_none()).count();
    if undecided > 0 {
        left.push(format!("{undecided} decision(s) are still open."));
    }
    left
}

pub(super) fn meant(state: &State, form: &Form) -> Meant {
    let text = |name| form.text(name);
    let doing = match form.verb {
        Verb::Severity => {
            let to = Severity::ALL.get(form.choice(N::Severity)).copied();
            Doing::Severity(
                to.unwrap_or(Severity::Sev3),
                needed(form, N::Reason, "Because: say why, in a few words.")?,
            )
        }
        Verb::Status => {
            let to = Status::ALL.get(form.choice(N::Status)).copied();
            Doing::Status(to.unwrap_or(Status::Investigating), text(N::Reason))
        }
        Verb::Merge => {
            let into = needed(form, N::Into, "Into: name the incident that goes on.")?;
            Doing::Merge(IncidentId::new(&into.to_ascii_uppercase()))
        }
        Verb::Attach => Doing::Link {
            title: needed(form, N::Title, "Title: say what it is.")?,
            target: needed(form, N::Target, "Where: write an address, or another incident's id.")?,
        },
        _ => return describe(state, form),
    };
    Ok(vec![doing])
}

/// Only what changed is said anew, so that two people may describe different things at once.
fn describe(state: &State, form: &Form) -> Meant {
    let changed = |name: N| form.field(name).is_some_and(|f| f.is_typed());
    let services = match form.field(N::Services).map(|f| &f.entry) {
        Some(Entry::Pick(pick)) => pick.names().iter().map(|n| ServiceId::new(n)).collect(),
        _ => Vec::new(),
    };
    let impact = Impact {
        sentence: SafeText::new(&form.text(N::Impact)),
        scope: SafeText::new(&form.text(N::Scope)),
    };
    let onset = moment(state, form, N::Onset)?;
    if form.draft().is_none() {
        return Err(Wrong::new(N::Title, "Nothing is said anew, so nothing was recorded."));
    }
    Ok(vec![Doing::Describe {
        title: changed(N::Title).then(|| form.text(N::Title)),
        services: changed(N::Services).then_some(services),
        impact: (changed(N::Impact) || changed(N::Scope)).then_some(impact),
        onset: onset.filter(|_| changed(N::Onset)),
    }])
}
