//! The rules: from what a person means, and what is known, to facts to record or a refusal.
//!
//! Pure. The console, the subcommands and the tests all decide here; a refusal loses nothing that was
//! typed, because it comes before anything is recorded.

use std::collections::BTreeSet;

use crate::domain::{
    Actor, AlertKey, Labels, Matcher, Operation, SafeText, ServiceId, Silence, SilenceDraft,
    SilenceId, SilenceState, SiteId, SourceKind, Span, Timestamp, hits,
};
use crate::eventlog::{AlertInstance, LogEvent, Subject};
use crate::model::{Ack, Model, Sight, Tracked};

use super::refusal::{Refusal, Rule};

/// Most bytes of a note.
const NOTE_BYTES: usize = 32 * 1024;
/// Most bytes of the words that go with an acknowledgement or a silence.
const WORDS_BYTES: usize = 4 * 1024;
/// Most bytes of alerts in one record; more go into further records.
const ALERTS_BYTES: usize = 24 * 1024;
/// Most matchers of a silence.
const MOST_MATCHERS: usize = 30;

/// What a person means, with all that is needed to do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Do {
    /// Take care of alerts.
    Acknowledge {
        /// Which.
        alerts: Vec<AlertKey>,
        /// What they are called on screen.
        title: SafeText,
        /// Why, or what is being done; may be empty.
        note: String,
    },
    /// No longer take care of alerts.
    Withdraw {
        /// Which.
        alerts: Vec<AlertKey>,
        /// Why; may be empty.
        note: String,
    },
    /// Write something down.
    Note {
        /// About what.
        about: Subject,
        /// The text.
        text: String,
    },
    /// Mute notifications.
    Silence {
        /// Where.
        site: SiteId,
        /// What.
        draft: SilenceDraft,
    },
    /// End a silence now.
    Expire {
        /// Where.
        site: SiteId,
        /// Which.
        id: SilenceId,
    },
}

/// How much one slip may reach, and whether the person has said yes to more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SilenceGuard {
    /// Most alerts without asking.
    pub most_alerts: usize,
    /// Largest share of all firing alerts without asking, from 0 to 1.
    pub most_share: f64,
    /// The share counts only when at least so many fire: two of three is not an accident.
    pub share_from: usize,
    /// Longest silence.
    pub longest: Span,
    /// The person was shown the reach and said yes.
    pub confirmed_broad: bool,
}

impl Default for SilenceGuard {
    fn default() -> Self {
        Self {
            most_alerts: 50,
            most_share: 0.5,
            share_from: 10,
            longest: Span::from_days(7),
            confirmed_broad: false,
        }
    }
}

impl SilenceGuard {
    /// Whether so much is more than one slip may mute.
    pub fn is_broad(&self, reach: &Preview) -> bool {
        let (count, total) = (reach.alerts.len(), reach.total_firing);
        let share = count as f64 / total.max(1) as f64;
        count > self.most_alerts
            || (total >= self.share_from && share > self.most_share)
            || (count == total && reach.groups > 1)
    }
}

/// What a silence would reach now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preview {
    /// The alerts.
    pub alerts: Vec<AlertKey>,
    /// How many groups they are in.
    pub groups: usize,
    /// The services they are about.
    pub services: Vec<ServiceId>,
    /// How many alerts fire where the silence would hold.
    pub total_firing: usize,
}

/// What a silence on one site would reach.
pub fn would_hit_at(model: &Model, site: &SiteId, matchers: &[Matcher]) -> Preview {
    let firing = || firing(model).filter(|t| t.alert.key.site == *site);
    let hit: Vec<&Tracked> = firing().filter(|t| hits(matchers, &t.alert.labels)).collect();
    let alerts: Vec<AlertKey> = hit.iter().map(|t| t.alert.key.clone()).collect();
    Preview {
        groups: groups_of(model, &alerts),
        services: hit
            .iter()
            .filter_map(|t| t.service.clone())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        total_firing: firing().count(),
        alerts,
    }
}

/// Whatever is not known to be over, also what is no longer seen.
fn firing(model: &Model) -> impl Iterator<Item = &Tracked> {
    model.alerts.alerts.values().filter(|t| !matches!(t.sight, Sight::Resolved { .. }))
}

