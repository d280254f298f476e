//! `quarterdeck action ladder`: which rungs of the degradation ladders are taken.

use serde_json::{Value, json};

use crate::cli::world::World;
use crate::cli::{Exit, output};
use crate::domain::Timestamp;
use crate::model::{Ladder, RungStands};

/// Prints them; whoever waits for everything to be back sees by the exit code that something is not.
pub(super) fn ladders(world: &World, service: Option<&str>, json: bool) -> Exit {
    let of_it = |one: &Ladder| service.is_none_or(|service| one.service.as_str() == service);
    let shown: Vec<Ladder> = world.model.ladders().into_iter().filter(of_it).collect();
    if json {
        let rows: Vec<Value> = shown.iter().map(as_json).collect();
        output::json(&json!({ "version": 1, "at": world.now().rfc3339(), "ladders": rows }));
    } else if shown.is_empty() {
        output::line("No ladder is declared; give procedures of the kind degradation a `rung`.");
    } else {
        for ladder in &shown {
            output::line(&format!("Ladder of {}", ladder.service));
            let lines = ladder.lines(|at: Timestamp| at.rfc3339());
            lines.iter().for_each(|line| output::line(&format!("  {line}")));
        }
    }
    let taken = |one: &Ladder| one.rungs.iter().any(|rung| rung.stands != RungStands::Free);
    if shown.iter().any(taken) { Exit::Attention } else { Exit::Fine }
}

fn as_json(ladder: &Ladder) -> Value {
    let rungs = ladder.rungs.iter().map(|rung| {
        let (stands, since) = match rung.stands {
            RungStands::Free => ("free", None),
            RungStands::UnderWay => ("under-way", None),
            RungStands::Reached(at) => ("reached", Some(at.rfc3339())),
            RungStands::Unknown => ("unknown", None),
        };
        json!({
            "rung": rung.number, "procedure": rung.procedure.as_str(), "title": rung.title.as_str(),
            "stands": stands, "since": since, "undo": rung.undo.as_ref().map(|undo| undo.as_str()),
        })
    });
    json!({
        "service": ladder.service.as_str(),
        "reached": ladder.reached().map(|rung| rung.number),
        "next": ladder.next().map(|rung| rung.procedure.as_str()),
        "back": ladder.back().map(|undo| undo.as_str()),
        "rungs": rungs.collect::<Vec<_>>(),
    })
}
