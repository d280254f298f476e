//! Who is on call by PagerDuty: `GET /oncalls` for the teams' escalation policies and schedules, over the
//! coming days, and of each person found `GET /users/{id}/contact_methods` for the telephone number.
//!
//! ```text
//! pages of on-calls ─► people in them ─► their contact methods ─► one body ─► OnCallSeen by team
//! ```
//!
//! Policies and schedules are asked for apart: one question with both would be answered by what has both.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::http::{Fault, Live, Transport};
use super::outbound::Call;
use super::trackers::segment;
use super::{Ask, Connector, Interest, Method, ParseError, Reply, wire};
use crate::domain::{
    Observation, OnCallSeen, PagerShift, SafeText, SourceId, Span, TeamId, Timestamp,
};

/// How far ahead is asked: as long may the pager be down before its plan runs out.
const AHEAD: Span = Span::from_days(7);
/// Entries of a page; PagerDuty gives at most so many.
const PAGE: usize = 100;
/// A week of a hundred teams has fewer; whoever tells more does not end.
const MOST_ENTRIES: usize = 5_000;
/// People whose contact methods are asked for in one poll; the others' come with the next.
const MOST_PEOPLE: usize = 50;
/// A telephone number changes seldom.
const KEPT: Duration = Duration::from_secs(3_600);

/// What says who is on call in a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rota {
    /// An escalation policy, with its levels.
    Policy(String),
    /// A schedule.
    Schedule(String),
}

/// An on-call as it is listed.
#[derive(Deserialize)]
struct Entry {
    user: User,
    #[serde(default)]
    escalation_policy: Option<Named>,
    #[serde(default)]
    schedule: Option<Named>,
    #[serde(default)]
    escalation_level: Option<u32>,
    #[serde(default)]
    start: Option<String>,
    #[serde(default)]
    end: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    id: String,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    summary: Option<String>,
    #[serde(default)]
    email: Option<String>,
}

/// A way to reach a person.
#[derive(Clone, Serialize, Deserialize)]
struct Way {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    address: Option<String>,
    #[serde(default)]
    country_code: Option<u32>,
    #[serde(default)]
    blacklisted: bool,
}

/// Contact methods as they are listed.
#[derive(Deserialize)]
struct Ways {
    contact_methods: Vec<Way>,
}

/// What is read at once.
#[derive(Serialize, Deserialize)]
struct Told {
    oncalls: Vec<Value>,
    /// By person; who is missing could not be asked about.
    contacts: BTreeMap<String, Vec<Way>>,
    /// Whether the list did not end.
    endless: bool,
}

/// The way to the on-calls, page by page, and to people's numbers.
pub struct Pages {
    live: Live,
    deadline: Span,
    known: Mutex<BTreeMap<String, (Instant, Vec<Way>)>>,
}

fn call(path: impl Into<String>) -> Call {
    Call::get(path).header("accept", "application/vnd.pagerduty+json;version=2")
}

