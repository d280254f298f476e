//! What an update may say of an incident, as words: nothing here is a guess, and what is not known is empty.

use crate::domain::{Audience, IncidentId, SafeText, ServiceId, Span, Status, Timestamp};
use crate::model::Model;
use crate::model::incidents::{Incident, LineKind, Update};

/// Steps and decisions told as what is new since the last update.
const MOST_CHANGES: usize = 8;

/// Every variable of a template and what it stands for. All are always there; what is not known is empty.
pub const VARIABLES: &[(&str, &str)] = &[
    ("id", "the incident's id"),
    ("title", "its title"),
    ("severity", "SEV-1 to SEV-5"),
    ("status", "investigating, identified, monitoring, resolved or closed"),
    ("impact", "who is hurt and how, one sentence"),
    ("scope", "which part, region or share of customers"),
    ("services", "a list of the services that are hurt"),
    ("started", "when it began"),
    ("duration", "how long it has lasted, or lasted"),
    ("commander", "who commands; for external updates the role"),
    ("burn", "a list: how the objectives of these services stand (internal)"),
    ("next", "when the next update is promised"),
    ("doing", "a list of what is being done (internal)"),
    ("changed", "a list of what is new since the last update to these people"),
    ("last", "when that last update went out"),
    ("number", "the how manieth update this is"),
    ("tickets", "a list of the tickets' addresses (internal)"),
    ("now", "the time it is written"),
];

/// What is known, in words. See [`VARIABLES`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Id.
    pub id: SafeText,
    /// One line.
    pub title: SafeText,
    /// How bad.
    pub severity: SafeText,
    /// How far.
    pub status: Option<Status>,
    /// Who is hurt and how.
    pub impact: SafeText,
    /// Which part of them.
    pub scope: SafeText,
    /// Services by title.
    pub services: Vec<SafeText>,
    /// When it began.
    pub started: SafeText,
    /// How long it has lasted.
    pub duration: SafeText,
    /// Who commands.
    pub commander: SafeText,
    /// Objectives that are hit.
    pub burn: Vec<SafeText>,
    /// Next update.
    pub next: SafeText,
    /// What is being done.
    pub doing: Vec<SafeText>,
    /// What is new.
    pub changed: Vec<SafeText>,
    /// Last update.
    pub last: SafeText,
    /// From 1.
    pub number: usize,
    /// Tickets.
    pub tickets: Vec<SafeText>,
    /// Now.
    pub now: SafeText,
}

/// The facts of an incident for an audience; `None` when there is no such incident. What is meant for inside
/// only is left empty for those outside.
pub fn gather(
    model: &Model,
    incident: &IncidentId,
    audience: Audience,
    next: Option<Timestamp>,
    now: Timestamp,
) -> Option<Facts> {
    let incident = model.incidents.incidents.get(incident)?;
    let inside = audience == Audience::Internal;
    let last = last_published(incident, audience);
    let began = incident.onset.unwrap_or(incident.declared_at);
    let ended = if incident.status.is_live() { now } else { incident.status_since };
    let commander = match (&incident.command, inside) {
        (Some(command), true) => SafeText::new(command.commander.name()),
        (Some(_), false) => "the incident commander".into(),
        (None, _) => SafeText::default(),
    };
    let inside_only = |list: Vec<SafeText>| if inside { list } else { Vec::new() };
    Some(Facts {
        id: incident.id.text().clone(),
        title: incident.title.clone(),
        severity: SafeText::new(&incident.severity.to_string()),
        status: Some(incident.status),
        impact: incident.impact.sentence.clone(),
        scope: incident.impact.scope.clone(),
        // By name: a title says what a service does, which is no sentence's object.
        services: incident.services.iter().map(|id| id.text().clone()).collect(),
        started: moment(began, now),
        duration: lasted(ended.since(began)),
        commander,
        burn: inside_only(burn(model, &incident.services)),
        next: next.map(|at| moment(at, now)).unwrap_or_default(),
        doing: inside_only(doing(incident)),
        changed: last.map(|last| changed(incident, last, inside)).unwrap_or_default(),
        last: last.and_then(|last| last.published).map(|at| moment(at, now)).unwrap_or_default(),
        number: published(incident, audience).count() + 1,
        tickets: inside_only(
            incident
                .tickets
                .values()
                .map(|ticket| ticket.url.clone())
                .filter(|u| !u.is_empty())
                .collect(),
        ),
        now: moment(now, now),
    })
}

