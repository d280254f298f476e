//! Maintenance windows: planned work, once or recurring, during which alerts are muted.
//!
//! Recurrence is RFC 5545 (RRULE) in an IANA time zone, so a window at 02:00 stays at 02:00 local
//! time across daylight saving changes. The rule is worked out on the wall clock and each time is
//! then placed in the zone ([`Timestamp::at_wall`]).
//!
//! A window lasts its exact duration, also across a change. `UNTIL` may be in UTC (`…Z`), in local
//! time, or a date, which then counts whole.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use rrule::{Frequency, RRule, Unvalidated};
use serde::{Deserialize, Serialize};

use super::{Actor, Matcher, MatcherSpec, SafeText, SilenceDraft, Span, Timestamp, WindowId};

/// Planned work on whatever the matchers select.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MaintenanceWindow {
    /// Name in the catalog.
    pub id: WindowId,
    /// Why; becomes the silence's comment.
    pub comment: SafeText,
    /// What it mutes; never empty.
    pub matchers: Vec<Matcher>,
    /// First start, local time in `zone`, as written (`2026-11-22T02:00:00`).
    pub first: NaiveDateTime,
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

impl Occurrence {
    /// Whether it is going on at `now`.
    pub fn is_on(&self, now: Timestamp) -> bool {
        self.start <= now && now < self.end
    }
}

/// A rule is followed through at most this many of its times in one question.
const MOST_TIMES: usize = 20_000;

impl MaintenanceWindow {
    /// What is wrong with the recurrence rule, in one sentence; `None` when it can be followed.
    pub fn rule_error(&self) -> Option<SafeText> {
        let rule = self.rrule.as_deref()?;
        let start = rrule::Tz::UTC.from_utc_datetime(&self.first);
        let read = Rule::read(rule).map_err(|e| e.to_string());
        let problem = read.and_then(|r| r.rule.validate(start).map_err(|e| e.to_string())).err()?;
        Some(SafeText::new(&format!("The recurrence rule `{rule}` cannot be read: {problem}")))
    }

    /// Times it happens that end after `from` and start before `until`, in order, at most `max`.
    ///
    /// A rule that cannot be read gives none (`rule_error` says why). Work is bounded whatever the
    /// rule: without `COUNT`, a daily, weekly or faster rule is entered near `from` instead of at
    /// its first time, and after 20,000 times, or 100,000 steps of the rule without a time, the
    /// rest is left out. Takes well below a millisecond for the usual rules.
    pub fn occurrences(&self, from: Timestamp, until: Timestamp, max: usize) -> Vec<Occurrence> {
        let at = |local: NaiveDateTime| {
            let start = self.place(local);
            Occurrence { start, end: start.plus(self.duration) }
        };
        let wanted = |o: &Occurrence| o.end > from && o.start < until;
        let Some(text) = &self.rrule else {
            return Some(at(self.first)).filter(wanted).into_iter().take(max).collect();
        };
        let Ok(Rule { rule, last }) = Rule::read(text) else { return Vec::new() };
        let start = self.enter(&rule, from.minus(self.duration));
        let Ok(set) = rule.build(rrule::Tz::UTC.from_utc_datetime(&start)) else {
            return Vec::new();
        };
        let mut found: Vec<Occurrence> = set
            .limit()
            .into_iter()
            .take(MOST_TIMES)
            .map(|time| time.naive_utc())
            .take_while(|local| match last {
                None => true,
                Some(Last::Local(last)) => *local <= last,
                Some(Last::Utc(last)) => self.place(*local) <= last,
            })
            .map(at)
            // Two wall-clock times never change places by more than a change of the clock.
            .take_while(|o| o.start < until.plus(Span::from_days(1)))
            .filter(wanted)
            .take(max)
            .collect();
        // Times in a gap move onto later ones.
        found.sort_by_key(|o| o.start);
        found.dedup();
        found
    }

    /// The silence that mutes one occurrence. Alertmanager moves a start in the past to now.
    pub fn silence_draft(&self, occurrence: Occurrence, by: &Actor) -> SilenceDraft {
        SilenceDraft {
            matchers: self.matchers.iter().map(MatcherSpec::from).collect(),
            starts_at: occurrence.start,
            ends_at: occurrence.end,
            created_by: SafeText::new(by.name()),
            comment: SafeText::new(&format!("maintenance {}: {}", self.id, self.comment)),
            replaces: None,
        }
    }

    fn place(&self, local: NaiveDateTime) -> Timestamp {
        Timestamp::at_wall(local, self.zone)
    }

