//! Unleash's audit log: `GET /api/admin/search/events`, of which what changes whom a flag is on for counts.
//!
//! It is asked with the operators that Unleash has since version 6, so that a log full of other entries
//! (users, tokens, descriptions) hides no switch. The base URL ends before `/api`; an admin's token, or a
//! personal one that may read, is enough.

use serde::Deserialize;
use serde_json::Value;

use super::deployments::Project;
use crate::connectors::outbound::config::Scheme;
use crate::connectors::trackers::segment;
use crate::connectors::{Ask, Connector, Interest, Method, ParseError, Reply, wire};
use crate::domain::{
    Change, ChangeKey, ChangeKind, ChangeState, Observation, Reviewed, SafeText, SourceId,
    Timestamp,
};

/// The token stands alone in the header.
pub const SCHEME: Scheme = Scheme { header: "authorization", before: "" };
/// Entries that are read, the newest.
const ENTRIES: &str = "200";

/// Entries after which a flag may be on for others than before.
const TYPES: [&str; 14] = [
    "feature-environment-enabled",
    "feature-environment-disabled",
    "feature-strategy-add",
    "feature-strategy-update",
    "feature-strategy-remove",
    "feature-environment-variants-updated",
    "feature-variants-updated",
    "feature-dependency-added",
    "feature-dependency-removed",
    "feature-archived",
    "feature-revived",
    "segment-updated",
    "segment-deleted",
    "release-plan-milestone-started",
];

#[derive(Deserialize)]
struct Log {
    events: Vec<Event>,
}

/// An entry of the log.
#[derive(Deserialize)]
struct Event {
    id: u64,
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "createdAt")]
    at: String,
    #[serde(rename = "createdBy", default)]
    author: Option<String>,
    #[serde(rename = "featureName", default)]
    flag: Option<String>,
    #[serde(default)]
    project: Option<String>,
    #[serde(default)]
    environment: Option<String>,
    #[serde(default)]
    data: Value,
    #[serde(rename = "preData", default)]
    before: Value,
}

/// The reader of an audit log.
#[derive(Debug, Clone)]
pub struct Events {
    project: Project,
    address: String,
}

impl Events {
    /// Of this project and its environments, of the server people reach at this address.
    pub const fn new(project: Project, address: String) -> Self {
        Self { project, address }
    }

    fn change(&self, source: &SourceId, event: &Event) -> Option<Change> {
        let environment = event.environment.as_deref().unwrap_or_default();
        let only = &self.project.environments;
        // What has no environment holds in all of them.
        if !environment.is_empty() && !only.is_empty() && !only.iter().any(|e| e == environment) {
            return None;
        }
        let (title, before, after) = event.words()?;
        let name = event.name();
        let project = event.project.as_deref().unwrap_or_default();
        let url = match &event.flag {
            Some(flag) if !project.is_empty() => {
                let (project, flag) = (segment(project), segment(flag));
                format!("{}/projects/{project}/features/{flag}", self.address.trim_end_matches('/'))
            }
            _ => String::new(),
        };
        Some(Change {
            key: ChangeKey {
                source: source.clone(),
                id: SafeText::new(&format!("events/{}", event.id)),
            },
            at: Timestamp::parse_rfc3339(&event.at)?,
            kind: ChangeKind::Flag,
            service: self.project.places.of_project(name, environment, project),
            title: SafeText::new(&title),
            author: SafeText::new(event.author.as_deref().unwrap_or_default()),
            reviewed: Reviewed::Unknown,
            before: SafeText::new(&before),
            after: SafeText::new(&after),
            state: ChangeState::Done,
            size: None,
            with: Vec::new(),
            url: SafeText::new(&url),
        })
    }
}

/// For how many a strategy is on; empty when it does not say.
fn rollout(strategy: &Value) -> String {
    match &strategy["parameters"]["rollout"] {
        Value::String(share) => format!("{share}%"),
        Value::Number(share) => format!("{share}%"),
        _ => String::new(),
    }
}

impl Event {
    /// The flag, or the segment.
    fn name(&self) -> &str {
        let told = || self.data["name"].as_str().or_else(|| self.before["name"].as_str());
        self.flag.as_deref().or_else(told).unwrap_or_default()
    }

    /// In one line, with what was and what is; `None` for what switches nothing.
    fn words(&self) -> Option<(String, String, String)> {
        let name = self.name();
        let place = match self.environment.as_deref() {
            Some(environment) if !environment.is_empty() => format!(" in {environment}"),
            _ => String::new(),
        };
        let (was, is) = (rollout(&self.before), rollout(&self.data));
        let strategy = |told: &Value| told["name"].as_str().unwrap_or("a strategy").to_owned();
        let off_on = |was: &str, is: &str| (was.to_owned(), is.to_owned());
        let none = || (String::new(), String::new());
        let (title, (was, is)) = match self.kind.as_str() {
            "feature-environment-enabled" => (format!("{name} on{place}"), off_on("off", "on")),
            "feature-environment-disabled" => (format!("{name} off{place}"), off_on("on", "off")),
            "feature-strategy-add" => {
                let share = if is.is_empty() { String::new() } else { format!(" for {is}") };
                (format!("{name}: {}{share} added{place}", strategy(&self.data)), (was, is))
            }
            "feature-strategy-update" => {
                let moved = if was == is || was.is_empty() || is.is_empty() {
                    String::new()
                } else {
                    format!(" from {was} to {is}")
                };
                (format!("{name}: {} changed{moved}{place}", strategy(&self.data)), (was, is))
            }
            "feature-strategy-remove" => {
                (format!("{name}: {} removed{place}", strategy(&self.before)), (was, is))
            }
            "feature-environment-variants-updated" | "feature-variants-updated" => {
                (format!("{name}: variants changed{place}"), none())
            }
            "feature-dependency-added" | "feature-dependency-removed" => {
                (format!("{name}: the flags it depends on changed{place}"), none())
            }
            "feature-archived" => (format!("{name} archived"), none()),
            "feature-revived" => (format!("{name} revived"), none()),
            "segment-updated" => (format!("segment {name} changed"), none()),
            "segment-deleted" => (format!("segment {name} deleted"), none()),
            "release-plan-milestone-started" => {
                (format!("{name}: next milestone of its release plan{place}"), none())
            }
            _ => return None,
        };
        Some((title, was, is))
    }
}

impl Connector for Events {
    fn asks(&self, _: &Interest, _: Timestamp) -> Vec<Ask> {
        let mut params =
            vec![("limit", ENTRIES.to_owned()), ("type", format!("IS_ANY_OF:{}", TYPES.join(",")))];
        if !self.project.name.is_empty() {
            params.push(("project", format!("IS:{}", self.project.name)));
        }
        let path = "/api/admin/search/events".to_owned();
        vec![Ask { key: "events".to_owned(), method: Method::Get, path, params, body: None }]
    }

    fn parse(
        &self,
        source: &SourceId,
        _: &Ask,
        reply: &Reply,
    ) -> Result<Vec<Observation>, ParseError> {
        wire::accepted(reply)?;
        let log: Log = serde_json::from_slice(&reply.body).map_err(|e| wire::shape(&e))?;
        let mut events = log.events;
        events.sort_by_key(|event| std::cmp::Reverse(event.id));
        let changes = events.iter().filter_map(|event| self.change(source, event)).collect();
        Ok(vec![Observation::Changes(changes)])
    }
}

#[cfg(test)]
mod tests;
