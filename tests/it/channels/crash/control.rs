//! That the counting can fail: the same outbox over a store that records an attempt only with its outcome,
//! and over a channel that sends no key, is found out.
//!
//! The outbox runs in a child: this test binary again, told so by an environment variable.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use async_trait::async_trait;
use pretty_assertions::assert_eq;
use quarterdeck::connectors::outbound::Outlet;
use quarterdeck::connectors::outbound::config::{Endpoint, Way};
use quarterdeck::domain::{Actor, Operation, Outcome, Playbook, Timestamp};
use quarterdeck::eventlog::{
    AppendError, Batch, EventLog, KeyId, LogEvent, MemoryLog, Position, ReadError, Recorded,
    SqliteLog,
};
use quarterdeck::model::Journal;
use quarterdeck::runtime::run_alone;

use super::{Arrived, ask_for, home, wrong};
use crate::channels::{clock, outlet};
use crate::cli::Home;
use crate::double::{Answer, Double};

const LOG: &str = "QUARTERDECK_TEST_OUTBOX_LOG";
const HOOK: &str = "QUARTERDECK_TEST_OUTBOX_HOOK";
const WEAKNESS: &str = "QUARTERDECK_TEST_OUTBOX_WEAKNESS";
/// More than it takes to begin everything that may be begun.
const WHILE: Duration = Duration::from_secs(2);

/// A store that says an attempt is recorded, and records it when the message has been sent.
struct Late {
    log: SqliteLog,
    said: MemoryLog,
    owed: Vec<LogEvent>,
}

impl EventLog for Late {
    fn append(
        &mut self,
        actor: &Actor,
        wall: Timestamp,
        events: &[LogEvent],
    ) -> Result<Vec<Recorded>, AppendError> {
        if events.iter().all(|event| matches!(event, LogEvent::OperationAttempted { .. })) {
            self.owed.extend_from_slice(events);
            return self.said.append(actor, wall, events);
        }
        let mut all = std::mem::take(&mut self.owed);
        all.extend_from_slice(events);
        self.log.append(actor, wall, &all)
    }

    fn key(&self) -> KeyId {
        self.log.key()
    }

    fn read_after(&mut self, position: Position) -> Result<Batch, ReadError> {
        self.log.read_after(position)
    }

    fn changed(&mut self) -> Result<bool, ReadError> {
        self.log.changed()
    }
}

/// A channel that says the same key of every message.
struct Nameless(Arc<dyn Outlet>);

#[async_trait]
impl Outlet for Nameless {
    fn name(&self) -> &str {
        self.0.name()
    }

    async fn perform(&self, operation: &Operation, _: &str) -> Outcome {
        self.0.perform(operation, "none").await
    }
}

/// Not a test by itself: what a child does.
#[tokio::test]
async fn outbox_child() {
    let Some(folder) = std::env::var_os(LOG).map(PathBuf::from) else { return };
    let mut log = SqliteLog::open(&folder).unwrap();
    let mut journal = Journal::default();
    let batch = log.read_after(Position::default()).unwrap();
    assert!(!batch.more);
    batch.records.iter().for_each(|record| journal.apply(record));
    let hook = outlet(Way::Webhook(Endpoint::new(&std::env::var(HOOK).unwrap())), &[]);
    let weakness = std::env::var(WEAKNESS).unwrap();
    let outlets = match &*weakness {
        "nameless" => vec![Arc::new(Nameless(hook)) as Arc<dyn Outlet>],
        _ => vec![hook],
    };
    let log: Box<dyn EventLog> = match &*weakness {
        "late" => Box::new(Late { log, said: MemoryLog::for_demo(), owed: Vec::new() }),
        _ => Box::new(log),
    };
    let (playbook, by) = (Arc::new(Playbook::default()), (Actor::new("robin"), clock()));
    run_alone(log, batch.position, journal, outlets, playbook, by, WHILE).await.unwrap();
}

fn child(folder: &Path, hook: &str, weakness: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "channels::crash::control::outbox_child", "--test-threads=1"])
        .envs([(HOOK, hook), (WEAKNESS, weakness)])
        .env(LOG, folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills it when its first message has arrived and is not answered; another one goes on after it. What the
/// counting finds wrong, when what was cut off is taken for unknown.
fn found(weakness: &str) -> Vec<String> {
    let arrived: Arc<Mutex<Arrived>> = Arc::default();
    let kept = arrived.clone();
    let (here, came) = mpsc::channel();
    let (go, answer) = mpsc::channel::<()>();
    let double = Double::start(move |request| {
        let key = request.header("idempotency-key").unwrap().to_owned();
        *kept.lock().unwrap().entry(key).or_default() += 1;
        here.send(()).unwrap();
        // Until the first child is dead; afterwards at once.
        let _ = answer.recv();
        Answer::new(200, "")
    });
    let home: Home = home("");
    let folder = home.path().join("state/quarterdeck");
    let asked = ask_for(&home, &["out"], 0);
    let hook = double.url("/in");
    let mut first = child(&folder, &hook, weakness);
    came.recv_timeout(Duration::from_secs(60)).unwrap();
    first.kill().unwrap();
    first.wait().unwrap();
    drop(go);
    assert!(child(&folder, &hook, weakness).wait().unwrap().success());
    let arrived = arrived.lock().unwrap().clone();
    wrong(&asked, &asked, &arrived)
}

#[test]
fn an_attempt_recorded_after_sending_or_a_message_without_its_key_is_found_out() {
    assert_eq!(found("none"), Vec::<String>::new());
    let late = found("late");
    assert!(late.len() == 1 && late[0].ends_with("arrived 2 times"), "{late:?}");
    assert_eq!(found("nameless"), ["nobody asked for \"none\""]);
}
