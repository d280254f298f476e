//! Lines as people type them, and what they mean.

use super::*;
use crate::domain::{Actor, Audience, EntryKind, MatchOp, Role, Severity, Status, Timestamp};
use crate::eventlog::DecisionStep;
use pretty_assertions::assert_eq;
use proptest::prelude::*;

fn said(line: &str) -> String {
    parse(line).unwrap_err().to_string()
}

#[test]
fn lines_mean_what_people_expect() {
    let silence =
        |duration: Option<&str>, matchers: &[Matcher], comment: Option<&str>| Command::Silence {
            duration: duration.and_then(Span::parse),
            matchers: matchers.to_vec(),
            comment: comment.map(str::to_owned),
        };
    let checkout = Matcher::equal("service", "checkout");
    let team = Matcher::new("team", MatchOp::NotRegex, "a -- b.*").unwrap();
    for (line, command) in [
        (":ack", Command::Action(Action::Acknowledge)),
        ("ack looking into it", Command::Acknowledge("looking into it".into())),
        ("q", Command::Action(Action::Quit)),
        ("silence", Command::Action(Action::Silence)),
        (
            ":silence 2h service=\"checkout\" -- it's the deploy",
            silence(Some("2h"), std::slice::from_ref(&checkout), Some("it's the deploy")),
        ),
        ("silence service=checkout team!~\"a -- b.*\"", silence(None, &[checkout, team], None)),
        ("silence 30m", silence(Some("30m"), &[], None)),
        ("silence -- later", silence(None, &[], Some("later"))),
        ("note  two  words", Command::Note("two  words".into())),
        ("filter severity=page !x", Command::Filter("severity=page !x".into())),
        ("theme", Command::Action(Action::Theme)),
        ("theme light", Command::Theme("light".into())),
        ("key emacs", Command::Keymap("emacs".into())),
        ("goto sl", Command::Action(Action::Slos)),
        ("service web shop", Command::Service("web shop".into())),
        ("seek -5m", Command::Seek(Span::from_mins(-5))),
        ("seek 90s", Command::Seek(Span::from_secs(90))),
        ("speed 8x", Command::Speed(8.0)),
    ] {
        assert_eq!(parse(line), Ok(command), "{line}");
    }
}

#[test]
fn every_action_can_be_typed() {
    for spec in ACTIONS {
        assert_eq!(parse(spec.name), Ok(Command::Action(spec.action)));
    }
}

#[test]
fn mistakes_say_what_would_be_right() {
    for (line, error) in [
        (":", "Nothing was typed; try `help`."),
        ("silense 2h", "There is no command `silense`. Did you mean `silence`?"),
        ("zzzz", "There is no command `zzzz`."),
        ("sil", "`sil` may mean silence, silences."),
        ("goto", "`goto` needs a screen, such as `goto slos`."),
        (
            "goto s",
            "`s` is not one screen; known are bridge, alerts, slos, capacity, incident and sources.",
        ),
        ("up 3", "`up` takes nothing after it."),
        ("declare P0 db down", "`P0` is not a severity: SEV-1, the worst, to SEV-5."),
        ("declare SEV-9: db", "`SEV-9:` is not a severity: SEV-1, the worst, to SEV-5."),
        ("update extrenal x", "`extrenal` is not an audience: `internal` or `external`."),
        ("theme a b", "`theme` takes nothing after it."),
        ("silence 2x a=b", "`2x` is not a duration such as 30m, 2h or 1d."),
        ("silence 0 a=b", "`0` is not a duration such as 30m, 2h or 1d."),
        ("silence 2h checkout", "`checkout` is not a matcher such as service=\"checkout\"."),
        ("silence 2h a=~\"(\"", "This cannot be matched: `(` is not a regular expression."),
        ("filter a=\"b", "This cannot be matched: a quote is not closed."),
        ("seek soon", "`soon` is not a duration such as 30m, 2h or 1d."),
        ("speed NaN", "`NaN` is not a speed between 0.1 and 1000, such as 8."),
    ] {
        assert_eq!(said(line), error, "{line}");
    }
}

