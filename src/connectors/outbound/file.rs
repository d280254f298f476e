//! A file that updates are appended to: the last resort that always works, and a paper trail.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use super::super::Clock;
use super::web::settled;
use super::{Outlet, message, received, refused, unknown, whole};
use crate::domain::{Operation, Outcome, SafeText};

/// A file.
pub struct File {
    name: String,
    path: PathBuf,
    clock: Arc<dyn Clock>,
}

impl File {
    /// Appends to `path`, made with mode 0600 when it is not there.
    pub const fn new(name: String, path: PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self { name, path, clock }
    }
}

/// The line before each entry; a text in it can not be taken for one, because the key is ours.
fn head(key: &str) -> String {
    format!("--- quarterdeck {key}\n")
}

/// Far more than a night's updates.
const LOOKED_AT: u64 = 16 << 20;

fn holds(path: &Path, key: &str) -> std::io::Result<bool> {
    let mut file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(e),
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOOKED_AT)))?;
    let mut bytes = Vec::new();
    file.take(LOOKED_AT).read_to_end(&mut bytes)?;
    let head = head(key);
    Ok(bytes.windows(head.len()).any(|window| window == head.as_bytes()))
}

fn append(path: &Path, entry: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    // One write: entries of several consoles do not mix.
    file.write_all(entry.as_bytes())?;
    file.sync_data()
}

#[async_trait]
impl Outlet for File {
    fn name(&self) -> &str {
        &self.name
    }

    async fn perform(&self, operation: &Operation, key: &str) -> Outcome {
        settled(async move {
            let at = self.clock.now();
            let text = whole(message(operation)?);
            let entry = format!("{}{at}\n{text}\n\n", head(key));
            let path = self.path.clone();
            let written = tokio::task::spawn_blocking(move || append(&path, &entry)).await;
            match written {
                Ok(Ok(())) => Ok(received(self.path.display().to_string(), "")),
                // A disk that was full may have taken a part of it; the look back tells.
                Ok(Err(e)) if e.kind() == std::io::ErrorKind::StorageFull => {
                    Err(unknown("The disk of the file is full."))
                }
                Ok(Err(e)) => Err(refused(format!("The file could not be written: {e}."))),
                Err(_) => Err(unknown("Writing the file was cut off.")),
            }
        })
        .await
    }

    async fn look_back(&self, _operation: &Operation, key: &str) -> Outcome {
        settled(async move {
            let (path, key) = (self.path.clone(), key.to_owned());
            match tokio::task::spawn_blocking(move || holds(&path, &key)).await {
                Ok(Ok(true)) => Ok(received(self.path.display().to_string(), "")),
                Ok(Ok(false)) => Ok(Outcome::Later {
                    why: SafeText::new("The file does not hold it, so it is written again."),
                    at: self.clock.now(),
                }),
                _ => Err(unknown("The file could not be read.")),
            }
        })
        .await
    }
}
