//! Roundup's REST API. Its tickets are issues whose texts are messages of their own.

use serde_json::{Value, json};

use super::{
    Api, Asked, Comment, Desk, Draft, Target, Ticket, list, refused, segment, unknown, word,
};
use crate::connectors::Reply;
use crate::connectors::outbound::{Body, Call, Verb};
use crate::domain::{Outcome, Severity, Status};

/// How often a write is decided anew because somebody else wrote in between.
const TRIES: usize = 5;

/// The API; stateless.
pub(super) struct Roundup;

/// It answers nobody who could be a browser on another page.
fn call(desk: &Desk, call: Call) -> Call {
    call.header("x-requested-with", "rest")
        .header("accept", "application/json")
        .header("origin", desk.origin())
}

fn path(key: &str) -> String {
    format!("/rest/data/issue/{}", segment(key.trim_start_matches("issue")))
}

fn ticket(desk: &Desk, data: &Value) -> Option<Ticket> {
    let id = Some(word(&data["id"])).filter(|id| !id.is_empty())?;
    let key = format!("issue{id}");
    let state = word(&data["attributes"]["status"]["name"]);
    let done = matches!(state.as_str(), "resolved" | "done-cbb");
    let version = word(&data["@etag"]).trim_matches('"').to_owned();
    let url = desk.link(&format!("/{key}"));
    Some(Ticket { key, url, done, state, group: String::new(), version })
}

impl Roundup {
    async fn issue(desk: &Desk, key: &str) -> Asked<Option<Value>> {
        let read = call(desk, Call::get(path(key)).with("@verbose", "2"));
        let read = desk.maybe(&read).await?.map(|answer| answer["data"].clone());
        let Some(data) = read.filter(|data| data["@etag"].is_string()) else { return Ok(None) };
        // A retired issue can still be read and written by its id; only lists leave it out.
        let listed = Call::get("/rest/data/issue").with("id", word(&data["id"]));
        let listed = desk.ask(&call(desk, listed)).await?;
        Ok((!list(&listed["data"]["collection"]).is_empty()).then_some(data))
    }

    /// Makes a message that belongs to nothing yet: seen by nobody until an issue names it.
    async fn message(desk: &Desk, text: &str) -> Asked<String> {
        let mut body = json!({ "content": text });
        if let Some(basic) = &desk.config.endpoint.basic {
            body["author"] = json!(basic.user);
        }
        let made = desk.ask(&call(desk, Call::post("/rest/data/msg", body))).await?;
        match word(&made["data"]["id"]) {
            id if id.is_empty() => Err(unknown("It took a message and did not say which.")),
            id => Ok(id),
        }
    }

    /// Changes an issue as it stands now; when somebody else was faster, as it stands then. `decide` says
    /// nothing when nothing is left to do.
    async fn change(
        desk: &Desk,
        key: &str,
        decide: impl Fn(&Value) -> Option<Call> + Send,
    ) -> Asked<()> {
        for _ in 0..TRIES {
            let Some(data) = Self::issue(desk, key).await? else {
                return Err(refused(format!("The ticket {key} is gone meanwhile.")));
            };
            let Some(change) = decide(&data) else { return Ok(()) };
            let change = call(desk, change).header("if-match", word(&data["@etag"]));
            let reply: Reply = desk.web.call(&change).await?;
            if reply.status != 412 {
                return desk.web.verdict(&reply);
            }
        }
        let why = format!("Others changed {key} {TRIES} times while we tried to.").as_str().into();
        Err(Outcome::Later { why, at: desk.web.now() })
    }
}

impl Api for Roundup {
    fn word(&self, status: Status) -> &'static str {
        match status {
            Status::Investigating => "chatting",
            Status::Identified => "in-progress",
            Status::Monitoring => "testing",
            Status::Resolved | Status::Closed => "resolved",
        }
    }

    async fn find(&self, desk: &Desk, incident: &str) -> Asked<Option<Ticket>> {
        // Messages cannot be searched for, titles can.
        let search = Call::get("/rest/data/issue").with("title", incident);
        let search = search.with("@fields", "title").with("@sort", "id").with("@page_size", "100");
        let found = desk.ask(&call(desk, search)).await?;
        let mark = format!("[{incident}]");
        let of_ours = |one: &&Value| word(&one["title"]).contains(&mark);
        match list(&found["data"]["collection"]).iter().find(of_ours) {
            Some(one) => self.read(desk, &word(&one["id"])).await,
            None => Ok(None),
        }
    }

    async fn create(&self, desk: &Desk, draft: &Draft<'_>) -> Asked<Ticket> {
        let labels = desk.labels("").join(", ");
        // Keywords must be there before they are used, and making them is not for us.
        let body = match labels.as_str() {
            "" => draft.body.clone(),
            _ => format!("Labels: {labels}\n\n{}", draft.body),
        };
        let usual = match draft.severity {
            Severity::Sev1 => "critical",
            Severity::Sev2 => "urgent",
            _ => "bug",
        };
        let message = Self::message(desk, &body).await?;
        let issue = json!({
            "title": format!("[{}] {}", draft.incident, draft.title),
            "priority": draft.priority.unwrap_or(usual),
            "status": "unread",
            "messages": [message],
        });
        let made = desk.ask(&call(desk, Call::post("/rest/data/issue", issue))).await?;
        ticket(desk, &made["data"])
            .ok_or_else(|| unknown("It took the ticket and did not say which it is."))
    }

    async fn read(&self, desk: &Desk, key: &str) -> Asked<Option<Ticket>> {
        Ok(Self::issue(desk, key).await?.and_then(|data| ticket(desk, &data)))
    }

    async fn comments(&self, desk: &Desk, key: &str) -> Asked<Vec<Comment>> {
        let data = Self::issue(desk, key).await?.unwrap_or_default();
        let mut comments = Vec::new();
        // A list of messages can be asked for by one id only.
        for one in list(&data["attributes"]["messages"]) {
            let id = word(&one["id"]);
            let read = Call::get(format!("/rest/data/msg/{}", segment(&id)));
            let read = read.with("@verbose", "3").with("@protected", "true");
            let answer = desk.maybe(&call(desk, read)).await?.unwrap_or_default();
            let said = &answer["data"]["attributes"];
            let [author, creator] =
                [&said["author"], &said["creator"]].map(|who| word(&who["username"]));
            let who = if author.is_empty() { creator } else { author };
            comments.push(Comment { id, who, text: word(&said["content"]) });
        }
        Ok(comments)
    }

    async fn comment(&self, desk: &Desk, key: &str, text: &str) -> Asked<()> {
        let message = Self::message(desk, text).await?;
        Self::change(desk, key, |_| {
            let body = json!({ "@op": "add", "messages": message });
            Some(Call::new(Verb::Patch, path(key), Body::Json(body)))
        })
        .await
    }

    async fn shift(&self, desk: &Desk, at: &Ticket, to: &Target<'_>) -> Asked<()> {
        Self::change(desk, &at.key, |data| {
            let state = &data["attributes"]["status"]["name"];
            let body = json!({ "data": to.word });
            (word(state) != to.word).then(|| {
                Call::new(Verb::Put, format!("{}/status", path(&at.key)), Body::Json(body))
            })
        })
        .await
    }
}
