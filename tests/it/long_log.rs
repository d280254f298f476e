//! A log too long to be waited for, in a real terminal: the incident stands at once, the timeline says that
//! earlier entries are still being read and how far, and nobody is kept from writing until they are there.

use pretty_assertions::assert_eq;
use quarterdeck::domain::{
    Actor, Cause, EntryKind, Impact, IncidentId, SafeText, Severity, Span, Timestamp,
};
use quarterdeck::eventlog::{
    CommandTaken, Declared, EntryMade, EventLog, IncidentEvent, LogEvent, Position, SqliteLog,
};
use quarterdeck::runtime::clock;

use crate::cli::Home;
use crate::pty::{Session, patience};

/// Enough that reading them takes longer than a frame, on any machine.
const MANY: usize = 40_000;
const MARK: &str = "earlier entries are being read: ";

fn of(event: impl Into<IncidentEvent>) -> LogEvent {
    LogEvent::Incident { incident: IncidentId::new("INC-LONG"), event: event.into() }
}

fn entry(n: usize) -> LogEvent {
    of(EntryMade {
        kind: EntryKind::Observation,
        text: SafeText::body(&format!("observed {n:05}")),
        happened: None,
        spoken_by: None,
        evidence: None,
        about: None,
    })
}

/// An incident with so many entries, written by the console's own key.
fn long_incident(home: &Home) {
    let dir = home.path().join("state/quarterdeck");
    let mut log = SqliteLog::open(&dir).unwrap();
    let alice = Actor::new("alice");
    let at: Timestamp = clock::now().minus(Span::from_mins(30));
    let declared = Declared {
        title: "cards declined".into(),
        severity: Severity::Sev2,
        reason: "".into(),
        services: Vec::new(),
        impact: Impact::default(),
        cause: Cause::Nothing,
        onset: None,
    };
    let command =
        CommandTaken { after: None, commander: alice.clone(), handover: None, reason: "".into() };
    log.append(&alice, at, &[of(declared), of(command)]).unwrap();
    for from in (0..MANY).step_by(1_000) {
        let entries: Vec<LogEvent> = (from..from + 1_000).map(entry).collect();
        log.append(&alice, at, &entries).unwrap();
    }
    // Read once to the end, so that it is known what may wait the next time.
    let mut position = Position::default();
    loop {
        let batch = log.read_after(position).unwrap();
        position = batch.position;
        if !batch.more {
            break;
        }
    }
    assert_eq!(position, Position(MANY as u64 + 2));
}

/// How far the timeline says it has come.
fn per_cent(session: &Session) -> Option<u8> {
    let text = session.text();
    let (_, rest) = text.split_once(MARK)?;
    rest.split_whitespace().next()?.parse().ok()
}

#[test]
fn a_long_incident_is_there_at_once_and_says_what_of_its_timeline_is_not() {
    let home = Home::with(&[("config.toml", "me = \"alice\"\n"), ("catalog.toml", "")]);
    long_incident(&home);
    // Who left on the incident comes back to it.
    let mut session = home.console().start();
    session.wait_for_text("1 Bridge");
    session.send("6");
    session.wait_for_text("Timeline · ");
    session.send("q");
    session.wait_for_text("It is still going on.");
    session.send("\r");
    assert!(session.exit_status().success());

    let mut session = home.console().start();
    // With the latest entries, and of those before it is said that they are on their way.
    let latest = format!("observed {:05}", MANY - 1);
    session.wait_within(patience(), "the mark beside the latest entries", |session| {
        per_cent(session).is_some() && session.text().contains(&latest)
    });
    let text = session.text();
    let strip = text.lines().next().unwrap_or_default();
    assert!(strip.contains("SEV-2") && strip.contains("cards declined"), "{text}");
    assert!(strip.contains("IC alice"), "{text}");
    let before = per_cent(&session).unwrap();
    assert!(before < 100, "{text}");
    session.wait_within(patience(), "it goes on", |session| {
        per_cent(session).is_none_or(|now| now > before)
    });
    // A note is written meanwhile.
    session.send("nwritten while it reads\r");
    session.wait_for_text("written while it reads");
    session
        .wait_within(patience(), "all of it is read", |session| !session.text().contains("read:"));
    // The first of them is there, and what was written meanwhile is still the newest.
    session.send("g");
    session.wait_for_text("observed 00000");
    session.send("G");
    session.wait_for_text("written while it reads");
    session.send("q");
    session.wait_for_text("It is still going on.");
    session.send("\r");
    assert!(session.exit_status().success());
    let verified = home.run(&["audit", "verify"]);
    let whole = format!("whole: {} records in ", MANY + 3);
    assert!(verified.out.starts_with(&whole), "{verified:?}");
}
