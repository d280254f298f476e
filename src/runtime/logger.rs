//! The thread that owns the log: appends what the loop asks for and watches for what other processes wrote.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::Arrival;
use super::lookout;
use crate::app::Msg;
use crate::app::earlier::{Earlier, Progress};
use crate::domain::{Actor, SafeText, Timestamp};
use crate::eventlog::{
    AppendError, EventLog, Held, LogEvent, Policy, Position, Presence, Recorded,
};

#[cfg(test)]
mod tests;

/// Others' entries are to be seen within 200 ms.
const WATCH: Duration = Duration::from_millis(100);
/// And where the kernel says when somebody writes, all the same.
const WATCHED: Duration = Duration::from_secs(1);
/// What is being written can be read only once it is on the disk, and nobody says when that is: after a
/// write was told, others' entries are looked for as if nobody told.
const LIVELY: Duration = Duration::from_secs(3);
/// Where nobody else can write, there is nothing to wake up for.
const NOBODY: Duration = Duration::from_secs(3_600);
/// Soon enough to ask again whether the loop has taken in a portion of them.
const PORTION_TAKES: Duration = Duration::from_millis(1);
/// Earlier lines that the loop takes in between two keys.
const AT_ONCE: usize = 1_024;
/// More than anybody reads.
const MOST_FOUND: usize = 500;

/// What the thread is asked for.
pub(super) enum Ask {
    /// Make facts durable.
    Append(Append),
    /// Find records by their words.
    Search(String),
    /// Refuse what this policy does not allow.
    Govern(Arc<Policy>),
    /// Say where this console is, and ask where the others are.
    Present(Presence),
    /// Look at once whether somebody else wrote.
    Look,
}

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
    to: Option<Sender<Ask>>,
    /// For whoever sees that somebody writes.
    lookout: Option<Arc<Sender<Ask>>>,
    thread: Option<JoinHandle<Held>>,
}

impl Logger {
    pub(super) fn start(
        log: Box<dyn EventLog>,
        position: Position,
        behind: Option<Position>,
        to_loop: mpsc::Sender<Arrival>,
    ) -> std::io::Result<Self> {
        let (to, requests) = channel();
        let lookout = Arc::new(to.clone());
        let file = log.written_to();
        let told = file.is_some_and(|file| lookout::start(&file, Arc::downgrade(&lookout)));
        let every = match log.is_shared() {
            false => NOBODY,
            true if told => WATCHED,
            true => WATCH,
        };
        let thread = std::thread::Builder::new().name("log".into()).spawn(move || {
            let behind = behind.map(Behind::new);
            serve(log, (position, behind), every, &requests, &to_loop)
        })?;
        Ok(Self { to: Some(to), lookout: Some(lookout), thread: Some(thread) })
    }

    /// Another way to hand facts over; the thread goes on until it is dropped.
    pub(super) fn way_in(&self) -> Option<Sender<Ask>> {
        self.to.clone()
    }

    /// Hands facts over; `false` when the thread is gone.
    pub(super) fn append(&self, append: Append) -> bool {
        self.ask(Ask::Append(append))
    }

    /// Asks for something; `false` when the thread is gone.
    pub(super) fn ask(&self, ask: Ask) -> bool {
        self.to.as_ref().is_some_and(|to| to.send(ask).is_ok())
    }

    /// Waits until everything handed over is on disk; gives back what the disk would not take.
    pub(super) fn finish(&mut self) -> Held {
        (self.to, self.lookout) = (None, None);
        self.thread.take().and_then(|thread| thread.join().ok()).unwrap_or_default()
    }
}

