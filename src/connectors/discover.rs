//! What is there already: objectives that Sloth records in a Prometheus, and the services it knows.

use std::collections::BTreeSet;
use std::sync::Arc;

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
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// Objectives.
    pub slos: Vec<FoundSlo>,
    /// Values of the label `service`, else of `job`.
    pub services: Vec<SafeText>,
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
            objective,
            period: Span::from_days(1).scale(days),
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
