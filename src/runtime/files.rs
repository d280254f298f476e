//! Theme and keymap files: loaded by name, watched, loaded anew when they change. Playbook and policy are
//! looked at on the same thread.
//!
//! Watching is a look at the modification times once a second on a thread of its own: it works on every
//! file system, and a broken file only leads to a notice.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;

use super::Arrival;
use super::response::Response;
use crate::app::{Msg, Reload};
use crate::domain::SafeText;
use crate::keys::{self, Keymap};
use crate::theme::{self, Depth, Theme};

/// What is in use, by name, and where the person's own files lie.
#[derive(Debug, Clone)]
pub struct Looks {
    /// Folder with the person's `themes/` and `keymaps/`.
    pub folder: PathBuf,
    /// Theme in use.
    pub theme: String,
    /// Keymap in use.
    pub keymap: String,
    /// Colours the terminal can show.
    pub depth: Depth,
}

impl Looks {
    /// The theme in use, the person's file over the built-in one.
    ///
    /// # Errors
    /// A sentence with file, line and column.
    pub fn load_theme(&self) -> Result<Theme, SafeText> {
        let own = own_file(&self.folder, "themes", &self.theme)?;
        theme::load(&self.theme, own.as_ref().map(|(p, t)| (p.as_str(), t.as_str())), self.depth)
            .map_err(|faults| sentence("theme", &self.theme, &faults))
    }

    /// The keymap in use, the person's file over the built-in one.
    ///
    /// # Errors
    /// A sentence with file, line and column.
    pub fn load_keymap(&self) -> Result<Keymap, SafeText> {
        let own = own_file(&self.folder, "keymaps", &self.keymap)?;
        keys::load(&self.keymap, own.as_ref().map(|(p, t)| (p.as_str(), t.as_str())))
            .map_err(|faults| sentence("keymap", &self.keymap, &faults))
    }

    /// The theme in use without the person's file: what comes with the program cannot be broken.
    ///
    /// # Errors
    /// As [`Looks::load_theme`].
    pub fn built_in_theme(&self) -> Result<Theme, SafeText> {
        let name = known(&self.theme, &theme::NAMES, "dark");
        theme::load(name, None, self.depth).map_err(|faults| sentence("theme", name, &faults))
    }

    /// The keymap in use without the person's file.
    ///
    /// # Errors
    /// As [`Looks::load_keymap`].
    pub fn built_in_keymap(&self) -> Result<Keymap, SafeText> {
        let name = known(&self.keymap, &keys::NAMES, "default");
        keys::load(name, None).map_err(|faults| sentence("keymap", name, &faults))
    }

    /// The colours in use, for people.
    pub const fn colours(&self) -> &'static str {
        match self.depth {
            Depth::Mono => "no colours",
            Depth::Ansi16 => "16 colours",
            Depth::Indexed256 => "256 colours",
            Depth::TrueColor => "16 million colours",
        }
    }

    /// Names that can be chosen in a folder: built in, and the person's own.
    pub fn names(&self, kind: &str, built_in: &[&str]) -> Vec<String> {
        let mut names: Vec<String> = built_in.iter().map(ToString::to_string).collect();
        let own = std::fs::read_dir(self.folder.join(kind)).into_iter().flatten().flatten();
        for path in own.map(|entry| entry.path()) {
            let stem = path.file_stem().and_then(|s| s.to_str());
            if let (Some("toml"), Some(stem)) = (path.extension().and_then(|e| e.to_str()), stem)
                && !names.iter().any(|n| n == stem)
            {
                names.push(stem.to_owned());
            }
        }
        names
    }
}

fn known<'a>(name: &'a str, names: &[&str], otherwise: &'static str) -> &'a str {
    if names.contains(&name) { name } else { otherwise }
}

fn sentence(kind: &str, name: &str, faults: &[crate::domain::Fault]) -> SafeText {
    let first = faults.first().map(ToString::to_string).unwrap_or_default();
    let more = match faults.len() {
        0 | 1 => String::new(),
        n => format!(" ({} more)", n - 1),
    };
    SafeText::body(&format!(
        "The {kind} {name} could not be read, the one in use stays: {first}{more}"
    ))
}

/// Where the person's own file of that name lies, or would; a name with a slash is a path.
fn own_path(folder: &Path, kind: &str, name: &str) -> PathBuf {
    if name.contains('/') {
        PathBuf::from(name)
    } else {
        folder.join(kind).join(format!("{name}.toml"))
    }
}

/// The person's own file of that name, if there is one.
fn own_file(folder: &Path, kind: &str, name: &str) -> Result<Option<(String, String)>, SafeText> {
    let path = own_path(folder, kind, name);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some((path.display().to_string(), text))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(SafeText::new(&format!("{} could not be read: {e}.", path.display()))),
    }
}

/// The watched names; the loop changes them, the thread reads them.
pub(super) type Watched = Arc<Mutex<Looks>>;

/// Starts watching.
pub(super) fn watch(
    looks: Watched,
    mut response: Option<Response>,
    to_loop: mpsc::Sender<Arrival>,
) -> std::io::Result<()> {
    std::thread::Builder::new().name("files".into()).spawn(move || {
        let current = || looks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut seen = stamps(&current());
        while !to_loop.is_closed() {
            std::thread::sleep(Duration::from_secs(1));
            for arrival in response.as_mut().map(Response::look).unwrap_or_default() {
                let _ = to_loop.blocking_send(arrival);
            }
            let looks = current();
            let now = stamps(&looks);
            if now == seen {
                continue;
            }
            let (theme, keymap) = (now.0 != seen.0, now.1 != seen.1);
            seen = now;
            if theme {
                send(&to_loop, looks.load_theme().map(Arrival::Theme));
            }
            if keymap {
                let loaded = looks.load_keymap().map(|keymap| {
                    Arrival::Msg(Msg::Reloaded(Ok(Box::new(Reload {
                        what: "The keymap was read again.".into(),
                        keymap: Some(Arc::new(keymap)),
                        ..Reload::default()
                    }))))
                });
                send(&to_loop, loaded);
            }
        }
    })?;
    Ok(())
}

fn send(to_loop: &mpsc::Sender<Arrival>, loaded: Result<Arrival, SafeText>) {
    let arrival = loaded.unwrap_or_else(|sentence| Arrival::Msg(Msg::Reloaded(Err(sentence))));
    let _ = to_loop.blocking_send(arrival);
}

type Stamp = (PathBuf, Option<SystemTime>);

fn stamps(looks: &Looks) -> (Stamp, Stamp) {
    let stamp = |kind: &str, name: &str| {
        let path = own_path(&looks.folder, kind, name);
        let modified = std::fs::metadata(&path).and_then(|m| m.modified()).ok();
        (path, modified)
    };
    (stamp("themes", &looks.theme), stamp("keymaps", &looks.keymap))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_watched_where_it_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("night.toml");
        std::fs::write(&path, "inherits = \"dark\"\n").unwrap();
        let looks = |theme: &str| Looks {
            folder: dir.path().to_owned(),
            theme: theme.to_owned(),
            keymap: "default".to_owned(),
            depth: Depth::TrueColor,
        };
        let by_path = looks(path.to_str().unwrap());
        assert!(by_path.load_theme().is_ok());
        let (theme, keymap) = stamps(&by_path);
        assert_eq!((theme.0, theme.1.is_some()), (path, true));
        assert_eq!((keymap.0, keymap.1), (dir.path().join("keymaps/default.toml"), None));
        assert_eq!(stamps(&looks("mine")).0.0, dir.path().join("themes/mine.toml"));
    }
}
