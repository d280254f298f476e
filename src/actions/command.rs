//! The command line: an action's name (or the beginning of it, if only one fits) and what it needs.
//!
//! ```text
//! :ack looking into it          :silence 2h service="checkout" -- deploy went wrong
//! :filter severity=page         :goto slos      :theme light      :keymap emacs
//! :note customers see errors    :service cart   :seek -5m         :speed 8
//! :task bob 10m roll back v812  :severity 1 nobody can pay        :handoff carol
//! :whatif checkout x3           :whatif zone eu-1a lost           :whatif drain cart
//! ```
//!
//! The verbs of an incident are in [`verbs`]; the subcommands read what follows them by the same table.

mod asked;
mod verbs;

pub use asked::{Asked, Known, Lack, StreamWord, TaskWord};
pub use verbs::{Entered, entry, read, usage};

use std::collections::BTreeMap;

use super::{ACTIONS, Action, Screen};
use crate::domain::{Filter, FilterError, Matcher, SafeText, Span, Term, nearest};
use crate::model::{SUPPOSE, Suppose};

/// What was asked for on the command line.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// An action with nothing after it.
    Action(Action),
    /// Acknowledge with a note.
    Acknowledge(String),
    /// Open the silence form with these parts filled in; what is missing comes from the selection.
    Silence {
        /// How long.
        duration: Option<Span>,
        /// What it hits.
        matchers: Vec<Matcher>,
        /// Why.
        comment: Option<String>,
    },
    /// Write this note.
    Note(String),
    /// Something in an incident.
    Incident(Asked),
    /// Filter the list; the text is a filter that parses.
    Filter(String),
    /// Use this theme.
    Theme(String),
    /// Use this keymap.
    Keymap(String),
    /// Select this service.
    Service(String),
    /// Say what comes of this.
    WhatIf(Suppose),
    /// Move in the recording, backwards when negative.
    Seek(Span),
    /// Play the recording so many times as fast as it was.
    Speed(f64),
}

/// Why a line is not a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// Nothing was typed.
    #[error("Nothing was typed; try `help`.")]
    Empty,
    /// No command begins like this.
    #[error("There is no command `{word}`.{}", meant(.near.as_deref()))]
    Unknown {
        /// What was typed.
        word: SafeText,
        /// What may have been meant.
        near: Option<String>,
    },
    /// Several commands begin like this.
    #[error("`{word}` may mean {}.", .candidates.join(", "))]
    Ambiguous {
        /// What was typed.
        word: SafeText,
        /// All that fit.
        candidates: Vec<&'static str>,
    },
    /// Something must follow.
    #[error("`{verb}` needs {what}.")]
    Missing {
        /// The command.
        verb: &'static str,
        /// What is missing, with an example.
        what: &'static str,
    },
    /// Nothing may follow.
    #[error("`{0}` takes nothing after it.")]
    Extra(&'static str),
    /// What follows is of the wrong kind.
    #[error("`{word}` is not {what}.")]
    Wrong {
        /// What was typed.
        word: SafeText,
        /// What is needed, with an example.
        what: &'static str,
    },
    /// The filter or the matchers do not parse.
    #[error("This cannot be matched: {0}.")]
    Filter(#[from] FilterError),
}

fn meant(near: Option<&str>) -> String {
    near.map_or(String::new(), |near| format!(" Did you mean `{near}`?"))
}

/// Commands that are not actions by themselves, since without a word after them they mean nothing.
const VERBS: [&str; 5] = ["goto", "service", "keymap", "seek", "speed"];

const DURATION: &str = "a duration such as 30m, 2h or 1d";
const SPEED: &str = "a speed between 0.1 and 1000, such as 8";

fn all_verbs() -> impl Iterator<Item = &'static str> {
    let of_incidents = verbs::VERBS.iter().map(|verb| verb.name);
    let of_incidents = of_incidents.filter(|name| Action::named(name).is_none());
    ACTIONS.iter().map(|spec| spec.name).chain(VERBS).chain(of_incidents)
}

