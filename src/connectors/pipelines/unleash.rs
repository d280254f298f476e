//! Unleash: a flag on or off in one environment, through its admin API.
//!
//! Switching is idempotent and the server keeps an audit log, so what was asked for is read back from the
//! flag, and who did it from the log. It takes nothing of ours along.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use super::answer::{done, failed, listed, not_ours, refused};
use super::server::Server;
use super::{Begun, NotBegun, Pipeline, Progress};
use crate::connectors::Clock;
use crate::connectors::changes::unleash::SCHEME;
use crate::connectors::outbound::config::Endpoint;
use crate::connectors::outbound::{Body, Call, Verb};
use crate::connectors::trackers::{list, segment, word};
use crate::domain::{Ask, Flag, FlagPlace, Order, PipelineId, PipelineKind, SafeText, Timestamp};

/// Entries of the audit log that are read.
const ENTRIES: &str = "5";

/// One project of an Unleash.
pub struct Unleash {
    id: PipelineId,
    project: SafeText,
    server: Server,
}

/// What is asked, with the environment it means.
struct Switch<'a> {
    flag: &'a str,
    environment: String,
    on: bool,
}

/// A flag there.
struct There {
    /// Name and whether it is on.
    environments: Vec<(String, bool)>,
}

fn turned(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

impl Unleash {
    /// A project; the base URL ends before `/api`, the token is an admin's.
    pub fn new(id: PipelineId, project: &str, endpoint: &Endpoint, clock: Arc<dyn Clock>) -> Self {
        let server = Server::new(&id, endpoint, SCHEME, clock);
        let project = SafeText::new(if project.is_empty() { "default" } else { project });
        Self { id, project, server }
    }

    fn features(&self) -> String {
        format!("/api/admin/projects/{}/features", segment(&self.project))
    }

    fn feature(&self, flag: &str) -> String {
        format!("{}/{}", self.features(), segment(flag))
    }

    async fn there(&self, flag: &str) -> Result<There, SafeText> {
        let read = self.server.read(&Call::get(self.feature(flag))).await?;
        let read = read.ok_or_else(|| {
            SafeText::new(&format!(
                "Unleash has no flag {flag} in the project {}; it may have been archived.",
                self.project
            ))
        })?;
        let environments = list(&read["environments"]).iter();
        let environments =
            environments.filter_map(|one| Some((word(&one["name"]), one["enabled"].as_bool()?)));
        Ok(There { environments: environments.collect() })
    }

    /// Which environment is meant, and whether the flag is on there now.
    fn switch<'a>(order: &'a Order, there: &There) -> Result<(Switch<'a>, bool), SafeText> {
        let Ask::Flag { flag, environment, on } = &order.ask else {
            return Err(not_ours(order, "flags"));
        };
        let found = match (environment.as_str(), there.environments.as_slice()) {
            ("", [only]) => Some(only),
            (name, all) => all.iter().find(|(one, _)| one == name),
        };
        let (name, now) = found.ok_or_else(|| {
            let known: Vec<&str> = there.environments.iter().map(|(name, _)| &**name).collect();
            SafeText::new(&format!(
                "The flag {flag} has no environment \"{environment}\"; it has {}.",
                known.join(", ")
            ))
        })?;
        Ok((Switch { flag, environment: name.clone(), on: *on }, *now))
    }

    /// What is asked of which flag, read there.
    async fn look<'a>(&self, order: &'a Order) -> Result<(Switch<'a>, bool), SafeText> {
        let Ask::Flag { flag, .. } = &order.ask else { return Err(not_ours(order, "flags")) };
        let there = self.there(flag).await?;
        Self::switch(order, &there)
    }

    fn begun(&self, switch: &Switch<'_>, before: &str) -> Begun {
        let Switch { flag, environment, on } = switch;
        let receipt = format!("{flag} {} in {environment}, was {before}", turned(*on));
        let page = format!("/projects/{}/features/{}", segment(&self.project), segment(flag));
        Begun { receipt: SafeText::new(&receipt), url: self.server.link(&page) }
    }

    async fn turn(&self, order: &Order) -> Result<Begun, NotBegun> {
        let nothing = |why: SafeText| refused(format!("{why} Nothing was switched."));
        let (switch, now) = self.look(order).await.map_err(nothing)?;
        let path = format!(
            "{}/environments/{}/{}",
            self.feature(switch.flag),
            segment(&switch.environment),
            turned(switch.on)
        );
        let missing = format!("Unleash does not know {} any more.", switch.flag);
        self.server.write(&Call::new(Verb::Post, path, Body::Empty), &missing).await?;
        Ok(self.begun(&switch, turned(now)))
    }

    async fn check(&self, order: &Order) -> Result<Progress, SafeText> {
        let (switch, now) = self.look(order).await?;
        // Who did what is worth having, and not worth failing for.
        let audit = self.audit(&switch).await.unwrap_or_default();
        if now == switch.on {
            return Ok(done(audit));
        }
        let why = format!(
            "Unleash took it, but {} is {} in {}: somebody else has switched it since.",
            switch.flag,
            turned(now),
            switch.environment
        );
        Ok(failed(why, audit))
    }

    /// The newest entries about the flag in this environment, oldest first.
    async fn audit(&self, switch: &Switch<'_>) -> Result<Vec<SafeText>, SafeText> {
        let call = Call::get("/api/admin/search/events")
            .with("feature", format!("IS:{}", switch.flag))
            .with("limit", ENTRIES);
        let read = self.server.read(&call).await?.unwrap_or(Value::Null);
        let here = list(&read["events"])
            .iter()
            .filter(|one| one["environment"].is_null() || one["environment"] == switch.environment);
        let mut lines: Vec<SafeText> = here
            .map(|one| {
                let (at, what) = (word(&one["createdAt"]), word(&one["type"]));
                SafeText::new(&format!("{at} {what} by {}", word(&one["createdBy"])))
            })
            .collect();
        lines.reverse();
        Ok(lines)
    }

    async fn preview(&self, order: &Order) -> Result<SafeText, SafeText> {
        let (switch, now) = self.look(order).await?;
        let Switch { flag, environment, on } = &switch;
        Ok(SafeText::new(&if now == *on {
            format!("{flag} is {} in {environment} already; nothing would change.", turned(now))
        } else {
            format!("{flag} is {} in {environment} and would be {}.", turned(now), turned(*on))
        }))
    }

    async fn all(&self) -> Result<Vec<Flag>, SafeText> {
        let read = self.server.read(&Call::get(self.features())).await?.ok_or_else(|| {
            SafeText::new(&format!(
                "Unleash has no project {}; mend `project` of the pipeline {}.",
                self.project, self.id
            ))
        })?;
        let flags = listed(&self.id, &read["features"])?.iter().map(|one| Flag {
            key: SafeText::new(&word(&one["name"])),
            title: SafeText::new(&word(&one["description"])),
            kind: SafeText::new(&word(&one["type"])),
            places: list(&one["environments"]).iter().map(place).collect(),
            changed: Timestamp::parse_rfc3339(&word(&one["lastModifiedAt"])),
        });
        let mut flags: Vec<Flag> = flags.collect();
        flags.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(flags)
    }
}

