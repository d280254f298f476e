//! Statuspage: incidents of one page, each with the updates people read.

use serde_json::{Value, json};

use super::{Answer, Contract, Request, Vendor};

/// The page `p1` with the component `c1`.
#[derive(Default)]
pub(crate) struct Statuspage {
    pub(crate) incidents: Vec<Value>,
}

impl Statuspage {
    /// What was published, by incident: status and text.
    pub(crate) fn published(&self) -> Vec<(&str, &str)> {
        let updates =
            self.incidents.iter().flat_map(|one| one["incident_updates"].as_array().unwrap());
        updates
            .map(|one| (one["status"].as_str().unwrap(), one["body"].as_str().unwrap()))
            .collect()
    }

    fn take(one: &mut Value, said: &Value) {
        for (name, value) in said.as_object().unwrap() {
            one[name] = value.clone();
        }
        let update = json!({ "status": one["status"], "body": said["body"] });
        one["incident_updates"].as_array_mut().unwrap().push(update);
    }
}

impl Vendor for Statuspage {
    fn contract(&self) -> Option<Contract> {
        Some(Contract::new(include_str!("../../../fixtures/openapi/statuspage.yaml")))
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let wrong = |status, why: &str| Answer::new(status, json!({ "error": why }).to_string());
        if request.header("authorization") != Some("OAuth key") {
            return wrong(401, "Could not authenticate");
        }
        let parts: Vec<&str> = request.path_only().split('/').skip(1).collect();
        if parts[2] != "p1" {
            return wrong(404, "Page not found");
        }
        if request.method == "GET" {
            let most = request.asks("limit").parse().unwrap_or(100);
            let newest: Vec<&Value> = self.incidents.iter().rev().take(most).collect();
            return Answer::new(200, json!(newest).to_string());
        }
        let said = request.json()["incident"].clone();
        let components = said["component_ids"].as_array().into_iter().flatten();
        if components.into_iter().any(|id| id != "c1") {
            return wrong(422, "Invalid component id");
        }
        if request.method == "POST" {
            let id = format!("i{}", self.incidents.len());
            let mut one =
                json!({ "id": id, "shortlink": "https://stspg.io/x", "incident_updates": [] });
            Self::take(&mut one, &said);
            self.incidents.push(one.clone());
            return Answer::new(201, one.to_string());
        }
        match self.incidents.iter_mut().find(|one| one["id"] == parts[4]) {
            Some(one) => {
                Self::take(one, &said);
                Answer::new(200, one.to_string())
            }
            None => wrong(404, "Incident not found"),
        }
    }
}
