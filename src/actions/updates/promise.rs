//! When the next word is due: by the cadence at first, by the last promise from then on.

use super::facts::last_published;
use crate::domain::{Audience, Playbook, Status, Timestamp};
use crate::model::incidents::Incident;

/// Whether an update must say when the next one comes: all but the one that says it is over.
pub const fn needs_promise(status: Status) -> bool {
    status.is_live()
}

/// When the next update to an audience is due; `None` when none is owed.
pub fn due(playbook: &Playbook, incident: &Incident, audience: Audience) -> Option<Timestamp> {
    if !incident.status.is_live() || incident.merged_into.is_some() {
        return None;
    }
    match last_published(incident, audience) {
        // A promise stands even where no cadence asks for one.
        Some(last) => Some(last.next),
        None => {
            let cadence = playbook.cadence.get(&(incident.severity, audience))?;
            Some(incident.declared_at.plus(cadence.first))
        }
    }
}

/// The time to promise in an update written now: an interval of the cadence from now, and the latest that may be
/// promised (double, once the incident is long). `None` when the cadence asks for nothing.
pub fn proposed(
    playbook: &Playbook,
    incident: &Incident,
    audience: Audience,
    now: Timestamp,
) -> Option<(Timestamp, Timestamp)> {
    let cadence = playbook.cadence.get(&(incident.severity, audience))?;
    let long = now.since(incident.declared_at) >= cadence.long_after;
    let latest = if long { cadence.every.scale(2.0) } else { cadence.every };
    Some((now.plus(cadence.every), now.plus(latest)))
}
