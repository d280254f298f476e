//! Ticket systems: what every one of them has in common.
//!
//! ```text
//! Operation::Ticket ─► Tracker (here): find first, write once, read back ─► Api (one file each): requests
//! ```
//!
//! A ticket carries its incident's id, a comment the mark of the record that asked for it, each as its last
//! line. So nothing is opened or said twice, and what is ours is not told back to us as news.

mod adf;
mod github;
mod gitlab;
mod jira;
mod pagerduty;
#[cfg(test)]
mod recorded;
mod redmine;
mod roundup;
mod rt;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::outbound::config::{TrackerConfig, TrackerKind};
use super::outbound::{Call, Outlet, Verb, Web};
use super::secret::SecretRef;
use super::{Clock, Reply};
use crate::domain::{
    Operation, Outcome, Priority, SafeText, Severity, Span, Status, TicketAct, TicketRef,
    TicketSeen, Timestamp, TrackerId,
};
use text::{incident_line, is_ours, key_line};

/// How long a question waits that the server failed at, before it is asked again.
const ASK_AGAIN: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(600)];

/// The outlet of a tracker as it is configured.
pub fn tracker(config: &TrackerConfig, clock: &Arc<dyn Clock>) -> Arc<dyn Outlet> {
    let desk = Desk::new(config, clock);
    match config.kind {
        TrackerKind::Roundup => Arc::new(Tracker::new(desk, roundup::Roundup)),
        TrackerKind::Github => Arc::new(Tracker::new(desk, github::Github)),
        TrackerKind::Gitlab => Arc::new(Tracker::new(desk, gitlab::Gitlab)),
        TrackerKind::Jira => Arc::new(Tracker::new(desk, jira::Jira)),
        TrackerKind::Pagerduty => Arc::new(Tracker::new(desk, pagerduty::Pagerduty)),
        TrackerKind::Redmine => Arc::new(Tracker::new(desk, redmine::Redmine)),
        TrackerKind::Rt => Arc::new(Tracker::new(desk, rt::Rt)),
    }
}

/// A tracker's configuration and the line to it.
struct Desk {
    config: TrackerConfig,
    /// The base URL without credentials, when it is no secret; ends without `/`.
    base: String,
    web: Web,
}

/// A ticket as it stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ticket {
    /// As people say it, and as it is asked for.
    key: String,
    url: String,
    /// In the tracker's words.
    state: String,
    /// What kind of state that is, where the tracker has such kinds.
    group: String,
    done: bool,
    /// Changes with every change of the ticket.
    version: String,
}

/// A comment there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Comment {
    id: String,
    who: String,
    text: String,
}

/// A ticket to be made.
struct Draft<'a> {
    /// The incident's id.
    incident: &'a str,
    title: &'a str,
    /// With the incident's line at its end, and not escaped.
    body: String,
    /// Configured word.
    priority: Option<&'a str>,
    severity: Severity,
}

/// Where a ticket is to be moved.
struct Target<'a> {
    /// Configured word, else the tracker's usual one.
    word: &'a str,
}

type Asked<T> = Result<T, Outcome>;

/// What differs from tracker to tracker. A failure is the outcome it has for an operation.
trait Api: Send + Sync + 'static {
    /// The tracker's usual word; empty where there is none.
    fn word(&self, status: Status) -> &'static str;

    /// Whether the ticket is there already.
    fn reached(&self, ticket: &Ticket, to: &Target<'_>) -> bool {
        ticket.state.eq_ignore_ascii_case(to.word)
    }

    /// The ticket of an incident, open or not.
    fn find(
        &self,
        desk: &Desk,
        incident: &str,
    ) -> impl Future<Output = Asked<Option<Ticket>>> + Send;
    /// Makes one.
    fn create(&self, desk: &Desk, draft: &Draft<'_>) -> impl Future<Output = Asked<Ticket>> + Send;
    /// How it stands; `None` when it is gone.
    fn read(&self, desk: &Desk, key: &str) -> impl Future<Output = Asked<Option<Ticket>>> + Send;
    /// The versions of several tickets at once, where the tracker can be asked so; who is not among them is
    /// read by itself.
    fn versions(
        &self,
        _desk: &Desk,
        _keys: &[&str],
    ) -> impl Future<Output = BTreeMap<String, String>> + Send {
        std::future::ready(BTreeMap::new())
    }
    /// What was said, oldest first.
    fn comments(&self, desk: &Desk, key: &str) -> impl Future<Output = Asked<Vec<Comment>>> + Send;
    /// Says something.
    fn comment(&self, desk: &Desk, key: &str, text: &str)
    -> impl Future<Output = Asked<()>> + Send;
    /// Moves it.
    fn shift(
        &self,
        desk: &Desk,
        ticket: &Ticket,
        to: &Target<'_>,
    ) -> impl Future<Output = Asked<()>> + Send;
}

