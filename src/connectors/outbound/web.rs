//! One HTTP call of an outlet, and what its answer means for the outbox.

use std::borrow::Cow;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::super::http::{Fault, Live, server_message};
use super::super::{Clock, Reply};
use super::config::{Endpoint, Scheme};
use super::{refused, unknown};
use crate::domain::{FailureKind, Outcome, SafeText, Span};

/// HTTP methods of outlets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Reads.
    Get,
    /// Makes.
    Post,
    /// Makes or replaces.
    Put,
    /// Changes.
    Patch,
    /// Removes.
    Delete,
}

/// What is sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// JSON.
    Json(serde_json::Value),
    /// Form fields.
    Form(Vec<(Cow<'static, str>, String)>),
    /// Plain text.
    Text(String),
}

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Method.
    pub verb: Verb,
    /// Path behind the base URL, beginning with `/`; empty is the base URL itself.
    pub path: String,
    /// Query parameters.
    pub query: Vec<(&'static str, String)>,
    /// Further headers; none of them secret.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: Body,
}

impl Call {
    /// A call with a body.
    pub fn new(verb: Verb, path: impl Into<String>, body: Body) -> Self {
        Self { verb, path: path.into(), query: Vec::new(), headers: Vec::new(), body }
    }

    /// A call that reads.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Verb::Get, path, Body::Empty)
    }

    /// A call that posts JSON.
    pub fn post(path: impl Into<String>, json: serde_json::Value) -> Self {
        Self::new(Verb::Post, path, Body::Json(json))
    }

    /// With a query parameter.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// The HTTP side of an outlet; the client is made at first use.
pub struct Web {
    /// How sentences begin.
    what: String,
    endpoint: Endpoint,
    scheme: Scheme,
    clock: Arc<dyn Clock>,
    live: OnceCell<Live>,
}

impl Web {
    /// A server; `what` begins the sentence when it cannot be spoken to (`The channel chat`).
    pub fn new(what: &str, endpoint: &Endpoint, scheme: Scheme, clock: Arc<dyn Clock>) -> Self {
        let (what, endpoint) = (what.to_owned(), endpoint.clone());
        Self { what, endpoint, scheme, clock, live: OnceCell::new() }
    }

    /// The present moment.
    pub fn now(&self) -> crate::domain::Timestamp {
        self.clock.now()
    }

    /// Makes a call. The outcome is what a failure means for an operation.
    pub async fn call(&self, call: &Call) -> Result<Reply, Outcome> {
        let live = self.live.get_or_try_init(|| self.connect()).await?;
        live.call(call).await.map_err(|fault| self.failed(&fault))
    }

    /// Makes a call that only reads: what fails has changed nothing, and the sentence says no more than that.
    pub async fn look(&self, call: &Call) -> Result<Reply, SafeText> {
        let live = || self.endpoint.live(&self.what, self.scheme, self.clock.clone());
        let live = self.live.get_or_try_init(live).await?;
        let reply = live.call(call).await.map_err(|fault| fault.failure.sentence)?;
        let said = server_message(&reply.body)
            .map_or_else(String::new, |said| format!(" It said: {said}."));
        let what = &self.what;
        match reply.status {
            200..=299 | 400 | 404 | 410 | 422 => Ok(reply),
            401 => Err(SafeText::body(&format!(
                "{what} does not accept our credentials (401); check them.{said}"
            ))),
            403 => Err(SafeText::body(&format!("{what} does not allow us this (403).{said}"))),
            429 => Err(SafeText::body(&format!("{what} asks us to slow down (429).{said}"))),
            status => Err(SafeText::body(&format!("{what} answers with status {status}.{said}"))),
        }
    }

    /// Makes a call that some servers answer with the address of a page; the page is not read.
    pub async fn moved(&self, call: &Call) -> Result<(), Outcome> {
        let live = self.live.get_or_try_init(|| self.connect()).await?;
        match live.call(call).await {
            Ok(reply) => self.verdict(&reply),
            Err(fault) if fault.failure.kind == FailureKind::Redirected => Ok(()),
            Err(fault) => Err(self.failed(&fault)),
        }
    }

    /// Makes a call and reads its 2xx answer as JSON; `null` when it is empty.
    pub async fn json(&self, call: &Call) -> Result<serde_json::Value, Outcome> {
        let reply = self.call(call).await?;
        self.verdict(&reply)?;
        if reply.body.is_empty() {
            return Ok(serde_json::Value::Null);
        }
        serde_json::from_slice(&reply.body).map_err(|_| {
            unknown("It answered with something that is not JSON, so it is not clear what it did.")
        })
    }

    /// What is wrong here is wrong in files that a person can mend meanwhile: it is tried again.
    async fn connect(&self) -> Result<Live, Outcome> {
        let live = self.endpoint.live(&self.what, self.scheme, self.clock.clone()).await;
        live.map_err(|why| self.later(&why, None))
    }

    fn later(&self, why: &str, after: Option<Span>) -> Outcome {
        let at = self.clock.now().plus(after.unwrap_or(Span::ZERO));
        Outcome::Later { why: SafeText::body(why), at }
    }

    /// What the failure of a look means when nothing has been written yet: nothing was done.
    pub fn unwritten(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Unknown { why } => Outcome::Later { why, at: self.now() },
            other => other,
        }
    }

    fn failed(&self, fault: &Fault) -> Outcome {
        let why = &fault.failure.sentence;
        if fault.may_have_acted {
            unknown(format!("{why} It may have been taken all the same."))
        } else if fault.is_transient() {
            self.later(why, fault.retry_after)
        } else {
            refused(&**why)
        }
    }

    /// What a status means: `Ok` for 2xx. A 5xx may have acted; a 4xx certainly has not.
    pub fn verdict(&self, reply: &Reply) -> Result<(), Outcome> {
        let said = server_message(&reply.body)
            .map_or_else(String::new, |said| format!(" It said: {said}."));
        match reply.status {
            200..=299 => Ok(()),
            401 | 403 => Err(refused(format!(
                "It does not accept our credentials ({}); check them.{said}",
                reply.status
            ))),
            // Statuspage's word is 420.
            420 | 429 => {
                let why = format!("It asks us to slow down ({}).{said}", reply.status);
                Err(self.later(&why, reply.retry_after.or(Some(Span::from_secs(1)))))
            }
            // Said before anything was done, by whatever stands in front of the service.
            503 if reply.retry_after.is_some() => {
                Err(self.later("It is not available (503).", reply.retry_after))
            }
            500..=599 => Err(unknown(format!(
                "It failed with status {}; it may have been taken all the same.{said}",
                reply.status
            ))),
            status => Err(refused(format!("It refused this with status {status}.{said}"))),
        }
    }
}

/// Runs what may fail with an outcome of its own.
pub(crate) async fn settled(
    doing: impl Future<Output = Result<Outcome, Outcome>> + Send,
) -> Outcome {
    doing.await.unwrap_or_else(|outcome| outcome)
}
