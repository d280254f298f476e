//! The verbs of an incident in one table: the word, what may follow it, and how that is read.

use super::asked::{Asked, StreamWord, TaskWord};
use super::{CommandError, Completion, DURATION, Words, offer, wrong};
use crate::actions::when::{self, Toward};
use crate::domain::{
    Actor, Audience, EntryKind, Role, SafeText, Span, Status, TicketRef, Timestamp, TrackerId,
};
use crate::eventlog::DecisionStep;

/// One row of the table of verbs.
pub(super) struct Verb {
    /// The word.
    pub(super) name: &'static str,
    /// What may follow, for errors and help.
    pub(super) usage: &'static str,
    /// Reads what follows.
    pub(super) read: fn(&str) -> Result<Asked, CommandError>,
    /// Words that may come first after it.
    pub(super) first: &'static [&'static str],
}

/// All verbs of an incident.
pub(super) const VERBS: &[Verb] = &[
    Verb { name: "declare", usage: "declare [SEV-n] title", read: declare, first: SEVERITIES },
    Verb { name: "severity", usage: "severity SEV-n reason", read: severity, first: SEVERITIES },
    Verb { name: "status", usage: "status identified words", read: status, first: STATUSES },
    Verb {
        name: "resolve",
        usage: "resolve words",
        read: |r| Ok(Asked::Status(Some(Status::Resolved), plain(r))),
        first: &[],
    },
    Verb {
        name: "reopen",
        usage: "reopen reason",
        read: |r| Ok(Asked::Status(Some(Status::Investigating), plain(r))),
        first: &[],
    },
    Verb {
        name: "merge",
        usage: "merge INCIDENT",
        read: |r| Ok(Asked::Merge(plain(r))),
        first: &[],
    },
    Verb { name: "attach", usage: "attach title address", read: link, first: &[] },
    Verb {
        name: "take-command",
        usage: "take-command reason",
        read: |r| Ok(Asked::TakeCommand(plain(r))),
        first: &[],
    },
    Verb {
        name: "role",
        usage: "role scribe NAME [2h], role leave scribe [NAME]",
        read: role,
        first: ROLES,
    },
    Verb {
        name: "handoff",
        usage: "handoff NAME, handoff accept [SECTION], handoff ask SECTION question, handoff withdraw",
        read: handoff,
        first: &["accept", "ask", "withdraw", "decline"],
    },
    Verb {
        name: "pin",
        usage: "pin ENTRY",
        read: |r| Ok(Asked::Pin { entry: plain(r), pinned: true }),
        first: &[],
    },
    Verb {
        name: "unpin",
        usage: "unpin ENTRY",
        read: |r| Ok(Asked::Pin { entry: plain(r), pinned: false }),
        first: &[],
    },
    Verb {
        name: "withdraw",
        usage: "withdraw ENTRY reason",
        read: |r| two(r, |entry, reason| Asked::WithdrawEntry { entry, reason }),
        first: &[],
    },
    Verb {
        name: "evidence",
        usage: "evidence",
        read: |r| bare(r, "evidence", Asked::Evidence),
        first: &[],
    },
    Verb {
        name: "task",
        usage: "task NAME 10m what, task done|heard|drop TASK words, task give TASK NAME, task extend TASK 5m",
        read: task,
        first: &["done", "heard", "drop", "give", "extend"],
    },
    Verb {
        name: "workstream",
        usage: "workstream LEAD name, workstream lead|block|unblock|under|close NAME …",
        read: workstream,
        first: &["lead", "block", "unblock", "under", "close"],
    },
    Verb { name: "split", usage: "split", read: |r| bare(r, "split", Asked::Split), first: &[] },
    Verb {
        name: "report",
        usage: "report WORKSTREAM conditions | actions | needs",
        read: report,
        first: &[],
    },
    Verb {
        name: "can",
        usage: "can WORKSTREAM conditions | actions | needs",
        read: report,
        first: &[],
    },
    Verb {
        name: "decide",
        usage: "decide proposal | option | option, decide take DECISION [OPTION] words, decide object|reject|review DECISION words",
        read: decide,
        first: &["take", "object", "reject", "review"],
    },
    Verb {
        name: "update",
        usage: "update internal|external subject, update approve|refuse|publish UPDATE",
        read: update,
        first: &["internal", "external", "approve", "refuse", "publish"],
    },
    Verb {
        name: "ticket",
        usage: "ticket open [TRACKER], ticket link TRACKER KEY [address], ticket comment text",
        read: ticket,
        first: &["open", "link", "comment"],
    },
    Verb {
        name: "page",
        usage: "page TEAM|NAME what for, page coming|decline [NAME] words",
        read: page,
        first: &["coming", "decline"],
    },
    Verb {
        name: "timeline",
        usage: "timeline FILTER",
        read: |r| Ok(Asked::Timeline(plain(r))),
        first: &[],
    },
];

