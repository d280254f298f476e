//! Prometheus' JSON: the envelope, vectors, matrices and scalars, rules, targets.
//!
//! Sample values are strings (`"NaN"`, `"+Inf"` occur), missing points are left out, warnings and
//! further fields are tolerated, and the order of `resultType` and `result` does not matter.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::connectors::ParseError;
use crate::connectors::wire::{self, Each, LabelMaker, Pairs, Text};
use crate::domain::{AlertRule, Labels, Reading, RulesSeen, SafeText, Span, Timestamp};

/// One element of a result.
#[derive(Debug, Default)]
pub(super) struct Element<'a> {
    pub(super) metric: Pairs<'a>,
    pub(super) value: Option<Point>,
    pub(super) values: Vec<Point>,
    /// A number or text standing alone: part of a scalar's `[time, "value"]`.
    pub(super) alone: Option<f64>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Element<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for V<'a> {
            type Value = Element<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a series with its value or values")
            }
            fn visit_f64<E>(self, number: f64) -> Result<Element<'a>, E> {
                Ok(Element { alone: Some(number), ..Element::default() })
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Element<'a>, E> {
                self.visit_f64(number as f64)
            }
            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Element<'a>, E> {
                self.visit_f64(number as f64)
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Element<'a>, E> {
                // A string result (`query="x"`) is not a number; it is not one for us either.
                self.visit_f64(number(text).unwrap_or(f64::NAN))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Element<'a>, A::Error> {
                let mut element = Element::default();
                while let Some(Text(field)) = map.next_key::<Text<'a>>()? {
                    match &*field {
                        "metric" => element.metric = map.next_value()?,
                        "value" => element.value = Some(map.next_value()?),
                        "values" => element.values = map.next_value()?,
                        _ => wire::skip(&mut map)?,
                    }
                }
                Ok(element)
            }
        }
        deserializer.deserialize_any(V(PhantomData))
    }
}

/// `[1795345055.081, "1"]`
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point(pub(super) Timestamp, pub(super) f64);

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Point;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a pair of time and value")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Point, A::Error> {
                let missing = || serde::de::Error::custom("a point has a time and a value");
                let at: f64 = seq.next_element()?.ok_or_else(missing)?;
                let Text(text) = seq.next_element::<Text<'de>>()?.ok_or_else(missing)?;
                let value = number(&text)
                    .ok_or_else(|| serde::de::Error::custom("a value is not a number"))?;
                Ok(Point(Timestamp::from_seconds(at), value))
            }
        }
        deserializer.deserialize_seq(V)
    }
}

fn number(text: &str) -> Option<f64> {
    // Go writes `+Inf`, `-Inf` and `NaN`; Rust reads them all.
    text.parse().ok()
}

/// Reads an answer of `query` or `query_range`, element by element.
pub(super) fn elements<'de, F>(body: &'de [u8], mut each: F) -> Result<(), ParseError>
where
    F: FnMut(Element<'de>),
{
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let envelope = Envelope { each: &mut each }
        .deserialize(&mut deserializer)
        .and_then(|found| deserializer.end().map(|()| found))
        .map_err(|e| wire::shape(&e))?;
    envelope.checked()
}

struct Envelope<'f, F> {
    each: &'f mut F,
}

#[derive(Default)]
struct Found {
    status: String,
    error: String,
    result: bool,
}

impl Found {
    fn checked(self) -> Result<(), ParseError> {
        match (self.status.as_str(), self.result) {
            ("success", true) => Ok(()),
            ("success", false) => Err(ParseError::Shape("there is no result in it".to_owned())),
            ("error", _) => Err(ParseError::Refused(SafeText::new(&self.error).to_string())),
            _ => Err(ParseError::Shape("its status is neither success nor error".to_owned())),
        }
    }
}

impl<'de, F: FnMut(Element<'de>)> DeserializeSeed<'de> for Envelope<'_, F> {
    type Value = Found;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(Element<'de>)> Visitor<'de> for Envelope<'_, F> {
    type Value = Found;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with status and data")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let mut found = Found::default();
        while let Some(Text(field)) = map.next_key::<Text<'de>>()? {
            match &*field {
                "status" => found.status = map.next_value::<Text<'de>>()?.to_string(),
                "error" => found.error = map.next_value::<Text<'de>>()?.to_string(),
                "data" => found.result |= map.next_value_seed(Data { each: &mut *self.each })?,
                _ => wire::skip(&mut map)?,
            }
        }
        Ok(found)
    }
}

struct Data<'f, F> {
    each: &'f mut F,
}

