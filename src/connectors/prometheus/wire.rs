//! Prometheus' JSON: the envelope, vectors, matrices and scalars, rules, targets.
//!
//! Sample values are strings (`"NaN"`, `"+Inf"` occur), missing points are left out, warnings and
//! further fields are tolerated, and the order of `resultType` and `result` does not matter.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use crate::connectors::ParseError;
use crate::connectors::wire::{self, LabelMaker, Pairs, Quick, Scan, Text};
use crate::domain::{AlertRule, Labels, Reading, RulesSeen, SafeText, Span, Timestamp};

/// One element of a result.
#[derive(Debug, Default, PartialEq)]
pub(in crate::connectors) struct Element<'a> {
    pub(in crate::connectors) metric: Pairs<'a>,
    pub(super) value: Option<Point>,
    pub(in crate::connectors) values: Vec<Point>,
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
pub(in crate::connectors) struct Point(
    pub(in crate::connectors) Timestamp,
    pub(in crate::connectors) f64,
);

impl<'a> Quick<'a> for Element<'a> {
    fn read(&mut self, scan: &mut Scan<'a>) -> Option<()> {
        (self.value, self.alone) = (None, None);
        self.values.clear();
        if !scan.eat("{\"metric\":") {
            return None;
        }
        self.metric.read(scan)?;
        if scan.eat(",\"value\":") {
            self.value = Some(Point::scan(scan)?);
        } else if scan.eat(",\"values\":") {
            scan.each_element(|scan| {
                self.values.push(Point::scan(scan)?);
                Some(())
            })?;
        }
        scan.eat("}").then_some(())
    }
}

impl Point {
    fn scan(scan: &mut Scan<'_>) -> Option<Self> {
        if !scan.eat("[") {
            return None;
        }
        let at = scan.seconds()?;
        if !scan.eat(",") {
            return None;
        }
        let value = number(&scan.string()?)?;
        scan.eat("]").then(|| Self(Timestamp::from_seconds(at), value))
    }
}

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
pub(in crate::connectors) fn elements<'de, F>(
    body: &'de [u8],
    mut each: F,
) -> Result<(), ParseError>
where
    F: FnMut(&mut Element<'de>),
{
    let mut found = Found::default();
    let mut scan = Scan::new(body)?;
    scan.fields(|scan, field| {
        match field {
            "status" => found.status = scan.value::<Text<'de>>()?.to_string(),
            "error" => found.error = scan.value::<Text<'de>>()?.to_string(),
            "data" if scan.null() => {}
            "data" => scan.fields(|scan, field| {
                if field == "result" {
                    found.result = true;
                    scan.elements(&mut each)
                } else {
                    scan.skip()
                }
            })?,
            _ => scan.skip()?,
        }
        Ok(())
    })?;
    scan.end()?;
    found.checked()
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::connectors::wire::testing::{agrees, garbled};

    const ONE: &str =
        r#"{"metric":{"__name__":"up","job":"a\"b"},"value":[1795345055.081,"1.5e3"]}"#;
    const LINE: &str =
        r#"{"metric":{},"values":[[1795345055,"1"],[1795345070.5,"NaN"],[1795345085,"+Inf"]]}"#;

    #[test]
    fn series_as_prometheus_writes_them_are_read_quickly() {
        assert!(agrees::<Element<'_>>(ONE).unwrap());
        let mut scan = Scan::new(LINE.as_bytes()).unwrap();
        let mut line = Element::default();
        assert_eq!(line.read(&mut scan), Some(()));
        let read = line.values.iter().map(|p| (p.0.millis(), p.1.to_string()));
        let of = |at: i64, value: &str| (at, value.to_owned());
        let points = [of(1795345055000, "1"), of(1795345070500, "NaN"), of(1795345085000, "inf")];
        assert_eq!(read.collect::<Vec<_>>(), points);
    }

    proptest! {
        #[test]
        fn a_garbled_series_is_what_serde_json_takes_it_for(
            json in garbled(ONE),
            line in garbled(LINE.replace("NaN", "7")),
        ) {
            agrees::<Element<'_>>(&json)?;
            agrees::<Element<'_>>(&line)?;
        }
    }
}
