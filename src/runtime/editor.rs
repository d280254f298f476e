//! The person's own editor: the terminal is lent to it, its file is theirs alone, the text comes back.
//!
//! While it is lent nothing of ours reads the keyboard, paints, or ends by the keys the editor is for; the
//! loop goes on, so that what others do is there when the person comes back.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::{Condvar, Mutex, PoisonError};

use tokio::sync::mpsc::Sender;

use super::{Arrival, terminal};
use crate::app::Msg;
use crate::domain::{SafeText, bytes};

/// Most bytes taken back; more than any text may have.
const MOST: u64 = 1024 * 1024;

/// Whether the terminal is lent, and a bell for who waits until it is not.
static LENT: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

/// Whether the terminal is with the editor now.
pub(super) fn is_lent() -> bool {
    *LENT.0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits while the terminal is lent; `true` when it was, so that what was to be read is no longer there.
pub(super) fn wait_until_back() -> bool {
    let mut lent = LENT.0.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = *lent;
    while *lent {
        lent = LENT.1.wait(lent).unwrap_or_else(PoisonError::into_inner);
    }
    waited
}

/// The terminal is ours again.
pub(super) fn take_back() {
    *LENT.0.lock().unwrap_or_else(PoisonError::into_inner) = false;
    LENT.1.notify_all();
}

/// Lends the terminal to the editor with `text`; the answer comes as [`Msg::Edited`]. `folder` is where
/// the file is put.
pub(super) fn lend(folder: Option<&Path>, text: &str, to_loop: &Sender<Arrival>) {
    {
        let mut lent = LENT.0.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *lent, true) {
            return;
        }
    }
    terminal::leave();
    let folder = folder.map_or_else(std::env::temp_dir, Path::to_owned);
    let (text, answer) = (text.to_owned(), to_loop.clone());
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let editor = named("VISUAL").or_else(|| named("EDITOR")).unwrap_or_else(|| "vi".into());
    let send = move |edited| drop(answer.blocking_send(Arrival::Msg(Msg::Edited(edited))));
    let work = move || send(edit(&folder, &editor, &text));
    if let Err(error) = std::thread::Builder::new().name("editor".into()).spawn(work) {
        let sentence = format!("The editor could not be started ({error}). The text is as it was.");
        let refused = Arrival::Msg(Msg::Edited(Err(SafeText::body(&sentence))));
        // A full channel is emptied by the loop, which is who calls this.
        let to_loop = to_loop.clone();
        tokio::spawn(async move { to_loop.send(refused).await });
    }
}

/// Has the text edited; what came of it, or why it is as it was.
fn edit(folder: &Path, editor: &OsString, text: &str) -> Result<String, SafeText> {
    let name = editor.to_string_lossy().into_owned();
    let path = write(folder, text).map_err(|error| {
        SafeText::body(&format!(
            "The text could not be written to a file for the editor ({error}). It is as it was."
        ))
    })?;
    // As git does it: the variable may hold words after the program's name.
    let script = format!("{name} \"$@\"");
    let ran = Command::new("sh").arg("-c").arg(script).arg("editor").arg(&path).status();
    let kept = |why: &str| {
        let same = fs::read(&path).is_ok_and(|now| now == text.as_bytes());
        if same && fs::remove_file(&path).is_ok() {
            return SafeText::body(&format!("{why} The text is as it was."));
        }
        let path = path.display();
        SafeText::body(&format!(
            "{why} The text here is as it was; the editor's is kept in {path}."
        ))
    };
    match ran {
        Err(error) => Err(kept(&format!("The editor `{name}` could not be started ({error})."))),
        Ok(status) if !status.success() => {
            Err(kept(&format!("The editor `{name}` {}.", ended(status))))
        }
        Ok(_) => {
            let edited = read(&path).map_err(|why| kept(&why))?;
            // What is on screen next is kept as a draft at once; the file is no longer needed.
            let _ = fs::remove_file(&path);
            Ok(edited)
        }
    }
}

fn ended(status: ExitStatus) -> String {
    match status.code() {
        Some(127) => "was not found; set EDITOR to one that is installed".to_owned(),
        Some(code) => format!("ended with status {code}"),
        None => "was ended by a signal".to_owned(),
    }
}

/// A file for its owner only, under a name nobody else has taken.
fn write(folder: &Path, text: &str) -> io::Result<PathBuf> {
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for attempt in 0..100 {
        let path = folder.join(format!("quarterdeck-{}-{attempt}.md", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => {
                file.write_all(text.as_bytes())?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

fn read(path: &Path) -> Result<String, String> {
    let mut content = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(MOST + 1).read_to_end(&mut content))
        .map_err(|error| format!("The editor's text cannot be read ({error})."))?;
    if content.len() as u64 > MOST {
        let most = bytes(MOST as usize);
        return Err(format!("The editor's text is longer than {most}, which is more than fits."));
    }
    String::from_utf8(content).map_err(|_| "The editor's text is not UTF-8.".to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use pretty_assertions::assert_eq;
    use tempfile::TempDir;

    use super::*;

    fn with(editor: &str, text: &str) -> (Result<String, SafeText>, Vec<(String, u32)>) {
        let dir = TempDir::new().unwrap();
        let edited = edit(dir.path(), &editor.into(), text);
        let entries = fs::read_dir(dir.path()).unwrap().map(|entry| {
            let path = entry.unwrap().path();
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            (fs::read_to_string(path).unwrap_or_default(), mode)
        });
        (edited, entries.collect())
    }

    #[test]
    fn what_the_editor_leaves_comes_back_and_its_file_goes() {
        let (edited, left) = with("sed -i s/cards/payments/", "cards fail\nsince 14:02");
        assert_eq!((edited, left), (Ok("payments fail\nsince 14:02".into()), Vec::new()));
    }

    #[test]
    fn only_its_owner_may_read_the_file() {
        let dir = TempDir::new().unwrap();
        let path = write(dir.path(), "secret").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let second = write(dir.path(), "other").unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "secret", "{}", second.display());
    }

    #[test]
    fn an_editor_that_fails_loses_neither_text() {
        let (edited, left) = with("false", "mine");
        assert_eq!(
            edited.unwrap_err().as_str(),
            "The editor `false` ended with status 1. The text is as it was."
        );
        assert_eq!(left, Vec::new());
        let (edited, left) = with("no-such-editor-here 2>/dev/null", "mine");
        assert!(edited.unwrap_err().contains("was not found; set EDITOR"));
        assert_eq!(left, Vec::new());
        let (edited, left) = with("f() { echo theirs > \"$1\"; return 3; }; f", "mine");
        let said = edited.unwrap_err();
        assert!(said.contains("ended with status 3") && said.contains("is kept in"), "{said}");
        assert_eq!(left, [("theirs\n".to_owned(), 0o600)]);
        let (edited, _) = with("f() { printf '\\377' > \"$1\"; }; f", "mine");
        assert!(edited.unwrap_err().contains("is not UTF-8"));
        let (edited, _) = with("f() { head -c 2000000 /dev/zero > \"$1\"; }; f", "mine");
        assert!(edited.unwrap_err().contains("longer than 1 MiB"));
    }
}
