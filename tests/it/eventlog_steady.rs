//! A disk that fails and comes back: what is written meanwhile is held, marked, and put in exactly as it was.
//!
//! The disk is a small one of its own, in a namespace of a child's: this test binary again, told so by an
//! environment variable. Where that is not permitted the test says so and does nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use quarterdeck::domain::{
    Actor, Cause, Impact, IncidentId, Operation, SafeText, Severity, SilenceId, SiteId, Timestamp,
};
use quarterdeck::eventlog::{
    CommandTaken, Declared, EventLog, LogEvent, Position, Recorded, SqliteLog, SteadyLog, Subject,
};
use tempfile::TempDir;

use super::eventlog_process::assert_clean;

const DISK: &str = "QUARTERDECK_TEST_FAILING_DISK";

fn note(text: &str) -> LogEvent {
    LogEvent::Noted { about: Subject::General, text: SafeText::body(text) }
}

fn append(log: &mut SteadyLog, events: &[LogEvent]) -> Result<Vec<Recorded>, String> {
    let at = Timestamp::from_millis(1_763_820_000_000);
    log.append(&Actor::new("ada"), at, events).map_err(|e| e.sentence.to_string())
}

fn stored(log: &mut dyn EventLog) -> Vec<Recorded> {
    let mut records = Vec::new();
    let mut position = Position::default();
    loop {
        let batch = log.read_after(position).unwrap();
        assert_eq!(batch.damaged, []);
        records.extend(batch.records);
        position = batch.position;
        if !batch.more {
            return records;
        }
    }
}

/// Idles as the console does until the disk has taken everything.
fn until_settled(log: &mut SteadyLog) {
    let since = Instant::now();
    while !log.held().records.is_empty() || !log.held().why.is_empty() {
        assert!(since.elapsed() < Duration::from_secs(60), "{}", log.held().why);
        log.tidy();
        std::thread::yield_now();
    }
}

fn mount(disk: &Path, how: &str) {
    let done = Command::new("mount").args(["-o", how, "none"]).arg(disk).status().unwrap();
    assert!(done.success(), "{how}");
}

fn command_of(id: &str) -> LogEvent {
    let event = CommandTaken {
        after: None,
        commander: Actor::new("ada"),
        handover: None,
        reason: "".into(),
    };
    LogEvent::Incident { incident: IncidentId::new(id), event: event.into() }
}

fn declared(id: &str) -> LogEvent {
    let event = Declared {
        title: "The log's disk is full".into(),
        severity: Severity::Sev2,
        reason: "".into(),
        services: Vec::new(),
        impact: Impact::default(),
        cause: Cause::Nothing,
        onset: None,
    };
    LogEvent::Incident { incident: IncidentId::new(id), event: event.into() }
}

/// Not a test by itself: what happens on the small disk.
#[test]
fn failing_disk_child() {
    let Some(disk) = std::env::var_os(DISK).map(PathBuf::from) else { return };
    let (dir, ballast) = (disk.join("q"), disk.join("ballast"));
    let mut log = SteadyLog::new(SqliteLog::open(&dir).unwrap()).unwrap();
    append(&mut log, &[note("before")]).unwrap();

    // Full: until an entry is held. It and those after it are shown, in their order, as not on the disk.
    std::fs::write(&ballast, vec![0; 300_000]).unwrap();
    let filler = "x".repeat(9_000);
    let mut safe = 1;
    while log.held().records.is_empty() {
        append(&mut log, &[note(&filler)]).unwrap();
        safe += 1;
        assert!(safe < 1_000, "it is never full");
    }
    safe -= 1;
    let after = append(&mut log, &[note("typed while it was full")]).unwrap();
    let held = log.held();
    assert!(held.why.contains("the disk is full"), "{}", held.why);
    assert_eq!((held.records.len(), &held.records[1]), (2, &after[0]));
    assert!(held.lines()[1].contains("typed while it was full"), "{:?}", held.lines());
    assert_eq!(log.search("typed while", 9).unwrap(), [after[0].id]);

    // What the store decides, or what leaves the house, does not go on without it; a new incident does.
    let silence = Operation::Expire { site: SiteId::new("eu"), id: SilenceId::new("1") };
    for event in [command_of("INC-OLD"), LogEvent::OperationRequested { operation: silence }] {
        let refused = append(&mut log, &[event]).unwrap_err();
        assert!(refused.contains("cannot wait in memory"), "{refused}");
    }
    append(&mut log, &[declared("INC-NEW"), command_of("INC-NEW")]).unwrap();
    let again = append(&mut log, &[command_of("INC-NEW")]).unwrap_err();
    assert!(again.contains("was first"), "{again}");
    let held = log.held().records;
    assert_eq!(held.len(), 4);
    assert_eq!(stored(&mut log).len(), safe);

    // Room again: the same records, under the same ids, are in the log.
    std::fs::remove_file(&ballast).unwrap();
    until_settled(&mut log);
    let records = stored(&mut log);
    assert_eq!(records.len(), safe + held.len());
    assert!(held.iter().all(|record| records.contains(record)));
    assert_clean(&dir);
    let second = append(&mut log, &[command_of("INC-NEW")]).unwrap_err();
    assert!(second.contains("was first"), "the store knows who commands: {second}");

    // Read-only: what is there is read, what is written is held, also by a console that begins now.
    drop(log);
    mount(&disk, "remount,ro");
    let why = SqliteLog::open(&dir).unwrap_err().sentence;
    let mut log = SteadyLog::without(&quarterdeck::eventlog::Place::alone(&dir), &why).unwrap();
    assert_eq!(stored(&mut log).len(), safe + 4);
    let kept = append(&mut log, &[note("typed while it was read-only")]).unwrap();
    assert_eq!(log.held().records, kept);
    assert_eq!(log.let_go().records, kept, "tried a last time");
    assert_eq!(stored(&mut log).len(), safe + 4, "and still read");

    // Writable again: what was written beside the file was not copied into it at the end, since room was
    // short, so there is room for what is held.
    mount(&disk, "remount,rw");
    until_settled(&mut log);
    let records = stored(&mut log);
    assert_eq!((records.len(), records.contains(&kept[0])), (safe + 5, true));
    assert_clean(&dir);
    println!("all of it was seen");
}

