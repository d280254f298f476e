//! What only takes messages: Slack, Teams, ntfy, Twilio, and a hook of one's own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, Contract, Request, Vendor};

/// Slack, with the room `C1`: its Web API and an incoming webhook. Of a long text it keeps the beginning.
#[derive(Default)]
pub(crate) struct Slack {
    /// Oldest first.
    pub(crate) messages: Vec<Value>,
}

impl Slack {
    fn keep(&mut self, text: &str) -> String {
        let ts = format!("1795000000.{:06}", self.messages.len());
        let text: String = text.chars().take(40_000).collect();
        self.messages.push(json!({ "type": "message", "ts": ts, "text": text }));
        ts
    }
}

impl Vendor for Slack {
    fn contract(&self) -> Option<Contract> {
        Some(Contract::new(include_str!("../../../fixtures/openapi/slack.yaml")))
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let said = request.content().unwrap();
        if request.path.starts_with("/services/") {
            self.keep(said["text"].as_str().unwrap());
            return Answer::new(200, "ok");
        }
        let no = |why: &str| Answer::new(200, json!({ "ok": false, "error": why }).to_string());
        if request.header("authorization") != Some("Bearer xoxb-x") {
            return no("invalid_auth");
        }
        if said["channel"] != "C1" {
            return no("channel_not_found");
        }
        if request.path == "/api/chat.postMessage" {
            let ts = self.keep(said["text"].as_str().unwrap_or_default());
            return Answer::new(200, json!({ "ok": true, "channel": "C1", "ts": ts }).to_string());
        }
        let most: usize = said["limit"].as_str().unwrap_or("100").parse().unwrap();
        let newest: Vec<&Value> = self.messages.iter().rev().take(most).collect();
        let more = self.messages.len() > most;
        Answer::new(200, json!({ "ok": true, "messages": newest, "has_more": more }).to_string())
    }
}

/// A workflow of Microsoft Teams; it takes at most 28 KB.
#[derive(Default)]
pub(crate) struct Teams {
    pub(crate) cards: Vec<Value>,
}

impl Vendor for Teams {
    fn contract(&self) -> Option<Contract> {
        Some(Contract::new(include_str!("../../../fixtures/openapi/teams.yaml")))
    }

    fn answer(&mut self, request: &Request) -> Answer {
        if request.body.len() > 28 * 1_024 {
            return Answer::new(413, "");
        }
        self.cards.push(request.json()["attachments"][0]["content"].clone());
        Answer::new(202, "")
    }
}

/// ntfy; a message has at most 4096 bytes.
#[derive(Default)]
pub(crate) struct Ntfy {
    pub(crate) messages: Vec<Value>,
}

impl Vendor for Ntfy {
    fn contract(&self) -> Option<Contract> {
        Some(Contract::new(include_str!("../../../fixtures/openapi/ntfy.yaml")))
    }

    fn answer(&mut self, request: &Request) -> Answer {
        if request.header("authorization") != Some("Bearer tk_x") {
            return Answer::new(403, r#"{"code":40301,"http":403,"error":"forbidden"}"#);
        }
        if request.method == "GET" {
            let topic = request.path_only().split('/').nth(1).unwrap();
            let here = self.messages.iter().filter(|one| one["topic"] == topic);
            let lines: Vec<String> = here.map(Value::to_string).collect();
            return Answer::new(200, lines.join("\n"));
        }
        let mut message = request.json();
        if message["message"].as_str().unwrap_or_default().len() > 4_096 {
            let why = r#"{"code":41303,"http":413,"error":"JSON body too large"}"#;
            return Answer::new(413, why);
        }
        message["id"] = json!(format!("id{}", self.messages.len()));
        message["event"] = json!("message");
        self.messages.push(message.clone());
        Answer::new(200, message.to_string())
    }
}

/// Twilio's messages of one account.
#[derive(Default)]
pub(crate) struct Twilio {
    pub(crate) messages: Vec<Value>,
}

impl Vendor for Twilio {
    fn contract(&self) -> Option<Contract> {
        Some(Contract::new(include_str!("../../../fixtures/openapi/twilio.json")))
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let wrong = |status, code: u32, why: &str| {
            Answer::new(
                status,
                json!({ "code": code, "message": why, "status": status }).to_string(),
            )
        };
        // AC00000000000000000000000000000000:t0ken
        let known = "Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDp0MGtlbg==";
        if request.header("authorization") != Some(known) {
            return wrong(401, 20_003, "Authenticate");
        }
        if request.method == "GET" {
            let to = request.asks("To");
            let most = request.asks("PageSize").parse().unwrap_or(50);
            let here = self.messages.iter().rev().filter(|one| one["to"] == to.as_str());
            let page: Vec<&Value> = here.take(most).collect();
            return Answer::new(200, json!({ "messages": page }).to_string());
        }
        let said = request.content().unwrap();
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        let (to, from, body) = (text("To"), text("From"), text("Body"));
        if !to.starts_with('+') {
            return wrong(400, 21_211, "Invalid 'To' Phone Number");
        }
        if body.chars().count() > 1_600 {
            return wrong(
                400,
                21_617,
                "The concatenated message body exceeds the 1600 character limit",
            );
        }
        let sid = format!("SM{:032x}", self.messages.len());
        let one = json!({ "sid": sid, "to": to, "from": from, "body": body, "status": "queued" });
        self.messages.push(one.clone());
        Answer::new(201, one.to_string())
    }
}

/// A robot of one's own that takes each key once.
#[derive(Default)]
pub(crate) struct Hook {
    pub(crate) taken: BTreeMap<String, Value>,
}

impl Vendor for Hook {
    fn answer(&mut self, request: &Request) -> Answer {
        let key = request.header("idempotency-key").unwrap().to_owned();
        let said = request.json();
        match self.taken.get(&key) {
            // The same key means the same thing.
            Some(first) if *first != said => Answer::new(422, ""),
            _ => {
                self.taken.insert(key, said);
                Answer::new(204, "")
            }
        }
    }
}
