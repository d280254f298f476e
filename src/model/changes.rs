//! What changed: the changes every source told of, as it told them last, and what they are to the trouble.

use std::collections::BTreeMap;

use super::Model;
use crate::analysis::suspects;
use crate::domain::{Change, SafeText, ServiceId, SourceId, Span, Timestamp};

/// A change longer before the trouble than this is not compared with it.
const SUSPECT: Span = Span::from_hours(24);
/// Most changes compared at once, the newest.
const MOST_SUSPECTS: usize = 100;

/// A change beside the trouble that goes on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fed<'a> {
    /// The change.
    pub change: &'a Change,
    /// How long after the trouble began; negative: before it. `None` when nothing hurts.
    pub lag: Option<Span>,
    /// Whether it is of a service that is compared for what hurts: it could have reached it.
    pub on_path: bool,
}

/// Changes by source, with when the source last told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChangeBook {
    told: BTreeMap<SourceId, (Timestamp, Vec<Change>)>,
    left_out: BTreeMap<SourceId, Vec<SafeText>>,
}

impl ChangeBook {
    /// A source tells all it knows of; it replaces what it told before. Whether that is news.
    pub(super) fn report(&mut self, source: &SourceId, at: Timestamp, told: Vec<Change>) -> bool {
        let before = self.told.insert(source.clone(), (at, told));
        before.map(|(_, told)| told).as_ref() != self.told.get(source).map(|(_, told)| told)
    }

    /// A source names what could not be read of it. Whether that is news.
    pub(super) fn leave_out(&mut self, source: &SourceId, named: Vec<SafeText>) -> bool {
        let before = self.left_out.insert(source.clone(), named);
        before.as_ref() != self.left_out.get(source)
    }

    /// What one source told last; `None` when it never did.
    pub fn told_by(&self, source: &SourceId) -> Option<&[Change]> {
        self.told.get(source).map(|(_, told)| told.as_slice())
    }

    /// What could not be read of a source, the newest last.
    pub fn left_out(&self, source: &SourceId) -> &[SafeText] {
        self.left_out.get(source).map_or(&[], Vec::as_slice)
    }

    /// All of them, newest first.
    pub fn newest_first(&self) -> Vec<&Change> {
        let mut all: Vec<&Change> = self.told.values().flat_map(|(_, told)| told).collect();
        all.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.key.cmp(&b.key)));
        all
    }

    /// When each source last told; a source that is not here never did.
    pub fn told_at(&self) -> impl Iterator<Item = (&SourceId, Timestamp)> {
        self.told.iter().map(|(source, (at, _))| (source, *at))
    }
}

impl Model {
    /// When what hurts began, as well as it is known: as the incident that goes on says, else by the
    /// readings, else by whoever raised it.
    pub fn onset(&self) -> Option<Timestamp> {
        if let Some(said) = self.incidents.live().first().and_then(|incident| incident.onset) {
            return Some(said);
        }
        let concern = self.suspicion.concern()?;
        let found = self.suspicion.latest().map(|found| &found.concern);
        // The ranking may still be about what hurt before.
        let same = found.filter(|f| f.service == concern.service && f.slo == concern.slo);
        Some(same.unwrap_or(concern).onset)
    }

    /// All changes, newest first, each beside the trouble that goes on.
    pub fn feed(&self) -> Vec<Fed<'_>> {
        let (onset, compared) = (self.onset(), self.suspicion.compared());
        let fed = self.changes.newest_first().into_iter().map(|change| Fed {
            change,
            lag: onset.map(|onset| change.at.since(onset)),
            on_path: change.service.as_ref().is_some_and(|id| compared.contains(id)),
        });
        fed.collect()
    }

    /// What changed at the services compared, by their places, for the ranking.
    pub(super) fn suspect_changes(
        &self,
        services: &[ServiceId],
        onset: Timestamp,
        until: Timestamp,
    ) -> Vec<suspects::Change> {
        let near = |change: &&Change| change.at <= until && onset.since(change.at) <= SUSPECT;
        let told = self.changes.newest_first().into_iter().filter(near);
        let placed = told.filter_map(|change| {
            let service = services.iter().position(|id| Some(id) == change.service.as_ref())?;
            let (at, title) = (change.at, change.title.clone());
            Some(suspects::Change { at, service, kind: change.kind.name().into(), title })
        });
        placed.take(MOST_SUSPECTS).collect()
    }
}
