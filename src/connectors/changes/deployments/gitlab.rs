//! GitLab: `GET /projects/{id}/deployments`, which says how each went.
//!
//! The base URL ends with `/api/v4`. Shapes: <https://docs.gitlab.com/api/deployments/>.

use serde::Deserialize;

use super::{Deployed, Project};
use crate::connectors::trackers::segment;
use crate::connectors::{Ask, Connector, Interest, Method, ParseError, Reply, wire};
use crate::domain::{ChangeKind, ChangeState, Observation, SourceId, Timestamp};

#[derive(Deserialize)]
struct Listed {
    id: u64,
    #[serde(default, rename = "ref")]
    reference: String,
    #[serde(default)]
    sha: String,
    created_at: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    user: Option<User>,
    #[serde(default)]
    environment: Option<Environment>,
    #[serde(default)]
    deployable: Option<Job>,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    username: String,
}

#[derive(Deserialize)]
struct Environment {
    #[serde(default)]
    name: String,
}

/// The job that deploys.
#[derive(Deserialize)]
struct Job {
    #[serde(default)]
    name: String,
    #[serde(default)]
    finished_at: Option<String>,
    #[serde(default)]
    web_url: Option<String>,
    #[serde(default)]
    commit: Option<Commit>,
    #[serde(default)]
    pipeline: Option<Pipeline>,
}

#[derive(Deserialize)]
struct Commit {
    #[serde(default)]
    title: String,
}

#[derive(Deserialize)]
struct Pipeline {
    #[serde(default)]
    web_url: Option<String>,
}

/// The reader of a project's deployments.
#[derive(Debug, Clone)]
pub struct Gitlab(pub Project);

impl Connector for Gitlab {
    fn asks(&self, _: &Interest, _: Timestamp) -> Vec<Ask> {
        let text = str::to_owned;
        let mut params =
            vec![("order_by", text("id")), ("sort", text("desc")), ("per_page", text("100"))];
        params.extend(self.0.only_environment().map(|name| ("environment", name.to_owned())));
        let path = format!("/projects/{}/deployments", segment(&self.0.name));
        vec![Ask { key: "deployments".to_owned(), method: Method::Get, path, params, body: None }]
    }

    fn parse(
        &self,
        source: &SourceId,
        _: &Ask,
        reply: &Reply,
    ) -> Result<Vec<Observation>, ParseError> {
        wire::accepted(reply)?;
        let listed: Vec<Listed> =
            serde_json::from_slice(&reply.body).map_err(|e| wire::shape(&e))?;
        let all = listed.into_iter().filter_map(deployed).collect();
        Ok(vec![Observation::Changes(self.0.changes(source, all))])
    }
}

/// `None` for one that has not begun or waits for approval, or whose time cannot be read.
fn deployed(one: Listed) -> Option<Deployed> {
    let state = match one.status.as_str() {
        "created" | "blocked" | "skipped" => return None,
        "running" => ChangeState::Running,
        "success" => ChangeState::Done,
        "failed" | "canceled" => ChangeState::Failed,
        _ => ChangeState::Unknown,
    };
    let job = one.deployable;
    let ended = job.as_ref().and_then(|job| Timestamp::parse_rfc3339(job.finished_at.as_deref()?));
    let at = ended.filter(|_| state == ChangeState::Done);
    let at = at.or_else(|| Timestamp::parse_rfc3339(&one.created_at))?;
    let url = job.as_ref().and_then(|job| {
        let of_pipeline = || job.pipeline.as_ref().and_then(|pipeline| pipeline.web_url.clone());
        job.web_url.clone().or_else(of_pipeline)
    });
    let is_migration = job.as_ref().is_some_and(|job| job.name.to_lowercase().contains("migrat"));
    let about = job.and_then(|job| job.commit).map(|commit| commit.title);
    Some(Deployed {
        id: one.id,
        at,
        kind: if is_migration { ChangeKind::Migration } else { ChangeKind::Deploy },
        environment: one.environment.map(|environment| environment.name).unwrap_or_default(),
        reference: one.reference,
        sha: one.sha,
        author: one.user.map(|user| user.username).unwrap_or_default(),
        about: about.unwrap_or_default(),
        state,
        url: url.unwrap_or_default(),
    })
}