const SEVERITIES: &[&str] = &["SEV-1", "SEV-2", "SEV-3", "SEV-4", "SEV-5"];
const STATUSES: &[&str] = &["investigating", "identified", "monitoring", "resolved", "closed"];
const ROLES: &[&str] = &["deputy", "scribe", "comms", "ops", "observer", "leave"];

/// The first word, or what is in quotes, and the rest.
fn split(rest: &str) -> (&str, &str) {
    let rest = rest.trim();
    if let Some((quoted, after)) = rest.strip_prefix('"').and_then(|rest| rest.split_once('"'))
        && (after.is_empty() || after.starts_with(char::is_whitespace))
    {
        return (quoted, after.trim_start());
    }
    let (word, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    (word, rest.trim_start())
}

/// A text as it is meant: without the quotes around the whole of it.
fn plain(text: &str) -> String {
    let text = text.trim();
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.filter(|inner| !inner.contains('"')).unwrap_or(text).to_owned()
}

fn two(rest: &str, make: fn(String, String) -> Asked) -> Result<Asked, CommandError> {
    let (first, rest) = split(rest);
    Ok(make(first.into(), plain(rest)))
}

fn bare(rest: &str, verb: &'static str, asked: Asked) -> Result<Asked, CommandError> {
    if rest.is_empty() { Ok(asked) } else { Err(CommandError::Extra(verb)) }
}

/// A person's name, with or without the `@`.
fn person(word: &str) -> Option<Actor> {
    let name = word.strip_prefix('@').unwrap_or(word);
    (!name.is_empty()).then(|| Actor::new(name))
}

fn declare(rest: &str) -> Result<Asked, CommandError> {
    let (word, after) = split(rest);
    // A bare digit begins titles (“3 of 5 regions down”); only SEV-3 and P3 are severities here.
    let severity = word.parse().ok().filter(|_| !word.starts_with(|c: char| c.is_ascii_digit()));
    let title = if severity.is_some() { after } else { rest };
    // Whoever counts from 0 means the worst: it must not become a title of something middling.
    if severity.is_none() && is_like_severity(word) {
        return Err(wrong(word, "a severity: SEV-1, the worst, to SEV-5"));
    }
    Ok(Asked::Declare { severity, title: plain(title) })
}

/// `SEV0`, `sev-9`, `P0`; `p99` is a latency.
fn is_like_severity(word: &str) -> bool {
    let word = word.trim_end_matches(':').to_ascii_lowercase();
    let digits = |rest: &str, most: usize| {
        (1..=most).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_digit())
    };
    let sev = word.strip_prefix("sev").map(|rest| rest.trim_start_matches('-'));
    sev.is_some_and(|rest| digits(rest, 3)) || word.strip_prefix('p').is_some_and(|r| digits(r, 1))
}

fn severity(rest: &str) -> Result<Asked, CommandError> {
    let (word, after) = split(rest);
    if word.is_empty() {
        return Ok(Asked::Severity(None, String::new()));
    }
    let severity = word.parse();
    let severity = severity.map_err(|_: String| wrong(word, "a severity, such as SEV-2"))?;
    Ok(Asked::Severity(Some(severity), plain(after)))
}

