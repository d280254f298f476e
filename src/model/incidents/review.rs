//! The review of an incident as people wrote it: sections, causes, types, follow-ups.

use std::collections::BTreeMap;

use crate::domain::{
    Actor, CauseCategory, Check, IncidentType, Priority, ReviewSection, SafeText, TicketRef,
    TicketSeen, Timestamp,
};
use crate::eventlog::{
    CauseFound, CauseWithdrawn, FollowUpGiven, FollowUpMoved, FollowUpStep, RecordId,
    ReviewFinished, SectionWritten, TypesSet,
};

use super::fold::{Fact, Said};
use super::words::{because, clock, list, quoted};
use super::work::missing;
use super::{Incident, Ticket};

/// What people wrote of a review.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Review {
    /// Sections somebody wrote: the text, who, when. The others have their draft.
    pub sections: BTreeMap<ReviewSection, (SafeText, Actor, Timestamp)>,
    /// Causes by the record that found them; withdrawn ones are not among them.
    pub causes: BTreeMap<RecordId, Cause>,
    /// What sort of incident it was.
    pub types: Vec<IncidentType>,
    /// What is to be done, by the record that gave it.
    pub follow_ups: BTreeMap<RecordId, FollowUp>,
    /// When it was finished and by whom.
    pub finished: Option<(Timestamp, Actor)>,
}

/// Something that contributed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// What it is the why of.
    pub parent: Option<RecordId>,
    /// Which bone of the fishbone.
    pub category: Option<CauseCategory>,
    /// One sentence.
    pub text: SafeText,
    /// Entries of the timeline it rests on.
    pub evidence: Vec<RecordId>,
    /// Who found it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// Something to be done so that it does not happen again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUp {
    /// What.
    pub text: SafeText,
    /// Who.
    pub owner: Actor,
    /// Until when.
    pub due: Timestamp,
    /// How much depends on it.
    pub priority: Priority,
    /// What must hold before it counts as done.
    pub check: Option<Check>,
    /// The latest word on the check: whether it holds, what was seen, when.
    pub checked: Option<(bool, SafeText, Timestamp)>,
    /// The cause it mends.
    pub mends: Option<RecordId>,
    /// Its ticket, as far as it was looked at.
    pub ticket: Option<(TicketRef, Ticket)>,
    /// How it ended: when, done (otherwise dropped), words.
    pub ended: Option<(Timestamp, bool, SafeText)>,
    /// It ended because its ticket did; when that is taken up again, so is this.
    pub by_ticket: bool,
}

impl FollowUp {
    /// Whether somebody has it.
    pub fn is_owned(&self) -> bool {
        !self.owner.name().trim().is_empty()
    }

    /// Who has it, in words.
    pub fn owner_words(&self) -> &str {
        if self.is_owned() { self.owner.name() } else { "nobody yet" }
    }

    /// Whether its time is up and it is not over.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.ended.is_none() && self.due <= now
    }

    /// Whether nothing stands in the way of its end: it has no check, or the last look at it was good.
    pub fn is_proven(&self) -> bool {
        self.check.is_none() || self.checked.as_ref().is_some_and(|(holds, ..)| *holds)
    }
}

pub(super) fn section(incident: &mut Incident, fact: &Fact<'_>, event: &SectionWritten) -> String {
    let (by, title) = (&fact.by, event.section.title());
    let sections = &mut incident.review.sections;
    if event.text.trim().is_empty() {
        sections.remove(&event.section);
        return format!("{by} went back to the draft of {}", quoted(title));
    }
    sections.insert(event.section, (event.text.clone(), by.clone(), fact.record.at));
    format!("{by} wrote {} of the review", quoted(title))
}

pub(super) fn cause(incident: &mut Incident, fact: &Fact<'_>, event: &CauseFound) -> Said {
    let by = &fact.by;
    let causes = &mut incident.review.causes;
    if event.parent.is_some_and(|parent| !causes.contains_key(&parent)) {
        return Err(missing(by, "a cause"));
    }
    let event = event.clone();
    let said = format!("{by} found a cause: {}", event.text);
    let CauseFound { parent, category, text, evidence } = event;
    let found = Cause { parent, category, text, evidence, by: by.clone(), at: fact.record.at };
    causes.insert(fact.record.id, found);
    Ok(said)
}

pub(super) fn cause_withdrawn(
    incident: &mut Incident,
    fact: &Fact<'_>,
    event: &CauseWithdrawn,
) -> Said {
    let causes = &mut incident.review.causes;
    let Some(gone) = causes.remove(&event.cause) else {
        return Err(missing(&fact.by, "a cause"));
    };
    // What hangs on it goes with it, however deep.
    loop {
        let known: Vec<RecordId> = causes.keys().copied().collect();
        let before = causes.len();
        causes.retain(|_, cause| cause.parent.is_none_or(|parent| known.contains(&parent)));
        if causes.len() == before {
            break;
        }
    }
    Ok(format!("{} withdrew the cause {}{}", fact.by, quoted(&gone.text), because(&event.reason)))
}

pub(super) fn types(incident: &mut Incident, fact: &Fact<'_>, event: &TypesSet) -> String {
    incident.review.types = event.types.clone();
    let names: Vec<&str> = event.types.iter().map(|one| one.name()).collect();
    format!("{} says it was of the type {}", fact.by, list(&names, "none"))
}

