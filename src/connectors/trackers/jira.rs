//! Jira Cloud's issues, by version 3 of its REST API. Data Center speaks version 2, with texts in another
//! format and another search, and is not spoken here.
//!
//! An issue is known by a label that holds the incident's id, or by its description's last line.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::text::{headline, incident_line, last_line};
use super::{
    Api, Asked, Comment, Desk, Draft, Target, Ticket, adf, list, refused, segment, unknown, word,
};
use crate::connectors::outbound::Call;
use crate::domain::{Severity, Status};

/// Entries on one page, and most pages that are read.
const PAGE: usize = 100;
const PAGES: usize = 10;
/// Issues that are asked for by one search.
const AT_ONCE: usize = 50;
/// Numbers are given one after another; so many missing ones in a row are the end.
const GAP: usize = 4;
/// Most letters of an issue's summary.
const TITLE: usize = 255;
/// What is asked of an issue.
const FIELDS: &str = "status,updated,labels,description";

/// The API; stateless.
pub(super) struct Jira;

fn path(key: &str) -> String {
    format!("/rest/api/3/issue/{}", segment(key))
}

/// The label of an incident's issue; labels have no blanks.
fn label(incident: &str) -> String {
    let word = incident.replace(char::is_whitespace, "-").to_lowercase();
    format!("quarterdeck-{word}")
}

/// A text as JQL takes it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn version(one: &Value) -> String {
    format!("{} {}", word(&one["fields"]["updated"]), word(&one["fields"]["status"]["name"]))
}

fn carries(one: &Value, incident: &str) -> bool {
    let label = label(incident);
    list(&one["fields"]["labels"]).iter().any(|one| word(one) == label)
        || last_line(&adf::plain(&one["fields"]["description"])) == incident_line(incident)
}

/// Whether a status is what a word says: its name, or the usual name of its category, which people may have
/// translated or divided.
fn fits(status: &str, category: &str, word: &str) -> bool {
    let usual = match word {
        "In Progress" => "indeterminate",
        "Done" => "done",
        _ => "",
    };
    status.to_lowercase() == word.to_lowercase() || (!usual.is_empty() && category == usual)
}

impl Jira {
    /// A gateway that takes scoped tokens is not where people look; it says itself where that is.
    async fn site(desk: &Desk) -> Asked<String> {
        if !desk.base.starts_with("https://api.atlassian.com/") {
            return Ok(desk.base.clone());
        }
        let said = desk.ask(&Call::get("/rest/api/3/serverInfo")).await?;
        let site = word(&said["baseUrl"]);
        Ok(Some(site).filter(|site| site.starts_with("https://")).unwrap_or_default())
    }

    async fn ticket(desk: &Desk, one: &Value) -> Asked<Option<Ticket>> {
        let Some(key) = Some(word(&one["key"])).filter(|key| !key.is_empty()) else {
            return Ok(None);
        };
        let status = &one["fields"]["status"];
        let (state, group) = (word(&status["name"]), word(&status["statusCategory"]["key"]));
        let site = Self::site(desk).await?;
        let url = match site.as_str() {
            "" => site,
            site => format!("{site}/browse/{key}"),
        };
        Ok(Some(Ticket { key, url, done: group == "done", state, group, version: version(one) }))
    }

    async fn issue(desk: &Desk, key: &str) -> Asked<Option<Value>> {
        desk.maybe(&Call::get(path(key)).with("fields", FIELDS)).await
    }

    /// One page of a search. It lags behind what was written, by seconds or more.
    async fn search(desk: &Desk, query: String, most: usize) -> Asked<Vec<Value>> {
        let search = Call::get("/rest/api/3/search/jql").with("jql", query).with("fields", FIELDS);
        let found = desk.maybe(&search.with("maxResults", most.to_string())).await?;
        let found = found.ok_or_else(|| {
            refused(format!(
                "No version 3 of Jira's REST API answers there (404): check `url` of the tracker {}. \
                 Jira Data Center has version 2 only, which Quarterdeck does not speak.",
                desk.config.id
            ))
        })?;
        Ok(list(&found["issues"]).to_vec())
    }

