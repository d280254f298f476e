//! Work: tasks with one owner and a time, workstreams with a lead, their reports, and splitting when one
//! person has too many of them.

use std::collections::BTreeSet;

use crate::domain::{Actor, Role, SafeText, Span, TeamId};
use crate::eventlog::{
    CanReported, RecordId, TaskGiven, TaskMoved, TaskStep, WorkstreamMoved, WorkstreamOpened,
    WorkstreamStep,
};
use crate::model::incidents::{Incident, Task, Workstream};

use super::entries::no_such;
use super::texts::{self, WORDS};
use super::{Desk, Doing, Facts, Refusal, Rule};

/// A task is called back on within so long; what takes longer belongs into a ticket.
const LONGEST_TASK: Span = Span::from_days(30);

pub(super) fn rule(desk: Desk<'_>, what: &Doing) -> Result<Facts, Refusal> {
    match what {
        Doing::Task { text, owner, due, workstream } => {
            let incident = desk.live("no tasks are given in it; open a ticket for what is left")?;
            let text = texts::text(text, "task", WORDS)?;
            let owner = texts::person(owner, "owner of the task")?;
            desk.ahead(*due, "time to call back", LONGEST_TASK)?;
            if let Some(workstream) = workstream {
                open_stream(desk, incident, *workstream)?;
            }
            desk.one(TaskGiven { text, owner, due: *due, workstream: *workstream })
        }
        Doing::MoveTask { task, step, note } => move_task(desk, *task, step, note),
        Doing::OpenWorkstream { name, team, lead, parent } => {
            let incident = desk.live("no workstreams are opened in it")?;
            if let Some(parent) = parent {
                open_stream(desk, incident, *parent)?;
            }
            let event = stream(desk, incident, (name, team.as_ref(), lead), *parent, Vec::new())?;
            desk.one(event)
        }
        Doing::MoveWorkstream { workstream, step } => move_stream(desk, *workstream, step),
        Doing::Split { groups } => split(desk, groups),
        Doing::Report { workstream, conditions, actions, needs } => {
            let incident = desk.live("no reports are taken in it")?;
            open_stream(desk, incident, *workstream)?;
            let conditions = texts::any_text(conditions, "conditions", WORDS)?;
            let actions = texts::any_text(actions, "actions", WORDS)?;
            let needs = texts::any_text(needs, "needs", WORDS)?;
            if [&conditions, &actions, &needs].iter().all(|said| said.is_empty()) {
                return refuse(
                    Rule::Empty,
                    "The report is empty. Say how things stand, what is being done, or what is needed."
                        .to_owned(),
                );
            }
            desk.one(CanReported { workstream: *workstream, conditions, actions, needs })
        }
        _ => Ok(Facts::default()),
    }
}

fn refuse<T>(rule: Rule, sentence: String) -> Result<T, Refusal> {
    Err(Refusal::new(rule, sentence))
}

fn move_task(desk: Desk<'_>, id: RecordId, step: &TaskStep, note: &str) -> Result<Facts, Refusal> {
    let incident = desk.incident()?;
    let task = incident.tasks.get(&id).ok_or_else(|| no_such(desk, "task", id))?;
    if let Some((at, done, _)) = &task.ended {
        let (how, at) = (if *done { "done" } else { "dropped" }, desk.clock(*at));
        return refuse(Rule::Same, format!("That task was {how} at {at}. Give a new one."));
    }
    let mut note = texts::any_text(note, "note on the task", WORDS)?;
    let step = match step {
        TaskStep::Acknowledged => {
            if let Some(at) = task.acknowledged {
                let at = desk.clock(at);
                return refuse(Rule::Same, format!("{} heard that task at {at}.", task.owner));
            }
            hears(desk, incident, task)?;
            TaskStep::Acknowledged
        }
        TaskStep::Given(to) => {
            let to = texts::person(to, "owner of the task")?;
            if to == task.owner {
                return refuse(Rule::Same, format!("{to} has that task already."));
            }
            TaskStep::Given(to)
        }
        TaskStep::Extended(until) => {
            desk.ahead(*until, "time to call back", LONGEST_TASK)?;
            if *until <= task.due {
                return refuse(
                    Rule::Times,
                    format!("That task has time until {} already.", desk.clock(task.due)),
                );
            }
            TaskStep::Extended(*until)
        }
        TaskStep::Done => TaskStep::Done,
        TaskStep::Dropped => {
            note = texts::text(&note, "reason for dropping the task", WORDS)?;
            TaskStep::Dropped
        }
    };
    desk.one(TaskMoved { task: id, step, note })
}

/// An acknowledgement is the owner's, or of those who hear it on the call.
fn hears(desk: Desk<'_>, incident: &Incident, task: &Task) -> Result<(), Refusal> {
    let me = &desk.by.actor;
    let holds = |role| incident.roles.get(&role).into_iter().flatten().any(|one| one.who == *me);
    let commands = incident.command.as_ref().is_some_and(|command| command.commander == *me);
    if *me == task.owner || commands || holds(Role::Deputy) || holds(Role::Scribe) {
        return Ok(());
    }
    refuse(
        Rule::NotYours,
        format!(
            "Only {} can say that they heard it, or whoever commands or writes for them.",
            task.owner
        ),
    )
}

