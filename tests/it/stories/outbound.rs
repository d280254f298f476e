//! Ways out for pictures of the screens: one that works, one never tested, one that failed, one in doubt.

use std::sync::Arc;

use quarterdeck::app::State;
use quarterdeck::domain::*;
use quarterdeck::eventlog::RecordId;
use quarterdeck::model::{Attempt, OpenOperation};

use super::incident::{record, swing};
use super::now;

fn channel(
    id: &str,
    kind: &'static str,
    audiences: &[Audience],
    fallback: Option<&str>,
) -> Channel {
    Channel {
        id: ChannelId::new(id),
        kind,
        audiences: audiences.to_vec(),
        fallback: fallback.map(ChannelId::new),
    }
}

/// A message sent so many minutes ago, and what came of it.
fn sent(
    id: &str,
    minutes: i64,
    (purpose, subject): (Purpose, &str),
    outcome: Option<Outcome>,
) -> OpenOperation {
    let at = now().minus(Span::from_mins(minutes));
    let is_test = matches!(purpose, Purpose::Test { .. });
    OpenOperation {
        by: Actor::new("carol"),
        at,
        operation: Operation::Send(Message {
            incident: (!is_test).then(|| IncidentId::new("INC-7KQ4M")),
            purpose,
            channel: ChannelId::new(id),
            to: Vec::new(),
            subject: subject.into(),
            body: "…".into(),
            severity: None,
            status: None,
        }),
        attempt: Some(Attempt {
            record: RecordId([9; 32]),
            at,
            by: id.into(),
            number: 2,
            ended: outcome.is_some(),
        }),
        outcome,
    }
}

/// Everything that can be said of a way out, during an incident.
pub(crate) fn ways_out() -> State {
    use Audience::{External, Internal};
    let mut state = swing();
    state.model.playbook = Arc::new(Playbook {
        channels: vec![
            channel("ops-chat", "slack", &[Internal], Some("mail")),
            channel("mail", "smtp", &[Internal, External], Some("sms")),
            channel("status-page", "statuspage", &[External], None),
            channel("sms", "sms", &[], None),
            channel("partner-hook", "webhook", &[External], None),
        ],
        trackers: vec![TrackerId::new("jira")],
        ..Playbook::default()
    });
    let test = |nonce: &str| (Purpose::Test { nonce: nonce.into() }, "Quarterdeck delivery test");
    let update = |subject| (Purpose::Update(External), subject);
    let received = |receipt: &str| {
        Some(Outcome::Received { receipt: receipt.into(), url: SafeText::default() })
    };
    let unknown = || {
        let why = "The answer was lost; it may have been taken all the same.";
        Some(Outcome::Unknown { why: why.into() })
    };
    let refused =
        Some(Outcome::Refused { why: "It does not accept our credentials (401).".into() });
    let later = Some(Outcome::Later {
        why: "It asks us to slow down (429).".into(),
        at: now().plus(Span::from_secs(40)),
    });
    let day = 24 * 60;
    let all = [
        sent("ops-chat", 3 * day, test("scheduled-2968"), received("1732285927.000100")),
        sent("ops-chat", 10 * day, test("scheduled-2967"), received("1731681127.000300")),
        sent("ops-chat", 12, update("Rollback under way"), received("1732285930.000200")),
        sent("mail", 20, test("asked-1732284727000"), received("250 2.0.0 Ok: queued")),
        sent("mail", 6, update("Cards are declined in Europe"), unknown()),
        sent("mail", 1, update("Cards work again for most"), later),
        sent("mail", 9, update("First word"), received("250 2.0.0 Ok: queued")),
        sent("status-page", 90, test("asked-1732280527000"), refused),
        sent("partner-hook", 15 * day, test("scheduled-2966"), received("status 200")),
        sent("sms", 1, test("asked-1732285867000"), None),
    ];
    let all = (2_000..).map(record).zip(all);
    state.model.journal.operations = all.collect();
    state
}
