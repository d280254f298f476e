//! What comes up by itself: everything that waits for somebody, the most urgent first, a sentence each.

use crate::analysis::oncall::Stand;
use crate::domain::{Audience, Playbook, Role, SafeText, Severity, Span, Timestamp};
use crate::eventlog::{Policy, RecordId};

use super::words::{clock, left, length, quoted};
use super::{Calling, Incident};

/// A promised update comes up this long before it is due.
const UPDATE_AHEAD: Span = Span::from_mins(5);

/// What waits; the order is that of urgency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waiting {
    /// Nobody commands.
    NoCommander,
    /// Nobody who was called is coming.
    Page(RecordId),
    /// An audience waits for a word that is late.
    UpdateLate(Audience),
    /// A task's time is up.
    TaskLate(RecordId),
    /// Nobody can tell whether a step of a run happened, it failed, or what it did made it worse.
    RunBad(RecordId),
    /// Command is offered and not accepted.
    Handover(RecordId),
    /// A workstream cannot go on.
    Blocked(RecordId),
    /// Nothing was heard from a workstream.
    Silent(RecordId),
    /// An owner has not said that they heard of a task.
    TaskUnheard(RecordId),
    /// A run waits for a second person, to be released, or for what is tried next.
    RunWaits(RecordId),
    /// An update waits for a second person.
    Approval(RecordId),
    /// A promised update is due soon.
    UpdateSoon(Audience),
    /// A decision is to be looked at again.
    Review(RecordId),
    /// Somebody is to be relieved.
    Tired(Role),
    /// The commander has too many direct reports.
    Reports,
    /// Nobody has a role.
    Empty(Role),
}

impl Waiting {
    /// Whether it cannot wait for a quieter moment.
    pub fn is_urgent(self) -> bool {
        self < Self::Handover(RecordId([0; 32]))
    }
}

/// Something that waits for somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attention {
    /// What.
    pub what: Waiting,
    /// Since when it waits; for what is due soon, when that is.
    pub since: Timestamp,
    /// One sentence.
    pub sentence: SafeText,
}

impl Incident {
    /// Everything that waits for somebody at `now`, most urgent first, then what waits longest.
    pub fn attention(
        &self,
        playbook: &Playbook,
        duties: &Policy,
        now: Timestamp,
    ) -> Vec<Attention> {
        if !self.is_running() {
            return Vec::new();
        }
        let mut all = Vec::new();
        let mut add = |what, since, sentence: String| {
            all.push(Attention { what, since, sentence: SafeText::new(&sentence) });
        };
        let ago = |then: Timestamp| length(now.since(then));
        for role in self.empty_roles() {
            match role {
                Role::Commander => {
                    let sentence = "Nobody commands; take command or ask somebody to.";
                    add(Waiting::NoCommander, self.declared_at, sentence.into());
                }
                role if self.severity <= Severity::Sev2 => {
                    add(Waiting::Empty(role), self.declared_at, format!("Nobody is {role}."));
                }
                _ => {}
            }
        }
        for calling in self.callings(playbook, now) {
            if let Some((since, sentence)) = unanswered(&calling, now) {
                add(Waiting::Page(calling.record), since, sentence);
            }
        }
        for promise in self.promises(playbook) {
            let first = if promise.last.is_none() { "first " } else { "" };
            let (audience, due) = (promise.audience, clock(promise.due, now));
            if let Some(late) = promise.late(now) {
                let by = length(late);
                let sentence = format!("The {first}{audience} update was due {due}, {by} ago.");
                add(Waiting::UpdateLate(audience), promise.due, sentence);
            } else if promise.due.since(now) <= UPDATE_AHEAD {
                let left = left(promise.due.since(now));
                let sentence = format!("The {first}{audience} update is due in {left}, at {due}.");
                add(Waiting::UpdateSoon(audience), promise.due, sentence);
            }
        }
        for (id, task) in self.overdue_tasks(now) {
            let (owner, text) = (&task.owner, quoted(&task.text));
            let sentence = format!("Call back {owner}: {text} was due {} ago.", ago(task.due));
            add(Waiting::TaskLate(id), task.due, sentence);
        }
        for (id, task) in self.unheard_tasks(now).into_iter().filter(|(_, t)| t.due > now) {
            let (owner, text) = (&task.owner, quoted(&task.text));
            let given = ago(task.given_at);
            let sentence = format!("{owner} has not said they heard of {text}, given {given} ago.");
            add(Waiting::TaskUnheard(id), task.given_at, sentence);
        }
        if let Some(offer) = &self.handover {
            let open = offer.sections.iter().filter(|s| s.answer != Some(Ok(()))).count();
            let sentence = format!(
                "{} was offered command {} ago; {open} of {} sections are not accepted.",
                offer.to,
                ago(offer.at),
                offer.sections.len()
            );
            add(Waiting::Handover(offer.record), offer.at, sentence);
        }
        for (id, one) in self.open_workstreams() {
            if let Some(blocker) = &one.blocker {
                let sentence = format!("Workstream {} is blocked: {blocker}", quoted(&one.name));
                add(Waiting::Blocked(id), one.heard, sentence);
            }
        }
        for (id, one) in self.silent_workstreams(playbook, now) {
            let (name, heard) = (quoted(&one.name), ago(one.heard));
            let sentence =
                format!("Nothing from {name} for {heard}; ask {} for a report.", one.lead);
            add(Waiting::Silent(id), one.heard, sentence);
        }
        for (id, update) in &self.updates {
            let waits = update.published.is_none()
                && update.audience == Audience::External
                && duties.asks_second_person()
                && update.answers.is_empty();
            if waits {
                let (subject, by) = (quoted(&update.subject), &update.by);
                let sentence = format!("Update {subject} by {by} waits for a second person.");
                add(Waiting::Approval(*id), update.at, sentence);
            }
        }
        for (id, decision) in self.due_reviews(now) {
            let (proposal, since) = (quoted(&decision.proposal), decision.review.unwrap_or(now));
            let sentence =
                format!("Look again at {proposal}: did it help? Due {} ago.", ago(since));
            add(Waiting::Review(id), since, sentence);
        }
        for one in self.tired(playbook, now) {
            let (who, role) = (&one.who, one.role);
            let sentence = format!("{who} should be relieved as {role}, {} ago.", ago(one.due));
            add(Waiting::Tired(role), one.due, sentence);
        }
        let reports = self.direct_reports().len();
        if reports > playbook.most_reports {
            let most = playbook.most_reports;
            let sentence = format!("{reports} people report to the commander; past {most}, split.");
            add(Waiting::Reports, now, sentence);
        }
        all.sort_by_key(Attention::rank);
        all
    }
}

