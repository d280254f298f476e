//! GitLab's issues.

use serde_json::{Value, json};

use super::text::{headline, incident_line, last_line, markdown};
use super::{
    Api, Asked, Comment, Desk, Draft, Target, Ticket, list, refused, segment, unknown, word,
};
use crate::connectors::outbound::{Body, Call, Verb};
use crate::domain::Status;

/// Entries on one page, and most pages that are read.
const PAGE: usize = 100;
const PAGES: usize = 10;
/// Most letters of a title.
const TITLE: usize = 255;

/// The API; stateless.
pub(super) struct Gitlab;

fn issues(desk: &Desk) -> String {
    format!("/api/v4/projects/{}/issues", segment(&desk.config.project))
}

fn issue(desk: &Desk, key: &str) -> String {
    format!("{}/{}", issues(desk), segment(key.trim_start_matches('#')))
}

fn ticket(desk: &Desk, one: &Value) -> Option<Ticket> {
    let number = one["iid"].as_u64()?;
    let state = word(&one["state"]);
    let url = desk.link(&format!("/{}/-/issues/{number}", desk.config.project));
    let version =
        format!("{} {state} {}", word(&one["updated_at"]), word(&one["user_notes_count"]));
    let (done, group) = (state == "closed", String::new());
    Some(Ticket { key: format!("#{number}"), url, done, state, group, version })
}

impl Api for Gitlab {
    fn word(&self, status: Status) -> &'static str {
        match status {
            Status::Resolved | Status::Closed => "closed",
            _ => "opened",
        }
    }

    async fn find(&self, desk: &Desk, incident: &str) -> Asked<Option<Ticket>> {
        let search = Call::get(issues(desk)).with("search", incident).with("in", "description");
        let search = search.with("scope", "all").with("per_page", PAGE.to_string());
        let found = desk.ask(&search).await?;
        let mark = incident_line(incident);
        let ours = |one: &&Value| last_line(&word(&one["description"])) == mark;
        Ok(list(&found).iter().find(ours).and_then(|one| ticket(desk, one)))
    }

    async fn create(&self, desk: &Desk, draft: &Draft<'_>) -> Asked<Ticket> {
        let usual = draft.severity.to_string().to_ascii_lowercase();
        let body = json!({
            "title": headline(draft.title, TITLE),
            "description": markdown(&draft.body),
            "labels": desk.labels(draft.priority.unwrap_or(&usual)).join(","),
        });
        let made = desk.ask(&Call::post(issues(desk), body)).await?;
        ticket(desk, &made)
            .ok_or_else(|| unknown("It took the ticket and did not say which it is."))
    }

    async fn read(&self, desk: &Desk, key: &str) -> Asked<Option<Ticket>> {
        let read = desk.maybe(&Call::get(issue(desk, key))).await?;
        Ok(read.and_then(|one| ticket(desk, &one)))
    }

    async fn comments(&self, desk: &Desk, key: &str) -> Asked<Vec<Comment>> {
        let mut comments = Vec::new();
        for page in 1..=PAGES {
            let read = Call::get(format!("{}/notes", issue(desk, key))).with("sort", "asc");
            let read = read.with("order_by", "created_at").with("per_page", PAGE.to_string());
            let answer = desk.ask(&read.with("page", page.to_string())).await?;
            // What GitLab notes itself (moved, labelled) is nobody's comment.
            let said = list(&answer).iter().filter(|one| one["system"] != Value::Bool(true));
            comments.extend(said.map(|one| Comment {
                id: word(&one["id"]),
                who: word(&one["author"]["username"]),
                text: word(&one["body"]),
            }));
            if list(&answer).len() < PAGE {
                break;
            }
        }
        Ok(comments)
    }

    async fn comment(&self, desk: &Desk, key: &str, text: &str) -> Asked<()> {
        let body = json!({ "body": markdown(text) });
        desk.ask(&Call::post(format!("{}/notes", issue(desk, key)), body)).await.map(drop)
    }

    async fn shift(&self, desk: &Desk, at: &Ticket, to: &Target<'_>) -> Asked<()> {
        let event = match to.word {
            "closed" => "close",
            "opened" => "reopen",
            other => {
                return Err(refused(format!(
                    "GitLab knows \"opened\" and \"closed\", not \"{other}\": mend `states` of the \
                     tracker {}.",
                    desk.config.id
                )));
            }
        };
        let body = Body::Json(json!({ "state_event": event }));
        desk.ask(&Call::new(Verb::Put, issue(desk, &at.key), body)).await.map(drop)
    }
}
