//! The log on disk: what it keeps, what it notices, what it says when it cannot go on.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use quarterdeck::domain::{Actor, AlertKey, Operation, Outcome, SafeText, SiteId, Timestamp};
use quarterdeck::domain::{MatcherSpec, SilenceDraft, SilenceId};
use quarterdeck::eventlog::{
    AlertInstance, EventLog, Fault, FormatError, Head, Hybrid, IncidentEvent, KeyId, LogEvent,
    MemoryLog, NAMESPACE, Origin, Position, Record, RecordId, Sealed, Signer, Signers, SqliteLog,
    StoredRow, Subject, verify,
};
use tempfile::TempDir;

use super::eventlog_kinds;

fn note(text: &str) -> LogEvent {
    LogEvent::Noted { about: Subject::General, text: SafeText::body(text) }
}

fn ada() -> Actor {
    Actor::new("ada")
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A store with `count` notes, closed.
fn store_of(count: usize) -> TempDir {
    let home = TempDir::new().unwrap();
    let mut log = SqliteLog::open(&home.path().join("q")).unwrap();
    for n in 0..count {
        log.append(&ada(), at(n as i64), &[note(&format!("note {n}"))]).unwrap();
    }
    home
}

fn open(home: &TempDir) -> Result<SqliteLog, String> {
    SqliteLog::open(&home.path().join("q")).map_err(|e| e.sentence.to_string())
}

/// What the audit says, without ids, which differ from run to run.
fn audit(home: &TempDir) -> Vec<(Fault, Option<u64>, Option<u64>)> {
    let report = SqliteLog::audit(&home.path().join("q"), None).unwrap();
    assert_eq!(report.file.as_str(), "", "the database itself is well");
    report
        .findings
        .iter()
        .map(|f| (f.fault, f.position.map(|p| p.0), f.place.map(|(_, seq)| seq)))
        .collect()
}

/// Tampers the way somebody with the file would, past the guards.
fn tamper(home: &TempDir, sql: &str) {
    let connection = rusqlite::Connection::open(home.path().join("q/log.sqlite")).unwrap();
    connection
        .execute_batch(&format!(
            "DROP TRIGGER record_is_never_changed; DROP TRIGGER record_is_never_removed; {sql}"
        ))
        .unwrap();
}

#[test]
fn facts_survive_closing_and_are_read_back_as_written() {
    let home = TempDir::new().unwrap();
    let events = one_of_each();
    let written = open(&home).unwrap().append(&ada(), at(5), &events).unwrap();
    let mut log = open(&home).unwrap();
    let batch = log.read_after(Position::default()).unwrap();
    assert_eq!(batch.records, written);
    assert_eq!(batch.records.iter().map(|r| r.event.clone().unwrap()).collect::<Vec<_>>(), events);
    assert_eq!((batch.position, batch.more, batch.damaged), (Position(5), false, vec![]));
    assert_eq!(log.notice(), None);
    assert_eq!(audit(&home), []);
}

#[test]
fn everything_in_the_directory_is_private() {
    let home = store_of(1);
    let _open = open(&home).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let dir = home.path().join("q");
    assert_eq!(format!("{:o}", mode(&dir)), "700");
    let mut found: Vec<_> = fs::read_dir(&dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .map(|p| format!("{} {:o}", p.file_name().unwrap().display(), mode(&p)))
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            "log.sqlite 600",
            "log.sqlite-shm 600",
            "log.sqlite-wal 600",
            "origin 600",
            "signing-key 600",
        ]
    );
}

#[test]
fn a_key_log_or_directory_open_to_others_is_refused_with_the_way_out() {
    for (path, mode, way) in [
        ("q/signing-key", 0o644, "chmod 600"),
        ("q/log.sqlite", 0o640, "chmod 600"),
        ("q", 0o755, "chmod 700"),
    ] {
        let home = store_of(1);
        fs::set_permissions(home.path().join(path), fs::Permissions::from_mode(mode)).unwrap();
        let said = open(&home).unwrap_err();
        assert!(said.contains(way) && said.contains("open to other users"), "{said}");
    }
}

