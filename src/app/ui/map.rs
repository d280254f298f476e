//! The eye on the Map: what part of it, as list or drawing, and what is selected.

use std::sync::Arc;

use crate::analysis::graph::OutlineRow;
use crate::domain::{Filter, Graph, NodeKey, Timestamp};
use crate::model::{Health, NodeViews};

/// Below so many columns the list is shown unless the drawing is asked for.
const DRAWN_FROM: u16 = 100;

/// Which part of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MapPart {
    /// What is some calls around the focus.
    #[default]
    Around,
    /// What is not well, with what lies between.
    Unhealthy,
    /// All of it.
    All,
    /// The shortest ways from the mark to the focus.
    Paths,
}

impl MapPart {
    /// In the order one key goes through them.
    pub const ALL: [Self; 4] = [Self::Around, Self::Unhealthy, Self::All, Self::Paths];
}

/// A row of the list: a service, below the one it hangs from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MapRow {
    /// The caller above it.
    pub from: Option<NodeKey>,
    /// The service.
    pub node: NodeKey,
}

/// The Map screen.
#[derive(Debug, Clone, Default)]
pub struct MapUi {
    /// Which part.
    pub part: MapPart,
    /// Chosen focus; otherwise what hurts most.
    pub focus: Option<NodeKey>,
    /// The focus in force.
    pub around: Option<NodeKey>,
    /// Where paths begin.
    pub mark: Option<NodeKey>,
    /// Calls up and down from the focus; `None` is as far as fits.
    pub hops: Option<usize>,
    /// How far they reach.
    pub reach: usize,
    /// List or drawing, when chosen.
    pub list: Option<bool>,
    /// As typed.
    pub filter_text: String,
    /// As understood.
    pub filter: Filter,
    /// The part that is looked at.
    pub graph: Arc<Graph>,
    /// The same as a list: places of this graph.
    pub outline: Vec<OutlineRow>,
    /// The list's rows by their keys.
    pub rows: Vec<MapRow>,
    /// Selected row.
    pub selected: MapRow,
    /// Whether it was chosen by hand; until then it is the focus, whichever that is now.
    pub chosen: bool,
    /// First row shown.
    pub scroll: usize,
    /// How everything on the map stands.
    pub views: NodeViews,
    /// How many of the part stand how, in the order of [`Health::ALL`](crate::model::Health::ALL).
    pub tally: [usize; Health::ALL.len()],
    /// How many are not well, and whether some of them fail.
    pub hurt: (usize, bool),
    /// When and from which revision of the model this was made.
    pub made: Option<(u64, Timestamp)>,
}

impl MapUi {
    /// Counts how many of the part stand how.
    pub(in crate::app) fn count(&mut self) {
        self.tally = Default::default();
        for node in self.graph.nodes() {
            self.tally[self.views.health(&node.key.service) as usize] += 1;
        }
    }

    /// Whether the list is shown at a width.
    pub fn as_list(&self, columns: u16) -> bool {
        self.list.unwrap_or(columns < DRAWN_FROM)
    }
}
