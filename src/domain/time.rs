//! Instants and durations, in whole milliseconds, with arithmetic that saturates instead of panicking.
//!
//! Wall-clock reading happens only in `runtime::clock`; everything else is handed a [`Timestamp`].

use std::fmt;

use chrono::{DateTime, Days, LocalResult, NaiveDateTime, SecondsFormat, TimeDelta, TimeZone, Utc};
use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since the Unix epoch (UTC).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `millis` milliseconds after the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From seconds with a fraction, as Prometheus writes sample times. NaN becomes the epoch.
    pub fn from_seconds(seconds: f64) -> Self {
        Self((seconds * 1_000.0).round() as i64)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Seconds since the Unix epoch, with a fraction.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1_000.0
    }

    /// Reads RFC 3339 (`2026-11-22T10:56:02.385Z`).
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        // Twenty thousand alerts have three each, nearly all in UTC.
        if let Some(utc) = parse_utc(text) {
            return Some(utc);
        }
        DateTime::parse_from_rfc3339(text).ok().map(|t| Self(t.timestamp_millis()))
    }

    /// Writes RFC 3339 in UTC with milliseconds; a time outside the calendar prints as the epoch.
    pub fn rfc3339(self) -> String {
        if let Some(text) = write_utc(self.0) {
            return text;
        }
        self.utc().to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// As a calendar time in UTC.
    pub fn utc(self) -> DateTime<Utc> {
        Utc.timestamp_millis_opt(self.0).single().unwrap_or_default()
    }

    /// A time of a zone's wall clock, placed as RFC 5545 section 3.3.5 says:
    /// - a time that does not exist (02:30 on the night the clock goes from 02:00 to 03:00) takes the
    ///   offset from before the gap, so it is 03:30 by the new time, as long after midnight as ever;
    /// - a time that comes twice (02:30 on the night the clock goes back) means the first one.
    pub fn at_wall(local: NaiveDateTime, zone: chrono_tz::Tz) -> Self {
        let moment = match zone.from_local_datetime(&local) {
            LocalResult::Single(t) | LocalResult::Ambiguous(t, _) => t.with_timezone(&Utc),
            LocalResult::None => {
                // No gap is longer than a day, so the offset a day earlier is that before it.
                let before = local.checked_sub_days(Days::new(1)).unwrap_or(local);
                let offset = match zone.from_local_datetime(&before) {
                    LocalResult::Single(t) | LocalResult::Ambiguous(t, _) => {
                        before.signed_duration_since(t.naive_utc())
                    }
                    LocalResult::None => TimeDelta::zero(),
                };
                Utc.from_utc_datetime(&(local.checked_sub_signed(offset).unwrap_or(local)))
            }
        };
        Self(moment.timestamp_millis())
    }

    /// How long after `earlier` this is; negative when it is before.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// This moment moved later by `span`.
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// This moment moved earlier by `span`.
    pub const fn minus(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

const DAY: i64 = 86_400_000;

/// `2026-11-22T10:56:02Z`, with or without a fraction; `None` for anything else.
fn parse_utc(text: &str) -> Option<Timestamp> {
    let (moment, fraction) = text.strip_suffix('Z')?.as_bytes().split_at_checked(19)?;
    let number = |from: usize, to: usize| {
        moment.get(from..to)?.iter().try_fold(0, |n: i64, digit| {
            digit.is_ascii_digit().then(|| n * 10 + i64::from(digit - b'0'))
        })
    };
    let signs = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if !signs.iter().all(|(at, sign)| moment.get(*at) == Some(sign)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    // A leap second, and a day that does not exist, are the calendar's.
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_of(year, month, day)?;
    let millis = match fraction {
        [] => 0,
        [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => {
            if !digits.iter().all(u8::is_ascii_digit) {
                return None;
            }
            let digit = |at: usize| i64::from(digits.get(at).map_or(0, |d| d - b'0'));
            digit(0) * 100 + digit(1) * 10 + digit(2)
        }
        _ => return None,
    };
    Some(Timestamp(days * DAY + ((hour * 60 + minute) * 60 + second) * 1_000 + millis))
}

/// Days since the Unix epoch of a date that exists.
fn days_of(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=longest).contains(&day) {
        return None;
    }
    // Years begin in March, so that the leap day is the last; eras have 400 of them.
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// Years 0 to 9999, with milliseconds.
fn write_utc(millis: i64) -> Option<String> {
    let (days, rest) = (millis.div_euclid(DAY), millis.rem_euclid(DAY));
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * of_era + of_era / 4 - of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = (from_march + 2) % 12 + 1;
    let year = era * 400 + of_era + i64::from(month <= 2);
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    if !(0..=9_999).contains(&year) {
        return None;
    }
    let mut text = String::with_capacity(24);
    let mut put = |number: i64, tens: i64, after: char| {
        let mut place = tens;
        while place > 0 {
            text.push(char::from(b'0' + u8::try_from(number / place % 10).unwrap_or_default()));
            place /= 10;
        }
        text.push(after);
    };
    put(year, 1_000, '-');
    put(month, 10, '-');
    put(day, 10, 'T');
    put(rest / 3_600_000, 10, ':');
    put(rest / 60_000 % 60, 10, ':');
    put(rest / 1_000 % 60, 10, '.');
    put(rest % 1_000, 100, 'Z');
    Some(text)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// A length of time in milliseconds; may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(i64);

const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// `millis` milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// `secs` seconds.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000))
    }

    /// `mins` minutes.
    pub const fn from_mins(mins: i64) -> Self {
        Self(mins.saturating_mul(60_000))
    }

    /// `hours` hours.
    pub const fn from_hours(hours: i64) -> Self {
        Self(hours.saturating_mul(3_600_000))
    }

    /// `days` days of 24 hours.
    pub const fn from_days(days: i64) -> Self {
        Self(days.saturating_mul(86_400_000))
    }

    /// As far the other way.
    pub const fn reversed(self) -> Self {
        Self(self.0.saturating_neg())
    }

    /// In milliseconds.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// In seconds, with a fraction.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1_000.0
    }

    /// For the standard library and tokio; a negative span is zero.
    pub fn std(self) -> std::time::Duration {
        std::time::Duration::from_millis(u64::try_from(self.0).unwrap_or(0))
    }

    /// Scaled by `factor`, rounded to the millisecond.
    pub fn scale(self, factor: f64) -> Self {
        Self((self.0 as f64 * factor).round() as i64)
    }

    /// Reads a Prometheus duration (`1h30m`, `5m`, `500ms`, `30d`): units in falling order, each once.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "0" {
            return Some(Self::ZERO);
        }
        let (mut rest, mut total, mut next_unit) = (text, 0i64, 0usize);
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            let amount: i64 = rest.get(..digits)?.parse().ok()?;
            rest = rest.get(digits..)?;
            let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
            let unit = rest.get(..letters)?;
            let index = UNITS.iter().position(|(name, _)| *name == unit)?;
            if index < next_unit {
                return None;
            }
            next_unit = index + 1;
            total = total.checked_add(amount.checked_mul(UNITS[index].1)?)?;
            rest = rest.get(letters..)?;
        }
        (!text.is_empty()).then_some(Self(total))
    }
}

