//! The only call to "now".

use std::time::{SystemTime, UNIX_EPOCH};

use crate::domain::Timestamp;

/// The machine's clock.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Minutes local time is ahead of UTC at present.
pub fn local_offset_minutes() -> i32 {
    chrono::Local::now().offset().local_minus_utc() / 60
}
