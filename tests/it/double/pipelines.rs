//! GitLab: pipelines of the project `acme/checkout`, which run when a variable says so.

use serde_json::{Value, json};

use super::{Answer, Contract, Request, Vendor};

/// A pipeline.
#[derive(Debug, Clone)]
pub(crate) struct Piped {
    pub(crate) id: u64,
    pub(crate) reference: String,
    pub(crate) variables: Value,
    pub(crate) status: &'static str,
}

/// The project.
#[derive(Default)]
pub(crate) struct Pipelines {
    pub(crate) all: Vec<Piped>,
}

fn wrong(status: u16, message: impl Into<Value>) -> Answer {
    Answer::new(status, json!({ "message": message.into() }).to_string())
}

impl Piped {
    fn json(&self) -> Value {
        json!({
            "id": self.id, "iid": self.id - 900, "project_id": 7, "status": self.status, "source": "api",
            "ref": self.reference, "sha": "5eed", "name": null,
            "web_url": format!("https://gitlab.invalid/acme/checkout/-/pipelines/{}", self.id),
        })
    }
}

impl Pipelines {
    /// How the newest pipeline goes on.
    pub(crate) fn goes(&mut self, status: &'static str) {
        self.all.last_mut().expect("a pipeline").status = status;
    }

    fn create(&mut self, said: &Value) -> Answer {
        let reference = said["ref"].as_str().unwrap();
        if reference != "main" {
            return wrong(400, json!({ "base": ["Reference not found"] }));
        }
        let id = 1_000 + self.all.len() as u64;
        let (reference, variables) = (reference.to_owned(), said["variables"].clone());
        let made = Piped { id, reference, variables, status: "created" };
        let answer = Answer::new(201, made.json().to_string());
        self.all.push(made);
        answer
    }
}

impl Vendor for Pipelines {
    fn contract(&self) -> Option<Contract> {
        Some(Contract::new(include_str!("../../../fixtures/openapi/gitlab.yaml")))
    }

    fn answer(&mut self, request: &Request) -> Answer {
        if request.header("authorization") != Some("Bearer glpat-x") {
            return wrong(401, "401 Unauthorized");
        }
        let path = request.path_only().trim_start_matches("/api/v4/projects/");
        let parts: Vec<&str> = path.split('/').collect();
        if parts[0] != "acme%2Fcheckout" {
            return wrong(404, "404 Project Not Found");
        }
        let id = parts.get(2).and_then(|id| id.parse::<u64>().ok());
        let at = self.all.iter().position(|one| Some(one.id) == id);
        match (&*request.method, &parts[1..], at) {
            ("GET", [], _) => Answer::new(200, json!({ "default_branch": "main" }).to_string()),
            ("POST", ["pipeline"], _) => self.create(&request.json()),
            ("GET", ["pipelines"], _) => {
                let most = request.asks("per_page").parse().unwrap_or(20);
                let newest: Vec<Value> =
                    self.all.iter().rev().take(most).map(Piped::json).collect();
                Answer::new(200, json!(newest).to_string())
            }
            ("GET", ["jobs", "5", "trace"], _) => Answer::new(
                200,
                "\u{1b}[0K\u{1b}[36;1mShifting traffic\u{1b}[0;m\r\n100 % on v41\n",
            ),
            (_, ["pipelines", ..], None) => wrong(404, "404 Not found"),
            ("GET", ["pipelines", _], Some(at)) => {
                Answer::new(200, self.all[at].json().to_string())
            }
            ("GET", ["pipelines", _, "variables"], Some(at)) => {
                Answer::new(200, self.all[at].variables.to_string())
            }
            ("GET", ["pipelines", _, "jobs"], Some(at)) => {
                let status = self.all[at].status;
                let job =
                    json!({ "id": 5, "name": "rollback", "stage": "deploy", "status": status });
                Answer::new(200, json!([job]).to_string())
            }
            ("POST", ["pipelines", _, "cancel"], Some(at)) => {
                self.all[at].status = "canceled";
                Answer::new(200, self.all[at].json().to_string())
            }
            other => panic!("described, and not played: {other:?}"),
        }
    }
}