impl Desk {
    fn new(config: &TrackerConfig, clock: &Arc<dyn Clock>) -> Self {
        let what = format!("The tracker {}", config.id);
        let web = Web::new(&what, &config.endpoint, config.kind.scheme(), clock.clone());
        let base = match &config.endpoint.url {
            SecretRef::Given(text) => url::Url::parse(text).ok().and_then(|mut url| {
                url.set_username("").ok()?;
                url.set_password(None).ok()?;
                url.set_query(None);
                url.set_fragment(None);
                Some(url.as_str().trim_end_matches('/').to_owned())
            }),
            _ => None,
        };
        Self { config: config.clone(), base: base.unwrap_or_default(), web }
    }

    /// Scheme, host and port of the base URL.
    fn origin(&self) -> String {
        self.config.endpoint.address().to_string()
    }

    /// Where people look at a path below the base; nothing when the base is a secret.
    fn link(&self, path: &str) -> String {
        if self.base.is_empty() { String::new() } else { format!("{}{path}", self.base) }
    }

    /// An answer as JSON; `None` when what was asked for is not there.
    ///
    /// A tracker may stumble over what somebody else is just writing (Roundup over its index). What only
    /// asks is asked again then, so that a write that was taken does not end as one nobody can tell of.
    async fn maybe(&self, call: &Call) -> Asked<Option<Value>> {
        let mut reply = self.web.call(call).await?;
        for wait in ASK_AGAIN {
            if call.verb != Verb::Get || reply.status < 500 || reply.retry_after.is_some() {
                break;
            }
            tokio::time::sleep(wait).await;
            reply = self.web.call(call).await?;
        }
        self.read(&reply)
    }

    fn read(&self, reply: &Reply) -> Asked<Option<Value>> {
        if matches!(reply.status, 404 | 410) {
            return Ok(None);
        }
        // Several vendors say "too many" with 403.
        if reply.status == 403
            && (reply.retry_after.is_some()
                || String::from_utf8_lossy(&reply.body).contains("rate limit"))
        {
            let wait = reply.retry_after.unwrap_or(Span::from_secs(60));
            let why = SafeText::new("It asks us to slow down (403).");
            return Err(Outcome::Later { why, at: self.web.now().plus(wait) });
        }
        // Somebody else was writing; nothing of ours was.
        if reply.status == 409 {
            let why = SafeText::new("Somebody else changed it at the same moment (409).");
            return Err(Outcome::Later { why, at: self.web.now() });
        }
        self.web.verdict(reply)?;
        if reply.body.is_empty() {
            return Ok(Some(Value::Null));
        }
        let json = serde_json::from_slice(&reply.body);
        json.map(Some).map_err(|_| unknown("It answered with something that is not JSON."))
    }

    /// An answer as JSON.
    async fn ask(&self, call: &Call) -> Asked<Value> {
        self.maybe(call).await?.ok_or_else(|| {
            refused(format!(
                "It knows no such project or ticket (404): check `project` of the tracker {}, and what \
                 its account may see.",
                self.config.id
            ))
        })
    }

    fn labels(&self, more: &str) -> Vec<String> {
        let own = self.config.labels.iter().map(ToString::to_string);
        own.chain(Some(more.to_owned()).filter(|more| !more.is_empty())).collect()
    }
}

