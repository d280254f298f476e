//! The fold of the log: who acknowledged what, notes, and operations whose outcome is open.
//!
//! Records may arrive in any order and more than once; the result is the same. Where records speak
//! about the same thing, the one with the later [`Stamp`] counts, never the one that arrived later.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{Actor, AlertKey, Operation, Outcome, SafeText, Span, Timestamp};
use crate::eventlog::{AlertInstance, LogEvent, RecordId, Recorded, Stamp, Subject};

/// An operation's request and its outcome are this far apart at most while it is being performed; after
/// that it was cut off, and nobody knows what came of it.
const LONGEST_OPERATION: Span = Span::from_secs(60);

/// Who has seen an alert and takes care of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// Who.
    pub by: Actor,
    /// Since when.
    pub at: Timestamp,
    /// Note.
    pub note: SafeText,
}

/// A note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteEntry {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// About what.
    pub about: Subject,
    /// Text.
    pub text: SafeText,
}

/// An operation that was requested, and its outcome when it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOperation {
    /// Who.
    pub by: Actor,
    /// When requested.
    pub at: Timestamp,
    /// What.
    pub operation: Operation,
    /// Outcome; `None` is under way, or was cut off by a crash.
    pub outcome: Option<Outcome>,
    /// The latest attempt of the outbox at it.
    pub attempt: Option<Attempt>,
}

/// An attempt of the outbox at an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The record that says so.
    pub record: RecordId,
    /// When, by the clock of the console that made it.
    pub at: Timestamp,
    /// The channel or tracker tried.
    pub by: SafeText,
    /// How many attempts there have been, this one included.
    pub number: u32,
    /// Whether its outcome is known, be it that it will be tried again.
    pub ended: bool,
}

/// How an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'a> {
    /// Being performed.
    UnderWay,
    /// It may or may not have been done: the answer was lost, or the console that asked was cut off.
    OutcomeUnknown,
    /// Done, or certainly not done.
    Ended(&'a Outcome),
}

impl OpenOperation {
    /// Whether the outbox has not brought it to an end.
    pub fn is_waiting(&self) -> bool {
        self.operation.is_outbox() && self.outcome.as_ref().is_none_or(|o| !o.is_final())
    }

    /// After so long without an outcome it was cut off. A step of a run has a deadline of its own, and until
    /// then any console may look for it.
    const fn longest(&self) -> Span {
        match &self.operation {
            Operation::Run { order, .. } => {
                Span::from_millis(order.deadline.millis() + LONGEST_OPERATION.millis())
            }
            _ => LONGEST_OPERATION,
        }
    }

    /// How it stands at `now`.
    pub fn standing(&self, now: Timestamp) -> Standing<'_> {
        match &self.outcome {
            Some(Outcome::Unknown { .. }) => Standing::OutcomeUnknown,
            Some(Outcome::Later { .. }) => Standing::UnderWay,
            Some(outcome) => Standing::Ended(outcome),
            // The outbox looks after it: it tries, looks back, and says when nobody can tell.
            None if self.operation.is_outbox() => Standing::UnderWay,
            None if now.since(self.at) <= self.longest() => Standing::UnderWay,
            None => Standing::OutcomeUnknown,
        }
    }
}

/// What the log says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Journal {
    /// Current acknowledgements.
    pub acks: BTreeMap<AlertInstance, Arc<Ack>>,
    /// Notes by (time, id), so that order of arrival does not matter.
    pub notes: BTreeMap<(Timestamp, RecordId), NoteEntry>,
    /// Operations by the record that requested them.
    pub operations: BTreeMap<RecordId, OpenOperation>,
    /// The latest word on each alert, also when it was a withdrawal.
    words: BTreeMap<AlertInstance, Word>,
    /// The word that counts on each operation's outcome, also when its request has not arrived.
    outcomes: BTreeMap<RecordId, (Weight, Outcome)>,
    /// Attempts at each operation in the order of their stamps.
    attempts: BTreeMap<RecordId, BTreeMap<Word, Attempt>>,
}

/// Orders what was said about one thing; ids settle what a forked series leaves open.
type Word = (Stamp, RecordId);

/// Something final outweighs "unknown" and "later", whichever came later.
type Weight = (bool, Word);

