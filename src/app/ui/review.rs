//! The Review screen: which review is read, which part of it, and what is selected there.

use crate::domain::{IncidentId, ReviewSection, Timestamp};
use crate::eventlog::RecordId;
use crate::model::review::{Document, Proposed, Similar};

/// Its panes, in Tab order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReviewPane {
    /// All reviews.
    #[default]
    Shelf,
    /// The parts of one.
    Parts,
    /// What the part says.
    Body,
}

impl ReviewPane {
    /// All.
    pub const ALL: [Self; 3] = [Self::Shelf, Self::Parts, Self::Body];
}

/// A part of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewPart {
    /// A section.
    Section(ReviewSection),
    /// Causes as a tree.
    Whys,
    /// Causes on bones.
    Fishbone,
    /// What is to be done.
    FollowUps,
    /// Past incidents that are like it.
    Similar,
    /// What happened, line by line.
    Evidence,
}

impl ReviewPart {
    /// All, in their order.
    pub fn all() -> impl Iterator<Item = Self> {
        let more = [Self::Whys, Self::Fishbone, Self::FollowUps, Self::Similar, Self::Evidence];
        ReviewSection::ALL.into_iter().map(Self::Section).chain(more)
    }

    /// As listed.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Section(section) => section.title(),
            Self::Whys => "Whys",
            Self::Fishbone => "Fishbone",
            Self::FollowUps => "Follow-ups",
            Self::Similar => "Like it",
            Self::Evidence => "Timeline",
        }
    }
}

/// The Review screen.
#[derive(Debug, Clone)]
pub struct ReviewUi {
    /// Where the keys go.
    pub pane: ReviewPane,
    /// Incidents whose reviews are listed: what goes on first, then what is not finished.
    pub rows: Vec<IncidentId>,
    /// The one that is read.
    pub selected: Option<IncidentId>,
    /// The part that is read.
    pub part: ReviewPart,
    /// Selected cause.
    pub cause: Option<RecordId>,
    /// Selected follow-up.
    pub follow_up: Option<RecordId>,
    /// First row shown of each pane.
    pub scroll: [usize; 3],
    /// The review as it stands; made anew when the model changed.
    pub document: Option<Document>,
    /// Past incidents that are like it.
    pub similar: Vec<Similar>,
    /// Causes that the log's facts propose.
    pub proposed: Vec<Proposed>,
    /// From which revision of the model the list was made.
    pub revision: u64,
    /// Of which incident, from how many lines of its timeline, when the rest was made.
    pub made: Option<(IncidentId, usize, Timestamp)>,
}

impl Default for ReviewUi {
    fn default() -> Self {
        Self {
            pane: ReviewPane::default(),
            rows: Vec::new(),
            selected: None,
            part: ReviewPart::Section(ReviewSection::Summary),
            cause: None,
            follow_up: None,
            scroll: [0; 3],
            document: None,
            similar: Vec::new(),
            proposed: Vec::new(),
            revision: 0,
            made: None,
        }
    }
}
