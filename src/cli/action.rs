//! `quarterdeck action`, `quarterdeck rollback`, `quarterdeck flag`: what may be done to production, from the
//! shell: proposed, approved by a second person, released, carried out, stopped. By the same rules, in the same
//! log, and with the same runner as in the console.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

mod flags;
mod ladder;

use super::incident::{Desk, Which, said};
use super::world::{Opened, World};
use super::{Common, Exit, Look, output};
use crate::actions::runs::{RunStanding, standing};
use crate::actions::{Doing, pick};
use crate::connectors::pipelines;
use crate::domain::{
    Actor, Change, IncidentId, Order, Procedure, ProcedureId, ProcedureKind, RunVerdict, SafeText,
    Span, Timestamp,
};
use crate::eventlog::RecordId;
use crate::model::incidents::{Incident, Run};
use crate::runtime::{self, Watch, sight};

/// How long the sources may take to say what is known; whoever has not answered then is left out.
const PATIENCE: Span = Span::from_secs(5);

/// What is asked.
#[derive(Debug, Args)]
pub(super) struct Ask {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print what may be done.
    List {
        /// Only for this service.
        #[arg(long, value_name = "NAME")]
        service: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the degradation ladders: what is switched off, what comes next, what takes it back.
    Ladder {
        /// Only of this service.
        service: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Propose to run a procedure, exactly so.
    Propose(Propose),
    /// Approve a run somebody else proposed.
    Approve(Answer),
    /// Say that a run must not happen, and why.
    Refuse(Answer),
    /// Let a run begin when its cancel window is over.
    Release {
        /// Which run: the beginning of its id, or words only it has.
        run: String,
        /// The procedure's name, typed once more, where there is no policy and so no second person.
        #[arg(long = "type", value_name = "NAME", default_value = "")]
        typed: String,
        #[command(flatten)]
        which: Which,
    },
    /// Stop a run before its next step.
    Stop(Answer),
    /// Carry out what is released, without a console.
    Run {
        /// How long to stay.
        #[arg(long = "for", value_name = "DURATION", default_value = "15m", value_parser = super::span)]
        patience: Span,
        /// Then watch the incident's runs by the sources until each is judged: exit code 0 when the newest
        /// brought recovery, 1 when it did not or nobody can tell.
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        which: Which,
    },
    /// Print the runs of an incident.
    Status {
        #[command(flatten)]
        which: Which,
    },
}

/// A proposal.
#[derive(Debug, Args)]
struct Propose {
    /// Which procedure.
    procedure: String,
    #[command(flatten)]
    with: With,
}

/// What is said with a proposal.
#[derive(Debug, Args)]
pub(super) struct With {
    /// A parameter; may be given several times.
    #[arg(short, long = "param", value_name = "NAME=VALUE", value_parser = param)]
    params: Vec<(String, String)>,
    /// The change it takes back, as `quarterdeck changes` names it.
    #[arg(long, value_name = "ID")]
    change: Option<String>,
    /// Why.
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    which: Which,
}

/// An answer.
#[derive(Debug, Args)]
struct Answer {
    /// Which run: the beginning of its id, or words only it has.
    run: String,
    /// Words that go with it.
    words: Vec<String>,
    #[command(flatten)]
    which: Which,
}

/// `quarterdeck rollback SERVICE`.
#[derive(Debug, Args)]
pub(super) struct Rollback {
    /// The service.
    service: String,
    #[command(flatten)]
    with: With,
}

/// `quarterdeck flag NAME`, `quarterdeck flag list`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true
)]
pub(super) struct Flag {
    #[command(subcommand)]
    look: Option<FlagLook>,
    /// The procedure that switches it, or the flag it switches.
    #[arg(required = true)]
    flag: Option<String>,
    #[command(flatten)]
    with: With,
}

/// What can be looked at.
#[derive(Debug, Subcommand)]
enum FlagLook {
    /// Print every flag the flag servers keep, and what callers get.
    #[command(after_help = super::EXITS, after_long_help = super::help(flags::FLAGS_JSON))]
    List(super::Asking),
}

