//! What can go wrong inside, and the sentences for it.

use std::path::Path;

use rusqlite::ErrorCode;

use super::super::AppendError;
use super::super::chain::refusal;
use super::super::record::FormatError;

/// Everything that can go wrong inside.
pub(super) enum Trouble {
    Sql(rusqlite::Error),
    Broken(String),
    Format(FormatError),
    /// Somebody else took the place first.
    Taken(Box<AppendError>),
}

impl Trouble {
    /// Whether the disk is why: what is to be written can wait for a better one.
    pub(super) fn is_of_the_disk(&self) -> bool {
        let Self::Sql(error) = self else { return false };
        matches!(
            error.sqlite_error_code(),
            Some(
                ErrorCode::DiskFull
                    | ErrorCode::ReadOnly
                    | ErrorCode::PermissionDenied
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::CannotOpen
                    | ErrorCode::DatabaseCorrupt
                    | ErrorCode::NotADatabase
            )
        )
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<FormatError> for Trouble {
    fn from(error: FormatError) -> Self {
        Self::Format(error)
    }
}

pub(super) fn broken(path: &Path, what: &str) -> Trouble {
    Trouble::Broken(format!(
        "The log {} does not hold together: {what}. Nothing is added to it and nothing in it was \
         touched. `quarterdeck audit verify` names the record; restore a copy, or move the file away \
         to begin a new log.",
        path.display()
    ))
}

pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// What failed, what is unaffected, what to do, for somebody whose draft is still open.
pub(super) fn sentence(doing: &str, path: &Path, trouble: Trouble) -> String {
    said(doing, path, trouble, |what| {
        format!("What was saved before is safe and the draft is still here. {what} and save again.")
    })
}

/// The same for what was taken and is held until the disk takes it.
pub(super) fn while_held(path: &Path, trouble: Trouble) -> String {
    said("written", path, trouble, |what| format!("What was saved before is safe. {what}."))
}

fn said(doing: &str, path: &Path, trouble: Trouble, rest: impl Fn(&str) -> String) -> String {
    let error = match trouble {
        Trouble::Broken(sentence) => return sentence,
        Trouble::Format(error) => return refusal(error),
        Trouble::Taken(error) => return error.sentence.to_string(),
        Trouble::Sql(error) => error,
    };
    let log = format!("The log {} could not be {doing}", path.display());
    let (why, what) = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => (": the disk is full".to_owned(), "Free some space"),
        _ if is_busy(&error) => (
            ": another program has held it locked for too long".to_owned(),
            "Look for a console or backup that hangs",
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => (
            ": it can only be read here".to_owned(),
            "Make the file and its directory writable for you",
        ),
        Some(ErrorCode::SystemIoFailure) => (
            ": the disk reported an error or refused to let the file grow".to_owned(),
            "Check the disk, its space and limits",
        ),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            return format!(
                "{log}: the file is damaged. It is left as it is and nothing is added to it. \
                 `quarterdeck audit verify` says what can still be read; restore a copy, or move the \
                 file away to begin a new log."
            );
        }
        Some(ErrorCode::CannotOpen) => {
            return format!(
                "{log}: it is not there or may not be opened. Nothing else is affected. Check that its \
                 directory exists and belongs to you."
            );
        }
        _ => (format!(" ({error})"), "See what `quarterdeck audit verify` says of it"),
    };
    format!("{log}{why}. {}", rest(what))
}
