//! Jenkins: the job `ops/rollback` with its parameters `TO` and `QUARTERDECK_KEY`, its queue and its builds.

use serde_json::{Value, json};

use super::{Answer, Contract, Request, Vendor};

/// What waits or is built.
#[derive(Debug, Clone)]
pub(crate) struct Built {
    pub(crate) item: u64,
    pub(crate) parameters: Value,
    /// Once it has an executor.
    pub(crate) number: Option<u64>,
    pub(crate) result: Option<&'static str>,
}

/// The server.
#[derive(Default)]
pub(crate) struct JenkinsJob {
    pub(crate) all: Vec<Built>,
    pub(crate) disabled: bool,
}

/// `ic:token`, for which no crumb is needed, and `ic:password`, for which one is.
const TOKEN: &str = "Basic aWM6dG9rZW4=";
const PASSWORD: &str = "Basic aWM6cGFzc3dvcmQ=";

fn html(status: u16, title: &str) -> Answer {
    Answer::new(status, format!("<html><head><title>{title}</title></head></html>"))
}

impl JenkinsJob {
    /// The newest gets an executor.
    pub(crate) fn begins(&mut self) {
        let number = 1 + self.all.iter().filter_map(|one| one.number).max().unwrap_or(0);
        self.all.last_mut().expect("an item").number = Some(number);
    }

    /// The newest ends.
    pub(crate) fn ends(&mut self, result: &'static str) {
        self.all.last_mut().expect("a build").result = Some(result);
    }

    fn take(&mut self, said: &Value) -> Answer {
        // What the job does not declare is dropped without a word.
        let known = ["TO", "QUARTERDECK_KEY"];
        let parameters: Vec<Value> = known
            .iter()
            .filter_map(|name| Some(json!({ "name": name, "value": said.get(name)? })))
            .collect();
        let item = 30 + self.all.len() as u64;
        self.all.push(Built { item, parameters: json!(parameters), number: None, result: None });
        let place = format!("http://jenkins.invalid/queue/item/{item}/");
        Answer::new(201, "").with("location", &place)
    }
}

impl Vendor for JenkinsJob {
    fn contract(&self) -> Option<Contract> {
        Some(Contract::new(include_str!("../../../fixtures/openapi/jenkins.yaml")))
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let who = request.header("authorization");
        if ![Some(TOKEN), Some(PASSWORD)].contains(&who) {
            return html(401, "Error 401 Unauthorized");
        }
        if request.method == "POST"
            && who == Some(PASSWORD)
            && request.header("jenkins-crumb") != Some("crumb-1")
        {
            return html(403, "No valid crumb was included in the request");
        }
        let actions = |one: &Built| json!([{}, { "parameters": one.parameters }]);
        let path = request.path_only();
        let job = path.strip_prefix("/job/ops/job/rollback/");
        let numbered = job.and_then(|rest| rest.split_once('/'));
        let number = numbered.and_then(|(number, _)| number.parse::<u64>().ok());
        let at = self.all.iter().position(|one| number.is_some() && one.number == number);
        match (&*request.method, path, job, numbered) {
            ("GET", "/crumbIssuer/api/json", ..) => {
                let crumb = json!({ "crumb": "crumb-1", "crumbRequestField": "Jenkins-Crumb" });
                Answer::new(200, crumb.to_string())
            }
            ("GET", "/queue/api/json", ..) => {
                let waiting =
                    self.all.iter().filter(|one| one.number.is_none() && one.result.is_none());
                let items: Vec<Value> = waiting
                    .map(|one| json!({ "id": one.item, "why": "Waiting", "actions": actions(one) }))
                    .collect();
                Answer::new(200, json!({ "items": items }).to_string())
            }
            ("POST", "/queue/cancelItem", ..) => {
                let item = request.asks("id").parse::<u64>().unwrap();
                self.all.retain(|one| one.item != item || one.number.is_some());
                Answer::new(204, "")
            }
            ("GET", _, Some("api/json"), _) => {
                let parameters = json!([{ "name": "TO" }, { "name": "QUARTERDECK_KEY" }]);
                let build = |one: &Built| {
                    let number = one.number?;
                    Some(json!({
                        "number": number, "building": one.result.is_none(), "result": one.result,
                        "url": format!("http://jenkins.invalid/job/ops/job/rollback/{number}/"),
                        "actions": actions(one),
                    }))
                };
                let builds: Vec<Value> = self.all.iter().rev().filter_map(build).collect();
                let whole = json!({
                    "buildable": !self.disabled, "builds": builds,
                    "property": [{}, { "parameterDefinitions": parameters }],
                });
                Answer::new(200, whole.to_string())
            }
            ("POST", _, Some("buildWithParameters"), _) => self.take(&request.content().unwrap()),
            ("GET", _, _, Some((_, "logText/progressiveText"))) => {
                Answer::new(200, "Started by user ic\nShifting traffic\n")
            }
            ("POST", _, _, Some((_, "stop"))) => {
                let Some(at) = at else { return html(404, "Error 404 Not Found") };
                self.all[at].result = Some("ABORTED");
                Answer::new(302, "")
                    .with("location", "http://jenkins.invalid/job/ops/job/rollback/")
            }
            _ => html(404, "Error 404 Not Found"),
        }
    }
}
