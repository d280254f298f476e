//! What the person is looking at. Selections are ids, never row numbers; no terminal types.

mod capacity;
mod incident;
mod map;
mod review;

pub use capacity::{CapacityPane, CapacityRow, CapacityUi};
pub use incident::{IncidentPane, IncidentUi, Place};
pub use map::{MapPart, MapRow, MapUi};
pub use review::{ReviewPane, ReviewPart, ReviewUi};

use std::collections::{BTreeSet, VecDeque};

use crate::actions::{OutletId, Screen};
use crate::domain::{
    Actor, AlertKey, ChangeKey, ChannelId, Filter, IncidentId, SafeText, ServiceId, SloId,
    SourceId, Span, Timestamp, TrackerId,
};
use crate::keys::Pending;
use crate::model::{GroupKey, Situation, SituationId, Spared};

use super::{Dialog, Notice};

/// Everything about the eye, nothing about the world.
#[derive(Debug, Clone)]
pub struct Ui {
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Which screen.
    pub screen: Screen,
    /// Bridge.
    pub bridge: BridgeUi,
    /// Alerts.
    pub alerts: AlertsUi,
    /// SLOs.
    pub slos: SlosUi,
    /// Changes.
    pub changes: ChangesUi,
    /// Capacity.
    pub capacity: CapacityUi,
    /// Map.
    pub map: MapUi,
    /// Incident.
    pub incident: IncidentUi,
    /// Review.
    pub review: ReviewUi,
    /// Sources.
    pub sources: SourcesUi,
    /// On top of the screen, if anything.
    pub dialog: Option<Dialog>,
    /// Latest messages, newest last.
    pub notices: VecDeque<Notice>,
    /// Which clock times are shown in.
    pub clock: ClockMode,
    /// How far back charts reach.
    pub range: Span,
    /// Only ASCII, for poor fonts.
    pub ascii: bool,
    /// Keys pressed so far of a longer chord, for the hint line.
    pub pending: Pending,
    /// The commander whose screen this one follows, if it does.
    pub following: Option<Actor>,
    /// What the last drawing reported.
    pub drawn: Drawn,
}

/// Clock of shown times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClockMode {
    /// UTC, marked `Z`.
    #[default]
    Utc,
    /// Local time.
    Local,
}

/// Panes of the Bridge, in Tab order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BridgePane {
    /// Incidents that are going on, worst first; there while there is one.
    Incidents,
    /// Error budgets, worst first.
    #[default]
    Budgets,
    /// Firing groups.
    Groups,
    /// Golden signals of the selected service.
    Signals,
    /// Sources.
    Sources,
}

/// The Bridge.
#[derive(Debug, Clone, Default)]
pub struct BridgeUi {
    /// Where the keys go.
    pub pane: BridgePane,
    /// Selected incident; `None` is the worst.
    pub incident: Option<IncidentId>,
    /// Selected objective.
    pub slo: Option<SloId>,
    /// First row shown of the budgets.
    pub slo_scroll: usize,
    /// Selected group.
    pub group: Option<GroupKey>,
    /// First row shown of the groups.
    pub group_scroll: usize,
    /// Service whose golden signals are shown.
    pub service: Option<ServiceId>,
    /// Service chosen by hand; otherwise the signals follow the selection.
    pub pinned: Option<ServiceId>,
    /// Selected source.
    pub source: Option<SourceId>,
    /// Whether a row was chosen by hand; until then the worst one is selected, whichever that is now.
    pub chosen: bool,
}

/// A row of the alerts list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertRow {
    /// A situation, and the gravest of its groups.
    Situation(SituationId, GroupKey),
    /// A group.
    Group(GroupKey),
    /// An alert of the opened group above.
    Alert(GroupKey, AlertKey),
}

impl AlertRow {
    /// The group it belongs to.
    pub const fn group(&self) -> &GroupKey {
        match self {
            Self::Situation(_, key) | Self::Group(key) | Self::Alert(key, _) => key,
        }
    }
}

/// The Alerts screen.
#[derive(Debug, Clone, Default)]
pub struct AlertsUi {
    /// As typed.
    pub filter_text: String,
    /// As understood.
    pub filter: Filter,
    /// Whether muted groups are listed.
    pub show_muted: bool,
    /// Whether every group has a row of its own.
    pub unfolded: bool,
    /// Situations that have a row, as of when the rows were made.
    pub situations: Vec<Situation>,
    /// Situations whose groups are listed below them.
    pub opened: BTreeSet<SituationId>,
    /// How much less there is to look at.
    pub spared: Spared,
    /// What is listed, in order; made anew when model, filter or opened groups change.
    pub rows: Vec<AlertRow>,
    /// Model revision the rows were made from.
    pub revision: u64,
    /// Selected row.
    pub selected: Option<AlertRow>,
    /// Whether it was chosen by hand; until then it is the first, whichever that is now.
    pub chosen: bool,
    /// First row shown.
    pub scroll: usize,
    /// Groups whose alerts are listed below them.
    pub open: BTreeSet<GroupKey>,
    /// Marked groups, for acting on several.
    pub marked: BTreeSet<GroupKey>,
}

