//! Procedures: proposed with their card beside, read before they are approved, released, stopped.

use crate::actions::Doing;
use crate::actions::runs::{RunStanding, standing};
use crate::app::{Entry, Field, FieldName as N, Form, Remark, RunMove, State, Verb, order_lines};
use crate::domain::{Procedure, ProcedureId, RunVerdict, SafeText};
use crate::eventlog::{Power, RecordId};
use crate::model::incidents::{Incident, Run};
use crate::model::{Card, IRREVERSIBLE, LEFT_OUT};

use super::act::Step;
use super::{Meant, Wrong, needed};

/// What a key means for a run, as it stands.
pub(super) fn meant_by(state: &State, id: RecordId, step: Step) -> Option<Verb> {
    let run = state.incident()?.runs.get(&id)?;
    let stand = standing(&state.model, run, state.now);
    let own = run.by == state.me || run.key == state.key;
    let backup = || run.backup.clone().map(|backup| Verb::Propose(Some(backup)));
    let moved = |how| Some(Verb::MoveRun(id, how));
    match (stand, step) {
        (RunStanding::Proposed, Step::Accept) => moved(RunMove::Approve),
        (RunStanding::Proposed | RunStanding::Approved, Step::Refuse) if !own => {
            moved(RunMove::Refuse)
        }
        (RunStanding::Proposed | RunStanding::Approved | RunStanding::Rejected, Step::Refuse) => {
            moved(RunMove::Stop)
        }
        (RunStanding::Proposed | RunStanding::Approved, Step::Finish)
        | (RunStanding::Approved, Step::Accept) => moved(RunMove::Release),
        (
            RunStanding::Window(_) | RunStanding::Running(_) | RunStanding::Unknown(_),
            Step::Refuse,
        ) => moved(RunMove::Stop),
        // What took effect may be taken back, whether it helped or not.
        (RunStanding::Watched(_) | RunStanding::Verified(_), Step::Refuse) => {
            let known = state.model.playbook.procedures.procedures.get(&run.procedure)?;
            let undo = known.undo.clone()?;
            let in_force = state.model.undone_by(&undo).is_some_and(|(newest, _)| newest == id);
            in_force.then_some(Verb::Propose(Some(undo)))
        }
        (RunStanding::Verified(RunVerdict::Recovered), _) => None,
        (
            RunStanding::Verified(_) | RunStanding::Failed(..) | RunStanding::Stopped(_),
            Step::Accept | Step::Finish,
        ) => backup(),
        _ => None,
    }
}

pub(super) fn form(state: &State, incident: &Incident, verb: Verb) -> Option<Form> {
    match &verb {
        Verb::MoveRun(run, how) => {
            let known = incident.runs.get(run)?;
            Some(move_run(state, incident, *run, *how, known))
        }
        Verb::Propose(wanted) => Some(propose(state, incident, wanted.clone())),
        _ => None,
    }
}

fn propose(state: &State, incident: &Incident, wanted: Option<ProcedureId>) -> Form {
    let all = state.model.procedures_for(incident);
    // The service that is selected on the map is meant.
    let on_map = (state.ui.screen == crate::actions::Screen::Map)
        .then(|| state.ui.map.selected.node.service.clone());
    let at = all
        .iter()
        .position(|one| match (&wanted, &on_map) {
            (Some(wanted), _) => one.id == *wanted,
            (None, Some(service)) => one.service == *service,
            (None, None) => true,
        })
        .unwrap_or(0);
    let names = all.iter().map(|one| one.id.text().clone());
    let with = all.get(at).map(|one| defaults(state, one)).unwrap_or_default();
    let fields = vec![
        Field::new(N::Procedure, Entry::choice(names, at)),
        Field::new(N::With, Entry::lines(&with)).hint("name = value, one a line"),
        Field::new(N::Reason, Entry::line("")).hint("why this, and why now"),
    ];
    Form::new(
        Verb::Propose(wanted),
        incident.id.clone(),
        &format!("Run in {}", incident.id),
        fields,
    )
    .starting(N::Procedure)
}

