//! Golden signals of the services looked at, with their usual range.

use std::collections::BTreeMap;

use crate::domain::{Band, Series, ServiceId, Signal, Timestamp};

/// One signal's line and band.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SignalView {
    /// The line; empty when the query gave nothing.
    pub series: Series,
    /// What is usual; empty while there is not enough history.
    pub band: Band,
    /// When the line was fetched; `None` before the first answer.
    pub at: Option<Timestamp>,
}

/// All signals known.
#[derive(Debug, Clone, Default)]
pub struct SignalBook {
    /// By service and signal.
    pub by_service: BTreeMap<ServiceId, BTreeMap<Signal, SignalView>>,
}
