//! The thread that owns the log: appends what the loop asks for and watches for what other processes wrote.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::Arrival;
use crate::app::Msg;
use crate::domain::{Actor, Timestamp};
use crate::eventlog::{AppendError, EventLog, LogEvent, Position, Recorded};

/// Others' entries are to be seen within 200 ms.
const WATCH: Duration = Duration::from_millis(100);

/// Facts to be made durable.
pub(super) struct Append {
    pub(super) actor: Actor,
    pub(super) at: Timestamp,
    pub(super) events: Vec<LogEvent>,
    /// Who waits for it, when it is not the person at the keyboard: what was recorded still goes to the
    /// loop, as somebody else's; what failed only to whoever asked.
    pub(super) reply: Option<oneshot::Sender<Result<Vec<Recorded>, AppendError>>>,
}

/// The thread; ends when its sender is dropped, after everything asked for is on disk.
pub(super) struct Logger {
    to: Option<Sender<Append>>,
    thread: Option<JoinHandle<()>>,
}

impl Logger {
    pub(super) fn start(
        log: Box<dyn EventLog>,
        position: Position,
        to_loop: mpsc::Sender<Arrival>,
    ) -> std::io::Result<Self> {
        let (to, requests) = channel();
        let thread = std::thread::Builder::new()
            .name("log".into())
            .spawn(move || serve(log, position, &requests, &to_loop))?;
        Ok(Self { to: Some(to), thread: Some(thread) })
    }

    /// Another way to hand facts over; the thread goes on until it is dropped.
    pub(super) fn way_in(&self) -> Option<Sender<Append>> {
        self.to.clone()
    }

    /// Hands facts over; `false` when the thread is gone.
    pub(super) fn append(&self, append: Append) -> bool {
        self.to.as_ref().is_some_and(|to| to.send(append).is_ok())
    }

    /// Waits until everything handed over is on disk.
    pub(super) fn finish(&mut self) {
        self.to = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    mut log: Box<dyn EventLog>,
    mut position: Position,
    requests: &Receiver<Append>,
    to_loop: &mpsc::Sender<Arrival>,
) {
    loop {
        match requests.recv_timeout(WATCH) {
            Ok(Append { actor, at, events, reply }) => {
                let appended = log.append(&actor, at, &events);
                let ours = reply.is_none();
                if let Some(reply) = reply {
                    // Whoever asked may have given up waiting; what is recorded is recorded.
                    let _ = reply.send(appended.clone());
                }
                let msg = match appended {
                    Ok(records) => Msg::Recorded { records, ours },
                    Err(error) if ours => Msg::NotRecorded(error),
                    Err(_) => continue,
                };
                // A loop that has ended no longer listens; what it asked for is on disk all the same.
                let _ = to_loop.blocking_send(Arrival::Msg(msg));
            }
            Err(RecvTimeoutError::Timeout) => {
                if log.changed().unwrap_or(false) {
                    position = pass_on(log.as_mut(), position, to_loop);
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Sends what others wrote. Our own records come along; folding them twice changes nothing.
fn pass_on(
    log: &mut dyn EventLog,
    mut from: Position,
    to_loop: &mpsc::Sender<Arrival>,
) -> Position {
    while let Ok(batch) = log.read_after(from) {
        from = batch.position;
        if !batch.records.is_empty() {
            let msg = Msg::Recorded { records: batch.records, ours: false };
            let _ = to_loop.blocking_send(Arrival::Msg(msg));
        }
        if !batch.more {
            break;
        }
    }
    from
}
