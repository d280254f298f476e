//! Request Tracker's REST 2 API. What it does not do it says in a sentence under an honest 200, and who may
//! see nothing gets empty lists.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::text::{headline, plain};
use super::{
    Api, Asked, Comment, Desk, Draft, Target, Ticket, list, refused, segment, unknown, word,
};
use crate::connectors::outbound::{Body, Call, Verb};
use crate::domain::{Severity, Status};

/// Entries on one page (it gives no more), and most pages that are read.
const PAGE: usize = 100;
const PAGES: usize = 10;

/// The API; stateless.
pub(super) struct Rt;

fn path(key: &str) -> String {
    format!("/REST/2.0/ticket/{}", segment(key.trim_start_matches('#')))
}

/// A text in a query.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// The mark of an incident in a title: texts are not indexed everywhere, titles can be searched.
fn mark(incident: &str) -> String {
    format!("[{incident}]")
}

/// Tickets of the queue whose title names the incident, oldest first.
fn search(desk: &Desk, incident: &str) -> Call {
    let query = format!(
        "Queue = {} AND Subject LIKE {}",
        quoted(&desk.config.project),
        quoted(&mark(incident))
    );
    Call::get("/REST/2.0/tickets")
        .with("query", query)
        .with("fields", "Subject")
        .with("orderby", "id")
        .with("per_page", PAGE.to_string())
}

/// The ticket of an incident among those that were found.
fn found(answer: &Value, incident: &str) -> Option<String> {
    let ours = |one: &&Value| word(&one["Subject"]).contains(&mark(incident));
    list(&answer["items"]).iter().find(ours).map(|one| word(&one["id"]))
}

/// A ticket; a deleted one is gone, though it can still be read and written by its id.
fn ticket(desk: &Desk, one: &Value, changes: &str) -> Option<Ticket> {
    let id = Some(word(&one["id"])).filter(|id| !id.is_empty())?;
    let state = Some(word(&one["Status"])).filter(|state| state != "deleted")?;
    let closing = [Status::Resolved, Status::Closed].map(|status| desk.config.states.get(&status));
    Some(Ticket {
        key: format!("#{id}"),
        url: desk.link(&format!("/Ticket/Display.html?id={id}")),
        done: matches!(&*state, "resolved" | "rejected")
            || closing.iter().flatten().any(|word| word.eq_ignore_ascii_case(&state)),
        // Times count whole seconds; every change is one more transaction.
        version: format!("{} {changes}", word(&one["LastUpdated"])),
        group: String::new(),
        state,
    })
}

/// What was said in words: of the transactions those that say something, with the text that belongs to each.
fn comments(history: &[Value], texts: &[Value]) -> Vec<Comment> {
    let said = history.iter().filter(|one| {
        let kind = word(&one["Type"]);
        kind == "Comment" || kind == "Correspond"
    });
    let said: BTreeSet<String> = said.map(|one| word(&one["id"])).collect();
    let mut comments: Vec<Comment> = Vec::new();
    for text in texts {
        let (id, kind) = (word(&text["TransactionId"]), word(&text["ContentType"]));
        // A picture or a log that was sent along is not what somebody says; of several forms of one text
        // the first counts.
        if !said.contains(&id)
            || !kind.starts_with("text/")
            || !word(&text["Filename"]).is_empty()
            || comments.iter().any(|comment| comment.id == id)
        {
            continue;
        }
        let who = word(&text["Creator"]["id"]);
        let content = word(&text["Content"]);
        let text = if kind.starts_with("text/html") { plain(&content) } else { content };
        comments.push(Comment { id, who, text });
    }
    comments
}

/// The sentences of an answer, without the full stop.
fn sentences(answer: &Value) -> String {
    let all: Vec<String> = list(answer).iter().map(word).collect();
    all.join(" ").trim_end_matches('.').to_owned()
}

impl Rt {
    /// All entries of a list that comes in pages.
    async fn all(desk: &Desk, path: &str, fields: &str) -> Asked<Vec<Value>> {
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let read = Call::get(path).with("fields", fields).with("per_page", PAGE.to_string());
            let answer = desk.ask(&read.with("page", page.to_string())).await?;
            let items = list(&answer["items"]);
            all.extend_from_slice(items);
            if items.len() < PAGE {
                break;
            }
        }
        Ok(all)
    }
}

