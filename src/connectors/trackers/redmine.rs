//! Redmine's REST API. Whoever asks with a wrong key may be answered as a passer-by, with empty lists and an
//! honest 200; a status its workflow does not allow is left out of a change without a word.

use serde_json::{Value, json};

use super::text::{headline, incident_line, last_line, unmarked};
use super::{
    Api, Asked, Comment, Desk, Draft, Target, Ticket, list, refused, segment, unknown, word,
};
use crate::connectors::outbound::{Body, Call, Verb};
use crate::domain::{Severity, Status};

/// Entries on one page, and most pages that are read.
const PAGE: usize = 100;
const PAGES: usize = 10;

/// The API; stateless.
pub(super) struct Redmine;

fn path(key: &str) -> String {
    format!("/issues/{}.json", segment(key.trim_start_matches('#')))
}

/// Issues of the project whose description names the incident, oldest first.
fn search(desk: &Desk, incident: &str, page: usize) -> Call {
    Call::get("/issues.json")
        .with("project_id", desk.config.project.as_str())
        .with("status_id", "*")
        .with("description", format!("~{incident}"))
        .with("sort", "id:asc")
        .with("limit", PAGE.to_string())
        .with("offset", (page * PAGE).to_string())
}

/// Changes an issue: a note, another status.
fn change(key: &str, issue: Value) -> Call {
    Call::new(Verb::Put, path(key), Body::Json(json!({ "issue": issue })))
}

fn ticket(desk: &Desk, issue: &Value) -> Option<Ticket> {
    let number = issue["id"].as_u64()?;
    let status = &issue["status"];
    let last = list(&issue["journals"]).last().map(|journal| word(&journal["id"]));
    Some(Ticket {
        key: format!("#{number}"),
        url: desk.link(&format!("/issues/{number}")),
        state: word(&status["name"]),
        done: status["is_closed"].as_bool().unwrap_or(false),
        // Times count whole seconds; what is said or changed within one is told by its journal.
        version: format!("{} {}", word(&issue["updated_on"]), last.unwrap_or_default()),
        group: String::new(),
    })
}

/// What was said; journals without a note only tell what was changed.
fn notes(issue: &Value) -> Vec<Comment> {
    let journals = list(&issue["journals"]).iter();
    let said = journals.filter(|journal| !word(&journal["notes"]).is_empty());
    said.map(|journal| Comment {
        id: word(&journal["id"]),
        who: word(&journal["user"]["name"]),
        text: word(&journal["notes"]),
    })
    .collect()
}

/// The id of an entry by its name.
fn named(all: &Value, name: &str) -> Option<u64> {
    let is_it = |one: &&Value| word(&one["name"]).eq_ignore_ascii_case(name);
    list(all).iter().find(is_it).and_then(|one| one["id"].as_u64())
}

