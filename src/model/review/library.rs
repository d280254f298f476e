//! The shelf of reviews: what there is, what is like what, and where incidents come from.
//!
//! Two incidents are alike by ½ · J(services) + ⅕ · J(types) + ³⁄₁₀ · cos(words), with J the Jaccard index
//! and the cosine of word counts weighted by how rare a word is among all incidents (Salton, Buckley 1988).
//! Cost: words of all incidents.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{IncidentId, IncidentType, Span, Timestamp};
use crate::model::Model;
use crate::model::incidents::Incident;

use super::duration;

/// Less alike is not worth a look.
const ALIKE: f64 = 0.15;
/// Most that are offered.
const MOST: usize = 5;
/// Words that say nothing of what happened.
const PLAIN: &[&str] = &[
    "the", "and", "for", "with", "from", "that", "this", "was", "were", "not", "are", "has",
    "have", "had", "but", "its", "can", "all", "after", "before", "into", "over", "since",
];

/// A review on the shelf.
#[derive(Debug, Clone, PartialEq)]
pub struct Shelf<'a> {
    /// Whose.
    pub incident: &'a Incident,
    /// Follow-ups that are open.
    pub open: usize,
    /// Of those, how many are late.
    pub overdue: usize,
}

/// An incident that is like another one.
#[derive(Debug, Clone, PartialEq)]
pub struct Similar {
    /// Which.
    pub id: IncidentId,
    /// How much, from 0 to 1.
    pub score: f64,
    /// Why, a few words each.
    pub why: Vec<String>,
}

/// What incidents of one type came to.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeRow {
    /// Which type; `None` is where nobody said.
    pub of: Option<IncidentType>,
    /// How many.
    pub incidents: usize,
    /// How long they lasted together.
    pub lasted: Span,
    /// The middle one of their lengths.
    pub median: Span,
    /// Error budget spent by the worst hit objective of each, where it is known, together.
    pub spent: f64,
    /// Of how many that is known.
    pub known: usize,
    /// Follow-ups that are open.
    pub open: usize,
}

/// Every review there is or should be: those of incidents that are over, first what is not finished, then
/// the newest.
pub fn shelf(model: &Model, now: Timestamp) -> Vec<Shelf<'_>> {
    let over = model.incidents.incidents.values();
    let over = over.filter(|one| !one.status.is_live() && one.merged_into.is_none());
    let mut all: Vec<Shelf<'_>> = over
        .map(|incident| {
            let open = incident.review.follow_ups.values().filter(|one| one.ended.is_none());
            let overdue = open.clone().filter(|one| one.is_overdue(now)).count();
            Shelf { incident, open: open.count(), overdue }
        })
        .collect();
    all.sort_by_key(|one| {
        let newest = std::cmp::Reverse(one.incident.declared_at);
        (one.incident.review.finished.is_some(), one.overdue == 0, newest, &one.incident.id)
    });
    all
}

/// Past incidents that are like one, the most alike first.
pub fn similar(model: &Model, incident: &Incident) -> Vec<Similar> {
    let all = &model.incidents.incidents;
    let words: BTreeMap<&IncidentId, BTreeMap<String, f64>> =
        all.iter().map(|(id, one)| (id, words(one))).collect();
    let mut spread: BTreeMap<&str, f64> = BTreeMap::new();
    for word in words.values().flat_map(BTreeMap::keys) {
        *spread.entry(word.as_str()).or_default() += 1.0;
    }
    let count = all.len() as f64;
    let rare = |word: &str| (1.0 + count / spread.get(word).copied().unwrap_or(1.0)).ln();
    let own = self::words(incident);
    let past = all.values().filter(|one| one.id != incident.id && one.merged_into.is_none());
    let past = past.filter(|one| one.declared_at <= incident.declared_at);
    let none = BTreeMap::new();
    let scored = past.map(|one| {
        let other = words.get(&one.id).unwrap_or(&none);
        let services: BTreeSet<_> = incident.services.iter().collect();
        let (by_service, shared_services) = jaccard(&services, &one.services.iter().collect());
        let types: BTreeSet<_> = incident.review.types.iter().collect();
        let (by_type, shared_types) = jaccard(&types, &one.review.types.iter().collect());
        let (by_words, mut shared) = cosine(&own, other, &rare);
        let score = 0.5 * by_service + 0.2 * by_type + 0.3 * by_words;
        let mut why = Vec::new();
        if !shared_services.is_empty() {
            let names: Vec<&str> = shared_services.iter().map(|one| one.as_str()).collect();
            why.push(format!("the same services: {}", names.join(", ")));
        }
        if !shared_types.is_empty() {
            let names: Vec<&str> = shared_types.iter().map(|one| one.name()).collect();
            why.push(format!("the same type: {}", names.join(", ")));
        }
        if !shared.is_empty() {
            shared.truncate(5);
            why.push(format!("words in common: {}", shared.join(", ")));
        }
        Similar { id: one.id.clone(), score, why }
    });
    let mut found: Vec<Similar> = scored.filter(|one| one.score >= ALIKE).collect();
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.id.cmp(&b.id)));
    found.truncate(MOST);
    found
}

