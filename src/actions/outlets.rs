//! Every way out, channels and trackers, with what came of what went by it: what got through last, what
//! waits, what failed, and what nobody can tell.

use std::collections::BTreeMap;

use crate::domain::{
    ChannelId, Operation, Outcome, Purpose, SafeText, Span, TicketAct, Timestamp, TrackerId,
};
use crate::eventlog::RecordId;
use crate::model::{Model, OpenOperation, Standing};

/// A failure is shown for so long; its incident's record keeps it.
const FAILED_FOR: Span = Span::from_days(1);

/// A channel or a tracker.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OutletId {
    /// Reaches people.
    Channel(ChannelId),
    /// Keeps tickets.
    Tracker(TrackerId),
}

impl OutletId {
    /// Its name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Channel(id) => id.as_str(),
            Self::Tracker(id) => id.as_str(),
        }
    }
}

/// What came of what went out by one of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlet<'m> {
    /// Which.
    pub id: OutletId,
    /// The last that got through, delivery tests not counted.
    pub last: Option<Passed<'m>>,
    /// What is not through: unknown first, then failed, then waiting; each oldest first.
    pub open: Vec<Pending<'m>>,
}

/// Something that got through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Passed<'m> {
    /// When it was sent.
    pub at: Timestamp,
    /// What.
    pub operation: &'m OpenOperation,
    /// What the other side said.
    pub receipt: &'m str,
}

/// Something that is not through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pending<'m> {
    /// Its request.
    pub request: RecordId,
    /// What.
    pub operation: &'m OpenOperation,
    /// How it stands.
    pub state: PendingState<'m>,
}

/// How something stands that is not through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PendingState<'m> {
    /// It may or may not have arrived; a person settles it.
    Unknown(&'m str),
    /// It certainly did not arrive and is not tried again.
    Failed(&'m str),
    /// It will be tried again, or is being tried.
    Waiting {
        /// Why it did not go the last time; empty the first time.
        why: &'m str,
        /// When it may be tried next.
        next: Option<Timestamp>,
    },
}

impl Outlet<'_> {
    /// How many are unknown, failed and waiting.
    pub fn counts(&self) -> (usize, usize, usize) {
        self.open.iter().fold((0, 0, 0), |(unknown, failed, waiting), one| match one.state {
            PendingState::Unknown(_) => (unknown + 1, failed, waiting),
            PendingState::Failed(_) => (unknown, failed + 1, waiting),
            PendingState::Waiting { .. } => (unknown, failed, waiting + 1),
        })
    }
}

/// Every channel and tracker of the playbook, in its order; what goes by one that is no longer declared is
/// left out.
pub fn outlets(model: &Model, now: Timestamp) -> Vec<Outlet<'_>> {
    let channels = model.playbook.channels.iter().map(|one| OutletId::Channel(one.id.clone()));
    let trackers = model.playbook.trackers.iter().map(|id| OutletId::Tracker(id.clone()));
    let mut all: Vec<Outlet<'_>> =
        channels.chain(trackers).map(|id| Outlet { id, last: None, open: Vec::new() }).collect();
    let places: BTreeMap<OutletId, usize> =
        all.iter().enumerate().map(|(at, one)| (one.id.clone(), at)).collect();
    for (request, operation) in &model.journal.operations {
        let Some(asked) = asked_of(&operation.operation) else { continue };
        // Where it was tried last: a fallback stands in.
        let tried = operation.attempt.as_ref().map_or(asked.clone(), |last| match asked {
            OutletId::Channel(_) => OutletId::Channel(ChannelId::new(&last.by)),
            OutletId::Tracker(_) => OutletId::Tracker(TrackerId::new(&last.by)),
        });
        let state = match operation.standing(now) {
            Standing::Ended(Outcome::Refused { why }) => {
                if is_test(&operation.operation) || now.since(operation.at) > FAILED_FOR {
                    continue;
                }
                PendingState::Failed(why)
            }
            Standing::Ended(outcome) => {
                let passed = Passed { at: sent_at(operation), operation, receipt: said(outcome) };
                if let Some(one) = places.get(&tried).and_then(|at| all.get_mut(*at))
                    && !is_test(&operation.operation)
                    && one.last.is_none_or(|last| last.at < passed.at)
                {
                    one.last = Some(passed);
                }
                continue;
            }
            Standing::OutcomeUnknown => {
                PendingState::Unknown(operation.outcome.as_ref().map_or("", said))
            }
            Standing::UnderWay => match &operation.outcome {
                Some(Outcome::Later { why, at }) => {
                    PendingState::Waiting { why, next: Some(*at).filter(|at| *at > now) }
                }
                _ => PendingState::Waiting { why: "", next: None },
            },
        };
        // Where somebody has to look: there, unless it is still this channel's to deliver.
        let place = if matches!(state, PendingState::Unknown(_)) { &tried } else { &asked };
        if let Some(one) = places.get(place).and_then(|at| all.get_mut(*at)) {
            one.open.push(Pending { request: *request, operation, state });
        }
    }
    for one in &mut all {
        let rank = |state: &PendingState<'_>| match state {
            PendingState::Unknown(_) => 0,
            PendingState::Failed(_) => 1,
            PendingState::Waiting { .. } => 2,
        };
        one.open.sort_by_key(|one| (rank(&one.state), one.operation.at, one.request));
    }
    all
}