/// One tracker.
struct Tracker<A> {
    name: String,
    desk: Desk,
    api: A,
    held: Mutex<Held>,
}

/// What was seen at the last looks.
#[derive(Default)]
struct Held {
    looked: Option<Timestamp>,
    tickets: BTreeMap<String, Seen>,
}

#[derive(Default, Clone)]
struct Seen {
    version: String,
    /// Comments there are.
    comments: BTreeSet<String>,
}

impl<A: Api> Tracker<A> {
    fn new(desk: Desk, api: A) -> Self {
        Self { name: desk.config.id.to_string(), desk, api, held: Mutex::default() }
    }

    fn id(&self) -> &TrackerId {
        &self.desk.config.id
    }

    async fn there(&self, ticket: &TicketRef) -> Asked<Ticket> {
        let read = self.api.read(&self.desk, &ticket.key).await.map_err(|o| self.unwritten(o))?;
        read.ok_or_else(|| {
            refused(format!(
                "The ticket {} is not in {} any more, or our account may not see it. The incident is \
                 unaffected; link another ticket to go on there.",
                ticket.key,
                self.id()
            ))
        })
    }

    async fn has_said(&self, ticket: &TicketRef, key: &str) -> Asked<bool> {
        let mark = key_line(key);
        let comments = self.api.comments(&self.desk, &ticket.key).await?;
        Ok(comments.iter().any(|comment| text::last_line(&comment.text) == mark))
    }

    fn unwritten(&self, outcome: Outcome) -> Outcome {
        self.desk.web.unwritten(outcome)
    }

    async fn open(&self, incident: &str, act: &TicketAct) -> Asked<Outcome> {
        let (title, body, severity) = match act {
            TicketAct::Open { title, body, severity } => (title, body, *severity),
            TicketAct::FollowUp { title, body, priority, .. } => {
                (title, body, as_severity(*priority))
            }
            _ => return Err(not_ours()),
        };
        let found = self.api.find(&self.desk, incident).await.map_err(|o| self.unwritten(o))?;
        if let Some(ticket) = found {
            return Ok(received(&ticket));
        }
        let draft = Draft {
            incident,
            title,
            body: format!("{body}\n\n{}", incident_line(incident)),
            priority: self.desk.config.priorities.get(&severity).map(SafeText::as_str),
            severity,
        };
        let made = self.api.create(&self.desk, &draft).await?;
        match self.api.read(&self.desk, &made.key).await {
            Ok(None) => Err(unknown(format!("It made {}, which cannot be read there.", made.key))),
            Ok(Some(_)) | Err(_) => Ok(received(&made)),
        }
    }

    async fn say(&self, ticket: &TicketRef, body: &str, key: &str) -> Asked<Outcome> {
        let there = self.there(ticket).await?;
        if self.has_said(ticket, key).await.map_err(|o| self.unwritten(o))? {
            return Ok(received(&there));
        }
        let text = format!("{body}\n\n{}", key_line(key));
        self.api.comment(&self.desk, &ticket.key, &text).await?;
        // Some answer yes and do nothing.
        if self.has_said(ticket, key).await.map_err(|o| written(&o))? {
            Ok(received(&there))
        } else {
            Err(unknown("It took the comment, but does not show it."))
        }
    }

