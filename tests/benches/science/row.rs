//! One row of the table of figures, and reading what is compressed.

use std::io::Read as _;
use std::path::Path;

/// One figure, ours beside what others reached.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// The data.
    pub(crate) corpus: &'static str,
    /// What was measured.
    pub(crate) what: String,
    /// What ours reaches.
    pub(crate) ours: f64,
    /// What it should reach.
    pub(crate) goal: Option<Goal>,
    /// What others reached, in words.
    pub(crate) published: &'static str,
}

/// What a figure should reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Goal {
    /// More is better.
    AtLeast(f64),
    /// Less is better.
    AtMost(f64),
}

impl From<f64> for Goal {
    fn from(goal: f64) -> Self {
        Self::AtLeast(goal)
    }
}

impl Goal {
    /// Whether a figure reaches it; what is not a number never does.
    pub(crate) fn is_reached(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(goal) => figure >= goal,
            Self::AtMost(goal) => figure <= goal,
        }
    }
}

impl std::fmt::Display for Goal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(goal) => write!(f, "≥ {goal}"),
            Self::AtMost(goal) => write!(f, "≤ {goal}"),
        }
    }
}

/// The text of a gzip file.
pub(crate) fn gunzip(path: &Path) -> String {
    let file = std::fs::File::open(path);
    let file = file.unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()));
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("gzip");
    text
}
