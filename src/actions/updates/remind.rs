//! At "resolved": what of ours still mutes the incident's services, and would hide the next outage.

use crate::domain::{Labels, SafeText, Silence, SilenceId, SiteId, Span, Timestamp};
use crate::model::Model;
use crate::model::incidents::Incident;

/// A silence made from here that is still on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Where.
    pub site: SiteId,
    /// Which.
    pub id: SilenceId,
    /// Its matchers, as written.
    pub what: SafeText,
    /// When it ends by itself.
    pub until: Timestamp,
}

/// Silences of ours that mute now or will, and concern a service of the incident or one of its alerts, the one
/// that ends last first.
pub fn leftover_silences(model: &Model, incident: &Incident, now: Timestamp) -> Vec<Leftover> {
    let ours = model
        .silences
        .current()
        .filter(|silence| silence.ends_at > now && model.journal.made(&silence.site, &silence.id));
    let mut left: Vec<Leftover> = ours
        .filter(|silence| concerns(model, incident, silence))
        .map(|silence| {
            let matchers = silence.matchers.iter().map(|matcher| {
                let op = match (matcher.is_regex, matcher.is_equal) {
                    (false, true) => "=",
                    (false, false) => "!=",
                    (true, true) => "=~",
                    (true, false) => "!~",
                };
                format!("{}{op}\"{}\"", matcher.name, matcher.value)
            });
            Leftover {
                site: silence.site.clone(),
                id: silence.id.clone(),
                what: SafeText::new(&matchers.collect::<Vec<_>>().join(", ")),
                until: silence.ends_at,
            }
        })
        .collect();
    left.sort_by(|a, b| b.until.cmp(&a.until).then_with(|| a.id.cmp(&b.id)));
    left
}

/// Whether a silence mutes an alert of a service that is hurt: one that is there, or any that would carry
/// the service's label.
fn concerns(model: &Model, incident: &Incident, silence: &Silence) -> bool {
    let compiled: Option<Vec<_>> =
        silence.matchers.iter().map(|matcher| matcher.compile().ok()).collect();
    // One that cannot be read may hide anything.
    let Some(matchers) = compiled else { return true };
    let named = incident.services.iter().any(|service| {
        let labels = Labels::of(&[("service", service.as_str())]);
        let about: Vec<_> = matchers.iter().filter(|m| m.name.as_str() == "service").collect();
        !about.is_empty() && about.iter().all(|matcher| matcher.matches(&labels))
    });
    named
        || model.alerts.alerts.values().any(|tracked| {
            tracked.service.as_ref().is_some_and(|id| incident.services.contains(id))
                && matchers.iter().all(|matcher| matcher.matches(&tracked.alert.labels))
        })
}

/// One sentence for the person who resolves; `None` when nothing is left.
pub fn leftover_sentence(left: &[Leftover], now: Timestamp) -> Option<SafeText> {
    let longest = left.first()?;
    let for_another = Span::from_mins(longest.until.since(now).millis() / 60_000);
    let which = match left {
        [one] => format!("A silence of ours ({}) is still on", one.what),
        many => format!("{} silences of ours are still on", many.len()),
    };
    Some(SafeText::new(&format!(
        "{which} for another {for_another} and would hide it if this came back; end what is no longer needed."
    )))
}
