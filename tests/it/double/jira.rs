//! Jira Cloud: issues of one project, its workflow, and a search that may lag behind.

use std::collections::BTreeMap;

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use super::{Answer, Contract, Request, Vendor, against};

/// A way from one status to another: from, id, name, to.
pub(crate) type Way = (&'static str, &'static str, &'static str, &'static str);

/// Statuses and the keys of their categories.
const STATUSES: [(&str, &str); 6] = [
    ("To Do", "new"),
    ("In Progress", "indeterminate"),
    ("Monitoring", "indeterminate"),
    ("Done", "done"),
    ("Won't Do", "done"),
    ("Geschlossen", "done"),
];
const PRIORITIES: [&str; 5] = ["Highest", "High", "Medium", "Low", "Lowest"];

/// One project `OPS`.
pub(crate) struct Jira {
    pub(crate) issues: BTreeMap<u64, Issue>,
    /// What the search knows.
    indexed: BTreeMap<u64, Issue>,
    /// Whether the search knows nothing new.
    pub(crate) lags: bool,
    /// The number of the last issue, there or not.
    pub(crate) last: u64,
    pub(crate) workflow: Vec<Way>,
    /// Fields that an issue may be made with.
    pub(crate) screen: Vec<&'static str>,
    /// What `authorization` may say.
    pub(crate) knows: Vec<&'static str>,
    ticks: u64,
    document: Validator,
}

#[derive(Clone)]
pub(crate) struct Issue {
    pub(crate) fields: Value,
    pub(crate) status: &'static str,
    pub(crate) comments: Vec<Value>,
    updated: String,
}

/// How Jira says no.
fn wrong(status: u16, message: &str, field: &str) -> Answer {
    let mut said = json!({ "errorMessages": [], "errors": {} });
    match field {
        "" => said["errorMessages"] = json!([message]),
        field => said["errors"][field] = json!(message),
    }
    Answer::new(status, said.to_string())
}

fn status(name: &str) -> Value {
    let category = STATUSES.iter().find(|(status, _)| *status == name).unwrap().1;
    json!({ "name": name, "statusCategory": { "key": category } })
}

impl Jira {
    pub(crate) fn new() -> Self {
        let document: Value =
            serde_json::from_str(include_str!("../../../fixtures/openapi/adf.json")).unwrap();
        Self {
            issues: BTreeMap::new(),
            indexed: BTreeMap::new(),
            lags: false,
            last: 0,
            workflow: vec![
                ("To Do", "21", "Start work", "In Progress"),
                ("To Do", "31", "Resolve", "Done"),
                ("In Progress", "31", "Resolve", "Done"),
                ("In Progress", "41", "Reject", "Won't Do"),
                ("In Progress", "51", "Watch", "Monitoring"),
                ("Monitoring", "31", "Resolve", "Done"),
                ("Done", "61", "Reopen", "In Progress"),
            ],
            screen: vec!["project", "issuetype", "summary", "description", "labels", "priority"],
            // kim@example.test:t0ken
            knows: vec!["Basic a2ltQGV4YW1wbGUudGVzdDp0MGtlbg==", "Bearer t0ken"],
            ticks: 0,
            document: jsonschema::options().with_draft(Draft::Draft4).build(&document).unwrap(),
        }
    }

    fn now(&mut self) -> String {
        self.ticks += 1;
        format!("2026-11-22T10:{:02}:{:02}.000+0000", self.ticks / 60, self.ticks % 60)
    }

    /// Somebody else says something.
    pub(crate) fn say(&mut self, number: u64, who: &str, text: &str) {
        let content =
            json!([{ "type": "paragraph", "content": [{ "type": "text", "text": text }] }]);
        let body = json!({ "type": "doc", "version": 1, "content": content });
        self.comment(number, who, body);
    }

    fn comment(&mut self, number: u64, who: &str, body: Value) -> Value {
        let now = self.now();
        let issue = self.issues.get_mut(&number).unwrap();
        let id = format!("1{number}{:03}", issue.comments.len());
        let one = json!({ "id": id, "author": { "displayName": who }, "body": body });
        issue.comments.push(one.clone());
        issue.updated = now;
        one
    }

