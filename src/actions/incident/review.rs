//! The review: sections, causes, types, follow-ups with a check, and when it may be called finished.

use std::collections::BTreeSet;

use crate::domain::{
    Actor, CauseCategory, Check, IncidentType, Operation, Outcome, Priority, ReviewSection,
    SafeText, Span, Status, TicketAct, Timestamp, TrackerId,
};
use crate::eventlog::{
    CauseFound, CauseWithdrawn, FollowUpGiven, FollowUpMoved, FollowUpStep, RecordId,
    ReviewFinished, SectionWritten, TypesSet,
};
use crate::model::incidents::{FollowUp, Incident};
use crate::model::review::{REQUIRED, document};

use super::doing::Found;
use super::entries::no_such;
use super::reach::configured;
use super::texts::{self, BODY, WORDS};
use super::{Desk, Doing, Facts, Refusal, Rule};

/// Most causes of one incident: past that nobody reads the tree.
const MOST_CAUSES: usize = 200;
/// Most entries a cause rests on.
const MOST_EVIDENCE: usize = 20;
/// Nobody promises further ahead than this.
const LONGEST: Span = Span::from_days(366);
/// How deep whys go at most.
const DEEPEST: usize = 12;

/// Until when a follow-up is due when nobody says.
pub const fn deadline(priority: Priority, now: Timestamp) -> Timestamp {
    now.plus(match priority {
        Priority::High => Span::from_days(7),
        Priority::Medium => Span::from_days(30),
        Priority::Low => Span::from_days(90),
    })
}

pub(super) fn rule(desk: Desk<'_>, what: &Doing) -> Result<Facts, Refusal> {
    match what {
        Doing::WriteSection(section, text) => write(desk, *section, text),
        Doing::FindCause { parent, category, text, evidence } => {
            find(desk, *parent, *category, text, evidence)
        }
        Doing::WithdrawCause { cause, reason } => {
            let incident = desk.unmerged()?;
            if !incident.review.causes.contains_key(cause) {
                return Err(no_such(desk, "cause", *cause));
            }
            let reason = texts::text(reason, "reason for withdrawing it", WORDS)?;
            desk.one(CauseWithdrawn { cause: *cause, reason })
        }
        Doing::SetTypes(types) => set_types(desk, types),
        Doing::FollowUp { text, owner, due, priority, check, mends } => {
            give(desk, text, owner.as_ref(), *due, *priority, check.as_ref(), *mends)
        }
        Doing::MoveFollowUp { follow_up, step, note } => shift(desk, *follow_up, step, note),
        Doing::CheckFollowUp { follow_up, found } => look(desk, *follow_up, found),
        Doing::TrackFollowUp { follow_up, tracker } => track(desk, *follow_up, tracker),
        Doing::FinishReview(note) => finish(desk, note),
        _ => Ok(Facts::default()),
    }
}

fn refuse<T>(rule: Rule, sentence: String) -> Result<T, Refusal> {
    Err(Refusal::new(rule, sentence))
}

fn write(desk: Desk<'_>, section: ReviewSection, text: &str) -> Result<Facts, Refusal> {
    let incident = desk.unmerged()?;
    let text = texts::any_text(text, "section", BODY)?;
    let known = incident.review.sections.get(&section).map(|(text, ..)| text);
    if known == Some(&text) || (known.is_none() && text.is_empty()) {
        let title = section.title();
        return refuse(Rule::Same, format!("“{title}” says that already; nothing was recorded."));
    }
    desk.one(SectionWritten { section, text })
}

fn find(
    desk: Desk<'_>,
    parent: Option<RecordId>,
    category: Option<CauseCategory>,
    text: &str,
    evidence: &[RecordId],
) -> Result<Facts, Refusal> {
    let incident = desk.unmerged()?;
    let causes = &incident.review.causes;
    let text = texts::line(text, "cause")?;
    if causes.len() >= MOST_CAUSES {
        return refuse(
            Rule::TooLong,
            format!("{} has {MOST_CAUSES} causes already. Withdraw some that say little.", desk.id),
        );
    }
    if let Some(parent) = parent {
        let mut next = Some(parent);
        for depth in 0.. {
            let Some(id) = next else { break };
            let Some(cause) = causes.get(&id) else { return Err(no_such(desk, "cause", id)) };
            if depth + 1 >= DEEPEST {
                return refuse(
                    Rule::TooLong,
                    format!("That is {DEEPEST} whys deep. Begin another branch higher up."),
                );
            }
            next = cause.parent;
        }
    }
    if causes.values().any(|one| one.parent == parent && one.text == text) {
        return refuse(Rule::Same, "That cause stands there already.".to_owned());
    }
    let evidence: Vec<RecordId> =
        evidence.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    if evidence.len() > MOST_EVIDENCE {
        return refuse(
            Rule::TooLong,
            format!(
                "A cause rests on at most {MOST_EVIDENCE} entries. Name the ones that show it."
            ),
        );
    }
    if let Some(gone) = evidence.iter().find(|id| incident.timeline.line(**id).is_none()) {
        return Err(no_such(desk, "entry", *gone));
    }
    desk.one(CauseFound { parent, category, text, evidence })
}