fn status(rest: &str) -> Result<Asked, CommandError> {
    let (word, after) = split(rest);
    if word.is_empty() {
        return Ok(Asked::Status(None, String::new()));
    }
    let lower = word.to_ascii_lowercase();
    let mut fitting = Status::ALL.iter().filter(|status| status.name().starts_with(&lower));
    match (fitting.next(), fitting.next()) {
        (Some(status), None) => Ok(Asked::Status(Some(*status), plain(after))),
        _ => Err(wrong(
            word,
            "one status; known are investigating, identified, monitoring, resolved and closed",
        )),
    }
}

fn link(rest: &str) -> Result<Asked, CommandError> {
    // The address is the last word, so that a title may have several.
    let (title, target) = rest.trim().rsplit_once(char::is_whitespace).unwrap_or(("", rest.trim()));
    let title = if title.is_empty() { target } else { title };
    Ok(Asked::Link { title: plain(title), target: plain(target) })
}

fn a_role(word: &str) -> Result<Role, CommandError> {
    Role::named(word)
        .ok_or_else(|| wrong(word, "a role; known are deputy, scribe, comms, ops and observer"))
}

fn role(rest: &str) -> Result<Asked, CommandError> {
    let (word, after) = split(rest);
    if word.eq_ignore_ascii_case("leave") {
        let (word, who) = split(after);
        return Ok(Asked::LeaveRole { role: a_role(word)?, who: person(who) });
    }
    if word.is_empty() {
        return Ok(Asked::GiveRole { role: None, to: None, turn: None });
    }
    let role = Some(a_role(word)?);
    let (who, turn) = split(after);
    let turn = match turn {
        "" => None,
        turn => Some(Span::parse(turn).ok_or_else(|| wrong(turn, DURATION))?),
    };
    Ok(Asked::GiveRole { role, to: person(who), turn })
}

fn handoff(rest: &str) -> Result<Asked, CommandError> {
    let (word, after) = split(rest);
    let section = |word: &str| match word.parse::<u16>() {
        Ok(number) if number > 0 => Ok(number - 1),
        _ => Err(wrong(word, "the number of a section of the brief, such as 2")),
    };
    match word {
        "accept" if after.is_empty() => Ok(Asked::AnswerHandoff { section: None, answer: Ok(()) }),
        "accept" => Ok(Asked::AnswerHandoff { section: Some(section(after)?), answer: Ok(()) }),
        "ask" => {
            let (number, question) = split(after);
            let answer = Err(plain(question));
            Ok(Asked::AnswerHandoff { section: Some(section(number)?), answer })
        }
        "withdraw" | "decline" => Ok(Asked::WithdrawHandoff(plain(after))),
        _ if after.is_empty() => Ok(Asked::Handoff(person(word))),
        _ => Err(CommandError::Extra("handoff NAME")),
    }
}

fn task(rest: &str) -> Result<Asked, CommandError> {
    let (word, after) = split(rest);
    let (task, note) = split(after);
    let moved =
        |step, note: &str| Ok(Asked::MoveTask { task: task.to_owned(), step, note: plain(note) });
    match word {
        "done" => moved(TaskWord::Done, note),
        "heard" => moved(TaskWord::Acknowledge, note),
        "drop" => moved(TaskWord::Drop, note),
        "give" => {
            let (who, note) = split(note);
            let who = person(who)
                .ok_or(CommandError::Missing { verb: "task give", what: "a task and a name" })?;
            moved(TaskWord::Give(who), note)
        }
        "extend" => {
            let (span, note) = split(note);
            let span = Span::parse(span).filter(|span| *span > Span::ZERO);
            moved(TaskWord::Extend(span.ok_or_else(|| wrong(after, DURATION))?), note)
        }
        _ => {
            let (span, text) = split(after);
            let within = Span::parse(span).filter(|span| *span > Span::ZERO);
            let text = if within.is_some() { text } else { after };
            Ok(Asked::Task { owner: person(word), within, text: plain(text) })
        }
    }
}

fn workstream(rest: &str) -> Result<Asked, CommandError> {
    let (word, after) = split(rest);
    let (name, more) = split(after);
    let moved = |step| Ok(Asked::MoveWorkstream { workstream: name.to_owned(), step });
    match word {
        "lead" => {
            let who = person(more).ok_or(CommandError::Missing {
                verb: "workstream lead",
                what: "a workstream and a name",
            })?;
            moved(StreamWord::Lead(who))
        }
        "block" => moved(StreamWord::Block(plain(more))),
        "unblock" => moved(StreamWord::Block(String::new())),
        "under" => moved(StreamWord::Under(plain(more))),
        "close" => moved(StreamWord::Close),
        _ => Ok(Asked::Workstream { lead: person(word), name: plain(after) }),
    }
}