fn place(one: &Value) -> FlagPlace {
    let on = one["enabled"].as_bool();
    // Then callers get "off" although the switch says "on".
    let idle = one["hasStrategies"] == true && one["hasEnabledStrategies"] == false;
    let (on, note) = match on {
        Some(true) if idle => (Some(false), "on, but all its strategies are disabled"),
        on => (on, ""),
    };
    FlagPlace { environment: SafeText::new(&word(&one["name"])), on, note: SafeText::new(note) }
}

#[async_trait]
impl Pipeline for Unleash {
    fn id(&self) -> &PipelineId {
        &self.id
    }

    fn kind(&self) -> PipelineKind {
        PipelineKind::Unleash
    }

    fn shown(&self, order: &Order) -> SafeText {
        let Ask::Flag { flag, environment, on } = &order.ask else {
            return not_ours(order, "flags");
        };
        let place = if environment.is_empty() { "{its only environment}" } else { environment };
        let path = format!("{}/environments/{place}/{}", self.feature(flag), turned(*on));
        SafeText::new(&format!("POST {}{path}", self.server.base()))
    }

    async fn dry_run(&self, order: &Order) -> Option<Result<SafeText, SafeText>> {
        Some(self.preview(order).await)
    }

    async fn start(&self, order: &Order, _key: &str) -> Result<Begun, NotBegun> {
        self.turn(order).await
    }

    async fn watch(&self, order: &Order, _begun: &Begun) -> Result<Progress, SafeText> {
        self.check(order).await
    }

    async fn find(&self, order: &Order, _key: &str) -> Result<Option<Begun>, SafeText> {
        // The switch is where it should be, or it is not and may be turned again: the same twice is once.
        let (switch, now) = self.look(order).await?;
        Ok((now == switch.on).then(|| self.begun(&switch, "not known")))
    }

    async fn stop(&self, _order: &Order, _begun: &Begun, _reason: &str) -> Result<(), SafeText> {
        let why = "Unleash switches a flag at once: there is nothing left to stop. Its undo takes it back.";
        Err(SafeText::new(why))
    }

    async fn flags(&self) -> Option<Result<Vec<Flag>, SafeText>> {
        Some(self.all().await)
    }
}
