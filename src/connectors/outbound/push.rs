//! Push and plain hooks: a generic webhook, ntfy, SMS by Twilio's API.

use async_trait::async_trait;
use serde_json::json;

use super::chat::absent;
use super::web::{Body, Call, Verb, Web, settled};
use super::{Outlet, mark, message, received, refused, shortened, unknown, whole};
use crate::domain::{Message, Operation, Outcome, Purpose, SafeText, Severity};

/// A webhook of the person's own: the message as JSON, with the key as `Idempotency-Key`.
pub struct Webhook {
    name: String,
    web: Web,
}

impl Webhook {
    /// Posts to the URL itself.
    pub const fn new(name: String, web: Web) -> Self {
        Self { name, web }
    }
}

#[async_trait]
impl Outlet for Webhook {
    fn name(&self) -> &str {
        &self.name
    }

    async fn perform(&self, operation: &Operation, key: &str) -> Outcome {
        settled(async move {
            let message = message(operation)?;
            let purpose = match &message.purpose {
                Purpose::Update(audience) => format!("update-{audience}"),
                Purpose::Page => "page".to_owned(),
                Purpose::Reminder => "reminder".to_owned(),
                Purpose::Test { .. } => "test".to_owned(),
            };
            let body = json!({
                "key": key,
                "purpose": purpose,
                "incident": message.incident.as_ref().map(|id| id.as_str()),
                "subject": message.subject.as_str(),
                "body": message.body.as_str(),
                "to": message.to.iter().map(SafeText::as_str).collect::<Vec<_>>(),
                "severity": message.severity.map(|s| s.to_string()),
                "status": message.status.map(|s| s.name()),
            });
            let call = Call::post("", body).header("idempotency-key", key);
            let reply = self.web.call(&call).await?;
            self.web.verdict(&reply)?;
            Ok(received(format!("status {}", reply.status), ""))
        })
        .await
    }
}

/// ntfy: a topic that phones listen to.
pub struct Ntfy {
    name: String,
    topic: String,
    web: Web,
}

impl Ntfy {
    /// Publishes to `topic` unless the message says otherwise.
    pub const fn new(name: String, topic: String, web: Web) -> Self {
        Self { name, topic, web }
    }

    fn topic<'a>(&'a self, to: &'a [SafeText]) -> &'a str {
        to.first().map_or(self.topic.as_str(), SafeText::as_str)
    }
}

#[async_trait]
impl Outlet for Ntfy {
    fn name(&self) -> &str {
        &self.name
    }

    async fn perform(&self, operation: &Operation, key: &str) -> Outcome {
        settled(async move {
            let message = message(operation)?;
            let urgent = matches!(message.purpose, Purpose::Page)
                || matches!(message.severity, Some(Severity::Sev1));
            let mark = mark(key);
            let body = json!({
                "topic": self.topic(&message.to),
                "title": message.subject.as_str(),
                "message": format!("{}\n{mark}", shortened(&message.body, MOST_NTFY - mark.len() - 1)),
                "priority": if urgent { 5 } else { 3 },
            });
            let answer = self.web.json(&Call::post("/", body)).await?;
            match answer["id"].as_str() {
                Some(id) => Ok(received(id, "")),
                None => Err(unknown("The server gave no message id.")),
            }
        }).await
    }

    async fn look_back(&self, operation: &Operation, key: &str) -> Outcome {
        settled(async move {
            let message = message(operation)?;
            let path = format!("/{}/json", self.topic(&message.to));
            let call = Call::get(path).with("poll", "1").with("since", "12h");
            let Ok(reply) = self.web.call(&call).await else {
                return Err(unknown("The topic's messages could not be read."));
            };
            self.web
                .verdict(&reply)
                .map_err(|_| unknown("The topic's messages could not be read."))?;
            let mark = mark(key);
            // One JSON object a line.
            let lines = reply.body.split(|b| *b == b'\n');
            let all = lines.filter_map(|l| serde_json::from_slice::<serde_json::Value>(l).ok());
            let mut found =
                all.filter(|m| m["message"].as_str().is_some_and(|text| text.contains(&mark)));
            Ok(match found.next() {
                Some(found) => received(found["id"].as_str().unwrap_or_default(), ""),
                None => absent(self.web.now()),
            })
        })
        .await
    }
}

