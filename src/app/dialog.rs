//! What can lie on top of a screen: one enum, its data inside the variant, so that only one is open.

use crate::actions::Screen;
use crate::actions::find::{self, Target};
use crate::domain::{IncidentId, NodeKey, SafeText, SilenceId, SiteId, SloId};
use crate::eventlog::{AlertInstance, LogEvent, RecordId, Subject};
use crate::model::{GroupKey, Planned, SuspectId, Told};

use super::{Editor, Form, Place, SourcesRow};

/// A dialog.
#[derive(Debug, Clone)]
pub enum Dialog {
    /// Keys that work here; scrolls.
    Help {
        /// First line shown.
        top: usize,
    },
    /// The line for `:` or `/`.
    Prompt(Prompt),
    /// Find anything.
    Find(Box<Finder>),
    /// Acknowledge: the alerts, and a note being typed.
    Acknowledge(AckForm),
    /// A note being typed.
    Note(NoteForm),
    /// A silence being made, with what it would hit.
    Silence(Box<SilenceForm>),
    /// Silences known; extend or end them.
    Silences {
        /// Selected silence.
        selected: Option<(SiteId, SilenceId)>,
        /// First row shown.
        top: usize,
        /// Asked whether to end the selected one.
        confirm: bool,
    },
    /// Maintenance windows, the next times first.
    Windows {
        /// The next time of each, as of when the list was opened.
        rows: Vec<Planned>,
        /// Selected row.
        selected: usize,
        /// First row shown.
        top: usize,
        /// Asked whether to mute the selected one.
        confirm: bool,
    },
    /// Who is likely to blame for what hurts most.
    Suspects {
        /// Selected suspect; `None` is the first.
        selected: Option<SuspectId>,
        /// First row shown.
        top: usize,
    },
    /// A text to read: runbook, explanation, details.
    Reading(Reading),
    /// Asked whether to leave while an incident is going on.
    Leave,
    /// A verb of an incident being filled in.
    Form(Box<Form>),
    /// The brief of a hand-over, being accepted.
    Brief(Box<Briefing>),
}

/// The brief of a hand-over, as the one reads it who is to command.
#[derive(Debug, Clone)]
pub struct Briefing {
    /// Of which incident.
    pub incident: IncidentId,
    /// A question, or why the offer is declined, being typed.
    pub asking: Option<Editor>,
    /// What is typed declines the offer.
    pub declining: bool,
    /// First line shown of the section.
    pub top: usize,
    /// Why it was refused last time.
    pub refusal: Option<SafeText>,
    /// Sent to disk, no answer yet: the first of the facts, by which the answer is known.
    pub saving: Option<LogEvent>,
}

/// A text to read, with a title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Title.
    pub title: SafeText,
    /// What it is about, so that it is made anew when data changes.
    pub about: About,
    /// Its lines.
    pub lines: Vec<ReadingLine>,
    /// First line shown.
    pub top: usize,
}

/// What a text to read is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// How an objective's figures are computed.
    Slo(SloId),
    /// Everything about a group or one alert of it.
    Alert(super::AlertRow),
    /// What speaks against a suspect.
    Suspect(SuspectId),
    /// Runbook of a group.
    Runbook(GroupKey),
    /// A source, a channel or a tracker, and what is wrong with it.
    Source(SourcesRow),
    /// Everything about a service on the map.
    Node(NodeKey),
    /// What would go down with a service.
    Blast(NodeKey),
    /// Everything about a row of the Capacity screen.
    Capacity(super::CapacityRow),
    /// Everything about a change.
    Change(crate::domain::ChangeKey),
    /// What comes of something supposed.
    WhatIf(crate::model::Suppose),
    /// Everything about something in an incident.
    Incident(IncidentId, Detail),
}

/// Something in an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    /// An entry of the timeline.
    Entry(RecordId),
    /// Who holds a role.
    Place(Place),
    /// A task.
    Task(RecordId),
    /// A workstream.
    Workstream(RecordId),
    /// A decision.
    Decision(RecordId),
    /// A run of a procedure.
    Run(RecordId),
    /// An update.
    Update(RecordId),
    /// A page.
    Page(RecordId),
}

/// A line of a text to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadingLine {
    /// A heading.
    Head(SafeText),
    /// Name and value, aligned.
    Pair(SafeText, SafeText),
    /// Plain text; wrapped.
    Text(SafeText),
    /// PromQL, a label set or another text to copy; wrapped, not reflowed.
    Code(SafeText),
    /// Something missing or wrong.
    Warn(SafeText),
    /// An empty line.
    Blank,
}

