//! Who is asked to do what: tasks, workstreams and their reports, decisions.

use crate::actions::{Doing, pick};
use crate::app::{
    DecisionMove, Entry, Field, FieldName as N, Form, Pick, Remark, State, TaskMove, Verb,
};
use crate::domain::{SafeText, TeamId};
use crate::eventlog::{DecisionStep, RecordId, TaskStep, WorkstreamStep};
use crate::model::incidents::{Decision, Incident, Workstream};

use super::{Meant, Wrong, known, moment, needed};

pub(super) fn form(state: &State, incident: &Incident, verb: Verb) -> Form {
    let id = incident.id.clone();
    let people = |text: &str| Entry::Pick(Pick::one(text, known::people(state, Some(incident))));
    match verb {
        Verb::Task => {
            let chosen = state.ui.incident.workstream.filter(|_| on_workstreams(state));
            let chosen = chosen.and_then(|id| incident.workstreams.get(&id));
            let (stream, lead) =
                chosen.map_or(("", String::new()), |s| (s.name.as_str(), s.lead.to_string()));
            let streams = Pick::one(stream, known::workstreams(incident));
            let fields = vec![
                Field::new(N::Text, Entry::line(""))
                    .hint("what is to be done; end it with ? for an answer"),
                Field::new(N::Owner, people(&lead)).hint("one person, by name"),
                Field::new(N::Workstream, Entry::Pick(streams)).hint("none"),
                Field::new(N::Due, Entry::ahead("10m")).hint("when you call back: 10m or 15:00"),
            ];
            Form::new(verb, id, &format!("Task in {}", incident.id), fields).starting(N::Text)
        }
        Verb::MoveTask(task, how) => {
            let (title, hint) = match how {
                TaskMove::Done => ("Task done", "what came of it"),
                TaskMove::Give => ("Give the task to somebody else", ""),
                TaskMove::Drop => ("Drop the task", "why it is no longer needed"),
            };
            let field = match how {
                TaskMove::Give => Field::new(N::Owner, people("")).hint("one person, by name"),
                _ => Field::new(N::Reason, Entry::line("")).hint(hint),
            };
            let mut form = Form::new(verb, id, title, vec![field]);
            if let Some(task) = incident.tasks.get(&task) {
                let text = format!("{}: {}", task.owner, task.text);
                form.remarks.push(Remark::Plain(SafeText::new(&text)));
            }
            form
        }
        Verb::Workstream => {
            let team = Pick::one("", known::teams(state));
            let fields = vec![
                Field::new(N::Name, Entry::line(""))
                    .hint("what it is called: database, network, customers"),
                Field::new(N::Team, Entry::Pick(team)).hint("no particular team"),
                Field::new(N::Parent, Entry::Pick(Pick::one("", known::workstreams(incident))))
                    .hint("reports to the commander"),
                Field::new(N::Lead, people("")).hint("who leads it"),
            ];
            Form::new(verb, id, &format!("Workstream in {}", incident.id), fields).starting(N::Name)
        }
        Verb::Report => report(state, incident),
        Verb::Split => split(state, incident),
        Verb::Decide => {
            let fields = vec![
                Field::new(N::Text, Entry::line("")).hint("what is proposed"),
                Field::new(N::Options, Entry::lines(""))
                    .hint("what else could be done, one a line"),
                Field::new(N::Expected, Entry::line(""))
                    .hint("what should happen then, and how it is seen"),
                Field::new(N::Owner, people(state.me.name())).hint("who carries it out"),
                Field::new(N::Review, Entry::ahead("15m")).hint("when it is looked at again"),
            ];
            Form::new(verb, id, &format!("Decision in {}", incident.id), fields).starting(N::Text)
        }
        Verb::MoveDecision(decision, how) => move_decision(incident, decision, how),
        // Every other verb has its form elsewhere.
        other => Form::new(other, id, "", Vec::new()),
    }
}

fn on_workstreams(state: &State) -> bool {
    state.ui.screen == crate::actions::Screen::Incident
        && state.ui.incident.pane == crate::app::IncidentPane::Workstreams
}

/// The workstream a report is about: the selected one, else the first that this person leads.
fn reported(state: &State, incident: &Incident) -> Option<RecordId> {
    let open = known::open_workstreams(incident);
    let selected =
        state.ui.incident.workstream.filter(|id| on_workstreams(state) && open.contains_key(id));
    let led = || open.iter().find(|(_, s)| s.lead == state.me).map(|(id, _)| *id);
    selected.or_else(led).or_else(|| open.keys().next().copied())
}

