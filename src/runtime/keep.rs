//! What was on screen and in drafts, kept on disk so that a crash or a restart loses no word.
//!
//! Written whole: a temporary file, flushed to the disk, then renamed over the old one, so that there is
//! always one complete file. A file that cannot be read is put aside as `.broken`, never deleted.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::domain::SafeText;

/// Of the file. A later version may mean something else by the same fields.
const VERSION: u32 = 1;
/// Nothing a person types comes near this.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// What is kept. Names are those of the actions table; texts are as typed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// Screen shown.
    pub screen: String,
    /// What is selected on each screen, by id.
    pub selection: BTreeMap<String, String>,
    /// Filter typed on each screen.
    pub filter: BTreeMap<String, String>,
    /// Everything typed and not yet saved, by the form it is in.
    pub drafts: BTreeMap<String, String>,
    /// Clock shown, time range and other settings of the view.
    pub settings: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    version: u32,
    kept: T,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loaded {
    /// What was kept, or nothing.
    pub kept: Kept,
    /// What to tell the person, when something was there that could not be used.
    pub notice: Option<SafeText>,
}

/// Writes what is kept; returns once it is on the disk.
pub fn save(path: &Path, kept: &Kept) -> Result<(), SafeText> {
    write(path, kept).map_err(|e| {
        SafeText::body(&format!(
            "The view and its drafts could not be kept in {} ({e}). Everything on screen goes on; save \
             what you typed before you leave.",
            path.display()
        ))
    })
}

fn write(path: &Path, kept: &Kept) -> io::Result<()> {
    replace(path, &serde_json::to_vec(&Envelope { version: VERSION, kept })?)
}

/// Puts a whole file in the place of another; there is always one that is complete.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let temp = beside(path, &format!("{}.tmp", std::process::id()));
    // One left behind by a killed process of the same number.
    match fs::remove_file(&temp) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temp)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&temp, path)
    })();
    if let Err(e) = written {
        // The old file is still whole; a half-written new one helps nobody.
        let _ = fs::remove_file(&temp);
        return Err(e);
    }
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

/// Reads what was kept. What cannot be read is put aside, and nothing is lost silently.
pub fn load(path: &Path) -> Loaded {
    let why = match read(path) {
        Ok(kept) => return Loaded { kept, notice: None },
        Err(Unusable::Absent) => return Loaded::default(),
        Err(Unusable::Because(why)) => why,
    };
    let aside = aside(path);
    let then = match fs::rename(path, &aside) {
        Ok(()) => format!("It was put aside as {}", aside.display()),
        Err(e) => format!("It could not be put aside either ({e})"),
    };
    let notice = format!(
        "The view and drafts kept in {} were not used: {why}. {then}; drafts in it can be read with any \
         editor. The log is not affected.",
        path.display()
    );
    Loaded { kept: Kept::default(), notice: Some(SafeText::body(&notice)) }
}

enum Unusable {
    Absent,
    Because(String),
}

fn read(path: &Path) -> Result<Kept, Unusable> {
    let size = match fs::metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(Unusable::Absent),
        found => {
            found.map_err(|e| Unusable::Because(format!("it cannot be looked at ({e})")))?.len()
        }
    };
    if size > MOST_BYTES {
        return Err(Unusable::Because("it is far larger than this console writes".to_owned()));
    }
    let json = fs::read(path).map_err(|e| Unusable::Because(format!("it cannot be read ({e})")))?;
    let broken = |_| Unusable::Because("it is damaged".to_owned());
    // The version first: a newer file may hold what this one would call damaged.
    let found: Envelope<serde_json::Value> = serde_json::from_slice(&json).map_err(broken)?;
    if found.version != VERSION {
        let why = format!("version {} is not known here (this is {VERSION})", found.version);
        return Err(Unusable::Because(why));
    }
    serde_json::from_value(found.kept).map_err(broken)
}

/// A name that is free, so that an older one put aside is not overwritten.
fn aside(path: &Path) -> PathBuf {
    std::iter::once("broken".to_owned())
        .chain((2..1_000).map(|n| format!("broken.{n}")))
        .map(|ending| beside(path, &ending))
        .find(|name| !name.exists())
        .unwrap_or_else(|| beside(path, "broken"))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use pretty_assertions::assert_eq;
    use tempfile::TempDir;

    use super::*;

    fn kept(draft: &str) -> Kept {
        Kept {
            screen: "alerts".into(),
            selection: [("alerts".into(), "eu/HighLatency".into())].into(),
            filter: [("alerts".into(), "severity=~\"crit.*\"".into())].into(),
            drafts: [("note".into(), draft.into())].into(),
            settings: BTreeMap::new(),
        }
    }

    fn names(dir: &TempDir) -> Vec<String> {
        let entries = fs::read_dir(dir.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_draft_comes_back_as_it_was_typed_and_is_for_its_owner_only() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("view.json");
        save(&path, &kept("first")).unwrap();
        save(&path, &kept("two lines\n\u{1b}[2J and 表")).unwrap();
        let again = load(&path);
        assert_eq!(again, Loaded { kept: kept("two lines\n\u{1b}[2J and 表"), notice: None });
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(names(&dir), ["view.json"]);
    }

    #[test]
    fn nothing_kept_yet_is_not_worth_a_word() {
        let dir = TempDir::new().unwrap();
        assert_eq!(load(&dir.path().join("view.json")), Loaded::default());
    }

    #[test]
    fn a_damaged_or_newer_file_is_put_aside_with_a_sentence_each_time() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("view.json");
        for (content, why) in [
            ("{\"version\":1,\"kept\":{\"scr", "it is damaged"),
            ("{\"version\":1,\"kept\":{\"screen\":7}}", "it is damaged"),
            ("{\"version\":2,\"kept\":[]}", "version 2 is not known here (this is 1)"),
        ] {
            fs::write(&path, content).unwrap();
            let loaded = load(&path);
            assert_eq!(loaded.kept, Kept::default());
            let notice = loaded.notice.unwrap();
            assert!(notice.contains(why) && notice.contains("put aside"), "{notice}");
        }
        assert_eq!(names(&dir), ["view.json.broken", "view.json.broken.2", "view.json.broken.3"]);
    }

    #[test]
    fn what_cannot_be_written_leaves_the_old_file_whole_and_says_so() {
        let dir = TempDir::new().unwrap();
        let said = save(&dir.path().join("no/such/view.json"), &kept("x")).unwrap_err();
        assert!(said.contains("could not be kept") && said.contains("goes on"), "{said}");
        // A directory in the way of the rename stands for any failure of the last step.
        let path = dir.path().join("view.json");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("inside"), "").unwrap();
        save(&path, &kept("x")).unwrap_err();
        assert_eq!(names(&dir), ["view.json"]);
    }
}