impl Attention {
    /// By this it is ordered: its kind, then how long it waits.
    pub fn rank(&self) -> (Waiting, Timestamp, Waiting) {
        (rank(self.what), self.since, self.what)
    }
}

/// The kind alone, so that within one kind the longest waiting comes first.
fn rank(what: Waiting) -> Waiting {
    const ANY: RecordId = RecordId([0; 32]);
    match what {
        Waiting::Page(_) => Waiting::Page(ANY),
        Waiting::UpdateLate(_) => Waiting::UpdateLate(Audience::Internal),
        Waiting::TaskLate(_) => Waiting::TaskLate(ANY),
        Waiting::RunBad(_) => Waiting::RunBad(ANY),
        Waiting::RunWaits(_) => Waiting::RunWaits(ANY),
        Waiting::Handover(_) => Waiting::Handover(ANY),
        Waiting::Blocked(_) => Waiting::Blocked(ANY),
        Waiting::Silent(_) => Waiting::Silent(ANY),
        Waiting::TaskUnheard(_) => Waiting::TaskUnheard(ANY),
        Waiting::Approval(_) => Waiting::Approval(ANY),
        Waiting::UpdateSoon(_) => Waiting::UpdateSoon(Audience::Internal),
        Waiting::Review(_) => Waiting::Review(ANY),
        Waiting::Tired(_) => Waiting::Tired(Role::Commander),
        Waiting::Empty(_) => Waiting::Empty(Role::Commander),
        Waiting::NoCommander | Waiting::Reports => what,
    }
}

/// Since when a page waits, and what to do.
fn unanswered(calling: &Calling<'_>, now: Timestamp) -> Option<(Timestamp, String)> {
    let page = calling.page;
    let ago = length(now.since(page.at));
    let called = calling.called.last().map_or(&page.whom, |(_, page)| &page.whom);
    match &calling.stand {
        Some(Stand::Answered { .. }) => None,
        Some(Stand::Open { due, next }) => {
            let now_due = due.iter().find_map(|call| Some((call.at, call.whom.as_ref()?)));
            if let Some((at, whom)) = now_due {
                return Some((
                    at,
                    format!("Nobody answers the page of {ago} ago; page {whom} now."),
                ));
            }
            let after = next.as_ref().and_then(|call| Some((call.whom.as_ref()?, call.at)));
            let then = after.map_or(String::new(), |(whom, at)| {
                format!("; {whom} is next at {}", clock(at, now))
            });
            Some((page.at, format!("{called} has not answered, paged {ago} ago{then}.")))
        }
        Some(Stand::Exhausted) => {
            let team = page.team.as_ref().map_or("", |team| team.as_str());
            Some((page.at, format!("Everybody of {team} was paged, nobody comes; telephone them.")))
        }
        None if calling.is_answered() => None,
        None => match &page.answer {
            Some((at, ..)) => {
                Some((*at, format!("{} is not coming; call somebody else.", page.whom)))
            }
            None => Some((page.at, format!("{called} has not answered, paged {ago} ago."))),
        },
    }
}
