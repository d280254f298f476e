//! Maintenance windows: planned work, once or recurring, during which alerts are muted.
//!
//! Recurrence is RFC 5545 (RRULE) in an IANA time zone, so a window at 02:00 stays at 02:00 local
//! time across daylight saving changes.

use super::{Matcher, SafeText, Span, Timestamp, WindowId};

/// Planned work on whatever the matchers select.
#[derive(Debug, Clone, PartialEq)]
pub struct MaintenanceWindow {
    /// Name in the catalog.
    pub id: WindowId,
    /// Why; becomes the silence's comment.
    pub comment: SafeText,
    /// What it mutes; never empty.
    pub matchers: Vec<Matcher>,
    /// First start, local time in `zone`, as written (`2026-11-22T02:00:00`).
    pub first: chrono::NaiveDateTime,
    /// Zone of the wall clock.
    pub zone: chrono_tz::Tz,
    /// How long each lasts.
    pub duration: Span,
    /// `FREQ=WEEKLY;BYDAY=SU`; `None` happens once.
    pub rrule: Option<String>,
}

/// One time a window happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    /// Start.
    pub start: Timestamp,
    /// End.
    pub end: Timestamp,
}
