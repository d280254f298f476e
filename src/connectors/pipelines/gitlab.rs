//! GitLab: a pipeline of a project, started with variables.
//!
//! GitLab keeps no key of a request; ours is a variable, and so is the job's name, by which the rules in
//! `.gitlab-ci.yml` choose what runs. A list of pipelines does not show variables: each is asked for its own.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::answer::{LINES, newest, refused};
use super::jobs::{Job, Run, Sightings, ended, mark, marked, plain, receipt, together};
use super::server::Server;
use super::{Begun, NotBegun, Pipeline, Progress, RunState};
use crate::connectors::Clock;
use crate::connectors::outbound::config::{Endpoint, Scheme};
use crate::connectors::outbound::{Body, Call, Verb};
use crate::connectors::trackers::{list, segment, word};
use crate::domain::{Order, PipelineId, PipelineKind, SafeText, Span, Stage};

/// Variables of ours.
const KEY: &str = "QUARTERDECK_KEY";
const JOB: &str = "QUARTERDECK_JOB";
/// Newest pipelines that are looked through.
const PAGE: usize = 20;
/// Without a pipeline for so long nothing was started: replicas lag behind.
const SETTLED: Span = Span::from_mins(1);
const WHO: &str = "GitLab";

/// The pipelines of one project.
pub struct GitlabPipelines {
    id: PipelineId,
    /// `/projects/PROJECT`.
    project: String,
    server: Server,
    sightings: Sightings,
}

fn state(one: &Value, id: &str) -> RunState {
    match one["status"].as_str().unwrap_or("") {
        "success" => RunState::Done,
        "canceled" => {
            RunState::Stopped(SafeText::new(&format!("Pipeline {id} was cancelled at GitLab.")))
        }
        word @ ("failed" | "skipped") => ended(WHO, id, word),
        "running" | "canceling" => RunState::Under(Stage::Running),
        "manual" | "scheduled" => RunState::Under(Stage::Held),
        _ => RunState::Under(Stage::Queued),
    }
}

fn run(one: &Value) -> Run {
    let id = word(&one["id"]);
    Run { state: state(one, &id), url: word(&one["web_url"]), id }
}

impl GitlabPipelines {
    /// A project as `group/name` or number; the base URL ends with `/api/v4`.
    pub fn new(id: PipelineId, project: &str, endpoint: &Endpoint, clock: Arc<dyn Clock>) -> Self {
        let server = Server::new(&id, endpoint, Scheme::BEARER, clock);
        let project = format!("/projects/{}", segment(project));
        Self { id, project, server, sightings: Sightings::default() }
    }

    fn body(job: &Job<'_>, reference: &str, key: &str) -> Value {
        let ours = [(JOB, job.name.as_str()), (KEY, key)];
        let all = job.params.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let all = all.chain(ours).filter(|(name, value)| *name != JOB || !value.is_empty());
        let variables: Vec<Value> =
            all.map(|(name, value)| json!({ "key": name, "value": value })).collect();
        json!({ "ref": reference, "variables": variables })
    }

    async fn reference(&self, job: &Job<'_>) -> Result<String, SafeText> {
        if !job.reference.is_empty() {
            return Ok(job.reference.to_string());
        }
        let read = self.server.read(&Call::get(&self.project)).await?;
        let branch = read.map(|one| word(&one["default_branch"])).filter(|one| !one.is_empty());
        branch.ok_or_else(|| SafeText::new("GitLab does not say what the default branch is."))
    }

    async fn create(&self, order: &Order, key: &str) -> Result<Begun, NotBegun> {
        let nothing = |why: SafeText| refused(format!("{why} Nothing was started."));
        let job = Job::of(order).map_err(nothing)?;
        let reference = self.reference(&job).await.map_err(nothing)?;
        let body = Self::body(&job, &reference, key);
        let post = Call::new(Verb::Post, format!("{}/pipeline", self.project), Body::Json(body));
        let missing = "GitLab has no such project that our account may start pipelines of.";
        let made = self.server.write(&post, missing).await?;
        let id = word(&made["id"]);
        let name = Some(format!("pipeline {id}")).filter(|_| !id.is_empty());
        let url = SafeText::new(&word(&made["web_url"]));
        Ok(Begun { receipt: receipt(name.as_deref(), key), url })
    }

    /// The newest pipelines with our key, `from` this one on.
    async fn runs(&self, mark: &str, from: u64) -> Result<Vec<Run>, SafeText> {
        let ask = Call::get(format!("{}/pipelines", self.project))
            .with("source", "api")
            .with("order_by", "id")
            .with("sort", "desc")
            .with("per_page", PAGE.to_string());
        let read = self.server.read(&ask).await?.unwrap_or(Value::Null);
        let mut runs = Vec::new();
        for one in list(&read).iter().filter(|one| one["id"].as_u64() >= Some(from)) {
            let path = format!("{}/pipelines/{}/variables", self.project, word(&one["id"]));
            let variables = self.server.read(&Call::get(path)).await?.unwrap_or(Value::Null);
            let ours = |v: &Value| v["key"] == KEY && word(&v["value"]).starts_with(mark);
            if list(&variables).iter().any(ours) {
                runs.push(run(one));
            }
        }
        if !runs.is_empty() {
            self.sightings.seen(mark);
        }
        Ok(runs)
    }

