//! GitHub Actions: a workflow by `workflow_dispatch`, watched and cancelled.
//!
//! GitHub keeps no key of a request. Ours goes into the input `quarterdeck_key`, which the workflow
//! declares and shows in its `run-name`, so that the run's title carries it. Lists lag behind what was accepted.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::answer::refused;
use super::jobs::{Job, Run, Sightings, ended, mark, marked, receipt, together};
use super::server::Server;
use super::{Begun, NotBegun, Pipeline, Progress, RunState};
use crate::connectors::Clock;
use crate::connectors::outbound::config::{Endpoint, Scheme};
use crate::connectors::outbound::{Body, Call, Verb};
use crate::connectors::trackers::{list, segment, word};
use crate::domain::{Order, PipelineId, PipelineKind, SafeText, Span, Stage};

/// The input that takes our key.
const INPUT: &str = "quarterdeck_key";
/// Runs that are looked through.
const PAGE: usize = 100;
/// Without a run for so long nothing was started.
const SETTLED: Span = Span::from_mins(5);
const WHO: &str = "GitHub";

/// The workflows of one repository.
pub struct GithubActions {
    id: PipelineId,
    /// `/repos/OWNER/NAME`.
    repository: String,
    server: Server,
    sightings: Sightings,
}

fn call(call: Call) -> Call {
    call.header("accept", "application/vnd.github+json")
        .header("x-github-api-version", "2022-11-28")
}

fn state(run: &Value, id: &str) -> RunState {
    match (run["status"].as_str().unwrap_or(""), run["conclusion"].as_str().unwrap_or("")) {
        ("completed", "success" | "neutral") => RunState::Done,
        ("completed", "cancelled") => {
            RunState::Stopped(SafeText::new(&format!("Run {id} was cancelled at GitHub.")))
        }
        ("completed", word) => ended(WHO, id, word),
        ("in_progress", _) => RunState::Under(Stage::Running),
        ("waiting", _) => RunState::Under(Stage::Held),
        _ => RunState::Under(Stage::Queued),
    }
}

impl GithubActions {
    /// A repository as `owner/name`; the base URL is `https://api.github.com` or a server's `/api/v3`.
    pub fn new(
        id: PipelineId,
        repository: &str,
        endpoint: &Endpoint,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (owner, name) = repository.split_once('/').unwrap_or((repository, ""));
        let repository = format!("/repos/{}/{}", segment(owner), segment(name));
        let server = Server::new(&id, endpoint, Scheme::BEARER, clock);
        Self { id, repository, server, sightings: Sightings::default() }
    }

    fn workflow(&self, job: &Job<'_>) -> String {
        format!("{}/actions/workflows/{}", self.repository, segment(job.name))
    }

    fn body(job: &Job<'_>, reference: &str, key: &str) -> Value {
        let inputs =
            job.params.iter().map(|(name, value)| (name.to_string(), json!(value.as_str())));
        let mut inputs: Map<String, Value> = inputs.collect();
        inputs.insert(INPUT.to_owned(), key.into());
        json!({ "ref": reference, "inputs": inputs, "return_run_details": true })
    }

    async fn reference(&self, job: &Job<'_>) -> Result<String, SafeText> {
        if !job.reference.is_empty() {
            return Ok(job.reference.to_string());
        }
        let read = self.server.read(&call(Call::get(&self.repository))).await?;
        let branch = read.map(|one| word(&one["default_branch"])).filter(|one| !one.is_empty());
        branch.ok_or_else(|| SafeText::new("GitHub does not say what the default branch is."))
    }

    async fn dispatch(&self, order: &Order, key: &str) -> Result<Begun, NotBegun> {
        let nothing = |why: SafeText| refused(format!("{why} Nothing was started."));
        let job = Job::of(order).map_err(nothing)?;
        let reference = self.reference(&job).await.map_err(nothing)?;
        let path = format!("{}/dispatches", self.workflow(&job));
        let post = Call::new(Verb::Post, path, Body::Json(Self::body(&job, &reference, key)));
        let missing = format!("GitHub has no workflow {} that our account may start.", job.name);
        let said = self.server.write(&call(post), &missing).await?;
        // Older servers answer without a word.
        let run = said["workflow_run_id"].as_u64().map(|id| format!("run {id}"));
        let url = SafeText::new(&word(&said["html_url"]));
        Ok(Begun { receipt: receipt(run.as_deref(), key), url })
    }

    /// The runs whose title carries our key.
    async fn runs(&self, job: &Job<'_>, mark: &str) -> Result<Vec<Run>, SafeText> {
        let ask = Call::get(format!("{}/runs", self.workflow(job)))
            .with("event", "workflow_dispatch")
            .with("per_page", PAGE.to_string());
        let read = self.server.read(&call(ask)).await?.unwrap_or(Value::Null);
        let ours = list(&read["workflow_runs"])
            .iter()
            .filter(|one| word(&one["display_title"]).contains(mark));
        let runs: Vec<Run> = ours
            .map(|one| {
                let id = word(&one["id"]);
                Run { state: state(one, &id), url: word(&one["html_url"]), id }
            })
            .collect();
        if !runs.is_empty() {
            self.sightings.seen(mark);
        }
        Ok(runs)
    }

