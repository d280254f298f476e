//! What watches each service, and who comes when it calls: the matrix of what would go unseen.
//!
//! Written down is not seen: a cell says apart whether a thing gives data now, is merely declared, was
//! asked and gives nothing, or is missing. Only the first may be shown in the colour of health.

use std::collections::{BTreeMap, BTreeSet};

use super::Model;
use super::map::end;
use crate::analysis::oncall;
use crate::domain::{Freshness, MeasureId, Reading, Service, ServiceId, Span, TeamId};

/// Data no older than this is seen now.
const RECENT: Span = Span::from_mins(5);

/// What can watch a service, or has to be there when it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Watched {
    /// A golden signal.
    Metric,
    /// An alerting rule that names it.
    Alert,
    /// An objective.
    Objective,
    /// Its processes.
    Liveness,
    /// Calls to it, as its callers see them.
    Calls,
    /// A supplier's status page.
    Feed,
    /// What to do.
    Runbook,
    /// Whose it is.
    Owner,
    /// Who comes now.
    OnCall,
}

impl Watched {
    /// In the order of the matrix.
    pub const ALL: [Self; 9] = [
        Self::Metric,
        Self::Alert,
        Self::Objective,
        Self::Liveness,
        Self::Calls,
        Self::Feed,
        Self::Runbook,
        Self::Owner,
        Self::OnCall,
    ];

    /// A word for a column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Metric => "metric",
            Self::Alert => "alert",
            Self::Objective => "SLO",
            Self::Liveness => "alive",
            Self::Calls => "calls",
            Self::Feed => "feed",
            Self::Runbook => "runbook",
            Self::Owner => "owner",
            Self::OnCall => "on-call",
        }
    }

    /// The letter of a cell, another for each column.
    pub const fn letter(self) -> char {
        match self {
            Self::Metric => 'M',
            Self::Alert => 'A',
            Self::Objective => 'S',
            Self::Liveness => 'L',
            Self::Calls => 'C',
            Self::Feed => 'F',
            Self::Runbook => 'R',
            Self::Owner => 'O',
            Self::OnCall => 'P',
        }
    }

    /// Whether every service should have it; the others fit some services only.
    pub const fn is_expected(self) -> bool {
        !matches!(self, Self::Liveness | Self::Calls | Self::Feed)
    }

    /// Whether it is about the service itself, not about who comes.
    const fn is_watching(self) -> bool {
        !matches!(self, Self::Runbook | Self::Owner | Self::OnCall)
    }
}

/// One cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cover {
    /// It is there, and gives data or can be read now.
    Seen,
    /// It is written down; nobody has looked lately whether it works.
    Declared,
    /// It is written down and was asked, and gives nothing.
    Silent,
    /// It is not there.
    Missing,
}

impl Cover {
    /// As printed.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Declared => "declared",
            Self::Silent => "silent",
            Self::Missing => "missing",
        }
    }
}

/// A row of the matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// Which service.
    pub service: ServiceId,
    /// In the order of [`Watched::ALL`].
    pub cells: [Cover; Watched::ALL.len()],
}

impl Coverage {
    /// One of its cells.
    pub const fn of(&self, what: Watched) -> Cover {
        self.cells[what as usize]
    }

    /// What every service should have and this one has not, or has to no effect.
    pub fn lacking(&self) -> impl Iterator<Item = Watched> {
        let is_lacking = |what: &Watched| {
            what.is_expected() && matches!(self.of(*what), Cover::Missing | Cover::Silent)
        };
        Watched::ALL.into_iter().filter(is_lacking)
    }

    /// Whether nothing at all would notice that it fails.
    pub fn is_unwatched(&self) -> bool {
        let watches = |what: &Watched| {
            what.is_watching() && !matches!(self.of(*what), Cover::Missing | Cover::Silent)
        };
        !Watched::ALL.iter().any(watches)
    }

    /// What it comes to, in one sentence.
    pub fn told(&self) -> String {
        let lacking: Vec<&str> = self.lacking().map(Watched::name).collect();
        let silent = Watched::ALL.into_iter().filter(|what| self.of(*what) == Cover::Silent);
        let silent: Vec<&str> = silent.map(Watched::name).collect();
        let mut told = match (self.is_unwatched(), lacking.as_slice()) {
            (true, _) => "nothing watches it".to_owned(),
            (false, []) => "all that is expected is there".to_owned(),
            (false, some) => format!("lacks {}", some.join(", ")),
        };
        if !silent.is_empty() {
            told.push_str("; gives nothing: ");
            told.push_str(&silent.join(", "));
        }
        told
    }
}

