//! A status page of one's own by Vigil: one announcement per incident, the newest.
//!
//! An announcement cannot be changed there, so each update is published and the one before it taken down. The
//! last one stays until somebody takes it down: that it is over is news too. What it lists is titles, so the
//! mark by which we find ours stands at the title's end.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::config::Endpoint;
use super::web::{Body, Call, Verb, Web, settled};
use super::{Outlet, message, received, unknown};
use crate::connectors::registry::Basic;
use crate::domain::{Message, Operation, Outcome};

const PUBLISH: &str = "/manager/announcement/";
const LIST: &str = "/manager/announcements/";

/// A Vigil page.
pub struct Vigil {
    name: String,
    page: String,
    web: Web,
}

/// It takes its manager's token as the password of a user without a name.
pub(super) fn credentials(endpoint: &Endpoint) -> Endpoint {
    let mut endpoint = endpoint.clone();
    if let Some(password) = endpoint.token.take() {
        endpoint.basic = Some(Basic { user: String::new(), password });
    }
    endpoint
}

/// How the title of every announcement of the message's incident goes on.
fn incident(message: &Message) -> String {
    format!("({}/", message.incident.as_ref().map_or("-", |id| id.as_str()))
}

/// How the title of this very announcement ends.
fn end(message: &Message, key: &str) -> String {
    format!("{}{})", incident(message), key.get(..12).unwrap_or(key))
}

/// Id and title of each announcement.
fn announcements(answer: &Value) -> Vec<(&str, &str)> {
    let all = answer.as_array().map_or(&[][..], Vec::as_slice).iter();
    all.filter_map(|one| Some((one["id"].as_str()?, one["title"].as_str()?))).collect()
}

impl Vigil {
    /// `page` is where people look at it.
    pub const fn new(name: String, page: String, web: Web) -> Self {
        Self { name, page, web }
    }

    async fn list(&self) -> Result<Value, Outcome> {
        self.web.json(&Call::get(LIST)).await
    }

    fn published(&self, list: &Value, end: &str) -> Option<Outcome> {
        let all = announcements(list);
        let found = all.iter().find(|(_, title)| title.ends_with(end));
        found.map(|(id, _)| received(id, &self.page))
    }
}

#[async_trait]
impl Outlet for Vigil {
    fn name(&self) -> &str {
        &self.name
    }

    async fn perform(&self, operation: &Operation, key: &str) -> Outcome {
        settled(async move {
            let message = message(operation)?;
            let end = end(message, key);
            let before = self.list().await.map_err(|outcome| match outcome {
                // Nothing has been written yet, so this attempt certainly did nothing.
                Outcome::Unknown { why } => Outcome::Later { why, at: self.web.now() },
                other => other,
            })?;
            let there = match self.published(&before, &end) {
                Some(there) => there,
                None => {
                    let title = format!("{} {end}", message.subject);
                    let body = json!({ "title": title, "text": message.body.as_str() });
                    self.web.json(&Call::post(PUBLISH, body)).await?;
                    let after = self.list().await.map_err(|_| {
                        unknown("The page took it, but its announcements cannot be read back.")
                    })?;
                    let shown = self.published(&after, &end);
                    shown.ok_or_else(|| unknown("The page took it, but does not show it."))?
                }
            };
            let incident = incident(message);
            for (id, title) in announcements(&before) {
                if title.contains(&incident) && title.ends_with(')') && !title.ends_with(&end) {
                    let path = format!("/manager/announcement/{id}/");
                    // This update is out whether or not the older one goes; the next one tries again.
                    let _ = self.web.call(&Call::new(Verb::Delete, path, Body::Empty)).await;
                }
            }
            Ok(there)
        })
        .await
    }

    async fn look_back(&self, operation: &Operation, key: &str) -> Outcome {
        settled(async move {
            let end = end(message(operation)?, key);
            let unread = |_| unknown("The page's announcements could not be read.");
            let list = self.list().await.map_err(unread)?;
            Ok(self.published(&list, &end).unwrap_or_else(|| super::chat::absent(self.web.now())))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announcements_are_read_as_they_were_recorded() {
        let text = include_str!("../../../fixtures/channels/vigil/02-list.json");
        let exchange: Value = serde_json::from_str(text).unwrap();
        let wanted = [("c2d25fc5-8238-495a-877d-f356bb7992c5", "Checkout degraded")];
        assert_eq!(exchange["request"]["path"], LIST);
        assert_eq!(announcements(&exchange["response"]["body"]), wanted);
        assert_eq!(announcements(&json!({ "error": "x" })), []);
    }
}
