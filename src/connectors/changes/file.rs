//! A file of changes, one JSON object a line, that webhooks and scripts append to; the same lines come as
//! messages, too.
//!
//! ```text
//! {"at":"2026-11-22T18:04:00Z","kind":"deploy","service":"checkout","title":"checkout v812","after":"v812"}
//! ```
//!
//! `at` and `title` are needed. A later line with the same `id` replaces the earlier one. A line counts when
//! its line end is there; what cannot be read is left out and said.

use std::collections::BTreeMap;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{Places, kind_of};
use crate::connectors::http::{Fault, Transport};
use crate::connectors::{Ask, Clock, Connector, Interest, Method, ParseError, Reply};
use crate::domain::{
    Change, ChangeKey, ChangeKind, ChangeSize, ChangeState, FailureKind, Observation, Reviewed,
    SafeText, SourceId, Span, Timestamp,
};

/// Only the end of a long file is read.
const TAIL: u64 = 1024 * 1024;
/// Most changes kept, the newest.
const MOST: usize = 1_000;
/// Most lines named that were left out.
const MOST_NAMED: usize = 20;
/// Most texts of a list in a line.
const MOST_LISTED: usize = 200;
const MOST_WITH: usize = 50;

/// The end of a file. The answer's first line says at which byte it begins.
pub struct Tail {
    path: PathBuf,
    deadline: Span,
    clock: Arc<dyn Clock>,
}

impl Tail {
    /// Of this file.
    pub fn new(path: PathBuf, deadline: Span, clock: Arc<dyn Clock>) -> Self {
        Self { path, deadline, clock }
    }
}

#[async_trait]
impl Transport for Tail {
    async fn exchange(&self, _: &Ask) -> Result<Reply, Fault> {
        let (path, sent) = (self.path.clone(), self.clock.now());
        // A file on a network may hang; the thread is left to it, the source is told as slow.
        let read = tokio::task::spawn_blocking(move || read(&path));
        let read = tokio::time::timeout(self.deadline.std(), read).await;
        let shown = self.path.display();
        let fault = |kind, text: &str| Fault::new(kind, text, self.clock.now());
        let body = read
            .map_err(|_| {
                let text = format!(
                    "{shown} was not read within {}; other sources are unaffected.",
                    self.deadline
                );
                fault(FailureKind::TimedOut, &text)
            })?
            .unwrap_or_else(|_| Err(std::io::Error::other("reading it failed")))
            .map_err(|why| {
                let text = format!(
                    "{shown} cannot be read ({}); other sources are unaffected. Check its path \
                         and who may read it.",
                    why.kind()
                );
                fault(kind_of(&why), &text)
            })?;
        let received = self.clock.now();
        Ok(Reply { status: 200, body, retry_after: None, date: None, sent, received })
    }
}

fn read(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    // A pipe would be waited for without an end.
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    let mut file = std::fs::File::open(path)?;
    let begin = file.metadata()?.len().saturating_sub(TAIL);
    file.seek(SeekFrom::Start(begin))?;
    let mut body = format!("changes {begin}\n").into_bytes();
    file.take(TAIL).read_to_end(&mut body)?;
    Ok(body)
}

/// The reader of such a file.
#[derive(Debug, Clone, Default)]
pub struct ChangesFile {
    places: Places,
    named: Named,
}

/// What a line without an `id` is known by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Named {
    /// Where it stands: a file only grows.
    #[default]
    ByPlace,
    /// What it says: a message has no place, and may come twice.
    ByText,
}

impl ChangesFile {
    /// Maps services by this.
    pub const fn new(places: Places) -> Self {
        Self { places, named: Named::ByPlace }
    }

    /// Of lines that come as messages.
    pub const fn of_messages(places: Places) -> Self {
        Self { places, named: Named::ByText }
    }
}

#[derive(Deserialize)]
struct Line {
    at: String,
    title: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    service: String,
    #[serde(default)]
    author: String,
    #[serde(default)]
    reviewed: Option<bool>,
    #[serde(default)]
    reviewed_by: Vec<String>,
    #[serde(default)]
    before: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    added: Option<u32>,
    #[serde(default)]
    deleted: Option<u32>,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    with: Vec<String>,
    #[serde(default)]
    url: String,
}

impl Connector for ChangesFile {
    fn asks(&self, _: &Interest, _: Timestamp) -> Vec<Ask> {
        vec![Ask {
            key: "tail".to_owned(),
            method: Method::Get,
            path: "/".to_owned(),
            params: Vec::new(),
            body: None,
        }]
    }

