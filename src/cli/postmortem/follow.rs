//! Follow-ups from the shell: given, moved on, looked at by their check, followed in a tracker.

use anyhow::anyhow;
use clap::{Args, Subcommand};

use super::{known, meant, record};
use crate::actions::when::{Toward, moment};
use crate::actions::{Doing, Found, deadline, pick};
use crate::cli::incident::{Desk, Which, said};
use crate::cli::{Common, Exit, Look, output, promql};
use crate::domain::{Actor, Check, Priority, SafeText, Timestamp, TrackerId};
use crate::eventlog::{FollowUpStep, RecordId};
use crate::model::incidents::Incident;

/// What is done with follow-ups.
#[derive(Debug, Args)]
pub(super) struct FollowUp {
    #[command(subcommand)]
    command: Sub,
}

#[derive(Debug, Subcommand)]
enum Sub {
    /// Write one down: `follow-up add --owner bob --due 14d --priority high breaker at the payment call`.
    Add(Add),
    /// List them.
    List {
        #[command(flatten)]
        which: Which,
    },
    /// Give it to somebody else: `follow-up give 3f2a bob`.
    Give(Step),
    /// Move its deadline: `follow-up extend 3f2a 14d waits for the supplier`.
    Extend(Step),
    /// Carry out its check: the query is asked of its Prometheus; for a word, say what you saw.
    Check(CheckIt),
    /// It is done; refused before its check passed.
    Done(Step),
    /// It is no longer wanted, and why.
    Drop(Step),
    /// It is not done after all, and why.
    Reopen(Step),
    /// Open a ticket for it: `follow-up ticket 3f2a roundup`.
    Ticket(Step),
}

/// A new one.
#[derive(Debug, Args)]
struct Add {
    #[command(flatten)]
    which: Which,
    /// Who has it [default: nobody yet].
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Until when: 14d, or RFC 3339 [default: by priority 7, 30 or 90 days].
    #[arg(long, value_name = "WHEN")]
    due: Option<String>,
    /// high, medium or low.
    #[arg(long, value_name = "NAME", default_value = "medium", value_parser = priority)]
    priority: Priority,
    /// PromQL that must give at least one sample, all of them other than zero, before it is done.
    #[arg(long, value_name = "PROMQL", conflicts_with = "word")]
    query: Option<String>,
    /// What somebody else has to have seen before it is done.
    #[arg(long, value_name = "WHAT")]
    word: Option<String>,
    /// The cause it mends.
    #[arg(long, value_name = "CAUSE")]
    mends: Option<String>,
    /// What is to be done.
    #[arg(required = true)]
    text: Vec<String>,
}

/// A step of one.
#[derive(Debug, Args)]
struct Step {
    #[command(flatten)]
    which: Which,
    /// Which, by the beginning of its id or words only it has.
    follow_up: String,
    /// What goes with it.
    words: Vec<String>,
}

/// A look at its check.
#[derive(Debug, Args)]
struct CheckIt {
    #[command(flatten)]
    which: Which,
    /// Which, by the beginning of its id or words only it has.
    follow_up: String,
    /// What was seen does not hold.
    #[arg(long)]
    no: bool,
    /// Which Prometheus is asked [default: the first].
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// What you saw, for a check by word.
    words: Vec<String>,
}

fn priority(text: &str) -> Result<Priority, String> {
    let all = Priority::ALL.map(Priority::name);
    super::named(Priority::named(text), text, "priority", &all)
}

pub(super) async fn run(common: &Common, look: &Look, ask: &FollowUp) -> anyhow::Result<Exit> {
    match &ask.command {
        Sub::Add(ask) => add(common, look, ask),
        Sub::List { which } => list(common, which),
        Sub::Check(ask) => check(common, look, ask).await,
        Sub::Give(step) => moved(common, look, step, |words, _| {
            Ok((FollowUpStep::Given(Actor::new(first(words, "who has it now")?)), rest(words)))
        }),
        Sub::Extend(step) => moved(common, look, step, |words, now| {
            let due = when(first(words, "until when")?, now)?;
            Ok((FollowUpStep::Extended(due), rest(words)))
        }),
        Sub::Done(step) => {
            moved(common, look, step, |words, _| Ok((FollowUpStep::Done, words.join(" "))))
        }
        Sub::Drop(step) => {
            moved(common, look, step, |words, _| Ok((FollowUpStep::Dropped, words.join(" "))))
        }
        Sub::Reopen(step) => {
            moved(common, look, step, |words, _| Ok((FollowUpStep::Reopened, words.join(" "))))
        }
        Sub::Ticket(step) => record(common, look, &step.which, |incident| {
            let follow_up = pick_one(incident, &step.follow_up)?;
            let tracker = TrackerId::new(first(&step.words, "in which tracker")?);
            Ok(Doing::TrackFollowUp { follow_up, tracker })
        }),
    }
}

fn first<'a>(words: &'a [String], what: &str) -> anyhow::Result<&'a str> {
    words.first().map(String::as_str).ok_or_else(|| anyhow!("say {what}"))
}

fn rest(words: &[String]) -> String {
    words.get(1..).unwrap_or_default().join(" ")
}

fn when(text: &str, now: Timestamp) -> anyhow::Result<Timestamp> {
    moment(text, now, 0, Toward::Future)
        .ok_or_else(|| anyhow!("`{text}` is not a time such as 14d, 15:30 or RFC 3339"))
}