fn groups_of(model: &Model, alerts: &[AlertKey]) -> usize {
    let alerts: BTreeSet<&AlertKey> = alerts.iter().collect();
    let mut found = 0;
    let grouped = model
        .alerts
        .groups
        .iter()
        .filter(|group| {
            let inside = group.alerts.iter().filter(|key| alerts.contains(key)).count();
            found += inside;
            inside > 0
        })
        .count();
    grouped + alerts.len().saturating_sub(found)
}

/// Decides what `by` means to do at `now`.
pub fn decide(
    model: &Model,
    by: &Actor,
    what: &Do,
    now: Timestamp,
    guard: &SilenceGuard,
) -> Result<Vec<LogEvent>, Refusal> {
    match what {
        Do::Acknowledge { alerts, title, note } => {
            acknowledge(model, by, alerts, title, note, guard)
        }
        Do::Withdraw { alerts, note } => withdraw(model, alerts, note),
        Do::Note { about, text } => {
            let text = words(text, "note", NOTE_BYTES)?;
            if text.trim().is_empty() {
                return Err(Refusal::new(Rule::Empty, "The note is empty. Write something first."));
            }
            Ok(vec![LogEvent::Noted { about: bounded(about), text }])
        }
        Do::Silence { site, draft } => silence(model, site, draft, now, guard),
        Do::Expire { site, id } => {
            let known = known_silence(model, site, id)?;
            still_on(known, now)?;
            let operation = Operation::Expire { site: site.clone(), id: id.clone() };
            Ok(vec![LogEvent::OperationRequested { operation }])
        }
    }
}

fn acknowledge(
    model: &Model,
    by: &Actor,
    alerts: &[AlertKey],
    title: &SafeText,
    note: &str,
    guard: &SilenceGuard,
) -> Result<Vec<LogEvent>, Refusal> {
    let note = words(note, "note", WORDS_BYTES)?;
    let selected: BTreeSet<&AlertKey> = alerts.iter().collect();
    if selected.is_empty() {
        return Err(Refusal::new(Rule::Nothing, "No alert is selected."));
    }
    let on: Vec<AlertInstance> = selected
        .into_iter()
        .filter_map(|key| model.alerts.alerts.get(key))
        .filter(|t| !matches!(t.sight, Sight::Resolved { .. }))
        .map(instance)
        .collect();
    if on.is_empty() {
        return Err(Refusal::new(
            Rule::NoSuchAlert,
            format!("{title} is over or no longer known, so there is nothing to acknowledge."),
        ));
    }
    let acks = &model.journal.acks;
    let open: Vec<AlertInstance> =
        on.iter().filter(|alert| !acks.contains_key(*alert)).cloned().collect();
    if open.is_empty() {
        let first = on.iter().find_map(|alert| acks.get(alert));
        return Err(already(title, by, first.map(AsRef::as_ref)));
    }
    let keys: Vec<AlertKey> = open.iter().map(|alert| alert.key.clone()).collect();
    let (groups, total) = (groups_of(model, &keys), firing(model).count());
    // One group, however large, was pointed at; several are a selection that may have slipped.
    if groups > 1
        && !guard.confirmed_broad
        && (keys.len() > guard.most_alerts || keys.len() == total)
    {
        return Err(Refusal::new(
            Rule::TooBroad,
            format!(
                "This would acknowledge {} of {total} firing alerts in {groups} groups. Select fewer, \
                 or confirm that you mean all of them.",
                keys.len()
            ),
        ));
    }
    Ok(portions(open)
        .map(|alerts| LogEvent::AlertsAcknowledged {
            alerts,
            title: title.clone(),
            note: note.clone(),
        })
        .collect())
}

fn already(title: &SafeText, by: &Actor, ack: Option<&Ack>) -> Refusal {
    let whom = match ack {
        Some(ack) if ack.by == *by => format!("you at {}", ack.at.utc().format("%H:%M UTC")),
        Some(ack) => format!("{} at {}", ack.by, ack.at.utc().format("%H:%M UTC")),
        None => "somebody".to_owned(),
    };
    Refusal::new(
        Rule::AlreadyAcknowledged,
        format!(
            "{title} has been acknowledged by {whom}. Write a note to add something, or withdraw that \
             acknowledgement first."
        ),
    )
}