#[test]
fn tab_offers_what_fits() {
    let words = Words {
        services: vec!["cart".into(), "checkout".into()],
        labels: [("severity".into(), vec!["page".into(), "say \"x\"".into()])].into(),
        themes: vec!["dark".into(), "light".into()],
        keymaps: vec!["default".into(), "emacs".into()],
        people: vec!["alice".into(), "bob".into()],
        teams: vec!["db".into()],
        incidents: vec!["INC-7KQ4M".into()],
        workstreams: vec!["database".into()],
    };
    for (line, start, candidates) in [
        (":sil", 1, &["silence", "silences"][..]),
        ("go", 0, &["goto"]),
        (":goto s", 6, &["slos", "sources"]),
        ("theme l", 6, &["light"]),
        (":keymap ", 8, &["default", "emacs"]),
        ("service c", 8, &["cart", "checkout"]),
        ("filter sev", 7, &["severity="]),
        ("filter a=b severity=~p", 11, &["severity=~\"page\""]),
        ("silence ", 8, &["30m", "1h", "2h", "8h", "1d", "severity="]),
        ("silence 2h severity=\"s", 11, &["severity=\"say \\\"x\\\"\""]),
        ("silence 2h -- sev", 0, &[]),
        ("nonsense x", 0, &[]),
        (":sever", 1, &["severity"]),
        ("status ide", 7, &["identified"]),
        ("task b", 5, &["bob"]),
        ("task bob ", 9, &["5m", "10m", "20m", "1h"]),
        ("role scribe al", 12, &["alice"]),
        ("role leave s", 11, &["scribe"]),
        ("page d", 5, &["decline", "db"]),
        ("merge INC", 6, &["INC-7KQ4M"]),
        ("workstream close ", 17, &["database"]),
    ] {
        let candidates = candidates.iter().map(|c| (*c).to_owned()).collect();
        assert_eq!(complete(line, &words), Completion { start, candidates }, "{line}");
    }
}

#[test]
fn the_words_of_an_incident() {
    let actor = |name: &str| Some(Actor::new(name));
    let minutes = |minutes| Some(Span::from_mins(minutes));
    let moved = |step, note: &str| Asked::MoveTask { task: "3f2a".into(), step, note: note.into() };
    let decided =
        |step, note: &str| Asked::Decide { decision: "3f2a".into(), step, note: note.into() };
    for (line, asked) in [
        (
            "declare SEV-2 checkout: cards declined",
            Asked::Declare {
                severity: Some(Severity::Sev2),
                title: "checkout: cards declined".into(),
            },
        ),
        (
            "declare 3 of 5 regions down",
            Asked::Declare { severity: None, title: "3 of 5 regions down".into() },
        ),
        (
            "severity 1 nobody can pay",
            Asked::Severity(Some(Severity::Sev1), "nobody can pay".into()),
        ),
        (
            "status ident the deploy of 14:02",
            Asked::Status(Some(Status::Identified), "the deploy of 14:02".into()),
        ),
        ("resolve errors gone", Asked::Status(Some(Status::Resolved), "errors gone".into())),
        ("reopen", Asked::Status(Some(Status::Investigating), String::new())),
        ("merge 7KQ4M", Asked::Merge("7KQ4M".into())),
        (
            "link design doc https://x/y",
            Asked::Link { title: "design doc".into(), target: "https://x/y".into() },
        ),
        ("take alice is offline", Asked::TakeCommand("alice is offline".into())),
        (
            "role scribe @carol 2h",
            Asked::GiveRole { role: Some(Role::Scribe), to: actor("carol"), turn: minutes(120) },
        ),
        ("role leave scribe", Asked::LeaveRole { role: Role::Scribe, who: None }),
        ("handoff carol", Asked::Handoff(actor("carol"))),
        ("handoff accept", Asked::AnswerHandoff { section: None, answer: Ok(()) }),
        (
            "handoff ask 2 since when?",
            Asked::AnswerHandoff { section: Some(1), answer: Err("since when?".into()) },
        ),
        ("handoff decline asleep", Asked::WithdrawHandoff("asleep".into())),
        (
            "task bob 10m roll back v812",
            Asked::Task { owner: actor("bob"), within: minutes(10), text: "roll back v812".into() },
        ),
        (
            "task bob roll back",
            Asked::Task { owner: actor("bob"), within: None, text: "roll back".into() },
        ),
        ("task done 3f2a rolled back", moved(TaskWord::Done, "rolled back")),
        ("task done \"3f2a\" \"rolled back\"", moved(TaskWord::Done, "rolled back")),
        ("task heard 3f2a", moved(TaskWord::Acknowledge, "")),
        ("task extend 3f2a 5m", moved(TaskWord::Extend(Span::from_mins(5)), "")),
        ("task give 3f2a carol tired", moved(TaskWord::Give(Actor::new("carol")), "tired")),
        (
            "workstream dan database",
            Asked::Workstream { lead: actor("dan"), name: "database".into() },
        ),
        (
            "can database slow | failing over | a DBA",
            Asked::Report {
                workstream: "database".into(),
                said: ["slow".into(), "failing over".into(), "a DBA".into()],
            },
        ),
        (
            "decide roll back | wait",
            Asked::Propose { proposal: "roll back".into(), options: vec!["wait".into()] },
        ),
        ("decide take 3f2a 2 safer", decided(DecisionStep::Taken(Some(1)), "safer")),
        ("decide take 3f2a safer", decided(DecisionStep::Taken(None), "safer")),
        ("decide object 3f2a data loss", decided(DecisionStep::Objected, "data loss")),
        (
            "update external cards",
            Asked::Update { audience: Some(Audience::External), subject: "cards".into() },
        ),
        (
            "update refuse 3f2a names a customer",
            Asked::AnswerUpdate {
                update: "3f2a".into(),
                approved: false,
                note: "names a customer".into(),
            },
        ),
        ("page db disk full", Asked::Page { whom: "db".into(), text: "disk full".into() }),
        (
            "page coming @carol five minutes",
            Asked::AnswerPage { page: "carol".into(), coming: true, note: "five minutes".into() },
        ),
        ("ticket open", Asked::OpenTicket(None)),
        ("timeline kind=decision", Asked::Timeline("kind=decision".into())),
    ] {
        assert_eq!(parse(line), Ok(Command::Incident(asked)), "{line}");
    }
    for (line, error) in [
        ("severity bad x", "`bad` is not a severity, such as SEV-2."),
        (
            "status i",
            "`i` is not one status; known are investigating, identified, monitoring, resolved and closed.",
        ),
        (
            "role king carol",
            "`king` is not a role; known are deputy, scribe, comms, ops and observer.",
        ),
        ("handoff ask x", "`x` is not the number of a section of the brief, such as 2."),
        ("task extend 3f2a soon", "`3f2a soon` is not a duration such as 30m, 2h or 1d."),
        ("ticket close", "`close` is not `open`, `link` or `comment`."),
        ("split now", "`split` takes nothing after it."),
    ] {
        assert_eq!(said(line), error, "{line}");
    }
}

