//! Settling what nobody can tell: an operation whose answer was lost is never repeated; a person looks at
//! the other side and says what came of it.

use crate::domain::{Operation, Outcome, SafeText, Timestamp};
use crate::eventlog::{LogEvent, Power, RecordId};
use crate::model::{Model, OpenOperation, Standing};

use super::incident::{Writer, may};
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

/// What a person found when they looked at the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It was done, the message is there.
    Done,
    /// It began and ended badly; only a step of a run can.
    Failed,
    /// It was not done, and is not to be.
    NotDone,
    /// It was not done; the outbox does it again, with the same key.
    Again,
}

/// What `by` says came of an operation.
///
/// # Errors
/// When the policy does not allow it, or it is not known, is not unsettled, cannot be done again, or no
/// reason is given.
pub fn settle(
    model: &Model,
    by: &Writer,
    request: RecordId,
    what: Settled,
    why: &str,
    now: Timestamp,
) -> Result<LogEvent, Refusal> {
    may(model, by, Power::Write, now)?;
    let Some(operation) = model.journal.operations.get(&request) else {
        return Err(Refusal::new(Rule::NoSuch, "Nothing in the outbox has this id."));
    };
    let is_run = matches!(operation.operation, Operation::Run { .. });
    match operation.standing(now) {
        Standing::OutcomeUnknown => {}
        Standing::UnderWay => {
            return Err(Refusal::new(
                Rule::NotLive,
                "It is still being tried, so there is nothing to settle yet. Wait for its outcome.",
            ));
        }
        Standing::Ended(Outcome::Refused { .. }) if what == Settled::Again && is_run => {
            return Err(Refusal::new(
                Rule::Same,
                "It is known that it never began, so nothing is in doubt. Propose the run anew; a step is never \
                 begun a second time.",
            ));
        }
        Standing::Ended(_) => {
            return Err(Refusal::new(Rule::Same, "What came of it is known already."));
        }
    }
    if what == Settled::Again && is_run {
        return Err(Refusal::new(
            Rule::NotLive,
            "It may have begun, and a step that may have begun is never begun again. Say what you found there; \
             if it never began, settle it as not-done and propose the run anew.",
        ));
    }
    if what == Settled::Failed && !is_run {
        return Err(Refusal::new(
            Rule::NotLive,
            "Only a step of a run can have begun and failed. Say whether this was done or not.",
        ));
    }
    if what == Settled::Again && !operation.operation.is_outbox() {
        return Err(Refusal::new(
            Rule::NotLive,
            "This is never repeated by itself. Say that it was not done, then ask for it anew.",
        ));
    }
    let why = why.trim();
    if why.is_empty() {
        let sentence = "Say how you know, for whoever reads this later.";
        return Err(Refusal::new(Rule::Empty, sentence));
    }
    if why.len() > WHY_BYTES {
        return Err(Refusal::new(Rule::TooLong, "The reason is longer than a record keeps."));
    }
    let said = SafeText::body(&format!("settled by {}: {why}", by.actor));
    let outcome = match what {
        Settled::Done => Outcome::Received { receipt: said, url: SafeText::default() },
        Settled::Failed => Outcome::Failed { why: said, url: SafeText::default() },
        Settled::NotDone => Outcome::Refused { why: said },
        Settled::Again => Outcome::Later { why: said, at: now },
    };
    Ok(LogEvent::OperationEnded { request, outcome })
}

#[cfg(test)]
mod checks {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::actions::delivery_test;
    use crate::domain::{
        Actor, Ask, ChannelId, IncidentId, Order, PipelineId, SilenceId, SiteId, Span,
    };
    use crate::eventlog::{EventLog as _, KeyId, MemoryLog};

    fn robin() -> Writer {
        Writer { actor: Actor::new("robin"), key: KeyId::default() }
    }