fn withdraw(model: &Model, alerts: &[AlertKey], note: &str) -> Result<Vec<LogEvent>, Refusal> {
    let note = words(note, "note", WORDS_BYTES)?;
    let selected: BTreeSet<&AlertKey> = alerts.iter().collect();
    let acknowledged: Vec<AlertInstance> =
        model.journal.acks.keys().filter(|alert| selected.contains(&alert.key)).cloned().collect();
    if acknowledged.is_empty() {
        return Err(Refusal::new(
            Rule::NotAcknowledged,
            "None of the selected alerts is acknowledged, so there is nothing to withdraw.",
        ));
    }
    Ok(portions(acknowledged)
        .map(|alerts| LogEvent::AcknowledgementWithdrawn { alerts, note: note.clone() })
        .collect())
}

fn silence(
    model: &Model,
    site: &SiteId,
    draft: &SilenceDraft,
    now: Timestamp,
    guard: &SilenceGuard,
) -> Result<Vec<LogEvent>, Refusal> {
    let here = |kind, at: &SiteId| kind == SourceKind::Alertmanager && at == site;
    if !model.sources.values().any(|s| here(s.kind, &s.site)) {
        return Err(Refusal::new(
            Rule::NoSuchSite,
            format!(
                "No Alertmanager is configured for the site {site}, so nothing can be silenced there."
            ),
        ));
    }
    if draft.comment.trim().is_empty() || draft.created_by.trim().is_empty() {
        let (missing, why) = if draft.comment.trim().is_empty() {
            ("a comment", "Say why, for whoever wonders where the alerts are")
        } else {
            ("an author", "Say who makes it")
        };
        return Err(Refusal::new(Rule::Empty, format!("The silence needs {missing}. {why}.")));
    }
    words(&draft.comment, "comment", WORDS_BYTES)?;
    let matchers = matchers(draft)?;
    times(draft, now, guard)?;
    if let Some(id) = &draft.replaces {
        still_on(known_silence(model, site, id)?, now)?;
    }
    if !guard.confirmed_broad {
        narrow(&would_hit_at(model, site, &matchers), &matchers, guard)?;
    }
    let operation = Operation::Silence { site: site.clone(), draft: draft.clone() };
    Ok(vec![LogEvent::OperationRequested { operation }])
}

