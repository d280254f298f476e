//! Reading the log: only what was verified is handed out, words are found, and who else is here is known.

use std::fs;
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use quarterdeck::domain::{Actor, EntryKind, IncidentId, SafeText, Timestamp};
use quarterdeck::eventlog::{
    EntryMade, EventLog, LogEvent, Position, Presence, Record, Recorded, Sealed, Signer, SqliteLog,
    Subject,
};
use tempfile::TempDir;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_763_820_000_000 + millis)
}

fn note(text: &str) -> LogEvent {
    LogEvent::Noted { about: Subject::General, text: SafeText::body(text) }
}

fn entry(id: &str, text: &str) -> LogEvent {
    let event = EntryMade {
        kind: EntryKind::Observation,
        text: SafeText::body(text),
        happened: None,
        spoken_by: None,
        evidence: None,
        about: None,
    };
    LogEvent::Incident { incident: IncidentId::new(id), event: event.into() }
}

struct Store(TempDir);

impl Store {
    fn of(texts: impl IntoIterator<Item = String>) -> Self {
        let store = Self(TempDir::new().unwrap());
        let events: Vec<LogEvent> = texts.into_iter().map(|t| note(&t)).collect();
        store.open().append(&Actor::new("ada"), at(0), &events).unwrap();
        // From here on another writer reads: one's own series is checked before it is opened at all.
        fs::remove_file(store.dir().join("origin")).unwrap();
        store
    }

    fn dir(&self) -> std::path::PathBuf {
        self.0.path().join("q")
    }

    fn open(&self) -> SqliteLog {
        SqliteLog::open(&self.dir()).unwrap()
    }

    fn sql(&self, sql: &str) {
        let connection = rusqlite::Connection::open(self.dir().join("log.sqlite")).unwrap();
        let guards = "DROP TRIGGER IF EXISTS record_is_never_changed;
            DROP TRIGGER IF EXISTS record_is_never_removed;";
        connection.execute_batch(&format!("{guards}{sql}")).unwrap();
    }

    /// Everything handed out, and the positions left out.
    fn read(&self) -> (Vec<Recorded>, Vec<u64>) {
        let mut log = self.open();
        let (mut records, mut damaged) = (Vec::new(), Vec::new());
        let mut position = Position::default();
        loop {
            let batch = log.read_after(position).unwrap();
            records.extend(batch.records);
            damaged.extend(batch.damaged.iter().map(|p| p.0));
            position = batch.position;
            if !batch.more {
                return (records, damaged);
            }
        }
    }

    fn sealed(&self, position: u64) -> Sealed {
        let connection = rusqlite::Connection::open(self.dir().join("log.sqlite")).unwrap();
        let sql = "SELECT bytes FROM record WHERE position = ?1";
        Sealed::open(connection.query_row(sql, [position], |row| row.get(0)).unwrap()).unwrap()
    }

    fn replace(&self, position: u64, with: &Sealed) {
        self.sql("");
        let connection = rusqlite::Connection::open(self.dir().join("log.sqlite")).unwrap();
        let sql = "UPDATE record SET id = ?1, bytes = ?2 WHERE position = ?3";
        let row = rusqlite::params![with.id.0, with.bytes, position];
        connection.execute(sql, row).unwrap();
    }
}

/// Changes one byte, whatever it is.
pub(crate) const FLIP: &str = "UPDATE record SET bytes = CAST(substr(bytes, 1, 100)
    || iif(substr(bytes, 101, 1) = x'ff', x'00', x'ff') || substr(bytes, 102) AS BLOB)
    WHERE position = ";

#[test]
fn a_changed_forged_or_forked_record_is_left_out_and_named() {
    let store = Store::of((0..6).map(|n| format!("note {n}")));
    assert_eq!((store.read().0.len(), store.read().1), (6, vec![]));
    let own = Signer::from_seed(&[9; 32]);
    let third = store.sealed(3);

    // Signed with a key of her own, but under our key's name.
    let lie = Record { actor: "mallory".into(), ..third.record.clone() }.seal(&own).unwrap();
    store.replace(3, &lie);
    assert_eq!(store.read().1, [3, 4], "the forged one, and the next does not follow it");

    // Honest about her key: hers it is, but the record after no longer follows.
    let honest = Record { key: own.id(), ..lie.record.clone() }.seal(&own).unwrap();
    store.replace(3, &honest);
    let (records, damaged) = store.read();
    assert_eq!((damaged, records[2].key), (vec![4], own.id()));

    store.replace(3, &third);
    assert!(store.read().1.is_empty());
    store.sql(&format!("{FLIP}5"));
    assert_eq!(store.read().1, [5]);
}