    /// Its jobs, and the end of the log of the one that counts.
    async fn lines(&self, run: &Run) -> Result<Vec<SafeText>, SafeText> {
        let path = format!("{}/pipelines/{}/jobs", self.project, segment(&run.id));
        let read = self.server.read(&Call::get(path).with("per_page", "100")).await?;
        let read = read.unwrap_or(Value::Null);
        let jobs = list(&read);
        let mut lines: Vec<SafeText> = jobs
            .iter()
            .map(|job| {
                let (stage, name) = (word(&job["stage"]), word(&job["name"]));
                SafeText::new(&format!("{stage}: {name}: {}", word(&job["status"])))
            })
            .collect();
        let telling = ["failed", "running", "success"];
        let job = telling.iter().find_map(|state| jobs.iter().find(|job| job["status"] == *state));
        if let Some(job) = job {
            let path = format!("{}/jobs/{}/trace", self.project, word(&job["id"]));
            let log = self.server.text(&Call::get(path)).await?.unwrap_or_default();
            lines.extend(newest(&plain(&log)));
        }
        lines.drain(..lines.len().saturating_sub(LINES));
        Ok(lines)
    }

    async fn check(&self, order: &Order, begun: &Begun) -> Result<Progress, SafeText> {
        Job::of(order)?;
        let mark = marked(begun)?;
        let known = begun.receipt.strip_prefix("pipeline ");
        let known = known.and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
        let mut runs = match known {
            Some(id) => {
                let path = format!("{}/pipelines/{id}", self.project);
                let read = self.server.read(&Call::get(path)).await?;
                let Some(one) = read else {
                    // It was named to us, so it was there.
                    self.sightings.seen(mark);
                    return Ok(self.sightings.absent(mark, WHO));
                };
                vec![run(&one)]
            }
            None => self.runs(mark, 0).await?,
        };
        let Some(newest) = runs.first().cloned() else {
            return Ok(self.sightings.absent(mark, WHO));
        };
        if let (Some(id), RunState::Done) = (known, &newest.state) {
            // Before it is called done: was the request repeated on its way?
            let from = id.saturating_sub(PAGE as u64);
            let twins = self.runs(mark, from).await?;
            runs.extend(twins.into_iter().filter(|twin| twin.id != newest.id));
        }
        let lines = self.lines(&newest).await.unwrap_or_default();
        Ok(together(&runs, lines))
    }

    async fn look_back(&self, order: &Order, key: &str) -> Result<Option<Begun>, SafeText> {
        Job::of(order)?;
        if let Some(run) = self.runs(mark(key), 0).await?.first() {
            let name = format!("pipeline {}", run.id);
            return Ok(Some(Begun {
                receipt: receipt(Some(&name), key),
                url: SafeText::new(&run.url),
            }));
        }
        self.sightings.never_was(mark(key), self.server.now(), SETTLED).map(|()| None)
    }

    async fn cancel(&self, begun: &Begun) -> Result<(), SafeText> {
        let runs = self.runs(marked(begun)?, 0).await?;
        let going: Vec<&Run> =
            runs.iter().filter(|run| matches!(run.state, RunState::Under(_))).collect();
        if going.is_empty() {
            return Err(SafeText::new("No pipeline with our key is under way at GitLab."));
        }
        for run in going {
            let path = format!("{}/pipelines/{}/cancel", self.project, segment(&run.id));
            self.server.halt(&Call::new(Verb::Post, path, Body::Empty)).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Pipeline for GitlabPipelines {
    fn id(&self) -> &PipelineId {
        &self.id
    }

    fn kind(&self) -> PipelineKind {
        PipelineKind::Gitlab
    }

    fn shown(&self, order: &Order) -> SafeText {
        Job::of(order).map_or_else(
            |why| why,
            |job| {
                let reference =
                    if job.reference.is_empty() { "{default branch}" } else { job.reference };
                let body = Self::body(&job, reference, "{key of the step}");
                let path = format!("{}{}/pipeline", self.server.base(), self.project);
                SafeText::body(&format!("POST {path}\n{body}"))
            },
        )
    }

    async fn start(&self, order: &Order, key: &str) -> Result<Begun, NotBegun> {
        self.create(order, key).await
    }

    async fn watch(&self, order: &Order, begun: &Begun) -> Result<Progress, SafeText> {
        self.check(order, begun).await
    }

    async fn find(&self, order: &Order, key: &str) -> Result<Option<Begun>, SafeText> {
        self.look_back(order, key).await
    }

    async fn stop(&self, _order: &Order, begun: &Begun, _reason: &str) -> Result<(), SafeText> {
        self.cancel(begun).await
    }
}
