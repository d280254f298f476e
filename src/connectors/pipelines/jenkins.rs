//! Jenkins: a parameterised job, from the queue to its build.
//!
//! Our key is the parameter `QUARTERDECK_KEY`, which the job declares: Jenkins drops what it does not declare without a word, so
//! that is read first. Queue and builds are looked through for it, which also finds what the answer's
//! `Location` would name. With a password Jenkins wants a crumb as well; an API token needs none.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use super::answer::{newest, refused};
use super::jobs::{Job, Run, Sightings, ended, mark, marked, plain, receipt, together};
use super::server::Server;
use super::{Begun, NotBegun, Pipeline, Progress, RunState};
use crate::connectors::Clock;
use crate::connectors::outbound::config::{Endpoint, Scheme};
use crate::connectors::outbound::{Body, Call, Verb};
use crate::connectors::trackers::{list, segment, word};
use crate::domain::{Order, PipelineId, PipelineKind, SafeText, Span, Stage};

/// Without queue item and build for so long nothing was started.
const SETTLED: Span = Span::from_mins(1);
const WHO: &str = "Jenkins";
/// The parameter that takes our key.
const PARAMETER: &str = "QUARTERDECK_KEY";
/// What is read of a job, of its builds, of the queue.
const OF_JOB: &str = "buildable,property[parameterDefinitions[name]]";
const OF_BUILDS: &str = "builds[number,url,building,result,actions[parameters[name,value]]]{0,50}";
const OF_QUEUE: &str = "items[id,why,stuck,actions[parameters[name,value]]]";

/// A Jenkins.
pub struct Jenkins {
    id: PipelineId,
    server: Server,
    sightings: Sightings,
}

/// `/job/FOLDER/job/NAME`.
fn path(job: &Job<'_>) -> String {
    let parts = job.name.split('/').filter(|part| !part.is_empty());
    parts.map(|part| format!("/job/{}", segment(part))).collect()
}

fn state(build: &Value, id: &str) -> RunState {
    match build["result"].as_str() {
        Some("SUCCESS") => RunState::Done,
        Some("ABORTED") => {
            RunState::Stopped(SafeText::new(&format!("Build {id} was aborted at Jenkins.")))
        }
        Some(word) => ended(WHO, id, word),
        None => RunState::Under(Stage::Running),
    }
}

impl Jenkins {
    /// A server; the base URL ends before `/job`.
    pub fn new(id: PipelineId, endpoint: &Endpoint, clock: Arc<dyn Clock>) -> Self {
        let server = Server::new(&id, endpoint, Scheme::BEARER, clock);
        Self { id, server, sightings: Sightings::default() }
    }

    fn carries(one: &Value, mark: &str) -> bool {
        let actions = list(&one["actions"]).iter();
        let mut all = actions.flat_map(|action| list(&action["parameters"]));
        all.any(|p| p["name"] == PARAMETER && word(&p["value"]).starts_with(mark))
    }

    /// A call that writes, with a crumb where the server hands them out.
    async fn post(&self, path: String, body: Body) -> Result<Call, SafeText> {
        let call = Call::new(Verb::Post, path, body);
        let read = self.server.read(&Call::get("/crumbIssuer/api/json")).await?;
        let Some(crumb) = read else { return Ok(call) };
        Ok(match crumb["crumbRequestField"].as_str() {
            Some("Jenkins-Crumb") => call.header("Jenkins-Crumb", word(&crumb["crumb"])),
            Some(".crumb") => call.header(".crumb", word(&crumb["crumb"])),
            _ => call,
        })
    }

    /// Whether the job can be built, with what it is given.
    async fn fits(&self, job: &Job<'_>) -> Result<(), SafeText> {
        let ask = Call::get(format!("{}/api/json", path(job))).with("tree", OF_JOB);
        let read = self.server.read(&ask).await?;
        let there = read.ok_or_else(|| {
            SafeText::new(&format!("Jenkins has no job {} that our account may see.", job.name))
        })?;
        if there["buildable"] == false {
            return Err(SafeText::new(&format!(
                "The job {} is disabled at Jenkins and would not run.",
                job.name
            )));
        }
        let known: Vec<String> = list(&there["property"])
            .iter()
            .flat_map(|property| list(&property["parameterDefinitions"]))
            .map(|one| word(&one["name"]))
            .collect();
        let wanted = job.params.iter().map(|(name, _)| name.as_str()).chain([PARAMETER]);
        let mut lost = wanted.filter(|name| known.iter().all(|one| one != name));
        lost.next().map_or(Ok(()), |name| {
            Err(SafeText::new(&format!(
                "The job {} declares no parameter {name}, and Jenkins would drop it without a word; declare it \
                 there.",
                job.name
            )))
        })
    }

    fn fields(job: &Job<'_>, key: &str) -> Vec<(String, String)> {
        let all = job.params.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        all.chain([(PARAMETER.to_owned(), key.to_owned())]).collect()
    }

    async fn build(&self, order: &Order, key: &str) -> Result<Begun, NotBegun> {
        let nothing = |why: SafeText| refused(format!("{why} Nothing was started."));
        let job = Job::of(order).map_err(nothing)?;
        self.fits(&job).await.map_err(nothing)?;
        let fields = Self::fields(&job, key).into_iter().map(|(name, value)| (name.into(), value));
        let to = format!("{}/buildWithParameters", path(&job));
        let post = self.post(to, Body::Form(fields.collect())).await.map_err(nothing)?;
        let missing = format!("Jenkins has no job {} that our account may build.", job.name);
        self.server.write(&post, &missing).await?;
        // Taken. What it is called there can wait.
        let runs = self.runs(&job, mark(key)).await.unwrap_or_default();
        let first = runs.first();
        Ok(Begun {
            receipt: receipt(first.map(|run| run.id.as_str()), key),
            url: first.map_or_else(|| self.server.link(&path(&job)), |run| SafeText::new(&run.url)),
        })
    }

