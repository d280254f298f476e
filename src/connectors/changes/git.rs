//! A git repository: its tags by date, each with the version before it and what else shipped between them.
//!
//! The `git` program is asked, with arguments and never through a shell; commits are named to it by their
//! ids, never by names from the repository. Nothing of the repository's configuration that would start
//! another program is used, and nothing is fetched.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::time::Instant;

use super::{Places, kind_of};
use crate::connectors::http::{Fault, Transport};
use crate::connectors::{Ask, Clock, Connector, Interest, Method, ParseError, Reply, wire};
use crate::domain::{
    Change, ChangeKey, ChangeKind, ChangeSize, ChangeState, FailureKind, Observation, Reviewed,
    SafeText, SourceId, Span, Timestamp,
};

/// Newest tags that are read.
const TAGS: &str = "--count=200";
/// Of these, what went out is looked at.
const LOOKED_AT: usize = 50;
/// Most commits between two tags.
const COMMITS: &str = "--max-count=200";
/// Most bytes of one answer of git.
const MOST: u64 = 4 * 1024 * 1024;
const MOST_SAID: u64 = 4 * 1024;
const MOST_PATHS: usize = 200;
const MOST_WITH: usize = 50;
/// Everything is one field, so that no message can pass for two.
const TAG_FORMAT: &str = "--format=%(objectname)%00%(*objectname)%00%(refname)%00\
                          %(creatordate:unix)%00%(taggername)%00%(authorname)%00\
                          %(contents:subject)%00";
const TAG_FIELDS: usize = 7;
const LOG_FORMAT: &str =
    "--format=tformat:%P%x00%an%x00%s%x00%(trailers:key=Reviewed-by,valueonly,separator=%x01)";
const LOG_FIELDS: usize = 4;

/// What git said, as it said it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Told {
    tags: String,
    between: Vec<Between>,
}

/// What git said of two commits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Between {
    from: String,
    to: String,
    log: String,
    /// `None` when it is longer than is read.
    numstat: Option<String>,
}

/// A tag.
#[derive(Debug, Clone, PartialEq)]
struct Tag<'a> {
    /// The commit.
    commit: &'a str,
    name: &'a str,
    at: Timestamp,
    author: &'a str,
    subject: &'a str,
}

/// A repository on this machine.
pub struct Repository {
    path: PathBuf,
    deadline: Span,
    clock: Arc<dyn Clock>,
    /// What lies between two commits never changes.
    known: Mutex<BTreeMap<(String, String), Between>>,
}

impl Repository {
    /// At this path.
    pub fn new(path: PathBuf, deadline: Span, clock: Arc<dyn Clock>) -> Self {
        Self { path, deadline, clock, known: Mutex::default() }
    }

    fn fault(&self, kind: FailureKind, what: &str) -> Fault {
        let text = format!(
            "The repository {}: {what}. Other sources are unaffected; check its path and who may \
             read it.",
            self.path.display()
        );
        Fault::new(kind, &text, self.clock.now())
    }