fn report(state: &State, incident: &Incident) -> Form {
    let open = known::open_workstreams(incident);
    let about = reported(state, incident);
    let at = open.keys().position(|id| Some(*id) == about).unwrap_or(0);
    let stream = about.and_then(|id| open.get(&id).copied());
    let blocker = stream.and_then(|s| s.blocker.as_deref()).unwrap_or_default().to_owned();
    let lead = stream.map_or_else(String::new, |s| s.lead.to_string());
    let names = open.values().map(|s| s.name.clone());
    let fields = vec![
        Field::new(N::Workstream, Entry::choice(names, at)),
        Field::new(N::Conditions, Entry::line("")).hint("how things stand"),
        Field::new(N::Actions, Entry::line("")).hint("what is being done"),
        Field::new(N::Needs, Entry::line("")).hint("what is needed; nothing"),
        Field::new(N::Blocker, Entry::line(&blocker)).hint("nothing stops it"),
        Field::new(N::Lead, Entry::Pick(Pick::one(&lead, known::people(state, Some(incident)))))
            .hint("who leads it from now on"),
        Field::new(N::Way, Entry::choice(["go on", "end the workstream"], 0)),
    ];
    Form::new(Verb::Report, incident.id.clone(), "Conditions, actions, needs", fields)
        .starting(N::Conditions)
}

/// Those who report to the commander, in two groups under the first of each.
fn split(state: &State, incident: &Incident) -> Form {
    let open = known::open_workstreams(incident);
    let direct: Vec<&Workstream> = open.values().copied().filter(|s| s.parent.is_none()).collect();
    let half = direct.len().div_ceil(2).max(1);
    let line = |part: &[&Workstream]| {
        let names: Vec<&str> = part.iter().map(|s| s.name.as_str()).collect();
        let first = part.first()?;
        Some(format!("{} group / {}: {}", first.name, first.lead, names.join(", ")))
    };
    let groups: Vec<String> = direct.chunks(half).filter_map(line).collect();
    let fields = vec![
        Field::new(N::Groups, Entry::lines(&groups.join("\n")))
            .hint("one a line: name / lead: workstream, workstream"),
    ];
    let mut form =
        Form::new(Verb::Split, incident.id.clone(), "Put workstreams under leads", fields);
    let text = format!(
        "{} workstreams report to the commander; about {} is what one person can hold.",
        direct.len(),
        state.model.playbook.most_reports
    );
    form.remarks.push(Remark::Plain(SafeText::new(&text)));
    form
}

fn move_decision(incident: &Incident, decision: RecordId, how: DecisionMove) -> Form {
    let (title, hint) = match how {
        DecisionMove::Object => ("Object", "what speaks strongly against it"),
        DecisionMove::Take => ("Take the decision", "why; may stay empty"),
        DecisionMove::Reject => ("Reject the proposal", "why it is not done"),
        DecisionMove::Review => ("Look at the decision again", "what followed"),
    };
    let known = incident.decisions.get(&decision);
    let mut fields = Vec::new();
    if let (DecisionMove::Take, Some(known)) = (how, known) {
        let options = std::iter::once(&known.proposal).chain(&known.options);
        fields.push(Field::new(N::Option, Entry::choice(options.cloned(), 0)));
    }
    fields.push(Field::new(N::Reason, Entry::line("")).hint(hint));
    let verb = Verb::MoveDecision(decision, how);
    let mut form = Form::new(verb, incident.id.clone(), title, fields);
    form.remarks = known.map(about_decision).unwrap_or_default();
    form
}

fn about_decision(decision: &Decision) -> Vec<Remark> {
    let mut remarks = vec![Remark::Plain(decision.proposal.clone())];
    if !decision.expected.is_empty() {
        let text = format!("Expected: {}", decision.expected);
        remarks.push(Remark::Plain(SafeText::new(&text)));
    }
    for (who, what) in &decision.objections {
        let text = format!("{who} objects: {what}");
        remarks.push(Remark::Warn(SafeText::new(&text)));
    }
    remarks
}

pub(super) fn reshape(state: &State, form: &mut Form) {
    let Some(incident) = state.model.incidents.incidents.get(&form.incident) else { return };
    if form.verb == Verb::Workstream {
        let none = known::open_workstreams(incident).is_empty();
        if let Some(field) = form.field_mut(N::Parent) {
            field.hidden = none;
        }
        return;
    }
    if form.verb == Verb::Task {
        let none = known::open_workstreams(incident).is_empty();
        if let Some(field) = form.field_mut(N::Workstream) {
            field.hidden = none;
        }
        form.remarks.clear();
        let owner = form.text(N::Owner);
        let open = incident.tasks.values().filter(|t| t.ended.is_none() && t.owner.name() == owner);
        let open = open.count();
        if open > 0 {
            let text = format!("{owner} has {open} open task(s) already.");
            form.remarks.push(Remark::Plain(SafeText::new(&text)));
        }
        return;
    }
    // A report: what was said last, so that only the news need be written.
    let name = form.text(N::Workstream);
    let stream =
        known::workstream_named(incident, &name).and_then(|id| incident.workstreams.get(&id));
    form.remarks.clear();
    if let Some(can) = stream.and_then(|s| s.reports.last()) {
        let ago = state.now.since(can.at);
        let text = format!(
            "{} ago {}: {} / {} / {}",
            super::said::rough(ago),
            can.by,
            can.conditions,
            can.actions,
            can.needs
        );
        form.remarks.push(Remark::Plain(SafeText::new(&text)));
    }
}

