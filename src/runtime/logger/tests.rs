//! The thread that owns the log, on real files: what is handed over is on the disk when it ends or comes
//! back, and lines that were left for later never stand in the way of what is written now.

use std::path::Path;

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use super::*;
use crate::eventlog::{Place, SqliteLog, SteadyLog, Subject};

fn note(text: &str) -> LogEvent {
    LogEvent::Noted { about: Subject::General, text: SafeText::body(text) }
}

fn append(text: &str) -> Append {
    let at = Timestamp::from_millis(1_763_820_000_000);
    Append { actor: Actor::new("ada"), at, events: vec![note(text)], reply: None }
}

fn texts(records: &[Recorded]) -> Vec<String> {
    let text = |record: &Recorded| match &record.event {
        Some(LogEvent::Noted { text, .. }) => text.to_string(),
        other => panic!("{other:?}"),
    };
    records.iter().map(text).collect()
}

fn stored(dir: &Path) -> Vec<String> {
    let batch = SqliteLog::open(dir).unwrap().read_after(Position::default()).unwrap();
    assert_eq!((batch.more, batch.damaged), (false, Vec::new()));
    texts(&batch.records)
}

/// What comes next for the loop.
fn msg(arrivals: &mut mpsc::Receiver<Arrival>) -> Msg {
    match arrivals.blocking_recv() {
        Some(Arrival::Msg(msg)) => msg,
        Some(Arrival::Earlier(earlier, _)) => panic!("{:?}", earlier.progress),
        _ => panic!("the thread says nothing more"),
    }
}

fn recorded(msg: Msg) -> Vec<String> {
    match msg {
        Msg::Recorded { records, .. } => texts(&records),
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_that_was_handed_over_is_on_the_disk_when_it_ends_though_nobody_listens() {
    let home = TempDir::new().unwrap();
    let dir = home.path().join("q");
    let log = Box::new(SteadyLog::new(SqliteLog::open(&dir).unwrap()).unwrap());
    let (to_loop, arrivals) = mpsc::channel(1);
    let mut logger = Logger::start(log, Position::default(), None, to_loop).unwrap();
    // The loop has ended already.
    drop(arrivals);
    let written: Vec<String> = (0..100).map(|n| format!("note {n}")).collect();
    for text in &written {
        assert!(logger.append(append(text)));
    }
    assert_eq!(logger.finish(), Held::default());
    assert_eq!(stored(&dir), written);
    assert!(!logger.append(append("too late")), "whoever comes now is told");
    assert_eq!(logger.finish(), Held::default(), "there is nothing more to hand over");
}

#[test]
fn what_the_disk_would_not_take_is_said_before_it_is_shown_and_comes_back_at_the_end() {
    let home = TempDir::new().unwrap();
    let dir = home.path().join("q");
    // No folder can be made where a file is.
    std::fs::write(&dir, "in the way").unwrap();
    let begin = || {
        let log = SteadyLog::without(&Place::alone(&dir), &"It was full.".into()).unwrap();
        let (to_loop, arrivals) = mpsc::channel(16);
        let logger = Logger::start(Box::new(log), Position::default(), None, to_loop).unwrap();
        (logger, arrivals)
    };
    let (mut logger, mut arrivals) = begin();
    assert!(logger.append(append("typed on no disk")));
    let Msg::Held(first) = msg(&mut arrivals) else { panic!("not said before it is shown") };
    assert_eq!(texts(&first.records), ["typed on no disk"]);
    assert_eq!(recorded(msg(&mut arrivals)), ["typed on no disk"]);
    assert!(logger.append(append("and another")));
    let left = logger.finish();
    assert_eq!(texts(&left.records), ["typed on no disk", "and another"]);
    assert_eq!(left.records[0], first.records[0], "the same record that was shown");
    assert!(!left.why.is_empty(), "and why");
    assert_eq!(std::fs::read_to_string(&dir).unwrap(), "in the way", "left as it is");

    // There is room before it ends: it is tried a last time, and nothing is left to be given back.
    let (mut logger, mut arrivals) = begin();
    assert!(logger.append(append("typed before there was room")));
    assert!(matches!(msg(&mut arrivals), Msg::Held(_)));
    std::fs::remove_file(&dir).unwrap();
    assert_eq!(logger.finish(), Held::default());
    assert_eq!(stored(&dir), ["typed before there was room"]);
}

#[test]
fn earlier_lines_come_one_portion_at_a_time_and_what_is_written_now_goes_before_them() {
    const MANY: u64 = 3_000;
    let home = TempDir::new().unwrap();
    let mut log = SqliteLog::open(&home.path().join("q")).unwrap();
    let notes: Vec<LogEvent> = (0..MANY).map(|n| note(&format!("line {n}"))).collect();
    log.append(&Actor::new("ada"), Timestamp::from_millis(1_763_820_000_000), &notes).unwrap();
    let end = Position(MANY);
    let (to_loop, mut arrivals) = mpsc::channel(16);
    let mut logger = Logger::start(Box::new(log), end, Some(end), to_loop).unwrap();
    let Some(Arrival::Earlier(first, taken)) = arrivals.blocking_recv() else {
        panic!("not what was left for later")
    };
    assert_eq!((first.records.len(), first.progress), (AT_ONCE, Progress::Read(0, MANY)));
    // As long as the loop is busy with the first nothing stands behind it, and a note is not kept waiting.
    assert!(logger.append(append("typed meanwhile")));
    assert_eq!(recorded(msg(&mut arrivals)), ["typed meanwhile"]);
    assert!(arrivals.try_recv().is_err(), "the second portion waits until the first is taken in");
    drop(taken);
    let mut read = texts(&first.records);
    let mut last = None;
    while last != Some(Progress::Read(MANY, MANY)) {
        let Some(Arrival::Earlier(earlier, _taken)) = arrivals.blocking_recv() else {
            panic!("not what was left for later")
        };
        assert_eq!(earlier.damaged, 0);
        read.extend(texts(&earlier.records));
        last = Some(earlier.progress);
    }
    let all: Vec<String> = (0..MANY).map(|n| format!("line {n}")).collect();
    assert_eq!(read, all);
    assert_eq!(logger.finish(), Held::default());
}

#[test]
fn whoever_leaves_does_not_wait_for_earlier_lines() {
    let home = TempDir::new().unwrap();
    let dir = home.path().join("q");
    let mut log = SqliteLog::open(&dir).unwrap();
    let notes: Vec<LogEvent> = (0..3_000).map(|n| note(&format!("line {n}"))).collect();
    log.append(&Actor::new("ada"), Timestamp::from_millis(1_763_820_000_000), &notes).unwrap();
    let (to_loop, mut arrivals) = mpsc::channel(16);
    let end = Position(3_000);
    let mut logger = Logger::start(Box::new(log), end, Some(end), to_loop).unwrap();
    // The loop has stopped in the middle of it.
    let Some(Arrival::Earlier(_, taken)) = arrivals.blocking_recv() else {
        panic!("not what was left for later")
    };
    assert!(logger.append(append("the last word")));
    assert_eq!(logger.finish(), Held::default());
    drop(taken);
    assert_eq!(stored(&dir).last().map(String::as_str), Some("the last word"));
    assert_eq!(recorded(msg(&mut arrivals)), ["the last word"]);
    assert!(arrivals.try_recv().is_err(), "nothing more was read for nobody");
}