fn param(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write name=value")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) async fn run(common: &Common, look: &Look, ask: &Ask) -> anyhow::Result<Exit> {
    match &ask.what {
        What::List { service, json } => {
            let world = World::load(common)?;
            list(&world, service.as_deref(), *json);
            Ok(Exit::Fine)
        }
        What::Propose(ask) => {
            let id = ProcedureId::new(&ask.procedure);
            propose(common, look, &ask.with, |_, _| Ok(id.clone())).await
        }
        What::Ladder { service, json } => {
            let mut world = World::load(common)?;
            world.open_log()?;
            Ok(ladder::ladders(&world, service.as_deref(), *json))
        }
        What::Approve(ask) => {
            answer(common, look, ask, |run, note| Doing::AnswerRun { run, approved: true, note })
        }
        What::Refuse(ask) => {
            answer(common, look, ask, |run, note| Doing::AnswerRun { run, approved: false, note })
        }
        What::Stop(ask) => answer(common, look, ask, |run, reason| Doing::StopRun { run, reason }),
        What::Release { run, typed, which } => {
            let mut desk = Desk::open(common, look)?;
            let incident = desk.incident(which)?;
            let run = find(&desk.world, &incident, run)?;
            // What is known is frozen with it, so that it is asked for first; nothing else waits for sources.
            let known = desk.world.model.incidents.incidents.get(&incident);
            if known.and_then(|known| known.runs.get(&run)).is_some_and(Run::is_frozen_before) {
                drop(desk);
                desk = Desk::asked(common, look, PATIENCE).await?;
            }
            desk.record(&incident, &Doing::ReleaseRun { run, typed: typed.clone() })?;
            desk.pin(&incident)?;
            Ok(desk.tell(&incident, which.json))
        }
        What::Run { patience, wait, which } => {
            carry_on(common, look, (*patience, *wait), which).await
        }
        What::Status { which } => {
            let mut world = World::load(common)?;
            world.open_log()?;
            let incident = pick::incident(&world.model, which.incident.as_deref()).map_err(said)?;
            Ok(tell(&world, &incident, which.json))
        }
    }
}

pub(super) async fn rollback(common: &Common, look: &Look, ask: &Rollback) -> anyhow::Result<Exit> {
    propose(common, look, &ask.with, |world, _| {
        let of_it = |one: &&Procedure| {
            one.kind == ProcedureKind::Rollback && one.service.as_str() == ask.service
        };
        the_one(world, of_it, &format!("roll back {}", SafeText::new(&ask.service)))
    })
    .await
}

pub(super) async fn flag(common: &Common, look: &Look, ask: &Flag) -> anyhow::Result<Exit> {
    if let Some(FlagLook::List(asking)) = &ask.look {
        return flags::run(&World::load(common)?, asking).await;
    }
    let asked = ask.flag.as_deref().unwrap_or_default();
    propose(common, look, &ask.with, |world, _| {
        let switches = |one: &&Procedure| {
            let flag = |step: &crate::domain::Step| matches!(&step.ask, crate::domain::Ask::Flag { flag, .. } if **flag == *asked);
            one.kind == ProcedureKind::Flag
                && (one.id.as_str() == asked || one.steps.iter().any(flag))
        };
        the_one(world, switches, &format!("switch {}", SafeText::new(asked)))
    })
    .await
}

/// The one procedure that fits.
fn the_one(
    world: &World,
    fits: impl Fn(&&Procedure) -> bool,
    what: &str,
) -> anyhow::Result<ProcedureId> {
    let all = world.playbook.playbook.procedures.procedures.values();
    let found: Vec<&ProcedureId> = all.filter(fits).map(|one| &one.id).collect();
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => anyhow::bail!(
            "no procedure is declared to {what}; add a [[procedure]] to the playbook, or look at \
             `quarterdeck action list`"
        ),
        several => {
            let names: Vec<&str> = several.iter().map(|id| id.as_str()).collect();
            anyhow::bail!(
                "several procedures can {what}: {}; choose one with `quarterdeck action propose`",
                names.join(", ")
            )
        }
    }
}