    /// Runs git; what it prints and whether that is all.
    async fn git(&self, until: Instant, args: &[&str]) -> Result<(String, bool), Fault> {
        let mut command = Command::new("git");
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_EXTERNAL_DIFF"] {
            command.env_remove(name);
        }
        let mut child = command
            .arg("--no-pager")
            .arg("-C")
            .arg(&self.path)
            // Signatures would be checked by a program the repository names.
            .args(["-c", "log.showSignature=false", "-c", "core.fsmonitor=false"])
            .args(["-c", "protocol.allow=never", "-c", "core.hooksPath=/dev/null"])
            .args(args)
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|why| {
                self.fault(kind_of(&why), &format!("git does not start ({})", why.kind()))
            })?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let reading = async {
            let (out, err) = tokio::join!(bounded(out, MOST), bounded(err, MOST_SAID));
            let (out, whole) = out?;
            if !whole {
                child.kill().await?;
                return Ok((out, None, err?.0));
            }
            Ok::<_, std::io::Error>((out, Some(child.wait().await?), err?.0))
        };
        let ended = tokio::time::timeout_at(until, reading).await;
        let (out, status, err) = ended
            .map_err(|_| {
                let what = format!("git did not end within {} and was stopped", self.deadline);
                self.fault(FailureKind::TimedOut, &what)
            })?
            .map_err(|why| self.fault(kind_of(&why), &format!("git was lost ({})", why.kind())))?;
        match status {
            None => Ok((out, false)),
            Some(status) if status.success() => Ok((out, true)),
            Some(_) => {
                let said = err.lines().last().unwrap_or("nothing").trim_end_matches('.');
                Err(self.fault(FailureKind::WrongApi, &format!("git said: {said}")))
            }
        }
    }

    async fn between(&self, until: Instant, from: &str, to: &str) -> Result<Between, Fault> {
        let key = (from.to_owned(), to.to_owned());
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(between) = known().get(&key) {
            return Ok(between.clone());
        }
        let span = format!("{from}..{to}");
        let log = ["log", "-z", "--first-parent", COMMITS, LOG_FORMAT, &span, "--"];
        let (log, _) = self.git(until, &log).await?;
        let size =
            ["diff", "--numstat", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", from, to];
        let (numstat, whole) = self.git(until, &[&size[..], &["--"]].concat()).await?;
        let numstat = whole.then_some(numstat);
        let between = Between { from: key.0.clone(), to: key.1.clone(), log, numstat };
        known().insert(key, between.clone());
        Ok(between)
    }

    async fn told(&self) -> Result<Told, Fault> {
        let begin = Instant::now();
        let until = begin + self.deadline.std();
        // Of one second the higher version is the newer one; the key that is named last comes first.
        let order = ["--sort=-version:refname", "--sort=-creatordate"];
        let list = [&["for-each-ref"], &order[..], &[TAGS, TAG_FORMAT, "refs/tags"]].concat();
        let (tags, _) = self.git(until, &list).await?;
        let read = read_tags(&tags);
        let mut pairs = Vec::new();
        for (at, tag) in read.iter().enumerate().take(LOOKED_AT) {
            pairs.extend(before(&read, at).map(|before| (before.commit, tag.commit)));
        }
        let wanted: BTreeSet<(String, String)> =
            pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        let mut between = Vec::new();
        for (from, to) in pairs {
            // The first look at a large repository goes on with the next poll.
            if begin.elapsed() > self.deadline.scale(0.5).std() {
                break;
            }
            between.push(self.between(until, from, to).await?);
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|key, _| wanted.contains(key));
        drop(known);
        Ok(Told { tags, between })
    }
}

/// Reads at most so much; whether that was all.
async fn bounded<R: AsyncRead + Unpin>(
    from: Option<R>,
    most: u64,
) -> std::io::Result<(String, bool)> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(most).read_to_end(&mut bytes).await?;
    }
    let whole = (bytes.len() as u64) < most;
    Ok((String::from_utf8_lossy(&bytes).into_owned(), whole))
}

#[async_trait]
impl Transport for Repository {
    async fn exchange(&self, _: &Ask) -> Result<Reply, Fault> {
        let sent = self.clock.now();
        let told = self.told().await?;
        let body = serde_json::to_vec(&told)
            .map_err(|_| self.fault(FailureKind::Unparseable, "it cannot be told"))?;
        let received = self.clock.now();
        Ok(Reply { status: 200, body, retry_after: None, date: None, sent, received })
    }
}

/// The reader of what git said.
#[derive(Debug, Clone)]
pub struct Git {
    places: Places,
    tags: ChangeKind,
}

impl Git {
    /// Maps services by this; a tag means that.
    pub const fn new(places: Places, tags: ChangeKind) -> Self {
        Self { places, tags }
    }

