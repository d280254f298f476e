//! GitHub Actions: the workflow `rollback.yml` of the repository `acme/checkout`, and its runs.

use serde_json::{Value, json};

use super::{Answer, Contract, Request, Vendor};

/// A run.
#[derive(Debug, Clone)]
pub(crate) struct ActionRun {
    pub(crate) id: u64,
    /// As the workflow's `run-name` makes it of its inputs.
    pub(crate) title: String,
    pub(crate) inputs: Value,
    pub(crate) reference: String,
    pub(crate) status: &'static str,
    pub(crate) conclusion: Option<&'static str>,
}

/// The repository.
#[derive(Default)]
pub(crate) struct Actions {
    pub(crate) runs: Vec<ActionRun>,
    /// It answers a dispatch without a word, as older servers do.
    pub(crate) terse: bool,
    /// The list does not show runs yet.
    pub(crate) lags: bool,
    /// What was asked to be cancelled.
    pub(crate) cancelled: Vec<u64>,
}

fn wrong(status: u16, message: &str) -> Answer {
    Answer::new(status, json!({ "message": message, "status": status.to_string() }).to_string())
}

impl ActionRun {
    fn json(&self) -> Value {
        json!({
            "id": self.id, "display_title": self.title, "event": "workflow_dispatch",
            "status": self.status, "conclusion": self.conclusion, "head_branch": self.reference,
            "html_url": format!("https://github.invalid/acme/checkout/actions/runs/{}", self.id),
        })
    }
}

impl Actions {
    /// How the newest run goes on.
    pub(crate) fn goes(&mut self, status: &'static str, conclusion: Option<&'static str>) {
        let run = self.runs.last_mut().expect("a run");
        (run.status, run.conclusion) = (status, conclusion);
    }

    fn dispatch(&mut self, said: &Value) -> Answer {
        let reference = said["ref"].as_str().unwrap();
        if !["main", "v41"].contains(&reference) {
            return wrong(422, &format!("No ref found for: {reference}"));
        }
        let inputs = said["inputs"].as_object().cloned().unwrap_or_default();
        let strange: Vec<&String> = inputs
            .keys()
            .filter(|name| !["to", "quarterdeck_key"].contains(&name.as_str()))
            .collect();
        if !strange.is_empty() {
            return wrong(422, &format!("Unexpected inputs provided: {strange:?}"));
        }
        let id = 4_711 + self.runs.len() as u64;
        let title =
            format!("Roll back ({})", inputs["quarterdeck_key"].as_str().unwrap_or_default());
        let (inputs, reference) = (Value::Object(inputs), reference.to_owned());
        let run = ActionRun { id, title, inputs, reference, status: "queued", conclusion: None };
        let html = run.json()["html_url"].clone();
        self.runs.push(run);
        if self.terse {
            return Answer::new(204, "");
        }
        let url = format!("https://api.github.invalid/repos/acme/checkout/actions/runs/{id}");
        let made = json!({ "workflow_run_id": id, "run_url": url, "html_url": html });
        Answer::new(200, made.to_string())
    }
}

impl Vendor for Actions {
    fn contract(&self) -> Option<Contract> {
        Some(Contract::new(include_str!("../../../fixtures/openapi/actions.yaml")))
    }

    fn answer(&mut self, request: &Request) -> Answer {
        if request.header("authorization") != Some("Bearer ghp-x") {
            return wrong(401, "Bad credentials");
        }
        let Some(path) = request.path_only().strip_prefix("/repos/acme/checkout") else {
            return wrong(404, "Not Found");
        };
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let at = parts.get(2).and_then(|id| id.parse::<u64>().ok());
        let at = self.runs.iter().position(|run| Some(run.id) == at);
        match (&*request.method, parts.as_slice()) {
            ("GET", [""]) => Answer::new(200, json!({ "default_branch": "main" }).to_string()),
            ("GET", ["actions", "workflows", "rollback.yml"]) => {
                Answer::new(200, json!({ "name": "Roll back", "state": "active" }).to_string())
            }
            ("GET", ["actions", "workflows", "old.yml"]) => {
                Answer::new(200, json!({ "name": "Old", "state": "disabled_manually" }).to_string())
            }
            ("POST", ["actions", "workflows", "rollback.yml", "dispatches"]) => {
                self.dispatch(&request.json())
            }
            ("GET", ["actions", "workflows", "rollback.yml", "runs"]) => {
                let shown = self.runs.iter().rev().filter(|_| !self.lags);
                let runs: Vec<Value> = shown.map(ActionRun::json).collect();
                let all = json!({ "total_count": runs.len(), "workflow_runs": runs });
                Answer::new(200, all.to_string())
            }
            ("GET", ["actions", "runs", _]) => at.map_or_else(
                || wrong(404, "Not Found"),
                |at| Answer::new(200, self.runs[at].json().to_string()),
            ),
            ("GET", ["actions", "runs", _, "jobs"]) => {
                let step =
                    json!({ "name": "Shift traffic", "status": "in_progress", "conclusion": null });
                let later = json!({ "name": "Tidy up", "status": "queued", "conclusion": null });
                let job = json!({
                    "name": "rollback", "status": "in_progress", "conclusion": null, "steps": [step, later],
                });
                Answer::new(200, json!({ "total_count": 1, "jobs": [job] }).to_string())
            }
            ("POST", ["actions", "runs", _, "cancel"]) => {
                let Some(at) = at else { return wrong(404, "Not Found") };
                if self.runs[at].status == "completed" {
                    return wrong(409, "Cannot cancel a workflow run that is completed.");
                }
                self.cancelled.push(self.runs[at].id);
                (self.runs[at].status, self.runs[at].conclusion) = ("completed", Some("cancelled"));
                Answer::new(202, "{}")
            }
            _ => wrong(404, "Not Found"),
        }
    }
}