/// What an operation is, in a few words: by which channel or tracker, and what.
pub fn what(operation: &Operation) -> String {
    match operation {
        Operation::Send(message) => format!("{}: {}", message.channel, message.subject),
        Operation::Ticket { tracker, act, .. } => match act {
            TicketAct::Open { title, .. } | TicketAct::FollowUp { title, .. } => {
                format!("{tracker}: open {title}")
            }
            TicketAct::Comment { ticket, .. } => format!("{tracker}: comment on {}", ticket.key),
            TicketAct::Transition { ticket, to, .. } => {
                format!("{tracker}: {} to {}", ticket.key, to.name())
            }
        },
        Operation::Run { order, .. } => format!("{}: {}", order.pipeline, order.title),
        Operation::Silence { site, .. } => format!("{site}: silence"),
        Operation::Expire { site, id } => format!("{site}: end of silence {id}"),
    }
}

/// Which channel or tracker was asked; none of what only an Alertmanager does.
fn asked_of(operation: &Operation) -> Option<OutletId> {
    match operation {
        Operation::Send(message) => Some(OutletId::Channel(message.channel.clone())),
        Operation::Ticket { tracker, .. } => Some(OutletId::Tracker(tracker.clone())),
        Operation::Silence { .. } | Operation::Expire { .. } | Operation::Run { .. } => None,
    }
}

fn is_test(operation: &Operation) -> bool {
    matches!(operation, Operation::Send(message)
        if matches!(message.purpose, Purpose::Test { .. }))
}

fn sent_at(operation: &OpenOperation) -> Timestamp {
    operation.attempt.as_ref().map_or(operation.at, |last| last.at)
}

/// What the other side said, or why nobody knows.
fn said(outcome: &Outcome) -> &str {
    let text: Option<&SafeText> = match outcome {
        Outcome::Done { .. } => None,
        Outcome::Received { receipt, .. } => Some(receipt),
        Outcome::Refused { why }
        | Outcome::Unknown { why }
        | Outcome::Later { why, .. }
        | Outcome::Failed { why, .. } => Some(why),
    };
    text.map_or("", SafeText::as_str)
}

#[cfg(test)]
mod checks {
    use std::sync::Arc;

    use pretty_assertions::assert_eq;

    use super::*;
    use crate::domain::{Actor, Audience, Channel, Message, Playbook};
    use crate::eventlog::{EventLog as _, LogEvent, MemoryLog};

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

    fn send(subject: &str, channel: &str, purpose: Purpose) -> LogEvent {
        LogEvent::OperationRequested {
            operation: Operation::Send(Message {
                incident: None,
                purpose,
                channel: ChannelId::new(channel),
                to: Vec::new(),
                subject: subject.into(),
                body: "we are on it".into(),
                severity: None,
                status: None,
            }),
        }
    }

