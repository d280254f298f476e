//! The figures of an incident's impact: asked once over exactly the time it lasted, frozen as proof.

use anyhow::anyhow;
use clap::Args;

use super::{known, meant};
use crate::actions::Doing;
use crate::cli::incident::{Desk, Which};
use crate::cli::{Common, Exit, Look, output, promql};
use crate::domain::{EntryKind, Evidence, SafeText, Timestamp};
use crate::model::review::{Question, questions};

/// Whose figures.
#[derive(Debug, Args)]
pub(super) struct Measure {
    #[command(flatten)]
    which: Which,
}

/// Asks what is not frozen yet. One source that does not answer does not keep the others from being asked.
pub(super) async fn measure(common: &Common, look: &Look, ask: &Measure) -> anyhow::Result<Exit> {
    let mut desk = Desk::open(common, look)?;
    let id = meant(&desk.world, ask.which.incident.as_deref())?;
    let incident = known(&desk.world, &id)?;
    if incident.resolved_at.is_none() {
        anyhow::bail!("{id} goes on; its figures are asked for when it is over");
    }
    let proofs = incident.timeline.iter().filter(|line| line.withdrawn.is_none());
    let proofs = proofs.filter_map(|line| line.evidence.as_deref());
    let known: Vec<(SafeText, Timestamp, Timestamp)> =
        proofs.map(|proof| (proof.query.clone(), proof.from, proof.to)).collect();
    // What was asked around the incident right after it is good enough.
    let is_known = |one: &Question| {
        known.iter().any(|(query, from, to)| {
            let same_end = *to == one.to || one.step.is_some();
            query.as_str() == one.query.trim() && *from == one.from && same_end
        })
    };
    let all = questions(&desk.world.model, incident, desk.now);
    if all.is_empty() {
        anyhow::bail!("no objective is declared for {id}, so there is nothing to ask");
    }
    let open: Vec<Question> = all.into_iter().filter(|one| !is_known(one)).collect();
    if open.is_empty() {
        output::aside("Everything was measured before; nothing was asked.");
        return Ok(desk.tell(&id, ask.which.json));
    }
    let mut wrong = Vec::new();
    for one in &open {
        match answer(&desk, one).await {
            Ok(doing) => desk.record(&id, &doing)?,
            Err(why) => wrong.push(format!("{}: {why}", one.slo)),
        }
    }
    let exit = desk.tell(&id, ask.which.json);
    wrong.iter().for_each(|why| output::aside(why));
    if wrong.len() == open.len() {
        return Err(anyhow!("nothing was measured"));
    }
    Ok(if wrong.is_empty() { exit } else { Exit::Attention })
}

async fn answer(desk: &Desk, one: &Question) -> anyhow::Result<Doing> {
    let name = one.source.as_ref().map(|source| source.as_str());
    let source = promql::source(&desk.world, name)?;
    // What is asked for around the incident may reach past now.
    let to = one.to.min(desk.now);
    let values = match one.step {
        Some(step) => promql::range(&desk.world, source, &one.query, (one.from, to), step).await?,
        None => {
            let values = promql::at(&desk.world, source, &one.query, to).await?;
            values.into_iter().map(|value| (to, value)).collect()
        }
    };
    Ok(Doing::Enter {
        kind: EntryKind::Evidence,
        text: one.says.clone(),
        happened: Some(to),
        evidence: Some(Evidence {
            query: SafeText::body(&one.query),
            source: source.name.text().clone(),
            from: one.from,
            to,
            values,
            unit: SafeText::new(one.unit),
        }),
        about: None,
    })
}
