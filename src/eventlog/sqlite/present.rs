//! Where the others are: one small file per console beside the log, put in place whole and never synced.
//!
//! Not facts: nothing here is signed or kept, and a console that is not heard for ten seconds is gone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::domain::Span;

use super::super::{Presence, files};

/// Silent for longer than this is gone.
const GONE_AFTER: Span = Span::from_secs(10);
/// What a crashed console left is cleared away after this.
const CLEARED_AFTER: Span = Span::from_mins(10);
/// More consoles than this are not shown.
const MOST: usize = 256;
/// Nobody's place takes more.
const MOST_BYTES: u64 = 16 * 1024;
/// First byte of the file; another one is another version's.
const FORM: u8 = 1;

/// This console's file, removed when the console is.
#[derive(Debug)]
pub(super) struct Here {
    dir: PathBuf,
    shared: bool,
    own: Option<PathBuf>,
}

impl Here {
    pub(super) const fn new(dir: PathBuf, shared: bool) -> Self {
        Self { dir, shared, own: None }
    }

    /// Says where this console is and reads where the others are, by name and console.
    pub(super) fn present(&mut self, me: &Presence) -> io::Result<Vec<Presence>> {
        let mut bytes = vec![FORM];
        bytes.extend(postcard::to_allocvec(me).map_err(io::Error::other)?);
        files::folder(&self.dir, self.shared)?;
        let own = self.dir.join(format!("{:016x}", me.console));
        files::place(&own, &bytes, self.shared)?;
        self.own = Some(own);
        let mut others: Vec<Presence> = fs::read_dir(&self.dir)?
            .take(MOST * 4)
            .flatten()
            .filter_map(|entry| read(&entry.path(), me))
            .take(MOST)
            .collect();
        others.sort_by(|a, b| (&a.actor, a.console).cmp(&(&b.actor, b.console)));
        Ok(others)
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        if let Some(own) = &self.own {
            // If it stays, ten seconds take it off the others' screens.
            let _ = fs::remove_file(own);
        }
    }
}

fn read(path: &Path, me: &Presence) -> Option<Presence> {
    if path.extension().is_some() {
        return None;
    }
    let meta = fs::symlink_metadata(path).ok()?;
    if !meta.is_file() || meta.len() > MOST_BYTES {
        return None;
    }
    let bytes = fs::read(path).ok()?;
    let (form, content) = bytes.split_first()?;
    let other: Presence = postcard::from_bytes(content).ok().filter(|_| *form == FORM)?;
    let silent = me.at.since(other.at);
    if silent > CLEARED_AFTER {
        let _ = fs::remove_file(path);
    }
    // One whose clock is ahead by more than that is not heard now either.
    let heard = silent <= GONE_AFTER && silent.millis() >= -GONE_AFTER.millis();
    (other.console != me.console && heard).then_some(other)
}
