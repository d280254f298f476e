//! Numbers, durations and times as people read them: one way each, without touching the heap.
//!
//! Nothing here ever rounds in the comfortable direction: a budget of 0.4 % is `<1%`, not `0%` or `1%`.

use std::fmt::{self, Write as _};
use std::ops::Deref;

use chrono::{Datelike, Timelike};

use crate::app::ClockMode;
use crate::domain::{Span, Timestamp, Unit};

/// A short text kept in place; what does not fit is left out.
#[derive(Clone, Copy)]
pub struct Short {
    bytes: [u8; 40],
    len: u8,
}

impl Short {
    /// From format arguments.
    pub fn of(args: fmt::Arguments<'_>) -> Self {
        let mut short = Self { bytes: [0; 40], len: 0 };
        // Writing to a short text never fails: it cuts.
        let _ = short.write_fmt(args);
        short
    }
}

impl fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            let mut one = [0; 4];
            let one = c.encode_utf8(&mut one).as_bytes();
            let start = usize::from(self.len);
            if let Some(room) = self.bytes.get_mut(start..start + one.len()) {
                room.copy_from_slice(one);
                self.len += one.len() as u8;
            }
        }
        Ok(())
    }
}

impl Deref for Short {
    type Target = str;
    fn deref(&self) -> &str {
        self.bytes
            .get(..usize::from(self.len))
            .and_then(|b| std::str::from_utf8(b).ok())
            .unwrap_or_default()
    }
}

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

macro_rules! short {
    ($($arg:tt)*) => { $crate::view::format::Short::of(format_args!($($arg)*)) };
}
pub(crate) use short;

/// A duration in its two largest units: `210ms`, `7s`, `12m`, `9h 10m`, `4d 3h`, `21d`.
pub fn span(span: Span) -> Short {
    let sign = if span.millis() < 0 { "-" } else { "" };
    let ms = span.millis().unsigned_abs();
    let (s, m, h, d) = (ms / 1_000, ms / 60_000, ms / 3_600_000, ms / 86_400_000);
    match ms {
        0 => short!("0s"),
        1..=999 => short!("{sign}{ms}ms"),
        1_000..=59_999 => short!("{sign}{s}s"),
        60_000..=3_599_999 => short!("{sign}{m}m"),
        3_600_000..=86_399_999 if m % 60 == 0 => short!("{sign}{h}h"),
        3_600_000..=86_399_999 => short!("{sign}{h}h {}m", m % 60),
        _ if d >= 10 || h % 24 == 0 => short!("{sign}{d}d"),
        _ => short!("{sign}{d}d {}h", h % 24),
    }
}

/// A running clock: `04:12`, `1:04:12`, `-00:31`.
pub fn clock(span: Span) -> Short {
    let sign = if span.millis() < 0 { "-" } else { "" };
    let s = span.millis().unsigned_abs() / 1_000;
    match s / 3_600 {
        0 => short!("{sign}{:02}:{:02}", s / 60, s % 60),
        h => short!("{sign}{h}:{:02}:{:02}", s / 60 % 60, s % 60),
    }
}

/// An age in its largest unit: `5s`, `2m`, `5h`, `3d`; `never` when there is nothing. A clock that
/// jumped back makes things new, not negative. Seconds go in steps of five: a figure that changed every
/// second would be most of what an idle console sends, and nobody decides by it.
pub fn age(then: Option<Timestamp>, now: Timestamp) -> Short {
    let Some(then) = then else { return short!("never") };
    let s = now.since(then).millis().max(0) / 1_000;
    match s {
        0..=59 => short!("{}s", s - s % 5),
        60..=3_599 => short!("{}m", s / 60),
        3_600..=86_399 => short!("{}h", s / 3_600),
        _ => short!("{}d", s / 86_400),
    }
}

/// A burn rate as a multiple: `0×`, `<0.1×`, `14.4×`, `312×`, `20.0k×`.
pub fn burn(rate: f64) -> Short {
    match rate {
        r if r.is_nan() => short!("?"),
        r if r <= 0.0 => short!("0×"),
        r if r < 0.05 => short!("<0.1×"),
        r if r < 99.95 => short!("{r:.1}×"),
        r if r < 9_999.5 => short!("{r:.0}×"),
        r if r < 999_950.0 => short!("{:.1}k×", r / 1_000.0),
        _ => short!(">999k×"),
    }
}

/// A share as per cent: `0%`, `<0.01%`, `0.12%`, `4.3%`, `41%`.
pub fn percent(ratio: f64) -> Short {
    let p = ratio * 100.0;
    match p.abs() {
        a if a.is_nan() => short!("?"),
        0.0 => short!("0%"),
        a if a < 0.005 => short!("<0.01%"),
        a if a < 0.995 => short!("{p:.2}%"),
        a if a < 9.95 => short!("{p:.1}%"),
        a if a < 99_999.5 => short!("{p:.0}%"),
        _ => short!("{}99999%", if p < 0.0 { "<-" } else { ">" }),
    }
}