    fn text_is_good(&self, body: &Value) -> Result<(), String> {
        against(&self.document, body)?;
        let long = body.to_string().chars().count();
        if long > 32_767 { Err(format!("CONTENT_LIMIT_EXCEEDED {long}")) } else { Ok(()) }
    }

    fn create(&mut self, fields: Value) -> Answer {
        for name in fields.as_object().unwrap().keys() {
            if !self.screen.contains(&name.as_str()) {
                let why = format!(
                    "Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
                );
                return wrong(400, &why, name);
            }
        }
        if fields["project"]["key"] != "OPS" {
            return wrong(400, "valid project is required", "project");
        }
        let kind = &fields["issuetype"];
        if kind["id"] != "10002" && kind["name"] != "Incident" {
            return wrong(400, "Specify a valid issue type", "issuetype");
        }
        let title = fields["summary"].as_str().unwrap_or_default();
        if title.is_empty() || title.chars().count() > 255 || title.contains('\n') {
            return wrong(400, "Summary must be one line of at most 255 characters.", "summary");
        }
        let labels = fields["labels"].as_array().into_iter().flatten();
        if labels.into_iter().any(|one| one.as_str().is_none_or(|one| one.contains(' '))) {
            return wrong(400, "The label can't contain spaces.", "labels");
        }
        let priority = &fields["priority"]["name"];
        if !priority.is_null() && !PRIORITIES.iter().any(|one| *priority == **one) {
            return wrong(400, "The priority selected is invalid.", "priority");
        }
        if let Err(why) = self.text_is_good(&fields["description"]) {
            return wrong(400, &why, "description");
        }
        self.last += 1;
        let (number, updated) = (self.last, self.now());
        let issue = Issue { fields, status: "To Do", comments: Vec::new(), updated };
        self.issues.insert(number, issue);
        let made =
            json!({ "id": format!("1000{number}"), "key": format!("OPS-{number}"), "self": "x" });
        Answer::new(201, made.to_string())
    }

    fn shown(number: u64, issue: &Issue, asked: &str) -> Value {
        let mut fields = json!({});
        for name in asked.split(',') {
            fields[name] = match name {
                "status" => status(issue.status),
                "updated" => json!(issue.updated),
                name => issue.fields[name].clone(),
            };
        }
        json!({ "id": format!("1000{number}"), "key": format!("OPS-{number}"), "fields": fields })
    }

    /// The few forms of a question that are asked here; anything else is refused, as unknown JQL is.
    fn search(&self, request: &Request) -> Answer {
        let query = request.asks("jql");
        let (what, order) = query.split_once(" ORDER BY ").unwrap_or((&query, "key ASC"));
        let text = |value: &str| value.trim_matches(['"', '\\']).to_owned();
        let mut found = Vec::new();
        for clause in what.split(" OR ") {
            let mut words = clause.splitn(3, ' ');
            let [field, sign, value] = [(); 3].map(|()| words.next().unwrap_or_default());
            let values: Vec<String> =
                value.trim_matches(['(', ')']).split(", ").map(text).collect();
            let fits = |number: u64, issue: &Issue| -> Result<bool, String> {
                let list = |name: &str| issue.fields[name].to_string();
                Ok(match (field, sign) {
                    ("labels", "=") => list("labels").contains(&format!("\"{}\"", values[0])),
                    ("description", "~") => list("description").contains(&values[0]),
                    ("project", "=") => true,
                    ("key", "in") => values.contains(&format!("OPS-{number}")),
                    _ => {
                        return Err(format!(
                            "Field '{field}' does not exist or {sign} is no operator."
                        ));
                    }
                })
            };
            if field == "project" && values[0] != "OPS" {
                let why =
                    format!("The value '{}' does not exist for the field 'project'.", values[0]);
                return wrong(400, &why, "");
            }
            let there =
                |key: &str| self.indexed.keys().any(|number| key == format!("OPS-{number}"));
            if let Some(gone) = values.iter().find(|key| field == "key" && !there(key)) {
                let why = format!("An issue with key '{gone}' does not exist for field 'key'.");
                return wrong(400, &why, "");
            }
            for (number, issue) in &self.indexed {
                match fits(*number, issue) {
                    Ok(true) if !found.contains(number) => found.push(*number),
                    Ok(_) => {}
                    Err(why) => return wrong(400, &why, ""),
                }
            }
        }
        found.sort_unstable();
        if order == "key DESC" {
            found.reverse();
        }
        let most: usize = request.asks("maxResults").parse().unwrap();
        let asked = request.asks("fields");
        let page = found.iter().take(most).map(|n| Self::shown(*n, &self.indexed[n], &asked));
        let mut answer =
            json!({ "issues": page.collect::<Vec<_>>(), "isLast": found.len() <= most });
        if found.len() > most {
            answer["nextPageToken"] = json!("CAEaAggC");
        }
        Answer::new(200, answer.to_string())
    }

