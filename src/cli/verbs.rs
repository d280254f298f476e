//! `quarterdeck ack`, and how what the shell asks for is decided and recorded: as in the console, in the
//! same log.

use clap::Args;

use super::world::World;
use super::{Common, Exit, Look, alerts, output};
use crate::actions::{Do, Rule, SilenceGuard, decide};
use crate::domain::{Actor, AlertKey, SafeText, Span};
use crate::eventlog::{EventLog as _, LogEvent, Recorded, SqliteLog};
use crate::model::Group;

/// What is acknowledged.
#[derive(Debug, Args)]
pub(super) struct Ack {
    /// Matchers and words, as after `/`; every firing group they fit is acknowledged.
    #[arg(required = true)]
    filter: Vec<String>,
    /// Why, or what is being done.
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    /// Yes, also when it is every firing alert or very many.
    #[arg(long)]
    all: bool,
    /// How long to wait for sources that do not answer.
    #[arg(long, value_name = "DURATION", default_value = "12s", value_parser = super::span)]
    timeout: Span,
}

pub(super) async fn ack(common: &Common, look: &Look, ack: &Ack) -> anyhow::Result<Exit> {
    let filter = alerts::filter(&ack.filter)?;
    let mut world = World::load(common)?;
    world.gather(ack.timeout).await?;
    let book = &world.model.alerts;
    let groups: Vec<&Group> =
        book.visible(&filter, false).into_iter().filter_map(|at| book.groups.get(at)).collect();
    if groups.is_empty() {
        world.print_lacking();
        anyhow::bail!("no firing alert fits the filter, so nothing was acknowledged");
    }
    let titles: Vec<&str> = groups.iter().map(|g| g.title.as_str()).collect();
    let title = SafeText::new(&titles.join(", "));
    let alerts: Vec<AlertKey> = groups.iter().flat_map(|g| g.alerts.clone()).collect();
    let what = Do::Acknowledge { alerts, title: title.clone(), note: ack.note.clone() };
    let silence = &world.settings.silence;
    let guard = SilenceGuard {
        most_alerts: silence.max_alerts,
        most_share: silence.max_share,
        confirmed_broad: ack.all,
        ..SilenceGuard::default()
    };
    let recorded = record(&world, look, &what, &guard)?;
    let events = recorded.iter().filter_map(|record| record.event.as_ref());
    let count: usize = events.map(acknowledged).sum();
    output::line(&format!("Acknowledged {title} ({}).", output::many(count, "alert")));
    Ok(Exit::Fine)
}

fn acknowledged(event: &LogEvent) -> usize {
    match event {
        LogEvent::AlertsAcknowledged { alerts, .. } => alerts.len(),
        _ => 0,
    }
}

/// Decides and records; it is on disk when this comes back well.
fn record(
    world: &World,
    look: &Look,
    what: &Do,
    guard: &SilenceGuard,
) -> anyhow::Result<Vec<Recorded>> {
    if look.read_only {
        anyhow::bail!("nothing was recorded, because --read-only was given");
    }
    let mut log =
        SqliteLog::open_at(&world.place()).map_err(|e| anyhow::anyhow!("{}", e.sentence))?;
    record_in(world, &mut log, what, guard)
}

/// As [`record`], in a log that is open.
pub(super) fn record_in(
    world: &World,
    log: &mut SqliteLog,
    what: &Do,
    guard: &SilenceGuard,
) -> anyhow::Result<Vec<Recorded>> {
    let (by, now) = (Actor::new(&world.settings.me), world.now());
    let events = decide(&world.model, &by, what, now, guard).map_err(|refusal| {
        let more = if refusal.rule == Rule::TooBroad { " --all confirms it." } else { "" };
        anyhow::anyhow!("{}{more}", refusal.sentence)
    })?;
    log.append(&by, now, &events).map_err(|e| anyhow::anyhow!("{}", e.sentence))
}
