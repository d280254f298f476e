//! What machines did while an incident goes on, as facts to record: alerts of its services, its objectives'
//! burn conditions, sources coming and going.
//!
//! Every console looks, and each change is written once: its key counts the changes the log already has
//! of that thing, so all consoles that notice one give it the same key and the store takes the first.
//! A console speaks only of changes it saw itself; one that cannot see what others see stays quiet.
//!
//! A burn that hovers around its threshold would fill the timeline. So each time it came back, its end is
//! believed only after it has stayed away for one short window longer, and the entry then says how often it
//! went over. When the incident is resolved before, it is told then: nobody looks at it later. How an objective is
//! judged, and who is called, knows nothing of this.

use std::collections::BTreeMap;

use crate::domain::{
    Cause, Freshness, IncidentId, Moment, SafeText, SourceKind, SourceStatus, Span, Timestamp,
};
use crate::eventlog::{LogEvent, MachineSaw, id_of};

use super::super::{Held, Model, Sight, Tracked};
use super::{Incident, IncidentBook};

/// What began this long before the declaration may have to do with it.
const ONSET_WINDOW: Span = Span::from_mins(30);
/// Names longer than this go into keys as their hash, so that no key is ever cut.
const LONGEST_NAME: usize = 160;

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing to say.
    Quiet,
    /// It fires, burns or does not answer.
    Loud,
    /// Nobody can tell.
    Lost,
}

/// How a thing stood when this console last looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stood {
    phase: Phase,
    /// Since when, as it was seen here.
    since: Moment,
    /// How often it became loud while this console looked, since its end was last told.
    times: u32,
    /// What its phase calls for is said.
    said: bool,
}

/// How everything stood when this console last looked; empty at first.
pub type Seen = BTreeMap<SafeText, Stood>;

impl Phase {
    const fn name(self) -> &'static str {
        match self {
            Self::Quiet => "over",
            Self::Loud => "on",
            Self::Lost => "lost",
        }
    }

    fn of_key(key: &str) -> Self {
        [Self::Loud, Self::Lost]
            .into_iter()
            .find(|phase| key.rsplit(':').next() == Some(phase.name()))
            .unwrap_or(Self::Quiet)
    }
}

/// A thing as it stands now.
struct Now {
    /// What, the same for every console.
    what: SafeText,
    phase: Phase,
    source: SafeText,
    text: String,
    at: Moment,
    /// It belongs to the cause, so it is told whenever it began.
    is_cause: bool,
    /// Its end is believed after so long for each time it came back, and after the second at the latest.
    settles: Option<(Span, Span)>,
}

impl Now {
    /// How it stands, after it stood so when this console last looked.
    fn after(&self, before: Option<&Stood>) -> Stood {
        match before {
            Some(before) if before.phase == self.phase => *before,
            _ => {
                let times = before.map_or(0, |before| before.times);
                let times = times + u32::from(self.phase == Phase::Loud);
                Stood { phase: self.phase, since: self.at, times, said: false }
            }
        }
    }

    /// The fact, after the log told of it `count` times.
    fn told(self, incident: &Incident, count: usize, since: Moment, times: u32) -> LogEvent {
        let key = SafeText::new(&format!("{}#{:06}:{}", self.what, count + 1, self.phase.name()));
        let often = match times {
            2.. if self.phase == Phase::Quiet => format!(" (it went over {times} times)"),
            _ => String::new(),
        };
        let text = SafeText::body(&format!("{}{often}", self.text));
        let saw = MachineSaw { key, source: self.source, text, at: since };
        LogEvent::Incident { incident: incident.id.clone(), event: saw.into() }
    }

    /// Whether its end may still be no more than a pause: the log told of it `count` times so far, on and off
    /// in turn.
    fn may_come_back(&self, since: Moment, count: usize, now: Timestamp) -> bool {
        let Some((once, most)) = self.settles.filter(|_| self.phase == Phase::Quiet) else {
            return false;
        };
        let returns = i64::try_from(count.saturating_sub(1) / 2).unwrap_or(i64::MAX);
        let wait = Span::from_millis(once.millis().saturating_mul(returns)).min(most);
        now.since(since.corrected) < wait
    }
}

