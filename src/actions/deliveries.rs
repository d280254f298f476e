//! Whether each channel can be trusted: tested on schedule and on demand, with what came of it.
//!
//! A test is a message with a nonce; it counts as delivered when the channel took it and, where the other
//! side keeps messages, when it was found there. What has never been tested is not known to work.

use std::collections::BTreeMap;

use crate::domain::{ChannelId, Message, Operation, Outcome, Purpose, SafeText, Span, Timestamp};
use crate::eventlog::{LogEvent, Power};
use crate::model::{Model, OpenOperation};

use super::incident::{Writer, may};
use super::refusal::{Refusal, Rule};

/// How a channel stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Which.
    pub channel: ChannelId,
    /// What its last test says.
    pub standing: DeliveryStanding,
    /// When it was last tested.
    pub tested: Option<Timestamp>,
    /// What its last test carried; empty when there was none.
    pub nonce: SafeText,
    /// Earlier tests, newest first: when, and whether it worked; at most twenty.
    pub history: Vec<(Timestamp, bool)>,
}

/// What the last test of a channel says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryStanding {
    /// Nobody has tried.
    Untested,
    /// Under way.
    UnderWay,
    /// Arrived; what the other side said.
    Works(SafeText),
    /// Arrived, but longer ago than tests are due.
    Stale,
    /// Did not arrive.
    Fails(SafeText),
    /// Nobody can tell whether it arrived.
    Unknown(SafeText),
}

impl DeliveryStanding {
    /// Whether an update may be trusted to it.
    pub const fn is_trusted(&self) -> bool {
        matches!(self, Self::Works(_))
    }
}

/// Every channel of the playbook, in its order.
pub fn deliveries(model: &Model, now: Timestamp) -> Vec<Delivery> {
    let mut tests: BTreeMap<&ChannelId, Vec<(&SafeText, &OpenOperation)>> = BTreeMap::new();
    for operation in model.journal.operations.values() {
        if let Operation::Send(Message { channel, purpose: Purpose::Test { nonce }, .. }) =
            &operation.operation
        {
            tests.entry(channel).or_default().push((nonce, operation));
        }
    }
    let channels = model.playbook.channels.iter();
    channels
        .map(|channel| {
            delivery(model, &channel.id, tests.remove(&channel.id).unwrap_or_default(), now)
        })
        .collect()
}

fn delivery(
    model: &Model,
    channel: &ChannelId,
    mut tests: Vec<(&SafeText, &OpenOperation)>,
    now: Timestamp,
) -> Delivery {
    tests.sort_by_key(|(_, test)| std::cmp::Reverse(test.at));
    let nonce = tests.first().map(|(nonce, _)| (*nonce).clone()).unwrap_or_default();
    let tests: Vec<&OpenOperation> = tests.into_iter().map(|(_, test)| test).collect();
    let ended = |test: &&OpenOperation| test.outcome.as_ref().is_some_and(Outcome::is_final);
    let done = |test: &OpenOperation| test.outcome.as_ref().is_some_and(Outcome::is_done);
    let due = model.playbook.test_every;
    let standing = match tests.first() {
        None => DeliveryStanding::Untested,
        Some(test) => match &test.outcome {
            None => DeliveryStanding::UnderWay,
            Some(
                Outcome::Refused { why } | Outcome::Later { why, .. } | Outcome::Failed { why, .. },
            ) => DeliveryStanding::Fails(why.clone()),
            Some(Outcome::Unknown { why }) => DeliveryStanding::Unknown(why.clone()),
            // One interval of grace: the next test is due, not yet missed.
            Some(_) if due > Span::ZERO && now.since(test.at).millis() > due.millis() * 2 => {
                DeliveryStanding::Stale
            }
            Some(Outcome::Received { receipt, .. }) => DeliveryStanding::Works(receipt.clone()),
            Some(Outcome::Done { .. }) => DeliveryStanding::Works(SafeText::default()),
        },
    };
    Delivery {
        channel: channel.clone(),
        standing,
        tested: tests.first().map(|test| test.at),
        nonce,
        history: tests.iter().filter(|t| ended(t)).take(20).map(|t| (t.at, done(t))).collect(),
    }
}