fn pick_one(incident: &Incident, word: &str) -> anyhow::Result<RecordId> {
    let all = incident.review.follow_ups.iter().map(|(id, one)| (*id, one.text.as_str()));
    pick::record(all, word, "follow-up").map_err(said)
}

fn moved(
    common: &Common,
    look: &Look,
    step: &Step,
    meaning: impl FnOnce(&[String], Timestamp) -> anyhow::Result<(FollowUpStep, String)>,
) -> anyhow::Result<Exit> {
    let mut desk = Desk::open(common, look)?;
    let id = meant(&desk.world, step.which.incident.as_deref())?;
    let follow_up = pick_one(known(&desk.world, &id)?, &step.follow_up)?;
    let (step_made, note) = meaning(&step.words, desk.now)?;
    desk.record(&id, &Doing::MoveFollowUp { follow_up, step: step_made, note })?;
    Ok(desk.tell(&id, step.which.json))
}

fn add(common: &Common, look: &Look, ask: &Add) -> anyhow::Result<Exit> {
    let mut desk = Desk::open(common, look)?;
    let id = meant(&desk.world, ask.which.incident.as_deref())?;
    let incident = known(&desk.world, &id)?;
    let due = match &ask.due {
        Some(text) => when(text, desk.now)?,
        None => deadline(ask.priority, desk.now),
    };
    let check = match (&ask.query, &ask.word) {
        (Some(expr), _) => Some(Check::Query { expr: SafeText::body(expr) }),
        (None, Some(what)) => Some(Check::Word { what: SafeText::body(what) }),
        (None, None) => None,
    };
    let mends = ask.mends.as_deref().map(|word| super::pick_cause(incident, word)).transpose()?;
    let doing = Doing::FollowUp {
        text: ask.text.join(" "),
        owner: ask.owner.as_deref().map(Actor::new),
        due,
        priority: ask.priority,
        check,
        mends,
    };
    desk.record(&id, &doing)?;
    Ok(desk.tell(&id, ask.which.json))
}

/// Carries out the check of a follow-up; its answer is recorded whether it holds or not.
async fn check(common: &Common, look: &Look, ask: &CheckIt) -> anyhow::Result<Exit> {
    let mut desk = Desk::open(common, look)?;
    let id = meant(&desk.world, ask.which.incident.as_deref())?;
    let incident = known(&desk.world, &id)?;
    let follow_up = pick_one(incident, &ask.follow_up)?;
    let check = incident.review.follow_ups.get(&follow_up).and_then(|one| one.check.clone());
    let found = match check {
        Some(Check::Query { expr }) if ask.words.is_empty() => {
            let source = promql::source(&desk.world, ask.source.as_deref())?;
            let values = promql::at(&desk.world, source, &expr, desk.now).await?;
            Found::Samples { source: source.name.to_string(), values }
        }
        _ => Found::Word { holds: !ask.no, seen: ask.words.join(" ") },
    };
    desk.record(&id, &Doing::CheckFollowUp { follow_up, found })?;
    let holds = known(&desk.world, &id)?
        .review
        .follow_ups
        .get(&follow_up)
        .is_some_and(crate::model::incidents::FollowUp::is_proven);
    desk.tell(&id, ask.which.json);
    Ok(if holds { Exit::Fine } else { Exit::Attention })
}

fn list(common: &Common, which: &Which) -> anyhow::Result<Exit> {
    let world = super::open(common)?;
    let now = world.now();
    let id = meant(&world, which.incident.as_deref())?;
    let incident = known(&world, &id)?;
    if which.json {
        let all = incident.review.follow_ups.iter();
        let all: Vec<serde_json::Value> = all
            .map(|(id, one)| crate::model::review::export::of_follow_up(*id, one, now))
            .collect();
        let at = now.rfc3339();
        output::json(&serde_json::json!({
            "version": 1, "at": at, "incident": id, "follow_ups": all,
        }));
    } else if incident.review.follow_ups.is_empty() {
        output::line("It has no follow-ups.");
    } else {
        print(incident, now);
    }
    let late = incident.review.follow_ups.values().any(|one| one.is_overdue(now));
    Ok(if late { Exit::Attention } else { Exit::Fine })
}

/// The follow-ups of a review as a table.
pub(super) fn print(incident: &Incident, now: Timestamp) {
    if incident.review.follow_ups.is_empty() {
        return;
    }
    let heads = ["FOLLOW-UP", "OWNER", "DUE", "PRIORITY", "STANDS", "TICKET", "WHAT"];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    for (id, one) in &incident.review.follow_ups {
        let ticket = one.ticket.as_ref().map_or("-", |(of, _)| of.key.as_str());
        let stands = match &one.ended {
            Some((_, true, _)) => "done",
            Some((_, false, _)) => "dropped",
            None if one.is_overdue(now) => "overdue",
            None if !one.is_proven() => "unproven",
            None => "open",
        };
        rows.push(vec![
            pick::short(*id),
            one.owner_words().to_owned(),
            one.due.utc().format("%Y-%m-%d").to_string(),
            one.priority.name().to_owned(),
            stands.to_owned(),
            ticket.to_owned(),
            super::first_line(&one.text).to_owned(),
        ]);
    }
    output::table(&rows);
}
