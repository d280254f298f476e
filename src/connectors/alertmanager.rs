//! Alertmanager's API v2: alerts, silences, its version and cluster; making and ending silences.
//!
//! A body equal to the last one is not read again: twenty thousand alerts are 12 MB, and most polls
//! change nothing. A silence's id is always taken from the answer, since changing one may give it a
//! new id.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::sync::{Mutex, PoisonError};

use foldhash::quality::RandomState;
use serde::{Deserialize, Serialize};

use super::http::server_message;
use super::wire::{self, LabelMaker, Pairs, Quick, Scan, Text};
use super::{Ask, Connector, Interest, Method, ParseError, Reply};
use crate::domain::{
    Alert, AlertKey, AlertState, MatcherSpec, Observation, Operation, Outcome, SafeText, Silence,
    SilenceDraft, SilenceId, SilenceState, SiteId, SourceId, Span, Timestamp,
};

/// About as many bytes as an alert has in an answer, to begin with enough room for all.
const ALERT_BYTES: usize = 600;
/// How often the version and the cluster are asked for.
const STATUS_EVERY: Span = Span::from_secs(60);

/// One Alertmanager.
pub struct Alertmanager {
    site: SiteId,
    hashing: RandomState,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    maker: LabelMaker,
    seen: HashMap<String, u64>,
    status_asked: Option<Timestamp>,
}

impl Alertmanager {
    /// The Alertmanager of a site.
    pub fn new(site: SiteId) -> Self {
        Self { site, hashing: RandomState::default(), state: Mutex::default() }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // The state is a cache; a panic elsewhere leaves nothing in it that could mislead.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn get(key: &str, path: &str) -> Ask {
    Ask {
        key: key.to_owned(),
        method: Method::Get,
        path: path.to_owned(),
        params: Vec::new(),
        body: None,
    }
}

impl Connector for Alertmanager {
    fn forget(&self) {
        *self.state() = State::default();
    }

    fn asks(&self, _: &Interest, now: Timestamp) -> Vec<Ask> {
        let mut asks = vec![get("alerts", "/api/v2/alerts"), get("silences", "/api/v2/silences")];
        let mut state = self.state();
        if state.status_asked.is_none_or(|at| !(Span::ZERO..STATUS_EVERY).contains(&now.since(at)))
        {
            state.status_asked = Some(now);
            asks.push(get("status", "/api/v2/status"));
        }
        asks
    }

    fn parse(
        &self,
        source: &SourceId,
        ask: &Ask,
        reply: &Reply,
    ) -> Result<Vec<Observation>, ParseError> {
        if reply.status >= 400 {
            return Err(ParseError::Refused(refusal(reply).to_string()));
        }
        let hash = self.hashing.hash_one(&reply.body);
        let mut state = self.state();
        if state.seen.get(&ask.key) == Some(&hash) {
            return Ok(Vec::new());
        }
        let seen = match ask.key.as_str() {
            "alerts" => {
                let alerts = read_alerts(&reply.body, source, &self.site, &mut state.maker)?;
                Observation::Alerts(alerts)
            }
            "silences" => {
                let silences = read_silences(&reply.body, source, &self.site, &mut state.maker)?;
                Observation::Silences(silences)
            }
            _ => Observation::Version(read_status(&reply.body)?),
        };
        // Only what could be read counts as seen.
        state.seen.insert(ask.key.clone(), hash);
        Ok(vec![seen])
    }

    fn operate(&self, operation: &Operation) -> Option<Ask> {
        match operation {
            Operation::Silence { draft, .. } => Some(Ask {
                key: "silence".to_owned(),
                method: Method::Post,
                path: "/api/v2/silences".to_owned(),
                params: Vec::new(),
                body: Some(serde_json::to_vec(&Posted::from(draft)).ok()?),
            }),
            Operation::Expire { id, .. } => {
                let id = id.as_str();
                // Ids are UUIDs; anything else in a path could mean another path.
                let plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
                (plain && !id.is_empty()).then(|| Ask {
                    key: "expire".to_owned(),
                    method: Method::Delete,
                    path: format!("/api/v2/silence/{id}"),
                    params: Vec::new(),
                    body: None,
                })
            }
            Operation::Send(_) | Operation::Ticket { .. } | Operation::Run { .. } => None,
        }
    }

