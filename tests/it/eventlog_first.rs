//! A long log is not waited for: what is more than a line of a timeline is read first, the lines behind it,
//! and in the end all is as if it had been read from the beginning.

use std::fs;
use std::path::{Path, PathBuf};

use pretty_assertions::assert_eq;
use quarterdeck::domain::{
    Actor, Cause, EntryKind, Impact, IncidentId, SafeText, Severity, Timestamp,
};
use quarterdeck::eventlog::{
    Declared, EntryMade, EntryPinned, EntryWithdrawn, EventLog, First, IncidentEvent, LogEvent,
    Policy, Position, RecordId, SeverityChanged, SqliteLog, Subject, TaskGiven,
};
use quarterdeck::model::Model;
use quarterdeck::model::incidents::Timeline;
use tempfile::TempDir;

use super::eventlog_reading::FLIP;

/// Enough stretches of 256 that some are left for later.
const MANY: usize = 13_000;

fn at(millis: usize) -> Timestamp {
    Timestamp::from_millis(1_763_820_000_000 + millis as i64)
}

fn of(n: usize, event: impl Into<IncidentEvent>) -> LogEvent {
    let incident = IncidentId::new(&format!("INC-{}", n % 3));
    LogEvent::Incident { incident, event: event.into() }
}

fn entry(text: String) -> EntryMade {
    EntryMade {
        kind: EntryKind::Observation,
        text: SafeText::body(&text),
        happened: None,
        spoken_by: None,
        evidence: None,
        about: None,
    }
}

/// Mostly lines; now and then something that says more, also about lines long before it.
fn event(n: usize, said: &[RecordId]) -> LogEvent {
    match n {
        0..3 => of(
            n,
            Declared {
                title: "Checkout fails".into(),
                severity: Severity::Sev3,
                reason: "".into(),
                services: Vec::new(),
                impact: Impact::default(),
                cause: Cause::Nothing,
                onset: None,
            },
        ),
        _ if n.is_multiple_of(401) => {
            of(n, SeverityChanged { severity: Severity::Sev1, reason: "".into() })
        }
        _ if n.is_multiple_of(307) => {
            let (owner, due) = (Actor::new("bob"), at(n + 9));
            of(n, TaskGiven { text: "look".into(), owner, due, workstream: None })
        }
        _ if n.is_multiple_of(211) && n > 1_000 => {
            of(n, EntryPinned { entry: said[n - 999], pinned: true })
        }
        _ if n.is_multiple_of(193) && n > 1_000 => {
            of(n, EntryWithdrawn { entry: said[n - 999], reason: "wrong".into() })
        }
        _ if n.is_multiple_of(179) => {
            LogEvent::Noted { about: Subject::General, text: "a note".into() }
        }
        _ if n.is_multiple_of(10) => {
            of(n, EntryMade { happened: Some(at(n / 2)), ..entry(format!("late {n}")) })
        }
        _ => of(n, entry(format!("step {n}"))),
    }
}

struct Store(TempDir);

impl Store {
    fn new() -> Self {
        let store = Self(TempDir::new().unwrap());
        store.write(0, MANY);
        store
    }

    fn dir(&self) -> PathBuf {
        self.0.path().join("q")
    }

    fn cache(&self) -> PathBuf {
        self.dir().join("outline")
    }

    fn open(&self) -> SqliteLog {
        SqliteLog::open(&self.dir()).unwrap()
    }

    fn write(&self, from: usize, to: usize) {
        let mut log = self.open();
        let mut said: Vec<RecordId> = Vec::new();
        if from > 0 {
            said = read(&mut log, Position::default(), &mut Model::default()).0;
        }
        for from in (from..to).step_by(500) {
            let events: Vec<_> = (from..to.min(from + 500)).map(|n| event(n, &said)).collect();
            let written = log.append(&Actor::new("ada"), at(from), &events).unwrap();
            said.extend(written.iter().map(|record| record.id));
        }
    }

    /// Another one's changes, behind the store's back.
    fn sql(&self, sql: &str) {
        let connection = rusqlite::Connection::open(self.dir().join("log.sqlite")).unwrap();
        connection
            .execute_batch(&format!(
                "DROP TRIGGER IF EXISTS record_is_never_changed;
                 DROP TRIGGER IF EXISTS record_is_never_removed; {sql}"
            ))
            .unwrap();
    }

    /// All of it from the beginning, which also learns what may wait the next time.
    fn whole(&self) -> (Model, Vec<Position>) {
        let mut model = Model::default();
        let (_, damaged) = read(&mut self.open(), Position::default(), &mut model);
        (model, damaged)
    }