impl Pages {
    /// Over a transport to the pager's API.
    pub fn new(live: Live, deadline: Span) -> Self {
        Self { live, deadline, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, (Instant, Vec<Way>)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks how people are reached, within half the deadline. What was known stands in for what fails.
    async fn contacts(
        &self,
        people: &BTreeSet<String>,
        began: Instant,
    ) -> BTreeMap<String, Vec<Way>> {
        let old = |id: &String| self.known().get(id).is_none_or(|(at, _)| at.elapsed() > KEPT);
        let due: Vec<&String> = people.iter().filter(|id| old(id)).take(MOST_PEOPLE).collect();
        for id in due {
            if began.elapsed() > self.deadline.scale(0.5).std() {
                break;
            }
            let methods = call(format!("/users/{}/contact_methods", segment(id)));
            // One that may not be seen must not hide the others; of a server in trouble nothing more is asked.
            let Ok(reply) = self.live.call(&methods).await else { break };
            match serde_json::from_slice::<Ways>(&reply.body) {
                Ok(ways) if reply.status == 200 => {
                    self.known().insert(id.clone(), (Instant::now(), ways.contact_methods));
                }
                _ if reply.status == 429 || reply.status >= 500 => break,
                _ => {}
            }
        }
        let mut known = self.known();
        known.retain(|id, _| people.contains(id));
        known.iter().map(|(id, (_, ways))| (id.clone(), ways.clone())).collect()
    }
}

#[async_trait]
impl Transport for Pages {
    async fn exchange(&self, ask: &Ask) -> Result<Reply, Fault> {
        let began = Instant::now();
        let mut oncalls: Vec<Value> = Vec::new();
        let (last, endless) = loop {
            let mut page = call(ask.path.clone());
            for (name, value) in &ask.params {
                page = page.with(name, value.clone());
            }
            page = page.with("limit", PAGE.to_string());
            page = page.with("offset", oncalls.len().to_string());
            let reply = self.live.call(&page).await?;
            let read = || serde_json::from_slice::<Value>(&reply.body).ok();
            let Some(Value::Object(mut told)) = (reply.status == 200).then(read).flatten() else {
                return Ok(reply);
            };
            let more = told.get("more") == Some(&Value::Bool(true));
            let Some(Value::Array(entries)) = told.remove("oncalls") else { return Ok(reply) };
            let none = entries.is_empty();
            oncalls.extend(entries);
            // Half a plan would name the wrong people as surely as a whole one.
            let endless = more && (none || oncalls.len() >= MOST_ENTRIES);
            if endless || !more {
                break (reply, endless);
            }
        };
        let ids = oncalls.iter().filter_map(|one| one["user"]["id"].as_str());
        let people = ids.map(str::to_owned).collect();
        let contacts = self.contacts(&people, began).await;
        let body = serde_json::to_vec(&Told { oncalls, contacts, endless }).unwrap_or_default();
        Ok(Reply { body, ..last })
    }
}

/// The reader of the on-calls of these teams.
#[derive(Debug, Clone, Default)]
pub struct OnCalls(pub BTreeMap<TeamId, Rota>);

impl Connector for OnCalls {
    fn asks(&self, _: &Interest, now: Timestamp) -> Vec<Ask> {
        let ids = |of: fn(&Rota) -> Option<&String>| -> BTreeSet<&String> {
            self.0.values().filter_map(of).collect()
        };
        let policies = ids(|rota| match rota {
            Rota::Policy(id) => Some(id),
            Rota::Schedule(_) => None,
        });
        let schedules = ids(|rota| match rota {
            Rota::Schedule(id) => Some(id),
            Rota::Policy(_) => None,
        });
        [
            ("policies", "escalation_policy_ids[]", policies),
            ("schedules", "schedule_ids[]", schedules),
        ]
        .into_iter()
        .filter(|(_, _, ids)| !ids.is_empty())
        .map(|(key, name, ids)| {
            let mut params = vec![
                ("include[]", "users".to_owned()),
                ("since", now.rfc3339()),
                ("until", now.plus(AHEAD).rfc3339()),
            ];
            params.extend(ids.into_iter().map(|id| (name, id.clone())));
            let (key, path) = (key.to_owned(), "/oncalls".to_owned());
            Ask { key, method: Method::Get, path, params, body: None }
        })
        .collect()
    }

    fn parse(
        &self,
        _: &SourceId,
        ask: &Ask,
        reply: &Reply,
    ) -> Result<Vec<Observation>, ParseError> {
        wire::accepted(reply)?;
        let told: Told = serde_json::from_slice(&reply.body).map_err(|e| wire::shape(&e))?;
        if told.endless {
            let why =
                format!("its list of on-calls does not end after {} entries", told.oncalls.len());
            return Err(ParseError::Shape(why));
        }
        let entries: Vec<Entry> = told
            .oncalls
            .into_iter()
            .map(serde_json::from_value)
            .collect::<Result<_, _>>()
            .map_err(|e| wire::shape(&e))?;
        let by_policy = ask.key == "policies";
        let asked = self.0.iter().filter(|(_, rota)| matches!(rota, Rota::Policy(_)) == by_policy);
        let mut teams = BTreeMap::new();
        for (team, rota) in asked {
            let mut shifts = Vec::new();
            for entry in entries.iter().filter(|entry| rota.has(entry)) {
                let shift = entry.shift(rota, &told.contacts)?;
                if !shifts.contains(&shift) {
                    shifts.push(shift);
                }
            }
            // Of several who are called at once the order must not change from poll to poll.
            shifts
                .sort_by(|a, b| (a.level, a.from, &*a.person).cmp(&(b.level, b.from, &*b.person)));
            teams.insert(team.clone(), shifts);
        }
        let until = ask.params.iter().find(|(name, _)| *name == "until");
        let until = until.and_then(|(_, text)| Timestamp::parse_rfc3339(text));
        let until = until.unwrap_or_else(|| reply.received.plus(AHEAD));
        Ok(vec![Observation::OnCalls(OnCallSeen { until, teams })])
    }
}

impl Rota {
    fn has(&self, entry: &Entry) -> bool {
        let is = |named: &Option<Named>, id: &String| named.as_ref().is_some_and(|n| n.id == *id);
        match self {
            Self::Policy(id) => is(&entry.escalation_policy, id),
            Self::Schedule(id) => is(&entry.schedule, id),
        }
    }
}

impl Entry {
    fn shift(
        &self,
        rota: &Rota,
        contacts: &BTreeMap<String, Vec<Way>>,
    ) -> Result<PagerShift, ParseError> {
        let name = self.user.name.as_deref().or(self.user.summary.as_deref()).unwrap_or_default();
        if name.trim().is_empty() {
            return Err(ParseError::Shape("an on-call names nobody".to_owned()));
        }
        let time = |text: &Option<String>| match text {
            None => Ok(None),
            // A moment that cannot be read must not turn into a shift without an end.
            Some(text) => Timestamp::parse_rfc3339(text).map(Some).ok_or_else(|| {
                let text = SafeText::new(text);
                ParseError::Shape(format!("an on-call begins or ends at “{text}”"))
            }),
        };
        Ok(PagerShift {
            // A schedule may stand on any level of several policies; in it there is but one.
            level: match rota {
                Rota::Policy(_) => self.escalation_level.unwrap_or(1),
                Rota::Schedule(_) => 1,
            },
            person: SafeText::new(name),
            mail: SafeText::new(self.user.email.as_deref().unwrap_or_default()),
            phone: contacts.get(&self.user.id).map(|ways| phone(ways)),
            from: time(&self.start)?,
            until: time(&self.end)?,
        })
    }
}

/// The number to call: one for calls, else one for short messages.
fn phone(ways: &[Way]) -> SafeText {
    let of = |kind: &str| {
        let usable = |way: &&Way| way.kind == kind && !way.blacklisted && way.address.is_some();
        ways.iter().find(usable)
    };
    let Some(way) = of("phone_contact_method").or_else(|| of("sms_contact_method")) else {
        return SafeText::default();
    };
    let address = way.address.as_deref().unwrap_or_default().trim();
    match way.country_code {
        Some(code) if !address.starts_with('+') => SafeText::new(&format!("+{code} {address}")),
        _ => SafeText::new(address),
    }
}
