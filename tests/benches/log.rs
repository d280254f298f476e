//! What the log costs: appending against the disk's own sync, opening and rebuilding against a bare scan,
//! and searching, each in one run, so that only ratios count.
//!
//! `cargo bench --bench log`, or of one part: `-- append`, `-- open`, `-- search`;
//! `QUARTERDECK_BENCH_RECORDS` sets the size (default 1,000,000). The store is made once and kept in
//! `target/bench-log`.

use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use quarterdeck::domain::{Actor, EntryKind, IncidentId, SafeText, Timestamp};
use quarterdeck::eventlog::{EntryMade, EventLog, LogEvent, Position, SqliteLog};

const WORDS: [&str; 24] = [
    "checkout", "latency", "database", "replica", "failover", "deploy", "rollback", "customer",
    "payment", "timeout", "error", "budget", "burn", "region", "eu", "us", "queue", "consumer",
    "memory", "restart", "service", "cache", "traffic", "shift",
];

fn main() {
    // Tests list what can be run; there is nothing to list.
    if std::env::args().any(|a| a == "--list" || a == "--test") {
        return;
    }
    let count = std::env::var("QUARTERDECK_BENCH_RECORDS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(1_000_000);
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-log");
    std::fs::create_dir_all(&home).expect("target/ can be written");
    let parts = ["append", "open", "search"];
    let asked: Vec<String> = std::env::args().filter(|a| parts.contains(&a.as_str())).collect();
    let wanted = |part: &str| asked.is_empty() || asked.iter().any(|a| a == part);
    if wanted("append") {
        append(&home);
    }
    let dir = store(&home, count);
    if wanted("open") {
        open(&dir, count);
    }
    if wanted("search") {
        search(&dir);
    }
}

fn entry(n: usize) -> LogEvent {
    let word = |k: usize| WORDS[(n.wrapping_mul(2_654_435_761) >> (k * 3)) % WORDS.len()];
    let mut text: String = (0..9).map(|k| format!("{} ", word(k))).collect();
    text.push_str(&format!("w{} host{}", n % 100_000, n % 977));
    let event = EntryMade {
        kind: EntryKind::Observation,
        text: SafeText::body(&text),
        happened: None,
        spoken_by: None,
        evidence: None,
        about: None,
    };
    let incident = IncidentId::new(&format!("INC-{}", n % 50));
    LogEvent::Incident { incident, event: event.into() }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Bytes this process has handed to the system for writing.
fn written() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = io.lines().find_map(|line| line.strip_prefix("wchar: "));
    line.and_then(|count| count.parse().ok()).unwrap_or_default()
}

/// One record per commit against a bare write and fsync: of the record's bytes, and of as many as a commit
/// writes; in turns. As a person's entries come, there is time between some of them.
fn append(home: &Path) {
    let dir = home.join("append");
    let _ = std::fs::remove_dir_all(&dir);
    let mut log = SqliteLog::open(&dir).expect("a fresh log opens");
    let ada = Actor::new("ada");
    let raw_file = |name: &str| {
        OpenOptions::new().create(true).append(true).open(dir.join(name)).expect("a file is made")
    };
    let (mut small_file, mut same_file) = (raw_file("small"), raw_file("same"));
    let sync = |file: &mut File, bytes: &[u8], times: &mut Vec<Duration>| {
        let begin = Instant::now();
        file.write_all(bytes).and_then(|()| file.sync_all()).expect("the disk takes it");
        times.push(begin.elapsed());
    };
    let append = |log: &mut SqliteLog, n: usize, times: &mut Vec<Duration>| {
        let at = Timestamp::from_millis(n as i64);
        let event = entry(n);
        let begin = Instant::now();
        log.append(&ada, at, &[event]).expect("the disk takes it");
        times.push(begin.elapsed());
    };
    for n in 0..1_000 {
        append(&mut log, n, &mut Vec::new());
    }
    let before = written();
    for n in 1_000..1_100 {
        append(&mut log, n, &mut Vec::new());
    }
    let size = usize::try_from((written() - before) / 100).unwrap_or_default();
    let (mut small, mut same, mut full) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..40 {
        while log.tidy() {}
        for n in 0..50 {
            sync(&mut small_file, &[7; 400], &mut small);
            sync(&mut same_file, &vec![7; size], &mut same);
            append(&mut log, 1_100 + round * 50 + n, &mut full);
        }
    }
    let rate = |times: &[Duration]| {
        times.len() as f64 / times.iter().map(Duration::as_secs_f64).sum::<f64>()
    };
    let full_rate = rate(&full);
    let full = median(full);
    println!("append: {full_rate:.0}/s, p50 {full:.2?}, {size} bytes a commit");
    for (what, times) in [("400 bytes".to_owned(), small), (format!("{size} bytes"), same)] {
        let raw_rate = rate(&times);
        let raw = median(times);
        println!(
            "append against a bare fsync of {what}: {full_rate:.0} against {raw_rate:.0}/s = {:.2}x (goal \
             0.75); p50 {full:.2?} against {raw:.2?} = {:.2}x (goal 1.3)",
            full_rate / raw_rate,
            full.as_secs_f64() / raw.as_secs_f64()
        );
    }
}

fn store(home: &Path, count: usize) -> PathBuf {
    let dir = home.join(format!("store-{count}"));
    if dir.join("complete").exists() {
        return dir;
    }
    let _ = std::fs::remove_dir_all(&dir);
    let mut log = SqliteLog::open(&dir).expect("a fresh log opens");
    let begin = Instant::now();
    let actors = ["ada", "grace", "linus"].map(Actor::new);
    for from in (0..count).step_by(1_000) {
        let events: Vec<LogEvent> = (from..count.min(from + 1_000)).map(entry).collect();
        let at = Timestamp::from_millis(1_763_820_000_000 + from as i64 * 40);
        log.append(&actors[from / 1_000 % 3], at, &events).expect("the disk takes it");
    }
    println!("made {count} records in {:.1?}", begin.elapsed());
    let begin = Instant::now();
    read(&mut log);
    println!("verified {count} records for the first time in {:.1?}", begin.elapsed());
    File::create(dir.join("complete")).expect("the disk takes it");
    dir
}

fn read(log: &mut SqliteLog) -> usize {
    read_from(log, Position::default())
}

fn read_from(log: &mut SqliteLog, mut position: Position) -> usize {
    let mut count = 0;
    loop {
        let batch = log.read_after(position).expect("it can be read");
        assert!(batch.damaged.is_empty(), "{:?}", batch.damaged);
        count += black_box(batch.records).len();
        position = batch.position;
        if !batch.more {
            return count;
        }
    }
}

fn open(dir: &Path, count: usize) {
    let (mut scans, mut reads) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let begin = Instant::now();
        scan(dir);
        scans.push(begin.elapsed());
        let begin = Instant::now();
        let mut log = SqliteLog::open(dir).expect("it opens");
        assert_eq!(read(&mut log), count);
        reads.push(begin.elapsed());
    }
    let mut firsts = Vec::new();
    let mut lines = 0;
    for _ in 0..5 {
        let begin = Instant::now();
        let mut log = SqliteLog::open(dir).expect("it opens");
        let first = log.read_first().expect("it can be read").expect("what may wait is known");
        lines = first.records.len() + read_from(&mut log, first.position);
        firsts.push(begin.elapsed());
    }
    println!(
        "open as a console does, {lines} records first and the rest behind: {:.2?} (goal 1 s)",
        median(firsts)
    );
    let (scan, read) = (median(scans), median(reads));
    println!(
        "open and read {count} verified records: {read:.2?} (goal 1 s) against a bare scan {scan:.2?} = \
         {:.2}x (goal 2.5)",
        read.as_secs_f64() / scan.as_secs_f64()
    );
}