    fn parse(
        &self,
        source: &SourceId,
        _: &Ask,
        reply: &Reply,
    ) -> Result<Vec<Observation>, ParseError> {
        let (begin, lines) = split(&reply.body)
            .ok_or_else(|| ParseError::Shape("it does not say where it begins".to_owned()))?;
        let mut found: BTreeMap<ChangeKey, (usize, Change)> = BTreeMap::new();
        let mut left_out = Vec::new();
        let mut at = begin;
        for (number, line) in lines.iter().enumerate() {
            let here = at;
            at += line.len() as u64;
            // The first of a tail began before it.
            if line.trim_ascii().is_empty() || (number == 0 && begin > 0) {
                continue;
            }
            match read_line(line, (here, self.named), source, &self.places) {
                Ok(change) => drop(found.insert(change.key.clone(), (number, change))),
                Err(why) => {
                    let name = if begin == 0 {
                        format!("line {}", number + 1)
                    } else {
                        format!("the line at byte {here}")
                    };
                    left_out.push(SafeText::new(&format!("{name} {why}")));
                }
            }
        }
        let mut found: Vec<(usize, Change)> = found.into_values().collect();
        // Of one moment the later line is the newer change.
        found.sort_by_key(|(number, change)| std::cmp::Reverse((change.at, *number)));
        found.truncate(MOST);
        let changes = found.into_iter().map(|(_, change)| change).collect();
        // The newest are the ones somebody may still mend.
        let old = left_out.len().saturating_sub(MOST_NAMED);
        left_out.drain(..old);
        Ok(vec![Observation::Changes(changes), Observation::LeftOut(left_out)])
    }
}

/// Where the answer begins in the file, and its complete lines with their ends.
fn split(body: &[u8]) -> Option<(u64, Vec<&[u8]>)> {
    let mut lines: Vec<&[u8]> = body.split_inclusive(|byte| *byte == b'\n').collect();
    // Whoever writes the last line may be at it.
    if lines.last().is_some_and(|line| !line.ends_with(b"\n")) {
        lines.pop();
    }
    if lines.is_empty() {
        return None;
    }
    let head = std::str::from_utf8(lines.remove(0)).ok()?;
    Some((head.strip_prefix("changes ")?.trim_end().parse().ok()?, lines))
}

fn read_line(
    raw: &[u8],
    (here, named): (u64, Named),
    source: &SourceId,
    places: &Places,
) -> Result<Change, String> {
    let line: Line = serde_json::from_slice(raw.trim_ascii())
        .map_err(|why| format!("is not a change ({why})"))?;
    let at = Timestamp::parse_rfc3339(&line.at)
        .ok_or("has an `at` that is not a time such as 2026-11-22T18:04:00Z")?;
    if line.title.trim().is_empty() {
        return Err("has an empty `title`".to_owned());
    }
    let kind = match line.kind.as_deref() {
        None => ChangeKind::Deploy,
        Some(word) => {
            let known = ChangeKind::ALL.into_iter().find(|kind| kind.name() == word);
            known.ok_or(
                "has a `kind` that is none of deploy, merge, flag, config, scale, migration",
            )?
        }
    };
    let state = match line.state.as_deref() {
        None => ChangeState::Unknown,
        Some("running") => ChangeState::Running,
        Some("done") => ChangeState::Done,
        Some("failed") => ChangeState::Failed,
        Some("undone") => ChangeState::Undone,
        Some(_) => return Err("has a `state` that is none of running, done, failed, undone".into()),
    };
    let texts = |all: &[String], most| all.iter().take(most).map(|t| SafeText::new(t)).collect();
    let reviewed = match (line.reviewed_by.is_empty(), line.reviewed) {
        (false, _) => Reviewed::By(texts(&line.reviewed_by, MOST_WITH)),
        (true, Some(false)) => Reviewed::No,
        // Without a name there is nobody to ask.
        (true, _) => Reviewed::Unknown,
    };
    let told = line.added.is_some() || line.deleted.is_some() || !line.paths.is_empty();
    let size = told.then(|| ChangeSize {
        added: line.added.unwrap_or(0),
        deleted: line.deleted.unwrap_or(0),
        paths: texts(&line.paths, MOST_LISTED),
        files: u32::try_from(line.paths.len()).unwrap_or(u32::MAX),
    });
    let id = match (line.id.is_empty(), named) {
        (false, _) => line.id,
        (true, Named::ByPlace) => format!("byte/{here}"),
        (true, Named::ByText) => {
            let hash = Sha256::digest(raw.trim_ascii());
            let short: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            format!("message/{short}")
        }
    };
    Ok(Change {
        key: ChangeKey { source: source.clone(), id: SafeText::new(&id) },
        at,
        kind,
        service: places.of_word(&line.service),
        title: SafeText::new(&line.title),
        author: SafeText::new(&line.author),
        reviewed,
        before: SafeText::new(&line.before),
        after: SafeText::new(&line.after),
        state,
        size,
        with: texts(&line.with, MOST_WITH),
        url: SafeText::new(&line.url),
    })
}

#[cfg(test)]
mod tests;