/// Reads a line, with or without the colon in front.
pub fn parse(line: &str) -> Result<Command, CommandError> {
    let line = line.trim();
    let line = line.strip_prefix(':').unwrap_or(line).trim_start();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let verb = verb(word)?;
    let needs = |what| {
        if rest.is_empty() { Err(CommandError::Missing { verb, what }) } else { Ok(rest) }
    };
    // With nothing after it, an action opens its form; with an address, `link` attaches it.
    let named = if verb == "link" && !rest.is_empty() { "attach" } else { verb };
    if (!rest.is_empty() || Action::named(verb).is_none())
        && let Some(read) = verbs::read(named, rest)
    {
        return read.map(Command::Incident);
    }
    match (Action::named(verb), verb) {
        (None, "goto") => goto(needs("a screen, such as `goto slos`")?),
        (None, "service") => Ok(Command::Service(needs("the name of a service")?.to_owned())),
        (None, "keymap") => Ok(Command::Keymap(one(needs("the name of a keymap")?, verb)?)),
        (None, "seek") => seek(needs(DURATION)?),
        (None, _) => speed(needs(SPEED)?),
        (Some(action), _) if rest.is_empty() => Ok(Command::Action(action)),
        (Some(Action::Acknowledge), _) => Ok(Command::Acknowledge(rest.to_owned())),
        (Some(Action::Note), _) => Ok(Command::Note(rest.to_owned())),
        (Some(Action::Filter), _) => {
            Filter::parse(rest)?;
            Ok(Command::Filter(rest.to_owned()))
        }
        (Some(Action::Theme), _) => Ok(Command::Theme(one(rest, verb)?)),
        (Some(Action::Silence), _) => silence(rest),
        (Some(Action::WhatIf), _) => {
            Suppose::parse(rest).map(Command::WhatIf).ok_or_else(|| wrong(rest, SUPPOSE))
        }
        (Some(_), _) => Err(CommandError::Extra(verb)),
    }
}

fn verb(word: &str) -> Result<&'static str, CommandError> {
    if word.is_empty() {
        return Err(CommandError::Empty);
    }
    let fitting: Vec<&'static str> = all_verbs().filter(|verb| verb.starts_with(word)).collect();
    match fitting.as_slice() {
        [only] => Ok(only),
        [] => Err(CommandError::Unknown {
            word: SafeText::new(word),
            near: nearest(word, all_verbs()).map(str::to_owned),
        }),
        _ => fitting.iter().find(|verb| **verb == word).copied().ok_or_else(|| {
            CommandError::Ambiguous { word: SafeText::new(word), candidates: fitting.clone() }
        }),
    }
}

fn one(rest: &str, verb: &'static str) -> Result<String, CommandError> {
    if rest.contains(char::is_whitespace) {
        return Err(CommandError::Extra(verb));
    }
    Ok(rest.to_owned())
}

fn wrong(word: &str, what: &'static str) -> CommandError {
    CommandError::Wrong { word: SafeText::new(word), what }
}

fn goto(rest: &str) -> Result<Command, CommandError> {
    let mut fitting = Screen::ALL.iter().filter(|screen| screen.name().starts_with(rest));
    match (fitting.next(), fitting.next()) {
        (Some(screen), None) => Ok(Command::Action(screen.action())),
        _ => Err(wrong(
            rest,
            "one screen; known are bridge, alerts, slos, capacity, incident and sources",
        )),
    }
}

fn seek(rest: &str) -> Result<Command, CommandError> {
    let (digits, sign) = match rest.strip_prefix('-') {
        Some(digits) => (digits, -1),
        None => (rest.strip_prefix('+').unwrap_or(rest), 1),
    };
    let span = Span::parse(digits).ok_or_else(|| wrong(rest, DURATION))?;
    Ok(Command::Seek(Span::from_millis(span.millis() * sign)))
}

fn speed(rest: &str) -> Result<Command, CommandError> {
    let times = rest.strip_suffix(['x', '×']).unwrap_or(rest).parse().ok();
    let times = times.filter(|times| (0.1..=1000.0).contains(times));
    times.map(Command::Speed).ok_or_else(|| wrong(rest, SPEED))
}

