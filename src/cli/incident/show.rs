//! Looking at incidents: which there are, how one stands, what happened in it.

use anyhow::anyhow;
use clap::{Args, ValueEnum};

use super::{Which, said, told};
use crate::actions::pick;
use crate::cli::world::World;
use crate::cli::{Common, Exit, output};
use crate::domain::Timestamp;
use crate::model::incidents::{Incident, Line, TimelineFilter, csv, markdown};

/// Which incidents are listed.
#[derive(Debug, Args)]
pub(in crate::cli) struct Incidents {
    /// One of them, whole; the beginning of its id is enough.
    id: Option<String>,
    /// Those that are over, too.
    #[arg(long)]
    all: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What is printed of a timeline.
#[derive(Debug, Args)]
pub(in crate::cli) struct Timeline {
    #[command(flatten)]
    which: Which,
    /// The filter of the console: kind=decision by=alice words
    filter: Vec<String>,
    /// Only the newest so many.
    #[arg(long, value_name = "LINES")]
    last: Option<usize>,
    /// The shape: to be read here, or taken elsewhere.
    #[arg(long, value_enum, default_value_t = Format::Text, conflicts_with = "json")]
    format: Format,
}

/// Shapes of a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line each.
    Text,
    /// A table for wikis and tickets.
    Markdown,
    /// For spreadsheets: both times, who withdrew it and why, the record's id.
    Csv,
}

/// Reads the log without writing anything; where none is there, there are no incidents.
fn open(common: &Common) -> anyhow::Result<World> {
    let mut world = World::load(common)?;
    if world.paths.state.exists() {
        let opened = world.open_log()?;
        opened.notice.iter().for_each(|notice| output::aside(notice));
    }
    Ok(world)
}

/// Lists incidents, or prints one.
pub(in crate::cli) fn incidents(common: &Common, ask: &Incidents) -> anyhow::Result<Exit> {
    let world = open(common)?;
    let (model, now) = (&world.model, world.now());
    if let Some(word) = &ask.id {
        let id = pick::incident(model, Some(word)).map_err(said)?;
        if ask.json {
            output::json(&told::answer(model, &id, now, &[]));
        } else if let Some(incident) = model.incidents.incidents.get(&id) {
            told::print(model, incident, now);
        }
        return Ok(Exit::Fine);
    }
    let live = model.incidents.live();
    let mut over: Vec<&Incident> = model.incidents.incidents.values().collect();
    over.retain(|one| ask.all && !live.iter().any(|live| live.id == one.id));
    over.sort_by_key(|one| std::cmp::Reverse(one.declared_at));
    let listed: Vec<&Incident> = live.iter().copied().chain(over).collect();
    let refused =
        model.incidents.refused.iter().filter(|one| one.kind == "incident-declared").count();
    if refused > 0 {
        let refused = output::many(refused, "declaration");
        output::aside(&format!(
            "quarterdeck: {refused} refused by policy.toml and not shown; `quarterdeck audit verify` names whose"
        ));
    }
    if ask.json {
        let all: Vec<serde_json::Value> = listed.iter().map(|one| told::incident(one)).collect();
        output::json(&serde_json::json!({ "version": 1, "at": now.rfc3339(), "incidents": all }));
    } else if listed.is_empty() {
        output::line("No incident is going on.");
    } else {
        table(&listed);
    }
    Ok(if live.is_empty() && refused == 0 { Exit::Fine } else { Exit::Attention })
}

/// A line for each.
pub(in crate::cli) fn table(listed: &[&Incident]) {
    let heading = ["INCIDENT", "SEVERITY", "STATUS", "COMMANDER", "SINCE", "TITLE"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(listed.iter().map(|one| {
        let status = match &one.merged_into {
            Some(into) => format!("went into {into}"),
            None => one.status.to_string(),
        };
        let commander = one.command.as_ref().map_or("nobody", |c| c.commander.name());
        vec![
            one.id.to_string(),
            one.severity.to_string(),
            status,
            commander.to_owned(),
            minute(one.declared_at),
            one.title.to_string(),
        ]
    }));
    output::table(&rows);
}

/// Prints a timeline, oldest first.
pub(in crate::cli) fn timeline(common: &Common, ask: &Timeline) -> anyhow::Result<Exit> {
    let filter = ask.filter.join(" ");
    let filter = TimelineFilter::parse(&filter)
        .map_err(|error| anyhow!("the filter `{filter}` cannot be read: {error}"))?;
    let world = open(common)?;
    let id = match (&ask.which.incident, last_touched(&world)) {
        // Right after it was resolved is when its timeline is asked for.
        (None, Some(last)) => {
            output::aside(&format!(
                "No incident is going on; this is {} “{}”, {} since {} UTC.",
                last.id,
                last.title,
                last.status,
                minute(last.status_since)
            ));
            last.id.clone()
        }
        (word, _) => pick::incident(&world.model, word.as_deref()).map_err(said)?,
    };
    let Some(incident) = world.model.incidents.incidents.get(&id) else { return Ok(Exit::Fine) };
    let timeline = &incident.timeline;
    let rows = filter.rows(timeline, 0);
    let skip = ask.last.map_or(0, |last| rows.len().saturating_sub(last));
    let rows = rows.into_iter().skip(skip).filter_map(|row| usize::try_from(row).ok());
    let lines: Vec<&Line> = rows.filter_map(|row| timeline.get(row)).collect();
    if ask.which.json {
        let lines: Vec<serde_json::Value> = lines.into_iter().map(told::line).collect();
        let now = world.now().rfc3339();
        let all = serde_json::json!({
            "version": 1, "at": now, "incident": id, "timeline": lines,
        });
        output::json(&all);
        return Ok(Exit::Fine);
    }
    match ask.format {
        Format::Text => lines.iter().for_each(|line| output::line(&told::line_text(line))),
        Format::Markdown => output::text(markdown(incident, lines).as_bytes()),
        Format::Csv => output::text(csv(lines).as_bytes()),
    }
    Ok(Exit::Fine)
}

/// The incident that was written to last, while none is going on.
fn last_touched(world: &World) -> Option<&Incident> {
    let book = &world.model.incidents;
    let touched = |one: &&Incident| {
        let written = one.timeline.iter().map(|line| line.written).max();
        (written, one.declared_at, one.id.clone())
    };
    book.incidents.values().max_by_key(touched).filter(|_| book.live().is_empty())
}

/// `2026-11-22 14:05`.
pub(super) fn minute(at: Timestamp) -> String {
    at.utc().format("%Y-%m-%d %H:%M").to_string()
}
