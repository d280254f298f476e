//! GitHub's issues, at github.com or on a server of one's own.

use serde_json::{Value, json};

use super::text::{headline, incident_line, last_line, markdown};
use super::{
    Api, Asked, Comment, Desk, Draft, Target, Ticket, list, refused, segment, unknown, word,
};
use crate::connectors::outbound::{Body, Call, Verb};
use crate::domain::Status;

/// Comments and issues on one page, and most pages that are read.
const PAGE: usize = 100;
const PAGES: usize = 10;
/// Most letters of a title.
const TITLE: usize = 256;

/// The API; stateless.
pub(super) struct Github;

fn call(call: Call) -> Call {
    call.header("accept", "application/vnd.github+json")
        .header("x-github-api-version", "2022-11-28")
}

/// `/repos/OWNER/REPOSITORY/issues`.
fn issues(desk: &Desk) -> String {
    let (owner, repo) = desk.config.project.split_once('/').unwrap_or((&desk.config.project, ""));
    format!("/repos/{}/{}/issues", segment(owner), segment(repo))
}

fn issue(desk: &Desk, key: &str) -> String {
    format!("{}/{}", issues(desk), segment(key.trim_start_matches('#')))
}

fn ticket(desk: &Desk, one: &Value) -> Option<Ticket> {
    let number = one["number"].as_u64()?;
    // Where people look is not where programs ask; the server's own word for the host may be wrong.
    let base = match desk.base.as_str() {
        "https://api.github.com" => "https://github.com",
        base => base.strip_suffix("/api/v3").unwrap_or(base),
    };
    let url = match base {
        "" => String::new(),
        base => format!("{base}/{}/issues/{number}", desk.config.project),
    };
    let state = word(&one["state"]);
    let version = word(&one["updated_at"]);
    // Times are in seconds; two changes in one second are told apart by these.
    let version = format!("{version} {state} {}", one["comments"].as_u64().unwrap_or(0));
    let (done, group) = (state == "closed", String::new());
    Some(Ticket { key: format!("#{number}"), url, done, state, group, version })
}

fn carries(one: &Value, incident: &str) -> bool {
    one["pull_request"].is_null() && last_line(&word(&one["body"])) == incident_line(incident)
}

impl Api for Github {
    fn word(&self, status: Status) -> &'static str {
        match status {
            Status::Resolved | Status::Closed => "closed",
            _ => "open",
        }
    }

    async fn find(&self, desk: &Desk, incident: &str) -> Asked<Option<Ticket>> {
        // The newest are read, because the search lags behind; the older ones are searched.
        let newest = Call::get(issues(desk)).with("state", "all").with("sort", "created");
        let newest = newest.with("direction", "desc").with("per_page", PAGE.to_string());
        let newest = desk.ask(&call(newest)).await?;
        if let Some(one) = list(&newest).iter().find(|one| carries(one, incident)) {
            return Ok(ticket(desk, one));
        }
        if list(&newest).len() < PAGE {
            return Ok(None);
        }
        let query = format!("\"{incident}\" in:body is:issue repo:{}", desk.config.project);
        let found = desk.ask(&call(Call::get("/search/issues").with("q", query))).await?;
        let found = list(&found["items"]).iter().find(|one| carries(one, incident));
        Ok(found.and_then(|one| ticket(desk, one)))
    }

    async fn create(&self, desk: &Desk, draft: &Draft<'_>) -> Asked<Ticket> {
        let priority = draft
            .priority
            .map_or_else(|| draft.severity.to_string().to_ascii_lowercase(), str::to_owned);
        let body = json!({
            "title": headline(draft.title, TITLE),
            "body": markdown(&draft.body),
            "labels": desk.labels(&priority),
        });
        let made = desk.ask(&call(Call::post(issues(desk), body))).await?;
        ticket(desk, &made)
            .ok_or_else(|| unknown("It took the ticket and did not say which it is."))
    }

    async fn read(&self, desk: &Desk, key: &str) -> Asked<Option<Ticket>> {
        let read = desk.maybe(&call(Call::get(issue(desk, key)))).await?;
        Ok(read.and_then(|one| ticket(desk, &one)))
    }

    async fn comments(&self, desk: &Desk, key: &str) -> Asked<Vec<Comment>> {
        let mut comments = Vec::new();
        for page in 1..=PAGES {
            let read = Call::get(format!("{}/comments", issue(desk, key)));
            let read = read.with("per_page", PAGE.to_string()).with("page", page.to_string());
            let answer = desk.ask(&call(read)).await?;
            comments.extend(list(&answer).iter().map(|one| Comment {
                id: word(&one["id"]),
                who: word(&one["user"]["login"]),
                text: word(&one["body"]),
            }));
            if list(&answer).len() < PAGE {
                break;
            }
        }
        Ok(comments)
    }

    async fn comment(&self, desk: &Desk, key: &str, text: &str) -> Asked<()> {
        let path = format!("{}/comments", issue(desk, key));
        let body = json!({ "body": markdown(text) });
        desk.ask(&call(Call::post(path, body))).await.map(drop)
    }

    async fn shift(&self, desk: &Desk, at: &Ticket, to: &Target<'_>) -> Asked<()> {
        let body = match to.word {
            "closed" => json!({ "state": "closed", "state_reason": "completed" }),
            "open" => json!({ "state": "open" }),
            other => {
                return Err(refused(format!(
                    "GitHub knows \"open\" and \"closed\", not \"{other}\": mend `states` of the tracker {}.",
                    desk.config.id
                )));
            }
        };
        let change = Call::new(Verb::Patch, issue(desk, &at.key), Body::Json(body));
        desk.ask(&call(change)).await.map(drop)
    }
}