/// SMS by Twilio's API, or what speaks it.
pub struct Sms {
    name: String,
    account: String,
    from: String,
    to: Vec<String>,
    web: Web,
}

/// ntfy refuses longer messages, or makes attachments of them.
const MOST_NTFY: usize = 4_096;

/// Longer ones are cut by the carriers into parts, each paid for; the whole text is elsewhere.
const MOST_SMS: usize = 480;

/// Subject, text and mark, as much of them as a short message takes.
pub(super) fn short_message(message: &Message, mark: &str) -> String {
    format!("{} {mark}", shortened(&whole(message), MOST_SMS))
}

impl Sms {
    /// Sends from one number to those configured, unless the message says otherwise.
    pub const fn new(
        name: String,
        account: String,
        from: String,
        to: Vec<String>,
        web: Web,
    ) -> Self {
        Self { name, account, from, to, web }
    }

    fn messages(&self) -> String {
        format!("/2010-04-01/Accounts/{}/Messages.json", self.account)
    }

    fn numbers(&self, to: &[SafeText]) -> Vec<String> {
        if to.is_empty() { self.to.clone() } else { to.iter().map(ToString::to_string).collect() }
    }

    async fn sent(&self, to: &str, mark: &str) -> Result<Option<String>, Outcome> {
        let call = Call::get(self.messages()).with("To", to).with("PageSize", "50");
        let answer = self.web.json(&call).await?;
        let all = answer["messages"].as_array().map_or(&[][..], Vec::as_slice);
        let found = all.iter().find(|m| m["body"].as_str().is_some_and(|t| t.ends_with(mark)));
        Ok(found.and_then(|m| m["sid"].as_str()).map(str::to_owned))
    }
}

#[async_trait]
impl Outlet for Sms {
    fn name(&self) -> &str {
        &self.name
    }

    async fn perform(&self, operation: &Operation, key: &str) -> Outcome {
        settled(async move {
            let message = message(operation)?;
            let numbers = self.numbers(&message.to);
            if numbers.is_empty() {
                return Err(refused("No number is configured to send to."));
            }
            let mark = mark(key);
            let text = short_message(message, &mark);
            let mut sids = Vec::new();
            for number in &numbers {
                // Of several numbers some may have been reached by an attempt that was cut off.
                if numbers.len() > 1
                    && let Some(sid) =
                        self.sent(number, &mark).await.map_err(|o| self.web.unwritten(o))?
                {
                    sids.push(sid);
                    continue;
                }
                let form = vec![
                    ("To".into(), number.clone()),
                    ("From".into(), self.from.clone()),
                    ("Body".into(), text.clone()),
                ];
                let call = Call::new(Verb::Post, self.messages(), Body::Form(form));
                let answer = self.web.json(&call).await?;
                sids.push(answer["sid"].as_str().unwrap_or("no id").to_owned());
            }
            Ok(received(sids.join(" "), ""))
        })
        .await
    }

    async fn look_back(&self, operation: &Operation, key: &str) -> Outcome {
        settled(async move {
            let message = message(operation)?;
            let mut sids = Vec::new();
            for number in self.numbers(&message.to) {
                let sent = self.sent(&number, &mark(key)).await;
                match sent.map_err(|_| unknown("The account's messages could not be read."))? {
                    Some(sid) => sids.push(sid),
                    None => return Ok(absent(self.web.now())),
                }
            }
            Ok(received(sids.join(" "), ""))
        })
        .await
    }
}
