//! Room on the disk: how large the write-ahead file may become, and what is left alone when there is little.
//!
//! What is in the write-ahead file is as safe as in the database. Moving it over needs room of its own, and
//! on a disk that is nearly full it would take the last of it from everybody else.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

/// Pages in the write-ahead file after which a commit brings the database up to date: 1 MiB, somewhat
/// more than an idle console leaves.
const PAGES: u32 = 256;
/// Room that is left to others.
const SPARE: u64 = 4 << 20;

/// Bounds the write-ahead file, also as it lies there between two rounds.
pub(super) fn bound(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "wal_autocheckpoint", PAGES)?;
    connection.pragma_update(None, "journal_size_limit", i64::from(PAGES) * 4_096)
}

/// Leaves what is in the write-ahead file where it is when there is no room to move it over at closing:
/// whoever opens the log next finds it there.
pub(super) fn settle_if_there_is_room(connection: &Connection, path: &Path) {
    let mut beside = path.to_owned().into_os_string();
    beside.push("-wal");
    let size = std::fs::metadata(beside).map_or(0, |file| file.len());
    if free(path).is_some_and(|free| free < size.saturating_add(SPARE)) {
        // What cannot be set leaves things as they were: the database refuses to grow, and nothing is lost.
        let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    }
}

/// Bytes that are free where a file is; `None` when nobody says.
pub(super) fn free(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path.parent()?).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}