#[test]
fn two_consoles_see_each_others_entries_within_200_ms_and_share_one_series() {
    let home = TempDir::new().unwrap();
    let (mut first, mut second) = (open(&home).unwrap(), open(&home).unwrap());
    assert!(!second.changed().unwrap());
    let mut position = Position::default();
    for n in 0..5 {
        let written = first.append(&ada(), at(n), &[note("from the first")]).unwrap();
        let since = Instant::now();
        while !second.changed().unwrap() {
            assert!(since.elapsed() < Duration::from_millis(200), "not seen in time");
            std::thread::yield_now();
        }
        let batch = second.read_after(position).unwrap();
        position = batch.position;
        assert_eq!(batch.records, written);
        let answer = second.append(&ada(), at(n), &[note("from the second")]).unwrap();
        assert!(first.changed().unwrap());
        let read = first.read_after(position).unwrap();
        position = read.position;
        assert_eq!(read.records, answer);
    }
    assert_eq!(audit(&home), []);
}

#[test]
fn a_clock_set_back_an_hour_does_not_reorder_what_was_written() {
    let home = TempDir::new().unwrap();
    let mut log = open(&home).unwrap();
    let first = log.append(&ada(), at(7_200_000), &[note("before")]).unwrap();
    let mut log = open(&home).unwrap();
    let second = log.append(&ada(), at(3_600_000), &[note("after")]).unwrap();
    assert!(first[0].stamp < second[0].stamp);
    assert_eq!(second[0].at, at(3_600_000), "the clock's reading is kept as it was");
}

#[test]
fn the_audit_names_every_record_that_was_tampered_with() {
    let flip = "UPDATE record SET bytes =
        CAST(substr(bytes, 1, 60) || x'ff' || substr(bytes, 62) AS BLOB) WHERE position = 3";
    let swap = "UPDATE record SET position = 100 WHERE position = 3;
        UPDATE record SET position = 3 WHERE position = 4;
        UPDATE record SET position = 4 WHERE position = 100";
    let renumber = "UPDATE record SET seq = 100 WHERE position = 3;
        UPDATE record SET seq = 2 WHERE position = 4; UPDATE record SET seq = 3 WHERE position = 3";
    for (sql, found) in [
        ("", vec![]),
        ("DELETE FROM record WHERE position = 3", vec![(Fault::Missing, None, Some(2))]),
        ("DELETE FROM record WHERE position = 1", vec![(Fault::Missing, None, Some(0))]),
        ("DELETE FROM record WHERE position = 6", vec![(Fault::Missing, Some(6), None)]),
        (flip, vec![(Fault::Changed, Some(3), Some(2))]),
        (swap, vec![(Fault::Reordered, Some(3), Some(3))]),
        (
            renumber,
            vec![(Fault::Reordered, Some(3), Some(3)), (Fault::Reordered, Some(4), Some(2))],
        ),
    ] {
        let home = store_of(6);
        if !sql.is_empty() {
            tamper(&home, sql);
        }
        assert_eq!(audit(&home), found, "{sql}");
    }
}

#[test]
fn every_byte_of_a_record_counts() {
    let mut log = MemoryLog::for_demo();
    log.append(&ada(), at(1), &[note("one"), note("two")]).unwrap();
    let rows = log.rows();
    for flipped in 0..rows[0].bytes.len() {
        let mut changed = rows.clone();
        changed[0].bytes[flipped] ^= 0x10;
        let report = verify(changed, &Signers::Anyone, None, None);
        assert_eq!(report.findings[0].fault, Fault::Changed, "byte {flipped}");
    }
}

#[test]
fn a_forger_who_repairs_the_hashes_still_lacks_the_key() {
    let mut log = MemoryLog::for_demo();
    log.append(&ada(), at(1), &[note("one"), note("two"), note("three")]).unwrap();
    let rows = log.rows();
    let allowed = Signers::Only([Signer::from_seed(&[7; 32]).id()].into());
    assert_eq!(verify(rows.clone(), &allowed, Some(Position(3)), None).findings, []);
    let faults = |rows: Vec<StoredRow>| -> Vec<(Fault, Option<u64>)> {
        let report = verify(rows, &allowed, Some(Position(3)), None);
        report.findings.iter().map(|f| (f.fault, f.place.map(|(_, seq)| seq))).collect()
    };
    let replace = |at: usize, sealed: &Sealed| {
        let mut rows = rows.clone();
        rows[at] = StoredRow::of(rows[at].position, sealed);
        rows
    };
    let mut second = Sealed::open(rows[1].bytes.clone()).unwrap().record;
    second.actor = "mallory".into();

    // With a key of her own, and honest about it; then pretending that it is ours.
    let own = Signer::from_seed(&[9; 32]);
    let honest = Record { key: own.id(), ..second.clone() }.seal(&own).unwrap();
    assert_eq!(faults(replace(1, &honest)), [(Fault::UnknownSigner, Some(1))]);
    let pretending = second.clone().seal(&own).unwrap();
    assert_eq!(faults(replace(1, &pretending)), [(Fault::WronglySigned, Some(1))]);

    // Not signed at all: 97 bytes of signature and the byte of its length make way for a zero.
    let mut bytes = rows[1].bytes.clone();
    bytes.truncate(bytes.len() - 98);
    bytes.push(0);
    let unsigned = Sealed::open(bytes).unwrap();
    assert_eq!(faults(replace(1, &unsigned)), [(Fault::Unsigned, Some(1))]);

    // With the true key, but another past: the next record does not follow it; nor may both stand.
    let rewritten = second.seal(&Signer::from_seed(&[7; 32])).unwrap();
    assert_eq!(faults(replace(1, &rewritten)), [(Fault::Forked, Some(2))]);
    let mut both = rows.clone();
    both.push(StoredRow::of(Position(4), &rewritten));
    assert_eq!(faults(both), [(Fault::Forked, Some(1)), (Fault::Forked, Some(1))]);
}