impl Journal {
    /// Takes in one fact.
    pub fn apply(&mut self, record: &Recorded) {
        let (id, at) = (record.id, record.at);
        match &record.event {
            None | Some(LogEvent::Incident { .. }) => {}
            Some(LogEvent::AlertsAcknowledged { alerts, title: _, note }) => {
                let ack = Arc::new(Ack { by: record.actor.clone(), at, note: note.clone() });
                self.say(record, alerts, Some(&ack));
            }
            Some(LogEvent::AcknowledgementWithdrawn { alerts, note: _ }) => {
                self.say(record, alerts, None);
            }
            Some(LogEvent::Noted { about, text }) => {
                let (about, text) = (about.clone(), text.clone());
                self.notes
                    .insert((at, id), NoteEntry { by: record.actor.clone(), at, about, text });
            }
            Some(LogEvent::OperationRequested { operation }) => {
                let (by, operation) = (record.actor.clone(), operation.clone());
                let open = OpenOperation { by, at, operation, outcome: None, attempt: None };
                self.operations.insert(id, open);
                self.stand(id);
            }
            Some(LogEvent::OperationEnded { request, outcome }) => {
                let weight = (outcome.is_final(), (record.stamp, id));
                if self.outcomes.get(request).is_some_and(|(known, _)| *known >= weight) {
                    return;
                }
                self.outcomes.insert(*request, (weight, outcome.clone()));
                self.stand(*request);
            }
            Some(LogEvent::OperationAttempted { request, after: _, by }) => {
                let attempt = Attempt { record: id, at, by: by.clone(), number: 0, ended: false };
                self.attempts.entry(*request).or_default().insert((record.stamp, id), attempt);
                self.stand(*request);
            }
        }
    }

    /// Every attempt at an operation, oldest first.
    pub fn attempts(&self, request: RecordId) -> impl Iterator<Item = &Attempt> {
        self.attempts.get(&request).into_iter().flat_map(BTreeMap::values)
    }

    /// Only what the outbox still has to do.
    pub fn outbox(&self) -> Self {
        let open = |id: &RecordId| self.operations.get(id).is_some_and(OpenOperation::is_waiting);
        let mut left = Self::default();
        let operations = self.operations.iter().filter(|(id, _)| open(id));
        left.operations = operations.map(|(id, one)| (*id, one.clone())).collect();
        let outcomes = self.outcomes.iter().filter(|(id, _)| open(id));
        left.outcomes = outcomes.map(|(id, one)| (*id, one.clone())).collect();
        let attempts = self.attempts.iter().filter(|(id, _)| open(id));
        left.attempts = attempts.map(|(id, one)| (*id, one.clone())).collect();
        left
    }

    /// Says of an operation what counts now: its last attempt, and the outcome unless a newer attempt
    /// has made an old "later" or "unknown" void.
    fn stand(&mut self, request: RecordId) {
        let Some(operation) = self.operations.get_mut(&request) else { return };
        let outcome = self.outcomes.get(&request);
        let attempts = self.attempts.get(&request);
        let last = attempts.and_then(|all| all.last_key_value());
        let newer = |word: &Word| outcome.is_none_or(|((end, said), _)| !end && said < word);
        let under_way = last.is_some_and(|(word, _)| newer(word));
        operation.attempt = last.map(|(_, attempt)| Attempt {
            number: attempts.map_or(0, |all| u32::try_from(all.len()).unwrap_or(u32::MAX)),
            ended: !under_way,
            ..attempt.clone()
        });
        operation.outcome = outcome.filter(|_| !under_way).map(|(_, outcome)| outcome.clone());
    }

    /// When the outcome that counts was recorded, by its writer's clock.
    pub fn ended_at(&self, request: RecordId) -> Option<Timestamp> {
        let ((_, (stamp, _)), _) = self.outcomes.get(&request)?;
        Some(Timestamp::from_millis(stamp.hybrid.millis))
    }

    /// Notes about any of these alerts, oldest first.
    pub fn notes_about(&self, keys: &[AlertKey]) -> impl Iterator<Item = &NoteEntry> {
        self.notes.values().filter(move |note| match &note.about {
            Subject::Alerts { alerts, .. } => alerts.iter().any(|a| keys.contains(&a.key)),
            Subject::General | Subject::Named(_) => false,
        })
    }

