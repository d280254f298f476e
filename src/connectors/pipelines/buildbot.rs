//! Buildbot: a force scheduler, its build, its steps and the end of their log.
//!
//! Buildbot keeps no key of a request; ours goes into the reason, which buildsets and builds carry. Writing
//! needs a session: it is opened with the user and password of the web front end, and kept as a cookie.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::answer::{newest, refused};
use super::jobs::{Job, Run, Sightings, ended, mark, marked, plain, receipt, together};
use super::server::Server;
use super::{Begun, NotBegun, Pipeline, Progress, RunState};
use crate::connectors::Clock;
use crate::connectors::outbound::config::{Endpoint, Scheme};
use crate::connectors::outbound::{Body, Call, Verb};
use crate::connectors::trackers::{list, segment, word};
use crate::domain::{Order, PipelineId, PipelineKind, SafeText, Span, Stage};

/// Buildsets that are looked through.
const PAGE: usize = 100;
/// Without a buildset for so long nothing was started.
const SETTLED: Span = Span::from_secs(10);
/// Lines of a log that are asked for.
const LINES: u64 = 20;
const WHO: &str = "Buildbot";

/// A Buildbot master.
pub struct Buildbot {
    id: PipelineId,
    server: Server,
    sightings: Sightings,
}

/// Results of Buildbot's `buildbot.process.results`.
fn result(code: Option<i64>, id: &str) -> RunState {
    match code {
        // Success, and success with warnings.
        Some(0 | 1) => RunState::Done,
        Some(2) => ended(WHO, id, "failed"),
        Some(3) => ended(WHO, id, "skipped"),
        Some(4) => ended(WHO, id, "exception"),
        Some(6) => RunState::Stopped(SafeText::new(&format!("{id} was cancelled at Buildbot."))),
        // Retry: it goes on as another build of the same request.
        Some(5) => RunState::Under(Stage::Queued),
        _ => RunState::Under(Stage::Running),
    }
}

impl Buildbot {
    /// A master; the base URL ends before `/api`.
    pub fn new(id: PipelineId, endpoint: &Endpoint, clock: Arc<dyn Clock>) -> Self {
        let endpoint = Endpoint { session: true, ..endpoint.clone() };
        let server = Server::new(&id, &endpoint, Scheme::BEARER, clock);
        Self { id, server, sightings: Sightings::default() }
    }

    async fn rows(&self, call: Call, key: &str) -> Result<Vec<Value>, SafeText> {
        let read = self.server.read(&call).await?.unwrap_or(Value::Null);
        Ok(list(&read[key]).to_vec())
    }

    /// The builder a scheduler forces, and whether it knows what it would be given.
    async fn builder(&self, job: &Job<'_>) -> Result<String, SafeText> {
        let ask = Call::get(format!("/api/v2/forceschedulers/{}", segment(job.name)));
        let found = self.rows(ask, "forceschedulers").await?;
        let scheduler = found.first().ok_or_else(|| {
            let name = job.name;
            SafeText::new(&format!("Buildbot has no force scheduler {name}."))
        })?;
        let known = fields(&scheduler["all_fields"]);
        if let Some((name, _)) =
            job.params.iter().find(|(name, _)| !known.contains(&name.to_string()))
        {
            return Err(SafeText::new(&format!(
                "The force scheduler {} has no field {name}; Buildbot would drop it without a word. Declare it \
                 there.",
                job.name
            )));
        }
        let names: Vec<String> = list(&scheduler["builder_names"]).iter().map(word).collect();
        let [name] = &names[..] else {
            return Err(SafeText::new(&format!(
                "The force scheduler {} is of several builders or none; it must be of one.",
                job.name
            )));
        };
        let builders =
            self.rows(Call::get("/api/v2/builders").with("name", name), "builders").await?;
        let id = builders.first().map(|one| word(&one["builderid"]));
        id.ok_or_else(|| SafeText::new(&format!("Buildbot has no builder {name}.")))
    }