    fn outcome(&self, operation: &Operation, reply: &Reply) -> Outcome {
        #[derive(Deserialize)]
        struct Made {
            #[serde(rename = "silenceID")]
            id: String,
        }
        match (reply.status, operation) {
            (200..=299, Operation::Silence { .. }) => {
                match serde_json::from_slice::<Made>(&reply.body) {
                    Ok(made) if !made.id.is_empty() => {
                        Outcome::Done { id: Some(SilenceId::new(&made.id)) }
                    }
                    _ => Outcome::Unknown {
                        why: "Alertmanager took the silence but named no id; look at the silences before trying again.".into(),
                    },
                }
            }
            (200..=299, Operation::Expire { id, .. }) => Outcome::Done { id: Some(id.clone()) },
            (500, Operation::Expire { .. }) if refusal(reply).contains("not found") => {
                Outcome::Refused {
                    why: "Alertmanager knows no silence with this id; it ended earlier or belongs to another Alertmanager.".into(),
                }
            }
            (400..=499, _) => Outcome::Refused {
                why: SafeText::new(&format!("Alertmanager refused it: {}.", refusal(reply))),
            },
            (status, _) => Outcome::Unknown {
                why: SafeText::new(&format!(
                    "Alertmanager answered with status {status}: {}. It may have been done; look at the silences before trying again.",
                    refusal(reply)
                )),
            },
        }
    }
}

fn refusal(reply: &Reply) -> SafeText {
    server_message(&reply.body).unwrap_or_else(|| match reply.body.is_empty() {
        true => SafeText::new(&format!("status {} without a reason", reply.status)),
        false => SafeText::from_bytes(&reply.body),
    })
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawAlert<'a> {
    #[serde(borrow, default)]
    labels: Pairs<'a>,
    #[serde(borrow, default)]
    annotations: Pairs<'a>,
    #[serde(borrow)]
    starts_at: Text<'a>,
    #[serde(borrow, default)]
    ends_at: Text<'a>,
    #[serde(borrow, default)]
    updated_at: Text<'a>,
    #[serde(borrow)]
    fingerprint: Text<'a>,
    #[serde(borrow, default)]
    receivers: Vec<Named<'a>>,
    #[serde(borrow)]
    status: RawStatus<'a>,
    #[serde(borrow, default, rename = "generatorURL")]
    generator_url: Text<'a>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawStatus<'a> {
    #[serde(borrow)]
    state: Text<'a>,
    #[serde(borrow, default)]
    silenced_by: Vec<Text<'a>>,
    #[serde(borrow, default)]
    inhibited_by: Vec<Text<'a>>,
}

impl<'a> Quick<'a> for RawAlert<'a> {
    /// Every field once, in whatever order; a field nobody knows is serde's to skip.
    fn read(&mut self, scan: &mut Scan<'a>) -> Option<()> {
        let mut found = 0_u16;
        let mut first = |nth: u16| {
            let again = found & 1 << nth != 0;
            found |= 1 << nth;
            (!again).then_some(())
        };
        scan.each_field(|scan, field| match &*field {
            "labels" => first(0).and_then(|()| self.labels.read(scan)),
            "annotations" => first(1).and_then(|()| self.annotations.read(scan)),
            "startsAt" => first(2).and_then(|()| self.starts_at.read(scan)),
            "endsAt" => first(3).and_then(|()| self.ends_at.read(scan)),
            "updatedAt" => first(4).and_then(|()| self.updated_at.read(scan)),
            "fingerprint" => first(5).and_then(|()| self.fingerprint.read(scan)),
            "receivers" => {
                first(6)?;
                self.receivers.clear();
                scan.each_element(|scan| {
                    let mut one = Named::default();
                    scan.eat("{\"name\":").then_some(())?;
                    one.name.read(scan)?;
                    self.receivers.push(one);
                    scan.eat("}").then_some(())
                })
            }
            "status" => first(7).and_then(|()| self.status.read(scan)),
            "generatorURL" => first(8).and_then(|()| self.generator_url.read(scan)),
            _ => None,
        })?;
        (found == 0b1_1111_1111).then_some(())
    }
}

impl<'a> RawStatus<'a> {
    fn read(&mut self, scan: &mut Scan<'a>) -> Option<()> {
        let mut found = 0_u8;
        scan.each_field(|scan, field| {
            let (nth, texts) = match &*field {
                "state" => (0, None),
                "silencedBy" => (1, Some(&mut self.silenced_by)),
                "inhibitedBy" => (2, Some(&mut self.inhibited_by)),
                _ => return None,
            };
            if found & 1 << nth != 0 {
                return None;
            }
            found |= 1 << nth;
            let Some(texts) = texts else { return self.state.read(scan) };
            texts.clear();
            scan.each_element(|scan| {
                let mut text = Text::default();
                text.read(scan)?;
                texts.push(text);
                Some(())
            })
        })?;
        (found == 0b111).then_some(())
    }
}

impl<'a> Quick<'a> for RawSilence<'a> {}

fn read_alerts(
    body: &[u8],
    source: &SourceId,
    site: &SiteId,
    maker: &mut LabelMaker,
) -> Result<Vec<Alert>, ParseError> {
    let mut alerts = Vec::with_capacity(body.len() / ALERT_BYTES);
    // Labels and annotations keep separate memories of the previous element.
    let mut annotations = LabelMaker::default();
    let (mut ends, mut updates) = (LastTime::default(), LastTime::default());
    wire::for_each(body, |raw: &mut RawAlert<'_>| {
        let ids = |texts: &[Text<'_>]| texts.iter().map(|t| SilenceId::new(t)).collect();
        let state = match &*raw.status.state {
            "active" => AlertState::Active,
            "suppressed" => AlertState::Suppressed {
                silenced_by: ids(&raw.status.silenced_by),
                inhibited_by: raw.status.inhibited_by.iter().map(|t| maker.text(t)).collect(),
            },
            _ => AlertState::Unprocessed,
        };
        alerts.push(Alert {
            // Every alert has another one, so there is nothing to share.
            key: AlertKey { site: site.clone(), fingerprint: SafeText::new(&raw.fingerprint) },
            seen_by: vec![source.clone()],
            labels: maker.labels(&raw.labels),
            annotations: annotations.labels(&raw.annotations),
            starts_at: time(&raw.starts_at),
            ends_at: ends.read(&raw.ends_at),
            updated_at: updates.read(&raw.updated_at),
            state,
            receivers: raw.receivers.iter().map(|r| maker.text(&r.name)).collect(),
            generator_url: maker.body(&raw.generator_url),
        });
    })?;
    Ok(alerts)
}

/// The time read last: alerts of one rule are told, and end, at the same moment.
#[derive(Default)]
struct LastTime {
    text: String,
    time: Timestamp,
}

impl LastTime {
    fn read(&mut self, text: &str) -> Timestamp {
        if self.text != text {
            text.clone_into(&mut self.text);
            self.time = time(text);
        }
        self.time
    }
}

/// A time we cannot read is the epoch: plainly wrong on the screen rather than quietly now.
fn time(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap_or_default()
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSilence<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    matchers: Vec<RawMatcher<'a>>,
    #[serde(borrow)]
    starts_at: Text<'a>,
    #[serde(borrow)]
    ends_at: Text<'a>,
    #[serde(borrow, default)]
    created_by: Text<'a>,
    #[serde(borrow, default)]
    comment: Text<'a>,
    #[serde(borrow)]
    status: RawState<'a>,
}

#[derive(Default, Deserialize)]
struct RawState<'a> {
    #[serde(borrow)]
    state: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMatcher<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    value: Text<'a>,
    #[serde(default)]
    is_regex: bool,
    // Alertmanager before 0.22 knew only positive matchers and left this out.
    #[serde(default = "yes")]
    is_equal: bool,
}

