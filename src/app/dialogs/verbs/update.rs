//! Writing an update: for whom and in which phase, the text, what must not leave the house, where it goes,
//! and when the next one is promised.

use crate::actions::Doing;
use crate::app::{Check, Entry, Field, FieldName as N, Finding, Form, Remark, State, Verb};
use crate::domain::{Audience, ChannelId, SafeText, Span, Status};
use crate::model::incidents::{Incident, Update};

use super::{Meant, Wrong, moment, needed, words};

/// How it goes on once it is recorded.
const THEN: [&str; 2] = ["publish at once", "wait for approval"];
/// Most changed lines that are shown.
const MOST_CHANGES: usize = 40;

pub(super) fn form(state: &State, incident: &Incident, verb: Verb) -> Form {
    let id = incident.id.clone();
    if let Verb::RefuseUpdate(update) = verb {
        let fields = vec![Field::new(N::Reason, Entry::line("")).hint("what is wrong with it")];
        let mut form = Form::new(verb, id, "Refuse the update", fields);
        if let Some(update) = incident.updates.get(&update) {
            let text = format!("{} wrote: {}", update.by, update.subject);
            form.remarks.push(Remark::Plain(SafeText::new(&text)));
        }
        return form;
    }
    let phases = Status::ALL.iter().map(|s| s.name());
    let phase = Status::ALL.iter().position(|s| *s == incident.status).unwrap_or(0);
    let audience = Audience::ALL.iter().position(|a| *a == due_first(state, incident)).unwrap_or(0);
    let fields = vec![
        Field::new(N::Audience, Entry::choice(Audience::ALL.iter().map(|a| a.name()), audience)),
        Field::new(N::Phase, Entry::choice(phases, phase)),
        Field::new(N::Subject, Entry::line("")).hint("one line"),
        Field::new(N::Body, Entry::lines(""))
            .hint("who is hurt and how, what is done, when they hear again"),
        Field::new(N::Findings, Entry::Settle { findings: Vec::new(), at: 0 }),
        Field::new(N::Channels, Entry::Checks { options: Vec::new(), at: 0 })
            .hint("no channel of the playbook is for them; copy the text once it is published"),
        Field::new(N::Next, Entry::ahead("")).hint("when they hear again: 20m or 15:00"),
        Field::new(N::Then, Entry::choice(THEN, 0)),
    ];
    let mut form = Form::new(verb, id, &format!("Update of {}", incident.id), fields);
    // Before anything typed is put back, so that a draft is what differs from the words proposed.
    reshape(state, &mut form);
    form.starting(N::Body)
}

/// The audience that hears next: the one whose promise or first update is due first.
fn due_first(state: &State, incident: &Incident) -> Audience {
    let due = |audience: &Audience| {
        let cadence = state.model.playbook.cadence.get(&(incident.severity, *audience))?;
        let last = last_sent(incident, *audience).map(|u| u.next);
        Some(last.unwrap_or_else(|| incident.declared_at.plus(cadence.first)))
    };
    let all = Audience::ALL.iter().copied().filter_map(|a| Some((due(&a)?, a)));
    all.min().map_or(Audience::Internal, |(_, audience)| audience)
}

fn last_sent(incident: &Incident, audience: Audience) -> Option<&Update> {
    let of_it = incident.updates.values().filter(|u| u.audience == audience);
    of_it.filter(|u| u.published.is_some()).max_by_key(|u| u.published)
}

fn audience(form: &Form) -> Audience {
    Audience::ALL.get(form.choice(N::Audience)).copied().unwrap_or(Audience::Internal)
}

fn phase(form: &Form) -> Status {
    Status::ALL.get(form.choice(N::Phase)).copied().unwrap_or(Status::Investigating)
}

pub(super) fn reshape(state: &State, form: &mut Form) {
    let Some(incident) = state.model.incidents.incidents.get(&form.incident) else { return };
    if !matches!(form.verb, Verb::Update) {
        return;
    }
    let (audience, phase) = (audience(form), phase(form));
    let mut remarks = Vec::new();
    let next = next_by(state, incident, audience, phase);
    propose(form, N::Next, &next.to_string());
    let promised = moment(state, form, N::Next).ok().flatten();
    let until = promised.unwrap_or_else(|| state.now.plus(next));
    match words::written(state, incident, audience, phase, until) {
        Ok(written) => {
            propose(form, N::Subject, &written.subject);
            propose(form, N::Body, &written.body);
        }
        Err(sentence) => remarks.push(Remark::Warn(sentence)),
    }
    channels(state, form, audience);
    let (subject, body) = (form.text(N::Subject), form.text(N::Body));
    findings(form, words::findings(state, incident, audience, &format!("{subject}\n{body}")));
    let second = audience == Audience::External && state.model.duties.asks_second_person();
    if let Some(then) = form.field_mut(N::Then)
        && let Entry::Choice { options, at } = &mut then.entry
    {
        let wanted = if second { &THEN[1..] } else { &THEN[..] };
        if options.len() != wanted.len() {
            *options = wanted.iter().map(|w| SafeText::new(w)).collect();
            *at = 0;
        }
        then.proposed = options.first().map(ToString::to_string).unwrap_or_default();
    }
    let missing = words::missing(state, incident, (audience, phase, until), &body);
    remarks.extend(missing.into_iter().map(Remark::Warn));
    if second {
        remarks.push(Remark::Plain("A second person approves it before it can go out.".into()));
    }
    if let Some(last) = last_sent(incident, audience) {
        let text = format!("Since the last, {} ago", super::said::rough(state.now.since(last.at)));
        remarks.push(Remark::Head(SafeText::new(&text)));
        remarks.extend(words::changes(&last.body, &body).into_iter().take(MOST_CHANGES));
    } else {
        remarks.push(Remark::Plain("The first one for them.".into()));
    }
    form.remarks = remarks;
}