fn open_stream<'a>(
    desk: Desk<'_>,
    incident: &'a Incident,
    id: RecordId,
) -> Result<&'a Workstream, Refusal> {
    let stream = incident.workstreams.get(&id).ok_or_else(|| no_such(desk, "workstream", id))?;
    match stream.closed {
        None => Ok(stream),
        Some(at) => refuse(
            Rule::NotLive,
            format!(
                "The workstream {} was closed at {}. Open a new one.",
                stream.name,
                desk.clock(at)
            ),
        ),
    }
}

fn stream(
    desk: Desk<'_>,
    incident: &Incident,
    (name, team, lead): (&str, Option<&TeamId>, &Actor),
    parent: Option<RecordId>,
    takes: Vec<RecordId>,
) -> Result<WorkstreamOpened, Refusal> {
    let name = texts::line(name, "name of the workstream")?;
    let lead = texts::person(lead, "lead of the workstream")?;
    let mut open = incident.workstreams.values().filter(|one| one.closed.is_none());
    if let Some(known) = open.find(|one| one.name.eq_ignore_ascii_case(&name)) {
        return refuse(
            Rule::Taken,
            format!(
                "{} leads a workstream {} already. Choose another name.",
                known.lead, known.name
            ),
        );
    }
    let teams = &desk.model.playbook.teams;
    if let Some(team) = team.filter(|team| !teams.is_empty() && !teams.contains_key(*team)) {
        let known: Vec<&str> = teams.keys().map(TeamId::as_str).collect();
        return refuse(
            Rule::NoSuch,
            format!("There is no team {team} in the playbook; known are {}.", known.join(", ")),
        );
    }
    Ok(WorkstreamOpened { name, team: team.cloned(), lead, parent, takes })
}

fn move_stream(desk: Desk<'_>, id: RecordId, step: &WorkstreamStep) -> Result<Facts, Refusal> {
    let incident = desk.unmerged()?;
    let known = open_stream(desk, incident, id)?;
    let step = match step {
        WorkstreamStep::Led(lead) => {
            let lead = texts::person(lead, "lead of the workstream")?;
            if lead == known.lead {
                return refuse(Rule::Same, format!("{lead} leads {} already.", known.name));
            }
            WorkstreamStep::Led(lead)
        }
        WorkstreamStep::Blocked(by) => {
            let by = texts::any_text(by, "blocker", WORDS)?;
            if by.is_empty() && known.blocker.is_none() {
                return refuse(Rule::Same, format!("Nothing blocks {}.", known.name));
            }
            WorkstreamStep::Blocked(by)
        }
        WorkstreamStep::Under(parent) => {
            if *parent == known.parent {
                return refuse(Rule::Same, format!("{} is there already.", known.name));
            }
            if let Some(parent) = parent {
                open_stream(desk, incident, *parent)?;
                above(incident, *parent, id, known)?;
            }
            WorkstreamStep::Under(*parent)
        }
        WorkstreamStep::Closed => WorkstreamStep::Closed,
    };
    desk.one(WorkstreamMoved { workstream: id, step })
}

/// Refuses to put a workstream under itself or a part of itself.
fn above(
    incident: &Incident,
    parent: RecordId,
    id: RecordId,
    known: &Workstream,
) -> Result<(), Refusal> {
    let mut up = Some(parent);
    let mut seen = BTreeSet::new();
    while let Some(at) = up.filter(|at| seen.insert(*at)) {
        if at == id {
            return refuse(Rule::Same, format!("{} cannot be a part of itself.", known.name));
        }
        up = incident.workstreams.get(&at).and_then(|one| one.parent);
    }
    Ok(())
}

fn split(desk: Desk<'_>, groups: &[(String, Actor, Vec<RecordId>)]) -> Result<Facts, Refusal> {
    let incident = desk.live("it is not split any more")?;
    if groups.is_empty() {
        return refuse(Rule::Nothing, "Name at least one new lead to split to.".to_owned());
    }
    let (mut names, mut moved) = (BTreeSet::new(), BTreeSet::new());
    let mut made = Vec::new();
    for (name, lead, takes) in groups {
        let event = stream(desk, incident, (name, None, lead), None, takes.clone())?;
        if takes.is_empty() {
            return refuse(
                Rule::Nothing,
                format!(
                    "{} would lead nothing. Put workstreams under it, or leave it out.",
                    event.name
                ),
            );
        }
        if !names.insert(SafeText::new(&event.name.to_lowercase())) {
            return refuse(
                Rule::Taken,
                format!("Two of the new workstreams are called {}.", event.name),
            );
        }
        for id in takes {
            let known = open_stream(desk, incident, *id)?;
            if !moved.insert(*id) {
                return refuse(
                    Rule::Same,
                    format!("{} would be in two places. Put it under one lead.", known.name),
                );
            }
        }
        made.push(desk.fact(event));
    }
    Ok(Facts { made, ..Facts::default() })
}
