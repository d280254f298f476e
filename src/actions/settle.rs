//! Settling what nobody can tell: an operation whose answer was lost is never repeated; a person looks at
//! the other side and says what came of it.

use crate::domain::{Actor, Outcome, SafeText, Timestamp};
use crate::eventlog::{LogEvent, RecordId};
use crate::model::{Model, OpenOperation, Standing};

use super::refusal::{Refusal, Rule};

/// Most bytes of the reason.
const WHY_BYTES: usize = 4 * 1024;

/// Operations of which nobody can tell what came, oldest first.
pub fn unsettled(model: &Model, now: Timestamp) -> Vec<(RecordId, &OpenOperation)> {
    let all = model.journal.operations.iter().map(|(id, one)| (*id, one));
    let mut open: Vec<_> =
        all.filter(|(_, one)| one.standing(now) == Standing::OutcomeUnknown).collect();
    open.sort_by_key(|(id, one)| (one.at, *id));
    open
}

/// What `by` says came of an operation.
///
/// # Errors
/// When it is not known, is not unsettled, or no reason is given.
pub fn settle(
    model: &Model,
    by: &Actor,
    request: RecordId,
    done: bool,
    why: &str,
    now: Timestamp,
) -> Result<LogEvent, Refusal> {
    let Some(operation) = model.journal.operations.get(&request) else {
        return Err(Refusal::new(Rule::NoSuch, "Nothing in the outbox has this id."));
    };
    match operation.standing(now) {
        Standing::OutcomeUnknown => {}
        Standing::UnderWay => {
            return Err(Refusal::new(
                Rule::NotLive,
                "It is still being tried, so there is nothing to settle yet. Wait for its outcome.",
            ));
        }
        Standing::Ended(_) => {
            return Err(Refusal::new(Rule::Same, "What came of it is known already."));
        }
    }
    let why = why.trim();
    if why.is_empty() {
        let sentence = "Say how you know, for whoever reads this later.";
        return Err(Refusal::new(Rule::Empty, sentence));
    }
    if why.len() > WHY_BYTES {
        return Err(Refusal::new(Rule::TooLong, "The reason is longer than a record keeps."));
    }
    let said = SafeText::body(&format!("settled by {by}: {why}"));
    let outcome = if done {
        Outcome::Received { receipt: said, url: SafeText::default() }
    } else {
        Outcome::Refused { why: said }
    };
    Ok(LogEvent::OperationEnded { request, outcome })
}

#[cfg(test)]
mod checks {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::actions::delivery_test;
    use crate::domain::ChannelId;
    use crate::eventlog::{EventLog as _, MemoryLog};

    #[test]
    fn only_what_nobody_can_tell_is_settled_and_only_once() {
        let (me, now) = (Actor::new("robin"), Timestamp::from_millis(1_000_000));
        let (mut model, mut log) = (Model::default(), MemoryLog::for_demo());
        let mut record = |model: &mut Model, event: LogEvent| {
            let recorded = log.append(&me, now, &[event]).unwrap();
            recorded.iter().for_each(|r| model.apply(r));
            recorded[0].id
        };
        let request = record(&mut model, delivery_test(&ChannelId::new("mail"), now));
        let rule = |model: &Model, why: &str| {
            settle(model, &me, request, true, why, now).map_err(|r| r.rule)
        };
        assert_eq!(rule(&model, "I saw it"), Err(Rule::NotLive));
        assert_eq!(unsettled(&model, now), []);

        let outcome = Outcome::Unknown { why: "the line was cut".into() };
        record(&mut model, LogEvent::OperationEnded { request, outcome });
        let found: Vec<RecordId> = unsettled(&model, now).into_iter().map(|(id, _)| id).collect();
        assert_eq!(found, [request]);
        assert_eq!(rule(&model, "  "), Err(Rule::Empty));
        assert_eq!(rule(&model, &"x".repeat(5_000)), Err(Rule::TooLong));

        let settled = settle(&model, &me, request, false, "not in the inbox", now).unwrap();
        let why = "settled by robin: not in the inbox".into();
        let outcome = Outcome::Refused { why };
        assert_eq!(settled, LogEvent::OperationEnded { request, outcome });
        record(&mut model, settled);
        assert_eq!(unsettled(&model, now), []);
        assert_eq!(rule(&model, "I saw it"), Err(Rule::Same));
        let nobody = settle(&model, &me, RecordId([7; 32]), true, "x", now);
        assert_eq!(nobody.unwrap_err().rule, Rule::NoSuch);
    }
}
