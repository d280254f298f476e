//! Who calls whom, told by traces: Jaeger's dependencies API, which Tempo's and others' bridges speak too.
//!
//! `GET /api/dependencies?endTs=MILLISECONDS&lookback=MILLISECONDS` answers
//! `{"data": [{"parent": "web", "child": "cart", "callCount": 12}], "errors": null}`. With most storages
//! the links are computed once a day by a job beside it, so that the last two days are asked for; an empty
//! answer means that nobody has computed any, and not that nobody calls anybody.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Ask, Connector, Interest, Method, ParseError, Reply, wire};
use crate::domain::{CallSeen, Observation, SafeText, ServiceId, SourceId, Span, Timestamp};

/// How far back calls count.
const LOOKBACK: Span = Span::from_hours(48);

/// One Jaeger.
#[derive(Debug, Clone, Copy, Default)]
pub struct Jaeger;

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    data: Option<Vec<Link>>,
    #[serde(default)]
    errors: Option<Vec<Problem>>,
}

#[derive(Deserialize)]
struct Link {
    parent: String,
    child: String,
    #[serde(rename = "callCount", default)]
    calls: u64,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    msg: String,
}

impl Connector for Jaeger {
    fn asks(&self, _: &Interest, now: Timestamp) -> Vec<Ask> {
        vec![Ask {
            key: "dependencies".to_owned(),
            method: Method::Get,
            path: "/api/dependencies".to_owned(),
            params: vec![
                ("endTs", now.millis().to_string()),
                ("lookback", LOOKBACK.millis().to_string()),
            ],
            body: None,
        }]
    }

    fn parse(&self, _: &SourceId, _: &Ask, reply: &Reply) -> Result<Vec<Observation>, ParseError> {
        wire::accepted(reply)?;
        let answer: Answer = serde_json::from_slice(&reply.body).map_err(|e| wire::shape(&e))?;
        if let Some(problem) = answer.errors.iter().flatten().next() {
            return Err(ParseError::Refused(SafeText::new(&problem.msg).to_string()));
        }
        let Some(links) = answer.data else {
            return Err(ParseError::Shape("there is no list of dependencies in it".to_owned()));
        };
        // Some storages tell a link once for each day.
        let mut calls: BTreeMap<(ServiceId, ServiceId), u64> = BTreeMap::new();
        for link in links.iter().filter(|l| !l.parent.is_empty() && !l.child.is_empty()) {
            let ends = (ServiceId::new(&link.parent), ServiceId::new(&link.child));
            let count = calls.entry(ends).or_default();
            *count = count.saturating_add(link.calls);
        }
        let seen = calls.into_iter().map(|((from, to), calls)| CallSeen { from, to, calls });
        Ok(vec![Observation::Traced(seen.collect())])
    }
}