impl Model {
    /// The matrix: every service of the catalog and every one that is seen called. What nothing watches
    /// comes first, then what lacks most.
    pub fn coverage(&self) -> Vec<Coverage> {
        let mut seen: BTreeMap<ServiceId, [Cover; Watched::ALL.len()]> = BTreeMap::new();
        for service in self.catalog.services.values() {
            seen.insert(service.id.clone(), self.declared(service));
        }
        let mut note = |id: &ServiceId, what: Watched, cover: Cover| {
            let cells = seen.entry(id.clone()).or_insert([Cover::Missing; Watched::ALL.len()]);
            // Of several the best counts: one that works watches it.
            cells[what as usize] = cells[what as usize].min(cover);
        };
        for slo in self.catalog.slos.values() {
            let status = self.slos.status(&slo.id);
            let burns = status.into_iter().flat_map(|status| &status.burns).map(|burn| burn.rate);
            let held = status.into_iter().flat_map(|status| &status.conditions);
            let mut rates = burns.chain(held.flat_map(|one| [one.long, one.short]));
            let fresh = status.and_then(|s| s.at).is_some_and(|at| self.now.since(at) <= RECENT);
            let cover = if !fresh {
                Cover::Declared
            } else if rates.any(|rate| matches!(rate, Reading::Value(_) | Reading::NaN)) {
                Cover::Seen
            } else {
                Cover::Silent
            };
            note(&slo.service, Watched::Objective, cover);
        }
        for edges in self.catalog.edges.values() {
            let Some(answer) = self.measures.get(&MeasureId::Calls(edges.id.clone())) else {
                continue;
            };
            let (_, freshness) = self.age_of(&answer.source, answer.at);
            let cover = fresh_or(freshness, Cover::Silent);
            let callees: BTreeSet<ServiceId> = answer
                .found
                .iter()
                .filter_map(|calls| end(&self.catalog, &calls.labels, &edges.to))
                .collect();
            callees.iter().for_each(|callee| note(callee, Watched::Calls, cover));
        }
        for view in self.vendors() {
            let cover = match view.age {
                _ if view.vendor.feed.is_none() => continue,
                None => Cover::Declared,
                Some(_) if view.says.is_none() => Cover::Silent,
                Some((_, freshness)) => fresh_or(freshness, Cover::Silent),
            };
            note(&view.vendor.service, Watched::Feed, cover);
        }
        for rule in self.rules.values().flat_map(|seen| &seen.rules) {
            let cover = if rule.error.is_empty() { Cover::Seen } else { Cover::Silent };
            // Names stand in an expression as label values, alone or as branches of a pattern.
            for word in rule.expr.split(['"', '\'', '`', '|', '(', ')']) {
                if let Some((id, _)) = self.catalog.services.get_key_value(word) {
                    note(id, Watched::Alert, cover);
                }
            }
        }
        let rows = seen.into_iter().map(|(service, cells)| Coverage { service, cells });
        let mut rows: Vec<Coverage> = rows.collect();
        rows.sort_by_key(|row| (!row.is_unwatched(), std::cmp::Reverse(row.lacking().count())));
        rows
    }

    /// What a service's own entry says, and what of it is seen.
    fn declared(&self, service: &Service) -> [Cover; Watched::ALL.len()] {
        let mut cells = [Cover::Missing; Watched::ALL.len()];
        let mut set = |what: Watched, cover: Cover| cells[what as usize] = cover;
        if !service.signals.is_empty() {
            set(Watched::Metric, self.metric(service));
        }
        if service.alive.is_some() {
            let cover = match self.answered(&MeasureId::Alive(service.id.clone())) {
                None => Cover::Declared,
                Some(([], _)) => Cover::Silent,
                Some((_, (_, freshness))) => fresh_or(freshness, Cover::Silent),
            };
            set(Watched::Liveness, cover);
        }
        if !service.runbook.is_empty() {
            let read = service.runbook_text.is_some();
            set(Watched::Runbook, if read { Cover::Seen } else { Cover::Declared });
        }
        if !service.owner.is_empty() {
            let team = self.playbook.teams.get(&TeamId::new(service.owner.as_str()));
            set(Watched::Owner, if team.is_some() { Cover::Seen } else { Cover::Declared });
            if let Some(team) = team {
                let shift = oncall::on_call(team, self.now);
                // A plan that its pager cannot be asked about any more was written down by somebody.
                let plan =
                    team.pager_plan().filter(|_| shift.as_ref().is_some_and(|s| s.told.is_some()));
                let cover = match (&shift, plan) {
                    (None, _) => Cover::Silent,
                    (Some(_), Some(plan)) if !self.plan_is_fresh(plan) => Cover::Declared,
                    (Some(_), _) => Cover::Seen,
                };
                set(Watched::OnCall, cover);
            }
        }
        cells
    }

    /// Whether its golden signals give data. Only the service that is looked at is asked all the time.
    fn metric(&self, service: &Service) -> Cover {
        let views = self.signals.by_service.get(&service.id);
        let fresh: Vec<bool> = views
            .into_iter()
            .flat_map(BTreeMap::values)
            .filter(|view| view.at.is_some_and(|at| self.now.since(at) <= RECENT))
            .map(|view| view.series.points.last().is_some_and(|(_, value)| !value.is_nan()))
            .collect();
        match fresh.as_slice() {
            [] => Cover::Declared,
            some if some.contains(&true) => Cover::Seen,
            _ => Cover::Silent,
        }
    }
}

fn fresh_or(freshness: Freshness, old: Cover) -> Cover {
    if freshness == Freshness::Fresh { Cover::Seen } else { old }
}