#[test]
fn nothing_is_appended_to_a_chain_that_does_not_hold() {
    for sql in [
        "DELETE FROM record WHERE position = 6",
        "UPDATE record SET bytes = CAST(substr(bytes, 2) AS BLOB) WHERE position = 6",
        "DELETE FROM record",
    ] {
        let home = store_of(6);
        let mut log = open(&home).unwrap();
        tamper(&home, sql);
        let said = log.append(&ada(), at(9), &[note("lost?")]).unwrap_err().sentence;
        assert!(said.contains("does not hold together") && said.contains("audit verify"), "{said}");
    }
    let home = store_of(6);
    tamper(&home, "DELETE FROM record WHERE position = 3");
    assert!(open(&home).unwrap_err().contains("records are missing from it"));
}

#[test]
fn a_damaged_newer_or_foreign_file_is_refused_and_left_as_it_is() {
    for (damage, said) in [
        ("garbage", "the file is damaged"),
        ("PRAGMA user_version = 99", "written by a newer Quarterdeck (schema 99"),
        ("PRAGMA application_id = 7", "another program's database"),
    ] {
        let home = store_of(3);
        let file = home.path().join("q/log.sqlite");
        if damage == "garbage" {
            fs::write(&file, [0xa5; 5_000]).unwrap();
        } else {
            rusqlite::Connection::open(&file).unwrap().execute_batch(damage).unwrap();
        }
        let before = fs::read(&file).unwrap();
        let refused = open(&home).unwrap_err();
        assert!(refused.contains(said) && refused.contains("left as it is"), "{refused}");
        assert!(fs::read(&file).unwrap() == before, "the file was touched");
    }
}

#[test]
fn a_page_damaged_in_the_middle_is_found_and_the_rest_is_still_read() {
    let home = store_of(300);
    // Everything into the main file, then zeros over a page of the table.
    rusqlite::Connection::open(home.path().join("q/log.sqlite"))
        .unwrap()
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    let file = home.path().join("q/log.sqlite");
    let mut bytes = fs::read(&file).unwrap();
    let at_note = bytes.windows(8).position(|w| w == b"note 150").unwrap();
    let page = at_note / 4096 * 4096;
    bytes[page..page + 4096].fill(0);
    fs::write(&file, bytes).unwrap();
    let report = SqliteLog::audit(&home.path().join("q"), None).unwrap();
    assert!(!report.is_clean());
    assert!(!report.file.is_empty(), "SQLite's own check sees it too");
    assert!(report.records > 100, "{} records read", report.records);
}