impl<'de, F: FnMut(Element<'de>)> DeserializeSeed<'de> for Data<'_, F> {
    type Value = bool;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(Element<'de>)> Visitor<'de> for Data<'_, F> {
    type Value = bool;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with result")
    }
    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut found = false;
        while let Some(Text(field)) = map.next_key::<Text<'de>>()? {
            if &*field == "result" {
                found = true;
                map.next_value_seed(Each { each: &mut *self.each, of: PhantomData })?;
            } else {
                wire::skip(&mut map)?;
            }
        }
        Ok(found)
    }
}

/// Reads an instant vector whole.
pub(super) fn vector(
    body: &[u8],
    maker: &mut LabelMaker,
) -> Result<Vec<(Labels, Reading, Timestamp)>, ParseError> {
    let mut all = Vec::new();
    elements(body, |element| {
        if let Some(Point(at, value)) = element.value {
            all.push((maker.labels(&element.metric), Reading::of(value), at));
        }
    })?;
    Ok(all)
}

/// Reads a scalar's value (`time()`).
pub(super) fn scalar(body: &[u8]) -> Result<f64, ParseError> {
    let mut last = None;
    elements(body, |element| last = element.alone.or(element.value.map(|p| p.1)).or(last))?;
    last.ok_or_else(|| ParseError::Shape("a single number was expected".to_owned()))
}

/// What every answer that is no query result is wrapped in.
#[derive(Deserialize)]
struct Answer<T> {
    status: String,
    #[serde(default)]
    error: String,
    data: Option<T>,
}

fn answer<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, ParseError> {
    let answer: Answer<T> = serde_json::from_slice(body).map_err(|e| wire::shape(&e))?;
    match (answer.status.as_str(), answer.data) {
        ("success", Some(data)) => Ok(data),
        ("error", _) => Err(ParseError::Refused(SafeText::new(&answer.error).to_string())),
        _ => Err(ParseError::Shape("there is no data in it".to_owned())),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRules<'a> {
    #[serde(borrow, default)]
    groups: Vec<RawGroup<'a>>,
}

#[derive(Deserialize)]
struct RawGroup<'a> {
    #[serde(default)]
    interval: f64,
    #[serde(borrow, default)]
    rules: Vec<RawRule<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRule<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    query: Text<'a>,
    #[serde(borrow, default)]
    last_evaluation: Text<'a>,
    #[serde(borrow, default)]
    last_error: Text<'a>,
    #[serde(borrow, default)]
    state: Text<'a>,
    #[serde(borrow, default, rename = "type")]
    kind: Text<'a>,
}

/// Reads `/api/v1/rules`.
pub(super) fn rules(body: &[u8], maker: &mut LabelMaker) -> Result<RulesSeen, ParseError> {
    let raw: RawRules<'_> = answer(body)?;
    let mut seen = RulesSeen::default();
    for group in raw.groups {
        let interval = Span::from_millis((group.interval * 1_000.0).round() as i64);
        for rule in group.rules {
            if &*rule.kind == "recording" {
                seen.recorded.push(maker.text(&rule.name));
                continue;
            }
            // A rule never evaluated has Go's zero time, in the year 1.
            let last_evaluation = Timestamp::parse_rfc3339(&rule.last_evaluation)
                .filter(|at| *at > Timestamp::default());
            seen.rules.push(AlertRule {
                name: maker.text(&rule.name),
                expr: SafeText::body(&rule.query),
                last_evaluation,
                interval,
                error: SafeText::new(&rule.last_error),
                firing: &*rule.state == "firing",
            });
        }
    }
    seen.recorded.sort_unstable();
    seen.recorded.dedup();
    Ok(seen)
}

/// Reads `/api/v1/targets`: how many are up, how many are not.
pub(super) fn targets(body: &[u8]) -> Result<(u32, u32), ParseError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Targets<'a> {
        #[serde(borrow, default)]
        active_targets: Vec<Target<'a>>,
    }
    #[derive(Deserialize)]
    struct Target<'a> {
        #[serde(borrow, default)]
        health: Text<'a>,
    }
    let raw: Targets<'_> = answer(body)?;
    let up = raw.active_targets.iter().filter(|t| &*t.health == "up").count();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Ok((count(up), count(raw.active_targets.len() - up)))
}

/// Reads `/api/v1/status/buildinfo`. VictoriaMetrics' answer is well and names no version.
pub(super) fn version(body: &[u8]) -> Result<SafeText, ParseError> {
    #[derive(Deserialize)]
    struct Info<'a> {
        #[serde(borrow, default)]
        version: Text<'a>,
    }
    Ok(SafeText::new(&answer::<Info<'_>>(body)?.version))
}
