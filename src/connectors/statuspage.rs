//! What a supplier says of itself: the public feed of Statuspage and of those that speak like it.
//!
//! `GET /api/v2/summary.json` has the components with their status and the incidents that go on. What the
//! feed says is its owner's word, and is shown as that beside what our callers measure.

use serde::Deserialize;

use super::{Ask, Connector, Interest, Method, ParseError, Reply, wire};
use crate::domain::{
    ComponentSeen, FeedSeen, Observation, SafeText, SourceId, Timestamp, VendorState,
};

/// No page has more; one that does is not one.
const MOST_COMPONENTS: usize = 5_000;
const MOST_INCIDENTS: usize = 200;

/// One status page.
#[derive(Debug, Clone, Copy, Default)]
pub struct StatusFeed;

#[derive(Deserialize)]
struct Summary {
    components: Vec<Component>,
    #[serde(default)]
    incidents: Vec<Incident>,
}

#[derive(Deserialize)]
struct Component {
    name: String,
    status: String,
}

#[derive(Deserialize)]
struct Incident {
    name: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    updated_at: Option<String>,
    #[serde(default)]
    incident_updates: Vec<Update>,
}

#[derive(Deserialize)]
struct Update {
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    display_at: Option<String>,
    #[serde(default)]
    created_at: Option<String>,
}

impl Connector for StatusFeed {
    fn asks(&self, _: &Interest, _: Timestamp) -> Vec<Ask> {
        vec![Ask {
            key: "summary".to_owned(),
            method: Method::Get,
            path: "/api/v2/summary.json".to_owned(),
            params: Vec::new(),
            body: None,
        }]
    }

    fn parse(&self, _: &SourceId, _: &Ask, reply: &Reply) -> Result<Vec<Observation>, ParseError> {
        wire::accepted(reply)?;
        let summary: Summary = serde_json::from_slice(&reply.body).map_err(|e| wire::shape(&e))?;
        if summary.components.len() > MOST_COMPONENTS {
            return Err(ParseError::Shape(format!(
                "it lists {} components; a status page has at most {MOST_COMPONENTS}",
                summary.components.len()
            )));
        }
        let components = summary.components.iter().map(component).collect::<Result<_, _>>()?;
        let going_on = summary.incidents.iter().filter(|i| !is_over(&i.status));
        let incidents = going_on.take(MOST_INCIDENTS).map(incident).collect();
        Ok(vec![Observation::Feed(FeedSeen { components, incidents })])
    }
}

fn component(told: &Component) -> Result<ComponentSeen, ParseError> {
    // Those who speak like Statuspage write `MAJOROUTAGE` or `major_outage`.
    let word: String =
        told.status.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase();
    let name = SafeText::new(&told.name);
    let state = match word.as_str() {
        "operational" => VendorState::Operational,
        "undermaintenance" => VendorState::Maintenance,
        "degradedperformance" => VendorState::Degraded,
        "partialoutage" | "minoroutage" => VendorState::Partial,
        "majoroutage" => VendorState::Major,
        // Left out it would look well among those that are.
        _ => {
            let status = SafeText::new(&told.status);
            return Err(ParseError::Shape(format!("its component {name} is “{status}”")));
        }
    };
    Ok(ComponentSeen { name, state })
}

fn is_over(status: &str) -> bool {
    ["resolved", "postmortem", "completed"].contains(&status.to_lowercase().as_str())
}

/// Title, latest word, when.
fn incident(told: &Incident) -> (SafeText, SafeText, Timestamp) {
    let time = |text: &Option<String>| text.as_deref().and_then(Timestamp::parse_rfc3339);
    let said = |update: &Update| time(&update.display_at).or_else(|| time(&update.created_at));
    let latest = told.incident_updates.iter().max_by_key(|update| said(update));
    let body = latest.and_then(|update| update.body.as_deref()).unwrap_or(&told.status);
    let at = latest.and_then(said).or_else(|| time(&told.updated_at));
    let at = at.or_else(|| time(&told.created_at)).unwrap_or_default();
    (SafeText::new(&told.name), SafeText::new(body), at)
}