fn yes() -> bool {
    true
}

fn read_silences(
    body: &[u8],
    source: &SourceId,
    site: &SiteId,
    maker: &mut LabelMaker,
) -> Result<Vec<Silence>, ParseError> {
    let mut silences = Vec::new();
    wire::for_each(body, |raw: &mut RawSilence<'_>| {
        let matchers = raw.matchers.iter().map(|m| MatcherSpec {
            name: maker.text(&m.name),
            value: maker.text(&m.value),
            is_regex: m.is_regex,
            is_equal: m.is_equal,
        });
        silences.push(Silence {
            id: SilenceId::new(&raw.id),
            source: source.clone(),
            site: site.clone(),
            matchers: matchers.collect(),
            starts_at: time(&raw.starts_at),
            ends_at: time(&raw.ends_at),
            created_by: maker.text(&raw.created_by),
            comment: SafeText::body(&raw.comment),
            state: match &*raw.status.state {
                "active" => SilenceState::Active,
                "pending" => SilenceState::Pending,
                _ => SilenceState::Expired,
            },
        });
    })?;
    Ok(silences)
}

/// `0.25.0`, and in a cluster how many it sees: a split cluster looks healthy otherwise.
fn read_status(body: &[u8]) -> Result<SafeText, ParseError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Status {
        version_info: Version,
        #[serde(default)]
        cluster: Cluster,
    }
    #[derive(Deserialize)]
    struct Version {
        #[serde(default)]
        version: String,
    }
    #[derive(Deserialize, Default)]
    struct Cluster {
        #[serde(default)]
        status: String,
        #[serde(default)]
        peers: Option<Vec<serde::de::IgnoredAny>>,
    }
    let status: Status = serde_json::from_slice(body).map_err(|e| wire::shape(&e))?;
    let peers = status.cluster.peers.map_or(0, |p| p.len());
    let version = status.version_info.version;
    Ok(SafeText::new(&match status.cluster.status.as_str() {
        "" | "disabled" => version,
        "ready" => format!("{version}, cluster of {peers}"),
        other => format!("{version}, cluster {other}, sees {peers}"),
    }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Posted<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    matchers: Vec<PostedMatcher<'a>>,
    starts_at: String,
    ends_at: String,
    created_by: &'a str,
    comment: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PostedMatcher<'a> {
    name: &'a str,
    value: &'a str,
    is_regex: bool,
    is_equal: bool,
}

impl<'a> From<&'a SilenceDraft> for Posted<'a> {
    fn from(draft: &'a SilenceDraft) -> Self {
        let matchers = draft.matchers.iter().map(|m| PostedMatcher {
            name: &m.name,
            value: &m.value,
            is_regex: m.is_regex,
            is_equal: m.is_equal,
        });
        Self {
            id: draft.replaces.as_ref().map(SilenceId::as_str),
            matchers: matchers.collect(),
            starts_at: draft.starts_at.rfc3339(),
            ends_at: draft.ends_at.rfc3339(),
            created_by: &draft.created_by,
            comment: &draft.comment,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::connectors::wire::testing::{agrees, garbled};

    const ALERT: &str = r#"{"annotations":{"summary":"5 % \u0026 more","x":""},"endsAt":"2026-11-22T12:07:00.000Z","fingerprint":"00ab","receivers":[{"name":"oncall"},{"name":"b"}],"startsAt":"2026-11-22T11:07:00.000Z","status":{"inhibitedBy":[],"silencedBy":["s-1"],"state":"suppressed"},"updatedAt":"2026-11-22T11:59:55.000Z","generatorURL":"http://p/graph?g0.expr=up\u0026g0.tab=1","labels":{"alertname":"A","service":"shop"}}"#;

    #[test]
    fn an_alert_as_alertmanager_writes_it_is_read_quickly() {
        assert!(agrees::<RawAlert<'_>>(ALERT).unwrap());
    }

    proptest! {
        #[test]
        fn a_garbled_alert_is_what_serde_json_takes_it_for(json in garbled(ALERT)) {
            agrees::<RawAlert<'_>>(&json)?;
        }
    }
}
