//! What changed: the changes every source told of, as it told them last.

use std::collections::BTreeMap;

use crate::domain::{Change, SourceId, Timestamp};

/// Changes by source, with when the source last told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChangeBook {
    told: BTreeMap<SourceId, (Timestamp, Vec<Change>)>,
}

impl ChangeBook {
    /// A source tells all it knows of; it replaces what it told before. Whether that is news.
    pub(super) fn report(&mut self, source: &SourceId, at: Timestamp, told: Vec<Change>) -> bool {
        let before = self.told.insert(source.clone(), (at, told));
        before.map(|(_, told)| told).as_ref() != self.told.get(source).map(|(_, told)| told)
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
