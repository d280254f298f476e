//! What is due, overdue, silent or asked of nobody, at a moment: pure questions to one incident.

use std::collections::BTreeSet;

use crate::analysis::oncall::{Paged, Stand, stand};
use crate::domain::{Actor, Audience, Playbook, Role, SafeText, Span, Timestamp};
use crate::eventlog::RecordId;

use super::{Decision, Incident, Page, Task, Workstream};

/// An owner who has not said that they heard of a task after so long is asked again.
pub const ACKNOWLEDGE_WITHIN: Span = Span::from_mins(2);

/// Roles that somebody should hold, the most urgent first.
const NEEDED: [Role; 4] = [Role::Commander, Role::Comms, Role::Ops, Role::Scribe];

/// The next word promised to an audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    /// To whom.
    pub audience: Audience,
    /// When.
    pub due: Timestamp,
    /// When they were last told; `None` when nothing was published for them yet.
    pub last: Option<Timestamp>,
}

impl Promise {
    /// How late it is; `None` when there is still time.
    pub fn late(&self, now: Timestamp) -> Option<Span> {
        (now >= self.due).then(|| now.since(self.due))
    }
}

/// A page with the pages that escalate it, and where that stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Calling<'a> {
    /// The first page.
    pub record: RecordId,
    /// What it says.
    pub page: &'a Page,
    /// Everybody called so far, in the order they were called.
    pub called: Vec<(RecordId, &'a Page)>,
    /// Where it stands; `None` for a person who was called without a team: nobody stands behind them.
    pub stand: Option<Stand>,
}

impl Calling<'_> {
    /// Whether somebody is coming.
    pub fn is_answered(&self) -> bool {
        self.called.iter().any(|(_, page)| matches!(page.answer, Some((_, true, _))))
    }
}

/// Somebody who has held a role for long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tired {
    /// Who.
    pub who: Actor,
    /// Which role.
    pub role: Role,
    /// When they were to be relieved.
    pub due: Timestamp,
}

impl Incident {
    /// Whether clocks run for it.
    pub const fn is_running(&self) -> bool {
        self.status.is_live() && self.merged_into.is_none()
    }

    /// What each audience is promised: what the last update said, else the first word after the
    /// declaration by the playbook's cadence. Without either nothing is promised.
    pub fn promises(&self, playbook: &Playbook) -> Vec<Promise> {
        if !self.is_running() {
            return Vec::new();
        }
        let mut promises: Vec<Promise> = Audience::ALL
            .iter()
            .filter_map(|audience| {
                let last = self
                    .updates
                    .values()
                    .filter(|update| update.audience == *audience)
                    .filter_map(|update| Some((update.published?, update.next)))
                    .max();
                let cadence = playbook.cadence.get(&(self.severity, *audience));
                let (last, due) = match last {
                    Some((at, next)) => (Some(at), next),
                    None => (None, self.declared_at.plus(cadence?.first)),
                };
                Some(Promise { audience: *audience, due, last })
            })
            .collect();
        promises.sort_by_key(|promise| promise.due);
        promises
    }

    /// Tasks that are not over, the one due first at the front.
    pub fn open_tasks(&self) -> Vec<(RecordId, &Task)> {
        let mut open: Vec<(RecordId, &Task)> =
            self.tasks.iter().filter(|(_, t)| t.ended.is_none()).map(|(id, t)| (*id, t)).collect();
        open.sort_by_key(|(id, task)| (task.due, *id));
        open
    }

    /// Tasks whose time is up.
    pub fn overdue_tasks(&self, now: Timestamp) -> Vec<(RecordId, &Task)> {
        let mut tasks = self.open_tasks();
        tasks.retain(|(_, task)| task.due <= now);
        tasks
    }

    /// Tasks whose owner has not said that they heard of them.
    pub fn unheard_tasks(&self, now: Timestamp) -> Vec<(RecordId, &Task)> {
        let mut tasks = self.open_tasks();
        tasks.retain(|(_, task)| {
            let own = task.owner == task.given_by;
            task.acknowledged.is_none() && !own && now.since(task.given_at) >= ACKNOWLEDGE_WITHIN
        });
        tasks
    }

    /// Roles that somebody should hold and nobody does.
    pub fn empty_roles(&self) -> Vec<Role> {
        let held = |role: &Role| match role {
            Role::Commander => self.command.is_some(),
            role => self.roles.get(role).is_some_and(|holders| !holders.is_empty()),
        };
        NEEDED.into_iter().filter(|role| !held(role)).collect()
    }