    fn change(&self, source: &SourceId, tags: &[Tag<'_>], at: usize, told: &Told) -> Change {
        let tag = &tags[at];
        let before = before(tags, at);
        let between = before.and_then(|before| {
            told.between.iter().find(|b| b.from == before.commit && b.to == tag.commit)
        });
        let shipped = between.map(|b| read_log(&b.log)).unwrap_or_default();
        let size = between.and_then(|b| b.numstat.as_deref()).map(read_numstat);
        let paths = size.as_ref().map_or(&[][..], |size| &size.paths);
        let title = match tag.subject.trim() {
            "" => tag.name.to_owned(),
            subject => format!("{}: {subject}", tag.name),
        };
        let merges = || shipped.iter().filter(|one| one.parents > 1);
        // A repository without merges ships commits.
        let all = merges().next().is_none();
        let with = shipped.iter().filter(|one| all || one.parents > 1).take(MOST_WITH);
        Change {
            key: ChangeKey {
                source: source.clone(),
                id: SafeText::new(&format!("refs/tags/{}", tag.name)),
            },
            at: tag.at,
            kind: self.tags,
            service: self.places.of_tag(tag.name, family(tag.name), paths),
            title: SafeText::new(&title),
            author: SafeText::new(tag.author),
            reviewed: reviewed(&shipped),
            before: SafeText::new(before.map_or("", |tag| tag.name)),
            after: SafeText::new(tag.name),
            state: ChangeState::Unknown,
            with: with.map(|one| SafeText::new(one.subject)).collect(),
            url: SafeText::default(),
            size,
        }
    }
}

impl Connector for Git {
    fn asks(&self, _: &Interest, _: Timestamp) -> Vec<Ask> {
        vec![Ask {
            key: "tags".to_owned(),
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
        let told: Told = serde_json::from_slice(&reply.body).map_err(|e| wire::shape(&e))?;
        let tags = read_tags(&told.tags);
        let changes = (0..tags.len()).map(|at| self.change(source, &tags, at, &told)).collect();
        Ok(vec![Observation::Changes(changes)])
    }
}

/// Tags as git lists them; what is not of a commit or has no date is left out.
fn read_tags(text: &str) -> Vec<Tag<'_>> {
    let fields: Vec<&str> = text.split('\0').collect();
    let mut tags = Vec::new();
    for one in fields.chunks_exact(TAG_FIELDS) {
        let &[object, peeled, name, at, tagger, author, subject] = one else { continue };
        tags.extend(tag([object.trim_start(), peeled, name, at, tagger, author, subject]));
    }
    tags
}

fn tag([object, peeled, name, at, tagger, author, subject]: [&str; TAG_FIELDS]) -> Option<Tag<'_>> {
    let commit = if peeled.is_empty() { object } else { peeled };
    let is_id = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Years beyond 9999 are somebody's joke.
    let seconds: i64 = at.parse().ok().filter(|at| (0..253_402_300_800).contains(at))?;
    is_id.then(|| Tag {
        commit,
        name: name.strip_prefix("refs/tags/").unwrap_or(name),
        at: Timestamp::from_millis(seconds * 1000),
        author: if tagger.is_empty() { author } else { tagger },
        subject,
    })
}

/// What a tag is of, its version left away: `checkout` of `checkout-v812`, nothing of `v1.2`.
fn family(name: &str) -> &str {
    let separates = |c: char| "-_/@.".contains(c);
    let begins = |(at, _): &(usize, char)| {
        let (head, tail) = name.split_at(*at);
        let version = tail.strip_prefix('v').unwrap_or(tail);
        (head.is_empty() || head.ends_with(separates))
            && version.starts_with(|c: char| c.is_ascii_digit())
    };
    let version = name.char_indices().find(begins).map_or(name.len(), |(at, _)| at);
    name[..version].trim_end_matches(separates)
}

/// The next older tag of the same family; tags are in order, the newest first.
fn before<'a>(tags: &'a [Tag<'a>], at: usize) -> Option<&'a Tag<'a>> {
    let own = tags.get(at)?;
    let same = |tag: &&Tag<'_>| {
        family(tag.name) == family(own.name) && tag.at <= own.at && tag.commit != own.commit
    };
    tags.iter().skip(at + 1).find(same)
}

/// A commit that went out.
#[derive(Debug, Clone, PartialEq)]
struct Shipped<'a> {
    parents: usize,
    subject: &'a str,
    /// Others than its author.
    reviewers: Vec<&'a str>,
}

fn read_log(text: &str) -> Vec<Shipped<'_>> {
    let fields: Vec<&str> = text.split('\0').collect();
    let mut shipped = Vec::new();
    for one in fields.chunks_exact(LOG_FIELDS) {
        let &[parents, author, subject, trailers] = one else { continue };
        // `Name <address>`; an author who reviews himself is no second person.
        let names = trailers.split('\u{1}').map(|t| t.split('<').next().unwrap_or(t).trim());
        let reviewers = names.filter(|name| !name.is_empty() && *name != author.trim()).collect();
        shipped.push(Shipped { parents: parents.split_whitespace().count(), subject, reviewers });
    }
    shipped
}

/// Reviewed only when all that went out was; git does not say that nobody looked.
fn reviewed(shipped: &[Shipped<'_>]) -> Reviewed {
    if shipped.is_empty() || shipped.iter().any(|one| one.reviewers.is_empty()) {
        return Reviewed::Unknown;
    }
    let names: BTreeSet<&str> = shipped.iter().flat_map(|one| &one.reviewers).copied().collect();
    Reviewed::By(names.into_iter().take(MOST_WITH).map(SafeText::new).collect())
}

/// Lines and paths; files that are not text have no lines.
fn read_numstat(text: &str) -> ChangeSize {
    let mut size = ChangeSize::default();
    for one in text.split('\0') {
        let mut parts = one.splitn(3, '\t');
        let (Some(added), Some(deleted), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let lines = |text: &str| text.parse().unwrap_or(0_u32);
        size.added = size.added.saturating_add(lines(added));
        size.deleted = size.deleted.saturating_add(lines(deleted));
        size.files = size.files.saturating_add(1);
        if size.paths.len() < MOST_PATHS {
            size.paths.push(SafeText::new(path));
        }
    }
    size
}

#[cfg(test)]
mod tests;
