//! Incidents from the shell: the verbs of the command line, decided by the same rules, recorded in the same
//! log, beside a console that is open or without one.

mod asked;
mod declare;
mod evidence;
mod more;
mod show;
mod told;

use anyhow::anyhow;
use clap::Args;

pub(super) use asked::{Note, Update, Words, act, note, update};
pub(super) use declare::{Declare, declare};
pub(super) use evidence::{Ask as Evidence, evidence};
pub(super) use more::{Decide, Describe, Split, Task, decide, describe, split, task};
pub(super) use show::{Incidents, Timeline, incidents, table, timeline};
pub(super) use told::incident as told;

use super::world::World;
use super::{Common, Exit, Look, output};
use crate::actions::command::Known;
use crate::actions::{Doing, Refusal, Rule, Writer, decide_incident, pick, to_pin};
use crate::domain::{Actor, IncidentId, Operation, Span, Timestamp};
use crate::eventlog::{EventLog as _, IncidentEvent, LogEvent, Recorded, SqliteLog};

/// What the verbs of an incident print with --json.
pub(super) const INCIDENT_JSON: &str = "With --json, one object; keys may be added, never change their meaning:\n  \
    version   1\n  \
    at        when it was asked (RFC 3339)\n  \
    recorded  what was recorded now: id, kind (`task-given`), at; empty when only looking\n  \
    waits     messages and ticket changes that wait to be performed: id, what, to, since\n  \
    incident  id, title, severity (SEV-1 to SEV-5), severity_reason, status, status_since, declared_by,\n            \
    declared_at, onset, services, impact, scope, commander, commander_since, roles (role, who, since,\n            \
    until), merged_into, links (title, target), handover (to, at, sections (title, text, accepted,\n            \
    question)), tasks (id, text, owner, due, acknowledged_at, ended_at, outcome, result, workstream),\n            \
    workstreams (id, name, team, lead, parent, blocker, heard, closed_at, reports), decisions (id,\n            \
    proposal, options, owner, expected, review, objections, outcome, decided_by, decided_at, note),\n            \
    updates (id, audience, subject, body, channels, next, by, at, answers, published_at), tickets\n            \
    (tracker, key, url, state, done), pages (id, whom, team, at, text, coming, answered_at)\n\n\
    Times are RFC 3339; what is not known or has not happened is null. An id of a task, decision, update\n\
    or entry may be shortened to what is unique, or replaced by words that only it has.";

/// Which incident, and how the answer is printed.
#[derive(Debug, Clone, Args)]
pub(super) struct Which {
    /// The incident, or the beginning of its id [default: the only one that is going on].
    #[arg(short, long, value_name = "ID")]
    pub(super) incident: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// The log, open for writing, with the model made of it.
pub(super) struct Desk {
    pub(super) world: World,
    log: SqliteLog,
    writer: Writer,
    pub(super) now: Timestamp,
    pub(super) recorded: Vec<Recorded>,
}

impl Desk {
    pub(super) fn open(common: &Common, look: &Look) -> anyhow::Result<Self> {
        if look.read_only {
            anyhow::bail!("nothing was recorded, because --read-only was given");
        }
        Self::of(World::load(common)?)
    }

    /// As [`Desk::open`], with what the sources say now; who does not answer in time leaves its part unknown.
    pub(super) async fn asked(
        common: &Common,
        look: &Look,
        patience: Span,
    ) -> anyhow::Result<Self> {
        if look.read_only {
            anyhow::bail!("nothing was recorded, because --read-only was given");
        }
        let mut world = World::load(common)?;
        if !world.settings.sources.is_empty() {
            world.gather(patience).await?;
        }
        let desk = Self::of(world)?;
        Ok(desk.studied())
    }

    /// With every analysis carried out: who calls whom, above all.
    fn studied(mut self) -> Self {
        self.now = self.world.now();
        self.world.model.tick(self.now);
        self.world.model.study();
        self
    }

    /// Pins what was frozen with a release.
    pub(super) fn pin(&mut self, incident: &IncidentId) -> anyhow::Result<()> {
        let Some(LogEvent::Incident { event: IncidentEvent::EntryPinned(pin), .. }) =
            to_pin(&self.recorded)
        else {
            return Ok(());
        };
        self.record(incident, &Doing::Pin { entry: pin.entry, pinned: pin.pinned })
    }

    fn of(mut world: World) -> anyhow::Result<Self> {
        let log = world.open_store()?;
        log.notice().iter().for_each(|notice| output::aside(notice));
        let writer = Writer { actor: Actor::new(&world.settings.me), key: log.key() };
        let now = world.now();
        Ok(Self { world, log, writer, now, recorded: Vec::new() })
    }

    /// The incident that is meant.
    pub(super) fn incident(&self, which: &Which) -> anyhow::Result<IncidentId> {
        pick::incident(&self.world.model, which.incident.as_deref()).map_err(said)
    }

    fn known<'a>(&'a self, incident: &'a IncidentId) -> Known<'a> {
        Known {
            model: &self.world.model,
            incident,
            me: &self.writer.actor,
            now: self.now,
            offset_minutes: 0,
        }
    }

    /// Decides and records; it is on disk when this comes back well.
    pub(super) fn record(&mut self, incident: &IncidentId, doing: &Doing) -> anyhow::Result<()> {
        let decided = decide_incident(&self.world.model, &self.writer, incident, doing, self.now);
        let events = decided.map_err(said)?;
        let recorded = self.log.append(&self.writer.actor, self.now, &events);
        let recorded = recorded.map_err(|error| anyhow!("{}", error.sentence))?;
        recorded.iter().for_each(|record| self.world.model.apply(record));
        self.recorded.extend(recorded);
        Ok(())
    }

    /// Says what came of it.
    pub(super) fn tell(&self, incident: &IncidentId, json: bool) -> Exit {
        if json {
            output::json(&told::answer(&self.world.model, incident, self.now, &self.recorded));
            return Exit::Fine;
        }
        let model = &self.world.model;
        let Some(known) = model.incidents.incidents.get(incident) else { return Exit::Fine };
        for record in &self.recorded {
            match &record.event {
                Some(LogEvent::Incident { .. }) => {
                    let line = known.timeline.line(record.id);
                    let text = line.map_or("recorded", |line| line.text.as_str());
                    output::line(&format!("{incident} {} {text}", pick::short(record.id)));
                }
                Some(LogEvent::OperationRequested { operation }) => {
                    output::line(&format!(
                        "{incident} {} {}",
                        pick::short(record.id),
                        wait(operation)
                    ));
                }
                _ => {}
            }
        }
        Exit::Fine
    }
}

/// What waits to be performed by a console or by `quarterdeck outbox run`.
fn wait(operation: &Operation) -> String {
    let (what, to) = told::operation(operation);
    format!("{what} to {to} waits for a console, or for `quarterdeck outbox run`")
}

/// A refusal as an error, with the word that says yes where there is one.
pub(super) fn said(refusal: Refusal) -> anyhow::Error {
    let more = if refusal.rule == Rule::Duplicate { " --another confirms it." } else { "" };
    anyhow!("{}{more}", refusal.sentence)
}
