//! A group of alerts: who is in it, and why.

use std::fmt;

use super::{Layer, Raised};
use crate::domain::{SafeText, Span, Timestamp};

/// A group's number. It never changes and is never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u64);

/// Why a kind of alert at a place is in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// It opened the group.
    First,
    /// Another alert of the same place just began.
    SamePlace {
        /// That alert.
        with: SafeText,
        /// How long before.
        apart: Span,
    },
    /// The same alert just began elsewhere.
    SameKind {
        /// Where.
        at: SafeText,
        /// How long before.
        apart: Span,
    },
    /// Another alert about the same service began.
    SameService {
        /// That alert.
        with: SafeText,
        /// Its layer and this one's.
        layers: (Layer, Layer),
        /// How long before.
        apart: Span,
    },
    /// An alert about a caller or callee began.
    Neighbours {
        /// That alert.
        with: SafeText,
        /// Where.
        at: SafeText,
        /// Its layer and this one's.
        layers: (Layer, Layer),
        /// How long before.
        apart: Span,
    },
}

impl Rule {
    /// The surest first.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::First => 0,
            Self::SamePlace { .. } => 1,
            Self::SameKind { .. } => 2,
            Self::SameService { .. } => 3,
            Self::Neighbours { .. } => 4,
        }
    }
}

/// The reason in a whole sentence.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let across = |(other, own): (Layer, Layer)| {
            if other == own {
                String::new()
            } else {
                format!(" (from {} to {})", other.name(), own.name())
            }
        };
        match self {
            Self::First => f.write_str("It opened the group."),
            Self::SamePlace { with, apart } => {
                write!(f, "{with} began {} before at the same place.", secs(*apart))
            }
            Self::SameKind { at, apart } => {
                write!(f, "The same alert began {} before at {at}.", secs(*apart))
            }
            Self::SameService { with, layers, apart } => write!(
                f,
                "{with} began {} before about the same service{}.",
                secs(*apart),
                across(*layers)
            ),
            Self::Neighbours { with, at, layers, apart } => write!(
                f,
                "{with} began {} before at {at}, which it calls or is called by{}.",
                secs(*apart),
                across(*layers)
            ),
        }
    }
}

fn secs(span: Span) -> String {
    format!("{:.0} s", span.seconds())
}

/// One kind of alert at one place within a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// What.
    pub kind: SafeText,
    /// Where.
    pub place: SafeText,
    /// What kind of thing it is about.
    pub layer: Layer,
    /// How often it fired within the group.
    pub alerts: usize,
    /// How many of those were pages.
    pub pages: usize,
    /// Why it is here.
    pub rule: Rule,
}

/// Alerts that are shown as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Its number.
    pub id: GroupId,
    /// When the first alert began.
    pub first: Timestamp,
    /// When the latest one began.
    pub last: Timestamp,
    /// How many alerts there are.
    pub alerts: usize,
    /// How many of them are pages; always to be shown.
    pub pages: usize,
    /// Kinds and places, in the order in which they came.
    pub members: Vec<Member>,
}

impl Group {
    pub(super) fn new(id: GroupId, at: Timestamp) -> Self {
        Self { id, first: at, last: at, alerts: 0, pages: 0, members: Vec::new() }
    }

    pub(super) fn open(&mut self, raised: &Raised, rule: Rule) -> usize {
        self.members.push(Member {
            kind: raised.kind.clone(),
            place: raised.place.clone(),
            layer: raised.layer,
            alerts: 0,
            pages: 0,
            rule,
        });
        self.members.len() - 1
    }

    pub(super) fn count(&mut self, raised: &Raised, member: usize) {
        self.alerts += 1;
        self.pages += usize::from(raised.page);
        self.last = self.last.max(raised.at);
        if let Some(member) = self.members.get_mut(member) {
            member.alerts += 1;
            member.pages += usize::from(raised.page);
        }
    }

    /// The layers that are touched, from below.
    pub fn layers(&self) -> Vec<Layer> {
        let mut layers: Vec<Layer> = self.members.iter().map(|member| member.layer).collect();
        layers.sort_unstable();
        layers.dedup();
        layers
    }
}