fn set_types(desk: Desk<'_>, types: &[IncidentType]) -> Result<Facts, Refusal> {
    let incident = desk.unmerged()?;
    let types: Vec<IncidentType> =
        types.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    if types == incident.review.types {
        return refuse(Rule::Same, format!("{} is of these types already.", desk.id));
    }
    desk.one(TypesSet { types })
}

fn give(
    desk: Desk<'_>,
    text: &str,
    owner: Option<&Actor>,
    due: Timestamp,
    priority: Priority,
    check: Option<&Check>,
    mends: Option<RecordId>,
) -> Result<Facts, Refusal> {
    let incident = desk.unmerged()?;
    let text = texts::line(text, "follow-up")?;
    let owner = match owner {
        Some(owner) => texts::person(owner, "name of the owner")?,
        None => Actor::new(""),
    };
    desk.ahead(due, "deadline", LONGEST)?;
    if let Some(gone) = mends.filter(|cause| !incident.review.causes.contains_key(cause)) {
        return Err(no_such(desk, "cause", gone));
    }
    let check = match check {
        Some(Check::Query { expr }) => {
            Some(Check::Query { expr: texts::text(expr, "query of the check", WORDS)? })
        }
        Some(Check::Word { what }) => {
            Some(Check::Word { what: texts::text(what, "what has to be seen", WORDS)? })
        }
        None => None,
    };
    desk.one(FollowUpGiven { text, owner, due, priority, check, mends })
}

fn known<'a>(desk: Desk<'a>, id: RecordId) -> Result<(&'a Incident, &'a FollowUp), Refusal> {
    let incident = desk.incident()?;
    let one = incident.review.follow_ups.get(&id);
    one.map(|one| (incident, one)).ok_or_else(|| no_such(desk, "follow-up", id))
}

fn open<'a>(desk: Desk<'a>, id: RecordId) -> Result<(&'a Incident, &'a FollowUp), Refusal> {
    let (incident, one) = known(desk, id)?;
    match &one.ended {
        None => Ok((incident, one)),
        Some((at, done, _)) => {
            let how = if *done { "done" } else { "dropped" };
            let at = desk.clock(*at);
            refuse(
                Rule::NotLive,
                format!("“{}” is {how} since {at}. Take it up again first.", one.text),
            )
        }
    }
}

fn shift(desk: Desk<'_>, id: RecordId, step: &FollowUpStep, note: &str) -> Result<Facts, Refusal> {
    let mut needs = None;
    let (step, one) = match step {
        FollowUpStep::Given(owner) => {
            let (_, one) = open(desk, id)?;
            let owner = texts::person(owner, "name of the owner")?;
            if owner == one.owner {
                let whom = desk.whom(&owner);
                return refuse(Rule::Same, format!("“{}” is with {whom} already.", one.text));
            }
            (FollowUpStep::Given(owner), one)
        }
        FollowUpStep::Extended(due) => {
            let (_, one) = open(desk, id)?;
            desk.ahead(*due, "deadline", LONGEST)?;
            needs = Some("reason for the later deadline").filter(|_| *due > one.due);
            (FollowUpStep::Extended(*due), one)
        }
        FollowUpStep::Tracked(ticket) => {
            let (_, one) = open(desk, id)?;
            configured(desk, &ticket.tracker)?;
            let key = texts::line(&ticket.key, "key of the ticket")?;
            let tracker = ticket.tracker.clone();
            (FollowUpStep::Tracked(crate::domain::TicketRef { tracker, key }), one)
        }
        FollowUpStep::Done => {
            let (_, one) = open(desk, id)?;
            proven(one)?;
            (FollowUpStep::Done, one)
        }
        FollowUpStep::Dropped => {
            needs = Some("reason why it is no longer wanted");
            (FollowUpStep::Dropped, open(desk, id)?.1)
        }
        FollowUpStep::Reopened => {
            let (_, one) = known(desk, id)?;
            if one.ended.is_none() {
                return refuse(Rule::Same, format!("“{}” is open.", one.text));
            }
            needs = Some("reason for taking it up again");
            (FollowUpStep::Reopened, one)
        }
        FollowUpStep::Checked(..) => {
            return refuse(
                Rule::Approval,
                "A check is carried out, not declared. Have it looked at.".to_owned(),
            );
        }
    };
    let note = match needs {
        Some(what) => texts::text(note, what, WORDS)?,
        None => texts::any_text(note, "note", WORDS)?,
    };
    let following = told(desk, one, &step, &note).into_iter().collect();
    Ok(Facts { made: vec![desk.fact(FollowUpMoved { follow_up: id, step, note })], following })
}