    #[test]
    fn each_way_out_says_what_got_through_and_what_did_not() {
        let channel = |id: &str, fallback: Option<&str>| Channel {
            id: ChannelId::new(id),
            kind: "file",
            audiences: Vec::new(),
            fallback: fallback.map(ChannelId::new),
        };
        let mut model = Model::default();
        model.playbook = Arc::new(Playbook {
            channels: vec![channel("chat", Some("mail")), channel("mail", None)],
            trackers: vec![TrackerId::new("roundup")],
            ..Playbook::default()
        });
        let (me, mut log) = (Actor::new("alice"), MemoryLog::for_demo());
        let mut put = |model: &mut Model, event: LogEvent| {
            let recorded = log.append(&me, NOW, &[event]).unwrap();
            recorded.iter().for_each(|record| model.apply(record));
            recorded[0].id
        };
        let update = || Purpose::Update(Audience::Internal);
        // What was asked, where it was tried, what came of it.
        let why: SafeText = "the line was cut".into();
        let receipt: SafeText = "250 ok".into();
        let received = || Outcome::Received { receipt: receipt.clone(), url: "".into() };
        let later = Outcome::Later { why: why.clone(), at: NOW.plus(Span::from_secs(9)) };
        let cases = [
            ("first", update(), "chat", Some(received())),
            ("by another", update(), "mail", Some(received())),
            ("in doubt there", update(), "mail", Some(Outcome::Unknown { why: why.clone() })),
            ("no room", update(), "chat", Some(Outcome::Refused { why: why.clone() })),
            ("held back", update(), "chat", Some(later)),
            ("being sent", update(), "chat", None),
            ("test", Purpose::Test { nonce: "n".into() }, "chat", Some(received())),
        ];
        for (subject, purpose, by, outcome) in cases {
            let request = put(&mut model, send(subject, "chat", purpose));
            let attempted = LogEvent::OperationAttempted { request, after: None, by: by.into() };
            put(&mut model, attempted);
            if let Some(outcome) = outcome {
                put(&mut model, LogEvent::OperationEnded { request, outcome });
            }
        }
        let told = |one: &Outlet<'_>, now: Timestamp| {
            let last = one
                .last
                .map(|last| format!("{} {}", what(&last.operation.operation), last.receipt));
            let open = one.open.iter().map(|open| {
                let words = match open.state {
                    PendingState::Unknown(why) => format!("unknown: {why}"),
                    PendingState::Failed(why) => format!("failed: {why}"),
                    PendingState::Waiting { why, next } => {
                        format!("waits {:?}: {why}", next.map(|at| at.since(now).to_string()))
                    }
                };
                format!("{} {words}", what(&open.operation.operation))
            });
            (one.id.as_str().to_owned(), last, open.collect::<Vec<_>>())
        };
        let all: Vec<_> = outlets(&model, NOW).iter().map(|one| told(one, NOW)).collect();
        let open = |lines: &[&str]| lines.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            all,
            [
                (
                    "chat".to_owned(),
                    Some("chat: first 250 ok".to_owned()),
                    open(&[
                        "chat: no room failed: the line was cut",
                        "chat: held back waits Some(\"9s\"): the line was cut",
                        "chat: being sent waits None: ",
                    ])
                ),
                (
                    "mail".to_owned(),
                    Some("chat: by another 250 ok".to_owned()),
                    open(&["chat: in doubt there unknown: the line was cut"])
                ),
                ("roundup".to_owned(), None, Vec::new()),
            ]
        );
        let counts: Vec<_> = outlets(&model, NOW).iter().map(Outlet::counts).collect();
        assert_eq!(counts, [(0, 1, 2), (1, 0, 0), (0, 0, 0)]);
        // A day later the failure is the record's business.
        let later = NOW.plus(Span::from_days(2));
        assert_eq!(outlets(&model, later)[0].counts(), (0, 0, 2));
    }
}