/// A test of one channel that `by` asks for.
///
/// # Errors
/// When the policy does not allow it, the channel is not declared, or its test is under way.
pub fn ask_delivery_test(
    model: &Model,
    by: &Writer,
    channel: &ChannelId,
    now: Timestamp,
) -> Result<LogEvent, Refusal> {
    may(model, by, Power::Publish, now)?;
    let known = deliveries(model, now).into_iter().find(|one| one.channel == *channel);
    match known.map(|one| one.standing) {
        None => {
            let sentence = format!("There is no channel `{channel}` in the playbook.");
            Err(Refusal::new(Rule::NoSuch, sentence))
        }
        Some(DeliveryStanding::UnderWay) => {
            let sentence = format!("A test of {channel} is under way; wait for what comes of it.");
            Err(Refusal::new(Rule::Same, sentence))
        }
        Some(_) => Ok(delivery_test(channel, now)),
    }
}

/// A test of one channel, asked for now.
pub fn delivery_test(channel: &ChannelId, now: Timestamp) -> LogEvent {
    test(channel, &format!("asked-{}", now.millis()))
}

/// The tests that are due on schedule. Every console finds the same ones; the store takes each once.
pub fn due_delivery_tests(model: &Model, now: Timestamp) -> Vec<LogEvent> {
    let every = model.playbook.test_every.millis();
    if every <= 0 {
        return Vec::new();
    }
    let period = now.millis().div_euclid(every);
    let due =
        |one: &Delivery| one.tested.is_none_or(|last| last.millis().div_euclid(every) < period);
    let all = deliveries(model, now).into_iter().filter(due);
    all.map(|one| test(&one.channel, &format!("scheduled-{period}"))).collect()
}

fn test(channel: &ChannelId, nonce: &str) -> LogEvent {
    let message = Message {
        incident: None,
        purpose: Purpose::Test { nonce: SafeText::new(nonce) },
        channel: channel.clone(),
        to: Vec::new(),
        subject: SafeText::new("Quarterdeck delivery test"),
        body: SafeText::new(&format!(
            "This tests that incident updates reach you. Nothing is wrong and nothing is to be done. \
             Test {nonce}."
        )),
        severity: None,
        status: None,
    };
    LogEvent::OperationRequested { operation: Operation::Send(message) }
}

#[cfg(test)]
mod checks {
    use std::sync::Arc;

    use pretty_assertions::assert_eq;

    use super::*;
    use crate::domain::{Actor, Channel, Playbook};
    use crate::eventlog::{EventLog as _, MemoryLog};

    fn world() -> (Model, MemoryLog) {
        let channels = ["mail", "chat"].map(|id| Channel {
            id: ChannelId::new(id),
            kind: "file",
            audiences: Vec::new(),
            fallback: None,
        });
        let playbook = Playbook { channels: channels.to_vec(), ..Playbook::default() };
        let mut model = Model::default();
        model.playbook = Arc::new(playbook);
        (model, MemoryLog::for_demo())
    }

    fn standings(model: &Model, now: Timestamp) -> Vec<DeliveryStanding> {
        deliveries(model, now).into_iter().map(|d| d.standing).collect()
    }

    #[test]
    fn each_channel_is_tested_once_a_period_and_what_fails_stands_out() {
        use DeliveryStanding::{Fails, Stale, UnderWay, Untested, Works};
        let (mut model, mut log) = world();
        let week = model.playbook.test_every;
        let start = Timestamp::from_millis(week.millis() * 100 + 5);
        assert_eq!(standings(&model, start), [Untested, Untested]);
        let due = due_delivery_tests(&model, start);
        assert_eq!(due.len(), 2);
        let me = Actor::new("alice");
        let asked = log.append(&me, start, &due).unwrap();
        asked.iter().for_each(|r| model.apply(r));
        assert_eq!(standings(&model, start), [UnderWay, UnderWay]);
        assert_eq!(due_delivery_tests(&model, start), []);

        let (receipt, url) = (SafeText::new("250 ok"), SafeText::default());
        let why = SafeText::new("no such room");
        let ends = [
            Outcome::Received { receipt: receipt.clone(), url },
            Outcome::Refused { why: why.clone() },
        ];
        let ends: Vec<LogEvent> = std::iter::zip(&asked, ends)
            .map(|(r, outcome)| LogEvent::OperationEnded { request: r.id, outcome })
            .collect();
        log.append(&me, start, &ends).unwrap().iter().for_each(|r| model.apply(r));
        assert_eq!(standings(&model, start), [Works(receipt), Fails(why.clone())]);

        let later = start.plus(week);
        assert_eq!(due_delivery_tests(&model, later).len(), 2);
        let missed = later.plus(week).plus(Span::from_secs(1));
        assert_eq!(standings(&model, missed), [Stale, Fails(why)]);
    }
}