/// What is left of a budget, rounded down: `100%`, `41%`, `<1%`, `0%`, `-12%`.
pub fn left(ratio: f64) -> Short {
    let p = (ratio * 100.0).floor();
    match ratio {
        r if r.is_nan() => short!("?"),
        r if r > 0.0 && p < 1.0 => short!("<1%"),
        _ if p < -999.0 => short!("<-999%"),
        _ if p > 999.0 => short!(">999%"),
        _ => short!("{}%", p as i64),
    }
}

/// An objective with as many digits as it has: `99%`, `99.9%`, `99.95%`.
pub fn objective(ratio: f64) -> Short {
    let all = short!("{:.4}", ratio * 100.0);
    short!("{}%", all.trim_end_matches('0').trim_end_matches('.'))
}

/// A count: `31`, `9999`, `20.0k`, `1.2M`.
pub fn count(n: usize) -> Short {
    match n {
        0..=9_999 => short!("{n}"),
        10_000..=99_949 => short!("{:.1}k", n as f64 / 1e3),
        99_950..=999_499 => short!("{:.0}k", n as f64 / 1e3),
        999_500..=999_949_999 => short!("{:.1}M", n as f64 / 1e6),
        _ => short!(">1G"),
    }
}

/// A measured value in its unit: `1.2k/s`, `0.12%`, `210ms`, `1.24s`, `37`.
pub fn quantity(value: f64, unit: Unit) -> Short {
    match unit {
        Unit::Ratio => percent(value),
        Unit::PerSecond => short!("{}/s", number(value)),
        Unit::Count => number(value),
        Unit::Bytes => bytes(value),
        Unit::Seconds => match value.abs() {
            a if a < 0.0005 => short!("{:.0}µs", value * 1e6),
            a if a < 0.9995 => short!("{:.0}ms", value * 1e3),
            a if a < 99.5 => short!("{value:.2}s"),
            _ => short!("{}s", number(value)),
        },
    }
}

/// Bytes by powers of 1,024: `512B`, `1.5GiB`.
fn bytes(value: f64) -> Short {
    const STEPS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut scaled = value;
    let mut at = 0;
    while scaled.abs() >= 1023.5 && at + 1 < STEPS.len() {
        scaled /= 1024.0;
        at += 1;
    }
    match scaled.abs() {
        a if a.is_nan() => short!("?"),
        a if at == 0 || a >= 99.95 => short!("{scaled:.0}{}", STEPS[at]),
        _ => short!("{scaled:.1}{}", STEPS[at]),
    }
}

fn number(value: f64) -> Short {
    match value.abs() {
        a if a.is_nan() => short!("?"),
        a if a < 9.995 && value.fract() != 0.0 => short!("{value:.2}"),
        a if a < 99.95 && value.fract() != 0.0 => short!("{value:.1}"),
        a if a < 9_999.5 => short!("{value:.0}"),
        a if a < 999_950.0 => short!("{:.1}k", value / 1e3),
        a if a < 999_950_000.0 => short!("{:.1}M", value / 1e6),
        a if a < 1e15 => short!("{:.1}G", value / 1e9),
        _ => short!("{}huge", if value < 0.0 { "-" } else { "" }),
    }
}

/// The clock times are shown in.
#[derive(Debug, Clone, Copy)]
pub struct Zone {
    /// UTC or local.
    pub mode: ClockMode,
    /// Minutes local time is ahead of UTC.
    pub offset_minutes: i32,
}

impl Zone {
    fn shift(self, at: Timestamp) -> (chrono::DateTime<chrono::Utc>, &'static str) {
        match self.mode {
            ClockMode::Utc => (at.utc(), "Z"),
            ClockMode::Local => {
                (at.plus(Span::from_mins(i64::from(self.offset_minutes))).utc(), "")
            }
        }
    }

    /// Time of day: `14:32:07Z`, local `15:32:07`.
    pub fn time(self, at: Timestamp) -> Short {
        let (t, mark) = self.shift(at);
        short!("{:02}:{:02}:{:02}{mark}", t.hour(), t.minute(), t.second())
    }