pub(super) fn follow_up(incident: &mut Incident, fact: &Fact<'_>, event: &FollowUpGiven) -> String {
    let (at, event) = (fact.record.at, event.clone());
    let (by, text, until) = (&fact.by, quoted(&event.text), clock(event.due, at));
    let said = if event.owner.name().trim().is_empty() {
        format!("{by} wrote down the follow-up {text} until {until}, for nobody yet")
    } else {
        format!("{by} gave {} the follow-up {text} until {until}", event.owner)
    };
    let FollowUpGiven { text, owner, due, priority, check, mends } = event;
    let (checked, ticket, ended, by_ticket) = (None, None, None, false);
    let given =
        FollowUp { text, owner, due, priority, check, checked, mends, ticket, ended, by_ticket };
    incident.review.follow_ups.insert(fact.record.id, given);
    said
}

/// A follow-up whose check does not hold cannot be done.
pub(super) fn follow_up_moved(
    incident: &mut Incident,
    fact: &Fact<'_>,
    event: &FollowUpMoved,
) -> Said {
    let (by, at) = (&fact.by, fact.record.at);
    let Some(one) = incident.review.follow_ups.get_mut(&event.follow_up) else {
        return Err(missing(by, "a follow-up"));
    };
    let (text, note) = (quoted(&one.text), because(&event.note));
    Ok(match &event.step {
        FollowUpStep::Given(owner) => {
            one.owner = owner.clone();
            format!("{by} gave the follow-up {text} to {owner}{note}")
        }
        FollowUpStep::Extended(due) => {
            one.due = *due;
            format!("{by} gave the follow-up {text} until {}{note}", clock(*due, at))
        }
        // Of several consoles that looked for it after a crash each may find it; it is told once.
        FollowUpStep::Tracked(ticket)
            if one.ticket.as_ref().is_some_and(|(of, _)| of == ticket) =>
        {
            return Ok(String::new());
        }
        FollowUpStep::Tracked(ticket) => {
            let url = event.note.clone();
            one.ticket = Some((ticket.clone(), Ticket { url, ..Ticket::default() }));
            return Ok(format!("the follow-up {text} is {} {}", ticket.tracker, ticket.key));
        }
        FollowUpStep::Checked(true, _)
            if matches!(one.check, Some(Check::Word { .. })) && one.owner == *by =>
        {
            return Err(format!("refused: {by} vouched for their own follow-up {text}"));
        }
        FollowUpStep::Checked(holds, seen) => {
            one.checked = Some((*holds, seen.clone(), at));
            let holds = if *holds { "holds" } else { "does not hold" };
            format!("the check of {text} {holds}: {seen}")
        }
        FollowUpStep::Done => {
            if !one.is_proven() {
                return Err(format!("refused: {by} closed {text}, whose check has not passed"));
            }
            (one.ended, one.by_ticket) = (Some((at, true, event.note.clone())), false);
            format!("{by} finished the follow-up {text}{note}")
        }
        FollowUpStep::Reopened => {
            (one.ended, one.checked, one.by_ticket) = (None, None, false);
            format!("{by} took up the follow-up {text} again{note}")
        }
        FollowUpStep::Dropped => {
            (one.ended, one.by_ticket) = (Some((at, false, event.note.clone())), false);
            format!("{by} dropped the follow-up {text}{note}")
        }
    })
}

pub(super) fn finished(incident: &mut Incident, fact: &Fact<'_>, event: &ReviewFinished) -> String {
    incident.review.finished = Some((fact.record.at, fact.by.clone()));
    format!("{} finished the review{}", fact.by, because(&event.note))
}

/// What its tracker says of a follow-up's ticket; `None` when the ticket is no follow-up's. Where the ticket
/// is done so is the follow-up, unless its check has not passed; and where it is taken up again, too.
pub(super) fn ticket_changed(
    incident: &mut Incident,
    fact: &Fact<'_>,
    seen: &TicketSeen,
) -> Option<String> {
    let is_its =
        |one: &&mut FollowUp| one.ticket.as_ref().is_some_and(|(of, _)| *of == seen.ticket);
    let one = incident.review.follow_ups.values_mut().find(is_its)?;
    let said = match &mut one.ticket {
        Some((_, ticket)) => ticket.see(seen),
        None => String::new(),
    };
    if said.is_empty() {
        return Some(said);
    }
    let text = quoted(&one.text);
    Some(match (seen.done, &one.ended) {
        (Some(true), None) if one.is_proven() => {
            let words = SafeText::new(&format!("{} in {}", seen.state, seen.ticket.tracker));
            (one.ended, one.by_ticket) = (Some((fact.record.at, true, words)), true);
            format!("{said}; the follow-up {text} is done")
        }
        (Some(true), None) => {
            format!("{said}; the follow-up {text} stays open, its check has not passed")
        }
        (Some(false), Some(_)) if one.by_ticket => {
            (one.ended, one.by_ticket, one.checked) = (None, false, None);
            format!("{said}; the follow-up {text} is open again")
        }
        _ => format!("{said}, of the follow-up {text}"),
    })
}
