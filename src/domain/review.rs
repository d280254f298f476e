//! Reviews: what an incident teaches. Sections, causes and follow-ups; nobody is blamed in any of them.

use serde::{Deserialize, Serialize};

use super::SafeText;

/// A section of a post-mortem, in the order they are read (PagerDuty's public template). Those the log can
/// write itself have a draft at every moment; what a person writes replaces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ReviewSection {
    /// A few sentences for somebody who reads nothing else.
    Summary,
    /// What happened, in order.
    WhatHappened,
    /// Who was hurt, how much, how long; with figures.
    Impact,
    /// How it was noticed.
    Detection,
    /// What was done about it.
    Resolution,
    /// What contributed.
    Contributing,
    /// What went well.
    WentWell,
    /// What was hard.
    WasHard,
    /// Where luck helped.
    Luck,
    /// What was told to whom.
    Messaging,
}

impl ReviewSection {
    /// In the order they are read.
    pub const ALL: [Self; 10] = [
        Self::Summary,
        Self::WhatHappened,
        Self::Impact,
        Self::Detection,
        Self::Resolution,
        Self::Contributing,
        Self::WentWell,
        Self::WasHard,
        Self::Luck,
        Self::Messaging,
    ];

    /// Its heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Summary => "Summary",
            Self::WhatHappened => "What happened",
            Self::Impact => "Impact",
            Self::Detection => "Detection",
            Self::Resolution => "Resolution",
            Self::Contributing => "Contributing factors",
            Self::WentWell => "What went well",
            Self::WasHard => "What was hard",
            Self::Luck => "Where we were lucky",
            Self::Messaging => "Messages",
        }
    }

    /// On the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::WhatHappened => "what-happened",
            Self::Impact => "impact",
            Self::Detection => "detection",
            Self::Resolution => "resolution",
            Self::Contributing => "contributing",
            Self::WentWell => "went-well",
            Self::WasHard => "was-hard",
            Self::Luck => "luck",
            Self::Messaging => "messages",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name().eq_ignore_ascii_case(name))
    }
}

/// Bones of the fishbone diagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CauseCategory {
    /// Staffing, knowledge, load on people; never a person.
    People,
    /// How work is done.
    Process,
    /// Programs and machines.
    Technology,
    /// What surrounds them.
    Environment,
    /// What was measured, and what was not.
    Measurement,
    /// Suppliers.
    ThirdParties,
}

impl CauseCategory {
    /// In the order they are drawn.
    pub const ALL: [Self; 6] = [
        Self::People,
        Self::Process,
        Self::Technology,
        Self::Environment,
        Self::Measurement,
        Self::ThirdParties,
    ];

    /// On the screen and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Process => "process",
            Self::Technology => "technology",
            Self::Environment => "environment",
            Self::Measurement => "measurement",
            Self::ThirdParties => "third-parties",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name().eq_ignore_ascii_case(name))
    }
}

/// What sort of incident it was; one may be of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum IncidentType {
    /// Another version went out.
    Deployment,
    /// Configuration changed.
    Configuration,
    /// Something ran out.
    Capacity,
    /// Something that is called, of our own or of a supplier.
    Dependency,
    /// A failure that made further failures.
    Cascade,
    /// Automation did what nobody wanted.
    Automation,
    /// A cloud or its region.
    Cloud,
    /// Machines, disks, power, cooling.
    Hardware,
    /// The network.
    Network,
    /// Data lost, wrong or in the wrong form.
    Data,
    /// An attack or a hole.
    Security,
    /// Clocks, dates, certificates that expired.
    Time,
}

impl IncidentType {
    /// All.
    pub const ALL: [Self; 12] = [
        Self::Deployment,
        Self::Configuration,
        Self::Capacity,
        Self::Dependency,
        Self::Cascade,
        Self::Automation,
        Self::Cloud,
        Self::Hardware,
        Self::Network,
        Self::Data,
        Self::Security,
        Self::Time,
    ];

    /// On the screen and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::Configuration => "configuration",
            Self::Capacity => "capacity",
            Self::Dependency => "dependency",
            Self::Cascade => "cascade",
            Self::Automation => "automation",
            Self::Cloud => "cloud",
            Self::Hardware => "hardware",
            Self::Network => "network",
            Self::Data => "data",
            Self::Security => "security",
            Self::Time => "time",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name().eq_ignore_ascii_case(name))
    }
}

/// How soon a follow-up is due, by what it prevents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Priority {
    /// It will happen again without it.
    High,
    /// It would be found or mended sooner.
    Medium,
    /// Nice to have.
    Low,
}

impl Priority {
    /// In order.
    pub const ALL: [Self; 3] = [Self::High, Self::Medium, Self::Low];

    /// On the screen and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name().eq_ignore_ascii_case(name))
    }
}

/// What must hold before a follow-up counts as done.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Check {
    /// A query (PromQL) that must give at least one sample, all of them other than zero
    /// (`checkout_breaker_configured == bool 1`).
    Query {
        /// The query.
        expr: SafeText,
    },
    /// Somebody vouches, in words.
    Word {
        /// What they have to have seen.
        what: SafeText,
    },
}
