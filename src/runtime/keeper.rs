//! The thread that keeps view and drafts on disk, a moment after they change.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::keep::{self, Kept};

/// Typing comes in bursts; what is typed is on disk this long after a burst begins.
const BURST: Duration = Duration::from_millis(100);

/// The thread; without a path nothing is kept (a recording being played).
pub(super) struct Keeper {
    to: Option<Sender<Kept>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(super) fn start(path: Option<PathBuf>) -> std::io::Result<Self> {
        let Some(path) = path else { return Ok(Self { to: None, thread: None }) };
        let (to, from) = channel();
        let thread =
            std::thread::Builder::new().name("keeper".into()).spawn(move || serve(&path, &from))?;
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

fn serve(path: &std::path::Path, from: &Receiver<Kept>) {
    let mut saved = None;
    while let Ok(first) = from.recv() {
        let mut latest = first;
        while let Ok(newer) = from.recv_timeout(BURST) {
            latest = newer;
        }
        if saved.as_ref() == Some(&latest) {
            continue;
        }
        match keep::save(path, &latest) {
            Ok(()) => saved = Some(latest),
            Err(sentence) => tracing::error!(%sentence, "view not kept"),
        }
    }
}
