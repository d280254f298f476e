//! Running procedures: proposed with every request in full, approved by a second person, released, stopped.
//!
//! Nothing is sent here. What is sent later is exactly the orders of the proposal, which the approver read.

use crate::actions::runs::{RunStanding, Twin, twins};
use crate::domain::{
    Ask, EntryKind, Evidence, Form, Order, Param, Procedure, ProcedureId, RolloutVerb, SafeText,
    Span,
};
use crate::eventlog::{
    EntryMade, EntryPinned, IncidentEvent, KeyId, LogEvent, Power, RecordId, Recorded, RunAnswered,
    RunProposed, RunReleased, RunStopped,
};
use crate::model::incidents::Run;

use super::entries::no_such;
use super::texts::{self, WORDS};
use super::{Desk, Doing, Facts, Refusal, Rule};

/// What every frozen proof begins with.
const BEFORE: &str = "Before";
/// An approval counts for so long after the proposal.
const EXPIRES: Span = Span::from_mins(30);

pub(super) fn rule(desk: Desk<'_>, what: &Doing) -> Result<Facts, Refusal> {
    match what {
        Doing::ProposeRun { procedure, params, change, undoes, reason, card } => {
            let known = find(desk, procedure)?;
            desk.live("nothing is run for it")?;
            let reason = reason_for(desk, reason)?;
            let before = change.as_ref().map(|change| (&change.before, &change.after));
            let orders = orders(desk, known, params, before)?;
            if let Some(twin) = twins(desk.model, &orders, desk.now).next() {
                return refuse(Rule::Same, the_same(desk, &twin));
            }
            desk.one(RunProposed {
                procedure: known.id.clone(),
                title: known.title.clone(),
                kind: known.kind,
                service: known.service.clone(),
                orders,
                change: change.as_ref().map(|change| change.key.clone()),
                undoes: *undoes,
                reason,
                card: card.clone(),
                verify: known.verify.clone(),
                backup: known.backup.clone(),
                second_person: known.second_person,
                cancel_window: known.cancel_window,
                expires: desk.now.plus(EXPIRES),
            })
        }
        Doing::AnswerRun { run, approved, note } => answer(desk, *run, *approved, note),
        Doing::ReleaseRun { run, typed } => release(desk, *run, typed),
        Doing::StopRun { run, reason } => stop(desk, *run, reason),
        _ => Ok(Facts::default()),
    }
}

fn refuse<T>(rule: Rule, sentence: String) -> Result<T, Refusal> {
    Err(Refusal::new(rule, sentence))
}

fn find<'a>(desk: Desk<'a>, id: &ProcedureId) -> Result<&'a Procedure, Refusal> {
    let known = &desk.model.playbook.procedures.procedures;
    known.get(id).ok_or_else(|| {
        let names: Vec<&str> = known.keys().map(ProcedureId::as_str).collect();
        let names = match names.as_slice() {
            [] => "none is declared; add a [[procedure]] to the playbook".to_owned(),
            names => format!("declared are {}", names.join(", ")),
        };
        Refusal::new(Rule::NoSuch, format!("There is no procedure {id}; {names}."))
    })
}

/// Who asked for the same, how far that is, and what to do about it.
fn the_same(desk: Desk<'_>, twin: &Twin<'_>) -> String {
    let Twin { incident, id, run, standing } = twin;
    let (title, id) = (&run.title, &id.to_string()[..6]);
    let of = if incident.id == *desk.id { String::new() } else { format!(" in {}", incident.id) };
    let (by, at) = run.released.as_ref().map_or((&run.by, run.at), |(at, by)| (by, *at));
    let (by, at) = (desk.whom(by), desk.clock(at));
    match standing {
        RunStanding::Proposed | RunStanding::Approved => format!(
            "The same, “{title}” ({id}), was proposed{of} at {at} by {by}: answer or release that one, or \
             refuse it first."
        ),
        RunStanding::Unknown(_) => format!(
            "The same, “{title}” ({id}), was released{of} at {at} by {by}, and nobody can tell whether it \
             happened: look there and settle it first."
        ),
        _ => format!("The same, “{title}” ({id}), is under way{of}: released at {at} by {by}."),
    }
}