fn matchers(draft: &SilenceDraft) -> Result<Vec<Matcher>, Refusal> {
    let refuse = |sentence: String| Refusal::new(Rule::Matchers, sentence);
    if draft.matchers.len() > MOST_MATCHERS {
        return Err(Refusal::new(
            Rule::TooLong,
            format!(
                "The silence has {} matchers; at most {MOST_MATCHERS} are sent. Use a regular expression \
                 instead of many.",
                draft.matchers.len()
            ),
        ));
    }
    let compiled = draft
        .matchers
        .iter()
        .map(|spec| {
            if spec.name.trim().is_empty() {
                return Err(refuse("A matcher has no label name.".to_owned()));
            }
            spec.compile().map_err(|e| {
                refuse(format!(
                    "The matcher for {} cannot be read: {e}. What it would mute cannot be counted, so \
                     it is not sent.",
                    spec.name
                ))
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    if compiled.iter().all(Matcher::matches_empty) {
        return Err(refuse(
            "These matchers would mute every alert that lacks the labels. Name at least one label \
             value that an alert must have."
                .to_owned(),
        ));
    }
    Ok(compiled)
}

fn times(draft: &SilenceDraft, now: Timestamp, guard: &SilenceGuard) -> Result<(), Refusal> {
    if draft.ends_at <= draft.starts_at {
        return Err(Refusal::new(Rule::Times, "The silence would end before it starts."));
    }
    if draft.ends_at <= now {
        return Err(Refusal::new(
            Rule::Times,
            "The silence would be over already. Give a later end.",
        ));
    }
    let lasts = draft.ends_at.since(draft.starts_at.max(now));
    if lasts > guard.longest {
        return Err(Refusal::new(
            Rule::Duration,
            format!(
                "The silence would last {lasts}; at most {} is allowed. Make it shorter and extend it \
                 when needed.",
                guard.longest
            ),
        ));
    }
    Ok(())
}

/// Refuses what would mute more than one slip may.
fn narrow(reach: &Preview, matchers: &[Matcher], guard: &SilenceGuard) -> Result<(), Refusal> {
    let (count, total) = (reach.alerts.len(), reach.total_firing);
    if guard.is_broad(reach) {
        return Err(Refusal::new(
            Rule::TooBroad,
            format!(
                "This silence would mute {count} of {total} firing alerts, in {} and {}. \
                 Narrow the matchers, or confirm that you mean all of them.",
                counted(reach.groups, "group"),
                counted(reach.services.len(), "service")
            ),
        ));
    }
    // Little may fire just now; what takes any value would still mute all that comes.
    if matchers.iter().all(takes_anything) {
        return Err(Refusal::new(
            Rule::TooBroad,
            format!(
                "These matchers take any value, so the silence would mute whatever comes (now {count} of \
                 {total} firing alerts). Narrow them, or confirm that you mean it."
            ),
        ));
    }
    Ok(())
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Whether values that nobody can have meant satisfy it.
fn takes_anything(matcher: &Matcher) -> bool {
    ["zq-7f3a", "0", "Ω"].iter().all(|odd| matcher.matches(&Labels::of(&[(&matcher.name, odd)])))
}

fn known_silence<'a>(
    model: &'a Model,
    site: &SiteId,
    id: &SilenceId,
) -> Result<&'a Silence, Refusal> {
    model
        .silences
        .by_source
        .values()
        .flatten()
        .filter(|s| s.site == *site && s.id == *id)
        // Where two Alertmanagers disagree for a moment, one that still has it on counts.
        .min_by_key(|s| s.state == SilenceState::Expired)
        .ok_or_else(|| {
            Refusal::new(
                Rule::NoSuchSilence,
                format!("The silence {id} is not known at {site}. It may have been removed; refresh and look again."),
            )
        })
}

fn still_on(silence: &Silence, now: Timestamp) -> Result<(), Refusal> {
    if silence.state == SilenceState::Expired || silence.ends_at <= now {
        return Err(Refusal::new(
            Rule::SilenceOver,
            format!(
                "That silence ended at {}. Make a new one if alerts should be muted.",
                silence.ends_at.utc().format("%Y-%m-%d %H:%M UTC")
            ),
        ));
    }
    Ok(())
}

fn instance(tracked: &Tracked) -> AlertInstance {
    AlertInstance { key: tracked.alert.key.clone(), starts_at: tracked.alert.starts_at }
}

/// Cleans a text, or refuses it whole: nothing typed is ever cut.
fn words(raw: &str, what: &str, most: usize) -> Result<SafeText, Refusal> {
    let text = SafeText::body(raw);
    if raw.len() > most || text.len() > most {
        return Err(Refusal::new(
            Rule::TooLong,
            format!(
                "The {what} is {} bytes long; at most {most} are kept. Shorten it; it is still here as you \
                 wrote it.",
                raw.len()
            ),
        ));
    }
    Ok(text)
}

/// Splits alerts so that each record stays small enough to be stored and sent on.
fn portions(alerts: Vec<AlertInstance>) -> impl Iterator<Item = Vec<AlertInstance>> {
    let mut alerts = alerts.into_iter().peekable();
    std::iter::from_fn(move || {
        let mut portion = vec![alerts.next()?];
        let mut bytes = portion.iter().map(stored_bytes).sum::<usize>();
        while let Some(next) = alerts.next_if(|next| bytes + stored_bytes(next) <= ALERTS_BYTES) {
            bytes += stored_bytes(&next);
            portion.push(next);
        }
        Some(portion)
    })
}

fn stored_bytes(alert: &AlertInstance) -> usize {
    alert.key.site.as_str().len() + alert.key.fingerprint.len() + 16
}

/// A note about a storm names the group and as many of its alerts as one record takes.
fn bounded(about: &Subject) -> Subject {
    match about {
        Subject::Alerts { title, alerts } => Subject::Alerts {
            title: title.clone(),
            alerts: portions(alerts.clone()).next().unwrap_or_default(),
        },
        other => other.clone(),
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