/// Its parameters as they would be without a word: `to = v811`.
fn defaults(state: &State, procedure: &Procedure) -> String {
    let change = state.model.taken_back(procedure, state.now);
    let lines = procedure.params.iter().map(|param| {
        let default = param.default.as_ref().map_or("", SafeText::as_str);
        let value = match change {
            Some(change) => {
                default.replace("{before}", &change.before).replace("{after}", &change.after)
            }
            // What is not known is left to be typed.
            None if default.contains("{before}") || default.contains("{after}") => String::new(),
            None => default.to_owned(),
        };
        let value = value.replace("{service}", procedure.service.as_str());
        format!("{} = {value}", param.name)
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn chosen<'s>(state: &'s State, form: &Form) -> Option<(&'s Incident, &'s Procedure)> {
    let incident = state.model.incidents.incidents.get(&form.incident)?;
    let id = ProcedureId::new(&form.text(N::Procedure));
    Some((incident, state.model.playbook.procedures.procedures.get(&id)?))
}

pub(super) fn reshape(state: &State, form: &mut Form) {
    form.remarks.clear();
    let Some((incident, procedure)) = chosen(state, form) else {
        let text = "The playbook declares no procedure; add a [[procedure]] to it.";
        form.remarks.push(Remark::Warn(text.into()));
        return;
    };
    // Another procedure has other parameters; what was typed for the same ones stays.
    let names = |text: &str| -> Vec<String> { values(text).into_iter().map(|(n, _)| n).collect() };
    let wanted: Vec<String> = procedure.params.iter().map(|p| p.name.to_string()).collect();
    let fresh = defaults(state, procedure);
    let has = names(&form.text(N::With));
    let typing = form.focused().is_some_and(|field| field.name == N::With);
    if let Some(field) = form.field_mut(N::With) {
        if has != wanted && !typing {
            field.entry.set(&fresh);
        }
        field.proposed = fresh;
        field.hidden = procedure.params.is_empty();
    }
    let Some(card) = state.model.card(incident, &procedure.id, state.now) else { return };
    match exactly(state, form, &card) {
        Ok(lines) => {
            form.remarks.push(Remark::Head("Exactly this is sent".into()));
            form.remarks.extend(lines.into_iter().map(Remark::Plain));
        }
        Err(why) => form.remarks.push(Remark::Warn(why)),
    }
    form.remarks.push(Remark::Plain(SafeText::new(&who_approves(state, procedure))));
    if let Some(ladder) = state.model.ladder(&procedure.service) {
        form.remarks.push(Remark::Head(SafeText::new(&format!("Ladder of {}", ladder.service))));
        let clock = |at| state.as_typed(at);
        form.remarks.extend(ladder.lines(clock).into_iter().map(Remark::Plain));
    }
    form.remarks.push(Remark::Head("What is known".into()));
    form.remarks.extend(known(&card.lines));
}

/// The card as remarks: first what cannot be undone, and what speaks against it now.
fn known(card: &[(SafeText, SafeText)]) -> Vec<Remark> {
    let line = |(title, text): &(SafeText, SafeText)| SafeText::new(&format!("{title}: {text}"));
    let (warn, plain): (Vec<_>, Vec<_>) =
        card.iter().partition(|(title, _)| [IRREVERSIBLE, LEFT_OUT].contains(&title.as_str()));
    let warn = warn.into_iter().map(|one| Remark::Warn(line(one)));
    warn.chain(plain.into_iter().map(|one| Remark::Plain(line(one)))).collect()
}

/// Who may let it run.
fn who_approves(state: &State, procedure: &Procedure) -> String {
    let duties = &state.model.duties;
    if !procedure.second_person {
        return "Nobody else has to approve it.".to_owned();
    }
    if !duties.asks_second_person() {
        return format!(
            "Without a policy nobody can be a second person: {} is typed to release it.",
            procedure.id
        );
    }
    let able = |key: &crate::eventlog::KeyId| {
        duties.allows(*key, Power::Approve, state.now).is_ok()
            && duties.are_two_people(*key, state.key)
    };
    let keys = duties.keys.iter().flatten().filter(|(key, _)| able(key));
    let mut people: Vec<&str> = keys.map(|(_, grant)| grant.person.as_str()).collect();
    people.sort_unstable();
    people.dedup();
    if people.is_empty() {
        return "A second person has to approve it, and the policy lets nobody else.".to_owned();
    }
    format!("A second person has to approve it: {}.", people.join(", "))
}

/// The orders that the proposal would hold, or why there are none.
fn exactly(state: &State, form: &Form, card: &Card) -> Result<Vec<SafeText>, SafeText> {
    use crate::eventlog::{IncidentEvent, LogEvent};
    let doing = doing(form, card);
    let events = super::decide(state, &form.incident, &[doing]).map_err(|no| no.sentence)?;
    let orders = events.into_iter().find_map(|event| match event {
        LogEvent::Incident { event: IncidentEvent::RunProposed(run), .. } => Some(run.orders),
        _ => None,
    });
    Ok(orders.iter().flatten().flat_map(order_lines).collect())
}

fn values(text: &str) -> Vec<(String, String)> {
    let pairs = text.lines().filter(|line| !line.trim().is_empty()).map(|line| {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        (name.trim().to_owned(), value.trim().to_owned())
    });
    pairs.collect()
}

fn doing(form: &Form, card: &Card) -> Doing {
    Doing::ProposeRun {
        procedure: ProcedureId::new(&form.text(N::Procedure)),
        params: values(&form.text(N::With)),
        change: card.change.clone(),
        undoes: card.undoes,
        reason: form.text(N::Reason),
        card: card.lines.clone(),
    }
}

fn move_run(state: &State, incident: &Incident, id: RecordId, how: RunMove, run: &Run) -> Form {
    let typed = run.second_person && !state.model.duties.asks_second_person();
    let field = match how {
        RunMove::Approve => Field::new(N::Reason, Entry::line("")).hint("a note, may stay empty"),
        RunMove::Refuse => Field::new(N::Reason, Entry::line("")).hint("why it must not run"),
        RunMove::Stop => Field::new(N::Reason, Entry::line("")).hint("why, may stay empty"),
        RunMove::Release => {
            let mut field = Field::new(N::Typed, Entry::line("")).hint(run.procedure.as_str());
            field.hidden = !typed;
            field
        }
    };
    let title = match how {
        RunMove::Approve => "Approve: ",
        RunMove::Refuse => "Refuse: ",
        RunMove::Release => "Release: ",
        RunMove::Stop => "Stop: ",
    };
    let title = format!("{title}{}", run.title);
    let mut form = Form::new(Verb::MoveRun(id, how), incident.id.clone(), &title, vec![field]);
    let mut plain = |text: SafeText| form.remarks.push(Remark::Plain(text));
    plain(SafeText::new(&format!("proposed by {}: {}", run.by, run.reason)));
    if matches!(how, RunMove::Approve | RunMove::Release) {
        form.remarks.push(Remark::Head("Exactly this is sent".into()));
        form.remarks.extend(run.orders.iter().flat_map(order_lines).map(Remark::Plain));
        form.remarks.push(Remark::Head("What was known when it was proposed".into()));
        form.remarks.extend(known(&run.card));
    }
    form
}

pub(super) fn meant(state: &State, form: &Form) -> Meant {
    let doing = match form.verb {
        Verb::MoveRun(run, how) => {
            let note = form.text(N::Reason);
            match how {
                RunMove::Approve => Doing::AnswerRun { run, approved: true, note },
                RunMove::Refuse => {
                    let note = needed(form, N::Reason, "Because: say why it must not run.")?;
                    Doing::AnswerRun { run, approved: false, note }
                }
                RunMove::Release => Doing::ReleaseRun { run, typed: form.text(N::Typed) },
                RunMove::Stop => Doing::StopRun { run, reason: note },
            }
        }
        _ => {
            let nothing = || Wrong::new(N::Procedure, "The playbook declares no procedure.");
            let (incident, procedure) = chosen(state, form).ok_or_else(nothing)?;
            let card = state.model.card(incident, &procedure.id, state.now);
            doing(form, &card.ok_or_else(nothing)?)
        }
    };
    Ok(vec![doing])
}