async fn propose(
    common: &Common,
    look: &Look,
    with: &With,
    choose: impl Fn(&World, &IncidentId) -> anyhow::Result<ProcedureId>,
) -> anyhow::Result<Exit> {
    let mut desk = Desk::asked(common, look, PATIENCE).await?;
    let incident = desk.incident(&with.which)?;
    let procedure = choose(&desk.world, &incident)?;
    let model = &desk.world.model;
    let known = model.incidents.incidents.get(&incident);
    let card = known.and_then(|known| model.card(known, &procedure, desk.now));
    let (undoes, taken_back, card) =
        card.map_or((None, None, Vec::new()), |card| (card.undoes, card.change, card.lines));
    // As on the screen: what is taken back is the newest that can be, unless another is named.
    let change = match &with.change {
        Some(id) => Some(change(&desk.world, id)?),
        None => taken_back,
    };
    let doing = Doing::ProposeRun {
        procedure,
        params: with.params.clone(),
        change,
        undoes,
        reason: with.reason.clone(),
        card,
    };
    desk.record(&incident, &doing)?;
    let made = desk.recorded.first().map(|record| record.id);
    let exit = desk.tell(&incident, with.which.json);
    if !with.which.json {
        let run = made.and_then(|id| desk.world.model.incidents.incidents[&incident].runs.get(&id));
        if let Some(run) = run {
            requests(&desk.world, run);
            run.card.iter().for_each(|(title, text)| output::line(&format!("  {title}: {text}")));
        }
    }
    Ok(exit)
}

/// A change that a source told of: by its id, or by the version or words that only one of them has.
fn change(world: &World, word: &str) -> anyhow::Result<Change> {
    let all = world.model.changes.newest_first();
    if let Some(one) = all.iter().find(|change| *change.key.id == *word) {
        return Ok((*one).clone());
    }
    let end = |id: &str| id.strip_suffix(word).is_some_and(|rest| rest.ends_with(['/', ':', '-']));
    let fits =
        |change: &&&Change| *change.after == *word || *change.title == *word || end(&change.key.id);
    let found: Vec<&&Change> = all.iter().filter(fits).collect();
    match found.as_slice() {
        [one] => Ok((**one).clone()),
        [] => anyhow::bail!(
            "no change is named {}; `quarterdeck changes` lists them",
            SafeText::new(word)
        ),
        several => {
            let ids: Vec<&str> = several.iter().take(5).map(|one| one.key.id.as_str()).collect();
            anyhow::bail!("several changes are {}: {}", SafeText::new(word), ids.join(", "))
        }
    }
}

/// Each request as it will be sent.
fn requests(world: &World, run: &Run) {
    for (at, order) in run.orders.iter().enumerate() {
        let (title, pipeline, shown) = (&order.title, &order.pipeline, shown(world, order));
        output::line(&format!("  {}. {title} by {pipeline}: {shown}", at + 1));
    }
}

fn shown(world: &World, order: &Order) -> SafeText {
    let config = world.playbook.pipelines.iter().find(|one| one.id == order.pipeline);
    let pipeline = config.and_then(|config| pipelines::pipeline(config, &world.clock));
    let shown = pipeline.map(|pipeline| pipeline.shown(order));
    shown.unwrap_or_else(|| SafeText::new("(this host cannot speak to the pipeline)"))
}

fn answer(
    common: &Common,
    look: &Look,
    ask: &Answer,
    doing: impl Fn(RecordId, String) -> Doing,
) -> anyhow::Result<Exit> {
    let mut desk = Desk::open(common, look)?;
    let incident = desk.incident(&ask.which)?;
    let run = find(&desk.world, &incident, &ask.run)?;
    desk.record(&incident, &doing(run, ask.words.join(" ")))?;
    Ok(desk.tell(&incident, ask.which.json))
}

