//! `quarterdeck suspects`: who is likely to blame for what hurts most, with the evidence and the way there.

use serde_json::{Value, json};

use super::world::World;
use super::{Asking, Common, Exit, output};
use crate::analysis::suspects::{Culprit, Suspect};
use crate::model::{Concern, SuspectsFound};

/// As many are printed.
const PRINTED: usize = 10;

pub(super) async fn run(common: &Common, ask: &Asking) -> anyhow::Result<Exit> {
    let mut world = World::load(common)?;
    world.gather_around(ask.timeout).await?;
    let suspicion = &world.model.suspicion;
    let (concern, found) = (suspicion.concern(), suspicion.latest());
    if ask.json {
        let mut all = world.head();
        all.insert("concern".into(), concern_json(concern, found));
        all.insert("verdict".into(), json!(found.map(|found| &found.ranking.verdict)));
        let suspects = found.map(|found| {
            let suspects = found.ranking.suspects.iter();
            suspects.map(|suspect| as_json(found, suspect)).collect::<Vec<Value>>()
        });
        all.insert("suspects".into(), json!(suspects.unwrap_or_default()));
        output::json(&all);
    } else {
        world.print_lacking();
        print(&world, concern, found);
    }
    let calm = concern.is_none() && world.lacking().is_empty();
    Ok(if calm { Exit::Fine } else { Exit::Attention })
}

fn concern_json(concern: Option<&Concern>, found: Option<&SuspectsFound>) -> Value {
    // When it began is known better once its readings were looked at.
    let concern = found.map(|found| &found.concern).or(concern);
    concern.map_or(Value::Null, |concern| {
        json!({
            "service": concern.service,
            "slo": concern.slo,
            "why": concern.why,
            "since": concern.onset.rfc3339(),
        })
    })
}

fn as_json(found: &SuspectsFound, suspect: &Suspect) -> Value {
    let change = match suspect.culprit {
        Culprit::Service(_) => None,
        Culprit::Change(place) => found.changes.get(place),
    };
    json!({
        "service": service(found, suspect),
        "change": change.map(|change| json!({
            "kind": change.kind,
            "title": change.title,
            "at": change.at.rfc3339(),
        })),
        "score": suspect.score,
        "stands_out": suspect.stands_out,
        "path": way(found, suspect),
        "terms": suspect.terms.iter().map(|term| json!({
            "kind": term.kind.name(),
            "value": term.value,
            "weight": term.weight,
            "sentence": term.sentence,
        })).collect::<Vec<_>>(),
        "folded": suspect.folded.iter().map(|folded| json!({
            "service": found.services.get(folded.service),
            "reason": folded.reason,
        })).collect::<Vec<_>>(),
    })
}

/// The service that is suspected, or at which something was changed.
fn service<'a>(found: &'a SuspectsFound, suspect: &Suspect) -> Option<&'a str> {
    let place = match suspect.culprit {
        Culprit::Service(place) => place,
        Culprit::Change(place) => found.changes.get(place)?.service,
    };
    found.services.get(place).map(crate::domain::ServiceId::as_str)
}

fn way<'a>(found: &'a SuspectsFound, suspect: &Suspect) -> Vec<&'a str> {
    let names = suspect.path.iter().filter_map(|place| found.services.get(*place));
    names.map(crate::domain::ServiceId::as_str).collect()
}

fn print(world: &World, concern: Option<&Concern>, found: Option<&SuspectsFound>) {
    let Some(concern) = concern else {
        output::line(if world.lacking().is_empty() {
            "Nothing hurts: no objective burns and no page fires, so nobody is suspected."
        } else {
            "Nobody is suspected: nothing is known to hurt, but not everything was seen."
        });
        return;
    };
    let since = found.map_or(concern.onset, |found| found.concern.onset);
    output::line(&format!("{}: {}, since {}.", concern.service, concern.why, since.rfc3339()));
    let Some(found) = found else {
        output::line(
            "Nobody can be suspected: no readings of the services around it came in. Their golden signals \
             stand under `signals` of the catalog.",
        );
        return;
    };
    output::line(&found.ranking.verdict);
    for (rank, suspect) in found.ranking.suspects.iter().take(PRINTED).enumerate() {
        let name = service(found, suspect).unwrap_or_default();
        let what = match suspect.culprit {
            Culprit::Service(_) => name.to_owned(),
            Culprit::Change(place) => found.changes.get(place).map_or_else(String::new, |change| {
                format!("{} “{}” of {name}", change.kind, change.title)
            }),
        };
        let mark = if suspect.stands_out { "stands out" } else { "does not stand out" };
        output::line("");
        output::line(&format!("{}. {what}: {mark}, score {:.2}", rank + 1, suspect.score));
        if suspect.path.len() > 1 {
            output::line(&format!("   {}", way(found, suspect).join(" → ")));
        }
        for term in &suspect.terms {
            output::line(&format!("   ×{:<5.2} {}", term.weight, term.sentence));
        }
        for folded in &suspect.folded {
            output::line(&format!("   {}", folded.reason));
        }
    }
    let more = found.ranking.suspects.len().saturating_sub(PRINTED);
    if more > 0 {
        output::line("");
        output::line(&format!("{more} more; --json lists them all"));
    }
}