impl From<Told> for ReadingLine {
    fn from(told: Told) -> Self {
        match told {
            Told::Head(text) => Self::Head(text.into()),
            Told::Pair(name, value) => Self::Pair(name, value),
            Told::Text(text) => Self::Text(text),
            Told::Warn(text) => Self::Warn(text),
        }
    }
}

/// What a prompt's line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptKind {
    /// `:`
    Command,
    /// `/` on a screen.
    Filter(Screen),
}

/// The line for `:` or `/`.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// What for.
    pub kind: PromptKind,
    /// As typed.
    pub line: Editor,
    /// What is wrong with it so far.
    pub error: Option<SafeText>,
    /// How many rows a filter would leave.
    pub matches: Option<usize>,
    /// What Tab would put at the cursor.
    pub completions: Vec<String>,
    /// Byte from which a completion replaces the line.
    pub start: usize,
    /// Which of them is taken.
    pub taken: Option<usize>,
}

/// One answer of the finder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// What Enter does.
    pub target: Target,
    /// Kind, in one word.
    pub kind: &'static str,
    /// Text that was matched.
    pub label: SafeText,
    /// A few more words.
    pub detail: SafeText,
    /// User-perceived characters of `label` that matched.
    pub matched: Vec<usize>,
}

/// Find anything.
#[derive(Debug, Clone)]
pub struct Finder {
    /// As typed.
    pub line: Editor,
    /// What is searched.
    pub engine: find::Finder,
    /// Best first.
    pub hits: Vec<Hit>,
    /// Selected hit.
    pub selected: usize,
}

/// Acknowledge.
#[derive(Debug, Clone)]
pub struct AckForm {
    /// What is acknowledged, as shown.
    pub title: SafeText,
    /// The alerts.
    pub alerts: Vec<AlertInstance>,
    /// Note, may stay empty.
    pub note: Editor,
    /// Why it was refused last time.
    pub refusal: Option<SafeText>,
    /// Sent to disk, no answer yet.
    pub saving: bool,
}

/// A note.
#[derive(Debug, Clone)]
pub struct NoteForm {
    /// What it is about.
    pub about: Subject,
    /// As shown.
    pub title: SafeText,
    /// The text.
    pub text: Editor,
    /// Why it was refused last time.
    pub refusal: Option<SafeText>,
    /// Sent to disk, no answer yet.
    pub saving: bool,
}

/// Fields of the silence form, in Tab order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SilenceField {
    /// Matchers.
    #[default]
    Matchers,
    /// How long.
    Duration,
    /// Why.
    Comment,
    /// Where, when there are several sites.
    Site,
}

/// A silence being made.
#[derive(Debug, Clone)]
pub struct SilenceForm {
    /// On the Alertmanagers of this site.
    pub site: SiteId,
    /// Other sites whose Alertmanagers get the same silence, since what was chosen fires there too.
    pub along: Vec<SiteId>,
    /// Sites to choose from.
    pub sites: Vec<SiteId>,
    /// Where the keys go.
    pub field: SilenceField,
    /// Matchers, Prometheus syntax.
    pub matchers: Editor,
    /// Duration.
    pub duration: Editor,
    /// Comment.
    pub comment: Editor,
    /// What it would hit, counted live.
    pub preview: Preview,
    /// What is wrong so far, or why it was refused.
    pub refusal: Option<SafeText>,
    /// Last step: the sentence that names reach and way back is shown, Enter sends it.
    pub confirming: bool,
    /// The reach is broad and the person has typed the count to confirm it.
    pub broad: Option<Editor>,
    /// Extends or replaces this one.
    pub replaces: Option<SilenceId>,
    /// Sent, no answer yet.
    pub saving: bool,
}

impl SilenceForm {
    /// Every site that gets it.
    pub fn places(&self) -> impl Iterator<Item = &SiteId> {
        std::iter::once(&self.site).chain(&self.along)
    }

    /// The sites in words: `eu and us`.
    pub fn place(&self) -> String {
        self.places().map(SiteId::as_str).collect::<Vec<_>>().join(" and ")
    }
}

/// What a silence would hit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preview {
    /// Alerts it would mute now.
    pub alerts: usize,
    /// Of this many firing.
    pub firing: usize,
    /// The first of them, as shown.
    pub listed: Vec<SafeText>,
    /// Services touched.
    pub services: Vec<SafeText>,
    /// Whether the breadth guard asks for more.
    pub broad: bool,
}
