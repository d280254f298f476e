//! `quarterdeck channels`: every way to reach people, whether its last delivery test arrived, and tests now.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::outbox::send_now;
use super::world::World;
use super::{Common, Exit, Look, output};
use crate::actions::{Delivery, DeliveryStanding, deliveries, delivery_test};
use crate::domain::{Actor, ChannelId, Span};
use crate::eventlog::LogEvent;

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
    /// Send a test message now and say whether it arrived.
    Test {
        /// Which channels.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        names: Vec<String>,
        /// Every channel.
        #[arg(long)]
        all: bool,
        /// How long to try.
        #[arg(long = "for", value_name = "DURATION", default_value = "30s", value_parser = super::span)]
        patience: Span,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(common: &Common, look: &Look, ask: &Ask) -> anyhow::Result<Exit> {
    let mut world = World::load(common)?;
    let opened = world.open_log()?;
    let (json, chosen) = match &ask.what {
        None => (ask.json, channels(&world)),
        Some(What::Test { names, all, patience, json }) => {
            let chosen = if *all { channels(&world) } else { named(&world, names)? };
            let now = world.now();
            let tests: Vec<LogEvent> = chosen.iter().map(|id| delivery_test(id, now)).collect();
            if look.read_only {
                anyhow::bail!("nothing was sent, because --read-only was given");
            }
            let mut opened = opened;
            let me = Actor::new(&world.settings.me);
            let asked = opened.log.append(&me, now, &tests);
            let asked = asked.map_err(|e| anyhow::anyhow!("{}", e.sentence))?;
            asked.iter().for_each(|record| world.model.apply(record));
            let mut only = crate::model::Journal::default();
            asked.iter().for_each(|record| only.apply(record));
            send_now(&mut world, opened, only, *patience).await?;
            (*json, chosen)
        }
    };
    let all = deliveries(&world.model, world.now());
    let shown: Vec<&Delivery> = all.iter().filter(|d| chosen.contains(&d.channel)).collect();
    if json {
        let channels: Vec<Value> = shown.iter().map(|one| as_json(&world, one)).collect();
        output::json(&json!({ "version": 1, "at": world.now().rfc3339(), "channels": channels }));
    } else if shown.is_empty() {
        output::line("No channel is configured; the playbook declares them as [[channel]].");
    } else {
        print(&world, &shown);
    }
    let trusted = !shown.is_empty() && shown.iter().all(|one| one.standing.is_trusted());
    Ok(if trusted { Exit::Fine } else { Exit::Attention })
}

fn channels(world: &World) -> Vec<ChannelId> {
    world.playbook.playbook.channels.iter().map(|channel| channel.id.clone()).collect()
}

fn named(world: &World, names: &[String]) -> anyhow::Result<Vec<ChannelId>> {
    let known = channels(world);
    let find = |name: &String| {
        let id = ChannelId::new(name);
        if known.contains(&id) {
            return Ok(id);
        }
        let known: Vec<&str> = known.iter().map(ChannelId::as_str).collect();
        anyhow::bail!("there is no channel `{id}`; configured are: {}", known.join(", "))
    };
    names.iter().map(find).collect()
}

/// A word for scripts and people, and why.
fn words(standing: &DeliveryStanding) -> (&'static str, &str) {
    match standing {
        DeliveryStanding::Untested => ("untested", "never tested, so not known to work"),
        DeliveryStanding::UnderWay => ("under way", "its test has no outcome yet"),
        DeliveryStanding::Works(receipt) => ("works", receipt),
        DeliveryStanding::Stale => {
            ("stale", "its last test arrived, but is longer ago than it should be")
        }
        DeliveryStanding::Fails(why) => ("fails", why),
        DeliveryStanding::Unknown(why) => ("unknown", why),
    }
}

fn kind(world: &World, id: &ChannelId) -> &'static str {
    let channels = &world.playbook.playbook.channels;
    channels.iter().find(|channel| channel.id == *id).map_or("", |channel| channel.kind)
}

fn as_json(world: &World, one: &Delivery) -> Value {
    let (standing, why) = words(&one.standing);
    let history = one.history.iter().map(|(at, ok)| json!({ "at": at.rfc3339(), "arrived": ok }));
    json!({
        "channel": one.channel.as_str(),
        "kind": kind(world, &one.channel),
        "standing": standing,
        "trusted": one.standing.is_trusted(),
        "tested": one.tested.map(|at| at.rfc3339()),
        "nonce": one.nonce.as_str(),
        "said": why,
        "tests": history.collect::<Vec<_>>(),
    })
}

fn print(world: &World, shown: &[&Delivery]) {
    let mut rows = vec![["channel", "kind", "standing", "tested", ""].map(str::to_owned).to_vec()];
    rows.extend(shown.iter().map(|one| {
        let (standing, why) = words(&one.standing);
        let tested = one.tested.map_or_else(|| "never".to_owned(), |at| at.rfc3339());
        let kind = kind(world, &one.channel).to_owned();
        let why = why.lines().next().unwrap_or_default().to_owned();
        vec![one.channel.to_string(), kind, standing.to_owned(), tested, why]
    }));
    output::table(&rows);
}
