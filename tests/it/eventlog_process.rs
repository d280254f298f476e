//! The log under violence: processes killed while they write, many writing at once, no room left.
//!
//! The writer is this test binary again, told by an environment variable to be the child.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use pretty_assertions::assert_eq;
use quarterdeck::domain::{Actor, SafeText, Timestamp};
use quarterdeck::eventlog::{EventLog, LogEvent, Position, SqliteLog, Subject};
use tempfile::TempDir;

const DIR: &str = "QUARTERDECK_TEST_WRITER_DIR";
const COUNT: &str = "QUARTERDECK_TEST_WRITER_COUNT";

/// Not a test: what a child does. Appends and prints each id once it is durable; on a failure it
/// prints the sentence, makes room if there is ballast to throw away, and tries once more.
#[test]
fn writer_child() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let count: usize = std::env::var(COUNT).unwrap().parse().unwrap();
    let mut log = match SqliteLog::open(Path::new(&dir)) {
        Ok(log) => log,
        Err(e) => return println!("refused {}", e.sentence),
    };
    let mut out = std::io::stdout();
    for n in 0..count {
        let text = SafeText::body(&format!("{n} {}", "x".repeat(n * 37 % 900)));
        let event = LogEvent::Noted { about: Subject::General, text };
        let now = Timestamp::from_millis(n as i64);
        let mut appended = log.append(&Actor::new("child"), now, std::slice::from_ref(&event));
        if let Err(e) = &appended {
            writeln!(out, "refused {}", e.sentence).unwrap();
            out.flush().unwrap();
            let _ = std::fs::remove_file(Path::new(&dir).with_file_name("ballast"));
            appended = log.append(&Actor::new("child"), now, &[event]);
        }
        match appended {
            Ok(recorded) => writeln!(out, "saved {}", recorded[0].id).unwrap(),
            Err(e) => return println!("refused again {}", e.sentence),
        }
        out.flush().unwrap();
    }
}

fn writer(dir: &Path, count: usize) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    as_child(&mut command, dir, count);
    command
}