    /// The issue of an incident among those that the search does not show yet: their numbers follow.
    async fn among_the_newest(desk: &Desk, incident: &str) -> Asked<Option<Value>> {
        let project = &desk.config.project;
        let query = format!("project = {} ORDER BY key DESC", quoted(project));
        let newest = Self::search(desk, query, 1).await?;
        let newest = newest.first().map(|one| word(&one["key"])).unwrap_or_default();
        let (prefix, number) = newest.rsplit_once('-').unwrap_or((project, "0"));
        let Ok(number) = number.parse::<u64>() else { return Ok(None) };
        let mut missed = 0;
        for next in (number + 1..).take(AT_ONCE) {
            match Self::issue(desk, &format!("{prefix}-{next}")).await? {
                Some(one) if carries(&one, incident) => return Ok(Some(one)),
                Some(_) => missed = 0,
                None => missed += 1,
            }
            if missed == GAP {
                break;
            }
        }
        Ok(None)
    }

    /// The issue type that is configured, else the project's first that stands by itself.
    async fn issue_type(desk: &Desk) -> Asked<Value> {
        if !desk.config.ticket_type.is_empty() {
            return Ok(json!({ "name": &*desk.config.ticket_type }));
        }
        let project = segment(&desk.config.project);
        let path = format!("/rest/api/3/issue/createmeta/{project}/issuetypes");
        let types = desk.ask(&Call::get(path)).await?;
        let alone = |one: &&Value| one["subtask"] != Value::Bool(true);
        let first = list(&types["issueTypes"]).iter().find(alone).ok_or_else(|| {
            refused(format!(
                "Our account may make no issue in the project {}: check its permissions, or name `type` \
                 of the tracker {}.",
                desk.config.project, desk.config.id
            ))
        })?;
        Ok(json!({ "id": word(&first["id"]) }))
    }
}