    async fn force(&self, order: &Order, key: &str) -> Result<Begun, NotBegun> {
        let nothing = |why: SafeText| refused(format!("{why} Nothing was started."));
        let job = Job::of(order).map_err(nothing)?;
        let builder = self.builder(&job).await.map_err(nothing)?;
        self.server.log_in("/auth/login").await?;
        let mut params: Map<String, Value> = job
            .params
            .iter()
            .map(|(name, value)| (name.to_string(), Value::String(value.to_string())))
            .collect();
        let said = params.get("reason").map(word).unwrap_or_default();
        params.insert("reason".into(), reason(&said, key).into());
        params.insert("builderid".into(), builder.into());
        let body = json!({ "jsonrpc": "2.0", "method": "force", "id": 1, "params": params });
        let path = format!("/api/v2/forceschedulers/{}", segment(job.name));
        let post = Call::new(Verb::Post, path, Body::Json(body));
        let missing = format!("Buildbot has no force scheduler {}.", job.name);
        let made = self.server.write(&post, &missing).await?;
        let set = made["result"][0].as_i64().map(|id| format!("buildset {id}"));
        Ok(Begun { receipt: receipt(set.as_deref(), key), url: self.server.link("/#/builders") })
    }

    /// Builds of the newest buildsets with our key, with the ids they are asked about and stopped by.
    async fn runs(&self, mark: &str) -> Result<Vec<(Run, Forced)>, SafeText> {
        let ask =
            Call::get("/api/v2/buildsets").with("order", "-bsid").with("limit", PAGE.to_string());
        let mut runs = Vec::new();
        for set in self.rows(ask, "buildsets").await? {
            if !word(&set["reason"]).contains(&format!("ref {mark}")) {
                continue;
            }
            self.sightings.seen(mark);
            let ask = Call::get("/api/v2/buildrequests").with("buildsetid", word(&set["bsid"]));
            for request in self.rows(ask, "buildrequests").await? {
                runs.push(self.run(&request).await?);
            }
        }
        Ok(runs)
    }

    async fn run(&self, request: &Value) -> Result<(Run, Forced), SafeText> {
        let id = word(&request["buildrequestid"]);
        let ask = Call::get("/api/v2/builds")
            .with("buildrequestid", &*id)
            .with("order", "-number")
            .with("limit", "1");
        let builds = self.rows(ask, "builds").await?;
        let Some(build) = builds.first() else {
            let name = format!("request {id}");
            let state = match request["complete"].as_bool() {
                Some(true) => result(request["results"].as_i64(), &name),
                _ => RunState::Under(Stage::Queued),
            };
            return Ok((Run { id: name, url: String::new(), state }, Forced::Request(id)));
        };
        let (builder, number) = (word(&build["builderid"]), word(&build["number"]));
        let name = format!("build {number}");
        let state = match build["complete"].as_bool() {
            Some(true) => result(build["results"].as_i64(), &name),
            _ => RunState::Under(Stage::Running),
        };
        let url = self.server.link(&format!("/#/builders/{builder}/builds/{number}")).to_string();
        Ok((Run { id: name, url, state }, Forced::Build(word(&build["buildid"]))))
    }

    /// Its steps, and the end of the log of the last one that began.
    async fn lines(&self, build: &str) -> Result<Vec<SafeText>, SafeText> {
        let steps = self.rows(Call::get(format!("/api/v2/builds/{build}/steps")), "steps").await?;
        let began: Vec<&Value> = steps.iter().filter(|one| !one["started_at"].is_null()).collect();
        let mut lines: Vec<SafeText> = began
            .iter()
            .map(|one| {
                let (name, state) = (word(&one["name"]), word(&one["state_string"]));
                SafeText::new(&format!("{name}: {state}"))
            })
            .collect();
        let Some(last) = began.last() else { return Ok(lines) };
        let ask = Call::get(format!("/api/v2/steps/{}/logs", word(&last["stepid"])));
        for log in self.rows(ask, "logs").await?.iter().take(1) {
            let count = log["num_lines"].as_u64().unwrap_or(0);
            let ask = Call::get(format!("/api/v2/logs/{}/contents", word(&log["logid"])))
                .with("offset", count.saturating_sub(LINES).to_string())
                .with("limit", LINES.to_string());
            for chunk in self.rows(ask, "logchunks").await? {
                // Each line begins with whose it is: the program's output, its errors, Buildbot's own header.
                let text = word(&chunk["content"]);
                let said: Vec<&str> = text
                    .lines()
                    .filter(|line| !line.starts_with('h'))
                    .filter_map(|line| line.get(1..))
                    .collect();
                lines.extend(newest(&plain(&said.join("\n"))));
            }
        }
        Ok(lines)
    }