/// The changes of `incident`'s machines since `before`, and how everything stands now.
pub fn machine_events(
    before: &Seen,
    model: &Model,
    incident: &Incident,
    now: Timestamp,
) -> (Seen, Vec<LogEvent>) {
    let (mut seen, mut events) = (Seen::new(), Vec::new());
    if !incident.is_running() {
        return (seen, held_back(before, model, incident, now));
    }
    let all = alerts(model, incident).into_iter().chain(burns(model, incident, now));
    for one in all.chain(sources(model, now)) {
        let stood = seen.entry(one.what.clone()).or_insert(one.after(before.get(&one.what)));
        if stood.said {
            continue;
        }
        let (count, last) = model.incidents.told(&incident.id, &one.what);
        if last != one.phase && one.may_come_back(stood.since, count, now) {
            continue;
        }
        stood.said = true;
        let (since, times) = (stood.since, stood.times);
        if one.phase == Phase::Quiet {
            stood.times = 0;
        }
        let earliest = incident.declared_at.minus(ONSET_WINDOW);
        let concerns = one.is_cause || one.at.corrected >= earliest;
        if last == one.phase || !concerns {
            continue;
        }
        events.push(one.told(incident, count, since, times));
    }
    (seen, events)
}

/// The ends that were waited with when the incident was resolved: they were seen, and stayed so until then.
fn held_back(before: &Seen, model: &Model, incident: &Incident, now: Timestamp) -> Vec<LogEvent> {
    // What was merged goes on where it was merged into.
    if incident.merged_into.is_some() {
        return Vec::new();
    }
    let told = |one: Now| {
        let stood =
            before.get(&one.what).filter(|stood| !stood.said && stood.phase == one.phase)?;
        let (count, last) = model.incidents.told(&incident.id, &one.what);
        let waits = one.phase == Phase::Quiet && last == Phase::Loud;
        waits.then(|| one.told(incident, count, stood.since, stood.times))
    };
    burns(model, incident, now).into_iter().filter_map(told).collect()
}

impl IncidentBook {
    /// How often the log tells of a thing, and how it stood the last time.
    fn told(&self, incident: &IncidentId, what: &str) -> (usize, Phase) {
        let (from, to) = (format!("{what}#"), format!("{what}$"));
        let keys = self.machine_keys(incident, from.as_str(), to.as_str());
        keys.fold((0, Phase::Quiet), |(count, _), key| (count + 1, Phase::of_key(key)))
    }
}

fn what(kind: &str, name: &str) -> SafeText {
    if name.len() <= LONGEST_NAME {
        SafeText::new(&format!("{kind}:{name}"))
    } else {
        SafeText::new(&format!("{kind}:{}", id_of(name.as_bytes())))
    }
}

/// Alerts of the incident's services and of its cause, by site and grouping labels.
fn alerts(model: &Model, incident: &Incident) -> Vec<Now> {
    let caused = match &incident.cause {
        Cause::Alerts { alerts, .. } => alerts.as_slice(),
        Cause::Nothing | Cause::Slo(_) => &[],
    };
    let mut groups: BTreeMap<SafeText, (String, Vec<&Tracked>)> = BTreeMap::new();
    for tracked in model.alerts.alerts.values() {
        let ours = tracked.service.as_ref().is_some_and(|s| incident.services.contains(s));
        if !ours && !caused.contains(&tracked.alert.key) {
            continue;
        }
        let labels = &tracked.alert.labels;
        let values: Vec<&str> = model.group_by.iter().map(|name| labels.get(name)).collect();
        let site = &tracked.alert.key.site;
        let what = what("alerts", &format!("{site}/{}", values.join("\u{1f}")));
        let shown: Vec<&str> = values.into_iter().filter(|value| !value.is_empty()).collect();
        let title = format!("{} on {site}", shown.join(" "));
        groups.entry(what).or_insert_with(|| (title, Vec::new())).1.push(tracked);
    }
    groups
        .into_iter()
        .filter_map(|(what, (title, members))| group(model, what, &title, &members, caused))
        .collect()
}

fn group(
    model: &Model,
    what: SafeText,
    title: &str,
    members: &[&Tracked],
    caused: &[crate::domain::AlertKey],
) -> Option<Now> {
    let is_cause = members.iter().any(|one| caused.contains(&one.alert.key));
    let fires = |one: &&&Tracked| matches!(one.sight, Sight::Firing | Sight::Stale { .. });
    let earliest =
        members.iter().filter(fires).min_by_key(|one| (one.alert.starts_at, &one.alert.key));
    if let Some(first) = earliest {
        let count = members.iter().filter(fires).count();
        let more = if count > 1 { format!(" ({count} alerts)") } else { String::new() };
        let text = format!("{title} fires{more}: {}", first.alert.summary());
        let at = corrected(model, first, first.alert.starts_at);
        return Some(Now {
            what,
            phase: Phase::Loud,
            source: source(first),
            text,
            at,
            is_cause,
            settles: None,
        });
    }
    let lost = members.iter().filter_map(|one| match &one.sight {
        Sight::Lost { since, why, unsaid } => Some((*since, (why, *unsaid), *one)),
        _ => None,
    });
    if let Some((since, (why, unsaid), one)) = lost.max_by_key(|(since, ..)| *since) {
        // Whoever can tell does not see it: that is less than an end, and more than having lost sight of it.
        let text = match unsaid {
            true => format!("{title} is no longer reported. {why}"),
            false => format!("{title} is lost from sight: {why}"),
        };
        let at = Moment::exact(since);
        return Some(Now {
            what,
            phase: Phase::Lost,
            source: source(one),
            text,
            at,
            is_cause,
            settles: None,
        });
    }
    let over = members.iter().filter_map(|one| match &one.sight {
        Sight::Resolved { at } => Some((*at, *one)),
        _ => None,
    });
    let (at, one) = over.max_by_key(|(at, _)| *at)?;
    let (text, at) = (format!("{title} is over"), Moment::exact(at));
    Some(Now { what, phase: Phase::Quiet, source: source(one), text, at, is_cause, settles: None })
}