fn names(all: &Value) -> String {
    let names: Vec<String> = list(all).iter().map(|one| word(&one["name"])).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl Redmine {
    /// Where anybody may read, a wrong key is no error but somebody else: nobody.
    async fn signed_in(desk: &Desk) -> Asked<()> {
        let me = desk.ask(&Call::get("/users/current.json")).await?;
        if me["user"]["id"].is_u64() {
            return Ok(());
        }
        Err(refused(format!(
            "It does not say who we are, so our key is not accepted: check `auth` of the tracker {}, and \
             that its REST API is switched on.",
            desk.config.id
        )))
    }

    async fn issue(desk: &Desk, key: &str, include: &str) -> Asked<Option<Value>> {
        let read = Call::get(path(key)).with("include", include);
        Ok(desk.maybe(&read).await?.map(|answer| answer["issue"].clone()))
    }

    /// The id behind a configured word.
    async fn id_of(desk: &Desk, list: &str, key: &str, setting: &str, name: &str) -> Asked<u64> {
        let all = desk.ask(&Call::get(list)).await?[key].clone();
        named(&all, name).ok_or_else(|| {
            refused(format!(
                "It has no \"{name}\": mend `{setting}` of the tracker {}; there are {}.",
                desk.config.id,
                names(&all)
            ))
        })
    }

    /// Its usual word for how bad it is, where its administrator has left that in place.
    async fn usual_priority(desk: &Desk, severity: Severity) -> Asked<Option<u64>> {
        let name = match severity {
            Severity::Sev1 => "Immediate",
            Severity::Sev2 => "Urgent",
            Severity::Sev3 => "High",
            _ => return Ok(None),
        };
        let all = desk.ask(&Call::get(PRIORITIES)).await?;
        Ok(named(&all["issue_priorities"], name))
    }
}

const PRIORITIES: &str = "/enumerations/issue_priorities.json";

impl Api for Redmine {
    fn word(&self, status: Status) -> &'static str {
        match status {
            Status::Investigating | Status::Identified | Status::Monitoring => "In Progress",
            Status::Resolved | Status::Closed => "Closed",
        }
    }

    async fn find(&self, desk: &Desk, incident: &str) -> Asked<Option<Ticket>> {
        Self::signed_in(desk).await?;
        let mark = incident_line(incident);
        for page in 0..PAGES {
            let found = desk.ask(&search(desk, incident, page)).await?;
            let issues = list(&found["issues"]);
            let ours = issues.iter().find(|one| last_line(&word(&one["description"])) == mark);
            if ours.is_some() || issues.len() < PAGE {
                return Ok(ours.and_then(|one| ticket(desk, one)));
            }
        }
        Ok(None)
    }

    async fn create(&self, desk: &Desk, draft: &Draft<'_>) -> Asked<Ticket> {
        let priority = match draft.priority {
            Some(name) => {
                let all = "issue_priorities";
                Some(Self::id_of(desk, PRIORITIES, all, "priorities", name).await?)
            }
            None => Self::usual_priority(desk, draft.severity).await?,
        };
        let kind = match desk.config.ticket_type.as_str() {
            "" => None,
            name => Some(Self::id_of(desk, "/trackers.json", "trackers", "type", name).await?),
        };
        // It has no labels of its own.
        let labels = match desk.labels("").join(", ").as_str() {
            "" => String::new(),
            labels => format!("Labels: {labels}\n\n"),
        };
        let mut issue = json!({
            "project_id": desk.config.project.as_str(),
            "subject": headline(draft.title, 255),
            "description": format!("{labels}{}", unmarked(&draft.body)),
        });
        for (key, id) in [("priority_id", priority), ("tracker_id", kind)] {
            if let Some(id) = id {
                issue[key] = json!(id);
            }
        }
        let made = desk.ask(&Call::post("/issues.json", json!({ "issue": issue }))).await?;
        ticket(desk, &made["issue"])
            .ok_or_else(|| unknown("It took the ticket and did not say which it is."))
    }

    async fn read(&self, desk: &Desk, key: &str) -> Asked<Option<Ticket>> {
        let issue = Self::issue(desk, key, "journals").await?;
        Ok(issue.and_then(|issue| ticket(desk, &issue)))
    }

    async fn comments(&self, desk: &Desk, key: &str) -> Asked<Vec<Comment>> {
        let issue = Self::issue(desk, key, "journals").await?.unwrap_or_default();
        Ok(notes(&issue))
    }

    async fn comment(&self, desk: &Desk, key: &str, text: &str) -> Asked<()> {
        // Where passers-by may speak, they would be taken for us.
        Self::signed_in(desk).await?;
        desk.ask(&change(key, json!({ "notes": unmarked(text) }))).await.map(drop)
    }

    async fn shift(&self, desk: &Desk, at: &Ticket, to: &Target<'_>) -> Asked<()> {
        Self::signed_in(desk).await?;
        let issue = Self::issue(desk, &at.key, "allowed_statuses").await?.unwrap_or_default();
        let allowed = &issue["allowed_statuses"];
        let id = match named(allowed, to.word) {
            Some(id) => id,
            // Before 5.0 it did not say what is allowed.
            None if allowed.is_null() => {
                let all = "issue_statuses";
                Self::id_of(desk, "/issue_statuses.json", all, "states", to.word).await?
            }
            None => {
                return Err(refused(format!(
                    "Its workflow does not let our account move {} from \"{}\" to \"{}\", only to {}. Move \
                     it there by hand, or name another word under `states` of the tracker {}.",
                    at.key,
                    at.state,
                    to.word,
                    names(allowed),
                    desk.config.id
                )));
            }
        };
        desk.ask(&change(&at.key, json!({ "status_id": id }))).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::super::recorded::{desk, recorded};
    use super::*;
    use crate::connectors::outbound::config::TrackerKind;

    #[test]
    fn a_ticket_is_read_as_it_was_recorded() {
        let (asked, said) =
            recorded(include_str!("../../../fixtures/trackers/redmine/05-get.json"));
        assert_eq!(asked, format!("GET {}", path("#1")));
        let wanted = Ticket {
            key: "#1".into(),
            url: "http://127.0.0.1:1/issues/1".into(),
            state: "In Progress".into(),
            done: false,
            version: "2026-11-22T11:02:01Z 2".into(),
            group: String::new(),
        };
        let desk = desk(TrackerKind::Redmine, "inc");
        assert_eq!(ticket(&desk, &said["issue"]), Some(wanted));
        let comment = |id: &str, text: &str| Comment {
            id: id.into(),
            who: "Redmine Admin".into(),
            text: text.into(),
        };
        let said_there =
            [comment("1", "Mitigating: rolling back to v41"), comment("2", "in progress")];
        assert_eq!(notes(&said["issue"]), said_there);

        let mut closed = said["issue"].clone();
        closed["status"] = json!({ "id": 5, "name": "Closed", "is_closed": true });
        closed["journals"] = json!([{ "id": 3, "notes": "", "user": { "name": "x" } }]);
        let now = ticket(&desk, &closed).unwrap();
        assert_eq!((now.done, &*now.version), (true, "2026-11-22T11:02:01Z 3"));
        assert_eq!(notes(&closed), [], "a change without words");
    }

    #[test]
    fn the_ticket_of_an_incident_is_searched_for_in_every_state() {
        let (asked, _) = recorded(include_str!("../../../fixtures/trackers/redmine/06-list.json"));
        let call = search(&desk(TrackerKind::Redmine, "inc"), "INC-7", 1);
        assert_eq!(asked, format!("GET {}", call.path));
        let query = [
            ("project_id", "inc"),
            ("status_id", "*"),
            ("description", "~INC-7"),
            ("sort", "id:asc"),
            ("limit", "100"),
            ("offset", "100"),
        ];
        assert_eq!(call.query, query.map(|(key, value)| (key, value.to_owned())));
    }

    #[test]
    fn words_are_found_by_name() {
        let (_, said) =
            recorded(include_str!("../../../fixtures/trackers/redmine/07-statuses.json"));
        let all = &said["issue_statuses"];
        assert_eq!(named(all, "in progress"), Some(2));
        assert_eq!(
            (named(all, "2"), named(all, ""), named(&Value::Null, "New")),
            (None, None, None)
        );
        assert_eq!(names(all), "New, In Progress, Resolved, Feedback, Closed, Rejected");
        assert_eq!(names(&Value::Null), "none");
    }

    #[test]
    fn changes_name_the_issue_as_people_do() {
        let call = change("#12", json!({ "notes": "x" }));
        let wanted = Body::Json(json!({ "issue": { "notes": "x" } }));
        assert_eq!((call.verb, &*call.path, call.body), (Verb::Put, "/issues/12.json", wanted));
        assert_eq!(change("12/../../x", json!({})).path, "/issues/12%2F..%2F..%2Fx.json");
    }
}
