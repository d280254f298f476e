//! `quarterdeck record`: keeps what the sources answer, without a screen.

use std::path::PathBuf;

use clap::Args;

use super::world::World;
use super::{Common, Exit, output};
use crate::domain::Span;

/// What to record, and for how long.
#[derive(Debug, Args)]
pub(super) struct Record {
    /// The recording to write; must not exist.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Stop after this long [default: until interrupted].
    #[arg(long = "for", value_name = "DURATION", value_parser = super::span)]
    duration: Option<Span>,
    /// Services whose golden signals are recorded [default: all of the catalog].
    #[arg(long = "service")]
    services: Vec<String>,
}

pub(super) async fn run(common: &Common, ask: &Record) -> anyhow::Result<Exit> {
    let mut world = World::load(common)?;
    let recorded = world.record(&ask.out, ask.duration, &ask.services).await?;
    output::aside(&format!("{} answers recorded in {}", recorded, ask.out.display()));
    Ok(Exit::Fine)
}
