//! Writing on the timeline: entries, also for others and of earlier times, withdrawn and pinned.

use crate::domain::{Actor, EntryKind, Evidence, LINE_BYTES, Span, Timestamp};
use crate::eventlog::{EntryMade, EntryPinned, EntryWithdrawn, RecordId};
use crate::model::incidents::{Incident, Line};

use super::texts::{self, BODY, WORDS};
use super::{Desk, Doing, Facts, Refusal, Rule};

/// What led to an incident may be older than it, but hardly by more than a month.
const BEFORE: Span = Span::from_days(31);
/// Most points of a frozen proof.
const MOST_POINTS: usize = 240;

pub(super) fn rule(desk: Desk<'_>, what: &Doing) -> Result<Facts, Refusal> {
    match what {
        Doing::Enter { kind, text, happened, evidence, about } => {
            enter(desk, *kind, text, *happened, evidence.as_ref(), *about)
        }
        Doing::WithdrawEntry { entry, reason } => {
            let line = find(desk, desk.incident()?, *entry)?;
            if !line.kind.can_be_withdrawn() {
                return Err(Refusal::new(
                    Rule::NotYours,
                    "Only what was written or seen can be withdrawn; a step is put right by another step.",
                ));
            }
            if let Some(withdrawn) = &line.withdrawn {
                let whom = desk.whom(&withdrawn.0);
                let sentence = format!("That entry was withdrawn by {whom} already.");
                return Err(Refusal::new(Rule::Same, sentence));
            }
            let reason = texts::text(reason, "reason for withdrawing it", WORDS)?;
            desk.one(EntryWithdrawn { entry: *entry, reason })
        }
        Doing::Pin { entry, pinned } => {
            let line = find(desk, desk.incident()?, *entry)?;
            if line.pinned == *pinned {
                let state = if *pinned { "pinned already" } else { "not pinned" };
                return Err(Refusal::new(Rule::Same, format!("That entry is {state}.")));
            }
            desk.one(EntryPinned { entry: *entry, pinned: *pinned })
        }
        _ => Ok(Facts::default()),
    }
}

fn enter(
    desk: Desk<'_>,
    kind: EntryKind,
    text: &str,
    happened: Option<Timestamp>,
    evidence: Option<&Evidence>,
    about: Option<RecordId>,
) -> Result<Facts, Refusal> {
    let incident = desk.incident()?;
    let (spoken_by, text) = speaker(text);
    let text = texts::text(text, "entry", BODY)?;
    let spoken_by = spoken_by.map(|name| texts::line(name, "name after @")).transpose()?;
    let spoken_by = spoken_by.map(|name| Actor::new(&name)).filter(|who| *who != desk.by.actor);
    if let Some(happened) = happened {
        let began = incident.onset.unwrap_or(incident.declared_at).min(incident.declared_at);
        desk.behind(happened, began.minus(BEFORE), "time it happened")?;
    }
    if let Some(about) = about.filter(|about| !knows(incident, *about)) {
        return Err(no_such(desk, "entry", about));
    }
    let evidence = evidence.map(|evidence| proof(desk, evidence)).transpose()?;
    desk.one(EntryMade { kind, text, happened, spoken_by, evidence, about })
}

/// `@name text` writes for somebody else at the same console.
fn speaker(text: &str) -> (Option<&str>, &str) {
    let text = text.trim();
    let Some(rest) = text.strip_prefix('@') else { return (None, text) };
    let (name, said) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let name = name.trim_end_matches([':', ',']);
    // `@ 14:05` and the like speak for nobody.
    if name.starts_with(char::is_alphabetic) { (Some(name), said) } else { (None, text) }
}

fn proof(desk: Desk<'_>, evidence: &Evidence) -> Result<Evidence, Refusal> {
    let points = evidence.values.len();
    if points > MOST_POINTS {
        return Err(Refusal::new(
            Rule::TooLong,
            format!(
                "The proof has {points} points; at most {MOST_POINTS} are kept. Make it coarser."
            ),
        ));
    }
    if evidence.to < evidence.from {
        return Err(Refusal::new(Rule::Times, "The proof would end before it begins."));
    }
    desk.behind(evidence.from, Timestamp::from_millis(i64::MIN), "beginning of the proof")?;
    Ok(Evidence {
        query: texts::text(&evidence.query, "query of the proof", WORDS)?,
        source: texts::any_text(&evidence.source, "source of the proof", LINE_BYTES)?,
        unit: texts::any_text(&evidence.unit, "unit of the proof", LINE_BYTES)?,
        ..evidence.clone()
    })
}

/// Whether a record is something in this incident that can be spoken about.
fn knows(incident: &Incident, record: RecordId) -> bool {
    incident.tasks.contains_key(&record)
        || incident.decisions.contains_key(&record)
        || incident.updates.contains_key(&record)
        || incident.workstreams.contains_key(&record)
        || incident.pages.contains_key(&record)
        || incident.timeline.line(record).is_some()
}

fn find<'a>(desk: Desk<'_>, incident: &'a Incident, entry: RecordId) -> Result<&'a Line, Refusal> {
    incident.timeline.line(entry).ok_or_else(|| no_such(desk, "entry", entry))
}

/// That something spoken about is not there.
pub(super) fn no_such(desk: Desk<'_>, what: &str, record: RecordId) -> Refusal {
    let short: String = record.to_string().chars().take(8).collect();
    Refusal::new(
        Rule::NoSuch,
        format!("{} has no {what} {short}. It may not have arrived here yet; look again.", desk.id),
    )
}
