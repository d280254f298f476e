//! The words of incident command: roles, status, kinds of entries, tasks, updates (ICS, PagerDuty's and
//! Google's response guides). Plain values; what happened to them is in the log.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AlertKey, SafeText, SloId, Timestamp};

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// All, in their order.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// As written in files, on the command line and on screen.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The one with this name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name().eq_ignore_ascii_case(name))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

named! {
    /// How far an incident is. The order is the usual way; going back is allowed and recorded.
    Status {
        /// What is wrong is being found out.
        Investigating = "investigating",
        /// The cause is known.
        Identified = "identified",
        /// Mitigated; it is watched whether it stays so.
        Monitoring = "monitoring",
        /// Over for those who were hurt.
        Resolved = "resolved",
        /// Nothing is left to do, the review included.
        Closed = "closed",
    }
}

impl Status {
    /// Whether responders are at work: clocks run, and quitting the console asks.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Investigating | Self::Identified | Self::Monitoring)
    }
}

named! {
    /// Who does what. Exactly one person commands; the others may be empty or several.
    Role {
        /// Decides; does not fix.
        Commander = "commander",
        /// Stands in, keeps the clocks.
        Deputy = "deputy",
        /// Keeps the record.
        Scribe = "scribe",
        /// Speaks to those outside the response.
        Comms = "comms",
        /// Leads the hands on the systems.
        Ops = "ops",
        /// Looks on.
        Observer = "observer",
    }
}

named! {
    /// What an entry of the timeline is.
    EntryKind {
        /// Something seen.
        Observation = "observation",
        /// Something done.
        Action = "action",
        /// Something decided.
        Decision = "decision",
        /// Something said to somebody.
        Communication = "communication",
        /// Something that proves another entry.
        Evidence = "evidence",
    }
}

named! {
    /// Whom an update is for.
    Audience {
        /// Everybody inside: responders, support, leadership.
        Internal = "internal",
        /// Customers and the public.
        External = "external",
    }
}

/// What an incident was declared from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// Nothing the console knows of.
    Nothing,
    /// A group of alerts, as it was then.
    Alerts {
        /// What it was called on screen.
        title: SafeText,
        /// The alerts in it.
        alerts: Vec<AlertKey>,
    },
    /// An objective whose budget burns.
    Slo(SloId),
}

/// Who is hurt and how: what every update must say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Impact {
    /// One sentence in the words of those who are hurt; empty is not known yet.
    pub sentence: SafeText,
    /// Which part, region or share of customers; empty is not known yet.
    pub scope: SafeText,
}

/// A moment, raw and corrected: what the clock it was read from showed, and when that was by true time
/// as far as the measured offset tells (row 1.7 of the feature table).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moment {
    /// Corrected; the timeline is in this order.
    pub corrected: Timestamp,
    /// As read.
    pub raw: Timestamp,
    /// Milliseconds the corrected time may be off; `None` when the clock's offset is not known.
    pub bound: Option<u32>,
}

impl Moment {
    /// A moment of a clock that is taken as right.
    pub const fn exact(at: Timestamp) -> Self {
        Self { corrected: at, raw: at, bound: None }
    }
}

/// Frozen proof: what a query said then, kept when dashboards and retention have moved on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The query, in the words of its source.
    pub query: SafeText,
    /// Which source answered.
    pub source: SafeText,
    /// First moment of the range.
    pub from: Timestamp,
    /// Last moment of the range.
    pub to: Timestamp,
    /// Time and value; at most 240 of them. Not a number is kept as such.
    pub values: Vec<(Timestamp, f64)>,
    /// What the numbers count (`x`, `%`, `s`, `/s`); may be empty.
    pub unit: SafeText,
}

/// Two proofs are the same when they are bit for bit: a value that is not a number equals itself.
impl Eq for Evidence {}