fn source(tracked: &Tracked) -> SafeText {
    let site = tracked.alert.key.site.text();
    tracked.alert.seen_by.first().map_or(site, |source| source.text()).clone()
}

/// When an alert began, by the clock of the Prometheus that says so, else of the Alertmanager.
fn corrected(model: &Model, tracked: &Tracked, raw: Timestamp) -> Moment {
    let prometheus = model
        .sources
        .values()
        .filter(|s| s.kind == SourceKind::Prometheus && s.site == tracked.alert.key.site);
    let reported = tracked.alert.seen_by.iter().filter_map(|id| model.sources.get(id));
    prometheus
        .chain(reported)
        .find(|status| status.clock.is_some())
        .map_or(Moment::exact(raw), |status| by_clock_of(status, raw))
}

/// A moment read from a source's clock, corrected by how far that clock is off, with the bound of that.
pub fn by_clock_of(source: &SourceStatus, raw: Timestamp) -> Moment {
    let Some(clock) = source.clock else { return Moment::exact(raw) };
    let bound = u32::try_from(clock.bound.millis().max(0)).unwrap_or(u32::MAX);
    Moment { corrected: raw.minus(clock.offset), raw, bound: Some(bound) }
}

/// Burn conditions of the objectives of the incident's services and of its cause.
fn burns(model: &Model, incident: &Incident, now: Timestamp) -> Vec<Now> {
    let mut all = Vec::new();
    for status in &model.slos.statuses {
        let Some(slo) = model.catalog.slos.get(&status.slo) else { continue };
        let is_cause = matches!(&incident.cause, Cause::Slo(id) if *id == slo.id);
        if !is_cause && !incident.services.contains(&slo.service) {
            continue;
        }
        for state in &status.conditions {
            let condition = state.condition;
            let (long, short) = (condition.long, condition.short);
            let urgency = match condition.urgency {
                crate::domain::Urgency::Page => "page",
                crate::domain::Urgency::Ticket => "ticket",
            };
            let (phase, text) = match state.held {
                Held::Yes if !state.few => (
                    Phase::Loud,
                    format!(
                        "{} burns its budget over {}x in {long} and {short} ({urgency})",
                        slo.title, condition.factor
                    ),
                ),
                Held::No => (
                    Phase::Quiet,
                    format!("{} no longer burns over {}x in {long}", slo.title, condition.factor),
                ),
                // What cannot be said is no change.
                Held::Yes | Held::Unknown => continue,
            };
            let name = format!("{}/{long}/{short}/{}", slo.id, condition.factor);
            let at = match phase {
                Phase::Loud => state.since.or(status.at).unwrap_or(now),
                Phase::Quiet | Phase::Lost => status.at.unwrap_or(now),
            };
            let source = slo.source.as_ref().map_or(slo.id.text(), |source| source.text()).clone();
            let at = slo
                .source
                .as_ref()
                .and_then(|id| model.sources.get(id))
                .map_or(Moment::exact(at), |source| by_clock_of(source, at));
            let (what, settles) = (what("burn", &name), Some((short, long)));
            all.push(Now { what, phase, source, text, at, is_cause, settles });
        }
    }
    all
}

/// Sources that went quiet, and that answer again.
fn sources(model: &Model, now: Timestamp) -> Vec<Now> {
    let status = |one: &SourceStatus| {
        let last = one.last_good?;
        let (phase, text, at) = match one.freshness(now) {
            Freshness::Fresh => (Phase::Quiet, format!("{} answers again", one.id), last),
            Freshness::Stale => {
                let why =
                    one.failure.as_ref().map_or(String::new(), |f| format!(": {}", f.sentence));
                let text = format!("{} does not answer{why}", one.id);
                (Phase::Lost, text, last.plus(one.stale_after()))
            }
            Freshness::Never => return None,
        };
        let what = what("source", one.id.as_str());
        let (source, at) = (one.id.text().clone(), Moment::exact(at));
        Some(Now { what, phase, source, text, at, is_cause: false, settles: None })
    };
    model.sources.values().filter_map(status).collect()
}