fn find(world: &World, incident: &IncidentId, word: &str) -> anyhow::Result<RecordId> {
    let known = world.model.incidents.incidents.get(incident).into_iter();
    let known = known.flat_map(|one| one.runs.iter().map(|(id, run)| (*id, run.title.as_str())));
    pick::record(known, word, "run").map_err(said)
}

async fn carry_on(
    common: &Common,
    look: &Look,
    (patience, wait): (Span, bool),
    which: &Which,
) -> anyhow::Result<Exit> {
    if look.read_only {
        anyhow::bail!("nothing was run, because --read-only was given");
    }
    let mut world = World::load(common)?;
    if wait && world.settings.sources.is_empty() {
        anyhow::bail!(
            "nothing was run: --wait judges by what the sources say, and none is configured; leave it out, \
             or add a [[source]] to {}",
            world.paths.config_file.display()
        );
    }
    let Opened { log, position, .. } = world.open_log()?;
    let incident = pick::incident(&world.model, which.incident.as_deref()).map_err(said)?;
    let by = (Actor::new(&world.settings.me), world.clock.clone());
    let pipelines = world.pipelines();
    let watch = wait.then(|| Watch {
        incident: incident.clone(),
        sources: world.sources(None),
        tell: output::aside,
    });
    if wait {
        let now = world.now();
        sight::recall(&sight::file(&world.paths.state), &mut world.model, now);
    }
    let how_long = (patience.std(), watch);
    runtime::carry_on_alone(log, position, &mut world.model, pipelines, by, how_long)
        .await
        .map_err(|e| anyhow::anyhow!("the log's thread could not be started: {e}"))?;
    let exit = tell(&world, &incident, which.json);
    Ok(if wait { verdict(&world, &incident).unwrap_or(exit) } else { exit })
}

/// By how the newest run that was released went; what was tried before it no longer counts.
fn verdict(world: &World, incident: &IncidentId) -> Option<Exit> {
    let known = world.model.incidents.incidents.get(incident)?;
    let released = |run: &&Run| run.released.is_some() && run.stopped.is_none();
    let newest = rows(known).map(|(_, run)| run).filter(released).last()?;
    Some(match standing(&world.model, newest, world.now()) {
        RunStanding::Verified(RunVerdict::Recovered) => Exit::Fine,
        _ => Exit::Attention,
    })
}

fn list(world: &World, service: Option<&str>, json: bool) {
    let all = world.playbook.playbook.procedures.procedures.values();
    let of_it = |one: &&Procedure| service.is_none_or(|service| one.service.as_str() == service);
    let shown: Vec<&Procedure> = all.filter(of_it).collect();
    if json {
        let row = |one: &&Procedure| {
            json!({
                "name": one.id.as_str(), "title": one.title.as_str(), "kind": one.kind.name(),
                "service": one.service.as_str(), "second_person": one.second_person,
                "params": one.params.iter().map(|param| param.name.as_str()).collect::<Vec<_>>(),
                "steps": one.steps.iter().map(|step| step.title.as_str()).collect::<Vec<_>>(),
                "owner": one.owner.as_str(), "tested": one.tested.map(Timestamp::rfc3339),
            })
        };
        let rows: Vec<Value> = shown.iter().map(row).collect();
        output::json(&json!({ "version": 1, "at": world.now().rfc3339(), "procedures": rows }));
        return;
    }
    if shown.is_empty() {
        output::line("Nothing is declared; add a [[procedure]] to the playbook.");
    }
    for one in shown {
        let tested = one.tested.map_or_else(
            || "never tried out".to_owned(),
            |at| format!("tried out on {}", at.utc().format("%Y-%m-%d")),
        );
        output::line(&format!(
            "{:<24} {:<12} {} ({}; {tested})",
            one.id,
            one.kind.name(),
            one.title,
            one.service
        ));
    }
}

