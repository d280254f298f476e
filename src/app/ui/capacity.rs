//! The Capacity screen: which of its lists is looked at, what is selected in each, and what is derived for it.

use crate::domain::{
    ConsensusId, Filter, Labels, ReplicationId, ResourceId, SafeText, ServiceId, Timestamp,
    VendorId,
};
use crate::model::{Coverage, Gauge, GaugeId};

/// Its lists, in Tab order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CapacityPane {
    /// What runs out first.
    #[default]
    Gauges,
    /// Services that take others down alone, and limits that several draw on.
    Alone,
    /// Quorums, copies, ways back and suppliers.
    Behind,
    /// What watches each service.
    Coverage,
}

impl CapacityPane {
    /// All.
    pub const ALL: [Self; 4] = [Self::Gauges, Self::Alone, Self::Behind, Self::Coverage];
}

/// A row, by what it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum CapacityRow {
    /// A series of a resource.
    Gauge(GaugeId),
    /// A service that takes others down alone.
    Single(ServiceId),
    /// A limit that several draw on.
    Shared(ResourceId),
    /// A consensus group.
    Consensus(ConsensusId),
    /// A service's copies.
    Copies(ReplicationId),
    /// Ways back of a service.
    Recovery(ServiceId),
    /// A supplier.
    Vendor(VendorId),
    /// What watches a service.
    Watched(ServiceId),
}

impl CapacityRow {
    /// The list it stands in.
    pub const fn pane(&self) -> CapacityPane {
        match self {
            Self::Gauge(_) => CapacityPane::Gauges,
            Self::Single(_) | Self::Shared(_) => CapacityPane::Alone,
            Self::Watched(_) => CapacityPane::Coverage,
            Self::Consensus(_) | Self::Copies(_) | Self::Recovery(_) | Self::Vendor(_) => {
                CapacityPane::Behind
            }
        }
    }

    /// The name of what it is about, its labels behind it.
    pub fn name(&self) -> String {
        match self {
            Self::Gauge(id) => {
                let values = id.labels.iter().map(|(_, value)| value.as_str());
                std::iter::once(id.resource.as_str()).chain(values).collect::<Vec<_>>().join(" ")
            }
            Self::Single(id) | Self::Recovery(id) | Self::Watched(id) => id.to_string(),
            Self::Shared(id) => id.to_string(),
            Self::Consensus(id) => id.to_string(),
            Self::Copies(id) => id.to_string(),
            Self::Vendor(id) => id.to_string(),
        }
    }

    /// As it is told to who follows; read again by [`CapacityRow::read`].
    pub fn written(&self) -> String {
        let kind = match self {
            Self::Gauge(id) => {
                let labels = id.labels.iter().map(|(name, value)| format!("\n{name}\n{value}"));
                return format!("gauge {}{}", id.resource, labels.collect::<String>());
            }
            Self::Single(_) => "single",
            Self::Shared(_) => "shared",
            Self::Consensus(_) => "consensus",
            Self::Copies(_) => "copies",
            Self::Recovery(_) => "recovery",
            Self::Vendor(_) => "vendor",
            Self::Watched(_) => "watched",
        };
        format!("{kind} {}", self.name())
    }

    /// The row that is written so.
    pub fn read(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once(' ')?;
        Some(match kind {
            "gauge" => {
                let mut parts = name.split('\n');
                let resource = ResourceId::new(parts.next()?);
                let mut labels = Vec::new();
                while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
                    labels.push((SafeText::new(name), SafeText::new(value)));
                }
                Self::Gauge(GaugeId { resource, labels: Labels::new(labels) })
            }
            "single" => Self::Single(ServiceId::new(name)),
            "shared" => Self::Shared(ResourceId::new(name)),
            "consensus" => Self::Consensus(ConsensusId::new(name)),
            "copies" => Self::Copies(ReplicationId::new(name)),
            "recovery" => Self::Recovery(ServiceId::new(name)),
            "vendor" => Self::Vendor(VendorId::new(name)),
            "watched" => Self::Watched(ServiceId::new(name)),
            _ => return None,
        })
    }
}

/// One of the lists.
#[derive(Debug, Clone, Default)]
pub struct CapacityList {
    /// What is listed, in order.
    pub rows: Vec<CapacityRow>,
    /// Selected row.
    pub selected: Option<CapacityRow>,
    /// First row shown.
    pub scroll: usize,
}

/// The Capacity screen.
#[derive(Debug, Clone, Default)]
pub struct CapacityUi {
    /// Where the keys go.
    pub pane: CapacityPane,
    /// As typed.
    pub filter_text: String,
    /// As understood.
    pub filter: Filter,
    /// The lists.
    pub lists: [CapacityList; 4],
    /// Whether a gauge was chosen by hand; until then it is the first, whichever that is now.
    pub chosen: bool,
    /// Every gauge, what runs out first before the others; made anew when the model changed.
    pub gauges: Vec<Gauge>,
    /// What watches each service; made while its list is looked at.
    pub watched: Vec<Coverage>,
    /// How much wants somebody, and whether some of it is past the point.
    pub shortages: (usize, bool),
    /// When and from which revision of the model this was made.
    pub made: Option<(u64, Timestamp)>,
}

impl CapacityUi {
    /// The list that is looked at.
    pub const fn list(&self) -> &CapacityList {
        &self.lists[self.pane as usize]
    }

    /// The list that is looked at, to be changed.
    pub const fn list_mut(&mut self) -> &mut CapacityList {
        &mut self.lists[self.pane as usize]
    }

    /// Selects a row, in its list.
    pub fn choose(&mut self, row: CapacityRow) {
        self.pane = row.pane();
        self.chosen |= self.pane == CapacityPane::Gauges;
        self.list_mut().selected = Some(row);
    }

    /// The first row shown of the list that is looked at.
    pub const fn scroll(&mut self, top: usize) {
        self.list_mut().scroll = top;
    }
}
