//! Verbs that take options besides their words: who a decision is carried out by, which workstream a task
//! belongs to, what is said anew of an incident, which leads workstreams are put under.

use anyhow::anyhow;
use clap::Args;

use super::asked::{self, Words};
use super::{Desk, Which, said};
use crate::actions::when::{Toward, moment};
use crate::actions::{Doing, pick};
use crate::cli::{Common, Exit, Look};
use crate::domain::{Actor, Impact, SafeText, ServiceId, Timestamp};

/// A task, or a step of one.
#[derive(Debug, Args)]
pub(in crate::cli) struct Task {
    /// The workstream a new task belongs to, by name or the beginning of its id.
    #[arg(long, value_name = "NAME")]
    workstream: Option<String>,
    #[command(flatten)]
    words: Words,
}

/// A decision, or a step of one.
#[derive(Debug, Args)]
pub(in crate::cli) struct Decide {
    /// Who carries out what is proposed [default: you].
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// What should happen then, and how it is seen.
    #[arg(long, value_name = "TEXT")]
    expected: Option<String>,
    /// When it is looked at again: 15m, 15:30 (UTC), or RFC 3339.
    #[arg(long, value_name = "WHEN")]
    review: Option<String>,
    #[command(flatten)]
    words: Words,
}

/// What is said anew. What is not given stays as it is.
#[derive(Debug, Args)]
pub(in crate::cli) struct Describe {
    #[command(flatten)]
    which: Which,
    /// What is wrong, in one line.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Services that are hurt, separated by commas; empty names none.
    #[arg(long, value_name = "NAMES")]
    services: Option<String>,
    /// Who is hurt and how.
    #[arg(long, value_name = "TEXT")]
    impact: Option<String>,
    /// Which part, region or share of them.
    #[arg(long, value_name = "TEXT")]
    scope: Option<String>,
    /// When it began: 10m ago is `10m`, 14:05 (UTC), or RFC 3339.
    #[arg(long, value_name = "WHEN")]
    onset: Option<String>,
}

/// Workstreams under leads of their own.
#[derive(Debug, Args)]
pub(in crate::cli) struct Split {
    #[command(flatten)]
    which: Which,
    /// One group each: `name / lead: workstream, workstream`.
    #[arg(required = true, value_name = "GROUP")]
    groups: Vec<String>,
}

/// Gives a task or moves one on.
pub(in crate::cli) fn task(common: &Common, look: &Look, task: &Task) -> anyhow::Result<Exit> {
    asked::act_with(common, look, "task", &task.words, |desk, incident, doing| {
        let Some(name) = &task.workstream else { return Ok(()) };
        let Doing::Task { workstream, .. } = doing else {
            anyhow::bail!("--workstream belongs to a new task; this one has its place already");
        };
        let known = desk.world.model.incidents.incidents.get(incident);
        let open = known.into_iter().flat_map(|one| &one.workstreams);
        let open = open.filter(|(_, stream)| stream.closed.is_none());
        let named = open.map(|(id, stream)| (*id, stream.name.as_str()));
        *workstream = Some(pick::record(named, name, "workstream").map_err(said)?);
        Ok(())
    })
}

/// Proposes a decision or moves one on.
pub(in crate::cli) fn decide(
    common: &Common,
    look: &Look,
    decide: &Decide,
) -> anyhow::Result<Exit> {
    asked::act_with(common, look, "decide", &decide.words, |desk, _, doing| {
        let given = decide.owner.is_some() || decide.expected.is_some() || decide.review.is_some();
        let Doing::Propose { owner, expected, review, .. } = doing else {
            if given {
                anyhow::bail!("--owner, --expected and --review belong to a proposal");
            }
            return Ok(());
        };
        if let Some(name) = &decide.owner {
            *owner = Actor::new(name);
        }
        if let Some(text) = &decide.expected {
            expected.clone_from(text);
        }
        if let Some(text) = &decide.review {
            *review = Some(at(desk, text, Toward::Future)?);
        }
        Ok(())
    })
}

/// Says anew what an incident is about.
pub(in crate::cli) fn describe(
    common: &Common,
    look: &Look,
    describe: &Describe,
) -> anyhow::Result<Exit> {
    let Describe { which, title, services, impact, scope, onset } = describe;
    if [title, services, impact, scope, onset].into_iter().all(Option::is_none) {
        anyhow::bail!("say what changes: --title, --services, --impact, --scope or --onset");
    }
    let mut desk = Desk::open(common, look)?;
    let id = desk.incident(which)?;
    let known = desk.world.model.incidents.incidents.get(&id).map(|one| one.impact.clone());
    let known = known.unwrap_or_default();
    let text = |new: &Option<String>, old: SafeText| new.as_deref().map_or(old, SafeText::new);
    let said_anew = impact.is_some() || scope.is_some();
    let doing = Doing::Describe {
        title: title.clone(),
        services: services.as_deref().map(|names| {
            let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
            names.map(ServiceId::new).collect()
        }),
        impact: said_anew.then(|| Impact {
            sentence: text(impact, known.sentence),
            scope: text(scope, known.scope),
        }),
        onset: onset.as_deref().map(|text| at(&desk, text, Toward::Past)).transpose()?,
    };
    desk.record(&id, &doing)?;
    Ok(desk.tell(&id, which.json))
}

/// Puts workstreams under leads of their own.
pub(in crate::cli) fn split(common: &Common, look: &Look, split: &Split) -> anyhow::Result<Exit> {
    let mut desk = Desk::open(common, look)?;
    let id = desk.incident(&split.which)?;
    let incident = desk.world.model.incidents.incidents.get(&id);
    let groups =
        pick::groups(incident, &split.groups.join("\n")).map_err(|why| anyhow!("{why}"))?;
    desk.record(&id, &Doing::Split { groups })?;
    Ok(desk.tell(&id, split.which.json))
}

fn at(desk: &Desk, text: &str, toward: Toward) -> anyhow::Result<Timestamp> {
    moment(text, desk.now, 0, toward)
        .ok_or_else(|| anyhow!("`{text}` is not a time such as 20m, 15:30 or RFC 3339"))
}
