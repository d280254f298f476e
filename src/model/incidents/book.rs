//! All incidents: which record goes where, and who may not.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Actor, IncidentId, Operation, SafeText, TicketRef, Timestamp};
use crate::eventlog::{Denied, LogEvent, Policy, Power, RecordId, Recorded};

use super::dossier::{Dossier, Into};
use super::{FollowUp, Incident};

/// All incidents, and the fold that makes them.
#[derive(Debug, Clone, Default)]
pub struct IncidentBook {
    /// By id.
    pub incidents: BTreeMap<IncidentId, Incident>,
    /// Records that the policy refused, oldest first: they change nothing, but nobody may hide them.
    pub refused: Vec<RefusedRecord>,
    /// Requested messages that say they carry an update which was never validly published: nobody
    /// sends them.
    pub unfounded: BTreeSet<RecordId>,
    dossiers: BTreeMap<IncidentId, Dossier>,
    /// What was requested, with the incident where it is a run's step: an end names its request alone.
    steps: BTreeMap<RecordId, Option<IncidentId>>,
    /// Ends of requests that have not arrived.
    ends: BTreeMap<RecordId, Vec<Recorded>>,
}

/// A record that its writer was not allowed to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRecord {
    /// Which.
    pub id: RecordId,
    /// Who said they were the writer.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
    /// Its kind.
    pub kind: &'static str,
    /// Why.
    pub why: Denied,
}

/// The incident a record is about.
fn subject(event: &LogEvent) -> Option<&IncidentId> {
    match event {
        LogEvent::Incident { incident, .. } => Some(incident),
        LogEvent::OperationRequested { operation } => operation.incident(),
        _ => None,
    }
}

/// Whether the writer may say so.
pub(in crate::model) fn check(record: &Recorded, duties: &Policy) -> Result<(), Denied> {
    match &record.event {
        Some(event) => duties.allows(record.key, Power::needed(event), record.at),
        None => Ok(()),
    }
}

impl IncidentBook {
    /// Takes in one record. What is not about an incident is only looked at for whether it is refused.
    pub fn apply(&mut self, record: &Recorded, duties: &Policy) {
        let Some(event) = &record.event else { return };
        if let Err(why) = check(record, duties) {
            self.refuse(record, event.kind(), why);
        }
        let Some(id) = subject(event).cloned().or_else(|| self.ended(record, event)) else {
            return;
        };
        self.put(&id, record, duties);
        if let LogEvent::OperationRequested { operation } = event {
            let of_run = matches!(operation, Operation::Run { .. });
            self.steps.insert(record.id, of_run.then(|| id.clone()));
            let ends = self.ends.remove(&record.id).unwrap_or_default();
            ends.iter().filter(|_| of_run).for_each(|end| self.put(&id, end, duties));
        }
    }

    /// The incident in which a step ended. An end whose request has not arrived waits for it.
    fn ended(&mut self, record: &Recorded, event: &LogEvent) -> Option<IncidentId> {
        let LogEvent::OperationEnded { request, .. } = event else { return None };
        let known = self.steps.get(request);
        if known.is_none() {
            self.ends.entry(*request).or_default().push(record.clone());
        }
        known.cloned().flatten()
    }

    fn put(&mut self, id: &IncidentId, record: &Recorded, duties: &Policy) {
        let Self { incidents, unfounded, dossiers, .. } = self;
        if !dossiers.contains_key(id) {
            dossiers.insert(id.clone(), Dossier::default());
        }
        if let Some(dossier) = dossiers.get_mut(id) {
            dossier.apply(record, &mut Into { id, duties, incidents, unfounded });
        }
    }

    /// Judges every record anew by another policy. What the book has no need of itself, the records outside
    /// incidents, is handed in, so that what is refused of them is known.
    pub fn govern<'a>(&mut self, duties: &Policy, others: impl IntoIterator<Item = &'a Recorded>) {
        let Self { incidents, unfounded, dossiers, .. } = self;
        unfounded.clear();
        self.refused.clear();
        let mut refused = Vec::new();
        for (id, dossier) in dossiers {
            dossier.govern(&mut Into { id, duties, incidents, unfounded });
            refused.extend(dossier.kept().filter(|r| check(r, duties).is_err()).cloned());
        }
        refused.extend(others.into_iter().filter(|r| check(r, duties).is_err()).cloned());
        for record in refused {
            if let (Some(event), Err(why)) = (&record.event, check(&record, duties)) {
                self.refuse(&record, event.kind(), why);
            }
        }
    }

    /// Incidents that are going on, worst first, then oldest first.
    pub fn live(&self) -> Vec<&Incident> {
        let mut live: Vec<&Incident> = self
            .incidents
            .values()
            .filter(|one| one.status.is_live() && !self.goes_on_elsewhere(one))
            .collect();
        live.sort_by_key(|one| (one.severity, one.declared_at, one.id.clone()));
        live
    }

    /// Tickets whose changes matter: those of incidents that are going on, and those of follow-ups that
    /// are open or ended with their ticket, which may be taken up again.
    pub fn followed_tickets(&self) -> Vec<(IncidentId, TicketRef)> {
        let live = self.live().into_iter();
        let live = live.flat_map(|one| one.tickets.keys().map(|known| (one.id.clone(), known)));
        let follow_ups = self.incidents.values().flat_map(|one| {
            let open = one.review.follow_ups.values();
            let open = open.filter(|follow_up| follow_up.ended.is_none() || follow_up.by_ticket);
            open.filter_map(|follow_up| Some((one.id.clone(), &follow_up.ticket.as_ref()?.0)))
        });
        live.chain(follow_ups).map(|(id, ticket)| (id, ticket.clone())).collect()
    }

    /// Follow-ups of all reviews whose time is up, the one that waits longest first.
    pub fn overdue_follow_ups(&self, now: Timestamp) -> Vec<(&Incident, RecordId, &FollowUp)> {
        let all = self.incidents.values().flat_map(|incident| {
            let late = incident.review.follow_ups.iter().filter(|(_, one)| one.is_overdue(now));
            late.map(move |(id, one)| (incident, *id, one))
        });
        let mut late: Vec<_> = all.collect();
        late.sort_by_key(|(_, id, one)| (one.due, *id));
        late
    }

    /// The keys of the machine events that the log has, from `from` up to `to`, in their order.
    pub(super) fn machine_keys(
        &self,
        incident: &IncidentId,
        from: &str,
        to: &str,
    ) -> impl Iterator<Item = &SafeText> {
        self.dossiers.get(incident).into_iter().flat_map(move |dossier| dossier.saw(from, to))
    }

    /// Whether it was merged into an incident that is known. Two that were merged into each other both
    /// go on, so that neither is lost from sight.
    fn goes_on_elsewhere(&self, incident: &Incident) -> bool {
        let mut seen = BTreeSet::from([&incident.id]);
        let mut next = incident.merged_into.as_ref();
        let mut known = false;
        while let Some(into) = next.and_then(|id| self.incidents.get(id)) {
            if !seen.insert(&into.id) {
                return into.id != incident.id && known;
            }
            known = true;
            next = into.merged_into.as_ref();
        }
        known
    }

    fn refuse(&mut self, record: &Recorded, kind: &'static str, why: Denied) {
        let key = |one: &RefusedRecord| (one.at, one.id);
        let row = self.refused.partition_point(|one| key(one) < (record.at, record.id));
        if self.refused.get(row).is_some_and(|one| one.id == record.id) {
            return;
        }
        let (id, actor, at) = (record.id, record.actor.clone(), record.at);
        self.refused.insert(row, RefusedRecord { id, actor, at, kind, why });
    }
}
