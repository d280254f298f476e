//! Chat: Slack (incoming webhook and Web API), Microsoft Teams, Matrix.

use async_trait::async_trait;
use serde_json::json;

use super::web::{Body, Call, Verb, Web, settled};
use super::{Outlet, mark, message, received, refused, shortened, unknown, whole};
use crate::domain::{Operation, Outcome, SafeText};

/// Slack cuts a text after 40,000 letters, and with it our mark.
const MOST_SLACK: usize = 38_000;

/// Teams refuses a card of more than 28 KB, counted with its escapes and, by some, two bytes a letter.
const MOST_TEAMS: usize = 10_000;

/// Slack's incoming webhook: answers `ok`, keeps nothing that could be asked for.
pub struct SlackWebhook {
    name: String,
    web: Web,
}

impl SlackWebhook {
    /// A webhook; its URL is the credential.
    pub const fn new(name: String, web: Web) -> Self {
        Self { name, web }
    }
}

#[async_trait]
impl Outlet for SlackWebhook {
    fn name(&self) -> &str {
        &self.name
    }

    async fn perform(&self, operation: &Operation, key: &str) -> Outcome {
        settled(async move {
            let text = shortened(&slack_text(&whole(message(operation)?)), MOST_SLACK);
            let reply = self.web.call(&Call::post("", json!({ "text": text }))).await?;
            self.web.verdict(&reply)?;
            if reply.body.trim_ascii() == b"ok" {
                Ok(received(mark(key), ""))
            } else {
                Err(unknown("Slack answered with something else than ok."))
            }
        })
        .await
    }
}

/// Slack's Web API with a bot's token.
pub struct Slack {
    name: String,
    room: String,
    web: Web,
}

impl Slack {
    /// A bot that writes to `room` (a channel's id or `#name`) unless the message says otherwise.
    pub const fn new(name: String, room: String, web: Web) -> Self {
        Self { name, room, web }
    }

    /// Slack says `200` and `ok: false` to what it did not do.
    async fn ask(&self, method: &str, body: Body) -> Result<serde_json::Value, Outcome> {
        let call = Call::new(Verb::Post, format!("/{method}"), body);
        let answer = self.web.json(&call).await?;
        if answer["ok"] == true {
            return Ok(answer);
        }
        let error = SafeText::new(answer["error"].as_str().unwrap_or("no reason given"));
        Err(match error.as_str() {
            "ratelimited" | "rate_limited" => Outcome::Later {
                why: SafeText::new("Slack asks us to slow down."),
                at: self.web.now(),
            },
            "internal_error" | "fatal_error" | "request_timeout" => {
                unknown(format!("Slack failed inside ({error}); the message may have been taken."))
            }
            _ => refused(format!("Slack refused the message: {error}.")),
        })
    }

    fn rooms<'a>(&'a self, to: &'a [SafeText]) -> &'a str {
        to.first().map_or(self.room.as_str(), SafeText::as_str)
    }
}

#[async_trait]
impl Outlet for Slack {
    fn name(&self) -> &str {
        &self.name
    }

    async fn perform(&self, operation: &Operation, key: &str) -> Outcome {
        settled(async move {
            let message = message(operation)?;
            let text = shortened(&slack_text(&whole(message)), MOST_SLACK);
            let text = format!("{text}\n_{}_", mark(key));
            let room = self.rooms(&message.to);
            let body = json!({ "channel": room, "text": text, "unfurl_links": false });
            let answer = self.ask("chat.postMessage", Body::Json(body)).await?;
            let ts = answer["ts"].as_str().unwrap_or_default();
            Ok(received(format!("{}/{ts}", answer["channel"].as_str().unwrap_or(room)), ""))
        })
        .await
    }