/// Why it is run; while changes are frozen it has to be said.
fn reason_for(desk: Desk<'_>, reason: &str) -> Result<SafeText, Refusal> {
    let freezes = &desk.model.playbook.procedures.freezes;
    let frozen = freezes.iter().find(|one| one.from <= desk.now && desk.now < one.to);
    match frozen {
        Some(freeze) if reason.trim().is_empty() => refuse(
            Rule::Empty,
            format!(
                "Changes are frozen until {} ({}). Say why this one cannot wait.",
                desk.clock(freeze.to),
                freeze.title
            ),
        ),
        _ => texts::any_text(reason, "reason", WORDS),
    }
}

/// Every step with its parameters filled in.
fn orders(
    desk: Desk<'_>,
    procedure: &Procedure,
    given: &[(String, String)],
    versions: Option<(&SafeText, &SafeText)>,
) -> Result<Vec<Order>, Refusal> {
    if let Some((name, _)) =
        given.iter().find(|(name, _)| procedure.params.iter().all(|param| *param.name != **name))
    {
        let known: Vec<&str> = procedure.params.iter().map(|param| param.name.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return refuse(
            Rule::NoSuch,
            format!("{} has no parameter {}; it has {known}.", procedure.id, SafeText::new(name)),
        );
    }
    let mut values: Vec<(&str, String)> =
        vec![("service", procedure.service.to_string()), ("incident", desk.id.to_string())];
    if let Some((before, after)) = versions {
        let known = [("before", before), ("after", after)];
        values.extend(
            known.into_iter().filter(|(_, v)| !v.is_empty()).map(|(name, v)| (name, v.to_string())),
        );
    }
    for param in &procedure.params {
        let said = given.iter().rev().find(|(name, _)| *param.name == **name);
        let raw = match (said, &param.default) {
            (Some((_, value)), _) => value.clone(),
            (None, Some(default)) => fill(default, &values).map_err(|hole| missing(param, hole))?,
            (None, None) => return Err(missing(param, "")),
        };
        let value = checked(param, &raw)?;
        values.push((param.name.as_str(), value));
    }
    let filled = |text: &SafeText| {
        fill(text, &values).map(|text| SafeText::new(&text)).map_err(|hole| {
            let sentence = format!(
                "It is not known what {{{hole}}} is here. Choose the change that is taken back, or name \
                 the value."
            );
            Refusal::new(Rule::Empty, sentence)
        })
    };
    let order = |step: &crate::domain::Step| {
        let ask = match &step.ask {
            Ask::Job { job, reference, params } => {
                let params = params.iter().map(|(name, value)| Ok((name.clone(), filled(value)?)));
                let params = params.collect::<Result<_, Refusal>>()?;
                Ask::Job { job: filled(job)?, reference: filled(reference)?, params }
            }
            Ask::Command { argv } => {
                let argv: Result<_, Refusal> = argv.iter().map(&filled).collect();
                Ask::Command { argv: argv? }
            }
            Ask::Weight { backend, server, weight } => Ask::Weight {
                backend: filled(backend)?,
                server: filled(server)?,
                weight: filled(weight)?,
            },
            Ask::Server { backend, server, state } => {
                Ask::Server { backend: filled(backend)?, server: filled(server)?, state: *state }
            }
            Ask::Flag { flag, environment, on } => {
                Ask::Flag { flag: filled(flag)?, environment: filled(environment)?, on: *on }
            }
            Ask::Rollout { namespace, name, verb } => Ask::Rollout {
                namespace: filled(namespace)?,
                name: filled(name)?,
                verb: match verb {
                    RolloutVerb::Undo { revision } => {
                        RolloutVerb::Undo { revision: filled(revision)? }
                    }
                    other => other.clone(),
                },
            },
        };
        let (title, pipeline) = (step.title.clone(), step.pipeline.clone());
        Ok(Order { title, pipeline, ask, deadline: step.deadline })
    };
    procedure.steps.iter().map(order).collect()
}

fn missing(param: &Param, hole: &str) -> Refusal {
    let more = if hole.is_empty() {
        String::new()
    } else {
        format!(" (it would be {{{hole}}}, which is not known: choose the change to take back)")
    };
    let name = &param.name;
    Refusal::new(Rule::Empty, format!("Say what the parameter {name} is{more}: {name}=…"))
}

/// A text with every `{name}` filled in, or the first name that has no value. What is filled in is never
/// looked at again.
fn fill<'t>(text: &'t str, values: &[(&str, String)]) -> Result<String, &'t str> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, left)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        let known = values.iter().rev().find(|(known, _)| *known == name).ok_or(name)?;
        out.push_str(&known.1);
        rest = left;
    }
    out.push_str(rest);
    Ok(out)
}

