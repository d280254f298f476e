//! The HTTP side of a pipeline: what is read, what is written, and where people look.

use std::sync::Arc;

use serde_json::Value;

use super::NotBegun;
use super::answer::{refused, write_failed};
use crate::connectors::Clock;
use crate::connectors::http::server_message;
use crate::connectors::outbound::config::{Endpoint, Scheme};
use crate::connectors::outbound::{Call, Web};
use crate::connectors::secret::SecretRef;
use crate::domain::{PipelineId, SafeText, Timestamp};

/// A server that runs things.
pub(super) struct Server {
    what: String,
    /// Base URL without credentials and without a slash at its end; empty when it is a secret.
    base: String,
    web: Web,
}

impl Server {
    pub(super) fn new(
        id: &PipelineId,
        endpoint: &Endpoint,
        scheme: Scheme,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let what = format!("The pipeline {id}");
        let base = match &endpoint.url {
            SecretRef::Given(text) => url::Url::parse(text).ok().and_then(|mut url| {
                url.set_username("").ok()?;
                url.set_password(None).ok()?;
                url.set_query(None);
                url.set_fragment(None);
                Some(url.as_str().trim_end_matches('/').to_owned())
            }),
            _ => None,
        };
        let web = Web::new(&what, endpoint, scheme, clock);
        Self { what, base: base.unwrap_or_default(), web }
    }

    /// Where people look at a path below the base; nothing when the base is a secret.
    pub(super) fn link(&self, path: &str) -> SafeText {
        SafeText::new(&if self.base.is_empty() { String::new() } else { self.base.clone() + path })
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) fn now(&self) -> Timestamp {
        self.web.now()
    }

    /// Reads JSON; `None` when what was asked for is not there.
    pub(super) async fn read(&self, call: &Call) -> Result<Option<Value>, SafeText> {
        let reply = self.web.look(call).await?;
        match reply.status {
            404 | 410 => Ok(None),
            200..=299 => serde_json::from_slice(&reply.body).map(Some).map_err(|_| {
                SafeText::new(&format!("{} answers with something that is not JSON.", self.what))
            }),
            status => {
                let said = server_message(&reply.body)
                    .map_or_else(String::new, |said| format!(" It said: {said}."));
                let why = format!("{} answers with status {status}.{said}", self.what);
                Err(SafeText::body(&why))
            }
        }
    }

    /// Reads text; `None` when what was asked for is not there.
    pub(super) async fn text(&self, call: &Call) -> Result<Option<String>, SafeText> {
        let reply = self.web.look(call).await?;
        let text = || String::from_utf8_lossy(&reply.body).into_owned();
        Ok(matches!(reply.status, 200..=299).then(text))
    }

    /// Writes; the answer as JSON, `null` when it is empty. `missing` is said when the address is not known.
    pub(super) async fn write(&self, call: &Call, missing: &str) -> Result<Value, NotBegun> {
        let reply = self.web.call(call).await.map_err(write_failed)?;
        if matches!(reply.status, 404 | 410) {
            let said = server_message(&reply.body)
                .map_or_else(String::new, |said| format!(" It said: {said}."));
            return Err(refused(format!("{missing}{said} Nothing was started.")));
        }
        // Several vendors say "too many" with 403; either way nothing was done.
        self.web.verdict(&reply).map_err(write_failed)?;
        // Taken: what cannot be read does not undo it.
        Ok(serde_json::from_slice(&reply.body).unwrap_or(Value::Null))
    }

    /// Asks for a stop; the sentence says why it was not taken.
    pub(super) async fn halt(&self, call: &Call) -> Result<(), SafeText> {
        self.web.moved(call).await.map_err(super::answer::why)
    }
}
