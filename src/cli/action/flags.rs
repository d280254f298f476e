//! `quarterdeck flag list`: what the flag servers of the playbook keep, and what callers get.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::cli::world::World;
use crate::cli::{Asking, Exit, output};
use crate::connectors::pipelines::Pipeline;
use crate::domain::{Flag, FlagPlace, PipelineId, PipelineKind, SafeText, Span, Timestamp};

/// What it prints with --json.
pub(super) const FLAGS_JSON: &str = "With --json, one object; keys may be added, never change their meaning:\n  \
    version   1\n  \
    at        when it was asked (RFC 3339)\n  \
    complete  whether every flag server answered; when false, flags are missing below\n  \
    servers   pipeline, kind, error (a sentence, or null)\n  \
    flags     by pipeline and key: pipeline, key, title, kind, changed (RFC 3339 or null), places (each\n            \
    environment (empty: there is only one), on (true, false, or null: neither, or not known), note)";

/// A flag server and what it said.
struct Told {
    pipeline: PipelineId,
    kind: PipelineKind,
    flags: Result<Vec<Flag>, SafeText>,
}

/// Asks all at once; who is slow or refuses is named and keeps nobody else's flags back.
pub(super) async fn run(world: &World, ask: &Asking) -> anyhow::Result<Exit> {
    let pipelines = world.pipelines();
    let told = pipelines.iter().map(|one| told(one.as_ref(), ask.timeout));
    let mut told: Vec<Told> = join_all(told).await.into_iter().flatten().collect();
    told.sort_by(|a, b| a.pipeline.cmp(&b.pipeline));
    let complete = told.iter().all(|one| one.flags.is_ok());
    if ask.json {
        output::json(&as_json(&told, complete, world.now()));
    } else {
        print(&told);
    }
    Ok(if complete { Exit::Fine } else { Exit::Attention })
}

/// What a pipeline keeps; `None` when it is no flag server.
async fn told(pipeline: &dyn Pipeline, patience: Span) -> Option<Told> {
    let pipeline_id = pipeline.id().clone();
    let flags = match tokio::time::timeout(patience.std(), pipeline.flags()).await {
        Ok(flags) => flags?,
        Err(_) => {
            let why = format!("The pipeline {pipeline_id} did not answer within {patience}.");
            Err(SafeText::new(&why))
        }
    };
    Some(Told { pipeline: pipeline_id, kind: pipeline.kind(), flags })
}

fn as_json(told: &[Told], complete: bool, at: Timestamp) -> Value {
    let server = |one: &Told| {
        json!({
            "pipeline": one.pipeline.as_str(),
            "kind": one.kind.name(),
            "error": one.flags.as_ref().err().map(SafeText::as_str),
        })
    };
    let flags = told.iter().flat_map(|one| {
        one.flags.iter().flatten().map(|flag| {
            json!({
                "pipeline": one.pipeline.as_str(),
                "key": flag.key.as_str(),
                "title": flag.title.as_str(),
                "kind": flag.kind.as_str(),
                "changed": flag.changed.map(Timestamp::rfc3339),
                "places": flag.places.iter().map(place_json).collect::<Vec<Value>>(),
            })
        })
    });
    json!({
        "version": 1,
        "at": at.rfc3339(),
        "complete": complete,
        "servers": told.iter().map(server).collect::<Vec<Value>>(),
        "flags": flags.collect::<Vec<Value>>(),
    })
}

fn place_json(place: &FlagPlace) -> Value {
    json!({
        "environment": place.environment.as_str(),
        "on": place.on,
        "note": place.note.as_str(),
    })
}

fn print(told: &[Told]) {
    if told.is_empty() {
        output::line(
            "No flag server is declared; add a [[pipeline]] of kind unleash or ofrep to the playbook.",
        );
        return;
    }
    for one in told {
        match &one.flags {
            Err(why) => output::line(&format!(
                "INCOMPLETE: {why} The flags of {} are not known.",
                one.pipeline
            )),
            Ok(flags) if flags.is_empty() => {
                output::line(&format!("The pipeline {} keeps no flag.", one.pipeline));
            }
            Ok(_) => {}
        }
    }
    let mut rows = vec![["FLAG", "ENVIRONMENT", "STATE", "SERVER", "NOTE"].map(str::to_owned)];
    for one in told {
        for flag in one.flags.iter().flatten() {
            rows.extend(places(flag, &one.pipeline));
        }
    }
    if rows.len() > 1 {
        output::table(&rows.into_iter().map(Vec::from).collect::<Vec<_>>());
    }
}

/// A row for each place; a flag that stands nowhere has one too, or nobody would see it.
fn places(flag: &Flag, server: &PipelineId) -> Vec<[String; 5]> {
    let row = |environment: &str, state: &str, note: &str| {
        [flag.key.as_str(), environment, state, server.as_str(), note].map(str::to_owned)
    };
    if flag.places.is_empty() {
        return vec![row("none", "not known", "")];
    }
    let of_place = |place: &FlagPlace| {
        let environment = match place.environment.as_str() {
            "" => "only one",
            named => named,
        };
        row(environment, state(place.on), &place.note)
    };
    flag.places.iter().map(of_place).collect()
}

const fn state(on: Option<bool>) -> &'static str {
    match on {
        Some(true) => "on",
        Some(false) => "off",
        None => "neither on nor off",
    }
}