fn serve(
    mut log: Box<dyn EventLog>,
    (mut position, mut behind): (Position, Option<Behind>),
    every: Duration,
    requests: &Receiver<Ask>,
    to_loop: &mpsc::Sender<Arrival>,
) -> Held {
    let mut told = Held::default();
    let mut here = Vec::new();
    // What was written before anybody watched is seen soon.
    let mut look = Instant::now() + WATCH;
    let mut untidy = false;
    let mut lively = Instant::now() + LIVELY;
    loop {
        let idle = match &behind {
            Some(behind) => behind.idle(),
            None if untidy => Duration::ZERO,
            None => look.saturating_duration_since(Instant::now()),
        };
        let msg = match requests.recv_timeout(idle) {
            Ok(Ask::Append(append)) => appended(log.as_mut(), append),
            Ok(Ask::Search(words)) => {
                // What cannot be read is not found; the same trouble is said where facts are read.
                let found = log.search(&words, MOST_FOUND).unwrap_or_default();
                Some(Msg::Found(SafeText::new(&words), found))
            }
            Ok(Ask::Govern(policy)) => {
                log.govern(&policy);
                None
            }
            Ok(Ask::Present(me)) => {
                // Where the others were before is no news, and not worth a frame.
                let others = log.present(&me).ok().filter(|others| *others != here);
                others.map(|others| {
                    here.clone_from(&others);
                    Msg::Present(others)
                })
            }
            Ok(Ask::Look) => {
                look = Instant::now();
                lively = look + LIVELY;
                None
            }
            // What was left for later comes before what nobody sees.
            Err(RecvTimeoutError::Timeout) if behind.is_some() => {
                behind = behind.and_then(|rest| rest.go_on(log.as_mut(), to_loop));
                None
            }
            Err(RecvTimeoutError::Timeout) => {
                untidy = log.tidy();
                None
            }
            Err(RecvTimeoutError::Disconnected) => return log.let_go(),
        };
        // Before the facts themselves: what is not on the disk is never shown as if it were.
        let held = log.held();
        if held != told {
            let _ = to_loop.blocking_send(Arrival::Msg(Msg::Held(held.clone())));
            told = held;
        }
        if let Some(msg) = msg {
            // A loop that has ended no longer listens; what it asked for is on disk all the same.
            let _ = to_loop.blocking_send(Arrival::Msg(msg));
        }
        // However much is asked for, others' entries are looked at in time.
        if look <= Instant::now() {
            look = Instant::now() + if Instant::now() < lively { WATCH } else { every };
            if log.changed().unwrap_or(false) {
                position = pass_on(log.as_mut(), position, to_loop);
            }
        }
    }
}

/// Lines of a long log that were left for later.
struct Behind {
    /// How far they have been read.
    read: Position,
    /// Up to where they were left out.
    end: Position,
    /// Read, and not yet sent.
    waiting: VecDeque<Earlier>,
    /// Gone once the loop has taken in what was sent last.
    sent: Weak<()>,
}

impl Behind {
    fn new(end: Position) -> Self {
        Self { read: Position::default(), end, waiting: VecDeque::new(), sent: Weak::new() }
    }

    /// How long nothing can be sent, so that whatever else is told never stands behind more than one portion.
    fn idle(&self) -> Duration {
        if self.sent.strong_count() == 0 { Duration::ZERO } else { PORTION_TAKES }
    }

    /// Sends some of them; what is left then.
    fn go_on(mut self, log: &mut dyn EventLog, to_loop: &mpsc::Sender<Arrival>) -> Option<Self> {
        if self.sent.strong_count() > 0 {
            return Some(self);
        }
        if self.waiting.is_empty() {
            self.read_on(log);
        }
        let earlier = self.waiting.pop_front()?;
        let taken = Arc::new(());
        self.sent = Arc::downgrade(&taken);
        // A loop that has ended no longer listens, and nobody needs the rest.
        to_loop.blocking_send(Arrival::Earlier(earlier, taken)).ok()?;
        (!self.waiting.is_empty() || self.read < self.end).then_some(self)
    }

    fn read_on(&mut self, log: &mut dyn EventLog) {
        let batch = match log.read_after(self.read) {
            Ok(batch) => batch,
            Err(error) => {
                let progress = Progress::Stuck(error.sentence);
                self.read = self.end;
                self.waiting.push_back(Earlier { records: Vec::new(), progress, damaged: 0 });
                return;
            }
        };
        let before = Progress::Read(self.read.0, self.end.0);
        self.read = if batch.more { batch.position.min(self.end) } else { self.end };
        let parts = batch.records.chunks(AT_ONCE).map(|part| Earlier {
            records: part.to_vec(),
            progress: before.clone(),
            damaged: 0,
        });
        self.waiting.extend(parts);
        if self.waiting.is_empty() {
            let records = Vec::new();
            self.waiting.push_back(Earlier { records, progress: before, damaged: 0 });
        }
        if let Some(last) = self.waiting.back_mut() {
            last.progress = Progress::Read(self.read.0, self.end.0);
            last.damaged = batch.damaged.len();
        }
    }
}

fn appended(log: &mut dyn EventLog, append: Append) -> Option<Msg> {
    let Append { actor, at, events, reply } = append;
    let appended = log.append(&actor, at, &events);
    let ours = reply.is_none();
    if let Some(reply) = reply {
        // Whoever asked may have given up waiting; what is recorded is recorded.
        let _ = reply.send(appended.clone());
    }
    match appended {
        Ok(records) => Some(Msg::Recorded { records, ours }),
        Err(error) if ours => Some(Msg::NotRecorded(error)),
        Err(_) => None,
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