fn report(rest: &str) -> Result<Asked, CommandError> {
    let (workstream, said) = split(rest);
    let said = plain(said);
    let mut parts = said.splitn(3, '|').map(|part| part.trim().to_owned());
    let said = [(); 3].map(|()| parts.next().unwrap_or_default());
    Ok(Asked::Report { workstream: workstream.to_owned(), said })
}

fn decide(rest: &str) -> Result<Asked, CommandError> {
    let (word, after) = split(rest);
    let (decision, note) = split(after);
    let moved = |step, note: &str| {
        Ok(Asked::Decide { decision: decision.to_owned(), step, note: plain(note) })
    };
    match word {
        "take" => {
            let (number, words) = split(note);
            match number.parse::<u16>() {
                Ok(number) if number > 0 => moved(DecisionStep::Taken(Some(number - 1)), words),
                _ => moved(DecisionStep::Taken(None), note),
            }
        }
        "object" => moved(DecisionStep::Objected, note),
        "reject" => moved(DecisionStep::Rejected, note),
        "review" => moved(DecisionStep::Reviewed, note),
        _ => {
            let rest = plain(rest);
            let mut parts = rest.split('|').map(|part| part.trim().to_owned());
            let proposal = parts.next().unwrap_or_default();
            Ok(Asked::Propose { proposal, options: parts.filter(|o| !o.is_empty()).collect() })
        }
    }
}

fn update(rest: &str) -> Result<Asked, CommandError> {
    let (word, after) = split(rest);
    let (which, note) = split(after);
    let answer = |approved| {
        let (update, note) = (plain(which), plain(note));
        Ok(Asked::AnswerUpdate { update, approved, note })
    };
    match word {
        "approve" => answer(true),
        "refuse" => answer(false),
        "publish" => Ok(Asked::Publish(plain(which))),
        _ => match Audience::named(word) {
            Some(audience) => Ok(Asked::Update { audience: Some(audience), subject: plain(after) }),
            // A slip of the fingers must not tell the house what was meant for the public.
            None if is_like_audience(word) => {
                Err(wrong(word, "an audience: `internal` or `external`"))
            }
            None => Ok(Asked::Update { audience: None, subject: plain(rest) }),
        },
    }
}

/// `extrenal`, `ext`: meant for the public, and not to be told to the house.
fn is_like_audience(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    ["internal", "external"].into_iter().any(|name| {
        strsim::damerau_levenshtein(&word, name) <= 1
            || (word.len() >= 3 && name.starts_with(&word))
    })
}

fn ticket(rest: &str) -> Result<Asked, CommandError> {
    let (word, after) = split(rest);
    match word {
        "" => Ok(Asked::OpenTicket(None)),
        "open" => Ok(Asked::OpenTicket((!after.is_empty()).then(|| TrackerId::new(after)))),
        "link" => {
            let (tracker, more) = split(after);
            let (key, url) = split(more);
            if key.is_empty() {
                let what = "a tracker and the key of a ticket, such as `ticket link github 42`";
                return Err(CommandError::Missing { verb: "ticket link", what });
            }
            let ticket = TicketRef { tracker: TrackerId::new(tracker), key: SafeText::new(key) };
            Ok(Asked::LinkTicket { ticket, url: plain(url) })
        }
        "comment" => Ok(Asked::Comment(plain(after))),
        _ => Err(wrong(word, "`open`, `link` or `comment`")),
    }
}

fn page(rest: &str) -> Result<Asked, CommandError> {
    let (word, after) = split(rest);
    match word {
        "coming" | "decline" => {
            let (page, note) = match after.strip_prefix('@') {
                Some(named) => split(named),
                None => ("", after),
            };
            let (page, note) = (page.to_owned(), plain(note));
            Ok(Asked::AnswerPage { page, coming: word == "coming", note })
        }
        _ => {
            let whom = word.strip_prefix('@').unwrap_or(word).to_owned();
            Ok(Asked::Page { whom, text: plain(after) })
        }
    }
}

