//! PagerDuty's incidents. Its `incident_key` is our incident's id, so it keeps doubles away itself.

use serde_json::{Value, json};

use super::{
    Api, Asked, Comment, Desk, Draft, Target, Ticket, list, refused, segment, unknown, word,
};
use crate::connectors::outbound::{Body, Call, Verb};
use crate::domain::{Outcome, Severity, Status};

/// The API; stateless.
pub(super) struct Pagerduty;

fn call(desk: &Desk, call: Call) -> Call {
    call.header("accept", "application/vnd.pagerduty+json;version=2")
        .header("from", desk.config.from.to_string())
}

fn path(key: &str) -> String {
    format!("/incidents/{}", segment(key))
}

fn ticket(desk: &Desk, one: &Value) -> Option<Ticket> {
    let key = Some(word(&one["id"])).filter(|id| !id.is_empty())?;
    let state = word(&one["status"]);
    // People look at a host of their own account, which only the answer names.
    let theirs = url::Url::parse(&word(&one["html_url"])).ok().filter(|url| {
        url.scheme() == "https" && url.host_str().is_some_and(|h| h.ends_with(".pagerduty.com"))
    });
    let url = theirs.map_or_else(|| desk.link(&path(&key)), String::from);
    let version = format!("{} {state}", word(&one["updated_at"]));
    Some(Ticket { key, url, done: state == "resolved", state, group: String::new(), version })
}

impl Pagerduty {
    async fn notes(desk: &Desk, key: &str) -> Asked<Value> {
        let read = call(desk, Call::get(format!("{}/notes", path(key))));
        Ok(desk.ask(&read).await?["notes"].clone())
    }
}

impl Api for Pagerduty {
    fn word(&self, status: Status) -> &'static str {
        match status {
            Status::Resolved | Status::Closed => "resolved",
            _ => "acknowledged",
        }
    }

    async fn find(&self, desk: &Desk, incident: &str) -> Asked<Option<Ticket>> {
        let search = Call::get("/incidents").with("incident_key", incident);
        let search = search.with("date_range", "all").with("limit", "25");
        let found = desk.ask(&call(desk, search)).await?;
        let ours = |one: &&Value| word(&one["incident_key"]) == incident;
        Ok(list(&found["incidents"]).iter().find(ours).and_then(|one| ticket(desk, one)))
    }

    async fn create(&self, desk: &Desk, draft: &Draft<'_>) -> Asked<Ticket> {
        let urgent = matches!(draft.severity, Severity::Sev1 | Severity::Sev2);
        let mut incident = json!({
            "type": "incident",
            "title": draft.title,
            "service": { "id": &*desk.config.project, "type": "service_reference" },
            "incident_key": draft.incident,
            "urgency": if urgent { "high" } else { "low" },
            "body": { "type": "incident_body", "details": draft.body },
        });
        // Priorities are an account's own, known by ids.
        if let Some(priority) = draft.priority {
            incident["priority"] = json!({ "id": priority, "type": "priority_reference" });
        }
        let made = Call::post("/incidents", json!({ "incident": incident }));
        let made = match desk.ask(&call(desk, made)).await {
            // Of two consoles at the same moment one is told that there is one by now.
            Err(refused @ Outcome::Refused { .. }) => {
                return self.find(desk, draft.incident).await?.ok_or(refused);
            }
            made => made?,
        };
        ticket(desk, &made["incident"])
            .ok_or_else(|| unknown("It took the incident and did not say which it is."))
    }

    async fn read(&self, desk: &Desk, key: &str) -> Asked<Option<Ticket>> {
        let Some(one) = desk.maybe(&call(desk, Call::get(path(key)))).await? else {
            return Ok(None);
        };
        let Some(mut ticket) = ticket(desk, &one["incident"]) else { return Ok(None) };
        // A note does not change the incident it stands under.
        let notes = Self::notes(desk, key).await?;
        ticket.version = format!("{} {}", ticket.version, list(&notes).len());
        Ok(Some(ticket))
    }

    async fn comments(&self, desk: &Desk, key: &str) -> Asked<Vec<Comment>> {
        let notes = Self::notes(desk, key).await?;
        let comment = |one: &Value| Comment {
            id: word(&one["id"]),
            who: word(&one["user"]["summary"]),
            text: word(&one["content"]),
        };
        Ok(list(&notes).iter().map(comment).collect())
    }

    async fn comment(&self, desk: &Desk, key: &str, text: &str) -> Asked<()> {
        let body = json!({ "note": { "content": text } });
        let note = Call::post(format!("{}/notes", path(key)), body);
        desk.ask(&call(desk, note)).await.map(drop)
    }

    async fn shift(&self, desk: &Desk, at: &Ticket, to: &Target<'_>) -> Asked<()> {
        if !matches!(to.word, "acknowledged" | "resolved") {
            return Err(refused(format!(
                "PagerDuty knows \"acknowledged\" and \"resolved\", not \"{}\": mend `states` of the \
                 tracker {}.",
                to.word, desk.config.id
            )));
        }
        let body = json!({ "incident": { "type": "incident_reference", "status": to.word } });
        let change = Call::new(Verb::Put, path(&at.key), Body::Json(body));
        desk.ask(&call(desk, change)).await.map(drop)
    }
}