pub(super) fn meant(state: &State, form: &Form) -> Meant {
    let incident = state.model.incidents.incidents.get(&form.incident);
    let stream = |name: N| -> Result<Option<RecordId>, Wrong> {
        let text = form.text(name);
        if text.is_empty() {
            return Ok(None);
        }
        let found = incident.and_then(|i| known::workstream_named(i, &text));
        found.map(Some).ok_or_else(|| {
            Wrong::new(
                name,
                &format!("There is no open workstream `{text}`; leave it empty or choose one."),
            )
        })
    };
    let who = |name, what: &str| needed(form, name, what).map(|text| known::person(state, &text));
    let doing = match form.verb {
        Verb::Task => Doing::Task {
            text: needed(form, N::Text, "What: say what is to be done.")?,
            owner: who(N::Owner, "Owner: a task has one person by name; `me` is you.")?,
            due: moment(state, form, N::Due)?.ok_or_else(|| {
                Wrong::new(N::Due, "Within: say when you call back, such as 10m.")
            })?,
            workstream: stream(N::Workstream)?,
        },
        Verb::MoveTask(task, how) => Doing::MoveTask {
            task,
            step: match how {
                TaskMove::Done => TaskStep::Done,
                TaskMove::Drop => TaskStep::Dropped,
                TaskMove::Give => {
                    TaskStep::Given(who(N::Owner, "Owner: say who does it; `me` is you.")?)
                }
            },
            note: form.text(N::Reason),
        },
        Verb::Workstream => {
            let team = form.text(N::Team);
            Doing::OpenWorkstream {
                name: needed(form, N::Name, "Name: say what it is called.")?,
                team: (!team.is_empty()).then(|| TeamId::new(&team)),
                lead: who(N::Lead, "Lead: a workstream has one lead; `me` is you.")?,
                parent: stream(N::Parent)?,
            }
        }
        Verb::Report => return report_meant(state, form, stream(N::Workstream)?),
        Verb::Split => {
            let groups = pick::groups(incident, &form.text(N::Groups));
            Doing::Split { groups: groups.map_err(|why| Wrong::new(N::Groups, &why))? }
        }
        Verb::Decide => {
            let owner = form.text(N::Owner);
            let options = form.text(N::Options);
            Doing::Propose {
                proposal: needed(form, N::Text, "What: say what is proposed.")?,
                options: lines(&options).map(str::to_owned).collect(),
                owner: if owner.is_empty() {
                    state.me.clone()
                } else {
                    known::person(state, &owner)
                },
                expected: form.text(N::Expected),
                review: moment(state, form, N::Review)?,
            }
        }
        Verb::MoveDecision(decision, how) => Doing::Decide {
            decision,
            step: match how {
                DecisionMove::Object => DecisionStep::Objected,
                DecisionMove::Reject => DecisionStep::Rejected,
                DecisionMove::Review => DecisionStep::Reviewed,
                // The first choice is the proposal itself, the options follow.
                DecisionMove::Take => {
                    let option = form.choice(N::Option).checked_sub(1);
                    DecisionStep::Taken(option.and_then(|at| u16::try_from(at).ok()))
                }
            },
            note: form.text(N::Reason),
        },
        _ => return Ok(Vec::new()),
    };
    Ok(vec![doing])
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// A report, a new blocker or none, another lead, the end: each only when it was said.
fn report_meant(state: &State, form: &Form, workstream: Option<RecordId>) -> Meant {
    let Some(workstream) = workstream else {
        let keys = state.keymap.keys_for(crate::actions::Action::Workstream);
        let key = keys.first().copied().unwrap_or(":workstream");
        let why = format!("There is no open workstream to report from; {key} opens one.");
        return Err(Wrong::new(N::Workstream, &why));
    };
    let text = |name| form.text(name);
    let typed = |name| form.field(name).is_some_and(|f| f.is_typed());
    let mut doings = Vec::new();
    if [N::Conditions, N::Actions, N::Needs].into_iter().any(|name| !text(name).is_empty()) {
        doings.push(Doing::Report {
            workstream,
            conditions: needed(form, N::Conditions, "Conditions: say how things stand.")?,
            actions: text(N::Actions),
            needs: text(N::Needs),
        });
    }
    let mut step = |step| doings.push(Doing::MoveWorkstream { workstream, step });
    if typed(N::Blocker) {
        step(WorkstreamStep::Blocked(SafeText::new(&text(N::Blocker))));
    }
    if typed(N::Lead) && !text(N::Lead).is_empty() {
        step(WorkstreamStep::Led(known::person(state, &text(N::Lead))));
    }
    if form.choice(N::Way) == 1 {
        step(WorkstreamStep::Closed);
    }
    if doings.is_empty() {
        return Err(Wrong::new(N::Conditions, "Conditions: say how things stand."));
    }
    Ok(doings)
}
