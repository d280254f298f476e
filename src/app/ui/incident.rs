//! What is looked at of an incident: which one, which pane, and what is selected in each.

use crate::domain::{Actor, IncidentId, Role};
use crate::eventlog::RecordId;
use crate::model::incidents::{Filtered, Incident, TimelineFilter};

/// Panes of the Incident screen, in Tab order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IncidentPane {
    /// Everything that happened.
    #[default]
    Timeline,
    /// Who does what, and who is here.
    Roles,
    /// Who was asked to do what by when.
    Tasks,
    /// Teams at work.
    Workstreams,
    /// What is to be decided, and what was.
    Decisions,
    /// Procedures that were proposed, run, judged.
    Runs,
    /// What was said to whom, and whether it arrived.
    Updates,
    /// Who was called.
    Pages,
}

impl IncidentPane {
    /// In Tab order.
    pub const ALL: [Self; 8] = [
        Self::Timeline,
        Self::Roles,
        Self::Tasks,
        Self::Workstreams,
        Self::Decisions,
        Self::Runs,
        Self::Updates,
        Self::Pages,
    ];

    /// Whether it is there: runs only once something was proposed.
    pub fn is_shown(self, incident: &Incident) -> bool {
        self != Self::Runs || !incident.runs.is_empty()
    }

    /// Over the pane.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Timeline => "Timeline",
            Self::Roles => "Roles",
            Self::Tasks => "Tasks",
            Self::Workstreams => "Workstreams",
            Self::Decisions => "Decisions",
            Self::Runs => "Runs",
            Self::Updates => "Updates",
            Self::Pages => "Pages",
        }
    }
}

/// A place in an incident's response: who holds a role, or that nobody does.
pub type Place = (Role, Option<Actor>);

/// The Incident screen.
#[derive(Debug, Clone, Default)]
pub struct IncidentUi {
    /// Chosen by hand; `None` shows the worst that is going on, whichever that is now.
    pub chosen: Option<IncidentId>,
    /// The one that is shown; actions on an incident mean it.
    pub shown: Option<IncidentId>,
    /// Where the keys go.
    pub pane: IncidentPane,
    /// Selected entry of the timeline.
    pub entry: Option<RecordId>,
    /// The entry was chosen by hand; until then it is the newest, whichever that is now.
    pub held: bool,
    /// Selected place among the roles.
    pub holder: Option<Place>,
    /// Selected task.
    pub task: Option<RecordId>,
    /// Selected workstream.
    pub workstream: Option<RecordId>,
    /// Selected decision.
    pub decision: Option<RecordId>,
    /// Selected run.
    pub run: Option<RecordId>,
    /// Selected update.
    pub update: Option<RecordId>,
    /// Selected page.
    pub page: Option<RecordId>,
    /// First row shown, by pane.
    pub scroll: [usize; IncidentPane::ALL.len()],
    /// Filter of the timeline, as typed.
    pub filter_text: String,
    /// As understood.
    pub filter: TimelineFilter,
    /// What the filter leaves of the timeline shown; `None` without one.
    pub filtered: Option<Filtered>,
}
