//! Channels against what they speak to: real servers where there are any, else a double of ours that holds
//! each request against the vendor's documented shape and fails on demand.

mod crash;
mod desktop;
pub(crate) mod emulated;
mod hosted;
mod kannel;
pub(crate) mod mail;
mod mail_tls;
mod synapse;
mod vendors;
mod vigil;

use std::sync::Arc;

use quarterdeck::connectors::Clock;
use quarterdeck::connectors::outbound::config::{ChannelConfig, Endpoint, Way};
use quarterdeck::connectors::outbound::{Outlet, channel};
use quarterdeck::connectors::registry::Basic;
use quarterdeck::connectors::secret::SecretRef;
use quarterdeck::domain::{
    Audience, ChannelId, IncidentId, Message, Operation, Outcome, Purpose, SafeText, Severity,
    Span, Status, Timestamp,
};

/// The key of every operation here: the id of a record.
pub(crate) const KEY: &str = "5eed0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab";
/// What of it stands in texts.
pub(crate) const MARK: &str = "ref 5eed01234567";
/// A moment that is nobody's present.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

/// Text that means something to mail, markup, chat and terminals, and must arrive as text.
pub(crate) const HOSTILE: &str = "Bezahlung gestört – 支払い 💳\n.\n.\r\nBcc: x@y.example\n\
                                  <!channel> <b>bold</b> &amp; {{7*7}} \"quoted\" \\ 'single'\n\
                                  -- \n--- quarterdeck 00\nlast line";

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(|| NOW)
}

pub(crate) fn outlet(way: Way, to: &[&str]) -> Arc<dyn Outlet> {
    let to = to.iter().map(|to| SafeText::new(to)).collect();
    channel(&ChannelConfig { id: ChannelId::new("out"), to, way }, &clock())
}

/// An update of an incident.
pub(crate) fn update(body: &str) -> Message {
    Message {
        incident: Some(IncidentId::new("INC-7")),
        purpose: Purpose::Update(Audience::Internal),
        channel: ChannelId::new("out"),
        to: Vec::new(),
        subject: SafeText::new("SEV-1 Zahlung – checkout"),
        body: SafeText::body(body),
        severity: Some(Severity::Sev1),
        status: Some(Status::Identified),
    }
}

pub(crate) fn send(message: &Message) -> Operation {
    Operation::Send(message.clone())
}

pub(crate) fn with_token(url: &str, token: &str) -> Endpoint {
    let token = Some(SecretRef::Given(token.to_owned()));
    Endpoint { token, timeout: Span::from_millis(1_500), ..Endpoint::new(url) }
}

pub(crate) fn with_password(url: &str, user: &str, password: &str) -> Endpoint {
    let password = SecretRef::Given(password.to_owned());
    let basic = Some(Basic { user: user.to_owned(), password });
    Endpoint { basic, timeout: Span::from_millis(1_500), ..Endpoint::new(url) }
}

/// An outcome in a word.
pub(crate) fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done { .. } => "done",
        Outcome::Received { .. } => "received",
        Outcome::Refused { .. } => "refused",
        Outcome::Unknown { .. } => "unknown",
        Outcome::Later { .. } => "later",
        Outcome::Failed { .. } => "failed",
    }
}

/// The other side's receipt.
pub(crate) fn receipt(outcome: &Outcome) -> &str {
    let Outcome::Received { receipt, .. } = outcome else { panic!("not received: {outcome:?}") };
    receipt
}

#[tokio::test]
async fn a_file_takes_each_message_once_and_can_be_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("updates.txt");
    let file = outlet(Way::File(path.clone()), &[]);
    let message = update(HOSTILE);
    let operation = send(&message);
    assert_eq!(word(&file.look_back(&operation, KEY).await), "later", "nothing is there yet");
    let taken = file.perform(&operation, KEY).await;
    assert_eq!(receipt(&taken), path.display().to_string());
    assert_eq!(file.look_back(&operation, KEY).await, taken);
    let other = KEY.replace('5', "6");
    assert_eq!(word(&file.look_back(&operation, &other).await), "later");
    let text = std::fs::read_to_string(&path).unwrap();
    let entry =
        format!("--- quarterdeck {KEY}\n{NOW}\n{}\n\n{}\n\n", message.subject, message.body);
    assert_eq!(text, entry);

    let nowhere = outlet(Way::File(dir.path().join("none/x")), &[]);
    assert_eq!(word(&nowhere.perform(&operation, KEY).await), "refused");
}
