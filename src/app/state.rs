//! Everything the running console knows and shows.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::actions::SilenceGuard;
use crate::actions::command::Words;
use crate::connectors::Interest;
use crate::domain::{Actor, IncidentId, Span, Timestamp};
use crate::eventlog::{Held, KeyId, Presence, RecordId};
use crate::keys::{Input, Keymap};
use crate::model::Model;
use crate::model::incidents::Seen;

use super::{Drawn, Playback, Ui};

/// The state; changed only by [`super::update()`].
#[derive(Debug, Clone)]
pub struct State {
    /// The world.
    pub model: Model,
    /// The eye.
    pub ui: Ui,
    /// The latest tick.
    pub now: Timestamp,
    /// Who is at the keyboard.
    pub me: Actor,
    /// How machines stood in each incident when this console last looked.
    pub(super) machines: BTreeMap<IncidentId, Seen>,
    /// When it last looked whether somebody is to be called.
    pub(super) called: Timestamp,
    /// The key this console's records are signed with.
    pub key: KeyId,
    /// The last lot drawn, for names of new incidents; seeded by the runtime.
    pub lots: u64,
    /// Keys in force.
    pub keymap: Arc<Keymap>,
    /// Limits for silences.
    pub guard: SilenceGuard,
    /// How long a silence lasts unless said otherwise.
    pub silence_for: Span,
    /// Texts typed and not yet recorded, by what they are for.
    pub drafts: BTreeMap<String, String>,
    /// Minutes local time is ahead of UTC.
    pub local_offset_minutes: i32,
    /// The recording being played, if one is.
    pub playback: Option<Playback>,
    /// Whether the catalog is still being read, so that what it declares is not known yet.
    pub reading: bool,
    /// Whether nothing may be recorded or changed.
    pub read_only: bool,
    /// What was written and is not on the disk.
    pub held: Held,
    /// What was typed while a form was being saved.
    pub(super) ahead: Vec<Input>,
    /// Whether it was said that a newer version writes into the log.
    pub newer_told: bool,
    /// How much of a long log has been read, until all of it is.
    pub earlier: Option<super::earlier::Progress>,
    /// Names of themes and keymaps, for completion.
    pub themes: Vec<String>,
    /// Keymaps that can be chosen.
    pub keymaps: Vec<String>,
    /// What details were last asked for.
    pub interest: Interest,
    /// Tells this console from others; random per process.
    pub console: u64,
    /// Who else is here, as last heard.
    pub others: Vec<Presence>,
    /// What this console last said about where it is.
    pub presented: Option<Presence>,
    /// The minute, since 1970, in which delivery tests were last looked for.
    pub looked_for_tests: Option<i64>,
}

impl State {
    /// A console that knows the declared world and has seen nothing yet.
    pub fn new(model: Model, ui: Ui, now: Timestamp, me: Actor, keymap: Arc<Keymap>) -> Self {
        Self {
            model,
            ui,
            now,
            me,
            machines: BTreeMap::new(),
            called: now,
            key: KeyId::default(),
            lots: 0,
            keymap,
            guard: SilenceGuard::default(),
            silence_for: Span::from_hours(2),
            drafts: BTreeMap::new(),
            local_offset_minutes: 0,
            playback: None,
            reading: false,
            read_only: false,
            held: Held::default(),
            ahead: Vec::new(),
            newer_told: false,
            earlier: None,
            themes: Vec::new(),
            keymaps: Vec::new(),
            interest: Interest::default(),
            console: 0,
            others: Vec::new(),
            presented: None,
            looked_for_tests: None,
        }
    }

    /// Whether a record is in memory only.
    pub fn is_held(&self, record: RecordId) -> bool {
        self.held.records.iter().any(|held| held.id == record)
    }

    /// Every draft, that of an open form included, so that a crash loses none.
    pub fn all_drafts(&self) -> BTreeMap<String, String> {
        let mut drafts = self.drafts.clone();
        if let Some((key, text)) = super::dialogs::open_draft(self) {
            match text {
                Some(text) => drafts.insert(key, text),
                None => drafts.remove(&key),
            };
        }
        drafts
    }

    /// Minutes by which the clock that is shown is ahead of UTC.
    pub(super) fn shown_offset(&self) -> i32 {
        match self.ui.clock {
            super::ClockMode::Utc => 0,
            super::ClockMode::Local => self.local_offset_minutes,
        }
    }

    /// A moment as a person would type it and read it back: the time of day within a day, else whole.
    pub(super) fn as_typed(&self, at: Timestamp) -> String {
        let near = at.since(self.now).millis().abs() < Span::from_hours(23).millis();
        if !near {
            return at.rfc3339();
        }
        let mark = if self.shown_offset() == 0 { "Z" } else { "" };
        let shown = at.plus(Span::from_mins(self.shown_offset().into())).utc();
        let seconds = if at.millis() % 60_000 == 0 { "%H:%M" } else { "%H:%M:%S" };
        format!("{}{mark}", shown.format(seconds))
    }

    /// The text kept under `key`, or nothing.
    pub(super) fn draft(&self, key: &str) -> String {
        self.drafts.get(key).cloned().unwrap_or_default()
    }

    /// Takes in what drawing reported; only scroll positions and page sizes change by it.
    pub fn drawn(&mut self, drawn: Drawn) {
        use crate::actions::Screen;
        use crate::app::{BridgePane, Dialog, Reading};
        let ui = &mut self.ui;
        ui.drawn = drawn;
        match (ui.screen, ui.bridge.pane) {
            (Screen::Bridge, BridgePane::Budgets) => ui.bridge.slo_scroll = drawn.top,
            (Screen::Bridge, BridgePane::Groups) => ui.bridge.group_scroll = drawn.top,
            (Screen::Bridge, BridgePane::Incidents | BridgePane::Signals | BridgePane::Sources) => {
            }
            (Screen::Alerts, _) => ui.alerts.scroll = drawn.top,
            (Screen::Slos, _) => ui.slos.scroll = drawn.top,
            (Screen::Map, _) => ui.map.scroll = drawn.top,
            (Screen::Capacity, _) => ui.capacity.scroll(drawn.top),
            (Screen::Incident, _) => ui.incident.scroll[ui.incident.pane as usize] = drawn.top,
            (Screen::Changes, _) => ui.changes.scroll = drawn.top,
            (Screen::Review, _) => ui.review.scroll[ui.review.pane as usize] = drawn.top,
            (Screen::Sources, _) if ui.sources.on_outlets() => ui.sources.outlet_scroll = drawn.top,
            (Screen::Sources, _) => ui.sources.scroll = drawn.top,
        }
        if let Some(
            Dialog::Help { top }
            | Dialog::Reading(Reading { top, .. })
            | Dialog::Silences { top, .. }
            | Dialog::Windows { top, .. }
            | Dialog::Suspects { top, .. },
        ) = &mut ui.dialog
        {
            *top = drawn.dialog_top;
        }
        if let Some(Dialog::Brief(brief)) = &mut ui.dialog {
            brief.top = drawn.dialog_top;
        }
    }

    /// Words the command line can complete.
    pub(super) fn words(&self) -> Words {
        Words {
            services: self.model.catalog.services.keys().map(|id| id.text().clone()).collect(),
            labels: self
                .model
                .alerts
                .labels_seen()
                .iter()
                .map(|(name, values)| (name.clone(), values.iter().cloned().collect()))
                .collect(),
            themes: self.themes.clone(),
            keymaps: self.keymaps.clone(),
            ..Words::default()
        }
    }
}
