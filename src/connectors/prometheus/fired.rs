//! When alerts were pending or fired, by Prometheus' own record: asked for alerts that went while no console
//! looked. Alertmanager only tells of what it has now.

use super::wire;
use super::{Ask, ParseError, Prometheus, Reply, State, plan, query_of, step};
use crate::connectors::Interest;
use crate::domain::{Fired, Observation, SafeText, Series, Span, Timestamp};

/// Moments asked about, and how far back they reach at most: nothing older is called back.
const POINTS: f64 = 240.0;
const LONGEST: Span = Span::from_hours(25);
/// It must have been seen to fire before its end counts as seen.
const BEFORE: Span = Span::from_mins(5);
/// Tags of the two parts: the alerts, and whether there was any data.
const ALERTS: &str = "0";
const DATA: &str = "1";

/// A string of PromQL.
fn quoted(text: &str) -> String {
    let plain = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{plain}\"")
}

impl Prometheus {
    pub(super) fn fired_asks(
        &self,
        state: &mut State,
        interest: &Interest,
        now: Timestamp,
        asks: &mut Vec<Ask>,
    ) {
        let Some((since, names)) = &interest.fired else { return };
        let range = now.since(since.minus(BEFORE)).clamp(BEFORE, LONGEST);
        for name in names {
            let key = format!("fired:{name}");
            if state.take(&key, self.cadence(&key), self.interval, now) {
                let there = state.there(&key, now);
                let alerts = format!("ALERTS{{alertname={}}}", quoted(name));
                let both = [plan::tag(&alerts, ALERTS), plan::tag("count(up)", DATA)].join(" or ");
                asks.push(self.range_ask(&key, both, range, step(range, POINTS), there));
            }
        }
    }

    pub(super) fn read_fired(
        &self,
        ask: &Ask,
        reply: &Reply,
    ) -> Result<Vec<Observation>, ParseError> {
        let mut state = self.state();
        let ahead = state.moved(&ask.key);
        let of = |name: &str| {
            let found = ask.params.iter().find(|(param, _)| *param == name);
            found.and_then(|(_, text)| text.parse::<f64>().ok()).unwrap_or_default()
        };
        let name = ask.key.split_once(':').map_or("", |(_, name)| name);
        let mut fired = Fired {
            name: SafeText::new(name),
            until: Timestamp::from_seconds(of("end")).minus(ahead),
            step: Span::from_millis((of("step") * 1_000.0) as i64),
            ..Fired::default()
        };
        let maker = &mut state.maker;
        debug_assert!(plan::tags(query_of(ask)).eq([ALERTS, DATA]));
        wire::elements(&reply.body, |element| {
            let tag = element.metric.0.iter().position(|(name, _)| name == plan::TAG);
            let Some(tag) = tag.map(|at| element.metric.0.swap_remove(at).1) else { return };
            let at = element.values.iter().map(|point| point.0.minus(ahead));
            if tag == DATA {
                fired.looked.extend(at);
            } else {
                let points = at.map(|at| (at, 1.0)).collect();
                fired.lines.push(Series { labels: maker.labels(&element.metric), points });
            }
        })?;
        fired.looked.sort_unstable();
        state.answered(&ask.key, self.cadence(&ask.key), self.interval, reply.sent);
        Ok(vec![Observation::Fired(fired)])
    }
}
