//! An Alertmanager in memory above a recorded one: silences made and ended during playing take
//! effect on what the recording answers, as the real one would let them.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::connectors::{Ask, Method};
use crate::domain::{Labels, Matcher, MatcherSpec, SafeText, Timestamp, hits};

/// What was done while playing.
#[derive(Default)]
pub(super) struct Simulated {
    made: Vec<Made>,
    /// Recorded silences that were ended, and when.
    ended: HashMap<String, Timestamp>,
    count: u64,
}

struct Made {
    id: String,
    at: Timestamp,
    /// As posted, without id.
    silence: Value,
    compiled: Vec<Matcher>,
    starts: Timestamp,
    ends: Timestamp,
}

impl Made {
    fn state(&self, now: Timestamp) -> &'static str {
        match (now < self.starts, now < self.ends) {
            (_, false) => "expired",
            (true, true) => "pending",
            (false, true) => "active",
        }
    }
}

impl Simulated {
    /// Performs an operation; `recorded` are the recording's silences. Gives status and body.
    pub(super) fn perform(&mut self, ask: &Ask, recorded: &[u8], now: Timestamp) -> (u16, Vec<u8>) {
        let answer = |status: u16, value: Value| (status, value.to_string().into_bytes());
        if ask.method == Method::Delete {
            let id = ask.path.rsplit('/').next().unwrap_or_default();
            return match self.end(id, recorded, now) {
                true => (200, Vec::new()),
                false => answer(500, json!("silence not found")),
            };
        }
        let posted = ask.body.as_deref().unwrap_or_default();
        let Ok(mut silence) = serde_json::from_slice::<Value>(posted) else {
            return answer(400, json!({"code": 400, "message": "parsing silence body failed"}));
        };
        let time = |name: &str| silence.get(name)?.as_str().and_then(Timestamp::parse_rfc3339);
        let (Some(starts), Some(ends)) = (time("startsAt"), time("endsAt")) else {
            return answer(
                422,
                json!({"code": 602, "message": "startsAt and endsAt are required"}),
            );
        };
        let starts = starts.max(now);
        if ends <= starts {
            return answer(
                400,
                json!("Failed to create silence: start time must be before end time"),
            );
        }
        let specs = specs(&silence);
        let compiled: Option<Vec<Matcher>> = specs.iter().map(|s| s.compile().ok()).collect();
        let Some(compiled) = compiled.filter(|c| !c.iter().all(Matcher::matches_empty)) else {
            let why = "silence invalid: at least one matcher must not match the empty string";
            return answer(400, json!(why));
        };
        let old = silence.get("id").and_then(Value::as_str).map(str::to_owned);
        if let Some(old) = &old
            && !self.end(old, recorded, now)
        {
            return answer(404, json!("silence not found"));
        }
        self.count += 1;
        let id = format!("00000000-0000-4000-8000-{:012}", self.count);
        if let Some(fields) = silence.as_object_mut() {
            fields.remove("id");
            fields.insert("startsAt".to_owned(), json!(starts.rfc3339()));
        }
        self.made.push(Made { id: id.clone(), at: now, silence, compiled, starts, ends });
        answer(200, json!({ "silenceID": id }))
    }

    fn end(&mut self, id: &str, recorded: &[u8], now: Timestamp) -> bool {
        if let Some(made) = self.made.iter_mut().find(|m| m.id == id) {
            made.ends = made.ends.min(now);
            return true;
        }
        let recorded: Vec<Value> = serde_json::from_slice(recorded).unwrap_or_default();
        let known = recorded.iter().any(|s| s.get("id").and_then(Value::as_str) == Some(id));
        if known {
            self.ended.insert(id.to_owned(), now);
        }
        known
    }

    fn is_idle(&self) -> bool {
        self.made.is_empty() && self.ended.is_empty()
    }

    fn ended_by(&self, id: &str, now: Timestamp) -> bool {
        self.ended.get(id).is_some_and(|at| *at <= now)
    }

    /// The recorded alerts with what was done; `None` when nothing was.
    pub(super) fn alerts(&self, recorded: &[u8], now: Timestamp) -> Option<Vec<u8>> {
        if self.is_idle() {
            return None;
        }
        let mut alerts: Vec<Value> = serde_json::from_slice(recorded).ok()?;
        for alert in &mut alerts {
            let labels = labels(alert);
            let muting = self.made.iter().filter(|made| {
                made.at <= now && made.state(now) == "active" && hits(&made.compiled, &labels)
            });
            let added: Vec<Value> = muting.map(|made| json!(made.id)).collect();
            let Some(status) = alert.get_mut("status").and_then(Value::as_object_mut) else {
                continue;
            };
            let list = |name: &str| status.get(name).and_then(Value::as_array).cloned();
            let mut silenced = list("silencedBy").unwrap_or_default();
            let inhibited = list("inhibitedBy").unwrap_or_default();
            silenced.retain(|id| !id.as_str().is_some_and(|id| self.ended_by(id, now)));
            silenced.extend(added);
            let muted = !silenced.is_empty() || !inhibited.is_empty();
            if status.get("state") != Some(&json!("unprocessed")) {
                let state = if muted { "suppressed" } else { "active" };
                status.insert("state".to_owned(), json!(state));
            }
            status.insert("silencedBy".to_owned(), Value::Array(silenced));
        }
        serde_json::to_vec(&alerts).ok()
    }

    /// The recorded silences with those made, and those ended shown as over.
    pub(super) fn silences(&self, recorded: &[u8], now: Timestamp) -> Option<Vec<u8>> {
        if self.is_idle() {
            return None;
        }
        let mut silences: Vec<Value> = serde_json::from_slice(recorded).ok()?;
        for silence in &mut silences {
            let id = silence.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
            if let (true, Some(fields)) = (self.ended_by(&id, now), silence.as_object_mut()) {
                let at = self.ended.get(&id).copied().unwrap_or(now);
                fields.insert("endsAt".to_owned(), json!(at.rfc3339()));
                fields.insert("status".to_owned(), json!({ "state": "expired" }));
            }
        }
        for made in self.made.iter().filter(|made| made.at <= now) {
            let mut silence = made.silence.clone();
            if let Some(fields) = silence.as_object_mut() {
                fields.insert("id".to_owned(), json!(made.id));
                fields.insert("endsAt".to_owned(), json!(made.ends.rfc3339()));
                fields.insert("updatedAt".to_owned(), json!(made.at.rfc3339()));
                fields.insert("status".to_owned(), json!({ "state": made.state(now) }));
            }
            silences.push(silence);
        }
        serde_json::to_vec(&silences).ok()
    }
}

fn labels(alert: &Value) -> Labels {
    let fields = alert.get("labels").and_then(Value::as_object);
    let pairs = fields.into_iter().flatten().map(|(name, value)| {
        (SafeText::new(name), SafeText::new(value.as_str().unwrap_or_default()))
    });
    Labels::new(pairs.collect())
}

fn specs(silence: &Value) -> Vec<MatcherSpec> {
    let matchers = silence.get("matchers").and_then(Value::as_array);
    let read = |m: &Value| {
        let text = |name: &str| SafeText::new(m.get(name).and_then(Value::as_str).unwrap_or(""));
        let flag = |name: &str, default| m.get(name).and_then(Value::as_bool).unwrap_or(default);
        MatcherSpec {
            name: text("name"),
            value: text("value"),
            is_regex: flag("isRegex", false),
            is_equal: flag("isEqual", true),
        }
    };
    matchers.into_iter().flatten().map(read).collect()
}
