//! PagerDuty: incidents of one service, each with a key that only one open incident may have.

use serde_json::{Value, json};

use super::{Answer, Contract, Request, Vendor};

/// The service `PSVC1`.
#[derive(Default)]
pub(crate) struct Pagerduty {
    pub(crate) incidents: Vec<Value>,
    /// By incident.
    pub(crate) notes: Vec<(String, Value)>,
    ticks: u64,
}

fn wrong(status: u16, why: &str) -> Answer {
    let said = json!({ "message": "Invalid Input Provided", "code": 2001, "errors": [why] });
    Answer::new(status, json!({ "error": said }).to_string())
}

impl Pagerduty {
    fn now(&mut self) -> String {
        self.ticks += 1;
        format!("2026-11-22T10:{:02}:{:02}Z", self.ticks / 60, self.ticks % 60)
    }

    pub(crate) fn say(&mut self, id: &str, who: &str, text: &str) -> Value {
        let now = self.now();
        let number = self.notes.len();
        let note = json!({
            "id": format!("PN{number}"), "user": { "summary": who, "type": "user_reference" },
            "content": text, "created_at": now,
        });
        self.notes.push((id.to_owned(), note.clone()));
        note
    }

    fn create(&mut self, said: &Value) -> Answer {
        if said["service"]["id"] != "PSVC1" {
            return wrong(400, "Service Not Found");
        }
        let key = &said["incident_key"];
        let open = |one: &&Value| one["status"] != "resolved" && one["incident_key"] == *key;
        if self.incidents.iter().find(open).is_some() {
            return wrong(
                400,
                "Open incident with matching dedup key already exists on this service",
            );
        }
        if !matches!(said["priority"]["id"].as_str(), None | Some("PPRIO1")) {
            return wrong(400, "Priority Not Found");
        }
        let mut one = said.clone();
        let id = format!("Q{:07}", self.incidents.len() + 1);
        one["html_url"] = json!(format!("https://acme.pagerduty.com/incidents/{id}"));
        (one["id"], one["status"]) = (json!(id), json!("triggered"));
        one["updated_at"] = json!(self.now());
        self.incidents.push(one.clone());
        Answer::new(201, json!({ "incident": one }).to_string())
    }

    fn change(&mut self, at: usize, said: &Value) -> Answer {
        let now = self.now();
        let one = &mut self.incidents[at];
        if let Some(status) = said["status"].as_str() {
            if one["status"] == "resolved" && status == "resolved" {
                return wrong(400, "Incident Already Resolved");
            }
            (one["status"], one["updated_at"]) = (json!(status), json!(now));
        }
        Answer::new(200, json!({ "incident": one }).to_string())
    }
}

impl Vendor for Pagerduty {
    fn contract(&self) -> Option<Contract> {
        Some(Contract::new(include_str!("../../../fixtures/openapi/pagerduty.yaml")))
    }

    fn answer(&mut self, request: &Request) -> Answer {
        if request.header("authorization") != Some("Token token=pd-key") {
            let said = json!({ "error": { "message": "Unauthorized", "code": 2006 } });
            return Answer::new(401, said.to_string());
        }
        if request.method != "GET" && request.header("from") != Some("ic@example.test") {
            return wrong(400, "Requester User Not Found");
        }
        let parts: Vec<&str> = request.path_only().trim_start_matches('/').split('/').collect();
        let at = parts.get(1).map(|id| self.incidents.iter().position(|one| one["id"] == *id));
        if at == Some(None) {
            let said = json!({ "error": { "message": "Not Found", "code": 2100 } });
            return Answer::new(404, said.to_string());
        }
        let at = at.flatten().unwrap_or_default();
        match (&*request.method, parts.as_slice()) {
            ("GET", ["incidents"]) => {
                let key = request.asks("incident_key");
                // Without a range, only the last month is looked at.
                let most = if request.asks("date_range") == "all" { 25 } else { 0 };
                let all = self.incidents.iter().filter(|one| one["incident_key"] == key.as_str());
                let found: Vec<&Value> = all.take(most).collect();
                let answer = json!({ "incidents": found, "limit": 25, "offset": 0, "more": false });
                Answer::new(200, answer.to_string())
            }
            ("POST", ["incidents"]) => self.create(&request.json()["incident"]),
            ("GET", ["incidents", _]) => {
                Answer::new(200, json!({ "incident": self.incidents[at] }).to_string())
            }
            ("PUT", ["incidents", _]) => self.change(at, &request.json()["incident"]),
            ("GET", ["incidents", id, "notes"]) => {
                let notes = self.notes.iter().filter(|(of, _)| of == id).map(|(_, note)| note);
                Answer::new(200, json!({ "notes": notes.collect::<Vec<_>>() }).to_string())
            }
            ("POST", ["incidents", id, "notes"]) => {
                let text = request.json()["note"]["content"].as_str().unwrap().to_owned();
                let note = self.say(id, "Quarterdeck", &text);
                Answer::new(200, json!({ "note": note }).to_string())
            }
            other => panic!("described, and not played: {other:?}"),
        }
    }
}
