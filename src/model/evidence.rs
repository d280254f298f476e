//! Whether an alert that Alertmanager no longer reports is over, or merely out of sight.
//!
//! Alertmanager drops an alert when Prometheus says that it is over, and also when Prometheus has
//! said nothing for some minutes (`ends_at` passes): a dead Prometheus looks like a repaired fault.
//! So "over" needs a witness: a Prometheus that answers, has evaluated the rule without error since
//! the alert was last reported, and does not see it fire.
//!
//! Three refinements, each towards doubt or towards what the servers are known to do:
//! - An alert that went only because its time ran out was never called over by anybody, and after a
//!   restart Prometheus counts `for` anew; then the rule must have been seen quiet for [`SETTLE`].
//! - A rule with several instances goes on firing when one of them is over. The instance counts as
//!   over if its Alertmanager dropped it early while still reporting others of the same name.
//! - Until Prometheus had the chance to answer after the alert went, nothing is claimed either way.
//! - What went while no console looked is read up: Prometheus writes down itself when an alert was pending or
//!   fired. One that it saw fire, and then not, moment by moment up to now, is over since then. `for` that
//!   starts anew shows as pending there, so a few evaluations are enough, or [`SETTLE`] after a gap.

use std::collections::{BTreeMap, HashMap};

use crate::domain::{
    Alert, AlertRule, ClockOffset, Fired, Freshness, RulesSeen, SafeText, SiteId, SourceId,
    SourceKind, SourceStatus, Span, Timestamp,
};

use super::Sight;

/// How long a rule must be seen quiet when nobody said that the alert is over. Prometheus restores
/// pending alerts after a restart within its `for` grace period, ten minutes by default.
pub(super) const SETTLE: Span = Span::from_mins(10);

/// How long Prometheus may take to answer about its rules before that itself is the finding.
const PATIENCE: Span = Span::from_mins(2);

/// How long it may take until what Prometheus wrote down shows that an alert nobody saw go is over.
const READING_UP: Span = Span::from_mins(5);

/// So many evaluations without the alert, and never less time than this, show that it does not come back as
/// pending.
const EVALUATIONS: f64 = 4.0;
const LEAST_QUIET: Span = Span::from_secs(30);

/// When a Prometheus was last seen evaluating its alerting rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluations {
    /// When it last answered about its rules, by our clock.
    pub answered: Timestamp,
    /// Newest evaluation of any rule, by our clock; `None` when no rule has been evaluated.
    pub newest: Option<Timestamp>,
    /// Since when it has answered without a gap.
    pub unbroken_since: Timestamp,
}

/// How an alert went out of sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone {
    /// When it was first missing.
    pub(super) at: Timestamp,
    /// It went before its time ran out: somebody said so (or Alertmanager forgot it).
    pub(super) early: bool,
    /// Its Alertmanager still reported other alerts of that name, so it had not simply forgotten.
    pub(super) siblings: bool,
    /// No console looked when it went.
    pub(super) unseen: bool,
}

/// What the sources say about themselves and their rules.
#[derive(Clone, Copy)]
pub(super) struct Watch<'a> {
    pub(super) sources: &'a BTreeMap<SourceId, SourceStatus>,
    pub(super) rules: &'a BTreeMap<SourceId, RulesSeen>,
    pub(super) evaluations: &'a BTreeMap<SourceId, Evaluations>,
    pub(super) fired: &'a BTreeMap<SourceId, BTreeMap<SafeText, Fired>>,
    pub(super) now: Timestamp,
}

impl<'a> Watch<'a> {
    /// Newest time at which what `source` reported at `report` was known to hold.
    pub(super) fn known_at(&self, source: &SourceId, report: Timestamp) -> Timestamp {
        self.sources.get(source).and_then(|s| s.last_good).map_or(report, |good| good.max(report))
    }

    /// Whether a report of `source` is still young enough to be called the present.
    pub(super) fn is_fresh(&self, source: &SourceId, report: Timestamp) -> bool {
        let slack = self.sources.get(source).map_or(Span::from_secs(62), SourceStatus::stale_after);
        self.now.since(self.known_at(source, report)) <= slack
    }

    /// A source's time in our time, at the latest it can have been.
    pub(super) fn latest(&self, source: &SourceId, theirs: Timestamp) -> Timestamp {
        let clock = self.clock(source);
        theirs.minus(clock.offset).plus(clock.bound)
    }

    /// A source's time in our time, at the earliest it can have been.
    pub(super) fn earliest(&self, source: &SourceId, theirs: Timestamp) -> Timestamp {
        let clock = self.clock(source);
        theirs.minus(clock.offset).minus(clock.bound)
    }

