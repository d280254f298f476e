//! The review of an incident as a document: what people wrote, and for the rest a draft from the log.
//!
//! ```text
//! log ─► Incident ──► sections.rs ──► Document ──► screen, Markdown, HTML, JSON
//!           │              ▲  roles for names (people.rs)
//!           └ frozen proof ┘  figures from what the objectives' own queries said (measured.rs)
//! ```
//!
//! No figure is typed by hand. What was not measured is said to be unknown, never left out or zero.

pub mod export;
mod library;
mod measured;
mod people;
mod proposed;
mod sections;
mod tree;

pub use library::{Shelf, Similar, TypeRow, by_type, shelf, similar};
pub use measured::{Hit, MEASURED, Question, hits, questions};
pub use people::People;
pub use proposed::{Proposed, proposed};
pub use tree::{Bone, Branch, fishbone, whys};

use crate::analysis::blameless::{Finding, lint};
use crate::domain::{Actor, ReviewSection, SafeText, Span, Timestamp};

use super::Model;
use super::incidents::Incident;

/// Sections without which no review is finished.
pub const REQUIRED: [ReviewSection; 8] = [
    ReviewSection::Summary,
    ReviewSection::WhatHappened,
    ReviewSection::Impact,
    ReviewSection::Detection,
    ReviewSection::Resolution,
    ReviewSection::Contributing,
    ReviewSection::WentWell,
    ReviewSection::WasHard,
];

/// A review, whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// In the order they are read.
    pub sections: Vec<Section>,
    /// Everybody of the incident, and how they are called.
    pub people: People,
    /// The objectives that were hit, with their figures.
    pub hits: Vec<Hit>,
}

/// A section of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Which.
    pub section: ReviewSection,
    /// The text, Markdown.
    pub text: SafeText,
    /// Who wrote it and when; `None` is the draft.
    pub written: Option<(Actor, Timestamp)>,
    /// What of it should be worded otherwise.
    pub slips: Vec<Finding>,
}

impl Section {
    /// Whether it says nothing.
    pub fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

impl Document {
    /// One of its sections.
    pub fn section(&self, section: ReviewSection) -> Option<&Section> {
        self.sections.iter().find(|one| one.section == section)
    }
}

/// The review as it stands now.
pub fn document(model: &Model, incident: &Incident, now: Timestamp) -> Document {
    let people = People::of(model, incident);
    let hits = hits(model, incident, now);
    let desk = Desk { model, incident, now, people: &people, hits: &hits };
    let listed = people.listed();
    let sections = ReviewSection::ALL.into_iter().map(|section| {
        let (text, written) = match incident.review.sections.get(&section) {
            Some((text, by, at)) => (text.clone(), Some((by.clone(), *at))),
            None => (SafeText::body(&desk.draft(section)), None),
        };
        let slips = lint(&text, &listed);
        Section { section, text, written, slips }
    });
    let sections = sections.collect();
    Document { sections, people: people.clone(), hits: hits.clone() }
}

/// The draft of one section, also where somebody wrote it.
pub fn draft(
    model: &Model,
    incident: &Incident,
    now: Timestamp,
    section: ReviewSection,
) -> SafeText {
    let people = People::of(model, incident);
    let hits = hits(model, incident, now);
    let desk = Desk { model, incident, now, people: &people, hits: &hits };
    SafeText::body(&desk.draft(section))
}

/// When it began for those who were hurt, as far as is known, and when it was over for them or `now`.
pub fn interval(incident: &Incident, now: Timestamp) -> (Timestamp, Timestamp) {
    let began = incident.onset.unwrap_or(incident.declared_at).min(incident.declared_at);
    (began, incident.resolved_at.unwrap_or(now).max(began))
}

/// How long it lasted, and how far that may be off; no bound where a clock's offset is not known.
pub fn duration(incident: &Incident, now: Timestamp) -> (Span, Option<Span>) {
    let (from, to) = interval(incident, now);
    let clock = |record| {
        let line = incident.timeline.line(record)?;
        line.at.bound.map(|bound| Span::from_millis(i64::from(bound)))
    };
    // Somebody who says when it began says the minute.
    let told = incident.onset.map(|_| Span::from_mins(1));
    let bound = told.or_else(|| clock(incident.declared));
    (to.since(from), bound)
}

/// What a draft is written from.
#[derive(Clone, Copy)]
struct Desk<'a> {
    model: &'a Model,
    incident: &'a Incident,
    now: Timestamp,
    people: &'a People,
    hits: &'a [Hit],
}

#[cfg(test)]
mod tests;