#[test]
fn a_log_locked_by_another_program_says_so_and_works_again_afterwards() {
    let home = store_of(1);
    let mut log = open(&home).unwrap();
    log.set_patience(Duration::from_millis(20)).unwrap();
    let other = rusqlite::Connection::open(home.path().join("q/log.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let said = log.append(&ada(), at(2), &[note("x")]).unwrap_err().sentence;
    assert!(said.contains("held it locked for too long"), "{said}");
    other.execute_batch("ROLLBACK").unwrap();
    log.append(&ada(), at(2), &[note("x")]).unwrap();
    assert_eq!(audit(&home), []);
}

#[test]
fn an_entry_too_large_is_refused_whole_and_the_log_goes_on() {
    let home = store_of(1);
    let mut log = open(&home).unwrap();
    let large = note(&"x".repeat(64 * 1024));
    let said = log.append(&ada(), at(2), &[note("small"), large]).unwrap_err().sentence;
    assert!(said.contains("larger than 64 KiB"), "{said}");
    assert_eq!(log.read_after(Position::default()).unwrap().records.len(), 1);
    log.append(&ada(), at(2), &[note("small")]).unwrap();
    assert_eq!(audit(&home), []);
}

#[test]
fn a_copied_database_begins_a_series_of_its_own() {
    let home = store_of(2);
    let copy = TempDir::new().unwrap();
    fs::create_dir(copy.path().join("q")).unwrap();
    fs::set_permissions(copy.path().join("q"), fs::Permissions::from_mode(0o700)).unwrap();
    for file in ["log.sqlite", "signing-key"] {
        fs::copy(home.path().join("q").join(file), copy.path().join("q").join(file)).unwrap();
    }
    let mut here = open(&copy).unwrap();
    assert!(here.notice().unwrap().contains("series of their own"));
    let first = here.append(&ada(), at(3), &[note("elsewhere")]).unwrap();
    let original = open(&home).unwrap().append(&ada(), at(3), &[note("here")]).unwrap();
    assert_eq!((first[0].stamp.seq, original[0].stamp.seq), (0, 2));
    assert!(first[0].stamp.origin != original[0].stamp.origin);
    assert_eq!(audit(&copy), []);
}

#[test]
fn a_log_that_was_emptied_says_that_its_records_are_gone() {
    let home = store_of(2);
    fs::write(home.path().join("q/log.sqlite"), b"").unwrap();
    let said = open(&home).unwrap().notice().unwrap().to_string();
    assert!(said.contains("its records are gone"), "{said}");
}

#[test]
fn ssh_keygen_accepts_our_signatures_and_refuses_changed_bytes() {
    let mut log = MemoryLog::for_demo();
    log.append(&ada(), at(1), &[note("the database is full")]).unwrap();
    let sealed = Sealed::open(log.rows()[0].bytes.clone()).unwrap();
    let dir = TempDir::new().unwrap();
    let signer = Signer::from_seed(&[7; 32]);
    let allowed = dir.path().join("allowed_signers");
    fs::write(&allowed, format!("ada@example.org {}\n", signer.public_line())).unwrap();
    let signature = dir.path().join("record.sig");
    fs::write(&signature, sealed.signature.to_pem().unwrap()).unwrap();
    let verdict = |message: &[u8]| -> Option<bool> {
        let mut child = match Command::new("ssh-keygen")
            .args(["-Y", "verify", "-I", "ada@example.org", "-n", NAMESPACE, "-f"])
            .arg(&allowed)
            .arg("-s")
            .arg(&signature)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
        {
            Ok(child) => child,
            Err(_) => return None,
        };
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), message).unwrap();
        Some(child.wait().unwrap().success())
    };
    let Some(accepted) = verdict(sealed.signed_bytes()) else {
        eprintln!("skipped: there is no ssh-keygen on this host to check our signatures with");
        return;
    };
    assert!(accepted);
    let mut changed = sealed.signed_bytes().to_vec();
    changed[50] ^= 1;
    assert_eq!(verdict(&changed), Some(false));
}

/// One fact of every kind there is.
fn one_of_each() -> Vec<LogEvent> {
    let alerts = vec![AlertInstance {
        key: AlertKey { site: SiteId::new("eu-1"), fingerprint: "0a1b2c3d4e5f6071".into() },
        starts_at: at(1_700_000_000_000),
    }];
    let draft = SilenceDraft {
        matchers: vec![MatcherSpec {
            name: "service".into(),
            value: "checkout|cart".into(),
            is_regex: true,
            is_equal: true,
        }],
        starts_at: at(1_700_000_000_000),
        ends_at: at(1_700_007_200_000),
        created_by: "ada".into(),
        comment: SafeText::body("deploy\nsecond line"),
        replaces: Some(SilenceId::new("b1946ac9")),
    };
    vec![
        LogEvent::AlertsAcknowledged {
            alerts: alerts.clone(),
            title: "HighLatency checkout".into(),
            note: "naïve 表 👩‍🚒".into(),
        },
        LogEvent::AcknowledgementWithdrawn { alerts: alerts.clone(), note: "".into() },
        LogEvent::Noted {
            about: Subject::Alerts { title: "HighLatency".into(), alerts },
            text: "seen".into(),
        },
        LogEvent::OperationRequested {
            operation: Operation::Silence { site: SiteId::new("eu-1"), draft },
        },
        LogEvent::OperationEnded {
            request: RecordId([3; 32]),
            outcome: Outcome::Unknown { why: "the answer was lost".into() },
        },
    ]
}

