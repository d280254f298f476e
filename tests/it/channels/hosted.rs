//! Every kind of failure at every hosted channel, through the real outbox: sent once, or looked up, or by the
//! fallback, or shown as one of which nobody can tell; and every try of one message carries its key.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pretty_assertions::assert_eq;
use quarterdeck::connectors::Clock;
use quarterdeck::connectors::outbound::config::{ChannelConfig, Endpoint, Way};
use quarterdeck::connectors::outbound::{Outlet, channel};
use quarterdeck::domain::{
    Actor, Channel, ChannelId, Operation, Outcome, Playbook, SafeText, Span, Timestamp,
};
use quarterdeck::eventlog::{EventLog as _, LogEvent, MemoryLog, Position};
use quarterdeck::model::Journal;
use quarterdeck::runtime::run_alone;
use tokio::task::JoinSet;

use super::{HOSTILE, send, update, with_password, with_token, word};
use crate::double::{
    Answer, Double, Fault, Hook, Hosted, Ntfy, Request, Slack, Statuspage, Teams, Twilio, Vendor,
};

const ACCOUNT: &str = "AC00000000000000000000000000000000";

fn clock() -> Arc<dyn Clock> {
    Arc::new(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap())
    })
}

/// What is to come of a failure: the outcome in a word, how often it was written, how often it arrived.
type Fate = (&'static str, usize, usize);

/// The failures, with what they come to at vendors that keep what they took, and at those that do not.
fn faults() -> Vec<(&'static str, Fault, Fate, Fate)> {
    let says = |status| Answer::new(status, "");
    let busy = |status| Fault::Says(says(status).with("retry-after", "1"));
    let late = Fault::DoneButLate(Duration::from_millis(2_500));
    let (once, again, lost) = (("received", 1, 1), ("received", 2, 1), ("unknown", 1, 1));
    vec![
        ("429", busy(429), again, again),
        ("503", busy(503), again, again),
        ("500", Fault::Says(says(500)), again, ("unknown", 1, 0)),
        ("502 though taken", Fault::DoneButSays(says(502)), once, lost),
        ("cut after taking", Fault::DoneButCut, once, lost),
        ("late", late, once, lost),
        ("silent", Fault::Silent, again, ("unknown", 1, 0)),
        ("answered twice", Fault::AnsweredTwice, once, once),
        ("403", Fault::Says(says(403)), ("by the fallback", 1, 0), ("by the fallback", 1, 0)),
        ("413", Fault::Says(says(413)), ("by the fallback", 1, 0), ("by the fallback", 1, 0)),
    ]
}

/// Sends one message by the outbox and waits for its end.
async fn sent(way: Way, to: &[&str], folder: &std::path::Path) -> Outcome {
    let config = |name: &str, way, to: &[&str]| {
        let to = to.iter().map(|to| SafeText::new(to)).collect();
        channel(&ChannelConfig { id: ChannelId::new(name), to, way }, &clock())
    };
    let path = folder.join("notes.txt");
    let outlets: Vec<Arc<dyn Outlet>> =
        vec![config("out", way, to), config("notes", Way::File(path), &[])];
    let known = |name: &str, fallback: Option<&str>| Channel {
        id: ChannelId::new(name),
        kind: "",
        audiences: Vec::new(),
        fallback: fallback.map(ChannelId::new),
    };
    let channels = vec![known("out", Some("notes")), known("notes", None)];
    let playbook = Arc::new(Playbook { channels, ..Playbook::default() });
    let mut log = MemoryLog::for_demo();
    let operation: Operation = send(&update(HOSTILE));
    let robin = Actor::new("robin");
    let asked = LogEvent::OperationRequested { operation };
    let asked = log.append(&robin, clock().now(), &[asked]).unwrap();
    let position = log.read_after(Position::default()).unwrap().position;
    let mut journal = Journal::default();
    asked.iter().for_each(|record| journal.apply(record));
    let by = (robin, clock());
    let patience = Duration::from_secs(30);
    let records =
        run_alone(Box::new(log), position, journal, outlets, playbook, by, patience).await.unwrap();
    let ends = records.into_iter().filter_map(|record| match record.event {
        Some(LogEvent::OperationEnded { outcome, .. }) => Some(outcome),
        _ => None,
    });
    ends.last().unwrap()
}

/// What of a request says which message it is.
fn key(request: &Request) -> String {
    let body = &request.body;
    let mark = body.find("ref+").or_else(|| body.find("ref ")).map(|at| &body[at + 4..at + 16]);
    request.header("idempotency-key").or(mark).unwrap_or_default().to_owned()
}

/// Puts one vendor through every failure, all at once.
fn every_failure<V: Vendor>(
    all: &mut JoinSet<()>,
    name: &'static str,
    keeps: bool,
    make: impl Fn() -> V,
    way: fn(&Double) -> (Way, &'static [&'static str]),
    arrived: fn(&V) -> usize,
) {
    for (fault, what, kept, lost) in faults() {
        let double = Hosted::start(make());
        // Reading is not what fails here.
        let (method, part) = if name == "slack" { ("POST", "chat.") } else { ("POST", "") };
        double.fail_at(method, part, what);
        all.spawn(async move {
            let folder = tempfile::tempdir().unwrap();
            let (way, to) = way(&double);
            let outcome = sent(way, to, folder.path()).await;
            let by_fallback = matches!(&outcome, Outcome::Received { receipt, .. }
                if receipt.ends_with("notes.txt"));
            let came = if by_fallback { "by the fallback" } else { word(&outcome) };
            let asked = double.asked();
            let is_write = |one: &&Request| {
                one.method != "GET" && !one.path.ends_with("conversations.history")
            };
            let keys: Vec<String> = asked.iter().filter(is_write).map(key).collect();
            let there = arrived(&double.there());
            let fate = (came, keys.len(), there);
            let wanted = if keeps { kept } else { lost };
            assert_eq!(fate, wanted, "{name}, {fault}: {outcome:?}");
            assert!(keys.iter().all(|key| *key == keys[0]), "{name}, {fault}: {keys:?}");
        });
    }
}

