//! A gauge in words: where it goes in a line, and every figure with the question it came from.

use super::{Fill, Gauge, Outlook};
use crate::analysis::series::{Backtest, Crossing, Forecast};
use crate::domain::{Capacity, Freshness, Reading, Resource, Span, Timestamp};

impl Gauge {
    /// Where it goes in one line, in several lengths, the longest first.
    pub fn told(&self, resource: &Resource, now: Timestamp) -> Vec<String> {
        match self.fill(resource) {
            Fill::Full => vec!["full".into()],
            Fill::RunsOut(earliest) => self.running_out(earliest, now),
            Fill::Short => {
                let rest = match (self.forecast(), self.ignorance(resource)) {
                    (Some(forecast), _) => not_within(forecast),
                    (None, why) => format!("unknown when it is full: {}", why.unwrap_or_default()),
                };
                vec![format!("short; {rest}"), "short".into()]
            }
            Fill::Unknown => {
                let why = self.ignorance(resource).unwrap_or_default();
                vec![format!("unknown: {why}"), "unknown".into()]
            }
            Fill::Steady => self.forecast().map(not_within).into_iter().collect(),
        }
    }

    fn running_out(&self, earliest: Timestamp, now: Timestamp) -> Vec<String> {
        let expected = match self.forecast().map(|forecast| forecast.crossing) {
            Some(Crossing::Within { expected: Some(at), .. }) if at > now => {
                format!("expected {}", rough(at.since(now)))
            }
            Some(Crossing::Within { expected: None, .. }) => {
                format!("not expected within {}", self.horizon().map_or_else(String::new, rough))
            }
            _ => "expected now".into(),
        };
        if earliest <= now {
            return vec![format!("may be full already ({expected})"), "full already?".into()];
        }
        let earliest = rough(earliest.since(now));
        vec![
            format!("full in {earliest} at the earliest ({expected})"),
            format!("full in {earliest} at the earliest"),
            format!("in {earliest} at the earliest"),
            format!("in {earliest}"),
        ]
    }

    /// How far its forecast looks.
    fn horizon(&self) -> Option<Span> {
        let forecast = self.forecast()?;
        Some(forecast.steps.last()?.at.since(forecast.from))
    }

    /// Why nothing can be said of it; `None` when something can.
    pub fn ignorance(&self, resource: &Resource) -> Option<String> {
        let Some((age, freshness)) = self.age else { return Some("no answer yet".into()) };
        let why = match self.used {
            _ if freshness != Freshness::Fresh => {
                format!("the last answer is {} old", rough(age))
            }
            Reading::NoData => "no series matched".into(),
            Reading::NaN => "what is in use is not a number".into(),
            Reading::Unknown => "no answer yet".into(),
            Reading::Value(used) if used < 0.0 => "what is in use is below zero".into(),
            Reading::Value(_) if self.limit.is_none() => match resource.limit {
                Capacity::Unknown => "nobody says how much there is".into(),
                Capacity::Fixed(_) => "its limit is no number above zero".into(),
                Capacity::Query(_) => "its limit has no answer above zero".into(),
            },
            Reading::Value(_) => match self.outlook.as_ref().map(|outlook| &outlook.forecast) {
                None => "no history yet".into(),
                Some(Err(why)) => why.to_string(),
                Some(Ok(_)) => return None,
            },
        };
        Some(why)
    }

    /// Every figure with how it came about. Each pair is a heading and its text.
    pub fn explain(
        &self,
        resource: &Resource,
        long: Option<&Outlook>,
        now: Timestamp,
    ) -> Vec<(String, String)> {
        let mut steps: Vec<(String, String)> = vec![
            ("Asked for use".into(), resource.used.clone()),
            (
                "Asked for limit".into(),
                match &resource.limit {
                    Capacity::Fixed(limit) => format!("written down: {}", number(*limit)),
                    Capacity::Query(query) => query.clone(),
                    Capacity::Unknown => "nobody says how much there is".into(),
                },
            ),
        ];
        let labels: Vec<String> =
            self.id.labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        if !labels.is_empty() {
            steps.push(("Series".into(), format!("{{{}}}", labels.join(", "))));
        }
        let age = self.age.map_or_else(
            || "no answer yet".to_owned(),
            |(age, freshness)| match freshness {
                Freshness::Fresh => format!("{} old", rough(age)),
                _ => format!("{} old: too old to be believed", rough(age)),
            },
        );
        steps.push(("Answer".into(), age));
        let used = match self.used {
            Reading::Value(used) => number(used),
            Reading::NaN => "not a number".into(),
            Reading::NoData => "no series matched; this is not zero".into(),
            Reading::Unknown => "not answered".into(),
        };
        let share = match (self.used.value(), self.limit, self.share) {
            (Some(used), Some(limit), Some(share)) => {
                let (used, limit) = (number(used), number(limit));
                format!("{used} / {limit} = {} %", number(share * 100.0))
            }
            _ => format!("in use: {used}; its share cannot be said"),
        };
        steps.push(("Share in use".into(), share));
        steps.push((
            "Counts as short".into(),
            format!("from {} % on", number(resource.short_from * 100.0)),
        ));
        let of = |name: &str, outlook: Option<&Outlook>, steps: &mut Vec<(String, String)>| {
            let Some(outlook) = outlook else { return };
            steps.extend(explained(name, outlook, now));
        };
        match &self.outlook {
            Some(outlook) => of("Forecast", Some(outlook), &mut steps),
            None => steps.push(("Forecast".into(), "no history came in yet".into())),
        }
        of("Over weeks", long, &mut steps);
        steps
    }
}