    fn transitions(&mut self, number: u64, request: &Request) -> Answer {
        let at = self.issues[&number].status;
        let ways: Vec<Way> = self.workflow.iter().filter(|way| way.0 == at).copied().collect();
        if request.method == "GET" {
            let ways = ways
                .iter()
                .map(|(_, id, name, to)| json!({ "id": id, "name": name, "to": status(to) }));
            return Answer::new(
                200,
                json!({ "transitions": ways.collect::<Vec<_>>() }).to_string(),
            );
        }
        let id = request.json()["transition"]["id"].clone();
        let Some(way) = ways.iter().find(|way| id == way.1) else {
            return wrong(
                400,
                "It seems that you have tried to perform a workflow operation that is not \
                               valid for the current state of this issue.",
                "",
            );
        };
        let now = self.now();
        let issue = self.issues.get_mut(&number).unwrap();
        (issue.status, issue.updated) = (way.3, now);
        Answer::new(204, "")
    }
}

impl Vendor for Jira {
    fn contract(&self) -> Option<Contract> {
        Some(Contract::new(include_str!("../../../fixtures/openapi/jira.json")))
    }

    fn answer(&mut self, request: &Request) -> Answer {
        if !self.knows.iter().any(|known| request.header("authorization") == Some(known)) {
            return wrong(401, "Client must be authenticated to access this resource.", "");
        }
        if !self.lags {
            self.indexed = self.issues.clone();
        }
        let path = request.path_only().trim_start_matches("/rest/api/3/");
        let parts: Vec<&str> = path.split('/').collect();
        match (&*request.method, parts.as_slice()) {
            ("GET", ["search", "jql"]) => self.search(request),
            ("POST", ["issue"]) => self.create(request.json()["fields"].clone()),
            ("GET", ["issue", "createmeta", "OPS", "issuetypes"]) => {
                let types = json!([
                    { "id": "10001", "name": "Sub-task", "subtask": true },
                    { "id": "10002", "name": "Incident", "subtask": false },
                ]);
                Answer::new(200, json!({ "issueTypes": types, "total": 2 }).to_string())
            }
            (method, ["issue", key, rest @ ..]) => {
                let number = key.strip_prefix("OPS-").and_then(|number| number.parse().ok());
                let Some(number) = number.filter(|number| self.issues.contains_key(number)) else {
                    let why = "Issue does not exist or you do not have permission to see it.";
                    return wrong(404, why, "");
                };
                match (method, rest) {
                    ("GET", []) => {
                        let one =
                            Self::shown(number, &self.issues[&number], &request.asks("fields"));
                        Answer::new(200, one.to_string())
                    }
                    ("GET", ["comment"]) => {
                        let all = &self.issues[&number].comments;
                        let from: usize = request.asks("startAt").parse().unwrap();
                        let most: usize = request.asks("maxResults").parse().unwrap();
                        let page: Vec<&Value> = all.iter().skip(from).take(most).collect();
                        let page = json!({ "comments": page, "startAt": from, "total": all.len() });
                        Answer::new(200, page.to_string())
                    }
                    ("POST", ["comment"]) => {
                        let body = request.json()["body"].clone();
                        match self.text_is_good(&body) {
                            Ok(()) => {
                                let made = self.comment(number, "Quarterdeck", body);
                                Answer::new(201, made.to_string())
                            }
                            Err(why) => wrong(400, &why, "comment"),
                        }
                    }
                    _ => self.transitions(number, request),
                }
            }
            other => panic!("described, and not played: {other:?}"),
        }
    }
}