/// What the tracker is told of it.
fn told(
    desk: Desk<'_>,
    one: &FollowUp,
    step: &FollowUpStep,
    note: &SafeText,
) -> Option<crate::eventlog::LogEvent> {
    let (ticket, _) = one.ticket.as_ref()?;
    if !desk.model.playbook.trackers.contains(&ticket.tracker) {
        return None;
    }
    let by = &desk.by.actor;
    let comment = |text: String| TicketAct::Comment {
        ticket: ticket.clone(),
        body: SafeText::body(&format!("{text}{}", because(note))),
    };
    let shift = |to| TicketAct::Transition { ticket: ticket.clone(), to, note: note.clone() };
    let act = match step {
        FollowUpStep::Given(owner) => comment(format!("{by} gave this to {owner}")),
        FollowUpStep::Extended(due) => {
            comment(format!("{by} gave this until {}", due.utc().format("%Y-%m-%d")))
        }
        FollowUpStep::Done => shift(Status::Resolved),
        FollowUpStep::Reopened => shift(Status::Investigating),
        FollowUpStep::Dropped => comment(format!("{by} no longer wants this")),
        FollowUpStep::Tracked(_) | FollowUpStep::Checked(..) => return None,
    };
    Some(desk.ticket(&ticket.tracker, act))
}

fn because(note: &SafeText) -> String {
    if note.trim().is_empty() { ".".to_owned() } else { format!(": {note}") }
}

/// Refuses while the check stands against it.
fn proven(one: &FollowUp) -> Result<(), Refusal> {
    let Some(check) = &one.check else { return Ok(()) };
    let what = match check {
        Check::Query { expr } => format!("the query `{expr}` has to hold"),
        Check::Word { what } => format!("somebody else has to have seen: {what}"),
    };
    match &one.checked {
        Some((true, ..)) => Ok(()),
        Some((false, seen, _)) => refuse(
            Rule::Approval,
            format!(
                "“{}” is not done: {what}, and the last look found: {}. Mend it and look again.",
                one.text,
                seen.trim_end_matches('.')
            ),
        ),
        None => refuse(
            Rule::Approval,
            format!(
                "“{}” is not done before its check passed: {what}. Have it looked at.",
                one.text
            ),
        ),
    }
}

fn look(desk: Desk<'_>, id: RecordId, found: &Found) -> Result<Facts, Refusal> {
    let (_, one) = open(desk, id)?;
    let (holds, seen) = match (&one.check, found) {
        (None, _) => {
            return refuse(
                Rule::Nothing,
                format!("“{}” has no check. It is done when its owner says so.", one.text),
            );
        }
        (Some(Check::Query { .. }), Found::Samples { source, values }) => judged(source, values),
        (Some(Check::Word { .. }), Found::Word { holds, seen }) => {
            desk.proven("vouch for anything")?;
            if one.owner == desk.by.actor {
                return refuse(
                    Rule::Approval,
                    "You have this follow-up; somebody else has to vouch for it.".to_owned(),
                );
            }
            (*holds, texts::text(seen, "word on what was seen", WORDS)?.to_string())
        }
        (Some(Check::Query { expr }), Found::Word { .. }) => {
            return refuse(
                Rule::Approval,
                format!(
                    "This check is a query, `{expr}`: a source is asked, nobody vouches for it."
                ),
            );
        }
        (Some(Check::Word { what }), Found::Samples { .. }) => {
            return refuse(
                Rule::Approval,
                format!("This check is somebody's word: {what}. No source can be asked for it."),
            );
        }
    };
    let (step, note) = (FollowUpStep::Checked(holds, SafeText::body(&seen)), SafeText::default());
    desk.one(FollowUpMoved { follow_up: id, step, note })
}