impl Api for Jira {
    fn word(&self, status: Status) -> &'static str {
        match status {
            Status::Resolved | Status::Closed => "Done",
            _ => "In Progress",
        }
    }

    fn reached(&self, ticket: &Ticket, to: &Target<'_>) -> bool {
        fits(&ticket.state, &ticket.group, to.word)
    }

    async fn find(&self, desk: &Desk, incident: &str) -> Asked<Option<Ticket>> {
        let (label, text) = (quoted(&label(incident)), quoted(&quoted(incident)));
        let query = format!("labels = {label} OR description ~ {text} ORDER BY key ASC");
        let found = Self::search(desk, query, AT_ONCE).await?;
        let found = match found.into_iter().find(|one| carries(one, incident)) {
            Some(one) => Some(one),
            None => Self::among_the_newest(desk, incident).await?,
        };
        match found {
            Some(one) => Self::ticket(desk, &one).await,
            None => Ok(None),
        }
    }

    async fn create(&self, desk: &Desk, draft: &Draft<'_>) -> Asked<Ticket> {
        let usual = match draft.severity {
            Severity::Sev1 => "Highest",
            Severity::Sev2 => "High",
            Severity::Sev3 => "Medium",
            _ => "Low",
        };
        let labels = desk.labels(&label(draft.incident)).into_iter();
        let labels: Vec<_> = labels.map(|one| one.replace(char::is_whitespace, "-")).collect();
        let mut fields = json!({
            "project": { "key": &*desk.config.project },
            "issuetype": Self::issue_type(desk).await?,
            "summary": headline(draft.title, TITLE),
            "description": adf::document(&draft.body),
            "labels": labels,
            "priority": { "name": draft.priority.unwrap_or(usual) },
        });
        loop {
            let call = Call::post("/rest/api/3/issue", json!({ "fields": fields }));
            let reply = desk.web.call(&call).await?;
            // A project need not have these fields, or these words; nothing was made then.
            let said: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
            let without = ["labels", "priority"].into_iter().find(|name| {
                reply.status == 400
                    && said["errors"][name].is_string()
                    && fields[name] != Value::Null
                    && (*name == "labels" || draft.priority.is_none())
            });
            if let (Some(name), Some(fields)) = (without, fields.as_object_mut()) {
                fields.remove(name);
                continue;
            }
            let made = desk.read(&reply)?.unwrap_or_default();
            let key = word(&made["key"]);
            if key.is_empty() {
                return Err(unknown("It took the ticket and did not say which it is."));
            }
            let url = Self::site(desk).await.unwrap_or_default();
            let url = if url.is_empty() { url } else { format!("{url}/browse/{key}") };
            let (state, group, version) = <(String, String, String)>::default();
            return Ok(Ticket { key, url, done: false, state, group, version });
        }
    }

    async fn read(&self, desk: &Desk, key: &str) -> Asked<Option<Ticket>> {
        match Self::issue(desk, key).await? {
            Some(one) => Self::ticket(desk, &one).await,
            None => Ok(None),
        }
    }

    async fn versions(&self, desk: &Desk, keys: &[&str]) -> BTreeMap<String, String> {
        let mut versions = BTreeMap::new();
        for some in keys.chunks(AT_ONCE) {
            let names: Vec<_> = some.iter().map(|key| quoted(key)).collect();
            let query = format!("key in ({})", names.join(", "));
            // One that is gone spoils the whole question; then each is asked for by itself.
            let found = Self::search(desk, query, AT_ONCE).await.unwrap_or_default();
            versions.extend(found.iter().map(|one| (word(&one["key"]), version(one))));
        }
        versions
    }

    async fn comments(&self, desk: &Desk, key: &str) -> Asked<Vec<Comment>> {
        let mut comments = Vec::new();
        for _ in 0..PAGES {
            let read = Call::get(format!("{}/comment", path(key))).with("orderBy", "created");
            let read = read.with("startAt", comments.len().to_string());
            let answer = desk.ask(&read.with("maxResults", PAGE.to_string())).await?;
            let page = list(&answer["comments"]);
            comments.extend(page.iter().map(|one| Comment {
                id: word(&one["id"]),
                who: word(&one["author"]["displayName"]),
                text: adf::plain(&one["body"]),
            }));
            if page.is_empty() || answer["total"].as_u64() == Some(comments.len() as u64) {
                break;
            }
        }
        Ok(comments)
    }

    async fn comment(&self, desk: &Desk, key: &str, text: &str) -> Asked<()> {
        let body = json!({ "body": adf::document(text) });
        desk.ask(&Call::post(format!("{}/comment", path(key)), body)).await.map(drop)
    }

    async fn shift(&self, desk: &Desk, at: &Ticket, to: &Target<'_>) -> Asked<()> {
        let path = format!("{}/transitions", path(&at.key));
        let offered = desk.ask(&Call::get(path.clone())).await?;
        let ways = list(&offered["transitions"]);
        let status = |way: &Value| word(&way["to"]["name"]);
        let lead = |word: &str| -> Vec<&Value> {
            let category = |way: &Value| self::word(&way["to"]["statusCategory"]["key"]);
            ways.iter().filter(|way| fits(&status(way), &category(way), word)).collect()
        };
        let named = |way: &&&Value| status(way).to_lowercase() == to.word.to_lowercase();
        let leading = lead(to.word);
        let chosen = leading.iter().find(named).or(match leading.as_slice() {
            [only] => Some(only),
            _ => None,
        });
        let Some(way) = chosen else {
            let words: Vec<_> = ways
                .iter()
                .map(|way| format!("\"{}\" (by \"{}\")", status(way), word(&way["name"])))
                .collect();
            let words = if words.is_empty() { "nowhere".to_owned() } else { words.join(", ") };
            let why = if leading.is_empty() { "no way leads" } else { "several ways lead" };
            return Err(refused(format!(
                "From \"{}\" {why} to \"{}\"; our account may move {} to: {words}. Move it there by hand, \
                 or name one of these statuses under `states` of the tracker {}.",
                at.state, to.word, at.key, desk.config.id
            )));
        };
        let body = json!({ "transition": { "id": word(&way["id"]) } });
        desk.ask(&Call::post(path, body)).await.map(drop)
    }
}
