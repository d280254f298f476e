//! `quarterdeck declare`: from alerts, from an objective, or from nothing.

use anyhow::anyhow;
use clap::Args;

use super::Desk;
use crate::actions::command::{self, Asked};
use crate::actions::when::{Toward, moment};
use crate::actions::{Doing, Proposal, propose};
use crate::cli::world::World;
use crate::cli::{Common, Exit, Look, alerts};
use crate::domain::{
    Actor, AlertKey, Cause, Impact, IncidentId, SafeText, ServiceId, SloId, Span, TicketRef,
    Timestamp, TrackerId,
};
use crate::model::Group;

/// Ids drawn before it is given up: a thousand incidents leave one in thirty thousand taken.
const DRAWS: usize = 8;

/// What is declared.
#[derive(Debug, Args)]
pub(in crate::cli) struct Declare {
    /// `SEV-2 checkout: cards declined`; what is left out is proposed from --alerts or --slo.
    words: Vec<String>,
    /// Declare from the firing alerts a filter fits, as after `/`.
    #[arg(long, value_name = "FILTER")]
    alerts: Option<String>,
    /// Declare from an objective.
    #[arg(long, value_name = "ID", conflicts_with = "alerts")]
    slo: Option<String>,
    /// Why that severity.
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// A service that is hurt; may be given several times.
    #[arg(long, value_name = "NAME")]
    service: Vec<String>,
    /// Who is hurt and how, in one sentence.
    #[arg(long, value_name = "TEXT", default_value = "")]
    impact: String,
    /// Which part, region or share of customers.
    #[arg(long, value_name = "TEXT", default_value = "")]
    scope: String,
    /// When it began: 14:05 (UTC), 20m (ago), or RFC 3339.
    #[arg(long, value_name = "WHEN")]
    onset: Option<String>,
    /// Who commands [default: whoever declares].
    #[arg(long, value_name = "NAME")]
    commander: Option<String>,
    /// Nobody commands yet.
    #[arg(long, conflicts_with = "commander")]
    no_commander: bool,
    /// A ticket to take on instead of opening one: TRACKER/KEY.
    #[arg(long, value_name = "TICKET")]
    ticket: Option<String>,
    /// Yes, though an incident about the same is going on.
    #[arg(long)]
    another: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// How long to wait for sources that do not answer.
    #[arg(long, value_name = "DURATION", default_value = "12s", value_parser = crate::cli::span)]
    timeout: Span,
}

pub(in crate::cli) async fn declare(
    common: &Common,
    look: &Look,
    ask: &Declare,
) -> anyhow::Result<Exit> {
    let read = command::read("declare", &ask.words.join(" "));
    let (severity, title) = match read {
        Some(Ok(Asked::Declare { severity, title })) => (severity, title),
        Some(Err(error)) => anyhow::bail!("{error}"),
        _ => anyhow::bail!("`declare` needs a title; it is written `declare [SEV-n] title`"),
    };
    let ticket = ask.ticket.as_deref().map(a_ticket).transpose()?;
    if look.read_only {
        anyhow::bail!("nothing was recorded, because --read-only was given");
    }
    let mut world = World::load(common)?;
    let cause = cause(&mut world, ask).await?;
    let mut desk = Desk::of(world)?;
    let proposal = propose(&desk.world.model, &cause);
    let title = if title.is_empty() { proposal.title.to_string() } else { title };
    if title.is_empty() {
        anyhow::bail!("the incident has no title; it is written `declare [SEV-n] title`");
    }
    let onset = match &ask.onset {
        Some(text) => Some(past(text, desk.now)?),
        None => proposal.onset.map(|at| at.min(desk.now)),
    };
    let impact = if ask.impact.is_empty() { &proposal.impact } else { &ask.impact };
    let commander = match &ask.commander {
        Some(name) => Some(Actor::new(name)),
        None => (!ask.no_commander).then(|| desk.writer.actor.clone()),
    };
    let reason = match (severity, ask.reason.as_str()) {
        // A severity of one's own is not the proposal's, so its reason is not either.
        (Some(own), "") if own != proposal.severity => String::new(),
        (_, "") => proposal.reason.to_string(),
        (_, reason) => reason.to_owned(),
    };
    let id = draw(&desk)?;
    let doing = Doing::Declare {
        id: id.clone(),
        title,
        severity: severity.unwrap_or(proposal.severity),
        reason,
        services: services(ask, &proposal),
        impact: Impact { sentence: SafeText::body(impact), scope: SafeText::body(&ask.scope) },
        cause,
        onset,
        commander,
        ticket,
        confirmed_duplicate: ask.another,
    };
    desk.record(&id, &doing)?;
    Ok(desk.tell(&id, ask.json))
}

fn services(ask: &Declare, proposal: &Proposal) -> Vec<ServiceId> {
    if ask.service.is_empty() {
        return proposal.services.clone();
    }
    ask.service.iter().map(|name| ServiceId::new(name)).collect()
}

fn a_ticket(text: &str) -> anyhow::Result<TicketRef> {
    let (tracker, key) = text
        .split_once('/')
        .filter(|(tracker, key)| !tracker.is_empty() && !key.is_empty())
        .ok_or_else(|| anyhow!("`{text}` is not a ticket; write TRACKER/KEY, such as github/42"))?;
    Ok(TicketRef { tracker: TrackerId::new(tracker), key: SafeText::new(key) })
}

fn past(text: &str, now: Timestamp) -> anyhow::Result<Timestamp> {
    moment(text, now, 0, Toward::Past)
        .ok_or_else(|| anyhow!("`{text}` is not a time such as 14:05, 20m or RFC 3339"))
}

/// An id that is not taken.
fn draw(desk: &Desk) -> anyhow::Result<IncidentId> {
    for _ in 0..DRAWS {
        let mut lot = [0; 8];
        getrandom::fill(&mut lot)
            .map_err(|error| anyhow!("no id could be drawn for the incident: {error}"))?;
        let id = IncidentId::from_lot(u64::from_le_bytes(lot));
        if !desk.world.model.incidents.incidents.contains_key(&id) {
            return Ok(id);
        }
    }
    anyhow::bail!("no id is left for the incident; nothing was recorded, so try again")
}

async fn cause(world: &mut World, ask: &Declare) -> anyhow::Result<Cause> {
    match (&ask.alerts, &ask.slo) {
        (Some(text), _) => {
            let filter = alerts::filter(std::slice::from_ref(text))?;
            world.gather(ask.timeout).await?;
            let book = &world.model.alerts;
            let visible = book.visible(&filter, false).into_iter();
            let groups: Vec<&Group> = visible.filter_map(|at| book.groups.get(at)).collect();
            if groups.is_empty() {
                world.print_lacking();
                anyhow::bail!("no firing alert fits the filter, so nothing was declared");
            }
            let titles: Vec<&str> = groups.iter().map(|group| group.title.as_str()).collect();
            let alerts: Vec<AlertKey> = groups.iter().flat_map(|g| g.alerts.clone()).collect();
            Ok(Cause::Alerts { title: SafeText::new(&titles.join(", ")), alerts })
        }
        (None, Some(id)) => {
            let slo = SloId::new(id);
            if !world.catalog.slos.contains_key(&slo) {
                anyhow::bail!("there is no objective `{id}`; `quarterdeck slo` lists them");
            }
            world.gather(ask.timeout).await?;
            Ok(Cause::Slo(slo))
        }
        (None, None) => Ok(Cause::Nothing),
    }
}