/// An entry as typed: when it happened, what it is, its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entered {
    /// When, if it says so.
    pub happened: Option<Timestamp>,
    /// What it is; an observation unless it says otherwise.
    pub kind: EntryKind,
    /// The rest.
    pub text: String,
}

/// Reads `14:05 kind=action text`, `at 2h text`, `-10m text`, or only a text.
pub fn entry(text: &str, now: Timestamp, offset_minutes: i32) -> Result<Entered, CommandError> {
    let (mut happened, mut kind, mut rest) = (None, None, text.trim());
    loop {
        let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        if let Some(name) = word.strip_prefix("kind=").filter(|_| kind.is_none()) {
            let fitting = EntryKind::ALL.iter().filter(|kind| {
                let name = name.to_ascii_lowercase();
                !name.is_empty() && kind.name().starts_with(&name)
            });
            kind = fitting.copied().next();
            if kind.is_none() {
                return Err(wrong(word, "a kind of entry, such as kind=action"));
            }
            rest = after.trim_start();
        } else if happened.is_none() && word.eq_ignore_ascii_case("at") {
            let (when, after) =
                after.trim_start().split_once(char::is_whitespace).unwrap_or((after, ""));
            // `at` also begins sentences: “at noon it began again”.
            let Some(at) = when::moment(when, now, offset_minutes, Toward::Past) else { break };
            (happened, rest) = (Some(at), after.trim_start());
        } else if happened.is_none()
            && let (Some(at), after) = when::leading(rest, now, offset_minutes)
        {
            (happened, rest) = (Some(at), after);
        } else {
            break;
        }
    }
    let kind = kind.unwrap_or(EntryKind::Observation);
    Ok(Entered { happened, kind, text: rest.trim().to_owned() })
}

/// What may follow a verb, in words.
pub fn usage(verb: &str) -> Option<&'static str> {
    VERBS.iter().find(|row| row.name == verb).map(|row| row.usage)
}

/// Reads what follows a verb; `None` when there is no such verb.
pub fn read(verb: &str, rest: &str) -> Option<Result<Asked, CommandError>> {
    let row = VERBS.iter().find(|row| row.name == verb)?;
    Some((row.read)(rest.trim()))
}

/// What may finish the last word after a verb.
pub(super) fn complete(verb: &str, line: &str, words: &Words) -> Completion {
    let Some(row) = VERBS.iter().find(|row| row.name == verb) else {
        return Completion::default();
    };
    let (_, rest) = line.trim_start_matches([':', ' ']).split_once(' ').unwrap_or_default();
    let typed = rest.rsplit(' ').next().unwrap_or(rest);
    let start = line.len() - typed.len();
    let before: Vec<&str> = rest[..rest.len() - typed.len()].split_whitespace().collect();
    let texts = |some: &[SafeText]| some.iter().map(ToString::to_string).collect::<Vec<_>>();
    let people = || texts(&words.people);
    let first = || row.first.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let known: Vec<String> = match (verb, before.as_slice()) {
        ("merge", []) => texts(&words.incidents),
        ("task" | "handoff" | "workstream", []) => [first(), people()].concat(),
        ("page", []) => [first(), texts(&words.teams), people()].concat(),
        ("report" | "can", []) => texts(&words.workstreams),
        (_, []) => first(),
        ("role", ["leave"]) => first().into_iter().filter(|role| role != "leave").collect(),
        ("role", [_] | ["leave", _]) | ("workstream", ["lead", _]) | ("task", ["give", _]) => {
            people()
        }
        ("workstream", ["lead" | "block" | "unblock" | "under" | "close"] | ["under", _]) => {
            texts(&words.workstreams)
        }
        ("task", [_]) => ["5m", "10m", "20m", "1h"].map(str::to_owned).to_vec(),
        ("note", _) => EntryKind::ALL.iter().map(|kind| format!("kind={kind}")).collect(),
        _ => Vec::new(),
    };
    offer(start, typed, known)
}
