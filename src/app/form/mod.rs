//! A form: what a verb asks for, field after field, filled in with proposals.
//!
//! One form serves every verb of an incident. What a person typed differs from what was proposed; only that
//! is their draft, kept under a key that names verb and object, until the facts made of it are on disk.

mod entry;
mod keys;
mod verb;

pub use entry::{Check, Entry, Finding, Known, Pick};
pub(in crate::app) use keys::Typed;
pub use verb::{DecisionMove, FieldName, FollowUpMove, RunMove, TaskMove, Verb};

use std::collections::BTreeMap;

use crate::domain::{IncidentId, SafeText};
use crate::eventlog::LogEvent;

/// A form being filled in.
#[derive(Debug, Clone)]
pub struct Form {
    /// What it does.
    pub verb: Verb,
    /// The incident it is done in; for a declaration the one that begins.
    pub incident: IncidentId,
    /// As shown.
    pub title: SafeText,
    /// In the order of Tab.
    pub fields: Vec<Field>,
    /// Place of the field that has the keys.
    pub focus: usize,
    /// What the person should know before accepting.
    pub remarks: Vec<Remark>,
    /// The first of them that is shown, where not all have room.
    pub read: usize,
    /// Why it was refused last time, or what is missing.
    pub refusal: Option<SafeText>,
    /// Sent to disk, no answer yet: the first of the facts, by which the answer is known.
    pub saving: Option<LogEvent>,
    /// A text is with the person's own editor.
    pub away: bool,
    /// The person was told of what is in the way (another incident about the same), and means it.
    pub confirmed: bool,
}

/// One field.
#[derive(Debug, Clone)]
pub struct Field {
    /// Which.
    pub name: FieldName,
    /// What is in it.
    pub entry: Entry,
    /// Shown while it is empty: what to write, or what empty means.
    pub hint: SafeText,
    /// Not asked for now, because of what stands in another field.
    pub hidden: bool,
    /// What was proposed; anything else was typed.
    pub proposed: String,
}

/// Something to know beside the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// Heading of what follows.
    Head(SafeText),
    /// For information.
    Plain(SafeText),
    /// Needs attention before accepting.
    Warn(SafeText),
    /// A line that is new since the last text that was sent.
    Added(SafeText),
    /// A line that is gone since the last text that was sent.
    Gone(SafeText),
}

impl Field {
    /// A field with a proposal in it.
    pub fn new(name: FieldName, entry: Entry) -> Self {
        let proposed = entry.text();
        Self { name, entry, hint: SafeText::default(), hidden: false, proposed }
    }

    /// With what is shown while it is empty.
    #[must_use]
    pub fn hint(mut self, hint: &str) -> Self {
        self.hint = SafeText::new(hint);
        self
    }

    /// Whether the person changed what was proposed.
    pub fn is_typed(&self) -> bool {
        self.entry.text() != self.proposed
    }
}

impl Form {
    /// An empty form; the keys go to its last field, so that good proposals need one key.
    pub fn new(verb: Verb, incident: IncidentId, title: &str, fields: Vec<Field>) -> Self {
        let focus = fields.len().saturating_sub(1);
        Self {
            verb,
            incident,
            title: SafeText::new(title),
            fields,
            focus,
            remarks: Vec::new(),
            refusal: None,
            saving: None,
            away: false,
            confirmed: false,
            read: 0,
        }
    }

    /// With the keys going to `name` first.
    #[must_use]
    pub fn starting(mut self, name: FieldName) -> Self {
        self.focus_on(name);
        self
    }

    /// Gives the keys to a field that is asked for.
    pub fn focus_on(&mut self, name: FieldName) {
        if let Some(at) = self.fields.iter().position(|f| f.name == name && !f.hidden) {
            self.focus = at;
        }
    }

    /// The field that has the keys.
    pub fn focused(&self) -> Option<&Field> {
        self.fields.get(self.focus)
    }

    /// A field by its name.
    pub fn field(&self, name: FieldName) -> Option<&Field> {
        self.fields.iter().find(|f| f.name == name)
    }

    pub(in crate::app) fn field_mut(&mut self, name: FieldName) -> Option<&mut Field> {
        self.fields.iter_mut().find(|f| f.name == name)
    }

    /// What stands in a field that is asked for, without blanks around it; empty where there is none.
    pub fn text(&self, name: FieldName) -> String {
        let field = self.field(name).filter(|f| !f.hidden);
        field.map_or_else(String::new, |f| f.entry.text().trim().to_owned())
    }

    /// Place of the chosen option.
    pub fn choice(&self, name: FieldName) -> usize {
        match self.field(name).map(|f| &f.entry) {
            Some(Entry::Choice { at, .. }) => *at,
            _ => 0,
        }
    }

    /// Whether Enter accepts here: in the last field that is asked for.
    pub fn is_last(&self) -> bool {
        self.fields.iter().skip(self.focus + 1).all(|f| f.hidden)
    }

    /// Where the draft is kept.
    pub fn draft_key(&self) -> String {
        self.verb.draft_key(&self.incident)
    }

    /// What the person typed, as text to keep; `None` when all is as proposed.
    pub fn draft(&self) -> Option<String> {
        let typed: BTreeMap<&str, String> = self
            .fields
            .iter()
            .filter(|f| f.is_typed())
            .map(|f| (f.name.key(), f.entry.text()))
            .collect();
        (!typed.is_empty()).then(|| serde_json::to_string(&typed).ok()).flatten()
    }

    /// Puts back what was typed. A draft that no longer fits (an option that is gone) leaves the proposal.
    pub fn restore(&mut self, draft: &str) {
        let typed: BTreeMap<String, String> = serde_json::from_str(draft).unwrap_or_default();
        for field in &mut self.fields {
            if let Some(text) = typed.get(field.name.key()) {
                field.entry.set(text);
            }
        }
    }

    /// Puts the cursor at the next or previous field that is asked for, round and round.
    pub(in crate::app) fn step(&mut self, by: isize) {
        let count = self.fields.len();
        for _ in 0..count {
            self.focus = (self.focus + count).saturating_add_signed(by) % count;
            if self.fields.get(self.focus).is_some_and(|f| !f.hidden) {
                return;
            }
        }
    }
}