#[test]
fn an_entry_may_say_when_and_what_it_is() {
    let now = Timestamp::parse_rfc3339("2026-11-22T14:32:07Z").unwrap();
    let read = |text: &str| entry(text, now, 0).unwrap();
    let entered = |minutes_ago: Option<&str>, kind, text: &str| Entered {
        happened: minutes_ago.map(|ago| now.minus(Span::parse(ago).unwrap())),
        kind,
        text: text.into(),
    };
    use EntryKind::{Action, Observation};
    for (text, is) in [
        ("cards fail", entered(None, Observation, "cards fail")),
        ("14:05 cards fail", entered(Some("27m7s"), Observation, "cards fail")),
        ("at 14:05 kind=action restarted", entered(Some("27m7s"), Action, "restarted")),
        ("kind=act -10m restarted", entered(Some("10m"), Action, "restarted")),
        ("at noon it began", entered(None, Observation, "at noon it began")),
        ("@bob 14:05 saw it", entered(None, Observation, "@bob 14:05 saw it")),
    ] {
        assert_eq!(read(text), is, "{text}");
    }
    assert_eq!(
        entry("kind=joke x", now, 0).unwrap_err().to_string(),
        "`kind=joke` is not a kind of entry, such as kind=action."
    );
}

proptest! {
    #[test]
    fn no_line_panics(line in "\\PC*|(task|role|handoff|decide|update|page|ticket|report|workstream|link|note) ?(done|leave|accept|ask|take|open|3f|@|[|]| |9|é|10m){0,6}|\\PC*|:?(silence|filter|seek|goto|é){1}( |--|2h|\"|=|é|\\\\|a){0,8}") {
        let _ = parse(&line);
        let done = complete(&line, &Words::default());
        prop_assert!(line.is_char_boundary(done.start));
    }
}
