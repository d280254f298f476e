//! Cleaning and bounding what was typed: whole or not at all.

use crate::domain::{Actor, Impact, LINE_BYTES, SafeText, Span, Timestamp, bytes};

use super::{Desk, Refusal, Rule};

/// Most bytes of a note on the timeline or an update.
pub(super) const BODY: usize = 32 * 1024;
/// Most bytes of a reason, a result, an answer: a paragraph.
pub(super) const WORDS: usize = 4 * 1024;
/// A clock may be ahead by so much before what it says is the future.
const AHEAD: Span = Span::from_mins(2);

/// One line that must say something.
pub(super) fn line(raw: &str, what: &str) -> Result<SafeText, Refusal> {
    let text = bounded(raw, what, LINE_BYTES, SafeText::new)?;
    said(text, what)
}

/// A text that must say something.
pub(super) fn text(raw: &str, what: &str, most: usize) -> Result<SafeText, Refusal> {
    let text = bounded(raw, what, most, SafeText::body)?;
    said(text, what)
}

/// A text, or nothing.
pub(super) fn any_text(raw: &str, what: &str, most: usize) -> Result<SafeText, Refusal> {
    bounded(raw, what, most, SafeText::body)
}

/// Who is hurt and how, as far as it is known.
pub(super) fn impact(raw: &Impact) -> Result<Impact, Refusal> {
    Ok(Impact {
        sentence: any_text(&raw.sentence, "impact", WORDS)?,
        scope: any_text(&raw.scope, "scope", WORDS)?,
    })
}

/// A person's name.
pub(super) fn person(who: &Actor, what: &str) -> Result<Actor, Refusal> {
    line(who.name(), what).map(|name| Actor::new(&name))
}

fn bounded(
    raw: &str,
    what: &str,
    most: usize,
    clean: impl Fn(&str) -> SafeText,
) -> Result<SafeText, Refusal> {
    let raw = raw.trim();
    // Asked before cleaning, which would cut; and after, since what is made visible takes more room.
    let long = if raw.len() > most { raw.len() } else { clean(raw).len() };
    if long > most {
        return Err(Refusal::new(
            Rule::TooLong,
            format!(
                "The {what} is {} long; at most {} are kept. Shorten it, or link to the whole; it is \
                 still here as you wrote it.",
                bytes(long),
                bytes(most)
            ),
        ));
    }
    Ok(clean(raw))
}

fn said(text: SafeText, what: &str) -> Result<SafeText, Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::new(
            Rule::Empty,
            format!("The {what} is empty. Write something first."),
        ));
    }
    Ok(text)
}

impl Desk<'_> {
    /// A time when something has to be looked at again: ahead, and not lost in the distance.
    pub(super) fn ahead(self, at: Timestamp, what: &str, most: Span) -> Result<(), Refusal> {
        if at <= self.now {
            return Err(Refusal::new(
                Rule::Times,
                format!("The {what} ({}) has passed. Give a later time.", self.clock(at)),
            ));
        }
        if at.since(self.now) > most {
            return Err(Refusal::new(
                Rule::Times,
                format!(
                    "The {what} ({}) is more than {most} ahead. Give an earlier time.",
                    self.clock(at)
                ),
            ));
        }
        Ok(())
    }

    /// A time that is told afterwards: not ahead, and not before `earliest`.
    pub(super) fn behind(
        self,
        at: Timestamp,
        earliest: Timestamp,
        what: &str,
    ) -> Result<(), Refusal> {
        if at > self.now.plus(AHEAD) {
            return Err(Refusal::new(
                Rule::Times,
                format!(
                    "The {what} ({}) has not come yet. Only what has happened can be written down.",
                    self.clock(at)
                ),
            ));
        }
        if at < earliest {
            return Err(Refusal::new(
                Rule::Times,
                format!(
                    "The {what} ({}) is before {}, too long ago to belong to this incident. Is the date \
                     right?",
                    at.utc().format("%Y-%m-%d %H:%M UTC"),
                    earliest.utc().format("%Y-%m-%d %H:%M UTC")
                ),
            ));
        }
        Ok(())
    }
}