    /// People past the time they were to be relieved: as said when they took the role, else by the playbook.
    pub fn tired(&self, playbook: &Playbook, now: Timestamp) -> Vec<Tired> {
        let after = |since: Timestamp| since.plus(playbook.rotate_after);
        let command = self.command.iter().map(|command| Tired {
            who: command.commander.clone(),
            role: Role::Commander,
            due: after(command.since),
        });
        let others = self.roles.iter().filter(|(role, _)| **role != Role::Observer).flat_map(
            |(role, holders)| {
                holders.iter().map(|holder| Tired {
                    who: holder.who.clone(),
                    role: *role,
                    due: holder.until.unwrap_or(after(holder.since)),
                })
            },
        );
        let rotates = playbook.rotate_after > Span::ZERO;
        let mut tired: Vec<Tired> =
            command.chain(others).filter(|one| rotates && one.due <= now).collect();
        tired.sort_by_key(|one| one.due);
        tired
    }

    /// Workstreams that are going on.
    pub fn open_workstreams(&self) -> impl Iterator<Item = (RecordId, &Workstream)> {
        self.workstreams.iter().filter(|(_, one)| one.closed.is_none()).map(|(id, one)| (*id, one))
    }

    /// Workstreams that nothing was heard from for long, the most silent first.
    pub fn silent_workstreams(
        &self,
        playbook: &Playbook,
        now: Timestamp,
    ) -> Vec<(RecordId, &Workstream)> {
        let mut silent: Vec<(RecordId, &Workstream)> = self
            .open_workstreams()
            .filter(|(_, one)| now.since(one.heard) >= playbook.silent_after)
            .collect();
        silent.sort_by_key(|(id, one)| (one.heard, *id));
        silent
    }

    /// Everybody called, each with their escalation, the latest first.
    pub fn callings(&self, playbook: &Playbook, now: Timestamp) -> Vec<Calling<'_>> {
        let mut callings: Vec<Calling<'_>> = self
            .pages
            .iter()
            .filter(|(_, page)| page.escalates.is_none())
            .map(|(record, page)| {
                let mut called: Vec<(RecordId, &Page)> = self
                    .pages
                    .iter()
                    .filter(|(id, other)| *id == record || other.escalates == Some(*record))
                    .map(|(id, other)| (*id, other))
                    .collect();
                called.sort_by_key(|(id, page)| (page.step, page.at, *id));
                let paged: Vec<Paged> = called.iter().map(|(_, page)| paged(page)).collect();
                let stand =
                    page.team.as_ref().map(|team| stand(playbook, team, page.at, &paged, now));
                Calling { record: *record, page, called, stand }
            })
            .collect();
        callings.sort_by_key(|one| (std::cmp::Reverse(one.page.at), one.record));
        callings
    }

    /// Who reports to the commander directly: leads of workstreams that are under no other, holders of
    /// roles, owners of tasks outside workstreams. Each person once.
    pub fn direct_reports(&self) -> BTreeSet<&Actor> {
        let is_open = |id: &RecordId| {
            self.workstreams.get(id).is_some_and(|workstream| workstream.closed.is_none())
        };
        let leads = self
            .open_workstreams()
            .filter(|(_, one)| !one.parent.as_ref().is_some_and(is_open))
            .map(|(_, one)| &one.lead);
        let holders = self
            .roles
            .iter()
            .filter(|(role, _)| **role != Role::Observer)
            .flat_map(|(_, holders)| holders.iter().map(|holder| &holder.who));
        let owners = self
            .tasks
            .values()
            .filter(|task| task.ended.is_none() && !task.workstream.as_ref().is_some_and(is_open))
            .map(|task| &task.owner);
        let commander = self.command.as_ref().map(|command| &command.commander);
        leads.chain(holders).chain(owners).filter(|who| Some(*who) != commander).collect()
    }

    /// Decisions that were taken and are to be looked at again by now.
    pub fn due_reviews(&self, now: Timestamp) -> Vec<(RecordId, &Decision)> {
        let mut due: Vec<(RecordId, &Decision)> = self
            .decisions
            .iter()
            .filter(|(_, one)| one.outcome.as_ref().is_some_and(|o| o.taken.is_some()))
            .filter(|(_, one)| one.reviewed.is_none() && one.review.is_some_and(|at| at <= now))
            .map(|(id, one)| (*id, one))
            .collect();
        due.sort_by_key(|(id, one)| (one.review, *id));
        due
    }
}

fn paged(page: &Page) -> Paged {
    Paged {
        step: page.step,
        whom: SafeText::new(page.whom.name()),
        at: page.at,
        answer: page.answer.as_ref().map(|(at, coming, _)| (*at, *coming)),
    }
}
