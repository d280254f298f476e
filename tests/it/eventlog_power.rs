//! Power cuts: what was not synced is gone, what was shown as saved is not.
//!
//! The disk is a file system that forgets (`tests/lab/forgetful.py`); killing it is the cut. It needs
//! `/dev/fuse`, the right to mount, and a Python with mfusepy, named by `QUARTERDECK_FUSE_PYTHON` if it is
//! not the usual one. `QUARTERDECK_TEST_CUTS` sets how many cuts there are.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::eventlog_process::{assert_clean, lost, saved, writer};

struct Disk {
    daemon: Child,
    mount: PathBuf,
    backing: PathBuf,
}

impl Disk {
    /// A forgetful disk over what is in `home/backing`; `None` where there can be none.
    fn start(home: &Path) -> Option<Self> {
        let (mount, backing) = (home.join("mount"), home.join("backing"));
        std::fs::create_dir_all(&mount).unwrap();
        std::fs::create_dir_all(&backing).unwrap();
        let python = std::env::var("QUARTERDECK_FUSE_PYTHON").unwrap_or_else(|_| "python3".into());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/forgetful.py");
        let mut daemon = Command::new(python)
            .arg(script)
            .args([&backing, &mount])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let since = Instant::now();
        let mounted = || {
            let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
            mounts.contains(&mount.display().to_string())
        };
        while !mounted() {
            if daemon.try_wait().unwrap().is_some() || since.elapsed() > Duration::from_secs(30) {
                let _ = daemon.kill();
                let _ = daemon.wait();
                return None;
            }
            std::thread::yield_now();
        }
        Some(Self { daemon, mount, backing })
    }
}

/// The cut: the disk is gone with all it had not written.
impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        let _ = Command::new("umount").arg("-l").arg(&self.mount).stderr(Stdio::null()).status();
    }
}

#[test]
fn nothing_shown_as_saved_is_lost_in_a_power_cut() {
    let cuts: usize =
        std::env::var("QUARTERDECK_TEST_CUTS").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    let home = TempDir::new().unwrap();
    let mut shown = HashSet::new();
    let backing = home.path().join("backing/q");
    for cut in 0..cuts {
        let Some(disk) = Disk::start(home.path()) else {
            eprintln!("skipped: no file system that forgets can be had here");
            return;
        };
        let mut child = writer(&disk.mount.join("q"), 1_000_000).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut wanted = 5 + cut * 7 % 11;
        while wanted > 0 {
            let line = lines.next().expect("the child writes on").unwrap();
            if let Some(id) = saved(&line) {
                wanted -= 1;
                shown.insert(id);
            }
        }
        drop(disk);
        child.kill().unwrap();
        // Everything it had printed before counts, also what came between.
        shown.extend(lines.map_while(Result::ok).filter_map(|l| saved(&l)));
        child.wait().unwrap();
        assert_eq!(lost(&backing, &shown), 0, "cut {cut}");
        assert_clean(&backing);
    }
    assert!(shown.len() >= cuts * 5);

    // A weaker setting does lose, so the cut is one.
    let disk = Disk::start(home.path()).expect("it could be had before");
    let weak = rusqlite::Connection::open(disk.mount.join("weak.sqlite")).unwrap();
    weak.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
    weak.execute_batch("PRAGMA synchronous = NORMAL; CREATE TABLE t (n)").unwrap();
    for n in 0..20 {
        weak.execute("INSERT INTO t VALUES (?1)", [n]).unwrap();
    }
    let file = disk.backing.join("weak.sqlite");
    drop(disk);
    let left = rusqlite::Connection::open(&file)
        .and_then(|c| c.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)));
    assert!(!matches!(left, Ok(20)), "all 20 unsynced rows are there: {left:?}");
    drop(weak);
}