#[test]
fn what_is_written_while_the_disk_fails_is_held_and_put_in_when_it_is_back() {
    let home = TempDir::new().unwrap();
    let disk = home.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let mount = format!("mount -t tmpfs -o size=1m,mode=700 none '{}'", disk.display());
    let permitted = Command::new("unshare")
        .args(["-rm", "sh", "-c", &mount])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !permitted {
        eprintln!("skipped: no small disk can be had here");
        return;
    }
    let script = format!("{mount} && exec '{}' \"$@\"", std::env::current_exe().unwrap().display());
    let child = Command::new("unshare")
        .args(["-rm", "sh", "-c", &script, "sh", "--exact"])
        .args(["eventlog_steady::failing_disk_child", "--nocapture", "--test-threads=1"])
        .env(DISK, &disk)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout).into_owned();
    let failed = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && said.contains("all of it was seen"), "{said}\n{failed}");
}

#[test]
fn a_damaged_page_is_said_and_what_is_written_meanwhile_is_held() {
    let home = TempDir::new().unwrap();
    let dir = home.path().join("q");
    let file = dir.join("log.sqlite");
    let notes: Vec<LogEvent> = (0..2_000).map(|n| note(&format!("entry {n}"))).collect();
    let mut log = SteadyLog::new(SqliteLog::open(&dir).unwrap()).unwrap();
    append(&mut log, &notes).unwrap();
    drop(log);
    let whole = std::fs::read(&file).unwrap();

    // The pages that say which records there are: one of them is written with every record.
    const PAGE: usize = 4_096;
    const INDEX_LEAF: u8 = 0x0a;
    let mut log = SteadyLog::new(SqliteLog::open(&dir).unwrap()).unwrap();
    let mut damaged = whole.clone();
    let (pages, _) = damaged.as_chunks_mut::<PAGE>();
    let leaves = pages.iter_mut().filter(|page| page[0] == INDEX_LEAF);
    assert!(leaves.map(|page| page.fill(0xa5)).count() > 10);
    std::fs::write(&file, &damaged).unwrap();
    let kept = append(&mut log, &[note("typed on a damaged log")]).unwrap();
    let held = log.held();
    assert_eq!(held.records, kept);
    for part in ["the file is damaged", "nothing is added to it", "restore a copy"] {
        assert!(held.why.contains(part), "{}", held.why);
    }
    // It is tried again and refused again; nothing is put in, and leaving gives it back to be printed.
    let more = append(&mut log, &[note("and another")]).unwrap();
    let left = log.let_go();
    assert_eq!(left.records, [kept, more].concat());
    assert!(left.lines()[1].contains("and another"), "{:?}", left.lines());
    drop(log);
    assert_eq!(std::fs::read(&file).unwrap(), damaged, "left as it is");
    assert!(!SqliteLog::audit(&dir, None).is_ok_and(|report| report.is_clean()));

    // With the copy in its place all that was saved is there, and it goes on.
    std::fs::write(&file, &whole).unwrap();
    let mut log = SteadyLog::new(SqliteLog::open(&dir).unwrap()).unwrap();
    assert_eq!(stored(&mut log).len(), 2_000);
    append(&mut log, &[note("after")]).unwrap();
    assert_eq!(log.held().records, []);
    assert_clean(&dir);
}
