//! What stands behind the services now: quorum, replicas' lag against what may be lost, processes that
//! are up, suppliers by their own word.
//!
//! Nothing here is well without an answer that is fresh: each view says how old what it rests on is.

use super::Model;
use crate::analysis::quorum::Quorum;
use crate::domain::{
    ComponentSeen, Consensus, Freshness, Labels, MeasureId, Measured, Recovery, RecoveryOption,
    Replication, SafeText, Service, ServiceId, SourceId, Span, Timestamp, Vendor, VendorState,
};

/// A consensus group as it was last seen.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsensusView<'a> {
    /// As declared.
    pub group: &'a Consensus,
    /// How it stands; `None` when nothing is known.
    pub quorum: Option<Quorum>,
    /// Members that are not healthy, by their labels.
    pub lost: Vec<Labels>,
    /// How old the answer is, and whether that is too old.
    pub age: Option<(Span, Freshness)>,
}

/// One replica.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplicaView {
    /// Which one.
    pub labels: Labels,
    /// How far it is behind; `None` when it does not say.
    pub lag: Option<Span>,
    /// Whether it is written to synchronously; `None` when that is not asked or not answered.
    pub synchronous: Option<bool>,
}

/// A service's copies as they were last seen.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplicationView<'a> {
    /// As declared.
    pub copies: &'a Replication,
    /// Each replica, the least behind first; those that do not say last.
    pub replicas: Vec<ReplicaView>,
    /// How old the answer is, and whether that is too old.
    pub age: Option<(Span, Freshness)>,
}

impl ReplicationView<'_> {
    /// What would be lost if the best replica took over now: its lag, and what happened since it was
    /// measured. `None` when no replica says how far it is behind.
    pub fn at_risk(&self) -> Option<Span> {
        let best = self.replicas.iter().find_map(|replica| replica.lag)?;
        Some(match self.age {
            Some((age, Freshness::Stale)) => Span::from_millis(best.millis() + age.millis()),
            _ => best,
        })
    }

    /// Whether no more would be lost than may be; `None` when nobody can say.
    pub fn within_rpo(&self) -> Option<bool> {
        self.at_risk().map(|risk| risk <= self.copies.rpo)
    }
}

/// Processes of a service that are up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Liveness {
    /// Up.
    pub up: usize,
    /// Seen at all.
    pub of: usize,
    /// How old the answer is.
    pub age: Span,
    /// Whether that is too old.
    pub freshness: Freshness,
}

/// A supplier by its own word.
#[derive(Debug, Clone, PartialEq)]
pub struct VendorView<'a> {
    /// As declared.
    pub vendor: &'a Vendor,
    /// The worst of the components that matter; `None` when the page was not read or names none of them.
    pub says: Option<VendorState>,
    /// The components that matter.
    pub components: Vec<&'a ComponentSeen>,
    /// Open incidents there: title, latest word, when.
    pub incidents: &'a [(SafeText, SafeText, Timestamp)],
    /// How old its word is, and whether that is too old.
    pub age: Option<(Span, Freshness)>,
}

impl Model {
    /// How old an answer is, and whether it is too old for its source. Also when the source fails.
    pub fn age_of(&self, source: &SourceId, at: Timestamp) -> (Span, Freshness) {
        let age = self.now.since(at);
        let stale = self.sources.get(source).is_none_or(|status| age > status.stale_after());
        (age, if stale { Freshness::Stale } else { Freshness::Fresh })
    }

    pub(super) fn answered(&self, of: &MeasureId) -> Option<(&[Measured], (Span, Freshness))> {
        let answer = self.measures.get(of)?;
        Some((&answer.found, self.age_of(&answer.source, answer.at)))
    }

