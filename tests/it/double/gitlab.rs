//! GitLab: issues and notes of one project. Quick actions and mentions in texts are obeyed, as it does.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, Contract, Request, Vendor};

/// The project `acme/checkout`.
#[derive(Default)]
pub(crate) struct Gitlab {
    pub(crate) issues: BTreeMap<u64, Value>,
    pub(crate) notes: BTreeMap<u64, Vec<Value>>,
    /// Who was notified because a text named them.
    pub(crate) mentioned: Vec<String>,
    ticks: u64,
}

fn wrong(status: u16, message: impl Into<Value>) -> Answer {
    Answer::new(status, json!({ "message": message.into() }).to_string())
}

impl Gitlab {
    fn now(&mut self) -> String {
        self.ticks += 1;
        format!("2026-11-22T10:{:02}:{:02}.000Z", self.ticks / 60, self.ticks % 60)
    }

    fn note(&mut self, iid: u64, who: &str, text: &str, system: bool) -> Value {
        let now = self.now();
        let notes = self.notes.entry(iid).or_default();
        let id = iid * 1_000 + notes.len() as u64;
        let one = json!({
            "id": id, "body": text, "author": { "username": who }, "system": system, "created_at": now,
        });
        notes.push(one.clone());
        let issue = self.issues.get_mut(&iid).unwrap();
        issue["updated_at"] = json!(now);
        if !system {
            issue["user_notes_count"] = json!(issue["user_notes_count"].as_u64().unwrap() + 1);
        }
        one
    }

    /// Somebody else says something.
    pub(crate) fn say(&mut self, iid: u64, who: &str, text: &str) {
        self.note(iid, who, text, false);
    }

    fn turn(&mut self, iid: u64, event: &str) {
        let state = if event == "close" { "closed" } else { "opened" };
        if self.issues[&iid]["state"] != state {
            self.issues.get_mut(&iid).unwrap()["state"] = json!(state);
            let word = if event == "close" { "closed" } else { "reopened" };
            self.note(iid, "quarterdeck", word, true);
        }
    }

    /// What GitLab does with a text: commands at a line's beginning, names after a sign.
    fn obey(&mut self, iid: u64, text: &str) {
        if text.lines().any(|line| line == "/close") {
            self.turn(iid, "close");
        }
        for (at, _) in text.match_indices('@') {
            let name: String =
                text[at + 1..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !name.is_empty() {
                self.mentioned.push(name);
            }
        }
    }

    fn create(&mut self, said: &Value) -> Answer {
        let title = said["title"].as_str().unwrap();
        if title.chars().count() > 255 {
            return wrong(400, json!({ "title": ["is too long (maximum is 255 characters)"] }));
        }
        let iid = self.issues.keys().last().copied().unwrap_or(0) + 1;
        let labels: Vec<&str> = said["labels"]
            .as_str()
            .unwrap_or("")
            .split(',')
            .filter(|one| !one.is_empty())
            .collect();
        let now = self.now();
        let text = said["description"].as_str().unwrap_or("");
        let issue = json!({
            "id": 7_000 + iid, "iid": iid, "title": title, "description": text, "labels": labels,
            "state": "opened", "updated_at": now, "user_notes_count": 0,
            "web_url": format!("http://gitlab.invalid/acme/checkout/-/issues/{iid}"),
        });
        self.issues.insert(iid, issue);
        self.obey(iid, text);
        Answer::new(201, self.issues[&iid].to_string())
    }

    fn list(&self, request: &Request, all: Vec<&Value>) -> Answer {
        let number = |name: &str, usual| request.asks(name).parse::<usize>().unwrap_or(usual);
        let (page, most) = (number("page", 1), number("per_page", 20));
        let page: Vec<&Value> = all.into_iter().skip((page - 1) * most).take(most).collect();
        Answer::new(200, json!(page).to_string())
    }
}

impl Vendor for Gitlab {
    fn contract(&self) -> Option<Contract> {
        Some(Contract::new(include_str!("../../../fixtures/openapi/gitlab.yaml")))
    }

    fn answer(&mut self, request: &Request) -> Answer {
        if request.header("authorization") != Some("Bearer glpat-x") {
            return wrong(401, "401 Unauthorized");
        }
        let path = request.path_only().trim_start_matches("/api/v4/projects/");
        let parts: Vec<&str> = path.split('/').collect();
        if parts[0] != "acme%2Fcheckout" {
            return wrong(404, "404 Project Not Found");
        }
        let iid = parts.get(2).and_then(|iid| iid.parse::<u64>().ok());
        if parts.len() > 2 && !iid.is_some_and(|iid| self.issues.contains_key(&iid)) {
            return wrong(404, "404 Issue Not Found");
        }
        let iid = iid.unwrap_or_default();
        match (&*request.method, &parts[1..]) {
            ("GET", ["issues"]) => {
                let (word, place) = (request.asks("search"), request.asks("in"));
                let fields = if place.is_empty() { "title,description".to_owned() } else { place };
                let has = |one: &Value| {
                    fields.split(',').any(|field| one[field].as_str().unwrap().contains(&word))
                };
                let found = self.issues.values().rev().filter(|one| has(one)).collect();
                self.list(request, found)
            }
            ("POST", ["issues"]) => self.create(&request.json()),
            ("GET", ["issues", _]) => Answer::new(200, self.issues[&iid].to_string()),
            ("PUT", ["issues", _]) => {
                self.turn(iid, request.json()["state_event"].as_str().unwrap());
                Answer::new(200, self.issues[&iid].to_string())
            }
            ("GET", ["issues", _, "notes"]) => {
                let mut notes: Vec<&Value> = self.notes.get(&iid).into_iter().flatten().collect();
                if request.asks("sort") != "asc" {
                    notes.reverse();
                }
                self.list(request, notes)
            }
            ("POST", ["issues", _, "notes"]) => {
                let text = request.json()["body"].as_str().unwrap().to_owned();
                let made = self.note(iid, "quarterdeck", &text, false);
                self.obey(iid, &text);
                Answer::new(201, made.to_string())
            }
            other => panic!("described, and not played: {other:?}"),
        }
    }
}