    fn clock(&self, source: &SourceId) -> ClockOffset {
        let none = ClockOffset { offset: Span::ZERO, bound: Span::ZERO };
        self.sources.get(source).and_then(|s| s.clock).unwrap_or(none)
    }

    /// Since when an alert that nobody saw go is over, by what a Prometheus wrote down of it.
    fn ended(&self, source: &SourceId, alert: &Alert, rule: &AlertRule) -> Option<Timestamp> {
        let fired = self.fired.get(source)?.get(alert.name())?;
        let ended = fired.ended(&alert.labels)?;
        let quiet = match ended.unbroken {
            true => rule.interval.scale(EVALUATIONS).max(LEAST_QUIET),
            false => SETTLE,
        };
        let fresh = self.now.since(fired.until) <= PATIENCE.max(fired.step.scale(2.0));
        (fresh && fired.until.since(ended.since) >= quiet).then_some(ended.since)
    }

    fn prometheuses(&self) -> impl Iterator<Item = &'a SourceStatus> + '_ {
        self.sources.values().filter(|s| s.kind == SourceKind::Prometheus)
    }

    /// Whether any Prometheus is configured that could be asked.
    pub(super) fn can_check(&self) -> bool {
        self.prometheuses().next().is_some()
    }
}

/// What one Prometheus has to say about one alert, most telling last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Say<'a> {
    NoRule,
    Silent(&'a SourceId, Option<Timestamp>),
    Waiting(&'a SourceId, Timestamp),
    NotEvaluated(&'a SourceId, Option<Timestamp>),
    Failing(&'a SourceId),
    Quiet { source: &'a SourceId, since: Timestamp, ended: Option<Timestamp> },
    RanOut { source: &'a SourceId, until: Timestamp },
    Fires(&'a SourceId),
}

/// Judges alerts that are out of sight; made anew for each pass, so its index is of the present.
pub(super) struct Judge<'a> {
    watch: Watch<'a>,
    rules: HashMap<&'a str, Vec<(&'a SourceId, &'a AlertRule)>>,
    sentences: HashMap<(SafeText, Say<'a>), SafeText>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(watch: Watch<'a>) -> Self {
        let mut rules: HashMap<&str, Vec<_>> = HashMap::new();
        for (source, seen) in watch.rules {
            for rule in &seen.rules {
                rules.entry(rule.name.as_str()).or_default().push((source, rule));
            }
        }
        Self { watch, rules, sentences: HashMap::new() }
    }

    /// What is to be believed of an alert that is gone; `before` is what was believed so far.
    pub(super) fn sight(&mut self, alert: &Alert, gone: Gone, before: &Sight) -> Sight {
        if let Sight::Resolved { .. } = before {
            return before.clone();
        }
        if !self.watch.can_check() {
            return Sight::Resolved { at: gone.at };
        }
        let mut says: Vec<Say<'a>> = Vec::new();
        for source in self.witnesses(&alert.key.site) {
            says.push(self.ask(source, alert, gone));
        }
        let quiet = says.iter().filter_map(|say| match say {
            Say::Quiet { source, since, ended } => Some((*source, *since, *ended)),
            _ => None,
        });
        let ended = quiet.clone().filter_map(|(.., ended)| ended).max();
        let quiet = quiet.min_by_key(|(_, since, _)| *since);
        let contradicted = says.iter().any(|say| matches!(say, Say::Fires(_)));
        let silent = says.iter().find(|say| matches!(say, Say::Silent(..))).copied();
        let doubt = match quiet {
            Some((source, since, _)) if !contradicted => {
                if let Some(at) = ended.filter(|_| gone.early || silent.is_none()) {
                    return Sight::Resolved { at };
                }
                if gone.early && since <= gone.at {
                    return Sight::Resolved { at: gone.at };
                }
                let until = since.plus(SETTLE);
                match silent {
                    // Whoever does not answer may be the one that saw it.
                    Some(silent) if !gone.early => silent,
                    _ if self.watch.now >= until => {
                        return Sight::Resolved { at: self.watch.now };
                    }
                    _ if gone.unseen
                        && self.watch.now.since(gone.at) <= READING_UP
                        && !matches!(before, Sight::Lost { .. }) =>
                    {
                        return Sight::Stale { since: gone.at };
                    }
                    _ => Say::RanOut { source, until },
                }
            }
            _ => says
                .iter()
                .filter(|s| !matches!(s, Say::Quiet { .. }))
                .max()
                .copied()
                .unwrap_or(Say::NoRule),
        };
        if matches!(doubt, Say::Waiting(..))
            && self.watch.now.since(gone.at) <= PATIENCE
            && !matches!(before, Sight::Lost { .. })
        {
            return Sight::Stale { since: gone.at };
        }
        let unsaid = matches!(doubt, Say::RanOut { .. });
        Sight::Lost { since: gone.at, why: self.sentence(alert, doubt), unsaid }
    }

    /// Prometheus servers of the site, or all when none declares that site.
    fn witnesses(&self, site: &SiteId) -> Vec<&'a SourceStatus> {
        let local: Vec<_> = self.watch.prometheuses().filter(|s| s.site == *site).collect();
        if local.is_empty() { self.watch.prometheuses().collect() } else { local }
    }

    fn ask(&self, source: &'a SourceStatus, alert: &Alert, gone: Gone) -> Say<'a> {
        let id = &source.id;
        if source.freshness(self.watch.now) != Freshness::Fresh {
            // A console that has just been started has not heard of anybody yet.
            let unheard = source.last_good.is_none() && source.failure.is_none();
            let began = gone.unseen && self.watch.now.since(gone.at) <= PATIENCE;
            return match unheard && began {
                true => Say::Waiting(id, gone.at),
                false => Say::Silent(id, source.last_good),
            };
        }
        let Some(seen) = self.watch.evaluations.get(id) else {
            return Say::Waiting(id, gone.at);
        };
        if seen.answered < gone.at {
            return Say::Waiting(id, seen.answered);
        }
        let told = alert.seen_by.iter().map(|am| self.watch.latest(am, alert.updated_at)).max();
        let told = told.unwrap_or(alert.updated_at);
        let named = self.rules.get(alert.name()).map_or(&[][..], Vec::as_slice);
        let each = named.iter().filter(|(at, _)| *at == id).map(|(_, rule)| {
            let evaluated = rule.last_evaluation.map(|at| self.watch.earliest(id, at));
            let ended = self.watch.ended(id, alert, rule).filter(|_| gone.unseen);
            // What was read up is about this very alert, and the rule about all of its name.
            let another = ended.is_some() || (gone.early && gone.siblings);
            if !rule.error.is_empty() {
                Say::Failing(id)
            } else if evaluated.is_none_or(|at| at <= told) {
                Say::NotEvaluated(id, evaluated)
            } else if rule.firing && !another {
                Say::Fires(id)
            } else {
                Say::Quiet { source: id, since: gone.at.max(seen.unbroken_since), ended }
            }
        });
        // Several rules of one name: the least reassuring one counts, whatever fires first of all.
        let rank = |say: &Say<'_>| match say {
            Say::Fires(_) => 0,
            Say::Failing(_) => 1,
            Say::NotEvaluated(..) => 2,
            _ => 3,
        };
        each.min_by_key(rank).unwrap_or(Say::NoRule)
    }

    fn sentence(&mut self, alert: &Alert, say: Say<'a>) -> SafeText {
        let name = alert.labels.text("alertname").cloned().unwrap_or_default();
        self.sentences.entry((name, say)).or_insert_with_key(|(name, say)| why(name, *say)).clone()
    }
}

fn why(rule: &str, say: Say<'_>) -> SafeText {
    let at = |t: Timestamp| t.utc().format("%H:%M UTC").to_string();
    let text = match say {
        Say::NoRule => format!(
            "No Prometheus has a rule named {rule}, so nothing shows that it is over; the fault may go on."
        ),
        Say::Silent(source, Some(since)) => format!(
            "Prometheus {source} has not answered since {}; the fault may go on.",
            at(since)
        ),
        Say::Silent(source, None) => {
            format!("Prometheus {source} has never answered; the fault may go on.")
        }
        Say::Waiting(source, answered) => format!(
            "Prometheus {source} has said nothing about its rules since {}; the fault may go on.",
            at(answered)
        ),
        Say::NotEvaluated(source, Some(since)) => format!(
            "Prometheus {source} has not evaluated {rule} since {}; the fault may go on.",
            at(since)
        ),
        Say::NotEvaluated(source, None) => {
            format!("Prometheus {source} has not evaluated {rule}; the fault may go on.")
        }
        Say::Failing(source) => format!(
            "Prometheus {source} cannot evaluate {rule} without an error; the fault may go on."
        ),
        Say::RanOut { source, until } | Say::Quiet { source, since: until, .. } => format!(
            "Nobody said that it is over. Prometheus {source} evaluates {rule} and does not see it; it counts as over at {} unless it fires again.",
            at(until)
        ),
        Say::Fires(source) => format!(
            "Alertmanager no longer reports it, but on Prometheus {source} {rule} still fires; the fault goes on."
        ),
    };
    SafeText::new(&text)
}
