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
    /// What it should reach at least.
    pub(crate) goal: Option<f64>,
    /// What others reached, in words.
    pub(crate) published: &'static str,
}

/// The text of a gzip file.
pub(crate) fn gunzip(path: &Path) -> String {
    let file = std::fs::File::open(path);
    let file = file.unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()));
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("gzip");
    text
}
