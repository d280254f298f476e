//! Degradation ladders: the steps of a service that do less so that the rest goes on, from the mildest up.
//! Where it stands follows from the runs in the log: a rung is reached while the newest run of its procedure
//! took effect, and no run of what takes it back has since.

use crate::domain::{
    Outcome, Procedure, ProcedureId, ProcedureKind, SafeText, ServiceId, Timestamp,
};
use crate::eventlog::RecordId;

use super::Model;
use super::incidents::Run;

/// How a rung stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RungStands {
    /// Not taken, or taken back.
    Free,
    /// Released, and its last step has not ended.
    UnderWay,
    /// It took effect then, and was not taken back.
    Reached(Timestamp),
    /// A step of it has an outcome nobody knows: it may be in force.
    Unknown,
}

/// One step of the ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    /// Its place, from 1, the mildest.
    pub number: u16,
    /// The procedure.
    pub procedure: ProcedureId,
    /// What it is called.
    pub title: SafeText,
    /// How it stands.
    pub stands: RungStands,
    /// What takes it back.
    pub undo: Option<ProcedureId>,
}

/// The ladder of a service, mildest rung first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder {
    /// Whose.
    pub service: ServiceId,
    /// Its rungs.
    pub rungs: Vec<Rung>,
}

impl Ladder {
    /// The highest rung that is reached.
    pub fn reached(&self) -> Option<&Rung> {
        self.rungs.iter().rev().find(|one| matches!(one.stands, RungStands::Reached(_)))
    }

    /// The next rung up: the first that is free above all that are taken, or may be.
    pub fn next(&self) -> Option<&Rung> {
        let taken = self.rungs.iter().rposition(|one| one.stands != RungStands::Free);
        self.rungs.get(taken.map_or(0, |at| at + 1))
    }

    /// The way down: what takes the highest reached rung back.
    pub fn back(&self) -> Option<&ProcedureId> {
        self.reached()?.undo.as_ref()
    }

    /// Rungs below one that are free: to take it is to leave them out.
    pub fn left_out(&self, number: u16) -> impl Iterator<Item = &Rung> {
        let below = self.rungs.iter().filter(move |one| one.number < number);
        below.filter(|one| one.stands == RungStands::Free)
    }

    /// As it is drawn, the highest rung first: a mark, its number, how it stands, what it is.
    pub fn lines(&self, clock: impl Fn(Timestamp) -> String) -> Vec<SafeText> {
        let (reached, next) = (self.reached(), self.next());
        let line = |one: &Rung| {
            let is = |other: Option<&Rung>| other.is_some_and(|o| o.procedure == one.procedure);
            let (mark, words) = match one.stands {
                RungStands::Reached(at) if is(reached) => {
                    ("●", format!("here since {}: ", clock(at)))
                }
                RungStands::Reached(at) => ("●", format!("taken {}: ", clock(at))),
                RungStands::UnderWay => ("…", "under way: ".to_owned()),
                RungStands::Unknown => ("?", "nobody can tell: ".to_owned()),
                RungStands::Free if is(next) => ("▲", "next up: ".to_owned()),
                RungStands::Free => ("○", String::new()),
            };
            let back = match &one.undo {
                Some(undo) if is(reached) => format!("; back by {undo}"),
                None if is(reached) => "; no way back is declared".to_owned(),
                _ => String::new(),
            };
            SafeText::new(&format!("{mark} {} {words}{}{back}", one.number, one.title))
        };
        let ground = match reached {
            None if self.rungs.iter().all(|one| one.stands == RungStands::Free) => {
                "● 0 here: nothing is switched off"
            }
            _ => "○ 0 nothing is switched off",
        };
        let rungs = self.rungs.iter().rev().map(line);
        rungs.chain([SafeText::new(ground)]).collect()
    }
}

impl Model {
    /// The ladder of a service; `None` when no rung is declared for it.
    pub fn ladder(&self, service: &ServiceId) -> Option<Ladder> {
        let all = self.playbook.procedures.procedures.values();
        let steps = all.filter(|one| one.service == *service && is_rung(one));
        let mut rungs: Vec<Rung> = steps
            .filter_map(|one| {
                Some(Rung {
                    number: one.rung?,
                    procedure: one.id.clone(),
                    title: one.title.clone(),
                    stands: self.rung_stands(one),
                    undo: one.undo.clone(),
                })
            })
            .collect();
        rungs.sort_by_key(|one| (one.number, one.procedure.clone()));
        (!rungs.is_empty()).then(|| Ladder { service: service.clone(), rungs })
    }

