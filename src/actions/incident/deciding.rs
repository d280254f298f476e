//! Decisions: proposed, objected to, taken or not, and looked at again.

use crate::domain::Span;
use crate::eventlog::{DecisionMoved, DecisionProposed, DecisionStep, RecordId};

use super::entries::no_such;
use super::texts::{self, WORDS};
use super::{Desk, Doing, Facts, Refusal, Rule};

/// Most options of a decision: as many as there are digits to choose by.
const MOST_OPTIONS: usize = 9;
/// A decision is looked at again within so long.
const LONGEST_REVIEW: Span = Span::from_days(90);

pub(super) fn rule(desk: Desk<'_>, what: &Doing) -> Result<Facts, Refusal> {
    match what {
        Doing::Propose { proposal, options, owner, expected, review } => {
            desk.live("nothing is decided in it any more")?;
            let proposal = texts::text(proposal, "proposal", WORDS)?;
            if options.len() > MOST_OPTIONS {
                return refuse(
                    Rule::TooLong,
                    format!(
                        "{} options are given; at most {MOST_OPTIONS} are kept. Leave the weakest out.",
                        options.len()
                    ),
                );
            }
            let options = options.iter().map(|option| texts::text(option, "option", WORDS));
            let options = options.collect::<Result<Vec<_>, _>>()?;
            let owner = texts::person(owner, "owner of the decision")?;
            let expected = texts::any_text(expected, "expected effect", WORDS)?;
            if let Some(review) = review {
                desk.ahead(*review, "time of the review", LONGEST_REVIEW)?;
            }
            let review = *review;
            desk.one(DecisionProposed { proposal, options, owner, expected, review })
        }
        Doing::Decide { decision, step, note } => decide(desk, *decision, step, note),
        _ => Ok(Facts::default()),
    }
}

fn refuse<T>(rule: Rule, sentence: String) -> Result<T, Refusal> {
    Err(Refusal::new(rule, sentence))
}

fn decide(desk: Desk<'_>, id: RecordId, step: &DecisionStep, note: &str) -> Result<Facts, Refusal> {
    let incident = desk.unmerged()?;
    let known = incident.decisions.get(&id).ok_or_else(|| no_such(desk, "decision", id))?;
    let taken = match (&known.outcome, step) {
        (Some(outcome), DecisionStep::Reviewed) => outcome.taken.is_some(),
        (Some(outcome), _) => {
            let how = if outcome.taken.is_some() { "taken" } else { "rejected" };
            return refuse(
                Rule::Same,
                format!(
                    "“{}” was {how} by {} at {}. Propose anew what should be different.",
                    known.proposal,
                    desk.whom(&outcome.by),
                    desk.clock(outcome.at)
                ),
            );
        }
        (None, _) => false,
    };
    let note = match step {
        DecisionStep::Objected => texts::text(note, "objection", WORDS)?,
        DecisionStep::Reviewed => {
            if !taken {
                return refuse(
                    Rule::NotLive,
                    format!("“{}” was not done, so nothing followed from it.", known.proposal),
                );
            }
            if let Some((at, said)) = &known.reviewed {
                return refuse(
                    Rule::Same,
                    format!("That was looked at again at {}: {said}", desk.clock(*at)),
                );
            }
            texts::text(note, "review", WORDS)?
        }
        DecisionStep::Taken(Some(option)) if usize::from(*option) >= known.options.len() => {
            let (option, count) = (usize::from(*option) + 1, known.options.len());
            return refuse(
                Rule::NoSuch,
                format!("There is no option {option}; the decision has {count}."),
            );
        }
        DecisionStep::Taken(_) | DecisionStep::Rejected => {
            texts::any_text(note, "note on the decision", WORDS)?
        }
    };
    desk.one(DecisionMoved { decision: id, step: step.clone(), note })
}
