//! `quarterdeck outbox`: what waits to be sent, sending it without a console, settling what nobody can tell.

use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::world::{Opened, World};
use super::{Common, Exit, Look, output};
use crate::actions::{Settled, Writer, settle, unsettled, what};
use crate::domain::{Actor, Outcome, SafeText, Span, Timestamp};
use crate::eventlog::RecordId;
use crate::model::{Journal, OpenOperation};
use crate::runtime;

/// What is asked.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Ask {
    #[command(subcommand)]
    what: Option<What>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print what waits, and what nobody can tell.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Send what waits, without a console.
    Run {
        /// How long to try.
        #[arg(long = "for", value_name = "DURATION", default_value = "30s", value_parser = super::span)]
        patience: Span,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Say what came of something whose answer was lost, after looking at the other side.
    Settle {
        /// Its id as listed, or enough of its beginning.
        record: String,
        /// Whether it was done. `failed` is of a step of a run that began and ended badly; `again` says that it
        /// was not done, and has it done again with the same key, which a step of a run never is.
        what: Came,
        /// How you know.
        why: String,
    },
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Came {
    Done,
    Failed,
    NotDone,
    Again,
}

impl From<Came> for Settled {
    fn from(came: Came) -> Self {
        match came {
            Came::Done => Self::Done,
            Came::Failed => Self::Failed,
            Came::NotDone => Self::NotDone,
            Came::Again => Self::Again,
        }
    }
}

pub(super) async fn run(common: &Common, look: &Look, ask: &Ask) -> anyhow::Result<Exit> {
    let mut world = World::load(common)?;
    let opened = world.open_log()?;
    let json = match &ask.what {
        None => ask.json,
        Some(What::List { json }) => *json,
        Some(What::Run { patience, json }) => {
            if look.read_only {
                anyhow::bail!("nothing was sent, because --read-only was given");
            }
            let journal = world.model.journal.clone();
            send_now(&mut world, opened, journal, *patience).await?;
            *json
        }
        Some(What::Settle { record, what: came, why }) => {
            if look.read_only {
                anyhow::bail!("nothing was recorded, because --read-only was given");
            }
            let request = find(&world.model.journal, record)?;
            let mut log = opened.log;
            let now = world.now();
            let me = Writer { actor: Actor::new(&world.settings.me), key: log.key() };
            let event = settle(&world.model, &me, request, (*came).into(), why, now)
                .map_err(|refusal| anyhow::anyhow!("{}", refusal.sentence))?;
            log.append(&me.actor, now, &[event]).map_err(|e| anyhow::anyhow!("{}", e.sentence))?;
            output::line("Recorded.");
            return Ok(Exit::Fine);
        }
    };
    let shown = open(&world);
    if json {
        let rows: Vec<Value> = shown.iter().map(|(id, one)| as_json(*id, one)).collect();
        output::json(&json!({ "version": 1, "at": world.now().rfc3339(), "outbox": rows }));
    } else if shown.is_empty() {
        output::line("Nothing waits.");
    } else {
        print(&shown);
    }
    Ok(if shown.is_empty() { Exit::Fine } else { Exit::Attention })
}

/// Sends what `journal` has waiting and takes what was recorded into the world's model.
pub(super) async fn send_now(
    world: &mut World,
    opened: Opened,
    journal: Journal,
    patience: Span,
) -> anyhow::Result<()> {
    let outlets = world.outlets();
    let playbook = Arc::new(world.playbook.playbook.clone());
    let by = (Actor::new(&world.settings.me), world.clock.clone());
    let Opened { log, position, .. } = opened;
    let patience = patience.std();
    let ran = runtime::run_alone(log, position, journal, outlets, playbook, by, patience).await;
    let records = ran.map_err(|e| anyhow::anyhow!("the log's thread could not be started: {e}"))?;
    records.iter().for_each(|record| world.model.apply(record));
    Ok(())
}

/// What waits and what nobody can tell, oldest first.
fn open(world: &World) -> Vec<(RecordId, &OpenOperation)> {
    let lost = unsettled(&world.model, world.now());
    let all = world.model.journal.operations.iter().map(|(id, one)| (*id, one));
    let waiting = all.filter(|(id, one)| one.is_waiting() && lost.iter().all(|(l, _)| l != id));
    let mut open: Vec<_> = waiting.chain(lost.iter().copied()).collect();
    open.sort_by_key(|(id, one)| (one.at, *id));
    open
}

fn find(journal: &Journal, beginning: &str) -> anyhow::Result<RecordId> {
    let fits = |id: &&RecordId| id.to_string().starts_with(&beginning.to_ascii_lowercase());
    let mut found = journal.operations.keys().filter(fits);
    match (found.next(), found.next()) {
        (Some(id), None) if beginning.len() >= 4 => Ok(*id),
        (None, _) => anyhow::bail!("nothing in the outbox has the id {}", SafeText::new(beginning)),
        _ => anyhow::bail!("several ids begin like this; write more of it"),
    }
}

/// A word, why, and when it is tried next.
fn standing(one: &OpenOperation) -> (&'static str, &str, Option<Timestamp>) {
    match &one.outcome {
        Some(Outcome::Unknown { why }) => ("unknown", why, None),
        Some(Outcome::Later { why, at }) => ("waits", why, Some(*at)),
        _ if !one.operation.is_outbox() => ("unknown", "no outcome was recorded", None),
        _ if one.attempt.is_some() => ("under way", "its attempt has no outcome yet", None),
        _ => ("waits", "not tried yet", None),
    }
}

fn as_json(id: RecordId, one: &OpenOperation) -> Value {
    let (word, why, next) = standing(one);
    json!({
        "id": id.to_string(),
        "what": what(&one.operation),
        "incident": one.operation.incident().map(|id| id.as_str()),
        "by": one.by.to_string(),
        "asked": one.at.rfc3339(),
        "attempts": one.attempt.as_ref().map_or(0, |attempt| attempt.number),
        "standing": word,
        "why": why,
        "next": next.map(|at| at.rfc3339()),
    })
}

fn print(shown: &[(RecordId, &OpenOperation)]) {
    let heading = ["id", "standing", "asked", "by", "tries", "what", "why"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(shown.iter().map(|(id, one)| {
        let (word, why, _) = standing(one);
        let tries = one.attempt.as_ref().map_or(0, |attempt| attempt.number);
        vec![
            id.to_string()[..12].to_owned(),
            word.to_owned(),
            one.at.rfc3339(),
            one.by.to_string(),
            tries.to_string(),
            what(&one.operation),
            why.lines().next().unwrap_or_default().to_owned(),
        ]
    }));
    output::table(&rows);
    if shown.iter().any(|(_, one)| standing(one).0 == "unknown") {
        output::line("");
        output::line(
            "What is unknown is never repeated. Look at the other side, then say what came of it: \
             quarterdeck outbox settle ID done|failed|not-done|again \"how you know\"",
        );
    }
}
