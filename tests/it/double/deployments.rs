//! The deployments of a repository at GitHub (`acme/checkout`) and of a project at GitLab (`acme/shop`).

use serde_json::{Value, json};

use super::{Answer, Contract, Request, Vendor};

/// What was deployed there.
#[derive(Default)]
pub(crate) struct Deployments {
    /// GitHub's, newest first, each with its statuses, newest first.
    pub(crate) github: Vec<(Value, Vec<Value>)>,
    /// GitLab's, newest first.
    pub(crate) gitlab: Vec<Value>,
}

/// One of GitHub's: `sha` is filled up to its length.
pub(crate) fn github(id: u64, reference: &str, environment: &str, at: &str) -> Value {
    json!({
        "id": id, "sha": format!("{id:0<40}"), "ref": reference, "task": "deploy",
        "environment": environment, "description": null, "creator": { "login": "mia" },
        "created_at": at, "updated_at": at,
    })
}

/// How one of GitHub's went.
pub(crate) fn status(state: &str, at: &str) -> Value {
    json!({
        "id": 1, "state": state, "creator": { "login": "mia" }, "description": "", "target_url": "",
        "log_url": format!("https://ci.example/{state}"), "created_at": at, "updated_at": at,
    })
}

/// One of GitLab's.
pub(crate) fn gitlab(id: u64, reference: &str, status: &str, at: &str, ended: &str) -> Value {
    json!({
        "id": id, "iid": id, "ref": reference, "sha": format!("{id:0<40}"), "created_at": at,
        "updated_at": ended, "status": status, "user": { "username": "jo", "name": "Jo" },
        "environment": { "id": 9, "name": "production" },
        "deployable": {
            "id": 500 + id, "name": "deploy", "finished_at": ended, "commit": { "title": "retry less" },
            "pipeline": { "id": 7, "web_url": "https://gitlab.example/pipelines/7" },
        },
    })
}

fn wrong(status: u16, message: &str) -> Answer {
    Answer::new(status, json!({ "message": message }).to_string())
}

impl Vendor for Deployments {
    fn contract(&self) -> Option<Contract> {
        Some(Contract::new(include_str!("../../../fixtures/openapi/deployments.yaml")))
    }

    fn answer(&mut self, request: &Request) -> Answer {
        if request.header("authorization") != Some("Bearer t0ken") {
            return wrong(401, "Bad credentials");
        }
        let wanted = request.asks("environment");
        let there =
            |one: &Value, at: &str| wanted.is_empty() || one.pointer(at) == Some(&json!(wanted));
        let path = request.path_only();
        if path == "/projects/acme%2Fshop/deployments" {
            let all = self.gitlab.iter().filter(|one| there(one, "/environment/name"));
            return Answer::new(200, json!(all.collect::<Vec<_>>()).to_string());
        }
        let Some(rest) = path.strip_prefix("/repos/acme/checkout/deployments") else {
            return wrong(404, "Not Found");
        };
        if rest.is_empty() {
            let all = self.github.iter().map(|(one, _)| one);
            let all = all.filter(|one| there(one, "/environment"));
            return Answer::new(200, json!(all.collect::<Vec<_>>()).to_string());
        }
        let id =
            rest.trim_start_matches('/').split('/').next().and_then(|id| id.parse::<u64>().ok());
        let found = self.github.iter().find(|(one, _)| one["id"].as_u64() == id);
        found.map_or_else(
            || wrong(404, "Not Found"),
            |(_, statuses)| Answer::new(200, json!(statuses).to_string()),
        )
    }
}