    fn say(&mut self, record: &Recorded, alerts: &[AlertInstance], ack: Option<&Arc<Ack>>) {
        let word = (record.stamp, record.id);
        for alert in alerts {
            if self.words.get(alert).is_some_and(|known| *known >= word) {
                continue;
            }
            self.words.insert(alert.clone(), word);
            match ack {
                Some(ack) => self.acks.insert(alert.clone(), Arc::clone(ack)),
                None => self.acks.remove(alert),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{AlertKey, SilenceId, SiteId};
    use crate::eventlog::{EventLog, MemoryLog, Origin, Position, Signer};

    fn instance(name: &str) -> AlertInstance {
        AlertInstance {
            key: AlertKey { site: SiteId::new("eu"), fingerprint: SafeText::new(name) },
            starts_at: Timestamp::from_millis(1),
        }
    }

    fn ack(names: &[&str], note: &str) -> LogEvent {
        LogEvent::AlertsAcknowledged {
            alerts: names.iter().map(|n| instance(n)).collect(),
            title: "disk".into(),
            note: note.into(),
        }
    }

    fn withdrawal(names: &[&str]) -> LogEvent {
        LogEvent::AcknowledgementWithdrawn {
            alerts: names.iter().map(|n| instance(n)).collect(),
            note: "".into(),
        }
    }

    fn fold<'a>(records: impl IntoIterator<Item = &'a Recorded>) -> Journal {
        let mut journal = Journal::default();
        records.into_iter().for_each(|r| journal.apply(r));
        journal
    }

    #[test]
    fn the_later_word_counts_even_when_the_clock_was_set_back_in_between() {
        let mut log = MemoryLog::for_demo();
        let ada = Actor::new("ada");
        let noon = Timestamp::from_millis(43_200_000);
        let mut records = log.append(&ada, noon, &[ack(&["a", "b"], "looking")]).unwrap();
        let an_hour_back = noon.minus(Span::from_hours(1));
        records.extend(log.append(&ada, an_hour_back, &[withdrawal(&["a"])]).unwrap());
        let journal = fold(records.iter().rev());
        let kept = Ack { by: ada, at: noon, note: "looking".into() };
        assert_eq!(journal.acks, [(instance("b"), Arc::new(kept))].into());
    }

    #[test]
    fn an_operation_cut_off_by_a_crash_has_an_unknown_outcome() {
        let mut log = MemoryLog::for_demo();
        let at = Timestamp::from_millis(0);
        let operation = Operation::Expire { site: SiteId::new("eu"), id: SilenceId::new("s1") };
        let asked = LogEvent::OperationRequested { operation };
        let request = log.append(&Actor::new("ada"), at, &[asked]).unwrap().remove(0);
        let mut journal = fold([&request]);
        let standing = |journal: &Journal, secs: i64| {
            let operation = journal.operations[&request.id].clone();
            match operation.standing(at.plus(Span::from_secs(secs))) {
                Standing::UnderWay => "under way".to_owned(),
                Standing::OutcomeUnknown => "unknown".to_owned(),
                Standing::Ended(outcome) => format!("{outcome:?}"),
            }
        };
        assert_eq!(standing(&journal, 10), "under way");
        assert_eq!(standing(&journal, 61), "unknown");
        let outcome = Outcome::Done { id: None };
        let ended = LogEvent::OperationEnded { request: request.id, outcome };
        journal.apply(&log.append(&Actor::new("ada"), at, &[ended]).unwrap()[0]);
        assert_eq!(standing(&journal, 61), "Done { id: None }");
    }

    fn event() -> impl Strategy<Value = LogEvent> {
        let names = prop::sample::subsequence(vec!["a", "b", "c"], 1..=3);
        prop_oneof![
            (names.clone(), "[a-z]{0,4}").prop_map(|(names, note)| ack(&names, &note)),
            names.prop_map(|names| withdrawal(&names)),
            "[a-z]{1,4}".prop_map(|text| LogEvent::Noted {
                about: Subject::General,
                text: text.as_str().into()
            }),
        ]
    }

    /// What two consoles with clocks of their own wrote, operations with up to three outcomes included.
    fn history(written: Vec<(bool, i64, LogEvent)>, outcomes: Vec<(usize, u8)>) -> Vec<Recorded> {
        let mut logs = [7, 8].map(|n| MemoryLog::new(Signer::from_seed(&[n; 32]), Origin([n; 16])));
        let mut put = |second: bool, at: i64, event: LogEvent| {
            let log = &mut logs[usize::from(second)];
            log.append(&Actor::new("ada"), Timestamp::from_millis(at), &[event]).unwrap().remove(0)
        };
        let mut records: Vec<Recorded> =
            written.into_iter().map(|(second, at, event)| put(second, at, event)).collect();
        let operation = Operation::Expire { site: SiteId::new("eu"), id: SilenceId::new("s1") };
        let request = put(false, 5, LogEvent::OperationRequested { operation });
        for (at, kind) in outcomes {
            let outcome = match kind {
                0 => Outcome::Done { id: None },
                1 => Outcome::Refused { why: "no".into() },
                _ => Outcome::Unknown { why: "lost".into() },
            };
            let ended = LogEvent::OperationEnded { request: request.id, outcome };
            records.push(put(at % 2 == 0, at as i64, ended));
        }
        records.push(request);
        records
    }

    proptest! {
        #[test]
        fn any_order_and_repetition_of_the_records_gives_the_same_journal(
            (records, shuffled) in (
                prop::collection::vec((any::<bool>(), 0i64..20, event()), 0..12),
                prop::collection::vec((0usize..20, 0u8..3), 0..4),
            )
                .prop_map(|(written, outcomes)| history(written, outcomes))
                .prop_flat_map(|records| {
                    let mut twice = records.clone();
                    twice.extend(records.iter().step_by(2).cloned());
                    (Just(records), Just(twice).prop_shuffle())
                })
        ) {
            assert_eq!(fold(&records), fold(&shuffled));
        }
    }

    #[test]
    fn reading_the_log_again_gives_the_journal_that_was_built_while_writing() {
        let mut log = MemoryLog::for_demo();
        let written = log
            .append(
                &Actor::new("ada"),
                Timestamp::from_millis(3),
                &[ack(&["a"], "n"), withdrawal(&["a"]), ack(&["b"], "m")],
            )
            .unwrap();
        let read = log.read_after(Position::default()).unwrap().records;
        assert_eq!(fold(&written), fold(&read));
    }
}