#[test]
fn what_was_verified_before_is_still_seen_to_change() {
    let store = Store::of((0..520).map(|n| format!("note {n}")));
    let (first, _) = store.read();
    let mark = store.dir().join("verified");
    let kept = fs::read(&mark).unwrap();
    assert_eq!(kept.len(), 21 + 2 * 32 + 32, "two whole stretches");
    assert!(store.read().0 == first, "the quick way hands out the same");
    store.sql(&format!("{FLIP}100"));
    let (records, damaged) = store.read();
    assert_eq!((records.len(), damaged), (519, vec![100]));
    store.sql("UPDATE record SET id = zeroblob(32) WHERE position = 300");
    assert_eq!(store.read().1, [100, 300, 301]);
    // A mark that is damaged, or of another store, only costs time.
    for content in [vec![], kept[..40].to_vec(), vec![7; kept.len()]] {
        fs::write(&mark, content).unwrap();
        assert_eq!(store.read().1, [100, 300, 301]);
    }
}

#[test]
fn records_are_read_on_from_anywhere() {
    let store = Store::of((0..300).map(|n| format!("note {n}")));
    let (all, _) = store.read();
    let mut log = store.open();
    for from in [0, 255, 256, 299, 300, 10_000] {
        let batch = log.read_after(Position(from)).unwrap();
        let expected = all.get(from as usize..).unwrap_or_default();
        assert!(batch.records == expected, "from {from}");
        assert_eq!((batch.position, batch.more), (Position(from.max(300)), false));
    }
}

#[test]
fn words_phrases_and_beginnings_are_found_newest_first() {
    let texts =
        ["the database is full", "Full of naïve hope", "databases replicate", "eu-1 is down"];
    let store = Store::of(texts.map(String::from));
    let mut log = store.open();
    let in_incident = [entry("INC-7KQ4M", "database failed over")];
    let newest = log.append(&Actor::new("grace"), at(9), &in_incident).unwrap();
    let all = log.read_after(Position::default()).unwrap().records;
    assert_eq!(newest[0].id, all[4].id);
    let mut found = |words: &str, most: usize| -> Vec<usize> {
        let ids = log.search(words, most).unwrap();
        ids.iter().map(|id| all.iter().position(|r| r.id == *id).unwrap()).collect()
    };
    for (words, places) in [
        ("", vec![]),
        ("database", vec![4, 2, 0]),
        ("database ", vec![4, 0]),
        ("data", vec![4, 2, 0]),
        ("da", vec![4, 2, 0]),
        ("d", vec![]),
        ("full database ", vec![0]),
        ("\"is full\"", vec![0]),
        ("\"full is\"", vec![]),
        ("NAIVE", vec![1]),
        ("naï", vec![1]),
        ("grace", vec![4]),
        ("INC-7KQ4M", vec![4]),
        ("eu-1", vec![3]),
        ("zebra", vec![]),
        ("* OR database)", vec![]),
        ("text:full", vec![]),
    ] {
        assert_eq!(found(words, 50), places, "{words}");
    }
    assert_eq!(found("database", 1), [4]);
}

#[test]
fn a_store_without_an_index_gets_one_when_it_is_opened() {
    let store = Store::of((0..300).map(|n| format!("note {n}")));
    store.sql("DROP TABLE word; DROP TABLE words; PRAGMA user_version = 2");
    assert_eq!(store.open().search("277", 9).unwrap(), [store.sealed(278).id]);
}

fn here(name: &str, console: u64, at: Timestamp) -> Presence {
    let (screen, incident) = ("incident".into(), Some(IncidentId::new("INC-1")));
    let selected = SafeText::new("task 3");
    Presence { actor: Actor::new(name), console, at, screen, incident, selected }
}

#[test]
fn consoles_see_each_other_until_they_leave_or_fall_silent() {
    let store = Store::of(["x".into()]);
    let (mut ada, mut grace) = (store.open(), store.open());
    assert_eq!(ada.present(&here("ada", 1, at(0))).unwrap(), []);
    let since = Instant::now();
    assert_eq!(grace.present(&here("grace", 2, at(100))).unwrap(), [here("ada", 1, at(0))]);
    assert_eq!(ada.present(&here("ada", 1, at(200))).unwrap(), [here("grace", 2, at(100))]);
    assert!(since.elapsed() < Duration::from_millis(200), "{:?}", since.elapsed());
    // Silent for ten seconds, or with a clock as far off: gone. Heard again: back.
    assert_eq!(ada.present(&here("ada", 1, at(10_100))).unwrap().len(), 1);
    assert_eq!(ada.present(&here("ada", 1, at(10_101))).unwrap(), []);
    assert_eq!(ada.present(&here("ada", 1, at(-60_000))).unwrap(), []);
    grace.present(&here("grace", 2, at(11_000))).unwrap();
    assert_eq!(ada.present(&here("ada", 1, at(11_000))).unwrap().len(), 1);
    // Who leaves is gone at once; what a crash left is cleared away, and rubbish is no one.
    drop(grace);
    let dir = store.dir().join("present");
    fs::write(dir.join("00000000000000ff"), [9; 100]).unwrap();
    fs::write(dir.join("0000000000000003"), vec![1; 100_000]).unwrap();
    assert_eq!(ada.present(&here("ada", 1, at(11_001))).unwrap(), []);
    drop(ada);
    assert!(!dir.join(format!("{:016x}", 1)).exists());
}