/// Prints as Prometheus does (`1h30m`, `0s`), days and weeks included only when they come out whole.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut left = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        for (name, size) in UNITS.iter().skip(2) {
            let size = size.unsigned_abs();
            if left >= size {
                write!(f, "{}{name}", left / size)?;
                left %= size;
            }
        }
        Ok(())
    }
}

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.as_ref()),
        };
        Self::parse(digits).map(|s| Self(s.0 * sign)).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "`{text}` is not a duration such as 30s, 5m, 1h30m or 7d"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spans_read_and_print_like_prometheus() {
        for (text, millis, printed) in [
            ("5m", 300_000, "5m"),
            ("1h30m", 5_400_000, "1h30m"),
            ("30d", 2_592_000_000, "30d"),
            ("500ms", 500, "500ms"),
            ("2w", 1_209_600_000, "14d"),
            ("0", 0, "0s"),
        ] {
            let span = Span::parse(text).unwrap();
            assert_eq!((span.millis(), span.to_string().as_str()), (millis, printed));
        }
        for bad in ["", "5", "m", "5m1h", "1x", "-3s", "5 m", "99999999999999999y"] {
            assert_eq!(Span::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn times_are_read_and_written_as_by_the_calendar(
            millis in prop_oneof![any::<i64>(), -63_000_000_000_000..260_000_000_000_000i64],
            at in 0..30usize,
            sign in "[0-9TZ:.+ -]",
            format in prop_oneof![Just(SecondsFormat::Secs), Just(SecondsFormat::Millis), Just(SecondsFormat::Nanos)],
        ) {
            let time = Timestamp(millis);
            prop_assert_eq!(time.rfc3339(), time.utc().to_rfc3339_opts(SecondsFormat::Millis, true));
            let mut text = time.utc().to_rfc3339_opts(format, true);
            let calendar = |text: &str| {
                DateTime::parse_from_rfc3339(text).ok().map(|t| Timestamp(t.timestamp_millis()))
            };
            prop_assert_eq!(Timestamp::parse_rfc3339(&text), calendar(&text));
            if text.is_char_boundary(at.min(text.len() - 1)) {
                let at = at.min(text.len() - 1);
                text.replace_range(at..=at, &sign);
            }
            prop_assert_eq!(Timestamp::parse_rfc3339(&text), calendar(&text));
            if let Some(quick) = parse_utc(&text) {
                prop_assert_eq!(Some(quick), calendar(&text));
            }
        }
    }
}