    fn target(&self, status: Status) -> Target<'_> {
        let word = self.desk.config.states.get(&status).map(SafeText::as_str);
        Target { word: word.unwrap_or_else(|| self.api.word(status)) }
    }

    async fn shift(&self, ticket: &TicketRef, to: Status, note: &str, key: &str) -> Asked<Outcome> {
        let there = self.there(ticket).await?;
        // The reason first: Roundup takes up a resolved ticket again when something is said there.
        if !note.is_empty() {
            self.say(ticket, note, key).await?;
        }
        let target = self.target(to);
        if !self.api.reached(&there, &target) {
            self.api.shift(&self.desk, &there, &target).await?;
            let now = self.api.read(&self.desk, &ticket.key).await.map_err(|o| written(&o))?;
            let now = now.ok_or_else(|| unknown("The ticket is gone since it was moved."))?;
            if !self.api.reached(&now, &target) {
                return Err(refused(format!(
                    "It answered yes, but {} is still \"{}\": its workflow does not let our account move \
                     it on. Move it there by hand, or name another word under `states`.",
                    ticket.key, now.state
                )));
            }
        }
        Ok(received(&there))
    }

    async fn look(&self, incident: &str, act: &TicketAct, key: &str) -> Asked<Outcome> {
        let absent =
            |why: &str| Outcome::Later { why: SafeText::new(why), at: self.desk.web.now() };
        match act {
            TicketAct::Open { .. } | TicketAct::FollowUp { .. } => {
                let found = self.api.find(&self.desk, &mark(incident, act)).await?;
                Ok(found
                    .map_or_else(|| absent("No ticket carries the incident."), |t| received(&t)))
            }
            TicketAct::Comment { ticket, .. } => {
                let there = self.there(ticket).await?;
                let said = self.has_said(ticket, key).await?;
                Ok(if said { received(&there) } else { absent("The comment is not there.") })
            }
            TicketAct::Transition { ticket, to, note } => {
                let there = self.there(ticket).await?;
                let moved = self.api.reached(&there, &self.target(*to));
                let done = moved && (note.is_empty() || self.has_said(ticket, key).await?);
                Ok(if done { received(&there) } else { absent("The ticket was not moved.") })
            }
        }
    }

    /// How one ticket stands, if that is news.
    async fn seen(
        &self,
        known: &TicketRef,
        before: Option<Seen>,
    ) -> Asked<(Seen, Option<TicketSeen>)> {
        let seen = |url: &str, state: &str, done, comments, version: &str| TicketSeen {
            ticket: known.clone(),
            url: SafeText::new(url),
            state: SafeText::new(state),
            done,
            comments,
            version: SafeText::new(version),
        };
        let last = before.as_ref().map(|seen| seen.version.as_str());
        let Some(now) = self.api.read(&self.desk, &known.key).await? else {
            let gone = Seen { version: "gone".to_owned(), ..before.clone().unwrap_or_default() };
            let news = (last != Some("gone")).then(|| seen("", "", None, Vec::new(), "gone"));
            return Ok((gone, news));
        };
        if last == Some(now.version.as_str()) {
            return Ok((before.unwrap_or_default(), None));
        }
        let comments = self.api.comments(&self.desk, &known.key).await?;
        let fresh = comments.iter().filter(|comment| {
            // What was said before the first look is no news.
            before.as_ref().is_some_and(|before| !before.comments.contains(&comment.id))
                && !is_ours(&comment.text)
        });
        let fresh = fresh.map(|c| (SafeText::new(&c.who), SafeText::body(&c.text))).collect();
        let held = Seen {
            version: now.version.clone(),
            comments: comments.into_iter().map(|comment| comment.id).collect(),
        };
        let news = seen(&now.url, &now.state, Some(now.done), fresh, &now.version);
        Ok((held, Some(news)))
    }

    async fn follow(&self, known: &[TicketRef]) -> Result<Vec<TicketSeen>, SafeText> {
        let now = self.desk.web.now();
        let before = {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            if held.looked.is_some_and(|last| now.since(last) < self.desk.config.interval) {
                return Ok(Vec::new());
            }
            held.looked = Some(now);
            held.tickets.clone()
        };
        let (mut news, mut wrong) = (Vec::new(), None);
        let ours = known.iter().filter(|ticket| ticket.tracker == *self.id());
        // One that is gone may spoil the question for all.
        let is_there = |key: &&str| before.get(*key).is_some_and(|seen| seen.version != "gone");
        let seen_before: Vec<&str> =
            ours.clone().map(|ticket| ticket.key.as_str()).filter(is_there).collect();
        let versions = match seen_before.as_slice() {
            [] => BTreeMap::new(),
            keys => self.api.versions(&self.desk, keys).await,
        };
        for ticket in ours {
            let key = ticket.key.to_string();
            if before.get(&key).is_some_and(|seen| versions.get(&key) == Some(&seen.version)) {
                continue;
            }
            match self.seen(ticket, before.get(&key).cloned()).await {
                Ok((seen, told)) => {
                    let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
                    held.tickets.insert(key, seen);
                    news.extend(told);
                }
                Err(outcome) => wrong = Some(sentence(&outcome)),
            }
        }
        // What could be read is told; the rest at the next look.
        match wrong {
            Some(wrong) if news.is_empty() => Err(wrong),
            _ => Ok(news),
        }
    }
}