fn published(incident: &Incident, audience: Audience) -> impl Iterator<Item = &Update> {
    let updates = incident.updates.values();
    updates.filter(move |update| update.audience == audience && update.published.is_some())
}

/// The last update that went out to an audience.
pub(super) fn last_published(incident: &Incident, audience: Audience) -> Option<&Update> {
    published(incident, audience).max_by_key(|update| update.published)
}

/// `16:30 UTC`, with the date when it is another day than now.
pub(super) fn moment(at: Timestamp, now: Timestamp) -> SafeText {
    let (at, now) = (at.utc(), now.utc());
    let format = if at.date_naive() == now.date_naive() { "%H:%M UTC" } else { "%-d %B %H:%M UTC" };
    SafeText::new(&at.format(format).to_string())
}

/// `42 minutes`, `3 hours 5 minutes`, `2 days 4 hours`: as said, not as measured.
fn lasted(span: Span) -> SafeText {
    let minutes = span.millis().max(0) / 60_000;
    let part = |count: i64, unit: &str| match count {
        0 => String::new(),
        1 => format!("1 {unit}"),
        n => format!("{n} {unit}s"),
    };
    let (days, hours) = (minutes / 1_440, minutes / 60 % 24);
    let parts = match (days, hours) {
        (0, 0) if minutes == 0 => ["less than a minute".to_owned(), String::new()],
        (0, 0) => [part(minutes, "minute"), String::new()],
        (0, _) => [part(hours, "hour"), part(minutes % 60, "minute")],
        _ => [part(days, "day"), part(hours, "hour")],
    };
    SafeText::new(parts.join(" ").trim_end())
}

fn burn(model: &Model, services: &[ServiceId]) -> Vec<SafeText> {
    let hit = model.catalog.slos.values().filter(|slo| services.contains(&slo.service));
    let told = hit.filter_map(|slo| model.slos.sentence(&slo.id, &model.catalog));
    told.map(|sentence| SafeText::new(&sentence)).collect()
}

/// What workstreams report, then open tasks with their owners.
fn doing(incident: &Incident) -> Vec<SafeText> {
    let open = incident.workstreams.values().filter(|stream| stream.closed.is_none());
    let reported = open.filter_map(|stream| {
        let can = stream.reports.iter().rev().find(|can| !can.actions.is_empty())?;
        Some(SafeText::new(&format!("{}: {}", stream.name, can.actions)))
    });
    let mut tasks: Vec<_> = incident.tasks.values().filter(|task| task.ended.is_none()).collect();
    tasks.sort_by_key(|task| task.due);
    let tasks = tasks.iter().map(|task| SafeText::new(&format!("{} ({})", task.text, task.owner)));
    reported.chain(tasks).collect()
}

/// Lines of the timeline looked at for what is new.
const LOOKED_AT: usize = 1_000;

/// What is new since an update went out. Those outside hear of the status alone.
fn changed(incident: &Incident, last: &Update, inside: bool) -> Vec<SafeText> {
    let Some(since) = last.published else { return Vec::new() };
    let mut new = Vec::new();
    if incident.status_since > since {
        new.push(SafeText::new(&format!("The status is now {}.", incident.status)));
    }
    if inside {
        use crate::domain::EntryKind::{Action, Decision};
        // Asked while somebody types: of a long timeline only the end is looked at.
        let timeline = &incident.timeline;
        let end = timeline.page(timeline.len().saturating_sub(LOOKED_AT)..timeline.len());
        let lines = end.filter(|line| {
            line.written > since
                && line.withdrawn.is_none()
                && matches!(line.kind, LineKind::Entry(Action | Decision))
        });
        let lines: Vec<SafeText> = lines.map(|line| SafeText::new(&line.text)).collect();
        new.extend(lines.iter().skip(lines.len().saturating_sub(MOST_CHANGES)).cloned());
    }
    new
}