    /// The rule's first time, or one of its regular steps shortly before `from`: the pattern is the
    /// same from any of them unless times are counted or the steps are uneven (months, years).
    fn enter(&self, rule: &RRule<Unvalidated>, from: Timestamp) -> NaiveDateTime {
        let unit = match rule.get_freq() {
            Frequency::Weekly => 7 * 86_400,
            Frequency::Daily => 86_400,
            Frequency::Hourly => 3_600,
            Frequency::Minutely => 60,
            Frequency::Secondly => 1,
            Frequency::Monthly | Frequency::Yearly => return self.first,
        };
        if rule.get_count().is_some() {
            return self.first;
        }
        let step = unit * i64::from(rule.get_interval().max(1));
        // Whatever a change of the clock moves, it moves by less than this.
        let target = from.minus(Span::from_hours(3)).utc().with_timezone(&self.zone).naive_local();
        let steps = target.signed_duration_since(self.first).num_seconds() / step;
        if steps <= 0 {
            return self.first;
        }
        let by = TimeDelta::try_seconds(steps.saturating_mul(step)).unwrap_or_default();
        self.first.checked_add_signed(by).unwrap_or(self.first)
    }
}

/// The last time a rule may give.
#[derive(Clone, Copy)]
enum Last {
    Local(NaiveDateTime),
    Utc(Timestamp),
}

struct Rule {
    rule: RRule<Unvalidated>,
    last: Option<Last>,
}

impl Rule {
    /// `UNTIL` is read here: the crate would place a local one in this machine's zone.
    fn read(text: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let (mut parts, mut last) = (Vec::new(), None);
        let text = text.trim();
        for part in text.strip_prefix("RRULE:").unwrap_or(text).split(';') {
            match part.split_once('=') {
                Some((name, value)) if name.trim().eq_ignore_ascii_case("UNTIL") => {
                    last = Some(read_last(value.trim()).ok_or_else(|| {
                        format!("UNTIL={value} is not like 20261231, 20261231T235959 or 20261231T235959Z")
                    })?);
                }
                _ => parts.push(part),
            }
        }
        Ok(Self { rule: parts.join(";").parse()?, last })
    }
}

