//! GitHub: `GET /repos/{owner}/{repo}/deployments`, and of the newest how they went.
//!
//! A list says what was to be deployed, not whether it was: that is asked for one by one
//! (`…/deployments/{id}/statuses`) and kept once it is settled. The base URL is `https://api.github.com`, or
//! a server's `/api/v3`. Shapes: <https://docs.github.com/rest/deployments/deployments>.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Deployed, Project};
use crate::connectors::http::{Fault, Transport};
use crate::connectors::trackers::segment;
use crate::connectors::{Ask, Connector, Interest, Method, ParseError, Reply, wire};
use crate::domain::{ChangeKind, ChangeState, Observation, SourceId, Span, Timestamp};

/// Newest deployments whose statuses are asked for.
const LOOKED_AT: usize = 20;

fn listed_at(project: &str) -> String {
    let parts: Vec<String> = project.split('/').map(segment).collect();
    format!("/repos/{}/deployments", parts.join("/"))
}

/// A deployment as it is listed.
#[derive(Deserialize)]
struct Listed {
    id: u64,
    #[serde(default)]
    sha: String,
    #[serde(default, rename = "ref")]
    reference: String,
    #[serde(default)]
    task: String,
    #[serde(default)]
    environment: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    creator: Option<Creator>,
    created_at: String,
}

#[derive(Deserialize)]
struct Creator {
    #[serde(default)]
    login: String,
}

/// One report of how it goes, newest first in its list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Status {
    state: String,
    #[serde(default)]
    created_at: String,
    #[serde(default)]
    log_url: String,
    #[serde(default)]
    target_url: String,
}

impl Status {
    /// Nothing but a later deployment changes it any more.
    fn is_settled(&self) -> bool {
        matches!(self.state.as_str(), "success" | "failure" | "error" | "inactive")
    }
}

/// What is read at once: the list, and what is known of how each went.
#[derive(Serialize, Deserialize)]
struct Told {
    deployments: Value,
    statuses: BTreeMap<u64, Vec<Status>>,
}

/// The way to a repository's deployments.
pub struct Deployments {
    live: Arc<dyn Transport>,
    project: String,
    deadline: Span,
    settled: Mutex<BTreeMap<u64, Vec<Status>>>,
}

impl Deployments {
    /// Of this repository, over a transport to its server.
    pub fn new(live: Arc<dyn Transport>, project: &str, deadline: Span) -> Self {
        Self { live, project: project.to_owned(), deadline, settled: Mutex::default() }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Vec<Status>>> {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How one went; `None` when it cannot be learned now.
    async fn statuses(&self, id: u64) -> Option<Vec<Status>> {
        if let Some(known) = self.known().get(&id) {
            return Some(known.clone());
        }
        let path = format!("{}/{id}/statuses", listed_at(&self.project));
        let params = vec![("per_page", "10".to_owned())];
        let ask =
            Ask { key: format!("statuses/{id}"), method: Method::Get, path, params, body: None };
        let reply = self.live.exchange(&ask).await.ok().filter(|reply| reply.status == 200)?;
        let found: Vec<Status> = serde_json::from_slice(&reply.body).ok()?;
        if found.first().is_some_and(Status::is_settled) {
            self.known().insert(id, found.clone());
        }
        Some(found)
    }
}

#[async_trait]
impl Transport for Deployments {
    async fn exchange(&self, ask: &Ask) -> Result<Reply, Fault> {
        let began = Instant::now();
        let reply = self.live.exchange(ask).await?;
        let read = || serde_json::from_slice::<Value>(&reply.body).ok();
        let Some(deployments) = (reply.status == 200).then(read).flatten() else {
            return Ok(reply);
        };
        let ids = deployments.as_array().into_iter().flatten();
        let ids: Vec<u64> = ids.filter_map(|one| one["id"].as_u64()).collect();
        let mut statuses = BTreeMap::new();
        for id in ids.iter().take(LOOKED_AT) {
            // The first look at a busy repository goes on with the next poll; what failed, too.
            if began.elapsed() > self.deadline.scale(0.5).std() {
                break;
            }
            let Some(found) = self.statuses(*id).await else { break };
            statuses.insert(*id, found);
        }
        self.known().retain(|id, _| ids.contains(id));
        let body = serde_json::to_vec(&Told { deployments, statuses }).unwrap_or_default();
        Ok(Reply { body, ..reply })
    }
}

/// The reader of a repository's deployments.
#[derive(Debug, Clone)]
pub struct Github(pub Project);

impl Connector for Github {
    fn asks(&self, _: &Interest, _: Timestamp) -> Vec<Ask> {
        let mut params = vec![("per_page", "100".to_owned())];
        params.extend(self.0.only_environment().map(|name| ("environment", name.to_owned())));
        let path = listed_at(&self.0.name);
        vec![Ask { key: "deployments".to_owned(), method: Method::Get, path, params, body: None }]
    }

    fn parse(
        &self,
        source: &SourceId,
        _: &Ask,
        reply: &Reply,
    ) -> Result<Vec<Observation>, ParseError> {
        wire::accepted(reply)?;
        let told: Told = serde_json::from_slice(&reply.body).map_err(|e| wire::shape(&e))?;
        let listed: Vec<Listed> =
            serde_json::from_value(told.deployments).map_err(|e| wire::shape(&e))?;
        let all = listed.into_iter().filter_map(|one| {
            let statuses = told.statuses.get(&one.id).map_or(&[][..], Vec::as_slice);
            deployed(one, statuses)
        });
        Ok(vec![Observation::Changes(self.0.changes(source, all.collect()))])
    }
}

/// `None` for one that has not begun, or whose time cannot be read.
fn deployed(one: Listed, statuses: &[Status]) -> Option<Deployed> {
    let newest = statuses.first();
    let state = match newest.map(|status| status.state.as_str()) {
        // It ran until a later one took its place.
        Some("success" | "inactive") => ChangeState::Done,
        Some("failure" | "error") => ChangeState::Failed,
        Some("in_progress") => ChangeState::Running,
        Some("queued" | "pending") => return None,
        _ => ChangeState::Unknown,
    };
    let done = statuses.iter().find(|status| status.state == "success");
    let at = done.and_then(|status| Timestamp::parse_rfc3339(&status.created_at));
    let url = newest
        .map(|status| if status.log_url.is_empty() { &status.target_url } else { &status.log_url });
    let is_migration = one.task.to_ascii_lowercase().contains("migrat");
    Some(Deployed {
        id: one.id,
        at: at.or_else(|| Timestamp::parse_rfc3339(&one.created_at))?,
        kind: if is_migration { ChangeKind::Migration } else { ChangeKind::Deploy },
        environment: one.environment,
        reference: one.reference,
        sha: one.sha,
        author: one.creator.map(|creator| creator.login).unwrap_or_default(),
        about: one.description.unwrap_or_default(),
        state,
        url: url.cloned().unwrap_or_default(),
    })
}
