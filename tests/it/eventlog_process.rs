//! The log under violence: processes killed while they write, many writing at once, no room left.
//!
//! The writer is this test binary again, told by an environment variable to be the child.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use pretty_assertions::assert_eq;
use quarterdeck::domain::{Actor, IncidentId, SafeText, Timestamp};
use quarterdeck::eventlog::{
    AppendError, CommandTaken, EventLog, LogEvent, Place, Position, SqliteLog, Subject,
};
use tempfile::TempDir;

const DIR: &str = "QUARTERDECK_TEST_WRITER_DIR";
const COUNT: &str = "QUARTERDECK_TEST_WRITER_COUNT";
/// The private directory, when the other is shared.
const PRIVATE: &str = "QUARTERDECK_TEST_WRITER_PRIVATE";
/// Set for a child that takes command of as many incidents as it can.
const CLAIMS: &str = "QUARTERDECK_TEST_WRITER_CLAIMS";
/// Set for a child that leaves hardly any room on the disk and closes the log.
const CLOSES: &str = "QUARTERDECK_TEST_WRITER_CLOSES";
/// How many writers are killed; 10,000 by hand.
const KILLS: &str = "QUARTERDECK_TEST_KILLS";

/// Not a test: what a child does. Appends and prints each id once it is durable; on a failure it
/// prints the sentence, makes room if there is ballast to throw away, and tries once more.
#[test]
fn writer_child() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let count: usize = std::env::var(COUNT).unwrap().parse().unwrap();
    let dir = Path::new(&dir);
    let place = match std::env::var_os(PRIVATE) {
        Some(private) => {
            Place { private: private.into(), shared: Some(dir.into()), ..Place::alone(dir) }
        }
        None => Place::alone(dir),
    };
    let mut log = match SqliteLog::open_at(&place) {
        Ok(log) => log,
        Err(e) => return println!("refused {}", e.sentence),
    };
    let mut out = std::io::stdout();
    if std::env::var_os(CLAIMS).is_some() {
        return take_commands(&mut log, count);
    }
    for n in 0..count {
        let text = SafeText::body(&format!("{n} {}", "x".repeat(n * 37 % 900)));
        let event = LogEvent::Noted { about: Subject::General, text };
        let now = Timestamp::from_millis(n as i64);
        let mut appended = log.append(&Actor::new("child"), now, std::slice::from_ref(&event));
        if let Err(e) = &appended {
            writeln!(out, "refused {}", e.sentence).unwrap();
            out.flush().unwrap();
            let _ = std::fs::remove_file(dir.with_file_name("ballast"));
            appended = log.append(&Actor::new("child"), now, &[event]);
        }
        match appended {
            Ok(recorded) => writeln!(out, "saved {}", recorded[0].id).unwrap(),
            Err(e) => return println!("refused again {}", e.sentence),
        }
        out.flush().unwrap();
    }
    if std::env::var_os(CLOSES).is_some() {
        fill(dir, 96 * 1_024);
        println!("free {}", free(dir));
        drop(log);
        println!("free {}", free(dir));
    }
}

fn free(dir: &Path) -> u64 {
    let disk = rustix::fs::statvfs(dir).unwrap();
    disk.f_bavail * disk.f_frsize
}

/// Takes up all the room on a disk but so many bytes.
fn fill(dir: &Path, but: u64) {
    let mut ballast = std::fs::File::create(dir.with_file_name("ballast")).unwrap();
    while free(dir) > but {
        ballast.write_all(&[7; 4_096]).unwrap();
    }
}

/// Takes command of each incident if nobody has, and says which it got, and who was first otherwise.
fn take_commands(log: &mut SqliteLog, count: usize) {
    let me = Actor::new(&format!("child {}", std::process::id()));
    for n in 0..count {
        let event = CommandTaken {
            after: None,
            commander: me.clone(),
            handover: None,
            reason: "nobody commands".into(),
        };
        let incident = IncidentId::new(&format!("INC-{n}"));
        let event = LogEvent::Incident { incident, event: event.into() };
        match log.append(&me, Timestamp::from_millis(0), &[event]) {
            Ok(recorded) => println!("won {n} {}", recorded[0].id),
            Err(AppendError { taken: Some(first), .. }) => println!("lost {n} {}", first.id),
            Err(e) => println!("refused {}", e.sentence),
        }
    }
}