    /// Builds and queue items with our key.
    async fn runs(&self, job: &Job<'_>, mark: &str) -> Result<Vec<Run>, SafeText> {
        // The queue first: what leaves it between the two questions is then among the builds.
        let ask = Call::get("/queue/api/json").with("tree", OF_QUEUE);
        let queue = self.server.read(&ask).await?.unwrap_or(Value::Null);
        let ask = Call::get(format!("{}/api/json", path(job))).with("tree", OF_BUILDS);
        let builds = self.server.read(&ask).await?.unwrap_or(Value::Null);
        let ours = list(&builds["builds"]).iter().filter(|one| Self::carries(one, mark));
        let mut runs: Vec<Run> = ours
            .map(|one| {
                let number = word(&one["number"]);
                let state = state(one, &number);
                Run { id: format!("build {number}"), url: word(&one["url"]), state }
            })
            .collect();
        if runs.is_empty() {
            let waiting = list(&queue["items"]).iter().filter(|one| Self::carries(one, mark));
            runs.extend(waiting.map(|one| Run {
                id: format!("queue item {}", word(&one["id"])),
                url: String::new(),
                state: RunState::Under(Stage::Queued),
            }));
        } else {
            self.sightings.seen(mark);
        }
        Ok(runs)
    }

    async fn check(&self, order: &Order, begun: &Begun) -> Result<Progress, SafeText> {
        let job = Job::of(order)?;
        let mark = marked(begun)?;
        if begun.receipt.starts_with("build ") {
            self.sightings.seen(mark);
        }
        let runs = self.runs(&job, mark).await?;
        let Some(first) = runs.first() else { return Ok(self.sightings.absent(mark, WHO)) };
        let lines = match first.id.strip_prefix("build ") {
            Some(number) => {
                let log = format!("{}/{number}/logText/progressiveText", path(&job));
                let log = self.server.text(&Call::get(log).with("start", "0")).await;
                newest(&plain(&log.unwrap_or_default().unwrap_or_default()))
            }
            None => vec![SafeText::new(&format!("{} waits for an executor.", first.id))],
        };
        Ok(together(&runs, lines))
    }

    async fn look_back(&self, order: &Order, key: &str) -> Result<Option<Begun>, SafeText> {
        let job = Job::of(order)?;
        if let Some(run) = self.runs(&job, mark(key)).await?.first() {
            let receipt = receipt(Some(&run.id), key);
            return Ok(Some(Begun { receipt, url: SafeText::new(&run.url) }));
        }
        self.sightings.never_was(mark(key), self.server.now(), SETTLED).map(|()| None)
    }

    async fn abort(&self, order: &Order, begun: &Begun) -> Result<(), SafeText> {
        let job = Job::of(order)?;
        let runs = self.runs(&job, marked(begun)?).await?;
        let going: Vec<&Run> =
            runs.iter().filter(|run| matches!(run.state, RunState::Under(_))).collect();
        if going.is_empty() {
            return Err(SafeText::new("No build with our key is under way at Jenkins."));
        }
        for run in going {
            let call = match run.id.split_once(' ') {
                Some(("build", number)) => {
                    self.post(format!("{}/{number}/stop", path(&job)), Body::Empty).await?
                }
                _ => {
                    let item = run.id.rsplit(' ').next().unwrap_or_default().to_owned();
                    let call = self.post("/queue/cancelItem".to_owned(), Body::Empty).await?;
                    call.with("id", item)
                }
            };
            self.server.halt(&call).await?;
        }
        Ok(())
    }

    async fn preview(&self, order: &Order) -> Result<SafeText, SafeText> {
        let job = Job::of(order)?;
        self.fits(&job).await?;
        Ok(SafeText::new(&format!("Jenkins would build {} with {}.", job.name, job.said())))
    }
}

#[async_trait]
impl Pipeline for Jenkins {
    fn id(&self) -> &PipelineId {
        &self.id
    }

    fn kind(&self) -> PipelineKind {
        PipelineKind::Jenkins
    }

    fn shown(&self, order: &Order) -> SafeText {
        Job::of(order).map_or_else(
            |why| why,
            |job| {
                let fields = Self::fields(&job, "{key of the step}").into_iter();
                let fields: Vec<String> =
                    fields.map(|(name, value)| format!("{name}={value:?}")).collect();
                let fields = fields.join("\n");
                let to = format!("{}{}/buildWithParameters", self.server.base(), path(&job));
                SafeText::body(&format!("POST {to}, as a form:\n{fields}"))
            },
        )
    }

    async fn dry_run(&self, order: &Order) -> Option<Result<SafeText, SafeText>> {
        Some(self.preview(order).await)
    }

    async fn start(&self, order: &Order, key: &str) -> Result<Begun, NotBegun> {
        self.build(order, key).await
    }

    async fn watch(&self, order: &Order, begun: &Begun) -> Result<Progress, SafeText> {
        self.check(order, begun).await
    }

    async fn find(&self, order: &Order, key: &str) -> Result<Option<Begun>, SafeText> {
        self.look_back(order, key).await
    }

    async fn stop(&self, order: &Order, begun: &Begun, _reason: &str) -> Result<(), SafeText> {
        self.abort(order, begun).await
    }
}