/// A value as its form allows it; passed on whole, or not at all.
fn checked(param: &Param, raw: &str) -> Result<String, Refusal> {
    let name = &param.name;
    let no = |rule: Rule, why: String| refuse(rule, format!("The parameter {name} {why}"));
    // A line break or an escape sequence would be another word, or another command, somewhere behind.
    if raw.chars().any(char::is_control) || *SafeText::new(raw) != *raw {
        return no(
            Rule::Matchers,
            "holds a line break or another character that cannot be seen; such a value is passed to nobody."
                .to_owned(),
        );
    }
    match &param.form {
        Form::Version => {
            let sign = |c: char| c.is_ascii_alphanumeric() || "._-+/".contains(c);
            if raw.is_empty() || raw.len() > 128 || raw.starts_with('-') || !raw.chars().all(sign) {
                return no(
                    Rule::Matchers,
                    format!(
                        "must be a version (letters, digits and . _ - + /, not beginning with -), not “{}”.",
                        SafeText::new(raw)
                    ),
                );
            }
        }
        Form::Whole { least, most } => match raw.parse::<i64>() {
            Ok(number) if (*least..=*most).contains(&number) => {}
            _ => {
                let said = SafeText::new(raw);
                return no(
                    Rule::Matchers,
                    format!("must be a whole number from {least} to {most}, not “{said}”."),
                );
            }
        },
        Form::Choice(of) => {
            if of.iter().all(|one| **one != *raw) {
                let of: Vec<&str> = of.iter().map(SafeText::as_str).collect();
                return no(Rule::Matchers, format!("must be one of {}.", of.join(", ")));
            }
        }
        Form::Text(most) => {
            if raw.chars().count() > usize::from(*most) {
                return no(Rule::TooLong, format!("is longer than {most} characters."));
            }
        }
    }
    Ok(raw.to_owned())
}

/// A run that nobody has decided yet.
fn open<'a>(desk: Desk<'a>, id: RecordId) -> Result<&'a Run, Refusal> {
    let incident = desk.unmerged()?;
    let run = incident.runs.get(&id).ok_or_else(|| no_such(desk, "run", id))?;
    if let Some((at, by)) = &run.released {
        let (by, at) = (desk.whom(by), desk.clock(*at));
        return refuse(Rule::Same, format!("“{}” was released at {at} by {by}.", run.title));
    }
    if let Some((_, by, at, _)) = &run.stopped {
        let (by, at) = (desk.whom(by), desk.clock(*at));
        return refuse(Rule::NotLive, format!("“{}” was stopped at {at} by {by}.", run.title));
    }
    Ok(run)
}

fn in_time(desk: Desk<'_>, run: &Run) -> Result<(), Refusal> {
    if desk.now <= run.expires {
        return Ok(());
    }
    refuse(
        Rule::Times,
        format!(
            "“{}” expired at {}: what was true then may not be now. Propose it anew.",
            run.title,
            desk.clock(run.expires)
        ),
    )
}

fn is_second(desk: Desk<'_>, run: &Run, key: KeyId) -> bool {
    desk.model.duties.are_two_people(run.key, key)
}

fn answer(desk: Desk<'_>, id: RecordId, approved: bool, note: &str) -> Result<Facts, Refusal> {
    let run = open(desk, id)?;
    desk.may(Power::Approve)?;
    desk.proven("answer for what is run")?;
    let own = run.by == desk.by.actor || run.key == desk.by.key;
    let second = !desk.model.duties.asks_second_person() || is_second(desk, run, desk.by.key);
    if approved && (own || !second) {
        return refuse(
            Rule::Approval,
            "You proposed this; somebody else has to approve it, with a key of their own."
                .to_owned(),
        );
    }
    let note = if approved {
        in_time(desk, run)?;
        texts::any_text(note, "note on the run", WORDS)?
    } else {
        texts::text(note, "reason why it must not run", WORDS)?
    };
    desk.one(RunAnswered { run: id, approved, note })
}

