//! A public status page by Statuspage's API: one incident there per incident here, updated in place.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::web::{Body, Call, Verb, Web, settled};
use super::{Outlet, mark, message, received, unknown};
use crate::domain::{Message, Operation, Outcome, SafeText, Severity, Status};

/// A status page.
pub struct Statuspage {
    name: String,
    page: String,
    components: Vec<SafeText>,
    web: Web,
}

impl Statuspage {
    /// `page` is the page's id at the vendor, `components` those that an incident touches.
    pub const fn new(name: String, page: String, components: Vec<SafeText>, web: Web) -> Self {
        Self { name, page, components, web }
    }

    /// The incident there that carries ours, with its updates. It is known by our id in its metadata.
    async fn there(&self, message: &Message) -> Result<Option<Value>, Outcome> {
        let Some(ours) = &message.incident else { return Ok(None) };
        let path = format!("/pages/{}/incidents", self.page);
        let all = self.web.json(&Call::get(path).with("limit", "50")).await?;
        let all = all.as_array().cloned().unwrap_or_default();
        Ok(all
            .into_iter()
            .find(|one| one["metadata"]["quarterdeck"]["incident"].as_str() == Some(ours.as_str())))
    }
}

/// Words of the vendor for how far an incident is.
const fn status(status: Status) -> &'static str {
    match status {
        Status::Investigating => "investigating",
        Status::Identified => "identified",
        Status::Monitoring => "monitoring",
        Status::Resolved | Status::Closed => "resolved",
    }
}

/// Words of the vendor for how bad it is.
const fn impact(severity: Option<Severity>) -> &'static str {
    match severity {
        Some(Severity::Sev1) => "critical",
        Some(Severity::Sev2) => "major",
        Some(Severity::Sev3) => "minor",
        _ => "none",
    }
}

fn place(one: &Value) -> Outcome {
    let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
    received(text("id"), text("shortlink"))
}

#[async_trait]
impl Outlet for Statuspage {
    fn name(&self) -> &str {
        &self.name
    }

    async fn perform(&self, operation: &Operation, key: &str) -> Outcome {
        settled(async move {
            let message = message(operation)?;
            let there = self.there(message).await.map_err(|o| self.web.unwritten(o))?;
            let incident = message.incident.as_ref().map_or("", |id| id.as_str());
            let mut body = json!({ "incident": {
                "status": status(message.status.unwrap_or(Status::Investigating)),
                "impact_override": impact(message.severity),
                "body": message.body.as_str(),
                "metadata": { "quarterdeck": { "incident": incident, "update": mark(key) } },
            }});
            if !self.components.is_empty() {
                let ids: Vec<&str> = self.components.iter().map(SafeText::as_str).collect();
                body["incident"]["component_ids"] = json!(ids);
            }
            let path = format!("/pages/{}/incidents", self.page);
            let call = match there.as_ref().and_then(|one| one["id"].as_str()) {
                Some(id) => Call::new(Verb::Patch, format!("{path}/{id}"), Body::Json(body)),
                None => {
                    body["incident"]["name"] = json!(message.subject.as_str());
                    Call::post(path, body)
                }
            };
            let made = self.web.json(&call).await?;
            if made["id"].as_str().is_none() {
                return Err(unknown("The page answered without an incident's id."));
            }
            Ok(place(&made))
        })
        .await
    }

    async fn look_back(&self, operation: &Operation, key: &str) -> Outcome {
        settled(async move {
            let there = self.there(message(operation)?).await.map_err(|_| {
                unknown("The page's incidents could not be read, so it is not clear what is there.")
            })?;
            let update = mark(key);
            Ok(match there {
                Some(one) if one["metadata"]["quarterdeck"]["update"] == update.as_str() => {
                    place(&one)
                }
                _ => Outcome::Later {
                    why: SafeText::new("The page does not show it, so it is sent again."),
                    at: self.web.now(),
                },
            })
        })
        .await
    }
}
