//! `quarterdeck record`: keeps what the sources answer, without a screen.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use super::world::World;
use super::{Common, Exit, output};
use crate::connectors::Interest;
use crate::connectors::poll::{self, Event};
use crate::domain::{SafeText, ServiceId, SourceId, Span};

/// How long one service's signals are asked for before the next one's.
const TURN: Duration = Duration::from_millis(700);
/// How often the recording is looked at while nothing happens.
const GLANCE: Duration = Duration::from_millis(200);

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
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<String>,
}

pub(super) async fn run(common: &Common, ask: &Record) -> anyhow::Result<Exit> {
    let mut world = World::load(common)?;
    let services = services(&world, &ask.services)?;
    if world.settings.sources.is_empty() {
        anyhow::bail!(
            "no source is configured, so there is nothing to record; run `quarterdeck init`"
        );
    }
    // Heard from here on, so that a signal never ends a recording without its end.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let started = world.now();
    let recorder = world.recorder(&ask.out)?;
    let slos = world.catalog.slos.keys().cloned().collect();
    // What hurts is not known yet, so all are compared: a recording can be asked who is to blame.
    let around = services.clone();
    let range = Span::from_mins(10);
    let mut interest = Interest { slos, range, around, ..Interest::default() };
    let (wanted, watching) = watch::channel(interest.clone());
    let (sink, mut events) = mpsc::channel(256);
    let handles: Vec<poll::Handle> = world
        .sources(Some(&recorder))
        .into_iter()
        .map(|setup| poll::start((setup.make)(&world.catalog, watching.clone(), sink.clone())))
        .collect();
    drop(sink);
    let until =
        ask.duration.map_or_else(|| "interrupted".to_owned(), |span| format!("{span} are over"));
    let from = handles.len();
    output::aside(&format!("Recording {from} sources in {} until {until}.", ask.out.display()));
    let mut turn = tokio::time::interval(TURN);
    let mut glance = tokio::time::interval(GLANCE);
    let mut turns = services.iter().cycle();
    let mut told: BTreeMap<SourceId, SafeText> = BTreeMap::new();
    let end = tokio::time::sleep(ask.duration.map_or(Duration::MAX, Span::std));
    tokio::pin!(end);
    let mut failed = None;
    loop {
        tokio::select! {
            () = &mut end => break,
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = hangup.recv() => break,
            _ = turn.tick() => {
                // One service's signals are asked at a time, as when somebody looks at them.
                if let Some(service) = turns.next() {
                    interest.service = Some(service.clone());
                    let _ = wanted.send(interest.clone());
                }
            }
            _ = glance.tick() => {
                let state = recorder.state();
                if state.full {
                    output::aside("The recording has reached its size limit and ends here.");
                    break;
                }
                failed = state.failed;
                if failed.is_some() {
                    break;
                }
            }
            Some(event) = events.recv() => {
                if let Event::Source(status) = event
                    && let Some(failure) = status.failure
                    && told.get(&status.id) != Some(&failure.sentence)
                {
                    output::aside(&failure.sentence);
                    told.insert(status.id, failure.sentence);
                }
            }
        }
    }
    handles.iter().for_each(poll::Handle::stop);
    recorder.finish().context("the recording could not be ended properly")?;
    if let Some(why) = failed {
        anyhow::bail!("the recording ended early: {why}");
    }
    let (state, now) = (recorder.state(), world.now());
    let length = Span::from_secs(now.since(started).millis() / 1_000);
    let size = std::fs::metadata(&ask.out).map_or(state.bytes, |meta| meta.len());
    output::aside(&format!(
        "Recorded {} answers of {from} sources over {length} in {file} ({size} bytes); `quarterdeck demo {file}` plays it.",
        state.entries,
        file = ask.out.display()
    ));
    Ok(if state.entries > 0 && told.is_empty() { Exit::Fine } else { Exit::Attention })
}

/// The services whose signals are recorded.
fn services(world: &World, only: &[String]) -> anyhow::Result<Vec<ServiceId>> {
    let known = &world.catalog.services;
    for name in only {
        if !known.keys().any(|id| id.as_str() == name) {
            let near = crate::domain::nearest(name, known.keys().map(ServiceId::as_str));
            let hint = near.map_or_else(String::new, |n| format!(" Did you mean `{n}`?"));
            anyhow::bail!("there is no service `{name}` in the catalog.{hint}");
        }
    }
    let wanted = |id: &&ServiceId| only.is_empty() || only.iter().any(|o| o == id.as_str());
    Ok(known.keys().filter(wanted).cloned().collect())
}
