//! Silences of every Alertmanager, merged by site and id, and which of them we made.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::domain::{
    Operation, Outcome, Silence, SilenceId, SilenceState, SiteId, SourceId, Timestamp,
};

use super::Journal;

/// All silences known.
#[derive(Debug, Clone, Default)]
pub struct SilenceBook {
    /// As each source reported them, newest end first.
    pub by_source: BTreeMap<SourceId, Vec<Silence>>,
    /// Each once per site: active ones first (soonest end first), then pending (soonest start
    /// first), then expired (latest end first).
    pub all: Vec<Silence>,
}

impl SilenceBook {
    /// Takes in all silences of one Alertmanager. Whether anything changed.
    pub(super) fn report(&mut self, source: &SourceId, mut seen: Vec<Silence>) -> bool {
        seen.sort_by(|a, b| b.ends_at.cmp(&a.ends_at).then_with(|| a.id.cmp(&b.id)));
        if self.by_source.get(source).is_some_and(|known| *known == seen) {
            return false;
        }
        self.by_source.insert(source.clone(), seen);
        let mut merged: BTreeMap<(&SiteId, &SilenceId), &Silence> = BTreeMap::new();
        for silence in self.by_source.values().flatten() {
            let known = merged.entry((&silence.site, &silence.id)).or_insert(silence);
            if strength(silence) > strength(known) {
                *known = silence;
            }
        }
        self.all = merged.into_values().cloned().collect();
        self.all.sort_by_key(order);
        true
    }

    /// Silences that mute now.
    pub fn active(&self) -> impl Iterator<Item = &Silence> {
        self.all.iter().filter(|s| s.state == SilenceState::Active)
    }

    /// Silences that mute now or will.
    pub fn current(&self) -> impl Iterator<Item = &Silence> {
        self.all.iter().filter(|s| s.state != SilenceState::Expired)
    }

    /// The silence with this id at this site.
    pub fn get(&self, site: &SiteId, id: &SilenceId) -> Option<&Silence> {
        self.all.iter().find(|s| s.id == *id && s.site == *site)
    }
}

/// When two Alertmanagers of a site disagree, the one that mutes is believed: that a notification
/// is missing is the worse surprise. Then the later end, then the first in order of name.
fn strength(silence: &Silence) -> (u8, Timestamp) {
    let state = match silence.state {
        SilenceState::Active => 2,
        SilenceState::Pending => 1,
        SilenceState::Expired => 0,
    };
    (state, silence.ends_at)
}

type Order = (u8, i64, Reverse<i64>, SiteId, SilenceId);

fn order(silence: &Silence) -> Order {
    let (class, rising, falling) = match silence.state {
        SilenceState::Active => (0, silence.ends_at.millis(), 0),
        SilenceState::Pending => (1, silence.starts_at.millis(), 0),
        SilenceState::Expired => (2, 0, silence.ends_at.millis()),
    };
    (class, rising, Reverse(falling), silence.site.clone(), silence.id.clone())
}

impl Journal {
    /// Whether this silence was made from here: an operation of ours ended with its id.
    pub fn made(&self, site: &SiteId, id: &SilenceId) -> bool {
        self.operations.values().any(|open| {
            matches!((&open.operation, &open.outcome),
                (Operation::Silence { site: at, .. }, Some(Outcome::Done { id: Some(made) }))
                    if at == site && made == id)
        })
    }
}