/// Whether a query's answer says yes: at least one sample, and every one a number other than zero.
fn judged(source: &str, values: &[f64]) -> (bool, String) {
    let bad = values.iter().filter(|value| value.is_nan() || **value == 0.0).count();
    match values {
        [] => (false, format!("{source} has no sample for it")),
        [only] if bad == 0 => (true, format!("{source} says {only}")),
        [only] => (false, format!("{source} says {only}")),
        several if bad == 0 => (true, format!("{source} says yes {} times", several.len())),
        several => (false, format!("{source} says no in {bad} of {} series", several.len())),
    }
}

fn track(desk: Desk<'_>, id: RecordId, tracker: &TrackerId) -> Result<Facts, Refusal> {
    let (incident, one) = open(desk, id)?;
    configured(desk, tracker)?;
    if let Some((ticket, _)) = &one.ticket {
        return refuse(
            Rule::Same,
            format!("“{}” is {} in {} already.", one.text, ticket.key, ticket.tracker),
        );
    }
    // Asked twice it would be opened twice: a tracker finds again only what was asked under the same record.
    let asked = desk.model.journal.operations.values().any(|open| {
        let mut lives = true;
        if let Some(outcome) = &open.outcome {
            lives = !matches!(outcome, Outcome::Refused { .. } | Outcome::Failed { .. });
        }
        let of_it = match &open.operation {
            Operation::Ticket { act: TicketAct::FollowUp { of, .. }, .. } => {
                RecordId::parse(of) == Some(id)
            }
            _ => false,
        };
        lives && of_it
    });
    if asked {
        return refuse(
            Rule::Same,
            format!(
                "A ticket for “{}” was asked for already and is on its way; settle it when nobody can tell.",
                one.text
            ),
        );
    }
    let check = match &one.check {
        Some(Check::Query { expr }) => format!("\nDone when this holds: {expr}"),
        Some(Check::Word { what }) => format!("\nDone when somebody else has seen: {what}"),
        None => String::new(),
    };
    let body = format!(
        "Follow-up of {} {}.\n\nOwner: {}\nDue: {}\nPriority: {}{check}",
        incident.id,
        incident.title,
        one.owner_words(),
        one.due.utc().format("%Y-%m-%d"),
        one.priority.name()
    );
    let (title, body) = (one.text.clone(), SafeText::body(&body));
    let act =
        TicketAct::FollowUp { of: id.to_string().into(), title, body, priority: one.priority };
    Ok(Facts { made: vec![desk.ticket(tracker, act)], ..Facts::default() })
}

fn finish(desk: Desk<'_>, note: &str) -> Result<Facts, Refusal> {
    let incident = desk.unmerged()?;
    if incident.status.is_live() {
        return refuse(
            Rule::NotLive,
            format!(
                "{} is {}. Its review is finished after it is resolved.",
                desk.id, incident.status
            ),
        );
    }
    if let Some((at, by)) = &incident.review.finished {
        let (at, by) = (desk.clock(*at), desk.whom(by));
        return refuse(Rule::Same, format!("The review was finished by {by} at {at}."));
    }
    let document = document(desk.model, incident, desk.now);
    let blank: Vec<&str> = document
        .sections
        .iter()
        .filter(|one| REQUIRED.contains(&one.section) && one.is_blank())
        .map(|one| one.section.title())
        .collect();
    if !blank.is_empty() {
        return refuse(
            Rule::Empty,
            format!("These sections say nothing yet: {}. Write them first.", blank.join(", ")),
        );
    }
    let follow_ups = incident.review.follow_ups.values();
    let mut urgent = follow_ups.filter(|one| one.ended.is_none() && one.priority == Priority::High);
    if let Some(one) = urgent.find(|one| !one.is_owned() || one.due <= desk.now) {
        let lacks = if one.is_owned() { "a deadline that is ahead" } else { "an owner" };
        return refuse(
            Rule::Nothing,
            format!("The follow-up “{}” is of high priority and needs {lacks} first.", one.text),
        );
    }
    let note = texts::any_text(note, "note on the review", WORDS)?;
    desk.one(ReviewFinished { note })
}