impl Api for Rt {
    fn word(&self, status: Status) -> &'static str {
        match status {
            Status::Investigating | Status::Identified | Status::Monitoring => "open",
            Status::Resolved | Status::Closed => "resolved",
        }
    }

    async fn find(&self, desk: &Desk, incident: &str) -> Asked<Option<Ticket>> {
        let answer = desk.ask(&search(desk, incident)).await?;
        if let Some(id) = found(&answer, incident) {
            return self.read(desk, &id).await;
        }
        // Who may not see the queue finds nothing in it.
        let queue = format!("/REST/2.0/queue/{}", segment(&desk.config.project));
        desk.ask(&Call::get(queue)).await.map(|_| None)
    }

    async fn create(&self, desk: &Desk, draft: &Draft<'_>) -> Asked<Ticket> {
        let labels = match desk.labels("").join(", ").as_str() {
            "" => String::new(),
            labels => format!("Labels: {labels}\n\n"),
        };
        let usual = match draft.severity {
            Severity::Sev1 => "100",
            Severity::Sev2 => "75",
            Severity::Sev3 => "50",
            _ => "0",
        };
        let ticket = json!({
            "Queue": desk.config.project.as_str(),
            "Subject": headline(&format!("{} {}", mark(draft.incident), draft.title), 200),
            "Content": format!("{labels}{}", draft.body),
            "ContentType": "text/plain",
            "Priority": draft.priority.unwrap_or(usual),
        });
        let made = desk.ask(&Call::post("/REST/2.0/ticket", ticket)).await?;
        let nothing = || unknown("It took the ticket and did not say which it is.");
        let id = Some(word(&made["id"])).filter(|id| !id.is_empty()).ok_or_else(nothing)?;
        let url = desk.link(&format!("/Ticket/Display.html?id={id}"));
        let (state, version) = ("new".to_owned(), String::new());
        Ok(Ticket { key: format!("#{id}"), url, done: false, state, version, group: String::new() })
    }

    async fn read(&self, desk: &Desk, key: &str) -> Asked<Option<Ticket>> {
        let Some(one) = desk.maybe(&Call::get(path(key))).await? else { return Ok(None) };
        let count = Call::get(format!("{}/history", path(key))).with("per_page", "1");
        let count = desk.ask(&count).await?;
        Ok(ticket(desk, &one, &word(&count["total"])))
    }

    async fn comments(&self, desk: &Desk, key: &str) -> Asked<Vec<Comment>> {
        let path = path(key);
        let history = Self::all(desk, &format!("{path}/history"), "Type").await?;
        let fields = "TransactionId,ContentType,Filename,Creator,Content";
        let texts = Self::all(desk, &format!("{path}/attachments"), fields).await?;
        Ok(comments(&history, &texts))
    }

    async fn comment(&self, desk: &Desk, key: &str, text: &str) -> Asked<()> {
        // A comment, not an answer: answers are mailed to whoever asked.
        let body = json!({ "Content": text, "ContentType": "text/plain" });
        desk.ask(&Call::post(format!("{}/comment", path(key)), body)).await.map(drop)
    }

    async fn shift(&self, desk: &Desk, at: &Ticket, to: &Target<'_>) -> Asked<()> {
        let body = Body::Json(json!({ "Status": to.word }));
        let said = desk.ask(&Call::new(Verb::Put, path(&at.key), body)).await?;
        let said = sentences(&said);
        // Its sentences are in the language of our account, so only the ticket itself tells whether it moved.
        // An attempt to read that fails is repeated by who called us.
        match self.read(desk, &at.key).await {
            Ok(Some(now)) if !self.reached(&now, to) && !said.is_empty() => Err(refused(format!(
                "It did not move {} to \"{}\". It said: {}. Move it there by hand, or name another word under \
                 `states` of the tracker {}.",
                at.key, to.word, said, desk.config.id
            ))),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::super::recorded::{desk, recorded};
    use super::*;
    use crate::connectors::outbound::config::TrackerKind;

    fn rt() -> Desk {
        desk(TrackerKind::Rt, "Incidents")
    }

    #[test]
    fn a_ticket_is_read_as_it_was_recorded() {
        let (asked, said) = recorded(include_str!("../../../fixtures/trackers/rt/03-get.json"));
        assert_eq!(asked, format!("GET {}", path("#1")));
        let wanted = Ticket {
            key: "#1".into(),
            url: "http://127.0.0.1:1/Ticket/Display.html?id=1".into(),
            state: "new".into(),
            done: false,
            version: "2026-11-22T11:25:54Z 7".into(),
            group: String::new(),
        };
        assert_eq!(ticket(&rt(), &said, "7"), Some(wanted));
        let mut deleted = said;
        deleted["Status"] = json!("deleted");
        assert_eq!(ticket(&rt(), &deleted, "8"), None);
    }

    #[test]
    fn the_ticket_of_an_incident_is_found_by_its_title() {
        let (_, said) = recorded(include_str!("../../../fixtures/trackers/rt/08-search.json"));
        assert_eq!(found(&said, "INC-7"), None, "another's ticket");
        let mut ours = said;
        ours["items"][0]["Subject"] = json!("[INC-7] checkout");
        assert_eq!(found(&ours, "INC-7").as_deref(), Some("1"));
        assert_eq!(found(&ours, "INC-77"), None);
        let call = search(&desk(TrackerKind::Rt, "O'Brien\\s"), "INC-7");
        let query = r"Queue = 'O\'Brien\\s' AND Subject LIKE '[INC-7]'";
        assert_eq!(call.query[0], ("query", query.to_owned()));
    }

    #[test]
    fn only_what_people_say_is_a_comment() {
        let (_, said) = recorded(include_str!("../../../fixtures/trackers/rt/09-history.json"));
        let text = |id: &str, kind: &str, file: &str, content: &str| {
            json!({
                "TransactionId": id, "ContentType": kind, "Filename": file, "Content": content,
                "Creator": { "id": "root", "type": "user" },
            })
        };
        let texts = [
            text("39", "text/plain", "", "how it began"),
            text("41", "text/plain", "", "rolling back"),
            text("41", "text/plain", "trace.log", "a log"),
            text("42", "text/html", "", "<p>It <b>works</b> &amp; stays.</p>"),
            text("42", "image/png", "", ""),
            text("43", "text/plain", "", "a mail about it"),
        ];
        let said = comments(list(&said["items"]), &texts);
        let comment =
            |id: &str, text: &str| Comment { id: id.into(), who: "root".into(), text: text.into() };
        assert_eq!(said, [comment("41", "rolling back"), comment("42", "It works & stays.")]);
    }

    #[test]
    fn what_it_says_to_a_change_is_repeated() {
        let (_, said) =
            recorded(include_str!("../../../fixtures/trackers/rt/07-bad-transition.json"));
        let sentence = "Ticket 1: Status 'nonsense' isn't a valid status for this ticket";
        assert_eq!(sentences(&said), sentence);
        assert_eq!(sentences(&json!([])), "");
    }
}