pub(crate) fn writer(dir: &Path, count: usize) -> Command {
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
pub(crate) fn saved(line: &str) -> Option<String> {
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

pub(crate) fn assert_clean(dir: &Path) {
    let report = SqliteLog::audit(dir, None).unwrap();
    assert!(report.is_clean(), "{:?} {}", report.findings, report.file);
}

/// Whether everything that was shown as saved is there; also used to prove that it would notice.
pub(crate) fn lost(dir: &Path, shown: &HashSet<String>) -> usize {
    shown.difference(&stored(dir)).count()
}

#[test]
fn nothing_shown_as_saved_is_lost_when_writers_are_killed_a_thousand_times() {
    const AT_ONCE: usize = 8;
    let kills = std::env::var(KILLS).ok().and_then(|n| n.parse().ok()).unwrap_or(1_000);
    let home = TempDir::new().unwrap();
    let dir = home.path().join("q");
    let mut shown = HashSet::new();
    let mut killed = 0;
    for round in 0..usize::MAX {
        if killed >= kills {
            break;
        }
        // Several at once, so that they also die holding or waiting for the lock.
        let mut children: Vec<Child> =
            (0..AT_ONCE).map(|_| writer(&dir, 1_000_000).spawn().unwrap()).collect();
        for (n, child) in children.iter_mut().enumerate() {
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            // After a number of entries that differs, at whatever it is doing then.
            let mut wanted = if n == 0 { 1 + round % 3 } else { 0 };
            while wanted > 0 {
                let line = lines.next().expect("the child writes on").unwrap();
                assert_eq!(refused(&line), None);
                if let Some(id) = saved(&line) {
                    wanted -= 1;
                    shown.insert(id);
                }
            }
            for _ in 0..(round * 7 + n * 13) % 29 * 1_000 {
                std::hint::spin_loop();
            }
            child.kill().unwrap();
            // What it had printed before it died counts as well.
            shown.extend(lines.map_while(Result::ok).filter_map(|l| saved(&l)));
            child.wait().unwrap();
            killed += 1;
        }
    }
    assert_eq!(lost(&dir, &shown), 0);
    assert!(shown.len() >= kills / AT_ONCE, "{} of {kills}", shown.len());
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
fn of_eight_processes_that_take_command_exactly_one_gets_it() {
    let home = TempDir::new().unwrap();
    let dir = home.path().join("q");
    drop(SqliteLog::open(&dir).unwrap());
    let child = || writer(&dir, 40).env(CLAIMS, "1").spawn().unwrap();
    let children: Vec<Child> = (0..8).map(|_| child()).collect();
    let lines: Vec<String> = children.into_iter().flat_map(finish).collect();
    let said = |word: &str, n: usize| -> Vec<&str> {
        let start = format!("{word} {n} ");
        lines.iter().filter_map(|line| Some(line.split_once(start.as_str())?.1.trim())).collect()
    };
    for n in 0..40 {
        let winners = said("won", n);
        assert_eq!(winners.len(), 1, "INC-{n}");
        assert_eq!(said("lost", n), vec![winners[0]; 7], "INC-{n}: all others are told who");
    }
    assert_clean(&dir);
}

/// A shared directory, and private ones of two users; `None` without the rights to become another user.
fn two_users(home: &Path) -> Option<(std::path::PathBuf, Vec<(u32, std::path::PathBuf)>)> {
    let run = |program: &str, args: &[&str]| {
        let status = Command::new(program).args(args).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    let shared = home.join("shared");
    let privates = [65_534, 1].map(|user| (user, home.join(format!("home-{user}"))));
    let (shown, home) = (shared.display().to_string(), home.display().to_string());
    let mut ok = run("chmod", &["755", &home])
        && run("install", &["-d", "-m", "2770", "-g", "12345", &shown])
        && run("setpriv", &["--reuid", "1", "--regid", "12345", "--clear-groups", "true"]);
    for (user, private) in &privates {
        let (user, private) = (user.to_string(), private.display().to_string());
        ok &= run("install", &["-d", "-m", "700", "-o", &user, &private]);
    }
    ok.then(|| (shared, privates.into()))
}

#[test]
fn two_users_of_one_host_share_a_log_and_keep_their_keys() {
    let home = TempDir::new().unwrap();
    let Some((shared, users)) = two_users(home.path()) else {
        eprintln!("skipped: only root can become two users");
        return;
    };
    // Where anybody may run it.
    let exe = home.path().join("writer");
    std::fs::copy(std::env::current_exe().unwrap(), &exe).unwrap();
    let child = |(user, private): &(u32, std::path::PathBuf)| {
        let mut command = Command::new("setpriv");
        let user = user.to_string();
        command.args(["--reuid", &user, "--regid", "12345", "--clear-groups"]).arg(&exe);
        as_child(&mut command, &shared, 10);
        command.env(PRIVATE, private.join("q")).env("TMPDIR", private);
        command.spawn().unwrap()
    };
    let children: Vec<Child> = users.iter().chain(&users).map(child).collect();
    let lines: Vec<String> = children.into_iter().flat_map(finish).collect();
    assert_eq!(lines.iter().filter_map(|l| refused(l)).collect::<Vec<_>>(), Vec::<&str>::new());
    assert_eq!(lines.iter().filter_map(|l| saved(l)).count(), 40);
    let place = |private: &Path| Place {
        private: private.to_owned(),
        shared: Some(shared.clone()),
        ..Place::alone(private)
    };
    let report = SqliteLog::audit_at(&place(&users[0].1.join("q")), None).unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!((report.records, report.series), (40, 2), "each user has a series of their own");
    // Keys stay where only their owner can read them.
    use std::os::unix::fs::PermissionsExt;
    for (_, private) in &users {
        let mode = std::fs::metadata(private.join("q/signing-key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // Open to everybody, it is refused with the way out.
    let mine = home.path().join("mine");
    for (mode, said) in
        [(0o2777, "can be written by every user"), (0o700, "does not belong to a group")]
    {
        std::fs::set_permissions(&shared, std::fs::Permissions::from_mode(mode)).unwrap();
        let refused = SqliteLog::open_at(&place(&mine)).unwrap_err().sentence;
        assert!(refused.contains(said) && refused.contains("install -d -m 2770"), "{refused}");
    }
}

#[test]
fn every_flipped_bit_that_changes_a_record_is_found() {
    let home = TempDir::new().unwrap();
    let dir = home.path().join("q");
    finish(writer(&dir, 60).spawn().unwrap());
    let file = dir.join("log.sqlite");
    let checkpoint = rusqlite::Connection::open(&file).unwrap();
    checkpoint.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(checkpoint);
    let whole = std::fs::read(&file).unwrap();
    type Rows = Vec<(i64, Vec<u8>, Vec<u8>)>;
    let content = || -> Option<Rows> {
        let connection = rusqlite::Connection::open(&file).ok()?;
        let sql = "SELECT position, id, bytes FROM record NOT INDEXED ORDER BY position";
        let mut statement = connection.prepare(sql).ok()?;
        let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).ok()?;
        rows.collect::<Result<_, _>>().ok()
    };
    let before = content();
    assert_eq!(before.as_ref().map(Vec::len), Some(60));
    let mut random = fastrand::Rng::with_seed(7);
    let (mut changed, mut found) = (0, 0);
    for _ in 0..500 {
        let mut flipped = whole.clone();
        flipped[random.usize(..whole.len())] ^= 1 << random.u32(..8);
        std::fs::write(&file, flipped).unwrap();
        if content() == before {
            continue;
        }
        changed += 1;
        found += usize::from(SqliteLog::audit(&dir, None).map_or(true, |r| !r.is_clean()));
    }
    std::fs::write(&file, whole).unwrap();
    assert!(changed > 100, "{changed} flips changed a record");
    assert_eq!(found, changed);
    assert_clean(&dir);
}

#[test]
fn a_log_that_is_closed_on_a_nearly_full_disk_takes_none_of_what_is_left() {
    let home = TempDir::new().unwrap();
    let disk = home.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let after = home.path().join("after");
    let exe = std::env::current_exe().unwrap();
    let script = format!(
        "mount -t tmpfs -o size=3m,mode=700 none '{}' && '{}' \"$@\"; rm -f '{}'; cp -a '{}' '{}'",
        disk.display(),
        exe.display(),
        disk.join("ballast").display(),
        disk.join("q").display(),
        after.display()
    );
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", &script, "sh"]).env(CLOSES, "1");
    as_child(&mut command, &disk.join("q"), 20);
    let lines = finish(command.spawn().unwrap());
    let left: Vec<u64> =
        lines.iter().filter_map(|line| line.split_once("free ")?.1.trim().parse().ok()).collect();
    let shown: HashSet<String> = lines.iter().filter_map(|l| saved(l)).collect();
    let [before, closed] = left[..] else {
        eprintln!("skipped: no disk of its own is permitted here; {lines:?}");
        return;
    };
    // The index of the write-ahead file may go; nothing else changes size.
    assert!(closed >= before, "{closed} bytes were left of {before}");
    let (database, beside) = (after.join("log.sqlite"), after.join("log.sqlite-wal"));
    let size = |file: &Path| std::fs::metadata(file).map_or(0, |file| file.len());
    let waiting = (size(&beside), size(&database));
    assert!(waiting.0 > 96 * 1_024, "{waiting:?}");
    assert_eq!((shown.len(), lost(&after, &shown)), (20, 0));
    assert_clean(&after);
    // Where there is room, the log is one file again.
    assert_eq!(size(&beside), 0);
    assert!(size(&database) > waiting.1, "{waiting:?}");
}

#[test]
fn what_waits_beside_the_database_is_bounded_however_much_is_written() {
    let home = TempDir::new().unwrap();
    let dir = home.path().join("q");
    let mut log = SqliteLog::open(&dir).unwrap();
    let beside = || std::fs::metadata(dir.join("log.sqlite-wal")).map_or(0, |file| file.len());
    let mut most = 0;
    for n in 0..300 {
        let text = SafeText::body(&format!("{n} {}", "x".repeat(3_000)));
        let event = LogEvent::Noted { about: Subject::General, text };
        log.append(&Actor::new("ada"), Timestamp::from_millis(n), &[event]).unwrap();
        most = most.max(beside());
    }
    assert!((512 << 10..1_300 << 10).contains(&most), "{most} bytes");
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
