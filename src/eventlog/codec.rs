//! Facts to bytes and back: one encoding per kind, by the kind's name, never by its place in the enum.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::{IncidentId, Operation, Outcome, SafeText};

use super::record::{FormatError, VERSION};
use super::{AlertInstance, IncidentEvent, LogEvent, RecordId, Subject};

/// Kind and body of a fact.
pub(super) fn encode(event: &LogEvent) -> Result<(&'static str, Vec<u8>), FormatError> {
    let body = match event {
        LogEvent::AlertsAcknowledged { alerts, title, note } => bytes(&(alerts, title, note)),
        LogEvent::AcknowledgementWithdrawn { alerts, note } => bytes(&(alerts, note)),
        LogEvent::Noted { about, text } => bytes(&(about, text)),
        LogEvent::OperationRequested { operation } => bytes(operation),
        LogEvent::OperationEnded { request, outcome } => bytes(&(request, outcome)),
        LogEvent::OperationAttempted { request, after, by } => bytes(&(request, after, by)),
        LogEvent::Incident { event, .. } => event.encode().map_err(|_| FormatError::Shape),
    }?;
    Ok((event.kind(), body))
}

/// The fact of a record; `None` when a newer version wrote a kind or a body this one does not know.
pub(super) fn decode(
    version: u16,
    incident: impl FnOnce() -> IncidentId,
    kind: &str,
    body: &[u8],
) -> Option<LogEvent> {
    if version > VERSION {
        return None;
    }
    Some(match kind {
        "alerts-acknowledged" => {
            let (alerts, title, note) = whole::<(Vec<AlertInstance>, SafeText, SafeText)>(body)?;
            LogEvent::AlertsAcknowledged { alerts, title, note }
        }
        "acknowledgement-withdrawn" => {
            let (alerts, note) = whole::<(Vec<AlertInstance>, SafeText)>(body)?;
            LogEvent::AcknowledgementWithdrawn { alerts, note }
        }
        "noted" => {
            let (about, text) = whole::<(Subject, SafeText)>(body)?;
            LogEvent::Noted { about, text }
        }
        "operation-requested" => {
            LogEvent::OperationRequested { operation: whole::<Operation>(body)? }
        }
        "operation-ended" => {
            let (request, outcome) = whole::<(RecordId, Outcome)>(body)?;
            LogEvent::OperationEnded { request, outcome }
        }
        "operation-attempted" => {
            let (request, after, by) = whole::<(RecordId, Option<RecordId>, SafeText)>(body)?;
            LogEvent::OperationAttempted { request, after, by }
        }
        kind => {
            let event = IncidentEvent::decode(kind, body)?;
            LogEvent::Incident { incident: incident(), event }
        }
    })
}

fn bytes(value: &impl Serialize) -> Result<Vec<u8>, FormatError> {
    postcard::to_allocvec(value).map_err(|_| FormatError::Shape)
}

/// Half-understood is not understood: bytes left over make the fact unknown.
fn whole<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    let (value, rest) = postcard::take_from_bytes(body).ok()?;
    rest.is_empty().then_some(value)
}
