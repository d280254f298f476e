//! What people point at with few letters: an incident, a task, a decision, an update.

use crate::domain::{Actor, IncidentId};
use crate::eventlog::RecordId;
use crate::model::Model;
use crate::model::incidents::Incident;

use super::{Refusal, Rule};

/// Hexadecimal digits of a record that are shown.
pub const SHORT: usize = 6;
/// Most names listed in a sentence.
const LISTED: usize = 5;

/// A record as people see it: the beginning of its id.
pub fn short(record: RecordId) -> String {
    record.to_string().chars().take(SHORT).collect()
}

/// The incident that is meant: by its id or the beginning of it, with or without `INC-`; without a word,
/// the only one that is going on.
pub fn incident(model: &Model, word: Option<&str>) -> Result<IncidentId, Refusal> {
    let book = &model.incidents;
    let live = book.live();
    let named = |ids: &mut dyn Iterator<Item = &Incident>| {
        let all: Vec<&Incident> = ids.collect();
        let named = all.iter().take(LISTED).map(|one| format!("{} “{}”", one.id, one.title));
        let named = named.collect::<Vec<_>>().join(", ");
        match all.len().saturating_sub(LISTED) {
            0 => named,
            more => format!("{named} and {more} more"),
        }
    };
    let Some(word) = word.map(str::trim).filter(|word| !word.is_empty()) else {
        return match live.as_slice() {
            [only] => Ok(only.id.clone()),
            [] => Err(Refusal::new(
                Rule::Nothing,
                "No incident is going on. Declare one, or name the one you mean.",
            )),
            several => Err(Refusal::new(
                Rule::Nothing,
                format!(
                    "{} incidents are going on. Name the one you mean: {}.",
                    several.len(),
                    named(&mut several.iter().copied())
                ),
            )),
        };
    };
    let upper = word.to_ascii_uppercase();
    let begins = |one: &&Incident| {
        let id = one.id.as_str();
        id.starts_with(&upper) || id.strip_prefix("INC-").is_some_and(|id| id.starts_with(&upper))
    };
    let fitting: Vec<&Incident> = book.incidents.values().filter(begins).collect();
    let exact = fitting.iter().find(|one| one.id.as_str() == upper);
    match (exact, fitting.as_slice()) {
        (Some(one), _) | (None, [one]) => Ok(one.id.clone()),
        (None, []) => Err(Refusal::new(
            Rule::NoSuchIncident,
            format!("No incident begins with {word}. `quarterdeck incidents` lists them."),
        )),
        (None, several) => Err(Refusal::new(
            Rule::Nothing,
            format!("{word} may mean {}.", named(&mut several.iter().copied())),
        )),
    }
}

/// The one of `known` that a word means: the beginning of its id (at least three digits), or words that
/// only its text has.
pub fn record<'a>(
    known: impl IntoIterator<Item = (RecordId, &'a str)>,
    word: &str,
    what: &str,
) -> Result<RecordId, Refusal> {
    let known: Vec<(RecordId, &str)> = known.into_iter().collect();
    let lower = word.trim().to_ascii_lowercase();
    let hex = (3..=64).contains(&lower.len()) && lower.bytes().all(|b| b.is_ascii_hexdigit());
    let by_id = known.iter().filter(|(id, _)| hex && id.to_string().starts_with(&lower));
    let mut fitting: Vec<&(RecordId, &str)> = by_id.collect();
    if fitting.is_empty() && !lower.is_empty() {
        let by_words = known.iter().filter(|(_, text)| text.to_lowercase().contains(&lower));
        fitting = by_words.collect();
    }
    let listed = |some: &[&(RecordId, &str)]| {
        let listed: Vec<String> = some
            .iter()
            .take(LISTED)
            .map(|(id, text)| {
                let line = text.lines().next().unwrap_or_default();
                let line: String = line.chars().take(40).collect();
                format!("{} “{line}”", short(*id))
            })
            .collect();
        listed.join(", ")
    };
    match fitting.as_slice() {
        [(id, _)] => Ok(*id),
        [] if known.is_empty() => {
            Err(Refusal::new(Rule::NoSuch, format!("There is no {what} to choose from.")))
        }
        [] => {
            let all: Vec<&(RecordId, &str)> = known.iter().collect();
            let sentence =
                format!("No {what} is meant by `{}`; there are {}.", word.trim(), listed(&all));
            Err(Refusal::new(Rule::NoSuch, sentence))
        }
        several => Err(Refusal::new(
            Rule::Nothing,
            format!("`{}` may mean {}.", word.trim(), listed(several)),
        )),
    }
}

/// Workstreams under leads of their own: name, lead, and who goes under it.
pub type Groups = Vec<(String, Actor, Vec<RecordId>)>;

/// Reads `name / lead: workstream, workstream`, one a line.
///
/// # Errors
/// What cannot be read of which line.
pub fn groups(incident: Option<&Incident>, text: &str) -> Result<Groups, String> {
    let open = |name: &str| {
        let all = incident.into_iter().flat_map(|incident| &incident.workstreams);
        let mut open = all.filter(|(_, stream)| stream.closed.is_none());
        open.find(|(_, stream)| stream.name.eq_ignore_ascii_case(name)).map(|(id, _)| *id)
    };
    let mut groups = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let wrong = |why: &str| format!("`{line}`: {why}");
        let (head, streams) = line
            .split_once(':')
            .ok_or_else(|| wrong("write name / lead: workstream, workstream."))?;
        let (name, lead) =
            head.split_once('/').ok_or_else(|| wrong("write name / lead before the colon."))?;
        let mut under = Vec::new();
        for stream in streams.split(',').map(str::trim).filter(|s| !s.is_empty()) {
            let found = open(stream);
            under.push(
                found.ok_or_else(|| wrong(&format!("there is no open workstream `{stream}`.")))?,
            );
        }
        groups.push((name.trim().to_owned(), Actor::new(lead.trim()), under));
    }
    if groups.is_empty() {
        return Err("Write one group a line: name / lead: workstream, workstream.".to_owned());
    }
    Ok(groups)
}
