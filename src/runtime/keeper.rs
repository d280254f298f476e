//! The thread that keeps view and drafts on disk, a moment after they change.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::Arrival;
use super::keep::{self, Kept};
use crate::app::{Msg, Notice, Tone};
use crate::connectors::Clock;

/// Typing comes in bursts; what is typed is on disk this long after a burst begins.
const BURST: Duration = Duration::from_millis(100);

/// The thread; without a path nothing is kept (a recording being played).
pub(super) struct Keeper {
    to: Option<Sender<Kept>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(super) fn start(
        path: Option<PathBuf>,
        to_loop: mpsc::Sender<Arrival>,
        clock: Arc<dyn Clock>,
    ) -> std::io::Result<Self> {
        let Some(path) = path else { return Ok(Self { to: None, thread: None }) };
        let (to, from) = channel();
        let thread = std::thread::Builder::new()
            .name("keeper".into())
            .spawn(move || serve(&path, &from, &to_loop, clock.as_ref()))?;
        Ok(Self { to: Some(to), thread: Some(thread) })
    }

    pub(super) fn keep(&self, kept: Kept) {
        if let Some(to) = &self.to {
            // The thread ends only with the console.
            let _ = to.send(kept);
        }
    }

    /// Waits until the latest is on disk.
    pub(super) fn finish(&mut self) {
        self.to = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    path: &std::path::Path,
    from: &Receiver<Kept>,
    to_loop: &mpsc::Sender<Arrival>,
    clock: &dyn Clock,
) {
    let mut saved = None;
    let mut failing = false;
    while let Ok(first) = from.recv() {
        let mut latest = first;
        // Counted from the burst's beginning: who types without a pause is not to lose it all.
        let end = Instant::now() + BURST;
        while let Ok(newer) = from.recv_timeout(end.saturating_duration_since(Instant::now())) {
            latest = newer;
        }
        if saved.as_ref() == Some(&latest) {
            continue;
        }
        match keep::save(path, &latest) {
            Ok(()) => {
                saved = Some(latest);
                failing = false;
            }
            Err(sentence) => {
                tracing::error!(%sentence, "view not kept");
                // Once is enough until it works again. A full channel means a busy loop: the next
                // failure says it.
                if !failing {
                    let notice = Notice { tone: Tone::Warning, text: sentence, at: clock.now() };
                    failing = to_loop.try_send(Arrival::Msg(Msg::Notice(notice))).is_ok();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    fn kept(draft: &str) -> Kept {
        Kept { drafts: [("note".into(), draft.into())].into(), ..Kept::default() }
    }

    fn started(path: PathBuf) -> (Keeper, mpsc::Receiver<Arrival>) {
        let (to_loop, from_keeper) = mpsc::channel(8);
        let clock: Arc<dyn Clock> = Arc::new(|| Timestamp::from_millis(7));
        (Keeper::start(Some(path), to_loop, clock).unwrap(), from_keeper)
    }

    #[test]
    fn typing_without_a_pause_is_kept_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("view.json");
        let (mut keeper, _from) = started(path.clone());
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut typed = String::new();
        while !path.exists() {
            assert!(Instant::now() < deadline, "nothing is on disk while typing goes on");
            typed.push('x');
            typed.truncate(100);
            keeper.keep(kept(&typed));
            std::thread::yield_now();
        }
        keeper.keep(kept("all of it"));
        keeper.finish();
        assert_eq!(keep::load(&path).kept, kept("all of it"));
    }

    #[test]
    fn what_cannot_be_kept_is_said_once() {
        let dir = tempfile::tempdir().unwrap();
        let (mut keeper, mut said) = started(dir.path().join("no/such/view.json"));
        keeper.keep(kept("a"));
        let first = said.blocking_recv();
        keeper.keep(kept("b"));
        keeper.finish();
        let Some(Arrival::Msg(Msg::Notice(notice))) = first else { panic!("no notice") };
        assert!(notice.text.contains("could not be kept"), "{}", notice.text);
        assert!(said.try_recv().is_err(), "said twice");
    }
}