    /// Every consensus group, the one that can lose least first.
    pub fn consensus(&self) -> Vec<ConsensusView<'_>> {
        let mut views: Vec<_> =
            self.catalog.consensus.values().map(|g| self.consensus_of(g)).collect();
        views.sort_by_key(|view| view.quorum.map(|q| q.margin().map_or(0, |m| m + 1)));
        views
    }

    fn consensus_of<'a>(&self, group: &'a Consensus) -> ConsensusView<'a> {
        let members = self.answered(&MeasureId::Members(group.id.clone()));
        let Some((members, age)) = members.filter(|(found, _)| !found.is_empty()) else {
            return ConsensusView {
                group,
                quorum: None,
                lost: Vec::new(),
                age: members.map(|m| m.1),
            };
        };
        let well = |m: &&Measured| m.value.value().is_some_and(|value| value >= 1.0);
        let count = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        let healthy = count(members.iter().filter(well).count());
        let voters = group.voters.unwrap_or_else(|| count(members.len()));
        let leader = self
            .answered(&MeasureId::Leader(group.id.clone()))
            .filter(|(found, _)| !found.is_empty())
            .map(|(found, _)| found.iter().any(|m| well(&m)));
        let lost = members.iter().filter(|m| !well(m)).map(|m| m.labels.clone()).collect();
        ConsensusView {
            group,
            quorum: Some(Quorum::seen(voters, healthy, count(members.len()) - healthy, leader)),
            lost,
            age: Some(age),
        }
    }

    /// Every set of copies.
    pub fn replication(&self) -> Vec<ReplicationView<'_>> {
        self.catalog.replication.values().map(|copies| self.replication_of(copies)).collect()
    }

    fn replication_of<'a>(&self, copies: &'a Replication) -> ReplicationView<'a> {
        let key = |labels: &Labels| -> Vec<SafeText> {
            copies.per.iter().map(|name| SafeText::new(labels.get(name))).collect()
        };
        let modes = self.answered(&MeasureId::Synchronous(copies.id.clone()));
        let mode = |labels: &Labels| {
            let (found, _) = modes?;
            let same = |m: &&Measured| match copies.per.is_empty() {
                true => m.labels == *labels,
                false => key(&m.labels) == key(labels),
            };
            found.iter().find(same)?.value.value().map(|value| value >= 1.0)
        };
        let Some((found, age)) = self.answered(&MeasureId::Lag(copies.id.clone())) else {
            return ReplicationView { copies, replicas: Vec::new(), age: None };
        };
        let lag = |m: &Measured| {
            let seconds = m.value.value().filter(|s| s.is_finite())?;
            // A replica may be ahead of what the primary last said; it is then not behind.
            Some(Span::from_millis((seconds.max(0.0) * 1_000.0) as i64))
        };
        let mut replicas: Vec<ReplicaView> = found
            .iter()
            .map(|m| ReplicaView {
                labels: m.labels.clone(),
                lag: lag(m),
                synchronous: mode(&m.labels),
            })
            .collect();
        replicas.sort_by(|a, b| {
            (a.lag.is_none(), a.lag, &a.labels).cmp(&(b.lag.is_none(), b.lag, &b.labels))
        });
        ReplicationView { copies, replicas, age: Some(age) }
    }

    /// How many of a service's processes are up; `None` when nobody asks or nothing answered.
    pub fn liveness(&self, service: &ServiceId) -> Option<Liveness> {
        let (found, (age, freshness)) = self.answered(&MeasureId::Alive(service.clone()))?;
        if found.is_empty() {
            return None;
        }
        let up = found.iter().filter(|m| m.value.value().is_some_and(|v| v >= 1.0)).count();
        Some(Liveness { up, of: found.len(), age, freshness })
    }

    /// Every supplier, the worst by its own word first; those that say nothing before those that are well.
    pub fn vendors(&self) -> Vec<VendorView<'_>> {
        let mut views: Vec<_> = self.catalog.vendors.values().map(|v| self.vendor(v)).collect();
        let rank = |view: &VendorView<'_>| match view.says {
            Some(VendorState::Operational) => 2,
            None => 1,
            Some(_) => 0,
        };
        views.sort_by_key(|view| (rank(view), std::cmp::Reverse(view.says)));
        views
    }

    fn vendor<'a>(&'a self, vendor: &'a Vendor) -> VendorView<'a> {
        let feed = vendor.feed.as_ref().and_then(|id| Some((id, self.feeds.get(id)?)));
        let Some((source, (at, feed))) = feed else {
            return VendorView {
                vendor,
                says: None,
                components: Vec::new(),
                incidents: &[],
                age: None,
            };
        };
        let matters = |c: &&ComponentSeen| {
            vendor.components.is_empty() || vendor.components.contains(&c.name)
        };
        let components: Vec<_> = feed.components.iter().filter(matters).collect();
        let says = components.iter().map(|c| c.state).max();
        let age = Some(self.age_of(source, *at));
        VendorView { vendor, says, components, incidents: &feed.incidents, age }
    }

    /// Ways to bring a service back, quickest first within what its data allows: what keeps nothing is
    /// never restored, and a fail-over that would lose more than may be lost comes last, with the reason.
    pub fn recovery(&self, service: &Service) -> Vec<(RecoveryOption, Option<SafeText>)> {
        let copies = self.replication().into_iter().find(|view| view.copies.service == service.id);
        let mut options: Vec<(RecoveryOption, Option<SafeText>)> = service
            .recovery
            .iter()
            .filter(|option| !(service.stateless == Some(true) && option.way == Recovery::Restore))
            .map(|option| {
                let doubt = match (option.way, &copies) {
                    (Recovery::FailOver, Some(view)) => match view.at_risk() {
                        None => Some("how far the replicas are behind is not known".into()),
                        Some(risk) if risk > view.copies.rpo => Some(SafeText::new(&format!(
                            "{risk} of data would be lost, {} may be",
                            view.copies.rpo
                        ))),
                        Some(_) => None,
                    },
                    _ => None,
                };
                (option.clone(), doubt)
            })
            .collect();
        options.sort_by_key(|(option, doubt)| {
            (doubt.is_some(), option.takes.is_none(), option.takes, option.way)
        });
        options
    }
}
