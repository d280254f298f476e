//! What only one may do, decided once by the store.
//!
//! A place is a text such as `INC-7KQ4M/command`. The store keeps which record took each place last, and
//! takes a record that claims the place only when it follows exactly that one: a compare-and-set in the
//! same transaction as the record itself. With a team log it becomes a compare-and-set per subject.
//!
//! Who stands where follows from the records alone ([`standing`]); what a store keeps beside them is only
//! quicker to ask, and an audit compares the two.

use std::collections::BTreeMap;

use crate::domain::SafeText;

use super::{AppendError, IncidentEvent, LogEvent, RecordId, Recorded};

/// A place and what must stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Which place.
    pub place: String,
    /// The record that took it last, as far as the writer knows; `None` when nobody has.
    pub after: Option<RecordId>,
}

/// Which record stands at each place, by the records alone, in the order the store took them. Of two that
/// follow the same one, the first counts.
pub(super) fn standing<'a>(
    records: impl IntoIterator<Item = (RecordId, &'a LogEvent)>,
) -> BTreeMap<String, RecordId> {
    let mut places = BTreeMap::new();
    for (id, event) in records {
        if let Some(claim) = event.claim()
            && places.get(&claim.place) == claim.after.as_ref()
        {
            places.insert(claim.place, id);
        }
    }
    places
}

/// What to say to the one who came second; `first` is the record that stands at the place.
pub(super) fn refused(mine: &LogEvent, first: Option<Recorded>) -> AppendError {
    let Some(first) = first else {
        return AppendError::failed(
            "What this follows is not in this log, so it was not recorded. Nothing else is affected; \
             look at how things stand now and decide again.",
        );
    };
    let sentence = format!(
        "{} was first at {} UTC: {}. Yours was not recorded and nothing else is affected; look at how \
         things stand now and decide again.",
        first.actor.name(),
        first.at.utc().format("%H:%M:%S"),
        first.event.as_ref().map_or_else(|| what(mine), what),
    );
    AppendError { sentence: SafeText::body(&sentence), taken: Some(Box::new(first)) }
}

/// What was done, in words.
fn what(event: &LogEvent) -> String {
    match event {
        LogEvent::Incident { incident, event } => match event {
            IncidentEvent::CommandTaken(taken) => {
                format!("command of {incident} went to {}", taken.commander.name())
            }
            IncidentEvent::UpdatePublished(_) => "this update already goes out".into(),
            IncidentEvent::PageSent(page) => format!("{} is already called", page.whom.name()),
            IncidentEvent::MachineSaw(_) | IncidentEvent::TicketChanged(_) => {
                format!("this is already on the timeline of {incident}")
            }
            other => format!("{} of {incident} is already recorded", other.kind()),
        },
        LogEvent::OperationAttempted { .. } => "another console performs this already".into(),
        LogEvent::OperationRequested { .. } => "this is already asked for".into(),
        other => format!("{} is already recorded", other.kind()),
    }
}
