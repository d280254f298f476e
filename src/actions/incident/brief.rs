//! The brief of a hand-over as sections.

use crate::domain::{SafeText, Timestamp};
use crate::model::Model;
use crate::model::incidents::{Incident, brief};

/// Title and text of each section.
pub(super) fn sections(
    model: &Model,
    incident: &Incident,
    now: Timestamp,
) -> Vec<(SafeText, SafeText)> {
    brief(model, incident, now)
}