fn as_child(command: &mut Command, dir: &Path, count: usize) {
    command
        .args(["--exact", "eventlog_process::writer_child", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .env(COUNT, count.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
}

/// The ids among the lines, also where the test harness put its own words in front.
fn saved(line: &str) -> Option<String> {
    line.split_once("saved ").map(|(_, id)| id.trim().to_owned()).filter(|id| id.len() == 64)
}

fn refused(line: &str) -> Option<&str> {
    line.split_once("refused ").map(|(_, sentence)| sentence)
}

fn finish(mut child: Child) -> Vec<String> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let lines: Vec<String> = lines.collect();
    child.wait().unwrap();
    lines
}

fn stored(dir: &Path) -> HashSet<String> {
    let mut log = SqliteLog::open(dir).unwrap();
    let mut ids = HashSet::new();
    let mut position = Position::default();
    loop {
        let batch = log.read_after(position).unwrap();
        assert_eq!(batch.damaged, []);
        ids.extend(batch.records.iter().map(|r| r.id.to_string()));
        position = batch.position;
        if !batch.more {
            return ids;
        }
    }
}

fn assert_clean(dir: &Path) {
    let report = SqliteLog::audit(dir, None).unwrap();
    assert!(report.is_clean(), "{:?} {}", report.findings, report.file);
}

/// Whether everything that was shown as saved is there; also used to prove that it would notice.
fn lost(dir: &Path, shown: &HashSet<String>) -> usize {
    shown.difference(&stored(dir)).count()
}

#[test]
fn nothing_shown_as_saved_is_lost_when_the_writer_is_killed() {
    let home = TempDir::new().unwrap();
    let dir = home.path().join("q");
    let mut shown = HashSet::new();
    for round in 0..30 {
        let mut child = writer(&dir, 1_000_000).spawn().unwrap();
        // Killed after a number of entries that differs each time, at whatever it is doing then.
        let after = 1 + round * 7 % 23;
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut saw = 0;
        while saw < after {
            let line = lines.next().expect("the child writes on").unwrap();
            assert_eq!(refused(&line), None);
            if let Some(id) = saved(&line) {
                saw += 1;
                shown.insert(id);
            }
        }
        for _ in 0..round * 1_500 {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it had printed before it died counts as well.
        shown.extend(lines.map_while(Result::ok).filter_map(|l| saved(&l)));
        assert_eq!(lost(&dir, &shown), 0, "round {round}");
    }
    assert!(shown.len() >= 300, "{}", shown.len());
    assert_clean(&dir);

    // The same check notices a record that is really gone.
    let connection = rusqlite::Connection::open(dir.join("log.sqlite")).unwrap();
    connection
        .execute_batch(
            "DROP TRIGGER record_is_never_removed; DELETE FROM record WHERE position = 17",
        )
        .unwrap();
    let report = SqliteLog::audit(&dir, None).unwrap();
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
}

#[test]
fn many_processes_writing_at_once_leave_no_gap_and_no_fork() {
    let home = TempDir::new().unwrap();
    let dir = home.path().join("q");
    // All four also make the directory, the key and the schema at once.
    let children: Vec<Child> = (0..4).map(|_| writer(&dir, 50).spawn().unwrap()).collect();
    let lines: Vec<String> = children.into_iter().flat_map(finish).collect();
    assert_eq!(lines.iter().filter_map(|l| refused(l)).collect::<Vec<_>>(), Vec::<&str>::new());
    let shown: HashSet<String> = lines.iter().filter_map(|l| saved(l)).collect();
    assert_eq!((shown.len(), stored(&dir) == shown), (200, true));
    assert_clean(&dir);
    let report = SqliteLog::audit(&dir, None).unwrap();
    assert_eq!((report.records, report.series), (200, 1));
}

#[test]
fn a_full_disk_is_said_clearly_and_costs_nothing_that_was_saved() {
    let home = TempDir::new().unwrap();
    let disk = home.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let dir = disk.join("q");
    // A disk of its own where that is permitted, else a limit on how large a file may grow.
    let mount = format!("mount -t tmpfs -o size=1m,mode=700 none '{}'", disk.display());
    let own_disk = Command::new("unshare")
        .args(["-rm", "sh", "-c", &mount])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let exe = std::env::current_exe().unwrap();
    let mut command;
    if own_disk {
        // The copy brings what was on the small disk back to where the test can see it.
        let script = format!(
            "{mount} && head -c 300000 /dev/zero >'{}' && '{}' \"$@\"; cp -a '{}' '{}'",
            disk.join("ballast").display(),
            exe.display(),
            dir.display(),
            home.path().join("after").display()
        );
        command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", &script, "sh"]);
    } else {
        let script = format!("trap '' XFSZ; ulimit -f 1500; exec '{}' \"$@\"", exe.display());
        command = Command::new("sh");
        command.args(["-c", &script, "sh"]);
    }
    as_child(&mut command, &dir, 5_000);
    let lines = finish(command.spawn().unwrap());
    let shown: HashSet<String> = lines.iter().filter_map(|l| saved(l)).collect();
    let said: Vec<&str> = lines.iter().filter_map(|l| refused(l)).collect();
    assert!(shown.len() > 20, "{} saved before it was full; {said:?}", shown.len());
    let expected = if own_disk { "the disk is full" } else { "refused to let the file grow" };
    assert!(said.iter().any(|s| s.contains(expected)), "{said:?}");
    assert!(said.iter().all(|s| s.contains("What was saved before is safe")), "{said:?}");
    if own_disk {
        // The same process went on when there was room again, until it was full for good.
        let first = lines.iter().position(|l| refused(l).is_some()).unwrap();
        assert!(lines[first..].iter().any(|l| saved(l).is_some()), "{said:?}");
    }
    let dir = if own_disk { home.path().join("after") } else { dir };
    assert_eq!(lost(&dir, &shown), 0);
    assert_clean(&dir);
    // With room again, the same log goes on.
    let more = finish(writer(&dir, 3).spawn().unwrap());
    assert_eq!(more.iter().filter_map(|l| saved(l)).count(), 3, "{more:?}");
    assert_clean(&dir);
}