    async fn look_back(&self, operation: &Operation, key: &str) -> Outcome {
        settled(async move {
            let message = message(operation)?;
            let room = self.rooms(&message.to);
            let fields =
                vec![("channel".into(), room.to_owned()), ("limit".into(), "200".to_owned())];
            let answer = match self.ask("conversations.history", Body::Form(fields)).await {
                Ok(answer) => answer,
                Err(_) => return Err(unknown("Slack's history could not be read.")),
            };
            let mark = mark(key);
            let all = answer["messages"].as_array().map_or(&[][..], Vec::as_slice);
            let found = all.iter().find(|m| m["text"].as_str().is_some_and(|t| t.contains(&mark)));
            Ok(match found {
                Some(found) => {
                    received(format!("{room}/{}", found["ts"].as_str().unwrap_or_default()), "")
                }
                None if answer["has_more"] == true => {
                    unknown("It is not among the last 200 messages of the room.")
                }
                None => absent(self.web.now()),
            })
        })
        .await
    }
}

/// Slack takes three signs for markup; its other marks are harmless text.
fn slack_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// It certainly is not there, so it may be sent again.
pub(super) fn absent(now: crate::domain::Timestamp) -> Outcome {
    Outcome::Later { why: SafeText::new("It is not there, so it is sent again."), at: now }
}

/// Microsoft Teams by a workflow's webhook: an adaptive card; answers 202 and keeps nothing.
pub struct Teams {
    name: String,
    web: Web,
}

impl Teams {
    /// A workflow's webhook; its URL is the credential.
    pub const fn new(name: String, web: Web) -> Self {
        Self { name, web }
    }
}

#[async_trait]
impl Outlet for Teams {
    fn name(&self) -> &str {
        &self.name
    }

    async fn perform(&self, operation: &Operation, key: &str) -> Outcome {
        settled(async move {
            let message = message(operation)?;
            let block = |text: &str, weight: &str| json!({ "type": "TextBlock", "text": text, "wrap": true, "weight": weight });
            let card = json!({
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": [
                    block(&message.subject, "bolder"),
                    block(&shortened(&message.body, MOST_TEAMS), "default"),
                    { "type": "TextBlock", "text": mark(key), "isSubtle": true, "size": "small" },
                ],
            });
            let attachment = json!({
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": null,
                "content": card,
            });
            let body = json!({ "type": "message", "attachments": [attachment] });
            let reply = self.web.call(&Call::post("", body)).await?;
            self.web.verdict(&reply)?;
            Ok(received(mark(key), ""))
        }).await
    }
}

/// Matrix: the transaction id makes a repeat harmless, so that a lost answer is asked for by sending again.
pub struct Matrix {
    name: String,
    room: String,
    web: Web,
}

impl Matrix {
    /// A user's access token is the credential; `room` an id or an alias.
    pub const fn new(name: String, room: String, web: Web) -> Self {
        Self { name, room, web }
    }

    async fn send(&self, operation: &Operation, key: &str) -> Result<Outcome, Outcome> {
        let message = message(operation)?;
        let room = message.to.first().map_or(self.room.as_str(), SafeText::as_str);
        let encode =
            |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let room = if room.starts_with('#') {
            let path = format!("/_matrix/client/v3/directory/room/{}", encode(room));
            let answer = self.web.json(&Call::get(path)).await?;
            answer["room_id"].as_str().unwrap_or_default().to_owned()
        } else {
            room.to_owned()
        };
        let path = format!("/_matrix/client/v3/rooms/{}/send/m.room.message/{key}", encode(&room));
        let body = json!({ "msgtype": "m.text", "body": whole(message) });
        // The same transaction gives the same event: an answer that was lost is asked for once more.
        let again = |outcome| match outcome {
            Outcome::Unknown { why } => Outcome::Later { why, at: self.web.now() },
            other => other,
        };
        let answer =
            self.web.json(&Call::new(Verb::Put, path, Body::Json(body))).await.map_err(again)?;
        match answer["event_id"].as_str() {
            Some(event) => Ok(received(event, "")),
            None => Err(refused("The Matrix server gave no event id.")),
        }
    }
}

#[async_trait]
impl Outlet for Matrix {
    fn name(&self) -> &str {
        &self.name
    }

    async fn perform(&self, operation: &Operation, key: &str) -> Outcome {
        settled(self.send(operation, key)).await
    }

    async fn look_back(&self, operation: &Operation, key: &str) -> Outcome {
        settled(self.send(operation, key)).await
    }
}