fn tell(world: &World, incident: &IncidentId, json: bool) -> Exit {
    let now = world.now();
    let Some(known) = world.model.incidents.incidents.get(incident) else { return Exit::Fine };
    let stands = |run: &Run| standing(&world.model, run, now);
    if json {
        let rows: Vec<Value> =
            rows(known).map(|(id, run)| as_json(world, id, run, &stands(run))).collect();
        let at = now.rfc3339();
        output::json(
            &json!({ "version": 1, "at": at, "incident": incident.as_str(), "runs": rows }),
        );
    } else if known.runs.is_empty() {
        output::line(&format!("Nothing was proposed for {incident}."));
    } else {
        for (id, run) in rows(known) {
            let words = stands(run).words();
            output::line(&format!("{incident} {} {}: {words}", pick::short(id), run.title));
            if let Some(seen) = run.seen.values().next_back() {
                seen.lines.iter().for_each(|line| output::line(&format!("    {line}")));
            }
            for (title, text) in run.verified.iter().flat_map(|one| &one.figures) {
                output::line(&format!("    {title}: {text}"));
            }
            if let RunStanding::Unknown(step) = stands(run)
                && let Some(request) = run.steps.get(&step)
            {
                output::line(&format!(
                    "    Look there, then say what you found: quarterdeck outbox settle {} \
                     done|failed|not-done \"how you know\"",
                    pick::short(*request)
                ));
            }
        }
    }
    let bad = |run: &Run| matches!(stands(run), RunStanding::Unknown(_) | RunStanding::Failed(..));
    if known.runs.values().any(bad) { Exit::Attention } else { Exit::Fine }
}

/// Oldest first.
fn rows(incident: &Incident) -> impl Iterator<Item = (RecordId, &Run)> {
    let mut all: Vec<(RecordId, &Run)> = incident.runs.iter().map(|(id, run)| (*id, run)).collect();
    all.sort_by_key(|(id, run)| (run.at, *id));
    all.into_iter()
}

fn as_json(world: &World, id: RecordId, run: &Run, stands: &RunStanding) -> Value {
    let word = match stands {
        RunStanding::Proposed => "proposed",
        RunStanding::Approved => "approved",
        RunStanding::Rejected => "rejected",
        RunStanding::Expired => "expired",
        RunStanding::Window(_) => "window",
        RunStanding::Running(_) => "running",
        RunStanding::Unknown(_) => "unknown",
        RunStanding::Failed(..) => "failed",
        RunStanding::Stopped(_) => "stopped",
        RunStanding::Watched(_) => "watched",
        RunStanding::Verified(_) => "verified",
    };
    let figures = run.verified.iter().flat_map(|one| &one.figures);
    json!({
        "id": id.to_string(), "procedure": run.procedure.as_str(), "title": run.title.as_str(),
        "service": run.service.as_str(), "by": run.by.name(), "at": run.at.rfc3339(),
        "standing": word, "words": stands.words(), "reason": run.reason.as_str(),
        "steps": run.orders.iter().map(|order| order.title.as_str()).collect::<Vec<_>>(),
        "orders": run.orders.iter().map(|order| shown(world, order).to_string()).collect::<Vec<_>>(),
        "card": run.card.iter().map(|(title, text)| json!({ "title": title.as_str(), "text": text.as_str() }))
            .collect::<Vec<_>>(),
        "answers": run.answers.iter().map(|one| json!({
            "by": one.by.name(), "at": one.at.rfc3339(), "approved": one.approved, "note": one.note.as_str(),
        })).collect::<Vec<_>>(),
        "released": run.released.as_ref().map(|(at, by)| json!({ "by": by.name(), "at": at.rfc3339() })),
        "lines": run.seen.values().flat_map(|seen| &seen.lines).map(SafeText::as_str).collect::<Vec<_>>(),
        "receipts": run.seen.values().map(|seen| seen.receipt.as_str()).collect::<Vec<_>>(),
        "verdict": run.verified.as_ref().map(|one| one.verdict.name()),
        "figures": figures.map(|(title, text)| json!({ "title": title.as_str(), "text": text.as_str() }))
            .collect::<Vec<_>>(),
    })
}