/// Every kind of an incident and of the outbox, one file: length and bytes of each record. Claims are not
/// asked here, so that the values may be anything.
fn kind_examples(events: Vec<LogEvent>) -> Vec<(LogEvent, Sealed)> {
    let mut at_millis = 1_763_820_000_000;
    events
        .into_iter()
        .map(|event| {
            // A log each: what the examples claim must not meet.
            let mut log = MemoryLog::for_demo();
            at_millis += 1_000;
            let bytes = log_of(&mut log, &event, at_millis);
            (event, Sealed::open(bytes).unwrap())
        })
        .collect()
}

fn log_of(log: &mut MemoryLog, event: &LogEvent, millis: i64) -> Vec<u8> {
    log.append(&ada(), at(millis), std::slice::from_ref(event)).unwrap();
    log.rows().remove(0).bytes
}

#[test]
fn every_kind_of_an_incident_is_written_and_read_as_its_frozen_example() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/logs");
    // What came later has a file of its own: a frozen one never grows.
    let first = eventlog_kinds::incident().into_iter().chain(eventlog_kinds::outbox());
    let first = kind_examples(first.collect());
    let later = kind_examples(eventlog_kinds::runs_and_reviews());
    let all = first.iter().chain(&later);
    let mut kinds: Vec<&str> = all.map(|(event, _)| event.kind()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let missing: Vec<_> = IncidentEvent::KINDS.iter().filter(|k| !kinds.contains(k)).collect();
    assert_eq!(missing, Vec::<&&str>::new(), "every kind has an example");
    are_frozen(&dir.join("v1-incident-kinds.bin"), &first);
    are_frozen(&dir.join("v1-run-and-review-kinds.bin"), &later);
}