    async fn check(&self, begun: &Begun) -> Result<Progress, SafeText> {
        let mark = marked(begun)?;
        if begun.receipt.starts_with("buildset ") {
            self.sightings.seen(mark);
        }
        let runs = self.runs(mark).await?;
        let Some((_, first)) = runs.first() else { return Ok(self.sightings.absent(mark, WHO)) };
        let lines = match first {
            // What a step printed is worth less than how the build stands.
            Forced::Build(id) => self.lines(id).await.unwrap_or_default(),
            Forced::Request(_) => vec![SafeText::new("It waits for a worker.")],
        };
        let runs: Vec<Run> = runs.into_iter().map(|(run, _)| run).collect();
        Ok(together(&runs, lines))
    }

    async fn look_back(&self, key: &str) -> Result<Option<Begun>, SafeText> {
        if let Some((run, _)) = self.runs(mark(key)).await?.first() {
            let receipt = receipt(Some(&run.id), key);
            return Ok(Some(Begun { receipt, url: SafeText::new(&run.url) }));
        }
        self.sightings.never_was(mark(key), self.server.now(), SETTLED).map(|()| None)
    }

    async fn abort(&self, begun: &Begun, why: &str) -> Result<(), SafeText> {
        let runs = self.runs(marked(begun)?).await?;
        let going: Vec<&(Run, Forced)> =
            runs.iter().filter(|(run, _)| matches!(run.state, RunState::Under(_))).collect();
        if going.is_empty() {
            return Err(SafeText::new("No build with our key is under way at Buildbot."));
        }
        let logged_in = self.server.log_in("/auth/login").await;
        logged_in.map_err(|why| match why {
            NotBegun::Refused(why) | NotBegun::Unknown(why) => why,
        })?;
        for (_, forced) in going {
            let (path, method) = match forced {
                Forced::Build(id) => (format!("/api/v2/builds/{id}"), "stop"),
                Forced::Request(id) => (format!("/api/v2/buildrequests/{id}"), "cancel"),
            };
            let body = json!({
                "jsonrpc": "2.0", "method": method, "id": 1, "params": { "reason": why },
            });
            self.server.halt(&Call::new(Verb::Post, path, Body::Json(body))).await?;
        }
        Ok(())
    }

    async fn preview(&self, order: &Order) -> Result<SafeText, SafeText> {
        let job = Job::of(order)?;
        let builder = self.builder(&job).await?;
        Ok(SafeText::new(&format!("Buildbot would force builder {builder} with {}.", job.said())))
    }
}

/// What there is at Buildbot of a step.
enum Forced {
    /// A build, by its id.
    Build(String),
    /// A request that no worker has taken up, by its id.
    Request(String),
}

/// Names of fields, also of those in groups.
fn fields(of: &Value) -> Vec<String> {
    let mut names = Vec::new();
    for field in list(of) {
        let name = word(&field["fullName"]);
        names.push(if name.is_empty() { word(&field["name"]) } else { name });
        names.extend(fields(&field["fields"]));
    }
    names
}

fn reason(said: &str, key: &str) -> String {
    format!("{said} (ref {})", mark(key)).trim_start().to_owned()
}

#[async_trait]
impl Pipeline for Buildbot {
    fn id(&self) -> &PipelineId {
        &self.id
    }

    fn kind(&self) -> PipelineKind {
        PipelineKind::Buildbot
    }

    fn shown(&self, order: &Order) -> SafeText {
        Job::of(order).map_or_else(
            |why| why,
            |job| {
                SafeText::body(&format!(
                    "POST {}/api/v2/forceschedulers/{} with {} and our key in the reason",
                    self.server.base(),
                    segment(job.name),
                    job.said()
                ))
            },
        )
    }

    async fn dry_run(&self, order: &Order) -> Option<Result<SafeText, SafeText>> {
        Some(self.preview(order).await)
    }

    async fn start(&self, order: &Order, key: &str) -> Result<Begun, NotBegun> {
        self.force(order, key).await
    }

    async fn watch(&self, _order: &Order, begun: &Begun) -> Result<Progress, SafeText> {
        self.check(begun).await
    }

    async fn find(&self, _order: &Order, key: &str) -> Result<Option<Begun>, SafeText> {
        self.look_back(key).await
    }

    async fn stop(&self, _order: &Order, begun: &Begun, reason: &str) -> Result<(), SafeText> {
        self.abort(begun, reason).await
    }
}