/// `2h service="checkout" -- comment`: each part may be missing.
fn silence(rest: &str) -> Result<Command, CommandError> {
    let (before, comment) = split_comment(rest);
    let (first, others) = before.split_once(char::is_whitespace).unwrap_or((before, ""));
    let duration = Span::parse(first);
    let matchers = if duration.is_some() { others } else { before };
    if duration.is_none() && first.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(wrong(first, DURATION));
    }
    if duration == Some(Span::ZERO) {
        return Err(wrong(first, DURATION));
    }
    let matchers = Filter::parse(matchers)?
        .terms
        .into_iter()
        .map(|term| match term {
            Term::Matcher(matcher) => Ok(matcher),
            Term::Word { word, .. } => Err(wrong(&word, "a matcher such as service=\"checkout\"")),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let comment = comment.filter(|text| !text.is_empty()).map(str::to_owned);
    Ok(Command::Silence { duration, matchers, comment })
}

/// At the first `--` that stands alone, outside quotes.
fn split_comment(rest: &str) -> (&str, Option<&str>) {
    let (mut quoted, mut escaped, mut start) = (false, false, true);
    for (at, c) in rest.char_indices() {
        if !quoted && start {
            let after = rest[at..].strip_prefix("--");
            if let Some(after) = after.filter(|a| a.is_empty() || a.starts_with(' ')) {
                return (rest[..at].trim_end(), Some(after.trim()));
            }
        }
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && !escaped;
        start = c.is_whitespace();
    }
    (rest, None)
}

/// What completion can offer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// Names of services.
    pub services: Vec<SafeText>,
    /// Label names with the values seen.
    pub labels: BTreeMap<SafeText, Vec<SafeText>>,
    /// Themes that can be loaded.
    pub themes: Vec<String>,
    /// Keymaps that can be loaded.
    pub keymaps: Vec<String>,
    /// People of the playbook, and whoever takes part in the incident.
    pub people: Vec<SafeText>,
    /// Teams of the playbook.
    pub teams: Vec<SafeText>,
    /// Incidents, those that go on first.
    pub incidents: Vec<SafeText>,
    /// Open workstreams of the incident.
    pub workstreams: Vec<SafeText>,
}

/// What may stand in place of the end of the line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completion {
    /// Byte offset from which the line is replaced.
    pub start: usize,
    /// In the order offered; at most [`OFFERED`].
    pub candidates: Vec<String>,
}

/// Most candidates that are offered.
pub const OFFERED: usize = 50;

/// What may follow or finish a partial line (typed so far, cursor at its end).
pub fn complete(line: &str, words: &Words) -> Completion {
    let body = line.trim_start_matches([':', ' ']);
    let offset = line.len() - body.len();
    let Some((word, rest)) = body.split_once(' ') else {
        return offer(offset, body, all_verbs().map(str::to_owned));
    };
    let Ok(verb) = verb(word) else { return Completion::default() };
    let rest_at = line.len() - rest.len();
    match verb {
        "goto" => offer(rest_at, rest, Screen::ALL.iter().map(|s| s.name().to_owned())),
        "theme" => offer(rest_at, rest, words.themes.iter().cloned()),
        "keymap" => offer(rest_at, rest, words.keymaps.iter().cloned()),
        "service" => offer(rest_at, rest, words.services.iter().map(ToString::to_string)),
        "whatif" if !rest.contains(' ') => {
            let ways = ["drain", "replica", "zone"].map(str::to_owned).into_iter();
            offer(rest_at, rest, ways.chain(words.services.iter().map(ToString::to_string)))
        }
        "speed" => offer(rest_at, rest, ["1", "2", "4", "8", "16", "60"].map(str::to_owned)),
        "filter" | "silence" => matchers(line, rest, verb == "silence", words),
        _ => verbs::complete(verb, line, words),
    }
}

fn offer(start: usize, typed: &str, known: impl IntoIterator<Item = String>) -> Completion {
    let fitting = known.into_iter().filter(|word| word.starts_with(typed));
    Completion { start, candidates: fitting.take(OFFERED).collect() }
}

fn matchers(line: &str, rest: &str, silence: bool, words: &Words) -> Completion {
    if silence && split_comment(rest).1.is_some() {
        return Completion::default();
    }
    let typed = rest.rsplit(' ').next().unwrap_or(rest);
    let start = line.len() - typed.len();
    let Some(operator) = typed.find(['=', '!', '~']).filter(|at| *at > 0) else {
        let durations = if silence && typed.len() == rest.len() {
            ["30m", "1h", "2h", "8h", "1d"].as_slice()
        } else {
            &[]
        };
        let durations = durations.iter().map(|d| (*d).to_owned());
        return offer(start, typed, durations.chain(words.labels.keys().map(|l| format!("{l}="))));
    };
    let (label, after) = typed.split_at(operator);
    let value = after.trim_start_matches(['=', '!', '~']);
    let typed_value = value.strip_prefix('"').unwrap_or(value);
    let symbol = &after[..after.len() - value.len()];
    let known = words.labels.get(label).map_or(&[][..], Vec::as_slice);
    let fitting = known.iter().filter(|known| known.starts_with(typed_value));
    let quoted = |value: &SafeText| value.replace('\\', "\\\\").replace('"', "\\\"");
    let candidates =
        fitting.take(OFFERED).map(|value| format!("{label}{symbol}\"{}\"", quoted(value)));
    Completion { start, candidates: candidates.collect() }
}

#[cfg(test)]
mod tests;