/// The records are written as they stand in the file, and read from it as they are.
fn are_frozen(file: &Path, examples: &[(LogEvent, Sealed)]) {
    let mut bytes = Vec::new();
    for (_, sealed) in examples {
        bytes.extend(u32::try_from(sealed.bytes.len()).unwrap().to_be_bytes());
        bytes.extend(&sealed.bytes);
    }
    if std::env::var_os("QUARTERDECK_FREEZE").is_some() && !file.exists() {
        fs::write(file, &bytes).unwrap();
    }
    let frozen = fs::read(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let mut rest = frozen.as_slice();
    for (event, sealed) in examples {
        let (length, after) = rest.split_at(4);
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let (record, after) = after.split_at(length);
        assert!(record == sealed.bytes, "{} is no longer written as it was", event.kind());
        let read = Sealed::open(record.to_vec()).unwrap();
        assert!(read.is_authentic());
        assert_eq!(read.recorded().event.as_ref(), Some(event));
        rest = after;
    }
    assert!(rest.is_empty());
}

/// The records of fixtures/logs, made anew.
fn examples() -> Vec<(String, Vec<u8>)> {
    let mut log = MemoryLog::for_demo();
    let mut events = one_of_each();
    events.push(LogEvent::Noted { about: Subject::Named("checkout".into()), text: "n".into() });
    events.push(note("two\nlines"));
    let operation = Operation::Expire { site: SiteId::new("eu-1"), id: SilenceId::new("b1946ac9") };
    events.push(LogEvent::OperationRequested { operation });
    for outcome in [
        Outcome::Done { id: Some(SilenceId::new("b1946ac9")) },
        Outcome::Refused { why: "not found".into() },
    ] {
        events.push(LogEvent::OperationEnded { request: RecordId([4; 32]), outcome });
    }
    log.append(&ada(), at(1_700_000_000_123), &events).unwrap();
    let mut examples: Vec<_> = (1..)
        .zip(&events)
        .zip(log.rows())
        .map(|((n, event), row)| (format!("v1-{n:02}-{}", event.kind()), row.bytes))
        .collect();
    let signer = Signer::from_seed(&[7; 32]);
    let elsewhere = Record {
        version: 1,
        incident: "2026-11-22-checkout".into(),
        origin: Origin([8; 16]),
        seq: 300,
        prev: Some(RecordId([1; 32])),
        seen: vec![Head { origin: Origin([7; 16]), seq: 9, id: RecordId([2; 32]) }],
        hybrid: Hybrid { millis: 1_700_000_000_999, count: 4 },
        wall: at(1_700_000_000_500),
        actor: "grace".into(),
        key: signer.id(),
        kind: "command-taken".into(),
        body: b"of a later version".to_vec(),
    };
    examples.push(("v1-20-unknown-kind".into(), elsewhere.seal(&signer).unwrap().bytes));
    examples
}

#[test]
fn records_are_written_and_read_as_the_frozen_examples() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/logs");
    let examples = examples();
    for (name, bytes) in &examples {
        let file = dir.join(format!("{name}.bin"));
        if std::env::var_os("QUARTERDECK_FREEZE").is_some() && !file.exists() {
            fs::write(&file, bytes).unwrap();
        }
        let frozen = fs::read(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        assert!(frozen == *bytes, "{name} is no longer written as it was");
        let read = Sealed::open(frozen.clone()).unwrap();
        assert!(read.is_authentic(), "{name}");
        assert_eq!(read.bytes, frozen);
    }
    let mut on_disk: Vec<_> = fs::read_dir(&dir)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    on_disk.sort();
    on_disk.retain(|name| !name.ends_with("-kinds.bin"));
    let mut known: Vec<_> = examples.iter().map(|(name, _)| format!("{name}.bin")).collect();
    known.sort();
    assert_eq!(on_disk, known);
}

#[test]
fn records_of_later_versions_pass_through_untouched_and_are_checked_all_the_same() {
    let signer = Signer::from_seed(&[7; 32]);
    let later = Record {
        version: 2,
        incident: String::new(),
        origin: Origin([8; 16]),
        seq: 0,
        prev: None,
        seen: vec![],
        hybrid: Hybrid::default(),
        wall: at(0),
        actor: "grace".into(),
        key: signer.id(),
        kind: "noted".into(),
        body: vec![1, 2, 3],
    };
    let sealed = later.seal(&signer).unwrap();
    let row = StoredRow::of(Position(1), &Sealed::open(sealed.bytes.clone()).unwrap());
    assert_eq!(row.bytes, sealed.bytes);
    assert_eq!(sealed.recorded().event, None, "a later version's body is not guessed at");
    let report = verify([row], &Signers::Anyone, Some(Position(1)), None);
    assert_eq!((report.is_clean(), report.newer), (true, 1));
}

#[test]
fn one_content_has_one_form() {
    let mut log = MemoryLog::for_demo();
    log.append(&ada(), at(1), &[note("one")]).unwrap();
    let bytes = log.rows()[0].bytes.clone();
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(Sealed::open(longer).unwrap_err(), FormatError::NotCanonical);
    assert_eq!(Sealed::open(bytes[1..].to_vec()).unwrap_err(), FormatError::Shape);
    for cut in 0..bytes.len() {
        assert!(Sealed::open(bytes[..cut].to_vec()).is_err(), "cut at {cut}");
    }
    assert_eq!(Sealed::open(vec![0; 70_000]).unwrap_err(), FormatError::TooLarge);
}

#[test]
fn an_unreadable_key_is_named_and_not_replaced() {
    let home = store_of(1);
    let key = home.path().join("q/signing-key");
    fs::write(&key, "not a key").unwrap();
    let said = open(&home).unwrap_err();
    assert!(said.contains("not an OpenSSH private key"), "{said}");
    assert_eq!(fs::read_to_string(&key).unwrap(), "not a key");
}

#[test]
fn a_key_is_shown_as_openssh_shows_it() {
    let id: KeyId = Signer::from_seed(&[7; 32]).id();
    assert!(id.to_string().starts_with("SHA256:") && id.to_string().len() == 50, "{id}");
}

proptest::proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300), cut in 0usize..400) {
        let mut framed = b"quarterdeck-record\0".to_vec();
        framed.extend(&bytes);
        if let Ok(sealed) = Sealed::open(framed) {
            let _ = (sealed.recorded(), sealed.is_authentic());
        }
        let mut log = MemoryLog::for_demo();
        log.append(&ada(), at(1), &[note("one")]).unwrap();
        let mut real = log.rows()[0].bytes.clone();
        let cut = cut.min(real.len());
        real.truncate(cut);
        real.extend(bytes);
        if let Ok(sealed) = Sealed::open(real) {
            let _ = (sealed.recorded(), sealed.is_authentic());
        }
    }
}