/// What incidents that are over came to, by type, the longest together first.
pub fn by_type(model: &Model, now: Timestamp) -> Vec<TypeRow> {
    let mut rows: BTreeMap<Option<IncidentType>, (TypeRow, Vec<Span>)> = BTreeMap::new();
    for Shelf { incident, open, .. } in shelf(model, now) {
        let types = &incident.review.types;
        let types: Vec<Option<IncidentType>> =
            if types.is_empty() { vec![None] } else { types.iter().copied().map(Some).collect() };
        let (lasted, _) = duration(incident, now);
        let spent = super::hits(model, incident, now).into_iter().filter_map(|hit| hit.spent);
        let spent = spent.max_by(f64::total_cmp);
        for of in types {
            let (row, lengths) = rows.entry(of).or_insert_with(|| {
                let (lasted, median) = (Span::ZERO, Span::ZERO);
                (
                    TypeRow { of, incidents: 0, lasted, median, spent: 0.0, known: 0, open: 0 },
                    Vec::new(),
                )
            });
            row.incidents += 1;
            row.lasted = Span::from_millis(row.lasted.millis().saturating_add(lasted.millis()));
            row.spent += spent.unwrap_or_default();
            row.known += usize::from(spent.is_some());
            row.open += open;
            lengths.push(lasted);
        }
    }
    let rows = rows.into_values().map(|(row, mut lengths)| {
        lengths.sort_unstable();
        let median = lengths.get(lengths.len() / 2).copied().unwrap_or_default();
        TypeRow { median, ..row }
    });
    let mut rows: Vec<TypeRow> = rows.collect();
    rows.sort_by_key(|row| (std::cmp::Reverse(row.lasted), row.of));
    rows
}

/// Words of what happened, counted.
fn words(incident: &Incident) -> BTreeMap<String, f64> {
    let causes = incident.review.causes.values().map(|cause| cause.text.as_str());
    let own = [&*incident.title, &*incident.impact.sentence, &*incident.impact.scope];
    let mut words = BTreeMap::new();
    for text in own.into_iter().chain(causes) {
        for word in text.split(|c: char| !c.is_alphanumeric()) {
            let word = word.to_lowercase();
            if word.chars().count() > 2 && !PLAIN.contains(&word.as_str()) {
                *words.entry(word).or_insert(0.0) += 1.0;
            }
        }
    }
    words
}

fn jaccard<'a, T: Ord>(one: &BTreeSet<&'a T>, other: &BTreeSet<&'a T>) -> (f64, Vec<&'a T>) {
    let shared: Vec<&T> = one.intersection(other).copied().collect();
    let all = one.union(other).count();
    (if all == 0 { 0.0 } else { shared.len() as f64 / all as f64 }, shared)
}

/// How alike the words are, and those in common, the rarest first.
fn cosine(
    one: &BTreeMap<String, f64>,
    other: &BTreeMap<String, f64>,
    rare: &impl Fn(&str) -> f64,
) -> (f64, Vec<String>) {
    let length = |words: &BTreeMap<String, f64>| {
        words.iter().map(|(word, n)| (n * rare(word)).powi(2)).sum::<f64>().sqrt()
    };
    let mut shared: Vec<&String> = one.keys().filter(|word| other.contains_key(*word)).collect();
    shared.sort_by(|a, b| rare(b).total_cmp(&rare(a)).then_with(|| a.cmp(b)));
    let both: f64 = shared.iter().map(|word| one[*word] * other[*word] * rare(word).powi(2)).sum();
    let lengths = length(one) * length(other);
    let cosine = if lengths > 0.0 { both / lengths } else { 0.0 };
    (cosine, shared.into_iter().cloned().collect())
}