/// What a ticket carries so that it is found again: the incident, or the follow-up it is of.
fn mark(incident: &str, act: &TicketAct) -> String {
    match act {
        TicketAct::FollowUp { of, .. } => format!("FU-{}", of.get(..12).unwrap_or(of)),
        _ => incident.to_owned(),
    }
}

/// Trackers have priorities by severity; a follow-up is never as urgent as the worst incidents.
const fn as_severity(priority: Priority) -> Severity {
    match priority {
        Priority::High => Severity::Sev2,
        Priority::Medium => Severity::Sev3,
        Priority::Low => Severity::Sev4,
    }
}

#[async_trait]
impl<A: Api> Outlet for Tracker<A> {
    fn name(&self) -> &str {
        &self.name
    }

    async fn perform(&self, operation: &Operation, key: &str) -> Outcome {
        let Operation::Ticket { incident, act, .. } = operation else { return not_ours() };
        let done = match act {
            TicketAct::Open { .. } | TicketAct::FollowUp { .. } => {
                self.open(&mark(incident.as_str(), act), act).await
            }
            TicketAct::Comment { ticket, body } => self.say(ticket, body, key).await,
            TicketAct::Transition { ticket, to, note } => self.shift(ticket, *to, note, key).await,
        };
        done.unwrap_or_else(|outcome| outcome)
    }

    async fn look_back(&self, operation: &Operation, key: &str) -> Outcome {
        let Operation::Ticket { incident, act, .. } = operation else { return not_ours() };
        match self.look(incident.as_str(), act, key).await {
            Ok(outcome) => outcome,
            // That looking failed says nothing about the attempt; that the ticket is gone does.
            Err(outcome @ Outcome::Refused { .. }) if is_gone(&outcome) => outcome,
            Err(outcome) => unknown(&*sentence(&outcome)),
        }
    }

    async fn tickets(&self, known: &[TicketRef]) -> Result<Vec<TicketSeen>, SafeText> {
        self.follow(known).await
    }
}

fn is_gone(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Refused { why } if why.starts_with("The ticket "))
}

fn not_ours() -> Outcome {
    refused("A tracker only takes tickets.")
}

/// What a failed look means after the write was taken: nobody can tell.
fn written(outcome: &Outcome) -> Outcome {
    unknown(format!("It was taken, but cannot be read back. {}", sentence(outcome)))
}

fn sentence(outcome: &Outcome) -> SafeText {
    match outcome {
        Outcome::Refused { why } | Outcome::Unknown { why } | Outcome::Later { why, .. } => {
            why.clone()
        }
        other => SafeText::new(&format!("It answered {other:?}.")),
    }
}

fn received(ticket: &Ticket) -> Outcome {
    Outcome::Received { receipt: SafeText::new(&ticket.key), url: SafeText::new(&ticket.url) }
}

fn refused(why: impl AsRef<str>) -> Outcome {
    Outcome::Refused { why: SafeText::body(why.as_ref()) }
}

fn unknown(why: impl AsRef<str>) -> Outcome {
    Outcome::Unknown { why: SafeText::body(why.as_ref()) }
}

/// Text or number of a field, as text; empty when it is neither.
pub(super) fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// The entries of a list; none when it is none.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// One segment of a path.
pub(super) fn segment(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    // Dots alone would climb.
    if text.bytes().all(|byte| byte == b'.') { format!("%2E{text}") } else { out }
}