    #[test]
    fn only_what_nobody_can_tell_is_settled_and_only_once() {
        let (me, now) = (robin(), Timestamp::from_millis(1_000_000));
        let (mut model, mut log) = (Model::default(), MemoryLog::for_demo());
        let mut record = |model: &mut Model, event: LogEvent| {
            let recorded = log.append(&me.actor, now, &[event]).unwrap();
            recorded.iter().for_each(|r| model.apply(r));
            recorded[0].id
        };
        let request = record(&mut model, delivery_test(&ChannelId::new("mail"), now));
        let rule = |model: &Model, why: &str| {
            settle(model, &me, request, Settled::Done, why, now).map_err(|r| r.rule)
        };
        assert_eq!(rule(&model, "I saw it"), Err(Rule::NotLive));
        assert_eq!(unsettled(&model, now), []);

        let outcome = Outcome::Unknown { why: "the line was cut".into() };
        record(&mut model, LogEvent::OperationEnded { request, outcome });
        let found: Vec<RecordId> = unsettled(&model, now).into_iter().map(|(id, _)| id).collect();
        assert_eq!(found, [request]);
        assert_eq!(rule(&model, "  "), Err(Rule::Empty));
        assert_eq!(rule(&model, &"x".repeat(5_000)), Err(Rule::TooLong));

        let again = settle(&model, &me, request, Settled::Again, "not in the inbox", now).unwrap();
        let why: SafeText = "settled by robin: not in the inbox".into();
        let outcome = Outcome::Later { why: why.clone(), at: now };
        assert_eq!(again, LogEvent::OperationEnded { request, outcome });

        let what = Settled::NotDone;
        let settled = settle(&model, &me, request, what, "not in the inbox", now).unwrap();
        let outcome = Outcome::Refused { why };
        assert_eq!(settled, LogEvent::OperationEnded { request, outcome });
        record(&mut model, settled);
        assert_eq!(unsettled(&model, now), []);
        assert_eq!(rule(&model, "I saw it"), Err(Rule::Same));
        let nobody = settle(&model, &me, RecordId([7; 32]), Settled::Done, "x", now);
        assert_eq!(nobody.unwrap_err().rule, Rule::NoSuch);
    }

    #[test]
    fn only_the_outbox_does_anything_again() {
        let (me, now) = (robin(), Timestamp::from_millis(1_000_000));
        let (mut model, mut log) = (Model::default(), MemoryLog::for_demo());
        let operation = Operation::Expire { site: SiteId::new("eu"), id: SilenceId::new("s1") };
        let asked =
            log.append(&me.actor, now, &[LogEvent::OperationRequested { operation }]).unwrap();
        model.apply(&asked[0]);
        let later = now.plus(crate::domain::Span::from_mins(2));
        let say = |what| settle(&model, &me, asked[0].id, what, "looked", later);
        assert_eq!(say(Settled::Again).unwrap_err().rule, Rule::NotLive);
        assert_eq!(say(Settled::Failed).unwrap_err().rule, Rule::NotLive);
        assert!(say(Settled::NotDone).is_ok());
    }

    /// A step of a run that was asked for, the incident left aside.
    fn step() -> (Model, MemoryLog, RecordId) {
        let order = Order {
            title: "deploy".into(),
            pipeline: PipelineId::new("ci"),
            ask: Ask::Command { argv: vec!["/bin/true".into()] },
            deadline: Span::from_mins(15),
        };
        let operation =
            Operation::Run { incident: IncidentId::new("INC-1"), run: "r".into(), step: 0, order };
        let (mut model, mut log) = (Model::default(), MemoryLog::for_demo());
        let asked = LogEvent::OperationRequested { operation };
        let asked =
            log.append(&robin().actor, Timestamp::from_millis(1_000_000), &[asked]).unwrap();
        model.apply(&asked[0]);
        (model, log, asked[0].id)
    }

    #[test]
    fn a_step_goes_on_until_its_deadline_and_is_never_begun_again() {
        let (me, began) = (robin(), Timestamp::from_millis(1_000_000));
        let (mut model, mut log, request) = step();
        let say = |model: &Model, what, now| {
            settle(model, &me, request, what, "looked at the pipeline", now)
                .map_err(|no| (no.rule, no.sentence.to_string()))
        };
        // It may run for a quarter of an hour: that nothing was heard for two minutes proves nothing.
        let soon = began.plus(Span::from_mins(2));
        assert_eq!(say(&model, Settled::Done, soon).unwrap_err().0, Rule::NotLive);
        assert_eq!(unsettled(&model, soon), []);
        let late = began.plus(Span::from_mins(17));
        assert_eq!(unsettled(&model, late).len(), 1);
        let (rule, sentence) = say(&model, Settled::Again, late).unwrap_err();
        assert_eq!(rule, Rule::NotLive);
        assert!(sentence.contains("never begun again"), "{sentence}");
        let why: SafeText = "settled by robin: looked at the pipeline".into();
        let failed = Outcome::Failed { why: why.clone(), url: "".into() };
        let ended = |outcome| LogEvent::OperationEnded { request, outcome };
        assert_eq!(say(&model, Settled::Failed, late), Ok(ended(failed)));
        assert_eq!(say(&model, Settled::NotDone, late), Ok(ended(Outcome::Refused { why })));
        // A look-back found that it never began: nothing is in doubt, and the way on is said.
        let never = ended(Outcome::Refused { why: "certainly not started".into() });
        let ended = log.append(&me.actor, late, &[never]).unwrap();
        model.apply(&ended[0]);
        let (rule, sentence) = say(&model, Settled::Again, late).unwrap_err();
        assert_eq!(rule, Rule::Same);
        assert!(sentence.contains("Propose the run anew"), "{sentence}");
    }
}