    /// Every ladder, by service.
    pub fn ladders(&self) -> Vec<Ladder> {
        let all = self.playbook.procedures.procedures.values().filter(|one| is_rung(one));
        let mut services: Vec<&ServiceId> = all.map(|one| &one.service).collect();
        services.sort();
        services.dedup();
        services.into_iter().filter_map(|service| self.ladder(service)).collect()
    }

    /// The newest run that took effect and that a procedure takes back, when nothing has taken it back yet.
    pub fn undone_by(&self, undo: &ProcedureId) -> Option<(RecordId, &Run)> {
        let all = self.playbook.procedures.procedures.values();
        let of = all.filter(|one| one.undo.as_ref() == Some(undo) && one.id != *undo);
        let in_force = of.filter_map(|one| self.in_force(&one.id, Some(undo)));
        in_force.max_by_key(|(at, id, _)| (*at, *id)).map(|(_, id, run)| (id, run))
    }

    fn rung_stands(&self, procedure: &Procedure) -> RungStands {
        if let Some((at, ..)) = self.in_force(&procedure.id, procedure.undo.as_ref()) {
            return RungStands::Reached(at);
        }
        let newest = self.runs_with_ids(&procedure.id).max_by_key(|(id, run)| (run.at, *id));
        let Some((_, run)) = newest.filter(|(_, run)| run.released.is_some()) else {
            return RungStands::Free;
        };
        let outcomes = || {
            let of = |request| self.journal.operations.get(request)?.outcome.as_ref();
            run.steps.values().map(of)
        };
        if outcomes().flatten().any(|one| matches!(one, Outcome::Unknown { .. })) {
            return RungStands::Unknown;
        }
        let failed =
            |one: &Outcome| matches!(one, Outcome::Failed { .. } | Outcome::Refused { .. });
        if self.took_effect(run).is_some()
            || run.stopped.is_some()
            || outcomes().flatten().any(failed)
        {
            return RungStands::Free;
        }
        RungStands::UnderWay
    }

    /// The newest run of a procedure that took effect, unless a run of what takes it back has since.
    fn in_force<'m>(
        &'m self,
        procedure: &ProcedureId,
        undo: Option<&ProcedureId>,
    ) -> Option<(Timestamp, RecordId, &'m Run)> {
        let effects = |id: &ProcedureId| self.effects_of(id).max_by_key(|(at, id, _)| (*at, *id));
        let newest = effects(procedure)?;
        let back = undo.and_then(effects);
        (back.is_none_or(|back| (back.0, back.1) < (newest.0, newest.1))).then_some(newest)
    }

    fn effects_of<'m, 'i>(
        &'m self,
        id: &'i ProcedureId,
    ) -> impl Iterator<Item = (Timestamp, RecordId, &'m Run)> + use<'m, 'i> {
        self.runs_with_ids(id).filter_map(|(id, run)| Some((self.took_effect(run)?, id, run)))
    }

    fn runs_with_ids<'m, 'i>(
        &'m self,
        id: &'i ProcedureId,
    ) -> impl Iterator<Item = (RecordId, &'m Run)> + use<'m, 'i> {
        let all = self.incidents.incidents.values().flat_map(|one| &one.runs);
        all.filter(move |(_, run)| run.procedure == *id).map(|(id, run)| (*id, run))
    }

    /// When the last step of a run took effect: when its outcome was recorded.
    pub fn took_effect(&self, run: &Run) -> Option<Timestamp> {
        let last = u16::try_from(run.orders.len().checked_sub(1)?).ok()?;
        let request = run.steps.get(&last)?;
        let done = self.journal.operations.get(request)?.outcome.as_ref()?.is_done();
        self.journal.ended_at(*request).filter(|_| done)
    }
}

fn is_rung(procedure: &Procedure) -> bool {
    procedure.kind == ProcedureKind::Degradation && procedure.rung.is_some()
}
