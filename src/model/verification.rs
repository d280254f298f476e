//! Did a run help: what its procedure names is held, objective by objective and alert by alert, against what
//! was so before ([`crate::analysis::verification`] has the rules).

use crate::analysis::verification::{self, WatchedAlerts, WatchedBurn};
use crate::domain::{RunVerdict, SafeText, SourceKind, Span, Timestamp, Verify, hits};

use super::{Model, Sight, Tracked};

/// How much before an action is looked at.
pub const BEFORE: Span = Span::from_mins(10);

/// A verdict with what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Verification {
    /// In a word.
    pub verdict: RunVerdict,
    /// Title and text of each figure.
    pub figures: Vec<(SafeText, SafeText)>,
}

impl Model {
    /// Judges the time from `from`, when the last step took effect, to `until`; `began` is when the action
    /// was decided, up to which everything was as it was.
    pub fn verify(
        &self,
        verify: &Verify,
        began: Timestamp,
        from: Timestamp,
        until: Timestamp,
    ) -> Verification {
        let (mut parts, mut figures) = (Vec::new(), Vec::new());
        for id in &verify.slos {
            let objective = self.catalog.slos.get(id).map(|slo| slo.objective);
            let burns = |from: Timestamp, until: Timestamp| -> Vec<(Timestamp, f64)> {
                let Some(objective) = objective else { return Vec::new() };
                let of_it = self.slos.lately(id).filter(|(at, _)| *at > from && *at <= until);
                of_it.map(|(at, ratio)| (at, ratio / (1.0 - objective))).collect()
            };
            let (before, after) = (burns(began.minus(BEFORE), began), burns(from, until));
            let watched = WatchedBurn { before: &before, after: &after };
            let judged = verification::burn(&watched, from, until);
            let figure = |burn: Option<f64>| {
                burn.map_or_else(|| "unknown".to_owned(), |burn| format!("{burn:.1}x"))
            };
            let text = format!(
                "burn {} before, {} after: {}",
                figure(judged.before),
                figure(judged.after),
                judged.verdict.name()
            );
            figures.push((id.text().clone(), SafeText::new(&text)));
            parts.push(judged.verdict);
        }
        if !verify.alerts.is_empty() {
            let watched = self.watched_alerts(verify, from);
            // Without a recent answer "none fires" is what nobody has looked at, not good news.
            let verdict = match self.alerts_told(from, until) {
                true => verification::alerts(watched),
                false => RunVerdict::Unknown,
            };
            // Slow alerts outlast what they tell of: when the objectives are judged, fewer is on the way.
            let fewer = verdict == RunVerdict::NoChange
                && watched.firing < watched.before
                && !parts.is_empty();
            let text = format!(
                "{} fired before, {} fire now, {} out of sight: {}",
                watched.before,
                watched.firing,
                watched.lost,
                if fewer { "fewer" } else { verdict.name() }
            );
            figures.push((SafeText::new("alerts"), SafeText::new(&text)));
            if !fewer {
                parts.push(verdict);
            }
        }
        Verification { verdict: verification::whole(parts), figures }
    }

    /// Whether every Alertmanager has answered in the last third of the window, or since.
    fn alerts_told(&self, from: Timestamp, until: Timestamp) -> bool {
        let third = until.minus(Span::from_millis(until.since(from).millis() / 3));
        let mut all =
            self.sources.values().filter(|s| s.kind == SourceKind::Alertmanager).peekable();
        all.peek().is_some() && all.all(|s| s.last_good.is_some_and(|good| good >= third))
    }

    fn watched_alerts(&self, verify: &Verify, from: Timestamp) -> WatchedAlerts {
        let all = || self.alerts.alerts.values().filter(|t| hits(&verify.alerts, &t.alert.labels));
        let fired = |t: &&Tracked| {
            let over = matches!(t.sight, Sight::Resolved { at } if at <= from);
            t.alert.starts_at <= from && !over
        };
        let lost = |t: &&Tracked| matches!(t.sight, Sight::Stale { .. } | Sight::Lost { .. });
        WatchedAlerts {
            before: all().filter(fired).count(),
            firing: all().filter(|t| matches!(t.sight, Sight::Firing)).count(),
            lost: all().filter(lost).count(),
        }
    }
}
