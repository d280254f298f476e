//! A flag server that answers OpenFeature's remote evaluation (OFREP), switched by fast-feature's admin API.
//!
//! What callers get is what counts: a *disabled* flag still answers its default variant, which of a kill
//! switch is often "on". So "off" makes a variant that is `false` the default as well, and the evaluated
//! value is read back. Our key goes into the flag's metadata, beside the default there was before.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::answer::{done, failed, listed, not_ours, refused};
use super::server::Server;
use super::{Begun, NotBegun, Pipeline, Progress};
use crate::connectors::Clock;
use crate::connectors::outbound::config::{Endpoint, Scheme};
use crate::connectors::outbound::{Body, Call, Verb};
use crate::connectors::trackers::{segment, word};
use crate::domain::{Ask, Flag, FlagPlace, Order, PipelineId, PipelineKind, SafeText, Timestamp};

/// Our key in a flag's metadata, and the default variant it had before it was switched off.
const MARK: &str = "quarterdeck";
const BEFORE: &str = "quarterdeck_default";

/// A flag server.
pub struct Ofrep {
    id: PipelineId,
    /// Path of the admin API; empty is none.
    admin: SafeText,
    server: Server,
}

fn turned(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// The flag that is asked for, and how it is to be.
fn asked(order: &Order) -> Result<(&SafeText, bool), SafeText> {
    match &order.ask {
        Ask::Flag { flag, environment, on } if environment.is_empty() => Ok((flag, *on)),
        Ask::Flag { environment, .. } => Err(SafeText::new(&format!(
            "A server that answers OFREP has no environments, so \"{environment}\" is none of its own; leave \
             it empty in the step \"{}\".",
            order.title
        ))),
        _ => Err(not_ours(order, "flags")),
    }
}

/// The flag as it is to be; the sentence says why it cannot be switched.
fn switched(flag: &Value, on: bool, key: &str) -> Result<Value, SafeText> {
    let variants = flag["variants"].as_object();
    let default = word(&flag["default_variant"]);
    let is = |name: &str, value: bool| flag["variants"][name] == value;
    let before = word(&flag["metadata"][BEFORE]);
    let any = || variants.into_iter().flatten().find(|(_, one)| **one == on).map(|(name, _)| name);
    let chosen = if on && is(&before, true) {
        Some(before.clone())
    } else if is(&default, on) {
        Some(default.clone())
    } else {
        any().cloned()
    };
    let chosen = chosen.ok_or_else(|| {
        SafeText::new(&format!(
            "The flag {} has no variant that is {on}, so it cannot be switched {}.",
            word(&flag["key"]),
            turned(on)
        ))
    })?;
    let mut metadata = flag["metadata"].as_object().cloned().unwrap_or_default();
    metadata.insert(MARK.to_owned(), key.into());
    metadata.remove(BEFORE);
    if !on {
        let before = if before.is_empty() { default } else { before };
        metadata.insert(BEFORE.to_owned(), before.into());
    }
    Ok(json!({
        "variants": flag["variants"],
        "default_variant": chosen,
        "state": if on { "ENABLED" } else { "DISABLED" },
        "targeting": flag["targeting"],
        "metadata": metadata,
    }))
}

impl Ofrep {
    /// A server; the base URL ends before `/ofrep`, `admin` is the path of its flags (`/admin/api/flags`).
    pub fn new(id: PipelineId, admin: &str, endpoint: &Endpoint, clock: Arc<dyn Clock>) -> Self {
        let server = Server::new(&id, endpoint, Scheme::BEARER, clock);
        Self { id, admin: SafeText::new(admin.trim_end_matches('/')), server }
    }

    fn path(&self, flag: &str) -> String {
        format!("{}/{}", self.admin, segment(flag))
    }

    fn administered(&self) -> Result<(), SafeText> {
        if !self.admin.is_empty() {
            return Ok(());
        }
        Err(SafeText::new(&format!(
            "The pipeline {} names no admin API, so its flags can be neither listed nor switched; set `admin`.",
            self.id
        )))
    }

    async fn there(&self, flag: &str) -> Result<Value, SafeText> {
        self.administered()?;
        let read = self.server.read(&Call::get(self.path(flag))).await?;
        read.ok_or_else(|| SafeText::new(&format!("The flag server has no flag {flag}.")))
    }

    /// What a caller about whom nothing is known gets, and why.
    async fn evaluated(&self, flag: &str) -> Result<(Option<bool>, SafeText), SafeText> {
        let path = format!("/ofrep/v1/evaluate/flags/{}", segment(flag));
        let context = json!({ "context": { "targetingKey": "quarterdeck" } });
        let read = self.server.read(&Call::post(path, context)).await?;
        let read =
            read.ok_or_else(|| SafeText::new(&format!("Nobody can ask for {flag} there.")))?;
        Ok((read["value"].as_bool(), SafeText::new(&word(&read["reason"]))))
    }

    fn begun(&self, flag: &str, on: bool, before: &str) -> Begun {
        let receipt = format!("{flag} {}, was {before}", turned(on));
        Begun { receipt: SafeText::new(&receipt), url: SafeText::new("") }
    }

    async fn turn(&self, order: &Order, key: &str) -> Result<Begun, NotBegun> {
        let nothing = |why: SafeText| refused(format!("{why} Nothing was switched."));
        let (flag, on) = asked(order).map_err(nothing)?;
        let there = self.there(flag).await.map_err(nothing)?;
        let (before, _) = self.evaluated(flag).await.map_err(nothing)?;
        let body = switched(&there, on, key).map_err(nothing)?;
        let call = Call::new(Verb::Put, self.path(flag), Body::Json(body));
        let missing = format!("The flag server does not know {flag} any more.");
        self.server.write(&call, &missing).await?;
        Ok(self.begun(flag, on, before.map_or("neither", turned)))
    }

    async fn check(&self, order: &Order) -> Result<Progress, SafeText> {
        let (flag, on) = asked(order)?;
        let there = self.there(flag).await?;
        let (value, reason) = self.evaluated(flag).await?;
        let line = |text: String| vec![SafeText::new(&text)];
        let says = value.map_or_else(|| "neither on nor off".to_owned(), |v| turned(v).to_owned());
        let aimed = !there["targeting"].is_null();
        Ok(match value {
            Some(value) if value == on => {
                done(line(format!("Callers get {flag} {}, read back ({reason}).", turned(on))))
            }
            Some(_) if on && aimed && there["state"] == "ENABLED" => done(line(format!(
                "{flag} is on, and its targeting decides who gets it; callers without attributes do not."
            ))),
            _ => failed(
                format!(
                    "The flag server took it, but callers get {flag} {says} ({reason}), not {}: somebody else \
                     has changed it since, or its server is not the one callers ask.",
                    turned(on)
                ),
                Vec::new(),
            ),
        })
    }

    async fn look_back(&self, order: &Order, key: &str) -> Result<Option<Begun>, SafeText> {
        let (flag, on) = asked(order)?;
        let there = self.there(flag).await?;
        Ok((there["metadata"][MARK] == key).then(|| self.begun(flag, on, "not known")))
    }

    async fn preview(&self, order: &Order) -> Result<SafeText, SafeText> {
        let (flag, on) = asked(order)?;
        let there = self.there(flag).await?;
        let body = switched(&there, on, "")?;
        let (value, reason) = self.evaluated(flag).await?;
        let now = value.map_or("neither on nor off", turned);
        Ok(SafeText::body(&format!(
            "Callers get {flag} {now} ({reason}) and would get it {}.\nDefault variant: {}, then {}. State: {}, \
             then {}.",
            turned(on),
            word(&there["default_variant"]),
            word(&body["default_variant"]),
            word(&there["state"]),
            word(&body["state"])
        )))
    }

    async fn all(&self) -> Result<Vec<Flag>, SafeText> {
        self.administered()?;
        let read = self.server.read(&Call::get(self.admin.as_str())).await?.ok_or_else(|| {
            SafeText::new("The flag server has no admin API, so its flags cannot be listed.")
        })?;
        let mut flags: Vec<Flag> = listed(&self.id, &read)?.iter().map(flag).collect();
        flags.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(flags)
    }
}

/// A flag of the list. What targeting makes of it differs from caller to caller.
fn flag(one: &Value) -> Flag {
    let default = word(&one["default_variant"]);
    let disabled = one["state"] == "DISABLED";
    let aimed = !one["targeting"].is_null() && !disabled;
    let note = match (disabled, aimed) {
        (true, _) => format!("disabled: everybody gets its default variant, {default}"),
        (_, true) => format!("targeted; the others get {default}"),
        _ => String::new(),
    };
    let on = one["variants"][&default].as_bool().filter(|_| !aimed);
    let places = vec![FlagPlace { environment: SafeText::new(""), on, note: SafeText::new(&note) }];
    Flag {
        key: SafeText::new(&word(&one["key"])),
        title: SafeText::new(&word(&one["metadata"]["description"])),
        kind: SafeText::new(""),
        places,
        changed: Timestamp::parse_rfc3339(&word(&one["updated_at"])),
    }
}

#[async_trait]
impl Pipeline for Ofrep {
    fn id(&self) -> &PipelineId {
        &self.id
    }

    fn kind(&self) -> PipelineKind {
        PipelineKind::Ofrep
    }

    fn shown(&self, order: &Order) -> SafeText {
        asked(order).map_or_else(
            |why| why,
            |(flag, on)| {
                let state = if on { "ENABLED" } else { "DISABLED" };
                SafeText::new(&format!(
                    "PUT {}{} with state {state} and a default variant that is {on}",
                    self.server.base(),
                    self.path(flag)
                ))
            },
        )
    }

    async fn dry_run(&self, order: &Order) -> Option<Result<SafeText, SafeText>> {
        Some(self.preview(order).await)
    }

    async fn start(&self, order: &Order, key: &str) -> Result<Begun, NotBegun> {
        self.turn(order, key).await
    }

    async fn watch(&self, order: &Order, _begun: &Begun) -> Result<Progress, SafeText> {
        self.check(order).await
    }

    async fn find(&self, order: &Order, key: &str) -> Result<Option<Begun>, SafeText> {
        self.look_back(order, key).await
    }

    async fn stop(&self, _order: &Order, _begun: &Begun, _reason: &str) -> Result<(), SafeText> {
        let why =
            "A flag is switched at once: there is nothing left to stop. Its undo takes it back.";
        Err(SafeText::new(why))
    }

    async fn flags(&self) -> Option<Result<Vec<Flag>, SafeText>> {
        Some(self.all().await)
    }
}