    /// Jobs and their steps under way or ended badly, as lines.
    async fn lines(&self, run: &Run) -> Result<Vec<SafeText>, SafeText> {
        let path = format!("{}/actions/runs/{}/jobs", self.repository, segment(&run.id));
        let read = self.server.read(&call(Call::get(path).with("per_page", "100"))).await?;
        let mut lines = Vec::new();
        for job in list(&read.unwrap_or(Value::Null)["jobs"]) {
            let name = word(&job["name"]);
            let how = |one: &Value| {
                let ended = word(&one["conclusion"]);
                if ended.is_empty() { word(&one["status"]) } else { ended }
            };
            lines.push(SafeText::new(&format!("{name}: {}", how(job))));
            let steps = list(&job["steps"]).iter().filter(|step| step["status"] != "queued");
            lines.extend(steps.map(|step| {
                SafeText::new(&format!("{name}: {}: {}", word(&step["name"]), how(step)))
            }));
        }
        Ok(lines)
    }

    async fn check(&self, order: &Order, begun: &Begun) -> Result<Progress, SafeText> {
        let job = Job::of(order)?;
        let mark = marked(begun)?;
        let mut runs = self.runs(&job, mark).await?;
        let known = begun.receipt.strip_prefix("run ").and_then(|rest| rest.split(' ').next());
        if let Some(id) = known.filter(|id| runs.iter().all(|run| run.id != **id)) {
            // Not in the list: too old, without our key in its title, or removed.
            let path = format!("{}/actions/runs/{}", self.repository, segment(id));
            match self.server.read(&call(Call::get(path))).await? {
                Some(one) => {
                    self.sightings.seen(mark);
                    let (state, url) = (state(&one, id), word(&one["html_url"]));
                    runs.push(Run { id: id.to_owned(), url, state });
                }
                None => return Ok(self.sightings.absent(mark, WHO)),
            }
        }
        let Some(newest) = runs.first() else { return Ok(self.sightings.absent(mark, WHO)) };
        // Lines are worth having, and not worth failing for.
        let lines = self.lines(newest).await.unwrap_or_default();
        Ok(together(&runs, lines))
    }

    async fn look_back(&self, order: &Order, key: &str) -> Result<Option<Begun>, SafeText> {
        let job = Job::of(order)?;
        let runs = self.runs(&job, mark(key)).await?;
        if let Some(run) = runs.first() {
            let name = format!("run {}", run.id);
            return Ok(Some(Begun {
                receipt: receipt(Some(&name), key),
                url: SafeText::new(&run.url),
            }));
        }
        self.sightings.never_was(mark(key), self.server.now(), SETTLED).map(|()| None)
    }

    async fn cancel(&self, order: &Order, begun: &Begun) -> Result<(), SafeText> {
        let job = Job::of(order)?;
        let runs = self.runs(&job, marked(begun)?).await?;
        let going: Vec<&Run> =
            runs.iter().filter(|run| matches!(run.state, RunState::Under(_))).collect();
        if going.is_empty() {
            return Err(SafeText::new("No run with our key is under way at GitHub."));
        }
        for run in going {
            let path = format!("{}/actions/runs/{}/cancel", self.repository, segment(&run.id));
            self.server.halt(&call(Call::new(Verb::Post, path, Body::Empty))).await?;
        }
        Ok(())
    }

    async fn preview(&self, order: &Order) -> Result<SafeText, SafeText> {
        let job = Job::of(order)?;
        let read = self.server.read(&call(Call::get(self.workflow(&job)))).await?;
        let there = read.ok_or_else(|| {
            SafeText::new(&format!("GitHub has no workflow {} that our account may see.", job.name))
        })?;
        let reference = self.reference(&job).await?;
        match word(&there["state"]).as_str() {
            "active" => Ok(SafeText::new(&format!(
                "GitHub would run \"{}\" on {reference} with {}.",
                word(&there["name"]),
                job.said()
            ))),
            other => Err(SafeText::new(&format!(
                "The workflow {} is {other} and would not run; enable it at GitHub.",
                job.name
            ))),
        }
    }
}

#[async_trait]
impl Pipeline for GithubActions {
    fn id(&self) -> &PipelineId {
        &self.id
    }

    fn kind(&self) -> PipelineKind {
        PipelineKind::GithubActions
    }

    fn shown(&self, order: &Order) -> SafeText {
        Job::of(order).map_or_else(
            |why| why,
            |job| {
                let reference =
                    if job.reference.is_empty() { "{default branch}" } else { job.reference };
                let body = Self::body(&job, reference, "{key of the step}");
                let path = format!("{}{}/dispatches", self.server.base(), self.workflow(&job));
                SafeText::body(&format!("POST {path}\n{body}"))
            },
        )
    }

    async fn dry_run(&self, order: &Order) -> Option<Result<SafeText, SafeText>> {
        Some(self.preview(order).await)
    }

    async fn start(&self, order: &Order, key: &str) -> Result<Begun, NotBegun> {
        self.dispatch(order, key).await
    }

    async fn watch(&self, order: &Order, begun: &Begun) -> Result<Progress, SafeText> {
        self.check(order, begun).await
    }

    async fn find(&self, order: &Order, key: &str) -> Result<Option<Begun>, SafeText> {
        self.look_back(order, key).await
    }

    async fn stop(&self, order: &Order, begun: &Begun, _reason: &str) -> Result<(), SafeText> {
        self.cancel(order, begun).await
    }
}
