//! Moments as people say them: `14:05`, `-10m`, `20m`, RFC 3339.

use crate::domain::{Span, Timestamp};

/// In which direction a distance without a sign goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toward {
    /// `10m` is ten minutes ago, `14:05` the last time it was.
    Past,
    /// `10m` is in ten minutes, `14:05` the next time it is.
    Future,
}

const DAY: Span = Span::from_hours(24);

/// Reads a moment. `offset_minutes` is how far the clock that is shown is ahead of UTC; a `Z` at the end
/// means UTC whatever is shown.
pub fn moment(
    text: &str,
    now: Timestamp,
    offset_minutes: i32,
    toward: Toward,
) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(at) = Timestamp::parse_rfc3339(text) {
        return Some(at);
    }
    if let Some(distance) = text.strip_prefix('-') {
        return Span::parse(distance.trim()).map(|span| now.minus(span));
    }
    if let Some(distance) = text.strip_prefix('+') {
        return Span::parse(distance.trim()).map(|span| now.plus(span));
    }
    if let Some(span) = Span::parse(text) {
        return Some(match toward {
            Toward::Past => now.minus(span),
            Toward::Future => now.plus(span),
        });
    }
    let (digits, offset) = match text.strip_suffix(['Z', 'z']) {
        Some(digits) => (digits, Span::ZERO),
        None => (text, Span::from_mins(offset_minutes.into())),
    };
    let of_day = time_of_day(digits)?;
    // What the shown clock says now, as if it were UTC.
    let shown = now.plus(offset);
    let midnight = shown.millis() - shown.millis().rem_euclid(DAY.millis());
    let at = Timestamp::from_millis(midnight).plus(of_day).minus(offset);
    Some(match toward {
        Toward::Past if at > now => at.minus(DAY),
        Toward::Future if at < now => at.plus(DAY),
        _ => at,
    })
}

/// `14:05` or `14:05:30`.
fn time_of_day(text: &str) -> Option<Span> {
    let mut parts = text.split(':');
    let mut number = |most: i64| {
        let part = parts.next()?;
        let plain = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<i64>().ok().filter(|n| plain && *n <= most)
    };
    let (hours, minutes) = (number(23)?, number(59)?);
    let seconds = if text.matches(':').count() == 2 { number(59)? } else { 0 };
    let whole = text.matches(':').count() <= 2;
    whole.then(|| Span::from_secs(hours * 3600 + minutes * 60 + seconds))
}

/// A text that begins with when it happened (`14:05 cards fail`, `-10m cards fail`): that moment, and the
/// rest. A word is only taken for a time when it can be nothing else, and never for one to come.
pub fn leading(text: &str, now: Timestamp, offset_minutes: i32) -> (Option<Timestamp>, &str) {
    let whole = (None, text);
    let Some((word, rest)) = text.trim_start().split_once(char::is_whitespace) else {
        return whole;
    };
    // `10m` alone may be the beginning of a sentence; `-10m` and `14:05` are not.
    let is_time = word.starts_with('-') || word.contains(':');
    let at = is_time.then(|| moment(word, now, offset_minutes, Toward::Past)).flatten();
    match at.filter(|at| *at <= now && !rest.trim().is_empty()) {
        Some(at) => (Some(at), rest.trim_start()),
        None => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    fn now() -> Timestamp {
        Timestamp::parse_rfc3339("2026-11-22T14:32:07Z").unwrap()
    }

    #[test]
    fn moments_are_read_as_people_say_them() {
        use Toward::{Future, Past};
        for (text, toward, at) in [
            ("14:05", Past, "2026-11-22T14:05:00.000Z"),
            ("14:05", Future, "2026-11-23T14:05:00.000Z"),
            ("23:50", Past, "2026-11-21T23:50:00.000Z"),
            ("9:30:15", Past, "2026-11-22T09:30:15.000Z"),
            ("-10m", Future, "2026-11-22T14:22:07.000Z"),
            ("+1h", Past, "2026-11-22T15:32:07.000Z"),
            ("20m", Future, "2026-11-22T14:52:07.000Z"),
            ("20m", Past, "2026-11-22T14:12:07.000Z"),
            ("2026-11-22T15:05:00+01:00", Past, "2026-11-22T14:05:00.000Z"),
        ] {
            assert_eq!(moment(text, now(), 0, toward).unwrap().rfc3339(), at, "{text} {toward:?}");
        }
        // Berlin in winter; the Z says UTC all the same.
        let berlin = |text| moment(text, now(), 60, Past).unwrap().rfc3339();
        assert_eq!(berlin("15:05"), "2026-11-22T14:05:00.000Z");
        assert_eq!(berlin("14:05Z"), "2026-11-22T14:05:00.000Z");
        assert_eq!(berlin("00:10"), "2026-11-21T23:10:00.000Z");
        for bad in ["", "soon", "25:00", "14:5x", "14", "1:2:3:4", "--5m", "014:05", "+"] {
            assert_eq!(moment(bad, now(), 0, Past), None, "{bad}");
        }
    }

    #[test]
    fn a_note_may_begin_with_when_it_happened() {
        let read = |text: &'static str| {
            let (at, rest) = leading(text, now(), 0);
            (at.map(|at| now().since(at).to_string()), rest)
        };
        assert_eq!(read("14:05 cards fail"), (Some("27m7s".into()), "cards fail"));
        assert_eq!(read("-10m cards fail"), (Some("10m".into()), "cards fail"));
        for text in ["10m of errors", "cards fail at 14:05", "14:05", "-", "-x y", "17: three"] {
            assert_eq!(read(text), (None, text));
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_directions_hold(text in "\\PC{0,12}|[-+]?[0-9]{1,2}[:mhdZ ][0-9:]{0,4} ?x?", offset in -900i32..900) {
            let past = moment(&text, now(), offset, Toward::Past);
            if text.starts_with(|c: char| c.is_ascii_digit()) && text.len() < 9 {
                prop_assert!(past.is_none_or(|at| at <= now()));
            }
            prop_assert!(leading(&text, now(), offset).0.is_none_or(|at| at <= now()));
        }
    }
}
