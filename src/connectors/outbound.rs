//! What goes out: channels that reach people and trackers that hold tickets.
//!
//! ```text
//! outbox (runtime) ── attempt recorded ──► Outlet::perform ──► Outcome ── recorded
//!                     └ found cut off ───► Outlet::look_back ─► what came of it, or still unknown
//! ```
//!
//! The key of every attempt of one operation is the same: the id of the record that requested it, as 64
//! hexadecimal digits. It is sent along wherever the other side takes one, and put into the text where it
//! does not, so that an attempt whose answer was lost can be found again.
//!
//! | outlet | repeats | looks back |
//! |---|---|---|
//! | `smtp` | `Message-ID` is the key | no: unknown stays unknown |
//! | `slack` | – | the channel's history, for the mark in the text |
//! | `slack-webhook`, `teams` | – | no |
//! | `matrix` | transaction id is the key: a repeat gives the same event | by repeating |
//! | `webhook` | `Idempotency-Key` | no |
//! | `ntfy` | – | the topic's cached messages |
//! | `sms` | – | the account's messages to that number |
//! | `kannel` | – | no: a gateway passes on and keeps nothing |
//! | `vigil` | – | the page's announcements, for the mark in the title |
//! | `statuspage` | – | the page's unresolved incidents |
//! | `desktop` | – | no: it is seen or it is not |
//! | `file` | – | the file itself |
//! | [`Rehearsal`] | sends nothing | – |

mod chat;
pub mod config;
mod desktop;
mod file;
mod kannel;
mod mail;
mod push;
mod rehearsal;
mod statuspage;
mod vigil;
mod web;

pub use chat::{Matrix, Slack, SlackWebhook, Teams};

pub use desktop::Desktop;
pub use file::File;
pub use kannel::Kannel;
pub use mail::Mail;
pub use push::{Ntfy, Sms, Webhook};
pub use rehearsal::Rehearsal;
pub use statuspage::Statuspage;
pub use vigil::Vigil;
pub use web::{Body, Call, Verb, Web};

use std::sync::Arc;

use async_trait::async_trait;
use config::{ChannelConfig, Endpoint, Way};

use super::Clock;
use crate::domain::{Message, Operation, Outcome, SafeText, TicketRef, TicketSeen};

/// One channel or tracker.
#[async_trait]
pub trait Outlet: Send + Sync {
    /// Its name in the configuration.
    fn name(&self) -> &str;

    /// One attempt. `Refused` is certainly not done and would be refused again, `Later` certainly not done
    /// but worth another try, `Unknown` when the request left and no answer that counts came.
    async fn perform(&self, operation: &Operation, key: &str) -> Outcome;

    /// What came of an attempt whose answer was lost: `Received` when it is found there, `Later` when it
    /// certainly is not, `Unknown` when this cannot be told.
    async fn look_back(&self, operation: &Operation, key: &str) -> Outcome {
        let (_, _) = (operation, key);
        let why = format!("{} keeps nothing that could be looked at afterwards.", self.name());
        Outcome::Unknown { why: SafeText::body(&why) }
    }

    /// How tickets of ours stand; nothing for channels.
    async fn tickets(&self, _known: &[TicketRef]) -> Result<Vec<TicketSeen>, SafeText> {
        Ok(Vec::new())
    }
}

/// The outlet of a channel as it is configured.
pub fn channel(config: &ChannelConfig, clock: &Arc<dyn Clock>) -> Arc<dyn Outlet> {
    let name = config.id.to_string();
    let web = |endpoint: &Endpoint| {
        Web::new(&format!("The channel {name}"), endpoint, config.scheme(), clock.clone())
    };
    let place = config.to.first().map(ToString::to_string).unwrap_or_default();
    match &config.way {
        Way::Smtp(smtp) => {
            Arc::new(Mail::new(name, smtp.clone(), config.to.clone(), clock.clone()))
        }
        Way::SlackWebhook(endpoint) => {
            let web = web(endpoint);
            Arc::new(SlackWebhook::new(name, web))
        }
        Way::Slack(endpoint) => {
            let web = web(endpoint);
            Arc::new(Slack::new(name, place, web))
        }
        Way::Teams(endpoint) => {
            let web = web(endpoint);
            Arc::new(Teams::new(name, web))
        }
        Way::Matrix(endpoint) => {
            let web = web(endpoint);
            Arc::new(Matrix::new(name, place, web))
        }
        Way::Webhook(endpoint) => {
            let web = web(endpoint);
            Arc::new(Webhook::new(name, web))
        }
        Way::Ntfy(endpoint) => {
            let web = web(endpoint);
            Arc::new(Ntfy::new(name, place, web))
        }
        Way::Sms { endpoint, account, from } => {
            let web = web(endpoint);
            let (account, from) = (account.to_string(), from.to_string());
            let to = config.to.iter().map(ToString::to_string).collect();
            Arc::new(Sms::new(name, account, from, to, web))
        }
        Way::Kannel { endpoint, from } => {
            let web = web(&kannel::credentials(endpoint));
            let to = config.to.iter().map(ToString::to_string).collect();
            Arc::new(Kannel::new(name, from.to_string(), to, web))
        }
        Way::Vigil(endpoint) => {
            let page = endpoint.address().to_string();
            let web = web(&vigil::credentials(endpoint));
            Arc::new(Vigil::new(name, page, web))
        }
        Way::Statuspage { endpoint, page, components } => {
            let web = web(endpoint);
            Arc::new(Statuspage::new(name, page.to_string(), components.clone(), web))
        }
        Way::Desktop => Arc::new(Desktop::new(name)),
        Way::File(path) => Arc::new(File::new(name, path.clone(), clock.clone())),
    }
}

/// The message of an operation; anything else cannot be sent by a channel.
fn message(operation: &Operation) -> Result<&Message, Outcome> {
    match operation {
        Operation::Send(message) => Ok(message),
        _ => Err(Outcome::Refused { why: SafeText::new("This channel only sends messages.") }),
    }
}

/// The mark put into a text so that it can be found again: short, but enough to be one of its kind.
fn mark(key: &str) -> String {
    format!("ref {}", key.get(..12).unwrap_or(key))
}

/// Where the other side's word is final.
fn received(receipt: impl AsRef<str>, url: impl AsRef<str>) -> Outcome {
    Outcome::Received { receipt: SafeText::new(receipt.as_ref()), url: SafeText::new(url.as_ref()) }
}

/// Certainly not done, and would be refused again.
fn refused(why: impl AsRef<str>) -> Outcome {
    Outcome::Refused { why: SafeText::body(why.as_ref()) }
}

/// Nobody can tell.
fn unknown(why: impl AsRef<str>) -> Outcome {
    Outcome::Unknown { why: SafeText::body(why.as_ref()) }
}

/// A text of at most so many bytes: what the other side would refuse, or cut together with our mark.
fn shortened(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let room = most.saturating_sub('…'.len_utf8());
    let end = (0..=room).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", &text[..end])
}

/// Subject and text as one, for channels without a subject.
fn whole(message: &Message) -> String {
    match (message.subject.is_empty(), message.body.is_empty()) {
        (true, _) => message.body.to_string(),
        (_, true) => message.subject.to_string(),
        _ => format!("{}\n\n{}", message.subject, message.body),
    }
}
