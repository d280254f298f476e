//! What is there already: objectives that Sloth records in a Prometheus, the services it knows, and
//! how well its alerting rules are kept.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;

use super::http::{Transport, verdict};
use super::prometheus::instant_vector;
use super::registry::SourceConfig;
use super::{Ask, Clock, Method};
use crate::domain::{Labels, Reading, SafeText, Span};

/// An objective found in recording rules.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundSlo {
    /// `sloth_id`.
    pub id: SafeText,
    /// `sloth_service`.
    pub service: SafeText,
    /// 0.999 for 99.9 %.
    pub objective: f64,
    /// The period.
    pub period: Span,
    /// Label `owner` or `team` of its rules; empty when there is none.
    pub owner: SafeText,
    /// Label `tier` of its rules.
    pub tier: Option<u8>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// Objectives.
    pub slos: Vec<FoundSlo>,
    /// Values of the label `service`, else of `job`.
    pub services: Vec<SafeText>,
}

/// Alerting rules that lack what somebody woken by them needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Upkeep {
    /// How many alerting rules there are.
    pub rules: usize,
    /// Names of those without a label `owner` or `team`.
    pub without_owner: BTreeSet<SafeText>,
    /// Names of those without an annotation `runbook_url` or `runbook`.
    pub without_runbook: BTreeSet<SafeText>,
    /// Names of those whose last evaluation failed.
    pub failing: BTreeSet<SafeText>,
}

/// Asks a Prometheus how its alerting rules are kept; `None` when it has no such interface. The error
/// is a whole sentence.
///
/// # Errors
/// When it does not answer.
pub async fn upkeep(
    config: &SourceConfig,
    clock: Arc<dyn Clock>,
) -> Result<Option<Upkeep>, SafeText> {
    let live = config.live(clock)?;
    let ask = Ask {
        key: "upkeep".into(),
        method: Method::Get,
        path: "/api/v1/rules".into(),
        params: vec![("type", "alert".to_owned())],
        body: None,
    };
    let reply = live.exchange(&ask).await.map_err(|f| f.failure.sentence)?;
    Ok(verdict(&config.address(), &reply).ok().and_then(|()| read_upkeep(&reply.body)))
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Groups<'a>,
}

#[derive(Deserialize)]
struct Groups<'a> {
    #[serde(borrow, default)]
    groups: Vec<Group<'a>>,
}

#[derive(Deserialize)]
struct Group<'a> {
    #[serde(borrow, default)]
    rules: Vec<Rule<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule<'a> {
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(default, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    labels: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    #[serde(default)]
    annotations: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    #[serde(default)]
    last_error: Cow<'a, str>,
}

fn read_upkeep(body: &[u8]) -> Option<Upkeep> {
    let read: Envelope<'_> = serde_json::from_slice(body).ok()?;
    let mut upkeep = Upkeep::default();
    for rule in read.data.groups.iter().flat_map(|g| &g.rules).filter(|r| r.kind == "alerting") {
        upkeep.rules += 1;
        let has = |texts: &BTreeMap<Cow<'_, str>, Cow<'_, str>>, names: [&str; 2]| {
            names.iter().any(|name| texts.get(*name).is_some_and(|text| !text.is_empty()))
        };
        let name = SafeText::new(&rule.name);
        if !has(&rule.labels, ["owner", "team"]) {
            upkeep.without_owner.insert(name.clone());
        }
        if !has(&rule.annotations, ["runbook_url", "runbook"]) {
            upkeep.without_runbook.insert(name.clone());
        }
        if !rule.last_error.is_empty() {
            upkeep.failing.insert(name);
        }
    }
    Some(upkeep)
}

/// Asks a Prometheus what is there. The error is a whole sentence.
///
/// # Errors
/// When it does not answer as a Prometheus does.
pub async fn discover(config: &SourceConfig, clock: Arc<dyn Clock>) -> Result<Found, SafeText> {
    let live = config.live(clock)?;
    let host = config.address();
    let query = async |expr: &str| -> Result<Vec<(Labels, Reading)>, SafeText> {
        let ask = Ask {
            key: "discover".into(),
            method: Method::Post,
            path: "/api/v1/query".into(),
            params: vec![("query", expr.to_owned())],
            body: None,
        };
        let reply = live.exchange(&ask).await.map_err(|f| f.failure.sentence)?;
        verdict(&host, &reply).map_err(|f| f.failure.sentence)?;
        let vector =
            instant_vector(&reply.body).map_err(|e| SafeText::new(&format!("{host}: {e}.")))?;
        Ok(vector.into_iter().map(|(labels, value, _)| (labels, value)).collect())
    };
    // Sloth records the objective and the period of each of its SLOs beside the ratios.
    let objectives = query("slo:objective:ratio").await?;
    let periods = query("slo:time_period:days").await?;
    let mut found = Found::default();
    for (labels, value) in &objectives {
        let id = labels.get("sloth_id");
        let (Some(objective), false) = (value.value(), id.is_empty()) else { continue };
        let days = periods
            .iter()
            .find(|(l, _)| l.get("sloth_id") == id)
            .and_then(|(_, days)| days.value())
            .unwrap_or(30.0);
        found.slos.push(FoundSlo {
            id: SafeText::new(id),
            service: SafeText::new(labels.get("sloth_service")),
            // Sloth computes it from per cent, so 99.9 comes as 0.9990000000000001.
            objective: (objective * 1e9).round() / 1e9,
            period: Span::from_days(1).scale(days),
            owner: ["owner", "team"]
                .iter()
                .find_map(|name| labels.text(name).cloned())
                .unwrap_or_default(),
            tier: labels.get("tier").parse().ok().filter(|tier| *tier <= 9),
        });
    }
    for label in ["service", "job"] {
        let expr = format!("count by ({label}) (up{{{label}!=\"\"}})");
        let values: BTreeSet<SafeText> =
            query(&expr).await?.iter().filter_map(|(l, _)| l.text(label).cloned()).collect();
        if !values.is_empty() {
            found.services = values.into_iter().collect();
            break;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_counted_by_what_they_lack() {
        let body = br#"{"status":"success","data":{"groups":[{"name":"g","rules":[
            {"name":"Kept","type":"alerting","labels":{"team":"a"},"annotations":{"runbook":"x"},"lastError":""},
            {"name":"Bare","type":"alerting","labels":{"owner":""},"annotations":{},"lastError":"many\u001b[31m"},
            {"name":"ratio","type":"recording","labels":{}}]}]}}"#;
        let bare = || BTreeSet::from([SafeText::new("Bare")]);
        let wanted =
            Upkeep { rules: 2, without_owner: bare(), without_runbook: bare(), failing: bare() };
        assert_eq!(read_upkeep(body), Some(wanted));
        assert_eq!(read_upkeep(b"<html>"), None);
    }
}
