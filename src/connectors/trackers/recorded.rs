//! Recorded exchanges with real trackers, for the tests of what is read from them.

use std::sync::Arc;

use serde_json::Value;

use super::{Desk, word};
use crate::connectors::Clock;
use crate::connectors::outbound::config::{Endpoint, TrackerConfig, TrackerKind};
use crate::domain::{Span, Timestamp, TrackerId};

/// A tracker that nobody listens for.
pub(super) fn desk(kind: TrackerKind, project: &str) -> Desk {
    let config = TrackerConfig {
        id: TrackerId::new("tickets"),
        kind,
        endpoint: Endpoint::new("http://127.0.0.1:1"),
        project: project.into(),
        ticket_type: "".into(),
        from: "".into(),
        labels: Vec::new(),
        states: [].into(),
        priorities: [].into(),
        interval: Span::ZERO,
    };
    let clock: Arc<dyn Clock> = Arc::new(|| Timestamp::from_millis(0));
    Desk::new(&config, &clock)
}

/// Method and path that were asked, without the query, and the body of the answer.
pub(super) fn recorded(text: &str) -> (String, Value) {
    let mut exchange: Value = serde_json::from_str(text).unwrap();
    let request = &exchange["request"];
    let path = word(&request["path"]);
    let asked = format!("{} {}", word(&request["method"]), path.split('?').next().unwrap());
    (asked, exchange["response"]["body"].take())
}