fn read_last(text: &str) -> Option<Last> {
    const FORM: &str = "%Y%m%dT%H%M%S";
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y%m%d") {
        return Some(Last::Local(day.and_time(NaiveTime::from_hms_opt(23, 59, 59)?)));
    }
    if let Some(utc) = text.strip_suffix('Z') {
        let time = NaiveDateTime::parse_from_str(utc, FORM).ok()?;
        return Some(Last::Utc(Timestamp::from_millis(time.and_utc().timestamp_millis())));
    }
    NaiveDateTime::parse_from_str(text, FORM).ok().map(Last::Local)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    fn window(first: &str, minutes: i64, rrule: Option<&str>) -> MaintenanceWindow {
        MaintenanceWindow {
            id: WindowId::new("db-patch"),
            comment: SafeText::new("patch the databases"),
            matchers: vec![Matcher::equal("job", "db")],
            first: first.parse().unwrap(),
            zone: chrono_tz::Europe::Berlin,
            duration: Span::from_mins(minutes),
            rrule: rrule.map(str::to_owned),
        }
    }

    fn t(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn starts(w: &MaintenanceWindow, from: &str, until: &str) -> Vec<String> {
        let found = w.occurrences(t(from), t(until), 50);
        found.iter().map(|o| o.start.utc().format("%m-%d %H:%M").to_string()).collect()
    }

    #[test]
    fn two_in_the_morning_stays_two_in_the_morning_across_both_changes() {
        // Berlin: 29 March 2026 from 02:00 to 03:00, 25 October 2026 from 03:00 to 02:00.
        let w = window("2026-03-01T02:00:00", 60, Some("FREQ=WEEKLY;BYDAY=SU"));
        assert_eq!(
            starts(&w, "2026-03-20T00:00:00Z", "2026-04-06T00:00:00Z"),
            // 02:00 CET, the hour that does not exist, 02:00 CEST
            ["03-22 01:00", "03-29 01:00", "04-05 00:00"]
        );
        assert_eq!(
            starts(&w, "2026-10-17T00:00:00Z", "2026-11-02T00:00:00Z"),
            // 02:00 CEST, the first of two, 02:00 CET
            ["10-18 00:00", "10-25 00:00", "11-01 01:00"]
        );
    }

    #[test]
    fn a_time_in_the_gap_takes_the_offset_from_before_it_and_lasts_its_full_length() {
        let w = window("2026-03-28T02:30:00", 90, Some("FREQ=DAILY;COUNT=3"));
        let found = w.occurrences(t("2026-03-28T00:00:00Z"), t("2026-04-02T00:00:00Z"), 9);
        let at = |start: &str, end: &str| Occurrence { start: t(start), end: t(end) };
        assert_eq!(
            found,
            [
                at("2026-03-28T01:30:00Z", "2026-03-28T03:00:00Z"),
                at("2026-03-29T01:30:00Z", "2026-03-29T03:00:00Z"), // 03:30 CEST
                at("2026-03-30T00:30:00Z", "2026-03-30T02:00:00Z"),
            ]
        );
    }

    #[test]
    fn a_window_that_happens_once_is_found_while_it_lasts_and_not_after() {
        let w = window("2026-11-22T02:00:00", 60, None);
        let during = t("2026-11-22T01:30:00Z");
        let found = w.occurrences(during, t("2026-11-23T00:00:00Z"), 5);
        assert_eq!(found.len(), 1);
        assert!(found[0].is_on(during));
        assert_eq!(w.occurrences(t("2026-11-22T02:00:00Z"), t("2026-11-23T00:00:00Z"), 5), []);
    }

    #[test]
    fn until_is_read_in_utc_in_local_time_and_as_a_whole_day() {
        for (until, count) in [
            ("20261103", 3),
            ("20261103T020000", 3),
            ("20261103T015959", 2),
            ("20261103T010000Z", 3), // 02:00 CET
            ("20261103T005959Z", 2),
        ] {
            let w = window("2026-11-01T02:00:00", 60, Some(&format!("FREQ=DAILY;UNTIL={until}")));
            let found = w.occurrences(t("2026-10-01T00:00:00Z"), t("2027-01-01T00:00:00Z"), 50);
            assert_eq!(found.len(), count, "{until}");
        }
    }

    #[test]
    fn entering_a_rule_late_gives_the_same_times_as_following_it_from_the_start() {
        for rule in [
            "FREQ=DAILY;INTERVAL=3",
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR",
            "FREQ=WEEKLY;BYDAY=TU;BYMONTH=11",
            "FREQ=HOURLY;INTERVAL=7",
            "FREQ=MONTHLY;BYDAY=1SU",
        ] {
            // A count that is never reached makes it follow the rule from its first time.
            let late = window("2026-01-05T22:15:00", 45, Some(rule));
            let whole = window("2026-01-05T22:15:00", 45, Some(&format!("{rule};COUNT=15000")));
            let (from, until) = (t("2026-11-01T00:00:00Z"), t("2026-12-20T00:00:00Z"));
            let found = late.occurrences(from, until, 1_000);
            assert!(!found.is_empty(), "{rule}");
            assert_eq!(found, whole.occurrences(from, until, 1_000), "{rule}");
        }
    }

    #[test]
    fn a_rule_of_every_second_since_years_and_one_without_any_time_end_soon() {
        let w = window("2001-01-01T00:00:00", 1, Some("FREQ=SECONDLY"));
        let found = w.occurrences(t("2026-11-22T00:00:00Z"), t("2026-11-23T00:00:00Z"), 10);
        assert_eq!((found.len(), found[0].end), (10, t("2026-11-22T00:00:01Z")));
        let never = window("2001-01-01T00:00:00", 1, Some("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"));
        assert_eq!(never.occurrences(t("2026-11-22T00:00:00Z"), t("2027-11-22T00:00:00Z"), 10), []);
    }

    #[test]
    fn a_bad_rule_is_named_and_gives_no_times() {
        for bad in
            ["", "FREQ=SOMETIMES", "BYDAY=MO", "FREQ=DAILY;UNTIL=soon", "FREQ=DAILY;BYHOUR=99"]
        {
            let w = window("2026-11-22T02:00:00", 60, Some(bad));
            assert!(w.rule_error().is_some(), "{bad}");
            assert_eq!(w.occurrences(t("2026-11-01T00:00:00Z"), t("2027-01-01T00:00:00Z"), 5), []);
        }
        assert_eq!(window("2026-11-22T02:00:00", 60, Some("FREQ=DAILY")).rule_error(), None);
    }

    #[test]
    fn the_silence_of_an_occurrence_says_what_it_is_for() {
        let w = window("2026-11-22T02:00:00", 60, None);
        let o = Occurrence { start: t("2026-11-22T01:00:00Z"), end: t("2026-11-22T02:00:00Z") };
        let draft = w.silence_draft(o, &Actor::new("alice"));
        assert_eq!((draft.starts_at, draft.ends_at, draft.replaces), (o.start, o.end, None));
        assert_eq!(draft.comment.as_str(), "maintenance db-patch: patch the databases");
        assert_eq!(draft.matchers, [MatcherSpec::from(&w.matchers[0])]);
    }

    proptest::proptest! {
        #[test]
        fn any_rule_is_followed_or_refused_without_panic(rule in "(FREQ=(DAILY|HOURLY|YEARLY|MINUTELY)|[A-Z]{1,8}=[0-9A-Z,-]{0,8})(;[A-Z]{2,8}=[0-9A-Z,-]{0,6}){0,3}") {
            let w = window("2026-01-05T22:15:00", 45, Some(&rule));
            let found = w.occurrences(t("2026-11-01T00:00:00Z"), t("2026-11-03T00:00:00Z"), 3);
            proptest::prop_assert!(found.windows(2).all(|p| p[0].start < p[1].start));
        }
    }
}