/// Every byte of every record, and nothing done with it.
fn scan(dir: &Path) {
    let connection = rusqlite::Connection::open(dir.join("log.sqlite")).expect("it opens");
    let mut statement = connection
        .prepare("SELECT position, id, incident, origin, seq, bytes FROM record ORDER BY position")
        .expect("the table is there");
    let mut rows = statement.query([]).expect("it can be read");
    let mut sum = 0_u64;
    while let Some(row) = rows.next().expect("it can be read") {
        sum += row.get::<_, u64>(0).unwrap_or_default();
        let bytes = row.get_ref(5).ok().and_then(|value| value.as_blob().ok()).unwrap_or_default();
        sum += u64::from(bytes.first().copied().unwrap_or_default());
    }
    black_box(sum);
}

fn search(dir: &Path) {
    let mut log = SqliteLog::open(dir).expect("it opens");
    let begin = Instant::now();
    while log.tidy() {}
    println!("indexed what was not in {:.1?}", begin.elapsed());
    for (what, words, goal) in [
        ("rare word", "w4711 ", 5),
        ("common word", "checkout ", 5),
        ("two words", "database rollback ", 5),
        ("phrase that is nowhere", "\"latency database\"", 5),
        ("phrase", "\"database latency\"", 5),
        ("phrase of three words", "\"checkout latency database\"", 5),
        ("three words", "eu payment w77 ", 5),
        ("prefix, 2 letters", "de", 20),
        ("prefix, 3 letters", "ser", 20),
        ("prefix, 4 letters", "chec", 20),
        ("prefix, many words", "host", 20),
        ("prefix, numbers", "w47", 20),
        ("word and prefix", "failover cust", 20),
        ("nothing", "zebra", 20),
    ] {
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..21 {
            let begin = Instant::now();
            found = log.search(words, 50).expect("it can be searched").len();
            times.push(begin.elapsed());
        }
        println!(
            "search {what} ({words}): {found} found, p50 {:.2?} (goal {goal} ms)",
            median(times)
        );
    }
}