fn short(endpoint: Endpoint) -> Endpoint {
    Endpoint { timeout: Span::from_millis(1_500), ..endpoint }
}

#[tokio::test]
async fn every_channel_ends_right_whatever_the_vendor_does() {
    let mut all = JoinSet::new();
    let slack =
        |double: &Double| (Way::Slack(with_token(&double.url("/api"), "xoxb-x")), &["C1"][..]);
    every_failure(&mut all, "slack", true, Slack::default, slack, |there| there.messages.len());
    let hook = |double: &Double| {
        (Way::SlackWebhook(short(Endpoint::new(&double.url("/services/T0/B0/x")))), &[][..])
    };
    every_failure(&mut all, "slack-webhook", false, Slack::default, hook, |there| {
        there.messages.len()
    });
    let sms = |double: &Double| {
        let endpoint = with_password(&double.url(""), ACCOUNT, "t0ken");
        (
            Way::Sms { endpoint, account: ACCOUNT.into(), from: "+15550100".into() },
            &["+15550101"][..],
        )
    };
    every_failure(&mut all, "sms", true, Twilio::default, sms, |there| there.messages.len());
    let page = |double: &Double| {
        let endpoint = with_token(&double.url("/v1"), "key");
        (Way::Statuspage { endpoint, page: "p1".into(), components: vec!["c1".into()] }, &[][..])
    };
    every_failure(&mut all, "statuspage", true, Statuspage::default, page, |there| {
        there.published().len()
    });
    let teams = |double: &Double| {
        (Way::Teams(short(Endpoint::new(&double.url("/workflows/x?sig=y")))), &[][..])
    };
    every_failure(&mut all, "teams", false, Teams::default, teams, |there| there.cards.len());
    let ntfy = |double: &Double| (Way::Ntfy(with_token(&double.url(""), "tk_x")), &["pages"][..]);
    every_failure(&mut all, "ntfy", true, Ntfy::default, ntfy, |there| there.messages.len());
    let robot = |double: &Double| (Way::Webhook(short(Endpoint::new(&double.url("/in")))), &[][..]);
    every_failure(&mut all, "webhook", false, Hook::default, robot, |there| there.taken.len());
    while let Some(done) = all.join_next().await {
        done.unwrap();
    }
}

#[tokio::test]
async fn slack_keeps_the_mark_of_a_text_that_it_would_cut() {
    let double = Hosted::start(Slack::default());
    let slack = super::outlet(Way::Slack(with_token(&double.url("/api"), "xoxb-x")), &["C1"]);
    let long = send(&update(&"<&>".repeat(20_000)));
    let taken = slack.perform(&long, super::KEY).await;
    assert_eq!(
        (word(&taken), slack.look_back(&long, super::KEY).await),
        ("received", taken.clone())
    );
    let text = double.there().messages[0]["text"].as_str().unwrap().to_owned();
    assert!(text.chars().count() < 40_000 && text.ends_with("_ref 5eed01234567_"));
}