    /// As a console reads it: how it stands when it opens, and in the end; what is left for later.
    fn behind(&self) -> Option<(Model, Model, Vec<Position>)> {
        let mut log = self.open();
        let First { records, position } = log.read_first().unwrap()?;
        let mut model = Model::default();
        records.iter().for_each(|record| model.apply(record));
        let (_, mut damaged) = read(&mut log, position, &mut model);
        let opened = model.clone();
        damaged.extend(read(&mut log, Position::default(), &mut model).1);
        damaged.sort_unstable();
        damaged.dedup();
        Some((opened, model, damaged))
    }
}

fn read(
    log: &mut SqliteLog,
    mut from: Position,
    model: &mut Model,
) -> (Vec<RecordId>, Vec<Position>) {
    let (mut ids, mut damaged) = (Vec::new(), Vec::new());
    loop {
        let batch = log.read_after(from).unwrap();
        for record in &batch.records {
            model.apply(record);
            ids.push(record.id);
        }
        damaged.extend(batch.damaged);
        from = batch.position;
        if !batch.more {
            return (ids, damaged);
        }
    }
}

/// Everything but the lines.
fn bare(model: &Model) -> String {
    let mut incidents = model.incidents.incidents.clone();
    incidents.values_mut().for_each(|one| one.timeline = Timeline::default());
    format!("{incidents:?} {:?}", model.journal)
}

fn same(one: &Model, other: &Model) -> bool {
    bare(one) == bare(other) && one.incidents.incidents == other.incidents.incidents
}

fn lines(model: &Model) -> usize {
    model.incidents.incidents.values().map(|one| one.timeline.len()).sum()
}

fn put(file: &Path, bytes: &[u8]) {
    fs::write(file, bytes).unwrap();
}

#[test]
fn a_long_log_stands_as_it_is_at_once_and_its_lines_follow() {
    let store = Store::new();
    assert!(store.behind().is_none(), "nobody knows yet what may wait");
    let (all, damaged) = store.whole();
    assert_eq!(damaged, []);
    let (opened, end, damaged) = store.behind().expect("from now on it is known");
    assert_eq!(bare(&opened), bare(&all));
    assert!(lines(&opened) * 4 < lines(&all), "{} of {}", lines(&opened), lines(&all));
    assert!(same(&end, &all) && damaged.is_empty());

    // The store went on since, by however much.
    for (from, to) in [(MANY, MANY + 100), (MANY + 100, MANY + 1_500)] {
        store.write(from, to);
        let (opened, end, _) = store.behind().expect("what is new is read with the rest");
        let (all, _) = store.whole();
        assert_eq!(bare(&opened), bare(&all));
        assert!(same(&end, &all));
    }

    // By another policy other entries are mere lines.
    let mut log = store.open();
    log.govern(&Policy::of(Default::default()));
    assert_eq!(log.read_first().unwrap(), None);
}

#[test]
fn a_cache_that_does_not_fit_is_as_good_as_none_and_a_changed_record_is_seen() {
    let store = Store::new();
    let (all, _) = store.whole();
    let good = fs::read(store.cache()).unwrap();
    let mark = fs::read(store.dir().join("verified")).unwrap();

    // Missing, cut, damaged in any place.
    fs::remove_file(store.cache()).unwrap();
    assert!(store.behind().is_none());
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    for bad in [&good[..0], &good[..40], &good[..good.len() - 1], &flipped] {
        put(&store.cache(), bad);
        assert!(store.behind().is_none(), "{} bytes", bad.len());
    }

    // Of another store, alone or with all that was known of it.
    let other = Store::new();
    other.whole();
    put(&other.cache(), &good);
    assert!(other.behind().is_none());
    put(&other.dir().join("verified"), &mark);
    assert!(other.behind().is_none());
    let (theirs, damaged) = other.whole();
    assert_eq!((lines(&theirs), damaged), (lines(&all), vec![]));
    assert!(other.behind().is_some(), "learnt anew");

    put(&store.cache(), &good);
    assert!(store.behind().is_some());
    // A line is changed: that is seen when it is read, and it is left out.
    store.sql(&format!("{FLIP} 5003;"));
    let (opened, end, damaged) = store.behind().unwrap();
    assert_eq!(damaged, [Position(5_003)]);
    assert!(same(&end, &store.whole().0));
    assert_eq!(bare(&opened), bare(&all));
    // What is more than a line is changed or gone: everything is read before anything is shown.
    put(&store.cache(), &good);
    put(&store.dir().join("verified"), &mark);
    let more = 401 * 3 * 2;
    store.sql(&format!("{FLIP} {};", more + 1));
    assert!(store.behind().is_none());
    store.sql(&format!("DELETE FROM record WHERE position = {};", more + 1));
    assert!(store.behind().is_none());
    assert!(!SqliteLog::audit(&store.dir(), None).unwrap().is_clean());
}