fn release(desk: Desk<'_>, id: RecordId, typed: &str) -> Result<Facts, Refusal> {
    let run = open(desk, id)?;
    in_time(desk, run)?;
    desk.live("nothing is run for it")?;
    if let Some(no) = run.answers.iter().find(|answer| !answer.approved) {
        return refuse(
            Rule::Approval,
            format!("{} did not approve “{}”: {}. Propose it anew.", no.by, run.title, no.note),
        );
    }
    if run.second_person && desk.model.duties.asks_second_person() {
        let approved = run.answers.iter().any(|answer| {
            let able = desk.model.duties.allows(answer.key, Power::Approve, desk.now).is_ok();
            answer.approved && able && is_second(desk, run, answer.key)
        });
        if !approved {
            return refuse(
                Rule::Approval,
                format!(
                    "“{}” waits for a second person. {}",
                    run.title,
                    desk.who_has(Power::Approve)
                ),
            );
        }
    } else if run.second_person && typed.trim() != run.procedure.as_str() {
        // Nobody can be told apart without a policy; typing its name is no slip.
        return refuse(
            Rule::Approval,
            format!(
                "Without a policy nobody can be a second person. Type the procedure's name to release it: {}",
                run.procedure
            ),
        );
    }
    let begun = |twin: &Twin<'_>| twin.id != id && twin.run.released.is_some();
    if let Some(twin) = twins(desk.model, &run.orders, desk.now).find(begun) {
        return refuse(Rule::Same, the_same(desk, &twin));
    }
    let mut made = vec![desk.fact(RunReleased { run: id })];
    if run.is_frozen_before() {
        made.extend(proofs(desk, id, run));
    }
    Ok(Facts { made, following: Vec::new() })
}

/// What is known of the service at this moment: recorded with the release or not at all, so that nothing is
/// sent without it, and whoever releases it first freezes it once.
fn proofs(desk: Desk<'_>, id: RecordId, run: &Run) -> Vec<LogEvent> {
    let snapshot = desk.model.snapshot(&run.service, desk.now);
    let entry = |text: &str, happened, evidence| {
        desk.fact(EntryMade {
            kind: EntryKind::Evidence,
            text: SafeText::body(text),
            happened,
            spoken_by: None,
            evidence,
            about: Some(id),
        })
    };
    let words = format!("{BEFORE} “{}”: {}", run.title, snapshot.words);
    // A source's clock may be ahead; what was seen is never later than now.
    let course = |(text, proof): (SafeText, Evidence)| {
        let text = format!("{BEFORE} “{}”: {text}", run.title);
        entry(&text, Some(proof.to.min(desk.now)), Some(proof))
    };
    std::iter::once(entry(&words, None, None))
        .chain(snapshot.courses.into_iter().map(course))
        .collect()
}

/// Of the facts that were recorded with a release, the entry that says how things stood is pinned, so that it
/// stays in sight when the fault is gone.
pub fn to_pin(recorded: &[Recorded]) -> Option<LogEvent> {
    let released = recorded.iter().find_map(|record| match &record.event {
        Some(LogEvent::Incident { event: IncidentEvent::RunReleased(one), .. }) => Some(one.run),
        _ => None,
    })?;
    recorded.iter().find_map(|record| match &record.event {
        Some(LogEvent::Incident { incident, event: IncidentEvent::EntryMade(entry) })
            if entry.about == Some(released) && entry.evidence.is_none() =>
        {
            let event = EntryPinned { entry: record.id, pinned: true }.into();
            Some(LogEvent::Incident { incident: incident.clone(), event })
        }
        _ => None,
    })
}

fn stop(desk: Desk<'_>, id: RecordId, reason: &str) -> Result<Facts, Refusal> {
    let incident = desk.unmerged()?;
    let run = incident.runs.get(&id).ok_or_else(|| no_such(desk, "run", id))?;
    if run.stopped.is_some() {
        return refuse(Rule::Same, format!("“{}” is stopped already.", run.title));
    }
    let before = u16::try_from(run.steps.len()).unwrap_or(u16::MAX);
    if usize::from(before) >= run.orders.len() {
        return refuse(
            Rule::NotLive,
            format!(
                "The last step of “{}” has begun, so nothing is left to stop here. Stop it at its pipeline, \
                 or run what takes it back.",
                run.title
            ),
        );
    }
    let reason = texts::any_text(reason, "reason", WORDS)?;
    desk.one(RunStopped { run: id, before, reason })
}