impl AlertsUi {
    /// The situation with this number, if it has a row.
    pub fn situation(&self, id: SituationId) -> Option<&Situation> {
        self.situations.iter().find(|situation| situation.id == id)
    }
}

/// The SLOs screen.
#[derive(Debug, Clone, Default)]
pub struct SlosUi {
    /// As typed.
    pub filter_text: String,
    /// As understood.
    pub filter: Filter,
    /// What is listed, in order.
    pub rows: Vec<SloId>,
    /// Model revision the rows were made from.
    pub revision: Option<u64>,
    /// Selected objective.
    pub selected: Option<SloId>,
    /// Whether it was chosen by hand; until then it is the first, whichever that is now.
    pub chosen: bool,
    /// First row shown.
    pub scroll: usize,
}

/// The Changes screen.
#[derive(Debug, Clone, Default)]
pub struct ChangesUi {
    /// As typed.
    pub filter_text: String,
    /// As understood.
    pub filter: Filter,
    /// What is listed, newest first.
    pub rows: Vec<ChangeKey>,
    /// Changes that may have brought the trouble: shortly before it, where it could reach it from.
    pub near: usize,
    /// Model revision the rows were made from.
    pub revision: Option<u64>,
    /// Selected change.
    pub selected: Option<ChangeKey>,
    /// Whether it was chosen by hand; until then it is the newest before the trouble.
    pub chosen: bool,
    /// First row shown.
    pub scroll: usize,
}

/// A row of the Sources screen: what is known comes in by the ones, what is said goes out by the others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourcesRow {
    /// A source.
    Source(SourceId),
    /// A channel or a tracker.
    Outlet(OutletId),
}

impl SourcesRow {
    /// As it is kept over a restart and told to who follows; read again by [`SourcesRow::read`].
    pub fn written(&self) -> String {
        match self {
            Self::Source(id) => format!("source {id}"),
            Self::Outlet(OutletId::Channel(id)) => format!("channel {id}"),
            Self::Outlet(OutletId::Tracker(id)) => format!("tracker {id}"),
        }
    }

    /// The row that is written so.
    pub fn read(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once(' ')?;
        Some(match kind {
            "source" => Self::Source(SourceId::new(name)),
            "channel" => Self::Outlet(OutletId::Channel(ChannelId::new(name))),
            "tracker" => Self::Outlet(OutletId::Tracker(TrackerId::new(name))),
            _ => return None,
        })
    }
}

/// The Sources screen.
#[derive(Debug, Clone, Default)]
pub struct SourcesUi {
    /// Selected row.
    pub selected: Option<SourcesRow>,
    /// First source shown.
    pub scroll: usize,
    /// First channel or tracker shown.
    pub outlet_scroll: usize,
}

impl SourcesUi {
    /// Whether the keys are among the ways out.
    pub const fn on_outlets(&self) -> bool {
        matches!(self.selected, Some(SourcesRow::Outlet(_)))
    }
}

/// What drawing reports back, so that paging and scrolling know how much was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drawn {
    /// First row shown of the focused list.
    pub top: usize,
    /// Rows the focused list has room for.
    pub page: usize,
    /// First line shown of the dialog's text, after clamping to its end.
    pub dialog_top: usize,
    /// Lines the dialog's text has room for.
    pub dialog_page: usize,
}

impl Ui {
    /// As at first start, at the size given.
    pub fn new(size: (u16, u16)) -> Self {
        Self {
            size,
            screen: Screen::Bridge,
            bridge: BridgeUi::default(),
            alerts: AlertsUi::default(),
            slos: SlosUi::default(),
            changes: ChangesUi::default(),
            capacity: CapacityUi::default(),
            map: MapUi::default(),
            incident: IncidentUi::default(),
            review: ReviewUi::default(),
            sources: SourcesUi::default(),
            dialog: None,
            notices: VecDeque::new(),
            clock: ClockMode::Utc,
            range: Span::from_hours(1),
            ascii: false,
            pending: Pending::default(),
            following: None,
            drawn: Drawn::default(),
        }
    }

    /// Tells the person something; the last hundred are kept.
    pub fn notice(&mut self, tone: super::Tone, text: impl Into<SafeText>, at: Timestamp) {
        self.notices.push_back(Notice { tone, text: text.into(), at });
        if self.notices.len() > 100 {
            self.notices.pop_front();
        }
    }
}

/// The first row to show so that `selected` is visible, moving as little as possible from `top`.
pub const fn first_visible(top: usize, selected: usize, page: usize, rows: usize) -> usize {
    let page = if page == 0 { 1 } else { page };
    let last_top = rows.saturating_sub(page);
    let top = if top > last_top { last_top } else { top };
    if selected < top {
        selected
    } else if selected >= top + page {
        selected + 1 - page
    } else {
        top
    }
}