    /// Time of day to the minute, with the date when it is not the day of `now`: `14:32Z`, `11-23 02:00Z`.
    pub fn minute(self, at: Timestamp, now: Timestamp) -> Short {
        let ((t, mark), (today, _)) = (self.shift(at), self.shift(now));
        if t.date_naive() == today.date_naive() {
            short!("{:02}:{:02}{mark}", t.hour(), t.minute())
        } else if t.year() == today.year() {
            short!("{:02}-{:02} {:02}:{:02}{mark}", t.month(), t.day(), t.hour(), t.minute())
        } else {
            short!("{:04}-{:02}-{:02}", t.year(), t.month(), t.day())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all<T: Copy>(cases: &[(T, &str)], f: impl Fn(T) -> Short) {
        let (got, wanted): (Vec<_>, Vec<_>) =
            cases.iter().map(|(v, text)| (f(*v).to_string(), (*text).to_owned())).unzip();
        pretty_assertions::assert_eq!(got, wanted);
    }

    #[test]
    fn durations_take_two_units_at_most() {
        all(
            &[
                (0, "0s"),
                (210, "210ms"),
                (7_900, "7s"),
                (725_000, "12m"),
                (33_000_000, "9h 10m"),
                (7_200_000, "2h"),
                (-33_000_000, "-9h 10m"),
                (356_400_000, "4d 3h"),
                (345_600_000, "4d"),
                (1_900_000_000, "21d"),
            ],
            |ms| span(Span::from_millis(ms)),
        );
        all(&[(252, "04:12"), (3_852, "1:04:12"), (-31, "-00:31")], |s| clock(Span::from_secs(s)));
    }

    #[test]
    fn ages_are_never_negative() {
        let now = Timestamp::from_millis(1_000_000_000);
        all(
            &[(3, "0s"), (59, "55s"), (120, "2m"), (7_300, "2h"), (300_000, "3d"), (-50, "0s")],
            |s| age(Some(now.minus(Span::from_secs(s))), now),
        );
        assert_eq!(&*age(None, now), "never");
    }

    #[test]
    fn burn_per_cent_and_counts_never_round_to_comfort() {
        all(
            &[
                (0.0, "0×"),
                (0.01, "<0.1×"),
                (14.4, "14.4×"),
                (312.4, "312×"),
                (20_000.0, "20.0k×"),
                (f64::INFINITY, ">999k×"),
            ],
            burn,
        );
        all(
            &[
                (0.0, "0%"),
                (0.00001, "<0.01%"),
                (0.0012, "0.12%"),
                (0.043, "4.3%"),
                (0.41, "41%"),
                (f64::INFINITY, ">99999%"),
            ],
            percent,
        );
        all(
            &[
                (1.0, "100%"),
                (0.999, "99%"),
                (0.004, "<1%"),
                (0.0, "0%"),
                (-0.115, "-12%"),
                (-99.0, "<-999%"),
            ],
            left,
        );
        all(&[(0.99, "99%"), (0.999, "99.9%"), (0.9995, "99.95%")], objective);
        all(&[(31, "31"), (9_999, "9999"), (20_000, "20.0k"), (1_200_000, "1.2M")], count);
    }

    #[test]
    fn quantities_carry_their_unit() {
        all(
            &[
                ((1_234.0, Unit::PerSecond), "1234/s"),
                ((20_000.0, Unit::PerSecond), "20.0k/s"),
                ((0.5, Unit::PerSecond), "0.50/s"),
                ((0.21, Unit::Seconds), "210ms"),
                ((1.24, Unit::Seconds), "1.24s"),
                ((0.012, Unit::Ratio), "1.2%"),
                ((37.0, Unit::Count), "37"),
                ((512.0, Unit::Bytes), "512B"),
                ((1_610_612_736.0, Unit::Bytes), "1.5GiB"),
                ((1023.9, Unit::Bytes), "1.0KiB"),
            ],
            |(v, unit)| quantity(v, unit),
        );
    }

    #[test]
    fn times_are_marked_z_only_in_utc() {
        let at = Timestamp::parse_rfc3339("2026-11-22T14:32:07Z").unwrap();
        let utc = Zone { mode: ClockMode::Utc, offset_minutes: 60 };
        let local = Zone { mode: ClockMode::Local, ..utc };
        assert_eq!((&*utc.time(at), &*local.time(at)), ("14:32:07Z", "15:32:07"));
        let tomorrow = at.plus(Span::from_hours(12));
        assert_eq!(
            (&*utc.minute(at, at), &*utc.minute(tomorrow, at), &*local.minute(tomorrow, at)),
            ("14:32Z", "11-23 02:32Z", "11-23 03:32")
        );
    }

    proptest! {
        #[test]
        fn any_number_prints_short_and_without_panic(v: f64, ms: i64, n: usize) {
            for text in [burn(v), percent(v), left(v), quantity(v, Unit::Seconds), quantity(v, Unit::PerSecond),
                         span(Span::from_millis(ms)), count(n), age(Some(Timestamp::from_millis(ms)), Timestamp::default())] {
                prop_assert!(!text.is_empty() && text.len() <= 24, "{text}");
            }
        }
    }
}
