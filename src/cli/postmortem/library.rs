//! The shelf of reviews: listed, searched by words, counted by type; and what is like what.

use std::collections::BTreeSet;

use clap::Args;
use serde_json::{Value, json};

use super::{known, meant, open};
use crate::cli::incident::Which;
use crate::cli::{Common, Exit, output};
use crate::domain::{IncidentId, Timestamp};
use crate::model::Model;
use crate::model::review::{Shelf, TypeRow, by_type, shelf, similar};

/// Most records a search looks through.
const MOST: usize = 500;

/// What is listed.
#[derive(Debug, Args)]
pub(super) struct Library {
    /// Only where something of the incident has all these words.
    words: Vec<String>,
    /// Count incidents by type instead: how many, how long, how much budget.
    #[arg(long, conflicts_with = "words")]
    by_type: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Like which.
#[derive(Debug, Args)]
pub(super) struct Alike {
    #[command(flatten)]
    which: Which,
}

/// Lists reviews.
pub(super) fn library(common: &Common, ask: &Library) -> anyhow::Result<Exit> {
    let mut world = crate::cli::world::World::load(common)?;
    if !world.paths.state.exists() {
        output::line("There is no review yet.");
        return Ok(Exit::Fine);
    }
    let mut opened = world.open_log()?;
    opened.notice.iter().for_each(|notice| output::aside(notice));
    let now = world.now();
    if ask.by_type {
        print_types(&by_type(&world.model, now), now, ask.json);
        return Ok(Exit::Fine);
    }
    let mut listed = shelf(&world.model, now);
    if !ask.words.is_empty() {
        let words = ask.words.join(" ");
        let found = opened.log.search(&words, MOST);
        let found = found.map_err(|error| anyhow::anyhow!("{}", error.sentence))?;
        let hit: BTreeSet<IncidentId> =
            found.into_iter().filter_map(|record| of_record(&world.model, record)).collect();
        listed.retain(|one| hit.contains(&one.incident.id));
    }
    let late = listed.iter().any(|one| one.overdue > 0);
    if ask.json {
        let all: Vec<Value> = listed.iter().map(row).collect();
        output::json(&json!({ "version": 1, "at": now.rfc3339(), "reviews": all }));
    } else if listed.is_empty() {
        output::line("There is no such review.");
    } else {
        let heads = ["INCIDENT", "DECLARED", "REVIEW", "FOLLOW-UPS", "TYPES", "TITLE"];
        let mut rows = vec![heads.map(str::to_owned).to_vec()];
        for one in &listed {
            let types: Vec<&str> =
                one.incident.review.types.iter().map(|kind| kind.name()).collect();
            rows.push(vec![
                one.incident.id.to_string(),
                one.incident.declared_at.utc().format("%Y-%m-%d").to_string(),
                if one.incident.review.finished.is_some() { "finished" } else { "open" }.to_owned(),
                match (one.open, one.overdue) {
                    (0, _) => "none open".to_owned(),
                    (open, 0) => format!("{open} open"),
                    (open, late) => format!("{open} open, {late} overdue"),
                },
                if types.is_empty() { "not said".to_owned() } else { types.join(",") },
                one.incident.title.to_string(),
            ]);
        }
        output::table(&rows);
    }
    Ok(if late { Exit::Attention } else { Exit::Fine })
}

/// The incident a record is about.
fn of_record(model: &Model, record: crate::eventlog::RecordId) -> Option<IncidentId> {
    let mut all = model.incidents.incidents.values();
    all.find(|one| one.declared == record || one.timeline.line(record).is_some())
        .map(|one| one.id.clone())
}

fn row(one: &Shelf<'_>) -> Value {
    let incident = one.incident;
    let types: Vec<&str> = incident.review.types.iter().map(|kind| kind.name()).collect();
    json!({
        "incident": incident.id, "title": incident.title,
        "severity": incident.severity.to_string(),
        "declared_at": incident.declared_at.rfc3339(),
        "finished_at": incident.review.finished.as_ref().map(|(at, _)| at.rfc3339()),
        "types": types, "follow_ups_open": one.open, "follow_ups_overdue": one.overdue,
    })
}

fn print_types(rows: &[TypeRow], now: Timestamp, as_json: bool) {
    let name = |row: &TypeRow| row.of.map_or("not said", |of| of.name());
    if as_json {
        let all: Vec<Value> = rows
            .iter()
            .map(|row| {
                json!({
                    "type": row.of.map(|of| of.name()), "incidents": row.incidents,
                    "lasted_seconds": row.lasted.seconds(), "median_seconds": row.median.seconds(),
                    "budget_spent": (row.known > 0).then_some(row.spent),
                    "budget_known_of": row.known, "follow_ups_open": row.open,
                })
            })
            .collect();
        output::json(&json!({ "version": 1, "at": now.rfc3339(), "types": all }));
        return;
    }
    let heads = ["TYPE", "INCIDENTS", "LASTED", "MEDIAN", "BUDGET SPENT", "FOLLOW-UPS OPEN"];
    let mut table = vec![heads.map(str::to_owned).to_vec()];
    for row in rows {
        let spent = match row.known {
            0 => "unknown".to_owned(),
            known if known < row.incidents => {
                format!("{:.1} % (of {known})", row.spent * 100.0)
            }
            _ => format!("{:.1} %", row.spent * 100.0),
        };
        table.push(vec![
            name(row).to_owned(),
            row.incidents.to_string(),
            row.lasted.to_string(),
            row.median.to_string(),
            spent,
            row.open.to_string(),
        ]);
    }
    output::table(&table);
}

/// Prints what an incident is like.
pub(super) fn alike(common: &Common, ask: &Alike) -> anyhow::Result<Exit> {
    let world = open(common)?;
    let id = meant(&world, ask.which.incident.as_deref())?;
    let found = similar(&world.model, known(&world, &id)?);
    let title = |id: &IncidentId| {
        let one = world.model.incidents.incidents.get(id);
        one.map(|one| one.title.clone()).unwrap_or_default()
    };
    if ask.which.json {
        let all: Vec<Value> = found
            .iter()
            .map(|one| {
                json!({
                    "incident": one.id, "title": title(&one.id), "score": one.score, "why": one.why,
                })
            })
            .collect();
        let at = world.now().rfc3339();
        output::json(&json!({ "version": 1, "at": at, "incident": id, "similar": all }));
        return Ok(Exit::Fine);
    }
    if found.is_empty() {
        output::line(&format!("No past incident is like {id}."));
    }
    for one in &found {
        let why = one.why.join("; ");
        output::line(&format!("{} {:.2} {}: {why}", one.id, one.score, title(&one.id)));
    }
    Ok(Exit::Fine)
}
