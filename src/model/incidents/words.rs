//! How the timeline speaks: short sentences in plain English.

use std::fmt::Display;

use crate::domain::{Actor, Span, Timestamp};
use crate::eventlog::{Denied, LogEvent, Policy, Recorded};

/// Who wrote a record: whoever its key belongs to, or without a policy who they say they are.
pub(super) fn who(record: &Recorded, duties: &Policy) -> Actor {
    duties.person(record.key).map_or_else(|| record.actor.clone(), |person| Actor::new(person))
}

/// A record that its writer was not allowed to make.
pub(super) fn denied(record: &Recorded, why: Denied) -> String {
    let (by, kind) = (&record.actor, record.event.as_ref().map_or("record", LogEvent::kind));
    match why {
        Denied::UnknownKey => format!("refused: {by}'s key is not in the policy ({kind})"),
        Denied::Revoked => format!("refused: {by}'s key was revoked ({kind})"),
        Denied::Lacks(power) => format!("refused: {by} may not {} ({kind})", power.name()),
    }
}

/// `: reason`, or nothing.
pub(super) fn because(reason: &str) -> String {
    let reason = reason.trim();
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}

/// Somebody's own words.
pub(in crate::model) fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

/// `a, b, c`, or `none` when there is nothing.
pub(super) fn list<T: Display>(items: &[T], none: &str) -> String {
    if items.is_empty() {
        return none.to_owned();
    }
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A time of day in UTC, with the date when it is another day than `now`.
pub(in crate::model) fn clock(at: Timestamp, now: Timestamp) -> String {
    let same_day = at.utc().date_naive() == now.utc().date_naive();
    at.utc().format(if same_day { "%H:%MZ" } else { "%Y-%m-%d %H:%MZ" }).to_string()
}

/// What is left of a span: ten minutes are ten minutes until one of them is gone.
pub(super) fn left(span: Span) -> String {
    let secs = span.millis().max(0).saturating_add(999) / 1_000;
    length(Span::from_secs(if secs < 60 { secs } else { secs.saturating_add(59) / 60 * 60 }))
}

/// A length of time in its two largest units: `12s`, `4m`, `1h5m`, `2d3h`; never negative.
pub(in crate::model) fn length(span: Span) -> String {
    let secs = span.millis().max(0) / 1_000;
    let (days, hours, mins) = (secs / 86_400, secs / 3_600 % 24, secs / 60 % 60);
    match (days, hours, mins) {
        (0, 0, 0) => format!("{secs}s"),
        (0, 0, mins) => format!("{mins}m"),
        (0, hours, 0) => format!("{hours}h"),
        (0, hours, mins) => format!("{hours}h{mins}m"),
        (days, 0, _) => format!("{days}d"),
        (days, hours, _) => format!("{days}d{hours}h"),
    }
}
