//! Silences of every Alertmanager.

use std::collections::BTreeMap;

use crate::domain::{Silence, SourceId};

/// All silences known.
#[derive(Debug, Clone, Default)]
pub struct SilenceBook {
    /// As each source reported them, newest end first.
    pub by_source: BTreeMap<SourceId, Vec<Silence>>,
}