/// Puts a proposal into a field that nobody has typed in, or that was emptied to get it back.
fn propose(form: &mut Form, name: N, text: &str) {
    let Some(field) = form.field_mut(name) else { return };
    if field.is_typed() && !field.entry.is_blank() {
        return;
    }
    if field.entry.text() != text {
        field.entry.set(text);
        if let Entry::Text(editor) = &mut field.entry {
            editor.rewind();
        }
    }
    field.proposed = field.entry.text();
}

/// How soon the next one is promised unless said otherwise.
fn next_by(state: &State, incident: &Incident, audience: Audience, phase: Status) -> Span {
    if !phase.is_live() {
        return Span::from_hours(24);
    }
    let cadence = state.model.playbook.cadence.get(&(incident.severity, audience));
    cadence.map_or(Span::from_hours(1), |c| c.every)
}

/// The channels for this audience; those ticked by hand stay ticked.
fn channels(state: &State, form: &mut Form, audience: Audience) {
    let fitting = state.model.playbook.channels.iter().filter(|c| c.audiences.contains(&audience));
    let words: Vec<SafeText> = fitting.map(|c| c.id.text().clone()).collect();
    let Some(field) = form.field_mut(N::Channels) else { return };
    if let Entry::Checks { options, at } = &mut field.entry
        && !options.iter().map(|o| &o.word).eq(&words)
    {
        *options = words.into_iter().map(|word| Check { word, on: true }).collect();
        *at = 0;
        field.proposed = field.entry.text();
    }
}

/// What is found now; what was said to stay stays said.
fn findings(form: &mut Form, found: Vec<Finding>) {
    let Some(field) = form.field_mut(N::Findings) else { return };
    field.hidden = found.is_empty();
    if let Entry::Settle { findings, at } = &mut field.entry {
        let kept = |f: &Finding| findings.iter().any(|old| old.found == f.found && old.kept);
        let found: Vec<Finding> =
            found.into_iter().map(|f| Finding { kept: f.kept || kept(&f), ..f }).collect();
        *at = (*at).min(found.len().saturating_sub(1));
        *findings = found;
    }
}

/// Puts what is proposed in place of the finding the keys are on.
pub(super) fn replace(form: &mut Form) {
    let Some(field) = form.field(N::Findings) else { return };
    let Entry::Settle { findings, at } = &field.entry else { return };
    let Some(finding) = findings.get(*at).cloned() else { return };
    for name in [N::Subject, N::Body] {
        if let Some(field) = form.field_mut(name) {
            let text = field.entry.text().replace(finding.found.as_str(), &finding.instead);
            field.entry.set(&text);
        }
    }
}

/// Whether the update is to go out as soon as it is recorded.
pub(super) fn publishes(form: &Form) -> bool {
    form.verb == Verb::Update && form.text(N::Then) == THEN[0]
}

pub(super) fn meant(state: &State, form: &Form) -> Meant {
    if let Verb::RefuseUpdate(update) = form.verb {
        let note = needed(form, N::Reason, "Because: say what is wrong with it.")?;
        return Ok(vec![Doing::AnswerUpdate { update, approved: false, note }]);
    }
    let open = match form.field(N::Findings).filter(|f| !f.hidden).map(|f| &f.entry) {
        Some(Entry::Settle { findings, .. }) => findings.iter().filter(|f| !f.kept).count(),
        _ => 0,
    };
    if open > 0 {
        let why = format!("{open} finding(s) are not settled: r replaces one, k keeps it.");
        return Err(Wrong::new(N::Findings, &why));
    }
    let channels = match form.field(N::Channels).map(|f| &f.entry) {
        Some(Entry::Checks { options, .. }) => {
            options.iter().filter(|o| o.on).map(|o| ChannelId::from(o.word.clone())).collect()
        }
        _ => Vec::new(),
    };
    Ok(vec![Doing::Update {
        audience: audience(form),
        subject: needed(form, N::Subject, "Subject: say it in one line.")?,
        body: needed(form, N::Body, "Text: say who is hurt and how, and what is done.")?,
        channels,
        next: moment(state, form, N::Next)?.ok_or_else(|| {
            Wrong::new(N::Next, "Next by: promise when they hear again, such as 20m.")
        })?,
    }])
}
