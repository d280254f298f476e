//! Says when somebody writes to a file, without looking at it again and again: the kernel tells.

use std::path::Path;
use std::sync::Weak;
use std::sync::mpsc::Sender;

use super::logger::Ask;

/// Has the thread of the log look whenever the file is written to, for as long as that thread is
/// there. Whether the kernel tells; where it does not, somebody has to look.
#[cfg(target_os = "linux")]
pub(super) fn start(file: &Path, to: Weak<Sender<Ask>>) -> bool {
    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
    let Ok(kernel) = init(CreateFlags::CLOEXEC) else { return false };
    let written = WatchFlags::MODIFY | WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
    if add_watch(&kernel, file, written).is_err() {
        return false;
    }
    let thread = std::thread::Builder::new().name("lookout".into());
    thread.spawn(move || linux::serve(&kernel, &to)).is_ok()
}

/// Elsewhere nobody tells.
#[cfg(not(target_os = "linux"))]
pub(super) fn start(_: &Path, _: Weak<Sender<Ask>>) -> bool {
    false
}

#[cfg(target_os = "linux")]
mod linux {
    use std::os::fd::OwnedFd;
    use std::sync::Weak;
    use std::sync::mpsc::Sender;
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;

    use super::Ask;

    /// Whoever writes without a pause is looked at this often.
    const BURST: Duration = Duration::from_millis(50);
    /// How long the thread may outlive the one it tells.
    const LINGER: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

    pub(super) fn serve(kernel: &OwnedFd, to: &Weak<Sender<Ask>>) {
        let mut events = [0; 4096];
        loop {
            let told = poll(&mut [PollFd::new(kernel, PollFlags::IN)], Some(&LINGER));
            let Some(to) = to.upgrade() else { return };
            match told {
                Ok(0) | Err(Errno::INTR) => continue,
                Ok(_) => {}
                Err(_) => return,
            }
            // Which write it was does not matter, only that there was one; what comes later is told anew.
            if rustix::io::read(kernel, &mut events).is_err() || to.send(Ask::Look).is_err() {
                return;
            }
            drop(to);
            std::thread::sleep(BURST);
        }
    }
}