fn explained(name: &str, outlook: &Outlook, now: Timestamp) -> Vec<(String, String)> {
    let mut steps = Vec::new();
    if let (Some(rate), "Forecast") = (outlook.per_hour, name) {
        let text = format!(
            "{} per hour: between the medians of the older and the newer half of the last hour",
            number(rate)
        );
        steps.push(("Rate".into(), text));
    }
    match &outlook.forecast {
        Err(why) => steps.push((name.into(), format!("unknown: {why}"))),
        Ok(forecast) => {
            let text = format!(
                "{} on {} readings, a step each {}, {} % of the steps filled in",
                forecast.method,
                forecast.used,
                forecast.step,
                number((forecast.filled * 100.0).round())
            );
            steps.push((name.into(), text));
            let seasons: Vec<String> = forecast.seasons.iter().map(|span| rough(*span)).collect();
            if !seasons.is_empty() {
                steps.push(("Seasons".into(), seasons.join(", ")));
            }
            steps.push(("Full".into(), crossing(forecast, now)));
            steps.push(("Tried".into(), tried(&forecast.backtest)));
            let cautions = forecast.cautions.iter();
            steps.extend(cautions.map(|text| ("Caution".into(), (*text).to_owned())));
        }
    }
    steps
}

/// When the limit is reached, from the interval.
fn crossing(forecast: &Forecast, now: Timestamp) -> String {
    match forecast.crossing {
        Crossing::NoLimit => "no limit is known".into(),
        Crossing::Already => "the last reading is at its limit".into(),
        Crossing::NotWithin(_) => {
            format!("{}: not even the band's upper edge reaches it", not_within(forecast))
        }
        Crossing::Within { earliest, expected, latest } => {
            let when = |at: Option<Timestamp>| {
                at.map_or_else(|| "not within sight".to_owned(), |at| in_words(at, now))
            };
            format!(
                "{} at the earliest (the band's upper edge), {} expected (the mean), {} at the latest \
                 (the lower edge)",
                in_words(earliest, now),
                when(expected),
                when(latest)
            )
        }
    }
}

fn in_words(at: Timestamp, now: Timestamp) -> String {
    if at <= now { "now".into() } else { format!("in {}", rough(at.since(now))) }
}

/// How far off the method would have been lately.
fn tried(test: &Backtest) -> String {
    if test.readings == 0 {
        return "on nothing yet".into();
    }
    format!(
        "on {} readings held back: off by {} on average, {} times the error of repeating the last \
         season or reading; {} % of them inside the band, 95 % are meant",
        test.readings,
        number(test.error),
        number(test.mase),
        number((test.coverage * 100.0).round())
    )
}

fn not_within(forecast: &Forecast) -> String {
    match forecast.crossing {
        Crossing::NotWithin(horizon) => format!("not within {}", rough(horizon)),
        _ => "no limit is known".into(),
    }
}

/// A duration in its two largest units.
fn rough(span: Span) -> String {
    let minutes = span.millis().max(0) / 60_000;
    match (minutes / 1_440, minutes / 60 % 24, minutes % 60) {
        (0, 0, 0) => format!("{}s", span.millis().max(0) / 1_000),
        (0, 0, m) => format!("{m}m"),
        (0, h, 0) => format!("{h}h"),
        (0, h, m) => format!("{h}h {m}m"),
        (1, 0, _) => "24h".into(),
        (d, 0, _) => format!("{d}d"),
        (d, h, _) => format!("{d}d {h}h"),
    }
}

/// Four decimals are what anybody can check by hand.
fn number(value: f64) -> String {
    let text = format!("{value:.4}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}
